//! The web application firewall in front of the load balancer.

use crate::resource::Value;
use crate::resource::value::properties;

use super::context::Context;
use super::load_balancer::{self, KEY};

/// AWS's own groups of rules: against common attacks, and against requests known to be malicious.
const MANAGED: &[(&str, &str)] = &[
    ("CommonRules", "AWSManagedRulesCommonRuleSet"),
    ("KnownBadInputs", "AWSManagedRulesKnownBadInputsRuleSet"),
];

/// Adds the web ACL and ties it to the load balancer.
pub fn expand(context: &mut Context<'_>, rate_limit: u32) {
    let stack = context.id.clone();
    let acl = context.urn("aws:wafv2:WebAcl", "loadBalancer/webAcl");
    let limit = Value::object([
        ("name", "RateLimit".into()),
        ("priority", 1.into()),
        ("action", Value::object([("block", Value::object([]))])),
        (
            "statement",
            Value::object([(
                "rateBasedStatement",
                Value::object([
                    ("limit", rate_limit.into()),
                    ("aggregateKeyType", "IP".into()),
                    ("evaluationWindowSec", 300.into()),
                ]),
            )]),
        ),
        ("visibilityConfig", visibility("RateLimit")),
    ]);
    let managed = MANAGED.iter().enumerate().map(|(index, (name, group))| {
        Value::object([
            ("name", (*name).into()),
            ("priority", (index as u32 + 2).into()),
            (
                "overrideAction",
                Value::object([("none", Value::object([]))]),
            ),
            (
                "statement",
                Value::object([(
                    "managedRuleGroupStatement",
                    Value::object([("vendorName", "AWS".into()), ("name", (*group).into())]),
                )]),
            ),
            ("visibilityConfig", visibility(name)),
        ])
    });
    let inputs = properties([
        ("scope", "REGIONAL".into()),
        ("description", "In front of the load balancer".into()),
        (
            "defaultAction",
            Value::object([("allow", Value::object([]))]),
        ),
        ("rules", Value::list(std::iter::once(limit).chain(managed))),
        ("visibilityConfig", visibility("WebAcl")),
    ]);
    context.add(KEY, acl.clone(), inputs);
    let association = properties([
        (
            "resourceArn",
            Value::output(&load_balancer::load_balancer(&stack), "arn"),
        ),
        ("webAclArn", Value::output(&acl, "arn")),
    ]);
    let urn = context.urn(
        "aws:wafv2:WebAclAssociation",
        "loadBalancer/webAclAssociation",
    );
    context.add(KEY, urn, association);
}

fn visibility(metric: &str) -> Value {
    Value::object([
        ("cloudwatchMetricsEnabled", true.into()),
        ("sampledRequestsEnabled", true.into()),
        ("metricName", metric.into()),
    ])
}
