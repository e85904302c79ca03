"""Handlers for queues, topics, rules of events, streams and metric filters, which stand in moto."""

import json

from calling import Failure, document
from cloudcontrol_standing import Standing, differs, mapped, only, own_pairs, pairs, tag_changes
from cloudcontrol_store import key_arn

# moto's limit is that of before 2025, when the one of AWS became 1 MiB.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
SIZE, MOTO_SIZE = 1048576, 262144


def said(value):
    """A value as an attribute, which is a text."""
    return json.dumps(value) if isinstance(value, (bool, dict)) else str(value)


class Queue(Standing):
    """Numbers are read as texts, keys as ARNs. Taking out encryption or the size of messages changes nothing."""

    BESIDE = ("MaximumMessageSize", "RedriveAllowPolicy", "KmsDataKeyReusePeriodSeconds")
    NUMBERS = {
        "DelaySeconds": 0,
        "MaximumMessageSize": None,
        "MessageRetentionPeriod": 345600,
        "ReceiveMessageWaitTimeSeconds": 0,
        "VisibilityTimeout": 30,
    }
    FIFO = ("ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit")

    def url(self, name):
        return f"https://sqs.{self.call.region}.amazonaws.com/{self.call.account}/{name}"

    def attributes(self, model):
        names = [*self.NUMBERS, *self.FIFO, "FifoQueue", "SqsManagedSseEnabled", "RedrivePolicy"]
        found = {name: said(value) for name, value in only(model, *names).items()}
        if "MaximumMessageSize" in found:
            found["MaximumMessageSize"] = str(min(int(found["MaximumMessageSize"]), MOTO_SIZE))
        if model.get("KmsMasterKeyId"):
            found["KmsMasterKeyId"] = key_arn(self.call.account, self.call.region, model["KmsMasterKeyId"])
        if model.get("KmsDataKeyReusePeriodSeconds"):
            found["KmsDataKeyReusePeriodSeconds"] = said(model["KmsDataKeyReusePeriodSeconds"])
        return found

    def create(self, model):
        model = self.named(model, "QueueName")
        name = model["QueueName"]
        if model.get("FifoQueue") and not name.endswith(".fifo"):
            name = model["QueueName"] = f"{name}.fifo"
        keys = {"QueueUrl": self.url(name)}
        if self.exists(keys):
            raise self.taken(keys["QueueUrl"])
        # There is no attribute that says that a queue is none of the other kind.
        attributes = {name: value for name, value in self.attributes(model).items() if (name, value) != ("FifoQueue", "false")}
        self.call("sqs", "CreateQueue", QueueName=name, Attributes=attributes, tags=mapped(model.get("Tags")))
        self.keep_beside(keys, model)
        return keys

    def keep_beside(self, keys, model):
        super().keep_beside(keys, model)
        kept = self.beside[keys["QueueUrl"]]
        # What moto can hold is moto's to say.
        if int(kept.get("MaximumMessageSize", 0)) <= MOTO_SIZE:
            kept.pop("MaximumMessageSize", None)
        if "KmsMasterKeyId" in model:
            kept.pop("KmsDataKeyReusePeriodSeconds", None)

    def look(self, keys):
        url = keys["QueueUrl"]
        found = self.call("sqs", "GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])["Attributes"]
        model = {"QueueUrl": url, "QueueName": url.rsplit("/", 1)[-1], "Arn": found["QueueArn"]}
        model |= only(found, *self.NUMBERS, "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds")
        if model["MaximumMessageSize"] == str(MOTO_SIZE):
            model["MaximumMessageSize"] = str(self.beside.get(url, {}).get("MaximumMessageSize", SIZE))
        model["SqsManagedSseEnabled"] = "KmsMasterKeyId" not in found and found.get("SqsManagedSseEnabled", "true") == "true"
        if found.get("FifoQueue") == "true":
            model["FifoQueue"] = True
            model["ContentBasedDeduplication"] = found.get("ContentBasedDeduplication") == "true"
            model |= only(found, "DeduplicationScope", "FifoThroughputLimit")
        if found.get("RedrivePolicy"):
            model["RedrivePolicy"] = document(found["RedrivePolicy"])
        tags = self.call("sqs", "ListQueueTags", QueueUrl=url).get("Tags") or {}
        return {**model, "Tags": own_pairs(tags)}

    def read(self, keys):
        model = super().read(keys)
        if "MaximumMessageSize" in model:
            model["MaximumMessageSize"] = str(model["MaximumMessageSize"])
        return model

    def update(self, keys, before, after):
        url = keys["QueueUrl"]
        wanted = {**after}
        for name, usual in self.NUMBERS.items():
            if name in before and name not in after and usual is not None:
                wanted[name] = usual
        if "RedrivePolicy" in before and "RedrivePolicy" not in after:
            wanted["RedrivePolicy"] = {}
        changed = {name: value for name, value in wanted.items() if name not in before or before[name] != value}
        attributes = self.attributes(changed)
        if attributes:
            self.call("sqs", "SetQueueAttributes", QueueUrl=url, Attributes=attributes)
        tags, gone = tag_changes(before.get("Tags"), after.get("Tags"))
        if tags:
            self.call("sqs", "TagQueue", QueueUrl=url, Tags=tags)
        if gone:
            self.call("sqs", "UntagQueue", QueueUrl=url, TagKeys=gone)
        self.keep_beside(keys, {**only(before, "MaximumMessageSize"), **after})

    def delete(self, keys):
        self.look(keys)
        self.call("sqs", "DeleteQueue", QueueUrl=keys["QueueUrl"])

    def list(self):
        urls = self.call("sqs", "ListQueues", MaxResults=1000).get("QueueUrls", [])
        return [{"QueueUrl": self.url(url.rsplit("/", 1)[-1])} for url in urls]


class Topic(Standing):
    """The model of a topic lists all of its subscriptions, those of other callers included."""

    BESIDE = (
        "ArchivePolicy",
        "DataProtectionPolicy",
        "DeliveryStatusLogging",
        "FifoThroughputScope",
        "MaximumMessageSize",
        "SignatureVersion",
        "TracingConfig",
    )
    ATTRIBUTES = ("DisplayName", "KmsMasterKeyId", "FifoTopic", "ContentBasedDeduplication")

    def create(self, model):
        model = self.named(model, "TopicName")
        name = model["TopicName"]
        if model.get("FifoTopic") and not name.endswith(".fifo"):
            name = f"{name}.fifo"
        keys = {"TopicArn": self.call.arn("sns", name)}
        if self.exists(keys):
            raise self.taken(keys["TopicArn"])
        attributes = {name: said(value) for name, value in only(model, *self.ATTRIBUTES).items() if value not in ("", False)}
        self.call("sns", "CreateTopic", Name=name, Attributes=attributes, Tags=model.get("Tags"))
        self.subscribe(keys, model.get("Subscription"))
        self.keep_beside(keys, model)
        return keys

    def subscribe(self, keys, wanted):
        arn = keys["TopicArn"]
        present = self.call("sns", "ListSubscriptionsByTopic", TopicArn=arn).get("Subscriptions", [])
        known = [(found["Protocol"], found["Endpoint"]) for found in present]
        wanted = [(found["Protocol"], found["Endpoint"]) for found in wanted or []]
        for protocol, endpoint in wanted:
            if (protocol, endpoint) not in known:
                self.call("sns", "Subscribe", TopicArn=arn, Protocol=protocol, Endpoint=endpoint)
        for found in present:
            # One that waits for its confirmation cannot be removed.
            if (found["Protocol"], found["Endpoint"]) not in wanted and found["SubscriptionArn"].startswith("arn:"):
                self.call("sns", "Unsubscribe", SubscriptionArn=found["SubscriptionArn"])

    def look(self, keys):
        arn = keys["TopicArn"]
        found = self.call("sns", "GetTopicAttributes", TopicArn=arn)["Attributes"]
        model = {"TopicArn": arn, "TopicName": arn.rsplit(":", 1)[-1], "DisplayName": found.get("DisplayName") or None}
        model["KmsMasterKeyId"] = found.get("KmsMasterKeyId")
        if found.get("FifoTopic") == "true":
            model["FifoTopic"] = True
            model["ContentBasedDeduplication"] = found.get("ContentBasedDeduplication") == "true"
        present = self.call("sns", "ListSubscriptionsByTopic", TopicArn=arn).get("Subscriptions", [])
        model["Subscription"] = [only(entry, "Protocol", "Endpoint") for entry in present] or None
        tags = self.call("sns", "ListTagsForResource", ResourceArn=arn).get("Tags")
        return {**model, "Tags": tags or None}

    def update(self, keys, before, after):
        arn = keys["TopicArn"]
        for name in ("DisplayName", "KmsMasterKeyId", "ContentBasedDeduplication"):
            if differs(before, after, name):
                value = said(after.get(name, ""))
                self.call("sns", "SetTopicAttributes", TopicArn=arn, AttributeName=name, AttributeValue=value)
        if differs(before, after, "Subscription"):
            self.subscribe(keys, after.get("Subscription"))
        tags, gone = tag_changes(before.get("Tags"), after.get("Tags"))
        if tags:
            self.call("sns", "TagResource", ResourceArn=arn, Tags=pairs(tags))
        if gone:
            self.call("sns", "UntagResource", ResourceArn=arn, TagKeys=gone)
        self.keep_beside(keys, after)

    def delete(self, keys):
        self.look(keys)
        self.call("sns", "DeleteTopic", TopicArn=keys["TopicArn"])

    def list(self):
        return [only(topic, "TopicArn") for topic in self.call("sns", "ListTopics").get("Topics", [])]


class Rule(Standing):
    """The pattern is a text both ways, though the schema has an object, too."""

    def names(self, keys):
        parts = keys["Arn"].split(":rule/", 1)[-1].split("/")
        return {"Name": parts[-1], "EventBusName": parts[0] if len(parts) > 1 else "default"}

    def put(self, names, model):
        pattern = model.get("EventPattern")
        if pattern is not None and not isinstance(pattern, str):
            message = "Parameter EventPattern is not valid: a text is expected"
            raise Failure("events", "ValidationException", message, 400)
        self.call(
            "events",
            "PutRule",
            **names,
            **only(model, "Description", "RoleArn", "ScheduleExpression", "State"),
            EventPattern=pattern,
        )

    def create(self, model):
        model = self.named(model, "Name")
        bus = model.get("EventBusName", "default").rsplit("/", 1)[-1]
        names = {"Name": model["Name"], "EventBusName": bus}
        keys = {"Arn": self.call.arn("events", f"rule/{'' if bus == 'default' else f'{bus}/'}{model['Name']}")}
        if self.exists(keys):
            raise self.taken(keys["Arn"])
        self.put(names, model)
        if model.get("Tags"):
            self.call("events", "TagResource", ResourceARN=keys["Arn"], Tags=model["Tags"])
        if model.get("Targets"):
            self.call("events", "PutTargets", Rule=names["Name"], EventBusName=bus, Targets=model["Targets"])
        return keys

    def look(self, keys):
        names = self.names(keys)
        found = self.call("events", "DescribeRule", **names)
        targets = self.call("events", "ListTargetsByRule", Rule=names["Name"], EventBusName=names["EventBusName"])["Targets"]
        tags = self.call("events", "ListTagsForResource", ResourceARN=keys["Arn"])["Tags"]
        wanted = ("Name", "Description", "EventPattern", "ScheduleExpression", "State", "RoleArn")
        return {
            "Arn": keys["Arn"],
            "RuleName": names["Name"],
            "EventBusName": names["EventBusName"],
            **{name: value for name, value in only(found, *wanted).items() if value},
            "Targets": targets or None,
            "Tags": tags or None,
        }

    def update(self, keys, before, after):
        names = self.names(keys)
        self.put(names, after)
        kept = {target["Id"] for target in after.get("Targets", [])}
        gone = [target["Id"] for target in before.get("Targets", []) if target["Id"] not in kept]
        if gone:
            self.call("events", "RemoveTargets", Rule=names["Name"], EventBusName=names["EventBusName"], Ids=gone)
        if after.get("Targets"):
            self.call("events", "PutTargets", Rule=names["Name"], EventBusName=names["EventBusName"], Targets=after["Targets"])
        tags, gone = tag_changes(before.get("Tags"), after.get("Tags"))
        if tags:
            self.call("events", "TagResource", ResourceARN=keys["Arn"], Tags=pairs(tags))
        if gone:
            self.call("events", "UntagResource", ResourceARN=keys["Arn"], TagKeys=gone)

    def delete(self, keys):
        names = self.names(keys)
        targets = self.look(keys)["Targets"] or []
        if targets:
            ids = [target["Id"] for target in targets]
            self.call("events", "RemoveTargets", Rule=names["Name"], EventBusName=names["EventBusName"], Ids=ids)
        self.call("events", "DeleteRule", **names)

    def list(self):
        return [only(rule, "Arn") for rule in self.call("events", "ListRules").get("Rules", [])]


class Stream(Standing):
    BESIDE = ("MaxRecordSizeInKiB", "RecordDistributionStrategy", "WarmThroughputObject")

    def create(self, model):
        model = self.named(model, "Name")
        name = model["Name"]
        mode = model.get("StreamModeDetails", {"StreamMode": "PROVISIONED"})
        shards = model.get("ShardCount", 1) if mode["StreamMode"] == "PROVISIONED" else None
        self.call("kinesis", "CreateStream", StreamName=name, ShardCount=shards, StreamModeDetails=mode)
        keys = {"Name": name}
        self.apply(keys, {"RetentionPeriodHours": 24}, model)
        self.keep_beside(keys, model)
        return keys

    def apply(self, keys, before, after):
        name = keys["Name"]
        old, new = before.get("RetentionPeriodHours", 24), after.get("RetentionPeriodHours", 24)
        if old != new:
            operation = f"{'Increase' if new > old else 'Decrease'}StreamRetentionPeriod"
            self.call("kinesis", operation, StreamName=name, RetentionPeriodHours=new)
        encryption = after.get("StreamEncryption")
        if differs(before, after, "StreamEncryption"):
            operation = "StartStreamEncryption" if encryption else "StopStreamEncryption"
            self.call("kinesis", operation, StreamName=name, **(encryption or before["StreamEncryption"]))
        metrics = "DesiredShardLevelMetrics"
        gone = [metric for metric in before.get(metrics, []) if metric not in after.get(metrics, [])]
        if gone:
            self.call("kinesis", "DisableEnhancedMonitoring", StreamName=name, ShardLevelMetrics=gone)
        if after.get(metrics) and differs(before, after, metrics):
            self.call("kinesis", "EnableEnhancedMonitoring", StreamName=name, ShardLevelMetrics=after[metrics])
        tags, gone = tag_changes(before.get("Tags"), after.get("Tags"))
        if tags:
            self.call("kinesis", "AddTagsToStream", StreamName=name, Tags=tags)
        if gone:
            self.call("kinesis", "RemoveTagsFromStream", StreamName=name, TagKeys=gone)

    def look(self, keys):
        name = keys["Name"]
        found = self.call("kinesis", "DescribeStreamSummary", StreamName=name)["StreamDescriptionSummary"]
        tags = self.call("kinesis", "ListTagsForStream", StreamName=name).get("Tags")
        model = {
            "Name": name,
            "Arn": found["StreamARN"],
            "RetentionPeriodHours": found["RetentionPeriodHours"],
            "StreamModeDetails": found.get("StreamModeDetails") or {"StreamMode": "PROVISIONED"},
            "DesiredShardLevelMetrics": found["EnhancedMonitoring"][0]["ShardLevelMetrics"] or None,
            "MaxRecordSizeInKiB": 1024,
            "Tags": tags or None,
        }
        if model["StreamModeDetails"]["StreamMode"] == "PROVISIONED":
            model["ShardCount"] = found["OpenShardCount"]
        if found.get("EncryptionType") == "KMS":
            model["StreamEncryption"] = only(found, "EncryptionType", "KeyId")
        return model

    def update(self, keys, before, after):
        arn = before["Arn"]
        if differs(before, after, "StreamModeDetails") and "StreamModeDetails" in after:
            self.call("kinesis", "UpdateStreamMode", StreamARN=arn, StreamModeDetails=after["StreamModeDetails"])
        if differs(before, after, "ShardCount") and "ShardCount" in after:
            count = after["ShardCount"]
            self.call("kinesis", "UpdateShardCount", StreamName=keys["Name"], TargetShardCount=count, ScalingType="UNIFORM_SCALING")
        self.apply(keys, before, after)
        self.keep_beside(keys, after)

    def delete(self, keys):
        self.call("kinesis", "DeleteStream", StreamName=keys["Name"], EnforceConsumerDeletion=True)

    def list(self):
        return [{"Name": name} for name in self.call("kinesis", "ListStreams", Limit=10000)["StreamNames"]]


class MetricFilter(Standing):
    BESIDE = ("ApplyOnTransformedLogs", "EmitSystemFieldDimensions", "FieldSelectionCriteria")
    MEMBERS = {
        "DefaultValue": "defaultValue",
        "MetricName": "metricName",
        "MetricNamespace": "metricNamespace",
        "MetricValue": "metricValue",
        "Unit": "unit",
    }

    def put(self, model):
        changes = []
        for change in model["MetricTransformations"]:
            written = {self.MEMBERS[name]: value for name, value in change.items() if name in self.MEMBERS}
            if "Dimensions" in change:
                written["dimensions"] = {pair["Key"]: pair["Value"] for pair in change["Dimensions"]}
            changes.append(written)
        self.call(
            "logs",
            "PutMetricFilter",
            logGroupName=model["LogGroupName"],
            filterName=model["FilterName"],
            filterPattern=model["FilterPattern"],
            metricTransformations=changes,
        )
        self.keep_beside(model, model)

    def create(self, model):
        model = self.named(model, "FilterName")
        if self.exists(model):
            raise self.taken(self.kind.identifier_of(model))
        self.put(model)
        return model

    def look(self, keys):
        found = self.call("logs", "DescribeMetricFilters", logGroupName=keys["LogGroupName"])["metricFilters"]
        found = next((one for one in found if one["filterName"] == keys["FilterName"]), None)
        if found is None:
            raise self.missing(self.kind.identifier_of(keys))
        changes = []
        for change in found["metricTransformations"]:
            read = {name: change[member] for name, member in self.MEMBERS.items() if change.get(member) is not None}
            if change.get("dimensions"):
                read["Dimensions"] = pairs(change["dimensions"])
            changes.append(read)
        return {
            "LogGroupName": keys["LogGroupName"],
            "FilterName": keys["FilterName"],
            "FilterPattern": found["filterPattern"],
            "MetricTransformations": changes,
            "ApplyOnTransformedLogs": False,
        }

    def update(self, keys, _before, after):
        self.put({**after, **keys})

    def delete(self, keys):
        self.look(keys)
        self.call("logs", "DeleteMetricFilter", logGroupName=keys["LogGroupName"], filterName=keys["FilterName"])

    def list(self):
        found = self.call("logs", "DescribeMetricFilters")["metricFilters"]
        return [{"LogGroupName": one["logGroupName"], "FilterName": one["filterName"]} for one in found]
