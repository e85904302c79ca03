//! Another party with access to the account, which knows nothing of us.

mod forging;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::fake::HOME;
use super::{FakeAccount, Random};
use crate::graph::ResourceGraph;
use crate::resource::schema::Unset;
use crate::resource::{
    Condition, CreateClass, Observed, Properties, Provider, Schema, StackId, Tags, Urn, Value, tags,
};

/// The deeds of another party against something of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForeignAction {
    /// Deletes something that nothing uses.
    Deletes,
    /// Changes a property.
    Edits,
    /// Makes a copy, with the same tags, of something that can be there twice.
    Copies,
    /// Takes all tags away.
    Strips,
    /// Hangs a part of its own on something.
    Hangs,
    /// Puts tags of its own on something.
    Tags,
    /// Rewrites an ordinary tag, or takes it away.
    Rewrites,
    /// Makes something of its own, with tags that look like ours or none.
    Owns,
    /// Puts our tags on something of its own: copied from an object of ours, or invented; or says by the tags of ours that
    /// parts of its own are ours.
    Forges,
    /// Makes something of its own under a name or at a place that we want and do not have yet.
    Takes,
}

impl ForeignAction {
    pub const ALL: &[Self] = &[
        Self::Deletes,
        Self::Edits,
        Self::Copies,
        Self::Strips,
        Self::Hangs,
    ];

    /// The deeds of a neighbour, which leaves alone what we have made, except for a tag.
    pub const BESIDE: &[Self] = &[
        Self::Hangs,
        Self::Tags,
        Self::Rewrites,
        Self::Owns,
        Self::Forges,
        Self::Takes,
    ];
}

/// The prefixes of the tag keys that the second actor puts on our objects; one begins as ours do.
pub const THEIR_TAGS: [&str; 2] = ["theirs-", "fde:theirs-"];

/// The region of what looks like ours: we are never there.
const ABROAD: &str = "us-east-1";

/// An object of the second actor.
#[derive(Debug, Clone)]
struct Made {
    observed: Observed,
    /// The object of ours that it hangs on, and since when that has been there.
    child_of: Option<(String, Instant)>,
    /// True if it is in our way.
    is_in_the_way: bool,
    /// True if a run was to delete the object that it hangs on.
    goes: bool,
    /// The tags that it had before it got ours.
    forged: Option<Tags>,
}

/// A tag of the second actor on an object of ours.
#[derive(Debug, Clone)]
struct Tagged {
    id: String,
    born_at: Option<Instant>,
    key: String,
    value: String,
}

/// The resources that a stack wants, as far as the second actor could get into their way.
#[derive(Debug, Clone)]
struct Sought {
    urn: Urn,
    token: String,
    inputs: Properties,
    refers_to: BTreeSet<Urn>,
}

/// The second actor, and what it has taken from us.
pub struct ForeignActor<'a> {
    account: &'a FakeAccount,
    random: Mutex<Random>,
    /// The objects that were stripped, as they were before.
    stripped: Mutex<Vec<Observed>>,
    made: Mutex<Vec<Made>>,
    /// The number of objects it has made so far, including those it has removed again.
    count: AtomicU32,
    tagged: Mutex<Vec<Tagged>>,
    /// True if it copies no tags, and invents none.
    is_honest: bool,
    sought: Mutex<Vec<Sought>>,
}

impl<'a> ForeignActor<'a> {
    pub fn new(account: &'a FakeAccount, seed: u64) -> Self {
        Self {
            account,
            random: Mutex::new(Random::new(seed)),
            stripped: Mutex::default(),
            made: Mutex::default(),
            count: AtomicU32::new(0),
            tagged: Mutex::default(),
            is_honest: false,
            sought: Mutex::default(),
        }
    }

    /// The same actor, leaving our tags alone.
    #[must_use]
    pub fn forging_nothing(mut self) -> Self {
        self.is_honest = true;
        self
    }

