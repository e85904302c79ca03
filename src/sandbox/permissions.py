"""IAM's evaluation of policies, for the callers that have been given some. All others may do everything.

`POST /_account/policies` with `{"caller": KEY, "documents": [POLICY, ...]}` gives an access key its policies; `principal`
says who it is. The permissions that a call needs are in `needs.py`. An explicit deny wins, then any allow; without one the
call is refused, in the words of AWS.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import json
import re

import needs

ACCOUNT = needs.ACCOUNT

# The caller's identity and the statements of its policies, by access key.
CALLERS = {}

# The codes of EC2 and other services that differ from AccessDenied.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
CODES = {"ec2": "UnauthorizedOperation", "sns": "AuthorizationError"}
QUERY = {"cloudformation", "rds", "elbv2", "iam", "sts", "s3", "cloudwatch"}


def give(body):
    """Gives a caller its policies, or takes them away: none is to be held to none, an empty list allows nothing."""
    given = json.loads(body)
    caller, documents = given["caller"], given.get("documents")
    if documents is None:
        CALLERS.pop(caller, None)
        return
    statements = [statement for document in documents for statement in listed(document["Statement"])]
    for statement in statements:
        for operator in statement.get("Condition", {}):
            if operator.split(":")[-1].removesuffix("IfExists") not in OPERATORS:
                raise ValueError(f"the local account does not know the condition operator {operator}")
    principal = given.get("principal", f"arn:aws:iam::{ACCOUNT}:user/{caller}")
    CALLERS[caller] = (principal, statements)


def refusal(caller, service, operation, region, parameters, path):
    """The code and the message with which a call is refused; None where it may be made."""
    if caller not in CALLERS or service == "sts":
        return None
    principal, statements = CALLERS[caller]
    for action, resources, context in needs.of(service, operation, region, parameters, path):
        context = {"aws:PrincipalArn": principal, "aws:RequestedRegion": region, **context}
        for resource in resources:
            known = {**context, **needs.resource_context(action, resource, region)}
            reason = denied(statements, action, resource, known)
            if reason:
                return code_of(service), sentence(service, principal, action, resource, reason)
    return None


def allowed(caller, action, resource, region):
    """Returns whether a caller may do one thing to one resource, where a call that it may make asks for several."""
    if caller not in CALLERS:
        return True
    principal, statements = CALLERS[caller]
    context = {"aws:PrincipalArn": principal, "aws:RequestedRegion": region}
    return not denied(statements, action, resource, {**context, **needs.resource_context(action, resource, region)})


def code_of(service):
    if service in CODES:
        return CODES[service]
    return "AccessDenied" if service in QUERY else "AccessDeniedException"


def sentence(service, principal, action, resource, reason):
    text = f"User: {principal} is not authorized to perform: {action} on resource: {resource} {reason}"
    if service == "ec2":
        return f"You are not authorized to perform this operation. {text}. Encoded authorization failure message: local"
    return text


def denied(statements, action, resource, context):
    """The reason why the policies do not allow this; None where they do."""
    matching = [statement for statement in statements if applies(statement, action, resource, context)]
    if any(statement["Effect"] == "Deny" for statement in matching):
        return "with an explicit deny in an identity-based policy"
    if matching:
        return None
    return f"because no identity-based policy allows the {action} action"


def applies(statement, action, resource, context):
    return (
        member(statement, "Action", lambda pattern: like(pattern.lower(), action.lower()))
        and member(statement, "Resource", lambda pattern: like(pattern, resource))
        and all(
            holds(operator, key, listed(values), context)
            for operator, conditions in statement.get("Condition", {}).items()
            for key, values in conditions.items()
        )
    )


def member(statement, name, matches):
    """Returns whether one of `Action` matches, or none of `NotAction`; likewise for resources."""
    if f"Not{name}" in statement:
        return not any(matches(pattern) for pattern in listed(statement[f"Not{name}"]))
    return any(matches(pattern) for pattern in listed(statement[name]))


def listed(value):
    return value if isinstance(value, list) else [value]


def like(pattern, text):
    """`*` is any text and `?` any character, also across `/` and `:`."""
    wanted = "".join({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in pattern)
    return re.fullmatch(wanted, text, re.DOTALL) is not None


def equal(pattern, text):
    return pattern == text


def equal_but_for_case(pattern, text):
    return str(pattern).lower() == text.lower()


# The comparison of one value, and whether the answer is negated, by operator.
OPERATORS = {
    "StringEquals": (equal, False),
    "StringNotEquals": (equal, True),
    "StringEqualsIgnoreCase": (equal_but_for_case, False),
    "StringLike": (like, False),
    "StringNotLike": (like, True),
    "ArnEquals": (like, False),
    "ArnLike": (like, False),
    "ArnNotEquals": (like, True),
    "ArnNotLike": (like, True),
    "Bool": (equal_but_for_case, False),
}


def holds(operator, key, patterns, context):
    """Returns whether one condition holds. Keys are compared without case; the name of a tag in them, too.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
    """
    quantifier, _, name = operator.rpartition(":")
    compare, is_negated = OPERATORS[name.removesuffix("IfExists")]
    present = {known.lower(): value for known, value in context.items()}.get(key.lower())
    if present is None or present == []:
        # There is nothing to compare: no value is equal to anything, and all of none are.
        return name.endswith("IfExists") or quantifier == "ForAllValues" or is_negated and quantifier == ""
    matches = [any(compare(pattern, value) for pattern in patterns) != is_negated for value in listed(present)]
    return any(matches) if quantifier == "ForAnyValue" else all(matches)
