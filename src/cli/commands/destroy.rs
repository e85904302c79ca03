//! `destroy`: lists what goes and what stays and why, asks, deletes.

use std::num::NonZeroUsize;

use clap::Args;
use tokio::time::Instant;

use super::up::{declined, needs_yes};
use crate::cli::arguments::{
    ForceArguments, LockArguments, SelectionArguments, StackArguments, boolean, parallel,
};
use crate::cli::execution::locked_run::{self, Agreed, Terms};
use crate::cli::refusal::unmarked;
use crate::cli::report::{Failure, show};
use crate::cli::session::whereabouts;
use crate::cli::session::{Offline, Session, ShowOptions};
use crate::cli::{CommandResult, Context, Exit, execution, session};
use crate::deployment::Whereabouts;
use crate::display::{Line, Message, Style, aftermath, terminal};
use crate::plan::{Goal, Plan, Request, RetainReason};
use crate::resource::ErrorKind;

#[derive(Debug, Args)]
#[command(mut_arg("target", |target| target.help(TARGET)))]
#[command(mut_arg("exclude", |exclude| exclude.help(EXCLUDE)))]
pub struct Arguments {
    #[command(flatten)]
    stack: StackArguments,
    /// Do not ask.
    #[arg(long, short = 'y', env = "FDE_INFRA_YES", value_parser = boolean)]
    yes: bool,
    #[command(flatten)]
    selection: SelectionArguments,
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

/// The help of `--target`. Dependents are deleted before their target, so the selection runs the other way than in `up`.
const TARGET: &str = "Only this resource and what needs it: a name, a section or a pattern with `*`. Can be repeated";
const EXCLUDE: &str = "All but this resource and what it needs. Can be repeated";

pub async fn run(context: &mut Context, arguments: &Arguments) -> CommandResult {
    if !arguments.yes && !context.is_interactive() {
        let suffix = session::suffix(&arguments.stack, &context.global);
        let suffix = arguments
            .selection
            .added_to(suffix, &ForceArguments::default());
        return Err(needs_yes("destroy", &suffix));
    }
    let offline = Offline::load("destroy", &arguments.stack, &context.global)?;
    offline.warn(&mut context.terminal);
    let session = Session::connect(context, offline).await?;
    let again = session.offline.command_line("destroy");
    let again = arguments
        .selection
        .added_to(again, &ForceArguments::default());
    let read_at = Instant::now();
    let asking = context.interrupts.guard(session.remember()).await?;
    let (left, unread) = match asking {
        Ok(left) => (left, None),
        Err(error) if error.is(ErrorKind::Credentials) => {
            return Err(Failure::of_reading(&error, &again));
        }
        Err(error) => (Whereabouts::default(), Some(whereabouts::unread(&error))),
    };
    let hints = whereabouts::hints(&session, &left);
    let live = session.read_with(context, &again, &hints).await?;
    let doubts: Vec<Message> = whereabouts::doubt(&session, &left, &live, &again)
        .into_iter()
        .chain(unread)
        .collect();
    let request = Request {
        takes_no_lock: arguments.lock.no_lock,
        ..arguments
            .selection
            .request(Goal::Destroy, &ForceArguments::default())
    };
    let plan = session.plan(context, &live, &request).await?;
    session.warn(&live, &request, &mut context.terminal);
    if plan.is_empty() && plan.retained.is_empty() && plan.refusals.is_empty() {
        let text = format!("There is nothing of {} to delete.", session.place());
        context.terminal.print(&[Line::plain(text)]);
        show(&doubts, &mut context.terminal);
        show(
            &unmarked::left(&plan, &session, &again),
            &mut context.terminal,
        );
        return Ok(Exit::Done);
    }
    if arguments.yes {
        context.interrupts.begin_changes()?;
    }
    let terms = Terms {
        command: "destroy",
        request: &request,
        yes: arguments.yes,
        saved: None,
        show: ShowOptions::default(),
        lock: &arguments.lock,
        hints: &hints,
        again: &again,
    };
    let (turn, plan) =
        match locked_run::agree(context, &session, plan, read_at, &terms, confirm).await? {
            Agreed::Go(turn, plan) => (turn, plan),
            Agreed::Nothing(plan) => {
                context.terminal.print(&[Line::new()]);
                return Ok(report_retained(context, &plan, Exit::Done, &again));
            }
        };
    let (outcome, failures) = turn
        .run(context, &session, &plan, arguments.parallel.get())
        .await;
    let exit = execution::finish(context, &session, &plan, &outcome, &again);
    let (report, catalog) = (outcome.report(), &session.offline.catalog);
    let left = aftermath::block(&plan, report, catalog, context.terminal.width());
    if !left.is_empty() {
        context.terminal.print(&[Line::new()]);
        context.terminal.print(&left);
    }
    show(&failures, &mut context.terminal);
    show(&doubts, &mut context.terminal);
    show(
        &unmarked::left(&plan, &session, &again),
        &mut context.terminal,
    );
    Ok(report_retained(context, &plan, exit, &again))
}

/// Asks the user to type the stack's name: there is no undo.
async fn confirm(context: &mut Context, _: &Session, plan: &Plan) -> Result<(), Failure> {
    let name = plan.stack.to_string();
    let colour = context.terminal.colours();
    context.terminal.print(&[Line::new()
        .with(Style::Warning, "There is no undo.")
        .and(" To delete these resources, type the name of the stack.")]);
    let prompt = Line::styled(Style::Bold, &name).and(":");
    let asking = tokio::task::spawn_blocking(move || terminal::ask(&prompt, colour));
    let answer = context.interrupts.guard(asking).await;
    if answer.is_err() {
        context.terminal.leave_question();
    }
    let answer = answer?;
    context.terminal.print(&[Line::new()]);
    match answer.ok().flatten() {
        Some(answer) if answer == name => context.interrupts.begin_changes(),
        Some(answer) if !answer.is_empty() => Err(Failure::new(
            Exit::Cancelled,
            Message::warning(format!(
                "`{answer}` is not the name of the stack; nothing was changed"
            ))
            .help(format!("the name is `{name}`")),
        )),
        _ => Err(declined()),
    }
}

/// Reports what stays because of its data; with any of it, `destroy` has not succeeded.
fn report_retained(context: &mut Context, plan: &Plan, exit: Exit, again: &str) -> Exit {
    let kept: Vec<_> = plan
        .retained
        .iter()
        .filter(|retained| {
            matches!(
                retained.reason,
                RetainReason::OnDelete | RetainReason::LeavesNothing
            )
        })
        .collect();
    if kept.is_empty() || exit != Exit::Done {
        return exit;
    }
    let mut message = Message::warning("the stack is not gone: what holds data stays")
        .code("fde::guard::holds_data");
    let mut command = again.to_owned();
    for retained in kept {
        message = message.fact(
            retained.urn.name(),
            format!(
                "{} `{}` {}",
                retained.urn.token(),
                retained.observed.id,
                retained.reason
            ),
        );
        command.push_str(" --allow-delete ");
        command.push_str(&session::quoted(retained.urn.name()));
    }
    let message = message
        .help("if the data may go, say so by name")
        .command(command);
    context.terminal.print(&[Line::new()]);
    show(&[message], &mut context.terminal);
    Exit::Refused
}
