//! The provider of the simulation: calls to an account in memory, made with the patience of the real one.
//!
//! The code around a call is the product's own, not a model of it: retries (`aws::retry`), doubt after an unclear answer
//! (`aws::unclear`), patience with objects that are in use or not visible yet, and waiting (`aws::wait`).

use async_trait::async_trait;

use fde_infra::aws::lost_response;
use fde_infra::aws::rate::Pacer;
use fde_infra::aws::retry::{Repeat, repeated};
use fde_infra::aws::wait::{Poll, Wait, until_visible, while_in_use};
use fde_infra::resource::provider::{Creation, Deletion, Indexed, Progress, Query, Update, Wanted};
use fde_infra::resource::{
    Catalog, Condition, CreateClass, ErrorKind, LiveSnapshot, Observed, Properties, Provider,
    ProviderError, ReadSession, Schema, StackId, Urn,
};
use fde_infra::testing::faults::FaultyAccount;

type Answer<T> = Result<T, ProviderError>;

/// A provider that makes its calls as `src/aws` does.
pub struct Patient<'a> {
    account: &'a FaultyAccount<'a>,
    changes: Pacer,
    reads: Pacer,
}

impl<'a> Patient<'a> {
    pub fn new(account: &'a FaultyAccount<'a>, seed: u64) -> Self {
        Self {
            account,
            changes: Pacer::seeded(seed),
            reads: Pacer::seeded(seed ^ 1),
        }
    }

    fn schema(&self, token: &str) -> Answer<&Schema> {
        let schema = self.catalog().get(token);
        schema.ok_or_else(|| ProviderError::new(ErrorKind::Invalid, token, "no such type"))
    }

    async fn read_call<T, F: Future<Output = Answer<T>>>(
        &self,
        operation: &'static str,
        make: impl Fn() -> F,
    ) -> Answer<T> {
        repeated(&self.reads, operation, Repeat::Safe, make).await
    }

    /// Finds the object that an unclear create call may have made.
    async fn find(&self, request: Creation<'_>) -> Answer<Option<Observed>> {
        let wanted = [Wanted {
            urn: request.urn.clone(),
            inputs: request.inputs.clone(),
            tags: request.tags.clone(),
            is_imported: false,
        }];
        let query = Query {
            token: request.urn.token(),
            stack: request.urn.stack(),
            wanted: &wanted,
            indexed: &[],
            live: &LiveSnapshot::default(),
            session: &ReadSession::default(),
        };
        Ok(lost_response::made_by(request, self.read(query).await?))
    }
}

#[async_trait]
impl Provider for Patient<'_> {
    fn catalog(&self) -> &Catalog {
        self.account.catalog()
    }

    async fn facts(&self) -> Answer<Properties> {
        self.read_call("facts", || self.account.facts()).await
    }

    async fn index(&self, stack: &StackId) -> Answer<Vec<Indexed>> {
        self.read_call("index", || self.account.index(stack)).await
    }

    async fn read(&self, query: Query<'_>) -> Answer<Vec<Observed>> {
        let operation = self.schema(query.token)?.token;
        self.read_call(operation, || self.account.read(query)).await
    }

    async fn create(&self, request: Creation<'_>) -> Answer<Observed> {
        let schema = self.schema(request.urn.token())?;
        let repeat = match schema.create_class {
            CreateClass::TagsOnly => Repeat::Unsafe,
            _ => Repeat::Safe,
        };
        let call = || {
            let create = || self.account.create(request);
            repeated(&self.changes, schema.token, repeat, create)
        };
        let make = || until_visible(call);
        let look = || self.find(request);
        lost_response::create(schema.create_class, request.progress, make, look).await
    }

    async fn update(&self, request: Update<'_>) -> Answer<Observed> {
        let operation = self.schema(request.urn.token())?.token;
        until_visible(|| {
            let update = || self.account.update(request);
            repeated(&self.changes, operation, Repeat::Safe, update)
        })
        .await
    }

    async fn wait(
        &self,
        _urn: &Urn,
        observed: Observed,
        progress: &dyn Progress,
    ) -> Answer<Observed> {
        let look = || self.account.look(&observed.id);
        let now = Wait::long("look", 10, progress)
            .until(|| async {
                Ok(match self.read_call("look", look).await? {
                    // Made a moment ago, and not visible everywhere yet.
                    None => Poll::Pending("pending".to_owned()),
                    Some(now) => match now.condition.clone() {
                        Condition::Ready | Condition::Busy(_) => Poll::Ready(now),
                        Condition::Settling(status) => Poll::Pending(status),
                        Condition::Broken(reason) => {
                            return Err(ProviderError::new(ErrorKind::Failed, "look", reason));
                        }
                    },
                })
            })
            .await?;
        Ok(Observed {
            outputs: now.outputs,
            condition: Condition::Ready,
            ..observed
        })
    }

    async fn delete(&self, request: Deletion<'_>) -> Answer<()> {
        let operation = self.schema(&request.observed.token)?.token;
        while_in_use(
            std::time::Duration::from_secs(20 * 60),
            request.progress,
            || {
                let delete = || self.account.delete(request);
                repeated(&self.changes, operation, Repeat::Safe, delete)
            },
        )
        .await
    }
}
