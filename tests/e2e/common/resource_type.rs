//! The one test that every resource type passes, from a table of what it can do.
//!
//! Basic (a second `up` changes nothing) · set, change and remove each property · replacement · disappears · foreign
//! tags stay · drift is found and mended · destroy, twice. What AWS has is asked of AWS.

use async_trait::async_trait;
use serde_json::Value as Json;

use super::World;
use super::sdk::Sdk;
use fde_infra::plan::{Because, Op, Plan};

/// What a resource type's test file says about it.
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

    /// What AWS has, asked with the SDK alone; `None` if it does not exist.
    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json>;

    /// Deletes it behind our back. `false` where that cannot be done.
    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool;

    /// Changes something of it behind our back. `false` where there is nothing to change.
    async fn drift(&self, sdk: &Sdk, id: &str) -> bool;

    /// Puts a tag on it that is not ours, and says whether it is there. `None` for a type without tags.
    async fn foreign_tag(&self, sdk: &Sdk, id: &str, set: bool) -> Option<bool>;
}

/// One property: set, then changed, then (unless required) removed.
pub struct Edit {
    /// YAML lines that replace or join the base properties.
    pub set: &'static str,
    pub change: &'static str,
    pub effect: Effect,
    /// Where in the answer of `look` the property shows (a JSON pointer), and what it reads after set and change.
    pub shows: &'static str,
    pub after_set: Json,
    pub after_change: Json,
    /// What it reads once the line is gone. `None` for a property that is required, or that AWS then keeps.
    pub after_removal: Option<Json>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    InPlace,
    Replaces,
}

/// Runs the table. `name` names the stack and must be the test's alone.
pub async fn check(name: &str, test: &dyn ResourceTypeTest) {
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
    table.drift().await;
    table.destroy_twice().await;
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
        let properties = serde_json::to_string(&properties).expect("YAML fits JSON");
        format!(
            "{}\ntested:\n  type: {}\n  properties: {properties}",
            self.test.needs(),
            self.test.token(),
        )
    }

    /// Brings the stack to these properties, and checks that nothing is left to do. Returns the id.
    async fn reach(&self, lines: &str) -> (Plan, String) {
        let resources = self.resources(lines);
        let ran = self.world.up(&resources).await;
        let again = self.world.preview(&resources).await;
        assert!(again.is_empty(), "after {lines}: {:#?}", changes(&again));
        (ran.plan, self.world.id(&resources, "tested").await)
    }

    async fn look(&self, id: &str) -> Json {
        self.test
            .look(&self.world.sdk, id)
            .await
            .unwrap_or_else(|| panic!("AWS does not have `{id}`"))
    }

    async fn basic(&self) {
        let (_, id) = self.reach("").await;
        self.look(&id).await;
    }

    async fn edit(&self, edit: &Edit) {
        let read = |json: &Json| json.pointer(edit.shows).cloned().unwrap_or(Json::Null);
        let (_, before) = self.reach(edit.set).await;
        assert_eq!(
            read(&self.look(&before).await),
            edit.after_set,
            "{}",
            edit.set
        );
        let (plan, after) = self.reach(edit.change).await;
        assert_eq!(
            read(&self.look(&after).await),
            edit.after_change,
            "{}",
            edit.change
        );
        let op = plan
            .operations()
            .into_iter()
            .find(|(urn, _)| urn.name() == "tested")
            .map(|(_, op)| op);
        match edit.effect {
            Effect::InPlace => assert_eq!(op, Some(Op::Update), "{}", edit.change),
            Effect::Replaces => assert_eq!(op, Some(Op::Replace), "{}", edit.change),
        }
        if let Some(removed) = &edit.after_removal {
            let (_, id) = self.reach("").await;
            assert_eq!(
                &read(&self.look(&id).await),
                removed,
                "without {}",
                edit.set
            );
        }
        self.reach("").await;
    }

    async fn disappears(&self) {
        let (_, id) = self.reach("").await;
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
        let (_, id) = self.reach("").await;
        self.look(&id).await;
    }

    async fn foreign_tags(&self) {
        let (_, id) = self.reach("").await;
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
            let (_, id) = self.reach(edit.change).await;
            let there = self.test.foreign_tag(&self.world.sdk, &id, false).await;
            assert_eq!(there, Some(true), "an update took a foreign tag away");
        }
    }

    async fn drift(&self) {
        let (_, id) = self.reach("").await;
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
        let (_, id) = self.reach("").await;
        assert_eq!(self.look(&id).await, before, "drift was not mended");
    }

    async fn destroy_twice(&self) {
        let resources = self.resources("");
        let (_, id) = self.reach("").await;
        self.world.destroy(&resources).await;
        assert_eq!(self.test.look(&self.world.sdk, &id).await, None);
        let left = self.world.sdk.tagged(&self.world.stack_tag()).await;
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
