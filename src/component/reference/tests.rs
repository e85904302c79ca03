//! The reference of a stack file, `docs/stack-file.md`, made from the sections themselves: keys from their schemas, defaults
//! from the descriptions (and held to what a stack becomes), resources and outputs from a stack that has everything.
//!
//! After a change: `UPDATE_EXPECT=1 cargo test --lib component::reference`.

mod defaults;
mod keys;
mod outputs;
mod page;

use std::collections::BTreeMap;

use expect_test::{expect, expect_file};

use super::testing::{catalog, faults, load};
use super::{SECTIONS, stack_graph, warnings};
use crate::graph::{Origin, Resource};
use crate::resource::Urn;
use crate::stack::schema_of;
use defaults::ENVIRONMENTS;
use keys::anchor;
use page::{CHAPTERS, EVERYTHING, LAYERS, all_groups, head, stack_file};

#[test]
fn the_reference_is_that_of_the_sections() {
    expect_file!["../../../docs/stack-file.md"].assert_eq(&stack_file());
}

/// Every link of the page to one of its own headings leads somewhere.
#[test]
fn links_of_the_reference_lead_to_headings() {
    let page = stack_file();
    let headings: Vec<String> = page
        .lines()
        .filter_map(|line| Some(line.strip_prefix('#')?.trim_start_matches('#').trim()))
        .map(|heading| anchor(&heading.replace(' ', "-")))
        .collect();
    let links: Vec<&str> = page
        .split("](#")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once(')')?.0))
        .collect();
    assert!(links.len() > 20, "{links:?}");
    for link in links {
        assert!(
            headings.iter().any(|heading| heading == link),
            "{link}: {headings:?}"
        );
    }
}

/// Each key has a meaning, and each section its chapter.
#[test]
fn nothing_is_left_unsaid() {
    let root = schema_of(&SECTIONS);
    for group in all_groups(&root) {
        for key in group.keys {
            assert!(!key.meaning.is_empty(), "{}", key.path);
        }
    }
    let chapters = CHAPTERS.iter().map(|chapter| chapter.key);
    assert!(chapters.eq(SECTIONS.all.iter().map(|section| section.key)));
    for schema in catalog().iter() {
        assert!(!outputs::about(schema).is_empty(), "{}", schema.token);
        for output in schema.outputs {
            let said = schema.output_description(output).unwrap_or_default();
            assert!(!said.is_empty(), "{} {output}", schema.token);
        }
    }
}

/// The examples as one file.
fn file(environment: &str) -> String {
    let examples = CHAPTERS.iter().map(|chapter| chapter.example);
    head(environment) + &examples.collect::<String>()
}

#[test]
fn the_examples_are_stack_files() {
    for environment in ENVIRONMENTS {
        let text = file(environment);
        let stack = load(&[("dev.yaml", &text)], &[]);
        let graph = stack.and_then(|stack| stack_graph(&stack, &catalog()));
        let graph = graph.map_err(|errors| faults(&errors, 0));
        assert!(
            graph.is_ok_and(|(graph, _)| graph.len() > 80),
            "{environment}"
        );
    }
    let [base, prod] = LAYERS;
    let stack = load(&[prod, base], &[]).and_then(|stack| stack_graph(&stack, &catalog()));
    let graph = stack.map_err(|errors| faults(&errors, 0)).unwrap().0;
    assert!(
        graph
            .iter()
            .all(|made| !made.urn.name().starts_with("monitoring/"))
    );
    assert!(
        graph
            .iter()
            .any(|made| made.urn.name() == "services/web/service")
    );
}

/// Flags without which a default makes no difference, by the beginning of the keys that need them.
const NEEDED: &[(&str, &str)] = &[
    ("loadBalancer.waf.", "loadBalancer.waf.enabled=true"),
    ("network.flowLogs.", "network.flowLogs.to=logs"),
    ("network.flowLogs.to", "network.flowLogs.retentionDays=30"),
    (
        "monitoring.alarms.databaseReplicaLagSeconds",
        "database.readReplicas=1",
    ),
    ("database.sslRootCert", "database.sslMode=verify-full"),
];

/// The graph of a stack with every section, without places in the file and without what is told of defaults that came later;
/// and what it is warned of.
fn graph(environment: &str, flags: &[String]) -> (BTreeMap<Urn, Resource>, Vec<String>) {
    let text = head(environment) + EVERYTHING;
    let flags: Vec<String> = flags.iter().map(|flag| format!("new {flag}")).collect();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let stack = load(&[("dev.yaml", &text)], &flags);
    let stack = stack.unwrap_or_else(|errors| panic!("{flags:?}: {}", faults(&errors, 0)));
    let graph = stack_graph(&stack, &catalog());
    let (graph, _) = graph.unwrap_or_else(|errors| panic!("{flags:?}: {}", faults(&errors, 0)));
    let warned = warnings(&stack, &graph).errors.into_iter();
    let warned = warned.map(|warning| warning.labels[0].text.clone());
    let resources = graph.iter().cloned().map(|mut resource| {
        resource.origin = Origin::default();
        resource.options.new_defaults.clear();
        (resource.urn.clone(), resource)
    });
    (resources.collect(), warned.collect())
}

/// The default that the description of a key names is what the code does without the key, in each environment; and where it
/// names several, they make a difference.
#[test]
fn the_defaults_that_are_described_are_those_of_the_code() {
    let root = schema_of(&SECTIONS);
    let mut prose = Vec::new();
    let mut wrong = Vec::new();
    let mut tried = 0;
    for group in all_groups(&root) {
        for key in group.keys {
            let Some(default) = &key.default else {
                continue;
            };
            let path = key.path.replace("NAME", "api");
            let values = key.by_environment().unwrap_or_default();
            let values: Vec<&str> = values
                .iter()
                .filter_map(|text| defaults::literal(text))
                .collect();
            if values.len() < ENVIRONMENTS.len()
                || path.starts_with("resources.")
                || path.starts_with("options.")
            {
                prose.push(format!("{}: {default}", key.path));
                continue;
            }
            let needed = NEEDED.iter().filter(|(of, flag)| {
                path.starts_with(of) && !flag.starts_with(&format!("{path}="))
            });
            let needed: Vec<String> = needed.map(|(_, flag)| (*flag).to_owned()).collect();
            let with = |environment: &str, value: &str| {
                let flag = [format!("{path}={value}")];
                graph(environment, &[&needed[..], &flag].concat())
            };
            for (environment, value) in ENVIRONMENTS.iter().zip(&values) {
                let without = graph(environment, &needed);
                if without != with(environment, value) {
                    wrong.push(format!("{path} in {environment}: {value}"));
                }
                tried += 1;
            }
            if values[0] != values[2] && with("prod", values[0]) == with("prod", values[2]) {
                wrong.push(format!("{path}: no difference between {values:?}"));
            }
        }
    }
    assert_eq!(wrong, [] as [String; 0]);
    assert!(tried > 120, "{tried}");
    expect![[r""]].assert_eq(&prose.join("\n"));
}
