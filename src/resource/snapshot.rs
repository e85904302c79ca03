//! The objects of a stack that exist in AWS at one moment.

use std::collections::BTreeMap;

use super::{LastRun, Proof, Properties, Tags, Urn};

/// The usability of a live object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    Ready,
    /// It can be used, and nothing is left for a run to do; the text is AWS's word for its present state: an operation that
    /// AWS is performing on it, or a state that is not known here.
    Busy(String),
    /// On its way; the text is AWS's own word for its state: `creating`, `1/2 running`.
    Settling(String),
    /// It will never be usable; it has to be replaced.
    Broken(String),
}

impl Condition {
    /// Returns whether the object can be used as it is.
    pub fn is_usable(&self) -> bool {
        matches!(self, Self::Ready | Self::Busy(_))
    }
}

/// One live object, in the vocabulary of its type's inputs and outputs.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// The type token.
    pub token: String,
    /// AWS's own identifier: `vpc-0a1b…`, a name, an ARN.
    pub id: String,
    pub arn: Option<String>,
    /// The inputs with which it would have been made as it is now.
    pub inputs: Properties,
    pub outputs: Properties,
    /// All its tags, ours and others'. Empty for a type without tags.
    pub tags: Tags,
    pub condition: Condition,
}

impl Observed {
    /// An output, or an input of that name, or one of `id`, `arn` and `urn`.
    pub fn output(&self, name: &str) -> Option<super::Value> {
        self.outputs
            .get(name)
            .or_else(|| self.inputs.get(name))
            .cloned()
            .or_else(|| match name {
                "id" => Some(self.id.clone().into()),
                "arn" => self.arn.clone().map(Into::into),
                _ => None,
            })
    }
}

/// The live objects of a stack, and the objects that stand in its way.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LiveSnapshot {
    /// The facts of the account: the outputs of `${aws.…}`.
    pub facts: Properties,
    /// Ours, by owner tag or as part of a tagged parent. Two objects of one URN are an interrupted replacement, or
    /// twins after a lost answer.
    pub ours: BTreeMap<Urn, Vec<Observed>>,
    /// Objects without our tags that have a name or place we want, by the URN that wants it.
    pub foreign: BTreeMap<Urn, Observed>,
    /// Additions of others to objects of ours.
    pub additions: Vec<Addition>,
    /// Objects of the same stack in another region, among those that have their name in all of them.
    pub elsewhere: Vec<Observed>,
    /// Objects whose tags say that they are ours, without proof.
    pub claimed: Vec<(Urn, Observed)>,
    /// The objects that the last run has left. Empty where its record is not known.
    pub last_run: LastRun,
    /// The proof that an object is ours.
    pub proof: Proof,
    /// All objects that were read, so that they can be sorted again.
    pub read: Sighted,
}

/// The objects that were read from an account: those of each type, in the rounds in which they were read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sighted {
    pub rounds: Vec<Vec<(String, Vec<Observed>)>>,
    /// The tags that the index has of objects that are a region's own.
    pub regional: Vec<Tags>,
}

/// Something that hangs on an object of ours, and that no run of ours has made.
#[derive(Debug, Clone, PartialEq)]
pub struct Addition {
    /// The object that it hangs on.
    pub parent: Urn,
    pub observed: Observed,
}

impl LiveSnapshot {
    /// The objects of one URN.
    pub fn of(&self, urn: &Urn) -> &[Observed] {
        self.ours.get(urn).map_or(&[], Vec::as_slice)
    }

    /// All objects of ours of one type.
    pub fn of_type<'a>(&'a self, token: &'a str) -> impl Iterator<Item = (&'a Urn, &'a Observed)> {
        self.ours
            .iter()
            .filter(move |(urn, _)| urn.token() == token)
            .flat_map(|(urn, all)| all.iter().map(move |observed| (urn, observed)))
    }
}
