//! An AWS account in memory, with the generic semantics that each type's schema implies: natural keys collide, client
//! tokens give the same object again, a place is taken once, objects in use cannot be deleted, what belongs to one other
//! object cannot be used under a second, what is gone cannot be referred to, parts go with their whole, deletions of what is
//! gone succeed, provisioning takes its time and may end badly, and readers may be behind (`visibility.rs`).
//!
//! It has several regions. What is not global is seen, and has its place, in the region of its ARN alone.
//!
//! The name is also the id where a type's name is the author's or derived without a generation, as with buckets, roles and
//! databases: a caller that deletes by such an id deletes the object that bears it now.
//!
//! Its clock is tokio's, so a paused clock makes hours pass at once.

mod state;

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::Random;
use super::visibility::Lag;
use crate::resource::provider::{Creation, Deletion, Indexed, Progress, Query, Update};
use crate::resource::schema::Unset;
use crate::resource::value::{properties, texts};
use crate::resource::{
    Catalog, Condition, CreateClass, ErrorKind, Observed, Properties, Provider, ProviderError,
    Schema, StackId, Tags, Urn, Value,
};
pub use state::{Discarded, HOME, Rate};
use state::{ID_DIGITS, Object, State, region_of};

/// The time that a type takes from the create call until it is ready.
pub type Provisioning = fn(token: &str) -> Duration;

/// The account.
pub struct FakeAccount {
    catalog: Catalog,
    provisioning: Provisioning,
    opened: Instant,
    state: Mutex<State>,
}

impl FakeAccount {
    /// An empty account in which everything is ready at once.
    pub fn new(catalog: Catalog) -> Self {
        Self::with_provisioning(catalog, |_| Duration::ZERO)
    }

    pub fn with_provisioning(catalog: Catalog, provisioning: Provisioning) -> Self {
        Self {
            catalog,
            provisioning,
            opened: Instant::now(),
            state: Mutex::new(State::new(0)),
        }
    }

    /// Makes readers lag behind by this much from here on; chance decides which of them.
    pub fn lag(&self, lag: Option<Lag>, seed: u64) {
        let mut state = self.lock();
        state.random = Random::new(seed);
        state.sights.set(lag);
    }

    /// Limits each operation to this rate from here on.
    pub fn limit(&self, rate: Option<Rate>) {
        self.lock().rate = rate;
    }

    /// Counts a call against the rate of its operation; false if it is one too many.
    pub fn allows(&self, operation: &str) -> bool {
        let mut state = self.lock();
        let Some(rate) = state.rate else { return true };
        let now = Instant::now();
        let (left, since) = state
            .allowances
            .entry(operation.to_owned())
            .or_insert((rate.burst, now));
        let refilled = *left + now.duration_since(*since).as_secs_f64() * rate.per_second;
        *left = refilled.min(rate.burst);
        *since = now;
        let is_allowed = *left >= 1.0;
        if is_allowed {
            *left -= 1.0;
        }
        is_allowed
    }

    /// Makes the account used in another region from here on.
    pub fn use_in(&self, region: &str) {
        region.clone_into(&mut self.lock().region);
    }

    /// Makes the object fail to come up, or cease to work if it is up.
    pub fn expected_failure(&self, id: &str, reason: &str) {
        if let Some(object) = self.lock().objects.get_mut(id) {
            object.fails = Some(reason.to_owned());
        }
    }

    /// One look at one object: the view of a waiter.
    pub fn look(&self, id: &str) -> Option<Observed> {
        self.lock().seen(id)
    }

    /// The deletions of objects that hold data.
    pub fn discarded(&self) -> Vec<Discarded> {
        self.lock().discarded.clone()
    }

    /// Adds a line to the journal of this account.
    pub fn tell(&self, line: impl AsRef<str>) {
        let at = self.opened.elapsed().as_secs_f64();
        let line = format!("{at:>10.3}s  {}", line.as_ref());
        self.lock().journal.push(line);
    }

    /// All lines of the journal.
    pub fn journal(&self) -> Vec<String> {
        self.lock().journal.clone()
    }

    /// Everything in the account, by id.
    pub fn objects(&self) -> Vec<Observed> {
        self.lock().objects.values().map(Object::now).collect()
    }

    /// The inputs that an object was given and that no read answers with.
    pub fn unanswered(&self, id: &str) -> Properties {
        let state = self.lock();
        let object = state.objects.get(id);
        object.map_or_else(Properties::new, |object| object.unanswered.clone())
    }

    /// The time when an object was made: an object with the name of another has its id as well.
    pub fn born_at(&self, id: &str) -> Option<Instant> {
        Some(self.lock().objects.get(id)?.born_at)
    }

    /// The number of times, since reads began to be behind, that a reader saw outdated data.
    pub fn misled(&self) -> u64 {
        self.lock().sights.misled()
    }

