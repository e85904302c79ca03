"""The permissions for a call: the actions of IAM, on which resources, with which conditions' values. Knows nothing of
policies.

From the Service Authorization Reference, https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html:
names of actions where they differ from those of operations, forms of ARNs, and dependent actions. It is always a new
account that is asked: the roles that services need for themselves are not there yet.
"""

import re

from moto.ec2.models import ec2_backends
from moto.kms.models import kms_backends
from moto.secretsmanager.models import secretsmanager_backends

ACCOUNT = "123456789012"

# The prefix of actions, where it is not the name in the call log.
PREFIXES = {"cloudcontrol": "cloudformation", "efs": "elasticfilesystem", "elbv2": "elasticloadbalancing", "resourcegroupstaggingapi": "tag"}

# S3 names its actions after what is changed. AbortMultipartUpload and DeleteObjects are about objects.
S3 = {
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "DeleteBucketTagging": "PutBucketTagging",
    "DeleteObjects": "DeleteObject",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "HeadBucket": "ListBucket",
    "ListBuckets": "ListAllMyBuckets",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjectVersions": "ListBucketVersions",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
}

# The tagging actions of each service, by the service in an ARN: what the tagging API asks for besides its own action.
# https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_TagResources.html
TAGGING = {
    "ec2": ("CreateTags", "DeleteTags"),
    "elasticloadbalancing": ("AddTags", "RemoveTags"),
    "rds": ("AddTagsToResource", "RemoveTagsFromResource"),
    "s3": ("PutBucketTagging", "PutBucketTagging"),
    "sqs": ("TagQueue", "UntagQueue"),
    "ssm": ("AddTagsToResource", "RemoveTagsFromResource"),
    "kinesis": ("AddTagsToStream", "RemoveTagsFromStream"),
}

# The roles that services make for themselves in an account that has none, by the call that makes them do it.
OWN_ROLES = {
    ("application-autoscaling", "RegisterScalableTarget"): "ecs.application-autoscaling",
    ("ecs", "CreateCluster"): "ecs",
    ("elbv2", "CreateLoadBalancer"): "elasticloadbalancing",
    ("elbv2", "CreateTargetGroup"): "elasticloadbalancing",
    ("rds", "CreateDBInstance"): "rds",
}

# The actions that are checked in the caller's name. For load balancers: aws-load-balancer-controller#748.
IN_THE_CALLERS_NAME = {
    ("elbv2", "CreateLoadBalancer"): [
        "ec2:DescribeAccountAttributes",
        "ec2:DescribeAddresses",
        "ec2:DescribeInternetGateways",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
    ],
    ("rds", "CreateDBInstance"): [
        "ec2:DescribeAccountAttributes",
        "ec2:DescribeAvailabilityZones",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
    ],
    # https://docs.aws.amazon.com/autoscaling/application/userguide/security_iam_id-based-policy-examples.html
    ("application-autoscaling", "RegisterScalableTarget"): ["cloudwatch:DescribeAlarms"],
}

# The types by the beginning of an id of EC2.
EC2_TYPES = {
    "eipalloc": "elastic-ip",
    "fl": "vpc-flow-log",
    "igw": "internet-gateway",
    "nat": "natgateway",
    "rtb": "route-table",
    "sg": "security-group",
    "sgr": "security-group-rule",
    "subnet": "subnet",
    "vpc": "vpc",
    "vpce": "vpc-endpoint",
}


def of(service, operation, region, parameters, path):
    """Each action with its resources and the values for its conditions."""
    prefix = PREFIXES.get(service, service)
    tags = tags_in(parameters)
    tagged = {f"aws:RequestTag/{key}": value for key, value in tags.items()}
    if tags:
        tagged["aws:TagKeys"] = list(tags)
    arn = Arn(prefix, region)
    resources = RESOURCES.get(service, anything)(operation, parameters, arn, path)
    name = S3.get(operation, operation) if service == "s3" else operation
    yield f"{prefix}:{name}", resources, tagged
    yield from FURTHER.get(service, nothing)(operation, parameters, arn, resources, tagged)
    if (service, operation) in OWN_ROLES:
        owner = OWN_ROLES[service, operation] + ".amazonaws.com"
        role = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/{owner}/AWSServiceRole"
        yield "iam:CreateServiceLinkedRole", [role], {"iam:AWSServiceName": owner}
    for action in IN_THE_CALLERS_NAME.get((service, operation), []):
        yield action, ["*"], {}


