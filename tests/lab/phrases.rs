//! The phrases with which AWS refuses, in the words of each service.

use crate::proxy::Refusal;

/// Returns whether a service speaks the query protocol, whose codes differ from those of the JSON protocols.
fn speaks_query(service: &str) -> bool {
    matches!(
        service,
        "elasticloadbalancing" | "iam" | "rds" | "sns" | "sts"
    )
}

pub fn throttled(service: &str) -> Refusal {
    let (status, code) = match service {
        "ec2" => (503, "RequestLimitExceeded"),
        "s3" => (503, "SlowDown"),
        _ if speaks_query(service) => (400, "Throttling"),
        _ => (400, "ThrottlingException"),
    };
    let message = "Rate exceeded";
    Refusal {
        status,
        code,
        message,
    }
}

pub fn expired(service: &str) -> Refusal {
    let (status, code) = match service {
        "s3" => (400, "ExpiredToken"),
        _ if service == "ec2" || speaks_query(service) => (403, "ExpiredToken"),
        _ => (400, "ExpiredTokenException"),
    };
    let message = "The security token included in the request is expired";
    Refusal {
        status,
        code,
        message,
    }
}

pub fn denied(service: &str) -> Refusal {
    let (status, code) = match service {
        "ec2" => (403, "UnauthorizedOperation"),
        _ if service == "s3" || speaks_query(service) => (403, "AccessDenied"),
        _ => (400, "AccessDeniedException"),
    };
    let message =
        "User: arn:aws:iam::123456789012:user/ci is not authorized to perform this action";
    Refusal {
        status,
        code,
        message,
    }
}

/// A failure of the service itself; whether it has acted is not said.
pub fn failed(service: &str, status: u16) -> Refusal {
    let code = match (service, status) {
        ("ec2" | "s3", 500) => "InternalError",
        ("ec2", _) => "Unavailable",
        ("s3", _) => "ServiceUnavailable",
        (_, 500) => "InternalFailure",
        _ => "ServiceUnavailable",
    };
    let message = "The service is out of order";
    Refusal {
        status,
        code,
        message,
    }
}

/// The signature is from another time than the clock here shows.
pub fn out_of_time(service: &str) -> Refusal {
    let (code, message) = match service {
        "ec2" => (
            "AuthFailure",
            "AWS was not able to validate the provided access credentials",
        ),
        "s3" => (
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
        ),
        _ if speaks_query(service) => ("SignatureDoesNotMatch", "Signature expired"),
        _ => ("InvalidSignatureException", "Signature expired"),
    };
    let status = if code == "InvalidSignatureException" {
        400
    } else {
        403
    };
    Refusal {
        status,
        code,
        message,
    }
}

/// The burst, and the number of calls that come back per second: `promises.md` §2, and what is published about the rest. Not
/// taken from the program, which has to keep to them.
pub fn rate(service: &str, operation: &str) -> Option<(f64, f64)> {
    let reads = operation.starts_with("Describe") || operation.starts_with("Get");
    let rate = match (service, operation) {
        ("ec2", "CreateNatGateway") => (10.0, 1.0),
        ("ec2", "CreateVpcEndpoint") => (4.0, 0.3),
        ("ec2", "CreateTags") => (100.0, 10.0),
        ("ec2", _) if reads => (100.0, 20.0),
        ("ec2", _) => (50.0, 5.0),
        ("elasticloadbalancing", "CreateLoadBalancer") => (10.0, 0.2),
        ("elasticloadbalancing", _) if reads => (40.0, 10.0),
        ("elasticloadbalancing", _) => (20.0, 3.0),
        ("ecs", "RegisterTaskDefinition") => (20.0, 1.0),
        ("ecs", "CreateService") => (50.0, 5.0),
        ("ecs", "DescribeServices") => (100.0, 20.0),
        ("monitoring", "PutMetricAlarm") => (3.0, 3.0),
        ("monitoring", "DescribeAlarms") => (9.0, 9.0),
        ("monitoring", "ListTagsForResource") => (10.0, 10.0),
        ("logs", "DescribeLogGroups") => (10.0, 10.0),
        ("logs", "ListTagsForResource") => (5.0, 5.0),
        ("wafv2", "AssociateWebACL") => (1.0, 0.5),
        _ => return None,
    };
    Some(rate)
}
