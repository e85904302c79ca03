//! The settings in the head of the file for every role and policy: `permissionsBoundary` and `rolePath`.
//!
//! Both are for accounts whose administrators allow roles only under a path of their own, or with a boundary that they have
//! set. So they apply to whatever makes a role, sections and raw resources alike.

use super::context::Context;

/// Gives boundary and path to each role and policy that does not set its own. Adopted objects stay as they are.
pub fn apply(context: &mut Context<'_>) {
    let stack = context.stack;
    let path = stack.role_path.as_deref();
    for resource in &mut context.resources {
        let boundary = match resource.urn.token() {
            "aws:iam:Role" => stack.permissions_boundary.as_deref(),
            "aws:iam:Policy" => None,
            _ => continue,
        };
        if resource.options.import.is_some() {
            continue;
        }
        for (property, value) in [("permissionsBoundary", boundary), ("path", path)] {
            if let Some(value) = value {
                let own = resource.inputs.entry(property.to_owned());
                own.or_insert_with(|| value.into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::component::expand;
    use crate::component::testing::{catalog, load, with_head};
    use crate::resource::Value;

    const SECTIONS: &str = r#"network: { natGateways: none }
database: { engineVersion: "15" }
services: { api: { image: a/b:1, permissions: [{ actions: ["s3:GetObject"], resources: ["*"] }] } }
resources:
  plain: { type: aws:iam:Role, properties: { assumeRolePolicy: "{}" } }
  own: { type: aws:iam:Role, properties: { assumeRolePolicy: "{}", path: /own/, permissionsBoundary: "arn:aws:iam::123456789012:policy/own" } }
"#;

    /// Path and boundary of each role, by its name.
    fn roles(head: &str) -> BTreeMap<String, [Option<String>; 2]> {
        let text = with_head(&format!("{head}{SECTIONS}"));
        let stack = load(&[("dev.yaml", &text)], &[]).unwrap();
        let expansion = expand(&stack, &catalog()).unwrap();
        let roles = expansion
            .resources
            .iter()
            .filter(|resource| resource.urn.token() == "aws:iam:Role");
        let of = |resource: &crate::graph::Resource| {
            ["path", "permissionsBoundary"].map(|property| {
                let value = resource.inputs.get(property).and_then(Value::as_str);
                value.map(str::to_owned)
            })
        };
        roles
            .map(|role| (role.urn.name().to_owned(), of(role)))
            .collect()
    }

    #[test]
    fn every_role_has_path_and_boundary_of_the_file_but_one_that_says_its_own() {
        let boundary = "arn:aws:iam::123456789012:policy/boundary";
        let made = roles(&format!(
            "rolePath: /fde/\npermissionsBoundary: {boundary}\n"
        ));
        let own = made["own"].each_ref().map(|value| value.as_deref());
        let of_its_own = [Some("/own/"), Some("arn:aws:iam::123456789012:policy/own")];
        assert_eq!(own, of_its_own);
        assert!(made.len() >= 4, "{made:?}");
        for (name, found) in &made {
            if name != "own" {
                let found = found.each_ref().map(|value| value.as_deref());
                assert_eq!(found, [Some("/fde/"), Some(boundary)], "{name}");
            }
        }
    }

    #[test]
    fn without_the_keys_roles_are_as_ever() {
        let made = roles("");
        for (name, found) in &made {
            assert_eq!(*found == [None, None], name != "own", "{name}: {found:?}");
        }
    }
}
