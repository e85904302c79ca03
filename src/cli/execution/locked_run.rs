//! A run's turn with its stack: the lock from the consent to the end, and a line in the history.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep, timeout};

use super::execute;
use super::keeper::Keeper;
use super::lock_reports::{
    Audience, LAPSES, announcing, ending, failures, in_vain, taking, without_lock,
};
use super::terms::Terms;
use crate::cli::report::{Failure, show};
use crate::cli::saved_plan::Previewed;
use crate::cli::session::{Remembered, Session, whereabouts};
use crate::cli::{Invocation, environment};
use crate::deployment::{
    Before, Begun, Ending, History, Hold, Known, Lease, Lock, Process, Record, Taking, Whereabouts,
    history, moment,
};
use crate::display::{Line, Message, events, seconds, summary};
use crate::execute::Outcome;
use crate::plan::{Op, Plan};
use crate::resource::proof::RunMark;
use crate::resource::tags::short_hash;
use crate::resource::{ErrorKind, ProviderError};
use crate::version::VERSION;

/// Time limits for the last calls of a run: history and lock. After a signal they have what is left of the 7 s that a CI
/// system allows; after the second, next to nothing.
const LAST_CALLS: [Duration; 3] = [
    Duration::from_secs(20),
    Duration::from_millis(1200),
    Duration::from_millis(500),
];

/// A run's turn. From here on others wait.
pub struct LockedRun {
    command: &'static str,
    /// The hold on the lock; `None` where the lock is not used, or cannot be.
    hold: Option<Box<Hold>>,
    /// True if no other run has been at work since the plan was made.
    pub(super) is_first: bool,
    id: String,
    /// The mark that its objects bear, once it has been announced.
    mark: Option<RunMark>,
}

impl LockedRun {
    pub(super) async fn take(
        invocation: &mut Invocation,
        session: &Session,
        plan: &Plan,
        terms: &Terms<'_>,
        read_at: Instant,
    ) -> Result<Self, Failure> {
        let mut turn = Self {
            command: invocation.command,
            hold: None,
            is_first: true,
            id: format!("{:016x}", RandomState::new().hash_one(std::process::id())),
            mark: None,
        };
        if terms.lock.no_lock {
            turn.announce(invocation, session, plan, false).await;
            return Ok(turn);
        }
        let aws = session.provider.context();
        let stack = &session.offline.graph.stack;
        let lock = Lock::of(stack, aws);
        let lease = Lease {
            id: turn.id.clone(),
            holder: aws.caller.clone(),
            host: environment::host(),
            process: Process::this(),
            command: invocation.command.to_owned(),
            since: moment::utc(SystemTime::now()),
            run_url: environment::run_url(),
            tool_version: VERSION.to_owned(),
            ..Lease::default()
        };
        let patience = terms.lock.lock_timeout;
        tell(invocation, taking(&session.place()));
        let taking = {
            let mut audience = Audience::new(invocation.can_animate(), session, patience);
            let terminal = &mut invocation.terminal;
            let remembered = session.remembered();
            let known = remembered.and_then(|read| {
                let seen = read.whereabouts.lock?;
                let read_at = read.read_at;
                Some(Known { seen, read_at })
            });
            let taking = lock.take(&lease, known, patience, |seen, waited| {
                audience.on_wait(seen, waited, terminal);
            });
            invocation.interrupts.guard(taking).await
        };
        invocation.terminal.clear_frame();
        match taking {
            Err(cancelled) => {
                // The call that was under way may have made it ours. If this fails too, the lease runs out by itself.
                let _ = timeout(LAST_CALLS[1], lock.remove(&lease)).await;
                return Err(cancelled);
            }
            Ok(Taking::Taken(hold)) => {
                invocation.terminal.event(&events::lock_state("taken"));
                let before = session.remembered();
                let is_next = turn.announce(invocation, session, plan, true).await;
                turn.is_first = !hold.came_after_others
                    && match before {
                        Some(before) if is_next => none_since(read_at, session, &before).await,
                        // Reading again is right in any case.
                        _ => false,
                    };
                turn.hold = Some(hold);
            }
            Ok(Taking::InVain(seen)) => return Err(in_vain(invocation, &seen, patience)),
            Ok(Taking::Failed { error, .. }) if error.is(ErrorKind::Credentials) => {
                let summary = "could not take the lock of the stack";
                return Err(Failure::of_calling(invocation, summary, &error));
            }
            Ok(Taking::Failed { error, met_others }) => {
                turn.is_first = !met_others;
                show(&[without_lock(&error)], &mut invocation.terminal);
            }
        }
        Ok(turn)
    }

    /// Returns whether it holds the lock.
    pub(super) fn is_locked(&self) -> bool {
        self.hold.is_some()
    }

