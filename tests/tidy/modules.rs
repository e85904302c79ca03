//! The modules of `src`, and which file uses which: read from the text, for a test that compiles nothing.
//!
//! A path is followed to the file that defines its last item, through the re-exports of the `mod.rs` on the way. So the door
//! of a folder is no part of a circle unless it has items of its own that are used, and a `pub use` is no use. Methods are
//! found where their type is: a call says nothing about the file of its `impl`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The segments of a path from the crate's root; that of a module has a file.
type Segments = Vec<String>;

/// A name that a `use` brings into a file.
struct Import {
    path: Segments,
    name: String,
    is_public: bool,
}

struct Module {
    file: String,
    imports: Vec<Import>,
    /// The modules that it declares.
    children: BTreeSet<String>,
    /// The code without comments, texts and imports.
    code: String,
}

/// All modules.
pub struct Modules {
    all: BTreeMap<Segments, Module>,
}

/// Uses by file: the file that is used, and a path by which it is.
pub type Uses = BTreeMap<String, BTreeMap<String, String>>;

impl Modules {
    /// Reads the files of `src`, given by name (`src/plan/mod.rs`) with their product code.
    pub fn read(files: impl Iterator<Item = (String, String)>) -> Self {
        let all = files
            .map(|(file, code)| (segments_of(&file), module(file, &code)))
            .collect();
        Self { all }
    }

    /// Every use of one file by another.
    pub fn uses(&self) -> Uses {
        let mut uses = Uses::new();
        for (place, module) in &self.all {
            let mut found: Vec<(Segments, String)> = Vec::new();
            let mut scope: BTreeMap<&str, Segments> = BTreeMap::new();
            for child in &module.children {
                scope.insert(child, joined(place, [child.as_str()]));
            }
            for import in &module.imports {
                let Some(path) = self.absolute(place, &import.path) else {
                    continue;
                };
                if !import.is_public {
                    found.push((path.clone(), import.path.join("::")));
                }
                scope.insert(&import.name, path);
            }
            for path in paths(&module.code) {
                let rest = path[1..].iter().map(String::as_str);
                let absolute = match scope.get(path[0].as_str()) {
                    Some(start) => Some(joined(start, rest)),
                    None => self.absolute(place, &path),
                };
                found.extend(absolute.map(|absolute| (absolute, path.join("::"))));
            }
            for (path, written) in found {
                let Some(target) = self.definition(&path, &mut BTreeSet::new()) else {
                    continue;
                };
                if target != *place {
                    let target = self.all[&target].file.clone();
                    let of_file = uses.entry(module.file.clone()).or_default();
                    of_file.entry(target).or_insert(written);
                }
            }
        }
        uses
    }

    /// The path from the root; `None` for one of another crate.
    fn absolute(&self, place: &Segments, path: &[String]) -> Option<Segments> {
        let mut start = place.clone();
        let mut rest = path;
        match path.first()?.as_str() {
            "crate" => {
                start.clear();
                rest = &path[1..];
            }
            "self" => rest = &path[1..],
            "super" => {
                while rest.first().is_some_and(|first| first == "super") {
                    start.pop()?;
                    rest = &rest[1..];
                }
            }
            first if self.all[place].children.contains(first) => {}
            _ => return None,
        }
        Some(joined(&start, rest.iter().map(String::as_str)))
    }

    /// The module that defines an item. `None` for a module itself, which is used by its items alone, and for what comes
    /// from another crate.
    fn definition(&self, path: &Segments, seen: &mut BTreeSet<Segments>) -> Option<Segments> {
        if self.all.contains_key(path) || !seen.insert(path.clone()) {
            return None;
        }
        let depth = (0..path.len())
            .rev()
            .find(|depth| self.all.contains_key(&path[..*depth]))?;
        let (place, name) = (path[..depth].to_vec(), path[depth].as_str());
        let module = &self.all[&place];
        let mut imports = module.imports.iter();
        if let Some(import) = imports.find(|import| import.name == name) {
            let start = self.absolute(&place, &import.path).or_else(|| {
                // By the name of a module that is imported itself.
                let first = import.path.first()?;
                let mut imports = module.imports.iter();
                let of = imports.find(|of| of.name == *first && of.path != import.path)?;
                let start = self.absolute(&place, &of.path)?;
                Some(joined(&start, import.path[1..].iter().map(String::as_str)))
            });
            let rest = path[depth + 1..].iter().map(String::as_str);
            return self.definition(&joined(&start?, rest), seen);
        }
        Some(place)
    }
}

