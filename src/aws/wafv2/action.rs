//! The actions of rules and web ACLs.
//!
//! Actions are objects with one empty member, `{block: {}}`. Compared as they stand they would all be equal, because an
//! empty object means as much as none; their canonical form is the member's name.

use aws_sdk_wafv2::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::place::Place;
use crate::aws::error::AwsResult;
use crate::resource::{Properties, Value};

/// Exactly one of these.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Action {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow: Option<Plain>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block: Option<Plain>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<Plain>,
}

/// Exactly one of these.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OverrideAction {
    /// Nothing is blocked, only counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<Plain>,
    /// The group's own actions hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub none: Option<Plain>,
}

/// Exactly one of these.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DefaultAction {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow: Option<Plain>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block: Option<Plain>,
}

/// An action without custom headers or answers: written `{}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plain {}

impl Action {
    pub(super) fn to_sdk(&self, place: Place<'_>) -> AwsResult<sdk::RuleAction> {
        let action = sdk::RuleAction::builder();
        match (&self.allow, &self.block, &self.count) {
            (Some(_), None, None) => Ok(action.allow(sdk::AllowAction::builder().build()).build()),
            (None, Some(_), None) => Ok(action.block(sdk::BlockAction::builder().build()).build()),
            (None, None, Some(_)) => Ok(action.count(sdk::CountAction::builder().build()).build()),
            _ => Err(place.refuse("an action is exactly one of `allow`, `block`, `count`")),
        }
    }

    /// Empty for an action that has no form here, so that it differs from whatever is wanted.
    pub(super) fn from_sdk(action: &sdk::RuleAction) -> Self {
        Self {
            allow: action
                .allow()
                .filter(|allow| allow.custom_request_handling().is_none())
                .map(|_| Plain {}),
            block: action
                .block()
                .filter(|block| block.custom_response().is_none())
                .map(|_| Plain {}),
            count: action
                .count()
                .filter(|count| count.custom_request_handling().is_none())
                .map(|_| Plain {}),
        }
    }
}

impl OverrideAction {
    pub(super) fn to_sdk(&self, place: Place<'_>) -> AwsResult<sdk::OverrideAction> {
        let action = sdk::OverrideAction::builder();
        match (&self.count, &self.none) {
            (Some(_), None) => Ok(action.count(sdk::CountAction::builder().build()).build()),
            (None, Some(_)) => Ok(action.none(sdk::NoneAction::builder().build()).build()),
            _ => Err(place.refuse("`overrideAction` is either `none` or `count`")),
        }
    }
}

impl DefaultAction {
    pub(super) fn to_sdk(&self, place: Place<'_>) -> AwsResult<sdk::DefaultAction> {
        let action = sdk::DefaultAction::builder();
        match (&self.allow, &self.block) {
            (Some(_), None) => Ok(action.allow(sdk::AllowAction::builder().build()).build()),
            (None, Some(_)) => Ok(action.block(sdk::BlockAction::builder().build()).build()),
            _ => Err(place.refuse("is either `allow` or `block`")),
        }
    }

    pub(super) fn from_sdk(action: Option<&sdk::DefaultAction>) -> Self {
        Self {
            allow: action
                .and_then(sdk::DefaultAction::allow)
                .filter(|allow| allow.custom_request_handling().is_none())
                .map(|_| Plain {}),
            block: action
                .and_then(sdk::DefaultAction::block)
                .filter(|block| block.custom_response().is_none())
                .map(|_| Plain {}),
        }
    }
}

/// `{block: {}}` as `block`.
pub(super) fn canonical_action(action: Value) -> Value {
    let Value::Object(members) = &action else {
        return action;
    };
    let mut given = members.iter().filter(|(_, member)| !member.is_null());
    match (given.next(), given.next()) {
        (Some((name, Value::Object(_))), None) => Value::from(name.as_str()),
        _ => action,
    }
}

pub(super) fn change(object: &mut Properties, name: &str, form: fn(Value) -> Value) {
    if let Some(value) = object.get_mut(name) {
        *value = form(std::mem::replace(value, Value::Null));
    }
}
