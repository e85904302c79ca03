//! The places of errors in the properties of a web ACL and of its logging.

use aws_smithy_types::error::operation::BuildError;

use crate::aws::error::AwsResult;
use crate::resource::{ErrorKind, ProviderError};

/// The place in a property where something is wrong.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub token: &'static str,
    /// The name of the rule, if it is in one.
    pub rule: Option<&'a str>,
}

impl Place<'_> {
    pub fn refuse(self, message: &str) -> ProviderError {
        let message = match self.rule {
            Some(rule) => format!("rule `{rule}`: {message}"),
            None => message.to_owned(),
        };
        super::invalid(self.token, message)
    }

    /// Unwraps what an SDK builder built. Builders refuse only what is missing, and nothing is.
    pub fn built<T>(self, built: Result<T, BuildError>) -> AwsResult<T> {
        built.map_err(|error| ProviderError::new(ErrorKind::Bug, self.token, error.to_string()))
    }
}

/// The web ACL as a whole.
pub(super) const WEB_ACL: Place<'_> = Place {
    token: "aws:wafv2:WebAcl",
    rule: None,
};

/// The logging of a web ACL as a whole.
pub(super) const LOGGING: Place<'_> = Place {
    token: "aws:wafv2:WebAclLoggingConfiguration",
    rule: None,
};
