//! An account in which things go wrong, at calls that a seed has chosen.
//!
//! Only calls that change something are numbered: reads find what these leave behind.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;

use super::{FakeAccount, Random};
use crate::execute::Cancel;
use crate::resource::provider::{Creation, Deletion, Indexed, Progress, Query, Update};
use crate::resource::{
    Catalog, Condition, ErrorKind, Observed, Properties, Provider, ProviderError, StackId, Urn,
};

/// What goes wrong at one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The process is killed before the account acts.
    KilledBefore,
    /// The process is killed after the account has acted, before it hears so.
    KilledAfter,
    /// The call is lost on its way.
    Lost,
    /// The account acts, and the answer is lost.
    AnswerLost,
    /// The account refuses.
    Refused(ErrorKind),
    /// The credentials expire: this call and all that follow are refused.
    Expired,
    /// The user presses Ctrl-C.
    Cancelled,
    /// The user presses Ctrl-C twice.
    CancelledTwice,
    /// What the call makes will never work.
    Broken,
    /// Somebody else deletes something of ours that nothing uses.
    Deleted,
    /// Somebody else changes something of ours.
    Edited,
}

impl Fault {
    /// Everything that can go wrong.
    pub const ALL: &[Self] = &[
        Self::KilledBefore,
        Self::KilledAfter,
        Self::Lost,
        Self::AnswerLost,
        Self::Refused(ErrorKind::Transient),
        Self::Refused(ErrorKind::Throttled),
        Self::Refused(ErrorKind::Denied),
        Self::Refused(ErrorKind::Quota),
        Self::Expired,
        Self::Cancelled,
        Self::CancelledTwice,
        Self::Broken,
        Self::Deleted,
        Self::Edited,
    ];

    /// Whether the run that meets it hears of an error: it must not end as if all were well.
    pub fn is_heard(self) -> bool {
        matches!(
            self,
            Self::Lost | Self::AnswerLost | Self::Refused(_) | Self::Expired
        )
    }
}

/// An account whose calls meet faults.
pub struct FaultyAccount<'a> {
    account: &'a FakeAccount,
    faults: BTreeMap<usize, Fault>,
    /// The type that may not be read.
    denied: Option<String>,
    cancel: Cancel,
    random: Mutex<Random>,
    /// What was called, one line each.
    calls: Mutex<Vec<String>>,
    met: Mutex<Vec<Fault>>,
    expired: AtomicBool,
    killed: Notify,
}

impl<'a> FaultyAccount<'a> {
    /// `faults` are met at the calls of these numbers, counted from 0; `cancel` is the one of the run.
    pub fn new(
        account: &'a FakeAccount,
        faults: BTreeMap<usize, Fault>,
        cancel: Cancel,
        random: Random,
    ) -> Self {
        Self {
            account,
            faults,
            denied: None,
            cancel,
            random: Mutex::new(random),
            calls: Mutex::default(),
            met: Mutex::default(),
            expired: AtomicBool::new(false),
            killed: Notify::new(),
        }
    }

    /// Refuses to read a type.
    #[must_use]
    pub fn denying(mut self, token: Option<String>) -> Self {
        self.denied = token;
        self
    }

    /// Returns once the process would be dead. Whoever runs a plan on this account has to drop it then.
    pub async fn killed(&self) {
        self.killed.notified().await;
    }

    /// The calls that change something, in order, with what went wrong.
    pub fn calls(&self) -> Vec<String> {
        lock(&self.calls).clone()
    }

    /// The faults that were met.
    pub fn met(&self) -> Vec<Fault> {
        lock(&self.met).clone()
    }

