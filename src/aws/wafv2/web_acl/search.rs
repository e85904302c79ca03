//! The search for web ACLs, and for their tags.

use aws_sdk_wafv2::types::{Scope, WebAcl as Acl, WebAclSummary};
use futures_util::future::try_join;

use super::form::live;
use super::model::Inputs;
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected, if_there};
use crate::aws::pages::few_pages;
use crate::aws::resource_type::{Live, NoOutputs};
use crate::aws::wafv2::from_sdk;
use crate::resource::{ErrorKind, ProviderError, Tags};

/// The longest page of `ListWebACLs`.
pub(super) const PAGE: i32 = 100;

/// An ACL, and the token to change it with.
pub(super) struct Found {
    pub acl: Acl,
    pub lock_token: String,
}

/// One ACL; `None` if it is gone.
pub(super) async fn get(context: &Context, summary: &WebAclSummary) -> AwsResult<Option<Found>> {
    const GET: &str = "wafv2:GetWebACL";
    let request = context
        .wafv2
        .get_web_acl()
        .set_name(summary.name.clone())
        .set_id(summary.id.clone())
        .scope(Scope::Regional);
    let answer = context.send(request).await;
    let Some(answer) = if_there(answer)? else {
        return Ok(None);
    };
    Ok(Some(Found {
        acl: expected(GET, answer.web_acl, "a web ACL")?,
        lock_token: expected(GET, answer.lock_token, "a lock token")?,
    }))
}

/// The ACL that has a name.
///
/// # Errors
/// [`ErrorKind::NotFound`] if none is listed.
pub(super) async fn by_name(context: &Context, name: &str) -> AwsResult<Live<Inputs, NoOutputs>> {
    let summaries = few(context, usize::MAX).await?.unwrap_or_default();
    let mut taken = summaries.iter();
    let summary = taken.find(|summary| summary.name() == Some(name));
    let summary = summary.ok_or_else(gone)?;
    let arn = summary.arn().unwrap_or_default();
    let (found, tags) = try_join(get(context, summary), tags_of(context, arn)).await?;
    let found = found.ok_or_else(gone)?;
    Ok(live(&found.acl, tags))
}

/// Every ACL of account and region, unless they fill more than `most` pages.
pub(super) async fn few(context: &Context, most: usize) -> AwsResult<Option<Vec<WebAclSummary>>> {
    const OPERATION: &str = "wafv2:ListWebACLs";
    few_pages(OPERATION, most, |marker| async move {
        let page = context
            .call(OPERATION, || {
                context
                    .wafv2
                    .list_web_acls()
                    .scope(Scope::Regional)
                    .limit(PAGE)
                    .set_next_marker(marker.clone())
                    .send()
            })
            .await?;
        let acls = expected(OPERATION, page.web_acls, "`WebACLs`")?;
        // A page that is shorter than requested need not be the last one, and the last one may have a marker, too: the page
        // that it leads to is then empty.
        let next = page.next_marker.filter(|_| !acls.is_empty());
        Ok((Some(acls), next))
    })
    .await
}

/// The tags of one ACL; none if it is gone.
pub(super) async fn tags_of(context: &Context, arn: &str) -> AwsResult<Tags> {
    const OPERATION: &str = "wafv2:ListTagsForResource";
    let request = context
        .wafv2
        .list_tags_for_resource()
        .resource_arn(arn)
        .limit(100);
    let Some(answer) = if_there(context.send(request).await)? else {
        return Ok(Tags::default());
    };
    let info = answer.tag_info_for_resource();
    let info = expected(OPERATION, info, "`TagInfoForResource`")?;
    Ok(from_sdk(info.tag_list()))
}

pub(super) fn gone() -> ProviderError {
    ProviderError::new(
        ErrorKind::NotFound,
        "wafv2:GetWebACL",
        "the web ACL is not there",
    )
}

/// The summary of an ACL that its ARN gives: `…:regional/webacl/NAME/ID`.
pub(super) fn summary_in(arn: &str) -> Option<WebAclSummary> {
    let (name, id) = arn.split_once(":regional/webacl/")?.1.split_once('/')?;
    Some(WebAclSummary::builder().name(name).id(id).arn(arn).build())
}

pub(super) fn summary_of(live: &Live<Inputs, NoOutputs>) -> WebAclSummary {
    WebAclSummary::builder()
        .name(&live.inputs.name)
        .id(&live.id)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_says_what_a_listing_would() {
        let arn = "arn:aws:wafv2:eu-south-2:1:regional/webacl/web/0a-1";
        let summary = summary_in(arn).unwrap();
        assert_eq!(summary.name(), Some("web"));
        assert_eq!(summary.id(), Some("0a-1"));
        assert_eq!(summary.arn(), Some(arn));
        assert_eq!(
            summary_in("arn:aws:wafv2:us-east-1:1:global/webacl/web/0a"),
            None
        );
    }
}
