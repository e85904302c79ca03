//! The inputs and outputs of a target group.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::stickiness::canonical_stickiness;
use crate::aws::elbv2::health_check::{self, Full, HealthCheck};
use crate::resource::{OutputTable, PropertyTable, TextRule};

/// The targets to which a load balancer sends requests.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// 1 to 32 letters, digits and hyphens, no hyphen at either end; unique in account and region.
    #[property(replaces, text(NAME))]
    pub name: String,
    /// Port of the targets, where they are registered without one: 1 to 65535.
    #[schemars(range(min = 1, max = 65535))]
    #[property(required, replaces)]
    pub port: i32,
    /// `HTTP` or `HTTPS`: the protocol that the targets speak.
    #[schemars(extend("enum" = ["HTTP", "HTTPS"]))]
    #[property(required, replaces)]
    pub protocol: String,
    /// `HTTP1`, `HTTP2` or `GRPC`.
    #[property(default("HTTP1"), replaces)]
    pub protocol_version: String,
    /// `instance` or `ip`; Fargate tasks need `ip`.
    #[schemars(extend("enum" = ["instance", "ip"]))]
    #[property(default("instance"), replaces)]
    pub target_type: String,
    /// Id of the targets' VPC.
    #[property(required, replaces)]
    pub vpc_id: String,
    /// The check of whether a target is fit to get requests.
    #[property(default(health_check::defaults()), canonical(health_check::canonical))]
    pub health_check: HealthCheck,
    /// Seconds that a leaving target has to finish its requests, 0 to 3600.
    #[schemars(range(min = 0, max = 3600))]
    #[property(default(300))]
    pub deregistration_delay: i32,
    /// Seconds over which a new target's share grows, 30 to 900, or 0 for its full share at once.
    #[property(default(0))]
    pub slow_start: i32,
    /// `round_robin`, `least_outstanding_requests` or `weighted_random`. Default: `round_robin`.
    #[property(default("round_robin"))]
    pub load_balancing_algorithm_type: String,
    /// Keeps a client with one target. Default: it does not.
    #[property(canonical(canonical_stickiness))]
    pub stickiness: Option<Stickiness>,
}

impl Inputs {
    /// Returns the health check with the defaults that depend on the protocol.
    pub(super) fn full_health_check(&self) -> Full {
        let (protocol, version) = (&self.protocol, &self.protocol_version);
        self.health_check.full(protocol, version)
    }
}

/// Stickiness by a cookie of the load balancer.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Stickiness {
    /// Default: true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// `lb_cookie`, the only type there is here.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["lb_cookie"]))]
    pub kind: Option<String>,
    /// Seconds, 1 to 604800. Default: 86400.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cookie_duration: Option<i32>,
}

#[derive(Debug, Clone, Serialize, Deserialize, OutputTable)]
#[serde(rename_all = "camelCase")]
pub struct Outputs {
    /// `targetgroup/NAME/HEX`: the `TargetGroup` dimension of its metrics.
    pub arn_suffix: String,
}

const NAME: TextRule = crate::aws::elbv2::NAME.must(
    "neither begin nor end with a hyphen",
    crate::aws::elbv2::is_name,
);
