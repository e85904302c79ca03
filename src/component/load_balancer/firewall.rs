//! The web application firewall in front of the load balancer, and its logs.
//!
//! All sets and the limit take 1127 of the 1500 capacity units that an ACL has at its first price: 700, 200, 25 and 200, and 2
//! for the limit: <https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html>.

use crate::graph::Resource;
use crate::resource::nearest::nearest;
use crate::resource::value::properties;
use crate::resource::{Earlier, Path, StackId, Urn, Value};
use crate::stack::Fault;

use super::spec::{WafMode, WafSet, WafSpec};
use super::urns::{self, KEY};
use crate::component::context::Context;

/// A group of rules of AWS's own.
struct Group {
    /// The name that the file has for it.
    set: WafSet,
    /// The priority, the same in each stack, so that adding or removing one moves no other.
    priority: u32,
    /// The name of the rule that holds the group.
    name: &'static str,
    /// The name of the group.
    group: &'static str,
    /// The rules in it.
    rules: &'static [&'static str],
}

/// The groups against common attacks, requests known to be malicious, addresses of bad repute, and SQL in requests.
/// <https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html>,
/// <https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-ip-rep.html>,
/// <https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-use-case.html>
const MANAGED: &[Group] = &[
    Group {
        set: WafSet::Common,
        priority: 2,
        name: "CommonRules",
        group: "AWSManagedRulesCommonRuleSet",
        rules: &[
            "NoUserAgent_HEADER",
            "UserAgent_BadBots_HEADER",
            "SizeRestrictions_QUERYSTRING",
            "SizeRestrictions_Cookie_HEADER",
            OVERSIZE,
            "SizeRestrictions_URIPATH",
            "EC2MetaDataSSRF_BODY",
            "EC2MetaDataSSRF_COOKIE",
            "EC2MetaDataSSRF_URIPATH",
            "EC2MetaDataSSRF_QUERYARGUMENTS",
            "GenericLFI_QUERYARGUMENTS",
            "GenericLFI_URIPATH",
            "GenericLFI_BODY",
            "RestrictedExtensions_URIPATH",
            "RestrictedExtensions_QUERYARGUMENTS",
            "GenericRFI_QUERYARGUMENTS",
            "GenericRFI_BODY",
            "GenericRFI_URIPATH",
            "CrossSiteScripting_COOKIE",
            "CrossSiteScripting_QUERYARGUMENTS",
            "CrossSiteScripting_BODY",
            "CrossSiteScripting_URIPATH",
        ],
    },
    Group {
        set: WafSet::KnownBadInputs,
        priority: 3,
        name: "KnownBadInputs",
        group: "AWSManagedRulesKnownBadInputsRuleSet",
        rules: &[
            "JavaDeserializationRCE_HEADER",
            "JavaDeserializationRCE_BODY",
            "JavaDeserializationRCE_URIPATH",
            "JavaDeserializationRCE_QUERYSTRING",
            "Host_localhost_HEADER",
            "PROPFIND_METHOD",
            "ExploitablePaths_URIPATH",
            "Log4JRCE_HEADER",
            "Log4JRCE_QUERYSTRING",
            "Log4JRCE_URIPATH",
            "Log4JRCE_BODY",
            "ReactJSRCE_BODY",
        ],
    },
    Group {
        set: WafSet::IpReputation,
        priority: 4,
        name: "IpReputation",
        group: "AWSManagedRulesAmazonIpReputationList",
        // The last one counts anyway: that is AWS's own action for it.
        rules: &[
            "AWSManagedIPReputationList",
            "AWSManagedReconnaissanceList",
            "AWSManagedIPDDoSList",
        ],
    },
    Group {
        set: WafSet::SqlInjection,
        priority: 5,
        name: "SqlInjection",
        group: "AWSManagedRulesSQLiRuleSet",
        rules: &[
            "SQLi_QUERYARGUMENTS",
            "SQLiExtendedPatterns_QUERYARGUMENTS",
            SQL_IN_BODY[0],
            SQL_IN_BODY[1],
            "SQLiExtendedPatterns_HEADER",
            "SQLiExtendedPatterns_URIPATH",
            "SQLi_COOKIE",
            "SQLi_URIPATH",
        ],
    },
];

