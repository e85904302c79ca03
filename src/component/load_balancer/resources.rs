//! `loadBalancer:`: the way in. An application load balancer in the public subnets, with access logs, and with HTTPS once
//! there is a certificate.
//!
//! ```yaml
//! loadBalancer:
//!   certificateArn: arn:aws:acm:eu-south-2:123456789012:certificate/…
//!   waf: { enabled: true, rateLimit: 1000, mode: count }
//! ```
//!
//! Without a certificate the HTTP listener forwards, and staging and prod get a warning unless `allowHttp` says that this is
//! meant; with one it redirects to HTTPS. The services' `routes` and `default` say which service gets what. Offers
//! `${loadBalancer.dnsName}`, `zoneId`, `arn`, `url` and, where there are logs, `accessLogsBucket`. Rules are made in
//! `routes.rs`, logs in `access_logs.rs`, the firewall in `firewall.rs`; `plain_http.rs` has the warning.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::resource::value::properties;
use crate::resource::{Path, StackId, Urn, Value};
use crate::stack::{Environment, Fault};

use super::firewall::Firewall;
use super::routes::{self, Rule};
use super::{access_logs, firewall, plain_http};
use crate::component::context::Context;
use crate::component::lookup::Export;
use crate::component::network::{self, Network, security_groups};
use crate::component::services::{self, Service, Services};
use crate::component::{Platform, Text};

pub const KEY: &str = "loadBalancer";

/// TLS 1.2 and 1.3 only.
const TLS_POLICY: &str = "ELBSecurityPolicy-TLS13-1-2-2021-06";
/// Seconds for which a task that is being stopped keeps its connections.
const DEREGISTRATION_SECONDS: u32 = 30;
/// A load balancer needs eight free addresses in each of its subnets, and at least this prefix.
const LONGEST_SUBNET_PREFIX: u8 = 27;

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
    /// Default: true.
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
    /// Default: true in prod, and where `mode`, `sets`, `count` or `logging` says what it does.
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

/// A load balancer, settled.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadBalancer {
    name: Option<String>,
    certificate: Option<Text>,
    idle_timeout: u32,
    deletion_protection: bool,
    pub access_logs: Option<AccessLogs>,
    /// `None` for no firewall.
    pub firewall: Option<Firewall>,
    rules: Vec<Rule>,
    /// The key of the service that takes what no rule takes.
    default: Option<String>,
}

/// The destination of the access logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessLogs {
    pub bucket: Option<String>,
    pub prefix: Option<String>,
    pub expire_days: u32,
}

/// The load balancer.
pub fn load_balancer(stack: &StackId) -> Urn {
    Urn::new(stack, "aws:lb:LoadBalancer", "loadBalancer/alb")
}

/// The target group of a service.
pub fn target_group(stack: &StackId, service: &str) -> Urn {
    let name = format!("loadBalancer/{service}/targetGroup");
    Urn::new(stack, "aws:lb:TargetGroup", name)
}

fn http_listener(stack: &StackId) -> Urn {
    Urn::new(stack, "aws:lb:Listener", "loadBalancer/httpListener")
}

fn https_listener(stack: &StackId) -> Urn {
    Urn::new(stack, "aws:lb:Listener", "loadBalancer/httpsListener")
}

