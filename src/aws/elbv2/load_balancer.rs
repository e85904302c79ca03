//! Application load balancer.
//!
//! - A name can be used once. A create call with the settings of an existing load balancer returns that one; with other
//!   settings it fails with `DuplicateLoadBalancerName`. A new load balancer is `provisioning` for two to three minutes, so
//!   any other state means that an existing one was returned: its owner tag is then checked.
//! - `DescribeLoadBalancers` with names fails as a whole when one is missing, so all of them are listed.
//! - Idle timeout, protection, logs and the like are attributes: strings, read and written by calls of their own, at most
//!   20 a call. Only those that differ are sent, because a region refuses keys that it does not know.
//! - Objects that EC2 has made a moment ago (subnets, groups, the internet gateway) are not known here for some seconds,
//!   and an object that a create call here has made may not be found by the next call: both calls are retried.
//! - `DeleteLoadBalancer` succeeds for a missing one, refuses under deletion protection, and leaves network interfaces
//!   behind for some seconds to minutes, which hold subnets and security groups.

mod attributes;
mod checks;
mod model;

use aws_sdk_ec2::types::Filter;
use aws_sdk_elasticloadbalancingv2::types::{
    IpAddressType, LoadBalancer as Balancer, LoadBalancerSchemeEnum, LoadBalancerStateEnum,
    LoadBalancerTypeEnum,
};

pub use self::model::{Inputs, Outputs};

use self::attributes::{DELETION_PROTECTION, settings};
use self::checks::fit;
use super::access_logs::AccessLogs;
use super::attribute::{self, Attributes, Settings};
use crate::aws::answer::text;
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};
use crate::aws::resource_type::{Change, Live, LiveOf, New, Old, ResourceType, check, in_vpc};
use crate::aws::states::{self, Standing};
use crate::aws::wait::{Poll, Wait, until_visible};
use crate::resource::provider::{Progress, Query};
use crate::resource::{
    Condition, CreateClass, ErrorKind, Interruption, ProviderError, Schema, Tags,
};

const TOKEN: &str = "aws:lb:LoadBalancer";
const DESCRIBE: &str = "elasticloadbalancing:DescribeLoadBalancers";

pub struct LoadBalancer;

