//! The corpus of declared and live states: `tests/corpus/README.md`.

use std::path::Path as File;

use serde::Deserialize;
use serde_json::Value as Json;

use crate::aws::cloudcontrol::model::{Model, parts};
use crate::aws::cloudcontrol::schema::make;
use crate::facts::{self, Spelling};
use crate::resource::diff::compare;
use crate::resource::path::Segment;
use crate::resource::{Diff, Properties, Value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    r#type: String,
    case: String,
    declared: Json,
    live: Model,
    equal: bool,
    /// The places that truly differ.
    #[serde(default)]
    differs: Vec<String>,
    /// The kind of rule for the type that it takes, beside the general ones.
    #[serde(default)]
    #[expect(dead_code, reason = "for those who look for the cases of a rule")]
    rule: Option<String>,
    why: String,
}

fn cases() -> Vec<Case> {
    let folder = File::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/cloudcontrol");
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        cases.extend(
            text.lines()
                .map(|line| serde_json::from_str::<Case>(line).unwrap()),
        );
    }
    cases
}

fn differences(case: &Case) -> Diff {
    let facts = facts::get(&case.r#type).unwrap_or_else(|| panic!("{}", case.r#type));
    let shape = facts.shape();
    let declared = shape.respelled(&case.declared, Spelling::CloudFormation, Spelling::Native);
    let Value::Object(mut declared) = Value::from(declared) else {
        panic!("an object is declared");
    };
    // Tags are the engine's, and compared as such.
    if let Some(tags) = facts.tag_property() {
        declared.remove(&facts::property_name(tags));
    }
    let live: Properties = parts(facts, &case.live).inputs;
    let schema = make(facts);
    if let Some(keep_live) = schema.server_managed {
        keep_live(&mut declared, &live);
    }
    compare(&schema, &declared, &live)
}

/// A place without what depends on the spelling: neither indices, nor capitals.
fn plain(names: impl Iterator<Item = String>) -> Vec<String> {
    let names = names.filter(|name| !name.is_empty() && name.parse::<usize>().is_err());
    names.map(|name| facts::property_name(&name)).collect()
}

fn is_near(left: &[String], right: &[String]) -> bool {
    left.starts_with(right) || right.starts_with(left)
}

#[test]
fn what_is_declared_and_what_aws_returns_of_it_are_told_apart() {
    let cases = cases();
    let mut wrong = Vec::new();
    for case in &cases {
        let tags = facts::get(&case.r#type).and_then(|facts| facts.tag_property());
        let of_tags =
            |pointer: &&String| Some(pointer.split('/').nth(1).unwrap_or_default()) == tags;
        let expected = case.differs.iter().filter(|pointer| !of_tags(pointer));
        let expected: Vec<Vec<String>> = expected
            .map(|pointer| plain(pointer.split('/').map(str::to_owned)))
            .collect();
        let diff = differences(case);
        let found: Vec<Vec<String>> = diff
            .changes
            .iter()
            .map(|change| {
                let names = change.path.segments().iter().map(|segment| match segment {
                    Segment::Key(key) => key.clone(),
                    Segment::Index(index) => index.to_string(),
                });
                plain(names)
            })
            .collect();
        let missed = expected
            .iter()
            .filter(|place| !found.iter().any(|found| is_near(place, found)));
        let missed = missed.count();
        let invented = found
            .iter()
            .filter(|place| !expected.iter().any(|known| is_near(place, known)));
        let invented: Vec<&Vec<String>> = invented.collect();
        if missed > 0 || !invented.is_empty() {
            let (name, title, why) = (&case.r#type, &case.case, &case.why);
            wrong.push(format!(
                "{name}, {title} ({why}): missed {missed}, invented {invented:?}"
            ));
        }
    }
    assert!(cases.len() > 150, "{}", cases.len());
    assert!(cases.iter().filter(|case| !case.equal).count() > 50);
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}
