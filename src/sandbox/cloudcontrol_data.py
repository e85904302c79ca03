"""Handlers for tables, file systems, parameters, keys, secrets and VPC endpoints, which stand in moto."""

import json

from moto.ec2.models import ec2_backends
from moto.efs.models import efs_backends

from calling import Failure, document, text
from cloudcontrol_standing import Standing, differs, mapped, only, own_pairs, pairs, tag_changes
from cloudcontrol_store import key_arn, uuid


class Table(Standing):
    """What a read adds to a model is from live reads; capacities that are on demand are 0 each."""

    BESIDE = (
        "ContributorInsightsSpecification",
        "KinesisStreamSpecification",
        "OnDemandThroughput",
        "ResourcePolicy",
        "TableClass",
        "VectorIndexes",
        "WarmThroughput",
    )
    PLAIN = ("AttributeDefinitions", "BillingMode", "DeletionProtectionEnabled", "KeySchema")

    def create(self, model):
        model = self.named(model, "TableName")
        name = model["TableName"]
        self.call(
            "dynamodb",
            "CreateTable",
            TableName=name,
            **{"AttributeDefinitions": [], **only(model, *self.PLAIN, "ProvisionedThroughput")},
            GlobalSecondaryIndexes=self.indexes(model.get("GlobalSecondaryIndexes")),
            LocalSecondaryIndexes=model.get("LocalSecondaryIndexes"),
            StreamSpecification=self.stream(model),
            SSESpecification=self.encryption(model),
            Tags=model.get("Tags"),
        )
        keys = {"TableName": name}
        self.apply(keys, {}, model)
        self.keep_beside(keys, model)
        return keys

    def indexes(self, given):
        wanted = ("IndexName", "KeySchema", "Projection", "ProvisionedThroughput")
        return [only(index, *wanted) for index in given] if given else None

    def stream(self, model):
        given = model.get("StreamSpecification")
        return {"StreamEnabled": True, **only(given, "StreamViewType")} if given else None

    def encryption(self, model):
        given = model.get("SSESpecification")
        if not given:
            return None
        return {"Enabled": given["SSEEnabled"], **only(given, "SSEType", "KMSMasterKeyId")}

    def apply(self, keys, before, after):
        """What is set by calls of its own, on a new table too."""
        name = keys["TableName"]
        recovery = after.get("PointInTimeRecoverySpecification", {})
        if differs(before, after, "PointInTimeRecoverySpecification"):
            enabled = recovery.get("PointInTimeRecoveryEnabled", False)
            specification = {"PointInTimeRecoveryEnabled": enabled}
            if enabled:
                specification["RecoveryPeriodInDays"] = recovery.get("RecoveryPeriodInDays", 35)
            self.call("dynamodb", "UpdateContinuousBackups", TableName=name, PointInTimeRecoverySpecification=specification)
        if differs(before, after, "TimeToLiveSpecification"):
            given = after.get("TimeToLiveSpecification") or {**before["TimeToLiveSpecification"], "Enabled": False}
            self.call("dynamodb", "UpdateTimeToLive", TableName=name, TimeToLiveSpecification=given)

    def look(self, keys):
        name = keys["TableName"]
        found = self.call("dynamodb", "DescribeTable", TableName=name)["Table"]
        on_demand = (found.get("BillingModeSummary") or {}).get("BillingMode") == "PAY_PER_REQUEST"
        model = {
            "TableName": name,
            "Arn": found["TableArn"],
            "StreamArn": found.get("LatestStreamArn"),
            "BillingMode": "PAY_PER_REQUEST" if on_demand else "PROVISIONED",
            "DeletionProtectionEnabled": bool(found.get("DeletionProtectionEnabled")),
            **only(found, "AttributeDefinitions", "KeySchema"),
            "ProvisionedThroughput": self.capacity(found),
            "ContributorInsightsSpecification": {"Enabled": False},
            "SSESpecification": {"SSEEnabled": False},
            "WarmThroughput": {"ReadUnitsPerSecond": 12000, "WriteUnitsPerSecond": 4000},
        }
        encryption = found.get("SSEDescription") or {}
        if encryption.get("Status") == "ENABLED":
            model["SSESpecification"] = {"SSEEnabled": True, "SSEType": "KMS"}
            if encryption.get("KMSMasterKeyArn"):
                model["SSESpecification"]["KMSMasterKeyId"] = encryption["KMSMasterKeyArn"]
        stream = found.get("StreamSpecification")
        if stream and stream.get("StreamEnabled"):
            model["StreamSpecification"] = only(stream, "StreamViewType")
        for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
            if found.get(kind):
                model[kind] = [self.index(index, kind) for index in found[kind]]
        backups = self.call("dynamodb", "DescribeContinuousBackups", TableName=name)["ContinuousBackupsDescription"]
        recovery = backups["PointInTimeRecoveryDescription"]
        enabled = recovery["PointInTimeRecoveryStatus"] == "ENABLED"
        model["PointInTimeRecoverySpecification"] = {"PointInTimeRecoveryEnabled": enabled}
        if enabled:
            days = recovery.get("RecoveryPeriodInDays", 35)
            model["PointInTimeRecoverySpecification"]["RecoveryPeriodInDays"] = days
        expiry = self.call("dynamodb", "DescribeTimeToLive", TableName=name)["TimeToLiveDescription"]
        if expiry.get("TimeToLiveStatus") == "ENABLED":
            model["TimeToLiveSpecification"] = {"Enabled": True, "AttributeName": expiry["AttributeName"]}
        tags = mapped(self.call("dynamodb", "ListTagsOfResource", ResourceArn=found["TableArn"]).get("Tags"))
        return {**model, "Tags": own_pairs(tags)}

    def capacity(self, found):
        given = found.get("ProvisionedThroughput") or {}
        return {name: given.get(name, 0) for name in ("ReadCapacityUnits", "WriteCapacityUnits")}

    def index(self, found, kind):
        model = only(found, "IndexName", "KeySchema", "Projection")
        if kind == "GlobalSecondaryIndexes":
            model["ProvisionedThroughput"] = self.capacity(found)
        return model

    def update(self, keys, before, after):
        name = keys["TableName"]
        changes = {
            name: after[name]
            for name in ("BillingMode", "DeletionProtectionEnabled")
            if name in after and differs(before, after, name)
        }
        is_provisioned = after.get("BillingMode", "PROVISIONED") == "PROVISIONED"
        if is_provisioned and differs(before, after, "ProvisionedThroughput", "BillingMode"):
            changes |= only(after, "ProvisionedThroughput")
        if differs(before, after, "StreamSpecification"):
            changes["StreamSpecification"] = self.stream(after) or {"StreamEnabled": False}
        if differs(before, after, "SSESpecification") and "SSESpecification" in after:
            changes["SSESpecification"] = self.encryption(after)
        updates = self.index_updates(before, after, is_provisioned)
        if updates:
            changes |= {"GlobalSecondaryIndexUpdates": updates, "AttributeDefinitions": after["AttributeDefinitions"]}
        if changes:
            self.call("dynamodb", "UpdateTable", TableName=name, **changes)
        self.apply(keys, before, after)
        arn = before["Arn"]
        tags, gone = tag_changes(before.get("Tags"), after.get("Tags"))
        if tags:
            self.call("dynamodb", "TagResource", ResourceArn=arn, Tags=pairs(tags))
        if gone:
            self.call("dynamodb", "UntagResource", ResourceArn=arn, TagKeys=gone)
        self.keep_beside(keys, after)

    def index_updates(self, before, after, is_provisioned):
        """The change of indexes: AWS makes or removes one at a time.

        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
        """
        old = {index["IndexName"]: index for index in before.get("GlobalSecondaryIndexes", [])}
        new = {index["IndexName"]: index for index in after.get("GlobalSecondaryIndexes", [])}
        updates = [{"Delete": {"IndexName": name}} for name in old if name not in new]
        updates += [{"Create": self.indexes([index])[0]} for name, index in new.items() if name not in old]
        if len(updates) > 1:
            message = "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table"
            raise Failure("dynamodb", "LimitExceededException", message, 400)
        for name, index in new.items():
            if name in old and is_provisioned and differs(old[name], index, "ProvisionedThroughput"):
                updates.append({"Update": only(index, "IndexName", "ProvisionedThroughput")})
        return updates

    def delete(self, keys):
        self.call("dynamodb", "DeleteTable", TableName=keys["TableName"])

    def list(self):
        return [{"TableName": name} for name in self.call("dynamodb", "ListTables")["TableNames"]]


