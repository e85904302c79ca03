//! `output`: what a stack gives away, from live AWS.

use std::collections::BTreeMap;

use clap::Args;

use super::arguments::{StackArguments, boolean, exclusive};
use super::report::{Failure, show};
use super::session::{Offline, Session};
use super::{CommandResult, Context, Exit, stack_file};
use crate::display::{Message, inert, outputs};
use crate::graph::{FACTS_TOKEN, nearest};
use crate::resource::{LiveSnapshot, OutputReference, Value};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    stack: StackArguments,
    /// Print only this output. Where the stack goes without saying, the name can stand alone.
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Print JSON.
    #[arg(long, env = "FDE_INFRA_JSON", value_parser = boolean)]
    json: bool,
    /// Print assignments for a shell.
    #[arg(long, env = "FDE_INFRA_SHELL", value_parser = boolean)]
    shell: bool,
    /// Print secrets in clear.
    #[arg(long, env = "FDE_INFRA_SHOW_SECRETS", value_parser = boolean)]
    show_secrets: bool,
}

pub async fn run(context: &mut Context, arguments: &Arguments) -> CommandResult {
    exclusive([("--json", arguments.json), ("--shell", arguments.shell)])?;
    let (stack, name) = stack_and_name(arguments);
    let offline = Offline::load("output", &stack, &context.global)?;
    let session = Session::connect(context, offline).await?;
    let again = session.offline.command_line("output");
    let live = session.read(context, &again).await?;
    if live.ours.is_empty() {
        let message = Message::error(format!("there is nothing of {}", session.place()))
            .help("bring it up first")
            .command(session.offline.command_line("up"));
        return Err(Failure::new(Exit::NoStack, message));
    }
    let lookup = |reference: &OutputReference| lookup(&live, reference);
    let all: Vec<(String, Value)> = session
        .offline
        .graph
        .outputs
        .iter()
        .map(|(name, expression)| (name.clone(), expression.resolve(&lookup)))
        .collect();
    let secrets = arguments.show_secrets;
    let all = match (&name, arguments.json || arguments.shell) {
        (None, true) => for_scripts(context, all, arguments.shell)?,
        _ => all,
    };
    let text = match name {
        Some(name) => {
            let value = find(&all, &name, &session)?;
            if arguments.json {
                inert::json(&outputs::json(value, secrets).to_string())
            } else if arguments.shell {
                outputs::shell(&[(name, value.clone())], secrets)
            } else {
                outputs::alone(value, secrets)
            }
        }
        None if arguments.json => {
            let document = serde_json::to_string_pretty(&outputs::all_json(&all, secrets));
            inert::json(&document.map_err(|error| Failure::of_writing(&error.into()))?)
        }
        None if arguments.shell => outputs::shell(&all, secrets),
        None => {
            let all = if secrets { in_clear(all) } else { all };
            let width = context.terminal.width();
            context.terminal.print(&outputs::section(&all, width));
            return Ok(Exit::Done);
        }
    };
    context
        .terminal
        .data(&text)
        .map_err(|error| Failure::of_writing(&error))?;
    Ok(Exit::Done)
}

/// All outputs as a script takes them: what is not known is `null` in JSON, and left out in a shell.
fn for_scripts(
    context: &mut Context,
    all: Vec<(String, Value)>,
    shell: bool,
) -> Result<Vec<(String, Value)>, Failure> {
    let mut known = Vec::new();
    let mut unknown = Vec::new();
    let mut variables: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in all {
        if shell && let Some(other) = variables.insert(outputs::variable(&name), name.clone()) {
            let message = Message::error(format!(
                "the outputs `{other}` and `{name}` would be one variable in a shell: `{}`",
                outputs::variable(&name)
            ));
            let help = "give one of them another name, or take --json";
            return Err(Failure::new(Exit::Error, message.help(help)));
        }
        if value.is_known() {
            known.push((name, value));
        } else {
            if !shell {
                known.push((name.clone(), Value::Null));
            }
            unknown.push(name);
        }
    }
    if !unknown.is_empty() {
        let message = Message::warning(format!("not known yet: {}", unknown.join(", ")));
        let help = "what they come from is not there; `up` makes it";
        show(&[message.help(help)], &mut context.terminal);
    }
    Ok(known)
}

/// What a reference leads to in live AWS, whatever the file is about to make of it.
fn lookup(live: &LiveSnapshot, reference: &OutputReference) -> Option<Value> {
    let (output, rest) = reference.path.split_first()?;
    let value = if reference.urn.token() == FACTS_TOKEN {
        live.facts.get(output)?.clone()
    } else if output == "urn" {
        reference.urn.to_string().into()
    } else {
        live.of(&reference.urn).first()?.output(output)?
    };
    value.at(rest).cloned()
}

/// A single word that names no stack is the name of an output.
fn stack_and_name(arguments: &Arguments) -> (StackArguments, Option<String>) {
    let mut stack = arguments.stack.clone();
    let default = std::env::var("FDE_INFRA_STACK").ok();
    let is_name = arguments.name.is_none()
        && stack.stack != default
        && stack
            .stack
            .as_deref()
            .is_some_and(|word| stack_file::named(word).is_none());
    if is_name {
        let name = stack.stack.take();
        stack.stack = default;
        return (stack, name);
    }
    (stack, arguments.name.clone())
}

fn find<'a>(
    all: &'a [(String, Value)],
    wanted: &str,
    session: &Session,
) -> Result<&'a Value, Failure> {
    let Some((_, value)) = all.iter().find(|(name, _)| name == wanted) else {
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        let message = Message::error(format!("the stack has no output `{wanted}`"))
            .fact("there is", names.join(", "));
        let message = match nearest(wanted, names.into_iter()) {
            Some(nearest) => message.help(format!("did you mean `{nearest}`?")),
            None => message,
        };
        return Err(Failure::new(Exit::Error, message));
    };
    if value.is_known() {
        return Ok(value);
    }
    let message = Message::error(format!("`{wanted}` is not known yet"))
        .help("what it comes from is not there; run")
        .command(session.offline.command_line("up"));
    Err(Failure::new(Exit::Error, message))
}

fn in_clear(outputs: Vec<(String, Value)>) -> Vec<(String, Value)> {
    outputs
        .into_iter()
        .map(|(name, value)| {
            let clear = outputs::json(&value, true);
            (name, clear.into())
        })
        .collect()
}
