//! What cannot work in `database:`, beyond its structure.

use crate::resource::database::{Window, wrong_name, wrong_username};
use crate::stack::{Environment, Fault, StackError};

use super::context::Context;
use super::database::{DatabaseSpec, ENGINE, KEY};

/// The seconds that RDS takes.
const MONITORING_INTERVALS: [u32; 7] = [0, 1, 5, 10, 15, 30, 60];

/// Checks the section by itself.
pub fn check(context: &mut Context<'_>, spec: &DatabaseSpec) {
    check_names(context, spec);
    check_sizes(context, spec, context.environment());
}

/// How many days backups are kept, for replicas to follow them.
pub fn backup_retention(spec: &DatabaseSpec, environment: Environment) -> u8 {
    spec.backup_retention_days
        .unwrap_or(environment.choose(1, 7, 7))
}

fn check_names(context: &mut Context<'_>, spec: &DatabaseSpec) {
    if let Some(name) = &spec.name {
        let alphabet = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !name.starts_with(|c: char| c.is_ascii_lowercase())
            || !name.chars().all(alphabet)
            || name.contains("--")
            || name.ends_with('-')
        {
            let label = "takes lower-case letters, digits and single hyphens, a letter first";
            context.refuse(Fault::Name, "database.name", label);
        }
    }
    // Derived from the name of the stack, it can be a reserved word as well: `name: order`.
    let derived = context.id.name.replace('-', "_");
    let name = spec.database_name.as_deref().unwrap_or(&derived);
    if let Some(label) = wrong_name(ENGINE, name) {
        if spec.database_name.is_some() {
            context.refuse(Fault::Name, "database.databaseName", label);
        } else {
            let label =
                format!("`databaseName` is derived from the name of the stack, and {label}");
            let help = format!("add `databaseName: {derived}_db`, for one");
            let span = context.stack.document().key_place(&KEY.into());
            let error = StackError::new(Fault::Name, span, label).help(help);
            context.errors.push(error);
        }
    }
    if let Some(label) = spec
        .username
        .as_deref()
        .and_then(|username| wrong_username(ENGINE, username))
    {
        context.refuse(Fault::Name, "database.username", label);
    }
}

fn check_sizes(context: &mut Context<'_>, spec: &DatabaseSpec, environment: Environment) {
    if let Some(version) = &spec.engine_version {
        let numbers: Option<Vec<u32>> = version.split('.').map(|part| part.parse().ok()).collect();
        let sound = matches!(numbers.as_deref(), Some([major] | [major, _]) if *major >= 10);
        if !sound {
            let label = "is not a version of PostgreSQL, such as `16` or `15.4`";
            context.refuse(Fault::Value, "database.engineVersion", label);
        }
    }
    if let Some(class) = &spec.instance_class {
        let parts: Vec<&str> = class.split('.').collect();
        if !matches!(parts.as_slice(), ["db", family, size] if !family.is_empty() && !size.is_empty())
        {
            let label = "is not an instance class, such as `db.t3.micro`";
            context.refuse(Fault::Value, "database.instanceClass", label);
        }
    }
    let storage = spec.storage_gib.unwrap_or(environment.choose(20, 50, 50));
    if let Some(most) = spec.max_storage_gib
        && u64::from(most) * 10 < u64::from(storage) * 11
    {
        let label = format!("must be at least a tenth more than the {storage} GiB it starts with");
        context.refuse(Fault::OutOfRange, "database.maxStorageGiB", label);
    }
    if let Some(interval) = spec.monitoring_interval_seconds
        && !MONITORING_INTERVALS.contains(&interval.0)
    {
        let label = "RDS takes 0, 1, 5, 10, 15, 30 or 60 seconds";
        context.refuse(
            Fault::OutOfRange,
            "database.monitoringIntervalSeconds",
            label,
        );
    }
    if spec.read_replicas.is_some_and(|count| count > 0) && backup_retention(spec, environment) == 0
    {
        let label = "read replicas need `backupRetentionDays` of at least 1";
        context.refuse(Fault::Value, "database.readReplicas", label);
    }
    check_windows(context, spec);
}

