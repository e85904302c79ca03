//! Quotas that a run can exhaust, by the error code of the service: what each counts, and how to request more.
//!
//! Error codes are those of the services' models (`aws-sdk-*`), quota codes those of Service Quotas; defaults are those of a
//! new account: <https://docs.aws.amazon.com/general/latest/gr/aws-service-information.html>.

use crate::resource::ProviderError;
use crate::resource::provider::Remedy;

/// The placeholder for the region in a remedy, which an error gets before its region is known.
pub(super) const REGION: &str = "{region}";

/// A quota that Service Quotas raises on request.
struct Quota {
    /// The prefix of the operation, such as `ecs:` or `iam:CreateRole`, where several services or calls share the error
    /// code.
    operation: &'static str,
    code: &'static str,
    /// The objects that it counts, with the default of a new account.
    counts: &'static str,
    /// The service code of Service Quotas.
    service: &'static str,
    number: &'static str,
    /// The value to request: twice the default of a new account.
    ask: u32,
    /// A way to use less of it, in the stack file or in the account.
    less: &'static str,
}

const QUOTAS: &[Quota] = &[
    Quota {
        operation: "ec2:",
        code: "AddressLimitExceeded",
        counts: "Elastic IP addresses in a region (5 in a new account)",
        service: "ec2",
        number: "L-0263D0A3",
        ask: 10,
        less: "`natGateways: single` or `none` under `network:` needs fewer, and unused ones can be released",
    },
    Quota {
        operation: "ec2:",
        code: "VpcLimitExceeded",
        counts: "VPCs in a region (5 in a new account, the default one among them)",
        service: "vpc",
        number: "L-F678F1CE",
        ask: 10,
        less: "the default VPC may be deleted where nothing uses it",
    },
    Quota {
        operation: "ec2:",
        code: "InternetGatewayLimitExceeded",
        counts: "internet gateways in a region (as many as VPCs)",
        service: "vpc",
        number: "L-A4707A72",
        ask: 10,
        less: "those without a VPC may be deleted",
    },
    Quota {
        operation: "ec2:",
        code: "NatGatewayLimitExceeded",
        counts: "NAT gateways in a zone (5 in a new account)",
        service: "vpc",
        number: "L-FE5A380F",
        ask: 10,
        less: "`natGateways: single` under `network:` takes one zone",
    },
    Quota {
        operation: "ec2:",
        code: "SubnetLimitExceeded",
        counts: "subnets in a VPC (200 in a new account)",
        service: "vpc",
        number: "L-407747CB",
        ask: 400,
        less: "",
    },
    Quota {
        operation: "ec2:",
        code: "RouteTableLimitExceeded",
        counts: "route tables in a VPC (200 in a new account)",
        service: "vpc",
        number: "L-589F43AA",
        ask: 400,
        less: "",
    },
    Quota {
        operation: "ec2:",
        code: "SecurityGroupLimitExceeded",
        counts: "security groups in a region (2,500 in a new account)",
        service: "vpc",
        number: "L-E79EC296",
        ask: 5_000,
        less: "",
    },
    Quota {
        operation: "ec2:",
        code: "RulesPerSecurityGroupLimitExceeded",
        counts: "rules of a security group in one direction (60 in a new account)",
        service: "vpc",
        number: "L-0EA8095F",
        ask: 120,
        less: "rules of neighbouring ranges can be one",
    },
    Quota {
        operation: "elasticloadbalancing:",
        code: "TooManyLoadBalancers",
        counts: "application load balancers in a region (50 in a new account)",
        service: "elasticloadbalancing",
        number: "L-53DA6B97",
        ask: 100,
        less: "",
    },
    Quota {
        operation: "elasticloadbalancing:",
        code: "TooManyTargetGroups",
        counts: "target groups in a region (3,000 in a new account)",
        service: "elasticloadbalancing",
        number: "L-B22855CB",
        ask: 6_000,
        less: "",
    },
    Quota {
        operation: "elasticloadbalancing:",
        code: "TooManyListeners",
        counts: "listeners of a load balancer (50 in a new account)",
        service: "elasticloadbalancing",
        number: "L-B6DF7632",
        ask: 100,
        less: "",
    },
    Quota {
        operation: "rds:",
        code: "InstanceQuotaExceeded",
        counts: "database instances in a region (40 in a new account)",
        service: "rds",
        number: "L-7B6409FD",
        ask: 80,
        less: "",
    },
    Quota {
        operation: "rds:",
        code: "StorageQuotaExceeded",
        counts: "storage of all database instances in a region (100,000 GiB in a new account)",
        service: "rds",
        number: "L-7ADDB58A",
        ask: 200_000,
        less: "`storageGiB` under `database:` says how much is wanted",
    },
    Quota {
        operation: "rds:",
        code: "DBParameterGroupQuotaExceeded",
        counts: "parameter groups in a region (50 in a new account)",
        service: "rds",
        number: "L-DE55804A",
        ask: 100,
        less: "",
    },
    Quota {
        operation: "rds:",
        code: "DBSubnetGroupQuotaExceeded",
        counts: "database subnet groups in a region (50 in a new account)",
        service: "rds",
        number: "L-48C6BF61",
        ask: 100,
        less: "",
    },
    Quota {
        operation: "rds:",
        code: "EventSubscriptionQuotaExceeded",
        counts: "event subscriptions in a region (20 in a new account)",
        service: "rds",
        number: "L-A59F4C87",
        ask: 40,
        less: "`databaseEvents: false` under `monitoring:` needs none",
    },
    Quota {
        operation: "rds:",
        code: "SnapshotQuotaExceeded",
        counts: "manual snapshots in a region (100 in a new account), final ones among them",
        service: "rds",
        number: "L-272F1212",
        ask: 200,
        less: "old final snapshots may be deleted",
    },
    Quota {
        operation: "iam:CreateRole",
        code: "LimitExceeded",
        counts: "roles in an account (1,000 in a new one)",
        service: "iam",
        number: "L-FE177D64",
        ask: 2_000,
        less: "",
    },
    Quota {
        operation: "iam:AttachRolePolicy",
        code: "LimitExceeded",
        counts: "managed policies of a role (10 in a new account)",
        service: "iam",
        number: "L-0DA4ABF3",
        ask: 20,
        less: "an `aws:iam:RolePolicy` is not counted here",
    },
    Quota {
        operation: "s3:CreateBucket",
        code: "TooManyBuckets",
        counts: "buckets in an account (10,000 in a new one)",
        service: "s3",
        number: "L-DC2B2D3D",
        ask: 20_000,
        less: "",
    },
];

