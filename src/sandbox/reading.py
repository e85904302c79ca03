"""Reads requests in the protocols of AWS into plain values, by the shapes of botocore's models.

moto has readers of its own, which pass over what a model does not know. These report that, and what is of another type than
the model has it. The constraints on values are in `checks.py`.

The protocols: https://smithy.io/2.0/aws/protocols/
"""

import base64
import binascii
import datetime
import json
import re
from urllib.parse import parse_qsl
from xml.etree import ElementTree

from moto.core.request import Request
from moto.core.routing import get_service_router

# Values in messages: enough to know them again.
LONGEST_VALUE = 120

# Headers of S3 that belong to signing, retries and checksums, not to one operation.
COMMON_HEADERS = re.compile(
    r"x-amz-(date|content-sha256|security-token|user-agent|decoded-content-length|trailer|te|sdk-.*|checksum-.*)"
)

# `x-id` names the operation to a reader of logs: https://smithy.io/2.0/aws/aws-core.html
COMMON_QUERY = {"x-id"}

INTEGERS = {"integer": 2**31, "long": 2**63}


class Fault:
    """One way in which a request breaks its model."""

    MISSING, UNKNOWN, OTHER = range(3)

    def __init__(self, kind, path, constraint, value=None):
        self.kind = kind
        self.path = path
        self.text = (
            f"Value {shown(value)} at '{path}' failed to satisfy constraint: {constraint}"
            if kind != Fault.UNKNOWN
            else f"'{path}' is unknown: {constraint}"
        )


def shown(value):
    if value is None:
        return "null"
    text = str(value)
    return f"'{text[:LONGEST_VALUE]}{'…' if len(text) > LONGEST_VALUE else ''}'"


def joined(path, name):
    return f"{path}.{name}" if path else name


# JSON, and the content of CBOR


def decode_json(model, operation, shape, environ, body, faults):
    target = environ.get("HTTP_X_AMZ_TARGET")
    if target and target != f"{model.metadata['targetPrefix']}.{operation}":
        faults.append(Fault(Fault.UNKNOWN, "X-Amz-Target", "no such target", target))
    try:
        value = json.loads(body or b"{}")
    except ValueError as error:
        faults.append(Fault(Fault.OTHER, "", f"Body must be JSON: {error}"))
        return None
    if shape is None:
        unknown(value, (), "", faults)
        return None
    return from_json(shape, value, "", faults)


def from_json(shape, value, path, faults):
    kind = shape.type_name
    if shape.metadata.get("document"):
        return value
    wanted = JSON_TYPES.get(kind)
    if wanted and (not isinstance(value, wanted) or (isinstance(value, bool) and kind != "boolean")):
        faults.append(Fault(Fault.OTHER, path, f"Member must be of type {kind}", value))
        return None
    if kind == "structure":
        names = wire_names(shape)
        unknown(value, names, path, faults)
        return {
            names[name]: from_json(shape.members[names[name]], item, joined(path, names[name]), faults)
            for name, item in value.items()
            if name in names and item is not None
        }
    if kind == "list":
        items = [from_json(shape.member, item, f"{path}.{number}", faults) for number, item in enumerate(value, 1)]
        return [item for item in items if item is not None]
    if kind == "map":
        items = {key: from_json(shape.value, item, f"{path}.{key}", faults) for key, item in value.items()}
        return {key: item for key, item in items.items() if item is not None}
    if kind in INTEGERS:
        return in_width(kind, value, path, faults)
    if kind == "blob":
        return from_base64(value, path, faults)
    return value


JSON_TYPES = {
    "structure": dict,
    "list": list,
    "map": dict,
    "string": str,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "boolean": bool,
    "timestamp": (int, float, str),
    "blob": str,
}


def wire_names(shape):
    try:
        return shape.checked_names
    except AttributeError:
        shape.checked_names = names = {
            member.serialization.get("name", name): name for name, member in shape.members.items()
        }
        return names


def unknown(value, names, path, faults):
    for name in value:
        if name not in names:
            faults.append(Fault(Fault.UNKNOWN, joined(path, name), "the operation has no such member"))


