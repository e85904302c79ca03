//! A connection to one account in one region: the SDK clients, and the one way to call through them.

use std::collections::BTreeSet;
use std::future::{Future, ready};
use std::ops::Deref;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_smithy_http_client::HttpClientError;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::SdkConfig;
use aws_types::region::Region;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::OwnedMutexGuard;

use super::connection::Connection;
use super::credentials::{Profiles, Source};
use super::endpoints::{self, Endpoint};
use super::error::{AwsResult, place};
use super::hands;
use super::http::{self, Bundle, BundleError};
use super::keyed_lock::KeyedLocks;
use super::opt_in;
use super::pages::pages;
use super::rate::Pacer;
use super::request::Request;
use super::retry::{Repeat, call, repeated};
use crate::resource::session::beside;
use crate::resource::{Masking, Proof, ProviderError, Urn};

/// The reasons why no connection could be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("no AWS region is given")]
    NoRegion,
    #[error("the account cannot be identified")]
    Identity {
        /// The address of the call, if it is not AWS's own.
        endpoint: Option<String>,
        source: ProviderError,
    },
    /// Secrets would be sent to another machine unencrypted.
    #[error("calls would go to another machine over plain http")]
    PlainHttp(Endpoint),
    /// The credentials are valid, but not in this region.
    #[error("the region is not enabled in this account")]
    RegionDisabled { source: ProviderError },
    #[error("the certificates that are to be trusted cannot be read")]
    Certificates(#[from] BundleError),
    #[error("no HTTP client can be made")]
    Client(#[from] HttpClientError),
}

/// The clients of one account and region, and the identity of the caller there.
pub struct Context {
    pub account_id: String,
    /// `aws`, or another partition such as `aws-cn`.
    pub partition: String,
    /// The ARN of the caller.
    pub caller: String,
    clients: Arc<Clients>,
}

impl Deref for Context {
    type Target = Clients;

    fn deref(&self) -> &Clients {
        &self.clients
    }
}

/// A request under way.
pub type Sent<'a, R> = BoxFuture<'a, AwsResult<<R as Request>::Output>>;

/// The clients of one account and region, before it is known which account that is.
pub struct Clients {
    pub region: String,
    /// The addresses of calls that do not go to AWS's own.
    pub endpoints: Vec<Endpoint>,
    pub ec2: aws_sdk_ec2::Client,
    pub ecr: aws_sdk_ecr::Client,
    pub ecs: aws_sdk_ecs::Client,
    pub rds: aws_sdk_rds::Client,
    pub elbv2: aws_sdk_elasticloadbalancingv2::Client,
    pub cloudcontrol: aws_sdk_cloudcontrol::Client,
    pub cloudwatch: aws_sdk_cloudwatch::Client,
    pub logs: aws_sdk_cloudwatchlogs::Client,
    pub iam: aws_sdk_iam::Client,
    pub kms: aws_sdk_kms::Client,
    pub s3: aws_sdk_s3::Client,
    pub secrets: aws_sdk_secretsmanager::Client,
    pub sns: aws_sdk_sns::Client,
    pub ssm: aws_sdk_ssm::Client,
    pub wafv2: aws_sdk_wafv2::Client,
    pub autoscaling: aws_sdk_applicationautoscaling::Client,
    pub tagging: aws_sdk_resourcegroupstagging::Client,
    pacer: Pacer,
    /// The source of the credentials, for when they are no longer valid.
    source: Source,
    turns: KeyedLocks,
    /// The secrets that have been read or sent: an error may quote them.
    secret_texts: Mutex<Masking>,
    /// The ids of secrets that could not be compared; `None` where that is an error.
    uncompared: Mutex<Option<BTreeSet<String>>>,
    /// The record of what our runs have made, once it has been read.
    proof: Mutex<Proof>,
}

/// Connects and asks STS who we are: the first call of every command, and the only one before the account guard.
///
/// # Errors
/// No region, or no usable credentials.
pub async fn connect(connection: &Connection) -> Result<Context, ConnectError> {
    let (context, ()) = connect_beside(connection, |_| ((), ready(()))).await?;
    Ok(context)
}

/// Does the same as [`connect`], for a caller that goes on with calls that need no identity: `begin` makes them, and they
/// are in flight while STS is asked. Their answers are for later and are not awaited here.
///
/// # Errors
/// Those of [`connect`].
pub(super) async fn connect_beside<Begun, Work: Future>(
    connection: &Connection,
    begin: impl FnOnce(&Arc<Clients>) -> (Begun, Work),
) -> Result<(Context, Begun), ConnectError> {
    let profiles = Profiles::read(connection.profile.as_deref()).await;
    let named = connection.endpoint_url.as_deref();
    let http = http::client(bundle(connection, &profiles)?.as_ref(), named)?;
    let config = load(connection, &profiles, &http).await;
    let region = config
        .region()
        .ok_or(ConnectError::NoRegion)?
        .as_ref()
        .to_owned();
    let source = profiles.source(connection.profile.is_some());
    let endpoints = endpoints::configured(connection, &config, &profiles, &source);
    // Before anything is sent: a web identity token goes to STS.
    if let Some(endpoint) = endpoints.iter().find(|it| it.is_refused(connection)) {
        return Err(ConnectError::PlainHttp(endpoint.clone()));
    }
    let sts = aws_sdk_sts::Client::new(&config);
    let clients = Arc::new(Clients::new(&config, region, endpoints, source));
    let (begun, work) = begin(&clients);
    let asking = || sts.get_caller_identity().send();
    let asking = call(
        &clients.pacer,
        "sts:GetCallerIdentity",
        Repeat::First,
        asking,
    );
    let mut identity = beside(asking.boxed(), work).await;
    let region = &clients.region;
    if let Err(error) = &mut identity {
        error.region.clone_from(region);
        if error.remedy.is_none() {
            error.remedy = clients.source.remedy(error);
        }
    }
    let identity = match identity {
        Ok(identity) => identity,
        Err(mut source) => {
            if opt_in::may_be_why(&source) {
                let elsewhere = Connection {
                    region: Some(opt_in::ALWAYS_ENABLED.to_owned()),
                    ..connection.clone()
                };
                let config = load(&elsewhere, &profiles, &http).await;
                if let Some(remedy) = opt_in::remedy(&config, region).await {
                    source.remedy = Some(remedy);
                    return Err(ConnectError::RegionDisabled { source });
                }
            }
            let endpoint = address_of(&clients.endpoints, "STS");
            let endpoint = endpoint.map(|endpoint| endpoint.address.clone());
            return Err(ConnectError::Identity { endpoint, source });
        }
    };
    let caller = identity.arn().unwrap_or_default().to_owned();
    let context = Context {
        account_id: identity.account().unwrap_or_default().to_owned(),
        partition: caller.split(':').nth(1).unwrap_or("aws").to_owned(),
        caller,
        clients,
    };
    Ok((context, begun))
}

fn address_of<'a>(endpoints: &'a [Endpoint], service: &str) -> Option<&'a Endpoint> {
    endpoints.iter().find(|endpoint| endpoint.serves(service))
}

