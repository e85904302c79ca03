//! The lists that a resource type has to be in, beside the ones that its own room holds it to. `docs/adding-a-type.md` has all
//! of them.

use std::collections::BTreeSet;
use std::fs;

use fde_infra::aws::registry::catalog;

use super::{name, none, product_code, read, root, rust_files};

#[path = "../lab/inventory/kinds.rs"]
mod kinds;

use kinds::{KINDS, Seen};

/// The most lines of the file of a type, without its tests: what is more goes below it, in a folder of its name.
const LONGEST_TYPE: usize = 350;

/// Files in `src/aws/<service>/` that define a resource type.
fn resource_type_files() -> BTreeSet<String> {
    rust_files("src/aws")
        .iter()
        .filter(|path| {
            let code = product_code(path);
            let is_type = |line: &str| {
                line.starts_with("impl ResourceType for") || line.starts_with("impl Part for")
            };
            code.lines().any(is_type)
        })
        .map(|path| name(path))
        .collect()
}

fn tokens() -> BTreeSet<&'static str> {
    catalog().iter().map(|schema| schema.token).collect()
}

#[test]
fn every_resource_type_is_registered() {
    let registry = read(&root().join("src/aws/registry.rs"));
    let forgotten: Vec<String> = resource_type_files()
        .into_iter()
        .filter(|file| {
            let path = file
                .trim_start_matches("src/aws/")
                .trim_end_matches(".rs")
                .replace('/', "::");
            !registry.contains(&format!("{path}::"))
        })
        .collect();
    none(
        &forgotten,
        "add a line for the type to `each` in src/aws/registry.rs",
    );
}

#[test]
fn the_file_of_a_type_is_read_in_one_sitting() {
    let long: Vec<String> = resource_type_files()
        .into_iter()
        .filter_map(|file| {
            let text = read(&root().join(&file));
            let product = text.split("#[cfg(test)]\nmod tests {").next();
            let lines = product.unwrap_or_default().lines().count();
            (lines > LONGEST_TYPE).then(|| format!("{file}: {lines} lines without tests"))
        })
        .collect();
    none(
        &long,
        &format!(
            "{LONGEST_TYPE} lines are the most: move inputs and outputs to a `model.rs` in the folder beside it, checks to \
             `checks.rs`, reading or requests to files named after them, as in src/aws/rds/instance"
        ),
    );
}

#[test]
fn every_resource_type_is_tested_end_to_end() {
    let main = read(&root().join("tests/e2e/main.rs"));
    let mut forgotten = Vec::new();
    for file in resource_type_files() {
        let test = file
            .trim_start_matches("src/aws/")
            .trim_end_matches(".rs")
            .replace('/', "_");
        let exists = root().join(format!("tests/e2e/{test}.rs")).is_file();
        if !exists || !main.contains(&format!("mod {test};")) {
            forgotten.push(format!(
                "{file} has no tests/e2e/{test}.rs in tests/e2e/main.rs"
            ));
        }
    }
    none(
        &forgotten,
        "write that file with a `ResourceTypeTest`, and its `mod` in tests/e2e/main.rs",
    );
}

/// The lab kills an `up` at the first call of each operation, of a stack that is to have every type.
#[test]
fn every_resource_type_is_made_in_the_lab() {
    let path = root().join("tests/lab/every-type.yaml");
    let catalog = catalog();
    let read = |path: &str| fs::read_to_string(path);
    let stack = fde_infra::stack::load(
        &path.to_string_lossy(),
        &read,
        &[],
        &fde_infra::component::SECTIONS,
    )
    .expect("the lab's stack is sound");
    let (graph, _) =
        fde_infra::component::stack_graph(&stack, &catalog).expect("the lab's stack is sound");
    let made: BTreeSet<&str> = graph.iter().map(|resource| resource.urn.token()).collect();
    assert_eq!(
        tokens().len(),
        resource_type_files().len(),
        "\nWhat to do: one type per file, each in `each` of src/aws/registry.rs"
    );
    let forgotten: Vec<String> = tokens()
        .difference(&made)
        .map(|token| (*token).to_owned())
        .collect();
    none(&forgotten, "add one of each to tests/lab/every-type.yaml");
}

