"""ECS clusters and task definitions, and the calls on services; how a service gets along is in `ecs_rollout.py`."""

import base64
import copy
import json

from moto.applicationautoscaling.models import applicationautoscaling_backends
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ecs.exceptions import (
    ClusterNotFoundException,
    EcsClientException,
    ECSException,
    InvalidParameterException,
    ServiceNotFoundException,
    TaskDefinitionNotFoundException,
)
from moto.ecs.models import EC2ContainerServiceBackend, TaskDefinition
from moto.ecs.responses import EC2ContainerServiceResponse
from moto.elbv2.models import elbv2_backends

import ecs_rollout
from patching import Tokens, add, replace


def plain(value):
    """Request parameters as ordinary dictionaries, which moto's parser subclasses."""
    return copy.deepcopy(value) if not hasattr(value, "original_dict") else dict(value.original_dict())


# Clusters


@replace(EC2ContainerServiceBackend, "create_cluster")
def create_cluster(original, self, cluster_name, *arguments, **named):
    """Creating an active cluster again returns it as it is.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateCluster.html
    """
    existing = self.clusters.get(cluster_name)
    if existing is not None and existing.status == "ACTIVE":
        return existing
    return original(self, cluster_name, *arguments, **named)


@replace(EC2ContainerServiceBackend, "_get_cluster")
def get_cluster(original, self, name):
    """A deleted cluster can be described, and is not found by anything else."""
    cluster = original(self, name)
    if cluster.status != "ACTIVE":
        raise ClusterNotFoundException
    return cluster


@replace(EC2ContainerServiceBackend, "list_clusters")
def list_clusters(_original, self):
    return sorted(cluster.arn for cluster in self.clusters.values() if cluster.status == "ACTIVE")


@replace(EC2ContainerServiceBackend, "delete_cluster")
def delete_cluster(original, self, cluster_str):
    """Refused while services or tasks are in it.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteCluster.html
    """
    cluster = self._get_cluster(cluster_str)
    services = [
        service
        for service in self.services.values()
        if service.cluster_arn == cluster.arn and service.status != "INACTIVE"
    ]
    for service in services:
        # A draining service is gone by the next look at it.
        ecs_rollout.advance(self, service)
    if services:
        raise ECSException(
            "ClusterContainsServicesException", "The Cluster cannot be deleted while Services are active."
        )
    if any(task.last_status != "STOPPED" for task in self.tasks.get(cluster.name, {}).values()):
        raise ECSException("ClusterContainsTasksException", "The Cluster cannot be deleted while Tasks are active.")
    return original(self, cluster_str)


@replace(EC2ContainerServiceResponse, "describe_clusters")
def describe_clusters(original, self):
    """Settings and configuration come only when they are asked for, as the tags do; counts are counted."""
    include = self._get_param("include", [])
    for wanted, field in (("SETTINGS", "settings"), ("CONFIGURATIONS", "configuration")):
        path = f"DescribeClustersResponse.clusters.Cluster.{field}"
        if wanted in include:
            self._include_in_response(path)
        else:
            self._exclude_from_response(path)
    backend = self.ecs_backend
    for cluster in backend.clusters.values():
        services = [service for service in backend.services.values() if service.cluster_arn == cluster.arn]
        cluster.active_services_count = sum(1 for service in services if service.status == "ACTIVE")
        cluster.running_tasks_count = sum(service.running_count for service in services)
        cluster.pending_tasks_count = sum(service.pending_count for service in services)
    return original(self)


