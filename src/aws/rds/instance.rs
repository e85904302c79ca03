//! RDS instance.
//!
//! - The master password is read from a secret at the moment it is sent: with the creation, and again once that secret, or
//!   the password in it, differs from the one that was sent.
//! - A read replica takes engine, user, encryption and subnets from its source, and some settings only once it exists.
//! - After a modification AWS may say `available` for up to a minute before it begins: see [`state::unfinished`].
//! - A change that waits for the maintenance window is listed as pending. It counts as done where the author wants the
//!   window, and as missing where not.
//! - A major version upgrade is a special change: it goes together with a parameter group of its family, and requires
//!   consent.
//! - An instance in deletion keeps its name: a creation waits for it to be gone.
//!
//! - A reboot, which static parameters wait for, is only done on request.
//!
//! Parts: [`state`] has the status and the inputs of an instance, [`request`] builds the calls, [`defer`] knows what AWS
//! decides once the instance exists, [`pending`] which changes are pending, and [`versions`] which versions there are.

mod aftermath;
mod checks;
mod defer;
mod forbidden;
mod maintenance;
mod pending;
mod request;
mod restarts;
mod search;
mod state;
mod versions;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_rds::types::DbInstance;
use futures_util::future;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};
use crate::aws::kms::canonical_key;
use crate::aws::resource_type::{Asking, Change, LiveOf, New, Old, ResourceType, adopt, check};
use crate::aws::secretsmanager::{SecretText, key_of};
use crate::aws::wait::{Poll, Wait, until_visible, while_in_use};
use crate::resource::Tags;
use crate::resource::diff::REBOOT;
use crate::resource::provider::{Holder, Progress, Query, Remedy};
use crate::resource::{
    Condition, CreateClass, ErrorKind, Interruption, Observed, OutputTable, PropertyTable,
    ProviderError, Schema, Value,
};

/// The times that an instance may take to come up, to change, and to be deleted (`aws-resources.md` §18).
const CHANGE_MINUTES: u64 = 80;
pub(super) const DELETION: Duration = Duration::from_mins(60);

