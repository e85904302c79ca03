//! The faults of a stack file, and their places: codes, labelled spans and help, for `cli` to render.
//!
//! Faults are collected, never returned one at a time. A summary carries no user data, so that a known fault is recognised
//! at a glance; what the author wrote is in the labels.

use std::fmt;
use std::ops::Range;

/// The names that flags have among the sources.
pub const FLAGS: [&str; 2] = ["--set", "--set-new"];

/// A text that a stack was read from: the file, a layer below it, or a `--set` flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// `stacks/dev.yaml`, or `--set` for a flag.
    pub name: String,
    pub text: String,
}

impl Source {
    /// True for the text of a flag.
    pub fn is_flag(&self) -> bool {
        FLAGS.contains(&self.name.as_str())
    }
}

/// A place in one of the sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// Index into the sources.
    pub source: u32,
    /// In bytes.
    pub offset: u32,
    /// In bytes.
    pub length: u32,
}

impl Span {
    pub fn new(source: u32, range: Range<usize>) -> Self {
        Self {
            source,
            offset: range.start as u32,
            length: range.end.saturating_sub(range.start) as u32,
        }
    }

    /// The bytes of the source that it covers.
    pub fn range(self) -> Range<usize> {
        self.offset as usize..self.offset as usize + self.length as usize
    }
}

/// A place, and what to say about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    pub span: Span,
    pub text: String,
}

/// One fault: what kind, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackError {
    pub fault: Fault,
    /// The place at fault first, then what it clashes with.
    pub labels: Vec<Label>,
    pub help: Option<String>,
}

impl StackError {
    pub fn new(fault: Fault, span: Span, label: impl Into<String>) -> Self {
        Self {
            fault,
            labels: vec![Label {
                span,
                text: label.into(),
            }],
            help: None,
        }
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Suggests the nearest valid word, where there is one.
    #[must_use]
    pub fn suggest(self, nearest: Option<String>) -> Self {
        match nearest {
            Some(nearest) => self.help(format!("did you mean `{nearest}`?")),
            None => self,
        }
    }

    /// Points at another place that is related to the fault.
    #[must_use]
    pub fn also(mut self, span: Span, label: impl Into<String>) -> Self {
        self.labels.push(Label {
            span,
            text: label.into(),
        });
        self
    }

    /// `fde::stack::unknown_key`.
    pub fn code(&self) -> &'static str {
        self.fault.code()
    }

    /// The start of the fault, by which a report is ordered.
    pub fn place(&self) -> Span {
        self.labels
            .first()
            .map(|label| label.span)
            .unwrap_or_default()
    }
}

impl fmt::Display for StackError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.fault.summary())
    }
}

impl std::error::Error for StackError {}

/// Every fault of a stack, with the texts that the spans point into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackErrors {
    pub sources: Vec<Source>,
    pub errors: Vec<StackError>,
    /// The number of faults beyond these.
    pub omitted: usize,
}

/// The most faults in a report: no one reads more at a time.
const MOST_TOLD: usize = 100;

impl StackErrors {
    /// The first faults in the order of the text, without repetitions.
    pub fn new(sources: &[Source], mut errors: Vec<StackError>) -> Self {
        errors.sort_by_key(StackError::place);
        errors.dedup();
        let omitted = errors.len().saturating_sub(MOST_TOLD);
        errors.truncate(MOST_TOLD);
        Self {
            sources: sources.to_vec(),
            errors,
            omitted,
        }
    }
}

impl fmt::Display for StackErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Faults in several sources are faults of the stack that these form together, which has the name of the first
        // source.
        let mut places = self.errors.iter().map(|error| error.place().source);
        let first = places.next().unwrap_or_default();
        let source = if places.all(|other| other == first) {
            first
        } else {
            0
        };
        let name = self
            .sources
            .get(source as usize)
            .map_or("the stack", |source| &source.name);
        match (self.errors.len(), self.omitted) {
            (1, 0) => write!(formatter, "{name} has a fault"),
            (count, 0) => write!(formatter, "{name} has {count} faults"),
            (told, more) => write!(formatter, "{name} has these {told} faults, and {more} more"),
        }
    }
}

impl std::error::Error for StackErrors {}

/// Declares the kinds of fault, each with its code and its summary.
macro_rules! faults {
    ($($name:ident $code:literal $summary:literal)*) => {
        /// A kind of fault.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Fault { $(#[doc = $summary] $name,)* }

        impl Fault {
            /// The code by which scripts and searches know it.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => concat!("fde::stack::", $code),)* }
            }

            /// The summary by which a reader knows it.
            pub const fn summary(self) -> &'static str {
                match self { $(Self::$name => $summary,)* }
            }
        }
    };
}

faults! {
    // The text.
    Unreadable "unreadable" "the stack file cannot be read"
    TooLarge "too_large" "the file is too large"
    ControlCharacter "control_character" "a character that does not belong in a stack file"
    Syntax "syntax" "this is not valid YAML"
    TooDeep "too_deep" "nested too deeply"
    SeveralDocuments "several_documents" "more than one document"
    YamlTag "yaml_tag" "YAML tags are not supported"
    MergeKey "merge_key" "merge keys are not supported"
    Alias "alias" "aliases grow out of bounds"
    KeyNotText "key_not_text" "a key must be text"
    DuplicateKey "duplicate_key" "duplicate key"
    Number "number" "a number that cannot be kept exactly"
    // Layers and flags.
    Extends "extends" "the file it extends cannot be used"
    SetFlag "set_flag" "a `--set` that cannot be applied"
    // The structure.
    UnknownKey "unknown_key" "unknown key"
    MissingKey "missing_key" "missing key"
    WrongType "wrong_type" "wrong type"
    OutOfRange "out_of_range" "out of range"
    UnknownWord "unknown_word" "unknown value"
    EmptySection "empty_section" "a section without a value"
    NoValue "no_value" "a key without a value"
    Unsupported "unsupported" "not supported yet"
    // References.
    MalformedReference "malformed_reference" "malformed reference"
    BrokenReference "broken_reference" "a reference to nothing"
    MisplacedReference "misplaced_reference" "a reference cannot stand here"
    SecretInTheOpen "secret_in_the_open" "a secret cannot stand here"
    Cycle "cycle" "resources that need each other"
    // What the keys say.
    Name "name" "a name that cannot be used"
    Region "region" "not an AWS region"
    UnknownRegion "unknown_region" "a region that fde-infra does not know"
    Account "account" "not an AWS account number"
    Tag "tag" "a tag that cannot be set"
    Cidr "cidr" "an unusable address range"
    CidrOverlap "cidr_overlap" "overlapping address ranges"
    Zones "zones" "subnets and zones do not match"
    MissingSection "missing_section" "a section that another needs"
    FargateSize "fargate_size" "Fargate has no such size"
    DefaultService "default_service" "exactly one service is the default"
    Route "route" "an unusable route"
    RouteClash "route_clash" "clashing routes"
    Value "value" "a value that cannot work"
    // Settings that work, but may not be intended.
    Unencrypted "unencrypted" "traffic that nothing encrypts"
    // Raw resources and options.
    UnknownType "unknown_type" "unknown resource type"
    UnknownResource "unknown_resource" "unknown resource"
    Duplicate "duplicate" "declared twice"
    Taken "taken" "one and the same, twice"
    // Limits of AWS.
    Limit "limit" "more than AWS takes"
    Quota "quota" "more than AWS's default quota"
}
