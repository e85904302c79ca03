//! Internet gateway, with its attachment to a VPC.
//!
//! - `CreateInternetGateway` takes neither a client token nor a name: a retry makes a duplicate, so it is never retried
//!   blindly.
//! - The attachment has no tags and no id of its own: it is a property of the gateway. A VPC takes one gateway
//!   (cloudfoundry-incubator/kubo-deployment#167).
//! - Detaching is refused while an interface in the VPC has a public address: NAT gateways, load balancers and public
//!   tasks go first. Routes to the gateway may stay; they turn into black holes. Hence a gateway is not moved to another
//!   VPC but replaced: the load balancer of the new VPC needs the gateway before the one of the old VPC can go.
//! - The attachment's good state is `available` on the wire, although the model calls it `attached`.

pub(super) mod listing;

use std::sync::Arc;

use aws_sdk_ec2::types::{
    AttachmentStatus, InternetGateway as SdkGateway, ResourceType as Ec2Type,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::listing::of_vpc;
use crate::aws::answer::text;
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected, if_there};
use crate::aws::resource_type::{Asking, Change, Live, LiveOf, New, NoOutputs, Old, ResourceType};
use crate::aws::states;
use crate::aws::wait::{Poll, Wait, until_visible};
use crate::resource::provider::{Holder, Progress, Query};
use crate::resource::{Condition, CreateClass, ErrorKind, PropertyTable, Schema};

/// The way from a VPC to the internet and back.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// Id of the VPC that it is attached to. If left out, it is attached to none.
    #[property(replaces_once_set)]
    pub vpc_id: Option<String>,
}

pub struct InternetGateway;

impl ResourceType for InternetGateway {
    type Inputs = Inputs;
    type Outputs = NoOutputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, NoOutputs>("aws:ec2:InternetGateway", CreateClass::TagsOnly)
            // Two gateways cannot be attached to one VPC.
            .key(&[Inputs::VPC_ID])
            .reads_after(&["aws:ec2:Vpc"])
            .deletes_after(&["aws:ec2:NatGateway", "aws:ec2:Eip", "aws:lb:LoadBalancer"])
            // They have only private addresses.
            .deletes_beside(|user| {
                user.get("internal") == Some(&true.into())
                    || user.get("connectivityType") == Some(&"private".into())
            })
            // Routes may stay, and lead nowhere; public addresses in use must not.
            .blockers(&["aws:ec2:NatGateway", "aws:lb:LoadBalancer"])
    }

    async fn ahead(&self, context: &Context, query: Query<'_>) {
        drop(of_stack(context, query).await);
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let gateways = of_stack(context, query).await?;
        let mut gateways: Vec<_> = gateways
            .iter()
            .map(|gateway| live(context, gateway))
            .collect();
        // A VPC takes one gateway: it may have one of another owner, or ours without its tags.
        for wanted in query.missing(gateways.iter().map(|gateway| &gateway.tags)) {
            if let Some(vpc) = wanted.text("vpcId") {
                let attached = of_vpc(context, vpc).await?;
                let attached = attached.map(|gateway| live(context, &gateway));
                let attached =
                    attached.filter(|other| gateways.iter().all(|own| own.id != other.id));
                gateways.extend(attached);
            }
        }
        Ok(gateways)
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let request = context
            .ec2
            .create_internet_gateway()
            .tag_specifications(super::on_create(Ec2Type::InternetGateway, new.tags));
        let answer = context.send_once(request).await?;
        let gateway = expected(
            "ec2:CreateInternetGateway",
            answer.internet_gateway,
            "an internet gateway",
        )?;
        // Not attached yet: `update` attaches it.
        Ok(live(context, &gateway))
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let id = &change.observed.id;
        if let Some(vpc) = &change.wanted.vpc_id {
            attach(context, change.observed, vpc).await?;
            attached(context, id, change.progress).await?;
        }
        Ok(change.applied())
    }

    async fn wait(
        &self,
        context: &Context,
        live: LiveOf<Self>,
        progress: &dyn Progress,
    ) -> AwsResult<LiveOf<Self>> {
        attached(context, &live.id, progress).await?;
        Ok(Live {
            condition: Condition::Ready,
            ..live
        })
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        let live = old.live;
        if let Some(vpc) = &live.inputs.vpc_id {
            detach(context, &live.id, vpc).await?;
        }
        let request = context
            .ec2
            .delete_internet_gateway()
            .internet_gateway_id(&live.id);
        context.send(request).await?;
        Ok(())
    }

    async fn blockers_of(
        &self,
        context: &Context,
        live: &LiveOf<Self>,
        _asking: &Asking<'_>,
    ) -> AwsResult<Vec<Holder>> {
        match &live.inputs.vpc_id {
            Some(vpc) => super::holders::of_attachment(context, vpc).await,
            None => Ok(Vec::new()),
        }
    }
}

