//! The page: prose, examples and tables, in the order of the file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value as Json;

use super::defaults::ENVIRONMENTS;
use super::keys::{self, Group, anchor, groups};
use super::outputs;
use crate::cli::COMMANDS;
use crate::component::context::Context;
use crate::component::lookup::Export;
use crate::component::testing::{catalog, faults, load};
use crate::component::{Expansion, SECTIONS, elsewhere, expand, sections};
use crate::display::line::wrap;
use crate::graph::FACTS;
use crate::stack::{Section, schema_of};

/// The width of the text.
const WIDTH: usize = 120;

/// A section of the page: its key, what is said before the keys, and an example.
pub struct Chapter {
    pub key: &'static str,
    about: &'static str,
    pub example: &'static str,
}

/// The examples together are one stack file.
pub const CHAPTERS: &[Chapter] = &[
    Chapter {
        key: "network",
        about: "Where everything else lives. `network: {}` is enough. Services and database need it.",
        example: "\
network:
  cidr: 10.0.0.0/16
  availabilityZones: 2
  natGateways: single
  flowLogs: { to: s3, retentionDays: 90 }
",
    },
    Chapter {
        key: "database",
        about: "Secrets Manager makes the password, RDS and the containers get it from there, and it is never printed. \
                A service gets the whole address with `secrets: { DATABASE_URL: \"${database.url}\" }`. \
                [database-connections.md](database-connections.md) says how clients connect over TLS, and how services log \
                in without a password.",
        example: "\
database:
  engineVersion: \"16\"
  instanceClass: db.t4g.small
  storageGiB: 50
  maxStorageGiB: 200
  backupRetentionDays: 14
  maintenanceWindow: sun:04:30-sun:05:30
  parameters: { max_connections: 200, log_min_duration_statement: 1000 }
  readReplicas: 1
",
    },
    Chapter {
        key: "services",
        about: "A service \
                with a `port` and `routes`, or the one that is the `default`, gets traffic from the load balancer; one \
                without a port is a worker. Services that share an image name it once.",
        example: "\
services:
  api:
    port: 8000
    image: 2026-01-31-abc123
    cpu: 512
    memoryMiB: 1024
    routes: [\"/api/*\", /health]
    healthCheck: { path: /health }
    scaling: { min: 2, max: 6, cpuPercent: 60 }
    environment: { LOG_LEVEL: info }
    secrets: { DATABASE_URL: \"${database.url}\" }
    permissions:
      - { actions: [\"s3:GetObject\", \"s3:PutObject\"], resources: [\"arn:aws:s3:::shop-uploads/*\"] }
  worker:
    image: ${services.api.image}
    command: [python, worker.py]
    secrets: { DATABASE_URL: \"${database.url}\" }
  web: { port: 3000, default: true }
",
    },
    Chapter {
        key: "loadBalancer",
        about: "Needs two zones, and a service that it leads to. With `certificateArn` it serves HTTPS, and HTTP redirects \
                there; without, HTTP alone.",
        example: "\
loadBalancer:
  certificateArn: arn:aws:acm:eu-south-2:123456789012:certificate/11111111-2222-3333-4444-555555555555
  accessLogs: { expireDays: 90 }
  waf: { mode: count, rateLimit: 2000 }
",
    },
    Chapter {
        key: "monitoring",
        about: "Alarms need someone to reach: `alarmEmails`. AWS sends each address a mail to confirm first.",
        example: "\
monitoring:
  alarmEmails: [oncall@example.com]
  logRetentionDays: 30
  alarms: { errors: 25, responseTimeSeconds: 2, databaseCpuCredits: false }
",
    },
    Chapter {
        key: "resources",
        about: "Type tokens and property names are Pulumi's, so its registry documents them. Types that are not [listed](#types) \
                go through AWS Cloud Control: `aws-native:sqs:Queue`, with the property names of Pulumi's AWS Native package, or \
                `AWS::SQS::Queue`, with those of CloudFormation. Of these, only what the file says is compared: a key that is taken \
                out stays as AWS has it, so write the value that it is to have; and a secret that AWS never returns is written \
                when its object is made or changes otherwise. `${NAME.output}` is an output or a property of a resource. \
                Sections can use these resources, and these the outputs of sections.",
        example: "\
resources:
  uploads:
    type: aws:s3:Bucket
    properties: { bucket: \"shop-uploads-${aws.accountId}\" }
    options: { protect: true }
  uploadsPublicAccess:
    type: aws:s3:BucketPublicAccessBlock
    properties: { bucket: \"${uploads.bucket}\", blockPublicAcls: true, blockPublicPolicy: true }
",
    },
    Chapter {
        key: "options",
        about: "The names stand with each section above. A longer name has the last word. Under `resources:` the same keys stand \
                under `options:` of a resource.",
        example: "\
options:
  database: { protect: true, customTimeouts: { create: 90m } }
  services/api/service: { ignoreChanges: [desiredCount] }
",
    },
    Chapter {
        key: "outputs",
        about: "A name takes letters, digits, `_` and `-`; a value \
                is anything.",
        example: "\
outputs:
  apiUrl: \"${loadBalancer.url}/api\"
  database: ${database.endpoint}
",
    },
];

const HEAD: &str = "\
name: shop
environment: dev
region: eu-south-2
account: \"123456789012\"
tags: { project: shop }
";

/// Every section with its defaults, and one service.
pub const EVERYTHING: &str = "\
network: {}
database: {}
services: { api: { port: 8000, default: true } }
loadBalancer: {}
monitoring: { alarmEmails: [oncall@example.com] }
";

pub fn head(environment: &str) -> String {
    HEAD.replace("environment: dev", &format!("environment: {environment}"))
}

/// The resources and outputs of a file without its head.
fn expanded(environment: &str, text: &str) -> Expansion {
    let text = head(environment) + text;
    let stack = load(&[("dev.yaml", &text)], &[]);
    let expansion = stack.and_then(|stack| expand(&stack, &catalog()));
    expansion.unwrap_or_else(|errors| panic!("{}", faults(&errors, 0)))
}

/// The page.
struct Page {
    text: String,
}

impl Page {
    fn line(&mut self, line: &str) {
        writeln!(self.text, "{line}").unwrap();
    }

    fn heading(&mut self, level: usize, heading: &str) {
        let marks = "#".repeat(level);
        self.line(&format!("\n{marks} {heading}\n"));
    }

    fn prose(&mut self, text: &str) {
        for line in wrap(text, Some(WIDTH)) {
            self.line(&line);
        }
    }

    fn item(&mut self, indent: &str, text: &str) {
        let lines = wrap(text, Some(WIDTH - indent.len() - 2));
        for (index, line) in lines.iter().enumerate() {
            let mark = if index == 0 { "- " } else { "  " };
            self.line(&format!("{indent}{mark}{line}"));
        }
    }

    fn code(&mut self, language: &str, text: &str) {
        self.line(&format!("```{language}\n{text}```"));
    }

    fn table<const N: usize>(
        &mut self,
        head: [&str; N],
        rows: impl IntoIterator<Item = [String; N]>,
    ) {
        self.line(&format!("| {} |", head.join(" | ")));
        self.line(&format!("|{}", "---|".repeat(N)));
        for row in rows {
            let cells = row.map(|cell| cell.replace('|', "\\|"));
            self.line(&format!("| {} |", cells.join(" | ")));
        }
    }

    fn group(&mut self, group: &Group) {
        for key in &group.keys {
            let (text, words) = key.item();
            self.item("", &text);
            for word in words {
                self.item("  ", &word);
            }
        }
    }
}

fn section(key: &str) -> &'static Section {
    SECTIONS
        .all
        .iter()
        .find(|section| section.key == key)
        .unwrap()
}

/// The groups of keys of a section. The options of a raw resource are those under `options:`.
fn groups_of(root: &Json, key: &str) -> Vec<Group> {
    let mut groups = groups(root, key, &root["properties"][key]);
    groups.retain(|group| !group.path.starts_with("resources.NAME.options"));
    for key in groups.iter_mut().flat_map(|group| &mut group.keys) {
        if key.path == "resources.NAME.options" {
            key.below = Some("options.NAME".to_owned());
        }
    }
    groups
}

/// The keys of the head: all that are no section.
fn head_keys(root: &Json) -> Group {
    let mut group = groups(root, "", root).remove(0);
    let is_section = |name: &str| SECTIONS.all.iter().any(|section| section.key == name);
    group.keys.retain(|key| !is_section(&key.name));
    group
}

pub fn all_groups(root: &Json) -> Vec<Group> {
    let of_sections = SECTIONS
        .all
        .iter()
        .flat_map(|section| groups_of(root, section.key));
    [head_keys(root)].into_iter().chain(of_sections).collect()
}

/// The names of the resources that a section makes, each with its type and the environments that have it by default.
fn made_by(section: &str) -> BTreeMap<String, (String, Vec<&'static str>)> {
    let mut made: BTreeMap<String, (String, Vec<&'static str>)> = BTreeMap::new();
    let prefix = format!("{section}/");
    for environment in ENVIRONMENTS {
        for resource in expanded(environment, EVERYTHING).resources {
            if resource.urn.name().starts_with(&prefix) {
                let entry = made.entry(resource.urn.name().to_owned());
                let (_, environments) =
                    entry.or_insert_with(|| (resource.urn.token().to_owned(), Vec::new()));
                environments.push(environment);
            }
        }
    }
    made
}

fn exports() -> BTreeMap<&'static str, Export> {
    let text = head("prod") + EVERYTHING;
    let stack = load(&[("dev.yaml", &text)], &["new database.readReplicas=1"]).unwrap();
    let catalog = catalog();
    let mut context = Context::new(&stack, &catalog);
    let platform = sections::resolve_defaults(&mut context);
    sections::export(&platform, &mut context);
    context.lookup().exports().clone()
}

pub fn stack_file() -> String {
    let root = schema_of(&SECTIONS);
    let mut page = Page {
        text: "# The stack file\n\n".to_owned(),
    };
    page.prose(
        "One YAML file per environment, in `stacks/`. This page lists every key with its default, what each section makes, and \
         the outputs that references can name. It is made from the code, and a test compares the two.\n\n\
         `fde-infra validate` checks a file without AWS and lists every fault with its place. \
         `fde-infra schema` prints the JSON Schema that lets editors complete and check; the line \
         `# yaml-language-server: $schema=schema.json` at the top of a file names it.",
    );
    page.line("");
    for (title, path) in [
        ("The whole in ten lines", "the-whole-in-ten-lines"),
        ("References", "references"),
        ("Layers and flags", "layers-and-flags"),
        ("Defaults by environment", "defaults-by-environment"),
        ("The head", "the-head"),
    ] {
        page.item("", &format!("[{title}](#{path})"));
    }
    for chapter in CHAPTERS {
        page.item(
            "",
            &format!("[`{0}`](#{1})", chapter.key, anchor(chapter.key)),
        );
    }
    page.item("", "[What there is no key for](#what-there-is-no-key-for)");

    page.heading(2, "The whole in ten lines");
    page.code("yaml", &format!("{HEAD}{EVERYTHING}"));
    let counts = ENVIRONMENTS.map(|environment| {
        let count = expanded(environment, EVERYTHING).resources.len();
        format!("{count} resources in {environment}")
    });
    page.line("");
    page.prose(&format!("This becomes {}.", counts.join(", ")));
    references(&mut page);
    layers(&mut page);
    defaults_table(&mut page, &root);

    page.heading(2, "The head");
    page.code("yaml", HEAD);
    page.line("");
    page.group(&head_keys(&root));
    for chapter in CHAPTERS {
        chapter_of(&mut page, &root, chapter);
    }
    not_there(&mut page, &root);
    page.text
}

fn references(page: &mut Page) {
    page.heading(2, "References");
    page.prose(
        "`${…}` in a text stands for a value that is known now or once AWS has made something. What refers to a resource is made \
         after it. `$$` is a literal `$`.",
    );
    page.line("");
    let facts = FACTS.iter().map(|fact| format!("`${{aws.{fact}}}`"));
    let facts = facts.collect::<Vec<_>>().join(", ");
    let rows = [
        [
            "an output of a section",
            "`${database.endpoint}`, `${services.api.repositoryUrl}`; listed with each section",
        ],
        [
            "a resource that a section made",
            "`${network/vpc.id}`, `${services/api/taskRole.arn}`: its logical name, as `preview` shows it; in `resources:` and `outputs:`",
        ],
        ["a resource under `resources:`", "`${uploads.arn}`: its key"],
        [
            "an entry of a list or a map",
            "`${network.publicSubnetIds[0]}`, `${api.tags[\"a.b\"]}`",
        ],
        ["the account", facts.as_str()],
    ];
    page.table(["what", "how"], rows.map(|row| row.map(str::to_owned)));
    page.line("");
    page.prose(
        "Of a resource, every property and every output of its type can be named, and `id`, `arn` and `urn`. Values that must be \
         known before anything exists (names, sizes, numbers) take no references, and `validate` says so.",
    );
}

/// The layers of the example.
pub const LAYERS: [(&str, &str); 2] = [
    (
        "stacks/base.yaml",
        "\
name: shop
region: eu-south-2
network: {}
services: { web: { port: 3000, cpu: 256, default: true } }
loadBalancer: {}
monitoring: {}
",
    ),
    (
        "stacks/prod.yaml",
        "\
extends: base.yaml
environment: prod
services: { web: { cpu: 1024, memoryMiB: 2048 } }
monitoring: null
",
    ),
];

fn layers(page: &mut Page) {
    page.heading(2, "Layers and flags");
    page.prose(
        "`extends` lays a file over another one. Maps merge, lists and single values replace, and `null` takes out what the file \
         below has.",
    );
    page.line("");
    for (name, text) in LAYERS {
        page.code("yaml", &format!("# {name}\n{text}"));
        page.line("");
    }
    page.prose(
        "`--set services.web.image=2026-01-31` changes what the file declares, and `--set-new services.worker.cpu=512` may add to \
         it. A key with dots is quoted: `--set 'services.web.environment[\"a.b\"]=c'`.",
    );
}

fn defaults_table(page: &mut Page, root: &Json) {
    page.heading(2, "Defaults by environment");
    page.prose("The keys whose default depends on `environment`. The others have one default, which stands with the key.");
    page.line("");
    let mut rows = Vec::new();
    for group in all_groups(root) {
        for key in group.keys {
            let Some(values) = key.by_environment() else {
                continue;
            };
            if values.iter().collect::<BTreeSet<_>>().len() > 1 {
                let [dev, staging, prod] = values;
                rows.push([format!("`{}`", key.path), dev, staging, prod]);
            }
        }
    }
    page.table(["key", "dev", "staging", "prod"], rows);
}

fn chapter_of(page: &mut Page, root: &Json, chapter: &Chapter) {
    let key = chapter.key;
    page.heading(2, &format!("`{key}`"));
    let schema = &root["properties"][key];
    page.prose(&format!(
        "{} {}",
        keys::description(root, schema),
        chapter.about
    ));
    page.line("");
    page.code("yaml", chapter.example);
    let mut groups = groups_of(root, key).into_iter();
    if let Some(first) = groups.next() {
        let heading = if first.path == key {
            format!("Keys of `{key}`")
        } else {
            format!("`{}`", first.path)
        };
        page.heading(3, &heading);
        page.group(&first);
    }
    for group in groups {
        page.heading(4, &format!("`{}`", group.path));
        page.group(&group);
    }
    let exports = exports();
    if let Some(export) = exports.get(key) {
        page.heading(3, &format!("Outputs of `{key}`"));
        if section(key).of_entries {
            page.prose("Of a service `api`:");
            page.line("");
        }
        page.table(
            ["reference", "what it is"],
            outputs::rows(&catalog(), key, export),
        );
    }
    let made = made_by(key);
    if !made.is_empty() {
        page.heading(3, &format!("Resources of `{key}`"));
        page.prose(
            "By default, with two zones and a service `api`. These are the names for `${…}`, `options:`, `--target` and \
             `--allow-delete`.",
        );
        page.line("");
        let rows = made.into_iter().map(|(name, (token, environments))| {
            let environments = if environments.len() == ENVIRONMENTS.len() {
                "all".to_owned()
            } else {
                environments.join(", ")
            };
            [format!("`{name}`"), format!("`{token}`"), environments]
        });
        page.table(["name", "type", "environments"], rows);
    }
    match key {
        "resources" => types(page),
        "outputs" => standard_outputs(page),
        _ => {}
    }
}

fn types(page: &mut Page) {
    let catalog = catalog();
    page.heading(3, "Types");
    let is_explained = COMMANDS.iter().any(|command| command.name == "explain");
    let explained = if is_explained {
        " `fde-infra explain aws:s3:Bucket` prints the properties of a type."
    } else {
        ""
    };
    page.prose(&format!(
        "There are {}. Their properties are those of the [Pulumi registry](https://www.pulumi.com/registry/packages/aws/); \
         [`stacks/schema.json`](../stacks/schema.json) has each with its meaning, its default and the values that it takes, under \
         `$defs`, and an editor shows that while you type. `${{NAME.…}}` can ask for the properties, for `id`, `arn` and `urn`, and \
         for the outputs below.{explained}",
        catalog.iter().count()
    ));
    page.line("");
    let rows = catalog.iter().map(|schema| {
        let outputs = schema.outputs.iter().map(|output| format!("`{output}`"));
        [
            format!("`{}`", schema.token),
            outputs::about(schema),
            outputs.collect::<Vec<_>>().join(", "),
        ]
    });
    page.table(["type", "what it is", "outputs"], rows.collect::<Vec<_>>());
    page.heading(4, "Outputs of types");
    for schema in catalog.iter() {
        for output in schema.outputs {
            let said = schema.output_description(output).unwrap_or_default();
            page.item("", &format!("`{}`, `{output}`: {said}", schema.token));
        }
    }
}

fn standard_outputs(page: &mut Page) {
    page.heading(3, "Standard outputs");
    page.prose(
        "What `up` prints at its end and `fde-infra output` at any time, for a stack with all sections and a service `api`. An output \
         of the same name under `outputs:` takes the place of a standard one.",
    );
    page.line("");
    let catalog = catalog();
    let outputs = expanded("prod", EVERYTHING).outputs;
    let rows = outputs
        .into_iter()
        .map(|(name, value)| [format!("`{name}`"), outputs::describe(&catalog, &value)]);
    page.table(["output", "what it is"], rows.collect::<Vec<_>>());
}

fn not_there(page: &mut Page, root: &Json) {
    page.heading(2, "What there is no key for");
    page.prose("What people look for in a stack file, and what to do instead. `validate` says the same where such a key is written.");
    page.line("");
    let mut places = vec![(String::new(), root)];
    for (place, name) in [
        ("network.", "Network"),
        ("database.", "Database"),
        ("services.NAME.", "Service"),
        ("loadBalancer.", "LoadBalancer"),
        ("resources.NAME.", "Resource"),
        ("options.NAME.", "OptionsSpec"),
    ] {
        places.push((place.to_owned(), &root["$defs"][name]));
    }
    let mut rows = Vec::new();
    for (place, schema) in places {
        for (key, answer) in schema["x-unsupported"].as_object().into_iter().flatten() {
            rows.push([
                format!("`{place}{key}`"),
                answer.as_str().unwrap().to_owned(),
            ]);
        }
    }
    let catalog = catalog();
    let tokens = elsewhere::services()
        .map(|service| (format!("`aws:{service}:…`"), format!("aws:{service}:Any")));
    let tokens =
        tokens.chain(elsewhere::types().map(|token| (format!("`{token}`"), token.to_owned())));
    for (shown, token) in tokens {
        if let Some(answer) = elsewhere::answer(&token, &catalog) {
            rows.push([shown, answer]);
        }
    }
    page.table(["key or type", "instead"], rows);
}