def in_width(kind, value, path, faults):
    if not -INTEGERS[kind] <= value < INTEGERS[kind]:
        faults.append(Fault(Fault.OTHER, path, f"Member must be of type {kind}", value))
        return None
    return value


def from_base64(text, path, faults):
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        faults.append(Fault(Fault.OTHER, path, "Member must be base64"))
        return None


def from_text(shape, text, path, faults):
    """A scalar of the protocols that carry texts only."""
    kind = shape.type_name
    if kind == "string":
        return text
    if kind == "blob":
        return from_base64(text, path, faults)
    try:
        if kind == "boolean":
            return {"true": True, "false": False}[text]
        if kind in INTEGERS:
            return in_width(kind, whole_number(text), path, faults)
        if kind in ("float", "double"):
            return float(text)
        if kind == "timestamp":
            return moment(text)
    except (ValueError, KeyError):
        pass
    faults.append(Fault(Fault.OTHER, path, f"Member must be of type {kind}", text))
    return None


def whole_number(text):
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise ValueError(text)
    return int(text)


def moment(text):
    """ISO 8601 in bodies, the form of HTTP's headers, or seconds."""
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        return float(text)
    for form in ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%fZ", "%a, %d %b %Y %H:%M:%S GMT"):
        try:
            return datetime.datetime.strptime(text, form)
        except ValueError:
            continue
    raise ValueError(text)


# Forms: the query protocol, and EC2's


def decode_query(model, operation, shape, environ, body, faults):
    return decode_form(QueryForm, model, operation, shape, body, faults)


def decode_ec2(model, operation, shape, environ, body, faults):
    return decode_form(Ec2Form, model, operation, shape, body, faults)


def decode_form(form, model, operation, shape, body, faults):
    tree = {}
    for key, text in parse_qsl(body.decode(errors="replace"), keep_blank_values=True):
        branch = tree
        *parts, last = key.split(".")
        for part in parts:
            branch = branch.setdefault(part, {})
            if not isinstance(branch, dict):
                faults.append(Fault(Fault.OTHER, key, "Member must not have a value and members of its own"))
                return None
        if last in branch:
            faults.append(Fault(Fault.OTHER, key, "Member must be given once", text))
            return None
        branch[last] = text
    tree.pop("Action", None)
    version = tree.pop("Version", None)
    if version != model.metadata["apiVersion"]:
        faults.append(Fault(Fault.OTHER, "Version", f"Version must be {model.metadata['apiVersion']}", version))
    if shape is None:
        unknown(tree, (), "", faults)
        return None
    return form.structure(shape, tree, "", faults)


