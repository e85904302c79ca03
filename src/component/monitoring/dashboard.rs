//! The dashboard of `monitoring:`: what to look at when an alarm rings, from the outside in.

use crate::graph::Resource;
use crate::resource::value::properties;
use crate::resource::{Path, StackId, Urn, Value};

use super::database_alarms::{LAG, credit_metric, instances};
use super::model::Monitoring;
use super::thresholds::Thresholds;
use super::urns::KEY;
use crate::component::context::Context;
use crate::component::database::{self, Database};
use crate::component::load_balancer;
use crate::component::platform::Platform;
use crate::component::services::{Services, cluster};

/// The grid of a dashboard is 24 wide; three graphs stand side by side.
const COLUMNS: u32 = 3;
const WIDTH: u32 = 8;
const HEIGHT: u32 = 6;

/// A graph: a title, and lines of namespace, metric, dimensions and statistic.
struct Graph {
    title: &'static str,
    statistic: &'static str,
    lines: Vec<Vec<Value>>,
}

/// Adds the dashboard.
pub fn expand<'c>(
    context: &'c mut Context<'_>,
    platform: &Platform,
    monitoring: &Monitoring,
    alarms: &[Urn],
) -> &'c mut Resource {
    let stack = context.id.clone();
    let region = context.stack.region.clone();
    let mut graphs = Vec::new();
    if platform.load_balancer.is_some() {
        graphs.extend(load_balancer_graphs(&stack));
    }
    if let Some(services) = &platform.services {
        graphs.extend(service_graphs(&stack, services));
    }
    if let Some(database) = &platform.database {
        graphs.extend(database_graphs(&stack));
        graphs.extend(lack_graphs(&stack, database, &monitoring.thresholds));
    }
    let mut widgets = Vec::new();
    let mut row = 0;
    if !alarms.is_empty() {
        let arns = alarms.iter().map(|alarm| Value::output(alarm, "arn"));
        let status = Value::object([("title", "Alarms".into()), ("alarms", Value::list(arns))]);
        widgets.push(widget("alarm", 0, row, 24, 4, status));
        row += 4;
    }
    let rows = (graphs.len() as u32).div_ceil(COLUMNS);
    for (index, graph) in graphs.into_iter().enumerate() {
        let index = index as u32;
        let (x, y) = (index % COLUMNS * WIDTH, row + index / COLUMNS * HEIGHT);
        widgets.push(widget(
            "metric",
            x,
            y,
            WIDTH,
            HEIGHT,
            graph.properties(&region),
        ));
    }
    row += rows * HEIGHT;
    if let Some(services) = &platform.services {
        let errors = recent_errors(&stack, services, &region);
        widgets.push(widget("log", 0, row, 24, HEIGHT, errors));
    }
    let inputs = properties([
        ("dashboardName", monitoring.dashboard.as_str().into()),
        (
            "dashboardBody",
            Value::object([("widgets", Value::List(widgets))]),
        ),
    ]);
    let resource = context.add(KEY, urn(&stack), inputs);
    resource.origin.name_key = Some(Path::from(KEY).key("dashboard"));
    resource
}

/// The dashboard.
pub fn urn(stack: &StackId) -> Urn {
    Urn::new(stack, "aws:cloudwatch:Dashboard", "monitoring/dashboard")
}

impl Graph {
    fn properties(self, region: &str) -> Value {
        let lines = self.lines.into_iter().map(Value::List);
        Value::object([
            ("title", self.title.into()),
            ("view", "timeSeries".into()),
            ("stacked", false.into()),
            ("region", region.into()),
            ("period", 60.into()),
            ("stat", self.statistic.into()),
            ("metrics", Value::list(lines)),
        ])
    }
}

fn widget(kind: &str, x: u32, y: u32, width: u32, height: u32, properties: Value) -> Value {
    Value::object([
        ("type", kind.into()),
        ("x", x.into()),
        ("y", y.into()),
        ("width", width.into()),
        ("height", height.into()),
        ("properties", properties),
    ])
}