/// Fills in the defaults and checks the section. `None` if it is absent or structurally at fault.
pub fn resolve_defaults(
    context: &mut Context<'_>,
    network: Option<&Network>,
    services: Option<&Services>,
) -> Option<LoadBalancer> {
    let spec: LoadBalancerSpec = context.spec(KEY)?;
    context.need_section(KEY, network::KEY, "a load balancer lives in a network");
    context.need_section(KEY, services::KEY, "a load balancer leads to services");
    check(context, &spec, network);
    let prod = context.environment() == Environment::Prod;
    let expire_days = context.environment().choose(30, 90, 365);
    let logged = spec.access_logs.enabled.unwrap_or(true);
    let is_described = spec.waf.mode.is_some()
        || spec.waf.sets.is_some()
        || spec.waf.count.is_some()
        || spec.waf.logging == Some(true);
    let filtered = spec.waf.enabled.unwrap_or(prod || is_described);
    Some(LoadBalancer {
        name: spec.name,
        certificate: spec.certificate_arn,
        idle_timeout: spec.idle_timeout_seconds.unwrap_or(60),
        deletion_protection: spec.deletion_protection.unwrap_or(prod),
        access_logs: logged.then_some(AccessLogs {
            bucket: spec.access_logs.bucket,
            prefix: spec.access_logs.prefix,
            expire_days: spec.access_logs.expire_days.unwrap_or(expire_days),
        }),
        firewall: filtered.then(|| Firewall::of(spec.waf, prod)),
        rules: services.map_or_else(Vec::new, |services| {
            routes::resolve_defaults(context, services)
        }),
        default: services
            .and_then(|services| services.all.iter().find(|service| service.default))
            .map(|service| service.key.clone()),
    })
}

fn check(context: &mut Context<'_>, spec: &LoadBalancerSpec, network: Option<&Network>) {
    if let Some(name) = &spec.name
        && (!name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            || name.starts_with('-')
            || name.ends_with('-')
            || name.starts_with("internal-"))
    {
        let label = "takes letters, digits and inner hyphens, and must not begin with `internal-`";
        context.refuse(Fault::Name, "loadBalancer.name", label);
    }
    if let Some(certificate) = &spec.certificate_arn
        && !crate::stack::reference::holds_reference(&certificate.0)
    {
        let region = &context.stack.region;
        let parts: Vec<&str> = certificate.0.splitn(6, ':').collect();
        if !matches!(parts.as_slice(), ["arn", _, "acm", in_region, _, _] if in_region == region) {
            let label = format!("is not the ARN of a certificate in {region}");
            context.refuse(Fault::Value, "loadBalancer.certificateArn", label);
        }
    }
    if let Some(net) = network
        .iter()
        .flat_map(|network| &network.public)
        .find(|net| net.prefix_len() > LONGEST_SUBNET_PREFIX)
    {
        let label = format!("needs public subnets of at least /27; `{net}` is smaller");
        context.refuse_key(Fault::Cidr, KEY, label);
    }
    access_logs::check(context, &spec.access_logs);
    firewall::check(context, &spec.waf);
    plain_http::check(context, spec);
}

impl LoadBalancer {
    /// Returns whether the section makes a listener for HTTPS.
    pub fn serves_https(&self) -> bool {
        self.certificate.is_some()
    }

    /// The listener that serves; the other one, if any, redirects to it.
    fn serving_listener(&self, stack: &StackId) -> Urn {
        if self.certificate.is_some() {
            https_listener(stack)
        } else {
            http_listener(stack)
        }
    }

    /// The resources that must exist for traffic to reach a service.
    pub fn prerequisites_of(&self, stack: &StackId, service: &str) -> Vec<Urn> {
        let listener =
            (self.default.as_deref() == Some(service)).then(|| self.serving_listener(stack));
        self.rules
            .iter()
            .filter(|rule| rule.service == service)
            .map(|rule| rule.urn(stack))
            .chain(listener)
            .collect()
    }

    /// The outputs that `${loadBalancer.…}` can ask for.
    pub fn exports(&self, context: &Context<'_>) -> BTreeMap<String, Export> {
        let stack = &context.id;
        let balancer = load_balancer(stack);
        let mut exports = vec![
            ("dnsName", Value::output(&balancer, "dnsName")),
            ("zoneId", Value::output(&balancer, "zoneId")),
            ("arn", Value::output(&balancer, "arn")),
            ("url", self.url(stack)),
        ];
        if self.access_logs.is_some() {
            let bucket = Value::output(&access_logs::bucket(stack), "bucket");
            exports.push(("accessLogsBucket", bucket));
        }
        exports
            .into_iter()
            .map(|(name, value)| (name.to_owned(), Export::Value(value)))
            .collect()
    }

    fn url(&self, stack: &StackId) -> Value {
        let scheme = if self.certificate.is_some() {
            "https://"
        } else {
            "http://"
        };
        Value::join([
            scheme.into(),
            Value::output(&load_balancer(stack), "dnsName"),
        ])
    }