    /// Puts an object there without any run noticing.
    pub fn insert(&self, observed: Observed) {
        let object = Object::new(observed, Duration::ZERO);
        self.lock().insert(&self.catalog, object);
    }

    /// Removes an object without any run noticing.
    pub fn remove(&self, id: &str) {
        self.lock().remove(&self.catalog, id);
    }

    /// Changes an object without any run noticing.
    pub fn edit(&self, id: &str, change: impl FnOnce(&mut Observed)) {
        let mut state = self.lock();
        if let Some(object) = state.objects.get_mut(id) {
            let before = object.observed.clone();
            change(&mut object.observed);
            state.record(id, Some(before));
        }
    }

    /// The number of calls that change something.
    pub fn mutations(&self) -> u64 {
        self.lock()
            .calls
            .iter()
            .filter(|(name, _)| !name.starts_with("read "))
            .map(|(_, count)| count)
            .sum()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, verb: &str, token: &str) {
        *self
            .lock()
            .calls
            .entry(format!("{verb} {token}"))
            .or_default() += 1;
    }

    fn schema(&self, token: &str) -> Result<&Schema, ProviderError> {
        self.catalog
            .get(token)
            .ok_or_else(|| ProviderError::new(ErrorKind::Invalid, token, "no such type"))
    }
}

fn not_found(verb: &str, urn: &Urn, id: &str) -> ProviderError {
    ProviderError::new(
        ErrorKind::NotFound,
        format!("{verb} {}", urn.token()),
        format!("`{id}` does not exist"),
    )
}

fn taken(verb: &str, token: &str, holder: &str) -> ProviderError {
    let message = format!("`{holder}` has its place");
    ProviderError::new(ErrorKind::AlreadyExists, format!("{verb} {token}"), message)
}

fn one_at_a_time(verb: &str, token: &str, used: &str) -> ProviderError {
    let message = format!("`{used}` is used elsewhere, and by one at a time");
    ProviderError::new(ErrorKind::Quota, format!("{verb} {token}"), message)
}

/// The inputs by which an object may refer to others: a name of its own may be the id of something in another region.
fn without_name(catalog: &Catalog, observed: &Observed) -> Properties {
    let mut inputs = observed.inputs.clone();
    if let Some(rule) = catalog.get(&observed.token).and_then(|schema| schema.name) {
        inputs.remove(rule.property);
    }
    inputs
}

/// Returns whether an object is a part of another one, and goes with it.
fn is_part_of(schema: &Schema, inputs: &Properties, id: &str) -> bool {
    let is_it = |value: &Value| value.as_str() == Some(id);
    if !schema.taggable {
        return inputs.values().any(is_it);
    }
    let mut parents = schema.parents.iter();
    parents.any(|parent| inputs.get(parent.property).is_some_and(is_it))
}

#[async_trait]
impl Provider for FakeAccount {
    fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    async fn facts(&self) -> Result<Properties, ProviderError> {
        Ok(properties([
            ("accountId", "123456789012".into()),
            ("region", self.lock().region.clone().into()),
            ("partition", "aws".into()),
            (
                "availabilityZones",
                vec!["eu-south-2a", "eu-south-2b", "eu-south-2c"].into(),
            ),
        ]))
    }

    async fn index(&self, stack: &StackId) -> Result<Vec<Indexed>, ProviderError> {
        self.count("read", "index");
        let state = self.lock();
        let ids: BTreeSet<&String> = state.objects.keys().chain(state.sights.ids()).collect();
        let indexed = ids.into_iter().filter_map(|id| {
            let now = state.objects.get(id).map(|object| &object.observed);
            state.sights.indexed(id, now)
        });
        Ok(indexed
            .filter(|observed| observed.tags.belongs_to(stack))
            .filter(|observed| {
                let schema = self.catalog.get(&observed.token);
                schema.is_none_or(|schema| state.is_here(schema, observed))
            })
            .map(|observed| Indexed {
                arn: observed.arn.unwrap_or_default(),
                tags: observed.tags,
            })
            .collect())
    }

    async fn read(&self, query: Query<'_>) -> Result<Vec<Observed>, ProviderError> {
        self.count("read", query.token);
        let schema = self.schema(query.token)?;
        let wanted: BTreeSet<String> = query
            .wanted
            .iter()
            .filter_map(|wanted| schema.place_of(&wanted.inputs))
            .map(|identity| format!("{identity:?}"))
            .collect();
        let parents: BTreeSet<&str> = query
            .live
            .ours
            .values()
            .flatten()
            .map(|observed| observed.id.as_str())
            .collect();
        let mut state = self.lock();
        let region = state.region.clone();
        Ok(state.seen_where(|observed| {
            let is_here = schema.global || region_of(observed).is_none_or(|other| other == region);
            let inputs = &observed.inputs;
            let is_part = || {
                let mut values = inputs.values().filter_map(Value::as_str);
                let can_be = !schema.taggable || !schema.parents.is_empty();
                can_be && values.any(|id| parents.contains(id))
            };
            let has_wanted_place = || {
                let place = schema.place_of(inputs);
                place.is_some_and(|place| wanted.contains(&format!("{place:?}")))
            };
            observed.token == query.token
                && is_here
                && (observed.tags.belongs_to(query.stack) || has_wanted_place() || is_part())
        }))
    }

