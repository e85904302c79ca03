//! `schema`: the JSON Schema of stack files.

use crate::cli::report::Failure;
use crate::cli::{CommandResult, Context, Exit};

pub fn run(context: &mut Context) -> CommandResult {
    let schema = crate::stack::json_schema(&crate::aws::registry::catalog());
    let text = serde_json::to_string_pretty(&schema)
        .map_err(|error| Failure::of_writing(&error.into()))?;
    context
        .terminal
        .data(&text)
        .map_err(|error| Failure::of_writing(&error))?;
    Ok(Exit::Done)
}
