//! Waiting for AWS: bounded, reported, and never longer idle than it must be.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

use super::error::AwsResult;
use crate::resource::provider::Progress;
use crate::resource::{ErrorKind, ProviderError};

/// Where a waited-for object stands.
pub enum Poll<T> {
    Ready(T),
    /// Not yet; the text is AWS's own word for it.
    Pending(String),
}

/// How to wait.
#[derive(Clone, Copy)]
pub struct Wait<'a> {
    /// The call that is polled: `ec2:DescribeNatGateways`.
    pub operation: &'static str,
    /// Given up after this long; the waiter sheet of `aws-resources.md` §18.
    pub deadline: Duration,
    /// The longest pause between two polls: 3 s, or 5 s for kinds that take minutes.
    pub longest_pause: Duration,
    pub progress: &'a dyn Progress,
}

impl<'a> Wait<'a> {
    /// For what takes seconds.
    pub fn short(operation: &'static str, minutes: u64, progress: &'a dyn Progress) -> Self {
        Self {
            operation,
            deadline: Duration::from_secs(minutes * 60),
            longest_pause: Duration::from_secs(3),
            progress,
        }
    }

    /// For what takes minutes.
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
        let started = Instant::now();
        let mut pause = Duration::from_millis(500);
        loop {
            let status = match poll().await? {
                Poll::Ready(value) => return Ok(value),
                Poll::Pending(status) => status,
            };
            self.progress.status(&status);
            if started.elapsed() + pause > self.deadline {
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

/// Repeats an operation while something still holds its object: modifications of an object that is busy.
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
    while_held(deadline, progress, attempt, || async { Ok(Vec::new()) }).await
}

/// As [`while_in_use`], for deletions, whose dependents take their time to let go. After a minute `holders` is asked what
/// they are, a line for each: for the status, and for the error at the end.
///
/// # Errors
/// Those of `attempt`; the last conflict once the deadline has passed.
pub async fn while_held<T, F, Fut, H, HFut>(
    deadline: Duration,
    progress: &dyn Progress,
    attempt: F,
    holders: H,
) -> AwsResult<T>
where
    F: Fn() -> Fut,
    Fut: Future<Output = AwsResult<T>>,
    H: Fn() -> HFut,
    HFut: Future<Output = AwsResult<Vec<String>>>,
{
    /// Most dependents are gone by then, and the question costs calls.
    const ASK_AFTER: Duration = Duration::from_secs(60);
    const ASK_EVERY: Duration = Duration::from_secs(30);
    let started = Instant::now();
    let mut pause = Duration::from_millis(500);
    let mut next_question = ASK_AFTER;
    let mut held_by: Vec<String> = Vec::new();
    loop {
        match attempt().await {
            Err(mut error) if error.is(ErrorKind::InUse) => {
                if started.elapsed() >= next_question {
                    next_question = started.elapsed() + ASK_EVERY;
                    // An explanation that cannot be had must not end the wait.
                    held_by = holders()
                        .await
                        .unwrap_or_else(|error| vec![format!("what holds it is unknown: {error}")]);
                }
                if started.elapsed() + pause > deadline {
                    error.waited = Some(started.elapsed());
                    error.details.append(&mut held_by);
                    return Err(error);
                }
                progress.status(&match held_by.as_slice() {
                    [] => format!("still in use: {}", error.message),
                    [holder] => format!("still in use: {holder}"),
                    [holder, others @ ..] => {
                        format!("still in use: {holder}, and {} more", others.len())
                    }
                });
            }
            other => return other,
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(5));
    }
}

/// For how long AWS may not show, to all who ask, what was made a moment ago. Terraform allows two minutes
/// (`aws-resources.md` §1.5); what then is not there is taken for gone and made again, so that this is more.
pub const VISIBILITY: Duration = Duration::from_secs(150);

/// What takes longer than a few seconds to show is rare, and every look is a call.
const LONGEST_PAUSE: Duration = Duration::from_secs(75);

/// Pauses that double, the last of which ends with the window: what shows only then is not missed.
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

    /// Each so many times as long as the one before.
    #[must_use]
    pub fn growing(mut self, growth: u32) -> Self {
        self.growth = growth;
        self
    }

    /// Pauses; false, and at once, when the window is over.
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

/// Repeats a call on something that was made a moment ago, until AWS sees it everywhere.
///
/// # Errors
/// Those of `attempt`; the last "not found" once the time has passed.
pub async fn until_visible<T, F, Fut>(attempt: F) -> AwsResult<T>
where
    F: Fn() -> Fut,
    Fut: Future<Output = AwsResult<T>>,
{
    let mut pauses = Pauses::within(VISIBILITY, Duration::from_millis(250));
    loop {
        match attempt().await {
            Err(error) if error.is(ErrorKind::NotFound) => {
                if !pauses.pause().await {
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
    async fn what_holds_an_object_is_in_the_error() {
        let error = while_held(
            Duration::from_secs(300),
            &Silent,
            || async {
                Err::<(), _>(ProviderError::new(
                    ErrorKind::InUse,
                    "t:Delete",
                    "has dependencies",
                ))
            },
            || async { Ok(vec!["eni-1: NAT gateway".to_owned()]) },
        )
        .await
        .unwrap_err();
        assert_eq!(error.details, ["eni-1: NAT gateway"]);
        assert!(error.waited.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_asked_within_the_first_minute() {
        let questions = AtomicU32::new(0);
        let attempts = AtomicU32::new(0);
        while_held(
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
        assert_eq!(questions.load(Ordering::Relaxed), 0);
    }
}
