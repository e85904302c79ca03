//! `aws:kms:Alias`.

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use crate::common::World;
use crate::common::program::Program;
use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;
use crate::kms_key::is_about_to_go;

struct Alias;

#[async_trait]
impl ResourceTypeTest for Alias {
    fn token(&self) -> &'static str {
        "aws:kms:Alias"
    }

    fn needs(&self) -> &'static str {
        "
first: { type: aws:kms:Key, properties: { description: first } }
second: { type: aws:kms:Key, properties: { description: second } }
"
    }

    fn base(&self) -> &'static str {
        "{ name: alias/e2e-kms-alias, targetKeyId: '${first.keyId}' }"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::moves(
                "/name",
                ("name: alias/e2e-kms-alias", "alias/e2e-kms-alias"),
                ("name: alias/e2e-kms-alias-two", "alias/e2e-kms-alias-two"),
            ),
            Edit::in_place(
                "/key",
                ("targetKeyId: '${first.keyId}'", "first"),
                ("targetKeyId: '${second.keyId}'", "second"),
            ),
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let aliases = sdk.kms.list_aliases().send().await.ok()?;
        let mut aliases = aliases.aliases().iter();
        let alias = aliases.find(|alias| alias.alias_name() == Some(id))?;
        let key = sdk.kms.describe_key().key_id(alias.target_key_id()?);
        let key = key.send().await.ok()?;
        let key = key.key_metadata()?;
        Some(json!({ "name": alias.alias_name(), "key": key.description() }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        let deleted = sdk.kms.delete_alias().alias_name(id).send().await;
        deleted.is_ok()
    }

    /// AWS lists keys until the day on which they go.
    async fn is_left_on_purpose(&self, sdk: &Sdk, arn: &str) -> bool {
        is_about_to_go(sdk, arn).await
    }

    async fn drift(&self, _sdk: &Sdk, _id: &str) -> bool {
        false
    }

    async fn foreign_tag(&self, _sdk: &Sdk, _id: &str, _set: bool) -> Option<bool> {
        None
    }
}

#[tokio::test]
async fn alias() {
    check("e2e-kms-alias", &Alias).await;
}

/// An alias of others keeps the key that it stands for.
#[tokio::test]
async fn the_alias_of_others_is_never_moved() {
    const FILE: &str = "\
key: { type: aws:kms:Key }
name: { type: aws:kms:Alias, properties: { name: alias/e2e-kms-taken, targetKeyId: '${key.keyId}' } }
";
    let world = World::new("e2e-kms-taken").await;
    let kms = &world.sdk.kms;
    let theirs = kms.create_key().description("theirs").send().await;
    let theirs = theirs.expect("a key").key_metadata.expect("a key").key_id;
    let create = kms.create_alias().alias_name("alias/e2e-kms-taken");
    create.target_key_id(&theirs).send().await.expect("a name");
    let ended = Program::of(&world).run_file(&world.file(FILE), "up", &["--yes"]);
    assert_eq!(ended.status, Some(5), "{}", ended.screen);
    let told = ended.screen.contains("alias/e2e-kms-taken");
    assert!(told, "{}", ended.screen);
    let named = kms.describe_key().key_id("alias/e2e-kms-taken").send();
    let named = named.await.expect("the name stands for a key").key_metadata;
    assert_eq!(named.expect("a key").key_id, theirs);
    let delete = kms.delete_alias().alias_name("alias/e2e-kms-taken");
    delete.send().await.expect("it is theirs to delete");
    world.destroy(FILE).await;
}
