//! The content of the account in memory, and the conflicts over places there.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::resource::provider::DataPolicy;
use crate::resource::value::texts;
use crate::resource::{Catalog, Condition, Observed, Properties, Schema, Urn, Value};
use crate::testing::Random;
use crate::testing::visibility::Sights;

/// The region in which a new account is used.
pub const HOME: &str = "eu-south-2";

/// Hexadecimal digits of an id.
pub(super) const ID_DIGITS: usize = 6;

/// Data that is gone because a [`Provider::delete`](crate::resource::Provider::delete) was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Discarded {
    pub id: String,
    pub owner: Option<Urn>,
    pub data: DataPolicy,
    pub was_protected: bool,
}

/// The burst size, and the calls that come back per second.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    pub burst: f64,
    pub per_second: f64,
}

/// An object in the account.
#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) observed: Observed,
    pub(super) born_at: Instant,
    pub(super) begun_at: Instant,
    pub(super) ready_at: Instant,
    /// The reason why it will not come up.
    pub(super) fails: Option<String>,
    /// The inputs that were given and are never returned: passwords.
    pub(super) unanswered: Properties,
}

impl Object {
    pub(super) fn new(observed: Observed, takes: Duration) -> Self {
        let begun_at = Instant::now();
        Self {
            observed,
            born_at: begun_at,
            begun_at,
            ready_at: begun_at + takes,
            fails: None,
            unanswered: Properties::new(),
        }
    }

    /// The condition of the object now.
    pub(super) fn condition(&self) -> Condition {
        let now = Instant::now();
        if now < self.ready_at {
            let is_early = now - self.begun_at < (self.ready_at - self.begun_at) / 2;
            let status = if is_early { "creating" } else { "configuring" };
            return Condition::Settling(status.to_owned());
        }
        match &self.fails {
            Some(reason) => Condition::Broken(reason.clone()),
            None => self.observed.condition.clone(),
        }
    }

    pub(super) fn now(&self) -> Observed {
        Observed {
            condition: self.condition(),
            ..self.observed.clone()
        }
    }
}

#[derive(Debug)]
pub(super) struct State {
    /// The region of its user.
    pub(super) region: String,
    pub(super) objects: BTreeMap<String, Object>,
    /// Ids of objects by what tells them apart, so that a large stack is not searched for every create call.
    pub(super) by_identity: BTreeMap<String, String>,
    pub(super) made: u64,
    /// Calls by operation name: `create aws:ec2:Vpc`.
    pub(super) calls: BTreeMap<String, u64>,
    /// Ids of what was made by client token, the oldest first: AWS remembers a token for longer than its object lives.
    pub(super) by_token: BTreeMap<String, Vec<String>>,
    pub(super) sights: Sights,
    pub(super) random: Random,
    pub(super) rate: Option<Rate>,
    /// The rest of the rate, by operation, and since when.
    pub(super) allowances: BTreeMap<String, (f64, Instant)>,
    pub(super) discarded: Vec<Discarded>,
    pub(super) journal: Vec<String>,
}

