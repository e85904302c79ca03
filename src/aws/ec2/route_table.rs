//! Route table. Its routes and its associations have files of their own and are read from the same answer.
//!
//! - The main table of a VPC is created and deleted with it and is not ours.
//! - Deletion is refused while a subnet is associated, or once others have made it the main one (hashicorp/vault#659).
//! - A new table may not be found for a while, not even by the call that tags it: tags are part of the creation
//!   (hashicorp/terraform-provider-aws#7644, kubernetes/kops#597).

pub(super) mod listing;

use aws_sdk_ec2::types::{ResourceType as Ec2Type, RouteTable as SdkRouteTable};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::listing::{find, of_stack};
use super::{ByToken, Creation};
use crate::aws::answer::text;
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};
use crate::aws::resource_type::{Asking, Change, Live, LiveOf, New, NoOutputs, Old, ResourceType};
use crate::resource::provider::{Holder, Query};
use crate::resource::{Condition, CreateClass, PropertyTable, Schema};

pub const TOKEN: &str = "aws:ec2:RouteTable";

/// A table that directs the traffic of the associated subnets.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-parts" = { "routes": "aws:ec2:Route" }))]
pub struct Inputs {
    /// Id of the VPC.
    #[property(required, replaces)]
    pub vpc_id: String,
}

pub struct RouteTable;

impl ResourceType for RouteTable {
    type Inputs = Inputs;
    type Outputs = NoOutputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, NoOutputs>(TOKEN, CreateClass::Token)
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let tables = of_stack(context, query).await?;
        Ok(tables.iter().map(|table| live(context, table)).collect())
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let creation = Creation { context, new: &new };
        // With the tags that it has: a table whose token is ours is ours, even if its tags were removed.
        super::create_by_token(new.instead_of, &creation).await
    }

    /// Nothing changes in place.
    async fn update(
        &self,
        _context: &Context,
        change: Change<'_, Self>,
    ) -> AwsResult<LiveOf<Self>> {
        Ok(change.applied())
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        context
            .send(
                context
                    .ec2
                    .delete_route_table()
                    .route_table_id(&old.live.id),
            )
            .await?;
        Ok(())
    }

    async fn blockers_of(
        &self,
        context: &Context,
        live: &LiveOf<Self>,
        _asking: &Asking<'_>,
    ) -> AwsResult<Vec<Holder>> {
        super::holders::of_route_table(context, &live.id, &live.tags).await
    }
}

impl ByToken for Creation<'_, RouteTable> {
    type Made = LiveOf<RouteTable>;

    async fn make(&self, generation: u32) -> AwsResult<String> {
        let (context, new) = (self.context, self.new);
        let request = context
            .ec2
            .create_route_table()
            .vpc_id(&new.inputs.vpc_id)
            .client_token(new.client_token(generation))
            .tag_specifications(super::on_create(Ec2Type::RouteTable, new.tags));
        let answer = context.send(request).await?;
        let id = answer.route_table.and_then(|table| table.route_table_id);
        expected("ec2:CreateRouteTable", id, "a route table")
    }

    async fn look(&self, id: &str) -> AwsResult<Option<Self::Made>> {
        let table = find(self.context, id).await?;
        Ok(Some(live(self.context, &table)))
    }

    async fn touch(&self, id: &str) -> AwsResult<()> {
        super::tag(self.context, id, self.new.tags).await
    }
}

fn live(context: &Context, table: &SdkRouteTable) -> LiveOf<RouteTable> {
    let id = text(table.route_table_id());
    Live {
        arn: Some(context.arn("ec2", &format!("route-table/{id}"))),
        inputs: Inputs {
            vpc_id: text(table.vpc_id()),
        },
        outputs: NoOutputs {},
        tags: super::from_sdk(table.tags()),
        condition: Condition::Ready,
        id,
    }
}
