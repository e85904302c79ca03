//! `preview --markdown`: a plan as a pull request's comment or a CI system's summary.
//!
//! Parts that do not fit are left out whole, the least important first: differences, of what is made before those of what
//! changes; rows of what is made and changed; the picture. The counts and what destroys stay to the last. Nothing that
//! comes from AWS or from a stack file can end the span or block it stands in.

use std::collections::{BTreeMap, BTreeSet};

use super::added;
use super::diff;
use super::estimate::Estimate;
use super::new_defaults;
use super::pending;
use super::preview;
use super::rows::{PlanRow, fate_of_data, is_shown, rows, tally, word};
use super::sanitize::{HARMLESS, sanitize, workflow_commands};
use super::style;
use super::view::View;
use crate::plan::{Action, Goal, Op, Plan, Step, StepId};
use crate::resource::Value;

/// GitHub takes 65,536 characters for a comment; this leaves room for what an action writes around it.
pub const MAX_BYTES: usize = 60_000;

/// The least number of bytes: below this not even the counts fit.
pub const LEAST_BYTES: usize = 2_000;

/// The number of resources above which they are drawn as their sections.
const MOST_DRAWN: usize = 30;

/// The number of resources that are named whose data goes.
const MOST_NAMED: usize = 10;

/// Room for the sentences that say how much is left out, and for what stands around table, picture and diff.
const FRAME_BYTES: usize = 700;

/// The plan in at most `max_bytes`, which are no fewer than [`LEAST_BYTES`], with the time that it usually takes.
pub fn render(view: View<'_>, estimate: Option<&Estimate>, max_bytes: usize) -> String {
    let mut rows = rows(view.plan);
    rows.retain(is_shown);
    rows.sort_by_key(|row| weight(view, row));
    let mut left = max_bytes.saturating_sub(FRAME_BYTES);
    let mut head = take(&mut left, Some(head(view, &rows))).unwrap_or_default();
    head.extend(take(&mut left, estimate.map(time)));
    head.extend(take(&mut left, new_defaults(view)));
    head.extend(take(&mut left, waiting(view)));
    let (destroying, others) = rows.split_at(rows.partition_point(|row| destroys(row)));
    let fitting = |rows: &[PlanRow<'_>], left: &mut usize| -> Vec<String> {
        let rows = rows.iter().map(|row| table_row(view, row));
        rows.map_while(|row| take(left, Some(row))).collect()
    };
    let mut table = fitting(destroying, &mut left);
    let picture = take(&mut left, picture(view.plan, &rows));
    if table.len() == destroying.len() {
        table.extend(fitting(others, &mut left));
    }
    let with_diff = rows.iter().filter(|row| row.step.is_some()).count();
    let diffs: Vec<String> = rows
        .iter()
        .filter_map(|row| diff_of(view, row))
        .map_while(|text| take(&mut left, Some(text)))
        .collect();

    let mut page = head;
    if !table.is_empty() {
        page.push_str("\n| | resource | type | |\n|---|---|---|---|\n");
        page.extend(table.iter().map(String::as_str));
        page.push_str(&left_out(rows.len() - table.len(), "rows"));
    }
    if let Some(picture) = picture {
        page.push_str("\n<details><summary>Picture</summary>\n\n");
        page.push_str(&fenced("mermaid", &picture));
        page.push_str("\n</details>\n");
    }
    if with_diff > 0 {
        page.push_str("\n<details><summary>Differences</summary>\n\n");
        if !diffs.is_empty() {
            page.push_str(&fenced("diff", &diffs.concat()));
        }
        page.push_str(&left_out(with_diff - diffs.len(), "resources"));
        page.push_str("\n</details>\n");
    }
    page
}

/// Returns the text if it fits, and takes its size off the room that is left.
fn take(left: &mut usize, text: Option<String>) -> Option<String> {
    let text = text?;
    *left = left.checked_sub(text.len())?;
    Some(text)
}

