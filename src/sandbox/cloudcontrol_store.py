"""The objects of Cloud Control that no service of moto's has: kept here, with ids, ARNs and defaults as AWS makes them.

What AWS adds to or changes in a model is from live reads by other tools: go-to-k/cdk-real-drift, hashicorp/terraform-provider-awscc.
"""

import base64
import copy
import datetime
import json
import re
import secrets
from collections import Counter

from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.resource_tagging import TaggableResourcesMixin, TaggedResource
from moto.resourcegroupstaggingapi.models import ResourceGroupsTaggingAPIBackend

from calling import Failure
from cloudcontrol_model import Refusal, places, type_of, without
from patch_kms import known_key
from patching import replace

# The services whose objects belong to no region; here they are kept in, and listed by, the region of their ARNs' home.
GLOBAL = {"cloudfront", "iam", "organizations", "route53", "globalaccelerator"}
HOME = "us-east-1"


class CloudControlBackend(BaseBackend, TaggableResourcesMixin):
    """What Cloud Control knows in a region: its requests, and the objects that no other backend has."""

    SERVICE_NAMESPACE = "cloudcontrol"

    def __init__(self, region_name, account_id):
        super().__init__(region_name, account_id)
        # Models by identifier, by type; `Kept` has the form.
        self.objects = {}
        # What moto has no place for, of the objects that stand in it: by identifier, by type.
        self.beside = {}
        # In the order in which they came, by request token.
        self.requests = {}
        # By client token: what was asked, and the request.
        self.tokens = {}
        # What tests want the next operations to come to.
        self.scripts = []

    def with_arns(self):
        for name, objects in self.objects.items():
            kind = type_of(name)
            if kind.tag_property:
                for model in objects.values():
                    # The tagging API has groups of logs without what is behind their names.
                    yield kind, model, arn_of(kind, model, self.region_name, self.account_id).removesuffix(":*")

    def iter_tagged_resources(self):
        for kind, model, arn in self.with_arns():
            service, rest = arn.split(":")[2], arn.split(":", 5)[5]
            yield TaggedResource(arn, tags_of(kind, model), f"{service}:{re.split('[/:]', rest)[0]}")

    def owns_arn(self, arn):
        return any(known == arn for _, _, known in self.with_arns())

    def tag_resource(self, arn, tags):
        self.change_tags(arn, lambda before: {**before, **tags})

    def untag_resource(self, arn, keys):
        self.change_tags(arn, lambda before: {key: value for key, value in before.items() if key not in keys})

    def change_tags(self, arn, change):
        for kind, model, known in self.with_arns():
            if known == arn:
                set_tags(kind, model, change(tags_of(kind, model)))


cloudcontrol_backends = BackendDict(CloudControlBackend, "ec2")


@replace(ResourceGroupsTaggingAPIBackend, "_get_backend_for_resource")
def backend_for_resource(original, self, arn):
    """An object that is kept here has an ARN of its service, whose backend in moto would claim it."""
    own = cloudcontrol_backends[self.account_id][self.region_name]
    return own if own.owns_arn(arn) else original(self, arn)


# Tags: a list of pairs, or a map


def pair_names(kind):
    schema = kind.resolved(kind.properties[kind.tag_property])
    if "items" not in schema:
        return None
    names = kind.resolved(schema["items"]).get("properties", {})
    return tuple(
        next((name for name in names if name.lower().removeprefix("tag") == part), part.title()) for part in ("key", "value")
    )


def tags_of(kind, model):
    found = model.get(kind.tag_property) if kind.tag_property else None
    if not found or isinstance(found, dict):
        return dict(found or {})
    key, value = pair_names(kind)
    return {pair[key]: pair.get(value, "") for pair in found if key in pair}


def set_tags(kind, model, tags):
    names = pair_names(kind)
    if not tags:
        model.pop(kind.tag_property, None)
    elif names:
        model[kind.tag_property] = [{names[0]: key, names[1]: value} for key, value in tags.items()]
    else:
        model[kind.tag_property] = dict(tags)


# Ids and ARNs


