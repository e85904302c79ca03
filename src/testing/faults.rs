//! An account whose calls go wrong: some at the numbers that a seed has chosen, others by the [`FaultProfile`].
//!
//! A call here is one API call: retrying it is up to the caller. Only calls that change something are numbered: reads find
//! what these leave behind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::foreign_actor::ForeignAction;
use super::{FakeAccount, ForeignActor, Random};
use crate::execute::Cancel;
use crate::resource::provider::{Creation, Deletion, Indexed, Progress, Query, Update};
use crate::resource::{
    Catalog, ErrorKind, Observed, Properties, Provider, ProviderError, StackId, Urn,
};

/// The fault at one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The process is killed before the account acts.
    KilledBefore,
    /// The process is killed after the account has acted, before it receives the answer.
    KilledAfter,
    /// The call is lost on its way.
    Lost,
    /// The account acts, and the answer is lost.
    AnswerLost,
    /// The account acts, and the connection hangs until the caller gives it up.
    Hung,
    /// The account refuses.
    Refused(ErrorKind),
    /// The credentials expire: this call and all that follow are refused.
    Expired,
    /// The user presses Ctrl-C.
    Cancelled,
    /// The user presses Ctrl-C twice.
    CancelledTwice,
    /// The object that the call makes, or changes, will never work.
    Broken,
    /// Another party acts at the same time.
    ForeignActor(ForeignAction),
}

impl Fault {
    /// The faults of a run, of its calls and of what they make.
    pub const OURS: &[Self] = &[
        Self::KilledBefore,
        Self::KilledAfter,
        Self::Lost,
        Self::AnswerLost,
        Self::Hung,
        Self::Refused(ErrorKind::Transient),
        Self::Refused(ErrorKind::Throttled),
        Self::Refused(ErrorKind::Denied),
        Self::Refused(ErrorKind::Quota),
        Self::Expired,
        Self::Cancelled,
        Self::CancelledTwice,
        Self::Broken,
        Self::ForeignActor(ForeignAction::Deletes),
        Self::ForeignActor(ForeignAction::Edits),
    ];

    /// The possible deeds of another party in the meantime.
    pub const THEIRS: &[Self] = &[
        Self::ForeignActor(ForeignAction::Deletes),
        Self::ForeignActor(ForeignAction::Edits),
        Self::ForeignActor(ForeignAction::Copies),
        Self::ForeignActor(ForeignAction::Strips),
    ];

    /// The deeds of a neighbour in the meantime, and the other faults that a run can meet.
    pub const BESIDE: &[Self] = &[
        Self::ForeignActor(ForeignAction::Hangs),
        Self::ForeignActor(ForeignAction::Tags),
        Self::ForeignActor(ForeignAction::Rewrites),
        Self::ForeignActor(ForeignAction::Owns),
        Self::ForeignActor(ForeignAction::Forges),
        Self::ForeignActor(ForeignAction::Takes),
        Self::KilledBefore,
        Self::KilledAfter,
        Self::AnswerLost,
        Self::Lost,
    ];

    /// Returns whether the run that meets it cannot succeed: it must not end as if all were well.
    pub fn is_fatal(self) -> bool {
        matches!(
            self,
            Self::Refused(ErrorKind::Denied | ErrorKind::Quota) | Self::Expired
        )
    }

    /// Returns whether a run that meets nothing worse must succeed (`promises.md` R9).
    pub fn is_survived(self) -> bool {
        matches!(
            self,
            Self::Lost
                | Self::AnswerLost
                | Self::Hung
                | Self::Refused(ErrorKind::Transient | ErrorKind::Throttled)
        )
    }
}

/// The conditions that all calls of a run meet, reads too.
#[derive(Debug, Clone, Copy, Default)]
pub struct FaultProfile {
    /// The number of calls, out of a hundred, that are throttled.
    pub throttled: usize,
    /// The number of calls, out of a hundred, that get no answer; half of them have taken effect.
    pub unanswered: usize,
    /// The period, from the first moment to the second, counted from the start of the run, in which every call is refused.
    pub storm: Option<(Duration, Duration)>,
}

/// The effect of the weather on a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weathered {
    Throttled,
    Unanswered,
    Stormed,
}

/// The course of a call.
enum Course {
    Well,
    Refused(ErrorKind),
    /// No answer comes, after this long; the account acts or does not.
    Silence(Duration, bool),
}

/// The time that the SDK waits for an answer.
const HANGS: Duration = Duration::from_secs(45);

/// An account whose calls meet faults.
pub struct FaultyAccount<'a> {
    account: &'a FakeAccount,
    foreign_actor: &'a ForeignActor<'a>,
    /// The owner of these calls, for the journal.
    who: String,
    faults: BTreeMap<usize, Fault>,
    weather: FaultProfile,
    /// The type that may not be read.
    denied: Option<String>,
    cancel: Cancel,
    began: Instant,
    random: Mutex<Random>,
    numbered: Mutex<usize>,
    /// All calls, reads too.
    calls: AtomicU64,
    met: Mutex<Vec<Fault>>,
    weathered: Mutex<BTreeSet<Weathered>>,
    cancelled_at: Mutex<Option<Instant>>,
    expired: AtomicBool,
    killed: Notify,
}

