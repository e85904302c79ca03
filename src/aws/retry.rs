//! Retries of one call, as often as it takes and as its nature allows.
//!
//! The SDK's own retries are off: it repeats creates that must not be repeated, gives up after three throttles, and does not
//! say how often it tried. Here, the kind of the error decides.
//!
//! The user is told why nothing moves: [`with_progress`] passes on what the calls within it are waiting for.

use std::future::Future;
use std::pin::pin;
use std::time::{Duration, SystemTime};

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::{Instant, timeout_at};

use super::error::{AwsResult, from_sdk, patience, skew};
use super::rate::{Pacer, pause};
use crate::deployment::moment;
use crate::resource::provider::Progress;
use crate::resource::{ErrorKind, ProviderError};

/// The policy for retrying a call when it is not known whether it took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// A read, an idempotent write, or a create with a client token or a natural key.
    Safe,
    /// A create that could make a duplicate: repeated only if AWS said that it did not act.
    Unsafe,
    /// The very first call, a read. Nothing has answered yet, so an address that does not answer is more likely wrong than
    /// out of order, and a user is waiting to hear of it.
    First,
}

/// The time limits for retries of a call, counted from its first attempt.
const THROTTLED: Duration = Duration::from_secs(300);
const TRANSIENT: Duration = Duration::from_secs(90);
const UNREACHABLE: Duration = Duration::from_secs(10);

/// The least number of attempts without an answer. Calls that hang use up their time in two attempts; a network that loses
/// one connection may lose the next as well. Six in a row ended one of a hundred thousand runs of the simulation.
const LEAST_UNANSWERED: u32 = 8;

/// The attempts that are not reported. A call that got through by its third attempt has held no one up.
const SILENT_ATTEMPTS: u32 = 2;

const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Makes a call, paced by the operation's published rate, and retries it as long as its errors allow.
///
/// # Errors
/// The last error, with the number of attempts. [`ErrorKind::Indeterminate`] if an unsafe call may have taken effect.
pub fn call<T, E, F, Fut>(
    pacer: &Pacer,
    operation: &'static str,
    repeat: Repeat,
    make: F,
) -> impl Future<Output = AwsResult<T>>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    F: Fn() -> Fut,
    Fut: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
{
    attempts(pacer, operation, repeat, make, move |error| {
        (from_sdk(operation, &error), is_skewed(&error))
    })
}

/// Does the same as [`call`], for an answer in our own terms.
///
/// # Errors
/// Those of [`call`].
pub fn repeated<T, F, Fut>(
    pacer: &Pacer,
    operation: &'static str,
    repeat: Repeat,
    make: F,
) -> impl Future<Output = AwsResult<T>>
where
    F: Fn() -> Fut,
    Fut: Future<Output = AwsResult<T>>,
{
    attempts(pacer, operation, repeat, make, |error| (error, false))
}

async fn attempts<T, E, F, Fut>(
    pacer: &Pacer,
    operation: &'static str,
    repeat: Repeat,
    make: F,
    // Returns the error, and whether it comes from clock skew.
    in_our_terms: impl Fn(E) -> (ProviderError, bool),
) -> AwsResult<T>
where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    let mut attempts = 0;
    // The attempts that AWS did not answer: a throttle shows that AWS can be reached.
    let mut unanswered = 0;
    let mut clock_is_set = false;
    let mut started: Option<Instant> = None;
    let mut throttled: Option<ProviderError> = None;
    loop {
        let until = started.map(|started| ends(started, THROTTLED));
        let permit = pacer.permit(operation, |throttles| {
            tell_throttled(operation, throttles, until);
        });
        let permit = match (throttled.take(), started) {
            (Some(mut error), Some(started)) => {
                let Ok(permit) = timeout_at(started + THROTTLED, permit).await else {
                    error.waited = Some(started.elapsed());
                    return Err(error);
                };
                permit
            }
            _ => permit.await,
        };
        // The wait of the first attempt for a permit does not count.
        let started = *started.get_or_insert_with(Instant::now);
        attempts += 1;
        let (mut error, skewed) = match make().await {
            Ok(answer) => {
                permit.record_success();
                return Ok(answer);
            }
            Err(error) => in_our_terms(error),
        };
        error.attempts = attempts;
        // The SDK reads AWS's clock from every answer and signs by it from then on, so that the second attempt passes.
        // AWS looks at the signature before it acts.
        if skewed && !clock_is_set {
            clock_is_set = true;
            continue;
        }
        let budget = match error.kind {
            // AWS refused before acting, so even an unsafe call can be retried, once it is permitted.
            ErrorKind::Throttled => {
                let until = ends(started, THROTTLED);
                tell_throttled(operation, permit.record_throttle(), Some(until));
                throttled = Some(error);
                continue;
            }
            ErrorKind::Transient | ErrorKind::Indeterminate => {
                drop(permit);
                unanswered += 1;
                match repeat {
                    Repeat::First if error.status.is_none() => UNREACHABLE,
                    Repeat::First | Repeat::Safe => TRANSIENT,
                    Repeat::Unsafe => {
                        error.kind = ErrorKind::Indeterminate;
                        return Err(error);
                    }
                }
            }
            kind => {
                permit.record_success();
                if kind != ErrorKind::NotVisibleYet {
                    return Err(error);
                }
                patience(&error)
            }
        };
        let pause = pause(attempts, LONGEST_PAUSE, pacer.fraction());
        let is_hasty = error.kind != ErrorKind::NotVisibleYet
            && unanswered < LEAST_UNANSWERED
            && repeat == Repeat::Safe;
        if started.elapsed() + pause > budget && !is_hasty {
            error.waited = Some(started.elapsed());
            return Err(error);
        }
        if attempts > SILENT_ATTEMPTS {
            tell_waiting(&what_happens(&error), attempts, Some(ends(started, budget)));
        }
        tokio::time::sleep(pause).await;
    }
}

