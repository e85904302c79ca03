//! The engine's [`Provider`], on a real account.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, join, join_all};

use super::cloudcontrol::{self, ThroughCloudControl};
use super::connection::Connection;
use super::context::{Clients, ConnectError, Context, connect_beside};
use super::ec2::PIECES;
use super::rds::offers;
use super::registry::{catalog, resource_types};
use super::resource_type::{AnyResourceType, Asking};
use super::retry::with_progress;
use super::tag_index;
use crate::resource::offer::{NotOffered, Order, Standing};
use crate::resource::provider::{Creation, Deletion, Holder, Indexed, Progress, Query, Update};
use crate::resource::value::properties;
use crate::resource::{
    Catalog, Condition, ErrorKind, Observed, Properties, Provider, ProviderError, ReadSession,
    StackId, Urn, Value,
};

/// Live AWS.
pub struct AwsProvider {
    context: Arc<Context>,
    zones: Begun<Vec<String>>,
    index: Begun<(StackId, Vec<Indexed>)>,
    catalog: Catalog,
    types: BTreeMap<&'static str, Arc<dyn AnyResourceType>>,
    /// All types that are not among these.
    others: ThroughCloudControl,
}

/// A request made before the identity was known, until its answer is taken.
struct Begun<T>(Mutex<Option<Answer<T>>>);

type Answer<T> = Shared<BoxFuture<'static, Result<T, ProviderError>>>;

impl<T> Begun<T> {
    /// Takes the answer. A second reading asks again.
    fn take(&self) -> Option<Answer<T>> {
        let mut begun = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        begun.take()
    }
}

impl AwsProvider {
    pub fn new(context: Context) -> Self {
        Self::having_begun(context, None, None)
    }

    /// Connects, for a caller that reads a stack next and has no account to compare with: the first requests of a reading
    /// are made alongside the very first call, and used by [`Provider::facts`] and [`Provider::index`].
    ///
    /// # Errors
    /// Those of [`super::connect`]. An early request fails where it is used.
    pub async fn reading(connection: &Connection, stack: &StackId) -> Result<Self, ConnectError> {
        let begin = |clients: &Arc<Clients>| {
            let zones = {
                let clients = Arc::clone(clients);
                async move { zones(&clients).await }.boxed().shared()
            };
            let index = {
                let (clients, stack) = (Arc::clone(clients), stack.clone());
                let asking = async move {
                    let index = tag_index::index(&clients, &stack).await?;
                    Ok((stack, index))
                };
                asking.boxed().shared()
            };
            let work = join(zones.clone(), index.clone());
            ((zones, index), work)
        };
        let (context, (zones, index)) = connect_beside(connection, begin).await?;
        Ok(Self::having_begun(context, Some(zones), Some(index)))
    }

    fn having_begun(
        context: Context,
        zones: Option<Answer<Vec<String>>>,
        index: Option<Answer<(StackId, Vec<Indexed>)>>,
    ) -> Self {
        Self {
            context: Arc::new(context),
            zones: Begun(Mutex::new(zones)),
            index: Begun(Mutex::new(index)),
            catalog: catalog(),
            types: resource_types(),
            others: ThroughCloudControl::default(),
        }
    }

    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Returns the context for separate tasks.
    pub fn shared_context(&self) -> Arc<Context> {
        Arc::clone(&self.context)
    }

    /// Completes an error for the caller: adds the region of the call, since waits know only the call, and removes secrets.
    fn with_region<T>(&self, result: Result<T, ProviderError>) -> Result<T, ProviderError> {
        result.map_err(|mut error| {
            if error.is_of_call() {
                error.region.clone_from(&self.context.region);
            }
            self.context.without_secrets(error)
        })
    }

