//! Unique things of AWS that a stack wants twice: names, keys, ranges of addresses.
//!
//! The schemas say what no two resources can have in common. Values are compared as AWS compares them, in canonical form,
//! and references by what they lead to: `${bucket.id}`, `${bucket.bucket}` and the name itself are one bucket.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ipnet::Ipv4Net;

use super::{FACTS_TOKEN, GraphError, Origin, Resource};
use crate::resource::rule::{Claim, RangeRule};
use crate::resource::{Catalog, OutputReference, Path, Properties, Schema, Urn, Value};

/// The most references that are followed in one value; a hostile file has values that double with each step.
const MOST_REFERENCES: usize = 64;
/// No name or key of AWS is longer, in bytes.
const LONGEST: usize = 4096;

/// The resources of a stack, for values that lead from one to another.
#[derive(Clone, Copy)]
pub struct Followed<'a> {
    pub resources: &'a BTreeMap<Urn, Resource>,
    pub catalog: &'a Catalog,
}

impl<'a> Followed<'a> {
    /// A value with the texts and numbers that it refers to filled in. What only AWS can tell stays a reference.
    pub fn value(self, value: &Value) -> Value {
        let mut left = MOST_REFERENCES;
        self.step(value, &mut left)
    }

    /// Inputs, each as [`Followed::value`].
    pub fn inputs(self, inputs: &Properties) -> Properties {
        inputs
            .iter()
            .map(|(name, value)| (name.clone(), self.value(value)))
            .collect()
    }

    fn step(self, value: &Value, left: &mut usize) -> Value {
        match value {
            Value::Output(reference) => match self.input(reference) {
                Some(input) if *left > 0 => {
                    *left -= 1;
                    self.step(input, left)
                }
                _ => value.clone(),
            },
            Value::Join(parts) => joined(parts.iter().map(|part| self.step(part, left)).collect()),
            Value::List(items) => {
                Value::List(items.iter().map(|item| self.step(item, left)).collect())
            }
            Value::Object(entries) => Value::Object(
                entries
                    .iter()
                    .map(|(name, value)| (name.clone(), self.step(value, left)))
                    .collect(),
            ),
            Value::Secret(inner) => self.step(inner, left),
            other => other.clone(),
        }
    }

    /// The input that a reference leads to.
    fn input(self, reference: &OutputReference) -> Option<&'a Value> {
        let (output, rest) = reference.path.split_first()?;
        let target = self.resources.get(&reference.urn)?;
        let input = target.inputs.get(output)?.at(rest)?;
        let is_small = match input {
            Value::String(text) => text.len() <= LONGEST,
            Value::Number(_) | Value::Bool(_) | Value::Join(_) | Value::Output(_) => true,
            _ => false,
        };
        is_small.then_some(input)
    }

    /// The identity that a value stands for: a resource of the stack by its name, where it has one that is unique in the
    /// account.
    pub fn identity(self, value: &Value) -> Value {
        let followed = self.value(value);
        let Value::Output(reference) = &followed else {
            return followed;
        };
        let is_identity = matches!(reference.path.as_slice(), [one] if one == "id" || one == "arn");
        if reference.urn.token() == FACTS_TOKEN || !is_identity {
            return followed;
        }
        let named = self.resources.get(&reference.urn).and_then(|target| {
            let schema = self.catalog.get(target.urn.token())?;
            let name = target.inputs.get(schema.name?.property)?;
            let name = schema.scope.is_empty().then(|| self.value(name))?;
            name.is_known().then_some(name)
        });
        named.unwrap_or_else(|| Value::output(&reference.urn, "id"))
    }
}

/// Joins neighbouring texts into one; a text of known parts alone becomes a plain one.
fn joined(parts: Vec<Value>) -> Value {
    let mut merged: Vec<Value> = Vec::with_capacity(parts.len());
    for part in parts {
        let inner = match part {
            Value::Join(inner) => inner,
            other => vec![other],
        };
        for part in inner {
            match (merged.last_mut(), part.as_str()) {
                (Some(Value::String(text)), Some(more)) => text.push_str(more),
                _ => merged.push(part),
            }
        }
    }
    match merged.as_slice() {
        [Value::String(_)] => merged.remove(0),
        _ => Value::Join(merged),
    }
}

/// Finds what is claimed twice.
pub fn check(resources: &BTreeMap<Urn, Resource>, catalog: &Catalog, errors: &mut Vec<GraphError>) {
    let followed = Followed { resources, catalog };
    let mut in_order: Vec<&Resource> = resources.values().collect();
    in_order.sort_by(|left, right| position(left).cmp(&position(right)));
    let mut claims: HashMap<&str, Vec<Claim>> = HashMap::new();
    let mut taken: HashMap<(&'static str, Vec<&'static str>, String), &Resource> = HashMap::new();
    let mut ranges: BTreeMap<String, Vec<(Ipv4Net, &Resource)>> = BTreeMap::new();
    let mut found: Vec<(GraphError, &Resource, Claim)> = Vec::new();
    for resource in in_order {
        let Some(schema) = catalog.get(resource.urn.token()) else {
            continue;
        };
        let claims = claims
            .entry(schema.token)
            .or_insert_with(|| schema.claims());
        for claim in claims {
            let Some(values) = values(followed, schema, claim, &resource.inputs) else {
                continue;
            };
            // Types that share a claim call its input by different names.
            let by = if claim.space == schema.token {
                claim.by.clone()
            } else {
                Vec::new()
            };
            let first = *taken.entry((claim.space, by, values)).or_insert(resource);
            if first.urn != resource.urn {
                let error = twice(schema, claim, first, resource);
                found.push((error, resource, claim.clone()));
                break;
            }
        }
        if let Some(rule) = schema.range
            && let Some(range) = range(followed, rule, resource)
            && let Some(network) = resource.inputs.get(rule.within)
        {
            check_inside(followed, rule, range, resource, errors);
            let network = format!("{:?}", followed.identity(network));
            ranges.entry(network).or_default().push((range, resource));
        }
    }
    errors.extend(causes(found));
    for ranges in ranges.into_values() {
        check_overlaps(catalog, ranges, errors);
    }
}

