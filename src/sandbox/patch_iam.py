"""IAM: names and tag keys without case, sizes of documents, policies in use."""

import re

from moto.iam.exceptions import DeleteConflictException, EntityAlreadyExists, LimitExceededException
from moto.iam.models import IAMBackend, ManagedPolicy

from patching import replace

# Characters, white space not counted, in an account that has not requested more.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
TRUST_POLICY = 2048
MANAGED_POLICY = 6144
INLINE_POLICIES_OF_A_ROLE = 10240


def size(document):
    return len(re.sub(r"\s", "", document or ""))


def check_size(document, most, message):
    if size(document) > most:
        raise LimitExceededException(message)


# Names


@replace(IAMBackend, "create_role")
def create_role(original, self, role_name, assume_role_policy_document, *arguments, **named):
    """AWS: "Names are not distinguished by case. For example, you cannot create resources named both "MyResource" and "myresource"."

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
    """
    if any(role.name.lower() == role_name.lower() for role in self.get_roles()):
        raise EntityAlreadyExists(f"Role with name {role_name} already exists.")
    check_size(
        assume_role_policy_document, TRUST_POLICY, f"Cannot exceed quota for ACLSizePerRole: {TRUST_POLICY}"
    )
    return original(self, role_name, assume_role_policy_document, *arguments, **named)


@replace(IAMBackend, "create_policy")
def create_policy(original, self, description, path, policy_document, policy_name, *arguments, **named):
    """As for roles; and whatever the path.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html
    """
    own = (policy for policy in self.managed_policies.values() if ":iam::aws:" not in policy.arn)
    if any(policy.name.lower() == policy_name.lower() for policy in own):
        raise EntityAlreadyExists(f"A policy called {policy_name} already exists. Duplicate names are not allowed.")
    check_size(policy_document, MANAGED_POLICY, f"Cannot exceed quota for PolicySize: {MANAGED_POLICY}")
    return original(self, description, path, policy_document, policy_name, *arguments, **named)


# Documents


@replace(IAMBackend, "update_assume_role_policy")
def update_assume_role_policy(original, self, role_name, policy_document):
    check_size(policy_document, TRUST_POLICY, f"Cannot exceed quota for ACLSizePerRole: {TRUST_POLICY}")
    return original(self, role_name, policy_document)


@replace(IAMBackend, "create_policy_version")
def create_policy_version(original, self, policy_arn, policy_document, *arguments, **named):
    check_size(policy_document, MANAGED_POLICY, f"Cannot exceed quota for PolicySize: {MANAGED_POLICY}")
    return original(self, policy_arn, policy_document, *arguments, **named)


@replace(IAMBackend, "put_role_policy")
def put_role_policy(original, self, role_name, policy_name, policy_json):
    """All inline policies of a role count together.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    """
    others = [text for name, text in self.get_role(role_name).policies.items() if name != policy_name]
    if sum(map(size, others)) + size(policy_json) > INLINE_POLICIES_OF_A_ROLE:
        raise LimitExceededException(
            f"Maximum policy size of {INLINE_POLICIES_OF_A_ROLE} bytes exceeded for role {role_name}"
        )
    return original(self, role_name, policy_name, policy_json)


# Tags


@replace(IAMBackend, "tag_role")
def tag_role(original, self, role_name, tags):
    """A key takes the place of one that differs in case alone. (moto does so for policies.)

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules_case
    """
    role = self.get_role(role_name)
    keys = {tag["Key"].lower() for tag in tags}
    role.tags = [tag for tag in role.tags if tag["Key"].lower() not in keys]
    return original(self, role_name, tags)


@replace(IAMBackend, "untag_role")
def untag_role(original, self, role_name, tag_keys):
    role = self.get_role(role_name)
    keys = {key.lower() for key in tag_keys}
    return original(self, role_name, [tag["Key"] for tag in role.tags if tag["Key"].lower() in keys])


# Policies in use


@replace(IAMBackend, "delete_policy")
def delete_policy(original, self, policy_arn):
    """An attached policy cannot be deleted.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html
    """
    policy = self.get_policy(policy_arn)
    if policy.attachment_count:
        raise DeleteConflictException("Cannot delete a policy attached to entities.")
    return original(self, policy_arn)


# GetAccountAuthorizationDetails tells a managed policy's name and id too.
# https://docs.aws.amazon.com/IAM/latest/APIReference/API_ManagedPolicyDetail.html
ManagedPolicy.policy_name = property(lambda self: self.name)
ManagedPolicy.policy_id = property(lambda self: self.id)