def service_of(kind):
    """The service's prefix in ARNs: that of most actions of the type's handlers."""
    prefixes = Counter(action.split(":")[0].lower() for actions in kind.handlers.values() for action in actions)
    own = kind.name.split("::")[1].lower()
    if own in prefixes or not prefixes:
        return own
    # Most handlers need these for something besides.
    for prefix in ("iam", "kms", "ec2") if len(prefixes) > 1 else ():
        prefixes.pop(prefix, None)
    return prefixes.most_common(1)[0][0] if prefixes else own


def dashed(name):
    """`CamelCase` as AWS writes kinds in ARNs: `camel-case`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name).lower()


# The part of an ARN after the account, or all of it, by type, with the values of the model. From the Service Authorization Reference,
# https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html
ARNS = {
    "AWS::AccessAnalyzer::Analyzer": "analyzer/{AnalyzerName}",
    "AWS::ApiGateway::RestApi": "arn:aws:apigateway:{region}::/restapis/{RestApiId}",
    "AWS::ApiGatewayV2::Api": "arn:aws:apigateway:{region}::/apis/{ApiId}",
    "AWS::Athena::WorkGroup": "workgroup/{Name}",
    "AWS::Backup::BackupPlan": "backup-plan:{BackupPlanId}",
    "AWS::Backup::BackupVault": "backup-vault:{BackupVaultName}",
    "AWS::Backup::Framework": "framework:{FrameworkName}",
    "AWS::Backup::ReportPlan": "report-plan:{ReportPlanName}",
    "AWS::CloudFront::Distribution": "distribution/{Id}",
    "AWS::CloudTrail::Trail": "trail/{TrailName}",
    "AWS::CloudWatch::Alarm": "alarm:{AlarmName}",
    "AWS::Cognito::UserPool": "userpool/{UserPoolId}",
    "AWS::DynamoDB::GlobalTable": "table/{TableName}",
    "AWS::EC2::EIP": "elastic-ip/{AllocationId}",
    "AWS::EC2::FlowLog": "vpc-flow-log/{Id}",
    "AWS::EC2::NatGateway": "natgateway/{NatGatewayId}",
    "AWS::ElastiCache::ParameterGroup": "parametergroup:{CacheParameterGroupName}",
    "AWS::ElastiCache::ReplicationGroup": "replicationgroup:{ReplicationGroupId}",
    "AWS::ElastiCache::ServerlessCache": "serverlesscache:{ServerlessCacheName}",
    "AWS::ElastiCache::SubnetGroup": "subnetgroup:{CacheSubnetGroupName}",
    "AWS::ElastiCache::User": "user:{UserId}",
    "AWS::ElastiCache::UserGroup": "usergroup:{UserGroupId}",
    "AWS::GuardDuty::Detector": "detector/{Id}",
    "AWS::IAM::OIDCProvider": "oidc-provider/{host}",
    "AWS::KinesisFirehose::DeliveryStream": "deliverystream/{DeliveryStreamName}",
    "AWS::Lambda::Function": "function:{FunctionName}",
    "AWS::Logs::LogGroup": "log-group:{LogGroupName}:*",
    "AWS::OpenSearchService::Domain": "domain/{DomainName}",
    "AWS::RDS::DBCluster": "cluster:{DBClusterIdentifier}",
    "AWS::RDS::DBClusterParameterGroup": "cluster-pg:{DBClusterParameterGroupName}",
    "AWS::RDS::DBInstance": "db:{DBInstanceIdentifier}",
    "AWS::RDS::DBParameterGroup": "pg:{DBParameterGroupName}",
    "AWS::RDS::DBProxy": "db-proxy:{id}",
    "AWS::RDS::DBProxyTargetGroup": "target-group:{id}",
    "AWS::RDS::DBSubnetGroup": "subgrp:{DBSubnetGroupName}",
    "AWS::RDS::EventSubscription": "es:{SubscriptionName}",
    "AWS::RDS::OptionGroup": "og:{OptionGroupName}",
    "AWS::Redshift::Cluster": "cluster:{ClusterIdentifier}",
    "AWS::Route53::HealthCheck": "arn:aws:route53:::healthcheck/{HealthCheckId}",
    "AWS::Route53::HostedZone": "arn:aws:route53:::hostedzone/{Id}",
    "AWS::S3::Bucket": "arn:aws:s3:::{BucketName}",
    "AWS::Scheduler::Schedule": "schedule/{GroupName}/{Name}",
    "AWS::ServiceDiscovery::Service": "service/{Id}",
    "AWS::StepFunctions::StateMachine": "stateMachine:{StateMachineName}",
    "AWS::WAFv2::IPSet": "regional/ipset/{Name}/{Id}",
}

# The beginnings of ids that AWS makes, and the characters after them.
IDS = {
    "AWS::AccessAnalyzer::Analyzer": ("", 32),
    "AWS::CloudFront::Distribution": ("E", 13),
    "AWS::CloudFront::OriginAccessControl": ("E", 13),
    "AWS::EC2::CustomerGateway": ("cgw-", 17),
    "AWS::EC2::DHCPOptions": ("dopt-", 17),
    "AWS::EC2::EIP": ("eipalloc-", 17),
    "AWS::EC2::EgressOnlyInternetGateway": ("eigw-", 17),
    "AWS::EC2::FlowLog": ("fl-", 17),
    "AWS::EC2::Instance": ("i-", 17),
    "AWS::EC2::InternetGateway": ("igw-", 17),
    "AWS::EC2::LaunchTemplate": ("lt-", 17),
    "AWS::EC2::NatGateway": ("nat-", 17),
    "AWS::EC2::NetworkAcl": ("acl-", 17),
    "AWS::EC2::NetworkInterface": ("eni-", 17),
    "AWS::EC2::PrefixList": ("pl-", 17),
    "AWS::EC2::RouteTable": ("rtb-", 17),
    "AWS::EC2::SecurityGroup": ("sg-", 17),
    "AWS::EC2::Subnet": ("subnet-", 17),
    "AWS::EC2::TransitGateway": ("tgw-", 17),
    "AWS::EC2::VPC": ("vpc-", 17),
    "AWS::EC2::VPCPeeringConnection": ("pcx-", 17),
    "AWS::EC2::VPNGateway": ("vgw-", 17),
    "AWS::EC2::Volume": ("vol-", 17),
    "AWS::EFS::MountTarget": ("fsmt-", 17),
    "AWS::GuardDuty::Detector": ("", 32),
    "AWS::RDS::DBProxy": ("prx-", 17),
    "AWS::RDS::DBProxyTargetGroup": ("prx-tg-", 17),
    "AWS::Route53::HostedZone": ("Z", 20),
    "AWS::ServiceDiscovery::Service": ("srv-", 17),
}
PLAIN_UUID = {"AWS::Backup::BackupPlan", "AWS::Backup::BackupSelection", "AWS::WAFv2::IPSet"}


def uuid():
    digits = secrets.token_hex(16)
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def new_id(kind):
    if kind.name in PLAIN_UUID:
        return uuid()
    service, name = kind.name.split("::")[1:]
    short = re.sub("[^A-Z]", "", name).lower() or name[:3].lower()
    start, length = IDS.get(kind.name, (f"{short}-", 17))
    digits = secrets.token_hex((length + 1) // 2)[:length]
    return start + (digits.upper() if service in ("CloudFront", "Route53") else digits)


def new_name(kind):
    """The form of names that CloudFormation's handlers make without a stack."""
    return f"{kind.name.split('::')[2]}-{secrets.token_hex(6)}"


