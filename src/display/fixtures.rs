//! A small stack in every state there is, for the tests of this room.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::execute::{Event, Outcome, Report, Skipped, Work};
use crate::graph::{self, OnDelete, Origin, Resource, ResourceGraph, ResourceOptions};
use crate::plan::{self, Goal, Plan, Request, StepId};
use crate::resource::usual::{Operation, UsualTime};
use crate::resource::value::properties;
use crate::resource::{
    Catalog, Condition, CreateClass, Desired, ErrorKind, LiveSnapshot, Observed, OutputReference,
    Properties, Property, ProviderError, Schema, StackId, Tags, Urn, Value, tags,
};

pub const SECTIONS: &[&str] = &["network", "database", "services", "monitoring"];

const DATABASE: &[UsualTime] = &[
    UsualTime::new(Operation::Create, 300, 900),
    UsualTime::new(Operation::Update, 300, 1200).touching(&["engineVersion"]),
];
const SERVICE: &[UsualTime] = &[UsualTime::new(Operation::Create, 60, 240).count("desiredCount")];

pub fn stack() -> StackId {
    StackId {
        name: "shop".into(),
        environment: "dev".into(),
    }
}

pub fn catalog() -> Catalog {
    let schema = |token| Schema::new::<serde_json::Value>(token, CreateClass::TagsOnly);
    Catalog::new([
        schema("aws:ec2:Vpc").properties([
            Property::new("cidrBlock").required().replaces(),
            Property::new("enableDnsSupport").default(true),
        ]),
        schema("aws:ec2:RouteTableAssociation")
            .properties([Property::new("subnetId").required().replaces()]),
        schema("aws:ec2:Subnet").properties([
            Property::new("vpcId").required().replaces(),
            Property::new("cidrBlock").required().replaces(),
        ]),
        schema("aws:iam:Role").properties([
            Property::new("assumeRolePolicy").required(),
            Property::new("description"),
        ]),
        schema("aws:ecs:TaskDefinition").properties([
            Property::new("containerDefinitions").required().replaces(),
            Property::new("cpu"),
        ]),
        schema("aws:ecs:Service")
            .properties([
                Property::new("taskDefinition").required(),
                Property::new("desiredCount").server_chooses(),
            ])
            .outputs(&["url"])
            .usual(SERVICE),
        schema("aws:rds:Instance")
            .properties([
                Property::new("engineVersion"),
                Property::new("password").secret(),
                Property::new("subnetIds").set(),
            ])
            .leaves(|_| Some("a final snapshot stays".to_owned()))
            .usual(DATABASE),
        schema("aws:s3:Bucket")
            .properties([Property::new("bucket").replaces()])
            .stateful(),
        schema("aws:cloudwatch:MetricAlarm").properties([
            Property::new("threshold"),
            Property::new("alarmActions").set(),
        ]),
    ])
}

pub fn urn(token: &str, name: &str) -> Urn {
    Urn::new(&stack(), token, name)
}

fn resource(token: &str, name: &str, inputs: Properties) -> Resource {
    Resource {
        urn: urn(token, name),
        inputs,
        generated_name: false,
        tags: BTreeMap::from([("project".to_owned(), "shop".to_owned())]),
        options: ResourceOptions {
            on_delete: OnDelete::Snapshot,
            ..ResourceOptions::default()
        },
        origin: Origin::default(),
    }
}

fn policy(service: &str) -> Value {
    Value::object([
        ("Version", "2012-10-17".into()),
        (
            "Statement",
            Value::list([Value::object([
                ("Effect", "Allow".into()),
                ("Principal", Value::object([("Service", service.into())])),
                ("Action", "sts:AssumeRole".into()),
            ])]),
        ),
    ])
}

fn containers(image: &str, level: &str) -> Value {
    let variable =
        |name: &str, value: &str| Value::object([("name", name.into()), ("value", value.into())]);
    Value::list([Value::object([
        ("name", "api".into()),
        ("image", image.into()),
        (
            "portMappings",
            Value::list([Value::object([("containerPort", 8000.into())])]),
        ),
        (
            "environment",
            Value::list([
                variable("LOG_LEVEL", level),
                variable("REGION", "eu-south-2"),
            ]),
        ),
    ])])
}

