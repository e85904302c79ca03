//! The inputs of a type as JSON Schema, for checks and editors.

/// The JSON schema of the inputs of a type.
#[derive(Debug, Clone, Copy)]
pub enum InputSchema {
    /// That of their Rust type.
    Derived(fn() -> schemars::Schema),
    Given(&'static serde_json::Value),
}

impl InputSchema {
    pub fn to_value(self) -> serde_json::Value {
        match self {
            Self::Derived(schema) => schema().to_value(),
            Self::Given(schema) => schema.clone(),
        }
    }
}