impl ResourceType for LoadBalancer {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, Outputs>(TOKEN, CreateClass::NaturalKey)
            .generated_name(Inputs::NAME, 32)
            .checks(|inputs| check(inputs, fit))
            // Its listeners are deleted with it.
            .blockers(&[])
            .guard(Inputs::ENABLE_DELETION_PROTECTION)
            .spreads_over(Inputs::SUBNETS)
            .interrupts(
                Interruption::new(
                    "nothing can be reached until the new one is ready, under another DNS name",
                )
                .create_first("its DNS name and its addresses change")
                .deleted("its DNS name and its addresses are lost"),
            )
    }

    fn id_in<'a>(&self, arn: &'a str) -> Option<&'a str> {
        Some(arn)
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let found = attribute::read(
            context,
            &query,
            list(context),
            |balancer: &Balancer| (balancer.load_balancer_arn(), balancer.load_balancer_name()),
            |arn| async move { attribute::of_load_balancer(context, &arn).await },
        )
        .await?;
        Ok(found
            .into_iter()
            .map(|found| live(&found.item, &found.attributes, found.tags))
            .collect())
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        const CREATE: &str = "elasticloadbalancing:CreateLoadBalancer";
        let inputs = new.inputs;
        let scheme = if inputs.internal {
            LoadBalancerSchemeEnum::Internal
        } else {
            LoadBalancerSchemeEnum::InternetFacing
        };
        let request = context
            .elbv2
            .create_load_balancer()
            .name(&inputs.name)
            .r#type(LoadBalancerTypeEnum::Application)
            .scheme(scheme.clone())
            .ip_address_type(IpAddressType::from(inputs.ip_address_type.as_str()))
            .set_subnets(Some(inputs.subnets.clone()))
            .set_security_groups(inputs.security_groups.clone())
            .set_tags(Some(super::to_sdk(new.tags)));
        let answer = context.send(request).await;
        let (balancer, refusal) = match answer {
            Ok(answer) => {
                let made = answer.load_balancers.unwrap_or_default().into_iter().next();
                let made = expected(CREATE, made, "a load balancer")?;
                in_vpc(CREATE, inputs.vpc_id.as_deref(), made.vpc_id())?;
                if state(&made) == Some(&LoadBalancerStateEnum::Provisioning) {
                    // A new load balancer has AWS's default attributes: `update` sets the rest.
                    return Ok(live(&made, &Attributes::default(), new.tags.clone()));
                }
                (made, super::met(CREATE))
            }
            Err(error) if error.is(ErrorKind::AlreadyExists) => {
                let taken = until_visible(|| by_name(context, &inputs.name)).await?;
                (taken, error)
            }
            Err(error) => return Err(error),
        };
        let arn = arn(&balancer);
        let attributes = until_visible(|| attribute::of_load_balancer(context, arn)).await?;
        let met = live(&balancer, &attributes, Tags::default());
        super::only_ours::<Self>(context, &new, met, false, refusal).await
    }

    /// Also updates a load balancer that was made a moment ago, which the next call may not find yet.
    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let arn = &change.observed.id;
        let wanted = change.wanted;
        if change.touches(Inputs::SUBNETS) {
            until_visible(|| {
                let request = context
                    .elbv2
                    .set_subnets()
                    .load_balancer_arn(arn)
                    .set_subnets(Some(wanted.subnets.clone()));
                context.send(request)
            })
            .await?;
        }
        if change.touches(Inputs::IP_ADDRESS_TYPE) {
            until_visible(|| {
                let request = context
                    .elbv2
                    .set_ip_address_type()
                    .load_balancer_arn(arn)
                    .ip_address_type(IpAddressType::from(wanted.ip_address_type.as_str()));
                context.send(request)
            })
            .await?;
        }
        if change.touches(Inputs::SECURITY_GROUPS) {
            until_visible(|| {
                let request = context
                    .elbv2
                    .set_security_groups()
                    .load_balancer_arn(arn)
                    .set_security_groups(wanted.security_groups.clone());
                context.send(request)
            })
            .await?;
        }
        let changed = attribute::changed(&settings(&change.observed.inputs), settings(wanted));
        until_visible(|| attribute::modify_load_balancer(context, arn, &changed)).await?;
        Ok(change.applied())
    }

    async fn wait(
        &self,
        context: &Context,
        live: LiveOf<Self>,
        progress: &dyn Progress,
    ) -> AwsResult<LiveOf<Self>> {
        Wait::long(DESCRIBE, 10, progress)
            .until(|| async {
                let request = context
                    .elbv2
                    .describe_load_balancers()
                    .load_balancer_arns(&live.id);
                let answer = context.send(request).await;
                let answer = match answer {
                    Ok(answer) => answer,
                    // Just created, and not yet visible everywhere.
                    Err(error) if error.is(ErrorKind::NotFound) => {
                        return Ok(Poll::Pending("provisioning".to_owned()));
                    }
                    Err(error) => return Err(error),
                };
                match answer.load_balancers().first().map(condition) {
                    Some(Condition::Ready | Condition::Busy(_)) => Ok(Poll::Ready(())),
                    Some(Condition::Broken(reason)) => {
                        Err(ProviderError::new(ErrorKind::Failed, DESCRIBE, reason))
                    }
                    Some(Condition::Settling(status)) => Ok(Poll::Pending(status)),
                    None => Ok(Poll::Pending("provisioning".to_owned())),
                }
            })
            .await?;
        Ok(Live {
            condition: Condition::Ready,
            ..live
        })
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        let live = old.live;
        if live.inputs.enable_deletion_protection {
            let off = Settings::from([(DELETION_PROTECTION, "false".to_owned())]);
            attribute::modify_load_balancer(context, &live.id, &off).await?;
        }
        let request = context
            .elbv2
            .delete_load_balancer()
            .load_balancer_arn(&live.id);
        context.send(request).await?;
        let description = format!("ELB {}", live.outputs.arn_suffix);
        Wait::long("ec2:DescribeNetworkInterfaces", 10, old.progress)
            .until(|| async {
                let request = context.ec2.describe_network_interfaces().filters(
                    Filter::builder()
                        .name("description")
                        .values(&description)
                        .build(),
                );
                let answer = context.send(request).await?;
                Ok(match answer.network_interfaces().len() {
                    0 => Poll::Ready(()),
                    1 => Poll::Pending("1 network interface left".to_owned()),
                    left => Poll::Pending(format!("{left} network interfaces left")),
                })
            })
            .await
    }
}