def resource_context(action, resource, region):
    """The context of a resource for conditions: its tags, of what stacks are narrowed by."""
    tags = {}
    if resource.startswith("arn:aws:ec2:"):
        tags = ec2_backends[ACCOUNT][region].tags.get(resource.rsplit("/", 1)[-1], {})
    elif action.startswith("secretsmanager:"):
        secrets = secretsmanager_backends[ACCOUNT][region].secrets
        secret = secrets.get(resource) or secrets.get(resource.split(":secret:")[-1])
        found = getattr(secret, "tags", None) or []
        tags = {tag["Key"]: tag["Value"] for tag in found}
    elif resource.startswith("arn:aws:kms:"):
        backend = kms_backends[ACCOUNT][region]
        tags = backend.tagger.get_tag_dict_for_resource(resource.rsplit("/", 1)[-1])
    return {f"aws:ResourceTag/{key}": value for key, value in tags.items()}


class Arn:
    def __init__(self, prefix, region):
        self.prefix, self.region = prefix, region

    def __call__(self, rest, prefix=None):
        return f"arn:aws:{prefix or self.prefix}:{self.region}:{ACCOUNT}:{rest}"

    def worldwide(self, rest):
        return f"arn:aws:{self.prefix}::{ACCOUNT}:{rest}"


def tags_in(parameters):
    """The tags of a request: a map or pairs in JSON, numbered pairs in a form."""
    for name in ("tags", "Tags", "TagList"):
        given = parameters.get(name)
        if isinstance(given, dict):
            return given
        if isinstance(given, list):
            pairs = [{key.lower(): value for key, value in pair.items()} for pair in given]
            return {pair.get("key", pair.get("tagkey")): pair.get("value", pair.get("tagvalue", "")) for pair in pairs}
    keys = re.compile(r"((?:TagSpecification\.\d+\.)?Tags?(?:\.member|\.Tag)?\.\d+)\.Key")
    found = (keys.fullmatch(name) for name in parameters)
    return {parameters[match[0]]: parameters.get(f"{match[1]}.Value", "") for match in found if match}


def numbered(parameters, name):
    """The values of a list in a form: `Name.member.1`, `Name.1`, or `Name.Member.1`."""
    pattern = re.compile(rf"{name}(?:\.\w+)?\.\d+")
    return [value for key, value in parameters.items() if pattern.fullmatch(key)]


def anything(_operation, _parameters, _arn, _path):
    return ["*"]


def nothing(_operation, _parameters, _arn, _resources, _tagged):
    return []


def ec2_resources(operation, parameters, arn, _path):
    """Existing resources, by their ids. A new one has no id yet, and no tags of its own to be judged by."""
    if operation.startswith("Describe"):
        return ["*"]
    ids = (str(value) for value in parameters.values())
    known = [identifier for identifier in ids if re.fullmatch(r"[a-z]+-[0-9a-f]{8,17}", identifier)]
    kinds = {identifier: EC2_TYPES.get(identifier.split("-")[0]) for identifier in known}
    found = [arn(f"{kind}/{identifier}") for identifier, kind in kinds.items() if kind]
    if operation in ("CreateTags", "DeleteTags") or found and not operation.startswith("Create"):
        return found or ["*"]
    return [*found, arn("*/*")]


def ec2_further(operation, parameters, arn, _resources, tagged):
    # Tags in the call that makes something are a second action, which knows the first one.
    # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html
    if tagged and operation not in ("CreateTags", "DeleteTags"):
        yield "ec2:CreateTags", [arn("*/*")], {**tagged, "ec2:CreateAction": operation}
    if operation in ("CreateFlowLogs", "DeleteFlowLogs"):
        yield from flow_log_actions(operation, parameters, ec2_backends[ACCOUNT][arn.region].flow_logs)


