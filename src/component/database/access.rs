//! Logging in to the database with an IAM role instead of a password.
//!
//! RDS lets a role in as a user of the database whose name the role's policy holds
//! (<https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.IAMPolicy.html>). Each service that uses
//! the database gets one user, with the name of the service, which has to be made in the database, and whose grants say what
//! the service may do. None gets the master user: a user that logs in by IAM can no longer log in by its password, and
//! `${database.url}` has that of the master user.

use crate::resource::{StackId, Urn, Value};
use crate::stack::reference::{self, Part, Reference};

use super::model::Database;
use super::urns::{self, KEY};
use crate::component::context::Context;
use crate::component::policy::{self, allow};
use crate::component::services::Service;

/// The output that leads to the replicas, and to nothing else.
const REPLICAS: &str = "replicaHosts";

impl Database {
    /// The statements that let a service's tasks use the database: they log in to those instances whose addresses the
    /// service has.
    pub fn access_of(&self, context: &Context<'_>, service: &Service) -> Vec<Value> {
        if !self.iam_authentication {
            return Vec::new();
        }
        let stack = &context.id;
        let uses = references(service);
        let is_of_replicas =
            |reference: &Reference| reference.path.first().is_some_and(|name| name == REPLICAS);
        let mut instances: Vec<Urn> = Vec::new();
        if uses.iter().any(|reference| !is_of_replicas(reference)) {
            instances.push(urns::instance(stack));
        }
        if uses.iter().any(is_of_replicas) {
            instances.extend(self.replicas(stack));
        }
        if instances.is_empty() {
            return Vec::new();
        }
        let region = &context.stack.region;
        let users = instances
            .iter()
            .map(|instance| user(stack, region, instance, &service.key));
        vec![allow(&["rds-db:connect"], users.collect())]
    }
}

/// The ARN of a service's user of an instance, which AWS identifies by an id that no other instance ever has.
fn user(stack: &StackId, region: &str, instance: &Urn, service: &str) -> Value {
    Value::join([
        "arn:".into(),
        policy::partition(stack),
        format!(":rds-db:{region}:").into(),
        policy::account_id(stack),
        ":dbuser:".into(),
        Value::output(instance, "resourceId"),
        format!("/{}", service.replace('-', "_")).into(),
    ])
}

