use super::*;
use crate::component::expand;
use crate::component::testing::{catalog, faults_of, load};
use crate::graph::Resource;

/// A resource of a stack with a service that has these keys, and with more sections.
fn made(environment: &str, keys: &str, more: &str, name: &str) -> Resource {
    let text = format!(
        "name: shop\nenvironment: {environment}\nregion: eu-south-2\nnetwork: {{ natGateways: none }}\n\
         services: {{ api: {{ {keys} }} }}\n{more}"
    );
    let stack = load(&[("dev.yaml", &text)], &[]).unwrap();
    let resources = expand(&stack, &catalog()).unwrap().resources;
    let mut resources = resources.into_iter();
    resources.find(|one| one.urn.name() == name).unwrap()
}

/// The defaults that came later, the values before, and what keeps those.
fn told(resource: &Resource) -> Vec<String> {
    let told = resource.options.new_defaults.iter().map(|one| {
        let path = one.path.as_ref().map(Path::to_string);
        format!("{path:?} was {:?}: {}", one.before, one.keep)
    });
    told.collect()
}

#[test]
fn tags_of_images_are_pushed_once_unless_the_file_says_otherwise() {
    let name = "services/api/repository";
    for environment in ["dev", "staging", "prod"] {
        let repository = made(environment, "", "", name);
        let mutability = &repository.inputs["imageTagMutability"];
        assert_eq!(*mutability, "IMMUTABLE_WITH_EXCLUSION".into());
        let movable = ["latest", "fde-live-*"]
            .map(|tag| Value::object([("filter", tag.into()), ("filterType", "WILDCARD".into())]));
        assert_eq!(
            repository.inputs["imageTagMutabilityExclusionFilters"],
            Value::list(movable)
        );
        let told = told(&repository);
        assert_eq!(told.len(), 2, "{told:?}");
        for one in &told {
            assert!(one.ends_with(": services.api.imageTags: mutable"), "{one}");
        }
    }
    let repository = made("prod", "imageTags: mutable", "", name);
    assert_eq!(repository.inputs["imageTagMutability"], "MUTABLE".into());
    assert!(
        !repository
            .inputs
            .contains_key("imageTagMutabilityExclusionFilters")
    );
    assert_eq!(told(&repository), [] as [&str; 0]);
    let repository = made("prod", "imageTags: immutable", "", name);
    let mutability = &repository.inputs["imageTagMutability"];
    assert_eq!(*mutability, "IMMUTABLE_WITH_EXCLUSION".into());
    assert_eq!(told(&repository), [] as [&str; 0]);
    let faults =
        faults_of("network: {}\nservices: { api: { image: a/b:1, imageTags: mutable } }\n");
    assert!(faults.contains("this one has none"), "{faults}");
}

/// A worker waits for the image of the service that it shares it with, and may pull it.
#[test]
fn two_services_run_one_image() {
    let made = |name: &str| {
        let keys = "port: 1, image: v9";
        let worker = "  worker: { image: \"${services.api.image}\", command: [work] }\n";
        let text = format!(
            "name: shop\nenvironment: prod\nregion: eu-south-2\nnetwork: {{}}\n\
             services:\n  api: {{ {keys}, default: true }}\n{worker}loadBalancer: {{}}\n"
        );
        let stack = load(&[("dev.yaml", &text)], &[]).unwrap();
        let resources = expand(&stack, &catalog()).unwrap().resources;
        let mut resources = resources.into_iter();
        resources.find(|one| one.urn.name() == name)
    };
    assert_eq!(made("services/worker/repository"), None);
    let task = made("services/worker/taskDefinition").unwrap();
    let containers = format!("{:?}", task.inputs["containerDefinitions"]);
    let image = "\"image\": ${services/api/taskDefinition.containerDefinitions[0].image}";
    assert!(containers.contains(image), "{containers}");
    let pulls = made("services/worker/executionPolicy").unwrap();
    let policy = format!("{:?}", pulls.inputs["policy"]);
    assert!(
        policy.contains("${services/api/repository.arn}"),
        "{policy}"
    );
    let service = made("services/worker/service").unwrap();
    let count = format!("{:?}", service.inputs["desiredCount"]);
    assert!(
        count.contains("${services/api/repository.hasImages}"),
        "{count}"
    );
    let circle = faults_of(
        "network: {}\nservices:\n  a: { image: \"${services.b.image}\" }\n  b: { image: \"${services.a.image}\" }\n",
    );
    assert!(circle.contains("cycle"), "{circle}");
}

