"""SQS: attributes that stay as they were."""

from moto.sqs.models import Queue

from patching import replace


@replace(Queue, "_set_attributes")
def set_attributes(original, self, attributes, now=None):
    """moto takes the policy away with every change of another attribute.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
    """
    policy = getattr(self, "policy", None)
    original(self, attributes, now)
    if "Policy" not in attributes:
        self.policy = policy
