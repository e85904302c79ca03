//! ECR repository.
//!
//! - The name is unique in account and region: a repeated create answers `RepositoryAlreadyExistsException`.
//! - One name that does not exist makes a whole `DescribeRepositories` by names fail, so names are only asked for when the
//!   tag index has them all; otherwise there is one unfiltered listing or, if that has more pages than there are names, a
//!   call for each name.
//! - A repository with images is deleted only by force.
//! - Encryption with KMS without a named key uses AWS's own key, whose ARN is then returned.

use std::collections::BTreeSet;

use aws_sdk_ecr::types::{
    EncryptionConfiguration, EncryptionType, ImageScanningConfiguration, ImageTagMutability,
    ImageTagMutabilityExclusionFilter, ImageTagMutabilityExclusionFilterType,
    Repository as EcrRepository,
};
use futures_util::future::{try_join, try_join_all};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::images::{self, Count};
use crate::aws::answer::text;
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};
use crate::aws::pages::{few_pages, one_by_one};
use crate::aws::resource_type::{Change, Live, LiveOf, New, Old, ResourceType, adopt, check};
use crate::aws::wait::until_visible;
use crate::resource::diff::sorted;
use crate::resource::provider::{DataPolicy, Query};
use crate::resource::{
    Condition, CreateClass, ErrorKind, InvalidInput, OutputTable, Properties, PropertyTable,
    ProviderError, Schema, Tags, TextRule, Value,
};

/// A place for container images.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-parts" = { "lifecyclePolicy": "aws:ecr:LifecyclePolicy" }))]
pub struct Inputs {
    /// The name: 2 to 256 lower-case letters and digits, with `.`, `_`, `-` and `/` between them; unique in account and
    /// region.
    #[property(replaces, text(NAME))]
    pub name: String,
    /// The mutability of tags, that is whether a tag can be moved to another image: `MUTABLE`, `IMMUTABLE`, or one of
    /// these except for the tags of `imageTagMutabilityExclusionFilters`: `IMMUTABLE_WITH_EXCLUSION`,
    /// `MUTABLE_WITH_EXCLUSION`.
    #[schemars(extend("enum" = ["MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION"]))]
    #[property(default("MUTABLE"))]
    pub image_tag_mutability: String,
    /// The tags for which the opposite holds: one to five filters.
    #[serde(default)]
    #[property(canonical(canonical_filters))]
    pub image_tag_mutability_exclusion_filters: Vec<ExclusionFilter>,
    /// The scanning of images. Default: no scanning. A registry-wide scanning configuration overrides it.
    #[property(default(Value::object([("scanOnPush", false.into())])))]
    pub image_scanning_configuration: Scanning,
    /// The encryption: one element. Default: `AES256`. A change replaces the repository.
    #[property(default(Value::list([Value::object([( "encryptionType", AES256.into(), )])])), replaces, canonical(canonical_encryption))]
    pub encryption_configurations: Vec<Encryption>,
    /// True if the repository may be deleted with its images.
    #[property(default(false), write_only)]
    pub force_delete: Option<bool>,
}

/// Tags that are exempt from the mutability of a repository.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExclusionFilter {
    /// A tag, with at most two `*` for any text: 1 to 128 letters, digits and `._*-`.
    pub filter: String,
    /// `WILDCARD`, the only type.
    #[serde(default = "wildcard")]
    #[schemars(extend("enum" = ["WILDCARD"]))]
    pub filter_type: String,
}

/// The scanning of images for known vulnerabilities.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scanning {
    /// True if each image is scanned once it is pushed.
    pub scan_on_push: bool,
}

/// The encryption of images at rest.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Encryption {
    /// `AES256`, `KMS` or `KMS_DSSE`.
    #[serde(default = "aes256")]
    #[schemars(extend("enum" = ["AES256", "KMS", "KMS_DSSE"]))]
    pub encryption_type: String,
    /// The ARN or id of the KMS key. Default, for KMS: AWS's own key for ECR.
    pub kms_key: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, OutputTable)]
#[serde(rename_all = "camelCase")]
pub struct Outputs {
    /// The address to push to: `<account>.dkr.ecr.<region>.amazonaws.com/<name>`.
    pub repository_url: Option<String>,
    pub registry_id: Option<String>,
    /// True if there is an image to run.
    pub has_images: bool,
    /// The number of images, up to 1000.
    pub image_count: usize,
    /// The number of those without a tag.
    pub untagged_image_count: usize,
}

