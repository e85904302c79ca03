"""RDS subnet groups, parameter groups, engine versions, and the role that RDS has in an account."""

from moto.core.responses import ActionResult, PaginatedResult
from moto.ec2.exceptions import InvalidSubnetIdError
from moto.ec2.models import ec2_backends
from moto.iam.exceptions import EntityAlreadyExists, InvalidInput
from moto.iam.models import SERVICE_NAME_CONVERSION, IAMBackend
from moto.rds.exceptions import DBParameterGroupNotFoundError, DBSubnetGroupNotFoundError, RDSClientError
from moto.rds.models import DBInstance, DBParameterGroup, RDSBackend
from moto.rds.responses import RDSResponse

import interfaces
from patching import add, notes_of, replace


def refuse(code, message):
    raise RDSClientError(code, message)


# The service-linked role

SERVICE_NAME_CONVERSION["rds"] = "RDS"


@replace(IAMBackend, "create_service_linked_role")
def create_service_linked_role(original, self, *arguments):
    """An existing role means that the name is taken, which is said in other words than for other roles.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateServiceLinkedRole.html
    """
    try:
        return original(self, *arguments)
    except EntityAlreadyExists:
        raise InvalidInput("Service role name has been taken in this account, please try a different suffix.") from None


# Engine versions

# The minor versions of PostgreSQL that the local account offers; which ones a region has, changes from month to month.
POSTGRES_VERSIONS = {13: (7, 20), 14: (4, 17), 15: (2, 12), 16: (1, 8), 17: (1, 4)}
DEFAULT_MAJOR = 16


def postgres_versions():
    return [f"{major}.{minor}" for major, (low, high) in POSTGRES_VERSIONS.items() for minor in range(low, high + 1)]


def resolved_version(engine, version):
    """A major version alone means its latest minor version; an unknown one is refused."""
    if engine != "postgres":
        return version
    if not version:
        version = str(DEFAULT_MAJOR)
    if version in postgres_versions():
        return version
    if version.isdigit() and int(version) in POSTGRES_VERSIONS:
        return f"{version}.{POSTGRES_VERSIONS[int(version)][1]}"
    refuse("InvalidParameterCombination", f"Cannot find version {version} for {engine}")


def family_of(engine, version):
    return f"{engine}{version.split('.')[0]}" if engine == "postgres" else f"{engine}{'.'.join(version.split('.')[:2])}"


