//! Maintenance that AWS has announced for instances: upgrades of the operating system, the engine or the certificates, some
//! of which it applies by force on a date.
//!
//! The answer about instances does not include it: it takes a separate call, made only if deletion protection shows that an
//! instance matters. The preview of a test database is not slowed down by it. An announcement is only a note, so a failed
//! read does not end a preview: the failure is shown in place of the note.

use std::collections::BTreeMap;

use aws_sdk_rds::types::{Filter, PendingMaintenanceAction};
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use super::model::{LiveInstance, Maintenance};
use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::resource::{Pending, ProviderError, ReadSession, Until};

const OPERATION: &str = "rds:DescribePendingMaintenanceActions";

/// Adds announcements to the instances that they are about. However often instances are read, the call is made once.
pub(super) async fn announce(
    context: &Context,
    session: &ReadSession,
    instances: &mut [LiveInstance],
) {
    let matters = |instance: &LiveInstance| instance.inputs.deletion_protection;
    if !instances.iter().any(matters) {
        return;
    }
    let of = instances.iter().map(|instance| instance.id.clone());
    let of: Vec<String> = of.collect();
    let key = format!("{OPERATION} {}", of.join(" "));
    let announced = session.once(&key, || describe(context, &of)).await;
    for instance in instances {
        instance.outputs.maintenance = match &announced {
            Ok(announced) => {
                let arn = instance.arn.as_deref().unwrap_or_default();
                announced.get(arn).cloned()
            }
            Err(error) => Some(vec![Maintenance {
                what: format!("{OPERATION} answers {}", answer(error)),
                planned: None,
                forced: None,
                unknown: true,
            }]),
        };
    }
}

fn answer(error: &ProviderError) -> &str {
    if error.code.is_empty() {
        &error.message
    } else {
        &error.code
    }
}

/// Returns the announcements for these instances, by their ARNs.
async fn describe(
    context: &Context,
    instances: &[String],
) -> AwsResult<BTreeMap<String, Vec<Maintenance>>> {
    let filter = Filter::builder()
        .name("db-instance-id")
        .set_values(Some(instances.to_vec()))
        .build();
    let filter = &filter;
    let found = context
        .pages(
            |marker| {
                context
                    .rds
                    .describe_pending_maintenance_actions()
                    .filters(filter.clone())
                    .max_records(100)
                    .set_marker(marker)
            },
            |page| (page.pending_maintenance_actions, page.marker),
        )
        .await?;
    Ok(found
        .into_iter()
        .filter_map(|resource| {
            let actions = resource.pending_maintenance_action_details();
            let actions = actions.iter().map(maintenance).collect();
            Some((resource.resource_identifier?.clone(), actions))
        })
        .collect())
}

fn maintenance(action: &PendingMaintenanceAction) -> Maintenance {
    let name = action.action().unwrap_or("maintenance");
    let what = match action.description().filter(|text| !text.is_empty()) {
        Some(description) => format!("{name} ({})", description.trim_end_matches('.')),
        None => name.to_owned(),
    };
    let planned = action
        .current_apply_date()
        .or(action.auto_applied_after_date());
    Maintenance {
        what,
        planned: planned.and_then(day),
        forced: action.forced_apply_date().and_then(day),
        unknown: false,
    }
}

/// Formats a day: `2026-12-15`.
fn day(time: &DateTime) -> Option<String> {
    let text = time.fmt(Format::DateTime).ok()?;
    text.split_once('T').map(|(day, _)| day.to_owned())
}

impl From<Maintenance> for Pending {
    fn from(announced: Maintenance) -> Self {
        let Maintenance {
            what,
            planned,
            forced,
            unknown,
        } = announced;
        Self {
            what,
            until: if unknown {
                Until::Unknown
            } else {
                Until::Maintenance { planned, forced }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announcement_has_the_days_that_count() {
        let at = |days: i64| DateTime::from_secs(1_800_000_000 + days * 86_400);
        let action = PendingMaintenanceAction::builder()
            .action("system-update")
            .description("New Operating System update is available.")
            .auto_applied_after_date(at(5))
            .forced_apply_date(at(30));
        let expected = Maintenance {
            what: "system-update (New Operating System update is available)".to_owned(),
            planned: Some("2027-01-20".to_owned()),
            forced: Some("2027-02-14".to_owned()),
            unknown: false,
        };
        assert_eq!(maintenance(&action.clone().build()), expected);
        // An account that has opted in gets it earlier.
        let earlier = maintenance(&action.current_apply_date(at(2)).build());
        assert_eq!(earlier.planned.as_deref(), Some("2027-01-17"));
    }
}