const NAME: TextRule = TextRule::new(2..=256)
    .of(
        |c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-/".contains(c),
        "lower-case letters, digits and `._-/`",
    )
    .must(
        "have a letter or a digit on both sides of each `.`, `_`, `-` and `/`",
        |name| {
            // There may be several hyphens in a row, and two underscores.
            let parts = name.replace("__", "_");
            let is_plain = |part: &str| !part.is_empty();
            parts
                .split(['.', '_', '/'])
                .all(|part| is_plain(part) && !part.starts_with('-') && !part.ends_with('-'))
        },
    );

pub struct Repository;

impl ResourceType for Repository {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, Outputs>("aws:ecr:Repository", CreateClass::NaturalKey)
            .found_by_name()
            .named(Inputs::NAME, 256)
            .blockers(&[])
            .checks(|inputs| check(inputs, fit))
            .stateful()
            .forced_by(Inputs::FORCE_DELETE)
            .server_managed(keep_default_key)
    }

    fn id_in<'a>(&self, arn: &'a str) -> Option<&'a str> {
        super::name_of(arn)
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let wanted: BTreeSet<&str> = query.wanted_names("name").into_iter().collect();
        let indexed: BTreeSet<&str> = query
            .indexed
            .iter()
            .filter_map(|entry| super::name_of(&entry.arn))
            .collect();
        if wanted.is_empty() && indexed.is_empty() {
            return Ok(Vec::new());
        }
        let found = if wanted.iter().all(|name| indexed.contains(name)) {
            let names: Vec<&str> = indexed.iter().copied().collect();
            match describe(context, &names).await {
                // The index lists deleted repositories for a while.
                Err(error) if error.is(ErrorKind::NotFound) => search(context, &names).await?,
                other => other?,
            }
        } else {
            let names: Vec<&str> = wanted.union(&indexed).copied().collect();
            search(context, &names).await?
        };
        let candidates = found.iter().filter(|repository| {
            let name = repository.repository_name().unwrap_or_default();
            wanted.contains(name) || indexed.contains(name)
        });
        let read = candidates.map(|repository| async {
            let arn = repository.repository_arn().unwrap_or_default();
            let name = repository.repository_name().unwrap_or_default();
            let tags = async {
                match query.settled_tags(arn) {
                    Some(tags) => Ok(tags.clone()),
                    None => tags_of(context, repository).await,
                }
            };
            match try_join(tags, images::count(context, query, name)).await {
                Ok((tags, images)) => {
                    let mut live = live(repository, tags, images);
                    live.inputs.force_delete = consents(query, &live.id);
                    Ok(Some(live))
                }
                // It was deleted between the two calls.
                Err(error) if error.is(ErrorKind::NotFound) => Ok(None),
                Err(error) => Err(error),
            }
        });
        Ok(try_join_all(read).await?.into_iter().flatten().collect())
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let inputs = new.inputs;
        let encryption = encryption(&inputs.encryption_configurations)?;
        let filters = filters("ecr:CreateRepository", inputs)?;
        let request = context
            .ecr
            .create_repository()
            .repository_name(&inputs.name)
            .image_tag_mutability(mutability(inputs))
            .set_image_tag_mutability_exclusion_filters(filters.clone())
            .image_scanning_configuration(scanning(inputs))
            .set_encryption_configuration(encryption.clone())
            .set_tags(Some(super::to_sdk(new.tags)));
        let created = context.send(request).await;
        match created {
            Ok(answer) => {
                let repository =
                    expected("ecr:CreateRepository", answer.repository, "a repository")?;
                Ok(Live {
                    inputs: inputs.clone(),
                    ..live(&repository, new.tags.clone(), Count::default())
                })
            }
            Err(error) if error.is(ErrorKind::AlreadyExists) => {
                let name = [inputs.name.as_str()];
                let found = until_visible(|| describe(context, &name)).await?;
                let repository = expected(
                    "ecr:DescribeRepositories",
                    found.into_iter().next(),
                    "the repository",
                )?;
                let tags = tags_of(context, &repository);
                let (tags, images) =
                    try_join(tags, images::count_now(context, &inputs.name)).await?;
                adopt(new.tags, live(&repository, tags, images), error)
            }
            Err(error) => Err(error),
        }
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let name = &change.observed.id;
        let wanted = change.wanted;
        if change.touches(Inputs::IMAGE_TAG_MUTABILITY)
            || change.touches(Inputs::IMAGE_TAG_MUTABILITY_EXCLUSION_FILTERS)
        {
            let filters = filters("ecr:PutImageTagMutability", wanted)?;
            until_visible(|| {
                let request = context
                    .ecr
                    .put_image_tag_mutability()
                    .repository_name(name)
                    .image_tag_mutability(mutability(wanted))
                    .set_image_tag_mutability_exclusion_filters(filters.clone());
                context.send(request)
            })
            .await?;
        }
        if change.touches(Inputs::IMAGE_SCANNING_CONFIGURATION) {
            until_visible(|| {
                let request = context
                    .ecr
                    .put_image_scanning_configuration()
                    .repository_name(name)
                    .image_scanning_configuration(scanning(wanted));
                context.send(request)
            })
            .await?;
        }
        Ok(change.applied())
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        let live = old.live;
        // Images have no snapshot: they are deleted with consent, and otherwise keep the repository from being deleted.
        let force = old.data == DataPolicy::Discard || live.inputs.force_delete == Some(true);
        let request = context
            .ecr
            .delete_repository()
            .repository_name(&live.id)
            .force(force);
        let deleted = context.send(request).await;
        match deleted {
            Ok(_) => Ok(()),
            Err(mut error) if error.code == "RepositoryNotEmptyException" => {
                error.kind = ErrorKind::Guarded;
                error.message = format!(
                    "repository `{}` holds images, of which no snapshot can be left behind",
                    live.id
                );
                Err(error)
            }
            Err(error) => Err(error),
        }
    }
}

