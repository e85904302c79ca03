//! Stacks whose resources exchange, double and overlap their names and places, of all real types: each plan is refused
//! before anything is done, or it runs through and leaves nothing to do.
//!
//! The account in memory refuses what AWS refuses: a place that is taken, the deletion of what is in use, a target group
//! under two load balancers. A failing seed is in the panic message; `FDE_INFRA_SEED=<seed> cargo test --test exchanges`
//! runs it alone.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on fails where it stands, and says what it saw"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use fde_infra::aws::registry::catalog;
use fde_infra::component::{SECTIONS, stack_graph};
use fde_infra::execute::{self, Cancel, Outcome};
use fde_infra::graph::{self, Resource, ResourceGraph};
use fde_infra::live;
use fde_infra::plan::{self, Plan, Request};
use fde_infra::resource::{Catalog, OutputReference, Properties, Urn, Value};
use fde_infra::stack;
use fde_infra::testing::{FakeAccount, Random};

#[path = "common/promise.rs"]
mod promise;

use promise::Shown;

/// A whole platform, and beside it some of each type that the author names.
const STACK: &str = "
name: shop
environment: dev
region: eu-south-2
network: { natGateways: perZone, flowLogs: true }
services:
  api: { port: 8000, routes: ['/api/*'], image: '1.0', permissions: [{ actions: ['s3:GetObject'], resources: ['*'] }] }
  web: { port: 3000, default: true, image: '1.0', scaling: { min: 1, max: 3 } }
