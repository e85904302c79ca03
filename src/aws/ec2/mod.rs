//! EC2 networking. Ids are assigned by AWS and the name is only a tag, so objects are found by tag.
//!
//! EC2 is eventually consistent: an object that one call has made may not be visible to the next call yet. Calls on or with
//! new objects are therefore retried while they answer "not found".

pub mod eip;
pub mod flow_log;
mod holders;
pub mod internet_gateway;
pub mod nat_gateway;
pub mod route;
pub mod route_table;
pub mod route_table_association;
pub mod security_group;
pub mod security_group_egress_rule;
pub mod security_group_ingress_rule;
pub mod security_group_rule;
pub mod subnet;
pub mod vpc;
mod vpc_default_group;

use aws_sdk_ec2::types::{Filter, ResourceType, TagSpecification};
use fde_infra_derive::operations;

pub(super) use holders::PIECES;

use super::context::Context;
use super::error::AwsResult;
use super::resource_type::{self, New};
use super::sdk_tag::{from_sdk, to_sdk};
use super::wait::{VISIBILITY, until_visible};
use crate::resource::{
    ErrorKind, InvalidInput, Properties, ProviderError, StackId, Tags, Value, tags,
};

operations! {
    aws_sdk_ec2, "ec2":
    AllocateAddress,
    AssociateRouteTable,
    AttachInternetGateway,
    AuthorizeSecurityGroupEgress,
    AuthorizeSecurityGroupIngress,
    CreateInternetGateway,
    CreateNatGateway,
    CreateRoute,
    CreateRouteTable,
    CreateSecurityGroup,
    CreateSubnet,
    CreateTags,
    CreateVpc,
    DeleteInternetGateway,
    DeleteNatGateway,
    DeleteRoute,
    DeleteRouteTable,
    DeleteSecurityGroup,
    DeleteSubnet,
    DeleteTags,
    DeleteVpc,
    DescribeAddresses,
    DescribeAvailabilityZones,
    DescribeFlowLogs,
    DescribeInternetGateways,
    DescribeNatGateways,
    DescribeNetworkInterfaces,
    DescribeRouteTables,
    DescribeSecurityGroupRules,
    DescribeSecurityGroups,
    DescribeSubnets,
    DescribeVpcAttribute,
    DescribeVpcs,
    DetachInternetGateway,
    DisassociateRouteTable,
    ModifySecurityGroupRules,
    ModifySubnetAttribute,
    ModifyVpcAttribute,
    ReleaseAddress,
    ReplaceRoute,
    ReplaceRouteTableAssociation,
    RevokeSecurityGroupEgress,
    RevokeSecurityGroupIngress,
    UpdateSecurityGroupRuleDescriptionsEgress,
    UpdateSecurityGroupRuleDescriptionsIngress,
}

/// The filter that finds a stack's objects.
fn of_stack(stack: &StackId) -> Filter {
    filter(&format!("tag:{}", tags::STACK), &stack.to_string())
}

fn filter(name: &str, value: &str) -> Filter {
    filter_of(name, [value])
}

fn filter_of<'a>(name: &str, values: impl IntoIterator<Item = &'a str>) -> Filter {
    let filter = Filter::builder().name(name);
    values
        .into_iter()
        .fold(filter, |filter, value| filter.values(value))
        .build()
}

/// An object that is created by client token: see [`create_by_token`].
trait ByToken {
    type Made;

    /// Makes the call with a token of this generation, and returns the object's id.
    async fn make(&self, generation: u32) -> AwsResult<String>;

    /// Reads the object; `None` if it is dead.
    async fn look(&self, id: &str) -> AwsResult<Option<Self::Made>>;

    /// Makes a change to the object that has no effect.
    async fn touch(&self, id: &str) -> AwsResult<()>;
}

/// A create call of a resource type, on which the type implements [`ByToken`].
struct Creation<'a, T: resource_type::ResourceType> {
    context: &'a Context,
    new: &'a New<'a, T>,
}

/// Creates an object by client token.
///
/// AWS remembers a token for longer than its object lives, and then returns the dead object: after an out-of-band deletion,
/// the same inputs need the next generation. EC2 also compares the tags of a repeated token, so a token that was used with
/// other tags is skipped as well: had its object been alive, it would have been found by tag. The same goes for the token
/// of an object that the new one replaces: the same inputs may have made it.
///
/// AWS lists a dead object only for a while, and a new one not at once. An object that stays unlisted through the whole
/// window is therefore tested with a touch: AWS refuses a touch of an object that does not exist.
///
/// # Errors
/// Those of the three calls, and [`ErrorKind::TimedOut`] if an object that exists is not listed in time.
async fn create_by_token<T: ByToken>(instead_of: &[String], object: &T) -> AwsResult<T::Made> {
    const GENERATIONS: u32 = 32;
    for generation in 0..GENERATIONS {
        let id = match until_visible(|| object.make(generation)).await {
            Err(error) if error.code == "IdempotentParameterMismatch" => continue,
            answer => answer?,
        };
        if instead_of.contains(&id) {
            continue;
        }
        match until_visible(|| object.look(&id)).await {
            Ok(Some(alive)) => return Ok(alive),
            Ok(None) => {}
            Err(unlisted) if unlisted.is(ErrorKind::NotFound) => match object.touch(&id).await {
                Err(error) if error.is(ErrorKind::NotFound) => {}
                Err(error) => return Err(error),
                Ok(()) => {
                    let text = format!("{id} exists, but AWS does not list it yet");
                    let mut error =
                        ProviderError::new(ErrorKind::TimedOut, unlisted.operation, text);
                    error.waited = Some(VISIBILITY);
                    return Err(error);
                }
            },
            Err(error) => return Err(error),
        }
    }
    Err(ProviderError::new(
        ErrorKind::Failed,
        "ec2",
        format!("AWS answered {GENERATIONS} client tokens with objects that are gone"),
    ))
}