/// The certificates that a profile or the environment wants trusted instead of the system's: mostly those of a proxy that
/// opens TLS connections. The environment comes first, as with the AWS CLI.
fn bundle(connection: &Connection, profiles: &Profiles) -> Result<Option<Bundle>, BundleError> {
    const VARIABLE: &str = "AWS_CA_BUNDLE";
    // An account that brings its own credentials is on this machine, where nothing is encrypted.
    if connection.static_credentials.is_some() {
        return Ok(None);
    }
    if let Some(path) = std::env::var_os(VARIABLE).filter(|path| !path.is_empty()) {
        return Bundle::read(Path::new(&path), VARIABLE).map(Some);
    }
    let of_profile = || format!("ca_bundle of profile {}", profiles.selected());
    profiles
        .get("ca_bundle")
        .map(|path| Bundle::read(Path::new(path), &of_profile()))
        .transpose()
}

/// Loads the configuration that the environment, the profile and the connection give together.
///
/// The SDK reads by itself, from environment and profile: `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_<SERVICE>` (see
/// `endpoints.rs`), `AWS_USE_FIPS_ENDPOINT`, `AWS_USE_DUALSTACK_ENDPOINT`, `AWS_CONFIG_FILE`, `AWS_SHARED_CREDENTIALS_FILE`,
/// everything about credentials, and `AWS_SDK_UA_APP_ID`. `AWS_MAX_ATTEMPTS` and `AWS_RETRY_MODE` (see `retry.rs`) have no
/// effect, nor has `AWS_STS_REGIONAL_ENDPOINTS`, since this SDK calls regional endpoints only.
async fn load(connection: &Connection, profiles: &Profiles, http: &SharedHttpClient) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http.clone())
        .profile_name(profiles.selected())
        // Retries are ours (`retry.rs`).
        .retry_config(RetryConfig::disabled())
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(5))
                .read_timeout(Duration::from_secs(30))
                .operation_attempt_timeout(Duration::from_secs(45))
                .build(),
        );
    let region = connection.region.clone().map(Region::new);
    if let Some(region) = &region {
        loader = loader.region(region.clone());
    }
    if let Some(profile) = &connection.profile {
        // The SDK's own chain would let AWS_ACCESS_KEY_ID win, and ignore a profile that does not exist: the account would
        // be another than the one that was asked for. With the AWS CLI, `--profile` wins.
        let configuration = ProviderConfig::without_region()
            .with_region(region)
            .with_http_client(http.clone());
        let credentials = ProfileFileCredentialsProvider::builder()
            .configure(&configuration)
            .profile_name(profile)
            .build();
        loader = loader.credentials_provider(credentials);
    }
    if let Some(endpoint) = &connection.endpoint_url {
        // The address is complete; AWS's endpoint rules refuse it together with these settings.
        loader = loader
            .endpoint_url(endpoint)
            .use_fips(false)
            .use_dual_stack(false);
    }
    if let Some((key, secret)) = &connection.static_credentials {
        loader = loader.credentials_provider(aws_credential_types::Credentials::new(
            key,
            secret,
            None,
            None,
            "fde-infra",
        ));
    }
    loader.load().await
}

