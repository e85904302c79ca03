//! The encryption that the head of the file asks for: `kmsKey`, one key for everything that the sections make and that takes
//! one.
//!
//! - It is made here (`create`), with a policy for the services that use it by themselves, or is the customer's (an ARN),
//!   whose policy has to let them in. Everything else goes by the rights of the caller: RDS, ECR and Secrets Manager act in
//!   the name of `up`, and of the tasks that read a secret.
//! - Buckets for access logs stay with the keys of S3: a load balancer writes to no other (aws/aws-cdk#21947).
//! - Resources under `resources` set their own key.
//! - A snapshot, a secret in its recovery window and a retained log are lost with their key. So the key stays wherever
//!   `destroy` leaves data behind.

use super::context::Context;
use super::platform::Platform;
use super::policy::{self, allow, document};
use crate::graph::{OnDelete, Resource};
use crate::resource::value::properties;
use crate::resource::{Properties, Urn, Value};
use crate::stack::KmsKey;

/// The key of the file that names the key of KMS.
const KEY: &str = "kmsKey";

/// The ARN of the key.
fn arn(context: &Context<'_>) -> Option<Value> {
    Some(match context.stack.kms_key.as_ref()? {
        KmsKey::Create => Value::output(&urn(context), "arn"),
        KmsKey::Arn(arn) => arn.as_str().into(),
    })
}

fn urn(context: &Context<'_>) -> Urn {
    context.urn("aws:kms:Key", "kmsKey/key")
}

/// Makes the key, and gives it to what the sections have made.
pub fn expand(context: &mut Context<'_>, platform: &Platform) {
    let Some(arn) = arn(context) else {
        return;
    };
    for resource in &mut context.resources {
        encrypt(resource, &arn);
    }
    if context.stack.kms_key == Some(KmsKey::Create) {
        add_key(context, platform);
    }
}

fn add_key(context: &mut Context<'_>, platform: &Platform) {
    let stack = context.id.clone();
    let window = context.environment().choose(7, 30, 30);
    let inputs = properties([
        ("description", format!("Encrypts what {stack} keeps").into()),
        ("policy", policy_of(context, platform)),
        ("enableKeyRotation", true.into()),
        ("deletionWindowInDays", window.into()),
    ]);
    let key = urn(context);
    let of_database = platform.database.as_ref().map(|found| found.on_delete());
    let resource = context.add_named(KEY, key.clone(), inputs);
    if resource.options.on_delete == OnDelete::Delete
        && let Some(on_delete) = of_database
    {
        resource.options.on_delete = on_delete;
    }
    let alias = properties([
        (
            "name",
            format!("alias/{}-{}", stack.name, stack.environment).into(),
        ),
        ("targetKeyId", Value::output(&key, "keyId")),
    ]);
    let urn = context.urn("aws:kms:Alias", "kmsKey/alias");
    context.add(KEY, urn, alias);
}

/// Gives the key to a resource that takes one.
fn encrypt(resource: &mut Resource, key: &Value) {
    let inputs = &mut resource.inputs;
    let is_on = |inputs: &Properties, name: &str| inputs.get(name) == Some(&Value::Bool(true));
    let set = |inputs: &mut Properties, name: &str, value: Value| {
        inputs.insert(name.to_owned(), value);
    };
    match resource.urn.token() {
        "aws:cloudwatch:LogGroup" | "aws:secretsmanager:Secret" => {
            set(inputs, "kmsKeyId", key.clone());
        }
        "aws:ecr:Repository" => {
            let configuration =
                Value::object([("encryptionType", "KMS".into()), ("kmsKey", key.clone())]);
            set(
                inputs,
                "encryptionConfigurations",
                Value::list([configuration]),
            );
        }
        "aws:rds:Instance" => {
            // A replica has the key of its source.
            if is_on(inputs, "storageEncrypted") {
                set(inputs, "kmsKeyId", key.clone());
            }
            if is_on(inputs, "performanceInsightsEnabled") {
                set(inputs, "performanceInsightsKmsKeyId", key.clone());
            }
        }
        "aws:sns:Topic" => set(inputs, "kmsMasterKeyId", key.clone()),
        _ => {}
    }
}

