//! The roles of a service's tasks, and the secrets they read.
//!
//! Each service has two roles of its own. With the *execution role* ECS starts the task: it may pull from the service's
//! repository, write to its log group and read the secrets that the service names, and no others. With the *task role* the
//! code acts: it may do what `permissions:` says, by default nothing, and log in to a database that allows roles to log in.

use std::collections::BTreeMap;

use crate::resource::arn::{self, ANY_SUFFIX, partial_secret};
use crate::resource::value::properties;
use crate::resource::{Path, Value};
use crate::stack::reference::{self, Part};
use crate::stack::{Fault, StackError};

use super::model::{Image, Service};
use crate::component::context::Context;
use crate::component::encryption;
use crate::component::lookup::Found;
use crate::component::policy::{self, allow, document};

/// The source from which ECS gets the value of a variable.
pub struct Secret {
    pub variable: String,
    /// The source as ECS writes it: an ARN, and the key of its JSON.
    pub value_from: Value,
    store: Store,
    /// The ARN alone, for the policy.
    arn: Value,
}

/// The kinds of places that ECS reads secrets from.
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

/// The sources that the service's `secrets:` lead to; secrets that lead nowhere are recorded as faults.
pub fn secrets(context: &mut Context<'_>, service: &Service) -> Vec<Secret> {
    service
        .secrets
        .iter()
        .filter_map(|(variable, text)| {
            let path = service.path("secrets").key(variable);
            secret(context, variable, &text.0, &path)
        })
        .collect()
}