fn load_balancer_graphs(stack: &StackId) -> Vec<Graph> {
    let balancer = load_balancer::load_balancer(stack);
    let line = |metric: &str| {
        vec![
            "AWS/ApplicationELB".into(),
            metric.into(),
            "LoadBalancer".into(),
            Value::output(&balancer, "arnSuffix"),
        ]
    };
    vec![
        Graph {
            title: "Requests",
            statistic: "Sum",
            lines: vec![line("RequestCount")],
        },
        Graph {
            title: "Response time (s)",
            statistic: "Average",
            lines: vec![line("TargetResponseTime")],
        },
        Graph {
            title: "Errors",
            statistic: "Sum",
            lines: vec![
                line("HTTPCode_Target_5XX_Count"),
                line("HTTPCode_ELB_5XX_Count"),
                line("HTTPCode_Target_4XX_Count"),
            ],
        },
    ]
}

fn service_graphs(stack: &StackId, services: &Services) -> Vec<Graph> {
    let lines = |namespace: &str, metric: &str| -> Vec<Vec<Value>> {
        services
            .all
            .iter()
            .map(|service| {
                vec![
                    namespace.into(),
                    metric.into(),
                    "ClusterName".into(),
                    Value::output(&cluster(stack), "name"),
                    "ServiceName".into(),
                    Value::output(&service.service_urn(stack), "name"),
                ]
            })
            .collect()
    };
    vec![
        Graph {
            title: "CPU of the services (%)",
            statistic: "Average",
            lines: lines("AWS/ECS", "CPUUtilization"),
        },
        Graph {
            title: "Memory of the services (%)",
            statistic: "Average",
            lines: lines("AWS/ECS", "MemoryUtilization"),
        },
        Graph {
            title: "Running tasks",
            statistic: "Average",
            lines: lines("ECS/ContainerInsights", "RunningTaskCount"),
        },
    ]
}

fn database_graphs(stack: &StackId) -> Vec<Graph> {
    let line = |metric: &str| {
        vec![
            "AWS/RDS".into(),
            metric.into(),
            "DBInstanceIdentifier".into(),
            Value::output(&database::instance(stack), "identifier"),
        ]
    };
    vec![
        Graph {
            title: "CPU of the database (%)",
            statistic: "Average",
            lines: vec![line("CPUUtilization")],
        },
        Graph {
            title: "Connections of the database",
            statistic: "Average",
            lines: vec![line("DatabaseConnections")],
        },
        Graph {
            title: "Latency of the database (s)",
            statistic: "Average",
            lines: vec![line("ReadLatency"), line("WriteLatency")],
        },
    ]
}

/// The graphs of what the database and its replicas may run out of, if an alarm watches it.
fn lack_graphs(stack: &StackId, database: &Database, thresholds: &Thresholds) -> Vec<Graph> {
    let all = instances(stack, database);
    let graph = |title, metric: &str| Graph {
        title,
        statistic: "Average",
        lines: all
            .iter()
            .filter(|instance| instance.has(metric))
            .map(|instance| {
                vec![
                    "AWS/RDS".into(),
                    metric.into(),
                    "DBInstanceIdentifier".into(),
                    Value::output(&instance.urn, "identifier"),
                ]
            })
            .collect(),
    };
    let credits = database.credits().map(credit_metric);
    [
        thresholds
            .free_storage
            .map(|_| graph("Free storage of the database (bytes)", "FreeStorageSpace")),
        thresholds
            .free_memory
            .map(|_| graph("Free memory of the database (bytes)", "FreeableMemory")),
        thresholds
            .cpu_credits
            .and(credits)
            .map(|metric| graph("CPU credits of the database", metric)),
        thresholds
            .replica_lag
            .map(|_| graph("Lag of the read replicas (s)", LAG)),
    ]
    .into_iter()
    .flatten()
    .filter(|graph| !graph.lines.is_empty())
    .collect()
}

/// The last log lines of all services that mention an error.
fn recent_errors(stack: &StackId, services: &Services, region: &str) -> Value {
    let mut query = Vec::new();
    for service in &services.all {
        query.push("SOURCE '".into());
        query.push(Value::output(&service.log_group_urn(stack), "name"));
        query.push("' | ".into());
    }
    query.push("fields @timestamp, @log, @message | filter @message like /(?i)error/ | sort @timestamp desc | limit 50".into());
    Value::object([
        ("title", "Recent errors".into()),
        ("view", "table".into()),
        ("region", region.into()),
        ("query", Value::Join(query)),
    ])
}
