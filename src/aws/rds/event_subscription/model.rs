//! The inputs of an event subscription.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::resource::diff::sorted;
use crate::resource::property::lower_case;
use crate::resource::text_rule::is_plain;
use crate::resource::{PropertyTable, TextRule, Value};

/// Events of RDS that go to a topic.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// The name: 1 to 254 letters, digits and hyphens; lower-cased by AWS.
    #[property(replaces, lower_cased, text(NAME))]
    pub name: String,
    /// The ARN of a topic whose policy lets `events.rds.amazonaws.com` publish. RDS accepts no FIFO topic.
    #[property(required, regional)]
    pub sns_topic: String,
    /// The kind of sources: `db-instance`, `db-parameter-group`, `db-snapshot` and so on. Unset: all kinds.
    // Sources and categories are of one type, and AWS cannot switch back to all types.
    #[property(replaces)]
    pub source_type: Option<String>,
    /// The identifiers of sources of that type, lower-cased by AWS. Unset: all sources of the account.
    #[property(canonical(lower_cased_set))]
    pub source_ids: Option<Vec<String>>,
    /// The categories of that type: `failure`, `low storage`, `configuration change` and so on. Unset: all.
    #[property(set)]
    pub event_categories: Option<Vec<String>>,
    /// True if events are sent.
    #[property(default(true))]
    pub enabled: bool,
}

const NAME: TextRule =
    TextRule::new(1..=254).of(|c| is_plain(c) || c == '-', "letters, digits and hyphens");

/// Converts identifiers to lower case, and sorts them: their order means nothing.
fn lower_cased_set(ids: Value) -> Value {
    match ids {
        Value::List(ids) => sorted(Value::list(ids.into_iter().map(lower_case))),
        other => other,
    }
}
