//! Waiting for AWS: bounded, reported, and never idle longer than necessary.
//!
//! Each wait has its own limit, which is as long as AWS may take. If the author sets one (`customTimeouts`), that limit
//! holds for all waits of the operation together: [`Progress::time_left`].

use std::fmt;
use std::future::Future;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::error::{AwsResult, is_deleted_secret};
use super::retry::tell;
use crate::deployment::moment;
use crate::resource::provider::{Holder, Progress, Remedy};
use crate::resource::{ErrorKind, ProviderError};

/// The status of an object that is waited for.
pub enum Poll<T> {
    Ready(T),
    /// Not ready yet; the text is AWS's own word for the state.
    Pending(String),
}

/// The settings of a wait.
#[derive(Clone, Copy)]
pub struct Wait<'a> {
    /// The call that is polled: `ec2:DescribeNatGateways`.
    pub operation: &'static str,
    /// The time after which the wait is given up; see the waiter sheet of `aws-resources.md` §18.
    pub deadline: Duration,
    /// The longest pause between two polls: 3 s, or 5 s for kinds that take minutes.
    pub longest_pause: Duration,
    pub progress: &'a dyn Progress,
}

impl<'a> Wait<'a> {
    /// Makes a wait for an operation that takes seconds.
    pub fn short(operation: &'static str, minutes: u64, progress: &'a dyn Progress) -> Self {
        Self {
            operation,
            deadline: Duration::from_secs(minutes * 60),
            longest_pause: Duration::from_secs(3),
            progress,
        }
    }

    /// Makes a wait for an operation that takes minutes.
    pub fn long(operation: &'static str, minutes: u64, progress: &'a dyn Progress) -> Self {
        Self {
            longest_pause: Duration::from_secs(5),
            ..Self::short(operation, minutes, progress)
        }
    }

    /// Polls at once, then after pauses that double from half a second.
    ///
    /// # Errors
    /// Those of `poll`, and [`ErrorKind::TimedOut`] with the last status.
    pub async fn until<T, F, Fut>(self, poll: F) -> AwsResult<T>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = AwsResult<Poll<T>>>,
    {
        let longer = || async { Duration::ZERO };
        self.until_at_longest(poll, longer).await
    }

    /// Does the same as [`Wait::until`], where it costs calls to find out how long the wait may take: `longer` is asked
    /// once, when the deadline has passed, for the deadline that holds instead.
    ///
    /// # Errors
    /// Those of [`Wait::until`].
    pub async fn until_at_longest<T, F, Fut, L, LFut>(self, poll: F, longer: L) -> AwsResult<T>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = AwsResult<Poll<T>>>,
        L: FnOnce() -> LFut,
        LFut: Future<Output = Duration>,
    {
        let started = Instant::now();
        let allowed = self.progress.time_left();
        let mut deadline = allowed.unwrap_or(self.deadline);
        let mut longer = allowed.is_none().then_some(longer);
        let mut pause = Duration::from_millis(500);
        loop {
            let status = match poll().await? {
                Poll::Ready(value) => return Ok(value),
                Poll::Pending(status) => status,
            };
            self.progress.status(&status);
            if started.elapsed() + pause > deadline
                && let Some(longer) = longer.take()
            {
                deadline = deadline.max(longer().await);
            }
            if started.elapsed() + pause > deadline {
                let mut error = ProviderError::new(
                    ErrorKind::TimedOut,
                    self.operation,
                    format!("still `{status}` after {} s", started.elapsed().as_secs()),
                );
                error.waited = Some(started.elapsed());
                return Err(error);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(self.longest_pause);
        }
    }
}

/// The wall-clock times since when an operation is retried, and until when at the latest: absolute times in a status stay
/// true.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    since: SystemTime,
    until: SystemTime,
}

impl Window {
    /// Makes a window of a length that begins now.
    pub(super) fn of(length: Duration) -> Self {
        let since = SystemTime::now();
        Self {
            since,
            until: since + length,
        }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = |time| {
            let text = moment::utc(time);
            text.split_once('T')
                .map_or(text.clone(), |(_, clock)| clock.to_owned())
        };
        let (since, until) = (clock(self.since), clock(self.until));
        write!(formatter, "since {since}, until {until}")
    }
}

