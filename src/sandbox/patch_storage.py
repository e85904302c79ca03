"""S3 buckets, Secrets Manager secrets, ECR repositories and WAF web ACLs."""

import fnmatch
import json
import re

import xmltodict
from moto.core.exceptions import JsonRESTError
from moto.ecr.models import ECRBackend
from moto.s3.models import FakeBucket, FakeDeleteMarker, PublicAccessBlock, S3Backend
from moto.s3.responses import S3Response
from moto.secretsmanager.exceptions import InvalidRequestException, ResourceNotFoundException
from moto.secretsmanager import models as secrets
from moto.secretsmanager.models import SecretsManagerBackend
from moto.wafv2 import exceptions as waf_errors
from moto.wafv2.models import FakeWebACL, WAFV2Backend
from moto.wafv2.responses import WAFV2Response

from patching import add, replace

# S3


def default_encryption():
    return {"Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": "false"}}


@replace(FakeBucket, "__init__")
def new_bucket(original, self, *arguments, **named):
    """Since April 2023 a new bucket blocks all public access, has ACLs off and encrypts with SSE-S3.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/create-bucket-faq.html
    """
    original(self, *arguments, **named)
    self.public_access_block = PublicAccessBlock(True, True, True, True)
    self.ownership_rule = "BucketOwnerEnforced"
    self.encryption = default_encryption()


@replace(S3Backend, "delete_bucket_encryption")
def delete_bucket_encryption(_original, self, bucket_name):
    """Falls back to SSE-S3; a bucket without encryption does not exist any more."""
    self.get_bucket(bucket_name).encryption = default_encryption()


@replace(S3Response, "_bucket_response_put")
def create_bucket(original, self, request, bucket_name, querystring):
    """CreateBucketConfiguration may carry tags.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucketConfiguration.html
    """
    answer = original(self, request, bucket_name, querystring)
    if not querystring and self.body:
        configuration = xmltodict.parse(self.body, force_list=("Tag",)).get("CreateBucketConfiguration") or {}
        tags = (configuration.get("Tags") or {}).get("Tag", [])
        if tags:
            bucket = self.backend.get_bucket(bucket_name)
            self.backend.tagger.tag_resource(
                bucket.arn, [{"Key": tag["Key"], "Value": tag.get("Value") or ""} for tag in tags]
            )
    return answer


MINIMUM_SIZE = "x-amz-transition-default-minimum-object-size"


@replace(S3Response, "_bucket_response_put")
def put_bucket_lifecycle(original, self, request, bucket_name, querystring):
    """Remembers the rules as they were put: moto forgets sizes in filters and how many versions stay.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html
    """
    answer = original(self, request, bucket_name, querystring)
    if "lifecycle" in querystring:
        minimum = request.headers.get(MINIMUM_SIZE) or "all_storage_classes_128K"
        self.backend.get_bucket(bucket_name).written_lifecycle = self.body, minimum
    return answer


