//! The pipelines of `docs/ci.md`, run as they stand there: the shell script through a whole life, and the step of a workflow.
//! The GitLab file is run by `tests/pipeline`.

use std::path::Path;
use std::process::Command;

use crate::common::World;
use crate::common::program::{Program, STACK};

const RESOURCES: &str = "topic: { type: aws:sns:Topic, properties: { displayName: Shop } }\n";

/// The blocks of the page in a language, below a heading.
fn blocks(heading: &str, language: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ci.md");
    let text = std::fs::read_to_string(path).expect("the page is readable");
    let (_, below) = text
        .split_once(&format!("\n## {heading}\n"))
        .expect("the heading is there");
    let section = below.split("\n## ").next().unwrap_or_default();
    let fence = format!("```{language}\n");
    let blocks = section.split(fence.as_str()).skip(1);
    let block = |block: &str| block.split("```").next().unwrap_or_default().to_owned();
    blocks.map(block).collect()
}

/// The status of a script, with both streams.
fn shell(program: &Program<'_>, script: &str, words: &[&str]) -> (Option<i32>, String) {
    let bin = Path::new(env!("CARGO_BIN_EXE_fde-infra"))
        .parent()
        .expect("a directory");
    let path = format!(
        "{}:{}",
        bin.display(),
        std::env::var("PATH").expect("a path")
    );
    program.write("script", script);
    let output = Command::new("bash")
        .args(["-e", "script"])
        .args(words)
        .current_dir(program.directory())
        .env_clear()
        .envs(program.environment())
        .env("PATH", path)
        .env("GITHUB_OUTPUT", program.directory().join("step-outputs"))
        .output()
        .expect("bash runs");
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.code(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

async fn rename(world: &World, topic: &str) {
    let named = world.sdk.sns.set_topic_attributes().topic_arn(topic);
    let named = named
        .attribute_name("DisplayName")
        .attribute_value("Market");
    named.send().await.expect("the topic can be named");
}

#[tokio::test]
async fn the_script_of_the_readme_deploys_and_finds_drift() {
    let world = World::new("e2e-readme-script").await;
    let program = Program::of(&world);
    program.write("stacks/dev.yaml", &world.file(RESOURCES));
    let [script] = &blocks("Other CI systems", "bash")[..] else {
        panic!("one script");
    };
    let run = |step: &str| shell(&program, script, &[step, STACK]);
    let deploy = |sum: &str| shell(&program, script, &["deploy", STACK, sum]);

    let (status, text) = run("preview");
    assert_eq!(status, Some(0), "{text}");
    let page = std::fs::read_to_string(program.directory().join("dev.preview.md"));
    assert!(
        page.expect("there is a page")
            .starts_with("### Preview: `e2e-readme-script/dev`")
    );
    let sum = text
        .lines()
        .find_map(|line| line.strip_suffix("  dev.plan.json"))
        .expect("the preview says which plan it is");

    // Nothing is done without it, or by another plan.
    let (status, refused) = run("deploy");
    assert_eq!(status, Some(1), "{refused}");
    assert!(refused.contains("the SHA-256 of the plan"), "{refused}");
    let (status, refused) = deploy(&"0".repeat(64));
    assert_eq!(status, Some(1), "{refused}");
    assert!(refused.contains("dev.plan.json: FAILED"), "{refused}");
    assert_eq!(
        world.sdk.tagged(&world.stack_tag()).await,
        [] as [String; 0]
    );

    let (status, text) = deploy(sum);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("dev is deployed"), "{text}");
    assert_eq!(world.sdk.tagged(&world.stack_tag()).await.len(), 1);

    // A plan is applied once.
    let (status, text) = deploy(sum);
    assert_eq!(status, Some(5), "{text}");
    assert!(
        text.contains("dev is no longer what was previewed"),
        "{text}"
    );

    let (status, text) = run("drift");
    assert_eq!(status, Some(0), "{text}");
    let topic = world.id(RESOURCES, "topic").await;
    rename(&world, &topic).await;
    let (status, text) = run("drift");
    assert_eq!(status, Some(7), "{text}");
    assert!(text.contains("dev is not what its file says"), "{text}");
    world.destroy(RESOURCES).await;
}

#[tokio::test]
async fn the_step_of_the_documents_says_whether_there_is_anything_to_do() {
    let world = World::new("e2e-readme-step").await;
    let program = Program::of(&world);
    program.write("stacks/prod.yaml", &world.file(RESOURCES));
    let steps = blocks("Other CI systems", "yaml").pop().expect("a step");
    let (_, run) = steps.split_once("run: |\n").expect("a script");
    let script: String = run
        .lines()
        .take_while(|line| line.starts_with("    "))
        .map(|line| format!("{}\n", &line[4..]))
        .collect();
    let said = || std::fs::read_to_string(program.directory().join("step-outputs"));
    let (status, text) = shell(&program, &script, &[]);
    assert_eq!(status, Some(0), "{text}");
    assert_eq!(said().expect("an output"), "changes=true\n");
    world.up(RESOURCES).await;
    let (status, text) = shell(&program, &script, &[]);
    assert_eq!(status, Some(0), "{text}");
    assert_eq!(said().expect("outputs"), "changes=true\nchanges=false\n");
    program.write("stacks/prod.yaml", "name: 1\n");
    let (status, text) = shell(&program, &script, &[]);
    assert_eq!(status, Some(1), "{text}");
    world.destroy(RESOURCES).await;
}

#[tokio::test]
async fn a_file_is_no_log() {
    let world = World::new("e2e-readme-file").await;
    let program = Program::of(&world)
        .with("CI", "true")
        .with("GITLAB_CI", "true")
        .with("FDE_INFRA_STACK", STACK);
    program.write("stacks/dev.yaml", &world.file(RESOURCES));
    for system in ["GITLAB_CI", "GITHUB_ACTIONS"] {
        let into_a_file = format!("unset GITLAB_CI; export {system}=true; fde-infra preview >page");
        let (status, text) = shell(&program, &into_a_file, &[]);
        assert_eq!(status, Some(0), "{text}");
        let page = std::fs::read_to_string(program.directory().join("page"));
        let page = page.expect("there is a page");
        assert!(page.starts_with("Previewing update ("), "{page:?}");
        assert!(
            !page.contains("::endgroup::") && !page.contains('\u{1b}'),
            "{page:?}"
        );
    }
}
