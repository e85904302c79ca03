//! Each state that AWS documents has a meaning, and each type its states.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{
    AttachmentStatus, NatGatewayState, RouteState, RouteTableAssociationStateCode, SubnetState,
    VpcState,
};
use aws_sdk_ecs::types::{DeploymentRolloutState, TaskDefinitionStatus};
use aws_sdk_elasticloadbalancingv2::types::{
    LoadBalancerStateEnum, TargetHealthReasonEnum, TargetHealthStateEnum,
};
use aws_sdk_kms::types::KeyState;

use super::*;
use crate::aws::registry::catalog;

/// The states by which each type is waited for, and the types without states in AWS: they can be used once they exist.
const TYPES: [(&str, &[&States]); 53] = [
    ("aws:appautoscaling:Policy", &[]),
    ("aws:appautoscaling:Target", &[]),
    ("aws:cloudwatch:Dashboard", &[]),
    ("aws:cloudwatch:LogGroup", &[]),
    ("aws:cloudwatch:MetricAlarm", &[]),
    ("aws:ec2:Eip", &[]),
    ("aws:ec2:FlowLog", &[]),
    ("aws:ec2:InternetGateway", &[ATTACHMENT]),
    ("aws:ec2:NatGateway", &[NAT_GATEWAY]),
    ("aws:ec2:Route", &[ROUTE]),
    ("aws:ec2:RouteTable", &[]),
    ("aws:ec2:RouteTableAssociation", &[ROUTE_TABLE_ASSOCIATION]),
    ("aws:ec2:SecurityGroup", &[]),
    ("aws:vpc:SecurityGroupEgressRule", &[]),
    ("aws:vpc:SecurityGroupIngressRule", &[]),
    ("aws:ec2:Subnet", &[SUBNET]),
    ("aws:ec2:Vpc", &[VPC]),
    ("aws:ecr:ImageTag", &[]),
    ("aws:ecr:LifecyclePolicy", &[]),
    ("aws:ecr:Repository", &[]),
    ("aws:ecs:Cluster", &[CLUSTER]),
    (
        "aws:ecs:Service",
        &[
            SERVICE,
            ROLLOUT,
            DEPLOYMENT,
            SERVICE_EVENT,
            TASK_STOPPED,
            TARGET,
            TARGET_REASON,
        ],
    ),
    ("aws:ecs:TaskDefinition", &[TASK_DEFINITION]),
    ("aws:iam:Policy", &[]),
    ("aws:iam:Role", &[]),
    ("aws:iam:RolePolicy", &[]),
    ("aws:iam:RolePolicyAttachment", &[]),
    ("aws:kms:Alias", &[]),
    ("aws:kms:Key", &[KMS_KEY]),
    ("aws:lb:Listener", &[]),
    ("aws:lb:ListenerRule", &[]),
    ("aws:lb:LoadBalancer", &[LOAD_BALANCER]),
    ("aws:lb:TargetGroup", &[]),
    ("aws:rds:EventSubscription", &[EVENT_SUBSCRIPTION]),
    (
        "aws:rds:Instance",
        &[
            DB_INSTANCE,
            DB_PARAMETERS,
            DB_SECURITY_GROUP,
            DB_REPLICATION,
        ],
    ),
    ("aws:rds:ParameterGroup", &[]),
    ("aws:rds:SubnetGroup", &[]),
    ("aws:s3:Bucket", &[]),
    ("aws:s3:BucketLifecycleConfiguration", &[]),
    ("aws:s3:BucketOwnershipControls", &[]),
    ("aws:s3:BucketPolicy", &[]),
    ("aws:s3:BucketPublicAccessBlock", &[]),
    ("aws:s3:BucketServerSideEncryptionConfiguration", &[]),
    ("aws:s3:BucketVersioning", &[]),
    ("aws:secretsmanager:Secret", &[]),
    ("aws:secretsmanager:SecretVersion", &[]),
    ("fde:secretsmanager:TargetAttachment", &[]),
    ("aws:sns:Topic", &[]),
    ("aws:sns:TopicPolicy", &[]),
    ("aws:sns:TopicSubscription", &[]),
    ("aws:wafv2:WebAcl", &[]),
    ("aws:wafv2:WebAclAssociation", &[]),
    ("aws:wafv2:WebAclLoggingConfiguration", &[]),
];