    /// One call that changes something: its answer, and whether what it makes is broken.
    async fn call<T>(
        &self,
        operation: String,
        act: impl Future<Output = Result<T, ProviderError>>,
    ) -> Result<(T, bool), ProviderError> {
        // Calls under way at once reach the account in any order.
        let delay = lock(&self.random).below(200);
        tokio::time::sleep(Duration::from_millis(delay as u64)).await;
        let fault = {
            let mut calls = lock(&self.calls);
            let fault = self.faults.get(&calls.len()).copied();
            let note = fault.map_or_else(String::new, |fault| format!("  <- {fault:?}"));
            let line = format!("{} {operation}{note}", calls.len());
            calls.push(line);
            fault
        };
        lock(&self.met).extend(fault);
        let error = |kind| Err(ProviderError::new(kind, operation.as_str(), "simulated"));
        if self.expired.load(Ordering::Relaxed) {
            return error(ErrorKind::Credentials);
        }
        match fault {
            None => {}
            Some(Fault::Broken) => return Ok((act.await?, true)),
            Some(Fault::KilledBefore) => return self.die().await,
            Some(Fault::KilledAfter) => {
                let _ = act.await;
                return self.die().await;
            }
            Some(Fault::Lost) => return error(ErrorKind::Unclear),
            Some(Fault::AnswerLost) => {
                let _ = act.await;
                return error(ErrorKind::Unclear);
            }
            Some(Fault::Refused(kind)) => return error(kind),
            Some(Fault::Expired) => {
                self.expired.store(true, Ordering::Relaxed);
                return error(ErrorKind::Credentials);
            }
            Some(Fault::Cancelled) => self.cancel.request(),
            Some(Fault::CancelledTwice) => {
                self.cancel.request();
                self.cancel.request();
            }
            Some(Fault::Deleted) => self.delete_something(),
            Some(Fault::Edited) => self.edit_something(),
        }
        Ok((act.await?, false))
    }

    async fn die<T>(&self) -> T {
        self.killed.notify_one();
        std::future::pending().await
    }

    /// Something of ours that nothing refers to.
    fn delete_something(&self) {
        let objects = self.account.objects();
        let free: Vec<&Observed> = objects
            .iter()
            .filter(|object| object.tags.owner().is_some())
            .filter(|object| !objects.iter().any(|other| refers(other, object)))
            .collect();
        if let Some(object) = lock(&self.random).pick(&free) {
            self.account.remove(&object.id);
        }
    }

    /// A property that has a default gets another value.
    fn edit_something(&self) {
        let mut objects = self.account.objects();
        objects.retain(|object| object.tags.is_empty() || object.tags.owner().is_some());
        let mut random = lock(&self.random);
        let Some(object) = random.pick(&objects) else {
            return;
        };
        let Some(schema) = self.account.catalog().get(&object.token) else {
            return;
        };
        let properties: Vec<&str> = schema
            .properties
            .iter()
            .filter(|property| {
                !property.replaces && property.unset != crate::resource::schema::Unset::Required
            })
            .map(|property| property.name)
            .collect();
        if let Some(property) = random.pick(&properties) {
            self.account.edit(&object.id, |object| {
                object
                    .inputs
                    .insert((*property).to_owned(), "somebody's".into());
            });
        }
    }
}

fn refers(object: &Observed, to: &Observed) -> bool {
    object.id != to.id
        && object
            .inputs
            .values()
            .any(|value| value.as_str() == Some(&to.id))
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
        self.account.facts().await
    }

    async fn index(&self, stack: &StackId) -> Result<Vec<Indexed>, ProviderError> {
        self.account.index(stack).await
    }

    async fn read(&self, query: Query<'_>) -> Result<Vec<Observed>, ProviderError> {
        if self.denied.as_deref() == Some(query.token) {
            return Err(ProviderError::new(
                ErrorKind::Denied,
                query.token,
                "simulated",
            ));
        }
        self.account.read(query).await
    }

    async fn create(&self, request: Creation<'_>) -> Result<Observed, ProviderError> {
        let (made, broken) = self
            .call(format!("create {}", request.urn.name()), async {
                self.account.create(request).await
            })
            .await?;
        if !broken {
            return Ok(made);
        }
        self.account.edit(&made.id, |object| {
            object.condition = Condition::Broken("simulated".to_owned());
        });
        Err(ProviderError::new(
            ErrorKind::Failed,
            format!("create {}", request.urn.name()),
            "simulated",
        ))
    }

    async fn update(&self, request: Update<'_>) -> Result<Observed, ProviderError> {
        self.call(format!("update {}", request.urn.name()), async {
            self.account.update(request).await
        })
        .await
        .map(|(updated, _)| updated)
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
        self.call(format!("delete {}", request.observed.id), async {
            self.account.delete(request).await
        })
        .await
        .map(|((), _)| ())
    }
}
