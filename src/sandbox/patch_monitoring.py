"""CloudWatch alarms and dashboards, log groups, SNS topics and subscriptions, and the events of RDS that go to a topic."""

import base64
import json

from moto.cloudwatch.exceptions import ResourceNotFoundException, ValidationError
from moto.cloudwatch.models import Alarm, CloudWatchBackend, cloudwatch_backends
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult, PaginatedResult
from moto.logs.exceptions import ResourceNotFoundException as LogGroupNotFound
from moto.logs.models import LogsBackend
from moto.logs.responses import LogsResponse
from moto.rds.exceptions import RDSClientError, SubscriptionNotFoundError
from moto.rds.models import RDSBackend
from moto.rds.responses import RDSResponse
from moto.sns.exceptions import SNSException
from moto.sns.models import SNSBackend, sns_backends
from moto.sns.responses import SNSResponse

from patch_kms import check_log_group
from patching import add, replace

# CloudWatch

# Dashboards are the account's, whatever the region, and so are their tags.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_crossaccount_dashboard.html
HOME = "us-east-1"


def home_of(backend):
    return backend if backend.region_name == HOME else cloudwatch_backends[backend.account_id][HOME]


def set_dashboards(backend, dashboards):
    if backend.region_name == HOME:
        backend._global_dashboards = dashboards


CloudWatchBackend.dashboards = property(lambda self: home_of(self)._global_dashboards, set_dashboards)


def tagger_of(backend, arn):
    return home_of(backend).tagger if ":dashboard/" in arn else backend.tagger


@replace(CloudWatchBackend, "put_metric_alarm")
def put_metric_alarm(original, self, *arguments, **named):
    """Tags are honoured on creation only, and an update keeps the alarm's state.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    """
    before = self.alarms.get(named["name"])
    if before is not None:
        named["tags"] = None
    alarm: Alarm = original(self, *arguments, **named)
    if before is None:
        # A new alarm has seen no data yet; moto calls it OK.
        alarm.state_value = "INSUFFICIENT_DATA"
    else:
        for field in ("state_value", "state_reason", "state_reason_data", "state_updated_timestamp", "history"):
            setattr(alarm, field, getattr(before, field))
    return alarm


@replace(CloudWatchBackend, "delete_alarms")
def delete_alarms(original, self, alarm_names):
    """Tags go with the alarm; moto would give them to the next alarm of that name."""
    for name in alarm_names:
        if name in self.alarms:
            self.tagger.delete_all_tags_for_resource(self.alarms[name].alarm_arn)
    original(self, alarm_names)


@replace(CloudWatchResponse, "describe_alarms")
def describe_alarms(original, self):
    """Filters combine, the order is that of the names, and a page holds at most 100 (50 unless asked).

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
    """
    names = self._get_param("AlarmNames", [])
    prefix = self._get_param("AlarmNamePrefix")
    action_prefix = self._get_param("ActionPrefix")
    state = self._get_param("StateValue")
    kinds = self._get_param("AlarmTypes", []) or ["MetricAlarm"]
    after = self._get_param("NextToken")
    limit = self._get_int_param("MaxRecords", 50)
    if not 1 <= limit <= 100:
        raise ValidationError("MaxRecords must be between 1 and 100")

    found = []
    for alarm in sorted(self.cloudwatch_backend.alarms.values(), key=lambda alarm: alarm.name):
        kind = "MetricAlarm" if alarm.rule is None else "CompositeAlarm"
        if (
            kind in kinds
            and (not names or alarm.name in names)
            and (not prefix or alarm.name.startswith(prefix))
            and (not state or alarm.state_value == state)
            and (not action_prefix or any(action.startswith(action_prefix) for action in alarm.alarm_actions))
        ):
            found.append(alarm)
    if after:
        last = base64.urlsafe_b64decode(after).decode()
        found = [alarm for alarm in found if alarm.name > last]
    page = found[:limit]
    return ActionResult(
        {
            "MetricAlarms": [alarm for alarm in page if alarm.rule is None],
            "CompositeAlarms": [alarm for alarm in page if alarm.rule is not None],
            "NextToken": base64.urlsafe_b64encode(page[-1].name.encode()).decode() if len(found) > limit else None,
        }
    )


@replace(CloudWatchResponse, "put_dashboard")
def put_dashboard(original, self):
    """`Tags` of PutDashboard are honoured on creation only."""
    name = self._get_param("DashboardName")
    tags = self._get_param("Tags", [])
    is_new = name not in self.cloudwatch_backend.dashboards
    result = original(self)
    if is_new and tags:
        dashboard = self.cloudwatch_backend.dashboards[name]
        tagger_of(self.cloudwatch_backend, dashboard.arn).tag_resource(dashboard.arn, tags)
    return result


