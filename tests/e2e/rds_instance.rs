//! `aws:rds:Instance`.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use crate::common::program::Program;
use crate::common::proxy::Proxy;
use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;
use crate::common::{World, indent};
use fde_infra::execute::Outcome;
use fde_infra::plan::{Op, Refusal};

struct Instance;

const NEEDS: &str = "
vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
a: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.0.0/24, availabilityZone: eu-south-2a } }
b: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.1.0/24, availabilityZone: eu-south-2b } }
subnets: { type: aws:rds:SubnetGroup, properties: { name: e2e-instance-subnets, subnetIds: ['${a.id}', '${b.id}'] } }
others: { type: aws:rds:SubnetGroup, properties: { name: e2e-instance-others, subnetIds: ['${a.id}', '${b.id}'] } }
first: { type: aws:ec2:SecurityGroup, properties: { name: e2e-instance-first, description: first, vpcId: '${vpc.id}' } }
second: { type: aws:ec2:SecurityGroup, properties: { name: e2e-instance-second, description: second, vpcId: '${vpc.id}' } }
quick: { type: aws:rds:ParameterGroup, properties: { name: e2e-instance-quick, family: postgres15 } }
slow: { type: aws:rds:ParameterGroup, properties: { name: e2e-instance-slow, family: postgres15 } }
secret:
  type: aws:secretsmanager:Secret
  properties:
    generateSecretString: { secretStringTemplate: { username: app }, generateStringKey: password, excludePunctuation: true }
role:
  type: aws:iam:Role
  properties:
    name: e2e-instance-monitoring
    assumeRolePolicy: { Version: '2012-10-17', Statement: [{ Effect: Allow, Principal: { Service: monitoring.rds.amazonaws.com }, Action: 'sts:AssumeRole' }] }
watcher:
  type: aws:iam:Role
  properties:
    name: e2e-instance-watcher
    assumeRolePolicy: { Version: '2012-10-17', Statement: [{ Effect: Allow, Principal: { Service: monitoring.rds.amazonaws.com }, Action: 'sts:AssumeRole' }] }
";

const BASE: &str = "
engine: postgres
engineVersion: '15'
instanceClass: db.t3.micro
allocatedStorage: 20
username: app
masterPasswordSecretArn: ${secret.arn}
dbSubnetGroupName: ${subnets.name}
vpcSecurityGroupIds: ['${first.id}']
parameterGroupName: ${quick.name}
";

const KEYS: [&str; 2] = [
    "arn:aws:kms:eu-south-2:123456789012:key/11111111-2222-3333-4444-555555555555",
    "arn:aws:kms:eu-south-2:123456789012:key/66666666-2222-3333-4444-555555555555",
];

/// A switch, with its default.
fn switch(shows: &'static str, on: &'static str, off: &'static str, unset: bool) -> Edit {
    Edit::in_place(shows, (on, true), (off, false)).removed(unset)
}

