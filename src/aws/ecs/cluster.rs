//! ECS cluster.
//!
//! - `CreateCluster` on the name of an active cluster returns that cluster as it is, with no error: only its tags show the
//!   owner. On the name of an inactive cluster, it revives it.
//! - Settings and tags are only returned when asked for.
//! - A setting that the author omits, such as Container Insights, follows the account's default.
//! - Tasks drain for a while after their service is gone; the engine repeats the deletion until they are.

use aws_sdk_ecs::types::{
    Cluster as EcsCluster, ClusterField, ClusterSetting, ClusterSettingName, Tag,
};
use futures_util::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::service::listing;
use crate::aws::answer::text;
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected, expected_or_failed};
use crate::aws::resource_type::{
    Asking, Change, Live, LiveOf, New, NoOutputs, Old, ResourceType, adopt,
};
use crate::aws::states::{self, Standing};
use crate::aws::wait::{Poll, Wait, until_visible};
use crate::resource::provider::{DataPolicy, Holder, Progress, Query, Remedy};
use crate::resource::{
    Condition, CreateClass, ErrorKind, Observed, PropertyTable, ProviderError, ReadSession, Schema,
    Value, tags,
};

/// A group of services.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// The name: 1 to 255 letters, digits, `_` and `-`; unique in account and region.
    #[property(replaces, text(super::NAME))]
    pub name: String,
    /// The settings. Default: the account's own defaults.
    #[serde(default)]
    #[property(server_chooses, set)]
    pub settings: Vec<Setting>,
}

/// One setting of a cluster.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Setting {
    /// The name of the setting: `containerInsights`.
    #[schemars(extend("enum" = ["containerInsights"]))]
    pub name: String,
    /// The value: `enabled`, `enhanced` or `disabled`.
    #[schemars(extend("enum" = ["enabled", "enhanced", "disabled"]))]
    pub value: String,
}

pub struct Cluster;

