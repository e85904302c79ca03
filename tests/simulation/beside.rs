//! R19: a neighbour in the same account. It hangs parts of its own on what is ours, tags it, has things that look like ours
//! or stand in our way, and owns what our file would put parts on; the file renames meanwhile; and the stack stands in
//! another region as well, whose objects no run of this one touches, nor the other way round.

use std::collections::BTreeMap;

use fde_infra::graph::{Origin, Resource, ResourceGraph, ResourceOptions};
use fde_infra::live;
use fde_infra::plan::{self, Goal, Op, Plan, Refusal, Request};
use fde_infra::resource::tags::Marks;
use fde_infra::resource::value::properties;
use fde_infra::resource::{Condition, ErrorKind, Observed, Properties, Tags, Urn, Value};
use fde_infra::testing::FakeAccount;
use fde_infra::testing::fake::HOME;
use fde_infra::testing::faults::Fault;
use fde_infra::testing::foreign_actor::ForeignAction;
use fde_infra::testing::generate::{
    catalog, edited, elaborate, graph_in, known, renamed, resources, shared, stack,
};
use tokio::time::Instant;

use crate::oracle::{self, Held};
use crate::run::{Ended, run};
use crate::seeds::alone;
use crate::story::Story;

/// By these words a test knows that something was not refused.
pub const NOT_REFUSED: &str = "is not refused";

/// By these words a test knows that something was made again for nothing.
pub const MADE_ANEW: &str = "was made anew";

/// Met where the file put a part on something that another party owns.
pub const STRANGE: &str = "a part on somebody's";
/// Met where the file called something by another name that had to stay.
pub const RENAMED: &str = "renamed";
/// Met where the stack stood in another region too.
pub const MET_ELSEWHERE: &str = "elsewhere";
/// Met where an object of another party had the place of ours.
const IN_THE_WAY: &str = "in the way";

/// The other region in which the stack stands.
const ELSEWHERE: &str = "eu-west-1";

/// The objects of another party, and the parts that our file would set on them: type, the property of the part that names
/// the object, and the part's own.
const STRANGERS: &[(&str, &str, &str, &str)] = &[
    ("t:net:Group", "t:net:Rule", "group", "port"),
    ("t:acc:Role", "t:acc:Attachment", "role", "policy"),
    ("t:acc:Bucket", "t:acc:BucketPolicy", "bucket", "text"),
    ("t:lb:Balancer", "t:lb:Watch", "balancer", "endpoint"),
];

/// The renamed objects: each with the time since when it and all that it refers to have been there.
type Renamed = Vec<(Observed, BTreeMap<String, Option<Instant>>)>;

