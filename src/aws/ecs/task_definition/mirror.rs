//! The conversions between a part in our form and in the SDK's, made from one declaration.

use std::collections::HashMap;

use aws_sdk_ecs::types;
use aws_smithy_types::error::operation::BuildError;

/// A part in our form and in the SDK's.
pub(super) trait Mirror<Sdk>: Sized {
    fn from_sdk(sdk: &Sdk) -> Self;
    fn to_sdk(&self) -> Result<Sdk, BuildError>;
}

macro_rules! same {
    ($($type:ty),*) => {$(
        impl Mirror<$type> for $type {
            fn from_sdk(sdk: &$type) -> Self {
                sdk.clone()
            }

            fn to_sdk(&self) -> Result<$type, BuildError> {
                Ok(self.clone())
            }
        }
    )*};
}

same!(bool, i32, String, HashMap<String, String>);

/// Implements [`Mirror`] for enumerations, which are texts here: AWS judges a value that this version does not know.
macro_rules! text {
    ($($name:ident),*) => {$(
        impl Mirror<types::$name> for String {
            fn from_sdk(sdk: &types::$name) -> Self {
                sdk.as_str().to_owned()
            }

            fn to_sdk(&self) -> Result<types::$name, BuildError> {
                Ok(types::$name::from(self.as_str()))
            }
        }
    )*};
}

text!(
    ApplicationProtocol,
    ContainerCondition,
    DeviceCgroupPermission,
    EnvironmentFileType,
    FirelensConfigurationType,
    LogDriver,
    ResourceType,
    TransportProtocol,
    UlimitName,
    VersionConsistency
);

impl<Sdk, Ours: Mirror<Sdk>> Mirror<Vec<Sdk>> for Vec<Ours> {
    fn from_sdk(sdk: &Vec<Sdk>) -> Self {
        sdk.iter().map(Ours::from_sdk).collect()
    }

    fn to_sdk(&self) -> Result<Vec<Sdk>, BuildError> {
        self.iter().map(Ours::to_sdk).collect()
    }
}

impl<Sdk, Ours: Mirror<Sdk>> Mirror<Option<Sdk>> for Option<Ours> {
    fn from_sdk(sdk: &Option<Sdk>) -> Self {
        sdk.as_ref().map(Ours::from_sdk)
    }

    fn to_sdk(&self) -> Result<Option<Sdk>, BuildError> {
        self.as_ref().map(Ours::to_sdk).transpose()
    }
}

/// Declares one part of a container definition with the SDK's field names: the plain ones first, then those that are
/// options. The SDK's structs can only be made by their builders, so each part says how to make a blank one.
macro_rules! part {
    (
        $(#[$documentation:meta])*
        $name:ident, blank: $blank:expr,
        { $($(#[$plain_attribute:meta])* $plain:ident: $plain_type:ty,)* }
        { $($(#[$option_attribute:meta])* $option:ident: $option_type:ty,)* }
    ) => {
        $(#[$documentation])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub struct $name {
            $($(#[$plain_attribute])* pub $plain: $plain_type,)*
            $(
                $(#[$option_attribute])*
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $option: Option<$option_type>,
            )*
        }

        impl Mirror<types::$name> for $name {
            fn from_sdk(sdk: &types::$name) -> Self {
                Self {
                    $($plain: Mirror::from_sdk(&sdk.$plain),)*
                    $($option: Mirror::from_sdk(&sdk.$option),)*
                }
            }

            fn to_sdk(&self) -> Result<types::$name, BuildError> {
                let mut sdk = $blank;
                $(sdk.$plain = self.$plain.to_sdk()?;)*
                $(sdk.$option = self.$option.to_sdk()?;)*
                Ok(sdk)
            }
        }
    };
}

pub(super) use part;