/// A database instance, or a read replica of one.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own in the API"
)]
pub struct Inputs {
    /// The identifier: 1 to 63 letters, digits and single hyphens, a letter first; lower-cased by AWS.
    #[property(replaces, lower_cased, text(checks::IDENTIFIER))]
    pub identifier: String,
    /// The engine: `postgres`, `mysql`, `mariadb`, … Required except for a replica.
    #[property(server_chooses, replaces, lower_cased)]
    pub engine: Option<String>,
    /// The version: `15`, or `15.4`. AWS's newer minor versions of the same major version count as equal. A new instance
    /// accepts only versions that are still on offer, which old minor versions are not. Default: AWS's choice.
    #[property(server_chooses)]
    pub engine_version: Option<String>,
    /// The class: `db.t3.micro`, `db.r6g.large`, ……
    #[property(required)]
    pub instance_class: String,
    /// The storage in GiB. It can only grow. Required except for a replica.
    #[property(server_chooses)]
    pub allocated_storage: Option<i32>,
    /// The size in GiB up to which AWS lets the storage grow by itself. Default: it does not grow.
    #[property(canonical(defer::zero_as_none))]
    pub max_allocated_storage: Option<i32>,
    /// The storage type: `gp2`, `gp3`, `io1` or `io2`.
    #[property(default("gp3"))]
    pub storage_type: String,
    /// True if the storage is encrypted. Default: AWS's choice, false for an instance and that of its source for a replica.
    #[property(server_chooses, replaces)]
    pub storage_encrypted: Option<bool>,
    /// The id, ARN or alias of the KMS key that encrypts the storage. Default: `alias/aws/rds`.
    #[property(server_chooses, replaces, canonical(canonical_key), regional)]
    pub kms_key_id: Option<String>,
    /// The provisioned operations per second. With `gp3` only from 400 GiB on. Default: the baseline of the storage type.
    #[property(server_chooses)]
    pub iops: Option<i32>,
    /// The throughput in MiB per second. Only with `gp3` and from 400 GiB on. Default: the baseline.
    #[property(server_chooses)]
    pub storage_throughput: Option<i32>,
    /// The database that is made along with the instance. Default: only the engine's own.
    #[property(server_chooses, replaces)]
    pub db_name: Option<String>,
    /// The master user. Required except for a replica.
    #[property(server_chooses, replaces)]
    pub username: Option<String>,
    /// The ARN of the secret whose JSON key `password` is the master password. Read when the instance is created, and again
    /// when the secret is another one, or, for a secret of the stack that does not rotate by itself, another version of it.
    /// Required except for a replica.
    #[property(remembered, regional)]
    pub master_password_secret_arn: Option<String>,
    /// The port. Default: the engine's own, such as 5432.
    #[property(server_chooses)]
    pub port: Option<i32>,
    /// The subnet group. Default: the group `default`, which is the default VPC.
    #[property(server_chooses, replaces, lower_cased)]
    pub db_subnet_group_name: Option<String>,
    /// The security groups. Default: the default security group of the VPC.
    #[property(server_chooses, set)]
    pub vpc_security_group_ids: Option<Vec<String>>,
    /// The parameter group. Default: AWS's group for the family. Another group takes full effect after a reboot.
    #[property(server_chooses, lower_cased)]
    pub parameter_group_name: Option<String>,
    /// True if a standby is kept in another zone.
    #[property(default(false))]
    pub multi_az: bool,
    /// The zone of an instance without a standby. Default: AWS's choice.
    #[property(server_chooses, replaces, zone)]
    pub availability_zone: Option<String>,
    /// True if the host name resolves to a public address outside the VPC.
    #[property(default(false))]
    pub publicly_accessible: bool,
    /// The days for which backups are kept, 0 to 35; 0 keeps none. Default: AWS's choice, 1 for an instance and 0 for a
    /// replica.
    #[property(server_chooses)]
    pub backup_retention_period: Option<i32>,
    /// The time for backups: `04:00-04:30`, UTC. Default: AWS's choice.
    #[property(server_chooses)]
    pub backup_window: Option<String>,
    /// The time for maintenance: `sun:05:00-sun:05:30`, UTC. Default: AWS's choice.
    #[property(server_chooses, lower_cased)]
    pub maintenance_window: Option<String>,
    /// True if AWS refuses to delete the instance.
    #[property(default(false))]
    pub deletion_protection: bool,
    /// True if Performance Insights is on.
    #[property(default(false))]
    pub performance_insights_enabled: bool,
    /// The days for which Performance Insights keeps data: 7, 731, or a multiple of 31. Default: 7.
    #[property(server_chooses)]
    pub performance_insights_retention_period: Option<i32>,
    /// The KMS key of Performance Insights. Default: `alias/aws/rds`. Cannot change once set.
    #[property(server_chooses, canonical(canonical_key))]
    pub performance_insights_kms_key_id: Option<String>,
    /// The seconds between points of enhanced monitoring: 0, 1, 5, 10, 15, 30 or 60; 0 is off.
    #[property(default(0))]
    pub monitoring_interval: i32,
    /// The role with which enhanced monitoring writes. Required if it is on.
    #[property(server_chooses)]
    pub monitoring_role_arn: Option<String>,
    /// True if AWS installs minor versions in the maintenance window.
    #[property(default(true))]
    pub auto_minor_version_upgrade: bool,
    /// True if a change of `engineVersion` may be one of the major version.
    #[property(default(false), write_only)]
    pub allow_major_version_upgrade: bool,
    /// True if changes happen at once, false if in the maintenance window.
    #[property(default(true), write_only)]
    pub apply_immediately: bool,
    /// True if snapshots get the tags of the instance.
    #[property(default(false))]
    pub copy_tags_to_snapshot: bool,
    /// The logs to send to CloudWatch: `postgresql`, `upgrade`, … Default: none.
    #[property(set)]
    pub enabled_cloudwatch_logs_exports: Option<Vec<String>>,
    /// True if IAM identities can log in.
    #[property(default(false))]
    pub iam_database_authentication_enabled: bool,
    /// The certificate authority: `rds-ca-rsa2048-g1`, …… Default: AWS's choice.
    #[property(server_chooses)]
    pub ca_cert_identifier: Option<String>,
    /// The instance to be a replica of, in the same region; it must keep backups. If this is removed, the replica is
    /// promoted to an independent instance.
    #[property(canonical(defer::source_name))]
    pub replicate_source_db: Option<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, OutputTable)]
