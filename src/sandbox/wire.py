"""The layer between a client and moto: refusals, call log, CloudWatch's CBOR protocol, readable errors, control requests.

One lock is held for the whole of each AWS call. Moto's objects are plain dictionaries without locks of their own, and
Python runs one thread at a time anyway, so a single lock costs nothing and makes every call atomic, as AWS's are.
"""

import base64
import datetime
import hmac
import io
import json
import os
import re
import sys
import threading
import traceback
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import calling
import cbor2
import checks
import cloudcontrol
import guard
import permissions
import strangers
from botocore.loaders import Loader
from botocore.model import ServiceModel
from moto.core.request import Request
from moto.core.routing import get_service_router
from moto.moto_api._internal.models import moto_api_backend
from werkzeug.test import run_wsgi_app

# A question is of one form only, so that no caller can have a text of another meaning hashed.
QUESTION = re.compile(r"prove=([0-9a-f]{64})")

CBOR_PATH = re.compile(r"^/service/GraniteServiceVersion20100801/operation/(\w+)$")

READING = re.compile(
    r"^(Describe|Get|List|Head|BatchGet|BatchCheck|Lookup|Search|Simulate|Validate|Check|Test|Select|Query|Scan|Filter|Estimate)"
)

# The names under which requests are signed, where they differ from the names in the call log.
SIGNED_AS = {
    "cloudcontrolapi": "cloudcontrol",
    "elasticfilesystem": "efs",
    "monitoring": "cloudwatch",
    "elasticloadbalancing": "elbv2",
    "tagging": "resourcegroupstaggingapi",
}

# The protocols of the services that do not speak JSON; they decide how an error is written.
QUERY_SERVICES = {"cloudformation", "rds", "elbv2", "iam", "sns", "sts"}

ACCOUNT_LOCK = threading.RLock()


class CallLog:
    """Every AWS call since the last reset, in the order of the answers."""

    def __init__(self):
        self.lock = threading.Lock()
        self.calls = []

    def record(self, service, operation, status, caller):
        with self.lock:
            self.calls.append(
                {
                    "n": len(self.calls) + 1,
                    "service": service,
                    "operation": operation,
                    "mutating": not READING.match(operation),
                    "status": status,
                    "caller": caller,
                }
            )

    def as_json(self):
        with self.lock:
            return {"total": len(self.calls), "calls": list(self.calls)}

    def reset(self):
        with self.lock:
            self.calls = []


