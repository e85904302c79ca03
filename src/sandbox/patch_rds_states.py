"""States of RDS instances that no call brings about, the refusals of RDS in them, and names that it keeps for itself.

A tag `sandbox:status` puts an instance into a state, for what cannot be had otherwise: `failed`, `upgrading`, a word that AWS
may add one day. It stays there until the tag is taken away.
"""

from moto.rds.models import DBInstance, RDSBackend

import patch_rds  # noqa: F401  what is patched here is patched there before
from patch_rds_groups import refuse
from patching import replace, tag_dict

STATUS_TAG = "sandbox:status"

# RDS can delete these only without a final snapshot.
# https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html
WITHOUT_SNAPSHOT = ("failed", "incompatible-restore", "incompatible-network")

# The states in which an instance can be changed. In others AWS says "not in available state".
# https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html
CHANGEABLE = ("available", "storage-optimization", "storage-full", "storage-initialization")

# Of the words that RDS refuses as the name of a database: those that a stack is likely to have.
# https://www.postgresql.org/docs/current/sql-keywords-appendix.html
RESERVED = {
    "postgres": {"all", "admin", "default", "group", "order", "rdsadmin", "select", "table", "template0", "user", "with"},
    "mysql": {"group", "groups", "information_schema", "innodb", "key", "mysql", "order", "performance_schema", "sys", "table"},
}
# https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
RESERVED_USERS = {
    "postgres": {"admin", "rdsadmin", "rdsrepladmin", "public", "user", "table"},
    "mysql": {"rdsadmin", "root"},
}


def shown_status(instance):
    return tag_dict(getattr(instance, "tags", None)).get(STATUS_TAG) or instance.__dict__.get("status")


def set_status(instance, value):
    instance.__dict__["status"] = value


DBInstance.status = property(shown_status, set_status)


@replace(RDSBackend, "create_db_instance")
def create_db_instance(original, self, db_kwargs):
    """The engine's name may have capitals, and its reserved words cannot be names.

    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
    """
    engine = str(db_kwargs.get("engine") or "").lower()
    if engine:
        db_kwargs["engine"] = engine
    for given, property_name, reserved in (
        (db_kwargs.get("db_name"), "DBName", RESERVED),
        (db_kwargs.get("master_username"), "MasterUsername", RESERVED_USERS),
    ):
        if given and given.lower() in reserved.get(engine, ()):
            refuse(
                "InvalidParameterValue",
                f"{property_name} {given} cannot be used as it is a reserved word for this engine",
            )
    return original(self, db_kwargs)


@replace(RDSBackend, "modify_db_instance")
def modify_db_instance(original, self, db_instance_identifier, db_kwargs):
    """An instance that is stopped, or that AWS is at work on, is not changed."""
    instance = self.describe_db_instances(db_instance_identifier)[0]
    if instance.status in ("creating", "modifying", "rebooting") or instance.status in CHANGEABLE:
        return original(self, db_instance_identifier, db_kwargs)
    refuse("InvalidDBInstanceState", "Database instance is not in available state.")


@replace(RDSBackend, "delete_db_instance")
def delete_db_instance(
    original,
    self,
    db_instance_identifier,
    final_db_snapshot_identifier=None,
    skip_final_snapshot=False,
    delete_automated_backups=True,
):
    """A failed instance leaves no final snapshot."""
    instance = self.databases.get(db_instance_identifier)
    if instance is not None and not skip_final_snapshot and instance.status in WITHOUT_SNAPSHOT:
        refuse(
            "InvalidDBInstanceState",
            f"Cannot create a snapshot because the database instance {db_instance_identifier} is not currently in the available state.",
        )
    return original(
        self, db_instance_identifier, final_db_snapshot_identifier, skip_final_snapshot, delete_automated_backups
    )
