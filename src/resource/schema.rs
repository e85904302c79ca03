//! The promises of a resource type about its properties: the facts the planner, the differ and the fake provider work from.
//!
//! A schema says nothing about how AWS is called; it is the same for the real provider and for the simulation.

mod input_schema;
mod inputs;
mod name_rule;

use super::pending::{Pending, RebootOrder};
pub use input_schema::InputSchema;
pub use name_rule::NameRule;

pub use super::property::{OutputTable, Property, PropertyTable, Unset};
use super::provider::DataPolicy;
use super::rule::{Beside, Limit, RangeRule};
use super::usual::UsualTime;
use super::{Diff, Expiry, Interruption, InvalidInput, Observed, Properties};

/// The way in which a create call can be repeated after its response was lost (`promises.md` §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreateClass {
    /// The call takes a client token and tags: the same token gives the same object.
    Token,
    /// A name or another key of its own makes a second object impossible, and the call takes tags.
    NaturalKey,
    /// Tags, but neither token nor key: a blind repeat would make a twin. Looked up by tag before any second try.
    TagsOnly,
    /// No tags: part of a tagged parent, put idempotently and read through it.
    PartOfParent,
}

/// Everything that does not fit together in the inputs; references are in them as text.
pub type Checks = fn(&Properties) -> Vec<InvalidInput>;

/// True if objects with these inputs cannot stand side by side.
pub type Overlaps = fn(&Properties, &Properties) -> bool;

/// The reason against an update, if there is one.
pub type Immutable = fn(diff: &Diff, desired: &Properties, observed: &Properties) -> Option<String>;

