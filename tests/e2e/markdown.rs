//! `preview --markdown`: a page that fits where it goes, says first what destroys, and is never cut in the middle.

use std::collections::BTreeSet;

use expect_test::expect_file;

use crate::common::World;
use crate::common::commands::{DONE, SHOP, USAGE};
use crate::common::program::{Program, STACK};
use crate::page::outside_code;

/// Whole, as far as it goes: fences and folds end, and every line is one of the whole page's, or says what is left out.
fn assert_is_part_of(page: &str, whole: &str) {
    let lines: BTreeSet<&str> = whole.lines().collect();
    for line in page.lines() {
        let says_what_is_left_out = line.contains(" are left out here; ");
        assert!(
            says_what_is_left_out || lines.contains(line),
            "{line}\n{page}"
        );
    }
    assert_is_whole(page);
}

fn assert_is_whole(page: &str) {
    let mut folds = 0;
    for line in outside_code(page) {
        folds += line.matches("<details>").count();
        folds -= line.matches("</details>").count();
    }
    assert_eq!(folds, 0, "{page}");
    assert!(page.ends_with('\n') && !page.contains('\r'), "{page}");
}

/// The actions of the table's rows, in their order.
fn rows(page: &str) -> Vec<&str> {
    let table = page.lines().skip_while(|line| !line.starts_with("|---"));
    let rows = table.skip(1).take_while(|line| line.starts_with('|'));
    let cells = rows.map(|row| row.split('|').nth(1).unwrap_or_default());
    cells
        .map(|cell| cell.trim_matches(|c: char| !c.is_ascii_alphabetic()))
        .collect()
}

#[tokio::test]
async fn a_page_of_everything() {
    let world = World::new("e2e-markdown").await;
    let program = Program::of(&world);
    let first = format!("{SHOP}spare: {{ type: aws:sns:Topic }}\n");
    world.up(&first).await;
    let vpc = world.id(&first, "vpc").await;
    let on = aws_sdk_ec2::types::AttributeBooleanValue::builder().value(true);
    let drift = world.sdk.ec2.modify_vpc_attribute().vpc_id(&vpc);
    let drift = drift.enable_dns_hostnames(on.build()).send();
    drift.await.expect("the network can be changed");
    let edited = SHOP
        .replace("displayName: Shop", "displayName: Market")
        .replace("10.0.1.0/24", "10.0.2.0/24")
        + "logs: { type: aws:cloudwatch:LogGroup, properties: { name: /e2e/markdown } }\n";
    program.write("stacks/dev.yaml", &world.file(&edited));
    let arguments = ["preview", STACK, "--markdown", "--allow-delete", "password"];
    let whole = program.run_words(&[&arguments[..], &["--replace", "password"]].concat());
    assert_eq!(whole.status, DONE, "{}", whole.screen);
    assert_eq!(whole.mutating, [] as [String; 0]);
    assert_eq!(whole.stderr, "");
    expect_file!["../snapshots/commands/preview_markdown.txt"].assert_eq(&whole.screen);
    assert_is_whole(&whole.stdout);
    let order = rows(&whole.stdout);
    let destroying = |what: &&str| matches!(*what, "delete" | "replace");
    let first = order.iter().take_while(|what| destroying(what)).count();
    assert!(first >= 3, "{order:?}");
    assert_eq!(first, order.iter().filter(|what| destroying(what)).count());
    assert_eq!(order.last(), Some(&"create"), "{order:?}");
    assert!(whole.stdout.contains("\n```mermaid\ngraph LR\n"));
    assert!(
        whole
            .stdout
            .contains("<details><summary>Differences</summary>")
    );

    let mut before = usize::MAX;
    for bytes in (2_000..whole.stdout.len() + 800).rev().step_by(450) {
        let size = bytes.to_string();
        let limit = ["--replace", "password", "--max-bytes", &size];
        let page = program.run_words(&[&arguments[..], &limit].concat());
        assert_eq!(page.status, DONE, "{}", page.screen);
        assert!(page.stdout.len() <= bytes, "{bytes}: {}", page.stdout.len());
        assert!(page.stdout.len() <= before, "{bytes}");
        before = page.stdout.len();
        assert_is_part_of(&page.stdout, &whole.stdout);
        // Rows that destroy something stay to the last.
        let kept = rows(&page.stdout);
        assert_eq!(kept[..], order[..kept.len()], "{bytes}");
        assert!(kept.len() >= first, "{bytes}: {kept:?}");
        assert!(page.stdout.contains("> Deletes data: `password`"));
    }
    assert!(before < whole.stdout.len());
    let little = program.run_words(&["preview", STACK, "--markdown", "--max-bytes", "1999"]);
    assert_eq!(little.status, USAGE, "{}", little.screen);
    world.destroy(&edited).await;
}

