//! Combinations that WAF does not accept in a web ACL.

use std::collections::{HashMap, HashSet};

use super::form::rules_to_sdk;
use super::model::{Inputs, REGIONAL};
use crate::aws::wafv2::place::WEB_ACL;
use crate::resource::{InvalidInput, ProviderError};

pub(super) fn fit(inputs: &Inputs) -> Vec<InvalidInput> {
    if inputs.scope != REGIONAL {
        let reason = format!("`{}` is not supported, only `{REGIONAL}` is", inputs.scope);
        return vec![InvalidInput::new("scope", reason)];
    }
    let refused = |property: &str, error: ProviderError| InvalidInput::new(property, error.message);
    let mut invalid_inputs = Vec::new();
    if let Err(error) = inputs.default_action.to_sdk(WEB_ACL) {
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