impl<'a> FaultyAccount<'a> {
    /// `faults` are met at the calls of these numbers, counted from 0; `cancel` is the one of the run.
    pub fn new(
        account: &'a FakeAccount,
        foreign_actor: &'a ForeignActor<'a>,
        who: impl Into<String>,
        faults: BTreeMap<usize, Fault>,
        cancel: Cancel,
        seed: u64,
    ) -> Self {
        Self {
            account,
            foreign_actor,
            who: who.into(),
            faults,
            weather: FaultProfile::default(),
            denied: None,
            cancel,
            began: Instant::now(),
            random: Mutex::new(Random::new(seed)),
            numbered: Mutex::default(),
            calls: AtomicU64::new(0),
            met: Mutex::default(),
            weathered: Mutex::default(),
            cancelled_at: Mutex::default(),
            expired: AtomicBool::new(false),
            killed: Notify::new(),
        }
    }

    /// Denies reads of objects of one type.
    #[must_use]
    pub fn denying(mut self, token: Option<String>) -> Self {
        self.denied = token;
        self
    }

    #[must_use]
    pub fn under(mut self, weather: FaultProfile) -> Self {
        self.weather = weather;
        self
    }

    /// Returns once the process has been killed: the caller that runs a plan on this account has to drop it then.
    pub async fn killed(&self) {
        self.killed.notified().await;
    }

    /// The number of calls that were made, reads too.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// The faults that were met.
    pub fn met(&self) -> Vec<Fault> {
        lock(&self.met).clone()
    }

    /// The effects of the weather on calls.
    pub fn weathered(&self) -> BTreeSet<Weathered> {
        lock(&self.weathered).clone()
    }

    /// The time when the user pressed Ctrl-C last.
    pub fn cancelled_at(&self) -> Option<Instant> {
        *lock(&self.cancelled_at)
    }

    /// One look at one object, by a call of its own.
    pub async fn look(&self, id: &str) -> Result<Option<Observed>, ProviderError> {
        let act = async { Ok(self.account.look(id)) };
        self.read_call(format!("look at {id}"), act).await
    }

    fn tell(&self, text: &str) {
        // Runs of one story begin at different times; the clock of the account is that of all.
        let line = format!("{}: {text}", self.who);
        self.account.tell(line);
    }

    /// The effect of the weather on a call.
    fn course(&self, operation: &str) -> Course {
        let mut random = lock(&self.random);
        let at = self.began.elapsed();
        if let Some((begins, ends)) = self.weather.storm
            && (begins..ends).contains(&at)
        {
            let kinds = [ErrorKind::Throttled, ErrorKind::Transient];
            lock(&self.weathered).insert(Weathered::Stormed);
            return Course::Refused(kinds[random.below(2)]);
        }
        if random.below(100) < self.weather.throttled || !self.account.allows(operation) {
            lock(&self.weathered).insert(Weathered::Throttled);
            return Course::Refused(ErrorKind::Throttled);
        }
        if random.below(100) < self.weather.unanswered {
            lock(&self.weathered).insert(Weathered::Unanswered);
            let pause = if random.once_in(4) {
                HANGS
            } else {
                Duration::ZERO
            };
            return Course::Silence(pause, random.once_in(2));
        }
        Course::Well
    }

