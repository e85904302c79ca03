//! VPC. Exemplar of a type that is found by id.
//!
//! - `CreateVpc` takes neither a client token nor a name: a retry makes a duplicate, so it is never retried blindly.
//! - DNS attributes are not part of the create call, and each takes a call of its own, to read and to write.
//! - Host names need DNS support: it is enabled first and disabled last.
//! - The default security group, main route table and default network ACL are created and deleted with the VPC. The traffic
//!   that the first of them lets through is a property of the VPC (`vpc_default_group.rs`), and is neither read nor touched
//!   if no VPC has that property.

use aws_sdk_ec2::types::{
    AttributeBooleanValue, ResourceType as Ec2Type, Tenancy, VpcAttributeName, VpcState,
};
use futures_util::future::{try_join, try_join_all};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::security_group;
use super::vpc_default_group::{self as default_group, CHANGED, CLOSED, OPEN};
use crate::aws::answer::text;
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected, if_there};
use crate::aws::resource_type::{
    Asking, Change, Live, LiveOf, New, NoOutputs, Old, ResourceType, check,
};
use crate::aws::states::{self, Standing};
use crate::aws::wait::{Poll, Wait, until_visible};
use crate::resource::provider::{Holder, Indexed, Progress, Query, Wanted};
use crate::resource::{
    Condition, CreateClass, ErrorKind, InvalidInput, Properties, PropertyTable, ProviderError,
    Schema,
};

/// A virtual network.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// IPv4 range in CIDR notation, /16 to /28.
    #[property(required, replaces, canonical(super::network_address))]
    pub cidr_block: String,
    /// True if Amazon's resolver answers at the base of the range plus two.
    #[property(default(true))]
    pub enable_dns_support: bool,
    /// True if instances with public addresses get public host names. Needs DNS support.
    #[property(default(false))]
    pub enable_dns_hostnames: bool,
    /// `default` or `dedicated`. Going to `dedicated` replaces the VPC.
    #[property(default("default"), replaces)]
    pub instance_tenancy: String,
    /// The traffic that the VPC's default security group lets through. AWS makes this group with the VPC, and everything
    /// that names no group is in it. `closed`: nothing; every rule that no stack has made is removed. `open`: AWS's own
    /// rules, in addition to those that it has. Default: the group is left alone.
    #[schemars(extend("enum" = ["closed", "open", null]))]
    #[property(server_chooses)]
    pub default_security_group: Option<String>,
}

fn checks(inputs: &Properties) -> Vec<InvalidInput> {
    let mut invalid_inputs = super::check_block(inputs, "cidrBlock");
    invalid_inputs.extend(check(inputs, |inputs: &Inputs| {
        let mut invalid_inputs = Vec::new();
        // The value that was read may be carried over if the file is silent.
        let known = [CLOSED, OPEN, CHANGED];
        let group = inputs.default_security_group.as_deref();
        if group.is_some_and(|group| !known.contains(&group)) {
            let reason = "takes `closed` or `open`";
            invalid_inputs.push(InvalidInput::new("defaultSecurityGroup", reason));
        }
        if inputs.enable_dns_hostnames && !inputs.enable_dns_support {
            let reason = "goes with `enableDnsSupport` alone";
            invalid_inputs.push(
                InvalidInput::new("enableDnsHostnames", reason)
                    .decided_by(["enableDnsHostnames", "enableDnsSupport"]),
            );
        }
        // Of the three values in the model, `host` is for instances (hashicorp/terraform-provider-aws#23916).
        if !matches!(inputs.instance_tenancy.as_str(), "default" | "dedicated") {
            let reason = "AWS takes `default` and `dedicated` of a VPC";
            invalid_inputs.push(InvalidInput::new("instanceTenancy", reason));
        }
        invalid_inputs
    }));
    invalid_inputs
}

pub struct Vpc;

