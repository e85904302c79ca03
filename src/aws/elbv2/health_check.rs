//! The health check that decides whether a target is fit to get requests.
//!
//! Some defaults depend on protocol and version of the group, so they are filled in here and not in the schema. All are
//! sent: AWS takes no group without codes (hashicorp/terraform-provider-aws#2351).
//!
//! AWS's API reference gives another timeout (6 and 10 seconds) and HTTP for all groups; the user guide and the answers of
//! accounts have five seconds for all targets with addresses, and HTTPS where the group speaks it:
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html>.

use aws_sdk_elasticloadbalancingv2::types::{Matcher, ProtocolEnum, TargetGroup};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Written;
use crate::resource::{Properties, Value};

/// A health check.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HealthCheck {
    /// Always true for targets of these types.
    #[serde(default = "always")]
    #[schemars(extend("const" = true))]
    pub enabled: bool,
    /// Path, or for gRPC `/package.service/method`. Default: `/`, for gRPC `/AWS.ALB/healthcheck`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// A port, or `traffic-port` for the one that gets the requests. Default: `traffic-port`.
    #[serde(
        default,
        deserialize_with = "super::text",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<Written>")]
    pub port: Option<String>,
    /// `HTTP` or `HTTPS`. Default: the protocol of the group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// Status codes of a healthy answer: `200`, `200,202`, `200-299`; for gRPC 0 to 99. Default: `200`, for gRPC `12`.
    #[serde(
        default,
        deserialize_with = "super::text",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<Written>")]
    pub matcher: Option<String>,
    /// Seconds between checks, 5 to 300. Default: 30.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<i32>,
    /// Seconds an answer may take, 2 to 120 and less than `interval`. Default: 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<i32>,
    /// Good answers in a row that make a target healthy, 2 to 10. Default: 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthy_threshold: Option<i32>,
    /// Bad answers in a row that make it unhealthy, 2 to 10. Default: 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unhealthy_threshold: Option<i32>,
}

const GRPC: &str = "GRPC";
const TRAFFIC_PORT: &str = "traffic-port";
const HTTP: &str = "HTTP";
const HTTPS: &str = "HTTPS";
const INTERVAL: i32 = 30;
const TIMEOUT: i32 = 5;
const HEALTHY: i32 = 5;
const UNHEALTHY: i32 = 2;

/// The defaults that hold for every group.
pub(super) fn defaults() -> Value {
    Value::object([
        ("enabled", true.into()),
        ("port", TRAFFIC_PORT.into()),
        ("interval", INTERVAL.into()),
        ("healthyThreshold", HEALTHY.into()),
        ("unhealthyThreshold", UNHEALTHY.into()),
    ])
}

struct DependentDefaults {
    path: &'static str,
    matcher: &'static str,
    protocol: &'static str,
}

fn dependent_defaults(protocol: &str, version: &str) -> DependentDefaults {
    let grpc = version == GRPC;
    DependentDefaults {
        path: if grpc { "/AWS.ALB/healthcheck" } else { "/" },
        matcher: if grpc { "12" } else { "200" },
        protocol: if protocol == HTTPS { HTTPS } else { HTTP },
    }
}

/// Fills in the defaults that depend on protocol and version.
pub(super) fn complete(group: &mut Properties) {
    let text = |name: &str| group.get(name).and_then(Value::as_str).unwrap_or_default();
    let defaults = dependent_defaults(text("protocol"), text("protocolVersion"));
    if let Some(Value::Object(check)) = group.get_mut("healthCheck") {
        super::fill(check, "path", defaults.path.into());
        super::fill(check, "matcher", defaults.matcher.into());
        super::fill(check, "protocol", defaults.protocol.into());
        super::fill(check, "timeout", TIMEOUT.into());
    }
}

/// Ports and codes as text.
pub(super) fn canonical(check: Value) -> Value {
    match check {
        Value::Object(mut check) => {
            for name in ["port", "matcher"] {
                check.entry(name.to_owned()).and_modify(super::as_text);
            }
            Value::Object(check)
        }
        other => other,
    }
}

/// A health check with all its defaults, as it is sent.
pub(super) struct Full {
    pub path: String,
    pub port: String,
    pub protocol: ProtocolEnum,
    pub matcher: Matcher,
    pub interval: i32,
    pub timeout: i32,
    pub healthy_threshold: i32,
    pub unhealthy_threshold: i32,
}

impl HealthCheck {
    pub(super) fn full(&self, protocol: &str, version: &str) -> Full {
        let defaults = dependent_defaults(protocol, version);
        let codes = self.matcher.as_deref().unwrap_or(defaults.matcher);
        let matcher = if version == GRPC {
            Matcher::builder().grpc_code(codes)
        } else {
            Matcher::builder().http_code(codes)
        };
        let text =
            |given: &Option<String>, default: &str| given.as_deref().unwrap_or(default).to_owned();
        Full {
            path: text(&self.path, defaults.path),
            port: text(&self.port, TRAFFIC_PORT),
            protocol: ProtocolEnum::from(self.protocol.as_deref().unwrap_or(defaults.protocol)),
            matcher: matcher.build(),
            interval: self.interval.unwrap_or(INTERVAL),
            timeout: self.timeout.unwrap_or(TIMEOUT),
            healthy_threshold: self.healthy_threshold.unwrap_or(HEALTHY),
            unhealthy_threshold: self.unhealthy_threshold.unwrap_or(UNHEALTHY),
        }
    }