fn left_out(count: usize, what: &str) -> String {
    match count {
        0 => String::new(),
        count => {
            format!(
                "\n{count} more {what} are left out here; `fde-infra preview --diff` has all.\n"
            )
        }
    }
}

/// The order of a row: what destroys comes first, and of that what holds data; what is made comes last.
fn weight(view: View<'_>, row: &PlanRow<'_>) -> (usize, bool) {
    let rank = match row.op {
        _ if row.refusal.is_some() => 0,
        Op::Delete => 1,
        Op::Replace => 2,
        Op::Retain => 3,
        Op::Update => 4,
        Op::Create => 5,
        Op::Same => 6,
    };
    let data = row.step.and_then(|step| fate_of_data(view.catalog, step));
    (rank, data.is_none())
}

fn destroys(row: &PlanRow<'_>) -> bool {
    row.refusal.is_some() || matches!(row.op, Op::Delete | Op::Replace | Op::Retain)
}

fn head(view: View<'_>, rows: &[PlanRow<'_>]) -> String {
    let plan = view.plan;
    let fact = |name| plan.facts.get(name).and_then(Value::as_str);
    let goal = match plan.goal {
        Goal::Up => "Preview",
        Goal::Destroy => "Preview of destroy",
    };
    let mut head = format!("### {goal}: {}\n\n", code(&plan.stack.to_string()));
    head.push_str(&format!("**{}**", counts(plan)));
    if let (Some(account), Some(region)) = (fact("accountId"), fact("region")) {
        head.push_str(&format!(" in {}, {}", code(account), code(region)));
    }
    head.push('\n');
    let losing: Vec<&str> = rows
        .iter()
        .filter(|row| {
            row.step
                .is_some_and(|step| fate_of_data(view.catalog, step).is_some())
        })
        .map(|row| row.urn.name())
        .collect();
    if !losing.is_empty() {
        let named: Vec<String> = losing
            .iter()
            .take(MOST_NAMED)
            .map(|name| code(name))
            .collect();
        let mut names = named.join(", ");
        if losing.len() > MOST_NAMED {
            names.push_str(&format!(" and {} more", losing.len() - MOST_NAMED));
        }
        head.push_str(&format!("\n> [!CAUTION]\n> Deletes data: {names}\n"));
    }
    let mut others: Vec<String> = Vec::new();
    for added in &view.plan.added {
        let of = code(added.parent.name());
        others.push(format!("> {of}: {}\n", escaped(&added::text(added))));
    }
    if !others.is_empty() {
        let more = others.len().saturating_sub(MOST_NAMED);
        others.truncate(MOST_NAMED);
        head.push_str("\n> [!NOTE]\n> Added by others, and left alone:\n>\n");
        head.push_str(&others.join("> \n"));
        if more > 0 {
            head.push_str(&format!("> \n> and {more} more\n"));
        }
    }
    let interrupting = rows
        .iter()
        .filter_map(|row| Some((row.urn.name(), row.interruption(view.plan, view.catalog)?)));
    let interrupting: Vec<String> = interrupting
        .take(MOST_NAMED)
        .map(|(name, effect)| format!("> - {}: {effect}\n", code(name)))
        .collect();
    if !interrupting.is_empty() {
        head.push_str(&format!(
            "\n> [!CAUTION]\n> Interrupts:\n{}",
            interrupting.concat()
        ));
    }
    let refused = rows.iter().filter(|row| row.refusal.is_some()).count();
    if refused > 0 {
        head.push_str(&format!(
            "\n> [!WARNING]\n> {refused} refused: `up` would stop before it changes anything.\n"
        ));
    }
    head
}

/// The time that the plan usually takes.
fn time(estimate: &Estimate) -> String {
    let (longest, _) = &estimate.longest;
    format!("\n**Time:** {}\n", estimate.text(&code(longest.name())))
}