/// The rule against bodies of more than 8 KB, which is as much as WAF gets to see of a body behind a load balancer:
/// <https://docs.aws.amazon.com/waf/latest/developerguide/web-acl-setting-body-inspection-limit.html>. It blocks uploads and
/// long documents, and is the first that authors remove: aws-solutions/deepracer-on-aws#89, oqtopus-team/oqtopus-cloud#431.
const OVERSIZE: &str = "SizeRestrictions_BODY";

/// The rules against SQL in bodies, which mistake texts that people write, in JSON for one, for SQL:
/// dimagi/commcare-cloud#5106, aws-samples/redcap-on-aws#57, aws-solutions/aws-waf-security-automations#79.
const SQL_IN_BODY: [&str; 2] = ["SQLi_BODY", "SQLiExtendedPatterns_BODY"];

/// The setting for the sets that a firewall had before there were more.
const EARLIER_SETS: &str = "loadBalancer.waf.sets: [common, knownBadInputs]";

const RATE_LIMIT: &str = "RateLimit";
const WHOLE: &str = "WebAcl";

/// The beginning that WAF requires for the names of log groups.
const LOGS: &str = "aws-waf-logs-";
/// Headers by which a request shows who sends it, in lower case as AWS has them.
const REDACTED: [&str; 2] = ["authorization", "cookie"];

/// A firewall, settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firewall {
    /// Requests per address in 5 minutes.
    rate_limit: u32,
    mode: WafMode,
    sets: Vec<WafSet>,
    /// The rules that only count.
    count: Vec<String>,
    logging: bool,
    silent: Silent,
}

/// The settings on which the file is silent, so that a later default applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Silent {
    sets: bool,
    count: bool,
    logging: bool,
}

/// Checks the sets and the names of rules. AWS takes names that a group does not have, and ignores them:
/// <https://docs.aws.amazon.com/waf/latest/APIReference/API_RuleActionOverride.html>.
pub fn check(context: &mut Context<'_>, spec: &WafSpec) {
    if spec.enabled == Some(false) && spec.logging == Some(true) {
        let label = "there is no firewall whose requests could be logged: `enabled` is false";
        let help = "take `logging` out, or `enabled: false`";
        context.refuse_with_help(Fault::Value, "loadBalancer.waf.logging", label, help);
    }
    let sets = spec.sets.as_deref();
    for (index, set) in sets.unwrap_or_default().iter().enumerate() {
        let before = &sets.unwrap_or_default()[..index];
        if before.contains(set) {
            let at = Path::from("loadBalancer.waf.sets").index(index);
            context.refuse(Fault::Duplicate, at, "is given twice");
        }
    }
    for (index, name) in spec.count.iter().flatten().enumerate() {
        let at = Path::from("loadBalancer.waf.count").index(index);
        if name == RATE_LIMIT {
            continue;
        }
        if let Some(group) = MANAGED.iter().find(|group| group.has(name)) {
            let set = group.set;
            if sets.is_some_and(|sets| !sets.contains(&set)) {
                let label = format!("is of the set `{set}`, which the firewall does not have");
                let help =
                    format!("add `{set}` to `loadBalancer.waf.sets`, or take the name out here");
                context.refuse_with_help(Fault::Value, at, label, help);
            }
            continue;
        }
        let help = match nearest(name, names()) {
            Some(known) => format!("did you mean `{known}`?"),
            None => {
                "the names are in https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html, \
                 and are written as there"
                    .to_owned()
            }
        };
        let label = "is not the name of a rule in the firewall";
        context.refuse_with_help(Fault::Value, at, label, help);
    }
}

impl Group {
    /// Returns whether it has this name, or one of its rules does.
    fn has(&self, name: &str) -> bool {
        self.name == name || self.rules.contains(&name)
    }
}

