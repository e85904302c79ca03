//! `preview --save-plan` and `up --plan` (`promises.md` R4): a saved plan is applied as it is and once, or not at all.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use expect_test::expect_file;
use fde_infra::resource::tags::short_hash;
use serde_json::{Value as Json, json};

use crate::common::commands::{DONE, REFUSED, SHOP, USAGE, assert_fits, assert_plain};
use crate::common::program::{Ended, Program, STACK};
use crate::common::proxy::Proxy;
use crate::common::{World, endpoint};
use crate::promise::Shown;

const PLAN: &str = "plan.json";
const SAVE: [&str; 2] = ["--save-plan", PLAN];
const APPLY: [&str; 4] = ["up", STACK, "--plan", PLAN];

/// A stack whose topic another file would call something else.
struct Saved<'a> {
    world: &'a World,
    program: Program<'a>,
}

impl<'a> Saved<'a> {
    /// [`SHOP`] is there, and a plan that edits its topic is saved.
    async fn edit(world: &'a World) -> Self {
        world.up(SHOP).await;
        let program = Program::of(world);
        let ended = program.run(&edited("Market"), "preview", &SAVE);
        assert_eq!(ended.status, DONE, "{}", ended.screen);
        assert_eq!(ended.mutating, [] as [String; 0]);
        Self { world, program }
    }

    fn path(&self) -> PathBuf {
        self.program.directory().join(PLAN)
    }

    fn apply(&self) -> Ended {
        self.program.run_words(&APPLY)
    }

    /// The file with a value changed, as if `fde-infra` had written it so.
    fn alter(&self, key: &str, value: Json) {
        let mut plan = read(&self.path());
        plan[key] = value;
        plan["checksum"] = json!("");
        plan["checksum"] = short_hash(&plan.to_string(), 32).into();
        fs::write(self.path(), plan.to_string()).expect("the plan can be written");
    }

    async fn display_name(&self) -> String {
        let file = edited("Market");
        let plan = self.world.preview(&file).await;
        let mut ids = plan
            .kept
            .iter()
            .map(|kept| (&kept.urn, &kept.observed.id))
            .chain(
                plan.steps
                    .iter()
                    .filter_map(|step| Some((&step.urn, &step.observed()?.id))),
            );
        let topic = ids.find(|(urn, _)| urn.name() == "topic");
        let (_, arn) = topic.expect("there is a topic");
        let answer = self.world.sdk.sns.get_topic_attributes().topic_arn(arn);
        let answer = answer.send().await.expect("the topic is there");
        answer.attributes.unwrap_or_default()["DisplayName"].clone()
    }
}

fn edited(name: &str) -> String {
    SHOP.replace("displayName: Shop", &format!("displayName: {name}"))
}

fn read(path: &std::path::Path) -> Json {
    let text = fs::read_to_string(path).expect("there is a plan");
    serde_json::from_str(&text).expect("a plan is JSON")
}

/// The screens, one after the other, are those of the file.
fn check_screens(name: &str, ended: &[&Ended]) {
    for ended in ended {
        assert_plain(ended);
        assert_fits(ended);
    }
    // Another account has another number, and other words.
    if std::env::var_os("AWS_ENDPOINT_URL").is_none() {
        let screens: Vec<&str> = ended.iter().map(|ended| ended.screen.as_str()).collect();
        let file = format!("../snapshots/failures/{name}.txt");
        expect_file![file].assert_eq(&screens.join("\n"));
    }
}

/// The breach of the promise by a run that had to be refused for this reason.
fn fault(ended: &Ended, reason: &str) -> Option<String> {
    let code = format!("error[fde::plan::{reason}]");
    let kept = ended.status == REFUSED
        && ended.raw.contains(&code)
        && ended.mutating.is_empty()
        && ended.stderr.contains("--save-plan plan.json");
    (!kept).then(|| format!("{reason}: {}\n{:?}", ended.screen, ended.mutating))
}

