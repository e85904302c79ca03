//! What a change of an object does to the traffic that it serves.

use super::{Diff, Observed, Properties};

/// What an update of this object, with this difference, to these inputs, means.
pub type Updated = fn(&Diff, &Properties, &Observed) -> Option<String>;

/// By how the object changes. `None`: traffic goes on.
#[derive(Debug, Clone, Copy)]
pub struct Interruption {
    /// While neither the old object nor the new one stands.
    pub delete_first: &'static str,
    /// While the new object stands beside the old one.
    pub create_first: Option<&'static str>,
    /// Once it is gone for good.
    pub deleted: Option<&'static str>,
    /// The property that says where it sends traffic. A target that is yet to be made has no healthy tasks at first.
    pub sends_to: Option<&'static str>,
    /// When it is changed in place.
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
