//! The most likely meaning of a mistyped word.

/// A length that exceeds that of any name there is, in bytes.
const LONGEST: usize = 300;

/// The candidate nearest to a word, if any is near enough to be worth suggesting: another letter in three at most, or one
/// word that begins with the other.
pub fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    // No name is mistyped like this; comparing a hostile word would take seconds.
    if word.len() > LONGEST {
        return None;
    }
    let word = word.to_ascii_lowercase();
    candidates
        .filter_map(|candidate| {
            Some((distance(&word, &candidate.to_ascii_lowercase())?, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate.to_owned())
}

/// The distance between two words, if that is not too far.
fn distance(word: &str, candidate: &str) -> Option<usize> {
    let [own, other] = [word, candidate].map(|word| word.chars().count());
    let (shorter, longer) = (own.min(other), own.max(other));
    let tolerated = (shorter / 3).max(1);
    let is_long_enough = shorter >= 4 || shorter == 3 && longer <= 6;
    let is_beginning =
        is_long_enough && (candidate.starts_with(word) || word.starts_with(candidate));
    // Words are at least as far apart as their lengths. Most are told apart by that, which takes no time.
    if longer - shorter > tolerated && !is_beginning {
        return None;
    }
    let distance = strsim::osa_distance(word, candidate);
    let is_near = distance <= tolerated && distance < shorter;
    (is_near || is_beginning).then_some(distance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_near_is_suggested() {
        let among =
            |word: &str, candidates: &[&'static str]| nearest(word, candidates.iter().copied());
        for (word, candidates, meant) in [
            ("prot", &["port", "cpu", "routes"][..], "port"),
            (
                "backupRetention",
                &["backupWindow", "backupRetentionDays"],
                "backupRetentionDays",
            ),
            ("acountId", &["accountId", "region"], "accountId"),
            ("devel", &["dev", "staging", "prod"], "dev"),
            ("production", &["dev", "staging", "prod"], "prod"),
            ("apu", &["api", "web"], "api"),
            ("API", &["api", "web"], "api"),
            ("idd", &["id", "arn"], "id"),
            (
                "aws:s3:Bukket",
                &["aws:s3:Bucket", "aws:s3:BucketPolicy"],
                "aws:s3:Bucket",
            ),
        ] {
            assert_eq!(among(word, candidates).as_deref(), Some(meant), "{word}");
        }
        for (word, candidates) in [
            ("aws:sqs:Queue", &["aws:ecs:Cluster", "aws:sns:Topic"][..]),
            ("a", &["b"]),
            ("zz", &["id", "aws"]),
            ("worker", &["web", "api"]),
            ("", &["a", "b"]),
        ] {
            assert_eq!(among(word, candidates), None, "{word}");
        }
    }
}
