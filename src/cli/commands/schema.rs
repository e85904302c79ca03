//! `schema`: the JSON Schema of stack files.

use crate::cli::report::Failure;
use crate::cli::{CommandResult, Exit, Invocation};

pub fn run(invocation: &mut Invocation) -> CommandResult {
    let schema = crate::component::json_schema(&crate::aws::registry::catalog());
    let text = serde_json::to_string_pretty(&schema)
        .map_err(|error| Failure::of_writing(&error.into()))?;
    invocation
        .terminal
        .data(&text)
        .map_err(|error| Failure::of_writing(&error))?;
    Ok(Exit::Done)
}