    /// Puts on record that this run begins, before it changes anything: that proves later what it has made. Returns
    /// whether no other has begun since the record was read.
    pub(super) async fn announce(
        &mut self,
        invocation: &mut Invocation,
        session: &Session,
        plan: &Plan,
        is_locked: bool,
    ) -> bool {
        let before = session.remembered().map(|before| before.whereabouts);
        let mut before = before.unwrap_or_default();
        before.unfinished.retain(|run| run.id != self.id);
        let id = self.id.as_str();
        let catalog = &session.offline.catalog;
        let parts = |key: &str| {
            let mark = RunMark {
                id: id.to_owned(),
                key: key.to_owned(),
            };
            plan.announced(&mark, catalog)
        };
        let key = before.key.unwrap_or_else(|| {
            if is_locked {
                return id.to_owned();
            }
            // Other runs may be at work that begin as the first, too: they come to the same key.
            let stack = &session.offline.graph.stack;
            short_hash(&format!("{stack} in {}", session.account()), 16)
        });
        let mut run = Begun::new(id, &key, &parts(&key), &before.unfinished);
        let history = History::of(&session.offline.graph.stack, session.provider.context());
        let beginning = history.begin(&mut run, before.versions[1], &parts);
        let limit = LAST_CALLS[0] / 2;
        tell(invocation, announcing(&session.place()));
        let announced = timeout(limit, beginning).await;
        invocation.terminal.clear_frame();
        let announced = announced.unwrap_or_else(|_| {
            let text = format!("no answer within {}", seconds(limit));
            let kind = ErrorKind::TimedOut;
            Err(ProviderError::new(kind, "ssm:PutParameter", text))
        });
        match announced {
            Ok(is_next) => {
                self.mark = Some(RunMark {
                    id: run.id,
                    key: run.key,
                });
                is_next
            }
            Err(error) => {
                let message = Message::warning("this run could not be announced")
                    .answer(&error)
                    .fact(
                        "now",
                        "if it is killed, nothing proves which objects are the stack's, and the next run asks you to \
                         confirm them (`--trust`)",
                    );
                show(&[message], &mut invocation.terminal);
                false
            }
        }
    }

    /// Reads and plans again, with the lock held.
    pub(super) async fn look_again(
        &self,
        invocation: &mut Invocation,
        session: &Session,
        terms: &Terms<'_>,
    ) -> Result<Plan, Failure> {
        let live = session.read_with(invocation, terms.hints).await?;
        let plan = session.plan(invocation, &live, terms.request).await?;
        if let Some((saved, hint)) = terms.saved {
            let now = Previewed {
                session,
                live: &live,
                plan: &plan,
            };
            saved.check_plan(&now, hint)?;
        }
        Ok(plan)
    }

    /// Runs the plan, with the lock held, puts it on record, and gives the lock back. Also returns what went wrong with
    /// record and lock, which matters less than what became of the plan.
    pub async fn run(
        mut self,
        invocation: &mut Invocation,
        session: &Session,
        plan: &Plan,
        parallel: usize,
    ) -> (Outcome, Vec<Message>) {
        let started = SystemTime::now();
        let plan = &Plan {
            run: self.mark.clone(),
            ..plan.clone()
        };
        let keeper = self.hold.take().map(|hold| Keeper::begin(session, hold));
        let notices = keeper.as_ref().map(|keeper| keeper.notices.clone());
        let outcome = execute(invocation, session, plan, parallel, notices).await;
        if let Some(keeper) = keeper {
            self.hold = keeper.end().await;
        }
        let before = session.remembered().map(|before| before.whereabouts);
        let known = before.as_ref().map(Whereabouts::before);
        let record = self.record(session, plan, &outcome, started, before);
        let is_too_long = record.made.is_none() && !record.unread;
        tell(invocation, ending(&session.place()));
        let (messages, released) = self.end(invocation, session, Some((record, known))).await;
        invocation.terminal.clear_frame();
        if released {
            invocation.terminal.event(&events::lock_state("released"));
        }
        let too_long = is_too_long.then(|| {
            Message::warning("the stack has more objects than its record has room for").fact(
                "now",
                "only its tags tell what is its own: an object with copies of them counts as the stack's",
            )
        });
        (outcome, messages.into_iter().chain(too_long).collect())
    }

    /// Ends a turn that came to nothing.
    pub(super) async fn give_back(self, invocation: &mut Invocation, session: &Session) {
        let (messages, released) = self.end(invocation, session, None).await;
        if released {
            invocation.terminal.event(&events::lock_state("released"));
        }
        show(&messages, &mut invocation.terminal);
    }

