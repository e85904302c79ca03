//! Web ACL of the region: the firewall in front of a load balancer.
//!
//! - An update replaces the whole ACL, under a lock token that each change renews. Settings that have no input here are
//!   sent back unchanged. A stale token fails with `WAFOptimisticLockException`; the update is then retried, but only on
//!   top of the state that the plan was made for: a change by another party in between stops it.
//! - AWS Shield and Firewall Manager add rules of their own; those of Shield are part of the list, and are kept.
//! - A description cannot be removed again, so one that is not wanted is not compared.
//! - `ListWebACLs` shows neither rules nor tags: they take one call each per ACL of interest. An ACL that is not in the
//!   index and has no name that the stack could have given is of interest only if there are few of them.
//! - Objects that have just been made or changed are refused for minutes with `WAFUnavailableEntityException`, which each
//!   call waits out.
//! - Deletion is refused while anything is associated, and for a while after.

mod checks;
mod form;
mod model;
mod search;

use std::time::Duration;

use aws_sdk_wafv2::types::{ResourceType as WafResourceType, Scope, WebAclSummary};
use futures_util::future::{try_join, try_join_all};

pub use self::model::Inputs;

use self::checks::fit;
use self::form::{inputs_of, is_shield, live, meaning, rules_to_sdk};
use self::model::LONGEST_NAME;
use self::search::{Found, PAGE, by_name, few, get, gone, summary_in, summary_of, tags_of};
use super::place::WEB_ACL;
use crate::aws::answer::text;
use crate::aws::context::Context;
use crate::aws::elbv2;
use crate::aws::error::{AwsResult, expected};
use crate::aws::pages::{worth, worth_asking};
use crate::aws::resource_type::{
    Asking, Change, Live, LiveOf, New, NoOutputs, Old, ResourceType, adopt, check,
};
use crate::aws::wait::until_visible;
use crate::resource::names::may_be_derived_within;
use crate::resource::provider::{Holder, Query, Remedy};
use crate::resource::{Condition, CreateClass, ErrorKind, ProviderError, Schema};

/// The types of resources that regional ACLs guard most: each takes a call of its own.
const GUARDED: [WafResourceType; 4] = [
    WafResourceType::ApplicationLoadBalancer,
    WafResourceType::ApiGateway,
    WafResourceType::Appsync,
    WafResourceType::CognitioUserPool,
];

pub struct WebAcl;

