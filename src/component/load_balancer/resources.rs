//! The resources of `loadBalancer:`, and the outputs that others can ask it for.

use std::collections::BTreeMap;

use super::model::LoadBalancer;
use super::urns::{KEY, http_listener, https_listener, load_balancer, target_group};
use super::{access_logs, routes};
use crate::component::context::Context;
use crate::component::lookup::Export;
use crate::component::network::{self, Network, security_groups};
use crate::component::platform::Platform;
use crate::component::services::{Service, Services};
use crate::resource::value::properties;
use crate::resource::{Path, StackId, Value};

/// TLS 1.2 and 1.3 only.
const TLS_POLICY: &str = "ELBSecurityPolicy-TLS13-1-2-2021-06";
/// Seconds for which a task that is being stopped keeps its connections.
const DEREGISTRATION_SECONDS: u32 = 30;

impl LoadBalancer {
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
            firewall.expand(context, platform.log_retention_days(context));
        }
        let dns_name = Value::output(&load_balancer(&stack), "dnsName");
        let url = self.url(&stack);
        context.outputs.extend([
            ("url".to_owned(), url),
            ("loadBalancerDnsName".to_owned(), dns_name),
        ]);
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