/// Every load balancer of account and region.
async fn list(context: &Context) -> AwsResult<Vec<Balancer>> {
    context
        .pages(
            |marker| {
                context
                    .elbv2
                    .describe_load_balancers()
                    .page_size(super::PAGE)
                    .set_marker(marker)
            },
            |page| (page.load_balancers, page.next_marker),
        )
        .await
}

async fn by_name(context: &Context, name: &str) -> AwsResult<Balancer> {
    let answer = context
        .send(context.elbv2.describe_load_balancers().names(name))
        .await?;
    let balancer = answer.load_balancers.unwrap_or_default().into_iter().next();
    expected(DESCRIBE, balancer, "the load balancer of that name")
}

fn arn(balancer: &Balancer) -> &str {
    balancer.load_balancer_arn().unwrap_or_default()
}

fn state(balancer: &Balancer) -> Option<&LoadBalancerStateEnum> {
    balancer.state().and_then(|state| state.code())
}

fn condition(balancer: &Balancer) -> Condition {
    let state = state(balancer).map_or("active", LoadBalancerStateEnum::as_str);
    match states::standing(states::LOAD_BALANCER, state) {
        Some(Standing::Usable) => Condition::Ready,
        Some(Standing::Lost) => Condition::Broken(
            balancer
                .state()
                .and_then(|state| state.reason())
                .unwrap_or("AWS could not set it up, and gives no reason")
                .to_owned(),
        ),
        _ => {
            let zones = balancer.availability_zones();
            let serves = balancer.dns_name().is_some() && !zones.is_empty();
            states::condition_of(states::LOAD_BALANCER, state, serves)
        }
    }
}

