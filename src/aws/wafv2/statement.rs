//! The test of a rule of a web ACL.

use aws_sdk_wafv2::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::action::{Action, canonical_action, change};
use super::place::Place;
use crate::aws::error::AwsResult;
use crate::resource::{Properties, Value, diff::sorted};

/// Exactly one of these.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "these are AWS's names")]
pub struct Statement {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_based_statement: Option<RateBased>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub managed_rule_group_statement: Option<ManagedRuleGroup>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_set_reference_statement: Option<IpSetReference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub geo_match_statement: Option<GeoMatch>,
}

/// More requests than a limit from one address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RateBased {
    /// Requests within the window, 10 to 2000000000.
    pub limit: i64,
    /// Seconds to look back: 60, 120, 300 or 600. Default: 300.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluation_window_sec: Option<i64>,
    /// `IP`, the only type there is here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["IP"]))]
    pub aggregate_key_type: Option<String>,
}

/// Rules that AWS or a seller maintains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ManagedRuleGroup {
    /// `AWS`, or the seller.
    pub vendor_name: String,
    /// `AWSManagedRulesCommonRuleSet`, for example.
    pub name: String,
    /// Default: the version that the vendor makes the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Other actions for some of the group's rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rule_action_overrides: Vec<RuleActionOverride>,
}

/// Another action for one rule of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RuleActionOverride {
    /// The exact name that the rule has in the group: AWS ignores a name that it does not know.
    pub name: String,
    pub action_to_use: Action,
}

/// An address in an IP set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IpSetReference {
    pub arn: String,
}

/// An address of one of several countries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GeoMatch {
    /// Two letters each: `ES`, `FR`.
    pub country_codes: Vec<String>,
}

/// AWS's default, and the value of every ACL made before the window could be chosen.
const WINDOW: i64 = 300;
const BY_ADDRESS: &str = "IP";

impl Statement {
    pub(super) fn to_sdk(&self, place: Place<'_>) -> AwsResult<sdk::Statement> {
        let statement = sdk::Statement::builder();
        let Self {
            rate_based_statement: rate,
            managed_rule_group_statement: group,
            ip_set_reference_statement: addresses,
            geo_match_statement: countries,
        } = self;
        let statement = match (rate, group, addresses, countries) {
            (Some(rate), None, None, None) => {
                let key = rate.aggregate_key_type.as_deref().unwrap_or(BY_ADDRESS);
                if key != BY_ADDRESS {
                    return Err(place.refuse(&format!(
                        "`aggregateKeyType: {key}` is not supported, only `{BY_ADDRESS}` is"
                    )));
                }
                let rate = sdk::RateBasedStatement::builder()
                    .limit(rate.limit)
                    .evaluation_window_sec(rate.evaluation_window_sec.unwrap_or(WINDOW))
                    .aggregate_key_type(sdk::RateBasedStatementAggregateKeyType::Ip);
                statement.rate_based_statement(place.built(rate.build())?)
            }
            (None, Some(group), None, None) => {
                let mut built = sdk::ManagedRuleGroupStatement::builder()
                    .vendor_name(&group.vendor_name)
                    .name(&group.name)
                    .set_version(group.version.clone());
                for other in &group.rule_action_overrides {
                    let other = sdk::RuleActionOverride::builder()
                        .name(&other.name)
                        .action_to_use(other.action_to_use.to_sdk(place)?);
                    built = built.rule_action_overrides(place.built(other.build())?);
                }
                statement.managed_rule_group_statement(place.built(built.build())?)
            }
            (None, None, Some(set), None) => {
                let set = sdk::IpSetReferenceStatement::builder().arn(&set.arn);
                statement.ip_set_reference_statement(place.built(set.build())?)
            }
            (None, None, None, Some(countries)) => {
                let codes = countries.country_codes.iter();
                let codes = codes.map(|code| sdk::CountryCode::from(code.as_str()));
                statement.geo_match_statement(
                    sdk::GeoMatchStatement::builder()
                        .set_country_codes(Some(codes.collect()))
                        .build(),
                )
            }
            _ => return Err(place.refuse("`statement` must hold exactly one statement")),
        };
        Ok(statement.build())
    }

    /// Empty for a statement with parts that have no form here, so that it differs from whatever is wanted.
    pub(super) fn from_sdk(statement: &sdk::Statement) -> Self {
        Self {
            rate_based_statement: statement
                .rate_based_statement()
                .filter(|rate| {
                    rate.scope_down_statement().is_none()
                        && rate.forwarded_ip_config().is_none()
                        && rate.custom_keys().is_empty()
                })
                .map(|rate| RateBased {
                    limit: rate.limit(),
                    // Zero stands for an answer without it.
                    evaluation_window_sec: Some(rate.evaluation_window_sec())
                        .filter(|seconds| *seconds > 0),
                    aggregate_key_type: Some(rate.aggregate_key_type().as_str().to_owned()),
                }),
            managed_rule_group_statement: statement
                .managed_rule_group_statement()
                .filter(|group| {
                    group.scope_down_statement().is_none() && group.excluded_rules().is_empty()
                })
                .map(|group| ManagedRuleGroup {
                    vendor_name: group.vendor_name().to_owned(),
                    name: group.name().to_owned(),
                    version: group.version().map(str::to_owned),
                    rule_action_overrides: group
                        .rule_action_overrides()
                        .iter()
                        .map(|other| RuleActionOverride {
                            name: other.name().to_owned(),
                            action_to_use: other
                                .action_to_use()
                                .map(Action::from_sdk)
                                .unwrap_or_default(),
                        })
                        .collect(),
                }),
            ip_set_reference_statement: statement
                .ip_set_reference_statement()
                .filter(|set| set.ip_set_forwarded_ip_config().is_none())
                .map(|set| IpSetReference {
                    arn: set.arn().to_owned(),
                }),
            geo_match_statement: statement
                .geo_match_statement()
                .filter(|countries| countries.forwarded_ip_config().is_none())
                .map(|countries| GeoMatch {
                    country_codes: countries
                        .country_codes()
                        .iter()
                        .map(|code| code.as_str().to_owned())
                        .collect(),
                }),
        }
    }
}

/// A statement with everything that AWS fills in.
pub(super) fn canonical(statement: Value) -> Value {
    let Value::Object(mut statement) = statement else {
        return statement;
    };
    if let Some(Value::Object(rate)) = statement.get_mut("rateBasedStatement") {
        fill(rate, "evaluationWindowSec", (WINDOW as f64).into());
        fill(rate, "aggregateKeyType", BY_ADDRESS.into());
    }
    if let Some(Value::Object(countries)) = statement.get_mut("geoMatchStatement") {
        change(countries, "countryCodes", sorted);
    }
    if let Some(Value::Object(group)) = statement.get_mut("managedRuleGroupStatement") {
        if let Some(Value::List(others)) = group.get_mut("ruleActionOverrides") {
            for other in others {
                if let Value::Object(other) = other {
                    change(other, "actionToUse", canonical_action);
                }
            }
        }
        change(group, "ruleActionOverrides", sorted);
    }
    Value::Object(statement)
}

fn fill(object: &mut Properties, name: &str, default: Value) {
    let value = object.entry(name.to_owned()).or_insert(Value::Null);
    if value.is_null() {
        *value = default;
    }
}
