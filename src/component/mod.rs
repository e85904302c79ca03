//! Author-level building blocks into resources.
//!
//! Each section of a stack file is a folder here: `spec.rs` is what the author writes, documented key by key; `model.rs`
//! what that amounts to once the defaults of the environment are filled in; `resources.rs` the resources it becomes, and
//! what `${section.…}` can ask for; `urns.rs` the resources that more than one file speaks of. The `mod.rs` is its door:
//! other sections see what is handed out there, through `platform::Platform`, and nothing else. Pure: no AWS, no order, no
//! clock. Start with [`expand`] and `network/`.
//!
//! A section is read in two steps. *Resolving* fills in defaults and checks the section by itself; *expanding* makes
//! resources, when all sections have been resolved and each can see the others. A new section is a folder, a key in
//! `key.rs`, a field in `platform.rs`, and its lines in `sections.rs`.

mod context;
mod database;
mod elsewhere;
mod encryption;
mod expansion;
mod key;
mod load_balancer;
mod located;
mod log_bucket;
mod log_retention;
mod lookup;
mod monitoring;
mod network;
mod options;
mod outputs;
mod platform;
mod policy;
mod raw;
mod region_checks;
mod roles;
mod schema;
mod sections;
mod services;
mod text;
mod threshold;

#[cfg(test)]
#[path = "helps/tests.rs"]
mod helps;
#[cfg(test)]
#[path = "platforms/tests.rs"]
mod platforms;
#[cfg(test)]
#[path = "reference/tests.rs"]
mod reference;
#[cfg(test)]
pub(crate) mod testing;

use crate::graph::{self, ResourceGraph};
use crate::resource::Catalog;
use crate::stack::{Stack, StackErrors};

use context::Context;
use located::located;

pub use expansion::{Expansion, Note, Notes};
pub use located::{key_of, warnings};
pub use schema::json_schema;
pub use sections::SECTIONS;

/// The most faults between resources whose places are looked up in the file.
const MOST_LOCATED: usize = 1000;

/// Turns the sections of a stack into resources.
///
/// # Errors
/// Every fault of the sections, including those of the structure.
pub fn expand(stack: &Stack, catalog: &Catalog) -> Result<Expansion, StackErrors> {
    let mut context = Context::new(stack, catalog);
    let platform = sections::resolve_defaults(&mut context);
    sections::export(&platform, &mut context);
    sections::expand(&platform, &mut context);
    encryption::expand(&mut context, &platform);
    context.name_what_sections_made();
    raw::expand(&mut context);
    options::apply(&mut context);
    roles::apply(&mut context);
    let outputs = outputs::expand(&mut context);
    context.finish(outputs)
}

/// Expands a stack and joins its resources to the graph.
///
/// # Errors
/// Every fault of the sections; where there is none, every fault between them.
pub fn stack_graph(
    stack: &Stack,
    catalog: &Catalog,
) -> Result<(ResourceGraph, Notes), StackErrors> {
    let Expansion {
        mut resources,
        outputs,
        notes,
    } = expand(stack, catalog)?;
    services::tell_limits(&mut resources);
    let elsewhere = region_checks::check(&stack.region, &resources, catalog);
    let errors = match graph::build(&stack.id(), resources, outputs, catalog) {
        Ok(mut graph) if elsewhere.is_empty() => {
            graph.region = Some(stack.region.clone());
            return Ok((graph, notes));
        }
        Ok(_) => elsewhere,
        Err(mut errors) => {
            errors.extend(elsewhere);
            errors
        }
    };
    // Beyond this number the rest adds nothing, and finding its places takes walks through the file.
    let errors = errors
        .into_iter()
        .take(MOST_LOCATED)
        .map(|error| located(stack, error))
        .collect();
    Err(StackErrors::new(stack.sources(), errors))
}

#[cfg(test)]
mod tests {
    use expect_test::expect_file;

    use super::*;
    use crate::resource::Value;
    use testing::{catalog, load, render, render_outputs};

    const STACKS: [(&str, &str); 3] = [
        ("dev", include_str!("../../stacks/dev.yaml")),
        ("staging", include_str!("../../stacks/staging.yaml")),
        ("prod", include_str!("../../stacks/prod.yaml")),
    ];

    fn stack(name: &str) -> Stack {
        let (_, text) = STACKS.iter().find(|(key, _)| *key == name).unwrap();
        load(&[("stacks/file.yaml", text)], &[]).unwrap()
    }