impl ResourceType for Vpc {
    type Inputs = Inputs;
    type Outputs = NoOutputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, NoOutputs>("aws:ec2:Vpc", CreateClass::TagsOnly).checks(checks)
    }

    fn id_in<'a>(&self, arn: &'a str) -> Option<&'a str> {
        arn.rsplit('/').next()
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let filter = &super::of_stack(query.stack);
        let has_group = |wanted: &Wanted| wanted.inputs.contains_key("defaultSecurityGroup");
        let has_group = query.wanted.iter().any(has_group);
        let known: Vec<&str> = query.indexed.iter().map(Indexed::last_segment).collect();
        // The VPCs that the index names need not wait for the list. A refusal is reported to the callers that need the
        // answer.
        let ahead = async {
            if has_group && !known.is_empty() {
                drop(security_group::listing::of_vpcs(context, query.session, &known).await);
            }
            Ok(())
        };
        let vpcs = context.pages(
            |token| {
                context
                    .ec2
                    .describe_vpcs()
                    .filters(filter.clone())
                    .max_results(1000)
                    .set_next_token(token)
            },
            |page| (page.vpcs, page.next_token),
        );
        let (vpcs, ()) = try_join(vpcs, ahead).await?;
        let groups: Vec<&str> = if has_group {
            vpcs.iter().filter_map(|vpc| vpc.vpc_id()).collect()
        } else {
            Vec::new()
        };
        let groups = default_group::standings(context, query.session, &groups);
        let found = try_join_all(vpcs.iter().map(|vpc| async {
            let id = vpc.vpc_id().unwrap_or_default();
            let attributes = try_join(
                attribute(context, id, VpcAttributeName::EnableDnsSupport),
                attribute(context, id, VpcAttributeName::EnableDnsHostnames),
            );
            // It may have been deleted a moment ago; the list lags behind.
            let attributes = if_there(attributes.await)?;
            Ok(attributes.map(|(support, hostnames)| live(context, vpc, support, hostnames)))
        }));
        let (found, groups) = try_join(found, groups).await?;
        let found = found.into_iter().flatten().map(|mut live| {
            let standing = groups.get(&live.id);
            live.inputs.default_security_group = standing.map(|standing| (*standing).to_owned());
            live
        });
        Ok(found.collect())
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let request = context
            .ec2
            .create_vpc()
            .cidr_block(&new.inputs.cidr_block)
            .instance_tenancy(Tenancy::from(new.inputs.instance_tenancy.as_str()))
            .tag_specifications(super::on_create(Ec2Type::Vpc, new.tags));
        let answer = context.send_once(request).await?;
        let vpc = expected("ec2:CreateVpc", answer.vpc, "a VPC")?;
        // A new VPC has DNS support, no host names and AWS's rules, whatever is wanted: `update` sets the rest.
        let mut live = live(context, &vpc, true, false);
        let wanted = new.inputs.default_security_group.as_ref();
        live.inputs.default_security_group = wanted.map(|_| OPEN.to_owned());
        Ok(live)
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let id = &change.observed.id;
        let wanted = change.wanted;
        let modify = || context.ec2.modify_vpc_attribute().vpc_id(id);
        let support = |on| modify().enable_dns_support(attribute_value(on));
        if change.touches(Inputs::ENABLE_DNS_SUPPORT) && wanted.enable_dns_support {
            until_visible(|| context.send(support(true))).await?;
        }
        if change.touches(Inputs::ENABLE_DNS_HOSTNAMES) {
            let value = attribute_value(wanted.enable_dns_hostnames);
            let hostnames = modify().enable_dns_hostnames(value);
            until_visible(|| context.send(hostnames.clone())).await?;
        }
        if change.touches(Inputs::ENABLE_DNS_SUPPORT) && !wanted.enable_dns_support {
            until_visible(|| context.send(support(false))).await?;
        }
        if change.touches(Inputs::DEFAULT_SECURITY_GROUP) {
            match wanted.default_security_group.as_deref() {
                Some(CLOSED) => default_group::close(context, id, change.progress).await?,
                Some(OPEN) => default_group::open(context, id).await?,
                _ => {}
            }
        }
        Ok(change.applied())
    }

    async fn wait(
        &self,
        context: &Context,
        live: LiveOf<Self>,
        progress: &dyn Progress,
    ) -> AwsResult<LiveOf<Self>> {
        Wait::short("ec2:DescribeVpcs", 10, progress)
            .until(|| async {
                let answer = context
                    .send(context.ec2.describe_vpcs().vpc_ids(&live.id))
                    .await;
                let state = match answer {
                    Ok(answer) => answer.vpcs().first().and_then(|vpc| vpc.state().cloned()),
                    // Just created, and not yet visible everywhere.
                    Err(error) if error.is(ErrorKind::NotFound) => None,
                    Err(error) => return Err(error),
                };
                let state = state.as_ref().map_or("pending", VpcState::as_str);
                match states::standing(states::VPC, state) {
                    Some(Standing::Usable) => Ok(Poll::Ready(())),
                    Some(Standing::Lost) => Err(ProviderError::new(
                        ErrorKind::Failed,
                        "ec2:DescribeVpcs",
                        format!("`{}` is {state}", live.id),
                    )),
                    _ => Ok(Poll::Pending(state.to_owned())),
                }
            })
            .await?;
        Ok(Live {
            condition: Condition::Ready,
            ..live
        })
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        context
            .send(context.ec2.delete_vpc().vpc_id(&old.live.id))
            .await?;
        Ok(())
    }

    async fn blockers_of(
        &self,
        context: &Context,
        live: &LiveOf<Self>,
        asking: &Asking<'_>,
    ) -> AwsResult<Vec<Holder>> {
        super::holders::of_vpc(context, &live.id, &live.tags, asking.ours).await
    }
}

