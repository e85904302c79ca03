//! The logging of a web ACL: the destination for the requests that it sees.
//!
//! - An ACL has one, written as a whole, under the ACL's own ARN. There are no tags: it is part of its ACL, and is deleted
//!   with it.
//! - WAF takes one destination, whose name begins with `aws-waf-logs-`, and the ARN of a log group without the trailing
//!   `:*`.
//! - For a log group WAF writes a resource policy of CloudWatch Logs, in the caller's name; it stays when the logging ends:
//!   <https://docs.aws.amazon.com/waf/latest/developerguide/logging-cw-logs.html>, hashicorp/terraform-provider-aws#25296.
//!   A group that was made a moment ago may be refused at first: #36000.
//! - Names of headers come back in lower case, and fields in any order.

mod filter;
mod redacted_field;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_wafv2::types as sdk;
use futures_util::future::{join_all, try_join_all};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::filter::LoggingFilter;
use self::redacted_field::{RedactedField, canonical_fields};
use super::place::LOGGING;
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected, if_there};
use crate::aws::resource_type::{Change, Live, LiveOf, New, NoOutputs, Old, ResourceType, check};
use crate::aws::wait::{until_visible, while_in_use};
use crate::resource::diff::sorted;
use crate::resource::provider::{DataPolicy, Progress, Query};
use crate::resource::{
    Condition, CreateClass, InvalidInput, Observed, PropertyTable, Schema, Tags, Value,
};

/// Has a web ACL log the requests that it sees.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// ARN of the ACL.
    #[property(required, replaces, regional)]
    pub resource_arn: String,
    /// The ARN of one log group, bucket or delivery stream, whose name begins with `aws-waf-logs-`; the ARN of a log group
    /// is without the trailing `:*`.
    #[property(required, canonical(canonical_destinations), regional)]
    pub log_destination_configs: Vec<String>,
    /// The parts of a request that are not written. Up to 100. Default: everything is written.
    #[property(default(Value::List(Vec::new())), canonical(canonical_fields))]
    pub redacted_fields: Vec<RedactedField>,
    /// The selection of the requests that are logged. Default: all are.
    #[property(canonical(filter::canonical))]
    pub logging_filter: Option<LoggingFilter>,
}

const WEB_ACL: &str = "aws:wafv2:WebAcl";
/// The prefix of the name of a destination.
const PREFIX: &str = "aws-waf-logs-";
/// The suffix of the other ARN of a log group.
const STREAMS: &str = ":*";
/// <https://docs.aws.amazon.com/waf/latest/APIReference/API_LoggingConfiguration.html>
const MOST_FIELDS: usize = 100;

pub struct WebAclLoggingConfiguration;

impl ResourceType for WebAclLoggingConfiguration {
    type Inputs = Inputs;
    type Outputs = NoOutputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, NoOutputs>(LOGGING.token, CreateClass::PartOfParent)
            .checks(|inputs| check(inputs, fit))
            .key(&[Inputs::RESOURCE_ARN])
            .reads_after(&[WEB_ACL])
            .child_of(Inputs::RESOURCE_ARN, WEB_ACL)
            .aftermath(aftermath)
    }

    async fn ahead(&self, context: &Context, query: Query<'_>) {
        let asked = acls(&query)
            .into_iter()
            .map(|acl| logging_of(context, query, acl));
        drop(join_all(asked).await);
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let asked = acls(&query)
            .into_iter()
            .map(|acl| logging_of(context, query, acl));
        let found = try_join_all(asked).await?;
        Ok(found
            .iter()
            .filter_map(|one| one.as_ref().clone())
            .collect())
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        put(context, new.inputs, new.progress).await?;
        Ok(live(new.inputs.clone()))
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        put(context, change.wanted, change.progress).await?;
        Ok(change.applied())
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        let request = context
            .wafv2
            .delete_logging_configuration()
            .resource_arn(&old.live.inputs.resource_arn);
        context.send(request).await?;
        Ok(())
    }

    fn delete_patience(&self) -> Duration {
        Duration::from_mins(5)
    }
}

