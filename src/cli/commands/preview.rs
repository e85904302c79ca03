//! `preview`: shows what `up` would do.

use std::collections::BTreeMap;
use std::ffi::OsString;

use clap::Args;

use crate::cli::arguments::{
    ForceArguments, SelectionArguments, StackArguments, boolean, exclusive,
};
use crate::cli::report::{Failure, show};
use crate::cli::saved_plan::{self, Previewed, SavedPlan};
use crate::cli::session::{Offline, Session, ShowOptions};
use crate::cli::{CommandResult, Exit, Invocation, environment, refusal};
use crate::display::json::Document;
use crate::display::{Line, Message, View, added, json, markdown, message, sanitize};
use crate::plan::Goal;

/// The name that clap has for the switch that asks for other exit statuses.
pub const DETAILED_EXITCODE: &str = "detailed_exitcode";

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    pub(super) stack: StackArguments,
    /// Preview every stack file in stacks/; the exit status is the worst of all.
    #[arg(long, env = "FDE_INFRA_ALL", value_parser = boolean)]
    pub(super) all: bool,
    /// Show every property that changes.
    #[arg(long, env = "FDE_INFRA_DIFF", value_parser = boolean)]
    diff: bool,
    /// Print the plan as JSON.
    #[arg(long, env = "FDE_INFRA_JSON", value_parser = boolean)]
    pub(super) json: bool,
    /// Print the plan as Markdown, for a pull request or a step summary.
    #[arg(long, env = "FDE_INFRA_MARKDOWN", value_parser = boolean)]
    pub(super) markdown: bool,
    /// With --markdown: at most this many bytes; what matters least is left out first.
    #[arg(
        long,
        env = "FDE_INFRA_MAX_BYTES",
        value_name = "N",
        default_value_t = markdown::MAX_BYTES,
        value_parser = max_bytes
    )]
    max_bytes: usize,
    /// Also write the plan as JSON to this file.
    #[arg(long, env = "FDE_INFRA_JSON_INTO", value_name = "FILE")]
    pub(super) json_into: Option<String>,
    /// Also write the plan as Markdown to this file, of at most N bytes. Can be repeated.
    #[arg(
        long,
        env = "FDE_INFRA_MARKDOWN_INTO",
        value_name = "FILE[=N]",
        value_parser = page
    )]
    markdown_into: Vec<Page>,
    /// Also show what stays as it is.
    #[arg(long, env = "FDE_INFRA_SHOW_SAMES", value_parser = boolean)]
    show_sames: bool,
    /// Exit with 7 if there is anything to do.
    #[arg(long, env = "FDE_INFRA_EXPECT_NO_CHANGES", value_parser = boolean)]
    expect_no_changes: bool,
    /// Exit with 0 for no changes, 1 for an error, 2 for changes.
    #[arg(long, env = "FDE_INFRA_DETAILED_EXITCODE", value_parser = boolean)]
    detailed_exitcode: bool,
    #[command(flatten)]
    selection: SelectionArguments,
    #[command(flatten)]
    force: ForceArguments,
    /// Write the plan to a file, for `up --plan`.
    #[arg(long, env = "FDE_INFRA_SAVE_PLAN", value_name = "FILE")]
    pub(super) save_plan: Option<String>,
    /// With --save-plan: the ARN of the role that applies the plan, if another than the caller.
    #[arg(
        long,
        env = "FDE_INFRA_PLAN_FOR",
        value_name = "ROLE",
        value_parser = saved_plan::role,
        requires = "save_plan"
    )]
    plan_for: Option<String>,
}

/// A file for the plan as Markdown.
#[derive(Debug, Clone, PartialEq)]
struct Page {
    path: String,
    max_bytes: Option<usize>,
}

/// Returns whether `--detailed-exitcode` is given, even where the rest of the command line cannot be understood.
pub fn asks_for_detailed_exit_code(arguments: &[OsString]) -> bool {
    let asks = |word: &OsString| word == "--detailed-exitcode" || word == "--exit-code";
    arguments.iter().any(asks) || environment::asks_for_detailed_exit_code()
}

