//! Requests to Cloud Control, which go on after they were answered: followed to their end, and their errors.

use std::time::{Duration, SystemTime};

use aws_sdk_cloudcontrol::types::{HandlerErrorCode, OperationStatus, ProgressEvent};
use aws_smithy_types::DateTime;
use tokio::time::Instant;

use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};
use crate::aws::wait::Pauses;
use crate::facts::{Handler, TypeFacts};
use crate::resource::provider::{Progress, Remedy};
use crate::resource::{ErrorKind, ProviderError};

const STATUS: &str = "cloudformation:GetResourceRequestStatus";

/// The state of a request.
pub(super) enum State {
    Running,
    Done,
    Failed(Box<ProviderError>),
}

/// Returns the state that an event tells.
pub(super) fn state(operation: &'static str, event: &ProgressEvent) -> State {
    match event.operation_status() {
        Some(OperationStatus::Success) => State::Done,
        // A request that was cancelled did not do what was asked.
        Some(OperationStatus::Failed | OperationStatus::CancelComplete) => {
            State::Failed(Box::new(failure(operation, event)))
        }
        _ => State::Running,
    }
}

/// Follows a request until it has ended.
///
/// # Errors
/// The failure of the request; [`ErrorKind::TimedOut`] after the longest time that the type's handler may take. A failure to
/// ask is never one of the request: it is asked again.
pub(super) async fn follow(
    context: &Context,
    facts: &TypeFacts,
    handler: Handler,
    operation: &'static str,
    event: ProgressEvent,
    progress: &dyn Progress,
) -> AwsResult<ProgressEvent> {
    let started = Instant::now();
    let limit = Duration::from_secs(60 * facts.minutes(handler));
    let limit = progress.time_left().unwrap_or(limit);
    let mut event = event;
    let mut pause = Duration::from_millis(500);
    loop {
        match state(operation, &event) {
            State::Done => return Ok(event),
            State::Failed(error) => return Err(*error),
            State::Running => progress.status(&status(&event)),
        }
        let wait = until_asked_again(&event).unwrap_or(pause);
        if started.elapsed() + wait > limit {
            let seconds = started.elapsed().as_secs();
            let text = format!("still `{}` after {seconds} s", status(&event));
            let mut error = ProviderError::new(ErrorKind::TimedOut, operation, text);
            error.waited = Some(started.elapsed());
            error.details = named(&event);
            return Err(error);
        }
        tokio::time::sleep(wait).await;
        pause = (pause * 2).min(Duration::from_secs(5));
        event = ask(context, &event).await?;
    }
}

/// Asks for the present state of a request.
pub(super) async fn ask(context: &Context, event: &ProgressEvent) -> AwsResult<ProgressEvent> {
    let token = event.request_token().unwrap_or_default();
    let request = context.cloudcontrol.get_resource_request_status();
    let answer = context.send(request.request_token(token)).await?;
    expected(STATUS, answer.progress_event, "`ProgressEvent`")
}

/// The time until AWS wants to be asked again.
fn until_asked_again(event: &ProgressEvent) -> Option<Duration> {
    /// AWS names a time that has passed where it may be asked at once.
    const LONGEST: Duration = Duration::from_secs(30);
    let at = SystemTime::try_from(*event.retry_after()?).ok()?;
    let wait = at.duration_since(SystemTime::now()).ok()?;
    Some(wait.min(LONGEST))
}

/// Returns whether the first answer to a call that was made at this moment is about an earlier request with the same token.
/// A new request is under way in its first answer, unless it fails at once.
pub(super) fn is_old(operation: &'static str, event: &ProgressEvent, began: SystemTime) -> bool {
    /// AWS's clock may be a little behind ours.
    const DEVIATION: Duration = Duration::from_secs(5);
    let since = DateTime::from(began - DEVIATION);
    match state(operation, event) {
        State::Running => false,
        State::Done => true,
        State::Failed(_) => event.event_time().is_some_and(|time| *time < since),
    }
}

/// The state of a request in words: what AWS says of it, if it says something.
pub(super) fn status(event: &ProgressEvent) -> String {
    let said = event.status_message().filter(|text| !text.is_empty());
    let unless_said = match event.operation_status() {
        Some(OperationStatus::Pending) => "AWS has not begun yet",
        _ => "AWS is at work",
    };
    said.unwrap_or(unless_said).to_owned()
}

/// The error of a request that has failed.
fn failure(operation: &'static str, event: &ProgressEvent) -> ProviderError {
    let code = event.error_code().map(HandlerErrorCode::as_str);
    let code = code.unwrap_or("Cancelled");
    let message = event.status_message().unwrap_or("AWS gave no reason");
    let mut error = ProviderError::new(kind(code, message), operation, message);
    code.clone_into(&mut error.code);
    error.details = named(event);
    with_remedy(error)
}