    #[test]
    fn the_reference_stacks() {
        for (name, file) in [
            (
                "dev",
                expect_file!["../../tests/snapshots/expansion_dev.txt"],
            ),
            (
                "staging",
                expect_file!["../../tests/snapshots/expansion_staging.txt"],
            ),
            (
                "prod",
                expect_file!["../../tests/snapshots/expansion_prod.txt"],
            ),
        ] {
            let (graph, notes) = stack_graph(&stack(name), &catalog()).unwrap();
            let expansion = expand(&stack(name), &catalog()).unwrap();
            let notes: Vec<String> = notes
                .iter()
                .map(|note| {
                    format!(
                        "unless {:?}: {} {:?}",
                        note.unless, note.text, note.commands
                    )
                })
                .collect();
            let text = format!(
                "{} resources\n\n{}\n{}\n\n{}\n",
                graph.len(),
                render(&expansion),
                render_outputs(&expansion),
                notes.join("\n")
            );
            file.assert_eq(&text);
        }
    }

    /// The inputs that the sections write are those that the resource types take.
    #[test]
    fn the_types_take_what_sections_write() {
        let catalog = catalog();
        for (name, _) in STACKS {
            let mut faults = Vec::new();
            for resource in expand(&stack(name), &catalog).unwrap().resources {
                let schema = catalog.get(resource.urn.token()).unwrap();
                let validator = jsonschema::validator_for(&raw::inputs_schema(schema)).unwrap();
                let inputs = serde_json::Value::from(&Value::Object(resource.inputs));
                for fault in validator.iter_errors(&inputs) {
                    let found = fault.instance().as_str().unwrap_or_default();
                    if !found.contains("${") {
                        let place = fault.instance_path();
                        faults.push(format!("{} {place}: {fault}", resource.urn));
                    }
                }
            }
            assert_eq!(faults, Vec::<String>::new());
        }
    }

    /// Every section at once, with the longest names that a file may give to stack and services, in the environment and the
    /// region with the longest names: each name that follows from these is one that its service takes.
    #[test]
    fn the_longest_names_lead_to_names_that_aws_takes() {
        let catalog = catalog();
        let name = format!("{}z", "abcdefghi-".repeat(4).trim_end_matches('-'));
        let service = "services-of-the-shop";
        assert_eq!((name.len(), service.len()), (40, 20));
        for region in ["ap-southeast-5", "eu-south-2", "us-gov-west-1"] {
            let text = format!(
                "name: {name}
environment: staging
region: {region}
network: {{ cidr: 10.0.0.0/16, flowLogs: {{ to: s3 }} }}
database: {{ engineVersion: \"15\", instanceClass: db.t3.medium, readReplicas: 2 }}
services:
  {service}: {{ port: 8000, default: true, permissions: [{{ actions: [\"s3:GetObject\"], resources: [\"*\"] }}], secrets: {{ DATABASE_URL: \"${{database.url}}\" }}, scaling: {{ min: 1, max: 3, cpuPercent: 70 }} }}
loadBalancer: {{ accessLogs: {{}}, waf: {{ enabled: true }} }}
monitoring: {{ alarmEmails: [oncall@example.com] }}
resources:
  {long}: {{ type: aws:s3:Bucket }}
  {long}-secret: {{ type: aws:secretsmanager:Secret }}
  {long}-topic: {{ type: aws:sns:Topic }}
  {long}-policy: {{ type: aws:iam:Policy, properties: {{ policy: '{{\"Version\": \"2012-10-17\"}}' }} }}
",
                long = "a".repeat(60),
            );
            let stack = load(&[("stacks/file.yaml", &text)], &[]).unwrap();
            let graph = stack_graph(&stack, &catalog).map(|(graph, _)| graph);
            let graph = graph.unwrap_or_else(|errors| panic!("{region}: {errors:#?}"));
            let mut seen = 0;
            for resource in graph.iter() {
                let schema = catalog.get(resource.urn.token()).unwrap();
                let Some(rule) = schema.name else { continue };
                let name = &resource.inputs[rule.property];
                let property = schema.property(rule.property).unwrap();
                if let Some(text) = property.text {
                    assert_eq!(text.check(name), None, "{}: {name:?}", resource.urn);
                    seen += 1;
                }
                if let (Some(is_avoided), Some(name)) = (rule.avoided, name.as_str()) {
                    assert!(!is_avoided(name), "{}: {name}", resource.urn);
                }
            }
            assert!(seen > 25, "{seen}");
        }
    }

    #[test]
    fn expansion_is_deterministic() {
        let once = expand(&stack("prod"), &catalog());
        assert_eq!(once, expand(&stack("prod"), &catalog()));
    }
}
