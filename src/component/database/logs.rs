//! The logs of the database that go to CloudWatch, and the groups that they go to.
//!
//! RDS creates a missing group by itself, and keeps its logs without a limit
//! (<https://github.com/hashicorp/terraform-provider-aws/issues/5348>). So the stack makes each before the instance, under
//! the name that the instance is going to have; one that RDS has already made is adopted.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::resource::schema::NameRule;
use crate::resource::value::properties;
use crate::resource::{Path, StackId, Urn, Value, names};
use crate::stack::{Environment, Fault};

use super::urns::{self, KEY};
use crate::component::context::Context;

/// The setting that keeps a database from sending logs.
const KEEP: &str = "database.logExports: []";

/// The rule for the derived names of instances: that of `aws:rds:Instance`.
const IDENTIFIER: NameRule = NameRule {
    property: "identifier",
    max_length: 63,
    generated: false,
    avoided: None,
};

/// A log of PostgreSQL on RDS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogExport {
    /// The log of the server: errors, slow statements, connections where parameters ask for them.
    Postgresql,
    /// The log of upgrades of the major version.
    Upgrade,
}

impl LogExport {
    /// The name that RDS has for it.
    fn word(self) -> &'static str {
        match self {
            Self::Postgresql => "postgresql",
            Self::Upgrade => "upgrade",
        }
    }
}

/// The logs that are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logs {
    exports: Vec<LogExport>,
    /// True if the file does not say which.
    by_default: bool,
}

impl Logs {
    /// Fills in the default, and checks the list.
    pub fn resolve_defaults(context: &mut Context<'_>, exports: Option<&[LogExport]>) -> Self {
        let all = vec![LogExport::Postgresql, LogExport::Upgrade];
        let Some(exports) = exports else {
            let is_sent = context.environment() != Environment::Dev;
            return Self {
                exports: if is_sent { all } else { Vec::new() },
                by_default: true,
            };
        };
        for (index, export) in exports.iter().enumerate() {
            if exports[..index].contains(export) {
                let path = Path::from("database.logExports").index(index);
                context.refuse(Fault::Duplicate, &path, "is given twice");
            }
        }
        Self {
            exports: exports.to_vec(),
            by_default: false,
        }
    }

    /// The input of the instance.
    fn value(&self) -> Value {
        Value::list(self.exports.iter().map(|export| export.word().into()))
    }

    /// Makes an instance that the section has just added send its logs; `name` is its name if the file gives one.
    pub fn expand(
        &self,
        context: &mut Context<'_>,
        instance: &Urn,
        name: Option<&str>,
        retention_days: u32,
    ) {
        if self.exports.is_empty() {
            return;
        }
        let stack = context.id.clone();
        let identifier = name.map_or_else(|| derived(&stack, instance), str::to_owned);
        let mut groups = Vec::new();
        for export in &self.exports {
            let group = group(&stack, instance, *export);
            let inputs = properties([
                (
                    "name",
                    format!("/aws/rds/instance/{identifier}/{}", export.word()).into(),
                ),
                ("retentionInDays", retention_days.into()),
            ]);
            let resource = context.add(KEY, group.clone(), inputs);
            resource.origin.name_key = Some(Path::from(KEY).key("name"));
            if self.by_default {
                resource.new_by_default(KEEP);
            }
            groups.push(group);
        }
        let mut added = context.resources.iter_mut();
        let Some(resource) = added.find(|resource| resource.urn == *instance) else {
            return;
        };
        let exports = "enabledCloudwatchLogsExports";
        resource.inputs.insert(exports.to_owned(), self.value());
        resource.options.depends_on.extend(groups);
        if self.by_default {
            resource.new_default(exports, Value::Null, KEEP);
        }
    }
}

/// The name in AWS of an instance that the file does not name.
fn derived(stack: &StackId, instance: &Urn) -> String {
    names::derive(stack, instance.name(), IDENTIFIER, "")
}

