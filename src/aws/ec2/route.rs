//! Route: a part of a route table, without tags, identified by its destination.
//!
//! - A route whose target is gone stays listed as `blackhole`: it is read as a route without target, which is drift
//!   (kubernetes/kops#16879).
//! - The `local` route of every table is AWS's own; propagated and advertised routes belong to their sender, and may have
//!   the same destination as one of ours, which takes precedence over them (hashicorp/terraform-provider-aws#36510). Routes
//!   to targets that this type does not support cannot have been made by us: they are left alone, unless the stack wants
//!   their destination.
//! - AWS takes any kind of gateway as `GatewayId`, but returns a NAT gateway as `NatGatewayId` and a transit gateway as
//!   `TransitGatewayId`: a permanent difference, so the kind is checked (hashicorp/terraform-provider-aws#9445,
//!   pulumi/pulumi-aws#1574).
//! - `ReplaceRoute` with another table would leave the old route behind (hashicorp/terraform-provider-aws#4946).

use aws_sdk_ec2::types::{Route as SdkRoute, RouteOrigin, RouteState};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::route_table;
use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::aws::resource_type::{Change, Live, LiveOf, New, NoOutputs, Old, ResourceType, check};
use crate::aws::states;
use crate::aws::wait::until_visible;
use crate::resource::provider::{Query, Wanted};
use crate::resource::rule::{Beside, Limit, one};
use crate::resource::{
    Condition, CreateClass, ErrorKind, InvalidInput, Properties, PropertyTable, ProviderError,
    Schema, Tags, Value,
};

/// The target of the traffic for one destination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// Id of the route table.
    #[property(required, replaces)]
    pub route_table_id: String,
    /// IPv4 range in CIDR notation; `0.0.0.0/0` is everywhere else.
    #[property(required, replaces, canonical(super::network_address))]
    pub destination_cidr_block: String,
    /// Id of the internet gateway or virtual private gateway that it leads to. Exactly one target is given.
    pub gateway_id: Option<String>,
    /// Id of the NAT gateway that it leads to. Exactly one target is given.
    pub nat_gateway_id: Option<String>,
}

pub struct Route;

impl ResourceType for Route {
    type Inputs = Inputs;
    type Outputs = NoOutputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, NoOutputs>("aws:ec2:Route", CreateClass::PartOfParent)
            .checks(|inputs| check(inputs, fit))
            .beside(&[
                Beside {
                    by: Inputs::GATEWAY_ID,
                    token: "aws:ec2:NatGateway",
                    check: beside_nat_gateway,
                },
                Beside {
                    by: Inputs::NAT_GATEWAY_ID,
                    token: "aws:ec2:InternetGateway",
                    check: beside_internet_gateway,
                },
            ])
            .key(&[Inputs::ROUTE_TABLE_ID, Inputs::DESTINATION_CIDR_BLOCK])
            .limits(&[Limit {
                by: &[Inputs::ROUTE_TABLE_ID],
                measure: one,
                most: 1000,
                quota: Some(500),
                what: "routes of one route table",
                help: "put ranges together, or ask AWS to raise the quota of routes per table",
            }])
            .reads_after(&[route_table::TOKEN])
            .child_of(Inputs::ROUTE_TABLE_ID, route_table::TOKEN)
            .opens()
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let tables = route_table::listing::of_stack(context, query).await?;
        let parents: Vec<&str> = query
            .parents(route_table::TOKEN)
            .map(|table| table.id.as_str())
            .collect();
        Ok(tables
            .iter()
            .filter_map(|table| Some((table.route_table_id()?, table.routes())))
            .filter(|(table, _)| parents.contains(table))
            .flat_map(|(table, routes)| {
                routes
                    .iter()
                    .filter(|route| is_explicit(route))
                    .filter_map(move |route| Some((leads_where_we_can(route), live(table, route)?)))
            })
            .filter(|(ours, route)| *ours || is_wanted(query, &route.inputs))
            .map(|(_, route)| route)
            .collect())
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let inputs = new.inputs;
        let created = until_visible(|| {
            let request = context
                .ec2
                .create_route()
                .route_table_id(&inputs.route_table_id)
                .destination_cidr_block(&inputs.destination_cidr_block)
                .set_gateway_id(inputs.gateway_id.clone())
                .set_nat_gateway_id(inputs.nat_gateway_id.clone());
            context.send(request)
        })
        .await;
        match created {
            Ok(_) => Ok(of(inputs.clone())),
            Err(error) if error.is(ErrorKind::AlreadyExists) => met(context, &new, error).await,
            Err(error) => Err(error),
        }
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let wanted = change.wanted;
        until_visible(|| {
            let request = context
                .ec2
                .replace_route()
                .route_table_id(&wanted.route_table_id)
                .destination_cidr_block(&wanted.destination_cidr_block)
                .set_gateway_id(wanted.gateway_id.clone())
                .set_nat_gateway_id(wanted.nat_gateway_id.clone());
            context.send(request)
        })
        .await?;
        Ok(change.applied())
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        let request = context
            .ec2
            .delete_route()
            .route_table_id(&old.live.inputs.route_table_id)
            .destination_cidr_block(&old.live.inputs.destination_cidr_block);
        context.send(request).await?;
        Ok(())
    }
}

