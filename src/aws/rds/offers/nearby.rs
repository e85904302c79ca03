//! Choices near one that is not offered: classes of the same family, versions of the same major one. And the order of versions.

use crate::aws::rds::instance::versions::{major, numbers};
use crate::resource::nearest::nearest;

/// Returns the classes of the same family, the nearest size first. Where the family is not offered, those of its kind, such as
/// `t4g` for `t2`, and where that is not either, all.
pub(super) fn classes(wanted: &str, offered: &[String]) -> Vec<String> {
    let of_family: Vec<&String> = of(offered, |class| family(class) == family(wanted));
    let of_kind: Vec<&String> = of(offered, |class| kind(class) == kind(wanted));
    let mut near = [of_family, of_kind, offered.iter().collect()]
        .into_iter()
        .find(|classes| !classes.is_empty())
        .unwrap_or_default();
    // Sizes are powers of two, so the distance is that of their logarithms.
    let distance = |class: &str| match (size(wanted), size(class)) {
        (Some(wanted), Some(size)) => (wanted.max(size) * 64 / wanted.min(size)).ilog2(),
        _ => u32::MAX,
    };
    near.sort_by_key(|class| (distance(class), size(class)));
    let likely = nearest(wanted, near.iter().map(|class| class.as_str()));
    near.sort_by_key(|class| likely.as_ref() != Some(class));
    near.into_iter().cloned().collect()
}

/// Returns the versions of the same major one, the nearest first; or else the newest one of each major version. `offered` is
/// in order.
pub(super) fn versions(engine: &str, wanted: &str, offered: &[String]) -> Vec<String> {
    let wanted_major = major(engine, wanted);
    let minors: Vec<&String> = of(offered, |version| major(engine, version) == wanted_major);
    if minors.is_empty() {
        let mut newest: Vec<&String> = Vec::new();
        for version in offered {
            match newest.last_mut() {
                Some(last) if major(engine, last) == major(engine, version) => *last = version,
                _ => newest.push(version),
            }
        }
        return newest.into_iter().rev().cloned().collect();
    }
    let place = minors.partition_point(|version| numbers(version) < numbers(wanted));
    let mut near: Vec<(usize, &String)> = minors.into_iter().enumerate().collect();
    near.sort_by_key(|(index, _)| (index.abs_diff(place), place > *index));
    near.into_iter()
        .map(|(_, version)| version.clone())
        .collect()
}

/// Returns whether a version is more than a major one, as far as the numbering of the engine is known. `16` is not, nor are
/// `8.0` of `MySQL` and `9.6` of PostgreSQL.
pub(super) fn is_exact(engine: &str, version: &str) -> bool {
    let parts = version.split('.').count();
    match engine {
        "postgres" => parts > if version.starts_with("9.") { 2 } else { 1 },
        "mysql" | "mariadb" => parts > 2,
        _ => false,
    }
}

/// Returns the versions in order, each once.
pub(super) fn sorted(versions: impl IntoIterator<Item = impl Into<String>>) -> Vec<String> {
    let mut versions: Vec<String> = versions.into_iter().map(Into::into).collect();
    versions.sort_by_cached_key(|version| (numbers(version), version.clone()));
    versions.dedup();
    versions
}

/// The most choices that are named in a sentence.
const MOST: usize = 3;

/// `16.6, 16.7 or 16.8`.
pub(super) fn list(choices: &[String]) -> String {
    let choices = &choices[..choices.len().min(MOST)];
    match choices {
        [] => String::new(),
        [one] => one.clone(),
        [firsts @ .., last] => format!("{} or {last}", firsts.join(", ")),
    }
}

fn of(offered: &[String], is_near: impl Fn(&str) -> bool) -> Vec<&String> {
    offered.iter().filter(|choice| is_near(choice)).collect()
}

/// `t3` of `db.t3.micro`.
fn family(class: &str) -> Option<&str> {
    class.split('.').nth(1)
}

/// `t` of `db.t3.micro`: burstable, general purpose, or memory optimized.
fn kind(class: &str) -> Option<&str> {
    let family = family(class)?;
    Some(
        family
            .split(|c: char| c.is_ascii_digit())
            .next()
            .unwrap_or(family),
    )
}

/// The size of a class, in units of the smallest one.
fn size(class: &str) -> Option<u32> {
    match class.split('.').nth(2)? {
        "micro" => Some(1),
        "small" => Some(2),
        "medium" => Some(4),
        "large" => Some(8),
        "xlarge" => Some(16),
        size => {
            let times: u32 = size.strip_suffix("xlarge")?.parse().ok()?;
            (1..=1024).contains(&times).then_some(times * 16)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn classes_of_the_family_come_first() {
        let offered = owned(&[
            "db.m5.large",
            "db.r6g.large",
            "db.t3.2xlarge",
            "db.t3.large",
            "db.t3.micro",
            "db.t3.small",
            "db.t4g.small",
        ]);
        for (wanted, expected) in [
            // A size that the family does not have, and a slip.
            ("db.r6g.medium", "db.r6g.large"),
            (
                "db.t3.mikro",
                "db.t3.micro db.t3.small db.t3.large db.t3.2xlarge",
            ),
            (
                "db.t3.medium",
                "db.t3.small db.t3.large db.t3.micro db.t3.2xlarge",
            ),
            // A family that is gone, and one that is not there at all.
            (
                "db.t2.small",
                "db.t3.small db.t4g.small db.t3.micro db.t3.large db.t3.2xlarge",
            ),
            ("db.m4.large", "db.m5.large"),
        ] {
            assert_eq!(classes(wanted, &offered).join(" "), expected, "{wanted}");
        }
        assert_eq!(classes("db.x2g.large", &offered).len(), offered.len());
        assert_eq!(classes("nonsense", &offered).len(), offered.len());
    }

    #[test]
    fn versions_of_the_major_one_come_first() {
        let offered = owned(&["15.9", "15.10", "15.12", "16.3", "16.8", "17.4"]);
        for (engine, wanted, expected) in [
            ("postgres", "15.4", "15.9 15.10 15.12"),
            ("postgres", "15.11", "15.12 15.10 15.9"),
            ("postgres", "15.99", "15.12 15.10 15.9"),
            ("postgres", "12.3", "17.4 16.8 15.12"),
            ("postgres", "", "17.4 16.8 15.12"),
        ] {
            let near = versions(engine, wanted, &offered).join(" ");
            assert_eq!(near, expected, "{wanted}");
        }
        assert_eq!(list(&offered), "15.9, 15.10 or 15.12");
        assert_eq!(list(&offered[..1]), "15.9");
    }
    #[test]
    fn a_major_version_is_not_exact() {
        for (engine, version, expected) in [
            ("postgres", "16", false),
            ("postgres", "16.4", true),
            ("postgres", "11.22-rds.20240418", true),
            ("postgres", "9.6", false),
            ("postgres", "9.6.22", true),
            ("mysql", "8.0", false),
            ("mysql", "8.0.35", true),
            ("sqlserver-se", "15.00", false),
            ("oracle-se2", "19", false),
        ] {
            assert_eq!(is_exact(engine, version), expected, "{engine} {version}");
        }
    }
}