database: {}
loadBalancer: { waf: { enabled: true, logging: true } }
monitoring: { alarmEmails: [oncall@example.com], databaseEvents: true }
resources:
  roleA: { type: aws:iam:Role, properties: { name: shop-a, assumeRolePolicy: { Version: '2012-10-17', Statement: [] } } }
  roleB: { type: aws:iam:Role, properties: { name: shop-b, assumeRolePolicy: { Version: '2012-10-17', Statement: [] } } }
  roleC: { type: aws:iam:Role, properties: { name: shop-c, assumeRolePolicy: { Version: '2012-10-17', Statement: [] } } }
  inlineA: { type: aws:iam:RolePolicy, properties: { role: '${roleA.id}', name: inline, policy: { Version: '2012-10-17', Statement: [] } } }
  policyA: { type: aws:iam:Policy, properties: { name: shop-pa, policy: { Version: '2012-10-17', Statement: [] } } }
  policyB: { type: aws:iam:Policy, properties: { name: shop-pb, policy: { Version: '2012-10-17', Statement: [] } } }
  attachment: { type: aws:iam:RolePolicyAttachment, properties: { role: '${roleB.id}', policyArn: '${policyA.arn}' } }
  vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.9.0.0/16 } }
  door: { type: aws:ec2:InternetGateway, properties: { vpcId: '${vpc.id}' } }
  subnetA: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.9.1.0/24 } }
  subnetB: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.9.2.0/24 } }
  subnetC: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.9.3.0/24 } }
  subnetD: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.9.4.0/24 } }
  subnetE: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.9.5.0/24 } }
  subnetF: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.9.6.0/24 } }
  groupA: { type: aws:ec2:SecurityGroup, properties: { name: shop-sa, vpcId: '${vpc.id}', description: a } }
  groupB: { type: aws:ec2:SecurityGroup, properties: { name: shop-sb, vpcId: '${vpc.id}', description: b } }
  ruleA: { type: aws:vpc:SecurityGroupIngressRule, properties: { securityGroupId: '${groupA.id}', ipProtocol: tcp, fromPort: 80, toPort: 80, cidrIpv4: 0.0.0.0/0 } }
  ruleB: { type: aws:vpc:SecurityGroupIngressRule, properties: { securityGroupId: '${groupA.id}', ipProtocol: tcp, fromPort: 81, toPort: 81, referencedSecurityGroupId: '${groupB.id}' } }
  ruleC: { type: aws:vpc:SecurityGroupIngressRule, properties: { securityGroupId: '${groupA.id}', ipProtocol: tcp, fromPort: 82, toPort: 82, cidrIpv4: 0.0.0.0/0 } }
  balancer: { type: aws:lb:LoadBalancer, properties: { name: shop-lb, internal: true, subnets: ['${subnetA.id}', '${subnetB.id}'], securityGroups: ['${groupA.id}'] } }
  targetsA: { type: aws:lb:TargetGroup, properties: { name: shop-ta, port: 80, protocol: HTTP, targetType: ip, vpcId: '${vpc.id}', healthCheck: { enabled: true, path: /, port: traffic-port, protocol: HTTP, matcher: '200', interval: 30, timeout: 5, healthyThreshold: 5, unhealthyThreshold: 2 } } }
  targetsB: { type: aws:lb:TargetGroup, properties: { name: shop-tb, port: 80, protocol: HTTP, targetType: ip, vpcId: '${vpc.id}', healthCheck: { enabled: true, path: /, port: traffic-port, protocol: HTTP, matcher: '200', interval: 30, timeout: 5, healthyThreshold: 5, unhealthyThreshold: 2 } } }
  on80: { type: aws:lb:Listener, properties: { loadBalancerArn: '${balancer.arn}', port: 80, defaultActions: [{ type: forward, targetGroupArn: '${targetsA.arn}' }] } }
  on81: { type: aws:lb:Listener, properties: { loadBalancerArn: '${balancer.arn}', port: 81, defaultActions: [{ type: forward, targetGroupArn: '${targetsA.arn}' }] } }
  first: { type: aws:lb:ListenerRule, properties: { listenerArn: '${on80.arn}', priority: 1, conditions: [{ pathPattern: { values: [/a] } }], actions: [{ type: forward, targetGroupArn: '${targetsB.arn}' }] } }
  second: { type: aws:lb:ListenerRule, properties: { listenerArn: '${on80.arn}', priority: 2, conditions: [{ pathPattern: { values: [/b] } }], actions: [{ type: forward, targetGroupArn: '${targetsB.arn}' }] } }
  topicA: { type: aws:sns:Topic, properties: { name: shop-one } }
  topicB: { type: aws:sns:Topic, properties: { name: shop-two } }
  bucketA: { type: aws:s3:Bucket, properties: { bucket: shop-bucket-a } }
  bucketB: { type: aws:s3:Bucket, properties: { bucket: shop-bucket-b } }
  bucketPolicy: { type: aws:s3:BucketPolicy, properties: { bucket: '${bucketA.id}', policy: '{}' } }
  ownership: { type: aws:s3:BucketOwnershipControls, properties: { bucket: '${bucketB.id}', rule: { objectOwnership: BucketOwnerEnforced } } }
  versioning: { type: aws:s3:BucketVersioning, properties: { bucket: '${bucketB.id}', versioningConfiguration: { status: Enabled } } }
  text: { type: aws:secretsmanager:SecretVersion, properties: { secretId: '${secretA.id}', secretString: text } }
  alarmA: { type: aws:cloudwatch:MetricAlarm, properties: { name: shop-alarm-a, comparisonOperator: GreaterThanThreshold, evaluationPeriods: 1, metricName: CPUUtilization, namespace: AWS/ECS, period: 60, statistic: Average, threshold: 1, datapointsToAlarm: 1 } }
  alarmB: { type: aws:cloudwatch:MetricAlarm, properties: { name: shop-alarm-b, comparisonOperator: GreaterThanThreshold, evaluationPeriods: 1, metricName: CPUUtilization, namespace: AWS/ECS, period: 60, statistic: Average, threshold: 1, datapointsToAlarm: 1 } }
  secretA: { type: aws:secretsmanager:Secret, properties: { name: shop/a } }
  secretB: { type: aws:secretsmanager:Secret, properties: { name: shop/b } }
  logsA: { type: aws:cloudwatch:LogGroup, properties: { name: /shop/a } }
  logsB: { type: aws:cloudwatch:LogGroup, properties: { name: /shop/b } }
  keyA: { type: aws:kms:Key, properties: { description: a } }
  keyB: { type: aws:kms:Key, properties: { description: b } }
  aliasA: { type: aws:kms:Alias, properties: { name: alias/shop-a, targetKeyId: '${keyA.id}' } }
  aliasB: { type: aws:kms:Alias, properties: { name: alias/shop-b, targetKeyId: '${keyB.id}' } }
  clusterB: { type: aws:ecs:Cluster, properties: { name: shop-other } }
  parametersA: { type: aws:rds:ParameterGroup, properties: { name: shop-para, family: postgres16 } }
  parametersB: { type: aws:rds:ParameterGroup, properties: { name: shop-parb, family: postgres16 } }
  boardB: { type: aws:cloudwatch:Dashboard, properties: { dashboardName: shop-board, dashboardBody: { widgets: [] } } }
  flowsB: { type: aws:ec2:FlowLog, properties: { vpcId: '${vpc.id}', logDestination: '${logsB.arn}', iamRoleArn: '${roleA.arn}' } }
  databaseSubnetsB: { type: aws:rds:SubnetGroup, properties: { name: shop-subnets, subnetIds: ['${subnetE.id}', '${subnetF.id}'] } }
  databaseB: { type: aws:rds:Instance, properties: { identifier: shop-second, engine: postgres, instanceClass: db.t3.micro, allocatedStorage: 20, username: shop, masterPasswordSecretArn: '${secretB.arn}' } }
  subscriptionB: { type: aws:sns:TopicSubscription, properties: { topic: '${topicA.arn}', protocol: email, endpoint: other@example.com } }
  firewallB: { type: aws:wafv2:WebAcl, properties: { name: shop-acl, defaultAction: { allow: {} }, visibilityConfig: { cloudwatchMetricsEnabled: true, metricName: shop, sampledRequestsEnabled: true } } }