    /// Takes note of what the stack's files want, so that deeds can get into the way of it, or keep out of that.
    pub fn learns(&self, graphs: &[&ResourceGraph]) {
        let resources = graphs.iter().flat_map(|graph| graph.iter());
        let sought = resources.map(|resource| Sought {
            urn: resource.urn.clone(),
            token: resource.urn.token().to_owned(),
            inputs: resource.inputs.clone(),
            refers_to: resource
                .inputs
                .values()
                .flat_map(Value::references)
                .map(|reference| reference.urn.clone())
                .collect(),
        });
        *lock(&self.sought) = sought.collect();
    }

    /// Does it to something that chance chooses. Returns what was done, if anything could be.
    pub fn does(&self, deed: ForeignAction) -> Option<String> {
        let mut objects = self.account.objects();
        objects.retain(|object| self.is_ours(object));
        let mut random = lock(&self.random);
        let target = match deed {
            ForeignAction::Deletes => {
                let all = self.account.objects();
                objects.retain(|object| !all.iter().any(|other| refers(other, object)));
                objects.retain(|object| !self.is_copied(object));
                let target = random.pick(&objects)?;
                self.account.remove(&target.id);
                target
            }
            ForeignAction::Edits => {
                let target = random.pick(&objects)?;
                let properties = changeable(self.schema(target)?);
                let property = random.pick(&properties)?;
                self.account.edit(&target.id, |object| {
                    object
                        .inputs
                        .insert((*property).to_owned(), "somebody's".into());
                });
                target
            }
            ForeignAction::Copies => {
                objects.retain(|object| self.can_be_twice(object));
                let target = random.pick(&objects)?;
                let mut copy = target.clone();
                // A copy of something that is on its way comes up at once.
                copy.condition = Condition::Ready;
                copy.id = format!("{}-copy{}", target.id, random.below(1000));
                while self.account.objects().iter().any(|it| it.id == copy.id) {
                    copy.id.push('0');
                }
                copy.arn = copy.arn.map(|arn| arn.replace(&target.id, &copy.id));
                self.make(copy.clone(), None, false);
                self.remember_forged(&copy, Tags::default());
                target
            }
            ForeignAction::Strips => {
                objects.retain(|object| !self.is_copied(object));
                let target = random.pick(&objects)?;
                self.account
                    .edit(&target.id, |object| object.tags = Tags::default());
                lock(&self.stripped).push(target.clone());
                target
            }
            ForeignAction::Hangs => {
                objects.retain(|object| !self.parts_of(object).is_empty());
                let target = random.pick(&objects)?;
                let parts = self.parts_of(target);
                let part = match parts.as_slice() {
                    [part] => part,
                    parts => random.pick(parts)?,
                };
                let part = self.part_of(&mut random, target, part);
                self.make(part, Some(target), false);
                target
            }
            ForeignAction::Tags => {
                let target = random.pick(&objects)?;
                let key = THEIR_TAGS[usize::from(random.once_in(4))];
                let number = random.below(1000);
                self.tag(target, format!("{key}{number}"), format!("value {number}"));
                target
            }
            ForeignAction::Rewrites => {
                let target = random.pick(&objects)?;
                let keys: Vec<&str> = target.tags.applied_keys().collect();
                let key = (*random.pick(&keys)?).to_owned();
                let is_taken_away = random.once_in(2);
                self.account.edit(&target.id, |object| {
                    if is_taken_away {
                        let kept = object.tags.iter().filter(|(other, _)| *other != key);
                        object.tags = kept
                            .map(|(key, value)| (key.to_owned(), value.to_owned()))
                            .collect();
                    } else {
                        object.tags.insert(key, "rewritten");
                    }
                });
                target
            }
            ForeignAction::Owns => {
                let schemas = self.account.catalog().iter();
                let schemas: Vec<&Schema> = schemas
                    .filter(|schema| schema.taggable && schema.key.is_empty())
                    .collect();
                let schema = *random.pick(&schemas)?;
                let name = format!("theirs-{}", self.number());
                let mut inputs = Properties::new();
                if let Some(rule) = schema.name {
                    inputs.insert(rule.property.to_owned(), name.as_str().into());
                }
                let own = own(&mut random, schema, &name, inputs, true);
                let done = format!("somebody Owns {} with {:?}", own.id, own.tags);
                self.make(own, None, false);
                return Some(done);
            }
            ForeignAction::Forges if self.is_honest => return None,
            ForeignAction::Forges => return self.forge(&mut random, &objects),
            ForeignAction::Takes => {
                let own = self.taken(&mut random, &objects)?;
                let done = format!("somebody Takes {} with {:?}", own.id, own.inputs);
                let parent = self
                    .schema(&own)?
                    .parents
                    .iter()
                    .find_map(|parent| own.inputs.get(parent.property)?.as_str());
                let parent = objects
                    .iter()
                    .find(|object| Some(object.id.as_str()) == parent);
                self.make(own.clone(), parent, true);
                return Some(done);
            }
        };
        Some(format!("somebody {deed:?} {}", target.id))
    }