def name_it(kind, model):
    """Makes the names that are left out: those in the identifier, and those in the ARN."""
    for name in [*kind.identifier, *re.findall(r"{(\w+)}", ARNS.get(kind.name, ""))]:
        if name in kind.properties and name not in model and name not in kind.read_only and name != "GroupName":
            model[name] = new_name(kind)
    for path in kind.identifier:
        owner, _, name = path.rpartition("/")
        if owner and path not in kind.keys_in(model):
            model.setdefault(owner, {})[name] = new_name(kind)


class Values(dict):
    def __missing__(self, name):
        return ""


def arn_of(kind, model, region, account):
    """The ARN of an object: the one in its model, or one of the usual form."""
    for name in kind.identifier:
        if str(model.get(name, "")).startswith("arn:"):
            return model[name]
    if "Arn" in kind.read_only and "Arn" in model:
        return model["Arn"]
    return made_arn(kind, model, region, account)


def made_arn(kind, model, region, account):
    service = service_of(kind)
    names = [str(model[name]) for name in kind.identifier if name in model and not str(model[name]).startswith("arn:")]
    values = Values(model)
    values["id"] = names[-1] if names else new_id(kind)
    values["region"] = region
    values["host"] = str(model.get("Url", "")).removeprefix("https://")
    rest = ARNS.get(kind.name, f"{dashed(kind.name.split('::')[2])}/{{id}}").format_map(values)
    return rest if rest.startswith("arn:") else f"arn:aws:{service}:{'' if service in GLOBAL else region}:{account}:{rest}"