impl Story<'_> {
    /// From nothing to a stack, to another version of it with other logical names, and back.
    pub async fn told_beside(&mut self) -> Held {
        let [first, mut second] = self.versions();
        let first = in_region(HOME, &first)?;
        let names = renamed(&mut self.beside, &first, &mut second);
        let second = in_region(HOME, &second)?;
        let [other, _] = self.versions();
        let other = in_region(ELSEWHERE, &other)?;
        self.world.foreign_actor.learns(&[&first, &second]);
        self.regions = vec![HOME.to_owned()];
        self.strangers();
        for (graph, before) in [(&first, &second), (&second, &first), (&first, &second)] {
            self.visit_elsewhere(&other).await?;
            self.trouble(graph, before, Goal::Up).await?;
            let renamed = self.renamed(&names, graph);
            self.peace(graph, Goal::Up).await?;
            self.nothing_renamed_anew(&renamed)?;
            if !renamed.is_empty() {
                self.count(RENAMED);
            }
        }
        self.visit_elsewhere(&other).await?;
        // The part that it would put on a stranger's object is not ours to take away.
        let with_part = self.with_strange_part(&first)?.0;
        self.trouble(&with_part, &second, Goal::Destroy).await?;
        self.peace(&with_part, Goal::Destroy).await?;
        self.leave_elsewhere(&other).await
    }

    /// Two versions of a stack.
    fn versions(&mut self) -> [Vec<Resource>; 2] {
        let count = 2 + self.random.below(6);
        let mut first = resources(&mut self.random, count);
        elaborate(&mut self.beside, &mut first);
        let mut second = edited(&mut self.random, &first);
        elaborate(&mut self.beside, &mut second);
        first.extend(shared(&mut self.beside));
        second.extend(shared(&mut self.beside));
        [first, second]
    }

    /// Objects of another stack that our file will name, with parts where ours would be.
    fn strangers(&mut self) {
        for (token, part, property, own) in STRANGERS {
            let id = stranger(token);
            let tags = match self.beside.below(3) {
                0 => Tags::default(),
                1 => tagged("other/dev", token),
                _ => tagged("generated/prod", token),
            };
            let object = observed(token, &id, properties([("name", id.as_str().into())]), tags);
            let mut inputs = properties([(*property, id.as_str().into())]);
            inputs.insert((*own).to_owned(), value_of(own));
            if self.beside.once_in(2) {
                inputs.insert("note".to_owned(), "theirs".into());
            }
            let known = known().get(part);
            inputs.retain(|name, _| known.is_some_and(|it| it.property(name).is_some()));
            let part = observed(part, &format!("part-of-{id}"), inputs, Tags::default());
            for object in [object, part] {
                self.world.account.insert(object.clone());
                self.theirs.push(object);
            }
        }
    }

    /// The stack, with a part on an object of another party.
    fn with_strange_part(&mut self, graph: &ResourceGraph) -> Held<(ResourceGraph, Urn)> {
        let (token, part, property, own) = *self.random.pick(STRANGERS).unwrap_or(&STRANGERS[0]);
        let urn = Urn::new(&stack(), part, "strange");
        let mut inputs = properties([(property, stranger(token).into())]);
        inputs.insert(own.to_owned(), value_of(own));
        let mut resources: Vec<Resource> = graph.iter().cloned().collect();
        let mut strange = resources[0].clone();
        strange.urn = urn.clone();
        strange.inputs = inputs;
        strange.options = ResourceOptions::default();
        strange.generated_name = false;
        resources.push(strange);
        let mut whole = in_region(HOME, &resources)?;
        whole.outputs.clone_from(&graph.outputs);
        Ok((whole, urn))
    }

    /// It is refused, and nothing is done.
    async fn try_strange_part(&mut self, graph: &ResourceGraph) -> Held {
        let (whole, urn) = self.with_strange_part(graph)?;
        let run = self.calm("strange", Goal::Up);
        let told = self.runs(&whole, &run).await?;
        self.count(STRANGE);
        let Ended::Refused(plan) = &told.ended else {
            return Err(format!("4: a part on somebody's object {NOT_REFUSED}"));
        };
        let mut refusals = plan.refusals.iter();
        let is_named = refusals.any(
            |refusal| matches!(refusal, Refusal::ParentNotOurs { urn: other, .. } if *other == urn),
        );
        if is_named {
            Ok(())
        } else {
            Err(format!(
                "4: a part on somebody's object {NOT_REFUSED} as such"
            ))
        }
    }

    /// Deeds before, between and during runs.
    pub async fn meet_neighbour(&mut self, graph: &ResourceGraph, goal: Goal) -> Held {
        for _ in 0..=self.random.below(3) {
            for _ in 0..self.random.below(4) {
                self.deed(ForeignAction::BESIDE);
            }
            if goal == Goal::Up && self.random.once_in(3) {
                self.try_strange_part(graph).await?;
            }
            let mut run = self.troubled("up", graph, goal, Fault::BESIDE);
            if self.random.once_in(2) {
                run.deed = self.random.pick(ForeignAction::BESIDE).copied();
            }
            self.runs(graph, &run).await?;
        }
        for _ in 0..self.random.below(3) {
            self.deed(ForeignAction::BESIDE);
        }
        Ok(())
    }

    /// An object in the way refuses the run, or fails the step whose name is not known before; nothing else does. Then the
    /// other party gets out of the way.
    pub async fn first_run_beside_neighbour(&mut self, graph: &ResourceGraph, goal: Goal) -> Held {
        let in_the_way = self.world.foreign_actor.in_the_way();
        let forged = self.world.foreign_actor.forged();
        let run = self.calm("beside", goal);
        let told = self.runs(graph, &run).await?;
        let is_explained = !(in_the_way.is_empty() && forged.is_empty())
            && match &told.ended {
                Ended::Refused(plan) => plan.refusals.iter().all(|refusal| match refusal {
                    Refusal::NameTaken { id, .. } | Refusal::PlaceTaken { id, .. } => {
                        in_the_way.contains(id)
                    }
                    Refusal::TagsAlone { id, .. } => forged.contains(id),
                    _ => false,
                }),
                Ended::Ran(_, outcome) => {
                    let mut failed = outcome.report().failed.iter();
                    failed.all(|(_, error)| error.is(ErrorKind::NotOurs))
                }
                _ => false,
            };
        if !is_explained && !told.ended.is_well() {
            let steps = match &told.ended {
                Ended::Refused(plan) => plan.steps.as_slice(),
                _ => &[],
            };
            let steps = steps.iter().map(|step| {
                let changes = step.comparison().map(|it| it.diff.properties());
                format!("\n{}: {} {changes:?}", step.urn.name(), step.because)
            });
            return Err(format!(
                "1: the run beside a neighbour ends badly:{}",
                steps.collect::<String>()
            ));
        }
        if !told.ended.is_well() {
            self.count(IN_THE_WAY);
        }
        self.world.account.tell("somebody gives way");
        self.world.foreign_actor.gives_way();
        self.world.foreign_actor.takes_back();
        Ok(())
    }

    /// The objects about to be renamed: those in the place of a resource that has another logical name in this version.
    fn renamed(&self, names: &BTreeMap<Urn, Urn>, graph: &ResourceGraph) -> Renamed {
        let pairs = names
            .iter()
            .flat_map(|(one, other)| [(one, other), (other, one)]);
        let coming = pairs.filter(|(_, after)| graph.get(after).is_some());
        let before: Vec<&Urn> = coming.map(|(before, _)| before).collect();
        let mut found = Renamed::new();
        for object in self.world.account.objects() {
            let is_elsewhere = self.elsewhere.iter().any(|other| other.id == object.id);
            let owner = object.tags.owner().filter(|_| !is_elsewhere);
            if owner.is_some_and(|owner| before.contains(&&owner)) {
                let referred = object.inputs.values().filter_map(Value::as_str);
                let ids = referred.chain([object.id.as_str()]);
                let since = ids.map(|id| (id.to_owned(), self.world.account.born_at(id)));
                let since = since.collect();
                found.push((object, since));
            }
        }
        found
    }

    /// Checks that an object which kept its place, and all that would replace it, is the same object as before.
    fn nothing_renamed_anew(&self, before: &Renamed) -> Held {
        let theirs = self.theirs();
        let mut objects = self.world.account.objects();
        objects.retain(|object| !theirs.iter().any(|other| other.id == object.id));
        for (was, since) in before {
            let Some(schema) = known().get(&was.token) else {
                continue;
            };
            let fixed = |inputs: &Properties| -> Properties {
                let fixed = inputs.iter().filter(|(name, _)| {
                    schema
                        .property(name)
                        .is_some_and(|property| property.replaces)
                });
                fixed
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect()
            };
            let place = schema.place_of(&was.inputs);
            let now = objects.iter().find(|now| {
                now.token == was.token
                    && place.is_some()
                    && schema.place_of(&now.inputs) == place
                    && fixed(&now.inputs) == fixed(&was.inputs)
            });
            let stays = |id: &str| self.world.account.born_at(id) == since[id];
            // With what it refers to, it has to be made again.
            let mut referred = since.keys().filter(|id| **id != was.id);
            if let Some(now) = now
                && referred.all(|id| stays(id))
                && (now.id != was.id || !stays(&was.id))
            {
                return Err(format!("4: {} was only renamed, and {MADE_ANEW}", was.id));
            }
        }
        Ok(())
    }

    /// A run of the same stack in another region, which touches nothing here.
    async fn visit_elsewhere(&mut self, graph: &ResourceGraph) -> Held {
        if !self.random.once_in(2) {
            return Ok(());
        }
        if self.elsewhere.is_empty() {
            self.ask_elsewhere(graph).await?;
        }
        let goal = if self.random.once_in(4) {
            Goal::Destroy
        } else {
            Goal::Up
        };
        self.run_elsewhere(graph, goal).await
    }

    /// Nothing of it is left in the other region, and all that is here stays.
    async fn leave_elsewhere(&mut self, graph: &ResourceGraph) -> Held {
        self.run_elsewhere(graph, Goal::Destroy).await?;
        oracle::destroy_leaves_theirs(self.world.account, &self.theirs())
    }

    /// The first time, the stack has not been allowed in the other region yet.
    async fn ask_elsewhere(&mut self, graph: &ResourceGraph) -> Held {
        let account = self.world.account;
        let is_global = |object: &Observed| {
            let schema = known().get(&object.token);
            schema.is_some_and(|schema| schema.global && schema.unindexed)
                && object.tags.region() == Some(HOME)
        };
        let stands_here = account.objects().iter().any(is_global);
        let mut unasked = self.calm("unasked elsewhere", Goal::Up);
        unasked.regions.clear();
        if !stands_here {
            return Ok(());
        }
        account.use_in(ELSEWHERE);
        let told = run(self.world, graph, &unasked).await?;
        account.use_in(HOME);
        let Ended::Refused(plan) = &told.ended else {
            return Err(format!("4: a second platform {NOT_REFUSED}"));
        };
        let mut refusals = plan.refusals.iter();
        if refusals.any(|refusal| matches!(refusal, Refusal::Elsewhere { .. })) {
            Ok(())
        } else {
            Err(format!("4: a second platform {NOT_REFUSED} as such"))
        }
    }

    async fn run_elsewhere(&mut self, graph: &ResourceGraph, goal: Goal) -> Held {
        let account = self.world.account;
        let is_elsewhere =
            |object: &Observed, of: &[Observed]| of.iter().any(|other| other.id == object.id);
        let mut here = account.objects();
        here.retain(|object| !is_elsewhere(object, &self.elsewhere));
        account.use_in(ELSEWHERE);
        let mut run = self.calm("elsewhere", goal);
        run.regions = vec![ELSEWHERE.to_owned()];
        let told = crate::run::run(self.world, graph, &run).await;
        account.use_in(HOME);
        let told = told?;
        if !told.ended.is_well() {
            return Err("4: the run in another region ends badly".to_owned());
        }
        oracle::nothing_foreign_changed(account, &here)?;
        self.elsewhere = account.objects();
        self.elsewhere.retain(|object| !is_elsewhere(object, &here));
        let wanted = if goal == Goal::Up { graph.len() } else { 0 };
        self.count(MET_ELSEWHERE);
        if self.elsewhere.len() != wanted {
            return Err(format!(
                "4: {wanted} are wanted in another region, and there are {:?}",
                self.elsewhere
            ));
        }
        self.all_of_others_stays()
    }
}

