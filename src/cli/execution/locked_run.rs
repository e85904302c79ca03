//! A run's turn with its stack: the lock from the consent to the end, and a line in the history.
//!
//! # When the lock is taken
//!
//! After the consent, and only for a plan that changes something: a run with nothing to do makes no mutating call, and
//! no one has to wait for a user who reads a preview. (Terraform locks before it reads; there a forgotten prompt holds up
//! the pipeline.) So the plan may date from a time when another run was at work. A run that had to wait for the lock, or
//! finds that another has ended since the reading began, reads and plans again under the lock: the same plan goes on,
//! another one is shown and asked about once more, or with `--yes` takes its place.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::cli::arguments::LockArguments;
use crate::cli::report::{Failure, show};
use crate::cli::saved_plan::{Previewed, RetryHint, SavedPlan};
use crate::cli::session::memory::Remembered;
use crate::cli::session::whereabouts;
use crate::cli::session::{Session, ShowOptions};
use crate::cli::{Context, Exit, environment, execution, refusal};
use crate::deployment::{
    Before, Begun, Ending, History, Hold, Known, Lease, Lock, Loss, Process, Record, Seen, Taking,
    Whereabouts, history, moment,
};
use crate::display::{Line, Message, Style, lock, seconds, summary};
use crate::execute::Outcome;
use crate::live::Hints;
use crate::plan::{Op, Plan, Request};
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

/// The time between two lines that say that the wait goes on.
const STILL_WAITING: Duration = Duration::from_secs(60);

/// The fate of a lock that was not given back.
const LAPSES: &str =
    "the lock lapses within a minute; on this machine the next run does not wait for that";

/// The terms of a run.
pub struct Terms<'a> {
    pub command: &'static str,
    pub request: &'a Request,
    /// True if the user is not asked.
    pub yes: bool,
    /// The plan that was consented to elsewhere: no other may take its place.
    pub saved: Option<&'a (SavedPlan, RetryHint)>,
    pub show: ShowOptions,
    pub lock: &'a LockArguments,
    /// Places to look in besides those that file and index name.
    pub hints: &'a Hints,
    /// The command line, to be copied.
    pub again: &'a str,
}

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
    context: &mut Context,
    session: &Session,
    mut plan: Plan,
    mut read_at: Instant,
    terms: &Terms<'_>,
    ask: impl AsyncFn(&mut Context, &Session, &Plan) -> Result<(), Failure>,
) -> Result<Agreed, Failure> {
    let mut held: Option<LockedRun> = None;
    loop {
        session.show(context, &plan, terms.show);
        let refused = refusal::of(&plan, session, terms.again);
        if refused.is_some() || plan.is_empty() {
            if let Some(turn) = held {
                turn.give_back(context, session).await;
            }
            return refused.map_or(Ok(Agreed::Nothing(plan)), Err);
        }
        context.terminal.print(&[Line::new()]);
        if let Some(turn) = held {
            return Ok(Agreed::Go(turn, plan));
        }
        if !terms.yes {
            ask(context, session, &plan).await?;
        }
        let mut turn = LockedRun::take(context, session, &plan, terms, read_at).await?;
        if turn.is_first {
            return Ok(Agreed::Go(turn, plan));
        }
        read_at = Instant::now();
        let now = match turn.look_again(context, session, terms).await {
            Ok(now) if now == plan => return Ok(Agreed::Go(turn, plan)),
            Ok(now) => now,
            Err(failure) => {
                turn.give_back(context, session).await;
                return Err(failure);
            }
        };
        let text = "Somebody else has changed the stack meanwhile. This is the plan now:";
        let text = Line::styled(Style::Warning, text);
        context.terminal.print(&[text, Line::new()]);
        plan = now;
        if terms.yes {
            let is_locked = turn.hold.is_some();
            turn.announce(context, session, &plan, is_locked).await;
            held = Some(turn);
        } else {
            turn.give_back(context, session).await;
        }
    }
}