async fn attach(context: &Context, gateway: &LiveOf<InternetGateway>, vpc: &str) -> AwsResult<()> {
    let id = &gateway.id;
    let answer = until_visible(|| {
        let request = context
            .ec2
            .attach_internet_gateway()
            .internet_gateway_id(id)
            .vpc_id(vpc);
        context.send(request)
    })
    .await;
    match answer {
        Ok(_) => Ok(()),
        // The response to an earlier attempt was lost, or the gateway is attached to another VPC.
        Err(error) if error.is(ErrorKind::AlreadyExists) => {
            let now = until_visible(|| async {
                let now = find(context, id).await?;
                now.ok_or_else(|| super::not_listed("ec2:DescribeInternetGateways", id))
            })
            .await?;
            if now.inputs.vpc_id.as_deref() == Some(vpc) {
                Ok(())
            } else {
                Err(error)
            }
        }
        // "Network vpc-… already has an internet gateway attached", in an error code that many others share.
        Err(mut error) => {
            let other = of_vpc(context, vpc).await?;
            if let Some(other) = other.map(|other| live(context, &other))
                && other.id != *id
            {
                let stack = |gateway: &LiveOf<InternetGateway>| {
                    gateway.tags.owner().map(|urn| urn.stack().clone())
                };
                error.kind = if stack(&other) == stack(gateway) {
                    // Another run of this stack was faster.
                    ErrorKind::Conflict
                } else {
                    ErrorKind::NotOurs
                };
            }
            Err(error)
        }
    }
}

async fn detach(context: &Context, id: &str, vpc: &str) -> AwsResult<()> {
    let request = context
        .ec2
        .detach_internet_gateway()
        .internet_gateway_id(id)
        .vpc_id(vpc);
    let answer = context.send(request).await;
    match answer {
        Ok(_) => Ok(()),
        // `Gateway.NotAttached`, or the gateway or the VPC is gone.
        Err(error) if error.is(ErrorKind::NotFound) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Waits for the attachment: a NAT gateway that is created before the attachment is complete goes to `failed`.
async fn attached(context: &Context, id: &str, progress: &dyn Progress) -> AwsResult<()> {
    Wait::short("ec2:DescribeInternetGateways", 20, progress)
        .until(|| async {
            Ok(match find(context, id).await? {
                Some(gateway) if gateway.inputs.vpc_id.is_some() => match gateway.condition {
                    Condition::Ready | Condition::Busy(_) => Poll::Ready(()),
                    Condition::Settling(state) | Condition::Broken(state) => Poll::Pending(state),
                },
                _ => Poll::Pending("attaching".to_owned()),
            })
        })
        .await
}

async fn find(context: &Context, id: &str) -> AwsResult<Option<LiveOf<InternetGateway>>> {
    let request = context
        .ec2
        .describe_internet_gateways()
        .internet_gateway_ids(id);
    let answer = context.send(request).await;
    let answer = if_there(answer)?;
    let gateway = answer
        .as_ref()
        .and_then(|answer| answer.internet_gateways().first());
    Ok(gateway.map(|gateway| live(context, gateway)))
}

/// The stack's gateways.
async fn of_stack(context: &Context, query: Query<'_>) -> AwsResult<Arc<Vec<SdkGateway>>> {
    const OPERATION: &str = "ec2:DescribeInternetGateways";
    let filter = &super::of_stack(query.stack);
    let list = || {
        context.pages(
            |token| {
                context
                    .ec2
                    .describe_internet_gateways()
                    .filters(filter.clone())
                    .max_results(1000)
                    .set_next_token(token)
            },
            |page| (page.internet_gateways, page.next_token),
        )
    };
    query.session.once(OPERATION, list).await
}

fn live(
    context: &Context,
    gateway: &aws_sdk_ec2::types::InternetGateway,
) -> LiveOf<InternetGateway> {
    let id = text(gateway.internet_gateway_id());
    let (vpc_id, condition) = gateway
        .attachments()
        .iter()
        .find_map(|attachment| {
            let vpc = attachment.vpc_id()?.to_owned();
            attachment_condition(attachment.state()).map(|condition| (Some(vpc), condition))
        })
        .unwrap_or((None, Condition::Ready));
    Live {
        arn: Some(context.arn("ec2", &format!("internet-gateway/{id}"))),
        inputs: Inputs { vpc_id },
        outputs: NoOutputs {},
        tags: super::from_sdk(gateway.tags()),
        condition,
        id,
    }
}

/// `None` for an attachment that does not exist, or no longer exists.
fn attachment_condition(state: Option<&AttachmentStatus>) -> Option<Condition> {
    match states::condition(states::ATTACHMENT, state?.as_str()) {
        Condition::Broken(_) => None,
        condition => Some(condition),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attachment_on_its_way_out_is_none() {
        let condition = |state: &str| attachment_condition(Some(&state.into()));
        assert_eq!(condition("available"), Some(Condition::Ready));
        assert_eq!(condition("attached"), Some(Condition::Ready));
        assert_eq!(
            condition("attaching"),
            Some(Condition::Settling("attaching".into()))
        );
        assert_eq!(condition("detaching"), None);
        assert_eq!(condition("detached"), None);
        assert_eq!(
            condition("something-new"),
            Some(Condition::Settling("something-new".into()))
        );
    }
}
