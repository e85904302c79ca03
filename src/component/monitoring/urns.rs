//! The key of `monitoring:`, and the topic that all of it notifies.

use crate::component::key::SectionKey;
use crate::resource::{StackId, Urn};

/// The key of the section.
pub const KEY: &str = SectionKey::Monitoring.as_str();

/// The topic that alarms notify.
pub fn topic(stack: &StackId) -> Urn {
    Urn::new(stack, "aws:sns:Topic", "monitoring/topic")
}
