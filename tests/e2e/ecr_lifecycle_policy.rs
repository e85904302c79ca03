//! `aws:ecr:LifecyclePolicy`.

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

struct LifecyclePolicy;

const TEN: &str = "policy: { rules: [{ rulePriority: 1, selection: { tagStatus: any, \
                   countType: imageCountMoreThan, countNumber: 10 }, action: { type: \
                   expire } }] }";
const TWENTY: &str = "policy: { rules: [{ rulePriority: 1, selection: { tagStatus: any, \
                      countType: imageCountMoreThan, countNumber: 20 }, action: { type: \
                      expire } }] }";

fn repository(id: &str) -> &str {
    id.trim_end_matches("/lifecycle-policy")
}

#[async_trait]
impl ResourceTypeTest for LifecyclePolicy {
    fn token(&self) -> &'static str {
        "aws:ecr:LifecyclePolicy"
    }

    fn needs(&self) -> &'static str {
        "first: { type: aws:ecr:Repository, properties: { name: e2e/policy-first } }
second: { type: aws:ecr:Repository, properties: { name: e2e/policy-second } }"
    }

    fn base(&self) -> &'static str {
        "{ repository: '${first.name}', policy: { rules: [{ rulePriority: \
         1, selection: { tagStatus: any, countType: imageCountMoreThan, \
         countNumber: 5 }, action: { type: expire } }] } }"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::in_place("/kept", (TEN, 10), (TWENTY, 20)).removed(5),
            Edit::moves(
                "/repository",
                ("repository: ${first.name}", "e2e/policy-first"),
                ("repository: ${second.name}", "e2e/policy-second"),
            ),
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let answer = sdk
            .ecr
            .get_lifecycle_policy()
            .repository_name(repository(id))
            .send()
            .await
            .ok()?;
        let policy: Json = serde_json::from_str(answer.lifecycle_policy_text()?).ok()?;
        Some(json!({
            "repository": answer.repository_name(),
            "kept": policy.pointer("/rules/0/selection/countNumber"),
        }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        sdk.ecr
            .delete_lifecycle_policy()
            .repository_name(repository(id))
            .send()
            .await
            .is_ok()
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        let policy = json!({ "rules": [{
            "rulePriority": 1,
            "selection": { "tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 99 },
            "action": { "type": "expire" },
        }] });
        sdk.ecr
            .put_lifecycle_policy()
            .repository_name(repository(id))
            .lifecycle_policy_text(policy.to_string())
            .send()
            .await
            .is_ok()
    }

    async fn foreign_tag(&self, _sdk: &Sdk, _id: &str, _set: bool) -> Option<bool> {
        None
    }
}

#[tokio::test]
async fn lifecycle_policy() {
    check("e2e-ecr-lifecycle-policy", &LifecyclePolicy).await;
}