/// The settings that are decided and not in force.
fn waiting(view: View<'_>) -> Option<String> {
    let waiting = pending::of_plan(view.plan, view.catalog);
    if waiting.is_empty() {
        return None;
    }
    let mut text = "\n> [!NOTE]\n> Pending:\n".to_owned();
    for waiting in waiting.iter().take(MOST_NAMED) {
        let sentence = escaped(&waiting.sentence());
        text.push_str(&format!("> - {}: {sentence}\n", code(waiting.urn.name())));
    }
    if waiting.len() > MOST_NAMED {
        text.push_str(&format!("> - and {} more\n", waiting.len() - MOST_NAMED));
    }
    Some(text)
}

/// The changes that come because a default is another one than it was.
fn new_defaults(view: View<'_>) -> Option<String> {
    let new = new_defaults::of_plan(view.plan, view.catalog);
    if new.is_empty() {
        return None;
    }
    let mut text = "\n> [!NOTE]\n> New defaults:\n".to_owned();
    for new in new.iter().take(MOST_NAMED) {
        let sentence = escaped(&new.sentence());
        text.push_str(&format!("> - {}: {sentence}\n", code(new.urn.name())));
    }
    if new.len() > MOST_NAMED {
        text.push_str(&format!("> - and {} more\n", new.len() - MOST_NAMED));
    }
    Some(text)
}

/// `1 to delete, 2 to update, 78 unchanged`
fn counts(plan: &Plan) -> String {
    let tally = tally(plan);
    let ops = [Op::Delete, Op::Replace, Op::Create, Op::Update, Op::Retain];
    let mut parts: Vec<String> = ops
        .iter()
        .filter_map(|op| Some(format!("{} to {}", tally.get(op)?, word(*op))))
        .collect();
    if parts.is_empty() {
        parts.push("no changes".to_owned());
    }
    if let Some(count) = tally.get(&Op::Same) {
        parts.push(format!("{count} unchanged"));
    }
    let drifted = |row: &PlanRow<'_>| row.step.is_some_and(|step| step.because.is_drift());
    let rows = rows(plan);
    let drifted = rows.iter().filter(|row| drifted(row)).count();
    match drifted + added::drifting(plan) {
        0 => {}
        count => parts.push(format!("{count} drifted")),
    }
    parts.join(", ")
}

fn table_row(view: View<'_>, row: &PlanRow<'_>) -> String {
    let what = match (row.refusal, row.op) {
        (Some(_), _) => "**refused**".to_owned(),
        (None, Op::Delete | Op::Replace) => format!("**{}**", row.word()),
        (None, _) => row.word().to_owned(),
    };
    format!(
        "| {} {what} | {} | {} | {} |\n",
        code(style::symbol(row.op).trim()),
        code(row.urn.name()),
        code(row.urn.token()),
        escaped(&preview::info(view, row).render(false)),
    )
}

