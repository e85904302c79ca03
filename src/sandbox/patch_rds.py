"""RDS instances and read replicas: defaults of AWS, refusals, and changes that wait for the maintenance window."""

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.logs.models import logs_backends
from moto.moto_api._internal import mock_random
from moto.rds.exceptions import DBInstanceAlreadyExists, DBParameterGroupNotFoundError
from moto.rds.models import DBInstance, RDSBackend
from moto.rds.responses import RDSResponse

import interfaces
from patch_rds_groups import default_group_exists, family_of, refuse, resolved_version
from patching import add, notes_of, replace

# The settings that ModifyDBInstance leaves for the maintenance window unless ApplyImmediately is given.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ModifyInstance.Settings.html
DEFERRED = {
    "allocated_storage": "AllocatedStorage",
    "backup_retention_period": "BackupRetentionPeriod",
    "ca_certificate_identifier": "CACertificateIdentifier",
    "db_instance_class": "DBInstanceClass",
    "engine_version": "EngineVersion",
    "iops": "Iops",
    "license_model": "LicenseModel",
    "multi_az": "MultiAZ",
    "storage_throughput": "StorageThroughput",
    "storage_type": "StorageType",
}
NOT_A_CHANGE = {"db_instance_identifier", "apply_immediately", "allow_major_version_upgrade"}


# Storage


def baseline(instance):
    """gp3 comes with a baseline that is reported although it was not requested.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html#gp3-storage
    """
    large = int(instance.allocated_storage) >= 400
    return (12000, 500) if large else (3000, 125)


def settle_storage(instance):
    if instance.storage_type == "gp3":
        iops, throughput = baseline(instance)
        instance.iops = instance.iops or iops
        instance._storage_throughput = instance._storage_throughput or throughput
    elif not str(instance.storage_type).startswith("io"):
        instance.iops = None


def check_storage(size, iops, throughput, engine):
    if engine == "postgres" and size is not None and int(size) < 400 and (iops or throughput):
        refuse(
            "InvalidParameterCombination",
            f"You can't specify IOPS or storage throughput for engine {engine} and a storage size less than 400.",
        )


def check_performance(instance, changes):
    """Storage with operations of its own does not change its size without them: gp3 has them from 400 GiB on.

    https://github.com/hashicorp/terraform-provider-aws/issues/33512
    https://github.com/hashicorp/terraform-provider-aws/pull/28847
    """
    before, after = instance.storage_type, changes.get("storage_type") or instance.storage_type
    size = int(changes.get("allocated_storage") or instance.allocated_storage)
    if after == "gp3":
        provisioned = (int(instance.allocated_storage) if before == "gp3" else size) >= 400
    else:
        provisioned = after == before and after.startswith("io")
    named = {"allocated_storage", "iops", "storage_throughput"} & set(changes)
    if provisioned and (named or after != before) and not {"allocated_storage", "iops"} <= set(changes):
        refuse(
            "InvalidParameterCombination",
            "You must specify both the storage size and iops when modifying the storage size or iops on a DB instance that has iops.",
        )


# Instances


@replace(DBInstance, "__init__")
def new_instance(original, self, backend, **named):
    """Fills in the defaults of AWS: version, storage, licence, certificate authority, Performance Insights, groups."""
    engine = named["engine"]
    named["engine_version"] = resolved_version(engine, named.get("engine_version"))
    if named.get("db_cluster_identifier") is None:
        if not named.get("storage_type"):
            named["storage_type"] = "io1" if named.get("iops") and int(named["allocated_storage"]) < 400 else "gp3"
        if named["storage_type"] == "gp3":
            check_storage(named.get("allocated_storage"), named.get("iops"), named.get("storage_throughput"), engine)
    named.setdefault("license_model", "postgresql-license" if engine == "postgres" else "general-public-license")
    named.setdefault("ca_certificate_identifier", "rds-ca-rsa2048-g1")
    named["publicly_accessible"] = bool(named.get("publicly_accessible"))
    group = named.get("db_subnet_group_name")
    if group and not named.get("vpc_security_group_ids"):
        subnets = backend.describe_db_subnet_groups(group)[0]
        default = interfaces.network(backend).get_default_security_group(subnets.vpc_id)
        named["vpc_security_group_ids"] = [default.id]
    if group and not named.get("availability_zone"):
        named["availability_zone"] = backend.describe_db_subnet_groups(group)[0]._subnets[0].availability_zone
    default_group = default_group_exists(backend, engine, named["engine_version"])
    named["db_parameter_group_name"] = named.get("db_parameter_group_name") or default_group
    check_family(backend, named["db_parameter_group_name"], engine, named["engine_version"])
    self._db_subnet_group_name = None
    original(self, backend, **named)
    self.dbi_resource_id = new_resource_id()
    self.DomainMemberships = []
    if self.option_group_name.startswith(f"default:{engine}-"):
        # moto adds the minor version.
        self.option_group_name = f"default:{engine}-{self.engine_version.split('.')[0]}"
    self.NetworkType = "IPV4"
    self.DedicatedLogVolume = False
    self.CustomerOwnedIpEnabled = False
    self.BackupTarget = "region"
    self.ActivityStreamStatus = "stopped"
    if self.storage_encrypted and self.kms_key_id in (None, "default_kms_key_id"):
        # Encryption without a key of one's own uses the account's `aws/rds` key.
        self.kms_key_id = account_key(backend)
    self.SecondaryAvailabilityZone = second_zone(self)
    settle_storage(self)
    settle_insights(self, named)


