//! The objects that the last run has left, according to its record: a hint that may be missing, and that nothing depends on
//! but words. It tells what is gone from what was never made, and drift from edits where there are no tags to tell.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::Urn;
use super::proof::ALPHABET;
use super::tags::short_hash;

/// Characters of the hash of a URN, of six bits each: of a thousand resources, one in two thousand stacks has two that are alike.
const URN: usize = 5;

/// Characters of the hash of inputs.
const INPUTS: usize = 4;

/// How many hexadecimal digits of them earlier versions have written: of these the new ones can be made.
const EARLIER_URN: usize = digits(URN);
const EARLIER_INPUTS: usize = digits(INPUTS);

/// Resources by hash, with a hash of the inputs that were applied to those that have no tags.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LastRun {
    left: BTreeMap<String, Option<String>>,
    /// True if it was made by this version of the program and did all that it was to: no default has come since.
    pub is_of_this_version: bool,
}

impl LastRun {
    /// Returns whether there was one of this URN.
    pub fn has(&self, urn: &Urn) -> bool {
        self.left.contains_key(&key(urn))
    }

    /// Returns whether inputs of this hash were the last ones applied to it, as far as is known.
    pub fn applied(&self, urn: &Urn, inputs: &str) -> bool {
        let known = self.left.get(&key(urn)).and_then(Option::as_deref);
        known.is_some_and(|known| known == shortened(inputs))
    }

    /// Returns whether other inputs than those of this hash were the last ones applied to it, as far as is known.
    pub fn applied_others(&self, urn: &Urn, inputs: &str) -> bool {
        let known = self.left.get(&key(urn)).and_then(Option::as_deref);
        known.is_some_and(|known| known != shortened(inputs))
    }

    pub fn insert(&mut self, urn: &Urn, inputs: Option<&str>) {
        self.left.insert(key(urn), inputs.map(shortened));
    }

    /// Takes over what another record has of a resource.
    pub fn insert_as_in(&mut self, urn: &Urn, other: &Self) {
        let known = other.left.get(&key(urn)).cloned().flatten();
        self.left.insert(key(urn), known);
    }

    pub fn remove(&mut self, urn: &Urn) {
        self.left.remove(&key(urn));
    }
}

fn key(urn: &Urn) -> String {
    dense(&short_hash(&urn.to_string(), EARLIER_URN), URN)
}

fn shortened(hash: &str) -> String {
    dense(hash, INPUTS)
}

/// The number of hexadecimal digits that hold the bits of these characters.
const fn digits(characters: usize) -> usize {
    (characters * 6).div_ceil(4)
}

/// The first characters of a hash, of six bits each, from its hexadecimal digits. What has no such digits stays as it is.
fn dense(hash: &str, characters: usize) -> String {
    let first = hash.get(..digits(characters));
    let bits = first.and_then(|first| u64::from_str_radix(first, 16).ok());
    let Some(bits) = bits else {
        return hash.to_owned();
    };
    let bits = bits >> (digits(characters) * 4 - characters * 6);
    let places = (0..characters).rev();
    places
        .map(|place| char::from(ALPHABET[(bits >> (place * 6) & 63) as usize]))
        .collect()
}

impl fmt::Display for LastRun {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (urn, inputs)) in self.left.iter().enumerate() {
            let between = if index == 0 { "" } else { " " };
            write!(formatter, "{between}{urn}")?;
            if let Some(inputs) = inputs {
                write!(formatter, ":{inputs}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for LastRun {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let entries = text.split_whitespace().map(|entry| {
            let (urn, inputs) = match entry.split_once(':') {
                Some((urn, inputs)) => (urn, Some(inputs)),
                None => (entry, None),
            };
            let as_now = |text: &str, earlier: usize, now: usize| match text.len() == earlier {
                true => dense(text, now),
                false => text.to_owned(),
            };
            let inputs = inputs.map(|inputs| as_now(inputs, EARLIER_INPUTS, INPUTS));
            (as_now(urn, EARLIER_URN, URN), inputs)
        });
        Ok(Self {
            left: entries.collect(),
            is_of_this_version: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::StackId;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let stack = StackId {
            name: "shop".into(),
            environment: "dev".into(),
        };
        let urn = |name: &str| Urn::new(&stack, "aws:ec2:Route", name);
        let mut left = LastRun::default();
        left.insert(&urn("vpc"), None);
        left.insert(&urn("route"), Some("0123456789ab"));
        let read: LastRun = left.to_string().parse().expect("any text");
        assert_eq!(read, left);
        assert!(read.has(&urn("vpc")) && !read.has(&urn("other")));
        assert!(read.applied(&urn("route"), "0123456789ab"));
        assert!(!read.applied(&urn("route"), "1123456789ab"));
        assert!(!read.applied(&urn("vpc"), "0123456789ab"));
        assert_eq!("".parse::<LastRun>().expect("any text"), LastRun::default());
    }
}
