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
            "a load balancer takes certificates of its own region only: request or import it in {region}, or correct its \
             ARN; then run"
        ))
        .command(format!("aws acm list-certificates --region {region}")),
        // ELB says the same of a certificate that is not issued.
        // <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/https-listener-certificates.html>
        "UnsupportedCertificate" => Remedy::new(
            "a load balancer takes a certificate once it is issued: while ACM waits for its validation, put the records \
             that it names into the DNS of the domain; then run",
        )
        .command(format!(
            "aws acm list-certificates --certificate-statuses PENDING_VALIDATION --region {region}"
        )),
        "KMSKeyNotAccessibleFault" | "KMSKeyNotAccessible" | "KMSDisabled" | "KMSDisabledException"
        | "KMSInvalidState" | "KMSInvalidStateException" | "KMSAccessDenied"
        | "KMSAccessDeniedException" | "KMSNotFound" | "KMSNotFoundException"
        // Secrets Manager, about a key that is disabled or about to be deleted.
        | "DecryptionFailure" | "EncryptionFailure" => Remedy::new(
            "AWS cannot use the KMS key: see that it is there, enabled, not about to be deleted, and that its policy lets \
             this service and these credentials use it; then run",
        )
        .command(format!("aws kms list-keys --region {region}")),
        "InvalidRequestException" if is_marked_for_deletion(&error.code, &error.message) => {
            Remedy::new(
                "the secret is scheduled for deletion, and its value cannot be read: restore it, or name another; then \
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
            "the secret was deleted, and its value cannot be read: create it again, or name another; then run",
        ),
        // These are not about a name that could be changed: another object is in the place.
        "Resource.AlreadyAssociated" | "InvalidIPAddress.InUse" => Remedy::new(
            "something else has it already: free it there, or use another one; then run",
        )
        .command("aws ec2 describe-addresses"),
        "RouteAlreadyExists" => Remedy::new(
            "the route table has a route to this range that is not fde-infra's: remove it, or choose another range; \
             then run",
        )
        .command("aws ec2 describe-route-tables"),
        "InvalidPermission.Duplicate" => Remedy::new(
            "the security group has this very rule already, and not from fde-infra: remove it there, or here; then run",
        )
        .command("aws ec2 describe-security-group-rules"),
        "InvalidSubnet.Conflict" => Remedy::new(
            "another subnet of the VPC has addresses of this range: choose another `cidrBlock`, or remove that subnet; \
             then run",
        )
        .command("aws ec2 describe-subnets"),
        "DuplicateListener" => Remedy::new(
            "the load balancer has a listener on this port already: choose another port, or remove that listener; then \
             run",
        ),
        "PriorityInUse" => Remedy::new(
            "the listener has a rule of this priority already: choose another `priority`, or remove that rule; then \
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
