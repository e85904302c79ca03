//! The announcement of a run before it changes anything, so that what it makes can be told from copies.

use super::{Action, Plan};
use crate::resource::proof::RunMark;
use crate::resource::{Catalog, CreateClass, Made, Value};

impl Plan {
    /// The announcement of a run that carries out this plan: the untaggable parts that it records as ours, the names that it
    /// gives, and the objects it makes that bear the mark of all runs.
    pub fn announced(&self, run: &RunMark, catalog: &Catalog) -> Made {
        let mut made = self.parts(&run.key);
        for step in &self.steps {
            let schema = catalog.get(step.urn.token());
            let (Some(schema), Some(comparison)) = (schema, step.comparison()) else {
                continue;
            };
            let is_made = matches!(
                step.action,
                Action::Create { .. } | Action::CreateReplacement { .. }
            );
            if is_made && schema.create_class == CreateClass::Token {
                made.insert_announced(&run.id, &step.urn, step.observed());
            }
            if let Some(rule) = schema.name {
                let name = comparison.inputs.get(rule.property).and_then(Value::as_str);
                made.insert_name(&step.urn, name);
            }
        }
        made
    }

    /// The untaggable parts that it records as ours: those that it makes, and those that it writes into the tags of their
    /// parents.
    pub fn parts(&self, key: &str) -> Made {
        let mut made = Made::new(key);
        for (parent, mark) in &self.made_parts {
            made.insert_part(parent, mark);
        }
        for step in &self.steps {
            let Some(marks) = step.desired().and_then(|desired| desired.parts.as_ref()) else {
                continue;
            };
            for mark in marks {
                made.insert_part(&step.urn, mark);
            }
        }
        made
    }
}
