//! Rule of a listener.
//!
//! - A priority can be used once per listener; a second create fails with `PriorityInUse`. The default rule is the
//!   listener's.
//! - Conditions and actions are replaced as whole lists. Priorities change through `SetRulePriorities`, which takes several
//!   rules at once, as a swap needs: a rule of ours that holds a wanted priority gets the one that becomes free in return,
//!   and is brought to its own by its own update. That ends well only if no two rules want the same priority, which is
//!   checked when the rules are read.
//! - A priority held by a rule of ours that is about to move or to be deleted is freed by moving that rule to the end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_sdk_elasticloadbalancingv2::types::{Rule, RulePriorityPair};
use futures_util::future::{join_all, try_join_all};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::action::{self, Action};
use super::condition;
use crate::aws::answer::text;
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected, if_there};
use crate::aws::resource_type::{
    Change, Live, LiveOf, New, NoOutputs, Old, ResourceType, adopt, check, not_ours,
};
use crate::aws::wait::until_visible;
use crate::resource::provider::{Query, Wanted};
use crate::resource::rule::{Limit, one};
use crate::resource::{
    Condition, CreateClass, ErrorKind, Interruption, InvalidInput, PropertyTable, ProviderError,
    Schema, Tags, Urn,
};

/// A rule that decides which requests go where.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    #[property(required, replaces)]
    pub listener_arn: String,
    /// 1 to 50000, unique within the listener; the lowest that matches wins.
    #[property(required)]
    pub priority: i32,
    /// The conditions that must hold, all of them.
    #[property(required, canonical(condition::canonical))]
    pub conditions: Vec<condition::Condition>,
    /// The actions on a request that meets the conditions.
    #[property(required, canonical(action::canonical))]
    pub actions: Vec<Action>,
}

const TOKEN: &str = "aws:lb:ListenerRule";
const CREATE: &str = "elasticloadbalancing:CreateRule";
const LAST_PRIORITY: i32 = 50000;

pub struct ListenerRule;

impl ResourceType for ListenerRule {
    type Inputs = Inputs;
    type Outputs = NoOutputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, NoOutputs>(TOKEN, CreateClass::NaturalKey)
            .key(&[Inputs::LISTENER_ARN, Inputs::PRIORITY])
            .limits(&[Limit {
                by: &[Inputs::LISTENER_ARN],
                measure: one,
                most: 10_000,
                quota: Some(100),
                what: "rules of one listener",
                help: "put patterns together with `*`, or ask AWS to raise the quota of rules per load balancer",
            }])
            .reads_after(&["aws:lb:Listener"])
            .child_of(Inputs::LISTENER_ARN, "aws:lb:Listener")
            .interrupts(
                Interruption::new("other rules answer what it matches until the new one is ready")
                    .sends_to(Inputs::ACTIONS),
            )
            .opens()
            .checks(|inputs| check(inputs, fit))
            .trades_places()
    }

    async fn ahead(&self, context: &Context, query: Query<'_>) {
        drop(join_all(by_listener(context, query)).await);
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        refuse_equal_priorities(query.wanted)?;
        let rules = try_join_all(by_listener(context, query)).await?;
        let rules: Vec<&Rule> = rules.iter().flat_map(|rules| rules.iter()).collect();
        let arns = rules.iter().filter_map(|rule| rule.rule_arn());
        let tags = super::tags(context, &query, arns).await?;
        Ok(rules
            .into_iter()
            .filter_map(|rule| {
                let tags = tags.get(rule.rule_arn()?)?;
                let listener = super::parent_arn(rule.rule_arn()?);
                let mut ours = query.parents("aws:lb:Listener");
                let is_on_ours = ours.any(|own| own.arn == listener);
                (is_on_ours || tags.belongs_to(query.stack)).then(|| live(rule, tags.clone()))
            })
            .collect())
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let inputs = new.inputs;
        // Listener and target group may be too new to be visible.
        let create = || {
            until_visible(|| {
                let request = context
                    .elbv2
                    .create_rule()
                    .listener_arn(&inputs.listener_arn)
                    .priority(inputs.priority)
                    .set_conditions(Some(condition::to_sdk(&inputs.conditions)))
                    .set_actions(Some(action::to_sdk(&inputs.actions)))
                    .set_tags(Some(super::to_sdk(new.tags)));
                context.send(request)
            })
        };
        let answer = match create().await {
            Err(error) if error.is(ErrorKind::AlreadyExists) => {
                let _turn = context.turn(&inputs.listener_arn).await;
                let rules = until_visible(|| list(context, &inputs.listener_arn)).await?;
                if let Some(holder) = holder(&rules, inputs.priority) {
                    let met = with_tags(context, holder).await?;
                    let own = met.tags.is_earlier_self_of(new.tags);
                    if own || !met.tags.belongs_to(new.urn.stack()) {
                        return adopt(new.tags, met, error);
                    }
                    set_priorities(context, &[(&met.id, last_free(&rules))]).await?;
                }
                create().await?
            }
            other => other?,
        };
        let made = answer.rules.unwrap_or_default().into_iter().next();
        Ok(live(&expected(CREATE, made, "a rule")?, new.tags.clone()))
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let arn = &change.observed.id;
        let wanted = change.wanted;
        if change.touches(Inputs::PRIORITY) {
            take_priority(context, change.urn, arn, wanted).await?;
        }
        let modified_conditions = change.touches(Inputs::CONDITIONS);
        let modified_actions = change.touches(Inputs::ACTIONS);
        if modified_conditions || modified_actions {
            let actions = action::to_sdk(&wanted.actions);
            let conditions = condition::to_sdk(&wanted.conditions);
            until_visible(|| {
                let request = context
                    .elbv2
                    .modify_rule()
                    .rule_arn(arn)
                    .set_conditions(modified_conditions.then(|| conditions.clone()))
                    .set_actions(modified_actions.then(|| actions.clone()));
                context.send(request)
            })
            .await?;
        }
        Ok(change.applied())
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        context
            .send(context.elbv2.delete_rule().rule_arn(&old.live.id))
            .await?;
        Ok(())
    }
}