impl Arguments {
    /// Returns whether files of Markdown are asked for.
    pub(super) fn writes_pages(&self) -> bool {
        self.markdown_into.iter().any(|page| !page.path.is_empty())
    }
}

/// Checks the flags against each other, and sets what the run works on.
pub(super) fn begin(invocation: &mut Invocation, arguments: &Arguments) -> Result<(), Failure> {
    exclusive([
        ("--detailed-exitcode", arguments.detailed_exitcode),
        ("--expect-no-changes", arguments.expect_no_changes),
    ])?;
    exclusive([
        ("--json", arguments.json),
        ("--markdown", arguments.markdown),
    ])?;
    invocation.stack = arguments.stack.clone();
    invocation.selection = arguments.selection.clone();
    invocation.force = arguments.force.clone();
    Ok(())
}

pub async fn run(invocation: &mut Invocation, arguments: &Arguments) -> CommandResult {
    begin(invocation, arguments)?;
    let offline = Offline::load(invocation)?;
    of_stack(invocation, arguments, offline, None).await
}

/// Previews one stack. The document that `--json` prints is left in `kept`, where there is one, and not printed.
pub(super) async fn of_stack(
    invocation: &mut Invocation,
    arguments: &Arguments,
    offline: Offline,
    kept: Option<&mut Option<Document>>,
) -> CommandResult {
    offline.warn(&mut invocation.terminal);
    let session = Session::connect_to_look(invocation, offline).await?;
    session.provider.context().only_look();
    let live = session.read(invocation).await?;
    let request = arguments.selection.request(Goal::Up, &arguments.force);
    let plan = session.plan(invocation, &live, &request).await?;
    session.warn(&live, &request, &mut invocation.terminal);
    show(uncompared(&session).as_slice(), &mut invocation.terminal);
    let options = ShowOptions {
        diff: arguments.diff,
        show_sames: arguments.show_sames,
    };
    let catalog = &session.offline.catalog;
    let estimate = session.estimate(invocation, &plan);
    let estimate = estimate.as_ref();
    let whole = || json::document(&plan, catalog).with_estimate(estimate);
    let document = || -> Result<String, Failure> {
        let document = serde_json::to_string_pretty(&whole());
        Ok(sanitize::json(
            &document.map_err(|error| Failure::of_writing(&error.into()))?,
        ))
    };
    let sections = Offline::sections();
    let view = View {
        plan: &plan,
        catalog,
        sections: &sections,
        show_sames: arguments.show_sames,
        width: None,
    };
    if let Some(path) = arguments.json_into.as_ref().filter(|path| !path.is_empty()) {
        write(path, &format!("{}\n", document()?))?;
    }
    for page in &arguments.markdown_into {
        if !page.path.is_empty() {
            let max_bytes = page.max_bytes.unwrap_or(arguments.max_bytes);
            write(&page.path, &markdown::render(view, estimate, max_bytes))?;
        }
    }
    match kept {
        Some(kept) => {
            *kept = Some(whole());
            if !arguments.json {
                session.show(invocation, &plan, options);
            }
        }
        None if arguments.json => data(invocation, &document()?)?,
        None if arguments.markdown => {
            data(
                invocation,
                &markdown::render(view, estimate, arguments.max_bytes),
            )?;
        }
        None => session.show(invocation, &plan, options),
    }
    if arguments.json || arguments.markdown {
        session.tell_drift(invocation, &plan);
    }
    if let Some(refused) = refusal::of(invocation, &session, &plan) {
        return Err(refused);
    }
    if let Some(path) = arguments
        .save_plan
        .as_deref()
        .filter(|path| !path.is_empty())
    {
        let previewed = Previewed {
            session: &session,
            live: &live,
            plan: &plan,
        };
        let file = SavedPlan::of(invocation, &previewed, arguments.plan_for.as_deref());
        file?.write(path)?;
        // Not on standard output, from which a script takes the document.
        let lines = saved(invocation, path);
        invocation.terminal.report(&lines);
    }
    if plan.is_in_sync() {
        Ok(Exit::Done)
    } else if arguments.expect_no_changes {
        let message = if plan.is_empty() {
            let mut by_parent: BTreeMap<&str, Vec<String>> = BTreeMap::new();
            let mut command = invocation.stack_command("up");
            for added in plan.added.iter().filter(|added| added.is_drift) {
                let ids = by_parent.entry(added.parent.name()).or_default();
                ids.push(format!("\"{}\"", added.observed.id));
                command = command.with("--remove", [&added.observed.id]);
            }
            let accepted = by_parent
                .iter()
                .map(|(parent, ids)| format!("{parent}: {{ accept: [{}] }}", ids.join(", ")));
            let accepted = accepted.collect::<Vec<_>>().join(", ");
            let it = if added::drifting(&plan) == 1 {
                "it"
            } else {
                "them"
            };
            let file = session.offline.file_name();
            Message::error("others have added something that opens access or moves traffic")
                .help(format!(
                    "to accept {it}, write `options: {{ {accepted} }}` in {file}; to take {it} away, run"
                ))
                .command(command)
        } else {
            Message::error("changes were found where none were expected")
                .help("to make them, run")
                .command(invocation.retry_command().with_command("up"))
        };
        Err(Failure::new(Exit::UnexpectedChanges, message))
    } else if arguments.detailed_exitcode {
        Ok(Exit::Changes)
    } else {
        Ok(Exit::Done)
    }
}

