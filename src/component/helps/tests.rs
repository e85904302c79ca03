//! Every help is tried: it is followed in the file, and then the fault is gone, or has become another one.
//!
//! A help in one of the usual forms is followed by its words. What is left to the author (a name to choose) is done by hand,
//! beside the file that has the fault.

mod resources;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::testing::load;
use super::{SECTIONS, stack_graph, warnings};
use crate::aws::registry::catalog;
use crate::stack::{StackError, StackErrors};

const HEAD: &str = "name: shop\nenvironment: dev\nregion: eu-south-2\n";
const SHOP: &str = "network: {}\nservices: { api: { port: 1, default: true } }\nloadBalancer: {}\n";

/// A file with faults, flags over it, and the edits that an author makes by hand: what is replaced, and by what.
struct Case {
    text: String,
    flags: Vec<String>,
    by_hand: Vec<(String, String)>,
}

fn sections(text: &str) -> Case {
    whole(&format!("{HEAD}{text}"))
}

fn whole(text: &str) -> Case {
    Case {
        text: text.to_owned(),
        flags: Vec::new(),
        by_hand: Vec::new(),
    }
}

impl Case {
    fn by_hand(mut self, from: &str, to: &str) -> Self {
        self.by_hand.push((from.to_owned(), to.to_owned()));
        self
    }

    fn flag(mut self, flag: &str) -> Self {
        self.flags.push(flag.to_owned());
        self
    }
}

