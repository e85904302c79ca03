"""Tools for patching moto: the placing of a patch, and a store for what moto has no field for.

Knows nothing of any AWS service. Start reading at `replace`.
"""

import functools


def replace(owner, name):
    """Decorator: puts a function in the place of `owner.name`; it is given the original first, then the usual arguments."""

    def decorate(function):
        original = getattr(owner, name)

        @functools.wraps(original)
        def patched(*arguments, **named):
            return function(original, *arguments, **named)

        setattr(owner, name, patched)
        return patched

    return decorate


def add(owner, name=None):
    """Decorator: gives `owner` an operation or method that moto does not have."""

    def decorate(function):
        setattr(owner, name or function.__name__, function)
        return function

    return decorate


def notes(backend):
    """The dictionary in which patches keep things per account and region.

    It hangs on moto's backend object, so that moto's own reset empties it too.
    """
    return backend.__dict__.setdefault("_account_notes", {})


def notes_of(backend, subject):
    """The part of the notes that is about one subject, such as `tokens`."""
    return notes(backend).setdefault(subject, {})


def tag_dict(tags):
    """`[{Key, Value}]` (or ECS's lower-case form) as a dictionary."""
    pairs = {}
    for tag in tags or []:
        key = tag.get("Key", tag.get("key", tag.get("TagKey")))
        pairs[key] = tag.get("Value", tag.get("value", tag.get("TagValue"))) or ""
    return pairs


def tag_list(tags):
    """The inverse of `tag_dict`, in the usual spelling."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


class Tokens:
    """Client tokens: the same token gives back what the first call made.

    AWS compares the parameters too and refuses a token that comes with other ones; `mismatch` says with which code.
    """

    def __init__(self, backend, operation):
        self.seen = notes_of(backend, "tokens").setdefault(operation, {})

    def recall(self, token, fingerprint, mismatch):
        """The object that the token made before, or None; raises `mismatch()` when the parameters differ."""
        if not token or token not in self.seen:
            return None
        before, made = self.seen[token]
        if before != fingerprint:
            mismatch()
        return made

    def remember(self, token, fingerprint, made):
        if token:
            self.seen[token] = (fingerprint, made)
