//! The inputs of a web ACL.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::wafv2::action::{DefaultAction, canonical_action};
use crate::aws::wafv2::rule::{Rule, VisibilityConfig, canonical};
use crate::resource::text_rule::is_plain;
use crate::resource::{PropertyTable, TextRule, Value};

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

pub(super) const REGIONAL: &str = "REGIONAL";

pub(super) const LONGEST_NAME: usize = 128;

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
