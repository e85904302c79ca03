//! Values in the file and behind `--set` arrive in AWS as they were written: keys with dots, texts that look like numbers,
//! and nothing that was not meant.

use crate::common::World;
use crate::common::commands::{DONE, USAGE};
use crate::common::program::Program;

const BASE: &str = r#"
network: { natGateways: none }
services:
  api:
    port: 8000
    logGroup: /e2e/keys-api
    environment: { "spring.datasource.url": "${password.name}", a: x, build: 1.10 }
    secrets:
      "spring.datasource.password": "${password.arn}"
      "mail.key": "arn:aws:ssm:eu-south-2:123456789012:parameter/mail.key"
loadBalancer: { accessLogs: { enabled: false } }
"#;

const PASSWORD: &str =
    "password: { type: aws:secretsmanager:Secret, properties: { name: e2e/keys.and.texts } }";

#[tokio::test]
async fn what_is_written_arrives_as_it_is_written() {
    let world = World::new("e2e-keys").await;
    let program = Program::of(&world);
    let file = format!("{}{BASE}", world.file(PASSWORD));
    let typo = program.run_file(
        &file,
        "up",
        &["--yes", "--set", "services.apu.image=6063e25"],
    );
    assert_eq!(typo.status, USAGE, "{}", typo.screen);
    assert_eq!(typo.calls, [] as [String; 0]);

    let set = [
        "--yes",
        "--set=services.api.image=6063e25",
        "--set=services.api.environment[\"a.b\"]={\"c\": [1, 2]}",
        "--set=services.api.environment.empty=",
        "--set-new=services.worker.logGroup=/e2e/keys-worker",
        "--set-new=services.worker.image=public.ecr.aws/docker/library/busybox:1.36",
    ];
    let up = program.run_file(&file, "up", &set);
    assert_eq!(up.status, DONE, "{}", up.screen);

    let ecs = &world.sdk.ecs;
    let answer = ecs
        .describe_task_definition()
        .task_definition("e2e-keys-dev-api");
    let answer = answer.send().await.expect("the definition is there");
    let definition = answer.task_definition().expect("a definition");
    let container = &definition.container_definitions()[0];
    assert!(container.image().unwrap_or_default().ends_with(":6063e25"));
    let mut environment: Vec<_> = container
        .environment()
        .iter()
        .map(|pair| {
            (
                pair.name().unwrap_or_default(),
                pair.value().unwrap_or_default(),
            )
        })
        .collect();
    environment.sort_unstable();
    assert_eq!(
        environment,
        [
            ("a", "x"),
            ("a.b", "{\"c\": [1, 2]}"),
            ("build", "1.10"),
            ("empty", ""),
            ("spring.datasource.url", "e2e/keys.and.texts"),
        ]
    );
    let secrets: Vec<_> = container
        .secrets()
        .iter()
        .map(|secret| (secret.name(), secret.value_from()))
        .collect();
    let arn = world.id(PASSWORD, "password").await;
    assert_eq!(
        secrets,
        [
            (
                "mail.key",
                "arn:aws:ssm:eu-south-2:123456789012:parameter/mail.key"
            ),
            ("spring.datasource.password", arn.as_str()),
        ]
    );

    let role = definition.execution_role_arn().unwrap_or_default();
    let role = role.rsplit('/').next().unwrap_or_default();
    let policy = world
        .sdk
        .iam
        .get_role_policy()
        .role_name(role)
        .policy_name("execution");
    let policy = policy.send().await.expect("the policy is there");
    let document = policy.policy_document().replace("%3A", ":");
    let document = document.replace("%2F", "/");
    for part in [arn.as_str(), "parameter/mail.key"] {
        assert!(document.contains(part), "{part} in {document}");
    }

    let again = program.run_file(&file, "up", &set);
    assert_eq!(again.mutating, [] as [String; 0], "{}", again.screen);
    world.destroy("").await;
}