@replace(CloudWatchBackend, "delete_dashboards")
def delete_dashboards(original, self, dashboards):
    arns = [self.dashboards[name].arn for name in dashboards if name in self.dashboards]
    error = original(self, dashboards)
    if error is None:
        for arn in arns:
            tagger_of(self, arn).delete_all_tags_for_resource(arn)
    return error


def known_to_cloudwatch(backend, arn):
    """Alarms, dashboards and insight rules can be tagged, whether or not they have tags already."""
    if all(resource.arn != arn for resource in backend.iter_tagged_resources()):
        raise ResourceNotFoundException


@replace(CloudWatchBackend, "tag_resource")
def tag_alarm_or_dashboard(_original, self, arn, tags):
    known_to_cloudwatch(self, arn)
    tagger_of(self, arn).tag_resource(arn, self.tagger.convert_dict_to_tags_input(tags))


@replace(CloudWatchBackend, "untag_resource")
def untag_alarm_or_dashboard(_original, self, arn, tag_keys):
    known_to_cloudwatch(self, arn)
    tagger_of(self, arn).untag_resource_using_names(arn, tag_keys)


@replace(CloudWatchBackend, "list_tags_for_resource")
def list_tags_of_alarm_or_dashboard(_original, self, arn):
    known_to_cloudwatch(self, arn)
    return tagger_of(self, arn).get_tag_dict_for_resource(arn)


# CloudWatch Logs


@replace(LogsBackend, "delete_log_group")
def delete_log_group(original, self, log_group_name):
    """Tags and metric filters go with the group."""
    group = self.groups.get(log_group_name)
    original(self, log_group_name)
    self.tagger.delete_all_tags_for_resource(group.arn)
    kept = [one for one in self.filters.metric_filters if one["logGroupName"] != log_group_name]
    self.filters.metric_filters = kept


@replace(LogsBackend, "put_metric_filter")
def put_metric_filter(original, self, filter_name, filter_pattern, log_group_name, metric_transformations):
    """"Creates or updates a metric filter and associates it with the specified log group": moto adds a second one, to any group.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutMetricFilter.html
    """
    if log_group_name not in self.groups:
        raise LogGroupNotFound()
    self.filters.delete_filter(filter_name, log_group_name)
    original(self, filter_name, filter_pattern, log_group_name, metric_transformations)


def existing_group(backend, arn):
    """The Logs tag operations take the ARN without `:*`; a group that is not there is an error."""
    name = arn.split(":log-group:")[-1].removesuffix(":*")
    if ":log-group:" in arn and name not in backend.groups:
        raise LogGroupNotFound()
    return arn.removesuffix(":*")


@replace(LogsBackend, "tag_resource")
def tag_log_group(original, self, arn, tags):
    return original(self, existing_group(self, arn), tags)


@replace(LogsBackend, "untag_resource")
def untag_log_group(original, self, arn, tag_keys):
    return original(self, existing_group(self, arn), tag_keys)


@replace(LogsBackend, "list_tags_for_resource")
def list_tags_of_log_group(original, self, resource_arn):
    return original(self, existing_group(self, resource_arn))


@replace(LogsResponse, "describe_log_groups")
def describe_log_groups(original, self):
    """`logGroupIdentifiers` and `logGroupNamePattern` narrow the answer; moto would answer with every group.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html
    """
    identifiers = self._get_param("logGroupIdentifiers")
    pattern = self._get_param("logGroupNamePattern")
    if not identifiers and not pattern:
        return original(self)
    names = {identifier.split(":log-group:")[-1].removesuffix(":*") for identifier in identifiers or []}
    found = [
        group.to_describe_dict()
        for name, group in sorted(self.logs_backend.groups.items())
        if (not names or name in names) and (not pattern or pattern.lower() in name.lower())
    ]
    return json.dumps({"logGroups": found})


def group_of(response):
    """The group that a key request names, by its name or by its ARN."""
    identifier = response._get_param("resourceIdentifier") or ""
    name = response._get_param("logGroupName") or identifier.split(":log-group:")[-1].removesuffix(":*")
    if name not in response.logs_backend.groups:
        raise LogGroupNotFound()
    return response.logs_backend.groups[name]


@add(LogsResponse)
def associate_kms_key(self):
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_AssociateKmsKey.html"""
    group = group_of(self)
    check_log_group(self.current_account, self.region, self._get_param("kmsKeyId"), group.name)
    group.kms_key_id = self._get_param("kmsKeyId")
    return json.dumps({})


@add(LogsResponse)
def disassociate_kms_key(self):
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DisassociateKmsKey.html"""
    group_of(self).kms_key_id = None
    return json.dumps({})


# SNS


