//! `output`: the outputs of a stack, from live AWS.

use std::collections::BTreeMap;

use clap::Args;

use crate::cli::arguments::{StackArguments, boolean, exclusive};
use crate::cli::report::{Failure, show};
use crate::cli::session::stack_file;
use crate::cli::session::{Offline, Session};
use crate::cli::{CommandResult, Exit, Invocation, environment};
use crate::display::{Message, outputs, pending, sanitize};
use crate::plan::Request;
use crate::resource::nearest::nearest;
use crate::resource::{LiveSnapshot, Observed, OutputReference, Urn, Value};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    stack: StackArguments,
    /// Print only this output. The stack can be left out where there is only one.
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

pub async fn run(invocation: &mut Invocation, arguments: &Arguments) -> CommandResult {
    exclusive([("--json", arguments.json), ("--shell", arguments.shell)])?;
    let (stack, name) = stack_and_name(arguments);
    invocation.stack = stack;
    let offline = Offline::load(invocation)?;
    let session = Session::connect(invocation, offline).await?;
    let live = session.read(invocation).await?;
    // Objects that bear copies of the stack's tags are not outputs of the stack.
    let live = session
        .proven(invocation, &live, &Request::default())
        .await?;
    if live.ours.is_empty() {
        let message = Message::error(format!("there is nothing of {}", session.place()))
            .help("run `up` first")
            .command(invocation.stack_command("up"));
        return Err(Failure::new(Exit::NoStack, message));
    }
    if let Some(text) = pending::unconfirmed(&live, &session.offline.catalog) {
        let help = "they receive nothing until they follow the link that AWS has sent them";
        show(
            &[Message::warning(text).help(help)],
            &mut invocation.terminal,
        );
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
        (None, true) => for_scripts(invocation, all, arguments.shell)?,
        _ => all,
    };
    let text = match name {
        Some(name) => {
            let value = find(invocation, &all, &name)?;
            if arguments.json {
                sanitize::json(&outputs::json(value, secrets).to_string())
            } else if arguments.shell {
                outputs::shell(&[(name, value.clone())], secrets)
            } else {
                outputs::alone(value, secrets)
            }
        }
        None if arguments.json => {
            let document = serde_json::to_string_pretty(&outputs::all_json(&all, secrets));
            sanitize::json(&document.map_err(|error| Failure::of_writing(&error.into()))?)
        }
        None if arguments.shell => outputs::shell(&all, secrets),
        None => {
            let all = if secrets { in_clear(all) } else { all };
            let width = invocation.terminal.width();
            invocation.terminal.print(&outputs::section(&all, width));
            return Ok(Exit::Done);
        }
    };
    invocation
        .terminal
        .data(&text)
        .map_err(|error| Failure::of_writing(&error))?;
    Ok(Exit::Done)
}

/// All outputs in the form for scripts: unknown values are `null` in JSON, and left out in a shell.
fn for_scripts(
    invocation: &mut Invocation,
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
            let help = "rename one of them, or use --json";
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
        let help = "the resources that they come from do not exist yet; `up` creates them";
        show(&[message.help(help)], &mut invocation.terminal);
    }
    Ok(known)
}

/// Looks up the target of a reference in live AWS, whatever the file is about to make of it.
fn lookup(live: &LiveSnapshot, reference: &OutputReference) -> Option<Value> {
    reference.resolve(&live.facts, |urn, output| {
        standing(live, urn)?.output(output)
    })
}

/// The object that a URN stands for: of several, the one that something else of the stack names. Beside the task definition
/// that a service runs, there may be one whose rollout has failed.
fn standing<'l>(live: &'l LiveSnapshot, urn: &Urn) -> Option<&'l Observed> {
    let objects = live.of(urn);
    let is_named = |object: &&Observed| {
        let names = [Some(object.id.as_str()), object.arn.as_deref()];
        let others = live.ours.iter().filter(|(other, _)| *other != urn);
        let mut inputs = others
            .flat_map(|(_, users)| users)
            .flat_map(|user| user.inputs.values());
        inputs.any(|value| {
            value
                .as_str()
                .is_some_and(|text| names.contains(&Some(text)))
        })
    };
    objects.iter().find(is_named).or_else(|| objects.first())
}

/// A single word that names no stack is the name of an output.
fn stack_and_name(arguments: &Arguments) -> (StackArguments, Option<String>) {
    let mut stack = arguments.stack.clone();
    let default = environment::stack();
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
    invocation: &Invocation,
    all: &'a [(String, Value)],
    wanted: &str,
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
        .help("the resource that it comes from does not exist yet; run")
        .command(invocation.stack_command("up"));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::{Condition, Properties, StackId, Tags};

    /// A revision of a task definition that was rolled back stays beside the one that the service runs.
    #[test]
    fn of_two_revisions_the_one_that_runs_is_given() {
        let stack = StackId {
            name: "shop".into(),
            environment: "dev".into(),
        };
        let object = |token: &str, id: &str, property: &str, value: &str| Observed {
            token: token.to_owned(),
            id: id.to_owned(),
            arn: Some(id.to_owned()),
            inputs: Properties::from([(property.to_owned(), value.into())]),
            outputs: Properties::new(),
            tags: Tags::default(),
            condition: Condition::Ready,
        };
        let (definition, service) = ("aws:ecs:TaskDefinition", "aws:ecs:Service");
        let family = Urn::new(&stack, definition, "services/api/taskDefinition");
        let revisions = ["api:3", "api:2", "api:1"]
            .map(|id| object(definition, id, "image", &id.replace(':', "@")));
        let mut live = LiveSnapshot::default();
        live.ours.insert(family.clone(), revisions.to_vec());
        let image = OutputReference {
            urn: family,
            path: vec!["image".to_owned()],
        };
        assert_eq!(lookup(&live, &image), Some("api@3".into()));
        let runs = object(service, "service/api", "taskDefinition", "api:2");
        let urn = Urn::new(&stack, service, "services/api/service");
        live.ours.insert(urn, vec![runs]);
        assert_eq!(lookup(&live, &image), Some("api@2".into()));
    }
}
