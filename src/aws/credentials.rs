//! The source of credentials, and so the remedy for those that are not valid.
//!
//! The SDK says that a provider failed, not what the user has to do; and its providers' errors are private. So the
//! configuration files are read as the SDK reads them, and profiles are followed in the same way.

use std::borrow::Cow;
use std::path::Path;

use aws_config::profile::{self, Profile, ProfileFileLoadError, ProfileSet};
use aws_types::os_shim_internal::{Env, Fs};

use super::error::ASSUME_ROLE;
use crate::resource::nearest::nearest;
use crate::resource::provider::Remedy;
use crate::resource::{ErrorKind, ProviderError};

/// The contents of the AWS configuration files.
#[derive(Debug)]
pub(super) struct Profiles {
    /// The profile in use, unless the environment has credentials.
    selected: String,
    set: Result<ProfileSet, ProfileFileLoadError>,
}

/// The sources of credentials, in the order in which the SDK looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// `AWS_ACCESS_KEY_ID`; with `AWS_SESSION_TOKEN` they last only for hours.
    Environment {
        temporary: bool,
    },
    Profile(Chain),
    /// `AWS_WEB_IDENTITY_TOKEN_FILE`
    TokenFile {
        path: String,
    },
    /// The metadata of a container or an instance, or no source at all.
    Elsewhere,
}

/// A profile, the roles that it assumes, and the credentials to assume them with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chain {
    profile: String,
    /// The roles from the profile on: each is assumed with the next.
    roles: Vec<Role>,
    base: Base,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Role {
    profile: String,
    arn: String,
    /// True if the profile has `mfa_serial`, which the SDK for Rust ignores.
    wants_code: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Base {
    /// A profile that does not exist, and the one that may have been meant.
    Missing {
        name: String,
        nearest: Option<String>,
    },
    /// IAM Identity Center.
    SignIn {
        profile: String,
    },
    /// An `sso-session` section that does not exist.
    NoSession {
        profile: String,
        session: String,
    },
    /// `login_session`, from `aws login`.
    Console {
        profile: String,
    },
    Process {
        profile: String,
    },
    TokenFile {
        path: String,
    },
    Keys {
        profile: String,
        temporary: bool,
    },
    /// `credential_source`
    Metadata,
    Nothing {
        profile: String,
    },
}

impl Profiles {
    /// Reads the files for the profile of this name, or for the one that the environment names.
    pub(super) async fn read(profile: Option<&str>) -> Self {
        let selected = profile
            .map(str::to_owned)
            .or_else(|| variable("AWS_PROFILE"))
            .or_else(|| variable("AWS_DEFAULT_PROFILE"))
            .unwrap_or_else(|| "default".to_owned());
        let named = Some(Cow::Owned(selected.clone()));
        #[allow(
            clippy::default_trait_access,
            reason = "the SDK has deprecated the only name that it gives this type"
        )]
        let files = &Default::default();
        let set = profile::load(&Fs::real(), &Env::real(), files, named).await;
        Self { selected, set }
    }

    pub(super) fn selected(&self) -> &str {
        &self.selected
    }

    /// Returns a setting of the profile.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        let profile = self.set.as_ref().ok()?.get_profile(&self.selected)?;
        profile.get(key).filter(|value| !value.is_empty())
    }

    /// Returns the source from which the SDK takes credentials. `asked_for`: a profile was named on the command line, and
    /// nothing else counts.
    pub(super) fn source(&self, asked_for: bool) -> Source {
        if !asked_for && variable("AWS_ACCESS_KEY_ID").is_some() {
            return Source::Environment {
                temporary: variable("AWS_SESSION_TOKEN").is_some(),
            };
        }
        let chain = self.set.as_ref().ok().map(|set| chain(set, &self.selected));
        // A profile that says nothing about credentials is ignored, unless it was named.
        let named = asked_for || self.selected != "default";
        match chain {
            Some(chain) if says_something(&chain, asked_for, named) => Source::Profile(chain),
            _ => match variable("AWS_WEB_IDENTITY_TOKEN_FILE") {
                Some(path) => Source::TokenFile { path },
                None => Source::Elsewhere,
            },
        }
    }
}

