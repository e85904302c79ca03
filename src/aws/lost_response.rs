//! Create calls with an unclear outcome: the response was lost, or the object found does not show its owner yet.

use std::future::Future;
use std::time::Duration;

use super::error::AwsResult;
use super::wait::{Pauses, VISIBILITY, Window};
use crate::resource::provider::{Creation, Progress};
use crate::resource::{CreateClass, ErrorKind, Observed, ProviderError, tags};

/// The total number of attempts of a create call without an answer.
const TRIES: u32 = 5;

/// Makes a create call, and finds out what it did if the answer does not say.
///
/// - Without a token or a natural key, a second call could make a duplicate. So after an unclear answer, `look` is called
///   throughout the window in which AWS may not show the object yet, before the call is made again.
/// - A retried call may meet the object that its own first attempt made, before the tags of that object are visible. So "not
///   ours" is believed only once the window has passed.
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
    let mut tries = 1;
    let mut doubt: Option<(Pauses, Window)> = None;
    loop {
        let mut error = match make().await {
            Err(error) => error,
            made => return made,
        };
        if error.is(ErrorKind::Indeterminate) && class == CreateClass::TagsOnly {
            let (mut pauses, looked) = window();
            loop {
                progress.status(&looking(&error, looked, "then it is made again"));
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
            let (pauses, looked) = doubt.get_or_insert_with(window);
            progress.status(&looking(
                &error,
                *looked,
                "in case what is there is its own",
            ));
            if pauses.pause().await {
                continue;
            }
        }
        return Err(error);
    }
}

/// Describes what is looked for after a call without an answer, and until when.
fn looking(error: &ProviderError, looked: Window, then: &str) -> String {
    let operation = &error.operation;
    format!("no answer to {operation}: looking for what it may have made, {looked}; {then}")
}

/// Makes a create call whose response may be lost without harm: it is retried at once. Returns the number of attempts as
/// well, since there may then be surplus objects.
///
/// # Errors
/// Those of `make`.
pub async fn create_again<T, M, MFut>(progress: &dyn Progress, make: M) -> AwsResult<(T, u32)>
where
    M: Fn() -> MFut,
    MFut: Future<Output = AwsResult<T>>,
{
    let mut pauses = Pauses::within(VISIBILITY, Duration::from_secs(1));
    let mut tries = 1;
    loop {
        match make().await {
            Err(mut error) if error.is(ErrorKind::Indeterminate) => {
                error.attempts = error.attempts.max(tries);
                if tries == TRIES || !pauses.pause().await {
                    return Err(error);
                }
                tries += 1;
                let operation = &error.operation;
                progress.status(&format!(
                    "no answer to {operation}: making it again, attempt {tries} of {TRIES}"
                ));
            }
            made => return made.map(|made| (made, tries)),
        }
    }
}

/// Returns, of the objects with our tag, the one that an earlier call for the same request made.
pub fn made_by(request: Creation<'_>, found: Vec<Observed>) -> Option<Observed> {
    all_made_by(request, found).next()
}

/// Returns, of the objects with our tag, those that earlier calls for the same request made.
pub fn all_made_by(request: Creation<'_>, found: Vec<Observed>) -> impl Iterator<Item = Observed> {
    found.into_iter().filter(move |observed| {
        observed.tags.owner().as_ref() == Some(request.urn)
            && [tags::APPLIED, tags::RUN]
                .into_iter()
                .filter_map(|key| Some((key, request.tags.get(key)?)))
                .all(|(key, sent)| observed.tags.get(key) == Some(sent))
            // The predecessor may have been made from the same inputs.
            && !request.instead_of.contains(&observed.id)
    })
}

/// Returns the pauses and the window of a search. A new object mostly shows within a second or two; and mostly a call
/// without an answer has made nothing, so that the whole window is waited through.
fn window() -> (Pauses, Window) {
    let pauses = Pauses::within(VISIBILITY, Duration::from_secs(2)).growing(8);
    (pauses, Window::of(VISIBILITY))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::time::Instant;

    use super::*;
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
                Err(refused(ErrorKind::Indeterminate, 1))
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
                Err::<(), _>(refused(ErrorKind::Indeterminate, 1))
            },
            || async {
                looks.fetch_add(1, Ordering::Relaxed);
                Ok(None)
            },
        );
        assert_eq!(made.await.unwrap_err().attempts, TRIES);
        assert_eq!(calls.load(Ordering::Relaxed), TRIES);
        assert_eq!(started.elapsed(), TRIES * VISIBILITY);
        // Each look is a call: at once, and after 2, 18, 93 and 150 s.
        assert_eq!(looks.load(Ordering::Relaxed), 5 * TRIES);
    }

    #[tokio::test(start_paused = true)]
    async fn a_harmless_call_is_made_again_at_once() {
        let started = Instant::now();
        let calls = AtomicU32::new(0);
        let make = || async {
            match calls.fetch_add(1, Ordering::Relaxed) {
                0 => Err(refused(ErrorKind::Indeterminate, 1)),
                _ => Ok("it"),
            }
        };
        assert_eq!(create_again(&Silent, make).await.unwrap(), ("it", 2));
        assert_eq!(started.elapsed().as_secs(), 1);
        let never = || async { Err::<(), _>(refused(ErrorKind::Indeterminate, 1)) };
        let error = create_again(&Silent, never).await.unwrap_err();
        assert_eq!(error.attempts, TRIES);
        let refuses = || async { Err::<(), _>(refused(ErrorKind::Denied, 1)) };
        assert!(
            create_again(&Silent, refuses)
                .await
                .unwrap_err()
                .is(ErrorKind::Denied)
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

    #[tokio::test(start_paused = true)]
    async fn whoever_watches_hears_what_is_looked_for_and_until_when() {
        let heard = Recorder::default();
        let make = || async { Err::<(), _>(refused(ErrorKind::Indeterminate, 1)) };
        let made = create(CreateClass::TagsOnly, &heard, make, || async { Ok(None) });
        assert!(made.await.is_err());
        let heard = heard.0.into_inner().unwrap();
        let lead = "no answer to t:Create: looking for what it may have made, since ";
        assert!(heard.iter().all(|text| text.starts_with(lead)), "{heard:?}");
        assert!(heard[0].contains(", until "), "{heard:?}");
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
