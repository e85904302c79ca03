//! The options that a region offers to new database instances: combinations of engine, version, class, storage type and
//! features. Without asking, a creation is refused once the network exists, after ten minutes.
//!
//! `DescribeOrderableDBInstanceOptions` has a row for each combination of class, version, licence and storage type:
//! <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.RegionSupport.html>.
//!
//! - A version that is closed to new instances is refused there as in a creation, "Cannot find version"
//!   (<https://github.com/hashicorp/terraform-provider-aws/issues/21448>), also while instances run it
//!   (<https://github.com/turbot/steampipe-plugin-aws/pull/2085>).
//! - A file may name a major version alone, for which AWS takes a minor one of its choice:
//!   <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL.Concepts.General.DBVersions.html>. Then all versions of the
//!   class are asked for, some two hundred rows.
//! - No rows for an engine at all mean that nothing is known of it, not that AWS has no such instances.
//! - Some classes are listed that only Multi-AZ clusters can have. These are left for AWS to refuse.

mod nearby;

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_sdk_rds::types::OrderableDbInstanceOption as Row;

use super::instance::Inputs;
use super::instance::versions;
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, is_unknown_version};
use crate::resource::offer::{NotOffered, Order, Standing};
use crate::resource::{Properties, ReadSession, Value};

const OPERATION: &str = "rds:DescribeOrderableDBInstanceOptions";

/// The most rows of a page, whatever the reference says:
/// <https://github.com/hashicorp/terraform-provider-aws/pull/37251>.
const ROWS: i32 = 1000;

/// The properties of which a change asks for another combination.
const COMBINED: [&str; 3] = [
    Inputs::INSTANCE_CLASS,
    Inputs::ENGINE_VERSION,
    Inputs::STORAGE_TYPE,
];

/// Returns what an order asks for and AWS does not offer in the region. The session keeps answers for the next order.
pub async fn not_offered(
    context: &Context,
    session: &ReadSession,
    order: &Order<'_>,
    standing: &[Standing<'_>],
) -> AwsResult<Vec<NotOffered>> {
    let Some(wish) = Wish::of(order, standing) else {
        return Ok(Vec::new());
    };
    let market = &Market { context, session };
    let exact = wish
        .version
        .as_deref()
        .filter(|version| nearby::is_exact(&wish.engine, version));
    let listed = market.rows(&wish.engine, exact, Some(&wish.class)).await?;
    let rows: Vec<&Row> = listed
        .iter()
        .filter(|row| wish.is_of_version(row))
        .collect();
    if rows.is_empty() {
        return market.why_none(&wish).await;
    }
    let mut found = wish.lacks(&rows, &context.region, standing);
    if found.is_empty() && wish.is_moved_and_upgraded() {
        found.extend(market.before_upgrade(&wish).await?);
    }
    Ok(found)
}

/// The combination that an order asks for.
struct Wish<'a> {
    order: &'a Order<'a>,
    engine: String,
    /// None if AWS chooses, or if it is not known yet.
    version: Option<String>,
    class: String,
}

impl<'a> Wish<'a> {
    /// None for other types, for changes of anything else, and where engine or class are not known yet.
    fn of(order: &'a Order<'a>, standing: &[Standing<'_>]) -> Option<Self> {
        let is_combined = || COMBINED.iter().any(|property| order.changes(property));
        if order.urn.token() != "aws:rds:Instance" || order.live.is_some() && !is_combined() {
            return None;
        }
        let source = source_of(order.inputs, standing);
        let text = |property: &str| {
            let own = order.inputs.get(property).filter(|value| !value.is_null());
            let own = own.or_else(|| order.live?.get(property));
            let value = own.or_else(|| source?.get(property));
            value.and_then(Value::as_str).map(str::to_owned)
        };
        Some(Self {
            order,
            engine: text(Inputs::ENGINE)?.to_lowercase(),
            version: text(Inputs::ENGINE_VERSION),
            class: text(Inputs::INSTANCE_CLASS)?.to_lowercase(),
        })
    }

    fn value(&self, property: &str) -> Option<&'a Value> {
        let own = self.order.inputs.get(property);
        let own = own.filter(|value| !value.is_null());
        own.or_else(|| self.order.live?.get(property))
    }

    fn is_on(&self, property: &str) -> bool {
        match self.value(property) {
            Some(Value::Number(number)) => *number > 0.0,
            value => value.and_then(Value::as_bool) == Some(true),
        }
    }

    /// True if it is for a new object, or if one of these changes.
    fn asks_for(&self, properties: &[&str]) -> bool {
        let mut properties = properties.iter();
        self.order.live.is_none() || properties.any(|property| self.order.changes(property))
    }

