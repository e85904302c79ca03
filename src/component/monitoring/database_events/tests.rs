//! The events of the database that go to the topic, and what RDS needs to be allowed to send them.

use super::*;
use crate::component::testing::{catalog, load};
use crate::component::{Expansion, expand};
use crate::graph::Resource;
use crate::resource::{Path, StackId};

const DATABASE: &str = "network: {}\ndatabase: { readReplicas: 1 }\n";

fn expansion(environment: &str, sections: &str) -> Expansion {
    let text = format!("name: shop\nenvironment: {environment}\nregion: eu-south-2\n{sections}");
    let stack = load(&[("stack.yaml", &text)], &[]).unwrap();
    expand(&stack, &catalog()).unwrap()
}

fn subscriptions(expansion: &Expansion) -> Vec<&Resource> {
    let all = expansion.resources.iter();
    all.filter(|resource| resource.urn.token() == "aws:rds:EventSubscription")
        .collect()
}

fn policy(expansion: &Expansion) -> &Resource {
    let mut all = expansion.resources.iter();
    all.find(|resource| resource.urn.token() == "aws:sns:TopicPolicy")
        .unwrap()
}

fn publishers(expansion: &Expansion) -> Vec<String> {
    let statements = Path::from("policy.Statement").find(&policy(expansion).inputs);
    let service = Path::from("Principal.Service");
    let of = |statement: &Value| {
        let statement = statement.as_object()?;
        Some(service.find(statement)?.as_str()?.to_owned())
    };
    let statements = statements.and_then(Value::as_list).unwrap_or_default();
    statements.iter().filter_map(of).collect()
}

#[test]
fn staging_and_prod_hear_of_their_database_and_dev_where_it_says_so() {
    for (environment, monitoring, heard, is_new) in [
        ("dev", "monitoring: {}\n", false, false),
        ("dev", "monitoring: { databaseEvents: true }\n", true, false),
        ("staging", "monitoring: {}\n", true, true),
        ("prod", "monitoring: {}\n", true, true),
        (
            "prod",
            "monitoring: { databaseEvents: true }\n",
            true,
            false,
        ),
        (
            "prod",
            "monitoring: { databaseEvents: false }\n",
            false,
            false,
        ),
    ] {
        let expansion = expansion(environment, &format!("{DATABASE}{monitoring}"));
        let found = subscriptions(&expansion);
        let place = format!("{environment}, {monitoring}");
        assert_eq!(found.len(), if heard { 4 } else { 0 }, "{place}");
        for resource in found.into_iter().chain([policy(&expansion)]) {
            let kept: Vec<&str> = resource
                .options
                .new_defaults
                .iter()
                .map(|new| new.keep.as_str())
                .collect();
            let expected: &[&str] = if is_new { &[KEEP] } else { &[] };
            assert_eq!(kept, expected, "{place}: {}", resource.urn);
        }
        let mut services = vec!["cloudwatch.amazonaws.com"];
        services.extend(heard.then_some("events.rds.amazonaws.com"));
        assert_eq!(publishers(&expansion), services, "{place}");
    }
}

#[test]
fn without_a_database_there_is_nothing_to_hear_of() {
    let expansion = expansion("prod", "monitoring: {}\n");
    assert_eq!(subscriptions(&expansion), [] as [&Resource; 0]);
    assert_eq!(publishers(&expansion), ["cloudwatch.amazonaws.com"]);
}

/// RDS refuses a subscription to a topic that it is not allowed to publish to.
#[test]
fn subscriptions_come_after_the_policy_and_name_what_is_of_the_stack() {
    let expansion = expansion("staging", &format!("{DATABASE}monitoring: {{}}\n"));
    let stack = StackId {
        name: "shop".to_owned(),
        environment: "staging".to_owned(),
    };
    let identifiers = Value::list([
        Value::output(&database::instance(&stack), "identifier"),
        Value::output(&database::replica(&stack, 1), "identifier"),
    ]);
    let group = Value::list([Value::output(&database::parameter_group(&stack), "name")]);
    let policy = policy(&expansion).urn.clone();
    let shown: Vec<_> = subscriptions(&expansion)
        .into_iter()
        .map(|resource| {
            assert!(resource.options.depends_on.contains(&policy));
            let kind = resource.inputs["sourceType"].as_str().unwrap();
            (kind, resource.inputs.get("sourceIds"))
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("db-instance", Some(&identifiers)),
            ("db-instance", Some(&identifiers)),
            ("db-parameter-group", Some(&group)),
            ("db-security-group", None),
        ]
    );
}
