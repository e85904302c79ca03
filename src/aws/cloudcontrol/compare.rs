//! The comparison of what the file declares with what AWS returns, for types that go through Cloud Control.
//!
//! AWS fills in defaults, reorders lists and rewrites values, and its schemas say only some of it. So what is compared is
//! what is declared, at every depth:
//!
//! - A key that the file leaves out is AWS's. The keys that an author chooses (a map of variables) are compared as a whole.
//! - A declared value that is empty, false, or the default of the schema equals an absent one: many reads leave these out.
//! - Lists are sets where the schema says so, where they hold ids or ARNs, and where each element has a name of its own.
//! - Documents are compared as JSON, whichever side has them as text; policies by what they mean.
//! - What AWS never returns is not compared.

use super::equal::{fits_template, is_same_text};
use super::rules::{Rule, is_mirrored, rule};
use crate::aws::policy::canonical_policy;
use crate::facts::{ANY, Handler, Shape, Spelling, TypeFacts};
use crate::resource::diff::compare_values;
use crate::resource::property::Compare;
use crate::resource::{Change, ChangeKind, Path, Properties, Value};

/// The comparison of one property of a type.
#[derive(Debug)]
pub(super) struct Comparison {
    /// The property, by CloudFormation's name.
    pub name: &'static str,
    /// The same, as the engine has it.
    pub key: &'static str,
    pub shape: Shape,
}

impl Compare for Comparison {
    fn compare(&self, wanted: &Value, found: &Value) -> Vec<Change> {
        let mut walk = Walk::new(self.shape.facts());
        let at = At {
            path: Path::default().key(self.key),
            place: vec![self.name],
        };
        walk.value(&at, Some(self.shape), wanted, found);
        walk.changes
    }
}

/// A place in both spellings.
#[derive(Clone)]
struct At {
    path: Path,
    place: Vec<&'static str>,
}

impl At {
    fn key(&self, key: &str, name: &'static str) -> Self {
        let mut place = self.place.clone();
        place.push(name);
        Self {
            path: self.path.key(key),
            place,
        }
    }

    fn index(&self, index: usize) -> Self {
        let mut place = self.place.clone();
        place.push(ANY);
        Self {
            path: self.path.index(index),
            place,
        }
    }
}

struct Walk {
    facts: &'static TypeFacts,
    changes: Vec<Change>,
}

impl Walk {
    fn new(facts: &'static TypeFacts) -> Self {
        Self {
            facts,
            changes: Vec::new(),
        }
    }

    fn value(&mut self, at: &At, shape: Option<Shape>, wanted: &Value, found: &Value) {
        if wanted.is_null() || self.is_never_returned(&at.place) {
            return;
        }
        // It is read under another name, if at all.
        if found.is_null() && is_mirrored(&self.facts.name, &at.place) {
            return;
        }
        let rule = rule(&self.facts.name, &at.place);
        if let Value::Secret(inner) = wanted {
            if self.differs(at, shape, inner, found.revealed()) {
                let found = match found {
                    Value::Null | Value::Secret(_) => found.clone(),
                    open => Value::Secret(Box::new(open.clone())),
                };
                self.push(at, &found, wanted);
            }
            return;
        }
        if found.is_null() && shape.is_some_and(|shape| equals_absent(shape, wanted)) {
            return;
        }
        let is_empty = matches!(wanted, Value::List(values) if values.is_empty());
        if rule == Some(Rule::Filled) && is_empty {
            return;
        }
        if rule == Some(Rule::Template) && is_same_template(&document(wanted), &document(found)) {
            return;
        }
        let is_document = shape.is_some_and(Shape::is_document);
        match (wanted, found) {
            (wanted, found) if is_document && wanted.is_known() => {
                let (wanted, found) = (document(wanted), document(found));
                if wanted != found {
                    let first = self.changes.len();
                    compare_values(&at.path, &found, &wanted, &mut self.changes);
                    let replaces = self.replaces(&at.place);
                    let may_replace = self.may_replace(&at.place);
                    for change in &mut self.changes[first..] {
                        change.replaces = replaces;
                        change.may_replace = may_replace;
                    }
                }
            }
            (Value::Object(wanted), Value::Object(found)) => self.object(at, shape, wanted, found),
            (Value::List(wanted), Value::List(found)) => {
                self.list(at, shape, rule, wanted, found);
            }
            (wanted, found) => {
                if !wanted.is_known() || !is_same(self.facts, at, shape, rule, wanted, found) {
                    self.push(at, found, wanted);
                }
            }
        }
    }

