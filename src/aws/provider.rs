//! The engine's [`Provider`], on a real account.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::join_all;

use super::context::Context;
use super::ec2::PIECES;
use super::registry::{catalog, resource_types};
use super::resource_type::{AnyResourceType, Asking};
use super::retry::told;
use super::tags;
use crate::resource::provider::{Creation, Deletion, Holder, Indexed, Progress, Query, Update};
use crate::resource::value::properties;
use crate::resource::{
    Catalog, ErrorKind, Observed, Properties, Provider, ProviderError, ReadSession, StackId, Urn,
    Value,
};

/// Live AWS.
pub struct AwsProvider {
    context: Arc<Context>,
    catalog: Catalog,
    types: BTreeMap<&'static str, Arc<dyn AnyResourceType>>,
}

impl AwsProvider {
    pub fn new(context: Context) -> Self {
        Self {
            context: Arc::new(context),
            catalog: catalog(),
            types: resource_types(),
        }
    }

    pub fn context(&self) -> &Context {
        &self.context
    }

    /// The same, for tasks of their own.
    pub fn shared_context(&self) -> Arc<Context> {
        Arc::clone(&self.context)
    }

    /// An error as others may see it: with where the call was made, since waits know only the call, and without secrets.
    fn placed<T>(&self, result: Result<T, ProviderError>) -> Result<T, ProviderError> {
        result.map_err(|mut error| {
            if error.is_of_call() {
                error.region.clone_from(&self.context.region);
            }
            self.context.without_secrets(error)
        })
    }

    fn resource_type(&self, token: &str) -> Result<&dyn AnyResourceType, ProviderError> {
        self.types.get(token).map(AsRef::as_ref).ok_or_else(|| {
            ProviderError::new(
                ErrorKind::Invalid,
                token,
                "this version of fde-infra does not know the type",
            )
        })
    }
}

#[async_trait]
impl Provider for AwsProvider {
    fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    async fn facts(&self) -> Result<Properties, ProviderError> {
        let context = &self.context;
        let answer = context
            .call("ec2:DescribeAvailabilityZones", || {
                context.ec2.describe_availability_zones().send()
            })
            .await?;
        let mut zones: Vec<&str> = answer
            .availability_zones()
            .iter()
            // Local and wavelength zones have to be opted in to, and take no NAT gateway or load balancer.
            .filter(|zone| {
                zone.zone_type()
                    .is_none_or(|kind| kind == "availability-zone")
            })
            .filter_map(|zone| zone.zone_name())
            .collect();
        zones.sort_unstable();
        Ok(properties([
            ("accountId", context.account_id.clone().into()),
            ("region", context.region.clone().into()),
            ("partition", context.partition.clone().into()),
            ("availabilityZones", zones.into()),
        ]))
    }

    async fn index(&self, stack: &StackId) -> Result<Vec<Indexed>, ProviderError> {
        tags::index(&self.context, stack).await
    }

    async fn read(&self, query: Query<'_>) -> Result<Vec<Observed>, ProviderError> {
        let result = self
            .resource_type(query.token)?
            .read(&self.context, query)
            .await;
        self.placed(result)
    }

    async fn create(&self, request: Creation<'_>) -> Result<Observed, ProviderError> {
        let work = self
            .resource_type(request.urn.token())?
            .create(&self.context, request);
        let result = told(request.progress, work).await;
        self.placed(result)
    }

    async fn update(&self, request: Update<'_>) -> Result<Observed, ProviderError> {
        let work = self
            .resource_type(request.urn.token())?
            .update(&self.context, request);
        let result = told(request.progress, work).await;
        self.placed(result)
    }

    async fn wait(
        &self,
        urn: &Urn,
        observed: Observed,
        progress: &dyn Progress,
    ) -> Result<Observed, ProviderError> {
        let work = self
            .resource_type(urn.token())?
            .wait(&self.context, observed, progress);
        let result = told(progress, work).await;
        self.placed(result)
    }

    async fn delete(&self, request: Deletion<'_>) -> Result<(), ProviderError> {
        let work = self
            .resource_type(&request.observed.token)?
            .delete(&self.context, request);
        let result = told(request.progress, work).await;
        self.placed(result)
    }

    async fn held_by(&self, going: &[&Observed]) -> Vec<Result<Vec<Holder>, ProviderError>> {
        let ids = going.iter().map(|object| object.id.as_str());
        let arns = going.iter().filter_map(|object| object.arn.as_deref());
        let ids: BTreeSet<&str> = ids.chain(arns).collect();
        let asking = &Asking {
            session: &ReadSession::default(),
            ours: &ids,
        };
        let asked = going.iter().map(|object| {
            // What holds a piece of a network holds the network as well, which answers for all of its pieces.
            let network = object.inputs.get("vpcId").and_then(Value::as_str);
            let is_answered = PIECES.contains(&object.token.as_str())
                && network.is_some_and(|network| ids.contains(network));
            async move {
                if is_answered {
                    return Ok(Vec::new());
                }
                let resource_type = self.resource_type(&object.token)?;
                let result = resource_type.held_by(&self.context, object, asking).await;
                self.placed(result)
            }
        });
        join_all(asked).await
    }
}
