//! Conversion of SDK errors into [`ProviderError`], in one place: everything else looks only at the kind.
//!
//! The code tables are those of `aws-resources.md` §1.4 to §1.6: botocore's models, Terraform's provider and AWS's own
//! documentation. Codes that only an emulator uses are not in them.

mod quotas;
mod remedies;
mod unseen;

use std::error::Error;
use std::time::SystemTime;

use aws_config::meta::ProviderChainError;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use unseen::is_not_visible_yet;
pub(in crate::aws) use unseen::patience;

use super::answer::{Unreadable, request_id};
use crate::resource::provider::Remedy;
use crate::resource::{ErrorKind, ProviderError};

/// The call that failed where a role could not be assumed, before the intended call.
pub const ASSUME_ROLE: &str = "sts:AssumeRole";

/// The result of every call to AWS.
pub type AwsResult<T> = Result<T, ProviderError>;

/// Turns an SDK error into ours.
pub fn from_sdk<E>(operation: &str, error: &SdkError<E, HttpResponse>) -> ProviderError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let mut converted = ProviderError::new(ErrorKind::Indeterminate, operation, String::new());
    match error {
        SdkError::ServiceError(context) => {
            let metadata = context.err().meta();
            let status = context.raw().status().as_u16();
            metadata
                .code()
                .unwrap_or_default()
                .clone_into(&mut converted.code);
            converted.message = reason(context.err());
            converted.status = Some(status);
            converted.request_id = request_id(context.raw());
            converted.kind = kind_of(operation, &converted.code, &converted.message, status);
            converted.remedy = remedies::of(&converted);
        }
        SdkError::ResponseError(context) => {
            let status = context.raw().status().as_u16();
            converted.status = Some(status);
            converted.request_id = request_id(context.raw());
            converted.message = unread(error);
        }
        SdkError::TimeoutError(_) => "no answer in time".clone_into(&mut converted.message),
        SdkError::DispatchFailure(failure) => {
            if let Some(answer) = unreadable(error) {
                converted.status = Some(answer.status);
                converted.request_id.clone_from(&answer.request_id);
                converted.message = unread(answer);
                return converted;
            }
            converted.message = failure
                .as_connector_error()
                .map_or_else(|| innermost(error), |connector| innermost(connector))
                .to_string();
            if converted.message.contains(UNTRUSTED) {
                converted.remedy = Some(untrusted());
            }
            // The credential chain fails before anything is sent, and the SDK reports it as a dispatch failure.
            credentials_failure(error, &mut converted);
        }
        other => {
            converted.message = innermost(other).to_string();
            converted.kind = ErrorKind::Invalid;
            credentials_failure(other, &mut converted);
        }
    }
    converted
}

/// Returns the answer that our client has given up on, if that is what failed.
fn unreadable<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Unreadable> {
    let mut current = Some(error);
    while let Some(cause) = current {
        if let Some(answer) = cause.downcast_ref() {
            return Some(answer);
        }
        current = cause.source();
    }
    None
}

