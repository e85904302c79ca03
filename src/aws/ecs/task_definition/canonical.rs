//! Canonical forms of a task definition: values that AWS fills in, empties and reorders are no difference.
//!
//! ECS returns containers, `environment`, `secrets`, `secretOptions`, `portMappings` and `volumesFrom` in an order of its
//! own: 8080, 443, 80 is returned as 443, 8080, 80 (recorded answers of real accounts in go-to-k/cdk-real-drift,
//! `tests/corpus`; <https://github.com/hashicorp/terraform-provider-aws/pull/36029>). Every other list keeps its order,
//! which means something in most of them: `environmentFiles`, `dependsOn`, `ulimits`, `extraHosts`, `dnsServers`,
//! `systemControls`, the capabilities.
//!
//! They work on values that may still have references, so nothing here may depend on known values.

use crate::aws::policy::{canonical_json, compact};
use crate::resource::{Properties, Value};

pub(super) fn cpu(value: Value) -> Value {
    size(value, "vcpu")
}

pub(super) fn memory(value: Value) -> Value {
    size(value, "gb")
}

/// Converts a size into a number: `1 vCPU` and `1024`, `2GB` and `2048` are the same to AWS, which returns the number.
fn size(value: Value, unit: &str) -> Value {
    match &value {
        Value::Number(number) => number.to_string().into(),
        Value::String(text) => {
            let text = text.trim().to_lowercase();
            text.strip_suffix(unit)
                .and_then(|amount| amount.trim().parse::<f64>().ok())
                .map_or(value, |amount| (amount * 1024.0).to_string().into())
        }
        _ => value,
    }
}

/// Sorts volumes by their names, and removes the host that AWS fills in.
pub(super) fn volumes(value: Value) -> Value {
    match compact(value) {
        Value::List(volumes) => by_field("name", volumes),
        other => other,
    }
}

/// Sorts containers by their names, and removes everything that AWS would fill in.
pub(super) fn containers(value: Value) -> Value {
    match canonical_json(value) {
        Value::Secret(value) => Value::Secret(Box::new(containers(*value))),
        Value::List(containers) => {
            by_field("name", containers.into_iter().map(container).collect())
        }
        other => other,
    }
}

fn container(container: Value) -> Value {
    let mut container = match compact(container) {
        Value::Object(container) => container,
        other => return other,
    };
    drop_defaults(
        &mut container,
        &[
            ("essential", true.into()),
            ("cpu", 0.into()),
            ("privileged", false.into()),
            ("readonlyRootFilesystem", false.into()),
            ("disableNetworking", false.into()),
            ("interactive", false.into()),
            ("pseudoTerminal", false.into()),
            ("versionConsistency", "enabled".into()),
        ],
    );
    for list in ["environment", "secrets"] {
        change_list(&mut container, list, |values| by_field("name", values));
    }
    change_each(&mut container, "portMappings", |port| {
        // In `awsvpc` and `host` mode, the host's port is the container's; 0 means none.
        if port.get("hostPort") == port.get("containerPort") {
            port.remove("hostPort");
        }
        drop_defaults(port, &[("hostPort", 0.into()), ("protocol", "tcp".into())]);
    });
    for list in ["mountPoints", "volumesFrom"] {
        change_each(&mut container, list, |mount| {
            drop_defaults(mount, &[("readOnly", false.into())]);
        });
    }
    for list in ["portMappings", "mountPoints", "volumesFrom"] {
        change_list(&mut container, list, in_any_order);
    }
    if let Some(Value::Object(check)) = container.get_mut("healthCheck") {
        drop_defaults(
            check,
            &[
                ("interval", 30.into()),
                ("timeout", 5.into()),
                ("retries", 3.into()),
                ("startPeriod", 0.into()),
            ],
        );
    }
    if let Some(Value::Object(linux)) = container.get_mut("linuxParameters") {
        drop_defaults(linux, &[("initProcessEnabled", false.into())]);
    }
    if let Some(Value::Object(log)) = container.get_mut("logConfiguration") {
        change_list(log, "secretOptions", |values| by_field("name", values));
    }
    container.retain(|_, value| !matches!(value, Value::Object(inner) if inner.is_empty()));
    Value::Object(container)
}