    fn resource_type(&self, token: &str) -> Result<&dyn AnyResourceType, ProviderError> {
        let listed = self.types.get(token).map(AsRef::as_ref);
        let other = || {
            let known = cloudcontrol::schema(token);
            known.map(|_| &self.others as &dyn AnyResourceType)
        };
        listed.or_else(other).ok_or_else(|| {
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
        let zones = match self.zones.take() {
            Some(begun) => begun.await?,
            None => zones(context).await?,
        };
        let zones: Vec<&str> = zones.iter().map(String::as_str).collect();
        Ok(properties([
            ("accountId", context.account_id.clone().into()),
            ("region", context.region.clone().into()),
            ("partition", context.partition.clone().into()),
            ("availabilityZones", zones.into()),
        ]))
    }

    async fn index(&self, stack: &StackId) -> Result<Vec<Indexed>, ProviderError> {
        if let Some(begun) = self.index.take() {
            let (of, index) = begun.await?;
            if of == *stack {
                return Ok(index);
            }
        }
        tag_index::index(&self.context, stack).await
    }

    fn foreseen(&self, token: &str, entry: &Indexed) -> Option<Observed> {
        let id = self.types.get(token)?.id_in(&entry.arn)?;
        Some(Observed {
            token: token.to_owned(),
            id: id.to_owned(),
            arn: Some(entry.arn.clone()),
            inputs: Properties::new(),
            outputs: Properties::new(),
            tags: entry.tags.clone(),
            condition: Condition::Ready,
        })
    }

    async fn ahead(&self, query: Query<'_>) {
        if let Some(resource_type) = self.types.get(query.token) {
            resource_type.ahead(&self.context, query).await;
        }
    }

    async fn read(&self, query: Query<'_>) -> Result<Vec<Observed>, ProviderError> {
        let result = self
            .resource_type(query.token)?
            .read(&self.context, query)
            .await;
        self.with_region(result)
    }

    async fn create(&self, request: Creation<'_>) -> Result<Observed, ProviderError> {
        let work = self
            .resource_type(request.urn.token())?
            .create(&self.context, request);
        let result = with_progress(request.progress, work).await;
        self.with_region(result)
    }

    async fn update(&self, request: Update<'_>) -> Result<Observed, ProviderError> {
        let work = self
            .resource_type(request.urn.token())?
            .update(&self.context, request);
        let result = with_progress(request.progress, work).await;
        self.with_region(result)
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
        let result = with_progress(progress, work).await;
        self.with_region(result)
    }

    async fn delete(&self, request: Deletion<'_>) -> Result<(), ProviderError> {
        let work = self
            .resource_type(&request.observed.token)?
            .delete(&self.context, request);
        let result = with_progress(request.progress, work).await;
        self.with_region(result)
    }

    async fn blockers_of(&self, going: &[&Observed]) -> Vec<Result<Vec<Holder>, ProviderError>> {
        let ids = going.iter().map(|object| object.id.as_str());
        let arns = going.iter().filter_map(|object| object.arn.as_deref());
        let ids: BTreeSet<&str> = ids.chain(arns).collect();
        let asking = &Asking {
            session: &ReadSession::default(),
            ours: &ids,
        };
        let asked = going.iter().map(|object| {
            // An object that holds a part of a network holds the network as well, which answers for all of its parts.
            let network = object.inputs.get("vpcId").and_then(Value::as_str);
            let is_answered = PIECES.contains(&object.token.as_str())
                && network.is_some_and(|network| ids.contains(network));
            async move {
                if is_answered {
                    return Ok(Vec::new());
                }
                let resource_type = self.resource_type(&object.token)?;
                let result = resource_type
                    .blockers_of(&self.context, object, asking)
                    .await;
                self.with_region(result)
            }
        });
        join_all(asked).await
    }

    /// Database instances alone have options that differ from region to region and can be asked for.
    async fn not_offered(
        &self,
        orders: &[Order<'_>],
        standing: &[Standing<'_>],
    ) -> Vec<Result<Vec<NotOffered>, ProviderError>> {
        // A replica mostly asks for what its source asks for.
        let session = &ReadSession::default();
        let asked = orders.iter().map(|order| async move {
            let found = offers::not_offered(&self.context, session, order, standing).await;
            self.with_region(found)
        });
        join_all(asked).await
    }
}

/// Returns the availability zones of the region that can be used.
async fn zones(clients: &Clients) -> Result<Vec<String>, ProviderError> {
    let answer = clients
        .send(clients.ec2.describe_availability_zones())
        .await?;
    let mut zones: Vec<String> = answer
        .availability_zones()
        .iter()
        // Local and wavelength zones require an opt-in, and take no NAT gateway or load balancer.
        .filter(|zone| {
            zone.zone_type()
                .is_none_or(|kind| kind == "availability-zone")
        })
        .filter_map(|zone| zone.zone_name().map(str::to_owned))
        .collect();
    zones.sort_unstable();
    Ok(zones)
}
