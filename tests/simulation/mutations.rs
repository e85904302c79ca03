//! A simulation that finds nothing proves nothing: mistakes that a program like ours could make, each of which the stories
//! must catch.

use std::collections::BTreeSet;
use std::sync::{LazyLock, Mutex, PoisonError};

use async_trait::async_trait;

use fde_infra::resource::provider::{
    Creation, DataPolicy, Deletion, Indexed, Progress, Query, Update,
};
use fde_infra::resource::tags::mark_of_part;
use fde_infra::resource::{
    Catalog, Condition, CreateClass, Diff, ErrorKind, LiveSnapshot, Observed, Properties, Provider,
    ProviderError, ReadSession, StackId, Tags, Urn, Value, tags,
};
use fde_infra::testing::FakeAccount;
use fde_infra::testing::faults::FaultyAccount;
use fde_infra::testing::generate::known;

use crate::beside::{MADE_ANEW, NOT_REFUSED};
use crate::oracle::TOUCHED;
use crate::provider::Patient;
use crate::seeds::alone;
use crate::story::{Scenario, tell};
use crate::wanted::AS_WANTED;

/// A mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Tags come in a second call.
    TagsAfterwards,
    /// A create call without token or key is repeated when its answer is lost, and the first object is forgotten.
    BlindRetry,
    /// A read that fails is taken for "there is none".
    SwallowedReadError,
    /// A deletion is reported, and does not happen.
    ForgottenDeletion,
    /// Only the first of two objects of one resource is seen.
    TwinNotSeen,
    /// An error is reported as a success.
    SwallowedError,
    /// An object that was just made and does not show yet is taken for gone, and made again.
    FalseGone,
    /// An object that bears the wanted name is taken for ours.
    ForeignAdopted,
    /// An object that must not be deleted without consent is deleted.
    ConsentIgnored,
    /// Ctrl-C is not heard.
    CancelIgnored,
    /// A call without an answer is given up at once.
    NoPatience,
    /// The predecessor is taken for what an unclear call has made.
    PredecessorTaken,
    /// An update leaves one property out, and says that it was applied.
    HalfUpdated,
    /// A property is not compared: no plan shows that it differs, and no further run finds anything left to do.
    NotCompared,
    /// A secret does not arrive. No read answers with it, so that no plan can show it.
    SecretLost,
    /// An object that is on its way is taken for ready.
    NotWaited,
    /// Something else is sent than the plan has.
    PlanForgotten,
    /// All parts on an object of ours are taken for leftovers of ours.
    PartsTaken,
    /// Tags that are not the file's go with an update.
    TagsReplaced,
    /// Tags that another party has rewritten are taken for right.
    TagsNotCompared,
    /// Environments are not told apart.
    EnvironmentForgotten,
    /// An object under a new logical name is deleted and made again.
    RenamedAnew,
    /// The owner of the object that a part is put on is not asked for.
    ParentNotAsked,
    /// Regions are not told apart.
    RegionForgotten,
    /// An object with the wanted place on an object of ours is taken over.
    PlaceTakenOver,
    /// An object that bears our tags is taken for ours, whatever has made it.
    ProofForgotten,
}

impl Flaw {
    /// Returns whether tags are misread. What they say is a claim, and the record keeps it from doing harm: to see the
    /// mistake, there is no record, as after a run of an earlier version, and nothing bears tags that are copied.
    pub fn misreads_tags(self) -> bool {
        matches!(
            self,
            Self::PartsTaken | Self::EnvironmentForgotten | Self::PlaceTakenOver
        )
    }

    /// Returns whether a plan does not see what is wrong, so that the plan of a further run proves nothing.
    pub fn blinds(self) -> bool {
        self == Self::NotCompared
    }
}

