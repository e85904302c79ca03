//! Whole screens, as files in `tests/snapshots/display`: three widths, plain and coloured, a terminal and a log.
//!
//! `UPDATE_EXPECT=1 cargo test` writes them again; read the difference.

use std::time::Duration;

use expect_test::expect_file;

use super::Estimate;
use super::fixtures::{self, SECTIONS, at, catalog, creation, everything, plan_of, request};
use super::line::Line;
use super::preview;
use super::progress::Progress;
use super::secrets::Secrets;
use super::view::View;
use super::{diff, history, json, markdown, summary};
use crate::deployment::{Deployment, Ending, Record};
use crate::execute::{Event, Outcome, Report};
use crate::plan::{Goal, Op, Plan, Refusal};

fn text(lines: &[Line], colour: bool) -> String {
    let lines = lines.iter().map(|line| line.render(colour) + "\n");
    lines.collect()
}

fn view<'a>(
    plan: &'a Plan,
    catalog: &'a crate::resource::Catalog,
    width: Option<usize>,
) -> View<'a> {
    View {
        plan,
        catalog,
        sections: SECTIONS,
        show_sames: false,
        width,
    }
}

/// A preview with nothing folded away.
fn whole(view: View<'_>) -> Vec<Line> {
    [preview::tree(view), preview::conclusion(view)].concat()
}

/// No line of a screen is wider than the screen.
fn check_fits(lines: &[Line], width: usize) {
    for line in lines {
        assert!(line.width() <= width, "{}", line.render(false));
    }
}

fn preview_at(plan: &Plan, width: Option<usize>) -> Vec<Line> {
    let lines = whole(view(plan, &catalog(), width));
    if let Some(width) = width {
        check_fits(&lines, width);
    }
    lines
}

#[test]
fn previews() {
    let plan = everything();
    let at = |width| text(&preview_at(&plan, width), false);
    expect_file!["../../tests/snapshots/display/preview-80.txt"].assert_eq(&at(Some(80)));
    expect_file!["../../tests/snapshots/display/preview-100.txt"].assert_eq(&at(Some(100)));
    expect_file!["../../tests/snapshots/display/preview-200.txt"].assert_eq(&at(Some(200)));
    assert_eq!(at(Some(200)), at(None), "a pipe is as wide as need be");
    let coloured = text(&preview_at(&plan, Some(80)), true);
    expect_file!["../../tests/snapshots/display/preview-80-colour.txt"].assert_eq(&coloured);
}

fn run(outcome: Ending, by: &str, record: Record) -> Deployment {
    Deployment {
        number: 1,
        ended: "2026-01-31T09:15:00Z".into(),
        by: format!("arn:aws:{by}"),
        record: Record { outcome, ..record },
    }
}

#[test]
fn histories() {
    let runs = [
        run(
            Ending::Succeeded,
            "sts::123456789012:assumed-role/deploy/GitHubActions-happyrobot-4711",
            Record {
                command: "up".into(),
                seconds: 1502.3,
                updated: 12,
                replaced: 3,
                created: 81,
                deleted: 4,
                set: vec!["services.api.image".into(), "services.web.image".into()],
                run_url: Some(
                    "https://github.com/happyrobot/happyrobot-platform/actions/runs/4711471147"
                        .into(),
                ),
                ..Record::default()
            },
        ),
        run(
            Ending::Failed,
            "iam::123456789012:user/anna",
            Record {
                command: "destroy".into(),
                seconds: 0.4,
                failed: 2,
                unfinished: 31,
                ..Record::default()
            },
        ),
        run(
            Ending::Cancelled,
            "iam::123456789012:root",
            Record::default(),
        ),
        run(
            Ending::Unknown,
            "\u{1b}[31m",
            Record {
                seconds: -1.0,
                ..Record::default()
            },
        ),
    ];
    let at = |width| text(&history::table(&runs, width), false);
    expect_file!["../../tests/snapshots/display/history-80.txt"].assert_eq(&at(Some(80)));
    let fits = |line: &str| line.chars().count() <= 80 || line.contains("://");
    assert!(
        at(None).lines().all(fits),
        "the table is as wide as it is anywhere"
    );
}

#[test]
fn refused_deletions_and_replacements_show() {
    let plan = plan_of(&request(Goal::Up, &[]));
    let lines = preview_at(&plan, Some(80));
    expect_file!["../../tests/snapshots/display/preview-refused.txt"]
        .assert_eq(&text(&lines, false));
}

