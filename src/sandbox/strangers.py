"""An account that others share: puts objects of others into this one, of every kind that is listed for the account as a whole.

For tests of the cost of a run beside them. moto's own operations make them, without a request each, which would take
minutes. Half of their names begin with the requested text: as those of a stack's sister in another environment, which are
much like its own.
"""

import os
from urllib.parse import parse_qsl

from moto.applicationautoscaling.models import FakeScalableTarget, applicationautoscaling_backends
from moto.cloudwatch.models import cloudwatch_backends
from moto.ec2.models import ec2_backends
from moto.ecr.models import ecr_backends
from moto.ecs.models import ecs_backends
from moto.elbv2.models import elbv2_backends
from moto.iam.models import iam_backends
from moto.logs.models import logs_backends
from moto.rds.models import rds_backends
from moto.s3.models import s3_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.sns.models import sns_backends
from moto.ssm.models import ssm_backends
from moto.wafv2.models import wafv2_backends

DOCUMENT = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:PutLogEvents","Resource":"*"}]}'
TRUST = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},'
    '"Action":"sts:AssumeRole"}]}'
)
DIMENSION = "ecs:service:DesiredCount"
TAGS = {"team": "payments"}
PAIRS = [{"Key": "team", "Value": "payments"}]

# The largest number of each kind that an account has, for kinds that are counted in thousands.
MOST = 10_000


def fill(query):
    """`each=2000&like=happyrobot-fde-demo&region=eu-south-2`: that number of each kind. Returns which kinds.

    Every other name begins with that text, the rest begin otherwise.
    """
    asked = dict(parse_qsl(query))
    count, region, likeness = min(int(asked["each"]), MOST), asked["region"], asked["like"]
    place = Place(region)
    for kind in KINDS:
        kind(place, [f"{likeness if number % 2 else 'theirs'}-{number:05}" for number in range(count)])
    return {"kinds": [kind.__name__ for kind in KINDS]}


class Place:
    def __init__(self, region):
        self.account, self.region = os.environ["MOTO_ACCOUNT_ID"], region
        ec2 = self.of(ec2_backends)
        self.vpc = ec2.create_vpc("10.99.0.0/16")
        zones = [zone.name for zone in ec2.describe_availability_zones()][:2]
        self.subnets = [
            ec2.create_subnet(self.vpc.id, f"10.99.{number}.0/24", availability_zone=zone)
            for number, zone in enumerate(zones)
        ]

    def of(self, backends):
        return backends[self.account][self.region]


def balancers(place, names):
    for name in names:
        place.of(elbv2_backends).create_load_balancer(
            name=name, security_groups=[], subnet_ids=[subnet.id for subnet in place.subnets], tags=PAIRS
        )


def target_groups(place, names):
    for name in names:
        place.of(elbv2_backends).create_target_group(
            name=name, protocol="HTTP", port=80, vpc_id=place.vpc.id, target_type="ip", tags=PAIRS
        )


def log_groups(place, names):
    # In the folder, and with the beginning, that the stack's own have.
    for name in names:
        place.of(logs_backends).create_log_group(f"/aws/ecs/containers-{name}", tags=dict(TAGS))


def roles(place, names):
    iam = iam_backends[place.account]["aws"]
    for name in names:
        role = iam.create_role(name, TRUST, "/", None, "theirs", PAIRS, "3600")
        role.put_policy("inline", DOCUMENT)


def policies(place, names):
    iam = iam_backends[place.account]["aws"]
    for name in names:
        iam.create_policy("theirs", "/", DOCUMENT, name, PAIRS)


def alarms(place, names):
    for name in names:
        place.of(cloudwatch_backends).put_metric_alarm(
            name=name,
            namespace="AWS/ECS",
            metric_name="CPUUtilization",
            comparison_operator="GreaterThanThreshold",
            evaluation_periods=1,
            period=60,
            threshold=80,
            statistic="Average",
            description="theirs",
            dimensions=[],
            alarm_actions=[],
            tags=PAIRS,
        )


def dashboards(place, names):
    for name in names:
        place.of(cloudwatch_backends).put_dashboard(name, '{"widgets":[]}')


def buckets(place, names):
    for name in names:
        s3_backends[place.account]["aws"].create_bucket(name, place.region)


def repositories(place, names):
    for name in names:
        place.of(ecr_backends).create_repository(name, None, None, {"scanOnPush": False}, "MUTABLE", PAIRS)


def web_acls(place, names):
    visibility = {"sampledRequestsEnabled": True, "cloudWatchMetricsEnabled": True, "metricName": "theirs"}
    for name in names:
        place.of(wafv2_backends).create_web_acl(
            name, visibility, {"Allow": {}}, "REGIONAL", "theirs", PAIRS, [], None, None, None, None, None
        )


def secrets(place, names):
    for name in names:
        place.of(secretsmanager_backends).create_secret(name, "theirs", None, None, PAIRS, None, None, [], False)


def parameters(place, names):
    for name in names:
        place.of(ssm_backends).put_parameter(
            f"/{name}", "", "theirs", "String", "", "", False, PAIRS, "text", "Standard", None
        )


def topics(place, names):
    for name in names:
        place.of(sns_backends).create_topic(name, tags=dict(TAGS))


def databases(place, names):
    backend = place.of(rds_backends)
    before = dict(backend.database_snapshots)
    for name in names:
        backend.create_db_instance(
            {
                "db_instance_identifier": name,
                "db_instance_class": "db.t3.micro",
                "engine": "postgres",
                "allocated_storage": 20,
                "master_username": "theirs",
                "master_user_password": "theirs-for-long",
                "tags": PAIRS,
            }
        )
        # moto makes a snapshot of each at once, and has room for a hundred.
        backend.database_snapshots.clear()
        backend.database_snapshots.update(before)


def parameter_groups(place, names):
    for name in names:
        place.of(rds_backends).create_db_parameter_group(
            {
                "db_parameter_group_name": name,
                "db_parameter_group_family": "postgres15",
                "description": "theirs",
                "tags": PAIRS,
            }
        )


def subnet_groups(place, names):
    for name in names:
        place.of(rds_backends).create_subnet_group(name, "theirs", place.subnets, PAIRS)


def clusters(place, names):
    for name in names:
        place.of(ecs_backends).create_cluster(name, [{"key": "team", "value": "payments"}])


def scalable_targets(place, names):
    backend = place.of(applicationautoscaling_backends)
    steps = [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}]
    body = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": steps}
    for name in names:
        # Their services are not needed for it.
        service = f"service/{name}/web"
        target = FakeScalableTarget(backend, "ecs", service, DIMENSION, 1, 3, "", None)
        backend._add_scalable_target(target)
        backend.put_scaling_policy("steps", "ecs", service, DIMENSION, body, "StepScaling")


def security_groups(place, names):
    # Without tags, and so are route tables: moto looks through all tags of EC2 for each object that a filter asks about.
    for name in names:
        place.of(ec2_backends).create_security_group(name, "theirs", vpc_id=place.vpc.id)


def route_tables(place, names):
    for _ in names:
        place.of(ec2_backends).create_route_table(place.vpc.id)


KINDS = [
    balancers,
    target_groups,
    log_groups,
    roles,
    policies,
    alarms,
    dashboards,
    buckets,
    repositories,
    web_acls,
    secrets,
    parameters,
    topics,
    databases,
    parameter_groups,
    subnet_groups,
    clusters,
    scalable_targets,
    security_groups,
    route_tables,
]