class FileSystem(Standing):
    """`DISABLED` overwrite protection reads as `REPLICATING`, since nothing else may switch it off."""

    BESIDE = ("FileSystemPolicy", "FileSystemProtection", "ReplicationConfiguration")

    def create(self, model):
        backup = model.get("BackupPolicy", {}).get("Status")
        found = self.call(
            "efs",
            "CreateFileSystem",
            CreationToken=uuid(),
            Tags=model.get("FileSystemTags"),
            Backup=None if backup is None else backup == "ENABLED",
            KmsKeyId=model.get("KmsKeyId") and key_arn(self.call.account, self.call.region, model["KmsKeyId"]),
            **only(model, "AvailabilityZoneName", "Encrypted", "PerformanceMode", "ProvisionedThroughputInMibps", "ThroughputMode"),
        )
        keys = only(found, "FileSystemId")
        if model.get("LifecyclePolicies"):
            self.call("efs", "PutLifecycleConfiguration", **keys, LifecyclePolicies=model["LifecyclePolicies"])
        self.keep_beside(keys, model)
        return keys

    def standing(self, keys):
        return efs_backends[self.call.account][self.call.region].file_systems_by_id.get(keys["FileSystemId"])

    def look(self, keys):
        found = self.call("efs", "DescribeFileSystems", **only(keys, "FileSystemId"))["FileSystems"][0]
        model = only(found, "FileSystemId", "AvailabilityZoneName", "KmsKeyId", "ProvisionedThroughputInMibps")
        backup = getattr(self.standing(keys), "_backup", None)
        model |= {
            "Arn": self.call.arn("elasticfilesystem", f"file-system/{found['FileSystemId']}"),
            "Encrypted": bool(found.get("Encrypted")),
            "PerformanceMode": found.get("PerformanceMode") or "generalPurpose",
            "ThroughputMode": found.get("ThroughputMode") or "bursting",
            # One Zone file systems are backed up unless that is declined.
            # https://docs.aws.amazon.com/efs/latest/ug/awsbackup.html
            "BackupPolicy": {"Status": "ENABLED" if backup or found.get("AvailabilityZoneName") and backup is None else "DISABLED"},
            "LifecyclePolicies": self.call("efs", "DescribeLifecycleConfiguration", **only(keys, "FileSystemId"))["LifecyclePolicies"]
            or None,
            "FileSystemProtection": {"ReplicationOverwriteProtection": "ENABLED"},
            "FileSystemTags": found["Tags"] or None,
        }
        if model["Encrypted"] and not model.get("KmsKeyId"):
            model["KmsKeyId"] = self.call.arn("kms", "key/00000000-0000-4000-8000-0000000000ef")
        return model

    def read(self, keys):
        model = super().read(keys)
        if model["FileSystemProtection"].get("ReplicationOverwriteProtection") == "DISABLED":
            model["FileSystemProtection"] = {"ReplicationOverwriteProtection": "REPLICATING"}
        return model

    def update(self, keys, before, after):
        standing = self.standing(keys)
        # moto has no UpdateFileSystem and no PutBackupPolicy.
        standing.throughput_mode = after.get("ThroughputMode", standing.throughput_mode)
        standing.provisioned_throughput_in_mibps = after.get("ProvisionedThroughputInMibps")
        if differs(before, after, "BackupPolicy") and "BackupPolicy" in after:
            standing._backup = after["BackupPolicy"]["Status"] == "ENABLED"
        if differs(before, after, "LifecyclePolicies"):
            policies = after.get("LifecyclePolicies", [])
            self.call("efs", "PutLifecycleConfiguration", **only(keys, "FileSystemId"), LifecyclePolicies=policies)
        retag_efs(self.call, keys["FileSystemId"], before.get("FileSystemTags"), after.get("FileSystemTags"))
        self.keep_beside(keys, after)

    def delete(self, keys):
        self.call("efs", "DeleteFileSystem", **only(keys, "FileSystemId"))

    def list(self):
        found = self.call("efs", "DescribeFileSystems", MaxItems=1000)["FileSystems"]
        return [only(one, "FileSystemId") for one in found]