fn in_region(region: &str, resources: &[Resource]) -> Held<ResourceGraph> {
    graph_in(region, resources.to_vec())
        .map_err(|errors| format!("the generator makes unsound stacks: {errors:?}"))
}

fn stranger(token: &str) -> String {
    let kind = token.rsplit(':').next().unwrap_or(token);
    format!("stranger-{}", kind.to_lowercase())
}

fn value_of(property: &str) -> Value {
    match property {
        "port" => 443.into(),
        _ => "the same".into(),
    }
}

fn tagged(stack: &str, token: &str) -> Tags {
    Tags::from_iter([
        ("fde:stack".to_owned(), stack.to_owned()),
        (
            "fde:urn".to_owned(),
            format!("urn:fde:{stack}::{token}::stranger"),
        ),
    ])
}

fn observed(token: &str, id: &str, inputs: Properties, tags: Tags) -> Observed {
    Observed {
        token: token.to_owned(),
        id: id.to_owned(),
        arn: None,
        inputs,
        outputs: Properties::new(),
        tags,
        condition: Condition::Ready,
    }
}

/// The role of a small stack, as the file and the account have it.
const ROLE: &str = "t:acc:Role";

fn ours(name: &str) -> Tags {
    let urn = Urn::new(&stack(), ROLE, name);
    Tags::owned(&urn, &BTreeMap::new(), "", Marks::default())
}

