//! The README and the pages of `docs/`: their blocks of code, their links, and the commands in them.

use std::fs;
use std::path::{Path, PathBuf};

/// A block of code.
#[derive(Debug, Clone)]
pub struct Block {
    /// The page, as a path from the root of the repository.
    pub page: String,
    pub language: String,
    pub text: String,
    /// The line of the fence that opens it, from 1 on.
    pub line: usize,
}

impl Block {
    /// Its place, for messages.
    pub fn place(&self) -> String {
        format!("{}:{}", self.page, self.line)
    }
}

/// A page as a path from the root of the repository, with its text.
pub type Page = (String, String);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The README and all pages below `docs/`, in the order of their paths.
pub fn pages() -> Vec<Page> {
    let mut paths = vec![root().join("README.md")];
    collect(&root().join("docs"), &mut paths);
    paths[1..].sort();
    paths.iter().map(|path| page(path)).collect()
}

/// The other documents at the root, which lead to those pages.
pub fn beside() -> Vec<Page> {
    ["CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"]
        .iter()
        .map(|name| page(&root().join(name)))
        .collect()
}

fn page(path: &Path) -> Page {
    let name = path.strip_prefix(root()).expect("below the root");
    let text = fs::read_to_string(path).expect("a page is readable");
    (name.to_string_lossy().into_owned(), text)
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder is readable") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
}

/// The blocks of code of a page; those in a list without its indentation.
pub fn blocks((name, text): &Page) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, Block)> = None;
    for (index, line) in text.lines().enumerate() {
        let indentation = line.len() - line.trim_start().len();
        let fence = line.trim_start().strip_prefix("```");
        match (&mut open, fence) {
            (None, Some(language)) => {
                let block = Block {
                    page: name.clone(),
                    language: language.to_owned(),
                    text: String::new(),
                    line: index + 1,
                };
                open = Some((indentation, block));
            }
            (Some((outer, _)), Some("")) if indentation == *outer => {
                blocks.extend(open.take().map(|(_, block)| block));
            }
            (Some((outer, block)), _) => {
                block.text += line.get(*outer..).unwrap_or_default();
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{name}: a block of code has no end");
    blocks
}

/// The text of a page without its blocks of code, each line of which becomes an empty one.
pub fn prose((_, text): &Page) -> String {
    let mut prose = String::new();
    let mut is_code = false;
    for line in text.lines() {
        let is_fence = line.trim_start().starts_with("```");
        if !is_code && !is_fence {
            prose += line;
        }
        prose.push('\n');
        is_code ^= is_fence;
    }
    prose
}

/// The code spans of a page, each with its line from 1 on. A span ends on its line.
pub fn spans(page: &Page) -> Vec<(usize, String)> {
    let mut spans = Vec::new();
    for (index, line) in prose(page).lines().enumerate() {
        let mut rest = line;
        while let Some(start) = rest.find('`') {
            let ticks = rest[start..].chars().take_while(|&c| c == '`').count();
            let fence = &rest[start..start + ticks];
            let after = &rest[start + ticks..];
            let Some(end) = after.find(fence) else { break };
            spans.push((index + 1, after[..end].trim().to_owned()));
            rest = &after[end + ticks..];
        }
    }
    spans
}

/// The script in a block: of a `console` block what stands behind the prompts, of `sh` and `bash` all of it.
pub fn script(block: &Block) -> Option<String> {
    match block.language.as_str() {
        "sh" | "bash" => Some(block.text.clone()),
        "console" => {
            let typed = block
                .text
                .lines()
                .filter_map(|line| line.strip_prefix("$ "));
            Some(typed.map(|line| format!("{line}\n")).collect())
        }
        _ => None,
    }
}

/// The command lines of `fde-infra` in a text of a shell, each as its arguments, without the name of the program.
///
/// It knows quotes, comments, continued lines, and what ends a command; `cargo run -- …` counts, too.
pub fn command_lines(script: &str) -> Vec<Vec<String>> {
    let mut commands = Vec::new();
    for words in simple_commands(script) {
        let cargo = words.windows(2).position(|pair| pair == ["cargo", "run"]);
        let begin = match cargo {
            Some(_) => words.iter().position(|word| word == "--"),
            None => words.iter().position(|word| word == "fde-infra"),
        };
        if let Some(begin) = begin {
            commands.push(words[begin + 1..].to_vec());
        }
    }
    commands
}

/// The words of each simple command, without redirections.
fn simple_commands(script: &str) -> Vec<Vec<String>> {
    let text = script.replace("\\\n", " ");
    let mut commands = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    // The word behind `>` is a file.
    let mut is_file = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let is_end = "\n;&|()`".contains(character);
        match (quote, character) {
            (Some(open), close) if open == close => quote = None,
            (Some(_), inner) => word.get_or_insert_default().push(inner),
            (None, '\'' | '"') => {
                word.get_or_insert_default();
                quote = Some(character);
            }
            (None, '#') if word.is_none() => {
                while characters.next_if(|&next| next != '\n').is_some() {}
            }
            (None, '\\') => word.get_or_insert_default().extend(characters.next()),
            (None, ' ' | '\t' | '<' | '>') => {
                let is_redirection = "<>".contains(character);
                let is_number = |word: &String| word.parse::<u8>().is_ok();
                let was_file = is_file && word.is_some();
                words.extend(
                    word.take()
                        .filter(|word| !(is_file || is_redirection && is_number(word))),
                );
                is_file = is_redirection || is_file && !was_file;
                if is_redirection {
                    while characters.next_if(|next| "<>&".contains(*next)).is_some() {}
                }
            }
            (None, _) if is_end => {
                // What another command prints is a part of the word.
                let is_part = |word: &String| character == '(' && word.ends_with('$');
                words.extend(word.take().filter(|word| !is_file && !is_part(word)));
                is_file = false;
                commands.push(std::mem::take(&mut words));
            }
            (None, other) => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word.filter(|_| !is_file));
    commands.push(words);
    commands.retain(|words| !words.is_empty());
    commands
}

#[test]
fn commands_are_found_between_others() {
    let check = |script: &str, expected: &[&[&str]]| {
        assert_eq!(command_lines(script), expected, "{script}");
    };
    check("fde-infra up dev --yes\n", &[&["up", "dev", "--yes"]]);
    check(
        "A=1 fde-infra up && (fde-infra \\\n  destroy) | cat",
        &[&["up"], &["destroy"]],
    );
    check(
        "x=$(fde-infra output dev 'a b') # fde-infra none\n",
        &[&["output", "dev", "a b"]],
    );
    check(
        "fde-infra preview >page 2>&1 --markdown",
        &[&["preview", "--markdown"]],
    );
    check("cargo run --locked -- schema", &[&["schema"]]);
    check("git clone fde-infra.git", &[]);
}