/// A run's turn. From here on others wait.
pub struct LockedRun {
    command: &'static str,
    /// The hold on the lock; `None` where the lock is not used, or cannot be.
    hold: Option<Box<Hold>>,
    /// True if no other run has been at work since the plan was made.
    is_first: bool,
    id: String,
    /// The mark that its objects bear, once it has been announced.
    mark: Option<RunMark>,
}

impl LockedRun {
    async fn take(
        context: &mut Context,
        session: &Session,
        plan: &Plan,
        terms: &Terms<'_>,
        read_at: Instant,
    ) -> Result<Self, Failure> {
        let mut turn = Self {
            command: terms.command,
            hold: None,
            is_first: true,
            id: format!("{:016x}", RandomState::new().hash_one(std::process::id())),
            mark: None,
        };
        if terms.lock.no_lock {
            turn.announce(context, session, plan, false).await;
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
            command: terms.command.to_owned(),
            since: moment::utc(SystemTime::now()),
            run_url: environment::run_url(),
            tool_version: VERSION.to_owned(),
            ..Lease::default()
        };
        let patience = terms.lock.lock_timeout;
        let taking = {
            let mut audience = Audience::new(context.can_animate(), session, patience);
            let terminal = &mut context.terminal;
            let remembered = session.remembered();
            let known = remembered.and_then(|read| {
                let seen = read.whereabouts.lock?;
                let read_at = read.read_at;
                Some(Known { seen, read_at })
            });
            let taking = lock.take(&lease, known, patience, |seen, waited| {
                audience.on_wait(seen, waited, terminal);
            });
            context.interrupts.guard(taking).await
        };
        context.terminal.clear_frame();
        match taking {
            Err(cancelled) => {
                // The call that was under way may have made it ours. If this fails too, the lease runs out by itself.
                let _ = timeout(LAST_CALLS[1], lock.remove(&lease)).await;
                return Err(cancelled);
            }
            Ok(Taking::Taken(hold)) => {
                let before = session.remembered();
                let is_next = turn.announce(context, session, plan, true).await;
                turn.is_first = !hold.came_after_others
                    && match before {
                        Some(before) if is_next => none_since(read_at, session, &before).await,
                        // Reading again is right in any case.
                        _ => false,
                    };
                turn.hold = Some(hold);
            }
            Ok(Taking::InVain(seen)) => return Err(in_vain(&seen, session, patience)),
            Ok(Taking::Failed { error, .. }) if error.is(ErrorKind::Credentials) => {
                let summary = "could not take the lock of the stack";
                return Err(Failure::of_calling(summary, &error, terms.again));
            }
            Ok(Taking::Failed { error, met_others }) => {
                turn.is_first = !met_others;
                show(&[without_lock(&error)], &mut context.terminal);
            }
        }
        Ok(turn)
    }