    pub(super) fn from_sdk(group: &TargetGroup) -> Self {
        let matcher = group
            .matcher()
            .and_then(|matcher| matcher.http_code().or(matcher.grpc_code()));
        let protocol = group.health_check_protocol();
        Self {
            enabled: group.health_check_enabled().unwrap_or(true),
            path: group.health_check_path().map(str::to_owned),
            port: group.health_check_port().map(str::to_owned),
            protocol: protocol.map(|protocol| protocol.as_str().to_owned()),
            matcher: matcher.map(str::to_owned),
            interval: group.health_check_interval_seconds(),
            timeout: group.health_check_timeout_seconds(),
            healthy_threshold: group.healthy_threshold_count(),
            unhealthy_threshold: group.unhealthy_threshold_count(),
        }
    }
}

fn always() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::value::properties;

    #[test]
    fn defaults_follow_protocol_and_version() {
        let check = |protocol: &str, version: &str, given: Value| {
            let mut desired = properties([
                ("protocol", protocol.into()),
                ("protocolVersion", version.into()),
                ("healthCheck", given),
            ]);
            complete(&mut desired);
            serde_json::Value::from(&desired["healthCheck"]).to_string()
        };
        for (protocol, version, given, expected) in [
            (
                "HTTPS",
                "GRPC",
                Value::object([("path", Value::Null)]),
                r#"{"matcher":"12","path":"/AWS.ALB/healthcheck","protocol":"HTTPS","timeout":5}"#,
            ),
            (
                "HTTP",
                "GRPC",
                Value::object([]),
                r#"{"matcher":"12","path":"/AWS.ALB/healthcheck","protocol":"HTTP","timeout":5}"#,
            ),
            (
                "HTTPS",
                "HTTP1",
                Value::object([]),
                r#"{"matcher":"200","path":"/","protocol":"HTTPS","timeout":5}"#,
            ),
            (
                "HTTPS",
                "HTTP2",
                Value::object([("protocol", "HTTP".into())]),
                r#"{"matcher":"200","path":"/","protocol":"HTTP","timeout":5}"#,
            ),
            (
                "HTTP",
                "HTTP1",
                Value::object([("path", "/health".into())]),
                r#"{"matcher":"200","path":"/health","protocol":"HTTP","timeout":5}"#,
            ),
        ] {
            assert_eq!(check(protocol, version, given), expected);
        }
    }

    /// The answers of AWS for groups of which only port, protocol and version were given.
    #[test]
    fn what_aws_chooses_for_a_group_is_no_difference() {
        for (protocol, version, path, code) in [
            ("HTTP", "HTTP1", "/", "200"),
            ("HTTPS", "HTTP1", "/", "200"),
            ("HTTPS", "HTTP2", "/", "200"),
            ("HTTP", "GRPC", "/AWS.ALB/healthcheck", "12"),
            ("HTTPS", "GRPC", "/AWS.ALB/healthcheck", "12"),
        ] {
            let matcher = match version {
                GRPC => Matcher::builder().grpc_code(code),
                _ => Matcher::builder().http_code(code),
            };
            let answered = TargetGroup::builder()
                .protocol(ProtocolEnum::from(protocol))
                .protocol_version(version)
                .health_check_protocol(ProtocolEnum::from(protocol))
                .health_check_port("traffic-port")
                .health_check_enabled(true)
                .health_check_interval_seconds(30)
                .health_check_timeout_seconds(5)
                .healthy_threshold_count(5)
                .unhealthy_threshold_count(2)
                .health_check_path(path)
                .matcher(matcher.build())
                .build();
            let answered = serde_json::to_value(HealthCheck::from_sdk(&answered)).unwrap();
            let mut wanted = properties([
                ("protocol", protocol.into()),
                ("protocolVersion", version.into()),
                ("healthCheck", defaults()),
            ]);
            complete(&mut wanted);
            let wanted = wanted.remove("healthCheck").unwrap();
            assert_eq!(
                canonical(wanted),
                canonical(answered.into()),
                "{protocol} {version}"
            );
        }
    }

    #[test]
    fn ports_and_codes_may_be_numbers() {
        let check: HealthCheck =
            serde_json::from_value(serde_json::json!({"port": 8000, "matcher": 200})).unwrap();
        assert_eq!(check.port.as_deref(), Some("8000"));
        assert_eq!(check.matcher.as_deref(), Some("200"));
        let numbers = Value::object([("port", 8000.into()), ("matcher", 200.into())]);
        let texts = Value::object([("port", "8000".into()), ("matcher", "200".into())]);
        assert_eq!(canonical(numbers), texts);
    }
}
