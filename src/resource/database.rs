//! Words and times that RDS takes for a database: names, and windows for backups and maintenance.

/// The words that the engines reserve besides those of SQL, as far as names of databases and users go. RDS answers with "…
/// cannot be used as it is a reserved word for this engine".
const OF_RDS: &[&str] = &[
    "admin",
    "rdsadmin",
    "rdsrepladmin",
    "rdstopmgr",
    "rds_superuser",
    "rdsproxyadmin",
];

/// The words that PostgreSQL reserves (<https://www.postgresql.org/docs/current/sql-keywords-appendix.html>, "reserved",
/// also where a function or type may be called so).
const POSTGRES: &[&str] = &[
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "binary",
    "both",
    "case",
    "cast",
    "check",
    "collate",
    "collation",
    "column",
    "concurrently",
    "constraint",
    "create",
    "cross",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "false",
    "fetch",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "grant",
    "group",
    "having",
    "ilike",
    "in",
    "initially",
    "inner",
    "intersect",
    "into",
    "is",
    "isnull",
    "join",
    "lateral",
    "leading",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "natural",
    "not",
    "notnull",
    "null",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "outer",
    "overlaps",
    "placing",
    "primary",
    "references",
    "returning",
    "right",
    "select",
    "session_user",
    "similar",
    "some",
    "symmetric",
    "system_user",
    "table",
    "tablesample",
    "then",
    "to",
    "trailing",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "variadic",
    "verbose",
    "when",
    "where",
    "window",
    "with",
];

/// The words that `MySQL` and `MariaDB` reserve, of those that a database is likely to be called
/// (<https://dev.mysql.com/doc/refman/8.4/en/keywords.html>).
const MYSQL: &[&str] = &[
    "add",
    "all",
    "alter",
    "analyze",
    "and",
    "as",
    "asc",
    "before",
    "between",
    "both",
    "by",
    "call",
    "cascade",
    "case",
    "change",
    "character",
    "check",
    "column",
    "condition",
    "constraint",
    "continue",
    "convert",
    "create",
    "cross",
    "current_user",
    "cursor",
    "database",
    "databases",
    "declare",
    "default",
    "delayed",
    "delete",
    "desc",
    "describe",
    "distinct",
    "div",
    "drop",
    "dual",
    "each",
    "else",
    "enclosed",
    "except",
    "exists",
    "exit",
    "explain",
    "false",
    "fetch",
    "for",
    "force",
    "foreign",
    "from",
    "fulltext",
    "function",
    "generated",
    "grant",
    "group",
    "having",
    "if",
    "ignore",
    "in",
    "index",
    "infile",
    "inner",
    "inout",
    "insert",
    "interval",
    "into",
    "is",
    "iterate",
    "join",
    "key",
    "keys",
    "kill",
    "leading",
    "leave",
    "left",
    "like",
    "limit",
    "lines",
    "load",
    "lock",
    "loop",
    "match",
    "natural",
    "not",
    "null",
    "of",
    "on",
    "optimize",
    "option",
    "or",
    "order",
    "out",
    "outer",
    "over",
    "partition",
    "primary",
    "procedure",
    "range",
    "read",
    "release",
    "rename",
    "repeat",
    "replace",
    "require",
    "return",
    "right",
    "row",
    "rows",
    "schema",
    "select",
    "set",
    "show",
    "table",
    "to",
    "trigger",
    "true",
    "union",
    "unique",
    "unlock",
    "update",
    "usage",
    "use",
    "using",
    "values",
    "when",
    "where",
    "window",
    "with",
];
/// The databases that are there before any other.
const MYSQL_OWN: &[&str] = &[
    "information_schema",
    "innodb",
    "mysql",
    "performance_schema",
    "sys",
];
const POSTGRES_OWN: &[&str] = &["rdsadmin", "template0", "template1"];

/// Returns whether an engine reserves a word, or calls itself by it.
fn reserved(engine: &str, word: &str) -> bool {
    let word = word.to_lowercase();
    let word = word.as_str();
    match engine {
        "postgres" | "aurora-postgresql" => POSTGRES.contains(&word),
        "mysql" | "mariadb" | "aurora-mysql" => MYSQL.contains(&word),
        _ => false,
    }
}

fn is_identifier(name: &str, longest: usize) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.len() <= longest
}

/// The reason why an engine does not take the name of a database.
pub fn wrong_name(engine: &str, name: &str) -> Option<String> {
    let (own, longest): (&[&str], usize) = match engine {
        "postgres" | "aurora-postgresql" => (POSTGRES_OWN, 63),
        "mysql" | "mariadb" | "aurora-mysql" => (MYSQL_OWN, 64),
        _ => return None,
    };
    if !is_identifier(name, longest) {
        return Some(format!(
            "takes up to {longest} letters, digits and `_`, a letter first"
        ));
    }
    let lower = name.to_lowercase();
    if own.contains(&lower.as_str()) {
        return Some(format!("`{name}` is a database of the engine's own"));
    }
    (reserved(engine, name) || OF_RDS.contains(&lower.as_str()))
        .then(|| format!("`{name}` is a reserved word of the engine, which RDS does not take"))
}