    /// Puts on record that this run begins, before it changes anything: that proves later what it has made. Returns
    /// whether no other has begun since the record was read.
    async fn announce(
        &mut self,
        context: &mut Context,
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
        let announced = timeout(limit, beginning).await;
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
                        "if it is killed, nothing proves that what it has made is the stack's: the next run wants your word for \
                         it (`--trust`)",
                    );
                show(&[message], &mut context.terminal);
                false
            }
        }
    }

    async fn look_again(
        &self,
        context: &mut Context,
        session: &Session,
        terms: &Terms<'_>,
    ) -> Result<Plan, Failure> {
        let live = session.read_with(context, terms.again, terms.hints).await?;
        let plan = session.plan(context, &live, terms.request).await?;
        if let Some((saved, again)) = terms.saved {
            let now = Previewed {
                session,
                live: &live,
                plan: &plan,
            };
            saved.check_plan(&now, again)?;
        }
        Ok(plan)
    }

    /// Runs the plan, with the lock held, puts it on record, and gives the lock back. Also returns what went wrong with
    /// record and lock, which matters less than what became of the plan.
    pub async fn run(
        mut self,
        context: &mut Context,
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
        let outcome = execution::execute(context, session, plan, parallel, notices).await;
        if let Some(keeper) = keeper {
            self.hold = keeper.end().await;
        }
        let before = session.remembered().map(|before| before.whereabouts);
        let known = before.as_ref().map(Whereabouts::before);
        let record = self.record(session, plan, &outcome, started, before);
        let is_too_long = record.made.is_none() && !record.unread;
        let messages = self.end(context, session, Some((record, known))).await;
        let too_long = is_too_long.then(|| {
            Message::warning("the stack has more objects than its record has room for").fact(
                "now",
                "its tags alone say what is its own: what bears copies of them is taken for that",
            )
        });
        (outcome, messages.into_iter().chain(too_long).collect())
    }

    /// Ends a turn that came to nothing.
    async fn give_back(self, context: &mut Context, session: &Session) {
        let messages = self.end(context, session, None).await;
        show(&messages, &mut context.terminal);
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

    /// Puts the run on record and then gives the lock back, so that the next lock holder sees the record.
    async fn end(
        mut self,
        context: &Context,
        session: &Session,
        record: Option<(Record, Option<Before>)>,
    ) -> Vec<Message> {
        let asked = context.interrupts.count();
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
                return failures(unwritten, None, None);
            };
            // The user has heard of a loss that came while the run went on.
            let was_ours = hold.lost.is_none();
            let lock = Lock::of(stack, aws);
            let released = timeout(limit, lock.release(hold)).await;
            let unreleased = released.unwrap_or_else(|_| late("ssm:PutParameter")).err();
            let loss = hold.lost.as_ref().filter(|_| was_ours);
            failures(unwritten, unreleased, loss)
        };
        // A user who interrupts now, or once more, does not want to wait.
        let hurry = async {
            context.interrupts.beyond(asked).await;
            let now = context.interrupts.count();
            tokio::select! {
                () = sleep(last_calls(now)) => {}
                () = context.interrupts.beyond(now) => {}
            }
        };
        tokio::select! {
            biased;
            messages = last => messages,
            () = hurry => vec![Message::warning(
                "cut short: this run is perhaps not on record, and its lock not given back",
            )
            .fact("now", LAPSES)],
        }
    }
}

/// The time that the last calls of a run may take, after this many signals.
fn last_calls(signals: usize) -> Duration {
    LAST_CALLS[signals.min(LAST_CALLS.len() - 1)]
}

/// Renews the lease of a run, in a task of its own: a slow reader of the output keeps the run waiting, and not its lock.
struct Keeper {
    end: watch::Sender<bool>,
    keeping: JoinHandle<Box<Hold>>,
    /// Messages to be shown at once.
    notices: watch::Receiver<Option<Message>>,
}

impl Keeper {
    fn begin(session: &Session, mut hold: Box<Hold>) -> Self {
        let aws = session.provider.shared_context();
        let stack = session.offline.graph.stack.clone();
        let (end, ended) = watch::channel(false);
        let (notice, notices) = watch::channel(None);
        let keeping = tokio::spawn(async move {
            Lock::of(&stack, &*aws).keep(&mut hold, ended).await;
            if let Some(loss) = &hold.lost {
                notice.send_replace(Some(lost(loss)));
            }
            hold
        });
        Self {
            end,
            keeping,
            notices,
        }
    }

    /// The hold as it is now. `None` if the task broke off, which only a bug can cause: then the lease runs out.
    async fn end(self) -> Option<Box<Hold>> {
        self.end.send_replace(true);
        self.keeping.await.ok()
    }
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

/// The audience that is told what is being waited for.
struct Audience {
    can_animate: bool,
    place: String,
    patience: Duration,
    /// The lease that was reported last, and after which time of waiting.
    last_shown: Option<(String, Duration)>,
}

impl Audience {
    fn new(can_animate: bool, session: &Session, patience: Duration) -> Self {
        Self {
            can_animate,
            place: session.place(),
            patience,
            last_shown: None,
        }
    }

