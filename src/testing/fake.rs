//! An AWS account in memory, with the generic semantics that each type's schema implies: natural keys collide, objects in
//! use cannot be deleted, what is gone cannot be referred to, parts go with their whole, deletions of what is gone
//! succeed, provisioning takes its time.
//!
//! Its clock is tokio's, so a paused clock makes hours pass at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::resource::provider::{Creation, Deletion, Indexed, Progress, Query, Update};
use crate::resource::value::properties;
use crate::resource::{
    Catalog, Condition, CreateClass, ErrorKind, Observed, Properties, Provider, ProviderError,
    Schema, StackId, Tags, Urn, Value,
};

/// How long a type takes from the create call until it is ready.
pub type Provisioning = fn(token: &str) -> Duration;

/// Hexadecimal digits of an id.
const ID_DIGITS: usize = 6;

/// An object in the account.
#[derive(Debug, Clone)]
struct Object {
    observed: Observed,
    ready_at: Instant,
}

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<String, Object>,
    /// Ids of objects by what tells them apart, so that a large stack is not searched for every create call.
    by_identity: BTreeMap<String, String>,
    made: u64,
    /// Calls by operation name: `create aws:ec2:Vpc`.
    calls: BTreeMap<String, u64>,
}

impl State {
    fn insert(&mut self, catalog: &Catalog, object: Object) {
        let id = object.observed.id.clone();
        if let Some(identity) = identity_text(catalog, &object.observed) {
            self.by_identity.insert(identity, id.clone());
        }
        self.objects.insert(id, object);
    }

    /// Takes an object away, with the parts of it that are none by themselves.
    fn remove(&mut self, catalog: &Catalog, id: &str) {
        let parts: Vec<String> = self
            .objects
            .values()
            .map(|object| &object.observed)
            .filter(|part| {
                catalog
                    .get(&part.token)
                    .is_some_and(|schema| !schema.taggable)
            })
            .filter(|part| part.inputs.values().any(|value| value.as_str() == Some(id)))
            .map(|part| part.id.clone())
            .collect();
        for part in parts {
            self.remove_one(catalog, &part);
        }
        self.remove_one(catalog, id);
    }

    /// An id among these inputs that once was given to an object and leads nowhere now.
    fn dangling<'a>(&self, inputs: &'a Properties) -> Option<&'a str> {
        inputs.values().filter_map(Value::as_str).find(|text| {
            // An ARN ends in the id.
            let id = text.rsplit('/').next().unwrap_or(text);
            let number = id.rsplit_once('-').map(|(_, number)| number);
            let number = number.filter(|number| number.len() == ID_DIGITS);
            number
                .and_then(|number| u64::from_str_radix(number, 16).ok())
                .is_some_and(|number| number <= self.made && !self.objects.contains_key(id))
        })
    }

    fn remove_one(&mut self, catalog: &Catalog, id: &str) {
        if let Some(object) = self.objects.remove(id)
            && let Some(identity) = identity_text(catalog, &object.observed)
            && self
                .by_identity
                .get(&identity)
                .is_some_and(|found| found == id)
        {
            self.by_identity.remove(&identity);
        }
    }
}

/// The account.
pub struct FakeAccount {
    catalog: Catalog,
    provisioning: Provisioning,
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
            state: Mutex::new(State::default()),
        }
    }

    /// Everything in the account, by id.
    pub fn objects(&self) -> Vec<Observed> {
        self.lock()
            .objects
            .values()
            .map(|object| object.observed.clone())
            .collect()
    }

    /// Puts an object there behind everybody's back.
    pub fn insert(&self, observed: Observed) {
        let object = Object {
            observed,
            ready_at: Instant::now(),
        };
        self.lock().insert(&self.catalog, object);
    }

    /// Takes an object away behind everybody's back.
    pub fn remove(&self, id: &str) {
        self.lock().remove(&self.catalog, id);
    }

    /// Changes an object behind everybody's back.
    pub fn edit(&self, id: &str, change: impl FnOnce(&mut Observed)) {
        if let Some(object) = self.lock().objects.get_mut(id) {
            change(&mut object.observed);
        }
    }

    /// How many calls that change something were made.
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

    /// The object as a reader sees it now.
    fn seen(object: &Object) -> Observed {
        let mut observed = object.observed.clone();
        if observed.condition == Condition::Ready && Instant::now() < object.ready_at {
            observed.condition = Condition::Settling("creating".to_owned());
        }
        observed
    }
}

fn not_found(verb: &str, urn: &Urn, id: &str) -> ProviderError {
    ProviderError::new(
        ErrorKind::NotFound,
        format!("{verb} {}", urn.token()),
        format!("`{id}` does not exist"),
    )
}

fn identity_text(catalog: &Catalog, observed: &Observed) -> Option<String> {
    let identity = catalog.get(&observed.token)?.place_of(&observed.inputs)?;
    Some(format!("{} {identity:?}", observed.token))
}

#[async_trait]
impl Provider for FakeAccount {
    fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    async fn facts(&self) -> Result<Properties, ProviderError> {
        Ok(properties([
            ("accountId", "123456789012".into()),
            ("region", "eu-south-2".into()),
            ("partition", "aws".into()),
            (
                "availabilityZones",
                vec!["eu-south-2a", "eu-south-2b", "eu-south-2c"].into(),
            ),
        ]))
    }

