//! The sections of a stack, settled, so that each can see the others.

use super::context::Context;
use super::database::{self, Database};
use super::load_balancer::{self, LoadBalancer};
use super::monitoring::{self, Monitoring};
use super::network::{self, Network, security_groups};
use super::services::{self, Services};

/// The platform that the file asks for, defaults filled in. `None` for what is absent or at fault.
pub struct Platform {
    pub network: Option<Network>,
    pub database: Option<Database>,
    pub services: Option<Services>,
    pub load_balancer: Option<LoadBalancer>,
    pub monitoring: Option<Monitoring>,
}

impl Platform {
    /// Settles every section.
    pub fn resolve_defaults(context: &mut Context<'_>) -> Self {
        let network = network::resolve_defaults(context);
        let database = database::resolve_defaults(context);
        let services = services::resolve_defaults(context);
        let load_balancer =
            load_balancer::resolve_defaults(context, network.as_ref(), services.as_ref());
        let monitoring = monitoring::resolve_defaults(context, database.as_ref());
        Self {
            network,
            database,
            services,
            load_balancer,
            monitoring,
        }
    }

    /// Makes the outputs of the sections known, so that they can be referred to from anywhere.
    pub fn export(&self, context: &mut Context<'_>) {
        if let Some(network) = &self.network {
            let exports = network.exports(context, self);
            context.export(network::KEY, exports);
        }
        if let Some(database) = &self.database {
            context.export(database::KEY, database.exports(context));
        }
        if let Some(services) = &self.services {
            context.export(services::KEY, services.exports(context));
        }
        if let Some(balancer) = &self.load_balancer {
            context.export(load_balancer::KEY, balancer.exports(context));
        }
        if let Some(monitoring) = &self.monitoring {
            context.export(monitoring::KEY, monitoring.exports(context));
        }
    }

    /// Adds the resources of every section.
    pub fn expand(&self, context: &mut Context<'_>) {
        let stand_in = if context.errors.is_empty() {
            None
        } else {
            Network::placeholder()
        };
        if let Some(network) = self.network.as_ref().or(stand_in.as_ref()) {
            self.expand_network(context, network);
        }
        if let Some(monitoring) = &self.monitoring {
            monitoring.expand(context, self);
        }
    }

    fn expand_network(&self, context: &mut Context<'_>, network: &Network) {
        network.expand(context);
        security_groups::expand(context, self);
        if let Some(database) = &self.database {
            database.expand(context, self, network);
        }
        if let Some(services) = &self.services {
            services.expand(context, self, network);
        }
        if let Some(balancer) = &self.load_balancer {
            balancer.expand(context, self, network);
        }
    }

    /// The days for which logs are kept.
    pub fn log_retention_days(&self, context: &Context<'_>) -> u32 {
        self.monitoring.as_ref().map_or_else(
            || monitoring::default_log_retention(context.environment()),
            |monitoring| monitoring.log_retention_days,
        )
    }
}