/// The route that has the destination already. In a table of ours we may change its target, unless it is AWS's own.
async fn met(
    context: &Context,
    new: &New<'_, Route>,
    mut error: ProviderError,
) -> AwsResult<LiveOf<Route>> {
    let wanted = new.inputs;
    let found = until_visible(|| async {
        let table = route_table::listing::find(context, &wanted.route_table_id).await?;
        let owned = super::from_sdk(table.tags()).belongs_to(new.urn.stack());
        in_the_way(table.routes(), &wanted.destination_cidr_block)
            .and_then(|route| {
                let live = live(&wanted.route_table_id, route)?;
                Some((owned && is_explicit(route), live))
            })
            .ok_or_else(|| super::not_listed("ec2:DescribeRouteTables", "the route"))
    })
    .await;
    match found {
        Ok((true, route)) => Ok(route),
        Ok((false, route)) => {
            error.kind = ErrorKind::NotOurs;
            error.message = format!(
                "`{}` exists, and either AWS made it or its table is not of this stack",
                route.id
            );
            Err(error)
        }
        Err(unseen) if unseen.is(ErrorKind::NotFound) => Err(error),
        Err(failed) => Err(failed),
    }
}

/// The route that conflicts with another one to the destination. A propagated or advertised route does not conflict.
fn in_the_way<'a>(routes: &'a [SdkRoute], destination: &str) -> Option<&'a SdkRoute> {
    let mut routes = routes.iter();
    routes.find(|route| {
        let is_sent = matches!(
            route.origin(),
            Some(RouteOrigin::EnableVgwRoutePropagation | RouteOrigin::Advertisement)
        );
        let there = route.destination_cidr_block();
        !is_sent && there.is_some_and(|there| super::same_range(there, destination))
    })
}

/// Refuses targets that AWS would reject with a list of all its kinds of targets, or return under another name.
fn fit(inputs: &Inputs) -> Vec<InvalidInput> {
    if inputs.gateway_id.is_some() == inputs.nat_gateway_id.is_some() {
        let reason = "a route leads to exactly one of `gatewayId` and `natGatewayId`";
        // Their number is known, whatever their values are.
        return vec![InvalidInput::new("natGatewayId", reason).decided_by([])];
    }
    let gateway = inputs.gateway_id.as_deref();
    let gateway = gateway.filter(|id| !is_gateway(id)).map(|id| {
        if id.starts_with("nat-") {
            return nat_gateway_as_gateway();
        }
        let reason =
            "is neither an internet gateway (`igw-…`) nor a virtual private gateway (`vgw-…`)";
        InvalidInput::new("gatewayId", reason)
    });
    let nat_gateway = inputs.nat_gateway_id.as_deref();
    let nat_gateway = nat_gateway.filter(|id| !id.starts_with("nat-")).map(|id| {
        if is_gateway(id) {
            return gateway_as_nat_gateway();
        }
        InvalidInput::new("natGatewayId", "is not a NAT gateway (`nat-…`)")
    });
    gateway.into_iter().chain(nat_gateway).collect()
}