/// Room for a page, in bytes.
fn max_bytes(text: &str) -> Result<usize, String> {
    let number = text.parse().ok();
    number
        .filter(|bytes| *bytes >= markdown::LEAST_BYTES)
        .ok_or_else(|| format!("write a number from {} on", markdown::LEAST_BYTES))
}

/// A file, and how much goes into it: `comment.md=60000`. Text after a `=` that is not a number is part of the name.
fn page(text: &str) -> Result<Page, String> {
    let sized = text.rsplit_once('=').filter(|(_, bytes)| {
        !bytes.is_empty() && bytes.chars().all(|character| character.is_ascii_digit())
    });
    Ok(match sized {
        Some((path, bytes)) => Page {
            path: path.to_owned(),
            max_bytes: Some(max_bytes(bytes)?),
        },
        None => Page {
            path: text.to_owned(),
            max_bytes: None,
        },
    })
}

/// Writes a document beside what is shown.
fn write(path: &str, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| {
        let message = Message::error(format!("could not write {path}"))
            .fact("answer", error.to_string())
            .fact("now", "nothing was changed");
        Failure::new(Exit::Error, message)
    })
}

/// Writes the document that a script takes from standard output.
fn data(invocation: &mut Invocation, text: &str) -> Result<(), Failure> {
    let written = invocation.terminal.data(text);
    written.map_err(|error| Failure::of_writing(&error))
}

/// The advice on what to do with the file.
fn saved(invocation: &Invocation, path: &str) -> Vec<Line> {
    let text = "the plan is saved; to apply it, and nothing else, run";
    let mut lines = message::note(text, invocation.terminal.width());
    let up = invocation.stack_command("up").without_values();
    lines.push(Line::plain(format!("    {}", up.with("--plan", [path]))));
    lines
}

/// The message about values that were taken for equal because they may not be read.
fn uncompared(session: &Session) -> Option<Message> {
    let ids = session.provider.context().uncompared();
    if ids.is_empty() {
        return None;
    }
    let message = Message::warning("value not compared: no permission to read it");
    let message = ids
        .into_iter()
        .fold(message, |message, id| message.fact("secret", id));
    Some(message.fact(
        "now",
        "it is assumed to match the file; `up` reads it, and sets it if it differs",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_a_file_and_perhaps_a_size() {
        let of = |path: &str, max_bytes| {
            Ok(Page {
                path: path.to_owned(),
                max_bytes,
            })
        };
        assert_eq!(page("comment.md"), of("comment.md", None));
        assert_eq!(page("comment.md=60000"), of("comment.md", Some(60_000)));
        assert_eq!(page("a=b/c.md"), of("a=b/c.md", None));
        assert_eq!(page("a=1/c.md=2000"), of("a=1/c.md", Some(2_000)));
        assert_eq!(page(""), of("", None));
        assert!(page("comment.md=12").is_err());
    }
}
