//! Association of a subnet with a route table: a part of the table, without tags, identified by its subnet.
//!
//! - A subnet has at most one; without one, it uses the VPC's main table. Changing the table leaves no gap, and gives the
//!   association a new id (hashicorp/terraform-provider-aws#43844).
//! - A new association is not listed at once (hashicorp/terraform-provider-aws#21629), and that of the main table cannot be
//!   removed (ansible/ansible#23781).
//! - A subnet of ours that another party has associated with a table of theirs is taken back: its association is ours.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{
    RouteTable, RouteTableAssociation as SdkAssociation, RouteTableAssociationState,
    RouteTableAssociationStateCode,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::route_table;
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};
use crate::aws::resource_type::{Change, Live, LiveOf, New, NoOutputs, Old, ResourceType};
use crate::aws::states;
use crate::aws::wait::{Poll, Wait, until_visible};
use crate::resource::provider::{Progress, Query};
use crate::resource::{
    Condition, CreateClass, ErrorKind, PropertyTable, ProviderError, Schema, StackId, Tags,
};

/// The route table that a subnet uses.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// Id of the route table.
    #[property(required)]
    pub route_table_id: String,
    /// Id of the subnet.
    #[property(required, replaces)]
    pub subnet_id: String,
}

pub struct RouteTableAssociation;

impl ResourceType for RouteTableAssociation {
    type Inputs = Inputs;
    type Outputs = NoOutputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, NoOutputs>("aws:ec2:RouteTableAssociation", CreateClass::PartOfParent)
            .key(&[Inputs::SUBNET_ID])
            .reads_after(&[route_table::TOKEN, "aws:ec2:Subnet"])
            .child_of(Inputs::ROUTE_TABLE_ID, route_table::TOKEN)
            .opens()
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let tables = route_table::listing::of_stack(context, query).await?;
        let parents: Vec<&str> = query
            .parents(route_table::TOKEN)
            .map(|table| table.id.as_str())
            .collect();
        let mut found: Vec<LiveOf<Self>> = tables
            .iter()
            .filter(|table| {
                table
                    .route_table_id()
                    .is_some_and(|id| parents.contains(&id))
            })
            .flat_map(RouteTable::associations)
            .filter_map(live)
            .collect();
        // A subnet has one association: it may lead to another owner's table, or to one of ours that has lost its tags.
        let subnets: BTreeSet<&str> = query
            .wanted
            .iter()
            .filter_map(|wanted| wanted.text("subnetId"))
            .filter(|subnet| found.iter().all(|own| own.inputs.subnet_id != *subnet))
            .collect();
        if !subnets.is_empty() {
            let by = super::filter_of("association.subnet-id", subnets.iter().copied());
            let tables = route_table::listing::list(context, by).await?;
            let others = tables.iter().flat_map(RouteTable::associations);
            let others = others.filter_map(live);
            found.extend(others.filter(|other| subnets.contains(other.inputs.subnet_id.as_str())));
        }
        Ok(found)
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let inputs = new.inputs;
        let created = until_visible(|| {
            let request = context
                .ec2
                .associate_route_table()
                .route_table_id(&inputs.route_table_id)
                .subnet_id(&inputs.subnet_id);
            context.send(request)
        })
        .await;
        match created {
            Ok(answer) => {
                let id = expected(
                    "ec2:AssociateRouteTable",
                    answer.association_id,
                    "an association id",
                )?;
                Ok(of(id, inputs.clone(), answer.association_state.as_ref()))
            }
            Err(error) if error.is(ErrorKind::AlreadyExists) => met(context, &new, error).await,
            Err(error) => Err(error),
        }
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let wanted = change.wanted;
        until_visible(|| async {
            let request = context
                .ec2
                .replace_route_table_association()
                .association_id(&change.observed.id)
                .route_table_id(&wanted.route_table_id);
            let answer = context.send(request).await;
            match answer {
                Ok(answer) => {
                    let id = expected(
                        "ec2:ReplaceRouteTableAssociation",
                        answer.new_association_id,
                        "an association id",
                    )?;
                    Ok(of(id, wanted.clone(), answer.association_state.as_ref()))
                }
                // The old id is gone: the change was made, and the response was lost.
                Err(error) if error.code == "InvalidAssociationID.NotFound" => {
                    let now = of_subnet(context, &wanted.subnet_id).await?;
                    match now {
                        Some(now) if now.inputs.route_table_id == wanted.route_table_id => Ok(now),
                        _ => Err(error),
                    }
                }
                Err(error) => Err(error),
            }
        })
        .await
    }

    async fn wait(
        &self,
        context: &Context,
        live: LiveOf<Self>,
        progress: &dyn Progress,
    ) -> AwsResult<LiveOf<Self>> {
        Wait::short("ec2:DescribeRouteTables", 5, progress)
            .until(|| async {
                let now = of_subnet(context, &live.inputs.subnet_id).await?;
                match now.map(|now| now.condition) {
                    Some(Condition::Ready | Condition::Busy(_)) => Ok(Poll::Ready(())),
                    Some(Condition::Broken(reason)) => Err(ProviderError::new(
                        ErrorKind::Failed,
                        "ec2:DescribeRouteTables",
                        reason,
                    )),
                    Some(Condition::Settling(state)) => Ok(Poll::Pending(state)),
                    None => Ok(Poll::Pending("associating".to_owned())),
                }
            })
            .await?;
        Ok(Live {
            condition: Condition::Ready,
            ..live
        })
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        let request = context
            .ec2
            .disassociate_route_table()
            .association_id(&old.live.id);
        context.send(request).await?;
        Ok(())
    }
}