/// The differences of one resource, in the form that is coloured as a diff: the symbol in the first column.
fn diff_of(view: View<'_>, row: &PlanRow<'_>) -> Option<String> {
    let lines = diff::of_step(row.op, row.step?, view.catalog, None);
    let mut text = String::new();
    for line in lines {
        let line = line.render(false);
        if line.is_empty() {
            text.push('\n');
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        let (symbol, rest) = match line.trim_start().strip_prefix(['+', '-', '~', '=']) {
            Some(rest) if line.trim_start().starts_with("+-") => ("!", &rest[1..]),
            Some(rest) => (&line[indent..=indent], rest),
            None => (" ", line.trim_start()),
        };
        let symbol = match (symbol, row.op) {
            ("~", _) => "!",
            (" ", Op::Create) => "+",
            (" ", Op::Delete) => "-",
            (symbol, _) => symbol,
        };
        let line = format!("{symbol}{}{rest}", " ".repeat(indent));
        text.push_str(line.trim_end());
        text.push('\n');
    }
    Some(text)
}

/// The changes, and what they wait for; section by section where single resources would be too many.
fn picture(plan: &Plan, rows: &[PlanRow<'_>]) -> Option<String> {
    let drawn: Vec<&PlanRow<'_>> = rows.iter().filter(|row| !row.steps.is_empty()).collect();
    if drawn.len() < 2 {
        return None;
    }
    let by_section = drawn.len() > MOST_DRAWN;
    let mut nodes: Vec<Node> = Vec::new();
    let mut node_of: BTreeMap<StepId, usize> = BTreeMap::new();
    for row in drawn {
        let name = row.urn.name();
        let name = match name.split_once('/') {
            Some((section, _)) if by_section => section,
            None if by_section => "resources",
            _ => name,
        };
        let known = nodes.iter().position(|node| node.name == name);
        let index = known.unwrap_or_else(|| {
            nodes.push(Node {
                name,
                counts: BTreeMap::new(),
            });
            nodes.len() - 1
        });
        *nodes[index].counts.entry(row.op).or_default() += 1;
        node_of.extend(row.steps.iter().map(|step| (*step, index)));
    }
    let mut edges: BTreeSet<(usize, usize)> = BTreeSet::new();
    // The second half of a replacement waits for those that its first half is waited for by.
    let is_drawn = |step: &Step| !matches!(step.action, Action::DeleteReplaced { .. });
    for (id, step) in plan.steps.iter().enumerate() {
        for before in &step.waits_for {
            if !is_drawn(step) || !is_drawn(&plan.steps[*before]) {
                continue;
            }
            if let (Some(from), Some(to)) = (node_of.get(before), node_of.get(&id))
                && from != to
            {
                edges.insert((*from, *to));
            }
        }
    }
    let mut text = String::from("graph LR\n");
    for (index, node) in nodes.iter().enumerate() {
        text.push_str(&node.draw(index, by_section));
    }
    for (from, to) in edges {
        text.push_str(&format!("  n{from} --> n{to}\n"));
    }
    text.push_str(
        "  classDef create stroke:#1a7f37,stroke-width:2px\n  \
         classDef update stroke:#9a6700,stroke-width:2px\n  \
         classDef replace stroke:#8250df,stroke-width:2px\n  \
         classDef delete stroke:#cf222e,stroke-width:2px\n",
    );
    Some(text)
}

struct Node<'a> {
    name: &'a str,
    counts: BTreeMap<Op, usize>,
}

impl Node<'_> {
    fn draw(&self, index: usize, is_section: bool) -> String {
        let symbol = |op: &Op| style::symbol(*op).trim();
        let label = if is_section {
            let counts = self.counts.iter();
            let counts = counts.map(|(op, count)| format!("{} {count}", symbol(op)));
            format!("{}: {}", self.name, counts.collect::<Vec<_>>().join(", "))
        } else {
            let symbols: Vec<&str> = self.counts.keys().map(symbol).collect();
            format!("{} {}", symbols.join(" "), self.name)
        };
        let destroys = |op: &&Op| matches!(op, Op::Delete | Op::Replace);
        let colour = self.counts.keys().find(destroys);
        let class = word(
            *colour
                .or(self.counts.keys().next_back())
                .unwrap_or(&Op::Same),
        );
        format!("  n{index}[\"{}\"]:::{class}\n", drawable(&label))
    }
}

/// Replaces all characters but those that mean nothing to Mermaid.
fn drawable(text: &str) -> String {
    let plain = |character: char| character.is_alphanumeric() || " _-./:+~,=*".contains(character);
    text.chars()
        .map(|character| if plain(character) { character } else { '·' })
        .collect()
}

/// A span of code that ends where we end it, in a table, too.
fn code(text: &str) -> String {
    let mut text = sanitize(text).into_owned();
    for place in workflow_commands(&text).into_iter().rev() {
        text.insert(place, HARMLESS);
    }
    let text = text.replace('|', "\\|");
    let fence = "`".repeat(longest_run(&text) + 1);
    let space = if text.is_empty() || text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{space}{text}{space}{fence}")
}

