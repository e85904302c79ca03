//! Pass 3: objects that live, are ours, and are not wanted.

use super::uses::key;
use super::{Because, Draft, Goal, Removal, Verdict, others};
use crate::resource::provider::DataPolicy;
use crate::resource::value::texts;
use crate::resource::{Observed, Urn};

/// Fills `draft.removals`.
pub(super) fn leftovers(draft: &mut Draft<'_>) {
    for (urn, objects) in &draft.live.ours {
        let taken = draft.verdicts.get(urn).and_then(Verdict::observed);
        for observed in objects {
            if taken.is_some_and(|taken| taken.id == observed.id)
                || others::is_deployed(draft.catalog, observed)
                || others::gives_way(draft, urn)
                || stays_in_use(draft, urn, observed)
            {
                continue;
            }
            let because = match draft.request.goal {
                Goal::Destroy => Because::Destroy,
                Goal::Up if taken.is_some() => Because::Superseded,
                Goal::Up => Because::NotInFile,
            };
            draft.removals.push(Removal {
                urn: urn.clone(),
                observed: observed.clone(),
                because,
                data: DataPolicy::Discard,
            });
        }
    }
}

/// True if an object that stays goes on using this one, although AWS would allow its deletion: a revision of a task
/// definition that `ignoreChanges` keeps in its service.
pub(super) fn stays_in_use(draft: &Draft<'_>, urn: &Urn, observed: &Observed) -> bool {
    let schema = draft.catalog.get(urn.token());
    if !schema.is_some_and(|schema| schema.follows_use) {
        return false;
    }
    let names = [Some(observed.id.as_str()), observed.arn.as_deref()];
    let users = draft.uses.named_by.get(&key(urn, observed));
    users.into_iter().flatten().any(|user| {
        draft.verdicts.get(&user.0).is_some_and(|verdict| {
            let mut texts = texts(&verdict.comparison.inputs).into_iter();
            verdict.is_about(&user.1) && texts.any(|text| names.contains(&Some(text)))
        })
    })
}
