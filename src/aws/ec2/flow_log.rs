//! Flow log.
//!
//! - Only its tags can change: any other difference makes it another flow log. AWS takes any number of flow logs for one
//!   VPC, but no two that are alike (`FlowLogAlreadyExists`).
//! - `CreateFlowLogs` and `DeleteFlowLogs` take lists, and report inside a 200 which of the items they have not done, often
//!   with a status such as `400` as the code.
//! - The role is assumed when the flow log is made, and a new role may not be visible yet:
//!   `Unable to assume given IAM role`. The same is true of the policy of a bucket. A missing log group is no error: it
//!   shows later, as a delivery that fails.
//! - AWS fills in the destination options of a flow log that goes to a bucket, and refuses them for one that goes to a log
//!   group: terraform-aws-modules/terraform-aws-vpc#703.
//! - Records arrive for some minutes after the flow log is gone. With `logs:CreateLogGroup` in its role they bring a
//!   deleted log group back: terraform-aws-modules/terraform-aws-vpc#435.

mod canonical;
mod checks;
mod form;
mod model;

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_sdk_ec2::types::{
    Filter, LogDestinationType, ResourceType as Ec2Type, TrafficType, UnsuccessfulItem,
};

pub use self::model::{Destination, DestinationOptions, FileFormat, Inputs, Traffic};

use self::canonical::bare;
use self::checks::fit;
use self::form::{live, options_to_sdk};
use super::{ByToken, Creation};
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected, from_sdk, kind};
use crate::aws::resource_type::{Change, LiveOf, New, NoOutputs, Old, ResourceType, adopt, check};
use crate::aws::wait::until_visible;
use crate::resource::provider::{Query, Remedy};
use crate::resource::{CreateClass, ErrorKind, ProviderError, Schema};

const CREATE: &str = "ec2:CreateFlowLogs";
const DESCRIBE: &str = "ec2:DescribeFlowLogs";
const DELETE: &str = "ec2:DeleteFlowLogs";

pub struct FlowLog;

impl ResourceType for FlowLog {
    type Inputs = Inputs;
    type Outputs = NoOutputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, NoOutputs>("aws:ec2:FlowLog", CreateClass::Token)
            // AWS takes no second flow log that is like it in these.
            .key(&[
                Inputs::VPC_ID,
                Inputs::SUBNET_ID,
                Inputs::ENI_ID,
                Inputs::LOG_DESTINATION,
                Inputs::TRAFFIC_TYPE,
                Inputs::LOG_FORMAT,
            ])
            .reads_after(&[
                "aws:ec2:Vpc",
                "aws:ec2:Subnet",
                "aws:cloudwatch:LogGroup",
                "aws:s3:Bucket",
            ])
            .assumes(&[Inputs::IAM_ROLE_ARN])
            .blockers(&[])
            .checks(|inputs| check(inputs, fit))
    }

    async fn ahead(&self, context: &Context, query: Query<'_>) {
        drop(of_stack(context, query).await);
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let mut logs = of_stack(context, query).await?.as_ref().clone();
        // A flow log that is like a missing one may belong to another owner, or be ours without its tags.
        let missing = query.missing(logs.iter().map(|log| &log.tags));
        let watched = missing.into_iter().flat_map(|wanted| {
            let names = ["vpcId", "subnetId", "eniId"].into_iter();
            names.filter_map(|name| wanted.text(name))
        });
        let watched: BTreeSet<&str> = watched.collect();
        if !watched.is_empty() {
            let mut others = list(context, super::filter_of("resource-id", watched)).await?;
            others.retain(|other| logs.iter().all(|own| own.id != other.id));
            logs.append(&mut others);
        }
        Ok(logs)
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let creation = Creation { context, new: &new };
        let made = super::create_by_token(new.instead_of, &creation).await;
        match made {
            Err(error) if error.is(ErrorKind::AlreadyExists) => met(context, &new, error).await,
            made => made,
        }
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
            .repeated(DELETE, || async {
                let answer = context
                    .ec2
                    .delete_flow_logs()
                    .flow_log_ids(&old.live.id)
                    .send()
                    .await
                    .map_err(|error| from_sdk(DELETE, &error))?;
                all_done(DELETE, answer.unsuccessful())
            })
            .await
    }
}

impl ByToken for Creation<'_, FlowLog> {
    type Made = LiveOf<FlowLog>;

    async fn make(&self, generation: u32) -> AwsResult<String> {
        make(self.context, self.new, generation).await
    }

    async fn look(&self, id: &str) -> AwsResult<Option<Self::Made>> {
        find(self.context, id).await.map(Some)
    }

    async fn touch(&self, id: &str) -> AwsResult<()> {
        super::tag(self.context, id, self.new.tags).await
    }
}

