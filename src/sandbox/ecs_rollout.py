"""The progress of an ECS service: deployments, tasks, targets, the circuit breaker, draining.

Time does not pass here. Each DescribeServices moves a service on: a healthy deployment is complete by the first look,
and one whose image has a tag that contains `unhealthy` fails a task with each look until the circuit breaker ends it. The first
deployment of a service fails so, too, if the name of a role of its tasks contains `assumed-late`: IAM is as late as that.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
"""

import hashlib
import math

from moto.core.utils import utcnow
from moto.ecr.models import ecr_backends
from moto.elbv2.models import elbv2_backends
from moto.moto_api._internal import mock_random

import interfaces

# Looks that a failing deployment takes to be declared failed, and stopped tasks that stay listed.
FAILING_LOOKS = 3
STOPPED_TASKS_KEPT = 20


class ServiceTask:
    """One task of a service, with the fields of the API's Task and the names by which moto looks at tasks."""

    def __init__(self, backend, service, deployment):
        definition = backend.describe_task_definition(deployment["taskDefinition"])
        self.id = mock_random.get_random_hex(32)
        self.cluster_name = service.cluster_name
        self.cluster_arn = service.cluster_arn
        self.task_arn = f"{service.cluster_arn.replace(':cluster/', ':task/')}/{self.id}"
        self.task_definition_arn = definition.arn
        self.started_by = deployment["id"]
        self.group = f"service:{service.name}"
        self.launch_type = service.launch_type
        self.platform_version = "1.4.0"
        self.platform_family = "Linux"
        self.cpu = definition.cpu
        self.memory = definition.memory
        self.desired_status = "RUNNING"
        self.last_status = "RUNNING"
        self.health_status = "HEALTHY"
        self.connectivity = "CONNECTED"
        self.container_instance_arn = None
        self.tags = list(service.tags) if service.propagate_tags == "SERVICE" else []
        self.created_at = self.started_at = utcnow()
        self.enableExecuteCommand = service.enableExecuteCommand
        self.overrides = {"containerOverrides": [], "inferenceAcceleratorOverrides": []}
        self.containers = [
            {
                "containerArn": f"{self.task_arn.replace(':task/', ':container/')}/{mock_random.uuid4()}",
                "taskArn": self.task_arn,
                "name": container["name"],
                "image": container["image"],
                "lastStatus": "RUNNING",
                "healthStatus": "HEALTHY",
            }
            for container in definition.container_definitions
        ]
        self.attachments = []
        self.interface = None
        self.attach(backend, service)

    def attach(self, backend, service):
        network = (service.network_configuration or {}).get("awsvpcConfiguration")
        if not network:
            return
        attachment = str(mock_random.uuid4())
        ec2 = interfaces.network(backend)
        self.interface = interfaces.attach(
            ec2,
            network["subnets"][0],
            network.get("securityGroups") or [],
            f"{self.task_arn.rsplit(':', 1)[0]}:attachment/{attachment}",
            "ecs",
        )
        if self.interface is not None:
            self.attachments = [
                {
                    "id": attachment,
                    "type": "ElasticNetworkInterface",
                    "status": "ATTACHED",
                    "details": [
                        {"name": "subnetId", "value": self.interface.subnet.id},
                        {"name": "networkInterfaceId", "value": self.interface.id},
                        {"name": "privateIPv4Address", "value": self.interface.private_ip_address},
                    ],
                }
            ]

    @property
    def address(self):
        return self.interface.private_ip_address if self.interface else None

    def stop(self, backend, reason, code, exit_code=None):
        if self.interface is not None:
            interfaces.detach(interfaces.network(backend), [self.interface.id])
        self.desired_status = self.last_status = "STOPPED"
        self.health_status = "UNKNOWN"
        self.stopped_reason = reason
        self.stopCode = code
        self.stopping_at = self.stopped_at = utcnow()
        for container in self.containers:
            container["lastStatus"] = "STOPPED"
            if exit_code is not None:
                container["exitCode"] = exit_code

    def advance(self):
        """moto moves its own tasks on whenever they are described; these are moved by their service."""


# Deployments