/// Gives a rule the priority it wants, in exchange for its own if another rule of the stack holds that.
async fn take_priority(context: &Context, urn: &Urn, arn: &str, wanted: &Inputs) -> AwsResult<()> {
    let _turn = context.turn(&wanted.listener_arn).await;
    let error = match set_priorities(context, &[(arn, wanted.priority)]).await {
        Err(error) if error.is(ErrorKind::AlreadyExists) => error,
        other => return other,
    };
    let rules = until_visible(|| list(context, &wanted.listener_arn)).await?;
    let own = rules
        .iter()
        .find(|rule| rule.rule_arn() == Some(arn))
        .and_then(priority);
    if own == Some(wanted.priority) {
        // The other rule's update has made the swap.
        return Ok(());
    }
    let (Some(own), Some(holder)) = (own, holder(&rules, wanted.priority)) else {
        return Err(busy(error));
    };
    let met = with_tags(context, holder).await?;
    if !met.tags.belongs_to(urn.stack()) {
        return Err(not_ours(&Tags::default(), &met, error));
    }
    match set_priorities(context, &[(arn, wanted.priority), (&met.id, own)]).await {
        // Another run is moving rules at the same time: the update is retried.
        Err(error) if error.is(ErrorKind::AlreadyExists) => Err(busy(error)),
        other => other,
    }
}

/// Turns an error into one for which the update is retried.
fn busy(mut error: ProviderError) -> ProviderError {
    error.kind = ErrorKind::InUse;
    error
}

async fn set_priorities(context: &Context, priorities: &[(&str, i32)]) -> AwsResult<()> {
    let pairs: Vec<RulePriorityPair> = priorities
        .iter()
        .map(|(arn, priority)| {
            RulePriorityPair::builder()
                .rule_arn(*arn)
                .priority(*priority)
                .build()
        })
        .collect();
    until_visible(|| {
        let request = context
            .elbv2
            .set_rule_priorities()
            .set_rule_priorities(Some(pairs.clone()));
        context.send(request)
    })
    .await?;
    Ok(())
}

/// The requests for the rules of each listener, made once per read session; none are found if it is gone.
fn by_listener<'a>(
    context: &'a Context,
    query: Query<'a>,
) -> impl Iterator<Item = impl Future<Output = AwsResult<Arc<Vec<Rule>>>>> {
    let listeners = super::listener::parents(&query, "aws:lb:Listener", "listenerArn");
    listeners.into_iter().map(move |listener| async move {
        let key = format!("elasticloadbalancing:DescribeRules {listener}");
        let list = || async { Ok(if_there(list(context, &listener).await)?.unwrap_or_default()) };
        query.session.once(&key, list).await
    })
}

