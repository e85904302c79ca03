//! `explain`: the documentation of a key or of a resource type, offline.

use clap::Args;

use crate::aws::registry::catalog;
use crate::cli::arguments::boolean;
use crate::cli::report::Failure;
use crate::cli::{CommandResult, Exit, Invocation};
use crate::component::json_schema;
use crate::display::{Message, explain, sanitize};
use crate::facts::{self, Handler, TypeFacts};
use crate::resource::shell::quoted;

#[derive(Debug, Args)]
pub struct Arguments {
    /// A key such as services.healthCheck.path, a type such as aws:ec2:Vpc, or a property of it: aws:ec2:Vpc.cidrBlock.
    /// Without it: the sections of a stack file.
    #[arg(value_name = "KEY|TYPE")]
    subject: Option<String>,
    /// Print the JSON Schema of it.
    #[arg(long, env = "FDE_INFRA_JSON", value_parser = boolean)]
    json: bool,
}

pub fn run(invocation: &mut Invocation, arguments: &Arguments) -> CommandResult {
    let catalog = catalog();
    let schema = json_schema(&catalog);
    let subject = arguments.subject.as_deref().unwrap_or_default();
    let native = native(subject);
    let subject = native.as_deref().unwrap_or(subject);
    if let Some(reason) = facts::get(subject).and_then(TypeFacts::refusal) {
        let message = Message::error(format!("`{subject}` cannot be managed")).help(reason);
        return Err(Failure::new(Exit::Usage, message));
    }
    let page = explain::find(&schema, &catalog, subject).map_err(|unknown| refused(&unknown))?;
    if arguments.json {
        let text = serde_json::to_string_pretty(page.json())
            .map_err(|error| Failure::of_writing(&error.into()))?;
        let written = invocation.terminal.data(&sanitize::json(&text));
        written.map_err(|error| Failure::of_writing(&error))?;
        return Ok(Exit::Done);
    }
    let width = invocation.terminal.width();
    let mut lines = page.render(width);
    if let Some(facts) = facts::get(subject) {
        lines.extend(explain::rights(&rights(facts), width));
    }
    invocation.terminal.print(&lines);
    Ok(Exit::Done)
}

/// A type and a property under CloudFormation's names, as the catalog has them; `None` for other names.
fn native(subject: &str) -> Option<String> {
    let (name, path) = subject.split_once('.').unwrap_or((subject, ""));
    let mut native = facts::token(name)?;
    for property in path.split('.').filter(|property| !property.is_empty()) {
        native.push('.');
        native.push_str(&facts::property_name(property));
    }
    Some(native)
}

/// The actions that each operation on objects of a type takes, beside those of Cloud Control.
fn rights(facts: &TypeFacts) -> Vec<(&'static str, String)> {
    const OPERATIONS: [(&str, Handler); 4] = [
        ("create", Handler::Create),
        ("read", Handler::Read),
        ("update", Handler::Update),
        ("delete", Handler::Delete),
    ];
    let actions = |handler| {
        facts
            .handlers
            .get(&handler)
            .map(|actions| actions.join(", "))
    };
    let operations = OPERATIONS.into_iter();
    operations
        .filter_map(|(name, handler)| Some((name, actions(handler)?)))
        .collect()
}

fn refused(unknown: &explain::Unknown) -> Failure {
    let explain::Unknown {
        known,
        typed,
        word,
        nearest,
    } = unknown;
    let what = match known.as_str() {
        "" if word.contains(':') => format!("there is no resource type `{word}`"),
        "" => format!("a stack file has no key `{word}`"),
        known => format!("`{known}` has no key `{word}`"),
    };
    let path = match (typed.as_str(), nearest) {
        ("", Some(nearest)) => nearest.clone(),
        (typed, Some(nearest)) => format!("{typed}.{nearest}"),
        (typed, None) => typed.to_owned(),
    };
    let command = if path.is_empty() {
        "fde-infra explain".to_owned()
    } else {
        format!("fde-infra explain {}", quoted(&path))
    };
    let help = match nearest {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => "to see what there is, run".to_owned(),
    };
    let message = Message::error(what).help(help).command(command);
    Failure::new(Exit::Usage, message)
}
