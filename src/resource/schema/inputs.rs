//! The inputs of a resource as its schema sees them: defaults, checks, and places.

use super::{Schema, Unset};
use crate::resource::property::{fill, lower_case};
use crate::resource::rule::Claim;
use crate::resource::{InvalidInput, Path, Properties, Value};

impl Schema {
    /// The inputs with every default filled in, and in lower case where AWS keeps them so. A text that is empty is none,
    /// where AWS makes no difference; for a name, none would mean another one.
    #[must_use]
    pub fn with_defaults(&self, mut inputs: Properties) -> Properties {
        let name = self.name.map(|rule| rule.property);
        for property in &self.properties {
            if property.lower_cased
                && let Some(value) = inputs.get_mut(property.name)
            {
                *value = lower_case(std::mem::replace(value, Value::Null));
            }
            let given = inputs.get(property.name).and_then(Value::as_str);
            if given == Some("") && property.empty_is_unset() && name != Some(property.name) {
                inputs.remove(property.name);
            }
            let Unset::Default(default) = &property.unset else {
                continue;
            };
            match (inputs.get_mut(property.name), default) {
                (Some(Value::Object(given)), Value::Object(defaults)) => fill(given, defaults),
                (None | Some(Value::Null), default) if !default.is_null() => {
                    inputs.insert(property.name.to_owned(), default.clone());
                }
                _ => {}
            }
        }
        inputs.retain(|_, value| !value.is_null());
        inputs
    }

    /// Everything that AWS does not take of the inputs, as far as they are known.
    pub fn invalid_inputs(&self, inputs: &Properties) -> Vec<InvalidInput> {
        let of_texts = self.properties.iter().filter_map(|property| {
            let unfit = property.text?.check(inputs.get(property.name)?)?;
            Some(InvalidInput::of_text(property.name, unfit))
        });
        // An input that is left out is known to be left out.
        let is_known = |path: &String| {
            let path = Path::parse(path).unwrap_or_default();
            path.find(inputs).is_none_or(Value::is_known)
        };
        let together = self.checks.map_or_else(Vec::new, |checks| checks(inputs));
        let decided = together
            .into_iter()
            .filter(|invalid_input| invalid_input.decided_by.iter().all(is_known));
        of_texts.chain(decided).collect()
    }

    /// The inputs that no two resources can have in common: a name within its scope, the key, and what else the type says.
    pub fn claims(&self) -> Vec<Claim> {
        let own = |by: Vec<&'static str>| Claim {
            space: self.token,
            by,
            ignores_case: self.ignores_case,
        };
        let named = self
            .name
            .filter(|rule| !self.key.contains(&rule.property))
            .map(|rule| own(self.scope.iter().copied().chain([rule.property]).collect()));
        let keyed = (!self.key.is_empty()).then(|| own(self.key.to_vec()));
        let others = self.unique.iter().map(|by| own(by.to_vec()));
        let shared = self.shared_claim.map(|(space, by)| Claim {
            space,
            by: vec![by],
            ignores_case: false,
        });
        named
            .into_iter()
            .chain(keyed)
            .chain(others)
            .chain(shared)
            .collect()
    }

    /// The place in AWS that only one object of the type can take at a time: its key, or else its name. `None` if it has
    /// neither, or not all of it is known.
    pub fn place_of(&self, inputs: &Properties) -> Option<Vec<Value>> {
        if !self.key.is_empty() {
            // A key of which nothing is set can occur any number of times: NAT gateways without an address.
            let key = self.key_of(inputs)?;
            return key.iter().any(|part| !part.is_null()).then_some(key);
        }
        let name = inputs.get(self.name?.property)?;
        // AWS tells most names apart whatever their case.
        let mut place = vec![Value::from(name.as_str()?.to_lowercase())];
        // A group of another VPC, a service of another cluster may have the same.
        place.extend(self.values_of(self.scope, inputs)?);
        Some(place)
    }

    /// The key that tells this object from others of its type, once all of it is known.
    pub fn key_of(&self, inputs: &Properties) -> Option<Vec<Value>> {
        if self.key.is_empty() {
            return None;
        }
        self.values_of(self.key, inputs)
    }

    /// The values of some properties in the form in which they are compared, once all of them are known.
    pub fn values_of(&self, names: &[&str], inputs: &Properties) -> Option<Vec<Value>> {
        names
            .iter()
            .map(|name| match inputs.get(*name) {
                None => Some(Value::Null),
                Some(value) if value.is_known() => Some(
                    self.property(name)
                        .and_then(|property| property.canonical)
                        .map_or_else(|| value.clone(), |form| form(value.clone())),
                ),
                Some(_) => None,
            })
            .collect()
    }
}
