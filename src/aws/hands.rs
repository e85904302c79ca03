//! Refusals that waiting does not end, and what a person has to do about them.

use super::error::{is_deleted_secret, is_marked_for_deletion};
use crate::resource::ProviderError;
use crate::resource::provider::Remedy;

/// Returns the remedy for a refusal, by its code.
pub(super) fn remedy(error: &ProviderError) -> Option<Remedy> {
    let region = &error.region;
    Some(match error.code.as_str() {
        // A certificate belongs to one region, and nothing here makes certificates.
        "CertificateNotFound" => Remedy::new(format!(
            "a load balancer accepts only certificates of its own region: request or import it in {region}, or correct its \
             ARN; then run"
        ))
        .command(format!("aws acm list-certificates --region {region}")),
        // ELB says the same of a certificate that is not issued.
        // <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/https-listener-certificates.html>
        "UnsupportedCertificate" => Remedy::new(
            "a load balancer accepts a certificate only after it is issued: if ACM waits for validation, add the DNS \
             records that ACM names to the domain; then run",
        )
        .command(format!(
            "aws acm list-certificates --certificate-statuses PENDING_VALIDATION --region {region}"
        )),
        "KMSKeyNotAccessibleFault" | "KMSKeyNotAccessible" | "KMSDisabled" | "KMSDisabledException"
        | "KMSInvalidState" | "KMSInvalidStateException" | "KMSAccessDenied"
        | "KMSAccessDeniedException" | "KMSNotFound" | "KMSNotFoundException"
        // Secrets Manager, about a key that is disabled or about to be deleted.
        | "DecryptionFailure" | "EncryptionFailure" => Remedy::new(
            "AWS cannot use the KMS key: check that it exists, is enabled and is not scheduled for deletion, and that its \
             policy allows this service and these credentials to use it; then run",
        )
        .command(format!("aws kms list-keys --region {region}")),
        "InvalidRequestException" if is_marked_for_deletion(&error.code, &error.message) => {
            Remedy::new(
                "the secret is scheduled for deletion, so its value cannot be read: restore it, or name another one; then \
                 run",
            )
            .command(format!(
                "aws secretsmanager list-secrets --include-planned-deletion --region {region}"
            ))
            .command(format!(
                "aws secretsmanager restore-secret --secret-id <its name> --region {region}"
            ))
        }
        "InvalidRequestException" if is_deleted_secret(&error.code, &error.message) => Remedy::new(
            "the secret was deleted, so its value cannot be read: create it again, or name another one; then run",
        ),
        // These are not about a name that could be changed: another object is in the place.
        "Resource.AlreadyAssociated" | "InvalidIPAddress.InUse" => Remedy::new(
            "something else uses it already: free it there, or use another one; then run",
        )
        .command("aws ec2 describe-addresses"),
        "RouteAlreadyExists" => Remedy::new(
            "the route table already has a route to this range, which fde-infra did not make: remove it, or choose another \
             range; then run",
        )
        .command("aws ec2 describe-route-tables"),
        "InvalidPermission.Duplicate" => Remedy::new(
            "the security group already has this rule, which fde-infra did not make: remove it there, or from the stack \
             file; then run",
        )
        .command("aws ec2 describe-security-group-rules"),
        "InvalidSubnet.Conflict" => Remedy::new(
            "another subnet of the VPC overlaps this range: choose another `cidrBlock`, or remove that subnet; \
             then run",
        )
        .command("aws ec2 describe-subnets"),
        "DuplicateListener" => Remedy::new(
            "the load balancer already has a listener on this port: choose another port, or remove that listener; then \
             run",
        ),
        "PriorityInUse" => Remedy::new(
            "the listener already has a rule with this priority: choose another `priority`, or remove that rule; then \
             run",
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::ErrorKind;

    #[test]
    fn advice_ends_where_the_command_to_run_again_follows() {
        for code in [
            "CertificateNotFound",
            "UnsupportedCertificate",
            "KMSKeyNotAccessibleFault",
            "DecryptionFailure",
            "Resource.AlreadyAssociated",
            "RouteAlreadyExists",
            "InvalidPermission.Duplicate",
            "InvalidSubnet.Conflict",
            "DuplicateListener",
            "PriorityInUse",
        ] {
            let mut error = ProviderError::new(ErrorKind::Invalid, "t:Create", "");
            error.code = code.to_owned();
            let remedy = remedy(&error).unwrap_or_else(|| panic!("{code}"));
            assert!(remedy.text.ends_with("then run"), "{}", remedy.text);
            assert!(
                !remedy.text.contains("name in the stack file"),
                "{}",
                remedy.text
            );
        }
        let other = ProviderError::new(ErrorKind::AlreadyExists, "t:Create", "");
        assert_eq!(remedy(&other), None);
    }
}
