//! The part of SSM's Parameter Store that the lock and the history need.
//!
//! Nothing is deleted: "After deleting a parameter, wait for at least 30 seconds to create a parameter with the same name."
//! <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DeleteParameter.html>

use std::time::{Duration, SystemTime};

use async_trait::async_trait;

use crate::resource::ProviderError;

/// A parameter as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    pub value: String,
    /// Counted up by the store with every change, from 1, one at a time. A parameter that is deleted by hand, or by an earlier
    /// version of this program, and made again begins at 1 again.
    pub version: i64,
    /// Since its last change, by the store's own clock: no other has to be right.
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

    /// Makes or changes a parameter, and answers the number of the new version.
    async fn put(&self, name: &str, value: &str) -> Result<i64, ProviderError>;

    async fn read(&self, name: &str) -> Result<Option<Parameter>, ProviderError>;

    /// Up to ten parameters in one call, in the order of their names.
    async fn read_all(&self, names: &[&str]) -> Result<Vec<Option<Parameter>>, ProviderError>;

    /// The text of one version. `None` if there is no such version.
    async fn read_version(&self, name: &str, number: i64) -> Result<Option<String>, ProviderError>;

    /// The versions that are kept, in any order.
    async fn versions(&self, name: &str) -> Result<Vec<Version>, ProviderError>;
}
