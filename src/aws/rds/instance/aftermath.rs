//! The leftovers of a deleted instance: its final snapshot, and the logs that RDS writes by itself.
//!
//! RDS gives a final snapshot all tags of the instance or none (`CopyTagsToSnapshot`), and the delete call accepts no tags
//! for it (<https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html>). With all tags it would
//! count as part of the stack, so it is tagged separately while the instance is being deleted.

use super::model::LiveInstance;
use super::state;
use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::aws::rds;
use crate::aws::wait::until_visible;
use crate::resource::provider::{DataPolicy, Remedy};
use crate::resource::shell::quoted;
use crate::resource::tags::short_hash;
use crate::resource::{Condition, ErrorKind, Observed, Properties, ProviderError, Value};

/// The log group of enhanced monitoring. RDS makes it, for all instances of the region.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Monitoring.OS.CloudWatchLogs.html>
const MONITORING: &str = "RDSOSMetrics";

/// Returns the name of the final snapshot. The same deletion always gives the same name.
pub(super) fn snapshot(id: &str, resource_id: Option<&str>) -> String {
    let hash = short_hash(resource_id.unwrap_or(id), 8);
    format!("{id}-final-{hash}")
}

/// Returns the final snapshot to leave behind, if one is due. The same deletion always gives the same name.
pub(super) fn final_snapshot(live: &LiveInstance, data: DataPolicy) -> AwsResult<Option<String>> {
    let replica = live.inputs.replicate_source_db.is_some();
    let no_snapshot = |status: &str| {
        let id = &live.id;
        let message = format!("`{id}` is {status}, and AWS makes no final snapshot of it");
        let operation = "rds:DeleteDBInstance";
        let mut error = ProviderError::new(ErrorKind::Guarded, operation, message);
        let remedy = Remedy::new(
            "if what is in it is needed, restore it to another instance from its backups; then delete it, which keeps these \
             backups for as long as they are kept anyway, and run",
        );
        error.remedy = Some(remedy.command(format!(
            "aws rds delete-db-instance --db-instance-identifier {id} --skip-final-snapshot --no-delete-automated-backups"
        )));
        Err(error)
    };
    match &live.condition {
        _ if data == DataPolicy::Discard || replica => Ok(None),
        Condition::Settling(status) if state::takes_no_snapshot(status) => no_snapshot(status),
        // It never came up, so there is nothing to keep.
        Condition::Broken(_) => Ok(None),
        _ => {
            let resource = live.outputs.resource_id.as_deref();
            Ok(Some(snapshot(&live.id, resource)))
        }
    }
}

/// Tags the final snapshot, if there is one, with the tags of the instance except our marks, and with the stack that leaves
/// it. Marks of ours that `copyTagsToSnapshot` has given it are removed.
pub(super) async fn tag(
    context: &Context,
    live: &LiveInstance,
    snapshot: Option<&str>,
) -> AwsResult<()> {
    let Some(name) = snapshot else {
        return Ok(());
    };
    let arn = context.arn("rds", &format!("snapshot:{name}"));
    let tags = live.tags.of_what_is_left();
    let keys = live.tags.iter().map(|(key, _)| key);
    let marks: Vec<String> = keys
        .filter(|key| key.starts_with("fde:"))
        .map(str::to_owned)
        .collect();
    let tagged = async {
        until_visible(|| {
            let request = context
                .rds
                .add_tags_to_resource()
                .resource_name(&arn)
                .set_tags(Some(rds::to_sdk(&tags)));
            context.send(request)
        })
        .await?;
        if !live.inputs.copy_tags_to_snapshot {
            return Ok(());
        }
        let request = context
            .rds
            .remove_tags_from_resource()
            .resource_name(&arn)
            .set_tag_keys(Some(marks.clone()));
        let untagged = context.send(request);
        untagged.await.map(drop)
    };
    tagged.await.map_err(|error: ProviderError| {
        let pairs = tags.iter();
        let pairs = pairs.map(|(key, value)| quoted(&format!("Key={key},Value={value}")));
        let pairs: Vec<String> = pairs.collect();
        let command = format!(
            "aws rds add-tags-to-resource --resource-name {arn} --tags {}",
            pairs.join(" ")
        );
        let text =
            format!("the final snapshot `{name}` is there, without its tags; to set them, run");
        error.with_remedy(Remedy::new(text).command(command))
    })
}