class Frontend:
    """The WSGI application that the server runs; `moto` is the application behind it."""

    def __init__(self, moto, version, on_stop, fork):
        self.moto = moto
        self.version = version
        # The token that proves that this is the server on record, and the port it listens on; a fork is on no record.
        self.token = None
        self.port = 0
        self.on_stop = on_stop
        self.fork = fork
        # Every one that was not refused, those for control too.
        self.requests = 0
        self.log = CallLog()
        self.checks = checks.Checks(1 + guard.MOST_FORKS)
        self.cloudwatch = ServiceModel(Loader().load_service_model("cloudwatch", "service-2"), "cloudwatch")

    def __call__(self, environ, start_response):
        status, headers, body = self.answer(environ)
        start_response(status, headers)
        return [body]

    def answer(self, environ):
        refused = guard.refusal(environ)
        if refused:
            return text_answer(*refused)
        path = environ.get("PATH_INFO", "")
        self.requests += 1
        if path in GIVEN:
            return given(environ, path)
        if path.startswith("/_account/"):
            return self.control(environ["REQUEST_METHOD"], path, environ.get("QUERY_STRING", ""))
        body = guard.body_of(environ)
        if body is None:
            return text_answer(*guard.too_large())
        return self.aws_call(environ, path, body)

    # Control requests

    def control(self, method, path, query=""):
        action = (method, path.removeprefix("/_account/"))
        if action == ("GET", "status"):
            status = {"version": self.version, "pid": os.getpid(), "calls": len(self.log.calls), "bounds": guard.bounds()}
            asked = QUESTION.fullmatch(query)
            if asked and self.token:
                status["proof"] = self.proof(asked.group(1))
            return json_answer(status)
        if action == ("POST", "bounds"):
            guard.lower(query)
            return json_answer(guard.bounds())
        if action == ("GET", "calls"):
            return json_answer(self.log.as_json())
        if action == ("POST", "calls/reset"):
            self.log.reset()
            return json_answer({})
        if action == ("POST", "checks"):
            self.checks.on = True
            return json_answer(self.checks.as_json())
        if action == ("GET", "checks"):
            return json_answer(self.checks.as_json())
        if action == ("POST", "checks/reset"):
            self.checks.reset()
            return json_answer({})
        if action == ("POST", "reset"):
            with ACCOUNT_LOCK:
                moto_api_backend.reset()
                self.log.reset()
            return json_answer({})
        if action == ("POST", "strangers"):
            try:
                with ACCOUNT_LOCK:
                    return json_answer(strangers.fill(query))
            except (KeyError, ValueError) as fault:
                return json_answer({"error": str(fault)}, "400 BAD REQUEST")
        if action == ("POST", "fork"):
            # No call and no record is half-way when the process is doubled.
            with ACCOUNT_LOCK, self.log.lock:
                port = self.fork()
            if port is None:
                error = f"an account and its forks are {guard.MOST_FORKS} processes at most"
                return json_answer({"error": error}, "429 TOO MANY REQUESTS")
            return json_answer({"port": port})
        if action == ("POST", "stop"):
            self.on_stop()
            return json_answer({})
        return json_answer({"error": f"no such control request: {method} {path}"}, "404 NOT FOUND")

    def proof(self, question):
        """The answer that only the server on record can give; others may see question and answer, and cannot use them."""
        message = f"{question} {os.getpid()} {self.port}"
        return hmac.new(self.token.encode(), message.encode(), "sha256").hexdigest()

    # AWS calls

    def aws_call(self, environ, path, body):
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        environ.pop("wsgi.input_terminated", None)

        service = signed_service(environ)
        cbor = CBOR_PATH.match(path)
        if cbor:
            service, operation = "cloudwatch", cbor.group(1)
        else:
            operation = operation_of(environ, service, body)
        refused = refused_call(environ, service, operation, body)
        if refused:
            answer = refused
        elif cbor:
            answer = self.cbor_call(environ, operation, body)
        else:
            wrong = self.checks.refusal(service, operation, environ, body)
            answer = error_answer(service, *wrong) if wrong else self.own_call(environ, service, operation, body)
            if operation == "BatchGetSecretValue":
                answer = values_for(environ, answer)
        self.log.record(service, operation, int(answer[0][:3]), access_key(environ))
        return answer

    def own_call(self, environ, service, operation, body):
        """Answers for the services that moto does not have, or cannot load here; passes all other requests on to it."""
        if (service, operation) != ("cloudformation", "DescribeType") and service != "cloudcontrol":
            return self.plain_call(environ, service, operation)
        region = signed_region(environ)
        with ACCOUNT_LOCK:
            try:
                if service == "cloudformation":
                    status, text = cloudcontrol.describe_type(parameters_of(environ, service, body), region)
                    return written(status, "text/xml", text)
                call = calling.Caller(self.inner_call, permissions.ACCOUNT, region, access_key(environ))
                found = cloudcontrol.answer(operation, body, call)
            except Exception as fault:
                return self.fault(service, operation, fault)
        if found is None:
            return error_answer(service, "NotImplemented", f"the local account does not know {service}:{operation}")
        status, document = found
        return written(status, "application/x-amz-json-1.0", json.dumps(document))

    def inner_call(self, environ, body):
        """A call that one service makes to another, with the rights of its caller; the log has those of clients alone."""
        service = signed_service(environ)
        operation = operation_of(environ, service, body)
        return refused_call(environ, service, operation, body) or self.plain_call(environ, service, operation)

    def fault(self, service, operation, fault):
        """The answer to a call over which this account stumbles: it is reported to the caller, and in the log."""
        traceback.print_exc(file=sys.stderr)
        return error_answer(
            service,
            "SandboxFault",
            f"the local account failed in {service}:{operation}: {type(fault).__name__}: {str(fault)[:500]}",
        )

    def plain_call(self, environ, service, operation):
        """Passes one request on to moto; whatever goes wrong comes back as an AWS error, never as an HTML page.

        A server error would be retried by every SDK, so what moto lacks is answered with 400.
        """
        with ACCOUNT_LOCK:
            try:
                chunks, status, headers = run_wsgi_app(self.moto, environ, buffered=True)
                body = b"".join(chunks)
                headers = list(headers)
            except (NotImplementedError, ModuleNotFoundError):
                return error_answer(service, "NotImplemented", f"the local account does not know {service}:{operation}")
            except Exception as fault:
                return self.fault(service, operation, fault)
        kind = dict((name.lower(), value) for name, value in headers).get("content-type", "")
        if int(status[:3]) >= 400 and b"<!doctype html" in body[:200].lower() and kind.startswith("text/html"):
            return error_answer(service, "NotImplemented", f"the local account does not know {service}:{operation}")
        return status, headers, body

    def cbor_call(self, environ, operation, body):
        """CloudWatch speaks Smithy RPC v2 CBOR with current SDKs; moto speaks the older JSON protocol only.

        https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html
        """
        request = json.dumps(plain(cbor2.loads(body) if body else {})).encode()
        environ = dict(environ)
        environ.update(
            {
                "PATH_INFO": "/",
                "RAW_URI": "/",
                "REQUEST_URI": "/",
                "CONTENT_TYPE": "application/x-amz-json-1.0",
                "CONTENT_LENGTH": str(len(request)),
                "HTTP_X_AMZ_TARGET": f"GraniteServiceVersion20100801.{operation}",
                "wsgi.input": io.BytesIO(request),
            }
        )
        refused = self.checks.refusal("cloudwatch", operation, environ, request)
        status, headers, answer = (
            error_answer("cloudwatch", *refused) if refused else self.plain_call(environ, "cloudwatch", operation)
        )
        document = json.loads(answer) if answer else {}
        code = int(status[:3])
        extra = []
        if code >= 400:
            error = (document.get("__type") or "InternalServiceError").split("#")[-1]
            document = {
                "__type": f"com.amazonaws.cloudwatch#{error}",
                "message": document.get("message") or document.get("Message") or "",
            }
            # CloudWatch's model is "AWS query compatible": the code known from the query protocol comes in this header.
            extra.append(("x-amzn-query-error", f"{error};Sender"))
        elif operation in self.cloudwatch.operation_names:
            shape = self.cloudwatch.operation_model(operation).output_shape
            document = typed(document, shape) if shape else {}
        encoded = cbor2.dumps(document)
        kept = [(name, value) for name, value in headers if name.lower() not in ("content-type", "content-length")]
        return (
            status,
            kept
            + extra
            + [
                ("Content-Type", "application/cbor"),
                ("Content-Length", str(len(encoded))),
                ("smithy-protocol", "rpc-v2-cbor"),
            ],
            encoded,
        )


