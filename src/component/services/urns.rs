//! The resources of `services:` that others speak of; those of one service are handed out by the service itself.

use crate::component::key::SectionKey;
use crate::resource::{StackId, Urn};

/// The key of the section.
pub const KEY: &str = SectionKey::Services.as_str();

/// The cluster that all services run in.
pub fn cluster(stack: &StackId) -> Urn {
    Urn::new(stack, "aws:ecs:Cluster", "services/cluster")
}
