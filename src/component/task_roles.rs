//! The roles of a service's tasks, and the secrets they read.
//!
//! Each service has two roles of its own. With the *execution role* ECS starts the task: it may pull from the service's
//! repository, write to its log group and read the secrets that the service names, and no others. With the *task role*
//! the code acts: it may do what `permissions:` says, by default nothing.

use std::collections::BTreeMap;

use crate::resource::Value;
use crate::resource::value::properties;
use crate::stack::reference::{self, Part};
use crate::stack::{Fault, StackError};

use super::context::Context;
use super::lookup::Found;
use super::policy::{self, allow, document};
use super::services::{Image, Service};

/// Where ECS gets the value of a variable from.
pub struct Secret {
    pub variable: String,
    /// As ECS writes it: an ARN, and which key of its JSON.
    pub value_from: Value,
    store: Store,
    /// The ARN alone, for the policy.
    arn: Value,
}

/// The kinds of place ECS reads secrets from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Store {
    SecretsManager,
    ParameterStore,
}

impl Store {
    fn action(self) -> &'static str {
        match self {
            Self::SecretsManager => "secretsmanager:GetSecretValue",
            Self::ParameterStore => "ssm:GetParameters",
        }
    }

    /// By the service in an ARN.
    fn of_arn(arn: &str) -> Option<Self> {
        match arn.split(':').nth(2)? {
            "secretsmanager" => Some(Self::SecretsManager),
            "ssm" => Some(Self::ParameterStore),
            _ => None,
        }
    }

    /// By the type of the resource that an ARN is an output of.
    fn of_token(token: &str) -> Option<Self> {
        match token {
            "aws:secretsmanager:Secret" => Some(Self::SecretsManager),
            "aws:ssm:Parameter" => Some(Self::ParameterStore),
            _ => None,
        }
    }
}

/// What the service's `secrets:` lead to; those that lead nowhere are recorded.
pub fn secrets(context: &mut Context<'_>, service: &Service) -> Vec<Secret> {
    service
        .secrets
        .iter()
        .filter_map(|(variable, text)| {
            let path = service.path(&format!("secrets.{variable}"));
            secret(context, variable, &text.0, &path)
        })
        .collect()
}

fn secret(context: &mut Context<'_>, variable: &str, text: &str, path: &str) -> Option<Secret> {
    let node = context.node_at(path)?;
    let known = context.errors.len();
    let parts = context.parts(text, &node);
    if context.errors.len() > known {
        return None;
    }
    let found = match parts.as_slice() {
        [Part::Text(arn)] => literal(arn),
        [Part::Reference(reference)] => match context.find(reference, text, &node)? {
            Found::SecretKey(secret) => Some((
                Store::SecretsManager,
                secret.arn,
                Value::join([secret.written_arn, format!(":{}::", secret.key).into()]),
            )),
            Found::Value(value) => stored(&value).map(|store| (store, value.clone(), value)),
        },
        // An ARN by reference, and which key of its JSON.
        [Part::Reference(reference), Part::Text(rest)] if rest.starts_with(':') => {
            match context.find(reference, text, &node)? {
                Found::Value(value) => stored(&value).map(|store| {
                    let from = Value::join([value.clone(), rest.as_str().into()]);
                    (store, value, from)
                }),
                Found::SecretKey(_) => None,
            }
        }
        _ => None,
    };
    let Some((store, arn, value_from)) = found else {
        let label = "is not the ARN of a secret or an SSM parameter";
        let help = "use `${database.url}`, the `arn` of an aws:secretsmanager:Secret under \
                    `resources:`, or an ARN; what is no secret belongs under `environment:`";
        let error = StackError::new(Fault::Value, node.span, label).help(help);
        context.errors.push(error);
        return None;
    };
    Some(Secret {
        variable: variable.to_owned(),
        value_from,
        store,
        arn,
    })
}

/// `arn:aws:secretsmanager:<region>:<account>:secret:<name>`, with or without `:<key>:<stage>:<version>` behind it.
fn literal(text: &str) -> Option<(Store, Value, Value)> {
    let parts: Vec<&str> = text.split(':').collect();
    let store = Store::of_arn(text)?;
    if parts.first() != Some(&"arn") || parts.len() < 6 {
        return None;
    }
    let length = match store {
        Store::SecretsManager => parts.len().min(7),
        Store::ParameterStore => parts.len(),
    };
    let arn = parts[..length].join(":");
    Some((store, arn.into(), text.into()))
}

