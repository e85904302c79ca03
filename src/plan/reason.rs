//! The reasons for steps, for their order, and for what cannot be.

use std::fmt;

use crate::resource::Urn;

/// The reason for a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Because {
    /// It does not exist.
    Missing,
    /// It was there after the last run.
    Gone,
    /// The same as [`Self::Gone`], for an object that goes by itself where a person does not do their part.
    Lapsed,
    /// The file wants something else than before.
    Edited,
    /// Another party changed it.
    Drifted,
    /// A value of it that AWS never returns now comes from another source.
    Renewed,
    /// An earlier run left it unfinished.
    Unfinished(String),
    /// It will never be usable.
    Broken(String),
    /// These properties can only be had with a new object.
    CannotChange(Vec<String>),
    /// The resource with this URN is replaced, and this one cannot serve both.
    GoesWith(Urn),
    /// `--replace` names it.
    Requested,
    /// `--reboot` names it, and nothing else is to be done.
    Reboot,
    /// The file no longer has it.
    NotInFile,
    /// `destroy`.
    Destroy,
    /// A newer object has taken its place.
    Superseded,
    /// Other tools have deployed it in the place of ours; these images are removed, and these replace them.
    Deployed(Vec<(String, String)>),
    /// An AWS service has made it, and it is ours from now on.
    TakenOver,
    /// The file has another name for the object with this one.
    Renamed(String),
    /// `--remove` names it.
    Removed,
    /// Others have added it to an object that is deleted.
    WithParent,
    /// Its tags do not yet name its region, or the parts of it that are ours.
    Unmarked,
    /// Its tags record inputs that are no longer in force: an earlier run changed it, and could not tag it.
    Behind,
}

impl Because {
    /// Returns whether it was changed or deleted outside this program.
    pub fn is_drift(&self) -> bool {
        matches!(self, Self::Drifted | Self::Gone)
    }
}

impl fmt::Display for Because {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => formatter.write_str("not there"),
            Self::Gone => formatter.write_str("drift: gone"),
            Self::Lapsed => formatter
                .write_str("lapsed: never confirmed, or cancelled by its receiver; offered again"),
            Self::Edited => formatter.write_str("edited"),
            Self::Drifted => formatter.write_str("drift"),
            Self::Renewed => formatter.write_str("written again, its source is new"),
            Self::Unfinished(status) => write!(formatter, "unfinished: {status}"),
            Self::Broken(reason) => write!(formatter, "broken: {reason}"),
            Self::CannotChange(properties) => {
                write!(
                    formatter,
                    "cannot change in place: {}",
                    properties.join(", ")
                )
            }
            Self::GoesWith(urn) => write!(formatter, "goes with {}", urn.name()),
            Self::Requested => formatter.write_str("--replace"),
            Self::Reboot => formatter.write_str("--reboot"),
            Self::NotInFile => formatter.write_str("no longer in the file"),
            Self::Destroy => formatter.write_str("destroy"),
            Self::Superseded => formatter.write_str("left over from a replacement"),
            Self::Deployed(images) => {
                formatter.write_str("deployed by others; the file wants something else")?;
                for (before, after) in images {
                    write!(formatter, ": image {before} goes, {after} comes")?;
                }
                Ok(())
            }
            Self::TakenOver => formatter.write_str("takes over what is there"),
            Self::Renamed(before) => write!(formatter, "renamed from {before}"),
            Self::Removed => formatter.write_str("--remove"),
            Self::WithParent => formatter.write_str("added by others to what goes"),
            Self::Unmarked => formatter.write_str("records what is ours"),
            Self::Behind => formatter.write_str("records what is in force"),
        }
    }
}

/// The reason why the old object of a replacement goes before the new one stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeleteFirst {
    /// `deleteBeforeReplace`.
    Asked,
    /// Both have the same name, key or range.
    SamePlace,
    /// It needs this one, which goes first as well.
    With(Urn),
    /// This one is to have its place.
    PlaceWanted(Urn),
    /// Others that are to come or to go wait for it.
    InTheWay,
}

/// The reason why an object cannot be deleted when it would have to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// It would have to go before its users can move to its successor.
    DeleteFirst(DeleteFirst),
    /// Its user would move, but is no target, or excluded.
    OutOfReach,
    /// Its user goes on using it.
    Stays,
}
