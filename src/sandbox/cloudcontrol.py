"""AWS Cloud Control, which moto does not have, and `cloudformation:DescribeType` beside it.

https://docs.aws.amazon.com/cloudcontrolapi/latest/APIReference/Welcome.html

Every type that `.ci/facts` knows can be made, read, changed, removed and listed: those of `cloudcontrol_types.py` stand in
moto, where the services' own APIs see them, and the others are kept by `cloudcontrol_store.py`.

As on AWS
- A model that breaks its schema is refused in the call: `ValidationException` (pulumi/pulumi-aws-native#581, #1866). So is a patch
  that touches what is create-only (#2936), or that has no such path (hashicorp/terraform-provider-awscc#3235).
- All else that goes wrong is in the event, `FAILED` with its code; the handler's own words are its message.
- The first answer is `IN_PROGRESS`; so are the next looks, `LOOKS` of them, whatever comes of it. The handler has done its work
  when the first answer is given, so no request waits for looks that a client that died will never take. An identifier that AWS
  makes is in the event from the first look on.
- One operation at a time for each object: `ConcurrentOperationException`. A client that meets it is one that looks, too.
- A client token is valid for 36 hours: the same request gives the same event, even after `FAILED`, and after the object is
  gone; another request is refused.
- An update reads the object, applies the patch, and hands the whole to the handler: what is write-only and not in the patch is
  not in the model. https://docs.aws.amazon.com/cloudcontrolapi/latest/userguide/resource-operations-update.html
- Handlers act with the rights of the caller. A type that is not in moto needs those actions of its handler that are of its own
  service, on its ARN.

`POST /_account/cloudcontrol` says what the next operation of a type comes to: `{"type", "operation": "CREATE", "error":
"Throttling", "message", "leaves": true, "looks": 5}`. Without `error` it succeeds; with `leaves` the work is done nevertheless.

Not here: hooks, `RoleArn`, `TypeVersionId`, private types, quotas and rates.
"""

import json
import re
import time
from xml.sax.saxutils import escape

import permissions
from calling import Failure
from cloudcontrol_model import Refusal, coerced, operations_of, patched, refuse_fixed, same, type_of, validate, values_at, without
from cloudcontrol_store import Kept, arn_of, cloudcontrol_backends, page_start, page_token, service_of, uuid
from cloudcontrol_types import HANDLERS

# The looks at an event that still find it in progress.
LOOKS = 1

TOKEN_VALID = 36 * 3600
# "Resource operation requests expire after seven days."
# https://docs.aws.amazon.com/cloudcontrolapi/latest/userguide/resource-operations-manage-requests.html
REQUEST_VALID = 7 * 24 * 3600

OPEN = ("IN_PROGRESS", "CANCEL_IN_PROGRESS")


class Request:
    """One request for an operation on an object, and how it stands."""

    def __init__(self, kind, operation, identifier, looks):
        self.token = uuid()
        self.kind = kind
        self.operation = operation
        self.identifier = identifier
        # The event has no identifier yet, if AWS makes it.
        self.is_announced = operation != "CREATE" or kind.is_named_by_inputs
        self.looks = looks
        self.status = "IN_PROGRESS"
        self.outcome = "SUCCESS"
        self.error = None
        self.message = None
        self.time = time.time()

    def fail(self, code, message):
        self.outcome, self.error, self.message = "FAILED", code, message[:1024]

    def look(self):
        """Time passes for those who look."""
        self.is_announced = True
        if self.status not in OPEN:
            return
        if self.looks > 0 and self.status == "IN_PROGRESS":
            self.looks -= 1
            return
        self.status = "CANCEL_COMPLETE" if self.status == "CANCEL_IN_PROGRESS" else self.outcome
        self.time = time.time()

    def event(self):
        event = {
            "TypeName": self.kind.name,
            "RequestToken": self.token,
            "Operation": self.operation,
            "OperationStatus": self.status,
            "EventTime": round(self.time, 3),
        }
        if self.identifier and self.is_announced:
            event["Identifier"] = self.identifier
        if self.status == "FAILED":
            event["ErrorCode"] = self.error
            event["StatusMessage"] = self.message
        return event