def retag_efs(call, resource, before, after):
    tags, gone = tag_changes(before, after)
    if tags:
        call("efs", "TagResource", ResourceId=resource, Tags=pairs(tags))
    if gone:
        call("efs", "UntagResource", ResourceId=resource, TagKeys=gone)


class AccessPoint(Standing):
    """Owners are texts in the model, and numbers in the API."""

    def create(self, model):
        user = model.get("PosixUser")
        root = json.loads(json.dumps(model.get("RootDirectory", {"Path": "/"})))
        for name in ("OwnerUid", "OwnerGid"):
            if "CreationInfo" in root:
                root["CreationInfo"][name] = int(root["CreationInfo"][name])
        if user:
            user = {name: [int(one) for one in value] if isinstance(value, list) else int(value) for name, value in user.items()}
        found = self.call(
            "efs",
            "CreateAccessPoint",
            ClientToken=model.get("ClientToken") or uuid(),
            FileSystemId=model["FileSystemId"].rsplit("/", 1)[-1],
            PosixUser=user,
            RootDirectory=root,
            Tags=model.get("AccessPointTags"),
        )
        return only(found, "AccessPointId")

    def look(self, keys):
        found = self.call("efs", "DescribeAccessPoints", **only(keys, "AccessPointId"))["AccessPoints"][0]
        user = found.get("PosixUser")
        if user:
            user = {name: [str(one) for one in value] if isinstance(value, list) else str(value) for name, value in user.items()}
        root = found.get("RootDirectory") or {"Path": "/"}
        for name in ("OwnerUid", "OwnerGid"):
            if root.get("CreationInfo"):
                root["CreationInfo"][name] = str(root["CreationInfo"][name])
        return {
            **only(found, "AccessPointId", "ClientToken", "FileSystemId"),
            "Arn": found["AccessPointArn"],
            "PosixUser": user or None,
            "RootDirectory": {"Path": "/", **root},
            "AccessPointTags": found["Tags"] or None,
        }

    def update(self, keys, before, after):
        retag_efs(self.call, keys["AccessPointId"], before.get("AccessPointTags"), after.get("AccessPointTags"))

    def delete(self, keys):
        self.look(keys)
        self.call("efs", "DeleteAccessPoint", **only(keys, "AccessPointId"))

    def list(self):
        return [only(one, "AccessPointId") for one in self.call("efs", "DescribeAccessPoints")["AccessPoints"]]