/// `database/postgresqlLogGroup`, and of replicas `database/replica1PostgresqlLogGroup`.
fn group(stack: &StackId, instance: &Urn, export: LogExport) -> Urn {
    let short = instance.name().rsplit('/').next().unwrap_or_default();
    let word = export.word();
    let name = if *instance == urns::instance(stack) {
        format!("{KEY}/{word}LogGroup")
    } else {
        let (first, rest) = word.split_at(1);
        format!("{KEY}/{short}{}{rest}LogGroup", first.to_uppercase())
    };
    Urn::new(stack, "aws:cloudwatch:LogGroup", name)
}

#[cfg(test)]
mod tests {
    use crate::component::testing::{catalog, faults_of, load};
    use crate::component::{Expansion, expand, stack_graph};
    use crate::graph::Resource;
    use crate::resource::{NewDefault, Value};
    use crate::stack::Stack;

    fn stack(environment: &str, database: &str) -> Stack {
        let text = format!(
            "name: shop\nenvironment: {environment}\nregion: eu-south-2\nnetwork: {{}}\ndatabase: {database}\n"
        );
        load(&[("dev.yaml", &text)], &[]).unwrap()
    }

    fn expanded(environment: &str, database: &str) -> Expansion {
        let catalog = catalog();
        expand(&stack(environment, database), &catalog).unwrap()
    }

    fn of_type<'a>(expansion: &'a Expansion, token: &'a str) -> impl Iterator<Item = &'a Resource> {
        let resources = expansion.resources.iter();
        resources.filter(move |resource| resource.urn.token() == token)
    }

    /// The log groups as `logical name = name, days`.
    fn groups(expansion: &Expansion) -> Vec<String> {
        of_type(expansion, "aws:cloudwatch:LogGroup")
            .filter(|group| group.urn.name().starts_with("database/"))
            .map(|group| {
                let name = group.inputs["name"].as_str().unwrap();
                let days = group.inputs["retentionInDays"].as_number().unwrap();
                format!("{} = {name}, {days}", group.urn.name())
            })
            .collect()
    }

    fn exports(instance: &Resource) -> Vec<&str> {
        let list = instance.inputs.get("enabledCloudwatchLogsExports");
        let list = list.and_then(Value::as_list).unwrap_or_default();
        list.iter().filter_map(Value::as_str).collect()
    }

    #[test]
    fn both_logs_are_sent_where_it_counts_and_none_in_dev() {
        for (environment, days) in [("staging", 14), ("prod", 365)] {
            let expansion = expanded(environment, "{}");
            let named = |log: &str| {
                let name = format!("/aws/rds/instance/shop-{environment}-database-instance/{log}");
                format!("database/{log}LogGroup = {name}, {days}")
            };
            assert_eq!(groups(&expansion), [named("postgresql"), named("upgrade")]);
            let instance = of_type(&expansion, "aws:rds:Instance").next().unwrap();
            assert_eq!(exports(instance), ["postgresql", "upgrade"]);
        }
        let expansion = expanded("dev", "{}");
        assert_eq!(groups(&expansion), [""; 0]);
        let instance = of_type(&expansion, "aws:rds:Instance").next().unwrap();
        assert!(!instance.inputs.contains_key("enabledCloudwatchLogsExports"));
    }

    #[test]
    fn the_file_says_which_logs_are_sent_in_any_environment() {
        let expansion = expanded("dev", "{ name: orders, logExports: [upgrade] }");
        let group = "database/upgradeLogGroup = /aws/rds/instance/orders/upgrade, 7";
        assert_eq!(groups(&expansion), [group]);
        assert_eq!(
            groups(&expanded("prod", "{ logExports: [] }")),
            [""; 0],
            "none"
        );
    }

