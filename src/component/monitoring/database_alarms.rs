//! The alarms of `monitoring:` on the database.
//!
//! Everything that a database can run out of is watched on each instance, including the read replicas: one that is full
//! stops replaying, and what it has not replayed then fills its source. Such a shortage lasts until something is done about
//! it, and a database that is full or stopped may report nothing at all; so where readings are missing, the alarm stays as
//! it is (`ignore`): <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html>. With
//! `notBreaching` it would say that all is well at just that moment, and with `breaching` it would ring for each database
//! that is being made.

use crate::resource::value::properties;
use crate::resource::{Path, StackId, Urn, Value};
use crate::stack::Fault;

use super::alarm::{Alarm, Missing, Rings, add};
use super::spec::AlarmsSpec;
use super::thresholds::{Later, Thresholds};
use super::urns::KEY;
use crate::component::context::Context;
use crate::component::database::{self, Credits, Database};
use crate::component::threshold::Threshold;

pub const FREE_STORAGE: &str = "databaseFreeStorageGiB";
pub const FREE_MEMORY: &str = "databaseFreeMemoryMiB";
pub const CPU_CREDITS: &str = "databaseCpuCredits";
pub const REPLICA_LAG: &str = "databaseReplicaLagSeconds";

const GIB: f64 = 1_073_741_824.0;
const MIB: f64 = 1_048_576.0;

/// The threshold for classes whose memory is not known here. Other modules have 64 to 256 MB:
/// cloudposse/terraform-aws-rds-cloudwatch-sns-alarms, lorenzoaiello/terraform-aws-rds-alarms.
const SOME_MEMORY_MIB: u32 = 256;

/// The metric of a read replica.
pub const LAG: &str = "ReplicaLag";

/// The threshold of other modules; a credit is a minute of one processor.
const FEW_CREDITS: u32 = 20;

/// A replica of a database without writes is up to five minutes behind, since it takes that long until PostgreSQL writes
/// something by itself: qonto/database-monitoring-framework#7. The lag goes up and down, so that on average it is below.
const LAG_SECONDS: u32 = 300;

/// An instance of the database.
pub struct Instance {
    pub urn: Urn,
    /// The beginning of the names of its alarms.
    prefix: String,
    /// The words for it in descriptions.
    words: String,
    is_replica: bool,
}

impl Instance {
    /// Returns whether it has a metric.
    pub fn has(&self, metric: &str) -> bool {
        self.is_replica || metric != LAG
    }
}

/// The instance that is written to, and its replicas.
pub fn instances(stack: &StackId, database: &Database) -> Vec<Instance> {
    let main = Instance {
        urn: database::instance(stack),
        prefix: "database".to_owned(),
        words: "the database".to_owned(),
        is_replica: false,
    };
    let replicas = (1..=database.read_replicas).map(|number| Instance {
        urn: database::replica(stack, number),
        prefix: format!("databaseReplica{number}"),
        words: format!("read replica {number}"),
        is_replica: true,
    });
    [main].into_iter().chain(replicas).collect()
}

/// Refuses thresholds at which an alarm would always ring, or never.
pub fn check(context: &mut Context<'_>, spec: &AlarmsSpec, database: &Database) {
    let class = &database.instance_class;
    let path = |key: &str| Path::from(KEY).key("alarms").key(key);
    if let Some(Threshold::At(gib)) = spec.database_free_storage_gib
        && gib >= database.storage
    {
        let label = format!(
            "the database has {} GiB in all, so that this would always ring",
            database.storage
        );
        let help = format!("a tenth of it, {}, is the default", tenth(database.storage));
        context.refuse_with_help(Fault::OutOfRange, path(FREE_STORAGE), label, help);
    }
    if let Some(Threshold::At(mib)) = spec.database_free_memory_mib
        && let Some(all) = database.memory_mib()
        && mib >= all
    {
        let label = format!("`{class}` has {all} MiB in all, so that this would always ring");
        let help = format!("a tenth of it, {}, is the default", tenth(all));
        context.refuse_with_help(Fault::OutOfRange, path(FREE_MEMORY), label, help);
    }
    if Threshold::is_asked(spec.database_cpu_credits.as_ref()) && database.credits().is_none() {
        let label = format!("`{class}` is not burstable, and has no CPU credits");
        let help = "take it out, or write `false`";
        context.refuse_with_help(Fault::Value, path(CPU_CREDITS), label, help);
    }
    if Threshold::is_asked(spec.database_replica_lag_seconds.as_ref())
        && database.read_replicas == 0
    {
        let label = "the database has no read replica";
        let help = "take it out, or write `false`; `readReplicas` under `database:` makes some";
        context.refuse_with_help(Fault::Value, path(REPLICA_LAG), label, help);
    }
}