    /// Returns whether AWS never returns what is at a place.
    fn is_never_returned(&self, place: &[&str]) -> bool {
        let mut hidden = self.facts.write_only.iter();
        hidden.any(|hidden| hidden.holds(place)) && !is_mirrored(&self.facts.name, place)
    }

    fn object(&mut self, at: &At, shape: Option<Shape>, wanted: &Properties, found: &Properties) {
        // An object that says by its only key what it is: `{ allow: {} }` against `{ block: {} }`.
        let is_another = !found.is_empty() && wanted.keys().all(|key| !found.contains_key(key));
        for (key, value) in wanted {
            let named = shape.and_then(|shape| shape.property(key, Spelling::Native));
            let is_sign = matches!(value, Value::Object(inner) if inner.is_empty());
            if is_another && is_sign {
                let name = named.map_or(ANY, |(name, _)| name);
                self.push(&at.key(key, name), &Value::Null, value);
                continue;
            }
            let found = found.get(key).unwrap_or(&Value::Null);
            let (at, inner) = match named {
                Some((name, inner)) => (at.key(key, name), Some(inner)),
                None => (at.key(key, ANY), shape.and_then(Shape::others)),
            };
            self.value(&at, inner, value, found);
        }
        // The keys of a map are its author's, all of them.
        if shape.is_some_and(|shape| shape.properties().is_empty()) {
            for (key, value) in found.iter().filter(|(key, _)| !wanted.contains_key(*key)) {
                self.push(&at.key(key, ANY), value, &Value::Null);
            }
        }
    }

    fn list(
        &mut self,
        at: &At,
        shape: Option<Shape>,
        rule: Option<Rule>,
        wanted: &[Value],
        found: &[Value],
    ) {
        let items = shape.and_then(Shape::items);
        let is_set = shape.is_some_and(Shape::is_set)
            || rule == Some(Rule::Set)
            || is_unordered(wanted) && is_unordered(found);
        let key = match rule {
            Some(Rule::By(key) | Rule::SubsetBy(key)) => Some(key),
            _ => key_of(wanted).filter(|key| key_of(found) == Some(key)),
        };
        if rule == Some(Rule::Ordered) || !is_set && key.is_none() {
            for index in 0..wanted.len().max(found.len()) {
                match (wanted.get(index), found.get(index)) {
                    (Some(wanted), found) => {
                        let found = found.unwrap_or(&Value::Null);
                        self.element(&at.index(index), items, wanted, found);
                    }
                    (None, Some(found)) => self.push(&at.index(index), found, &Value::Null),
                    (None, None) => {}
                }
            }
            return;
        }
        let mut left: Vec<&Value> = found.iter().collect();
        let mut unmatched: Vec<(usize, &Value)> = Vec::new();
        for (index, value) in wanted.iter().enumerate() {
            let same = left
                .iter()
                .position(|found| !self.differs(&at.index(index), items, value, found));
            match same {
                Some(same) => drop(left.remove(same)),
                None => unmatched.push((index, value)),
            }
        }
        for (index, value) in unmatched {
            let named = key.and_then(|key| {
                let own = member(value, key)?;
                let shape = items.and_then(|items| items.property(key, Spelling::Native));
                let (name, shape) = shape.map_or((ANY, None), |(name, shape)| (name, Some(shape)));
                let at = at.index(index).key(key, name);
                left.iter().position(|found| {
                    let found = member(found, key);
                    found.is_some_and(|found| !self.differs(&at, shape, own, found))
                })
            });
            let found = named.map_or(Value::Null, |named| left.remove(named).clone());
            self.element(&at.index(index), items, value, &found);
        }
        if matches!(rule, Some(Rule::SubsetBy(_))) {
            return;
        }
        for found in left {
            self.push(&at.index(wanted.len()), found, &Value::Null);
        }
    }

