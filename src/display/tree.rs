//! Resources as a tree in columns, the way Pulumi shows them: `Type / Name / Plan / Info`.
//!
//! A logical name is `<section>/<name>`; sections are the branches. Wide enough, everything is shown whole. Where the
//! width is not enough, first the `aws:` of the types goes, then the service goes, then an info that does not fit
//! stands below its row, then the middle of types and names goes. A window narrower than 60 columns shows no types.
//!
//! A tree that is drawn again and again leaves room for all that may still come. Its columns go by that alone, so that they
//! stay where they are from the first frame to the last.

use console::measure_text_width;

use super::line::{Line, cut_middle};
use super::style::{self, Style};
use crate::plan::Op;
use crate::resource::Urn;

/// The columns before the first: a space, two for the symbol, two more.
const MARGIN: usize = 5;
const GAP: usize = 2;
/// The columns that are kept when there is too little room for all.
const SMALLEST_TYPE: usize = 22;
const SMALLEST_NAME: usize = 16;
/// The width of its title: an info that does not fit stands below its row.
const SMALLEST_INFO: usize = 4;
/// The columns that an info should have before types are shortened further.
const GOOD_INFO: usize = 26;
/// The narrowest width with a column for types.
const NARROWEST_WITH_TYPES: usize = 60;

/// The contents of one row, besides its type and name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cells {
    pub op: Option<Op>,
    /// The third column: `Plan` or `Status`.
    pub status: Line,
    pub info: Line,
}

/// A resource's row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub urn: Urn,
    pub cells: Cells,
}

/// A whole tree.
pub struct Tree<'a> {
    /// The title of the third column.
    pub status_title: &'a str,
    /// The row at the top: the stack.
    pub stack: String,
    pub stack_cells: Cells,
    pub rows: Vec<Row>,
    /// Rows at their widest, for a tree that is drawn again and again: the columns leave room for them. Empty for one that
    /// is printed once.
    pub to_come: Vec<Row>,
    /// Sections in the order in which they are shown; others follow by name.
    pub sections: &'a [&'a str],
    /// Lines that one info may take.
    pub info_lines: usize,
}

/// One line of the tree before columns are measured.
struct Entry {
    prefix: String,
    kind: String,
    is_section: bool,
    name: String,
    cells: Cells,
}

impl Tree<'_> {
    pub fn render(self, width: Option<usize>) -> Vec<Line> {
        let mut title = Entry {
            prefix: String::new(),
            kind: "Type".to_owned(),
            is_section: false,
            name: "Name".to_owned(),
            cells: Cells {
                op: None,
                status: Line::styled(Style::Heading, self.status_title),
                info: Line::styled(Style::Heading, "Info"),
            },
        };
        let mut to_come: Vec<Entry> = self
            .to_come
            .iter()
            .map(|row| Entry::of(row.clone(), "├─ │  ".to_owned()))
            .collect();
        let info_lines = self.info_lines;
        let mut entries = self.entries();
        if is_narrow(width) {
            let all = entries.iter_mut().chain(&mut to_come);
            all.chain([&mut title]).for_each(Entry::without_type);
        }
        let columns = match width {
            Some(width) if !to_come.is_empty() => {
                Columns::reserve(&title, &[&entries, &to_come], width)
            }
            _ => Columns::measure(&title, &entries, width),
        };
        if columns.info.is_none() {
            title.cells.info = Line::new();
        }
        let mut lines = columns.lines(title, Style::Heading, 1);
        for entry in entries {
            lines.extend(columns.lines(entry, Style::Plain, info_lines));
        }
        lines
    }

    fn entries(self) -> Vec<Entry> {
        let mut rows = self.rows;
        let rank = |section: &str| {
            let position = self.sections.iter().position(|known| *known == section);
            position.unwrap_or(self.sections.len())
        };
        rows.sort_by_cached_key(|row| {
            let (section, rest) = split(row.urn.name());
            let rest = natural(rest);
            (
                rank(section),
                section.to_owned(),
                row.urn.token().to_owned(),
                rest,
            )
        });
        let mut entries = vec![Entry {
            prefix: String::new(),
            kind: "fde:Stack".to_owned(),
            is_section: false,
            name: self.stack,
            cells: self.stack_cells,
        }];
        let mut rows = rows.into_iter().peekable();
        while let Some(first) = rows.next() {
            let section = split(first.urn.name()).0.to_owned();
            let mut group = vec![first];
            while let Some(row) = rows.next_if(|row| split(row.urn.name()).0 == section) {
                group.push(row);
            }
            let is_last = rows.peek().is_none();
            let (branch, trunk) = if is_last {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            };
            if section.is_empty() {
                let count = group.len();
                entries.extend(group.into_iter().enumerate().map(|(index, row)| {
                    let end = is_last && index + 1 == count;
                    Entry::of(row, if end { "└─ " } else { "├─ " }.to_owned())
                }));
                continue;
            }
            entries.push(Entry {
                prefix: branch.to_owned(),
                kind: section,
                is_section: true,
                name: String::new(),
                cells: Cells::default(),
            });
            let count = group.len();
            entries.extend(group.into_iter().enumerate().map(|(index, row)| {
                let branch = if index + 1 == count {
                    "└─ "
                } else {
                    "├─ "
                };
                Entry::of(row, format!("{trunk}{branch}"))
            }));
        }
        entries
    }
}