def deploy(backend, service):
    """Puts a new deployment first; the ones before it stay until it is complete."""
    for earlier in service.deployments:
        earlier["status"] = "ACTIVE"
    identifier = f"ecs-svc/{mock_random.randint(10**18, 10**19 - 1)}"
    deployment = {
        "id": identifier,
        "status": "PRIMARY",
        "taskDefinition": service.task_definition,
        "desiredCount": service.desired_count,
        "pendingCount": service.desired_count,
        "runningCount": 0,
        "failedTasks": 0,
        "createdAt": utcnow(),
        "updatedAt": utcnow(),
        "launchType": service.launch_type,
        "platformVersion": "1.4.0" if service.launch_type == "FARGATE" else None,
        "platformFamily": "Linux" if service.launch_type == "FARGATE" else None,
        "networkConfiguration": service.network_configuration or None,
        "rolloutState": "IN_PROGRESS",
        "rolloutStateReason": f"ECS deployment {identifier} in progress.",
    }
    if service.desired_count > 0 and not getattr(service, "has_had_tasks", False):
        service.has_had_tasks = True
        deployment["lateRole"] = late_role(backend, deployment)
    service.deployments.insert(0, deployment)
    count(backend, service)


def late_role(backend, deployment):
    """The role that cannot be assumed yet, if there is one.

    https://github.com/pulumi/pulumi-awsx/issues/927
    """
    definition = backend.describe_task_definition(deployment["taskDefinition"])
    roles = (getattr(definition, name, None) for name in ("task_role_arn", "execution_role_arn"))
    return next((role for role in roles if role and "assumed-late" in role), None)


def scale(backend, service):
    """Another desired count makes no deployment: the one that is there grows or shrinks."""
    primary = service.deployments[0]
    primary["desiredCount"] = service.desired_count
    primary["updatedAt"] = utcnow()
    count(backend, service)


def advance(backend, service):
    """One look later."""
    if service.status == "DRAINING":
        service.status = "INACTIVE"
        service.deployments = []
        return
    if service.status != "ACTIVE" or not service.deployments:
        return
    primary = service.deployments[0]
    if service.desired_count > 0 and is_doomed(backend, primary):
        if primary["rolloutState"] == "IN_PROGRESS":
            fail_some(backend, service, primary)
    else:
        complete(backend, service, primary)
    count(backend, service)


def is_doomed(backend, deployment):
    """The way for a test to make a service that never becomes healthy.

    Tags are resolved once a deployment, with its first task: what is pushed later is for the next one.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html
    """
    if deployment.get("lateRole"):
        return True
    if "doomed" in deployment:
        return deployment["doomed"]
    definition = backend.describe_task_definition(deployment["taskDefinition"])
    doomed = any(
        "unhealthy" in tag
        for container in definition.container_definitions
        for tag in tags_of(backend, container["image"])
    )
    if deployment["desiredCount"] > 0:
        deployment["doomed"] = doomed
    return doomed


def tags_of(backend, image):
    """The tag that an image is called by, and every other that it has in a repository of the account."""
    tag = image.rsplit("/", 1)[-1].partition(":")[2]
    host, _, path = image.partition("/")
    tags = [tag]
    if ".dkr.ecr." in host:
        repository = ecr_backends[backend.account_id][backend.region_name].repositories.get(path.partition(":")[0])
        for pushed in repository.images if repository else []:
            if tag in pushed.image_tags:
                tags += pushed.image_tags
    return tags


def complete(backend, service, primary):
    mine = running(backend, service, primary)
    others = [task for task in running(backend, service) if task not in mine]
    missing = service.desired_count - len(mine)
    if missing > 0:
        started = [start(backend, service, primary) for _ in range(missing)]
        listed = " ".join(f"(task {task.id})" for task in started)
        say(service, f"(service {service.name}) has started {missing} tasks: {listed}.")
        for task in started:
            register(backend, service, task)
        for group in target_groups(service):
            say(service, f"(service {service.name}) registered {missing} targets in (target-group {group})")
    for task in others + (mine[missing:] if missing < 0 else []):
        end(
            backend,
            service,
            task,
            f"Scaling activity initiated by (deployment {primary['id']})",
            "ServiceSchedulerInitiated",
        )
    changed = primary["rolloutState"] != "COMPLETED"
    resolve(backend, service, primary)
    if changed:
        finished(service).insert(0, primary)
        primary["rolloutState"] = "COMPLETED"
        primary["rolloutStateReason"] = f"ECS deployment {primary['id']} completed."
        primary["updatedAt"] = utcnow()
        say(service, f"(service {service.name}) (deployment {primary['id']}) deployment completed.")
    del service.deployments[1:]
    if changed or missing or others:
        say(service, f"(service {service.name}) has reached a steady state.")


