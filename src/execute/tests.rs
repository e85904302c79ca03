//! Situations that hardly ever come up in a run.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc::unbounded_channel;

use super::{Cancel, Outcome, Report, run};
use crate::plan::{self, Request};
use crate::resource::provider::{Creation, Deletion, Indexed, Progress, Query, Update};
use crate::resource::tags::Marks;
use crate::resource::{
    Catalog, Condition, LiveSnapshot, Made, Observed, Proof, Properties, Provider, ProviderError,
    StackId, Tags, Urn,
};

/// Creates anything that it is asked for; a request to stop comes with its answer.
struct Cancels {
    catalog: Catalog,
    cancel: Cancel,
    /// The time that there was for the objects it made.
    allowed: Mutex<Vec<Option<Duration>>>,
}

#[async_trait]
impl Provider for Cancels {
    fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    async fn facts(&self) -> Result<Properties, ProviderError> {
        Ok(Properties::default())
    }

    async fn index(&self, _: &StackId) -> Result<Vec<Indexed>, ProviderError> {
        Ok(Vec::new())
    }

    async fn read(&self, _: Query<'_>) -> Result<Vec<Observed>, ProviderError> {
        Ok(Vec::new())
    }

    async fn create(&self, request: Creation<'_>) -> Result<Observed, ProviderError> {
        let allowed = request.progress.time_left();
        self.allowed.lock().unwrap().push(allowed);
        self.cancel.request();
        Ok(Observed {
            token: request.urn.token().to_owned(),
            id: "made".to_owned(),
            arn: None,
            inputs: request.inputs.clone(),
            outputs: Properties::default(),
            tags: Tags::default(),
            condition: Condition::Ready,
        })
    }

    async fn update(&self, request: Update<'_>) -> Result<Observed, ProviderError> {
        Ok(request.observed.clone())
    }

    async fn wait(
        &self,
        _: &Urn,
        observed: Observed,
        _: &dyn Progress,
    ) -> Result<Observed, ProviderError> {
        Ok(observed)
    }