def plain(value):
    """A decoded CBOR value in the terms of the JSON protocol."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, datetime.datetime):
        return value.timestamp()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value


def typed(value, shape):
    """A JSON answer in the types that CBOR tells apart: times are tag 1, doubles are never integers."""
    if value is None:
        return None
    match shape.type_name:
        case "structure":
            return {
                name: typed(value[name], member)
                for name, member in shape.members.items()
                if value.get(name) is not None
            }
        case "list":
            return [typed(item, shape.member) for item in value]
        case "map":
            return {key: typed(item, shape.value) for key, item in value.items()}
        case "timestamp":
            return cbor2.CBORTag(1, float(value))
        case "double" | "float":
            return float(value)
        case "integer" | "long":
            return int(value)
        case "blob":
            return base64.b64decode(value)
        case _:
            return value


# The control requests with a body.
GIVEN = {
    "/_account/policies": permissions.give,
    "/_account/cloudcontrol": lambda body: cloudcontrol.prepare(body, permissions.ACCOUNT),
}


def given(environ, path):
    try:
        with ACCOUNT_LOCK:
            GIVEN[path](guard.body_of(environ))
    except (KeyError, TypeError, ValueError) as fault:
        return json_answer({"error": str(fault)}, "400 BAD REQUEST")
    return json_answer({})


def refused_call(environ, service, operation, body):
    """The answer to a call that the policies of its caller do not allow; None where they do, or where it has none."""
    caller, region = access_key(environ), signed_region(environ)
    if caller not in permissions.CALLERS:
        return None
    try:
        parameters = parameters_of(environ, service, body)
        with ACCOUNT_LOCK:
            refused = permissions.refusal(caller, service, operation, region, parameters, environ.get("PATH_INFO", ""))
    except Exception as fault:  # what a call needs is not known for one of this form: an error that no SDK repeats
        traceback.print_exc(file=sys.stderr)
        refused = ("SandboxFault", f"the local account cannot tell what {service}:{operation} needs: {fault!r}")
    if not refused:
        return None
    if CBOR_PATH.match(environ.get("PATH_INFO", "")):
        code, message = refused
        encoded = cbor2.dumps({"__type": f"com.amazonaws.cloudwatch#{code}", "message": message})
        headers = [
            ("Content-Type", "application/cbor"),
            ("Content-Length", str(len(encoded))),
            ("smithy-protocol", "rpc-v2-cbor"),
            ("x-amzn-query-error", f"{code};Sender"),
        ]
        return "403 FORBIDDEN", headers, encoded
    _, headers, answer = error_answer(service, *refused)
    return "403 FORBIDDEN", headers, b"" if environ["REQUEST_METHOD"] == "HEAD" else answer


def values_for(environ, answer):
    """A caller gets the values that it may have one by one; for the others there is an error inside the answer.

    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_BatchGetSecretValue.html
    """
    status, headers, body = answer
    caller, region = access_key(environ), signed_region(environ)
    if caller not in permissions.CALLERS or not status.startswith("200"):
        return answer
    document = json.loads(body)
    values = document.get("SecretValues") or []
    with ACCOUNT_LOCK:
        kept = [v for v in values if permissions.allowed(caller, "secretsmanager:GetSecretValue", v["ARN"], region)]
    errors = [
        {"SecretId": value["ARN"], "ErrorCode": "AccessDeniedException", "Message": "You are not authorized"}
        for value in values
        if value not in kept
    ]
    document.update({"SecretValues": kept, "Errors": (document.get("Errors") or []) + errors})
    encoded = json.dumps(document).encode()
    headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
    return status, [*headers, ("Content-Length", str(len(encoded)))], encoded


def parameters_of(environ, service, body):
    """The parameters of a request, as far as permissions depend on them: of a form its fields, and otherwise its members."""
    if CBOR_PATH.match(environ.get("PATH_INFO", "")):
        return plain(cbor2.loads(body)) if body else {}
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return {name: values[0] for name, values in parse_qs(body.decode(errors="replace"), True).items()}
    if service == "s3":
        return {"has_tags": b"<Tag>" in body}
    return json.loads(body) if body else {}


def access_key(environ):
    """The signer of a request, so that callers can be told apart in the log of calls."""
    found = re.search(r"Credential=([^/]+)/", environ.get("HTTP_AUTHORIZATION", ""))
    return found.group(1) if found else None


def signed_region(environ):
    found = re.search(r"Credential=[^/]+/\d+/([^/]*)/", environ.get("HTTP_AUTHORIZATION", ""))
    return found.group(1) if found else ""


def signed_service(environ):
    """The service a request is for, from its signature: `Credential=KEY/DATE/REGION/SERVICE/aws4_request`."""
    found = re.search(r"Credential=[^/]+/\d+/[^/]*/([^/]+)/aws4", environ.get("HTTP_AUTHORIZATION", ""))
    name = found.group(1).lower() if found else "s3"
    return SIGNED_AS.get(name, name)


def operation_of(environ, service, body):
    target = environ.get("HTTP_X_AMZ_TARGET")
    if target:
        return target.split(".")[-1]
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return parse_qs(body.decode(errors="replace")).get("Action", ["Unknown"])[0]
    try:
        operation, _ = get_service_router(service).match(Request(dict(environ)))
        return operation.name
    except Exception:  # an address that no operation has: moto will say so
        return f"{environ['REQUEST_METHOD']} {environ.get('PATH_INFO', '')}"


def json_answer(document, status="200 OK"):
    return written(status, "application/json", json.dumps(document))


def written(status, kind, text):
    body = text.encode()
    return status, [("Content-Type", kind), ("Content-Length", str(len(body)))], body


def text_answer(status, text):
    return written(status, "text/plain", f"{text}\n")


def error_answer(service, code, message):
    """An error in the protocol of the service."""
    if service == "ec2":
        body = f"<Response><Errors><Error><Code>{code}</Code><Message>{escape(message)}</Message></Error></Errors><RequestID>0</RequestID></Response>"
    elif service == "s3":
        body = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    elif service in QUERY_SERVICES:
        body = f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error><RequestId>0</RequestId></ErrorResponse>"
    else:
        body = json.dumps({"__type": code, "message": message})
    kind = "application/x-amz-json-1.1" if body.startswith("{") else "text/xml"
    encoded = body.encode()
    return "400 BAD REQUEST", [("Content-Type", kind), ("Content-Length", str(len(encoded)))], encoded
