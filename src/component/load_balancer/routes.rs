//! The services that paths lead to.
//!
//! The patterns of a service share rules, five to a rule with five wildcards among them, which is as many as AWS takes. A
//! pattern that lies inside one of another service's (`/api/v2/*` inside `/api/*`) must be matched first, so it has a rule
//! of its own in front of those. Priorities come from a rule's own content: they stay as they are when other services come
//! and go, and no two rules ever have to trade places.

use std::collections::BTreeSet;

use crate::resource::tags::short_hash;
use crate::resource::value::properties;
use crate::resource::{Path, StackId, Urn, Value};
use crate::stack::{Fault, StackError};

use super::urns;
use crate::component::context::Context;
use crate::component::key::SectionKey;
use crate::component::services::{Service, Services};

/// The most patterns that AWS takes in one rule.
const PATTERNS_PER_RULE: usize = 5;
const WILDCARDS_PER_RULE: usize = 5;
/// The most characters that AWS takes in one pattern.
const MAX_PATTERN: usize = 128;
/// The number of priorities for each length of patterns inside another's, the longest in front.
const SPECIFIC_STEP: u32 = 100;
/// The priorities of all other rules, of the 50,000 that exist.
const GENERAL: std::ops::Range<u32> = 20_000..50_000;

/// A rule of the load balancer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub service: String,
    name: String,
    patterns: Vec<String>,
    priority: u32,
}

impl Rule {
    pub fn urn(&self, stack: &StackId) -> Urn {
        let name = format!("loadBalancer/{}/{}", self.service, self.name);
        Urn::new(stack, "aws:lb:ListenerRule", name)
    }
}

/// Checks the routes of all services, and turns them into rules.
pub fn resolve_defaults(context: &mut Context<'_>, services: &Services) -> Vec<Rule> {
    let patterns: Vec<Pattern> = services
        .all
        .iter()
        .flat_map(|service| {
            service
                .routes
                .iter()
                .enumerate()
                .map(|(index, text)| Pattern {
                    service,
                    text,
                    path: service.path("routes").index(index),
                })
        })
        .collect();
    check(context, &patterns);
    let mut taken = BTreeSet::new();
    let mut rules = Vec::new();
    for service in &services.all {
        let own = patterns
            .iter()
            .filter(|pattern| pattern.service.key == service.key);
        let (inside, outside): (Vec<&Pattern>, Vec<&Pattern>) =
            own.partition(|pattern| pattern.lies_inside_anothers(&patterns));
        for pattern in inside {
            let hash = short_hash(pattern.text, 8);
            let band =
                (MAX_PATTERN - pattern.text.len().min(MAX_PATTERN)) as u32 * SPECIFIC_STEP + 1;
            rules.push(Rule {
                service: service.key.clone(),
                priority: free(&mut taken, band..band + SPECIFIC_STEP, &hash),
                name: format!("route-{hash}"),
                patterns: vec![pattern.text.to_owned()],
            });
        }
        for (index, chunk) in rules_of(&outside).into_iter().enumerate() {
            let name = format!("routes{}", index + 1);
            let hash = short_hash(&format!("{}/{name}", service.key), 8);
            rules.push(Rule {
                service: service.key.clone(),
                priority: free(&mut taken, GENERAL, &hash),
                name,
                patterns: chunk
                    .iter()
                    .map(|pattern| pattern.text.to_owned())
                    .collect(),
            });
        }
    }
    rules
}

/// The patterns of each rule, in the order in which they are written: as many as AWS takes in one.
fn rules_of<'p, 'a>(patterns: &[&'p Pattern<'a>]) -> Vec<Vec<&'p Pattern<'a>>> {
    let mut rules: Vec<Vec<&'p Pattern<'a>>> = Vec::new();
    let mut wildcards = 0;
    for pattern in patterns {
        let own = pattern.wildcards();
        match rules.last_mut() {
            Some(rule)
                if rule.len() < PATTERNS_PER_RULE && wildcards + own <= WILDCARDS_PER_RULE =>
            {
                rule.push(pattern);
                wildcards += own;
            }
            _ => {
                rules.push(vec![pattern]);
                wildcards = own;
            }
        }
    }
    rules
}

/// A route, and its place in the file.
struct Pattern<'a> {
    service: &'a Service,
    text: &'a str,
    path: Path,
}

impl Pattern<'_> {
    fn wildcards(&self) -> usize {
        self.text.matches(['*', '?']).count()
    }

    fn lies_inside_anothers(&self, all: &[Pattern<'_>]) -> bool {
        all.iter().any(|other| {
            other.service.key != self.service.key
                && other.text != self.text
                && covers(other.text, self.text)
        })
    }
}