/// Changes that act at once, and have no way back to the base but by the last word of AWS.
fn sizes() -> Vec<Edit> {
    vec![
        Edit::in_place(
            "/class",
            ("instanceClass: db.t3.small", "db.t3.small"),
            ("instanceClass: db.t3.medium", "db.t3.medium"),
        ),
        Edit::in_place(
            "/limit",
            ("maxAllocatedStorage: 50", 50),
            ("maxAllocatedStorage: 100", 100),
        )
        .removed(Json::Null),
        Edit::in_place(
            "/storage",
            ("storageType: gp3", "gp3"),
            ("storageType: gp2", "gp2"),
        )
        .removed("gp3"),
        // Storage and versions only grow, so these are instances of their own, and the way back is a new one.
        Edit::in_place(
            "/size",
            (
                "{ identifier: e2e-instance-large, allocatedStorage: 25 }",
                25,
            ),
            (
                "{ identifier: e2e-instance-large, allocatedStorage: 40 }",
                40,
            ),
        )
        .removed(20),
        Edit::in_place(
            "/iops",
            (
                "{ identifier: e2e-instance-fast, allocatedStorage: 400, iops: 12000 }",
                12000,
            ),
            (
                "{ identifier: e2e-instance-fast, allocatedStorage: 400, iops: 13000 }",
                13000,
            ),
        ),
        Edit::in_place(
            "/throughput",
            (
                "{ identifier: e2e-instance-wide, allocatedStorage: 400, storageThroughput: 500 }",
                500,
            ),
            (
                "{ identifier: e2e-instance-wide, allocatedStorage: 400, storageThroughput: 600 }",
                600,
            ),
        ),
        // From 400 GiB on, gp3 has figures that every change of its size names again, and at 400 it gets others.
        Edit::in_place(
            "/size",
            (
                "{ identifier: e2e-instance-roomy, allocatedStorage: 400 }",
                400,
            ),
            (
                "{ identifier: e2e-instance-roomy, allocatedStorage: 450 }",
                450,
            ),
        ),
        Edit::in_place(
            "/iops",
            (
                "{ identifier: e2e-instance-growing, allocatedStorage: 100 }",
                3000,
            ),
            (
                "{ identifier: e2e-instance-growing, allocatedStorage: 400 }",
                12000,
            ),
        ),
        Edit::in_place(
            "/version",
            (
                "{ identifier: e2e-instance-old, parameterGroupName: null, engineVersion: '14.9' }",
                "14.9",
            ),
            (
                "{ identifier: e2e-instance-old, parameterGroupName: null, engineVersion: '14.17' }",
                "14.17",
            ),
        ),
        // A major version comes with a family of parameters.
        Edit::in_place(
            "/major",
            (
                "{ identifier: e2e-instance-major, parameterGroupName: null }",
                "15",
            ),
            (
                "{ identifier: e2e-instance-major, parameterGroupName: null, engineVersion: '16', allowMajorVersionUpgrade: true }",
                "16",
            ),
        ),
    ]
}

fn switches() -> Vec<Edit> {
    vec![
        switch("/multiAz", "multiAz: true", "multiAz: false", false),
        switch(
            "/public",
            "publiclyAccessible: true",
            "publiclyAccessible: false",
            false,
        ),
        switch(
            "/protection",
            "deletionProtection: true",
            "deletionProtection: false",
            false,
        ),
        switch(
            "/copyTags",
            "copyTagsToSnapshot: true",
            "copyTagsToSnapshot: false",
            false,
        ),
        switch(
            "/iam",
            "iamDatabaseAuthenticationEnabled: true",
            "iamDatabaseAuthenticationEnabled: false",
            false,
        ),
        switch(
            "/insights",
            "performanceInsightsEnabled: true",
            "performanceInsightsEnabled: false",
            false,
        ),
        switch(
            "/minor",
            "autoMinorVersionUpgrade: true",
            "autoMinorVersionUpgrade: false",
            true,
        ),
        // AWS does not keep whether it happens now or in the window; the property only affects other changes.
        Edit::in_place(
            "/class",
            (
                "{ applyImmediately: true, instanceClass: db.t3.small }",
                "db.t3.small",
            ),
            (
                "{ applyImmediately: false, instanceClass: db.t3.medium }",
                "db.t3.small",
            ),
        ),
    ]
}

fn settings() -> Vec<Edit> {
    vec![
        Edit::in_place(
            "/groups",
            ("vpcSecurityGroupIds: ['${first.id}']", json!(["first"])),
            (
                "vpcSecurityGroupIds: ['${second.id}', '${first.id}']",
                json!(["first", "second"]),
            ),
        ),
        Edit::in_place(
            "/parameters",
            ("parameterGroupName: ${quick.name}", "e2e-instance-quick"),
            ("parameterGroupName: ${slow.name}", "e2e-instance-slow"),
        ),
        Edit::in_place(
            "/insightsDays",
            (
                "{ performanceInsightsEnabled: true, performanceInsightsRetentionPeriod: 7 }",
                7,
            ),
            (
                "{ performanceInsightsEnabled: true, performanceInsightsRetentionPeriod: 731 }",
                731,
            ),
        ),
        Edit::in_place(
            "/monitoring",
            (
                "{ monitoringInterval: 60, monitoringRoleArn: '${role.arn}' }",
                60,
            ),
            (
                "{ monitoringInterval: 30, monitoringRoleArn: '${role.arn}' }",
                30,
            ),
        )
        .removed(0),
        Edit::in_place(
            "/monitoringRole",
            (
                "{ monitoringInterval: 60, monitoringRoleArn: '${role.arn}' }",
                "e2e-instance-monitoring",
            ),
            (
                "{ monitoringInterval: 60, monitoringRoleArn: '${watcher.arn}' }",
                "e2e-instance-watcher",
            ),
        )
        .removed(Json::Null),
        Edit::in_place(
            "/logs",
            (
                "enabledCloudwatchLogsExports: [upgrade, postgresql]",
                json!(["postgresql", "upgrade"]),
            ),
            (
                "enabledCloudwatchLogsExports: [upgrade]",
                json!(["upgrade"]),
            ),
        )
        .removed(json!([])),
        Edit::in_place("/port", ("port: 5433", 5433), ("port: 5434", 5434)),
        Edit::in_place(
            "/backupDays",
            ("backupRetentionPeriod: 3", 3),
            ("backupRetentionPeriod: 7", 7),
        ),
        Edit::in_place(
            "/backupWindow",
            ("backupWindow: 04:00-04:30", "04:00-04:30"),
            ("backupWindow: 05:00-05:30", "05:00-05:30"),
        ),
        Edit::in_place(
            "/maintenanceWindow",
            (
                "maintenanceWindow: sun:06:00-sun:06:30",
                "sun:06:00-sun:06:30",
            ),
            (
                "maintenanceWindow: Mon:06:00-Mon:06:30",
                "mon:06:00-mon:06:30",
            ),
        ),
        Edit::in_place(
            "/authority",
            ("caCertIdentifier: rds-ca-rsa4096-g1", "rds-ca-rsa4096-g1"),
            ("caCertIdentifier: rds-ca-ecc384-g1", "rds-ca-ecc384-g1"),
        ),
    ]
}

