"""Application Auto Scaling: targets with tags, the effect on the service, policies that keep their identity."""

import json

from moto.applicationautoscaling.exceptions import AWSValidationException
from moto.applicationautoscaling.models import ApplicationAutoscalingBackend
from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse, _build_policy, _build_target
from moto.core.exceptions import JsonRESTError

from patching import add, notes_of, replace


def not_found(message):
    """AWS answers ObjectNotFoundException where moto says ValidationException."""
    raise JsonRESTError("ObjectNotFoundException", message)


@replace(ApplicationAutoScalingResponse, "register_scalable_target")
def register_scalable_target(original, self):
    """Tags come with the first registration only; the service is brought between the limits at once.

    https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html
    """
    backend = self.applicationautoscaling_backend
    namespace = self._get_param("ServiceNamespace")
    resource = self._get_param("ResourceId")
    dimension = self._get_param("ScalableDimension")
    tags = self._get_param("Tags") or {}
    is_new = not backend._scalable_target_exists(resource, dimension)
    if is_new and (self._get_param("MinCapacity") is None or self._get_param("MaxCapacity") is None):
        raise AWSValidationException("MinCapacity and MaxCapacity are required for a new scalable target")
    answer = original(self)
    target = backend.targets[dimension][resource]
    if not target.role_arn:
        # Without a role the service-linked one is used, and shown.
        target.role_arn = (
            f"arn:{backend.partition}:iam::{backend.account_id}:role/aws-service-role/ecs.application-autoscaling."
            "amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService"
        )
    if not target.suspended_state:
        target.suspended_state = {
            "DynamicScalingInSuspended": False,
            "DynamicScalingOutSuspended": False,
            "ScheduledScalingSuspended": False,
        }
    if is_new:
        notes_of(backend, "tags")[target.arn] = dict(tags)
    if namespace == "ecs" and dimension == "ecs:service:DesiredCount":
        _, cluster, name = resource.split("/")
        service = backend.ecs_backend.services[f"{cluster}:{name}"]
        clamped = min(max(service.desired_count, int(target.min_capacity)), int(target.max_capacity))
        if clamped != service.desired_count:
            backend.ecs_backend.update_service({"cluster": cluster, "service": name, "desired_count": clamped})
    return answer


@replace(ApplicationAutoScalingResponse, "describe_scalable_targets")
def describe_scalable_targets(_original, self):
    """Pages from where the last one ended; moto starts the third page at the first's end."""
    self._validate_params()
    found = self.applicationautoscaling_backend.describe_scalable_targets(
        self._get_param("ServiceNamespace"), self._get_param("ResourceIds"), self._get_param("ScalableDimension")
    )
    start = int(self._get_param("NextToken") or 0)
    end = start + (self._get_int_param("MaxResults") or 50)
    answer = {"ScalableTargets": [_build_target(target) for target in found[start:end]]}
    if end < len(found):
        answer["NextToken"] = str(end)
    return json.dumps(answer)


@replace(ApplicationAutoScalingResponse, "describe_scaling_policies")
def describe_scaling_policies(_original, self):
    """Ten a page, and no more may be asked for; moto knows no limit, and takes a resource id for any that begins with it.

    https://docs.aws.amazon.com/autoscaling/application/APIReference/API_DescribeScalingPolicies.html
    """
    size = self._get_int_param("MaxResults") or 10
    if not 1 <= size <= 10:
        raise AWSValidationException("MaxResults must be between 1 and 10")
    resource = self._get_param("ResourceId")
    names = self._get_param("PolicyNames")
    found = [
        policy
        for policy in self.applicationautoscaling_backend.policies.values()
        if policy.service_namespace == self._get_param("ServiceNamespace")
        and (not resource or policy.resource_id == resource)
        and policy.scalable_dimension == (self._get_param("ScalableDimension") or policy.scalable_dimension)
        and (not names or policy.policy_name in names)
    ]
    start = int(self._get_param("NextToken") or 0)
    answer = {"ScalingPolicies": [_build_policy(policy) for policy in found[start : start + size]]}
    if start + size < len(found):
        answer["NextToken"] = str(start + size)
    return json.dumps(answer)