/// The ACLs that may have logs of ours, by ARN.
fn acls<'a>(query: &Query<'a>) -> BTreeSet<&'a str> {
    let ours = query.parents(WEB_ACL).filter_map(|acl| acl.arn.as_deref());
    let imported = query.wanted.iter().filter(|wanted| wanted.is_imported);
    let imported = imported.filter_map(|wanted| wanted.text("resourceArn"));
    ours.chain(imported).collect()
}

/// The logs of one ACL, requested once per read session.
async fn logging_of(
    context: &Context,
    query: Query<'_>,
    acl: &str,
) -> AwsResult<Arc<Option<LiveOf<WebAclLoggingConfiguration>>>> {
    let key = format!("wafv2:GetLoggingConfiguration {acl}");
    query.session.once(&key, || get(context, acl)).await
}

/// The logging of an ACL; `None` if it has none, or is gone.
async fn get(
    context: &Context,
    acl: &str,
) -> AwsResult<Option<LiveOf<WebAclLoggingConfiguration>>> {
    const OPERATION: &str = "wafv2:GetLoggingConfiguration";
    let answer = context
        .send(context.wafv2.get_logging_configuration().resource_arn(acl))
        .await;
    let Some(answer) = if_there(answer)? else {
        return Ok(None);
    };
    let found = answer.logging_configuration;
    let found = expected(OPERATION, found, "`LoggingConfiguration`")?;
    Ok(Some(live(inputs_of(&found))))
}

/// Replaces the whole configuration. The ACL, or an object that was made for its logs, may be too new to be visible.
async fn put(context: &Context, inputs: &Inputs, progress: &dyn Progress) -> AwsResult<()> {
    let wanted = to_sdk(inputs)?;
    while_in_use(Duration::from_mins(2), progress, || {
        until_visible(|| {
            let request = context
                .wafv2
                .put_logging_configuration()
                .logging_configuration(wanted.clone());
            context.send(request)
        })
    })
    .await?;
    Ok(())
}

fn live(inputs: Inputs) -> LiveOf<WebAclLoggingConfiguration> {
    Live {
        // It has no id of its own, and the ACL's id is the ACL's.
        id: format!("{}/logging", inputs.resource_arn),
        arn: None,
        inputs,
        outputs: NoOutputs {},
        tags: Tags::default(),
        condition: Condition::Ready,
    }
}

fn bare(destination: &str) -> &str {
    destination.strip_suffix(STREAMS).unwrap_or(destination)
}

fn to_sdk(inputs: &Inputs) -> AwsResult<sdk::LoggingConfiguration> {
    let destinations = inputs.log_destination_configs.iter();
    let destinations = destinations.map(|destination| bare(destination).to_owned());
    let fields = inputs.redacted_fields.iter().map(RedactedField::to_sdk);
    let filter = inputs.logging_filter.as_ref().map(LoggingFilter::to_sdk);
    LOGGING.built(
        sdk::LoggingConfiguration::builder()
            .resource_arn(&inputs.resource_arn)
            .set_log_destination_configs(Some(destinations.collect()))
            .set_redacted_fields(Some(fields.collect::<AwsResult<_>>()?))
            .set_logging_filter(filter.transpose()?)
            .build(),
    )
}

fn inputs_of(found: &sdk::LoggingConfiguration) -> Inputs {
    Inputs {
        resource_arn: found.resource_arn().to_owned(),
        log_destination_configs: found.log_destination_configs().to_vec(),
        redacted_fields: found
            .redacted_fields()
            .iter()
            .map(RedactedField::from_sdk)
            .collect(),
        logging_filter: found.logging_filter().map(LoggingFilter::from_sdk),
    }
}