def flow_log_actions(operation, parameters, known):
    # The role is passed on: aws-samples/aws-security-hub-response-and-remediation#4.
    role = parameters.get("DeliverLogsPermissionArn")
    if role:
        yield "iam:PassRole", [role], {"iam:PassedToService": "vpc-flow-logs.amazonaws.com"}
    # Files in a bucket are delivered by CloudWatch Logs.
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-S3.html
    deleted = [known[given] for given in parameters.values() if given in known]
    kinds = [parameters.get("LogDestinationType"), *(flow_log.log_destination_type for flow_log in deleted)]
    if "s3" in kinds:
        yield f"logs:{operation.removesuffix('FlowLogs')}LogDelivery", ["*"], {}


RDS_NAMES = {
    "DBInstanceIdentifier": "db",
    "SourceDBInstanceIdentifier": "db",
    "DBParameterGroupName": "pg",
    "DBSubnetGroupName": "subgrp",
    "DBSnapshotIdentifier": "snapshot",
    "SubscriptionName": "es",
}


def rds_resources(operation, parameters, arn, _path):
    if "ResourceName" in parameters:
        return [parameters["ResourceName"]]
    found = [arn(f"{kind}:{parameters[name]}") for name, kind in RDS_NAMES.items() if name in parameters]
    if operation in ("CreateDBInstance", "CreateDBInstanceReadReplica"):
        found.append(arn("og:default:postgres-15"))
        if "DBParameterGroupName" not in parameters:
            found.append(arn("pg:default.postgres15"))
    return found or [arn("*:*") if operation.startswith("Describe") else "*"]


def rds_further(operation, parameters, arn, resources, tagged):
    if tagged and operation.startswith("Create"):
        made = "DBInstanceIdentifier" if "Instance" in operation else None
        yield "rds:AddTagsToResource", [arn(f"db:{parameters[made]}")] if made else resources, tagged
    if "FinalDBSnapshotIdentifier" in parameters:
        snapshot = arn(f"snapshot:{parameters['FinalDBSnapshotIdentifier']}")
        yield "rds:CreateDBSnapshot", [*resources, snapshot], {}
    if "MonitoringRoleArn" in parameters:
        passed = {"iam:PassedToService": "monitoring.rds.amazonaws.com"}
        yield "iam:PassRole", [parameters["MonitoringRoleArn"]], passed
    for name in ("KmsKeyId", "PerformanceInsightsKMSKeyId"):
        yield from key_actions(parameters.get(name), arn, ["DescribeKey", "CreateGrant", "GenerateDataKey", "Decrypt"])


def key_actions(key, arn, names):
    """A key of the customer's is used in the caller's name; the keys that AWS keeps for a service are not."""
    if not key or "alias/aws/" in key:
        return
    key = key if key.startswith("arn:") else arn(f"key/{key}", "kms")
    for name in names:
        # https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-grant-is-for-aws-resource
        yield f"kms:{name}", [key], {"kms:GrantIsForAWSResource": "true"} if name == "CreateGrant" else {}


def elb_resources(operation, parameters, arn, _path):
    if operation.startswith("Describe"):
        return ["*"]
    if operation == "CreateLoadBalancer":
        return [arn(f"loadbalancer/app/{parameters['Name']}/*")]
    if operation == "CreateTargetGroup":
        return [arn(f"targetgroup/{parameters['Name']}/*")]
    names = ("RuleArn", "ListenerArn", "LoadBalancerArn", "TargetGroupArn")
    single = [parameters[name] for name in names if name in parameters]
    rules = [value for key, value in parameters.items() if re.fullmatch(r"RulePriorities\.member\.\d+\.RuleArn", key)]
    return single + numbered(parameters, "ResourceArns") + rules or ["*"]


def elb_further(operation, _parameters, _arn, resources, tagged):
    # A child of a listener or a rule has an ARN below that of its parent.
    below = {"CreateListener": ("loadbalancer/", "listener/"), "CreateRule": ("listener/", "listener-rule/")}
    if tagged and operation.startswith("Create"):
        if operation in below:
            resources = [resource.replace(*below[operation], 1) + "/*" for resource in resources]
        yield "elasticloadbalancing:AddTags", resources, tagged