";

/// Seeds of an ordinary run.
const SEEDS: u64 = 250;

fn seeds() -> Range<u64> {
    let number = |name: &str| {
        let number = std::env::var(name).ok()?;
        Some(number.parse::<u64>().expect("a number of seeds"))
    };
    match number("FDE_INFRA_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("FDE_INFRA_SEEDS").unwrap_or(SEEDS),
    }
}

fn base() -> ResourceGraph {
    let read = |_: &str| Ok(STACK.to_owned());
    let stack = stack::load("dev.yaml", &read, &[], &SECTIONS)
        .unwrap_or_else(|errors| panic!("{errors:#?}"));
    let graph = stack_graph(&stack, &catalog());
    graph.unwrap_or_else(|errors| panic!("{errors:#?}")).0
}

/// The resources as their author wrote them: a derived name is derived again.
fn authored(graph: &ResourceGraph) -> Vec<Resource> {
    let catalog = catalog();
    let mut resources: Vec<Resource> = graph.in_order().cloned().collect();
    for resource in &mut resources {
        let rule = catalog.get(resource.urn.token()).and_then(|s| s.name);
        if let Some(rule) = rule.filter(|_| resource.generated_name) {
            resource.inputs.remove(rule.property);
            resource.generated_name = false;
        }
    }
    resources
}

/// An edit of a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Edit {
    Exchange,
    Rotate,
    TakeOver,
    Double,
    Widen,
    Rename,
    NewName,
    Replace,
    DeleteFirst,
    Drop,
}

const EDITS: [Edit; 10] = [
    Edit::Exchange,
    Edit::Rotate,
    Edit::TakeOver,
    Edit::Double,
    Edit::Widen,
    Edit::Rename,
    Edit::NewName,
    Edit::Replace,
    Edit::DeleteFirst,
    Edit::Drop,
];

/// The properties of a place that the author gives by themselves, not by reference.
fn own_place(catalog: &Catalog, resource: &Resource) -> Vec<&'static str> {
    let Some(schema) = catalog.get(resource.urn.token()) else {
        return Vec::new();
    };
    let given = |name: &&'static str| {
        let value = resource.inputs.get(*name);
        value.is_some_and(|value| value.references().is_empty())
    };
    schema
        .place_properties()
        .into_iter()
        .filter(given)
        .collect()
}