class Parameter(Standing):
    """What is write-only is gone after an update that does not send it again."""

    def create(self, model):
        model = self.named(model, "Name")
        self.put(model, None, overwrite=False)
        if model.get("Tags"):
            self.call("ssm", "AddTagsToResource", ResourceType="Parameter", ResourceId=model["Name"], Tags=pairs(model["Tags"]))
        return only(model, "Name")

    def put(self, model, description, overwrite):
        wanted = only(model, "Name", "Value", "Type", "DataType", "Tier", "AllowedPattern", "Policies")
        self.call("ssm", "PutParameter", **wanted, Description=model.get("Description", description), Overwrite=overwrite)

    def look(self, keys):
        found = self.call("ssm", "GetParameters", Names=[keys["Name"]])["Parameters"]
        if not found:
            raise self.missing(keys["Name"])
        found = found[0]
        tags = self.call("ssm", "ListTagsForResource", ResourceType="Parameter", ResourceId=keys["Name"]).get("TagList")
        return {
            **only(found, "Name", "Type", "Value"),
            "Arn": found["ARN"],
            "DataType": found.get("DataType") or "text",
            "Tags": mapped(tags) or None,
        }

    def update(self, keys, before, after):
        if differs(before, after, "Value", "Type", "DataType", *self.kind.write_only):
            self.put({**after, **keys}, "", overwrite=True)
        tags, gone = tag_changes(pairs(before.get("Tags", {})), pairs(after.get("Tags", {})))
        if tags:
            self.call("ssm", "AddTagsToResource", ResourceType="Parameter", ResourceId=keys["Name"], Tags=pairs(tags))
        if gone:
            self.call("ssm", "RemoveTagsFromResource", ResourceType="Parameter", ResourceId=keys["Name"], TagKeys=gone)

    def delete(self, keys):
        self.call("ssm", "DeleteParameter", **only(keys, "Name"))

    def list(self):
        found = self.call("ssm", "DescribeParameters", MaxResults=50)["Parameters"]
        return [only(one, "Name") for one in found]


