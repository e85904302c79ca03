//! The common ground of all end-to-end tests: the account, a stack of one's own, and raw SDK clients to look with.

mod behind;
pub mod cloud_control;
pub mod commands;
#[path = "../../common/http.rs"]
#[allow(dead_code, reason = "the lab uses the rest")]
pub mod http;
pub mod needs;
pub mod program;
#[path = "../../common/proxy/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the lab uses the rest")]
pub mod proxy;
pub mod resource_type;
#[path = "../../common/rights.rs"]
#[allow(dead_code, reason = "the test of the documents uses the rest")]
pub mod rights;
pub mod screen;
pub mod sdk;
pub mod showing;

use std::sync::OnceLock;
use std::time::Duration;

use fde_infra::aws::{AwsProvider, Connection, connect};
use fde_infra::component::{SECTIONS, stack_graph};
use fde_infra::deployment::history::{made_text, short};
use fde_infra::deployment::{History, Record};
use fde_infra::execute::{self, Cancel, Outcome};
use fde_infra::graph::ResourceGraph;
use fde_infra::live;
use fde_infra::plan::{self, Goal, Plan, Request};
use fde_infra::resource::Provider;
use fde_infra::resource::provider::Indexed;
use fde_infra::stack;

use behind::Behind;
use sdk::Sdk;

/// The region in which the tests run. Spain is where the platform runs.
pub const REGION: &str = "eu-south-2";

/// The most time that one run may take. The local account provisions at once, so a run that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(300);

/// The account under test: `AWS_ENDPOINT_URL`, or the sandbox.
pub fn endpoint() -> &'static str {
    static ENDPOINT: OnceLock<String> = OnceLock::new();
    ENDPOINT.get_or_init(|| {
        std::env::var("AWS_ENDPOINT_URL").unwrap_or_else(|_| {
            let endpoint =
                fde_infra::sandbox::ensure_running(&mut |line| eprintln!("sandbox: {line}"))
                    .expect("the sandbox starts")
                    .endpoint;
            // Requests are checked against AWS's models from here on: one that breaks its model is refused with the reason.
            http::post(&endpoint, "/_account/checks");
            endpoint
        })
    })
}

/// A stack of a test's own, in the account under test.
pub struct World {
    name: String,
    environment: &'static str,
    pub provider: AwsProvider,
    pub sdk: Sdk,
}

/// A finished run.
#[derive(Debug)]
pub struct Ran {
    pub plan: Plan,
    pub outcome: Outcome,
}

impl World {
    /// `name` must be unique to the test.
    pub async fn new(name: &str) -> Self {
        Self::in_environment(name, "dev").await
    }

    /// A stack of another kind than `dev`: what becomes of data depends on it.
    pub async fn in_environment(name: &str, environment: &'static str) -> Self {
        let connection = Connection {
            profile: None,
            region: Some(REGION.to_owned()),
            endpoint_url: Some(endpoint().to_owned()),
            static_credentials: Some((format!("e2e-{name}"), "test".to_owned())),
        };
        let context = connect(&connection).await.expect("the account answers");
        let world = Self {
            name: name.to_owned(),
            environment,
            provider: AwsProvider::new(context),
            sdk: Sdk::new(endpoint()).await,
        };
        // A test that died half-way left its stack behind; an account under test outlives its tests.
        world.destroy("").await;
        world
    }

    /// The stack file around raw resources.
    pub fn file(&self, resources: &str) -> String {
        let body = if resources.trim().is_empty() {
            "resources: {}\n".to_owned()
        } else {
            format!("resources:\n{}\n", indent(resources, 2))
        };
        format!(
            "name: {}\nenvironment: {}\nregion: {REGION}\ntags: {{ project: end-to-end }}\n{body}",
            self.name, self.environment
        )
    }

    pub fn graph(&self, resources: &str) -> ResourceGraph {
        let text = self.file(resources);
        let stack = stack::load("stack.yaml", &|_| Ok(text.clone()), &[], &SECTIONS)
            .unwrap_or_else(|errors| panic!("{errors:#?}\n{text}"));
        let (graph, _) = stack_graph(&stack, self.provider.catalog())
            .unwrap_or_else(|errors| panic!("{errors:#?}\n{text}"));
        graph
    }

    /// The plan of a user who consents to every deletion.
    pub async fn plan(&self, resources: &str, goal: Goal) -> Plan {
        let request = Request {
            goal,
            allow_delete: vec!["*".to_owned()],
            ..Request::default()
        };
        self.plan_for(resources, &request).await
    }

    pub async fn plan_for(&self, resources: &str, request: &Request) -> Plan {
        self.plan_by(&self.provider, resources, request).await
    }