fn tell(what: &str, runs: usize, faults: &[String]) {
    Shown {
        promise: "R4",
        level: "end to end",
        what,
        runs,
        seeds: None,
        failures: faults.len(),
    }
    .tell();
    assert_eq!(faults, [] as [String; 0]);
}

#[tokio::test]
async fn a_saved_plan_is_applied_as_it_is_and_once() {
    let world = World::new("e2e-plan-once").await;
    world.up(SHOP).await;
    let program = Program::of(&world);
    let previewed = program.run(&edited("Market"), "preview", &SAVE);
    assert_eq!(previewed.status, DONE, "{}", previewed.screen);
    assert_eq!(previewed.mutating, [] as [String; 0]);
    let path = program.directory().join(PLAN);
    let mode = fs::metadata(&path)
        .expect("the plan is there")
        .permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    let plan = read(&path);
    for (key, value) in [
        ("stack", json!(world.stack_tag())),
        ("file", json!("stacks/dev.yaml")),
        ("region", json!(crate::common::REGION)),
        ("summary", json!("1 to update, 4 unchanged")),
    ] {
        assert_eq!(plan[key], value, "{plan:#}");
    }
    let files = fs::read_dir(program.directory()).expect("the directory is readable");
    assert_eq!(
        files.count(),
        2,
        "the stacks and the plan, and nothing else"
    );

    let saved = Saved {
        world: &world,
        program,
    };
    let applied = saved.apply();
    assert_eq!(applied.status, DONE, "{}", applied.screen);
    assert_eq!(saved.display_name().await, "Market");
    if std::env::var_os("AWS_ENDPOINT_URL").is_none() {
        // The second writes down what was applied.
        let once = ["sns:SetTopicAttributes", "sns:TagResource"];
        let changed = applied.mutating.iter();
        // The lock and the history are the run's, not the plan's.
        let changed: Vec<&String> = changed.filter(|call| !call.starts_with("ssm:")).collect();
        assert_eq!(changed, once);
    }
    let again = saved.apply();
    let faults: Vec<String> = fault(&again, "applied").into_iter().collect();
    tell("a saved plan applied a second time", 1, &faults);
    check_screens("saved_plan_twice", &[&previewed, &applied, &again]);
    world.destroy(SHOP).await;
}

/// Each thing that a plan is bound to, changed by itself.
#[tokio::test]
async fn a_plan_of_something_else_is_refused() {
    let world = World::new("e2e-plan-bound").await;
    let saved = Saved::edit(&world).await;
    let original = fs::read(saved.path()).expect("there is a plan");
    let file = world.file(&edited("Market"));
    let mut screens = Vec::new();

    saved.alter("version", json!("0.0.1"));
    screens.push(("version", saved.apply()));
    fs::write(saved.path(), &original).expect("the plan can be written");
    for (reason, text) in [
        ("stack", file.replace("e2e-plan-bound", "e2e-plan-other")),
        ("region", file.replace("eu-south-2", "eu-west-1")),
        ("inputs", file.replace("Market", "Mall")),
        (
            "inputs",
            file.replace("environment: dev", "environment: dev\noutputs: { a: b }"),
        ),
    ] {
        saved.program.write("stacks/dev.yaml", &text);
        screens.push((reason, saved.apply()));
    }
    saved.program.write("stacks/dev.yaml", &file);
    saved.alter("account", json!("999999999999"));
    screens.push(("account", saved.apply()));
    saved.alter("account", read_original(&original)["account"].clone());
    saved.alter("identity", json!("arn:aws:iam::123456789012:user/else"));
    screens.push(("identity", saved.apply()));
    fs::write(saved.path(), &original).expect("the plan can be written");

    // An object that the plan does not touch, changed by another party.
    let password = world.id(SHOP, "password").await;
    let secrets = &world.sdk.secrets;
    let change = secrets.update_secret().secret_id(&password);
    let change = change.description("somebody's own").send().await;
    change.expect("the secret can be changed");
    screens.push(("live", saved.apply()));
    let back = secrets.update_secret().secret_id(&password);
    let back = back.description("of the shop").send().await;
    back.expect("the secret can be changed");

    // The same one, gone.
    let subnet = world.id(SHOP, "subnet").await;
    let gone = world.sdk.ec2.delete_subnet().subnet_id(&subnet).send();
    gone.await.expect("the subnet can be deleted");
    screens.push(("live", saved.apply()));

    let faults: Vec<String> = screens
        .iter()
        .filter_map(|(reason, ended)| fault(ended, reason))
        .collect();
    tell(
        "version, stack, region, file, account, identity or a live object changed after the preview",
        screens.len(),
        &faults,
    );
    let screens: Vec<&Ended> = screens.iter().map(|(_, ended)| ended).collect();
    if std::env::var_os("AWS_ENDPOINT_URL").is_none() {
        for early in &screens[..5] {
            assert_eq!(early.calls, [] as [String; 0], "{}", early.screen);
        }
        for late in &screens[5..7] {
            assert_eq!(late.calls, ["sts:GetCallerIdentity"], "{}", late.screen);
        }
    }
    check_screens("saved_plan_bound", &screens);
    world.destroy(SHOP).await;
}

