//! The plan in the making, which one pass hands to the next.

use std::collections::BTreeMap;

use super::model::Added;
use super::parts::Parts;
use super::reason::{Because, DeleteFirst};
use super::refusal::{Refusal, Unmarked};
use super::request::Request;
use super::retained::Retained;
use super::uses::Uses;
use super::verdict::Verdict;
use crate::graph::ResourceGraph;
use crate::resource::provider::DataPolicy;
use crate::resource::{Catalog, LastRun, LiveSnapshot, Observed, Urn, Value};

/// An object that is to go.
pub(super) struct Removal {
    pub(super) urn: Urn,
    pub(super) observed: Observed,
    pub(super) because: Because,
    pub(super) data: DataPolicy,
}

/// A plan in the making.
pub(super) struct Draft<'a> {
    pub(super) graph: &'a ResourceGraph,
    pub(super) live: &'a LiveSnapshot,
    pub(super) catalog: &'a Catalog,
    pub(super) request: &'a Request,
    pub(super) verdicts: BTreeMap<&'a Urn, Verdict>,
    pub(super) removals: Vec<Removal>,
    pub(super) retained: Vec<Retained>,
    pub(super) refusals: Vec<Refusal>,
    /// The resources that must be replaced along with another one, and with which.
    pub(super) followers: BTreeMap<Urn, Urn>,
    /// Replacements whose old object goes first, and why.
    pub(super) delete_first: BTreeMap<Urn, DeleteFirst>,
    /// The references among live objects: dependents of an object, by the object's id and type.
    pub(super) uses: Uses,
    /// The record of the untaggable parts of each resource.
    pub(super) parts: Parts,
    /// The free places that were found for resources, instead of those they want.
    pub(super) places: BTreeMap<Urn, Value>,
    pub(super) added: Vec<Added>,
    pub(super) left: LastRun,
    pub(super) unmarked: Vec<Unmarked>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(
        graph: &'a ResourceGraph,
        live: &'a LiveSnapshot,
        catalog: &'a Catalog,
        request: &'a Request,
    ) -> Self {
        Self {
            graph,
            live,
            catalog,
            request,
            verdicts: BTreeMap::new(),
            removals: Vec::new(),
            retained: Vec::new(),
            refusals: Vec::new(),
            followers: BTreeMap::new(),
            delete_first: BTreeMap::new(),
            uses: Uses::of(live, graph, catalog),
            parts: Parts::of(live, graph, catalog, request),
            places: BTreeMap::new(),
            added: Vec::new(),
            left: LastRun::default(),
            unmarked: Vec::new(),
        }
    }
}