    async fn create(&self, request: Creation<'_>) -> Result<Observed, ProviderError> {
        let token = request.urn.token();
        self.count("create", token);
        let schema = self.schema(token)?;
        let mut state = self.lock();
        let client_token = format!(
            "{} {} {:?} {:?}",
            state.region, request.urn, request.inputs, request.tags
        );
        let met = match schema.create_class {
            CreateClass::TagsOnly => None,
            CreateClass::Token => {
                let made = state.by_token.get(&client_token).into_iter().flatten();
                // A token that is answered with something gone, or with a predecessor, gives way to the next.
                let mut alive = made.filter(|id| !request.instead_of.contains(id));
                let alive = alive.find(|id| state.objects.contains_key(*id)).cloned();
                // The token is ours alone, so the object that it made is ours, whatever its tags say by now.
                if let Some(object) = alive.and_then(|id| state.objects.get(&id)) {
                    return Ok(object.now());
                }
                None
            }
            CreateClass::NaturalKey | CreateClass::PartOfParent => schema
                .place_of(request.inputs)
                .and_then(|wanted| state.by_identity.get(&state.identity(schema, &wanted)))
                .cloned(),
        };
        if let Some(id) = met {
            let tags = state.seen(&id).map(|seen| seen.tags).unwrap_or_default();
            let is_ours = tags.is_earlier_self_of(request.tags) || !schema.taggable;
            return match state.objects.get(&id) {
                Some(object) if is_ours => Ok(object.now()),
                _ => Err(ProviderError::new(
                    ErrorKind::NotOurs,
                    format!("create {token}"),
                    format!("`{id}` is somebody else's"),
                )),
            };
        }
        if let Some(gone) = state.dangling(request.inputs) {
            return Err(not_found("create", request.urn, gone));
        }
        if let Some(holder) = state.in_the_way(schema, request.inputs, None) {
            return Err(taken("create", token, &holder));
        }
        if let Some(bound) = state.bound_elsewhere(&self.catalog, token, request.inputs, None) {
            return Err(one_at_a_time("create", token, &bound));
        }
        state.made += 1;
        let kind = token.rsplit(':').next().unwrap_or(token).to_lowercase();
        let named = schema.name.filter(|rule| !rule.generated);
        let name = named.and_then(|rule| request.inputs.get(rule.property)?.as_str());
        // Ids are unique here over all types; a second thing of a name gets a number.
        let name = name.filter(|name| !state.objects.contains_key(*name));
        let id = name.map_or_else(
            || format!("{kind}-{:0ID_DIGITS$x}", state.made),
            str::to_owned,
        );
        if schema.create_class == CreateClass::Token {
            let made = state.by_token.entry(client_token).or_default();
            made.push(id.clone());
        }
        let outputs = schema
            .outputs
            .iter()
            .map(|output| {
                // An address is allocated under the id that it has.
                let value = match *output {
                    "allocationId" => id.clone(),
                    output => format!("{id}.{output}"),
                };
                ((*output).to_owned(), value.into())
            })
            .collect();
        let mut object = Object::new(
            Observed {
                token: token.to_owned(),
                arn: schema.taggable.then(|| {
                    let region = if schema.global { "" } else { &state.region };
                    format!("arn:aws:fake:{region}:123456789012:{kind}/{id}")
                }),
                id: id.clone(),
                inputs: readable(schema, request.inputs, &Properties::new()),
                outputs,
                tags: if schema.taggable {
                    request.tags.clone()
                } else {
                    Tags::default()
                },
                condition: Condition::Ready,
            },
            (self.provisioning)(token),
        );
        object.unanswered = write_only(schema, request.inputs);
        let made = object.now();
        state.insert(&self.catalog, object);
        Ok(made)
    }

