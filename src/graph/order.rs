//! Topological order, or the cycle that prevents it.

use std::collections::{BTreeMap, BTreeSet};

/// A cycle: each node needs the next, and the last is the first again.
#[derive(Debug, PartialEq, Eq)]
pub struct Cyclic<T>(pub Vec<T>);

/// The nodes, each after everything it needs; among equals, in their own order. Needs that are not nodes are ignored.
///
/// # Errors
/// One cycle, if there is any.
pub fn topological<T: Copy + Ord>(needs: &BTreeMap<T, BTreeSet<T>>) -> Result<Vec<T>, Cyclic<T>> {
    let mut waiting: BTreeMap<T, usize> = BTreeMap::new();
    let mut needed_by: BTreeMap<T, Vec<T>> = BTreeMap::new();
    for (&node, needed) in needs {
        let known: Vec<T> = needed
            .iter()
            .copied()
            .filter(|need| needs.contains_key(need))
            .collect();
        waiting.insert(node, known.len());
        for need in known {
            needed_by.entry(need).or_default().push(node);
        }
    }
    let mut ready: BTreeSet<T> = waiting
        .iter()
        .filter(|(_, count)| **count == 0)
        .map(|(node, _)| *node)
        .collect();
    let mut order = Vec::with_capacity(needs.len());
    while let Some(node) = ready.pop_first() {
        order.push(node);
        waiting.remove(&node);
        for &dependent in needed_by.get(&node).into_iter().flatten() {
            if let Some(count) = waiting.get_mut(&dependent) {
                *count -= 1;
                if *count == 0 {
                    ready.insert(dependent);
                }
            }
        }
    }
    match waiting.keys().next() {
        None => Ok(order),
        Some(&start) => Err(Cyclic(walk_to_cycle(start, needs, &waiting))),
    }
}

/// Follows unmet needs until a node comes up twice. Every waiting node has an unmet need, so this ends.
fn walk_to_cycle<T: Copy + Ord>(
    start: T,
    needs: &BTreeMap<T, BTreeSet<T>>,
    waiting: &BTreeMap<T, usize>,
) -> Vec<T> {
    let mut path = vec![start];
    // A hostile file makes a path of thousands.
    let mut positions = BTreeMap::from([(start, 0)]);
    let mut node = start;
    while let Some(&next) = needs
        .get(&node)
        .into_iter()
        .flatten()
        .find(|need| waiting.contains_key(need))
    {
        if let Some(position) = positions.insert(next, path.len()) {
            let mut cycle = path.split_off(position);
            cycle.push(next);
            return cycle;
        }
        path.push(next);
        node = next;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(
        edges: &[(&'static str, &[&'static str])],
    ) -> BTreeMap<&'static str, BTreeSet<&'static str>> {
        edges
            .iter()
            .map(|(node, needs)| (*node, needs.iter().copied().collect()))
            .collect()
    }

    #[test]
    fn needs_come_first() {
        let graph = graph(&[
            ("service", &["cluster", "role"]),
            ("cluster", &[]),
            ("role", &["cluster"]),
        ]);
        assert_eq!(topological(&graph), Ok(vec!["cluster", "role", "service"]));
    }

    #[test]
    fn a_cycle_is_shown_as_a_closed_path() {
        let graph = graph(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"]), ("d", &[])]);
        assert_eq!(topological(&graph), Err(Cyclic(vec!["b", "c", "b"])));
    }
}
