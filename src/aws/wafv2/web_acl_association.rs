//! The association of a web ACL with a load balancer.
//!
//! - A load balancer has one ACL; associating another one replaces it silently, so the present one is requested first.
//! - There are no tags: it is part of its ACL, and is deleted with its load balancer. If the load balancer is gone, there
//!   is no association, and no error: pulumi/pulumi#11213.
//! - ACLs for `CloudFront` have ARNs of the same form, and cannot be put in front of a load balancer:
//!   hashicorp/terraform-provider-aws#28753.
//! - A new ACL takes seconds to minutes before it can be associated, and a load balancer that was made a moment ago may not
//!   be visible to WAF yet: <https://github.com/kubernetes-sigs/aws-load-balancer-controller/issues/2022>.

use std::collections::HashSet;
use std::sync::Arc;

use aws_sdk_wafv2::types::ResourceType as WafResourceType;
use futures_util::future::{join_all, try_join_all};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected, if_there};
use crate::aws::resource_type::{Change, Live, LiveOf, New, NoOutputs, Old, ResourceType, check};
use crate::aws::wait::{Poll, Wait, until_visible};
use crate::resource::provider::{Progress, Query};
use crate::resource::{
    Condition, CreateClass, ErrorKind, InvalidInput, PropertyTable, ProviderError, Schema, Tags,
};

/// Puts a web ACL in front of a load balancer.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// ARN of an application load balancer.
    #[property(required, replaces, regional)]
    pub resource_arn: String,
    /// ARN of the ACL.
    #[property(required, regional)]
    pub web_acl_arn: String,
}

const TOKEN: &str = "aws:wafv2:WebAclAssociation";
const ASSOCIATE: &str = "wafv2:AssociateWebACL";

pub struct WebAclAssociation;

impl ResourceType for WebAclAssociation {
    type Inputs = Inputs;
    type Outputs = NoOutputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, NoOutputs>(TOKEN, CreateClass::PartOfParent)
            .checks(|inputs| check(inputs, fit))
            .key(&[Inputs::RESOURCE_ARN])
            .reads_after(&["aws:wafv2:WebAcl", "aws:lb:LoadBalancer"])
            .child_of(Inputs::WEB_ACL_ARN, "aws:wafv2:WebAcl")
            .child_of(Inputs::RESOURCE_ARN, "aws:lb:LoadBalancer")
    }

    async fn ahead(&self, context: &Context, query: Query<'_>) {
        let asked = acls(&query)
            .into_iter()
            .map(|acl| balancers_of(context, query, acl));
        drop(join_all(asked).await);
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let ours: HashSet<&str> = query
            .parents("aws:wafv2:WebAcl")
            .filter_map(|acl| acl.arn.as_deref())
            .collect();
        let balancers: HashSet<&str> = query
            .parents("aws:lb:LoadBalancer")
            .filter_map(|balancer| balancer.arn.as_deref())
            .collect();
        let found = try_join_all(acls(&query).into_iter().map(|acl| async move {
            let resources = balancers_of(context, query, acl).await?;
            Ok((acl, resources))
        }))
        .await?;
        let mut found: Vec<LiveOf<Self>> = found
            .iter()
            .flat_map(|(acl, resources)| resources.iter().map(move |resource| (*acl, resource)))
            .filter(|(acl, resource)| ours.contains(acl) || balancers.contains(resource.as_str()))
            .map(|(acl, resource)| guarded(resource, acl))
            .collect();
        // A resource that the stack wants to guard, and does not yet, may have another owner's ACL.
        let resources = query.wanted_names("resourceArn").into_iter();
        let bare: Vec<&str> = resources
            .filter(|resource| found.iter().all(|own| own.inputs.resource_arn != *resource))
            .collect();
        let others = try_join_all(bare.into_iter().map(|resource| async move {
            let acl = match guarding(context, resource).await {
                Err(error) if error.is(ErrorKind::NotFound) => None,
                other => other?,
            };
            Ok(acl.map(|acl| guarded(resource, &acl)))
        }))
        .await?;
        found.extend(others.into_iter().flatten());
        Ok(found)
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let inputs = new.inputs;
        match until_visible(|| guarding(context, &inputs.resource_arn)).await? {
            Some(acl) if acl == inputs.web_acl_arn => {}
            Some(acl) => {
                return Err(ProviderError::new(
                    ErrorKind::NotOurs,
                    ASSOCIATE,
                    format!(
                        "`{}` has the web ACL `{acl}` already, which is not part of this stack",
                        inputs.resource_arn
                    ),
                ));
            }
            None => associate(context, inputs, new.progress).await?,
        }
        Ok(live(inputs.clone()))
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        associate(context, change.wanted, change.progress).await?;
        Ok(change.applied())
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        let request = context
            .wafv2
            .disassociate_web_acl()
            .resource_arn(&old.live.inputs.resource_arn);
        context.send(request).await?;
        Ok(())
    }
}

