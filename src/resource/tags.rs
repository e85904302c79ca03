//! Ownership in tags: the reason why live AWS is our only state.
//!
//! | tag | holds | why |
//! |---|---|---|
//! | `fde:stack` | `name/environment` | one query finds everything of a stack |
//! | `fde:urn` | the [`Urn`] | says which resource of the stack it is |
//! | `fde:applied` | short hashes of the inputs last applied, of the build that did it, and of what the file said | tells drift from an edit without a state file |
//! | `fde:tags` | the keys of the author's tags | so that a tag removed from the file can be told from another party's |
//! | `fde:protect` | `true` | so that protection outlives its line in the file |
//! | `fde:written` | where the values came from that AWS never returns, by property | so that these are sent again once their source is another |
//! | `fde:retain` | `true` | so that `retainOnDelete` does, which otherwise would end with the resource's own lines |
//! | `fde:adopted` | `true` | so that what was there before us is not deleted as if we had made it |
//! | `fde:region` | the region of the stack | so that two regions can tell which of them owns an object whose name is taken
//! in both |
//! | `fde:run` | a hash of the run that made it | so that an object made by a killed run is known for ours: see
//! [`super::proof`] |
//! | `fde:parts` | short hashes of the untaggable parts that are ours | so that what others hang on it can be told from leftovers of ours |
//!
//! The objects that another leaves behind, such as the final snapshot of a database, are not the stack's any more. They have
//! none of these tags, and `fde:left-by` with the name of the stack, so that they can be found.
//!
//! An object of an earlier version has no `fde:region` and no `fde:parts`; it gets them with the first run that changes
//! anything.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::{Properties, Schema, StackId, Urn, Value};

pub const STACK: &str = "fde:stack";
pub const URN: &str = "fde:urn";
pub const APPLIED: &str = "fde:applied";
pub const AUTHOR_KEYS: &str = "fde:tags";
pub const PROTECT: &str = "fde:protect";
pub const RETAIN: &str = "fde:retain";
pub const ADOPTED: &str = "fde:adopted";
pub const REGION: &str = "fde:region";
pub const PARTS: &str = "fde:parts";
pub const WRITTEN: &str = "fde:written";
pub const RUN: &str = "fde:run";
/// The tag on what a stack has left behind, with the name of that stack. It makes nothing the stack's.
pub const LEFT_BY: &str = "fde:left-by";

/// The number of AWS's 50 tags of an object that are kept for ours: one of each that it can carry, and a second `fde:parts`.
/// No type carries both `fde:adopted` and `fde:written`.
pub const OURS: usize = 11;

/// The tags by which an option of the file outlives its line.
pub const MARKS: [&str; 2] = [PROTECT, RETAIN];

/// The optional tags that an object is to carry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Marks {
    pub protect: bool,
    pub retain: bool,
}

/// The value of `fde:parts` while there are none: AWS takes no empty text everywhere.
const NO_PARTS: &str = "-";

/// Hexadecimal digits of a mark, and the number of marks that fit into the 256 characters of a tag's value. The rest goes to
/// `fde:parts.2` and so on.
const MARK_DIGITS: usize = 6;
const MARKS_PER_TAG: usize = 42;

/// The prefix of the hash in `fde:applied`, while not all of the inputs are known to be set.
const UNFINISHED: &str = "unfinished ";

/// The separator of the keys in `fde:tags`: allowed in tag values, and refused in the author's tag keys.
pub(super) const KEY_SEPARATOR: &str = " + ";

/// The tags of an object, by key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags(BTreeMap<String, String>);

