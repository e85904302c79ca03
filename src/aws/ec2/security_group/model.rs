//! The inputs of a security group.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::resource::{PropertyTable, TextRule};

/// A virtual firewall around network interfaces.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-parts" = { "ingress": "aws:vpc:SecurityGroupIngressRule", "egress": "aws:vpc:SecurityGroupEgressRule" }))]
pub struct Inputs {
    /// 1 to 255 letters, digits, spaces and `._-:/()#,@[]+=&;{}!$*`; does not begin with `sg-`. Unique in the VPC,
    /// regardless of case.
    #[property(replaces, text(NAME))]
    pub name: String,
    /// At most 255 characters, of the same kinds.
    #[property(default("Managed by fde-infra"), replaces, text(DESCRIPTION))]
    pub description: String,
    /// Id of the VPC.
    #[property(required, replaces)]
    pub vpc_id: String,
    /// True if the rule stays that AWS gives every new group, and that lets everything out. Default: false, as in Pulumi,
    /// which has no way to keep it.
    #[property(default(false))]
    pub default_egress: bool,
}

/// The characters that EC2 takes in names and descriptions of groups, and in descriptions of rules.
const ALPHABET: &str = "letters, digits, spaces and `._-:/()#,@[]+=&;{}!$*`";

const fn is_taken(character: char) -> bool {
    matches!(character, 'a'..='z' | 'A'..='Z' | '0'..='9' | ' ' | '.' | '_' | '-' | ':' | '/' | '(' | ')' | '#' | ','
        | '@' | '[' | ']' | '+' | '=' | '&' | ';' | '{' | '}' | '!' | '$' | '*')
}

const NAME: TextRule = TextRule::new(1..=255).of(is_taken, ALPHABET).must(
    "not begin with `sg-`, nor be `default`",
    |name| {
        let name = name.to_lowercase();
        !name.starts_with("sg-") && name != "default"
    },
);

/// Descriptions of groups and of rules.
pub(in crate::aws::ec2) const DESCRIPTION: TextRule = TextRule::new(0..=255).of(is_taken, ALPHABET);