    /// RDS would make the group by itself, without a limit; a replica does not inherit which logs its source sends.
    #[test]
    fn each_instance_comes_after_the_groups_of_its_own_logs() {
        let text = "{ name: orders, readReplicas: 2, logExports: [postgresql] }";
        let expansion = expanded("dev", text);
        let instances: Vec<&Resource> = of_type(&expansion, "aws:rds:Instance").collect();
        assert_eq!(instances.len(), 3);
        for (instance, group, name) in [
            (instances[0], "database/postgresqlLogGroup", "orders"),
            (
                instances[1],
                "database/replica1PostgresqlLogGroup",
                "orders-replica1",
            ),
            (
                instances[2],
                "database/replica2PostgresqlLogGroup",
                "orders-replica2",
            ),
        ] {
            assert_eq!(exports(instance), ["postgresql"]);
            let mut before = instance.options.depends_on.iter();
            assert!(before.any(|urn| urn.name() == group), "{group}");
            let mut groups = of_type(&expansion, "aws:cloudwatch:LogGroup");
            let found = groups.find(|resource| resource.urn.name() == group);
            let expected = format!("/aws/rds/instance/{name}/postgresql");
            assert_eq!(found.unwrap().inputs["name"], expected.as_str().into());
        }
    }

    /// The group is named before the instance is, and both names have to agree.
    #[test]
    fn a_group_bears_the_name_that_its_instance_derives() {
        let catalog = catalog();
        let long = format!("{}z", "abcdefghi-".repeat(4).trim_end_matches('-'));
        for name in ["shop", &long] {
            let text = format!(
                "name: {name}\nenvironment: staging\nregion: eu-south-2\nnetwork: {{}}\ndatabase: {{ readReplicas: 1 }}\n"
            );
            let stack = load(&[("dev.yaml", &text)], &[]).unwrap();
            let (graph, _) = stack_graph(&stack, &catalog).unwrap();
            let find = |logical: &str| {
                let mut resources = graph.iter();
                resources.find(|one| one.urn.name() == logical).unwrap()
            };
            for (instance, group) in [
                ("database/instance", "database/upgradeLogGroup"),
                ("database/replica1", "database/replica1UpgradeLogGroup"),
            ] {
                let identifier = find(instance).inputs["identifier"].as_str().unwrap();
                assert!(identifier.len() <= 63, "{identifier}");
                let expected = format!("/aws/rds/instance/{identifier}/upgrade");
                assert_eq!(find(group).inputs["name"], expected.as_str().into());
            }
        }
    }

    #[test]
    fn it_is_a_new_default_only_where_the_file_is_silent() {
        let told = |database: &str| -> Vec<NewDefault> {
            let expansion = expanded("prod", database);
            let resources = expansion.resources.iter();
            let told = resources.flat_map(|resource| resource.options.new_defaults.clone());
            told.filter(|one| one.keep == super::KEEP).collect()
        };
        let silent = told("{}");
        let whole = silent.iter().filter(|one| one.path.is_none()).count();
        assert_eq!((silent.len(), whole), (3, 2), "{silent:?}");
        let property = silent.iter().find(|one| one.path.is_some()).unwrap();
        assert_eq!(property.path, Some("enabledCloudwatchLogsExports".into()));
        assert_eq!(property.before, Some(Value::Null));
        for says in [
            "{ logExports: [] }",
            "{ logExports: [postgresql, upgrade] }",
        ] {
            assert_eq!(told(says), [], "{says}");
        }
        let dev = expanded("dev", "{}");
        let mut of_dev = dev.resources.iter();
        assert!(of_dev.all(|resource| {
            let mut told = resource.options.new_defaults.iter();
            told.all(|one| one.keep != super::KEEP)
        }));
    }

    #[test]
    fn a_log_is_one_that_rds_sends_and_is_given_once() {
        for (list, says) in [
            ("[upgrade, upgrade]", "duplicate `upgrade`: is given twice"),
            ("[slowquery]", "takes `postgresql` or `upgrade`"),
        ] {
            let faults = faults_of(&format!(
                "network: {{}}\ndatabase: {{ logExports: {list} }}\n"
            ));
            assert!(faults.contains(says), "{list}: {faults}");
        }
    }
}