/// The reason why an engine does not take the name of the master user.
pub fn wrong_username(engine: &str, name: &str) -> Option<String> {
    let lower = name.to_lowercase();
    let (longest, own): (usize, &[&str]) = match engine {
        "postgres" | "aurora-postgresql" => (63, &["public", "none"]),
        "mysql" | "aurora-mysql" => (32, &["root", "mysql.sys", "mysql.session"]),
        "mariadb" => (16, &["root", "mariadb.sys"]),
        _ => return None,
    };
    if !is_identifier(name, longest) {
        return Some(format!(
            "takes up to {longest} letters, digits and `_`, a letter first"
        ));
    }
    let is_postgres = engine.ends_with("postgres") || engine.ends_with("postgresql");
    // `admin` is the usual name with MySQL.
    let of_rds = OF_RDS
        .iter()
        .any(|word| *word == lower && (is_postgres || *word != "admin"));
    let prefixed = is_postgres && (lower.starts_with("pg_") || lower.starts_with("rds_"));
    (of_rds || prefixed || own.contains(&lower.as_str()) || reserved(engine, name))
        .then(|| format!("`{name}` is reserved by RDS"))
}

/// Minutes of a day.
const DAY: u32 = 24 * 60;
const WEEK: u32 = 7 * DAY;
/// The shortest window.
const HALF_AN_HOUR: u32 = 30;
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A time that comes round each day or each week, in UTC, to the minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    from: u32,
    minutes: u32,
    /// The number of minutes after which it comes round.
    round: u32,
}

impl Window {
    /// `03:00-04:00`; half an hour at least.
    pub fn daily(text: &str) -> Option<Self> {
        Self::parse(text, DAY, time_of_day)
    }

    /// `sun:04:30-sun:05:30`; half an hour at least.
    pub fn weekly(text: &str) -> Option<Self> {
        Self::parse(text, WEEK, |text| {
            let (day, time) = text.split_once(':')?;
            let day = day.to_lowercase();
            let day = DAYS.iter().position(|name| *name == day)?;
            Some(u32::try_from(day).ok()? * DAY + time_of_day(time)?)
        })
    }

    fn parse(text: &str, round: u32, minute: fn(&str) -> Option<u32>) -> Option<Self> {
        let (from, to) = text.split_once('-')?;
        let (from, to) = (minute(from)?, minute(to)?);
        let minutes = (to + round - from) % round;
        (minutes >= HALF_AN_HOUR).then_some(Self {
            from,
            minutes,
            round,
        })
    }

    /// Returns whether the two are ever at the same time.
    pub fn overlaps(&self, other: &Self) -> bool {
        // One of the two begins while the other is on; a day is a part of a week.
        let round = self.round.min(other.round);
        let begins_in =
            |inner: &Self, outer: &Self| (inner.from + WEEK - outer.from) % round < outer.minutes;
        begins_in(self, other) || begins_in(other, self)
    }
}

fn time_of_day(text: &str) -> Option<u32> {
    let (hour, minute) = text.split_once(':')?;
    if hour.len() != 2 || minute.len() != 2 {
        return None;
    }
    let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_read() {
        for (text, sound) in [
            ("03:00-04:00", true),
            ("23:45-00:15", true),
            ("03:00-03:10", false),
            ("3:00-4:00", false),
            ("24:00-25:00", false),
            ("sun:04:30-sun:05:30", false),
        ] {
            assert_eq!(Window::daily(text).is_some(), sound, "{text}");
        }
        for (text, sound) in [
            ("Sun:04:30-sun:05:30", true),
            ("sun:23:45-mon:00:15", true),
            ("04:30-05:30", false),
        ] {
            assert_eq!(Window::weekly(text).is_some(), sound, "{text}");
        }
    }

    #[test]
    fn a_daily_window_meets_a_weekly_one_on_its_day() {
        for (daily, weekly, overlap) in [
            ("03:00-04:00", "sun:03:30-sun:04:30", true),
            ("03:00-04:00", "sun:04:00-sun:05:00", false),
            ("04:00-04:30", "sun:03:00-sun:04:00", false),
            ("03:00-06:00", "wed:04:00-wed:04:30", true),
            // Over midnight, and over the end of the week.
            ("23:45-00:15", "mon:00:00-mon:00:30", true),
            ("00:00-00:30", "sun:23:30-mon:00:15", true),
            ("12:00-12:30", "sun:23:30-mon:00:15", false),
            // All the week but an hour.
            ("05:00-05:30", "mon:06:00-mon:05:00", true),
        ] {
            let daily_window = Window::daily(daily).unwrap();
            let weekly_window = Window::weekly(weekly).unwrap();
            assert_eq!(
                daily_window.overlaps(&weekly_window),
                overlap,
                "{daily} {weekly}"
            );
            assert_eq!(
                weekly_window.overlaps(&daily_window),
                overlap,
                "{weekly} {daily}"
            );
        }
    }

    #[test]
    fn names_of_databases_and_users() {
        for (engine, name, sound) in [
            ("postgres", "shop", true),
            ("postgres", "order", false),
            ("postgres", "User", false),
            ("postgres", "postgres", true),
            ("postgres", "admin", false),
            ("postgres", "with", false),
            ("postgres", "1shop", false),
            ("mysql", "order", false),
            ("mysql", "user", true),
            ("mysql", "mysql", false),
            ("oracle-se2", "order", true),
        ] {
            assert_eq!(wrong_name(engine, name).is_none(), sound, "{engine} {name}");
        }
        for (engine, name, sound) in [
            ("postgres", "postgres", true),
            ("postgres", "admin", false),
            ("postgres", "pg_x", false),
            ("postgres", "table", false),
            ("mysql", "admin", true),
            ("mysql", "root", false),
            ("mariadb", "a_name_of_17_char", false),
        ] {
            assert_eq!(
                wrong_username(engine, name).is_none(),
                sound,
                "{engine} {name}"
            );
        }
    }
}