/// The id names it, since several objects can have one name; in text, Markdown, differences and JSON alike.
#[test]
fn what_would_go_is_named_where_that_is_refused() {
    let mut plan = plan_of(&request(Goal::Up, &[]));
    let step = |name: &str| {
        let mut steps = plan.steps.iter();
        steps.find(|step| step.urn.name() == name).unwrap()
    };
    let replaced = step("network/vpc");
    let of_replacement = Refusal::Protected {
        urn: replaced.urn.clone(),
        id: replaced.observed().unwrap().id.clone(),
        op: Op::Replace,
    };
    // A second object of the resource that is updated, which is not the one that the update is of.
    let of_second = Refusal::HoldsData {
        urn: step("database/instance").urn.clone(),
        id: "left-over".to_owned(),
        op: Op::Delete,
        guard: None,
    };
    let of_guarded = Refusal::Guarded {
        urn: step("database/instance").urn.clone(),
        id: "switched-on".to_owned(),
        op: Op::Delete,
        guard: "deletionProtection",
    };
    plan.refusals
        .extend([of_replacement, of_second, of_guarded]);
    let catalog = catalog();
    let shown = text(&preview_at(&plan, None), false);
    for row in [
        "vpc-1 refused: protected",
        "shop-dev-reports refused: holds data",
        "left-over refused: holds data",
        "switched-on refused: AWS protects it from deletion",
    ] {
        assert!(shown.contains(row), "{row}\n{shown}");
    }
    let updated = shown.lines().find(|line| line.contains(" update "));
    assert!(
        updated.is_some_and(|line| line.contains("[diff: ")),
        "{shown}"
    );
    let page = markdown::render(view(&plan, &catalog, None), None, 60_000);
    let differences = text(&diff::render(&plan, &catalog, None), false);
    let document = serde_json::to_string(&json::document(&plan, &catalog)).unwrap();
    for id in ["vpc-1", "shop-dev-reports", "left-over", "switched-on"] {
        for place in [&page, &differences, &document] {
            assert!(place.contains(id), "{id}\n{place}");
        }
    }
}

#[test]
fn what_stays_as_it_is_shows_on_demand() {
    let plan = creation();
    let lines = preview_at(&plan, Some(80));
    expect_file!["../../tests/snapshots/display/preview-creation.txt"]
        .assert_eq(&text(&lines, false));
    let plan = everything();
    let catalog = catalog();
    let lines = whole(View {
        show_sames: true,
        ..view(&plan, &catalog, Some(80))
    });
    expect_file!["../../tests/snapshots/display/preview-sames.txt"].assert_eq(&text(&lines, false));
}

#[test]
fn destroys() {
    let plan = plan_of(&request(Goal::Destroy, &[]));
    let lines = preview_at(&plan, Some(80));
    expect_file!["../../tests/snapshots/display/preview-destroy.txt"]
        .assert_eq(&text(&lines, false));
}

#[test]
fn diffs() {
    for (plan, name) in [(everything(), "diff"), (creation(), "diff-creation")] {
        let render = |width| {
            let lines = diff::render(&plan, &catalog(), width);
            text(&lines, false)
        };
        let file = format!("../../tests/snapshots/display/{name}-80.txt");
        expect_file![file].assert_eq(&render(Some(80)));
        assert!(!render(None).contains("hunter"), "a secret shows");
    }
    let plan = everything();
    let coloured = text(&diff::render(&plan, &catalog(), Some(200)), true);
    expect_file!["../../tests/snapshots/display/diff-200-colour.txt"].assert_eq(&coloured);
}

#[test]
fn documents() {
    let (plan, catalog) = (everything(), catalog());
    let estimate = Estimate::of(&plan, &catalog, false);
    let document = json::document(&plan, &catalog).with_estimate(estimate.as_ref());
    let document = serde_json::to_string_pretty(&document);
    let document = document.unwrap() + "\n";
    assert!(!document.contains("hunter"), "a secret shows");
    expect_file!["../../tests/snapshots/display/preview.json"].assert_eq(&document);
}