impl ResourceType for Cluster {
    type Inputs = Inputs;
    type Outputs = NoOutputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, NoOutputs>("aws:ecs:Cluster", CreateClass::NaturalKey)
            .found_by_name()
            .named(Inputs::NAME, 255)
            .blockers(&["aws:ecs:Service"])
            .aftermath(aftermath)
    }

    fn id_in<'a>(&self, arn: &'a str) -> Option<&'a str> {
        Some(arn)
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let names: Vec<String> = query.candidate_names("name").into_iter().collect();
        let wanted = query.wanted_names("name");
        let clusters = query
            .session
            .once(DESCRIBE, || describe(context, &names))
            .await?;
        Ok(clusters
            .iter()
            // A deleted cluster is returned for a while.
            .filter(|cluster| cluster.status() != Some("INACTIVE"))
            .map(live)
            .filter(|cluster| {
                cluster.tags.belongs_to(query.stack)
                    || wanted.contains(cluster.inputs.name.as_str())
            })
            .collect())
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        const OPERATION: &str = "ecs:CreateCluster";
        let request = context
            .ecs
            .create_cluster()
            .cluster_name(&new.inputs.name)
            .set_settings(settings(new.inputs))
            .set_tags(Some(super::to_sdk(new.tags)));
        let answer = context.send(request).await?;
        let cluster = expected(OPERATION, answer.cluster, "a cluster")?;
        let is_owner = |tag: &Tag| {
            tag.key() == Some(tags::URN) && tag.value() == Some(new.urn.to_string().as_str())
        };
        if cluster.tags().iter().any(is_owner) {
            return Ok(live(&cluster));
        }
        // The answer does not show our tags: the cluster may have existed before, with another owner.
        let found = until_visible(|| async {
            find(context, new.inputs)
                .await?
                .filter(|cluster| cluster.status() != Some("INACTIVE"))
                .ok_or_else(|| {
                    ProviderError::new(
                        ErrorKind::NotFound,
                        DESCRIBE,
                        "the cluster just created is not listed",
                    )
                })
        })
        .await?;
        // No cluster of this name existed when the stack was read: one that is empty and has no tags at all is the cluster
        // just made, whose tags were lost.
        let is_empty = found.active_services_count() == 0
            && found.running_tasks_count() == 0
            && found.pending_tasks_count() == 0
            && found.registered_container_instances_count() == 0;
        if is_empty && found.tags().is_empty() {
            return Ok(live(&found));
        }
        let met = ProviderError::new(ErrorKind::AlreadyExists, OPERATION, String::new());
        adopt(new.tags, live(&found), met)
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        if change.touches(Inputs::SETTINGS) {
            until_visible(|| {
                let request = context
                    .ecs
                    .update_cluster_settings()
                    .cluster(&change.observed.inputs.name)
                    .set_settings(settings(change.wanted));
                context.send(request)
            })
            .await?;
        }
        Ok(change.applied())
    }

    async fn wait(
        &self,
        context: &Context,
        live: LiveOf<Self>,
        progress: &dyn Progress,
    ) -> AwsResult<LiveOf<Self>> {
        Wait::short(DESCRIBE, 10, progress)
            .until(|| async {
                let found = find(context, &live.inputs).await?;
                let status = found.as_ref().and_then(EcsCluster::status);
                let status = status.unwrap_or("PROVISIONING");
                match states::standing(states::CLUSTER, status) {
                    Some(Standing::Usable) => Ok(Poll::Ready(())),
                    Some(Standing::Lost) => Err(ProviderError::new(
                        ErrorKind::Failed,
                        DESCRIBE,
                        format!("cluster `{}` is {status}", live.inputs.name),
                    )),
                    _ => Ok(Poll::Pending(status.to_lowercase())),
                }
            })
            .await?;
        Ok(Live {
            condition: Condition::Ready,
            ..live
        })
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        let answer = context
            .send(context.ecs.delete_cluster().cluster(&old.live.id))
            .await?;
        if answer.cluster().and_then(EcsCluster::status) == Some("INACTIVE") {
            return Ok(());
        }
        Wait::short(DESCRIBE, 10, old.progress)
            .until(|| async {
                let found = find(context, &old.live.inputs).await?;
                Ok(match found.as_ref().and_then(EcsCluster::status) {
                    None | Some("INACTIVE") => Poll::Ready(()),
                    Some(status) => Poll::Pending(status.to_lowercase()),
                })
            })
            .await
    }

    async fn blockers_of(
        &self,
        context: &Context,
        live: &LiveOf<Self>,
        asking: &Asking<'_>,
    ) -> AwsResult<Vec<Holder>> {
        let cluster = &live.inputs.name;
        let mut names = listing::list(context, cluster).await?;
        let is_known = |name: &String| {
            let mut ours = asking.ours.iter();
            ours.any(|arn| arn.ends_with(&format!(":service/{cluster}/{name}")))
        };
        names.retain(|name| !is_known(name));
        let services = listing::describe(context, cluster, &names).await?;
        let active = services
            .iter()
            .filter(|service| service.status() == Some("ACTIVE"));
        let mut holders: Vec<Holder> = active
            .map(|service| {
                let arn = service.service_arn().unwrap_or_default();
                let name = service.service_name().unwrap_or_default();
                let text = format!("service `{name}`");
                if super::from_sdk(service.tags()).are_of_one_stack(&live.tags) {
                    return Holder::passing(arn, text);
                }
                let hand = Remedy::new(format!(
                    "{text}, which is not of this stack, runs in it; move it, or delete it if nothing needs it, then run"
                ))
                .command(format!(
                    "aws ecs delete-service --cluster {cluster} --service {name} --force"
                ));
                Holder::lasting(arn, text, hand)
            })
            .collect();
        let described = find(context, &live.inputs).await?;
        let hosts = described.map_or(0, |cluster| cluster.registered_container_instances_count());
        if hosts > 0 {
            let text = format!("{hosts} registered container instances");
            let hand = Remedy::new(format!(
                "{text}, which are not of this stack, are in it; take them out, then run"
            ))
            .command(format!(
                "aws ecs list-container-instances --cluster {cluster}"
            ));
            holders.push(Holder::lasting(String::new(), text, hand));
        }
        Ok(holders)
    }
}