def resolve(backend, service, deployment):
    """The digests of the images, once a deployment, with its first task: its later tasks start from these.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html
    """
    if service.desired_count == 0 or "images" in deployment:
        return
    definition = backend.describe_task_definition(deployment["taskDefinition"])
    deployment["images"] = [
        {
            "containerName": container["name"],
            "image": container["image"],
            "imageDigest": digest_of(backend, container["image"]),
        }
        for container in definition.container_definitions
    ]


def digest_of(backend, image):
    name, _, digest = image.partition("@")
    if digest:
        return digest
    host, _, path = name.partition("/")
    repository, _, tag = path.partition(":")
    found = ecr_backends[backend.account_id][backend.region_name].repositories.get(repository)
    if ".dkr.ecr." not in host or found is None:
        return f"sha256:{hashlib.sha256(image.encode()).hexdigest()}"
    tagged = (pushed for pushed in found.images if (tag or "latest") in pushed.image_tags)
    return next((pushed.get_image_digest() for pushed in tagged), None)


def finished(service):
    """The deployments that are complete, the newest first."""
    return service.__dict__.setdefault("finished_deployments", [])


def fail_some(backend, service, primary):
    """Some more tasks of the deployment fail; the circuit breaker counts them.

    Its threshold is half of the desired count, at least 3 and at most 200.
    """
    breaker = service.deploymentConfiguration["deploymentCircuitBreaker"]
    threshold = min(200, max(3, math.ceil(service.desired_count * 0.5)))
    if primary.get("lateRole"):
        primary["failedTasks"] += math.ceil(threshold / FAILING_LOOKS)
        primary["updatedAt"] = utcnow()
        say(
            service,
            f"(service {service.name}) failed to launch a task with (error ECS was unable to assume the role '{primary['lateRole']}' that was provided for this task. Please verify that the role being passed has the proper trust relationship and permissions and that your IAM user has permissions to pass this role.).",
        )
        if breaker["enable"] and primary["failedTasks"] >= threshold:
            give_up(service, primary, breaker)
        return
    groups = target_groups(service)
    reason = (
        f"Task failed ELB health checks in (target-group {groups[0]})"
        if groups
        else "Essential container in task exited"
    )
    for task in running(backend, service, primary):
        fail(backend, service, task, reason)
        primary["failedTasks"] += 1
    while primary["failedTasks"] % math.ceil(threshold / FAILING_LOOKS) or primary["failedTasks"] == 0:
        fail(backend, service, start(backend, service, primary), reason)
        primary["failedTasks"] += 1
    primary["updatedAt"] = utcnow()
    if not breaker["enable"] or primary["failedTasks"] < threshold:
        task = start(backend, service, primary)
        register(backend, service, task, ("unhealthy", "Target.FailedHealthChecks", "Health checks failed"))
        say(service, f"(service {service.name}) has started 1 tasks: (task {task.id}).")
        if primary["failedTasks"] >= threshold:
            say(
                service,
                f"(service {service.name}) is unable to consistently start tasks successfully. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.",
            )
        return
    give_up(service, primary, breaker)


