//! The difference between what is wanted and what is there, property by property, in canonical forms.

use super::schema::Unset;
use super::tags::{MARKS, PARTS};
use super::{Path, Properties, Property, Schema, Tags, Value};

/// The name of a resource's tags among its changes.
pub const TAGS: &str = "tags";

/// The kind of change to a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    Add,
    Update,
    Delete,
}

/// One changed place: a property, or a place inside one.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// `cidrBlock`, `tags.project`, `containerDefinitions[0].environment[1].value`.
    pub path: Path,
    pub kind: ChangeKind,
    pub before: Value,
    pub after: Value,
    /// True if the change needs a new object.
    pub replaces: bool,
    /// True if AWS decides whether the change needs a new object: it refuses the change where it does.
    pub may_replace: bool,
    /// True if AWS does not return its value and it is written again because its source is another.
    pub rewrites: bool,
}

/// The path of a reboot among the changes of an object; no property is called so.
pub const REBOOT: &str = "reboot";

impl Change {
    /// A reboot that was requested.
    pub fn reboot() -> Self {
        Self {
            path: REBOOT.into(),
            kind: ChangeKind::Add,
            before: Value::Null,
            after: true.into(),
            replaces: false,
            may_replace: false,
            rewrites: false,
        }
    }

    /// The change of a write-only property that is to be written again.
    pub fn rewrite(property: &str, after: &Value) -> Self {
        Self {
            path: Path::default().key(property),
            kind: ChangeKind::Update,
            before: Value::Null,
            after: after.clone(),
            replaces: false,
            may_replace: false,
            rewrites: true,
        }
    }

    /// The property this change is in: the path's first segment.
    pub fn property(&self) -> &str {
        self.path.first().unwrap_or_default()
    }
}

/// All changed places of one resource, in the order of its schema.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Diff {
    pub changes: Vec<Change>,
}

impl Diff {
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    pub fn replaces(&self) -> bool {
        self.changes.iter().any(|change| change.replaces)
    }

    /// True if anything in this property changes.
    pub fn touches(&self, property: &str) -> bool {
        self.changes
            .iter()
            .any(|change| change.property() == property)
    }

    /// The properties that change, once each, in order.
    pub fn properties(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for change in &self.changes {
            if !names.contains(&change.property()) {
                names.push(change.property());
            }
        }
        names
    }
}

/// Compares desired inputs (defaults filled in, references resolved as far as they are known) with observed ones.
///
/// A desired value that is not known yet counts as a change: the planner has resolved everything that stays as it is.
pub fn compare(schema: &Schema, desired: &Properties, observed: &Properties) -> Diff {
    let mut diff = Diff::default();
    for property in &schema.properties {
        if property.write_only {
            continue;
        }
        let wanted = desired.get(property.name).unwrap_or(&Value::Null);
        let is_unset = wanted.is_null() || wanted.as_str() == Some("") && property.empty_is_unset();
        if is_unset && property.unset == Unset::ServerChooses {
            continue;
        }
        let found = observed.get(property.name).unwrap_or(&Value::Null);
        compare_property(property, wanted, found, &mut diff.changes);
    }
    diff
}

fn compare_property(property: &Property, wanted: &Value, found: &Value, changes: &mut Vec<Change>) {
    let first = changes.len();
    if let Some(comparison) = property.comparison {
        changes.extend(comparison.compare(wanted, found));
        hide(property, &mut changes[first..]);
        return;
    }
    let canonical = |value: &Value| {
        let value = match property.canonical {
            Some(form) => form(value.clone()),
            None => value.clone(),
        };
        if property.empty_is_unset() {
            empty_is_unset(value)
        } else {
            value
        }
    };
    let wanted = canonical(wanted);
    let mut found = canonical(found);
    if property.declared_keys_only {
        found = restrict(&found, &wanted);
    }
    compare_values(&property.name.into(), &found, &wanted, changes);
    for change in &mut changes[first..] {
        let is_first = change.kind == ChangeKind::Add && change.path.len() == 1;
        change.replaces = property.replaces && !(property.fills_in_place && is_first);
    }
    hide(property, &mut changes[first..]);
}