/// The policy of a key of the stack's own: it may be used by those whom IAM allows, and by the services that act by
/// themselves.
fn policy_of(context: &Context<'_>, platform: &Platform) -> Value {
    let stack = &context.id;
    let region = &context.stack.region;
    let account = policy::account_id(stack);
    let arn = |service: &str, end: &str| {
        Value::join([
            "arn:".into(),
            policy::partition(stack),
            format!(":{service}:").into(),
            account.clone(),
            format!(":{end}").into(),
        ])
    };
    let uses = |sid: &str, service: String, actions: &[&str]| {
        properties([
            ("Sid", sid.into()),
            ("Effect", "Allow".into()),
            ("Principal", Value::object([("Service", service.into())])),
            ("Action", actions.to_vec().into()),
            ("Resource", "*".into()),
        ])
    };
    let mut statements = vec![properties([
        ("Sid", "Account".into()),
        ("Effect", "Allow".into()),
        ("Principal", Value::object([("AWS", arn("iam:", "root"))])),
        ("Action", "kms:*".into()),
        ("Resource", "*".into()),
    ])];
    // <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html>
    let domain = if region.starts_with("cn-") {
        "amazonaws.com.cn"
    } else {
        "amazonaws.com"
    };
    let mut logs = uses(
        "Logs",
        format!("logs.{region}.{domain}"),
        &[
            "kms:Decrypt*",
            "kms:Describe*",
            "kms:Encrypt*",
            "kms:GenerateDataKey*",
            "kms:ReEncrypt*",
        ],
    );
    let groups = arn(&format!("logs:{region}"), "log-group:*");
    let condition = Value::object([(
        "ArnLike",
        Value::object([("kms:EncryptionContext:aws:logs:arn", groups)]),
    )]);
    logs.insert("Condition".to_owned(), condition);
    statements.push(logs);
    if let Some(monitoring) = &platform.monitoring {
        // Without it an alarm is lost, and only its history shows that: aws/aws-cdk#11121.
        // <https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html>
        const PUBLISHES: [&str; 2] = ["kms:Decrypt", "kms:GenerateDataKey*"];
        let mut alarms = uses("Alarms", "cloudwatch.amazonaws.com".to_owned(), &PUBLISHES);
        let condition = policy::from_this_account(stack);
        alarms.insert("Condition".to_owned(), condition);
        statements.push(alarms);
        if platform.database.is_some() && monitoring.has_database_events() {
            // AWS does not document that RDS tells KMS for which account it acts; with a condition that is never met, events
            // would be lost silently.
            let service = "events.rds.amazonaws.com".to_owned();
            statements.push(uses("DatabaseEvents", service, &PUBLISHES));
        }
    }
    document(statements.into_iter().map(Value::Object).collect())
}