impl Clients {
    fn new(config: &SdkConfig, region: String, endpoints: Vec<Endpoint>, source: Source) -> Self {
        // With an endpoint other than AWS's own, buckets are part of the path: its host name has no subdomains.
        let s3 = aws_sdk_s3::config::Builder::from(config)
            .force_path_style(address_of(&endpoints, "S3").is_some())
            .build();
        Self {
            region,
            endpoints,
            ec2: aws_sdk_ec2::Client::new(config),
            ecr: aws_sdk_ecr::Client::new(config),
            ecs: aws_sdk_ecs::Client::new(config),
            rds: aws_sdk_rds::Client::new(config),
            elbv2: aws_sdk_elasticloadbalancingv2::Client::new(config),
            cloudcontrol: aws_sdk_cloudcontrol::Client::new(config),
            cloudwatch: aws_sdk_cloudwatch::Client::new(config),
            logs: aws_sdk_cloudwatchlogs::Client::new(config),
            iam: aws_sdk_iam::Client::new(config),
            kms: aws_sdk_kms::Client::new(config),
            s3: aws_sdk_s3::Client::from_conf(s3),
            secrets: aws_sdk_secretsmanager::Client::new(config),
            sns: aws_sdk_sns::Client::new(config),
            ssm: aws_sdk_ssm::Client::new(config),
            wafv2: aws_sdk_wafv2::Client::new(config),
            autoscaling: aws_sdk_applicationautoscaling::Client::new(config),
            tagging: aws_sdk_resourcegroupstagging::Client::new(config),
            pacer: Pacer::default(),
            source,
            turns: KeyedLocks::default(),
            secret_texts: Mutex::default(),
            uncompared: Mutex::default(),
            proof: Mutex::default(),
        }
    }

    /// Makes a call that may be repeated: a read, an idempotent write, or a create with a token or a natural key.
    ///
    /// # Errors
    /// The last error; see [`call`].
    pub async fn call<T, E, F, Fut>(&self, operation: &'static str, make: F) -> AwsResult<T>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        self.named(call(&self.pacer, operation, Repeat::Safe, make).await)
    }

    /// Makes a create call that must not be retried blindly: it has neither token nor natural key.
    ///
    /// # Errors
    /// [`crate::resource::ErrorKind::Indeterminate`] if the call may have taken effect.
    pub async fn call_once<T, E, F, Fut>(&self, operation: &'static str, make: F) -> AwsResult<T>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        self.named(call(&self.pacer, operation, Repeat::Unsafe, make).await)
    }

