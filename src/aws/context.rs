//! A connection to one account in one region: the SDK clients, and the one way to call through them.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::region::Region;
use tokio::sync::OwnedMutexGuard;

use super::error::AwsResult;
use super::rate::Pacer;
use super::retry::{Repeat, call};
use super::turns::Turns;
use crate::resource::{Masking, ProviderError};

/// How to reach AWS; everything left out comes from the SDK's standard chain.
#[derive(Debug, Clone, Default)]
pub struct Connection {
    /// This profile and no other credentials, not even those of the environment.
    pub profile: Option<String>,
    pub region: Option<String>,
    pub endpoint_url: Option<String>,
    /// Access key id and secret, for an endpoint that brings its own. Otherwise the standard chain.
    pub static_credentials: Option<(String, String)>,
}

/// No connection could be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("no AWS region is given")]
    NoRegion,
    #[error("the account cannot be identified")]
    Identity {
        /// Where the call went, if not to AWS's own address.
        endpoint: Option<String>,
        source: ProviderError,
    },
}

/// The clients of one account and region, and who we are there.
pub struct Context {
    pub account_id: String,
    pub region: String,
    /// `aws`, or another partition such as `aws-cn`.
    pub partition: String,
    /// ARN of the caller.
    pub caller: String,
    pub ec2: aws_sdk_ec2::Client,
    pub ecr: aws_sdk_ecr::Client,
    pub ecs: aws_sdk_ecs::Client,
    pub rds: aws_sdk_rds::Client,
    pub elbv2: aws_sdk_elasticloadbalancingv2::Client,
    pub cloudwatch: aws_sdk_cloudwatch::Client,
    pub logs: aws_sdk_cloudwatchlogs::Client,
    pub iam: aws_sdk_iam::Client,
    pub s3: aws_sdk_s3::Client,
    pub secrets: aws_sdk_secretsmanager::Client,
    pub sns: aws_sdk_sns::Client,
    pub ssm: aws_sdk_ssm::Client,
    pub wafv2: aws_sdk_wafv2::Client,
    pub autoscaling: aws_sdk_applicationautoscaling::Client,
    pub tagging: aws_sdk_resourcegroupstagging::Client,
    pacer: Pacer,
    turns: Turns,
    /// The secrets that have been read or sent: an error may quote them.
    secret_texts: Mutex<Masking>,
}

/// Connects and asks STS who we are: the first call of every command, and the only one before the account guard.
///
/// # Errors
/// No region, or no usable credentials.
pub async fn connect(connection: &Connection) -> Result<Context, ConnectError> {
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
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
        // The SDK's own chain would let AWS_ACCESS_KEY_ID win, and pass over a profile that is not there: another
        // account than the one that was asked for. With the AWS CLI, `--profile` wins.
        let credentials = ProfileFileCredentialsProvider::builder()
            .configure(&ProviderConfig::without_region().with_region(region))
            .profile_name(profile)
            .build();
        loader = loader
            .profile_name(profile)
            .credentials_provider(credentials);
    }
    if let Some(endpoint) = &connection.endpoint_url {
        loader = loader.endpoint_url(endpoint);
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
    let config = loader.load().await;
    let region = config
        .region()
        .ok_or(ConnectError::NoRegion)?
        .as_ref()
        .to_owned();
    let pacer = Pacer::default();
    let sts = aws_sdk_sts::Client::new(&config);
    let mut identity = call(&pacer, "sts:GetCallerIdentity", Repeat::First, || {
        sts.get_caller_identity().send()
    })
    .await;
    if let Err(error) = &mut identity {
        error.region.clone_from(&region);
    }
    let identity = identity.map_err(|source| ConnectError::Identity {
        endpoint: config.endpoint_url().map(str::to_owned),
        source,
    })?;
    let caller = identity.arn().unwrap_or_default().to_owned();
    // With another endpoint than AWS's own, buckets are part of the path: its host name has no subdomains.
    let s3 = aws_sdk_s3::config::Builder::from(&config)
        .force_path_style(config.endpoint_url().is_some())
        .build();
    Ok(Context {
        account_id: identity.account().unwrap_or_default().to_owned(),
        partition: caller.split(':').nth(1).unwrap_or("aws").to_owned(),
        region,
        caller,
        ec2: aws_sdk_ec2::Client::new(&config),
        ecr: aws_sdk_ecr::Client::new(&config),
        ecs: aws_sdk_ecs::Client::new(&config),
        rds: aws_sdk_rds::Client::new(&config),
        elbv2: aws_sdk_elasticloadbalancingv2::Client::new(&config),
        cloudwatch: aws_sdk_cloudwatch::Client::new(&config),
        logs: aws_sdk_cloudwatchlogs::Client::new(&config),
        iam: aws_sdk_iam::Client::new(&config),
        s3: aws_sdk_s3::Client::from_conf(s3),
        secrets: aws_sdk_secretsmanager::Client::new(&config),
        sns: aws_sdk_sns::Client::new(&config),
        ssm: aws_sdk_ssm::Client::new(&config),
        wafv2: aws_sdk_wafv2::Client::new(&config),
        autoscaling: aws_sdk_applicationautoscaling::Client::new(&config),
        tagging: aws_sdk_resourcegroupstagging::Client::new(&config),
        pacer,
        turns: Turns::default(),
        secret_texts: Mutex::default(),
    })
}

impl Context {
    /// Makes a call that may be repeated: a read, an idempotent write, or a create with a token or a natural key.
    ///
    /// # Errors
    /// The last answer; see [`call`].
    pub async fn call<T, E, F, Fut>(&self, operation: &'static str, make: F) -> AwsResult<T>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        self.named(call(&self.pacer, operation, Repeat::Safe, make).await)
    }

    /// Makes a create call that must not be repeated blindly: it has neither token nor natural key.
    ///
    /// # Errors
    /// [`crate::resource::ErrorKind::Unclear`] if the call may have taken effect.
    pub async fn call_once<T, E, F, Fut>(&self, operation: &'static str, make: F) -> AwsResult<T>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        self.named(call(&self.pacer, operation, Repeat::Unsafe, make).await)
    }

    /// Waits for its turn with an object that takes one change at a time, and holds it until the answer is dropped.
    pub async fn turn(&self, object: &str) -> OwnedMutexGuard<()> {
        self.turns.take(object).await
    }

    /// Remembers a secret, so that no error shows it.
    pub(super) fn hide(&self, secret: &str) {
        let mut texts = self
            .secret_texts
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        texts.add(secret);
    }

    /// An error without the secrets that it may quote.
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

    /// An ARN of this account and region.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!(
            "arn:{}:{service}:{}:{}:{resource}",
            self.partition, self.region, self.account_id
        )
    }

    fn named<T>(&self, mut result: AwsResult<T>) -> AwsResult<T> {
        if let Err(error) = &mut result {
            error.region.clone_from(&self.region);
        }
        result
    }
}