#[tokio::test]
async fn a_platform_fits_a_comment() {
    let world = World::new("e2e-markdown-large").await;
    let program = Program::of(&world);
    let sections = "\
network: {}
database: {}
services:
  api: { port: 8000, routes: ['/api/*'], secrets: { DATABASE_URL: '${database.url}' } }
  web: { port: 3000, default: true }
loadBalancer: {}
monitoring: {}
";
    let head = world.file("").replace("resources: {}\n", "");
    program.write("stacks/dev.yaml", &(head + sections));
    let whole = program.run_words(&["preview", STACK, "--markdown", "--max-bytes", "1000000"]);
    assert_eq!(whole.status, DONE, "{}", whole.screen);
    assert!(rows(&whole.stdout).len() > 60, "{}", whole.stdout.len());
    // A comment of GitHub's, by default; half a page; next to nothing.
    for (arguments, bytes) in [
        (&[][..], 60_000),
        (&["--max-bytes", "8000"], 8_000),
        (&["--max-bytes", "2000"], 2_000),
    ] {
        let page = program.run_words(&[&["preview", STACK, "--markdown"], arguments].concat());
        assert!(page.stdout.len() <= bytes, "{bytes}: {}", page.stdout.len());
        assert_is_part_of(&page.stdout, &whole.stdout);
        assert!(
            page.stdout
                .contains(" to create** in `123456789012`, `eu-south-2`")
        );
    }
}

/// Names and values that would end a cell, a block or a fold, or mention a user.
#[tokio::test]
async fn hostile_words_stay_where_they_are() {
    let world = World::new("e2e-markdown-hostile").await;
    let program = Program::of(&world);
    let hostile = serde_json::json!(
        "</details> | x | ```\n````\n### @team #1 <img src=x> `a` ](y) ::error::z ##[error]w \\| $m$"
    );
    let resources = format!(
        "topic: {{ type: aws:sns:Topic, properties: {{ displayName: {hostile} }} }}\n\
         secret: {{ type: aws:secretsmanager:Secret, properties: {{ description: {hostile}, name: 'a/b+c=@team' }} }}\n"
    );
    program.write("stacks/dev.yaml", &world.file(&resources));
    let page = program.run_words(&["preview", STACK, "--markdown"]);
    assert_eq!(page.status, DONE, "{}", page.screen);
    assert_is_whole(&page.stdout);
    expect_file!["../snapshots/commands/preview_markdown_hostile.txt"].assert_eq(&page.screen);
    // Outside of blocks of code, where they mean something.
    let mut fence: Option<&str> = None;
    for line in page.stdout.lines() {
        let ticks = &line[..line.len() - line.trim_start_matches('`').len()];
        if fence == Some(line) {
            fence = None;
        } else if fence.is_none() && ticks.len() >= 3 {
            fence = Some(ticks);
        }
        let live = fence.is_none()
            && ["@team", "<img", "#1", "\\\\|"]
                .iter()
                .any(|it| line.contains(it));
        assert!(!live, "{line}\n{}", page.stdout);
        assert!(
            !line.trim_start().starts_with("::") && !line.contains("##["),
            "{line}"
        );
    }
}
