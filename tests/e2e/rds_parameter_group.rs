//! `aws:rds:ParameterGroup`.

use async_trait::async_trait;
use aws_sdk_rds::types::{ApplyMethod, Parameter};
use serde_json::{Value as Json, json};

use crate::common::World;
use crate::common::resource_type::{Edit, Effect, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

struct ParameterGroup;

#[async_trait]
impl ResourceTypeTest for ParameterGroup {
    fn token(&self) -> &'static str {
        "aws:rds:ParameterGroup"
    }

    fn base(&self) -> &'static str {
        "family: postgres15"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit {
                set: "parameters: [{ name: log_min_duration_statement, value: 500 }, { name: rds.force_ssl, value: false }]",
                change: "parameters: [{ name: log_min_duration_statement, value: '1000', applyMethod: immediate }]",
                effect: Effect::InPlace,
                shows: "/parameters",
                after_set: json!({ "log_min_duration_statement": "500", "rds.force_ssl": "0" }),
                after_change: json!({ "log_min_duration_statement": "1000" }),
                after_removal: Some(json!({})),
            },
            // Static: it waits for a reboot, and AWS refuses to be told otherwise.
            Edit {
                set: "parameters: [{ name: max_connections, value: 100 }]",
                change: "parameters: [{ name: max_connections, value: 200 }]",
                effect: Effect::InPlace,
                shows: "/parameters",
                after_set: json!({ "max_connections": "100" }),
                after_change: json!({ "max_connections": "200" }),
                after_removal: Some(json!({})),
            },
            Edit {
                set: "description: one",
                change: "description: two",
                effect: Effect::Replaces,
                shows: "/description",
                after_set: json!("one"),
                after_change: json!("two"),
                after_removal: Some(json!("Managed by fde-infra")),
            },
            Edit {
                set: "family: postgres15",
                change: "family: postgres16",
                effect: Effect::Replaces,
                shows: "/family",
                after_set: json!("postgres15"),
                after_change: json!("postgres16"),
                after_removal: None,
            },
            Edit {
                set: "name: E2E-Parameters-One",
                change: "name: e2e-parameters-two",
                effect: Effect::Replaces,
                shows: "/name",
                after_set: json!("e2e-parameters-one"),
                after_change: json!("e2e-parameters-two"),
                after_removal: None,
            },
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let answer = sdk
            .rds
            .describe_db_parameter_groups()
            .db_parameter_group_name(id)
            .send()
            .await
            .ok()?;
        let group = answer.db_parameter_groups().first()?;
        let mut pages = sdk
            .rds
            .describe_db_parameters()
            .db_parameter_group_name(id)
            .source("user")
            .into_paginator()
            .items()
            .send();
        let mut parameters = serde_json::Map::new();
        while let Some(parameter) = pages.next().await {
            let parameter = parameter.expect("parameters can be listed");
            let name = parameter.parameter_name().expect("it has a name");
            parameters.insert(name.to_owned(), json!(parameter.parameter_value()));
        }
        Some(json!({
            "name": group.db_parameter_group_name(),
            "family": group.db_parameter_group_family(),
            "description": group.description(),
            "parameters": parameters,
        }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        sdk.rds
            .delete_db_parameter_group()
            .db_parameter_group_name(id)
            .send()
            .await
            .is_ok()
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        let parameter = Parameter::builder()
            .parameter_name("log_min_duration_statement")
            .parameter_value("7")
            .apply_method(ApplyMethod::Immediate)
            .build();
        sdk.rds
            .modify_db_parameter_group()
            .db_parameter_group_name(id)
            .parameters(parameter)
            .send()
            .await
            .is_ok()
    }

    async fn foreign_tag(&self, sdk: &Sdk, id: &str, set: bool) -> Option<bool> {
        let answer = sdk
            .rds
            .describe_db_parameter_groups()
            .db_parameter_group_name(id)
            .send()
            .await
            .expect("parameter groups can be listed");
        let arn = answer
            .db_parameter_groups()
            .first()?
            .db_parameter_group_arn()?;
        sdk.foreign_tag(arn, set).await
    }
}

/// Parameters that can change without a reboot act at once on the users of the group.
#[tokio::test]
async fn what_can_act_at_once_does() {
    let world = World::new("e2e-rds-parameter-methods").await;
    let resources = |parameters: &str| {
        format!(
            "tested: {{ type: aws:rds:ParameterGroup, properties: {{ name: e2e-parameter-methods, family: postgres15, parameters: [{parameters}] }} }}"
        )
    };
    world.up(&resources("")).await;
    let set = resources(
        "{ name: log_min_duration_statement, value: 500 }, { name: max_connections, value: 100 }",
    );
    world.up(&set).await;
    let answer = world
        .sdk
        .rds
        .describe_db_parameters()
        .db_parameter_group_name("e2e-parameter-methods")
        .source("user")
        .send()
        .await
        .expect("parameters can be listed");
    let methods: Vec<_> = answer
        .parameters()
        .iter()
        .map(|parameter| (parameter.parameter_name(), parameter.apply_method()))
        .collect();
    let expected = [
        (
            Some("log_min_duration_statement"),
            Some(&ApplyMethod::Immediate),
        ),
        (Some("max_connections"), Some(&ApplyMethod::PendingReboot)),
    ];
    assert_eq!(methods, expected);
    world.destroy(&set).await;
}

/// RDS takes several words for a truth value, and answers with `1` or `0`.
#[tokio::test]
async fn words_for_one_value_are_no_difference() {
    let world = World::new("e2e-rds-parameter-words").await;
    let resources = |value: &str| {
        format!(
            "tested: {{ type: aws:rds:ParameterGroup, properties: {{ name: e2e-parameter-words, family: postgres15, parameters: [{{ name: log_duration, value: {value} }}, {{ name: synchronous_commit, value: 'off' }}] }} }}"
        )
    };
    let live = || async {
        let answer = world
            .sdk
            .rds
            .describe_db_parameters()
            .db_parameter_group_name("e2e-parameter-words")
            .source("user")
            .send()
            .await
            .expect("parameters can be listed");
        let values = answer.parameters().iter();
        values
            .map(|parameter| parameter.parameter_value().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    world.up(&resources("'off'")).await;
    assert_eq!(live().await, ["0", "off"]);
    for same in ["'off'", "0", "'0'", "false", "'NO'"] {
        assert!(world.preview(&resources(same)).await.is_empty(), "{same}");
    }
    world.up(&resources("'on'")).await;
    assert_eq!(live().await, ["1", "off"]);
    assert!(world.preview(&resources("true")).await.is_empty());
    world.destroy(&resources("true")).await;
}

#[tokio::test]
async fn parameter_group() {
    check("e2e-rds-parameter-group", &ParameterGroup).await;
}