    /// Adds the resources of the section.
    pub fn expand(&self, context: &mut Context<'_>, platform: &Platform, network: &Network) {
        let stack = context.id.clone();
        if let Some(logs) = &self.access_logs {
            access_logs::expand(context, logs);
        }
        self.add_load_balancer(context, network, &stack);
        let exposed: Vec<&Service> = platform
            .services
            .iter()
            .flat_map(Services::exposed)
            .collect();
        for service in exposed {
            add_target_group(context, service, &stack);
        }
        self.add_listeners(context, &stack);
        for rule in &self.rules {
            let listener = self.serving_listener(&stack);
            routes::add(context, rule, &listener);
        }
        if let Some(firewall) = &self.firewall {
            firewall.expand(context, platform);
        }
        let dns_name = Value::output(&load_balancer(&stack), "dnsName");
        context
            .outputs
            .push(("loadBalancerDnsName".to_owned(), dns_name));
    }

    fn add_load_balancer(&self, context: &mut Context<'_>, network: &Network, stack: &StackId) {
        let group = Value::output(&security_groups::load_balancer(stack), "id");
        let mut inputs = properties([
            ("name", self.name.as_deref().into()),
            ("internal", false.into()),
            ("loadBalancerType", "application".into()),
            ("securityGroups", Value::list([group])),
            ("subnets", network.public_subnet_ids(stack)),
            ("vpcId", Value::output(&network::vpc(stack), "id")),
            ("ipAddressType", "ipv4".into()),
            ("idleTimeout", self.idle_timeout.into()),
            ("enableDeletionProtection", self.deletion_protection.into()),
            // Requests are smuggled past a proxy by malformed headers.
            ("dropInvalidHeaderFields", true.into()),
            ("enableHttp2", true.into()),
        ]);
        if let Some(logs) = &self.access_logs {
            let place = Value::object([
                ("enabled", true.into()),
                (
                    "bucket",
                    Value::output(&access_logs::bucket(stack), "bucket"),
                ),
                ("prefix", logs.prefix.as_deref().into()),
            ]);
            inputs.insert("accessLogs".to_owned(), place);
        }
        let resource = context.add(KEY, load_balancer(stack), inputs);
        resource.origin.name_key = Some(Path::from(KEY).key("name"));
        let needs = &mut resource.options.depends_on;
        // AWS refuses an internet-facing load balancer in a VPC without a way to the internet.
        needs.insert(network::internet_gateway(stack));
        if self.access_logs.is_some() {
            // AWS writes a test object when the logs are switched on.
            needs.insert(access_logs::bucket_policy(stack));
        }
    }

    fn add_listeners(&self, context: &mut Context<'_>, stack: &StackId) {
        let balancer = Value::output(&load_balancer(stack), "arn");
        let answer = match &self.default {
            Some(service) => routes::forward(stack, service),
            None => Value::object([
                ("type", "fixed-response".into()),
                (
                    "fixedResponse",
                    Value::object([
                        ("contentType", "text/plain".into()),
                        ("messageBody", "Not found".into()),
                        ("statusCode", "404".into()),
                    ]),
                ),
            ]),
        };
        let http_answer = match &self.certificate {
            None => answer.clone(),
            Some(_) => Value::object([
                ("type", "redirect".into()),
                (
                    "redirect",
                    Value::object([
                        ("port", "443".into()),
                        ("protocol", "HTTPS".into()),
                        ("statusCode", "HTTP_301".into()),
                    ]),
                ),
            ]),
        };
        let http = properties([
            ("loadBalancerArn", balancer.clone()),
            ("port", 80.into()),
            ("protocol", "HTTP".into()),
            ("defaultActions", Value::list([http_answer])),
        ]);
        let redirect = context.add(KEY, http_listener(stack), http);
        if self.certificate.is_some() {
            // HTTP goes on serving until all of HTTPS is served.
            let rules = self.rules.iter().map(|rule| rule.urn(stack));
            let needs = &mut redirect.options.depends_on;
            needs.extend(rules.chain([https_listener(stack), security_groups::https(stack)]));
        }
        let Some(certificate) = &self.certificate else {
            return;
        };
        let https = properties([
            ("loadBalancerArn", balancer),
            ("port", 443.into()),
            ("protocol", "HTTPS".into()),
            ("sslPolicy", TLS_POLICY.into()),
            (
                "certificateArn",
                context.text(certificate, "loadBalancer.certificateArn"),
            ),
            ("defaultActions", Value::list([answer])),
        ]);
        context.add(KEY, https_listener(stack), https);
    }
}

