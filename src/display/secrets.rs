//! Masking of secrets in texts that others write: AWS quotes the value that it refuses.

use crate::execute::Event;
use crate::plan::Plan;
use crate::resource::{Catalog, Masking, Observed, Properties, ProviderError, Value};

/// The secret texts that are known.
#[derive(Default)]
pub struct Secrets {
    masking: Masking,
}

impl Secrets {
    /// All secrets of a plan: what the file wants, and what is live.
    pub fn of(plan: &Plan, catalog: &Catalog) -> Self {
        let mut secrets = Self::default();
        for step in &plan.steps {
            if let Some(comparison) = step.comparison() {
                secrets.add_inputs(&comparison.inputs, step.urn.token(), catalog);
            }
            if let Some(observed) = step.observed() {
                secrets.add_object(observed, catalog);
            }
        }
        for kept in &plan.kept {
            secrets.add_object(&kept.observed, catalog);
        }
        for output in &plan.outputs {
            secrets.add(&output.known, false);
        }
        secrets
    }

    /// Takes these texts for the secrets.
    pub fn of_texts(texts: impl IntoIterator<Item = String>) -> Self {
        let mut secrets = Self::default();
        for text in texts {
            secrets.add(&text.into(), true);
        }
        secrets
    }

    /// Adds those of objects that a run has made.
    #[must_use]
    pub fn and<'a>(
        mut self,
        objects: impl Iterator<Item = &'a Observed>,
        catalog: &Catalog,
    ) -> Self {
        for object in objects {
            self.add_object(object, catalog);
        }
        self
    }

    fn add_object(&mut self, observed: &Observed, catalog: &Catalog) {
        self.add_inputs(&observed.inputs, &observed.token, catalog);
        for value in observed.outputs.values() {
            self.add(value, false);
        }
    }

    fn add_inputs(&mut self, inputs: &Properties, token: &str, catalog: &Catalog) {
        let schema = catalog.get(token);
        for (name, value) in inputs {
            let secret = schema
                .and_then(|schema| schema.property(name))
                .is_some_and(|property| property.secret);
            self.add(value, secret);
        }
    }

    fn add(&mut self, value: &Value, secret: bool) {
        match value {
            Value::Secret(inner) => self.add(inner, true),
            Value::String(text) if secret => self.masking.add(text),
            Value::List(values) | Value::Join(values) => {
                for value in values {
                    self.add(value, secret);
                }
            }
            Value::Object(values) => {
                for value in values.values() {
                    self.add(value, secret);
                }
            }
            Value::If(choice) => {
                self.add(&choice.then, secret);
                self.add(&choice.otherwise, secret);
            }
            _ => {}
        }
    }

    /// The text with all secrets masked.
    pub fn mask(&self, text: &str) -> String {
        self.masking.mask(text)
    }

    pub fn mask_error(&self, error: &mut ProviderError) {
        error.message = self.mask(&error.message);
        for detail in &mut error.details {
            *detail = self.mask(detail);
        }
    }

    pub fn mask_event(&self, event: &mut Event) {
        match event {
            Event::Failed { error, .. } => self.mask_error(error),
            Event::Waiting { status, .. }
            | Event::Interrupted {
                status: Some(status),
                ..
            } => *status = self.mask(status),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::display::fixtures::{catalog, everything};

    #[test]
    fn secrets_of_file_and_live_are_masked_in_what_others_write() {
        let secrets = Secrets::of(&everything(), &catalog());
        assert_eq!(
            secrets.mask("`hunter2` is not a valid password, `hunter1` was"),
            "`[secret]` is not a valid password, `[secret]` was"
        );
    }
}