/// The names of what can be made to count.
fn names() -> impl Iterator<Item = &'static str> {
    let groups = MANAGED
        .iter()
        .flat_map(|group| group.rules.iter().copied().chain([group.name]));
    groups.chain([RATE_LIMIT])
}

/// The group of the firewall's logs.
fn log_group(stack: &StackId) -> Urn {
    Urn::new(stack, "aws:cloudwatch:LogGroup", "loadBalancer/webAclLogs")
}

impl Firewall {
    /// Settles a firewall; `logged` is whether it logs if the file does not say.
    pub fn of(spec: WafSpec, logged: bool) -> Self {
        let silent = Silent {
            sets: spec.sets.is_none(),
            count: spec.count.is_none(),
            logging: spec.logging.is_none(),
        };
        let count = spec.count.unwrap_or_else(|| {
            let counted = [OVERSIZE].into_iter().chain(SQL_IN_BODY);
            counted.map(str::to_owned).collect()
        });
        Self {
            rate_limit: spec.rate_limit.unwrap_or(1000),
            mode: spec.mode.unwrap_or(WafMode::Block),
            sets: spec
                .sets
                .unwrap_or_else(|| MANAGED.iter().map(|group| group.set).collect()),
            count,
            logging: spec.logging.unwrap_or(logged),
            silent,
        }
    }

    /// Adds the web ACL, associates it with the load balancer, and makes it log; logs are kept for `days`.
    pub fn expand(&self, context: &mut Context<'_>, days: u32) {
        let stack = context.id.clone();
        let acl = context.urn("aws:wafv2:WebAcl", "loadBalancer/webAcl");
        let managed: Vec<&Group> = self.managed().collect();
        let rules = managed.iter().map(|group| self.rule_of(group, &stack));
        let rules = std::iter::once(self.limit(&stack)).chain(rules);
        let inputs = properties([
            ("scope", "REGIONAL".into()),
            ("description", "In front of the load balancer".into()),
            ("defaultAction", action("allow")),
            ("rules", Value::list(rules)),
            ("visibilityConfig", visibility(&stack, WHOLE)),
        ]);
        let resource = context.add(KEY, acl.clone(), inputs);
        self.tell_new(resource, &managed);
        keep_metrics(resource, &managed);
        let association = properties([
            (
                "resourceArn",
                Value::output(&urns::load_balancer(&stack), "arn"),
            ),
            ("webAclArn", Value::output(&acl, "arn")),
        ]);
        let urn = context.urn(
            "aws:wafv2:WebAclAssociation",
            "loadBalancer/webAclAssociation",
        );
        context.add(KEY, urn, association);
        if self.logging {
            self.log(context, &acl, days);
        }
    }

