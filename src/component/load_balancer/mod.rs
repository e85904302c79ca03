//! `loadBalancer:`: the way in. An application load balancer in the public subnets, with access logs, and with HTTPS once
//! there is a certificate.
//!
//! ```yaml
//! loadBalancer:
//!   certificateArn: arn:aws:acm:eu-south-2:123456789012:certificate/…
//!   waf: { enabled: true, rateLimit: 1000, mode: count }
//! ```
//!
//! Without a certificate the HTTP listener forwards, and staging and prod get a warning unless `allowHttp` says that this is
//! meant; with one it redirects to HTTPS. The services' `routes` and `default` say which service gets what. Offers
//! `${loadBalancer.dnsName}`, `zoneId`, `arn`, `url` and, where there are logs, `accessLogsBucket`. Rules are made in
//! `routes.rs`, logs in `access_logs.rs`, the firewall in `firewall.rs`; `plain_http.rs` has the warning.

mod access_logs;
mod firewall;
mod model;
mod plain_http;
mod resources;
mod routes;
mod spec;
mod urns;

pub use model::{LoadBalancer, resolve_defaults};
pub use plain_http::warning;
pub use spec::LoadBalancerSpec;
pub use urns::{load_balancer, target_group};
