//! The one test that every resource type passes, from a table of what it can do.
//!
//! Basic (a second `up` changes nothing) · set, change and remove each property · replacement · disappears · our tags
//! follow the file, foreign ones stay · drift is found and mended · leaves the file · destroy, twice. What AWS has is asked
//! of AWS.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde_json::Value as Json;

use super::World;
use super::sdk::{Sdk, Tags};
use fde_infra::aws::registry::catalog;
use fde_infra::plan::{Because, Op, Plan};
use fde_infra::resource::Observed;

/// The description of a resource type by its test file.
#[async_trait]
pub trait ResourceTypeTest: Send + Sync {
    /// The type token.
    fn token(&self) -> &'static str;

    /// Raw resources that it needs, as entries of `resources:`.
    fn needs(&self) -> &'static str {
        ""
    }

    /// Its least properties, as YAML. The resource under test is called `tested`.
    fn base(&self) -> &'static str;

    /// Every property that can be given, with two values to set it to.
    fn edits(&self) -> Vec<Edit>;

    /// Properties that no row changes, each with the reason. Nothing else may be without a row.
    fn without_a_row(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// The state in AWS, read with the SDK alone; `None` if it does not exist.
    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json>;

    /// Returns whether it is gone. For a part that always is there, whether it is back at AWS's default.
    async fn is_gone(&self, sdk: &Sdk, id: &str) -> bool {
        self.look(sdk, id).await.is_none()
    }

    /// Returns whether AWS cannot delete it alone, so that one which leaves the file stays until its parent goes.
    fn goes_with_its_parent(&self) -> bool {
        false
    }

    /// Returns whether what still carries the stack's tag is meant to be left, such as a secret in its recovery window.
    async fn is_left_on_purpose(&self, _sdk: &Sdk, _arn: &str) -> bool {
        false
    }

    /// Deletes it behind our back. `false` where that cannot be done.
    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool;

    /// Changes something of it behind our back. `false` where there is nothing to change.
    async fn drift(&self, sdk: &Sdk, id: &str) -> bool;

    /// Puts a tag on it that is not ours, and says whether it is there. `None` for a type without tags.
    async fn foreign_tag(&self, sdk: &Sdk, id: &str, set: bool) -> Option<bool>;

    /// All its tags. By its ARN from the tagging API, which some types are not part of.
    async fn tags(&self, sdk: &Sdk, live: &Observed) -> Tags {
        sdk.tags_of(live.arn.as_deref().expect("it has an ARN"))
            .await
    }
}

/// One property: set, then changed, then (unless required) removed.
pub struct Edit {
    /// YAML lines that replace or join the base properties; `null` takes a base property away.
    pub set: &'static str,
    pub change: &'static str,
    pub effect: Effect,
    /// The place of the property in the answer of `look` (a JSON pointer), and its values after set and change.
    pub shows: &'static str,
    pub after_set: Json,
    pub after_change: Json,
    /// The value once the line is gone. `None` for a property that is required, or that AWS then keeps.
    pub after_removal: Option<Json>,
}

