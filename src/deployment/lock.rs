//! The lock of a stack: one parameter that holds a lease.
//!
//! # Why two do not hold it at once
//!
//! A lock that is not there is made by a create-only put, of which SSM lets one succeed. A lock whose lease has run out is
//! taken over by writing over it. SSM has no "write if unchanged", but it numbers versions one after the other: of all who
//! have seen version 7 run out and write over it, one gets version 8, and holds the lock. The others see by another number
//! that they came too late, or by another text in version 7, where the lock has been given back and made anew since; they
//! put back what they have written over (version 8, or the version before theirs), and go on waiting. What they wrote may
//! stand there for a moment: it bears an id that they do not use again, so that nobody takes it for a lock that they hold.
//!
//! Deleting it and making it anew, the other way, would not do: the deletion of a slow one hits the fresh lock of a quick
//! one, and both believe that they hold it. For the same reason a lock is looked at before it is renewed or given back, but
//! for one that was ours so short a time ago that its version or its age says enough.
//!
//! What is left: a holder who was out for longer than its lease (a suspended laptop) and does not know yet that somebody has
//! taken over; and `unlock`, which takes a lock from a run that goes on. Such a run finds out when it renews its lease, at
//! the latest, says so, and from then on leaves the lock alone. Until then two are at work on one stack. Nothing depends on
//! that not happening (see [`super`]).

use std::future::Future;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::lease::{LENGTH, Lease, Seen};
use super::{ParameterStore, parameter};
use crate::resource::{ErrorKind, ProviderError, StackId};

/// From the beginning of one renewal to the next: half a lease, so that there is time to try again.
const RENEWAL: Duration = Duration::from_secs(30);

/// After a renewal that failed, however long that took: the lease still holds for a few more.
const RETRY: Duration = Duration::from_secs(3);

/// A lock that was ours so short a time ago is not looked at again before it is given back.
const FRESH: Duration = Duration::from_secs(5);

/// From this version on a lock is not looked at before it is renewed. One that was made anew since the last renewal, less
/// than a lease ago, has been renewed once or twice: the version that the renewal gets tells them apart.
const SETTLED: i64 = 5;

/// For one answer of the store. Whoever cannot have the lock by then goes on without it.
const PATIENCE: Duration = Duration::from_secs(10);

/// A renewal that is under way when the run ends gets this long: were it let go, it could come after the release, and write
/// over the lease of somebody else.
const LAST_RENEWAL: Duration = Duration::from_millis(500);

/// Between two looks at a lock that somebody else holds.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The lock of a stack.
#[derive(Clone)]
pub struct Lock<'a> {
    store: &'a dyn ParameterStore,
    pub(super) name: String,
}

/// A lock that is ours.
#[derive(Debug)]
pub struct Hold {
    lease: Lease,
    /// When it was last known to be ours, by two clocks: the first stands still while a machine is suspended, and the
    /// second can be set.
    pub(super) renewed: (Instant, SystemTime),
    /// The version that the last renewal wrote; none before the first.
    version: Option<i64>,
    /// Somebody else had it a moment ago.
    pub came_after_others: bool,
    /// Why it is not ours any more.
    pub lost: Option<Loss>,
}

/// How a lock was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loss {
    /// Somebody has taken it away: `unlock`.
    Removed,
    /// Somebody else holds it.
    TakenBy(Box<Lease>),
}

/// How taking a lock ended.
#[derive(Debug)]
pub enum Taking {
    Taken(Box<Hold>),
    /// Somebody else still holds it.
    InVain(Box<Seen>),
    /// The store does not let us.
    Failed {
        error: Box<ProviderError>,
        /// Somebody else may be at work, or has been.
        met_others: bool,
    },
}

enum Attempt {
    Taken {
        came_after_others: bool,
    },
    Held(Box<Seen>),
    /// It was there, and is not, or the other way round.
    Missed,
    /// Somebody else took it over first, and for a moment our lease stood in it.
    Misfired,
}

impl<'a> Lock<'a> {
    pub fn of(stack: &StackId, store: &'a dyn ParameterStore) -> Self {
        Self {
            store,
            name: parameter(stack, "lock"),
        }
    }