fn nat_gateway_as_gateway() -> InvalidInput {
    let reason = "is a NAT gateway, which AWS answers as `natGatewayId`: each run would change it";
    InvalidInput::new("gatewayId", reason).help("name it in `natGatewayId`")
}

fn gateway_as_nat_gateway() -> InvalidInput {
    InvalidInput::new("natGatewayId", "is not a NAT gateway").help("name it in `gatewayId`")
}

/// A route that names a NAT gateway of the file as its `gatewayId`.
fn beside_nat_gateway(_route: &Properties, _gateway: &Properties) -> Vec<InvalidInput> {
    vec![nat_gateway_as_gateway()]
}

/// A route that names an internet gateway of the file as its `natGatewayId`.
fn beside_internet_gateway(_route: &Properties, _gateway: &Properties) -> Vec<InvalidInput> {
    vec![gateway_as_nat_gateway()]
}

/// Returns whether the id is of a kind that `gatewayId` names.
fn is_gateway(id: &str) -> bool {
    id.starts_with("igw-") || id.starts_with("vgw-")
}

/// Returns whether the route was made by a call, not by AWS itself or a routing protocol.
fn is_explicit(route: &SdkRoute) -> bool {
    route.origin() == Some(&RouteOrigin::CreateRoute) && route.gateway_id() != Some("local")
}

fn leads_where_we_can(route: &SdkRoute) -> bool {
    route.nat_gateway_id().is_some() || route.gateway_id().is_some_and(is_gateway)
}

