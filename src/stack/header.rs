//! The head of a stack file: what it says about the stack as a whole, everything but the sections.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::resource::tags::OURS;

use super::document::Document;
use super::error::{Fault, Span, StackError};
use super::node::{Entry, Node};
use super::region::{self, Verdict};

/// AWS takes 50 per object.
const MAX_TAGS: usize = 50 - OURS;
const MAX_TAG_KEY: usize = 128;
const MAX_TAG_VALUE: usize = 256;
/// All keys together are stored in one tag value.
const MAX_TAG_KEYS: usize = 200;
/// Between them.
const KEY_SEPARATOR: &str = " + ";

/// The kind of environment. Every default depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// Cheap, and easy to throw away.
    Dev,
    /// Like production in shape, smaller in size.
    Staging,
    /// Available, protected, and keeping its data.
    Prod,
}

impl Environment {
    /// The environment as it is written in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Staging => "staging",
            Self::Prod => "prod",
        }
    }

    /// The default of a key in each environment.
    pub fn choose<T>(self, dev: T, staging: T, prod: T) -> T {
        match self {
            Self::Dev => dev,
            Self::Staging => staging,
            Self::Prod => prod,
        }
    }
}

/// The value of `kmsKey` for a key that the stack makes.
const CREATE: &str = "create";

/// The key that encrypts what the sections make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KmsKey {
    /// The stack makes it.
    Create,
    /// The key already exists; this is its ARN.
    Arn(String),
}

impl From<String> for KmsKey {
    fn from(written: String) -> Self {
        if written == CREATE {
            Self::Create
        } else {
            Self::Arn(written)
        }
    }
}

/// The region in the ARN of a key; `None` for any other text.
fn region_of_key(text: &str) -> Option<&str> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [arn, partition, service, region, account, resource] = parts[..] else {
        return None;
    };
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let id = resource.strip_prefix("key/")?;
    let is_id = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let is_key = arn == "arn" && partition.starts_with("aws") && service == "kms";
    (is_key && is_account && is_id).then_some(region)
}

/// Keys of other tools that mean one of the head.
fn synonyms() -> Json {
    json!({
        "env": "environment", "stage": "environment", "stack": "name", "project": "name",
        "Description": "description", "accountId": "account",
        "kms": "kmsKey", "kmsKeyId": "kmsKey", "kmsKeyArn": "kmsKey", "encryptionKey": "kmsKey", "encryption": "kmsKey",
    })
}

/// Keys of other tools for what a stack does without.
fn unsupported() -> Json {
    json!({
        "variables": "there are no variables: what differs goes into a file that `extends` this one, or into `--set`",
        "config": "there are no variables: what differs goes into a file that `extends` this one, or into `--set`",
        "backend": "there is no state file: take the key out",
        "provider": "everything in a stack goes to one account and region: take the key out",
        "providers": "everything in a stack goes to one account and region: take the key out",
        "runtime": "a stack is this file alone: take the key out",
    })
}

