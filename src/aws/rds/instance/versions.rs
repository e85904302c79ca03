//! Versions of engines: which are on offer, and which are a major upgrade of others.

use super::model::Inputs;
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, is_unknown_version};
use crate::resource::ProviderError;

/// Adds the available versions to AWS's error that it has no such version. Old minor versions are closed to new instances,
/// while instances that run them may stay:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/PostgreSQLReleaseNotes/postgresql-release-calendar.html>.
pub(super) async fn explained(
    context: &Context,
    wanted: &Inputs,
    error: ProviderError,
) -> ProviderError {
    let (Some(engine), Some(version)) = (&wanted.engine, &wanted.engine_version) else {
        return error;
    };
    if !is_unknown_version(&error) {
        return error;
    }
    match offered(context, engine).await {
        Ok(versions) => error.with_details(vec![on_offer(engine, version, &versions)]),
        // A failure to get the explanation must not hide the original error.
        Err(_) => error,
    }
}

/// Returns whether a version is of a later major version than another, as far as the numbering of the engine is known.
pub(super) fn is_major_upgrade(engine: &str, from: &str, to: &str) -> bool {
    major(engine, from) < major(engine, to)
}

/// Returns the numbers that make the major version: one for PostgreSQL, two for `MySQL` and `MariaDB`. None for other
/// engines.
pub(in crate::aws::rds) fn major(engine: &str, version: &str) -> Vec<u32> {
    let count = match engine {
        "postgres" => 1,
        "mysql" | "mariadb" => 2,
        _ => 0,
    };
    numbers(version).into_iter().take(count).collect()
}

/// Returns a version's numbers, as far as it has them.
pub(in crate::aws::rds) fn numbers(version: &str) -> Vec<u32> {
    version
        .split('.')
        .map_while(|part| part.parse().ok())
        .collect()
}

pub(in crate::aws::rds) async fn offered(
    context: &Context,
    engine: &str,
) -> AwsResult<Vec<String>> {
    let versions = context
        .pages(
            |marker| {
                context
                    .rds
                    .describe_db_engine_versions()
                    .engine(engine)
                    .max_records(100)
                    .set_marker(marker)
            },
            |page| (page.db_engine_versions, page.marker),
        )
        .await?;
    Ok(versions
        .into_iter()
        .filter_map(|version| version.engine_version)
        .collect())
}

/// Returns the versions to choose from: those of the wanted major version, or else the major versions.
fn on_offer(engine: &str, wanted: &str, versions: &[String]) -> String {
    let mut sorted: Vec<&String> = versions.iter().collect();
    sorted.sort_by_cached_key(|version| numbers(version));
    let list = |numbers: &[u32]| {
        let texts: Vec<String> = numbers.iter().map(u32::to_string).collect();
        texts.join(".")
    };
    let wanted = major(engine, wanted);
    let minors: Vec<&str> = sorted
        .iter()
        .filter(|version| major(engine, version) == wanted)
        .map(|version| version.as_str())
        .collect();
    if !minors.is_empty() {
        let all = minors.join(", ");
        return match wanted.as_slice() {
            [] => format!("on offer: {all}"),
            wanted => format!(
                "on offer: {all}; or `{}`, for the one that AWS prefers",
                list(wanted)
            ),
        };
    }
    let mut majors: Vec<String> = sorted
        .iter()
        .map(|version| list(&major(engine, version)))
        .collect();
    majors.dedup();
    format!("on offer: {}", majors.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn major_upgrades() {
        for (engine, from, to, expected) in [
            ("postgres", "15.12", "16", true),
            ("postgres", "15.9", "15.12", false),
            ("postgres", "9.6", "10", true),
            ("postgres", "16.1", "15.12", false),
            ("mysql", "8.0.40", "8.4.3", true),
            ("mysql", "8.0.35", "8.0.40", false),
            ("sqlserver-se", "15.00.4236.7.v1", "16.00.4085.2.v1", false),
        ] {
            let found = is_major_upgrade(engine, from, to);
            assert_eq!(found, expected, "{engine} from {from} to {to}");
        }
    }

    #[test]
    fn what_is_on_offer_is_told_by_major_version() {
        let versions = ["15.9", "15.12", "15.10", "16.8", "17.4"].map(str::to_owned);
        for (wanted, expected) in [
            (
                "15.4",
                "on offer: 15.9, 15.10, 15.12; or `15`, for the one that AWS prefers",
            ),
            ("99", "on offer: 15, 16, 17"),
        ] {
            assert_eq!(on_offer("postgres", wanted, &versions), expected);
        }
    }
}
