//! Values that earlier versions chose where the file says nothing, and that the objects they made keep.

use super::path::Segment;
use super::{Path, Properties, Value};

/// A value that an earlier version gave to a property, or to a place in one. A live object that has it there keeps it,
/// although another one would be chosen now.
#[derive(Debug, Clone, PartialEq)]
pub struct Earlier {
    /// In a list, a key is the `name` of an item, wherever that stands: `rules.RateLimit.visibilityConfig.metricName`.
    pub path: Path,
    pub value: Value,
}

impl Earlier {
    pub fn new(path: impl Into<Path>, value: impl Into<Value>) -> Self {
        Self {
            path: path.into(),
            value: value.into(),
        }
    }

    /// Wants the value of the live object, if that is the earlier value. A property that the file does not want at all stays
    /// unwanted.
    pub fn keep(&self, wanted: &mut Properties, live: &Properties) {
        let Some((first, rest)) = self.path.segments().split_first() else {
            return;
        };
        let first = first.as_key();
        let live = live.get(first.as_ref()).and_then(|live| find(live, rest));
        if live != Some(&self.value) {
            return;
        }
        let slot = wanted.get_mut(first.as_ref());
        if let Some(slot) = slot.and_then(|slot| find_mut(slot, rest)) {
            *slot = self.value.clone();
        }
    }
}

fn find<'v>(value: &'v Value, path: &[Segment]) -> Option<&'v Value> {
    let Some((first, rest)) = path.split_first() else {
        return Some(value);
    };
    let inner = match value {
        Value::Object(values) => values.get(first.as_key().as_ref())?,
        Value::List(items) => items.iter().find(|item| is_called(item, first))?,
        _ => return None,
    };
    find(inner, rest)
}

fn find_mut<'v>(value: &'v mut Value, path: &[Segment]) -> Option<&'v mut Value> {
    let Some((first, rest)) = path.split_first() else {
        return Some(value);
    };
    let inner = match value {
        Value::Object(values) => values.get_mut(first.as_key().as_ref())?,
        Value::List(items) => items.iter_mut().find(|item| is_called(item, first))?,
        _ => return None,
    };
    find_mut(inner, rest)
}

fn is_called(item: &Value, name: &Segment) -> bool {
    let own = item.as_object().and_then(|item| item.get("name")?.as_str());
    own == Some(name.as_key().as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::value::properties;

    fn rule(name: &str, metric: &str) -> Value {
        let shown = Value::object([("metricName", metric.into())]);
        Value::object([("name", name.into()), ("visibilityConfig", shown)])
    }

    fn rules(rules: impl IntoIterator<Item = Value>) -> Properties {
        properties([("rules", Value::list(rules))])
    }

    /// The desired inputs of the rule `limit` if a live object has these rules.
    fn kept(live: &Properties, wanted: impl IntoIterator<Item = Value>) -> Properties {
        let mut wanted = rules(wanted);
        Earlier::new("rules.limit.visibilityConfig.metricName", "limit").keep(&mut wanted, live);
        wanted
    }

    #[test]
    fn what_has_the_earlier_value_keeps_it_wherever_it_stands() {
        let live = rules([rule("limit", "limit"), rule("common", "common")]);
        let found = kept(
            &live,
            [rule("new", "shop-new"), rule("limit", "shop-limit")],
        );
        assert_eq!(
            found,
            rules([rule("new", "shop-new"), rule("limit", "limit")])
        );
    }

    #[test]
    fn what_has_another_value_or_none_takes_the_one_of_today() {
        let wanted = || [rule("limit", "shop-limit")];
        for live in [
            rules([rule("limit", "shop-limit")]),
            rules([rule("limit", "of-others")]),
            rules([rule("other", "limit")]),
            rules([]),
            Properties::new(),
        ] {
            assert_eq!(kept(&live, wanted()), rules(wanted()), "{live:?}");
        }
        // A rule that the file does not have any more.
        let live = rules([rule("limit", "limit")]);
        assert_eq!(kept(&live, []), rules([]));
    }
}
