//! The settings of a command line for the way to AWS.

/// The way to reach AWS; everything left out comes from the SDK's standard chain.
#[derive(Debug, Clone, Default)]
pub struct Connection {
    /// The profile to use instead of all other credentials, even those of the environment.
    pub profile: Option<String>,
    pub region: Option<String>,
    pub endpoint_url: Option<String>,
    /// The access key id and secret, for an endpoint that brings its own. Without them, the standard chain is used.
    pub static_credentials: Option<(String, String)>,
}