/// The types as the planner knows them.
pub fn catalog_with(flaw: Option<Flaw>) -> &'static Catalog {
    static BLIND: LazyLock<Catalog> = LazyLock::new(|| {
        let schemas = known().iter().cloned();
        Catalog::new(schemas.map(|mut schema| {
            for property in &mut schema.properties {
                property.write_only |= property.name == "note";
            }
            schema
        }))
    });
    static PARENTLESS: LazyLock<Catalog> = LazyLock::new(|| {
        let schemas = known().iter().cloned();
        Catalog::new(schemas.map(|mut schema| {
            schema.parents.clear();
            schema
        }))
    });
    static REGIONLESS: LazyLock<Catalog> = LazyLock::new(|| {
        let schemas = known().iter().cloned();
        Catalog::new(schemas.map(|mut schema| {
            schema.global = false;
            schema
        }))
    });
    match flaw {
        Some(Flaw::ParentNotAsked) => &PARENTLESS,
        Some(Flaw::RegionForgotten) => &REGIONLESS,
        Some(Flaw::NotCompared) => &BLIND,
        _ => known(),
    }
}

/// Each mistake, and a scenario that must bring it to light.
const ALL: &[(Flaw, Scenario)] = &[
    (Flaw::TagsAfterwards, Scenario::Faults),
    (Flaw::BlindRetry, Scenario::Faults),
    (Flaw::SwallowedReadError, Scenario::Faults),
    (Flaw::ForgottenDeletion, Scenario::Faults),
    (Flaw::TwinNotSeen, Scenario::Crowd(2)),
    (Flaw::SwallowedError, Scenario::Faults),
    (Flaw::FalseGone, Scenario::Stale),
    (Flaw::ForeignAdopted, Scenario::ForeignActor),
    (Flaw::ConsentIgnored, Scenario::Data),
    (Flaw::CancelIgnored, Scenario::Faults),
    (Flaw::NoPatience, Scenario::Faults),
    (Flaw::PredecessorTaken, Scenario::Faults),
    (Flaw::HalfUpdated, Scenario::Faults),
    (Flaw::NotCompared, Scenario::Faults),
    (Flaw::SecretLost, Scenario::Faults),
    (Flaw::NotWaited, Scenario::Faults),
    (Flaw::PlanForgotten, Scenario::Faults),
    (Flaw::PartsTaken, Scenario::Beside),
    (Flaw::TagsReplaced, Scenario::Beside),
    (Flaw::TagsNotCompared, Scenario::Beside),
    (Flaw::EnvironmentForgotten, Scenario::Beside),
    (Flaw::RenamedAnew, Scenario::Beside),
    (Flaw::ParentNotAsked, Scenario::Beside),
    (Flaw::RegionForgotten, Scenario::Beside),
    (Flaw::PlaceTakenOver, Scenario::Beside),
    (Flaw::ProofForgotten, Scenario::Beside),
];

/// The mistakes that show in what others have, or in what is new although it need not be.
const SHOW_IN_WHAT_OTHERS_HAVE: &[(Flaw, &str)] = &[
    (Flaw::PartsTaken, TOUCHED),
    (Flaw::TagsReplaced, TOUCHED),
    (Flaw::TagsNotCompared, AS_WANTED),
    (Flaw::EnvironmentForgotten, TOUCHED),
    (Flaw::RenamedAnew, MADE_ANEW),
    (Flaw::ParentNotAsked, NOT_REFUSED),
    (Flaw::RegionForgotten, NOT_REFUSED),
    (Flaw::PlaceTakenOver, TOUCHED),
    (Flaw::ProofForgotten, TOUCHED),
];

/// The mistakes that show in nothing but the state of the account.
const SHOW_IN_THE_ACCOUNT: &[Flaw] = &[
    Flaw::HalfUpdated,
    Flaw::NotCompared,
    Flaw::SecretLost,
    Flaw::NotWaited,
];

/// The inputs that the engine asked to be sent for one resource.
pub struct Sent {
    pub urn: Urn,
    pub inputs: Properties,
    /// Of an update, the inputs that differ from the live ones.
    pub changed: Option<Vec<String>>,
}

/// A provider with a mistake, or without.
pub struct Flawed<'a> {
    inner: &'a Patient<'a>,
    /// Single calls, for mistakes that are made close to them.
    account: &'a FaultyAccount<'a>,
    /// All that is there, for mistakes about whose it is.
    whole: &'a FakeAccount,
    flaw: Option<Flaw>,
    sent: Mutex<Vec<Sent>>,
}

impl<'a> Flawed<'a> {
    pub fn new(
        inner: &'a Patient<'a>,
        account: &'a FaultyAccount<'a>,
        whole: &'a FakeAccount,
        flaw: Option<Flaw>,
    ) -> Self {
        Self {
            inner,
            account,
            whole,
            flaw,
            sent: Mutex::default(),
        }
    }

