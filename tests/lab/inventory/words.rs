//! The common words of two contents that were made alike: words in their fields, in no order, without what AWS made up.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::STACK;

/// The stand-in for a word that AWS made up: the presence of one is part of the content.
const MADE_UP: &str = "…";

/// Fields of numbers that AWS counts up, or takes from its clock.
const COUNTED: &[&str] = &["creation_time", "revision"];

/// A content to the letter: each word with its field. Maps have no order, so that words have none either.
pub fn words(whole: &str) -> Vec<String> {
    sorted(fields(whole).map(|(field, word)| format!("{field}={word}")))
}

/// Like [`words`], for one of two contents that were made alike: ids that both know under a name go by it.
pub fn comparable(whole: &str, names: &BTreeMap<&str, &str>) -> Vec<String> {
    sorted(fields(whole).map(|(field, word)| {
        let word = if COUNTED.contains(&field) || is_remembered(word) {
            MADE_UP.to_owned()
        } else {
            known(word, names)
        };
        format!("{field}={word}")
    }))
}

/// True for the content of `fde:written`: hashes of a secret's ARN, which ends in letters that AWS makes up, and its
/// version.
fn is_remembered(word: &str) -> bool {
    let is_hash = |part: &str| part.len() == 12 && part.chars().all(|c| c.is_ascii_hexdigit());
    word.split_once('.')
        .is_some_and(|(source, version)| is_hash(source) && is_hash(version))
}

fn sorted(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut words: Vec<String> = words.collect();
    words.sort_unstable();
    words
}

/// The words that one has more often than the other.
pub fn more<'a>(one: &'a [String], other: &[String]) -> Vec<&'a str> {
    let mut other: Vec<&String> = other.iter().collect();
    let mut more = Vec::new();
    for word in one {
        match other.iter().position(|same| *same == word) {
            Some(same) => drop(other.swap_remove(same)),
            None => more.push(word.as_str()),
        }
    }
    more
}

/// Takes apart what `Debug` prints, and JSON within it: `name: Some("value")`, `\"name\":\"value\"`.
fn fields(whole: &str) -> impl Iterator<Item = (&str, &str)> {
    let is_part = |letter: char| letter.is_alphanumeric() || "_-.:/*@%+".contains(letter);
    let mut rest = whole;
    let mut field = "";
    std::iter::from_fn(move || {
        loop {
            rest = &rest[rest.find(is_part)?..];
            let end = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
            let word = rest[..end].trim_start_matches(':');
            rest = &rest[end..];
            let of_struct = word
                .strip_suffix(':')
                .filter(|name| rest.starts_with(' ') && !name.contains(':'));
            let after = rest.trim_start_matches('\\');
            if let Some(name) = of_struct {
                field = name;
            } else if after.starts_with("\":") {
                field = word;
            } else if !matches!(word, "" | "Some" | "None") {
                return Some((field, word));
            }
        }
    })
}

/// A word in the form that both accounts know.
fn known(word: &str, names: &BTreeMap<&str, &str>) -> String {
    if let Some(name) = names.get(word) {
        return (*name).to_owned();
    }
    // Longer ones are of a clock, or hashes that happen to have no letters.
    let is_number = word
        .chars()
        .all(|letter| letter.is_ascii_digit() || letter == '.');
    if is_number && word.len() < 12 && word.parse::<Ipv4Addr>().is_err() {
        return word.to_owned();
    }
    if word.starts_with("arn:") {
        // The key of a secret's value, or the streams of a log group.
        let ids = names.iter().filter(|(id, _)| word.starts_with(**id));
        if let Some((id, name)) = ids.max_by_key(|(id, _)| id.len()) {
            return format!("{name}{}", segments(&word[id.len()..]));
        }
        // A revision, and six letters that end the name of every secret.
        for counted in [":task-definition/", ":secret:"] {
            if let Some((head, _)) = word.split_once(counted) {
                return format!("{}{counted}{MADE_UP}", segments(head));
            }
        }
    }
    segments(word)
}

/// The parts of an ARN, an image or a URL that people made up.
fn segments(word: &str) -> String {
    let is_range = word.split_once('/').is_some_and(|(address, bits)| {
        address.parse::<Ipv4Addr>().is_ok() && bits.parse::<u8>().is_ok()
    });
    if is_range {
        return word.to_owned();
    }
    let is_date = word.get(4..5) == Some("-") && word.get(10..11) == Some("T");
    if is_date {
        return MADE_UP.to_owned();
    }
    let mut kept = String::new();
    for segment in word.split_inclusive(['/', ':', '@']) {
        let name = segment.trim_end_matches(['/', ':', '@']);
        match without_generation(name) {
            Some(derived) => kept.extend([derived, MADE_UP]),
            None if is_made_up(name) => kept.push_str(MADE_UP),
            None => kept.push_str(name),
        }
        kept.push_str(&segment[name.len()..]);
    }
    kept
}

/// A name of ours that ends with a generation, which tells a replacement from its predecessor: the number of replacements on
/// the way does not matter.
fn without_generation(word: &str) -> Option<&str> {
    let (derived, generation) = word.rsplit_once('-')?;
    let is_generation = generation.len() == 6 && generation.chars().all(|c| c.is_ascii_hexdigit());
    (is_generation && word.starts_with(&STACK.replace('/', "-"))).then_some(derived)
}

/// Ids, addresses and host names that AWS picks.
fn is_made_up(word: &str) -> bool {
    // `eni-0c32a1…`, `db-J6BBXRH…`, `scalable-target/3gdorirn…`
    let last = word.rsplit('-').next().unwrap_or_default();
    let is = |kind: fn(&char) -> bool| last.chars().all(|letter| kind(&letter));
    let is_hash = last.len() >= 8 && is(char::is_ascii_hexdigit);
    let is_loud = last.len() >= 16 && is(|l| l.is_ascii_uppercase() || l.is_ascii_digit());
    let is_low = last.len() > 30 && is(|l| l.is_ascii_lowercase() || l.is_ascii_digit());
    // Principals have three parts: `ecs-tasks.amazonaws.com`.
    let is_host = word.ends_with(".amazonaws.com") && word.split('.').count() > 4;
    let is_address = word.parse::<Ipv4Addr>().is_ok();
    is_hash || is_loud || is_low || is_host || is_address
}

#[test]
fn a_generation_makes_no_difference_and_another_name_does() {
    let read = |word: &str| comparable(&format!("name: Some(\"{word}\")"), &BTreeMap::new());
    let name = read("targetgroup/happyrobot-fde-dev-ff4217-9b2987/0123456789abcdef");
    assert_eq!(name, ["name=targetgroup/happyrobot-fde-dev-ff4217…/…"]);
    assert_ne!(
        name,
        read("targetgroup/happyrobot-fde-dev-37b42a-9b2987/0123456789abcdef")
    );
    assert_eq!(read("theirs-9b2987"), ["name=theirs-9b2987"]);
}
