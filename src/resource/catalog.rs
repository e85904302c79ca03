//! All resource types that exist, by token.

use std::collections::BTreeMap;

use super::Schema;

/// The schemas of all implemented resource types.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    schemas: BTreeMap<&'static str, Schema>,
}

impl Catalog {
    pub fn new(schemas: impl IntoIterator<Item = Schema>) -> Self {
        Self {
            schemas: schemas
                .into_iter()
                .map(|schema| (schema.token, schema))
                .collect(),
        }
    }

    pub fn get(&self, token: &str) -> Option<&Schema> {
        self.schemas.get(token)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Schema> {
        self.schemas.values()
    }

    /// The names of all properties whose values must not be shown.
    pub fn secret_names(&self) -> Vec<&'static str> {
        let properties = self.iter().flat_map(|schema| &schema.properties);
        let secret = properties.filter(|property| property.secret);
        secret.map(|property| property.name).collect()
    }
}
