"""Flow logs: the checks of AWS before it makes one, and the fields that it keeps.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html
"""

from moto.ec2.exceptions import FlowLogAlreadyExists
from moto.ec2.models import EC2Backend
from moto.ec2.models.flow_logs import FlowLogs
from moto.ec2.responses import EC2Response
from moto.ec2.utils import random_flow_log_id
from moto.iam.models import iam_backends
from moto.logs.models import logs_backends
from moto.s3.models import s3_backends

from patch_ec2 import idempotent, paged, refuse
from patching import replace

SERVICE = "vpc-flow-logs.amazonaws.com"

# https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
FORMAT = (
    "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes}"
    " ${start} ${end} ${action} ${log-status}"
)

# The options that AWS writes into one that goes to a bucket: go-to-k/cdk-real-drift#1632.
OPTIONS = {"FileFormat": "plain-text", "HiveCompatiblePartitions": False, "PerHourPartition": False}

FlowLogs.destination_options = None


def may_be_assumed(ec2, arn):
    roles = iam_backends[ec2.account_id][ec2.partition].roles.values()
    return any(role.arn == arn and SERVICE in str(role.assume_role_policy_document) for role in roles)


@replace(EC2Response, "create_flow_logs")
def create_flow_logs(original, self):
    """A role that cannot be assumed is refused, and so is a role for a bucket, and options of files for a log group.

    hashicorp/terraform-provider-aws#29323, aws-samples/aws-secure-environment-accelerator#1111,
    terraform-aws-modules/terraform-aws-vpc#703
    """
    to_bucket = self._get_param("LogDestinationType") == "s3"
    role = self._get_param("DeliverLogsPermissionArn")
    options = self._get_param("DestinationOptions")
    if not self._get_param("TrafficType"):
        refuse(
            "InvalidParameter",
            "traffic-type is required when the resource-type is VPC, Subnet or NetworkInterface",
        )
    if to_bucket and role:
        refuse("InvalidParameter", "DeliverLogsPermissionArn is not applicable for s3 delivery")
    if not to_bucket and options:
        refuse("InvalidParameter", "DestinationOptions is not applicable for cloud-watch-logs delivery")
    if not to_bucket and role and not may_be_assumed(self.ec2_backend, role):
        refuse("InvalidParameter", f"Unable to assume given IAM role: '{role}'")
    result = original(self)
    for identifier in result.result["FlowLogIds"]:
        if to_bucket:
            self.ec2_backend.flow_logs[identifier].destination_options = {**OPTIONS, **(options or {})}
    return result


@replace(EC2Backend, "create_flow_logs")
def make_flow_logs(
    _original,
    self,
    resource_type,
    resource_ids,
    traffic_type,
    deliver_logs_permission_arn,
    log_destination_type,
    log_destination,
    log_group_name,
    log_format,
    max_aggregation_interval,
):
    """Any number of one resource, but no two that are alike; a bucket may have a folder behind it.

    moto takes no second one with the same destination, and knows a log group by its name alone.
    """
    kind = log_destination_type or "cloud-watch-logs"
    interval = max_aggregation_interval or 600
    self._validate_request(log_group_name, log_destination, kind, interval, deliver_logs_permission_arn)
    look_up = {"VPC": self.get_vpc, "Subnet": self.get_subnet, "NetworkInterface": self.get_network_interface}
    made, failed = [], []
    for resource in resource_ids:
        look_up[resource_type](resource)
        bucket = log_destination.split(":", 5)[5].split("/")[0] if kind == "s3" else None
        if bucket and bucket not in s3_backends[self.account_id][self.partition].buckets:
            failed.append((resource, "400", f"LogDestination: {bucket} does not exist."))
            continue
        flow_log = FlowLogs(
            self,
            random_flow_log_id(),
            resource,
            traffic_type,
            log_destination,
            log_group_name,
            deliver_logs_permission_arn,
            interval,
            kind,
            log_format or FORMAT,
        )
        if any(identity(other) == identity(flow_log) for other in self.flow_logs.values()):
            raise FlowLogAlreadyExists()
        if not bucket and group_of(flow_log) not in logs_backends[self.account_id][self.region_name].groups:
            flow_log.deliver_logs_status = "FAILED"
            flow_log.deliver_logs_error_message = "Access error"
        self.flow_logs[flow_log.id] = flow_log
        made.append(flow_log)
    return made, failed


def identity(flow_log):
    destination = flow_log.log_destination or flow_log.log_group_name
    return flow_log.resource_id, destination, flow_log.traffic_type, flow_log.log_format


def group_of(flow_log):
    return flow_log.log_group_name or flow_log.log_destination.split(":log-group:")[-1].removesuffix(":*")


idempotent("create_flow_logs", "FlowLogIds", lambda ec2, made: all(identifier in ec2.flow_logs for identifier in made))
paged("describe_flow_logs", "FlowLogs", "FlowLogIds")
