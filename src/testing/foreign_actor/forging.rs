//! Objects that only look like ours: tags that are copied or invented, on what others have made.

use super::{ForeignActor, Made, lock, refers};
use crate::resource::{Observed, Tags, Urn, tags};
use crate::testing::Random;
use crate::testing::fake::HOME;
use crate::testing::generate;

impl ForeignActor<'_> {
    /// Puts our tags on something that others have made, or has the tags of ours say of their parts that they are ours.
    pub(super) fn forge(&self, random: &mut Random, ours: &[Observed]) -> Option<String> {
        if random.once_in(3) {
            return self.claim_parts(random, ours);
        }
        let made = lock(&self.made);
        let own: Vec<Observed> = made
            .iter()
            .filter(|made| !made.is_in_the_way && made.forged.is_none())
            .map(|made| made.observed.clone())
            .filter(|own| self.schema(own).is_some_and(|schema| schema.taggable))
            .collect();
        drop(made);
        let own = random.pick(&own)?;
        let objects = self.account.objects();
        // The children of a deleted object are gone.
        let own = objects.iter().find(|object| object.id == own.id)?;
        let alike: Vec<&Observed> = ours.iter().filter(|it| it.token == own.token).collect();
        let tags = match random.pick(&alike) {
            Some(alike) if random.once_in(2) => alike.tags.clone(),
            _ => self.invented(random, own),
        };
        let before = own.tags.clone();
        self.account
            .edit(&own.id, |object| object.tags = tags.clone());
        let forged = Observed {
            tags,
            ..own.clone()
        };
        self.remember_forged(&forged, before);
        Some(format!("somebody Forges {} as {:?}", own.id, forged.tags))
    }

    /// The tags of something that the stack wants, wanted, or never heard of.
    fn invented(&self, random: &mut Random, own: &Observed) -> Tags {
        let stack = generate::stack();
        let sought = lock(&self.sought);
        let names: Vec<&Urn> = sought
            .iter()
            .map(|sought| &sought.urn)
            .filter(|urn| urn.token() == own.token)
            .collect();
        let urn = match random.pick(&names) {
            Some(urn) if !random.once_in(3) => (*urn).clone(),
            _ => Urn::new(&stack, &own.token, format!("forged{}", self.number())),
        };
        let pairs = [
            (tags::STACK, stack.to_string()),
            (tags::URN, urn.to_string()),
            (tags::APPLIED, tags::applied("0123456789ab", "01234567")),
            (tags::REGION, HOME.to_owned()),
            (tags::RUN, "0123456789ab".to_owned()),
        ];
        let pairs = pairs
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value));
        pairs.collect()
    }

    /// Adds to what the tags of ours say of parts: those that others have hung on it are ours, too.
    fn claim_parts(&self, random: &mut Random, ours: &[Observed]) -> Option<String> {
        let target = random.pick(ours)?;
        let mut marks = target.tags.parts()?;
        let count = marks.len();
        for made in lock(&self.made).iter() {
            let part = &made.observed;
            let schema = self.schema(part)?;
            if !schema.taggable && refers(part, target) {
                marks.extend(tags::mark_of_part(schema, &part.inputs));
            }
        }
        if marks.len() == count {
            return None;
        }
        self.account
            .edit(&target.id, |object| object.tags.set_parts(&marks));
        Some(format!("somebody Forges the parts of {}", target.id))
    }

    pub(super) fn remember_forged(&self, forged: &Observed, before: Tags) {
        let mut made = lock(&self.made);
        let made = made.iter_mut().find(|made| made.observed.id == forged.id);
        if let Some(made) = made {
            made.observed = forged.clone();
            made.forged = Some(before);
        }
    }

    /// The ids of objects that bear our tags and are not ours, and of those they were copied from: while neither is on
    /// record, nothing tells the one from the other.
    pub fn forged(&self) -> Vec<String> {
        let made = lock(&self.made);
        let forged = made.iter().filter(|made| made.forged.is_some());
        let forged: Vec<&Observed> = forged.map(|made| &made.observed).collect();
        let objects = self.account.objects();
        let copied = objects.iter().filter(|object| is_copied(object, &forged));
        let all = forged.iter().copied().chain(copied);
        all.map(|object| object.id.clone()).collect()
    }

    /// Returns whether an object of others bears the mark of the run that has made an object. Were that object deleted,
    /// nothing would tell the copy from it.
    pub(super) fn is_copied(&self, object: &Observed) -> bool {
        let made = lock(&self.made);
        let forged = made.iter().filter(|made| made.forged.is_some());
        is_copied(
            object,
            &forged.map(|made| &made.observed).collect::<Vec<_>>(),
        )
    }

    /// Takes our tags from what is not ours, and copies away: they hold on to what they were copied with.
    pub fn takes_back(&self) {
        let is_copy = |made: &Made| made.forged.as_ref().is_some_and(Tags::is_empty);
        let mut made = lock(&self.made);
        for copy in made.iter().filter(|made| is_copy(made)) {
            self.account.remove(&copy.observed.id);
        }
        made.retain(|made| !is_copy(made));
        for made in made.iter_mut() {
            if let Some(before) = made.forged.take() {
                self.account
                    .edit(&made.observed.id, |object| object.tags = before.clone());
                made.observed.tags = before;
            }
        }
    }
}

fn is_copied(object: &Observed, forged: &[&Observed]) -> bool {
    let mark = object.tags.get(tags::RUN);
    let mut forged = forged.iter();
    mark.is_some() && forged.any(|forged| forged.tags.get(tags::RUN) == mark)
}