    fn record(
        &self,
        session: &Session,
        plan: &Plan,
        outcome: &Outcome,
        started: SystemTime,
        before: Option<Whereabouts>,
    ) -> Record {
        let report = outcome.report();
        let unread = before.is_none();
        let before = before.unwrap_or_default();
        let key = before.key.clone();
        let key = key.or_else(|| self.mark.as_ref().map(|mark| mark.key.clone()));
        let key = key.unwrap_or_else(|| self.id.clone());
        // Without knowing what was there before, the record would leave it out.
        let made =
            (!unread).then(|| outcome.made(plan, &session.offline.catalog, &key, &before.proof));
        let is_done = matches!(outcome, Outcome::Done(_)) && !unread;
        let done = summary::tally(plan, report);
        let count = |op| done.get(&op).copied().unwrap_or(0);
        let whereabouts = whereabouts::after(plan, report, &session.offline.catalog);
        Record {
            command: self.command.to_owned(),
            started: moment::utc(started),
            seconds: (report.elapsed.as_secs_f64() * 10.0).round() / 10.0,
            outcome: match outcome {
                Outcome::Done(_) => Ending::Succeeded,
                Outcome::Failed(_) => Ending::Failed,
                Outcome::Cancelled(_) => Ending::Cancelled,
            },
            created: count(Op::Create),
            updated: count(Op::Update),
            replaced: count(Op::Replace),
            deleted: count(Op::Delete),
            failed: report.failed.len(),
            unfinished: report.skipped.len() + report.interrupted.len(),
            file: session.offline.hash.clone(),
            set: session.offline.set.clone(),
            set_besides: 0,
            types: whereabouts.types,
            objects: whereabouts.objects,
            made: made.as_ref().and_then(history::made_text),
            unread,
            key,
            over: before.over_after(&self.id, is_done),
            left: whereabouts.last_run.to_string(),
            continued: String::new(),
            run_url: environment::run_url(),
            tool_version: VERSION.to_owned(),
        }
    }

    /// Puts the run on record and then gives the lock back, so that the next lock holder sees the record. Also returns
    /// whether a lock was given back.
    async fn end(
        mut self,
        invocation: &Invocation,
        session: &Session,
        record: Option<(Record, Option<Before>)>,
    ) -> (Vec<Message>, bool) {
        let asked = invocation.interrupts.count();
        let limit = last_calls(asked) / 2;
        let late = |operation: &str| {
            let text = format!("no answer within {}", seconds(limit));
            Err(ProviderError::new(ErrorKind::TimedOut, operation, text))
        };
        let aws = session.provider.context();
        let stack = &session.offline.graph.stack;
        let hold = &mut self.hold;
        let last = async {
            let mut unwritten = None;
            if let Some((record, before)) = record {
                let history = History::of(stack, aws);
                let added = timeout(limit, history.add(&record, before)).await;
                unwritten = added.unwrap_or_else(|_| late("ssm:PutParameter")).err();
            }
            let Some(hold) = hold else {
                return (failures(unwritten, None, None), false);
            };
            // The user has heard of a loss that came while the run went on.
            let was_ours = hold.lost.is_none();
            let lock = Lock::of(stack, aws);
            let released = timeout(limit, lock.release(hold)).await;
            let unreleased = released.unwrap_or_else(|_| late("ssm:PutParameter")).err();
            let loss = hold.lost.as_ref().filter(|_| was_ours);
            let is_released = unreleased.is_none() && hold.lost.is_none();
            (failures(unwritten, unreleased, loss), is_released)
        };
        // A user who interrupts now, or once more, does not want to wait.
        let hurry = async {
            invocation.interrupts.beyond(asked).await;
            let now = invocation.interrupts.count();
            tokio::select! {
                () = sleep(last_calls(now)) => {}
                () = invocation.interrupts.beyond(now) => {}
            }
        };
        tokio::select! {
            biased;
            messages = last => messages,
            () = hurry => {
                let message = Message::warning(
                    "interrupted: this run may not be on record, and its lock may not be released",
                );
                (vec![message.fact("now", LAPSES)], false)
            }
        }
    }
}

/// Says what is being done, where something can be drawn over.
fn tell(invocation: &mut Invocation, line: Line) {
    if invocation.can_animate() {
        invocation.terminal.status(line);
    }
}

/// The time that the last calls of a run may take, after this many signals.
fn last_calls(signals: usize) -> Duration {
    LAST_CALLS[signals.min(LAST_CALLS.len() - 1)]
}

/// Returns whether no other run has ended since a reading began.
async fn none_since(reading: Instant, session: &Session, before: &Remembered) -> bool {
    let Remembered {
        whereabouts,
        read_at,
    } = before;
    let [record, _] = whereabouts.versions;
    let since_reading = read_at.saturating_duration_since(reading);
    if whereabouts.age.is_some_and(|age| age <= since_reading) {
        return false;
    }
    if whereabouts.unfinished.is_empty() {
        return true;
    }
    // One of these may have been under way then, and be over now.
    let now = timeout(LAST_CALLS[0] / 2, session.remember()).await;
    now.is_ok_and(|now| now.is_ok_and(|now| now.versions[0] == record))
}