fn cases() -> Vec<Case> {
    let service = |keys: &str| {
        sections(&format!(
            "network: {{}}\nservices: {{ api: {{ port: 1, default: true, {keys} }} }}\nloadBalancer: {{}}\n"
        ))
    };
    let types = [
        "acm:Certificate",
        "apigateway:RestApi",
        "cloudfront:Distribution",
        "dynamodb:Table",
        "efs:FileSystem",
        "eks:Cluster",
        "elasticache:Cluster",
        "lambda:Function",
        "route53:Record",
        "sqs:Queue",
        "ssm:Parameter",
    ];
    let types = types.map(|token| {
        sections(&format!(
            "{SHOP}resources: {{ it: {{ type: aws:{token} }} }}\n"
        ))
        .by_hand("resources:", "# ")
    });
    let mut cases = vec![
        // Texts.
        whole(""). by_hand("", HEAD),
        whole(&format!("{HEAD}---\nname: other\n")).by_hand("---\nname: other\n", ""),
        whole(&format!("{HEAD}description: !secret x\n")).by_hand("!secret ", ""),
        sections("resources: { it: { type: aws-native:sqs:Queue, properties: { arn: x } } }\n").by_hand("arn: x", ""),
        sections("resources: { it: { type: aws-native:sqs:Queue, properties: { kmsMasterKeyId: { Ref: key } } } }\n").by_hand("{ Ref: key }", "alias/aws/sqs"),
        sections("resources: { it: { type: aws-native:sns:Topic } }\n").by_hand("aws-native:sns:Topic", "aws:sns:Topic"),
        sections("resources: { it: { type: aws:sns:Topic, options: { customTimeouts: { create: soon } } } }\n").by_hand("soon", "30m"),
        sections("resources: { it: { type: aws:ecs:TaskDefinition, properties: { family: it, containerDefinitions: [{ name: it, image: it, environment: [{ name: X }] }] } } }\n").by_hand("name: X", "name: X, value: ''"),
        whole(&format!("{HEAD}tags: &t {{ a: b }}\nresources: {{ a: {{ type: aws:ec2:Vpc, properties: {{ cidrBlock: 10.0.0.0/16, tags: {{ <<: *t }} }} }} }}\n"))
            .by_hand("<<: *t", "a: b"),
        // Structure.
        sections("databse: {}\nnetwork: {}\n"),
        sections("network: { cird: 10.0.0.0/16 }\n"),
        sections("network: { zones: 2 }\n"),
        whole("environment: dev\nregion: eu-south-2\n"),
        whole("name: shop\nenvironment: production\nregion: eu-south-2\n"),
        service("healthCheck: { path: \"${network.vpcId}\" }").by_hand("${network.vpcId}", "/x"),
        service("cpu: \"512\""),
        service("memoryMiB: 2_048"),
        sections("network: {}\ndatabase: { multiAz: yes }\n"),
        service("enabled: 1"),
        service("routes: /a"),
        service("command: 5"),
        service("command: \"echo: a, b\""),
        sections("outputs: { a: 1e999 }\n"),
        // Keys of other tools.
        service("env: { A: b }"),
        service("replicas: { min: 1 }"),
        service("volumes: []").by_hand("volumes: []", ""),
        service("build: .").by_hand("build: .", ""),
        sections("queues: {}\n").by_hand("queues: {}", ""),
        sections("buckets: {}\n").by_hand("buckets: {}", "resources: { b: { type: aws:s3:Bucket } }"),
        sections("variables: {}\n").by_hand("variables: {}", ""),
        sections("backend: {}\n").by_hand("backend: {}", ""),
        sections("network: {}\ndatabase: { password: x }\n").by_hand("password: x", ""),
        sections("network: {}\ndatabase: { version: \"16\" }\n"),
        sections("resources: { b: { type: aws:s3:Bucket, get: { id: x } } }\n").by_hand(", get: { id: x }", ""),
        // Keys without a value.
        sections("network:\n"),
        service("image: "),
        service("cpu: "),
        service("healthCheck: "),
        service("routes: "),
        service("environment: { A: }"),
        sections("outputs: { a: { b: } }\n"),
        // References.
        sections("network: {}\noutputs: { a: \"${network.vpcIdd}\", b: \"${netwrk.vpcId}\", c: \"${network}\", d: \"${aws.acountId}\" }\n"),
        sections("outputs: { a: \"${network.vpcId}\" }\n"),
        sections("outputs: { a: \"${network.\" }\n").by_hand("${network.", "$${network."),
        sections("network: {}\nservices: { web: { image: a/b:1, environment: { A: \"${services.web.nothing}\" } } }\n"),
        sections("network: {}\ndatabase: {}\noutputs: { a: \"${database.url}\" }\n").by_hand("outputs: { a: \"${database.url}\" }", ""),
        service("secrets: { A: hunter2 }").by_hand("hunter2", "'arn:aws:ssm:eu-south-2:123456789012:parameter/a'"),
        sections("resources:\n  a: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 }, options: { dependsOn: b } }\n  b: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.1.0.0/16 }, options: { dependsOn: a } }\n")
            .by_hand(", options: { dependsOn: a }", ""),
        // Sections that others need.
        sections("services: { a: { image: b/c:1 } }\n"),
        sections("network: {}\nloadBalancer: {}\n").by_hand("loadBalancer: {}", "loadBalancer: {}\nservices: { web: { port: 3000 } }"),
        sections("network: {}\nservices: { a: { port: 1 , default: true } }\n"),
        sections("network: {}\nservices:\n  a: { port: 1, routes: [/a] }\n  b: { port: 2, routes: [/b] }\nloadBalancer: {}\n")
            .by_hand("routes: [/a]", "default: true"),
        // Values.
        sections("network: { cidr: 10.0.0.5/16 }\n"),
        sections("network: { cidr: 10.0.0.0/28 }\n").by_hand("cidr: 10.0.0.0/28", "cidr: 10.0.0.0/16"),
        sections("monitoring: { logRetentionDays: 8 }\n"),
        sections("network: { flowLogs: { retentionDays: 8 } }\n"),
        sections("network: {}\ndatabase: { iamAuthentication: true, sslMode: disable }\n").by_hand(", sslMode: disable", ""),
        sections("network: {}\nservices: { web: { port: 3000 } }\nloadBalancer: { allowHttp: false }\n")
            .by_hand("allowHttp: false", "allowHttp: true"),
        sections("network: {}\nservices: { web: { port: 3000 } }\nloadBalancer: { allowHttp: true, certificateArn: \"arn:aws:acm:eu-south-2:123456789012:certificate/x\" }\n")
            .by_hand("allowHttp: true, ", ""),
        sections("network: {}\ndatabase: {}\nmonitoring: { alarms: { databaseFreeStorageGiB: 20 } }\n")
            .by_hand("databaseFreeStorageGiB: 20", "databaseFreeStorageGiB: 2"),
        sections("network: {}\ndatabase: {}\nmonitoring: { alarms: { databaseFreeMemoryMiB: 9000 } }\n")
            .by_hand("databaseFreeMemoryMiB: 9000", "databaseFreeMemoryMiB: 100"),
        sections("network: {}\ndatabase: { instanceClass: db.m6g.large }\nmonitoring: { alarms: { databaseCpuCredits: true } }\n")
            .by_hand("databaseCpuCredits: true", "databaseCpuCredits: false"),
        sections("network: {}\ndatabase: {}\nmonitoring: { alarms: { databaseReplicaLagSeconds: 9 } }\n")
            .by_hand("databaseReplicaLagSeconds: 9", "databaseReplicaLagSeconds: false"),
        service("cpu: 300"),
        service("cpu: 256, memoryMiB: 4096"),
        service("cpu: 512, memoryMiB: 512").by_hand("memoryMiB: 512", "memoryMiB: 1024"),
        service("routes: [api]"),
        service("routes: [shop.example.com/api]").by_hand("shop.example.com/api", "/api"),
        sections("network: { existing: { vpc: vpc-1 } }\n").by_hand("existing: { vpc: vpc-1 }", ""),
        sections("network: {}\nservices: { web: { port: 3000 } }\nloadBalancer: { waf: { sets: [common], count: [SQLi_COOKIE] } }\n")
            .by_hand("sets: [common]", "sets: [common, sqlInjection]"),
        service("image: nginx"),
        service("image: \"redis:7\""),
        sections("network: {}\nservices: { a1: { image: a }, a-1: { image: a } }\n").by_hand("a-1:", "b:"),
        sections("network: {}\ndatabase: {}\nmonitoring: {}\nservices: { database: { image: b/c:1 } }\n")
            .by_hand("services: { database:", "services: { store:"),
        // Raw resources.
        sections("resources: { a: { type: aws:s3:Bukket } }\n"),
        sections("resources: { a: { type: aws:s3:Bucket, options: { import: shop } } }\n").by_hand(", options: { import: shop }", ""),
        sections("resources: { a: { type: aws:s3:Bucket, options: { ignoreChanges: [buckt] } } }\n").by_hand("buckt", "bucket"),
        sections("resources: { a: { type: aws:s3:Bucket, options: { aliases: [x] } } }\n").by_hand(", options: { aliases: [x] }", ""),
        sections("resources: { a: { type: aws:s3:Bucket, options: { ignoreChanges: [\"a..b\"] } } }\n").by_hand("a..b", "a.b"),
        sections("network: {}\noptions: { netwrk: { protect: true } }\n"),
        // Flags.
        sections(SHOP).flag("services.api"),
        sections(SHOP).flag("services.apu.image=v9"),
        sections(SHOP).flag("services.worker.image=b/c:1"),
        sections(SHOP).flag("database.multiAz=true"),
        sections(SHOP).flag("services.api.environment.a.b=x"),
        sections(SHOP).flag("services.api.port=08000"),
        sections(SHOP).flag("services.api.image=[secret]"),
        sections(SHOP).flag("extends=base.yaml"),
    ];
    cases.extend(types);
    cases.extend(resources::cases());
    cases
}