# What AWS fills in


def missing_paths(kind, model):
    """Read-only paths that an object still has to get, outermost first; nothing inside of lists."""
    for path in sorted(kind.read_only, key=lambda path: path.count("/")):
        if "*" not in path and not places(model, path):
            yield path


def schema_at(kind, path):
    schema = {"properties": kind.properties}
    for part in path.split("/"):
        schema = kind.resolved(schema.get("properties", {}).get(part, {}))
    return schema


def is_all_read_only(kind, name):
    members = schema_at(kind, name).get("properties", {})
    return bool(members) and all(f"{name}/{member}" in kind.read_only for member in members)


def fill(kind, model, region, account):
    """Gives an object its read-only properties: ids first, for ARNs are made of them."""
    later = []
    for path in missing_paths(kind, model):
        name = path.rsplit("/", 1)[-1]
        if path in kind.identifier and not name.lower().endswith("arn"):
            model[path] = new_id(kind)
        elif "/" not in path and (name == "Id" or name.lower().endswith("arn")):
            later.insert(0 if name == "Id" else len(later), path)
        else:
            later.append(path)
    for path in later:
        *owners, name = path.split("/")
        if owners and (len(owners) > 1 or owners[0] not in model and not is_all_read_only(kind, owners[0])):
            continue
        value = filled(kind, schema_at(kind, path), name, model, region, account)
        if value is not None:
            (model.setdefault(owners[0], {}) if owners else model)[name] = value


def filled(kind, schema, name, model, region, account):
    wanted = schema.get("type", "object")
    if name.lower().endswith("arn") and wanted == "string":
        return made_arn(kind, model, region, account)
    if schema.get("enum"):
        good = ("ACTIVE", "AVAILABLE", "available", "ENABLED", "CREATED")
        return next((value for value in good if value in schema["enum"]), schema["enum"][0])
    match wanted:
        case "boolean":
            return False
        case "integer" | "number":
            return model.get(name, 6379 if name == "Port" else 0)
        case "string" if name == "VpcId":
            return f"vpc-{secrets.token_hex(9)[:17]}"
        case "string" if name == "Id" or name.lower().endswith("id"):
            return new_id(kind)
        case "string" if name.lower().endswith("port"):
            return str(model.get("Port", 6379))
        case "string" if re.search("address|endpoint|domainname|dnsname", name, re.IGNORECASE):
            return f"{dashed(kind.name.split('::')[2])}-{secrets.token_hex(4)}.{service_of(kind)}.{region}.amazonaws.com"
        case "string" if re.search("(time|date|at)$", name, re.IGNORECASE) and not name.lower().endswith("format"):
            return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        case "string" if name.lower().endswith("status"):
            return "ACTIVE"
        case "string":
            return f"{dashed(name)}-{secrets.token_hex(4)}"
    return None


