//! The invariants that must hold after any event: the eight of `promises.md` §4, each by its number.
//!
//! They look at the account itself, not at what the engine makes of it.

use std::collections::{BTreeMap, BTreeSet};

use fde_infra::execute::Outcome;
use fde_infra::graph::ResourceGraph;
use fde_infra::plan::Plan;
use fde_infra::resource::Observed;
use fde_infra::testing::FakeAccount;
use fde_infra::testing::fake::Discarded;
use fde_infra::testing::generate::{CANARY, known, stack};

use crate::wanted;

/// By these words a test knows that something of others did not stay as it was.
pub const TOUCHED: &str = "was touched";

/// The result of a check, with the promise that does not hold.
pub type Held<T = ()> = Result<T, String>;

fn holds(is_so: bool, what: impl FnOnce() -> String) -> Held {
    if is_so { Ok(()) } else { Err(what()) }
}

/// 1. The next run without faults ends well.
pub fn next_run_ends_well(plan: &Plan, outcome: &Outcome) -> Held {
    holds(matches!(outcome, Outcome::Done(_)), || {
        let failed = outcome.report().failed.iter();
        let failed: Vec<String> = failed
            .map(|(id, error)| format!("{}: {error}", plan.steps[*id].urn.name()))
            .collect();
        format!("1: the next run does not end well: {failed:#?}")
    })
}

/// 1, 2 and 3. What is there is what the file wants, once each, and nothing else of ours.
pub fn stands_as_wanted(account: &FakeAccount, graph: &ResourceGraph, theirs: &[Observed]) -> Held {
    one_object_per_urn(account, graph, theirs)?;
    nothing_unclaimed(account, graph, theirs)?;
    wanted::stands_as_wanted(account, graph, theirs)
}

/// 2. One object per URN: of what carries tags, exactly the wanted, once each.
fn one_object_per_urn(account: &FakeAccount, graph: &ResourceGraph, theirs: &[Observed]) -> Held {
    let objects = account.objects();
    let ours = objects
        .iter()
        .filter(|object| object.tags.belongs_to(&stack()))
        .filter(|object| !theirs.iter().any(|other| other.id == object.id));
    let mut owners: Vec<String> = ours
        .filter_map(|object| object.tags.owner())
        .map(|urn| urn.to_string())
        .collect();
    owners.sort();
    let taggable = |token: &str| known().get(token).is_some_and(|schema| schema.taggable);
    let wanted: BTreeSet<String> = graph
        .iter()
        .filter(|resource| taggable(resource.urn.token()))
        .map(|resource| resource.urn.to_string())
        .collect();
    holds(owners.iter().eq(&wanted), || {
        format!("2: wanted are {wanted:?}, and there are {owners:?}")
    })
}

/// 3. Nothing of ours that no URN claims, parts without tags included.
fn nothing_unclaimed(account: &FakeAccount, graph: &ResourceGraph, theirs: &[Observed]) -> Held {
    let objects = account.objects();
    let ids: Vec<&str> = objects.iter().map(|object| object.id.as_str()).collect();
    holds(ids.len() == graph.len() + theirs.len(), || {
        format!("3: {} are wanted, and there are {ids:?}", graph.len())
    })
}

/// 4. Nothing that is not ours has changed, except for coming up by itself.
pub fn nothing_foreign_changed(account: &FakeAccount, theirs: &[Observed]) -> Held {
    let objects = account.objects();
    let is_there = |object: &&Observed| {
        let now = objects.iter().find(|now| now.id == object.id);
        now.is_some_and(|now| {
            (&now.token, &now.arn, &now.inputs, &now.outputs, &now.tags)
                == (
                    &object.token,
                    &object.arn,
                    &object.inputs,
                    &object.outputs,
                    &object.tags,
                )
        })
    };
    let touched = theirs.iter().find(|object| !is_there(object));
    holds(touched.is_none(), || {
        format!("4: what is somebody else's {TOUCHED}: {touched:?}")
    })
}

/// 5. No data, and nothing protected, was deleted without consent.
pub fn no_data_without_consent(before: &[Discarded], after: &[Discarded]) -> Held {
    holds(before.len() == after.len(), || {
        let gone = &after[before.len()..];
        format!("5: deleted without consent: {gone:?}")
    })
}

/// 6. No secret in anything that was said, nor in a tag.
pub fn no_secret_told(told: &str, account: &FakeAccount) -> Held {
    holds(!told.contains(CANARY), || "6: a secret was told".to_owned())?;
    let objects = account.objects();
    let tagged = objects
        .iter()
        .find(|object| object.tags.iter().any(|(_, value)| value.contains(CANARY)));
    holds(tagged.is_none(), || {
        format!("6: a secret is in the tags of {tagged:?}")
    })
}

/// 7. A further run makes no call that changes anything.
pub fn further_run_changes_nothing(plan: &Plan, changes: u64) -> Held {
    holds(plan.is_empty() && changes == 0, || {
        let left = plan.operations();
        format!("7: a further run makes {changes} changes; its plan: {left:?}")
    })
}

/// 8. `destroy` leaves none of ours and all of theirs.
pub fn destroy_leaves_theirs(account: &FakeAccount, theirs: &[Observed]) -> Held {
    let objects = account.objects();
    let left: BTreeSet<&str> = objects.iter().map(|object| object.id.as_str()).collect();
    let theirs: BTreeSet<&str> = theirs.iter().map(|object| object.id.as_str()).collect();
    holds(left == theirs, || {
        format!("8: destroy left {left:?}, and theirs are {theirs:?}")
    })
}

/// Objects that runs may double while what they make is not visible to each other: see the classes of create calls in
/// `promises.md` §3.
///
/// Without token or natural key (class C) nothing can prevent a second object, so the promise is that the next run removes
/// it. An object that is made inside such a twin is another request, and may be there twice with it. But two objects of one
/// URN that were made by the *same* request, with a token (class A) or a key (B), are never right.
pub fn nothing_doubled_but_class_c(account: &FakeAccount) -> Held {
    let mut made: BTreeMap<String, String> = BTreeMap::new();
    for object in account.objects() {
        let Some(urn) = object.tags.owner() else {
            continue;
        };
        let is_class_c = known().get(&object.token).is_some_and(|schema| {
            schema.create_class == fde_infra::resource::CreateClass::TagsOnly
        });
        let is_broken = matches!(object.condition, fde_infra::resource::Condition::Broken(_));
        if is_class_c || is_broken {
            continue;
        }
        let request = format!("{urn} {:?}", object.inputs);
        if let Some(other) = made.insert(request, object.id.clone()) {
            return Err(format!("2: {other} and {} are twins", object.id));
        }
    }
    Ok(())
}
