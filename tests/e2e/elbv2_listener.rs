//! `aws:lb:Listener`.

use async_trait::async_trait;
use aws_sdk_elasticloadbalancingv2::types::{Action, ActionTypeEnum, FixedResponseActionConfig};
use serde_json::{Value as Json, json};

use crate::common::endpoint;
use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

/// The name in an ARN of a load balancer or target group.
fn name_of(arn: &str) -> Option<&str> {
    arn.rsplit('/').nth(1)
}

struct Listener;

#[async_trait]
impl ResourceTypeTest for Listener {
    fn token(&self) -> &'static str {
        "aws:lb:Listener"
    }

    fn needs(&self) -> &'static str {
        "vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
left: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.0.0/24, availabilityZone: eu-south-2a } }
right: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.1.0/24, availabilityZone: eu-south-2b } }
blue: { type: aws:lb:TargetGroup, properties: { name: e2e-listener-blue, port: 80, protocol: HTTP, vpcId: '${vpc.id}' } }
red: { type: aws:lb:TargetGroup, properties: { name: e2e-listener-red, port: 80, protocol: HTTP, vpcId: '${vpc.id}' } }
first: { type: aws:lb:LoadBalancer, properties: { name: e2e-listener-first, internal: true, subnets: ['${left.id}', '${right.id}'] } }
second: { type: aws:lb:LoadBalancer, properties: { name: e2e-listener-second, internal: true, subnets: ['${left.id}', '${right.id}'] } }"
    }

    fn base(&self) -> &'static str {
        "{ loadBalancerArn: '${first.arn}', port: 80, defaultActions: [{ \
         type: forward, targetGroupArn: '${blue.arn}' }] }"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::in_place("/port", ("port: 8080", 8080), ("port: 8081", 8081)).removed(80),
            Edit::replaces(
                "/balancer",
                ("loadBalancerArn: ${first.arn}", "e2e-listener-first"),
                ("loadBalancerArn: ${second.arn}", "e2e-listener-second"),
            ),
            Edit::in_place(
                "/protocol",
                (
                    "{ protocol: HTTPS, certificateArn: 'arn:aws:iam::${aws.accountId}:server-certificate/e2e-listener-one' }",
                    "HTTPS",
                ),
                ("protocol: HTTP", "HTTP"),
            )
            .removed("HTTP"),
            Edit::in_place(
                "/certificate",
                (
                    "{ protocol: HTTPS, certificateArn: 'arn:aws:iam::${aws.accountId}:server-certificate/e2e-listener-one' }",
                    "e2e-listener-one",
                ),
                (
                    "{ protocol: HTTPS, certificateArn: 'arn:aws:iam::${aws.accountId}:server-certificate/e2e-listener-two' }",
                    "e2e-listener-two",
                ),
            )
            .removed(Json::Null),
            Edit::in_place(
                "/policy",
                (
                    "{ protocol: HTTPS, certificateArn: 'arn:aws:iam::${aws.accountId}:server-certificate/e2e-listener-one', \
                     sslPolicy: ELBSecurityPolicy-2016-08 }",
                    "ELBSecurityPolicy-2016-08",
                ),
                (
                    "{ protocol: HTTPS, certificateArn: 'arn:aws:iam::${aws.accountId}:server-certificate/e2e-listener-one', \
                     sslPolicy: ELBSecurityPolicy-TLS13-1-2-Res-2021-06 }",
                    "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
                ),
            )
            .removed(Json::Null),
            Edit::in_place(
                "/forward",
                (
                    "defaultActions: [{ type: forward, targetGroupArn: '${blue.arn}' }]",
                    "e2e-listener-blue",
                ),
                (
                    "defaultActions: [{ type: forward, targetGroupArn: '${red.arn}' }]",
                    "e2e-listener-red",
                ),
            ),
            Edit::in_place(
                "/answer",
                (
                    "defaultActions: [{ type: fixed-response, fixedResponse: { \
                     contentType: text/plain, statusCode: 503, messageBody: closed } }]",
                    json!(["503", "closed"]),
                ),
                (
                    "defaultActions: [{ type: fixed-response, fixedResponse: { \
                     contentType: text/plain, statusCode: 404, messageBody: none } }]",
                    json!(["404", "none"]),
                ),
            ),
            Edit::in_place(
                "/redirect",
                (
                    "defaultActions: [{ type: redirect, redirect: { statusCode: \
                     HTTP_302, protocol: HTTPS, port: 443 } }]",
                    json!(["HTTP_302", "HTTPS", "443"]),
                ),
                (
                    "defaultActions: [{ type: redirect, redirect: { statusCode: \
                     HTTP_301, protocol: HTTPS, port: 8443 } }]",
                    json!(["HTTP_301", "HTTPS", "8443"]),
                ),
            ),
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let answer = sdk
            .elbv2
            .describe_listeners()
            .listener_arns(id)
            .send()
            .await
            .ok()?;
        let listener = answer.listeners().first()?;
        let action = listener.default_actions().first()?;
        Some(json!({
            "port": listener.port(),
            "balancer": listener.load_balancer_arn().and_then(name_of),
            "protocol": listener.protocol().map(|protocol| protocol.as_str()),
            "certificate": listener
                .certificates()
                .first()
                .and_then(|certificate| certificate.certificate_arn()?.rsplit('/').next()),
            "policy": listener.ssl_policy(),
            "forward": action.target_group_arn().and_then(name_of),
            "answer": action.fixed_response_config().map(|response| json!([response.status_code(), response.message_body()])),
            "redirect": action.redirect_config().map(|redirect| json!([
                redirect.status_code().map(|code| code.as_str()),
                redirect.protocol(),
                redirect.port(),
            ])),
        }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        sdk.elbv2
            .delete_listener()
            .listener_arn(id)
            .send()
            .await
            .is_ok()
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        let response = FixedResponseActionConfig::builder()
            .content_type("text/plain")
            .status_code("418")
            .build();
        let action = Action::builder()
            .r#type(ActionTypeEnum::FixedResponse)
            .fixed_response_config(response)
            .build();
        sdk.elbv2
            .modify_listener()
            .listener_arn(id)
            .default_actions(action)
            .send()
            .await
            .is_ok()
    }

    async fn foreign_tag(&self, sdk: &Sdk, id: &str, set: bool) -> Option<bool> {
        sdk.foreign_tag(id, set).await
    }
}

