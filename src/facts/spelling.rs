//! The two spellings of types and properties: CloudFormation's, and that of Pulumi's AWS Native package.
//!
//! The second is derived from the first by rule: a run of capitals and digits is one word, of which only the first letter
//! keeps its case, and the name of a property begins with a small letter: `DBProxy` is `DbProxy`, `KmsKeyId` is `kmsKeyId`,
//! `SubnetARNs` is `subnetArns`.

/// The way in which a file writes a type: its token, and the keys of its properties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// `AWS::SQS::Queue`, `QueueName`.
    CloudFormation,
    /// `aws-native:sqs:Queue`, `queueName`.
    Native,
}

impl Spelling {
    /// The spelling of a type's name; `None` for a type of neither.
    pub fn of(name: &str) -> Option<Self> {
        if name.starts_with("AWS::") {
            Some(Self::CloudFormation)
        } else if name.starts_with(PACKAGE) {
            Some(Self::Native)
        } else {
            None
        }
    }

    /// The spelling of a property.
    pub fn property(self, name: &str) -> String {
        match self {
            Self::CloudFormation => name.to_owned(),
            Self::Native => property_name(name),
        }
    }
}

/// The beginning of all tokens.
pub const PACKAGE: &str = "aws-native:";

/// The token of a type, by CloudFormation's name: `aws-native:sqs:Queue`.
pub fn token(name: &str) -> Option<String> {
    let (service, name) = name.strip_prefix("AWS::")?.split_once("::")?;
    Some(format!("{PACKAGE}{}:{}", module(service), type_name(name)))
}

/// The module of a service, the second part of a token.
pub fn module(service: &str) -> String {
    match service {
        // `config` is how a Pulumi program reads its settings.
        "Config" => "configuration".to_owned(),
        service => service.to_lowercase(),
    }
}

/// The last part of a token.
pub fn type_name(name: &str) -> String {
    as_words(name)
}

/// The name of a property.
pub fn property_name(name: &str) -> String {
    let words = as_words(name);
    let mut characters = words.chars();
    match characters.next() {
        Some(first) => first.to_ascii_lowercase().to_string() + characters.as_str(),
        None => words,
    }
}

/// Turns each run of capitals and digits into one word. The last capital of a run begins the next word, except at the end and
/// before the `s` of a plural.
fn as_words(name: &str) -> String {
    let is_capital = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    let bytes = name.as_bytes();
    let mut words = String::with_capacity(name.len());
    let mut at = 0;
    while at < bytes.len() {
        let run = bytes[at..]
            .iter()
            .take_while(|byte| is_capital(byte))
            .count();
        if run < 2 {
            let length = name[at..].chars().next().map_or(1, char::len_utf8);
            words.push_str(&name[at..at + length]);
            at += length;
            continue;
        }
        let end = at + run;
        let is_plural = bytes.get(end) == Some(&b's') && bytes.get(end + 1).is_none_or(is_capital);
        let end = if end == bytes.len() || is_plural {
            end
        } else {
            end - 1
        };
        words.push_str(&name[at..=at]);
        words.push_str(&name[at + 1..end].to_ascii_lowercase());
        at = end;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_capitals_is_one_word() {
        for (name, expected) in [
            ("QueueName", "queueName"),
            ("KmsMasterKeyId", "kmsMasterKeyId"),
            ("SSESpecification", "sseSpecification"),
            ("EC2ManagedKey", "ec2ManagedKey"),
            ("SubnetARNs", "subnetArns"),
            ("VPCs", "vpcs"),
            ("ANewIPAddress", "aNewIpAddress"),
            ("UseHTTP2", "useHttp2"),
            ("A", "a"),
            ("", ""),
            ("deadLetterTargetArn", "deadLetterTargetArn"),
        ] {
            assert_eq!(property_name(name), expected, "{name}");
        }
    }

    #[test]
    fn tokens_are_those_of_the_package() {
        for (name, expected) in [
            ("AWS::SQS::Queue", "aws-native:sqs:Queue"),
            ("AWS::EC2::VPCEndpoint", "aws-native:ec2:VpcEndpoint"),
            ("AWS::RDS::DBProxy", "aws-native:rds:DbProxy"),
            ("AWS::WAFv2::IPSet", "aws-native:wafv2:IpSet"),
            (
                "AWS::Config::ConfigRule",
                "aws-native:configuration:ConfigRule",
            ),
            ("AWS::IAM::OIDCProvider", "aws-native:iam:OidcProvider"),
        ] {
            assert_eq!(token(name).as_deref(), Some(expected));
        }
        assert_eq!(token("Custom::Thing"), None);
    }
}