/// Returns whether AWS refused a signature, and its clock differs from ours.
fn is_skewed<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    let SdkError::ServiceError(context) = error else {
        return false;
    };
    let is_about_signature = context.err().code().is_some_and(|code| {
        matches!(
            code,
            "InvalidSignatureException"
                | "SignatureDoesNotMatch"
                | "AuthFailure"
                | "RequestTimeTooSkewed"
                | "RequestExpired"
        )
    });
    is_about_signature && skew(context.raw()).is_some()
}

/// Describes an error in the words of a step's row.
fn what_happens(error: &ProviderError) -> String {
    let operation = &error.operation;
    match error.kind {
        ErrorKind::NotVisibleYet => {
            format!("{operation} does not see yet what was made a moment ago")
        }
        _ => match error.status {
            Some(status) => format!("{operation} answers {status}"),
            None => format!("no answer to {operation}"),
        },
    }
}

tokio::task_local! {
    /// The channel on which calls report what they wait for.
    static NOTICES: UnboundedSender<String>;
}

/// Runs some work, and reports what its calls are waiting for when AWS holds them up.
pub async fn with_progress<T>(progress: &dyn Progress, work: impl Future<Output = T>) -> T {
    let (sender, mut notices) = unbounded_channel();
    let mut work = pin!(NOTICES.scope(sender, work));
    loop {
        tokio::select! {
            biased;
            Some(notice) = notices.recv() => progress.status(&notice),
            done = &mut work => return done,
        }
    }
}

/// Reports why nothing moves to the listener, if there is one. The very first call has none, nor has the lock.
pub(super) fn tell(notice: String) {
    let _ = NOTICES.try_with(|notices| notices.send(notice));
}

fn tell_waiting(what_happens: &str, attempts: u32, until: Option<SystemTime>) {
    let mut notice = format!("{what_happens}: waiting, attempt {}", attempts + 1);
    if let Some((_, clock)) = until
        .map(moment::utc)
        .as_deref()
        .and_then(|at| at.split_once('T'))
    {
        notice.push_str(&format!(", until {clock}"));
    }
    tell(notice);
}

/// Returns the wall-clock time at which the budget since `started` ends.
fn ends(started: Instant, budget: Duration) -> SystemTime {
    SystemTime::now() + budget.saturating_sub(started.elapsed())
}