    /// An element of a list. One that is not there is missing, whatever its value.
    fn element(&mut self, at: &At, shape: Option<Shape>, wanted: &Value, found: &Value) {
        if found.is_null() {
            self.push(at, found, wanted);
        } else {
            self.value(at, shape, wanted, found);
        }
    }

    fn differs(&self, at: &At, shape: Option<Shape>, wanted: &Value, found: &Value) -> bool {
        let mut walk = Self::new(self.facts);
        walk.value(at, shape, wanted, found);
        !walk.changes.is_empty()
    }

    /// Returns whether a change here needs a new object. Where something inside is what cannot change, it is not known
    /// whether the change is of that.
    fn replaces(&self, place: &[&str]) -> bool {
        let mut fixed = self.facts.create_only.iter();
        !self.facts.has(Handler::Update)
            || fixed.any(|fixed| fixed.holds(place) || fixed.is_below(place))
    }

    /// Returns whether AWS decides, once it sees the change, if it needs a new object.
    fn may_replace(&self, place: &[&str]) -> bool {
        let mut fixed = self.facts.conditional_create_only.iter();
        !self.replaces(place) && fixed.any(|fixed| fixed.holds(place) || fixed.is_below(place))
    }

    fn push(&mut self, at: &At, before: &Value, after: &Value) {
        let kind = match (before.is_null(), after.is_null()) {
            (true, _) => ChangeKind::Add,
            (false, true) => ChangeKind::Delete,
            (false, false) => ChangeKind::Update,
        };
        self.changes.push(Change {
            path: at.path.clone(),
            kind,
            before: before.clone(),
            after: after.clone(),
            replaces: self.replaces(&at.place),
            may_replace: self.may_replace(&at.place),
            rewrites: false,
        });
    }
}

/// Returns whether a declared value means the same as none: AWS leaves many such values out of what it returns.
fn equals_absent(shape: Shape, wanted: &Value) -> bool {
    if let Some(default) = shape.default() {
        return *wanted == Value::from(default.clone());
    }
    match wanted {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::List(values) => values.is_empty(),
        Value::Object(values) => values.iter().all(|(key, value)| {
            let inner = shape.property(key, Spelling::Native);
            inner.is_some_and(|(_, inner)| equals_absent(inner, value))
        }),
        _ => false,
    }
}

/// A JSON document, whether it is there as text or not; a policy in its canonical form.
fn document(value: &Value) -> Value {
    let parsed = match value
        .as_str()
        .map(serde_json::from_str::<serde_json::Value>)
    {
        Some(Ok(json)) if json.is_object() || json.is_array() => Value::from(json),
        _ => value.clone(),
    };
    let is_policy = |object: &Properties| {
        let statements = match object.get("Statement") {
            Some(Value::List(statements)) => statements.as_slice(),
            Some(one) => std::slice::from_ref(one),
            None => &[],
        };
        let has_effect = |statement: &Value| member(statement, "Effect").is_some();
        !statements.is_empty() && statements.iter().all(has_effect)
    };
    match &parsed {
        Value::Object(object) if is_policy(object) => canonical_policy(parsed),
        Value::Object(object) => {
            let entries = object.iter();
            let entries = entries.map(|(key, value)| (key.clone(), plain(value)));
            Value::Object(entries.collect())
        }
        _ => parsed,
    }
}

/// Scalars of a document as text: AWS returns `"5"` for a 5 that was sent.
fn plain(value: &Value) -> Value {
    match value {
        Value::Number(number) => number.to_string().into(),
        Value::Bool(truth) => truth.to_string().into(),
        Value::List(values) => Value::List(values.iter().map(plain).collect()),
        Value::Object(values) => {
            let entries = values.iter();
            let entries = entries.map(|(key, value)| (key.clone(), plain(value)));
            Value::Object(entries.collect())
        }
        other => other.clone(),
    }
}

