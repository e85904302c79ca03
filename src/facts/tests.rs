use std::collections::BTreeSet;

use serde_json::json;

use super::*;

#[test]
fn every_type_is_read_under_both_names() {
    let names: Vec<String> = names().collect();
    assert!(names.len() > 1000, "{}", names.len());
    let mut tokens = BTreeSet::new();
    for name in &names {
        let facts = get(name).expect(name);
        assert_eq!(facts.name, *name);
        let same = get(&facts.token).expect(&facts.token);
        assert_eq!(same.name, *name, "{}", facts.token);
        assert!(tokens.insert(facts.token.clone()), "{}", facts.token);
        assert!(!facts.identifier.is_empty(), "{name}");
    }
    assert!(get("AWS::SQS::Queues").is_none());
    assert!(get("AWS::Nothing::Queue").is_none());
    assert!(get("aws-native:sqs:queue").is_none());
    assert!(get("aws:sqs:Queue").is_none());
}

/// Two properties of one object with the same name in the other spelling could not be told apart.
#[test]
fn no_two_properties_are_spelled_alike() {
    fn look(shape: Shape, seen: &mut BTreeSet<*const serde_json::Value>, count: &mut usize) {
        if !seen.insert(std::ptr::from_ref(shape.node())) {
            return;
        }
        let mut spelled = BTreeSet::new();
        for (name, inner) in shape.properties() {
            *count += 1;
            let type_name = &shape.facts().name;
            assert!(spelled.insert(property_name(name)), "{type_name}: {name}");
            let found = shape.property(&property_name(name), Spelling::Native);
            assert_eq!(found.map(|(name, _)| name), Some(name));
            look(inner, seen, count);
        }
        for inner in shape.items().into_iter().chain(shape.others()) {
            look(inner, seen, count);
        }
    }
    let (mut seen, mut count) = (BTreeSet::new(), 0);
    for name in names() {
        look(get(&name).expect(&name).shape(), &mut seen, &mut count);
    }
    assert!(count > 20_000, "{count}");
}

#[test]
fn values_are_respelled_by_the_schema() {
    let function = get("AWS::Lambda::Function").unwrap().shape();
    let written = json!({
        "FunctionName": "mail",
        "Environment": { "Variables": { "LOG_LEVEL": "info", "SomeKey": "x" } },
        "VpcConfig": { "SubnetIds": ["subnet-1"] },
        "Tags": [{ "Key": "Owner", "Value": "Ops" }],
    });
    let native = json!({
        "functionName": "mail",
        "environment": { "variables": { "LOG_LEVEL": "info", "SomeKey": "x" } },
        "vpcConfig": { "subnetIds": ["subnet-1"] },
        "tags": [{ "key": "Owner", "value": "Ops" }],
    });
    let there = function.respelled(&written, Spelling::CloudFormation, Spelling::Native);
    assert_eq!(there, native);
    let back = function.respelled(&there, Spelling::Native, Spelling::CloudFormation);
    assert_eq!(back, written);
    // A document of the author's own.
    let role = get("AWS::IAM::Role").unwrap().shape();
    let trust = json!({ "AssumeRolePolicyDocument": { "Statement": [{ "Effect": "Allow" }] } });
    let there = role.respelled(&trust, Spelling::CloudFormation, Spelling::Native);
    assert_eq!(
        there,
        json!({ "assumeRolePolicyDocument": { "Statement": [{ "Effect": "Allow" }] } })
    );
}

#[test]
fn places_reach_into_lists() {
    let place = Place::from("Rules/*/Name".to_owned());
    assert!(place.is_below(&["Rules"]) && place.is_below(&["Rules", "3"]));
    assert!(place.holds(&["Rules", "3", "Name"]) && place.holds(&["Rules", "3", "Name", "x"]));
    assert!(!place.holds(&["Rules", "3", "Value"]) && !place.holds(&["Rules"]));
    assert!(!place.is_below(&["Rules", "3", "Name"]) && !place.is_below(&["Other"]));
}

#[test]
fn sets_and_documents_are_told_by_the_schema() {
    let of = |name: &str, property: &str| {
        let shape = get(name).unwrap().shape();
        shape
            .property(property, Spelling::CloudFormation)
            .unwrap()
            .1
    };
    assert!(of("AWS::SQS::Queue", "RedrivePolicy").is_document());
    assert!(of("AWS::SQS::Queue", "Tags").is_set());
    assert!(!of("AWS::SQS::Queue", "DelaySeconds").is_document());
    assert!(of("AWS::IAM::Role", "AssumeRolePolicyDocument").is_document());
    let environment = of("AWS::Lambda::Function", "Environment");
    let variables = environment
        .property("Variables", Spelling::CloudFormation)
        .unwrap()
        .1;
    assert!(variables.others().is_some() && !variables.is_document());
}
