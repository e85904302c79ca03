//! One call, made as often as it takes and as its nature allows.
//!
//! The SDK's own retries are off: it repeats creates that must not be repeated, gives up after three throttles, and
//! does not say how often it tried. Here the kind of the error decides.

use std::future::Future;
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tokio::time::Instant;

use super::error::{AwsResult, from_sdk};
use super::rate::Pacer;
use crate::resource::{ErrorKind, ProviderError};

/// Whether a call may be made again when nobody knows whether it took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// A read, an idempotent write, or a create with a client token or a natural key.
    Safe,
    /// A create that would make a twin: repeated only when AWS said that it did not act.
    Unsafe,
    /// The first call of all, a read. Nobody has answered yet, so that an address where nobody does is more likely wrong
    /// than out of order, and somebody waits to hear of it.
    First,
}

/// How long a call is repeated, counted from its first attempt.
const THROTTLED: Duration = Duration::from_secs(300);
const TRANSIENT: Duration = Duration::from_secs(90);
const UNREACHABLE: Duration = Duration::from_secs(10);
/// Terraform's value for IAM propagation (`aws-resources.md` §1.5).
const NOT_VISIBLE_YET: Duration = Duration::from_secs(120);

/// Calls that hang use up their time in two attempts; a network that loses one connection may lose the next as well.
const LEAST_ATTEMPTS: u32 = 6;

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Makes a call, paced by the operation's published rate, and repeats it as long as its errors are worth it.
///
/// # Errors
/// The last answer, with the number of attempts. [`ErrorKind::Unclear`] if an unsafe call may have taken effect.
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
        from_sdk(operation, &error)
    })
}

/// [`call`], for an answer in our own terms.
///
/// # Errors
/// As for [`call`].
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
    attempts(pacer, operation, repeat, make, |error| error)
}

async fn attempts<T, E, F, Fut>(
    pacer: &Pacer,
    operation: &'static str,
    repeat: Repeat,
    make: F,
    in_our_terms: impl Fn(E) -> ProviderError,
) -> AwsResult<T>
where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    pacer.wait(operation).await;
    // The turn that the first attempt waits for is not its fault.
    let started = Instant::now();
    let mut attempts = 0;
    loop {
        if attempts > 0 {
            pacer.wait(operation).await;
        }
        attempts += 1;
        let mut error = match make().await {
            Ok(answer) => {
                pacer.speed_up(operation);
                return Ok(answer);
            }
            Err(error) => in_our_terms(error),
        };
        error.attempts = attempts;
        let budget = match error.kind {
            // AWS refused before acting, so even an unsafe call can go again.
            ErrorKind::Throttled => THROTTLED,
            ErrorKind::NotVisibleYet => NOT_VISIBLE_YET,
            ErrorKind::Transient | ErrorKind::Unclear => match repeat {
                Repeat::First if error.status.is_none() => UNREACHABLE,
                Repeat::First | Repeat::Safe => TRANSIENT,
                Repeat::Unsafe => {
                    error.kind = ErrorKind::Unclear;
                    return Err(error);
                }
            },
            _ => return Err(error),
        };
        if error.kind == ErrorKind::Throttled {
            pacer.slow_down(operation);
        }
        let pause = pause(attempts, pacer.fraction());
        let is_hasty = attempts < LEAST_ATTEMPTS && repeat == Repeat::Safe;
        if started.elapsed() + pause > budget && !is_hasty {
            return Err(error);
        }
        tokio::time::sleep(pause).await;
    }
}

/// Exponential with jitter, so that many callers do not come back at once. `fraction` is from 0 to 1.
fn pause(attempts: u32, fraction: f64) -> Duration {
    let ceiling = FIRST_PAUSE
        .saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1).min(16)))
        .min(LONGEST_PAUSE);
    ceiling.mul_f64(0.1 + 0.9 * fraction)
}

#[cfg(test)]
mod tests {
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

    /// The end of a call that always fails, and how long it took, in seconds.
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
            // The turn that a slowed-down operation waits for comes on top.
            assert!((290..=310).contains(&seconds), "{repeat:?}: {seconds} s");
        }
        for (repeat, at_least, at_most) in [
            (Repeat::Safe, 80, 90),
            (Repeat::First, 5, 10),
            (Repeat::Unsafe, 0, 0),
        ] {
            let (error, seconds) = end_of(repeat, reset).await;
            assert_eq!(error.kind, ErrorKind::Unclear, "{repeat:?}");
            assert!(
                (at_least..=at_most).contains(&seconds),
                "{repeat:?}: {seconds} s"
            );
        }
    }

    #[test]
    fn pauses_grow_and_stay_bounded() {
        for attempts in 1..40 {
            let pause = pause(attempts, Pacer::default().fraction());
            assert!(pause >= FIRST_PAUSE / 10 && pause <= LONGEST_PAUSE);
        }
    }
}
