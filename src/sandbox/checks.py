"""Reads each request against its service's own model, and says where it breaks it.

moto takes a name that is too long, a member that no operation has and a number that is out of range; AWS refuses them. The
models are those of botocore, which AWS makes of the same source as its SDKs. `POST /_account/checks` begins, and
`GET /_account/checks` says how many requests were read and what was wrong with them. It is on for tests alone: a model can be
stricter than its service (`EXCEPTIONS`), and no work of a user's is to wait for a row there.

Requests are read by `reading.py`; this file has what their values are held to, and how a fault is answered: with the sentence
that AWS has for it, and the code (`CODES`).
"""

import mmap
import re
import sys
import threading
import unicodedata
import warnings
from functools import cache

from moto.core.utils import get_service_model
from reading import DECODE, Fault, joined

# Faults that are shown with their text; all of them are counted.
MOST_TEXTS = 200

# A header of requests that tests break on purpose. They are not counted. `refuse`: it is about the refusal. `take`: it is
# about what AWS cannot hold and may some day answer nevertheless.
ON_PURPOSE = "HTTP_X_BROKEN_ON_PURPOSE"

# Constraints of the models that AWS itself does not hold requests to: service and operation (or `*`), the member as the
# fault names it, a part of the fault, and how it is known. None is needed so far.
EXCEPTIONS = []

# The answers of AWS to a request that breaks its model: (a member is missing, it is not known, anything else).
# `ValidationError`, the API references call it, in JSON with `Exception`:
# https://docs.aws.amazon.com/wafv2/latest/APIReference/CommonErrors.html
INVALID = ("ValidationException",) * 3
CODES = {
    # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
    "ec2": ("MissingParameter", "UnknownParameter", "InvalidParameterValue"),
    # https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/CommonErrors.html
    "rds": ("MissingParameter", "ValidationError", "InvalidParameterValue"),
    "cloudformation": ("ValidationError",) * 3,
    "elbv2": ("ValidationError",) * 3,
    "iam": ("ValidationError",) * 3,
    "sns": ("ValidationError",) * 3,
    "sts": ("ValidationError",) * 3,
    "cloudwatch": ("ValidationError",) * 3,
    # Their own name for the same sentence, in their models and in their API references.
    "ecr": ("InvalidParameterException",) * 3,
    "ecs": ("InvalidParameterException",) * 3,
    "logs": ("InvalidParameterException",) * 3,
    "resourcegroupstaggingapi": ("InvalidParameterException",) * 3,
    # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
    "s3": ("MalformedXML", "MalformedXML", "InvalidArgument"),
}


class Checks:
    """The switch for reading requests, and the results: in shared memory, so that forks count for their account."""

    def __init__(self, processes):
        self.on = False
        self.counts = memoryview(mmap.mmap(-1, 16 * processes)).cast("q")
        self.slot = 0
        self.texts = []
        self.lock = threading.Lock()

    def move_to(self, slot):
        """A fork counts by itself, since two processes that add to one number lose some."""
        self.slot = slot
        self.texts = []
        self.lock = threading.Lock()

    def refusal(self, service, operation, environ, body):
        """Code and message for a request that breaks its model; None where it does not, and while this is off."""
        if not self.on or "HTTP_AUTHORIZATION" not in environ or environ.get(ON_PURPOSE) == "take":
            return None
        read = faults_of(service, operation, environ, body)
        if read is None:
            return None
        faults = [fault for fault in read if not is_excepted(service, operation, fault)]
        with self.lock:
            counts = ON_PURPOSE not in environ
            self.counts[2 * self.slot] += counts
            if not faults:
                return None
            message = message_of(service, operation, faults)
            if counts:
                self.counts[2 * self.slot + 1] += 1
                self.texts.append(message)
                del self.texts[:-MOST_TEXTS]
                print(f"broken request: {message}", file=sys.stderr, flush=True)
        return CODES.get(service, INVALID)[faults[0].kind], message

    def reset(self):
        with self.lock:
            self.texts = []
            for number in range(len(self.counts)):
                self.counts[number] = 0

    def as_json(self):
        with self.lock:
            return {
                "on": self.on,
                "checked": sum(self.counts[0::2]),
                "faults": sum(self.counts[1::2]),
                "texts": list(self.texts),
            }


def message_of(service, operation, faults):
    count = len(faults)
    return (
        f"{service}:{operation} breaks its service model: {count} validation error{'s' if count > 1 else ''} detected: "
        + "; ".join(fault.text for fault in faults)
    )


def is_excepted(service, operation, fault):
    return any(
        name in (f"{service}:{operation}", f"{service}:*") and member == fault.path and start in fault.text
        for name, member, start, _ in EXCEPTIONS
    )


def faults_of(service, operation, environ, body):
    """All faults of one request; None for an operation that the models do not know, which is not for here to say."""
    model = model_of(service)
    if model is None or operation not in model.operation_names:
        return None
    shape = operation_of(service, operation).input_shape
    faults = []
    value = DECODE[model.metadata["protocol"]](model, operation, shape, environ, body, faults)
    if shape is not None and value is not None:
        check(shape, value, "", faults)
    return faults


@cache
def model_of(service):
    try:
        return get_service_model(service)
    except Exception:  # a service that botocore does not have
        return None


@cache
def operation_of(service, operation):
    return model_of(service).operation_model(operation)


# The constraints of a model on a value, whatever the protocol