    async fn plan_by(&self, provider: &dyn Provider, resources: &str, request: &Request) -> Plan {
        let graph = self.graph(resources);
        let live = live::read(provider, &graph)
            .await
            .unwrap_or_else(|error| panic!("{error:#?}"));
        let plan = plan::build(&graph, &live, provider.catalog(), request);
        let verified = plan::verify::verify(&plan, &graph, provider.catalog());
        assert_eq!(verified, Ok(()));
        plan
    }

    /// The entries of the tag index for the stack.
    pub async fn index(&self) -> Vec<Indexed> {
        let stack = self.graph("").stack;
        let index = self.provider.index(&stack).await;
        index.unwrap_or_else(|error| panic!("{error:#?}"))
    }

    /// Like [`World::preview`], while the tag index is still like this.
    pub async fn preview_behind(&self, resources: &str, index: Vec<Indexed>) -> Plan {
        let behind = Behind {
            aws: &self.provider,
            index,
        };
        self.plan_by(&behind, resources, &Request::default()).await
    }

    pub async fn preview(&self, resources: &str) -> Plan {
        self.plan(resources, Goal::Up).await
    }

    /// Runs a plan. One that takes longer than [`PATIENCE`] fails, and says what it was waiting for.
    pub async fn run(&self, plan: Plan) -> Ran {
        let (events, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let cancel = Cancel::default();
        let run = execute::run(&plan, &self.provider, 16, &cancel, &events);
        let Ok(outcome) = tokio::time::timeout(PATIENCE, run).await else {
            heard.close();
            let mut told = Vec::new();
            while let Some(event) = heard.recv().await {
                told.push(event);
            }
            panic!("not done after {PATIENCE:?}: {told:#?}");
        };
        if !plan.is_empty() {
            self.record(&plan, &outcome).await;
        }
        Ran { plan, outcome }
    }

    /// Records what there is now, as a command does, and nothing else.
    async fn record(&self, plan: &Plan, outcome: &Outcome) {
        let history = History::of(&plan.stack, self.provider.context());
        let before = history.whereabouts().await.expect("the record is read");
        let objects = before.objects.iter();
        let key = before.key.clone().unwrap_or_else(|| self.name.clone());
        let record = Record {
            made: made_text(&outcome.made(plan, self.provider.catalog(), &key, &before.proof)),
            key,
            over: before.over.clone(),
            types: before.tokens.iter().map(|token| short(token)).collect(),
            objects: objects
                .map(|(token, arns)| (short(token), arns.clone()))
                .collect(),
            left: before.left.to_string(),
            ..Record::default()
        };
        let added = history.add(&record, None).await;
        added.expect("the record is written");
    }

    /// Runs `up` and expects it to succeed.
    pub async fn up(&self, resources: &str) -> Ran {
        let plan = self.preview(resources).await;
        assert_eq!(plan.refusals, [], "{resources}");
        let ran = self.run(plan).await;
        assert!(
            matches!(ran.outcome, Outcome::Done(_)),
            "{resources}\n{:#?}",
            ran.outcome
        );
        ran
    }

    /// Runs `destroy` and expects it to succeed.
    pub async fn destroy(&self, resources: &str) -> Ran {
        let plan = self.plan(resources, Goal::Destroy).await;
        assert_eq!(plan.refusals, []);
        let ran = self.run(plan).await;
        assert!(
            matches!(ran.outcome, Outcome::Done(_)),
            "{:#?}",
            ran.outcome
        );
        ran
    }

    /// The physical id of a resource of the stack, as the last plan saw it.
    pub async fn id(&self, resources: &str, name: &str) -> String {
        let plan = self.preview(resources).await;
        plan.kept
            .iter()
            .find(|kept| kept.urn.name() == name)
            .unwrap_or_else(|| panic!("`{name}` is not as it should be: {:#?}", plan.steps))
            .observed
            .id
            .clone()
    }

    /// Changes the record of the last run to say that an earlier version of the program made it.
    pub async fn was_made_by_an_earlier_version(&self) {
        let name = format!("/fde-infra/{}/deployments", self.stack_tag());
        let asked = self.sdk.ssm.get_parameter().name(&name).send().await;
        let found = asked.expect("there is a record").parameter;
        let text = found.and_then(|found| found.value).expect("a record");
        let mut record: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        record["toolVersion"] = "0.0.1".into();
        let put = self.sdk.ssm.put_parameter().name(&name).overwrite(true);
        let put = put.value(record.to_string()).send().await;
        put.expect("a record can be written");
    }

    /// `name/environment`, the value of the owner tag.
    pub fn stack_tag(&self) -> String {
        format!("{}/{}", self.name, self.environment)
    }
}

/// Indents every line.
pub fn indent(text: &str, by: usize) -> String {
    let margin = " ".repeat(by);
    text.lines()
        .map(|line| format!("{margin}{line}"))
        .collect::<Vec<_>>()
        .join("\n")
}