/// The resources that the file wants.
pub fn graph() -> ResourceGraph {
    let vpc = urn("aws:ec2:Vpc", "network/vpc");
    let subnet = |index: u32| urn("aws:ec2:Subnet", &format!("network/privateSubnet{index}"));
    let task = urn("aws:ecs:TaskDefinition", "services/api/taskDefinition");
    let service = urn("aws:ecs:Service", "services/api/service");
    let mut resources = vec![
        resource(
            "aws:ec2:Vpc",
            "network/vpc",
            properties([("cidrBlock", "10.1.0.0/16".into())]),
        ),
        resource(
            "aws:iam:Role",
            "services/api/taskRole",
            properties([
                ("assumeRolePolicy", policy("ecs-tasks.amazonaws.com")),
                ("description", "What the API may do".into()),
            ]),
        ),
        resource(
            "aws:ecs:TaskDefinition",
            "services/api/taskDefinition",
            properties([
                ("containerDefinitions", containers("shop-api:43", "debug")),
                ("cpu", "256".into()),
            ]),
        ),
        resource(
            "aws:ecs:Service",
            "services/api/service",
            properties([("taskDefinition", Value::output(&task, "arn"))]),
        ),
        resource(
            "aws:rds:Instance",
            "database/instance",
            properties([
                ("engineVersion", "15.4".into()),
                ("password", Value::Secret(Box::new("hunter2".into()))),
                (
                    "subnetIds",
                    Value::list([
                        Value::output(&subnet(1), "id"),
                        Value::output(&subnet(2), "id"),
                    ]),
                ),
            ]),
        ),
        resource(
            "aws:cloudwatch:MetricAlarm",
            "monitoring/apiCpuHigh",
            properties([("threshold", 80.into())]),
        ),
        resource(
            "aws:cloudwatch:MetricAlarm",
            "monitoring/databaseCpuHigh",
            properties([("threshold", 80.into())]),
        ),
    ];
    for index in [1, 2] {
        resources.push(resource(
            "aws:ec2:Subnet",
            &format!("network/privateSubnet{index}"),
            properties([
                ("vpcId", Value::output(&vpc, "id")),
                ("cidrBlock", format!("10.1.{index}.0/24").into()),
            ]),
        ));
        resources.push(resource(
            "aws:ec2:RouteTableAssociation",
            &format!("network/privateAssociation{index}"),
            properties([("subnetId", Value::output(&subnet(index), "id"))]),
        ));
    }
    let outputs = vec![
        ("vpcId".to_owned(), Value::output(&vpc, "id")),
        (
            "apiUrl".to_owned(),
            Value::join([
                "http://".into(),
                Value::output(&service, "url"),
                "/api".into(),
            ]),
        ),
        (
            "databasePassword".to_owned(),
            Value::Secret(Box::new("hunter2".into())),
        ),
    ];
    graph::build(&stack(), resources, outputs, &catalog()).expect("a sound graph")
}

/// The way in which a live object came to be as it is.
#[derive(Clone, Copy, PartialEq)]
enum History {
    /// By the file as it is now.
    Applied,
    /// By the file as it was before.
    AppliedOtherwise,
}