fn add_target_group(context: &mut Context<'_>, service: &Service, stack: &StackId) {
    let health = &service.health;
    let inputs = properties([
        ("port", service.port.map(u32::from).into()),
        ("protocol", "HTTP".into()),
        ("targetType", "ip".into()),
        ("vpcId", Value::output(&network::vpc(stack), "id")),
        ("deregistrationDelay", DEREGISTRATION_SECONDS.into()),
        (
            "healthCheck",
            Value::object([
                ("enabled", true.into()),
                ("path", health.path.as_str().into()),
                ("port", "traffic-port".into()),
                ("protocol", "HTTP".into()),
                ("matcher", health.matcher.as_str().into()),
                ("interval", health.interval.into()),
                ("timeout", health.timeout.into()),
                ("healthyThreshold", health.healthy.into()),
                ("unhealthyThreshold", health.unhealthy.into()),
            ]),
        ),
    ]);
    let origin = service.path("");
    let group = context.add(&origin, target_group(stack, &service.key), inputs);
    // ECS registers each task with the port of its container. A new group would be empty while the listener leads there.
    group.options.ignore_changes.push("port".into());
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use crate::component::testing::{faults_of, render_text};

    const SERVICES: &str = "network: {}\nservices: { web: { port: 3000 } }\n";

    fn check(text: &str, expected: &Expect) {
        expected.assert_eq(&faults_of(text));
    }

    #[test]
    fn http_redirects_once_there_is_a_certificate() {
        let text = format!(
            "{SERVICES}loadBalancer: {{ certificateArn: \"arn:aws:acm:eu-south-2:123456789012:certificate/x\", waf: {{ enabled: true }} }}\n"
        );
        let made = render_text(&text);
        let from = made.find("loadBalancer/httpListener").unwrap_or_default();
        expect![[r#"
            loadBalancer/httpListener aws:lb:Listener
              defaultActions: [{"redirect": {"port": "443", "protocol": "HTTPS", "statusCode": "HTTP_301"}, "type": "redirect"}]
              loadBalancerArn: ${loadBalancer/alb.arn}
              port: 80
              protocol: "HTTP"
              after loadBalancer/httpsListener
              after network/albIngressHttps
            loadBalancer/httpsListener aws:lb:Listener
              certificateArn: "arn:aws:acm:eu-south-2:123456789012:certificate/x"
              defaultActions: [{"targetGroupArn": ${loadBalancer/web/targetGroup.arn}, "type": "forward"}]
              loadBalancerArn: ${loadBalancer/alb.arn}
              port: 443
              protocol: "HTTPS"
              sslPolicy: "ELBSecurityPolicy-TLS13-1-2-2021-06"
            loadBalancer/webAcl aws:wafv2:WebAcl
              defaultAction: {"allow": {}}
              description: "In front of the load balancer"
              rules: [{"action": {"block": {}}, "name": "RateLimit", "priority": 1, "statement": {"rateBasedStatement": {"aggregateKeyType": "IP", "evaluationWindowSec": 300, "limit": 1000}}, "visibilityConfig": {"cloudwatchMetricsEnabled": true, "metricName": "shop-dev-RateLimit", "sampledRequestsEnabled": true}}, {"name": "CommonRules", "overrideAction": {"none": {}}, "priority": 2, "statement": {"managedRuleGroupStatement": {"name": "AWSManagedRulesCommonRuleSet", "ruleActionOverrides": [{"actionToUse": {"count": {}}, "name": "SizeRestrictions_BODY"}], "vendorName": "AWS"}}, "visibilityConfig": {"cloudwatchMetricsEnabled": true, "metricName": "shop-dev-CommonRules", "sampledRequestsEnabled": true}}, {"name": "KnownBadInputs", "overrideAction": {"none": {}}, "priority": 3, "statement": {"managedRuleGroupStatement": {"name": "AWSManagedRulesKnownBadInputsRuleSet", "vendorName": "AWS"}}, "visibilityConfig": {"cloudwatchMetricsEnabled": true, "metricName": "shop-dev-KnownBadInputs", "sampledRequestsEnabled": true}}, {"name": "IpReputation", "overrideAction": {"none": {}}, "priority": 4, "statement": {"managedRuleGroupStatement": {"name": "AWSManagedRulesAmazonIpReputationList", "vendorName": "AWS"}}, "visibilityConfig": {"cloudwatchMetricsEnabled": true, "metricName": "shop-dev-IpReputation", "sampledRequestsEnabled": true}}, {"name": "SqlInjection", "overrideAction": {"none": {}}, "priority": 5, "statement": {"managedRuleGroupStatement": {"name": "AWSManagedRulesSQLiRuleSet", "ruleActionOverrides": [{"actionToUse": {"count": {}}, "name": "SQLi_BODY"}, {"actionToUse": {"count": {}}, "name": "SQLiExtendedPatterns_BODY"}], "vendorName": "AWS"}}, "visibilityConfig": {"cloudwatchMetricsEnabled": true, "metricName": "shop-dev-SqlInjection", "sampledRequestsEnabled": true}}]
              scope: "REGIONAL"
              visibilityConfig: {"cloudwatchMetricsEnabled": true, "metricName": "shop-dev-WebAcl", "sampledRequestsEnabled": true}
            loadBalancer/webAclAssociation aws:wafv2:WebAclAssociation
              resourceArn: ${loadBalancer/alb.arn}
              webAclArn: ${loadBalancer/webAcl.arn}
        "#]].assert_eq(&made[from..]);
    }

    #[test]
    fn faults() {
        check(
            "loadBalancer: {}\n",
            &expect![[r#"
                1:1 missing_section `loadBalancer`: a load balancer lives in a network
                    help: add `network: {}` for one with the defaults
                1:1 missing_section `loadBalancer`: a load balancer leads to services
                    help: add `services:` with one at least, such as `web: { port: 3000 }`
            "#]],
        );
        check(
            &format!(
                "{SERVICES}loadBalancer:\n  name: internal-x\n  domain: example.com\n  idleTimeoutSeconds: 0\n"
            ),
            &expect![[r#"
                4:9 name `internal-x`: takes letters, digits and inner hyphens, and must not begin with `internal-`
                5:3 unsupported `domain`: `domain` is not supported yet
                    help: certificates and DNS records are not made yet: request the certificate in ACM, set `certificateArn`, and point the domain at the output `loadBalancerDnsName`
                6:23 out_of_range `0`: `loadBalancer.idleTimeoutSeconds` takes a whole number from 1 to 4000
            "#]],
        );
        check(
            &format!(
                "{SERVICES}loadBalancer:\n  name: internal-x\n  certificateArn: arn:aws:acm:us-east-1:123456789012:certificate/x\n  accessLogs: {{ bucket: My_Bucket, prefix: AWSLogs/x }}\n"
            ),
            &expect![[r#"
                4:9 name `internal-x`: takes letters, digits and inner hyphens, and must not begin with `internal-`
                5:19 value `arn:aws:acm:us-east-1:123456789012:certificate/x`: is not the ARN of a certificate in eu-south-2
                6:25 name `My_Bucket`: takes lower-case letters, digits, `.` and `-`, and neither of these at the ends
                6:44 value `AWSLogs/x`: must not hold `AWSLogs`, nor begin or end with `/`
            "#]],
        );
        check(
            "network: { cidr: 10.0.0.0/24 }\nservices: { web: { port: 3000 } }\nloadBalancer: {}\n",
            &expect![[r#"
                3:1 cidr `loadBalancer`: needs public subnets of at least /27; `10.0.0.128/28` is smaller
            "#]],
        );
    }
}
