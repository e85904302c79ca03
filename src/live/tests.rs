//! Requests that are made ahead of the reading.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::{Hints, read, read_with};
use crate::aws::registry::catalog;
use crate::component::stack_graph;
use crate::execute::{self, Cancel, Outcome};
use crate::graph::ResourceGraph;
use crate::plan::{self, Request};
use crate::resource::provider::{Creation, Deletion, Indexed, Progress, Query, Update};
use crate::resource::{
    Catalog, ErrorKind, LiveSnapshot, Observed, Properties, Provider, ProviderError, ReadSession,
    StackId, Urn,
};
use crate::stack;
use crate::testing::FakeAccount;

const BUCKET: &str = "aws:s3:Bucket";
const POLICY: &str = "aws:s3:BucketPolicy";

const FILE: &str = "\
name: shop
environment: dev
region: eu-south-2
resources:
  bucket: { type: aws:s3:Bucket, properties: { bucket: shop-reports } }
  policy: { type: aws:s3:BucketPolicy, properties: { bucket: '${bucket.id}', policy: '{}' } }
";

fn graph() -> ResourceGraph {
    let read = |_: &str| Ok(FILE.to_owned());
    let stack =
        stack::load("dev.yaml", &read, &[], &crate::component::SECTIONS).expect("a sound file");
    stack_graph(&stack, &catalog()).expect("a sound stack").0
}

/// An account whose index has a bucket, and whose policies take a call that can be seen and refused.
struct Watched {
    account: FakeAccount,
    index: Vec<Indexed>,
    /// The content of the index, as it was.
    known: Vec<Observed>,
    refusal: Option<ErrorKind>,
    log: Mutex<Vec<String>>,
}

impl Watched {
    /// Creates the account with the bucket and its policy.
    async fn of_file() -> Self {
        let account = FakeAccount::new(catalog());
        let graph = graph();
        let empty = read(&account, &graph).await.expect("reads");
        let plan = plan::build(&graph, &empty, &catalog(), &Request::default());
        let (events, _listener) = tokio::sync::mpsc::unbounded_channel();
        let outcome = execute::run(&plan, &account, 1, &Cancel::default(), &events).await;
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:#?}");
        Self {
            index: account.index(&graph.stack).await.expect("an index"),
            known: account.objects(),
            account,
            refusal: None,
            log: Mutex::default(),
        }
    }

    async fn read(&self) -> Result<LiveSnapshot, ProviderError> {
        read_with(self, &graph(), &Hints::default()).await
    }

