//! Database instances that the region does not offer: said before anything is made. What AWS does, and where it was seen:
//!
//! | what | where |
//! |---|---|
//! | a class that is closed to new instances is refused in the creation, by its combination | <https://github.com/aws-quickstart/quickstart-awx/issues/47>, <https://github.com/hashicorp/terraform/issues/17013> |
//! | a region or partition lacks a class that others have | <https://github.com/hashicorp/terraform-provider-aws/issues/14834>, <https://github.com/crossplane/crossplane/issues/2040> |
//! | a version that is closed to new instances is an error of the question, too | <https://github.com/hashicorp/terraform-provider-aws/issues/21448> |
//! | also while instances run it | <https://github.com/turbot/steampipe-plugin-aws/pull/2085> |
//! | old minor versions are closed, and which ones, differs from region to region | <https://github.com/tryretool/terraform-retool-modules/issues/70>, <https://github.com/sidpalas/devops-directive-terraform-course/issues/8> |
//! | a version that is listed as one of the engine may have no options | <https://github.com/awslabs/aws-saas-boost/pull/460> |
//! | a major version alone is valid | <https://github.com/aws-cloudformation/cfn-lint/issues/3849> |
//! | 1000 rows a page at most; a class has a row for each storage type | <https://github.com/hashicorp/terraform-provider-aws/pull/37251>, <https://github.com/awsdocs/aws-doc-sdk-examples/issues/6125> |
//! | small classes of `MySQL` and `MariaDB` have no Performance Insights | <https://github.com/awsdocs/amazon-rds-user-guide/issues/188> |
//! | the right to ask is one that older policies lack | <https://github.com/ministryofjustice/cloud-platform-environments/pull/8901> |

use std::sync::{Arc, Mutex};

use crate::common::commands::{DONE, REFUSED, RESOURCE_FAILED, assert_fits, json};
use crate::common::program::{Ended, Program, STACK};
use crate::common::proxy::{Answer, Call, Proxy, Refusal};
use crate::common::{World, endpoint};

const ASKS: &str = "DescribeOrderableDBInstanceOptions";

/// An instance; of these lines, those that `more` has are its.
fn file(name: &str, more: &str) -> String {
    let mut lines = vec![
        "engine: postgres",
        "engineVersion: '16.4'",
        "instanceClass: db.t3.micro",
        "allocatedStorage: 20",
    ];
    let key = |line: &str| line.split(':').next().unwrap_or_default().to_owned();
    lines.retain(|line| !more.lines().any(|other| key(other.trim()) == key(line)));
    lines.extend(more.lines().map(str::trim));
    format!(
        "password:
  type: aws:secretsmanager:Secret
  properties:
    generateSecretString: {{ secretStringTemplate: {{ username: app }}, generateStringKey: password, excludePunctuation: true }}
main:
  type: aws:rds:Instance
  properties:
    identifier: {name}
    username: app
    masterPasswordSecretArn: '${{password.arn}}'
    {}
",
        lines.join("\n    ")
    )
}

/// The messages about a plan, in one line.
fn said(ended: &Ended) -> String {
    let words: Vec<&str> = ended.stderr.split_whitespace().collect();
    words.join(" ")
}

fn changing(ended: &Ended) -> Vec<&String> {
    let calls = ended.calls.iter();
    let changes = ["Create", "Modify", "Put", "Delete"];
    calls
        .filter(|call| {
            changes
                .iter()
                .any(|change| call.contains(&format!(":{change}")))
        })
        .collect()
}

fn asked(ended: &Ended) -> usize {
    ended
        .calls
        .iter()
        .filter(|call| call.contains(ASKS))
        .count()
}

