//! Unencrypted HTTP: the warning about it, and the cases in which it may not be asked for.
//!
//! A load balancer without a certificate serves HTTP alone. In staging and prod that is rarely intended, and nothing else in
//! the stack shows it; `allowHttp: true` says that it is. With a certificate, HTTP redirects, and the key is refused rather
//! than left to switch the redirect off: one that was written before there was a certificate would do so unnoticed. Copilot
//! has a separate key for that (`redirect_to_https`, aws/copilot-cli#4003), and CDK redirects only on request
//! (aws/aws-cdk#5583).

use serde::Deserialize;

use crate::stack::{Environment, Fault, Stack, StackError};

use super::spec::LoadBalancerSpec;
use super::urns::KEY;
use crate::component::context::Context;

/// Checks the key against the certificate.
pub fn check(context: &mut Context<'_>, spec: &LoadBalancerSpec) {
    if spec.allow_http == Some(true) && spec.certificate_arn.is_some() {
        let label = "goes without `certificateArn`: with a certificate, HTTP redirects to HTTPS";
        let help = "take the key out; or take `certificateArn` out, to serve HTTP alone";
        context.refuse_with_help(Fault::Value, "loadBalancer.allowHttp", label, help);
    }
}

/// The warning about a stack whose load balancer serves HTTP alone, if the file does not say that this is intended.
pub fn warning(stack: &Stack) -> Option<StackError> {
    let spec = LoadBalancerSpec::deserialize(stack.section(KEY)?).ok()?;
    let is_dev = stack.environment == Environment::Dev;
    if spec.certificate_arn.is_some() || spec.allow_http.unwrap_or(is_dev) {
        return None;
    }
    let place = stack.document().key_place(&KEY.into());
    let label = "serves HTTP alone: what users send and get can be read and changed on the way";
    let help = "add `certificateArn`, the ARN of a certificate in ACM: HTTPS is then served, and HTTP redirects to it; or \
                `allowHttp: true`, where HTTP is meant";
    Some(StackError::new(Fault::Unencrypted, place, label).help(help))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use crate::component::testing::{catalog, faults_of, load};
    use crate::component::{stack_graph, warnings};

    const SERVICES: &str = "network: {}\nservices: { web: { port: 3000 } }\n";
    const CERTIFIED: &str =
        "{ certificateArn: \"arn:aws:acm:eu-south-2:123456789012:certificate/x\" }";

    /// The warnings about a stack in an environment: the code, and what it points at.
    fn warned(environment: &str, balancer: &str) -> Vec<String> {
        let text = format!(
            "name: shop\nenvironment: {environment}\nregion: eu-south-2\n{SERVICES}loadBalancer: {balancer}\n"
        );
        let stack = load(&[("stacks/file.yaml", &text)], &[]).unwrap();
        let (graph, _) = stack_graph(&stack, &catalog()).unwrap();
        let found = warnings(&stack, &graph);
        let found = found.errors.iter().map(|error| {
            let help = error.help.as_deref().unwrap_or_default();
            assert!(help.contains("certificateArn") && help.contains("allowHttp: true"));
            format!("{} {}", error.code(), &text[error.place().range()])
        });
        found.collect()
    }

    #[test]
    fn http_alone_is_warned_of_where_it_may_not_be_meant() {
        let expected = ["fde::stack::unencrypted loadBalancer"];
        for environment in ["staging", "prod"] {
            for silent in ["{}", "{ certificateArn: null }", "{ allowHttp: false }"] {
                assert_eq!(
                    warned(environment, silent),
                    expected,
                    "{environment} {silent}"
                );
            }
            for meant in ["{ allowHttp: true }", CERTIFIED] {
                assert_eq!(
                    warned(environment, meant),
                    [] as [&str; 0],
                    "{environment} {meant}"
                );
            }
        }
        assert_eq!(warned("dev", "{}"), [] as [&str; 0]);
        assert_eq!(warned("dev", "{ allowHttp: false }"), expected);
    }

    fn check(allow: bool, expected: &Expect) {
        let both = CERTIFIED.replace("{ ", &format!("{{ allowHttp: {allow}, "));
        expected.assert_eq(&faults_of(&format!("{SERVICES}loadBalancer: {both}\n")));
    }

    #[test]
    fn allowing_http_goes_without_a_certificate() {
        check(
            true,
            &expect![[r#"
                3:28 value `true`: goes without `certificateArn`: with a certificate, HTTP redirects to HTTPS
                    help: take the key out; or take `certificateArn` out, to serve HTTP alone
            "#]],
        );
        check(false, &expect!["fine"]);
    }
}