/// Indices of a few resources of one type that have places of their own.
fn of_one_type(random: &mut Random, resources: &[Resource], count: usize) -> Option<Vec<usize>> {
    let catalog = catalog();
    let mut by_type: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, resource) in resources.iter().enumerate() {
        if !own_place(&catalog, resource).is_empty() {
            by_type.entry(resource.urn.token()).or_default().push(index);
        }
    }
    let enough: Vec<Vec<usize>> = by_type
        .into_values()
        .filter(|of| of.len() >= count)
        .collect();
    let mut of_type = random.pick(&enough)?.clone();
    let mut picked = Vec::new();
    for _ in 0..count {
        picked.push(of_type.remove(random.below(of_type.len())));
    }
    Some(picked)
}

/// Hands the place of each on to the next.
fn rotate(resources: &mut [Resource], indices: &[usize]) {
    let catalog = catalog();
    let names = own_place(&catalog, &resources[indices[0]]);
    let places: Vec<Vec<Option<Value>>> = indices
        .iter()
        .map(|index| {
            let inputs = &resources[*index].inputs;
            names
                .iter()
                .map(|name| inputs.get(*name).cloned())
                .collect()
        })
        .collect();
    for (position, index) in indices.iter().enumerate() {
        let from = &places[(position + 1) % indices.len()];
        set_place(&mut resources[*index].inputs, &names, from);
    }
}

fn set_place(inputs: &mut Properties, names: &[&str], values: &[Option<Value>]) {
    for (name, value) in names.iter().zip(values) {
        match value {
            Some(value) => inputs.insert((*name).to_owned(), value.clone()),
            None => inputs.remove(*name),
        };
    }
}

/// Moves inputs to a place that no resource of the stack has.
fn fresh(inputs: &mut Properties, names: &[&str], number: usize) {
    for name in names {
        let Some(value) = inputs.get_mut(*name) else {
            continue;
        };
        *value = match value.clone() {
            Value::String(text) if text.parse::<std::net::IpAddr>().is_ok() => continue,
            Value::String(text) if text.starts_with("10.9.") => {
                format!("10.9.{}.0/24", 100 + number).into()
            }
            Value::String(text) if text.starts_with("10.0.") => {
                format!("10.0.{}.0/24", 200 + number).into()
            }
            Value::String(text) if text == "0.0.0.0/0" || text == "tcp" || text == "-1" => {
                text.into()
            }
            Value::String(text) => format!("{text}-{number}").into(),
            Value::Number(port) => (port + 1_000.0 + number as f64).into(),
            other => other,
        };
    }
}

/// A value with every reference to one resource redirected to another.
fn redirected(value: &Value, from: &Urn, to: &Urn) -> Value {
    value.resolve(&|reference: &OutputReference| {
        (reference.urn == *from).then(|| {
            Value::Output(OutputReference {
                urn: to.clone(),
                path: reference.path.clone(),
            })
        })
    })
}

fn rename(resources: &mut [Resource], index: usize) {
    let from = resources[index].urn.clone();
    let to = Urn::new(
        from.stack(),
        from.token(),
        format!("{}Renamed", from.name()),
    );
    resources[index].urn = to.clone();
    for resource in resources {
        for value in resource.inputs.values_mut() {
            *value = redirected(value, &from, &to);
        }
        if resource.options.depends_on.remove(&from) {
            resource.options.depends_on.insert(to.clone());
        }
    }
}

