//! The sections of a stack, defaults filled in: the handle by which each sees the others.

use super::context::Context;
use super::database::Database;
use super::load_balancer::LoadBalancer;
use super::log_retention;
use super::monitoring::Monitoring;
use super::network::Network;
use super::services::Services;

/// The platform that the file asks for, defaults filled in. `None` for what is absent or at fault.
pub struct Platform {
    pub network: Option<Network>,
    pub database: Option<Database>,
    pub services: Option<Services>,
    pub load_balancer: Option<LoadBalancer>,
    pub monitoring: Option<Monitoring>,
}

impl Platform {
    /// The days for which logs are kept.
    pub fn log_retention_days(&self, context: &Context<'_>) -> u32 {
        self.monitoring.as_ref().map_or_else(
            || log_retention::by_default(context.environment()),
            |monitoring| monitoring.log_retention_days,
        )
    }
}