/// AWS's message for an account that may have no load balancer at all.
pub(super) const NO_LOAD_BALANCERS: &str = "does not support creating load balancers";

/// Returns the remedy for an exhausted quota.
pub(super) fn remedy(error: &ProviderError) -> Option<Remedy> {
    // This is not a quota that can be raised: AWS reviews new accounts first.
    if error.message.contains(NO_LOAD_BALANCERS) {
        return Some(Remedy::new(
            "AWS does not let this account create load balancers yet, as happens with new ones: open a case with AWS \
             Support (it is free: account and billing, of Elastic Load Balancing), and once it is answered, run",
        ));
    }
    if error.code == "InsufficientDBInstanceCapacity" {
        return Some(Remedy::new(
            "AWS has no capacity for this instance class in these zones now: choose another `instanceClass` under \
             `database:`, or wait; then run",
        ));
    }
    if error.code == "InsufficientFreeAddressesInSubnet" {
        return Some(Remedy::new(
            "the subnets have too few free addresses: make them larger, under `network:`, or run fewer tasks; then run",
        ));
    }
    let code = error
        .code
        .trim_end_matches("Exception")
        .trim_end_matches("Fault");
    let quota = QUOTAS
        .iter()
        .find(|quota| quota.code == code && error.operation.starts_with(quota.operation))?;
    let less = match quota.less {
        "" => String::new(),
        less => format!(" ({less})"),
    };
    // IAM has one home region for all regions, and S3 counts per account.
    let region = match quota.service {
        "iam" | "s3" => "us-east-1",
        _ => REGION,
    };
    let text = format!(
        "the account's quota is used up: {}{less}; request a higher one, which takes minutes to days, then run",
        quota.counts
    );
    Some(Remedy::new(text).command(format!(
        "aws service-quotas request-service-quota-increase --service-code {} --quota-code {} --desired-value {} --region {region}",
        quota.service, quota.number, quota.ask
    )))
}