/// Applies an edit; returns what is to be replaced on top.
fn apply(
    random: &mut Random,
    edit: Edit,
    resources: &mut Vec<Resource>,
    number: usize,
) -> Option<String> {
    let catalog = catalog();
    match edit {
        Edit::Exchange | Edit::Rotate => {
            let count = if edit == Edit::Rotate { 3 } else { 2 };
            let picked = of_one_type(random, resources, count)?;
            rotate(resources, &picked);
        }
        Edit::TakeOver | Edit::Double => {
            let pair = of_one_type(random, resources, 2)?;
            let names = own_place(&catalog, &resources[pair[0]]);
            let inputs = &resources[pair[0]].inputs;
            let place: Vec<Option<Value>> = names
                .iter()
                .map(|name| inputs.get(*name).cloned())
                .collect();
            set_place(&mut resources[pair[1]].inputs, &names, &place);
            if edit == Edit::TakeOver {
                fresh(&mut resources[pair[0]].inputs, &names, number);
            }
        }
        Edit::Widen => {
            let of_subnet =
                |resource: &Resource| resource.inputs.contains_key("mapPublicIpOnLaunch");
            let subnets: Vec<usize> = (0..resources.len())
                .filter(|index| of_subnet(&resources[*index]))
                .collect();
            let index = *random.pick(&subnets)?;
            let range = resources[index].inputs.get_mut("cidrBlock")?;
            let text = range.as_str()?.to_owned();
            let (address, _) = text.split_once('/')?;
            let length = *random.pick(&["23", "25", "26"])?;
            *range = format!("{address}/{length}").into();
        }
        Edit::Rename => {
            let index = random.below(resources.len());
            rename(resources, index);
        }
        Edit::NewName => {
            let index = random.below(resources.len());
            let names = own_place(&catalog, &resources[index]);
            fresh(&mut resources[index].inputs, &names, number);
        }
        Edit::Replace => {
            return Some(random.pick(resources)?.urn.name().to_owned());
        }
        Edit::DeleteFirst => {
            let resource = random.below(resources.len());
            let resource = &mut resources[resource];
            resource.options.delete_before_replace = true;
            return Some(resource.urn.name().to_owned());
        }
        Edit::Drop => {
            let needed: BTreeSet<Urn> = resources
                .iter()
                .flat_map(graph::dependencies)
                .cloned()
                .collect();
            let leaves: Vec<usize> = (0..resources.len())
                .filter(|index| !needed.contains(&resources[*index].urn))
                .collect();
            resources.remove(*random.pick(&leaves)?);
        }
    }
    None
}

struct World {
    account: FakeAccount,
}

impl World {
    async fn with(graph: &ResourceGraph) -> Self {
        let world = Self {
            account: FakeAccount::new(catalog()),
        };
        let plan = world.plan(graph, &Request::default()).await.expect("plans");
        world.run(&plan).await.expect("runs");
        world
    }

    async fn plan(&self, graph: &ResourceGraph, request: &Request) -> Result<Plan, String> {
        let live = live::read(&self.account, graph).await;
        let live = live.map_err(|error| error.to_string())?;
        let plan = plan::build(graph, &live, &catalog(), request);
        let verified = plan::verify::verify(&plan, graph, &catalog());
        verified.map_err(|violation| format!("{violation}\n{}", steps(&plan)))?;
        Ok(plan)
    }

    async fn run(&self, plan: &Plan) -> Result<(), String> {
        let (events, _listener) = tokio::sync::mpsc::unbounded_channel();
        let outcome = execute::run(plan, &self.account, 16, &Cancel::default(), &events).await;
        if matches!(outcome, Outcome::Done(_)) {
            return Ok(());
        }
        let failed = outcome.report().failed.iter();
        let failed = failed.map(|(id, error)| format!("{}: {error}", plan.steps[*id].urn.name()));
        let failed = failed.collect::<Vec<_>>().join("\n");
        Err(format!("{failed}\n{}", steps(plan)))
    }
}

fn consenting(replace: Vec<String>) -> Request {
    Request {
        replace,
        allow_delete: vec!["*".to_owned()],
        ..Request::default()
    }
}

/// The outcome of a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    RefusedOffline,
    Refused,
    Done,
}

