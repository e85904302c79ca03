//! The actions of a listener or a rule on a request.
//!
//! AWS completes actions: a forward comes back in two forms, a redirect with all of its parts, each action with its place.
//! It refuses redirects that lead back to where they come from (kubernetes-sigs/aws-load-balancer-controller#487), and parts
//! of more than 128 characters (#2396 there).

use aws_sdk_elasticloadbalancingv2::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Written;
use crate::resource::{InvalidInput, Value};

/// One step in the handling of a request.
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
    /// ARN of the target group to which `forward` sends the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_group_arn: Option<String>,
    /// The location to which `redirect` points the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect: Option<Redirect>,
    /// The answer that `fixed-response` gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_response: Option<FixedResponse>,
}

/// A redirect. `#{protocol}`, `#{host}`, `#{port}`, `#{path}` and `#{query}` stand for the parts of the request; a part
/// that is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Redirect {
    /// `HTTP_301` (permanent) or `HTTP_302` (temporary).
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

/// An answer that the load balancer itself gives.
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

/// The values with which a redirect leaves the parts of a request as they are.
const UNCHANGED: [(&str, &str); 5] = [
    ("protocol", "#{protocol}"),
    ("host", "#{host}"),
    ("port", "#{port}"),
    ("path", "/#{path}"),
    ("query", "#{query}"),
];

/// Checks that each action has the part of its type, and no other.
pub(super) fn fit(property: &str, actions: &[Action]) -> Vec<InvalidInput> {
    let indexed = actions.iter().enumerate();
    indexed
        .flat_map(|(index, action)| fit_one(&format!("{property}[{index}]"), action))
        .collect()
}

fn fit_one(at: &str, action: &Action) -> Vec<InvalidInput> {
    let parts = [
        ("targetGroupArn", action.target_group_arn.is_some()),
        ("redirect", action.redirect.is_some()),
        ("fixedResponse", action.fixed_response.is_some()),
    ];
    let kind = &action.kind;
    let decides = format!("{at}.type");
    let takes = match kind.as_str() {
        "forward" => "targetGroupArn",
        "redirect" => "redirect",
        "fixed-response" => "fixedResponse",
        _ => {
            let reason = format!("`{kind}` is not supported");
            return vec![InvalidInput::new(decides, reason)];
        }
    };
    if parts.iter().any(|(part, given)| *given != (*part == takes)) {
        let reason = format!("`{takes}` and nothing else goes with the type `{kind}`");
        return vec![InvalidInput::new(at, reason).decided_by([&decides])];
    }
    let mut invalid_inputs = Vec::new();
    if let Some(redirect) = &action.redirect {
        let given = [
            redirect.protocol.as_deref(),
            redirect.host.as_deref(),
            redirect.port.as_deref(),
            redirect.path.as_deref(),
            redirect.query.as_deref(),
        ];
        let stays = UNCHANGED
            .iter()
            .zip(given)
            .filter(|((part, _), _)| *part != "query")
            .all(|((_, unchanged), given)| given.is_none_or(|given| given == *unchanged));
        if stays {
            invalid_inputs.push(InvalidInput::new(format!("{at}.redirect"), LOOP));
        }
        let parts = [
            ("host", &redirect.host),
            ("path", &redirect.path),
            ("query", &redirect.query),
        ];
        for (part, given) in parts {
            let length = given.as_deref().unwrap_or_default().chars().count();
            if length > LONGEST_PART {
                let at = format!("{at}.redirect.{part}");
                let reason = format!("takes at most {LONGEST_PART} characters, and has {length}");
                invalid_inputs.push(InvalidInput::new(at, reason));
            }
        }
    }
    if let Some(answer) = &action.fixed_response {
        let code = answer.status_code.as_deref().unwrap_or("200");
        // AWS answers only with these classes, and refuses redirects, which are an action of their own.
        let known = matches!(code.parse::<u32>(), Ok(200..=299 | 400..=599));
        if !known {
            let at = format!("{at}.fixedResponse.statusCode");
            invalid_inputs.push(InvalidInput::new(
                at,
                "takes codes from 200 to 299 and from 400 to 599",
            ));
        }
        let body = answer.message_body.as_deref().unwrap_or_default();
        let length = body.chars().count();
        if length > LONGEST_BODY {
            let at = format!("{at}.fixedResponse.messageBody");
            let reason = format!("takes at most {LONGEST_BODY} characters, and has {length}");
            invalid_inputs.push(InvalidInput::new(at, reason));
        }
    }
    invalid_inputs
}

/// AWS: "The redirect configuration is not valid because it creates a loop."
const LOOP: &str = "must change protocol, host, port or path, or it would be a redirect loop";

