//! A parameter store in memory, on the paused clock.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use tokio::time::{Instant, sleep};

use crate::deployment::{Parameter, ParameterStore, Version};
use crate::resource::{ErrorKind, ProviderError};

type Versions = Vec<(i64, String, Instant)>;

#[derive(Default)]
pub struct FakeStore {
    parameters: Mutex<BTreeMap<String, Versions>>,
    chance: Mutex<u64>,
    /// The longest time that each call takes before the store acts, and after.
    pub delay: Duration,
    /// True if now and then a call takes up to eight times as long.
    pub straggles: bool,
    /// The error that every call returns instead.
    pub refusal: Mutex<Option<ErrorKind>>,
    /// The delay after which the first call of this name gets to the store.
    pub late: Mutex<Vec<(Duration, &'static str)>>,
    pub calls: Mutex<Vec<&'static str>>,
}

impl FakeStore {
    /// A slow store, whose timing differs with every seed.
    pub fn slow(seed: u64, delay: Duration) -> Self {
        Self {
            chance: Mutex::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            delay,
            ..Self::default()
        }
    }

    /// Writes a value as another party would.
    pub fn write(&self, name: &str, value: &str) {
        let mut all = self.all();
        let versions = all.entry(name.to_owned()).or_default();
        let number = versions.last().map_or(1, |(number, ..)| number + 1);
        versions.push((number, value.to_owned(), Instant::now()));
    }

    pub fn value(&self, name: &str) -> Option<String> {
        let all = self.all();
        let (_, value, _) = all.get(name)?.last()?;
        Some(value.clone())
    }

    /// The names of all parameters.
    pub fn names(&self) -> Vec<String> {
        self.all().keys().cloned().collect()
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Versions>> {
        lock(&self.parameters)
    }

    async fn pause(&self) {
        let part = {
            let mut chance = lock(&self.chance);
            *chance ^= *chance << 13;
            *chance ^= *chance >> 7;
            *chance ^= *chance << 17;
            *chance % 1000
        };
        let longest = if self.straggles && part.is_multiple_of(5) {
            self.delay * 8
        } else {
            self.delay
        };
        let micros = longest.as_micros() as u64 * part / 1000;
        sleep(Duration::from_micros(micros)).await;
    }

    /// One call: the way there, the deed, the way back.
    async fn call<T>(
        &self,
        operation: &'static str,
        act: impl FnOnce(&mut BTreeMap<String, Versions>) -> T,
    ) -> Result<T, ProviderError> {
        lock(&self.calls).push(operation);
        self.pause().await;
        let late = {
            let mut late = lock(&self.late);
            let found = late.iter().position(|(_, name)| *name == operation);
            found.map(|index| late.remove(index).0)
        };
        sleep(late.unwrap_or_default()).await;
        if let Some(kind) = *lock(&self.refusal) {
            return Err(ProviderError::new(kind, operation, "refused"));
        }
        let answer = act(&mut self.all());
        self.pause().await;
        Ok(answer)
    }
}

#[async_trait]
impl ParameterStore for FakeStore {
    async fn create(&self, name: &str, value: &str) -> Result<bool, ProviderError> {
        self.call("create", |all| {
            let is_new = !all.contains_key(name);
            if is_new {
                all.insert(name.into(), vec![(1, value.into(), Instant::now())]);
            }
            is_new
        })
        .await
    }

    async fn overwrite(&self, name: &str, value: &str) -> Result<Option<i64>, ProviderError> {
        self.call("overwrite", |all| {
            let versions = all.get_mut(name)?;
            let number = versions.last()?.0 + 1;
            versions.push((number, value.into(), Instant::now()));
            Some(number)
        })
        .await
    }

    async fn put(&self, name: &str, value: &str) -> Result<i64, ProviderError> {
        self.call("put", |all| {
            let versions = all.entry(name.to_owned()).or_default();
            let number = versions.last().map_or(1, |(number, ..)| number + 1);
            versions.push((number, value.to_owned(), Instant::now()));
            number
        })
        .await
    }

    async fn read(&self, name: &str) -> Result<Option<Parameter>, ProviderError> {
        self.call("read", |all| found(all, name)).await
    }

    async fn read_all(&self, names: &[&str]) -> Result<Vec<Option<Parameter>>, ProviderError> {
        let read = |all: &mut BTreeMap<String, Versions>| {
            let found = names.iter().map(|name| found(all, name));
            found.collect()
        };
        self.call("read_all", read).await
    }

    async fn read_version(&self, name: &str, number: i64) -> Result<Option<String>, ProviderError> {
        self.call("read_version", |all| {
            let found = all.get(name)?.iter().find(|(other, ..)| *other == number)?;
            Some(found.1.clone())
        })
        .await
    }

    async fn versions(&self, name: &str) -> Result<Vec<Version>, ProviderError> {
        self.call("versions", |all| {
            let versions = all.get(name).into_iter().flatten();
            let versions = versions.map(|(number, value, _)| Version {
                number: *number,
                value: value.clone(),
                written: SystemTime::UNIX_EPOCH,
                by: "arn:aws:iam::123456789012:user/anna".into(),
            });
            versions.collect()
        })
        .await
    }
}

fn found(all: &BTreeMap<String, Versions>, name: &str) -> Option<Parameter> {
    let (version, value, written) = all.get(name)?.last()?;
    Some(Parameter {
        value: value.clone(),
        version: *version,
        age: written.elapsed(),
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
