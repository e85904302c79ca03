//! Listener of an application load balancer.
//!
//! - A port can be used once per load balancer. A create call with the settings of an existing listener returns that
//!   listener, and nothing in the answer says so (hashicorp/terraform-provider-aws#35121): the owner tag is checked after
//!   each create.
//! - Listeners are listed per load balancer. Deleting the load balancer deletes them, too.
//! - Port, protocol, certificate, policy and actions all change through one call. A change to HTTP drops certificate and
//!   policy.
//! - By default, AWS gives HTTPS a policy of 2016 that accepts TLS 1.0; here the default is the one that AWS recommends.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_sdk_elasticloadbalancingv2::types::{Certificate, Listener as Found, ProtocolEnum};
use futures_util::future::{join_all, try_join_all};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::action::{self, Action};
use crate::aws::answer::text;
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected, if_there};
use crate::aws::resource_type::{Change, Live, LiveOf, New, NoOutputs, Old, ResourceType, check};
use crate::aws::wait::until_visible;
use crate::resource::provider::Query;
use crate::resource::rule::{Limit, one};
use crate::resource::{
    Condition, CreateClass, ErrorKind, Interruption, InvalidInput, Properties, PropertyTable,
    Schema, Tags, Value,
};

/// A port of a load balancer.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    #[property(required, replaces)]
    pub load_balancer_arn: String,
    /// 1 to 65535.
    #[schemars(range(min = 1, max = 65535))]
    #[property(required)]
    pub port: i32,
    /// `HTTP` or `HTTPS`.
    #[schemars(extend("enum" = ["HTTP", "HTTPS"]))]
    #[property(default("HTTP"))]
    pub protocol: String,
    /// The policy of the TLS versions and ciphers that HTTPS accepts. Default: `ELBSecurityPolicy-TLS13-1-2-2021-06`.
    pub ssl_policy: Option<String>,
    /// ARN of the certificate, which HTTPS needs.
    #[property(regional)]
    pub certificate_arn: Option<String>,
    /// The actions on a request that no rule matches.
    #[property(required, canonical(action::canonical))]
    pub default_actions: Vec<Action>,
}

const TOKEN: &str = "aws:lb:Listener";
const HTTPS: &str = "HTTPS";
const SSL_POLICY: &str = "ELBSecurityPolicy-TLS13-1-2-2021-06";

pub struct Listener;

