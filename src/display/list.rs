//! The stacks of an account: a table for people, JSON for scripts.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::history::{changes, ending, person};
use super::line::{Line, cut_middle};
use super::style::Style;
use crate::deployment::{Deployment, Ending};

/// The version of the JSON: it grows when something is taken away or changes its meaning.
const VERSION: u32 = 1;

/// The widths that longer texts are cut to.
const STACK: usize = 32;
const WHO: usize = 16;

/// A stack, as far as it is known.
#[derive(Debug, Clone)]
pub struct Listed {
    pub stack: String,
    pub region: String,
    /// The number of its objects in the tag index.
    pub resources: usize,
    /// The run that ended last, and how long ago.
    pub last: Option<(Deployment, Duration)>,
    pub file: Option<String>,
    /// The account that the file names, if that is another one.
    pub account: Option<String>,
}

impl Listed {
    fn state(&self) -> &'static str {
        let destroyed = self.last.as_ref().is_some_and(|(last, _)| {
            last.record.command == "destroy" && last.record.outcome == Ending::Succeeded
        });
        match &self.last {
            _ if self.account.is_some() => "otherAccount",
            _ if self.resources > 0 => "live",
            // The index is behind by minutes.
            Some(_) if !destroyed => "live",
            Some(_) => "destroyed",
            None => "notDeployed",
        }
    }
}

/// A row for each stack.
pub fn table(stacks: &[Listed], width: Option<usize>) -> Vec<Line> {
    let regions: BTreeSet<&str> = stacks.iter().map(|it| it.region.as_str()).collect();
    let has_regions = regions.len() > 1;
    let heads = [
        "Stack",
        "Region",
        "Resources",
        "Last run",
        "Changes",
        "By",
        "File",
    ];
    let mut rows = vec![heads.map(|head| Line::styled(Style::Bold, head))];
    rows.extend(stacks.iter().map(row));
    if !has_regions {
        for row in &mut rows {
            row[1] = Line::new();
        }
    }
    let mut widths = [0; 7];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.width().max(*width);
        }
    }
    let lines = rows.into_iter().map(|row| {
        let mut line = Line::plain("  ");
        let cells = row.into_iter().zip(widths).filter(|(_, width)| *width > 0);
        for (index, (cell, width)) in cells.enumerate() {
            if index > 0 {
                line = line.and("  ");
            }
            line = line.then(cell.padded(width));
        }
        line
    });
    match width {
        Some(width) => lines.map(|line| line.cut(width)).collect(),
        None => lines.collect(),
    }
}

fn row(listed: &Listed) -> [Line; 7] {
    let mut by = Line::new();
    let mut changed = Line::new();
    let last = match (&listed.last, &listed.account) {
        (_, Some(account)) => Line::styled(Style::Faint, format!("in account {account}")),
        (Some((last, age)), _) => {
            by = Line::plain(cut_middle(person(&last.by), WHO));
            changed = changes(&last.record);
            let (word, style) = ending(last.record.outcome);
            Line::plain(format!("{} ", last.record.command))
                .with(style, word)
                .and(format!(" {}", ago(*age)))
        }
        (None, _) if listed.resources > 0 => Line::styled(Style::Faint, "not on record"),
        (None, _) => Line::styled(Style::Faint, "not deployed"),
    };
    let count = match listed.resources {
        0 => String::new(),
        count => count.to_string(),
    };
    [
        Line::plain(cut_middle(&listed.stack, STACK)),
        Line::plain(&listed.region),
        Line::plain(count),
        last,
        changed,
        by,
        Line::plain(listed.file.as_deref().unwrap_or("-")),
    ]
}

/// `3h ago`: as exact as anyone needs it.
fn ago(age: Duration) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    match age.as_secs() {
        0..MINUTE => "just now".to_owned(),
        seconds @ MINUTE..HOUR => format!("{}m ago", seconds / MINUTE),
        seconds if seconds < 2 * DAY => format!("{}h ago", seconds / HOUR),
        seconds => format!("{}d ago", seconds / DAY),
    }
}

