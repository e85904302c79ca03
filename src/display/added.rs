//! Objects that others have added to ours, and that the plan leaves.

use super::line::{Line, wrap};
use super::style::Style;
use super::view::View;
use crate::plan::{Added, Goal, Plan};
use crate::resource::{Observed, Value};

/// The symbol before each item.
const SYMBOL: &str = "?";

/// Columns before the text of an item.
const INDENT: usize = 7;

/// `Added by others:` with an item for each; nothing if there is none. Items that go with their parents are listed apart.
pub fn render(view: View<'_>) -> Vec<Line> {
    let how = match view.plan.goal {
        Goal::Up => " (left alone; `--remove ID` takes one away):",
        Goal::Destroy => ":",
    };
    let left = view.plan.added.iter().filter(|added| !added.goes);
    let going = view.plan.added.iter().filter(|added| added.goes);
    let mut lines = titled(view, how, left);
    lines.extend(titled(view, ", and goes with its parent:", going));
    lines
}

fn titled<'a>(view: View<'_>, how: &str, added: impl Iterator<Item = &'a Added>) -> Vec<Line> {
    let mut lines = Vec::new();
    for added in added {
        let style = if added.is_drift || added.goes {
            Style::Warning
        } else {
            Style::Plain
        };
        let text = format!("{}: {}", added.parent.name(), text(added));
        let width = view.width.map(|width| width.saturating_sub(INDENT));
        for (index, text) in wrap(&text, width).into_iter().enumerate() {
            let lead = match index {
                0 => Line::plain("    ").with(style, SYMBOL).and("  "),
                _ => Line::plain(" ".repeat(INDENT)),
            };
            lines.push(lead.and(text));
        }
    }
    if !lines.is_empty() {
        let title = Line::styled(Style::Heading, "Added by others");
        lines.insert(0, title.and(how));
    }
    lines
}

/// The type of an addition, its id, and whether it counts as drift.
pub fn text(added: &Added) -> String {
    let observed = &added.observed;
    let fate = match (added.goes, added.is_drift) {
        (true, _) => "; goes with it",
        (false, true) => "; drift",
        (false, false) => "",
    };
    format!("{} ({}){fate}", what(observed), observed.id)
}

/// The type, and the properties that people tell it by.
fn what(observed: &Observed) -> String {
    let kind = observed.token.rsplit(':').next().unwrap_or_default();
    let text = |name: &str| {
        let value = observed.inputs.get(name)?;
        let json = serde_json::Value::from(value);
        Some(
            json.as_str()
                .map_or_else(|| json.to_string(), str::to_owned),
        )
    };
    let words: Vec<String> = TELLING
        .iter()
        .filter(|name| {
            observed
                .inputs
                .get(**name)
                .is_some_and(|value| !value.is_null() && !matches!(value, Value::Secret(_)))
        })
        .filter_map(|name| text(name).filter(|text| !text.is_empty()))
        .collect();
    if words.is_empty() {
        kind.to_owned()
    } else {
        format!("{kind} {}", words.join(" "))
    }
}

/// Properties by which people tell such an object, in the order in which they are read.
const TELLING: [&str; 17] = [
    "name",
    "policyArn",
    "ipProtocol",
    "protocol",
    "fromPort",
    "toPort",
    "port",
    "priority",
    "cidrIpv4",
    "cidrIpv6",
    "prefixListId",
    "referencedSecurityGroupId",
    "destinationCidrBlock",
    "gatewayId",
    "natGatewayId",
    "endpoint",
    "resourceArn",
];

/// The number of additions that count as drift.
pub fn drifting(plan: &Plan) -> usize {
    plan.added.iter().filter(|added| added.is_drift).count()
}
