//! Data is never deleted as a side effect (`promises.md` R6): for each kind that holds data, what an edit of the file, a
//! flag or `destroy` may do to it, without and with consent.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use aws_sdk_cloudwatchlogs::types::InputLogEvent;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_s3::primitives::ByteStream;
use fde_infra::aws::registry::catalog;

use crate::common::program::{Ended, Program};
use crate::common::sdk::Sdk;
use crate::common::showing::Showing;
use crate::common::{World, endpoint};

/// The exit status if a guard refuses (`design.md` §6).
const REFUSED: Option<i32> = Some(5);

/// A kind that holds data.
#[async_trait]
pub trait Kind: Sync {
    fn token(&self) -> &'static str;

    /// The resources that it needs, as entries of `resources:`. They may hold data, too.
    fn needs(&self) -> &'static str {
        ""
    }

    /// Properties of the object under test, and others that only a new object can have.
    fn properties(&self) -> [&'static str; 2];

    /// Puts data into it.
    async fn fill(&self, sdk: &Sdk, id: &str);

    /// Returns whether it is there, with its data.
    async fn holds(&self, sdk: &Sdk, id: &str) -> bool;

    /// Checks the objects that a consented deletion must have left behind.
    async fn check_left(&self, _sdk: &Sdk, _id: &str) {}
}

struct Case<'a> {
    kind: &'a dyn Kind,
    world: World,
}

impl Case<'_> {
    /// The file with the object under this key, in one of its two forms.
    fn file(&self, key: &str, form: usize) -> String {
        format!(
            "{}\n{key}: {{ type: {}, properties: {} }}",
            self.kind.needs(),
            self.kind.token(),
            self.kind.properties()[form],
        )
    }

    async fn id(&self, key: &str, form: usize) -> String {
        self.world.id(&self.file(key, form), key).await
    }

    async fn holds(&self, id: &str) -> bool {
        self.kind.holds(&self.world.sdk, id).await
    }

    async fn fill(&self, id: &str) {
        self.kind.fill(&self.world.sdk, id).await;
        assert!(self.holds(id).await, "`{id}` took no data");
    }
}

/// Asserts that an operation without consent is refused: nothing is sent, and the message says what to type.
pub fn assert_refused(ended: &Ended, consent: &str, what: &str) {
    assert_eq!(ended.status, REFUSED, "{what}: {ended:#?}");
    assert_eq!(ended.mutating, [] as [String; 0], "{what}");
    assert!(
        ended.stderr.contains("nothing was changed"),
        "{what}: {ended:#?}"
    );
    assert!(ended.stderr.contains(consent), "{what}: {ended:#?}");
}

fn assert_done(ended: &Ended, what: &str) {
    assert_eq!(ended.status, Some(0), "{what}: {ended:#?}");
    // The way in which refused runs are measured works.
    let counted = std::env::var_os("AWS_ENDPOINT_URL").is_none();
    assert_eq!(counted, !ended.mutating.is_empty(), "{what}");
}

/// Every kind that holds data: what the program says of its types is held to this.
const KINDS: [&dyn Kind; 6] = [&Database, &Bucket, &Secret, &Repository, &LogGroup, &Key];

#[test]
fn every_kind_that_holds_data_is_tested() {
    let tested: BTreeSet<&str> = KINDS.iter().map(|kind| kind.token()).collect();
    let catalog = catalog();
    let stateful = catalog.iter().filter(|schema| schema.stateful);
    let stateful: BTreeSet<&str> = stateful.map(|schema| schema.token).collect();
    assert_eq!(tested, stateful);
}

