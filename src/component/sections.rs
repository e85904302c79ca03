//! The sections that a stack file can have. A new one is a file next to this one and a line here.

use schemars::{Schema, SchemaGenerator};

use super::{database, load_balancer, monitoring, network, options, outputs, raw, services};

/// A key of the file that is more than a line of its head.
pub struct Section {
    /// The key as it is written in the file.
    pub key: &'static str,
    /// True for a map whose entries are independent, each checked alone.
    pub of_entries: bool,
    /// True if what is written there becomes resources.
    pub makes_resources: bool,
    /// The schema of its value.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
}

/// All sections, in the order in which a file reads best.
pub const SECTIONS: &[Section] = &[
    Section {
        key: network::KEY,
        of_entries: false,
        makes_resources: true,
        schema: SchemaGenerator::subschema_for::<network::NetworkSpec>,
    },
    Section {
        key: database::KEY,
        of_entries: false,
        makes_resources: true,
        schema: SchemaGenerator::subschema_for::<database::DatabaseSpec>,
    },
    Section {
        key: services::KEY,
        of_entries: true,
        makes_resources: true,
        schema: services::schema,
    },
    Section {
        key: load_balancer::KEY,
        of_entries: false,
        makes_resources: true,
        schema: SchemaGenerator::subschema_for::<load_balancer::LoadBalancerSpec>,
    },
    Section {
        key: monitoring::KEY,
        of_entries: false,
        makes_resources: true,
        schema: SchemaGenerator::subschema_for::<monitoring::MonitoringSpec>,
    },
    Section {
        key: raw::KEY,
        of_entries: true,
        makes_resources: true,
        schema: raw::schema,
    },
    Section {
        key: options::KEY,
        of_entries: true,
        makes_resources: false,
        schema: options::schema,
    },
    Section {
        key: outputs::KEY,
        of_entries: true,
        makes_resources: false,
        schema: outputs::schema,
    },
];

/// True for the key of a section.
pub fn is_section(key: &str) -> bool {
    SECTIONS.iter().any(|section| section.key == key)
}

pub use super::raw::inputs::schema as inputs_schema;

/// True for the key of a section that becomes resources and offers outputs.
pub fn is_component(key: &str) -> bool {
    let section = SECTIONS.iter().find(|section| section.key == key);
    key != raw::KEY && section.is_some_and(|section| section.makes_resources)
}