def give_up(service, primary, breaker):
    """The circuit breaker ends a deployment, and brings the one before back, if it may and there is one."""
    primary["rolloutState"] = "FAILED"
    primary["rolloutStateReason"] = "ECS deployment circuit breaker: tasks failed to start."
    say(service, f"(service {service.name}) (deployment {primary['id']}) deployment failed: tasks failed to start.")
    before = next((item for item in service.deployments[1:] if item["rolloutState"] == "COMPLETED"), None)
    if breaker["rollback"] and before is not None:
        primary["status"] = "ACTIVE"
        before["status"] = "PRIMARY"
        before["rolloutState"] = "IN_PROGRESS"
        before["rolloutStateReason"] = f"ECS deployment circuit breaker: rolling back to deploymentId {before['id']}."
        before["desiredCount"] = service.desired_count
        before["isBack"] = True
        service.deployments.remove(before)
        service.deployments.insert(0, before)
        service.task_definition = before["taskDefinition"]
        say(service, f"(service {service.name}) rolling back to deployment {before['id']}.")


def drain(backend, service):
    for task in running(backend, service):
        end(
            backend,
            service,
            task,
            f"Scaling activity initiated by (deployment {task.started_by})",
            "ServiceSchedulerInitiated",
        )
    service.status = "DRAINING"
    service.desired_count = 0
    count(backend, service)


# Tasks and targets


def all_tasks(backend, service):
    tasks = backend.tasks.setdefault(service.cluster_name, {})
    return [
        task for task in tasks.values() if isinstance(task, ServiceTask) and task.group == f"service:{service.name}"
    ]


def running(backend, service, deployment=None):
    return [
        task
        for task in all_tasks(backend, service)
        if task.last_status == "RUNNING" and (deployment is None or task.started_by == deployment["id"])
    ]


def start(backend, service, deployment):
    task = ServiceTask(backend, service, deployment)
    backend.tasks.setdefault(service.cluster_name, {})[task.task_arn] = task
    return task


def end(backend, service, task, reason, code, exit_code=None):
    for group in groups_here(backend, service):
        group.targets.pop(task.address, None)
    task.stop(backend, reason, code, exit_code)
    stopped = [other for other in all_tasks(backend, service) if other.last_status == "STOPPED"]
    for old in stopped[:-STOPPED_TASKS_KEPT]:
        del backend.tasks[service.cluster_name][old.task_arn]


def fail(backend, service, task, reason):
    by_health = reason.startswith("Task failed ELB")
    end(
        backend,
        service,
        task,
        reason,
        "ServiceSchedulerInitiated" if by_health else "EssentialContainerExited",
        None if by_health else 1,
    )
    say(service, f"(service {service.name}) (task {task.id}) failed: {reason}.")


def target_groups(service):
    return [entry["targetGroupArn"] for entry in service.load_balancers or [] if entry.get("targetGroupArn")]


def groups_here(backend, service):
    groups = elbv2_backends[backend.account_id][backend.region_name].target_groups
    return [groups[arn] for arn in target_groups(service) if arn in groups]


def register(backend, service, task, health=None):
    ports = {
        entry["targetGroupArn"]: entry.get("containerPort")
        for entry in service.load_balancers or []
        if entry.get("targetGroupArn")
    }
    for group in groups_here(backend, service):
        if task.address:
            group.targets[task.address] = {"Id": task.address, "Port": ports[group.arn], "Health": health}


def count(backend, service):
    """The numbers of the service and of each deployment, from its tasks."""
    for deployment in service.deployments:
        healthy = 0 if deployment["rolloutState"] != "COMPLETED" and is_doomed(backend, deployment) else None
        deployment["runningCount"] = len(running(backend, service, deployment)) if healthy is None else healthy
        if deployment["status"] == "PRIMARY":
            deployment["desiredCount"] = service.desired_count
        else:
            deployment["desiredCount"] = deployment["runningCount"]
        failed = deployment["rolloutState"] == "FAILED"
        deployment["pendingCount"] = 0 if failed else max(0, deployment["desiredCount"] - deployment["runningCount"])
    service.running_count = sum(deployment["runningCount"] for deployment in service.deployments)
    service.pending_count = sum(deployment["pendingCount"] for deployment in service.deployments)
    if service.status != "ACTIVE":
        service.running_count = service.pending_count = 0


def say(service, message):
    """The newest event comes first; a hundred are kept."""
    service.events.insert(0, {"id": str(mock_random.uuid4()), "createdAt": utcnow(), "message": message})
    del service.events[100:]