#[test]
fn frames_of_a_live_tree() {
    let plan = creation();
    let mut progress = Progress::new(&plan, SECTIONS);
    for event in fixtures::run(&plan) {
        progress.on_event(&event);
    }
    for (width, height) in [(80, 24), (100, 24), (200, 50)] {
        let frame = progress.frame(at(97.3), 3, width, height);
        check_fits(&frame, width);
        let file = format!("../../tests/snapshots/display/frame-{width}x{height}.txt");
        expect_file![file].assert_eq(&text(&frame, false));
    }
    let coloured = text(&progress.frame(at(97.3), 3, 80, 24), true);
    expect_file!["../../tests/snapshots/display/frame-80x24-colour.txt"].assert_eq(&coloured);
}

/// The columns in which the titles of a frame begin.
fn columns(frame: &[Line]) -> Vec<usize> {
    let titles = frame[0].render(false);
    let titles = ["Type", "Name", "Status", "Info"].map(|title| titles.find(title));
    titles.into_iter().flatten().collect()
}

/// From the first event to the last, whatever is failed, waited for, or said of a row, and however long it takes.
#[test]
fn columns_stay_where_they_are() {
    for plan in [creation(), fixtures::everything()] {
        for width in [60, 80, 100, 120, 200] {
            let mut progress = Progress::new(&plan, SECTIONS).with_usual_times(&catalog());
            let first = columns(&progress.frame(at(0.0), 0, width, 40));
            assert!(first.len() >= 3, "{width}: {first:?}");
            let events = fixtures::run(&plan);
            for (tick, event) in events
                .into_iter()
                .chain(fixtures::last_events(&plan))
                .enumerate()
            {
                progress.on_event(&event);
                for now in [100.0, 700.0, 3599.0] {
                    for height in [12, 24, 40] {
                        let frame = progress.frame(at(now), tick, width, height);
                        assert_eq!(columns(&frame), first, "{width}: {}", text(&frame, false));
                    }
                }
            }
        }
    }
}

/// Rows that have not begun stand there as well where there is room, their status in the column of the others.
#[test]
fn what_is_to_come_is_pending() {
    let plan = creation();
    let mut progress = Progress::new(&plan, SECTIONS);
    let pending = |progress: &Progress<'_>, height| {
        let frame = progress.frame(at(100.0), 0, 80, height);
        let status = frame[0].render(false).find("Status").expect("a title");
        let rows = frame.iter().map(|line| line.render(false));
        let rows = rows.filter(|row| row.ends_with("pending"));
        rows.inspect(|row| {
            let cell: String = row.chars().skip(status).collect();
            assert_eq!(cell, "pending", "{row}");
        })
        .count()
    };
    assert_eq!(pending(&progress, 40), plan.steps.len());
    let events = fixtures::run(&plan);
    for event in &events {
        progress.on_event(event);
    }
    let begun = |event: &&Event| matches!(event, Event::Started { .. });
    let begun = events.iter().filter(begun).count();
    assert_eq!(pending(&progress, 40), plan.steps.len() - begun);
    // What fails and runs comes first.
    assert_eq!(pending(&progress, 14), 0);
}

#[test]
fn a_frame_fits_any_window() {
    let plan = creation();
    let mut progress = Progress::new(&plan, SECTIONS);
    let events: Vec<_> = fixtures::run(&plan)
        .into_iter()
        .chain(fixtures::last_events(&plan))
        .collect();
    for event in events {
        progress.on_event(&event);
        for height in 8..40 {
            for width in [40, 60, 80, 120] {
                let frame = progress.frame(at(100.0), 0, width, height);
                assert!(frame.len() < height, "{} lines in {height}", frame.len());
                check_fits(&frame, width);
            }
        }
    }
}

#[test]
fn the_end_of_a_run() {
    let plan = creation();
    let mut progress = Progress::new(&plan, SECTIONS);
    let mut log = Vec::new();
    for event in fixtures::run(&plan)
        .into_iter()
        .chain(fixtures::last_events(&plan))
    {
        progress.on_event(&event);
        log.extend(progress.plain(&event));
    }
    expect_file!["../../tests/snapshots/display/log.txt"].assert_eq(&text(&log, false));
    expect_file!["../../tests/snapshots/display/log-colour.txt"].assert_eq(&text(&log, true));
    // In CI, by the clock, too: over midnight, here.
    let mut progress = Progress::new(&plan, SECTIONS).begun(Duration::from_secs(86_400 - 2));
    let mut log = Vec::new();
    for event in fixtures::run(&plan) {
        progress.on_event(&event);
        log.extend(progress.plain(&event));
    }
    let log = text(&log, false);
    let first = log.lines().next().unwrap_or_default();
    assert!(first.starts_with("23:59:58Z     0.0s  + "), "{first}");
    assert!(log.contains("\n00:0"), "{log}");
    let lines = progress.end(Some(80));
    check_fits(&lines, 80);
    expect_file!["../../tests/snapshots/display/end-80.txt"].assert_eq(&text(&lines, false));
}