class Key(Standing):
    """A key that waits for its deletion is not found, and its window is the longest: the handler is not told another.

    https://github.com/aws-cloudformation/aws-cloudformation-resource-providers-kms
    """

    def create(self, model):
        found = self.call(
            "kms",
            "CreateKey",
            **only(model, "Description", "KeySpec", "KeyUsage", "MultiRegion", "Origin"),
            Policy=text(model.get("KeyPolicy")),
            Tags=[{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in model.get("Tags", [])],
        )["KeyMetadata"]
        keys = only(found, "KeyId")
        self.apply(keys, {"Enabled": True, "EnableKeyRotation": False}, model)
        return keys

    def apply(self, keys, before, after):
        enabled = after.get("Enabled", True)
        if enabled and not before.get("Enabled", True):
            self.call("kms", "EnableKey", **keys)
        rotates = after.get("EnableKeyRotation", False)
        period = after.get("RotationPeriodInDays")
        if rotates and (not before.get("EnableKeyRotation") or period):
            self.call("kms", "EnableKeyRotation", **keys, RotationPeriodInDays=period)
        if not rotates and before.get("EnableKeyRotation"):
            self.call("kms", "DisableKeyRotation", **keys)
        if not enabled and before.get("Enabled", True):
            self.call("kms", "DisableKey", **keys)

    def look(self, keys):
        keys = only(keys, "KeyId")
        found = self.call("kms", "DescribeKey", **keys)["KeyMetadata"]
        if found["KeyState"] == "PendingDeletion":
            raise self.missing(keys["KeyId"])
        model = {
            **only(found, "KeyId", "Arn", "Description", "Enabled", "Origin"),
            "KeyUsage": found.get("KeyUsage") or "ENCRYPT_DECRYPT",
            "MultiRegion": bool(found.get("MultiRegion")),
            "KeySpec": found.get("KeySpec") or found.get("CustomerMasterKeySpec") or "SYMMETRIC_DEFAULT",
            "KeyPolicy": document(self.call("kms", "GetKeyPolicy", **keys, PolicyName="default")["Policy"]),
            "EnableKeyRotation": False,
        }
        if model["KeySpec"] == "SYMMETRIC_DEFAULT":
            model["EnableKeyRotation"] = self.call("kms", "GetKeyRotationStatus", **keys)["KeyRotationEnabled"]
        tags = self.call("kms", "ListResourceTags", **keys).get("Tags", [])
        return {**model, "Tags": [{"Key": tag["TagKey"], "Value": tag["TagValue"]} for tag in tags] or None}

    def update(self, keys, before, after):
        keys = only(keys, "KeyId")
        if differs(before, after, "Description"):
            self.call("kms", "UpdateKeyDescription", **keys, Description=after.get("Description", ""))
        if differs(before, after, "KeyPolicy") and "KeyPolicy" in after:
            self.call("kms", "PutKeyPolicy", **keys, PolicyName="default", Policy=text(after["KeyPolicy"]))
        self.apply(keys, before, after)
        tags, gone = tag_changes(before.get("Tags"), after.get("Tags"))
        if tags:
            written = [{"TagKey": key, "TagValue": value} for key, value in tags.items()]
            self.call("kms", "TagResource", **keys, Tags=written)
        if gone:
            self.call("kms", "UntagResource", **keys, TagKeys=gone)

    def delete(self, keys):
        self.look(keys)
        self.call("kms", "ScheduleKeyDeletion", **only(keys, "KeyId"))

    def list(self):
        return [only(one, "KeyId") for one in self.call("kms", "ListKeys")["Keys"]]


class Secret(Standing):
    """A value is never read. A secret is removed at once."""

    BESIDE = ("ReplicaRegions", "Type")

    def value(self, model):
        if "SecretString" in model:
            return model["SecretString"]
        rules = model.get("GenerateSecretString")
        if rules is None:
            return None
        wanted = {name: value for name, value in rules.items() if name not in ("GenerateStringKey", "SecretStringTemplate")}
        password = self.call("secretsmanager", "GetRandomPassword", **wanted)["RandomPassword"]
        if "GenerateStringKey" not in rules:
            return password
        return json.dumps({**json.loads(rules.get("SecretStringTemplate", "{}")), rules["GenerateStringKey"]: password})

    def create(self, model):
        model = self.named(model, "Name")
        found = self.call(
            "secretsmanager",
            "CreateSecret",
            **only(model, "Name", "Description", "KmsKeyId", "Tags"),
            SecretString=self.value(model),
        )
        keys = {"Id": found["ARN"]}
        self.keep_beside(keys, model)
        return keys

    def look(self, keys):
        found = self.call("secretsmanager", "DescribeSecret", SecretId=keys["Id"])
        if found.get("DeletedDate"):
            raise self.missing(keys["Id"])
        return {
            "Id": found["ARN"],
            **{name: value for name, value in only(found, "Name", "Description", "KmsKeyId").items() if value},
            "Tags": found.get("Tags") or None,
        }

    def update(self, keys, before, after):
        secret = keys["Id"]
        value = self.value(after)
        if value is not None or differs(before, after, "Description", "KmsKeyId"):
            self.call("secretsmanager", "UpdateSecret", SecretId=secret, SecretString=value, **only(after, "Description", "KmsKeyId"))
        tags, gone = tag_changes(before.get("Tags"), after.get("Tags"))
        if tags:
            self.call("secretsmanager", "TagResource", SecretId=secret, Tags=pairs(tags))
        if gone:
            self.call("secretsmanager", "UntagResource", SecretId=secret, TagKeys=gone)
        self.keep_beside(keys, after)

    def delete(self, keys):
        self.look(keys)
        self.call("secretsmanager", "DeleteSecret", SecretId=keys["Id"], ForceDeleteWithoutRecovery=True)

    def list(self):
        return [{"Id": one["ARN"]} for one in self.call("secretsmanager", "ListSecrets", MaxResults=100)["SecretList"]]


class VpcEndpoint(Standing):
    """An interface endpoint without security groups gets the default one of its VPC."""

    BESIDE = ("DnsOptions", "IpAddressType", "ServiceRegion")
    SETS = {"SubnetIds": "SubnetId", "SecurityGroupIds": "SecurityGroupId", "RouteTableIds": "RouteTableId"}

    def create(self, model):
        kind = model.get("VpcEndpointType", "Gateway")
        groups = model.get("SecurityGroupIds")
        if kind == "Interface" and not groups:
            filters = [{"Name": "vpc-id", "Values": [model["VpcId"]]}, {"Name": "group-name", "Values": ["default"]}]
            groups = [group["GroupId"] for group in self.call("ec2", "DescribeSecurityGroups", Filters=filters)["SecurityGroups"]]
        tags = model.get("Tags")
        found = self.call(
            "ec2",
            "CreateVpcEndpoint",
            **only(model, "VpcId", "ServiceName", "SubnetIds", "RouteTableIds"),
            PrivateDnsEnabled=model.get("PrivateDnsEnabled", False),
            VpcEndpointType=kind,
            SecurityGroupIds=groups,
            PolicyDocument=text(model.get("PolicyDocument")),
            TagSpecifications=[{"ResourceType": "vpc-endpoint", "Tags": tags}] if tags else None,
        )["VpcEndpoint"]
        keys = {"Id": found["VpcEndpointId"]}
        self.keep_beside(keys, model)
        return keys

    def look(self, keys):
        found = self.call("ec2", "DescribeVpcEndpoints", VpcEndpointIds=[keys["Id"]])["VpcEndpoints"]
        if not found or found[0].get("State") == "deleted":
            raise self.missing(keys["Id"])
        found = found[0]
        kind = found.get("VpcEndpointType") or "Gateway"
        return {
            "Id": keys["Id"],
            **only(found, "VpcId", "ServiceName"),
            "VpcEndpointType": kind,
            "SubnetIds": found.get("SubnetIds") or [],
            "RouteTableIds": found.get("RouteTableIds") or [],
            "SecurityGroupIds": [group["GroupId"] for group in found.get("Groups") or []],
            "NetworkInterfaceIds": found.get("NetworkInterfaceIds") or [],
            "DnsEntries": [f"{entry.get('HostedZoneId', '')}:{entry['DnsName']}" for entry in found.get("DnsEntries") or []],
            "PolicyDocument": document(found.get("PolicyDocument")),
            "PrivateDnsEnabled": bool(found.get("PrivateDnsEnabled")),
            "IpAddressType": "ipv4" if kind == "Interface" else "not-specified",
            "DnsOptions": {"DnsRecordIpType": "ipv4" if kind == "Interface" else "service-defined"},
            "CreationTimestamp": found["CreationTimestamp"].strftime("%a %b %d %H:%M:%S UTC %Y"),
            "Tags": found.get("Tags") or None,
        }

    def update(self, keys, before, after):
        changes = {}
        for name, member in self.SETS.items():
            old, new = before.get(name, []), after.get(name, [])
            changes[f"Add{member}s"] = [one for one in new if one not in old] or None
            changes[f"Remove{member}s"] = [one for one in old if one not in new] or None
        if differs(before, after, "PolicyDocument"):
            changes["PolicyDocument"] = text(after.get("PolicyDocument"))
            changes["ResetPolicy"] = None if "PolicyDocument" in after else True
        if any(value is not None for value in changes.values()):
            self.call("ec2", "ModifyVpcEndpoint", VpcEndpointId=keys["Id"], **changes)
        standing = ec2_backends[self.call.account][self.call.region].vpc_end_points[keys["Id"]]
        # moto's ModifyVpcEndpoint does not know it.
        standing.private_dns_enabled = after.get("PrivateDnsEnabled", standing.private_dns_enabled)
        tags, gone = tag_changes(before.get("Tags"), after.get("Tags"))
        if tags:
            self.call("ec2", "CreateTags", Resources=[keys["Id"]], Tags=pairs(tags))
        if gone:
            self.call("ec2", "DeleteTags", Resources=[keys["Id"]], Tags=[{"Key": key} for key in gone])
        self.keep_beside(keys, after)

    def delete(self, keys):
        self.look(keys)
        self.call("ec2", "DeleteVpcEndpoints", VpcEndpointIds=[keys["Id"]])

    def list(self):
        found = self.call("ec2", "DescribeVpcEndpoints")["VpcEndpoints"]
        return [{"Id": one["VpcEndpointId"]} for one in found if one.get("State") != "deleted"]