fn live_object(
    graph: &ResourceGraph,
    live: &LiveSnapshot,
    urn: &Urn,
    id: &str,
    history: History,
    differs: Properties,
) -> Observed {
    let catalog = catalog();
    let schema = catalog.get(urn.token()).expect("a known type");
    let wanted = graph.get(urn);
    let lookup = |reference: &OutputReference| {
        let object = live.of(&reference.urn).first()?;
        object.output(&reference.path[0])
    };
    let comparison = wanted.map(|resource| {
        let desired = Desired {
            urn: urn.clone(),
            inputs: resource.inputs.clone(),
            generated_name: resource.generated_name,
            tags: resource.tags.clone(),
            protect: None,
            retain: false,
            ignore_changes: Vec::new(),
            region: None,
            earlier_names: Vec::new(),
            earlier_values: Vec::new(),
            new_defaults: Vec::new(),
            parts: None,
            source: String::new(),
            instead_of: None,
            rewrites: Vec::new(),
            reboot: false,
        };
        desired.against(schema, &lookup, None)
    });
    let (mut inputs, mut tags) = match comparison {
        Some(comparison) => (comparison.inputs, comparison.tags),
        None => (
            Properties::new(),
            Tags::owned(urn, &BTreeMap::new(), "0", tags::Marks::default()),
        ),
    };
    if history == History::AppliedOtherwise {
        tags.insert(tags::APPLIED, "before");
    }
    inputs.extend(differs);
    Observed {
        token: urn.token().to_owned(),
        id: id.to_owned(),
        arn: Some(format!("arn:aws:test:eu-south-2:123456789012:{id}")),
        inputs,
        outputs: Properties::new(),
        tags,
        condition: Condition::Ready,
    }
}

/// The live objects: some as wanted, some as the file was before, some changed by hand, some no longer wanted.
pub fn live(graph: &ResourceGraph) -> LiveSnapshot {
    use History::{Applied, AppliedOtherwise};
    let mut live = LiveSnapshot {
        facts: properties([
            ("accountId", "123456789012".into()),
            ("region", "eu-south-2".into()),
        ]),
        ..LiveSnapshot::default()
    };
    let vpc = properties([("cidrBlock", "10.0.0.0/16".into())]);
    let subnet = |index: u32| properties([("cidrBlock", format!("10.0.{index}.0/24").into())]);
    let objects: [(&str, &str, &str, History, Properties); 11] = [
        ("aws:ec2:Vpc", "network/vpc", "vpc-1", AppliedOtherwise, vpc),
        (
            "aws:ec2:Subnet",
            "network/privateSubnet1",
            "subnet-1",
            AppliedOtherwise,
            subnet(1),
        ),
        (
            "aws:ec2:Subnet",
            "network/privateSubnet2",
            "subnet-2",
            AppliedOtherwise,
            subnet(2),
        ),
        (
            "aws:ec2:RouteTableAssociation",
            "network/privateAssociation1",
            "assoc-1",
            Applied,
            Properties::new(),
        ),
        (
            "aws:ec2:RouteTableAssociation",
            "network/privateAssociation2",
            "assoc-2",
            Applied,
            Properties::new(),
        ),
        (
            "aws:iam:Role",
            "services/api/taskRole",
            "shop-dev-api",
            Applied,
            properties([("assumeRolePolicy", policy("ec2.amazonaws.com"))]),
        ),
        (
            "aws:ecs:TaskDefinition",
            "services/api/taskDefinition",
            "api:1",
            AppliedOtherwise,
            properties([("containerDefinitions", containers("shop-api:42", "info"))]),
        ),
        (
            "aws:ecs:Service",
            "services/api/service",
            "api",
            Applied,
            Properties::new(),
        ),
        (
            "aws:rds:Instance",
            "database/instance",
            "shop-dev",
            AppliedOtherwise,
            properties([
                ("engineVersion", "15.3".into()),
                ("password", Value::Secret(Box::new("hunter1".into()))),
            ]),
        ),
        (
            "aws:cloudwatch:MetricAlarm",
            "monitoring/databaseCpuHigh",
            "databaseCpuHigh",
            Applied,
            Properties::new(),
        ),
        (
            "aws:s3:Bucket",
            "monitoring/reports",
            "shop-dev-reports",
            Applied,
            properties([("bucket", "shop-dev-reports".into())]),
        ),
    ];
    for (token, name, id, history, differs) in objects {
        let urn = urn(token, name);
        let object = live_object(graph, &live, &urn, id, history, differs);
        live.ours.insert(urn, vec![object]);
    }
    live
}

pub fn request(goal: Goal, allow_delete: &[&str]) -> Request {
    Request {
        goal,
        allow_delete: allow_delete.iter().map(|name| (*name).to_owned()).collect(),
        ..Request::default()
    }
}