# What AWS puts in the place of what is not declared, as live reads have it: cdk-real-drift's recorded reads, and the pages of
# the types. Nested paths are filled only where their owner is declared.
FLOW_LOG_FORMAT = (
    "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} "
    "${start} ${end} ${action} ${log-status}"
)
DEFAULTS = {
    "AWS::AccessAnalyzer::Analyzer": {"ArchiveRules": []},
    "AWS::Backup::BackupPlan": {
        "BackupPlan/BackupPlanRule/*/StartWindowMinutes": 480,
        "BackupPlan/BackupPlanRule/*/CompletionWindowMinutes": 10080,
        "BackupPlan/BackupPlanRule/*/ScheduleExpressionTimezone": "Etc/UTC",
        "BackupPlan/BackupPlanRule/*/CopyActions": [],
    },
    "AWS::Backup::BackupSelection": {
        "BackupSelection/ListOfTags": [],
        "BackupSelection/NotResources": [],
        "BackupSelection/Resources": [],
        "BackupSelection/Conditions": {},
    },
    "AWS::EC2::FlowLog": {"LogFormat": FLOW_LOG_FORMAT, "MaxAggregationInterval": 600},
    "AWS::ElastiCache::ServerlessCache": {"Description": " ", "DailySnapshotTime": "03:00", "SnapshotRetentionLimit": 0},
    "AWS::RDS::EventSubscription": {"SourceIds": [], "Enabled": True},
    "AWS::Scheduler::Schedule": {
        "GroupName": "default",
        "State": "ENABLED",
        "ScheduleExpressionTimezone": "UTC",
        "Target/RetryPolicy": {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185},
    },
    "AWS::CloudTrail::Trail": {
        "EnableLogFileValidation": False,
        "IncludeGlobalServiceEvents": True,
        "IsMultiRegionTrail": False,
        "IsOrganizationTrail": False,
    },
}


def put_defaults(kind, model):
    """Fills in the defaults of the schema's own properties, and those of the table."""
    for name, schema in kind.properties.items():
        default = schema.get("default")
        is_usual = name not in kind.write_only and name not in kind.read_only and isinstance(default, (bool, int, str))
        if is_usual and name not in model:
            model[name] = default
    for path, value in DEFAULTS.get(kind.name, {}).items():
        owner, _, name = path.rpartition("/")
        if not owner:
            model.setdefault(name, copy.deepcopy(value))
        for keys in places(model, owner) if owner else []:
            found = model
            for key in keys:
                found = found[key]
            found.setdefault(name, copy.deepcopy(value))


# The form of a read


# Lists that come back in another order although their schema does not say so.
REORDERED = {
    "AWS::AccessAnalyzer::Analyzer": ["ArchiveRules"],
    "AWS::DynamoDB::Table": ["AttributeDefinitions"],
    "AWS::ElastiCache::ServerlessCache": ["SubnetIds", "SecurityGroupIds"],
    "AWS::ElastiCache::SubnetGroup": ["SubnetIds"],
    "AWS::RDS::DBProxy": ["VpcSubnetIds", "VpcSecurityGroupIds"],
    "AWS::WAFv2::IPSet": ["Addresses"],
    "AWS::WAFv2::LoggingConfiguration": ["RedactedFields"],
}

# Empty lists and objects that a read leaves out: nothing is left out of the others.
DROPS_EMPTY = {"AWS::Scheduler::Schedule"}

# Properties that are texts both ways, though the schema has an object, too.
TEXTS = {("AWS::Events::Rule", "EventPattern")}

# Properties that an update cannot take away: it succeeds, and they stay. go-to-k/cdk-real-drift#1128
STAYING = {
    "AWS::ECR::Repository": ["ImageTagMutability"],
    "AWS::ElastiCache::ServerlessCache": ["Description"],
    "AWS::Lambda::Alias": ["Description"],
}

# An empty list for which the service has something of its own.
FILLED_WHEN_EMPTY = {
    ("AWS::CloudTrail::Trail", "EventSelectors"): [
        {"DataResources": [], "ExcludeManagementEventSources": [], "IncludeManagementEvents": True, "ReadWriteType": "All"}
    ],
}


def reordered(items):
    """The items in an order that depends on nothing but what they are, and is not the one that most clients send."""
    return sorted(items, key=lambda item: json.dumps(item, sort_keys=True), reverse=True)


