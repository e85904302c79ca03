//! The HTTP client of all SDK clients: which addresses are reached without a proxy, which certificates are trusted, what is
//! not sent over plain HTTP, and how long an answer may be.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

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
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::answer;
use crate::regular_file;

/// The limit of a certificate file, in bytes. Mozilla's, which systems ship, has about 150 certificates in a quarter of a
/// MiB.
const LONGEST_BUNDLE: usize = 4 << 20;

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
    /// The reason why the file cannot be read; `None` if it can be read but holds no certificate.
    #[source]
    pub source: Option<io::Error>,
}

impl Bundle {
    /// Reads a file of certificates: a regular file, after symbolic links.
    ///
    /// # Errors
    /// The file cannot be read, is too long, or holds no certificate.
    pub(super) fn read(path: &Path, named_by: &str) -> Result<Self, BundleError> {
        let unusable = |source| BundleError {
            named_by: named_by.to_owned(),
            path: path.to_owned(),
            source,
        };
        let text = regular_file::read(path, LONGEST_BUNDLE).map_err(|error| {
            unusable(Some(match error.kind() {
                io::ErrorKind::FileTooLarge => {
                    io::Error::other(format!("is longer than {} MiB", LONGEST_BUNDLE >> 20))
                }
                _ => error,
            }))
        })?;
        let certificates = certificates(&String::from_utf8_lossy(&text));
        if certificates.is_empty() {
            return Err(unusable(None));
        }
        Ok(Self(certificates))
    }
}

/// Returns the certificates of a PEM file that TLS can use. The SDK's client does not survive any other.
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

/// The client. Without a bundle, the certificates of the system are trusted. `plain` is an address that may be called over
/// plain HTTP wherever it is, because the command line names it.
///
/// # Errors
/// Those of the TLS library.
pub(super) fn client(
    bundle: Option<&Bundle>,
    plain: Option<&str>,
) -> Result<SharedHttpClient, HttpClientError> {
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
        plain: plain
            .map(|address| host(address).to_ascii_lowercase())
            .filter(|host| !host.is_empty()),
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
    /// The client that obeys `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`.
    by_environment: SharedHttpClient,
    /// The host that may be called over plain HTTP.
    plain: Option<String>,
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
            plain: self.plain.clone(),
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
    plain: Option<String>,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if would_give_away(&request, self.plain.as_deref()) {
            let reason = "secrets are not sent to another machine over plain http";
            return HttpConnectorFuture::ready(Err(ConnectorError::user(reason.into())));
        }
        let answering = if is_of_this_machine(request.uri()) {
            self.direct.call(request)
        } else {
            self.by_environment.call(request)
        };
        HttpConnectorFuture::new(
            async move { answer::bounded(answering.await?, answer::MOST).await },
        )
    }
}

/// Returns whether a request with any content could be read in transit. Requests for credentials, which an instance or a
/// container sends to its host, have no content. `plain` is the host that may be called this way, with its subdomains:
/// buckets have some.
fn would_give_away(request: &HttpRequest, plain: Option<&str>) -> bool {
    let uri = request.uri();
    let carries = request.method() == "POST" || request.headers().get("authorization").is_some();
    let host = host(uri).to_ascii_lowercase();
    let is_allowed = plain.is_some_and(|plain| {
        let above = host.strip_suffix(plain);
        above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
    });
    carries && is_plain(uri) && !is_of_this_machine(uri) && !is_allowed
}

/// Returns whether an address is one of HTTP without TLS.
pub(super) fn is_plain(uri: &str) -> bool {
    uri.split_once("://")
        .is_some_and(|(scheme, _)| scheme.trim().eq_ignore_ascii_case("http"))
}

/// Returns the host of an address, without port and brackets; empty for text that is no address.
fn host(uri: &str) -> &str {
    let Some((_, rest)) = uri.split_once("://") else {
        return "";
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let place = authority
        .rsplit_once('@')
        .map_or(authority, |(_, place)| place);
    let host = match place.strip_prefix('[') {
        Some(inner) => inner.split(']').next(),
        None => place.split(':').next(),
    };
    host.unwrap_or_default()
}

/// Returns whether an address is a loopback address.
pub(super) fn is_loopback(uri: &str) -> bool {
    let host = host(uri);
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_loopback(),
        Ok(IpAddr::V6(address)) => {
            let mapped = address.to_ipv4_mapped();
            address.is_loopback() || mapped.is_some_and(|address| address.is_loopback())
        }
        Err(_) => {
            let name = host.trim_end_matches('.').to_ascii_lowercase();
            // RFC 6761 §6.3: these names are loopback.
            name == "localhost" || name.ends_with(".localhost")
        }
    }
}