/// Everything that could make the object go, first without consent, then with it.
async fn check(name: &str, kind: &dyn Kind, what: &'static str) {
    // Four ways to lose it without consent, three with it, and a new key.
    let _shown = Showing::of("R6", what, 9);
    let case = Case {
        kind,
        world: World::in_environment(name, "prod").await,
    };
    let program = Program::of(&case.world);
    let sdk = &case.world.sdk;
    case.world.up(&case.file("kept", 0)).await;
    let id = case.id("kept", 0).await;
    case.fill(&id).await;

    // Without consent.
    let yes = ["--yes"];
    for (what, file, arguments) in [
        ("replaced", case.file("kept", 1), &yes[..]),
        (
            "--replace",
            case.file("kept", 0),
            &["--yes", "--replace", "kept"],
        ),
        ("removed", kind.needs().to_owned(), &yes),
    ] {
        let ended = program.run(&file, "up", arguments);
        assert_refused(&ended, "--allow-delete kept", what);
        assert!(case.holds(&id).await, "{what}");
    }
    let ended = program.run(&case.file("kept", 0), "destroy", &yes);
    assert_eq!(ended.status, REFUSED, "destroy: {ended:#?}");
    assert!(ended.stderr.contains("--allow-delete kept"), "{ended:#?}");
    assert!(case.holds(&id).await, "destroy");

    // The same thing under another key is no loss, so it needs no consent.
    for (from, to) in [("kept", "renamed"), ("renamed", "kept")] {
        let ended = program.run(&case.file(to, 0), "up", &yes);
        assert_done(&ended, "given another key");
        assert!(
            ended.stdout.contains(&format!("renamed from {from}")),
            "{ended:#?}"
        );
        assert_eq!(case.id(to, 0).await, id);
        assert!(case.holds(&id).await, "given another key");
    }

    // With consent.
    let consent = ["--yes", "--allow-delete", "kept"];
    let ended = program.run(&case.file("kept", 1), "up", &consent);
    assert_done(&ended, "replaced with consent");
    let second = case.id("kept", 1).await;
    if second != id {
        assert!(!case.holds(&id).await, "{id} was replaced");
    }
    kind.check_left(sdk, &id).await;

    case.fill(&second).await;
    let ended = program.run(kind.needs(), "up", &consent);
    assert_done(&ended, "removed with consent");
    assert!(!case.holds(&second).await, "{second} was removed");
    kind.check_left(sdk, &second).await;

    case.world.up(&case.file("kept", 0)).await;
    let last = case.id("kept", 0).await;
    let everything = ["--yes", "--allow-delete", "*"];
    let ended = program.run(&case.file("kept", 0), "destroy", &everything);
    assert_done(&ended, "destroyed with consent");
    assert!(!case.holds(&last).await, "{last} was destroyed");
    kind.check_left(sdk, &last).await;
}

struct Database;

const PASSWORD: &str = "\
password:
  type: aws:secretsmanager:Secret
  properties:
    generateSecretString: { secretStringTemplate: { username: app }, generateStringKey: password, excludePunctuation: true }
";

#[async_trait]
impl Kind for Database {
    fn token(&self) -> &'static str {
        "aws:rds:Instance"
    }

    fn needs(&self) -> &'static str {
        PASSWORD
    }

    fn properties(&self) -> [&'static str; 2] {
        [
            "{ identifier: e2e-data, engine: postgres, instanceClass: db.t3.micro, allocatedStorage: 20, username: app, masterPasswordSecretArn: '${password.arn}' }",
            "{ identifier: e2e-data, engine: postgres, instanceClass: db.t3.micro, allocatedStorage: 20, username: app, masterPasswordSecretArn: '${password.arn}', dbName: shop }",
        ]
    }

    /// An instance is never empty: its first backup is as old as itself.
    async fn fill(&self, _sdk: &Sdk, _id: &str) {}

    async fn holds(&self, sdk: &Sdk, id: &str) -> bool {
        sdk.rds
            .describe_db_instances()
            .db_instance_identifier(id)
            .send()
            .await
            .is_ok()
    }

    async fn check_left(&self, sdk: &Sdk, id: &str) {
        let left = final_snapshots(sdk, id).await;
        assert!(!left.is_empty(), "no final snapshot of `{id}`");
        for snapshot in left {
            assert_is_left(sdk, &snapshot).await;
        }
    }
}

