//! The resources of `database:` that more than one file speaks of.

use crate::component::key::SectionKey;
use crate::resource::{StackId, Urn};

/// The key of the section.
pub const KEY: &str = SectionKey::Database.as_str();

/// The instance.
pub fn instance(stack: &StackId) -> Urn {
    Urn::new(stack, "aws:rds:Instance", "database/instance")
}

/// The parameters of the instance and its replicas.
pub fn parameter_group(stack: &StackId) -> Urn {
    Urn::new(stack, "aws:rds:ParameterGroup", "database/parameterGroup")
}

pub fn secret(stack: &StackId) -> Urn {
    Urn::new(stack, "aws:secretsmanager:Secret", "database/secret")
}

/// The attachment that completes the secret with host and URL. Resources that read these keys have to come after it.
pub fn secret_attachment(stack: &StackId) -> Urn {
    let name = "database/secretAttachment";
    Urn::new(stack, "fde:secretsmanager:TargetAttachment", name)
}

/// A read replica, counted from 1.
pub fn replica(stack: &StackId, number: u8) -> Urn {
    Urn::new(
        stack,
        "aws:rds:Instance",
        format!("database/replica{number}"),
    )
}
