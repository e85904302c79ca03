//! The objects of a stack that exist in AWS now.
//!
//! All types are read at once, in bulk, in as many rounds as parents have children: calls grow with types and pages, not
//! with resources. Ownership is decided in [`ownership`]. This module does not know what should become of anything.
//!
//! # Which call waits for which
//!
//! A reading takes as long as its longest chain of calls. Where nothing has changed, that is:
//!
//! 1. The identity; beside it, in a preview of a file that names no account to compare it with, the tag index and the zones.
//!    Else these wait for the identity, and the chain is one call longer.
//! 2. What is listed or asked for by name, filter or ARN. Names and ARNs come from the file and from the index, so that this
//!    waits for the index. Parts and children, which are read in later rounds because they are sorted by the parents that
//!    were found, are asked for at the same time ([`Provider::ahead`]): by the stack's tag where the service has such a
//!    filter, else by the parents that the index names.
//! 3. Requests that depend on something that was listed just now: the DNS attributes of a network, the rules of the security
//!    groups, the parameters of a group, whether a repository has images; and children of a parent that the index did not
//!    know.
//!
//! The rounds do not change by this: the order in which things are sorted, and the evidence for it, do not depend on when
//! they were asked for.

mod lookup;
mod ownership;
mod tally;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::{join_all, try_join_all};

use lookup::lookup;
use ownership::Unmarked;
pub use tally::Tally;

use crate::graph::ResourceGraph;
use crate::resource::desired::source_of;
use crate::resource::provider::{Indexed, Query, Wanted};
use crate::resource::session::beside;
use crate::resource::tags::{Marks, applied};
use crate::resource::value::resolve_properties;
use crate::resource::{
    Addition, Catalog, LastRun, LiveSnapshot, Observed, OutputReference, Proof, Provider,
    ProviderError, ReadSession, Tags,
};

/// Reads everything of the graph's stack, and everything that has a name the graph wants.
///
/// # Errors
/// The first read that fails. A denied read is an error: taking it for "absent" would create twins.
pub async fn read(
    provider: &dyn Provider,
    graph: &ResourceGraph,
) -> Result<LiveSnapshot, ProviderError> {
    read_with(provider, graph, &Hints::default()).await
}

/// Places to look at besides those in file and index: the index is behind by minutes, and does not know what was made last.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hints {
    /// Types of which there may be objects.
    pub tokens: BTreeSet<String>,
    /// Objects that may be there.
    pub objects: Vec<Indexed>,
    /// The resources of the file that existed after the last run.
    pub last_run: LastRun,
    /// The proof that an object is ours.
    pub proof: Proof,
}

/// Reads as [`read`] does, and also where the hints say.
///
/// # Errors
/// Those of [`read`].
pub async fn read_with(
    provider: &dyn Provider,
    graph: &ResourceGraph,
    hints: &Hints,
) -> Result<LiveSnapshot, ProviderError> {
    read_counting(provider, graph, hints, &Tally::default()).await
}

/// Reads as [`read_with`] does, and counts for those who watch.
///
/// # Errors
/// Those of [`read`].
pub async fn read_counting(
    provider: &dyn Provider,
    graph: &ResourceGraph,
    hints: &Hints,
    tally: &Tally,
) -> Result<LiveSnapshot, ProviderError> {
    let catalog = provider.catalog();
    let (facts, index) =
        futures_util::future::try_join(provider.facts(), provider.index(&graph.stack)).await?;
    let mut live = LiveSnapshot {
        facts,
        last_run: hints.last_run.clone(),
        proof: hints.proof.clone(),
        ..LiveSnapshot::default()
    };
    let session = &ReadSession::default();
    let mut indexed = by_type(index, &graph.stack);
    let regional = indexed.iter().filter(|(token, _)| {
        let schema = catalog.get(token);
        schema.is_some_and(|schema| !schema.global)
    });
    live.read.regional = regional
        .flat_map(|(_, entries)| entries)
        .map(|entry| entry.tags.clone())
        .collect();
    // Hints carry no tags, so they come after the conclusions that are drawn from tags.
    add_hints(&mut indexed, &hints.objects, &graph.stack);
    let indexed = &indexed;
    let rounds = rounds(catalog, graph, indexed, &hints.tokens);
    tally.begin(rounds.iter().map(Vec::len).sum());
    let later = rounds.iter().skip(1).flatten().copied();
    let later: BTreeSet<&str> = later.collect();
    let foreseen = &foreseen(provider, graph, &live, indexed, &later);
    let ahead = later.into_iter().map(|token| async move {
        let wanted = wanted(graph, foreseen, catalog, token);
        let query = Query {
            token,
            stack: &graph.stack,
            wanted: &wanted,
            indexed: indexed.get(token).map_or(&[], Vec::as_slice),
            live: foreseen,
            session,
        };
        provider.ahead(query).await;
    });
    let reading = async {
        for round in &rounds {
            let wanted: Vec<Vec<Wanted>> = round
                .iter()
                .map(|token| wanted(graph, &live, catalog, token))
                .collect();
            let answers = {
                let live = &live;
                let reads = round.iter().zip(&wanted).map(|(token, wanted)| {
                    let query = Query {
                        token,
                        stack: &graph.stack,
                        wanted,
                        indexed: indexed.get(*token).map_or(&[], Vec::as_slice),
                        live,
                        session,
                    };
                    async move {
                        let found = provider.read(query).await?;
                        tally.add(found.len());
                        Ok(found)
                    }
                });
                try_join_all(reads).await?
            };
            let answers = round.iter().map(|token| (*token).to_owned()).zip(answers);
            sort_round(&mut live, catalog, graph, answers.collect());
        }
        finish(&mut live);
        Ok(live)
    };
    beside(reading, join_all(ahead)).await
}

