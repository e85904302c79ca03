//! The load balancer, defaults filled in.

use super::access_logs::{self, AccessLogs};
use super::firewall::{self, Firewall};
use super::plain_http;
use super::routes::{self, Rule};
use super::spec::LoadBalancerSpec;
use super::urns::{KEY, http_listener, https_listener};
use crate::component::context::Context;
use crate::component::key::SectionKey;
use crate::component::network::Network;
use crate::component::services::Services;
use crate::component::text::Text;
use crate::resource::{StackId, Urn};
use crate::stack::reference::holds_reference;
use crate::stack::{Environment, Fault};

/// A load balancer needs eight free addresses in each of its subnets, and at least this prefix.
const LONGEST_SUBNET_PREFIX: u8 = 27;

/// A load balancer, settled.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadBalancer {
    pub(super) name: Option<String>,
    pub(super) certificate: Option<Text>,
    pub(super) idle_timeout: u32,
    pub(super) deletion_protection: bool,
    pub access_logs: Option<AccessLogs>,
    /// `None` for no firewall.
    pub firewall: Option<Firewall>,
    pub(super) rules: Vec<Rule>,
    /// The key of the service that takes what no rule takes.
    pub(super) default: Option<String>,
}

/// Fills in the defaults and checks the section. `None` if it is absent or structurally at fault.
pub fn resolve_defaults(
    context: &mut Context<'_>,
    network: Option<&Network>,
    services: Option<&Services>,
) -> Option<LoadBalancer> {
    let spec: LoadBalancerSpec = context.spec(KEY)?;
    context.need_section(
        KEY,
        SectionKey::Network,
        "a load balancer lives in a network",
    );
    context.need_section(
        KEY,
        SectionKey::Services,
        "a load balancer leads to services",
    );
    check(context, &spec, network);
    let prod = context.environment() == Environment::Prod;
    let expire_days = context.environment().choose(30, 90, 365);
    let logged = spec.access_logs.enabled.unwrap_or(true);
    let is_described = spec.waf.mode.is_some()
        || spec.waf.sets.is_some()
        || spec.waf.count.is_some()
        || spec.waf.logging == Some(true);
    let filtered = spec.waf.enabled.unwrap_or(prod || is_described);
    Some(LoadBalancer {
        name: spec.name,
        certificate: spec.certificate_arn,
        idle_timeout: spec.idle_timeout_seconds.unwrap_or(60),
        deletion_protection: spec.deletion_protection.unwrap_or(prod),
        access_logs: logged.then_some(AccessLogs {
            bucket: spec.access_logs.bucket,
            prefix: spec.access_logs.prefix,
            expire_days: spec.access_logs.expire_days.unwrap_or(expire_days),
        }),
        firewall: filtered.then(|| Firewall::of(spec.waf, prod)),
        rules: services.map_or_else(Vec::new, |services| {
            routes::resolve_defaults(context, services)
        }),
        default: services
            .and_then(|services| services.all.iter().find(|service| service.default))
            .map(|service| service.key.clone()),
    })
}

fn check(context: &mut Context<'_>, spec: &LoadBalancerSpec, network: Option<&Network>) {
    if let Some(name) = &spec.name
        && (!name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            || name.starts_with('-')
            || name.ends_with('-')
            || name.starts_with("internal-"))
    {
        let label = "takes letters, digits and inner hyphens, and must not begin with `internal-`";
        context.refuse(Fault::Name, "loadBalancer.name", label);
    }
    if let Some(certificate) = &spec.certificate_arn
        && !holds_reference(&certificate.0)
    {
        let region = &context.stack.region;
        let parts: Vec<&str> = certificate.0.splitn(6, ':').collect();
        if !matches!(parts.as_slice(), ["arn", _, "acm", in_region, _, _] if in_region == region) {
            let label = format!("is not the ARN of a certificate in {region}");
            context.refuse(Fault::Value, "loadBalancer.certificateArn", label);
        }
    }
    if let Some(net) = network
        .iter()
        .flat_map(|network| &network.public)
        .find(|net| net.prefix_len() > LONGEST_SUBNET_PREFIX)
    {
        let label = format!("needs public subnets of at least /27; `{net}` is smaller");
        context.refuse_key(Fault::Cidr, KEY, label);
    }
    access_logs::check(context, &spec.access_logs);
    firewall::check(context, &spec.waf);
    plain_http::check(context, spec);
}

impl LoadBalancer {
    /// Returns whether the section makes a listener for HTTPS.
    pub fn serves_https(&self) -> bool {
        self.certificate.is_some()
    }

    /// The listener that serves; the other one, if any, redirects to it.
    pub fn serving_listener(&self, stack: &StackId) -> Urn {
        if self.certificate.is_some() {
            https_listener(stack)
        } else {
            http_listener(stack)
        }
    }

    /// The resources that must exist for traffic to reach a service.
    pub fn prerequisites_of(&self, stack: &StackId, service: &str) -> Vec<Urn> {
        let listener =
            (self.default.as_deref() == Some(service)).then(|| self.serving_listener(stack));
        self.rules
            .iter()
            .filter(|rule| rule.service == service)
            .map(|rule| rule.urn(stack))
            .chain(listener)
            .collect()
    }
}