def check(shape, value, path, faults):
    """Adds the constraints that a value breaks, down to its innermost members."""
    kind = shape.type_name
    facts = facts_of(shape)
    if facts.document:
        return
    if kind == "structure":
        for name in facts.required:
            # One that is there and could not be read has its fault already.
            if name not in value:
                faults.append(Fault(Fault.MISSING, joined(path, name), "Member must not be null"))
        if facts.union and sum(item is not None for item in value.values()) != 1:
            faults.append(Fault(Fault.OTHER, path, "Exactly one member of a union must be set", ", ".join(value) or None))
        for name, item in value.items():
            if item is not None:
                check(shape.members[name], item, joined(path, name), faults)
        return
    size = value if kind in NUMBERS else len(value) if kind in SIZED else None
    if size is not None:
        noun = "value" if kind in NUMBERS else "length"
        if facts.least is not None and size < facts.least:
            said = f"Member must have {noun} greater than or equal to {facts.least}"
            faults.append(Fault(Fault.OTHER, path, said, facts.shown(value)))
        if facts.most is not None and size > facts.most:
            said = f"Member must have {noun} less than or equal to {facts.most}"
            faults.append(Fault(Fault.OTHER, path, said, facts.shown(value)))
    if kind == "list":
        for number, item in enumerate(value, 1):
            check(shape.member, item, f"{path}.{number}", faults)
    elif kind == "map":
        for key, item in value.items():
            check(shape.key, key, f"{path}.{key} (key)", faults)
            check(shape.value, item, f"{path}.{key}", faults)
    elif kind == "string":
        if facts.enum and value not in facts.enum:
            said = f"Member must satisfy enum value set: [{', '.join(sorted(facts.enum))}]"
            faults.append(Fault(Fault.OTHER, path, said, facts.shown(value)))
        if facts.pattern and not facts.pattern.fullmatch(value):
            said = f"Member must satisfy regular expression pattern: {shape.metadata['pattern']}"
            faults.append(Fault(Fault.OTHER, path, said, facts.shown(value)))


NUMBERS = {"integer", "long", "float", "double"}
SIZED = {"string", "list", "map", "blob"}


class Facts:
    def __init__(self, shape):
        found = shape.metadata
        self.required = tuple(found.get("required", ()))
        self.union = bool(found.get("union"))
        self.document = bool(found.get("document"))
        self.least = found.get("min")
        self.most = found.get("max")
        self.enum = frozenset(found.get("enum", ()))
        self.pattern = compiled(found["pattern"]) if "pattern" in found else None
        self.sensitive = bool(found.get("sensitive"))

    def shown(self, value):
        return "[secret]" if self.sensitive else value


def facts_of(shape):
    """Remembered with the shape, which moto remembers with its service."""
    try:
        return shape.checked_facts
    except AttributeError:
        shape.checked_facts = facts = Facts(shape)
        return facts


# Patterns: those of the models are Java's


@cache
def compiled(pattern):
    """A pattern for Python; None where it cannot be said in Python's terms."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            # `\\w`, `\\d` and `\\s` are ASCII's in Java.
            return re.compile(translated(pattern), re.ASCII)
    except (re.error, ValueError, OverflowError):
        return None


def translated(pattern):
    pattern = pattern.replace("\\uD800\\uDC00-\\uDBFF\\uDFFF", "\\U00010000-\\U0010FFFF")
    parts, at, inside = [], 0, False
    while at < len(pattern):
        found = re.compile(r"\\([pP])\{(\w+)\}").match(pattern, at)
        if found:
            ranges = category(found.group(2))
            negated = found.group(1) == "P"
            if inside and negated:
                raise ValueError(pattern)
            parts.append(ranges if inside else f"[{'^' if negated else ''}{ranges}]")
            at = found.end()
            continue
        if pattern.startswith("\\", at):
            escape = pattern[at : at + 2]
            parts.append(escape)
            at += 2
            # A class has no end that a range could begin with: Java takes the hyphen for itself.
            if inside and escape[1] in "wdsWDS" and pattern.startswith("-", at):
                parts.append("\\-")
                at += 1
            continue
        letter = pattern[at]
        if letter == "[" and not inside:
            inside = True
            parts.append(letter)
            at += 1
            for first in ("^", "]"):
                if pattern.startswith(first, at):
                    parts.append(first)
                    at += 1
            continue
        if inside and (letter == "[" or pattern.startswith("&&", at)):
            raise ValueError(pattern)
        inside = inside and letter != "]"
        parts.append(letter)
        at += 1
    return "".join(parts)


POSIX = {
    "ASCII": "\\x00-\\x7f",
    "Alnum": "a-zA-Z0-9",
    "Alpha": "a-zA-Z",
    "Digit": "0-9",
    "Graph": "!-~",
    "Lower": "a-z",
    "Print": " -~",
    "Punct": "!-/:-@\\[-`{-~",
    "Space": " \\t\\n\\x0b\\f\\r",
    "Upper": "A-Z",
    "XDigit": "0-9a-fA-F",
}


@cache
def category(name):
    """The letters of a category of Unicode, as the inside of a class."""
    if name in POSIX:
        return POSIX[name]
    if not re.fullmatch(r"[CLMNPSZ][a-z]?", name):
        raise ValueError(name)
    ranges, start = [], None
    for code in range(0x20000):
        if unicodedata.category(chr(code)).startswith(name):
            start = code if start is None else start
        elif start is not None:
            ranges.append(f"\\U{start:08x}-\\U{code - 1:08x}")
            start = None
    return "".join(ranges)
