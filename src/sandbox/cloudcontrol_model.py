"""The resource types of AWS as their schemas describe them, and what Cloud Control does with a model by its schema alone:
validation, paths, JSON patches.

The schemas come from `types.bin`, which `.ci/facts` makes. The sentences are those of AWS, seen in
pulumi/pulumi-aws-native#581 and #1866 (validation), #2936 (create-only), hashicorp/terraform-provider-awscc#2394 (read-only) and
#3235 (patches).
"""

import copy
import json
import os
import struct
import zlib
from functools import cache

from checks import compiled

HERE = os.path.dirname(os.path.abspath(__file__))


class Refusal(Exception):
    """An answer of the API itself: the code of its exception, and the message."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code
        self.message = message


# Facts


@cache
def index():
    """The places of the services in the file, and where they begin."""
    with open(os.path.join(HERE, "types.bin"), "rb") as file:
        (length,) = struct.unpack("<I", file.read(4))
        return json.loads(zlib.decompress(file.read(length))), 4 + length


@cache
def service_facts(service):
    services, begin = index()
    place = services[service]
    with open(os.path.join(HERE, "types.bin"), "rb") as file:
        file.seek(begin + place["at"])
        lines = zlib.decompress(file.read(place["length"])).decode().split("\n")
    return dict(zip(place["types"], lines, strict=True))


@cache
def type_of(name):
    """The type of this name, or None."""
    owner, _, rest = name.partition("::")
    service, _, kind = rest.partition("::")
    if owner != "AWS" or service not in index()[0]:
        return None
    line = service_facts(service).get(kind)
    return Type(name, json.loads(line)) if line else None


class Type:
    """One resource type. Paths are written as in the facts: `DnsOptions/PrivateDnsPreference`, `Items/*/Key`."""

    def __init__(self, name, facts):
        self.name = name
        self.facts = facts
        self.properties = facts["properties"]
        self.supported = facts["supported"]
        self.identifier = facts["identifier"]
        self.handlers = facts.get("handlers", {})
        self.read_only = facts.get("readOnly", [])
        self.write_only = facts.get("writeOnly", [])
        self.create_only = facts.get("createOnly", [])
        self.conditional = facts.get("conditionalCreateOnly", [])
        tagging = facts.get("tagging", {})
        found = tagging.get("tagProperty") if tagging.get("taggable") else None
        # Tags of a launch template are those of what is launched with it.
        self.tag_property = found if found in self.properties else None

    def resolved(self, schema):
        """A schema with what it refers to; its own keywords win."""
        while "$ref" in schema:
            target = schema["$ref"].removeprefix("#/").split("/")
            found = self.facts
            for part in target:
                found = found.get(part, {})
            own = {key: value for key, value in schema.items() if key != "$ref"}
            schema = {**found, **own}
        return schema

    @property
    def is_named_by_inputs(self):
        return not any(name in self.read_only for name in self.identifier)

    def keys_in(self, model):
        """The values of the identifier that a model has; one type has a nested one among them."""
        found = {name: [model[name]] if name in model else nested(model, name) for name in self.identifier}
        return {name: values[0] for name, values in found.items() if values}

    def identifier_of(self, model):
        keys = self.keys_in(model)
        return "|".join(str(keys[name]) for name in self.identifier)

    def keys_of(self, identifier):
        """The values that an identifier stands for: in the order of the schema, or as JSON in any.

        https://docs.aws.amazon.com/cloudcontrolapi/latest/userguide/resource-identifier.html
        """
        if identifier.lstrip().startswith("{"):
            try:
                return json.loads(identifier)
            except ValueError:
                pass
        values = identifier.split("|") if len(self.identifier) > 1 else [identifier]
        if len(values) != len(self.identifier):
            names = ", ".join(f"/properties/{name}" for name in self.identifier)
            raise Refusal("ValidationException", f"Identifier {identifier} is not valid for identifier [{names}]")
        return dict(zip(self.identifier, values, strict=True))

    def schema_document(self):
        """The schema as the registry publishes it, as far as the facts have it."""

        def pointers(names):
            return [f"/properties/{name}" for name in names]

        minutes = self.facts.get("minutes", {})
        handlers = {
            name: {"permissions": actions, **({"timeoutInMinutes": minutes[name]} if name in minutes else {})}
            for name, actions in self.handlers.items()
        }
        needs = self.facts.get("listNeeds")
        if needs and "list" in handlers:
            handlers["list"]["handlerSchema"] = {
                "properties": {name: {"$ref": f"resource-schema.json#/properties/{name}"} for name in needs},
                "required": needs,
            }
        tagging = dict(self.facts.get("tagging", {}))
        if "tagProperty" in tagging:
            tagging["tagProperty"] = f"/properties/{tagging['tagProperty']}"
        document = {
            "typeName": self.name,
            "additionalProperties": False,
            "properties": self.properties,
            "primaryIdentifier": pointers(self.identifier),
            "handlers": handlers,
        }
        for name in ("definitions", "required"):
            if name in self.facts:
                document[name] = self.facts[name]
        for fact, name in (
            ("readOnly", "readOnlyProperties"),
            ("writeOnly", "writeOnlyProperties"),
            ("createOnly", "createOnlyProperties"),
            ("conditionalCreateOnly", "conditionalCreateOnlyProperties"),
            ("deprecated", "deprecatedProperties"),
        ):
            if fact in self.facts:
                document[name] = pointers(self.facts[fact])
        if "otherIdentifiers" in self.facts:
            document["additionalIdentifiers"] = [pointers(names) for names in self.facts["otherIdentifiers"]]
        if "transform" in self.facts:
            document["propertyTransform"] = {f"/properties/{path}": rule for path, rule in self.facts["transform"].items()}
        if self.facts.get("deleteFirst"):
            document["replacementStrategy"] = "delete_then_create"
        if tagging:
            document["tagging"] = tagging
        return document


# Paths


def places(model, path):
    """The places in a model that a path with wildcards leads to: each a list of keys."""
    found = [([], model)]
    for part in path.split("/"):
        following = []
        for keys, value in found:
            if part == "*" and isinstance(value, list):
                following += [([*keys, number], item) for number, item in enumerate(value)]
            elif part == "*" and isinstance(value, dict):
                following += [([*keys, key], item) for key, item in value.items()]
            elif isinstance(value, dict) and part in value:
                following.append(([*keys, part], value[part]))
        found = following
    return [keys for keys, _ in found]


def without(model, paths):
    """A copy of a model without what the paths lead to."""
    model = copy.deepcopy(model)
    for path in paths:
        for keys in reversed(places(model, path)):
            owner = model
            for key in keys[:-1]:
                owner = owner[key]
            del owner[keys[-1]]
    return model


def nested(model, path):
    return [value for _, value in values_at(model, path)]


def values_at(model, path):
    values = []
    for keys in places(model, path):
        value = model
        for key in keys:
            value = value[key]
        values.append((keys, value))
    return values


# Validation


NAMES = {str: "String", bool: "Boolean", int: "Integer", float: "BigDecimal", list: "JSONArray", dict: "JSONObject"}
WANTED = {"string": "String", "boolean": "Boolean", "integer": "Integer", "number": "Number", "array": "JSONArray", "object": "JSONObject"}


def is_of(kind, value):
    match kind:
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case "array":
            return isinstance(value, list)
        case "object":
            return isinstance(value, dict)
        case "null":
            return value is None
    return True


def validate(kind, model):
    """Refuses a model that does not fit the schema of its type."""
    schema = {"type": "object", "additionalProperties": False, "properties": kind.properties}
    faults = []
    check(kind, {**schema, "required": kind.facts.get("required", [])}, model, "#", faults)
    if faults:
        raise Refusal("ValidationException", f"Model validation failed ({chr(10).join(faults)})")


def coerced(kind, model):
    """A model with numbers and booleans in the place of texts that a read has for them."""
    model = dict(model)
    for name, value in model.items():
        wanted = kind.resolved(kind.properties.get(name, {})).get("type")
        if isinstance(value, str) and wanted in ("integer", "number", "boolean"):
            try:
                read = json.loads(value)
            except ValueError:
                continue
            model[name] = read if is_of(wanted, read) else value
    return model


def check(kind, schema, value, at, faults):
    schema = kind.resolved(schema)
    wanted = schema.get("type")
    kinds = wanted if isinstance(wanted, list) else [wanted] if wanted else []
    if kinds and not any(is_of(name, value) for name in kinds):
        found = NAMES.get(type(value), "Null")
        faults.append(f"{at}: expected type: {' or '.join(WANTED.get(name, name) for name in kinds)}, found: {found}")
        return
    for keyword in broken(schema, value):
        faults.append(f"{at}: failed validation constraint for keyword [{keyword}]")
    if isinstance(value, dict):
        check_object(kind, schema, value, at, faults)
    if isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            check(kind, schema["items"], item, f"{at}/{number}", faults)
    check_alternatives(kind, schema, value, at, faults)


def broken(schema, value):
    """The keywords whose constraint a value breaks by itself."""
    if isinstance(value, str):
        if len(value) < schema.get("minLength", 0):
            yield "minLength"
        if len(value) > schema.get("maxLength", len(value)):
            yield "maxLength"
        pattern = compiled(schema["pattern"]) if "pattern" in schema else None
        if pattern and not pattern.search(value):
            yield "pattern"
    if is_of("number", value):
        if value < schema.get("minimum", value):
            yield "minimum"
        if value > schema.get("maximum", value):
            yield "maximum"
    if isinstance(value, list):
        if len(value) < schema.get("minItems", 0):
            yield "minItems"
        if len(value) > schema.get("maxItems", len(value)):
            yield "maxItems"
        texts = [json.dumps(item, sort_keys=True) for item in value]
        if schema.get("uniqueItems") and len(set(texts)) < len(texts):
            yield "uniqueItems"
    if "enum" in schema and value not in schema["enum"]:
        yield "enum"
    if "const" in schema and value != schema["const"]:
        yield "const"


def check_object(kind, schema, value, at, faults):
    for name in schema.get("required", []):
        if name not in value:
            faults.append(f"{at}: required key [{name}] not found")
    properties = schema.get("properties", {})
    patterns = [(compiled(pattern), part) for pattern, part in schema.get("patternProperties", {}).items()]
    rest = schema.get("additionalProperties", True)
    for name, item in value.items():
        fitting = [part for pattern, part in patterns if pattern is None or pattern.search(name)]
        if name in properties:
            check(kind, properties[name], item, f"{at}/{name}", faults)
        elif fitting:
            check(kind, fitting[0], item, f"{at}/{name}", faults)
        elif isinstance(rest, dict):
            check(kind, rest, item, f"{at}/{name}", faults)
        elif rest is False:
            faults.append(f"{at}: extraneous key [{name}] is not permitted")
    for name, needed in schema.get("dependencies", {}).items():
        if name in value and isinstance(needed, list):
            faults += [f"{at}: property [{other}] is required" for other in needed if other not in value]
        elif name in value:
            check(kind, needed, value, at, faults)


def check_alternatives(kind, schema, value, at, faults):
    for part in schema.get("allOf", []):
        check(kind, part, value, at, faults)
    for keyword in ("anyOf", "oneOf"):
        parts = [part for part in schema.get(keyword, []) if set(kind.resolved(part)) - {"format"}]
        # The facts leave out what says nothing about values; then it is not known which of several is meant.
        if len(parts) < len(schema.get(keyword, [])) or not parts:
            continue
        fitting = 0
        for part in parts:
            found = []
            check(kind, part, value, at, found)
            fitting += not found
        if not fitting:
            faults.append(f"{at}: #: no subschema matched out of the total {len(parts)} subschemas")
        elif keyword == "oneOf" and fitting > 1:
            faults.append(f"{at}: #: {fitting} subschemas matched instead of one")


# JSON patches. https://datatracker.ietf.org/doc/html/rfc6902


def invalid(message):
    return Refusal("ValidationException", message)


def no_such_path(operation, pointer):
    return invalid(f"[{operation.upper()} Operation] noSuchPath in source, path provided : /{pointer}")


def parts_of(pointer):
    if not isinstance(pointer, str) or pointer and not pointer.startswith("/"):
        raise invalid(f"Invalid patch: {pointer!r} is not a JSON pointer")
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def position(owner, part, operation, pointer, most):
    """The number of a place in a list."""
    if not part.isdecimal() or len(part) > 1 and part.startswith("0") or int(part) > most:
        raise no_such_path(operation, pointer)
    return int(part)


def looked_up(model, pointer, operation):
    for part in parts_of(pointer):
        if isinstance(model, dict) and part in model:
            model = model[part]
        elif isinstance(model, list):
            model = model[position(model, part, operation, pointer, len(model) - 1)]
        else:
            raise no_such_path(operation, pointer)
    return model


def owner_of(model, pointer, operation):
    parts = parts_of(pointer)
    if not parts:
        raise invalid(f"[{operation.upper()} Operation] the whole model cannot be patched")
    return looked_up(model, pointer.rpartition("/")[0], operation), parts[-1]


def put(model, pointer, value, operation):
    owner, part = owner_of(model, pointer, operation)
    if isinstance(owner, dict):
        owner[part] = value
    elif isinstance(owner, list):
        owner.insert(len(owner) if part == "-" else position(owner, part, operation, pointer, len(owner)), value)
    else:
        raise no_such_path(operation, pointer)


def take(model, pointer, operation):
    value = looked_up(model, pointer, operation)
    owner, part = owner_of(model, pointer, operation)
    del owner[part if isinstance(owner, dict) else int(part)]
    return value


def same(left, right):
    """Equality of JSON, where `true` is not `1`."""
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


def patched(model, operations):
    """The model after all operations of a patch; none of them counts if one fails."""
    model = copy.deepcopy(model)
    for operation in operations:
        name, path = operation.get("op"), operation.get("path")
        parts_of(path)
        if name in ("add", "replace", "test") and "value" not in operation:
            raise invalid(f"Invalid patch: {name} needs a value")
        match name:
            case "add":
                put(model, path, copy.deepcopy(operation["value"]), name)
            case "remove":
                take(model, path, name)
            case "replace":
                take(model, path, name)
                put(model, path, copy.deepcopy(operation["value"]), name)
            case "move":
                if path.startswith(f"{operation.get('from') or '-'}/"):
                    raise invalid("[MOVE Operation] a value cannot be moved into itself")
                put(model, path, take(model, operation.get("from"), name), name)
            case "copy":
                put(model, path, copy.deepcopy(looked_up(model, operation.get("from"), name)), name)
            case "test":
                if not same(looked_up(model, path, name), operation["value"]):
                    raise invalid(f"[TEST Operation] the value at {path} differs from the value expected")
            case _:
                raise invalid(f"Invalid patch: unknown operation {name!r}")
    return model


def operations_of(document):
    try:
        operations = json.loads(document)
    except ValueError:
        raise invalid("Invalid patch: not a JSON document") from None
    if not isinstance(operations, list) or not all(isinstance(operation, dict) for operation in operations):
        raise invalid("Invalid patch: a list of operations is expected")
    return operations


def touched(operations):
    """The paths that a patch writes to, without `test`."""
    for operation in operations:
        if operation.get("op") != "test":
            yield parts_of(operation.get("path"))
        if operation.get("op") == "move":
            yield parts_of(operation.get("from"))


def is_within(parts, path):
    """Returns whether a pointer leads to a path with wildcards, or below it."""
    wanted = path.split("/")
    return len(parts) >= len(wanted) and all(
        expected in ("*", part) for expected, part in zip(wanted, parts, strict=False)
    )


def refuse_fixed(kind, operations, before, after):
    """Refuses a patch that would change what is settled at creation, or by AWS."""
    written = list(touched(operations))
    for title, paths in (("createOnlyProperties", kind.create_only), ("readOnlyProperties", kind.read_only)):
        hit = [
            path
            for path in paths
            if any(is_within(parts, path) for parts in written) or not same(values_at(before, path), values_at(after, path))
        ]
        if hit:
            names = ", ".join(f"/properties/{path}" for path in hit)
            raise Refusal("NotUpdatableException", f"Invalid patch update: {title} [{names}] cannot be updated")