/// A plan with everything in it.
pub fn plan_of(request: &Request) -> Plan {
    let graph = graph();
    plan::build(&graph, &live(&graph), &catalog(), request)
}

pub fn everything() -> Plan {
    plan_of(&request(Goal::Up, &["reports"]))
}

/// A plan from nothing.
pub fn creation() -> Plan {
    let graph = graph();
    let live = LiveSnapshot {
        facts: live(&graph).facts,
        ..LiveSnapshot::default()
    };
    plan::build(&graph, &live, &catalog(), &request(Goal::Up, &[]))
}

/// A plan of `count` alarms, from nothing.
pub fn plan_of_many(count: usize) -> Plan {
    let alarm = |number| {
        resource(
            "aws:cloudwatch:MetricAlarm",
            &format!("monitoring/alarm{number}"),
            properties([("threshold", 80.into())]),
        )
    };
    let alarms = (0..count).map(alarm).collect();
    let graph = graph::build(&stack(), alarms, Vec::new(), &catalog()).expect("a sound graph");
    plan::build(
        &graph,
        &LiveSnapshot::default(),
        &catalog(),
        &request(Goal::Up, &[]),
    )
}

/// A plan of `count` changes with much to say about each: a third is made, a third gets other environment variables and is
/// replaced, a third gets another policy.
pub fn changes_of_many(count: usize) -> Plan {
    let variables = |image: &str, value: &str| {
        let variable = |number| {
            Value::object([
                ("name", format!("VARIABLE_{number}").into()),
                ("value", format!("{value}-{number}").into()),
            ])
        };
        Value::list([Value::object([
            ("image", image.into()),
            ("environment", Value::list((0..20).map(variable))),
        ])])
    };
    let policies = |service: &str| {
        let statement = |number| {
            Value::object([
                ("Sid", format!("Statement{number}").into()),
                ("Effect", "Allow".into()),
                ("Principal", Value::object([("Service", service.into())])),
                ("Action", "sts:AssumeRole".into()),
            ])
        };
        Value::object([
            ("Version", "2012-10-17".into()),
            ("Statement", Value::list((0..20).map(statement))),
        ])
    };
    let kind = |number: usize| match number % 3 {
        0 => (
            "aws:ecs:TaskDefinition",
            "containerDefinitions",
            variables("shop-api:43", "debug"),
            variables("shop-api:42", "info"),
        ),
        1 => (
            "aws:iam:Role",
            "assumeRolePolicy",
            policies("ecs-tasks.amazonaws.com"),
            policies("ec2.amazonaws.com"),
        ),
        _ => (
            "aws:cloudwatch:MetricAlarm",
            "threshold",
            80.into(),
            80.into(),
        ),
    };
    let name = |number: usize| format!("services/large{number}");
    let resources = (0..count).map(|number| {
        let (token, key, wanted, _) = kind(number);
        resource(token, &name(number), properties([(key, wanted)]))
    });
    let graph = graph::build(&stack(), resources.collect(), Vec::new(), &catalog());
    let graph = graph.expect("a sound graph");
    let mut live = LiveSnapshot::default();
    for number in (0..count).filter(|number| number % 3 < 2) {
        let (token, key, _, there) = kind(number);
        let urn = urn(token, &name(number));
        let differs = properties([(key, there)]);
        let history = History::AppliedOtherwise;
        let object = live_object(
            &graph,
            &live,
            &urn,
            &format!("id-{number}"),
            history,
            differs,
        );
        live.ours.insert(urn, vec![object]);
    }
    plan::build(&graph, &live, &catalog(), &request(Goal::Up, &[]))
}

/// The first step of a resource.
pub fn step(plan: &Plan, name: &str) -> StepId {
    let found = plan.steps.iter().position(|step| step.urn.name() == name);
    found.expect("a step of that name")
}

