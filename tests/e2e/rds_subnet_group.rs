//! `aws:rds:SubnetGroup`.

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use fde_infra::aws::{AwsProvider, Connection, connect};

use crate::common::proxy::{Proxy, Refusal};
use crate::common::resource_type::{Edit, Effect, ResourceTypeTest, check};
use crate::common::sdk::Sdk;
use crate::common::{REGION, World, endpoint};

struct SubnetGroup;

#[async_trait]
impl ResourceTypeTest for SubnetGroup {
    fn token(&self) -> &'static str {
        "aws:rds:SubnetGroup"
    }

    fn needs(&self) -> &'static str {
        "
vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
a: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.0.0/24, availabilityZone: eu-south-2a } }
b: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.1.0/24, availabilityZone: eu-south-2b } }
c: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.2.0/24, availabilityZone: eu-south-2c } }
"
    }

    fn base(&self) -> &'static str {
        "subnetIds: ['${a.id}', '${b.id}']"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit {
                set: "description: one",
                change: "description: two",
                effect: Effect::InPlace,
                shows: "/description",
                after_set: json!("one"),
                after_change: json!("two"),
                after_removal: Some(json!("Managed by fde-infra")),
            },
            Edit {
                set: "subnetIds: ['${a.id}', '${b.id}', '${c.id}']",
                change: "subnetIds: ['${c.id}', '${b.id}']",
                effect: Effect::InPlace,
                shows: "/zones",
                after_set: json!(["eu-south-2a", "eu-south-2b", "eu-south-2c"]),
                after_change: json!(["eu-south-2b", "eu-south-2c"]),
                after_removal: Some(json!(["eu-south-2a", "eu-south-2b"])),
            },
            Edit {
                set: "name: E2E-Subnets-One",
                change: "name: e2e-subnets-two",
                effect: Effect::Replaces,
                shows: "/name",
                after_set: json!("e2e-subnets-one"),
                after_change: json!("e2e-subnets-two"),
                after_removal: None,
            },
        ]
    }

    fn without_a_row(&self) -> &'static [(&'static str, &'static str)] {
        &[(
            "vpcId",
            "changes with the subnets: `stacks.rs` moves a platform",
        )]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let answer = sdk
            .rds
            .describe_db_subnet_groups()
            .db_subnet_group_name(id)
            .send()
            .await
            .ok()?;
        let group = answer.db_subnet_groups().first()?;
        let mut zones: Vec<&str> = group
            .subnets()
            .iter()
            .filter_map(|subnet| subnet.subnet_availability_zone()?.name())
            .collect();
        zones.sort_unstable();
        Some(json!({
            "name": group.db_subnet_group_name(),
            "description": group.db_subnet_group_description(),
            "zones": zones,
        }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        sdk.rds
            .delete_db_subnet_group()
            .db_subnet_group_name(id)
            .send()
            .await
            .is_ok()
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        let answer = sdk
            .rds
            .describe_db_subnet_groups()
            .db_subnet_group_name(id)
            .send()
            .await
            .expect("subnet groups can be listed");
        let subnets = answer.db_subnet_groups()[0]
            .subnets()
            .iter()
            .filter_map(|subnet| subnet.subnet_identifier().map(str::to_owned))
            .collect();
        sdk.rds
            .modify_db_subnet_group()
            .db_subnet_group_name(id)
            .db_subnet_group_description("somebody's")
            .set_subnet_ids(Some(subnets))
            .send()
            .await
            .is_ok()
    }

    async fn foreign_tag(&self, sdk: &Sdk, id: &str, set: bool) -> Option<bool> {
        let answer = sdk
            .rds
            .describe_db_subnet_groups()
            .db_subnet_group_name(id)
            .send()
            .await
            .expect("subnet groups can be listed");
        let arn = answer.db_subnet_groups().first()?.db_subnet_group_arn()?;
        sdk.foreign_tag(arn, set).await
    }
}

#[tokio::test]
async fn subnet_group() {
    check("e2e-rds-subnet-group", &SubnetGroup).await;
}

/// An account in which no database has been made yet has no service-linked role of RDS.
/// <https://github.com/terraform-aws-modules/terraform-aws-rds/issues/364>
#[tokio::test]
async fn an_account_without_the_role_of_rds_gets_it() {
    const ROLE: &str = "AWSServiceRoleForRDS";
    let mut world = World::new("e2e-rds-service-role").await;
    // There is one if the account has seen this test before.
    let role = world.sdk.iam.delete_service_linked_role().role_name(ROLE);
    drop(role.send().await);
    // The creation of the first group is refused until the role exists, and once more until it shows; that of the second as
    // if the existing role did not show yet.
    let proxy = Proxy::before(endpoint(), |call| {
        let refused = call.operation == "CreateDBSubnetGroup" && matches!(call.turn, 1 | 2 | 4);
        let message = "Missing necessary credentials. Please check http://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAM.ServiceLinkedRoles.html";
        refused.then_some(
            Refusal {
                status: 400,
                code: "InvalidParameterValue",
                message,
            }
            .into(),
        )
    });
    let connection = Connection {
        profile: None,
        region: Some(REGION.to_owned()),
        endpoint_url: Some(proxy.endpoint.clone()),
        static_credentials: Some(("e2e-rds-service-role".to_owned(), "test".to_owned())),
    };
    let context = connect(&connection).await.expect("the account answers");
    world.provider = AwsProvider::new(context);
    let needs = SubnetGroup.needs();
    let group = |name: &str| {
        format!(
            "{name}: {{ type: aws:rds:SubnetGroup, properties: {{ subnetIds: ['${{a.id}}', '${{b.id}}'] }} }}"
        )
    };
    let one = format!("{needs}\n{}", group("one"));
    world.up(&one).await;
    assert_eq!(proxy.calls("CreateServiceLinkedRole"), 1);
    let both = format!("{one}\n{}", group("two"));
    world.up(&both).await;
    assert_eq!(proxy.calls("CreateServiceLinkedRole"), 2);
    assert_eq!(proxy.calls("CreateDBSubnetGroup"), 5);
    world.destroy(&both).await;
    // It is the account's, and stays.
    let role = world.sdk.iam.get_role().role_name(ROLE).send().await;
    assert!(role.is_ok(), "{role:?}");
}