impl Entry {
    /// Lets the name take the place of the type, in a window too narrow for both.
    fn without_type(&mut self) {
        if !self.is_section {
            self.kind = std::mem::take(&mut self.name);
        }
    }

    fn of(row: Row, prefix: String) -> Self {
        Self {
            prefix,
            kind: row.urn.token().to_owned(),
            is_section: false,
            name: split(row.urn.name()).1.to_owned(),
            cells: row.cells,
        }
    }
}

/// Section and rest of a logical name. A name without a section has an empty one.
fn split(name: &str) -> (&str, &str) {
    name.split_once('/').unwrap_or(("", name))
}

/// A sort key in which `subnet2` comes before `subnet10`.
fn natural(name: &str) -> Vec<(String, u64)> {
    let mut parts = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let digits = rest
            .find(|character: char| character.is_ascii_digit())
            .unwrap_or(rest.len());
        let (text, number) = rest.split_at(digits);
        let end = number
            .find(|character: char| !character.is_ascii_digit())
            .unwrap_or(number.len());
        parts.push((text.to_owned(), number[..end].parse().unwrap_or(0)));
        rest = &number[end..];
    }
    parts
}

/// The part of a type token that is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Types {
    /// `aws:ec2:Vpc`
    Whole,
    /// `ec2:Vpc`
    WithService,
    /// `Vpc`
    Alone,
}

impl Types {
    fn shown(self, kind: &str) -> &str {
        match (self, kind.strip_prefix("aws:")) {
            (Self::Whole, _) | (_, None) => kind,
            (Self::WithService, Some(rest)) => rest,
            (Self::Alone, Some(rest)) => rest.split_once(':').map_or(rest, |(_, name)| name),
        }
    }

    /// The width of the widest type, with the branch before it.
    fn widest<'a>(self, entries: impl Iterator<Item = &'a Entry>) -> usize {
        let widths = entries.map(|entry| {
            measure_text_width(&entry.prefix) + measure_text_width(self.shown(&entry.kind))
        });
        widths.max().unwrap_or(0)
    }
}

/// Returns whether there is no room for types.
fn is_narrow(width: Option<usize>) -> bool {
    width.is_some_and(|width| width < NARROWEST_WITH_TYPES)
}

struct Columns {
    is_narrow: bool,
    types: Types,
    kind: usize,
    name: usize,
    status: usize,
    /// `None` where there are no infos, or where all of them stand below their rows.
    info: Option<usize>,
    /// The column behind the last one in which infos below their rows may stand.
    end: usize,
}

impl Columns {
    /// The columns of whole types, without infos.
    fn whole(title: &Entry, entries: &[&[Entry]], width: Option<usize>) -> Self {
        let all = || std::iter::once(title).chain(entries.iter().copied().flatten());
        let widest = |of: &dyn Fn(&Entry) -> usize| all().map(of).max().unwrap_or(0);
        Self {
            is_narrow: is_narrow(width),
            types: Types::Whole,
            kind: Types::Whole.widest(all()),
            name: widest(&|entry| measure_text_width(&entry.name)),
            status: widest(&|entry| entry.cells.status.width()),
            info: None,
            end: 0,
        }
    }

    /// The columns of a tree that is printed once.
    fn measure(title: &Entry, entries: &[Entry], width: Option<usize>) -> Self {
        let all = || std::iter::once(title).chain(entries);
        let has_info = entries.iter().any(|entry| !entry.cells.info.is_empty());
        let widest = all().map(|entry| entry.cells.info.width()).max();
        let info = widest.filter(|_| has_info);
        let mut columns = Self::whole(title, &[entries], width);
        columns.info = info;
        if let Some(width) = width {
            // Infos may lose their ends, but types and names have to stay legible: they come last.
            for (types, smallest_info) in [
                (Types::Whole, usize::MAX),
                (Types::WithService, GOOD_INFO),
                (Types::Alone, SMALLEST_INFO),
            ] {
                columns.types = types;
                columns.kind = types.widest(all());
                columns.info = info.map(|info| info.min(smallest_info));
                if columns.total() <= width {
                    break;
                }
            }
            columns.cut(width);
            let rest = width.saturating_sub(columns.total() - columns.info.unwrap_or(0));
            columns.info = info.map(|info| info.min(rest));
        }
        columns.end = columns.total();
        columns
    }