/// Retries an operation while something still holds its object: modifications of an object that is busy.
///
/// # Errors
/// Those of `attempt`; the last conflict once the deadline has passed.
pub async fn while_in_use<T, F, Fut>(
    deadline: Duration,
    progress: &dyn Progress,
    attempt: F,
) -> AwsResult<T>
where
    F: Fn() -> Fut,
    Fut: Future<Output = AwsResult<T>>,
{
    retry_while_in_use(deadline, progress, attempt, || async { Ok(Vec::new()) }).await
}

/// Does the same as [`while_in_use`], where the holders of the object can be named. `holders` is called at the first
/// refusal, and again after a minute: for the status, for the error at the end, and because some holders let go only when a
/// person does something. Then there is nothing to wait for.
///
/// # Errors
/// Those of `attempt`; the last conflict once the deadline has passed, or at once if a person is needed.
pub async fn retry_while_in_use<T, F, Fut, H, HFut>(
    deadline: Duration,
    progress: &dyn Progress,
    attempt: F,
    holders: H,
) -> AwsResult<T>
where
    F: Fn() -> Fut,
    Fut: Future<Output = AwsResult<T>>,
    H: Fn() -> HFut,
    HFut: Future<Output = AwsResult<Vec<Holder>>>,
{
    /// The time until holders are asked for again. Most dependents are gone by then, and the question costs calls.
    const ASK_AGAIN: Duration = Duration::from_secs(60);
    const ASK_EVERY: Duration = Duration::from_secs(30);
    /// The most holders that a message names. More would not be read.
    const MOST_NAMED: usize = 20;
    let started = Instant::now();
    let deadline = progress.time_left().unwrap_or(deadline);
    let window = Window::of(deadline);
    let mut pause = Duration::from_millis(500);
    let mut next_question = Duration::ZERO;
    let mut blockers_of: Vec<Holder> = Vec::new();
    let mut calls = 0;
    loop {
        match attempt().await {
            Err(mut error) if error.is(ErrorKind::InUse) => {
                calls += error.attempts;
                if started.elapsed() >= next_question {
                    next_question = match next_question {
                        Duration::ZERO => ASK_AGAIN,
                        _ => started.elapsed() + ASK_EVERY,
                    };
                    // A failure to get an explanation must not end the wait.
                    blockers_of = holders().await.unwrap_or_else(|error| {
                        let text = format!("what holds it is unknown: {error}");
                        vec![Holder::passing(String::new(), text)]
                    });
                }
                let is_stuck = blockers_of.iter().any(|holder| holder.hand.is_some());
                if is_stuck || started.elapsed() + pause > deadline {
                    error.attempts = calls;
                    error.waited = (!is_stuck).then(|| started.elapsed());
                    error.remedy = Remedy::of(&blockers_of).or(error.remedy);
                    let texts = blockers_of
                        .into_iter()
                        .map(|holder| holder.text)
                        .take(MOST_NAMED);
                    error.details.extend(texts);
                    return Err(error);
                }
                let what = match blockers_of.as_slice() {
                    [] => error.message,
                    [holder] => holder.text.clone(),
                    [holder, others @ ..] => format!("{}, and {} more", holder.text, others.len()),
                };
                progress.status(&format!("still in use ({window}): {what}"));
            }
            other => return other,
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(5));
    }
}

/// The time for which AWS may not show a new object to all callers (eventual consistency). Terraform allows two minutes
/// (`aws-resources.md` §1.5); an object that is still missing then is taken for gone and made again, so this is longer.
pub const VISIBILITY: Duration = Duration::from_secs(150);

/// The longest pause. An object that takes longer than a few seconds to show is rare, and every look is a call.
const LONGEST_PAUSE: Duration = Duration::from_secs(75);

/// Pauses that double, the last of which ends with the window, so that an object that shows only then is not missed.
pub struct Pauses {
    ends: Instant,
    next: Duration,
    growth: u32,
}

impl Pauses {
    pub fn within(window: Duration, first: Duration) -> Self {
        Self {
            ends: Instant::now() + window,
            next: first,
            growth: 2,
        }
    }

    /// Makes each pause `growth` times as long as the one before.
    #[must_use]
    pub fn growing(mut self, growth: u32) -> Self {
        self.growth = growth;
        self
    }

    /// Pauses; returns false at once when the window is over.
    pub async fn pause(&mut self) -> bool {
        let left = self.ends.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        tokio::time::sleep(self.next.min(left)).await;
        self.next = (self.next * self.growth).min(LONGEST_PAUSE);
        true
    }
}

