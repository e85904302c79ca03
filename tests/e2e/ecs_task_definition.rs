//! `aws:ecs:TaskDefinition`.

use async_trait::async_trait;
use aws_sdk_ecs::types::{ContainerDefinition, TaskDefinitionStatus};
use serde_json::{Value as Json, json};

use crate::common::World;
use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

struct TaskDefinition;

/// Lines with keys of the container `web`, which has another one beside it, and a role for what ECS does before it starts.
fn by_role(keys: &str) -> &'static str {
    around(
        "executionRoleArn: '${first.arn}', volumes: [{ name: scratch }], ",
        keys,
    )
}

/// Like [`by_role`], on instances without a network: some keys are not for Fargate, some not for `awsvpc`.
fn on_instances(keys: &str) -> &'static str {
    around("requiresCompatibilities: [EC2], networkMode: none, ", keys)
}

fn around(task: &str, keys: &str) -> &'static str {
    let lines = format!(
        "{{ {task}containerDefinitions: [\
         {{ name: aside, image: 'public.ecr.aws/nginx/nginx:1.27', healthCheck: {{ command: [CMD, 'true'] }} }}, \
         {{ name: web, image: 'public.ecr.aws/nginx/nginx:1.27', {keys} }}] }}"
    );
    String::leak(lines)
}

/// A key of a container: where it shows, what it is set and changed to, and what AWS shows then and without it.
struct Key {
    shows: &'static str,
    around: fn(&str) -> &'static str,
    lines: [String; 2],
    shown: [Json; 3],
}

fn key(
    shows: &'static str,
    around: fn(&str) -> &'static str,
    lines: [&str; 2],
    shown: [Json; 3],
) -> Key {
    Key {
        shows,
        around,
        lines: lines.map(str::to_owned),
        shown,
    }
}

/// One row for all the keys that can stand together: ECS takes one registration a second.
fn row(keys: &[Key], around: fn(&str) -> &'static str) -> Edit {
    let together = |key: &&Key| std::ptr::fn_addr_eq(key.around, around);
    let lines = |state: usize| {
        let lines: Vec<&str> = keys
            .iter()
            .filter(together)
            .map(|key| key.lines[state].as_str())
            .collect();
        around(&lines.join(", "))
    };
    let web = |state: usize| {
        let mut web = json!({ "image": IMAGE, "timeouts": [null, null], "names": [null, null] });
        for key in keys {
            let state = if together(&key) { state } else { WITHOUT };
            let value = key.shown[state].clone();
            match web.pointer_mut(key.shows) {
                Some(place) => *place = value,
                None => web[key.shows.trim_start_matches('/')] = value,
            }
        }
        web
    };
    Edit::replaces("/web", (lines(0), web(0)), (lines(1), web(1))).removed(web(WITHOUT))
}

/// The place of the state without the key, among the states of a key.
const WITHOUT: usize = 2;

const IMAGE: &str = "public.ecr.aws/nginx/nginx:1.27";