pub fn at(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

pub fn denied() -> ProviderError {
    ProviderError {
        region: "eu-south-2".into(),
        code: "AccessDeniedException".into(),
        status: Some(400),
        request_id: Some("6f1c0c9e-0000-4000-8000-000000000000".into()),
        ..ProviderError::new(
            ErrorKind::Denied,
            "iam:CreateRole",
            "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: iam:CreateRole on resource: shop-dev-api",
        )
    }
}

/// A run of [`creation`] that goes well but for one denied call, as events.
pub fn run(plan: &Plan) -> Vec<Event> {
    let mut events = Vec::new();
    let urn = |step: StepId| plan.steps[step].urn.clone();
    let started = |step, time| Event::Started {
        step,
        urn: urn(step),
        work: Work::Create,
        at: at(time),
    };
    let succeeded = |step, id: &str, from: f64, to: f64| Event::Succeeded {
        step,
        urn: urn(step),
        work: Work::Create,
        id: id.to_owned(),
        elapsed: at(to - from),
        at: at(to),
    };
    let vpc = step(plan, "network/vpc");
    let role = step(plan, "services/api/taskRole");
    let task = step(plan, "services/api/taskDefinition");
    let service = step(plan, "services/api/service");
    let subnet = step(plan, "network/privateSubnet1");
    let database = step(plan, "database/instance");
    events.push(started(vpc, 0.0));
    events.push(started(role, 0.0));
    events.push(started(task, 0.1));
    events.push(Event::Failed {
        step: role,
        urn: urn(role),
        work: Work::Create,
        error: Box::new(denied()),
        elapsed: at(0.4),
        at: at(0.4),
    });
    events.push(succeeded(vpc, "vpc-1", 0.0, 1.2));
    events.push(started(subnet, 1.2));
    events.push(succeeded(task, "api:1", 0.1, 1.3));
    events.push(started(service, 1.3));
    events.push(Event::Waiting {
        step: service,
        status: "1/2 running, target unhealthy".into(),
        at: at(6.0),
    });
    events.push(succeeded(subnet, "subnet-1", 1.2, 2.0));
    events.push(started(database, 2.0));
    events.push(Event::Waiting {
        step: database,
        status: "backing-up".into(),
        at: at(95.0),
    });
    events
}

/// The end of that run, after an interrupt.
pub fn last_events(plan: &Plan) -> Vec<Event> {
    let urn = |step: StepId| plan.steps[step].urn.clone();
    let service = step(plan, "services/api/service");
    let database = step(plan, "database/instance");
    let alarm = step(plan, "monitoring/apiCpuHigh");
    vec![
        Event::Cancelling {
            in_flight: 2,
            at: at(100.0),
        },
        Event::Succeeded {
            step: service,
            urn: urn(service),
            work: Work::Create,
            id: "api".into(),
            elapsed: at(99.0),
            at: at(100.5),
        },
        Event::Interrupted {
            step: database,
            urn: urn(database),
            work: Work::Create,
            status: Some("backing-up".into()),
            elapsed: at(103.0),
            at: at(105.0),
        },
        Event::Skipped {
            step: alarm,
            urn: urn(alarm),
            work: Work::Create,
            because: Skipped::Cancelled,
            at: at(105.0),
        },
    ]
}

/// The engine's outcome of that run.
pub fn outcome(plan: &Plan) -> Outcome {
    let of = |name| step(plan, name);
    let unhealthy = ProviderError::new(
        ErrorKind::Failed,
        "ecs:UpdateService",
        "the deployment was rolled back by its circuit breaker",
    )
    .with_details(vec![
        "task 0a1b stopped: Essential container in task exited (exit code 1)".into(),
        "last log line: KeyError: 'DATABASE_URL'".into(),
    ]);
    Outcome::Failed(Report {
        succeeded: vec![of("network/vpc"), of("network/privateSubnet1")],
        failed: vec![
            (of("services/api/taskRole"), denied()),
            (of("services/api/service"), unhealthy),
        ],
        skipped: vec![(
            of("monitoring/apiCpuHigh"),
            Skipped::Needs(urn("aws:iam:Role", "services/api/taskRole")),
        )],
        interrupted: vec![of("database/instance")],
        outputs: Vec::new(),
        objects: BTreeMap::new(),
        elapsed: at(125.0),
    })
}
