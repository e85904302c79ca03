//! The references among live objects: which of them needs which.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::graph::{ResourceGraph, dependencies};
use crate::resource::value::texts;
use crate::resource::{Catalog, LiveSnapshot, Observed, Properties, Urn, Value};

const ROLE: &str = "aws:iam:Role";

/// A live object: its URN and its id.
pub(super) type ObjectKey = (Urn, String);

pub(super) fn key(urn: &Urn, observed: &Observed) -> ObjectKey {
    (urn.clone(), observed.id.clone())
}

/// The uses among live objects: found in their properties, in the file, and in the types' own rules.
#[derive(Default)]
pub(super) struct Uses {
    /// The objects that each object needs.
    needs: BTreeMap<ObjectKey, BTreeSet<ObjectKey>>,
    /// The objects that need each object.
    needed_by: BTreeMap<ObjectKey, BTreeSet<ObjectKey>>,
    /// Those of them that name each object. The file and the types' rules do not tell one twin from the other.
    pub(super) named_by: BTreeMap<ObjectKey, BTreeSet<ObjectKey>>,
    arns: BTreeMap<ObjectKey, String>,
}

impl Uses {
    pub(super) fn of(live: &LiveSnapshot, graph: &ResourceGraph, catalog: &Catalog) -> Self {
        let mut uses = Self::default();
        for (urn, objects) in &live.ours {
            for observed in objects {
                if let Some(arn) = &observed.arn {
                    uses.arns.insert(key(urn, observed), arn.clone());
                }
            }
        }
        // Strongest first: an edge that contradicts an earlier one is dropped.
        uses.add_from_file(live, graph);
        uses.add_from_types(live, catalog);
        uses.add_from_roles(live, catalog);
        uses.add_from_properties(live, catalog);
        uses
    }

    /// The objects that must stay if this object stays.
    pub(super) fn needs(&self, object: &ObjectKey) -> impl Iterator<Item = &ObjectKey> {
        self.needs.get(object).into_iter().flatten()
    }

    /// The objects that must be gone before this object goes.
    pub(super) fn needed_by(&self, object: &ObjectKey) -> impl Iterator<Item = &ObjectKey> {
        self.needed_by.get(object).into_iter().flatten()
    }

