//! Answers of bounded size, and texts in them. The SDK reads an answer whole before it parses it, so that an endless one
//! would fill the memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use tokio::time::timeout;

/// The limit of an answer, in bytes. AWS's longest answers are pages of 1000 roles with their policies: a tenth of this.
pub(super) const MOST: usize = 64 << 20;

/// The longest time without progress in a body: as long as the SDK allows where it reads one itself.
const STILL: Duration = Duration::from_secs(20);

/// The head of an answer has arrived, and its body cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the answer cannot be read")]
pub(super) struct Unreadable {
    pub(super) status: u16,
    pub(super) request_id: Option<String>,
    #[source]
    source: BoxError,
}

#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("it is longer than {0} bytes")]
    TooLong(usize),
    #[error("it came to a standstill")]
    Still,
}

tokio::task_local! {
    /// The bytes of the pages that have been read, in the reading that a call belongs to.
    pub(super) static READ: Arc<AtomicUsize>;
}

/// Counts the bytes of an answer among those of the reading that it belongs to, if it belongs to one.
pub(super) fn count(bytes: usize) {
    // Outside of a reading there is nothing to add up.
    let _ = READ.try_with(|read| read.fetch_add(bytes, Ordering::Relaxed));
}

/// Returns AWS's id of a request, which AWS support asks for.
pub(super) fn request_id(response: &HttpResponse) -> Option<String> {
    ["x-amzn-requestid", "x-amz-request-id", "x-amzn-request-id"]
        .into_iter()
        .find_map(|header| response.headers().get(header))
        .map(str::to_owned)
}

/// Returns a text of an answer: empty where the answer leaves it out, as most models allow.
pub(super) fn text(answered: Option<&str>) -> String {
    answered.unwrap_or_default().to_owned()
}

/// Returns the answer, if its body is within the given limit in bytes. An answer without a stated length is read to its end.
///
/// # Errors
/// [`Unreadable`]
pub(super) async fn bounded(
    mut response: HttpResponse,
    most: usize,
) -> Result<HttpResponse, ConnectorError> {
    let length = response.headers().get("content-length");
    let length: Option<u64> = length.and_then(|length| length.parse().ok());
    match length {
        Some(length) if length > most as u64 => {
            return Err(unreadable(&response, Fault::TooLong(most)));
        }
        Some(length) => {
            // The client reads no more than that length.
            count(length as usize);
            return Ok(response);
        }
        None => {}
    }
    let mut body = ByteStream::new(response.take_body());
    let mut bytes = Vec::new();
    loop {
        match timeout(STILL, body.next()).await {
            Err(_) => return Err(unreadable(&response, Fault::Still)),
            Ok(Some(Err(error))) => return Err(unreadable(&response, error)),
            Ok(Some(Ok(part))) if bytes.len() + part.len() > most => {
                return Err(unreadable(&response, Fault::TooLong(most)));
            }
            Ok(Some(Ok(part))) => bytes.extend_from_slice(&part),
            Ok(None) => break,
        }
    }
    count(bytes.len());
    *response.body_mut() = SdkBody::from(bytes);
    Ok(response)
}

fn unreadable(response: &HttpResponse, source: impl Into<BoxError>) -> ConnectorError {
    ConnectorError::io(Box::new(Unreadable {
        status: response.status().as_u16(),
        request_id: request_id(response),
        source: source.into(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::error::from_sdk;
    use crate::aws::pages;
    use aws_smithy_runtime_api::client::result::SdkError;
    use aws_smithy_types::error::ErrorMetadata;

    fn response(body: &[u8]) -> HttpResponse {
        let mut response = HttpResponse::new(200.try_into().unwrap(), SdkBody::from(body));
        let headers = response.headers_mut();
        headers.insert("x-amzn-requestid", "r-1");
        response
    }

    #[tokio::test]
    async fn an_answer_within_the_bound_is_as_it_came() {
        for body in [&b""[..], b"12345678"] {
            let read = bounded(response(body), 8).await.unwrap();
            assert_eq!(read.body().bytes(), Some(body));
        }
    }

    #[tokio::test]
    async fn the_bytes_of_pages_are_added_up() {
        let tokens = pages::Tokens::of("t:List");
        let mut announced = response(b"12345");
        announced.headers_mut().insert("content-length", "5");
        for response in [response(b"1234567"), announced] {
            tokens.page(bounded(response, 8)).await.unwrap();
        }
        bounded(response(b"of no reading"), 16).await.unwrap();
        assert_eq!(tokens.bytes(), 12);
    }

    #[tokio::test]
    async fn an_answer_beyond_the_bound_is_not_read() {
        let mut announced = response(b"");
        announced.headers_mut().insert("content-length", "9");
        for response in [response(b"123456789"), announced] {
            let error = bounded(response, 8).await.unwrap_err();
            let error: SdkError<ErrorMetadata, HttpResponse> = SdkError::dispatch_failure(error);
            let error = from_sdk("t:List", &error);
            let expected = "an answer that cannot be read: it is longer than 8 bytes";
            assert_eq!(error.message, expected);
            assert_eq!(error.status, Some(200));
            assert_eq!(error.request_id.as_deref(), Some("r-1"));
        }
    }
}
