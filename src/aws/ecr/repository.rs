//! ECR repository.
//!
//! - The name is unique in account and region: a repeated create answers `RepositoryAlreadyExistsException`.
//! - One name that does not exist makes a whole `DescribeRepositories` by names fail, so names are only asked for when the
//!   tag index has them all; otherwise there is one unfiltered listing or, if that has more pages than there are names, a
//!   call for each name.
//! - A repository with images is deleted only by force.
//! - Encryption with KMS without a named key uses AWS's own key, whose ARN is then returned.

mod canonical;
mod checks;
mod model;
mod search;

use std::collections::BTreeSet;

use aws_sdk_ecr::types::{
    EncryptionConfiguration, EncryptionType, ImageScanningConfiguration, ImageTagMutability,
    ImageTagMutabilityExclusionFilter, ImageTagMutabilityExclusionFilterType,
    Repository as EcrRepository,
};
use futures_util::future::{try_join, try_join_all};

pub use self::model::{Encryption, ExclusionFilter, Inputs, Outputs, Scanning};

use self::canonical::{AES256, keep_default_key};
use self::checks::fit;
use self::search::{describe, named, search, tags_of};
use super::images::{self, Count};
use crate::aws::answer::text;
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected, if_there};
use crate::aws::resource_type::{Change, Live, LiveOf, New, Old, ResourceType, adopt, check};
use crate::aws::wait::until_visible;
use crate::resource::provider::{DataPolicy, Query};
use crate::resource::{Condition, CreateClass, ErrorKind, ProviderError, Schema, Tags, Value};

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
            // It may have been deleted between the two calls.
            let read = if_there(try_join(tags, images::count(context, query, name)).await)?;
            Ok(read.map(|(tags, images)| {
                let mut live = live(repository, tags, images);
                live.inputs.force_delete = consents(query, &live.id);
                live
            }))
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
                let found = until_visible(|| named(context, &inputs.name)).await?;
                let found = found.into_iter().next();
                let repository = expected("ecr:DescribeRepositories", found, "the repository")?;
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
                    "repository `{}` holds images, and there is no snapshot of a repository",
                    live.id
                );
                Err(error)
            }
            Err(error) => Err(error),
        }
    }
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

fn live(repository: &EcrRepository, tags: Tags, images: Count) -> LiveOf<Repository> {
    let encryption = repository.encryption_configuration();
    Live {
        id: text(repository.repository_name()),
        arn: repository.repository_arn().map(str::to_owned),
        inputs: Inputs {
            name: text(repository.repository_name()),
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
            images: images.names,
            image_count: images.all,
            untagged_image_count: images.untagged,
        },
        tags,
        condition: Condition::Ready,
    }
}
