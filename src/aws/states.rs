//! The meaning of each state that AWS documents for a waiting caller, for every type that has states.
//!
//! A state that passes is waited for. One that only a person can end is not: the wait ends at once, and says what to do. A
//! state that is not listed here was added by AWS since: these lists are open. If the object works, it can be used, with a
//! note; otherwise it is waited for, up to the deadline.

use crate::resource::Condition;
use crate::resource::provider::Remedy;

/// The meaning of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// The object can be used, and mostly changed.
    Usable,
    /// The state ends by itself.
    Passing,
    /// The state ends when a person does something.
    Waits(Hand),
    /// The object will not be usable again.
    Lost,
}

/// The action of a person. `{id}` stands for the object's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hand {
    pub text: &'static str,
    pub command: &'static str,
}

impl Hand {
    pub(super) fn remedy(self, id: &str) -> Remedy {
        let remedy = Remedy::new(self.text.replace("{id}", id));
        match self.command {
            "" => remedy,
            command => remedy.command(command.replace("{id}", id)),
        }
    }
}

/// The states of a type.
pub(super) type States = [(&'static str, Standing)];

/// Returns the meaning of a state; `None` if the table does not have it.
pub(super) fn standing(states: &States, state: &str) -> Option<Standing> {
    let found = states.iter().find(|(name, _)| *name == state);
    found.map(|(_, standing)| *standing)
}

/// Returns the condition of an object in a state. A state that is not in the table counts as pending, and is named.
pub(super) fn condition(states: &States, state: &str) -> Condition {
    match standing(states, state) {
        Some(Usable) => Condition::Ready,
        Some(Lost) => Condition::Broken(state.to_owned()),
        Some(Passing | Standing::Waits(_)) | None => Condition::Settling(state.to_owned()),
    }
}

/// Does the same as [`condition`], for an object of which it is known whether it works.
pub(super) fn condition_of(states: &States, state: &str, serves: bool) -> Condition {
    match standing(states, state) {
        None if serves => Condition::Busy(unknown(state)),
        _ => condition(states, state),
    }
}

/// Returns the note about a state that AWS has added since.
pub(super) fn unknown(state: &str) -> String {
    format!("`{state}`, which this version does not know")
}

/// Returns whether a state never leads to one that can be used.
pub(super) fn is_lost(states: &States, state: &str) -> bool {
    standing(states, state) == Some(Standing::Lost)
}

/// Returns what a person has to do about a state, if the state waits for that.
pub(super) fn hand(states: &States, state: &str, id: &str) -> Option<Remedy> {
    match standing(states, state)? {
        Standing::Waits(hand) => Some(hand.remedy(id)),
        _ => None,
    }
}

const fn waits(text: &'static str, command: &'static str) -> Standing {
    Standing::Waits(Hand { text, command })
}

use Standing::{Lost, Passing, Usable};

pub(super) const VPC: &States = &[
    ("pending", Passing),
    ("available", Usable),
    ("deleting", Lost),
];

/// The states of a subnet. `unavailable` and `failed` occur for subnets on Outposts.
pub(super) const SUBNET: &States = &[
    ("pending", Passing),
    ("available", Usable),
    ("unavailable", Lost),
    ("failed", Lost),
    ("failed-insufficient-capacity", Lost),
];

pub(super) const NAT_GATEWAY: &States = &[
    ("pending", Passing),
    ("available", Usable),
    ("failed", Lost),
    ("deleting", Lost),
    ("deleted", Lost),
];

/// The states of an attachment. EC2 reports an attached internet gateway as `available`:
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InternetGatewayAttachment.html>
pub(super) const ATTACHMENT: &States = &[
    ("attaching", Passing),
    ("attached", Usable),
    ("available", Usable),
    ("detaching", Lost),
    ("detached", Lost),
];

/// The states of a route. The target of a black hole is gone permanently. A filtered route comes from another source; the
/// table contains it and does not use it: <https://docs.aws.amazon.com/vpc/latest/userguide/route-server-how-it-works.html>.
pub(super) const ROUTE: &States = &[
    ("active", Usable),
    ("blackhole", Lost),
    ("filtered", Usable),
];

pub(super) const ROUTE_TABLE_ASSOCIATION: &States = &[
    ("associating", Passing),
    ("associated", Usable),
    ("disassociating", Lost),
    ("disassociated", Lost),
    ("failed", Lost),
];

pub(super) const LOAD_BALANCER: &States = &[
    ("provisioning", Passing),
    ("active", Usable),
    // It works, but cannot grow: its subnets have no addresses left.
    ("active_impaired", Usable),
    ("failed", Lost),
];

/// <https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html>
pub(super) const KMS_KEY: &States = &[
    ("Creating", Passing),
    ("Updating", Passing),
    ("Enabled", Usable),
    // It is disabled on purpose, or is enabled again as drift of any other setting is corrected.
    ("Disabled", Usable),
    (
        "PendingDeletion",
        waits(
            "the key `{id}` is scheduled for deletion, and the data that it encrypts would be lost: cancel the deletion to \
             keep the key, or delete its aliases too to let it go; then run",
            "aws kms cancel-key-deletion --key-id {id}",
        ),
    ),
    (
        "PendingReplicaDeletion",
        waits(
            "the key `{id}` is deleted as soon as its replicas in other regions are gone: cancel the deletion, then run",
            "aws kms cancel-key-deletion --key-id {id}",
        ),
    ),
    (
        "PendingImport",
        waits(
            "the key `{id}` has no key material yet: import it, then run",
            "aws kms get-parameters-for-import --key-id {id} --wrapping-algorithm RSAES_OAEP_SHA_256 --wrapping-key-spec RSA_4096",
        ),
    ),
    (
        "Unavailable",
        waits(
            "the custom key store of `{id}` cannot be reached: connect it, then run",
            "aws kms describe-custom-key-stores",
        ),
    ),
];

pub(super) const CLUSTER: &States = &[
    ("PROVISIONING", Passing),
    ("ACTIVE", Usable),
    ("DEPROVISIONING", Lost),
    ("FAILED", Lost),
    ("INACTIVE", Lost),
];

pub(super) const SERVICE: &States = &[
    ("ACTIVE", Usable),
    // Its name is free only once it is gone.
    ("DRAINING", Lost),
    ("INACTIVE", Lost),
];

/// `rolloutState` of a deployment.
pub(super) const ROLLOUT: &States = &[
    ("IN_PROGRESS", Passing),
    ("COMPLETED", Usable),
    ("FAILED", Lost),
];

/// The standing of a service's deployments. One that is no longer `PRIMARY` was given up for another.
pub(super) const DEPLOYMENT: &States = &[("PRIMARY", Usable), ("ACTIVE", Lost), ("INACTIVE", Lost)];

/// The events of a service, by a part of their text: the first match counts. `Usable` marks events that are no problem.
/// `{id}` stands for the task definition. Capacity comes and goes, and so do instances by which a cluster grows; the circuit
/// breaker counts tasks that cannot be started.
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html>
pub(super) const SERVICE_EVENT: &States = &[
    ("has reached a steady state", Usable),
    // This also occurs for half a minute with a role that was made a moment ago.
    (
        "unable to assume the role",
        waits(
            "ECS cannot assume a role of the task: check that the role exists and that its trust policy names \
             `ecs-tasks.amazonaws.com`, then run",
            "aws ecs describe-task-definition --task-definition {id} --query 'taskDefinition.[taskRoleArn,executionRoleArn]'",
        ),
    ),
    (
        "reached the limit on the number of",
        waits(FARGATE_LIMIT, FARGATE_QUOTAS),
    ),
    (
        "configuration is above your limit",
        waits(FARGATE_LIMIT, FARGATE_QUOTAS),
    ),
    (
        "because of the service deployment configuration",
        waits(
            "the percentages of the service let ECS neither stop a task nor start one: raise `deploymentMaximumPercent` or \
             lower `deploymentMinimumHealthyPercent`, then run",
            "",
        ),
    ),
    (
        "No Container Instances were found",
        waits(
            "the cluster has no container instances: register one, or use the launch type `FARGATE`; then run",
            "",
        ),
    ),
    (
        "encountered error \"AGENT\"",
        waits(
            "the ECS agent of the container instance is not connected: restart it on the instance, then run",
            "",
        ),
    ),
    ("Capacity is unavailable", Passing),
    ("met all of its requirements", Passing),
    ("Internal error", Passing),
    ("operations are being throttled", Passing),
    ("Rate exceeded", Passing),
    ("resources could not be found", Passing),
    ("protected tasks", Passing),
    (
        "failed to launch a task with (error",
        waits(
            "ECS cannot start a task: fix the cause that its event names, then run",
            "",
        ),
    ),
    (
        "failed to register targets",
        waits(
            "ECS cannot register the tasks with the target group: fix the cause that its event names, then run",
            "",
        ),
    ),
    ("was unable to place a task", Passing),
    ("was unable to reach steady state", Passing),
    ("is unable to consistently start tasks", Passing),
    ("is unhealthy in", Passing),
];

/// The reasons why a task stopped, by a part of its text, or of its containers': the first match counts. `{id}` stands for
/// the task definition. The circuit breaker ends a deployment whose tasks stop; a person has to remove the cause.
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html>
pub(super) const TASK_STOPPED: &States = &[
    ("Scaling activity initiated", Usable),
    (
        "CannotPull",
        waits(
            "ECS cannot pull an image: check that its tag exists, that the execution role may pull it, and that the \
             subnets can reach the registry; then run",
            IMAGES,
        ),
    ),
    (
        "unable to pull secrets or registry auth",
        waits(
            "ECS cannot read the secrets or the registry login of the task: check that the secrets exist, that the \
             execution role may read them, and that the subnets can reach Secrets Manager and the registry; then run",
            SECRETS,
        ),
    ),
    (
        "log group does not exist",
        waits(
            "the log group of a container does not exist: create it, or name another one; then run",
            "aws logs describe-log-groups",
        ),
    ),
    (
        "OutOfMemory",
        waits(
            "a container ran out of memory: raise `memory` (`memoryMiB` of a service), then run",
            "",
        ),
    ),
    (
        "failed ELB health checks",
        waits(
            "a container fails the health check of the load balancer: correct its port, the path, or the time that it has \
             to start; then run",
            "",
        ),
    ),
    (
        "failed container health checks",
        waits(
            "a container fails its own health check: correct the command of the check, or what it tests; then run",
            "",
        ),
    ),
    (
        "Essential container in task exited",
        waits(
            "a container exits by itself: its last log lines are above; fix the cause, then run",
            "",
        ),
    ),
];

const IMAGES: &str = "aws ecs describe-task-definition --task-definition {id} --query 'taskDefinition.containerDefinitions[].image'";
const SECRETS: &str = "aws ecs describe-task-definition --task-definition {id} --query 'taskDefinition.containerDefinitions[].secrets'";

const FARGATE_LIMIT: &str = "the Fargate quota of the account in this region is used up: ask AWS to raise it, or stop \
     tasks that are not needed; then run";
const FARGATE_QUOTAS: &str = "aws service-quotas list-service-quotas --service-code fargate";

/// The health of a target without a reason of [`TARGET_REASON`]. ECS replaces an unhealthy task.
pub(super) const TARGET: &States = &[
    ("initial", Passing),
    ("healthy", Usable),
    ("unhealthy", Passing),
    ("unhealthy.draining", Passing),
    ("unused", Passing),
    ("draining", Passing),
    ("unavailable", Usable),
];

/// The reasons why a target is not healthy. `{id}` stands for the ARN of the target group.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html>
pub(super) const TARGET_REASON: &States = &[
    ("Elb.RegistrationInProgress", Passing),
    ("Elb.InitialHealthChecking", Passing),
    ("Elb.InternalError", Passing),
    ("Target.ResponseCodeMismatch", Passing),
    ("Target.Timeout", Passing),
    ("Target.FailedHealthChecks", Passing),
    ("Target.NotRegistered", Passing),
    ("Target.InvalidState", Passing),
    ("Target.DeregistrationInProgress", Passing),
    ("Target.HealthCheckDisabled", Usable),
    (
        "Target.NotInUse",
        waits(
            "no load balancer sends traffic to the target: no listener uses its target group, or the load balancer has \
             no subnet in the zone of the target; correct that, then run",
            "aws elbv2 describe-target-groups --target-group-arns {id} --query 'TargetGroups[].LoadBalancerArns'",
        ),
    ),
    (
        "Target.IpUnusable",
        waits(
            "the target has an address that the load balancer uses itself: stop its task, and ECS starts another one; then \
             run",
            "aws elbv2 describe-target-health --target-group-arn {id}",
        ),
    ),
];

pub(super) const TASK_DEFINITION: &States = &[
    ("ACTIVE", Usable),
    ("INACTIVE", Lost),
    ("DELETE_IN_PROGRESS", Lost),
];

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html>, and those that only the API has.
pub(super) const DB_INSTANCE: &States = &[
    ("available", Usable),
    ("storage-optimization", Usable),
    ("storage-initialization", Usable),
    ("storage-config-upgrade", Usable),
    ("backing-up", Passing),
    ("backtracking", Passing),
    ("configuring-enhanced-monitoring", Passing),
    ("configuring-iam-database-auth", Passing),
    ("configuring-log-exports", Passing),
    ("converting-to-vpc", Passing),
    ("creating", Passing),
    ("delete-precheck", Passing),
    ("maintenance", Passing),
    ("modifying", Passing),
    ("moving-to-vpc", Passing),
    ("rebooting", Passing),
    ("renaming", Passing),
    ("resetting-master-credentials", Passing),
    ("starting", Passing),
    ("stopping", Passing),
    ("upgrading", Passing),
    (
        "stopped",
        waits(
            "`{id}` is stopped, and AWS does not change a stopped database: start it, which takes minutes, then run",
            "aws rds start-db-instance --db-instance-identifier {id}",
        ),
    ),
    (
        "storage-full",
        waits(
            "the storage of `{id}` is full, and the database accepts no writes: raise `allocatedStorage` (`storageGiB` \
             under `database:`), then run",
            "",
        ),
    ),
    (
        "insufficient-capacity",
        waits(
            "AWS has no capacity for this instance class in the zones of `{id}`: choose another class, or try again later; \
             then run",
            "",
        ),
    ),
    (
        "incompatible-network",
        waits(
            "`{id}` cannot use its network: free addresses in its subnets, and check its events for other causes; then run",
            EVENTS,
        ),
    ),
    (
        "incompatible-parameters",
        waits(
            "`{id}` cannot start with its parameter group: correct the parameter that its events name, and reboot it; \
             then run",
            EVENTS,
        ),
    ),
    (
        "incompatible-option-group",
        waits(
            "`{id}` cannot use the options of its option group: correct what its events name, then run",
            EVENTS,
        ),
    ),
    (
        "incompatible-credentials",
        waits(
            "AWS cannot use the master user of `{id}`: correct what its events name, then run",
            EVENTS,
        ),
    ),
    (
        "inaccessible-encryption-credentials",
        waits(
            "AWS cannot use the KMS key of `{id}`: enable the key, or cancel its deletion (`aws kms cancel-key-deletion`); \
             if the instance does not come back, restore it from a backup; then run",
            KEY,
        ),
    ),
    (
        "inaccessible-encryption-credentials-recoverable",
        waits(
            "AWS cannot use the KMS key of `{id}`: enable the key, and start the instance within seven days; then run",
            "aws rds start-db-instance --db-instance-identifier {id}",
        ),
    ),
    (
        "modify-failed",
        waits(
            "a change of `{id}` failed: correct what its events name, then run",
            EVENTS,
        ),
    ),
    (
        "upgrade-failed",
        waits(
            "an upgrade of `{id}` failed: correct what its events name, then run",
            EVENTS,
        ),
    ),
    ("deleting", Lost),
    ("failed", Lost),
    ("incompatible-create", Lost),
    ("incompatible-restore", Lost),
    ("restore-error", Lost),
];

/// `ParameterApplyStatus` of an instance. A parameter that waits for a reboot or an upgrade is shown, and holds nothing up.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBParameterGroupStatus.html>
pub(super) const DB_PARAMETERS: &States = &[
    ("in-sync", Usable),
    ("pending-reboot", Usable),
    ("pending-database-upgrade", Usable),
    ("applying", Passing),
    (
        "failed-to-apply",
        waits(
            "`{id}` cannot use the values of its parameter group: correct the parameter that its events name, then run",
            EVENTS,
        ),
    ),
];

/// Membership of an instance in a security group.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_VpcSecurityGroupMembership.html>
pub(super) const DB_SECURITY_GROUP: &States = &[
    ("active", Usable),
    ("adding", Passing),
    ("removing", Passing),
];

/// Replication of a read replica.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBInstanceStatusInfo.html>
pub(super) const DB_REPLICATION: &States = &[
    ("replicating", Usable),
    ("replication stop point set", Passing),
    (
        "replication stop point reached",
        waits(REPLICATION_STOPPED, EVENTS),
    ),
    ("stopped", waits(REPLICATION_STOPPED, EVENTS)),
    (
        "error",
        waits(
            "the replication of `{id}` has failed: correct what its events name, or delete the replica so that it is \
             created again; then run",
            EVENTS,
        ),
    ),
    ("terminated", Lost),
];

/// `Status` of an event subscription.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_EventSubscription.html>
pub(super) const EVENT_SUBSCRIPTION: &States = &[
    ("creating", Passing),
    ("modifying", Passing),
    ("active", Usable),
    (
        "no-permission",
        waits(
            "RDS may not publish to the topic of `{id}`: allow `sns:Publish` for `events.rds.amazonaws.com` in the policy \
             of the topic, then run",
            TOPIC,
        ),
    ),
    (
        "topic-not-exist",
        waits(
            "the topic of `{id}` does not exist any more: create it, or name another one; then run",
            TOPIC,
        ),
    ),
    ("deleting", Lost),
];

const TOPIC: &str = "aws rds describe-event-subscriptions --subscription-name {id} --query 'EventSubscriptionsList[].SnsTopicArn'";

/// The action for a database that has failed with data in it: AWS says to restore it.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html>
pub(super) const DB_RESTORE: Hand = Hand {
    text: "AWS cannot repair `{id}`, and its data exists only in its backups: restore it to the latest restorable time as \
           another instance, delete this one (`--no-delete-automated-backups` keeps its backups), and give its name \
           to the restored one; then run",
    command: "aws rds restore-db-instance-to-point-in-time --source-db-instance-identifier {id} --target-db-instance-identifier {id}-restored --use-latest-restorable-time",
};

const REPLICATION_STOPPED: &str =
    "the replication of `{id}` was stopped in the database: start it there again, then run";

const EVENTS: &str =
    "aws rds describe-events --source-type db-instance --source-identifier {id} --duration 1440";
const KEY: &str =
    "aws rds describe-db-instances --db-instance-identifier {id} --query 'DBInstances[].KmsKeyId'";

#[cfg(test)]
mod tests;
