//! ARNs as IAM and ECS read them, which is not always as one thinks.
//!
//! Secrets Manager adds a hyphen and six random characters to a secret's name in its ARN. Its own calls take an ARN
//! without them, and IAM does not: a policy that names one allows nothing (aws/aws-cdk#7994, #12411). S3 has ARNs of
//! buckets and of what is in them, and an action goes with one of the two alone.

use super::{Value, value::OutputReference};

/// The pattern that IAM takes in the place of the six random characters of a secret.
pub const ANY_SUFFIX: &str = "-??????";

/// An action that a statement allows, but that applies to none of its resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmatched {
    pub action: String,
    pub reason: String,
    pub help: String,
}

/// The name in the ARN of a secret that lacks the six random characters: `…:secret:prod/db` and not
/// `…:secret:prod/db-AbCdEf`. `None` for any other text. Secrets Manager, too, takes a name that ends in a hyphen and six
/// letters or digits for a whole one.
pub fn partial_secret(arn: &str) -> Option<&str> {
    let mut parts = arn.splitn(7, ':');
    if parts.next() != Some("arn") || parts.nth(1) != Some("secretsmanager") {
        return None;
    }
    if parts.nth(2) != Some("secret") {
        return None;
    }
    let name = parts.next()?;
    let is_whole = name.contains(['*', '?'])
        || name.rsplit_once('-').is_some_and(|(before, suffix)| {
            !before.is_empty()
                && suffix.len() == 6
                && suffix.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
    (!is_whole).then_some(name)
}

/// An action that applies to none of the resources of its statement, as far as these are known.
pub fn unmatched<'a>(
    actions: impl Iterator<Item = &'a str>,
    resources: &[Option<String>],
) -> Option<Unmatched> {
    let resources: Option<Vec<&str>> = resources.iter().map(Option::as_deref).collect();
    let resources = resources?;
    let first = *resources.first()?;
    for action in actions {
        let Some((service, name)) = action.split_once(':') else {
            continue;
        };
        let all = |wrong: fn(&str) -> bool| resources.iter().all(|resource| wrong(resource));
        let (reason, help) = match service {
            "s3" if is_of_objects(name) && all(is_bucket) => (
                "is about the objects of a bucket, and the ARN is the bucket's own",
                format!("`{first}/*` is all that is in it"),
            ),
            "s3" if is_of_buckets(name) && all(is_object) => {
                let bucket = first.split('/').next().unwrap_or(first);
                (
                    "is about a bucket, and the ARN is that of objects in it",
                    format!("`{bucket}` is the bucket"),
                )
            }
            "secretsmanager" if is_of_secrets(name) && all(|arn| partial_secret(arn).is_some()) => {
                (
                    "is about a secret, whose ARN ends in a hyphen and six characters that AWS chooses",
                    format!("`{first}{ANY_SUFFIX}` is the secret, whatever they are"),
                )
            }
            _ => continue,
        };
        return Some(Unmatched {
            action: action.to_owned(),
            reason: format!("`{action}` {reason}: nothing would be allowed"),
            help,
        });
    }
    None
}

/// The text of a resource in a policy, with a placeholder for what AWS tells later; `None` where that says too little of
/// what the text becomes.
pub fn written(resource: &Value) -> Option<String> {
    match resource {
        Value::String(text) => Some(text.clone()),
        Value::Output(reference) => of_output(reference),
        Value::Join(parts) => parts
            .iter()
            .enumerate()
            .map(|(index, part)| match part {
                Value::String(text) => Some(text.clone()),
                Value::Output(reference) if index == 0 => of_output(reference),
                _ => None,
            })
            .collect(),
        _ => None,
    }
}

fn of_output(reference: &OutputReference) -> Option<String> {
    let is_bucket = reference.urn.token() == "aws:s3:Bucket" && reference.path == ["arn"];
    is_bucket.then(|| format!("${{{reference}}}"))
}

/// `arn:aws:s3:::bucket`, which a `*` at its end would take further.
fn is_bucket(resource: &str) -> bool {
    is_of_s3(resource) && !resource.contains(['/', '*', '?'])
}

fn is_object(resource: &str) -> bool {
    is_of_s3(resource) && resource.contains('/')
}

/// Access points have a region in theirs.
fn is_of_s3(resource: &str) -> bool {
    if resource.starts_with("${") {
        return true;
    }
    let parts: Vec<&str> = resource.splitn(6, ':').collect();
    matches!(parts.as_slice(), ["arn", _, "s3", "", "", _])
}

fn is_of_objects(action: &str) -> bool {
    let whole = !action.contains(['*', '?']);
    let parts = [
        "GetObject",
        "PutObject",
        "DeleteObject",
        "RestoreObject",
        "AbortMultipartUpload",
        "ListMultipartUploadParts",
    ];
    whole && parts.iter().any(|part| action.starts_with(part))
}

fn is_of_buckets(action: &str) -> bool {
    let whole = !action.contains(['*', '?']);
    let parts = ["ListBucket", "GetBucket", "PutBucket"];
    whole && parts.iter().any(|part| action.starts_with(part))
}

/// Actions that IAM checks against a secret.
fn is_of_secrets(action: &str) -> bool {
    !["GetRandomPassword", "ListSecrets", "BatchGetSecretValue"].contains(&action)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_without_the_random_characters_is_a_part_of_one() {
        for (name, partial) in [
            ("prod/db", true),
            ("prod-database", true),
            ("prod/db-AbC1eF", false),
            ("prod/db-??????", false),
            ("prod/*", false),
            ("db-abc", true),
            // Secrets Manager itself takes this for a whole one.
            ("api-secret", false),
        ] {
            let arn = format!("arn:aws:secretsmanager:eu-south-2:123456789012:secret:{name}");
            assert_eq!(partial_secret(&arn).is_some(), partial, "{name}");
        }
        assert_eq!(partial_secret("arn:aws:s3:::secret"), None);
        assert_eq!(partial_secret("prod/db"), None);
    }

    fn found(actions: &[&str], resources: &[&str]) -> Option<String> {
        let resources: Vec<Option<String>> = resources
            .iter()
            .map(|resource| Some((*resource).to_owned()))
            .collect();
        unmatched(actions.iter().copied(), &resources).map(|unmatched| unmatched.help)
    }

    #[test]
    fn an_action_wants_a_resource_of_its_kind() {
        let bucket = "arn:aws:s3:::uploads";
        let objects = "arn:aws:s3:::uploads/*";
        let secret = "arn:aws:secretsmanager:eu-south-2:123456789012:secret:prod/db";
        for (actions, resources, help) in [
            (
                &["s3:GetObject"][..],
                &[bucket][..],
                Some("`arn:aws:s3:::uploads/*` is all that is in it"),
            ),
            (
                &["s3:ListBucket"],
                &[objects],
                Some("`arn:aws:s3:::uploads` is the bucket"),
            ),
            (&["s3:GetObject", "s3:ListBucket"], &[bucket, objects], None),
            (&["s3:GetObject"], &["*"], None),
            (&["s3:GetObject"], &["arn:aws:s3:::uploads*"], None),
            (&["s3:Get*"], &[bucket], None),
            (&["secretsmanager:ListSecrets"], &[secret], None),
            (
                &["s3:GetObject"],
                &["arn:aws:s3:eu-south-2:1:accesspoint/x/object/*"],
                None,
            ),
        ] {
            assert_eq!(
                found(actions, resources).as_deref(),
                help,
                "{actions:?} {resources:?}"
            );
        }
        let help = found(&["secretsmanager:GetSecretValue"], &[secret]).unwrap();
        assert!(help.contains(":secret:prod/db-??????`"), "{help}");
        // An unknown value may be right.
        assert_eq!(
            unmatched(
                ["s3:GetObject"].into_iter(),
                &[Some(bucket.to_owned()), None]
            ),
            None
        );
    }
}