def new_resource_id():
    return f"db-{mock_random.get_random_string(length=26).upper()}"


def account_key(backend):
    keys = notes_of(backend, "account_key")
    if "arn" not in keys:
        keys["arn"] = (
            f"arn:{backend.partition}:kms:{backend.region_name}:{backend.account_id}:key/{mock_random.uuid4()}"
        )
    return keys["arn"]


def second_zone(instance):
    if not instance.multi_az or not instance._db_subnet_group_name:
        return None
    zones = sorted(
        {subnet.availability_zone for subnet in instance.db_subnet_group._subnets} - {instance.availability_zone}
    )
    return zones[0] if zones else None


def check_family(backend, group_name, engine, version):
    if group_name not in backend.db_parameter_groups:
        raise DBParameterGroupNotFoundError(group_name)
    family = backend.db_parameter_groups[group_name].family
    if family != family_of(engine, version):
        refuse(
            "InvalidParameterCombination",
            f"The parameter group {group_name} with DBParameterGroupFamily {family} can't be used for this instance. Please use a parameter group with DBParameterGroupFamily {family_of(engine, version)}.",
        )


def settle_insights(instance, given):
    """Performance Insights, which moto forgets."""
    if given.get("enable_performance_insights") is not None:
        instance.PerformanceInsightsEnabled = bool(given["enable_performance_insights"])
    elif not hasattr(instance, "PerformanceInsightsEnabled"):
        instance.PerformanceInsightsEnabled = False
    if instance.PerformanceInsightsEnabled:
        before = getattr(instance, "PerformanceInsightsRetentionPeriod", None)
        key = getattr(instance, "PerformanceInsightsKMSKeyId", None)
        instance.PerformanceInsightsRetentionPeriod = given.get("performance_insights_retention_period") or before or 7
        instance.PerformanceInsightsKMSKeyId = (
            given.get("performance_insights_kms_key_id") or key or account_key(instance.backend)
        )
    else:
        instance.PerformanceInsightsRetentionPeriod = None
        instance.PerformanceInsightsKMSKeyId = None
    instance.DatabaseInsightsMode = given.get("database_insights_mode") or getattr(
        instance, "DatabaseInsightsMode", "standard"
    )


def check_insights_key(instance, given):
    """The key of Performance Insights stays as long as they are on.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PerfInsights.Enabling.html
    """
    wanted, before = given.get("performance_insights_kms_key_id"), instance.PerformanceInsightsKMSKeyId
    if instance.PerformanceInsightsEnabled and wanted and wanted != before:
        refuse("InvalidParameterCombination", "You cannot change your Performance Insights KMS key.")


def endpoint(instance):
    """An address of its own for each instance, with the zone that AWS adds. Not there before the instance is."""
    if instance.status == "creating":
        return None
    return {"Address": instance.address, "Port": instance.port, "HostedZoneId": "Z0LOCALACCOUNT"}


def address(instance):
    unique = instance.dbi_resource_id[3:15].lower()
    return f"{instance.db_instance_identifier}.{unique}.{instance.region}.rds.amazonaws.com"


DBInstance.endpoint = property(endpoint)
# Not the port that the database listens on: that is in the endpoint.
DBInstance.db_instance_port = property(lambda instance: 0)
DBInstance.address = property(address)


