//! Addresses that calls go to instead of AWS's own: from `--endpoint-url`, `AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_<SERVICE>`,
//! or a profile.
//!
//! The SDK obeys them silently, and every secret of a stack is sent to them. So they are named to the user, even those in
//! AWS's domains, since other parties have hosts there, too; and none beyond this machine is called over plain HTTP unless
//! the command line says so.

use aws_types::SdkConfig;
use aws_types::service_config::ServiceConfigKey;

use super::connection::Connection;
use super::credentials::{Profiles, Source};
use super::http::{is_loopback, is_plain};

/// The flag, by which the user names an address explicitly.
const FLAG: &str = "--endpoint-url";

/// The variable for all services, and the prefix of those for one service.
const VARIABLE: &str = "AWS_ENDPOINT_URL";

/// The services of [`Context`](super::Context), by their names in the SDK.
const SERVICES: [&str; 18] = [
    "Application Auto Scaling",
    "CloudControl",
    "CloudWatch",
    "CloudWatch Logs",
    "EC2",
    "ECR",
    "ECS",
    "Elastic Load Balancing v2",
    "IAM",
    "KMS",
    "RDS",
    "Resource Groups Tagging API",
    "S3",
    "Secrets Manager",
    "SNS",
    "SSM",
    "STS",
    "WAFV2",
];

/// The services that issue the credentials of a profile or of a token file. `--endpoint-url` does not reach them.
const OF_CREDENTIALS: [&str; 4] = ["STS", "SSO", "SSO OIDC", "Signin"];

/// An address, and the services that are called there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub address: String,
    /// The flag, the variable or the profile that names it.
    pub named_by: String,
    /// Empty for all services.
    pub services: Vec<&'static str>,
}

impl Endpoint {
    /// Returns whether the address is on this machine or comes from the command line, and so is most likely intended.
    pub fn is_expected(&self) -> bool {
        self.named_by == FLAG || is_loopback(&self.address)
    }

    pub(super) fn serves(&self, service: &str) -> bool {
        self.services.is_empty() || self.services.contains(&service)
    }

    /// Returns whether secrets would be sent to another machine unencrypted without a word of it on the command line.
    pub(super) fn is_refused(&self, connection: &Connection) -> bool {
        is_plain(&self.address)
            && !is_loopback(&self.address)
            && connection.endpoint_url.as_ref() != Some(&self.address)
    }
}

/// Returns all addresses that are called instead of AWS's own.
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

/// Returns the name of the setting that gives a service its address. In the environment, the address of one service comes
/// before that of all services, and both come before the profile's.
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

    /// A service that is left out would be sent secrets over plain http without a word.
    #[test]
    fn every_service_that_is_called_is_listed() {
        let clients = include_str!("context.rs").lines();
        let clients =
            clients.filter(|line| line.starts_with("    pub ") && line.ends_with("::Client,"));
        // The call that asks who the caller is, too.
        assert_eq!(SERVICES.len(), clients.count() + 1);
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
            // An instance finds its credentials here, but none of AWS's services.
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
