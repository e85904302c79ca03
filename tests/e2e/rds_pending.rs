//! Decisions about a database that are not in force: parameters that wait for a reboot, values that wait for the maintenance
//! window; and reboots, which are done on request alone.

use std::sync::{Arc, Mutex};

use crate::common::commands::{DONE, USAGE, assert_fits, json};
use crate::common::program::{Ended, Program};
use crate::common::proxy::{Answer, Proxy, Refusal};
use crate::common::{World, endpoint};

/// A database with a replica, and the parameters of both.
fn file(name: &str, connections: u32, more: &str) -> String {
    format!(
        "password:
  type: aws:secretsmanager:Secret
  properties:
    generateSecretString: {{ secretStringTemplate: {{ username: app }}, generateStringKey: password, excludePunctuation: true }}
parameters:
  type: aws:rds:ParameterGroup
  properties: {{ name: {name}, family: postgres16, parameters: [{{ name: max_connections, value: {connections} }}] }}
main:
  type: aws:rds:Instance
  properties:
    identifier: {name}
    engine: postgres
    engineVersion: '16'
    instanceClass: db.t3.micro
    allocatedStorage: 20
    backupRetentionPeriod: 1
    maintenanceWindow: sun:04:30-sun:05:30
    username: app
    masterPasswordSecretArn: '${{password.arn}}'
    parameterGroupName: '${{parameters.name}}'
    {more}
copy:
  type: aws:rds:Instance
  properties:
    identifier: {name}-copy
    instanceClass: db.t3.micro
    replicateSourceDb: '${{main.identifier}}'
    parameterGroupName: '${{parameters.name}}'
"
    )
}

/// The state of an instance's parameters, as AWS describes it.
async fn parameters(world: &World, id: &str) -> String {
    let answer = world.sdk.rds.describe_db_instances();
    let answer = answer.db_instance_identifier(id).send().await;
    let answer = answer.expect("the instance is there");
    let group = &answer.db_instances()[0].db_parameter_groups()[0];
    group
        .parameter_apply_status()
        .unwrap_or_default()
        .to_owned()
}

fn done(ended: &Ended) {
    assert_eq!(ended.status, DONE, "{}", ended.screen);
}

