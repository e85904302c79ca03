//! `init`: a first stack file, from three answers.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use clap::Args;

use crate::cli::arguments::boolean;
use crate::cli::prompt::{ask, choose};
use crate::cli::report::Failure;
use crate::cli::{CommandResult, Exit, Invocation};
use crate::component::SECTIONS;
use crate::display::{Line, Message, Style, terminal};
use crate::stack;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Name of the platform, with which every name in AWS begins.
    #[arg(value_name = "NAME", env = "FDE_INFRA_NAME")]
    name: Option<String>,
    /// Kind of environment: dev, staging or prod.
    #[arg(long, env = "FDE_INFRA_ENVIRONMENT", value_name = "ENVIRONMENT", value_parser = ENVIRONMENTS)]
    environment: Option<String>,
    /// Also write .github/workflows/deploy.yml.
    #[arg(long, env = "FDE_INFRA_WORKFLOW", value_parser = boolean)]
    workflow: bool,
}

const ENVIRONMENTS: [&str; 3] = ["dev", "staging", "prod"];

const WORKFLOW: &str = ".github/workflows/deploy.yml";

/// The answers, from flags or from the user.
struct Answers {
    name: String,
    environment: String,
    region: String,
}

pub async fn run(invocation: &mut Invocation, arguments: &Arguments) -> CommandResult {
    let answers = answers(invocation, arguments).await?;
    let path = format!("stacks/{}.yaml", answers.environment);
    let text = stack_file(&answers);
    // An answer that no stack can have is shown at its place.
    stack::load("the new stack file", &|_| Ok(text.clone()), &[], &SECTIONS)?;
    let mut files = vec![(path.as_str(), text.clone())];
    if arguments.workflow {
        files.push((WORKFLOW, workflow(&answers)));
    }
    let there = files.iter().find(|(path, _)| Path::new(path).exists());
    if let Some((path, _)) = there {
        return Err(exists(path));
    }
    for (path, text) in &files {
        write(path, text).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => exists(path),
            _ => not_written(path, &error),
        })?;
    }
    let environment = &answers.environment;
    let mut lines: Vec<Line> = files
        .iter()
        .map(|(path, _)| Line::plain(format!("Wrote {path}.")))
        .collect();
    lines.push(Line::new());
    for (command, what) in [
        (
            format!("fde-infra up {environment} --sandbox"),
            "try it on a local AWS account",
        ),
        (
            format!("fde-infra preview {environment}"),
            "see what it would make in yours",
        ),
        (
            "fde-infra explain services".to_owned(),
            "read what a key is for",
        ),
    ] {
        lines.push(Line::plain(format!("  {command:<32}")).with(Style::Faint, what));
    }
    invocation.terminal.print(&lines);
    Ok(Exit::Done)
}

async fn answers(invocation: &mut Invocation, arguments: &Arguments) -> Result<Answers, Failure> {
    let region = invocation
        .global
        .region
        .clone()
        .filter(|region| !region.is_empty());
    let name = arguments.name.clone().filter(|name| !name.is_empty());
    if !invocation.is_interactive() {
        let missing: Vec<&str> = [
            ("NAME", name.is_none()),
            ("--environment", arguments.environment.is_none()),
            ("--region", region.is_none()),
        ]
        .into_iter()
        .filter_map(|(flag, is_missing)| is_missing.then_some(flag))
        .collect();
        if !missing.is_empty() {
            let message = Message::error("there is no terminal to ask at")
                .fact("missing", missing.join(", "))
                .fact("now", "nothing was written")
                .help("give the answers, as in")
                .command("fde-infra init shop --environment dev --region eu-south-2");
            return Err(Failure::new(Exit::Usage, message));
        }
    }
    let name = match name {
        Some(name) => name,
        None => question(invocation, "Name of the platform:").await?,
    };
    let environment = if let Some(environment) = &arguments.environment {
        environment.clone()
    } else {
        let chosen = choose(invocation, "Kind of environment?", &ENVIRONMENTS).await?;
        chosen.ok_or_else(declined)?.to_owned()
    };
    let region = match region {
        Some(region) => region,
        None => question(invocation, "AWS region, such as eu-south-2:").await?,
    };
    Ok(Answers {
        name,
        environment,
        region,
    })
}

/// Asks until there is an answer.
async fn question(invocation: &mut Invocation, question: &'static str) -> Result<String, Failure> {
    loop {
        let colour = invocation.terminal.colours();
        let prompt = Line::styled(Style::Bold, question);
        let asking = move || terminal::ask(&prompt, colour);
        let answer = ask(invocation, asking).await?.ok_or_else(declined)?;
        if !answer.is_empty() {
            return Ok(answer);
        }
    }
}

fn declined() -> Failure {
    Failure::new(
        Exit::Cancelled,
        Message::warning("cancelled; nothing was written"),
    )
}

fn exists(path: &str) -> Failure {
    let message = Message::error(format!("{path} is there already"))
        .fact("now", "nothing was written")
        .help("choose another environment, or remove the file first");
    Failure::new(Exit::Refused, message)
}

fn not_written(path: &str, error: &io::Error) -> Failure {
    let message =
        Message::error(format!("could not write {path}")).fact("answer", error.to_string());
    Failure::new(Exit::Error, message)
}

/// Writes a file that is not there yet.
fn write(path: &str, text: &str) -> io::Result<()> {
    if let Some(folder) = Path::new(path).parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())
}

/// The smallest platform: what every key does is said beside it.
fn stack_file(answers: &Answers) -> String {
    let Answers {
        name,
        environment,
        region,
    } = answers;
    format!(
        "name: {name}
environment: {environment} # every default goes by it
region: {region}
# account: \"123456789012\" # any other account is then refused

network: {{}} # a VPC with public and private subnets in two zones
database: {{}} # PostgreSQL, its password in Secrets Manager
services:
  web: # a container on Fargate; push its image to the repository that `up` makes
    port: 3000
    default: true # gets the requests that match no other route
    secrets: {{ DATABASE_URL: \"${{database.url}}\" }}
loadBalancer: {{ allowHttp: true }} # or certificateArn, for HTTPS
monitoring: {{}} # alarms and a dashboard; alarmEmails says who is told
"
    )
}

fn workflow(answers: &Answers) -> String {
    let Answers { environment, .. } = answers;
    format!(
        "# Shows in a pull request what would change, and applies it after the merge. The two roles and their variables:
# https://github.com/happyrobot-ai/fde-infra/blob/v{version}/docs/ci.md#roles-by-oidc
name: deploy
on:
  pull_request:
  push:
    branches: [main]
permissions: {{}}
jobs:
  deploy:
    permissions: {{ actions: read, contents: read, id-token: write, pull-requests: write }}
    uses: happyrobot-ai/fde-infra/.github/workflows/deploy.yml@v{version}
    with: {{ stack: {environment} }}
",
        version = env!("CARGO_PKG_VERSION"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::registry::catalog;
    use crate::component::stack_graph;

    #[test]
    fn what_is_written_is_a_stack() {
        for environment in ENVIRONMENTS {
            let text = stack_file(&Answers {
                name: "shop".to_owned(),
                environment: environment.to_owned(),
                region: "eu-south-2".to_owned(),
            });
            let stack = stack::load("stacks/file.yaml", &|_| Ok(text.clone()), &[], &SECTIONS);
            let (graph, _) = stack_graph(&stack.unwrap(), &catalog()).unwrap();
            assert!(graph.len() > 40, "{environment}: {}", graph.len());
        }
    }
}