/// Makes the call, and returns the id.
async fn make(context: &Context, new: &New<'_, FlowLog>, generation: u32) -> AwsResult<String> {
    let inputs = new.inputs;
    let Some((resource_type, id)) = inputs.watched() else {
        let text = "it has to say of which VPC, subnet or network interface it is";
        return Err(ProviderError::new(ErrorKind::Invalid, CREATE, text));
    };
    let token = new.client_token(generation);
    let options = inputs.destination_options.as_ref().map(options_to_sdk);
    let ask = || {
        context
            .ec2
            .create_flow_logs()
            .resource_type(resource_type.clone())
            .resource_ids(id)
            .traffic_type(match inputs.traffic_type {
                Traffic::Accept => TrafficType::Accept,
                Traffic::All => TrafficType::All,
                Traffic::Reject => TrafficType::Reject,
            })
            .log_destination_type(match inputs.log_destination_type {
                Destination::CloudWatchLogs => LogDestinationType::CloudWatchLogs,
                Destination::S3 => LogDestinationType::S3,
            })
            .log_destination(bare(&inputs.log_destination))
            .log_format(inputs.format())
            .max_aggregation_interval(inputs.max_aggregation_interval)
            .set_deliver_logs_permission_arn(inputs.iam_role_arn.clone())
            .set_destination_options(options.clone())
            .client_token(&token)
            .tag_specifications(super::on_create(Ec2Type::VpcFlowLog, new.tags))
            .send()
    };
    context
        .repeated(CREATE, || async {
            let answer = ask().await.map_err(|error| from_sdk(CREATE, &error))?;
            all_done(CREATE, answer.unsuccessful())?;
            let id = answer.flow_log_ids().first().cloned();
            expected(CREATE, id, "the id of a flow log")
        })
        .await
}

/// Returns the result of a list of failures for one object: the same as if the call itself had failed.
fn all_done(operation: &str, failures: &[UnsuccessfulItem]) -> AwsResult<()> {
    let Some(failure) = failures.first() else {
        return Ok(());
    };
    let error = failure.error();
    let code = error.and_then(|error| error.code()).unwrap_or_default();
    let message = error.and_then(|error| error.message());
    let message = message.unwrap_or("AWS gave no reason");
    let status = code.parse().unwrap_or(400);
    let mut error = ProviderError::new(kind(code, message, status), operation, message);
    code.clone_into(&mut error.code);
    error.status = Some(status);
    Err(error)
}

/// The flow log that already exists according to AWS.
async fn met(
    context: &Context,
    new: &New<'_, FlowLog>,
    mut error: ProviderError,
) -> AwsResult<LiveOf<FlowLog>> {
    let wanted = new.inputs;
    let Some((_, id)) = wanted.watched() else {
        return Err(error);
    };
    let found = until_visible(|| async {
        let found = list(context, super::filter("resource-id", id)).await?;
        let to_same = |log: &&LiveOf<FlowLog>| {
            bare(&log.inputs.log_destination) == bare(&wanted.log_destination)
        };
        let like = found.iter().find(|log| log.inputs.is_like(wanted));
        like.or_else(|| found.iter().find(to_same))
            .cloned()
            .ok_or_else(|| super::not_listed(DESCRIBE, "the flow log that exists"))
    })
    .await;
    match found {
        Ok(log) if new.instead_of.contains(&log.id) => {
            let text = "AWS does not accept it beside the one that it replaces: give it the option \
                        `deleteBeforeReplace: true`, then run";
            error.details.push(format!("`{}` is there", log.id));
            error.remedy = Some(Remedy::new(text));
            Err(error)
        }
        Ok(log) => adopt(new.tags, log, error),
        Err(unseen) if unseen.is(ErrorKind::NotFound) => Err(error),
        Err(failed) => Err(failed),
    }
}

async fn find(context: &Context, id: &str) -> AwsResult<LiveOf<FlowLog>> {
    let found = list(context, super::filter("flow-log-id", id)).await?;
    let mut found = found.into_iter();
    found.next().ok_or_else(|| super::not_listed(DESCRIBE, id))
}

/// The flow logs with the stack's tag, requested once per read session.
async fn of_stack(context: &Context, query: Query<'_>) -> AwsResult<Arc<Vec<LiveOf<FlowLog>>>> {
    let ask = || list(context, super::of_stack(query.stack));
    query.session.once(DESCRIBE, ask).await
}

async fn list(context: &Context, by: Filter) -> AwsResult<Vec<LiveOf<FlowLog>>> {
    let by = &by;
    let logs = context
        .pages(
            |token| {
                context
                    .ec2
                    .describe_flow_logs()
                    .filter(by.clone())
                    .max_results(1000)
                    .set_next_token(token)
            },
            |page| (page.flow_logs, page.next_token),
        )
        .await?;
    Ok(logs.iter().filter_map(|log| live(context, log)).collect())
}

#[cfg(test)]
mod tests;