class QueryForm:
    """https://smithy.io/2.0/aws/protocols/aws-query-protocol.html"""

    @classmethod
    def name_of(cls, name, member):
        if member.type_name == "list" and member.serialization.get("flattened"):
            return member.member.serialization.get("name") or member.serialization.get("name", name)
        return member.serialization.get("name", name)

    @classmethod
    def names(cls, shape):
        attribute = f"checked_names_{cls.__name__}"
        try:
            return getattr(shape, attribute)
        except AttributeError:
            names = {cls.name_of(name, member): name for name, member in shape.members.items()}
            setattr(shape, attribute, names)
            return names

    @classmethod
    def structure(cls, shape, tree, path, faults):
        names = cls.names(shape)
        unknown(tree, names, path, faults)
        return {
            names[name]: cls.value(shape.members[names[name]], item, joined(path, names[name]), faults)
            for name, item in tree.items()
            if name in names
        }

    @classmethod
    def value(cls, shape, tree, path, faults):
        kind = shape.type_name
        if kind == "list":
            return cls.list(shape, tree, path, faults)
        if kind == "map":
            return cls.map(shape, tree, path, faults)
        if (kind == "structure") != isinstance(tree, dict):
            faults.append(Fault(Fault.OTHER, path, f"Member must be of type {kind}", tree))
            return None
        if kind == "structure":
            return cls.structure(shape, tree, path, faults)
        return from_text(shape, tree, path, faults)

    @classmethod
    def is_flat(cls, shape):
        return bool(shape.serialization.get("flattened"))

    @classmethod
    def entries(cls, shape, tree, wrapper, path, faults):
        """The entries that are numbered from 1 on; an empty text is an empty list."""
        if tree == "":
            return []
        if isinstance(tree, dict) and not cls.is_flat(shape):
            unknown(tree, (wrapper,), path, faults)
            tree = tree.get(wrapper, {})
        if not isinstance(tree, dict) or sorted(tree) != sorted(str(number + 1) for number in range(len(tree))):
            faults.append(Fault(Fault.OTHER, path, f"Members must be numbered from 1 on, of type {shape.type_name}", tree))
            return []
        return [tree[str(number + 1)] for number in range(len(tree))]

    @classmethod
    def list(cls, shape, tree, path, faults):
        wrapper = shape.member.serialization.get("name", "member")
        entries = cls.entries(shape, tree, wrapper, path, faults)
        items = [cls.value(shape.member, item, f"{path}.{number}", faults) for number, item in enumerate(entries, 1)]
        return [item for item in items if item is not None]

    @classmethod
    def map(cls, shape, tree, path, faults):
        key_name = shape.key.serialization.get("name", "key")
        value_name = shape.value.serialization.get("name", "value")
        found = {}
        for entry in cls.entries(shape, tree, "entry", path, faults):
            if not isinstance(entry, dict) or not isinstance(entry.get(key_name), str) or value_name not in entry:
                faults.append(Fault(Fault.OTHER, path, f"Entries must have {key_name} and {value_name}", entry))
                continue
            unknown(entry, (key_name, value_name), path, faults)
            key = entry[key_name]
            found[key] = cls.value(shape.value, entry[value_name], f"{path}.{key}", faults)
        return {key: item for key, item in found.items() if item is not None}


class Ec2Form(QueryForm):
    """Lists stand without a name between: https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html"""

    @classmethod
    def name_of(cls, name, member):
        found = member.serialization
        if "queryName" in found:
            return found["queryName"]
        name = found.get("name", name)
        return name[0].upper() + name[1:]

    @classmethod
    def is_flat(cls, shape):
        return True


# REST: members in the address, in headers, and in a body of XML or JSON


def decode_rest_json(model, operation, shape, environ, body, faults):
    return decode_rest(model, operation, shape, environ, body, faults, body_from_json)


def decode_rest_xml(model, operation, shape, environ, body, faults):
    return decode_rest(model, operation, shape, environ, body, faults, body_from_xml)


def decode_rest(model, operation, shape, environ, body, faults, read_body):
    host = environ.get("HTTP_HOST", "")
    if host.endswith(".localhost") or ".localhost:" in host:
        # The bucket is in the name of the host, and moto's router reads paths.
        return None
    found, in_path = get_service_router(model.service_name).match(Request(dict(environ)))
    if found.name != operation:
        return None
    members = shape.members if shape is not None else {}
    asked = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    address = model.operation_model(operation).http["requestUri"]
    _, _, fixed = address.partition("?")
    for name, text in parse_qsl(fixed, keep_blank_values=True):
        asked.pop(name, text)
    value, headers, in_body = {}, header_names(environ), {}
    payload = shape.serialization.get("payload") if shape is not None else None
    for name, member in members.items():
        place, wire = member.serialization.get("location"), member.serialization.get("name", name)
        if place == "uri":
            text = in_path.get(wire)
        elif place == "querystring" and member.type_name not in ("list", "map"):
            text = asked.pop(wire, None)
        elif place == "header":
            text = headers.pop(wire.lower(), None)
        elif place == "headers":
            starts = wire.lower()
            mine = [header for header in headers if header.startswith(starts)]
            value[name] = {header.removeprefix(starts): headers.pop(header) for header in mine}
            continue
        elif place is None:
            in_body[name] = member
            continue
        else:
            continue
        if text is not None:
            value[name] = from_text(member, text, name, faults) if member.type_name != "list" else None
    maps = any(member.serialization.get("location") == "querystring" and member.type_name == "map" for member in members.values())
    if not maps:
        unknown((name for name in asked if name not in COMMON_QUERY), (), "", faults)
    unknown((name for name in headers if name.startswith("x-amz-") and not COMMON_HEADERS.fullmatch(name)), (), "", faults)
    if shape is None:
        return None
    if payload:
        member = members[payload]
        if member.type_name == "structure" and body:
            value[payload] = read_body(member, payload, body, faults)
        elif body:
            value[payload] = body if member.type_name == "blob" else body.decode(errors="replace")
    elif in_body and body:
        value.update(read_body(shape, None, body, faults) or {})
    return value