    /// The columns of a tree that is drawn again and again. Infos come and go, so that what they are now does not count:
    /// they have the rest of the width, or where that is too little, the lines below their rows.
    fn reserve(title: &Entry, entries: &[&[Entry]], width: usize) -> Self {
        let all = || std::iter::once(title).chain(entries.iter().copied().flatten());
        let mut columns = Self::whole(title, entries, Some(width));
        for types in [Types::Whole, Types::WithService, Types::Alone] {
            columns.types = types;
            columns.kind = types.widest(all());
            let rest = width.saturating_sub(columns.total() + GAP);
            if rest >= GOOD_INFO {
                columns.info = Some(rest);
                break;
            }
        }
        columns.cut(width);
        columns.end = width;
        columns
    }

    /// Shortens types, then names, as far as they are too wide.
    fn cut(&mut self, width: usize) {
        let over = |columns: &Self| columns.total().saturating_sub(width);
        self.kind -= over(self).min(self.kind.saturating_sub(SMALLEST_TYPE));
        self.name -= over(self).min(self.name.saturating_sub(SMALLEST_NAME));
    }

    fn total(&self) -> usize {
        MARGIN
            + self.kind
            + GAP
            + self.name
            + GAP
            + self.status
            + self.info.map_or(0, |info| GAP + info)
    }

    /// The row, and the lines of its info that do not fit beside it.
    fn lines(&self, entry: Entry, base: Style, info_lines: usize) -> Vec<Line> {
        let Entry {
            prefix,
            kind,
            is_section,
            name,
            cells,
        } = entry;
        let style = cells.op.map_or(base, style::of);
        let symbol = cells.op.map_or("  ", style::symbol);
        let kind_style = if is_section { Style::Bold } else { base };
        let room = self.kind.saturating_sub(measure_text_width(&prefix));
        let kind = cut_middle(self.types.shown(&kind), room);
        let gap = " ".repeat(GAP);
        let row = Line::plain(" ")
            .with(style, symbol)
            .and("  ")
            .then(
                Line::styled(Style::Faint, &prefix)
                    .with(kind_style, kind)
                    .padded(self.kind),
            )
            .and(&gap)
            .then(Line::styled(base, cut_middle(&name, self.name)).padded(self.name))
            .and(&gap)
            .then(cells.status.cut(self.status).padded(self.status));
        if cells.info.is_empty() {
            return vec![row];
        }
        let below_the_name = if self.is_narrow {
            MARGIN + measure_text_width(&prefix) + GAP
        } else {
            MARGIN + self.kind + GAP
        };
        if self.info.is_some_and(|info| cells.info.width() <= info) {
            return vec![row.and(&gap).then(cells.info)];
        }
        let width = self.end.saturating_sub(below_the_name);
        let guides = prefix.replace("├─", "│ ").replace("└─", "  ");
        let infos = cells.info.wrapped(width, info_lines).into_iter();
        let below = infos.map(|info| {
            Line::plain(" ".repeat(MARGIN))
                .with(Style::Faint, &guides)
                .padded(below_the_name)
                .then(info)
        });
        std::iter::once(row).chain(below).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::StackId;

    #[test]
    fn a_narrow_window_shows_no_types() {
        let stack = StackId {
            name: "shop".to_owned(),
            environment: "dev".to_owned(),
        };
        let row = |name: &str| Row {
            urn: Urn::new(&stack, "aws:ec2:Vpc", name),
            cells: Cells {
                op: Some(Op::Create),
                status: Line::plain("create"),
                info: Line::new(),
            },
        };
        let shown = |width| -> Vec<String> {
            let tree = Tree {
                status_title: "Plan",
                stack: "shop/dev".to_owned(),
                stack_cells: Cells::default(),
                rows: vec![row("network/vpc"), row("extra")],
                to_come: Vec::new(),
                sections: &["network"],
                info_lines: 1,
            };
            let lines = tree.render(Some(width));
            lines.iter().map(|line| line.render(false)).collect()
        };
        assert_eq!(
            shown(59),
            [
                "     Name          Plan",
                "     shop/dev",
                "     ├─ network",
                " +   │  └─ vpc     create",
                " +   └─ extra      create",
            ]
        );
        assert!(shown(60).iter().any(|line| line.contains("aws:ec2:Vpc")));
    }

    #[test]
    fn numbers_in_names_sort_by_value() {
        let mut names = ["subnet10", "subnet2", "alb", "subnet"];
        names.sort_by_cached_key(|name| natural(name));
        assert_eq!(names, ["alb", "subnet", "subnet2", "subnet10"]);
    }
}