fn check(context: &mut Context<'_>, patterns: &[Pattern<'_>]) {
    let alphabet = |c: char| c.is_ascii_alphanumeric() || "_-.$/~\"'@:+&*?".contains(c);
    for (index, pattern) in patterns.iter().enumerate() {
        let (start, _) = pattern.text.split_once('/').unwrap_or((pattern.text, ""));
        if start.contains('.') && !start.starts_with('*') {
            let label = "begins with a host, and a route is a path";
            let help = "take the host out, or declare an `aws:lb:ListenerRule` with a `hostHeader` under `resources:`";
            context.refuse_with_help(Fault::Route, &pattern.path, label, help);
        } else if !pattern.text.starts_with(['/', '*']) {
            let help = format!("did you mean `/{}`?", pattern.text);
            let label = "a path starts with `/`";
            context.refuse_with_help(Fault::Route, &pattern.path, label, help);
        } else if !pattern.text.chars().all(alphabet) || pattern.text.len() > MAX_PATTERN {
            let label = "takes up to 128 letters, digits and `_ - . $ / ~ \" ' @ : + & * ?`";
            context.refuse(Fault::Route, &pattern.path, label);
        }
        let wildcards = pattern.wildcards();
        if wildcards > WILDCARDS_PER_RULE {
            let label =
                format!("has {wildcards} wildcards; AWS takes {WILDCARDS_PER_RULE} in a rule");
            let help = "a `*` stands for any text, slashes among it: `/a/*` takes `/a/b/c/d`";
            context.refuse_with_help(Fault::Route, &pattern.path, label, help);
        }
        if let Some(first) = patterns[..index]
            .iter()
            .find(|other| other.text == pattern.text)
        {
            let label = if first.service.key == pattern.service.key {
                "is given twice".to_owned()
            } else {
                format!("leads to `{}` already", first.service.key)
            };
            let error = StackError::new(Fault::RouteClash, context.place(&pattern.path), label);
            let place = context.place(&first.path);
            context.errors.push(error.also(place, "given here first"));
        }
    }
}

/// True if every path that `inner` takes is taken by `outer` too: a wildcard of `inner` is matched by one of `outer`.
fn covers(outer: &str, inner: &str) -> bool {
    let (outer, inner) = (outer.as_bytes(), inner.as_bytes());
    // reach[j]: the outer pattern read so far takes the first j bytes of the inner one.
    let mut reach = vec![false; inner.len() + 1];
    reach[0] = true;
    for symbol in outer {
        let mut next = vec![false; inner.len() + 1];
        if *symbol == b'*' {
            let mut reached = false;
            for (index, slot) in next.iter_mut().enumerate() {
                reached |= reach[index];
                *slot = reached;
            }
        } else {
            for index in 0..inner.len() {
                let matches = match *symbol {
                    b'?' => inner[index] != b'*',
                    other => inner[index] == other,
                };
                next[index + 1] = reach[index] && matches;
            }
        }
        reach = next;
    }
    reach[inner.len()]
}

/// The priority that a hash stands for, or the next one that is free.
fn free(taken: &mut BTreeSet<u32>, band: std::ops::Range<u32>, hash: &str) -> u32 {
    let count = band.end - band.start;
    let start = u32::from_str_radix(hash, 16).unwrap_or(0) % count;
    let free = (0..count)
        .map(|step| band.start + (start + step) % count)
        .find(|priority| !taken.contains(priority))
        // AWS takes 100 rules in all, so no band is ever full.
        .unwrap_or(band.start);
    taken.insert(free);
    free
}

/// The action that forwards a request to a service.
pub fn forward(stack: &StackId, service: &str) -> Value {
    let group = urns::target_group(stack, service);
    Value::object([
        ("type", "forward".into()),
        ("targetGroupArn", Value::output(&group, "arn")),
    ])
}

/// Adds a rule to a listener.
pub fn add(context: &mut Context<'_>, rule: &Rule, listener: &Urn) {
    let stack = context.id.clone();
    let condition = Value::object([(
        "pathPattern",
        Value::object([("values", rule.patterns.clone().into())]),
    )]);
    let inputs = properties([
        ("listenerArn", Value::output(listener, "arn")),
        ("priority", rule.priority.into()),
        ("conditions", Value::list([condition])),
        ("actions", Value::list([forward(&stack, &rule.service)])),
    ]);
    let origin = Path::from(SectionKey::Services.as_str())
        .key(&*rule.service)
        .key("routes");
    let resource = context.add(origin, rule.urn(&stack), inputs);
    // Only the order among our own matters.
    resource.options.any_free = Some("priority");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_inside_patterns() {
        for (outer, inner) in [
            ("/*", "/api/*"),
            ("*", "/x"),
            ("/api/*", "/api/v2/*"),
            ("/a?", "/ab"),
            ("/a*c", "/abc"),
            ("/a*c", "/a*b*c"),
        ] {
            assert!(covers(outer, inner), "{outer} {inner}");
            assert!(!covers(inner, outer), "{inner} {outer}");
        }
        assert!(!covers("/api/*", "/health"));
        assert!(!covers("/a?", "/a*"));
    }
}
