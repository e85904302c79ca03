//! `aws:ec2:Route`.

use async_trait::async_trait;
use aws_sdk_ec2::types::{Filter, NatGatewayState, RouteState};
use serde_json::{Value as Json, json};

use crate::common::World;
use crate::common::program::Program;
use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

const NETWORK: &str = "\
vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
wayOut: { type: aws:ec2:InternetGateway, properties: { vpcId: '${vpc.id}' } }
subnet: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.1.0/24 } }
one: { type: aws:ec2:NatGateway, properties: { subnetId: '${subnet.id}', connectivityType: private } }
two: { type: aws:ec2:NatGateway, properties: { subnetId: '${subnet.id}', connectivityType: private } }
first: { type: aws:ec2:RouteTable, properties: { vpcId: '${vpc.id}' } }
second: { type: aws:ec2:RouteTable, properties: { vpcId: '${vpc.id}' } }
";

struct Route;

/// The table and the destination of a route.
fn parts(id: &str) -> (&str, &str) {
    id.split_once('|').expect("a route's id has two parts")
}

async fn find(sdk: &Sdk, id: &str) -> Option<aws_sdk_ec2::types::Route> {
    let (table, destination) = parts(id);
    let answer = sdk
        .ec2
        .describe_route_tables()
        .route_table_ids(table)
        .send()
        .await
        .ok()?;
    let mut routes = answer.route_tables().first()?.routes().iter();
    routes
        .find(|route| route.destination_cidr_block() == Some(destination))
        .cloned()
}

#[async_trait]
impl ResourceTypeTest for Route {
    fn token(&self) -> &'static str {
        "aws:ec2:Route"
    }

    fn needs(&self) -> &'static str {
        NETWORK
    }

    fn base(&self) -> &'static str {
        "{ routeTableId: '${first.id}', destinationCidrBlock: 0.0.0.0/0, gatewayId: '${wayOut.id}' }"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::moves(
                "/table",
                ("routeTableId: ${first.id}", "first"),
                ("routeTableId: ${second.id}", "second"),
            ),
            Edit::moves(
                "/destination",
                ("destinationCidrBlock: 192.168.0.0/16", "192.168.0.0/16"),
                ("destinationCidrBlock: 172.16.5.5/12", "172.16.0.0/12"),
            ),
            Edit::in_place(
                "/target",
                ("gatewayId: ${wayOut.id}", "wayOut"),
                ("{ gatewayId: null, natGatewayId: '${one.id}' }", "one"),
            ),
            Edit::in_place(
                "/target",
                ("{ gatewayId: null, natGatewayId: '${one.id}' }", "one"),
                ("{ gatewayId: null, natGatewayId: '${two.id}' }", "two"),
            )
            .removed("wayOut"),
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let route = find(sdk, id).await?;
        let target = route.gateway_id().or(route.nat_gateway_id());
        Some(json!({
            "table": sdk.ec2_name(Some(parts(id).0)).await,
            "destination": route.destination_cidr_block(),
            "target": sdk.ec2_name(target).await,
        }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        let (table, destination) = parts(id);
        sdk.ec2
            .delete_route()
            .route_table_id(table)
            .destination_cidr_block(destination)
            .send()
            .await
            .is_ok()
    }

    /// Leads it to one of the stack's NAT gateways.
    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        let (table, destination) = parts(id);
        let stack = sdk.ec2_tags(table).await["fde:stack"].clone();
        let of_stack = Filter::builder().name("tag:fde:stack").values(stack);
        let answer = sdk
            .ec2
            .describe_nat_gateways()
            .filter(of_stack.build())
            .send()
            .await
            .expect("EC2 answers");
        let target = answer
            .nat_gateways()
            .iter()
            .find(|gateway| gateway.state() == Some(&NatGatewayState::Available))
            .and_then(|gateway| gateway.nat_gateway_id());
        sdk.ec2
            .replace_route()
            .route_table_id(table)
            .destination_cidr_block(destination)
            .nat_gateway_id(target.expect("the stack has a NAT gateway"))
            .send()
            .await
            .is_ok()
    }

    async fn foreign_tag(&self, _sdk: &Sdk, _id: &str, _set: bool) -> Option<bool> {
        None
    }
}

#[tokio::test]
async fn route() {
    check("e2e-ec2-route", &Route).await;
}

#[tokio::test]
async fn a_route_into_a_black_hole_is_led_to_the_new_gateway() {
    let world = World::new("e2e-ec2-route-black-hole").await;
    let resources = format!(
        "{NETWORK}
out:
  type: aws:ec2:Route
  properties: {{ routeTableId: '${{first.id}}', destinationCidrBlock: 0.0.0.0/0, natGatewayId: '${{one.id}}' }}"
    );
    world.up(&resources).await;
    let route = world.id(&resources, "out").await;
    let gateway = world.id(&resources, "one").await;
    let deleted = world.sdk.ec2.delete_nat_gateway().nat_gateway_id(&gateway);
    deleted.send().await.expect("the gateway can be deleted");
    let state = |route: aws_sdk_ec2::types::Route| route.state().cloned();
    assert_eq!(
        find(&world.sdk, &route).await.and_then(state),
        Some(RouteState::Blackhole)
    );

    world.up(&resources).await;
    assert!(world.preview(&resources).await.is_empty());
    let mended = find(&world.sdk, &route).await.expect("the route is there");
    assert_eq!(mended.state(), Some(&RouteState::Active));
    assert_ne!(mended.nat_gateway_id(), Some(gateway.as_str()));
    world.destroy(&resources).await;
}

/// AWS would accept it, and return it under the other name.
#[tokio::test]
async fn a_nat_gateway_that_is_named_as_a_gateway_is_refused_offline() {
    let world = World::new("e2e-ec2-route-kind").await;
    let program = Program::of(&world);
    for (named, help) in [
        ("gatewayId: '${one.id}'", "name it in `natGatewayId`"),
        ("natGatewayId: '${wayOut.id}'", "name it in `gatewayId`"),
    ] {
        let file = format!(
            "{NETWORK}out: {{ type: aws:ec2:Route, properties: {{ routeTableId: '${{first.id}}', destinationCidrBlock: 0.0.0.0/0, {named} }} }}\n"
        );
        let ended = program.run(&file, "validate", &[]);
        assert_ne!(ended.status, Some(0), "{}", ended.screen);
        assert!(ended.stderr.contains(help), "{}", ended.screen);
    }
}