@add(RDSResponse)
def describe_db_engine_versions(self):
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBEngineVersions.html"""
    engine = self.params.get("Engine")
    wanted = self.params.get("EngineVersion")
    family = self.params.get("DBParameterGroupFamily")
    found = []
    if engine in (None, "postgres"):
        for version in postgres_versions():
            major, minor = (int(part) for part in version.split("."))
            if wanted and version != wanted and str(major) != wanted:
                continue
            if family and family != family_of("postgres", version):
                continue
            if self.params.get("DefaultOnly") and minor != POSTGRES_VERSIONS[major][1]:
                continue
            targets = [
                other for other in postgres_versions() if tuple(int(part) for part in other.split(".")) > (major, minor)
            ]
            found.append(
                {
                    "Engine": "postgres",
                    "EngineVersion": version,
                    "MajorEngineVersion": str(major),
                    "DBParameterGroupFamily": family_of("postgres", version),
                    "DBEngineDescription": "PostgreSQL",
                    "DBEngineVersionDescription": f"PostgreSQL {version}-R1",
                    "ValidUpgradeTarget": [
                        {
                            "Engine": "postgres",
                            "EngineVersion": other,
                            "Description": f"PostgreSQL {other}-R1",
                            "AutoUpgrade": False,
                            "IsMajorVersionUpgrade": not other.startswith(f"{major}."),
                        }
                        for other in targets
                    ],
                    "ExportableLogTypes": ["iam-db-auth-error", "postgresql", "upgrade"],
                    "SupportsLogExportsToCloudwatchLogs": True,
                    "SupportsReadReplica": True,
                    "Status": "available",
                }
            )
    return PaginatedResult({"DBEngineVersions": found})


# Subnet groups


def subnets_of(backend, ids):
    """They must exist, be of one VPC and cover two zones."""
    ec2 = ec2_backends[backend.account_id][backend.region_name]
    try:
        subnets = [ec2.get_subnet(identifier) for identifier in ids]
    except InvalidSubnetIdError:
        refuse(
            "InvalidSubnet",
            f"The requested subnet is invalid, or multiple subnets were requested that are not all in a common VPC: {list(ids)}",
        )
    if len({subnet.vpc_id for subnet in subnets}) > 1:
        refuse("InvalidSubnet", "The subnets are not all in a common VPC.")
    if len({subnet.availability_zone for subnet in subnets}) < 2:
        refuse(
            "DBSubnetGroupDoesNotCoverEnoughAZs",
            "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. Current AZ coverage: one. Add subnets to cover at least 2 AZs.",
        )
    return subnets


@replace(RDSResponse, "create_db_subnet_group")
def create_db_subnet_group(original, self):
    """A name that is taken is refused; moto overwrites the group."""
    name = self.params["DBSubnetGroupName"]
    if name in self.backend.subnet_groups:
        refuse("DBSubnetGroupAlreadyExists", f"The DB subnet group '{name}' already exists.")
    subnets_of(self.backend, self.params.get("SubnetIds", []))
    return original(self)


@replace(RDSResponse, "modify_db_subnet_group")
def modify_db_subnet_group(_original, self):
    """A subnet with a database in it stays; moto loses the whole group here."""
    backend = self.backend
    name = self.params["DBSubnetGroupName"]
    if name not in backend.subnet_groups:
        raise DBSubnetGroupNotFoundError(name)
    group = backend.subnet_groups[name]
    subnets = subnets_of(backend, self.params.get("SubnetIds", []))
    ec2 = interfaces.network(backend)
    for before in group._subnets:
        if before.id not in {subnet.id for subnet in subnets} and any(
            interface.description == "RDSNetworkInterface" for interface in interfaces.of_subnet(ec2, before.id)
        ):
            refuse("SubnetAlreadyInUse", f"The DB subnet {before.id} is already in use in the Availability Zone.")
    group.subnets = subnets
    group.vpc_id = subnets[0].vpc_id
    if self.params.get("DBSubnetGroupDescription") is not None:
        group.description = self.params["DBSubnetGroupDescription"]
    return ActionResult({"DBSubnetGroup": group})


@replace(RDSBackend, "delete_subnet_group")
def delete_subnet_group(original, self, subnet_name):
    """Refused while an instance uses it."""
    for database in self.databases.values():
        if (database._db_subnet_group_name or "").lower() == subnet_name.lower():
            refuse(
                "InvalidDBSubnetGroupStateFault",
                f"Cannot delete the subnet group '{subnet_name}' because at least one database instance: {database.db_instance_identifier} is still using it.",
            )
    return original(self, subnet_name)


# Parameter groups

# Parameters of PostgreSQL that take effect with a restart only; all others are taken for dynamic.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.PostgreSQL.CommonDBATasks.Parameters.html
STATIC_PARAMETERS = {
    "autovacuum_freeze_max_age",
    "autovacuum_max_workers",
    "huge_pages",
    "ignore_system_indexes",
    "max_connections",
    "max_files_per_process",
    "max_locks_per_transaction",
    "max_logical_replication_workers",
    "max_pred_locks_per_transaction",
    "max_prepared_transactions",
    "max_replication_slots",
    "max_wal_senders",
    "max_worker_processes",
    "pg_stat_statements.max",
    "rds.logical_replication",
    "shared_buffers",
    "shared_preload_libraries",
    "superuser_reserved_connections",
    "track_activity_query_size",
    "track_commit_timestamp",
    "wal_buffers",
}


# Truth values among them: RDS takes several words for one, and keeps `1` or `0`.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ParamValuesRef.html
BOOLEAN_PARAMETERS = {
    "autovacuum",
    "general_log",
    "innodb_file_per_table",
    "log_bin_trust_function_creators",
    "log_checkpoints",
    "log_connections",
    "log_disconnections",
    "log_duration",
    "log_lock_waits",
    "rds.force_ssl",
    "rds.logical_replication",
    "slow_query_log",
    "track_io_timing",
}
TRUTH = {"true": "1", "on": "1", "yes": "1", "false": "0", "off": "0", "no": "0"}


def engine_default(family, name):
    """Of the hundreds of defaults the one that differs by version: PostgreSQL insists on TLS from 15 on.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL.Concepts.General.SSL.html
    """
    if name == "rds.force_ssl" and family.startswith("postgres"):
        return {"ParameterValue": "1" if int(family.removeprefix("postgres").split(".")[0]) >= 15 else "0"}
    return {}


def data_type(name):
    return "boolean" if name in BOOLEAN_PARAMETERS else "string"


def apply_type(name):
    return "static" if name in STATIC_PARAMETERS else "dynamic"


def users_of(backend, group_name):
    return [
        database
        for database in backend.databases.values()
        if (database.db_parameter_group_name or "").lower() == group_name.lower()
    ]


def note_restart(backend, group_name, parameters):
    """A static change waits for the next restart of each instance that uses the group."""
    if any(parameter.get("ApplyMethod") == "pending-reboot" for parameter in parameters):
        for database in users_of(backend, group_name):
            notes_of(backend, "pending_reboot")[database.db_instance_identifier] = True


@replace(RDSBackend, "modify_db_parameter_group")
def modify_db_parameter_group(original, self, db_parameter_group_name, db_parameter_group_parameters):
    """At most 20 parameters a call, and a static one cannot be applied at once.

    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBParameterGroup.html
    """
    parameters = list(db_parameter_group_parameters)
    if db_parameter_group_name.startswith("default."):
        refuse("InvalidParameterValue", "Default parameter groups cannot be modified.")
    if len(parameters) > 20:
        refuse("InvalidParameterValue", "Cannot modify more than 20 parameters in one call")
    for parameter in parameters:
        if parameter.get("ApplyMethod") == "immediate" and apply_type(parameter["ParameterName"]) == "static":
            refuse(
                "InvalidParameterCombination",
                f"cannot use immediate apply method for static parameter (ParameterName: {parameter['ParameterName']})",
            )
        if data_type(parameter["ParameterName"]) == "boolean":
            value = parameter["ParameterValue"].lower()
            parameter["ParameterValue"] = TRUTH.get(value, value)
    group = original(self, db_parameter_group_name, parameters)
    note_restart(self, db_parameter_group_name, parameters)
    return group


@add(RDSResponse)
def reset_db_parameter_group(self):
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ResetDBParameterGroup.html"""
    name = self.params["DBParameterGroupName"]
    if name not in self.backend.db_parameter_groups:
        raise DBParameterGroupNotFoundError(name)
    group = self.backend.db_parameter_groups[name]
    parameters = [parameter.original_dict() for parameter in self.params.get("Parameters", [])]
    if not parameters and not self.params.get("ResetAllParameters"):
        refuse("InvalidParameterCombination", "Either ResetAllParameters or Parameters must be given.")
    if self.params.get("ResetAllParameters"):
        group.parameters.clear()
    for parameter in parameters:
        group.parameters.pop(parameter["ParameterName"], None)
    note_restart(self.backend, name, parameters)
    return ActionResult({"DBParameterGroupName": group.name})