impl Tags {
    /// The tags an object of ours carries.
    pub fn owned(
        urn: &Urn,
        author: &BTreeMap<String, String>,
        applied: &str,
        marks: Marks,
    ) -> Self {
        let mut tags = author.clone();
        tags.insert(STACK.to_owned(), urn.stack().to_string());
        tags.insert(URN.to_owned(), urn.to_string());
        tags.insert(APPLIED.to_owned(), applied.to_owned());
        if !author.is_empty() {
            let keys: Vec<&str> = author.keys().map(String::as_str).collect();
            tags.insert(AUTHOR_KEYS.to_owned(), keys.join(KEY_SEPARATOR));
        }
        for (key, is_set) in [(PROTECT, marks.protect), (RETAIN, marks.retain)] {
            if is_set {
                tags.insert(key.to_owned(), "true".to_owned());
            }
        }
        Self(tags)
    }

    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.0.insert(key.into(), value.into());
    }

    /// The tags that show in a diff: the author's, and those that stand for an option.
    pub fn visible(&self) -> impl Iterator<Item = (&str, &str)> {
        self.iter()
            .filter(|(key, _)| !key.starts_with("fde:") || MARKS.contains(key))
    }

    /// The author's tag keys that we applied last.
    pub fn applied_keys(&self) -> impl Iterator<Item = &str> {
        self.get(AUTHOR_KEYS)
            .unwrap_or_default()
            .split(KEY_SEPARATOR)
            .filter(|key| !key.is_empty())
    }

    /// The resource that it claims to be; `None` for an object without our tags.
    pub fn owner(&self) -> Option<Urn> {
        self.get(URN)?.parse().ok()
    }

    /// The tags of the objects that an object with these leaves behind: all but those by which they would count as the
    /// stack's and AWS's own, which AWS alone sets; and the name of the stack.
    #[must_use]
    pub fn of_what_is_left(&self) -> Self {
        let kept = self
            .iter()
            .filter(|(key, _)| !key.starts_with("fde:") && !key.starts_with("aws:"));
        let mut tags: Self = kept
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        if let Some(stack) = self.get(STACK) {
            tags.insert(LEFT_BY, stack);
        }
        tags
    }

    pub fn belongs_to(&self, stack: &StackId) -> bool {
        self.get(STACK) == Some(stack.to_string().as_str())
    }

    /// Returns whether both are of one stack.
    pub fn are_of_one_stack(&self, other: &Self) -> bool {
        self.get(STACK).is_some() && self.get(STACK) == other.get(STACK)
    }

    /// Returns whether an object that carries these tags, and stands where an object with the wanted ones is to be, is that
    /// object's own earlier self: of the same resource, stack and region. One that names no region is an earlier version's.
    pub fn is_earlier_self_of(&self, wanted: &Self) -> bool {
        let is_same = |key: &str| self.get(key).is_some() && self.get(key) == wanted.get(key);
        let regions = self.region().zip(wanted.region());
        is_same(URN) && is_same(STACK) && regions.is_none_or(|(here, wanted)| here == wanted)
    }

    /// The content of `fde:applied`.
    pub fn applied(&self) -> Option<Applied<'_>> {
        let text = self.get(APPLIED)?;
        let mut words = text.strip_prefix(UNFINISHED).unwrap_or(text).split(' ');
        Some(Applied {
            inputs: words.next().unwrap_or_default(),
            source: words.next().zip(words.next()),
        })
    }

    /// Returns whether these tags record inputs that the file had before: it says something else by now, and nothing has
    /// been recorded since. Another build may read the same file otherwise, and nothing is concluded from what it has
    /// recorded.
    pub fn are_behind(&self, wanted: &Self) -> bool {
        let (Some(live), Some(wanted)) = (self.applied(), wanted.applied()) else {
            return false;
        };
        let (Some((build, before)), Some((this_build, now))) = (live.source, wanted.source) else {
            return false;
        };
        build == this_build && before != now && live.inputs != wanted.inputs
    }

    /// Returns whether it was there before us.
    pub fn is_adopted(&self) -> bool {
        self.get(ADOPTED) == Some("true")
    }

    pub fn region(&self) -> Option<&str> {
        self.get(REGION)
    }

    /// The marks of the untaggable parts that are ours; `None` where nothing has been recorded.
    pub fn parts(&self) -> Option<BTreeSet<String>> {
        self.get(PARTS)?;
        let texts = self
            .iter()
            .filter(|(key, value)| is_parts(key) && *value != NO_PARTS);
        let marks = texts.flat_map(|(_, text)| {
            let mut rest = text;
            std::iter::from_fn(move || {
                let mark = rest.get(..MARK_DIGITS)?;
                rest = &rest[MARK_DIGITS..];
                Some(mark.to_owned())
            })
        });
        Some(marks.collect())
    }

    /// Records which untaggable parts are ours.
    pub fn set_parts(&mut self, marks: &BTreeSet<String>) {
        self.0.retain(|key, _| !is_parts(key));
        let marks: Vec<&str> = marks.iter().map(String::as_str).collect();
        if marks.is_empty() {
            self.insert(PARTS, NO_PARTS);
        }
        for (index, chunk) in marks.chunks(MARKS_PER_TAG).enumerate() {
            let key = match index {
                0 => PARTS.to_owned(),
                index => format!("{PARTS}.{}", index + 1),
            };
            self.insert(key, chunk.concat());
        }
    }

    /// The same tags, for an object that has yet to be brought to all of its inputs; `kept` are those that it has from
    /// another one.
    #[must_use]
    pub fn unfinished(&self, kept: &str) -> Self {
        let mut tags = self.clone();
        if let Some(applied) = tags.0.get_mut(APPLIED) {
            applied.insert_str(0, UNFINISHED);
            applied.push_str(kept);
        }
        tags
    }

    /// The inputs that an unfinished object has from another one, as they were written.
    pub(super) fn kept(&self) -> Option<&str> {
        let text = self.get(APPLIED)?.strip_prefix(UNFINISHED)?;
        text.splitn(4, ' ').nth(3)
    }

    pub fn is_unfinished(&self) -> bool {
        self.get(APPLIED)
            .is_some_and(|applied| applied.starts_with(UNFINISHED))
    }

    pub fn is_protected(&self) -> bool {
        self.get(PROTECT) == Some("true")
    }

    pub fn is_retained(&self) -> bool {
        self.get(RETAIN) == Some("true")
    }

    /// The tags that must be set, and the keys that must go, to bring `self` (observed) to `wanted`. Tags of others stay.
    pub fn changes_to(&self, wanted: &Self) -> (Self, Vec<String>) {
        let set = wanted
            .iter()
            .filter(|(key, value)| self.get(key) != Some(value))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        let parts = self
            .0
            .keys()
            .map(String::as_str)
            .filter(|key| is_parts(key));
        let ours = [AUTHOR_KEYS, WRITTEN]
            .into_iter()
            .chain(MARKS)
            .chain(self.applied_keys())
            .chain(parts);
        let remove = ours
            .filter(|key| wanted.get(key).is_none() && self.get(key).is_some())
            .map(str::to_owned)
            .collect();
        (Self(set), remove)
    }
}