/// Its stack can be told, but it is not the stack's any more.
async fn assert_is_left(sdk: &Sdk, snapshot: &str) {
    let answer = sdk.rds.describe_db_snapshots();
    let answer = answer.db_snapshot_identifier(snapshot).send().await;
    let answer = answer.expect("the snapshot can be described");
    let tags = answer.db_snapshots()[0].tag_list().iter();
    let tags: BTreeMap<&str, &str> = tags
        .filter_map(|tag| Some((tag.key()?, tag.value()?)))
        .collect();
    assert_eq!(
        tags.get("project"),
        Some(&"end-to-end"),
        "{snapshot}: {tags:?}"
    );
    let mut ours = tags.iter().filter(|(key, _)| key.starts_with("fde:"));
    let only = ours.next();
    assert!(
        only.is_some_and(|(key, stack)| *key == "fde:left-by" && stack.starts_with("e2e-data-")),
        "{snapshot}: {tags:?}"
    );
    assert_eq!(ours.next(), None, "{snapshot}: {tags:?}");
}

async fn final_snapshots(sdk: &Sdk, id: &str) -> Vec<String> {
    let answer = sdk
        .rds
        .describe_db_snapshots()
        .db_instance_identifier(id)
        .send()
        .await
        .expect("snapshots can be listed");
    answer
        .db_snapshots()
        .iter()
        .filter_map(|snapshot| snapshot.db_snapshot_identifier())
        .filter(|name| name.starts_with(&format!("{id}-final-")))
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn a_database() {
    check(
        "e2e-data-database",
        &Database,
        "a database: replaced, removed, renamed, destroyed; without and with consent",
    )
    .await;
}

struct Bucket;

#[async_trait]
impl Kind for Bucket {
    fn token(&self) -> &'static str {
        "aws:s3:Bucket"
    }

    fn properties(&self) -> [&'static str; 2] {
        [
            "{ bucket: fde-e2e-data-one }",
            "{ bucket: fde-e2e-data-two }",
        ]
    }

    async fn fill(&self, sdk: &Sdk, id: &str) {
        sdk.s3
            .put_object()
            .bucket(id)
            .key("invoices/1")
            .body(ByteStream::from_static(b"42"))
            .send()
            .await
            .expect("the object can be put");
    }

    async fn holds(&self, sdk: &Sdk, id: &str) -> bool {
        let object = sdk.s3.head_object().bucket(id).key("invoices/1").send();
        object.await.is_ok()
    }
}

#[tokio::test]
async fn a_bucket_with_objects() {
    check(
        "e2e-data-bucket",
        &Bucket,
        "a bucket with objects: the same",
    )
    .await;
}

struct Secret;

#[async_trait]
impl Kind for Secret {
    fn token(&self) -> &'static str {
        "aws:secretsmanager:Secret"
    }

    fn properties(&self) -> [&'static str; 2] {
        [
            "{ name: e2e/data/one, recoveryWindowInDays: 7 }",
            "{ name: e2e/data/two, recoveryWindowInDays: 7 }",
        ]
    }

    async fn fill(&self, sdk: &Sdk, id: &str) {
        sdk.secrets
            .put_secret_value()
            .secret_id(id)
            .secret_string("somebody's own")
            .send()
            .await
            .expect("the value can be put");
    }

    async fn holds(&self, sdk: &Sdk, id: &str) -> bool {
        let value = sdk.secrets.get_secret_value().secret_id(id).send();
        value
            .await
            .is_ok_and(|value| value.secret_string() == Some("somebody's own"))
    }

    /// It is in its recovery window, unless it was restored under another key.
    async fn check_left(&self, sdk: &Sdk, id: &str) {
        let secret = sdk.secrets.describe_secret().secret_id(id).send().await;
        let secret = secret.expect("a deleted secret is known through its window");
        assert!(secret.deleted_date().is_some() || self.holds(sdk, id).await);
    }
}

#[tokio::test]
async fn a_secret() {
    check("e2e-data-secret", &Secret, "a secret: the same").await;
}