def connect(backend, instance):
    """One interface in the first subnet of its group, with the instance's security groups."""
    if not instance._db_subnet_group_name:
        return
    disconnect(backend, instance)
    interface = interfaces.attach(
        interfaces.network(backend),
        instance.db_subnet_group._subnets[0].id,
        instance.vpc_security_group_ids,
        "RDSNetworkInterface",
        "amazon-rds",
    )
    if interface is not None:
        notes_of(backend, "interfaces")[instance.dbi_resource_id] = interface.id


def disconnect(backend, instance):
    identifier = notes_of(backend, "interfaces").pop(instance.dbi_resource_id, None)
    interfaces.detach(interfaces.network(backend), [identifier])


@replace(RDSBackend, "create_db_instance")
def create_db_instance(original, self, db_kwargs):
    """`creating` until the next look."""
    if db_kwargs["db_instance_identifier"].lower() in {name.lower() for name in self.databases}:
        raise DBInstanceAlreadyExists()
    known = interfaces.network(self)
    for group in db_kwargs.get("vpc_security_group_ids") or []:
        if known.get_security_group_from_id(group) is None:
            refuse("InvalidParameterValue", f"Invalid security group, groupId= {group}, groupName=.")
    instance = original(self, db_kwargs)
    instance.status = "creating"
    connect(self, instance)
    send_logs(self, instance)
    return instance


def send_logs(backend, instance):
    """RDS makes the groups that it sends logs to where they are not there, without retention or tags.

    https://github.com/hashicorp/terraform-provider-aws/issues/5348
    """
    for log in instance.enabled_cloudwatch_logs_exports:
        logs = logs_backends[backend.account_id][backend.region_name]
        logs.ensure_log_group(f"/aws/rds/instance/{instance.db_instance_identifier}/{log}")


@replace(RDSResponse, "describe_db_instances")
def describe_db_instances(original, self):
    """Each look finds what was started before as done."""
    for instance in self.backend.databases.values():
        if instance.status in ("creating", "modifying", "rebooting"):
            instance.status = "available"
    return original(self)


@add(RDSResponse)
def describe_pending_maintenance_actions(self):
    """Nothing is announced for an instance that was made a moment ago. moto does not have the call.

    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribePendingMaintenanceActions.html
    """
    return ActionResult({"PendingMaintenanceActions": []})


# Changes


@replace(RDSBackend, "modify_db_instance")
def modify_db_instance(original, self, db_instance_identifier, db_kwargs):
    """Without ApplyImmediately most changes wait, and are shown as pending."""
    instance = self.describe_db_instances(db_instance_identifier)[0]
    changes = {name: value for name, value in dict(db_kwargs).items() if value is not None}
    now = bool(changes.get("apply_immediately"))
    if not set(changes) - NOT_A_CHANGE:
        refuse("InvalidParameterCombination", "No modifications were requested")
    if changes.get("engine_version"):
        changes["engine_version"] = checked_upgrade(instance, changes)
        if instance.db_parameter_group_name.startswith("default.") and "db_parameter_group_name" not in changes:
            changes["db_parameter_group_name"] = default_group_exists(self, instance.engine, changes["engine_version"])
    size = int(changes.get("allocated_storage") or instance.allocated_storage)
    if size < int(instance.allocated_storage):
        refuse(
            "InvalidParameterCombination",
            "Invalid storage size: the allocated storage of an instance cannot be reduced",
        )
    check_performance(instance, changes)
    if (changes.get("storage_type") or instance.storage_type) == "gp3":
        check_storage(size, changes.get("iops"), changes.get("storage_throughput"), instance.engine)
    role = changes.get("monitoring_role_arn", instance.monitoring_role_arn)
    interval = int(changes.get("monitoring_interval", instance.monitoring_interval) or 0)
    if interval and not role:
        refuse(
            "InvalidParameterCombination",
            "A MonitoringRoleARN value is required if you specify a MonitoringInterval value other than 0.",
        )
    group = changes.get("db_parameter_group_name")
    if group:
        check_family(self, group, instance.engine, changes.get("engine_version") or instance.engine_version)
        if group != instance.db_parameter_group_name:
            notes_of(self, "pending_reboot")[instance.db_instance_identifier] = True
    if now:
        # Changes that were left for the window are applied as well.
        # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ModifyInstance.ApplyImmediately.html
        pending = getattr(instance, "PendingModifiedValues", None) or {}
        changes = {name: pending[shown] for name, shown in DEFERRED.items() if shown in pending} | changes
        instance.PendingModifiedValues = None
    else:
        # A password does not wait: "This setting ignores the Apply immediately setting."
        # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ModifyInstance.Settings.html
        later = {DEFERRED[name]: changes.pop(name) for name in list(changes) if name in DEFERRED}
        instance.PendingModifiedValues = {**(getattr(instance, "PendingModifiedValues", None) or {}), **later}
    insights = {name: changes.pop(name) for name in list(changes) if "insights" in name}
    check_insights_key(instance, insights)
    if changes.get("db_port_number") is not None:
        # moto forgets it: the attribute has another name than the parameter.
        changes["port"] = int(changes.pop("db_port_number"))
    if changes.get("storage_type", instance.storage_type) != instance.storage_type or (
        int(instance.allocated_storage) < 400 <= int(changes.get("allocated_storage", 0))
    ):
        # The old type's figures do not carry over, nor does a baseline that is outgrown.
        instance.iops = None
        instance._storage_throughput = None
    if changes.get("max_allocated_storage") is not None and int(changes["max_allocated_storage"]) <= size:
        # The same size switches storage autoscaling off.
        changes["max_allocated_storage"] = size
    if "allocated_storage" in changes and size > instance._max_allocated_storage:
        instance._max_allocated_storage = size
    original(self, db_instance_identifier, changes)
    upgrade_replicas(self, instance)
    settle_storage(instance)
    settle_insights(instance, insights)
    if not interval:
        instance.monitoring_role_arn = None
    instance.SecondaryAvailabilityZone = second_zone(instance)
    if now:
        instance.status = "modifying"
    if "vpc_security_group_ids" in changes or "db_subnet_group_name" in changes:
        connect(self, instance)
    send_logs(self, instance)
    return instance


