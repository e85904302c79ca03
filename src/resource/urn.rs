//! The identity of a resource: the stack it belongs to, its type and its logical name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The type token of the pseudo-resource behind `${aws.…}`: the facts of the account.
pub const FACTS_TOKEN: &str = "fde:account:Facts";

/// The identity of a stack: its name and environment. Account and region are those of the credentials.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StackId {
    pub name: String,
    pub environment: String,
}

impl fmt::Display for StackId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.name, self.environment)
    }
}

/// Uniform resource name, `urn:fde:<name>/<environment>::<type token>::<logical name>`.
///
/// The only identity the engine compares by. It travels in the `fde:urn` tag, hence its alphabet is that of AWS tag
/// values and its length at most 256.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Urn {
    stack: StackId,
    token: String,
    name: String,
}

impl Urn {
    pub fn new(stack: &StackId, token: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            stack: stack.clone(),
            token: token.into(),
            name: name.into(),
        }
    }

    pub fn stack(&self) -> &StackId {
        &self.stack
    }

    /// The type token, as Pulumi spells it: `aws:ec2:Vpc`.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The logical name: `network/vpc`.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Urn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "urn:fde:{}::{}::{}",
            self.stack, self.token, self.name
        )
    }
}

impl fmt::Debug for Urn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// A text that is not a URN of this tool.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a URN of the form urn:fde:<name>/<environment>::<type>::<logical name>")]
pub struct InvalidUrn(pub String);

impl FromStr for Urn {
    type Err = InvalidUrn;

    fn from_str(text: &str) -> Result<Self, InvalidUrn> {
        let invalid = || InvalidUrn(text.to_owned());
        let rest = text.strip_prefix("urn:fde:").ok_or_else(invalid)?;
        let mut parts = rest.splitn(3, "::");
        let (Some(stack), Some(token), Some(name)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(invalid());
        };
        let (stack_name, environment) = stack.split_once('/').ok_or_else(invalid)?;
        if [stack_name, environment, token, name]
            .iter()
            .any(|part| part.is_empty())
        {
            return Err(invalid());
        }
        Ok(Self {
            stack: StackId {
                name: stack_name.to_owned(),
                environment: environment.to_owned(),
            },
            token: token.to_owned(),
            name: name.to_owned(),
        })
    }
}

impl Serialize for Urn {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Urn {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_urn_survives_its_text_form() {
        let stack = StackId {
            name: "shop".into(),
            environment: "dev".into(),
        };
        let urn = Urn::new(&stack, "aws:ec2:Vpc", "network/vpc");
        assert_eq!(
            urn.to_string(),
            "urn:fde:shop/dev::aws:ec2:Vpc::network/vpc"
        );
        assert_eq!(urn.to_string().parse(), Ok(urn));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "urn:fde:shop::aws:ec2:Vpc::vpc",
            "urn:pulumi:a/b::c::d",
            "urn:fde:a/b::::x",
        ] {
            assert_eq!(text.parse::<Urn>(), Err(InvalidUrn(text.to_owned())));
        }
    }
}
