//! A web ACL in our form and in the SDK's.

use aws_sdk_wafv2::types::{Rule as SdkRule, WebAcl as Acl};

use super::model::{Inputs, REGIONAL};
use crate::aws::error::AwsResult;
use crate::aws::resource_type::{Live, NoOutputs};
use crate::aws::wafv2::action::{DefaultAction, canonical_action};
use crate::aws::wafv2::place::WEB_ACL;
use crate::aws::wafv2::rule::{Rule, VisibilityConfig, canonical};
use crate::resource::{Condition, ErrorKind, ProviderError, Tags, Value};

pub(super) fn rules_to_sdk(inputs: &Inputs) -> AwsResult<Vec<SdkRule>> {
    inputs
        .rules
        .iter()
        .map(|rule| rule.to_sdk(WEB_ACL.token))
        .collect()
}

/// The rules that AWS Shield Advanced adds during an attack.
const SHIELD: &str = "ShieldMitigationRuleGroup_";

pub(super) fn is_shield(rule: &SdkRule) -> bool {
    rule.name().starts_with(SHIELD)
}

/// The meaning of inputs, however they are written.
pub(super) fn meaning(inputs: &Inputs) -> AwsResult<Vec<Value>> {
    let value = |part: Result<serde_json::Value, serde_json::Error>| {
        part.map(Value::from)
            .map_err(|error| ProviderError::new(ErrorKind::Bug, WEB_ACL.token, error.to_string()))
    };
    Ok(vec![
        canonical_action(value(serde_json::to_value(&inputs.default_action))?),
        canonical(value(serde_json::to_value(&inputs.rules))?),
        value(serde_json::to_value(&inputs.visibility_config))?,
        inputs.description.clone().into(),
    ])
}

pub(super) fn inputs_of(acl: &Acl) -> Inputs {
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

pub(super) fn live(acl: &Acl, tags: Tags) -> Live<Inputs, NoOutputs> {
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
            .default_action(inputs.default_action.to_sdk(WEB_ACL).unwrap())
            .visibility_config(inputs.visibility_config.to_sdk(WEB_ACL).unwrap())
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
        let read = inputs_of(&acl(&wanted, vec![shield.to_sdk(WEB_ACL.token).unwrap()]));
        assert_eq!(read, wanted);
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
        assert_eq!(
            crate::aws::wafv2::web_acl::checks::fit(&global)[0].at,
            "scope"
        );
    }
}
