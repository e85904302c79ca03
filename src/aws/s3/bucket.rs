//! S3 bucket.
//!
//! - Names are global in the partition: a name that `HeadBucket` answers 403 to belongs to another owner.
//! - Only `ListBuckets` tells whether a bucket is in this account; one call covers all of them.
//! - Tags go with `CreateBucket`: a call after it may not find the bucket yet (hashicorp/terraform-provider-aws#13008).
//! - `CreateBucket` takes no location in us-east-1, and there a repeated call for a bucket of the account returns 200: the
//!   owner has to be checked afterwards.
//! - The name of a deleted bucket can fail with `OperationAborted` for a while before it can be used again.
//! - `DeleteBucket` is refused while one object, old version or delete marker is left. Log writers continue for minutes
//!   after they were told to stop, so a bucket that was emptied may have to be emptied again.

mod search;

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use futures_util::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::search::{common_prefix, get_tags, is_there, list, tags_of};
use super::emptying::empty;
use super::refusal;
use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::aws::resource_type::{Change, Live, LiveOf, New, Old, ResourceType, adopt};
use crate::aws::sdk_tag::to_sdk;
use crate::aws::wait::{until_visible, while_in_use};
use crate::resource::provider::{DataPolicy, Query};
use crate::resource::{
    Condition, CreateClass, ErrorKind, OutputTable, PropertyTable, ProviderError, Schema, Tags,
    TextRule,
};

/// The region without a location constraint.
const FIRST_REGION: &str = "us-east-1";

/// A container of objects.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-parts" = { "versioning": "aws:s3:BucketVersioning", "policy": "aws:s3:BucketPolicy", "lifecycleRules": "aws:s3:BucketLifecycleConfiguration", "lifecycleConfiguration": "aws:s3:BucketLifecycleConfiguration", "serverSideEncryptionConfiguration": "aws:s3:BucketServerSideEncryptionConfiguration", "bucketEncryption": "aws:s3:BucketServerSideEncryptionConfiguration", "publicAccessBlockConfiguration": "aws:s3:BucketPublicAccessBlock", "ownershipControls": "aws:s3:BucketOwnershipControls", "versioningConfiguration": "aws:s3:BucketVersioning" }))]
pub struct Inputs {
    /// The name: 3 to 63 lower-case letters, digits, dots and hyphens; unique among all accounts.
    #[property(replaces, text(NAME))]
    pub bucket: String,
    /// True if deleting the bucket deletes what is in it, whatever the stack says of its data.
    // Only ours: AWS knows no such setting.
    #[property(default(false), write_only)]
    pub force_destroy: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize, OutputTable)]
#[serde(rename_all = "camelCase")]
pub struct Outputs {
    /// `NAME.s3.amazonaws.com`
    pub bucket_domain_name: String,
    /// `NAME.s3.REGION.amazonaws.com`
    pub bucket_regional_domain_name: String,
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>
const NAME: TextRule = TextRule::new(3..=63)
    .of(
        |c| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c),
        "lower-case letters, digits, `.` and `-`",
    )
    .must(
        "begin and end with a letter or digit, hold no `..`, look like no address, and have none of the beginnings and \
         ends that are AWS's own (`xn--`, `sthree-`, `amzn-s3-demo-`, `-s3alias`, `--ol-s3`, `--x-s3`, `--table-s3`, `.mrap`)",
        is_name,
    );

fn is_name(name: &str) -> bool {
    let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_address =
        name.split('.').count() == 4 && name.split('.').all(|part| part.parse::<u8>().is_ok());
    let taken = ["xn--", "sthree-", "amzn-s3-demo-"]
        .iter()
        .any(|beginning| name.starts_with(beginning))
        || ["-s3alias", "--ol-s3", "--x-s3", "--table-s3", ".mrap"]
            .iter()
            .any(|end| name.ends_with(end));
    name.starts_with(ends) && name.ends_with(ends) && !name.contains("..") && !is_address && !taken
}

pub struct Bucket;