#[test]
fn every_type_has_its_states_or_none() {
    let catalog = catalog();
    let known: BTreeSet<&str> = TYPES.iter().map(|(token, _)| *token).collect();
    let registered: BTreeSet<&str> = catalog.iter().map(|schema| schema.token).collect();
    assert_eq!(
        known, registered,
        "\nWhat to do: a row in `TYPES` of src/aws/states/tests.rs for each type, with the tables of its states"
    );
    for (token, tables) in TYPES {
        for table in tables {
            let usable = table.iter().any(|(_, standing)| *standing == Usable);
            assert!(usable, "{token}: {table:?} never ends well");
        }
    }
}

#[test]
fn a_state_that_aws_has_added_since_is_waited_for_and_named() {
    for (token, tables) in TYPES {
        for table in tables {
            let condition = condition(table, "something-new");
            let expected = Condition::Settling("something-new".to_owned());
            assert_eq!(condition, expected, "{token}");
        }
    }
}

/// Lists of states are open: if the object works, a new name of its state leaves nothing to do.
#[test]
fn a_state_that_aws_has_added_since_is_usable_where_the_object_serves() {
    for (token, tables) in TYPES {
        for table in tables {
            let found = condition_of(table, "something-new", true);
            assert!(found.is_usable(), "{token}: {found:?}");
            assert!(
                matches!(&found, Condition::Busy(text) if text.contains("`something-new`")),
                "{token}: {found:?}"
            );
            let found = condition_of(table, "something-new", false);
            assert!(!found.is_usable(), "{token}: {found:?}");
            // Known states keep their meaning.
            for (state, _) in *table {
                assert_eq!(condition_of(table, state, true), condition(table, state));
            }
        }
    }
}

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
    check(ROUTE, RouteState::values());
    check(KMS_KEY, KeyState::values());
    let mut attachment = AttachmentStatus::values().to_vec();
    attachment.push("available");
    check(ATTACHMENT, &attachment);
    check(ROLLOUT, DeploymentRolloutState::values());
    check(TARGET, TargetHealthStateEnum::values());
    check(TARGET_REASON, TargetHealthReasonEnum::values());
    check(TASK_DEFINITION, TaskDefinitionStatus::values());
    // AWS's model has no list of these, only the documentation does:
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
    // <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Service.html>
    check(SERVICE, &["ACTIVE", "DRAINING", "INACTIVE"]);
    // <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html>
    check(DEPLOYMENT, &["PRIMARY", "ACTIVE", "INACTIVE"]);
    check(
        DB_PARAMETERS,
        &[
            "applying",
            "failed-to-apply",
            "in-sync",
            "pending-database-upgrade",
            "pending-reboot",
        ],
    );
    check(DB_SECURITY_GROUP, &["active", "adding", "removing"]);
    check(
        EVENT_SUBSCRIPTION,
        &[
            "active",
            "creating",
            "deleting",
            "modifying",
            "no-permission",
            "topic-not-exist",
        ],
    );
    check(
        DB_REPLICATION,
        &[
            "replicating",
            "replication stop point set",
            "replication stop point reached",
            "error",
            "stopped",
            "terminated",
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
    for table in TYPES.iter().flat_map(|(_, tables)| *tables) {
        for (state, standing) in *table {
            let remedy = hand(table, state, "shop");
            assert_eq!(remedy.is_some(), matches!(standing, Standing::Waits(_)));
            let Some(remedy) = remedy else { continue };
            // A command to run again follows.
            assert!(remedy.text.ends_with("then run"), "{state}");
            let written = [vec![remedy.text], remedy.commands].concat().join(" ");
            assert!(!written.contains("{id}"), "{state}: {written}");
            assert!(!written.contains("  "), "{state}: {written}");
        }
    }
    assert_eq!(hand(DB_INSTANCE, "available", "shop"), None);
    assert_eq!(standing(DB_INSTANCE, "something-new"), None);
}
