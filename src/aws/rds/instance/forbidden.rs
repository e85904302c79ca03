//! What AWS refuses to change, told before anything is done.

use super::versions;
use crate::resource::{Diff, Properties, Value};

/// Why an instance cannot be changed so.
pub(super) fn reason(diff: &Diff, desired: &Properties, observed: &Properties) -> Option<String> {
    let number = |of: &Properties, name: &str| of.get(name).and_then(Value::as_number);
    let is_on = |of: &Properties, name: &str| of.get(name).and_then(Value::as_bool) == Some(true);
    let text = |of: &Properties, name: &str| {
        let value = of.get(name).and_then(Value::as_str);
        value.map(str::to_owned)
    };
    let (wanted, live) = (
        number(desired, "allocatedStorage"),
        number(observed, "allocatedStorage"),
    );
    if let (Some(wanted), Some(live)) = (wanted, live)
        && wanted < live
    {
        return Some(format!(
            "`allocatedStorage` can only grow, and is {live} GiB: say {live} or more"
        ));
    }
    if diff.touches("performanceInsightsKmsKeyId")
        && is_on(desired, "performanceInsightsEnabled")
        && is_on(observed, "performanceInsightsEnabled")
    {
        let reason = "`performanceInsightsKmsKeyId` cannot change while Performance Insights are on; switch \
             `performanceInsightsEnabled` off first, which drops what they have collected";
        return Some(reason.to_owned());
    }
    if diff.touches("replicateSourceDb") && text(desired, "replicateSourceDb").is_some() {
        let reason = "`replicateSourceDb` cannot be set on an instance that exists; a replica of another source is a \
             new instance";
        return Some(reason.to_owned());
    }
    if diff.touches("engineVersion") && !is_on(desired, "allowMajorVersionUpgrade") {
        let engine = text(desired, "engine").or_else(|| text(observed, "engine"))?;
        let wanted = text(desired, "engineVersion")?;
        let live = text(observed, "engineVersion")?;
        if versions::is_major_upgrade(&engine, &live, &wanted) {
            return Some(format!(
                "`engineVersion` {wanted} is a major upgrade of {live}, which has no way back and interrupts the \
                 database; to have it, set `allowMajorVersionUpgrade: true`"
            ));
        }
    }
    None
}