/// The statement that lets the role that starts tasks use the key, so that ECS can read what they are given.
pub fn decrypts(context: &Context<'_>) -> Option<Value> {
    let arn = arn(context)?;
    let region = &context.stack.region;
    let services = ["secretsmanager", "ssm"];
    let services = services.map(|service| format!("{service}.{region}.amazonaws.com").into());
    let mut statement = allow(&["kms:Decrypt"], vec![arn]);
    if let Value::Object(statement) = &mut statement {
        let via = Value::object([("kms:ViaService", Value::list(services))]);
        let condition = Value::object([("StringEquals", via)]);
        statement.insert("Condition".to_owned(), condition);
    }
    Some(statement)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::component::testing::{catalog, load, with_head};
    use crate::component::{Expansion, expand};
    use crate::graph::OnDelete;
    use crate::resource::Value;

    const SECTIONS: &str = r#"network: { natGateways: none, flowLogs: true }
database: { engineVersion: "15", instanceClass: db.t3.medium, readReplicas: 1 }
services: { api: { port: 8000, default: true, secrets: { DATABASE_URL: "${database.url}" } }, plain: { image: a/b:1 } }
loadBalancer: { allowHttp: true, accessLogs: {} }
monitoring: { databaseEvents: true }
resources:
  topic: { type: aws:sns:Topic }
"#;

    fn expanded(head: &str, sections: &str) -> Expansion {
        let text = with_head(&format!("{head}{sections}"));
        let stack = load(&[("dev.yaml", &text)], &[]).unwrap();
        expand(&stack, &catalog()).unwrap()
    }

    /// Every property that names the key, by resource.
    fn given(expansion: &Expansion, key: &Value) -> String {
        let resources = expansion.resources.iter();
        let lines = resources.flat_map(|resource| {
            let inputs = resource.inputs.iter();
            let named = inputs.filter(|(_, value)| {
                *value == key
                    || value
                        .as_list()
                        .is_some_and(|list| format!("{list:?}").contains(&format!("{key:?}")))
            });
            let name = resource.urn.name();
            named.map(move |(property, _)| format!("{name}: {property}\n"))
        });
        lines.collect()
    }

    #[test]
    fn all_that_the_sections_make_has_the_key_of_the_file() {
        const ARN: &str = "arn:aws:kms:eu-south-2:123456789012:key/1111-2222";
        let given_one = given(
            &expanded(&format!("kmsKey: {ARN}\n"), SECTIONS),
            &ARN.into(),
        );
        let created = expanded("kmsKey: create\n", SECTIONS);
        let key = created
            .resources
            .iter()
            .find(|resource| resource.urn.token() == "aws:kms:Key");
        let key = Value::output(&key.unwrap().urn, "arn");
        assert_eq!(given(&created, &key), given_one);
        expect![[r#"
            network/flowLogGroup: kmsKeyId
            database/secret: kmsKeyId
            database/instance: kmsKeyId
            database/instance: performanceInsightsKmsKeyId
            database/replica1: performanceInsightsKmsKeyId
            services/insightsLogGroup: kmsKeyId
            services/api/repository: encryptionConfigurations
            services/api/logGroup: kmsKeyId
            services/plain/logGroup: kmsKeyId
            monitoring/topic: kmsMasterKeyId
        "#]]
        .assert_eq(&given_one);
        assert_eq!(given(&expanded("", SECTIONS), &ARN.into()), "");
    }

    /// The tasks that are given a secret, and no others.
    #[test]
    fn what_starts_tasks_may_read_their_secrets() {
        let expansion = expanded("kmsKey: create\n", SECTIONS);
        let decrypts: Vec<&str> = expansion
            .resources
            .iter()
            .filter(|resource| resource.urn.token() == "aws:iam:RolePolicy")
            .filter(|resource| format!("{:?}", resource.inputs).contains("kms:Decrypt"))
            .map(|resource| resource.urn.name())
            .collect();
        assert_eq!(decrypts, ["services/api/executionPolicy"]);
    }

    /// There are statements only for what the stack has, and no role is named: a role that is not visible yet makes the
    /// policy invalid.
    #[test]
    fn services_that_act_by_themselves_are_let_in() {
        let sids = |sections: &str| {
            let expansion = expanded("kmsKey: create\n", sections);
            let mut resources = expansion.resources.iter();
            let key = resources.find(|resource| resource.urn.token() == "aws:kms:Key");
            let policy = key.unwrap().inputs["policy"].as_object().unwrap()["Statement"].clone();
            let statements = policy.as_list().unwrap().to_vec();
            let sids = statements.iter().map(|statement| {
                statement.as_object().unwrap()["Sid"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            });
            sids.collect::<Vec<_>>()
        };
        let expansion = expanded("kmsKey: create\n", SECTIONS);
        let mut resources = expansion.resources.iter();
        let key = resources.find(|resource| resource.urn.token() == "aws:kms:Key");
        let policy = serde_json::Value::from(&key.unwrap().inputs["policy"]);
        expect![[r#"
            [
              {
                "Action": "kms:*",
                "Effect": "Allow",
                "Principal": {
                  "AWS": "arn:${aws.partition}:iam::${aws.accountId}:root"
                },
                "Resource": "*",
                "Sid": "Account"
              },
              {
                "Action": [
                  "kms:Decrypt*",
                  "kms:Describe*",
                  "kms:Encrypt*",
                  "kms:GenerateDataKey*",
                  "kms:ReEncrypt*"
                ],
                "Condition": {
                  "ArnLike": {
                    "kms:EncryptionContext:aws:logs:arn": "arn:${aws.partition}:logs:eu-south-2:${aws.accountId}:log-group:*"
                  }
                },
                "Effect": "Allow",
                "Principal": {
                  "Service": "logs.eu-south-2.amazonaws.com"
                },
                "Resource": "*",
                "Sid": "Logs"
              },
              {
                "Action": [
                  "kms:Decrypt",
                  "kms:GenerateDataKey*"
                ],
                "Condition": {
                  "StringEquals": {
                    "aws:SourceAccount": "${aws.accountId}"
                  }
                },
                "Effect": "Allow",
                "Principal": {
                  "Service": "cloudwatch.amazonaws.com"
                },
                "Resource": "*",
                "Sid": "Alarms"
              },
              {
                "Action": [
                  "kms:Decrypt",
                  "kms:GenerateDataKey*"
                ],
                "Effect": "Allow",
                "Principal": {
                  "Service": "events.rds.amazonaws.com"
                },
                "Resource": "*",
                "Sid": "DatabaseEvents"
              }
            ]"#]].assert_eq(&serde_json::to_string_pretty(&policy["Statement"]).unwrap());
        assert_eq!(
            sids(SECTIONS),
            ["Account", "Logs", "Alarms", "DatabaseEvents"]
        );
        assert_eq!(sids("network: {}\n"), ["Account", "Logs"]);
    }

    /// A final snapshot is worthless without its key.
    #[test]
    fn the_key_stays_where_data_stays() {
        let on_delete = |sections: &str| {
            let expansion = expanded("kmsKey: create\n", sections);
            let mut resources = expansion.resources.iter();
            let key = resources.find(|resource| resource.urn.token() == "aws:kms:Key");
            key.unwrap().options.on_delete
        };
        assert_eq!(on_delete("network: {}\n"), OnDelete::Delete);
        let kept = "network: {}\ndatabase: { engineVersion: \"15\", onDelete: snapshot }\n";
        assert_eq!(on_delete(kept), OnDelete::Snapshot);
    }
}
