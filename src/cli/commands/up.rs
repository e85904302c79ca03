//! `up`: preview, confirm, apply, print the outputs.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use clap::Args;
use tokio::time::Instant;

use crate::cli::arguments::{
    EventArguments, ForceArguments, LockArguments, SelectionArguments, StackArguments, boolean,
    parallel,
};
use crate::cli::execution::agreement::{Agreed, agree};
use crate::cli::execution::terms::Terms;
use crate::cli::prompt::{self, NO, YES, declined};
use crate::cli::report::Failure;
use crate::cli::saved_plan::{Previewed, RetryHint, SavedPlan};
use crate::cli::session::{Offline, Session, ShowOptions};
use crate::cli::{CommandResult, Exit, Invocation, execution, pager};
use crate::display::{Line, Message, aftermath, diff};
use crate::execute::Report;
use crate::live::Hints;
use crate::plan::{Because, Goal, Plan, Request, Step};
use crate::resource::Urn;
use crate::resource::diff::REBOOT;

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
    #[command(flatten)]
    force: ForceArguments,
    /// Apply the plan that `preview --save-plan` has written to this file, and nothing else, without asking.
    #[arg(long, env = "FDE_INFRA_PLAN", value_name = "FILE")]
    plan: Option<String>,
    /// Maximum number of concurrent operations.
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
    #[command(flatten)]
    events: EventArguments,
}

const DETAILS: &str = "details";
const CHOICES: [&str; 3] = [YES, NO, DETAILS];

/// Reads the saved plan, if there is one, with the advice for when it cannot be used. The run is then of what the preview
/// was of.
fn read_saved(
    invocation: &mut Invocation,
    arguments: &Arguments,
) -> Result<Option<(SavedPlan, RetryHint)>, Failure> {
    let Some(path) = arguments.plan.as_ref().filter(|path| !path.is_empty()) else {
        return Ok(None);
    };
    reject_conflicting_flags(arguments)?;
    let saved = SavedPlan::read(path)?;
    let stack = arguments.stack.stack.clone();
    invocation.stack = saved.stack_arguments(stack.filter(|stack| !stack.is_empty()));
    invocation.selection = saved.selection();
    invocation.force = saved.force();
    let preview = invocation.retry_command().with_command("preview");
    let hint = RetryHint {
        path: path.clone(),
        preview: preview
            .with("--save-plan", [path])
            .with("--plan-for", saved.applied_by()),
    };
    Ok(Some((saved, hint)))
}

/// Refuses flags beside a saved plan for what the plan already says.
fn reject_conflicting_flags(arguments: &Arguments) -> Result<(), Failure> {
    let values = [
        ("--set", arguments.stack.set.as_slice()),
        ("--set-new", &arguments.stack.set_new),
    ];
    let selection = arguments.selection.flags(&arguments.force);
    let given = values
        .into_iter()
        .chain(selection)
        .find(|(_, values)| values.iter().any(|value| !value.is_empty()));
    let Some((flag, _)) = given else {
        return Ok(());
    };
    let message = Message::error(format!("{flag} cannot be used with --plan"))
        .fact("now", "nothing was read or changed")
        .help(format!(
            "the plan says already with which flags it was made: drop {flag}, or the variable that sets it, or preview \
             again with it"
        ));
    Err(Failure::new(Exit::Usage, message))
}

