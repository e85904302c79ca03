//! The calls that list rules, each of them once per read session.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_sdk_ec2::types::{Filter, SecurityGroupRule as SdkRule};
use futures_util::future::{try_join, try_join_all};

use super::model::GROUP;
use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::resource::ReadSession;
use crate::resource::provider::{Indexed, Query};

/// The rules of the groups that bear the stack's tag, including rules of others, in both directions. The call filters by
/// group, by rule and by the rule's own tags, which the rules of others do not have, so it waits for the groups:
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroupRules.html>.
pub(in crate::aws::ec2) async fn of_groups_of_stack(
    context: &Context,
    session: &ReadSession,
    groups: impl Iterator<Item = &str>,
) -> AwsResult<Arc<Vec<SdkRule>>> {
    let groups: BTreeSet<String> = groups.map(str::to_owned).collect();
    let read = || of_groups(context, groups);
    let key = "ec2:DescribeSecurityGroupRules, of the stack's groups";
    session.once(key, read).await
}

const OF_ALL: &str = "ec2:DescribeSecurityGroupRules";

/// Lists the rules that [`of_groups_of_stack`] lists, and those of other groups that are in the way.
pub(in crate::aws::ec2) async fn of_all_groups(
    context: &Context,
    session: &ReadSession,
    of_stack: &[&str],
    others: &[&str],
) -> AwsResult<Arc<Vec<SdkRule>>> {
    let read = || async {
        let of_stack = of_groups_of_stack(context, session, of_stack.iter().copied());
        let others = others.iter().map(|group| (*group).to_owned()).collect();
        let (of_stack, others) = try_join(of_stack, of_groups(context, others)).await?;
        Ok([&of_stack[..], &others].concat())
    };
    session.once(OF_ALL, read).await
}

/// The rules of our groups, as they were read together with these, or else by themselves: requested once for all types that
/// look at them.
pub(super) async fn of_our_groups(
    context: &Context,
    session: &ReadSession,
    groups: impl Iterator<Item = &str>,
) -> AwsResult<Arc<Vec<SdkRule>>> {
    let groups: BTreeSet<String> = groups.map(str::to_owned).collect();
    let read = || of_groups(context, groups);
    session.once(OF_ALL, read).await
}

/// Our rules in groups of others: those that are wanted there, and those that the tag index knows.
pub(super) async fn of_other_groups(
    context: &Context,
    query: Query<'_>,
    known: &[SdkRule],
) -> AwsResult<Vec<SdkRule>> {
    let wanted = query.wanted_names("securityGroupId");
    let ours: BTreeSet<&str> = query
        .parents(GROUP)
        .map(|group| group.id.as_str())
        .collect();
    let others = wanted.into_iter().filter(|group| !ours.contains(group));
    let others: BTreeSet<String> = others.map(str::to_owned).collect();
    let is_known = |id: &str| {
        let mut known = known.iter();
        known.any(|rule| rule.security_group_rule_id() == Some(id))
    };
    let indexed = query.indexed.iter().map(Indexed::last_segment);
    let indexed: Vec<String> = indexed
        .filter(|id| !is_known(id))
        .map(str::to_owned)
        .collect();
    let named = async {
        let mut found = Vec::new();
        for ids in indexed.chunks(FILTER_VALUES) {
            found.extend(list(context, filter("security-group-rule-id", ids.to_vec())).await?);
        }
        Ok(found)
    };
    let (mut rules, named) = try_join(of_groups(context, others), named).await?;
    rules.extend(named);
    rules.retain(|rule| crate::aws::ec2::from_sdk(rule.tags()).belongs_to(query.stack));
    rules.dedup_by(|left, right| left.security_group_rule_id == right.security_group_rule_id);
    Ok(rules)
}

/// A filter takes 200 values.
const FILTER_VALUES: usize = 200;

pub(in crate::aws::ec2) async fn of_groups(
    context: &Context,
    groups: BTreeSet<String>,
) -> AwsResult<Vec<SdkRule>> {
    let groups: Vec<String> = groups.into_iter().collect();
    let reads = groups
        .chunks(FILTER_VALUES)
        .map(|groups| list(context, filter("group-id", groups.to_vec())));
    Ok(try_join_all(reads).await?.into_iter().flatten().collect())
}

fn filter(name: &str, values: Vec<String>) -> Filter {
    Filter::builder()
        .name(name)
        .set_values(Some(values))
        .build()
}

pub(in crate::aws::ec2) async fn list(context: &Context, by: Filter) -> AwsResult<Vec<SdkRule>> {
    let by = &by;
    context
        .pages(
            |token| {
                context
                    .ec2
                    .describe_security_group_rules()
                    .filters(by.clone())
                    .max_results(1000)
                    .set_next_token(token)
            },
            |page| (page.security_group_rules, page.next_token),
        )
        .await
}
