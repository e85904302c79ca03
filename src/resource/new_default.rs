//! Defaults that a section has had since a later version, for what the file does not say.

use super::diff::Diff;
use super::{Path, Properties, Value};

/// A default that came later: live objects may have been made without it. A plan that applies it says so, and says how to
/// keep the earlier value.
#[derive(Debug, Clone, PartialEq)]
pub struct NewDefault {
    /// The property, or a place in it; `None` if the whole resource came with the default.
    pub path: Option<Path>,
    /// The value before; no value counts as an empty one. `None` if there is more than one such value.
    pub before: Option<Value>,
    /// The setting in the file that keeps that: `network.publicAddresses: true`.
    pub keep: String,
}

impl NewDefault {
    /// The change that the plan makes because of it, in words, if any. `diff` is `None` for what is made.
    pub fn text(&self, inputs: &Properties, diff: Option<&Diff>) -> Option<String> {
        match (&self.path, diff) {
            (None, None) => Some(String::new()),
            (Some(path), Some(diff)) => {
                let is_from = |live: &Value| {
                    let before = self.before.as_ref();
                    before.is_none_or(|before| before == live || is_empty(before) && is_empty(live))
                };
                let concerns =
                    |changed: &Path| changed.starts_with(path) || path.starts_with(changed);
                let is_it = diff
                    .changes
                    .iter()
                    // Its neighbours in a list, or in an object, have nothing to do with it.
                    .filter(|change| concerns(&change.path))
                    .any(|change| change.path != *path || is_from(&change.before));
                is_it.then(|| match path.find(inputs) {
                    Some(value) if is_short(value) => {
                        format!("{path} {}", serde_json::Value::from(value))
                    }
                    Some(Value::Object(item))
                        if let Some(name) = item.get("name").and_then(Value::as_str) =>
                    {
                        format!("{} {name}", path.first().unwrap_or_default())
                    }
                    _ => path.to_string(),
                })
            }
            _ => None,
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::List(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// Returns whether the value reads well in a line.
fn is_short(value: &Value) -> bool {
    matches!(value, Value::Bool(_) | Value::Number(_) | Value::String(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::diff::compare;
    use crate::resource::value::properties;
    use crate::resource::{CreateClass, Property, Schema};

    type Inputs = std::collections::BTreeMap<String, bool>;

    /// The text of a plan about a default that was `before`, where a live object has `live` and the file wants `wanted`.
    fn shown(before: Option<Value>, live: Option<Value>, wanted: Value) -> Option<String> {
        let default = NewDefault {
            path: Some("open".into()),
            before,
            keep: "network.open: true".to_owned(),
        };
        let schema = Schema::new::<Inputs>("t:net:Network", CreateClass::NaturalKey)
            .properties([Property::new("open")]);
        let live = live.map(|live| properties([("open", live)]));
        let inputs = properties([("open", wanted)]);
        let diff = compare(&schema, &inputs, &live.unwrap_or_default());
        default.text(&inputs, Some(&diff))
    }

    #[test]
    fn a_default_is_told_where_it_changes_what_was_one() {
        let told_false = Some("open false".to_owned());
        assert_eq!(
            shown(Some(true.into()), Some(true.into()), false.into()),
            told_false
        );
        assert_eq!(shown(Some(Value::Null), None, false.into()), told_false);
        assert_eq!(shown(None, Some("wide".into()), false.into()), told_false);
        // Nothing changes, or it was no default before.
        assert_eq!(
            shown(Some(true.into()), Some(false.into()), false.into()),
            None
        );
        assert_eq!(
            shown(Some(true.into()), Some("wide".into()), false.into()),
            None
        );
        // No value counts as an empty list, and a list is too much for a line.
        let list = Value::list(["one".into()]);
        assert_eq!(
            shown(Some(Value::Null), Some(Value::list([])), list.clone()),
            Some("open".to_owned())
        );
        assert_eq!(
            shown(Some(Value::list([])), None, list),
            Some("open".to_owned())
        );
    }

    /// A new item of a list, by its name; changes in the other items are left out.
    #[test]
    fn an_item_of_a_list_is_told_where_it_comes_in() {
        let schema = Schema::new::<Inputs>("t:net:Wall", CreateClass::NaturalKey)
            .properties([Property::new("rules")]);
        let rules = |limit: u32, names: &[&str]| {
            let rules = names.iter().map(|name| {
                let limit = if *name == "limit" {
                    limit.into()
                } else {
                    Value::Null
                };
                Value::object([("name", (*name).into()), ("limit", limit)])
            });
            properties([("rules", Value::list(rules))])
        };
        let default = NewDefault {
            path: Some("rules[1]".into()),
            before: Some(Value::Null),
            keep: "wall.sets: []".to_owned(),
        };
        let shown = |wanted: &Properties, live: &Properties| {
            default.text(wanted, Some(&compare(&schema, wanted, live)))
        };
        let both = rules(2, &["limit", "common"]);
        assert_eq!(
            shown(&both, &rules(1, &["limit"])),
            Some("rules common".to_owned())
        );
        assert_eq!(shown(&both, &rules(1, &["limit", "common"])), None);
    }

    #[test]
    fn what_stands_beside_a_default_is_no_news_of_it() {
        let default = NewDefault {
            path: Some(Path::from("parameters").key("rds.force_ssl")),
            before: None,
            keep: "database.parameters: { rds.force_ssl: 0 }".to_owned(),
        };
        let schema = Schema::new::<Inputs>("t:db:Settings", CreateClass::NaturalKey)
            .properties([Property::new("parameters")]);
        let settings = |tls: &str, connections: &str| {
            let both = [
                ("rds.force_ssl", tls.into()),
                ("max_connections", connections.into()),
            ];
            properties([("parameters", Value::object(both))])
        };
        let shown = |live: &Properties| {
            let inputs = settings("1", "200");
            default.text(&inputs, Some(&compare(&schema, &inputs, live)))
        };
        assert_eq!(shown(&settings("1", "100")), None);
        let text = "parameters[\"rds.force_ssl\"] \"1\"".to_owned();
        assert_eq!(shown(&settings("0", "200")), Some(text.clone()));
        assert_eq!(shown(&Properties::new()), Some(text));
    }

    #[test]
    fn a_resource_is_told_where_it_is_made() {
        let default = NewDefault {
            path: None,
            before: None,
            keep: "network.flowLogs: false".to_owned(),
        };
        let inputs = Properties::new();
        assert_eq!(default.text(&inputs, None), Some(String::new()));
        assert_eq!(default.text(&inputs, Some(&Diff::default())), None);
    }
}