fn role(id: &str, tags: Tags) -> Observed {
    observed(
        ROLE,
        id,
        properties([("name", id.into()), ("path", "/".into())]),
        tags,
    )
}

fn attachment(role: &str) -> Observed {
    let inputs = properties([("role", role.into()), ("policy", "theirs".into())]);
    let id = format!("attachment-of-{role}");
    observed("t:acc:Attachment", &id, inputs, Tags::default())
}

fn resource(token: &str, name: &str, inputs: Properties) -> Resource {
    Resource {
        urn: Urn::new(&stack(), token, name),
        inputs,
        tags: BTreeMap::new(),
        options: ResourceOptions::default(),
        origin: Origin::default(),
        generated_name: false,
    }
}

/// A stack with a role of this name, and perhaps an attachment on another one.
fn small(on: Option<&str>) -> ResourceGraph {
    let mut resources = vec![resource(ROLE, "role", properties([("name", "new".into())]))];
    let inputs = |role: &str| properties([("role", role.into()), ("policy", "theirs".into())]);
    resources.extend(on.map(|role| resource("t:acc:Attachment", "on", inputs(role))));
    in_region(HOME, &resources).expect("the stack is sound")
}

fn planned(objects: Vec<Observed>, graph: &ResourceGraph, goal: Goal) -> Plan {
    let account = FakeAccount::new(catalog());
    for object in objects {
        account.insert(object);
    }
    let live = alone(live::read(&account, graph)).expect("it can be read");
    let request = Request {
        goal,
        ..Request::default()
    };
    plan::build(graph, &live, known(), &request)
}