@add(EC2ContainerServiceResponse)
def update_cluster_settings(self):
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateClusterSettings.html"""
    cluster = self.ecs_backend._get_cluster(self._get_param("cluster"))
    changed = {setting["name"]: setting["value"] for setting in self._get_param("settings")}
    merged = {**{setting["name"]: setting["value"] for setting in cluster.settings}, **changed}
    cluster.settings = [{"name": name, "value": value} for name, value in merged.items()]
    return ActionResult({"cluster": cluster})


# Task definitions

# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html
FARGATE_MEMORY = {
    256: (512, 1024, 2048),
    512: range(1024, 4096 + 1, 1024),
    1024: range(2048, 8192 + 1, 1024),
    2048: range(4096, 16384 + 1, 1024),
    4096: range(8192, 30720 + 1, 1024),
    8192: range(16384, 61440 + 1, 4096),
    16384: range(32768, 122880 + 1, 8192),
}


def in_an_order_of_its_own(container):
    """ECS answers 8080, 443, 80 as 443, 8080, 80: recorded in go-to-k/cdk-real-drift, `tests/corpus`. Which order it is does not
    matter here, as long as it is another one than most would write; other lists keep theirs.
    """
    for name, field in (("environment", "name"), ("secrets", "name"), ("volumesFrom", "sourceContainer")):
        if container.get(name):
            container[name] = sorted(container[name], key=lambda element: str(element.get(field)))
    ports = container.get("portMappings")
    if ports:
        container["portMappings"] = sorted(ports, key=lambda port: str(port.get("containerPort"))[::-1])


@replace(TaskDefinition, "__init__")
def new_task_definition(original, self, *arguments, **named):
    """Adds what AWS fills in: the host port in awsvpc mode, the protocol, empty lists, when and by whom. For what it orders
    otherwise, see `in_an_order_of_its_own`. It drops variables without a value, while empty ones stay.

    https://github.com/aws-actions/amazon-ecs-deploy-task-definition/pull/224
    """
    original(self, *arguments, **named)
    for container in self.container_definitions:
        container["environment"] = [
            variable
            for variable in container["environment"]
            if variable.get("name") and variable.get("value") is not None
        ]
        in_an_order_of_its_own(container)
        container.setdefault("systemControls", [])
        ports = []
        for port in container["portMappings"]:
            port = dict(port)
            port.setdefault("protocol", "tcp")
            if self.network_mode in ("awsvpc", "host"):
                port.setdefault("hostPort", port.get("containerPort"))
            ports.append(port)
        container["portMappings"] = ports
    self.registeredAt = utcnow()
    _, partition, _, _, account, _ = self.arn.split(":", 5)
    self.registeredBy = f"arn:{partition}:iam::{account}:root"


def size(text, unit):
    """`1 vCPU` and `3GB` are converted to CPU units and MiB when the definition is registered.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html
    """
    plain_text = str(text or "").strip().lower()
    if not plain_text.endswith(unit):
        return text
    return str(round(float(plain_text.removesuffix(unit)) * 1024))


@replace(EC2ContainerServiceBackend, "register_task_definition")
def register_task_definition(original, self, family, container_definitions, **named):
    """Fargate accepts certain sizes only, and needs an execution role for what it does on the task's behalf."""
    named["cpu"] = size(named.get("cpu"), "vcpu")
    named["memory"] = size(named.get("memory"), "gb")
    if "FARGATE" in (named.get("requires_compatibilities") or []):
        cpu, memory = named.get("cpu"), named.get("memory")
        known = str(cpu).isdigit() and str(memory).isdigit()
        if known and int(memory) not in FARGATE_MEMORY.get(int(cpu), ()):
            raise EcsClientException(
                f"No Fargate configuration exists for given values: {cpu} CPU, {memory} memory. See the Amazon ECS documentation for the valid values."
            )
        if named.get("network_mode") != "awsvpc":
            raise EcsClientException("Fargate only supports network mode ‘awsvpc’.")
        if not named.get("execution_role_arn"):
            for container in container_definitions:
                if (container.get("logConfiguration") or {}).get("logDriver") == "awslogs":
                    raise EcsClientException(
                        "Fargate requires task definition to have execution role ARN to support log driver awslogs."
                    )
                if container.get("secrets"):
                    raise EcsClientException(
                        "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'."
                    )
    return original(self, family, container_definitions, **named)


@replace(EC2ContainerServiceResponse, "register_task_definition")
def registered(original, self):
    result = original(self)
    result.result["tags"] = result.result["taskDefinition"].tags
    return result


@replace(EC2ContainerServiceBackend, "describe_task_definition")
def describe_task_definition(original, self, task_definition_str):
    """A family alone means its latest ACTIVE revision."""
    name = task_definition_str.split("/")[-1]
    if ":" not in name:
        active = [
            definition for definition in self.task_definitions.get(name, {}).values() if definition.status == "ACTIVE"
        ]
        if not active:
            raise TaskDefinitionNotFoundException()
        return max(active, key=lambda definition: definition.revision)
    return original(self, task_definition_str)


@replace(EC2ContainerServiceBackend, "deregister_task_definition")
def deregister_task_definition(original, self, task_definition_str):
    definition = original(self, task_definition_str)
    definition.deregisteredAt = utcnow()
    return definition


# Services

