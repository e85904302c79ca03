//! The README is short, every link of the documents leads somewhere, and the stack files in them are stacks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use fde_infra::aws::registry::catalog;
use fde_infra::component::{SECTIONS, stack_graph};
use fde_infra::stack;

use crate::documents::{Block, Page, beside, blocks, pages, prose, spans};
use crate::rights::root;

/// The most lines that a stranger reads before the first command.
const MOST_LINES: usize = 250;

#[test]
fn the_readme_is_short() {
    let (_, readme) = &pages()[0];
    let lines = readme.lines().count();
    assert!(lines <= MOST_LINES, "{lines}");
}

/// The anchors that GitHub makes of the headings of a page.
fn anchors(page: &Page) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for line in prose(page).lines() {
        let heading = line.trim_start_matches('#');
        if heading.len() == line.len() || !heading.starts_with(' ') {
            continue;
        }
        let kept = |character: &char| character.is_alphanumeric() || " -_".contains(*character);
        let anchor: String = heading.trim().to_lowercase().chars().filter(kept).collect();
        let anchor = anchor.replace(' ', "-");
        let mut unique = anchor.clone();
        for number in 1.. {
            if anchors.insert(unique.clone()) {
                break;
            }
            unique = format!("{anchor}-{number}");
        }
    }
    anchors
}

/// The targets of the links of a page that lead to no other site.
fn links(page: &Page) -> Vec<String> {
    // A link in a code span is none, and one may go over the end of a line.
    let mut text = prose(page);
    for (_, span) in spans(page) {
        if !span.is_empty() {
            text = text.replacen(&format!("`{span}`"), "", 1);
        }
    }
    let parts = text.split("](").skip(1);
    let targets = parts.filter_map(|part| part.split_once(')'));
    let targets = targets.map(|(target, _)| target.to_owned());
    targets
        .filter(|target| !target.starts_with("http") && !target.starts_with("mailto:"))
        .collect()
}

/// A path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

#[test]
fn every_link_leads_somewhere() {
    let all: Vec<Page> = pages().into_iter().chain(beside()).collect();
    let headings: BTreeMap<&str, BTreeSet<String>> = all
        .iter()
        .map(|page| (page.0.as_str(), anchors(page)))
        .collect();
    let mut broken = Vec::new();
    let mut count = 0;
    for page in &all {
        let folder = Path::new(&page.0).parent().expect("a folder");
        for link in links(page) {
            count += 1;
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = match path {
                "" => PathBuf::from(&page.0),
                path => plain(&folder.join(path)),
            };
            let is_there = root().join(&target).exists();
            let name = target.to_string_lossy();
            let has_anchor = anchor.is_empty()
                || headings
                    .get(&*name)
                    .is_some_and(|anchors| anchors.contains(anchor));
            if !is_there || !has_anchor {
                broken.push(format!("{}: {link}", page.0));
            }
        }
    }
    assert_eq!(broken, [] as [String; 0]);
    assert!(count > 100, "{count}");
}

/// A page that nothing leads to is not found.
#[test]
fn every_page_can_be_reached_from_the_readme() {
    let all = pages();
    let beside = beside();
    let mut open = vec!["README.md".to_owned()];
    let mut reached = BTreeSet::new();
    while let Some(name) = open.pop() {
        let page = all.iter().chain(&beside).find(|(page, _)| *page == name);
        let Some(page) = page.filter(|_| reached.insert(name.clone())) else {
            continue;
        };
        let folder = Path::new(&name).parent().expect("a folder");
        for link in links(page) {
            let path = link.split('#').next().unwrap_or_default();
            open.push(plain(&folder.join(path)).to_string_lossy().into_owned());
        }
    }
    let missed = all.iter().filter(|(name, _)| !reached.contains(name));
    let missed: Vec<&str> = missed.map(|(name, _)| name.as_str()).collect();
    assert_eq!(missed, [] as [&str; 0]);
}

/// The file that the first line of a block names: `# stacks/dev.yaml`.
fn file_name(block: &Block) -> Option<String> {
    let first = block.text.lines().next()?;
    let name = first.strip_prefix("# ")?;
    let extension = Path::new(name).extension();
    extension
        .is_some_and(|extension| extension == "yaml")
        .then(|| name.to_owned())
}

/// Returns whether a block is YAML of a CI system.
fn is_pipeline(block: &Block) -> bool {
    let begins = |key: &str| block.text.lines().any(|line| line.starts_with(key));
    ["jobs:", "stages:", "on:", "- "].into_iter().any(begins)
}