def header_names(environ):
    found = {name[5:].replace("_", "-").lower(): text for name, text in environ.items() if name.startswith("HTTP_")}
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            found[name.replace("_", "-").lower()] = environ[name]
    return found


def body_from_json(shape, name, body, faults):
    try:
        return from_json(shape, json.loads(body), name or "", faults)
    except ValueError as error:
        faults.append(Fault(Fault.OTHER, name or "", f"Body must be JSON: {error}"))
        return None


def body_from_xml(shape, name, body, faults):
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError as error:
        faults.append(Fault(Fault.OTHER, name or "", f"Body must be XML: {error}"))
        return None
    wanted = shape.serialization.get("name", name)
    if wanted and local(root.tag) != wanted:
        faults.append(Fault(Fault.UNKNOWN, local(root.tag), f"the body of this operation is {wanted}"))
        return None
    return from_xml(shape, root, name or "", faults)


def local(tag):
    return tag.rpartition("}")[2]


def from_xml(shape, element, path, faults):
    kind = shape.type_name
    if kind == "structure":
        return structure_from_xml(shape, element, path, faults)
    if kind == "list":
        return list_from_xml(shape, list(element), path, faults)
    if kind == "map":
        return {}
    if len(element):
        faults.append(Fault(Fault.OTHER, path, f"Member must be of type {kind}"))
        return None
    return from_text(shape, element.text or "", path, faults)


def structure_from_xml(shape, element, path, faults):
    value, children = {}, {}
    for child in element:
        children.setdefault(local(child.tag), []).append(child)
    for name, member in shape.members.items():
        found = member.serialization
        if found.get("xmlAttribute"):
            # With its prefix, whose namespace is the reader's to know.
            attribute = found.get("name", name).rpartition(":")[2]
            texts = [text for key, text in element.attrib.items() if local(key) == attribute]
            if texts:
                value[name] = texts[0]
            continue
        inner = joined(path, name)
        if member.type_name == "list" and found.get("flattened"):
            mine = children.pop(found.get("name") or member.member.serialization.get("name", name), [])
            if mine:
                items = [from_xml(member.member, child, f"{inner}.{number}", faults) for number, child in enumerate(mine, 1)]
                value[name] = [item for item in items if item is not None]
            continue
        mine = children.pop(found.get("name", name), [])
        if len(mine) > 1:
            faults.append(Fault(Fault.OTHER, inner, "Member must be given once"))
        elif mine:
            value[name] = from_xml(member, mine[0], inner, faults)
    unknown(children, (), path, faults)
    return value


def list_from_xml(shape, children, path, faults):
    wanted = shape.member.serialization.get("name", "member")
    unknown({local(child.tag): child for child in children if local(child.tag) != wanted}, (), path, faults)
    items = [
        from_xml(shape.member, child, f"{path}.{number}", faults)
        for number, child in enumerate(children, 1)
        if local(child.tag) == wanted
    ]
    return [item for item in items if item is not None]


DECODE = {
    "json": decode_json,
    # Its bodies come here as JSON: `wire.plain`.
    "smithy-rpc-v2-cbor": decode_json,
    "query": decode_query,
    "ec2": decode_ec2,
    "rest-json": decode_rest_json,
    "rest-xml": decode_rest_xml,
}
