//! Credentials that do not work: each cause is told apart, with the command that helps.

use expect_test::expect_file;

use crate::common::commands::{assert_fits, screens};
use crate::common::program::{Ended, Program};
use crate::common::proxy::{Answer, Call, Proxy, Refusal};
use crate::common::{REGION, World, endpoint};

const CREDENTIALS: Option<i32> = Some(3);
const TOPIC: &str = "topic: { type: aws:sns:Topic }";

const PROFILES: &str = "\
[profile team]
role_arn = arn:aws:iam::123456789012:role/deploy
source_profile = middle
[profile middle]
role_arn = arn:aws:iam::123456789012:role/gate
source_profile = people
[profile people]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = Admin
[sso-session corp]
sso_region = eu-west-1
sso_start_url = https://corp.awsapps.com/start
[profile before-sessions]
sso_start_url = https://corp.awsapps.com/start
sso_region = eu-west-1
sso_account_id = 123456789012
sso_role_name = Admin
[profile no-session]
sso_session = crop
sso_account_id = 123456789012
sso_role_name = Admin
[profile console]
login_session = arn:aws:iam::123456789012:user/anna
[profile program]
credential_process = /bin/false --key abc
[profile token]
role_arn = arn:aws:iam::123456789012:role/deploy
web_identity_token_file = /nowhere/token
[profile orphan]
role_arn = arn:aws:iam::123456789012:role/deploy
source_profile = poeple
[profile codes]
role_arn = arn:aws:iam::123456789012:role/deploy
source_profile = keys
mfa_serial = arn:aws:iam::123456789012:mfa/anna
[profile role]
role_arn = arn:aws:iam::123456789012:role/deploy
source_profile = keys
[profile keys]
aws_access_key_id = AKIAEXAMPLE
aws_secret_access_key = secret
[profile empty]
region = eu-south-2
";

/// A machine of a user's, with these profiles and no credentials in the environment.
fn machine<'a>(world: &'a World, account: &str) -> Program<'a> {
    let program = Program::of(world)
        .without("AWS_ACCESS_KEY_ID")
        .without("AWS_SECRET_ACCESS_KEY")
        .with("AWS_ENDPOINT_URL", account)
        .with("AWS_CONFIG_FILE", "aws-config")
        .with("HOME", "/nowhere");
    program.write("aws-config", PROFILES);
    program
}

fn told(ended: &Ended, words: &[&str]) {
    assert_eq!(ended.status, CREDENTIALS, "{}", ended.screen);
    for word in words {
        assert!(ended.stderr.contains(word), "{word}\n{}", ended.screen);
    }
    assert_fits(ended);
}

#[tokio::test]
async fn what_a_profile_lacks_is_said_with_the_command_that_brings_it() {
    let world = World::new("e2e-credentials-profile").await;
    let denied = Refusal {
        status: 403,
        code: "AccessDenied",
        message: "User: arn:aws:iam::123456789012:user/anna is not authorized to perform: sts:AssumeRole",
    };
    let account = Proxy::before(endpoint(), move |call| {
        (call.operation == "AssumeRole").then(|| denied.into())
    });
    let mut all = Vec::new();
    for (profile, words) in [
        // The sign-in is that of the profile at the end of the chain.
        ("team", &["aws sso login --profile people"][..]),
        ("people", &["aws sso login --profile people"]),
        (
            "before-sessions",
            &["aws sso login --profile before-sessions"],
        ),
        ("no-session", &["`crop`", "aws configure sso-session"]),
        (
            "console",
            &["aws login", "export-credentials --profile console"],
        ),
        (
            "program",
            &[
                "credential_process",
                "aws sts get-caller-identity --profile program",
            ],
        ),
        ("token", &["/nowhere/token", "does not exist"]),
        (
            "orphan",
            &["`poeple`, which is not there", "did you mean `people`?"],
        ),
        ("codes", &["MFA", "export-credentials --profile codes"]),
        ("role", &["role/deploy be assumed", "trust policy"]),
        ("empty", &["profile `empty` names no credentials"]),
        (
            "tema",
            &["did you mean `team`?", "aws configure list-profiles"],
        ),
        ("elsewhere-9", &["aws configure sso --profile elsewhere-9"]),
    ] {
        let by_flag = machine(&world, &account.endpoint);
        let ended = by_flag.run(TOPIC, "preview", &["--profile", profile]);
        told(&ended, words);
        if profile != "empty" {
            let by_variable = machine(&world, &account.endpoint).with("AWS_PROFILE", profile);
            told(&by_variable.run(TOPIC, "preview", &[]), words);
            let by_variable =
                machine(&world, &account.endpoint).with("AWS_DEFAULT_PROFILE", profile);
            told(&by_variable.run(TOPIC, "preview", &[]), words);
        }
        all.push(ended);
    }
    expect_file!["../snapshots/failures/credentials_profile.txt"].assert_eq(&screens(&all));
}