fn read_original(bytes: &[u8]) -> Json {
    serde_json::from_slice(bytes).expect("a plan is JSON")
}

/// A job of CI has another session of its role at each run; another role is another caller.
#[tokio::test]
async fn a_plan_is_bound_to_the_role_and_not_to_the_session() {
    // An account other than the local one knows only roles that have been made.
    if std::env::var_os("AWS_ENDPOINT_URL").is_some() {
        return;
    }
    let world = World::new("e2e-plan-role").await;
    world.up(SHOP).await;
    let text = world.file(&edited("Market"));
    let act = async |role: &str, session: &str| {
        let role = format!("arn:aws:iam::123456789012:role/{role}");
        let answer = world.sdk.sts.assume_role().role_arn(role);
        let answer = answer.role_session_name(session).send().await;
        let credentials = answer.expect("a role can be taken").credentials;
        credentials.expect("a role has credentials")
    };
    let plan = std::env::temp_dir().join(format!("fde-infra-role-{}.json", std::process::id()));
    let plan = plan.to_string_lossy().into_owned();
    let run = |credentials: &aws_sdk_sts::types::Credentials, words: &[&str]| {
        let program = Program::of(&world).called_by(
            credentials.access_key_id(),
            credentials.secret_access_key(),
            credentials.session_token(),
        );
        program.write("stacks/dev.yaml", &text);
        program.run_words(words)
    };
    let first = act("deploy", "run-1").await;
    let saved = run(&first, &["preview", STACK, "--save-plan", &plan]);
    assert_eq!(saved.status, DONE, "{}", saved.screen);

    let apply = ["up", STACK, "--plan", &plan];
    let other_role = run(&act("admin", "run-1").await, &apply);
    let faults: Vec<String> = [
        (other_role.status != REFUSED).then(|| other_role.screen.clone()),
        (!other_role.raw.contains("fde::plan::identity")).then(|| other_role.screen.clone()),
        (other_role.calls != ["sts:GetCallerIdentity"]).then(|| format!("{:?}", other_role.calls)),
    ]
    .into_iter()
    .flatten()
    .collect();
    tell("a plan of one role applied by another", 1, &faults);
    let same_role = run(&act("deploy", "run-2").await, &apply);
    assert_eq!(same_role.status, DONE, "{}", same_role.screen);
    assert!(!same_role.mutating.is_empty());
    fs::remove_file(&plan).expect("the plan can be removed");
    world.destroy(SHOP).await;
}

