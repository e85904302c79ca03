//! The view of a plan: what is shown of it, and how wide.

use crate::plan::Plan;
use crate::resource::Catalog;

/// The view of a plan.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub plan: &'a Plan,
    pub catalog: &'a Catalog,
    /// Sections in the order in which they are shown.
    pub sections: &'a [&'a str],
    /// True if what stays as it is is shown, too.
    pub show_sames: bool,
    /// Columns; `None` where lines may have any length.
    pub width: Option<usize>,
}