#[test]
fn what_runs_is_kept_unless_the_file_says_otherwise() {
    let tag = made("prod", "", "", "services/api/liveImage");
    assert_eq!(tag.inputs["tag"], "fde-live-api".into());
    // A new stack has it only once there is an image, which is not worth reporting.
    assert_eq!(told(&tag), [] as [&str; 0]);
    let policy = made("prod", "", "", "services/api/lifecyclePolicy");
    let rule = "Some(\"policy.rules[0].selection.tagPrefixList\") was Some(null)";
    let expected = [format!("{rule}: services.api.keepLiveImage: false")];
    assert_eq!(told(&policy), expected);

    let off = "keepLiveImage: false, keepUntaggedDays: 1";
    let policy = made("prod", off, "", "services/api/lifecyclePolicy");
    assert_eq!(told(&policy), [] as [&str; 0]);
    let repository = made("prod", off, "", "services/api/repository");
    let filters = &repository.inputs["imageTagMutabilityExclusionFilters"];
    assert_eq!(filters.as_list().map(<[Value]>::len), Some(1));
}

#[test]
fn tasks_bear_the_tags_of_their_service_unless_the_file_says_otherwise() {
    let name = "services/api/service";
    let property = |keys: &str, environment: &str| {
        let service = made(environment, keys, "", name);
        (service.inputs["propagateTags"].clone(), told(&service))
    };
    for environment in ["dev", "staging", "prod"] {
        let (propagated, told) = property("", environment);
        assert_eq!(propagated, "SERVICE".into());
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].ends_with(": services.api.propagateTags: false"),
            "{told:?}"
        );
        assert!(told[0].contains("NONE"), "{told:?}");
    }
    for (keys, expected) in [
        ("propagateTags: false", "NONE"),
        ("propagateTags: true", "SERVICE"),
    ] {
        assert_eq!(property(keys, "prod"), (expected.into(), Vec::new()));
    }
}

#[test]
fn logs_are_kept_for_a_year_in_prod_unless_the_file_says_otherwise() {
    let name = "services/api/logGroup";
    for (environment, days, before) in [
        ("dev", 7, None),
        ("staging", 14, None),
        ("prod", 365, Some(30)),
    ] {
        for more in ["", "monitoring: {}\n"] {
            let group = made(environment, "", more, name);
            assert_eq!(group.inputs["retentionInDays"], days.into());
            let told = told(&group);
            let keep = before.map(|days| format!(": monitoring.logRetentionDays: {days}"));
            assert_eq!(told.len(), keep.iter().len(), "{told:?}");
            let is_told = |keep: &String| told.iter().any(|told| told.ends_with(keep));
            assert!(keep.iter().all(is_told), "{told:?}");
        }
        let group = made(
            environment,
            "",
            "monitoring: { logRetentionDays: 90 }\n",
            name,
        );
        assert_eq!(group.inputs["retentionInDays"], 90.into());
        assert_eq!(told(&group), [] as [&str; 0]);
    }
}

#[test]
fn a_container_whose_files_cannot_be_written_has_a_place_for_what_it_writes() {
    let task = |keys: &str| made("prod", keys, "", "services/api/taskDefinition");
    let plain = task("");
    let (name, first) = ("containerDefinitions", |task: &Resource| {
        let containers = task.inputs["containerDefinitions"].as_list();
        containers.and_then(|all| all.first()?.as_object().cloned())
    });
    let container = first(&plain).expect(name);
    for key in ["readonlyRootFilesystem", "mountPoints", "user"] {
        assert!(!container.contains_key(key), "{key}");
    }
    assert!(!plain.inputs.contains_key("volumes"));

    let hardened = task("readOnly: true, user: 1000:1000");
    let container = first(&hardened).expect(name);
    assert_eq!(container["user"], "1000:1000".into());
    assert_eq!(container["readonlyRootFilesystem"], true.into());
    let mount = Value::object([
        ("sourceVolume", "tmp".into()),
        ("containerPath", "/tmp".into()),
    ]);
    assert_eq!(container["mountPoints"], Value::list([mount]));
    let volume = Value::object([("name", "tmp".into())]);
    assert_eq!(hardened.inputs["volumes"], Value::list([volume]));

    for (user, is_sound) in [
        ("app", true),
        ("1000", true),
        ("app:1000", true),
        ("\"\"", false),
        ("a:b:c", false),
        ("-x", false),
        ("\"1000:\"", false),
    ] {
        let faults = faults_of(&format!(
            "network: {{}}\nservices: {{ api: {{ user: {user} }} }}\n"
        ));
        assert_eq!(faults == "fine", is_sound, "{user}: {faults}");
    }
}