    /// The objects that an object itself names.
    pub(super) fn named_by_it<'a>(
        &'a self,
        object: &'a ObjectKey,
    ) -> impl Iterator<Item = &'a ObjectKey> {
        self.needs(object)
            .filter(|needed| self.names_it(object, needed))
    }

    /// The objects that depend on this object alone, and not on its twin as well: all that name it, and those that name
    /// these.
    pub(super) fn child_of<'a>(&'a self, object: &'a ObjectKey) -> BTreeSet<&'a ObjectKey> {
        let mut found = BTreeSet::new();
        let mut open = vec![object];
        while let Some(object) = open.pop() {
            let users = self.named_by.get(object).into_iter().flatten();
            open.extend(users.filter(|user| found.insert(*user)));
        }
        found
    }

    /// All objects that an object names, directly or not, without those that the file wants it to name from now on.
    pub(super) fn all_named<'a>(&'a self, object: &'a ObjectKey) -> BTreeSet<&'a ObjectKey> {
        let mut found = BTreeSet::new();
        let mut open = vec![object];
        while let Some(object) = open.pop() {
            let named = self.named_by_it(object);
            open.extend(named.filter(|needed| found.insert(*needed)));
        }
        found
    }

    /// The objects for whose sake AWS refuses to delete this one: those that refer to it, and those that the type's rule
    /// names and that live under the same parent.
    pub(super) fn blockers_of<'a>(
        &'a self,
        object: &'a ObjectKey,
        catalog: &Catalog,
    ) -> BTreeSet<&'a ObjectKey> {
        let Some(schema) = catalog.get(object.0.token()) else {
            return BTreeSet::new();
        };
        let blocks = |user: &&ObjectKey| schema.is_blocked_by(user.0.token());
        let naming = self.named_by.get(object).into_iter().flatten();
        let mut found: BTreeSet<&ObjectKey> = naming
            .filter(|user| user.0 != object.0)
            .filter(blocks)
            .collect();
        if !schema.deletes_after.is_empty() {
            // By what they name: of two twins the file does not say which is meant.
            let parents = self
                .needs(object)
                .filter(|parent| self.names_it(object, parent));
            let beside: BTreeSet<&ObjectKey> =
                parents.flat_map(|parent| self.child_of(parent)).collect();
            let ruled = self
                .needed_by(object)
                .filter(|user| schema.deletes_after.contains(&user.0.token()) && blocks(user));
            found.extend(ruled.filter(|user| beside.contains(user)));
        }
        found
    }

    fn names_it(&self, user: &ObjectKey, used: &ObjectKey) -> bool {
        self.named_by
            .get(used)
            .is_some_and(|users| users.contains(user))
    }

    /// True if properties name an object.
    pub(super) fn names(&self, inputs: &Properties, object: &ObjectKey) -> bool {
        let arn = self.arns.get(object).map(String::as_str);
        let mut texts = texts(inputs).into_iter();
        texts.any(|text| text == object.1 && text.len() > 3 || arn == Some(text))
    }

    fn add(&mut self, user: ObjectKey, needed: ObjectKey) {
        // Two objects of one URN are old and new of a replacement; they do not need each other.
        if user.0 == needed.0 {
            return;
        }
        let opposite = self
            .needs
            .get(&needed)
            .is_some_and(|needs| needs.contains(&user));
        if opposite {
            return;
        }
        self.needed_by
            .entry(needed.clone())
            .or_default()
            .insert(user.clone());
        self.needs.entry(user).or_default().insert(needed);
    }

    fn add_from_file(&mut self, live: &LiveSnapshot, graph: &ResourceGraph) {
        for resource in graph.iter() {
            for user in live.of(&resource.urn) {
                for needed in dependencies(resource) {
                    for used in live.of(needed) {
                        self.add(key(&resource.urn, user), key(needed, used));
                    }
                }
            }
        }
    }

    /// `deletes_after`: an internet gateway goes after the NAT gateways, although none of their properties names it.
    fn add_from_types(&mut self, live: &LiveSnapshot, catalog: &Catalog) {
        for schema in catalog.iter() {
            for token in schema.deletes_after {
                for (used_urn, used) in live.of_type(schema.token) {
                    for (user_urn, user) in live.of_type(token) {
                        if schema
                            .deletes_beside
                            .is_some_and(|is_excepted| is_excepted(&user.inputs))
                        {
                            continue;
                        }
                        self.add(key(user_urn, user), key(used_urn, used));
                    }
                }
            }
        }
    }

    /// A user of a role needs all that the role may do, until it is gone itself: the policies of the role, which it does not name.
    fn add_from_roles(&mut self, live: &LiveSnapshot, catalog: &Catalog) {
        let mut policies: BTreeMap<&str, Vec<ObjectKey>> = BTreeMap::new();
        for schema in catalog.iter() {
            let Some(parent) = schema.parents.iter().find(|parent| parent.token == ROLE) else {
                continue;
            };
            for (urn, policy) in live.of_type(schema.token) {
                if let Some(role) = policy.inputs.get(parent.property).and_then(Value::as_str) {
                    policies.entry(role).or_default().push(key(urn, policy));
                }
            }
        }
        let roles: BTreeMap<&str, &str> = live
            .of_type(ROLE)
            .filter_map(|(_, role)| Some((role.arn.as_deref()?, role.id.as_str())))
            .collect();
        for (urn, objects) in &live.ours {
            let assumes = catalog
                .get(urn.token())
                .map_or(&[][..], |schema| schema.assumes);
            for observed in objects {
                let named = assumes
                    .iter()
                    .filter_map(|name| observed.inputs.get(*name)?.as_str());
                let roles = named.filter_map(|named| roles.get(named).copied());
                for policy in roles.filter_map(|role| policies.get(role)).flatten() {
                    self.add(key(urn, observed), policy.clone());
                }
            }
        }
    }

    /// An id, ARN or name of one live object among the properties of another.
    fn add_from_properties(&mut self, live: &LiveSnapshot, catalog: &Catalog) {
        let mut by_identity: HashMap<&str, Vec<ObjectKey>> = HashMap::new();
        let is_part = |urn: &Urn| {
            catalog
                .get(urn.token())
                .is_some_and(|schema| !schema.taggable)
        };
        let (parts, others): (Vec<_>, Vec<_>) = live.ours.iter().partition(|(urn, _)| is_part(urn));
        for (urn, objects) in others {
            for observed in objects {
                for identity in identities(observed) {
                    by_identity
                        .entry(identity)
                        .or_default()
                        .push(key(urn, observed));
                }
            }
        }
        // A part that has the id of its whole is not what others refer to by that id.
        let mut by_own_id: HashMap<&str, Vec<ObjectKey>> = HashMap::new();
        for (urn, objects) in parts {
            for observed in objects {
                for identity in identities(observed) {
                    if !by_identity.contains_key(identity) {
                        by_own_id
                            .entry(identity)
                            .or_default()
                            .push(key(urn, observed));
                    }
                }
            }
        }
        by_identity.extend(by_own_id);
        for (urn, objects) in &live.ours {
            let uses = catalog.get(urn.token()).and_then(|schema| schema.uses);
            for observed in objects {
                let derived = uses.map(|uses| uses(&observed.inputs)).unwrap_or_default();
                let derived = derived.iter().map(String::as_str);
                for text in foreign_texts(catalog, urn, observed)
                    .into_iter()
                    .chain(derived)
                {
                    for used in referred(text, &by_identity) {
                        let user = key(urn, observed);
                        self.named_by
                            .entry(used.clone())
                            .or_default()
                            .insert(user.clone());
                        self.add(user, used.clone());
                    }
                }
            }
        }
    }
}