/// Redirects of a listener that give its own protocol and port, and lead back to it.
pub(super) fn fit_loops(
    property: &str,
    actions: &[Action],
    protocol: &str,
    port: i32,
) -> Vec<InvalidInput> {
    let port = port.to_string();
    let is_loop = |redirect: &Redirect| {
        let is_own = |given: Option<&str>, unchanged: &str, own: &str| {
            given.is_none_or(|given| given == unchanged || given == own)
        };
        let [
            (_, same_protocol),
            (_, same_host),
            (_, same_port),
            (_, same_path),
            _,
        ] = UNCHANGED;
        // A redirect that gives nothing at all is reported without the listener.
        let is_given =
            |given: Option<&str>, unchanged: &str| given.is_some_and(|given| given != unchanged);
        let (given_protocol, given_port) = (redirect.protocol.as_deref(), redirect.port.as_deref());
        (is_given(given_protocol, same_protocol) || is_given(given_port, same_port))
            && is_own(given_protocol, same_protocol, protocol)
            && is_own(given_port, same_port, &port)
            && is_own(redirect.host.as_deref(), same_host, same_host)
            && is_own(redirect.path.as_deref(), same_path, same_path)
    };
    let indexed = actions.iter().enumerate();
    let loops = indexed.filter(|(_, action)| action.redirect.as_ref().is_some_and(is_loop));
    let invalid_inputs = loops.map(|(index, _)| {
        let at = format!("{property}[{index}].redirect");
        InvalidInput::new(at.clone(), LOOP).decided_by([&at, "protocol", "port"])
    });
    invalid_inputs.collect()
}

/// Characters of host, path and query of a redirect.
const LONGEST_PART: usize = 128;

/// Characters of a fixed response.
const LONGEST_BODY: usize = 1024;

/// The actions to send.
pub(super) fn to_sdk(actions: &[Action]) -> Vec<sdk::Action> {
    let actions = actions.iter().enumerate();
    actions
        .map(|(index, action)| {
            sdk::Action::builder()
                .r#type(sdk::ActionTypeEnum::from(action.kind.as_str()))
                .order(action.order.unwrap_or(index as i32 + 1))
                .set_target_group_arn(action.target_group_arn.clone())
                .set_redirect_config(action.redirect.as_ref().map(redirect_to_sdk))
                .set_fixed_response_config(action.fixed_response.as_ref().map(response_to_sdk))
                .build()
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
    use crate::aws::fixtures::places;

    fn read(actions: &[sdk::Action]) -> Value {
        canonical(serde_json::to_value(from_sdk(actions)).unwrap().into())
    }

    fn wanted(json: serde_json::Value) -> Value {
        canonical(json.into())
    }

    fn sent(json: serde_json::Value) -> Vec<sdk::Action> {
        let actions: Vec<Action> = serde_json::from_value(json).unwrap();
        to_sdk(&actions)
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
        assert_eq!(wanted(redirect.clone()), read(&sent(redirect)));
        let answer = json!([{"type": "fixed-response", "fixedResponse":
            {"contentType": "text/plain", "statusCode": 404}}]);
        assert_eq!(wanted(answer.clone()), read(&sent(answer)));
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
    fn a_redirect_to_the_listener_itself_is_a_loop() {
        let with = |mut redirect: serde_json::Value| {
            redirect["statusCode"] = "HTTP_301".into();
            let actions = json!([{"type": "redirect", "redirect": redirect}]);
            let actions: Vec<Action> = serde_json::from_value(actions).unwrap();
            let invalid_inputs = fit_loops("defaultActions", &actions, "HTTPS", 443);
            places(invalid_inputs.into_iter().collect())
                .into_iter()
                .next()
        };
        let at = Some("defaultActions[0].redirect".to_owned());
        assert_eq!(with(json!({"protocol": "HTTPS", "port": 443})), at);
        assert_eq!(with(json!({"protocol": "HTTPS"})), at);
        assert_eq!(with(json!({"port": "443", "query": "a=b"})), at);
        assert_eq!(with(json!({"protocol": "HTTPS", "port": 8443})), None);
        assert_eq!(
            with(json!({"protocol": "HTTPS", "host": "www.shop.example"})),
            None
        );
        assert_eq!(with(json!({"protocol": "HTTPS", "path": "/new"})), None);
        // Reported as it stands, whatever the listener is.
        assert_eq!(with(json!({})), None);
    }

    #[test]
    fn parts_of_a_redirect_are_not_too_long() {
        for part in ["host", "path", "query"] {
            let said = |length: usize| {
                let mut redirect = json!({"statusCode": "HTTP_301", "protocol": "HTTPS"});
                redirect[part] = "x".repeat(length).into();
                let actions = json!([{"type": "redirect", "redirect": redirect}]);
                let actions: Vec<Action> = serde_json::from_value(actions).unwrap();
                places(fit("actions", &actions))
            };
            assert_eq!(said(128), [""; 0]);
            assert_eq!(said(129), [format!("actions[0].redirect.{part}")]);
        }
    }

    #[test]
    fn an_action_has_the_part_of_its_type_alone() {
        for wrong in [
            json!([{"type": "forward"}]),
            json!([{"type": "redirect", "targetGroupArn": "a"}]),
            json!([{"type": "authenticate-oidc"}]),
        ] {
            let wrong: Vec<Action> = serde_json::from_value(wrong).unwrap();
            assert!(!fit("actions", &wrong).is_empty());
        }
    }
}