/// The caller that previews need not be able to apply: the plan names the role that does, and is of no use to a third.
#[tokio::test]
async fn a_plan_for_a_role_is_applied_by_that_one_and_by_no_third() {
    // An account other than the local one knows only roles that have been made.
    if std::env::var_os("AWS_ENDPOINT_URL").is_some() {
        return;
    }
    let world = World::new("e2e-plan-for").await;
    world.up(SHOP).await;
    let text = world.file(&edited("Market"));
    let act = async |role: &str| {
        let role = format!("arn:aws:iam::123456789012:role/{role}");
        let answer = world.sdk.sts.assume_role().role_arn(role);
        let answer = answer.role_session_name("run-1").send().await;
        let credentials = answer.expect("a role can be taken").credentials;
        credentials.expect("a role has credentials")
    };
    let plan = std::env::temp_dir().join(format!("fde-infra-for-{}.json", std::process::id()));
    let plan = plan.to_string_lossy().into_owned();
    let run = |credentials: &aws_sdk_sts::types::Credentials, words: &[&str]| {
        let program = Program::of(&world).called_by(
            credentials.access_key_id(),
            credentials.secret_access_key(),
            credentials.session_token(),
        );
        program.write("stacks/dev.yaml", &text);
        program.run_words(words)
    };
    let (reader, deployer) = (act("read").await, act("deploy").await);
    let role = "arn:aws:iam::123456789012:role/deploy";
    let save = |role: &str| {
        let words = ["preview", STACK, "--save-plan", &plan, "--plan-for", role];
        run(&reader, &words)
    };

    for (wrong, expected) in [
        ("deploy", "write the ARN of a role"),
        (
            "arn:aws:iam::210987654321:role/deploy",
            "error[fde::plan::role]",
        ),
    ] {
        let refused = save(wrong);
        assert_eq!(refused.status, USAGE, "{}", refused.screen);
        assert!(refused.stderr.contains(expected), "{}", refused.screen);
        assert!(!fs::exists(&plan).expect("it can be looked for"), "{wrong}");
    }
    let alone = run(&reader, &["preview", STACK, "--plan-for", role]);
    assert_eq!(alone.status, USAGE, "{}", alone.screen);

    let saved = save(role);
    assert_eq!(saved.status, DONE, "{}", saved.screen);
    assert_eq!(saved.mutating, [] as [String; 0]);
    let apply = ["up", STACK, "--plan", &plan];
    let third = run(&act("admin").await, &apply);
    let faults: Vec<String> = [
        (third.status != REFUSED).then(|| third.screen.clone()),
        (!third.raw.contains("fde::plan::identity")).then(|| third.screen.clone()),
        (third.calls != ["sts:GetCallerIdentity"]).then(|| format!("{:?}", third.calls)),
        // The command to run again makes a plan for the same role.
        (!third.stderr.contains("--plan-for")).then(|| third.screen.clone()),
    ]
    .into_iter()
    .flatten()
    .collect();
    tell("a plan for one role applied by a third", 1, &faults);
    let named = run(&deployer, &apply);
    assert_eq!(named.status, DONE, "{}", named.screen);
    assert!(!named.mutating.is_empty());
    fs::remove_file(&plan).expect("the plan can be removed");
    world.destroy(SHOP).await;
}

