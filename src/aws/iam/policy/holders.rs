//! The objects that use a policy.

use aws_sdk_iam::types::PolicyUsageType;

use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::aws::pages::pages;
use crate::aws::resource_type::Asking;
use crate::resource::Tags;
use crate::resource::provider::{Holder, Remedy};

/// Returns the roles, users and groups that keep a policy from being deleted.
pub(super) async fn holders_of(
    context: &Context,
    arn: &str,
    tags: &Tags,
    asking: &Asking<'_>,
) -> AwsResult<Vec<Holder>> {
    let attached = users(context, arn, PolicyUsageType::PermissionsPolicy).await?;
    // A boundary is no attachment, but also keeps a policy from being deleted.
    let bounded = users(context, arn, PolicyUsageType::PermissionsBoundary).await?;
    let attached = attached.into_iter().map(|user| (user, false));
    let bounded = bounded.into_iter().map(|user| (user, true));
    let mut holders = Vec::new();
    for ((kind, name), is_boundary) in attached.chain(bounded) {
        let text = format!("{kind} `{name}`");
        if kind == "role" && asking.ours.contains(name.as_str()) {
            continue;
        }
        if kind == "role"
            && crate::aws::iam::role::tags_of(context, &name)
                .await?
                .is_none_or(|of_role| of_role.are_of_one_stack(tags))
        {
            holders.push(Holder::passing(name, text));
            continue;
        }
        let hand = if is_boundary {
            Remedy::new(format!(
                "{text}, which is not of this stack, has it as its permissions boundary; give that another one, then run"
            ))
            .command(format!(
                "aws iam put-{kind}-permissions-boundary --{kind}-name {name} --permissions-boundary ARN"
            ))
        } else {
            Remedy::new(format!(
                "{text}, which is not of this stack, has it attached; detach it there, then run"
            ))
            .command(format!(
                "aws iam detach-{kind}-policy --{kind}-name {name} --policy-arn {arn}"
            ))
        };
        holders.push(Holder::lasting(name, text, hand));
    }
    Ok(holders)
}

/// Returns the kinds and names of the objects that use a policy in this way.
async fn users(
    context: &Context,
    arn: &str,
    usage: PolicyUsageType,
) -> AwsResult<Vec<(&'static str, String)>> {
    let usage = &usage;
    pages("iam:ListEntitiesForPolicy", |marker| async move {
        let request = context
            .iam
            .list_entities_for_policy()
            .policy_arn(arn)
            .policy_usage_filter(usage.clone())
            .set_marker(marker.clone());
        let page = context.send(request).await?;
        let roles = page.policy_roles.unwrap_or_default().into_iter();
        let users = page.policy_users.unwrap_or_default().into_iter();
        let groups = page.policy_groups.unwrap_or_default().into_iter();
        let named = roles
            .filter_map(|role| Some(("role", role.role_name?)))
            .chain(users.filter_map(|user| Some(("user", user.user_name?))))
            .chain(groups.filter_map(|group| Some(("group", group.group_name?))));
        Ok((Some(named.collect()), page.marker))
    })
    .await
}
