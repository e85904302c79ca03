//! The values of `${{ … }}`: the expressions of GitHub Actions, parsed by the parser of a linter for workflows and evaluated
//! as GitHub documents it. Anything unknown here panics, so that nothing is tested by chance.

use github_actions_expressions::call::{Call, Function};
use github_actions_expressions::context::Context;
use github_actions_expressions::literal::Literal;
use github_actions_expressions::op::{BinOp, UnOp};
use github_actions_expressions::{Expr, SpannedExpr};
use serde_json::Value as Json;

/// The values that an expression can ask for.
pub struct Scope {
    /// The contexts by name: `github`, `inputs`, `steps`, …
    pub contexts: Json,
    /// True if something before has failed.
    pub failed: bool,
}

impl Scope {
    /// A text with its expressions replaced by their values.
    pub fn text(&self, template: &str) -> String {
        let mut text = String::new();
        let mut rest = template;
        while let Some((before, expression, after)) = next(rest) {
            text.push_str(before);
            text.push_str(&as_text(&self.evaluate(expression)));
            rest = after;
        }
        text + rest
    }

    /// A value of a workflow file: a text that is one expression is what that comes to, and a list or a map is gone through.
    pub fn value(&self, value: &Json) -> Json {
        match value {
            Json::String(template) => match next(template.trim()) {
                Some(("", expression, "")) => self.evaluate(expression),
                _ => Json::from(self.text(template)),
            },
            Json::Array(values) => values.iter().map(|value| self.value(value)).collect(),
            Json::Object(values) => values
                .iter()
                .map(|(name, value)| (name.clone(), self.value(value)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            other => other.clone(),
        }
    }

    /// An `if:`, for which everything before has to have succeeded unless it says otherwise.
    pub fn holds(&self, condition: Option<&Json>) -> bool {
        let condition = match condition {
            None => return !self.failed,
            Some(Json::Bool(condition)) => return *condition && !self.failed,
            Some(condition) => condition.as_str().expect("a condition is a text").trim(),
        };
        let expression = match next(condition) {
            Some(("", expression, "")) => expression,
            None => condition,
            Some(_) => panic!("`{condition}` is always true"),
        };
        (asks(expression) || !self.failed) && is_true(&self.evaluate(expression))
    }

    fn evaluate(&self, expression: &str) -> Json {
        let parsed =
            Expr::parse(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
        self.of(&parsed)
    }

    fn of(&self, expression: &SpannedExpr<'_>) -> Json {
        match &expression.inner {
            Expr::Literal(Literal::String(text)) => Json::from(text.as_ref()),
            Expr::Literal(Literal::Number(number)) => Json::from(*number),
            Expr::Literal(Literal::Boolean(boolean)) => Json::from(*boolean),
            Expr::Literal(Literal::Null) => Json::Null,
            Expr::Call(call) => self.call(call),
            Expr::Context(context) => self.context(context),
            Expr::UnExpr {
                op: UnOp::Not,
                expr,
            } => Json::from(!is_true(&self.of(expr))),
            Expr::BinExpr(binary) => {
                let left = self.of(&binary.lhs);
                match binary.op {
                    // Both give one of their sides, and look at the second only if they have to.
                    BinOp::And if !is_true(&left) => left,
                    BinOp::Or if is_true(&left) => left,
                    BinOp::And | BinOp::Or => self.of(&binary.rhs),
                    BinOp::Eq => Json::from(equal(&left, &self.of(&binary.rhs))),
                    BinOp::Neq => Json::from(!equal(&left, &self.of(&binary.rhs))),
                    _ => panic!("{}: not known here", expression.origin.raw),
                }
            }
            _ => panic!("{}: not known here", expression.origin.raw),
        }
    }

    fn context(&self, context: &Context<'_>) -> Json {
        let (first, rest) = context.parts.split_first().expect("a context has a name");
        // The result of `.*` is a list, and what follows is asked of each of its members.
        let mut of_each = false;
        let mut value = match &first.inner {
            Expr::Identifier(name) => member(&self.contexts, name.as_str())
                .unwrap_or_else(|| panic!("there is no context `{}`", name.as_str())),
            _ => self.of(first),
        };
        for part in rest {
            let key = match &part.inner {
                Expr::Star => {
                    let members = value.as_object().into_iter().flatten();
                    value = members.map(|(_, member)| member.clone()).collect();
                    of_each = true;
                    continue;
                }
                Expr::Identifier(name) => Json::from(name.as_str()),
                Expr::Index(index) => self.of(index),
                _ => panic!("{}: not known here", part.origin.raw),
            };
            value = match (&value, &key) {
                (Json::Array(values), key) if of_each => {
                    let key = as_text(key);
                    let found = values.iter().filter_map(|value| member(value, &key));
                    found.collect()
                }
                (Json::Array(values), Json::Number(_)) => {
                    let index = number(&key);
                    values.get(index as usize).cloned().unwrap_or_default()
                }
                (value, key) => member(value, &as_text(key)).unwrap_or_default(),
            };
        }
        value
    }

    fn call(&self, call: &Call<'_>) -> Json {
        let arguments: Vec<Json> = call.args.iter().map(|argument| self.of(argument)).collect();
        let text = |index: usize| as_text(&arguments[index]);
        let folded = |index: usize| text(index).to_lowercase();
        match call.func {
            Function::Always => Json::from(true),
            // No run of these tests is cancelled from outside.
            Function::Cancelled => Json::from(false),
            Function::Success => Json::from(!self.failed),
            Function::Failure => Json::from(self.failed),
            Function::Contains => match &arguments[0] {
                Json::Array(values) => {
                    Json::from(values.iter().any(|value| equal(value, &arguments[1])))
                }
                _ => Json::from(folded(0).contains(&folded(1))),
            },
            Function::StartsWith => Json::from(folded(0).starts_with(&folded(1))),
            Function::EndsWith => Json::from(folded(0).ends_with(&folded(1))),
            Function::Format => Json::from(formatted(&text(0), &arguments[1..])),
            Function::FromJSON => serde_json::from_str(&text(0))
                .unwrap_or_else(|error| panic!("fromJSON({}): {error}", text(0))),
            Function::ToJSON => serde_json::to_string_pretty(&arguments[0])
                .expect("a value is JSON")
                .into(),
            other => panic!("{other:?}: not known here"),
        }
    }
}

/// Returns whether an `if:` itself says what has to have succeeded.
pub fn asks_for_status(condition: &Json) -> bool {
    condition.as_str().is_some_and(asks)
}

fn asks(expression: &str) -> bool {
    ["always(", "success(", "failure(", "cancelled("]
        .iter()
        .any(|function| expression.contains(function))
}

/// The first expression of a text, with what stands before and after it.
fn next(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("${{")?;
    let mut quoted = false;
    let end = rest.char_indices().find_map(|(at, character)| {
        quoted ^= character == '\'';
        (!quoted && rest[at..].starts_with("}}")).then_some(at)
    });
    let end = end.unwrap_or_else(|| panic!("`{text}` does not end"));
    Some((before, rest[..end].trim(), &rest[end + 2..]))
}

/// Names of members mean the same in capitals.
fn member(value: &Json, name: &str) -> Option<Json> {
    let members = value.as_object()?;
    let found = members
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.clone())
}

pub fn as_text(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        Json::Number(_) => number(value).to_string(),
        Json::Bool(boolean) => boolean.to_string(),
        Json::Array(_) => "Array".to_owned(),
        Json::Object(_) => "Object".to_owned(),
    }
}

fn is_true(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::Bool(boolean) => *boolean,
        Json::String(text) => !text.is_empty(),
        Json::Number(_) => number(value) != 0.0,
        Json::Array(_) | Json::Object(_) => true,
    }
}