/// Hides the values of a secret property.
fn hide(property: &Property, changes: &mut [Change]) {
    if !property.secret {
        return;
    }
    for change in changes {
        for value in [&mut change.before, &mut change.after] {
            *value = Value::Secret(Box::new(std::mem::replace(value, Value::Null)));
        }
    }
}

/// Drops from an observed object the keys that the desired one does not mention.
fn restrict(found: &Value, wanted: &Value) -> Value {
    match (found, wanted) {
        (Value::Object(found), Value::Object(wanted)) => Value::Object(
            found
                .iter()
                .filter_map(|(name, value)| {
                    let wanted = wanted.get(name)?;
                    Some((name.clone(), restrict(value, wanted)))
                })
                .collect(),
        ),
        _ => found.clone(),
    }
}

/// Records every place where two values differ.
pub fn compare_values(path: &Path, before: &Value, after: &Value, changes: &mut Vec<Change>) {
    match (before, after) {
        (Value::Secret(before), Value::Secret(after)) => {
            let mut inner = Vec::new();
            compare_values(path, before, after, &mut inner);
            if !inner.is_empty() {
                changes.push(change(
                    path,
                    &Value::Secret(before.clone()),
                    &Value::Secret(after.clone()),
                ));
            }
        }
        (Value::Object(before), Value::Object(after)) => {
            let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
            names.sort_unstable();
            names.dedup();
            for name in names {
                compare_values(
                    &path.key(name),
                    before.get(name).unwrap_or(&Value::Null),
                    after.get(name).unwrap_or(&Value::Null),
                    changes,
                );
            }
        }
        (Value::List(before), Value::List(after)) => {
            compare_lists(path, before, after, changes);
        }
        (before, after) if same(before, after) => {}
        // A value that the author takes from a secret is one in AWS, too, which does not say so.
        (before, after @ Value::Secret(_)) if !before.is_null() => {
            changes.push(change(path, &hidden(before), after));
        }
        (before @ Value::Secret(_), after) if !after.is_null() => {
            changes.push(change(path, before, &hidden(after)));
        }
        (before, after) => changes.push(change(path, before, after)),
    }
}

fn hidden(value: &Value) -> Value {
    Value::Secret(Box::new(value.clone()))
}

/// Elements that both lists hold are left out from both ends, so that one insertion reads as one addition.
fn compare_lists(path: &Path, before: &[Value], after: &[Value], changes: &mut Vec<Change>) {
    let head = before
        .iter()
        .zip(after)
        .take_while(|(before, after)| same(before, after))
        .count();
    let tail = before[head..]
        .iter()
        .rev()
        .zip(after[head..].iter().rev())
        .take_while(|(before, after)| same(before, after))
        .count();
    let before = &before[head..before.len() - tail];
    let after = &after[head..after.len() - tail];
    for index in 0..before.len().max(after.len()) {
        compare_values(
            &path.index(head + index),
            before.get(index).unwrap_or(&Value::Null),
            after.get(index).unwrap_or(&Value::Null),
            changes,
        );
    }
}

fn change(path: &Path, before: &Value, after: &Value) -> Change {
    let kind = match (before.is_null(), after.is_null()) {
        (true, _) => ChangeKind::Add,
        (false, true) => ChangeKind::Delete,
        (false, false) => ChangeKind::Update,
    };
    Change {
        path: path.clone(),
        kind,
        before: before.clone(),
        after: after.clone(),
        replaces: false,
        may_replace: false,
        rewrites: false,
    }
}

/// Equality in which an absent value, an empty list and an empty object are the same: AWS answers one for another.
fn same(before: &Value, after: &Value) -> bool {
    let empty = |value: &Value| match value {
        Value::Null => true,
        Value::List(values) => values.is_empty(),
        Value::Object(values) => values.values().all(Value::is_null),
        _ => false,
    };
    match (before, after) {
        (before, after) if empty(before) && empty(after) => true,
        (Value::List(before), Value::List(after)) => {
            before.len() == after.len() && before.iter().zip(after).all(|(b, a)| same(b, a))
        }
        (Value::Object(before), Value::Object(after)) => {
            before.keys().chain(after.keys()).all(|name| {
                same(
                    before.get(name).unwrap_or(&Value::Null),
                    after.get(name).unwrap_or(&Value::Null),
                )
            })
        }
        (Value::Secret(before), after) => same(before, after),
        (before, Value::Secret(after)) => same(before, after),
        (before, after) => before == after,
    }
}

