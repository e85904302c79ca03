//! Masking of secrets in texts that others write: AWS quotes the value that it refuses.

use std::collections::BTreeSet;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The text that stands in place of a secret.
pub const SECRET: &str = "[secret]";

/// Shorter values are too likely to be part of innocent words.
const SHORTEST: usize = 4;

/// All characters but those that RFC 3986 leaves unreserved: this is how AWS's own protocols encode.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// The secret texts that are known, each in the forms in which it travels.
#[derive(Default)]
pub struct Masking {
    forms: BTreeSet<String>,
}

impl Masking {
    pub fn add(&mut self, secret: &str) {
        if secret.len() < SHORTEST {
            return;
        }
        let json = serde_json::Value::from(secret).to_string();
        let json = json.trim_matches('"').to_owned();
        let url = utf8_percent_encode(secret, ENCODED).to_string();
        let form = url.replace("%20", "+");
        let xml = secret
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;");
        self.forms.extend([secret.to_owned(), json, url, form, xml]);
    }

    /// The text with all secrets masked.
    pub fn mask(&self, text: &str) -> String {
        // Longest first, so that a secret that holds another is masked whole.
        let mut found: Vec<&String> = self
            .forms
            .iter()
            .filter(|form| text.contains(form.as_str()))
            .collect();
        found.sort_by_key(|form| std::cmp::Reverse(form.len()));
        found.iter().fold(text.to_owned(), |text, form| {
            text.replace(form.as_str(), SECRET)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_in_every_form_in_which_they_travel() {
        let mut masking = Masking::default();
        masking.add("a\"b & c");
        masking.add("a\"b & c, and more");
        masking.add("x");
        for text in [
            "a\"b & c",
            "a\\\"b & c",
            "a%22b%20%26%20c",
            "a%22b+%26+c",
            "a&quot;b &amp; c",
        ] {
            assert_eq!(masking.mask(&format!("x `{text}` y")), "x `[secret]` y");
        }
        assert_eq!(masking.mask("a\"b & c, and more"), "[secret]");
    }
}