fn number(value: &Json) -> f64 {
    match value {
        Json::Null => 0.0,
        Json::Bool(boolean) => f64::from(u8::from(*boolean)),
        Json::Number(number) => number.as_f64().unwrap_or(f64::NAN),
        Json::String(text) if text.trim().is_empty() => 0.0,
        Json::String(text) => text.trim().parse().unwrap_or(f64::NAN),
        Json::Array(_) | Json::Object(_) => f64::NAN,
    }
}

fn equal(left: &Json, right: &Json) -> bool {
    match (left, right) {
        (Json::String(left), Json::String(right)) => left.to_lowercase() == right.to_lowercase(),
        // Unlike things are compared as numbers.
        #[allow(clippy::float_cmp, reason = "GitHub compares so")]
        _ => number(left) == number(right),
    }
}

/// `{0}` is the first argument, and `{{` a brace.
fn formatted(format: &str, arguments: &[Json]) -> String {
    let mut text = String::new();
    let mut rest = format;
    while let Some(first) = rest.chars().next() {
        let place = rest
            .strip_prefix('{')
            .and_then(|rest| rest.split_once('}'))
            .and_then(|(index, after)| Some((index.parse::<usize>().ok()?, after)));
        if let Some((index, after)) = place {
            text.push_str(&as_text(&arguments[index]));
            rest = after;
        } else {
            let doubled = rest.starts_with("{{") || rest.starts_with("}}");
            text.push(first);
            rest = &rest[first.len_utf8() + usize::from(doubled)..];
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn scope(failed: bool) -> Scope {
        let contexts = json!({
            "github": { "event_name": "push", "event": { "number": 7 } },
            "vars": { "AWS_ROLE_STAGING": "arn" },
            "inputs": { "stack": "", "count": 3 },
            "needs": {
                "scope": { "result": "success", "outputs": { "json": "{\"apiUrl\":\"u\",\"list\":[1,2]}" } },
                "tests": { "result": "cancelled", "outputs": {} },
            },
        });
        Scope { contexts, failed }
    }

    #[test]
    fn expressions_come_to_what_github_documents() {
        for (template, expected) in [
            ("a ${{ github.event_name }} b", "a push b"),
            ("${{ github.event.number || 'live' }}", "7"),
            ("${{ inputs.stack || vars.other || 'staging' }}", "staging"),
            ("${{ vars[format('AWS_ROLE_{0}', 'staging')] }}", "arn"),
            ("${{ format('{{{0}}}', 1) }}", "{1}"),
            ("${{ fromJSON(needs.scope.outputs.json).apiUrl }}", "u"),
            (
                "${{ fromJSON(needs.scope.outputs.json)[format('{0}Url', 'api')] }}",
                "u",
            ),
            ("${{ fromJSON(needs.scope.outputs.json).list[1] }}", "2"),
            ("${{ fromJSON(needs.none.outputs.json || '{}').x }}", ""),
            ("${{ github.EVENT_NAME == 'PUSH' && 'it''s' }}", "it's"),
            (
                "${{ '' == 0 }} ${{ null == 0 }} ${{ 'a' == 0 }} ${{ '3' == 3 }}",
                "true true false true",
            ),
            ("${{ contains('Hello', 'ELL') }}", "true"),
            ("${{ contains(fromJSON('[1,2]'), '2') }}", "true"),
            ("${{ contains(needs.*.result, 'cancelled') }}", "true"),
            ("${{ contains(needs.*.result, 'failure') }}", "false"),
            (
                "${{ startsWith('refs/tags/v1', 'refs/tags') && !endsWith('a', 'b') }}",
                "true",
            ),
            ("${{ '}}' }}", "}}"),
            ("${{ github }}", "Object"),
        ] {
            assert_eq!(scope(false).text(template), expected, "{template}");
        }
        assert_eq!(scope(false).value(&json!("${{ inputs.count }}")), json!(3));
    }

    #[test]
    fn conditions_want_success_unless_they_ask() {
        for (condition, after_success, after_failure) in [
            (None, true, false),
            (Some("github.event_name == 'push'"), true, false),
            (Some("${{ always() }}"), true, true),
            (Some("${{ failure() }}"), false, true),
            (Some("${{ !cancelled() && !failure() }}"), true, false),
            (
                Some("${{ !cancelled() && inputs.stack == '' }}"),
                true,
                true,
            ),
            (Some("${{ inputs.stack != '' }}"), false, false),
        ] {
            let condition = condition.map(Json::from);
            assert_eq!(
                scope(false).holds(condition.as_ref()),
                after_success,
                "{condition:?}"
            );
            assert_eq!(
                scope(true).holds(condition.as_ref()),
                after_failure,
                "{condition:?}"
            );
        }
    }

    #[test]
    #[should_panic(expected = "there is no context `gihub`")]
    fn a_misspelt_context_is_not_empty() {
        scope(false).text("${{ gihub.sha }}");
    }
}