impl ResourceType for Listener {
    type Inputs = Inputs;
    type Outputs = NoOutputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, NoOutputs>(TOKEN, CreateClass::NaturalKey)
            .key(&[Inputs::LOAD_BALANCER_ARN, Inputs::PORT])
            .limits(&[Limit {
                by: &[Inputs::LOAD_BALANCER_ARN],
                measure: one,
                most: 1000,
                quota: Some(50),
                what: "listeners of one load balancer",
                help: "ask AWS to raise the quota of listeners per load balancer",
            }])
            .reads_after(&["aws:lb:LoadBalancer"])
            .child_of(Inputs::LOAD_BALANCER_ARN, "aws:lb:LoadBalancer")
            .opens()
            .checks(|inputs| check(inputs, fit))
            // Its rules are deleted with it.
            .blockers(&[])
            .interrupts(
                Interruption::new("its port is closed until the new one is ready")
                    .sends_to(Inputs::DEFAULT_ACTIONS),
            )
            .server_managed(|desired, _| complete(desired))
    }

    fn id_in<'a>(&self, arn: &'a str) -> Option<&'a str> {
        Some(arn)
    }

    async fn ahead(&self, context: &Context, query: Query<'_>) {
        drop(join_all(by_balancer(context, query)).await);
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let listeners = try_join_all(by_balancer(context, query)).await?;
        let listeners: Vec<&Found> = listeners.iter().flat_map(|found| found.iter()).collect();
        let arns = listeners
            .iter()
            .filter_map(|listener| listener.listener_arn());
        let tags = super::tags(context, &query, arns).await?;
        Ok(listeners
            .into_iter()
            .filter_map(|listener| {
                let tags = tags.get(listener.listener_arn()?)?;
                let mut ours = query.parents("aws:lb:LoadBalancer");
                let is_on_ours =
                    ours.any(|balancer| balancer.arn.as_deref() == listener.load_balancer_arn());
                (is_on_ours || tags.belongs_to(query.stack)).then(|| live(listener, tags.clone()))
            })
            .collect())
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        const CREATE: &str = "elasticloadbalancing:CreateListener";
        let inputs = new.inputs;
        // Target group and certificate may be too new to be visible.
        let answer = until_visible(|| {
            let request = context
                .elbv2
                .create_listener()
                .load_balancer_arn(&inputs.load_balancer_arn)
                .port(inputs.port)
                .protocol(ProtocolEnum::from(inputs.protocol.as_str()))
                .set_ssl_policy(ssl_policy(inputs))
                .set_certificates(certificates(inputs))
                .set_default_actions(Some(action::to_sdk(&inputs.default_actions)))
                .set_tags(Some(super::to_sdk(new.tags)));
            context.send(request)
        })
        .await;
        let (listener, refusal) = match answer {
            Ok(answer) => {
                let made = answer.listeners.unwrap_or_default().into_iter().next();
                (expected(CREATE, made, "a listener")?, super::met(CREATE))
            }
            Err(error) if error.is(ErrorKind::AlreadyExists) => {
                let listeners = until_visible(|| list(context, &inputs.load_balancer_arn)).await?;
                let taken = listeners
                    .into_iter()
                    .find(|listener| listener.port() == Some(inputs.port));
                match taken {
                    Some(listener) => (listener, error),
                    None => return Err(error),
                }
            }
            Err(error) => return Err(error),
        };
        let is_answer = refusal.code.is_empty();
        let live = live(&listener, Tags::default());
        super::only_ours::<Self>(context, &new, live, is_answer, refusal).await
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let wanted = change.wanted;
        let mut request = context
            .elbv2
            .modify_listener()
            .listener_arn(&change.observed.id);
        if change.touches(Inputs::PORT) {
            request = request.port(wanted.port);
        }
        let security = ["protocol", "sslPolicy", "certificateArn"];
        if security.iter().any(|name| change.touches(name)) {
            request = request
                .protocol(ProtocolEnum::from(wanted.protocol.as_str()))
                .set_ssl_policy(ssl_policy(wanted))
                .set_certificates(certificates(wanted));
        }
        if change.touches(Inputs::DEFAULT_ACTIONS) {
            request = request.set_default_actions(Some(action::to_sdk(&wanted.default_actions)));
        }
        until_visible(|| context.send(request.clone())).await?;
        Ok(change.applied())
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        context
            .send(context.elbv2.delete_listener().listener_arn(&old.live.id))
            .await?;
        Ok(())
    }
}

/// The ARNs of everything that may hold children of ours: parents of ours, parents that the stack names by their ARN, and
/// those of children in the index.
pub(super) fn parents<'a>(query: &Query<'a>, token: &'a str, property: &str) -> BTreeSet<String> {
    let ours = query.parents(token).filter_map(|parent| parent.arn.clone());
    let named = query.wanted_names(property);
    let indexed = query
        .indexed
        .iter()
        .filter_map(|entry| super::parent_arn(&entry.arn));
    ours.chain(named.into_iter().map(str::to_owned))
        .chain(indexed)
        .collect()
}

/// The requests for the listeners of each load balancer, made once per read session; none are found if it is gone.
fn by_balancer<'a>(
    context: &'a Context,
    query: Query<'a>,
) -> impl Iterator<Item = impl Future<Output = AwsResult<Arc<Vec<Found>>>>> {
    let balancers = parents(&query, "aws:lb:LoadBalancer", "loadBalancerArn");
    balancers.into_iter().map(move |balancer| async move {
        let key = format!("elasticloadbalancing:DescribeListeners {balancer}");
        let list = || async { Ok(if_there(list(context, &balancer).await)?.unwrap_or_default()) };
        query.session.once(&key, list).await
    })
}

async fn list(context: &Context, balancer: &str) -> AwsResult<Vec<Found>> {
    context
        .pages(
            |marker| {
                context
                    .elbv2
                    .describe_listeners()
                    .load_balancer_arn(balancer)
                    .page_size(super::PAGE)
                    .set_marker(marker)
            },
            |page| (page.listeners, page.next_marker),
        )
        .await
}

