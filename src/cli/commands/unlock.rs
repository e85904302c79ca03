//! `unlock`: takes a stack's lock from its holder.

use std::time::SystemTime;

use clap::Args;

use crate::cli::arguments::{StackArguments, boolean};
use crate::cli::prompt::{self, NO, YES};
use crate::cli::report::{Failure, show};
use crate::cli::session::{Offline, Session};
use crate::cli::{CommandResult, Exit, Invocation};
use crate::deployment::{Lock, moment};
use crate::display::{Line, Message, lock};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    stack: StackArguments,
    /// Do not ask.
    #[arg(long, short = 'y', env = "FDE_INFRA_YES", value_parser = boolean)]
    yes: bool,
}

pub async fn run(invocation: &mut Invocation, arguments: &Arguments) -> CommandResult {
    invocation.stack = arguments.stack.clone();
    prompt::check_consent(invocation, arguments.yes)?;
    let offline = Offline::load(invocation)?;
    let session = Session::connect(invocation, offline).await?;
    let stack = &session.offline.graph.stack;
    let store = session.provider.context();
    let lock = Lock::of(stack, store);
    let seen = invocation.interrupts.guard(lock.look()).await?;
    let seen = seen.map_err(|error| {
        Failure::of_calling(invocation, "could not read the lock of the stack", &error)
    });
    let Some(seen) = seen? else {
        let text = format!("The lock of {} is free.", session.place());
        invocation.terminal.print(&[Line::plain(text)]);
        return Ok(Exit::Done);
    };
    let until = moment::utc(SystemTime::now() + seen.left());
    let message = Message::warning(format!("the lock of {} is held", session.place()));
    let mut message = lock::held(message, &seen, &until);
    if !seen.is_over() {
        message = message.help(
            "the run that holds it may still be working; without the lock, two runs can change the stack at once",
        );
    }
    show(&[message], &mut invocation.terminal);
    if !arguments.yes && !confirmed(invocation).await? {
        let message = Message::warning("declined; the lock is as it was");
        return Err(Failure::new(Exit::Cancelled, message));
    }
    let removed = invocation
        .interrupts
        .guard(lock.remove(&seen.lease))
        .await?;
    let removed = removed.map_err(|error| {
        Failure::of_calling(invocation, "could not remove the lock of the stack", &error)
    });
    let text = if removed? {
        format!("The lock of {} is free.", session.place())
    } else {
        let text =
            "The run that held it has released it in the meantime; another run may hold it now";
        format!("{text}.")
    };
    invocation.terminal.print(&[Line::plain(text)]);
    Ok(Exit::Done)
}

async fn confirmed(invocation: &mut Invocation) -> Result<bool, Failure> {
    const CHOICES: [&str; 2] = [YES, NO];
    let question = "Do you want to remove this lock?";
    let chosen = prompt::choose(invocation, question, &CHOICES).await?;
    // Where the terminal went away, no one has said yes either.
    Ok(chosen == Some(YES))
}
