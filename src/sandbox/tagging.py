"""The Resource Groups Tagging API over every kind of resource that stacks make.

moto's own version misses kinds (Elastic IP, security group rules, subnet and parameter groups, event subscriptions, listeners and their
rules, repositories, dashboards, web ACLs, scalable targets, IAM policies, event rules, streams), spells two ARNs otherwise than AWS, ends a page at 100
tags, and lists buckets of all regions. IAM policies are in it, in IAM's home region alone; IAM roles are left out, as AWS
leaves them out.
https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
"""

import base64
import json

from moto.applicationautoscaling.models import ApplicationAutoscalingBackend
from moto.cloudwatch.models import CloudWatchBackend
from moto.core.resource_tagging import (
    TaggableResourcesMixin,
    TaggedResource,
    iter_taggable_backends,
    make_tag_matcher,
    match_resource_type,
)
from moto.dynamodb.models import DynamoDBBackend
from moto.ec2.models import EC2Backend
from moto.ecr.models import ECRBackend
from moto.ecs.models import EC2ContainerServiceBackend
from moto.elbv2.models import ELBv2Backend
from moto.events.models import EventsBackend
from moto.iam.models import IAMBackend
from moto.kinesis.models import KinesisBackend
from moto.logs.models import LogsBackend
from moto.rds.models import RDSBackend
from moto.resourcegroupstaggingapi.exceptions import ResourceGroupsTaggingAPIError
from moto.resourcegroupstaggingapi.models import ResourceGroupsTaggingAPIBackend
from moto.s3.models import S3Backend
from moto.sqs.models import SQSBackend
from moto.ssm.models import SimpleSystemManagerBackend
from moto.wafv2.models import WAFV2Backend

from patch_monitoring import tagger_of
from patching import add, notes_of, replace, tag_dict, tag_list


def join_in(backend, namespace):
    """Makes a backend that moto leaves out take part in the tagging API."""
    backend.SERVICE_NAMESPACE = namespace
    backend.__bases__ += (TaggableResourcesMixin,)


# The three operations


def matching(backend, tag_filters, type_filters, arns):
    matches = make_tag_matcher(tag_filters)
    for owner in iter_taggable_backends(backend.account_id, backend.region_name):
        for resource in owner.iter_tagged_resources():
            if not resource.tags or not matches(resource.tags):
                continue
            if resource.extra.get("region", backend.region_name) != backend.region_name:
                continue
            if not match_resource_type(resource.resource_type, type_filters):
                continue
            if arns and resource.arn not in arns:
                continue
            yield resource


@replace(ResourceGroupsTaggingAPIBackend, "get_resources")
def get_resources(
    _original,
    self,
    pagination_token=None,
    resources_per_page=50,
    tags_per_page=100,
    tag_filters=None,
    resource_type_filters=None,
    resource_arn_list=None,
):
    """Pages in the order of the ARNs; the token is the last ARN given, so it survives changes between pages."""
    found = sorted(
        matching(self, tag_filters, resource_type_filters, resource_arn_list), key=lambda resource: resource.arn
    )
    if pagination_token:
        try:
            last = json.loads(base64.urlsafe_b64decode(pagination_token))["after"]
        except (ValueError, KeyError, TypeError):
            raise ResourceGroupsTaggingAPIError(
                "PaginationTokenExpiredException", "The specified PaginationToken is invalid"
            ) from None
        found = [resource for resource in found if resource.arn > last]
    page = found[:resources_per_page]
    # AWS ends with an empty token, not with an absent one.
    token = ""
    if len(found) > len(page):
        token = base64.urlsafe_b64encode(json.dumps({"after": page[-1].arn}).encode()).decode()
    return token, page


def exists(owner, arn):
    """Resources without tags can be tagged, too; of EC2's, the tagged ones alone are listed here."""
    identifier = arn.rsplit("/", 1)[-1]
    _, known = EC2_KINDS.get(identifier.rsplit("-", 1)[0], (None, None))
    if isinstance(owner, EC2Backend) and known is not None:
        return identifier in known(owner)
    return any(resource.arn == arn for resource in owner.iter_tagged_resources())


def for_each(backend, arns, change):
    """Applies a change to each ARN; failures are reported per ARN, the rest is changed nevertheless."""
    failed = {}
    for arn in arns:
        owner = backend._get_backend_for_resource(arn)
        try:
            if owner is None or not exists(owner, arn):
                raise LookupError(f"{arn} does not exist or cannot be tagged here")
            change(owner, arn)
        except Exception as fault:  # AWS reports any fault of one resource in the map, too
            failed[arn] = {
                "StatusCode": 400,
                "ErrorCode": "InvalidParameterException",
                "ErrorMessage": str(fault),
            }
    return failed


@replace(ResourceGroupsTaggingAPIBackend, "tag_resources")
def tag_resources(_original, self, resource_arns, tags):
    return for_each(self, resource_arns, lambda owner, arn: put_tags(owner, arn, tags))


