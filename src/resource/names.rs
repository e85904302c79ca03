//! Physical names: deterministic, so that any machine at any time computes the same.

use super::schema::NameRule;
use super::tags::short_hash;
use super::{Properties, Schema, StackId, Value};

/// The physical name of a resource whose author gave none: `<stack>-<environment>-<logical name>`, shortened with a hash
/// where AWS limits the length, and with a generation suffix where a replacement must stand beside its predecessor. A name
/// of a form that AWS advises against ends in a hash.
pub fn derive(stack: &StackId, logical: &str, rule: NameRule, generation: &str) -> String {
    let name = derive_plainly(stack, logical, rule, generation);
    if !rule.avoided.is_some_and(|is_avoided| is_avoided(&name)) {
        return name;
    }
    let hash = short_hash(&name, DISTINCTION);
    let room = rule.max_length.saturating_sub(hash.len() + 1);
    let kept = name.get(..room).unwrap_or(&name).trim_end_matches('-');
    format!("{kept}-{hash}")
}

/// Hexadecimal digits at the end of a name whose own end would otherwise have a meaning.
const DISTINCTION: usize = 8;

/// Derives a name as [`derive()`] does, but regardless of what AWS advises: the names that earlier versions of this program
/// gave.
pub fn derive_plainly(stack: &StackId, logical: &str, rule: NameRule, generation: &str) -> String {
    let mut base = sanitise(&format!("{}-{}-{}", stack.name, stack.environment, logical));
    let suffix = if rule.generated {
        format!("-{generation}")
    } else {
        String::new()
    };
    let room = rule.max_length.saturating_sub(suffix.len());
    if base.len() > room {
        let hash = short_hash(&base, 6);
        base.truncate(room.saturating_sub(hash.len() + 1));
        let kept = base.trim_end_matches('-');
        base = format!("{kept}-{hash}");
    }
    base + &suffix
}

/// The name of a replacement that is to stand beside `predecessor`: the derived name with another generation. The same
/// on every run, for as long as the predecessor is there.
pub fn successor(derived: &str, predecessor: &str) -> String {
    let hash = short_hash(&format!("{derived}\n{predecessor}"), GENERATION);
    format!("{}{hash}", without_generation(derived))
}

/// True if two generated names differ in their generation at most.
pub fn same_but_for_generation(left: &str, right: &str) -> bool {
    without_generation(left) == without_generation(right)
}

fn without_generation(name: &str) -> &str {
    let end = name.len().saturating_sub(GENERATION);
    name.get(..end).unwrap_or(name)
}

/// Hexadecimal digits of a generation.
const GENERATION: usize = 6;

/// The short hash that changes exactly when a replace-only input does. References enter it by name, not by what they
/// resolve to, so that the name can be shown before anything exists.
pub fn generation(schema: &Schema, inputs: &Properties) -> String {
    let own_name = schema.name.map(|rule| rule.property);
    let replacing: Properties = inputs
        .iter()
        .filter(|(name, _)| {
            Some(name.as_str()) != own_name
                && schema
                    .property(name)
                    .is_some_and(|property| property.replaces)
        })
        .map(|(name, value)| (name.clone(), value.spelled_out()))
        .collect();
    let document = serde_json::Value::from(&Value::Object(replacing));
    short_hash(&document.to_string(), GENERATION)
}

/// Returns whether [`derive()`] may have made a name for this stack. It may also belong to another party: a reason to look
/// at the tags.
pub fn may_be_derived(stack: &StackId, name: &str) -> bool {
    let prefix = sanitise(&format!("{}-{}", stack.name, stack.environment));
    name.to_ascii_lowercase()
        .strip_prefix(&prefix)
        .is_some_and(|rest| rest.starts_with('-'))
}

/// Returns the same as [`may_be_derived()`], where a name has at most `max_length` characters: the beginning of a longer one
/// gives way to a hash.
pub fn may_be_derived_within(stack: &StackId, name: &str, max_length: usize) -> bool {
    let prefix = sanitise(&format!("{}-{}", stack.name, stack.environment));
    // A hash of the whole name and a generation follow at most, each after a hyphen.
    let kept = max_length.saturating_sub(2 * (GENERATION + 1));
    match prefix.get(..kept) {
        Some(kept) if kept.len() < prefix.len() => name
            .to_ascii_lowercase()
            .starts_with(kept.trim_end_matches('-')),
        _ => may_be_derived(stack, name),
    }
}

/// Lower-case letters, digits and single hyphens: the characters that every AWS name takes.
fn sanitise(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii_alphanumeric() {
            name.push(character.to_ascii_lowercase());
        } else if !name.ends_with('-') && !name.is_empty() {
            name.push('-');
        }
    }
    name.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_and_stay_apart() {
        let stack = StackId {
            name: "happyrobot-fde".into(),
            environment: "dev".into(),
        };
        let rule = NameRule {
            property: "name",
            max_length: 32,
            generated: true,
            avoided: None,
        };
        let short = derive(&stack, "services/api", rule, "abc123");
        let long = derive(&stack, "services/apiTargetGroup", rule, "abc123");
        assert!(short.len() <= 32 && long.len() <= 32);
        assert!(may_be_derived(&stack, "happyrobot-fde-dev-database"));
        assert!(!may_be_derived(&stack, "happyrobot-fde-development"));
        assert_ne!(short, long);
        assert!(short.ends_with("-abc123") && short.starts_with("happyrobot-fde-d"));
        assert!(same_but_for_generation(&short, &successor(&short, "tg-1")));
        assert_ne!(successor(&short, "tg-1"), successor(&short, "tg-2"));
    }

    #[test]
    fn a_name_is_known_as_one_that_may_be_derived_however_it_was_shortened() {
        let rule = |generated| NameRule {
            property: "name",
            max_length: 32,
            generated,
            avoided: None,
        };
        for (name, environment) in [
            ("shop", "dev"),
            ("happyrobot-fde", "dev"),
            ("happyrobot-platform", "staging"),
            ("a-name-that-is-as-long-as-a-name-may-be", "production"),
        ] {
            let stack = StackId {
                name: name.into(),
                environment: environment.into(),
            };
            for logical in [
                "lb",
                "services/api-target-group",
                "a/very/long/logical/name",
            ] {
                for generated in [false, true] {
                    let name = derive(&stack, logical, rule(generated), "abc123");
                    assert!(may_be_derived_within(&stack, &name, 32), "{name}");
                    if generated {
                        let name = successor(&name, "tg-1");
                        assert!(may_be_derived_within(&stack, &name, 32), "{name}");
                    }
                }
            }
            for other in ["theirs-00001", "happyrobot-fde-demo-api", "shop-demo-web"] {
                assert!(!may_be_derived_within(&stack, other, 32), "{other}");
            }
        }
    }

    #[test]
    fn a_form_that_aws_advises_against_is_not_derived() {
        let stack = StackId {
            name: "shop".into(),
            environment: "dev".into(),
        };
        let rule = NameRule {
            property: "name",
            max_length: 24,
            generated: false,
            avoided: Some(|name| name.ends_with("-secret")),
        };
        let name = |logical| derive(&stack, logical, rule, "");
        assert_eq!(name("database/key"), "shop-dev-database-key");
        let other = name("db/secret");
        assert!(other.starts_with("shop-dev-db-sec"), "{other}");
        assert!(other.len() <= 24 && !other.ends_with("-secret"), "{other}");
        assert_eq!(
            derive_plainly(&stack, "db/secret", rule, ""),
            "shop-dev-db-secret"
        );
    }
}
