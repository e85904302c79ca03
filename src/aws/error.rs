//! SDK errors into [`ProviderError`], once: everyone else looks at the kind alone.
//!
//! The code tables are those of `aws-resources.md` §1.4 to §1.6: botocore's models, Terraform's provider and AWS's own
//! documentation. Codes that only an emulator uses are not in them.

mod remedies;

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

use crate::resource::provider::Remedy;
use crate::resource::{ErrorKind, ProviderError};

/// The call that failed where a role could not be assumed, before the one that was wanted.
pub const ASSUME_ROLE: &str = "sts:AssumeRole";

/// What every call into AWS answers.
pub type AwsResult<T> = Result<T, ProviderError>;

/// Turns an SDK error into ours.
pub fn from_sdk<E>(operation: &str, error: &SdkError<E, HttpResponse>) -> ProviderError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let mut converted = ProviderError::new(ErrorKind::Unclear, operation, String::new());
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
            converted.kind = kind(&converted.code, &converted.message, status);
            converted.remedy = remedies::of(&converted);
        }
        SdkError::ResponseError(context) => {
            let status = context.raw().status().as_u16();
            converted.status = Some(status);
            converted.request_id = request_id(context.raw());
            converted.message = format!("an answer that cannot be read: {}", innermost(error));
        }
        SdkError::TimeoutError(_) => "no answer in time".clone_into(&mut converted.message),
        SdkError::DispatchFailure(failure) => {
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

/// How rustls begins what it says of a certificate that it refuses.
const UNTRUSTED: &str = "invalid peer certificate";

/// Most often it is a proxy's, which opens the connection and closes it again with a certificate of its own.
fn untrusted() -> Remedy {
    Remedy::new(
        "the certificate of the other side is not trusted; if a proxy here opens TLS connections, name the file of its \
         certificates (AWS_CA_BUNDLE, or `ca_bundle` in the profile), then run",
    )
}

/// What a successful answer must carry.
///
/// # Errors
/// [`ErrorKind::Bug`] where it does not: AWS's model says otherwise.
pub fn expected<T>(operation: &str, part: Option<T>, what: &str) -> AwsResult<T> {
    part.ok_or_else(|| {
        ProviderError::new(
            ErrorKind::Bug,
            operation,
            format!("AWS answered without {what}"),
        )
    })
}

/// How far AWS's clock is ahead of ours, in seconds, where it is more than signatures survive: AWS allows five minutes.
pub fn skew(response: &HttpResponse) -> Option<i64> {
    const ALLOWED: i64 = 4 * 60;
    let date = response.headers().get("date")?;
    let there = DateTime::from_str(date, Format::HttpDate).ok()?.secs();
    let skew = there - DateTime::from(SystemTime::now()).secs();
    (skew.abs() > ALLOWED).then_some(skew)
}

fn request_id(response: &HttpResponse) -> Option<String> {
    ["x-amzn-requestid", "x-amz-request-id", "x-amzn-request-id"]
        .into_iter()
        .find_map(|header| response.headers().get(header))
        .map(str::to_owned)
}

/// What AWS says of its refusal; where its answer cannot be read, why not.
fn reason<E>(error: &E) -> String
where
    E: ProvideErrorMetadata + Error + 'static,
{
    if let Some(message) = error.message().filter(|message| !message.is_empty()) {
        return message.to_owned();
    }
    let cause = innermost(error);
    // Without a message these have their own names to say, which are Rust's.
    if error.code().is_some() || cause.is::<ErrorMetadata>() {
        "AWS gave no reason".to_owned()
    } else {
        cause.to_string()
    }
}

/// The innermost cause: SDK errors hide what there is to say behind several layers.
fn innermost<'error>(error: &'error (dyn Error + 'static)) -> &'error (dyn Error + 'static) {
    let mut current = error;
    while let Some(source) = current.source() {
        current = source;
    }
    current
}

/// Marks an error that is about the credentials that there should be.
fn credentials_failure(error: &(dyn Error + 'static), converted: &mut ProviderError) {
    let mut current = Some(error);
    while let Some(cause) = current {
        if let Some(failure) = cause.downcast_ref::<CredentialsError>() {
            converted.kind = ErrorKind::Credentials;
            let source = failure.source();
            let of_chain =
                source.is_some_and(|cause| cause.is::<ProviderChainError<CredentialsError>>());
            match failure {
                // The SDK's own words are a list of its providers, and why each of them is not in use.
                CredentialsError::CredentialsNotLoaded(_) if of_chain => {
                    "there are none in the environment, in a profile, by web identity, or from container or instance \
                     metadata"
                        .clone_into(&mut converted.message);
                }
                // A profile that was asked for; without it, the chain would have gone on.
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
        // The crate of IAM Identity Center is not ours to name; its errors say their code first.
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
            converted.kind = ErrorKind::Unclear;
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

/// Whether RDS lacks its service-linked role, in an account that never had an instance. Whoever makes a subnet group gets
/// this; whoever makes an instance has the role made by RDS.
pub fn lacks_service_role(error: &ProviderError) -> bool {
    error.code == "InvalidParameterValue" && error.message.contains("ServiceLinkedRoles")
}

/// Whether RDS has no such version of an engine, or has it no longer.
pub fn is_unknown_version(error: &ProviderError) -> bool {
    error.code == "InvalidParameterCombination" && error.message.contains("Cannot find version")
}

/// What an error code means, whichever service it comes from.
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
    if is_missing(code) || is_marked_for_deletion(code, message) {
        return ErrorKind::NotFound;
    }
    if is_existing(code, message) {
        return ErrorKind::AlreadyExists;
    }
    if is_quota(code) {
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

/// What sounds like a thing that will be there in a moment, or be free again, and will not.
fn only_a_hand_helps(code: &str, message: &str) -> bool {
    // Nothing here makes certificates.
    code == "CertificateNotFound"
        // RDS, of a source that no replica can be made of.
        || code == "InvalidDBInstanceState" && message.contains("backups are not enabled")
}

fn is_throttling(code: &str) -> bool {
    matches!(
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
            // SSM, of changes to one parameter at the same time.
            | "TooManyUpdates"
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

/// Something referred to was made a moment ago and is not visible everywhere yet (`aws-resources.md` §1.5).
fn is_not_visible_yet(code: &str, message: &str) -> bool {
    match code {
        "MalformedPolicyDocument" | "MalformedPolicyDocumentException" | "MalformedPolicy" => {
            message.contains("rincipal")
        }
        "InvalidParameter" => {
            message.contains("PrincipalNotFound")
                || message.contains("Unable to assume given IAM role")
        }
        "InvalidParameterException" => [
            "Principal not found",
            "Unable to assume the service linked role",
            "verify that the ECS service role being passed has the proper permissions",
            "does not have an associated load balancer",
            "still Draining",
        ]
        .iter()
        .any(|text| message.contains(text)),
        "ClientException" => {
            message.contains("Role is not valid") || message.contains("unable to assume")
        }
        "ValidationException" => {
            message.contains("Unable to assume IAM role")
                || message.contains("ECS service doesn't exist")
        }
        "FailedResourceAccessException"
        | "WAFUnavailableEntityException"
        | "WAFServiceLinkedRoleErrorException" => true,
        // RDS, whose deletion protection was switched off a moment ago.
        "InvalidParameterCombination" => message.contains("Cannot delete protected DB Instance"),
        "InvalidParameterValue" => [
            "IAM role ARN value is invalid or does not include the required permissions",
            // RDS, whose own role was made a moment ago.
            "Verify that you have permission to create service linked role",
        ]
        .iter()
        .any(|text| message.contains(text)),
        "InvalidConfigurationRequest" | "InvalidConfigurationRequestException" => {
            message.contains("Access Denied for bucket")
        }
        // A secret's name, while its forced deletion goes on. In its recovery window it is held for days: in use.
        "InvalidRequestException" => message.contains("was deleted"),
        // RDS, about subnets made a moment ago.
        "InvalidSubnet" => message.contains("are invalid"),
        _ => false,
    }
}

fn is_missing(code: &str) -> bool {
    matches!(
        code,
        "InvalidVpcID.NotFound"
            | "InvalidSubnetID.NotFound"
            | "InvalidInternetGatewayID.NotFound"
            | "InvalidAllocationID.NotFound"
            | "InvalidAssociationID.NotFound"
            | "NatGatewayNotFound"
            | "InvalidNatGatewayID.NotFound"
            | "InvalidGatewayID.NotFound"
            | "InvalidRouteTableID.NotFound"
            | "InvalidRoute.NotFound"
            | "InvalidGroup.NotFound"
            | "InvalidSecurityGroupRuleId.NotFound"
            | "InvalidPermission.NotFound"
            | "InvalidVpcEndpoint.NotFound"
            | "InvalidVpcEndpointId.NotFound"
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

/// A secret in its recovery window, for every call that is about the secret itself; its name is another matter.
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html>
pub(super) fn is_marked_for_deletion(code: &str, message: &str) -> bool {
    code == "InvalidRequestException"
        && ["marked for deletion", "marked deleted"]
            .iter()
            .any(|text| message.contains(text))
}

fn is_existing(code: &str, message: &str) -> bool {
    // IAM, of a service-linked role.
    if code == "InvalidInput" && message.contains("has been taken in this account") {
        return true;
    }
    matches!(
        code,
        "InvalidGroup.Duplicate"
            | "InvalidPermission.Duplicate"
            | "RouteAlreadyExists"
            | "Resource.AlreadyAssociated"
            | "InvalidSubnet.Conflict"
            | "RepositoryAlreadyExistsException"
            | "DBInstanceAlreadyExists"
            | "DBSubnetGroupAlreadyExists"
            | "DBParameterGroupAlreadyExists"
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
        || code.starts_with("ConcurrentModification")
        || matches!(
            code,
            "DependencyViolation"
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
                | "ConcurrentAccess"
                | "StaleTag"
        )
        || code == "InvalidParameterException"
            && message.contains("cannot be stopped while deployments are active")
}

/// A quota that is full; no retry cures it. `LimitExceededException` is in the SDK's list of throttling codes, but ECR,
/// ECS, Application Auto Scaling, Secrets Manager, CloudWatch and Logs use it for this.
fn is_quota(code: &str) -> bool {
    code.ends_with("LimitExceeded")
        || code.ends_with("LimitExceededException")
        || code.contains("QuotaExceeded")
        || code.starts_with("TooMany")
        || matches!(
            code,
            "InsufficientDBInstanceCapacity" | "InsufficientFreeAddressesInSubnet"
        )
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
            | "DependencyTimeoutException"
    )
}

#[cfg(test)]
mod tests {
    use aws_sdk_sns::operation::create_topic::CreateTopicError;
    use aws_smithy_types::body::SdkBody;
    use aws_smithy_types::error::metadata::Builder;

    use super::*;

    fn refused(metadata: Builder) -> ProviderError {
        let error = CreateTopicError::generic(metadata.build());
        let status = 400.try_into().expect("a status");
        let answer = HttpResponse::new(status, SdkBody::empty());
        from_sdk("sns:CreateTopic", &SdkError::service_error(error, answer))
    }

    #[test]
    fn a_refusal_says_what_aws_says_and_nothing_of_the_sdk() {
        let metadata = || ErrorMetadata::builder().custom("aws_request_id", "4711");
        let without = "sns:CreateTopic: AWS gave no reason";
        assert_eq!(refused(metadata()).to_string(), without);
        assert_eq!(refused(metadata().message("")).to_string(), without);
        let with_code = || metadata().code("InvalidParameter");
        assert_eq!(
            refused(with_code()).to_string(),
            "sns:CreateTopic: InvalidParameter: AWS gave no reason"
        );
        assert_eq!(
            refused(with_code().message("Topic Name")).to_string(),
            "sns:CreateTopic: InvalidParameter: Topic Name"
        );
    }

    #[test]
    fn codes_have_the_meaning_that_aws_gives_them() {
        for (code, message, status, expected) in [
            ("RequestLimitExceeded", "", 503, ErrorKind::Throttled),
            ("LimitExceededException", "", 400, ErrorKind::Quota),
            ("VpcLimitExceeded", "", 400, ErrorKind::Quota),
            ("InvalidVpcID.NotFound", "", 400, ErrorKind::NotFound),
            ("DependencyViolation", "", 400, ErrorKind::InUse),
            ("InvalidDBInstanceState", "", 400, ErrorKind::InUse),
            ("UnauthorizedOperation", "", 403, ErrorKind::Denied),
            ("AccessDeniedException", "", 400, ErrorKind::Denied),
            ("ExpiredToken", "", 400, ErrorKind::Credentials),
            (
                "MalformedPolicyDocument",
                "Invalid principal in policy",
                400,
                ErrorKind::NotVisibleYet,
            ),
            (
                "MalformedPolicyDocument",
                "Syntax errors in policy",
                400,
                ErrorKind::Invalid,
            ),
            (
                "InvalidRequestException",
                "You can't perform this operation on the secret because it was marked for deletion.",
                400,
                ErrorKind::NotFound,
            ),
            (
                "InvalidRequestException",
                "You can't create this secret because a secret with this name is already scheduled for deletion.",
                400,
                ErrorKind::InUse,
            ),
            (
                "InvalidParameterValue",
                "Unable to create the resource. Verify that you have permission to create service linked role. Otherwise wait and try again later",
                400,
                ErrorKind::NotVisibleYet,
            ),
            (
                "InvalidParameterValue",
                "Missing necessary credentials. Please check http://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAM.ServiceLinkedRoles.html",
                400,
                ErrorKind::Invalid,
            ),
            (
                "InvalidInput",
                "Service role name AWSServiceRoleForRDS has been taken in this account, please try a different suffix.",
                400,
                ErrorKind::AlreadyExists,
            ),
            ("InvalidInput", "is not a service", 400, ErrorKind::Invalid),
            ("CertificateNotFound", "", 400, ErrorKind::Invalid),
            (
                "InvalidDBInstanceState",
                "Automated backups are not enabled for this database instance.",
                400,
                ErrorKind::Invalid,
            ),
            ("", "", 502, ErrorKind::Transient),
            ("ValidationError", "", 400, ErrorKind::Invalid),
        ] {
            assert_eq!(kind(code, message, status), expected, "{code} {message}");
        }
    }
}