/// The association that a subnet has already. It is returned as it is, for `update` to change.
async fn met(
    context: &Context,
    new: &New<'_, RouteTableAssociation>,
    mut error: ProviderError,
) -> AwsResult<LiveOf<RouteTableAssociation>> {
    let wanted = new.inputs;
    let found = until_visible(|| async {
        of_subnet(context, &wanted.subnet_id)
            .await?
            .ok_or_else(|| super::not_listed("ec2:DescribeRouteTables", "the association"))
    })
    .await;
    match found {
        Ok(met)
            if met.inputs.route_table_id == wanted.route_table_id
                || is_ours(context, &met.inputs.route_table_id, new.urn.stack()).await? =>
        {
            Ok(met)
        }
        Ok(met) => {
            error.kind = ErrorKind::NotOurs;
            error.message = format!(
                "{} is associated with {}, which is not of this stack",
                wanted.subnet_id, met.inputs.route_table_id
            );
            Err(error)
        }
        Err(unseen) if unseen.is(ErrorKind::NotFound) => Err(error),
        Err(failed) => Err(failed),
    }
}

/// Returns whether a table belongs to the stack. If others have associated a subnet of ours with another table, that is up
/// to them.
async fn is_ours(context: &Context, table: &str, stack: &StackId) -> AwsResult<bool> {
    let table = until_visible(|| route_table::listing::find(context, table)).await?;
    Ok(super::from_sdk(table.tags()).belongs_to(stack))
}

/// The association of a subnet, no matter who owns its table.
async fn of_subnet(
    context: &Context,
    subnet: &str,
) -> AwsResult<Option<LiveOf<RouteTableAssociation>>> {
    let request = context
        .ec2
        .describe_route_tables()
        .filters(super::filter("association.subnet-id", subnet));
    let answer = context.send(request).await?;
    Ok(answer
        .route_tables()
        .iter()
        .flat_map(RouteTable::associations)
        .filter_map(live)
        .find(|association| association.inputs.subnet_id == subnet))
}

/// `None` for what is not an association with a subnet, or no longer is one.
fn live(association: &SdkAssociation) -> Option<LiveOf<RouteTableAssociation>> {
    let state = association
        .association_state()
        .and_then(RouteTableAssociationState::state);
    // A failed association exists, and has a reason to show.
    let gone = state.is_some_and(|state| {
        states::is_lost(states::ROUTE_TABLE_ASSOCIATION, state.as_str())
            && *state != RouteTableAssociationStateCode::Failed
    });
    if gone {
        return None;
    }
    let inputs = Inputs {
        route_table_id: association.route_table_id()?.to_owned(),
        subnet_id: association.subnet_id()?.to_owned(),
    };
    let id = association.route_table_association_id()?.to_owned();
    Some(of(id, inputs, association.association_state()))
}

fn of(
    id: String,
    inputs: Inputs,
    state: Option<&RouteTableAssociationState>,
) -> LiveOf<RouteTableAssociation> {
    let code = state
        .and_then(RouteTableAssociationState::state)
        .map_or("associated", RouteTableAssociationStateCode::as_str);
    let message = state.and_then(RouteTableAssociationState::status_message);
    let condition = match states::condition(states::ROUTE_TABLE_ASSOCIATION, code) {
        Condition::Broken(code) => Condition::Broken(message.map_or(code, str::to_owned)),
        other => other,
    };
    Live {
        id,
        arn: None,
        inputs,
        outputs: NoOutputs {},
        tags: Tags::default(),
        condition,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn association(state: RouteTableAssociationStateCode) -> SdkAssociation {
        SdkAssociation::builder()
            .route_table_association_id("rtbassoc-1")
            .route_table_id("rtb-1")
            .subnet_id("subnet-1")
            .association_state(
                RouteTableAssociationState::builder()
                    .state(state)
                    .status_message("no")
                    .build(),
            )
            .build()
    }

    #[test]
    fn associations_on_their_way_out_and_of_main_tables_are_none() {
        use RouteTableAssociationStateCode as State;
        let condition = |state| live(&association(state)).map(|live| live.condition);
        assert_eq!(condition(State::Associated), Some(Condition::Ready));
        assert_eq!(
            condition(State::Failed),
            Some(Condition::Broken("no".into()))
        );
        assert_eq!(condition(State::Disassociating), None);
        assert_eq!(
            condition("something-new".into()),
            Some(Condition::Settling("something-new".into()))
        );
        let main = SdkAssociation::builder()
            .route_table_association_id("rtbassoc-2")
            .route_table_id("rtb-1")
            .main(true)
            .build();
        assert!(live(&main).is_none());
    }
}