fn replacements() -> Vec<Edit> {
    vec![
        Edit::replaces(
            "/engine",
            ("engine: postgres", "postgres"),
            (
                "{ engine: mysql, engineVersion: '8.0.35', parameterGroupName: null }",
                "mysql",
            ),
        ),
        Edit::replaces(
            "/user",
            ("username: app", "app"),
            ("username: shop", "shop"),
        ),
        Edit::replaces("/database", ("dbName: one", "one"), ("dbName: two", "two")),
        Edit::replaces(
            "/zone",
            ("availabilityZone: eu-south-2a", "eu-south-2a"),
            ("availabilityZone: eu-south-2b", "eu-south-2b"),
        ),
        Edit::replaces(
            "/subnets",
            ("dbSubnetGroupName: ${subnets.name}", "e2e-instance-subnets"),
            ("dbSubnetGroupName: ${others.name}", "e2e-instance-others"),
        ),
        Edit::replaces(
            "/encrypted",
            ("storageEncrypted: true", true),
            ("storageEncrypted: false", false),
        ),
        Edit::replaces(
            "/key",
            (
                "{ storageEncrypted: true, kmsKeyId: 'arn:aws:kms:eu-south-2:123456789012:key/11111111-2222-3333-4444-555555555555' }",
                KEYS[0],
            ),
            (
                "{ storageEncrypted: true, kmsKeyId: 'arn:aws:kms:eu-south-2:123456789012:key/66666666-2222-3333-4444-555555555555' }",
                KEYS[1],
            ),
        ),
        Edit::replaces(
            "/identifier",
            ("identifier: E2E-Instance-One", "e2e-instance-one"),
            ("identifier: e2e-instance-two", "e2e-instance-two"),
        ),
    ]
}

