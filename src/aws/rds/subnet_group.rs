//! RDS subnet group.
//!
//! - The name is lower-cased by AWS, and is the only property that cannot change.
//! - It must span two availability zones, and a subnet that an instance uses cannot leave it.
//! - RDS acts on it with its service-linked role in the account, which `CreateDBInstance` makes and `CreateDBSubnetGroup`
//!   does not: in an account without the role, we make it. The role belongs to the account, so it stays.
//!   <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAM.ServiceLinkedRoles.html>
//! - It is in use until the last instance in it is gone, which takes minutes after the delete call.

use std::time::Duration;

use aws_sdk_rds::types::{DbSubnetGroup, Subnet};
use futures_util::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::answer::text;
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected, lacks_service_role};
use crate::aws::pages::{few_pages, one_by_one, worth};
use crate::aws::resource_type::{
    Asking, Change, Live, LiveOf, New, NoOutputs, Old, ResourceType, adopt, check, in_vpc,
};
use crate::aws::wait::{Pauses, VISIBILITY, until_visible};
use crate::resource::provider::{Holder, Query};
use crate::resource::text_rule::is_plain;
use crate::resource::{
    Condition, CreateClass, ErrorKind, InvalidInput, PropertyTable, Schema, Tags, TextRule,
};

/// The subnets that database instances may be placed in.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// The name: 1 to 255 letters, digits and `-_. `; lower-cased by AWS; not `default`.
    #[property(replaces, lower_cased, text(NAME))]
    pub name: String,
    /// The description.
    #[property(default("Managed by fde-infra"))]
    pub description: String,
    /// The subnets, in at least two availability zones.
    #[property(required, set)]
    pub subnet_ids: Vec<String>,
    /// The id of the VPC that the subnets are in. AWS knows it by itself; if it is given here, a move to another VPC is
    /// previewed as a replacement.
    #[property(server_chooses, replaces)]
    pub vpc_id: Option<String>,
}

const NAME: TextRule = TextRule::new(1..=255)
    .of(
        |c| is_plain(c) || "-_. ".contains(c),
        "letters, digits, spaces and `-_.`",
    )
    .must("not be `default`", |name| {
        !name.eq_ignore_ascii_case("default")
    });

fn fit(inputs: &Inputs) -> Vec<InvalidInput> {
    if inputs.subnet_ids.len() > 1 {
        return Vec::new();
    }
    let reason = "names subnets in at least two availability zones";
    // Their number is known, whichever they are.
    vec![InvalidInput::new("subnetIds", reason).decided_by([])]
}

pub struct SubnetGroup;

impl ResourceType for SubnetGroup {
    type Inputs = Inputs;
    type Outputs = NoOutputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, NoOutputs>("aws:rds:SubnetGroup", CreateClass::NaturalKey)
            .blockers(&["aws:rds:Instance"])
            .spreads_over(Inputs::SUBNET_IDS)
            .generated_name(Inputs::NAME, 255)
            .name_ignores_case()
            .checks(|inputs| check(inputs, fit))
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let groups = search(context, &query).await?;
        let wanted = super::wanted_names(&query, "name");
        let found = try_join_all(groups.iter().map(|group| async {
            let name = group.db_subnet_group_name().unwrap_or_default();
            let arn = group.db_subnet_group_arn().unwrap_or_default();
            let tags = super::tags_of(context, &query, &wanted, name, arn).await?;
            Ok(tags.map(|tags| live(group, tags)))
        }))
        .await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let inputs = new.inputs;
        let attempt = || {
            let request = context
                .rds
                .create_db_subnet_group()
                .db_subnet_group_name(&inputs.name)
                .db_subnet_group_description(&inputs.description)
                .set_subnet_ids(Some(inputs.subnet_ids.clone()))
                .set_tags(Some(super::to_sdk(new.tags)));
            context.send(request)
        };
        let mut created = attempt().await;
        if created.as_ref().is_err_and(lacks_service_role) {
            new.progress.status("making the service-linked role of RDS");
            make_service_role(context).await?;
            let mut pauses = Pauses::within(VISIBILITY, Duration::from_millis(250));
            created = attempt().await;
            while created.as_ref().is_err_and(lacks_service_role) && pauses.pause().await {
                created = attempt().await;
            }
        }
        match created {
            Ok(answer) => {
                let group = expected(
                    "rds:CreateDBSubnetGroup",
                    answer.db_subnet_group,
                    "a subnet group",
                )?;
                in_vpc(
                    "rds:CreateDBSubnetGroup",
                    inputs.vpc_id.as_deref(),
                    group.vpc_id(),
                )?;
                Ok(live(&group, new.tags.clone()))
            }
            Err(error) if error.is(ErrorKind::AlreadyExists) => {
                adopt(new.tags, get(context, &inputs.name).await?, error)
            }
            Err(error) => Err(error),
        }
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        // The list is replaced as a whole, so it is sent with every change.
        until_visible(|| {
            let request = context
                .rds
                .modify_db_subnet_group()
                .db_subnet_group_name(&change.observed.id)
                .db_subnet_group_description(&change.wanted.description)
                .set_subnet_ids(Some(change.wanted.subnet_ids.clone()));
            context.send(request)
        })
        .await?;
        Ok(change.applied())
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        let request = context
            .rds
            .delete_db_subnet_group()
            .db_subnet_group_name(&old.live.id);
        context.send(request).await?;
        Ok(())
    }

    async fn blockers_of(
        &self,
        context: &Context,
        live: &LiveOf<Self>,
        asking: &Asking<'_>,
    ) -> AwsResult<Vec<Holder>> {
        super::instance::using(context, asking, &live.tags, |instance| {
            let group = instance.db_subnet_group();
            group.and_then(|group| group.db_subnet_group_name()) == Some(live.id.as_str())
        })
        .await
    }

    /// Returns the time that the deletion of an instance in it may take.
    fn delete_patience(&self) -> Duration {
        super::instance::DELETION
    }
}