struct Repository;

const MANIFEST: &str = r#"{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","config":{"mediaType":"application/vnd.docker.container.image.v1+json","size":7023,"digest":"sha256:b5b2b2c507a0944348e0303114d8d93aaaa081732b86451d9bce1f432a537bc7"},"layers":[]}"#;

#[async_trait]
impl Kind for Repository {
    fn token(&self) -> &'static str {
        "aws:ecr:Repository"
    }

    fn properties(&self) -> [&'static str; 2] {
        ["{ name: e2e/data-one }", "{ name: e2e/data-two }"]
    }

    async fn fill(&self, sdk: &Sdk, id: &str) {
        sdk.ecr
            .put_image()
            .repository_name(id)
            .image_manifest(MANIFEST)
            .image_tag("latest")
            .send()
            .await
            .expect("the image can be put");
    }

    async fn holds(&self, sdk: &Sdk, id: &str) -> bool {
        let images = sdk.ecr.list_images().repository_name(id).send().await;
        images.is_ok_and(|images| !images.image_ids().is_empty())
    }
}

#[tokio::test]
async fn a_repository_with_images() {
    check(
        "e2e-data-repository",
        &Repository,
        "a repository with images: the same",
    )
    .await;
}

pub struct LogGroup;

#[async_trait]
impl Kind for LogGroup {
    fn token(&self) -> &'static str {
        "aws:cloudwatch:LogGroup"
    }

    fn properties(&self) -> [&'static str; 2] {
        ["{ name: /e2e/data/one }", "{ name: /e2e/data/two }"]
    }

    async fn fill(&self, sdk: &Sdk, id: &str) {
        write_line(sdk, id).await;
    }

    async fn holds(&self, sdk: &Sdk, id: &str) -> bool {
        let streams = sdk.logs.describe_log_streams().log_group_name(id).send();
        streams
            .await
            .is_ok_and(|streams| !streams.log_streams().is_empty())
    }
}

pub async fn write_line(sdk: &Sdk, group: &str) {
    sdk.logs
        .create_log_stream()
        .log_group_name(group)
        .log_stream_name("one")
        .send()
        .await
        .expect("a stream can be made");
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("it is after 1970");
    let line = InputLogEvent::builder()
        .message("it happened")
        .timestamp(i64::try_from(now.as_millis()).expect("it is before the year 292278994"))
        .build()
        .expect("a line has text and time");
    sdk.logs
        .put_log_events()
        .log_group_name(group)
        .log_stream_name("one")
        .log_events(line)
        .send()
        .await
        .expect("a line can be written");
}

#[tokio::test]
async fn a_log_group() {
    check(
        "e2e-data-log-group",
        &LogGroup,
        "a log group with lines: the same",
    )
    .await;
}

/// `onDelete: snapshot`, the default of staging, where there can be no snapshot: the data stays until it is agreed to.
async fn check_without_snapshot(name: &str, kind: &dyn Kind) {
    let what = "what there is no snapshot of, in staging: destroyed only with consent";
    let _shown = Showing::of("R6", what, 2);
    let world = World::in_environment(name, "staging").await;
    let program = Program::of(&world);
    let file = format!("kept: {{ type: {} }}", kind.token());
    world.up(&file).await;
    let id = world.id(&file, "kept").await;
    kind.fill(&world.sdk, &id).await;
    let ended = program.run(&file, "destroy", &["--yes"]);
    assert_eq!(ended.status, REFUSED, "{ended:#?}");
    assert_eq!(ended.mutating, [] as [String; 0]);
    assert!(ended.stderr.contains("--allow-delete kept"), "{ended:#?}");
    // Nothing is promised that would not be there.
    assert!(ended.stderr.contains("nothing could be left"), "{ended:#?}");
    let screen = &ended.screen;
    assert!(
        !screen.contains("a final snapshot") && !screen.contains("recovery"),
        "{screen}"
    );
    assert!(kind.holds(&world.sdk, &id).await);
    let ended = program.run(&file, "destroy", &["--yes", "--allow-delete", "kept"]);
    assert!(ended.stdout.contains("its data is lost"), "{ended:#?}");
    assert_done(&ended, "destroyed with consent");
    assert!(!kind.holds(&world.sdk, &id).await);
}

