//! What a change of an instance means for those who use it.

use crate::resource::diff::REBOOT;
use crate::resource::{Diff, Properties};

/// What restarts an instance, by the guide's table of its settings.
pub(super) fn effect(diff: &Diff, wanted: &Properties) -> Option<&'static str> {
    if diff.touches(REBOOT) {
        return Some("the database cannot be reached while it reboots");
    }
    let mut restarting = ["engineVersion", "instanceClass", "port"].iter();
    if !restarting.any(|property| diff.touches(property)) {
        return None;
    }
    Some(if wanted.get("applyImmediately") == Some(&false.into()) {
        "in the maintenance window, the database cannot be reached while it restarts"
    } else {
        "the database cannot be reached while it restarts: for minutes, or for as long as an upgrade takes"
    })
}

#[cfg(test)]
mod tests {
    use super::super::Instance;
    use crate::aws::resource_type::ResourceType;
    use crate::resource::Properties;
    use crate::resource::diff::compare;
    use crate::resource::value::properties;

    /// By the table "Settings for DB instances" of the RDS guide.
    #[test]
    fn a_change_that_restarts_the_database_says_so() {
        let effect = |property: &str, inputs: &Properties| {
            let schema = Instance.schema();
            let live = properties([(property, "before".into())]);
            let wanted = properties([(property, "after".into())]);
            super::effect(&compare(&schema, &wanted, &live), inputs)
        };
        let at_once = Properties::new();
        let later = properties([("applyImmediately", false.into())]);
        for property in ["instanceClass", "engineVersion", "port"] {
            let now = effect(property, &at_once).unwrap_or_default();
            assert!(
                now.starts_with("the database cannot be reached"),
                "{property}: {now}"
            );
            let then = effect(property, &later).unwrap_or_default();
            assert!(
                then.starts_with("in the maintenance window"),
                "{property}: {then}"
            );
        }
        for property in ["allocatedStorage", "multiAz", "backupWindow", "storageType"] {
            assert_eq!(effect(property, &at_once), None, "{property}");
        }
    }
}