pub async fn run(invocation: &mut Invocation, arguments: &Arguments) -> CommandResult {
    invocation.stack = arguments.stack.clone();
    invocation.selection = arguments.selection.clone();
    invocation.force = arguments.force.clone();
    invocation.yes = arguments.yes;
    let saved = read_saved(invocation, arguments)?;
    // A user who hands over a saved plan has consented to it already.
    let yes = arguments.yes || saved.is_some();
    prompt::check_consent(invocation, yes)?;
    let offline = Offline::load(invocation)?;
    offline.warn(&mut invocation.terminal);
    if let Some((saved, hint)) = &saved {
        saved.check_offline(&offline, hint)?;
    }
    let session = Session::connect(invocation, offline).await?;
    if let Some((saved, hint)) = &saved {
        saved.check_caller(&session, hint)?;
    }
    let read_at = Instant::now();
    let live = session.read(invocation).await?;
    let request = Request {
        takes_no_lock: arguments.lock.no_lock,
        ..invocation.selection.request(Goal::Up, &invocation.force)
    };
    let plan = session.plan(invocation, &live, &request).await?;
    session.warn(&live, &request, &mut invocation.terminal);
    if let Some((saved, hint)) = &saved {
        let now = Previewed {
            session: &session,
            live: &live,
            plan: &plan,
        };
        saved.check_plan(&now, hint)?;
    }
    let options = ShowOptions {
        diff: arguments.diff,
        show_sames: arguments.show_sames,
    };
    if yes {
        invocation.interrupts.begin_changes()?;
    }
    let terms = Terms {
        request: &request,
        yes,
        saved: saved.as_ref(),
        show: options,
        lock: &arguments.lock,
        hints: &Hints::default(),
    };
    let (turn, plan) = match agree(invocation, &session, plan, read_at, &terms, confirm).await? {
        Agreed::Go(turn, plan) => (turn, plan),
        Agreed::Nothing(plan) => {
            execution::tell(invocation, &session, &plan, &Report::before(&plan));
            show_what_is(invocation, &session, &plan);
            return Ok(Exit::Done);
        }
    };
    let (outcome, failures) = turn
        .run(invocation, &session, &plan, arguments.parallel.get())
        .await;
    invocation.force = still_to_force(&plan, outcome.report());
    let (report, catalog) = (outcome.report(), &session.offline.catalog);
    let stays = aftermath::block(&plan, report, catalog, invocation.terminal.width());
    Ok(execution::finish(
        invocation, &session, &plan, &outcome, &stays, &failures,
    ))
}

/// The resources that `--replace` and `--reboot` still have to name when the run is repeated: a replacement that was begun
/// is finished unasked, and a finished one would be done a second time.
fn still_to_force(plan: &Plan, report: &Report) -> ForceArguments {
    let begun: BTreeSet<&Urn> = report
        .succeeded
        .iter()
        .map(|id| &plan.steps[*id].urn)
        .collect();
    let asked = |is_forced: fn(&Step) -> bool| {
        let steps = plan.steps.iter();
        let left = steps.filter(|step| is_forced(step) && !begun.contains(&step.urn));
        let names: BTreeSet<_> = left.map(|step| step.urn.name().to_owned()).collect();
        names.into_iter().collect()
    };
    ForceArguments {
        replace: asked(|step| step.because == Because::Requested),
        reboot: asked(|step| {
            let comparison = step.comparison();
            comparison.is_some_and(|comparison| comparison.diff.touches(REBOOT))
        }),
    }
}

/// Shows the outputs, and what is still to be done: both stay of interest when nothing has changed.
fn show_what_is(invocation: &mut Invocation, session: &Session, plan: &Plan) {
    let report = Report::before(plan);
    if !report.outputs.is_empty() {
        invocation.terminal.print(&[Line::new()]);
        execution::show_outputs(invocation, &report.outputs);
    }
    let todos = execution::images(invocation, session, plan, &report);
    if !todos.is_empty() {
        execution::show_next(invocation, &report, todos);
    }
}

/// Asks until the answer is yes or no.
async fn confirm(
    invocation: &mut Invocation,
    session: &Session,
    plan: &Plan,
) -> Result<(), Failure> {
    loop {
        let question = "Do you want to perform this update?";
        match prompt::choose(invocation, question, &CHOICES).await? {
            Some(YES) => return invocation.interrupts.begin_changes(),
            Some(DETAILS) => {
                let width = invocation.terminal.width();
                let mut lines = vec![Line::new()];
                lines.extend(diff::render(plan, &session.offline.catalog, width));
                pager::show(invocation, lines).await;
                session.show_counts(invocation, plan);
                invocation.terminal.print(&[Line::new()]);
            }
            // Also where the terminal went away.
            _ => return Err(declined()),
        }
    }
}