#[tokio::test]
async fn a_web_identity_token_that_is_not_there_or_not_taken_is_named() {
    let world = World::new("e2e-credentials-token").await;
    let program = |account: &str, file: &str| {
        machine(&world, account)
            .with("AWS_WEB_IDENTITY_TOKEN_FILE", file)
            .with("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/ci")
    };
    let missing = program(endpoint(), "/nowhere/token").run(TOPIC, "preview", &[]);
    told(
        &missing,
        &["/nowhere/token does not exist", "id-token: write"],
    );
    // The call is not signed, so that nothing but its name says which service it is for.
    let answering = |code: &'static str, message: &'static str| {
        Proxy::before(endpoint(), move |call| {
            let body = format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
            );
            let answer = format!(
                "HTTP/1.1 400 Bad Request\r\ncontent-type: text/xml\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            let is_asked = call.operation == "AssumeRoleWithWebIdentity";
            is_asked.then(|| Answer::Raw(answer.into_bytes()))
        })
    };
    let mut all = vec![missing];
    for (code, message, words) in [
        (
            "ExpiredTokenException",
            "Token expired: current date/time must be before the expiration date/time",
            "has expired",
        ),
        (
            "InvalidIdentityToken",
            "No OpenIDConnect provider found in your account",
            "OIDC provider",
        ),
        (
            "AccessDenied",
            "Not authorized to perform sts:AssumeRoleWithWebIdentity",
            "trust policy",
        ),
    ] {
        let account = answering(code, message);
        let program = program(&account.endpoint, "token");
        program.write("token", "eyJ");
        let ended = program.run(TOPIC, "preview", &[]);
        told(&ended, &[words, code]);
        all.push(ended);
    }
    expect_file!["../snapshots/failures/credentials_token.txt"].assert_eq(&screens(&all));
}

fn refusal_of_identity(code: &'static str, message: &'static str) -> Proxy {
    Proxy::before(endpoint(), move |call| {
        let refusal = Refusal {
            status: 403,
            code,
            message,
        };
        (call.operation == "GetCallerIdentity").then(|| refusal.into())
    })
}

#[tokio::test]
async fn credentials_that_aws_refuses_are_named_by_where_they_come_from() {
    let world = World::new("e2e-credentials-refused").await;
    let mut all = Vec::new();
    for (code, session, words) in [
        (
            "ExpiredToken",
            "old",
            "the session in the environment (AWS_ACCESS_KEY_ID) has expired",
        ),
        (
            "InvalidClientTokenId",
            "",
            "AWS does not know the access key",
        ),
        (
            "SignatureDoesNotMatch",
            "",
            "the secret key in the environment",
        ),
    ] {
        let account = refusal_of_identity(
            code,
            "The security token included in the request is not valid",
        );
        let program = Program::of(&world)
            .with("AWS_ENDPOINT_URL", &account.endpoint)
            .with("AWS_SESSION_TOKEN", session);
        let ended = program.run(TOPIC, "preview", &[]);
        told(&ended, &[words]);
        all.push(ended);
        let ended =
            machine(&world, &account.endpoint).run(TOPIC, "preview", &["--profile", "keys"]);
        told(&ended, &["profile `keys`"]);
    }
    expect_file!["../snapshots/failures/credentials_refused.txt"].assert_eq(&screens(&all));
}

/// AWS answers there as if the credentials were wrong.
#[tokio::test]
async fn a_region_that_the_account_has_not_enabled_is_told_from_wrong_credentials() {
    let world = World::new("e2e-credentials-region").await;
    let scope = |call: &Call| call.request.header("authorization").contains(REGION);
    let account = Proxy::before(endpoint(), move |call| {
        let refusal = Refusal {
            status: 403,
            code: "InvalidClientTokenId",
            message: "The security token included in the request is invalid.",
        };
        (call.operation == "GetCallerIdentity" && scope(call)).then(|| refusal.into())
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &account.endpoint);
    let ended = program.run(TOPIC, "preview", &[]);
    told(
        &ended,
        &["aws account enable-region --region-name eu-south-2"],
    );
    let by_profile = machine(&world, &account.endpoint);
    let ended_by_profile = by_profile.run(TOPIC, "preview", &["--profile", "keys"]);
    told(
        &ended_by_profile,
        &["aws account enable-region --region-name eu-south-2"],
    );
    expect_file!["../snapshots/failures/region_disabled.txt"].assert_eq(&screens(&[ended]));
}

/// The answer of AWS about a region that is enabled.
const ENABLED: &str = "<DescribeRegionsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>1</requestId>\
    <regionInfo><item><regionName>eu-south-2</regionName><regionEndpoint>ec2.eu-south-2.amazonaws.com</regionEndpoint>\
    <optInStatus>opted-in</optInStatus></item></regionInfo></DescribeRegionsResponse>";

/// A session of the global STS endpoint is not valid in regions that have to be enabled (nccgroup/ScoutSuite#1389).
#[tokio::test]
async fn a_session_that_an_enabled_region_does_not_take_is_told_from_a_region_that_is_not_enabled()
{
    let world = World::new("e2e-credentials-global-session").await;
    let scope = |call: &Call| call.request.header("authorization").contains(REGION);
    let account = Proxy::before(endpoint(), move |call| {
        let refusal = Refusal {
            status: 403,
            code: "InvalidClientTokenId",
            message: "The security token included in the request is invalid.",
        };
        match call.operation {
            "GetCallerIdentity" if scope(call) => Some(refusal.into()),
            "DescribeRegions" => {
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    ENABLED.len()
                );
                Some(Answer::Raw((head + ENABLED).into_bytes()))
            }
            _ => None,
        }
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &account.endpoint);
    let ended = program.run(TOPIC, "preview", &[]);
    told(
        &ended,
        &[
            "eu-south-2 is enabled",
            "AWS_STS_REGIONAL_ENDPOINTS=regional",
        ],
    );
    assert!(!ended.stderr.contains("enable-region"), "{}", ended.screen);
}