@replace(ResourceGroupsTaggingAPIBackend, "untag_resources")
def untag_resources(_original, self, resource_arn_list, tag_keys):
    return for_each(self, resource_arn_list, lambda owner, arn: drop_tags(owner, arn, tag_keys))


def put_tags(owner, arn, tags):
    """These backends keep tags in a form of their own; the others take a dictionary."""
    match owner:
        case ECRBackend():
            owner.tagger.tag_resource(arn, tag_list(tags))
        case WAFV2Backend():
            owner.tag_resource(arn, tag_list(tags))
        case ELBv2Backend():
            owner.tagging_service.tag_resource(arn, tag_list(tags))
        case ApplicationAutoscalingBackend():
            notes_of(owner, "tags").setdefault(arn, {}).update(tags)
        case IAMBackend():
            owner.tag_policy(arn, tag_list(tags))
        case CloudWatchBackend():
            tagger_of(owner, arn).tag_resource(arn, tag_list(tags))
        case SQSBackend():
            owner.tag_queue(arn.rsplit(":", 1)[-1], tags)
        case KinesisBackend():
            owner.add_tags_to_stream(arn, None, tags)
        case SimpleSystemManagerBackend():
            owner.add_tags_to_resource(*parameter_of(owner, arn), tags)
        case DynamoDBBackend():
            # moto would have the old value and the new one.
            owner.untag_resource(arn, list(tags))
            owner.tag_resource(arn, tags)
        case _:
            owner.tag_resource(arn, tags)


def drop_tags(owner, arn, keys):
    match owner:
        case ECRBackend():
            owner.tagger.untag_resource_using_names(arn, keys)
        case CloudWatchBackend():
            tagger_of(owner, arn).untag_resource_using_names(arn, keys)
        case ELBv2Backend():
            owner.tagging_service.untag_resource_using_names(arn, keys)
        case ApplicationAutoscalingBackend():
            tags = notes_of(owner, "tags").get(arn, {})
            for key in keys:
                tags.pop(key, None)
        case IAMBackend():
            owner.untag_policy(arn, keys)
        case SQSBackend():
            owner.untag_queue(arn.rsplit(":", 1)[-1], keys)
        case KinesisBackend():
            owner.remove_tags_from_stream(arn, None, keys)
        case SimpleSystemManagerBackend():
            owner.remove_tags_from_resource(*parameter_of(owner, arn), keys)
        case _:
            owner.untag_resource(arn, keys)


def parameter_of(owner, arn):
    """Kind and name of a parameter, or of a document: a name has a slash in front, or it has none, and the ARN has one."""
    kind, _, name = arn.split(":", 5)[5].partition("/")
    if kind == "document":
        return "Document", name
    return "Parameter", name if name in owner._parameters else f"/{name}"


# The kinds


# The part of the ARN that names the kind, by the prefix of the id, and moto's attribute for such things.
EC2_KINDS = {
    "eipalloc": ("elastic-ip", lambda ec2: {address.id for address in ec2.addresses}),
    "fl": ("vpc-flow-log", lambda ec2: ec2.flow_logs),
    "igw": ("internet-gateway", lambda ec2: ec2.internet_gateways),
    "nat": (
        "natgateway",
        lambda ec2: {gateway.id for gateway in ec2.nat_gateways.values() if gateway.state != "deleted"},
    ),
    "rtb": ("route-table", lambda ec2: ec2.route_tables),
    "sg": ("security-group", lambda ec2: {group for groups in ec2.groups.values() for group in groups}),
    "sgr": (
        "security-group-rule",
        lambda ec2: {
            rule.id
            for groups in ec2.groups.values()
            for group in groups.values()
            for rule in group.ingress_rules + group.egress_rules
        },
    ),
    "subnet": ("subnet", lambda ec2: {subnet for subnets in ec2.subnets.values() for subnet in subnets}),
    "vpc": ("vpc", lambda ec2: ec2.vpcs),
    "vpce": (
        "vpc-endpoint",
        lambda ec2: {endpoint.id for endpoint in ec2.vpc_end_points.values() if endpoint.state != "deleted"},
    ),
}


@replace(EC2Backend, "iter_tagged_resources")
def ec2_resources(original, self):
    """Goes by the tags that there are: moto goes through thousands of images for a handful of tagged things."""
    present = {}
    others = False
    for identifier, tags in self.tags.items():
        prefix = identifier.rsplit("-", 1)[0]
        if prefix not in EC2_KINDS:
            others = others or bool(tags)
            continue
        kind, known = EC2_KINDS[prefix]
        if prefix not in present:
            present[prefix] = known(self)
        if tags and identifier in present[prefix]:
            arn = f"arn:{self.partition}:ec2:{self.region_name}:{self.account_id}:{kind}/{identifier}"
            yield TaggedResource(arn, dict(tags), f"ec2:{kind}")
    if others:
        for resource in original(self):
            if resource.tags and resource.arn.rsplit("/", 1)[-1].rsplit("-", 1)[0] not in EC2_KINDS:
                yield resource