#[serde(rename_all = "camelCase")]
pub struct Outputs {
    /// The address with the port: `host:port`.
    pub endpoint: Option<String>,
    /// The host name.
    pub address: Option<String>,
    /// The zone of the host name, for alias records.
    pub hosted_zone_id: Option<String>,
    /// The permanent id, `db-…`; it stays the same when the instance is renamed.
    pub resource_id: Option<String>,
    /// True if parameters wait for a reboot.
    pub pending_reboot: bool,
    /// The values that wait for the maintenance window, by property.
    pub pending: Option<BTreeMap<String, serde_json::Value>>,
    /// The maintenance that AWS has announced.
    #[serde(default)]
    pub maintenance: Option<Vec<maintenance::Maintenance>>,
}

pub struct Instance;

impl ResourceType for Instance {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, Outputs>("aws:rds:Instance", CreateClass::NaturalKey)
            .named(Inputs::IDENTIFIER, 63)
            .name_ignores_case()
            .beside(checks::BESIDE)
            .checks(|inputs| check(inputs, checks::fit))
            .leaves(left)
            .aftermath(aftermath::of)
            .uses(aftermath::log_groups)
            .blockers(&[])
            .assumes(&[Inputs::MONITORING_ROLE_ARN])
            .guard(Inputs::DELETION_PROTECTION)
            .discards(request::discards)
            .interrupts(
                Interruption::new(
                    "the database cannot be reached until the new one is ready, and the new one is empty",
                )
                .create_first("its users switch to the new one, which is empty")
                .updated(restarts::effect),
            )
            .pending(pending::of)
            .reboots(pending::replicas_first)
            .server_managed(defer::keep_live)
            .immutable(forbidden::reason)
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let names = super::wanted_names(&query, "identifier");
        let instances = search::candidates(context, &query).await?;
        let mut found = Vec::new();
        for instance in &instances {
            let tags = super::from_sdk(instance.tag_list());
            let name = instance.db_instance_identifier().unwrap_or_default();
            let ours = tags.belongs_to(query.stack) || names.contains(name);
            if !ours || state::is_dying(instance) {
                continue;
            }
            let owner = tags.owner();
            let wanted = query
                .wanted
                .iter()
                .find(|wanted| Some(&wanted.urn) == owner.as_ref());
            let at_once = wanted
                .and_then(|wanted| wanted.inputs.get("applyImmediately"))
                .and_then(Value::as_bool)
                .unwrap_or(true);
            let mut live = state::live(instance, wanted.is_none() || !at_once);
            live.inputs.apply_immediately = at_once;
            // The port appears with the host name, when the instance is nearly ready.
            if instance.endpoint().is_none() {
                live.inputs.port = wanted
                    .and_then(|wanted| wanted.inputs.get("port"))
                    .and_then(Value::as_number)
                    .map(|port| port as i32);
            }
            found.push(live);
        }
        maintenance::announce(context, query.session, &mut found).await;
        Ok(found)
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let inputs = new.inputs;
        request::check(context, inputs)?;
        let password = password_of(context, inputs).await?;
        loop {
            // Groups may have been made a moment ago, and a source can make only one replica at a time.
            let created = while_in_use(Duration::from_mins(30), new.progress, || {
                until_visible(|| async {
                    match &password {
                        Some(password) => request::create(context, &new, password).await,
                        None => request::create_replica(context, &new).await,
                    }
                })
            })
            .await;
            let error = match created {
                Ok(instance) => return Ok(created_live(&new, &instance)),
                Err(error) if error.is(ErrorKind::AlreadyExists) => error,
                Err(error) => {
                    return Err(versions::explained(context, inputs, error).await);
                }
            };
            let met = match describe(context, &inputs.identifier).await {
                // It was deleted between the two calls.
                Err(gone) if gone.is(ErrorKind::NotFound) => continue,
                answer => answer?,
            };
            if !state::is_dying(&met) {
                return adopt(new.tags, state::live(&met, false), error);
            }
            wait_until_gone(context, &inputs.identifier, new.progress).await?;
        }
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let id = &change.observed.id;
        // Nothing can be changed before the instance is ready.
        if state::is_at_work(&change.observed.condition) {
            until_settled(context, change.observed, change.progress).await?;
        }
        if change.touches(Inputs::REPLICATE_SOURCE_DB) {
            let request = context
                .rds
                .promote_read_replica()
                .db_instance_identifier(id)
                .set_backup_retention_period(change.wanted.backup_retention_period)
                .set_preferred_backup_window(change.wanted.backup_window.clone());
            context.send(request).await?;
            // Other changes are refused until the promotion is complete.
            let mut promoted = change.observed.clone();
            promoted.inputs.replicate_source_db = None;
            // A promotion switches backups on; the retention is AWS's choice if the author gives none.
            promoted.inputs.backup_retention_period = change.wanted.backup_retention_period;
            promoted
                .inputs
                .backup_window
                .clone_from(&change.wanted.backup_window);
            until_settled(context, &promoted, change.progress).await?;
        }
        let password = if change.touches(Inputs::MASTER_PASSWORD_SECRET_ARN) {
            password_of(context, change.wanted).await?
        } else {
            None
        };
        if let Some(modify) = request::modify(context, &change, password.as_ref()) {
            let modified = until_visible(|| context.send(modify.clone()));
            if let Err(error) = modified.await {
                return Err(versions::explained(context, change.wanted, error).await);
            }
        }
        let mut applied = change.applied();
        if let Some((iops, throughput)) = request::raised(change.wanted, &change.observed.inputs) {
            let inputs = &mut applied.inputs;
            inputs.iops.get_or_insert(iops);
            inputs.storage_throughput.get_or_insert(throughput);
        }
        if !change.touches(REBOOT) {
            return Ok(state::settling(applied, "modifying"));
        }
        if change.diff.properties() != [REBOOT] {
            // An instance that is being modified is not rebooted.
            until_settled(context, &applied, change.progress).await?;
        }
        context
            .send(context.rds.reboot_db_instance().db_instance_identifier(id))
            .await?;
        Ok(state::settling(applied, state::REBOOTING))
    }

    async fn wait(
        &self,
        context: &Context,
        live: LiveOf<Self>,
        progress: &dyn Progress,
    ) -> AwsResult<LiveOf<Self>> {
        let instance = until_settled(context, &live, progress).await?;
        let mut ready = state::live(&instance, !live.inputs.apply_immediately);
        ready.inputs.apply_immediately = live.inputs.apply_immediately;
        ready.outputs.maintenance = live.outputs.maintenance;
        Ok(ready)
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        let live = old.live;
        let snapshot = aftermath::final_snapshot(live, old.data)?;
        // The caller has consented to the deletion by now; AWS requires this as a separate step.
        if live.inputs.deletion_protection {
            let request = context
                .rds
                .modify_db_instance()
                .db_instance_identifier(&live.id)
                .deletion_protection(false)
                .apply_immediately(true);
            context.send(request).await?;
        }
        let request = context
            .rds
            .delete_db_instance()
            .db_instance_identifier(&live.id)
            .skip_final_snapshot(snapshot.is_none())
            .set_final_db_snapshot_identifier(snapshot.clone());
        let deleted = context.send(request).await;
        let is_ours = deleted.is_ok();
        match deleted {
            Err(error) if error.is(ErrorKind::InUse) => {
                // The instance is busy, or already being deleted.
                if !state::is_dying(&describe(context, &live.id).await?) {
                    return Err(error);
                }
            }
            other => drop(other?),
        }
        // The snapshot exists long before the instance is gone, and a run may be stopped while it waits.
        let tag = aftermath::tag(context, live, snapshot.as_deref());
        let gone = wait_until_gone(context, &live.id, old.progress);
        let (tagged, gone) = future::join(tag, gone).await;
        gone?;
        match tagged {
            // The party that began the deletion has left none.
            Err(error) if error.is(ErrorKind::NotFound) && !is_ours => Ok(()),
            Err(error) if error.is(ErrorKind::NotFound) || error.is(ErrorKind::InUse) => {
                aftermath::tag(context, live, snapshot.as_deref()).await
            }
            tagged => tagged,
        }
    }

    async fn blockers_of(
        &self,
        context: &Context,
        live: &LiveOf<Self>,
        asking: &Asking<'_>,
    ) -> AwsResult<Vec<Holder>> {
        // Before its deletion, only its own state can hold it.
        if asking.ours.contains(live.id.as_str()) {
            return Ok(Vec::new());
        }
        Ok(vec![state::holder(&describe(context, &live.id).await?)])
    }

    fn delete_patience(&self) -> Duration {
        DELETION
    }
}

