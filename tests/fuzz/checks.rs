//! The properties that must hold for any bytes, stated once for the test that runs in CI and for the coverage-guided fuzzer.

use std::collections::BTreeMap;
use std::io;
use std::sync::LazyLock;

use serde_json::{Map, Value as Json};

use fde_infra::aws::policy::{canonical_policy, decode, to_text};
use fde_infra::aws::registry;
use fde_infra::cli::{excerpt, is_saved_plan};
use fde_infra::component::{SECTIONS, stack_graph};
use fde_infra::display::{View, diff, preview};
use fde_infra::graph::{self, Origin, Resource, ResourceOptions};
use fde_infra::plan::{self, Action, Plan, Request};
use fde_infra::resource::diff::compare;
use fde_infra::resource::{
    Catalog, Condition, LiveSnapshot, Observed, Properties, Schema, StackId, Tags, Urn, Value,
};
use fde_infra::stack::{self, Flag, Stack, StackErrors};

/// Never part of UTF-8, so that it separates a stack file from the `--set` flags after it.
pub const SEPARATOR: u8 = 0xFF;

static CATALOG: LazyLock<Catalog> = LazyLock::new(registry::catalog);

/// The check that one fuzz target makes of its bytes.
pub type Target = fn(&[u8]);

/// Any text is a stack file, or has faults that can be shown in it; the same ones every time.
pub fn parser(data: &[u8]) {
    let Some((text, flags)) = file_and_flags(data) else {
        return;
    };
    let read = |_: &str| Ok(text.clone());
    let loaded = stack::load("fuzz.yaml", &read, &flags, &SECTIONS);
    if let Err(errors) = &loaded {
        can_be_shown(errors);
    }
    let again = stack::load("fuzz.yaml", &read, &flags, &SECTIONS);
    assert_eq!(loaded.err(), again.err(), "the second reading differs");
}

/// A stack that can be read becomes a graph from which exactly its resources are made, or has faults that can be shown.
pub fn expander(data: &[u8]) {
    let Some(stack) = loaded(data) else {
        return;
    };
    let expanded = stack_graph(&stack, &CATALOG);
    let again = stack_graph(&stack, &CATALOG);
    let (graph, notes) = match (expanded, again) {
        (Ok(expanded), Ok(again)) => {
            assert_eq!(expanded, again, "the second expansion differs");
            expanded
        }
        (Err(errors), Err(again)) => {
            can_be_shown(&errors);
            assert_eq!(errors, again, "the second expansion differs");
            return;
        }
        _ => panic!("an expansion succeeds once in two times"),
    };
    drop(notes);
    let plan = plan::build(
        &graph,
        &LiveSnapshot::default(),
        &CATALOG,
        &Request::default(),
    );
    assert_eq!(plan::verify::verify(&plan, &graph, &CATALOG), Ok(()));
    assert_eq!(plan.refusals, []);
    let made = plan
        .steps
        .iter()
        .filter(|step| matches!(step.action, Action::Create { .. }));
    assert_eq!(made.count(), graph.len());
    assert_eq!(plan.steps.len(), graph.len());
    can_be_drawn(&plan);
}

/// Any files that extend one another are a stack, or have faults that can be shown where they are. The files are separated
/// as flags are, and named by their number, in any directory: `1.yaml` is the second.
pub fn layers(data: &[u8]) {
    let parts = data.split(|byte| *byte == SEPARATOR);
    let texts: Result<Vec<String>, _> =
        parts.map(|part| String::from_utf8(part.to_vec())).collect();
    let Ok(texts) = texts else { return };
    let read = |path: &str| -> io::Result<String> {
        let name = path.rsplit('/').next().unwrap_or_default();
        let number = name.strip_suffix(".yaml").map(str::parse::<usize>);
        let text = number.and_then(|number| texts.get(number.ok()?).cloned());
        text.ok_or_else(|| io::ErrorKind::NotFound.into())
    };
    let loaded = stack::load("stacks/0.yaml", &read, &[], &SECTIONS);
    if let Err(errors) = &loaded {
        can_be_shown(errors);
    }
    let again = stack::load("stacks/0.yaml", &read, &[], &SECTIONS);
    assert_eq!(loaded.err(), again.err(), "the second reading differs");
}

/// Any text is a saved plan or is not one, and a saved plan that was cut off is none.
pub fn plans(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if is_saved_plan(text) {
        let cut = text.trim_end().strip_suffix('}');
        assert!(cut.is_some_and(|cut| !is_saved_plan(cut)), "{text}");
    }
}

/// Any text that AWS keeps as a document can be compared: as a text, as what it holds, and as IAM encodes it.
pub fn documents(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let as_text = canonical_policy(Value::from(text));
    if let Ok(held @ (Json::Object(_) | Json::Array(_))) = serde_json::from_str::<Json>(text) {
        assert_eq!(as_text, canonical_policy(Value::from(held)));
    }
    let decoded = decode(text);
    assert_eq!(decoded, decode(text), "the second reading differs");
    drop(canonical_policy(Value::from(to_text(&decoded))));
    drop(canonical_policy(Value::from(decoded)));
}

