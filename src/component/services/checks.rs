//! Checks of what cannot work in `services:`, beyond its structure.

use std::collections::BTreeMap;

use crate::resource::fargate;
use crate::stack::{Fault, StackError};

use super::images;
use super::model::Service;
use super::urns::KEY;
use crate::component::context::Context;
use crate::component::key::SectionKey;

/// The longest key of a service: target groups carry it in names of 32 characters.
const MAX_KEY: usize = 20;

/// Checks one service by itself.
pub fn check(context: &mut Context<'_>, service: &Service) {
    check_names(context, service);
    check_sizes(context, service);
}

fn check_names(context: &mut Context<'_>, service: &Service) {
    let key = &service.key;
    let alphabet = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !key.starts_with(|c: char| c.is_ascii_lowercase())
        || !key.chars().all(alphabet)
        || key.contains("--")
        || key.ends_with('-')
        || key.len() > MAX_KEY
    {
        let label = format!(
            "takes up to {MAX_KEY} lower-case letters, digits and single hyphens, a letter first"
        );
        context.refuse_key(Fault::Name, service.path(""), label);
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    for (key, name) in [
        ("name", Some(&service.name).filter(|name| *name != key)),
        ("taskFamily", service.task_family.as_ref()),
    ] {
        if name.is_some_and(|name| !name.chars().all(plain)) {
            let label = "takes letters, digits, `_` and `-`";
            context.refuse(Fault::Name, service.path(key), label);
        }
    }
    if let Some(name) = service
        .repository
        .as_ref()
        .and_then(|own| own.name.as_deref())
        && !is_repository_name(name)
    {
        let label = "takes lower-case letters and digits, with single `.`, `_`, `-` or `/` between";
        context.refuse(Fault::Name, service.path("repository"), label);
    }
    images::check(context, service);
    if service.user.as_deref().is_some_and(|user| !is_user(user)) {
        let label =
            "takes a user or its number, and a group or its number behind a colon: `1000:1000`";
        context.refuse(Fault::Value, service.path("user"), label);
    }
    let group_alphabet = |c: char| c.is_ascii_alphanumeric() || "_-/.#".contains(c);
    if !service.log_group.chars().all(group_alphabet) {
        let label = "takes letters, digits and `_ - / . #`";
        context.refuse(Fault::Name, service.path("logGroup"), label);
    }
    for (section, names) in [
        (
            "environment",
            service.environment.keys().collect::<Vec<_>>(),
        ),
        ("secrets", service.secrets.keys().collect()),
    ] {
        for name in names {
            let path = service.path(section).key(name);
            if name.is_empty() || name.contains('=') || name.contains(char::is_whitespace) {
                let label = "the name of a variable takes no `=` and no spaces";
                context.refuse_key(Fault::Name, &path, label);
            } else if section == "secrets" && service.environment.contains_key(name) {
                let label = "is set under `environment` too; ECS takes one of the two";
                context.refuse_key(Fault::Duplicate, &path, label);
            }
        }
    }
}

/// Refuses services whose outputs or alarms would have the same name: `a1` and `a-1`.
pub fn check_apart(context: &mut Context<'_>, all: &[Service]) {
    let mut names: BTreeMap<String, &Service> = BTreeMap::new();
    for service in all {
        let name = service.camel_case();
        let collides = |first: &&&Service| {
            context.is_declared(SectionKey::Monitoring)
                || first.repository.is_some() && service.repository.is_some()
        };
        if let Some(first) = names.get(&name).filter(collides) {
            let label = format!(
                "`{name}RepositoryUrl` would be an output, and `{name}Cpu` an alarm, of `{}` too",
                first.key
            );
            let place = context.stack.document().key_place(&service.path(""));
            let error = StackError::new(Fault::Duplicate, place, label)
                .also(
                    context.stack.document().key_place(&first.path("")),
                    "given here first",
                )
                .help("give one of them a name that differs in more than hyphens");
            context.errors.push(error);
        } else if name == SectionKey::Database.as_str()
            && context.is_declared(SectionKey::Database)
            && context.is_declared(SectionKey::Monitoring)
        {
            let place = context.stack.document().key_place(&service.path(""));
            let label = format!("`{name}Cpu` is the alarm of the `database` section");
            let error = StackError::new(Fault::Duplicate, place, label)
                .also(
                    context
                        .stack
                        .document()
                        .key_place(&SectionKey::Database.as_str().into()),
                    "given here first",
                )
                .help("give the service another name");
            context.errors.push(error);
        }
        names.entry(name).or_insert(service);
    }
}

/// True for `user`, `uid`, `user:group`, `uid:gid`, and the two mixed.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html>
fn is_user(user: &str) -> bool {
    let is_name = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_')
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
    };
    let parts: Vec<&str> = user.split(':').collect();
    parts.len() <= 2 && parts.into_iter().all(is_name)
}