fn says_something(chain: &Chain, asked_for: bool, named: bool) -> bool {
    match chain.base {
        Base::Nothing { .. } => asked_for || !chain.roles.is_empty(),
        Base::Missing { .. } => named || !chain.roles.is_empty(),
        _ => true,
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Follows `source_profile` from profile to profile, as the SDK does.
fn chain(set: &ProfileSet, selected: &str) -> Chain {
    let mut roles: Vec<Role> = Vec::new();
    let mut name = selected;
    let base = loop {
        let Some(profile) = set.get_profile(name) else {
            break Base::Missing {
                name: name.to_owned(),
                nearest: nearest(name, set.profiles()),
            };
        };
        let again = roles.iter().any(|role| role.profile == name);
        // Where the profile is the source of another one, keys beside a role are the credentials to assume the role with.
        if again || !roles.is_empty() && profile.get("aws_access_key_id").is_some() {
            break base(set, profile);
        }
        let is_role = profile.get("web_identity_token_file").is_none();
        let Some(arn) = profile.get("role_arn").filter(|_| is_role) else {
            break base(set, profile);
        };
        roles.push(Role {
            profile: name.to_owned(),
            arn: arn.to_owned(),
            wants_code: profile.get("mfa_serial").is_some(),
        });
        match profile.get("source_profile") {
            Some(source) => name = source,
            None => break base(set, profile),
        }
    };
    Chain {
        profile: selected.to_owned(),
        roles,
        base,
    }
}

fn base(set: &ProfileSet, profile: &Profile) -> Base {
    let name = profile.name().to_owned();
    let has = |key: &str| profile.get(key).is_some();
    if has("credential_source") {
        Base::Metadata
    } else if let Some(path) = profile.get("web_identity_token_file") {
        Base::TokenFile {
            path: path.to_owned(),
        }
    } else if let Some(session) = profile.get("sso_session") {
        match set.sso_session(session) {
            Some(_) => Base::SignIn { profile: name },
            None => Base::NoSession {
                profile: name,
                session: session.to_owned(),
            },
        }
    } else if has("sso_start_url") {
        Base::SignIn { profile: name }
    } else if has("login_session") {
        Base::Console { profile: name }
    } else if has("credential_process") {
        Base::Process { profile: name }
    } else if has("aws_access_key_id") {
        Base::Keys {
            profile: name,
            temporary: has("aws_session_token"),
        }
    } else {
        Base::Nothing { profile: name }
    }
}

impl Source {
    /// Returns the remedy for an error about credentials; `None` where its cause is not known.
    pub(super) fn remedy(&self, error: &ProviderError) -> Option<Remedy> {
        if error.kind != ErrorKind::Credentials {
            return None;
        }
        if is_about_time(error) {
            return Some(Remedy::new(
                "the clock of this machine is wrong, so AWS rejects the signature: set the clock, then run",
            ));
        }
        // AWS has refused them: it no longer knows the credentials, or never did.
        if error.status.is_some() {
            return self.remedy_of_refusal(error);
        }
        match self {
            Self::Environment { .. } | Self::Elsewhere => None,
            Self::TokenFile { path } => Some(token_file(path, error)),
            Self::Profile(chain) => chain.remedy(error),
        }
    }

    fn remedy_of_refusal(&self, error: &ProviderError) -> Option<Remedy> {
        let expired = matches!(
            error.code.as_str(),
            "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" | "RequestExpired"
        );
        let wrong_secret = matches!(
            error.code.as_str(),
            "SignatureDoesNotMatch" | "InvalidSignatureException"
        );
        let from = match self {
            Self::Environment { .. } => "the environment (AWS_ACCESS_KEY_ID)".to_owned(),
            Self::Profile(chain) => match &chain.base {
                Base::SignIn { profile } => return Some(sign_in(profile)),
                Base::Keys { profile, .. } => format!("profile `{profile}`"),
                _ => format!("profile `{}`", chain.profile),
            },
            Self::TokenFile { .. } | Self::Elsewhere => return None,
        };
        let text = match self {
            _ if wrong_secret => format!(
                "the secret key in {from} does not belong to its access key: correct it, then run"
            ),
            Self::Environment { temporary: true } if expired => format!(
                "the session in {from} has expired; set new credentials, AWS_SESSION_TOKEN among them, then run"
            ),
            _ if expired => {
                format!("the session in {from} has expired; set new credentials, then run")
            }
            Self::Environment { temporary: false } => format!(
                "AWS does not know the access key in {from}: it may have been deleted or deactivated, or \
                 AWS_SESSION_TOKEN is missing; replace it, then run"
            ),
            _ => format!(
                "AWS does not know the access key in {from}: it may have been deleted or deactivated; replace it, then \
                 run"
            ),
        };
        Some(Remedy::new(text))
    }
}

impl Chain {
    fn remedy(&self, error: &ProviderError) -> Option<Remedy> {
        // A refused role has an error code; without one, the base credentials failed.
        if error.operation == ASSUME_ROLE {
            return Some(self.remedy_of_role(error));
        }
        let remedy = match &self.base {
            Base::Missing { name, nearest } => {
                let named = match self.roles.last() {
                    Some(role) => format!(
                        "profile `{}` is assumed with profile `{name}`, which is not there",
                        role.profile
                    ),
                    None => format!("there is no profile `{name}`"),
                };
                match nearest {
                    Some(nearest) => Remedy::new(format!(
                        "{named}; did you mean `{nearest}`? `aws configure list-profiles` has them all; correct the \
                         name, then run"
                    )),
                    None => Remedy::new(format!(
                        "{named}; configure it, or name another, then run"
                    ))
                    .command(format!("aws configure sso --profile {}", word(name))),
                }
            }
            Base::SignIn { profile } => match error.code.as_str() {
                "ForbiddenException" => Remedy::new(format!(
                    "the sign-in is valid, but its user does not have the role that profile `{profile}` names in that \
                     account: correct `sso_account_id` and `sso_role_name`, or have the role assigned; then run"
                )),
                _ => sign_in(profile),
            },
            Base::NoSession { profile, session } => Remedy::new(format!(
                "profile `{profile}` names the sso-session `{session}`, which is not in the configuration file; make \
                 it, then run"
            ))
            .command("aws configure sso-session"),
            Base::Console { profile } => Remedy::new(format!(
                "profile `{profile}` is one of `aws login`, which only the AWS CLI reads; export its credentials, and \
                 run without --profile"
            ))
            .command(exported(profile)),
            Base::Process { profile } => Remedy::new(format!(
                "`credential_process` of profile `{profile}` failed; correct it (the first command tries it alone), then \
                 run"
            ))
            .command(format!(
                "aws sts get-caller-identity --profile {}",
                word(profile)
            )),
            Base::TokenFile { path } => token_file(path, error),
            Base::Nothing { profile } => Remedy::new(format!(
                "profile `{profile}` names no credentials; configure it, or name another, then run"
            ))
            .command(format!("aws configure sso --profile {}", word(profile))),
            Base::Keys { .. } | Base::Metadata => return None,
        };
        Some(remedy)
    }

    /// Returns the remedy for a role that AWS does not allow to be assumed.
    fn remedy_of_role(&self, error: &ProviderError) -> Remedy {
        if let Some(role) = self.roles.iter().find(|role| role.wants_code)
            && error.code == "AccessDenied"
        {
            return Remedy::new(format!(
                "profile `{}` needs an MFA code, which only the AWS CLI asks for; export its credentials, and run \
                 without --profile",
                role.profile
            ))
            .command(exported(&self.profile));
        }
        match error.code.as_str() {
            "ExpiredToken" | "ExpiredTokenException" | "InvalidClientTokenId" => {
                let with = match &self.base {
                    Base::SignIn { profile } => return sign_in(profile),
                    Base::Keys { profile, .. } => profile,
                    _ => &self.profile,
                };
                Remedy::new(format!(
                    "the credentials of profile `{with}`, with which the role is assumed, have expired or were \
                     revoked; renew them, then run"
                ))
            }
            _ => {
                let roles: Vec<&str> = self.roles.iter().map(|role| role.arn.as_str()).collect();
                Remedy::new(format!(
                    "let {} be assumed: allow sts:AssumeRole in a policy of the caller, and the caller in its trust \
                     policy; then run",
                    roles.join(" and ")
                ))
            }
        }
    }
}

fn sign_in(profile: &str) -> Remedy {
    Remedy::new("not signed in, or the sign-in has expired; sign in, then run")
        .command(format!("aws sso login --profile {}", word(profile)))
}

/// Returns the command that exports the AWS CLI's credentials into the environment of a shell.
fn exported(profile: &str) -> String {
    format!(
        "eval \"$(aws configure export-credentials --profile {} --format env)\"",
        word(profile)
    )
}

fn token_file(path: &str, error: &ProviderError) -> Remedy {
    let text = match error.code.as_str() {
        "ExpiredTokenException" | "ExpiredToken" => format!(
            "the web identity token in {path} has expired; renew it just before this step, then run"
        ),
        "InvalidIdentityToken" | "InvalidIdentityTokenException" => format!(
            "AWS does not take the web identity token in {path}: make the issuer an OIDC provider of this account, with \
             the audience that the token has; then run"
        ),
        "AccessDenied" => "let the trust policy of the role (AWS_ROLE_ARN) take tokens of this issuer, audience and \
                           subject, then run"
            .to_owned(),
        _ if !Path::new(path).exists() => format!(
            "the web identity token file {path} does not exist: the step that writes it has to run first (in GitHub \
             Actions aws-actions/configure-aws-credentials, with `permissions: id-token: write`); then run"
        ),
        _ => format!("check the web identity token in {path}, then run"),
    };
    Remedy::new(text)
}

/// Quotes a word for a shell.
fn word(text: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_./:@".contains(character);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// Returns whether an error is about the time: signatures carry it, and AWS refuses those that are more than five minutes
/// off.
pub fn is_about_time(error: &ProviderError) -> bool {
    error.code == "RequestTimeTooSkewed"
        || error.message.contains("Signature expired")
        || error.message.contains("Signature not yet current")
}
