//! Requests that know the name of their operation.
//!
//! The name is what rates, rights and errors go by. Each service lists its operations once, in `operations!` in its
//! `mod.rs`; the builders that the SDK's client returns for them are [`Request`]s from then on, and
//! [`Clients::send`](super::Clients::send) needs no second word.

use std::future::Future;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// The answer of the SDK to one request.
pub type Answer<Output, Error> = Result<Output, SdkError<Error, HttpResponse>>;

/// A request that is built and can be sent as often as it takes.
pub trait Request: Clone + Send + Sync {
    /// The operation, as `service:Operation` with the prefix that IAM uses.
    const OPERATION: &'static str;
    type Output: Send;
    type Error: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static;

    /// Sends it once.
    fn send(self) -> impl Future<Output = Answer<Self::Output, Self::Error>> + Send;
}