    async fn delete(&self, _: Deletion<'_>) -> Result<(), ProviderError> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_to_stop_between_two_steps_is_not_success() {
    let text = "name: shop\nenvironment: dev\nregion: eu-south-2\nresources:\n  \
                first: { type: aws:sns:Topic }\n  second: { type: aws:sns:Topic }\n";
    let catalog = crate::aws::registry::catalog();
    let stack = crate::stack::load(
        "dev.yaml",
        &|_| Ok(text.to_owned()),
        &[],
        &crate::component::SECTIONS,
    )
    .unwrap();
    let (graph, _) = crate::component::stack_graph(&stack, &catalog).unwrap();
    let request = Request::default();
    let plan = plan::build(&graph, &LiveSnapshot::default(), &catalog, &request);
    let cancel = Cancel::default();
    let provider = Cancels {
        catalog,
        cancel: cancel.clone(),
        allowed: Mutex::default(),
    };
    let (events, _heard) = unbounded_channel();
    let outcome = run(&plan, &provider, 1, &cancel, &events).await;
    let Outcome::Cancelled(report) = outcome else {
        panic!("{outcome:#?}");
    };
    assert_eq!((report.succeeded.len(), report.skipped.len()), (1, 1));
}

/// The plan is the one source of a step's inputs: running it computes none of them again.
#[tokio::test(start_paused = true)]
async fn what_the_plan_has_is_what_is_sent() {
    let text = "name: shop\nenvironment: dev\nregion: eu-south-2\nresources:\n  \
                topic: { type: aws:sns:Topic, properties: { displayName: shown } }\n";
    let catalog = crate::aws::registry::catalog();
    let stack = crate::stack::load(
        "dev.yaml",
        &|_| Ok(text.to_owned()),
        &[],
        &crate::component::SECTIONS,
    )
    .unwrap();
    let (graph, _) = crate::component::stack_graph(&stack, &catalog).unwrap();
    let request = Request::default();
    let mut plan = plan::build(&graph, &LiveSnapshot::default(), &catalog, &request);
    let plan::Action::Create { comparison, .. } = &mut plan.steps[0].action else {
        panic!("{plan:#?}");
    };
    let name = "displayName".to_owned();
    comparison.inputs.insert(name, "another".into());
    let provider = Cancels {
        catalog,
        cancel: Cancel::default(),
        allowed: Mutex::default(),
    };
    let (events, _heard) = unbounded_channel();
    let outcome = run(&plan, &provider, 1, &Cancel::default(), &events).await;
    let Outcome::Done(report) = outcome else {
        panic!("{outcome:#?}");
    };
    let made = report.objects.values().next().unwrap();
    assert_eq!(made.inputs["displayName"], "another".into());
}

/// `customTimeouts` reach the waits of the one resource that has them.
#[tokio::test(start_paused = true)]
async fn the_time_that_the_author_allows_is_the_time_of_the_step() {
    let text = "name: shop\nenvironment: dev\nregion: eu-south-2\nresources:\n  \
                first: { type: aws:sns:Topic, options: { customTimeouts: { create: 90s, delete: 1h } } }\n  \
                second: { type: aws:sns:Topic }\n";
    let catalog = crate::aws::registry::catalog();
    let stack = crate::stack::load(
        "dev.yaml",
        &|_| Ok(text.to_owned()),
        &[],
        &crate::component::SECTIONS,
    )
    .unwrap();
    let (graph, _) = crate::component::stack_graph(&stack, &catalog).unwrap();
    let request = Request::default();
    let plan = plan::build(&graph, &LiveSnapshot::default(), &catalog, &request);
    let provider = Cancels {
        catalog,
        cancel: Cancel::default(),
        allowed: Mutex::default(),
    };
    let (events, _heard) = unbounded_channel();
    let outcome = run(&plan, &provider, 1, &Cancel::default(), &events).await;
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome:#?}");
    let allowed = provider.allowed.into_inner().unwrap();
    assert_eq!(allowed, [Some(Duration::from_secs(90)), None]);
}

/// A record has limited room, and drops the oldest entries that the run does not renew.
#[test]
fn a_part_that_no_step_is_about_stays_proven() {
    const ROUTE: &str = "0123ab";
    const OTHER: &str = "4567ab";
    let text = "name: shop\nenvironment: dev\nregion: eu-south-2\nresources:\n  \
                topic: { type: aws:sns:Topic }\n";
    let catalog = crate::aws::registry::catalog();
    let stack = crate::stack::load(
        "dev.yaml",
        &|_| Ok(text.to_owned()),
        &[],
        &crate::component::SECTIONS,
    )
    .unwrap();
    let (graph, _) = crate::component::stack_graph(&stack, &catalog).unwrap();
    let request = Request::default();
    let plan = plan::build(&graph, &LiveSnapshot::default(), &catalog, &request);

    let table = Urn::new(
        &plan.stack,
        "aws:ec2:RouteTable",
        "network/privateRouteTable1",
    );
    let mut tags = Tags::owned(&table, &BTreeMap::new(), "", Marks::default());
    tags.set_parts(&[ROUTE.to_owned(), OTHER.to_owned()].into());
    let mut made = Made::new("key");
    for run in 0..400 {
        made.insert_object(&table, &format!("rtb-{run}"));
    }
    made.insert_part(&table, ROUTE);
    let proof = Proof::Known {
        made,
        runs: Vec::new(),
        key: "key".to_owned(),
        trusted: Vec::new(),
    };
    let table_now = Observed {
        token: table.token().to_owned(),
        id: "rtb-400".to_owned(),
        arn: None,
        inputs: Properties::default(),
        outputs: Properties::default(),
        tags,
        condition: Condition::Ready,
    };
    let report = Report {
        objects: [(table.clone(), table_now)].into(),
        ..Report::default()
    };
    let made = Outcome::Done(report).made(&plan, &catalog, "key", &proof);
    assert!(made.len() < 200, "{}", made.len());
    assert!(made.has_part(&table, ROUTE));
    // A claim in the tags alone proves nothing.
    assert!(!made.has_part(&table, OTHER));
}