impl State {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            region: HOME.to_owned(),
            objects: BTreeMap::new(),
            by_identity: BTreeMap::new(),
            made: 0,
            calls: BTreeMap::new(),
            by_token: BTreeMap::new(),
            sights: Sights::default(),
            random: Random::new(seed),
            rate: None,
            allowances: BTreeMap::new(),
            discarded: Vec::new(),
            journal: Vec::new(),
        }
    }

    pub(super) fn record(&mut self, id: &str, before: Option<Observed>) {
        let now = self.objects.get(id).map(|object| object.observed.clone());
        self.sights.record(id, before, now);
    }

    /// The view that a reader has of an object.
    pub(super) fn seen(&mut self, id: &str) -> Option<Observed> {
        let object = self.objects.get(id);
        let now = object.map(|object| &object.observed);
        let mut seen = self.sights.seen(id, now, &mut self.random)?;
        if let Some(object) = self.objects.get(id) {
            seen.condition = object.condition();
        }
        Some(seen)
    }

    /// The view that a reader has of all objects that satisfy a condition.
    pub(super) fn seen_where(&mut self, wanted: impl Fn(&Observed) -> bool) -> Vec<Observed> {
        let mut ids: BTreeSet<String> = self.sights.ids().cloned().collect();
        let now = self.objects.values().map(|object| &object.observed);
        ids.extend(now.filter(|now| wanted(now)).map(|now| now.id.clone()));
        let seen = ids.iter().filter_map(|id| self.seen(id));
        seen.filter(wanted).collect()
    }

    pub(super) fn insert(&mut self, catalog: &Catalog, object: Object) {
        let id = object.observed.id.clone();
        self.know_identity(catalog, &object.observed);
        let before = self.objects.insert(id.clone(), object);
        self.record(&id, before.map(|object| object.observed));
    }

    /// Removes an object, with those of its parts that do not exist by themselves.
    pub(super) fn remove(&mut self, catalog: &Catalog, id: &str) {
        let Some(whole) = self.objects.get(id).map(|object| &object.observed) else {
            return;
        };
        let is_part = |part: &Observed, schema: &Schema| {
            let mut parents = schema.parents.iter();
            parents.any(|parent| {
                let on = part.inputs.get(parent.property);
                // Part and whole have the same key, where both are known by it.
                let by_key = || on == whole.inputs.get(parent.property);
                parent.token == whole.token
                    && on.is_some_and(|on| on.as_str() == Some(id) || by_key())
            })
        };
        let parts: Vec<String> = self
            .objects
            .values()
            .map(|object| &object.observed)
            .filter(|part| {
                let schema = catalog.get(&part.token);
                schema.is_some_and(|schema| is_part(part, schema))
            })
            .map(|part| part.id.clone())
            .collect();
        for part in parts {
            self.remove_one(catalog, &part);
        }
        self.remove_one(catalog, id);
    }

    pub(super) fn know_identity(&mut self, catalog: &Catalog, observed: &Observed) {
        if let Some(identity) = identity_of(catalog, observed) {
            self.by_identity.insert(identity, observed.id.clone());
        }
    }

    pub(super) fn forget_identity(&mut self, catalog: &Catalog, observed: &Observed) {
        if let Some(identity) = identity_of(catalog, observed)
            && self
                .by_identity
                .get(&identity)
                .is_some_and(|found| *found == observed.id)
        {
            self.by_identity.remove(&identity);
        }
    }

    /// Another object that has the place of one with these inputs, or a part of it.
    pub(super) fn in_the_way(
        &self,
        schema: &Schema,
        inputs: &Properties,
        own: Option<&str>,
    ) -> Option<String> {
        if schema.overlaps.is_some() {
            let mut others = self.objects.values().map(|object| &object.observed);
            let other = others.find(|other| {
                other.token == schema.token
                    && Some(other.id.as_str()) != own
                    && self.is_here(schema, other)
                    && schema.collides(inputs, &other.inputs)
            });
            return other.map(|other| other.id.clone());
        }
        let place = schema.place_of(inputs)?;
        let holder = self.by_identity.get(&self.identity(schema, &place));
        holder.filter(|id| Some(id.as_str()) != own).cloned()
    }

    /// Returns whether the account's user sees an object from its region.
    pub(super) fn is_here(&self, schema: &Schema, observed: &Observed) -> bool {
        schema.global || region_of(observed).is_none_or(|region| region == self.region)
    }

    /// The identity of an object, as [`State::by_identity`] has it, for a place in the region of the account's user.
    pub(super) fn identity(&self, schema: &Schema, place: &[Value]) -> String {
        identity_text(schema, &self.region, place)
    }

    /// Gives an object the place that another one leaves.
    pub(super) fn move_to(
        &mut self,
        catalog: &Catalog,
        schema: &Schema,
        id: &str,
        left: &Properties,
    ) {
        let Some(before) = self.objects.get(id).map(|object| object.observed.clone()) else {
            return;
        };
        self.forget_identity(catalog, &before);
        if let Some(object) = self.objects.get_mut(id) {
            for property in schema.key {
                if let Some(value) = left.get(*property) {
                    let inputs = &mut object.observed.inputs;
                    inputs.insert((*property).to_owned(), value.clone());
                }
            }
            let moved = object.observed.clone();
            self.know_identity(catalog, &moved);
        }
        self.record(id, Some(before));
    }

    pub(super) fn named(&self, text: &str) -> Option<&Observed> {
        let mut objects = self.objects.values().map(|object| &object.observed);
        objects.find(|object| object.id == text || object.arn.as_deref() == Some(text))
    }

    /// The object of a type that these inputs stand under, through others perhaps.
    pub(super) fn above(&self, token: &str, inputs: &Properties) -> Option<String> {
        let named = || {
            texts(inputs)
                .into_iter()
                .filter_map(|text| self.named(text))
        };
        let direct = named().find(|object| object.token == token);
        direct.map(|object| object.id.clone()).or_else(|| {
            let mut through = named().filter(|object| object.token == "aws:lb:Listener");
            through.find_map(|object| self.above(token, &object.inputs))
        })
    }

    /// The object that these inputs use although it is used under another object: a target group of another load balancer.
    pub(super) fn bound_elsewhere(
        &self,
        catalog: &Catalog,
        token: &str,
        inputs: &Properties,
        own: Option<&str>,
    ) -> Option<String> {
        let exclusive = |schema: &&Schema| schema.exclusive_to.is_some();
        if !catalog
            .iter()
            .filter(exclusive)
            .any(|schema| schema.is_blocked_by(token))
        {
            return None;
        }
        let used = texts(inputs)
            .into_iter()
            .filter_map(|text| self.named(text));
        used.filter_map(|used| Some((used, catalog.get(&used.token)?)))
            .find(|(used, schema)| {
                let Some(above) = schema.exclusive_to.filter(|_| schema.is_blocked_by(token))
                else {
                    return false;
                };
                let here = self.above(above, inputs);
                let names = [Some(used.id.as_str()), used.arn.as_deref()];
                self.objects
                    .values()
                    .map(|object| &object.observed)
                    .any(|other| {
                        Some(other.id.as_str()) != own
                            && schema.is_blocked_by(&other.token)
                            && texts(&other.inputs)
                                .iter()
                                .any(|text| names.contains(&Some(*text)))
                            && self.above(above, &other.inputs) != here
                    })
            })
            .map(|(used, _)| used.id.clone())
    }

    /// An id among these inputs that once was given to an object and leads nowhere now, or is not yet visible to all
    /// readers.
    pub(super) fn dangling<'a>(&mut self, inputs: &'a Properties) -> Option<&'a str> {
        inputs.values().filter_map(Value::as_str).find(|text| {
            // An ARN ends in the id.
            let id = text.rsplit('/').next().unwrap_or(text);
            let number = id.rsplit_once('-').map(|(_, number)| number);
            let number = number.filter(|number| number.len() == ID_DIGITS);
            number
                .and_then(|number| u64::from_str_radix(number, 16).ok())
                .is_some_and(|number| number <= self.made && !self.objects.contains_key(id))
                || self.sights.is_hidden(id, &mut self.random)
        })
    }

    pub(super) fn remove_one(&mut self, catalog: &Catalog, id: &str) {
        let Some(object) = self.objects.remove(id) else {
            return;
        };
        self.forget_identity(catalog, &object.observed);
        self.record(id, Some(object.observed));
    }
}

pub(super) fn identity_of(catalog: &Catalog, observed: &Observed) -> Option<String> {
    let schema = catalog.get(&observed.token)?;
    let place = schema.place_of(&observed.inputs)?;
    let region = region_of(observed).unwrap_or(HOME);
    Some(identity_text(schema, region, &place))
}

pub(super) fn identity_text(schema: &Schema, region: &str, place: &[Value]) -> String {
    // An object without an ARN is told apart by the id of its parent, which no other region has.
    let region = if schema.global || !schema.taggable {
        ""
    } else {
        region
    };
    format!("{region} {} {place:?}", schema.token)
}

/// The region of an object, by its ARN.
pub(super) fn region_of(observed: &Observed) -> Option<&str> {
    observed.arn.as_deref()?.split(':').nth(3)
}
