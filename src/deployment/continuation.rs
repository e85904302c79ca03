//! The part of a record that has no room in its parameter: the record goes on in further ones, `deployments-2` and `deployments-3`.
//!
//! SSM writes one parameter at a time. So each part bears the mark of the whole text, and the record has that as well: what a
//! run has left that was over between two writes, or what another run has written since, belongs to another text and is not
//! taken for part of this one.

use super::LONGEST;
use crate::resource::tags::short_hash;

/// The further parameters that there can be: 800 resources have room in them, more than the proof of what is ours has.
pub(super) const MOST: usize = 2;

/// The text of a parameter that is no longer needed: SSM takes no empty text, and nothing is deleted
/// ([`super::ParameterStore`]).
pub(super) const NOTHING: &str = "-";

/// The mark that tells a text from others.
pub(super) fn mark(text: &str) -> String {
    short_hash(text, 16)
}

/// The names of the parameters.
pub(super) fn names(of: &str) -> [String; MOST] {
    std::array::from_fn(|index| format!("{of}-{}", index + 2))
}

/// The text in parts that fit. `None` if it is too long.
pub(super) fn split(text: &str) -> Option<Vec<String>> {
    let mark = mark(text);
    let room = LONGEST - mark.len() - 1;
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (part, after) = rest.split_at_checked(room.min(rest.len()))?;
        parts.push(format!("{mark} {part}"));
        rest = after;
    }
    (parts.len() <= MOST).then_some(parts)
}

/// The text with a mark, if all its parts are there.
pub(super) fn join<'a>(mark: &str, parts: impl Iterator<Item = &'a str>) -> Option<String> {
    let own = parts.filter_map(|part| part.strip_prefix(mark)?.strip_prefix(' '));
    let text: String = own.collect();
    (self::mark(&text) == mark).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_put_together_from_all_its_parts_and_no_others() {
        let texts = ["a".repeat(6000), "b".repeat(6000)];
        let [first, other] = texts.clone().map(|text| split(&text).unwrap());
        assert_eq!(first.len(), 2);
        assert!(first.iter().all(|part| part.len() <= LONGEST));
        let joined =
            |parts: &[&String]| join(&mark(&texts[0]), parts.iter().map(|part| part.as_str()));
        assert_eq!(joined(&[&first[0], &first[1]]).as_deref(), Some(&*texts[0]));
        for torn in [
            vec![&first[0], &other[1]],
            vec![&other[0], &first[1]],
            vec![&first[0]],
            vec![&other[0], &other[1]],
            vec![],
        ] {
            assert_eq!(joined(&torn), None, "{torn:?}");
        }
        assert_eq!(split(&"a".repeat(9000)), None);
        assert_eq!(split(&"é".repeat(3000)), None);
    }
}
