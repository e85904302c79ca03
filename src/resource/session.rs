//! Answers that several resource types are read from, asked for once per reading of a stack.
//!
//! `DescribeRouteTables` answers for route tables, routes and associations; without sharing, one preview would ask it
//! three times.

use std::any::Any;
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::ProviderError;

type Slot = Arc<OnceCell<Arc<dyn Any + Send + Sync>>>;

/// One reading of a stack.
#[derive(Default)]
pub struct ReadSession {
    answers: Mutex<HashMap<String, Slot>>,
}

impl ReadSession {
    /// The answer kept under `key`, asked for if nobody has yet. Concurrent askers share one call; a failed call is not
    /// kept.
    ///
    /// # Errors
    /// Those of `ask`, or a bug report if two callers use one key for different types.
    pub async fn once<T, F>(
        &self,
        key: &str,
        ask: impl FnOnce() -> F + Send,
    ) -> Result<Arc<T>, ProviderError>
    where
        T: Send + Sync + 'static,
        F: Future<Output = Result<T, ProviderError>> + Send,
    {
        let slot = {
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(answers.entry(key.to_owned()).or_default())
        };
        let answer = slot
            .get_or_try_init(|| async move {
                let answer: Arc<dyn Any + Send + Sync> = Arc::new(ask().await?);
                Ok::<_, ProviderError>(answer)
            })
            .await?;
        Arc::clone(answer).downcast::<T>().map_err(|_| {
            ProviderError::new(
                super::ErrorKind::Bug,
                key,
                "two readers share one answer under different types",
            )
        })
    }
}