/// Retries a call on an object that was made a moment ago, until AWS sees it everywhere.
///
/// # Errors
/// Those of `attempt`; the last "not found" once the time has passed.
pub async fn until_visible<T, F, Fut>(attempt: F) -> AwsResult<T>
where
    F: Fn() -> Fut,
    Fut: Future<Output = AwsResult<T>>,
{
    /// The attempts that are not reported. Most objects show within these.
    const SILENT: u32 = 2;
    /// The time within which a restored secret is restored everywhere. One that no one has restored stays as it is.
    const RESTORED: Duration = Duration::from_secs(15);
    let mut pauses = Pauses::within(VISIBILITY, Duration::from_millis(250));
    let window = Window::of(VISIBILITY);
    let started = Instant::now();
    let (mut refusals, mut calls) = (0, 0);
    loop {
        match attempt().await {
            Err(mut error) if error.is(ErrorKind::NotFound) => {
                refusals += 1;
                calls += error.attempts;
                if refusals > SILENT {
                    let operation = &error.operation;
                    let answer = if error.code.is_empty() {
                        &error.message
                    } else {
                        &error.code
                    };
                    tell(format!(
                        "{operation} answers {answer}: tried again {window}"
                    ));
                }
                let waits_for_hand =
                    is_deleted_secret(&error.code, &error.message) && started.elapsed() >= RESTORED;
                if waits_for_hand || !pauses.pause().await {
                    error.attempts = calls;
                    error.waited = Some(started.elapsed());
                    return Err(error);
                }
            }
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::provider::Silent;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test(start_paused = true)]
    async fn the_first_poll_is_at_once_and_the_deadline_holds() {
        let started = Instant::now();
        let polls = AtomicU32::new(0);
        let error = Wait::short("t:Describe", 1, &Silent)
            .until(|| async {
                polls.fetch_add(1, Ordering::Relaxed);
                Ok(Poll::<()>::Pending("creating".into()))
            })
            .await
            .unwrap_err();
        assert_eq!(error.kind, ErrorKind::TimedOut);
        assert!(error.message.contains("creating"));
        assert!(started.elapsed() <= Duration::from_secs(60));
        assert!(polls.load(Ordering::Relaxed) >= 20);
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_may_turn_out_to_be_longer_and_that_is_asked_once() {
        let asked = AtomicU32::new(0);
        let longer = || async {
            asked.fetch_add(1, Ordering::Relaxed);
            Duration::from_mins(30)
        };
        let settling = || async { Ok(Poll::<()>::Pending("starting".into())) };
        let started = Instant::now();
        let error = Wait::long("t:Describe", 20, &Silent)
            .until_at_longest(settling, longer)
            .await
            .unwrap_err();
        let took = started.elapsed().as_secs() / 60;
        assert!((29..=30).contains(&took), "{took}");
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        // The whole wait is reported, not only the added time.
        assert!(error.waited > Some(Duration::from_mins(29)), "{error:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_holds_an_object_is_in_the_error() {
        let error = retry_while_in_use(
            Duration::from_secs(300),
            &Silent,
            || async {
                Err::<(), _>(ProviderError::new(
                    ErrorKind::InUse,
                    "t:Delete",
                    "has dependencies",
                ))
            },
            || async { Ok(vec![Holder::passing("eni-1", "eni-1: NAT gateway")]) },
        )
        .await
        .unwrap_err();
        assert_eq!(error.details, ["eni-1: NAT gateway"]);
        assert!(error.waited.is_some());
    }

    fn busy() -> ProviderError {
        ProviderError::new(ErrorKind::InUse, "t:Modify", "is not available")
    }

    #[tokio::test(start_paused = true)]
    async fn what_only_a_person_ends_is_not_waited_for() {
        let started = Instant::now();
        let stopped = || Holder {
            id: "db".into(),
            text: "`shop` is stopped".to_owned(),
            hand: Some(Remedy::new("start it, then run").command("aws rds start-db-instance")),
        };
        let passing = Holder::passing("eni-1", "eni-1");
        let error = retry_while_in_use(
            Duration::from_secs(600),
            &Silent,
            || async { Err::<(), _>(busy()) },
            || async { Ok(vec![passing.clone(), stopped(), stopped()]) },
        )
        .await
        .unwrap_err();
        assert_eq!(started.elapsed(), Duration::ZERO);
        let remedy = error.remedy.expect("what to do");
        assert_eq!(remedy.commands, ["aws rds start-db-instance"]);
        assert_eq!(
            error.details,
            ["eni-1", "`shop` is stopped", "`shop` is stopped"]
        );
    }

    /// Keeps the messages that it gets.
    #[derive(Default)]
    struct Recorder(std::sync::Mutex<Vec<String>>);

    impl Progress for Recorder {
        fn status(&self, text: &str) {
            self.0.lock().unwrap().push(text.to_owned());
        }
    }

    /// An author who allows this much time.
    struct Allows(Duration);

    impl Progress for Allows {
        fn status(&self, _: &str) {}

        fn time_left(&self) -> Option<Duration> {
            Some(self.0)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_limit_of_the_author_holds_for_every_kind_of_wait_be_it_shorter_or_longer() {
        for limit in [Duration::from_secs(30), Duration::from_hours(2)] {
            let progress = Allows(limit);
            let at_most = limit + Duration::from_secs(5);
            let settling = || async { Ok(Poll::<()>::Pending("creating".into())) };
            let started = Instant::now();
            let waited = Wait::long("t:Describe", 20, &progress)
                .until(settling)
                .await;
            assert_eq!(waited.unwrap_err().kind, ErrorKind::TimedOut);
            let took = started.elapsed();
            assert!(
                took <= at_most && took + Duration::from_secs(10) >= limit,
                "{took:?}"
            );
            let started = Instant::now();
            let held = || async { Err::<(), _>(busy()) };
            let waited = while_in_use(Duration::from_mins(10), &progress, held).await;
            assert_eq!(waited.unwrap_err().kind, ErrorKind::InUse);
            let took = started.elapsed();
            assert!(
                took <= at_most && took + Duration::from_secs(10) >= limit,
                "{took:?}"
            );
        }
    }

    fn has_window(text: &str) -> bool {
        let Some((_, window)) = text.split_once("since ") else {
            return false;
        };
        let length = "00:00:00Z, until 00:00:00Z".len();
        window.len() >= length && window[..length].matches('Z').count() == 2
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_watches_hears_since_when_and_until_when_it_is_tried() {
        let heard = Recorder::default();
        let attempt = || async { Err::<(), _>(busy()) };
        let waited = while_in_use(Duration::from_secs(20), &heard, attempt).await;
        assert!(waited.is_err());
        let unseen = || async {
            let mut error = ProviderError::new(ErrorKind::NotFound, "t:Tag", "");
            error.code = "NoSuchThing".to_owned();
            Err::<(), _>(error)
        };
        let waited = crate::aws::retry::with_progress(&heard, until_visible(unseen)).await;
        let error = waited.unwrap_err();
        // The number of attempts and the time are those of all calls.
        assert!(error.attempts > 8, "{error:?}");
        assert_eq!(error.waited, Some(VISIBILITY));
        let heard = heard.0.into_inner().unwrap();
        assert!(heard.len() > 5, "{heard:?}");
        assert!(heard.iter().all(|text| has_window(text)), "{heard:?}");
        assert!(heard[0].starts_with("still in use (since "), "{heard:?}");
        let last = heard.last().unwrap();
        assert!(
            last.starts_with("t:Tag answers NoSuchThing: tried again since "),
            "{last}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_secret_that_is_scheduled_for_deletion_is_not_waited_for() {
        let started = Instant::now();
        let refused = || async {
            let mut error = ProviderError::new(
                ErrorKind::NotFound,
                "secretsmanager:GetSecretValue",
                "You can't perform this operation on the secret because it was marked for deletion.",
            );
            error.code = "InvalidRequestException".to_owned();
            Err::<(), _>(error)
        };
        assert!(until_visible(refused).await.is_err());
        assert!(
            started.elapsed() < Duration::from_secs(40),
            "{:?}",
            started.elapsed()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn within_the_first_minute_it_is_asked_once_who_holds_an_object() {
        let questions = AtomicU32::new(0);
        let attempts = AtomicU32::new(0);
        retry_while_in_use(
            Duration::from_secs(300),
            &Silent,
            || async {
                if attempts.fetch_add(1, Ordering::Relaxed) < 10 {
                    return Err(ProviderError::new(ErrorKind::InUse, "t:Delete", "busy"));
                }
                Ok(())
            },
            || async {
                questions.fetch_add(1, Ordering::Relaxed);
                Ok(Vec::new())
            },
        )
        .await
        .unwrap();
        assert_eq!(questions.load(Ordering::Relaxed), 1);
    }
}