/// Adds the alarms, and returns them.
pub fn expand(context: &mut Context<'_>, database: &Database, thresholds: &Thresholds) -> Vec<Urn> {
    let stack = context.id.clone();
    let mut alarms = Vec::new();
    let instance = database::instance(&stack);
    if let Some(percent) = thresholds.database_cpu_percent {
        alarms.push(Alarm {
            description: format!("The CPU of the database is above {percent} %"),
            threshold: f64::from(percent),
            ..usage("databaseCpu", "CPUUtilization", &instance)
        });
    }
    if let Some(percent) = thresholds.database_connections_percent {
        let most = database.max_connections;
        alarms.push(Alarm {
            description: format!(
                "More than {percent} % of the {most} connections of the database are in use"
            ),
            threshold: f64::from(most * percent) / 100.0,
            ..usage("databaseConnections", "DatabaseConnections", &instance)
        });
    }
    for instance in instances(&stack, database) {
        let lacks = [
            thresholds
                .free_storage
                .map(|later| free_storage(database, &instance, later)),
            thresholds
                .free_memory
                .map(|later| free_memory(database, &instance, later)),
            thresholds
                .cpu_credits
                .and_then(|later| cpu_credits(database, &instance, later)),
            thresholds
                .replica_lag
                .and_then(|later| replica_lag(&instance, later)),
        ];
        alarms.extend(lacks.into_iter().flatten());
    }
    alarms
        .iter()
        .map(|alarm| add(context, KEY, alarm))
        .collect()
}

/// The keys of the alarms that the database has although the file does not mention them.
pub fn by_default(database: &Database, thresholds: &Thresholds) -> Vec<&'static str> {
    let has_credits = database.credits().is_some();
    [
        (FREE_STORAGE, thresholds.free_storage, true),
        (FREE_MEMORY, thresholds.free_memory, true),
        (CPU_CREDITS, thresholds.cpu_credits, has_credits),
        (
            REPLICA_LAG,
            thresholds.replica_lag,
            database.read_replicas > 0,
        ),
    ]
    .into_iter()
    .filter(|(_, later, is_made)| *is_made && later.is_some_and(|later| later.by_default))
    .map(|(key, ..)| key)
    .collect()
}

/// The metric for the credits of a class.
pub fn credit_metric(credits: Credits) -> &'static str {
    match credits {
        Credits::Earned => "CPUCreditBalance",
        Credits::Borrowed { .. } => "CPUSurplusCreditBalance",
    }
}

/// The alarm on usage, which ends with the usage.
fn usage<'a>(name: &str, metric: &'a str, instance: &Urn) -> Alarm<'a> {
    Alarm {
        name: name.to_owned(),
        description: String::new(),
        namespace: "AWS/RDS",
        metrics: vec![metric],
        statistic: "Average",
        dimensions: properties([(
            "DBInstanceIdentifier",
            Value::output(instance, "identifier"),
        )]),
        rings: Rings::Above,
        threshold: 0.0,
        period: 300,
        readings: 2,
        missing: Missing::NotBreaching,
        came_later: None,
    }
}

