"""Handlers of types whose objects stand in moto: what they have in common.

They use the APIs of the services, as AWS's handlers do. What moto has no place for is kept beside the object, by type and identifier.
"""

from calling import Failure
from cloudcontrol_store import as_read, cloudcontrol_backends, new_name


class Standing:
    """A subclass has `create`, `look`, `update`, `delete` and `list`. `BESIDE` are the properties that moto has no place for."""

    BESIDE = ()

    def __init__(self, kind, call):
        self.kind = kind
        self.call = call
        self.backend = cloudcontrol_backends[call.account][call.region]
        self.beside = self.backend.beside.setdefault(kind.name, {})

    def read(self, keys):
        found = {name: value for name, value in self.look(keys).items() if value is not None}
        return as_read(self.kind, {**found, **self.beside.get(self.kind.identifier_of(keys), {})})

    def keep_beside(self, keys, model):
        kept = {name: model[name] for name in self.BESIDE if name in model and name not in self.kind.write_only}
        self.beside[self.kind.identifier_of(keys)] = kept

    def named(self, model, name):
        """The model with a name, which the handler makes where it is left out."""
        return model if name in model else {**model, name: new_name(self.kind)}

    def missing(self, what):
        return Failure(self.kind.name, "NotFound", f"{what} was not found", 404)

    def taken(self, identifier):
        return Failure(self.kind.name, "AlreadyExists", f"{identifier} already exists", 409, identifier)

    def exists(self, keys):
        try:
            self.look(keys)
        except Failure as failure:
            if "NotFound" in failure.code or "NonExistent" in failure.code or "DoesNotExist" in failure.code:
                return False
            raise
        return True


def pairs(tags):
    """A map of tags as the list that most services have."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def mapped(tags):
    return {tag["Key"]: tag.get("Value", "") for tag in tags or []}


def own_pairs(tags):
    """A list of tags for a model; none is no property at all."""
    return pairs(tags) if tags else None


def tag_changes(before, after):
    """The tags to set and the keys to take away, so that one list of tags becomes the other."""
    before, after = mapped(before), mapped(after)
    changed = {key: value for key, value in after.items() if before.get(key) != value}
    return changed, [key for key in before if key not in after]


def only(model, *names):
    """Some members of a model, those that it has."""
    return {name: model[name] for name in names if name in model}


def differs(before, after, *names):
    return any(before.get(name) != after.get(name) for name in names)