/// Finds inputs that AWS would refuse.
fn fit(inputs: &Inputs) -> Vec<InvalidInput> {
    let mut invalid_inputs = Vec::new();
    let destinations = &inputs.log_destination_configs;
    if destinations.len() != 1 {
        let reason = "takes one destination".to_owned();
        invalid_inputs.push(InvalidInput::new("logDestinationConfigs", reason));
    }
    for (index, destination) in destinations.iter().enumerate() {
        if !is_destination(destination) {
            let reason = format!(
                "`{destination}` is not the ARN of a log group, a bucket or a delivery stream whose name begins with `{PREFIX}`"
            );
            invalid_inputs.push(InvalidInput::new(
                format!("logDestinationConfigs[{index}]"),
                reason,
            ));
        }
    }
    if inputs.redacted_fields.len() > MOST_FIELDS {
        let reason = format!("takes up to {MOST_FIELDS} fields");
        invalid_inputs.push(InvalidInput::new("redactedFields", reason));
    }
    for (index, field) in inputs.redacted_fields.iter().enumerate() {
        if let Err(error) = field.to_sdk() {
            let at = format!("redactedFields[{index}]");
            invalid_inputs.push(InvalidInput::new(at, error.message));
        }
        let header = field.single_header.as_ref();
        if header.is_some_and(|header| !(1..=64).contains(&header.name.chars().count())) {
            let at = format!("redactedFields[{index}].singleHeader.name");
            invalid_inputs.push(InvalidInput::new(at, "takes 1 to 64 characters".to_owned()));
        }
    }
    if let Some(filter) = &inputs.logging_filter {
        if let Err(error) = filter.to_sdk() {
            invalid_inputs.push(InvalidInput::new("loggingFilter", error.message));
        }
        let has_none = filter.filters.iter().any(|one| one.conditions.is_empty());
        if filter.filters.is_empty() || has_none {
            let reason = "takes at least one filter, and one condition in each".to_owned();
            invalid_inputs.push(InvalidInput::new("loggingFilter", reason));
        }
    }
    invalid_inputs
}

/// Returns whether an ARN is one of those that WAF writes to.
fn is_destination(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", _, service, _, _, resource] = parts.as_slice() else {
        return false;
    };
    let name = match *service {
        "logs" => resource.strip_prefix("log-group:"),
        "s3" => Some(*resource),
        "firehose" => resource.strip_prefix("deliverystream/"),
        _ => None,
    };
    name.is_some_and(|name| name.starts_with(PREFIX))
}

/// WAF's statement in the resource policy stays, and such a policy has 5120 characters.
fn aftermath(logging: &Observed, _: DataPolicy) -> Vec<String> {
    let destinations = logging.inputs.get("logDestinationConfigs");
    let destinations = destinations.and_then(Value::as_list).unwrap_or_default();
    let groups = destinations
        .iter()
        .filter_map(|arn| bare(arn.as_str()?).split_once(":log-group:"));
    groups
        .map(|(_, name)| {
            format!(
                "what lets WAF write to `{name}`, in a resource policy of CloudWatch Logs that WAF has made: `aws logs \
                 describe-resource-policies`"
            )
        })
        .collect()
}