/// The parents of these types according to the index, before they have been read. The index goes on listing deleted objects
/// for a long time (<https://github.com/aws/aws-sdk/issues/676>): objects that have left the file, and pairs of which one
/// has replaced the other, are not asked about needlessly.
fn foreseen(
    provider: &dyn Provider,
    graph: &ResourceGraph,
    live: &LiveSnapshot,
    indexed: &BTreeMap<String, Vec<Indexed>>,
    children: &BTreeSet<&str>,
) -> LiveSnapshot {
    let schemas = children
        .iter()
        .filter_map(|token| provider.catalog().get(token));
    let parents: BTreeSet<&str> = schemas
        .flat_map(|schema| schema.reads_after.iter().copied())
        .collect();
    let mut foreseen = LiveSnapshot {
        facts: live.facts.clone(),
        proof: live.proof.clone(),
        ..LiveSnapshot::default()
    };
    for token in parents {
        for entry in indexed.get(token).into_iter().flatten() {
            if let Some(urn) = entry.tags.owner()
                && graph.contains(&urn)
                && let Some(observed) = provider.foreseen(token, entry)
            {
                foreseen.ours.entry(urn).or_default().push(observed);
            }
        }
    }
    foreseen.ours.retain(|_, objects| objects.len() == 1);
    foreseen
}

/// Sorts again what was read, by what is now known to be ours.
#[must_use]
pub fn sorted_again(
    live: &LiveSnapshot,
    graph: &ResourceGraph,
    catalog: &Catalog,
    proof: Proof,
) -> LiveSnapshot {
    let mut sorted = LiveSnapshot {
        facts: live.facts.clone(),
        last_run: live.last_run.clone(),
        proof,
        ..LiveSnapshot::default()
    };
    sorted.read.regional.clone_from(&live.read.regional);
    for round in &live.read.rounds {
        sort_round(&mut sorted, catalog, graph, round.clone());
    }
    finish(&mut sorted);
    sorted
}

/// Sorts the objects that one round of reading has found into the snapshot.
fn sort_round(
    live: &mut LiveSnapshot,
    catalog: &Catalog,
    graph: &ResourceGraph,
    answers: Vec<(String, Vec<Observed>)>,
) {
    let mut sorted: Vec<_> = answers
        .iter()
        .filter_map(|(token, observed)| Some((catalog.get(token)?, observed)))
        .collect();
    // The owner of an object that has its name in all regions can be told from the other objects here.
    sorted.sort_by_key(|(schema, _)| schema.global);
    for (schema, observed) in sorted {
        let here = live.ours.iter().filter(|(urn, _)| {
            let schema = catalog.get(urn.token());
            schema.is_some_and(|schema| schema.taggable && !schema.global)
        });
        let here = here.flat_map(|(_, objects)| objects.iter().map(|object| &object.tags));
        let unmarked = Unmarked::judge(graph, catalog, here.chain(&live.read.regional));
        ownership::assign(live, schema, graph, observed.clone(), unmarked);
    }
    ownership::rename_all(live, catalog, graph);
    live.read.rounds.push(answers);
}

/// Sorts the objects that were found into a fixed order.
fn finish(live: &mut LiveSnapshot) {
    for objects in live.ours.values_mut() {
        objects.sort_by(|left, right| left.id.cmp(&right.id));
    }
    live.claimed
        .sort_by(|left, right| (&left.0, &left.1.id).cmp(&(&right.0, &right.1.id)));
    live.additions.sort_by(|left, right| {
        let of = |addition: &Addition| {
            let observed = &addition.observed;
            (
                addition.parent.clone(),
                observed.token.clone(),
                observed.id.clone(),
            )
        };
        of(left).cmp(&of(right))
    });
}

