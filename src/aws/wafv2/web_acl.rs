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

use std::time::Duration;

use std::collections::{HashMap, HashSet};

use aws_sdk_wafv2::types::{
    ResourceType as WafResourceType, Rule as SdkRule, Scope, WebAcl as Acl, WebAclSummary,
};
use futures_util::future::{try_join, try_join_all};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rule::{DefaultAction, Place, Rule, VisibilityConfig, canonical, canonical_action};
use crate::aws::answer::text;
use crate::aws::context::Context;
use crate::aws::elbv2;
use crate::aws::error::{AwsResult, expected, if_there};
use crate::aws::pages::{few_pages, worth, worth_asking};
use crate::aws::resource_type::{
    Asking, Change, Live, LiveOf, New, NoOutputs, Old, ResourceType, adopt, check,
};
use crate::aws::wait::until_visible;
use crate::resource::names::may_be_derived_within;
use crate::resource::provider::{Holder, Query, Remedy};
use crate::resource::text_rule::is_plain;
use crate::resource::{
    Condition, CreateClass, ErrorKind, InvalidInput, PropertyTable, ProviderError, Schema, Tags,
    TextRule, Value,
};

/// Rules that decide which requests get through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// 1 to 128 letters, digits, `_` and `-`; unique in account and region.
    #[property(replaces, text(NAME))]
    pub name: String,
    /// `REGIONAL`, the only scope there is here.
    #[schemars(extend("enum" = ["REGIONAL"]))]
    #[property(default(REGIONAL), replaces)]
    pub scope: String,
    /// 1 to 256 characters. Once set it can be changed, not removed.
    #[property(server_chooses, text(DESCRIPTION))]
    pub description: Option<String>,
    /// The action on a request that no rule decides.
    #[property(required, canonical(canonical_action))]
    pub default_action: DefaultAction,
    /// Default: none.
    #[property(default(Value::List(Vec::new())), canonical(canonical))]
    pub rules: Vec<Rule>,
    #[property(required)]
    pub visibility_config: VisibilityConfig,
}

const TOKEN: &str = "aws:wafv2:WebAcl";
const REGIONAL: &str = "REGIONAL";
/// The rules that AWS Shield Advanced adds during an attack.
const SHIELD: &str = "ShieldMitigationRuleGroup_";

/// The longest page of `ListWebACLs`.
const PAGE: i32 = 100;

const LONGEST_NAME: usize = 128;
const NAME: TextRule = TextRule::new(1..=LONGEST_NAME).of(
    |c| is_plain(c) || "_-".contains(c),
    "letters, digits, `_` and `-`",
);
const DESCRIPTION: TextRule = TextRule::new(3..=256)
    .of(
        |c| is_plain(c) || c.is_ascii_whitespace() || "_+=:#@/-,.".contains(c),
        "letters, digits, inner spaces and `_+=:#@/-,.`",
    )
    .must("neither begin nor end with a space", |text| {
        text.trim() == text
    });

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
        Schema::of::<Inputs, NoOutputs>(TOKEN, CreateClass::NaturalKey)
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
        let rules = rules_to_sdk(inputs)?;
        let default_action = inputs.default_action.to_sdk(WHOLE)?;
        let visibility = inputs.visibility_config.to_sdk(WHOLE)?;
        let request = context
            .wafv2
            .create_web_acl()
            .name(&inputs.name)
            .scope(Scope::Regional)
            .set_description(inputs.description.clone())
            .default_action(default_action.clone())
            .set_rules(Some(rules.clone()))
            .visibility_config(visibility.clone())
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
                    "`{}` was changed by somebody else since it was read; a new preview shows how",
                    wanted.name
                ),
            ));
        }
        let mut rules = rules_to_sdk(wanted)?;
        rules.extend(acl.rules().iter().filter(|rule| is_shield(rule)).cloned());
        let default_action = wanted.default_action.to_sdk(WHOLE)?;
        let visibility = wanted.visibility_config.to_sdk(WHOLE)?;
        // An ACL that was made without one may be shown with an empty one, which no request may have.
        let described = acl.description.clone().filter(|text| !text.is_empty());
        let description = wanted.description.clone().or(described);
        let request = context
            .wafv2
            .update_web_acl()
            .name(acl.name())
            .id(acl.id())
            .scope(Scope::Regional)
            .lock_token(&lock_token)
            .set_description(description.clone())
            .default_action(default_action.clone())
            .set_rules(Some(rules.clone()))
            .visibility_config(visibility.clone())
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

/// An ACL, and the token to change it with.
struct Found {
    acl: Acl,
    lock_token: String,
}