fn container_keys() -> Vec<Key> {
    let null = Json::Null;
    let secret = "arn:aws:secretsmanager:eu-south-2:123456789012:secret";
    let file = "arn:aws:s3:::e2e-files";
    vec![
        key(
            "/cpu",
            by_role,
            ["cpu: 128", "cpu: 64"],
            [json!(128), json!(64), json!(0)],
        ),
        key(
            "/memory",
            by_role,
            ["memory: 256", "memory: 512"],
            [json!(256), json!(512), null.clone()],
        ),
        key(
            "/reserved",
            by_role,
            ["memoryReservation: 128", "memoryReservation: 256"],
            [json!(128), json!(256), null.clone()],
        ),
        key(
            "/credentials",
            by_role,
            [
                &format!("repositoryCredentials: {{ credentialsParameter: '{secret}:one' }}"),
                &format!("repositoryCredentials: {{ credentialsParameter: '{secret}:two' }}"),
            ],
            [
                json!(format!("{secret}:one")),
                json!(format!("{secret}:two")),
                null.clone(),
            ],
        ),
        key(
            "/ports",
            by_role,
            [
                "portMappings: [{ containerPort: 80 }]",
                "portMappings: [{ containerPort: 8080, protocol: tcp, name: http, appProtocol: http2 }]",
            ],
            [
                json!([[80, "tcp", null, null]]),
                json!([[8080, "tcp", "http", "http2"]]),
                json!([]),
            ],
        ),
        key(
            "/essential",
            by_role,
            ["essential: false", "essential: true"],
            [json!(false), json!(true), json!(true)],
        ),
        key(
            "/restarts",
            by_role,
            [
                "restartPolicy: { enabled: true, ignoredExitCodes: [0], restartAttemptPeriod: 60 }",
                "restartPolicy: { enabled: true, ignoredExitCodes: [1], restartAttemptPeriod: 90 }",
            ],
            [json!([true, [0], 60]), json!([true, [1], 90]), null.clone()],
        ),
        key(
            "/entry",
            by_role,
            ["entryPoint: [sh, -c]", "entryPoint: [bash, -c]"],
            [json!(["sh", "-c"]), json!(["bash", "-c"]), json!([])],
        ),
        key(
            "/command",
            by_role,
            ["command: [serve]", "command: [work]"],
            [json!(["serve"]), json!(["work"]), json!([])],
        ),
        key(
            "/variables",
            by_role,
            [
                "environment: [{ name: B, value: '2' }, { name: A, value: '1' }]",
                "environment: [{ name: A, value: '3' }]",
            ],
            [
                json!([["A", "1"], ["B", "2"]]),
                json!([["A", "3"]]),
                json!([]),
            ],
        ),
        key(
            "/files",
            by_role,
            [
                &format!("environmentFiles: [{{ value: '{file}/one.env', type: s3 }}]"),
                &format!("environmentFiles: [{{ value: '{file}/two.env', type: s3 }}]"),
            ],
            [
                json!([format!("{file}/one.env")]),
                json!([format!("{file}/two.env")]),
                json!([]),
            ],
        ),
        key(
            "/mounts",
            by_role,
            [
                "mountPoints: [{ sourceVolume: scratch, containerPath: /one }]",
                "mountPoints: [{ sourceVolume: scratch, containerPath: /two, readOnly: true }]",
            ],
            [
                json!([["scratch", "/one", false]]),
                json!([["scratch", "/two", true]]),
                json!([]),
            ],
        ),
        key(
            "/volumes",
            by_role,
            [
                "volumesFrom: [{ sourceContainer: aside }]",
                "volumesFrom: [{ sourceContainer: aside, readOnly: true }]",
            ],
            [
                json!([["aside", false]]),
                json!([["aside", true]]),
                json!([]),
            ],
        ),
        key(
            "/linux",
            by_role,
            [
                "linuxParameters: { initProcessEnabled: true, capabilities: { drop: [ALL] } }",
                "linuxParameters: { initProcessEnabled: true, capabilities: { add: [SYS_PTRACE] } }",
            ],
            [
                json!([true, [], ["ALL"]]),
                json!([true, ["SYS_PTRACE"], []]),
                null.clone(),
            ],
        ),
        key(
            "/secrets",
            by_role,
            [
                &format!("secrets: [{{ name: KEY, valueFrom: '{secret}:one' }}]"),
                &format!("secrets: [{{ name: KEY, valueFrom: '{secret}:two' }}]"),
            ],
            [
                json!([["KEY", format!("{secret}:one")]]),
                json!([["KEY", format!("{secret}:two")]]),
                json!([]),
            ],
        ),
        key(
            "/after",
            by_role,
            [
                "dependsOn: [{ containerName: aside, condition: START }]",
                "dependsOn: [{ containerName: aside, condition: HEALTHY }]",
            ],
            [
                json!([["aside", "START"]]),
                json!([["aside", "HEALTHY"]]),
                json!([]),
            ],
        ),
        key(
            "/timeouts/0",
            by_role,
            ["startTimeout: 30", "startTimeout: 60"],
            [json!(30), json!(60), null.clone()],
        ),
        key(
            "/timeouts/1",
            by_role,
            ["stopTimeout: 60", "stopTimeout: 90"],
            [json!(60), json!(90), null.clone()],
        ),
        key(
            "/consistency",
            by_role,
            [
                "versionConsistency: disabled",
                "versionConsistency: enabled",
            ],
            [json!("disabled"), json!("enabled"), json!("enabled")],
        ),
        key(
            "/user",
            by_role,
            ["user: nobody", "user: '1000'"],
            [json!("nobody"), json!("1000"), null.clone()],
        ),
        key(
            "/directory",
            by_role,
            ["workingDirectory: /one", "workingDirectory: /two"],
            [json!("/one"), json!("/two"), null.clone()],
        ),
        key(
            "/readonly",
            by_role,
            [
                "readonlyRootFilesystem: false",
                "readonlyRootFilesystem: true",
            ],
            [json!(false), json!(true), json!(false)],
        ),
        key(
            "/interactive",
            by_role,
            ["interactive: false", "interactive: true"],
            [json!(false), json!(true), json!(false)],
        ),
        key(
            "/terminal",
            by_role,
            ["pseudoTerminal: false", "pseudoTerminal: true"],
            [json!(false), json!(true), json!(false)],
        ),
        key(
            "/labels",
            by_role,
            [
                "dockerLabels: { team: blue }",
                "dockerLabels: { team: red }",
            ],
            [
                json!({"team": "blue"}),
                json!({"team": "red"}),
                null.clone(),
            ],
        ),
        key(
            "/limits",
            by_role,
            [
                "ulimits: [{ name: nofile, softLimit: 1024, hardLimit: 2048 }]",
                "ulimits: [{ name: nofile, softLimit: 1024, hardLimit: 4096 }]",
            ],
            [
                json!([["nofile", 1024, 2048]]),
                json!([["nofile", 1024, 4096]]),
                json!([]),
            ],
        ),
        key(
            "/log",
            by_role,
            [
                "logConfiguration: { logDriver: awslogs, options: { awslogs-group: /one, awslogs-region: eu-south-2, awslogs-stream-prefix: web } }",
                "logConfiguration: { logDriver: awslogs, options: { awslogs-group: /two, awslogs-region: eu-south-2, awslogs-stream-prefix: web } }",
            ],
            [
                json!(["awslogs", "/one"]),
                json!(["awslogs", "/two"]),
                null.clone(),
            ],
        ),
        key(
            "/health",
            by_role,
            [
                "healthCheck: { command: [CMD, 'true'], interval: 10, timeout: 4, retries: 2, startPeriod: 20 }",
                "healthCheck: { command: [CMD-SHELL, exit 0] }",
            ],
            [
                json!([["CMD", "true"], 10, 4, 2, 20]),
                json!([["CMD-SHELL", "exit 0"], 30, 5, 3, 0]),
                null.clone(),
            ],
        ),
        key(
            "/kernel",
            by_role,
            [
                "systemControls: [{ namespace: net.core.somaxconn, value: '1' }]",
                "systemControls: [{ namespace: net.core.somaxconn, value: '2' }]",
            ],
            [
                json!([["net.core.somaxconn", "1"]]),
                json!([["net.core.somaxconn", "2"]]),
                json!([]),
            ],
        ),
        key(
            "/router",
            by_role,
            [
                "firelensConfiguration: { type: fluentbit, options: { enable-ecs-log-metadata: 'true' } }",
                "firelensConfiguration: { type: fluentd, options: { enable-ecs-log-metadata: 'true' } }",
            ],
            [json!("fluentbit"), json!("fluentd"), null.clone()],
        ),
        key(
            "/host",
            on_instances,
            ["hostname: one", "hostname: two"],
            [json!("one"), json!("two"), null.clone()],
        ),
        key(
            "/offline",
            on_instances,
            ["disableNetworking: false", "disableNetworking: true"],
            [json!(false), json!(true), json!(false)],
        ),
        key(
            "/privileged",
            on_instances,
            ["privileged: false", "privileged: true"],
            [json!(false), json!(true), json!(false)],
        ),
        key(
            "/names/0",
            on_instances,
            ["dnsServers: [10.0.0.2]", "dnsServers: [10.0.0.3]"],
            [json!(["10.0.0.2"]), json!(["10.0.0.3"]), json!([])],
        ),
        key(
            "/names/1",
            on_instances,
            [
                "dnsSearchDomains: [one.test]",
                "dnsSearchDomains: [two.test]",
            ],
            [json!(["one.test"]), json!(["two.test"]), json!([])],
        ),
        key(
            "/hosts",
            on_instances,
            [
                "extraHosts: [{ hostname: one, ipAddress: 10.0.0.1 }]",
                "extraHosts: [{ hostname: one, ipAddress: 10.0.0.2 }]",
            ],
            [
                json!([["one", "10.0.0.1"]]),
                json!([["one", "10.0.0.2"]]),
                json!([]),
            ],
        ),
        key(
            "/security",
            on_instances,
            [
                "dockerSecurityOptions: ['label:one']",
                "dockerSecurityOptions: ['label:two']",
            ],
            [json!(["label:one"]), json!(["label:two"]), json!([])],
        ),
        key(
            "/hardware",
            on_instances,
            [
                "resourceRequirements: [{ type: GPU, value: '1' }]",
                "resourceRequirements: [{ type: GPU, value: '2' }]",
            ],
            [json!([["GPU", "1"]]), json!([["GPU", "2"]]), json!([])],
        ),
    ]
}