def ecs_resources(operation, parameters, arn, _path):
    cluster = (parameters.get("cluster") or parameters.get("clusterName") or "default").rsplit("/", 1)[-1]
    service = (parameters.get("service") or parameters.get("serviceName") or "").rsplit("/", 1)[-1]
    if "resourceArn" in parameters:
        return [parameters["resourceArn"]]
    if operation == "RegisterTaskDefinition":
        return [arn(f"task-definition/{parameters['family']}:*")]
    if operation == "DescribeServiceRevisions":
        return parameters["serviceRevisionArns"]
    if operation in ("CreateService", "UpdateService", "DeleteService", "ListServiceDeployments"):
        return [arn(f"service/{cluster}/{service}")]
    if operation in ("CreateCluster", "DeleteCluster", "UpdateClusterSettings"):
        return [arn(f"cluster/{cluster}")]
    return ["*"]


def ecs_further(operation, parameters, _arn, resources, tagged):
    if tagged and (operation.startswith("Create") or operation == "RegisterTaskDefinition"):
        yield "ecs:TagResource", resources, {**tagged, "ecs:CreateAction": operation}
    for name in ("executionRoleArn", "taskRoleArn"):
        if parameters.get(name):
            yield "iam:PassRole", [parameters[name]], {"iam:PassedToService": "ecs-tasks.amazonaws.com"}


def sns_resources(operation, parameters, arn, _path):
    # Nothing narrows what is done to a subscription.
    if operation == "CreateTopic":
        return [arn(parameters["Name"])]
    given = parameters.get("TopicArn") or parameters.get("ResourceArn")
    return [given] if given else ["*"]


def sqs_resources(_operation, parameters, arn, _path):
    name = parameters.get("QueueName") or parameters.get("QueueUrl", "").rsplit("/", 1)[-1]
    return [arn(name)] if name else ["*"]


def sqs_further(operation, _parameters, _arn, resources, tagged):
    if tagged and operation == "CreateQueue":
        yield "sqs:TagQueue", resources, tagged


def efs_resources(operation, parameters, arn, path):
    """By the ids in the address and in the members; what has no id yet is any file system."""
    ids = re.findall(r"\bfs(?:ap)?-[0-9a-f]+\b", f"{path} {parameters.get('FileSystemId', '')}")
    found = [arn(f"{'access-point' if one.startswith('fsap-') else 'file-system'}/{one}") for one in ids]
    return found or [arn("access-point/*" if "AccessPoint" in operation else "file-system/*")]


def named_resources(kind, *members):
    """Resources that are called by name, or by an ARN."""

    def resources(_operation, parameters, arn, _path):
        given = parameters.get("ResourceArn") or parameters.get("ResourceARN") or parameters.get("StreamARN")
        if given:
            return [given]
        bus = parameters.get("EventBusName", "default")
        names = [parameters[member] for member in members if member in parameters]
        return [arn(f"{kind}/{name if bus == 'default' else f'{bus}/{name}'}") for name in names] or ["*"]

    return resources


def tag_resource(prefix):
    """Tags in the call that makes something ask for `TagResource` besides."""

    def further(operation, _parameters, _arn, resources, tagged):
        if tagged and operation.startswith(("Create", "Put", "Register")):
            yield f"{prefix}:TagResource", resources, tagged

    return further


def cloudwatch_resources(operation, parameters, arn, _path):
    alarms = [parameters.get("AlarmName"), *(parameters.get("AlarmNames") or [])]
    boards = [parameters.get("DashboardName"), *(parameters.get("DashboardNames") or [])]
    given = parameters.get("ResourceARN") or parameters.get("ResourceArn")
    found = [given] if given else []
    if not operation.startswith("Describe"):
        found += [arn(f"alarm:{name}") for name in alarms if name]
        found += [arn.worldwide(f"dashboard/{name}") for name in boards if name]
    return found or ["*"]


def wafv2_resources(operation, parameters, arn, _path):
    given = [parameters.get("WebACLArn"), parameters.get("ResourceArn"), parameters.get("ResourceARN")]
    given.append((parameters.get("LoggingConfiguration") or {}).get("ResourceArn"))
    found = [value for value in given if value]
    if operation in ("CreateWebACL", "UpdateWebACL", "DeleteWebACL", "GetWebACL"):
        found.append(arn(f"regional/webacl/{parameters['Name']}/{parameters.get('Id', '*')}"))
    if "ManagedRuleGroupStatement" in str(parameters.get("Rules", "")):
        found.append(arn("regional/managedruleset/*/*"))
    return found or ["*"]


