//! Properties that AWS decides once an instance exists.

use super::versions::is_major_upgrade;
use crate::aws::kms::is_alias;
use crate::resource::{Properties, Value};

/// The properties that a replica has from its source, whatever the file says; it keeps them when it is promoted.
const INHERITED: [&str; 6] = [
    "engine",
    "username",
    "dbName",
    "storageEncrypted",
    "kmsKeyId",
    "dbSubnetGroupName",
];

/// Takes over live values where the author cannot decide them.
pub(super) fn keep_live(desired: &mut Properties, observed: &Properties) {
    let is_set = |name: &str| desired.get(name).is_some_and(|value| !value.is_null());
    let mut taken: Vec<&str> = Vec::new();
    if is_set("replicateSourceDb") || observed.contains_key("replicateSourceDb") {
        taken.extend(INHERITED);
    }
    let versions = [desired, observed].map(|of| of.get("engineVersion"));
    if covers_version(versions[0], versions[1])
        || is_set("replicateSourceDb") && is_upgraded(observed, versions)
    {
        taken.push("engineVersion");
    }
    // Storage that AWS has let grow cannot shrink again.
    let size = |of: &Properties| of.get("allocatedStorage").and_then(Value::as_number);
    if is_set("maxAllocatedStorage") && size(desired) < size(observed) {
        taken.push("allocatedStorage");
    }
    // A limit that the storage has reached reads as no limit: in both cases it grows no further.
    let number = |of: &Properties, name: &str| of.get(name).and_then(Value::as_number);
    let limit = number(desired, "maxAllocatedStorage");
    let is_reached = limit.is_some()
        && limit == size(observed)
        && number(observed, "maxAllocatedStorage").is_none();
    // AWS returns the key behind an alias; and where none is named, the one it has stays, so that the database goes on using it.
    for (name, switch) in [
        ("kmsKeyId", "storageEncrypted"),
        ("performanceInsightsKmsKeyId", "performanceInsightsEnabled"),
    ] {
        let is_on = desired.get(switch).and_then(Value::as_bool) == Some(true);
        let stays = |key: &Value| key.is_null() && is_on || is_alias(key);
        if desired.get(name).map_or(is_on, stays) {
            taken.push(name);
        }
    }
    // With a standby, the zone is the one of the last failover.
    if desired.get("multiAz").and_then(Value::as_bool) == Some(true) && is_set("availabilityZone") {
        taken.push("availabilityZone");
    }
    // Settings of a feature that is off mean nothing, and AWS may drop or keep them.
    let off = |name: &str, nothing: Value| desired.get(name) == Some(&nothing);
    let mut idle: Vec<&str> = Vec::new();
    if is_reached {
        idle.push("maxAllocatedStorage");
    }
    if off("monitoringInterval", 0.into()) {
        idle.push("monitoringRoleArn");
    }
    if off("performanceInsightsEnabled", false.into()) {
        idle.extend([
            "performanceInsightsRetentionPeriod",
            "performanceInsightsKmsKeyId",
        ]);
    }
    for name in idle {
        desired.remove(name);
    }
    for name in taken {
        if let Some(live) = observed.get(name) {
            desired.insert(name.to_owned(), live.clone());
        }
    }
}

/// Returns whether a live version satisfies the wanted one: it continues it (`15` and `15.4`), or is a later minor version,
/// which AWS installs by itself and does not take back.
fn covers_version(wanted: Option<&Value>, live: Option<&Value>) -> bool {
    let (Some(wanted), Some(live)) = (wanted.and_then(Value::as_str), live.and_then(Value::as_str))
    else {
        return false;
    };
    let wanted: Vec<&str> = wanted.split('.').collect();
    let live: Vec<&str> = live.split('.').take(wanted.len()).collect();
    let (Some((wanted_minor, wanted_major)), Some((live_minor, live_major))) =
        (wanted.split_last(), live.split_last())
    else {
        return false;
    };
    if wanted == live {
        return true;
    }
    let later = match (live_minor.parse::<u32>(), wanted_minor.parse::<u32>()) {
        (Ok(live), Ok(wanted)) => live > wanted,
        _ => false,
    };
    !wanted_major.is_empty() && wanted_major == live_major && later
}