/// The groups of files that use each other in a circle, directly or by others in between.
pub fn circles(uses: &Uses) -> Vec<BTreeSet<String>> {
    let reachable = |from: &String| {
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let mut open = vec![from.clone()];
        while let Some(file) = open.pop() {
            for next in uses.get(&file).into_iter().flat_map(BTreeMap::keys) {
                if seen.insert(next.clone()) {
                    open.push(next.clone());
                }
            }
        }
        seen
    };
    let reach: BTreeMap<&String, BTreeSet<String>> =
        uses.keys().map(|file| (file, reachable(file))).collect();
    let mut circles: Vec<BTreeSet<String>> = Vec::new();
    for (file, reached) in &reach {
        if !reached.contains(*file) || circles.iter().any(|circle| circle.contains(*file)) {
            continue;
        }
        let back = |other: &&String| reach.get(other).is_some_and(|them| them.contains(*file));
        circles.push(reached.iter().filter(back).cloned().collect());
    }
    circles
}

fn joined<'s>(start: &[String], rest: impl IntoIterator<Item = &'s str>) -> Segments {
    let rest = rest.into_iter().map(str::to_owned);
    start.iter().cloned().chain(rest).collect()
}

/// `plan`, `plan::edges`: the module of a file.
fn segments_of(file: &str) -> Segments {
    let inside = file.trim_start_matches("src/").trim_end_matches(".rs");
    let mut segments: Segments = inside.split('/').map(str::to_owned).collect();
    if let Some("mod" | "lib") = segments.last().map(String::as_str) {
        segments.pop();
    }
    segments
}

fn module(file: String, code: &str) -> Module {
    let mut imports = Vec::new();
    let mut children = BTreeSet::new();
    let mut rest = String::new();
    let code = without_texts(code);
    let mut statements = code.split_inclusive(['\n']);
    while let Some(line) = statements.next() {
        let mut words = line.split_whitespace().peekable();
        let is_public = words.next_if(|word| word.starts_with("pub")).is_some();
        match words.next() {
            Some("use") => {
                let mut tree = line.to_owned();
                while !tree.contains(';') {
                    let Some(more) = statements.next() else { break };
                    tree.push_str(more);
                }
                let start = tree.find("use ").map_or(0, |at| at + "use ".len());
                let tree: String = tree[start..].chars().take_while(|c| *c != ';').collect();
                add_imports(&tree, &mut Vec::new(), is_public, &mut imports);
            }
            Some("mod") if line.trim_end().ends_with(';') => {
                let name = words.next().unwrap_or_default().trim_end_matches(';');
                children.insert(name.to_owned());
            }
            _ => rest.push_str(line),
        }
    }
    Module {
        file,
        imports,
        children,
        code: rest,
    }
}

