//! `up`: preview, confirm, apply, print the outputs.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use clap::Args;
use tokio::time::Instant;

use super::arguments::{LockArguments, SelectionArguments, StackArguments, boolean, parallel};
use super::report::{Failure, show};
use super::session::{Offline, Session, ShowOptions, suffix};
use super::turn::{self, Agreed, Terms};
use super::{CommandResult, Context, Exit, run as running};
use crate::display::{Line, Message, diff, outputs, terminal};
use crate::execute::{self, Cancel, Report};
use crate::plan::{Because, Goal, Plan};
use crate::resource::Urn;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    stack: StackArguments,
    /// Do not ask.
    #[arg(long, short = 'y', env = "FDE_INFRA_YES", value_parser = boolean)]
    yes: bool,
    /// Show every property that changes.
    #[arg(long, env = "FDE_INFRA_DIFF", value_parser = boolean)]
    diff: bool,
    /// Also show what stays as it is.
    #[arg(long, env = "FDE_INFRA_SHOW_SAMES", value_parser = boolean)]
    show_sames: bool,
    #[command(flatten)]
    selection: SelectionArguments,
    /// Replace this resource. Can be repeated.
    #[arg(
        long,
        env = "FDE_INFRA_REPLACE",
        value_name = "NAME",
        value_delimiter = ','
    )]
    replace: Vec<String>,
    /// Work on at most so many resources at once.
    #[arg(
        long,
        short = 'p',
        env = "FDE_INFRA_PARALLEL",
        value_name = "N",
        default_value = "32",
        value_parser = parallel
    )]
    parallel: NonZeroUsize,
    #[command(flatten)]
    lock: LockArguments,
}

/// The choices at the prompt.
pub const YES: &str = "yes";
pub const NO: &str = "no";
const DETAILS: &str = "details";
const CHOICES: [&str; 3] = [YES, NO, DETAILS];

pub async fn run(context: &mut Context, arguments: &Arguments) -> CommandResult {
    if !arguments.yes && !context.is_interactive() {
        let suffix = suffix(&arguments.stack, &context.global);
        let suffix = arguments.selection.added_to(suffix, &arguments.replace);
        return Err(nobody_to_ask("up", &suffix));
    }
    let offline = Offline::load("up", &arguments.stack, &context.global)?;
    let session = Session::connect(context, offline).await?;
    let again = session.offline.command_line("up");
    let again = arguments.selection.added_to(again, &arguments.replace);
    let read_at = Instant::now();
    let live = session.read(context, &again).await?;
    let request = arguments.selection.request(Goal::Up, &arguments.replace);
    let plan = session.plan(&live, &request)?;
    let options = ShowOptions {
        diff: arguments.diff,
        show_sames: arguments.show_sames,
    };
    let terms = Terms {
        command: "up",
        request: &request,
        yes: arguments.yes,
        show: options,
        lock: &arguments.lock,
        again: &again,
    };
    let (turn, plan) = match turn::agree(context, &session, plan, read_at, &terms, confirm).await? {
        Agreed::Go(turn, plan) => (turn, plan),
        Agreed::Nothing(plan) => {
            show_what_is(context, &session, &plan).await;
            return Ok(Exit::Done);
        }
    };
    let (outcome, troubles) = turn
        .run(context, &session, &plan, arguments.parallel.get())
        .await;
    let left = still_to_replace(&plan, outcome.report());
    let again = session.offline.command_line("up");
    let again = arguments.selection.added_to(again, &left);
    let exit = running::finish(context, &session, &plan, &outcome, &again);
    show(&troubles, &mut context.terminal);
    Ok(exit)
}

/// What `--replace` still has to name when the run is repeated: a replacement that was begun is finished unasked, and one
/// that is done would be made a second time.
fn still_to_replace(plan: &Plan, report: &Report) -> Vec<String> {
    let begun: BTreeSet<&Urn> = report
        .succeeded
        .iter()
        .map(|id| &plan.steps[*id].urn)
        .collect();
    let asked = plan
        .steps
        .iter()
        .filter(|step| step.because == Because::Requested && !begun.contains(&step.urn))
        .map(|step| step.urn.name().to_owned());
    asked.collect::<BTreeSet<_>>().into_iter().collect()
}

/// What a stack gives away, and what is still to be done, stays of interest when nothing has changed.
async fn show_what_is(context: &mut Context, session: &Session, plan: &Plan) {
    // A plan without steps makes no call, and answers what its outputs are.
    let (nobody, _) = tokio::sync::mpsc::unbounded_channel();
    let outcome = execute::run(plan, &session.provider, 1, &Cancel::default(), &nobody).await;
    let report = outcome.report();
    let width = context.terminal.width();
    let mut lines = outputs::section(&report.outputs, width);
    if !lines.is_empty() {
        lines.insert(0, Line::new());
    }
    lines.extend(running::notes(session, plan, report, width));
    context.terminal.print(&lines);
}

/// Asks until the answer is yes or no.
async fn confirm(context: &mut Context, session: &Session, plan: &Plan) -> Result<(), Failure> {
    loop {
        let colour = context.terminal.colours();
        let asking = tokio::task::spawn_blocking(move || {
            terminal::choose("Do you want to perform this update?", &CHOICES, 1, colour)
        });
        let chosen = context.interrupts.guard(asking).await;
        if chosen.is_err() {
            context.terminal.leave_question();
        }
        let chosen = chosen?;
        match chosen.ok().flatten().map(|index| CHOICES[index]) {
            Some(YES) => return Ok(()),
            Some(DETAILS) => {
                let width = context.terminal.width();
                let lines = diff::render(plan, &session.offline.catalog, width);
                context.terminal.print(&[Line::new()]);
                context.terminal.print(&lines);
            }
            // Also where the terminal went away.
            _ => return Err(declined()),
        }
    }
}

/// Nobody is there to say yes, and nobody has said it beforehand.
///
/// `suffix` follows the command on a line that means the same.
pub fn nobody_to_ask(command: &str, suffix: &str) -> Failure {
    let message = Message::error(format!(
        "--yes must be passed in to proceed with `{command}` when running in non-interactive mode"
    ))
    .fact("now", "nothing was read or changed")
    .help("to go on without being asked (or set FDE_INFRA_YES=true), run")
    .command(format!("fde-infra {command} --yes{suffix}"));
    Failure::new(Exit::Usage, message)
}

/// The user said no.
pub fn declined() -> Failure {
    Failure::new(
        Exit::Cancelled,
        Message::warning("declined; nothing was changed"),
    )
}
