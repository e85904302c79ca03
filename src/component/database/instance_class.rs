//! The properties of the class of a database instance: its memory, and how it pays for bursts.

/// The size of the largest class of today, in units of its smallest size.
const MOST_UNITS: u32 = 128;

/// Returns the memory of a class in MiB; `None` for classes that are not known here. Most families have a fixed amount per
/// processor: <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.Summary.html>
pub fn memory_mib(class: &str) -> Option<u32> {
    let (family, size) = parts(class)?;
    let gib = match family.chars().next()? {
        't' => match size {
            "micro" => 1,
            "small" => 2,
            "medium" => 4,
            "large" => 8,
            "xlarge" => 16,
            "2xlarge" => 32,
            _ => return None,
        },
        'c' => 2 * processors(size)?,
        'm' => 4 * processors(size)?,
        'r' => 8 * processors(size)?,
        _ => return None,
    };
    Some(gib * 1024)
}

/// The way in which a burstable class pays for bursts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credits {
    /// It spends the credits that it has earned, and is slow without them.
    Earned,
    /// It borrows, and AWS charges for more than `in_a_day`, which it earns in a day. RDS runs these classes this way, and
    /// offers no other: <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.Types.html>
    Borrowed { in_a_day: u32 },
}

/// Returns the credits of a class; `None` for classes that are not burstable:
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-credits-baseline-concepts.html>
pub fn credits(class: &str) -> Option<Credits> {
    let (family, size) = parts(class)?;
    match family {
        "t2" => Some(Credits::Earned),
        "t3" | "t3a" | "t4g" => {
            let in_an_hour = match size {
                "micro" => 12,
                "small" | "medium" => 24,
                "large" => 36,
                "xlarge" => 96,
                "2xlarge" => 192,
                _ => return None,
            };
            let in_a_day = in_an_hour * 24;
            Some(Credits::Borrowed { in_a_day })
        }
        _ => None,
    }
}

/// `t3` and `micro` of `db.t3.micro`.
fn parts(class: &str) -> Option<(&str, &str)> {
    let (family, size) = class.strip_prefix("db.")?.split_once('.')?;
    (!family.is_empty()).then_some((family, size))
}

/// Virtual processors of a size, in the families that are not burstable.
fn processors(size: &str) -> Option<u32> {
    match size {
        "medium" => Some(1),
        "large" => Some(2),
        "xlarge" => Some(4),
        _ => {
            let units: u32 = size.strip_suffix("xlarge")?.parse().ok()?;
            (1..=MOST_UNITS).contains(&units).then_some(units * 4)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_follows_from_family_and_size() {
        for (class, gib) in [
            ("db.t3.micro", Some(1)),
            ("db.t3.small", Some(2)),
            ("db.t4g.medium", Some(4)),
            ("db.t4g.2xlarge", Some(32)),
            ("db.m6gd.large", Some(8)),
            ("db.m5.24xlarge", Some(384)),
            ("db.r6g.large", Some(16)),
            ("db.r5b.2xlarge", Some(64)),
            ("db.c6gd.xlarge", Some(8)),
            ("db.m5.metal", None),
            ("db.m5.99999999xlarge", None),
            ("db.x2g.large", None),
            ("db.t3.huge", None),
            ("db..large", None),
            ("large", None),
        ] {
            assert_eq!(memory_mib(class), gib.map(|gib| gib * 1024), "{class}");
        }
    }

    #[test]
    fn burstable_classes_borrow_but_for_the_oldest() {
        let borrowed = |in_a_day| Some(Credits::Borrowed { in_a_day });
        assert_eq!(credits("db.t3.micro"), borrowed(288));
        assert_eq!(credits("db.t4g.medium"), borrowed(576));
        assert_eq!(credits("db.t3.2xlarge"), borrowed(4608));
        assert_eq!(credits("db.t2.small"), Some(Credits::Earned));
        assert_eq!(credits("db.m6g.large"), None);
    }
}