/// Reports throttles in a row, of any caller.
fn tell_throttled(operation: &str, throttles: u32, until: Option<SystemTime>) {
    if throttles > SILENT_ATTEMPTS {
        tell_waiting(&format!("AWS throttles {operation}"), throttles, until);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use aws_smithy_runtime_api::client::result::ConnectorError;
    use aws_smithy_types::body::SdkBody;
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    type Failure = SdkError<ErrorMetadata, HttpResponse>;

    fn throttled() -> Failure {
        let error = ErrorMetadata::builder().code("ThrottlingException").build();
        let status = 400.try_into().unwrap();
        SdkError::service_error(error, HttpResponse::new(status, SdkBody::empty()))
    }

    fn reset() -> Failure {
        SdkError::dispatch_failure(ConnectorError::io("connection reset".into()))
    }

    /// Returns the error of a call that always fails, and how long it took, in seconds.
    async fn end_of(repeat: Repeat, failure: fn() -> Failure) -> (ProviderError, u64) {
        let started = Instant::now();
        let pacer = Pacer::default();
        let ended: AwsResult<()> = call(&pacer, "t:Get", repeat, || async { Err(failure()) }).await;
        (ended.unwrap_err(), started.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_repeated_for_ever() {
        for repeat in [Repeat::Safe, Repeat::Unsafe, Repeat::First] {
            let (error, seconds) = end_of(repeat, throttled).await;
            assert_eq!(error.kind, ErrorKind::Throttled, "{repeat:?}");
            // The wait of a slowed-down operation for a permit comes on top.
            assert!((290..=310).contains(&seconds), "{repeat:?}: {seconds} s");
        }
        for (repeat, at_least, at_most) in [
            (Repeat::Safe, 80, 90),
            (Repeat::First, 5, 10),
            (Repeat::Unsafe, 0, 0),
        ] {
            let (error, seconds) = end_of(repeat, reset).await;
            assert_eq!(error.kind, ErrorKind::Indeterminate, "{repeat:?}");
            assert!(
                (at_least..=at_most).contains(&seconds),
                "{repeat:?}: {seconds} s"
            );
        }
    }

    fn refused(code: &str, message: &str) -> Failure {
        let error = ErrorMetadata::builder().code(code).message(message).build();
        let status = 400.try_into().unwrap();
        SdkError::service_error(error, HttpResponse::new(status, SdkBody::empty()))
    }

    /// A call refused for an object that is not visible yet has not acted, so even an unsafe create is retried.
    #[tokio::test(start_paused = true)]
    async fn what_is_not_visible_yet_is_waited_for_as_long_as_its_service_takes() {
        for repeat in [Repeat::Safe, Repeat::Unsafe] {
            let (error, seconds) = end_of(repeat, || {
                refused("WAFUnavailableEntityException", "Retry your request.")
            })
            .await;
            assert_eq!(error.kind, ErrorKind::NotVisibleYet);
            assert!((290..=300).contains(&seconds), "{repeat:?}: {seconds} s");
            let (error, seconds) = end_of(repeat, || {
                refused("InvalidSubnet", "VPC vpc-0a has no internet gateway")
            })
            .await;
            assert_eq!(error.kind, ErrorKind::NotVisibleYet);
            assert!((110..=120).contains(&seconds), "{repeat:?}: {seconds} s");
        }
    }

    /// A call that hangs for half a minute uses up its time in three attempts.
    #[tokio::test(start_paused = true)]
    async fn what_hangs_has_more_attempts_than_its_time_allows() {
        for (throttles, attempts) in [(0, 8), (5, 13)] {
            let calls = AtomicU32::new(0);
            let pacer = Pacer::default();
            let ended: AwsResult<()> = call(&pacer, "t:Get", Repeat::Safe, || async {
                if calls.fetch_add(1, Ordering::Relaxed) < throttles {
                    return Err(throttled());
                }
                tokio::time::sleep(Duration::from_secs(30)).await;
                Err(reset())
            })
            .await;
            let error = ended.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Indeterminate);
            assert_eq!(error.attempts, attempts);
        }
    }

    /// Keeps the messages that it gets.
    #[derive(Default)]
    struct Listener(std::sync::Mutex<Vec<String>>);

    impl Progress for Listener {
        fn status(&self, text: &str) {
            self.0.lock().unwrap().push(text.to_owned());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_watches_hears_why_nothing_moves() {
        let listener = Listener::default();
        let (error, _) = with_progress(&listener, end_of(Repeat::Unsafe, throttled)).await;
        assert!(error.waited.is_some());
        let heard = listener.0.into_inner().unwrap();
        let first = "AWS throttles t:Get: waiting, attempt 4, until ";
        assert!(heard[0].starts_with(first), "{heard:?}");
        assert!(heard[0].ends_with('Z'), "{heard:?}");
        let next = error.attempts + 1;
        let last = format!("AWS throttles t:Get: waiting, attempt {next}, until ");
        assert!(
            heard.last().is_some_and(|text| text.starts_with(&last)),
            "{heard:?}"
        );
    }

    /// AWS's refusal of a signature, with its clock.
    fn refused_signature(date: &str) -> Failure {
        let error = ErrorMetadata::builder().code("SignatureDoesNotMatch");
        let status = 403.try_into().unwrap();
        let mut response = HttpResponse::new(status, SdkBody::empty());
        response.headers_mut().insert("date", date.to_owned());
        SdkError::service_error(error.build(), response)
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_off_costs_one_attempt() {
        let (error, _) = end_of(Repeat::Unsafe, || {
            refused_signature("Sat, 01 Jan 2000 00:00:00 GMT")
        })
        .await;
        assert_eq!((error.kind, error.attempts), (ErrorKind::Credentials, 2));
        // Without a clock, or with the same time, the key is wrong.
        let (error, _) = end_of(Repeat::Unsafe, || refused_signature("now")).await;
        assert_eq!((error.kind, error.attempts), (ErrorKind::Credentials, 1));
    }
}