/// The head of a stack file.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-synonyms" = synonyms(), "x-unsupported" = unsupported()))]
pub struct Header {
    /// The JSON Schema of this file, for editors that look for it here.
    #[serde(rename = "$schema", default)]
    #[expect(dead_code, reason = "for editors alone")]
    schema: Option<String>,
    /// Another stack file, relative to this one, that this one is laid over: maps merge, lists and single values
    /// replace.
    #[serde(default)]
    #[schemars(example = &"base.yaml")]
    #[expect(dead_code, reason = "followed before the layers are merged")]
    extends: Option<String>,
    /// The name of the platform. With the environment it is the identity of the stack and the beginning of every name
    /// in AWS: 2 to 40 lower-case letters, digits and single hyphens, a letter first.
    #[schemars(example = &"happyrobot-fde", length(min = 2, max = 40))]
    #[schemars(extend("x-pattern" = "^[a-z]([a-z0-9]|-[a-z0-9])*$"))]
    pub name: String,
    /// A sentence for readers of the file.
    #[serde(default)]
    pub description: Option<String>,
    /// The kind of environment. Every default depends on it.
    #[schemars(example = &"dev")]
    pub environment: Environment,
    /// The AWS region of everything in the stack.
    #[schemars(example = &"eu-south-2")]
    #[schemars(extend("x-pattern" = "^[a-z]{2}(-[a-z]+)+-[0-9]$"))]
    pub region: String,
    /// The name of the ECS cluster that all services run in: letters, digits, `_` and `-`. Default: name and environment
    /// of the stack, with a hyphen between.
    #[serde(default)]
    #[schemars(example = &"happyrobot-fde", length(min = 1, max = 255))]
    #[schemars(extend("x-pattern" = "^[A-Za-z0-9_-]+$"))]
    pub cluster_name: Option<String>,
    /// The AWS account that the stack belongs to, 12 digits in quotes. Any other is refused before anything is read or
    /// changed.
    #[serde(default)]
    #[schemars(example = &"123456789012")]
    #[schemars(extend("x-pattern" = "^[0-9]{12}$"))]
    pub account: Option<String>,
    /// The ARN of a managed policy that limits what every role of the stack can ever be allowed. It is made elsewhere,
    /// before the stack; a role under `resources` with a boundary of its own keeps that.
    #[serde(default)]
    #[schemars(example = &"arn:aws:iam::123456789012:policy/boundary", length(min = 20, max = 2048))]
    pub permissions_boundary: Option<String>,
    /// The path of every role and policy of the stack, which is a part of their ARNs; it begins and ends with `/`. For a new
    /// stack: on a live one the roles are replaced. One under `resources` with a path of its own keeps that. Default: `/`.
    #[serde(default)]
    #[schemars(example = &"/fde/", length(min = 1, max = 512))]
    #[schemars(extend("x-pattern" = "^/([!-~]+/)?$"))]
    pub role_path: Option<String>,
    /// One KMS key for the database, its insights, secrets, log groups, topics and repositories of the sections: `create`
    /// makes one for the stack, which rotates each year and stays wherever `destroy` leaves data behind; an ARN is that of a
    /// key made elsewhere, whose policy lets CloudWatch Logs, alarms and RDS events use it. On a live stack the database and
    /// the repositories would be replaced, which is refused. Resources under `resources` set their own key. Default: AWS's
    /// own keys.
    #[serde(default)]
    #[schemars(example = &"create")]
    pub kms_key: Option<String>,
    /// Tags on everything that can carry them: at most 39, without the prefixes `aws:` and `fde:`.
    #[serde(default)]
    #[schemars(example = BTreeMap::from([("project", "happyrobot-fde")]))]
    pub tags: BTreeMap<String, String>,
}

