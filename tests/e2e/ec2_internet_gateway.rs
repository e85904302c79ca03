//! `aws:ec2:InternetGateway`.

use async_trait::async_trait;
use aws_sdk_ec2::types::Tag;
use serde_json::{Value as Json, json};

use fde_infra::execute::Outcome;
use fde_infra::resource::ErrorKind;

use crate::common::World;
use crate::common::needs::TWO_VPCS;
use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

struct InternetGateway;

async fn vpc_of(sdk: &Sdk, id: &str) -> Option<Option<String>> {
    let answer = sdk
        .ec2
        .describe_internet_gateways()
        .internet_gateway_ids(id)
        .send()
        .await
        .ok()?;
    let attachment = answer.internet_gateways().first()?.attachments().first();
    Some(attachment.and_then(|attachment| attachment.vpc_id().map(str::to_owned)))
}

async fn detach(sdk: &Sdk, id: &str) -> bool {
    let vpc = vpc_of(sdk, id).await.flatten();
    sdk.ec2
        .detach_internet_gateway()
        .internet_gateway_id(id)
        .set_vpc_id(vpc)
        .send()
        .await
        .is_ok()
}

#[async_trait]
impl ResourceTypeTest for InternetGateway {
    fn token(&self) -> &'static str {
        "aws:ec2:InternetGateway"
    }

    fn needs(&self) -> &'static str {
        TWO_VPCS
    }

    fn base(&self) -> &'static str {
        "vpcId: ${first.id}"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::replaces(
                "/vpc",
                ("vpcId: ${first.id}", "first"),
                ("vpcId: ${second.id}", "second"),
            )
            .removed("first"),
            Edit::replaces(
                "/vpc",
                ("vpcId: ${second.id}", json!("second")),
                ("vpcId: null", Json::Null),
            ),
            Edit::in_place(
                "/vpc",
                ("vpcId: null", Json::Null),
                ("vpcId: ${second.id}", json!("second")),
            ),
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let vpc = vpc_of(sdk, id).await?;
        Some(json!({ "vpc": sdk.ec2_name(vpc.as_deref()).await }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        let deleted = sdk.ec2.delete_internet_gateway().internet_gateway_id(id);
        detach(sdk, id).await && deleted.send().await.is_ok()
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        detach(sdk, id).await
    }

    async fn foreign_tag(&self, sdk: &Sdk, id: &str, set: bool) -> Option<bool> {
        sdk.ec2_foreign_tag(id, set).await
    }
}

#[tokio::test]
async fn internet_gateway() {
    check("e2e-ec2-internet-gateway", &InternetGateway).await;
}

/// A VPC takes one gateway. Another run of the stack may have been quicker, or another party.
#[tokio::test]
async fn the_gateway_of_another_is_told_from_our_own() {
    let world = World::new("e2e-igw-second").await;
    let vpc = "net: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }\n";
    let both = format!(
        "{vpc}gateway: {{ type: aws:ec2:InternetGateway, properties: {{ vpcId: '${{net.id}}' }} }}\n"
    );
    world.up(vpc).await;
    let net = world.id(vpc, "net").await;
    // Before the other one is attached, the run has seen none.
    for (tags, expected) in [
        (vec![], ErrorKind::NotOurs),
        (
            vec![
                ("fde:stack", world.stack_tag()),
                (
                    "fde:urn",
                    format!(
                        "urn:fde:{}::aws:ec2:InternetGateway::gateway",
                        world.stack_tag()
                    ),
                ),
            ],
            ErrorKind::Conflict,
        ),
    ] {
        let plan = world.preview(&both).await;
        let created = world
            .sdk
            .ec2
            .create_internet_gateway()
            .send()
            .await
            .expect("is created");
        let other = created
            .internet_gateway()
            .and_then(|gateway| gateway.internet_gateway_id());
        let other = other.expect("has an id");
        for (key, value) in tags {
            let tag = Tag::builder().key(key).value(value).build();
            let tagged = world
                .sdk
                .ec2
                .create_tags()
                .resources(other)
                .tags(tag)
                .send();
            tagged.await.expect("is tagged");
        }
        let attached = world.sdk.ec2.attach_internet_gateway();
        let attached = attached.internet_gateway_id(other).vpc_id(&net).send();
        attached.await.expect("is attached");
        let Outcome::Failed(report) = world.run(plan).await.outcome else {
            panic!("a second gateway is attached");
        };
        let kinds: Vec<ErrorKind> = report.failed.iter().map(|(_, error)| error.kind).collect();
        assert_eq!(kinds, [expected]);
        assert_eq!(vpc_of(&world.sdk, other).await, Some(Some(net.clone())));
        if expected == ErrorKind::NotOurs {
            assert!(detach(&world.sdk, other).await);
        }
    }
    // Ours and attached, it is the one; what this run made goes.
    world.up(&both).await;
    world.destroy(&both).await;
}