fn canonical_destinations(destinations: Value) -> Value {
    let Value::List(destinations) = destinations else {
        return destinations;
    };
    let bare = destinations.into_iter().map(|arn| match arn {
        Value::String(arn) => bare(&arn).into(),
        other => other,
    });
    sorted(Value::List(bare.collect()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::aws::fixtures::places;
    use crate::aws::wafv2::web_acl_logging_configuration::filter::tests::filter;

    const GROUP: &str = "arn:aws:logs:eu-south-2:123456789012:log-group:aws-waf-logs-shop-prod";

    fn inputs(edits: &Json) -> Inputs {
        let mut inputs = json!({
            "resourceArn": "arn:aws:wafv2:eu-south-2:123456789012:regional/webacl/shop/0a",
            "logDestinationConfigs": [GROUP],
            "redactedFields": [],
        });
        for (name, value) in edits.as_object().unwrap() {
            inputs[name] = value.clone();
        }
        serde_json::from_value(inputs).unwrap()
    }

    fn header(name: &str) -> Json {
        json!({"singleHeader": {"name": name}})
    }

    #[test]
    fn all_of_it_reads_back_as_it_was_sent() {
        let wanted = inputs(&json!({
            "redactedFields": [{"method": {}}, {"queryString": {}}, {"uriPath": {}}, header("cookie")],
            "loggingFilter": filter(),
        }));
        let read = inputs_of(&to_sdk(&wanted).unwrap());
        let value = |inputs: &Inputs| serde_json::to_value(inputs).unwrap();
        assert_eq!(value(&read), value(&wanted));
    }

    #[test]
    fn the_arn_for_policies_is_sent_without_what_is_behind_the_group() {
        let with = format!("{GROUP}:*");
        let sent = to_sdk(&inputs(&json!({"logDestinationConfigs": [with]}))).unwrap();
        assert_eq!(sent.log_destination_configs(), [GROUP]);
        let form = |arn: &str| canonical_destinations(json!([arn]).into());
        assert_eq!(form(&with), form(GROUP));
    }

    #[test]
    fn what_waf_does_not_take_is_refused_where_it_stands() {
        let stream = "arn:aws:firehose:eu-south-2:123456789012:deliverystream/aws-waf-logs-shop";
        for taken in [GROUP, stream, "arn:aws:s3:::aws-waf-logs-shop"] {
            let inputs = inputs(&json!({"logDestinationConfigs": [taken]}));
            assert_eq!(fit(&inputs).len(), 0, "{taken}");
        }
        let named = "arn:aws:logs:eu-south-2:123456789012:log-group:waf";
        let action = json!([{"actionCondition": {"action": "block"}}]);
        let of_action = json!({"defaultBehavior": "DROP", "filters": [
            {"behavior": "KEEP", "requirement": "MEETS_ANY", "conditions": action}]});
        for (edits, at) in [
            (
                json!({"logDestinationConfigs": [named]}),
                "logDestinationConfigs[0]",
            ),
            (
                json!({"logDestinationConfigs": ["aws-waf-logs-shop"]}),
                "logDestinationConfigs[0]",
            ),
            (
                json!({"logDestinationConfigs": [GROUP, stream]}),
                "logDestinationConfigs",
            ),
            (
                json!({"redactedFields": [{"method": {}, "uriPath": {}}]}),
                "redactedFields[0]",
            ),
            (
                json!({"redactedFields": [header("")]}),
                "redactedFields[0].singleHeader.name",
            ),
            (json!({"loggingFilter": of_action}), "loggingFilter"),
            (
                json!({"loggingFilter": {"defaultBehavior": "KEEP", "filters": []}}),
                "loggingFilter",
            ),
        ] {
            assert_eq!(places(fit(&inputs(&edits))), [at], "{edits}");
        }
    }

    #[test]
    fn what_waf_leaves_in_the_account_is_named() {
        let observed = |destination: &str| Observed {
            token: LOGGING.token.to_owned(),
            id: "logging".to_owned(),
            arn: None,
            inputs: crate::resource::value::properties([(
                "logDestinationConfigs",
                json!([destination]).into(),
            )]),
            outputs: crate::resource::Properties::new(),
            tags: Tags::default(),
            condition: Condition::Ready,
        };
        let left = aftermath(&observed(GROUP), DataPolicy::default());
        assert_eq!(left.len(), 1, "{left:?}");
        assert!(left[0].contains("`aws-waf-logs-shop-prod`"), "{left:?}");
        let bucket = observed("arn:aws:s3:::aws-waf-logs-shop");
        assert_eq!(
            aftermath(&bucket, DataPolicy::default()),
            Vec::<String>::new()
        );
    }
}
