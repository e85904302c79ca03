//! The code that makes foreign text harmless: the one place that knows what a terminal or a CI system would obey.
//!
//! Names, tags, descriptions and messages come from AWS and from stack files, where anyone may have written them. On a
//! screen and in a log they must not move the cursor, recolour what follows, turn the direction of text, or give orders:
//!
//! | who obeys | what |
//! |---|---|
//! | terminals | control characters, C0 and C1: ESC, CSI, OSC, BEL, CR |
//! | readers | bidirectional overrides, invisible characters |
//! | GitHub Actions | a line that begins with `::`; `##[…]` anywhere in a line |
//! | Azure Pipelines, `TeamCity` | `##vso[…]`, `##teamcity[…]` anywhere in a line |
//! | GitLab CI, Travis | folding marks, which need CR and ESC |
//!
//! Every [`Line`](super::Line) goes through [`sanitize`] and [`workflow_commands`], every excerpt of a file through [`excerpt`],
//! every JSON document through [`json`]. A value that a script asks for by its name (`output NAME`, `output --shell`) is
//! given as it is: it would be another value otherwise.

use std::borrow::Cow;

/// The character that parts the letters of an order.
pub const HARMLESS: char = '·';

/// Makes every control character visible instead of effective.
pub fn sanitize(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_harmful) {
        return Cow::Borrowed(text);
    }
    let visible = |character: char| match character {
        '\t' => ' ',
        // Unicode has a picture for each of these.
        '\u{0}'..='\u{1f}' => {
            char::from_u32(0x2400 + u32::from(character)).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        '\u{7f}' => '␡',
        harmful if is_harmful(harmful) => char::REPLACEMENT_CHARACTER,
        harmless => harmless,
    };
    Cow::Owned(text.chars().map(visible).collect())
}

/// Control characters, line and paragraph separators, and what turns or hides the direction of text.
pub fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'
                | '\u{2029}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// The places in a line before which something harmless has to stand, so that no CI system takes it for an order.
pub fn workflow_commands(line: &str) -> Vec<usize> {
    // Our own lines never begin like this; foreign text may.
    let command = line.trim_start().starts_with("::").then_some(0);
    command.into_iter().chain(marks(line)).collect()
}

/// The second `#` of every `##[` and `##word`.
fn marks(text: &str) -> impl Iterator<Item = usize> {
    let begins = |rest: &str| {
        let first = rest.trim_start_matches('#').chars().next();
        first.is_some_and(|first| first == '[' || first.is_alphabetic())
    };
    text.char_indices()
        .zip(text.chars().skip(1))
        .filter(|((_, first), second)| *first == '#' && *second == '#')
        .map(|((at, _), _)| at + 1)
        .filter(move |at| begins(&text[*at..]))
}

/// Makes text harmless that another renderer has made of sanitised text.
pub fn excerpt(text: &str) -> String {
    let part = |line: &str| {
        let mut parted = line.to_owned();
        for at in workflow_commands(line).into_iter().rev() {
            parted.insert(at, HARMLESS);
        }
        parted
    };
    text.split_inclusive('\n').map(part).collect()
}

/// A harmless JSON document with the same meaning: in its strings, JSON can escape every character.
pub fn json(document: &str) -> String {
    let mut marks = marks(document).peekable();
    let mut text = String::with_capacity(document.len());
    for (at, character) in document.char_indices() {
        let is_mark = marks.next_if_eq(&at).is_some();
        if is_mark || (is_harmful(character) && character != '\n') {
            for unit in character.encode_utf16(&mut [0; 2]) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            text.push(character);
        }
    }
    text
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::testing::Random;

    /// The part of a text that would be obeyed, if there is any.
    pub fn danger(text: &str) -> Option<String> {
        let harmful = |character: char| is_harmful(character) && character != '\n';
        if let Some(found) = text.chars().find(|character| harmful(*character)) {
            return Some(format!("{found:?}"));
        }
        let marks = ["##[", "##vso[", "##teamcity["];
        text.lines().find_map(|line| {
            let marked = marks.iter().find(|mark| line.contains(**mark));
            let command = line.trim_start().starts_with("::").then_some(&"::");
            marked.or(command).map(ToString::to_string)
        })
    }

    /// Text that is meant to do harm.
    pub fn hostile(random: &mut Random) -> String {
        const PIECES: [&str; 24] = [
            "::",
            "##",
            "#",
            "[",
            ":",
            "##[add-mask]",
            "::set-output name=x::y",
            "##vso[task.setvariable]",
            "##teamcity[x]",
            " ",
            "\t",
            "\r",
            "\n",
            "\u{1b}[31m",
            "\u{1b}]0;x\u{7}",
            "\u{9b}2J",
            "\u{202e}",
            "\u{feff}",
            "\u{2028}",
            "\u{1b}[0Ksection_start:1:x\r\u{1b}[0K",
            "word",
            "日本",
            "é",
            ",",
        ];
        (0..random.below(8))
            .map(|_| PIECES[random.below(PIECES.len())])
            .collect()
    }

    #[test]
    fn control_characters_become_visible() {
        assert_eq!(sanitize("a\u{1b}[31mb\r\n"), "a␛[31mb␍␊");
        assert_eq!(sanitize("\u{202e}evil\u{9b}2J"), "\u{fffd}evil\u{fffd}2J");
        assert_eq!(sanitize("Größe 日本"), "Größe 日本");
    }

    #[test]
    fn json_means_the_same_and_is_inert() {
        for seed in 0..2_000 {
            let random = &mut Random::new(seed);
            let value = serde_json::json!({ hostile(random): [hostile(random)] });
            let text = json(&serde_json::to_string_pretty(&value).unwrap());
            assert_eq!(danger(&text), None, "seed {seed}: {text:?}");
            assert_eq!(
                serde_json::from_str::<serde_json::Value>(&text).unwrap(),
                value
            );
        }
    }

    #[test]
    fn excerpts_give_no_orders() {
        assert_eq!(excerpt("1 │ a: ##[x]\n::y\n"), "1 │ a: #·#[x]\n·::y\n");
    }
}
