//! The keys of `loadBalancer:`.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::component::text::Text;

/// An application load balancer in the public subnets.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(rename = "LoadBalancer", extend("x-unsupported" = json!({
    "domain": "certificates and DNS records are not made yet: request the certificate in ACM, set `certificateArn`, and \
               point the domain at the output `loadBalancerDnsName`",
})))]
pub struct LoadBalancerSpec {
    /// Its name in AWS: up to 32 letters, digits and hyphens, not at the ends. Default: derived from the stack.
    #[schemars(example = &"happyrobot-fde-alb", length(min = 1, max = 32))]
    pub name: Option<String>,
    /// The ARN of a certificate in ACM. With one, HTTPS is served, and HTTP redirects to it. Default: HTTP alone.
    pub certificate_arn: Option<Text>,
    /// Allows it to serve HTTP alone, so that there is no warning where `certificateArn` is missing. With a certificate
    /// there is nothing to allow: HTTP redirects to HTTPS. Default: true in dev.
    pub allow_http: Option<bool>,
    /// Seconds after which an idle connection is closed. Default: 60.
    #[schemars(range(min = 1, max = 4000))]
    pub idle_timeout_seconds: Option<u32>,
    /// Makes AWS itself refuse to delete it. Default: true in prod.
    pub deletion_protection: Option<bool>,
    /// The destination of the access logs.
    pub access_logs: AccessLogsSpec,
    /// The web application firewall in front of it.
    pub waf: WafSpec,
}

/// Logs of all requests, in a bucket of the stack's own.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(rename = "AccessLogs")]
pub struct AccessLogsSpec {
    /// Writes access logs. Default: true.
    pub enabled: Option<bool>,
    /// The name of the bucket, unique in all of AWS. Default: derived from stack, account and region.
    #[schemars(example = &"happyrobot-fde-alb-access-logs-dev", length(min = 3, max = 63))]
    pub bucket: Option<String>,
    /// The beginning of the names of the logs. Default: nothing.
    #[schemars(length(min = 1, max = 255))]
    pub prefix: Option<String>,
    /// Days after which logs are deleted. Default: 30 in dev, 90 in staging, 365 in prod.
    #[schemars(range(min = 1, max = 3650))]
    pub expire_days: Option<u32>,
}

/// A web application firewall with a limit per address and AWS's rules against common attacks.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(rename = "Waf")]
pub struct WafSpec {
    /// Puts the firewall in front of the load balancer; `mode`, `sets`, `count` or `logging` turns it on as well. Default:
    /// true in prod.
    pub enabled: Option<bool>,
    /// Requests from one address in 5 minutes, beyond which it is blocked. Default: 1000.
    #[schemars(range(min = 10, max = 2_000_000_000))]
    pub rate_limit: Option<u32>,
    /// The action on a request that a rule matches. Default: `block`.
    pub mode: Option<WafMode>,
    /// The sets of AWS's rules that it has, in any order. Default: all of them.
    #[schemars(example = ["common", "knownBadInputs"])]
    pub sets: Option<Vec<WafSet>>,
    /// Rules that count what they would block: names of rules in AWS's groups, or `RateLimit`, `CommonRules`,
    /// `KnownBadInputs`, `IpReputation` and `SqlInjection` as a whole. Default: `SizeRestrictions_BODY`, which blocks every
    /// body over 8 KB (uploads, and many a JSON document; bodies beyond that are inspected as far as 8 KB), `SQLi_BODY` and
    /// `SQLiExtendedPatterns_BODY`, which take texts that people write for SQL.
    pub count: Option<Vec<String>>,
    /// Logs every request that it sees, in the log group `aws-waf-logs-STACK-ENVIRONMENT`, without the headers
    /// `authorization` and `cookie`, for as long as other logs are kept. CloudWatch charges for that. Default: true in prod.
    pub logging: Option<bool>,
}

/// A set of rules of AWS's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum WafSet {
    /// Against common attacks: `AWSManagedRulesCommonRuleSet`.
    Common,
    /// Against requests known to be malicious: `AWSManagedRulesKnownBadInputsRuleSet`.
    KnownBadInputs,
    /// Against addresses of bad repute: `AWSManagedRulesAmazonIpReputationList`.
    IpReputation,
    /// Against SQL in requests: `AWSManagedRulesSQLiRuleSet`.
    SqlInjection,
}

impl fmt::Display for WafSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Common => "common",
            Self::KnownBadInputs => "knownBadInputs",
            Self::IpReputation => "ipReputation",
            Self::SqlInjection => "sqlInjection",
        })
    }
}

/// The action on a request that a rule of the firewall matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum WafMode {
    /// It is answered with 403.
    Block,
    /// It is let through and counted, by all rules: what `block` would block shows in the metrics, and in the samples of the
    /// web ACL.
    Count,
}