/// A container as AWS describes it, defaults that AWS may leave out filled in.
fn described(container: &ContainerDefinition) -> Json {
    let mut variables: Vec<_> = container
        .environment()
        .iter()
        .map(|one| (one.name(), one.value()))
        .collect();
    variables.sort_unstable();
    json!({
        "image": container.image(),
        "cpu": container.cpu(),
        "memory": container.memory(),
        "reserved": container.memory_reservation(),
        "credentials": container.repository_credentials().map(|one| one.credentials_parameter()),
        "ports": container.port_mappings().iter().map(|one| json!([
            one.container_port(),
            one.protocol().map(|protocol| protocol.as_str()),
            one.name(),
            one.app_protocol().map(|protocol| protocol.as_str()),
        ])).collect::<Vec<_>>(),
        "essential": container.essential(),
        "restarts": container.restart_policy().map(|one| json!([
            one.enabled(), one.ignored_exit_codes(), one.restart_attempt_period(),
        ])),
        "entry": container.entry_point(),
        "command": container.command(),
        "variables": variables,
        "files": container.environment_files().iter().map(|one| one.value()).collect::<Vec<_>>(),
        "mounts": container.mount_points().iter().map(|one| json!([
            one.source_volume(), one.container_path(), one.read_only().unwrap_or(false),
        ])).collect::<Vec<_>>(),
        "volumes": container.volumes_from().iter().map(|one| json!([
            one.source_container(), one.read_only().unwrap_or(false),
        ])).collect::<Vec<_>>(),
        "linux": container.linux_parameters().map(|one| json!([
            one.init_process_enabled(),
            one.capabilities().map(|capabilities| capabilities.add()).unwrap_or_default(),
            one.capabilities().map(|capabilities| capabilities.drop()).unwrap_or_default(),
        ])),
        "secrets": container.secrets().iter().map(|one| (one.name(), one.value_from())).collect::<Vec<_>>(),
        "after": container.depends_on().iter().map(|one| (one.container_name(), one.condition().as_str())).collect::<Vec<_>>(),
        "timeouts": [container.start_timeout(), container.stop_timeout()],
        "consistency": container.version_consistency().map_or("enabled", |one| one.as_str()),
        "host": container.hostname(),
        "user": container.user(),
        "directory": container.working_directory(),
        "offline": container.disable_networking().unwrap_or(false),
        "privileged": container.privileged().unwrap_or(false),
        "readonly": container.readonly_root_filesystem().unwrap_or(false),
        "names": [container.dns_servers(), container.dns_search_domains()],
        "hosts": container.extra_hosts().iter().map(|one| (one.hostname(), one.ip_address())).collect::<Vec<_>>(),
        "security": container.docker_security_options(),
        "interactive": container.interactive().unwrap_or(false),
        "terminal": container.pseudo_terminal().unwrap_or(false),
        "labels": container.docker_labels(),
        "limits": container.ulimits().iter().map(|one| (one.name().as_str(), one.soft_limit(), one.hard_limit())).collect::<Vec<_>>(),
        "log": container.log_configuration().map(|one| json!([
            one.log_driver().as_str(), one.options().and_then(|options| options.get("awslogs-group")),
        ])),
        "health": container.health_check().map(|one| json!([
            one.command(),
            one.interval().unwrap_or(30),
            one.timeout().unwrap_or(5),
            one.retries().unwrap_or(3),
            one.start_period().unwrap_or(0),
        ])),
        "kernel": container.system_controls().iter().map(|one| (one.namespace(), one.value())).collect::<Vec<_>>(),
        "hardware": container.resource_requirements().iter().map(|one| (one.r#type().as_str(), one.value())).collect::<Vec<_>>(),
        "router": container.firelens_configuration().map(|one| one.r#type().as_str()),
    })
}

#[async_trait]
impl ResourceTypeTest for TaskDefinition {
    fn token(&self) -> &'static str {
        "aws:ecs:TaskDefinition"
    }

    fn needs(&self) -> &'static str {
        "first: { type: aws:iam:Role, properties: { name: e2e-task-first, assumeRolePolicy: { Version: '2012-10-17', Statement: [{ Effect: Allow, Principal: { Service: ecs-tasks.amazonaws.com }, Action: sts:AssumeRole }] } } }
second: { type: aws:iam:Role, properties: { name: e2e-task-second, assumeRolePolicy: { Version: '2012-10-17', Statement: [{ Effect: Allow, Principal: { Service: ecs-tasks.amazonaws.com }, Action: sts:AssumeRole }] } } }"
    }

    fn base(&self) -> &'static str {
        "{ family: e2e-family, cpu: 512, memory: 1024, \
         requiresCompatibilities: [FARGATE], containerDefinitions: [{ name: \
         web, image: 'public.ecr.aws/nginx/nginx:1.27' }] }"
    }

    fn edits(&self) -> Vec<Edit> {
        let mut rows = vec![
            Edit::replaces(
                "/family",
                ("family: e2e-family-one", "e2e-family-one"),
                ("family: e2e-family-two", "e2e-family-two"),
            )
            .removed("e2e-family"),
            Edit::replaces(
                "/web/image",
                (
                    "containerDefinitions: [{ name: web, image: \
                     'public.ecr.aws/nginx/nginx:1.26' }]",
                    "public.ecr.aws/nginx/nginx:1.26",
                ),
                (
                    "containerDefinitions: '[{\"name\": \"web\", \"image\": \
                     \"public.ecr.aws/nginx/nginx:1.25\"}]'",
                    "public.ecr.aws/nginx/nginx:1.25",
                ),
            )
            .removed("public.ecr.aws/nginx/nginx:1.27"),
            Edit::replaces("/cpu", ("cpu: 256", "256"), ("cpu: .5 vCPU", "512")).removed("512"),
            // A property that a task on instances does not need.
            Edit::replaces(
                "/cpu",
                ("requiresCompatibilities: [EC2]", json!("512")),
                ("{ requiresCompatibilities: [EC2], cpu: null }", Json::Null),
            ),
            Edit::replaces("/memory", ("memory: 2048", "2048"), ("memory: 3GB", "3072"))
                .removed("1024"),
            Edit::replaces(
                "/network",
                (
                    "{ requiresCompatibilities: [EC2], networkMode: host }",
                    "host",
                ),
                (
                    "{ requiresCompatibilities: [EC2], networkMode: none }",
                    "none",
                ),
            )
            .removed("awsvpc"),
            Edit::replaces(
                "/compatibilities",
                ("requiresCompatibilities: [FARGATE]", json!(["FARGATE"])),
                (
                    "requiresCompatibilities: [FARGATE, EC2]",
                    json!(["EC2", "FARGATE"]),
                ),
            )
            .removed(json!(["FARGATE"])),
            Edit::replaces(
                "/execution",
                ("executionRoleArn: ${first.arn}", "e2e-task-first"),
                ("executionRoleArn: ${second.arn}", "e2e-task-second"),
            )
            .removed(Json::Null),
            Edit::replaces(
                "/role",
                ("taskRoleArn: ${first.arn}", "e2e-task-first"),
                ("taskRoleArn: ${second.arn}", "e2e-task-second"),
            )
            .removed(Json::Null),
            Edit::replaces(
                "/platform",
                (
                    "runtimePlatform: { cpuArchitecture: ARM64, operatingSystemFamily: LINUX }",
                    json!(["ARM64", "LINUX"]),
                ),
                (
                    "runtimePlatform: { operatingSystemFamily: WINDOWS_SERVER_2022_CORE }",
                    json!(["X86_64", "WINDOWS_SERVER_2022_CORE"]),
                ),
            )
            .removed(json!(["X86_64", "LINUX"])),
            Edit::replaces(
                "/disk",
                ("ephemeralStorage: { sizeInGib: 30 }", 30),
                ("ephemeralStorage: { sizeInGib: 40 }", 40),
            )
            .removed(Json::Null),
            Edit::replaces(
                "/volumes",
                ("volumes: [{ name: scratch }]", json!([["scratch", null]])),
                (
                    "{ requiresCompatibilities: [EC2], volumes: [{ name: scratch, hostPath: /var/scratch }, { name: more }] }",
                    json!([["more", null], ["scratch", "/var/scratch"]]),
                ),
            )
            .removed(json!([])),
        ];
        let keys = container_keys();
        rows.extend([row(&keys, by_role), row(&keys, on_instances)]);
        rows
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let asked = sdk
            .ecs
            .describe_task_definition()
            .task_definition(id)
            .send();
        let answer = asked.await.ok()?;
        // A deregistered revision can be described for good.
        let revision = answer
            .task_definition()
            .filter(|revision| revision.status() == Some(&TaskDefinitionStatus::Active))?;
        let name_of = |role: Option<&str>| {
            role.and_then(|arn| arn.rsplit('/').next())
                .map(str::to_owned)
        };
        let mut compatibilities: Vec<_> = revision
            .requires_compatibilities()
            .iter()
            .map(|one| one.as_str())
            .collect();
        compatibilities.sort_unstable();
        let mut volumes: Vec<_> = revision
            .volumes()
            .iter()
            .map(|one| (one.name(), one.host().and_then(|host| host.source_path())))
            .collect();
        volumes.sort_unstable();
        let platform = revision.runtime_platform();
        let web = revision
            .container_definitions()
            .iter()
            .find(|container| container.name() == Some("web"))?;
        Some(json!({
            "family": revision.family(),
            "cpu": revision.cpu(),
            "memory": revision.memory(),
            "network": revision.network_mode().map(|mode| mode.as_str()),
            "compatibilities": compatibilities,
            "volumes": volumes,
            "execution": name_of(revision.execution_role_arn()),
            "role": name_of(revision.task_role_arn()),
            "platform": [
                platform.and_then(|one| one.cpu_architecture()).map(|one| one.as_str()),
                platform.and_then(|one| one.operating_system_family()).map(|one| one.as_str()),
            ],
            "disk": revision.ephemeral_storage().map(|storage| storage.size_in_gib()),
            "web": described(web),
        }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        sdk.ecs
            .deregister_task_definition()
            .task_definition(id)
            .send()
            .await
            .is_ok()
    }

    async fn drift(&self, _sdk: &Sdk, _id: &str) -> bool {
        // A revision never changes.
        false
    }

    async fn foreign_tag(&self, sdk: &Sdk, id: &str, set: bool) -> Option<bool> {
        sdk.foreign_tag(id, set).await
    }
}

#[tokio::test]
async fn task_definition() {
    check("e2e-ecs-task-definition", &TaskDefinition).await;
}

/// Recorded of real accounts (go-to-k/cdk-real-drift): ports come back in another order, and empty values stay.
#[tokio::test]
async fn what_ecs_answers_in_another_order_is_no_new_revision() {
    let world = World::new("e2e-task-reordered").await;
    let resources = "task: { type: aws:ecs:TaskDefinition, properties: { family: e2e-task-reordered, cpu: 256, memory: 512, containerDefinitions: [\
        { name: web, image: 'nginx:1', portMappings: [{ containerPort: 8080 }, { containerPort: 443 }, { containerPort: 80 }], environment: [{ name: B, value: '' }, { name: A, value: x }], volumesFrom: [{ sourceContainer: log }, { sourceContainer: data }] }, \
        { name: log, image: 'nginx:1' }, { name: data, image: 'nginx:1' }] } }";
    world.up(resources).await;
    let asked = world.sdk.ecs.describe_task_definition();
    let answer = asked.task_definition("e2e-task-reordered").send().await;
    let answer = answer.expect("the revision is there");
    let found = answer.task_definition().expect("it is answered");
    let web = &found.container_definitions()[0];
    let ports: Vec<_> = web
        .port_mappings()
        .iter()
        .map(|one| one.container_port())
        .collect();
    assert_ne!(
        ports,
        [Some(8080), Some(443), Some(80)],
        "as it was written"
    );
    let mut values = web.environment().iter().filter_map(|one| one.value());
    assert!(values.any(str::is_empty), "an empty value is kept");
    let plan = world.preview(resources).await;
    assert!(plan.is_empty(), "{:#?}", plan.steps);
    world.destroy(resources).await;
}

/// Its ARN is another then, and the one before names no role any more.
#[tokio::test]
async fn a_role_that_gets_a_path_is_followed_by_the_task() {
    let world = World::new("e2e-task-path").await;
    let resources = |path: &str| {
        format!(
            "role: {{ type: aws:iam:Role, properties: {{ name: e2e-task-path, path: {path}, assumeRolePolicy: {{ Version: '2012-10-17', Statement: [{{ Effect: Allow, Principal: {{ Service: ecs-tasks.amazonaws.com }}, Action: sts:AssumeRole }}] }} }} }}
tested: {{ type: aws:ecs:TaskDefinition, properties: {{ family: e2e-task-path, cpu: 256, memory: 512, requiresCompatibilities: [FARGATE], taskRoleArn: '${{role.arn}}', executionRoleArn: '${{role.arn}}', containerDefinitions: [{{ name: web, image: '{IMAGE}' }}] }} }}"
        )
    };
    for (path, expected) in [
        ("/", "role/e2e-task-path"),
        ("/fde/", "role/fde/e2e-task-path"),
    ] {
        let resources = resources(path);
        world.up(&resources).await;
        let id = world.id(&resources, "tested").await;
        let asked = world.sdk.ecs.describe_task_definition().task_definition(id);
        let answer = asked.send().await.expect("ECS answers");
        let revision = answer.task_definition().expect("there is a revision");
        for arn in [revision.execution_role_arn(), revision.task_role_arn()] {
            let arn = arn.expect("it has the role");
            assert!(arn.ends_with(&format!(":{expected}")), "{arn}");
        }
        assert!(world.preview(&resources).await.is_empty());
    }
    world.destroy(&resources("/fde/")).await;
}
