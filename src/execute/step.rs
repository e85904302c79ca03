//! Running one step.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::cancel::Cancel;
use crate::plan::{Action, Step};
use crate::resource::desired::{Comparison, deviation};
use crate::resource::proof::RunMark;
use crate::resource::provider::{Creation, Deletion, Progress, Update};
use crate::resource::tags::RUN;
use crate::resource::{
    Condition, CreateClass, Desired, ErrorKind, Observed, OutputReference, Properties, Provider,
    ProviderError, Schema, Urn, Value,
};

/// The ending of a step that did not fail.
pub(super) enum Ended {
    /// Done, with this object id.
    Done(String),
    /// Its waiting was cut short by a cancellation.
    Interrupted,
}

/// The known live objects while a plan runs: the source of every reference.
pub(super) struct Known<'a> {
    /// The run, whose mark goes on the objects that it makes.
    pub run: Option<&'a RunMark>,
    pub facts: &'a Properties,
    pub objects: Mutex<BTreeMap<Urn, Observed>>,
    /// The ids of objects that are to be replaced by others.
    pub leaving: BTreeMap<&'a Urn, Vec<String>>,
    /// Objects that stay after all: see [`Runner::create`].
    pub staying: Mutex<BTreeSet<(Urn, String)>>,
}

impl Known<'_> {
    fn leaving(&self, urn: &Urn) -> &[String] {
        self.leaving.get(urn).map_or(&[], Vec::as_slice)
    }

    /// Ids of objects that a create call for this resource must not return. AWS remembers a client token for longer than the
    /// file refers to the object that it created by the same name.
    fn not_meant(&self, urn: &Urn, schema: &Schema) -> Vec<String> {
        let mut ids = self.leaving(urn).to_vec();
        if schema.create_class == CreateClass::Token {
            let objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
            let others = objects.iter().filter(|(other, _)| *other != urn);
            let others = others.filter(|(other, _)| other.token() == urn.token());
            ids.extend(others.map(|(_, observed)| observed.id.clone()));
        }
        ids
    }

    fn staying(&self) -> MutexGuard<'_, BTreeSet<(Urn, String)>> {
        self.staying.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn lookup(&self, reference: &OutputReference) -> Option<Value> {
        let objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        lookup(self.facts, &objects, reference)
    }

    fn keep(&self, urn: &Urn, observed: Observed) {
        let mut objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        objects.insert(urn.clone(), observed);
    }
}

/// The value that a reference leads to, if it is known.
pub(super) fn lookup(
    facts: &Properties,
    objects: &BTreeMap<Urn, Observed>,
    reference: &OutputReference,
) -> Option<Value> {
    reference.resolve(facts, |urn, output| objects.get(urn)?.output(output))
}

pub(super) async fn run(
    provider: &dyn Provider,
    step: &Step,
    known: &Known<'_>,
    cancel: &Cancel,
    progress: &dyn Progress,
) -> Result<Ended, ProviderError> {
    let runner = Runner {
        provider,
        urn: &step.urn,
        known,
        cancel,
        progress,
    };
    match &step.action {
        Action::Create {
            desired,
            comparison,
        } => runner.create(desired, &comparison.inputs, None).await,
        Action::CreateReplacement {
            desired,
            replaced,
            comparison,
            ..
        } => {
            let planned = &comparison.inputs;
            runner.create(desired, planned, Some(replaced)).await
        }
        Action::Update {
            desired,
            observed,
            comparison,
        } => {
            let planned = &comparison.inputs;
            runner.update(desired, planned, observed).await
        }
        Action::Delete { observed, data } | Action::DeleteReplaced { observed, data } => {
            let object = (step.urn.clone(), observed.id.clone());
            if known.staying().contains(&object) {
                return Ok(Ended::Done(object.1));
            }
            provider
                .delete(Deletion {
                    urn: &step.urn,
                    observed,
                    data: *data,
                    progress,
                })
                .await?;
            Ok(Ended::Done(observed.id.clone()))
        }
    }
}

struct Runner<'a> {
    provider: &'a dyn Provider,
    urn: &'a Urn,
    known: &'a Known<'a>,
    cancel: &'a Cancel,
    progress: &'a dyn Progress,
}

