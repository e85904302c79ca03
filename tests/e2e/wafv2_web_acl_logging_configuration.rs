//! `aws:wafv2:WebAclLoggingConfiguration`.

use async_trait::async_trait;
use aws_sdk_wafv2::types::{self as waf, FieldToMatch, Method};
use serde_json::{Value as Json, json};

use crate::common::commands::DONE;
use crate::common::program::Program;
use crate::common::proxy::{Proxy, Refusal};
use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;
use crate::common::{World, endpoint};

struct LoggingConfiguration;

fn acl(id: &str) -> &str {
    id.trim_end_matches("/logging")
}

async fn read(sdk: &Sdk, acl: &str) -> Option<waf::LoggingConfiguration> {
    let asked = sdk.wafv2.get_logging_configuration().resource_arn(acl);
    asked.send().await.ok()?.logging_configuration
}

#[async_trait]
impl ResourceTypeTest for LoggingConfiguration {
    fn token(&self) -> &'static str {
        "aws:wafv2:WebAclLoggingConfiguration"
    }

    fn needs(&self) -> &'static str {
        "guard: { type: aws:wafv2:WebAcl, properties: { name: e2e-logged, defaultAction: { allow: {} }, visibilityConfig: { cloudwatchMetricsEnabled: true, metricName: guard, sampledRequestsEnabled: true } } }
keeper: { type: aws:wafv2:WebAcl, properties: { name: e2e-logged-too, defaultAction: { allow: {} }, visibilityConfig: { cloudwatchMetricsEnabled: true, metricName: keeper, sampledRequestsEnabled: true } } }
first: { type: aws:cloudwatch:LogGroup, properties: { name: aws-waf-logs-e2e-first } }
second: { type: aws:cloudwatch:LogGroup, properties: { name: aws-waf-logs-e2e-second } }"
    }

    fn base(&self) -> &'static str {
        "{ resourceArn: '${guard.arn}', logDestinationConfigs: ['${first.arn}'] }"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::in_place(
                "/destination",
                (
                    "logDestinationConfigs: ['${first.arn}']",
                    "aws-waf-logs-e2e-first",
                ),
                (
                    "logDestinationConfigs: ['${second.arn}']",
                    "aws-waf-logs-e2e-second",
                ),
            ),
            Edit::in_place(
                "/redacted",
                (
                    "redactedFields: [{ singleHeader: { name: Cookie } }, { singleHeader: { name: Authorization } }]",
                    json!(["authorization", "cookie"]),
                ),
                (
                    "redactedFields: [{ singleHeader: { name: cookie } }, { uriPath: {} }]",
                    json!(["cookie", "path"]),
                ),
            )
            .removed(json!([])),
            Edit::in_place(
                "/kept",
                (
                    "loggingFilter: { defaultBehavior: DROP, filters: [{ behavior: KEEP, requirement: MEETS_ANY, conditions: [{ actionCondition: { action: BLOCK } }] }] }",
                    "BLOCK",
                ),
                (
                    "loggingFilter: { defaultBehavior: DROP, filters: [{ behavior: KEEP, requirement: MEETS_ANY, conditions: [{ actionCondition: { action: COUNT } }] }] }",
                    "COUNT",
                ),
            )
            .removed(Json::Null),
            Edit::moves(
                "/acl",
                ("resourceArn: ${guard.arn}", "e2e-logged"),
                ("resourceArn: ${keeper.arn}", "e2e-logged-too"),
            ),
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let found = read(sdk, acl(id)).await?;
        let last = |arn: &str| arn.rsplit(':').next().unwrap_or_default().to_owned();
        let mut redacted: Vec<String> = found
            .redacted_fields()
            .iter()
            .map(|field| match field.single_header() {
                Some(header) => header.name().to_owned(),
                None if field.uri_path().is_some() => "path".to_owned(),
                None => "another".to_owned(),
            })
            .collect();
        redacted.sort();
        let filter = found
            .logging_filter()
            .and_then(|filter| filter.filters().first());
        let condition = filter.and_then(|filter| filter.conditions().first());
        let action = condition.and_then(|condition| condition.action_condition());
        Some(json!({
            "acl": found.resource_arn().rsplit('/').nth(1),
            "destination": found.log_destination_configs().first().map(|arn| last(arn)),
            "redacted": redacted,
            "kept": action.map(|condition| condition.action().as_str()),
        }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        let gone = sdk
            .wafv2
            .delete_logging_configuration()
            .resource_arn(acl(id));
        gone.send().await.is_ok()
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        let Some(mut found) = read(sdk, acl(id)).await else {
            return false;
        };
        let method = FieldToMatch::builder().method(Method::builder().build());
        found.redacted_fields = Some(vec![method.build()]);
        let put = sdk.wafv2.put_logging_configuration();
        put.logging_configuration(found).send().await.is_ok()
    }

    async fn foreign_tag(&self, _sdk: &Sdk, _id: &str, _set: bool) -> Option<bool> {
        None
    }
}