@replace(RDSResponse, "describe_db_parameters")
def describe_db_parameters(_original, self):
    """The parameters that a user has set, and those requested by name; the hundreds of engine defaults are not listed.

    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBParameters.html
    """
    name = self.params["DBParameterGroupName"]
    if name not in self.backend.db_parameter_groups:
        raise DBParameterGroupNotFoundError(name)
    source = self.params.get("Source")
    family = self.backend.db_parameter_groups[name].family
    parameters = [
        {
            "ApplyMethod": "pending-reboot" if apply_type(parameter_name) == "static" else "immediate",
            "DataType": data_type(parameter_name),
            "IsModifiable": True,
            **values,
            "ParameterName": parameter_name,
            "ApplyType": apply_type(parameter_name),
            "Source": "user",
        }
        for parameter_name, values in sorted(self.backend.db_parameter_groups[name].parameters.items())
        if source in (None, "user")
    ]
    known = {parameter["ParameterName"] for parameter in parameters}
    for filtered in self.params.get("Filters") or []:
        if filtered["Name"] == "parameter-name":
            asked = set(filtered["Values"])
            parameters = [parameter for parameter in parameters if parameter["ParameterName"] in asked]
            if source in (None, "engine-default"):
                parameters += [
                    {
                        "ApplyMethod": "pending-reboot",
                        "ApplyType": apply_type(parameter_name),
                        "DataType": data_type(parameter_name),
                        "IsModifiable": True,
                        "ParameterName": parameter_name,
                        "Source": "engine-default",
                        **engine_default(family, parameter_name),
                    }
                    for parameter_name in sorted(asked - known)
                ]
    return PaginatedResult({"Parameters": parameters})


@replace(RDSBackend, "describe_db_parameter_groups")
def describe_db_parameter_groups(original, self, db_parameter_group_kwargs):
    """A group that is not there is an error; moto answers with nothing."""
    name = db_parameter_group_kwargs.get("db_parameter_group_name")
    if name and name not in self.db_parameter_groups:
        raise DBParameterGroupNotFoundError(name)
    return original(self, {**db_parameter_group_kwargs, "db_parameter_group_name": name.lower()} if name else {})


@replace(RDSBackend, "delete_db_parameter_group")
def delete_db_parameter_group(original, self, db_parameter_group_name):
    """Refused while an instance uses it."""
    if db_parameter_group_name.startswith("default."):
        refuse("InvalidParameterValue", "Default DBParameterGroup cannot be deleted.")
    if users_of(self, db_parameter_group_name):
        refuse(
            "InvalidDBParameterGroupState",
            f"One or more database instances are still members of this parameter group {db_parameter_group_name}, so the group cannot be deleted",
        )
    return original(self, db_parameter_group_name)


def default_group_details(instance):
    family = family_of(instance.engine, instance.engine_version)
    return family, f"default.{family}"


def groups_with_status(instance):
    group = instance.db_parameter_groups()[0]
    pending = notes_of(instance.backend, "pending_reboot").get(instance.db_instance_identifier)
    return [{"DBParameterGroupName": group.name, "ParameterApplyStatus": "pending-reboot" if pending else "in-sync"}]


DBInstance.default_db_parameter_group_details = default_group_details
DBInstance.db_parameter_group_status_list = property(groups_with_status)


def default_group_exists(backend, engine, version):
    """Makes the default group of a version, as AWS does when the first instance of its family is made."""
    family = family_of(engine, version)
    name = f"default.{family}"
    if name not in backend.db_parameter_groups:
        backend.db_parameter_groups[name] = DBParameterGroup(
            backend=backend,
            db_parameter_group_name=name,
            description=f"Default parameter group for {family}",
            db_parameter_group_family=family,
        )
    return name
