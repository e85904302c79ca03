//! Answers that several resource types are read from, asked for once per reading of a stack.
//!
//! `DescribeRouteTables` answers for route tables, routes and associations; without sharing, one preview would ask it
//! three times.

use std::any::Any;
use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::{BoxFuture, Either, select};
use tokio::sync::OnceCell;

use super::ProviderError;

type Kept = Result<Arc<dyn Any + Send + Sync>, ProviderError>;
type Slot = Arc<OnceCell<Kept>>;

/// One reading of a stack.
#[derive(Default)]
pub struct ReadSession {
    answers: Mutex<HashMap<String, Slot>>,
}

impl ReadSession {
    /// The answer kept under `key`, asked for on first use. Concurrent callers share one call. A refusal is an answer too: a
    /// caller that asks beforehand ([`super::Provider::ahead`]) leaves it to the one that needs the answer.
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
            .get_or_init(|| async move {
                // In a box of no known type: the caller may ask this way itself, and one future in the other grows too deep.
                let asking: BoxFuture<'_, Result<T, ProviderError>> = Box::pin(ask());
                let answer: Arc<dyn Any + Send + Sync> = Arc::new(asking.await?);
                Ok(answer)
            })
            .await;
        answer.clone()?.downcast::<T>().map_err(|_| {
            ProviderError::new(
                super::ErrorKind::Bug,
                key,
                "two readers share one answer under different types",
            )
        })
    }
}

/// Does some work, and other work beside it for as long as it takes: the other work is given up if it is not done by then.
pub async fn beside<T>(work: impl Future<Output = T>, other: impl Future) -> T {
    match select(pin!(work), pin!(other)).await {
        Either::Left((done, _)) => done,
        Either::Right((_, work)) => work.await,
    }
}