@replace(S3Response, "get_bucket_lifecycle")
def get_bucket_lifecycle(original, self):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLifecycleConfiguration.html"""
    status, headers, _ = original(self)
    body, minimum = self.backend.get_bucket(self.bucket_name).written_lifecycle
    return status, {**headers, MINIMUM_SIZE: minimum}, body


@replace(S3Backend, "delete_bucket")
def delete_bucket(original, self, bucket_name):
    """Tags go with the bucket."""
    bucket = original(self, bucket_name)
    if bucket is not None:
        self.tagger.delete_all_tags_for_resource(bucket.arn)
    return bucket


@add(FakeDeleteMarker, "dispose")
def dispose(self, garbage=False):
    """A delete marker can be deleted like any version; it has no content to let go of."""


@replace(S3Response, "get_bucket_versioning")
def get_bucket_versioning(original, self):
    """The root element is VersioningConfiguration; the Rust SDK reads no other.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html
    """
    status, headers, body = original(self)
    return status, headers, body.replace("GetBucketVersioningResponse", "VersioningConfiguration")


# Secrets Manager


@replace(secrets, "get_secret_name_from_partial_arn")
def get_secret_name_from_partial_arn(original, partial_arn):
    """An ARN that ends in a hyphen and six letters or digits is taken for a whole one, also where these are the name's.

    "Do not end your secret name with a hyphen followed by six characters. If you do so, you risk confusion and unexpected
    results when searching for a secret by partial ARN."
    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
    """
    if partial_arn.startswith("arn:") and re.search(r".-[A-Za-z0-9]{6}$", partial_arn):
        return partial_arn
    return original(partial_arn)


@replace(SecretsManagerBackend, "create_secret")
def create_secret(original, self, name, *arguments, **named):
    """The name stays taken during the recovery window.

    https://docs.aws.amazon.com/secretsmanager/latest/userguide/manage_restore-secret.html
    """
    existing = self.secrets.get(name)
    if existing is not None and existing.is_deleted():
        raise InvalidRequestException(
            "You can't create this secret because a secret with this name is already scheduled for deletion."
        )
    return original(self, name, *arguments, **named)


@replace(SecretsManagerBackend, "update_secret")
def update_secret(original, self, secret_id, *arguments, **named):
    """An empty description takes the description away, and an empty key means the key that AWS manages.

    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecret.html
    """
    answer = original(self, secret_id, *arguments, **named)
    secret = self.secrets[secret_id]
    if named.get("description") == "":
        secret.description = None
    if named.get("kms_key_id") == "":
        secret.kms_key_id = None
    return answer


@replace(SecretsManagerBackend, "batch_get_secret_value")
def batch_get_secret_value(original, self, secret_id_list=None, *arguments, **named):
    """A secret without a value is among the errors of a good answer, where moto gives none at all.

    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_BatchGetSecretValue.html
    """
    found, errors = [], []
    for secret_id in secret_id_list or []:
        try:
            values, failures, _ = original(self, [secret_id], *arguments, **named)
        except ResourceNotFoundException as error:
            values = []
            failures = [{"SecretId": secret_id, "ErrorCode": error.error_type, "Message": error.message}]
        found += values
        errors += failures
    if secret_id_list:
        return found, errors, None
    return original(self, secret_id_list, *arguments, **named)


# ECR


@replace(ECRBackend, "put_image_scanning_configuration")
def put_image_scanning_configuration(original, self, registry_id, repository_name, image_scan_config):
    """`scanOnPush` is a plain boolean: left out it is false, where moto keeps what was there. SDKs leave out false.

    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageScanningConfiguration.html
    """
    return original(self, registry_id, repository_name, {"scanOnPush": False, **image_scan_config})


def can_move(repository, tag):
    """An exclusion filter is a whole tag with `*` for any text, where moto takes the beginning of a regular expression.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html
    """
    filters = repository.image_tag_mutability_exclusion_filters or []
    excepted = any(fnmatch.fnmatchcase(tag, one["filter"]) for one in filters)
    return repository.is_tag_immutable() == excepted


@replace(ECRBackend, "_resolve_image_tag_mutability")
def images_with_tag(_original, _self, repository, tag):
    """Whether a tag can move is looked at in `put_image`, with the code that AWS answers there."""
    return [image for image in repository.images if tag in image.image_tags]


@replace(ECRBackend, "put_image")
def put_image(original, self, repository_name, image_manifest, image_tag, *arguments, **named):
    """A tag that is put on another image leaves the one before without it, where moto deletes that one; or is refused.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html
    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutImage.html
    """
    repository = self.repositories.get(repository_name)
    images = repository.images if repository is not None else []
    if repository is not None and image_tag and not can_move(repository, image_tag):
        for image in images:
            if image_tag in image.image_tags and image.image_manifest != image_manifest:
                raise JsonRESTError(
                    "ImageTagAlreadyExistsException",
                    f"The image tag '{image_tag}' already exists in the '{repository_name}' repository and cannot be"
                    " overwritten because the tag is immutable.",
                )
    alone = [image for image in images if image_tag and image.image_tags == [image_tag]]
    put = original(self, repository_name, image_manifest, image_tag, *arguments, **named)
    for image in alone:
        if image not in images:
            image.image_tag, image.image_tags = None, []
            images.append(image)
    return put


# WAF


@replace(waf_errors.WAFV2DuplicateItemException, "__init__")
def duplicate_item(_original, self):
    JsonRESTError.__init__(
        self,
        "WAFDuplicateItemException",
        "AWS WAF couldn't perform the operation because some resource in your request is a duplicate of an existing one.",
    )


def waf_refuse(code, message):
    raise JsonRESTError(code, message)


@replace(WAFV2Backend, "associate_web_acl")
def associate_web_acl(original, self, web_acl_arn, resource_arn):
    """A resource has at most one web ACL: the new one takes the old one's place. The load balancer must be there."""
    from moto.elbv2.models import elbv2_backends

    if web_acl_arn in self.wacls and ":loadbalancer/" in resource_arn:
        balancers = elbv2_backends[self.account_id][self.region_name].load_balancers
        if resource_arn not in balancers:
            waf_refuse(
                "WAFNonexistentItemException",
                "AWS WAF couldn't perform the operation because your resource doesn't exist.",
            )
    if web_acl_arn in self.wacls:
        self.disassociate_web_acl(resource_arn)
    return original(self, web_acl_arn, resource_arn)