fn faults(text: &str, flags: &[String]) -> (Vec<StackError>, Option<StackErrors>) {
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let outcome = load(&[("dev.yaml", text)], &flags).and_then(|stack| {
        let (graph, _) = stack_graph(&stack, &catalog())?;
        Ok(warnings(&stack, &graph).errors)
    });
    match outcome {
        Ok(warnings) => (warnings, None),
        Err(errors) => (errors.errors.clone(), Some(errors)),
    }
}

/// The words between backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// Follows a help in a text, and returns one text for each way that it offers. `None` for a help that leaves the choice to
/// the author.
fn follow(help: &str, error: &StackError, text: &str) -> Option<Vec<String>> {
    let place = error.labels[0].span.range();
    let there = &text[place.clone()];
    let replaced = |range: std::ops::Range<usize>, with: &str| {
        format!("{}{with}{}", &text[..range.start], &text[range.end..])
    };
    let words = quoted(help);
    // The word at fault, as the label names it.
    let wrong = quoted(&error.labels[0].text)
        .into_iter()
        .rev()
        .filter(|word| !words.contains(word))
        .find_map(|word| Some((there.find(word)?, word)))
        .map_or(place.clone(), |(at, word)| {
            place.start + at..place.start + at + word.len()
        });
    if help.starts_with("did you mean") {
        return Some(vec![replaced(wrong, words[0])]);
    }
    if help.starts_with("take one of the two out, or change its `") {
        // The text to change is at the place, or the help names the wrong key.
        let before = text[..place.start].trim_end();
        let is_named = before.ends_with(&format!("{}:", words[0]));
        let another = replaced(place, &format!("{there}-2"));
        return Some(vec![if is_named { another } else { text.to_owned() }]);
    }
    if help.starts_with("that is a zone") {
        return Some(vec![replaced(place, words[0])]);
    }
    if let Some(next) = help.strip_prefix("the nearest is ") {
        return Some(vec![replaced(place, next)]);
    }
    if help.starts_with('`') {
        // The text to write, perhaps as a list.
        let instead = match words[0] {
            list if list.starts_with('[') => list.to_owned(),
            text => format!("\"{text}\""),
        };
        return Some(vec![replaced(place, &instead)]);
    }
    if help.starts_with("it takes `") || help.starts_with("it offers ") {
        return Some(vec![replaced(wrong, words[0])]);
    }
    if let Some(rest) = help.strip_prefix("it takes ") {
        let first = rest.split([',', ' ']).next()?;
        return Some(vec![replaced(place, first)]);
    }
    if let Some(next) = help.strip_prefix("the next longer time is ") {
        return Some(vec![replaced(place, next)]);
    }
    if let Some(number) = help.strip_prefix("write it as a plain number: ") {
        return Some(vec![replaced(place, number)]);
    }
    if let Some(list) = help.strip_prefix("write it as a list: ") {
        return Some(vec![replaced(place, list)]);
    }
    if help.starts_with("put it in quotes") {
        return Some(vec![replaced(place.clone(), &format!("\"{there}\""))]);
    }
    if help.ends_with(", without quotes") {
        return Some(vec![replaced(place, words[0])]);
    }
    if help.starts_with("add one of ") {
        let name = there.trim_end_matches('}');
        return Some(vec![replaced(
            place.clone(),
            &format!("{name}.{}}}", words[0]),
        )]);
    }
    if let Some(rest) = help.strip_prefix("add `") {
        let section = rest.split('`').next()?;
        let section = if section == "services:" {
            format!("services: {{ {} }}", words[1])
        } else {
            section.to_owned()
        };
        return Some(vec![format!("{text}{section}\n")]);
    }
    if help == "write the value, or leave the key out" {
        let end = text[place.end..]
            .find([',', '}', '\n'])
            .map(|at| place.end + at + 1)?;
        return Some(vec![replaced(place.start..end, "")]);
    }
    if help.starts_with("write `") {
        // An entry, or the text in place of a value.
        let key = format!("{there}:");
        return Some(
            words
                .iter()
                .map(|word| {
                    let end = text[place.end..].find([',', '}', '\n']).unwrap_or_default();
                    if there.starts_with('\'') {
                        replaced(place.clone(), &format!("'{word}'"))
                    } else if word.starts_with(&key) {
                        replaced(place.start..place.end + end, word)
                    } else {
                        replaced(place.clone(), word)
                    }
                })
                .collect(),
        );
    }
    None
}