fn is_parts(key: &str) -> bool {
    key.strip_prefix(PARTS)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The record of an untaggable part on its parent: a short hash of its type and of what tells it from the parent's other
/// parts. `None` while that is not known.
pub fn mark_of_part(schema: &Schema, inputs: &Properties) -> Option<String> {
    let parent = schema.parents.first()?;
    let names = schema.key.iter();
    let names: Vec<&str> = names
        .filter(|name| **name != parent.property)
        .copied()
        .collect();
    let rest = schema.values_of(&names, inputs)?;
    let rest = serde_json::Value::from(&Value::List(rest));
    Some(short_hash(&format!("{} {rest}", schema.token), MARK_DIGITS))
}

impl FromIterator<(String, String)> for Tags {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

/// The state to which an object was last brought, as its tag says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied<'t> {
    /// The hash of the inputs: see [`applied_hash`].
    pub inputs: &'t str,
    /// The build that applied them, and the hash of what the file said: see [`source_hash`]. Earlier versions did not say.
    pub source: Option<(&'t str, &'t str)>,
}

/// The value of `fde:applied`.
pub fn applied(inputs: &str, source: &str) -> String {
    let build = short_hash(crate::version::VERSION, 6);
    format!("{inputs} {build} {source}")
}

/// A short hash of what the file says of an object, whatever its references lead to: it changes with the file alone.
pub fn source_hash(
    schema: &Schema,
    inputs: &Properties,
    author_tags: &BTreeMap<String, String>,
) -> String {
    let mut hash = applied_hash(schema, inputs, author_tags);
    hash.truncate(8);
    hash
}

/// A short hash of the inputs that an object was last brought to. Secrets do not enter it.
pub fn applied_hash(
    schema: &Schema,
    inputs: &Properties,
    author_tags: &BTreeMap<String, String>,
) -> String {
    let mut open = Properties::new();
    for (name, value) in inputs {
        let hidden = schema
            .property(name)
            .is_some_and(|property| property.secret || property.write_only);
        if !hidden {
            open.insert(name.clone(), without_secrets(&value.spelled_out()));
        }
    }
    let tags: serde_json::Value = author_tags
        .iter()
        .map(|(key, value)| (key.clone(), serde_json::Value::from(value.clone())))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let document = serde_json::json!([serde_json::Value::from(&Value::Object(open)), tags]);
    short_hash(&document.to_string(), 12)
}

/// A value without the secrets in it.
pub fn without_secrets(value: &Value) -> Value {
    match value {
        Value::Secret(_) => Value::Null,
        Value::List(values) => Value::list(values.iter().map(without_secrets)),
        Value::Join(parts) => Value::Join(parts.iter().map(without_secrets).collect()),
        Value::Object(values) => Value::Object(
            values
                .iter()
                .map(|(name, value)| (name.clone(), without_secrets(value)))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// The first `length` hexadecimal digits of a text's SHA-256.
pub fn short_hash(text: &str, length: usize) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let mut hash = String::with_capacity(64);
    for byte in digest {
        hash.push_str(&format!("{byte:02x}"));
    }
    hash.truncate(length);
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::CreateClass;
    use crate::resource::value::{Conditional, properties};

    fn owned(author: &[(&str, &str)]) -> Tags {
        let stack = StackId {
            name: "shop".into(),
            environment: "dev".into(),
        };
        let author = author
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        Tags::owned(
            &Urn::new(&stack, "aws:ec2:Vpc", "vpc"),
            &author,
            "abc",
            Marks::default(),
        )
    }

    #[test]
    fn choices_and_texts_enter_a_hash_whole_and_their_secrets_do_not() {
        let schema =
            Schema::new::<BTreeMap<String, serde_json::Value>>("t:T", CreateClass::NaturalKey);
        let hash =
            |value: Value| source_hash(&schema, &properties([("p", value)]), &BTreeMap::new());
        let reference = Value::output(&owned(&[]).owner().unwrap(), "id");
        let choice = |otherwise: Value| {
            Value::If(Box::new(Conditional {
                condition: reference.clone(),
                says: "there is a network".to_owned(),
                then: 1.into(),
                otherwise,
            }))
        };
        let text = |part: Value| Value::join([reference.clone(), part]);
        let secret = |text: &str| Value::Secret(Box::new(text.into()));
        assert_ne!(hash(choice(0.into())), hash(choice(2.into())));
        assert_ne!(hash(choice(1.into())), hash(1.into()));
        assert_ne!(hash(text(choice(0.into()))), hash(text(choice(2.into()))));
        assert_eq!(hash(choice(secret("a"))), hash(choice(secret("b"))));
        assert_eq!(hash(text(secret("a"))), hash(text(secret("b"))));
    }

    #[test]
    fn removed_tags_go_and_foreign_tags_stay() {
        let mut live = owned(&[("project", "shop"), ("team", "blue")]);
        live.insert("cost-centre", "42");
        let (set, remove) = live.changes_to(&owned(&[("project", "store")]));
        assert_eq!(
            set.iter().collect::<Vec<_>>(),
            [("fde:tags", "project"), ("project", "store")]
        );
        assert_eq!(remove, ["team"]);
    }

    #[test]
    fn what_is_left_names_its_stack_and_is_not_the_stacks() {
        let mut live = owned(&[("project", "shop")]);
        live.insert("cost-centre", "42");
        live.insert(REGION, "eu-south-2");
        live.insert(PROTECT, "true");
        live.insert("aws:cloudformation:stack-name", "other");
        let left = live.of_what_is_left();
        assert_eq!(
            left.iter().collect::<Vec<_>>(),
            [
                ("cost-centre", "42"),
                ("fde:left-by", "shop/dev"),
                ("project", "shop"),
            ]
        );
        let stack = StackId {
            name: "shop".into(),
            environment: "dev".into(),
        };
        assert!(!left.belongs_to(&stack) && left.owner().is_none());
    }

    #[test]
    fn a_mark_that_the_file_takes_back_goes() {
        let mut live = owned(&[]);
        live.insert(PROTECT, "true");
        live.insert(RETAIN, "true");
        let (_, remove) = live.changes_to(&owned(&[]));
        assert_eq!(remove, MARKS);
    }

    #[test]
    fn parts_are_read_back_however_many() {
        for count in [0, 1, MARKS_PER_TAG, 100] {
            let marks: BTreeSet<String> = (0..count).map(|n| format!("{n:06x}")).collect();
            let mut tags = owned(&[]);
            assert_eq!(tags.parts(), None);
            tags.set_parts(&marks);
            assert_eq!(tags.parts(), Some(marks));
            assert!(tags.iter().all(|(_, value)| value.len() <= 256));
            // Fewer leave no tag behind.
            let mut fewer = owned(&[]);
            fewer.set_parts(&BTreeSet::new());
            let (set, remove) = tags.changes_to(&fewer);
            let mut after = tags.clone();
            for key in &remove {
                after.0.remove(key);
            }
            after.0.extend(set.0);
            assert_eq!(after.parts(), Some(BTreeSet::new()));
        }
    }

    #[test]
    fn an_earlier_self_is_of_the_same_stack_resource_and_region() {
        let tagged = |pairs: &[(&str, &str)]| {
            let mut tags = owned(&[]);
            for (key, value) in pairs {
                tags.insert(*key, *value);
            }
            tags
        };
        let wanted = tagged(&[(REGION, "eu-west-1")]);
        let urn = "urn:fde:shop/dev::aws:ec2:Vpc::other";
        for (found, expected) in [
            (tagged(&[(REGION, "eu-west-1")]), true),
            // As an earlier version leaves it.
            (tagged(&[]), true),
            (tagged(&[(REGION, "eu-south-2")]), false),
            (tagged(&[(STACK, "shop/prod")]), false),
            (tagged(&[(URN, urn)]), false),
            (Tags::default(), false),
        ] {
            assert_eq!(found.is_earlier_self_of(&wanted), expected, "{found:?}");
        }
        assert!(!Tags::default().is_earlier_self_of(&Tags::default()));
    }

    #[test]
    fn tags_are_behind_once_the_file_says_something_else_to_the_same_build() {
        let tags = |applied: &str| {
            let mut tags = Tags::default();
            tags.insert(APPLIED, applied);
            tags
        };
        let before = applied("aaaaaaaaaaaa", "11111111");
        for (now, expected) in [
            (applied("bbbbbbbbbbbb", "22222222"), true),
            // The value behind a reference has changed by itself.
            (applied("bbbbbbbbbbbb", "11111111"), false),
            // The same content, written differently.
            (applied("aaaaaaaaaaaa", "22222222"), false),
            ("bbbbbbbbbbbb 0a0a0a 22222222".to_owned(), false),
        ] {
            assert_eq!(tags(&before).are_behind(&tags(&now)), expected, "{now}");
            // Of an earlier version.
            assert!(!tags("aaaaaaaaaaaa").are_behind(&tags(&now)), "{now}");
        }
        let unfinished = tags(&before).unfinished("");
        assert_eq!(unfinished.applied(), tags(&before).applied());
        let earlier = tags("aaaaaaaaaaaa");
        assert_eq!(earlier.applied().unwrap().inputs, "aaaaaaaaaaaa");
    }

    #[test]
    fn an_owner_is_read_back() {
        let tags = owned(&[]);
        assert_eq!(
            tags.owner().unwrap().to_string(),
            "urn:fde:shop/dev::aws:ec2:Vpc::vpc"
        );
    }
}