    /// The requests of the engine so far, in order.
    pub fn sent(&self) -> Vec<Sent> {
        std::mem::take(&mut *self.sent.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn record(&self, urn: &Urn, inputs: &Properties, changed: Option<&Diff>) {
        let changed = changed.map(|diff| {
            let names = diff.properties();
            names.into_iter().map(str::to_owned).collect()
        });
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.push(Sent {
            urn: urn.clone(),
            inputs: inputs.clone(),
            changed,
        });
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    async fn tagged_afterwards(&self, request: Creation<'_>) -> Result<Observed, ProviderError> {
        let untagged = Creation {
            tags: &Tags::default(),
            ..request
        };
        let made = self.inner.create(untagged).await?;
        let update = Update {
            urn: request.urn,
            inputs: request.inputs,
            tags: request.tags,
            observed: &made,
            diff: &Diff::default(),
            progress: request.progress,
        };
        self.inner.update(update).await
    }

    async fn made_anew(&self, request: Update<'_>) -> Result<Observed, ProviderError> {
        let deletion = Deletion {
            urn: request.urn,
            observed: request.observed,
            data: DataPolicy::Discard,
            progress: request.progress,
        };
        self.inner.delete(deletion).await?;
        let creation = Creation {
            urn: request.urn,
            inputs: request.inputs,
            tags: request.tags,
            instead_of: &[],
            progress: request.progress,
        };
        self.inner.create(creation).await
    }

    /// The first property that is to change stays as it is.
    async fn half_updated(&self, request: Update<'_>) -> Result<Observed, ProviderError> {
        let mut inputs = request.inputs.clone();
        if let Some(left_out) = request.diff.properties().first() {
            match request.observed.inputs.get(*left_out) {
                Some(before) => inputs.insert((*left_out).to_owned(), before.clone()),
                None => inputs.remove(*left_out),
            };
        }
        let half = Update {
            inputs: &inputs,
            ..request
        };
        self.inner.update(half).await
    }

    /// Takes for ours what others have.
    fn mistake(&self, query: Query<'_>, objects: &mut Vec<Observed>) {
        let claim = |object: &mut Observed, urn: String| {
            object.tags.insert("fde:stack", query.stack.to_string());
            object.tags.insert("fde:urn", urn);
        };
        let all = || self.whole.objects().into_iter();
        match self.flaw {
            Some(Flaw::PartsTaken) => {
                for object in objects {
                    let mut marks = object.tags.parts().unwrap_or_default();
                    for part in all().filter(|part| {
                        let mut values = part.inputs.values();
                        values.any(|value| value.as_str() == Some(&object.id))
                    }) {
                        let schema = known().get(&part.token).filter(|schema| !schema.taggable);
                        let mark = schema.and_then(|schema| mark_of_part(schema, &part.inputs));
                        marks.extend(mark);
                    }
                    object.tags.set_parts(&marks);
                }
            }
            Some(Flaw::TagsNotCompared) => {
                for object in objects {
                    let owner = object.tags.owner();
                    let mut wanted = query.wanted.iter();
                    let wanted = wanted.find(|wanted| Some(&wanted.urn) == owner.as_ref());
                    for (key, value) in wanted.iter().flat_map(|it| it.tags.visible()) {
                        object.tags.insert(key, value);
                    }
                }
            }
            Some(Flaw::EnvironmentForgotten) => {
                let prefix = format!("{}/", query.stack.name);
                for mut object in all().filter(|object| object.token == query.token) {
                    let stack = object.tags.get("fde:stack").unwrap_or_default().to_owned();
                    if stack.starts_with(&prefix) && stack != query.stack.to_string() {
                        let urn = object.tags.get("fde:urn").unwrap_or_default();
                        let urn = urn.replace(&stack, &query.stack.to_string());
                        claim(&mut object, urn);
                        objects.push(object);
                    }
                }
            }
            Some(Flaw::PlaceTakenOver) => {
                let schema = known().get(query.token);
                let place = |inputs| schema.and_then(|schema| schema.place_of(inputs));
                for object in objects {
                    let wanted = query.wanted.iter().find(|wanted| {
                        let place = place(&wanted.inputs);
                        place.is_some() && place == self::place_of(&object.token, &object.inputs)
                    });
                    if let Some(wanted) = wanted.filter(|_| schema.is_some_and(|it| it.taggable)) {
                        claim(object, wanted.urn.to_string());
                    }
                }
            }
            _ => {}
        }
    }

    /// Takes any object with the name for the thing.
    async fn whatever_is_there(
        &self,
        request: Creation<'_>,
        error: ProviderError,
    ) -> Result<Observed, ProviderError> {
        let query = Query {
            token: request.urn.token(),
            stack: request.urn.stack(),
            wanted: &[fde_infra::resource::provider::Wanted {
                urn: request.urn.clone(),
                inputs: request.inputs.clone(),
                tags: request.tags.clone(),
                is_imported: false,
            }],
            indexed: &[],
            live: &LiveSnapshot::default(),
            session: &ReadSession::default(),
        };
        let schema = self.catalog().get(request.urn.token());
        let place = |inputs: &Properties| schema.and_then(|schema| schema.place_of(inputs));
        let wanted = place(request.inputs);
        let found = self.inner.read(query).await?.into_iter();
        let mut found = found.filter(|found| place(&found.inputs) == wanted);
        found.next().ok_or(error)
    }
}

#[async_trait]
impl Provider for Flawed<'_> {
    fn catalog(&self) -> &Catalog {
        catalog_with(self.flaw)
    }

    async fn facts(&self) -> Result<Properties, ProviderError> {
        self.inner.facts().await
    }

    async fn index(&self, stack: &StackId) -> Result<Vec<Indexed>, ProviderError> {
        self.inner.index(stack).await
    }

    async fn read(&self, query: Query<'_>) -> Result<Vec<Observed>, ProviderError> {
        let answer = self.inner.read(query).await;
        if self.has(Flaw::SwallowedReadError) {
            return Ok(answer.unwrap_or_default());
        }
        let mut objects = answer?;
        if self.has(Flaw::ForeignAdopted) {
            objects.retain(|object| object.tags.belongs_to(query.stack) || object.tags.is_empty());
            for object in objects.iter_mut().filter(|object| object.tags.is_empty()) {
                let named = query.wanted.iter().find(|wanted| {
                    wanted.urn.token() == object.token
                        && wanted.inputs.contains_key("name")
                        && wanted.inputs.get("name") == object.inputs.get("name")
                });
                if let Some(wanted) = named {
                    object.tags.insert("fde:stack", query.stack.to_string());
                    object.tags.insert("fde:urn", wanted.urn.to_string());
                }
            }
        }
        self.mistake(query, &mut objects);
        // A program without a look for twins never sees them in its parents' children either.
        if self.has(Flaw::TwinNotSeen) || self.has(Flaw::BlindRetry) {
            let mut seen = BTreeSet::new();
            objects.retain(|object| object.tags.owner().is_none_or(|urn| seen.insert(urn)));
        }
        Ok(objects)
    }

    async fn create(&self, request: Creation<'_>) -> Result<Observed, ProviderError> {
        let mut inputs = request.inputs.clone();
        if self.has(Flaw::PlanForgotten) {
            inputs.pop_last();
        }
        let inputs = &inputs;
        let request = Creation { inputs, ..request };
        self.record(request.urn, request.inputs, None);
        let schema = self.catalog().get(request.urn.token());
        let is_blind = schema.is_some_and(|schema| schema.create_class == CreateClass::TagsOnly);
        match self.flaw {
            Some(Flaw::TagsAfterwards) => self.tagged_afterwards(request).await,
            Some(Flaw::BlindRetry) if is_blind => match self.account.create(request).await {
                Err(error) if error.is(ErrorKind::Indeterminate) => {
                    self.inner.create(request).await
                }
                made => made,
            },
            Some(Flaw::PredecessorTaken) => {
                // The mark of the run alone would tell them apart, too.
                let tags = request.tags.iter().filter(|(key, _)| *key != tags::RUN);
                let tags = tags.map(|(key, value)| (key.to_owned(), value.to_owned()));
                let request = Creation {
                    instead_of: &[],
                    tags: &tags.collect(),
                    ..request
                };
                self.inner.create(request).await
            }
            Some(Flaw::ForeignAdopted) => match self.inner.create(request).await {
                Err(error) if error.is(ErrorKind::NotOurs) => {
                    self.whatever_is_there(request, error).await
                }
                made => made,
            },
            Some(Flaw::SecretLost) => {
                let mut open = request.inputs.clone();
                open.retain(|name, _| {
                    let property = schema.and_then(|schema| schema.property(name));
                    property.is_none_or(|property| !property.write_only)
                });
                let inputs = &open;
                self.inner.create(Creation { inputs, ..request }).await
            }
            Some(Flaw::NoPatience) => self.account.create(request).await,
            _ => self.inner.create(request).await,
        }
    }

    async fn update(&self, request: Update<'_>) -> Result<Observed, ProviderError> {
        self.record(request.urn, request.inputs, Some(request.diff));
        let owner = request.observed.tags.owner();
        if self.has(Flaw::RenamedAnew) && owner.is_some_and(|owner| owner != *request.urn) {
            return self.made_anew(request).await;
        }
        if self.has(Flaw::TagsReplaced) {
            let updated = self.inner.update(request).await?;
            let tags = request.tags.clone();
            self.whole.edit(&updated.id, |object| object.tags = tags);
            return Ok(updated);
        }
        if self.has(Flaw::HalfUpdated) {
            return self.half_updated(request).await;
        }
        let observed = request.observed.clone();
        match self.inner.update(request).await {
            Err(_) if self.has(Flaw::SwallowedError) => Ok(observed),
            updated => updated,
        }
    }

    async fn wait(
        &self,
        urn: &Urn,
        observed: Observed,
        progress: &dyn Progress,
    ) -> Result<Observed, ProviderError> {
        if self.has(Flaw::FalseGone) && self.account.look(&observed.id).await?.is_none() {
            let mut inputs = observed.inputs.clone();
            inputs.insert("size".to_owned(), 7.into());
            let again = Creation {
                urn,
                inputs: &inputs,
                tags: &observed.tags,
                instead_of: &[],
                progress,
            };
            let made = self.inner.create(again).await?;
            return Ok(Observed {
                condition: Condition::Ready,
                ..made
            });
        }
        if self.has(Flaw::NotWaited) {
            return Ok(Observed {
                condition: Condition::Ready,
                ..observed
            });
        }
        self.inner.wait(urn, observed, progress).await
    }

    async fn delete(&self, request: Deletion<'_>) -> Result<(), ProviderError> {
        if self.has(Flaw::ForgottenDeletion) {
            return Ok(());
        }
        match self.inner.delete(request).await {
            Err(_) if self.has(Flaw::SwallowedError) => Ok(()),
            deleted => deleted,
        }
    }
}

fn place_of(token: &str, inputs: &Properties) -> Option<Vec<Value>> {
    known().get(token)?.place_of(inputs)
}

/// The first seed whose story the mistake spoils, and how that story ends.
fn caught(flaw: Flaw, scenario: Scenario) -> Option<(u64, String)> {
    (0..500).find_map(|seed| {
        let (_, ended) = alone(tell(seed, scenario, Some(flaw)));
        Some((seed, ended.err()?))
    })
}

#[test]
fn the_stories_catch_every_mistake() {
    for (flaw, scenario) in ALL {
        let (seed, told) =
            caught(*flaw, *scenario).unwrap_or_else(|| panic!("{flaw:?} was not caught"));
        let what = told.lines().next().unwrap_or_default();
        println!("{flaw:?}: caught by seed {seed} of {scenario:?}: {what}");
        assert!(
            !SHOW_IN_THE_ACCOUNT.contains(flaw) || what.contains(AS_WANTED),
            "{flaw:?}: caught by something else: {what}"
        );
        let mut words = SHOW_IN_WHAT_OTHERS_HAVE.iter();
        if let Some((_, words)) = words.find(|(other, _)| other == flaw) {
            assert!(
                what.contains(words),
                "{flaw:?}: caught by something else: {what}"
            );
        }
        // It is the mistake that was caught: without it the same story ends well.
        let (_, ended) = alone(tell(seed, *scenario, None));
        ended.unwrap_or_else(|told| panic!("{flaw:?}: seed {seed} fails without it: {told}"));
    }
}