    async fn index(&self, stack: &StackId) -> Result<Vec<Indexed>, ProviderError> {
        self.count("read", "index");
        Ok(self
            .lock()
            .objects
            .values()
            .filter(|object| object.observed.tags.belongs_to(stack))
            .map(|object| Indexed {
                arn: object.observed.arn.clone().unwrap_or_default(),
                tags: object.observed.tags.clone(),
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
        Ok(self
            .lock()
            .objects
            .values()
            .filter(|object| object.observed.token == query.token)
            .filter(|object| {
                let inputs = &object.observed.inputs;
                object.observed.tags.belongs_to(query.stack)
                    || schema
                        .place_of(inputs)
                        .is_some_and(|identity| wanted.contains(&format!("{identity:?}")))
                    || !schema.taggable
                        && inputs
                            .values()
                            .any(|value| value.as_str().is_some_and(|id| parents.contains(id)))
            })
            .map(Self::seen)
            .collect())
    }

    async fn create(&self, request: Creation<'_>) -> Result<Observed, ProviderError> {
        let token = request.urn.token();
        self.count("create", token);
        let schema = self.schema(token)?;
        let mut state = self.lock();
        let met = match schema.create_class {
            CreateClass::TagsOnly => None,
            CreateClass::Token => state.objects.values().find(|object| {
                // A new attempt after a dead one takes a new token.
                object.observed.tags.owner().as_ref() == Some(request.urn)
                    && &object.observed.inputs == request.inputs
                    && !matches!(object.observed.condition, Condition::Broken(_))
            }),
            CreateClass::NaturalKey | CreateClass::PartOfParent => schema
                .place_of(request.inputs)
                .and_then(|wanted| state.by_identity.get(&format!("{token} {wanted:?}")))
                .and_then(|id| state.objects.get(id)),
        };
        if let Some(met) = met {
            let ours = met.observed.tags.owner().as_ref() == Some(request.urn) || !schema.taggable;
            return if ours {
                Ok(Self::seen(met))
            } else {
                Err(ProviderError::new(
                    ErrorKind::NotOurs,
                    format!("create {token}"),
                    format!("`{}` is somebody else's", met.observed.id),
                ))
            };
        }
        if let Some(gone) = state.dangling(request.inputs) {
            return Err(not_found("create", request.urn, gone));
        }
        state.made += 1;
        let kind = token.rsplit(':').next().unwrap_or(token).to_lowercase();
        let id = format!("{kind}-{:0ID_DIGITS$x}", state.made);
        let outputs = schema
            .outputs
            .iter()
            .map(|output| ((*output).to_owned(), Value::from(format!("{id}.{output}"))))
            .collect();
        let object = Object {
            observed: Observed {
                token: token.to_owned(),
                arn: schema
                    .taggable
                    .then(|| format!("arn:aws:fake:eu-south-2:123456789012:{kind}/{id}")),
                id: id.clone(),
                inputs: readable(schema, request.inputs),
                outputs,
                tags: if schema.taggable {
                    request.tags.clone()
                } else {
                    Tags::default()
                },
                condition: Condition::Ready,
            },
            ready_at: Instant::now() + (self.provisioning)(token),
        };
        let seen = Self::seen(&object);
        state.insert(&self.catalog, object);
        Ok(seen)
    }

    async fn update(&self, request: Update<'_>) -> Result<Observed, ProviderError> {
        self.count("update", request.urn.token());
        let schema = self.schema(request.urn.token())?;
        let mut state = self.lock();
        if let Some(gone) = state.dangling(request.inputs) {
            return Err(not_found("update", request.urn, gone));
        }
        let Some(object) = state.objects.get_mut(&request.observed.id) else {
            return Err(not_found("update", request.urn, &request.observed.id));
        };
        object.observed.inputs = readable(schema, request.inputs);
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
        Ok(Self::seen(object))
    }

    async fn wait(
        &self,
        _urn: &Urn,
        observed: Observed,
        progress: &dyn Progress,
    ) -> Result<Observed, ProviderError> {
        progress.status("creating");
        let ready_at = self
            .lock()
            .objects
            .get(&observed.id)
            .map_or_else(Instant::now, |object| object.ready_at);
        tokio::time::sleep_until(ready_at).await;
        Ok(Observed {
            condition: Condition::Ready,
            ..observed
        })
    }

    async fn delete(&self, request: Deletion<'_>) -> Result<(), ProviderError> {
        self.count("delete", &request.observed.token);
        let mut state = self.lock();
        let id = &request.observed.id;
        let arn = request.observed.arn.as_deref();
        let user = state.objects.values().find(|object| {
            object.observed.id != *id
                && object.observed.inputs.values().any(|value| {
                    value.as_str() == Some(id) || arn.is_some() && value.as_str() == arn
                })
        });
        if let Some(user) = user {
            return Err(ProviderError::new(
                ErrorKind::InUse,
                format!("delete {}", request.observed.token),
                format!("`{id}` is used by `{}`", user.observed.id),
            ));
        }
        state.remove(&self.catalog, id);
        Ok(())
    }
}

/// What AWS would answer: all that is not write-only.
fn readable(schema: &Schema, inputs: &Properties) -> Properties {
    inputs
        .iter()
        .filter(|(name, _)| schema.property(name).is_some_and(|p| !p.write_only))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