/// The lab judges a run by its inventory of the account: objects that are not in it can be left over, or changed, unseen.
#[test]
fn every_resource_type_is_in_the_inventory_of_the_lab() {
    let listed: BTreeSet<&str> = KINDS.iter().map(|(token, _)| *token).collect();
    let tokens = tokens();
    let forgotten = tokens.difference(&listed);
    let forgotten: Vec<String> = forgotten.map(|token| (*token).to_owned()).collect();
    none(
        &forgotten,
        "read such objects in tests/lab/inventory, and say in `KINDS` of tests/lab/inventory/kinds.rs as which kind of thing",
    );
    let gone = listed.difference(&tokens);
    let gone: Vec<String> = gone.map(|token| (*token).to_owned()).collect();
    none(
        &gone,
        "take types that are no more out of `KINDS` in tests/lab/inventory/kinds.rs",
    );
    let readers = rust_files("tests/lab/inventory").into_iter();
    let readers: String = readers
        .filter(|path| !path.ends_with("kinds.rs"))
        .map(|path| read(&path))
        .collect();
    let mut unread = Vec::new();
    for (token, seen) in KINDS {
        match seen {
            Seen::As(kind) | Seen::Within(kind) => {
                let is_read = [format!("Thing::new(\"{kind}\""), format!("part(\"{kind}\"")]
                    .iter()
                    .any(|read| readers.contains(read));
                if !is_read {
                    unread.push(format!("{token}: no `{kind}`"));
                }
            }
            Seen::Not(reason) => println!("{token} is not in the inventory: {reason}"),
        }
    }
    none(
        &unread,
        "read such things in tests/lab/inventory (`Thing::new`), or correct the kind in `KINDS` beside it",
    );
}

/// Services whose requests the sandbox judges by no resource, with the reason.
const WITHOUT_RESOURCES: &[(&str, &str)] = &[
    (
        "application-autoscaling",
        "AWS gives its ARNs ids that no policy can name",
    ),
    (
        "cloudcontrol",
        "its actions are about no resource; those of the handlers are",
    ),
];

/// Services whose requests need no permission but their own, with the reason.
const NOTHING_FURTHER: &[(&str, &str)] = &[
    (
        "cloudcontrol",
        "the account itself asks for the actions of each type's handlers (src/sandbox/cloudcontrol.py)",
    ),
    (
        "ssm",
        "the parameters are those of lock and history, which carry no tags",
    ),
];

/// The names of services in the sandbox, where they are not those of IAM.
const IN_THE_SANDBOX: &[(&str, &str)] = &[
    ("cloudformation", "cloudcontrol"),
    ("elasticloadbalancing", "elbv2"),
];

/// The sandbox refuses calls as IAM would. Of a service that it has no rows of, it asks less than AWS, and the rights of the
/// README would pass its tests though they are too few.
#[test]
fn every_service_has_its_permissions_in_the_sandbox() {
    let services: BTreeSet<String> = rust_files("src/aws")
        .iter()
        .filter_map(|path| {
            let code = product_code(path);
            let (_, list) = code.split_once("operations! {")?;
            Some(list.split('"').nth(1)?.to_owned())
        })
        .collect();
    assert!(services.len() > 10, "{services:?}");
    let needs = read(&root().join("src/sandbox/needs.py"));
    let mut missing = Vec::new();
    for (table, without) in [
        ("RESOURCES", WITHOUT_RESOURCES),
        ("FURTHER", NOTHING_FURTHER),
    ] {
        let (_, rows) = needs
            .split_once(&format!("\n{table} = {{\n"))
            .unwrap_or_else(|| panic!("src/sandbox/needs.py has no `{table}`"));
        let rows = rows.split("\n}").next().unwrap_or_default();
        for service in &services {
            let mut named = IN_THE_SANDBOX.iter().filter(|(of, _)| of == service);
            let name = named.next().map_or(service.as_str(), |(_, name)| name);
            let has_row = rows.contains(&format!("    \"{name}\": "));
            let is_without = without.iter().any(|(of, _)| *of == name);
            if has_row == is_without {
                missing.push(format!("`{table}`: {name}"));
            }
        }
    }
    none(
        &missing,
        "add a row for the service to that table of src/sandbox/needs.py: the ARNs that its calls are about (`RESOURCES`), and \
         the further actions that AWS asks for, such as `TagResource` and `iam:PassRole` (`FURTHER`); a service without any \
         is listed in tests/tidy/types.rs with the reason, and has no row",
    );
}
