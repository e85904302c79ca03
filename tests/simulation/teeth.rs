//! A simulation that finds nothing proves nothing: mistakes that a program like ours could make, each of which the stories
//! must catch.

use std::collections::BTreeSet;

use async_trait::async_trait;

use fde_infra::resource::provider::{Creation, Deletion, Indexed, Progress, Query, Update};
use fde_infra::resource::{
    Catalog, CreateClass, Diff, ErrorKind, Observed, Properties, Provider, ProviderError, StackId,
    Tags, Urn,
};

use crate::story::Story;

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
    /// Of two objects of one resource, only the first is seen.
    TwinNotSeen,
    /// An error is reported as a success.
    SwallowedError,
}

const ALL: &[Flaw] = &[
    Flaw::TagsAfterwards,
    Flaw::BlindRetry,
    Flaw::SwallowedReadError,
    Flaw::ForgottenDeletion,
    Flaw::TwinNotSeen,
    Flaw::SwallowedError,
];

/// A provider with a mistake, or without.
pub struct Flawed<'a> {
    inner: &'a dyn Provider,
    flaw: Option<Flaw>,
}

impl<'a> Flawed<'a> {
    pub fn new(inner: &'a dyn Provider, flaw: Option<Flaw>) -> Self {
        Self { inner, flaw }
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }
}

#[async_trait]
impl Provider for Flawed<'_> {
    fn catalog(&self) -> &Catalog {
        self.inner.catalog()
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
        // A program without a look for twins never sees them in its parents' children either.
        if self.has(Flaw::TwinNotSeen) || self.has(Flaw::BlindRetry) {
            let mut seen = BTreeSet::new();
            objects.retain(|object| object.tags.owner().is_none_or(|urn| seen.insert(urn)));
        }
        Ok(objects)
    }

    async fn create(&self, request: Creation<'_>) -> Result<Observed, ProviderError> {
        if self.has(Flaw::TagsAfterwards) {
            let made = self
                .inner
                .create(Creation {
                    tags: &Tags::default(),
                    ..request
                })
                .await?;
            let update = Update {
                urn: request.urn,
                inputs: request.inputs,
                tags: request.tags,
                observed: &made,
                diff: &Diff::default(),
                progress: request.progress,
            };
            return self.inner.update(update).await;
        }
        let made = self.inner.create(request).await;
        let schema = self.catalog().get(request.urn.token());
        let is_blind = schema.is_some_and(|schema| schema.create_class == CreateClass::TagsOnly);
        match made {
            Err(error)
                if self.has(Flaw::BlindRetry) && is_blind && error.is(ErrorKind::Unclear) =>
            {
                self.inner.create(request).await
            }
            made => made,
        }
    }

    async fn update(&self, request: Update<'_>) -> Result<Observed, ProviderError> {
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

#[tokio::test(start_paused = true)]
async fn the_stories_catch_every_mistake() {
    for flaw in ALL {
        let mut caught = None;
        for seed in 0..500 {
            if let Err(told) = Story::new(seed, Some(*flaw)).tell().await {
                caught = Some((seed, told));
                break;
            }
        }
        let (seed, told) = caught.unwrap_or_else(|| panic!("{flaw:?} was not caught"));
        let what = told.lines().next().unwrap_or_default();
        println!("{flaw:?}: caught by seed {seed}: {what}");
    }
}
