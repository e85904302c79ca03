//! The lock of a stack: one parameter that holds a lease.
//!
//! # Why it never has two holders at once
//!
//! A lock that was never taken is made by a create-only put, of which SSM lets one succeed. From then on it is there: one
//! that is given back, or whose lease has run out, is taken by writing over it. SSM has no "write if unchanged", but it
//! numbers versions one after the other: of all who have seen that version 7 is free and write over it, one gets version 8,
//! and holds the lock. Each lease says which version it was written over, so that the others see by another number that they
//! came too late, and every reader can tell such a lease from one that holds. The late ones put back what held before they
//! wrote, and go on waiting; or, where that had been given back by then, write once more over what they wrote themselves, of
//! which the same is true as of version 7. What they wrote may stand there for a moment: it bears an id that they do not use
//! again, so that none of them takes it for a lock that it holds. It looks held, and never free.
//!
//! Nothing is deleted: SSM wants half a minute between a deletion and the next creation, and its numbers would begin again,
//! so that the deletion of a slow one hits the fresh lock of a quick one, and both believe that they hold it. For the same
//! reason a lock is looked at before it is renewed or given back, except for one that was ours so short a time ago that its
//! version or its age says enough. (Earlier versions of this program do delete.)
//!
//! Two cases remain: a holder who was out for longer than its lease (a suspended laptop) and does not know yet that another
//! run has taken over; and `unlock`, which takes a lock from a run that goes on. Such a run finds out when it renews its
//! lease, at the latest, says so, and from then on leaves the lock alone. Until then two are at work on one stack. Nothing
//! depends on that not happening (see [`super`]).
//!
//! # Cost
//!
//! One call to take it and one to give it back, where there is no contention: whether it is free was read together with the
//! history.

use std::future::Future;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::lease::{LENGTH, Lease, Seen};
use super::{ParameterStore, parameter};
use crate::resource::{ErrorKind, ProviderError, StackId};

/// The time from the beginning of one renewal to the next: half a lease, so that there is time to try again.
const RENEWAL: Duration = Duration::from_secs(30);

/// The pause after a renewal that failed, however long that took: the lease still holds for a few more.
const RETRY: Duration = Duration::from_secs(3);

/// A lock that was ours within this time is not looked at again before it is given back.
const FRESH: Duration = Duration::from_secs(5);

/// A lock that was read within this time is taken to be unchanged. The user may have taken time to think about an answer
/// since, and other runs have begun: then the lock is looked at first, so that no run writes over the lock of a run that
/// goes on.
const JUST_READ: Duration = Duration::from_secs(60);

/// The version from which on a lock is not looked at before it is renewed. One that was deleted and made again since the
/// last renewal, less than a lease ago, has been renewed once or twice: the version that the renewal gets tells them apart.
const SETTLED: i64 = 5;

/// The last part of the parameter's name.
pub(super) const PARAMETER: &str = "lock";

/// The number of versions to go back in search of the one that holds, where late runs have written over each other.
const MOST_LATE: i64 = 64;

/// The number of times that a run that came too late tries at once to be the next, before it pauses as waiting runs do.
const MOST_HASTY: u32 = 5;

/// The time limit for one answer of the store. A caller that cannot have the lock by then goes on without it.
const PATIENCE: Duration = Duration::from_secs(10);

/// The time that a renewal gets that is under way when the run ends: were it let go, it could come after the release, and
/// write over the lease of another holder.
const LAST_RENEWAL: Duration = Duration::from_millis(500);

/// The pause between two looks at a lock that another run holds.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The lock of a stack.
#[derive(Clone)]
pub struct Lock<'a> {
    store: &'a dyn ParameterStore,
    pub(super) name: String,
}

/// The content of a lock, and the time when it was read.
#[derive(Debug, Clone)]
pub struct Known {
    pub seen: Seen,
    pub read_at: Instant,
}

/// A lock that is ours.
#[derive(Debug)]
pub struct Hold {
    lease: Lease,
    /// The time when it was last known to be ours, by two clocks: the first stands still while a machine is suspended, and
    /// the second can be set.
    pub(super) renewed: (Instant, SystemTime),
    /// The version that was written last.
    version: i64,
    /// True if another run had it a moment ago.
    pub came_after_others: bool,
    /// The reason why it is not ours any more.
    pub lost: Option<Loss>,
}

