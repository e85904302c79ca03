//! All resource types that exist, by token.

use std::collections::BTreeMap;

use super::Schema;

/// The schemas of all implemented resource types.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    schemas: BTreeMap<&'static str, Schema>,
    on_demand: Option<OnDemand>,
}

/// Returns the schema of a type that is made once it is asked for.
pub type OnDemand = fn(token: &str) -> Option<&'static Schema>;

impl Catalog {
    pub fn new(schemas: impl IntoIterator<Item = Schema>) -> Self {
        Self {
            schemas: schemas
                .into_iter()
                .map(|schema| (schema.token, schema))
                .collect(),
            on_demand: None,
        }
    }

    /// Adds types whose schemas are made on demand: more of them than anyone wants to have at hand.
    #[must_use]
    pub fn with(self, on_demand: OnDemand) -> Self {
        Self {
            on_demand: Some(on_demand),
            ..self
        }
    }

    pub fn get(&self, token: &str) -> Option<&Schema> {
        let listed = self.schemas.get(token);
        listed.or_else(|| self.on_demand?(token))
    }

    /// The schemas that are always there.
    pub fn iter(&self) -> impl Iterator<Item = &Schema> {
        self.schemas.values()
    }

    /// The schemas that are always there, and those of these types.
    pub fn iter_with<'t>(&self, tokens: impl IntoIterator<Item = &'t str>) -> Vec<&Schema> {
        let others = tokens.into_iter();
        let others = others.filter(|token| !self.schemas.contains_key(token));
        let others: BTreeMap<&str, &Schema> = others
            .filter_map(|token| self.get(token))
            .map(|schema| (schema.token, schema))
            .collect();
        self.iter().chain(others.into_values()).collect()
    }

    /// The names of all properties whose values must not be shown.
    pub fn secret_names(&self) -> Vec<&'static str> {
        let properties = self.iter().flat_map(|schema| &schema.properties);
        let secret = properties.filter(|property| property.secret);
        secret.map(|property| property.name).collect()
    }
}