def checked_upgrade(instance, changes):
    """Versions only go up, and a new major version must be allowed."""
    version = resolved_version(instance.engine, changes["engine_version"])
    before, after = ([int(part) for part in text.split(".")] for text in (instance.engine_version, version))
    if after[0] == before[0] and changes["engine_version"].isdigit():
        return instance.engine_version
    if after < before:
        refuse(
            "InvalidParameterCombination",
            f"Cannot upgrade {instance.engine} from {instance.engine_version} to {version}",
        )
    if after[0] > before[0] and not changes.get("allow_major_version_upgrade"):
        refuse(
            "InvalidParameterCombination",
            "The AllowMajorVersionUpgrade flag must be present when upgrading to a new major version.",
        )
    return version


def upgrade_replicas(backend, source):
    """Replicas come along with a major upgrade of their source; a parameter group of the old family cannot.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_UpgradeDBInstance.PostgreSQL.MajorVersion.html
    """
    for name in source.replicas:
        replica = backend.databases.get(name)
        if replica is not None and family_of(replica.engine, replica.engine_version) != family_of(
            source.engine, source.engine_version
        ):
            replica.engine_version = source.engine_version
            replica.db_parameter_group_name = default_group_exists(backend, source.engine, source.engine_version)


@replace(RDSBackend, "reboot_db_instance")
def reboot_db_instance(original, self, db_instance_identifier):
    """Static parameters take effect now."""
    instance = original(self, db_instance_identifier)
    notes_of(self, "pending_reboot").pop(instance.db_instance_identifier, None)
    instance.status = "rebooting"
    return instance


# Replicas