#[tokio::test]
async fn there_is_no_snapshot_of_a_bucket() {
    check_without_snapshot("e2e-data-bucket-staging", &Bucket).await;
}

#[tokio::test]
async fn there_is_no_snapshot_of_a_repository() {
    check_without_snapshot("e2e-data-repository-staging", &Repository).await;
}

#[tokio::test]
async fn there_is_no_snapshot_of_a_log_group() {
    check_without_snapshot("e2e-data-log-group-staging", &LogGroup).await;
}

struct Key;

/// Its data is what it has encrypted. Nothing about it wants another key.
#[async_trait]
impl Kind for Key {
    fn token(&self) -> &'static str {
        "aws:kms:Key"
    }

    fn properties(&self) -> [&'static str; 2] {
        ["{}", "{}"]
    }

    async fn fill(&self, sdk: &Sdk, id: &str) {
        let encrypt = sdk.kms.encrypt().key_id(id).plaintext(Blob::new("text"));
        encrypt.send().await.expect("it can encrypt");
    }

    async fn holds(&self, sdk: &Sdk, id: &str) -> bool {
        let key = sdk.kms.describe_key().key_id(id).send().await;
        let key = key.ok().and_then(|key| key.key_metadata);
        key.is_some_and(|key| key.enabled())
    }
}

#[tokio::test]
async fn a_key() {
    let world = World::in_environment("e2e-data-key", "prod").await;
    let program = Program::of(&world);
    let file = "kept: { type: aws:kms:Key }";
    world.up(file).await;
    let id = world.id(file, "kept").await;
    Key.fill(&world.sdk, &id).await;
    for (what, file, arguments) in [
        ("--replace", file, &["--yes", "--replace", "kept"][..]),
        ("removed", "", &["--yes"]),
    ] {
        let ended = program.run(file, "up", arguments);
        assert_refused(&ended, "--allow-delete kept", what);
        assert!(Key.holds(&world.sdk, &id).await, "{what}");
    }
    let ended = program.run("", "up", &["--yes", "--allow-delete", "kept"]);
    assert_done(&ended, "removed with consent");
    assert!(!Key.holds(&world.sdk, &id).await);
    let way_back = "aws kms cancel-key-deletion";
    assert!(ended.raw.contains(way_back), "{ended:#?}");
}

#[tokio::test]
async fn there_is_no_snapshot_of_a_key() {
    check_without_snapshot("e2e-data-key-staging", &Key).await;
}

/// A replica has nothing that its source does not have, so nothing is left of it, and nothing is promised.
#[tokio::test]
async fn a_replica_promises_no_snapshot() {
    let world = World::in_environment("e2e-data-replica", "staging").await;
    let program = Program::of(&world);
    let source = format!(
        "{PASSWORD}\nsource: {{ type: aws:rds:Instance, properties: {{ identifier: e2e-data-source, engine: postgres, instanceClass: db.t3.micro, allocatedStorage: 20, username: app, backupRetentionPeriod: 1, masterPasswordSecretArn: '${{password.arn}}' }} }}"
    );
    let both = format!(
        "{source}\ncopy: {{ type: aws:rds:Instance, properties: {{ identifier: e2e-data-copy, instanceClass: db.t3.micro, replicateSourceDb: '${{source.identifier}}' }} }}"
    );
    world.up(&both).await;
    let ended = program.run(&source, "up", &["--yes", "--allow-delete", "copy"]);
    assert_done(&ended, "the replica is removed");
    let words = ended
        .stdout
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(words.contains("it is a copy"), "{}", ended.screen);
    assert!(!words.contains("final snapshot"), "{}", ended.screen);
    assert_eq!(
        final_snapshots(&world.sdk, "e2e-data-copy").await,
        [] as [String; 0]
    );
    world.destroy(&source).await;
}