fn fit(inputs: &Inputs) -> Vec<InvalidInput> {
    let mut invalid_inputs = Vec::new();
    let mut refuse = |property: &str, reason: &str| {
        invalid_inputs.push(InvalidInput::new(property, reason).decided_by(["protocol"]));
    };
    if inputs.ssl_policy.is_some() && inputs.protocol != HTTPS {
        refuse("sslPolicy", "goes with the protocol `HTTPS` alone");
    }
    match (inputs.protocol.as_str(), &inputs.certificate_arn) {
        ("HTTP", None) | (HTTPS, Some(_)) => {}
        ("HTTP", Some(_)) => refuse("certificateArn", "goes with the protocol `HTTPS` alone"),
        (HTTPS, None) => refuse("certificateArn", "must be given for the protocol `HTTPS`"),
        (other, _) => {
            let reason = format!("`{other}` is not supported, only `HTTP` and `HTTPS` are");
            refuse("protocol", &reason);
        }
    }
    let actions = &inputs.default_actions;
    invalid_inputs.extend(action::fit("defaultActions", actions));
    let loops = action::fit_loops("defaultActions", actions, &inputs.protocol, inputs.port);
    invalid_inputs.extend(loops);
    invalid_inputs
}

fn ssl_policy(inputs: &Inputs) -> Option<String> {
    let secure = inputs.protocol == HTTPS;
    let default = || secure.then(|| SSL_POLICY.to_owned());
    inputs.ssl_policy.clone().or_else(default)
}

/// Fills in the policy that HTTPS has by default.
fn complete(desired: &mut Properties) {
    let secure = desired.get("protocol").and_then(Value::as_str) == Some(HTTPS);
    if secure {
        let policy = desired.entry("sslPolicy".to_owned()).or_insert(Value::Null);
        if policy.is_null() {
            *policy = SSL_POLICY.into();
        }
    }
}

fn certificates(inputs: &Inputs) -> Option<Vec<Certificate>> {
    let arn = inputs.certificate_arn.as_ref()?;
    Some(vec![Certificate::builder().certificate_arn(arn).build()])
}

fn live(listener: &Found, tags: Tags) -> LiveOf<Listener> {
    let arn = text(listener.listener_arn());
    Live {
        inputs: Inputs {
            load_balancer_arn: text(listener.load_balancer_arn()),
            port: listener.port().unwrap_or_default(),
            protocol: listener
                .protocol()
                .map_or("", ProtocolEnum::as_str)
                .to_owned(),
            ssl_policy: listener.ssl_policy().map(str::to_owned),
            // Only the default certificate is listed here.
            certificate_arn: listener
                .certificates()
                .first()
                .and_then(|certificate| certificate.certificate_arn().map(str::to_owned)),
            default_actions: action::from_sdk(listener.default_actions()),
        },
        outputs: NoOutputs {},
        tags,
        condition: Condition::Ready,
        arn: Some(arn.clone()),
        id: arn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::value::properties;

    #[test]
    fn https_has_a_policy_by_default_and_http_has_none() {
        let policy = |protocol: &str, given: Value| {
            let mut desired = properties([("protocol", protocol.into()), ("sslPolicy", given)]);
            complete(&mut desired);
            desired["sslPolicy"].as_str().map(str::to_owned)
        };
        assert_eq!(policy("HTTPS", Value::Null).as_deref(), Some(SSL_POLICY));
        assert_eq!(policy("HTTPS", "other".into()).as_deref(), Some("other"));
        assert_eq!(policy("HTTP", Value::Null), None);
    }

    #[test]
    fn a_certificate_goes_with_https() {
        let inputs = |protocol: &str, certificate: Option<&str>| Inputs {
            load_balancer_arn: "a".to_owned(),
            port: 443,
            protocol: protocol.to_owned(),
            ssl_policy: None,
            certificate_arn: certificate.map(str::to_owned),
            default_actions: Vec::new(),
        };
        assert_eq!(fit(&inputs("HTTPS", Some("c"))), []);
        assert_eq!(fit(&inputs("HTTP", None)), []);
        assert!(!fit(&inputs("HTTPS", None)).is_empty());
        assert!(!fit(&inputs("HTTP", Some("c"))).is_empty());
        assert!(!fit(&inputs("TCP", None)).is_empty());
    }
}