@replace(RDSBackend, "create_db_instance_read_replica")
def create_db_instance_read_replica(original, self, db_kwargs):
    """A thing of its own: it inherits neither deletion protection nor tags, Multi-AZ, monitoring, backups, exported logs or
    logins by IAM.

    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstanceReadReplica.html
    """
    if db_kwargs["db_instance_identifier"].lower() in {name.lower() for name in self.databases}:
        raise DBInstanceAlreadyExists()
    source = self.find_db_from_id(db_kwargs["source_db_instance_identifier"])
    if not int(source.backup_retention_period):
        refuse(
            "InvalidDBInstanceState",
            f"Automated backups are not enabled for this database instance. To enable automated backups, use ModifyDBInstance to set the backup retention period to a non-zero value. (Service: {source.db_instance_identifier})",
        )
    given = {name: value for name, value in dict(db_kwargs).items() if value is not None}
    if given.get("db_parameter_group_name") and not source.engine.startswith(("oracle", "db2")):
        # Within a region, where a replica has the group of its source.
        refuse(
            "InvalidParameterCombination",
            f"A parameter group can't be specified during Read Replica creation for the following DB engine: {source.engine}",
        )
    replica = original(self, db_kwargs)
    replica.tags = given.get("tags") or []
    replica.created = replica.instance_create_time = utcnow()
    replica.dbi_resource_id = new_resource_id()
    replica.deletion_protection = bool(given.get("deletion_protection"))
    replica.multi_az = bool(given.get("multi_az"))
    replica.backup_retention_period = int(given.get("backup_retention_period") or 0)
    replica.monitoring_interval = int(given.get("monitoring_interval") or 0)
    replica.monitoring_role_arn = given.get("monitoring_role_arn")
    replica.publicly_accessible = bool(given.get("publicly_accessible"))
    replica.vpc_security_group_ids = given.get("vpc_security_group_ids") or list(source.vpc_security_group_ids)
    replica.enabled_cloudwatch_logs_exports = list(given.get("enable_cloudwatch_logs_exports") or [])
    replica.enable_iam_database_authentication = bool(given.get("enable_iam_database_authentication"))
    replica._associated_roles = []
    replica.PendingModifiedValues = None
    replica.PerformanceInsightsEnabled = False
    settle_insights(replica, given)
    replica.StatusInfos = [{"StatusType": "read replication", "Status": "replicating", "Normal": True}]
    replica.SecondaryAvailabilityZone = second_zone(replica)
    replica.status = "creating"
    connect(self, replica)
    send_logs(self, replica)
    return replica


@replace(RDSBackend, "promote_read_replica")
def promote_read_replica(original, self, db_kwargs):
    """Takes the replica out of its source's list, and keeps a day of backups unless told otherwise.

    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_PromoteReadReplica.html
    """
    replica = self.databases.get(db_kwargs["db_instance_identifier"])
    source = self.databases.get(replica.source_db_instance_identifier) if replica else None
    db_kwargs = {"backup_retention_period": 1} | {name: value for name, value in db_kwargs.items() if value is not None}
    promoted = original(self, db_kwargs)
    if source is not None and promoted.db_instance_identifier in source.replicas:
        source.remove_replica(promoted)
    promoted.source_db_instance_identifier = None
    promoted.StatusInfos = []
    return promoted


@replace(RDSBackend, "delete_db_instance")
def delete_db_instance(
    original,
    self,
    db_instance_identifier,
    final_db_snapshot_identifier=None,
    skip_final_snapshot=False,
    delete_automated_backups=True,
):
    """A final snapshot is named or declined; deleting a source makes its replicas instances of their own.

    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html
    """
    instance = self.databases.get(db_instance_identifier)
    if instance is not None:
        if skip_final_snapshot and final_db_snapshot_identifier:
            refuse(
                "InvalidParameterCombination",
                "FinalDBSnapshotIdentifier cannot be specified when SkipFinalSnapshot is enabled.",
            )
        if not instance.deletion_protection and not skip_final_snapshot:
            if instance.is_replica:
                refuse("InvalidParameterCombination", "Read replicas must be deleted with SkipFinalSnapshot.")
            if not final_db_snapshot_identifier:
                refuse(
                    "InvalidParameterCombination",
                    "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.",
                )
    deleted = original(
        self, db_instance_identifier, final_db_snapshot_identifier, skip_final_snapshot, delete_automated_backups
    )
    for name in deleted.replicas:
        replica = self.databases.get(name)
        if replica is not None:
            replica.is_replica = False
            replica.source_db_instance_identifier = None
            replica.StatusInfos = None
    disconnect(self, deleted)
    notes_of(self, "pending_reboot").pop(deleted.db_instance_identifier, None)
    return deleted


@replace(RDSBackend, "add_tags_to_resource")
def add_tags_to_resource(original, self, arn, tags):
    """A snapshot that is not there cannot be tagged; moto takes the tags and forgets them.

    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_AddTagsToResource.html
    """
    _, _, name = arn.partition(":snapshot:")
    if name and name not in self.database_snapshots:
        refuse("DBSnapshotNotFound", f"DBSnapshot {name} not found.")
    return original(self, arn, tags)