/// One ACL; `None` if it is gone.
async fn get(context: &Context, summary: &WebAclSummary) -> AwsResult<Option<Found>> {
    const GET: &str = "wafv2:GetWebACL";
    let request = context
        .wafv2
        .get_web_acl()
        .set_name(summary.name.clone())
        .set_id(summary.id.clone())
        .scope(Scope::Regional);
    let answer = context.send(request).await;
    let Some(answer) = if_there(answer)? else {
        return Ok(None);
    };
    Ok(Some(Found {
        acl: expected(GET, answer.web_acl, "a web ACL")?,
        lock_token: expected(GET, answer.lock_token, "a lock token")?,
    }))
}

/// The ACL that has a name.
///
/// # Errors
/// [`ErrorKind::NotFound`] if none is listed.
async fn by_name(context: &Context, name: &str) -> AwsResult<LiveOf<WebAcl>> {
    let summaries = list(context).await?;
    let mut taken = summaries.iter();
    let summary = taken.find(|summary| summary.name() == Some(name));
    let summary = summary.ok_or_else(gone)?;
    let arn = summary.arn().unwrap_or_default();
    let (found, tags) = try_join(get(context, summary), tags_of(context, arn)).await?;
    let found = found.ok_or_else(gone)?;
    Ok(live(&found.acl, tags))
}

/// Every ACL of account and region, without its rules.
async fn list(context: &Context) -> AwsResult<Vec<WebAclSummary>> {
    let all = few(context, usize::MAX).await?;
    Ok(all.unwrap_or_default())
}

/// Every ACL of account and region, unless they fill more than `most` pages.
async fn few(context: &Context, most: usize) -> AwsResult<Option<Vec<WebAclSummary>>> {
    const OPERATION: &str = "wafv2:ListWebACLs";
    few_pages(OPERATION, most, |marker| async move {
        let page = context
            .call(OPERATION, || {
                context
                    .wafv2
                    .list_web_acls()
                    .scope(Scope::Regional)
                    .limit(PAGE)
                    .set_next_marker(marker.clone())
                    .send()
            })
            .await?;
        let acls = expected(OPERATION, page.web_acls, "`WebACLs`")?;
        // A page that is shorter than requested need not be the last one, and the last one may have a marker, too: the page
        // that it leads to is then empty.
        let next = page.next_marker.filter(|_| !acls.is_empty());
        Ok((Some(acls), next))
    })
    .await
}

/// The tags of one ACL; none if it is gone.
async fn tags_of(context: &Context, arn: &str) -> AwsResult<Tags> {
    const OPERATION: &str = "wafv2:ListTagsForResource";
    let request = context
        .wafv2
        .list_tags_for_resource()
        .resource_arn(arn)
        .limit(100);
    let answer = context.send(request).await;
    match answer {
        Ok(answer) => {
            let info = expected(
                OPERATION,
                answer.tag_info_for_resource(),
                "`TagInfoForResource`",
            )?;
            Ok(super::from_sdk(info.tag_list()))
        }
        Err(error) if error.is(ErrorKind::NotFound) => Ok(Tags::default()),
        Err(error) => Err(error),
    }
}

fn gone() -> ProviderError {
    ProviderError::new(
        ErrorKind::NotFound,
        "wafv2:GetWebACL",
        "the web ACL is not there",
    )
}

/// The summary of an ACL that its ARN gives: `…:regional/webacl/NAME/ID`.
fn summary_in(arn: &str) -> Option<WebAclSummary> {
    let (name, id) = arn.split_once(":regional/webacl/")?.1.split_once('/')?;
    Some(WebAclSummary::builder().name(name).id(id).arn(arn).build())
}

fn summary_of(live: &LiveOf<WebAcl>) -> WebAclSummary {
    WebAclSummary::builder()
        .name(&live.inputs.name)
        .id(&live.id)
        .build()
}

const WHOLE: Place<'_> = Place {
    token: TOKEN,
    rule: None,
};

fn fit(inputs: &Inputs) -> Vec<InvalidInput> {
    if inputs.scope != REGIONAL {
        let reason = format!("`{}` is not supported, only `{REGIONAL}` is", inputs.scope);
        return vec![InvalidInput::new("scope", reason)];
    }
    let refused = |property: &str, error: ProviderError| InvalidInput::new(property, error.message);
    let mut invalid_inputs = Vec::new();
    if let Err(error) = inputs.default_action.to_sdk(WHOLE) {
        invalid_inputs.push(refused("defaultAction", error));
    }
    if let Err(error) = rules_to_sdk(inputs) {
        invalid_inputs.push(refused("rules", error));
    }
    let mut names = HashSet::new();
    let mut priorities = HashMap::new();
    for (index, rule) in inputs.rules.iter().enumerate() {
        if !names.insert(&rule.name) {
            let reason = format!("`{}` is the name of another rule", rule.name);
            invalid_inputs.push(InvalidInput::new(format!("rules[{index}].name"), reason));
        }
        if let Some(other) = priorities.insert(rule.priority, &rule.name) {
            let reason = format!("{} is the priority of `{other}`, too", rule.priority);
            invalid_inputs.push(InvalidInput::new(
                format!("rules[{index}].priority"),
                reason,
            ));
        }
    }
    invalid_inputs
}