/// The steps of a plan, a line each.
fn steps(plan: &Plan) -> String {
    let lines = plan.steps.iter().enumerate().map(|(id, step)| {
        let (work, name) = (execute::work(step), step.urn.name());
        format!(
            "{id} {work:?} {name}: {} {:?}",
            step.because, step.waits_for
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A stack that was edited, and how that ended.
struct Story {
    edits: Vec<Edit>,
    end: Result<End, String>,
}

async fn tell(seed: u64, base: &ResourceGraph) -> Story {
    let mut random = Random::new(seed);
    let mut resources = authored(base);
    let mut edits = Vec::new();
    let mut replace = Vec::new();
    for number in 0..=random.below(3) {
        let edit = *random.pick(&EDITS).expect("there are edits");
        edits.push(edit);
        replace.extend(apply(&mut random, edit, &mut resources, number));
    }
    let end = end(base, resources, replace.clone()).await;
    let end =
        end.map_err(|error| format!("seed {seed}, {edits:?}, replacing {replace:?}:\n{error}"));
    Story { edits, end }
}

async fn end(
    base: &ResourceGraph,
    resources: Vec<Resource>,
    mut replace: Vec<String>,
) -> Result<End, String> {
    let Ok(edited) = graph::build(&base.stack, resources, Vec::new(), &catalog()) else {
        return Ok(End::RefusedOffline);
    };
    replace.retain(|name| edited.iter().any(|resource| resource.urn.name() == name));
    let world = World::with(base).await;
    let plan = world.plan(&edited, &consenting(replace)).await?;
    if !plan.refusals.is_empty() {
        return Ok(End::Refused);
    }
    world.run(&plan).await?;
    let again = world.plan(&edited, &Request::default()).await?;
    if again.refusals.is_empty() && again.is_empty() {
        return Ok(End::Done);
    }
    Err(format!(
        "{}\nis followed by\n{}\n{:?}",
        steps(&plan),
        steps(&again),
        again.refusals
    ))
}

#[tokio::test(start_paused = true)]
async fn exchanged_names_and_places_are_refused_beforehand_or_run_through() {
    let base = base();
    let mut seen: BTreeMap<(Edit, End), usize> = BTreeMap::new();
    let mut failures = Vec::new();
    for seed in seeds() {
        let story = tell(seed, &base).await;
        match story.end {
            Ok(end) => {
                for edit in BTreeSet::from_iter(story.edits) {
                    *seen.entry((edit, end)).or_default() += 1;
                }
            }
            Err(failure) => failures.push(failure),
        }
    }
    let runs = seeds().count();
    let shown = Shown {
        promise: "R20",
        level: "simulation",
        what: "names and places exchanged, doubled, handed on",
        runs,
        seeds: Some(runs),
        failures: failures.len(),
    };
    shown.tell();
    println!("{seen:?}");
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    if runs > 1 {
        for edit in EDITS {
            let done = seen.get(&(edit, End::Done)).copied().unwrap_or(0);
            assert!(done > 3 || edit == Edit::Double, "{edit:?}: {seen:?}");
        }
    }
}

/// Types with a place of their own that are in the stack once, with the reason.
const ONCE: &[(&str, &str)] = &[];

#[test]
fn every_type_that_can_be_edited_is_in_the_stack() {
    let base = base();
    let catalog = catalog();
    let mut there: BTreeMap<&str, usize> = BTreeMap::new();
    let mut with_places: BTreeMap<&str, usize> = BTreeMap::new();
    for resource in base.iter() {
        let token = resource.urn.token();
        *there.entry(token).or_default() += 1;
        *with_places.entry(token).or_default() +=
            usize::from(!own_place(&catalog, resource).is_empty());
    }
    let missing: Vec<&str> = catalog
        .iter()
        .map(|schema| schema.token)
        .filter(|token| !there.contains_key(token))
        .collect();
    assert_eq!(
        missing, [""; 0],
        "\nWhat to do: add one of each to `STACK` in tests/exchanges.rs, and two if it has a name or a place of its own"
    );
    // One alone has none to exchange its place with.
    let alone = with_places.into_iter().filter(|(_, count)| *count == 1);
    let alone: BTreeSet<&str> = alone.map(|(token, _)| token).collect();
    let listed: BTreeSet<&str> = ONCE.iter().map(|(token, _)| *token).collect();
    assert_eq!(
        alone, listed,
        "\nWhat to do: add a second one to `STACK` in tests/exchanges.rs, or list the type with its reason in `ONCE`; of \
         which there are two is not listed"
    );
}