/// Checks what the schema cannot say, each value by itself.
pub fn check(document: &Document, errors: &mut Vec<StackError>, warnings: &mut Vec<StackError>) {
    let mut refuse = |key: &str, fault: Fault, label: &str, sound: &dyn Fn(&str) -> bool| {
        if let Some(node) = document.root.get(key)
            && let Some(text) = node.as_text()
            && !sound(text)
        {
            errors.push(StackError::new(fault, node.span, label));
        }
    };
    let label = "takes lower-case letters, digits and single hyphens, a letter first";
    refuse("name", Fault::Name, label, &is_stack_name);
    let label = "takes letters, digits, `_` and `-`";
    refuse("clusterName", Fault::Name, label, &|name| {
        let alphabet = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        name.bytes().all(alphabet)
    });
    let label = "an account number has 12 digits";
    refuse("account", Fault::Account, label, &|account| {
        account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit())
    });
    let label =
        "takes the ARN of a managed policy, such as `arn:aws:iam::123456789012:policy/boundary`";
    refuse("permissionsBoundary", Fault::Value, label, &is_policy_arn);
    let account = document.root.get("account").and_then(Node::as_text);
    let label = "is a policy of another account than `account`, which no role can have";
    refuse("permissionsBoundary", Fault::Value, label, &|arn| {
        let owner = arn.split(':').nth(4).unwrap_or_default();
        !is_policy_arn(arn) || owner == "aws" || account.is_none_or(|account| account == owner)
    });
    let label = "takes `/`, or printable characters of ASCII between two of them: `/fde/`";
    refuse("rolePath", Fault::Value, label, &|path| {
        path.starts_with('/')
            && path.ends_with('/')
            && path != "//"
            && path.bytes().all(|byte| byte.is_ascii_graphic())
    });
    let label = "takes `create`, or the ARN of a key: `arn:aws:kms:eu-south-2:123456789012:key/…`; no alias";
    refuse("kmsKey", Fault::Value, label, &|written| {
        written == CREATE || region_of_key(written).is_some()
    });
    let region = document.root.get("region").and_then(Node::as_text);
    let label = "is a key of another region than the stack's, which nothing here can use";
    refuse("kmsKey", Fault::Value, label, &|written| {
        let of_key = region_of_key(written);
        of_key.is_none() || region.is_none() || of_key == region
    });
    if let Some(node) = document.root.get("region")
        && let Some(region) = node.as_text()
    {
        match region::judge(region, node.span) {
            Verdict::Known => {}
            Verdict::Unknown(warning) => warnings.push(warning),
            Verdict::Wrong(error) => errors.push(error),
        }
    }
    check_tags(document, errors);
}

fn check_tags(document: &Document, errors: &mut Vec<StackError>) {
    let Some(tags) = document.root.get("tags") else {
        return;
    };
    let tags: Vec<&Entry> = tags
        .entries()
        .iter()
        .filter(|entry| !entry.value.is_null())
        .collect();
    for entry in &tags {
        if let Some(value) = entry.value.as_text() {
            check_tag(&entry.key, value, entry.key_span, entry.value.span, errors);
        }
    }
    let joined: usize = tags
        .iter()
        .map(|entry| entry.key.len() + KEY_SEPARATOR.len())
        .sum();
    if tags.len() > MAX_TAGS {
        let label = format!("at most {MAX_TAGS} tags; fde-infra adds its own to AWS's 50");
        errors.push(StackError::new(
            Fault::Tag,
            document.key_place(&"tags".into()),
            label,
        ));
    } else if joined > MAX_TAG_KEYS + KEY_SEPARATOR.len() {
        let label = format!("the keys together have more than {MAX_TAG_KEYS} characters");
        let help = "fde-infra keeps the list of your keys in a tag of its own: have fewer, or shorter ones";
        let place = document.key_place(&"tags".into());
        errors.push(StackError::new(Fault::Tag, place, label).help(help));
    }
}

/// Checks one tag of the author's.
pub fn check_tag(
    key: &str,
    value: &str,
    key_span: Span,
    value_span: Span,
    errors: &mut Vec<StackError>,
) {
    let lower = key.to_ascii_lowercase();
    let key_fault = if lower.starts_with("aws:") {
        Some("the prefix `aws:` belongs to AWS")
    } else if lower.starts_with("fde:") {
        Some("the prefix `fde:` belongs to fde-infra")
    } else if key.is_empty() || key.chars().count() > MAX_TAG_KEY {
        Some("a key has 1 to 128 characters")
    } else if key.contains(KEY_SEPARATOR) {
        Some("a key must not hold ` + `, which fde-infra puts between keys")
    } else if !key.chars().all(is_tag_character) || key.trim() != key {
        Some("a key takes letters, digits, inner spaces and `_ . : / = + - @`")
    } else {
        None
    };
    if let Some(label) = key_fault {
        errors.push(StackError::new(Fault::Tag, key_span, label));
    }
    let value_fault = if value.chars().count() > MAX_TAG_VALUE {
        Some("a value has at most 256 characters")
    } else if !value.chars().all(is_tag_character) {
        Some("a value takes letters, digits, spaces and `_ . : / = + - @`")
    } else {
        None
    };
    if let Some(label) = value_fault {
        errors.push(StackError::new(Fault::Tag, value_span, label));
    }
}