    /// All objects that the second actor has made and that have to be as they were left: those that hang on an object of
    /// ours for as long as that is there.
    pub fn owned(&self) -> Vec<Observed> {
        let objects = self.account.objects();
        let is_there = |id: &str| objects.iter().any(|object| object.id == id);
        let made = lock(&self.made);
        let stands = made.iter().filter(|made| match &made.child_of {
            None => true,
            Some((id, born_at)) => {
                let parent_stays = is_there(id) && self.account.born_at(id) == Some(*born_at);
                parent_stays && (!made.goes || is_there(&made.observed.id))
            }
        });
        stands.map(|made| made.observed.clone()).collect()
    }

    /// Takes note that a run is about to delete these objects of ours: what hangs on them goes with them.
    pub fn hears_of_deletions(&self, ids: &BTreeSet<&str>) {
        for made in lock(&self.made).iter_mut() {
            made.goes |= made
                .child_of
                .as_ref()
                .is_some_and(|(parent, _)| ids.contains(parent.as_str()));
        }
    }

    /// A tag that the second actor has put on an object of ours, and that is not there any more although the object is.
    pub fn lost_tag(&self) -> Option<String> {
        let objects = self.account.objects();
        let tagged = lock(&self.tagged);
        let lost = tagged.iter().find(|tagged| {
            let object = objects.iter().find(|object| object.id == tagged.id);
            let is_same = self.account.born_at(&tagged.id) == tagged.born_at;
            is_same && object.is_some_and(|it| it.tags.get(&tagged.key) != Some(&tagged.value))
        });
        lost.map(|lost| format!("the tag {} of {}", lost.key, lost.id))
    }

    /// The ids of the objects that are in our way.
    pub fn in_the_way(&self) -> Vec<String> {
        let made = lock(&self.made);
        let in_the_way = made.iter().filter(|made| made.is_in_the_way);
        in_the_way.map(|made| made.observed.id.clone()).collect()
    }

    /// Gets out of our way.
    pub fn gives_way(&self) {
        let ids = self.in_the_way();
        lock(&self.made).retain(|made| !made.is_in_the_way);
        for id in ids {
            self.account.remove(&id);
        }
    }

    /// The objects that were stripped and are still there, as they were before.
    pub fn stripped(&self) -> Vec<Observed> {
        lock(&self.stripped).clone()
    }

    /// Gives the tags back, of what is still there.
    pub fn gives_back(&self) {
        for before in lock(&self.stripped).drain(..) {
            self.account
                .edit(&before.id, |object| object.tags = before.tags.clone());
        }
    }

    fn schema(&self, object: &Observed) -> Option<&Schema> {
        self.account.catalog().get(&object.token)
    }

    /// Returns whether an object is of the stack, here, and not the second actor's that looks like it.
    fn is_ours(&self, object: &Observed) -> bool {
        let is_of_stack = object
            .tags
            .owner()
            .is_some_and(|urn| *urn.stack() == super::generate::stack());
        let is_made = || {
            let made = lock(&self.made);
            made.iter().any(|made| made.observed.id == object.id)
        };
        let region = |region: Option<&str>| region.is_none_or(|it| it.is_empty() || it == HOME);
        let arn = object.arn.as_deref().and_then(|arn| arn.split(':').nth(3));
        is_of_stack && region(object.tags.region()) && region(arn) && !is_made()
    }

