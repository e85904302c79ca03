//! The command lines of the documents are those of the program: names of commands, flags and values.

use std::process::Command;

use clap::{CommandFactory, Parser};
use fde_infra::cli::Cli;

use crate::documents::{Page, beside, blocks, command_lines, pages, script, spans};

/// Command lines of blocks and of code spans, each with its place.
fn commands(page: &Page) -> Vec<(String, Vec<String>)> {
    let mut commands = Vec::new();
    for block in blocks(page) {
        let texts = match (script(&block), block.language.as_str()) {
            (Some(script), _) => vec![script],
            // Scripts stand in it line by line, between marks of YAML's own.
            (None, "yaml") => block.text.lines().map(str::to_owned).collect(),
            (None, _) => continue,
        };
        for words in texts.iter().flat_map(|text| command_lines(text)) {
            commands.push((block.place(), words));
        }
    }
    for (line, span) in spans(page) {
        // Placeholders stand for what the reader writes; `help COMMAND` takes no other word.
        let is_form = span.contains(['<', '[', '…', ':']) || span.ends_with(" COMMAND");
        let is_whole = span.starts_with("fde-infra ") && !is_form;
        if is_whole {
            let words = command_lines(&span);
            commands.extend(
                words
                    .into_iter()
                    .map(|words| (format!("{}:{line}", page.0), words)),
            );
        }
    }
    commands
}

#[test]
fn every_command_of_the_documents_is_one() {
    let mut count = 0;
    let mut wrong = Vec::new();
    for page in pages().iter().chain(&beside()) {
        for (place, words) in commands(page) {
            count += 1;
            let line = std::iter::once("fde-infra").chain(words.iter().map(String::as_str));
            if let Err(error) = Cli::try_parse_from(line)
                && error.use_stderr()
            {
                wrong.push(format!("{place}: {words:?}\n{error}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 40, "{count}");
}

/// The flags that stand in the pages by themselves are flags of a command.
#[test]
fn every_flag_of_the_readme_is_one() {
    let program = Cli::command();
    let known: Vec<String> = program
        .get_subcommands()
        .chain([&program])
        .flat_map(|command| command.get_arguments())
        .filter_map(|argument| argument.get_long())
        .map(|long| format!("--{long}"))
        .collect();
    for (line, span) in spans(&pages()[0]) {
        let words = span
            .split_whitespace()
            .filter(|word| word.starts_with("--"));
        for word in words {
            let flag = word.split('=').next().unwrap_or_default();
            // Another program's.
            let is_of_cargo = span.starts_with("cargo ");
            assert!(
                is_of_cargo || known.iter().any(|long| long == flag),
                "README.md:{line}: {flag}"
            );
        }
    }
}

/// The commands of other tools that the page names are answered with ours.
#[test]
fn words_of_other_tools_are_answered() {
    let all = pages();
    let page = all
        .iter()
        .find(|(name, _)| name == "docs/from-other-tools.md")
        .expect("the page is there");
    let mut paragraphs = page.1.split("\n\n");
    let paragraph = paragraphs.find(|text| text.contains("are answered with the command to use"));
    let paragraph = paragraph.expect("a paragraph has them");
    let words: Vec<&str> = paragraph.split('`').skip(1).step_by(2).collect();
    assert!(words.len() > 5, "{words:?}");
    for word in words {
        let output = Command::new(env!("CARGO_BIN_EXE_fde-infra"))
            .arg(word)
            .output()
            .expect("the program starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("did you mean `"), "{word}: {said}");
    }
}
