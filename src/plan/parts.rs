//! The untaggable parts of resources, as the tags of what they are parts of record them.

use std::collections::{BTreeMap, BTreeSet};

use super::request::Request;
use crate::graph::ResourceGraph;
use crate::graph::parts::record_of;
use crate::resource::tags::mark_of_part;
use crate::resource::{Catalog, LiveSnapshot, Schema, Urn, Value};

/// The marks of untaggable parts, by what they are parts of: see [`PARTS`](crate::resource::tags::PARTS).
#[derive(Default)]
pub(super) struct Parts {
    /// Types that can have such parts.
    tokens: BTreeSet<&'static str>,
    wanted: BTreeMap<Urn, BTreeSet<String>>,
    live: BTreeMap<Urn, BTreeSet<String>>,
}

impl Parts {
    pub(super) fn of(
        live: &LiveSnapshot,
        graph: &ResourceGraph,
        catalog: &Catalog,
        request: &Request,
    ) -> Self {
        let mut parts = Self::default();
        let untaggable = |token: &str| {
            let schema = catalog.get(token).filter(|schema| !schema.taggable)?;
            Some((schema, schema.parents.first()?))
        };
        for schema in catalog.iter().filter(|schema| !schema.taggable) {
            parts
                .tokens
                .extend(schema.parents.first().map(|parent| parent.token));
        }
        for resource in graph.iter() {
            if let Some(schema) = catalog.get(resource.urn.token())
                && let Some((parent, mark)) = record_of(graph, &live.facts, schema, resource)
            {
                parts.wanted.entry(parent.clone()).or_default().insert(mark);
            }
        }
        for (urn, objects) in &live.ours {
            if request.takes_no_lock {
                let recorded = objects.iter().filter_map(|object| object.tags.parts());
                let recorded = recorded.flatten();
                let recorded = recorded.filter(|mark| live.proof.holds_part(urn, mark));
                let recorded: BTreeSet<String> = recorded.collect();
                if !recorded.is_empty() {
                    parts.live.entry(urn.clone()).or_default().extend(recorded);
                }
            }
            let Some((schema, parent)) = untaggable(urn.token()) else {
                continue;
            };
            for object in objects {
                let name = object.inputs.get(parent.property).and_then(Value::as_str);
                let owner = live.of_type(parent.token).find(|(_, owner)| {
                    name.is_some_and(|name| owner.id == name || owner.arn.as_deref() == Some(name))
                });
                if let Some((owner, tagged)) = owner
                    && let Some(mark) = mark_of_part(schema, &object.inputs)
                    && tagged
                        .tags
                        .parts()
                        .is_some_and(|known| known.contains(&mark))
                {
                    parts.live.entry(owner.clone()).or_default().insert(mark);
                }
            }
        }
        parts
    }

    /// The parts to record on a resource: the parts that are wanted, and those recorded that are still there. So a part that
    /// is to be deleted stays recorded until it is gone.
    pub(super) fn of_resource(&self, urn: &Urn, schema: &Schema) -> Option<BTreeSet<String>> {
        if !self.tokens.contains(schema.token) {
            return None;
        }
        let [wanted, live] = [&self.wanted, &self.live].map(|marks| marks.get(urn));
        Some(wanted.into_iter().chain(live).flatten().cloned().collect())
    }

    pub(super) fn of_wanted(&self, urn: &Urn) -> bool {
        self.wanted.get(urn).is_some_and(|marks| !marks.is_empty())
    }
}
