//! What a listener or a rule does with a request.
//!
//! AWS completes actions: a forward comes back in two forms, a redirect with all of its parts, each action with its place.

use aws_sdk_elasticloadbalancingv2::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Written;
use crate::aws::error::AwsResult;
use crate::resource::Value;

/// One step of what happens to a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Action {
    /// `forward`, `redirect` or `fixed-response`.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["forward", "redirect", "fixed-response"]))]
    pub kind: String,
    /// Its place among the actions, from 1. Default: its place in the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<i32>,
    /// Where `forward` sends the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_group_arn: Option<String>,
    /// Where `redirect` points the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect: Option<Redirect>,
    /// What `fixed-response` answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_response: Option<FixedResponse>,
}

/// A redirect. `#{protocol}`, `#{host}`, `#{port}`, `#{path}` and `#{query}` stand for the parts of the request; a part
/// that is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Redirect {
    /// `HTTP_301` (for good) or `HTTP_302` (for now).
    #[schemars(extend("enum" = ["HTTP_301", "HTTP_302"]))]
    pub status_code: String,
    /// `HTTP` or `HTTPS`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// 1 to 65535.
    #[serde(
        default,
        deserialize_with = "super::text",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<Written>")]
    pub port: Option<String>,
    /// Begins with `/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Without the leading `?`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
}

/// An answer of the load balancer's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FixedResponse {
    /// `text/plain`, `text/css`, `text/html`, `application/javascript` or `application/json`.
    pub content_type: String,
    /// At most 1024 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_body: Option<String>,
    /// 200 to 599. Default: 200.
    #[serde(
        default,
        deserialize_with = "super::text",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<Written>")]
    pub status_code: Option<String>,
}

/// What a redirect leaves as it is.
const UNCHANGED: [(&str, &str); 5] = [
    ("protocol", "#{protocol}"),
    ("host", "#{host}"),
    ("port", "#{port}"),
    ("path", "/#{path}"),
    ("query", "#{query}"),
];

/// The actions to send.
pub(super) fn to_sdk(token: &str, actions: &[Action]) -> AwsResult<Vec<sdk::Action>> {
    actions
        .iter()
        .enumerate()
        .map(|(index, action)| {
            let refuse = |message: &str| {
                let kind = &action.kind;
                super::invalid(token, format!("action {}: {message} `{kind}`", index + 1))
            };
            let parts = (
                &action.target_group_arn,
                &action.redirect,
                &action.fixed_response,
            );
            let built = sdk::Action::builder()
                .r#type(sdk::ActionTypeEnum::from(action.kind.as_str()))
                .order(action.order.unwrap_or(index as i32 + 1));
            let built = match (action.kind.as_str(), parts) {
                ("forward", (Some(group), None, None)) => built.target_group_arn(group),
                ("redirect", (None, Some(redirect), None)) => {
                    built.redirect_config(redirect_to_sdk(redirect))
                }
                ("fixed-response", (None, None, Some(response))) => {
                    built.fixed_response_config(response_to_sdk(response))
                }
                ("forward", _) => {
                    return Err(refuse("`targetGroupArn` and nothing else goes with"));
                }
                ("redirect", _) => return Err(refuse("`redirect` and nothing else goes with")),
                ("fixed-response", _) => {
                    return Err(refuse("`fixedResponse` and nothing else goes with"));
                }
                _ => return Err(refuse("there is no support for the type")),
            };
            Ok(built.build())
        })
        .collect()
}

fn redirect_to_sdk(redirect: &Redirect) -> sdk::RedirectActionConfig {
    sdk::RedirectActionConfig::builder()
        .status_code(sdk::RedirectActionStatusCodeEnum::from(
            redirect.status_code.as_str(),
        ))
        .set_protocol(redirect.protocol.clone())
        .set_host(redirect.host.clone())
        .set_port(redirect.port.clone())
        .set_path(redirect.path.clone())
        .set_query(redirect.query.clone())
        .build()
}

fn response_to_sdk(response: &FixedResponse) -> sdk::FixedResponseActionConfig {
    sdk::FixedResponseActionConfig::builder()
        .content_type(&response.content_type)
        .set_message_body(response.message_body.clone())
        .status_code(response.status_code.as_deref().unwrap_or(DEFAULT_STATUS))
        .build()
}

const DEFAULT_STATUS: &str = "200";