/// A block of code that ends where we end it.
fn fenced(language: &str, text: &str) -> String {
    let fence = "`".repeat((longest_run(text) + 1).max(3));
    format!("{fence}{language}\n{text}{fence}\n")
}

fn longest_run(text: &str) -> usize {
    let runs = text.split(|character| character != '`');
    runs.map(str::len).max().unwrap_or(0)
}

/// A space without a width: GitHub looks for mentions and references once entities and escapes are resolved, so that
/// neither `&#64;` nor `\@` keeps it from notifying a user (<https://github.com/github/cmark-gfm/issues/181>).
const PARTING: &str = "&#8203;";

/// Plain text: no markup, no HTML, no one mentioned, no issue linked.
fn escaped(text: &str) -> String {
    let text = sanitize(text);
    let mut escaped = String::new();
    for (at, character) in text.char_indices() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' | '!' => {
                escaped.push('\\');
                escaped.push(character);
            }
            other => escaped.push(other),
        }
        if begins_reference(&text, at) {
            escaped.push_str(PARTING);
        }
    }
    escaped
}

/// True where GitHub would see `@team`, `#1`, `GH-1`, or the address of an issue, were it not parted after this character.
fn begins_reference(text: &str, at: usize) -> bool {
    let (before, rest) = text.as_bytes().split_at(at);
    match rest {
        [b'@' | b'#', ..] | [b':', b'/', b'/', ..] => true,
        [b'-', next, ..] if next.is_ascii_digit() => {
            let (word, end) = before.split_at(before.len().saturating_sub(2));
            let is_part = word.last().is_some_and(u8::is_ascii_alphanumeric);
            end.eq_ignore_ascii_case(b"gh") && !is_part
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect_file;

    use super::super::fixtures::{SECTIONS, catalog, changes_of_many, everything, plan_of_many};
    use super::*;
    use crate::plan::Because;

    fn page(plan: &Plan, max_bytes: usize) -> String {
        let catalog = catalog();
        let view = View {
            plan,
            catalog: &catalog,
            sections: SECTIONS,
            show_sames: false,
            width: None,
        };
        let estimate = Estimate::of(plan, &catalog, false);
        let page = render(view, estimate.as_ref(), max_bytes);
        assert!(page.len() <= max_bytes, "{} bytes", page.len());
        page
    }

    #[test]
    fn a_comment() {
        expect_file!["../../tests/snapshots/display/markdown.md"]
            .assert_eq(&page(&everything(), MAX_BYTES));
    }

    #[test]
    fn what_destroys_stays_to_the_last() {
        let plan = everything();
        let whole = page(&plan, MAX_BYTES);
        let destroying = |page: &str| page.matches(" **replace** |").count();
        assert!(whole.contains("```mermaid") && whole.contains("```diff"));
        let mut before = usize::MAX;
        for max_bytes in (LEAST_BYTES..whole.len() + FRAME_BYTES).rev().step_by(97) {
            let page = page(&plan, max_bytes);
            assert!(page.contains("Deletes data"), "{page}");
            assert!(destroying(&page) <= before);
            before = destroying(&page);
            // Blocks and tables end where they began.
            assert_eq!(
                page.matches("<details>").count(),
                page.matches("</details>").count()
            );
            assert_eq!(page.matches("```").count() % 2, 0, "{page}");
        }
        let least = page(&plan, LEAST_BYTES);
        assert!(least.contains("| `-` **delete**"), "{least}");
    }

    #[test]
    fn thousands_of_changes_fit() {
        let plan = plan_of_many(3_000);
        let page = page(&plan, MAX_BYTES);
        assert!(page.contains("3000 to create"), "{}", &page[..500]);
        assert!(page.contains("more rows are left out"));
        assert!(page.contains("n0[\"monitoring: + 3000\"]") || !page.contains("mermaid"));
    }

    #[test]
    fn thousands_of_large_differences_fit() {
        let plan = changes_of_many(3_000);
        let rows = |page: &str, what: &str| page.matches(&format!(" {what} | `")).count();
        // A comment of GitHub's, the summary of a run, and everything there is.
        let (comment, summary, whole) = (
            page(&plan, MAX_BYTES),
            page(&plan, 1_000_000),
            page(&plan, 1 << 30),
        );
        assert!(whole.len() > 1_500_000, "{} bytes", whole.len());
        for page in [&comment, &summary, &whole] {
            assert!(
                page.contains("1000 to replace, 1000 to create, 1000 to update"),
                "{}",
                &page[..500]
            );
            assert_eq!(
                page.matches("<details>").count(),
                page.matches("</details>").count()
            );
            assert_eq!(page.matches("```").count() % 2, 0);
            for row in page.lines().filter(|line| line.starts_with("| `")) {
                assert!(
                    row.ends_with('|') && row.matches(" | ").count() == 3,
                    "{row}"
                );
            }
        }
        // What destroys stays to the last; what is large goes first, and goes whole.
        assert_eq!(rows(&whole, "create"), 1_000);
        assert_eq!(rows(&summary, "**replace**"), 1_000);
        assert_eq!(rows(&summary, "create"), 1_000);
        assert!(
            rows(&comment, "**replace**") > 300,
            "{}",
            rows(&comment, "**replace**")
        );
        assert_eq!(rows(&comment, "create"), 0);
        assert!(comment.contains("more rows are left out here"));
        let diffs = |page: &str| {
            let changes = page.lines().filter_map(|line| line.strip_prefix('!'));
            let headings = changes.filter(|line| line.trim().starts_with("services/large"));
            headings.count()
        };
        assert!((1..2_000).contains(&diffs(&summary)), "{}", diffs(&summary));
        for page in [&comment, &summary] {
            let left_out = format!("\n{} more resources are left out here", 3_000 - diffs(page));
            assert!(page.contains(&left_out), "{left_out}");
        }
    }

    #[test]
    fn nobody_is_called_and_nothing_is_linked() {
        let mut plan = everything();
        let hostile =
            "@team fixes #1 and GH-2, see https://github.com/a/b/issues/3 &commat;x &#64;y";
        let updated = plan.steps.iter_mut().find(|step| step.op() == Op::Update);
        updated.expect("something is updated").because = Because::Broken(hostile.to_owned());
        let page = page(&plan, MAX_BYTES);
        let row = page
            .lines()
            .find(|line| line.contains("fixes"))
            .expect("it is said");
        // The text as GitHub has it once entities are resolved.
        let seen = row
            .replace("&#8203;", "\u{200b}")
            .replace("&amp;", "&")
            .replace("&#64;", "@");
        for (start, next) in [("@", 't'), ("#", '1'), ("GH-", '2'), ("https:", '/')] {
            let (_, rest) = seen.split_once(start).expect("it is there");
            assert!(rest.starts_with('\u{200b}'), "{start}{next}: {row}");
        }
        assert!(row.contains("&amp;commat;x &amp;#&#8203;64;y"), "{row}");
    }

    #[test]
    fn foreign_text_stays_where_it_is() {
        assert_eq!(code("a`b|c"), "``a`b\\|c``");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(code("a\n\n# b"), "`a␊␊# b`");
        assert_eq!(code("a ##[error]b"), "`a #·#[error]b`");
        assert_eq!(
            escaped("<b>@team #1 [x](y) a|b"),
            "&lt;b&gt;@&#8203;team #&#8203;1 \\[x\\](y) a\\|b"
        );
        assert_eq!(
            escaped("high-1 é-1 GH-1: https://github.com/a/b/issues/1 &#64;c"),
            "high-1 é-1 GH-&#8203;1: https:&#8203;//github.com/a/b/issues/1 &amp;#&#8203;64;c"
        );
        assert_eq!(drawable("a\"]; click n0"), "a··· click n0");
        assert_eq!(
            fenced("diff", "```\n</details>\n"),
            "````diff\n```\n</details>\n````\n"
        );
    }
}