    /// The groups that it has, in the order in which they are tried.
    fn managed(&self) -> impl Iterator<Item = &'static Group> {
        MANAGED
            .iter()
            .filter(|group| self.sets.contains(&group.set))
    }

    /// Records which of its rules came later, and what counts since.
    fn tell_new(&self, acl: &mut Resource, managed: &[&Group]) {
        // The limit is the first rule.
        let place = |set: WafSet| {
            let index = managed.iter().position(|group| group.set == set)?;
            Some(Path::from("rules").index(index + 1))
        };
        for set in [WafSet::IpReputation, WafSet::SqlInjection] {
            if self.silent.sets
                && let Some(rule) = place(set)
            {
                acl.new_default(rule, Value::Null, EARLIER_SETS);
            }
        }
        if self.silent.count
            && let Some(common) = place(WafSet::Common)
        {
            let counted = common.join("statement.managedRuleGroupStatement.ruleActionOverrides");
            acl.new_default(counted, Value::Null, "loadBalancer.waf.count: []");
        }
    }

    /// Makes the ACL log what it sees, in a group of its own, without the headers that identify the sender of a request.
    fn log(&self, context: &mut Context<'_>, acl: &Urn, days: u32) {
        const KEEP: &str = "loadBalancer.waf.logging: false";
        let stack = context.id.clone();
        let group = log_group(&stack);
        let name = format!("{LOGS}{}-{}", stack.name, stack.environment);
        let inputs = properties([("name", name.into()), ("retentionInDays", days.into())]);
        let made = context.add(KEY, group.clone(), inputs);
        if self.silent.logging {
            made.new_by_default(KEEP);
        }
        let redacted = REDACTED.map(|header| {
            let header = Value::object([("name", header.into())]);
            Value::object([("singleHeader", header)])
        });
        let inputs = properties([
            ("resourceArn", Value::output(acl, "arn")),
            (
                "logDestinationConfigs",
                Value::list([Value::output(&group, "arn")]),
            ),
            ("redactedFields", Value::list(redacted)),
        ]);
        let urn = context.urn(
            "aws:wafv2:WebAclLoggingConfiguration",
            "loadBalancer/webAclLogging",
        );
        let made = context.add(KEY, urn, inputs);
        if self.silent.logging {
            made.new_by_default(KEEP);
        }
    }

    /// Returns whether a rule, or a group as a whole, only counts.
    fn counts(&self, name: &str) -> bool {
        self.mode == WafMode::Count || self.is_named(name)
    }

    fn is_named(&self, name: &str) -> bool {
        self.count.iter().any(|counted| counted == name)
    }

    /// The rule against too many requests from one address.
    fn limit(&self, stack: &StackId) -> Value {
        let verb = if self.counts(RATE_LIMIT) {
            "count"
        } else {
            "block"
        };
        Value::object([
            ("name", RATE_LIMIT.into()),
            ("priority", 1.into()),
            ("action", action(verb)),
            (
                "statement",
                Value::object([(
                    "rateBasedStatement",
                    Value::object([
                        ("limit", self.rate_limit.into()),
                        ("aggregateKeyType", "IP".into()),
                        ("evaluationWindowSec", 300.into()),
                    ]),
                )]),
            ),
            ("visibilityConfig", visibility(stack, RATE_LIMIT)),
        ])
    }

    fn rule_of(&self, group: &Group, stack: &StackId) -> Value {
        let verb = if self.counts(group.name) {
            "count"
        } else {
            "none"
        };
        let counted = group.rules.iter().filter(|rule| self.is_named(rule));
        let overrides: Vec<Value> = counted
            .map(|rule| Value::object([("name", (*rule).into()), ("actionToUse", action("count"))]))
            .collect();
        let mut statement =
            properties([("vendorName", "AWS".into()), ("name", group.group.into())]);
        if !overrides.is_empty() {
            statement.insert("ruleActionOverrides".to_owned(), Value::list(overrides));
        }
        Value::object([
            ("name", group.name.into()),
            ("priority", group.priority.into()),
            ("overrideAction", action(verb)),
            (
                "statement",
                Value::object([("managedRuleGroupStatement", Value::Object(statement))]),
            ),
            ("visibilityConfig", visibility(stack, group.name)),
        ])
    }
}

fn action(verb: &'static str) -> Value {
    Value::object([(verb, Value::object([]))])
}

/// The metrics of the stack's own: CloudWatch would add up those of one name for several stacks.
fn visibility(stack: &StackId, rule: &str) -> Value {
    Value::object([
        ("cloudwatchMetricsEnabled", true.into()),
        ("sampledRequestsEnabled", true.into()),
        (
            "metricName",
            format!("{}-{}-{rule}", stack.name, stack.environment).into(),
        ),
    ])
}