impl Runner<'_> {
    async fn create(
        &self,
        desired: &Desired,
        planned: &Properties,
        replaced: Option<&Observed>,
    ) -> Result<Ended, ProviderError> {
        let schema = self.schema()?;
        let comparison = desired.as_planned(schema, planned, &|r| self.known.lookup(r), replaced);
        self.check_known(&comparison.inputs)?;
        self.check_planned(planned, &comparison.inputs)?;
        let kept = replaced.map(|_| &comparison.inputs);
        let run = self
            .known
            .run
            .map(|run| (run, self.known.leaving(self.urn)));
        let tags = desired.tags_at_creation(schema, &comparison.tags, kept, run);
        let observed = self
            .provider
            .create(Creation {
                urn: self.urn,
                inputs: &comparison.inputs,
                tags: &tags,
                instead_of: &self.known.not_meant(self.urn, schema),
                progress: self.progress,
            })
            .await?;
        // The value that it refers to is known only now, and may be unchanged: a parent that was gone is created again under
        // its old name, and the child still has the place that its successor would take. Then the child stays if it can be
        // updated to what is wanted. If not, the step fails before the old object is deleted, and the next run deletes it
        // first.
        if self.known.leaving(self.urn).contains(&observed.id) {
            let object = (self.urn.clone(), observed.id.clone());
            self.known.staying().insert(object);
        }
        // From here on the object exists and can be found by its tags, whatever happens to us.
        let Some(observed) = self.ready(observed).await? else {
            return Ok(Ended::Interrupted);
        };
        let sent = comparison.inputs.clone();
        let comparison = desired.after_create(schema, comparison, &observed);
        // Known since the object was created: the values that AWS has filled in.
        let mut planned = planned.clone();
        for (name, value) in &comparison.inputs {
            if sent.get(name) != Some(value) {
                planned.insert(name.clone(), value.clone());
            }
        }
        let (set, remove) = observed.tags.changes_to(&comparison.tags);
        let tagged = schema.taggable && !(set.is_empty() && remove.is_empty());
        if !tagged && comparison.diff.is_empty() {
            return Ok(self.done(observed));
        }
        self.bring_up_to_date(schema, &planned, comparison, observed)
            .await
    }

    async fn update(
        &self,
        desired: &Desired,
        planned: &Properties,
        observed: &Observed,
    ) -> Result<Ended, ProviderError> {
        let schema = self.schema()?;
        let lookup = |reference: &OutputReference| self.known.lookup(reference);
        let mut comparison = desired.as_planned(schema, planned, &lookup, Some(observed));
        self.check_known(&comparison.inputs)?;
        // An object that another party made, or that had another name in the file, is ours from this run on.
        if let Some(run) = self.known.run
            && schema.taggable
            && observed.tags.owner().as_ref() != Some(self.urn)
            && comparison.tags.owner().is_some()
        {
            let mark = run.on(schema.create_class, self.urn, &observed.id, &[]);
            comparison.tags.insert(RUN, mark);
        }
        self.bring_up_to_date(schema, planned, comparison, observed.clone())
            .await
    }

    /// Updates whatever differs, and waits until the object is ready.
    async fn bring_up_to_date(
        &self,
        schema: &Schema,
        planned: &Properties,
        comparison: Comparison,
        observed: Observed,
    ) -> Result<Ended, ProviderError> {
        if comparison.diff.replaces() {
            return Err(ProviderError::new(
                ErrorKind::Conflict,
                self.urn.token(),
                format!(
                    "{} has to be replaced, as became known during the run; the next run replaces it",
                    comparison.diff.properties().join(", ")
                ),
            ));
        }
        // An update sends only the difference.
        let sent = |inputs: &Properties| -> Properties {
            let changed = inputs
                .iter()
                .filter(|(name, _)| comparison.diff.touches(name));
            changed
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect()
        };
        self.check_planned(&sent(planned), &sent(&comparison.inputs))?;
        let (set, remove) = observed.tags.changes_to(&comparison.tags);
        let tagged = schema.taggable && !(set.is_empty() && remove.is_empty());
        let observed = if tagged || !comparison.diff.is_empty() {
            self.provider
                .update(Update {
                    urn: self.urn,
                    inputs: &comparison.inputs,
                    tags: &comparison.tags,
                    observed: &observed,
                    diff: &comparison.diff,
                    progress: self.progress,
                })
                .await?
        } else {
            observed
        };
        match self.ready(observed).await? {
            Some(observed) => Ok(self.done(observed)),
            None => Ok(Ended::Interrupted),
        }
    }

    /// Waits for a settling object. `None` if a cancellation cut the waiting short: the object is there, and the next
    /// run goes on waiting.
    async fn ready(&self, observed: Observed) -> Result<Option<Observed>, ProviderError> {
        match &observed.condition {
            Condition::Ready | Condition::Busy(_) => Ok(Some(observed)),
            Condition::Broken(reason) => Err(ProviderError::new(
                ErrorKind::Failed,
                self.urn.token(),
                reason.clone(),
            )),
            Condition::Settling(status) => {
                self.progress.status(status);
                let id = observed.id.clone();
                self.known.keep(self.urn, observed.clone());
                tokio::select! {
                    biased;
                    ready = self.provider.wait(self.urn, observed, self.progress) => ready.map(Some),
                    () = self.cancel.requested() => {
                        self.progress.status(&format!("{id} is in progress"));
                        Ok(None)
                    }
                }
            }
        }
    }

    fn done(&self, observed: Observed) -> Ended {
        let id = observed.id.clone();
        self.known.keep(self.urn, observed);
        Ended::Done(id)
    }

    fn schema(&self) -> Result<&Schema, ProviderError> {
        self.provider
            .catalog()
            .get(self.urn.token())
            .ok_or_else(|| {
                ProviderError::new(
                    ErrorKind::Bug,
                    self.urn.token(),
                    "the plan has a type that the catalog does not have",
                )
            })
    }

    /// Checks that the inputs that were shown are the inputs that are sent.
    fn check_planned(&self, planned: &Properties, sent: &Properties) -> Result<(), ProviderError> {
        match deviation(planned, sent) {
            None => Ok(()),
            Some(property) => Err(ProviderError::new(
                ErrorKind::Bug,
                self.urn.token(),
                format!("`{property}` is not what the plan has, and was not sent"),
            )),
        }
    }

    fn check_known(&self, inputs: &Properties) -> Result<(), ProviderError> {
        let unknown = inputs
            .iter()
            .find_map(|(name, value)| Some((name, value.references().into_iter().next()?)));
        match unknown {
            None => Ok(()),
            Some((name, reference)) => Err(ProviderError::new(
                ErrorKind::Bug,
                self.urn.token(),
                format!("`{name}` needs ${{{reference}}}, which no finished step has returned"),
            )),
        }
    }
}
