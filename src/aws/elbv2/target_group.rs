//! Target group of an application load balancer.
//!
//! - A name can be used once. A create call with the settings of an existing group returns that group, and nothing in the
//!   answer says so: the owner tag is checked after each create.
//! - `DescribeTargetGroups` with names fails as a whole when one is missing, so all of them are listed.
//! - Health check and settings are changed by one call each; settings are attributes, strings by key.
//! - Right after its creation, calls that name it may not find it: hashicorp/terraform-provider-aws#19920, #20454.
//! - A group cannot be deleted while listeners or rules forward to it, nor for some seconds after the last one is gone.
//! - ECS decides which targets are in the group.

mod checks;
mod model;
mod stickiness;

use std::time::Duration;

use aws_sdk_elasticloadbalancingv2::types::{ProtocolEnum, TargetGroup as Group, TargetTypeEnum};

pub use self::model::{Inputs, Outputs, Stickiness};

use self::checks::fit;
use self::stickiness::{COOKIE_SECONDS, LB_COOKIE};
use super::attribute::{self, Attributes, Settings};
use super::health_check::{self, HealthCheck};
use crate::aws::answer::text;
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};
use crate::aws::resource_type::{Asking, Change, Live, LiveOf, New, Old, ResourceType, check};
use crate::aws::wait::until_visible;
use crate::resource::provider::{Holder, Query, Remedy};
use crate::resource::{Condition, CreateClass, ErrorKind, Interruption, Schema, Tags};

const TOKEN: &str = "aws:lb:TargetGroup";
const DESCRIBE: &str = "elasticloadbalancing:DescribeTargetGroups";
pub struct TargetGroup;

impl ResourceType for TargetGroup {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, Outputs>(TOKEN, CreateClass::NaturalKey)
            .generated_name(Inputs::NAME, 32)
            .checks(|inputs| check(inputs, fit))
            .blockers(&["aws:lb:Listener", "aws:lb:ListenerRule"])
            .exclusive_to("aws:lb:LoadBalancer")
            // The targets that run now were made for the old health check.
            .updates_after_rollout(|_, _| true)
            .interrupts(
                Interruption::new(
                    "requests fail until tasks have registered in the new one and are healthy",
                )
                .create_first(
                    "requests fail until tasks have registered in the new one and are healthy",
                ),
            )
            .server_managed(|desired, _| health_check::complete(desired))
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let found = attribute::read(
            context,
            &query,
            list(context),
            |group: &Group| (group.target_group_arn(), group.target_group_name()),
            |arn| async move { attribute::of_target_group(context, &arn).await },
        )
        .await?;
        Ok(found
            .into_iter()
            .map(|found| live(&found.item, &found.attributes, found.tags))
            .collect())
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        const CREATE: &str = "elasticloadbalancing:CreateTargetGroup";
        let inputs = new.inputs;
        let check = inputs.full_health_check();
        let request = context
            .elbv2
            .create_target_group()
            .name(&inputs.name)
            .port(inputs.port)
            .protocol(ProtocolEnum::from(inputs.protocol.as_str()))
            .protocol_version(&inputs.protocol_version)
            .target_type(TargetTypeEnum::from(inputs.target_type.as_str()))
            .vpc_id(&inputs.vpc_id)
            .health_check_enabled(true)
            .health_check_path(&check.path)
            .health_check_port(&check.port)
            .health_check_protocol(check.protocol.clone())
            .matcher(check.matcher.clone())
            .health_check_interval_seconds(check.interval)
            .health_check_timeout_seconds(check.timeout)
            .healthy_threshold_count(check.healthy_threshold)
            .unhealthy_threshold_count(check.unhealthy_threshold)
            .set_tags(Some(super::to_sdk(new.tags)));
        let answer = context.send(request).await;
        let (group, refusal) = match answer {
            Ok(answer) => {
                let made = answer.target_groups.unwrap_or_default().into_iter().next();
                (
                    expected(CREATE, made, "a target group")?,
                    super::met(CREATE),
                )
            }
            Err(error) if error.is(ErrorKind::AlreadyExists) => {
                let taken = until_visible(|| by_name(context, &inputs.name)).await?;
                (taken, error)
            }
            Err(error) => return Err(error),
        };
        // A new group has AWS's default attributes: `update` sets the rest. An existing group may have others.
        let is_new = refusal.code.is_empty() && group.load_balancer_arns().is_empty();
        let attributes = if is_new {
            Attributes::default()
        } else {
            until_visible(|| attribute::of_target_group(context, arn(&group))).await?
        };
        let live = live(&group, &attributes, Tags::default());
        super::only_ours::<Self>(context, &new, live, is_new, refusal).await
    }

    /// Also updates a group that was made a moment ago, which the next call may not find yet.
    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let arn = &change.observed.id;
        let wanted = change.wanted;
        if change.touches(Inputs::HEALTH_CHECK) {
            let check = wanted.full_health_check();
            until_visible(|| {
                let request = context
                    .elbv2
                    .modify_target_group()
                    .target_group_arn(arn)
                    .health_check_enabled(true)
                    .health_check_path(&check.path)
                    .health_check_port(&check.port)
                    .health_check_protocol(check.protocol.clone())
                    .matcher(check.matcher.clone())
                    .health_check_interval_seconds(check.interval)
                    .health_check_timeout_seconds(check.timeout)
                    .healthy_threshold_count(check.healthy_threshold)
                    .unhealthy_threshold_count(check.unhealthy_threshold);
                context.send(request)
            })
            .await?;
        }
        let changed = attribute::changed(&settings(&change.observed.inputs), settings(wanted));
        until_visible(|| attribute::modify_target_group(context, arn, &changed)).await?;
        Ok(change.applied())
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        let request = context
            .elbv2
            .delete_target_group()
            .target_group_arn(&old.live.id);
        context.send(request).await?;
        Ok(())
    }

    async fn blockers_of(
        &self,
        context: &Context,
        live: &LiveOf<Self>,
        asking: &Asking<'_>,
    ) -> AwsResult<Vec<Holder>> {
        let request = context
            .elbv2
            .describe_target_groups()
            .target_group_arns(&live.id);
        let answer = context.send(request).await?;
        let groups = answer.target_groups.unwrap_or_default();
        let arns = groups.iter().flat_map(|group| group.load_balancer_arns());
        let arns: Vec<String> = arns.cloned().collect();
        super::holding(context, &arns, asking, &live.tags, |balancer, arn| {
            Remedy::new(format!(
                "{balancer} sends traffic to it; have its listeners send it elsewhere, then run"
            ))
            .command(format!(
                "aws elbv2 describe-listeners --load-balancer-arn {arn}"
            ))
        })
        .await
    }

    fn delete_patience(&self) -> Duration {
        Duration::from_mins(5)
    }
}