#[tokio::test]
async fn logging_configuration() {
    check("e2e-wafv2-logging-configuration", &LoggingConfiguration).await;
}

/// Names of their own, and the configuration under test.
fn logged(name: &str) -> String {
    let needs = LoggingConfiguration.needs();
    let needs = needs.replace("e2e-logged", &format!("e2e-logs-{name}"));
    let needs = needs.replace("aws-waf-logs-e2e-", &format!("aws-waf-logs-e2e-{name}-"));
    format!(
        "{needs}\ntested: {{ type: aws:wafv2:WebAclLoggingConfiguration, properties: {{ resourceArn: '${{guard.arn}}', logDestinationConfigs: ['${{first.arn}}'] }} }}"
    )
}

/// A log group that was made a moment ago is refused at first, as WAF's own role may be.
#[tokio::test]
async fn a_destination_that_waf_may_not_write_to_yet_is_waited_for() {
    let world = World::new("e2e-wafv2-logs-not-yet").await;
    let proxy = Proxy::before(endpoint(), |call| {
        let (code, message) = match call.turn {
            1 => (
                "WAFLogDestinationPermissionIssueException",
                "Unable to deliver logs to the configured destination. You might need to grant log delivery permissions for the destination.",
            ),
            2 => (
                "WAFServiceLinkedRoleErrorException",
                "AWS WAF is not able to access the service linked role.",
            ),
            3 => (
                "WAFNonexistentItemException",
                "AWS WAF couldn’t perform the operation because your resource doesn’t exist.",
            ),
            _ => return None,
        };
        let refused = Refusal {
            status: 400,
            code,
            message,
        };
        (call.operation == "PutLoggingConfiguration").then(|| refused.into())
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let resources = logged("not-yet");
    let ended = program.run(&resources, "up", &["--yes"]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    assert_eq!(proxy.calls("PutLoggingConfiguration"), 4);
    let id = world.id(&resources, "tested").await;
    let looked = LoggingConfiguration.look(&world.sdk, &id).await;
    let looked = looked.expect("it is there");
    assert_eq!(looked["destination"], "aws-waf-logs-e2e-not-yet-first");
    assert!(world.preview(&resources).await.is_empty());
    world.destroy(&resources).await;
}

/// The entry for the group that WAF has written into a policy of CloudWatch Logs stays, and is named at the end.
#[tokio::test]
async fn destroy_names_what_waf_leaves_in_cloudwatch_logs() {
    let world = World::new("e2e-wafv2-logs-left").await;
    let program = Program::of(&world);
    let resources = logged("left");
    let ended = program.run(&resources, "up", &["--yes"]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    let ended = program.run(&resources, "destroy", &["--yes"]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    let words: Vec<&str> = ended.raw.split_whitespace().collect();
    let told = "what lets WAF write to `aws-waf-logs-e2e-left-first`";
    assert!(words.join(" ").contains(told), "{}", ended.screen);
}
