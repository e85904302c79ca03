//! The sections that a stack file can have, in the order in which they are resolved and expanded.

use schemars::SchemaGenerator;

use super::context::Context;
use super::database::{self, DatabaseSpec};
use super::key::SectionKey;
use super::load_balancer::{self, LoadBalancerSpec};
use super::monitoring::{self, MonitoringSpec};
use super::network::{self, Network, NetworkSpec, security_groups};
use super::platform::Platform;
use super::services;
use super::{options, outputs, raw};
use crate::stack::{Section, Sections};

/// All sections, in the order in which a file reads best.
pub static SECTIONS: Sections = Sections {
    all: &[
        Section {
            key: SectionKey::Network.as_str(),
            of_entries: false,
            makes_resources: true,
            schema: SchemaGenerator::subschema_for::<NetworkSpec>,
            synonyms: &["vpc", "networking"],
        },
        Section {
            key: SectionKey::Database.as_str(),
            of_entries: false,
            makes_resources: true,
            schema: SchemaGenerator::subschema_for::<DatabaseSpec>,
            synonyms: &["db", "rds", "postgres", "databases"],
        },
        Section {
            key: SectionKey::Services.as_str(),
            of_entries: true,
            makes_resources: true,
            schema: services::schema,
            synonyms: &["service", "containers", "apps", "tasks"],
        },
        Section {
            key: SectionKey::LoadBalancer.as_str(),
            of_entries: false,
            makes_resources: true,
            schema: SchemaGenerator::subschema_for::<LoadBalancerSpec>,
            synonyms: &["alb", "lb", "elb", "ingress"],
        },
        Section {
            key: SectionKey::Monitoring.as_str(),
            of_entries: false,
            makes_resources: true,
            schema: SchemaGenerator::subschema_for::<MonitoringSpec>,
            synonyms: &["alarms", "alerts", "observability"],
        },
        Section {
            key: SectionKey::Resources.as_str(),
            of_entries: true,
            makes_resources: true,
            schema: raw::schema,
            synonyms: &["Resources"],
        },
        Section {
            key: SectionKey::Options.as_str(),
            of_entries: true,
            makes_resources: false,
            schema: options::schema,
            synonyms: &[],
        },
        Section {
            key: SectionKey::Outputs.as_str(),
            of_entries: true,
            makes_resources: false,
            schema: outputs::schema,
            synonyms: &["Outputs", "output"],
        },
    ],
    unsupported: &[
        (
            "queues",
            "a queue is an aws-native:sqs:Queue under `resources:`",
        ),
        (
            "jobs",
            "tasks on a schedule are made with another tool: take the key out",
        ),
        (
            "functions",
            "a function is an aws-native:lambda:Function under `resources:`",
        ),
        (
            "lambdas",
            "a function is an aws-native:lambda:Function under `resources:`",
        ),
        (
            "cache",
            "caches are made with another tool: take the key out",
        ),
        (
            "redis",
            "caches are made with another tool: take the key out",
        ),
        (
            "tables",
            "a table is an aws-native:dynamodb:Table under `resources:`",
        ),
        (
            "dns",
            "DNS records are made with another tool: take the key out",
        ),
        (
            "domain",
            "DNS records are made with another tool: take the key out",
        ),
        (
            "certificate",
            "certificates are made with another tool: take the key out",
        ),
        ("buckets", "a bucket is an aws:s3:Bucket under `resources:`"),
        ("topics", "a topic is an aws:sns:Topic under `resources:`"),
        (
            "secrets",
            "a secret is an aws:secretsmanager:Secret under `resources:`, and reaches a container by the `secrets:` of its \
             service",
        ),
    ],
};

/// Fills in the defaults of every section, and checks each by itself.
pub fn resolve_defaults(context: &mut Context<'_>) -> Platform {
    let network = network::resolve_defaults(context);
    let database = database::resolve_defaults(context);
    let services = services::resolve_defaults(context);
    let load_balancer =
        load_balancer::resolve_defaults(context, network.as_ref(), services.as_ref());
    let monitoring = monitoring::resolve_defaults(context, database.as_ref());
    Platform {
        network,
        database,
        services,
        load_balancer,
        monitoring,
    }
}

/// Makes the outputs of the sections known, so that they can be referred to from anywhere.
pub fn export(platform: &Platform, context: &mut Context<'_>) {
    if let Some(network) = &platform.network {
        let exports = network.exports(context, platform);
        context.export(SectionKey::Network, exports);
    }
    if let Some(database) = &platform.database {
        context.export(SectionKey::Database, database.exports(context));
    }
    if let Some(services) = &platform.services {
        context.export(SectionKey::Services, services.exports(context));
    }
    if let Some(balancer) = &platform.load_balancer {
        context.export(SectionKey::LoadBalancer, balancer.exports(context));
    }
    if let Some(monitoring) = &platform.monitoring {
        context.export(SectionKey::Monitoring, monitoring.exports(context));
    }
}

/// Adds the resources of every section.
pub fn expand(platform: &Platform, context: &mut Context<'_>) {
    let stand_in = if context.errors.is_empty() {
        None
    } else {
        Network::placeholder()
    };
    if let Some(network) = platform.network.as_ref().or(stand_in.as_ref()) {
        expand_network(platform, context, network);
    }
    if let Some(monitoring) = &platform.monitoring {
        monitoring.expand(context, platform);
    }
}

fn expand_network(platform: &Platform, context: &mut Context<'_>, network: &Network) {
    network.expand(context);
    security_groups::expand(context, platform);
    if let Some(database) = &platform.database {
        database.expand(context, platform, network);
    }
    if let Some(services) = &platform.services {
        services.expand(context, platform, network);
    }
    if let Some(balancer) = &platform.load_balancer {
        balancer.expand(context, platform, network);
    }
}
