//! The resources of `database:`, and the outputs that others can ask it for.

use std::collections::BTreeMap;

use super::model::Database;
use super::parameters::FORCE_SSL;
use super::spec::{ApplyChanges, ENGINE};
use super::urns::{KEY, instance, parameter_group, replica, secret, secret_attachment};
use crate::component::context::Context;
use crate::component::lookup::{Export, SecretKey};
use crate::component::network::{self, Network, security_groups};
use crate::component::platform::Platform;
use crate::component::policy;
use crate::graph::OnDelete;
use crate::resource::value::properties;
use crate::resource::{Path, Properties, StackId, Urn, Value};

impl Database {
    /// The outputs that `${database.…}` can ask for.
    pub fn exports(&self, context: &Context<'_>) -> BTreeMap<String, Export> {
        let stack = &context.id;
        let instance = instance(stack);
        let secret_key = |key| {
            Export::SecretKey(SecretKey {
                arn: Value::output(&secret(stack), "arn"),
                written_arn: Value::output(&secret_attachment(stack), "secretId"),
                key,
            })
        };
        let replicas = self.replicas(stack);
        let replica_hosts = replicas.map(|replica| Value::output(&replica, "address"));
        let mut exports: BTreeMap<String, Export> = [
            ("endpoint", Value::output(&instance, "endpoint")),
            ("host", Value::output(&instance, "address")),
            ("port", u32::from(self.port).into()),
            ("databaseName", self.database_name.as_str().into()),
            ("username", self.username.as_str().into()),
            ("identifier", Value::output(&instance, "identifier")),
            ("arn", Value::output(&instance, "arn")),
            ("secretArn", Value::output(&secret(stack), "arn")),
            ("replicaHosts", Value::list(replica_hosts)),
            ("resourceId", Value::output(&instance, "resourceId")),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Export::Value(value)))
        .collect();
        exports.insert("url".to_owned(), secret_key("url"));
        exports.insert("password".to_owned(), secret_key("password"));
        exports
    }

    /// Adds the resources of the section.
    pub fn expand(&self, context: &mut Context<'_>, platform: &Platform, network: &Network) {
        let stack = context.id.clone();
        let log_days = platform.log_retention_days(context);
        let subnet_group = Urn::new(&stack, "aws:rds:SubnetGroup", "database/subnetGroup");
        let group_inputs = properties([
            ("description", "The private subnets".into()),
            ("subnetIds", network.private_subnet_ids(&stack)),
            ("vpcId", Value::output(&network::vpc(&stack), "id")),
        ]);
        context.add(KEY, subnet_group.clone(), group_inputs);
        let parameter_group = self.add_parameter_group(context, &stack);
        let monitoring_role =
            (self.monitoring_interval > 0).then(|| add_monitoring_role(context, &stack));
        self.add_secret(context, &stack);

        let shared = self.shared_inputs(&stack, &parameter_group, monitoring_role.as_ref());
        let mut inputs = shared.clone();
        inputs.extend(properties([
            ("identifier", self.name.as_deref().into()),
            ("engine", ENGINE.into()),
            ("engineVersion", self.engine_version.as_str().into()),
            ("allocatedStorage", self.storage.into()),
            ("maxAllocatedStorage", self.max_storage.into()),
            ("storageType", "gp3".into()),
            ("storageEncrypted", true.into()),
            ("dbName", self.database_name.as_str().into()),
            ("username", self.username.as_str().into()),
            (
                "masterPasswordSecretArn",
                Value::output(&secret(&stack), "arn"),
            ),
            ("port", u32::from(self.port).into()),
            ("dbSubnetGroupName", Value::output(&subnet_group, "name")),
            ("multiAz", self.multi_az.into()),
            (
                "backupRetentionPeriod",
                u32::from(self.backup_retention_days).into(),
            ),
            ("backupWindow", self.backup_window.as_deref().into()),
            (
                "maintenanceWindow",
                self.maintenance_window.as_deref().into(),
            ),
            ("deletionProtection", self.deletion_protection.into()),
        ]));
        if self.allow_major_version_upgrade {
            inputs.insert("allowMajorVersionUpgrade".to_owned(), true.into());
        }
        let resource = context.add(KEY, instance(&stack), inputs);
        resource.options.on_delete = self.on_delete;
        resource.origin.name_key = Some(Path::from(KEY).key("name"));
        let name = self.name.as_deref();
        self.logs.expand(context, &instance(&stack), name, log_days);

        let attachment = properties([
            ("secretId", Value::output(&secret(&stack), "arn")),
            ("engine", ENGINE.into()),
            ("host", Value::output(&instance(&stack), "address")),
            ("port", u32::from(self.port).into()),
            ("dbname", self.database_name.as_str().into()),
            ("username", self.username.as_str().into()),
            ("sslMode", self.ssl_mode.word().into()),
            ("sslRootCert", self.ssl_root_cert.as_deref().into()),
        ]);
        context.add(KEY, secret_attachment(&stack), attachment);
        self.add_replicas(context, &stack, &shared, log_days);

        let endpoint = Value::output(&instance(&stack), "endpoint");
        context
            .outputs
            .push(("databaseEndpoint".to_owned(), endpoint));
        let secret_arn = Value::output(&secret(&stack), "arn");
        context
            .outputs
            .push(("databaseSecretArn".to_owned(), secret_arn));
    }

    /// The inputs that the instance and its replicas have in common.
    fn shared_inputs(
        &self,
        stack: &StackId,
        parameter_group: &Urn,
        monitoring_role: Option<&Urn>,
    ) -> Properties {
        let group = Value::output(&security_groups::database(stack), "id");
        let mut inputs = properties([
            ("instanceClass", self.instance_class.as_str().into()),
            ("vpcSecurityGroupIds", Value::list([group])),
            ("parameterGroupName", Value::output(parameter_group, "name")),
            ("publiclyAccessible", false.into()),
            ("autoMinorVersionUpgrade", true.into()),
            // A snapshot with our ownership tags would count as part of the stack. A final snapshot gets the other tags.
            ("copyTagsToSnapshot", false.into()),
            (
                "performanceInsightsEnabled",
                self.performance_insights.into(),
            ),
            ("monitoringInterval", self.monitoring_interval.into()),
            (
                "applyImmediately",
                (self.apply_changes == ApplyChanges::Now).into(),
            ),
        ]);
        if self.performance_insights {
            inputs.insert("performanceInsightsRetentionPeriod".to_owned(), 7.into());
        }
        if let Some(role) = monitoring_role {
            inputs.insert("monitoringRoleArn".to_owned(), Value::output(role, "arn"));
        }
        // A replica does not inherit it from its source:
        // <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstanceReadReplica.html>
        if self.iam_authentication {
            inputs.insert("iamDatabaseAuthenticationEnabled".to_owned(), true.into());
        }
        inputs
    }

    fn add_parameter_group(&self, context: &mut Context<'_>, stack: &StackId) -> Urn {
        let urn = parameter_group(stack);
        let major = self.engine_version.split('.').next().unwrap_or_default();
        let parameters = self.parameters.iter().map(|(name, value)| {
            Value::object([
                ("name", name.as_str().into()),
                ("value", value.as_str().into()),
            ])
        });
        let inputs = properties([
            ("family", format!("{ENGINE}{major}").into()),
            ("description", "Parameters of the database".into()),
            ("parameters", Value::list(parameters)),
        ]);
        let resource = context.add(KEY, urn.clone(), inputs);
        if self.forces_tls_by_default {
            // Older versions have 0, and newer ones may have been set to it.
            let keep = "database.parameters: { rds.force_ssl: 0 }";
            let path = Path::from("parameters").key(FORCE_SSL);
            resource.new_default(path, None::<Value>, keep);
        }
        urn
    }

    fn add_secret(&self, context: &mut Context<'_>, stack: &StackId) {
        let template = serde_json::json!({ "username": self.username }).to_string();
        let inputs = properties([
            ("description", "Access to the database".into()),
            (
                "generateSecretString",
                Value::object([
                    ("secretStringTemplate", template.into()),
                    ("generateStringKey", "password".into()),
                    ("passwordLength", 32.into()),
                    // RDS refuses some punctuation, and in a URL most of it would have to be escaped.
                    ("excludePunctuation", true.into()),
                ]),
            ),
        ]);
        let resource = context.add(KEY, secret(stack), inputs);
        resource.options.on_delete = self.on_delete;
    }

    fn add_replicas(
        &self,
        context: &mut Context<'_>,
        stack: &StackId,
        shared: &Properties,
        log_days: u32,
    ) {
        for number in 1..=self.read_replicas {
            let mut inputs = shared.clone();
            // A replica that is full stops replaying, and what it has not replayed then fills its source.
            inputs.insert("allocatedStorage".to_owned(), self.storage.into());
            inputs.insert("maxAllocatedStorage".to_owned(), self.max_storage.into());
            let source = Value::output(&instance(stack), "identifier");
            inputs.insert("replicateSourceDb".to_owned(), source);
            let name = self.name.as_ref();
            let name = name.map(|name| format!("{name}-replica{number}"));
            inputs.extend(properties([("identifier", name.as_deref().into())]));
            let resource = context.add(KEY, replica(stack, number), inputs);
            resource.origin.name_key = Some(Path::from(KEY).key("name"));
            // All it holds, the instance holds too.
            resource.options.on_delete = OnDelete::Delete;
            if number > 1 {
                // RDS makes replicas of one source one at a time.
                let before = replica(stack, number - 1);
                resource.options.depends_on.insert(before);
            }
            // It sends its own logs, and does not inherit which.
            let urn = replica(stack, number);
            self.logs.expand(context, &urn, name.as_deref(), log_days);
        }
    }
}

fn add_monitoring_role(context: &mut Context<'_>, stack: &StackId) -> Urn {
    let role = Urn::new(stack, "aws:iam:Role", "database/monitoringRole");
    let inputs = properties([
        ("description", "Enhanced monitoring of the database".into()),
        (
            "assumeRolePolicy",
            policy::assumed_by(stack, "monitoring.rds.amazonaws.com"),
        ),
    ]);
    context.add(KEY, role.clone(), inputs);
    let managed = ":iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole";
    let attachment = properties([
        ("role", Value::output(&role, "name")),
        (
            "policyArn",
            Value::join(["arn:".into(), policy::partition(stack), managed.into()]),
        ),
    ]);
    let urn = context.urn("aws:iam:RolePolicyAttachment", "database/monitoringPolicy");
    context.add(KEY, urn, attachment);
    role
}