/// Replaces whatever ACL the load balancer has.
async fn associate(context: &Context, inputs: &Inputs, progress: &dyn Progress) -> AwsResult<()> {
    Wait::long(ASSOCIATE, 10, progress)
        .until(|| async {
            let answer = until_visible(|| {
                let request = context
                    .wafv2
                    .associate_web_acl()
                    .resource_arn(&inputs.resource_arn)
                    .web_acl_arn(&inputs.web_acl_arn);
                context.send(request)
            })
            .await;
            match answer {
                Ok(_) => Ok(Poll::Ready(())),
                Err(error) if error.is(ErrorKind::NotVisibleYet) => {
                    Ok(Poll::Pending("the web ACL is not available yet".to_owned()))
                }
                Err(error) => Err(error),
            }
        })
        .await
}

/// The ACLs of the stack, and those of others that it names: among the resources that these guard, only the stack's load
/// balancers are of interest.
fn acls<'a>(query: &Query<'a>) -> HashSet<&'a str> {
    let ours = query.parents("aws:wafv2:WebAcl");
    let ours = ours.filter_map(|acl| acl.arn.as_deref());
    ours.chain(query.wanted_names("webAclArn")).collect()
}

/// The load balancers that an ACL guards, requested once per read session.
async fn balancers_of(
    context: &Context,
    query: Query<'_>,
    acl: &str,
) -> AwsResult<Arc<Vec<String>>> {
    let key = format!("wafv2:ListResourcesForWebACL {acl}");
    let balancers = WafResourceType::ApplicationLoadBalancer;
    let asked = || guarded_by(context, acl, balancers);
    query.session.once(&key, asked).await
}

/// The load balancers that an ACL guards; none if it is gone.
pub(super) async fn guarded_by(
    context: &Context,
    acl: &str,
    kind: WafResourceType,
) -> AwsResult<Vec<String>> {
    const OPERATION: &str = "wafv2:ListResourcesForWebACL";
    let request = context
        .wafv2
        .list_resources_for_web_acl()
        .web_acl_arn(acl)
        .resource_type(kind.clone());
    match if_there(context.send(request).await)? {
        Some(answer) => expected(OPERATION, answer.resource_arns, "`ResourceArns`"),
        None => Ok(Vec::new()),
    }
}

fn fit(inputs: &Inputs) -> Vec<InvalidInput> {
    let mut invalid_inputs = Vec::new();
    let guarded = &inputs.resource_arn;
    if !guarded.contains(":loadbalancer/app/") {
        let reason = format!("only application load balancers are supported, `{guarded}` is none");
        invalid_inputs.push(InvalidInput::new("resourceArn", reason));
    }
    let acl = &inputs.web_acl_arn;
    if !(acl.contains(":wafv2:") && acl.contains(":regional/webacl/")) {
        let reason = format!("takes the ARN of a web ACL of a region, `{acl}` is none");
        let help = "one for CloudFront (`global`) or of WAF Classic does not guard load balancers";
        invalid_inputs.push(InvalidInput::new("webAclArn", reason).help(help));
    }
    invalid_inputs
}

/// The ARN of the ACL that guards a resource.
async fn guarding(context: &Context, resource: &str) -> AwsResult<Option<String>> {
    let request = context
        .wafv2
        .get_web_acl_for_resource()
        .resource_arn(resource);
    let answer = context.send(request).await?;
    Ok(answer.web_acl().map(|acl| acl.arn().to_owned()))
}

/// A resource with the ACL that guards it.
fn guarded(resource: &str, acl: &str) -> LiveOf<WebAclAssociation> {
    live(Inputs {
        resource_arn: resource.to_owned(),
        web_acl_arn: acl.to_owned(),
    })
}

fn live(inputs: Inputs) -> LiveOf<WebAclAssociation> {
    Live {
        id: inputs.resource_arn.clone(),
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
    use crate::aws::fixtures::places;

    #[test]
    fn an_acl_of_a_region_guards_an_application_load_balancer() {
        let invalid_inputs = |resource: &str, acl: &str| -> Vec<String> {
            let inputs = Inputs {
                resource_arn: resource.to_owned(),
                web_acl_arn: acl.to_owned(),
            };
            places(fit(&inputs))
        };
        let balancer =
            "arn:aws:elasticloadbalancing:eu-south-2:1:loadbalancer/app/shop/50dc6c495c0c9188";
        let network =
            "arn:aws:elasticloadbalancing:eu-south-2:1:loadbalancer/net/shop/50dc6c495c0c9188";
        let acl = "arn:aws:wafv2:eu-south-2:1:regional/webacl/shop/a1";
        assert_eq!(invalid_inputs(balancer, acl), [""; 0]);
        assert_eq!(invalid_inputs(network, acl), ["resourceArn"]);
        for other in [
            "arn:aws:wafv2:us-east-1:1:global/webacl/shop/a1",
            "arn:aws:waf-regional:eu-south-2:1:webacl/a1",
            "a1",
        ] {
            assert_eq!(invalid_inputs(balancer, other), ["webAclArn"], "{other}");
        }
    }
}
