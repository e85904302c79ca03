//! The regions of AWS, and names that are none.
//!
//! AWS opens regions more often than fde-infra is built: a name that is spelled as AWS spells them, but is not in the list,
//! is a warning. A name with a direction or an area that no region has, one letter from a real one, is a mistake.

use super::error::{Fault, Span, StackError};

/// The regions in all partitions, in November 2026 (`partitions.json` and `endpoints.json` of the AWS SDKs).
pub const REGIONS: [&str; 48] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-isoe-west-1",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eusc-de-east-1",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "me-west-1",
    "mx-central-1",
    "sa-east-1",
    "sa-west-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-iso-east-1",
    "us-iso-west-1",
    "us-isob-east-1",
    "us-isob-west-1",
    "us-isof-east-1",
    "us-isof-south-1",
    "us-west-1",
    "us-west-2",
];

/// The directions in the names of regions.
const DIRECTIONS: [&str; 9] = [
    "central",
    "east",
    "north",
    "northeast",
    "northwest",
    "south",
    "southeast",
    "southwest",
    "west",
];

/// The most letters in which a mistyped region differs from the one that was meant.
const SLIPS: usize = 2;

/// The verdict on the region of a stack.
pub enum Verdict {
    Known,
    /// Spelled like a region, and not in the list.
    Unknown(StackError),
    Wrong(StackError),
}

/// Judges the name of a region.
pub fn judge(region: &str, span: Span) -> Verdict {
    if REGIONS.contains(&region) {
        return Verdict::Known;
    }
    let lower = region.to_lowercase();
    if !is_formed(region) {
        let error = StackError::new(Fault::Region, span, "is not of the form `eu-south-2`");
        let zone_of = REGIONS.iter().find(|known| {
            lower
                .strip_prefix(**known)
                .is_some_and(|rest| matches!(rest.as_bytes(), [b'a'..=b'z']))
        });
        return Verdict::Wrong(match zone_of {
            Some(known) => error.help(format!("that is a zone; its region is `{known}`")),
            None => error.suggest(likeliest(&lower, SLIPS)),
        });
    }
    match likeliest(region, slips(region)) {
        Some(nearest) => Verdict::Wrong(
            StackError::new(Fault::Region, span, "is not a region of AWS")
                .help(format!("did you mean `{nearest}`?")),
        ),
        None => Verdict::Unknown(
            StackError::new(
                Fault::UnknownRegion,
                span,
                "is not among the regions that this version of fde-infra knows",
            )
            .help(
                "if AWS has it, all is well; if not, the first call fails with an error of credentials or of the name \
                 of a host",
            ),
        ),
    }
}

/// The region that was most likely meant.
fn likeliest(region: &str, slips: usize) -> Option<String> {
    let distance = |known: &str| strsim::damerau_levenshtein(region, known);
    // No name is this long; comparing a hostile one would take seconds.
    if region.len() > 40 {
        return None;
    }
    REGIONS
        .iter()
        .map(|known| (distance(known), *known))
        .filter(|(distance, _)| *distance <= slips)
        .min()
        .map(|(_, known)| known.to_owned())
}

/// `eu-south-2`, `us-gov-west-1`.
fn is_formed(region: &str) -> bool {
    let parts: Vec<&str> = region.split('-').collect();
    let [area, middle @ .., number] = parts.as_slice() else {
        return false;
    };
    let word = |text: &&str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase());
    (2..=4).contains(&area.len())
        && word(area)
        && (1..=2).contains(&middle.len())
        && middle.iter().all(word)
        && matches!(number.as_bytes(), [b'1'..=b'9'])
}

/// The number of letters in which a region may differ from the one that was meant; none if it could well be a new one. An
/// area that no region is in may be new as well, unless it is one letter from a real one.
fn slips(region: &str) -> usize {
    let is_known = |word: &str| {
        DIRECTIONS.contains(&word)
            || REGIONS
                .iter()
                .any(|known| known.split('-').any(|part| part == word))
    };
    let Some((area, rest)) = region.split_once('-') else {
        return 0;
    };
    let mut words = rest.split('-').rev().skip(1);
    match (is_known(area), words.all(is_known)) {
        (true, true) => 0,
        (false, true) => 1,
        (_, false) => SLIPS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(region: &str) -> String {
        let text = |error: &StackError| {
            let help = error.help.as_deref().unwrap_or("no help");
            format!("{}: {help}", error.labels[0].text)
        };
        match judge(region, Span::default()) {
            Verdict::Known => "known".to_owned(),
            Verdict::Unknown(warning) => format!("warning: {}", warning.labels[0].text),
            Verdict::Wrong(error) => text(&error),
        }
    }

    #[test]
    fn a_misspelled_region_is_refused_with_the_nearest() {
        for (written, meant) in [
            ("eu-suoth-2", "eu-south-2"),
            ("eu-sout-2", "eu-south-2"),
            ("ue-south-2", "eu-south-2"),
            ("us-esat-1", "us-east-1"),
            ("ap-souteast-1", "ap-southeast-1"),
            ("us-gv-west-1", "us-gov-west-1"),
        ] {
            let expected = format!("is not a region of AWS: did you mean `{meant}`?");
            assert_eq!(said(written), expected, "{written}");
        }
        for (written, meant) in [
            ("EU-South-2", "eu-south-2"),
            ("eu_south_2", "eu-south-2"),
            ("eusouth-2", "eu-south-2"),
        ] {
            let expected = format!("is not of the form `eu-south-2`: did you mean `{meant}`?");
            assert_eq!(said(written), expected, "{written}");
        }
        assert_eq!(
            said("eu-south-2a"),
            "is not of the form `eu-south-2`: that is a zone; its region is `eu-south-2`"
        );
        assert_eq!(said("spain"), "is not of the form `eu-south-2`: no help");
    }

    #[test]
    fn a_region_that_may_be_new_is_a_warning() {
        for region in ["eu-west-9", "ap-southwest-1", "nz-north-1", "ca-east-1"] {
            let said = said(region);
            assert!(said.starts_with("warning: "), "{region}: {said}");
        }
        for region in REGIONS {
            assert_eq!(said(region), "known");
        }
    }
}