/// True for a character of the alphabet that all services share.
fn is_tag_character(character: char) -> bool {
    character.is_alphanumeric() || " _.:/=+-@".contains(character)
}

/// True for the ARN of a policy of an account, or of AWS.
fn is_policy_arn(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [arn, partition, service, region, account, policy] = parts.as_slice() else {
        return false;
    };
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let name = policy.strip_prefix("policy/").unwrap_or_default();
    *arn == "arn"
        && partition.starts_with("aws")
        && [*service, *region] == ["iam", ""]
        && (is_account || *account == "aws")
        && !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_stack_name(name: &str) -> bool {
    let alphabet = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.bytes().all(alphabet)
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && !name.ends_with('-')
        && !name.contains("--")
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use crate::component::testing::{faults, load};

    fn check(text: &str, expected: &Expect) {
        let shown = match load(&[("dev.yaml", text)], &[]) {
            Ok(stack) => format!("{} in {}", stack.id(), stack.region),
            Err(errors) => faults(&errors, 0),
        };
        expected.assert_eq(&shown);
    }

    #[test]
    fn three_lines_are_a_stack() {
        check(
            "name: shop\nenvironment: dev\nregion: eu-south-2\n",
            &expect!["shop/dev in eu-south-2"],
        );
        check(
            "name: shop\nenvironment: prod\nregion: us-gov-west-1\naccount: \"123456789012\"\n",
            &expect!["shop/prod in us-gov-west-1"],
        );
    }

    #[test]
    fn faults_of_the_head() {
        check(
            "tags: {}\n",
            &expect![[r#"
                1:1 missing_key `tags`: a stack needs `name`
                    help: add `name: "happyrobot-fde"`, for example
                1:1 missing_key `tags`: a stack needs `environment`
                    help: add `environment: "dev"`, for example
                1:1 missing_key `tags`: a stack needs `region`
                    help: add `region: "eu-south-2"`, for example
            "#]],
        );
        check(
            "name: Shop\nenvironment: production\nregion: spain\naccount: 123456789012\ndatabase: { storageGiB: x }\nfoo: 1\n",
            &expect![[r#"
                1:7 name `Shop`: takes lower-case letters, digits and single hyphens, a letter first
                2:14 unknown_word `production`: `environment` takes `dev`, `staging` or `prod`
                    help: did you mean `prod`?
                3:9 region `spain`: is not of the form `eu-south-2`
                5:25 wrong_type `x`: `database.storageGiB` takes a whole number from 20 to 65536, not a text
                6:1 unknown_key `foo`: a stack has no `foo`
                    help: it takes `account`, `clusterName`, `database`, `description`, `environment`, `extends`, `kmsKey`, `loadBalancer`, `monitoring`, `name`, `network`, `options`, `outputs`, `permissionsBoundary`, `region`, `resources`, `rolePath`, `services` and `tags`
            "#]],
        );
        check(
            "name: 5\nenvironment: dev\nregion: eu-south-2\naccount: \"12345\"\ntags:\n  aws:x: a\n  fde:stack: a\n  a + b: c\n  bad*: c\n  ok: \"semi;colon\"\n  number: 5\n  empty:\n",
            &expect![[r#"
                1:7 out_of_range `5`: `name` takes a text from 2 to 40 characters; this has 1
                1:7 name `5`: takes lower-case letters, digits and single hyphens, a letter first
                4:10 account `"12345"`: an account number has 12 digits
                6:3 tag `aws:x`: the prefix `aws:` belongs to AWS
                7:3 tag `fde:stack`: the prefix `fde:` belongs to fde-infra
                8:3 tag `a + b`: a key must not hold ` + `, which fde-infra puts between keys
                9:3 tag `bad*`: a key takes letters, digits, inner spaces and `_ . : / = + - @`
                10:7 tag `"semi;colon"`: a value takes letters, digits, spaces and `_ . : / = + - @`
                12:3 no_value `empty`: `tags.empty` has no value
                    help: write `empty: ""` for an empty text, or `empty: null` to leave it out
            "#]],
        );
    }

    #[test]
    fn boundary_and_path_of_roles() {
        let head = "name: shop\nenvironment: dev\nregion: eu-south-2\n";
        for sound in [
            "rolePath: /\n",
            "rolePath: /fde/shop/\npermissionsBoundary: arn:aws:iam::123456789012:policy/fde/boundary\n",
            "permissionsBoundary: arn:aws-us-gov:iam::aws:policy/ReadOnlyAccess\n",
        ] {
            check(
                &format!("{head}{sound}"),
                &expect!["shop/dev in eu-south-2"],
            );
        }
        check(
            &format!(
                "{head}rolePath: fde\npermissionsBoundary: arn:aws:iam::123456789012:role/boundary\n"
            ),
            &expect![[r#"
                4:11 value `fde`: takes `/`, or printable characters of ASCII between two of them: `/fde/`
                5:22 value `arn:aws:iam::123456789012:role/boundary`: takes the ARN of a managed policy, such as `arn:aws:iam::123456789012:policy/boundary`
            "#]],
        );
        check(
            &format!(
                "{head}account: \"210987654321\"\nrolePath: //\npermissionsBoundary: arn:aws:iam::123456789012:policy/boundary\n"
            ),
            &expect![[r#"
                5:11 value `//`: takes `/`, or printable characters of ASCII between two of them: `/fde/`
                6:22 value `arn:aws:iam::123456789012:policy/boundary`: is a policy of another account than `account`, which no role can have
            "#]],
        );
    }

    #[test]
    fn the_key_is_made_or_named_by_its_arn() {
        let head = "name: shop\nenvironment: dev\nregion: eu-south-2\n";
        for sound in [
            "create",
            "arn:aws:kms:eu-south-2:123456789012:key/11111111-2222-3333-4444-555555555555",
            "arn:aws:kms:eu-south-2:123456789012:key/mrk-11111111222233334444555555555555",
        ] {
            let text = format!("{head}kmsKey: {sound}\n");
            check(&text, &expect!["shop/dev in eu-south-2"]);
        }
        check(
            &format!("{head}kmsKey: alias/shop\n"),
            &expect![[r#"
            4:9 value `alias/shop`: takes `create`, or the ARN of a key: `arn:aws:kms:eu-south-2:123456789012:key/…`; no alias
        "#]],
        );
        check(
            &format!("{head}kmsKey: 11111111-2222-3333-4444-555555555555\n"),
            &expect![[r#"
                4:9 value `11111111-2222-3333-4444-555555555555`: takes `create`, or the ARN of a key: `arn:aws:kms:eu-south-2:123456789012:key/…`; no alias
            "#]],
        );
        check(
            &format!("{head}kmsKey: arn:aws:kms:eu-west-1:123456789012:key/1\n"),
            &expect![[r#"
                4:9 value `arn:aws:kms:eu-west-1:123456789012:key/1`: is a key of another region than the stack's, which nothing here can use
            "#]],
        );
    }

    #[test]
    fn too_many_tags() {
        let head = "name: shop\nenvironment: dev\nregion: eu-south-2\ntags:\n";
        let many: String = (0..45).map(|n| format!("  t{n}: x\n")).collect();
        check(
            &format!("{head}{many}"),
            &expect![[r#"
                4:1 tag `tags`: at most 39 tags; fde-infra adds its own to AWS's 50
            "#]],
        );
        let long: String = (0..4)
            .map(|n| format!("  {}{n}: x\n", "k".repeat(60)))
            .collect();
        check(
            &format!("{head}{long}"),
            &expect![[r#"
            4:1 tag `tags`: the keys together have more than 200 characters
                help: fde-infra keeps the list of your keys in a tag of its own: have fewer, or shorter ones
        "#]],
        );
    }
}