fn attribute_value(on: bool) -> AttributeBooleanValue {
    AttributeBooleanValue::builder().value(on).build()
}

/// One DNS attribute: AWS returns one per call.
async fn attribute(context: &Context, id: &str, name: VpcAttributeName) -> AwsResult<bool> {
    let request = context
        .ec2
        .describe_vpc_attribute()
        .vpc_id(id)
        .attribute(name.clone());
    let answer = context.send(request).await?;
    let value = match name {
        VpcAttributeName::EnableDnsSupport => answer.enable_dns_support(),
        _ => answer.enable_dns_hostnames(),
    };
    Ok(value
        .and_then(AttributeBooleanValue::value)
        .unwrap_or(false))
}

fn live(
    context: &Context,
    vpc: &aws_sdk_ec2::types::Vpc,
    enable_dns_support: bool,
    enable_dns_hostnames: bool,
) -> LiveOf<Vpc> {
    let id = text(vpc.vpc_id());
    Live {
        arn: Some(context.arn("ec2", &format!("vpc/{id}"))),
        inputs: Inputs {
            cidr_block: text(vpc.cidr_block()),
            enable_dns_support,
            enable_dns_hostnames,
            instance_tenancy: vpc
                .instance_tenancy()
                .map_or("default", Tenancy::as_str)
                .to_owned(),
            default_security_group: None,
        },
        outputs: NoOutputs {},
        tags: super::from_sdk(vpc.tags()),
        condition: states::condition(
            states::VPC,
            vpc.state().map_or("available", VpcState::as_str),
        ),
        id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::fixtures::places;
    use crate::resource::value::properties;

    fn refused(property: &str, value: &str) -> Vec<String> {
        let mut inputs = properties([
            ("cidrBlock", "10.0.0.0/16".into()),
            ("enableDnsSupport", true.into()),
            ("enableDnsHostnames", false.into()),
            ("instanceTenancy", "default".into()),
        ]);
        inputs.insert(property.to_owned(), value.into());
        places(checks(&inputs))
    }

    /// Words that a reference resolves to: no file can contain them.
    #[test]
    fn a_default_group_is_closed_or_open() {
        let invalid_inputs = |word| refused("defaultSecurityGroup", word);
        assert_eq!(invalid_inputs("closed"), [] as [&str; 0]);
        assert_eq!(invalid_inputs("open"), [] as [&str; 0]);
        assert_eq!(invalid_inputs("closd"), ["defaultSecurityGroup"]);
    }

    #[test]
    fn a_network_is_not_on_a_host_of_its_own() {
        let invalid_inputs = |tenancy| refused("instanceTenancy", tenancy);
        assert_eq!(invalid_inputs("default"), [] as [&str; 0]);
        assert_eq!(invalid_inputs("dedicated"), [] as [&str; 0]);
        assert_eq!(invalid_inputs("host"), ["instanceTenancy"]);
    }
}