/// The parent of an object of the type: what it is a part of, or hangs on.
#[derive(Debug, Clone, Copy)]
pub struct Parent {
    /// The property that names it.
    pub property: &'static str,
    /// The type of the parent.
    pub token: &'static str,
}
/// Everything the engine knows about a resource type.
#[derive(Debug, Clone)]
pub struct Schema {
    /// The type token, as Pulumi spells it: `aws:ec2:Vpc`.
    pub token: &'static str,
    pub create_class: CreateClass,
    pub properties: Vec<Property>,
    /// The names that `${…}` may ask for, besides the inputs.
    pub outputs: &'static [&'static str],
    /// The descriptions of the outputs, in the same order; empty where the type gives their names alone.
    pub output_descriptions: &'static [&'static str],
    pub name: Option<NameRule>,
    /// The inputs that together tell one object from another where there is no owner tag to do so.
    pub key: &'static [&'static str],
    /// The inputs within which a name is unique: the cluster of a service. Empty for account and region.
    pub scope: &'static [&'static str],
    /// True if AWS takes two names that differ in case alone for the same.
    pub ignores_case: bool,
    /// The name that several types claim alike, and the input that tells one from another.
    pub shared_claim: Option<(&'static str, &'static str)>,
    /// Further inputs that no two resources of the type can have in common.
    pub unique: &'static [&'static [&'static str]],
    pub range: Option<RangeRule>,
    pub limits: &'static [Limit],
    pub beside: &'static [Beside],
    /// True if AWS takes two keys of tags that differ in case alone for the same.
    pub tag_keys_ignore_case: bool,
    /// True if it holds data that cannot be made again: never deleted as a side effect.
    pub stateful: bool,
    /// The data of an object that is left where it is deleted with care, in words; `None` if nothing can be left.
    pub leaves: Option<fn(&Observed) -> Option<String>>,
    /// The objects that AWS has made beside it by itself, or that a deletion leaves, and that no run deletes; in words.
    pub aftermath: Option<fn(&Observed, DataPolicy) -> Vec<String>>,
    /// Returns whether an object with these inputs goes by itself if a person does not do their part: a subscription that is
    /// never confirmed. One that is gone for that reason is no drift.
    pub lapses: Option<fn(&Properties) -> bool>,
    /// True if an object that is deleted with care stays for some more days, and creation brings it back.
    pub comes_back: bool,
    /// The property by which the author says that the object may go with all that is in it.
    pub forced_by: Option<&'static str>,
    /// The switch by which AWS itself refuses to delete it. An object that has it on is deleted by consent only, also where
    /// `destroy` would delete: data, and what holds none and cannot be had again, such as a name that others point at.
    pub guard: Option<&'static str>,
    /// True if it carries tags, and with them its owner.
    pub taggable: bool,
    /// True if the tag index leaves it out, so that it is read even where the index names none.
    pub unindexed: bool,
    /// True if only objects that file or index name are looked at: AWS has no list of them that would tell whose they are.
    pub found_by_name: bool,
    /// True if AWS services make objects of this type by themselves; one without any tags is taken over instead of refused.
    pub adopts_untagged: bool,
    /// The parents that it hangs on, where others may hang theirs as well. With several, one that is ours makes it ours to
    /// set.
    pub parents: Vec<Parent>,
    /// True if AWS makes one together with its parent, so that its presence says nothing about who made it.
    pub made_by_aws: bool,
    /// True if AWS has no call that deletes it: it goes with its parent.
    pub goes_with_parent: bool,
    /// The reason why there is nothing to make of it where its parent is made by the same run: that holds nothing yet.
    pub idle_at_first: Option<&'static str>,
    /// Types with whose objects one of this type goes, although it has an owner of its own: AWS deletes it with them.
    pub goes_with: &'static [&'static str],
    /// True if an addition of this type by others widens access, or changes where traffic goes.
    pub opens: bool,
    /// True if its parent cannot be deleted while it is there, no matter who created it.
    pub holds_parent: bool,
    /// True if its name is unique in the account or in all of AWS, not in the region: the region is part of who owns it.
    pub global: bool,
    /// The property that all revisions of an object have in common, where a change makes a new revision and the old one can
    /// still be used: such a replacement loses nothing.
    pub revision_of: Option<&'static str>,
    /// True if other tools make new ones of the same name in place of ours. The one that a live object of ours uses is the
    /// live one, whatever its tags.
    pub follows_use: bool,
    /// Types whose live objects must be known before this one can be read: parents, mostly.
    pub reads_after: &'static [&'static str],
    /// Further types that must be read first, because its inputs refer to their objects; this type is no part of these.
    pub compares_after: &'static [&'static str],
    /// The properties that name a role which AWS assumes as it makes the object, or an object that has such a role: the
    /// policies of the role come first.
    pub assumes: &'static [&'static str],
    /// The names of what an object uses besides what its inputs refer to: AWS derives them from the inputs.
    pub uses: Option<fn(&Properties) -> Vec<String>>,
    /// Types whose objects must be gone before this one can go, although no input of theirs refers to it.
    pub deletes_after: &'static [&'static str],
    /// Returns whether an object with these inputs, of one of those types, does not have to be gone first.
    pub deletes_beside: Option<fn(&Properties) -> bool>,
    /// Types whose objects AWS wants off an object of this type before it deletes it. `None`: all that refer to it, which
    /// only the ids that AWS gives can tell; a name can stand in another object by chance.
    pub blockers: Option<&'static [&'static str]>,
    /// Returns whether two objects are in each other's way although their places are not the same: ranges that overlap.
    pub overlaps: Option<Overlaps>,
    /// True if an update that wants the place of another object of the stack gives that one its own in return, in one call.
    pub trades_places: bool,
    /// The type under one of whose objects an object of this type can be used at a time, through what refers to it.
    pub exclusive_to: Option<&'static str>,
    /// The property that lists the subnets in which it lies: of one VPC, in two zones.
    pub spreads_over: Option<&'static str>,
    /// True if an update of it brings new code into service beside the old, and ends once that has taken over.
    pub rolls_out: bool,
    /// Returns whether an update, from one set of inputs to another, harms what runs: it comes after the rollouts of those
    /// that use it.
    pub updates_after_rollout: Option<fn(&Properties, &Properties) -> bool>,
    /// The effect of its changes on traffic.
    pub interruption: Option<Interruption>,
    /// Takes over into the desired inputs what a party other than the author decides once the object exists: a count that
    /// autoscaling owns, a version that AWS patches. Called before the two are compared.
    pub server_managed: Option<fn(desired: &mut Properties, observed: &Properties)>,
    /// The checks that the types of the properties cannot express. Made before anything is done, and again before a call
    /// once all is known.
    pub checks: Option<Checks>,
    /// The reason why an object cannot be brought from what is observed to what is wanted, and what to do instead, as far as
    /// the known values tell: storage that would shrink. Asked of updates, before anything is done.
    pub immutable: Option<Immutable>,
    /// The data that an update from what is observed to what is wanted takes away: asked with both, in that order.
    pub discards: Option<fn(&Properties, &Properties) -> Option<&'static str>>,
    /// The part of what exists already that it takes when it is created, or set back.
    pub expiry: Option<Expiry>,
    /// The settings of a live object that are decided and not in force yet.
    pub pending: Option<fn(&Observed) -> Vec<Pending>>,
    /// The names of the changed settings that take effect only when what uses the object is rebooted.
    pub static_settings: Option<fn(diff: &Diff, observed: &Properties) -> Vec<String>>,
    /// It can be rebooted, which is done on request alone.
    pub reboots: Option<RebootOrder>,
    /// The times that AWS usually takes; operations without one take seconds.
    pub usual: &'static [UsualTime],
    /// The JSON schema of the inputs, from their Rust type.
    pub input_schema: InputSchema,
}

