//! Somebody else with access to the account, who knows nothing of us.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{FakeAccount, Random};
use crate::resource::schema::Unset;
use crate::resource::value::properties;
use crate::resource::{Condition, CreateClass, Observed, Properties, Provider, Schema, Tags};

/// What somebody else does to something of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
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
}

impl Deed {
    pub const ALL: &[Self] = &[
        Self::Deletes,
        Self::Edits,
        Self::Copies,
        Self::Strips,
        Self::Hangs,
    ];
}

/// The second actor, and what it has taken from us.
pub struct Somebody<'a> {
    account: &'a FakeAccount,
    random: Mutex<Random>,
    /// What was stripped, as it was before.
    stripped: Mutex<Vec<Observed>>,
    hung: Mutex<Vec<Observed>>,
}

impl<'a> Somebody<'a> {
    pub fn new(account: &'a FakeAccount, seed: u64) -> Self {
        Self {
            account,
            random: Mutex::new(Random::new(seed)),
            stripped: Mutex::default(),
            hung: Mutex::default(),
        }
    }

    /// Does it to something that chance chooses. Answers with what was done, if anything could be.
    pub fn does(&self, deed: Deed) -> Option<String> {
        let mut objects = self.account.objects();
        objects.retain(|object| object.tags.owner().is_some_and(|urn| is_ours(&urn)));
        let mut random = lock(&self.random);
        let target = match deed {
            Deed::Deletes => {
                let all = self.account.objects();
                objects.retain(|object| !all.iter().any(|other| refers(other, object)));
                let target = random.pick(&objects)?;
                self.account.remove(&target.id);
                target
            }
            Deed::Edits => {
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
            Deed::Copies => {
                objects.retain(|object| self.can_be_twice(object));
                let target = random.pick(&objects)?;
                let mut copy = target.clone();
                // A copy of something that is on its way comes up at once.
                copy.condition = Condition::Ready;
                copy.id = format!("{}-copy{}", target.id, random.below(1000));
                copy.arn = copy.arn.map(|arn| arn.replace(&target.id, &copy.id));
                self.account.insert(copy);
                target
            }
            Deed::Strips => {
                let target = random.pick(&objects)?;
                self.account
                    .edit(&target.id, |object| object.tags = Tags::default());
                lock(&self.stripped).push(target.clone());
                target
            }
            Deed::Hangs => {
                objects.retain(|object| object.token == GROUP);
                let target = random.pick(&objects)?;
                let number = lock(&self.hung).len() as u32;
                let part = part_of(target, number);
                self.account.insert(part.clone());
                lock(&self.hung).push(part);
                target
            }
        };
        Some(format!("somebody {deed:?} {}", target.id))
    }

    /// What was hung on something that is still there.
    pub fn hung(&self) -> Vec<Observed> {
        let mut hung = lock(&self.hung).clone();
        let objects = self.account.objects();
        hung.retain(|part| objects.iter().any(|object| refers(part, object)));
        hung
    }

    /// What was stripped and is still there, as it was before.
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

    fn can_be_twice(&self, object: &Observed) -> bool {
        self.schema(object).is_some_and(|schema| {
            matches!(
                schema.create_class,
                CreateClass::TagsOnly | CreateClass::Token
            ) && schema.place_of(&object.inputs).is_none()
        })
    }
}

const GROUP: &str = "t:net:Group";

/// A rule at a port that no stack of ours wants.
fn part_of(group: &Observed, number: u32) -> Observed {
    Observed {
        token: "t:net:Rule".to_owned(),
        id: format!("rule-theirs-{number}"),
        arn: None,
        inputs: properties([
            ("group", group.id.as_str().into()),
            ("port", (60_000 + number).into()),
        ]),
        outputs: Properties::new(),
        tags: Tags::default(),
        condition: Condition::Ready,
    }
}

fn is_ours(urn: &crate::resource::Urn) -> bool {
    *urn.stack() == super::generate::stack()
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