#[cfg(test)]
mod tests {
    use super::super::kind;
    use super::*;
    use crate::resource::ErrorKind;

    fn met(operation: &str, code: &str, message: &str) -> Option<Remedy> {
        let kind = kind(code, message, 400);
        assert_eq!(kind, ErrorKind::Quota, "{code} {message}");
        let mut error = ProviderError::new(kind, operation, message.to_owned());
        error.code = code.to_owned();
        remedy(&error)
    }

    #[test]
    fn each_quota_is_named_with_the_way_to_more_of_it() {
        for quota in QUOTAS {
            let operation = match quota.operation.split_once(':') {
                Some((service, "")) => format!("{service}:CreateOne"),
                _ => quota.operation.to_owned(),
            };
            let remedy = met(&operation, quota.code, "").expect(quota.code);
            assert!(remedy.text.contains(quota.counts), "{}", remedy.text);
            assert!(remedy.text.ends_with("then run"), "{}", remedy.text);
            let [command] = &remedy.commands[..] else {
                panic!("one command: {remedy:?}")
            };
            assert!(command.contains(quota.number), "{command}");
        }
    }

    #[test]
    fn a_new_account_without_load_balancers_is_told_whom_to_ask() {
        let message = "This AWS account currently does not support creating load balancers. For more information, please contact AWS Support.";
        let create = "elasticloadbalancing:CreateLoadBalancer";
        let remedy = met(create, "OperationNotPermitted", message).expect("a remedy");
        assert!(remedy.text.contains("AWS Support"), "{}", remedy.text);
        // The same code has other meanings, too.
        let protected =
            "Load balancer 'arn' cannot be deleted because deletion protection is enabled";
        assert_ne!(
            kind("OperationNotPermitted", protected, 400),
            ErrorKind::Quota
        );
    }

    #[test]
    fn what_is_short_for_a_while_is_told_from_a_quota() {
        for (operation, code, words) in [
            (
                "rds:CreateDBInstance",
                "InsufficientDBInstanceCapacity",
                "`instanceClass`",
            ),
            (
                "ec2:CreateNatGateway",
                "InsufficientFreeAddressesInSubnet",
                "free addresses",
            ),
        ] {
            let remedy = met(operation, code, "").expect(code);
            assert!(remedy.text.contains(words), "{}", remedy.text);
            assert_eq!(remedy.commands, [] as [String; 0]);
        }
    }

    /// No service's own code for an exhausted quota is taken for something else.
    #[test]
    fn every_service_s_word_for_a_full_quota_is_one() {
        for code in [
            "AddressLimitExceeded",
            "DBSubnetQuotaExceededFault",
            "InstanceQuotaExceededFault",
            "LimitExceeded",
            "LimitExceededException",
            "LimitExceededFault",
            "ParameterLimitExceeded",
            "SubscriptionLimitExceeded",
            "TargetGroupAssociationLimit",
            "TooManyLoadBalancers",
            "TopicLimitExceededException",
            "VpcEndpointLimitExceeded",
            "WAFLimitsExceededException",
        ] {
            assert_eq!(kind(code, "", 400), ErrorKind::Quota, "{code}");
        }
    }
}
