//! What a mistyped word most likely meant.

/// Longer than any name there is, in bytes.
const LONGEST: usize = 300;

/// The candidate nearest to a word, if any is near enough to be worth suggesting.
pub fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    // Nobody has mistyped this; comparing a hostile word would take seconds.
    if word.len() > LONGEST {
        return None;
    }
    let word = word.to_ascii_lowercase();
    candidates
        .map(|candidate| {
            let likeness = strsim::jaro_winkler(&word, &candidate.to_ascii_lowercase());
            (likeness, candidate)
        })
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, candidate)| candidate.to_owned())
}
