//! Access rights: roles, policies, and what may come in from the internet.

use std::collections::BTreeMap;

use aws_sdk_iam::types::EntityType;
use aws_sdk_kms::types::KeyState;
use aws_sdk_wafv2::types::{ResourceType, Scope};

use super::reader::{ANSWERS, Thing, of_each};
use crate::sdk::Sdk;

pub async fn identities(sdk: &Sdk) -> Vec<Thing> {
    let details = sdk.iam.get_account_authorization_details();
    let details = details
        .filter(EntityType::Role)
        .filter(EntityType::LocalManagedPolicy);
    let (roles, details) = tokio::join!(sdk.iam.list_roles().send(), details.send());
    let (roles, details) = (roles.expect(ANSWERS), details.expect(ANSWERS));
    // Two answers that each know something of a role that the other does not.
    let described = roles.roles().iter();
    let described: BTreeMap<&str, _> = described.map(|role| (role.role_name(), role)).collect();
    let mut things = Vec::new();
    for role in details.role_detail_list() {
        let name = role.role_name();
        let more = described.get(name.unwrap_or_default());
        let tags = role.tags().iter();
        let tags = tags.map(|tag| (tag.key().to_owned(), tag.value().to_owned()));
        let whole = (
            (role.arn(), role.path(), role.create_date()),
            (role.permissions_boundary(), role.instance_profile_list()),
            more.map(|role| (role.description(), role.max_session_duration())),
        );
        let thing = Thing::new("role", name, &whole)
            .tags(tags.collect())
            .document("trust", role.assume_role_policy_document());
        things.push(thing);
        for policy in role.role_policy_list() {
            let key = policy.policy_name().unwrap_or_default();
            let id = format!("policy {key} of {}", name.unwrap_or_default());
            let thing = Thing::new("role policy", id.as_str(), &key)
                .document("policy", policy.policy_document())
                .key(key)
                .within([name]);
            things.push(thing);
        }
        for policy in role.attached_managed_policies() {
            let arn = policy.policy_arn().unwrap_or_default();
            let id = format!("attachment of {arn} to {}", name.unwrap_or_default());
            let thing = Thing::new("attachment", id.as_str(), policy);
            things.push(thing.key(arn).within([name]));
        }
    }
    let policies = of_each(details.policies(), async |policy| {
        let tags = sdk.iam.list_policy_tags();
        let tags = tags.set_policy_arn(policy.arn.clone()).send().await;
        let tags = tags.expect(ANSWERS).tags.into_iter();
        let tags = tags.map(|tag| (tag.key, tag.value)).collect();
        let mut versions = policy.policy_version_list().iter();
        let current = versions.find(|version| version.is_default_version());
        let current = current.and_then(|version| version.document());
        // The number of earlier versions does not matter.
        let mut whole = policy.clone();
        (whole.policy_version_list, whole.default_version_id) = (None, None);
        let thing = Thing::new("policy", policy.arn(), &whole);
        vec![thing.tags(tags).document("policy", current)]
    });
    things.extend(policies.await);
    things
}

/// The keys that are not scheduled for deletion, and their names; not those that AWS has made for its own services.
pub async fn keys(sdk: &Sdk) -> Vec<Thing> {
    let kms = &sdk.kms;
    let (keys, aliases) = tokio::join!(kms.list_keys().send(), kms.list_aliases().send());
    let aliases = aliases.expect(ANSWERS).aliases.unwrap_or_default();
    let aliases = &aliases;
    of_each(keys.expect(ANSWERS).keys(), async |listed| {
        let id = listed.key_id().unwrap_or_default();
        let (key, policy, rotation) = tokio::join!(
            kms.describe_key().key_id(id).send(),
            kms.get_key_policy()
                .key_id(id)
                .policy_name("default")
                .send(),
            kms.get_key_rotation_status().key_id(id).send(),
        );
        let mut key = key.expect(ANSWERS).key_metadata.expect("a key");
        let of_key = aliases
            .iter()
            .filter(|alias| alias.target_key_id() == Some(id));
        let names: Vec<&str> = of_key.filter_map(|alias| alias.alias_name()).collect();
        let is_of_aws = names.iter().any(|name| name.starts_with("alias/aws/"));
        if key.key_state() == Some(&KeyState::PendingDeletion) || is_of_aws {
            return Vec::new();
        }
        key.creation_date = None;
        let arn = key.arn.clone();
        let rotation = rotation.expect(ANSWERS);
        let days = rotation.rotation_period_in_days();
        let thing = Thing::new("key", arn.as_deref(), &(&key, days));
        let mut things = vec![thing.document("policy", policy.expect(ANSWERS).policy())];
        for name in names {
            let thing = Thing::new("alias", name, &name).key(name);
            things.push(thing.within([arn.as_deref()]));
        }
        things
    })
    .await
}

pub async fn web_acls(sdk: &Sdk) -> Vec<Thing> {
    let lists = sdk
        .wafv2
        .list_web_acls()
        .scope(Scope::Regional)
        .send()
        .await;
    of_each(lists.expect(ANSWERS).web_acls(), async |list| {
        let arn = list.arn();
        let acl = sdk.wafv2.get_web_acl().scope(Scope::Regional);
        let acl = acl.set_id(list.id.clone()).set_name(list.name.clone());
        let users = sdk.wafv2.list_resources_for_web_acl();
        let users = users.set_web_acl_arn(list.arn.clone());
        let users = users.resource_type(ResourceType::ApplicationLoadBalancer);
        let logging = sdk.wafv2.get_logging_configuration();
        let logging = logging.set_resource_arn(list.arn.clone());
        let (acl, users, logging) = tokio::join!(acl.send(), users.send(), logging.send());
        let acl = acl.expect(ANSWERS).web_acl;
        let mut things = vec![Thing::new("web ACL", arn, &acl)];
        // An ACL without any is "not found".
        if let Some(logging) = logging.ok().and_then(|found| found.logging_configuration) {
            let id = format!("logging of {}", arn.unwrap_or_default());
            let thing = Thing::new("web ACL logging", id.as_str(), &logging);
            things.push(thing.within([arn]));
        }
        for user in users.expect(ANSWERS).resource_arns() {
            let id = format!("association of {} with {user}", arn.unwrap_or_default());
            let thing = Thing::new("web ACL association", id.as_str(), &"");
            things.push(thing.within([arn, Some(user.as_str())]));
        }
        things
    })
    .await
}
