//! The connection string in a database's secret.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Map, Value};

/// The characters to encode in a URL's user, password and path.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The characters of [`ENCODED`], for a path.
const PATH: &AsciiSet = &ENCODED.remove(b'/');

/// The modes that can be required of a connection.
pub(super) const MODES: [&str; 3] = ["disable", "require", VERIFY];

pub(super) const VERIFY: &str = "verify-full";

/// The mode if the file does not say.
const DEFAULT_MODE: &str = "require";

/// Returns the mode of an engine's connection if the file does not say.
pub(super) fn default_mode(engine: &str) -> Option<&'static str> {
    (scheme(engine) == Some(POSTGRES)).then_some(DEFAULT_MODE)
}

/// The requirements of a URL for the connection.
pub(super) struct Tls<'a> {
    pub mode: Option<&'a str>,
    pub root_cert: Option<&'a str>,
}

impl Tls<'_> {
    pub fn query(&self) -> String {
        let mode = self.mode.map(|mode| format!("?sslmode={mode}"));
        let root_cert = self.root_cert.map(|path| {
            let path = utf8_percent_encode(path, PATH);
            format!("&sslrootcert={path}")
        });
        mode.unwrap_or_default() + &root_cert.unwrap_or_default()
    }
}

/// Returns the mode and the path of a URL that has only these besides what fits the other keys; `None` for any other URL.
pub(super) fn tls_of(found: &str, fitting: &str) -> Option<(Option<String>, Option<String>)> {
    let query = match found.strip_prefix(fitting)? {
        "" => return Some((None, None)),
        query => query.strip_prefix("?sslmode=")?,
    };
    let (mode, root_cert) = match query.split_once("&sslrootcert=") {
        Some((mode, path)) => {
            let path = percent_decode_str(path).decode_utf8().ok()?;
            (mode, Some(path.into_owned()))
        }
        None => (query, None),
    };
    // If it is written in another way, it is another URL.
    let tls = Tls {
        mode: Some(mode),
        root_cert: root_cert.as_deref(),
    };
    let is_ours = MODES.contains(&mode) && found == format!("{fitting}{}", tls.query());
    is_ours.then(|| (Some(mode.to_owned()), root_cert))
}

/// Returns the connection string that fits the other keys, without its requirements for the connection.
pub(super) fn url(fields: &Map<String, Value>) -> Option<String> {
    let text = |key: &str| fields.get(key).and_then(Value::as_str);
    let encoded = |key: &str| Some(utf8_percent_encode(text(key)?, ENCODED).to_string());
    Some(format!(
        "{}://{}:{}@{}:{}/{}",
        scheme(text("engine")?)?,
        encoded("username")?,
        encoded("password")?,
        text("host")?,
        port(fields)?,
        encoded("dbname")?
    ))
}

pub(super) const POSTGRES: &str = "postgresql";

pub(super) fn scheme(engine: &str) -> Option<&'static str> {
    match engine.to_lowercase().as_str() {
        "postgres" | "postgresql" | "aurora-postgresql" => Some(POSTGRES),
        "mysql" | "mariadb" | "aurora-mysql" => Some("mysql"),
        _ => None,
    }
}

/// Returns the port, which rotation functions write as a number or as text (aws/aws-sdk-pandas#1484).
pub(super) fn port(fields: &Map<String, Value>) -> Option<u16> {
    match fields.get("port")? {
        Value::Number(number) => number.as_u64()?.try_into().ok(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}
