//! The consent to a plan, and the lock that follows it.
//!
//! # When the lock is taken
//!
//! After the consent, and only for a plan that changes something: a run with nothing to do makes no mutating call, and
//! no one has to wait for a user who reads a preview. (Terraform locks before it reads; there a forgotten prompt holds up
//! the pipeline.) So the plan may date from a time when another run was at work. A run that had to wait for the lock, or
//! finds that another has ended since the reading began, reads and plans again under the lock: the same plan goes on,
//! another one is shown and asked about once more, or with `--yes` takes its place.

use tokio::time::Instant;

use super::locked_run::LockedRun;
use super::terms::Terms;
use crate::cli::report::Failure;
use crate::cli::session::Session;
use crate::cli::{Invocation, refusal};
use crate::display::{Line, Style};
use crate::plan::Plan;

/// The outcome of showing a plan, and asking.
pub enum Agreed {
    /// There is nothing to do.
    Nothing(Plan),
    Go(LockedRun, Plan),
}

/// Shows a plan, asks, and takes the lock. `read_at` is the time when the reading for the plan began.
///
/// # Errors
/// Whatever keeps the plan from being run; nothing was changed.
pub async fn agree(
    invocation: &mut Invocation,
    session: &Session,
    mut plan: Plan,
    mut read_at: Instant,
    terms: &Terms<'_>,
    ask: impl AsyncFn(&mut Invocation, &Session, &Plan) -> Result<(), Failure>,
) -> Result<Agreed, Failure> {
    let mut held: Option<LockedRun> = None;
    loop {
        session.show(invocation, &plan, terms.show);
        let refused = refusal::of(invocation, session, &plan);
        if refused.is_some() || plan.is_empty() {
            if let Some(turn) = held {
                turn.give_back(invocation, session).await;
            }
            return refused.map_or(Ok(Agreed::Nothing(plan)), Err);
        }
        invocation.terminal.print(&[Line::new()]);
        if let Some(turn) = held {
            return Ok(Agreed::Go(turn, plan));
        }
        if !terms.yes {
            ask(invocation, session, &plan).await?;
        }
        let mut turn = LockedRun::take(invocation, session, &plan, terms, read_at).await?;
        if turn.is_first {
            return Ok(Agreed::Go(turn, plan));
        }
        read_at = Instant::now();
        let now = match turn.look_again(invocation, session, terms).await {
            Ok(now) if now == plan => return Ok(Agreed::Go(turn, plan)),
            Ok(now) => now,
            Err(failure) => {
                turn.give_back(invocation, session).await;
                return Err(failure);
            }
        };
        let text = "The stack has changed in the meantime. This is the plan now:";
        let text = Line::styled(Style::Warning, text);
        invocation.terminal.print(&[text, Line::new()]);
        plan = now;
        if terms.yes {
            let is_locked = turn.is_locked();
            turn.announce(invocation, session, &plan, is_locked).await;
            held = Some(turn);
        } else {
            turn.give_back(invocation, session).await;
        }
    }
}