/// Adds the hinted objects that the index does not know.
fn add_hints(
    indexed: &mut BTreeMap<String, Vec<Indexed>>,
    hints: &[Indexed],
    stack: &crate::resource::StackId,
) {
    for (token, hinted) in by_type(hints.to_vec(), stack) {
        let entries = indexed.entry(token).or_default();
        for hint in hinted {
            if !entries.iter().any(|entry| entry.arn == hint.arn) {
                entries.push(hint);
            }
        }
        entries.sort_by(|left, right| left.arn.cmp(&right.arn));
    }
}

/// Index entries by the type that their URN names, each by ARN. An entry with an unreadable URN belongs to no one: not ours,
/// not touched.
fn by_type(
    mut index: Vec<Indexed>,
    stack: &crate::resource::StackId,
) -> BTreeMap<String, Vec<Indexed>> {
    index.sort_by(|left, right| left.arn.cmp(&right.arn));
    let mut by_type: BTreeMap<String, Vec<Indexed>> = BTreeMap::new();
    for entry in index {
        if let Some(urn) = entry.tags.owner()
            && urn.stack() == stack
        {
            by_type
                .entry(urn.token().to_owned())
                .or_default()
                .push(entry);
        }
    }
    by_type
}

/// The types to read, in rounds: those of a round need only what earlier rounds found.
fn rounds<'a>(
    catalog: &'a Catalog,
    graph: &ResourceGraph,
    indexed: &BTreeMap<String, Vec<Indexed>>,
    hinted: &BTreeSet<String>,
) -> Vec<Vec<&'a str>> {
    let wanted: BTreeSet<&str> = graph.iter().map(|resource| resource.urn.token()).collect();
    let mut round_of: BTreeMap<&str, usize> = BTreeMap::new();
    // Chains of parents are short; each pass settles one generation.
    let named = indexed.keys().chain(hinted).map(String::as_str);
    let named = named.chain(wanted.iter().copied());
    let mut open = catalog.iter_with(named);
    while !open.is_empty() {
        let before = open.len();
        open.retain(|schema| {
            let parents: Option<Vec<usize>> = schema
                .reads_after
                .iter()
                .chain(schema.compares_after)
                .filter(|token| catalog.get(token).is_some())
                .map(|token| round_of.get(token).copied())
                .collect();
            match parents {
                Some(parents) => {
                    let round = parents.iter().max().map_or(0, |round| round + 1);
                    round_of.insert(schema.token, round);
                    false
                }
                None => true,
            }
        });
        if open.len() == before {
            break;
        }
    }
    let mut needed: BTreeSet<&str> = BTreeSet::new();
    let mut in_order: Vec<(&str, usize)> = round_of.into_iter().collect();
    in_order.sort_by_key(|(_, round)| *round);
    let mut rounds: Vec<Vec<&str>> = Vec::new();
    for (token, round) in in_order {
        let Some(schema) = catalog.get(token) else {
            continue;
        };
        // A child that is no longer wanted is only found by asking its parents.
        let child = !schema.taggable && schema.reads_after.iter().any(|p| needed.contains(p));
        let named = wanted.contains(token) || indexed.contains_key(token);
        if named || hinted.contains(token) || schema.unindexed || child {
            needed.insert(schema.token);
            rounds.resize_with(rounds.len().max(round + 1), Vec::new);
            rounds[round].push(schema.token);
        }
    }
    rounds.retain(|round| !round.is_empty());
    rounds
}

/// The resources of a type that the graph wants, by URN, with the references resolved that earlier rounds answer.
fn wanted(
    graph: &ResourceGraph,
    live: &LiveSnapshot,
    catalog: &Catalog,
    token: &str,
) -> Vec<Wanted> {
    let Some(schema) = catalog.get(token) else {
        return Vec::new();
    };
    let lookup = |reference: &OutputReference| lookup(live, graph, reference);
    graph
        .iter()
        .filter(|resource| resource.urn.token() == token)
        .map(|resource| {
            let marks = Marks {
                protect: resource.options.protect == Some(true),
                retain: resource.options.retain_on_delete,
            };
            let source = source_of(
                schema,
                &resource.inputs,
                &resource.tags,
                resource.generated_name,
                &resource.options.ignore_changes,
                marks,
            );
            let applied = applied("", &source);
            Wanted {
                urn: resource.urn.clone(),
                inputs: resolve_properties(&resource.inputs, &lookup),
                tags: Tags::owned(&resource.urn, &resource.tags, &applied, marks),
                is_imported: resource.options.import.is_some(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
