//! The picture of a terminal in the README, `docs/preview.svg`, from a real run.
//!
//! `UPDATE_EXPECT=1 cargo test --test e2e picture::` writes it.

use std::fmt::Write as _;

use expect_test::expect_file;

use crate::common::World;
use crate::common::commands::DONE;
use crate::common::program::{Program, STACK, lasting};

const COLUMNS: usize = 100;

/// The size of a character in pixels, and the margin around the text.
const CHARACTER: f64 = 8.4;
const LINE: usize = 19;
const MARGIN: usize = 20;
/// The bar of the window above the text.
const BAR: usize = 36;

/// The colours of the escape sequences that the program writes; see `display/style.rs`.
const COLOURS: &[(&str, &str)] = &[
    ("31", "#ff7b72"),
    ("32", "#7ee787"),
    ("33", "#e3b341"),
    ("35", "#bc8cff"),
    ("91", "#ffa198"),
    ("92", "#56d364"),
    ("95", "#d2a8ff"),
];

/// The end of a task definition's id, before the number of its revision.
const REVISION: &str = "task-definition/acme-shop-dev-api:";

const PLATFORM: &str = "\
network: { natGateways: none }
services:
  api: { port: 8000, routes: [\"/api/*\", /health], healthCheck: { path: /health } }
  web: { port: 3000, default: true }
loadBalancer: {}
monitoring: { alarmEmails: [oncall@example.com] }
";

/// A line in its colours, as one element of the picture.
fn line(number: usize, text: &str) -> String {
    let y = BAR + MARGIN + number * LINE;
    let mut spans = String::new();
    let mut classes: Vec<String> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (plain, after) = rest.split_once("\u{1b}[").unwrap_or((rest, ""));
        if !plain.is_empty() {
            let plain = plain
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;");
            if classes.is_empty() {
                spans += &plain;
            } else {
                let _ = write!(
                    spans,
                    "<tspan class=\"{}\">{plain}</tspan>",
                    classes.join(" ")
                );
            }
        }
        let (codes, after) = after.split_once('m').unwrap_or(("", after));
        for code in codes.split(';').filter(|code| !code.is_empty()) {
            if code == "0" {
                classes.clear();
            } else {
                classes.push(format!("c{code}"));
            }
        }
        rest = after;
    }
    format!("<text x=\"{MARGIN}\" y=\"{y}\" xml:space=\"preserve\">{spans}</text>\n")
}

/// A text with the first revision in the place of any: an account that lives longer counts on.
fn first_revision(text: &str) -> String {
    let mut parts = text.split(REVISION);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |before, after| {
        let after = after.trim_start_matches(|digit: char| digit.is_ascii_digit());
        format!("{before}{REVISION}1{after}")
    })
}

/// A terminal with this text.
fn svg(title: &str, text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let width = (COLUMNS as f64 * CHARACTER) as usize + 2 * MARGIN;
    let height = BAR + 2 * MARGIN + lines.len().saturating_sub(1) * LINE;
    let colours: String = COLOURS
        .iter()
        .map(|(code, colour)| format!(".c{code}{{fill:{colour}}}"))
        .collect();
    let mut picture = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\">
<title>{title}</title>
<style>text{{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#e6edf3}}.c1{{font-weight:700}}.c2{{opacity:.65}}{colours}</style>
<rect width=\"100%\" height=\"100%\" rx=\"10\" fill=\"#0d1117\"/>
"
    );
    for (index, colour) in ["#ff5f57", "#febc2e", "#28c840"].iter().enumerate() {
        let x = MARGIN + 6 + index * 20;
        let _ = writeln!(
            picture,
            "<circle cx=\"{x}\" cy=\"20\" r=\"6\" fill=\"{colour}\"/>"
        );
    }
    for (number, text) in lines.iter().enumerate() {
        picture += &line(number, text);
    }
    picture + "</svg>\n"
}

/// A new image and more memory for a service, while another party has changed how long its logs are kept.
#[tokio::test]
async fn a_preview_in_colour() {
    let world = World::new("acme-shop").await;
    let program = Program::of(&world)
        .without("NO_COLOR")
        .with("COLUMNS", &COLUMNS.to_string());
    let file = world.file("").replace("resources: {}\n", PLATFORM);
    let up = program.run_file(&file, "up", &["--yes"]);
    assert_eq!(up.status, DONE, "{}", up.screen);
    let group = "/aws/ecs/acme-shop-dev/web";
    let retention = world.sdk.logs.put_retention_policy();
    let retention = retention
        .log_group_name(group)
        .retention_in_days(365)
        .send();
    retention.await.expect("the log group is there");

    let typed = [
        "--set-new",
        "services.api.cpu=512",
        "--set-new",
        "services.api.image=2026-01-31",
    ];
    let words = [&["preview", STACK], &typed[..]].concat();
    let shown = program.run_words(&[&words[..], &["--color", "always"]].concat());
    assert_eq!(shown.status, DONE, "{}", shown.screen);
    assert!(shown.stdout.contains("\u{1b}["), "{}", shown.screen);
    let text = format!(
        "\u{1b}[2m$\u{1b}[0m \u{1b}[1mfde-infra {}\u{1b}[0m\n{}",
        words.join(" "),
        first_revision(&lasting(&shown.stdout))
    );
    expect_file!["../../docs/preview.svg"].assert_eq(&svg(
        "fde-infra preview: one service changes, and a drift",
        text.trim_end(),
    ));
    let destroyed = program.run_file(&file, "destroy", &["--yes"]);
    assert_eq!(destroyed.status, DONE, "{}", destroyed.screen);
}

#[test]
fn colours_become_classes_and_marks_of_xml_are_escaped() {
    let shown = line(0, "\u{1b}[1;95ma <b>\u{1b}[0m & \u{1b}[32mc\u{1b}[0m");
    let spans =
        "<tspan class=\"c1 c95\">a &lt;b&gt;</tspan> &amp; <tspan class=\"c32\">c</tspan></text>";
    assert!(shown.contains(spans), "{shown}");
}