/// Returns whether an address is only valid on this machine, so that a proxy would reach something else.
///
/// Loopback, as in Go's and curl's own rule; and the addresses at which EC2, ECS and EKS give out credentials
/// (`169.254.169.254`, `169.254.170.2`, `169.254.170.23`, `fd00:ec2::254`, `fd00:ec2::23`), which AWS tells users to exempt
/// by hand: <https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-proxy.html>
fn is_of_this_machine(uri: &str) -> bool {
    let of_credentials = match host(uri).parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_link_local(),
        Ok(IpAddr::V6(address)) => address.segments()[..2] == [0xfd00, 0x0ec2],
        Err(_) => false,
    };
    of_credentials || is_loopback(uri)
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
    fn nothing_secret_goes_to_another_machine_in_plain_http() {
        let would = |plain: Option<&str>, method: &str, uri: &str| {
            let mut request = HttpRequest::get(uri).unwrap();
            request.set_method(method).unwrap();
            would_give_away(&request, plain)
        };
        let named = Some("account.example");
        for (plain, method, uri, expected) in [
            (None, "POST", "http://account.example/", true),
            (
                None,
                "GET",
                "http://account.example/latest/meta-data",
                false,
            ),
            (None, "POST", "https://account.example/", false),
            (None, "POST", "http://127.0.0.1:5000/", false),
            (named, "POST", "http://account.example:5000/", false),
            (named, "POST", "http://bucket.account.example:5000/", false),
            (named, "POST", "http://otheraccount.example/", true),
        ] {
            assert_eq!(would(plain, method, uri), expected, "{plain:?} {uri}");
        }
    }

    /// Reads a request to its end, and answers it.
    fn answer_once(listener: &std::net::TcpListener, body: &str) {
        use std::io::{BufRead, BufReader, Read, Write};

        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let Some((name, value)) = line.split_once(':') else {
                if line.trim().is_empty() {
                    break;
                }
                continue;
            };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap();
            }
        }
        reader.read_exact(&mut vec![0; length]).unwrap();
        let head =
            "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.1\r\nconnection: close";
        let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        reader.get_mut().write_all(answer.as_bytes()).unwrap();
    }

    /// The SDK stands between the reader of pages and the client that counts their bytes.
    #[tokio::test(flavor = "multi_thread")]
    async fn pages_are_counted_through_the_sdk() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let body = r#"{"Parameters":[]}"#;
        let server = std::thread::spawn(move || answer_once(&listener, body));
        let config = aws_sdk_ssm::Config::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .http_client(client(None, None).unwrap())
            .region(aws_types::region::Region::new("eu-south-2"))
            .credentials_provider(aws_credential_types::Credentials::new(
                "key", "secret", None, None, "test",
            ))
            .endpoint_url(endpoint)
            .build();
        let ssm = aws_sdk_ssm::Client::from_conf(config);
        let tokens = super::super::pages::Tokens::of("ssm:GetParameterHistory");
        let asking = ssm.get_parameter_history().name("/x").send();
        tokens.page(asking).await.unwrap();
        server.join().unwrap();
        assert_eq!(tokens.bytes(), body.len());
    }

    #[test]
    fn a_file_of_certificates_is_a_regular_one_of_bounded_size() {
        let good = include_str!("../../tests/e2e/tls/authority.pem");
        let path = std::env::temp_dir().join(format!("fde-infra-bundle-{}", std::process::id()));
        std::fs::write(
            &path,
            format!("{good}{}", "#".repeat(LONGEST_BUNDLE - good.len())),
        )
        .unwrap();
        let fits = Bundle::read(&path, "AWS_CA_BUNDLE").map(|Bundle(all)| all.len());
        std::fs::write(&path, format!("{good}{}", "#".repeat(LONGEST_BUNDLE))).unwrap();
        let too_long = Bundle::read(&path, "AWS_CA_BUNDLE");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(fits.unwrap(), 1);
        let said = |read: Result<Bundle, BundleError>| {
            let error = read.unwrap_err();
            error.source.map(|source| source.to_string()).unwrap()
        };
        assert_eq!(said(too_long), "is longer than 4 MiB");
        let endless = Bundle::read(Path::new("/dev/zero"), "AWS_CA_BUNDLE");
        assert_eq!(said(endless), "is not a regular file");
    }

    #[test]
    fn only_certificates_that_work_are_taken_from_a_file() {
        let good = include_str!("../../tests/e2e/tls/authority.pem");
        // Many bundles say in plain text whose certificate it is.
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