def as_read(kind, model):
    """A model as GetResource returns it: without what is write-only, and in the form that services keep."""
    model = without(model, kind.write_only)
    for (name, path), value in FILLED_WHEN_EMPTY.items():
        if name == kind.name and model.get(path) == []:
            model[path] = copy.deepcopy(value)
    if kind.name in DROPS_EMPTY:
        model = without_empty(model)
    return {
        name: value
        if (kind.name, name) in TEXTS
        else in_form(kind, kind.properties.get(name, {}), value, name == kind.tag_property or name in REORDERED.get(kind.name, ()))
        for name, value in model.items()
    }


def without_empty(value):
    if isinstance(value, dict):
        items = {key: without_empty(item) for key, item in value.items()}
        return {key: item for key, item in items.items() if item not in ({}, [])}
    return value


def in_form(kind, schema, value, is_set=False):
    schema = kind.resolved(schema)
    kinds = schema.get("type")
    if isinstance(kinds, list) and {"object", "string"} <= set(kinds) and isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    if isinstance(value, list):
        items = [in_form(kind, schema.get("items", {}), item) for item in value]
        return reordered(items) if is_set or schema.get("insertionOrder") is False else items
    if isinstance(value, dict):
        members = schema.get("properties", {})
        return {name: in_form(kind, members[name], item) if name in members else item for name, item in value.items()}
    return value


def normalise(kind, model, region, account):
    """The changes that a service makes to values: the simple ones among the schema's transforms, and ARNs of keys."""
    for path, rule in kind.facts.get("transform", {}).items():
        value = model.get(path)
        found = re.fullmatch(r"\$(lower|upper)case\((\w+)\)", rule)
        if found and found[2] == path and isinstance(value, str):
            model[path] = getattr(value, found[1])()
        elif ":kms:" in rule and isinstance(value, str):
            model[path] = key_arn(account, region, value)


def key_arn(account, region, name):
    """The ARN of a key by its id, alias or ARN; a name that no key has stays as it is."""
    key = known_key(account, region, name)
    return key.arn if key else name


class Kept:
    """The handlers of a type whose objects are kept here."""

    def __init__(self, kind, call):
        self.kind = kind
        self.call = call
        home = HOME if service_of(kind) in GLOBAL else call.region
        self.objects = cloudcontrol_backends[call.account][home].objects.setdefault(kind.name, {})

    def create(self, model):
        model = copy.deepcopy(model)
        name_it(self.kind, model)
        normalise(self.kind, model, self.call.region, self.call.account)
        put_defaults(self.kind, model)
        fill(self.kind, model, self.call.region, self.call.account)
        identifier = self.kind.identifier_of(model)
        if identifier in self.objects:
            raise Failure(self.kind.name, "AlreadyExists", f"{identifier} already exists", 400)
        self.objects[identifier] = model
        return model

    def found(self, keys):
        model = self.objects.get(self.kind.identifier_of(keys))
        # The handler of schedules looks in one group, whatever the model says: go-to-k/cdkd#961.
        if model and self.kind.name == "AWS::Scheduler::Schedule" and model["GroupName"] != "default":
            model = None
        if model is None:
            names = ", ".join(f"{name}={value}" for name, value in keys.items())
            raise Failure(self.kind.name, "NotFound", f"{names} was not found", 404)
        return model

    def read(self, keys):
        return as_read(self.kind, self.found(keys))

    def update(self, keys, _before, after):
        kept = self.found(keys)
        after = copy.deepcopy(after)
        for name in STAYING.get(self.kind.name, ()):
            if name in kept:
                after.setdefault(name, kept[name])
        normalise(self.kind, after, self.call.region, self.call.account)
        put_defaults(self.kind, after)
        kept.clear()
        kept.update(after)

    def delete(self, keys):
        self.found(keys)
        del self.objects[self.kind.identifier_of(keys)]

    def list(self):
        return [self.kind.keys_in(model) for model in self.objects.values()]


def page_token(value):
    return base64.b64encode(value.encode()).decode()


def page_start(token):
    try:
        return base64.b64decode(token, validate=True).decode()
    except ValueError:
        raise Refusal("ValidationException", "The next token is invalid") from None