/// Counts, and the time beside the one that was expected.
#[test]
fn summaries() {
    let plan = creation();
    let (catalog, width) = (catalog(), Some(80));
    let report = Report {
        succeeded: (0..plan.steps.len()).collect(),
        elapsed: at(372.0),
        ..Report::default()
    };
    let estimate = Estimate::of(&plan, &catalog, false);
    let lines = summary::render(&plan, &report, &catalog, estimate.as_ref(), width);
    check_fits(&lines, 80);
    expect_file!["../../tests/snapshots/display/summary.txt"].assert_eq(&text(&lines, false));
}

#[test]
fn diagnostics() {
    let plan = creation();
    let outcome = fixtures::outcome(&plan);
    for width in [Some(80), None] {
        let mut lines = Vec::new();
        let messages = summary::diagnostics(
            &plan,
            outcome.report(),
            &Secrets::default(),
            &|_| None,
            "fde-infra up dev",
        );
        for message in messages {
            lines.extend(message.render(width));
            lines.push(Line::new());
        }
        let name = width.map_or("wide".to_owned(), |width| width.to_string());
        let file = format!("../../tests/snapshots/display/diagnostics-{name}.txt");
        expect_file![file].assert_eq(&text(&lines, false));
    }
}

/// A run that was interrupted, one that failed, and one that only has to be repeated, in 80 columns and in 40.
#[test]
fn the_last_lines_of_a_run_that_stopped() {
    let plan = creation();
    let estimate = Estimate::of(&plan, &catalog(), false);
    let Outcome::Failed(failed) = fixtures::outcome(&plan) else {
        panic!("it fails");
    };
    let report = |interrupted: &[&str]| Report {
        succeeded: failed.succeeded.clone(),
        skipped: failed.skipped.clone(),
        interrupted: interrupted
            .iter()
            .map(|name| fixtures::step(&plan, name))
            .collect(),
        elapsed: at(125.0),
        ..Report::default()
    };
    let under_way = ["database/instance", "services/api/service"];
    let outcomes = [
        Outcome::Cancelled(report(&under_way)),
        Outcome::Cancelled(report(&under_way[..1])),
        Outcome::Failed(Report {
            failed: failed.failed.clone(),
            ..report(&[])
        }),
    ];
    let mut screens = String::new();
    for width in [80, 40] {
        for outcome in &outcomes {
            let again = "fde-infra up dev";
            let lines = summary::stopped(&plan, outcome, estimate.as_ref(), again, Some(width));
            check_fits(&lines, width);
            screens.push_str(&text(&lines, false));
            screens.push('\n');
        }
    }
    expect_file!["../../tests/snapshots/display/stopped.txt"].assert_eq(&screens);
}

/// After a minute a row says how long it usually takes; after Ctrl-C, the last line says how long the end may take.
#[test]
fn frames_say_how_long() {
    let plan = creation();
    let mut progress = Progress::new(&plan, SECTIONS).with_usual_times(&catalog());
    let mut log = Vec::new();
    for event in fixtures::run(&plan) {
        progress.on_event(&event);
        log.extend(progress.plain(&event));
    }
    let log = text(&log, false);
    assert!(
        log.contains("database/instance creating (usually 5–15 min)\n"),
        "{log}"
    );
    let rows = |progress: &Progress<'_>, now, width| {
        let frame = progress.frame(at(now), 3, width, 24);
        check_fits(&frame, width);
        text(&frame, false)
    };
    let early = rows(&progress, 50.0, 80);
    assert!(!early.contains("usually"), "{early}");
    let mut screens = rows(&progress, 97.3, 80);
    progress.on_signal("^C");
    for event in fixtures::last_events(&plan) {
        let is_cancelling = matches!(event, Event::Cancelling { .. });
        progress.on_event(&event);
        if is_cancelling {
            for (now, width) in [(100.1, 80), (102.5, 120), (108.0, 80)] {
                screens.push_str(&rows(&progress, now, width));
            }
        }
    }
    screens.push_str(&rows(&progress, 106.0, 80));
    expect_file!["../../tests/snapshots/display/frames-cancelling.txt"].assert_eq(&screens);
}
