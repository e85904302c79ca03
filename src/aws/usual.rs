//! The time that AWS usually takes, by type and operation: what a run tells those who wait for it.
//!
//! Operations that are not listed take seconds. AWS promises none of these times; they are what others have measured.

use crate::resource::usual::Operation::{Create, Delete, Update};
use crate::resource::usual::UsualTime;

/// The usual times of a type.
pub(super) fn of(token: &str) -> &'static [UsualTime] {
    let times = TIMES.iter().find(|(of, _)| *of == token);
    times.map_or(&[], |(_, times)| times)
}

const TIMES: &[(&str, &[UsualTime])] = &[
    (
        "aws:ec2:NatGateway",
        &[
            // More than a minute in <https://github.com/terraform-aws-modules/terraform-aws-vpc/issues/999>; up to 5 minutes
            // in <https://github.com/kubernetes/kops/pull/944>, which is rare.
            UsualTime::new(Create, 80, 180),
            // The states `deleting` and `deleted`: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NatGateway.html>.
            // Logs of Terraform have 42 to 61 seconds.
            UsualTime::new(Delete, 40, 65),
        ],
    ),
    (
        "aws:ecs:Service",
        &[
            // A task that pulls its image and starts, and at least one health check after it:
            // <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/load-balancer-healthcheck.html>.
            UsualTime::new(Create, 60, 240).count("desiredCount"),
            // The new tasks, and then the connections of the old ones:
            // <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/load-balancer-connection-draining.html>.
            UsualTime::new(Update, 120, 300)
                .touching(&["taskDefinition", "networkConfiguration"])
                .count("desiredCount"),
            // 2 min 40 s in <https://github.com/hashicorp/terraform-provider-aws/issues/3414>; 5 min 30 s, with the longest
            // delay that connections have by default, in <https://github.com/hashicorp/terraform/pull/9521>.
            UsualTime::new(Delete, 60, 330).count("desiredCount"),
        ],
    ),
    (
        "aws:lb:LoadBalancer",
        &[
            // "No more than 5 minutes": <https://github.com/hashicorp/terraform/issues/24799>. Logs of Terraform have 2.2 to
            // 3.1.
            UsualTime::new(Create, 120, 190),
            // Its network interfaces go after it, in up to 2.6 minutes in logs of Terraform, whose code waits for them:
            // <https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/elbv2/load_balancer.go>.
            UsualTime::new(Delete, 15, 160),
        ],
    ),
    (
        "aws:rds:Instance",
        &[
            // Up to 10 minutes: <https://github.com/cloudcaptainsh/cloudcaptain/issues/260>; up to 20:
            // <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_GettingStarted.CreatingConnecting.PostgreSQL.html>.
            UsualTime::new(Create, 300, 900),
            // Changes that move the database to other hardware or another version:
            // <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.DBInstance.Modifying.html>.
            UsualTime::new(Update, 300, 1200).touching(&[
                "engineVersion",
                "instanceClass",
                "multiAz",
                "storageType",
            ]),
            // More than 5 minutes in <https://github.com/hashicorp/terraform-provider-aws/issues/38765>, with a snapshot
            // 11 min 40 s in <https://github.com/binbashar/le-tf-infra-aws/pull/359>.
            UsualTime::new(Delete, 240, 720),
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::super::registry::catalog;
    use super::*;

    #[test]
    fn the_table_names_types_and_properties_that_exist() {
        let catalog = catalog();
        for (token, times) in TIMES {
            let schema = catalog.get(token).expect(token);
            for time in *times {
                assert!(time.least <= time.most, "{token}");
                let names = time.touching.iter().chain(time.count.as_ref());
                for name in names {
                    assert!(schema.property(name).is_some(), "{token}.{name}");
                }
            }
            assert_eq!(schema.usual.len(), times.len(), "{token}");
        }
    }
}