fn deleted(plan: &Plan) -> Vec<&str> {
    let deletions = plan.steps.iter().filter(|step| step.is_delete());
    let ids = deletions.filter_map(|step| Some(step.observed()?.id.as_str()));
    ids.collect()
}

#[test]
fn destroy_leaves_a_part_that_the_file_names_on_somebodys_object() {
    let theirs = role("theirs", tagged("other/dev", ROLE));
    let objects = vec![theirs, attachment("theirs"), role("new", ours("role"))];
    let plan = planned(objects, &small(Some("theirs")), Goal::Destroy);
    assert_eq!(deleted(&plan), ["new"]);
}

#[test]
fn an_object_whose_tags_name_two_stacks_is_nobodys() {
    let mut tags = ours("gone");
    tags.insert("fde:urn", format!("urn:fde:other/dev::{ROLE}::gone"));
    let objects = vec![role("two-stacks", tags), role("gone", ours("gone"))];
    let plan = planned(objects, &small(None), Goal::Up);
    assert_eq!(deleted(&plan), ["gone"]);
}

#[test]
fn what_hangs_on_the_new_object_stays_when_the_old_one_goes() {
    let objects = ["old", "new"].map(|id| [role(id, ours("role")), attachment(id)]);
    let plan = planned(objects.concat(), &small(None), Goal::Up);
    assert_eq!(deleted(&plan), ["attachment-of-old", "old"]);
}

#[test]
fn what_refers_to_a_renamed_object_may_be_renamed_with_it() {
    let owned = |token: &str, name: &str| {
        Tags::owned(
            &Urn::new(&stack(), token, name),
            &BTreeMap::new(),
            "",
            Marks::default(),
        )
    };
    let (service, listener) = ("t:app:Service", "t:app:Listener");
    let named = properties([("name", "same".into()), ("engine", "v1".into())]);
    let at = |service: Value| properties([("service", service), ("port", 443.into())]);
    let objects = vec![
        observed(service, "same", named.clone(), owned(service, "before")),
        observed(
            listener,
            "door",
            at("same".into()),
            owned(listener, "door-before"),
        ),
    ];
    let on = Value::output(&Urn::new(&stack(), service, "after"), "id");
    let resources = [
        resource(service, "after", named),
        resource(listener, "door-after", at(on)),
    ];
    let graph = in_region(HOME, &resources).expect("the stack is sound");
    let plan = planned(objects, &graph, Goal::Up);
    let operations: Vec<Op> = plan.operations().into_values().collect();
    assert_eq!(operations, [Op::Update, Op::Update]);
}