/// All that is known of each stack. `unread` are the regions that could not be read, with the reasons.
pub fn document(
    account: &str,
    regions: &[String],
    unread: &[(String, String)],
    stacks: &[Listed],
) -> Json {
    let stacks: Vec<Json> = stacks
        .iter()
        .map(|listed| {
            let last = listed.last.as_ref().map(|(last, age)| {
                json!({
                    "command": last.record.command,
                    "outcome": last.record.outcome,
                    "ended": last.ended,
                    "age": age.as_secs(),
                    "by": last.by,
                    "runUrl": last.record.run_url,
                })
            });
            json!({
                "stack": listed.stack,
                "region": listed.region,
                "state": listed.state(),
                "resources": listed.resources,
                "lastRun": last,
                "file": listed.file,
                "account": listed.account.as_deref().unwrap_or(account),
            })
        })
        .collect();
    let unread: Vec<Json> = unread
        .iter()
        .map(|(region, reason)| json!({ "region": region, "reason": reason }))
        .collect();
    json!({
        "version": VERSION,
        "account": account,
        "regions": regions,
        "unread": unread,
        "stacks": stacks,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployment::Record;
    use expect_test::expect;

    fn listed(stack: &str, region: &str, resources: usize, file: Option<&str>) -> Listed {
        Listed {
            stack: stack.to_owned(),
            region: region.to_owned(),
            resources,
            last: None,
            file: file.map(str::to_owned),
            account: None,
        }
    }

    fn ran(command: &str, outcome: Ending, hours: u64) -> (Deployment, Duration) {
        let record = Record {
            command: command.to_owned(),
            outcome,
            created: 3,
            ..Record::default()
        };
        let deployment = Deployment {
            number: 1,
            ended: "2026-01-31T09:15:00Z".to_owned(),
            by: "arn:aws:iam::123456789012:user/anna".to_owned(),
            record,
        };
        (deployment, Duration::from_secs(hours * 3600))
    }

    fn stacks() -> Vec<Listed> {
        vec![
            Listed {
                last: Some(ran("up", Ending::Succeeded, 3)),
                ..listed(
                    "happyrobot-fde/dev",
                    "eu-south-2",
                    81,
                    Some("stacks/dev.yaml"),
                )
            },
            Listed {
                last: Some(ran("up", Ending::Failed, 72)),
                ..listed("lost\u{1b}[31m/dev", "eu-south-2", 4, None)
            },
            Listed {
                last: Some(ran("destroy", Ending::Succeeded, 0)),
                ..listed("old/dev", "eu-south-2", 0, Some("stacks/old.yaml"))
            },
            listed(
                "happyrobot-fde/prod",
                "eu-south-2",
                0,
                Some("stacks/prod.yaml"),
            ),
            listed("unknown/dev", "eu-south-2", 7, None),
            Listed {
                account: Some("210987654321".to_owned()),
                ..listed("acme/prod", "eu-south-2", 0, Some("stacks/acme.yaml"))
            },
        ]
    }

    fn shown(stacks: &[Listed], width: Option<usize>) -> String {
        let lines = table(stacks, width);
        let lines = lines.iter().map(|line| line.render(false) + "\n");
        // Texts in the source are kept without what all their lines are set in by.
        ["Stacks\n".to_owned()].into_iter().chain(lines).collect()
    }

    #[test]
    fn a_table_for_people() {
        expect![[r#"
            Stacks
              Stack                Resources  Last run                    Changes  By    File
              happyrobot-fde/dev   81         up succeeded 3h ago         +3       anna  stacks/dev.yaml
              lost␛[31m/dev        4          up failed 3d ago            +3       anna  -
              old/dev                         destroy succeeded just now  +3       anna  stacks/old.yaml
              happyrobot-fde/prod             not deployed                               stacks/prod.yaml
              unknown/dev          7          not on record                              -
              acme/prod                       in account 210987654321                    stacks/acme.yaml
        "#]]
        .assert_eq(&shown(&stacks(), None));
        for line in shown(&stacks(), Some(60)).lines() {
            assert!(line.chars().count() <= 60, "{line}");
        }
    }

    #[test]
    fn regions_are_shown_where_there_are_several() {
        let two = [
            listed("shop/dev", "eu-south-2", 1, None),
            listed("shop/dev", "eu-west-1", 2, None),
        ];
        expect![[r#"
            Stacks
              Stack     Region      Resources  Last run       Changes  By  File
              shop/dev  eu-south-2  1          not on record               -
              shop/dev  eu-west-1   2          not on record               -
        "#]]
        .assert_eq(&shown(&two, None));
    }

    #[test]
    fn each_has_a_state_for_scripts() {
        let unread = [("ap-east-1".to_owned(), "not enabled".to_owned())];
        let document = document(
            "123456789012",
            &["eu-south-2".to_owned()],
            &unread,
            &stacks(),
        );
        let stacks = document["stacks"].as_array().expect("a list");
        let states: Vec<&Json> = stacks.iter().map(|stack| &stack["state"]).collect();
        let expected = [
            "live",
            "live",
            "destroyed",
            "notDeployed",
            "live",
            "otherAccount",
        ];
        assert_eq!(states, expected);
        assert_eq!(stacks[0]["lastRun"]["age"], 3 * 3600);
        assert_eq!(stacks[5]["account"], "210987654321");
        assert_eq!(document["unread"][0]["reason"], "not enabled");
    }

    #[test]
    fn ages_are_as_exact_as_needed() {
        let ages = [59, 61, 3599, 3600, 47 * 3600, 48 * 3600].map(Duration::from_secs);
        assert_eq!(
            ages.map(ago),
            [
                "just now", "1m ago", "59m ago", "1h ago", "47h ago", "2d ago"
            ]
        );
    }
}