impl Schema {
    /// The schema of a type whose inputs and outputs say themselves what they are.
    pub fn of<Inputs: schemars::JsonSchema + PropertyTable, Outputs: OutputTable>(
        token: &'static str,
        create_class: CreateClass,
    ) -> Self {
        Self {
            properties: Inputs::properties(),
            outputs: Outputs::NAMES,
            output_descriptions: Outputs::DESCRIPTIONS,
            ..Self::new::<Inputs>(token, create_class)
        }
    }

    pub fn new<Inputs: schemars::JsonSchema>(
        token: &'static str,
        create_class: CreateClass,
    ) -> Self {
        Self {
            input_schema: InputSchema::Derived(|| schemars::schema_for!(Inputs)),
            ..Self::bare(token, create_class)
        }
    }

    /// The schema of a type without properties.
    pub fn bare(token: &'static str, create_class: CreateClass) -> Self {
        Self {
            token,
            create_class,
            properties: Vec::new(),
            outputs: &[],
            output_descriptions: &[],
            name: None,
            key: &[],
            scope: &[],
            ignores_case: false,
            shared_claim: None,
            unique: &[],
            range: None,
            limits: &[],
            beside: &[],
            tag_keys_ignore_case: false,
            stateful: false,
            leaves: None,
            aftermath: None,
            lapses: None,
            comes_back: false,
            forced_by: None,
            guard: None,
            unindexed: false,
            found_by_name: false,
            adopts_untagged: false,
            parents: Vec::new(),
            made_by_aws: false,
            goes_with_parent: false,
            idle_at_first: None,
            revision_of: None,
            opens: false,
            holds_parent: false,
            global: false,
            follows_use: false,
            taggable: create_class != CreateClass::PartOfParent,
            goes_with: &[],
            reads_after: &[],
            compares_after: &[],
            assumes: &[],
            uses: None,
            deletes_after: &[],
            deletes_beside: None,
            blockers: None,
            overlaps: None,
            trades_places: false,
            exclusive_to: None,
            spreads_over: None,
            rolls_out: false,
            updates_after_rollout: None,
            interruption: None,
            server_managed: None,
            checks: None,
            immutable: None,
            discards: None,
            expiry: None,
            pending: None,
            static_settings: None,
            reboots: None,
            usual: &[],
            input_schema: InputSchema::Given(&serde_json::Value::Null),
        }
    }