# The codes of handlers, by what the code of a service contains; the first that fits. The rest are `GeneralServiceException`.
# https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-test-contract-errors.html
CODES = [
    ("AccessDenied|Unauthorized|AuthorizationError|NotAuthorized", "AccessDenied"),
    ("AlreadyExist|ResourceExists|NameExists|DuplicateItem|^ResourceInUseException$", "AlreadyExists"),
    ("NotFound|NonExistent|DoesNotExist", "NotFound"),
    ("Throttl|TooManyRequests|DeletedRecently", "Throttling"),
    ("LimitExceeded|QuotaExceeded", "ServiceLimitExceeded"),
    ("Conflict|InUse|OperationAborted|InvalidState|DependencyViolation", "ResourceConflict"),
    ("NotUpdatable", "NotUpdatable"),
    ("Validation|Invalid|Malformed|Unsupported|Missing", "InvalidRequest"),
]


def handler_code(failure):
    return next((code for pattern, code in CODES if re.search(pattern, failure.code)), "GeneralServiceException")


def handler_message(failure):
    if "::" in failure.service:
        return failure.message
    service = failure.service.title()
    return f"{failure.message} (Service: {service}, Status Code: {failure.status}, Request ID: {uuid()})"


class Front:
    """The operations, for one caller in one region."""

    def __init__(self, call):
        self.call = call
        self.backend = cloudcontrol_backends[call.account][call.region]

    # Types and their handlers

    def kind_of(self, parameters, action):
        name = parameters["TypeName"]
        kind = type_of(name)
        if kind is None:
            raise Refusal("TypeNotFoundException", f"The type '{name}' cannot be found.")
        if not kind.supported or action.lower() not in kind.handlers:
            raise Refusal("UnsupportedActionException", f"Resource type {name} does not support {action} action")
        return kind

    def handlers_of(self, kind):
        return HANDLERS[kind.name](kind, self.call) if kind.name in HANDLERS else Kept(kind, self.call)

    def keys_of(self, kind, identifier):
        """The values of the primary identifier; a JSON document may name another one."""
        keys = kind.keys_of(identifier)
        if set(keys) >= set(kind.identifier):
            return keys
        for others in kind.facts.get("otherIdentifiers", []):
            if set(keys) == set(others):
                for candidate in self.handlers_of(kind).list():
                    model = self.handlers_of(kind).read(candidate)
                    if all(str(model.get(name)) == str(value) for name, value in keys.items()):
                        return kind.keys_in(model)
                raise Failure(kind.name, "NotFound", f"{identifier} was not found", 404)
        names = ", ".join(f"/properties/{name}" for name in kind.identifier)
        raise Refusal("ValidationException", f"Identifier {identifier} is not valid for identifier [{names}]")

    def check_rights(self, kind, action, model):
        """Holds the caller of a type that is kept here to its handler's actions, as far as they are of its own service."""
        caller = self.call.access_key
        if kind.name in HANDLERS or caller not in permissions.CALLERS:
            return
        arn = arn_of(kind, model, self.call.region, self.call.account)
        principal, statements = permissions.CALLERS[caller]
        for name in kind.handlers[action.lower()]:
            if name.split(":")[0].lower() != service_of(kind):
                continue
            context = {"aws:PrincipalArn": principal, "aws:RequestedRegion": self.call.region}
            reason = permissions.denied(statements, name, arn, context)
            if reason:
                text = permissions.sentence(service_of(kind), principal, name, arn, reason)
                raise Failure(kind.name, "AccessDenied", text, 403)

    # Requests

    def recalled(self, operation, parameters):
        """The request that a client token stands for, and how it is to be remembered."""
        token = parameters.get("ClientToken")
        asked = json.dumps([operation, {key: value for key, value in parameters.items() if key != "ClientToken"}], sort_keys=True)
        if not token:
            return None, lambda request: None
        before = self.backend.tokens.get(token)
        if before and time.time() - before[2] < TOKEN_VALID:
            if before[0] != asked:
                raise Refusal("ClientTokenConflictException", f"Client token {token} was used for another request")
            return self.backend.requests[before[1]], None

        def remember(request):
            self.backend.tokens[token] = (asked, request.token, time.time())

        return None, remember

    def begin(self, kind, operation, identifier, work):
        """Carries out one operation, and returns its request, which is not through yet."""
        if identifier:
            self.refuse_concurrent(kind, identifier)
        script = self.script_of(kind, operation)
        request = Request(kind, operation, identifier, script.get("looks", LOOKS))
        if not script.get("error") or script.get("leaves"):
            try:
                request.identifier = work() or identifier
            except Failure as failure:
                request.identifier = failure.identifier or identifier
                request.fail(handler_code(failure), handler_message(failure))
        if script.get("error"):
            request.fail(script["error"], script.get("message", ""))
        self.backend.requests[request.token] = request
        return request

    def script_of(self, kind, operation):
        """What a test wants this operation to come to."""
        scripts = cloudcontrol_backends[self.call.account]["us-east-1"].scripts
        for script in scripts:
            if script["type"] == kind.name and script["operation"] == operation:
                scripts.remove(script)
                return script
        return {}

    def refuse_concurrent(self, kind, identifier):
        for request in self.backend.requests.values():
            if request.kind.name == kind.name and request.identifier == identifier and request.status in OPEN:
                token = request.token
                request.look()
                raise Refusal(
                    "ConcurrentOperationException",
                    f"Resource with identifier {identifier} is already under operation, with request token {token}",
                )

    # The operations of the API

    def create_resource(self, parameters):
        kind = self.kind_of(parameters, "CREATE")
        known, remember = self.recalled("CREATE", parameters)
        if known:
            return {"ProgressEvent": known.event()}
        try:
            model = json.loads(parameters["DesiredState"])
        except ValueError:
            raise Refusal("ValidationException", "DesiredState is not a JSON document") from None
        validate(kind, model)

        def work():
            # hashicorp/terraform-provider-awscc#2394
            if any(values_at(model, path) for path in kind.read_only):
                message = "Invalid Create: cannot create a resource using ReadOnly properties"
                raise Failure(kind.name, "InvalidRequest", message, 400)
            self.check_rights(kind, "CREATE", model)
            return kind.identifier_of(self.handlers_of(kind).create(model))

        given = kind.is_named_by_inputs and len(kind.keys_in(model)) == len(kind.identifier)
        request = self.begin(kind, "CREATE", kind.identifier_of(model) if given else None, work)
        remember(request)
        return {"ProgressEvent": request.event()}

    def get_resource(self, parameters):
        kind = self.kind_of(parameters, "READ")
        keys, model = self.read(kind, parameters["Identifier"])
        identifier = kind.identifier_of(keys)
        return {
            "TypeName": kind.name,
            "ResourceDescription": {"Identifier": identifier, "Properties": json.dumps(model)},
        }

    def read(self, kind, identifier):
        """The keys and the model of an object; a handler's failure is an exception of the API here."""
        try:
            keys = self.keys_of(kind, identifier)
            model = self.handlers_of(kind).read(keys)
            self.check_rights(kind, "READ", model)
            return keys, model
        except Failure as failure:
            code = handler_code(failure)
            known = {"NotFound": "ResourceNotFoundException", "AccessDenied": "AccessDeniedException"}
            message = handler_message(failure)
            if code == "NotFound":
                message = f"Resource of type '{kind.name}' with identifier '{identifier}' was not found."
            said = f"{kind.name} Handler returned status FAILED: {message} (HandlerErrorCode: {code}, RequestToken: {uuid()})"
            raise Refusal(known.get(code, f"{code.removesuffix('Exception')}Exception"), said) from failure

    def update_resource(self, parameters):
        kind = self.kind_of(parameters, "UPDATE")
        known, remember = self.recalled("UPDATE", parameters)
        if known:
            return {"ProgressEvent": known.event()}
        operations = operations_of(parameters["PatchDocument"])
        try:
            keys, before = self.read(kind, parameters["Identifier"])
        except Refusal as refusal:
            if refusal.code != "ResourceNotFoundException":
                raise
            # What is gone is the handler's to say.
            keys, before = None, None
        if before is not None:
            after = patched(before, operations)
            refuse_fixed(kind, operations, before, after)
            after = coerced(kind, after)
            validate(kind, without(after, kind.read_only))

        def work():
            if before is None:
                raise Failure(kind.name, "NotFound", f"{parameters['Identifier']} was not found", 404)
            for path in kind.conditional:
                was = values_at(before, path)
                if was and not same(was, values_at(after, path)):
                    raise Failure(kind.name, "NotUpdatable", f"{path} cannot be updated in this way", 400)
            self.check_rights(kind, "UPDATE", before)
            self.handlers_of(kind).update(keys, before, after)

        identifier = kind.identifier_of(keys) if keys else parameters["Identifier"]
        request = self.begin(kind, "UPDATE", identifier, work)
        remember(request)
        return {"ProgressEvent": request.event()}

    def delete_resource(self, parameters):
        kind = self.kind_of(parameters, "DELETE")
        known, remember = self.recalled("DELETE", parameters)
        if known:
            return {"ProgressEvent": known.event()}
        try:
            keys = self.keys_of(kind, parameters["Identifier"])
        except Failure:
            keys = None

        def work():
            if keys is None:
                raise Failure(kind.name, "NotFound", f"{parameters['Identifier']} was not found", 404)
            handlers = self.handlers_of(kind)
            if kind.name not in HANDLERS:
                self.check_rights(kind, "DELETE", handlers.read(keys))
            handlers.delete(keys)

        identifier = kind.identifier_of(keys) if keys else parameters["Identifier"]
        request = self.begin(kind, "DELETE", identifier, work)
        remember(request)
        return {"ProgressEvent": request.event()}

    def list_resources(self, parameters):
        kind = self.kind_of(parameters, "LIST")
        given = json.loads(parameters.get("ResourceModel") or "{}")
        needed = kind.facts.get("listNeeds", [])
        missing = [name for name in needed if name not in given]
        if missing:
            raise Refusal(
                "InvalidRequestException",
                f"Missing or invalid ResourceModel property in {kind.name} list handler request input. "
                f"Required property: [{', '.join(missing)}]",
            )
        try:
            handlers = self.handlers_of(kind)
            found = {kind.identifier_of(keys): keys for keys in handlers.list()}
            if needed:
                found = {
                    identifier: keys
                    for identifier, keys in found.items()
                    if all(handlers.read(keys).get(name, given[name]) == given[name] for name in needed)
                }
        except Failure as failure:
            code = handler_code(failure)
            raise Refusal(f"{code.removesuffix('Exception')}Exception", handler_message(failure)) from failure
        page, following = self.page(sorted(found), parameters, 100, lambda identifier: identifier)
        # Most handlers return what identifies an object, and no more.
        answer = {
            "TypeName": kind.name,
            "ResourceDescriptions": [
                {"Identifier": identifier, "Properties": json.dumps(found[identifier])} for identifier in page
            ],
        }
        return answer | following

    def page(self, items, parameters, usual, mark):
        """A page of items, and the token of the next one: the last item of this one."""
        if "NextToken" in parameters:
            last = page_start(parameters["NextToken"])
            places = [number for number, item in enumerate(items) if mark(item) == last]
            if not places:
                raise Refusal("ValidationException", "The next token is invalid")
            items = items[places[0] + 1 :]
        page = items[: parameters.get("MaxResults", usual)]
        return page, {"NextToken": page_token(mark(page[-1]))} if len(page) < len(items) else {}

    def request_of(self, parameters):
        token = parameters["RequestToken"]
        request = self.backend.requests.get(token)
        if request is None or time.time() - request.time > REQUEST_VALID:
            raise Refusal("RequestTokenNotFoundException", f"Request with token {token} was not found")
        return request

    def get_resource_request_status(self, parameters):
        request = self.request_of(parameters)
        request.look()
        return {"ProgressEvent": request.event()}

    def list_resource_requests(self, parameters):
        """The newest come first; 20 a page, unless more are asked for."""
        wanted = parameters.get("ResourceRequestStatusFilter", {})
        found = []
        for request in reversed(self.backend.requests.values()):
            if time.time() - request.time > REQUEST_VALID:
                continue
            if request.operation not in wanted.get("Operations", [request.operation]):
                continue
            if request.status in wanted.get("OperationStatuses", [request.status]):
                found.append(request)
        page, following = self.page(found, parameters, 20, lambda request: request.token)
        answer = {"ResourceRequestStatusSummaries": [request.event() for request in page]}
        for request in page:
            request.look()
        return answer | following

    def cancel_resource_request(self, parameters):
        """"Only resource operations requests with a status of PENDING or IN_PROGRESS can be canceled." What the handler has
        done stays done."""
        request = self.request_of(parameters)
        if request.status != "IN_PROGRESS":
            raise Refusal("ConcurrentModificationException", f"A request that is {request.status} cannot be canceled")
        request.status = "CANCEL_IN_PROGRESS"
        return {"ProgressEvent": request.event()}