/// The screen in one line: its line breaks do not matter.
fn words(ended: &Ended) -> String {
    ended
        .stdout
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[tokio::test]
async fn a_static_parameter_waits_for_a_reboot_that_is_asked_for() {
    let name = "e2e-pending-reboot";
    let world = World::new(name).await;
    let rebooted: Arc<Mutex<Vec<String>>> = Arc::default();
    let heard = Arc::clone(&rebooted);
    let proxy = Proxy::before(endpoint(), move |call| {
        if call.operation == "RebootDBInstance" {
            let body = String::from_utf8_lossy(call.request.body()).into_owned();
            let id = body
                .split('&')
                .find_map(|part| part.strip_prefix("DBInstanceIdentifier="));
            heard.lock().unwrap().extend(id.map(str::to_owned));
        }
        None
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let copy = format!("{name}-copy");
    world.up(&file(name, 100, "")).await;
    let quiet = program.run(&file(name, 100, ""), "preview", &["--expect-no-changes"]);
    done(&quiet);
    assert!(!quiet.stdout.contains("Pending"), "{}", quiet.screen);

    // Both the preview and the end of the run say what the run does not do.
    let raised = file(name, 200, "");
    let expected = "max_connections takes effect at the next reboot of copy, main";
    for command in [&["preview"][..], &["up", "--yes"]] {
        let ended = program.run(&raised, command[0], &command[1..]);
        done(&ended);
        assert!(words(&ended).contains(expected), "{}", ended.screen);
        assert!(words(&ended).contains("`up --reboot copy --reboot main`"));
        assert_fits(&ended);
    }
    assert_eq!(parameters(&world, name).await, "pending-reboot");
    // And so does every preview from then on, although nothing is to be changed.
    let preview = program.run(&raised, "preview", &["--expect-no-changes"]);
    done(&preview);
    let says = "main: what has changed in its parameters takes effect at the next reboot";
    assert!(words(&preview).contains(says), "{}", preview.screen);
    assert_fits(&preview);
    let document = json(&program.run(&raised, "preview", &["--json"]));
    let names: Vec<&str> = document["pending"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pending| pending["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["copy", "main"]);
    assert_eq!(document["pending"][0]["until"], "reboot");
    let page = program.run(&raised, "preview", &["--markdown"]);
    assert!(page.stdout.contains("> Pending:"), "{}", page.screen);
    assert_eq!(
        *rebooted.lock().unwrap(),
        [] as [String; 0],
        "nobody asked for it"
    );

    // By now it is unknown which way the parameter went: the source is first.
    let reboot = ["--yes", "--reboot", "main,copy"];
    let ended = program.run(&raised, "up", &reboot);
    done(&ended);
    assert!(
        !ended.stdout.contains("Pending:\n    ~ main"),
        "{}",
        ended.screen
    );
    assert_eq!(*rebooted.lock().unwrap(), [name, copy.as_str()]);
    for id in [name, copy.as_str()] {
        assert_eq!(parameters(&world, id).await, "in-sync", "{id}");
    }
    let quiet = program.run(&raised, "preview", &["--expect-no-changes"]);
    done(&quiet);
    assert!(!quiet.stdout.contains("Pending"), "{}", quiet.screen);

    // A replica never has less than its source: it is first where more is wanted, and last where less is.
    for (connections, expected) in [(300, [copy.as_str(), name]), (150, [name, copy.as_str()])] {
        rebooted.lock().unwrap().clear();
        let ended = program.run(&file(name, connections, ""), "up", &reboot);
        done(&ended);
        assert_eq!(*rebooted.lock().unwrap(), expected, "{connections}");
        assert_eq!(parameters(&world, &copy).await, "in-sync");
    }
    world.destroy(&file(name, 150, "")).await;
}

#[tokio::test]
async fn what_cannot_be_rebooted_is_told() {
    let world = World::new("e2e-pending-usage").await;
    let program = Program::of(&world);
    let topic = "topic: { type: aws:sns:Topic }";
    for (name, says) in [
        ("topic", "cannot be rebooted"),
        ("topik", "did you mean `topic`?"),
    ] {
        let ended = program.run(topic, "preview", &["--reboot", name]);
        assert_eq!(ended.status, USAGE, "{}", ended.screen);
        assert!(ended.stderr.contains(says), "{}", ended.screen);
    }
}

/// A change that was left for the window is applied with the next one that is not.
#[tokio::test]
async fn what_an_update_takes_along_is_told_before() {
    let name = "e2e-pending-window";
    let world = World::new(name).await;
    let program = Program::of(&world);
    world.up(&file(name, 100, "")).await;
    let modify = world
        .sdk
        .rds
        .modify_db_instance()
        .db_instance_identifier(name);
    let modify = modify
        .db_instance_class("db.t3.large")
        .apply_immediately(false);
    modify.send().await.expect("it can be left for the window");

    let waits =
        "main: instanceClass db.t3.large waits for the maintenance window, sun:04:30-sun:05:30 UTC";
    let quiet = program.run(&file(name, 100, ""), "preview", &["--expect-no-changes"]);
    done(&quiet);
    assert!(words(&quiet).contains(waits), "{}", quiet.screen);
    let trivial = file(name, 100, "copyTagsToSnapshot: true");
    let told = program.run(&trivial, "preview", &[]);
    let along = "instanceClass db.t3.large was left for the maintenance window, and this update applies it at once";
    assert!(words(&told).contains(along), "{}", told.screen);
    // Which restarts the database, though the edit by itself does not.
    let restarts = "main: interrupts: the database cannot be reached while it restarts: for instanceClass, which was left for \
                    the window, most often some minutes";
    assert!(words(&told).contains(restarts), "{}", told.screen);
    let document = json(&program.run(&trivial, "preview", &["--json"]));
    assert_eq!(document["pending"][0]["until"], "update");
    let left = file(
        name,
        100,
        "copyTagsToSnapshot: true\n    applyImmediately: false\n    instanceClass: db.t3.large",
    )
    .replacen("    instanceClass: db.t3.micro\n", "", 1);
    let told = program.run(&left, "preview", &[]);
    assert!(words(&told).contains(waits), "{}", told.screen);
    world.destroy(&trivial).await;
}

/// The announcements of AWS for an instance, in the form of its answer.
fn announced(arn: &str) -> Answer {
    let body = format!(
        "<DescribePendingMaintenanceActionsResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><DescribePendingMaintenanceActionsResult><PendingMaintenanceActions><ResourcePendingMaintenanceActions><ResourceIdentifier>{arn}</ResourceIdentifier><PendingMaintenanceActionDetails><PendingMaintenanceAction><Action>system-update</Action><AutoAppliedAfterDate>2031-03-02T04:30:00Z</AutoAppliedAfterDate><ForcedApplyDate>2031-05-04T04:30:00Z</ForcedApplyDate><CurrentApplyDate>2031-03-02T04:30:00Z</CurrentApplyDate><Description>New Operating System update is available</Description></PendingMaintenanceAction></PendingMaintenanceActionDetails></ResourcePendingMaintenanceActions></PendingMaintenanceActions></DescribePendingMaintenanceActionsResult></DescribePendingMaintenanceActionsResponse>"
    );
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    Answer::Raw((head + &body).into_bytes())
}

/// AWS does it by itself on a day that only another call tells.
#[tokio::test]
async fn maintenance_that_aws_has_announced_is_shown_with_its_days() {
    let name = "e2e-pending-upkeep";
    let world = World::new(name).await;
    let resources = file(name, 100, "deletionProtection: true");
    world.up(&resources).await;
    let arn = format!("arn:aws:rds:eu-south-2:123456789012:db:{name}");
    let account = Proxy::before(endpoint(), move |call| {
        (call.operation == "DescribePendingMaintenanceActions").then(|| announced(&arn))
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &account.endpoint);
    let preview = program.run(&resources, "preview", &["--expect-no-changes"]);
    done(&preview);
    let says = "main: system-update (New Operating System update is available) is applied in the maintenance window \
                after 2031-03-02, and by force on 2031-05-04;";
    assert!(words(&preview).contains(says), "{}", preview.screen);
    assert!(!words(&preview).contains("copy: system-update"));
    assert_fits(&preview);
    assert_eq!(account.calls("DescribePendingMaintenanceActions"), 1);
    let document = json(&program.run(&resources, "preview", &["--json"]));
    assert_eq!(document["pending"][0]["until"], "maintenance");
    assert_eq!(document["pending"].as_array().map(Vec::len), Some(1));

    // It is a note: a caller that may not read it has a preview all the same, and knows that it is missing.
    let account = Proxy::before(endpoint(), |call| {
        let refused = Refusal {
            status: 403,
            code: "AccessDenied",
            message: "not authorized",
        };
        (call.operation == "DescribePendingMaintenanceActions").then(|| refused.into())
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &account.endpoint);
    let preview = program.run(&resources, "preview", &["--expect-no-changes"]);
    done(&preview);
    let says = "is unknown: rds:DescribePendingMaintenanceActions answers AccessDenied";
    assert!(words(&preview).contains(says), "{}", preview.screen);
    // For a database to play with, the question is not asked.
    let unprotected = file(name, 100, "");
    world.up(&unprotected).await;
    let asked = account.calls("DescribePendingMaintenanceActions");
    let preview = program.run(&unprotected, "preview", &["--expect-no-changes"]);
    done(&preview);
    assert!(!preview.stdout.contains("Pending"), "{}", preview.screen);
    assert_eq!(account.calls("DescribePendingMaintenanceActions"), asked);
    world.destroy(&unprotected).await;
}