    #[must_use]
    pub fn properties<const N: usize>(mut self, properties: [Property; N]) -> Self {
        self.properties = properties.to_vec();
        self
    }

    #[must_use]
    pub fn outputs(mut self, outputs: &'static [&'static str]) -> Self {
        self.outputs = outputs;
        self
    }

    /// The property with the physical name; where the author leaves it out, we derive it from stack and logical name.
    #[must_use]
    pub fn named(mut self, property: &'static str, max_length: usize) -> Self {
        self.name = Some(NameRule {
            property,
            max_length,
            generated: false,
            avoided: None,
        });
        self
    }

    /// Sets the name as [`Schema::named`] does, with derived names that let a replacement stand beside its predecessor.
    #[must_use]
    pub fn generated_name(mut self, property: &'static str, max_length: usize) -> Self {
        self.name = Some(NameRule {
            property,
            max_length,
            generated: true,
            avoided: None,
        });
        self
    }

    /// Derives no names of this form.
    #[must_use]
    pub fn avoids(mut self, is_avoided: fn(&str) -> bool) -> Self {
        if let Some(rule) = &mut self.name {
            rule.avoided = Some(is_avoided);
        }
        self
    }

    #[must_use]
    pub fn key(mut self, key: &'static [&'static str]) -> Self {
        self.key = key;
        self
    }

    /// The inputs within which a name is unique.
    #[must_use]
    pub fn named_within(mut self, scope: &'static [&'static str]) -> Self {
        self.scope = scope;
        self
    }

    /// AWS takes two names that differ in case alone for the same.
    #[must_use]
    pub fn name_ignores_case(mut self) -> Self {
        self.ignores_case = true;
        self
    }

    /// The name that several types claim alike, and the input that tells one from another.
    #[must_use]
    pub fn shared_claim(mut self, what: &'static str, by: &'static str) -> Self {
        self.shared_claim = Some((what, by));
        self
    }

    /// Further inputs that no two resources of the type can have in common.
    #[must_use]
    pub fn unique(mut self, unique: &'static [&'static [&'static str]]) -> Self {
        self.unique = unique;
        self
    }

    #[must_use]
    pub fn range(mut self, property: &'static str, within: &'static str) -> Self {
        self.range = Some(RangeRule { property, within });
        self
    }

    #[must_use]
    pub fn limits(mut self, limits: &'static [Limit]) -> Self {
        self.limits = limits;
        self
    }

    #[must_use]
    pub fn beside(mut self, beside: &'static [Beside]) -> Self {
        self.beside = beside;
        self
    }

    /// AWS takes two keys of tags that differ in case alone for the same.
    #[must_use]
    pub fn tag_keys_ignore_case(mut self) -> Self {
        self.tag_keys_ignore_case = true;
        self
    }

    #[must_use]
    pub fn stateful(mut self) -> Self {
        self.stateful = true;
        self
    }

    /// Marks the type as [`Schema::stateful`] does, where a deletion can leave something of the data: `a final snapshot
    /// stays`.
    #[must_use]
    pub fn leaves(mut self, left: fn(&Observed) -> Option<String>) -> Self {
        self.stateful = true;
        self.leaves = Some(left);
        self
    }

    #[must_use]
    pub fn aftermath(mut self, of: fn(&Observed, DataPolicy) -> Vec<String>) -> Self {
        self.aftermath = Some(of);
        self
    }

    #[must_use]
    pub fn lapses(mut self, lapses: fn(&Properties) -> bool) -> Self {
        self.lapses = Some(lapses);
        self
    }

    /// Marks a type whose objects, if deleted with care, stay for some more days, and creation brings them back. Their ids
    /// never come again.
    #[must_use]
    pub fn comes_back(mut self) -> Self {
        self.comes_back = true;
        self
    }

    #[must_use]
    pub fn forced_by(mut self, property: &'static str) -> Self {
        self.forced_by = Some(property);
        self
    }

    /// The data of an object that is left where it is deleted with care.
    pub fn left_of(&self, observed: &Observed) -> Option<String> {
        self.leaves.and_then(|left| left(observed))
    }

    /// Names the switch by which AWS itself refuses to delete an object of this type.
    #[must_use]
    pub fn guard(mut self, property: &'static str) -> Self {
        self.guard = Some(property);
        self
    }

    #[must_use]
    pub fn unindexed(mut self) -> Self {
        self.unindexed = true;
        self
    }

    #[must_use]
    pub fn found_by_name(mut self) -> Self {
        self.found_by_name = true;
        self
    }

    #[must_use]
    pub fn adopts_untagged(mut self) -> Self {
        self.adopts_untagged = true;
        self
    }

    /// Names the property that refers to the parent, and the parent's type.
    #[must_use]
    pub fn child_of(mut self, property: &'static str, token: &'static str) -> Self {
        self.parents.push(Parent { property, token });
        self
    }

    /// Names the types whose objects take one of this type along when they go.
    #[must_use]
    pub fn goes_with(mut self, tokens: &'static [&'static str]) -> Self {
        self.goes_with = tokens;
        self
    }

    #[must_use]
    pub fn made_by_aws(mut self) -> Self {
        self.made_by_aws = true;
        self
    }

    /// Marks a type whose objects stay until their parent goes.
    #[must_use]
    pub fn goes_with_parent(mut self) -> Self {
        self.goes_with_parent = true;
        self
    }

    #[must_use]
    pub fn idle_at_first(mut self, reason: &'static str) -> Self {
        self.idle_at_first = Some(reason);
        self
    }

    /// Returns whether a replacement for these differences makes a new revision.
    pub fn makes_revision(&self, diff: &Diff) -> bool {
        self.revision_of.is_some_and(|shared| !diff.touches(shared))
    }

    #[must_use]
    pub fn revision_of(mut self, property: &'static str) -> Self {
        self.revision_of = Some(property);
        self
    }

    #[must_use]
    pub fn opens(mut self) -> Self {
        self.opens = true;
        self
    }

    #[must_use]
    pub fn holds_parent(mut self) -> Self {
        self.holds_parent = true;
        self
    }

    #[must_use]
    pub fn global(mut self) -> Self {
        self.global = true;
        self
    }

    #[must_use]
    pub fn follows_use(mut self) -> Self {
        self.follows_use = true;
        self
    }

    #[must_use]
    pub fn server_managed(mut self, keep_live: fn(&mut Properties, &Properties)) -> Self {
        self.server_managed = Some(keep_live);
        self
    }

    #[must_use]
    pub fn checks(mut self, checks: Checks) -> Self {
        self.checks = Some(checks);
        self
    }

    #[must_use]
    pub fn immutable(mut self, immutable: Immutable) -> Self {
        self.immutable = Some(immutable);
        self
    }

    #[must_use]
    pub fn discards(
        mut self,
        discards: fn(&Properties, &Properties) -> Option<&'static str>,
    ) -> Self {
        self.discards = Some(discards);
        self
    }

    #[must_use]
    pub fn expires(mut self, expiry: Expiry) -> Self {
        self.expiry = Some(expiry);
        self
    }

    #[must_use]
    pub fn pending(mut self, pending: fn(&Observed) -> Vec<Pending>) -> Self {
        self.pending = Some(pending);
        self
    }

    #[must_use]
    pub fn static_settings(mut self, names: fn(&Diff, &Properties) -> Vec<String>) -> Self {
        self.static_settings = Some(names);
        self
    }

    #[must_use]
    pub fn reboots(mut self, order: RebootOrder) -> Self {
        self.reboots = Some(order);
        self
    }

    #[must_use]
    pub fn reads_after(mut self, tokens: &'static [&'static str]) -> Self {
        self.reads_after = tokens;
        self
    }

    #[must_use]
    pub fn compares_after(mut self, tokens: &'static [&'static str]) -> Self {
        self.compares_after = tokens;
        self
    }

    #[must_use]
    pub fn assumes(mut self, properties: &'static [&'static str]) -> Self {
        self.assumes = properties;
        self
    }

    #[must_use]
    pub fn uses(mut self, names: fn(&Properties) -> Vec<String>) -> Self {
        self.uses = Some(names);
        self
    }

    #[must_use]
    pub fn deletes_after(mut self, tokens: &'static [&'static str]) -> Self {
        self.deletes_after = tokens;
        self
    }

    /// Excepts objects with such inputs from [`Schema::deletes_after`].
    #[must_use]
    pub fn deletes_beside(mut self, excepted: fn(&Properties) -> bool) -> Self {
        self.deletes_beside = Some(excepted);
        self
    }

    /// Names the types whose objects keep one of this type from being deleted; without it, all do that refer to it.
    #[must_use]
    pub fn blockers(mut self, tokens: &'static [&'static str]) -> Self {
        self.blockers = Some(tokens);
        self
    }

    #[must_use]
    pub fn overlaps(mut self, overlaps: Overlaps) -> Self {
        self.overlaps = Some(overlaps);
        self
    }

    #[must_use]
    pub fn trades_places(mut self) -> Self {
        self.trades_places = true;
        self
    }

    #[must_use]
    pub fn exclusive_to(mut self, token: &'static str) -> Self {
        self.exclusive_to = Some(token);
        self
    }

    #[must_use]
    pub fn spreads_over(mut self, property: &'static str) -> Self {
        self.spreads_over = Some(property);
        self
    }

    #[must_use]
    pub fn rolls_out(mut self) -> Self {
        self.rolls_out = true;
        self
    }

    #[must_use]
    pub fn updates_after_rollout(mut self, harms: fn(&Properties, &Properties) -> bool) -> Self {
        self.updates_after_rollout = Some(harms);
        self
    }

    /// Sets the effect of its changes on those who are served.
    #[must_use]
    pub fn interrupts(mut self, interruption: Interruption) -> Self {
        self.interruption = Some(interruption);
        self
    }

    #[must_use]
    pub fn usual(mut self, times: &'static [UsualTime]) -> Self {
        self.usual = times;
        self
    }

    /// True if an object of that type keeps one of this type, which it refers to, from being deleted.
    pub fn is_blocked_by(&self, token: &str) -> bool {
        // A part goes as its parent allows.
        self.taggable
            && self
                .blockers
                .is_none_or(|blockers| blockers.contains(&token))
    }

    /// True if one object with these inputs is in the way of another.
    pub fn collides(&self, wanted: &Properties, held: &Properties) -> bool {
        if let Some(overlaps) = self.overlaps
            && overlaps(wanted, held)
        {
            return true;
        }
        let place = self.place_of(wanted);
        // No place at all, or one that depends on an object still to come: nothing to collide with.
        place.is_some() && place == self.place_of(held)
    }

    /// The properties that say which place an object takes.
    pub fn place_properties(&self) -> Vec<&'static str> {
        if self.key.is_empty() {
            return self.name.iter().map(|rule| rule.property).collect();
        }
        self.key.to_vec()
    }

    /// The description of an output.
    pub fn output_description(&self, name: &str) -> Option<&'static str> {
        let at = self.outputs.iter().position(|output| *output == name)?;
        self.output_descriptions.get(at).copied()
    }

    pub fn property(&self, name: &str) -> Option<&Property> {
        self.properties
            .iter()
            .find(|property| property.name == name)
    }
}

#[cfg(test)]
mod tests;
