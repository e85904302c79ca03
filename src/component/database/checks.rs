//! Checks of what cannot work in `database:`, beyond its structure.

use crate::resource::database::{Window, wrong_name, wrong_username};
use crate::stack::{Environment, Fault, StackError};

use super::parameters::{self, FORCE_SSL};
use super::spec::{DEFAULT_VERSION, DatabaseSpec, ENGINE, SslMode};
use super::urns::KEY;
use crate::component::context::Context;

/// The intervals in seconds that RDS takes.
const MONITORING_INTERVALS: [u32; 7] = [0, 1, 5, 10, 15, 30, 60];

/// Checks the section by itself.
pub fn check(context: &mut Context<'_>, spec: &DatabaseSpec) {
    check_names(context, spec);
    check_sizes(context, spec, context.environment());
}

/// The number of days for which backups are kept; replicas depend on them.
pub fn backup_retention(spec: &DatabaseSpec, environment: Environment) -> u8 {
    spec.backup_retention_days
        .unwrap_or(environment.choose(1, 7, 7))
}

/// Returns whether the section makes PostgreSQL insist on TLS: the file neither sets the parameter, nor says that services
/// do without TLS.
pub fn forces_tls_by_default(spec: &DatabaseSpec) -> bool {
    !spec.parameters.contains_key(FORCE_SSL) && spec.ssl_mode != Some(SslMode::Disable)
}

