//! Endpoints as the lists of AWS show them.

use crate::resource::Value;

/// Converts an endpoint into one spelling, as the lists show it.
pub(super) fn as_shown(endpoint: Value) -> Value {
    let digits = endpoint.as_str().and_then(|text| {
        let number = text.strip_prefix('+')?;
        let is_number = number
            .chars()
            .all(|c| c.is_ascii_digit() || " ()-./".contains(c));
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        is_number.then(|| format!("+{digits}"))
    });
    match digits {
        Some(number) => number.into(),
        None => without_password(endpoint),
    }
}

/// Returns a URL as AWS shows it: `https://user:****@host/`.
pub(super) fn without_password(endpoint: Value) -> Value {
    let masked = endpoint.as_str().and_then(|url| {
        let (scheme, rest) = url.split_once("://")?;
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (credentials, host) = authority.rsplit_once('@')?;
        let (user, _) = credentials.split_once(':')?;
        Some(format!("{scheme}://{user}:****@{host}{path}"))
    });
    masked.map_or(endpoint, Value::from)
}

/// Returns whether an endpoint contains a password, even if a part of the URL is not known yet.
pub(super) fn holds_password(endpoint: &Value) -> bool {
    let text = match serde_json::Value::from(endpoint) {
        serde_json::Value::String(text) => Value::from(text),
        _ => return false,
    };
    without_password(text.clone()) != text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_masked_as_aws_does() {
        let masked = |url: &str| without_password(url.into());
        assert_eq!(
            masked("https://a:b@host/c@d"),
            "https://a:****@host/c@d".into()
        );
        for other in ["https://host/a:b@c", "me@shop.example", "arn:aws:sqs:r:1:q"] {
            assert_eq!(masked(other), other.into());
            assert!(!holds_password(&other.into()));
        }
        assert!(holds_password(&Value::join([
            "https://a:b@".into(),
            "host".into()
        ])));
    }

    #[test]
    fn a_telephone_number_is_the_same_in_every_spelling() {
        let shown = |endpoint: &str| as_shown(endpoint.into());
        for spelled in ["+34 600 123 456", "+34-600.123/456", "+(34)600123456"] {
            assert_eq!(shown(spelled), "+34600123456".into());
        }
        for other in ["+34x", "me+shop@shop.example", "https://host/+1"] {
            assert_eq!(shown(other), other.into());
        }
    }
}