/// The changes that bring observed tags to the desired ones. Tags of others are left alone.
pub fn compare_tags(desired: &Tags, observed: &Tags) -> Vec<Change> {
    let mut changes = Vec::new();
    for (key, wanted) in desired.visible() {
        if observed.get(key) != Some(wanted) {
            changes.push(change(
                &Path::from(TAGS).key(key),
                &observed.get(key).into(),
                &wanted.into(),
            ));
        }
    }
    // An object of which nothing is recorded yet is not written to for that alone.
    if let (Some(wanted), Some(recorded)) = (desired.parts(), observed.parts())
        && !wanted.is_subset(&recorded)
    {
        let text = |tags: &Tags| tags.get(PARTS).into();
        changes.push(change(
            &Path::from("tags").key(PARTS),
            &text(observed),
            &text(desired),
        ));
    }
    for key in observed.applied_keys().chain(MARKS) {
        if desired.get(key).is_none()
            && let Some(value) = observed.get(key)
        {
            changes.push(change(
                &Path::from(TAGS).key(key),
                &value.into(),
                &Value::Null,
            ));
        }
    }
    changes
}

/// Turns an empty text into none.
fn empty_is_unset(value: Value) -> Value {
    match value.as_str() {
        Some("") => Value::Null,
        _ => value,
    }
}

/// A list in a fixed order, without repetitions: the canonical form of a set. Anything else stays as it is.
pub fn sorted(value: Value) -> Value {
    match value {
        Value::List(mut values) => {
            values.sort_by_cached_key(|value| serde_json::Value::from(value).to_string());
            values.dedup();
            Value::List(values)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(before: serde_json::Value, after: serde_json::Value, expected: &Expect) {
        let mut changes = Vec::new();
        compare_values(&"p".into(), &before.into(), &after.into(), &mut changes);
        let lines: Vec<String> = changes
            .iter()
            .map(|c| format!("{:?} {}: {:?} -> {:?}", c.kind, c.path, c.before, c.after))
            .collect();
        expected.assert_eq(&lines.join("\n"));
    }

    #[test]
    fn values() {
        use serde_json::json;
        check(json!(1), json!(1.0), &expect![""]);
        check(json!(null), json!([]), &expect![""]);
        check(json!({"a": {}}), json!({}), &expect![""]);
        check(
            json!("a"),
            json!("b"),
            &expect![[r#"Update p: "a" -> "b""#]],
        );
        check(
            json!({"a": 1, "b": 2}),
            json!({"b": 3, "c": 4}),
            &expect![[r#"
                Delete p.a: 1 -> null
                Update p.b: 2 -> 3
                Add p.c: null -> 4"#]],
        );
        check(
            json!({"a.b": 1, "a": {"b": 1}, "c[0]": 1}),
            json!({"a.b": 2, "a": {"b": 2}, "c[0]": 2}),
            &expect![[r#"
                Update p.a.b: 1 -> 2
                Update p["a.b"]: 1 -> 2
                Update p["c[0]"]: 1 -> 2"#]],
        );
        check(
            json!(["a", "b", "c"]),
            json!(["a", "x", "b", "c"]),
            &expect![[r#"Add p[1]: null -> "x""#]],
        );
        check(
            json!([{"name": "a", "v": 1}]),
            json!([{"name": "a", "v": 2}]),
            &expect!["Update p[0].v: 1 -> 2"],
        );
    }

    #[test]
    fn sets_ignore_order_and_repetition() {
        let set = |text: &str| {
            sorted(
                serde_json::from_str::<serde_json::Value>(text)
                    .unwrap()
                    .into(),
            )
        };
        assert_eq!(set(r#"["b","a","b"]"#), set(r#"["a","b"]"#));
    }
}
