//! Create calls that leave it open what exists now: no answer came, or what stands there does not say whose it is yet.

use std::future::Future;
use std::time::Duration;

use super::error::AwsResult;
use super::wait::{Pauses, VISIBILITY};
use crate::resource::provider::{Creation, Progress};
use crate::resource::{CreateClass, ErrorKind, Observed, tags};

/// How often a create call without an answer is made in all.
const TRIES: u32 = 5;

/// Makes a create call, and finds out what came of it where its answer does not say.
///
/// - Without token or natural key a second call could make a twin. So after an unclear answer, `look` is asked through
///   the whole window in which AWS may not show the object yet, before the call is made again.
/// - A call that was repeated may meet what its own first attempt made, before the tags of that can be seen. So "somebody
///   else's" is believed only once the window has passed.
///
/// # Errors
/// Those of `make` and of `look`.
pub async fn create<T, M, MFut, L, LFut>(
    class: CreateClass,
    progress: &dyn Progress,
    make: M,
    look: L,
) -> AwsResult<T>
where
    M: Fn() -> MFut,
    MFut: Future<Output = AwsResult<T>>,
    L: Fn() -> LFut,
    LFut: Future<Output = AwsResult<Option<T>>>,
{
    const STATUS: &str = "no answer came: looking for what the call may have made";
    let mut tries = 1;
    let mut doubt: Option<Pauses> = None;
    loop {
        let mut error = match make().await {
            Err(error) => error,
            made => return made,
        };
        if error.is(ErrorKind::Unclear) && class == CreateClass::TagsOnly {
            let mut pauses = window();
            loop {
                progress.status(STATUS);
                if let Some(found) = look().await? {
                    return Ok(found);
                }
                if !pauses.pause().await {
                    break;
                }
            }
            if tries == TRIES {
                error.attempts = error.attempts.max(tries);
                return Err(error);
            }
            tries += 1;
            continue;
        }
        if error.is(ErrorKind::NotOurs) && (error.attempts > 1 || doubt.is_some()) {
            progress.status(STATUS);
            if doubt.get_or_insert_with(window).pause().await {
                continue;
            }
        }
        return Err(error);
    }
}

/// Of what carries our tag, the object that an earlier call for the same request made.
pub fn made_by(request: Creation<'_>, found: Vec<Observed>) -> Option<Observed> {
    found.into_iter().find(|observed| {
        observed.tags.owner().as_ref() == Some(request.urn)
            && observed.tags.get(tags::APPLIED) == request.tags.get(tags::APPLIED)
            // The predecessor may have been made from the same inputs.
            && !request.instead_of.contains(&observed.id)
    })
}

/// What a call has made mostly shows within a second or two; and mostly a call without an answer has made nothing, so that
/// all of the window is waited through.
fn window() -> Pauses {
    Pauses::within(VISIBILITY, Duration::from_secs(2)).growing(8)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::time::Instant;

    use super::*;
    use crate::resource::ProviderError;
    use crate::resource::provider::Silent;

    fn refused(kind: ErrorKind, attempts: u32) -> ProviderError {
        let mut error = ProviderError::new(kind, "t:Create", "");
        error.attempts = attempts;
        error
    }

    #[tokio::test(start_paused = true)]
    async fn what_shows_at_the_very_end_of_the_window_is_found() {
        let started = Instant::now();
        let calls = AtomicU32::new(0);
        let made = create(
            CreateClass::TagsOnly,
            &Silent,
            || async {
                calls.fetch_add(1, Ordering::Relaxed);
                Err(refused(ErrorKind::Unclear, 1))
            },
            || async { Ok((started.elapsed() >= VISIBILITY).then_some("it")) },
        );
        assert_eq!(made.await.unwrap(), "it");
        assert_eq!(calls.load(Ordering::Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_is_never_answered_is_given_up_in_the_end() {
        let (calls, looks) = (AtomicU32::new(0), AtomicU32::new(0));
        let started = Instant::now();
        let made = create(
            CreateClass::TagsOnly,
            &Silent,
            || async {
                calls.fetch_add(1, Ordering::Relaxed);
                Err::<(), _>(refused(ErrorKind::Unclear, 1))
            },
            || async {
                looks.fetch_add(1, Ordering::Relaxed);
                Ok(None)
            },
        );
        assert_eq!(made.await.unwrap_err().attempts, TRIES);
        assert_eq!(calls.load(Ordering::Relaxed), TRIES);
        assert_eq!(started.elapsed(), TRIES * VISIBILITY);
        // Each is a call: at once, and after 2, 18, 93 and 150 s.
        assert_eq!(looks.load(Ordering::Relaxed), 5 * TRIES);
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_repeated_call_doubts_that_it_met_somebody_else() {
        for (attempts, seconds) in [(1, 0), (2, VISIBILITY.as_secs())] {
            let started = Instant::now();
            let make = || async { Err::<(), _>(refused(ErrorKind::NotOurs, attempts)) };
            let made = create(CreateClass::NaturalKey, &Silent, make, || async {
                Ok(None)
            });
            assert!(made.await.unwrap_err().is(ErrorKind::NotOurs));
            assert_eq!(started.elapsed().as_secs(), seconds);
        }
    }
}
