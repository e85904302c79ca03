//! The HTTP client of all SDK clients: which addresses are reached without a proxy, and which certificates are trusted.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::{fs, io};

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector as SdkConnector, HttpClientError};
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Certificates to trust instead of those of the system, one PEM section each.
#[derive(Debug, Clone)]
pub(super) struct Bundle(Vec<String>);

/// A file of certificates that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the certificates that `{named_by}` names cannot be used")]
pub struct BundleError {
    /// `AWS_CA_BUNDLE`, or `ca_bundle` of a profile.
    pub named_by: String,
    pub path: PathBuf,
    /// Why the file cannot be read; nothing if it can, and holds no certificate.
    #[source]
    pub source: Option<io::Error>,
}

impl Bundle {
    /// Reads a file of certificates.
    ///
    /// # Errors
    /// The file cannot be read, or holds no certificate.
    pub(super) fn read(path: &Path, named_by: &str) -> Result<Self, BundleError> {
        let unusable = |source| BundleError {
            named_by: named_by.to_owned(),
            path: path.to_owned(),
            source,
        };
        let text = fs::read(path).map_err(|error| unusable(Some(error)))?;
        let certificates = certificates(&String::from_utf8_lossy(&text));
        if certificates.is_empty() {
            return Err(unusable(None));
        }
        Ok(Self(certificates))
    }
}

/// The certificates of a PEM file that TLS can work with. The SDK's client does not survive one that it cannot.
fn certificates(text: &str) -> Vec<String> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let sections = text.split(BEGIN).skip(1).filter_map(|section| {
        let (body, _) = section.split_once(END)?;
        Some(format!("{BEGIN}{body}{END}\n"))
    });
    sections
        .filter(|section| {
            CertificateDer::from_pem_slice(section.as_bytes())
                .is_ok_and(|certificate| RootCertStore::empty().add(certificate).is_ok())
        })
        .collect()
}

/// The client. Without a bundle, the certificates of the system are trusted.
///
/// # Errors
/// Those of the TLS library.
pub(super) fn client(bundle: Option<&Bundle>) -> Result<SharedHttpClient, HttpClientError> {
    let trusted = match bundle {
        None => TrustStore::default(),
        Some(Bundle(certificates)) => certificates
            .iter()
            .fold(TrustStore::empty(), |trusted, certificate| {
                trusted.with_pem_certificate(certificate.as_bytes())
            }),
    };
    let tls = TlsContext::builder().with_trust_store(trusted).build()?;
    Ok(SharedHttpClient::new(Client {
        direct: through(ProxyConfig::disabled(), tls.clone()),
        by_environment: through(ProxyConfig::from_env(), tls),
    }))
}

fn through(proxy: ProxyConfig, tls: TlsContext) -> SharedHttpClient {
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut builder = SdkConnector::builder().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
        builder.set_tls_context(tls.clone());
        builder.set_connector_settings(settings.cloned());
        builder.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        builder.set_proxy_config(Some(proxy.clone()));
        builder.build()
    })
}

#[derive(Debug)]
struct Client {
    direct: SharedHttpClient,
    /// As `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say.
    by_environment: SharedHttpClient,
}

impl HttpClient for Client {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector {
            direct: self.direct.http_connector(settings, components),
            by_environment: self.by_environment.http_connector(settings, components),
        })
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.by_environment.connector_metadata()
    }
}

#[derive(Debug)]
struct Connector {
    direct: SharedHttpConnector,
    by_environment: SharedHttpConnector,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if is_of_this_machine(request.uri()) {
            self.direct.call(request)
        } else {
            self.by_environment.call(request)
        }
    }
}

/// Whether an address means something only on this machine, so that a proxy would reach another thing than is meant.
///
/// Loopback, as in Go's and curl's own rule; and where EC2, ECS and EKS give out credentials (`169.254.169.254`,
/// `169.254.170.2`, `169.254.170.23`, `fd00:ec2::254`, `fd00:ec2::23`), which AWS tells users to exempt by hand:
/// <https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-proxy.html>
fn is_of_this_machine(uri: &str) -> bool {
    let Some((_, rest)) = uri.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let place = authority
        .rsplit_once('@')
        .map_or(authority, |(_, place)| place);
    let host = match place.strip_prefix('[') {
        Some(inner) => inner.split(']').next(),
        None => place.split(':').next(),
    };
    let host = host.unwrap_or_default();
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_link_local(),
        Ok(IpAddr::V6(address)) => {
            let mapped = address.to_ipv4_mapped();
            address.is_loopback()
                || mapped.is_some_and(|address| address.is_loopback())
                || address.segments()[..2] == [0xfd00, 0x0ec2]
        }
        Err(_) => {
            let name = host.trim_end_matches('.').to_ascii_lowercase();
            // RFC 6761 §6.3: these names are of loopback.
            name == "localhost" || name.ends_with(".localhost")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_this_machine_needs_no_proxy() {
        for local in [
            "http://localhost:4566/",
            "http://LOCALHOST",
            "http://localhost.:4566",
            "https://bucket.localhost:4566/key",
            "http://127.0.0.1:5000/?Action=X",
            "http://127.8.9.10",
            "http://[::1]:4566/",
            "http://[::ffff:127.0.0.1]:80",
            "http://user:p@ss@127.0.0.1:1",
            "http://169.254.169.254/latest/meta-data",
            "http://169.254.170.2/v2/credentials",
            "http://[fd00:ec2::254]/latest",
        ] {
            assert!(is_of_this_machine(local), "{local}");
        }
        for remote in [
            "https://sts.eu-south-2.amazonaws.com/",
            "http://10.0.0.1:4566",
            "http://localhost.example.com",
            "http://notlocalhost",
            "http://128.0.0.1",
            "http://[fd00::1]:80",
            "http://127.0.0.1@example.com/",
            "https://example.com/127.0.0.1",
            "localhost",
        ] {
            assert!(!is_of_this_machine(remote), "{remote}");
        }
    }

    #[test]
    fn only_certificates_that_work_are_taken_from_a_file() {
        let good = include_str!("../../tests/e2e/tls/authority.pem");
        // Many a bundle says in plain text whose certificate it is.
        let mixed = format!("# Corp root\n{good}# another\n{good}");
        assert_eq!(certificates(&mixed).len(), 2);
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(certificates(broken), [] as [String; 0]);
        assert_eq!(certificates("no PEM at all"), [] as [String; 0]);
        assert_eq!(certificates(&format!("{broken}{good}")).len(), 1);
        let cut = "-----BEGIN CERTIFICATE-----\nMIIB";
        assert_eq!(certificates(cut), [] as [String; 0]);
    }
}