/// Returns what stays of an instance that is deleted with its data kept; nothing of one that has come up, and of which AWS
/// no longer makes a final snapshot.
pub(super) fn left(instance: &Observed) -> Option<String> {
    let text = match &instance.condition {
        _ if instance.inputs.contains_key("replicateSourceDb") => {
            "it is a copy: the data is its source's"
        }
        Condition::Settling(status) if state::takes_no_snapshot(status) => return None,
        Condition::Broken(_) => "it never came up, so there is nothing in it",
        _ => "a final snapshot stays",
    };
    Some(text.to_owned())
}

pub(super) fn of(instance: &Observed, data: DataPolicy) -> Vec<String> {
    let id = &instance.id;
    let mut left = Vec::new();
    if data == DataPolicy::Snapshot
        && self::left(instance).is_some_and(|text| text.contains("snapshot"))
    {
        let resource_id = instance.outputs.get("resourceId").and_then(Value::as_str);
        let name = snapshot(id, resource_id);
        left.push(format!("the final snapshot `{name}`"));
    }
    let interval = instance.inputs.get("monitoringInterval");
    if interval.and_then(Value::as_number).unwrap_or_default() > 0.0 {
        left.push(format!(
            "the log group `{MONITORING}`, to which RDS writes for all databases of the region"
        ));
    }
    let groups = log_groups(&instance.inputs).into_iter();
    left.extend(groups.map(|group| format!("the log group `{group}`, unless the file has it")));
    left
}

/// Returns the log groups that an instance writes to. A group that is deleted meanwhile is made again, without a retention
/// limit. <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.Procedural.UploadtoCloudWatch.html>
pub(super) fn log_groups(inputs: &Properties) -> Vec<String> {
    let id = inputs.get("identifier").and_then(Value::as_str);
    let exports = inputs
        .get("enabledCloudwatchLogsExports")
        .and_then(Value::as_list);
    let exports = exports.into_iter().flatten().filter_map(Value::as_str);
    let groups = id.map(|id| exports.map(move |export| format!("/aws/rds/instance/{id}/{export}")));
    groups.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::value::properties;
    use crate::resource::{Condition, Tags};

    #[test]
    fn what_rds_writes_by_itself_and_the_final_snapshot_stay() {
        let instance = Observed {
            token: "aws:rds:Instance".into(),
            id: "shop".into(),
            arn: None,
            inputs: properties([
                ("identifier", "shop".into()),
                ("monitoringInterval", 60.into()),
                (
                    "enabledCloudwatchLogsExports",
                    Value::list(["postgresql".into()]),
                ),
            ]),
            outputs: properties([("resourceId", "db-1".into()), ("address", "a".into())]),
            tags: Tags::default(),
            condition: Condition::Ready,
        };
        let left = of(&instance, DataPolicy::Snapshot).join("; ");
        let name = snapshot("shop", Some("db-1"));
        for part in [
            name.as_str(),
            "RDSOSMetrics",
            "/aws/rds/instance/shop/postgresql",
        ] {
            assert!(left.contains(part), "{left}");
        }
        assert!(
            !of(&instance, DataPolicy::Discard)
                .join("; ")
                .contains(&name)
        );
        let plain = Observed {
            inputs: properties([("monitoringInterval", 0.into())]),
            ..instance
        };
        assert_eq!(of(&plain, DataPolicy::Discard), [""; 0]);
    }

    #[test]
    fn of_a_failed_instance_that_has_data_nothing_is_left() {
        let instance = |condition: Condition, outputs: Properties| Observed {
            token: "aws:rds:Instance".to_owned(),
            id: "shop".to_owned(),
            arn: None,
            inputs: Properties::new(),
            outputs,
            tags: Tags::default(),
            condition,
        };
        let has_come_up = || properties([("address", "shop.example".into())]);
        let failed = Condition::Settling("failed".to_owned());
        assert_eq!(left(&instance(failed.clone(), has_come_up())), None);
        assert_eq!(left(&instance(failed, Properties::new())), None);
        let never_came_up = Condition::Broken("failed".to_owned());
        let failed_on_create = left(&instance(never_came_up, Properties::new()));
        assert!(failed_on_create.is_some_and(|text| text.contains("never came up")));
        let no_network = Condition::Settling("incompatible-network".to_owned());
        assert_eq!(left(&instance(no_network, has_come_up())), None);
        let sound = left(&instance(Condition::Ready, has_come_up()));
        assert_eq!(sound.as_deref(), Some("a final snapshot stays"));
    }
}