def wafv2_further(operation, parameters, _arn, resources, tagged):
    balancer = [parameters.get("ResourceArn")]
    if operation in ("AssociateWebACL", "DisassociateWebACL"):
        yield "elasticloadbalancing:SetWebAcl", balancer, {}
    if tagged and operation == "CreateWebACL":
        yield "wafv2:TagResource", resources[:1], tagged
    # https://docs.aws.amazon.com/waf/latest/developerguide/logging-cw-logs.html
    destinations = (parameters.get("LoggingConfiguration") or {}).get("LogDestinationConfigs") or []
    if any(":log-group:" in destination for destination in destinations):
        for action in ("CreateLogDelivery", "PutResourcePolicy", "DescribeResourcePolicies", "DescribeLogGroups"):
            yield f"logs:{action}", ["*"], {}
    if operation == "DeleteLoggingConfiguration":
        yield "logs:DeleteLogDelivery", ["*"], {}


def logs_resources(operation, parameters, arn, _path):
    """Refusals name the group with `:log-stream:` behind it; tagging knows the bare ARN."""
    given = parameters.get("resourceArn")
    if given:
        return [given]
    name = parameters.get("logGroupName") or parameters.get("logGroupIdentifier")
    return [arn(f"log-group:{name}:log-stream:")] if name else ["*"]


def logs_further(operation, parameters, arn, _resources, tagged):
    if tagged and operation == "CreateLogGroup":
        yield "logs:TagResource", [arn(f"log-group:{parameters['logGroupName']}")], tagged


def ecr_resources(_operation, parameters, arn, _path):
    names = [parameters.get("repositoryName"), *(parameters.get("repositoryNames") or [])]
    found = [arn(f"repository/{name}") for name in names if name]
    given = parameters.get("resourceArn")
    return found or ([given] if given else ["*"])


def ecr_further(operation, parameters, arn, resources, tagged):
    yield from tag_resource("ecr")(operation, parameters, arn, resources, tagged)
    if operation == "CreateRepository":
        key = (parameters.get("encryptionConfiguration") or {}).get("kmsKey")
        # https://docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html
        yield from key_actions(key, arn, ["DescribeKey", "CreateGrant"])


def secret_resources(operation, parameters, arn, _path):
    given = parameters.get("SecretId") or parameters.get("Name")
    if not given:
        return ["*"]
    if given.startswith("arn:"):
        return [given]
    # A name stands for an ARN that ends with a hyphen and six characters.
    secrets = secretsmanager_backends[ACCOUNT][arn.region].secrets
    secret = secrets.get(given)
    return [getattr(secret, "arn", None) or arn(f"secret:{given}-??????")]


def secret_further(operation, parameters, arn, resources, tagged):
    if tagged and operation == "CreateSecret":
        yield "secretsmanager:TagResource", resources, tagged
    if operation in ("CreateSecret", "UpdateSecret"):
        yield from key_actions(parameters.get("KmsKeyId"), arn, ["GenerateDataKey", "Decrypt"])
    # https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
    if operation in ("GetSecretValue", "PutSecretValue"):
        secrets = secretsmanager_backends[ACCOUNT][arn.region].secrets
        secret = next((secrets[name] for name in secrets if secrets[name].arn in resources), None)
        names = ["Decrypt"] if operation == "GetSecretValue" else ["GenerateDataKey", "Decrypt"]
        yield from key_actions(getattr(secret, "kms_key_id", None), arn, names)


def ssm_resources(_operation, parameters, arn, _path):
    names = [parameters.get("Name"), parameters.get("ResourceId"), *(parameters.get("Names") or [])]
    return [arn("parameter/" + name.lstrip("/")) for name in names if name] or ["*"]


def scaling_further(operation, parameters, arn, resources, tagged):
    yield from tag_resource("application-autoscaling")(operation, parameters, arn, resources, tagged)
    if parameters.get("ServiceNamespace") != "ecs" or "ResourceId" not in parameters:
        return
    service = arn(parameters["ResourceId"], "ecs")
    if operation == "RegisterScalableTarget":
        yield "ecs:DescribeServices", [service], {}
        yield "ecs:UpdateService", [service], {}
    alarm = [arn(f"alarm:TargetTracking-{parameters['ResourceId']}-AlarmHigh-0", "cloudwatch")]
    if operation == "PutScalingPolicy":
        yield "cloudwatch:PutMetricAlarm", alarm, {}
    if operation == "DeleteScalingPolicy":
        yield "cloudwatch:DeleteAlarms", alarm, {}


