//! RDS instance.
//!
//! - The master password is read from a secret at the moment it is sent: with the creation, and again once that secret, or
//!   the password in it, differs from the one that was sent.
//! - A read replica takes engine, user, encryption and subnets from its source, and some settings only once it exists.
//! - After a modification AWS may say `available` for up to a minute before it begins: see [`readiness::unfinished`].
//! - A change that waits for the maintenance window is listed as pending. It counts as done where the author wants the
//!   window, and as missing where not.
//! - A major version upgrade is a special change: it goes together with a parameter group of its family, and requires
//!   consent.
//! - An instance in deletion keeps its name: a creation waits for it to be gone.
//!
//! - A reboot, which static parameters wait for, is only done on request.
//!
//! Parts: [`model`] has the properties, [`form`] reads them from an answer, [`state`] has the status of an instance,
//! [`request`] builds the calls, [`readiness`] tells when one is complete, [`defer`] knows what AWS decides once the instance
//! exists, [`pending`] which changes are pending, and [`versions`] which versions there are.

mod aftermath;
mod checks;
mod defer;
mod forbidden;
mod form;
mod maintenance;
mod model;
mod pending;
mod readiness;
mod request;
mod restarts;
mod search;
mod state;
pub(super) mod versions;

use std::time::Duration;

use aws_sdk_rds::types::DbInstance;
use futures_util::future;

pub use self::model::{Inputs, Maintenance, Outputs};

pub(super) use self::model::DELETION;
pub(super) use self::search::using;

use self::readiness::{until_settled, wait_until_gone};
use self::search::describe;
use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::aws::resource_type::{Asking, Change, LiveOf, New, Old, ResourceType, adopt, check};
use crate::aws::secretsmanager::{SecretText, key_of};
use crate::aws::wait::{until_visible, while_in_use};
use crate::resource::diff::REBOOT;
use crate::resource::provider::{Holder, Progress, Query};
use crate::resource::{ErrorKind, Interruption, Schema, Value};

pub struct Instance;

impl ResourceType for Instance {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn schema(&self) -> Schema {
        model::properties()
            .named(Inputs::IDENTIFIER, 63)
            .name_ignores_case()
            .beside(checks::BESIDE)
            .checks(|inputs| check(inputs, checks::fit))
            .leaves(aftermath::left)
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
            let mut live = form::live(instance, wanted.is_none() || !at_once);
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
                        Some(password) => {
                            request::create(context, inputs, new.tags, password).await
                        }
                        None => request::create_replica(context, inputs, new.tags).await,
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
                return adopt(new.tags, form::live(&met, false), error);
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
            promoted.inputs = Inputs {
                replicate_source_db: None,
                // A promotion switches backups on; the retention is AWS's choice if the author gives none.
                backup_retention_period: change.wanted.backup_retention_period,
                backup_window: change.wanted.backup_window.clone(),
                ..promoted.inputs
            };
            until_settled(context, &promoted, change.progress).await?;
        }
        let password = if change.touches(Inputs::MASTER_PASSWORD_SECRET_ARN) {
            password_of(context, change.wanted).await?
        } else {
            None
        };
        if let Some(modify) = request::modify(
            context,
            change.wanted,
            change.observed,
            change.diff,
            password.as_ref(),
        ) {
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
            return Ok(form::settling(applied, "modifying"));
        }
        if change.diff.properties() != [REBOOT] {
            // An instance that is being modified is not rebooted.
            until_settled(context, &applied, change.progress).await?;
        }
        context
            .send(context.rds.reboot_db_instance().db_instance_identifier(id))
            .await?;
        Ok(form::settling(applied, state::REBOOTING))
    }

    async fn wait(
        &self,
        context: &Context,
        live: LiveOf<Self>,
        progress: &dyn Progress,
    ) -> AwsResult<LiveOf<Self>> {
        let instance = until_settled(context, &live, progress).await?;
        let mut ready = form::live(&instance, !live.inputs.apply_immediately);
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
    let mut live = form::settling(form::live(instance, true), "creating");
    // A replica takes settings that its call does not have from its source; an instance has all that was asked for.
    if new.inputs.replicate_source_db.is_none() {
        live.inputs = new.inputs.clone();
    }
    live
}

#[cfg(test)]
mod tests;