@replace(SNSBackend, "create_topic")
def create_topic(original, self, name, attributes=None, tags=None):
    """An existing topic is returned only when attributes and tags agree with it.

    https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html
    """
    arn = f"arn:{self.partition}:sns:{self.region_name}:{self.account_id}:{name}"
    existing = self.topics.get(arn)
    if existing is not None and tags is not None and dict(tags) != dict(existing._tags):
        raise SNSException(
            "InvalidParameter", "Invalid parameter: Tags Reason: Topic already exists with different tags"
        )
    return original(self, name, attributes, tags)


# A subscription of these protocols waits until its owner has followed a link.
CONFIRMED_BY_HAND = ("email", "email-json", "http", "https")


def is_pending(subscription):
    return subscription.protocol in CONFIRMED_BY_HAND and not subscription.confirmed


@replace(SNSResponse, "subscribe")
def subscribe(original, self):
    """Until it is confirmed, a subscription has no ARN to show, unless ReturnSubscriptionArn asks for the coming one.

    https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
    """
    result = original(self)
    subscription = self.backend.subscriptions[result.result["SubscriptionArn"]]
    if is_pending(subscription):
        subscription.attributes["PendingConfirmation"] = True
        subscription.attributes["ConfirmationWasAuthenticated"] = False
        if not self._get_bool_param("ReturnSubscriptionArn", False):
            result.result["SubscriptionArn"] = "pending confirmation"
    return result


def shown(subscription):
    return {
        "SubscriptionArn": "PendingConfirmation" if is_pending(subscription) else subscription.arn,
        "Owner": subscription.owner,
        "Protocol": subscription.protocol,
        "Endpoint": subscription.endpoint,
        "TopicArn": subscription.topic_arn,
    }


@replace(SNSResponse, "list_subscriptions")
def list_subscriptions(original, self):
    result = original(self)
    result.result["Subscriptions"] = [shown(item) for item in result.result["Subscriptions"]]
    return result


@replace(SNSResponse, "list_subscriptions_by_topic")
def list_subscriptions_by_topic(original, self):
    result = original(self)
    result.result["Subscriptions"] = [shown(item) for item in result.result["Subscriptions"]]
    return result


@replace(SNSResponse, "get_topic_attributes")
def get_topic_attributes(original, self):
    """Counts pending subscriptions, and leaves out what was never set."""
    result = original(self)
    attributes = result.result["Attributes"]
    mine = [item for item in self.backend.subscriptions.values() if item.topic.arn == attributes["TopicArn"]]
    pending = sum(1 for item in mine if is_pending(item))
    attributes["SubscriptionsPending"] = pending
    attributes["SubscriptionsConfirmed"] = len(mine) - pending
    if not attributes.get("DeliveryPolicy"):
        attributes.pop("DeliveryPolicy", None)
    return result


# Events of RDS

# The event categories of each kind of source.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.Messages.html
EVENT_CATEGORIES = {
    "db-instance": {
        "availability",
        "backup",
        "configuration change",
        "creation",
        "deletion",
        "failover",
        "failure",
        "low storage",
        "maintenance",
        "notification",
        "read replica",
        "recovery",
        "restoration",
        "security",
        "security patching",
    },
    "db-parameter-group": {"configuration change"},
    "db-security-group": {"configuration change", "failure"},
    "db-snapshot": {"creation", "deletion", "notification", "restoration"},
}


def sources(backend, kind):
    """The existing names; `None` for a kind that is not handled here."""
    kept = {
        "db-instance": backend.databases,
        "db-parameter-group": backend.db_parameter_groups,
        "db-security-group": backend.security_groups,
        "db-snapshot": backend.database_snapshots,
    }
    return {name.lower() for name in kept[kind]} if kind in kept else None


def refuse_event(code, message):
    raise RDSClientError(code, message)


def trouble_with(backend, arn):
    """The status of a subscription whose topic is not there, or does not let RDS publish.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.GrantingPermissions.html
    """
    topic = sns_backends[backend.account_id][backend.region_name].topics.get(arn)
    if topic is None:
        return "topic-not-exist"
    return None if lets_rds_publish(json.loads(topic.policy)) else "no-permission"


def check_topic(backend, arn):
    match trouble_with(backend, arn):
        case "topic-not-exist":
            refuse_event("SNSTopicArnNotFound", f"The SNS topic {arn} does not exist.")
        case "no-permission":
            refuse_event("SNSNoAuthorization", f"You do not have permission to publish to the SNS topic {arn}.")