/// Follows a help in a flag.
fn follow_flag(help: &str, flag: &str) -> Option<Vec<String>> {
    let words = quoted(help);
    let (_, value) = flag.split_once('=').unwrap_or((flag, "x"));
    let mut ways = Vec::new();
    if help.starts_with("did you mean") {
        ways.push(format!("{}={value}", words[0]));
    }
    if help.contains("write `--set-new` instead of `--set`") {
        ways.push(format!("new {flag}"));
    }
    if let Some(form) = words.iter().find_map(|word| word.strip_prefix("--set '")) {
        ways.push(form.replace("…'", value));
    }
    if help == "write it in a file, and take that for the stack" {
        ways.push("services.api.cpu=512".to_owned());
    }
    if help == "write the value itself in its place" {
        ways.push(flag.replace("[secret]", "v9"));
    }
    if help == "write it as `--set path.to.key=value`" {
        ways.push("services.api.cpu=512".to_owned());
    }
    if let Some(number) = help.strip_prefix("write it as a plain number: ") {
        ways.push(flag.replace(value, number));
    }
    (!ways.is_empty()).then_some(ways)
}

#[test]
fn what_a_help_says_can_be_done_and_the_fault_is_gone() {
    let mut tried = BTreeSet::new();
    let mut wrong = Vec::new();
    for case in cases() {
        let (found, _) = faults(&case.text, &case.flags);
        let helped: Vec<&StackError> = found.iter().filter(|error| error.help.is_some()).collect();
        if helped.is_empty() {
            wrong.push(format!("no help for\n{}{:?}", case.text, case.flags));
        }
        for error in helped {
            let help = error.help.as_deref().unwrap_or_default();
            tried.insert(help.to_owned());
            let ways: Option<Vec<(String, Vec<String>)>> = if error.labels[0].span.source > 0 {
                follow_flag(help, &case.flags[0]).map(|flags| {
                    flags
                        .into_iter()
                        .map(|flag| (case.text.clone(), vec![flag]))
                        .collect()
                })
            } else {
                follow(help, error, &case.text).map(|texts| {
                    texts
                        .into_iter()
                        .map(|text| (text, case.flags.clone()))
                        .collect()
                })
            };
            let by_hand = case.by_hand.first().map(|(from, to)| {
                assert!(case.text.contains(from.as_str()), "{from} in {}", case.text);
                vec![(case.text.replacen(from.as_str(), to, 1), case.flags.clone())]
            });
            let Some(ways) = by_hand.or(ways) else {
                wrong.push(format!("nobody can follow: {help}\n{}", case.text));
                continue;
            };
            for (text, flags) in ways {
                let mut left = faults(&text, &flags).0;
                if text == case.text && flags == case.flags {
                    left.push(error.clone());
                }
                let same = |other: &StackError| {
                    other.fault == error.fault
                        && other.labels[0].text == error.labels[0].text
                        && other.help == error.help
                };
                if left.iter().any(same) {
                    wrong.push(format!("in vain: {help}\n{text}{flags:?}\n{left:#?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    let untried: Vec<String> = written()
        .into_iter()
        .filter(|pattern| !tried.iter().any(|help| matches(pattern, help)))
        .collect();
    assert_eq!(untried, [] as [String; 0], "helps that no case has");
}

/// The helps in the sources of the rooms that check a file: texts that begin as a help does; and in all sources the text
/// that a fault is given as its help.
fn written() -> Vec<String> {
    const BEGINNINGS: [&str; 15] = [
        "write ",
        "add ",
        "use ",
        "give ",
        "put ",
        "take ",
        "remove ",
        "did you mean",
        "it takes ",
        "it offers ",
        "split ",
        "start with",
        "the next",
        "make the",
        "take it out",
    ];
    const GIVEN: [&str; 4] = [".help(", "let help = ", "help: \"", "help: format!("];
    // Limits that no small file reaches, and that AWS raises; and a label.
    let is_other = |literal: &str| {
        ["split what is repeated", "takes "]
            .iter()
            .any(|start| literal.starts_with(start))
            || literal.contains("ask AWS to raise the quota")
            // This one is about a region that may exist.
            || literal.starts_with("if AWS has it")
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for room in ["aws", "component", "graph", "resource", "stack"] {
        let checks_files = ["component", "stack"].contains(&room);
        for path in sources(&root.join("src").join(room)) {
            let text = std::fs::read_to_string(path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests").next();
            let lines = code.unwrap_or_default().lines().map(str::trim_start);
            let lines: Vec<&str> = lines.filter(|line| !line.starts_with("//")).collect();
            for (index, line) in lines.iter().enumerate() {
                // The given text may begin on the next line.
                let above = index.checked_sub(1).map_or("", |above| lines[above]);
                let given = |line: &str| GIVEN.iter().any(|word| line.contains(word));
                let goes_on = above.ends_with('(') || above.ends_with('=');
                let is_given =
                    given(line) || goes_on && (given(above) || above.ends_with("let help ="));
                // A name before it is not a help.
                let after = GIVEN
                    .iter()
                    .filter_map(|word| Some(line.find(word)? + word.len()))
                    .max();
                let from = after.filter(|_| is_given).unwrap_or_default();
                let quoted = if line[..from].ends_with('"') {
                    Some(&line[from..])
                } else {
                    line[from..].split_once('"').map(|(_, rest)| rest)
                };
                let Some(literal) = quoted.map(until_quote) else {
                    continue;
                };
                let begins = BEGINNINGS.iter().any(|start| literal.starts_with(start));
                if (is_given || checks_files && begins) && !is_other(literal) {
                    let literal = literal.replace("\\\"", "\"");
                    found.push(literal.trim_end_matches('\\').trim_end().to_owned());
                }
            }
        }
    }
    assert!(found.len() > 40, "{found:?}");
    found
}

/// A literal up to the quote that ends it.
fn until_quote(text: &str) -> &str {
    let quotes = text.match_indices('"').map(|(at, _)| at);
    let end = quotes.into_iter().find(|at| !text[..*at].ends_with('\\'));
    &text[..end.unwrap_or(text.len())]
}

/// The Rust sources under a folder, except for those of tests.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut found = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() && name != "helps" {
            found.extend(sources(&path));
        } else if name.ends_with(".rs") && name != "testing.rs" && name != "tests.rs" {
            found.push(path);
        }
    }
    found
}

/// True if a help is what a format string makes, as far as that is on its first line.
fn matches(pattern: &str, help: &str) -> bool {
    let pattern = pattern.replace("{{", "\u{1}").replace("}}", "\u{2}");
    let mut rest = help;
    for (index, piece) in pattern.split('{').enumerate() {
        let fixed = if index == 0 {
            piece
        } else {
            piece.split_once('}').map_or("", |(_, fixed)| fixed)
        };
        let fixed = fixed.replace('\u{1}', "{").replace('\u{2}', "}");
        match rest.find(&fixed) {
            Some(at) if index > 0 || at == 0 => rest = &rest[at + fixed.len()..],
            _ => return false,
        }
    }
    true
}

#[test]
fn the_keys_that_answers_name_are_there() {
    let schema = crate::component::json_schema(&catalog());
    let of_file = crate::stack::schema_of(&SECTIONS);
    for (keys, synonyms, unsupported) in [
        (
            &schema["properties"],
            of_file["x-synonyms"].clone(),
            of_file["x-unsupported"].clone(),
        ),
        (
            &schema["$defs"]["Service"]["properties"],
            super::elsewhere::service_synonyms(),
            super::elsewhere::service_unsupported(),
        ),
        (
            &schema["$defs"]["Database"]["properties"],
            super::elsewhere::database_synonyms(),
            super::elsewhere::database_unsupported(),
        ),
    ] {
        for (word, meant) in synonyms.as_object().unwrap() {
            assert!(keys[word].is_null(), "{word} is a key");
            assert!(
                keys[meant.as_str().unwrap()].is_object(),
                "{word} leads to {meant}"
            );
        }
        for (word, answer) in unsupported.as_object().unwrap() {
            assert!(
                keys[word].is_null() && synonyms[word].is_null(),
                "{word} is a key"
            );
            // The first thing that it asks for can be done, whatever else it says.
            let answer = answer.as_str().unwrap();
            let can_be_done = answer.contains("take the key out") || answer.contains('`');
            assert!(can_be_done, "{word}: {answer}");
        }
    }
}
