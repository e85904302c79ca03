//! The meanings of errors, by their codes and messages.

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

/// A held name becomes free; a secret that is read, changed or restored is gone, and no wait brings it back.
#[test]
fn a_secret_that_was_deleted_is_waited_for_by_its_successor_alone() {
    let message = "You can't perform this operation on the secret because it was deleted.";
    let kind = |operation: &str| kind_of(operation, "InvalidRequestException", message, 400);
    assert_eq!(
        kind("secretsmanager:CreateSecret"),
        ErrorKind::NotVisibleYet
    );
    for operation in [
        "DescribeSecret",
        "GetSecretValue",
        "PutSecretValue",
        "UpdateSecret",
        "RestoreSecret",
        "DeleteSecret",
        "TagResource",
    ] {
        let operation = format!("secretsmanager:{operation}");
        assert_eq!(kind(&operation), ErrorKind::NotFound, "{operation}");
    }
}

/// Other deletions in progress: a bucket's name becomes free by itself, and only a person can bring back a key scheduled for
/// deletion.
#[test]
fn what_is_being_deleted_is_waited_for_where_it_ends_by_itself() {
    let bucket = "A conflicting conditional operation is currently in progress against this resource. Please try again.";
    assert_eq!(kind("OperationAborted", bucket, 409), ErrorKind::InUse);
    let key = "arn:aws:kms:eu-south-2:1:key/k is pending deletion.";
    for code in [
        "KMSInvalidStateException",
        "KMSInvalidState",
        "KMSInvalidStateFault",
    ] {
        assert_eq!(kind(code, key, 400), ErrorKind::Invalid, "{code}");
    }
    // About data that a service can no longer read with the key.
    assert_eq!(kind("DecryptionFailure", key, 400), ErrorKind::Invalid);
}

#[test]
fn codes_have_the_meaning_that_aws_gives_them() {
    for (code, message, status, expected) in [
        ("RequestLimitExceeded", "", 503, ErrorKind::Throttled),
        ("LimitExceededException", "", 400, ErrorKind::Quota),
        ("VpcLimitExceeded", "", 400, ErrorKind::Quota),
        ("InvalidVpcID.NotFound", "", 400, ErrorKind::NotFound),
        (
            "InvalidSecurityGroupID.NotFound",
            "",
            400,
            ErrorKind::NotFound,
        ),
        ("InvalidPrefixListID.NotFound", "", 400, ErrorKind::NotFound),
        // hashicorp/terraform-provider-aws#27087
        ("InvalidElasticIpID.NotFound", "", 400, ErrorKind::NotFound),
        ("InvalidZone.NotFound", "", 400, ErrorKind::Invalid),
        ("TargetGroupAssociationLimit", "", 400, ErrorKind::Quota),
        ("WAFLimitsExceededException", "", 400, ErrorKind::Quota),
        (
            "WAFLogDestinationPermissionIssueException",
            "Unable to deliver logs to the configured destination.",
            400,
            ErrorKind::NotVisibleYet,
        ),
        ("WAFTagOperationException", "", 400, ErrorKind::Transient),
        ("DependencyViolation", "", 400, ErrorKind::InUse),
        ("ConcurrentModification", "", 409, ErrorKind::Throttled),
        (
            "ConcurrentModificationException",
            "",
            429,
            ErrorKind::Throttled,
        ),
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
            "Some input subnets in :[subnet-089180afcefd3b923] are invalid.",
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
        (
            "InvalidDBInstanceStateFault",
            "Automated backups are not enabled for this database instance.",
            400,
            ErrorKind::Invalid,
        ),
        (
            "InvalidDBInstanceState",
            "DB Instance is not a read replica",
            400,
            ErrorKind::Invalid,
        ),
        ("", "", 502, ErrorKind::Transient),
        ("ValidationError", "", 400, ErrorKind::Invalid),
    ] {
        assert_eq!(kind(code, message, status), expected, "{code} {message}");
    }
}

/// A subscription to database events may name objects that are too new, and a source that is removed may be gone.
#[test]
fn what_a_subscription_names_is_waited_for_where_time_helps() {
    let create = "rds:CreateEventSubscription";
    let remove = "rds:RemoveSourceIdentifierFromSubscription";
    for (operation, code, status, expected) in [
        (create, "SNSNoAuthorization", 400, ErrorKind::NotVisibleYet),
        (create, "SNSTopicArnNotFound", 404, ErrorKind::NotVisibleYet),
        (create, "SourceNotFound", 404, ErrorKind::NotVisibleYet),
        (remove, "SourceNotFound", 404, ErrorKind::NotFound),
        (create, "SNSInvalidTopic", 400, ErrorKind::Invalid),
        (
            create,
            "SubscriptionCategoryNotFound",
            404,
            ErrorKind::Invalid,
        ),
        (
            create,
            "SubscriptionAlreadyExist",
            400,
            ErrorKind::AlreadyExists,
        ),
        (
            create,
            "EventSubscriptionQuotaExceeded",
            400,
            ErrorKind::Quota,
        ),
        (
            "rds:ModifyEventSubscription",
            "SubscriptionNotFound",
            404,
            ErrorKind::NotFound,
        ),
        (
            "rds:DeleteEventSubscription",
            "InvalidEventSubscriptionState",
            400,
            ErrorKind::InUse,
        ),
    ] {
        assert_eq!(
            kind_of(operation, code, "", status),
            expected,
            "{operation} {code}"
        );
    }
}
