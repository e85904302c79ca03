//! The search for secrets, by name and ARN.

use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;

use super::model::{Inputs, Outputs};
use crate::aws::answer::text;
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected, if_there};
use crate::aws::resource_type::Live;
use crate::resource::{Condition, StackId};

/// Returns the name in a secret's ARN, which ends in a hyphen and six characters.
pub(super) fn name_in(arn: &str) -> &str {
    let name = arn.split_once(":secret:").map_or(arn, |(_, name)| name);
    name.rsplit_once('-').map_or(name, |(name, _)| name)
}

/// Returns one secret by name or ARN, whether it is scheduled for deletion or not.
pub(super) async fn describe(context: &Context, id: &str) -> AwsResult<DescribeSecretOutput> {
    const OPERATION: &str = "secretsmanager:DescribeSecret";
    let answer = context
        .send(context.secrets.describe_secret().secret_id(id))
        .await?;
    // Without them, it would be a secret of another owner, or none.
    expected(OPERATION, answer.arn(), "`ARN`")?;
    expected(OPERATION, answer.name(), "`Name`")?;
    Ok(answer)
}

/// Returns one secret by name or ARN. One of ours that is scheduled for deletion is left out: the create restores it. One
/// that does not belong to the stack holds the name until AWS deletes it.
pub(super) async fn find(
    context: &Context,
    id: &str,
    stack: &StackId,
) -> AwsResult<Option<Live<Inputs, Outputs>>> {
    let Some(secret) = if_there(describe(context, id).await)? else {
        return Ok(None);
    };
    let live = live(&secret);
    let is_held = secret.deleted_date().is_some();
    Ok(Some(live).filter(|live| !is_held || !live.tags.belongs_to(stack)))
}

pub(super) fn live(secret: &DescribeSecretOutput) -> Live<Inputs, Outputs> {
    Live {
        id: text(secret.arn()),
        arn: secret.arn().map(str::to_owned),
        inputs: Inputs {
            name: text(secret.name()),
            description: secret
                .description()
                .filter(|text| !text.is_empty())
                .map(str::to_owned),
            kms_key_id: secret.kms_key_id().map(str::to_owned),
            recovery_window_in_days: 30,
            generate_secret_string: None,
        },
        outputs: Outputs {
            content_version: version_in_force(secret),
        },
        tags: crate::aws::secretsmanager::from_sdk(secret.tags()),
        condition: Condition::Ready,
    }
}

/// Returns the version in force: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html>
fn version_in_force(secret: &DescribeSecretOutput) -> Option<String> {
    if secret.rotation_enabled() == Some(true) {
        return None;
    }
    let is_in_force = |stages: &Vec<String>| stages.iter().any(|stage| stage == "AWSCURRENT");
    secret
        .version_ids_to_stages()?
        .iter()
        .find(|(_, stages)| is_in_force(stages))
        .map(|(id, _)| crate::aws::secretsmanager::content_version(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_holds_the_name() {
        let arn = "arn:aws:secretsmanager:r:1:secret:shop/dev-db-AbCdEf";
        assert_eq!(name_in(arn), "shop/dev-db");
    }
}