/// The attributes that inputs stand for.
fn settings(inputs: &Inputs) -> Settings {
    let mut settings = Settings::from([
        (
            "deregistration_delay.timeout_seconds",
            inputs.deregistration_delay.to_string(),
        ),
        ("slow_start.duration_seconds", inputs.slow_start.to_string()),
        (
            "load_balancing.algorithm.type",
            inputs.load_balancing_algorithm_type.clone(),
        ),
    ]);
    match &inputs.stickiness {
        Some(stickiness) if stickiness.enabled != Some(false) => {
            let kind = stickiness.kind.as_deref().unwrap_or(LB_COOKIE);
            let seconds = stickiness.cookie_duration.unwrap_or(COOKIE_SECONDS);
            settings.insert("stickiness.enabled", true.to_string());
            settings.insert("stickiness.type", kind.to_owned());
            settings.insert("stickiness.lb_cookie.duration_seconds", seconds.to_string());
        }
        _ => {
            settings.insert("stickiness.enabled", false.to_string());
        }
    }
    settings
}

/// Every target group of account and region.
async fn list(context: &Context) -> AwsResult<Vec<Group>> {
    context
        .pages(
            |marker| {
                context
                    .elbv2
                    .describe_target_groups()
                    .page_size(super::PAGE)
                    .set_marker(marker)
            },
            |page| (page.target_groups, page.next_marker),
        )
        .await
}

async fn by_name(context: &Context, name: &str) -> AwsResult<Group> {
    let answer = context
        .send(context.elbv2.describe_target_groups().names(name))
        .await?;
    let group = answer.target_groups.unwrap_or_default().into_iter().next();
    expected(DESCRIBE, group, "the target group of that name")
}

fn arn(group: &Group) -> &str {
    group.target_group_arn().unwrap_or_default()
}

fn live(group: &Group, attributes: &Attributes, tags: Tags) -> LiveOf<TargetGroup> {
    let kind = attributes.text("stickiness.type", LB_COOKIE);
    let seconds = attributes.parsed(
        &format!("stickiness.{kind}.duration_seconds"),
        COOKIE_SECONDS,
    );
    let sticky = attributes.parsed("stickiness.enabled", false);
    let arn = arn(group).to_owned();
    Live {
        inputs: Inputs {
            name: text(group.target_group_name()),
            port: group.port().unwrap_or_default(),
            protocol: group.protocol().map_or("", ProtocolEnum::as_str).to_owned(),
            protocol_version: group.protocol_version().unwrap_or("HTTP1").to_owned(),
            target_type: group
                .target_type()
                .map_or("instance", TargetTypeEnum::as_str)
                .to_owned(),
            vpc_id: text(group.vpc_id()),
            health_check: HealthCheck::from_sdk(group),
            deregistration_delay: attributes.parsed("deregistration_delay.timeout_seconds", 300),
            slow_start: attributes.parsed("slow_start.duration_seconds", 0),
            load_balancing_algorithm_type: attributes
                .text("load_balancing.algorithm.type", "round_robin"),
            stickiness: Some(Stickiness {
                enabled: Some(sticky),
                kind: Some(kind),
                cookie_duration: Some(seconds),
            }),
        },
        outputs: Outputs {
            arn_suffix: text(arn.rsplit(':').next()),
        },
        tags,
        condition: Condition::Ready,
        arn: Some(arn.clone()),
        id: arn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_read_back_as_they_were_set() {
        let group = Group::builder()
            .target_group_arn("arn:aws:elasticloadbalancing:r:1:targetgroup/api/0a")
            .build();
        let mut inputs = live(&group, &Attributes::default(), Tags::default()).inputs;
        inputs.deregistration_delay = 30;
        inputs.stickiness = Some(Stickiness {
            enabled: None,
            kind: None,
            cookie_duration: Some(60),
        });
        let attributes = settings(&inputs).into_iter().collect();
        let read = live(&group, &attributes, Tags::default());
        assert_eq!(settings(&read.inputs), settings(&inputs));
        assert_eq!(read.outputs.arn_suffix, "targetgroup/api/0a");
    }
}