/// Returns whether two values of different form are the same to AWS.
fn is_same(
    facts: &TypeFacts,
    at: &At,
    shape: Option<Shape>,
    rule: Option<Rule>,
    wanted: &Value,
    found: &Value,
) -> bool {
    let found = found.revealed();
    if wanted == found {
        return true;
    }
    let are_texts = matches!((wanted, found), (Value::String(_), Value::String(_)));
    let as_text = |value: &Value| match value {
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::String(text) => Some(text.clone()),
        _ => None,
    };
    let (Some(wanted), Some(found)) = (as_text(wanted), as_text(found)) else {
        return false;
    };
    // `"0750"` and `"750"` are two texts; 5 and `"5"` are one number.
    if !are_texts {
        let numbers = (wanted.parse::<f64>(), found.parse::<f64>());
        return match numbers {
            (Ok(wanted), Ok(found)) => wanted.to_bits() == found.to_bits(),
            _ => wanted.eq_ignore_ascii_case(&found),
        };
    }
    let is_word = |text: &str| {
        let words = shape.and_then(Shape::words).into_iter().flatten();
        let mut words = words.filter_map(serde_json::Value::as_str);
        words.any(|word| word.eq_ignore_ascii_case(text))
    };
    if is_word(&wanted) && wanted.eq_ignore_ascii_case(&found) {
        return true;
    }
    is_same_text(facts, &at.place, rule, &wanted, &found)
}

/// Returns whether two documents are the same once what stands in `${…}` is filled in.
fn is_same_template(wanted: &Value, found: &Value) -> bool {
    match (wanted, found) {
        (Value::String(wanted), Value::String(found)) => fits_template(wanted, found),
        (Value::List(wanted), Value::List(found)) => {
            let mut pairs = wanted.iter().zip(found);
            wanted.len() == found.len()
                && pairs.all(|(wanted, found)| is_same_template(wanted, found))
        }
        (Value::Object(wanted), Value::Object(found)) => {
            let mut entries = wanted.iter();
            wanted.len() == found.len()
                && entries.all(|(key, value)| {
                    let found = found.get(key);
                    found.is_some_and(|found| is_same_template(value, found))
                })
        }
        (wanted, found) => wanted == found,
    }
}

/// Returns whether all values are ids, ARNs, zones or HTTP methods: lists of these come back in any order.
fn is_unordered(values: &[Value]) -> bool {
    const METHODS: [&str; 8] = [
        "GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE", "*",
    ];
    let is_method = |value: &Value| value.as_str().is_some_and(|text| METHODS.contains(&text));
    if !values.is_empty() && values.iter().all(is_method) {
        return true;
    }
    let is_id = |value: &Value| {
        let text = value.revealed().as_str()?;
        let (prefix, rest) = text.split_once('-')?;
        let is_hex = rest.len() >= 8 && rest.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_short = prefix.len() <= 12 && prefix.bytes().all(|byte| byte.is_ascii_lowercase());
        Some(is_hex && is_short)
    };
    let is_arn = |value: &Value| {
        let text = value.revealed().as_str();
        text.is_some_and(|text| text.starts_with("arn:"))
    };
    !values.is_empty()
        && values
            .iter()
            .all(|value| is_arn(value) || is_id(value) == Some(true))
}

/// The key by which the elements of a list are told apart.
fn key_of(values: &[Value]) -> Option<&'static str> {
    const KEYS: [&str; 5] = ["key", "id", "name", "attributeName", "indexName"];
    KEYS.into_iter().find(|key| {
        let mut seen = Vec::new();
        !values.is_empty()
            && values.iter().all(|value| {
                let own = member(value, key).and_then(Value::as_str);
                own.is_some_and(|own| {
                    let is_new = !seen.contains(&own);
                    seen.push(own);
                    is_new
                })
            })
    })
}

fn member<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    value.revealed().as_object()?.get(key)
}

#[cfg(test)]
mod tests;