/// `onDelete: snapshot` where there can be one: `destroy` needs no consent, and leaves a snapshot from which the data can be
/// restored.
async fn check_with_snapshot(name: &str, kind: &dyn Kind, what: &'static str) {
    let _shown = Showing::of("R6", what, 1);
    let world = World::in_environment(name, "staging").await;
    let program = Program::of(&world);
    let file = format!(
        "{}\nkept: {{ type: {}, properties: {} }}",
        kind.needs(),
        kind.token(),
        kind.properties()[0]
            .replace("e2e-data", "e2e-data-staging")
            .replace("e2e/data", "e2e/data-staging"),
    );
    world.up(&file).await;
    let id = world.id(&file, "kept").await;
    kind.fill(&world.sdk, &id).await;
    let ended = program.run(&file, "destroy", &["--yes"]);
    assert_done(&ended, "destroyed");
    assert!(!kind.holds(&world.sdk, &id).await);
    kind.check_left(&world.sdk, &id).await;
}

#[tokio::test]
async fn a_snapshot_is_left_of_a_database() {
    let what = "a database in staging: destroyed, with a final snapshot";
    check_with_snapshot("e2e-data-database-staging", &Database, what).await;
}

#[tokio::test]
async fn a_recovery_window_is_left_of_a_secret() {
    let what = "a secret in staging: destroyed, with a recovery window";
    check_with_snapshot("e2e-data-secret-staging", &Secret, what).await;
}

/// `destroy` in dev deletes data: that is what the file says of it. AWS's own switch still needs consent.
#[tokio::test]
async fn a_guarded_database_is_not_destroyed_in_passing() {
    let what = "a database with deletionProtection, in dev: destroyed only with consent";
    let _shown = Showing::of("R6", what, 2);
    let world = World::new("e2e-data-guarded").await;
    let program = Program::of(&world);
    let resources = format!(
        "{PASSWORD}\nkept: {{ type: aws:rds:Instance, properties: {{ identifier: e2e-data-guarded, engine: postgres, instanceClass: db.t3.micro, allocatedStorage: 20, username: app, masterPasswordSecretArn: '${{password.arn}}', deletionProtection: true }} }}"
    );
    world.up(&resources).await;
    let ended = program.run(&resources, "destroy", &["--yes"]);
    assert_refused(&ended, "--allow-delete kept", "destroy");
    assert!(
        ended.stderr.contains("has `deletionProtection` on"),
        "{ended:#?}"
    );
    assert!(Database.holds(&world.sdk, "e2e-data-guarded").await);

    let ended = program.run(&resources, "destroy", &["--yes", "--allow-delete", "kept"]);
    assert_done(&ended, "destroyed with consent");
    assert!(!Database.holds(&world.sdk, "e2e-data-guarded").await);
}

/// Protection stays when its line, or the whole resource, is gone from the file; consent does not help.
#[tokio::test]
async fn protection_outlives_its_line() {
    let what = "protected, its line gone from the file: removed, destroyed; consent does not help";
    let _shown = Showing::of("R6", what, 3);
    // A leftover of a run that died here is protected from the next.
    let leftover = Sdk::new(endpoint())
        .await
        .s3
        .delete_bucket()
        .bucket("fde-e2e-data-protected")
        .send();
    drop(leftover.await);
    let world = World::new("e2e-data-protected").await;
    let program = Program::of(&world);
    let resource = |options: &str| {
        format!(
            "kept: {{ type: aws:s3:Bucket, properties: {{ bucket: fde-e2e-data-protected }}{options} }}"
        )
    };
    world.up(&resource(", options: { protect: true }")).await;
    let ran = world.up(&resource("")).await;
    assert!(ran.plan.is_empty(), "{:#?}", ran.plan.steps);

    let consent = ["--yes", "--allow-delete", "*"];
    for (what, file, command) in [
        ("removed", String::new(), "up"),
        ("destroyed", resource(""), "destroy"),
    ] {
        let ended = program.run(&file, command, &consent);
        assert_refused(&ended, "protect: false", what);
        assert!(
            Bucket
                .holds_bucket(&world.sdk, "fde-e2e-data-protected")
                .await,
            "{what}"
        );
    }

    world.up(&resource(", options: { protect: false }")).await;
    let ended = program.run("", "up", &consent);
    assert_done(&ended, "protection was taken off");
    assert!(
        !Bucket
            .holds_bucket(&world.sdk, "fde-e2e-data-protected")
            .await
    );
}