fn is_repository_name(name: &str) -> bool {
    name.split(['.', '_', '-', '/']).all(|part| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    })
}

fn check_sizes(context: &mut Context<'_>, service: &Service) {
    if let Err((label, help)) = fargate::check_size(service.cpu, service.memory) {
        let key = if context.has(service.path("memoryMiB")) {
            "memoryMiB"
        } else {
            "cpu"
        };
        context.refuse_with_help(Fault::FargateSize, service.path(key), label, help);
    }
    if service.scaling.min > service.scaling.max {
        let label = format!(
            "`min` is {}, `max` is {}",
            service.scaling.min, service.scaling.max
        );
        context.refuse(Fault::OutOfRange, service.path("scaling.min"), label);
    }
    if service.health.timeout >= service.health.interval {
        let label = format!(
            "waits {} s for an answer, but asks every {} s",
            service.health.timeout, service.health.interval
        );
        context.refuse(Fault::OutOfRange, service.path("healthCheck"), label);
    }
    let alphabet = |c: char| c.is_ascii_alphanumeric() || "_-./~@:+&%=?".contains(c);
    if !service.health.path.starts_with('/') || !service.health.path.chars().all(alphabet) {
        let label = "takes a path: `/`, then letters, digits and `_ - . / ~ @ : + & % = ?`";
        context.refuse(Fault::Route, service.path("healthCheck.path"), label);
    }
    let codes = |part: &str| matches!(part.parse::<u32>(), Ok(200..=499));
    let matcher = service.health.matcher.as_str();
    if !matcher.split([',', '-']).all(codes) {
        let label =
            "takes codes from 200 to 499 and ranges of them, such as `200,204` or `200-299`";
        context.refuse(Fault::Value, service.path("healthCheck.matcher"), label);
    }
    if service.is_exposed() && service.port.is_none() {
        let label = format!("`{}` takes traffic, so it needs a `port`", service.key);
        context.refuse(Fault::MissingKey, service.path(""), label);
    }
    if service.scaling.requests_per_task.is_some() && !service.is_exposed() {
        let label = "counts requests of the load balancer, which sends none here";
        context.refuse(Fault::Value, service.path("scaling.requestsPerTask"), label);
    }
}