OPERATIONS = {
    "CancelResourceRequest": Front.cancel_resource_request,
    "CreateResource": Front.create_resource,
    "DeleteResource": Front.delete_resource,
    "GetResource": Front.get_resource,
    "GetResourceRequestStatus": Front.get_resource_request_status,
    "ListResourceRequests": Front.list_resource_requests,
    "ListResources": Front.list_resources,
    "UpdateResource": Front.update_resource,
}


# The wire


def answer(operation, body, call):
    """The answer to one request of `cloudcontrol`, as status and JSON; None for an operation that it does not have."""
    if operation not in OPERATIONS:
        return None
    try:
        return "200 OK", OPERATIONS[operation](Front(call), json.loads(body or b"{}"))
    except Refusal as refusal:
        return "400 BAD REQUEST", {"__type": f"com.amazonaws.cloudapiservice#{refusal.code}", "Message": refusal.message}


def prepare(body, account):
    """Keeps what the next operation of a type is to come to."""
    script = json.loads(body)
    if set(script) - {"type", "operation", "error", "message", "leaves", "looks"} or not {"type", "operation"} <= set(script):
        raise ValueError("expected: type, operation, and any of error, message, leaves, looks")
    cloudcontrol_backends[account]["us-east-1"].scripts.append(script)


# CloudFormation's registry