def lets_rds_publish(policy):
    """AWS's own policy of a topic lets the whole account publish, and with it RDS."""
    statements = policy.get("Statement", [])
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal")
        principal = principal if isinstance(principal, dict) else {"AWS": principal}
        services, others = (as_list(principal.get(kind)) for kind in ("Service", "AWS"))
        actions = {action.lower() for action in as_list(statement.get("Action"))}
        if (
            statement.get("Effect") == "Allow"
            and ("events.rds.amazonaws.com" in services or "*" in others)
            and actions & {"sns:publish", "sns:*", "*"}
        ):
            return True
    return False


def as_list(value):
    return value if isinstance(value, list) else [] if value is None else [value]


def check_sources(backend, kind, identifiers, categories):
    if kind is None and (identifiers or categories):
        # The words are those of hashicorp/terraform-provider-aws#1817.
        refuse_event("InvalidParameterCombination", "If SourceType is null, Categories must also be null.")
    known = EVENT_CATEGORIES.get(kind)
    unknown = [name for name in categories or [] if known is not None and name not in known]
    if unknown:
        refuse_event("SubscriptionCategoryNotFound", f"The category {unknown[0]} does not exist for {kind}.")
    there = sources(backend, kind)
    for identifier in identifiers or []:
        if there is not None and identifier.lower() not in there:
            refuse_event("SourceNotFound", f"Could not find source :{identifier}")


def subscription_of(response):
    name = response.params["SubscriptionName"].lower()
    if name not in response.backend.event_subscriptions:
        raise SubscriptionNotFoundError(name)
    return response.backend.event_subscriptions[name]


@replace(RDSBackend, "create_event_subscription")
def create_event_subscription(original, self, kwargs):
    """The name and the sources are kept in lower case; it takes a moment until the subscription is active.

    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateEventSubscription.html
    """
    check_topic(self, kwargs["sns_topic_arn"])
    check_sources(self, kwargs.get("source_type"), kwargs.get("source_ids"), kwargs.get("event_categories"))
    enabled = kwargs.get("enabled")
    kwargs["subscription_name"] = kwargs["subscription_name"].lower()
    subscription = original(self, kwargs)
    subscription.source_ids = [identifier.lower() for identifier in subscription.source_ids or []]
    subscription.event_categories = list(subscription.event_categories or [])
    subscription.enabled = enabled is None or enabled
    subscription.customer_aws_id = self.account_id
    subscription.status = "creating"
    return subscription


@replace(RDSResponse, "describe_event_subscriptions")
def describe_event_subscriptions(_original, self):
    """A change that was under way is done by the next look at it. RDS finds out about the topic with its next event, of
    which there are none here; and it does not look again by itself.

    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_EventSubscription.html
    """
    if self.params.get("SubscriptionName"):
        found = [subscription_of(self)]
    else:
        found = list(self.backend.event_subscriptions.values())
    for subscription in found:
        if subscription.status in ("creating", "modifying"):
            subscription.status = "active"
        if subscription.status == "active":
            subscription.status = trouble_with(self.backend, subscription.sns_topic_arn) or "active"
    return PaginatedResult({"EventSubscriptionsList": found})


@add(RDSResponse)
def modify_event_subscription(self):
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyEventSubscription.html"""
    subscription = subscription_of(self)
    topic = self.params.get("SnsTopicArn") or subscription.sns_topic_arn
    kind = self.params.get("SourceType") or subscription.source_type
    categories = self.params.get("EventCategories")
    check_topic(self.backend, topic)
    check_sources(self.backend, kind, None, categories)
    subscription.sns_topic_arn = topic
    subscription.source_type = kind
    if categories is not None:
        subscription.event_categories = list(categories)
    if self.params.get("Enabled") is not None:
        subscription.enabled = self.params["Enabled"]
    subscription.status = "modifying"
    return ActionResult({"EventSubscription": subscription})


@add(RDSResponse)
def add_source_identifier_to_subscription(self):
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_AddSourceIdentifierToSubscription.html"""
    subscription = subscription_of(self)
    identifier = self.params["SourceIdentifier"].lower()
    check_sources(self.backend, subscription.source_type, [identifier], None)
    subscription.source_ids = sorted({*subscription.source_ids, identifier})
    subscription.status = "modifying"
    return ActionResult({"EventSubscription": subscription})


@add(RDSResponse)
def remove_source_identifier_from_subscription(self):
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_RemoveSourceIdentifierFromSubscription.html"""
    subscription = subscription_of(self)
    identifier = self.params["SourceIdentifier"].lower()
    if identifier not in subscription.source_ids:
        refuse_event("SourceNotFound", f"Could not find source :{identifier}")
    subscription.source_ids = [kept for kept in subscription.source_ids if kept != identifier]
    subscription.status = "modifying"
    return ActionResult({"EventSubscription": subscription})


@replace(RDSBackend, "delete_event_subscription")
def delete_event_subscription(original, self, subscription_name):
    """Names are the same in any case."""
    return original(self, subscription_name.lower())