fn check_windows(context: &mut Context<'_>, spec: &DatabaseSpec) {
    let backup = spec.backup_window.as_deref().map(Window::daily);
    let maintenance = spec.maintenance_window.as_deref().map(Window::weekly);
    if backup == Some(None) {
        let label = "is not a time of day in UTC, such as `03:00-04:00`";
        context.refuse(Fault::Value, "database.backupWindow", label);
    }
    if maintenance == Some(None) {
        let label = "is not a time of the week in UTC, such as `sun:04:30-sun:05:30`";
        context.refuse(Fault::Value, "database.maintenanceWindow", label);
    }
    if let (Some(Some(backup)), Some(Some(maintenance))) = (backup, maintenance)
        && backup.overlaps(&maintenance)
    {
        let span = context.place("database.maintenanceWindow");
        let daily = context.place("database.backupWindow");
        let error = StackError::new(Fault::Value, span, "overlaps the window for backups")
            .also(daily, "which comes round every day");
        context.errors.push(error);
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use crate::component::testing::{expand_text, faults_of};
    use crate::resource::Value;

    fn check(text: &str, expected: &Expect) {
        expected.assert_eq(&faults_of(text));
    }

    #[test]
    fn what_is_written_arrives_as_rds_takes_it() {
        let text = "network: {}\ndatabase: { engineVersion: \"17\", allowMajorVersionUpgrade: true, parameters: { jit: false, rds.force_ssl: True } }\n";
        let expansion = expand_text(text).unwrap();
        let inputs = |token: &str| {
            let mut resources = expansion.resources.iter();
            let found = resources.find(|resource| resource.urn.token() == token);
            &found.unwrap().inputs
        };
        let instance = inputs("aws:rds:Instance");
        assert_eq!(instance["allowMajorVersionUpgrade"], true.into());
        let parameter = |name: &str, value: &str| {
            Value::object([("name", name.into()), ("value", value.into())])
        };
        assert_eq!(
            inputs("aws:rds:ParameterGroup")["parameters"],
            Value::list([
                parameter("jit", "0"),
                parameter("max_connections", "100"),
                parameter("rds.force_ssl", "1"),
            ])
        );
    }

    #[test]
    fn changes_wait_for_the_window_where_the_file_says_so() {
        for (keys, now) in [
            ("{}", true),
            ("{ applyChanges: now }", true),
            ("{ applyChanges: window }", false),
        ] {
            let expansion = expand_text(&format!("network: {{}}\ndatabase: {keys}\n")).unwrap();
            let mut resources = expansion.resources.iter();
            let instance = resources.find(|resource| resource.urn.token() == "aws:rds:Instance");
            let inputs = &instance.unwrap().inputs;
            assert_eq!(inputs["applyImmediately"], now.into(), "{keys}");
        }
    }

    #[test]
    fn defaults_are_enough() {
        check("network: {}\ndatabase: {}\n", &expect!["fine"]);
    }

    #[test]
    fn a_database_needs_a_network_of_two_zones() {
        check(
            "database: {}\n",
            &expect![[r#"
            1:1 missing_section `database`: a database lives in a network
                help: add `network: {}` for one with the defaults
        "#]],
        );
        check(
            "network: { availabilityZones: 1 }\ndatabase: {}\n",
            &expect![[r#"
            1:31 zones `1`: `database` needs two zones
        "#]],
        );
    }

    #[test]
    fn faults() {
        check(
            r#"network: {}
database:
  name: Shop--db
  databaseName: 1shop
  username: admin
  engineVersion: fifteen
  instanceClass: t3.micro
  storageGiB: 100
  maxStorageGiB: 100
  backupRetentionDays: 36
  backupWindow: 3am
  monitoringIntervalSeconds: 7
  onDelete: keep
"#,
            &expect![[r#"
                3:9 name `Shop--db`: takes lower-case letters, digits and single hyphens, a letter first
                4:17 name `1shop`: takes up to 63 letters, digits and `_`, a letter first
                5:13 name `admin`: `admin` is reserved by RDS
                6:18 value `fifteen`: is not a version of PostgreSQL, such as `16` or `15.4`
                7:18 value `t3.micro`: is not an instance class, such as `db.t3.micro`
                9:18 out_of_range `100`: must be at least a tenth more than the 100 GiB it starts with
                10:24 out_of_range `36`: `database.backupRetentionDays` takes a whole number from 0 to 35
                11:17 value `3am`: is not a time of day in UTC, such as `03:00-04:00`
                12:30 out_of_range `7`: RDS takes 0, 1, 5, 10, 15, 30 or 60 seconds
                13:13 unknown_word `keep`: `database.onDelete` takes `delete`, `snapshot` or `retain`
            "#]],
        );
        check(
            r#"network: {}
database:
  name: Shop--db
  databaseName: 1shop
  username: admin
  engineVersion: fifteen
  instanceClass: t3.micro
  storageGiB: 100
  maxStorageGiB: 100
  backupRetentionDays: 0
  readReplicas: 1
  backupWindow: 3am
  monitoringIntervalSeconds: 7
  parameters: { max_connections: many, Shared_Buffers: 1 }
"#,
            &expect![[r#"
                3:9 name `Shop--db`: takes lower-case letters, digits and single hyphens, a letter first
                4:17 name `1shop`: takes up to 63 letters, digits and `_`, a letter first
                5:13 name `admin`: `admin` is reserved by RDS
                6:18 value `fifteen`: is not a version of PostgreSQL, such as `16` or `15.4`
                7:18 value `t3.micro`: is not an instance class, such as `db.t3.micro`
                9:18 out_of_range `100`: must be at least a tenth more than the 100 GiB it starts with
                11:17 value `1`: read replicas need `backupRetentionDays` of at least 1
                12:17 value `3am`: is not a time of day in UTC, such as `03:00-04:00`
                13:30 out_of_range `7`: RDS takes 0, 1, 5, 10, 15, 30 or 60 seconds
                14:34 out_of_range `many`: takes a whole number from 6 to 262143, which the alarm on connections goes by
                14:40 name `Shared_Buffers`: a parameter takes lower-case letters, digits, `.` and `_`
            "#]],
        );
        check(
            "network: {}\ndatabase: { engineVersion: 15.10 }\n",
            &expect!["fine"],
        );
        check(
            "network: {}\ndatabase: { backupRetention: 1 }\n",
            &expect![[r#"
            2:13 unknown_key `backupRetention`: `database` has no `backupRetention`
                help: did you mean `backupRetentionDays`?
        "#]],
        );
    }
}