/// Checks what the URL asks of a connection: against the certificates, and against what the server takes.
pub fn check_tls(context: &mut Context<'_>, spec: &DatabaseSpec) {
    let path = spec.ssl_root_cert.as_deref();
    if let Some(path) = path
        && (!path.starts_with('/') || path.contains(|c: char| c.is_control() || c.is_whitespace()))
    {
        let label = "is not a path from the root of the image, such as `/etc/ssl/rds.pem`";
        context.refuse(Fault::Value, "database.sslRootCert", label);
    }
    match spec.ssl_mode {
        Some(SslMode::VerifyFull) if path.is_none() => {
            let label = "needs `sslRootCert`: no client has the certificates of RDS by itself";
            context.refuse(Fault::Value, "database.sslMode", label);
        }
        Some(SslMode::VerifyFull) => {}
        _ if path.is_some() => {
            let label = "goes with `sslMode: verify-full`";
            context.refuse(Fault::Value, "database.sslRootCert", label);
        }
        _ => {}
    }
    if spec.ssl_mode != Some(SslMode::Disable) {
        return;
    }
    if spec.iam_authentication == Some(true) {
        let label = "does not go with `iamAuthentication`: RDS lets a role log in over TLS alone";
        let help = "take `sslMode` out, which is then `require`, or `iamAuthentication`";
        context.refuse_with_help(Fault::Value, "database.sslMode", label, help);
    }
    // The default of `rds.force_ssl` is 1 from PostgreSQL 15 on, and 0 before; the section leaves it unset here:
    // <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL.Concepts.General.SSL.html>
    let version = spec.engine_version.as_deref().unwrap_or(DEFAULT_VERSION);
    let major = version.split('.').next().unwrap_or_default();
    let forced = major.parse::<u32>().is_ok_and(|major| major >= 15);
    let given = spec.parameters.get(FORCE_SSL);
    let is_off = |value: &str| ["0", "off", "no"].contains(&value.to_lowercase().as_str());
    let is_forced = given.map_or(forced, |value| !is_off(&parameters::text(&value.0)));
    if is_forced {
        let label = "PostgreSQL refuses connections without TLS here: add `parameters: { rds.force_ssl: 0 }`";
        context.refuse(Fault::Value, "database.sslMode", label);
    }
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
            .also(daily, "which is daily");
        context.errors.push(error);
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use crate::component::expand;
    use crate::component::testing::{catalog, expand_text, faults_of, load};
    use crate::resource::{NewDefault, Path, Value};

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

    /// The parameter group's `rds.force_ssl`, and what is reported of it as a new default.
    fn tls(environment: &str, database: &str) -> (Option<Value>, Vec<NewDefault>) {
        let text = format!(
            "name: shop\nenvironment: {environment}\nregion: eu-south-2\nnetwork: {{}}\ndatabase: {database}\n"
        );
        let stack = load(&[("dev.yaml", &text)], &[]).unwrap();
        let expansion = expand(&stack, &catalog()).unwrap();
        let mut resources = expansion.resources.iter();
        let group = resources.find(|resource| resource.urn.token() == "aws:rds:ParameterGroup");
        let group = group.unwrap();
        let parameters = group.inputs["parameters"].as_list().unwrap().iter();
        let mut parameters = parameters.filter_map(Value::as_object);
        let found =
            parameters.find(|parameter| parameter["name"].as_str() == Some("rds.force_ssl"));
        let value = found.map(|parameter| parameter["value"].clone());
        (value, group.options.new_defaults.clone())
    }

    #[test]
    fn connections_have_to_be_encrypted_unless_the_file_says_otherwise() {
        for environment in ["dev", "staging", "prod"] {
            for version in ["12", "13", "14", "15", "16", "17"] {
                let database = format!("{{ engineVersion: \"{version}\" }}");
                let (value, told) = tls(environment, &database);
                assert_eq!(value, Some("1".into()), "{environment} {version}");
                let [told] = told.as_slice() else {
                    panic!("{told:?}");
                };
                assert_eq!(told.keep, "database.parameters: { rds.force_ssl: 0 }");
                let path = Path::from("parameters").key("rds.force_ssl");
                assert_eq!((told.path.clone(), told.before.clone()), (Some(path), None));
            }
        }
        for (keys, value) in [
            ("{ parameters: { rds.force_ssl: 0 } }", Some("0")),
            ("{ parameters: { rds.force_ssl: false } }", Some("0")),
            ("{ parameters: { rds.force_ssl: 1 } }", Some("1")),
            (
                "{ sslMode: disable, parameters: { rds.force_ssl: 0 } }",
                Some("0"),
            ),
            // Versions that leave it to the client stay as they are.
            ("{ engineVersion: \"14\", sslMode: disable }", None),
        ] {
            let expected = (value.map(Value::from), Vec::new());
            assert_eq!(tls("prod", keys), expected, "{keys}");
        }
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
    fn a_replica_has_the_storage_of_its_source_and_grows_as_far() {
        for keys in [
            "",
            ", storageGiB: 40",
            ", storageGiB: 40, maxStorageGiB: 100",
        ] {
            let text = format!("network: {{}}\ndatabase: {{ readReplicas: 2{keys} }}\n");
            let expansion = expand_text(&text).unwrap();
            let instances = expansion.resources.iter();
            let instances = instances.filter(|resource| resource.urn.token() == "aws:rds:Instance");
            let sizes: Vec<_> = instances
                .map(|instance| {
                    let size = |name: &str| instance.inputs.get(name).cloned();
                    (size("allocatedStorage"), size("maxAllocatedStorage"))
                })
                .collect();
            assert_eq!(sizes.len(), 3, "{text}");
            assert!(sizes.iter().all(|size| *size == sizes[0]), "{sizes:?}");
            let size = sizes[0].0.as_ref().and_then(Value::as_number);
            assert!(size >= Some(20.0), "{sizes:?}");
        }
    }

    #[test]
    fn what_the_url_asks_of_the_connection_is_the_authors_choice() {
        for (keys, mode, certificates) in [
            ("{}", "require", None),
            ("{ sslMode: require }", "require", None),
            (
                "{ sslMode: verify-full, sslRootCert: /etc/ssl/rds.pem }",
                "verify-full",
                Some("/etc/ssl/rds.pem"),
            ),
            (
                "{ engineVersion: \"14\", sslMode: disable }",
                "disable",
                None,
            ),
            (
                "{ sslMode: disable, parameters: { rds.force_ssl: false } }",
                "disable",
                None,
            ),
        ] {
            let expansion = expand_text(&format!("network: {{}}\ndatabase: {keys}\n")).unwrap();
            let mut resources = expansion.resources.iter();
            let attachment = resources
                .find(|resource| resource.urn.token() == "fde:secretsmanager:TargetAttachment");
            let inputs = &attachment.unwrap().inputs;
            assert_eq!(inputs["sslMode"], mode.into(), "{keys}");
            let found = inputs.get("sslRootCert").and_then(Value::as_str);
            assert_eq!(found, certificates, "{keys}");
        }
        for (keys, says) in [
            ("{ sslMode: disable }", "rds.force_ssl: 0"),
            ("{ sslMode: verify-full }", "needs `sslRootCert`"),
            (
                "{ sslRootCert: /etc/ssl/rds.pem }",
                "goes with `sslMode: verify-full`",
            ),
            (
                "{ sslMode: verify-full, sslRootCert: rds.pem }",
                "is not a path from the root",
            ),
            (
                "{ sslMode: prefer }",
                "takes `disable`, `require` or `verify-full`",
            ),
            (
                "{ engineVersion: \"14\", sslMode: disable, parameters: { rds.force_ssl: 1 } }",
                "rds.force_ssl: 0",
            ),
        ] {
            let faults = faults_of(&format!("network: {{}}\ndatabase: {keys}\n"));
            assert!(faults.contains(says), "{keys}: {faults}");
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