/// Returns whether a live version is a major upgrade of the wanted one: replicas are upgraded along with their source.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_UpgradeDBInstance.PostgreSQL.html>
fn is_upgraded(observed: &Properties, [wanted, live]: [Option<&Value>; 2]) -> bool {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    match (text(observed.get("engine")), text(wanted), text(live)) {
        (Some(engine), Some(wanted), Some(live)) => is_major_upgrade(&engine, &wanted, &live),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::value::properties;

    #[test]
    fn versions_that_aws_brings_by_itself_are_no_change() {
        for (wanted, live, expected) in [
            ("15", "15.4", true),
            ("15.4", "15.4", true),
            ("15.4", "15.7", true),
            ("15.10", "15.9", false),
            ("15", "16.1", false),
            ("16", "15.4", false),
            ("8.0", "8.0.35", true),
            ("8.0.35", "8.0.40", true),
            ("8.0.35", "8.4.3", false),
            ("1", "15.4", false),
        ] {
            let covered = covers_version(Some(&wanted.into()), Some(&live.into()));
            assert_eq!(covered, expected, "{wanted} against {live}");
        }
    }

    #[test]
    fn live_wins_where_the_author_does_not_decide() {
        let mut desired = properties([
            ("allocatedStorage", 20.into()),
            ("maxAllocatedStorage", 100.into()),
            ("kmsKeyId", "alias/shop".into()),
            ("storageEncrypted", false.into()),
        ]);
        let live = properties([
            ("allocatedStorage", 40.into()),
            ("kmsKeyId", "arn:aws:kms:r:1:key/k".into()),
            ("storageEncrypted", true.into()),
        ]);
        keep_live(&mut desired, &live);
        assert_eq!(desired["allocatedStorage"], 40.into());
        assert_eq!(desired["kmsKeyId"], "arn:aws:kms:r:1:key/k".into());
        assert_eq!(desired["storageEncrypted"], false.into());
        desired.insert("replicateSourceDb".to_owned(), "source".into());
        keep_live(&mut desired, &live);
        assert_eq!(desired["storageEncrypted"], true.into());
    }

    #[test]
    fn what_belongs_to_a_feature_that_is_off_is_not_compared() {
        let mut desired = properties([
            ("monitoringInterval", 0.into()),
            ("monitoringRoleArn", "role".into()),
            ("performanceInsightsEnabled", true.into()),
            ("performanceInsightsRetentionPeriod", 7.into()),
        ]);
        keep_live(&mut desired, &Properties::new());
        assert!(!desired.contains_key("monitoringRoleArn"));
        assert!(desired.contains_key("performanceInsightsRetentionPeriod"));
    }

    #[test]
    fn storage_does_not_shrink_unless_asked_to() {
        let mut desired = properties([("allocatedStorage", 20.into())]);
        keep_live(&mut desired, &properties([("allocatedStorage", 40.into())]));
        assert_eq!(desired["allocatedStorage"], 20.into());
    }

    #[test]
    fn a_limit_that_is_reached_is_no_change() {
        let live = properties([("allocatedStorage", 100.into())]);
        for (limit, expected) in [(100, None), (200, Some(200))] {
            let mut desired = properties([
                ("allocatedStorage", 20.into()),
                ("maxAllocatedStorage", limit.into()),
            ]);
            keep_live(&mut desired, &live);
            let left = desired.get("maxAllocatedStorage");
            assert_eq!(left, expected.map(Value::from).as_ref());
            assert_eq!(desired["allocatedStorage"], 100.into());
        }
    }

    #[test]
    fn a_replica_is_upgraded_with_its_source() {
        let live = properties([
            ("engine", "postgres".into()),
            ("engineVersion", "16.8".into()),
        ]);
        for (replica, expected) in [(true, "16.8"), (false, "15.12")] {
            let mut desired = properties([("engineVersion", "15.12".into())]);
            if replica {
                desired.insert("replicateSourceDb".to_owned(), "source".into());
            }
            keep_live(&mut desired, &live);
            assert_eq!(desired["engineVersion"], expected.into());
        }
    }
}
