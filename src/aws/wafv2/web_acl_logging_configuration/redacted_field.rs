//! The parts of a request that are not written to the log.

use aws_sdk_wafv2::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::error::AwsResult;
use crate::aws::wafv2::action::Plain;
use crate::aws::wafv2::place::LOGGING;
use crate::resource::Value;
use crate::resource::diff::sorted;

/// Exactly one of these.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RedactedField {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<Plain>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_string: Option<Plain>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub single_header: Option<Header>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri_path: Option<Plain>,
}

/// One header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Header {
    /// 1 to 64 characters, in any case.
    pub name: String,
}

impl RedactedField {
    pub(super) fn to_sdk(&self) -> AwsResult<sdk::FieldToMatch> {
        let field = sdk::FieldToMatch::builder();
        let Self {
            method,
            query_string,
            single_header: header,
            uri_path,
        } = self;
        Ok(match (method, query_string, header, uri_path) {
            (Some(_), None, None, None) => field.method(sdk::Method::builder().build()),
            (None, Some(_), None, None) => field.query_string(sdk::QueryString::builder().build()),
            (None, None, Some(header), None) => {
                let header = sdk::SingleHeader::builder().name(&header.name);
                field.single_header(LOGGING.built(header.build())?)
            }
            (None, None, None, Some(_)) => field.uri_path(sdk::UriPath::builder().build()),
            _ => {
                return Err(LOGGING.refuse(
                    "a redacted field is exactly one of `method`, `queryString`, `singleHeader`, `uriPath`",
                ));
            }
        }
        .build())
    }

    /// Empty for a field that has no form here, so that it differs from whatever is wanted.
    pub(super) fn from_sdk(field: &sdk::FieldToMatch) -> Self {
        Self {
            method: field.method().map(|_| Plain {}),
            query_string: field.query_string().map(|_| Plain {}),
            single_header: field.single_header().map(|header| Header {
                name: header.name().to_owned(),
            }),
            uri_path: field.uri_path().map(|_| Plain {}),
        }
    }
}

/// Fields as texts, in any order: empty members would all be equal.
pub(super) fn canonical_fields(fields: Value) -> Value {
    let Value::List(fields) = fields else {
        return fields;
    };
    let text = |field: &Value| {
        let members = field.as_object()?;
        let mut given = members.iter().filter(|(_, member)| !member.is_null());
        let (Some((name, member)), None) = (given.next(), given.next()) else {
            return None;
        };
        match member.as_object()?.get("name") {
            Some(header) => Some(format!("{name} {}", header.as_str()?.to_lowercase()).into()),
            None => Some(Value::from(name.as_str())),
        }
    };
    let fields = fields
        .into_iter()
        .map(|field| text(&field).unwrap_or(field));
    sorted(Value::List(fields.collect()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn header(name: &str) -> Json {
        json!({"singleHeader": {"name": name}})
    }

    #[test]
    fn fields_in_another_order_and_case_are_the_same_and_others_are_not() {
        let form = |fields: Json| canonical_fields(fields.into());
        let written = form(json!([
            header("Cookie"),
            header("authorization"),
            {"method": {}}
        ]));
        let answered = form(json!([
            {"method": {}},
            header("authorization"),
            header("cookie")
        ]));
        assert_eq!(written, answered);
        let other = form(json!([
            {"uriPath": {}},
            header("authorization"),
            header("cookie")
        ]));
        assert_ne!(other, answered);
        // A field that has no form here.
        assert_ne!(form(json!([{}])), form(json!([])));
    }
}
