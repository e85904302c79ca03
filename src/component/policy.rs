//! Policy documents, as plain values.

use crate::graph;
use crate::resource::{StackId, Value};

/// A policy document.
pub fn document(statements: Vec<Value>) -> Value {
    Value::object([
        ("Version", "2012-10-17".into()),
        ("Statement", Value::List(statements)),
    ])
}

/// A statement that allows actions on resources.
pub fn allow(actions: &[&str], resources: Vec<Value>) -> Value {
    Value::object([
        ("Effect", "Allow".into()),
        ("Action", actions.to_vec().into()),
        ("Resource", Value::List(resources)),
    ])
}

/// Lets a service of AWS assume a role, for this account alone: without the condition, any party that can make the service
/// act could make it act here.
pub fn assumed_by(stack: &StackId, service: &str) -> Value {
    document(vec![Value::object([
        ("Effect", "Allow".into()),
        ("Action", "sts:AssumeRole".into()),
        ("Principal", Value::object([("Service", service.into())])),
        ("Condition", from_this_account(stack)),
    ])])
}

/// The condition that a service acts for this account.
pub fn from_this_account(stack: &StackId) -> Value {
    let account = account_id(stack);
    Value::object([(
        "StringEquals",
        Value::object([("aws:SourceAccount", account)]),
    )])
}

/// The number of the account.
pub fn account_id(stack: &StackId) -> Value {
    Value::output(&graph::facts_urn(stack), "accountId")
}

/// The partition: `aws`, or that of a separate part of AWS.
pub fn partition(stack: &StackId) -> Value {
    Value::output(&graph::facts_urn(stack), "partition")
}