def describe_type(parameters, region):
    """`DescribeType` of a resource type, as status and XML.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeType.html
    """
    name = parameters.get("TypeName") or parameters.get("Arn", "").rsplit("/", 1)[-1].replace("-", "::")
    kind = type_of(name) if re.fullmatch(r"\w+::\w+::\w+", name) else None
    if kind is None or parameters.get("Type", "RESOURCE") != "RESOURCE":
        fault = f"<Code>TypeNotFoundException</Code><Message>The type '{escape(name)}' cannot be found.</Message>"
        return "404 NOT FOUND", f"<ErrorResponse><Error><Type>Sender</Type>{fault}</Error><RequestId>{uuid()}</RequestId></ErrorResponse>"
    mutable = "FULLY_MUTABLE" if "update" in kind.handlers else "IMMUTABLE"
    members = {
        "Arn": f"arn:aws:cloudformation:{region}::type/resource/{name.replace('::', '-')}",
        "Type": "RESOURCE",
        "TypeName": name,
        "DefaultVersionId": "00000001",
        "IsDefaultVersion": "true",
        "Schema": json.dumps(kind.schema_document()),
        "ProvisioningType": mutable if kind.supported else "NON_PROVISIONABLE",
        "DeprecatedStatus": "LIVE",
        "Visibility": "PUBLIC",
        "IsActivated": "true",
    }
    written = "".join(f"<{member}>{escape(value)}</{member}>" for member, value in members.items())
    return "200 OK", (
        '<DescribeTypeResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">'
        f"<DescribeTypeResult>{written}</DescribeTypeResult>"
        f"<ResponseMetadata><RequestId>{uuid()}</RequestId></ResponseMetadata></DescribeTypeResponse>"
    )