/// Makes the service-linked role of RDS in the account. An existing one is fine: so far it may be visible only to IAM.
async fn make_service_role(context: &Context) -> AwsResult<()> {
    let request = context
        .iam
        .create_service_linked_role()
        .aws_service_name("rds.amazonaws.com");
    let made = context.send(request).await;
    match made {
        Err(error) if error.is(ErrorKind::AlreadyExists) => Ok(()),
        other => other.map(drop),
    }
}

/// Returns every group of account and region; in an account with more than a page of them, those that may be the stack's.
async fn search(context: &Context, query: &Query<'_>) -> AwsResult<Vec<DbSubnetGroup>> {
    const OPERATION: &str = "rds:DescribeDBSubnetGroups";
    let names = super::candidates(query, "name");
    let most = worth(query, names.len());
    let all = few_pages(OPERATION, most, |marker| async move {
        let request = context
            .rds
            .describe_db_subnet_groups()
            .max_records(100)
            .set_marker(marker.clone());
        let page = context.send(request).await?;
        Ok((page.db_subnet_groups, page.marker))
    })
    .await?;
    if let Some(all) = all {
        return Ok(all);
    }
    one_by_one(names, |name| async move {
        let request = context
            .rds
            .describe_db_subnet_groups()
            .db_subnet_group_name(&name);
        let answer = context.send(request).await?;
        Ok(answer.db_subnet_groups.unwrap_or_default())
    })
    .await
}

async fn get(context: &Context, name: &str) -> AwsResult<LiveOf<SubnetGroup>> {
    let answer = until_visible(|| {
        let request = context
            .rds
            .describe_db_subnet_groups()
            .db_subnet_group_name(name);
        context.send(request)
    })
    .await?;
    let group = expected(
        "rds:DescribeDBSubnetGroups",
        answer.db_subnet_groups().first(),
        "a subnet group",
    )?;
    let arn = group.db_subnet_group_arn().unwrap_or_default();
    let tags = super::list_tags(context, arn).await?.unwrap_or_default();
    Ok(live(group, tags))
}

fn live(group: &DbSubnetGroup, tags: Tags) -> LiveOf<SubnetGroup> {
    Live {
        id: text(group.db_subnet_group_name()),
        arn: group.db_subnet_group_arn().map(str::to_owned),
        inputs: Inputs {
            name: text(group.db_subnet_group_name()),
            description: text(group.db_subnet_group_description()),
            subnet_ids: group
                .subnets()
                .iter()
                .filter_map(Subnet::subnet_identifier)
                .map(str::to_owned)
                .collect(),
            vpc_id: group.vpc_id().map(str::to_owned),
        },
        outputs: NoOutputs {},
        tags,
        condition: Condition::Ready,
    }
}
