//! Things that are not ours, and look much like it.

use aws_sdk_ec2::types::{ResourceType, TagSpecification};

use super::block_on;
use crate::sdk::Sdk;

/// Puts things into an account that carry no tags, or others', and names much like ours.
pub fn put_strangers(endpoint: &str) {
    block_on(async {
        let sdk = Sdk::new(endpoint).await;
        put_network(&sdk).await;
        let expect = "a stranger can be made";
        let topic = sdk.sns.create_topic().name("happyrobot-fde-dev");
        topic.send().await.expect(expect);
        let group = sdk.logs.create_log_group();
        let group = group.log_group_name("/aws/ecs/containers");
        group.send().await.expect(expect);
        let secret = sdk.secrets.create_secret().name("happyrobot-fde/dev");
        secret.secret_string("theirs").send().await.expect(expect);
        let repository = sdk.ecr.create_repository().repository_name("happyrobot");
        repository.send().await.expect(expect);
        let cluster = sdk.ecs.create_cluster().cluster_name("happyrobot");
        cluster.send().await.expect(expect);
        let key = sdk.kms.create_key().description("theirs").send().await;
        let key = key.expect(expect).key_metadata.expect("a key").key_id;
        let alias = sdk.kms.create_alias().alias_name("alias/happyrobot-fde");
        alias.target_key_id(key).send().await.expect(expect);
        let trust = r#"{"Version":"2012-10-17","Statement":[]}"#;
        let role = sdk.iam.create_role().role_name("happyrobot-fde");
        let role = role.assume_role_policy_document(trust);
        role.send().await.expect(expect);
    });
}

/// Networks that look like ours: the same ranges of addresses, without tags, and with the tags of another stack.
async fn put_network(sdk: &Sdk) {
    let expect = "a stranger can be made";
    let tag = |key: &str, value: &str| {
        aws_sdk_ec2::types::Tag::builder()
            .key(key)
            .value(value)
            .build()
    };
    let theirs = TagSpecification::builder()
        .resource_type(ResourceType::Vpc)
        .tags(tag("fde:stack", "happyrobot-fde/demo"))
        .tags(tag(
            "fde:urn",
            "urn:fde:happyrobot-fde/demo::aws:ec2:Vpc::network/vpc",
        ))
        .build();
    for tags in [None, Some(theirs)] {
        let vpc = sdk.ec2.create_vpc().cidr_block("10.0.0.0/16");
        let vpc = vpc.set_tag_specifications(tags.map(|tags| vec![tags]));
        let vpc = vpc.send().await.expect(expect).vpc;
        let vpc = vpc.and_then(|vpc| vpc.vpc_id).expect("an id");
        let subnet = sdk
            .ec2
            .create_subnet()
            .vpc_id(&vpc)
            .cidr_block("10.0.1.0/24");
        subnet.send().await.expect(expect);
        let table = sdk.ec2.create_route_table().vpc_id(&vpc);
        table.send().await.expect(expect);
    }
    sdk.ec2
        .create_internet_gateway()
        .send()
        .await
        .expect(expect);
    sdk.ec2.allocate_address().send().await.expect(expect);
}
