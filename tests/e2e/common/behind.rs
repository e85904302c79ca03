//! AWS as it is, except for the tag index, which is as it was a while ago.

use async_trait::async_trait;

use fde_infra::aws::AwsProvider;
use fde_infra::resource::provider::{Creation, Deletion, Indexed, Progress, Query, Update};
use fde_infra::resource::{Catalog, Observed, Properties, Provider, ProviderError, StackId, Urn};

pub struct Behind<'a> {
    pub aws: &'a AwsProvider,
    pub index: Vec<Indexed>,
}

#[async_trait]
impl Provider for Behind<'_> {
    fn catalog(&self) -> &Catalog {
        self.aws.catalog()
    }

    async fn facts(&self) -> Result<Properties, ProviderError> {
        self.aws.facts().await
    }

    async fn index(&self, _: &StackId) -> Result<Vec<Indexed>, ProviderError> {
        Ok(self.index.clone())
    }

    async fn read(&self, query: Query<'_>) -> Result<Vec<Observed>, ProviderError> {
        self.aws.read(query).await
    }

    async fn create(&self, request: Creation<'_>) -> Result<Observed, ProviderError> {
        self.aws.create(request).await
    }

    async fn update(&self, request: Update<'_>) -> Result<Observed, ProviderError> {
        self.aws.update(request).await
    }

    async fn wait(
        &self,
        urn: &Urn,
        observed: Observed,
        progress: &dyn Progress,
    ) -> Result<Observed, ProviderError> {
        self.aws.wait(urn, observed, progress).await
    }

    async fn delete(&self, request: Deletion<'_>) -> Result<(), ProviderError> {
        self.aws.delete(request).await
    }
}
