//! What each state that AWS documents means for whoever waits: for every type that has states.
//!
//! A state that passes is waited for. One that only a person ends is not: the wait ends at once, and says what to do.
//! A state that is not here is one that AWS has added since; it is waited for, up to the deadline.

use crate::resource::provider::Remedy;

/// What a state means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It can be used, and mostly changed.
    Usable,
    /// It ends by itself.
    Passing,
    /// It ends when a person does something.
    Waits(Hand),
    /// The object will not be usable again.
    Lost,
}

/// What a person does. `{id}` stands for the object's id.
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

/// What a state means; nothing if the table does not have it.
pub(super) fn standing(states: &States, state: &str) -> Option<Standing> {
    let found = states.iter().find(|(name, _)| *name == state);
    found.map(|(_, standing)| *standing)
}

/// Whether a state never ends in one that can be used.
pub(super) fn is_lost(states: &States, state: &str) -> bool {
    standing(states, state) == Some(Standing::Lost)
}

/// What a person has to do about a state, if that is what it waits for.
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

/// `unavailable` and `failed` are of subnets on Outposts.
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
    // It serves, though it cannot grow: its subnets have no addresses left.
    ("active_impaired", Usable),
    ("failed", Lost),
];

pub(super) const CLUSTER: &States = &[
    ("PROVISIONING", Passing),
    ("ACTIVE", Usable),
    ("DEPROVISIONING", Passing),
    ("FAILED", Lost),
    ("INACTIVE", Lost),
];

pub(super) const TASK_DEFINITION: &States = &[
    ("ACTIVE", Usable),
    ("INACTIVE", Lost),
    ("DELETE_IN_PROGRESS", Lost),
];

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html>, and those that the API has besides.
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
            "somebody has stopped `{id}`, and AWS changes no database that is stopped; start it, which takes minutes, then run",
            "aws rds start-db-instance --db-instance-identifier {id}",
        ),
    ),
    (
        "storage-full",
        waits(
            "the storage of `{id}` is full, and it takes no writes; raise `allocatedStorage` (`allocatedStorageGiB`), then run",
            "",
        ),
    ),
    (
        "insufficient-capacity",
        waits(
            "AWS has no instance of this class left in the zones of `{id}`; want another class, or try it later; then run",
            "",
        ),
    ),
    (
        "incompatible-network",
        waits(
            "`{id}` finds no place in its network: give its subnets free addresses, and look what else its events name; \
             then run",
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
            "`{id}` cannot have the options of its option group; correct what its events name, then run",
            EVENTS,
        ),
    ),
    (
        "incompatible-credentials",
        waits(
            "AWS cannot use the master user of `{id}`; correct what its events name, then run",
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
            "a change of `{id}` failed; correct what its events name, then run",
            EVENTS,
        ),
    ),
    (
        "upgrade-failed",
        waits(
            "an upgrade of `{id}` failed; correct what its events name, then run",
            EVENTS,
        ),
    ),
    ("deleting", Lost),
    ("failed", Lost),
    ("incompatible-create", Lost),
    ("incompatible-restore", Lost),
    ("restore-error", Lost),
];

const EVENTS: &str =
    "aws rds describe-events --source-type db-instance --source-identifier {id} --duration 1440";
const KEY: &str =
    "aws rds describe-db-instances --db-instance-identifier {id} --query 'DBInstances[].KmsKeyId'";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use aws_sdk_ec2::types::{
        NatGatewayState, RouteTableAssociationStateCode, SubnetState, VpcState,
    };
    use aws_sdk_ecs::types::TaskDefinitionStatus;
    use aws_sdk_elasticloadbalancingv2::types::LoadBalancerStateEnum;

    use super::*;

    fn check(states: &States, documented: &[&str]) {
        let documented: BTreeSet<&str> = documented.iter().copied().collect();
        let known: BTreeSet<&str> = states.iter().map(|(state, _)| *state).collect();
        assert_eq!(known, documented);
        assert_eq!(known.len(), states.len(), "a state is in it twice");
    }

    #[test]
    fn every_documented_state_has_a_meaning() {
        check(VPC, VpcState::values());
        check(SUBNET, SubnetState::values());
        check(NAT_GATEWAY, NatGatewayState::values());
        check(
            ROUTE_TABLE_ASSOCIATION,
            RouteTableAssociationStateCode::values(),
        );
        check(LOAD_BALANCER, LoadBalancerStateEnum::values());
        check(TASK_DEFINITION, TaskDefinitionStatus::values());
        // Of these AWS's model has no list, only its documentation:
        // <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Cluster.html>
        check(
            CLUSTER,
            &[
                "ACTIVE",
                "PROVISIONING",
                "DEPROVISIONING",
                "FAILED",
                "INACTIVE",
            ],
        );
        check(
            DB_INSTANCE,
            &[
                "available",
                "backing-up",
                "backtracking",
                "configuring-enhanced-monitoring",
                "configuring-iam-database-auth",
                "configuring-log-exports",
                "converting-to-vpc",
                "creating",
                "delete-precheck",
                "deleting",
                "failed",
                "inaccessible-encryption-credentials",
                "inaccessible-encryption-credentials-recoverable",
                "incompatible-create",
                "incompatible-credentials",
                "incompatible-network",
                "incompatible-option-group",
                "incompatible-parameters",
                "incompatible-restore",
                "insufficient-capacity",
                "maintenance",
                "modify-failed",
                "modifying",
                "moving-to-vpc",
                "rebooting",
                "renaming",
                "resetting-master-credentials",
                "restore-error",
                "starting",
                "stopped",
                "stopping",
                "storage-config-upgrade",
                "storage-full",
                "storage-initialization",
                "storage-optimization",
                "upgrade-failed",
                "upgrading",
            ],
        );
    }

    #[test]
    fn what_a_person_has_to_do_names_the_object() {
        let remedy = hand(DB_INSTANCE, "stopped", "shop").expect("a hand");
        assert!(remedy.text.contains("`shop`"), "{}", remedy.text);
        assert_eq!(
            remedy.commands,
            ["aws rds start-db-instance --db-instance-identifier shop"]
        );
        for (state, standing) in DB_INSTANCE {
            let remedy = hand(DB_INSTANCE, state, "shop");
            assert_eq!(remedy.is_some(), matches!(standing, Standing::Waits(_)));
            // A command to run it again follows.
            assert!(
                remedy.is_none_or(|remedy| remedy.text.ends_with("then run")),
                "{state}"
            );
        }
        assert_eq!(hand(DB_INSTANCE, "available", "shop"), None);
        assert_eq!(standing(DB_INSTANCE, "something-new"), None);
    }
}
