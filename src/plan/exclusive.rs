//! Pass between 1 and 2: objects that can be used under one other object at a time, and whose users are to move to another.
//!
//! A target group belongs to one load balancer. A load balancer that is replaced is made before the old one goes, with
//! listeners of its own; the groups that these lead to still belong to the old one, and AWS says
//! `TargetGroupAssociationLimit`. So the groups get successors. One whose name is the author's cannot stand beside its
//! successor: then the old listeners and rules go before the new ones come.

use std::collections::{BTreeMap, BTreeSet};

use super::uses::{ObjectKey, key};
use super::{Draft, Refusal, Verdict};
use crate::graph::dependencies;
use crate::resource::{Schema, Urn};

/// Resources that have to be replaced along with another one.
pub(super) fn followers(draft: &Draft<'_>) -> BTreeMap<Urn, Urn> {
    moved(draft)
        .into_iter()
        .filter(|moved| moved.has_successor)
        .map(|moved| (moved.urn.clone(), moved.to.clone()))
        .collect()
}

/// A new use of something that has no successor.
pub(super) struct Turn {
    /// The new user, which waits until the old one is gone.
    pub user: Urn,
    pub old: ObjectKey,
    /// The object under which it is to be used; the old user serves until that stands.
    pub under: Urn,
}

/// The old and new users of objects that have no successor.
pub(super) fn turns(draft: &Draft<'_>) -> Vec<Turn> {
    let moved = moved(draft).into_iter();
    let pairs = moved
        .filter(|moved| !moved.has_successor)
        .flat_map(|moved| {
            let (old, under) = (moved.old_users, moved.to);
            moved.new_users.into_iter().flat_map(move |user| {
                old.clone().into_iter().map(move |old| Turn {
                    user: user.clone(),
                    old,
                    under: under.clone(),
                })
            })
        });
    pairs.collect()
}

/// Refuses an object that is to be used under two objects at once.
pub(super) fn refuse_shared(draft: &mut Draft<'_>) {
    let mut refusals = Vec::new();
    for resource in draft.graph.iter() {
        let Some((schema, token)) = exclusive(draft, &resource.urn) else {
            continue;
        };
        let above: BTreeSet<&Urn> = wanted_users(draft, schema, &resource.urn)
            .into_iter()
            .flat_map(|user| above(draft, user, token))
            .collect();
        if above.len() > 1 {
            let names: Vec<&str> = above.iter().map(|urn| urn.name()).collect();
            let id = draft.verdicts.get(&resource.urn);
            let id = id.and_then(Verdict::observed);
            refusals.push(Refusal::Forbidden {
                urn: resource.urn.clone(),
                id: id.map(|observed| observed.id.clone()).unwrap_or_default(),
                reason: format!(
                    "{} would lead to it, and AWS takes one: give each a group of its own",
                    names.join(" and ")
                ),
            });
        }
    }
    draft.refusals.extend(refusals);
}

struct Moved<'a> {
    urn: &'a Urn,
    /// The object under which it is to be used.
    to: &'a Urn,
    has_successor: bool,
    old_users: Vec<ObjectKey>,
    new_users: Vec<&'a Urn>,
}

fn moved<'a>(draft: &'a Draft<'_>) -> Vec<Moved<'a>> {
    let mut found = Vec::new();
    for (urn, verdict) in &draft.verdicts {
        let Some(observed) = verdict.kept() else {
            continue;
        };
        let Some((schema, token)) = exclusive(draft, urn) else {
            continue;
        };
        let object = key(urn, observed);
        let old_users: Vec<ObjectKey> = draft
            .uses
            .blockers_of(&object, draft.catalog)
            .into_iter()
            .cloned()
            .collect();
        let mut now = BTreeSet::new();
        for user in &old_users {
            let needed = draft.uses.all_named(user).into_iter();
            now.extend(needed.filter(|(urn, _)| urn.token() == token));
        }
        if now.is_empty() {
            continue;
        }
        let new_users = wanted_users(draft, schema, urn);
        let elsewhere = |above: &&&Urn| {
            let above = draft.verdicts.get(**above);
            above.is_some_and(|verdict| {
                let kept = verdict.kept();
                kept.is_none_or(|kept| !now.contains(&key(&verdict.desired.urn, kept)))
            })
        };
        let mut to = None;
        let mut moving = Vec::new();
        for user in new_users {
            let above = above(draft, user, token);
            if let Some(above) = above.iter().find(elsewhere) {
                to = Some(*above);
                moving.push(user);
            }
        }
        if let Some(to) = to {
            found.push(Moved {
                urn,
                to,
                has_successor: verdict.desired.generated_name
                    || schema.place_properties().is_empty(),
                old_users,
                new_users: moving,
            });
        }
    }
    found
}

fn exclusive<'a>(draft: &Draft<'a>, urn: &Urn) -> Option<(&'a Schema, &'static str)> {
    let schema = draft.catalog.get(urn.token())?;
    Some((schema, schema.exclusive_to?))
}

/// Resources of the file that use it, of the types that bind it.
fn wanted_users<'a>(draft: &Draft<'a>, schema: &Schema, urn: &Urn) -> Vec<&'a Urn> {
    let users = draft.graph.iter();
    users
        .filter(|user| schema.is_blocked_by(user.urn.token()))
        .filter(|user| dependencies(user).contains(urn))
        .map(|user| &user.urn)
        .collect()
}

/// The resources of a type that a resource needs, directly or not.
fn above<'a>(draft: &Draft<'a>, urn: &'a Urn, token: &str) -> BTreeSet<&'a Urn> {
    let mut found = BTreeSet::new();
    let mut seen = BTreeSet::from([urn]);
    let mut open = vec![urn];
    while let Some(urn) = open.pop() {
        if urn.token() == token {
            found.insert(urn);
            continue;
        }
        let needed = draft.graph.get(urn).map(dependencies).unwrap_or_default();
        open.extend(needed.into_iter().filter(|urn| seen.insert(*urn)));
    }
    found
}