    /// Who holds it.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn look(&self) -> Result<Option<Seen>, ProviderError> {
        let found = within("ssm:GetParameter", self.store.read(&self.name)).await?;
        Ok(found.map(|parameter| Seen {
            lease: Lease::from_text(&parameter.value),
            version: parameter.version,
            age: parameter.age,
        }))
    }

    /// Takes it, after waiting for whoever holds it. `tell` hears who that is, and how long the wait has been.
    ///
    /// Once a lock was met, a store that fails is asked again for as long as a holder would be waited for: to go on without
    /// the lock would be to go on beside whoever holds it.
    pub async fn take(
        &self,
        lease: &Lease,
        patience: Duration,
        mut tell: impl FnMut(&Seen, Duration),
    ) -> Taking {
        let mut lease = Lease {
            lease_seconds: LENGTH.as_secs(),
            ..lease.clone()
        };
        let started = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut met_others = false;
        let mut holder = None;
        let mut misfires = 0;
        loop {
            let renewed = (Instant::now(), SystemTime::now());
            match self.attempt(&lease, &mut met_others).await {
                Ok(Attempt::Taken { came_after_others }) => {
                    return Taking::Taken(Box::new(Hold {
                        lease,
                        renewed,
                        version: None,
                        came_after_others,
                        lost: None,
                    }));
                }
                Ok(Attempt::Held(seen)) if started.elapsed() >= patience => {
                    return Taking::InVain(seen);
                }
                Ok(Attempt::Held(seen)) => {
                    tell(&seen, started.elapsed());
                    holder = Some(seen);
                }
                // It changes under our eyes, and not for ever: one look and one put at a time.
                Ok(Attempt::Missed) if started.elapsed() > patience.max(PATIENCE) => {
                    let text = "the lock comes and goes";
                    let kind = ErrorKind::TimedOut;
                    return Taking::Failed {
                        error: Box::new(ProviderError::new(kind, "ssm:PutParameter", text)),
                        met_others: true,
                    };
                }
                Ok(Attempt::Missed) => {}
                Ok(Attempt::Misfired) => misfires += 1,
                Err(error) => {
                    // What was sent may still arrive, and too late.
                    misfires += 1;
                    let passes = matches!(
                        error.kind,
                        ErrorKind::Throttled
                            | ErrorKind::Transient
                            | ErrorKind::TimedOut
                            | ErrorKind::Unclear
                    );
                    let is_over = started.elapsed() >= patience;
                    match holder.take() {
                        Some(seen) if passes && is_over => return Taking::InVain(seen),
                        seen if passes && met_others && !is_over => holder = seen,
                        _ => {
                            let error = Box::new(error);
                            return Taking::Failed { error, met_others };
                        }
                    }
                }
            }
            if misfires > 0 {
                lease.id = format!("{}.{misfires}", lease.run());
            }
            let left = patience.saturating_sub(started.elapsed());
            let left = if left.is_zero() { FIRST_PAUSE } else { left };
            sleep(pause.min(left)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn attempt(
        &self,
        lease: &Lease,
        met_others: &mut bool,
    ) -> Result<Attempt, ProviderError> {
        // Without a look, which is a call less where nobody holds it.
        let first = !*met_others;
        if first && self.create(lease).await? {
            return Ok(Attempt::Taken {
                came_after_others: false,
            });
        }
        *met_others = true;
        match self.look().await? {
            None if self.create(lease).await? => Ok(Attempt::Taken {
                came_after_others: true,
            }),
            None => Ok(Attempt::Missed),
            // Made by a call of which no answer came.
            Some(seen) if seen.lease.id == lease.id => Ok(Attempt::Taken {
                came_after_others: !first,
            }),
            Some(seen) if seen.is_over() => self.take_over(seen, lease).await,
            Some(seen) => Ok(Attempt::Held(Box::new(seen))),
        }
    }

    async fn create(&self, lease: &Lease) -> Result<bool, ProviderError> {
        let text = lease.to_text();
        within("ssm:PutParameter", self.store.create(&self.name, &text)).await
    }

    async fn overwrite(&self, text: &str) -> Result<Option<i64>, ProviderError> {
        within("ssm:PutParameter", self.store.overwrite(&self.name, text)).await
    }

    async fn take_over(&self, seen: Seen, lease: &Lease) -> Result<Attempt, ProviderError> {
        let taken = Attempt::Taken {
            came_after_others: true,
        };
        let next = seen.version + 1;
        let Some(version) = self.overwrite(&lease.to_text()).await? else {
            return Ok(Attempt::Missed);
        };
        // What we wrote over is what we have seen. A lock that was given back and made anew counts from 1 again.
        let before = self.version(version - 1).await?;
        let is_seen = |text: &String| Lease::from_text(text) == seen.lease;
        if version == next && before.as_ref().is_some_and(is_seen) {
            return Ok(taken);
        }
        // Whoever got the next version holds it; or else whoever has made it anew.
        let winner = match self.version(next).await? {
            Some(winner) if version != next => Some(winner),
            _ => before,
        };
        let Some(winner) = winner else {
            return Ok(Attempt::Misfired);
        };
        // A call of which no answer came was made again, and the first had been enough.
        if Lease::from_text(&winner).id == lease.id {
            return Ok(taken);
        }
        self.overwrite(&winner).await?;
        Ok(Attempt::Misfired)
    }

    async fn version(&self, number: i64) -> Result<Option<String>, ProviderError> {
        let read = self.store.read_version(&self.name, number);
        within("ssm:GetParameter", read).await
    }

    /// Renews the lease until the run ends, or the lock is lost.
    pub async fn keep(&self, hold: &mut Hold, mut ended: watch::Receiver<bool>) {
        let mut next = hold.renewed.0 + RENEWAL;
        loop {
            tokio::select! {
                biased;
                // A sender that is gone is an end, too.
                _ = ended.wait_for(|ended| *ended) => return,
                () = sleep_until(next) => {}
            }
            let began = Instant::now();
            let given_up = async {
                let _ = ended.wait_for(|ended| *ended).await;
                sleep(LAST_RENEWAL).await;
            };
            let renewed = tokio::select! {
                biased;
                renewed = self.renew(hold) => renewed,
                () = given_up => return,
            };
            if hold.lost.is_some() {
                return;
            }
            // If it goes on failing, the lease runs out, which the release sees.
            next = match renewed {
                Ok(()) => began + RENEWAL,
                Err(_) => Instant::now() + RETRY,
            };
        }
    }

    async fn renew(&self, hold: &mut Hold) -> Result<(), ProviderError> {
        let now = (Instant::now(), SystemTime::now());
        let settled = hold.version.filter(|version| *version >= SETTLED);
        let version = match settled.filter(|_| hold.age() < LENGTH) {
            Some(version) => version,
            None => match self.version_of(hold).await? {
                Some(version) => version,
                None => return Ok(()),
            },
        };
        let Some(written) = self.overwrite(&hold.lease.to_text()).await? else {
            hold.lost = Some(Loss::Removed);
            return Ok(());
        };
        // Somebody came between this renewal and the look or the renewal before it: it is theirs, unless it was ourselves,
        // by a call of which no answer came.
        if written != version + 1
            && let Some(text) = self.version(written - 1).await?
            && let lease = Lease::from_text(&text)
            && lease.id != hold.lease.id
        {
            self.overwrite(&text).await?;
            hold.lost = Some(Loss::TakenBy(Box::new(lease)));
            return Ok(());
        }
        hold.renewed = now;
        hold.version = Some(written);
        Ok(())
    }

    /// Gives it back, unless it is somebody else's by now.
    ///
    /// # Errors
    /// Those of the store; then the lease runs out by itself.
    pub async fn release(&self, hold: &mut Hold) -> Result<(), ProviderError> {
        if hold.lost.is_some() {
            return Ok(());
        }
        if hold.age() < FRESH || self.version_of(hold).await?.is_some() {
            self.delete().await?;
        }
        Ok(())
    }

    /// The version of a lock that is ours; otherwise it is known to be lost from here on.
    async fn version_of(&self, hold: &mut Hold) -> Result<Option<i64>, ProviderError> {
        let is_ours = |seen: &Seen| seen.lease.id == hold.lease.id;
        let mut found = self.look().await?;
        if found.as_ref().is_some_and(|seen| !is_ours(seen)) {
            // Whoever came too late to take over an older lock puts back what was here.
            sleep(RETRY).await;
            found = self.look().await?;
        }
        match found {
            Some(seen) if is_ours(&seen) => Ok(Some(seen.version)),
            found => {
                let taken_by = |seen: Seen| Loss::TakenBy(Box::new(seen.lease));
                hold.lost = Some(found.map_or(Loss::Removed, taken_by));
                Ok(None)
            }
        }
    }

    /// Takes it away if the run of a lease has it, and says whether it had.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn remove(&self, lease: &Lease) -> Result<bool, ProviderError> {
        match self.look().await? {
            Some(seen) if seen.lease.run() == lease.run() => self.delete().await,
            _ => Ok(false),
        }
    }

    async fn delete(&self) -> Result<bool, ProviderError> {
        within("ssm:DeleteParameter", self.store.delete(&self.name)).await
    }
}

impl Hold {
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    /// For how long it has not been known to be ours.
    fn age(&self) -> Duration {
        let (steady, set) = self.renewed;
        steady.elapsed().max(set.elapsed().unwrap_or_default())
    }
}

/// An answer, if it comes in time.
async fn within<T>(
    operation: &str,
    answer: impl Future<Output = Result<T, ProviderError>>,
) -> Result<T, ProviderError> {
    let late = || {
        let text = format!("no answer within {} s", PATIENCE.as_secs());
        Err(ProviderError::new(ErrorKind::TimedOut, operation, text))
    };
    timeout(PATIENCE, answer).await.unwrap_or_else(|_| late())
}