impl Bucket {
    async fn holds_bucket(&self, sdk: &Sdk, name: &str) -> bool {
        sdk.s3.head_bucket().bucket(name).send().await.is_ok()
    }
}

/// `retainOnDelete`: a resource that leaves the file, or whose stack goes, stays as it is; also one that holds no data.
#[tokio::test]
async fn what_is_retained_stays() {
    let what = "retainOnDelete: left out of the file, destroyed, replaced: it stays";
    let _shown = Showing::of("R6", what, 4);
    let world = World::new("e2e-data-retained").await;
    let program = Program::of(&world);
    let resources = |options: &str| {
        format!(
            "bucket: {{ type: aws:s3:Bucket, properties: {{ bucket: fde-e2e-data-retained }}{options} }}\n\
             topic: {{ type: aws:sns:Topic, properties: {{ name: e2e-data-retained }}{options} }}"
        )
    };
    let retained = resources(", options: { retainOnDelete: true }");
    world.up(&retained).await;
    let topic = world.id(&retained, "topic").await;
    Bucket.fill(&world.sdk, "fde-e2e-data-retained").await;
    for (what, file, command) in [
        ("left the file", String::new(), "up"),
        ("destroyed", retained.clone(), "destroy"),
        ("destroyed without its lines", String::new(), "destroy"),
    ] {
        let ended = program.run(&file, command, &["--yes"]);
        assert_eq!(ended.status, Some(0), "{what}: {ended:#?}");
        assert_eq!(ended.mutating, [] as [String; 0], "{what}");
        assert!(
            Bucket.holds(&world.sdk, "fde-e2e-data-retained").await,
            "{what}"
        );
        let there = world
            .sdk
            .sns
            .get_topic_attributes()
            .topic_arn(&topic)
            .send()
            .await;
        assert!(there.is_ok(), "{what}: {there:?}");
    }
    let other = retained.replace("name: e2e-data-retained", "name: e2e-data-retained-other");
    let ended = program.run(&other, "up", &["--yes"]);
    assert_refused(&ended, "retainOnDelete", "replaced");
    // Brought back without the option, it is as any other.
    world.up(&resources("")).await;
    world.destroy(&resources("")).await;
    assert!(
        !Bucket
            .holds_bucket(&world.sdk, "fde-e2e-data-retained")
            .await
    );
}

/// The recovery window of a deleted secret is no obstacle to the next `up`: it comes back, with its value.
#[tokio::test]
async fn a_deleted_secret_is_restored() {
    let world = World::in_environment("e2e-data-restored", "staging").await;
    let resources = "kept: { type: aws:secretsmanager:Secret, properties: { name: e2e/data/restored, recoveryWindowInDays: 7, description: first } }";
    world.up(resources).await;
    let id = world.id(resources, "kept").await;
    Secret.fill(&world.sdk, &id).await;
    world.destroy(resources).await;
    assert!(!Secret.holds(&world.sdk, &id).await);

    let edited = resources.replace("first", "second");
    world.up(&edited).await;
    assert_eq!(world.id(&edited, "kept").await, id);
    assert!(Secret.holds(&world.sdk, &id).await);
    let secret = world
        .sdk
        .secrets
        .describe_secret()
        .secret_id(&id)
        .send()
        .await;
    let secret = secret.expect("the secret is there");
    assert_eq!(secret.description(), Some("second"));
    assert_eq!(world.sdk.name_of(&id).await.as_deref(), Some("kept"));
}