    fn on_wait(&mut self, seen: &Seen, waited: Duration, terminal: &mut crate::display::Terminal) {
        let is_news = match &self.last_shown {
            None => true,
            Some((id, _)) if *id != seen.lease.id => true,
            Some((_, then)) => !self.can_animate && waited >= *then + STILL_WAITING,
        };
        if is_news {
            let message = Message::warning(format!(
                "waiting for another run to end, {} of at most {}",
                seconds(waited),
                seconds(self.patience)
            ));
            let message = held(message, seen);
            match &self.last_shown {
                None => show(&[message], terminal),
                // Once is enough beside the run.
                Some(_) => terminal.report(&message.render(terminal.width())),
            }
            self.last_shown = Some((seen.lease.id.clone(), waited));
        }
        if self.can_animate {
            let text = format!(
                "Waiting for the lock of {}, {} of at most {} …",
                self.place,
                seconds(waited),
                seconds(self.patience)
            );
            terminal.status(Line::styled(Style::Faint, text));
        }
    }
}

fn held(message: Message, seen: &Seen) -> Message {
    let until = moment::utc(SystemTime::now() + seen.left());
    lock::held(message, seen, &until)
}

fn in_vain(seen: &Seen, session: &Session, patience: Duration) -> Failure {
    let message = Message::error("another run is changing this stack").code("fde::lock::held");
    let message = held(message, seen)
        .fact("waited", seconds(patience))
        .fact("now", "nothing was changed")
        .help("wait longer (`--lock-timeout 30m`); or, if that run is known to be dead, take its lock away")
        .command(session.offline.command_line("unlock"));
    Failure::new(Exit::TimedOut, message)
}

/// The warning about a run without the lock. The lock is a courtesy; correctness does not depend on it.
fn without_lock(error: &ProviderError) -> Message {
    let message = Message::warning("going on without a lock: it could not be taken")
        .answer(error)
        .fact(
            "now",
            "nothing keeps others from changing the stack at the same time; the next run sets right what comes of it",
        );
    match error.kind {
        ErrorKind::Denied => message.help(format!(
            "allow {} on parameter/fde-infra/*, or set FDE_INFRA_NO_LOCK=true",
            error.operation
        )),
        _ => message,
    }
}

/// The troubles at the end of a run, besides those of the run.
fn failures(
    unwritten: Option<ProviderError>,
    unreleased: Option<ProviderError>,
    loss: Option<&Loss>,
) -> Vec<Message> {
    let mut messages: Vec<Message> = match (unwritten, unreleased) {
        (Some(_), Some(error)) => {
            let summary = "this run could not be put on record, nor its lock be given back";
            vec![allowed(Message::warning(summary), &error).fact("now", LAPSES)]
        }
        (Some(error), None) => {
            let summary = "this run could not be put on record: `history` does not list it";
            vec![allowed(Message::warning(summary), &error)]
        }
        (None, Some(error)) => {
            let summary = "the lock could not be given back";
            vec![allowed(Message::warning(summary), &error).fact("now", LAPSES)]
        }
        (None, None) => Vec::new(),
    };
    messages.extend(loss.map(lost));
    messages
}

/// Adds what AWS said, and the permission that is missing.
fn allowed(message: Message, error: &ProviderError) -> Message {
    let message = message.answer(error);
    match error.kind {
        ErrorKind::Denied => {
            let operation = &error.operation;
            message.help(format!("allow {operation} on parameter/fde-infra/*"))
        }
        _ => message,
    }
}

fn lost(loss: &Loss) -> Message {
    let message = Message::warning("the lock was taken away while this run went on");
    let message = match loss {
        Loss::Removed => message.fact("by", "`unlock`"),
        Loss::TakenBy(lease) => lock::holder(message, lease),
    };
    message.fact(
        "now",
        "two runs may have changed the stack at the same time; the next one sets right what came of it",
    )
}
