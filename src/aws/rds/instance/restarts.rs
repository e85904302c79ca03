//! Effects of a change of an instance on its users: which settings restart it, and for how long.
//!
//! Taken from the table "Settings for DB instances" of the RDS guide
//! (<https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ModifyInstance.Settings.html>); the durations are those
//! given by AWS support (<https://repost.aws/knowledge-center/rds-performance-impact>): with a new class, an instance
//! without a standby moves its storage to another host, one with a standby fails over to it, most often within 60 to 120
//! seconds.

use super::versions::is_major_upgrade;
use crate::resource::diff::REBOOT;
use crate::resource::{Diff, Observed, Properties, Value};

/// Storage on magnetic disks; a change from or to it begins with a short interruption.
const MAGNETIC: &str = "standard";

/// Returns what an update of an instance interrupts, if anything.
pub(super) fn effect(diff: &Diff, wanted: &Properties, observed: &Observed) -> Option<String> {
    let now = wanted.get("applyImmediately") != Some(&false.into());
    let multi_az = wanted.get("multiAz") == Some(&true.into());
    let takes = |name: &str, after: &Value| {
        let change = Change {
            before: observed.inputs.get(name).unwrap_or(&Value::Null),
            after,
            multi_az,
        };
        change.takes(name, &observed.inputs)
    };
    let mut at_once = Vec::new();
    let mut in_window = Vec::new();
    for name in diff.properties() {
        let Some(takes) = takes(name, wanted.get(name).unwrap_or(&Value::Null)) else {
            continue;
        };
        let reason = format!("{name}, {takes}");
        // None of these waits for the window:
        // <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html>.
        if now || ["port", "replicateSourceDb", REBOOT].contains(&name) {
            at_once.push(reason);
        } else {
            in_window.push(reason);
        }
    }
    // An immediate call also applies pending changes.
    let calls = diff.properties().iter().any(|name| *name != REBOOT);
    let pending = observed.outputs.get("pending").and_then(Value::as_object);
    for (name, after) in pending.into_iter().flatten().filter(|_| now && calls) {
        if let Some(takes) = takes(name, after).filter(|_| !diff.touches(name)) {
            at_once.push(format!("{name}, which was left for the window, {takes}"));
        }
    }
    let says = |when: &str, reasons: &[String]| {
        (!reasons.is_empty()).then(|| {
            format!(
                "{when}the database cannot be reached while it restarts: for {}",
                reasons.join("; for ")
            )
        })
    };
    let parts = [
        says("", &at_once),
        says("in the maintenance window, ", &in_window),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// One setting that changes.
struct Change<'a> {
    before: &'a Value,
    after: &'a Value,
    multi_az: bool,
}

impl Change<'_> {
    /// Returns how long the change interrupts, if it does.
    fn takes(&self, property: &str, live: &Properties) -> Option<&'static str> {
        let is = |value: &Value, text: &str| value.as_str() == Some(text);
        match property {
            REBOOT | "port" | "replicateSourceDb" => {
                Some("most often a minute or two, and longer where there is much to recover")
            }
            "instanceClass" if self.multi_az => {
                Some("most often a minute or two, for the failover to the standby")
            }
            "instanceClass" => {
                Some("most often some minutes, until it has started on another host")
            }
            "engineVersion" => {
                let text = |value: Option<&Value>| Some(value?.as_str()?.to_owned());
                let versions = text(Some(self.before)).zip(text(Some(self.after)));
                let engine = text(live.get("engine")).unwrap_or_default();
                let is_major =
                    versions.is_some_and(|(from, to)| is_major_upgrade(&engine, &from, &to));
                Some(if is_major {
                    "a major version: from ten minutes to hours, by the size of the database; the standby is upgraded with it"
                } else {
                    "most often some minutes; the standby is upgraded with it"
                })
            }
            "backupRetentionPeriod" => {
                let keeps = |value: &Value| value.as_number().unwrap_or_default() > 0.0;
                (keeps(self.before) != keeps(self.after))
                    .then_some("seconds to minutes, since backups are switched on or off")
            }
            "storageType" => (is(self.before, MAGNETIC) != is(self.after, MAGNETIC))
                .then_some("a moment, as it begins; it is slower until that is through"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Instance;
    use crate::aws::resource_type::ResourceType;
    use crate::resource::diff::{Change, compare};
    use crate::resource::value::properties;
    use crate::resource::{Condition, Observed, Properties, Tags, Value};

    fn observed(inputs: Properties) -> Observed {
        Observed {
            token: "aws:rds:Instance".to_owned(),
            id: "shop".to_owned(),
            arn: None,
            inputs,
            outputs: Properties::new(),
            tags: Tags::default(),
            condition: Condition::Ready,
        }
    }

    /// Returns the text about one change, at once or in the window.
    fn effect(property: &str, before: Value, after: Value, more: Properties) -> Option<String> {
        let mut live = properties([("engine", "postgres".into())]);
        live.insert(property.to_owned(), before);
        let mut wanted = more;
        wanted.insert(property.to_owned(), after);
        let live = observed(live);
        super::effect(
            &compare(&Instance.schema(), &wanted, &live.inputs),
            &wanted,
            &live,
        )
    }

    #[test]
    fn a_change_that_restarts_the_database_says_so_and_for_how_long() {
        let later = || properties([("applyImmediately", false.into())]);
        let nothing = Properties::new;
        let texts = |before: &str, after: &str| (Value::from(before), Value::from(after));
        let numbers = |before: i32, after: i32| (Value::from(before), Value::from(after));
        for (property, (before, after), says) in [
            (
                "instanceClass",
                texts("db.t3.micro", "db.t3.small"),
                "some minutes",
            ),
            ("engineVersion", texts("16.1", "16.8"), "some minutes"),
            ("engineVersion", texts("15.12", "16"), "a major version"),
            ("backupRetentionPeriod", numbers(0, 7), "switched on or off"),
            ("backupRetentionPeriod", numbers(7, 0), "switched on or off"),
            ("storageType", texts("standard", "gp3"), "as it begins"),
        ] {
            let now = effect(property, before.clone(), after.clone(), nothing());
            let now = now.unwrap_or_default();
            assert!(
                now.starts_with("the database cannot be reached"),
                "{property}: {now}"
            );
            assert!(
                now.contains(property) && now.contains(says),
                "{property}: {now}"
            );
            let then = effect(property, before, after, later()).unwrap_or_default();
            assert!(
                then.starts_with("in the maintenance window"),
                "{property}: {then}"
            );
        }
        // It does not wait for the window.
        let port = effect("port", 5432.into(), 5433.into(), later()).unwrap_or_default();
        assert!(port.starts_with("the database cannot be reached"), "{port}");
        let with_standby = properties([("multiAz", true.into())]);
        let class = effect("instanceClass", "a".into(), "b".into(), with_standby);
        assert!(class.is_some_and(|text| text.contains("failover to the standby")));
        for (property, (before, after)) in [
            ("allocatedStorage", numbers(20, 40)),
            ("backupRetentionPeriod", numbers(1, 7)),
            ("backupWindow", texts("03:00-03:30", "04:00-04:30")),
            ("storageType", texts("gp2", "gp3")),
            ("parameterGroupName", texts("one", "two")),
            ("caCertIdentifier", texts("one", "two")),
        ] {
            assert_eq!(
                effect(property, before, after, nothing()),
                None,
                "{property}"
            );
        }
    }

    /// A change that restarts nothing by itself applies changes left for the window at once, and so restarts the database.
    #[test]
    fn what_an_update_takes_along_can_restart_the_database() {
        let mut live = observed(properties([
            ("copyTagsToSnapshot", false.into()),
            ("instanceClass", "db.t3.micro".into()),
        ]));
        let pending = Value::object([("instanceClass", "db.t3.large".into())]);
        live.outputs.insert("pending".to_owned(), pending);
        let mut wanted = properties([
            ("copyTagsToSnapshot", true.into()),
            ("instanceClass", "db.t3.micro".into()),
        ]);
        let says = |wanted: &Properties| {
            let diff = compare(&Instance.schema(), wanted, &live.inputs);
            super::effect(&diff, wanted, &live)
        };
        let now = says(&wanted).unwrap_or_default();
        assert!(
            now.contains("instanceClass, which was left for the window"),
            "{now}"
        );
        wanted.insert("applyImmediately".to_owned(), false.into());
        assert_eq!(says(&wanted), None);
    }

    #[test]
    fn a_reboot_interrupts_and_takes_nothing_along() {
        let mut live = observed(Properties::new());
        let pending = Value::object([("instanceClass", "db.t3.large".into())]);
        live.outputs.insert("pending".to_owned(), pending);
        let mut diff = compare(&Instance.schema(), &Properties::new(), &live.inputs);
        diff.changes = vec![Change::reboot()];
        let says = super::effect(&diff, &Properties::new(), &live).unwrap_or_default();
        assert!(says.contains("for reboot"), "{says}");
        assert!(!says.contains("instanceClass"), "{says}");
    }
}