    /// A version without its last parts stands for all that begin like it.
    fn is_of_version(&self, row: &Row) -> bool {
        let (Some(wanted), Some(version)) = (&self.version, row.engine_version()) else {
            return true;
        };
        let rest = version.strip_prefix(wanted.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }

    /// `postgres 16.4`.
    fn engine(&self) -> String {
        match &self.version {
            Some(version) => format!("{} {version}", self.engine),
            None => self.engine.clone(),
        }
    }

    /// Returns what the instance asks for and its combination does not have, according to the rows of that.
    fn lacks(&self, rows: &[&Row], region: &str, standing: &[Standing<'_>]) -> Vec<NotOffered> {
        let with = format!("{} with {} in {region}", self.class, self.engine());
        let lack = |property, wanted: String, offered| NotOffered {
            property,
            wanted,
            with: with.clone(),
            offered,
            otherwise: None,
        };
        let mut found = Vec::new();
        let kinds = distinct(rows.iter().filter_map(|row| row.storage_type()));
        let kind = self.value(Inputs::STORAGE_TYPE).and_then(Value::as_str);
        let rows: Vec<&Row> = match kind {
            Some(kind) if !kinds.is_empty() && !kinds.iter().any(|other| other == kind) => {
                found.push(lack(Inputs::STORAGE_TYPE, kind.to_owned(), kinds));
                rows.to_vec()
            }
            Some(kind) => {
                let of_kind = |row: &&&Row| row.storage_type().is_none_or(|other| other == kind);
                let rows: Vec<&Row> = rows.iter().filter(of_kind).copied().collect();
                found.extend(self.wrong_size(&rows).map(|(property, wanted, range)| {
                    let with = format!("{kind} storage of {with}");
                    NotOffered {
                        with,
                        ..lack(property, wanted, vec![range])
                    }
                }));
                rows
            }
            None => rows.to_vec(),
        };
        type Has = fn(&Row) -> Option<bool>;
        let features: [(&'static str, Has); 5] = [
            (Inputs::MULTI_AZ, Row::multi_az_capable),
            (
                Inputs::PERFORMANCE_INSIGHTS_ENABLED,
                Row::supports_performance_insights,
            ),
            (
                Inputs::IAM_DATABASE_AUTHENTICATION_ENABLED,
                Row::supports_iam_database_authentication,
            ),
            (Inputs::STORAGE_ENCRYPTED, Row::supports_storage_encryption),
            (
                Inputs::MONITORING_INTERVAL,
                Row::supports_enhanced_monitoring,
            ),
        ];
        for (property, has) in features {
            if self.is_on(property) && rows.iter().all(|row| has(row) == Some(false)) {
                let wanted = match self.value(property).and_then(Value::as_number) {
                    Some(number) => number.to_string(),
                    None => "true".to_owned(),
                };
                found.push(lack(property, wanted, Vec::new()));
            }
        }
        found.extend(
            self.wrong_zone(&rows, standing)
                .map(|(property, wanted, zones)| lack(property, wanted, zones)),
        );
        found
    }

    /// A storage size that is out of range: the property, its value, and the range.
    fn wrong_size(&self, rows: &[&Row]) -> Option<(&'static str, String, String)> {
        let least = rows
            .iter()
            .map(|row| row.min_storage_size())
            .min()
            .flatten()?;
        let most = rows
            .iter()
            .map(|row| row.max_storage_size())
            .max()
            .flatten()?;
        let sizes = [Inputs::ALLOCATED_STORAGE, Inputs::STORAGE_TYPE];
        let number = |property| self.value(property).and_then(Value::as_number);
        let range = |property, size: f64| {
            (
                property,
                format!("{size} GiB"),
                format!("{least} to {most} GiB"),
            )
        };
        let (least_size, most_size) = (f64::from(least), f64::from(most));
        let size = number(Inputs::ALLOCATED_STORAGE)
            .filter(|size| self.asks_for(&sizes) && !(least_size..=most_size).contains(size));
        if let Some(size) = size {
            return Some(range(Inputs::ALLOCATED_STORAGE, size));
        }
        let limit = number(Inputs::MAX_ALLOCATED_STORAGE).filter(|limit| *limit > most_size)?;
        Some(range(Inputs::MAX_ALLOCATED_STORAGE, limit))
    }

    /// A zone, or a subnet group, without the class: the property, its zones, and those that have the class. An instance with
    /// a standby takes two zones of its group.
    fn wrong_zone(
        &self,
        rows: &[&Row],
        standing: &[Standing<'_>],
    ) -> Option<(&'static str, String, Vec<String>)> {
        if self.order.live.is_some() {
            return None;
        }
        let zones = rows.iter().flat_map(|row| row.availability_zones());
        let zones = distinct(zones.filter_map(|zone| zone.name()));
        if zones.is_empty() {
            return None;
        }
        let is_known = |zone: &str| zones.iter().any(|known| known == zone);
        if let Some(zone) = self
            .value(Inputs::AVAILABILITY_ZONE)
            .and_then(Value::as_str)
        {
            let wrong = !is_known(zone);
            return wrong.then(|| (Inputs::AVAILABILITY_ZONE, zone.to_owned(), zones));
        }
        let group = self.value(Inputs::DB_SUBNET_GROUP_NAME)?;
        let own = zones_of(group, standing)?;
        let fits = own.iter().filter(|zone| is_known(zone)).count();
        let takes = if self.is_on(Inputs::MULTI_AZ) { 2 } else { 1 };
        let wanted = format!("subnets in {}", Vec::from_iter(own).join(", "));
        (fits < takes).then_some((Inputs::DB_SUBNET_GROUP_NAME, wanted, zones))
    }

    /// True if an instance is to have another class and another version at once.
    fn is_moved_and_upgraded(&self) -> bool {
        let both = [Inputs::INSTANCE_CLASS, Inputs::ENGINE_VERSION];
        self.order.live.is_some() && both.iter().all(|property| self.order.changes(property))
    }
}

/// The options of a region, as far as they have been asked for.
struct Market<'a> {
    context: &'a Context,
    session: &'a ReadSession,
}

impl Market<'_> {
    /// The rows for an engine, in one version or in all, and for one class or for all.
    async fn rows(
        &self,
        engine: &str,
        version: Option<&str>,
        class: Option<&str>,
    ) -> AwsResult<Arc<Vec<Row>>> {
        let key = format!("{OPERATION} {engine} {version:?} {class:?}");
        let context = self.context;
        let ask = || async move {
            let asked = context.pages(
                |marker| {
                    context
                        .rds
                        .describe_orderable_db_instance_options()
                        .engine(engine)
                        .set_engine_version(version.map(str::to_owned))
                        .set_db_instance_class(class.map(str::to_owned))
                        .vpc(true)
                        .max_records(ROWS)
                        .set_marker(marker)
                },
                |page| (page.orderable_db_instance_options, page.marker),
            );
            match asked.await {
                Ok(mut rows) => {
                    rows.retain(|row| row.vpc() != Some(false));
                    Ok(rows)
                }
                Err(error) if is_unknown_version(&error) || is_unknown_class(&error) => {
                    Ok(Vec::new())
                }
                Err(error) => Err(error),
            }
        };
        self.session.once(&key, ask).await
    }

    /// Returns which part of a combination without rows is to blame: its version, its class, or both together.
    async fn why_none(&self, wish: &Wish<'_>) -> AwsResult<Vec<NotOffered>> {
        let (context, engine) = (self.context, wish.engine.as_str());
        let region = &context.region;
        let of_class = self.rows(engine, None, Some(&wish.class)).await?;
        let versions = nearby::sorted(of_class.iter().filter_map(|row| row.engine_version()));
        let version = match &wish.version {
            Some(version) if nearby::is_exact(engine, version) => Some(version.clone()),
            version => preferred(context, engine, version.as_deref()).await?,
        };
        let of_version = match &version {
            Some(version) => self.rows(engine, Some(version), None).await?,
            None => Arc::default(),
        };
        if of_version.is_empty() {
            // A version that an instance runs may be closed to new ones, which says nothing about another class.
            let asks = wish.asks_for(&[Inputs::ENGINE_VERSION]);
            let Some(wanted) = wish.version.clone().filter(|_| asks) else {
                return Ok(Vec::new());
            };
            let offered = if versions.is_empty() {
                nearby::sorted(versions::offered(context, engine).await?)
            } else {
                versions
            };
            // The list of versions lags behind: <https://github.com/awslabs/aws-saas-boost/pull/460>.
            if offered.contains(&wanted) {
                return Ok(Vec::new());
            }
            let offered = nearby::versions(engine, &wanted, &offered);
            // Nothing is known of an engine without any.
            let found = (!offered.is_empty()).then(|| NotOffered {
                property: Inputs::ENGINE_VERSION,
                wanted,
                with: if of_class.is_empty() {
                    format!("{engine} in {region}")
                } else {
                    format!("{engine} on {} in {region}", wish.class)
                },
                offered,
                otherwise: None,
            });
            return Ok(found.into_iter().collect());
        }
        let classes = distinct(of_version.iter().filter_map(|row| row.db_instance_class()));
        let otherwise = (!versions.is_empty()).then(|| {
            let near = nearby::versions(engine, version.as_deref().unwrap_or_default(), &versions);
            format!("{engine} {} has it", nearby::list(&near))
        });
        Ok(vec![NotOffered {
            property: Inputs::INSTANCE_CLASS,
            wanted: wish.class.clone(),
            with: format!("{} in {region}", wish.engine()),
            offered: nearby::classes(&wish.class, &classes),
            otherwise,
        }])
    }

    /// An instance that gets another class and another version at once needs the class with the version that it runs:
    /// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html>, `EngineVersion`.
    async fn before_upgrade(&self, wish: &Wish<'_>) -> AwsResult<Option<NotOffered>> {
        let live = wish
            .order
            .live
            .and_then(|live| live.get(Inputs::ENGINE_VERSION));
        let Some(live) = live.and_then(Value::as_str) else {
            return Ok(None);
        };
        let (engine, class) = (&wish.engine, &wish.class);
        if !self.rows(engine, Some(live), Some(class)).await?.is_empty() {
            return Ok(None);
        }
        let of_version = self.rows(engine, Some(live), None).await?;
        let classes = distinct(of_version.iter().filter_map(|row| row.db_instance_class()));
        Ok((!classes.is_empty()).then(|| NotOffered {
            property: Inputs::INSTANCE_CLASS,
            wanted: class.clone(),
            with: format!("{engine} {live}, which it runs until it is upgraded"),
            offered: nearby::classes(class, &classes),
            otherwise: Some("upgrade first, and change the class after that".to_owned()),
        }))
    }
}

/// Returns the version that a new instance gets if only the major one is given, or none.
async fn preferred(
    context: &Context,
    engine: &str,
    version: Option<&str>,
) -> AwsResult<Option<String>> {
    let request = context
        .rds
        .describe_db_engine_versions()
        .engine(engine)
        .set_engine_version(version.map(str::to_owned))
        .default_only(true);
    let answer = context.send(request).await?;
    let versions = answer.db_engine_versions.unwrap_or_default();
    Ok(versions
        .into_iter()
        .next()
        .and_then(|version| version.engine_version))
}

/// Returns whether RDS knows no such class in the region:
/// <https://github.com/crossplane/crossplane/issues/2040>.
fn is_unknown_class(error: &crate::resource::ProviderError) -> bool {
    error.code == "InvalidParameterValue" && error.message.contains("Invalid DB Instance class")
}

/// The inputs of the instance that one is a replica of.
fn source_of<'a>(inputs: &Properties, standing: &'a [Standing<'_>]) -> Option<&'a Properties> {
    let source = inputs.get(Inputs::REPLICATE_SOURCE_DB)?;
    let found = named(source, "aws:rds:Instance", Inputs::IDENTIFIER, standing)?;
    Some(found.inputs)
}

/// The object that a value names, or refers to.
fn named<'s, 'a>(
    value: &Value,
    token: &str,
    property: &str,
    standing: &'s [Standing<'a>],
) -> Option<&'s Standing<'a>> {
    let mut objects = standing.iter().filter(|object| object.urn.token() == token);
    match value {
        Value::Output(reference) => objects.find(|object| *object.urn == reference.urn),
        value => {
            let name = value.as_str()?;
            let name = name.rsplit(':').next()?.to_lowercase();
            objects.find(|object| {
                let own = object.inputs.get(property).and_then(Value::as_str);
                own.or(object.id)
                    .is_some_and(|own| own.to_lowercase() == name)
            })
        }
    }
}

/// The zones of the subnets of a group; `None` unless all are known.
fn zones_of(group: &Value, standing: &[Standing<'_>]) -> Option<BTreeSet<String>> {
    let group = named(group, "aws:rds:SubnetGroup", "name", standing)?;
    let subnets = group.inputs.get("subnetIds")?.as_list()?;
    let zones = subnets.iter().map(|subnet| {
        let subnet = named(subnet, "aws:ec2:Subnet", "subnetId", standing)?;
        let zone = subnet.inputs.get("availabilityZone")?.as_str()?;
        Some(zone.to_owned())
    });
    let zones: Option<BTreeSet<String>> = zones.collect();
    zones.filter(|zones| !zones.is_empty())
}

fn distinct<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let texts: BTreeSet<&str> = texts.collect();
    texts.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
