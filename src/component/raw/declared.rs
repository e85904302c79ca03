//! The raw resources as they stand in the file, before anything is known of their types.

use std::borrow::Cow;

use crate::component::key::SectionKey;
use crate::facts;
use crate::stack::{Content, Node, Stack};

/// The key of the section.
pub const KEY: &str = SectionKey::Resources.as_str();

/// Keys and type tokens of the raw resources that name a type.
pub fn declared(stack: &Stack) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
    stack
        .document()
        .root
        .get(KEY)
        .map_or(&[][..], Node::entries)
        .iter()
        .filter_map(|entry| {
            let token = entry.value.get("type")?.as_text()?;
            Some((entry.key.as_str(), short_token(token)))
        })
}

/// Returns whether a raw listener has this port, or one that a reference stands for.
pub fn has_listener(stack: &Stack, port: u16) -> bool {
    let section = stack.document().root.get(KEY);
    let mut entries = section.map_or(&[][..], Node::entries).iter();
    entries.any(|entry| {
        let token = entry.value.get("type").and_then(Node::as_text);
        let port_of = || match &entry.value.get("properties")?.get("port")?.content {
            Content::Number(number) => Some(number.to_string() == port.to_string()),
            Content::Text(text) => Some(text.contains("${") || *text == port.to_string()),
            _ => None,
        };
        token.is_some_and(|token| short_token(token) == "aws:lb:Listener")
            && port_of().unwrap_or(false)
    })
}

/// Turns Pulumi's long form, `aws:s3/bucket:Bucket`, into the short one, and CloudFormation's name of a type into its token.
pub fn short_token(token: &str) -> Cow<'_, str> {
    if let Some(facts) = facts::get(token) {
        return Cow::Borrowed(&facts.token);
    }
    let short = || {
        let (package, rest) = token.split_once(':')?;
        let (module, name) = rest.split_once(':')?;
        let (module, file) = module.split_once('/')?;
        let mut characters = name.chars();
        let first = characters.next()?.to_ascii_lowercase();
        let expected = std::iter::once(first).chain(characters);
        file.chars()
            .eq(expected)
            .then(|| format!("{package}:{module}:{name}"))
    };
    short().map_or(Cow::Borrowed(token), Cow::Owned)
}