# The fields that UpdateService stores as they are, and those among them that start a deployment.
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html
SERVICE_FIELDS = (
    "availabilityZoneRebalancing",
    "capacityProviderStrategy",
    "deploymentConfiguration",
    "enableECSManagedTags",
    "enableExecuteCommand",
    "healthCheckGracePeriodSeconds",
    "loadBalancers",
    "networkConfiguration",
    "placementConstraints",
    "placementStrategy",
    "platformVersion",
    "propagateTags",
    "serviceRegistries",
)
DEPLOYING_FIELDS = (
    "capacityProviderStrategy",
    "loadBalancers",
    "networkConfiguration",
    "platformVersion",
    "serviceRegistries",
)

# The fields under which moto keeps the same, and reads them itself.
MOTO_NAMES = {
    "loadBalancers": "load_balancers",
    "networkConfiguration": "network_configuration",
    "platformVersion": "platform_version",
    "propagateTags": "propagate_tags",
    "serviceRegistries": "service_registries",
}


def keep(service, field, value):
    if field == "deploymentConfiguration":
        value = full_configuration(value, getattr(service, field, None))
    if field == "networkConfiguration":
        value = copy.deepcopy(value)
        value.get("awsvpcConfiguration", {}).setdefault("assignPublicIp", "DISABLED")
    setattr(service, MOTO_NAMES.get(field, field), value)


def full_configuration(given, before=None):
    breaker = {"enable": False, "rollback": False}
    full = {"maximumPercent": 200, "minimumHealthyPercent": 100, "strategy": "ROLLING", "bakeTimeInMinutes": 0}
    full.update(before or {})
    full.update(given or {})
    full["deploymentCircuitBreaker"] = {**breaker, **(full.get("deploymentCircuitBreaker") or {})}
    return full


def runnable(backend, reference):
    definition = backend.describe_task_definition(reference)
    if definition.status != "ACTIVE":
        raise EcsClientException("TaskDefinition is inactive")
    return definition


def checked_load_balancers(backend, definition, load_balancers):
    """The target group must hang on a listener, and the container must be in the task."""
    groups = elbv2_backends[backend.account_id][backend.region_name].target_groups
    containers = {container["name"] for container in definition.container_definitions}
    for entry in load_balancers or []:
        arn = entry.get("targetGroupArn")
        if arn and arn not in groups:
            raise InvalidParameterException(f"The specified target group does not exist. (targetGroupArn {arn})")
        if arn and not groups[arn].load_balancer_arns:
            raise InvalidParameterException(
                f"The target group with targetGroupArn {arn} does not have an associated load balancer."
            )
        if entry.get("containerName") not in containers:
            raise InvalidParameterException(
                f"The container {entry.get('containerName')} does not exist in the task definition."
            )


@replace(EC2ContainerServiceResponse, "create_service")
def create_service(original, self):
    """Keeps every field, knows client tokens, and makes the first deployment.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html
    """
    backend = self.ecs_backend
    parameters = plain(self._get_params())
    cluster = backend._get_cluster(parameters.get("cluster") or "default")
    name = parameters["serviceName"]
    token = parameters.pop("clientToken", None)
    fingerprint = json.dumps(parameters, sort_keys=True, default=str)
    existing = backend.services.get(f"{cluster.name}:{name}")
    if existing is not None and existing.status != "INACTIVE":
        if existing.status == "DRAINING":
            raise InvalidParameterException("Unable to Start a service that is still Draining.")

        def mismatch():
            raise InvalidParameterException("Creation of service was not idempotent.")

        if Tokens(backend, "create_service").recall(token, fingerprint, mismatch) is not existing:
            mismatch()
        return ActionResult({"service": existing})

    definition = runnable(backend, parameters["taskDefinition"])
    if definition.network_mode == "awsvpc" and not parameters.get("networkConfiguration"):
        raise InvalidParameterException(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified."
        )
    checked_load_balancers(backend, definition, parameters.get("loadBalancers"))
    service = original(self).result["service"]
    for field in SERVICE_FIELDS:
        if parameters.get(field) is not None:
            keep(service, field, parameters[field])
    if "deploymentConfiguration" not in parameters:
        keep(service, "deploymentConfiguration", {})
    fargate = service.launch_type == "FARGATE"
    defaults = {
        "availabilityZoneRebalancing": "ENABLED",
        "enableECSManagedTags": False,
        "enableExecuteCommand": False,
        "healthCheckGracePeriodSeconds": 0,
        "placementConstraints": [],
        "placementStrategy": [],
    }
    for field, value in defaults.items():
        if not hasattr(service, field):
            setattr(service, field, value)
    if fargate:
        service.platform_version = service.platform_version or "LATEST"
        service.platformFamily = "Linux"
    service.createdAt = utcnow()
    service.role_arn = service.role_arn or (
        f"arn:{backend.partition}:iam::{backend.account_id}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
    )
    service.createdBy = f"arn:{backend.partition}:iam::{backend.account_id}:root"
    service.deployments = []
    ecs_rollout.deploy(backend, service)
    Tokens(backend, "create_service").remember(token, fingerprint, service)
    return ActionResult({"service": service})


