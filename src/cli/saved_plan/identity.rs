//! Identities of callers and roles, for a plan that one makes and another applies.

/// The ARN of a role, for `--plan-for`.
///
/// # Errors
/// Anything else.
pub fn role(text: &str) -> Result<String, String> {
    match role_parts(text) {
        Some(_) => Ok(text.to_owned()),
        None => {
            Err("write the ARN of a role, as in arn:aws:iam::123456789012:role/deploy".to_owned())
        }
    }
}

/// The identity of a caller, without the name of the session: each run of a CI job has another one under the same role.
pub(super) fn identity(arn: &str) -> String {
    match arn.split_once(":assumed-role/") {
        Some((account, rest)) => {
            let (role, _) = rest.rsplit_once('/').unwrap_or((rest, ""));
            format!("{account}:assumed-role/{role}")
        }
        None => arn.to_owned(),
    }
}

/// The parts of a role's ARN.
pub(super) struct RoleParts<'a> {
    partition: &'a str,
    pub(super) account: &'a str,
    name: &'a str,
}

impl RoleParts<'_> {
    /// The result of [`identity`] for a session of this role, whose ARN leaves out the path.
    pub(super) fn identity(&self) -> String {
        let Self {
            partition,
            account,
            name,
        } = self;
        format!("arn:{partition}:sts::{account}:assumed-role/{name}")
    }
}

pub(super) fn role_parts(arn: &str) -> Option<RoleParts<'_>> {
    let (partition, rest) = arn.strip_prefix("arn:")?.split_once(":iam::")?;
    let (account, path) = rest.split_once(":role/")?;
    let (_, name) = path.rsplit_once('/').unwrap_or(("", path));
    let is_partition = partition.starts_with("aws") && !partition.contains(':');
    let is_account = account.len() == 12 && account.bytes().all(|digit| digit.is_ascii_digit());
    // The characters that IAM takes for the name of a role.
    let is_name = !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c));
    (is_partition && is_account && is_name).then_some(RoleParts {
        partition,
        account,
        name,
    })
}

#[cfg(test)]
mod tests {
    use super::{RoleParts, identity, role, role_parts};

    #[test]
    fn a_role_is_the_same_in_every_session() {
        let role = "arn:aws:sts::123456789012:assumed-role/deploy";
        assert_eq!(identity(&format!("{role}/run-1")), role);
        assert_eq!(identity(&format!("{role}/run-2")), role);
        let user = "arn:aws:iam::123456789012:user/ci/ada";
        assert_eq!(identity(user), user);
        let root = "arn:aws:iam::123456789012:root";
        assert_eq!(identity(root), root);
    }

    #[test]
    fn the_arn_of_a_role_names_its_sessions() {
        for (arn, session) in [
            (
                "arn:aws:iam::123456789012:role/deploy",
                "arn:aws:sts::123456789012:assumed-role/deploy/run-1",
            ),
            (
                "arn:aws-cn:iam::123456789012:role/ci/of/shop/fde-infra_deploy+1",
                "arn:aws-cn:sts::123456789012:assumed-role/fde-infra_deploy+1/run-1",
            ),
        ] {
            let named = role_parts(arn).as_ref().map(RoleParts::identity);
            assert_eq!(named, Some(identity(session)), "{arn}");
            assert_eq!(role(arn), Ok(arn.to_owned()));
        }
        for wrong in [
            "",
            "deploy",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::123456789012:role/ci/",
            "arn:aws:iam::123456789012:role/*",
            "arn:aws:iam::12345678901:role/deploy",
            "arn:aws:iam::123456789012:user/ada",
            "arn:aws:sts::123456789012:assumed-role/deploy/run-1",
            "arn:aws:iam::123456789012:root",
        ] {
            assert!(role(wrong).is_err(), "{wrong}");
        }
    }
}
