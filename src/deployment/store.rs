//! What the lock and the history need of SSM's Parameter Store.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;

use crate::resource::ProviderError;

/// A parameter as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    pub value: String,
    /// Counted up by the store with every change, from 1, one at a time. A parameter that is deleted and made again begins
    /// at 1 again.
    pub version: i64,
    /// Since its last change, by the store's own clock: nobody's else has to be right.
    pub age: Duration,
}

/// A parameter as it was once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    pub number: i64,
    pub value: String,
    pub written: SystemTime,
    /// ARN of who wrote it, by AWS's own account.
    pub by: String,
}

/// Named texts with versions.
#[async_trait]
pub trait ParameterStore: Send + Sync {
    /// Makes a parameter. False if there is one of that name: of several who try, one succeeds.
    async fn create(&self, name: &str, value: &str) -> Result<bool, ProviderError>;

    /// Changes a parameter, and answers the number of the new version. `None` if there is no such parameter.
    async fn overwrite(&self, name: &str, value: &str) -> Result<Option<i64>, ProviderError>;

    /// Makes or changes a parameter.
    async fn put(&self, name: &str, value: &str) -> Result<(), ProviderError>;

    async fn read(&self, name: &str) -> Result<Option<Parameter>, ProviderError>;

    /// How long before `other` a parameter was last written; `None` if it never was. Nothing where `other` is not there or
    /// older.
    async fn written_before(
        &self,
        name: &str,
        other: &str,
    ) -> Result<Option<Duration>, ProviderError>;

    /// The text of one version. `None` if there is no such version.
    async fn read_version(&self, name: &str, number: i64) -> Result<Option<String>, ProviderError>;

    /// False if there was none.
    async fn delete(&self, name: &str) -> Result<bool, ProviderError>;

    /// The versions that are kept, in any order.
    async fn versions(&self, name: &str) -> Result<Vec<Version>, ProviderError>;
}