    fn say(&self, line: String) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.push(line);
    }

    fn said(&self) -> Vec<String> {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.clone()
    }

    async fn ask_for_policies(&self, query: Query<'_>) -> Result<(), ProviderError> {
        for bucket in query.parents_of_parts(BUCKET, "bucket") {
            let asked = || async {
                self.say(format!("policy of {bucket}?"));
                tokio::task::yield_now().await;
                let refused = |kind| ProviderError::new(kind, "s3:GetBucketPolicy", "refused");
                self.refusal.map_or(Ok(()), |kind| Err(refused(kind)))
            };
            query.session.once(&bucket, asked).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Provider for Watched {
    fn catalog(&self) -> &Catalog {
        self.account.catalog()
    }

    async fn facts(&self) -> Result<Properties, ProviderError> {
        self.account.facts().await
    }

    async fn index(&self, _stack: &StackId) -> Result<Vec<Indexed>, ProviderError> {
        Ok(self.index.clone())
    }

    fn foreseen(&self, token: &str, entry: &Indexed) -> Option<Observed> {
        let arn = Some(entry.arn.as_str());
        let mut known = self.known.iter();
        let found = known.find(|known| known.token == token && known.arn.as_deref() == arn)?;
        Some(found.clone())
    }

    async fn ahead(&self, query: Query<'_>) {
        if query.token == POLICY {
            drop(self.ask_for_policies(query).await);
        }
    }

    async fn read(&self, query: Query<'_>) -> Result<Vec<Observed>, ProviderError> {
        match query.token {
            BUCKET => {
                self.say("buckets?".to_owned());
                tokio::task::yield_now().await;
                self.say("buckets!".to_owned());
            }
            POLICY => self.ask_for_policies(query).await?,
            _ => {}
        }
        self.account.read(query).await
    }

    async fn create(&self, request: Creation<'_>) -> Result<Observed, ProviderError> {
        self.account.create(request).await
    }

    async fn update(&self, request: Update<'_>) -> Result<Observed, ProviderError> {
        self.account.update(request).await
    }

    async fn wait(
        &self,
        urn: &Urn,
        observed: Observed,
        progress: &dyn Progress,
    ) -> Result<Observed, ProviderError> {
        self.account.wait(urn, observed, progress).await
    }

    async fn delete(&self, request: Deletion<'_>) -> Result<(), ProviderError> {
        self.account.delete(request).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_part_of_what_the_index_names_is_asked_for_once_and_beside_it() {
    let watched = Watched::of_file().await;
    let live = watched.read().await.expect("reads");
    assert_eq!(
        watched.said(),
        ["buckets?", "policy of shop-reports?", "buckets!"]
    );
    // The result is the same in the end.
    let plain = read(&watched.account, &graph()).await.expect("reads");
    assert_eq!(live, plain);
    assert_eq!(live.ours.len(), 2, "{live:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_part_of_what_the_index_does_not_name_is_asked_for_after_it() {
    let watched = Watched {
        index: Vec::new(),
        ..Watched::of_file().await
    };
    watched.read().await.expect("reads");
    assert_eq!(
        watched.said(),
        ["buckets?", "buckets!", "policy of shop-reports?"]
    );
}

/// AWS's index lists deleted objects for hours and longer: <https://github.com/aws/aws-sdk/issues/676>.
#[tokio::test(start_paused = true)]
async fn of_two_in_the_index_neither_is_asked_about_beforehand() {
    let mut watched = Watched::of_file().await;
    let mut gone = watched.index[0].clone();
    gone.arn.push_str("-before");
    let mut known = watched.known.clone();
    known.retain(|known| known.token == BUCKET);
    known[0].id.push_str("-before");
    known[0].arn = Some(gone.arn.clone());
    watched.index.push(gone);
    watched.known.append(&mut known);
    watched.read().await.expect("reads");
    assert_eq!(
        watched.said(),
        ["buckets?", "buckets!", "policy of shop-reports?"]
    );
}

/// Read as absent, it would be made a second time.
#[tokio::test(start_paused = true)]
async fn what_was_refused_beforehand_is_an_error_of_the_reading() {
    let watched = Watched {
        refusal: Some(ErrorKind::Denied),
        ..Watched::of_file().await
    };
    let error = watched.read().await.expect_err("it is refused");
    assert_eq!(error.kind, ErrorKind::Denied);
    assert_eq!(error.operation, "s3:GetBucketPolicy");
    assert_eq!(
        watched.said(),
        ["buckets?", "policy of shop-reports?", "buckets!"]
    );
}

/// The index lists deleted objects for a while.
#[tokio::test(start_paused = true)]
async fn what_was_refused_of_something_that_is_not_there_is_no_error() {
    let watched = Watched {
        refusal: Some(ErrorKind::NotFound),
        ..Watched::of_file().await
    };
    for object in watched.account.objects() {
        watched.account.remove(&object.id);
    }
    let live = watched.read().await.expect("reads");
    assert!(live.ours.is_empty(), "{live:#?}");
}

#[tokio::test]
async fn a_refusal_is_asked_for_once_as_any_answer() {
    let session = ReadSession::default();
    let times = Mutex::new(0);
    for _ in 0..2 {
        let asked = || async {
            *times.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            Err::<(), _>(ProviderError::new(ErrorKind::Denied, "t:Get", "no"))
        };
        let error = session.once("key", asked).await.expect_err("it is refused");
        assert_eq!(error.kind, ErrorKind::Denied);
    }
    assert_eq!(times.into_inner().unwrap_or_default(), 1);
}