    fn number(&self) -> u32 {
        self.count.fetch_add(1, Ordering::Relaxed)
    }

    fn make(&self, observed: Observed, parent: Option<&Observed>, is_in_the_way: bool) {
        self.account.insert(observed.clone());
        let born_at = parent.and_then(|parent| self.account.born_at(&parent.id));
        lock(&self.made).push(Made {
            observed,
            child_of: parent.map(|parent| parent.id.clone()).zip(born_at),
            is_in_the_way,
            goes: false,
            forged: None,
        });
    }

    fn tag(&self, target: &Observed, key: String, value: String) {
        let born_at = self.account.born_at(&target.id);
        let (tag, text) = (key.clone(), value.clone());
        self.account
            .edit(&target.id, |object| object.tags.insert(tag, text));
        let mut tagged = lock(&self.tagged);
        tagged.retain(|tagged| tagged.id != target.id || tagged.key != key);
        tagged.push(Tagged {
            id: target.id.clone(),
            born_at,
            key,
            value,
        });
    }

    fn can_be_twice(&self, object: &Observed) -> bool {
        self.schema(object).is_some_and(|schema| {
            matches!(
                schema.create_class,
                CreateClass::TagsOnly | CreateClass::Token
            ) && schema.place_of(&object.inputs).is_none()
        })
    }

    /// The types of which something can be hung on an object, without getting into the way of what our files want.
    fn parts_of(&self, target: &Observed) -> Vec<&Schema> {
        let schemas = self.account.catalog().iter().filter(|schema| {
            let mut parents = schema.parents.iter();
            parents.any(|parent| parent.token == target.token)
        });
        let is_free = |schema: &&Schema| {
            // Where there can be several, ours are told apart from theirs by name or port.
            schema.key.len() > 1 || {
                let is_sought = lock(&self.sought)
                    .iter()
                    .any(|sought| sought.token == schema.token);
                let is_there = self
                    .account
                    .objects()
                    .iter()
                    .any(|object| object.token == schema.token && refers(object, target));
                !is_sought && !is_there
            }
        };
        schemas.filter(is_free).collect()
    }

    /// A part at a place that no stack of ours wants.
    fn part_of(&self, random: &mut Random, target: &Observed, schema: &Schema) -> Observed {
        let number = self.number();
        let name = format!("theirs-{number}");
        let mut inputs = Properties::new();
        for property in schema.key {
            let value = match *property {
                "port" => (60_000 + number).into(),
                property if is_parent(schema, property) => target.id.as_str().into(),
                _ => name.as_str().into(),
            };
            inputs.insert((*property).to_owned(), value);
        }
        own(random, schema, &name, inputs, false)
    }

    /// Something under a name, or on an object of ours, that our files want, and that is not there.
    fn taken(&self, random: &mut Random, ours: &[Observed]) -> Option<Observed> {
        let number = self.number();
        let id = format!("taken-{number}");
        let mut sought = lock(&self.sought).clone();
        let all = self.account.objects();
        let mut free = Vec::new();
        for sought in sought.drain(..) {
            let Some(schema) = self.account.catalog().get(&sought.token) else {
                continue;
            };
            let mut inputs = Properties::new();
            if let Some(rule) = schema.name {
                let name = sought.inputs.get(rule.property).and_then(Value::as_str);
                let Some(name) = name else { continue };
                inputs.insert(rule.property.to_owned(), name.into());
            } else if schema.taggable && !schema.parents.is_empty() {
                let parent = ours.iter().find(|object| {
                    let owner = object.tags.owner();
                    owner.is_some_and(|owner| sought.refers_to.contains(&owner))
                });
                let Some(parent) = parent else { continue };
                inputs.clone_from(&sought.inputs);
                for rule in &schema.parents {
                    inputs.insert(rule.property.to_owned(), parent.id.as_str().into());
                }
            } else {
                continue;
            }
            let place = schema.place_of(&inputs);
            let is_taken = all.iter().any(|other| {
                other.token == schema.token && schema.place_of(&other.inputs) == place
            });
            if !is_taken && place.is_some() {
                free.push((schema, inputs));
            }
        }
        let (schema, inputs) = random.pick(&free)?.clone();
        Some(own(random, schema, &id, inputs, false))
    }
}

