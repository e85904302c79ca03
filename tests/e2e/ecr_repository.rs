//! `aws:ecr:Repository`.

use async_trait::async_trait;
use aws_sdk_ecr::types::ImageTagMutability;
use serde_json::{Value as Json, json};

use fde_infra::plan::{Goal, Request, RetainReason};

use crate::common::World;
use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

struct Repository;

#[async_trait]
impl ResourceTypeTest for Repository {
    fn token(&self) -> &'static str {
        "aws:ecr:Repository"
    }

    fn base(&self) -> &'static str {
        "{}"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::in_place(
                "/mutability",
                ("imageTagMutability: IMMUTABLE", "IMMUTABLE"),
                ("imageTagMutability: MUTABLE", "MUTABLE"),
            )
            .removed("MUTABLE"),
            Edit::in_place(
                "/mutability",
                ("imageTagMutability: MUTABLE", "MUTABLE"),
                ("imageTagMutability: IMMUTABLE", "IMMUTABLE"),
            )
            .removed("MUTABLE"),
            Edit::in_place(
                "/excepted",
                (
                    "{ imageTagMutability: IMMUTABLE_WITH_EXCLUSION, imageTagMutabilityExclusionFilters: [{ filter: latest, filterType: WILDCARD }] }",
                    json!(["latest"]),
                ),
                (
                    "{ imageTagMutability: IMMUTABLE_WITH_EXCLUSION, imageTagMutabilityExclusionFilters: [{ filter: latest }, { filter: 'dev-*' }] }",
                    json!(["dev-*", "latest"]),
                ),
            )
            .removed(json!([])),
            Edit::in_place(
                "/scans",
                ("imageScanningConfiguration: { scanOnPush: false }", false),
                ("imageScanningConfiguration: { scanOnPush: true }", true),
            )
            .removed(false),
            // There is no choice of keys of its own: no type here makes one.
            Edit::replaces(
                "/encryption",
                ("encryptionConfigurations: [{ encryptionType: KMS }]", "KMS"),
                (
                    "encryptionConfigurations: [{ encryptionType: KMS_DSSE }]",
                    "KMS_DSSE",
                ),
            )
            .removed("AES256"),
            Edit::replaces(
                "/name",
                ("name: e2e/repository-one", "e2e/repository-one"),
                ("name: e2e/repository-two", "e2e/repository-two"),
            ),
        ]
    }

    fn without_a_row(&self) -> &'static [(&'static str, &'static str)] {
        &[(
            "forceDelete",
            "nothing AWS keeps: `images_go_with_the_repository_only_by_force`",
        )]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let asked = sdk.ecr.describe_repositories().repository_names(id).send();
        let answer = asked.await.ok()?;
        let repository = answer.repositories().first()?;
        let filters = repository.image_tag_mutability_exclusion_filters().iter();
        let mut excepted: Vec<&str> = filters.map(|one| one.filter()).collect();
        excepted.sort_unstable();
        Some(json!({
            "excepted": excepted,
            "arn": repository.repository_arn(),
            "name": repository.repository_name(),
            "mutability": repository.image_tag_mutability().map(|mutability| mutability.as_str()),
            "scans": repository
                .image_scanning_configuration()
                .is_some_and(|scanning| scanning.scan_on_push()),
            "encryption": repository
                .encryption_configuration()
                .map(|encryption| encryption.encryption_type().as_str()),
        }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        let deletion = sdk.ecr.delete_repository().repository_name(id).send();
        deletion.await.is_ok()
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        sdk.ecr
            .put_image_tag_mutability()
            .repository_name(id)
            .image_tag_mutability(ImageTagMutability::Immutable)
            .send()
            .await
            .is_ok()
    }

    async fn foreign_tag(&self, sdk: &Sdk, id: &str, set: bool) -> Option<bool> {
        let looked = self.look(sdk, id).await?;
        sdk.foreign_tag(looked["arn"].as_str()?, set).await
    }
}

#[tokio::test]
async fn repository() {
    check("e2e-ecr-repository", &Repository).await;
}

const EXCEPT_LATEST: &str = "tested: { type: aws:ecr:Repository, properties: { imageTagMutability: IMMUTABLE_WITH_EXCLUSION, \
    imageTagMutabilityExclusionFilters: [{ filter: latest, filterType: WILDCARD }] } }";

/// Puts an image, told from others by its size, under a tag.
async fn put(sdk: &Sdk, repository: &str, tag: &str, size: u32) -> Result<(), String> {
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "size": size,
            "digest": format!("sha256:{size:064x}"),
        },
        "layers": [{
            "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
            "size": size,
            "digest": format!("sha256:{size:064x}"),
        }],
    });
    let put = sdk.ecr.put_image().repository_name(repository);
    let put = put.image_tag(tag).image_manifest(manifest.to_string());
    let answer = put.send().await.map_err(|error| error.into_service_error());
    answer.map(drop).map_err(|error| format!("{error:?}"))
}

#[tokio::test]
async fn a_tag_of_an_immutable_repository_is_pushed_once_but_for_what_is_excepted() {
    let world = World::new("e2e-ecr-excepted").await;
    world.up(EXCEPT_LATEST).await;
    let name = world.id(EXCEPT_LATEST, "tested").await;
    for (tag, size) in [("latest", 1), ("latest", 2), ("latest-1", 1), ("v1", 1)] {
        let pushed = put(&world.sdk, &name, tag, size).await;
        assert_eq!(pushed, Ok(()), "{tag}");
    }
    for tag in ["latest-1", "v1"] {
        let refused = put(&world.sdk, &name, tag, 2).await;
        let error = refused.expect_err("the tag is taken");
        assert!(error.contains("ImageTagAlreadyExists"), "{tag}: {error}");
    }
    let destroyed = format!(
        "{}, forceDelete: true }} }}",
        EXCEPT_LATEST.trim_end_matches(" } }")
    );
    world.destroy(&destroyed).await;
    assert_eq!(Repository.look(&world.sdk, &name).await, None);
}

const KEPT: &str = "tested: { type: aws:ecr:Repository }";
const FORCED: &str = "tested: { type: aws:ecr:Repository, properties: { forceDelete: true } }";

/// Puts an image into a repository.
async fn push(sdk: &Sdk, repository: &str) {
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "size": 2,
            "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        },
        "layers": [],
    });
    sdk.ecr
        .put_image()
        .repository_name(repository)
        .image_tag("1")
        .image_manifest(manifest.to_string())
        .send()
        .await
        .expect("an image can be put");
}

#[tokio::test]
async fn images_go_with_the_repository_only_by_force() {
    let world = World::in_environment("e2e-ecr-force", "staging").await;
    world.up(KEPT).await;
    let name = world.id(KEPT, "tested").await;
    push(&world.sdk, &name).await;
    let destroy = Request {
        goal: Goal::Destroy,
        ..Request::default()
    };

    let plan = world.plan_for(KEPT, &destroy).await;
    assert_eq!(plan.retained.len(), 1, "{:#?}", plan.steps);
    assert_eq!(plan.retained[0].reason, RetainReason::LeavesNothing);
    world.run(plan).await;
    assert!(Repository.look(&world.sdk, &name).await.is_some());

    let plan = world.plan_for(FORCED, &destroy).await;
    world.run(plan).await;
    assert_eq!(Repository.look(&world.sdk, &name).await, None);
}