    /// Sends a request that may be repeated; see [`Clients::call`]. The future is boxed: what the SDK does for a request is
    /// so large that the compiler loses its way in several of them together.
    ///
    /// # Errors
    /// Those of [`Clients::call`].
    pub fn send<'a, R: Request + 'a>(&'a self, request: R) -> Sent<'a, R> {
        let sending = async move { self.call(R::OPERATION, || request.clone().send()).await };
        sending.boxed()
    }

    /// Sends a request to create that must not be retried blindly; see [`Clients::call_once`].
    ///
    /// # Errors
    /// Those of [`Clients::call_once`].
    pub async fn send_once<R: Request>(&self, request: R) -> AwsResult<R::Output> {
        self.call_once(R::OPERATION, || request.clone().send())
            .await
    }

    /// Returns all results of a listing request. `ask` makes the request for the page of a token, `read` takes its contents
    /// and the token of the next page out of the answer.
    ///
    /// # Errors
    /// Those of [`Clients::call`], and those of [`pages`].
    pub async fn pages<R: Request, T>(
        &self,
        ask: impl Fn(Option<String>) -> R,
        read: impl Fn(R::Output) -> (Option<Vec<T>>, Option<String>),
    ) -> AwsResult<Vec<T>> {
        let (ask, read) = (&ask, &read);
        pages(R::OPERATION, |token| async move {
            Ok(read(self.send(ask(token)).await?))
        })
        .await
    }

    /// Does the same as [`Clients::call`], for an answer in our own terms.
    ///
    /// # Errors
    /// Those of [`Clients::call`].
    pub async fn repeated<T, F, Fut>(&self, operation: &'static str, make: F) -> AwsResult<T>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = AwsResult<T>>,
    {
        self.named(repeated(&self.pacer, operation, Repeat::Safe, make).await)
    }

    /// Waits for its turn with an object that takes one change at a time, and holds it until the guard is dropped.
    pub async fn turn(&self, object: &str) -> OwnedMutexGuard<()> {
        self.turns.take(object).await
    }

    /// Accepts secrets whose values may not be read: a preview is not the place to refuse them.
    pub fn only_look(&self) {
        lock(&self.uncompared).get_or_insert_default();
    }

    /// The secrets whose values could not be compared.
    pub fn uncompared(&self) -> BTreeSet<String> {
        lock(&self.uncompared).clone().unwrap_or_default()
    }

    /// Takes a secret whose value may not be read for equal. Returns false where that is an error.
    pub(super) fn pass_uncompared(&self, id: &str) -> bool {
        let mut uncompared = lock(&self.uncompared);
        let Some(ids) = uncompared.as_mut() else {
            return false;
        };
        ids.insert(id.to_owned());
        true
    }

    /// Uses the given record from here on.
    pub fn go_by(&self, proof: &Proof) {
        lock(&self.proof).clone_from(proof);
    }

    /// Returns whether a run of ours has made the object that a create finds deleted but not gone yet. Its tags can be
    /// copied.
    pub(super) fn has_made(&self, urn: &Urn, id: &str) -> bool {
        lock(&self.proof).has_made(urn, id)
    }

    /// Remembers a secret, so that no error shows it.
    pub(super) fn hide(&self, secret: &str) {
        let mut texts = self
            .secret_texts
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        texts.add(secret);
    }

    /// Returns an error without the secrets that it may quote.
    pub(super) fn without_secrets(&self, mut error: ProviderError) -> ProviderError {
        let texts = self
            .secret_texts
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        error.message = texts.mask(&error.message);
        for detail in &mut error.details {
            *detail = texts.mask(detail);
        }
        error
    }

    fn named<T>(&self, mut result: AwsResult<T>) -> AwsResult<T> {
        if let Err(error) = &mut result {
            // Some remedies name the region.
            place(error, &self.region);
            if error.remedy.is_none() {
                error.remedy = self.source.remedy(error).or_else(|| hands::remedy(error));
            }
        }
        result
    }
}

impl Context {
    /// Returns an ARN of this account and region.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!(
            "arn:{}:{service}:{}:{}:{resource}",
            self.partition, self.region, self.account_id
        )
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