/// Checks which services take the traffic of the load balancer.
pub fn check_exposure(context: &mut Context<'_>, all: &[Service]) {
    for service in all.iter().filter(|service| service.is_exposed()) {
        let key = if service.routes.is_empty() {
            "default"
        } else {
            "routes"
        };
        let label = "traffic comes through a load balancer";
        context.need_section(service.path(key), SectionKey::LoadBalancer, label);
    }
    // The default service cannot be determined while one of them is unreadable.
    if context.stack.is_unsound(KEY) || !context.is_declared(SectionKey::LoadBalancer) {
        return;
    }
    let defaults: Vec<&Service> = all.iter().filter(|service| service.default).collect();
    match defaults.as_slice() {
        [] => {
            let label = "no service takes the requests that match no route";
            let help = "add `default: true` to one of them";
            context.refuse_with_help(Fault::DefaultService, KEY, label, help);
        }
        [_] => {}
        [first, rest @ ..] => {
            for service in rest {
                let label = format!("`{}` is the default already", first.key);
                let place = context.place(first.path("default"));
                let error = StackError::new(
                    Fault::DefaultService,
                    context.place(service.path("default")),
                    label,
                );
                context.errors.push(error.also(place, "given here first"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use crate::component::testing::{faults_of, render_text};

    fn check(text: &str, expected: &Expect) {
        expected.assert_eq(&faults_of(text));
    }

    #[test]
    fn one_line_is_enough() {
        check(
            "network: {}\nservices: { api: { port: 8000 } }\nloadBalancer: {}\n",
            &expect!["fine"],
        );
    }

    #[test]
    fn a_worker_takes_no_traffic() {
        let text = "network: { natGateways: none }\nservices: { worker: { image: public.ecr.aws/x/y:1, scaling: { min: 1, max: 1 } } }\n";
        let made = render_text(text);
        let services: Vec<&str> = made
            .lines()
            .filter(|line| line.starts_with("services/"))
            .collect();
        expect![[r#"
            services/insightsLogGroup aws:cloudwatch:LogGroup
            services/cluster aws:ecs:Cluster
            services/worker/logGroup aws:cloudwatch:LogGroup
            services/worker/executionRole aws:iam:Role
            services/worker/taskRole aws:iam:Role
            services/worker/executionPolicy aws:iam:RolePolicy
            services/worker/taskDefinition aws:ecs:TaskDefinition
            services/worker/service aws:ecs:Service"#]]
        .assert_eq(&services.join("\n"));
        let public = made.lines().find(|line| line.contains("assignPublicIp"));
        expect![[r#"  networkConfiguration: {"assignPublicIp": true, "securityGroups": [${network/ecsSecurityGroup.id}], "subnets": [${network/publicSubnet1.id}, ${network/publicSubnet2.id}]}"#]].assert_eq(public.unwrap_or_default());
    }

    #[test]
    fn a_repository_keeps_as_many_images_as_the_file_says() {
        let kept = |keys: &str| {
            let made = render_text(&format!(
                "network: {{}}\nservices: {{ api: {{ port: 1, default: true{keys} }} }}\nloadBalancer: {{}}\n"
            ));
            let policy = made
                .lines()
                .find(|line| line.contains("imageCountMoreThan"));
            policy.unwrap_or_default().to_owned()
        };
        assert!(kept("").contains(r#""countNumber": 10,"#), "{}", kept(""));
        let more = kept(", keepImages: 40");
        assert!(more.contains(r#""countNumber": 40,"#), "{more}");
        assert!(more.contains("Keep the last 40 images"), "{more}");
        let elsewhere = "network: {}\nservices: { api: { port: 1, default: true, keepImages: 40, image: public.ecr.aws/x/y:1 } }\nloadBalancer: {}\n";
        let faults = faults_of(elsewhere);
        assert!(faults.contains("this one has none"), "{faults}");
    }

    #[test]
    fn names_and_sizes() {
        check(
            r#"network: {}
services:
  Api: { port: 8000, cpu: 300 }
  web:
    repository: Shop//web
    image: "not a tag"
    cpu: 512
    memoryMiB: 512
    scaling: { min: 5, max: 2 }
    healthCheck: { path: health, timeoutSeconds: 10, matcher: ok }
    logGroup: "log group"
    environment: { "A=B": 1, TOKEN: x }
    secrets: { TOKEN: "arn:aws:secretsmanager:eu-south-2:123456789012:secret:x" }
"#,
            &expect![[r#"
                3:3 name `Api`: takes up to 20 lower-case letters, digits and single hyphens, a letter first
                3:27 fargate_size `300`: there is no size of 300 CPU units
                    help: it takes 256, 512, 1024, 2048, 4096, 8192 or 16384
                5:17 name `Shop//web`: takes lower-case letters and digits, with single `.`, `_`, `-` or `/` between
                6:12 value `"not a tag"`: is neither a tag, nor a `sha256:` digest, nor the address of an image
                8:16 fargate_size `512`: 512 CPU units do not go with 512 MiB
                    help: it takes 1024 to 4096 MiB in steps of 1024
                9:21 out_of_range `5`: `min` is 5, `max` is 2
                10:5 out_of_range `healthCheck`: waits 10 s for an answer, but asks every 5 s
                10:26 route `health`: takes a path: `/`, then letters, digits and `_ - . / ~ @ : + & % = ?`
                10:63 value `ok`: takes codes from 200 to 499 and ranges of them, such as `200,204` or `200-299`
                11:15 name `"log group"`: takes letters, digits and `_ - / . #`
                12:20 name `"A=B"`: the name of a variable takes no `=` and no spaces
                13:16 duplicate `TOKEN`: is set under `environment` too; ECS takes one of the two
            "#]],
        );
    }

    /// The fault is at the layer that takes the load balancer away, and not what stands below it.
    #[test]
    fn a_section_that_a_layer_takes_out_is_missed_there() {
        use crate::component::testing::{catalog, faults, load, with_head};
        let base = with_head(
            "network: {}\nservices: { api: { port: 8000, default: true } }\nloadBalancer: {}\n\
             outputs: { url: \"${loadBalancer.url}\" }\n",
        );
        let files = [
            ("dev.yaml", "extends: base.yaml\nloadBalancer: null\n"),
            ("base.yaml", &base),
        ];
        let stack = load(&files, &[]).unwrap();
        let errors = crate::component::expand(&stack, &catalog()).unwrap_err();
        expect![[r#"
            2:1 missing_section `loadBalancer`: `services.api.default` needs it: traffic comes through a load balancer
                help: write `loadBalancer: {}` for one with the defaults, or take out what needs it
            base.yaml7:18 broken_reference `${loadBalancer.url}`: the stack has no `loadBalancer` section
                help: a layer says `loadBalancer: null`: write `loadBalancer: {}` there, or take this out
        "#]]
        .assert_eq(&faults(&errors, 0));
    }

    #[test]
    fn traffic() {
        check(
            "network: {}\nservices: { api: { port: 8000, routes: [/api/*] } }\n",
            &expect![[r#"
                2:32 missing_section `routes`: traffic comes through a load balancer
                    help: add `loadBalancer: {}` for one with the defaults
            "#]],
        );
        check(
            r#"network: {}
services:
  api: { port: 8000, routes: ["/api/*", "api", "/health", "/health"] }
  web: { port: 3000, default: true, routes: ["/api/*", "/api/v2/*"] }
  admin: { default: true }
loadBalancer: {}
"#,
            &expect![[r#"
                3:41 route `"api"`: a path starts with `/`
                    help: did you mean `/api`?
                3:59 route_clash `"/health"`: is given twice
                3:48   also `"/health"`: given here first
                4:31 default_service `true`: `admin` is the default already
                5:21   also `true`: given here first
                4:46 route_clash `"/api/*"`: leads to `api` already
                3:31   also `"/api/*"`: given here first
                5:3 missing_key `admin`: `admin` takes traffic, so it needs a `port`
            "#]],
        );
        check(
            "network: {}\nservices:\n  a: { port: 1, routes: [/a] }\n  b: { port: 2, routes: [/b] }\nloadBalancer: {}\n",
            &expect![[r#"
                2:1 default_service `services`: no service takes the requests that match no route
                    help: add `default: true` to one of them
            "#]],
        );
    }

    #[test]
    fn secrets_stay_secret() {
        check(
            r#"network: {}
database: {}
services:
  api:
    environment: { URL: "${database.url}", HOST: "${database.host}" }
    secrets: { A: "${database.url}", B: "${database.host}", C: hunter2, D: "${database.urll}" }
resources:
  bucket: { type: aws:s3:Bucket, properties: { bucket: "${database.password}" } }
outputs:
  url: ${database.url}
"#,
            &expect![[r#"
                5:26 secret_in_the_open `${database.url}`: `${database.url}` holds a password
                    help: use it under `secrets:` of a service, which hands it to the container without showing it
                6:41 value `"${database.host}"`: is not the ARN of a secret or an SSM parameter
                    help: use `${database.url}`, the `arn` of an aws:secretsmanager:Secret under `resources:`, or an ARN; what is no secret belongs under `environment:`
                6:64 value `hunter2`: is not the ARN of a secret or an SSM parameter
                    help: use `${database.url}`, the `arn` of an aws:secretsmanager:Secret under `resources:`, or an ARN; what is no secret belongs under `environment:`
                6:77 broken_reference `${database.urll}`: `database` has no output `urll`
                    help: did you mean `url`?
                8:57 secret_in_the_open `${database.password}`: `${database.password}` holds a password
                    help: use it under `secrets:` of a service, which hands it to the container without showing it
                10:8 secret_in_the_open `${database.url}`: `${database.url}` holds a password
                    help: use it under `secrets:` of a service, which hands it to the container without showing it
            "#]],
        );
    }

    #[test]
    fn one_faulty_service_does_not_hide_the_others() {
        check(
            r#"network: {}
services:
  api: { port: 8000, prot: 1 }
  web: { port: 3000, cpu: 1, environment: { API: "${services.api.repositoryUrl}", X: "${services.wob.x}" } }
loadBalancer: {}
"#,
            &expect![[r#"
                2:1 default_service `services`: no service takes the requests that match no route
                    help: add `default: true` to one of them
                3:22 unknown_key `prot`: `services.api` has no `prot`
                    help: did you mean `port`?
                4:27 fargate_size `1`: there is no size of 1 CPU units
                    help: it takes 256, 512, 1024, 2048, 4096, 8192 or 16384
                4:87 broken_reference `${services.wob.x}`: `services` has no output `wob`
                    help: did you mean `web`?
            "#]],
        );
    }

    /// Spring, Dapr and .NET name their settings with dots.
    #[test]
    fn keys_may_hold_dots() {
        let made = render_text(
            r#"network: {}
database: { parameters: { rds.force_ssl: 1 } }
services:
  api:
    port: 8000
    image: "1"
    environment: { "spring.datasource.url": "jdbc:${database.host}", a: x, "a.b[0]": "${database.port}" }
    secrets: { "spring.datasource.password": "${database.password}", "a.c": "arn:aws:ssm:eu-south-2:123456789012:parameter/c" }
loadBalancer: {}
"#,
        );
        let line = |start: &str| {
            made.lines()
                .find(|line| line.contains(start))
                .unwrap_or_default()
                .trim()
                .to_owned()
        };
        let container = line("containerDefinitions");
        for part in [
            r#"{"name": "spring.datasource.url", "value": Join(["jdbc:", ${database/instance.address}])}"#,
            r#"{"name": "a.b[0]", "value": "#,
            r#"{"name": "spring.datasource.password", "valueFrom": Join([${database/secretAttachment."#,
            r#"{"name": "a.c", "valueFrom": "arn:aws:ssm:eu-south-2:123456789012:parameter/c"}"#,
        ] {
            assert!(container.contains(part), "{part} in {container}");
        }
        assert!(!container.contains("${database."), "{container}");
        let policy = made
            .lines()
            .skip_while(|line| !line.starts_with("services/api/executionPolicy"))
            .find(|line| line.contains("policy: "))
            .unwrap_or_default();
        for part in ["secretsmanager:GetSecretValue", "parameter/c"] {
            assert!(policy.contains(part), "{part} in {policy}");
        }
    }

    #[test]
    fn faults_under_keys_with_dots_are_shown_in_place() {
        check(
            r#"network: {}
database: { parameters: { Log.Level: 1 } }
services:
  my.api:
    port: 8000
    environment: { "a.b": "${database.hots}", "c d.e": 1, x.y: [1] }
    secrets: { "a.b": "${database.url}", "e.f": "${database.urll}" }
  web: { port: 3000, environment: { "A.B": "${services.web.nothing}" } }
loadBalancer: {}
resources:
  topic-policy: { type: aws:sns:TopicPolicy, properties: { policy: { "a.b": "${nothing.here}" }, arn: a } }
"#,
            &expect![[r#"
                2:27 name `Log.Level`: a parameter takes lower-case letters, digits, `.` and `_`
                6:28 broken_reference `${database.hots}`: `database` has no output `hots`
                    help: did you mean `host`?
                6:47 name `"c d.e"`: the name of a variable takes no `=` and no spaces
                6:64 wrong_type `[1]`: `services["my.api"].environment["x.y"]` takes a text, a number or a boolean, not a list
                7:16 duplicate `"a.b"`: is set under `environment` too; ECS takes one of the two
                7:50 broken_reference `${database.urll}`: `database` has no output `urll`
                    help: did you mean `url`?
                8:45 broken_reference `${services.web.nothing}`: `services.web` has no output `nothing`
                    help: it offers `image`, `logGroupName`, `repositoryName`, `repositoryUrl`, `serviceName` or `taskRoleArn`
                11:78 broken_reference `${nothing.here}`: there is no section or resource `nothing`
            "#]],
        );
    }

    #[test]
    fn services_whose_outputs_or_alarms_would_be_one_are_told_apart_by_more_than_hyphens() {
        check(
            "network: {}\nservices:\n  a1: { port: 1, default: true }\n  a-1: { port: 2 }\n  a-b: { port: 3 }\n  ab: { port: 4 }\nloadBalancer: {}\n",
            &expect![[r#"
                3:3 duplicate `a1`: `a1RepositoryUrl` would be an output, and `a1Cpu` an alarm, of `a-1` too
                4:3   also `a-1`: given here first
                    help: give one of them a name that differs in more than hyphens
            "#]],
        );
        check(
            "network: {}\nservices:\n  a1: { image: b/c:1 }\n  a-1: { image: b/c:1 }\n",
            &expect!["fine"],
        );
        check(
            "network: {}\ndatabase: {}\nmonitoring: {}\nservices:\n  database: { image: b/c:1 }\n  a1: { image: b/c:1 }\n  a-1: { image: b/c:1 }\n",
            &expect![[r#"
                5:3 duplicate `database`: `databaseCpu` is the alarm of the `database` section
                2:1   also `database`: given here first
                    help: give the service another name
                6:3 duplicate `a1`: `a1RepositoryUrl` would be an output, and `a1Cpu` an alarm, of `a-1` too
                7:3   also `a-1`: given here first
                    help: give one of them a name that differs in more than hyphens
            "#]],
        );
    }

    #[test]
    fn nested_routes_come_first() {
        let text = r#"network: {}
services:
  api: { port: 8000, routes: ["/api/*", "/1", "/2", "/3", "/4", "/5"] }
  web: { port: 3000, default: true, routes: ["/api/v2/*"] }
loadBalancer: {}
"#;
        let made = render_text(text);
        let lines: Vec<&str> = made
            .lines()
            .filter(|line| {
                line.contains("ListenerRule")
                    || line.contains("priority")
                    || line.contains("pathPattern")
            })
            .collect();
        expect![[r#"
            loadBalancer/api/routes1 aws:lb:ListenerRule
              conditions: [{"pathPattern": {"values": ["/api/*", "/1", "/2", "/3", "/4"]}}]
              priority: 46528
            loadBalancer/api/routes2 aws:lb:ListenerRule
              conditions: [{"pathPattern": {"values": ["/5"]}}]
              priority: 36555
            loadBalancer/web/route-e72fdbed aws:lb:ListenerRule
              conditions: [{"pathPattern": {"values": ["/api/v2/*"]}}]
              priority: 11990"#]]
        .assert_eq(&lines.join("\n"));
    }

    #[test]
    fn a_rule_has_no_more_wildcards_than_aws_takes() {
        let text = r#"network: {}
services: { api: { port: 8000, routes: ["/a/*/*", "/b/*/*", "/c/*/*", "/d"] } }
loadBalancer: {}
"#;
        let made = render_text(text);
        let rules: Vec<&str> = made
            .lines()
            .filter(|line| line.contains("pathPattern"))
            .map(str::trim)
            .collect();
        expect![[r#"
              conditions: [{"pathPattern": {"values": ["/a/*/*", "/b/*/*"]}}]
              conditions: [{"pathPattern": {"values": ["/c/*/*", "/d"]}}]"#]]
        .assert_eq(&rules.join("\n"));
        check(
            "network: {}\nservices: { api: { port: 8000, routes: [\"/*/*/*/*/*/*\"] } }\nloadBalancer: {}\n",
            &expect![[r#"
                2:41 route `"/*/*/*/*/*/*"`: has 6 wildcards; AWS takes 5 in a rule
                    help: a `*` stands for any text, slashes among it: `/a/*` takes `/a/b/c/d`
            "#]],
        );
    }

    #[test]
    fn cluster_service_and_family_are_called_as_the_author_says() {
        let text = r#"clusterName: happyrobot-fde
network: { natGateways: none }
services: { api: { image: a/b:1, name: happyrobot-api, taskFamily: happyrobot } }
"#;
        let made = render_text(text);
        let names: Vec<&str> = made
            .lines()
            .skip_while(|line| !line.starts_with("services/"))
            .filter(|line| line.starts_with("  name:") || line.starts_with("  family:"))
            .map(str::trim)
            .collect();
        expect![[r#"
              name: "/aws/ecs/containerinsights/happyrobot-fde/performance"
              name: "happyrobot-fde"
              name: "/aws/ecs/shop-dev/api"
              name: "execution"
              family: "happyrobot"
              name: "happyrobot-api"
              name: "api-cpu""#]]
        .assert_eq(&names.join("\n"));
        check(
            "clusterName: a b\n",
            &expect![[r#"
                1:14 name `a b`: takes letters, digits, `_` and `-`
            "#]],
        );
        check(
            "network: {}\nservices: { api: { name: a/b, taskFamily: \"a:1\" } }\n",
            &expect![[r#"
                2:26 name `a/b`: takes letters, digits, `_` and `-`
                2:43 name `"a:1"`: takes letters, digits, `_` and `-`
            "#]],
        );
    }
}