fn is_parent(schema: &Schema, property: &str) -> bool {
    let mut parents = schema.parents.iter();
    parents.any(|parent| parent.property == property)
}

/// An object of the second actor's own.
fn own(
    random: &mut Random,
    schema: &Schema,
    id: &str,
    inputs: Properties,
    may_be_abroad: bool,
) -> Observed {
    let (tags, is_abroad) = if schema.taggable {
        similar_tags(random, schema, id, may_be_abroad)
    } else {
        (Tags::default(), false)
    };
    let region = match (schema.global, is_abroad) {
        (true, _) => "",
        (false, true) => ABROAD,
        (false, false) => HOME,
    };
    let kind = schema.token.rsplit(':').next().unwrap_or(schema.token);
    Observed {
        token: schema.token.to_owned(),
        // An id is one of a kind in this account.
        id: format!("{}-{id}", kind.to_lowercase()),
        arn: schema
            .taggable
            .then(|| format!("arn:aws:fake:{region}:123456789012:{kind}/{id}")),
        inputs,
        outputs: Properties::new(),
        tags,
        condition: Condition::Ready,
    }
}

/// No tags, or some that look like ours and are not; and whether they are of the same stack in another region.
fn similar_tags(
    random: &mut Random,
    schema: &Schema,
    name: &str,
    may_be_abroad: bool,
) -> (Tags, bool) {
    let ours = super::generate::stack();
    let stack = |name: &str, environment: &str| StackId {
        name: name.to_owned(),
        environment: environment.to_owned(),
    };
    let urn = |stack: &StackId, token: &str| Urn::new(stack, token, name).to_string();
    let other_stack = stack("other", "dev");
    let other_environment = stack(&ours.name, "prod");
    let mut given = Tags::default();
    let mut give = |stack: Option<&StackId>, urn: Option<String>| {
        given.insert("project", "generated");
        if let Some(stack) = stack {
            given.insert(tags::STACK, stack.to_string());
        }
        if let Some(urn) = urn {
            given.insert(tags::URN, urn);
        }
        given.clone()
    };
    let choices = if may_be_abroad { 10 } else { 9 };
    let mut is_abroad = false;
    let tags = match random.below(choices) {
        0 => Tags::default(),
        1 => give(Some(&other_stack), Some(urn(&other_stack, schema.token))),
        2 => give(
            Some(&other_environment),
            Some(urn(&other_environment, schema.token)),
        ),
        3 => give(Some(&ours), None),
        4 => give(Some(&ours), Some("not a URN".to_owned())),
        5 => give(Some(&ours), Some(urn(&ours, "t:other:Type"))),
        6 => give(Some(&ours), Some(urn(&other_stack, schema.token))),
        7 => give(Some(&other_stack), Some(urn(&ours, schema.token))),
        8 => give(None, Some(urn(&ours, schema.token))),
        // The same stack in another region: where the name is not a region's own, the tag says so.
        _ => {
            is_abroad = true;
            let mut tags = give(Some(&ours), Some(urn(&ours, schema.token)));
            tags.insert(tags::REGION, ABROAD);
            tags
        }
    };
    (tags, is_abroad)
}

/// Properties that change in place.
fn changeable(schema: &Schema) -> Vec<&'static str> {
    let properties = schema.properties.iter();
    properties
        .filter(|property| {
            !property.replaces && !property.write_only && property.unset != Unset::Required
        })
        .map(|property| property.name)
        .collect()
}

fn refers(object: &Observed, to: &Observed) -> bool {
    object.id != to.id
        && object
            .inputs
            .values()
            .any(|value| value.as_str() == Some(&to.id))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
