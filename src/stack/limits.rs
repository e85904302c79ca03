//! Limits of every stack file, whatever it means: checked on the bare text, before any parser sees it.

use super::error::{Fault, Span, StackError};

/// The longest file that is read.
pub const MAX_BYTES: usize = 1 << 20;

/// The greatest depth of nested lists and maps.
pub const MAX_DEPTH: usize = 64;

/// The most keys and values that a file may hold.
pub const MAX_NODES: usize = 250_000;

/// The most values that aliases may add.
pub const MAX_ALIASED_NODES: usize = 10_000;

/// The most faults of the bare text that are reported: beyond these the rest adds nothing.
const MAX_CHARACTER_FAULTS: usize = 20;

/// The fault of a file that is longer than [`MAX_BYTES`].
pub fn too_large(place: Span) -> StackError {
    StackError::new(Fault::TooLarge, place, "a stack file has at most 1 MiB")
        .help("split what is repeated into a base file that this one `extends`")
}

/// Checks length and characters.
///
/// Control characters and bidirectional overrides could show something other than what is done, in a terminal or to a
/// reviewer; the Unicode line separators end a line for one YAML parser and not for another.
pub fn check(source: u32, text: &str) -> Result<(), Vec<StackError>> {
    if text.len() > MAX_BYTES {
        return Err(vec![too_large(Span::new(source, 0..0))]);
    }
    let faults: Vec<StackError> = text
        .char_indices()
        .filter(|(_, character)| !is_harmless(*character))
        .take(MAX_CHARACTER_FAULTS)
        .map(|(offset, character)| {
            let span = Span::new(source, offset..offset + character.len_utf8());
            StackError::new(Fault::ControlCharacter, span, describe(character))
        })
        .collect();
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults)
    }
}

/// The first character of a value that may not be in it: an escape such as `"\x1b"` brings in what the bare text may
/// not hold.
pub fn harmful_character(value: &str) -> Option<char> {
    value
        .chars()
        .find(|character| !is_harmless(*character) || *character == '\r')
}

/// `U+202E, a bidirectional control`.
pub fn describe(character: char) -> String {
    let kind = match character {
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            "a bidirectional control"
        }
        '\u{2028}' | '\u{2029}' => "a line separator",
        '\u{feff}' => "a byte order mark",
        _ => "a control character",
    };
    format!("U+{:04X}, {kind}", character as u32)
}

fn is_harmless(character: char) -> bool {
    match character {
        '\n' | '\r' | '\t' => true,
        '\u{61c}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{feff}' => false,
        other => !other.is_control(),
    }
}