    async fn update(&self, request: Update<'_>) -> Result<Observed, ProviderError> {
        self.count("update", request.urn.token());
        let schema = self.schema(request.urn.token())?;
        let mut state = self.lock();
        if let Some(gone) = state.dangling(request.inputs) {
            return Err(not_found("update", request.urn, gone));
        }
        let id = &request.observed.id;
        let Some(before) = state.objects.get(id).map(|object| object.observed.clone()) else {
            return Err(not_found("update", request.urn, id));
        };
        let token = request.urn.token();
        if schema.place_of(request.inputs) != schema.place_of(&before.inputs)
            && let Some(holder) = state.in_the_way(schema, request.inputs, Some(id))
        {
            if !schema.trades_places {
                return Err(taken("update", token, &holder));
            }
            state.move_to(&self.catalog, schema, &holder, &before.inputs);
        }
        if let Some(bound) = state.bound_elsewhere(&self.catalog, token, request.inputs, Some(id)) {
            return Err(one_at_a_time("update", token, &bound));
        }
        state.forget_identity(&self.catalog, &before);
        let Some(object) = state.objects.get_mut(id) else {
            return Err(not_found("update", request.urn, id));
        };
        object.observed.inputs = readable(schema, request.inputs, &before.inputs);
        object.unanswered.extend(write_only(schema, request.inputs));
        if schema.taggable {
            let (set, remove) = object.observed.tags.changes_to(request.tags);
            object.observed.tags = object
                .observed
                .tags
                .iter()
                .filter(|(key, _)| !remove.iter().any(|removed| removed == key))
                .chain(set.iter())
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect();
        }
        if !request.diff.is_empty() {
            // A change takes a part of the time that the making took.
            object.begun_at = Instant::now();
            let takes = (self.provisioning)(request.urn.token()) / 4;
            object.ready_at = object.ready_at.max(object.begun_at + takes);
        }
        let updated = object.now();
        state.know_identity(&self.catalog, &updated);
        state.record(&request.observed.id, Some(before));
        Ok(updated)
    }

    async fn wait(
        &self,
        _urn: &Urn,
        observed: Observed,
        progress: &dyn Progress,
    ) -> Result<Observed, ProviderError> {
        progress.status("creating");
        let object = self.lock().objects.get(&observed.id).cloned();
        if let Some(object) = object {
            tokio::time::sleep_until(object.ready_at).await;
            if let Condition::Broken(reason) = object.condition() {
                return Err(ProviderError::new(ErrorKind::Failed, "wait", reason));
            }
        }
        Ok(Observed {
            condition: Condition::Ready,
            ..observed
        })
    }

    async fn delete(&self, request: Deletion<'_>) -> Result<(), ProviderError> {
        self.count("delete", &request.observed.token);
        let mut state = self.lock();
        let id = &request.observed.id;
        // Most parts go with their whole, and do not hold it.
        let holds = |object: &Observed| {
            let schema = self.catalog.get(&object.token);
            schema
                .is_none_or(|schema| schema.holds_parent || !is_part_of(schema, &object.inputs, id))
        };
        let deleted = self.schema(&request.observed.token)?;
        let names = [Some(id.as_str()), request.observed.arn.as_deref()];
        let user = state.objects.values().find(|object| {
            object.observed.id != *id
                // Here names are ids: one like a name of its own type is no reference.
                && object.observed.token != request.observed.token
                && holds(&object.observed)
                && deleted.is_blocked_by(&object.observed.token)
                && texts(&without_name(&self.catalog, &object.observed))
                    .iter()
                    .any(|text| names.contains(&Some(*text)))
        });
        if let Some(user) = user {
            return Err(ProviderError::new(
                ErrorKind::InUse,
                format!("delete {}", request.observed.token),
                format!("`{id}` is used by `{}`", user.observed.id),
            ));
        }
        let is_data = self.schema(&request.observed.token)?.stateful;
        if let Some(object) = state.objects.get(id) {
            let tags = &object.observed.tags;
            let discarded = Discarded {
                id: id.clone(),
                owner: tags.owner(),
                data: request.data,
                was_protected: tags.is_protected(),
            };
            if is_data || discarded.was_protected {
                state.discarded.push(discarded);
            }
        }
        state.remove(&self.catalog, id);
        Ok(())
    }
}

/// The inputs that AWS would return: all that is not write-only, and what it has chosen by itself.
fn readable(schema: &Schema, inputs: &Properties, before: &Properties) -> Properties {
    let mut answered = Properties::new();
    for property in schema.properties.iter().filter(|p| !p.write_only) {
        let name = property.name;
        let mut value = inputs.get(name).cloned();
        if value.is_none() && property.unset == Unset::ServerChooses {
            value = before.get(name).cloned();
        }
        if let Some(Value::Object(given)) = &mut value
            && property.declared_keys_only
        {
            given.insert("chosen".to_owned(), "by the account".into());
        }
        if let Some(value) = value {
            answered.insert(name.to_owned(), value);
        }
    }
    answered
}

fn write_only(schema: &Schema, inputs: &Properties) -> Properties {
    let is_write_only = |name: &str| schema.property(name).is_some_and(|p| p.write_only);
    let hidden = inputs.iter().filter(|(name, _)| is_write_only(name));
    hidden
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