@replace(WAFV2Backend, "delete_web_acl")
def delete_web_acl(original, self, name, scope, _id, lock_token):
    """Refused while a resource uses it; tags go with it."""
    acl = next((acl for acl in self.wacls.values() if acl.name == name and acl.id == _id), None)
    if acl is not None and acl.associated_resources and acl.lock_token == lock_token:
        waf_refuse(
            "WAFAssociatedItemException",
            "AWS WAF couldn't perform the operation because your resource is being used by another resource or it's associated with another resource.",
        )
    original(self, name, scope, _id, lock_token)
    if acl is not None:
        self.logging_configurations.pop(acl.arn, None)
        self.tagging_service.delete_all_tags_for_resource(acl.arn)


WAF_DESTINATION = re.compile(r"arn:[\w-]+:(logs:[^:]*:\d*:log-group:|s3:::|firehose:[^:]*:\d*:deliverystream/)aws-waf-logs-[^:*]*")


@replace(WAFV2Backend, "put_logging_configuration")
def put_logging_configuration(original, self, arn, log_destination_configs, redacted_fields, *others):
    """One destination, whose name begins as it must; names of headers are kept in lower case.

    https://docs.aws.amazon.com/waf/latest/APIReference/API_LoggingConfiguration.html,
    hashicorp/terraform-provider-aws#23934.
    """
    if arn not in self.wacls:
        raise waf_errors.WAFNonexistentItemException()
    destinations = log_destination_configs or []
    if len(destinations) != 1 or not WAF_DESTINATION.fullmatch(destinations[0]):
        waf_refuse(
            "WAFInvalidParameterException",
            "Error reason: The ARN isn't valid. A valid ARN begins with arn: and includes other information separated by "
            f"colons or slashes., field: LOG_DESTINATION, parameter: {', '.join(destinations)}",
        )
    fields = [dict(field) for field in redacted_fields or []]
    for field in fields:
        if "SingleHeader" in field:
            field["SingleHeader"] = {"Name": field["SingleHeader"]["Name"].lower()}
    return original(self, arn, destinations, fields, *others)


@replace(FakeWebACL, "update")
def update_web_acl(original, self, default_action, rules, description, visibility_config, *others):
    """UpdateWebACL replaces the whole: rules that are not sent are gone.

    https://docs.aws.amazon.com/waf/latest/APIReference/API_UpdateWebACL.html
    """
    original(self, default_action, rules or [], description or "", visibility_config, *others)
    bodies, captcha, challenge, domains, association = others
    self.custom_response_bodies = bodies
    self.captcha_config = captcha
    self.challenge_config = challenge
    self.token_domains = domains
    self.association_config = association


@add(WAFV2Response, "list_resources_for_web_acl")
def list_resources_for_web_acl(self):
    """https://docs.aws.amazon.com/waf/latest/APIReference/API_ListResourcesForWebACL.html"""
    acl = self.wafv2_backend.get_web_acl(self._get_param("WebACLArn"), None, None)
    kind = self._get_param("ResourceType") or "APPLICATION_LOAD_BALANCER"
    marker = {"APPLICATION_LOAD_BALANCER": ":loadbalancer/app/", "API_GATEWAY": ":apigateway:"}.get(kind, "\0")
    arns = [arn for arn in acl.associated_resources if marker in arn]
    return 200, {"Content-Type": "application/json"}, json.dumps({"ResourceArns": arns})