fn live(balancer: &Balancer, attributes: &Attributes, tags: Tags) -> LiveOf<LoadBalancer> {
    let arn = arn(balancer).to_owned();
    let zone = balancer.canonical_hosted_zone_id().unwrap_or_default();
    Live {
        inputs: Inputs {
            name: text(balancer.load_balancer_name()),
            internal: balancer.scheme() == Some(&LoadBalancerSchemeEnum::Internal),
            load_balancer_type: balancer
                .r#type()
                .map_or("application", LoadBalancerTypeEnum::as_str)
                .to_owned(),
            security_groups: Some(balancer.security_groups().to_vec()),
            subnets: balancer
                .availability_zones()
                .iter()
                .filter_map(|zone| zone.subnet_id().map(str::to_owned))
                .collect(),
            ip_address_type: balancer
                .ip_address_type()
                .map_or("ipv4", IpAddressType::as_str)
                .to_owned(),
            idle_timeout: attributes.parsed("idle_timeout.timeout_seconds", 60),
            client_keep_alive: attributes.parsed("client_keep_alive.seconds", 3600),
            enable_deletion_protection: attributes.parsed(DELETION_PROTECTION, false),
            drop_invalid_header_fields: attributes
                .parsed("routing.http.drop_invalid_header_fields.enabled", false),
            enable_http2: attributes.parsed("routing.http2.enabled", true),
            desync_mitigation_mode: attributes
                .text("routing.http.desync_mitigation_mode", "defensive"),
            preserve_host_header: attributes
                .parsed("routing.http.preserve_host_header.enabled", false),
            xff_header_processing_mode: attributes
                .text("routing.http.xff_header_processing.mode", "append"),
            access_logs: AccessLogs::from_attributes(attributes),
            vpc_id: balancer.vpc_id().map(str::to_owned),
        },
        outputs: Outputs {
            dns_name: text(balancer.dns_name()),
            zone_id: zone.to_owned(),
            canonical_hosted_zone_id: zone.to_owned(),
            arn_suffix: arn
                .split_once(":loadbalancer/")
                .map_or(arn.as_str(), |(_, suffix)| suffix)
                .to_owned(),
        },
        tags,
        condition: condition(balancer),
        arn: Some(arn.clone()),
        id: arn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Value;
    use crate::resource::schema::Unset;

    #[test]
    fn a_state_that_aws_has_added_since_is_usable_where_it_has_a_name_and_zones() {
        let state = aws_sdk_elasticloadbalancingv2::types::LoadBalancerState::builder()
            .code("something_new".into())
            .build();
        let balancer = Balancer::builder().state(state).dns_name("web.example");
        let zone = aws_sdk_elasticloadbalancingv2::types::AvailabilityZone::builder().build();
        let without_zones = condition(&balancer.clone().build());
        assert_eq!(without_zones, Condition::Settling("something_new".into()));
        assert!(condition(&balancer.availability_zones(zone).build()).is_usable());
    }

    #[test]
    fn attributes_read_back_as_they_were_set() {
        let balancer = Balancer::builder()
            .load_balancer_arn("arn:aws:elasticloadbalancing:r:1:loadbalancer/app/web/0a")
            .build();
        let mut inputs = live(&balancer, &Attributes::default(), Tags::default()).inputs;
        inputs.idle_timeout = 90;
        inputs.enable_http2 = false;
        inputs.enable_deletion_protection = true;
        inputs.desync_mitigation_mode = "strictest".to_owned();
        inputs.access_logs = AccessLogs {
            enabled: true,
            bucket: Some("logs".to_owned()),
            prefix: None,
        };
        let attributes = settings(&inputs).into_iter().collect();
        let read = live(&balancer, &attributes, Tags::default());
        assert_eq!(settings(&read.inputs), settings(&inputs));
        assert_eq!(read.inputs.access_logs, inputs.access_logs);
        assert_eq!(read.outputs.arn_suffix, "app/web/0a");
    }

    /// The attributes as an account returns them for a new load balancer, with those that have no input here, and in an
    /// order that means nothing.
    #[test]
    fn the_attributes_that_aws_answers_for_a_new_one_are_the_defaults() {
        const ANSWERED: [(&str, &str); 22] = [
            ("access_logs.s3.enabled", "false"),
            ("access_logs.s3.bucket", ""),
            ("access_logs.s3.prefix", ""),
            ("health_check_logs.s3.enabled", "false"),
            ("health_check_logs.s3.bucket", ""),
            ("health_check_logs.s3.prefix", ""),
            ("idle_timeout.timeout_seconds", "60"),
            ("deletion_protection.enabled", "false"),
            ("routing.http2.enabled", "true"),
            ("routing.http.drop_invalid_header_fields.enabled", "false"),
            ("routing.http.xff_client_port.enabled", "false"),
            ("routing.http.preserve_host_header.enabled", "false"),
            ("routing.http.xff_header_processing.mode", "append"),
            ("load_balancing.cross_zone.enabled", "true"),
            ("routing.http.desync_mitigation_mode", "defensive"),
            ("client_keep_alive.seconds", "3600"),
            ("waf.fail_open.enabled", "false"),
            (
                "routing.http.x_amzn_tls_version_and_cipher_suite.enabled",
                "false",
            ),
            ("zonal_shift.config.enabled", "false"),
            ("connection_logs.s3.enabled", "false"),
            ("connection_logs.s3.bucket", ""),
            ("connection_logs.s3.prefix", ""),
        ];
        let balancer = Balancer::builder()
            .load_balancer_arn("arn:aws:elasticloadbalancing:r:1:loadbalancer/app/web/0a")
            .build();
        let read = |attributes: &Attributes| {
            let inputs = live(&balancer, attributes, Tags::default()).inputs;
            serde_json::to_value(inputs).unwrap()
        };
        let answered = read(&ANSWERED.into_iter().collect());
        assert_eq!(answered, read(&ANSWERED.into_iter().rev().collect()));
        for property in LoadBalancer.schema().properties {
            let Unset::Default(default) = &property.unset else {
                continue;
            };
            // These come from the listing, and not from the attributes.
            if ["name", "internal", "ipAddressType", "loadBalancerType"].contains(&property.name) {
                continue;
            }
            let form = property.canonical.unwrap_or(|value| value);
            let value = Value::from(answered[property.name].clone());
            assert_eq!(form(value), form(default.clone()), "{}", property.name);
        }
    }
}