/// Certificates that IAM keeps, for HTTPS: self-signed, and made for this test alone.
async fn upload_certificates(sdk: &Sdk) {
    for name in ["e2e-listener-one", "e2e-listener-two"] {
        let uploaded = sdk
            .iam
            .upload_server_certificate()
            .server_certificate_name(name)
            .certificate_body(CERTIFICATE)
            .private_key(PRIVATE_KEY)
            .send()
            .await;
        // An account under test outlives its tests.
        if let Err(error) = uploaded.map_err(|error| error.into_service_error()) {
            assert!(error.is_entity_already_exists_exception(), "{error:#?}");
        }
    }
}

const CERTIFICATE: &str = "\
-----BEGIN CERTIFICATE-----
MIIBjDCCATGgAwIBAgIUBJwKtdVcQZkGo5jRcf0oghknTecwCgYIKoZIzj0EAwIw
GjEYMBYGA1UEAwwPZW5kLXRvLWVuZC50ZXN0MCAXDTI2MTEyMzEwNTUwM1oYDzIx
MjYxMDMwMTA1NTAzWjAaMRgwFgYDVQQDDA9lbmQtdG8tZW5kLnRlc3QwWTATBgcq
hkjOPQIBBggqhkjOPQMBBwNCAASXfenOEvBnaRc9vSDC4/ARRmzAQ4PSaImhYfuM
Kdv7ld5LZcm+3npe81fp/zurlPQMhjAzPBakgB4Sal97UXCWo1MwUTAdBgNVHQ4E
FgQUDo7l5U+UcRwfPlFUVNNlq3rPBuAwHwYDVR0jBBgwFoAUDo7l5U+UcRwfPlFU
VNNlq3rPBuAwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEAvgTZ
jml3S/s/UhAL3b3h8KHnPYMN1U5h8qW/BjenSz4CIQC12jVva35UW+spC971APqG
trLRlPl5LzQcoS5kPA2NBA==
-----END CERTIFICATE-----";

const PRIVATE_KEY: &str = "\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgO5pNfzmSK/mmO/JR
zbOvc4tJdYQo7fA74/Jeg1ySbBWhRANCAASXfenOEvBnaRc9vSDC4/ARRmzAQ4PS
aImhYfuMKdv7ld5LZcm+3npe81fp/zurlPQMhjAzPBakgB4Sal97UXCW
-----END PRIVATE KEY-----";

#[tokio::test]
async fn listener() {
    upload_certificates(&Sdk::new(endpoint()).await).await;
    check("e2e-elbv2-listener", &Listener).await;
}
