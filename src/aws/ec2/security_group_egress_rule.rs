//! Egress rule: the traffic that a security group lets out. Everything about it is in
//! [`security_group_rule`](super::security_group_rule).

use super::security_group_rule::{self as rule, Direction};
pub use super::security_group_rule::{Inputs, Outputs};
use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::aws::resource_type::{Change, LiveOf, New, Old, ResourceType};
use crate::resource::Schema;
use crate::resource::provider::Query;

pub struct SecurityGroupEgressRule;

impl ResourceType for SecurityGroupEgressRule {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn schema(&self) -> Schema {
        rule::schema("aws:vpc:SecurityGroupEgressRule")
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        rule::read(context, query, Direction::Egress).await
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        rule::create(context, Direction::Egress, new.inputs, new.tags).await
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let Change {
            wanted, observed, ..
        } = change;
        rule::update(context, Direction::Egress, wanted, observed).await
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        rule::revoke(context, Direction::Egress, old.live).await
    }
}
