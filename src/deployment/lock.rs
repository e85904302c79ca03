//! The lock of a stack: one parameter that holds a lease.
//!
//! # Why two do not hold it at once
//!
//! A lock that is not there is made by a create-only put, of which SSM lets one succeed. A lock whose lease has run out is
//! taken over by writing over it. SSM has no "write if unchanged", but it numbers versions one after the other: of all who
//! have seen version 7 run out and write over it, one gets version 8, and holds the lock. The others see by a higher number
//! that they came too late, put back what stands in version 8, and go on waiting.
//!
//! Deleting it and making it anew, the other way, would not do: the deletion of a slow one hits the fresh lock of a quick
//! one, and both believe that they hold it.
//!
//! What is left: a holder who was out for longer than its lease (a suspended laptop) and does not know yet that somebody has
//! taken over; and `unlock`, which takes a lock from a run that goes on. Such a run finds out when it renews its lease, at
//! the latest, and from then on leaves the lock alone. Until then two are at work on one stack. Nothing depends on that not
//! happening (see [`super`]).

use std::future::Future;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::lease::{LENGTH, Lease, Seen};
use super::{ParameterStore, parameter};
use crate::resource::{ErrorKind, ProviderError, StackId};

/// Between two renewals: two may fail, and the lease still holds.
const RENEWAL: Duration = Duration::from_secs(20);

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
    renewed: (Instant, SystemTime),
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
}

enum Attempt {
    Taken {
        came_after_others: bool,
    },
    Held(Box<Seen>),
    /// It was there, and is not, or the other way round.
    Missed,
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
    /// # Errors
    /// Those of the store.
    pub async fn take(
        &self,
        lease: &Lease,
        patience: Duration,
        mut tell: impl FnMut(&Seen, Duration),
    ) -> Result<Taking, ProviderError> {
        let lease = Lease {
            lease_seconds: LENGTH.as_secs(),
            ..lease.clone()
        };
        let started = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut waited = false;
        loop {
            let renewed = (Instant::now(), SystemTime::now());
            match self.attempt(&lease, !waited).await? {
                Attempt::Taken { came_after_others } => {
                    return Ok(Taking::Taken(Box::new(Hold {
                        lease,
                        renewed,
                        came_after_others: waited || came_after_others,
                        lost: None,
                    })));
                }
                Attempt::Held(seen) => {
                    let left = patience.saturating_sub(started.elapsed());
                    if left.is_zero() {
                        return Ok(Taking::InVain(seen));
                    }
                    tell(&seen, started.elapsed());
                    pause = pause.min(left);
                }
                // It changes under our eyes, and not for ever: one look and one put at a time.
                Attempt::Missed if started.elapsed() > patience.max(PATIENCE) => {
                    let text = "the lock comes and goes";
                    let kind = ErrorKind::TimedOut;
                    return Err(ProviderError::new(kind, "ssm:PutParameter", text));
                }
                Attempt::Missed => {}
            }
            waited = true;
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// `first` tries to make it without a look, which is a call less where nobody holds it.
    async fn attempt(&self, lease: &Lease, first: bool) -> Result<Attempt, ProviderError> {
        if first && self.create(lease).await? {
            return Ok(Attempt::Taken {
                came_after_others: false,
            });
        }
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
        if version == next {
            return Ok(taken);
        }
        let read = self.store.read_version(&self.name, next);
        let Some(winner) = within("ssm:GetParameter", read).await? else {
            // Removed, and made anew by somebody: it was theirs that we wrote over.
            return Ok(Attempt::Missed);
        };
        // A call of which no answer came was made again, and the first had been enough.
        if Lease::from_text(&winner).id == lease.id {
            return Ok(taken);
        }
        self.overwrite(&winner).await?;
        Ok(Attempt::Missed)
    }

    /// Renews the lease until the run ends, or the lock is lost.
    pub async fn keep(&self, hold: &mut Hold, mut ended: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                biased;
                // A sender that is gone is an end, too.
                _ = ended.wait_for(|ended| *ended) => return,
                () = sleep(RENEWAL) => {}
            }
            let given_up = async {
                let _ = ended.wait_for(|ended| *ended).await;
                sleep(LAST_RENEWAL).await;
            };
            tokio::select! {
                biased;
                // What went wrong may go well in 20 s; if it does not, the lease runs out, which the release sees.
                _ = self.renew(hold) => {}
                () = given_up => return,
            }
            if hold.lost.is_some() {
                return;
            }
        }
    }

    async fn renew(&self, hold: &mut Hold) -> Result<(), ProviderError> {
        let now = (Instant::now(), SystemTime::now());
        hold.lost = self.loss(&hold.lease).await?;
        if hold.lost.is_none() {
            match self.overwrite(&hold.lease.to_text()).await? {
                Some(_) => hold.renewed = now,
                None => hold.lost = Some(Loss::Removed),
            }
        }
        Ok(())
    }

    /// Why a lease is not in force any more.
    async fn loss(&self, lease: &Lease) -> Result<Option<Loss>, ProviderError> {
        Ok(match self.look().await? {
            None => Some(Loss::Removed),
            Some(seen) if seen.lease.id != lease.id => Some(Loss::TakenBy(Box::new(seen.lease))),
            Some(_) => None,
        })
    }

    /// Gives it back.
    ///
    /// # Errors
    /// Those of the store; then the lease runs out by itself.
    pub async fn release(&self, hold: &mut Hold) -> Result<(), ProviderError> {
        let (steady, set) = hold.renewed;
        let since = steady.elapsed().max(set.elapsed().unwrap_or_default());
        // It may be somebody else's by now.
        if hold.lost.is_none() && since >= hold.lease.length() {
            hold.lost = self.loss(&hold.lease).await?;
        }
        if hold.lost.is_none() {
            self.delete().await?;
        }
        Ok(())
    }

    /// Takes it away if it is that of a lease, and says whether it was.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn remove(&self, id: &str) -> Result<bool, ProviderError> {
        match self.look().await? {
            Some(seen) if seen.lease.id == id => self.delete().await,
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