impl ResourceType for WebAcl {
    type Inputs = Inputs;
    type Outputs = NoOutputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, NoOutputs>(WEB_ACL.token, CreateClass::NaturalKey)
            .blockers(&["aws:wafv2:WebAclAssociation"])
            .named(Inputs::NAME, LONGEST_NAME)
            .checks(|inputs| check(inputs, fit))
    }

    /// `…:regional/webacl/NAME/ID`
    fn id_in<'a>(&self, arn: &'a str) -> Option<&'a str> {
        arn.rsplit('/').next()
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let names = query.wanted_names("name");
        let indexed = || -> Vec<WebAclSummary> {
            let arns = query.indexed.iter().map(|entry| entry.arn.as_str());
            arns.filter_map(summary_in).collect()
        };
        let listed = few(context, worth(&query, 1)).await?;
        let listed = listed.unwrap_or_else(indexed);
        let summaries = worth_asking(&query, listed, PAGE as usize, |summary| {
            summary.arn().is_some_and(|arn| query.is_indexed(arn))
                || summary.name().is_some_and(|name| {
                    names.contains(name) || may_be_derived_within(query.stack, name, LONGEST_NAME)
                })
        });
        let found = try_join_all(summaries.iter().map(|summary| async {
            let arn = summary.arn().unwrap_or_default();
            let wanted = summary.name().is_some_and(|name| names.contains(name));
            let tags = async {
                match query.settled_tags(arn) {
                    Some(tags) => Ok(tags.clone()),
                    None => tags_of(context, arn).await,
                }
            };
            if wanted || query.is_indexed(arn) {
                let (found, tags) = try_join(get(context, summary), tags).await?;
                return Ok(found.map(|found| live(&found.acl, tags)));
            }
            // Not in the index: another owner's, or ours and very new.
            let tags = tags.await?;
            if !tags.belongs_to(query.stack) {
                return Ok(None);
            }
            let found = get(context, summary).await?;
            Ok(found.map(|found| live(&found.acl, tags)))
        }))
        .await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        const CREATE: &str = "wafv2:CreateWebACL";
        let inputs = new.inputs;
        let request = context
            .wafv2
            .create_web_acl()
            .name(&inputs.name)
            .scope(Scope::Regional)
            .set_description(inputs.description.clone())
            .set_rules(Some(rules_to_sdk(inputs)?))
            .default_action(inputs.default_action.to_sdk(WEB_ACL)?)
            .visibility_config(inputs.visibility_config.to_sdk(WEB_ACL)?)
            .set_tags(Some(super::to_sdk(new.tags)));
        let answer = context.send(request).await;
        match answer {
            Ok(answer) => {
                let summary = expected(CREATE, answer.summary, "a summary")?;
                Ok(Live {
                    id: text(summary.id()),
                    arn: summary.arn().map(str::to_owned),
                    inputs: inputs.clone(),
                    outputs: NoOutputs {},
                    tags: new.tags.clone(),
                    condition: Condition::Ready,
                })
            }
            Err(error) if error.is(ErrorKind::AlreadyExists) => {
                let met = until_visible(|| by_name(context, &inputs.name)).await;
                match met {
                    Ok(met) => adopt(new.tags, met, error),
                    Err(unseen) if unseen.is(ErrorKind::NotFound) => Err(error),
                    Err(failed) => Err(failed),
                }
            }
            Err(error) => Err(error),
        }
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        const UPDATE: &str = "wafv2:UpdateWebACL";
        let wanted = change.wanted;
        let summary = summary_of(change.observed);
        let Found { acl, lock_token } = until_visible(|| async {
            let found = get(context, &summary).await?;
            found.ok_or_else(gone)
        })
        .await?;
        let now = meaning(&inputs_of(&acl))?;
        if now == meaning(wanted)? {
            // An earlier attempt succeeded, although its response was lost.
            return Ok(change.applied());
        }
        if now != meaning(&change.observed.inputs)? {
            return Err(ProviderError::new(
                ErrorKind::Guarded,
                UPDATE,
                format!(
                    "`{}` has changed since it was read; a new preview shows how",
                    wanted.name
                ),
            ));
        }
        let mut rules = rules_to_sdk(wanted)?;
        rules.extend(acl.rules().iter().filter(|rule| is_shield(rule)).cloned());
        // An ACL that was made without one may be shown with an empty one, which no request may have.
        let described = acl.description.clone().filter(|text| !text.is_empty());
        let request = context
            .wafv2
            .update_web_acl()
            .name(acl.name())
            .id(acl.id())
            .scope(Scope::Regional)
            .lock_token(&lock_token)
            .set_description(wanted.description.clone().or(described))
            .default_action(wanted.default_action.to_sdk(WEB_ACL)?)
            .set_rules(Some(rules))
            .visibility_config(wanted.visibility_config.to_sdk(WEB_ACL)?)
            .set_custom_response_bodies(acl.custom_response_bodies.clone())
            .set_captcha_config(acl.captcha_config.clone())
            .set_challenge_config(acl.challenge_config.clone())
            .set_token_domains(acl.token_domains.clone())
            .set_association_config(acl.association_config.clone())
            .set_data_protection_config(acl.data_protection_config.clone())
            .set_on_source_d_do_s_protection_config(acl.on_source_d_do_s_protection_config.clone())
            .set_application_config(acl.application_config.clone())
            .set_monetization_config(acl.monetization_config.clone());
        context.send(request).await?;
        Ok(change.applied())
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        let live = old.live;
        let Some(found) = get(context, &summary_of(live)).await? else {
            return Ok(());
        };
        let request = context
            .wafv2
            .delete_web_acl()
            .name(&live.inputs.name)
            .id(&live.id)
            .scope(Scope::Regional)
            .lock_token(&found.lock_token);
        context.send(request).await?;
        Ok(())
    }

    async fn blockers_of(
        &self,
        context: &Context,
        live: &LiveOf<Self>,
        asking: &Asking<'_>,
    ) -> AwsResult<Vec<Holder>> {
        let acl = live.arn.as_deref().unwrap_or_default();
        let mut holders = Vec::new();
        // One after the other: AWS takes one such call a second.
        for kind in GUARDED {
            let arns = super::web_acl_association::guarded_by(context, acl, kind.clone()).await?;
            let cure = |what: &str, arn: &str| {
                Remedy::new(format!(
                    "{what} is guarded by it; take the association off, then run"
                ))
                .command(format!(
                    "aws wafv2 disassociate-web-acl --resource-arn {arn}"
                ))
            };
            if kind == WafResourceType::ApplicationLoadBalancer {
                holders.extend(elbv2::holding(context, &arns, asking, &live.tags, cure).await?);
                continue;
            }
            holders.extend(arns.into_iter().map(|arn| {
                let hand = cure(&format!("{arn}, which is not of this stack,"), &arn);
                Holder::lasting(arn.clone(), arn, hand)
            }));
        }
        Ok(holders)
    }

    fn delete_patience(&self) -> Duration {
        Duration::from_mins(5)
    }
}