/// Returns whether the stack wants this destination in this table.
fn is_wanted(query: Query<'_>, inputs: &Inputs) -> bool {
    let text = |wanted: &Wanted, name: &str| {
        wanted
            .inputs
            .get(name)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    query.wanted.iter().any(|wanted| {
        text(wanted, "routeTableId").as_deref() == Some(&inputs.route_table_id)
            && text(wanted, "destinationCidrBlock")
                .is_some_and(|range| super::same_range(&range, &inputs.destination_cidr_block))
    })
}

/// `None` for a route whose destination is not an IPv4 range.
fn live(table: &str, route: &SdkRoute) -> Option<LiveOf<Route>> {
    let state = route.state().map_or("active", RouteState::as_str);
    let gone = states::is_lost(states::ROUTE, state);
    let target = |id: Option<&str>| id.filter(|_| !gone).map(str::to_owned);
    Some(of(Inputs {
        route_table_id: table.to_owned(),
        destination_cidr_block: route.destination_cidr_block()?.to_owned(),
        gateway_id: target(route.gateway_id()),
        nat_gateway_id: target(route.nat_gateway_id()),
    }))
}

fn of(inputs: Inputs) -> LiveOf<Route> {
    Live {
        id: format!(
            "{}|{}",
            inputs.route_table_id, inputs.destination_cidr_block
        ),
        arn: None,
        inputs,
        outputs: NoOutputs {},
        tags: Tags::default(),
        condition: Condition::Ready,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route() -> aws_sdk_ec2::types::builders::RouteBuilder {
        SdkRoute::builder()
            .destination_cidr_block("0.0.0.0/0")
            .origin(RouteOrigin::CreateRoute)
            .state(RouteState::Active)
    }

    #[test]
    fn a_black_hole_has_no_target() {
        let active = route().nat_gateway_id("nat-1").build();
        let black = route()
            .nat_gateway_id("nat-1")
            .state(RouteState::Blackhole)
            .build();
        let target = |route| live("rtb-1", route).unwrap().inputs.nat_gateway_id;
        assert_eq!(target(&active).as_deref(), Some("nat-1"));
        assert_eq!(target(&black), None);
        assert!(leads_where_we_can(&black));
    }

    #[test]
    fn the_local_route_and_those_of_others_are_not_ours() {
        let local = route()
            .gateway_id("local")
            .origin(RouteOrigin::CreateRouteTable)
            .build();
        assert!(!is_explicit(&local));
        assert!(!leads_where_we_can(&route().gateway_id("vpce-1").build()));
        assert!(!leads_where_we_can(
            &route().transit_gateway_id("tgw-1").build()
        ));
        assert!(leads_where_we_can(&route().gateway_id("igw-1").build()));
    }

    #[test]
    fn a_route_to_a_prefix_list_is_passed_over() {
        let to_list = SdkRoute::builder()
            .destination_prefix_list_id("pl-1")
            .gateway_id("vpce-1")
            .origin(RouteOrigin::CreateRoute)
            .build();
        assert!(live("rtb-1", &to_list).is_none());
        let default = route().gateway_id("igw-1").build();
        let found = [to_list, default.clone()];
        assert_eq!(in_the_way(&found, "0.0.0.0/0"), Some(&default));
    }

    #[test]
    fn a_propagated_route_to_the_same_destination_is_not_in_the_way() {
        let propagated = route()
            .gateway_id("vgw-1")
            .origin(RouteOrigin::EnableVgwRoutePropagation)
            .build();
        let made = route().nat_gateway_id("nat-1").build();
        let both = [propagated.clone(), made.clone()];
        assert_eq!(in_the_way(&both, "0.0.0.0/0"), Some(&made));
        assert_eq!(in_the_way(&[propagated], "0.0.0.0/0"), None);
        let local = SdkRoute::builder()
            .destination_cidr_block("10.0.0.0/16")
            .gateway_id("local")
            .origin(RouteOrigin::CreateRouteTable)
            .build();
        let found = [local.clone()];
        assert_eq!(in_the_way(&found, "10.0.5.5/16"), Some(&local));
    }

    #[test]
    fn a_gateway_is_named_by_its_kind() {
        let said = |gateway: Option<&str>, nat: Option<&str>| {
            let invalid_inputs = fit(&Inputs {
                route_table_id: "rtb-1".into(),
                destination_cidr_block: "0.0.0.0/0".into(),
                gateway_id: gateway.map(str::to_owned),
                nat_gateway_id: nat.map(str::to_owned),
            });
            let mut invalid_inputs = invalid_inputs.into_iter();
            invalid_inputs
                .next()
                .map(|invalid_input| (invalid_input.at, invalid_input.help))
        };
        let told = |at: &str, help: Option<&str>| Some((at.to_owned(), help.map(str::to_owned)));
        assert_eq!(said(Some("igw-1"), None), None);
        assert_eq!(said(Some("vgw-1"), None), None);
        assert_eq!(said(None, Some("nat-1")), None);
        assert_eq!(
            said(Some("nat-1"), None),
            told("gatewayId", Some("name it in `natGatewayId`"))
        );
        assert_eq!(
            said(None, Some("igw-1")),
            told("natGatewayId", Some("name it in `gatewayId`"))
        );
        for other in ["tgw-1", "eni-1", "local"] {
            assert_eq!(said(Some(other), None), told("gatewayId", None), "{other}");
        }
    }

    #[test]
    fn a_route_has_one_target() {
        let with = |gateway: Option<&str>, nat: Option<&str>| {
            fit(&Inputs {
                route_table_id: "rtb-1".into(),
                destination_cidr_block: "0.0.0.0/0".into(),
                gateway_id: gateway.map(str::to_owned),
                nat_gateway_id: nat.map(str::to_owned),
            })
        };
        assert!(with(Some("igw-1"), None).is_empty());
        assert!(with(None, Some("nat-1")).is_empty());
        assert!(!with(None, None).is_empty());
        assert!(!with(Some("igw-1"), Some("nat-1")).is_empty());
    }
}
