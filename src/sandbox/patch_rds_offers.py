"""What RDS offers to new instances: classes, storage types and features. moto has a list for Aurora alone.

Of a region nothing is known here: every region offers the same, to PostgreSQL.
"""

from moto.core.responses import PaginatedResult
from moto.rds.models import RDSBackend
from moto.rds.responses import RDSResponse

import interfaces
from patch_rds_groups import postgres_versions, refuse, resolved_version
from patching import replace

BURSTABLE = ("micro", "small", "medium", "large", "xlarge", "2xlarge")
GRAVITON = ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge")
INTEL = (*GRAVITON, "24xlarge")
LATER_INTEL = (*INTEL, "32xlarge")

# The sizes of each family. All of them take all versions of PostgreSQL that the local account has: the Graviton2 families
# want 12.7 or 13, the sixth generation of Intel 13.4, Graviton3 13.4. db.t2, db.m4 and db.r4 are closed to new instances.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.Support.html
SIZES = {
    "m5": INTEL,
    "m6g": GRAVITON,
    "m6i": LATER_INTEL,
    "m7g": GRAVITON,
    "r5": INTEL,
    "r6g": GRAVITON,
    "r6i": LATER_INTEL,
    "r7g": GRAVITON,
    "t3": BURSTABLE,
    "t4g": BURSTABLE,
}
CLASSES = [f"db.{family}.{size}" for family, sizes in SIZES.items() for size in sizes]

# The least and the most GiB of each storage type.
# https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html, AllocatedStorage
STORAGE = {
    "gp2": (20, 65536),
    "gp3": (20, 65536),
    "io1": (100, 65536),
    "io2": (100, 65536),
    "standard": (5, 3072),
}
LICENSE = "postgresql-license"


def option(engine_version, instance_class, storage_type, zones):
    """A row. PostgreSQL has Performance Insights in every class, unlike MySQL and MariaDB.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_DatabaseInsights.Engines.html
    """
    least, most = STORAGE[storage_type]
    return {
        "Engine": "postgres",
        "EngineVersion": engine_version,
        "DBInstanceClass": instance_class,
        "LicenseModel": LICENSE,
        "AvailabilityZones": [{"Name": zone} for zone in zones],
        "MultiAZCapable": True,
        "ReadReplicaCapable": True,
        "Vpc": True,
        "SupportsStorageEncryption": True,
        "StorageType": storage_type,
        "SupportsIops": storage_type in ("gp3", "io1", "io2"),
        "SupportsStorageThroughput": storage_type == "gp3",
        "SupportsEnhancedMonitoring": True,
        "SupportsIAMDatabaseAuthentication": True,
        "SupportsPerformanceInsights": True,
        "SupportsStorageAutoscaling": storage_type != "standard",
        "MinStorageSize": least,
        "MaxStorageSize": most,
        "SupportedEngineModes": ["provisioned"],
        "SupportedNetworkTypes": ["IPV4", "DUAL"],
        "OutpostCapable": False,
    }


@replace(RDSResponse, "describe_orderable_db_instance_options")
def describe_orderable_db_instance_options(original, self):
    """An exact version is asked for; one that is not there is an error, as in CreateDBInstance.

    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeOrderableDBInstanceOptions.html
    https://github.com/hashicorp/terraform-provider-aws/issues/21448
    """
    most = self.params.get("MaxRecords")
    if most is not None and not 20 <= int(most) <= 1000:
        # The reference says 10000: https://github.com/hashicorp/terraform-provider-aws/pull/37251
        refuse("InvalidParameterValue", f"Invalid value {most} for MaxRecords. Must be between 20 and 1000")
    if self.params.get("Engine") != "postgres":
        return original(self)
    versions, wanted = postgres_versions(), self.params.get("EngineVersion")
    if wanted is not None:
        if wanted not in versions:
            refuse("InvalidParameterCombination", f"Cannot find version {wanted} for postgres")
        versions = [wanted]
    wanted = self.params.get("DBInstanceClass")
    is_offered = self.params.get("Vpc") is not False and self.params.get("LicenseModel") in (None, LICENSE)
    classes = [name for name in CLASSES if wanted in (None, name)] if is_offered else []
    zones = [zone.name for zone in interfaces.network(self.backend).describe_availability_zones()]
    found = [option(version, name, kind, zones) for version in versions for name in classes for kind in STORAGE]
    return PaginatedResult({"OrderableDBInstanceOptions": found})


def check_class(engine, version, instance_class):
    if engine == "postgres" and instance_class not in CLASSES:
        version = resolved_version(engine, version)
        refuse(
            "InvalidParameterCombination",
            f"RDS does not support creating a DB instance with the following combination: DBInstanceClass={instance_class}, Engine={engine}, EngineVersion={version}, LicenseModel={LICENSE}. For supported combinations of instance class and database engine version, see the documentation.",
        )


@replace(RDSBackend, "create_db_instance")
def create_db_instance(original, self, db_kwargs):
    """https://github.com/aws-quickstart/quickstart-awx/issues/47"""
    if db_kwargs.get("db_cluster_identifier") is None:
        check_class(db_kwargs.get("engine"), db_kwargs.get("engine_version"), db_kwargs.get("db_instance_class"))
    return original(self, db_kwargs)


@replace(RDSBackend, "create_db_instance_read_replica")
def create_db_instance_read_replica(original, self, db_kwargs):
    """With the engine and the version of its source."""
    source = self.find_db_from_id(db_kwargs["source_db_instance_identifier"])
    wanted = db_kwargs.get("db_instance_class")
    if wanted:
        check_class(source.engine, source.engine_version, wanted)
    return original(self, db_kwargs)


@replace(RDSBackend, "modify_db_instance")
def modify_db_instance(original, self, db_instance_identifier, db_kwargs):
    """Another class has to fit the version as well."""
    wanted = db_kwargs.get("db_instance_class")
    instance = self.describe_db_instances(db_instance_identifier)[0]
    if wanted and wanted != instance.db_instance_class:
        check_class(instance.engine, instance.engine_version, wanted)
    return original(self, db_instance_identifier, db_kwargs)