@replace(ApplicationAutoscalingBackend, "_ecs_service_exists_for_target")
def service_must_be_active(original, self, r_id):
    original(self, r_id)
    _, cluster, name = r_id.split("/")
    if self.ecs_backend.services[f"{cluster}:{name}"].status != "ACTIVE":
        raise AWSValidationException(f"ECS service doesn't exist: {r_id}")
    return True


@replace(ApplicationAutoscalingBackend, "deregister_scalable_target")
def deregister_scalable_target(original, self, namespace, r_id, dimension):
    """Its policies, and the alarms that they made, go with it."""
    if not self._scalable_target_exists(r_id, dimension):
        not_found(
            f"No scalable target found for service namespace: {namespace}, resource ID: {r_id}, scalable dimension: {dimension}"
        )
    notes_of(self, "tags").pop(self.targets[dimension][r_id].arn, None)
    for key, policy in list(self.policies.items()):
        if (policy.service_namespace, policy.resource_id, policy.scalable_dimension) == (namespace, r_id, dimension):
            policy.delete_alarms(self.account_id, self.region_name)
            del self.policies[key]
    return original(self, namespace, r_id, dimension)


@replace(ApplicationAutoscalingBackend, "put_scaling_policy")
def put_scaling_policy(
    original, self, policy_name, service_namespace, resource_id, scalable_dimension, policy_body, policy_type
):
    """Needs its target; an update keeps the policy's ARN and alarms, where moto makes new ones each time."""
    if not self._scalable_target_exists(resource_id, scalable_dimension):
        not_found(
            f"No scalable target registered for service namespace: {service_namespace}, resource ID: {resource_id}, scalable dimension: {scalable_dimension}"
        )
    key = f"{service_namespace}\t{resource_id}\t{scalable_dimension}\t{policy_name}"
    before = self.policies.get(key)
    policy = original(self, policy_name, service_namespace, resource_id, scalable_dimension, policy_body, policy_type)
    if before is not None:
        policy.delete_alarms(self.account_id, self.region_name)
        policy.alarms = before.alarms
        policy.policy_arn = before.policy_arn
        policy.creation_time = before.creation_time
    return policy


@replace(ApplicationAutoscalingBackend, "delete_scaling_policy")
def delete_scaling_policy(original, self, policy_name, service_namespace, resource_id, scalable_dimension):
    key = f"{service_namespace}\t{resource_id}\t{scalable_dimension}\t{policy_name}"
    if key not in self.policies:
        not_found(
            f"No scaling policy found for service namespace: {service_namespace}, resource ID: {resource_id}, scalable dimension: {scalable_dimension}, policy name: {policy_name}"
        )
    return original(self, policy_name, service_namespace, resource_id, scalable_dimension)


def tags_of_target(backend, arn):
    if all(target.arn != arn for targets in backend.targets.values() for target in targets.values()):
        raise JsonRESTError("ResourceNotFoundException", f"The resource {arn} does not exist")
    return notes_of(backend, "tags").setdefault(arn, {})


@add(ApplicationAutoScalingResponse)
def list_tags_for_resource(self):
    tags = tags_of_target(self.applicationautoscaling_backend, self._get_param("ResourceARN"))
    return json.dumps({"Tags": tags})


@add(ApplicationAutoScalingResponse)
def tag_resource(self):
    tags = tags_of_target(self.applicationautoscaling_backend, self._get_param("ResourceARN"))
    tags.update(self._get_param("Tags"))
    return json.dumps({})


@add(ApplicationAutoScalingResponse)
def untag_resource(self):
    tags = tags_of_target(self.applicationautoscaling_backend, self._get_param("ResourceARN"))
    for key in self._get_param("TagKeys"):
        tags.pop(key, None)
    return json.dumps({})