/// The clashes that do not follow from others: two services of one name have parts that clash only because the services do.
fn causes(found: Vec<(GraphError, &Resource, Claim)>) -> Vec<GraphError> {
    let seconds: BTreeSet<&Urn> = found.iter().map(|(_, second, _)| &second.urn).collect();
    let follows = |second: &Resource, claim: &Claim| {
        claim
            .by
            .iter()
            .filter_map(|name| Path::from(*name).find(&second.inputs))
            .flat_map(Value::references)
            .any(|reference| seconds.contains(&reference.urn))
    };
    let keep: Vec<bool> = found
        .iter()
        .map(|(_, second, claim)| !follows(second, claim))
        .collect();
    found
        .into_iter()
        .zip(keep)
        .filter(|(_, keep)| *keep)
        .map(|((error, ..), _)| error)
        .collect()
}

/// The values of a claim, for comparison; `None` if too little of it is known to compare it, or if nothing is claimed.
fn values(
    followed: Followed<'_>,
    schema: &Schema,
    claim: &Claim,
    inputs: &Properties,
) -> Option<String> {
    let values: Vec<Value> = claim
        .by
        .iter()
        .map(|name| {
            let Some(value) = Path::from(*name).find(inputs) else {
                return Value::Null;
            };
            let value = followed.identity(value);
            let canonical = schema
                .property(name)
                .and_then(|property| property.canonical);
            match canonical {
                Some(form) if value.is_known() => form(value),
                _ => value,
            }
        })
        .collect();
    if values.iter().all(Value::is_null) {
        return None;
    }
    let text = format!("{values:?}");
    if text.len() > LONGEST {
        return None;
    }
    Some(if claim.ignores_case {
        text.to_lowercase()
    } else {
        text
    })
}

fn twice(schema: &Schema, claim: &Claim, first: &Resource, second: &Resource) -> GraphError {
    let by: Vec<String> = claim.by.iter().map(|name| format!("`{name}`")).collect();
    let shared = (claim.space != schema.token).then_some(claim.space);
    GraphError::Twice {
        same: shared.map_or_else(|| listed(&by), |what| format!("{what}, by {}", listed(&by))),
        ignores_case: claim.ignores_case,
        at: claim
            .by
            .iter()
            .rev()
            .map(|name| (*name).to_owned())
            .collect(),
        first: first.urn.name().to_owned(),
        second: second.urn.name().to_owned(),
        first_origin: Box::new(first.origin.clone()),
        origin: Box::new(second.origin.clone()),
    }
}

/// `a`, `b` and `c`.
fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

fn range(followed: Followed<'_>, rule: RangeRule, resource: &Resource) -> Option<Ipv4Net> {
    let text = followed.value(resource.inputs.get(rule.property)?);
    let range: Ipv4Net = text.as_str()?.parse().ok()?;
    Some(range.trunc())
}

/// Checks that a range lies inside that of its network, if the network is one of the stack's.
fn check_inside(
    followed: Followed<'_>,
    rule: RangeRule,
    range: Ipv4Net,
    resource: &Resource,
    errors: &mut Vec<GraphError>,
) {
    let Some(Value::Output(reference)) = resource.inputs.get(rule.within) else {
        return;
    };
    let network = followed
        .resources
        .get(&reference.urn)
        .and_then(|network| self::range(followed, rule, network));
    if let Some(network) = network
        && !network.contains(&range)
    {
        errors.push(GraphError::Outside {
            range: range.to_string(),
            network: network.to_string(),
            at: rule.property.to_owned(),
            origin: Box::new(resource.origin.clone()),
        });
    }
}

/// Checks for overlaps. Ranges are nested or apart, so that one overlaps another exactly if it begins inside one that began
/// before.
fn check_overlaps(
    catalog: &Catalog,
    mut ranges: Vec<(Ipv4Net, &Resource)>,
    errors: &mut Vec<GraphError>,
) {
    ranges.sort_by(|(left, first), (right, second)| {
        let key = |range: &Ipv4Net| (range.network(), range.prefix_len());
        let by_range = key(left).cmp(&key(right));
        by_range.then_with(|| position(first).cmp(&position(second)))
    });
    let mut widest: Option<(Ipv4Net, &Resource)> = None;
    for (range, resource) in ranges {
        match widest {
            // Two equal ones have already been reported as equal.
            Some((outer, _)) if outer == range => {}
            Some((outer, other)) if outer.contains(&range) => {
                let (first, second) = if position(other) <= position(resource) {
                    ((outer, other), (range, resource))
                } else {
                    ((range, resource), (outer, other))
                };
                let property = catalog
                    .get(second.1.urn.token())
                    .and_then(|schema| schema.range)
                    .map_or("", |rule| rule.property);
                errors.push(GraphError::Overlap {
                    range: second.0.to_string(),
                    other: first.0.to_string(),
                    first: first.1.urn.name().to_owned(),
                    at: property.to_owned(),
                    first_origin: Box::new(first.1.origin.clone()),
                    origin: Box::new(second.1.origin.clone()),
                });
            }
            _ => widest = Some((range, resource)),
        }
    }
}

/// The position of a resource in the file: sections before what follows them, and what is not in it last.
pub fn position(resource: &Resource) -> (usize, &Urn) {
    let Origin { span, .. } = &resource.origin;
    (span.map_or(usize::MAX, |(offset, _)| offset), &resource.urn)
}
