//! Author-level building blocks into resources.
//!
//! Each section of a stack file is a file here: its spec (what the author writes, documented field by field), what the
//! spec settles to once the defaults of the environment are in, what `${section.…}` can ask for, and the resources it
//! becomes. Pure: no AWS, no order, no clock. Start with [`expand`] and [`network`], the shortest section.
//!
//! A section is read in two steps. *Settling* fills in defaults and checks the section by itself; *expanding* makes
//! resources, when all sections have settled and each can see the others.

pub mod database;
pub mod load_balancer;
pub mod monitoring;
pub mod network;
pub mod registry;
pub mod services;

mod access_logs;
mod alarms;
mod context;
mod dashboard;
mod firewall;
mod inputs;
mod lookup;
mod options;
mod outputs;
mod parameters;
mod platform;
mod policy;
mod raw;
mod routes;
mod security_groups;
mod task_roles;
mod tasks;
#[cfg(test)]
mod testing;
mod text;

use crate::graph::{self, GraphError, Resource, ResourceGraph};
use crate::resource::{Catalog, Value};
use crate::stack::{Fault, Stack, StackError, StackErrors};

use context::Context;
use platform::Platform;

pub use text::{Scalar, ScalarText, Text};

/// What a stack becomes.
#[derive(Debug, Clone, PartialEq)]
pub struct Expansion {
    pub resources: Vec<Resource>,
    /// The standard outputs of the sections, then the author's, in the order of the file.
    pub outputs: Vec<(String, Value)>,
    pub notes: Notes,
}

/// What the user is told after `up`.
pub type Notes = Vec<Note>;

/// A sentence for the user that depends on what is live: said where `unless` is not true.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    pub unless: Value,
    pub text: Value,
}

/// Turns the sections of a stack into resources.
///
/// # Errors
/// Every fault of the sections, those that the structure showed among them.
pub fn expand(stack: &Stack, catalog: &Catalog) -> Result<Expansion, StackErrors> {
    let mut context = Context::new(stack, catalog);
    let platform = Platform::settle(&mut context);
    platform.export(&mut context);
    platform.expand(&mut context);
    context.name_what_sections_made();
    raw::expand(&mut context);
    options::apply(&mut context);
    let outputs = outputs::expand(&mut context);
    context.finish(outputs)
}

/// Expands a stack and joins its resources to the graph.
///
/// # Errors
/// Every fault of the sections; where there is none, every fault between them.
pub fn stack_graph(
    stack: &Stack,
    catalog: &Catalog,
) -> Result<(ResourceGraph, Notes), StackErrors> {
    let Expansion {
        resources,
        outputs,
        notes,
    } = expand(stack, catalog)?;
    match graph::build(&stack.id(), resources, outputs, catalog) {
        Ok(graph) => Ok((graph, notes)),
        Err(errors) => {
            let errors = errors
                .into_iter()
                .map(|error| located(stack, error))
                .collect();
            Err(StackErrors::new(stack.sources(), errors))
        }
    }
}

/// Finds the place in the file that a fault of the graph comes from.
fn located(stack: &Stack, error: GraphError) -> StackError {
    let span = stack.document().place(&error.origin().path);
    let label = error.to_string();
    match error {
        GraphError::DuplicateName { .. } => StackError::new(Fault::Duplicate, span, label),
        GraphError::UnknownType { .. } => StackError::new(Fault::UnknownType, span, label),
        GraphError::UnknownProperty { nearest, .. } => {
            StackError::new(Fault::UnknownKey, span, label).suggest(nearest)
        }
        GraphError::MissingProperty { .. } => StackError::new(Fault::MissingKey, span, label),
        GraphError::BrokenReference { nearest, .. } => {
            StackError::new(Fault::BrokenReference, span, label).suggest(nearest)
        }
        GraphError::Cycle { .. } => {
            StackError::new(Fault::Cycle, span, label).help("take one of these references out")
        }
    }
}