/// The actions as AWS has them. One that has no form here, such as a weighted forward, shows its type alone, so that it
/// differs from whatever is wanted.
pub(super) fn from_sdk(actions: &[sdk::Action]) -> Vec<Action> {
    actions
        .iter()
        .map(|action| Action {
            kind: action
                .r#type()
                .map_or("", sdk::ActionTypeEnum::as_str)
                .to_owned(),
            order: action.order(),
            target_group_arn: action
                .target_group_arn()
                .map(str::to_owned)
                .or_else(|| match action.forward_config()?.target_groups() {
                    [only] => only.target_group_arn().map(str::to_owned),
                    _ => None,
                }),
            redirect: action.redirect_config().map(|redirect| Redirect {
                status_code: redirect
                    .status_code()
                    .map_or("", sdk::RedirectActionStatusCodeEnum::as_str)
                    .to_owned(),
                protocol: redirect.protocol().map(str::to_owned),
                host: redirect.host().map(str::to_owned),
                port: redirect.port().map(str::to_owned),
                path: redirect.path().map(str::to_owned),
                query: redirect.query().map(str::to_owned),
            }),
            fixed_response: action
                .fixed_response_config()
                .map(|response| FixedResponse {
                    content_type: response.content_type().unwrap_or("text/plain").to_owned(),
                    message_body: response.message_body().map(str::to_owned),
                    status_code: response.status_code().map(str::to_owned),
                }),
        })
        .collect()
}

/// Actions with everything that AWS fills in, in their order.
pub(super) fn canonical(actions: Value) -> Value {
    let Value::List(mut actions) = actions else {
        return actions;
    };
    for (index, action) in actions.iter_mut().enumerate() {
        let Value::Object(action) = action else {
            continue;
        };
        super::fill(action, "order", (index as i32 + 1).into());
        if let Some(Value::Object(redirect)) = action.get_mut("redirect") {
            for (name, unchanged) in UNCHANGED {
                super::fill(redirect, name, unchanged.into());
            }
            redirect.entry("port".to_owned()).and_modify(super::as_text);
        }
        if let Some(Value::Object(response)) = action.get_mut("fixedResponse") {
            super::fill(response, "statusCode", DEFAULT_STATUS.into());
            response
                .entry("statusCode".to_owned())
                .and_modify(super::as_text);
            response.retain(|_, value| value.as_str() != Some(""));
        }
    }
    let place = |action: &Value| {
        let order = action.as_object()?.get("order")?;
        order.as_number()
    };
    actions.sort_by(|left, right| match (place(left), place(right)) {
        (Some(left), Some(right)) => left.total_cmp(&right),
        _ => std::cmp::Ordering::Equal,
    });
    Value::List(actions)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(actions: &[sdk::Action]) -> Value {
        canonical(serde_json::to_value(from_sdk(actions)).unwrap().into())
    }

    fn wanted(json: serde_json::Value) -> Value {
        canonical(json.into())
    }

    fn sent(json: serde_json::Value) -> AwsResult<Vec<sdk::Action>> {
        let actions: Vec<Action> = serde_json::from_value(json).unwrap();
        to_sdk("t", &actions)
    }

    #[test]
    fn what_aws_fills_in_is_no_difference() {
        let redirect = json!([{"type": "redirect", "redirect":
            {"statusCode": "HTTP_301", "protocol": "HTTPS", "port": 443}}]);
        let completed = sdk::Action::builder()
            .r#type(sdk::ActionTypeEnum::Redirect)
            .order(1)
            .redirect_config(
                sdk::RedirectActionConfig::builder()
                    .status_code(sdk::RedirectActionStatusCodeEnum::Http301)
                    .protocol("HTTPS")
                    .port("443")
                    .host("#{host}")
                    .path("/#{path}")
                    .query("#{query}")
                    .build(),
            )
            .build();
        assert_eq!(wanted(redirect.clone()), read(&[completed]));
        assert_eq!(wanted(redirect.clone()), read(&sent(redirect).unwrap()));
        let answer = json!([{"type": "fixed-response", "fixedResponse":
            {"contentType": "text/plain", "statusCode": 404}}]);
        assert_eq!(wanted(answer.clone()), read(&sent(answer).unwrap()));
    }

    #[test]
    fn a_forward_to_one_group_has_two_forms() {
        let tuple = |arn: &str| {
            sdk::TargetGroupTuple::builder()
                .target_group_arn(arn)
                .weight(1)
                .build()
        };
        let forward = |groups: &[&str]| {
            let config = groups
                .iter()
                .fold(sdk::ForwardActionConfig::builder(), |config, arn| {
                    config.target_groups(tuple(arn))
                });
            sdk::Action::builder()
                .r#type(sdk::ActionTypeEnum::Forward)
                .forward_config(config.build())
                .build()
        };
        let one = json!([{"type": "forward", "targetGroupArn": "a"}]);
        assert_eq!(wanted(one.clone()), read(&[forward(&["a"])]));
        assert_ne!(wanted(one), read(&[forward(&["a", "b"])]));
    }

    #[test]
    fn an_action_has_the_part_of_its_type_alone() {
        for wrong in [
            json!([{"type": "forward"}]),
            json!([{"type": "redirect", "targetGroupArn": "a"}]),
            json!([{"type": "authenticate-oidc"}]),
        ] {
            assert!(sent(wrong).is_err());
        }
    }
}
