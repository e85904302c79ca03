//! The time that AWS usually takes for an operation on an object of a type.

use std::time::Duration;

use super::value::{Properties, Value};

/// The operations that AWS takes its time for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Create,
    Update,
    Delete,
}

/// The time from the call until the object can be used, or is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsualTime {
    pub operation: Operation,
    pub least: Duration,
    pub most: Duration,
    /// The properties whose change takes this time. Empty: any.
    pub touching: &'static [&'static str],
    /// The property that says how many have to start. With none of them there is nothing to wait for, and as long as the
    /// number is not known, neither is that there is.
    pub count: Option<&'static str>,
}

impl UsualTime {
    /// A time of that many seconds.
    pub const fn new(operation: Operation, least: u64, most: u64) -> Self {
        Self {
            operation,
            least: Duration::from_secs(least),
            most: Duration::from_secs(most),
            touching: &[],
            count: None,
        }
    }

    #[must_use]
    pub const fn touching(mut self, properties: &'static [&'static str]) -> Self {
        self.touching = properties;
        self
    }

    #[must_use]
    pub const fn count(mut self, property: &'static str) -> Self {
        self.count = Some(property);
        self
    }

    /// The time in the middle.
    pub fn middle(&self) -> Duration {
        (self.least + self.most) / 2
    }

    /// Returns whether an operation takes this time. `touches` says whether it changes a property.
    pub fn applies(&self, operation: Operation, touches: impl Fn(&str) -> bool) -> bool {
        self.operation == operation
            && (self.touching.is_empty() || self.touching.iter().any(|name| touches(name)))
    }

    /// Returns whether it is certain that there is something to wait for.
    pub fn is_certain(&self, inputs: &Properties) -> bool {
        self.count.is_none_or(|count| {
            let count = inputs.get(count).and_then(Value::as_number);
            count.is_some_and(|count| count > 0.0)
        })
    }
}