/// Adds what to do where AWS changes something only in a new object. It says so at once, or once its handler has looked.
pub(super) fn with_remedy(error: ProviderError) -> ProviderError {
    if !error.code.starts_with("NotUpdatable") {
        return error;
    }
    error.with_remedy(Remedy::new(
        "AWS changes this only in a new object, and nothing was changed: take the change back, or let the object be \
         replaced (--replace), then run",
    ))
}

/// Returns whether a request that has failed may succeed if it is made again: the service was busy, or had not seen yet what was
/// made a moment ago.
pub(super) fn may_pass(error: &ProviderError) -> bool {
    matches!(
        error.kind,
        ErrorKind::Throttled | ErrorKind::Transient | ErrorKind::NotVisibleYet
    )
}

/// The pauses between such requests: new roles take up to two minutes until they can be assumed everywhere.
pub(super) fn pauses() -> Pauses {
    Pauses::within(Duration::from_secs(120), Duration::from_secs(2)).growing(2)
}

/// The request in words, for reports: AWS's support asks for it.
fn named(event: &ProgressEvent) -> Vec<String> {
    let token = event.request_token();
    let token = token.map(|token| format!("Cloud Control request {token}"));
    token.into_iter().collect()
}

/// The meaning of a handler's error code
/// (<https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-test-contract-errors.html>).
fn kind(code: &str, message: &str) -> ErrorKind {
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    match code {
        "NotFound" => ErrorKind::NotFound,
        "AlreadyExists" => ErrorKind::AlreadyExists,
        "ResourceConflict" => ErrorKind::InUse,
        "Throttling" => ErrorKind::Throttled,
        "ServiceInternalError"
        | "NetworkFailure"
        | "InternalFailure"
        | "HandlerInternalFailure" => ErrorKind::Transient,
        "AccessDenied" | "UnauthorizedTaggingOperation" => ErrorKind::Denied,
        "InvalidCredentials" => ErrorKind::Credentials,
        "ServiceLimitExceeded" => ErrorKind::Quota,
        "NotStabilized" | "ServiceTimeout" => ErrorKind::TimedOut,
        // Handlers pass on what they do not know.
        _ if says(&["Rate exceeded", "Throttling", "TooManyRequests"]) => ErrorKind::Throttled,
        // A role or its policy that was made a moment ago.
        _ if says(&[
            "cannot be assumed",
            "unable to assume",
            "not authorized to assume",
        ]) =>
        {
            ErrorKind::NotVisibleYet
        }
        "GeneralServiceException" | "Cancelled" => ErrorKind::Failed,
        _ => ErrorKind::Invalid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_a_handler_has_a_meaning() {
        for (code, message, expected) in [
            ("NotFound", "", ErrorKind::NotFound),
            ("AlreadyExists", "", ErrorKind::AlreadyExists),
            ("NotUpdatable", "", ErrorKind::Invalid),
            (
                "InvalidRequest",
                "Model validation failed",
                ErrorKind::Invalid,
            ),
            (
                "InvalidRequest",
                "The role cannot be assumed by Lambda",
                ErrorKind::NotVisibleYet,
            ),
            ("AccessDenied", "", ErrorKind::Denied),
            ("UnauthorizedTaggingOperation", "", ErrorKind::Denied),
            ("InvalidCredentials", "", ErrorKind::Credentials),
            ("Throttling", "", ErrorKind::Throttled),
            (
                "GeneralServiceException",
                "Rate exceeded (Service: Sqs)",
                ErrorKind::Throttled,
            ),
            (
                "GeneralServiceException",
                "The thing broke",
                ErrorKind::Failed,
            ),
            ("ServiceLimitExceeded", "", ErrorKind::Quota),
            ("NotStabilized", "", ErrorKind::TimedOut),
            ("ServiceTimeout", "", ErrorKind::TimedOut),
            ("ServiceInternalError", "", ErrorKind::Transient),
            ("InternalFailure", "", ErrorKind::Transient),
            ("NetworkFailure", "", ErrorKind::Transient),
            ("ResourceConflict", "", ErrorKind::InUse),
            ("SomethingNew", "", ErrorKind::Invalid),
        ] {
            assert_eq!(kind(code, message), expected, "{code}: {message}");
        }
    }

    #[test]
    fn a_request_that_was_cancelled_has_failed() {
        let event = |status: OperationStatus| {
            let event = ProgressEvent::builder().request_token("token-1");
            event.operation_status(status).build()
        };
        let state_of = |status| state("cloudformation:CreateResource", &event(status));
        assert!(matches!(state_of(OperationStatus::Success), State::Done));
        for running in [
            OperationStatus::Pending,
            OperationStatus::InProgress,
            OperationStatus::CancelInProgress,
        ] {
            assert!(matches!(state_of(running), State::Running));
        }
        for failed in [OperationStatus::Failed, OperationStatus::CancelComplete] {
            let State::Failed(error) = state_of(failed) else {
                panic!("it has failed");
            };
            assert_eq!(error.details, ["Cloud Control request token-1"]);
        }
    }
}
