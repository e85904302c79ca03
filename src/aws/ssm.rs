//! The Parameter Store of Systems Manager, for the lock, the runs and the history of a stack.
//!
//! Standard parameters: they cost nothing, hold 4 KB, and keep their last 100 versions. After that, every new version
//! removes the oldest, unless it has a label: then the put is refused with `ParameterMaxVersionLimitExceeded`.

use fde_infra_derive::operations;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;
use aws_sdk_ssm::types::{ParameterTier, ParameterType};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::DateTime;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::Format;

use super::context::Context;
use super::error::{AwsResult, expected, expected_or_failed, if_there};
use super::pages::Tokens;
use crate::deployment::{Parameter, ParameterStore, Version};
use crate::resource::ErrorKind;

operations! {
    aws_sdk_ssm, "ssm":
    GetParameter,
    GetParameterHistory,
    GetParameters,
    PutParameter,
}

#[async_trait]
impl ParameterStore for Context {
    async fn create(&self, name: &str, value: &str) -> AwsResult<bool> {
        let request = self
            .ssm
            .put_parameter()
            .name(name)
            .value(value)
            .r#type(ParameterType::String)
            .tier(ParameterTier::Standard)
            .overwrite(false);
        let answer = self.send(request).await;
        match answer {
            Ok(_) => Ok(true),
            Err(error) if error.is(ErrorKind::AlreadyExists) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn overwrite(&self, name: &str, value: &str) -> AwsResult<Option<i64>> {
        let answer = self
            // Without a type, no parameter is made: "A parameter type is required when you create a parameter."
            .send(
                self.ssm
                    .put_parameter()
                    .name(name)
                    .value(value)
                    .overwrite(true),
            )
            .await;
        match answer {
            Ok(answer) => Ok(Some(answer.version())),
            Err(error)
                if error.code == "ValidationException"
                    && error.message.contains("type is required") =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn put(&self, name: &str, value: &str) -> AwsResult<i64> {
        let request = self
            .ssm
            .put_parameter()
            .name(name)
            .value(value)
            .r#type(ParameterType::String)
            .tier(ParameterTier::Standard)
            .overwrite(true);
        let answer = self.send(request).await?;
        Ok(answer.version())
    }

    async fn read(&self, name: &str) -> AwsResult<Option<Parameter>> {
        const OPERATION: &str = "ssm:GetParameter";
        let answered = AnsweredAt::default();
        let answer = self
            .call(OPERATION, || {
                let request = self.ssm.get_parameter().name(name).customize();
                request.interceptor(answered.clone()).send()
            })
            .await;
        let Some(answer) = if_there(answer)? else {
            return Ok(None);
        };
        let parameter = expected(OPERATION, answer.parameter, "a parameter")?;
        to_parameter(OPERATION, parameter, answered.time()).map(Some)
    }

    async fn read_all(&self, names: &[&str]) -> AwsResult<Vec<Option<Parameter>>> {
        const OPERATION: &str = "ssm:GetParameters";
        let answered = AnsweredAt::default();
        let answer = self
            .call(OPERATION, || {
                let names = names.iter().map(ToString::to_string).collect();
                let request = self.ssm.get_parameters().set_names(Some(names));
                request.customize().interceptor(answered.clone()).send()
            })
            .await?;
        let mut found = vec![None; names.len()];
        let has_failures = !answer.invalid_parameters().is_empty();
        let parameters = answer.parameters;
        for parameter in expected_or_failed(OPERATION, parameters, has_failures, "`Parameters`")? {
            let place = names
                .iter()
                .position(|name| parameter.name() == Some(*name));
            if let Some(place) = place {
                let parameter = to_parameter(OPERATION, parameter, answered.time())?;
                found[place] = Some(parameter);
            }
        }
        Ok(found)
    }

    async fn read_version(&self, name: &str, number: i64) -> AwsResult<Option<String>> {
        const OPERATION: &str = "ssm:GetParameter";
        let selected = format!("{name}:{number}");
        let answer = self.send(self.ssm.get_parameter().name(&selected)).await;
        let Some(answer) = if_there(answer)? else {
            return Ok(None);
        };
        let parameter = expected(OPERATION, answer.parameter, "a parameter")?;
        expected(OPERATION, parameter.value, "a value").map(Some)
    }

    async fn versions(&self, name: &str) -> AwsResult<Vec<Version>> {
        const OPERATION: &str = "ssm:GetParameterHistory";
        let mut versions = Vec::new();
        let mut tokens = Tokens::of(OPERATION);
        let mut token: Option<String> = None;
        loop {
            let request = self
                .ssm
                .get_parameter_history()
                .name(name)
                .max_results(50)
                .set_next_token(token.clone());
            let asking = self.send(request);
            let page = match tokens.page(asking).await {
                Err(error) if error.is(ErrorKind::NotFound) => return Ok(Vec::new()),
                other => other?,
            };
            token = tokens.follow(page.next_token().map(str::to_owned))?;
            for version in expected(OPERATION, page.parameters, "`Parameters`")? {
                let written = expected(OPERATION, version.last_modified_date(), "a date")?;
                versions.push(Version {
                    number: version.version(),
                    written: to_system(OPERATION, written)?,
                    by: version.last_modified_user.unwrap_or_default(),
                    value: expected(OPERATION, version.value, "a value")?,
                });
            }
            if token.is_none() {
                return Ok(versions);
            }
        }
    }
}

fn to_parameter(
    operation: &str,
    parameter: aws_sdk_ssm::types::Parameter,
    now: SystemTime,
) -> AwsResult<Parameter> {
    let changed = expected(operation, parameter.last_modified_date(), "a date")?;
    let changed = to_system(operation, changed)?;
    Ok(Parameter {
        version: parameter.version(),
        age: now.duration_since(changed).unwrap_or_default(),
        value: expected(operation, parameter.value, "a value")?,
    })
}

fn to_system(operation: &str, time: &DateTime) -> AwsResult<SystemTime> {
    let time = SystemTime::try_from(*time).ok();
    expected(operation, time, "a date that there is")
}

/// The time of AWS's answer by its own clock: the `Date` of the answer. So the age of a parameter is right even on a machine
/// whose clock is wrong.
#[derive(Debug, Clone, Default)]
struct AnsweredAt(Arc<Mutex<Option<SystemTime>>>);

impl AnsweredAt {
    /// Returns the time of the answer. Where the answer has no date, our clock is used.
    fn time(&self) -> SystemTime {
        let time = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        time.unwrap_or_else(SystemTime::now)
    }
}

impl Intercept for AnsweredAt {
    fn name(&self) -> &'static str {
        "AnsweredAt"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let time = date
            .and_then(|date| DateTime::from_str(date, Format::HttpDate).ok())
            .and_then(|date| SystemTime::try_from(date).ok());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = time;
        Ok(())
    }
}
