//! Elastic IP address.
//!
//! - `AllocateAddress` takes neither a client token nor a name: a retry makes a duplicate, so it is never retried blindly.
//! - An address belongs to its NAT gateway until the gateway is deleted, not merely deleting. Until then a release fails
//!   with `InvalidIPAddress.InUse`, or with `AuthFailure` and status 400, because the association is the service's
//!   (terraform-aws-modules/terraform-aws-vpc#64).
//! - A region allows five addresses unless more are requested.

use aws_sdk_ec2::types::{Address, DomainType, ResourceType as Ec2Type};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::answer::text;
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};
use crate::aws::resource_type::{Change, Live, LiveOf, New, Old, ResourceType};
use crate::resource::provider::Query;
use crate::resource::{
    Condition, CreateClass, ErrorKind, Interruption, OutputTable, PropertyTable, ProviderError,
    Schema,
};

/// A public IPv4 address that is allocated to the account.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// `vpc`, the only value that AWS still has.
    #[property(default("vpc"), replaces)]
    pub domain: Domain,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub enum Domain {
    Vpc,
}

#[derive(Debug, Clone, Serialize, Deserialize, OutputTable)]
#[serde(rename_all = "camelCase")]
pub struct Outputs {
    /// `eipalloc-…`, the same as the id.
    pub allocation_id: String,
    /// The address.
    pub public_ip: Option<String>,
}

pub struct Eip;

impl ResourceType for Eip {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, Outputs>("aws:ec2:Eip", CreateClass::TagsOnly).interrupts(
            Interruption::new("its public address changes")
                .create_first("its public address changes")
                .deleted("its public address is lost"),
        )
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        // The one Describe call of EC2 that has no pages.
        let request = context
            .ec2
            .describe_addresses()
            .filters(super::of_stack(query.stack));
        let answer = context.send(request).await?;
        Ok(answer
            .addresses()
            .iter()
            .map(|address| Live {
                tags: super::from_sdk(address.tags()),
                ..live(context, address)
            })
            .collect())
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let request = context
            .ec2
            .allocate_address()
            .domain(DomainType::Vpc)
            .tag_specifications(super::on_create(Ec2Type::ElasticIp, new.tags));
        let answer = context.send_once(request).await?;
        let id = expected(
            "ec2:AllocateAddress",
            answer.allocation_id,
            "an allocation id",
        )?;
        let address = Address::builder()
            .allocation_id(id)
            .set_public_ip(answer.public_ip)
            .build();
        Ok(Live {
            tags: new.tags.clone(),
            ..live(context, &address)
        })
    }

    /// Nothing changes in place.
    async fn update(
        &self,
        _context: &Context,
        change: Change<'_, Self>,
    ) -> AwsResult<LiveOf<Self>> {
        Ok(change.applied())
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        context
            .send(context.ec2.release_address().allocation_id(&old.live.id))
            .await
            .map_err(still_associated)?;
        Ok(())
    }
}

/// `AuthFailure` means bad credentials elsewhere, with status 401; here, with 400, that the address is not free yet.
fn still_associated(mut error: ProviderError) -> ProviderError {
    if error.code == "AuthFailure" && error.status == Some(400) {
        error.kind = ErrorKind::InUse;
    }
    error
}

fn live(context: &Context, address: &Address) -> LiveOf<Eip> {
    let id = text(address.allocation_id());
    Live {
        arn: Some(context.arn("ec2", &format!("elastic-ip/{id}"))),
        inputs: Inputs {
            domain: Domain::Vpc,
        },
        outputs: Outputs {
            allocation_id: id.clone(),
            public_ip: address.public_ip().map(str::to_owned),
        },
        tags: super::from_sdk(address.tags()),
        condition: Condition::Ready,
        id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_too_early_is_not_taken_for_bad_credentials() {
        let kind = |status| {
            let mut error = ProviderError::new(
                ErrorKind::Credentials,
                "ec2:ReleaseAddress",
                "not permitted",
            );
            error.code = "AuthFailure".to_owned();
            error.status = Some(status);
            still_associated(error).kind
        };
        assert_eq!(kind(400), ErrorKind::InUse);
        assert_eq!(kind(401), ErrorKind::Credentials);
    }
}