@replace(EC2ContainerServiceBackend, "iter_tagged_resources")
def ecs_resources(original, self):
    """Deleted clusters and services, and deregistered revisions, stay in moto as INACTIVE."""
    inactive = {cluster.arn for cluster in self.clusters.values() if cluster.status == "INACTIVE"}
    inactive |= {service.arn for service in self.services.values() if service.status == "INACTIVE"}
    inactive |= {
        definition.arn
        for revisions in self.task_definitions.values()
        for definition in revisions.values()
        if definition.status != "ACTIVE"
    }
    return (resource for resource in original(self) if resource.arn not in inactive)


@replace(RDSBackend, "iter_tagged_resources")
def rds_resources(original, self):
    yield from original(self)
    for kind, groups in (
        ("subgrp", self.subnet_groups),
        ("pg", self.db_parameter_groups),
        ("es", self.event_subscriptions),
    ):
        for group in groups.values():
            yield TaggedResource(group.arn, tag_dict(group.get_tags()), f"rds:{kind}")


@replace(ELBv2Backend, "iter_tagged_resources")
def elbv2_resources(_original, self):
    def described(arn, kind):
        return TaggedResource(arn, self.tagging_service.get_tag_dict_for_resource(arn), f"elasticloadbalancing:{kind}")

    for balancer in self.load_balancers.values():
        yield described(balancer.arn, "loadbalancer")
        for listener in balancer.listeners.values():
            yield described(listener.arn, "listener")
            for rule in listener._non_default_rules.values():
                yield described(rule.arn, "listener-rule")
    for group in self.target_groups.values():
        yield described(group.arn, "targetgroup")


@replace(ELBv2Backend, "owns_arn")
def elbv2_owns(_original, self, arn):
    return arn.startswith(f"arn:{self.partition}:elasticloadbalancing:")


@replace(CloudWatchBackend, "iter_tagged_resources")
def cloudwatch_resources(original, self):
    yield from original(self)
    for dashboard in self.dashboards.values():
        yield TaggedResource(
            dashboard.arn, tagger_of(self, dashboard.arn).get_tag_dict_for_resource(dashboard.arn), "cloudwatch:dashboard"
        )


@replace(LogsBackend, "iter_tagged_resources")
def logs_resources(original, self):
    """The ARN comes without the `:*` that DescribeLogGroups adds."""
    for resource in original(self):
        resource.arn = resource.arn.removesuffix(":*")
        resource.resource_type = "logs:log-group"
        yield resource


@replace(S3Backend, "iter_tagged_resources")
def s3_resources(original, self):
    """Bucket names are global, but the API lists a bucket in its own region only."""
    regions = {bucket.arn: bucket.region_name for bucket in self.buckets.values()}
    for resource in original(self):
        resource.extra["region"] = regions[resource.arn]
        yield resource


@replace(EventsBackend, "iter_tagged_resources")
def events_resources(original, self):
    yield from original(self)
    for bus in self.event_buses.values():
        for rule in bus.rules.values():
            yield TaggedResource(rule.arn, self.tagger.get_tag_dict_for_resource(rule.arn), "events:rule")


@add(KinesisBackend, "iter_tagged_resources")
def kinesis_resources(self):
    for stream in self.streams.values():
        yield TaggedResource(stream.arn, dict(stream.tags), "kinesis:stream")


@add(ECRBackend, "iter_tagged_resources")
def ecr_resources(self):
    for repository in self.repositories.values():
        yield TaggedResource(repository.arn, self.tagger.get_tag_dict_for_resource(repository.arn), "ecr:repository")


@add(WAFV2Backend, "iter_tagged_resources")
def wafv2_resources(self):
    for acl in self.wacls.values():
        yield TaggedResource(acl.arn, self.tagging_service.get_tag_dict_for_resource(acl.arn), "wafv2:regional/webacl")


@add(ApplicationAutoscalingBackend, "iter_tagged_resources")
def scaling_resources(self):
    tags = notes_of(self, "tags")
    for targets in self.targets.values():
        for target in targets.values():
            yield TaggedResource(target.arn, dict(tags.get(target.arn, {})), "application-autoscaling:scalable-target")


# IAM is global, and the tagging API knows its resources in one region of each partition.
# https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/supported-services.html
IAM_HOMES = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}


@add(IAMBackend, "iter_tagged_resources")
def iam_resources(self):
    for policy in self.managed_policies.values():
        tags = tag_dict(policy.tags.values())
        if tags:
            yield TaggedResource(policy.arn, tags, "iam:policy", {"region": IAM_HOMES.get(self.partition)})


join_in(ECRBackend, "ecr")
join_in(IAMBackend, "iam")
join_in(KinesisBackend, "kinesis")
join_in(WAFV2Backend, "wafv2")
join_in(ApplicationAutoscalingBackend, "application-autoscaling")