def kms_resources(operation, parameters, arn, _path):
    """An action on an alias needs permission for it and for its key; a key by its alias is that key.
    https://docs.aws.amazon.com/kms/latest/developerguide/kms-api-permissions-reference.html"""
    backend = kms_backends[ACCOUNT][arn.region]
    name = parameters.get("AliasName")
    keys = [parameters.get("KeyId"), parameters.get("TargetKeyId")]
    if operation in ("DeleteAlias", "UpdateAlias"):
        keys.append(backend.get_key_id_from_alias(name))
    keys = [backend.get_key_id_from_alias(key) if "alias/" in key else key for key in keys if key]
    found = [arn(f"key/{key.rsplit('/', 1)[-1]}") for key in keys if key]
    return [*found, arn(name)] if name else found or ["*"]


def iam_resources(_operation, parameters, arn, _path):
    if "RoleName" in parameters:
        return [arn.worldwide(f"role{parameters.get('Path', '/')}{parameters['RoleName']}")]
    if "PolicyArn" in parameters:
        return [parameters["PolicyArn"]]
    if "PolicyName" in parameters:
        return [arn.worldwide(f"policy{parameters.get('Path', '/')}{parameters['PolicyName']}")]
    if "AWSServiceName" in parameters:
        return [arn.worldwide(f"role/aws-service-role/{parameters['AWSServiceName']}/AWSServiceRole")]
    return ["*"]


def iam_further(operation, _parameters, _arn, resources, tagged):
    if tagged and operation in ("CreateRole", "CreatePolicy"):
        yield operation.replace("Create", "iam:Tag"), resources, tagged


def s3_resources(operation, parameters, _arn, path):
    """By the path, for buckets have no account in their ARN. Objects are below their bucket."""
    bucket, _, key = path.lstrip("/").partition("/")
    if not bucket:
        return ["*"]
    is_of_object = operation in ("DeleteObjects", "AbortMultipartUpload")
    return [f"arn:aws:s3:::{bucket}/{key or '*'}" if is_of_object else f"arn:aws:s3:::{bucket}"]


def s3_further(operation, parameters, _arn, resources, _tagged):
    if operation == "DeleteObjects":
        yield "s3:DeleteObjectVersion", resources, {}
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
    if operation == "CreateBucket" and parameters.get("has_tags"):
        yield "s3:TagResource", resources, {}


def tagging_further(operation, parameters, _arn, _resources, tagged):
    for resource in parameters.get("ResourceARNList", []):
        service = resource.split(":")[2]
        add, remove = TAGGING.get(service, ("TagResource", "UntagResource"))
        name = add if operation == "TagResources" else remove
        yield f"{service}:{name}", [resource], tagged


RESOURCES = {
    "cloudwatch": cloudwatch_resources,
    "dynamodb": named_resources("table", "TableName"),
    "efs": efs_resources,
    "events": named_resources("rule", "Name", "Rule"),
    "kinesis": named_resources("stream", "StreamName"),
    "ec2": ec2_resources,
    "ecr": ecr_resources,
    "ecs": ecs_resources,
    "elbv2": elb_resources,
    "iam": iam_resources,
    "kms": kms_resources,
    "logs": logs_resources,
    "rds": rds_resources,
    "s3": s3_resources,
    "secretsmanager": secret_resources,
    "sns": sns_resources,
    "sqs": sqs_resources,
    "ssm": ssm_resources,
    "wafv2": wafv2_resources,
}

FURTHER = {
    "kms": tag_resource("kms"),
    "application-autoscaling": scaling_further,
    "cloudwatch": tag_resource("cloudwatch"),
    "dynamodb": tag_resource("dynamodb"),
    "efs": tag_resource("elasticfilesystem"),
    "ec2": ec2_further,
    "ecr": ecr_further,
    "ecs": ecs_further,
    "elbv2": elb_further,
    "iam": iam_further,
    "logs": logs_further,
    "rds": rds_further,
    "resourcegroupstaggingapi": tagging_further,
    "s3": s3_further,
    "secretsmanager": secret_further,
    "sns": tag_resource("sns"),
    "sqs": sqs_further,
    "wafv2": wafv2_further,
}