@replace(EC2ContainerServiceResponse, "update_service")
def update_service(_original, self):
    """Stores what is given, and starts a deployment when something that tasks are made of has changed."""
    parameters = plain(self._get_params())
    return ActionResult({"service": change_service(self.ecs_backend, parameters)})


def change_service(backend, parameters):
    cluster = backend._get_cluster(parameters.get("cluster") or "default")
    name = parameters["service"].split("/")[-1]
    service = backend.services.get(f"{cluster.name}:{name}")
    if service is None:
        raise ServiceNotFoundException
    if service.status != "ACTIVE":
        raise ECSException("ServiceNotActiveException", "Service was not ACTIVE.")
    deploys = bool(parameters.get("forceNewDeployment"))
    definition = runnable(backend, parameters.get("taskDefinition") or service.task_definition)
    checked_load_balancers(backend, definition, parameters.get("loadBalancers"))
    if definition.arn != service.task_definition:
        service.task_definition = definition.arn
        deploys = True
    for field in SERVICE_FIELDS:
        value = parameters.get(field)
        if value is None:
            continue
        before = copy.deepcopy(getattr(service, MOTO_NAMES.get(field, field), None))
        keep(service, field, value)
        if field == "capacityProviderStrategy":
            # Launch type and strategy exclude each other; an empty list brings the launch type back.
            service.first_launch_type = getattr(service, "first_launch_type", service.launch_type)
            service.launch_type = None if value else service.first_launch_type
        if field in DEPLOYING_FIELDS and getattr(service, MOTO_NAMES.get(field, field)) != before:
            deploys = True
    if parameters.get("desiredCount") is not None:
        service.desired_count = int(parameters["desiredCount"])
    if deploys:
        ecs_rollout.deploy(backend, service)
    else:
        ecs_rollout.scale(backend, service)
    return service


@replace(EC2ContainerServiceBackend, "update_service")
def update_service_for_scaling(_original, self, service_properties):
    """Application Auto Scaling comes this way, with moto's names."""
    return change_service(
        self,
        {
            "cluster": service_properties["cluster"],
            "service": service_properties["service"],
            "desiredCount": service_properties.get("desired_count"),
        },
    )


@replace(EC2ContainerServiceBackend, "delete_service")
def delete_service(_original, self, cluster_name, service_name, force):
    """DRAINING first, INACTIVE by the next look. Its scalable target goes with it, and the policies of that.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteService.html
    https://github.com/hashicorp/terraform-provider-aws/issues/10432
    """
    cluster = self._get_cluster(cluster_name)
    service = self.services.get(f"{cluster.name}:{service_name.split('/')[-1]}")
    if service is None or service.status == "INACTIVE":
        raise ServiceNotFoundException
    if service.desired_count > 0 and not force:
        raise InvalidParameterException("The service cannot be stopped while it is scaled above 0.")
    ecs_rollout.drain(self, service)
    scaling = applicationautoscaling_backends[self.account_id][self.region_name]
    resource, dimension = f"service/{cluster.name}/{service.name}", "ecs:service:DesiredCount"
    if scaling._scalable_target_exists(resource, dimension):
        scaling.deregister_scalable_target("ecs", resource, dimension)
    return service


@replace(EC2ContainerServiceResponse, "describe_services")
def describe_services(original, self):
    """At most ten a call; each look lets the service get along."""
    names = self._get_param("services", [])
    if len(names) > 10:
        raise InvalidParameterException("Services cannot have more than 10 elements.")
    backend = self.ecs_backend
    cluster = backend._get_cluster(self._get_param("cluster", "default"))
    for name in names:
        service = backend.services.get(f"{cluster.name}:{name.split('/')[-1]}")
        if service is not None:
            ecs_rollout.advance(backend, service)
    return original(self)


@replace(EC2ContainerServiceBackend, "list_services")
def list_services(original, self, *arguments, **named):
    """INACTIVE services are not listed."""
    active = {service.arn for service in self.services.values() if service.status != "INACTIVE"}
    return [arn for arn in original(self, *arguments, **named) if arn in active]