#[async_trait]
impl ResourceTypeTest for Instance {
    fn token(&self) -> &'static str {
        "aws:rds:Instance"
    }

    fn needs(&self) -> &'static str {
        NEEDS
    }

    fn base(&self) -> &'static str {
        BASE
    }

    /// `masterPasswordSecretArn`, `performanceInsightsKmsKeyId` and `replicateSourceDb` have tests of their own below.
    fn edits(&self) -> Vec<Edit> {
        [sizes(), switches(), settings(), replacements()]
            .into_iter()
            .flatten()
            .collect()
    }

    fn without_a_row(&self) -> &'static [(&'static str, &'static str)] {
        &[
            (
                "masterPasswordSecretArn",
                "is not read back: a test of its own",
            ),
            (
                "performanceInsightsKmsKeyId",
                "is refused in place: a test of its own",
            ),
            (
                "allowMajorVersionUpgrade",
                "is a word of the request, not of the instance",
            ),
            (
                "replicateSourceDb",
                "makes a replica, or promotes it: a test of its own",
            ),
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let answer = sdk
            .rds
            .describe_db_instances()
            .db_instance_identifier(id)
            .send()
            .await
            .ok()?;
        let instance = answer.db_instances().first()?;
        let limit = instance.max_allocated_storage();
        let mut logs = instance.enabled_cloudwatch_logs_exports().to_vec();
        logs.sort_unstable();
        let version = instance.engine_version()?;
        let mut groups = Vec::new();
        for group in instance.vpc_security_groups() {
            groups.push(sdk.ec2_name(group.vpc_security_group_id()).await);
        }
        groups.sort_unstable();
        let role = instance.monitoring_role_arn();
        Some(json!({
            "identifier": instance.db_instance_identifier(),
            "engine": instance.engine(),
            "version": version,
            "major": version.split('.').next(),
            "user": instance.master_username(),
            "class": instance.db_instance_class(),
            "size": instance.allocated_storage(),
            "limit": limit.filter(|limit| Some(*limit) != instance.allocated_storage()),
            "storage": instance.storage_type(),
            "iops": instance.iops(),
            "throughput": instance.storage_throughput(),
            "encrypted": instance.storage_encrypted(),
            "key": instance.kms_key_id(),
            "database": instance.db_name(),
            "zone": instance.availability_zone(),
            "subnets": instance.db_subnet_group().and_then(|group| group.db_subnet_group_name()),
            "port": instance.endpoint().and_then(|endpoint| endpoint.port()),
            "groups": groups,
            "parameters": instance.db_parameter_groups().first()?.db_parameter_group_name(),
            "multiAz": instance.multi_az(),
            "public": instance.publicly_accessible(),
            "protection": instance.deletion_protection(),
            "copyTags": instance.copy_tags_to_snapshot(),
            "iam": instance.iam_database_authentication_enabled(),
            "insights": instance.performance_insights_enabled().unwrap_or(false),
            "insightsDays": instance.performance_insights_retention_period(),
            "insightsKey": instance.performance_insights_kms_key_id(),
            "minor": instance.auto_minor_version_upgrade(),
            "monitoring": instance.monitoring_interval().unwrap_or(0),
            "monitoringRole": role.and_then(|role| role.rsplit('/').next()),
            "logs": logs,
            "backupDays": instance.backup_retention_period(),
            "backupWindow": instance.preferred_backup_window(),
            "maintenanceWindow": instance.preferred_maintenance_window(),
            "authority": instance.ca_certificate_identifier(),
            "source": instance.read_replica_source_db_instance_identifier(),
        }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        sdk.rds
            .delete_db_instance()
            .db_instance_identifier(id)
            .skip_final_snapshot(true)
            .send()
            .await
            .is_ok()
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        sdk.rds
            .modify_db_instance()
            .db_instance_identifier(id)
            .deletion_protection(true)
            .apply_immediately(true)
            .send()
            .await
            .is_ok()
    }

    async fn foreign_tag(&self, sdk: &Sdk, id: &str, set: bool) -> Option<bool> {
        let answer = sdk
            .rds
            .describe_db_instances()
            .db_instance_identifier(id)
            .send()
            .await
            .ok()?;
        let arn = answer.db_instances().first()?.db_instance_arn()?;
        sdk.foreign_tag(arn, set).await
    }
}

#[tokio::test]
async fn instance() {
    check("e2e-rds-instance", &Instance).await;
}

/// The error of a run that must fail.
async fn failure(world: &World, resources: &str) -> String {
    let plan = world.preview(resources).await;
    match world.run(plan).await.outcome {
        Outcome::Failed(report) => {
            let (_, error) = report.failed.first().expect("something failed");
            let details = error.details.join("; ");
            format!("{}: {}; {details}", error.operation, error.message)
        }
        other => panic!("{other:#?}"),
    }
}

/// The reason for which a change is refused before anything is done.
async fn forbidden(world: &World, resources: &str) -> String {
    match world.preview(resources).await.refusals.as_slice() {
        [Refusal::Forbidden { reason, .. }] => reason.clone(),
        other => panic!("{other:#?}"),
    }
}

async fn shown(world: &World, id: &str, place: &str) -> Json {
    let instance = Instance.look(&world.sdk, id).await.expect("it is there");
    instance.pointer(place).cloned().unwrap_or_default()
}

#[tokio::test]
async fn the_password_is_the_secrets_and_without_one_nothing_is_made() {
    let world = World::new("e2e-instance-password").await;
    let resources = "
plain: { type: aws:secretsmanager:Secret, properties: { generateSecretString: { passwordLength: 20 } } }
tested:
  type: aws:rds:Instance
  properties: { identifier: e2e-instance-password, engine: postgres, instanceClass: db.t3.micro, allocatedStorage: 20, username: app, masterPasswordSecretArn: '${plain.arn}' }
";
    let said = failure(&world, resources).await;
    assert!(said.contains("password"), "{said}");
    assert_eq!(
        Instance.look(&world.sdk, "e2e-instance-password").await,
        None
    );
    world.destroy(resources).await;
}

#[tokio::test]
async fn the_key_of_performance_insights_is_chosen_once() {
    let world = World::new("e2e-instance-insights").await;
    let resources = |key: &str| {
        let lines = format!(
            "identifier: e2e-instance-insights\nperformanceInsightsEnabled: true\nperformanceInsightsKmsKeyId: {key}"
        );
        format!("{PASSWORD}\n{}", entry("tested", &lines))
    };
    let first = resources(KEYS[0]);
    world.up(&first).await;
    assert_eq!(
        shown(&world, "e2e-instance-insights", "/insightsKey").await,
        KEYS[0]
    );
    assert!(world.preview(&first).await.is_empty());
    let said = forbidden(&world, &resources(KEYS[1])).await;
    assert!(
        said.contains("`performanceInsightsKmsKeyId` cannot change"),
        "{said}"
    );
    assert_eq!(
        shown(&world, "e2e-instance-insights", "/insightsKey").await,
        KEYS[0]
    );
    world.destroy(&first).await;
}

#[tokio::test]
async fn a_replica_takes_after_its_source_until_it_is_promoted() {
    let world = World::new("e2e-instance-replica").await;
    let replica = |source: &str| {
        format!(
            "own: {{ type: aws:rds:ParameterGroup, properties: {{ name: e2e-instance-replica-own, family: postgres16 }} }}\nreplica:\n  type: aws:rds:Instance\n  properties: {{ identifier: e2e-instance-replica, instanceClass: db.t3.small, multiAz: true, deletionProtection: true, parameterGroupName: '${{own.name}}'{source} }}"
        )
    };
    let source = entry(
        "source",
        "identifier: e2e-instance-source\nengineVersion: '16'\nbackupRetentionPeriod: 2\nstorageEncrypted: true",
    );
    let following = format!(
        "{PASSWORD}\n{source}\n{}",
        replica(", replicateSourceDb: '${source.identifier}'")
    );
    world.up(&following).await;
    assert!(world.preview(&following).await.is_empty());
    let expected = [
        ("/source", json!("e2e-instance-source")),
        ("/class", json!("db.t3.small")),
        ("/encrypted", json!(true)),
        ("/user", json!("app")),
        // The call that makes it takes none.
        ("/parameters", json!("e2e-instance-replica-own")),
        ("/multiAz", json!(true)),
        ("/protection", json!(true)),
    ];
    for (place, value) in expected {
        assert_eq!(
            shown(&world, "e2e-instance-replica", place).await,
            value,
            "{place}"
        );
    }

    let alone = format!("{PASSWORD}\n{source}\n{}", replica(""));
    let ran = world.up(&alone).await;
    let steps: Vec<_> = ran.plan.steps.iter().map(|step| step.op()).collect();
    assert_eq!(steps, [Op::Update], "a promotion is no new instance");
    assert!(world.preview(&alone).await.is_empty());
    assert_eq!(
        shown(&world, "e2e-instance-replica", "/source").await,
        Json::Null
    );
    assert_eq!(
        shown(&world, "e2e-instance-replica", "/class").await,
        "db.t3.small"
    );

    // There is no way back.
    let said = forbidden(&world, &following).await;
    assert!(said.contains("`replicateSourceDb` cannot be set"), "{said}");
    world.destroy(&alone).await;
}

#[tokio::test]
async fn a_version_that_is_not_on_offer_is_refused_with_those_that_are() {
    let world = World::new("e2e-instance-offer").await;
    let lines = "identifier: e2e-instance-offer\nengineVersion: '15.99'";
    let resources = format!("{PASSWORD}\n{}", entry("tested", lines));
    let said = failure(&world, &resources).await;
    assert!(said.contains("Cannot find version 15.99"), "{said}");
    let answer = world.sdk.rds.describe_db_engine_versions();
    let answer = answer.engine("postgres").send().await;
    let answer = answer.expect("versions can be listed");
    let mut offered: Vec<&str> = answer
        .db_engine_versions()
        .iter()
        .filter_map(|version| version.engine_version())
        .filter(|version| version.starts_with("15."))
        .collect();
    offered.sort_by_key(|version| version.len());
    assert!(!offered.is_empty());
    let expected = format!("on offer: {}; or `15`", offered.join(", "));
    assert!(said.contains(&expected), "{said}");
    world.destroy(&resources).await;
}

/// Along with the parameter group of its family, and with the replicas.
#[tokio::test]
async fn a_major_upgrade_wants_consent() {
    let world = World::new("e2e-instance-upgrade").await;
    let resources = |major: &str, consent: bool| {
        let group = format!(
            "group: {{ type: aws:rds:ParameterGroup, properties: {{ family: postgres{major} }} }}"
        );
        let lines = format!(
            "identifier: e2e-instance-upgrade\nengineVersion: '{major}'\nbackupRetentionPeriod: 1\nparameterGroupName: ${{group.name}}\nallowMajorVersionUpgrade: {consent}"
        );
        let replica = "replica: { type: aws:rds:Instance, properties: { identifier: e2e-instance-upgraded, instanceClass: db.t3.micro, replicateSourceDb: '${tested.identifier}', parameterGroupName: '${group.name}' } }";
        format!(
            "{PASSWORD}\n{group}\n{}\n{replica}",
            entry("tested", &lines)
        )
    };
    world.up(&resources("15", false)).await;
    let said = forbidden(&world, &resources("16", false)).await;
    assert!(said.contains("`allowMajorVersionUpgrade: true`"), "{said}");
    assert_eq!(shown(&world, "e2e-instance-upgrade", "/major").await, "15");

    let upgraded = resources("16", true);
    world.up(&upgraded).await;
    assert!(world.preview(&upgraded).await.is_empty());
    let group = shown(&world, "e2e-instance-upgrade", "/parameters").await;
    for id in ["e2e-instance-upgrade", "e2e-instance-upgraded"] {
        assert_eq!(shown(&world, id, "/major").await, "16", "{id}");
        assert_eq!(shown(&world, id, "/parameters").await, group, "{id}");
    }
    world.destroy(&upgraded).await;
}

/// The master passwords that the account was sent, in this order, by a program that goes through here.
fn passwords() -> (Proxy, Arc<Mutex<Vec<String>>>) {
    let sent: Arc<Mutex<Vec<String>>> = Arc::default();
    let heard = Arc::clone(&sent);
    let proxy = Proxy::before(crate::common::endpoint(), move |call| {
        let body = String::from_utf8_lossy(call.request.body()).into_owned();
        let password = body
            .split('&')
            .find_map(|part| part.strip_prefix("MasterUserPassword="));
        heard.lock().unwrap().extend(password.map(str::to_owned));
        None
    });
    (proxy, sent)
}

/// The password that the secret holds now.
async fn password_in(world: &World, id: &str) -> String {
    let value = world.sdk.secrets.get_secret_value().secret_id(id);
    let value = value.send().await.expect("the secret has a value");
    let fields: Json = serde_json::from_str(value.secret_string().expect("it is text")).unwrap();
    fields["password"]
        .as_str()
        .expect("there is a password")
        .to_owned()
}

/// A secret that is gone for good comes back with another password, and a database that kept the old one would refuse every
/// login.
#[tokio::test]
async fn a_password_that_was_made_anew_reaches_the_database() {
    let world = World::new("e2e-instance-renewed").await;
    let (proxy, sent) = passwords();
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let attachment = "attachment: { type: fde:secretsmanager:TargetAttachment, properties: { secretId: '${password.arn}', engine: postgres, host: '${tested.address}', port: 5432, dbname: app } }";
    let file = format!(
        "{PASSWORD}\n{}\n{attachment}",
        entry("tested", "identifier: e2e-instance-renewed")
    );
    let up = || {
        let ended = program.run(&file, "up", &["--yes"]);
        assert_eq!(ended.status, Some(0), "{}", ended.screen);
        ended
    };
    let nothing_to_do = || {
        let ended = program.run(&file, "preview", &["--expect-no-changes"]);
        assert_eq!(ended.status, Some(0), "{}", ended.screen);
        assert_eq!(up().mutating, [] as [String; 0]);
    };
    up();
    let first = world.id(&file, "password").await;
    let password = password_in(&world, &first).await;
    assert_eq!(*sent.lock().unwrap(), [password]);
    // The host, and the URL with the password in it, have come into the secret meanwhile.
    nothing_to_do();

    let gone = world.sdk.secrets.delete_secret().secret_id(&first);
    let gone = gone.force_delete_without_recovery(true).send().await;
    gone.expect("the secret can be deleted");
    let preview = program.run(&file, "preview", &["--diff"]);
    assert!(
        preview.stdout.contains("written again"),
        "{}",
        preview.screen
    );
    let document = program.run(&file, "preview", &["--json"]);
    assert!(
        document.stdout.contains(r#""rewrites": true"#),
        "{}",
        document.screen
    );
    up();
    let second = world.id(&file, "password").await;
    assert_ne!(first, second);
    let password = password_in(&world, &second).await;
    assert_eq!(sent.lock().unwrap().last(), Some(&password));
    assert_eq!(sent.lock().unwrap().len(), 2);
    nothing_to_do();

    // Another party puts another password into the secret that is there.
    let other = r#"{"username": "app", "password": "SomebodysOwn1"}"#;
    let put = world.sdk.secrets.put_secret_value().secret_id(&second);
    put.secret_string(other)
        .send()
        .await
        .expect("it can be put");
    let preview = program.run(&file, "preview", &[]);
    assert!(
        preview.stdout.contains("its source is new"),
        "{}",
        preview.screen
    );
    up();
    assert_eq!(
        sent.lock().unwrap().last().map(String::as_str),
        Some("SomebodysOwn1")
    );
    nothing_to_do();

    // Nothing of it all can be learnt from the tags.
    let instance = world.sdk.rds.describe_db_instances();
    let instance = instance
        .db_instance_identifier("e2e-instance-renewed")
        .send()
        .await;
    let instance = format!("{:?}", instance.unwrap().db_instances()[0].tag_list());
    assert!(instance.contains("fde:written"), "{instance}");
    for password in sent.lock().unwrap().iter() {
        for digits in [8, 12, 32] {
            let hash = fde_infra::resource::tags::short_hash(password, digits);
            assert!(!instance.contains(&hash), "{instance}");
        }
        assert!(!instance.contains(password.as_str()), "{instance}");
    }
    world.destroy(&file).await;
}

/// A stack from before anything was remembered goes on without a write, and remembers with its next one.
#[tokio::test]
async fn a_database_that_remembers_nothing_is_not_written_for_that() {
    let world = World::new("e2e-instance-unremembered").await;
    let (proxy, sent) = passwords();
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let file = |days: u32| {
        let lines = format!("identifier: e2e-instance-unremembered\nbackupRetentionPeriod: {days}");
        format!("{PASSWORD}\n{}", entry("tested", &lines))
    };
    world.up(&file(1)).await;
    let arn = "arn:aws:rds:eu-south-2:123456789012:db:e2e-instance-unremembered";
    let forget = world.sdk.rds.remove_tags_from_resource().resource_name(arn);
    let forget = forget.tag_keys("fde:written").send().await;
    forget.expect("the tag can be taken away");
    let before = program.run(&file(1), "up", &["--yes"]);
    assert_eq!(before.status, Some(0), "{}", before.screen);
    assert_eq!(before.mutating, [] as [String; 0]);
    let written = program.run(&file(2), "up", &["--yes"]);
    assert_eq!(written.status, Some(0), "{}", written.screen);
    let after = program.run(&file(2), "up", &["--yes"]);
    assert_eq!(after.mutating, [] as [String; 0]);
    // It was not sent for the sake of the tag.
    assert_eq!(*sent.lock().unwrap(), [] as [String; 0]);
    assert!(world.sdk.tags_of(arn).await.contains_key("fde:written"));
    world.destroy(&file(2)).await;
}

const PASSWORD: &str = "\
password:
  type: aws:secretsmanager:Secret
  properties:
    generateSecretString: { secretStringTemplate: { username: app }, generateStringKey: password, excludePunctuation: true }
";

/// An instance in the default network, with these properties beside what every instance needs.
fn entry(name: &str, lines: &str) -> String {
    format!(
        "{name}:\n  type: aws:rds:Instance\n  properties:\n    engine: postgres\n    instanceClass: db.t3.micro\n    allocatedStorage: 20\n    username: app\n    masterPasswordSecretArn: '${{password.arn}}'\n{}",
        indent(lines, 4)
    )
}