impl ResourceType for Bucket {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, Outputs>(super::BUCKET, CreateClass::NaturalKey)
            .found_by_name()
            .named(Inputs::BUCKET, 63)
            .global()
            .blockers(&[])
            .stateful()
            .forced_by(Inputs::FORCE_DESTROY)
    }

    fn id_in<'a>(&self, arn: &'a str) -> Option<&'a str> {
        Some(arn.split_once(":::")?.1)
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let names = query.candidate_names("bucket");
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let wanted = query.wanted_names("bucket");
        let mut found = try_join_all(names.iter().map(|name| async {
            let settled = query.settled_tags(&arn(context, name));
            Ok(match settled {
                Some(tags) => is_there(context, query.session, name)
                    .await?
                    .then(|| tags.clone()),
                None => None,
            })
        }))
        .await?;
        let unclear: BTreeSet<String> = names
            .iter()
            .zip(&found)
            .filter(|(_, tags)| tags.is_none())
            .map(|(name, _)| name.clone())
            .collect();
        if !unclear.is_empty() {
            let regions = list(context, common_prefix(&unclear)).await?;
            for (name, slot) in names.iter().zip(&mut found) {
                if unclear.contains(name) {
                    let region = regions.get(name).map(String::as_str);
                    let settled = query.settled_tags(&arn(context, name)).cloned();
                    *slot = tags_of(context, name, region, settled).await?;
                }
            }
        }
        let forced: HashMap<&str, bool> = query
            .wanted
            .iter()
            .filter_map(|wanted| {
                let name = wanted.inputs.get("bucket")?.as_str()?;
                Some((name, wanted.inputs.get("forceDestroy")?.as_bool()?))
            })
            .collect();
        Ok(names
            .iter()
            .zip(found)
            .filter_map(|(name, tags)| {
                let inputs = Inputs {
                    bucket: name.clone(),
                    force_destroy: forced.get(name.as_str()).copied().unwrap_or(false),
                };
                Some(live(context, inputs, tags?))
            })
            .filter(|bucket| {
                bucket.tags.belongs_to(query.stack) || wanted.contains(bucket.id.as_str())
            })
            .collect())
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let inputs = new.inputs;
        let name = &inputs.bucket;
        let configuration = configuration(context, new.tags);
        let created = while_in_use(Duration::from_mins(10), new.progress, || {
            let request = context
                .s3
                .create_bucket()
                .bucket(name)
                .create_bucket_configuration(configuration.clone());
            context.send(request)
        })
        .await;
        let conflict = match created {
            Ok(_) if context.region == FIRST_REGION => refusal(
                context,
                ErrorKind::AlreadyExists,
                "s3:CreateBucket",
                "the bucket exists".to_owned(),
            ),
            Ok(_) => return Ok(live(context, inputs.clone(), new.tags.clone())),
            Err(mut error) if error.code == "BucketAlreadyExists" => {
                error.kind = ErrorKind::NotOurs;
                error.message = format!("the name `{name}` is taken by another AWS account");
                return Err(error);
            }
            Err(error) if error.is(ErrorKind::AlreadyExists) => error,
            Err(error) => return Err(error),
        };
        let tags = until_visible(|| get_tags(context, name)).await?;
        adopt(new.tags, live(context, inputs.clone(), tags), conflict)
    }

    async fn update(
        &self,
        _context: &Context,
        change: Change<'_, Self>,
    ) -> AwsResult<LiveOf<Self>> {
        // A bucket has nothing but its name; its settings are resources of their own.
        Ok(change.applied())
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        let name = &old.live.id;
        let _turn = context.turn(&format!("{} {name}", super::BUCKET)).await;
        match delete_bucket(context, name).await {
            Err(error) if is_not_empty(&error) => {}
            other => return other,
        }
        if !old.live.inputs.force_destroy && old.data != DataPolicy::Discard {
            return Err(refusal(
                context,
                ErrorKind::Guarded,
                "s3:DeleteBucket",
                format!(
                    "the bucket `{name}` holds objects, and there is no snapshot of a bucket: empty it first, or set \
                     `forceDestroy: true` on it"
                ),
            ));
        }
        empty(context, name, old.progress).await?;
        delete_bucket(context, name).await.map_err(|mut error| {
            // Something still writes to it. The engine comes back to a bucket that is in use.
            if is_not_empty(&error) {
                error.kind = ErrorKind::InUse;
            }
            error
        })
    }
}

fn configuration(context: &Context, tags: &Tags) -> CreateBucketConfiguration {
    let location = (context.region != FIRST_REGION)
        .then(|| BucketLocationConstraint::from(context.region.as_str()));
    CreateBucketConfiguration::builder()
        .set_location_constraint(location)
        .set_tags(Some(to_sdk(tags)))
        .build()
}

async fn delete_bucket(context: &Context, name: &str) -> AwsResult<()> {
    context
        .send(context.s3.delete_bucket().bucket(name))
        .await?;
    Ok(())
}

fn is_not_empty(error: &ProviderError) -> bool {
    error.code == "BucketNotEmpty"
}

fn arn(context: &Context, name: &str) -> String {
    format!("arn:{}:s3:::{name}", context.partition)
}

fn live(context: &Context, inputs: Inputs, tags: Tags) -> LiveOf<Bucket> {
    let name = &inputs.bucket;
    let suffix = match context.partition.as_str() {
        "aws-cn" => "amazonaws.com.cn",
        _ => "amazonaws.com",
    };
    Live {
        id: name.clone(),
        arn: Some(arn(context, name)),
        outputs: Outputs {
            bucket_domain_name: format!("{name}.s3.{suffix}"),
            bucket_regional_domain_name: format!("{name}.s3.{}.{suffix}", context.region),
        },
        inputs,
        tags,
        condition: Condition::Ready,
    }
}
