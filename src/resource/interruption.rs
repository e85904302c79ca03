//! The effects of a change to an object on the traffic that it serves.

use super::{Diff, Observed, Properties};

/// Returns the effect of an update of this object, with this difference, to these inputs.
pub type Updated = fn(&Diff, &Properties, &Observed) -> Option<String>;

/// The effects by how the object changes. `None`: traffic goes on.
#[derive(Debug, Clone, Copy)]
pub struct Interruption {
    /// The effect while neither the old object nor the new one stands.
    pub delete_first: &'static str,
    /// The effect while the new object stands beside the old one.
    pub create_first: Option<&'static str>,
    /// The effect once it is gone for good.
    pub deleted: Option<&'static str>,
    /// The property that says where it sends traffic. A target that is yet to be made has no healthy tasks at first.
    pub sends_to: Option<&'static str>,
    /// The effect when it is changed in place.
    pub updated: Option<Updated>,
}

impl Interruption {
    pub const fn new(delete_first: &'static str) -> Self {
        Self {
            delete_first,
            create_first: None,
            deleted: None,
            sends_to: None,
            updated: None,
        }
    }

    #[must_use]
    pub const fn create_first(mut self, effect: &'static str) -> Self {
        self.create_first = Some(effect);
        self
    }

    #[must_use]
    pub const fn deleted(mut self, effect: &'static str) -> Self {
        self.deleted = Some(effect);
        self
    }

    #[must_use]
    pub const fn updated(mut self, effect: Updated) -> Self {
        self.updated = Some(effect);
        self
    }

    #[must_use]
    pub const fn sends_to(mut self, property: &'static str) -> Self {
        self.sends_to = Some(property);
        self
    }
}
