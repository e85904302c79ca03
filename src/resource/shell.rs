//! Words of command lines that are there to be copied.

/// A word as a shell takes it.
pub fn quoted(word: &str) -> String {
    let plain =
        |character: char| character.is_ascii_alphanumeric() || "-_./:=@%+,".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_word_reaches_the_program_as_it_is() {
        for (word, expected) in [
            ("services/api", "services/api"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            (
                "urn:fde:a/b::aws:ec2:Vpc::vpc",
                "urn:fde:a/b::aws:ec2:Vpc::vpc",
            ),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }
}