/// Tags an object that a create call has returned, in the same way as that call.
///
/// # Errors
/// Those of the call: [`ErrorKind::NotFound`] if AWS knows no such object.
async fn tag(context: &Context, id: &str, tags: &Tags) -> AwsResult<()> {
    let request = context
        .ec2
        .create_tags()
        .resources(id)
        .set_tags(Some(to_sdk(tags)));
    context.send(request).await?;
    Ok(())
}

/// The error for an object that is missing from a listing: for [`until_visible`].
fn not_listed(operation: &str, what: &str) -> ProviderError {
    ProviderError::new(
        ErrorKind::NotFound,
        operation,
        format!("{what} is not listed"),
    )
}

/// Tags for a create call.
fn on_create(kind: ResourceType, tags: &Tags) -> TagSpecification {
    TagSpecification::builder()
        .resource_type(kind)
        .set_tags(Some(to_sdk(tags)))
        .build()
}

/// Checks that a range has the size that EC2 takes for networks and for subnets.
fn check_block(inputs: &Properties, property: &str) -> Vec<InvalidInput> {
    let Some(text) = inputs.get(property).and_then(Value::as_str) else {
        return Vec::new();
    };
    let reason = match text.parse::<ipnet::Ipv4Net>() {
        Err(_) => "is not an address range such as `10.0.0.0/16`",
        Ok(range) if !(16..=28).contains(&range.prefix_len()) => "AWS takes `/16` to `/28`",
        Ok(_) => return Vec::new(),
    };
    vec![InvalidInput::new(property, reason)]
}

/// A CIDR block with its host bits cleared, as AWS stores it.
fn network_address(value: Value) -> Value {
    match value.as_str().map(str::parse::<ipnet::IpNet>) {
        Some(Ok(block)) => block.trunc().to_string().into(),
        _ => value,
    }
}

fn same_range(left: &str, right: &str) -> bool {
    network_address(left.into()) == network_address(right.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_bits_are_no_difference() {
        assert_eq!(
            network_address("10.0.0.5/16".into()),
            Value::from("10.0.0.0/16")
        );
        assert_eq!(
            network_address("2001:DB8::/32".into()),
            Value::from("2001:db8::/32")
        );
        assert!(same_range("10.0.0.7/24", "10.0.0.0/24"));
        assert!(!same_range("10.0.0.0/25", "10.0.0.0/24"));
    }

    /// The answer in each generation of a token, which is the id.
    type Answers = fn(&str) -> AwsResult<Option<()>>;

    impl ByToken for (Answers, Answers, Answers) {
        type Made = String;

        async fn make(&self, generation: u32) -> AwsResult<String> {
            let id = generation.to_string();
            (self.0)(&id).map(|_| id)
        }

        async fn look(&self, id: &str) -> AwsResult<Option<String>> {
            (self.1)(id).map(|alive| alive.map(|()| id.to_owned()))
        }

        async fn touch(&self, id: &str) -> AwsResult<()> {
            (self.2)(id).map(|_| ())
        }
    }

    async fn created(
        instead_of: &[String],
        make: Answers,
        look: Answers,
        touch: Answers,
    ) -> AwsResult<String> {
        create_by_token(instead_of, &(make, look, touch)).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_whose_object_is_dead_is_followed_by_the_next() {
        let replaced = ["3".to_owned()];
        let made = created(
            &replaced,
            |id| {
                let mut error = ProviderError::new(ErrorKind::Invalid, "ec2:CreateNatGateway", "");
                error.code = "IdempotentParameterMismatch".to_owned();
                if id == "1" { Err(error) } else { Ok(None) }
            },
            |id| match id {
                "0" => Ok(None),
                "2" => Err(not_listed("ec2:DescribeNatGateways", "it")),
                _ => Ok(Some(())),
            },
            |id| {
                assert_eq!(id, "2", "only what is not listed is touched");
                Err(not_listed("ec2:CreateTags", "it"))
            },
        );
        assert_eq!(made.await.unwrap(), "4");
    }

    #[tokio::test(start_paused = true)]
    async fn what_exists_and_is_not_listed_is_not_made_again() {
        let made = created(
            &[],
            |_| Ok(None),
            |_| Err(not_listed("ec2:DescribeRouteTables", "it")),
            |id| {
                assert_eq!(id, "0");
                Ok(None)
            },
        );
        let error = made.await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::TimedOut);
        assert_eq!(error.operation, "ec2:DescribeRouteTables");
        assert_eq!(error.waited, Some(VISIBILITY));
    }

    #[tokio::test(start_paused = true)]
    async fn tokens_that_all_answer_with_the_dead_are_given_up() {
        let made = created(&[], |_| Ok(None), |_| Ok(None), |_| Ok(None));
        let error = made.await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Failed);
        assert!(error.message.contains("32 client tokens"), "{error}");
    }
}