fn unread(error: &(dyn Error + 'static)) -> String {
    format!("an answer that cannot be read: {}", innermost(error))
}

/// The beginning of rustls's message about a certificate that it refuses.
const UNTRUSTED: &str = "invalid peer certificate";

/// Returns the remedy for an untrusted certificate. Most often it is that of a proxy, which decrypts the connection and
/// encrypts it again with a certificate of its own.
fn untrusted() -> Remedy {
    Remedy::new(
        "the certificate of the other side is not trusted; if a proxy here opens TLS connections, name the file of its \
         certificates (AWS_CA_BUNDLE, or `ca_bundle` in the profile), then run",
    )
}

/// Converts an answer about an object that may not exist: `None` if it does not.
pub fn if_there<T>(answer: AwsResult<T>) -> AwsResult<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.is(ErrorKind::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns a part that a successful answer must have. The SDK reads an empty body of a JSON service as an answer with
/// nothing in it: without this check, a missing list would mean that all of its objects are gone.
///
/// # Errors
/// [`ErrorKind::Bug`] if the part is missing: AWS's model requires it.
pub fn expected<T>(operation: &str, part: Option<T>, what: &str) -> AwsResult<T> {
    part.ok_or_else(|| {
        ProviderError::new(
            ErrorKind::Bug,
            operation,
            format!("AWS answered without {what}"),
        )
    })
}

/// Does the same as [`expected`] for an answer that accounts for each object asked for: those that are not in the list are
/// among the failures.
///
/// # Errors
/// [`ErrorKind::Bug`] if it has neither.
pub fn expected_or_failed<T>(
    operation: &str,
    list: Option<Vec<T>>,
    has_failures: bool,
    what: &str,
) -> AwsResult<Vec<T>> {
    match list {
        None if has_failures => Ok(Vec::new()),
        list => expected(operation, list, what),
    }
}

/// Adds the region to an error, and to its remedy.
pub fn place(error: &mut ProviderError, region: &str) {
    region.clone_into(&mut error.region);
    if let Some(remedy) = &mut error.remedy {
        for command in &mut remedy.commands {
            *command = command.replace(quotas::REGION, region);
        }
    }
}

/// Returns how far AWS's clock is ahead of ours, in seconds, if signatures fail by it: AWS allows five minutes.
pub fn skew(response: &HttpResponse) -> Option<i64> {
    const ALLOWED: i64 = 4 * 60;
    let date = response.headers().get("date")?;
    let there = DateTime::from_str(date, Format::HttpDate).ok()?.secs();
    let skew = there - DateTime::from(SystemTime::now()).secs();
    (skew.abs() > ALLOWED).then_some(skew)
}

/// Returns AWS's reason for a refusal or, if the answer cannot be read, why not.
fn reason<E>(error: &E) -> String
where
    E: ProvideErrorMetadata + Error + 'static,
{
    if let Some(message) = error.message().filter(|message| !message.is_empty()) {
        return message.to_owned();
    }
    let cause = innermost(error);
    // Without a message, these would only print their own Rust names.
    if error.code().is_some() || cause.is::<ErrorMetadata>() {
        "AWS gave no reason".to_owned()
    } else {
        cause.to_string()
    }
}

/// Returns the innermost cause: SDK errors hide the useful message behind several layers.
fn innermost<'error>(error: &'error (dyn Error + 'static)) -> &'error (dyn Error + 'static) {
    let mut current = error;
    while let Some(source) = current.source() {
        current = source;
    }
    current
}

/// Marks an error that is about missing or invalid credentials.
fn credentials_failure(error: &(dyn Error + 'static), converted: &mut ProviderError) {
    let mut current = Some(error);
    while let Some(cause) = current {
        if let Some(failure) = cause.downcast_ref::<CredentialsError>() {
            converted.kind = ErrorKind::Credentials;
            let source = failure.source();
            let of_chain =
                source.is_some_and(|cause| cause.is::<ProviderChainError<CredentialsError>>());
            match failure {
                // The SDK's own message is a list of its providers, and why each of them is not in use.
                CredentialsError::CredentialsNotLoaded(_) if of_chain => {
                    "there are none in the environment, in a profile, by web identity, or from container or instance \
                     metadata"
                        .clone_into(&mut converted.message);
                }
                // A profile was asked for; without it, the chain would have gone on.
                CredentialsError::CredentialsNotLoaded(_) if source.is_none() => {
                    "the AWS configuration files do not have the profile, or it names no credentials"
                        .clone_into(&mut converted.message);
                }
                CredentialsError::ProviderError(_) => provider_failure(failure, converted),
                _ => {}
            }
            return;
        }
        current = cause.source();
    }
}

/// Names the call that a credentials provider made, with its answer, or says that no provider was found.
fn provider_failure(failure: &CredentialsError, converted: &mut ProviderError) {
    converted.message = format!("where they should come from: {}", innermost(failure));
    let mut current = failure.source();
    while let Some(cause) = current {
        if let Some(error) = cause.downcast_ref::<AssumeRoleError>() {
            ASSUME_ROLE.clone_into(&mut converted.operation);
            return said(error.meta(), converted);
        }
        if let Some(error) = cause.downcast_ref::<AssumeRoleWithWebIdentityError>() {
            "sts:AssumeRoleWithWebIdentity".clone_into(&mut converted.operation);
            return said(error.meta(), converted);
        }
        // The error types of IAM Identity Center's crate cannot be named here; their text begins with the code.
        let text = cause.to_string();
        if let Some((code, message)) = text.split_once(": ")
            && code.ends_with("Exception")
            && code.chars().all(char::is_alphanumeric)
        {
            code.clone_into(&mut converted.code);
            message.clone_into(&mut converted.message);
            return;
        }
        // A network that is down says nothing about credentials.
        if cause.is::<ConnectorError>() {
            converted.kind = ErrorKind::Indeterminate;
            return;
        }
        current = cause.source();
    }
}

fn said(metadata: &ErrorMetadata, converted: &mut ProviderError) {
    metadata
        .code()
        .unwrap_or_default()
        .clone_into(&mut converted.code);
    if let Some(message) = metadata.message() {
        message.clone_into(&mut converted.message);
    }
}

/// Returns whether RDS lacks its service-linked role, in an account that never had an instance. The creation of a subnet
/// group fails with this error; at the creation of an instance RDS makes the role.
pub fn lacks_service_role(error: &ProviderError) -> bool {
    error.code == "InvalidParameterValue" && error.message.contains("ServiceLinkedRoles")
}

/// Returns whether RDS does not have this version of an engine, or no longer has it.
pub fn is_unknown_version(error: &ProviderError) -> bool {
    error.code == "InvalidParameterCombination" && error.message.contains("Cannot find version")
}

/// Does the same as [`kind`], for calls to which the same words mean something else.
fn kind_of(operation: &str, code: &str, message: &str, status: u16) -> ErrorKind {
    // While the forced deletion of a secret goes on, its name will be free in a moment. To all other calls the secret is
    // gone.
    let holds_name = operation == "secretsmanager:CreateSecret"
        && code == "InvalidRequestException"
        && message.contains("was deleted");
    // ELBv2 passes on EC2's answer about a subnet or a group that was made a moment ago (aws/aws-cdk#3676).
    let passes_on = operation.starts_with("elasticloadbalancing:")
        && code.starts_with("Invalid")
        && code.ends_with(".NotFound");
    if holds_name || passes_on {
        return ErrorKind::NotVisibleYet;
    }
    // The source of a subscription: it is gone on removal, and not visible yet on addition.
    if operation == "rds:RemoveSourceIdentifierFromSubscription" && code == "SourceNotFound" {
        return ErrorKind::NotFound;
    }
    kind(code, message, status)
}

/// Returns the meaning of an error code, whichever service it comes from.
pub fn kind(code: &str, message: &str, status: u16) -> ErrorKind {
    if only_a_hand_helps(code, message) {
        return ErrorKind::Invalid;
    }
    if is_throttling(code) || message.contains("Rate exceeded") {
        return ErrorKind::Throttled;
    }
    if is_credentials(code) {
        return ErrorKind::Credentials;
    }
    if is_denied(code) {
        return ErrorKind::Denied;
    }
    if is_not_visible_yet(code, message) {
        return ErrorKind::NotVisibleYet;
    }
    if is_in_use(code, message) {
        return ErrorKind::InUse;
    }
    if is_missing(code) || is_deleted_secret(code, message) {
        return ErrorKind::NotFound;
    }
    if is_existing(code, message) {
        return ErrorKind::AlreadyExists;
    }
    if is_quota(code, message) {
        return ErrorKind::Quota;
    }
    if status >= 500 || is_transient(code) {
        return ErrorKind::Transient;
    }
    match status {
        401 | 403 => ErrorKind::Denied,
        404 => ErrorKind::NotFound,
        429 => ErrorKind::Throttled,
        _ => ErrorKind::Invalid,
    }
}

/// Returns whether an error only sounds temporary: the object will neither appear nor be free again by itself.
fn only_a_hand_helps(code: &str, message: &str) -> bool {
    // Nothing here makes certificates or zones. RDS, about a category that the type of the sources does not have:
    // hashicorp/terraform-provider-aws#9463.
    matches!(code, "CertificateNotFound" | "InvalidZone.NotFound" | "SubscriptionCategoryNotFound")
        // RDS, about a source that cannot have a replica, and about an instance that is no replica.
        || code.starts_with("InvalidDBInstanceState")
            && ["backups are not enabled", "is not a read replica"]
                .iter()
                .any(|text| message.contains(text))
}

fn is_throttling(code: &str) -> bool {
    // IAM and CloudWatch, about concurrent changes to one object: they have not acted, and ask for a retry.
    code.starts_with("ConcurrentModification")
        || matches!(
            code,
            "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "RequestThrottledException"
            | "RequestThrottled"
            | "TooManyRequestsException"
            | "ProvisionedThroughputExceededException"
            | "RequestLimitExceeded"
            | "BandwidthLimitExceeded"
            | "SlowDown"
            | "PriorRequestNotComplete"
            | "EC2ThrottledException"
            // SSM, about concurrent changes to one parameter.
            | "TooManyUpdates"
            // SNS, about concurrent changes to one topic's tags, or to those of a topic that was deleted a moment ago.
            | "ConcurrentAccess"
            | "StaleTag"
        )
}

fn is_credentials(code: &str) -> bool {
    matches!(
        code,
        "ExpiredToken"
            | "ExpiredTokenException"
            | "RequestExpired"
            | "InvalidClientTokenId"
            | "UnrecognizedClientException"
            | "InvalidAccessKeyId"
            | "SignatureDoesNotMatch"
            | "InvalidSignatureException"
            | "AuthFailure"
            | "InvalidToken"
            | "MissingAuthenticationToken"
            | "RequestTimeTooSkewed"
            | "TokenRefreshRequired"
    )
}

fn is_denied(code: &str) -> bool {
    code.starts_with("AccessDenied")
        || matches!(
            code,
            "UnauthorizedOperation"
                | "UnauthorizedException"
                | "AuthorizationError"
                | "AuthorizationErrorException"
                | "NotAuthorized"
                | "OptInRequired"
                | "SubscriptionRequiredException"
        )
}

fn is_missing(code: &str) -> bool {
    // EC2 has one for each kind of object, some of them in several spellings (`InvalidGroup`, `InvalidSecurityGroupID`):
    // <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
    let is_of_ec2 = code.starts_with("Invalid") && code.ends_with(".NotFound");
    is_of_ec2
        || matches!(
            code,
            "NatGatewayNotFound"
                | "Gateway.NotAttached"
                | "RepositoryNotFoundException"
                | "LifecyclePolicyNotFoundException"
                | "RepositoryPolicyNotFoundException"
                | "ImageNotFoundException"
                | "ClusterNotFoundException"
                | "ServiceNotFoundException"
                | "ServiceNotActiveException"
                | "ObjectNotFoundException"
                | "DBInstanceNotFound"
                | "DBInstanceNotFoundFault"
                | "DBSubnetGroupNotFoundFault"
                | "DBParameterGroupNotFound"
                | "DBParameterGroupNotFoundFault"
                | "DBSnapshotNotFound"
                | "DBSnapshotNotFoundFault"
                | "SubscriptionNotFound"
                | "ResourceNotFoundException"
                | "ResourceNotFound"
                | "LoadBalancerNotFound"
                | "TargetGroupNotFound"
                | "ListenerNotFound"
                | "RuleNotFound"
                | "WAFNonexistentItemException"
                | "NoSuchBucket"
                | "NoSuchBucketPolicy"
                | "NoSuchLifecycleConfiguration"
                | "NoSuchTagSet"
                | "NoSuchPublicAccessBlockConfiguration"
                | "OwnershipControlsNotFoundError"
                | "ServerSideEncryptionConfigurationNotFoundError"
                | "NoSuchEntity"
                | "NoSuchEntityException"
                | "NotFound"
                | "NotFoundException"
                | "DashboardNotFoundError"
                | "ParameterNotFound"
                | "ParameterVersionNotFound"
        )
}

/// Returns whether a secret is in its recovery window, or is being deleted without one. This holds for every call about the
/// secret itself; its name is another matter.
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html>
pub(super) fn is_deleted_secret(code: &str, message: &str) -> bool {
    is_marked_for_deletion(code, message)
        || code == "InvalidRequestException" && message.contains("was deleted")
}

/// Returns whether a secret is in its recovery window.
pub(super) fn is_marked_for_deletion(code: &str, message: &str) -> bool {
    code == "InvalidRequestException"
        && ["marked for deletion", "marked deleted"]
            .iter()
            .any(|text| message.contains(text))
}

fn is_existing(code: &str, message: &str) -> bool {
    // IAM, about a service-linked role.
    if code == "InvalidInput" && message.contains("has been taken in this account") {
        return true;
    }
    matches!(
        code,
        "FlowLogAlreadyExists"
            | "InvalidGroup.Duplicate"
            | "InvalidPermission.Duplicate"
            | "RouteAlreadyExists"
            | "Resource.AlreadyAssociated"
            | "InvalidSubnet.Conflict"
            | "RepositoryAlreadyExistsException"
            | "DBInstanceAlreadyExists"
            | "DBSubnetGroupAlreadyExists"
            | "DBParameterGroupAlreadyExists"
            | "SubscriptionAlreadyExist"
            | "ResourceExistsException"
            | "ResourceAlreadyExistsException"
            | "DuplicateLoadBalancerName"
            | "DuplicateTargetGroupName"
            | "DuplicateListener"
            | "PriorityInUse"
            | "WAFDuplicateItemException"
            | "BucketAlreadyOwnedByYou"
            | "BucketAlreadyExists"
            | "EntityAlreadyExists"
            | "EntityAlreadyExistsException"
            | "ParameterAlreadyExists"
    )
}

fn is_in_use(code: &str, message: &str) -> bool {
    code.starts_with("InvalidDB") && code.contains("State")
        || code == "InvalidRequestException" && message.contains("scheduled for deletion")
        || code.starts_with("ClusterContains")
        || code.starts_with("OperationAborted")
        || matches!(
            code,
            "DependencyViolation"
                | "InvalidEventSubscriptionState"
                | "InvalidGroup.InUse"
                | "InvalidIPAddress.InUse"
                | "IncorrectState"
                | "UpdateInProgressException"
                | "ResourceInUse"
                | "ResourceInUseException"
                | "ConcurrentUpdateException"
                | "WAFAssociatedItemException"
                | "WAFOptimisticLockException"
                | "DeleteConflict"
                | "DeleteConflictException"
                // Cloud Control, about an object on which another operation goes on.
                | "ConcurrentOperationException"
                | "ResourceConflictException"
        )
        || code == "InvalidParameterException"
            && message.contains("cannot be stopped while deployments are active")
}

/// Returns whether a quota is exhausted, which no retry cures. `LimitExceededException` is in the SDK's list of throttling
/// codes, but ECR, ECS, Application Auto Scaling, Secrets Manager, CloudWatch and Logs use it for this.
fn is_quota(code: &str, message: &str) -> bool {
    // `WAFLimitsExceededException`, `LimitExceededFault`.
    code.contains("LimitExceeded")
        || code.contains("LimitsExceeded")
        || message.contains(quotas::NO_LOAD_BALANCERS)
        || code.contains("QuotaExceeded")
        || code.starts_with("TooMany")
        || matches!(
            code,
            "InsufficientDBInstanceCapacity"
                | "InsufficientFreeAddressesInSubnet"
                | "TargetGroupAssociationLimit"
        )
        // ELBv2, about a subnet with fewer than eight free addresses.
        || code == "InvalidSubnet"
            && ["Not enough IP space", "out of available addresses"]
                .iter()
                .any(|text| message.contains(text))
}

fn is_transient(code: &str) -> bool {
    matches!(
        code,
        "InternalError"
            | "InternalFailure"
            | "InternalServerError"
            | "InternalServiceError"
            | "ServiceUnavailable"
            | "Unavailable"
            | "ServerException"
            | "ServiceFailure"
            | "RequestTimeout"
            | "RequestTimeoutException"
            | "WAFInternalErrorException"
            // "An error occurred during the tagging operation. Retry your request."
            | "WAFTagOperationException"
            | "WAFTagOperationInternalErrorException"
            | "DependencyTimeoutException"
    )
}

#[cfg(test)]
mod tests;