/// A row of the answer: version, class, storage type, and whether it has Performance Insights.
type Row = (&'static str, &'static str, &'static str, bool);

/// The rows that a question is about, in the form of AWS's answer.
fn offers(call: &Call<'_>, rows: &[Row]) -> Answer {
    let asked = String::from_utf8_lossy(call.request.body()).into_owned();
    let parameter = |name: &str| {
        let value = asked
            .split('&')
            .find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
        value.map(str::to_owned)
    };
    let (version, class) = (parameter("EngineVersion"), parameter("DBInstanceClass"));
    let engine = parameter("Engine").unwrap_or_default();
    if let Some(version) = &version
        && !rows.iter().any(|(offered, ..)| offered == version)
    {
        return unknown_version();
    }
    let rows = rows.iter().filter(|(offered, of, ..)| {
        version.as_ref().is_none_or(|version| version == offered)
            && class.as_ref().is_none_or(|class| class == of)
    });
    let rows: Vec<String> = rows
        .map(|(version, class, storage, insights)| {
            format!(
                "<OrderableDBInstanceOption><Engine>{engine}</Engine><EngineVersion>{version}</EngineVersion><DBInstanceClass>{class}</DBInstanceClass><StorageType>{storage}</StorageType><Vpc>true</Vpc><MultiAZCapable>true</MultiAZCapable><SupportsPerformanceInsights>{insights}</SupportsPerformanceInsights><MinStorageSize>20</MinStorageSize><MaxStorageSize>16384</MaxStorageSize></OrderableDBInstanceOption>"
            )
        })
        .collect();
    let body = format!(
        "<{ASKS}Response xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><{ASKS}Result><OrderableDBInstanceOptions>{}</OrderableDBInstanceOptions></{ASKS}Result></{ASKS}Response>",
        rows.concat()
    );
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    Answer::Raw((head + &body).into_bytes())
}

fn unknown_version() -> Answer {
    let refusal = Refusal {
        status: 400,
        code: "InvalidParameterCombination",
        message: "Cannot find version for the engine",
    };
    refusal.into()
}

/// A region that has nothing but these.
fn region(rows: &'static [Row]) -> Proxy {
    Proxy::before(endpoint(), move |call| {
        (call.operation == ASKS).then(|| offers(call, rows))
    })
}

#[tokio::test]
async fn a_class_that_is_not_offered_is_refused_before_the_first_write() {
    let world = World::new("e2e-offers-class").await;
    let program = Program::of(&world);
    let text = world.file("").replace(
        "resources: {}\n",
        "network: { natGateways: none }\ndatabase:\n  engineVersion: \"16\"\n  instanceClass: db.t2.small\n  readReplicas: 1\n",
    );
    for command in [&["preview"][..], &["up", "--yes"]] {
        let ended = program.run_file(&text, command[0], &command[1..]);
        assert_eq!(ended.status, REFUSED, "{}", ended.screen);
        let said = said(&ended);
        for expected in [
            "error[fde::offer::missing]: AWS does not offer this in the region",
            "wanted by aws:rds:Instance `database/instance`, `database/replica1`",
            "not offered db.t2.small: postgres 16 in eu-south-2",
            "offered db.t3.small, db.t4g.small, db.t3.micro, db.t4g.micro, db.t3.medium and 7 more",
            "now nothing was changed",
            "help: write one that is offered, and run",
        ] {
            assert!(said.contains(expected), "{expected}\n{}", ended.screen);
        }
        let line = 1 + text
            .lines()
            .position(|line| line.contains("db.t2"))
            .unwrap();
        let place = format!("in the file `database.instanceClass`, stacks/dev.yaml:{line}:18");
        assert!(said.contains(&place), "{place}\n{}", ended.screen);
        let row = "refused: not offered in the region";
        assert!(ended.stdout.contains(row), "{}", ended.screen);
        assert_eq!(changing(&ended), [""; 0], "{}", ended.screen);
        assert_fits(&ended);
    }
    let document = json(&program.run_words(&["preview", STACK, "--json"]));
    assert_eq!(document["refusals"][0]["because"], "notOffered");
    assert_eq!(document["refusals"][0]["id"], "db.t2.small");
    // The class of a flag has no place in the file.
    let flag = [
        "preview",
        STACK,
        "--set",
        "database.instanceClass=db.t3.mikro",
    ];
    let slip = program.run_words(&flag);
    assert_eq!(slip.status, REFUSED, "{}", slip.screen);
    assert!(said(&slip).contains("in the file `database.instanceClass` not offered db.t3.mikro"));
    assert!(
        said(&slip).contains("offered db.t3.micro, "),
        "{}",
        slip.screen
    );
}

#[tokio::test]
async fn what_a_raw_instance_asks_for_is_looked_up_as_well() {
    let name = "e2e-offers-raw";
    let world = World::new(name).await;
    let program = Program::of(&world);
    for (more, expected) in [
        (
            "engineVersion: '15.99'",
            "not offered 15.99: postgres on db.t3.micro in eu-south-2 offered 15.12, 15.11, 15.10, 15.9, 15.8 and 6 more",
        ),
        (
            "engineVersion: '99'",
            "not offered 99: postgres on db.t3.micro in eu-south-2 offered 17.4, 16.8, 15.12, 14.17, 13.20",
        ),
        (
            "allocatedStorage: 10",
            "not offered 10 GiB: gp3 storage of db.t3.micro with postgres 16.4 in eu-south-2 offered 20 to 65536 GiB",
        ),
        (
            "allocatedStorage: 50\nstorageType: io2\niops: 1000",
            "not offered 50 GiB: io2 storage of db.t3.micro with postgres 16.4 in eu-south-2 offered 100 to 65536 GiB",
        ),
        (
            "availabilityZone: eu-south-2f",
            "not offered eu-south-2f: db.t3.micro with postgres 16.4 in eu-south-2 offered eu-south-2a, eu-south-2b, eu-south-2c",
        ),
    ] {
        let ended = program.run(&file(name, more), "preview", &[]);
        assert_eq!(ended.status, REFUSED, "{more}\n{}", ended.screen);
        assert!(
            said(&ended).contains(expected),
            "{expected}\n{}",
            ended.screen
        );
        assert_fits(&ended);
    }
    // An engine of which the region says nothing is left to AWS.
    let other = file(
        name,
        "engine: mysql\nengineVersion: '8.0.35'\ninstanceClass: db.t2.micro",
    );
    let ended = program.run(&other, "preview", &[]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
}

/// Rows for one version only, and features that a class does not have.
#[tokio::test]
async fn each_region_has_its_own_options() {
    let name = "e2e-offers-region";
    let world = World::new(name).await;
    let of = |proxy: &Proxy| Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let account = region(&[
        ("15.12", "db.m5.large", "gp3", true),
        ("15.12", "db.m7g.large", "gp3", true),
        ("16.8", "db.m5.large", "gp2", true),
    ]);
    for (more, expected) in [
        (
            "engineVersion: '16.8'\ninstanceClass: db.m7g.large",
            "not offered db.m7g.large: postgres 16.8 in eu-south-2 offered db.m5.large otherwise postgres 15.12 has it",
        ),
        (
            "engineVersion: '16.8'\ninstanceClass: db.m5.large",
            "not offered gp3: db.m5.large with postgres 16.8 in eu-south-2 offered gp2",
        ),
    ] {
        let ended = of(&account).run(&file(name, more), "preview", &[]);
        assert_eq!(ended.status, REFUSED, "{more}\n{}", ended.screen);
        assert!(
            said(&ended).contains(expected),
            "{expected}\n{}",
            ended.screen
        );
    }
    let small = region(&[
        ("8.0.42", "db.t4g.micro", "gp3", false),
        ("8.0.42", "db.t4g.medium", "gp3", true),
    ]);
    let more = "engine: mysql\nengineVersion: '8.0'\ninstanceClass: db.t4g.micro";
    let ended = of(&small).run(&file(name, more), "preview", &[]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    let more = format!("{more}\nperformanceInsightsEnabled: true");
    let ended = of(&small).run(&file(name, &more), "preview", &[]);
    assert_eq!(ended.status, REFUSED, "{}", ended.screen);
    let expected = "`resources.main.properties.performanceInsightsEnabled`, stacks/dev.yaml:";
    assert!(said(&ended).contains(expected), "{}", ended.screen);
    let expected = "not offered true: db.t4g.micro with mysql 8.0 in eu-south-2 now nothing was changed \
                    help: switch it off, or take a class or a version that has it, and run";
    assert!(said(&ended).contains(expected), "{}", ended.screen);
}

/// An exact version is asked for, and of a major one all; and only where the combination is a new one.
#[tokio::test]
async fn only_a_new_combination_is_asked_about() {
    let name = "e2e-offers-asked";
    let world = World::new(name).await;
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let hears = Arc::clone(&heard);
    let account = Proxy::before(endpoint(), move |call| {
        if call.operation == ASKS {
            let body = String::from_utf8_lossy(call.request.body()).into_owned();
            let parts = body
                .split('&')
                .filter(|part| part.starts_with("Engine") || part.starts_with("DB"));
            hears
                .lock()
                .unwrap()
                .push(parts.collect::<Vec<_>>().join(" "));
        }
        None
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &account.endpoint);
    let take = || std::mem::take(&mut *heard.lock().unwrap());
    let run = |more: &str, words: &[&str]| {
        let ended = program.run(&file(name, more), words[0], &words[1..]);
        assert_eq!(ended.status, DONE, "{}", ended.screen);
        assert!(!ended.stderr.contains("offer"), "{}", ended.screen);
    };
    let exact = "Engine=postgres EngineVersion=16.4 DBInstanceClass=db.t3.micro";
    run("engineVersion: '16'", &["preview"]);
    assert_eq!(take(), ["Engine=postgres DBInstanceClass=db.t3.micro"]);
    run("", &["preview"]);
    assert_eq!(take(), [exact]);
    run("", &["up", "--yes"]);
    assert_eq!(take(), [exact]);

    run("", &["preview", "--expect-no-changes"]);
    run("", &["up", "--yes"]);
    run("backupRetentionPeriod: 3", &["preview"]);
    run("allocatedStorage: 30", &["preview"]);
    assert_eq!(take(), [""; 0]);
    let small = "Engine=postgres EngineVersion=16.4 DBInstanceClass=db.t3.small";
    run("instanceClass: db.t3.small", &["preview"]);
    assert_eq!(take(), [small]);
    run("engineVersion: '16.6'", &["preview"]);
    assert_eq!(
        take(),
        ["Engine=postgres EngineVersion=16.6 DBInstanceClass=db.t3.micro"]
    );
    run("storageType: gp2", &["preview"]);
    assert_eq!(take(), [exact]);
    world.destroy(&file(name, "")).await;
}

/// AWS tells what it offers to new instances. Those that run may go on with what is closed to others, so AWS has the last
/// word about their changes.
#[tokio::test]
async fn an_instance_that_runs_is_not_refused() {
    let name = "e2e-offers-runs";
    let world = World::new(name).await;
    world.up(&file(name, "")).await;
    let program = Program::of(&world);
    let closed = file(name, "instanceClass: db.m4.large");
    let ended = program.run(&closed, "preview", &[]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    let expected =
        "warning[fde::offer::doubtful]: AWS does not offer this to new instances in the region";
    assert!(said(&ended).contains(expected), "{}", ended.screen);
    let expected = "not offered db.m4.large: postgres 16.4 in eu-south-2 offered db.m5.large, ";
    assert!(said(&ended).contains(expected), "{}", ended.screen);
    assert!(
        said(&ended).contains("now AWS may refuse the change; the database stays as it is then")
    );
    // As AWS does.
    let ended = program.run(&closed, "up", &["--yes"]);
    assert_eq!(ended.status, RESOURCE_FAILED, "{}", ended.screen);
    assert!(
        ended.screen.contains("DBInstanceClass=db.m4.large"),
        "{}",
        ended.screen
    );

    // The version that it runs is closed, and nothing is known of a class with it.
    let later = region(&[
        ("16.8", "db.t3.small", "gp3", true),
        ("16.8", "db.m7g.large", "gp3", true),
    ]);
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &later.endpoint);
    for more in [
        "instanceClass: db.t3.small",
        "instanceClass: db.r3.large",
        "storageType: gp2",
        "",
    ] {
        let ended = program.run(&file(name, more), "preview", &[]);
        assert_eq!(ended.status, DONE, "{}", ended.screen);
        assert!(!ended.stderr.contains("offer"), "{more}\n{}", ended.screen);
    }
    // A new one cannot have it.
    let renamed = file("e2e-offers-renamed", "instanceClass: db.t3.small");
    let ended = program.run(&renamed, "preview", &[]);
    assert_eq!(ended.status, REFUSED, "{}", ended.screen);
    let expected = "not offered 16.4: postgres on db.t3.small in eu-south-2 offered 16.8 now";
    assert!(said(&ended).contains(expected), "{}", ended.screen);

    // A class that the version does not have until it is another one.
    let both = region(&[
        ("16.4", "db.t3.micro", "gp3", true),
        ("16.8", "db.t3.micro", "gp3", true),
        ("16.8", "db.m7g.large", "gp3", true),
    ]);
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &both.endpoint);
    let more = "engineVersion: '16.8'\ninstanceClass: db.m7g.large";
    let ended = program.run(&file(name, more), "preview", &[]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    let expected = "not offered db.m7g.large: postgres 16.4, which it runs until it is upgraded offered db.t3.micro otherwise \
                    upgrade first, and change the class after that";
    assert!(said(&ended).contains(expected), "{}", ended.screen);
    world.destroy(&file(name, "")).await;
}

/// Roles that were given their rights before this was asked go on, and AWS refuses the creation itself.
#[tokio::test]
async fn without_the_right_to_ask_it_is_only_told() {
    let name = "e2e-offers-denied";
    let world = World::new(name).await;
    let account = Proxy::before(endpoint(), |call| {
        let refused = Refusal {
            status: 403,
            code: "AccessDenied",
            message: "not authorized",
        };
        (call.operation == ASKS).then(|| refused.into())
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &account.endpoint);
    let note = "note: not checked whether AWS offers aws:rds:Instance `main` here: the right \
                rds:DescribeOrderableDBInstanceOptions is missing";
    let closed = file(name, "instanceClass: db.t2.micro");
    let ended = program.run(&closed, "preview", &[]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    assert!(said(&ended).contains(note), "{}", ended.screen);
    assert_fits(&ended);
    let ended = program.run(&closed, "up", &["--yes"]);
    assert_eq!(ended.status, RESOURCE_FAILED, "{}", ended.screen);
    let expected = "RDS does not support creating a DB instance with the following combination";
    assert!(
        said(&ended).contains(expected) || ended.screen.contains(expected),
        "{}",
        ended.screen
    );
    let ended = program.run(&file(name, ""), "up", &["--yes"]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    assert!(said(&ended).contains(note), "{}", ended.screen);
    let ended = program.run(&file(name, ""), "preview", &["--expect-no-changes"]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    assert_eq!(ended.stderr, "", "{}", ended.screen);
    assert_eq!(asked(&ended), 0, "{:?}", ended.calls);
    world.destroy(&file(name, "")).await;
}