const DESCRIBE: &str = "ecs:DescribeClusters";

/// Returns how many active services a cluster had when this session read it.
pub(super) async fn active_services(session: &ReadSession, arn: &str) -> AwsResult<usize> {
    let clusters = session
        .once(DESCRIBE, || async { Ok(Vec::<EcsCluster>::new()) })
        .await?;
    Ok(clusters
        .iter()
        .find(|cluster| cluster.cluster_arn() == Some(arn))
        .and_then(|cluster| usize::try_from(cluster.active_services_count()).ok())
        .unwrap_or(0))
}

/// Returns the cluster of these inputs.
async fn find(context: &Context, inputs: &Inputs) -> AwsResult<Option<EcsCluster>> {
    let found = describe(context, std::slice::from_ref(&inputs.name)).await?;
    Ok(found.into_iter().next())
}

/// Returns clusters by name, at most 100 per call.
async fn describe(context: &Context, names: &[String]) -> AwsResult<Vec<EcsCluster>> {
    let answers = try_join_all(names.chunks(100).map(|names| async move {
        let request = context
            .ecs
            .describe_clusters()
            .set_clusters(Some(names.to_vec()))
            .include(ClusterField::Tags)
            .include(ClusterField::Settings)
            .include(ClusterField::Configurations);
        let answer = context.send(request).await?;
        super::check(DESCRIBE, answer.failures())?;
        let has_failures = !answer.failures().is_empty();
        expected_or_failed(DESCRIBE, answer.clusters, has_failures, "`clusters`")
    }))
    .await?;
    Ok(answers.into_iter().flatten().collect())
}

fn settings(inputs: &Inputs) -> Option<Vec<ClusterSetting>> {
    let settings: Vec<ClusterSetting> = inputs
        .settings
        .iter()
        .map(|setting| {
            ClusterSetting::builder()
                .name(ClusterSettingName::from(setting.name.as_str()))
                .value(&setting.value)
                .build()
        })
        .collect();
    (!settings.is_empty()).then_some(settings)
}

fn live(cluster: &EcsCluster) -> LiveOf<Cluster> {
    let settings = cluster.settings().iter().filter_map(|setting| {
        Some(Setting {
            name: setting.name()?.as_str().to_owned(),
            value: setting.value()?.to_owned(),
        })
    });
    let arn = text(cluster.cluster_arn());
    Live {
        id: arn.clone(),
        arn: Some(arn),
        inputs: Inputs {
            name: text(cluster.cluster_name()),
            settings: settings.collect(),
        },
        outputs: NoOutputs {},
        tags: super::from_sdk(cluster.tags()),
        condition: match states::condition_of(
            states::CLUSTER,
            cluster.status().unwrap_or("ACTIVE"),
            cluster.active_services_count() > 0 || cluster.running_tasks_count() > 0,
        ) {
            Condition::Settling(status) => Condition::Settling(status.to_lowercase()),
            Condition::Broken(status) => Condition::Broken(status.to_lowercase()),
            usable => usable,
        },
    }
}

/// Returns the log group that outlives the cluster: Container Insights writes for a while after the cluster is gone, and
/// makes its log group again for that.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-reference-performance-logs-ECS.html>
fn aftermath(cluster: &Observed, _: DataPolicy) -> Vec<String> {
    let Some(Value::List(settings)) = cluster.inputs.get("settings") else {
        return Vec::new();
    };
    let is_on = |setting: &Value| {
        let text = |key: &str| setting.as_object()?.get(key)?.as_str();
        text("name") == Some("containerInsights")
            && text("value").is_some_and(|value| value != "disabled")
    };
    if !settings.iter().any(is_on) {
        return Vec::new();
    }
    let name = cluster.inputs.get("name").and_then(Value::as_str);
    let name = name.unwrap_or_default();
    vec![format!(
        "the log group `/aws/ecs/containerinsights/{name}/performance`, which Container Insights may make again in the next \
         minutes"
    )]
}
