//! Changes that AWS refuses, reported before anything is done.

use super::model::Inputs;
use super::versions;
use crate::resource::{Diff, Properties, Value};

/// Returns why an instance cannot be changed in this way.
pub(super) fn reason(diff: &Diff, desired: &Properties, observed: &Properties) -> Option<String> {
    let number = |of: &Properties, name: &str| of.get(name).and_then(Value::as_number);
    let is_on = |of: &Properties, name: &str| of.get(name).and_then(Value::as_bool) == Some(true);
    let text = |of: &Properties, name: &str| {
        let value = of.get(name).and_then(Value::as_str);
        value.map(str::to_owned)
    };
    let [wanted, live] = [desired, observed].map(|of| number(of, "allocatedStorage"));
    if let (Some(wanted), Some(live)) = (wanted, live)
        && wanted < live
    {
        return Some(format!(
            "`allocatedStorage` can only grow, and is {live} GiB: say {live} or more"
        ));
    }
    // SQL Server's storage grows by any size. Elsewhere AWS rounds up, to more than the file says:
    // <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html>
    let engine = text(observed, "engine").unwrap_or_default();
    if let (Some(wanted), Some(live)) = (wanted, live)
        && wanted > live
        && !engine.starts_with("sqlserver")
    {
        let least = (live * 11.0 / 10.0).ceil();
        if wanted < least {
            return Some(format!(
                "`allocatedStorage` grows by a tenth at least, and is {live} GiB: say {least} or more"
            ));
        }
    }
    let size = wanted.unwrap_or_default().max(live.unwrap_or_default());
    // <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIOPS.Autoscaling.html>
    let least = (size * 1.1).ceil();
    if let Some(limit) = number(desired, "maxAllocatedStorage")
        && diff.touches(Inputs::MAX_ALLOCATED_STORAGE)
        && limit < least
    {
        return Some(format!(
            "`maxAllocatedStorage` (in `database:` it is `maxStorageGiB`) has to be at least a tenth more than the \
             storage, which is {size} GiB by now: say {least} or more"
        ));
    }
    if diff.touches(Inputs::PERFORMANCE_INSIGHTS_KMS_KEY_ID)
        && [desired, observed]
            .iter()
            .all(|of| is_on(of, "performanceInsightsEnabled"))
    {
        let reason = "`performanceInsightsKmsKeyId` cannot change while Performance Insights are on; switch \
             `performanceInsightsEnabled` off first, which drops what they have collected";
        return Some(reason.to_owned());
    }
    if diff.touches(Inputs::REPLICATE_SOURCE_DB)
        && text(desired, Inputs::REPLICATE_SOURCE_DB).is_some()
    {
        let reason = "`replicateSourceDb` cannot be set on an instance that exists; a replica of another source is a \
             new instance";
        return Some(reason.to_owned());
    }
    if diff.touches(Inputs::ENGINE_VERSION) {
        let engine = text(desired, "engine").or_else(|| text(observed, "engine"))?;
        let [wanted, live] = [desired, observed].map(|of| text(of, "engineVersion"));
        let (wanted, live) = (wanted?, live?);
        // <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_UpgradeDBInstance.Upgrading.html>
        if versions::is_major_upgrade(&engine, &wanted, &live) {
            return Some(format!(
                "`engineVersion` is {live} by now, and AWS takes no database back to {wanted}: say {live}, or restore a \
                 snapshot from before as another instance"
            ));
        }
        if versions::is_major_upgrade(&engine, &live, &wanted)
            && !is_on(desired, "allowMajorVersionUpgrade")
        {
            return Some(format!(
                "`engineVersion` {wanted} is a major upgrade of {live}, which has no way back and interrupts the \
                 database; to have it, set `allowMajorVersionUpgrade: true`"
            ));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::rds::instance::Instance;
    use crate::aws::resource_type::ResourceType;
    use crate::resource::diff::compare;
    use crate::resource::value::properties;

    #[test]
    fn a_version_goes_up_with_consent_and_never_down() {
        let live = properties([
            ("engine", "postgres".into()),
            ("engineVersion", "16.8".into()),
        ]);
        for (wanted, allowed, expected) in [
            ("17", false, Some("a major upgrade of 16.8")),
            ("17", true, None),
            ("15", false, Some("no database back to 15")),
            ("15.12", true, Some("no database back to 15.12")),
            ("16.9", false, None),
        ] {
            let desired = properties([
                ("engine", "postgres".into()),
                ("engineVersion", wanted.into()),
                ("allowMajorVersionUpgrade", allowed.into()),
            ]);
            let diff = compare(&Instance.schema(), &desired, &live);
            let reason = reason(&diff, &desired, &live);
            assert_eq!(reason.is_some(), expected.is_some(), "{wanted}: {reason:?}");
            let text = reason.unwrap_or_default();
            assert!(expected.is_none_or(|part| text.contains(part)), "{text}");
        }
    }

    /// AWS rounds a smaller growth up to a tenth, and the size then differs from the file.
    #[test]
    fn storage_grows_by_a_tenth_at_least() {
        for (engine, wanted, expected) in [
            ("postgres", 109, Some("say 110 or more")),
            ("postgres", 110, None),
            ("postgres", 100, None),
            ("sqlserver-se", 101, None),
        ] {
            let storage = |size: i32| {
                properties([("engine", engine.into()), ("allocatedStorage", size.into())])
            };
            let (live, desired) = (storage(100), storage(wanted));
            let diff = compare(&Instance.schema(), &desired, &live);
            let reason = reason(&diff, &desired, &live);
            assert_eq!(reason.is_some(), expected.is_some(), "{wanted}: {reason:?}");
            let text = reason.unwrap_or_default();
            assert!(expected.is_none_or(|part| text.contains(part)), "{text}");
        }
    }

    #[test]
    fn a_limit_below_the_storage_that_has_grown_is_refused_with_one_that_will_do() {
        let live = properties([("allocatedStorage", 101.into())]);
        for (limit, expected) in [
            (100, Some("say 112 or more")),
            (111, Some("112")),
            (112, None),
        ] {
            let desired = properties([
                ("allocatedStorage", 101.into()),
                ("maxAllocatedStorage", limit.into()),
            ]);
            let diff = compare(&Instance.schema(), &desired, &live);
            let reason = reason(&diff, &desired, &live);
            assert_eq!(reason.is_some(), expected.is_some(), "{limit}: {reason:?}");
            let text = reason.unwrap_or_default();
            assert!(expected.is_none_or(|part| text.contains(part)), "{text}");
        }
    }
}