const AES256: &str = "AES256";
const WILDCARD: &str = "WILDCARD";

fn wildcard() -> String {
    WILDCARD.to_owned()
}

fn aes256() -> String {
    AES256.to_owned()
}

/// Returns whether the file allows the deletion of the repository with its images. AWS does not store this, so a deletion
/// knows it from here.
fn consents(query: Query<'_>, name: &str) -> Option<bool> {
    query
        .wanted
        .iter()
        .find(|wanted| wanted.inputs.get("name").and_then(Value::as_str) == Some(name))?
        .inputs
        .get("forceDelete")?
        .as_bool()
}

const DESCRIBE: &str = "ecr:DescribeRepositories";

/// Returns repositories by name, at most 100 per call. Fails as a whole if one of them does not exist.
async fn describe(context: &Context, names: &[&str]) -> AwsResult<Vec<EcrRepository>> {
    let answers = try_join_all(names.chunks(100).map(|names| async move {
        let request = context
            .ecr
            .describe_repositories()
            .set_repository_names(Some(names.iter().map(|name| (*name).to_owned()).collect()));
        let answer = context.send(request).await?;
        expected(DESCRIBE, answer.repositories, "`repositories`")
    }))
    .await?;
    Ok(answers.into_iter().flatten().collect())
}

/// Returns the existing repositories of these names, and others with them: a listing costs less than a call for each name,
/// unless it has more pages than there are names.
async fn search(context: &Context, names: &[&str]) -> AwsResult<Vec<EcrRepository>> {
    let all = few_pages(DESCRIBE, names.len(), |token| async move {
        let request = context
            .ecr
            .describe_repositories()
            .max_results(1000)
            .set_next_token(token.clone());
        let page = context.send(request).await?;
        let next = page.next_token().map(str::to_owned);
        let repositories = expected(DESCRIBE, page.repositories, "`repositories`")?;
        Ok((Some(repositories), next))
    })
    .await?;
    if let Some(all) = all {
        return Ok(all);
    }
    let names = names.iter().copied();
    one_by_one(names, |name| async move {
        let name = [name];
        describe(context, &name).await
    })
    .await
}

/// Returns the tags of a repository that neither Describe nor the index has.
async fn tags_of(context: &Context, repository: &EcrRepository) -> AwsResult<Tags> {
    const LIST_TAGS: &str = "ecr:ListTagsForResource";
    let request = context
        .ecr
        .list_tags_for_resource()
        .resource_arn(repository.repository_arn().unwrap_or_default());
    let answer = context.send(request).await?;
    let tags = expected(LIST_TAGS, answer.tags, "`tags`")?;
    Ok(super::from_sdk(&tags))
}

fn mutability(inputs: &Inputs) -> ImageTagMutability {
    ImageTagMutability::from(inputs.image_tag_mutability.as_str())
}

