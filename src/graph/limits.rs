//! Limits that AWS sets for several resources together, or for the tags of one.

use std::collections::BTreeMap;

use super::claims::{Followed, position};
use super::{GraphError, Resource};
use crate::resource::rule::Limit;
use crate::resource::tags::OURS;
use crate::resource::{Catalog, Urn};

/// The most tags that AWS takes for one object.
const MOST_TAGS: usize = 50;
/// The keys of the author's tags travel in the value of one of ours.
const MOST_KEYS: usize = 256;

/// Counts the resources against the limits; what is over a limit that AWS may raise is a warning.
pub fn check(
    resources: &BTreeMap<Urn, Resource>,
    catalog: &Catalog,
    errors: &mut Vec<GraphError>,
    warnings: &mut Vec<GraphError>,
) {
    let followed = Followed { resources, catalog };
    let mut in_order: Vec<&Resource> = resources.values().collect();
    in_order.sort_by(|left, right| position(left).cmp(&position(right)));
    let mut used: BTreeMap<(&str, usize, String), Use<'_>> = BTreeMap::new();
    for resource in in_order {
        let Some(schema) = catalog.get(resource.urn.token()) else {
            continue;
        };
        if schema.taggable {
            check_tags(resource, schema.tag_keys_ignore_case, errors);
        }
        for (index, limit) in schema.limits.iter().enumerate() {
            let Some(group) = followed.group(limit, resource) else {
                continue;
            };
            let used = used
                .entry((schema.token, index, group))
                .or_insert_with(|| Use::of(limit, resource));
            used.add(
                (limit.measure)(&followed.inputs(&resource.inputs)),
                resource,
            );
        }
    }
    for used in used.into_values() {
        used.judge(errors, warnings);
    }
}

impl Followed<'_> {
    /// The group of a resource for a limit: what the resources that share it have in common.
    fn group(self, limit: &Limit, resource: &Resource) -> Option<String> {
        let values: Option<Vec<String>> = limit
            .by
            .iter()
            .map(|name| {
                let value = resource.inputs.get(*name)?;
                Some(format!("{:?}", self.identity(value)))
            })
            .collect();
        values.map(|values| values.join("\n"))
    }
}

/// The used part of a limit, and the resource that used it last.
struct Use<'a> {
    limit: &'a Limit,
    total: usize,
    first: &'a Resource,
    /// The resource that went over the limit.
    over: Option<&'a Resource>,
}

impl<'a> Use<'a> {
    fn of(limit: &'a Limit, first: &'a Resource) -> Self {
        Self {
            limit,
            total: 0,
            first,
            over: None,
        }
    }

    fn add(&mut self, amount: usize, resource: &'a Resource) {
        self.total += amount;
        let least = self.limit.quota.unwrap_or(self.limit.most);
        if self.total > least && self.over.is_none() {
            self.over = Some(resource);
        }
    }

    fn judge(&self, errors: &mut Vec<GraphError>, warnings: &mut Vec<GraphError>) {
        let Some(over) = self.over else { return };
        let refused = self.total > self.limit.most;
        let most = match self.limit.quota {
            Some(quota) if !refused => quota,
            _ => self.limit.most,
        };
        let first = (over.urn != self.first.urn).then(|| Box::new(self.first.origin.clone()));
        let found = GraphError::TooMuch {
            what: self.limit.what,
            total: self.total,
            most,
            by: self.limit.by.last().copied().unwrap_or_default().to_owned(),
            help: self.limit.help,
            first_origin: first,
            origin: Box::new(over.origin.clone()),
        };
        if refused {
            errors.push(found);
        } else {
            warnings.push(found);
        }
    }
}

fn check_tags(resource: &Resource, ignores_case: bool, errors: &mut Vec<GraphError>) {
    let mut refuse = |key: Option<&str>, reason: String| {
        errors.push(GraphError::Tags {
            key: key.map(str::to_owned),
            reason,
            origin: Box::new(resource.origin.clone()),
        });
    };
    let count = resource.tags.len();
    let keys: usize = resource.tags.keys().map(|key| key.len() + 3).sum();
    if count + OURS > MOST_TAGS {
        let most = MOST_TAGS - OURS;
        let reason = format!(
            "{count} tags; AWS takes 50, {OURS} of which are fde-infra's, so that {most} are left"
        );
        refuse(None, reason);
    } else if keys > MOST_KEYS + 3 {
        let reason = format!(
            "the keys of its {count} tags together have more characters than the {MOST_KEYS} of the tag in which fde-infra keeps them"
        );
        refuse(None, reason);
    }
    if !ignores_case {
        return;
    }
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for key in resource.tags.keys() {
        if let Some(first) = seen.insert(key.to_lowercase(), key) {
            let reason =
                format!("`{key}` and `{first}` are one key to IAM, which takes no notice of case");
            refuse(Some(key), reason);
        }
    }
}