/// The alarm on a shortage, which lasts.
fn lack<'a>(
    what: &str,
    metric: &'a str,
    instance: &Instance,
    later: Later,
    key: &'static str,
) -> Alarm<'a> {
    let name = format!("{}{what}", instance.prefix);
    Alarm {
        missing: Missing::Ignore,
        came_later: later.by_default.then_some(key),
        ..usage(&name, metric, &instance.urn)
    }
}

/// The alarm on free storage. RDS adds storage by itself once less than a tenth has been free for five minutes, up to
/// `maxStorageGiB`, and not again for hours:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIOPS.Autoscaling.html>. An alarm at a tenth that leaves it
/// the time to do so rings if that has not helped. Once the storage has grown, the threshold is a smaller part of it, but
/// the same amount.
fn free_storage(database: &Database, instance: &Instance, later: Later) -> Alarm<'static> {
    let gib = later.at.unwrap_or_else(|| tenth(database.storage));
    let grows = database.max_storage.is_some();
    Alarm {
        description: format!(
            "Less than {gib} GiB of the storage of {} are free",
            instance.words
        ),
        statistic: "Minimum",
        rings: Rings::Below,
        threshold: f64::from(gib) * GIB,
        readings: if grows { 3 } else { 2 },
        ..lack(
            "FreeStorage",
            "FreeStorageSpace",
            instance,
            later,
            FREE_STORAGE,
        )
    }
}

/// The alarm on the memory that the system could hand out, including the cache of files. PostgreSQL takes a quarter for its
/// buffers at once, and small instances have little left: at a quarter, which would be ideal, it would ring for most of
/// them.
fn free_memory(database: &Database, instance: &Instance, later: Later) -> Alarm<'static> {
    let known = database.memory_mib().map(tenth);
    let mib = later.at.or(known).unwrap_or(SOME_MEMORY_MIB);
    Alarm {
        description: format!(
            "Less than {mib} MiB of the memory of {} are free",
            instance.words
        ),
        rings: Rings::Below,
        threshold: f64::from(mib) * MIB,
        readings: 3,
        ..lack("FreeMemory", "FreeableMemory", instance, later, FREE_MEMORY)
    }
}

/// The alarm on CPU credits. A new instance has earned nothing yet, so that a balance of zero says little where credits can
/// be borrowed. Borrowed credits cost money once they are more than a day earns: it rings at half of that. The readings come
/// every five minutes.
fn cpu_credits(database: &Database, instance: &Instance, later: Later) -> Option<Alarm<'static>> {
    let credits = database.credits()?;
    let words = &instance.words;
    let (rings, threshold, description) = match credits {
        Credits::Earned => {
            let few = later.at.unwrap_or(FEW_CREDITS);
            let text = format!("Fewer than {few} CPU credits of {words} are left: it slows down");
            (Rings::Below, few, text)
        }
        Credits::Borrowed { in_a_day } => {
            let many = later.at.unwrap_or(in_a_day / 2);
            let text = format!(
                "More than {many} CPU credits of {words} are borrowed: what is beyond {in_a_day} costs extra"
            );
            (Rings::Above, many, text)
        }
    };
    Some(Alarm {
        description,
        rings,
        threshold: f64::from(threshold),
        ..lack(
            "CpuCredits",
            credit_metric(credits),
            instance,
            later,
            CPU_CREDITS,
        )
    })
}

fn replica_lag(instance: &Instance, later: Later) -> Option<Alarm<'static>> {
    let seconds = later.at.unwrap_or(LAG_SECONDS);
    let alarm = Alarm {
        description: format!(
            "The data of {} is more than {seconds} s old",
            instance.words
        ),
        threshold: f64::from(seconds),
        ..lack("Lag", LAG, instance, later, REPLICA_LAG)
    };
    instance.has(LAG).then_some(alarm)
}

/// A tenth, but at least one.
fn tenth(whole: u32) -> u32 {
    (whole / 10).max(1)
}

#[cfg(test)]
mod tests;