/// The texts among the inputs of an object that may name others: all but its own name, which another object of another
/// type may have for its id.
pub(super) fn foreign_texts<'a>(
    catalog: &Catalog,
    urn: &Urn,
    observed: &'a Observed,
) -> Vec<&'a str> {
    let own = catalog.get(urn.token()).and_then(|schema| schema.name);
    let own = own.and_then(|rule| observed.inputs.get(rule.property)?.as_str());
    let mut texts = texts(&observed.inputs);
    if let Some(at) = own.and_then(|own| texts.iter().position(|text| *text == own)) {
        texts.remove(at);
    }
    texts
}

/// The id and the ARN of an object. Short ids are names that other texts could hold by chance; an edge too many only
/// orders two deletions.
fn identities(observed: &Observed) -> impl Iterator<Item = &str> {
    let id = Some(observed.id.as_str()).filter(|id| id.len() > 3);
    id.into_iter().chain(observed.arn.as_deref())
}

/// Objects that a text names: as a whole, or as an ARN with something appended (`…:secret:x:url::`, `bucket/*`).
fn referred<'a>(
    text: &str,
    by_identity: &'a HashMap<&str, Vec<ObjectKey>>,
) -> impl Iterator<Item = &'a ObjectKey> {
    let whole = by_identity.get(text);
    let prefix = || {
        if !text.starts_with("arn:") {
            return None;
        }
        text.char_indices()
            .filter(|(_, character)| matches!(character, ':' | '/'))
            .filter_map(|(end, _)| by_identity.get(&text[..end]))
            .next_back()
    };
    whole.or_else(prefix).into_iter().flatten()
}