/// The references through which the container learns something about the database.
fn references(service: &Service) -> Vec<Reference> {
    let command = service.command.iter().flatten();
    let texts = service
        .environment
        .values()
        .chain(service.secrets.values())
        .chain(command);
    texts
        .flat_map(|text| reference::split(&text.0).0)
        .filter_map(|part| match part {
            Part::Reference(reference) if reference.name == KEY => Some(reference),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::component::testing::{expand_text, faults_of};
    use crate::resource::Value;

    fn platform(database: &str) -> String {
        format!(
            "network: {{}}
database: {database}
services:
  api: {{ port: 8000, default: true, secrets: {{ DATABASE_URL: \"${{database.url}}\" }} }}
  order-mail: {{ environment: {{ DB_HOST: \"${{database.host}}:${{database.port}}\" }}, permissions: [{{ actions: [\"s3:GetObject\"], resources: [\"*\"] }}] }}
  report: {{ command: [\"report\", \"${{database.replicaHosts[0]}}\"] }}
  web: {{ environment: {{ LOG_LEVEL: info }} }}
loadBalancer: {{}}
"
        )
    }

    /// The statements on the database in the policy of a service's tasks.
    fn access(database: &str, service: &str) -> Vec<String> {
        let expansion = expand_text(&platform(database)).unwrap();
        let name = format!("services/{service}/taskPolicy");
        let mut resources = expansion.resources.iter();
        let Some(policy) = resources.find(|resource| resource.urn.name() == name) else {
            return Vec::new();
        };
        let document = policy.inputs["policy"].as_object().unwrap();
        let statements = document["Statement"].as_list().unwrap().iter();
        statements
            .map(|statement| format!("{statement:?}"))
            .filter(|statement| statement.contains("rds-db:"))
            .collect()
    }

    #[test]
    fn a_service_logs_in_as_its_own_user_to_what_it_has_the_address_of() {
        let on = "{ iamAuthentication: true, readReplicas: 2 }";
        for (service, ids, user) in [
            ("api", &["database/instance"][..], "/api"),
            ("order-mail", &["database/instance"], "/order_mail"),
            (
                "report",
                &["database/replica1", "database/replica2"],
                "/report",
            ),
        ] {
            let found = access(on, service);
            assert_eq!(found.len(), 1, "{service}: {found:?}");
            assert!(found[0].contains("rds-db:connect"), "{found:?}");
            assert_eq!(found[0].matches(":dbuser:").count(), ids.len(), "{found:?}");
            assert_eq!(found[0].matches(user).count(), ids.len(), "{found:?}");
            assert!(found[0].contains(":rds-db:eu-south-2:"), "{found:?}");
            for id in ids {
                let id = format!("${{{id}.resourceId}}");
                assert!(found[0].contains(&id), "{id}: {found:?}");
            }
            assert!(!found[0].contains('*'), "{found:?}");
        }
        assert_eq!(access(on, "web"), [""; 0], "it has nothing of the database");
    }

    #[test]
    fn roles_may_log_in_only_where_the_file_says_so() {
        for (database, on) in [
            ("{ readReplicas: 1 }", None),
            ("{ readReplicas: 1, iamAuthentication: false }", None),
            (
                "{ readReplicas: 1, iamAuthentication: true }",
                Some(Value::Bool(true)),
            ),
        ] {
            let expansion = expand_text(&platform(database)).unwrap();
            let resources = expansion.resources.iter();
            let instances: Vec<_> = resources
                .filter(|resource| resource.urn.token() == "aws:rds:Instance")
                .map(|instance| instance.inputs.get("iamDatabaseAuthenticationEnabled"))
                .collect();
            assert_eq!(instances, [on.as_ref(), on.as_ref()], "{database}");
            assert_eq!(access(database, "api").is_empty(), on.is_none());
        }
        for environment in ["staging", "prod"] {
            let text = format!(
                "name: shop\nenvironment: {environment}\nregion: eu-south-2\n{}",
                platform("{ readReplicas: 1 }")
            );
            let stack = crate::component::testing::load(&[("dev.yaml", &text)], &[]).unwrap();
            let catalog = crate::component::testing::catalog();
            let expansion = crate::component::expand(&stack, &catalog).unwrap();
            let mut resources = expansion.resources.iter();
            assert!(resources.all(|resource| {
                !resource
                    .inputs
                    .contains_key("iamDatabaseAuthenticationEnabled")
            }));
        }
    }

    /// RDS takes the token of a role only over TLS.
    #[test]
    fn a_role_does_not_log_in_without_tls() {
        let text = "network: {}\ndatabase: { iamAuthentication: true, sslMode: disable, parameters: { rds.force_ssl: 0 } }\n";
        let faults = faults_of(text);
        assert!(faults.contains("`disable`: "), "{faults}");
        assert!(faults.contains("iamAuthentication"), "{faults}");
        let fine = text.replace("sslMode: disable", "sslMode: require");
        assert_eq!(faults_of(&fine), "fine");
    }

    #[test]
    fn the_id_that_policies_want_can_be_referred_to() {
        let text = "network: {}\ndatabase: {}\nresources:\n  note: { type: aws:sns:Topic, properties: { displayName: \"${database.resourceId}\" } }\n";
        let expansion = expand_text(text).unwrap();
        let mut resources = expansion.resources.iter();
        let note = resources.find(|resource| resource.urn.name() == "note");
        let shown = format!("{:?}", note.unwrap().inputs["displayName"]);
        assert_eq!(shown, "${database/instance.resourceId}");
    }
}
