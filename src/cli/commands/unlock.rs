//! `unlock`: takes a stack's lock from its holder.

use std::time::SystemTime;

use clap::Args;

use super::up::{NO, YES, needs_yes};
use crate::cli::arguments::{StackArguments, boolean};
use crate::cli::report::{Failure, show};
use crate::cli::session::{Offline, Session, suffix};
use crate::cli::{CommandResult, Context, Exit};
use crate::deployment::{Lock, moment};
use crate::display::{Line, Message, lock, terminal};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    stack: StackArguments,
    /// Do not ask.
    #[arg(long, short = 'y', env = "FDE_INFRA_YES", value_parser = boolean)]
    yes: bool,
}

pub async fn run(context: &mut Context, arguments: &Arguments) -> CommandResult {
    if !arguments.yes && !context.is_interactive() {
        let suffix = suffix(&arguments.stack, &context.global);
        return Err(needs_yes("unlock", &suffix));
    }
    let offline = Offline::load("unlock", &arguments.stack, &context.global)?;
    let session = Session::connect(context, offline).await?;
    let again = session.offline.command_line("unlock");
    let stack = &session.offline.graph.stack;
    let store = session.provider.context();
    let lock = Lock::of(stack, store);
    let failed =
        |error| Failure::of_calling("could not read the lock of the stack", &error, &again);
    let seen = context.interrupts.guard(lock.look()).await?;
    let Some(seen) = seen.map_err(failed)? else {
        let text = format!("Nobody holds the lock of {}.", session.place());
        context.terminal.print(&[Line::plain(text)]);
        return Ok(Exit::Done);
    };
    let until = moment::utc(SystemTime::now() + seen.left());
    let message = Message::warning(format!("the lock of {} is held", session.place()));
    let mut message = lock::held(message, &seen, &until);
    if !seen.is_over() {
        message = message.help(
            "its holder may be at work: without the lock nothing keeps two runs from changing the stack at once",
        );
    }
    show(&[message], &mut context.terminal);
    if !arguments.yes && !confirmed(context).await? {
        let message = Message::warning("declined; the lock is as it was");
        return Err(Failure::new(Exit::Cancelled, message));
    }
    let failed =
        |error| Failure::of_calling("could not remove the lock of the stack", &error, &again);
    let removed = context.interrupts.guard(lock.remove(&seen.lease)).await?;
    let text = if removed.map_err(failed)? {
        format!("The lock of {} is free.", session.place())
    } else {
        let text = "Its holder has given it back meanwhile, and the lock may be somebody else's";
        format!("{text}.")
    };
    context.terminal.print(&[Line::plain(text)]);
    Ok(Exit::Done)
}

async fn confirmed(context: &mut Context) -> Result<bool, Failure> {
    const CHOICES: [&str; 2] = [YES, NO];
    let colour = context.terminal.colours();
    let asking = tokio::task::spawn_blocking(move || {
        terminal::choose("Do you want to remove this lock?", &CHOICES, 1, colour)
    });
    let chosen = context.interrupts.guard(asking).await;
    if chosen.is_err() {
        context.terminal.leave_question();
    }
    // Where the terminal went away, no one has said yes either.
    Ok(chosen?.ok().flatten() == Some(0))
}