/// The way in which a lock was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loss {
    /// Another user has taken it away: `unlock`.
    Removed,
    /// Another run holds it.
    TakenBy(Box<Lease>),
}

/// The outcome of taking a lock.
#[derive(Debug)]
pub enum Taking {
    Taken(Box<Hold>),
    /// Another run still holds it.
    InVain(Box<Seen>),
    /// The store does not let us.
    Failed {
        error: Box<ProviderError>,
        /// True if another run may be at work, or has been.
        met_others: bool,
    },
}

enum Attempt {
    Taken {
        lease: Box<Lease>,
        version: i64,
        came_after_others: bool,
    },
    Held(Box<Seen>),
    /// The lock was there, and is gone, or the other way round.
    Missed,
    /// Another run took it over first, and for a moment our lease stood in it. Holds what may be written over at once, if
    /// that run has given it back.
    Misfired(Option<Box<Known>>),
}

/// The version that holds, among a lock's versions.
struct Holding {
    lease: Lease,
    text: String,
}

impl<'a> Lock<'a> {
    pub fn of(stack: &StackId, store: &'a dyn ParameterStore) -> Self {
        Self {
            store,
            name: parameter(stack, PARAMETER),
        }
    }

    /// Returns the holder of the lock.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn look(&self) -> Result<Option<Seen>, ProviderError> {
        let found = self.peek().await?;
        Ok(found.filter(|seen| !seen.lease.released))
    }

    /// Returns the content of the lock, also where that has been given back.
    async fn peek(&self) -> Result<Option<Seen>, ProviderError> {
        let found = within("ssm:GetParameter", self.store.read(&self.name)).await?;
        Ok(found.map(Seen::from))
    }

    /// Takes it, after waiting for its holder. `tell` is told who the holder is, and how long the wait has been. `known` is
    /// what stood in it, where that was read and it was there.
    ///
    /// Once a lock was met, a store that fails is asked again for as long as a holder would be waited for: going on without
    /// the lock would mean going on beside its holder.
    pub async fn take(
        &self,
        lease: &Lease,
        known: Option<Known>,
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
        let mut known = known.map(Box::new);
        loop {
            let renewed = (Instant::now(), SystemTime::now());
            let mut is_hasty = false;
            match self.attempt(&lease, known.take(), &mut met_others).await {
                Ok(Attempt::Taken {
                    lease,
                    version,
                    came_after_others,
                }) => {
                    return Taking::Taken(Box::new(Hold {
                        lease: *lease,
                        renewed,
                        version,
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
                // It keeps changing, but not permanently: one look and one put at a time.
                Ok(Attempt::Missed) if started.elapsed() > patience.max(PATIENCE) => {
                    let text = "the lock comes and goes";
                    let kind = ErrorKind::TimedOut;
                    return Taking::Failed {
                        error: Box::new(ProviderError::new(kind, "ssm:PutParameter", text)),
                        met_others: true,
                    };
                }
                Ok(Attempt::Missed) => {}
                Ok(Attempt::Misfired(free)) => {
                    misfires += 1;
                    met_others = true;
                    is_hasty = free.is_some() && misfires <= MOST_HASTY;
                    known = free.filter(|_| is_hasty);
                }
                Err(error) => {
                    // The request that was sent may still arrive, and too late.
                    misfires += 1;
                    let passes = matches!(
                        error.kind,
                        ErrorKind::Throttled
                            | ErrorKind::Transient
                            | ErrorKind::TimedOut
                            | ErrorKind::Indeterminate
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
            if is_hasty {
                continue;
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
        known: Option<Box<Known>>,
        met_others: &mut bool,
    ) -> Result<Attempt, ProviderError> {
        let made = |came_after_others| Attempt::Taken {
            lease: Box::new(lease.clone()),
            version: 1,
            came_after_others,
        };
        let first = !*met_others;
        let mut version = None;
        match known {
            // Without a look, which saves a call where the lock is free.
            Some(known) if known.seen.is_over() && known.read_at.elapsed() < JUST_READ => {
                let came_after_others = !(first && known.seen.lease.released);
                return self.keep_live(known.seen, lease, came_after_others).await;
            }
            None if first && self.create(lease).await? => return Ok(made(false)),
            Some(known) => version = first.then_some(known.seen.version),
            None => {}
        }
        *met_others = true;
        match self.peek().await? {
            None if self.create(lease).await? => Ok(made(true)),
            None => Ok(Attempt::Missed),
            // Made by a call whose response was lost.
            Some(seen) if seen.lease.id == lease.id && !seen.lease.released => Ok(Attempt::Taken {
                version: seen.version,
                lease: Box::new(seen.lease),
                came_after_others: !first,
            }),
            Some(seen) if seen.is_over() => {
                let is_as_known = seen.lease.released && version == Some(seen.version);
                self.keep_live(seen, lease, !is_as_known).await
            }
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

    /// Writes over a lock that was seen to be free.
    async fn keep_live(
        &self,
        seen: Seen,
        lease: &Lease,
        came_after_others: bool,
    ) -> Result<Attempt, ProviderError> {
        let lease = Lease {
            after: Some(seen.version),
            ..lease.clone()
        };
        let taken = |lease, version| {
            Ok(Attempt::Taken {
                lease: Box::new(lease),
                version,
                came_after_others,
            })
        };
        let Some(version) = self.overwrite(&lease.to_text()).await? else {
            return Ok(Attempt::Missed);
        };
        if version == seen.version + 1 {
            // A lock that was given back stays so until it is written over. In place of a dead holder's lock, an earlier
            // version of this program may have made another one meanwhile, which counts from 1 again.
            let is_seen = |text: &String| Lease::from_text(text) == seen.lease;
            if seen.lease.released
                || self
                    .version(seen.version)
                    .await?
                    .as_ref()
                    .is_some_and(is_seen)
            {
                return taken(lease, version);
            }
        }
        let free_at = if version > seen.version + 1 {
            seen.version
        } else {
            0
        };
        // A call whose response was lost was made again, and the first had been enough.
        match self.holding(free_at, version).await? {
            Some(holding) if holding.lease.id == lease.id => taken(lease, version),
            holding => self.take_back(holding, version).await,
        }
    }

    /// Puts back the lease that holds, where a lease was written over it that came too late. A lease that was given back is
    /// not put back: it would look free to some, while others have it by then.
    async fn take_back(
        &self,
        mut holding: Option<Holding>,
        mut written: i64,
    ) -> Result<Attempt, ProviderError> {
        for _ in 0..MOST_LATE {
            let Some(held) = holding.filter(|holding| !holding.lease.released) else {
                let seen = Seen {
                    lease: Lease::default().given_back(),
                    version: written,
                    age: Duration::ZERO,
                };
                let read_at = Instant::now();
                return Ok(Attempt::Misfired(Some(Box::new(Known { seen, read_at }))));
            };
            let Some(version) = self.overwrite(&held.text).await? else {
                return Ok(Attempt::Missed);
            };
            // This has in its turn written over what came in between.
            match self.holding(written, version).await? {
                Some(newer) if newer.lease.id != held.lease.id || newer.lease.released => {
                    holding = Some(newer);
                    written = version;
                }
                _ => break,
            }
        }
        Ok(Attempt::Misfired(None))
    }

    /// The last version that holds among those written after one version and before another; `None` if all of them came too
    /// late.
    async fn holding(&self, after: i64, before: i64) -> Result<Option<Holding>, ProviderError> {
        let oldest = (after + 1).max(before - MOST_LATE);
        for number in (oldest..before).rev() {
            let Some(text) = self.version(number).await? else {
                continue;
            };
            let lease = Lease::from_text(&text);
            if self.holds(&lease, number).await? {
                return Ok(Some(Holding { lease, text }));
            }
        }
        if oldest > after + 1 {
            let text = "the lock changes too fast";
            let kind = ErrorKind::TimedOut;
            return Err(ProviderError::new(kind, "ssm:GetParameter", text));
        }
        Ok(None)
    }

    /// Returns whether a lease that stands in a version was written over a free one, and not too late.
    async fn holds(&self, lease: &Lease, number: i64) -> Result<bool, ProviderError> {
        let next = lease.after.map(|after| after + 1);
        let Some(next) = next.filter(|next| *next != number) else {
            return Ok(true);
        };
        // It may have been renewed, or put back. The oldest versions are not kept.
        let first = self.version(next).await?;
        Ok(first.is_none_or(|text| Lease::from_text(&text).id == lease.id))
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
        let is_known = hold.version >= SETTLED && hold.age() < LENGTH;
        let version = if is_known {
            hold.version
        } else {
            match self.version_of(hold).await? {
                Some(version) => version,
                None => return Ok(()),
            }
        };
        let Some(written) = self.overwrite(&hold.lease.to_text()).await? else {
            hold.lost = Some(Loss::Removed);
            return Ok(());
        };
        // Another run came between this renewal and the look or the renewal before it: it is theirs, unless they came too
        // late, or it was ourselves, by a call whose response was lost.
        if written != version + 1
            && let Some(holding) = self.holding_since(version, written).await?
            && (holding.lease.id != hold.lease.id || holding.lease.released)
        {
            if holding.lease.released {
                hold.lost = Some(Loss::Removed);
                self.overwrite(&holding.text).await?;
            } else {
                hold.lost = Some(Loss::TakenBy(Box::new(holding.lease.clone())));
                self.take_back(Some(holding), written).await?;
            }
            return Ok(());
        }
        hold.renewed = now;
        hold.version = written;
        Ok(())
    }

    /// Does the same as [`Self::holding`], where the lock may have been deleted, and counted from 1 again.
    async fn holding_since(
        &self,
        version: i64,
        before: i64,
    ) -> Result<Option<Holding>, ProviderError> {
        let after = if before > version { version } else { 0 };
        self.holding(after, before).await
    }

    /// Gives it back, unless another run has it by now.
    ///
    /// # Errors
    /// Those of the store; then the lease runs out by itself.
    pub async fn release(&self, hold: &mut Hold) -> Result<(), ProviderError> {
        if hold.lost.is_some() {
            return Ok(());
        }
        let version = if hold.age() < FRESH {
            hold.version
        } else {
            match self.version_of(hold).await? {
                Some(version) => version,
                None => return Ok(()),
            }
        };
        let text = hold.lease.given_back().to_text();
        let Some(written) = self.overwrite(&text).await? else {
            return Ok(());
        };
        // It was given back twice, by a call whose response was lost, and another run has it by now.
        if written != version + 1
            && let Some(holding) = self.holding_since(version, written).await?
            && holding.lease.id != hold.lease.id
            && !holding.lease.released
        {
            self.take_back(Some(holding), written).await?;
        }
        Ok(())
    }

    /// The version of a lock that is ours; otherwise it is known to be lost from here on.
    async fn version_of(&self, hold: &mut Hold) -> Result<Option<i64>, ProviderError> {
        let is_ours = |seen: &Seen| seen.lease.id == hold.lease.id;
        let mut found = self.look().await?;
        if found.as_ref().is_some_and(|seen| !is_ours(seen)) {
            // A run that came too late to take over an older lock puts back what was here.
            sleep(RETRY).await;
            found = self.look().await?;
        }
        let Some(seen) = found else {
            hold.lost = Some(Loss::Removed);
            return Ok(None);
        };
        if is_ours(&seen) {
            return Ok(Some(seen.version));
        }
        // Or it was let go of before it could.
        let holding = self.holding(hold.version - 1, seen.version + 1).await?;
        if holding.is_some_and(|holding| holding.lease.id == hold.lease.id) {
            return Ok(Some(seen.version));
        }
        hold.lost = Some(Loss::TakenBy(Box::new(seen.lease)));
        Ok(None)
    }

    /// Removes the lock if the run of a lease has it, and returns whether it had.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn remove(&self, lease: &Lease) -> Result<bool, ProviderError> {
        let Some(seen) = self.look().await? else {
            return Ok(false);
        };
        if seen.lease.run() != lease.run() {
            return Ok(false);
        }
        // It may have come too late, and not have taken that back yet.
        if !self.holds(&seen.lease, seen.version).await? {
            let after = seen.lease.after.unwrap_or_default();
            let holding = self.holding(after, seen.version).await?;
            if holding
                .as_ref()
                .is_some_and(|holding| !holding.lease.released)
            {
                self.take_back(holding, seen.version).await?;
                return Ok(true);
            }
        }
        let written = self.overwrite(&seen.lease.given_back().to_text()).await?;
        Ok(written.is_some())
    }
}

impl Hold {
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    /// The time for which it has not been known to be ours.
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