/// Returns the filters, `None` if there are none: AWS accepts no empty list.
fn filters(
    operation: &str,
    inputs: &Inputs,
) -> AwsResult<Option<Vec<ImageTagMutabilityExclusionFilter>>> {
    let filters = inputs.image_tag_mutability_exclusion_filters.iter();
    let built = filters.map(|one| {
        let kind = ImageTagMutabilityExclusionFilterType::from(one.filter_type.as_str());
        let filter = ImageTagMutabilityExclusionFilter::builder().filter(&one.filter);
        // The builder only refuses missing fields, and none is missing.
        let built = filter.filter_type(kind).build();
        built.map_err(|error| ProviderError::new(ErrorKind::Bug, operation, error.to_string()))
    });
    let built = built.collect::<AwsResult<Vec<_>>>()?;
    Ok((!built.is_empty()).then_some(built))
}

fn scanning(inputs: &Inputs) -> ImageScanningConfiguration {
    ImageScanningConfiguration::builder()
        .scan_on_push(inputs.image_scanning_configuration.scan_on_push)
        .build()
}

/// Checks the limits of filters: <https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html>.
fn fit_filters(inputs: &Inputs) -> Option<InvalidInput> {
    const PROPERTY: &str = "imageTagMutabilityExclusionFilters";
    let filters = &inputs.image_tag_mutability_exclusion_filters;
    let mutability = inputs.image_tag_mutability.as_str();
    let both = ["imageTagMutability", PROPERTY];
    if mutability.ends_with("_WITH_EXCLUSION") == filters.is_empty() {
        let reason = if filters.is_empty() {
            format!("must be given where `imageTagMutability` is `{mutability}`")
        } else {
            format!(
                "goes with `IMMUTABLE_WITH_EXCLUSION` or `MUTABLE_WITH_EXCLUSION`, and `imageTagMutability` is `{mutability}`"
            )
        };
        return Some(InvalidInput::new(PROPERTY, reason).decided_by(both));
    }
    if filters.len() > 5 {
        let reason = format!("has {} filters; AWS takes 5", filters.len());
        return Some(InvalidInput::new(PROPERTY, reason).decided_by([]));
    }
    let is_sound = |filter: &str| {
        (1..=128).contains(&filter.len())
            && filter.matches('*').count() <= 2
            && filter
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "._*-".contains(c))
    };
    let wrong = filters.iter().position(|one| !is_sound(&one.filter))?;
    let reason = "takes 1 to 128 letters, digits and `._-`, and at most two `*` for any text";
    Some(InvalidInput::new(
        format!("{PROPERTY}[{wrong}].filter"),
        reason,
    ))
}

fn fit(inputs: &Inputs) -> Vec<InvalidInput> {
    if let Some(invalid_input) = fit_filters(inputs) {
        return vec![invalid_input];
    }
    let configurations = &inputs.encryption_configurations;
    if configurations.len() > 1 {
        let reason = "a repository has one encryption configuration";
        return vec![InvalidInput::new("encryptionConfigurations", reason).decided_by([])];
    }
    let mut keys = configurations.iter().filter_map(|one| one.kms_key.as_ref());
    if keys.any(|key| key.starts_with("alias/") || key.contains(":alias/")) {
        let reason = "must be the ARN or id of a key: AWS returns the key that an alias stands for, so that the two \
             cannot be compared";
        return vec![InvalidInput::new(
            "encryptionConfigurations[0].kmsKey",
            reason,
        )];
    }
    Vec::new()
}

fn encryption(configurations: &[Encryption]) -> AwsResult<Option<EncryptionConfiguration>> {
    let Some(configuration) = configurations.first() else {
        return Ok(None);
    };
    let built = EncryptionConfiguration::builder()
        .encryption_type(EncryptionType::from(configuration.encryption_type.as_str()))
        .set_kms_key(configuration.kms_key.clone())
        .build();
    // The builder only refuses missing fields, and none is missing.
    built.map(Some).map_err(|error| {
        ProviderError::new(ErrorKind::Bug, "ecr:CreateRepository", error.to_string())
    })
}

/// Fills in the type, and sorts the filters: their order means nothing.
fn canonical_filters(value: Value) -> Value {
    let Value::List(filters) = value else {
        return value;
    };
    let filters = filters.into_iter().map(|filter| match filter {
        Value::Object(mut filter) => {
            let kind = filter.entry("filterType".to_owned());
            kind.or_insert_with(|| WILDCARD.into());
            Value::Object(filter)
        }
        other => other,
    });
    sorted(Value::List(filters.collect()))
}

