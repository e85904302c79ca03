//! The findings of the check in a file.

use expect_test::expect;

use crate::component::testing::{faults_of, load, render_text, with_head};

#[test]
fn where_a_text_is_wanted_what_is_written_is_the_value() {
    let text = with_head(
        r#"account: 123456789012
description: 1e400
tags: { cost: 0042, build: 1.10, live: true, 5: five }
network: {}
database: { engineVersion: 15.10, parameters: { work_mem: 1e3, jit: off, log.x: 0x10 } }
services:
  api: { image: 6063e25, port: 0x10, environment: { A: 1.0, B: False, C: 1_000, 1: one, true: yes }, command: [sleep, 1.50] }
"#,
    );
    let stack = load(&[("dev.yaml", &text)], &[]).unwrap();
    assert_eq!(stack.faults(), []);
    let of = |section: &str| stack.section(section).unwrap().to_string();
    expect![[r#"
        Some("123456789012") Some("1e400") {"5": "five", "build": "1.10", "cost": "0042", "live": "true"}
        {"engineVersion":"15.10","parameters":{"jit":"off","log.x":"0x10","work_mem":"1e3"}}
        {"api":{"command":["sleep","1.50"],"environment":{"1":"one","A":"1.0","B":"False","C":"1_000","true":"yes"},"image":"6063e25","port":16}}"#]].assert_eq(&format!(
        "{:?} {:?} {:?}\n{}\n{}",
        stack.account, stack.description, stack.tags, of("database"), of("services")
    ));
}

#[test]
fn a_number_is_judged_where_one_is_wanted() {
    let shown = faults_of(
        r#"network: {}
database: { storageGiB: 99999999999999999999, multiAz: 1 }
services: { api: { port: 08000, cpu: "512", default: "true", memoryMiB: 1_024, image: [a], routes: "/a, /b", command: |
  two
  lines
} }
loadBalancer: {}
outputs: { a: .nan }
resources: { policy: { type: aws:sns:TopicPolicy, properties: { policy: { n: 1e400 }, arn: a } } }
"#,
    );
    expect![[r#"
        2:25 number `99999999999999999999`: is too large, or no number at all
        2:56 wrong_type `1`: `database.multiAz` takes `true` or `false`, not the number `1`
        3:26 wrong_type `08000`: `services.api.port` takes a whole number from 1 to 65535, not a text
            help: write it as a plain number: 8000
        3:38 wrong_type `"512"`: `services.api.cpu` takes a whole number of at least 0, not a text
            help: write it as a plain number: 512
        3:54 wrong_type `"true"`: `services.api.default` takes `true` or `false`, not a text
            help: write `true`, without quotes
        3:73 wrong_type `1_024`: `services.api.memoryMiB` takes a whole number of at least 0, not a text
            help: write it as a plain number: 1024
        3:87 wrong_type `[a]`: `services.api.image` takes a text, not a list
        3:100 wrong_type `"/a, /b"`: `services.api.routes` takes a list, not a text
            help: write it as a list: ["/a, /b"]
        3:119 wrong_type `|
          two
          lines`: `services.api.command` takes a list, not a text
            help: write it as a list: ["| two lines"]
        8:15 number `.nan`: is too large, or no number at all
            help: put it in quotes if it is text
        9:78 number `1e400`: is too large, or no number at all
            help: put it in quotes if it is text
    "#]].assert_eq(&shown);
}

#[test]
fn a_key_without_a_value_is_told() {
    let shown = faults_of(
        r#"network: { cidr: , availabilityZones: }
database:
services:
  api: { port: , image: , environment: { FEATURE_X: , Y: "" , Z: ~, W: null }, routes: , healthCheck: , default: }
  web:
loadBalancer: {}
resources:
  topic: { type: aws:sns:Topic, properties: { displayName: , tags: { a: } }, options: { protect: , dependsOn: } }
  policy: { type: aws:sns:TopicPolicy, properties: { policy: { Statement: [ { Effect: Allow, Condition: } ] }, arn: a } }
options: { network: }
outputs: { a: , b: { c: } }
"#,
    );
    expect![[r#"
        1:12 no_value `cidr`: `network.cidr` has no value
            help: write `cidr: ""` for an empty text, or `cidr: null` to leave it out
        1:20 no_value `availabilityZones`: `network.availabilityZones` has no value
            help: write the value, or leave the key out
        2:1 empty_section `database`: `database` has no value
            help: write `database: {}` for the defaults, or `database: null`
        4:10 no_value `port`: `services.api.port` has no value
            help: write the value, or leave the key out
        4:18 no_value `image`: `services.api.image` has no value
            help: write `image: ""` for an empty text, or `image: null` to leave it out
        4:42 no_value `FEATURE_X`: `services.api.environment.FEATURE_X` has no value
            help: write `FEATURE_X: ""` for an empty text, or `FEATURE_X: null` to leave it out
        4:80 no_value `routes`: `services.api.routes` has no value
            help: write `routes: []` for an empty list, or `routes: null` to leave it out
        4:90 no_value `healthCheck`: `services.api.healthCheck` has no value
            help: write `healthCheck: {}` for the defaults, or `healthCheck: null` to leave it out
        4:105 no_value `default`: `services.api.default` has no value
            help: write the value, or leave the key out
        5:3 no_value `web`: `services.web` has no value
            help: write `web: {}` for the defaults, or `web: null` to leave it out
        8:47 no_value `displayName`: `resources.topic.properties.displayName` has no value
            help: write `displayName: ""` for an empty text, or `displayName: null` to leave it out
        8:70 no_value `a`: `resources.topic.properties.tags.a` has no value
            help: write `a: ""` for an empty text, or `a: null` to leave it out
        8:89 no_value `protect`: `resources.topic.options.protect` has no value
            help: write the value, or leave the key out
        8:100 no_value `dependsOn`: `resources.topic.options.dependsOn` has no value
            help: write `dependsOn: ""` for an empty text, or `dependsOn: null` to leave it out
        9:94 no_value `Condition`: `resources.policy.properties.policy.Statement[0].Condition` has no value
            help: write `Condition: ""` for an empty text, or `Condition: null` to leave it out
        10:12 no_value `network`: `options.network` has no value
            help: write `network: {}` for the defaults, or `network: null` to leave it out
        11:12 no_value `a`: `outputs.a` has no value
            help: write `a: ""` for an empty text, or `a: null` to leave it out
        11:22 no_value `c`: `outputs.b.c` has no value
            help: write `c: ""` for an empty text, or `c: null` to leave it out
    "#]].assert_eq(&shown);
}

#[test]
fn null_still_takes_out() {
    let made = render_text(
        "network: {}\nservices: { api: { port: 1, default: true, environment: { A: null, B: ~, C: x }, image: null }, web: null }\nloadBalancer: {}\n",
    );
    assert!(
        made.contains(r#""environment": [{"name": "C", "value": "x"}]"#),
        "{made}"
    );
    assert!(!made.contains("services/web"), "{made}");
}