fn drop_defaults(object: &mut Properties, defaults: &[(&str, Value)]) {
    object.retain(|name, value| {
        !defaults
            .iter()
            .any(|(default, meaning)| name == default && value == meaning)
    });
}

fn change_list(object: &mut Properties, name: &str, change: impl FnOnce(Vec<Value>) -> Value) {
    if let Some(Value::List(values)) = object.get_mut(name) {
        let values = std::mem::take(values);
        object.insert(name.to_owned(), change(values));
    }
}

fn change_each(object: &mut Properties, name: &str, change: impl Fn(&mut Properties)) {
    if let Some(Value::List(values)) = object.get_mut(name) {
        for value in values {
            if let Value::Object(value) = value {
                change(value);
            }
        }
    }
}

/// Sorts elements by a text field. Those that are not known yet keep their place among equals.
fn by_field(field: &str, values: Vec<Value>) -> Value {
    let mut values = values;
    values.sort_by_cached_key(|value| {
        value
            .as_object()
            .and_then(|value| value.get(field)?.as_str())
            .map(str::to_owned)
    });
    Value::List(values)
}

/// Sorts elements by their whole contents. Those that are not known yet keep their place among equals.
fn in_any_order(values: Vec<Value>) -> Value {
    let mut values = values;
    values.sort_by_cached_key(|value| {
        let is_known = value.references().is_empty();
        is_known.then(|| serde_json::Value::from(value).to_string())
    });
    Value::List(values)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resource::{StackId, Urn};

    fn canonical(json: serde_json::Value) -> Value {
        containers(json.into())
    }

    #[test]
    fn what_aws_fills_in_is_no_difference() {
        let written = json!([
            {"name": "web", "image": "w:1", "portMappings": [{"containerPort": 3000}],
             "environment": [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}],
             "healthCheck": {"command": ["CMD", "true"]},
             "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/g"}}},
            {"name": "api", "image": "a:1", "essential": true},
        ]);
        let answered = json!([
            {"name": "api", "image": "a:1", "essential": true, "cpu": 0, "portMappings": [], "environment": [],
             "mountPoints": [], "volumesFrom": [], "systemControls": [], "versionConsistency": "enabled"},
            {"name": "web", "image": "w:1", "essential": true, "cpu": 0,
             "portMappings": [{"containerPort": 3000, "hostPort": 3000, "protocol": "tcp"}],
             "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
             "healthCheck": {"command": ["CMD", "true"], "interval": 30, "timeout": 5, "retries": 3},
             "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/g"}, "secretOptions": []}},
        ]);
        assert_eq!(canonical(written.clone()), canonical(answered));
        assert_eq!(
            canonical(written.clone()),
            containers(written.to_string().into())
        );
        assert_ne!(
            canonical(json!([{"name": "api", "image": "a:2"}])),
            canonical(json!([{"name": "api", "image": "a:1"}]))
        );
    }

    /// Three ports of a container as they were written and as they were returned, in a recording of a real account.
    #[test]
    fn ports_and_foreign_volumes_may_come_in_any_order() {
        let written = json!([{"name": "web", "image": "w:1",
            "portMappings": [{"containerPort": 8080}, {"containerPort": 443}, {"containerPort": 80, "protocol": "udp"}],
            "mountPoints": [{"sourceVolume": "b", "containerPath": "/b"}, {"sourceVolume": "a", "containerPath": "/a"}],
            "volumesFrom": [{"sourceContainer": "log"}, {"sourceContainer": "data", "readOnly": true}],
            "logConfiguration": {"logDriver": "splunk", "secretOptions": [{"name": "b", "valueFrom": "x"},
                {"name": "a", "valueFrom": "y"}]}}]);
        let answered = json!([{"name": "web", "image": "w:1", "cpu": 0, "essential": true,
            "portMappings": [{"containerPort": 443, "hostPort": 443, "protocol": "tcp"},
                {"containerPort": 8080, "hostPort": 8080, "protocol": "tcp"},
                {"containerPort": 80, "hostPort": 80, "protocol": "udp"}],
            "mountPoints": [{"sourceVolume": "a", "containerPath": "/a", "readOnly": false}, {"sourceVolume": "b", "containerPath": "/b"}],
            "volumesFrom": [{"sourceContainer": "data", "readOnly": true}, {"sourceContainer": "log", "readOnly": false}],
            "logConfiguration": {"logDriver": "splunk", "options": {}, "secretOptions": [{"name": "a", "valueFrom": "y"},
                {"name": "b", "valueFrom": "x"}]}}]);
        assert_eq!(canonical(written.clone()), canonical(answered));
        let one_less =
            json!([{"name": "web", "image": "w:1", "portMappings": [{"containerPort": 8080}]}]);
        assert_ne!(canonical(written), canonical(one_less));
    }

    /// Lists that ECS returns in the order in which they were sent, and empty texts, which it keeps.
    #[test]
    fn where_ecs_keeps_the_order_another_order_is_a_difference() {
        let lists = [
            ("command", json!(["-a", "-b"])),
            ("entryPoint", json!(["sh", "-c"])),
            (
                "dependsOn",
                json!([{"containerName": "b", "condition": "START"}, {"containerName": "a", "condition": "START"}]),
            ),
            ("dnsSearchDomains", json!(["b.internal", "a.internal"])),
            ("dnsServers", json!(["10.0.0.2", "10.0.0.1"])),
            ("dockerSecurityOptions", json!(["label:b", "label:a"])),
            (
                "environmentFiles",
                json!([{"value": "arn:b", "type": "s3"}, {"value": "arn:a", "type": "s3"}]),
            ),
            (
                "extraHosts",
                json!([{"hostname": "b", "ipAddress": "10.0.0.2"}, {"hostname": "a", "ipAddress": "10.0.0.1"}]),
            ),
            (
                "linuxParameters",
                json!({"capabilities": {"drop": ["NET_RAW", "ALL"]}}),
            ),
            (
                "systemControls",
                json!([{"namespace": "net.b", "value": "1"}, {"namespace": "net.a", "value": "1"}]),
            ),
            (
                "ulimits",
                json!([{"name": "nproc", "softLimit": 1, "hardLimit": 1}, {"name": "core", "softLimit": 0, "hardLimit": 0}]),
            ),
        ];
        let container = |name: &str, list: &serde_json::Value| {
            let mut container = json!({"name": "web", "image": "w:1", "environment": [{"name": "EMPTY", "value": ""}]});
            container[name] = list.clone();
            canonical(json!([container]))
        };
        for (name, list) in lists {
            let mut turned = list.clone();
            let inner = if list.is_array() {
                &mut turned
            } else {
                &mut turned["capabilities"]["drop"]
            };
            inner.as_array_mut().expect("a list").reverse();
            assert_ne!(container(name, &list), container(name, &turned), "{name}");
        }
        let empty = canonical(
            json!([{"name": "web", "image": "w:1", "environment": [{"name": "EMPTY", "value": ""}]}]),
        );
        assert_ne!(empty, canonical(json!([{"name": "web", "image": "w:1"}])));
    }

    #[test]
    fn references_pass_through_the_canonical_form() {
        let stack = StackId {
            name: "shop".into(),
            environment: "dev".into(),
        };
        let reference = Value::output(
            &Urn::new(&stack, "aws:ecr:Repository", "api"),
            "repositoryUrl",
        );
        let container = Value::object([
            ("image", Value::join([reference.clone(), ":1".into()])),
            ("name", "api".into()),
            ("portMappings", reference.clone()),
        ]);
        let form = containers(Value::list([container.clone(), reference.clone()]));
        assert_eq!(form, Value::list([reference.clone(), container]));
        assert_eq!(containers(reference.clone()), reference);
    }

    #[test]
    fn sizes_are_compared_as_numbers() {
        assert_eq!(cpu("1 vCPU".into()), Value::from("1024"));
        assert_eq!(cpu(".25 vcpu".into()), Value::from("256"));
        assert_eq!(cpu(256.into()), Value::from("256"));
        assert_eq!(memory("2GB".into()), Value::from("2048"));
        assert_eq!(memory("512".into()), Value::from("512"));
    }
}