fn secret(context: &mut Context<'_>, variable: &str, text: &str, path: &Path) -> Option<Secret> {
    let node = context.node_at(path)?;
    let known = context.errors.len();
    let parts = context.parts(text, &node);
    if context.errors.len() > known {
        return None;
    }
    let found = match parts.as_slice() {
        [Part::Text(arn)] => match literal(arn) {
            Ok(found) => found,
            Err((label, help)) => {
                let error = StackError::new(Fault::Value, node.span, label).help(help);
                context.errors.push(error);
                return None;
            }
        },
        [Part::Reference(reference)] => match context.find(reference, text, &node)? {
            Found::SecretKey(secret) => Some((
                Store::SecretsManager,
                secret.arn,
                Value::join([secret.written_arn, format!(":{}::", secret.key).into()]),
            )),
            Found::Value(value) => stored(&value).map(|store| (store, value.clone(), value)),
        },
        // An ARN by reference, and the key of its JSON.
        [Part::Reference(reference), Part::Text(rest)] if rest.starts_with(':') => {
            match context.find(reference, text, &node)? {
                Found::Value(value) => {
                    if let Err((label, help)) = check_part(text, rest) {
                        let error = StackError::new(Fault::Value, node.span, label).help(help);
                        context.errors.push(error);
                        return None;
                    }
                    stored(&value).map(|store| {
                        let from = Value::join([value.clone(), rest.as_str().into()]);
                        (store, value, from)
                    })
                }
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

/// The fault in what ECS is to read, and what to write instead.
type Wrong = (String, String);

/// `arn:aws:secretsmanager:<region>:<account>:secret:<name>`, with or without `:<key>:<stage>:<version>` behind it, or
/// `arn:aws:ssm:<region>:<account>:parameter/<name>`. `None` for anything else.
///
/// The ARN for the policy is the one that IAM compares with, which has six characters of AWS's own at the end.
fn literal(text: &str) -> Result<Option<(Store, Value, Value)>, Wrong> {
    let parts: Vec<&str> = text.split(':').collect();
    let (Some(store), Some(&"arn"), true) = (Store::of_arn(text), parts.first(), parts.len() > 5)
    else {
        return Ok(None);
    };
    match store {
        Store::SecretsManager => {
            if parts[5] != "secret" || parts.len() < 7 {
                return Ok(None);
            }
            let arn = parts[..7].join(":");
            if parts.len() > 7 {
                check_part(text, &text[arn.len()..])?;
            }
            let whole = match partial_secret(&arn) {
                Some(_) => format!("{arn}{ANY_SUFFIX}"),
                None => arn,
            };
            Ok(Some((store, whole.into(), text.into())))
        }
        Store::ParameterStore => {
            let Some(name) = parts[5].strip_prefix("parameter/") else {
                let label = "is not the ARN of a parameter, which ends in `parameter/<name>`";
                // A colon instead of the slash, or nothing but the name.
                let name = match (parts[5], parts.get(6)) {
                    ("parameter", Some(name)) => name,
                    (name, _) => name,
                };
                let name = name.trim_start_matches('/');
                let help = format!("write `{}:parameter/{name}`", parts[..5].join(":"));
                return Err((label.to_owned(), help));
            };
            if let Some(name) = name.strip_prefix('/') {
                let label = "has a slash too many: the ARN of a parameter has one before its name";
                let arn = text.replace(&format!("parameter//{name}"), &format!("parameter/{name}"));
                return Err((label.to_owned(), format!("write `{arn}`")));
            }
            if parts.len() > 6 {
                let label = "goes on behind the name of the parameter, of which ECS reads no part";
                let help = format!("write `{}`", parts[..6].join(":"));
                return Err((label.to_owned(), help));
            }
            Ok(Some((store, text.into(), text.into())))
        }
    }
}

/// Checks `:<key>:<stage>:<version>`, in which ECS requires all three colons.
fn check_part(text: &str, part: &str) -> Result<(), Wrong> {
    let colons = part.matches(':').count();
    if colons < 3 {
        let label = "names a key of the secret without the two colons that ECS wants behind it";
        let help = format!("write `{text}{}`", ":".repeat(3 - colons));
        return Err((label.to_owned(), help));
    }
    let fields: Vec<&str> = part.split(':').collect();
    match fields.as_slice() {
        [_, _, stage, version] if !stage.is_empty() && !version.is_empty() => {
            let label = "names a stage and a version, of which ECS takes one";
            let help = "leave one of the two empty, and its colon where it is";
            Err((label.to_owned(), help.to_owned()))
        }
        [_, _, _, _] => Ok(()),
        _ => {
            let label = "has more parts than `:<key>:<stage>:<version>`";
            let help = "for one key, `:<key>::` stands behind the ARN";
            Err((label.to_owned(), help.to_owned()))
        }
    }
}

fn stored(value: &Value) -> Option<Store> {
    match value {
        Value::Output(reference) => Store::of_token(reference.urn.token()),
        Value::String(arn) => Store::of_arn(arn),
        _ => None,
    }
}

/// Adds the two roles of a service, with their policies. `source` is the service whose image it runs; `access` is what its
/// tasks may do for what they use of the stack.
pub fn expand(
    context: &mut Context<'_>,
    service: &Service,
    source: &Service,
    secrets: &[Secret],
    access: Vec<Value>,
) {
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
    let mut statements = pull(context, source);
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
    if !by_store.is_empty() {
        statements.extend(encryption::decrypts(context));
    }
    for (store, arns) in by_store {
        statements.push(allow(&[store.action()], arns));
    }
    add_policy(context, service, "execution", statements);
    if service.permissions.is_empty() && access.is_empty() {
        return;
    }
    let mut statements = Vec::new();
    for (index, (actions, resources)) in service.permissions.iter().enumerate() {
        let path = service.path("permissions").index(index);
        let actions: Vec<&str> = actions.iter().map(String::as_str).collect();
        let resources: Vec<Value> = resources
            .iter()
            .enumerate()
            .map(|(number, resource)| context.text(resource, path.key("resources").index(number)))
            .collect();
        check_permission(context, &path, &actions, &resources);
        statements.push(allow(&actions, resources));
    }
    statements.extend(access);
    add_policy(context, service, "task", statements);
}

/// Checks a statement of the author's for what IAM would refuse, and for what would allow nothing.
fn check_permission(context: &mut Context<'_>, path: &Path, actions: &[&str], resources: &[Value]) {
    for (number, action) in actions.iter().enumerate() {
        let is_action = *action == "*"
            || action.split_once(':').is_some_and(|(service, name)| {
                !name.is_empty()
                    && !service.is_empty()
                    && service
                        .chars()
                        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            });
        if !is_action {
            let label = "is not an action of IAM, such as `s3:GetObject`";
            context.refuse(Fault::Value, path.key("actions").index(number), label);
        }
    }
    for (number, resource) in resources.iter().enumerate() {
        if let Value::String(text) = resource
            && text != "*"
            && !text.starts_with("arn:")
        {
            let label = "is not an ARN, by which IAM knows what may be acted on";
            let help = "write its ARN, such as `${uploads.arn}/*`, or `*` for everything";
            let path = path.key("resources").index(number);
            context.refuse_with_help(Fault::Value, path, label, help);
        }
    }
    let written: Vec<Option<String>> = resources.iter().map(arn::written).collect();
    if let Some(found) = arn::unmatched(actions.iter().copied(), &written) {
        let path = path.key("resources").index(0);
        context.refuse_with_help(Fault::Value, path, found.reason, found.help);
    }
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
    context.add(service.path(""), urn, inputs);
}

/// The permission to pull from the repository that the image comes from, if that is an ECR repository.
fn pull(context: &Context<'_>, source: &Service) -> Vec<Value> {
    let stack = &context.id;
    let repository = match &source.image {
        Image::Deployed | Image::Own(_) => {
            Some(Value::output(&source.repository_urn(stack), "arn"))
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

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use crate::component::testing::{faults_of, render_text};

    fn with(secret: &str) -> String {
        format!(
            "network: {{ natGateways: none }}\nservices: {{ api: {{ image: a/b:1, secrets: {{ TOKEN: \"{secret}\" }} }} }}\n"
        )
    }

    /// The secrets that the service may read, and those that ECS is told to read.
    fn read(secret: &str) -> Vec<String> {
        let made = render_text(&with(secret));
        let mut found: Vec<String> = Vec::new();
        for line in made.lines() {
            if let Some((_, rest)) = line.split_once("\"secretsmanager:GetSecretValue\"")
                && let Some((_, rest)) = rest.split_once("\"Resource\": ")
            {
                found.push(rest.split(']').next().unwrap_or_default().to_owned());
            }
            if let Some((_, rest)) = line.split_once("\"valueFrom\": ") {
                found.push(rest.split('}').next().unwrap_or_default().to_owned());
            }
        }
        if found.is_empty() { vec![made] } else { found }
    }

    #[test]
    fn the_random_characters_of_a_secret_are_anything_where_they_are_not_given() {
        let arn = "arn:aws:secretsmanager:eu-south-2:123456789012:secret:prod/token";
        expect![[r#"
            ["arn:aws:secretsmanager:eu-south-2:123456789012:secret:prod/token-??????"
            "arn:aws:secretsmanager:eu-south-2:123456789012:secret:prod/token""#]]
        .assert_eq(&read(arn).join("\n"));
        expect![[r#"
            ["arn:aws:secretsmanager:eu-south-2:123456789012:secret:prod/token-??????"
            "arn:aws:secretsmanager:eu-south-2:123456789012:secret:prod/token:key::""#]]
        .assert_eq(&read(&format!("{arn}:key::")).join("\n"));
        expect![[r#"
            ["arn:aws:secretsmanager:eu-south-2:123456789012:secret:prod/token-AbCdEf"
            "arn:aws:secretsmanager:eu-south-2:123456789012:secret:prod/token-AbCdEf""#]]
        .assert_eq(&read(&format!("{arn}-AbCdEf")).join("\n"));
    }

    #[test]
    fn what_ecs_would_read_otherwise_is_refused_with_the_right_text() {
        let check = |secret: &str, expected: Expect| expected.assert_eq(&faults_of(&with(secret)));
        let secret = "arn:aws:secretsmanager:eu-south-2:123456789012:secret:prod/token-AbCdEf";
        let parameter = "arn:aws:ssm:eu-south-2:123456789012:parameter";
        check(
            &format!("{secret}:key"),
            expect![[r#"
            2:52 value `"arn:aws:secretsmanager:eu-south-2:123456789012:secret:prod/token-AbCdEf:key"`: names a key of the secret without the two colons that ECS wants behind it
                help: write `arn:aws:secretsmanager:eu-south-2:123456789012:secret:prod/token-AbCdEf:key::`
        "#]],
        );
        check(
            &format!("{secret}:key:AWSCURRENT:1"),
            expect![[r#"
            2:52 value `"arn:aws:secretsmanager:eu-south-2:123456789012:secret:prod/token-AbCdEf:key:AWSCURRENT:1"`: names a stage and a version, of which ECS takes one
                help: leave one of the two empty, and its colon where it is
        "#]],
        );
        check(
            &format!("{parameter}//prod/token"),
            expect![[r#"
            2:52 value `"arn:aws:ssm:eu-south-2:123456789012:parameter//prod/token"`: has a slash too many: the ARN of a parameter has one before its name
                help: write `arn:aws:ssm:eu-south-2:123456789012:parameter/prod/token`
        "#]],
        );
        check(
            &format!("{parameter}/prod/token:3"),
            expect![[r#"
            2:52 value `"arn:aws:ssm:eu-south-2:123456789012:parameter/prod/token:3"`: goes on behind the name of the parameter, of which ECS reads no part
                help: write `arn:aws:ssm:eu-south-2:123456789012:parameter/prod/token`
        "#]],
        );
        check(&format!("{parameter}/prod/token"), expect![["fine"]]);
    }

    #[test]
    fn a_statement_that_allows_nothing_is_refused() {
        expect![[r#"
            6:48 value `"${uploads.arn}"`: `s3:GetObject` is about the objects of a bucket, and the ARN is the bucket's own: nothing would be allowed
                help: `${uploads.arn}/*` is all that is in it
            7:49 value `"${uploads.arn}/*"`: `s3:ListBucket` is about a bucket, and the ARN is that of objects in it: nothing would be allowed
                help: `${uploads.arn}` is the bucket
            9:65 value `"arn:aws:secretsmanager:eu-south-2:123456789012:secret:a"`: `secretsmanager:GetSecretValue` is about a secret, whose ARN ends in a hyphen and six characters that AWS chooses: nothing would be allowed
                help: `arn:aws:secretsmanager:eu-south-2:123456789012:secret:a-??????` is the secret, whatever they are
            10:19 value `GetItem`: is not an action of IAM, such as `s3:GetObject`
            10:41 value `"https://sqs.eu-south-2.amazonaws.com/123456789012/q"`: is not an ARN, by which IAM knows what may be acted on
                help: write its ARN, such as `${uploads.arn}/*`, or `*` for everything
        "#]]
        .assert_eq(&faults_of(
            r#"network: { natGateways: none }
services:
  api:
    image: a/b:1
    permissions:
    - { actions: ["s3:GetObject"], resources: ["${uploads.arn}"] }
    - { actions: ["s3:ListBucket"], resources: ["${uploads.arn}/*"] }
    - { actions: ["s3:GetObject", "s3:ListBucket"], resources: ["${uploads.arn}", "${uploads.arn}/*"] }
    - { actions: ["secretsmanager:GetSecretValue"], resources: ["arn:aws:secretsmanager:eu-south-2:123456789012:secret:a"] }
    - { actions: [GetItem], resources: ["https://sqs.eu-south-2.amazonaws.com/123456789012/q"] }
resources:
  uploads: { type: aws:s3:Bucket }
"#,
        ));
    }
}
