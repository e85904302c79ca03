//! The calls that list security groups, each of them once per read session.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_sdk_ec2::types::{Filter, SecurityGroup as SdkSecurityGroup};
use futures_util::future::try_join_all;

use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::resource::provider::{Indexed, Query};
use crate::resource::{ReadSession, StackId};

const VPC: &str = "aws:ec2:Vpc";

/// Every group of some VPCs: for the VPC type, which looks for the default groups among them, and for the security group
/// type.
pub(in crate::aws::ec2) struct OfVpcs {
    vpcs: BTreeSet<String>,
    pub groups: Vec<SdkSecurityGroup>,
}

impl OfVpcs {
    /// Returns whether these VPCs are among those listed.
    pub(in crate::aws::ec2) fn is_of(&self, vpcs: &[&str]) -> bool {
        vpcs.iter().all(|vpc| self.vpcs.contains(*vpc))
    }

    /// Returns whether all groups of the stack are among them, as far as file and index know. A group that is yet to be
    /// made in a VPC that does not exist yet is nowhere yet.
    fn has_all(&self, query: Query<'_>) -> bool {
        let mut wanted = query.wanted_names("vpcId").into_iter();
        let ids: BTreeSet<&str> = self
            .groups
            .iter()
            .filter_map(SdkSecurityGroup::group_id)
            .collect();
        let mut indexed = query.indexed.iter().map(Indexed::last_segment);
        wanted.all(|vpc| self.vpcs.contains(vpc)) && indexed.all(|id| ids.contains(id))
    }

    fn of_stack(&self, stack: &StackId) -> Vec<SdkSecurityGroup> {
        let groups = self.groups.iter();
        groups
            .filter(|group| crate::aws::ec2::from_sdk(group.tags()).belongs_to(stack))
            .cloned()
            .collect()
    }
}

/// Lists every group of these VPCs: once, for the first caller.
pub(in crate::aws::ec2) async fn of_vpcs(
    context: &Context,
    session: &ReadSession,
    vpcs: &[&str],
) -> AwsResult<Arc<OfVpcs>> {
    /// The number of values that a filter takes.
    const AT_ONCE: usize = 200;
    let read = || async {
        let reads = vpcs.chunks(AT_ONCE).map(|vpcs| async move {
            let of_these = crate::aws::ec2::filter_of("vpc-id", vpcs.iter().copied());
            list(context, &[of_these]).await
        });
        let groups = try_join_all(reads).await?;
        Ok(OfVpcs {
            vpcs: vpcs.iter().map(|vpc| (*vpc).to_owned()).collect(),
            groups: groups.into_iter().flatten().collect(),
        })
    };
    session
        .once("ec2:DescribeSecurityGroups, of the VPCs", read)
        .await
}

/// The stack's groups: found among all groups of its VPCs, which are listed for the default groups in any case, or else by
/// tag.
pub(super) async fn of_stack(
    context: &Context,
    query: Query<'_>,
) -> AwsResult<Arc<Vec<SdkSecurityGroup>>> {
    let read = || async move {
        let vpcs: Vec<&str> = query.parents(VPC).map(|vpc| vpc.id.as_str()).collect();
        if !vpcs.is_empty() {
            let listed = of_vpcs(context, query.session, &vpcs).await?;
            if listed.has_all(query) {
                return Ok(listed.of_stack(query.stack));
            }
        }
        list(context, &[crate::aws::ec2::of_stack(query.stack)]).await
    };
    query
        .session
        .once("ec2:DescribeSecurityGroups, of the stack", read)
        .await
}

pub(in crate::aws::ec2) async fn list(
    context: &Context,
    by: &[Filter],
) -> AwsResult<Vec<SdkSecurityGroup>> {
    context
        .pages(
            |token| {
                context
                    .ec2
                    .describe_security_groups()
                    .set_filters(Some(by.to_vec()))
                    .max_results(1000)
                    .set_next_token(token)
            },
            |page| (page.security_groups, page.next_token),
        )
        .await
}