/// The wanted state of one resource, and the live one.
#[derive(Debug, serde::Deserialize)]
struct Case {
    token: String,
    wanted: Map<String, Json>,
    live: Map<String, Json>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

/// Any wanted inputs compare with any live ones: what is equal does not differ, and a plan can be made and drawn.
pub fn differ(data: &[u8]) {
    let Ok(case) = serde_json::from_slice::<Case>(data) else {
        return;
    };
    let Some(schema) = CATALOG.get(&case.token) else {
        return;
    };
    let inputs = properties(case.wanted);
    let live = properties(case.live);
    differs_only_where_it_differs(schema, &inputs, &live);
    let stack = StackId {
        name: "fuzz".to_owned(),
        environment: "dev".to_owned(),
    };
    let urn = Urn::new(&stack, &case.token, "thing");
    let resource = Resource {
        urn: urn.clone(),
        inputs,
        tags: case.tags,
        options: ResourceOptions::default(),
        origin: Origin::default(),
        generated_name: false,
    };
    let Ok(graph) = graph::build(&stack, vec![resource], Vec::new(), &CATALOG) else {
        return;
    };
    let observed = Observed {
        token: case.token.clone(),
        id: "thing-1".to_owned(),
        arn: None,
        inputs: live,
        outputs: Properties::new(),
        tags: Tags::from_iter([
            ("fde:stack".to_owned(), stack.to_string()),
            ("fde:urn".to_owned(), urn.to_string()),
        ]),
        condition: Condition::Ready,
    };
    let live = LiveSnapshot {
        ours: BTreeMap::from([(urn, vec![observed])]),
        ..LiveSnapshot::default()
    };
    let request = Request {
        allow_delete: vec!["*".to_owned()],
        ..Request::default()
    };
    let plan = plan::build(&graph, &live, &CATALOG, &request);
    assert_eq!(plan::verify::verify(&plan, &graph, &CATALOG), Ok(()));
    assert_eq!(plan, plan::build(&graph, &live, &CATALOG, &request));
    can_be_drawn(&plan);
}

fn differs_only_where_it_differs(schema: &Schema, wanted: &Properties, live: &Properties) {
    for same in [wanted, live] {
        let diff = compare(schema, same, same);
        assert!(diff.is_empty(), "what is the same differs: {diff:?}");
    }
    for change in &compare(schema, wanted, live).changes {
        assert!(
            schema.property(change.property()).is_some(),
            "{} is no property",
            change.path
        );
        assert_ne!(change.before, change.after, "{}", change.path);
    }
}

fn properties(values: Map<String, Json>) -> Properties {
    values
        .into_iter()
        .map(|(name, value)| (name, Value::from(value)))
        .filter(|(_, value)| !value.is_null())
        .collect()
}

fn file_and_flags(data: &[u8]) -> Option<(String, Vec<Flag>)> {
    let mut parts = data.split(|byte| *byte == SEPARATOR);
    let text = String::from_utf8(parts.next()?.to_vec()).ok()?;
    let flags = parts.map(|flag| String::from_utf8(flag.to_vec()).map(Flag::set));
    Some((text, flags.collect::<Result<_, _>>().ok()?))
}

fn loaded(data: &[u8]) -> Option<Stack> {
    let (text, flags) = file_and_flags(data)?;
    stack::load("fuzz.yaml", &|_: &str| Ok(text.clone()), &flags, &SECTIONS).ok()
}

/// Every fault has a place in its source, and its excerpt can be drawn.
fn can_be_shown(errors: &StackErrors) {
    assert!(!errors.errors.is_empty(), "refused without a reason");
    for error in &errors.errors {
        assert!(!error.labels.is_empty(), "{error} is nowhere");
        for label in &error.labels {
            let source = &errors.sources[label.span.source as usize];
            let range = label.span.range();
            assert!(
                range.end <= source.text.len(),
                "{error} is beyond the end of {}",
                source.name
            );
        }
        let shown = excerpt(error, &errors.sources, Some(80), false);
        let shown = shown.unwrap_or_else(|| panic!("{error} cannot be drawn"));
        is_harmless(&shown);
    }
}

/// Preview and difference fit a terminal.
fn can_be_drawn(plan: &Plan) {
    let view = View {
        plan,
        catalog: &CATALOG,
        sections: &[],
        show_sames: true,
        width: Some(80),
    };
    let mut lines = preview::tree(view);
    lines.extend(preview::conclusion(view));
    lines.extend(diff::render(plan, &CATALOG, Some(80)));
    for line in lines {
        is_harmless(&line.render(false));
    }
}

/// Nothing that a terminal takes for a command.
fn is_harmless(text: &str) {
    let harmful = text
        .chars()
        .find(|character| character.is_control() && *character != '\n');
    assert_eq!(harmful, None, "{text:?}");
}