/// Fills in the type, takes a key by its id, the end of its ARN, and drops the key where none is used.
fn canonical_encryption(value: Value) -> Value {
    let Value::List(configurations) = value else {
        return value;
    };
    let canonical = |configuration| {
        let Value::Object(mut configuration) = configuration else {
            return configuration;
        };
        let kind = configuration
            .entry("encryptionType".to_owned())
            .or_insert_with(|| AES256.into());
        if kind.as_str() == Some(AES256) {
            configuration.remove("kmsKey");
        }
        if let Some(Value::String(key)) = configuration.get_mut("kmsKey")
            && let Some((_, id)) = key.rsplit_once(":key/")
        {
            *key = id.to_owned();
        }
        Value::Object(configuration)
    };
    Value::List(configurations.into_iter().map(canonical).collect())
}

/// Keeps the key that AWS chose where KMS is wanted and no key is named.
fn keep_default_key(desired: &mut Properties, observed: &Properties) {
    let first = |properties: &Properties| {
        let configurations = properties.get("encryptionConfigurations")?.as_list()?;
        configurations.first()?.as_object().cloned()
    };
    let (Some(mut wanted), Some(found)) = (first(desired), first(observed)) else {
        return;
    };
    let names_a_key = wanted.get("kmsKey").is_some_and(|key| !key.is_null());
    if names_a_key || wanted.get("encryptionType") != found.get("encryptionType") {
        return;
    }
    if let Some(key) = found.get("kmsKey") {
        wanted.insert("kmsKey".to_owned(), key.clone());
        desired.insert(
            "encryptionConfigurations".to_owned(),
            Value::list([Value::Object(wanted)]),
        );
    }
}

fn live(repository: &EcrRepository, tags: Tags, images: Count) -> LiveOf<Repository> {
    let name = text(repository.repository_name());
    let encryption = repository.encryption_configuration();
    Live {
        id: name.clone(),
        arn: repository.repository_arn().map(str::to_owned),
        inputs: Inputs {
            name,
            image_tag_mutability: repository
                .image_tag_mutability()
                .map_or("MUTABLE", ImageTagMutability::as_str)
                .to_owned(),
            image_tag_mutability_exclusion_filters: repository
                .image_tag_mutability_exclusion_filters()
                .iter()
                .map(|filter| ExclusionFilter {
                    filter: filter.filter().to_owned(),
                    filter_type: filter.filter_type().as_str().to_owned(),
                })
                .collect(),
            image_scanning_configuration: Scanning {
                scan_on_push: repository
                    .image_scanning_configuration()
                    .is_some_and(ImageScanningConfiguration::scan_on_push),
            },
            encryption_configurations: vec![Encryption {
                encryption_type: encryption
                    .map_or(AES256, |found| found.encryption_type().as_str())
                    .to_owned(),
                kms_key: encryption.and_then(|found| found.kms_key().map(str::to_owned)),
            }],
            force_delete: None,
        },
        outputs: Outputs {
            repository_url: repository.repository_uri().map(str::to_owned),
            registry_id: repository.registry_id().map(str::to_owned),
            has_images: images.all > 0,
            image_count: images.all,
            untagged_image_count: images.untagged,
        },
        tags,
        condition: Condition::Ready,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resource::value::properties;

    #[test]
    fn encryption_is_compared_by_key_id() {
        let canonical = |json: serde_json::Value| canonical_encryption(json.into());
        assert_eq!(
            canonical(
                json!([{"encryptionType": "KMS", "kmsKey": "arn:aws:kms:eu-south-2:1:key/abc"}])
            ),
            canonical(json!([{"encryptionType": "KMS", "kmsKey": "abc"}]))
        );
        assert_eq!(
            canonical(json!([{}])),
            canonical(json!([{"encryptionType": "AES256"}]))
        );
    }

    #[test]
    fn a_key_that_aws_chose_stays() {
        let with = |configuration: serde_json::Value| {
            properties([("encryptionConfigurations", json!([configuration]).into())])
        };
        let observed = with(json!({"encryptionType": "KMS", "kmsKey": "chosen"}));
        let mut desired = with(json!({"encryptionType": "KMS"}));
        keep_default_key(&mut desired, &observed);
        assert_eq!(desired, observed);
        let mut named = with(json!({"encryptionType": "KMS", "kmsKey": "mine"}));
        keep_default_key(&mut named, &observed);
        assert_eq!(
            named,
            with(json!({"encryptionType": "KMS", "kmsKey": "mine"}))
        );
    }

    #[test]
    fn names_may_hold_slashes() {
        assert_eq!(
            super::super::name_of("arn:aws:ecr:eu-south-2:1:repository/team/api"),
            Some("team/api")
        );
    }
}
