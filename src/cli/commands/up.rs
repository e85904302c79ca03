//! `up`: preview, confirm, apply, print the outputs.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use clap::Args;
use tokio::time::Instant;

use crate::cli::arguments::{
    ForceArguments, GlobalArguments, LockArguments, SelectionArguments, StackArguments, boolean,
    parallel,
};
use crate::cli::execution::locked_run::{self, Agreed, Terms};
use crate::cli::report::{Failure, show};
use crate::cli::saved_plan::{Previewed, RetryHint, SavedPlan};
use crate::cli::session::{Offline, Session, ShowOptions, quoted, suffix};
use crate::cli::{CommandResult, Context, Exit, execution};
use crate::display::{Line, Message, aftermath, diff, terminal};
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
    /// Work on at most this many resources at once.
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

/// The job of a run: as the command line says, or as a saved plan does.
struct Job {
    stack: StackArguments,
    selection: SelectionArguments,
    force: ForceArguments,
    /// True if the user has consented already.
    agreed: bool,
    saved: Option<(SavedPlan, RetryHint)>,
}

impl Job {
    fn of(arguments: &Arguments, global: &GlobalArguments) -> Result<Self, Failure> {
        let Some(path) = arguments.plan.as_ref().filter(|path| !path.is_empty()) else {
            return Ok(Self {
                stack: arguments.stack.clone(),
                selection: arguments.selection.clone(),
                force: arguments.force.clone(),
                agreed: arguments.yes,
                saved: None,
            });
        };
        reject_conflicting_flags(arguments)?;
        let saved = SavedPlan::read(path)?;
        let given = arguments
            .stack
            .stack
            .clone()
            .filter(|stack| !stack.is_empty());
        let stack = saved.stack_arguments(given);
        let selection = saved.selection();
        let force = saved.force();
        let preview = format!("fde-infra preview{}", suffix(&stack, global));
        let preview = selection.added_to(preview, &force);
        let mut preview = format!("{preview} --save-plan {}", quoted(path));
        if let Some(role) = saved.applied_by() {
            preview.push_str(" --plan-for ");
            preview.push_str(&quoted(role));
        }
        let again = RetryHint {
            path: path.clone(),
            preview,
        };
        Ok(Self {
            stack,
            selection,
            force,
            agreed: true,
            saved: Some((saved, again)),
        })
    }
}

/// Refuses flags beside a saved plan for what the plan already says.
fn reject_conflicting_flags(arguments: &Arguments) -> Result<(), Failure> {
    let selection = &arguments.selection;
    let beside = [
        ("--set", &arguments.stack.set),
        ("--set-new", &arguments.stack.set_new),
        ("--target", &selection.target),
        ("--exclude", &selection.exclude),
        ("--replace", &arguments.force.replace),
        ("--reboot", &arguments.force.reboot),
        ("--allow-delete", &selection.allow_delete),
        ("--remove", &selection.remove),
        ("--trust", &selection.trust),
        ("--allow-region", &selection.allow_region),
    ];
    let given = beside
        .iter()
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

pub async fn run(context: &mut Context, arguments: &Arguments) -> CommandResult {
    let job = Job::of(arguments, &context.global)?;
    if !job.agreed && !context.is_interactive() {
        let suffix = suffix(&job.stack, &context.global);
        let suffix = job.selection.added_to(suffix, &job.force);
        return Err(needs_yes("up", &suffix));
    }
    let offline = Offline::load("up", &job.stack, &context.global)?;
    offline.warn(&mut context.terminal);
    if let Some((saved, again)) = &job.saved {
        saved.check_offline(&offline, again)?;
    }
    let session = Session::connect(context, offline).await?;
    if let Some((saved, again)) = &job.saved {
        saved.check_caller(&session, again)?;
    }
    let again = session.offline.command_line("up");
    let again = job.selection.added_to(again, &job.force);
    let read_at = Instant::now();
    let live = session.read(context, &again).await?;
    let request = Request {
        takes_no_lock: arguments.lock.no_lock,
        ..job.selection.request(Goal::Up, &job.force)
    };
    let plan = session.plan(context, &live, &request).await?;
    session.warn(&live, &request, &mut context.terminal);
    if let Some((saved, again)) = &job.saved {
        let now = Previewed {
            session: &session,
            live: &live,
            plan: &plan,
        };
        saved.check_plan(&now, again)?;
    }
    let options = ShowOptions {
        diff: arguments.diff,
        show_sames: arguments.show_sames,
    };
    if job.agreed {
        context.interrupts.begin_changes()?;
    }
    let terms = Terms {
        command: "up",
        request: &request,
        yes: job.agreed,
        saved: job.saved.as_ref(),
        show: options,
        lock: &arguments.lock,
        hints: &Hints::default(),
        again: &again,
    };
    let (turn, plan) =
        match locked_run::agree(context, &session, plan, read_at, &terms, confirm).await? {
            Agreed::Go(turn, plan) => (turn, plan),
            Agreed::Nothing(plan) => {
                show_what_is(context, &session, &plan);
                return Ok(Exit::Done);
            }
        };
    let (outcome, failures) = turn
        .run(context, &session, &plan, arguments.parallel.get())
        .await;
    let left = still_to_force(&plan, outcome.report());
    let again = session.offline.command_line("up");
    let again = job.selection.added_to(again, &left);
    let exit = execution::finish(context, &session, &plan, &outcome, &again);
    let (report, catalog) = (outcome.report(), &session.offline.catalog);
    let stays = aftermath::block(&plan, report, catalog, context.terminal.width());
    if !stays.is_empty() {
        context.terminal.print(&[Line::new()]);
        context.terminal.print(&stays);
    }
    show(&failures, &mut context.terminal);
    Ok(exit)
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
fn show_what_is(context: &mut Context, session: &Session, plan: &Plan) {
    let report = Report::before(plan);
    let width = context.terminal.width();
    if !report.outputs.is_empty() {
        context.terminal.print(&[Line::new()]);
        execution::show_outputs(context, &report.outputs);
    }
    let notes = execution::notes(session, plan, &report, width);
    context.terminal.print(&notes);
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
            Some(YES) => return context.interrupts.begin_changes(),
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

/// The refusal where no one is there to say yes, and no one has said it beforehand.
///
/// `suffix` follows the command on a line that means the same.
pub fn needs_yes(command: &str, suffix: &str) -> Failure {
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