/// Returns what stays of an instance that is deleted with its data kept; nothing of one that has come up, and of which AWS
/// no longer makes a final snapshot.
fn left(instance: &Observed) -> Option<String> {
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

/// Returns the master password as its secret has it now. A replica has that of its source.
async fn password_of(context: &Context, inputs: &Inputs) -> AwsResult<Option<SecretText>> {
    match (
        &inputs.replicate_source_db,
        &inputs.master_password_secret_arn,
    ) {
        (None, Some(secret)) => key_of(context, secret, "password").await.map(Some),
        _ => Ok(None),
    }
}

/// Returns the live object after a create call.
fn created_live(new: &New<'_, Instance>, instance: &DbInstance) -> LiveOf<Instance> {
    let mut live = state::settling(state::live(instance, true), "creating");
    // A replica takes settings that its call does not have from its source; an instance has all that was asked for.
    if new.inputs.replicate_source_db.is_none() {
        live.inputs = new.inputs.clone();
    }
    live
}

async fn describe(context: &Context, id: &str) -> AwsResult<DbInstance> {
    let request = context
        .rds
        .describe_db_instances()
        .db_instance_identifier(id);
    let answer = context.send(request).await?;
    expected(
        "rds:DescribeDBInstances",
        answer.db_instances.unwrap_or_default().pop(),
        "an instance",
    )
}

/// Returns the instances that use an RDS group, and so keep it from being deleted.
pub(super) async fn using(
    context: &Context,
    asking: &Asking<'_>,
    tags: &Tags,
    uses: impl Fn(&DbInstance) -> bool,
) -> AwsResult<Vec<Holder>> {
    let asked = asking
        .session
        .once("rds:DescribeDBInstances", || search::all(context));
    let instances = asked.await?;
    let users = instances.iter().filter(|instance| uses(instance));
    Ok(users
        .map(|instance| {
            let id = instance.db_instance_identifier().unwrap_or_default();
            let text = format!("database `{id}`");
            if super::from_sdk(instance.tag_list()).are_of_one_stack(tags) {
                return Holder::passing(id, text);
            }
            let hand = Remedy::new(format!(
                "{text}, which is not of this stack, uses it; give that another one, or delete it, then run"
            ))
            .command(format!(
                "aws rds describe-db-instances --db-instance-identifier {id}"
            ));
            Holder::lasting(id, text, hand)
        })
        .collect())
}

/// Polls until the instance is ready and has the settings of `live`.
async fn until_settled(
    context: &Context,
    live: &LiveOf<Instance>,
    progress: &dyn Progress,
) -> AwsResult<DbInstance> {
    let started = tokio::time::Instant::now();
    Wait::long("rds:DescribeDBInstances", CHANGE_MINUTES, progress)
        .until(|| async {
            let instance = until_visible(|| describe(context, &live.id)).await?;
            let failed = |reason: &str| {
                let message = format!("`{}` is {reason}", live.id);
                let operation = "rds:DescribeDBInstances";
                let mut error = ProviderError::new(ErrorKind::Failed, operation, message);
                error.remedy = state::hand(&instance);
                Err(error)
            };
            if let Some(reason) = state::failure(&instance) {
                return failed(&reason);
            }
            let elapsed = started.elapsed();
            let unfinished = state::unfinished(&instance, &live.inputs, elapsed)
                .or_else(|| state::not_rebooted_yet(&instance, &live.condition, elapsed));
            match unfinished {
                Some(status) => Ok(Poll::Pending(status)),
                None if state::is_full(&instance) => failed(&state::status(&instance)),
                None => Ok(Poll::Ready(instance)),
            }
        })
        .await
}

async fn wait_until_gone(context: &Context, id: &str, progress: &dyn Progress) -> AwsResult<()> {
    let minutes = DELETION.as_secs() / 60;
    Wait::long("rds:DescribeDBInstances", minutes, progress)
        .until(|| async {
            match describe(context, id).await {
                Ok(instance) => Ok(Poll::Pending(state::status(&instance))),
                Err(gone) if gone.is(ErrorKind::NotFound) => Ok(Poll::Ready(())),
                Err(error) => Err(error),
            }
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Properties;
    use crate::resource::value::properties;

    #[test]
    fn of_a_failed_instance_that_has_data_nothing_is_left() {
        let instance = |condition: Condition, outputs: Properties| Observed {
            token: "aws:rds:Instance".to_owned(),
            id: "shop".to_owned(),
            arn: None,
            inputs: Properties::new(),
            outputs,
            tags: crate::resource::Tags::default(),
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