/// Adds the names of a `use` tree: `a::{self, b as c}`. A glob brings in nothing, since which names it has is not written.
fn add_imports(tree: &str, before: &mut Segments, is_public: bool, imports: &mut Vec<Import>) {
    let tree = tree.trim();
    if let Some(group) = tree
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
    {
        let mut depth = 0;
        let parts = group.split(|character| {
            match character {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            character == ',' && depth == 0
        });
        for part in parts.filter(|part| !part.trim().is_empty()) {
            add_imports(part, before, is_public, imports);
        }
        return;
    }
    if let Some((first, rest)) = tree.split_once("::") {
        before.push(first.trim().to_owned());
        add_imports(rest, before, is_public, imports);
        before.pop();
        return;
    }
    let (name, alias) = tree.split_once(" as ").unwrap_or((tree, tree));
    let (name, alias) = (name.trim(), alias.trim());
    let mut path = before.clone();
    let alias = match (name, alias) {
        ("*", _) => return,
        ("self", "self") => path.last().cloned().unwrap_or_default(),
        ("self", alias) => alias.to_owned(),
        _ => {
            path.push(name.to_owned());
            alias.to_owned()
        }
    };
    imports.push(Import {
        path,
        name: alias,
        is_public,
    });
}

/// The paths in code: names with `::` between them.
fn paths(code: &str) -> Vec<Segments> {
    let is_part = |character: char| character.is_alphanumeric() || "_:".contains(character);
    code.split(|character| !is_part(character))
        .filter(|word| word.contains("::") && !word.starts_with(':'))
        .map(|word| {
            let parts = word.trim_end_matches(':').split("::");
            parts.map(str::to_owned).collect::<Segments>()
        })
        .filter(|path| path.len() > 1)
        .collect()
}

/// The code without comments, and with nothing in its texts.
pub fn without_texts(code: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let after = &rest[first.len_utf8()..];
        let ends_name = kept.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let hashes = after.chars().take_while(|c| *c == '#').count();
        if rest.starts_with("//") {
            let end = rest.find('\n').unwrap_or(rest.len());
            rest = &rest[end..];
        } else if rest.starts_with("/*") {
            let end = rest.find("*/").map_or(rest.len(), |at| at + 2);
            rest = &rest[end..];
        } else if first == 'r' && !ends_name && after[hashes..].starts_with('"') {
            let close = format!("\"{}", "#".repeat(hashes));
            let inside = &after[hashes + 1..];
            let end = inside
                .find(&close)
                .map_or(inside.len(), |at| at + close.len());
            kept.push_str("\"\"");
            rest = &inside[end..];
        } else if first == '"' {
            let mut is_escaped = false;
            let end = after.find(|c| {
                let is_end = c == '"' && !is_escaped;
                is_escaped = c == '\\' && !is_escaped;
                is_end
            });
            kept.push_str("\"\"");
            rest = &after[end.map_or(after.len(), |at| at + 1)..];
        } else if first == '\'' {
            // A character, or the name of a lifetime.
            let mut characters = after.chars();
            let is_escape = characters.next() == Some('\\');
            let length = if is_escape {
                after[1..].find('\'').map(|at| at.max(1) + 2)
            } else if characters.next() == Some('\'') {
                after.find('\'').map(|at| at + 1)
            } else {
                None
            };
            kept.push(if length.is_some() { ' ' } else { '\'' });
            rest = &after[length.unwrap_or(0)..];
        } else {
            kept.push(first);
            rest = after;
        }
    }
    kept
}

/// The files that are compiled for tests alone, given by what the modules of `src` declare: those behind a
/// `#[cfg(test)] mod …;`, and what lies in a folder of theirs.
pub fn tests_alone(file: &str, code: &str) -> Vec<String> {
    let path = Path::new(file);
    let own = path.parent().unwrap_or(path);
    let folder = match path.file_stem().and_then(|stem| stem.to_str()) {
        Some("mod" | "lib" | "main") | None => own.to_path_buf(),
        Some(stem) => own.join(stem),
    };
    let mut found = Vec::new();
    let mut lines = code.lines().map(str::trim);
    while let Some(line) = lines.next() {
        if line != "#[cfg(test)]" {
            continue;
        }
        let mut next = lines.next().unwrap_or_default();
        let mut named = None;
        if let Some(path) = next.strip_prefix("#[path = \"") {
            named = path.split('"').next();
            next = lines.next().unwrap_or_default();
        }
        let declared = next
            .strip_suffix(';')
            .and_then(|next| next.split_once("mod "))
            .map(|(_, name)| name);
        let place = match (named, declared) {
            // What it declares in turn lies beside it.
            (Some(named), Some(_)) => own.join(named).parent().map(Path::to_path_buf),
            (None, Some(name)) => Some(folder.join(name)),
            _ => None,
        };
        found.extend(place.map(|place| place.to_string_lossy().replace('\\', "/")));
    }
    found
}

#[test]
fn texts_and_comments_are_no_code() {
    let code = "a::b /* c::d */ \"e::f \\\" g\" r#\"h::i\"# 'j' '\\'' &'k str // l::m\nn::o";
    let bare = without_texts(code);
    let found: Vec<String> = paths(&bare).iter().map(|path| path.join("::")).collect();
    assert_eq!(found, ["a::b", "n::o"], "{bare}");
}

#[test]
fn a_circle_is_found_through_the_door_of_a_folder() {
    let files = [
        ("src/lib.rs", "pub mod a;\npub mod b;"),
        ("src/a/mod.rs", "mod one;\nmod two;\npub use one::One;"),
        ("src/a/one.rs", "use crate::b;\npub struct One(b::Inner);"),
        ("src/a/two.rs", "use super::One;\nfn two(_: One) {}"),
        (
            "src/b.rs",
            "use crate::a::{One as Other};\npub struct Inner;",
        ),
    ];
    let files = files.map(|(file, code)| (file.to_owned(), code.to_owned()));
    let uses = Modules::read(files.into_iter()).uses();
    let expected = BTreeSet::from(["src/a/one.rs".to_owned(), "src/b.rs".to_owned()]);
    assert_eq!(circles(&uses), [expected]);
}