impl Edit {
    /// An edit of a property that changes in place. `set` and `change` are lines with the value that AWS then shows.
    pub fn in_place<V: Into<Json>>(
        shows: &'static str,
        set: (&'static str, V),
        change: (&'static str, V),
    ) -> Self {
        Self {
            set: set.0,
            change: change.0,
            effect: Effect::InPlace,
            shows,
            after_set: set.1.into(),
            after_change: change.1.into(),
            after_removal: None,
        }
    }

    /// An edit of a property whose change needs a new object.
    pub fn replaces<V: Into<Json>>(
        shows: &'static str,
        set: (&'static str, V),
        change: (&'static str, V),
    ) -> Self {
        Self {
            effect: Effect::Replaces,
            ..Self::in_place(shows, set, change)
        }
    }

    /// An edit of a property that tells children apart.
    pub fn moves<V: Into<Json>>(
        shows: &'static str,
        set: (&'static str, V),
        change: (&'static str, V),
    ) -> Self {
        Self {
            effect: Effect::Moves,
            ..Self::in_place(shows, set, change)
        }
    }

    /// The value that AWS shows once the line is gone.
    #[must_use]
    pub fn removed(mut self, shown: impl Into<Json>) -> Self {
        self.after_removal = Some(shown.into());
        self
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    InPlace,
    Replaces,
    /// Another child, for a type that its properties tell apart: one is made, and the one before is deleted.
    Moves,
}

/// Runs the table. `name` names the stack and must be unique to the test.
pub async fn check(name: &str, test: &dyn ResourceTypeTest) {
    assert_eq!(gaps(test), [] as [String; 0], "{}", test.token());
    let world = World::new(name).await;
    let table = Table {
        world: &world,
        test,
    };
    table.basic().await;
    for edit in test.edits() {
        table.edit(&edit).await;
    }
    table.disappears().await;
    table.foreign_tags().await;
    table.own_tags().await;
    table.drift().await;
    table.leaves_the_file().await;
    table.destroy_twice().await;
}

/// The faults of the table as such: a property of the type that no row sets and changes, or an exception to that which none
/// needs.
fn gaps(test: &dyn ResourceTypeTest) -> Vec<String> {
    let catalog = catalog();
    let schema = catalog.get(test.token()).expect("the type is registered");
    let edits = test.edits();
    let has_row = |name: &str| {
        edits
            .iter()
            .any(|edit| names(edit.set).contains(name) && names(edit.change).contains(name))
    };
    let mut gaps = Vec::new();
    let excused: BTreeMap<_, _> = test.without_a_row().iter().copied().collect();
    for property in &schema.properties {
        match (has_row(property.name), excused.get(property.name)) {
            (false, None) => gaps.push(format!("`{}` has no row", property.name)),
            (true, Some(_)) => gaps.push(format!("`{}` has a row, and is excused", property.name)),
            (false, Some(_)) | (true, None) => {}
        }
    }
    gaps.extend(
        excused
            .keys()
            .filter(|name| schema.property(name).is_none())
            .map(|name| format!("`{name}` is excused, and is no property")),
    );
    gaps
}

/// The properties that lines name.
fn names(lines: &str) -> BTreeSet<String> {
    let map: Option<serde_yaml::Mapping> = serde_yaml::from_str(lines).expect("an edit is a map");
    map.unwrap_or_default()
        .keys()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect()
}

struct Table<'a> {
    world: &'a World,
    test: &'a dyn ResourceTypeTest,
}

impl Table<'_> {
    /// The resources, with the tested one's properties overlaid by `lines`.
    fn resources(&self, lines: &str) -> String {
        let mut properties: serde_yaml::Mapping =
            serde_yaml::from_str(self.test.base()).expect("base is a map");
        let overlay: Option<serde_yaml::Mapping> =
            serde_yaml::from_str(lines).expect("an edit is a map");
        properties.extend(overlay.unwrap_or_default());
        properties.retain(|_, value| !value.is_null());
        let properties = serde_json::to_string(&properties).expect("YAML fits JSON");
        format!(
            "{}\ntested:\n  type: {}\n  properties: {properties}",
            self.test.needs(),
            self.test.token(),
        )
    }

    /// Brings the stack to these properties, and checks that nothing is left to do. Returns what was done, and the object.
    async fn reach(&self, lines: &str) -> (Plan, Observed) {
        let resources = self.resources(lines);
        let ran = self.world.up(&resources).await;
        let again = self.world.preview(&resources).await;
        assert!(again.is_empty(), "after {lines}: {:#?}", changes(&again));
        let tested = again
            .kept
            .into_iter()
            .find(|kept| kept.urn.name() == "tested")
            .expect("a plan without steps keeps everything");
        (ran.plan, tested.observed)
    }

    /// Like [`Table::reach`], for the id alone.
    async fn id(&self, lines: &str) -> String {
        self.reach(lines).await.1.id
    }

    async fn look(&self, id: &str) -> Json {
        self.test
            .look(&self.world.sdk, id)
            .await
            .unwrap_or_else(|| panic!("AWS does not have `{id}`"))
    }

    async fn is_gone(&self, id: &str) -> bool {
        self.test.is_gone(&self.world.sdk, id).await
    }

    async fn basic(&self) {
        let id = self.id("").await;
        self.look(&id).await;
    }

    async fn edit(&self, edit: &Edit) {
        let before = self.id(edit.set).await;
        self.shows(edit, &before, &edit.after_set, edit.set).await;
        let (plan, after) = self.reach(edit.change).await;
        self.shows(edit, &after.id, &edit.after_change, edit.change)
            .await;
        let op = plan
            .operations()
            .into_iter()
            .find(|(urn, _)| urn.name() == "tested")
            .map(|(_, op)| op);
        let allowed: &[Op] = match edit.effect {
            Effect::InPlace => &[Op::Update],
            Effect::Replaces => &[Op::Replace],
            // AWS has already made a part that is always there.
            Effect::Moves => &[Op::Create, Op::Update],
        };
        assert!(
            op.is_some_and(|op| allowed.contains(&op)),
            "{op:?}: {}",
            edit.change
        );
        // A replacement under a fixed name has the id of its predecessor.
        if edit.effect == Effect::Moves {
            assert_ne!(after.id, before, "{}", edit.change);
        }
        if edit.effect != Effect::InPlace && after.id != before && !self.test.goes_with_its_parent()
        {
            assert!(self.is_gone(&before).await, "{before} is still there");
        }
        let id = self.id("").await;
        if let Some(removed) = &edit.after_removal {
            self.shows(edit, &id, removed, &format!("without {}", edit.set))
                .await;
        }
    }

    /// Checks what AWS has of the edited property.
    async fn shows(&self, edit: &Edit, id: &str, expected: &Json, when: &str) {
        let looked = self.look(id).await;
        let shown = looked.pointer(edit.shows).unwrap_or(&Json::Null);
        assert_eq!(shown, expected, "{when}");
    }

    async fn disappears(&self) {
        let id = self.id("").await;
        if !self.test.vanish(&self.world.sdk, &id).await {
            return;
        }
        let resources = self.resources("");
        let plan = self.world.preview(&resources).await;
        let created = plan
            .steps
            .iter()
            .any(|step| step.urn.name() == "tested" && step.because == Because::Missing);
        assert!(created, "{:#?}", changes(&plan));
        let id = self.id("").await;
        self.look(&id).await;
    }

    async fn foreign_tags(&self) {
        let id = self.id("").await;
        let Some(there) = self.test.foreign_tag(&self.world.sdk, &id, true).await else {
            return;
        };
        assert!(there, "the tag was not set");
        let resources = self.resources("");
        let plan = self.world.preview(&resources).await;
        assert!(
            plan.is_empty(),
            "a foreign tag is no difference: {:#?}",
            changes(&plan)
        );
        if let Some(edit) = self
            .test
            .edits()
            .iter()
            .find(|edit| edit.effect == Effect::InPlace)
        {
            let updated = self.id(edit.change).await;
            // A change that is in place from one value may be a replacement from another.
            if updated == id {
                let there = self.test.foreign_tag(&self.world.sdk, &id, false).await;
                assert_eq!(there, Some(true), "an update took a foreign tag away");
            }
        }
    }

    /// Our tags are there, and those of the author are set, changed and removed.
    async fn own_tags(&self) {
        let (_, live) = self.reach("").await;
        if live.tags.is_empty() {
            return;
        }
        for (lines, expected) in [
            ("tags: { team: blue }", Some("blue")),
            ("tags: { team: red }", Some("red")),
            ("", None),
        ] {
            let index = self.world.index().await;
            let (_, live) = self.reach(lines).await;
            let resources = self.resources(lines);
            let plan = self.world.preview_behind(&resources, index).await;
            assert!(
                plan.is_empty(),
                "while the tag index lags: {:#?}",
                changes(&plan)
            );
            let tags = self.test.tags(&self.world.sdk, &live).await;
            assert_eq!(tags.get("team").map(String::as_str), expected, "{tags:?}");
            assert_eq!(tags.get("fde:stack"), Some(&self.world.stack_tag()));
            assert!(tags.contains_key("fde:urn"), "{tags:?}");
        }
    }

    async fn drift(&self) {
        let id = self.id("").await;
        let before = self.look(&id).await;
        if !self.test.drift(&self.world.sdk, &id).await {
            return;
        }
        assert_ne!(self.look(&id).await, before, "nothing drifted");
        let resources = self.resources("");
        let plan = self.world.preview(&resources).await;
        let step = plan.steps.iter().find(|step| step.urn.name() == "tested");
        let step = step.unwrap_or_else(|| panic!("drift was not seen: {:#?}", changes(&plan)));
        if step.observed().is_some_and(|live| !live.tags.is_empty()) {
            assert_eq!(step.because, Because::Drifted);
        }
        let id = self.id("").await;
        assert_eq!(self.look(&id).await, before, "drift was not mended");
    }

    /// A resource that leaves the file goes; the resources that it needed stay.
    async fn leaves_the_file(&self) {
        let id = self.id("").await;
        let needs = self.test.needs();
        let ran = self.world.up(needs).await;
        let steps: Vec<_> = ran.plan.steps.iter().map(|step| step.op()).collect();
        if self.test.goes_with_its_parent() {
            assert_eq!(steps, [], "{:#?}", changes(&ran.plan));
            return;
        }
        assert_eq!(steps, [Op::Delete], "{:#?}", changes(&ran.plan));
        assert!(self.is_gone(&id).await, "{id} is still there");
        let again = self.world.preview(needs).await;
        assert!(again.is_empty(), "{:#?}", changes(&again));
    }

    async fn destroy_twice(&self) {
        let resources = self.resources("");
        let id = self.id("").await;
        self.world.destroy(&resources).await;
        assert_eq!(self.test.look(&self.world.sdk, &id).await, None);
        let mut left = Vec::new();
        for arn in self.world.sdk.tagged(&self.world.stack_tag()).await {
            if !self.test.is_left_on_purpose(&self.world.sdk, &arn).await {
                left.push(arn);
            }
        }
        assert_eq!(left, [] as [String; 0]);
        let again = self.world.destroy(&resources).await;
        assert!(again.plan.is_empty());
    }
}

/// The steps of a plan in brief, for failure messages.
fn changes(plan: &Plan) -> Vec<String> {
    plan.steps
        .iter()
        .map(|step| {
            let changes: Vec<String> = step
                .comparison()
                .into_iter()
                .flat_map(|comparison| comparison.changes())
                .map(|change| format!("{}: {:?} -> {:?}", change.path, change.before, change.after))
                .collect();
            format!(
                "{:?} {} ({}) {changes:?}",
                step.op(),
                step.urn,
                step.because
            )
        })
        .collect()
}
