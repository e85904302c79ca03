//! Addresses that calls go to instead of AWS's own: of `--endpoint-url`, `AWS_ENDPOINT_URL` and
//! `AWS_ENDPOINT_URL_<SERVICE>`, or of a profile.
//!
//! The SDK obeys them silently, and every secret of a stack is sent to them. So they are named to the user, even those of
//! AWS's domains, since hosts of others are there, too; and none is called over plain HTTP beyond this machine unless the
//! command line says so.

use aws_types::SdkConfig;
use aws_types::service_config::ServiceConfigKey;

use super::context::Connection;
use super::credentials::{Profiles, Source};
use super::http::{is_loopback, is_plain};

/// The flag, which is the user's own word.
const FLAG: &str = "--endpoint-url";

/// The variable of all services, and the beginning of those of one.
const VARIABLE: &str = "AWS_ENDPOINT_URL";

/// The services of [`Context`](super::Context), by the names that the SDK has for them.
const SERVICES: [&str; 16] = [
    "Application Auto Scaling",
    "CloudWatch",
    "CloudWatch Logs",
    "EC2",
    "ECR",
    "ECS",
    "Elastic Load Balancing v2",
    "IAM",
    "RDS",
    "Resource Groups Tagging API",
    "S3",
    "Secrets Manager",
    "SNS",
    "SSM",
    "STS",
    "WAFV2",
];

/// The services that credentials of a profile or of a token file come from. `--endpoint-url` does not reach them.
const OF_CREDENTIALS: [&str; 4] = ["STS", "SSO", "SSO OIDC", "Signin"];

/// An address, and what is called there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub address: String,
    /// The flag, the variable or the profile that names it.
    pub named_by: String,
    /// Empty for all services.
    pub services: Vec<&'static str>,
}

impl Endpoint {
    /// Whether it is on this machine or comes from the command line, so that it is most likely meant.
    pub fn is_expected(&self) -> bool {
        self.named_by == FLAG || is_loopback(&self.address)
    }

    pub(super) fn serves(&self, service: &str) -> bool {
        self.services.is_empty() || self.services.contains(&service)
    }

    /// Whether secrets would be sent to another machine as they are, and the command line does not say so.
    pub(super) fn is_refused(&self, connection: &Connection) -> bool {
        is_plain(&self.address)
            && !is_loopback(&self.address)
            && connection.endpoint_url.as_ref() != Some(&self.address)
    }
}

/// All addresses that are called instead of AWS's own.
pub(super) fn configured(
    connection: &Connection,
    config: &SdkConfig,
    profiles: &Profiles,
    source: &Source,
) -> Vec<Endpoint> {
    let mut found: Vec<Endpoint> = Vec::new();
    if let Some(address) = &connection.endpoint_url {
        found.push(Endpoint {
            address: address.clone(),
            named_by: FLAG.to_owned(),
            services: Vec::new(),
        });
    }
    let own = SERVICES
        .into_iter()
        .filter(|_| connection.endpoint_url.is_none());
    let calls_for_credentials = connection.static_credentials.is_none()
        && matches!(source, Source::Profile(_) | Source::TokenFile { .. });
    let others = OF_CREDENTIALS.into_iter().filter(|_| calls_for_credentials);
    for service in own.chain(others) {
        let Some(address) = address_of(config, service) else {
            continue;
        };
        let named_by = named_by(service, &address, profiles);
        let same = found
            .iter_mut()
            .find(|endpoint| endpoint.address == address && endpoint.named_by == named_by);
        match same {
            Some(endpoint) if endpoint.services.contains(&service) => {}
            Some(endpoint) => endpoint.services.push(service),
            None => found.push(Endpoint {
                address,
                named_by,
                services: vec![service],
            }),
        }
    }
    for endpoint in &mut found {
        if SERVICES
            .iter()
            .all(|service| endpoint.services.contains(service))
        {
            endpoint.services.clear();
        }
    }
    found
}

/// The address of one service, as its client finds it.
fn address_of(config: &SdkConfig, service: &str) -> Option<String> {
    let key = ServiceConfigKey::builder()
        .service_id(service)
        .env(VARIABLE)
        .profile("endpoint_url")
        .build();
    config.service_config()?.load_config(key.ok()?)
}

/// Where the address of a service stands. In the environment, that of one service comes before that of all, and both
/// before the profile's.
fn named_by(service: &str, address: &str, profiles: &Profiles) -> String {
    let own = format!("{VARIABLE}_{}", service.to_uppercase().replace(' ', "_"));
    let mut variables = [own, VARIABLE.to_owned()].into_iter();
    variables
        .find(|name| std::env::var(name).is_ok_and(|value| value == address))
        .unwrap_or_else(|| format!("profile {}", profiles.selected()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str, named_by: &str) -> Endpoint {
        Endpoint {
            address: address.to_owned(),
            named_by: named_by.to_owned(),
            services: vec!["SSM"],
        }
    }

    #[test]
    fn plain_http_beyond_this_machine_takes_the_flag() {
        let by_flag = |address: Option<&str>| Connection {
            endpoint_url: address.map(str::to_owned),
            ..Connection::default()
        };
        for (address, refused) in [
            ("https://account.example", false),
            ("http://127.0.0.1:4566", false),
            ("http://localhost:4566", false),
            ("http://[::1]:4566", false),
            ("http://account.example", true),
            ("HTTP://account.example", true),
            ("http://10.0.0.1", true),
            // Where an instance finds its credentials, and not AWS's services.
            ("http://169.254.169.254", true),
            ("http://127.0.0.1@account.example", true),
        ] {
            let endpoint = at(address, "AWS_ENDPOINT_URL_SSM");
            assert_eq!(endpoint.is_refused(&by_flag(None)), refused, "{address}");
            assert!(!endpoint.is_refused(&by_flag(Some(address))), "{address}");
            let other = by_flag(Some("http://other.example"));
            assert_eq!(endpoint.is_refused(&other), refused, "{address}");
        }
    }

    #[test]
    fn what_was_most_likely_meant_is_told_from_the_rest() {
        assert!(at("http://127.0.0.1:4566", "AWS_ENDPOINT_URL").is_expected());
        assert!(at("https://account.example", FLAG).is_expected());
        assert!(!at("https://account.example", "AWS_ENDPOINT_URL").is_expected());
    }
}
