"""Calls of one service of this account by another, in the name of the caller: in AWS too, Cloud Control's handlers use the
services' own APIs with the credentials of the one who asked.

Requests are written and answers are read by botocore, by the models of the services.
"""

import json
from urllib.parse import urlencode
from uuid import uuid4

from botocore.awsrequest import HeadersDict
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from moto.core.utils import get_service_model
from werkzeug.test import EnvironBuilder


class Failure(Exception):
    """The error with which a service answered, and the object that it is about where that is not the one asked for."""

    def __init__(self, service, code, message, status, identifier=None):
        super().__init__(message)
        self.identifier = identifier
        self.service = service
        self.code = code
        self.message = message
        self.status = status


class Caller:
    """Makes calls in one region; `send` is given the WSGI environment and the body, and returns status, headers and body."""

    def __init__(self, send, account, region, access_key):
        self.send = send
        self.account = account
        self.region = region
        self.access_key = access_key

    def __call__(self, service, operation, **parameters):
        model = get_service_model(service)
        shape = model.operation_model(operation)
        protocol = model.metadata["protocol"]
        given = {name: value for name, value in parameters.items() if value is not None}
        for name in shape.idempotent_members:
            given.setdefault(name, str(uuid4()))
        request = create_serializer(protocol, include_validation=False).serialize_to_request(given, shape)
        body = request["body"]
        if isinstance(body, dict):
            body = urlencode(body)
        if isinstance(body, str):
            body = body.encode()
        name = model.metadata.get("signingName") or model.metadata["endpointPrefix"]
        headers = dict(request["headers"])
        headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self.access_key or 'inner'}/20000101/{self.region}/{name}/aws4_request, "
            "SignedHeaders=host, Signature=0"
        )
        query = request["query_string"]
        environ = EnvironBuilder(
            path=request["url_path"],
            method=request["method"],
            query_string=query if isinstance(query, str) else urlencode(query, doseq=True),
            headers=headers,
            data=body,
        ).get_environ()
        environ["RAW_URI"] = environ["REQUEST_URI"] = environ["PATH_INFO"]
        status, answer_headers, answer = self.send(environ, body or b"")
        code = int(status[:3])
        parsed = create_parser(protocol).parse(
            {"status_code": code, "headers": HeadersDict(dict(answer_headers)), "body": answer}, shape.output_shape
        )
        if code >= 400:
            error = parsed.get("Error", {})
            raise Failure(service, error.get("Code", ""), error.get("Message", ""), code)
        parsed.pop("ResponseMetadata", None)
        return parsed

    def arn(self, service, rest, region=None):
        return f"arn:aws:{service}:{self.region if region is None else region}:{self.account}:{rest}"


def document(text):
    """A JSON document that a service keeps as text."""
    return json.loads(text) if isinstance(text, str) else text


def text(value):
    """The inverse: what a service takes as text."""
    return value if isinstance(value, str) or value is None else json.dumps(value)