def related(service, kind, deployment):
    """The ARN of something that belongs to a deployment."""
    number = deployment["id"].rsplit("/", 1)[-1]
    return f"{service.arn.replace(':service/', f':{kind}/')}/{number}"


@add(EC2ContainerServiceResponse)
def list_service_deployments(self):
    """Those that are complete, the newest first. A rollback is a deployment of its own on AWS, and here the one before again.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListServiceDeployments.html
    """
    backend = self.ecs_backend
    cluster = backend._get_cluster(self._get_param("cluster", "default"))
    service = backend.services.get(f"{cluster.name}:{self._get_param('service').split('/')[-1]}")
    if service is None:
        raise ServiceNotFoundException
    status = self._get_param("status")
    found = [
        {
            "serviceDeploymentArn": related(service, "service-deployment", deployment),
            "serviceArn": service.arn,
            "clusterArn": cluster.arn,
            "createdAt": deployment["createdAt"],
            "startedAt": deployment["createdAt"],
            "finishedAt": deployment["updatedAt"],
            "targetServiceRevisionArn": related(service, "service-revision", deployment),
            "status": "ROLLBACK_SUCCESSFUL" if deployment.get("isBack") else "SUCCESSFUL",
        }
        for deployment in ecs_rollout.finished(service)
    ]
    found = [deployment for deployment in found if not status or deployment["status"] in status]
    return ActionResult({"serviceDeployments": found[: self._get_int_param("maxResults") or 20]})


@add(EC2ContainerServiceResponse)
def describe_service_revisions(self):
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServiceRevisions.html"""
    backend = self.ecs_backend
    known = {
        related(service, "service-revision", deployment): {
            "serviceArn": service.arn,
            "taskDefinition": deployment["taskDefinition"],
            "containerImages": deployment.get("images", []),
        }
        for service in backend.services.values()
        for deployment in ecs_rollout.finished(service)
    }
    asked = self._get_param("serviceRevisionArns")
    revisions = [{"serviceRevisionArn": arn, **known[arn]} for arn in asked if arn in known]
    failures = [{"arn": arn, "reason": "MISSING"} for arn in asked if arn not in known]
    return ActionResult({"serviceRevisions": revisions, "failures": failures})


# Tasks


@replace(EC2ContainerServiceResponse, "list_tasks")
def list_tasks(_original, self):
    """RUNNING ones unless asked otherwise, and a service's own when one is named."""
    backend = self.ecs_backend
    cluster = backend._get_cluster(self._get_param("cluster", "default"))
    service = self._get_param("serviceName")
    family = self._get_param("family")
    started_by = self._get_param("startedBy")
    status = self._get_param("desiredStatus") or "RUNNING"
    if service and f"{cluster.name}:{service.split('/')[-1]}" not in backend.services:
        raise ServiceNotFoundException
    found = [
        task.task_arn
        for task in backend.tasks.get(cluster.name, {}).values()
        if task.desired_status == status
        and (not service or task.group == f"service:{service.split('/')[-1]}")
        and (not family or task.task_definition_arn.split("/")[-1].split(":")[0] == family)
        and (not started_by or task.started_by == started_by)
    ]
    return ActionResult({"taskArns": found})


@replace(EC2ContainerServiceResponse, "describe_tasks")
def describe_tasks(original, self):
    """A missing task is a failure, not silence."""
    result = original(self)
    found = {task.task_arn.split("/")[-1] for task in result.result["tasks"]}
    result.result["failures"] = [
        {"arn": reference, "reason": "MISSING"}
        for reference in self._get_param("tasks", [])
        if reference.split("/")[-1] not in found
    ]
    return result


# Pages


def paged(operation, key, default):
    """Honours maxResults and nextToken, which moto ignores, with AWS's own page sizes."""

    def patched(original, self):
        result = original(self)
        size = self._get_int_param("maxResults") or default
        if not 1 <= size <= 100:
            raise InvalidParameterException("maxResults must be between 1 and 100.")
        token = self._get_param("nextToken")
        start = int(base64.urlsafe_b64decode(token)) if token else 0
        items = list(result.result[key])
        if self._get_param("sort") == "DESC":
            items.reverse()
        result.result[key] = items[start : start + size]
        if start + size < len(items):
            result.result["nextToken"] = base64.urlsafe_b64encode(str(start + size).encode()).decode()
        return result

    replace(EC2ContainerServiceResponse, operation)(patched)


paged("list_clusters", "clusterArns", 100)
paged("list_services", "serviceArns", 10)
paged("list_tasks", "taskArns", 100)
paged("list_task_definitions", "taskDefinitionArns", 100)