/// Keeps the names of the metrics of an ACL that has those of earlier versions, which are named after the rule alone: alarms
/// and dashboards of other parties read them.
fn keep_metrics(acl: &mut Resource, managed: &[&Group]) {
    let metric = |path: Path, name: &'static str| {
        Earlier::new(path.join("visibilityConfig.metricName"), name)
    };
    let rules = managed.iter().map(|group| group.name).chain([RATE_LIMIT]);
    let rules = rules.map(|name| metric(Path::from("rules").key(name), name));
    let kept = &mut acl.options.earlier_values;
    kept.extend(rules.chain([metric(Path::default(), WHOLE)]));
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::component::expand;
    use crate::component::testing::{catalog, faults_of, load, render_text};
    use crate::resource::NewDefault;

    const SERVICES: &str = "network: {}\nservices: { web: { port: 3000 } }\n";

    fn check(waf: &str, expected: &Expect) {
        expected.assert_eq(&faults_of(&format!(
            "{SERVICES}loadBalancer: {{ waf: {waf} }}\n"
        )));
    }

    /// The rules of the firewall.
    fn firewall(waf: &str) -> String {
        let made = render_text(&format!("{SERVICES}loadBalancer: {{ waf: {waf} }}\n"));
        let mut lines = made.lines().map(str::trim);
        lines
            .find(|line| line.starts_with("rules: ") && line.contains("RateLimit"))
            .unwrap_or_default()
            .to_owned()
    }

    /// The resources of an environment's firewall.
    fn made(environment: &str, waf: &str) -> Vec<Resource> {
        let text = format!(
            "name: shop\nenvironment: {environment}\nregion: eu-south-2\n{SERVICES}loadBalancer: {{ waf: {waf} }}\n"
        );
        let stack = load(&[("file.yaml", &text)], &[]).unwrap();
        let resources = expand(&stack, &catalog()).unwrap().resources;
        let is_of_it = |resource: &Resource| resource.urn.name().starts_with("loadBalancer/webAcl");
        resources.into_iter().filter(is_of_it).collect()
    }

    fn by_name<'r>(resources: &'r [Resource], name: &str) -> Option<&'r Resource> {
        resources
            .iter()
            .find(|resource| resource.urn.name() == name)
    }

    #[test]
    fn bodies_over_8_kb_are_counted_unless_the_author_wants_them_blocked() {
        let counts = r#""ruleActionOverrides": [{"actionToUse": {"count": {}}, "name": "SizeRestrictions_BODY"}]"#;
        let by_default = firewall("{ enabled: true }");
        assert_eq!(by_default.matches(counts).count(), 1, "{by_default}");
        let none = firewall("{ enabled: true, count: [] }");
        assert!(!none.contains("ruleActionOverrides"), "{none}");
        assert_eq!(none.matches(r#""overrideAction": {"none": {}}"#).count(), 4);
    }

    /// Bodies that people write are not blocked because they look like SQL; a query or a cookie that does is.
    #[test]
    fn sql_is_blocked_but_for_bodies_which_are_counted() {
        let by_default = firewall("{ enabled: true }");
        let counts = r#""name": "AWSManagedRulesSQLiRuleSet", "ruleActionOverrides": [{"actionToUse": {"count": {}}, "name": "SQLi_BODY"}, {"actionToUse": {"count": {}}, "name": "SQLiExtendedPatterns_BODY"}]"#;
        assert!(by_default.contains(counts), "{by_default}");
    }

    #[test]
    fn rules_and_groups_count_where_the_author_names_them() {
        let rules = firewall(
            "{ enabled: true, count: [CrossSiteScripting_BODY, NoUserAgent_HEADER, Log4JRCE_BODY, KnownBadInputs, RateLimit, SqlInjection, AWSManagedIPReputationList] }",
        );
        for expected in [
            r#"{"action": {"count": {}}, "name": "RateLimit""#,
            r#""name": "CommonRules", "overrideAction": {"none": {}}"#,
            r#""name": "AWSManagedRulesCommonRuleSet", "ruleActionOverrides": [{"actionToUse": {"count": {}}, "name": "NoUserAgent_HEADER"}, {"actionToUse": {"count": {}}, "name": "CrossSiteScripting_BODY"}]"#,
            r#""name": "KnownBadInputs", "overrideAction": {"count": {}}"#,
            r#""name": "AWSManagedRulesKnownBadInputsRuleSet", "ruleActionOverrides": [{"actionToUse": {"count": {}}, "name": "Log4JRCE_BODY"}]"#,
            r#""name": "AWSManagedRulesAmazonIpReputationList", "ruleActionOverrides": [{"actionToUse": {"count": {}}, "name": "AWSManagedIPReputationList"}]"#,
            r#""name": "SqlInjection", "overrideAction": {"count": {}}"#,
        ] {
            assert!(rules.contains(expected), "{expected}\n{rules}");
        }
        assert!(!rules.contains("SizeRestrictions_BODY"), "{rules}");
    }

    #[test]
    fn in_count_mode_nothing_is_blocked() {
        let counting = firewall("{ enabled: true, mode: count, count: [] }");
        assert!(!counting.contains(r#""block""#), "{counting}");
        assert!(!counting.contains(r#""none""#), "{counting}");
        assert_eq!(
            counting.matches(r#"{"count": {}}"#).count(),
            5,
            "{counting}"
        );
    }

    /// A set that is removed moves no other: each has its own priority.
    #[test]
    fn the_author_chooses_the_sets() {
        let chosen = firewall("{ sets: [sqlInjection, common], count: [] }");
        for expected in [
            r#""name": "CommonRules", "overrideAction": {"none": {}}, "priority": 2"#,
            r#""name": "SqlInjection", "overrideAction": {"none": {}}, "priority": 5"#,
        ] {
            assert!(chosen.contains(expected), "{expected}\n{chosen}");
        }
        for absent in ["KnownBadInputs", "IpReputation"] {
            assert!(!chosen.contains(absent), "{absent}\n{chosen}");
        }
        let none = firewall("{ sets: [] }");
        assert_eq!(none.matches(r#""priority""#).count(), 1, "{none}");
    }

    /// A setting for how it works implies that there is one, unless the file says otherwise.
    #[test]
    fn a_firewall_that_is_described_is_there() {
        for described in [
            "{ mode: count }",
            "{ mode: block }",
            "{ sets: [common] }",
            "{ count: [RateLimit] }",
            "{ logging: true }",
        ] {
            assert!(firewall(described).contains("RateLimit"), "{described}");
        }
        for absent in [
            "{}",
            "{ rateLimit: 500 }",
            "{ logging: false }",
            "{ enabled: false, mode: count }",
            "{ enabled: false, logging: false }",
        ] {
            assert_eq!(firewall(absent), "", "{absent}");
        }
    }

    /// AWS silently ignores names that a group does not have.
    #[test]
    fn names_that_no_rule_has_are_refused() {
        check(
            "{ enabled: true, count: [SizeRestrictions_Body, Nothing] }",
            &expect![[r#"
                3:47 value `SizeRestrictions_Body`: is not the name of a rule in the firewall
                    help: did you mean `SizeRestrictions_BODY`?
                3:70 value `Nothing`: is not the name of a rule in the firewall
                    help: the names are in https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html, and are written as there
            "#]],
        );
    }

    #[test]
    fn a_firewall_that_is_off_logs_nothing() {
        check(
            "{ enabled: false, logging: true }",
            &expect![[r#"
                3:49 value `true`: there is no firewall whose requests could be logged: `enabled` is false
                    help: take `logging` out, or `enabled: false`
            "#]],
        );
    }

    #[test]
    fn sets_that_are_given_twice_and_rules_of_sets_that_are_not_are_refused() {
        check(
            "{ sets: [common, common], count: [SQLi_COOKIE, RateLimit] }",
            &expect![[r#"
                3:39 duplicate `common`: is given twice
                3:56 value `SQLi_COOKIE`: is of the set `sqlInjection`, which the firewall does not have
                    help: add `sqlInjection` to `loadBalancer.waf.sets`, or take the name out here
            "#]],
        );
    }

    #[test]
    fn prod_logs_what_the_firewall_sees_and_the_others_where_the_file_says_so() {
        for (environment, waf, is_logged, is_new) in [
            ("prod", "{}", true, true),
            ("prod", "{ logging: true }", true, false),
            ("prod", "{ logging: false }", false, false),
            ("prod", "{ enabled: false }", false, false),
            ("staging", "{ enabled: true }", false, false),
            ("staging", "{ mode: count, logging: true }", true, false),
            ("dev", "{ enabled: true }", false, false),
        ] {
            let resources = made(environment, waf);
            let group = by_name(&resources, "loadBalancer/webAclLogs");
            let logging = by_name(&resources, "loadBalancer/webAclLogging");
            let place = format!("{environment} {waf}");
            assert_eq!(group.is_some(), is_logged, "{place}");
            assert_eq!(logging.is_some(), is_logged, "{place}");
            let Some((group, logging)) = group.zip(logging) else {
                continue;
            };
            let name = format!("aws-waf-logs-shop-{environment}");
            assert_eq!(group.inputs["name"], name.as_str().into());
            assert!(group.inputs.contains_key("retentionInDays"), "{place}");
            let destination = Value::list([Value::output(&group.urn, "arn")]);
            assert_eq!(logging.inputs["logDestinationConfigs"], destination);
            let redacted = format!("{:?}", logging.inputs["redactedFields"]);
            for header in ["authorization", "cookie"] {
                assert!(redacted.contains(header), "{redacted}");
            }
            for made in [group, logging] {
                let expected = NewDefault {
                    path: None,
                    before: None,
                    keep: "loadBalancer.waf.logging: false".to_owned(),
                };
                let expected: Vec<NewDefault> = is_new.then_some(expected).into_iter().collect();
                assert_eq!(made.options.new_defaults, expected, "{place}");
            }
        }
    }

    #[test]
    fn sets_and_counted_rules_that_came_later_are_told_where_the_file_is_silent() {
        let counted = "statement.managedRuleGroupStatement.ruleActionOverrides";
        let sets = [3, 4]
            .map(|rule| format!("rules[{rule}]: loadBalancer.waf.sets: [common, knownBadInputs]"));
        let count = |rule: u32| format!("rules[{rule}].{counted}: loadBalancer.waf.count: []");
        for (waf, expected) in [
            ("{}", [&sets[..], &[count(1)]].concat()),
            ("{ sets: [knownBadInputs, common] }", vec![count(1)]),
            ("{ sets: [sqlInjection] }", vec![]),
            ("{ count: [SizeRestrictions_BODY] }", sets.to_vec()),
            ("{ sets: [common], count: [] }", vec![]),
        ] {
            let resources = made("prod", waf);
            let acl = by_name(&resources, "loadBalancer/webAcl").unwrap();
            let told = acl.options.new_defaults.iter().map(|new| {
                assert_eq!(new.before, Some(Value::Null), "{waf}");
                let path = new.path.as_ref().map(ToString::to_string);
                format!("{}: {}", path.unwrap_or_default(), new.keep)
            });
            assert_eq!(told.collect::<Vec<_>>(), expected, "{waf}");
        }
    }

    /// Two stacks in one account have separate metrics; what an earlier version has made goes on under its names.
    #[test]
    fn metrics_are_called_after_the_stack_but_for_those_that_are_there() {
        let metrics = |inputs: &crate::resource::Properties| {
            let text = serde_json::Value::from(&Value::Object(inputs.clone())).to_string();
            let names = text.split(r#""metricName":""#).skip(1);
            let names = names.filter_map(|rest| rest.split('"').next());
            names.map(str::to_owned).collect::<Vec<_>>()
        };
        let resources = made("prod", "{ sets: [common] }");
        let acl = by_name(&resources, "loadBalancer/webAcl").unwrap();
        let own = [
            "shop-prod-RateLimit",
            "shop-prod-CommonRules",
            "shop-prod-WebAcl",
        ];
        assert_eq!(metrics(&acl.inputs), own);
        let text = serde_json::Value::from(&Value::Object(acl.inputs.clone())).to_string();
        let earlier = text.replace("shop-prod-", "");
        let earlier = Value::from(serde_json::from_str::<serde_json::Value>(&earlier).unwrap());
        let mut wanted = acl.inputs.clone();
        for value in &acl.options.earlier_values {
            value.keep(&mut wanted, earlier.as_object().unwrap());
        }
        assert_eq!(metrics(&wanted), ["RateLimit", "CommonRules", "WebAcl"]);
    }
}