/// The faults of a stack, as `validate` finds them, in a line each.
fn faults(name: &str, files: &BTreeMap<String, String>) -> Vec<String> {
    let read = |path: &str| {
        let text = files.get(path).cloned();
        text.ok_or_else(|| std::io::Error::from(std::io::ErrorKind::NotFound))
    };
    let stack = stack::load(name, &read, &[], &SECTIONS);
    let errors = match stack.and_then(|stack| stack_graph(&stack, &catalog())) {
        Ok(_) => return Vec::new(),
        Err(errors) => errors.errors,
    };
    let labels = errors.into_iter().flat_map(|error| error.labels);
    labels.map(|label| label.text).collect()
}

/// A whole file is checked as it is; a part of one lies over the reference stack of dev.
#[test]
fn every_stack_file_is_valid() {
    let dev = std::fs::read_to_string(root().join("stacks/dev.yaml")).expect("a stack");
    let mut count = 0;
    let mut wrong = Vec::new();
    for page in pages() {
        let blocks: Vec<Block> = blocks(&page)
            .into_iter()
            .filter(|block| block.language == "yaml" && !is_pipeline(block))
            .filter(|block| {
                let mut lines = block.text.lines();
                lines.any(|line| !line.starts_with('#') && !line.is_empty())
            })
            .collect();
        let mut files: BTreeMap<String, String> = blocks
            .iter()
            .filter_map(|block| Some((file_name(block)?, block.text.clone())))
            .collect();
        files.insert("stacks/reference.yaml".to_owned(), dev.clone());
        for block in &blocks {
            let is_whole = ["name:", "extends:"]
                .iter()
                .any(|key| block.text.lines().any(|line| line.starts_with(key)));
            let name = match file_name(block) {
                // A base lacks what the files that extend it have.
                Some(name) if is_base(&name, &blocks) => continue,
                Some(name) => name,
                None => {
                    let lead = if is_whole {
                        ""
                    } else {
                        "extends: reference.yaml\n"
                    };
                    let name = "stacks/example.yaml".to_owned();
                    files.insert(name.clone(), format!("{lead}{}", block.text));
                    name
                }
            };
            count += 1;
            let faults = faults(&name, &files);
            wrong.extend(
                faults
                    .iter()
                    .map(|fault| format!("{}: {fault}", block.place())),
            );
        }
    }
    assert_eq!(wrong, [] as [String; 0]);
    assert!(count >= 5, "{count}");
}

/// Returns whether another block extends the file of this name.
fn is_base(name: &str, blocks: &[Block]) -> bool {
    blocks.iter().any(|block| {
        let mut lines = block.text.lines();
        let base = lines.find_map(|line| line.strip_prefix("extends: "));
        let file = file_name(block).unwrap_or_default();
        let folder = Path::new(&file).parent().unwrap_or(Path::new(""));
        base.is_some_and(|base| folder.join(base) == Path::new(name))
    })
}

/// The quotations on the troubleshooting page are texts of the program.
#[test]
fn messages_are_quoted_as_they_are() {
    let texts = root().join("tests/snapshots/texts.txt");
    let texts = std::fs::read_to_string(texts).expect("the texts are readable");
    let all = pages();
    let page = all
        .iter()
        .find(|(name, _)| name == "docs/troubleshooting.md")
        .expect("the page is there");
    let text = prose(page).replace('\n', " ");
    // `says: `, then quotations with commas or `or` between them; and the first column of the list of parts.
    let said = text
        .split("says: ")
        .chain(text.split("say: "))
        .filter(|part| part.starts_with('`'));
    let mut quotations = Vec::new();
    for part in said {
        let mut rest = part;
        while let Some((quotation, after)) = rest.strip_prefix('`').and_then(|r| r.split_once('`'))
        {
            quotations.push(quotation);
            rest = after
                .trim_start_matches([',', ' '])
                .trim_start_matches("or ");
        }
    }
    let rows = prose(page);
    for row in rows.lines().filter(|row| row.contains("| [")) {
        let (cell, _) = row.split_once("| [").expect("a column");
        quotations.extend(cell.split('`').skip(1).step_by(2));
    }
    assert!(quotations.len() > 20, "{quotations:?}");
    for quotation in quotations {
        // What differs from case to case is a name in the text, and an ellipsis here.
        let fragments = quotation.split('…').map(str::trim);
        for fragment in fragments.filter(|fragment| !fragment.is_empty()) {
            assert!(texts.contains(fragment), "{fragment}");
        }
    }
}
