//! The inputs and outputs of a load balancer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::elbv2::access_logs::{self, AccessLogs};
use crate::resource::{OutputTable, PropertyTable, TextRule, Value};

/// A load balancer for HTTP and HTTPS.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "these are the switches that AWS has"
)]
pub struct Inputs {
    /// 1 to 32 letters, digits and hyphens, no hyphen at either end, not beginning with `internal-`; unique in account
    /// and region.
    #[property(replaces, text(NAME))]
    pub name: String,
    /// True if its addresses are private.
    #[property(default(false), replaces)]
    pub internal: bool,
    /// `application`, the only type there is here.
    #[schemars(extend("enum" = ["application"]))]
    #[property(default("application"), replaces)]
    pub load_balancer_type: String,
    /// Ids. Unset: AWS attaches the VPC's default group.
    #[property(server_chooses, set)]
    pub security_groups: Option<Vec<String>>,
    /// Ids of at least two subnets in different availability zones.
    #[property(required, set)]
    pub subnets: Vec<String>,
    /// Id of the VPC that the subnets are in. AWS knows it without being told; if it is given here, a move to another VPC
    /// shows beforehand as what it is, a replacement.
    #[property(server_chooses, replaces)]
    pub vpc_id: Option<String>,
    /// `ipv4`, `dualstack` or `dualstack-without-public-ipv4`.
    #[property(default("ipv4"))]
    pub ip_address_type: String,
    /// Seconds that a connection may be idle, 1 to 4000.
    #[schemars(range(min = 1, max = 4000))]
    #[property(default(60))]
    pub idle_timeout: i32,
    /// Seconds that a client may keep a connection, 60 to 604800.
    #[schemars(range(min = 60, max = 604_800))]
    #[property(default(3600))]
    pub client_keep_alive: i32,
    /// True if AWS refuses to delete it. If it is on, the load balancer is replaced and deleted by consent only
    /// (`--allow-delete`).
    #[property(default(false))]
    pub enable_deletion_protection: bool,
    /// True if headers with invalid names are removed rather than passed on.
    #[property(default(false))]
    pub drop_invalid_header_fields: bool,
    /// True if clients may speak HTTP/2.
    #[property(default(true))]
    pub enable_http2: bool,
    /// `monitor`, `defensive` or `strictest`.
    #[property(default("defensive"))]
    pub desync_mitigation_mode: String,
    /// True if targets see the `Host` header as the client sent it.
    #[property(default(false))]
    pub preserve_host_header: bool,
    /// The treatment of `X-Forwarded-For`: `append`, `preserve` or `remove`.
    #[property(default("append"))]
    pub xff_header_processing_mode: String,
    /// The place where each request is recorded. Default: nowhere.
    #[property(default(Value::object([("enabled", false.into())])), canonical(access_logs::canonical))]
    pub access_logs: AccessLogs,
}

#[derive(Debug, Clone, Serialize, Deserialize, OutputTable)]
#[serde(rename_all = "camelCase")]
pub struct Outputs {
    /// Host name under which it is reached.
    pub dns_name: String,
    /// Hosted zone of that name, for alias records.
    pub zone_id: String,
    /// The same id, under the name that the API uses.
    pub canonical_hosted_zone_id: String,
    /// `app/NAME/HEX`: the `LoadBalancer` dimension of its metrics.
    pub arn_suffix: String,
}

const NAME: TextRule = crate::aws::elbv2::NAME.must(
    "neither begin nor end with a hyphen, nor begin with `internal-`",
    |name| crate::aws::elbv2::is_name(name) && !name.starts_with("internal-"),
);
