//! The events of the database that `monitoring:` sends to its topic.
//!
//! They come in the categories that Security Hub asks for (RDS.20 to RDS.22:
//! <https://docs.aws.amazon.com/securityhub/latest/userguide/rds-controls.html>), and in those that report the database as
//! unavailable or in need of attention. The two have separate subscriptions, since Prowler wants the former to hold just
//! these categories: `rds_instance_critical_event_subscription`. Backups, which come twice a day, are not among them.

use crate::resource::value::properties;
use crate::resource::{Urn, Value};

use super::database_alarms::instances;
use super::urns::{KEY, topic};
use crate::component::context::Context;
use crate::component::database::{self, Database};

/// The setting that leaves them out.
pub const KEEP: &str = "monitoring.databaseEvents: false";

/// Events of one kind of source.
struct Subscription {
    name: &'static str,
    source_type: &'static str,
    /// `None` for all that there are.
    sources: Option<Vec<Value>>,
    categories: &'static [&'static str],
}

/// Adds the subscriptions. RDS accepts them once the policy of the topic lets it publish.
pub fn expand(context: &mut Context<'_>, database: &Database, topic_policy: &Urn, is_new: bool) {
    let stack = context.id.clone();
    let identifiers: Vec<Value> = instances(&stack, database)
        .iter()
        .map(|instance| Value::output(&instance.urn, "identifier"))
        .collect();
    let parameter_group = Value::output(&database::parameter_group(&stack), "name");
    for subscription in [
        Subscription {
            name: "databaseEvents",
            source_type: "db-instance",
            sources: Some(identifiers.clone()),
            categories: &["configuration change", "failure", "maintenance"],
        },
        Subscription {
            name: "databaseAvailabilityEvents",
            source_type: "db-instance",
            sources: Some(identifiers),
            categories: &[
                "availability",
                "failover",
                "low storage",
                "read replica",
                "recovery",
            ],
        },
        Subscription {
            name: "databaseParameterEvents",
            source_type: "db-parameter-group",
            sources: Some(vec![parameter_group]),
            categories: &["configuration change"],
        },
        // These are events of databases outside of a VPC, which AWS has retired: a database in a VPC has no such group, so
        // that none of them ever comes. Reviews ask for it all the same.
        Subscription {
            name: "databaseSecurityGroupEvents",
            source_type: "db-security-group",
            sources: None,
            categories: &["configuration change", "failure"],
        },
    ] {
        let urn = context.urn(
            "aws:rds:EventSubscription",
            &format!("{KEY}/{}", subscription.name),
        );
        let inputs = properties([
            ("snsTopic", Value::output(&topic(&stack), "arn")),
            ("sourceType", subscription.source_type.into()),
            (
                "sourceIds",
                subscription.sources.map_or(Value::Null, Value::List),
            ),
            ("eventCategories", subscription.categories.to_vec().into()),
        ]);
        let resource = context.add(KEY, urn, inputs);
        resource.options.depends_on.insert(topic_policy.clone());
        if is_new {
            resource.new_by_default(KEEP);
        }
    }
}

#[cfg(test)]
mod tests;
