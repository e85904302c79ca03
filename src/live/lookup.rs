//! The value of a reference, from what has been read so far.

use crate::graph::ResourceGraph;
use crate::resource::{LiveSnapshot, OutputReference, Value};

/// An output of a live object, if exactly one object answers; or an input as the graph has it.
pub(super) fn lookup(
    live: &LiveSnapshot,
    graph: &ResourceGraph,
    reference: &OutputReference,
) -> Option<Value> {
    reference.resolve(&live.facts, |urn, output| {
        if let [observed] = live.of(urn)
            && let Some(value) = observed.output(output)
        {
            return Some(value);
        }
        let value = graph.get(urn)?.inputs.get(output)?;
        value.is_known().then(|| value.clone())
    })
}