fn rules_to_sdk(inputs: &Inputs) -> AwsResult<Vec<SdkRule>> {
    inputs.rules.iter().map(|rule| rule.to_sdk(TOKEN)).collect()
}

fn is_shield(rule: &SdkRule) -> bool {
    rule.name().starts_with(SHIELD)
}

/// The meaning of inputs, however they are written.
fn meaning(inputs: &Inputs) -> AwsResult<Vec<Value>> {
    let value = |part: Result<serde_json::Value, serde_json::Error>| {
        part.map(Value::from)
            .map_err(|error| ProviderError::new(ErrorKind::Bug, TOKEN, error.to_string()))
    };
    Ok(vec![
        canonical_action(value(serde_json::to_value(&inputs.default_action))?),
        canonical(value(serde_json::to_value(&inputs.rules))?),
        value(serde_json::to_value(&inputs.visibility_config))?,
        inputs.description.clone().into(),
    ])
}

fn inputs_of(acl: &Acl) -> Inputs {
    Inputs {
        name: acl.name().to_owned(),
        scope: REGIONAL.to_owned(),
        description: acl
            .description()
            .filter(|text| !text.is_empty())
            .map(str::to_owned),
        default_action: DefaultAction::from_sdk(acl.default_action()),
        rules: acl
            .rules()
            .iter()
            .filter(|rule| !is_shield(rule))
            .map(Rule::from_sdk)
            .collect(),
        visibility_config: VisibilityConfig::from_sdk(acl.visibility_config()),
    }
}

fn live(acl: &Acl, tags: Tags) -> LiveOf<WebAcl> {
    Live {
        id: acl.id().to_owned(),
        arn: Some(acl.arn().to_owned()),
        inputs: inputs_of(acl),
        outputs: NoOutputs {},
        tags,
        condition: Condition::Ready,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn inputs(default_action: &str) -> Inputs {
        serde_json::from_value(json!({
            "name": "web", "scope": "REGIONAL", "rules": [],
            "defaultAction": {default_action: {}},
            "visibilityConfig": {"cloudwatchMetricsEnabled": true, "metricName": "web", "sampledRequestsEnabled": true},
        }))
        .unwrap()
    }

    fn acl(inputs: &Inputs, rules: Vec<SdkRule>) -> Acl {
        Acl::builder()
            .name(&inputs.name)
            .id("0a")
            .arn("arn")
            .default_action(inputs.default_action.to_sdk(WHOLE).unwrap())
            .visibility_config(inputs.visibility_config.to_sdk(WHOLE).unwrap())
            .set_rules(Some(rules))
            .build()
            .unwrap()
    }

    #[test]
    fn an_acl_reads_back_without_the_rules_of_shield() {
        let wanted = inputs("block");
        let shield: Rule = serde_json::from_value(json!({
            "name": "ShieldMitigationRuleGroup_1", "priority": 10_000_000, "overrideAction": {"none": {}},
            "statement": {"managedRuleGroupStatement": {"vendorName": "AWS", "name": "Shield"}},
            "visibilityConfig": {"cloudwatchMetricsEnabled": true, "metricName": "m", "sampledRequestsEnabled": true},
        }))
        .unwrap();
        let read = inputs_of(&acl(&wanted, vec![shield.to_sdk(TOKEN).unwrap()]));
        assert_eq!(read, wanted);
    }

    #[test]
    fn an_arn_says_what_a_listing_would() {
        let arn = "arn:aws:wafv2:eu-south-2:1:regional/webacl/web/0a-1";
        let summary = summary_in(arn).unwrap();
        assert_eq!(summary.name(), Some("web"));
        assert_eq!(summary.id(), Some("0a-1"));
        assert_eq!(summary.arn(), Some(arn));
        assert_eq!(
            summary_in("arn:aws:wafv2:us-east-1:1:global/webacl/web/0a"),
            None
        );
    }

    #[test]
    fn default_actions_differ_in_meaning() {
        let allowed = meaning(&inputs("allow")).unwrap();
        assert_ne!(allowed, meaning(&inputs("block")).unwrap());
        assert_eq!(allowed[0], Value::from("allow"));
    }

    #[test]
    fn the_global_scope_is_refused() {
        let mut global = inputs("allow");
        global.scope = "CLOUDFRONT".to_owned();
        assert_eq!(fit(&global)[0].at, "scope");
    }
}
