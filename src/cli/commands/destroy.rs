//! `destroy`: lists what goes and what stays and why, asks, deletes.

use std::num::NonZeroUsize;

use clap::Args;
use tokio::time::Instant;

use crate::cli::arguments::{
    EventArguments, ForceArguments, LockArguments, SelectionArguments, StackArguments, boolean,
    parallel,
};
use crate::cli::execution::agreement::{Agreed, agree};
use crate::cli::execution::terms::Terms;
use crate::cli::prompt::{self, declined};
use crate::cli::refusal::unmarked;
use crate::cli::report::{Failure, show};
use crate::cli::session::whereabouts;
use crate::cli::session::{Offline, Session, ShowOptions};
use crate::cli::{CommandResult, Exit, Invocation, execution};
use crate::deployment::Whereabouts;
use crate::display::{Line, Message, Style, aftermath, preview, terminal};
use crate::execute::Report;
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

/// The help of `--target`. Dependents are deleted before their target, so the selection runs the other way than in `up`.
const TARGET: &str = "Only this resource and what needs it: a name, a section or a pattern with `*`. Can be repeated";
const EXCLUDE: &str = "All but this resource and what it needs. Can be repeated";

pub async fn run(invocation: &mut Invocation, arguments: &Arguments) -> CommandResult {
    invocation.stack = arguments.stack.clone();
    invocation.selection = arguments.selection.clone();
    invocation.yes = arguments.yes;
    prompt::check_consent(invocation, arguments.yes)?;
    let offline = Offline::load(invocation)?;
    offline.warn(&mut invocation.terminal);
    let session = Session::connect(invocation, offline).await?;
    let read_at = Instant::now();
    let asking = invocation.interrupts.guard(session.remember()).await?;
    let (left, unread) = match asking {
        Ok(left) => (left, None),
        Err(error) if error.is(ErrorKind::Credentials) => {
            return Err(Failure::of_reading(invocation, &error));
        }
        Err(error) => (Whereabouts::default(), Some(whereabouts::unread(&error))),
    };
    let hints = whereabouts::hints(&session, &left);
    let live = session.read_with(invocation, &hints).await?;
    let doubts: Vec<Message> = whereabouts::doubt(invocation, &session, &left, &live)
        .into_iter()
        .chain(unread)
        .collect();
    let request = Request {
        takes_no_lock: arguments.lock.no_lock,
        ..arguments
            .selection
            .request(Goal::Destroy, &ForceArguments::default())
    };
    let plan = session.plan(invocation, &live, &request).await?;
    session.warn(&live, &request, &mut invocation.terminal);
    if plan.is_empty() && plan.retained.is_empty() && plan.refusals.is_empty() {
        session.tell_plan(invocation, &plan);
        let text = format!("There is nothing of {} to delete.", session.place());
        invocation.terminal.print(&[Line::plain(text)]);
        show(&doubts, &mut invocation.terminal);
        show(
            &unmarked::left(invocation, &session, &plan),
            &mut invocation.terminal,
        );
        return Ok(Exit::Done);
    }
    if arguments.yes {
        invocation.interrupts.begin_changes()?;
    }
    let terms = Terms {
        request: &request,
        yes: arguments.yes,
        saved: None,
        show: ShowOptions::default(),
        lock: &arguments.lock,
        hints: &hints,
    };
    let (turn, plan) = match agree(invocation, &session, plan, read_at, &terms, confirm).await? {
        Agreed::Go(turn, plan) => (turn, plan),
        Agreed::Nothing(plan) => {
            execution::tell(invocation, &session, &plan, &Report::before(&plan));
            invocation.terminal.print(&[Line::new()]);
            return Ok(report_retained(invocation, &plan, Exit::Done));
        }
    };
    let (outcome, failures) = turn
        .run(invocation, &session, &plan, arguments.parallel.get())
        .await;
    let (report, catalog) = (outcome.report(), &session.offline.catalog);
    let left = aftermath::block(&plan, report, catalog, invocation.terminal.width());
    let others: Vec<Message> = failures
        .into_iter()
        .chain(doubts)
        .chain(unmarked::left(invocation, &session, &plan))
        .collect();
    let exit = execution::finish(invocation, &session, &plan, &outcome, &left, &others);
    Ok(report_retained(invocation, &plan, exit))
}

/// Asks the user to type the stack's name, until it is right: there is no undo. Nothing typed is a no.
async fn confirm(invocation: &mut Invocation, _: &Session, plan: &Plan) -> Result<(), Failure> {
    let name = plan.stack.to_string();
    let count = preview::changes(plan);
    let resources = if count == 1 { "resource" } else { "resources" };
    let question = Line::styled(Style::Warning, "There is no undo.")
        .and(" Type ")
        .with(Style::Bold, &name)
        .and(format!(" to destroy {count} {resources}:"));
    loop {
        let colour = invocation.terminal.colours();
        let prompt = question.clone();
        let answer = prompt::ask(invocation, move || terminal::ask(&prompt, colour)).await?;
        invocation.terminal.print(&[Line::new()]);
        match answer {
            Some(answer) if answer == name => return invocation.interrupts.begin_changes(),
            Some(answer) if !answer.is_empty() => {
                let text = format!("`{answer}` is not the name of the stack.");
                invocation
                    .terminal
                    .print(&[Line::styled(Style::Warning, text)]);
            }
            _ => return Err(declined()),
        }
    }
}

/// Reports what stays because of its data; with any of it, `destroy` has not succeeded.
fn report_retained(invocation: &mut Invocation, plan: &Plan, exit: Exit) -> Exit {
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
    for retained in &kept {
        message = message.fact(
            retained.urn.name(),
            format!(
                "{} `{}` {}",
                retained.urn.token(),
                retained.observed.id,
                retained.reason
            ),
        );
    }
    let names = kept.iter().map(|retained| retained.urn.name());
    let command = invocation.retry_command().with("--allow-delete", names);
    let message = message
        .help("to consent to the loss of the data, run")
        .command(command);
    invocation.terminal.print(&[Line::new()]);
    show(&[message], &mut invocation.terminal);
    Exit::Refused
}