fn stored(value: &Value) -> Option<Store> {
    match value {
        Value::Output(reference) => Store::of_token(reference.urn.token()),
        Value::String(arn) => Store::of_arn(arn),
        _ => None,
    }
}

/// Adds the two roles of a service, with their policies.
pub fn expand(context: &mut Context<'_>, service: &Service, secrets: &[Secret]) {
    let stack = context.id.clone();
    let origin = service.path("");
    for (role, description) in [
        ("executionRole", "Starts the tasks of"),
        ("taskRole", "Carries what may be done by"),
    ] {
        let inputs = properties([
            (
                "description",
                format!("{description} {}", service.key).into(),
            ),
            (
                "assumeRolePolicy",
                policy::assumed_by(&stack, "ecs-tasks.amazonaws.com"),
            ),
        ]);
        context.add(&origin, service.urn(&stack, "aws:iam:Role", role), inputs);
    }
    let mut statements = pull(context, service);
    let group = Value::output(&service.log_group_urn(&stack), "arn");
    let streams = Value::join([group, ":*".into()]);
    statements.push(allow(
        &["logs:CreateLogStream", "logs:PutLogEvents"],
        vec![streams],
    ));
    let mut by_store: BTreeMap<Store, Vec<Value>> = BTreeMap::new();
    for secret in secrets {
        let arns = by_store.entry(secret.store).or_default();
        if !arns.contains(&secret.arn) {
            arns.push(secret.arn.clone());
        }
    }
    for (store, arns) in by_store {
        statements.push(allow(&[store.action()], arns));
    }
    add_policy(context, service, "execution", statements);
    if service.permissions.is_empty() {
        return;
    }
    let mut statements = Vec::new();
    for (index, (actions, resources)) in service.permissions.iter().enumerate() {
        let actions: Vec<&str> = actions.iter().map(String::as_str).collect();
        let resources = resources
            .iter()
            .enumerate()
            .map(|(number, resource)| {
                let path = service.path(&format!("permissions[{index}].resources[{number}]"));
                context.text(resource, &path)
            })
            .collect();
        statements.push(allow(&actions, resources));
    }
    add_policy(context, service, "task", statements);
}

fn add_policy(context: &mut Context<'_>, service: &Service, kind: &str, statements: Vec<Value>) {
    let stack = context.id.clone();
    let role = service.urn(&stack, "aws:iam:Role", &format!("{kind}Role"));
    let inputs = properties([
        ("name", kind.into()),
        ("role", Value::output(&role, "name")),
        ("policy", document(statements)),
    ]);
    let urn = service.urn(&stack, "aws:iam:RolePolicy", &format!("{kind}Policy"));
    context.add(&service.path(""), urn, inputs);
}

/// Leave to pull from the repository that the image comes from, if that is an ECR repository.
fn pull(context: &Context<'_>, service: &Service) -> Vec<Value> {
    let stack = &context.id;
    let repository = match &service.image {
        Image::Deployed | Image::Own(_) => {
            Some(Value::output(&service.repository_urn(stack), "arn"))
        }
        Image::Address(text) => ecr_repository(context, &text.0),
    };
    let Some(repository) = repository else {
        return Vec::new();
    };
    vec![
        // AWS offers no resource to restrict this action to.
        allow(&["ecr:GetAuthorizationToken"], vec!["*".into()]),
        allow(
            &[
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:GetDownloadUrlForLayer",
            ],
            vec![repository],
        ),
    ]
}

/// The ARN of the repository in `<account>.dkr.ecr.<region>.amazonaws.com/<repository>:<tag>`, or of the one that a
/// `${….repositoryUrl}` at the beginning belongs to.
fn ecr_repository(context: &Context<'_>, image: &str) -> Option<Value> {
    let (parts, _) = reference::split(image);
    if let Some(Part::Reference(reference)) = parts.first()
        && let Ok(Some(Found::Value(Value::Output(output)))) = context.lookup().find(reference)
    {
        let is_repository = output.urn.token() == "aws:ecr:Repository";
        return is_repository.then(|| Value::output(&output.urn, "arn"));
    }
    let (host, rest) = image.split_once('/')?;
    let labels: Vec<&str> = host.split('.').collect();
    let [account, "dkr", "ecr", region, "amazonaws", ..] = labels.as_slice() else {
        return None;
    };
    let name = rest.split(['@', ':']).next().unwrap_or_default();
    Some(Value::join([
        "arn:".into(),
        policy::partition(&context.id),
        format!(":ecr:{region}:{account}:repository/{name}").into(),
    ]))
}
