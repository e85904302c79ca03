//! The keys of the sections, by which one section speaks of another.

/// A section of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SectionKey {
    Network,
    Database,
    Services,
    LoadBalancer,
    Monitoring,
    Resources,
    Options,
    Outputs,
}

impl SectionKey {
    /// All of them, in the order in which a file reads best.
    const ALL: [Self; 8] = [
        Self::Network,
        Self::Database,
        Self::Services,
        Self::LoadBalancer,
        Self::Monitoring,
        Self::Resources,
        Self::Options,
        Self::Outputs,
    ];

    /// The key as it is written in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Database => "database",
            Self::Services => "services",
            Self::LoadBalancer => "loadBalancer",
            Self::Monitoring => "monitoring",
            Self::Resources => "resources",
            Self::Options => "options",
            Self::Outputs => "outputs",
        }
    }

    /// The section with this key.
    pub fn of(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == key)
    }

    /// Returns whether it becomes resources and offers outputs.
    pub fn is_component(self) -> bool {
        !matches!(self, Self::Resources | Self::Options | Self::Outputs)
    }
}