/// The rules of one listener, without its default rule.
async fn list(context: &Context, listener: &str) -> AwsResult<Vec<Rule>> {
    let mut rules = context
        .pages(
            |marker| {
                context
                    .elbv2
                    .describe_rules()
                    .listener_arn(listener)
                    .page_size(super::PAGE)
                    .set_marker(marker)
            },
            |page| (page.rules, page.next_marker),
        )
        .await?;
    rules.retain(|rule| rule.is_default() != Some(true));
    Ok(rules)
}

async fn with_tags(context: &Context, rule: &Rule) -> AwsResult<LiveOf<ListenerRule>> {
    let arn = rule.rule_arn().unwrap_or_default();
    let arns = [arn];
    let tags = until_visible(|| super::describe_tags(context, &arns)).await?;
    Ok(live(rule, tags.into_values().next().unwrap_or_default()))
}

fn holder(rules: &[Rule], wanted: i32) -> Option<&Rule> {
    rules.iter().find(|rule| priority(rule) == Some(wanted))
}

/// The priority of a rule, which answers have as text; `default` stands for the default rule.
fn priority(rule: &Rule) -> Option<i32> {
    rule.priority()?.parse().ok()
}

fn last_free(rules: &[Rule]) -> i32 {
    let taken: BTreeSet<i32> = rules.iter().filter_map(priority).collect();
    (1..=LAST_PRIORITY)
        .rev()
        .find(|priority| !taken.contains(priority))
        .unwrap_or(LAST_PRIORITY)
}

fn fit(inputs: &Inputs) -> Vec<InvalidInput> {
    let mut invalid_inputs = condition::fit("conditions", &inputs.conditions);
    invalid_inputs.extend(action::fit("actions", &inputs.actions));
    invalid_inputs
}

/// Refuses two rules that want one priority: they would take it from each other in every run.
fn refuse_equal_priorities(wanted: &[Wanted]) -> AwsResult<()> {
    let mut holders = BTreeMap::new();
    for rule in wanted {
        let (Some(listener), Some(priority)) =
            (rule.inputs.get("listenerArn"), rule.inputs.get("priority"))
        else {
            continue;
        };
        // Before anything is known, references are equal if they are spelled alike.
        let slot = (
            serde_json::Value::from(listener).to_string(),
            serde_json::Value::from(priority).to_string(),
        );
        if let Some(other) = holders.insert(slot, rule) {
            return Err(super::invalid(
                TOKEN,
                format!(
                    "priority: `{}` and `{}` have the same one on the same listener",
                    other.urn.name(),
                    rule.urn.name()
                ),
            ));
        }
    }
    Ok(())
}

fn live(rule: &Rule, tags: Tags) -> LiveOf<ListenerRule> {
    let arn = text(rule.rule_arn());
    Live {
        inputs: Inputs {
            listener_arn: super::parent_arn(&arn).unwrap_or_default(),
            priority: priority(rule).unwrap_or_default(),
            conditions: condition::from_sdk(rule.conditions()),
            actions: action::from_sdk(rule.actions()),
        },
        outputs: NoOutputs {},
        tags,
        condition: Condition::Ready,
        arn: Some(arn.clone()),
        id: arn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::StackId;
    use crate::resource::value::{Value, properties};

    #[test]
    fn the_last_free_priority_is_found() {
        let rule = |priority: &str| Rule::builder().priority(priority).build();
        assert_eq!(last_free(&[rule("10"), rule("default")]), 50000);
        assert_eq!(last_free(&[rule("50000"), rule("49999")]), 49998);
    }

    #[test]
    fn rules_want_different_priorities() {
        let stack = StackId {
            name: "shop".into(),
            environment: "dev".into(),
        };
        let listener = Urn::new(&stack, "aws:lb:Listener", "http");
        let rule = |name: &str, priority: i32| Wanted {
            urn: Urn::new(&stack, TOKEN, name),
            inputs: properties([
                ("listenerArn", Value::output(&listener, "arn")),
                ("priority", priority.into()),
            ]),
            tags: Tags::default(),
            is_imported: false,
        };
        assert!(refuse_equal_priorities(&[rule("a", 1), rule("b", 2)]).is_ok());
        let error = refuse_equal_priorities(&[rule("a", 1), rule("b", 1)]).unwrap_err();
        assert!(error.message.contains("`a` and `b`"), "{error}");
    }
}