    async fn latency(&self) {
        // Calls under way at once reach the account in any order.
        let delay = 20 + lock(&self.random).below(200);
        tokio::time::sleep(Duration::from_millis(delay as u64)).await;
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    async fn read_call<T>(
        &self,
        operation: String,
        act: impl Future<Output = Result<T, ProviderError>>,
    ) -> Result<T, ProviderError> {
        self.latency().await;
        if self.expired.load(Ordering::Relaxed) {
            return Err(refusal(ErrorKind::Credentials, &operation));
        }
        let kind = operation.split(' ').next().unwrap_or_default();
        match self.course(kind) {
            Course::Well => act.await,
            Course::Refused(kind) => Err(refusal(kind, &operation)),
            Course::Silence(pause, _) => {
                tokio::time::sleep(pause).await;
                Err(refusal(ErrorKind::Indeterminate, &operation))
            }
        }
    }

    /// One call that changes something: its answer, and the fault that it met.
    async fn call<T>(
        &self,
        operation: String,
        act: impl Future<Output = Result<T, ProviderError>>,
    ) -> Result<(T, Option<Fault>), ProviderError> {
        self.latency().await;
        let fault = {
            let mut numbered = lock(&self.numbered);
            *numbered += 1;
            self.faults.get(&(*numbered - 1)).copied()
        };
        let error = |kind| Err(refusal(kind, &operation));
        if self.expired.load(Ordering::Relaxed) {
            self.tell(&format!("{operation}  <- credentials expired"));
            return error(ErrorKind::Credentials);
        }
        lock(&self.met).extend(fault);
        let course = match fault {
            None => self.course(operation.split(' ').next().unwrap_or_default()),
            Some(Fault::KilledBefore) => {
                self.tell(&format!("{operation}  <- killed before"));
                return self.die().await;
            }
            Some(Fault::KilledAfter) => {
                let done = act.await;
                self.tell(&format!("{operation}  <- killed after, {}", word(&done)));
                return self.die().await;
            }
            Some(Fault::Lost) => Course::Silence(Duration::ZERO, false),
            Some(Fault::AnswerLost) => Course::Silence(Duration::ZERO, true),
            Some(Fault::Hung) => Course::Silence(HANGS, true),
            Some(Fault::Refused(kind)) => Course::Refused(kind),
            Some(Fault::Expired) => {
                self.expired.store(true, Ordering::Relaxed);
                Course::Refused(ErrorKind::Credentials)
            }
            Some(Fault::Cancelled | Fault::CancelledTwice) => {
                self.cancel.request();
                if fault == Some(Fault::CancelledTwice) {
                    self.cancel.request();
                }
                *lock(&self.cancelled_at) = Some(Instant::now());
                self.tell("Ctrl-C");
                Course::Well
            }
            Some(Fault::ForeignActor(deed)) => {
                if let Some(done) = self.foreign_actor.does(deed) {
                    self.account.tell(done);
                }
                Course::Well
            }
            Some(Fault::Broken) => Course::Well,
        };
        match course {
            Course::Well => {
                let done = act.await;
                let note = match fault {
                    Some(Fault::Broken) => ", and it is broken",
                    _ => "",
                };
                self.tell(&format!("{operation}: {}{note}", word(&done)));
                Ok((done?, fault))
            }
            Course::Refused(kind) => {
                self.tell(&format!("{operation}  <- {kind:?}"));
                error(kind)
            }
            Course::Silence(pause, acts) => {
                let done = if acts {
                    word(&act.await)
                } else {
                    "not done".to_owned()
                };
                self.tell(&format!("{operation}  <- no answer, {done}"));
                tokio::time::sleep(pause).await;
                error(ErrorKind::Indeterminate)
            }
        }
    }

    async fn die<T>(&self) -> T {
        self.killed.notify_one();
        std::future::pending().await
    }
}

fn refusal(kind: ErrorKind, operation: &str) -> ProviderError {
    ProviderError::new(kind, operation, "simulated")
}

fn word<T>(done: &Result<T, ProviderError>) -> String {
    match done {
        Ok(_) => "done".to_owned(),
        Err(error) => format!("{:?}: {}", error.kind, error.message),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Provider for FaultyAccount<'_> {
    fn catalog(&self) -> &Catalog {
        self.account.catalog()
    }

    async fn facts(&self) -> Result<Properties, ProviderError> {
        self.read_call("facts".to_owned(), self.account.facts())
            .await
    }

    async fn index(&self, stack: &StackId) -> Result<Vec<Indexed>, ProviderError> {
        self.read_call("index".to_owned(), self.account.index(stack))
            .await
    }

    async fn read(&self, query: Query<'_>) -> Result<Vec<Observed>, ProviderError> {
        if self.denied.as_deref() == Some(query.token) {
            return Err(refusal(ErrorKind::Denied, query.token));
        }
        self.read_call(format!("read {}", query.token), self.account.read(query))
            .await
    }

    async fn create(&self, request: Creation<'_>) -> Result<Observed, ProviderError> {
        let operation = format!("create {}", request.urn.name());
        let act = async { self.account.create(request).await };
        let (made, fault) = self.call(operation, act).await?;
        Ok(self.after(made, fault))
    }

    async fn update(&self, request: Update<'_>) -> Result<Observed, ProviderError> {
        let operation = format!("update {} {}", request.urn.name(), request.observed.id);
        let act = async { self.account.update(request).await };
        let (updated, fault) = self.call(operation, act).await?;
        Ok(self.after(updated, fault))
    }

    async fn wait(
        &self,
        urn: &Urn,
        observed: Observed,
        progress: &dyn Progress,
    ) -> Result<Observed, ProviderError> {
        self.account.wait(urn, observed, progress).await
    }

    async fn delete(&self, request: Deletion<'_>) -> Result<(), ProviderError> {
        let operation = format!("delete {} {}", request.urn.name(), request.observed.id);
        let act = async { self.account.delete(request).await };
        self.call(operation, act).await.map(|((), _)| ())
    }
}

impl FaultyAccount<'_> {
    /// The object that a call answers with, which may never come up.
    fn after(&self, mut observed: Observed, fault: Option<Fault>) -> Observed {
        if fault == Some(Fault::Broken) {
            self.account.expected_failure(&observed.id, "simulated");
            let objects = self.account.objects();
            if let Some(now) = objects.into_iter().find(|now| now.id == observed.id) {
                observed.condition = now.condition;
            }
        }
        observed
    }
}