/// The request is in the plan: it is applied without saying it again, and cannot be said beside it.
#[tokio::test]
async fn the_request_is_part_of_the_plan() {
    let world = World::new("e2e-plan-request").await;
    let program = Program::of(&world);
    let set = "resources.topic.properties.displayName=Mall";
    let asked = ["--target", "topic", "--set", set, "--save-plan", PLAN];
    let ended = program.run(SHOP, "preview", &asked);
    assert_eq!(ended.status, DONE, "{}", ended.screen);

    let mut refused = Vec::new();
    for beside in [
        ["--set", set],
        ["--target", "vpc"],
        ["--exclude", "vpc"],
        ["--replace", "vpc"],
        ["--allow-delete", "vpc"],
    ] {
        let ended = program.run_words(&[&APPLY[..], &beside].concat());
        assert_eq!(ended.status, USAGE, "{}", ended.screen);
        assert_eq!(ended.calls, [] as [String; 0]);
        refused.push(ended);
    }
    // The file of then is taken where none is named; and a variable that CI leaves empty says nothing.
    let program = program
        .with("FDE_INFRA_SET", "")
        .with("FDE_INFRA_SAVE_PLAN", "");
    let ended = program.run_words(&["up", "--plan", PLAN]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    let saved = Saved {
        world: &world,
        program,
    };
    assert_eq!(saved.display_name().await, "Mall");
    let there = world.sdk.tagged(&world.stack_tag()).await;
    assert_eq!(there.len(), 1, "{there:?}");
    check_screens("saved_plan_usage", &[&refused[0], &refused[1]]);
    world.destroy(SHOP).await;
}

/// Killed while it applies a plan, the program does not go on with it: the live state is another now.
#[tokio::test]
async fn an_interrupted_plan_is_refused() {
    let world = World::new("e2e-plan-killed").await;
    let reached = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&reached);
    let proxy = Proxy::before(endpoint(), move |call| {
        if call.operation == "CreateSubnet" {
            seen.store(true, Ordering::SeqCst);
            // The program is killed while it waits.
            std::thread::sleep(Duration::from_secs(60));
        }
        None
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let ended = program.run(SHOP, "preview", &SAVE);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    // One after the other, so that the same objects are always there.
    let mut child = program.start(&[&APPLY[..], &["--parallel", "1"]].concat());
    let started = Instant::now();
    while !reached.load(Ordering::SeqCst) {
        assert!(started.elapsed() < Duration::from_secs(60), "no subnet");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    child.kill().expect("the program runs");
    child.wait().expect("the program ends");

    let ended = program.run_words(&APPLY);
    let faults: Vec<String> = fault(&ended, "begun").into_iter().collect();
    tell("a saved plan applied after a kill half-way", 1, &faults);
    check_screens("saved_plan_interrupted", &[&ended]);
    // Without it, the next `up` finishes the job.
    world.up(SHOP).await;
    world.destroy(SHOP).await;
}

#[tokio::test]
async fn what_is_no_saved_plan_is_told_apart() {
    let world = World::new("e2e-plan-damaged").await;
    let saved = Saved::edit(&world).await;
    let original = fs::read_to_string(saved.path()).expect("there is a plan");
    let mut refused = vec![
        saved
            .program
            .run_words(&["up", STACK, "--plan", "nowhere.json"]),
    ];
    let newer = original.replace("\"format\": 1", "\"format\": 2");
    let flipped = original.replacen("\"stack\": \"e2e", "\"stack\": \"f2e", 1);
    for text in [
        &original[..original.len() / 2],
        &flipped,
        &newer,
        "{ \"version\": 4, \"planned_values\": {} }",
        "name: shop\nenvironment: dev\n",
        "",
    ] {
        assert_ne!(text, original);
        fs::write(saved.path(), text).expect("the plan can be written");
        refused.push(saved.apply());
    }
    // It would be waited for until another process writes into it.
    fs::remove_file(saved.path()).expect("the plan can be removed");
    let made = Command::new("mkfifo").arg(saved.path()).status();
    assert!(made.expect("mkfifo is there").success());
    refused.push(saved.apply());
    for ended in &refused {
        assert_eq!(ended.status, USAGE, "{}", ended.screen);
        assert_eq!(ended.calls, [] as [String; 0], "{}", ended.screen);
    }
    let refused: Vec<&Ended> = refused.iter().collect();
    check_screens("saved_plan_damaged", &refused);
    world.destroy(SHOP).await;
}

/// Nothing to do is a plan as well, and stays right however often it is applied.
#[tokio::test]
async fn an_empty_plan_can_be_saved_and_applied() {
    let world = World::new("e2e-plan-empty").await;
    world.up(SHOP).await;
    let program = Program::of(&world);
    let nothing = ["--save-plan", PLAN, "--expect-no-changes"];
    let ended = program.run(SHOP, "preview", &nothing);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    for _ in 0..2 {
        let ended = program.run_words(&APPLY);
        assert_eq!(ended.status, DONE, "{}", ended.screen);
        assert_eq!(ended.mutating, [] as [String; 0]);
    }
    // A place that cannot be written to is reported before the user relies on it.
    let ended = program.run_words(&["preview", STACK, "--save-plan", "nowhere/plan.json"]);
    assert_eq!(ended.status, Some(1), "{}", ended.screen);
    check_screens("saved_plan_unwritable", &[&ended]);
    world.destroy(SHOP).await;
}
