"""KMS: keys that are disabled or about to go, policies that lock out, periods of rotation, and the permitted users of a key.

https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
"""

import json
import re

from moto.core.exceptions import JsonRESTError
from moto.kms.models import kms_backends
from moto.kms.responses import KmsResponse
from moto.logs.responses import LogsResponse
from moto.rds.exceptions import RDSClientError
from moto.rds.responses import RDSResponse

from patching import notes_of, replace

# The calls that the table of states refuses for a key that is scheduled for deletion, and for one that is disabled.
NOT_OF_SCHEDULED = (
    "create_alias",
    "update_alias",
    "enable_key",
    "disable_key",
    "enable_key_rotation",
    "disable_key_rotation",
    "tag_resource",
    "untag_resource",
    "update_key_description",
    "schedule_key_deletion",
)
NOT_OF_DISABLED = ("enable_key_rotation", "disable_key_rotation")


def refused_by_state(name):
    @replace(KmsResponse, name)
    def operation(original, self):
        given = self._get_param("TargetKeyId") or self._get_param("KeyId")
        key = self.kms_backend.keys.get(self.kms_backend.get_key_id(given))
        if key is not None and key.key_state == "PendingDeletion":
            raise JsonRESTError("KMSInvalidStateException", f"{key.arn} is pending deletion.")
        if key is not None and key.key_state == "Disabled" and name in NOT_OF_DISABLED:
            raise JsonRESTError("DisabledException", f"{key.arn} is disabled.")
        return original(self)


for refused in NOT_OF_SCHEDULED:
    refused_by_state(refused)


@replace(KmsResponse, "cancel_key_deletion")
def cancel_key_deletion(original, self):
    key = self.kms_backend.keys.get(self.kms_backend.get_key_id(self._get_param("KeyId")))
    if key is not None and key.key_state != "PendingDeletion":
        raise JsonRESTError("KMSInvalidStateException", f"{key.arn} is not pending deletion.")
    return original(self)


# Rotation: 90 to 2560 days, 365 unless said otherwise, and no period while it is off.
# https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html


@replace(KmsResponse, "enable_key_rotation")
def enable_key_rotation(original, self):
    answer = original(self)
    key = self.kms_backend.get_key_id(self._get_param("KeyId"))
    notes_of(self.kms_backend, "rotation")[key] = self._get_param("RotationPeriodInDays") or 365
    return answer


@replace(KmsResponse, "get_key_rotation_status")
def get_key_rotation_status(original, self):
    answer = json.loads(original(self))
    key = self.kms_backend.get_key_id(self._get_param("KeyId"))
    if answer["KeyRotationEnabled"]:
        answer["RotationPeriodInDays"] = notes_of(self.kms_backend, "rotation").get(key, 365)
    return json.dumps(answer)


# Policies. https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html


def check_policy(text, account):
    try:
        statements = listed(json.loads(text)["Statement"])
    except (ValueError, KeyError, TypeError):
        raise JsonRESTError("MalformedPolicyDocumentException", "The policy is not valid JSON.") from None
    keeps = (
        statement["Effect"] == "Allow"
        and any(account in str(principal) for principal in listed(principals(statement).get("AWS")))
        and any(matches(action, "kms:PutKeyPolicy") for action in listed(statement.get("Action")))
        for statement in statements
    )
    if not any(keeps):
        message = "The new key policy will not allow you to update the key policy in the future."
        raise JsonRESTError("MalformedPolicyDocumentException", message)


def listed(value):
    return value if isinstance(value, list) else [] if value is None else [value]


def principals(statement):
    principal = statement.get("Principal", {})
    return principal if isinstance(principal, dict) else {"AWS": principal}


def matches(pattern, text):
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), text) is not None


@replace(KmsResponse, "create_key")
def create_key(original, self):
    policy = self._get_param("Policy")
    if policy:
        check_policy(policy, self.current_account)
    return original(self)


@replace(KmsResponse, "put_key_policy")
def put_key_policy(original, self):
    check_policy(self._get_param("Policy"), self.current_account)
    return original(self)


# The permitted users of a key


def known_key(account, region, name):
    """The key by id, ARN or alias, if it is one of this account's."""
    backend = kms_backends[account][region]
    if not name or f":{account}:" not in name and name.startswith("arn:"):
        return None
    if "alias/" in name:
        return backend.keys.get(backend.get_key_id_from_alias(backend.get_alias_name(name)))
    return backend.keys.get(backend.get_key_id(name))


def is_usable(account, region, name):
    """Returns whether a key can encrypt; nothing is concluded about one that this account does not know."""
    key = known_key(account, region, name)
    return key is None or key.key_state == "Enabled"


def lets_in(account, region, name, service, context):
    """Returns whether the policy of a key lets a service encrypt, with this context; an unknown key is not judged."""
    key = known_key(account, region, name)
    if key is None:
        return True
    return any(
        statement["Effect"] == "Allow"
        and service in listed(principals(statement).get("Service"))
        and any(matches(action, "kms:GenerateDataKey") for action in listed(statement.get("Action")))
        and all(
            any(matches(pattern, context.get(key.removeprefix("kms:EncryptionContext:"), "")) for pattern in listed(values))
            for condition in statement.get("Condition", {}).values()
            for key, values in condition.items()
        )
        for statement in listed(json.loads(key.policy)["Statement"])
    )


def check_log_group(account, region, key, group):
    """CloudWatch Logs takes a key only once it may use it, for the group whose ARN it sends along.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    """
    arn = f"arn:aws:logs:{region}:{account}:log-group:{group}"
    service = f"logs.{region}.amazonaws.com"
    if not is_usable(account, region, key) or not lets_in(account, region, key, service, {"aws:logs:arn": arn}):
        # The words of hashicorp/terraform-provider-aws#29282.
        message = f"The specified KMS key does not exist or is not allowed to be used with Arn '{arn}'"
        raise JsonRESTError("AccessDeniedException", message)


@replace(LogsResponse, "create_log_group")
def create_log_group(original, self):
    key = self._get_param("kmsKeyId")
    check_log_group(self.current_account, self.region, key, self._get_param("logGroupName"))
    return original(self)


@replace(RDSResponse, "create_db_instance")
def create_db_instance(original, self):
    for name in ("KmsKeyId", "PerformanceInsightsKMSKeyId"):
        key = self._get_param(name)
        if not is_usable(self.current_account, self.region, key):
            message = f"The specified KMS key [{key}] does not exist, is not enabled or you do not have permissions to access it."
            raise RDSClientError("KMSKeyNotAccessibleFault", message)
    return original(self)


# Pages: of at most 1000 keys, or 100 aliases. https://docs.aws.amazon.com/kms/latest/APIReference/API_ListAliases.html


def paged(name, listed_as, most):
    @replace(KmsResponse, name)
    def operation(original, self):
        answer = json.loads(original(self))
        start = int(self._get_param("Marker") or 0)
        end = start + min(self._get_int_param("Limit") or most, most)
        whole = answer[listed_as]
        answer = {listed_as: whole[start:end], "Truncated": len(whole) > end}
        if answer["Truncated"]:
            answer["NextMarker"] = str(end)
        return json.dumps(answer)


paged("list_keys", "Keys", 1000)
paged("list_aliases", "Aliases", 100)
