//! Settings that are decided and not in force: those that wait for a window or a reboot, and those that an update takes
//! along.

use super::consequences::item;
use super::line::Line;
use super::style::Style;
use super::view::View;
use crate::execute::Report;
use crate::plan::{Action, Op, Plan, Step};
use crate::resource::diff::REBOOT;
use crate::resource::{Catalog, Condition, LiveSnapshot, Observed, Pending, Until, Urn, Value};

/// A setting of an object that waits for something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub urn: Urn,
    pub what: String,
    fate: Fate,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Fate {
    Reboot,
    Window(Option<String>),
    Maintenance {
        planned: Option<String>,
        forced: Option<String>,
    },
    Confirmation,
    Unknown,
    /// AWS says so of an object that can be used; true if the plan has nothing to do with it.
    Busy(bool),
    /// An update of the plan does at once what was left for the window.
    TakenAlong,
    /// It takes effect when these are rebooted.
    RebootOf(Vec<String>),
}

impl Waiting {
    /// The event that it waits for, in a word.
    pub fn word(&self) -> &'static str {
        match self.fate {
            Fate::Reboot | Fate::RebootOf(_) => "reboot",
            Fate::Window(_) => "window",
            Fate::TakenAlong => "update",
            Fate::Maintenance { .. } => "maintenance",
            Fate::Confirmation => "confirmation",
            Fate::Unknown => "unknown",
            Fate::Busy(_) => "busy",
        }
    }

    /// Returns whether it waits for the user, or for a person whom the user can tell.
    pub fn is_for_the_user(&self) -> bool {
        matches!(
            self.fate,
            Fate::Reboot | Fate::RebootOf(_) | Fate::Confirmation
        )
    }

    /// The resources that `up --reboot` names to put it in force.
    pub fn to_reboot(&self) -> Vec<String> {
        match &self.fate {
            Fate::Reboot => vec![self.urn.name().to_owned()],
            Fate::RebootOf(users) => users.clone(),
            _ => Vec::new(),
        }
    }

    /// The event that it waits for, in words, and what to do about it.
    pub fn sentence(&self) -> String {
        let event = self.event();
        let reboots = self.to_reboot().into_iter();
        let reboots: String = reboots.map(|name| format!(" --reboot {name}")).collect();
        if reboots.is_empty() {
            event
        } else {
            format!("{event}; to do it: `up{reboots}`")
        }
    }

    /// The event that it waits for, in words.
    pub fn event(&self) -> String {
        let what = &self.what;
        match &self.fate {
            Fate::Reboot => format!("{what} takes effect at the next reboot"),
            Fate::Window(Some(window)) => {
                format!("{what} waits for the maintenance window, {window}")
            }
            Fate::Window(None) => format!("{what} waits for the maintenance window"),
            Fate::Maintenance { planned, forced } => {
                maintenance(what, planned.as_deref(), forced.as_deref())
            }
            Fate::Confirmation => format!(
                "{what} gets nothing until its receiver follows the link that AWS has sent; after some days without it \
                 AWS drops the subscription, and `up` offers it again"
            ),
            Fate::Unknown => format!("which maintenance AWS has announced is unknown: {what}"),
            Fate::Busy(true) => {
                format!(
                    "its state is {what}; it counts as usable, and nothing is left for a run to do"
                )
            }
            Fate::Busy(false) => format!("its state is {what}"),
            Fate::TakenAlong => {
                format!(
                    "{what} was left for the maintenance window, and this update applies it at once"
                )
            }
            Fate::RebootOf(users) if users.is_empty() => {
                format!("{what} takes effect at the next reboot of what uses it")
            }
            Fate::RebootOf(users) => format!(
                "{what} takes effect at the next reboot of {}",
                users.join(", ")
            ),
        }
    }
}

/// The maintenance to come, and how to choose another time. Days are written so that the earlier one is smaller.
fn maintenance(what: &str, planned: Option<&str>, forced: Option<&str>) -> String {
    let when = match (planned, forced) {
        (Some(planned), Some(forced)) if planned < forced => {
            format!("applied in the maintenance window after {planned}, and by force on {forced}")
        }
        (_, Some(forced)) => {
            format!("applied by force on {forced}, whatever the maintenance window")
        }
        (Some(planned), None) => format!("applied in the maintenance window after {planned}"),
        (None, None) => "on offer; AWS does not apply it by itself".to_owned(),
    };
    format!("{what} is {when}; to choose the time: `aws rds apply-pending-maintenance-action`")
}

/// The settings that wait while the plan is carried out, and after it.
pub fn of_plan(plan: &Plan, catalog: &Catalog) -> Vec<Waiting> {
    let kept = plan
        .kept
        .iter()
        .map(|kept| (&kept.urn, &kept.observed, None));
    let updated = plan.steps.iter().filter_map(|step| match &step.action {
        Action::Update { observed, .. } => Some((&step.urn, observed, Some(step))),
        _ => None,
    });
    let objects: Vec<(&Urn, &Observed, Option<&Step>)> = kept.chain(updated).collect();
    let mut waiting: Vec<Waiting> = objects
        .iter()
        .flat_map(|(urn, observed, step)| of_object(urn, observed, *step, catalog))
        .collect();
    for (urn, observed, step) in &objects {
        let users = users(observed, &objects, catalog);
        waiting.extend(step.and_then(|step| static_settings(urn, step, users, catalog)));
    }
    waiting.sort_by(|left, right| (&left.urn, &left.what).cmp(&(&right.urn, &right.what)));
    waiting
}

/// The settings that wait once a run is over.
pub fn of_report(plan: &Plan, report: &Report, catalog: &Catalog) -> Vec<Waiting> {
    let objects: Vec<(&Urn, &Observed, Option<&Step>)> = report
        .objects
        .iter()
        .map(|(urn, observed)| (urn, observed, None))
        .collect();
    let mut waiting: Vec<Waiting> = objects
        .iter()
        .flat_map(|(urn, observed, _)| of_object(urn, observed, None, catalog))
        .collect();
    // Of instances that the run did not touch, it knows only how they were before.
    for id in &report.succeeded {
        let step = &plan.steps[*id];
        if let (Action::Update { .. }, Some(observed)) = (&step.action, step.observed()) {
            let rebooted = |urn: &Urn| {
                plan.steps.iter().enumerate().any(|(id, step)| {
                    step.urn == *urn && is_rebooted(step) && report.succeeded.contains(&id)
                })
            };
            let mut users = users(observed, &objects, catalog);
            users.retain(|user| !rebooted(user));
            waiting.extend(static_settings(&step.urn, step, users, catalog));
        }
    }
    waiting.sort_by(|left, right| (&left.urn, &left.what).cmp(&(&right.urn, &right.what)));
    waiting
}

fn of_object(
    urn: &Urn,
    observed: &Observed,
    step: Option<&Step>,
    catalog: &Catalog,
) -> Vec<Waiting> {
    let mut waiting: Vec<Waiting> = settings_of(urn, observed, step, catalog);
    if let Condition::Busy(status) = &observed.condition {
        waiting.push(Waiting {
            urn: urn.clone(),
            what: status.clone(),
            fate: Fate::Busy(step.is_none()),
        });
    }
    waiting
}

fn settings_of(
    urn: &Urn,
    observed: &Observed,
    step: Option<&Step>,
    catalog: &Catalog,
) -> Vec<Waiting> {
    let pending = catalog.get(urn.token()).and_then(|schema| schema.pending);
    let Some(pending) = pending else {
        return Vec::new();
    };
    let fate = |pending: &Pending| match (&pending.until, step) {
        (Until::Reboot, Some(step)) if is_rebooted(step) => None,
        (Until::Reboot, _) => Some(Fate::Reboot),
        // Another value takes its place.
        (Until::Window(_), Some(step)) if sets(step, pending) => None,
        (Until::Window(_), Some(step)) if is_at_once(step) => Some(Fate::TakenAlong),
        (Until::Window(window), _) => Some(Fate::Window(window.clone())),
        // No update has to do with it.
        (Until::Maintenance { planned, forced }, _) => Some(Fate::Maintenance {
            planned: planned.clone(),
            forced: forced.clone(),
        }),
        (Until::Confirmation, _) => Some(Fate::Confirmation),
        (Until::Unknown, _) => Some(Fate::Unknown),
        // See `new_defaults.rs`.
        (Until::NewDefault, _) => None,
    };
    pending(observed)
        .into_iter()
        .filter_map(|pending| {
            Some(Waiting {
                urn: urn.clone(),
                fate: fate(&pending)?,
                what: pending.what,
            })
        })
        .collect()
}

/// The settings that a step changes and that do not take effect by that change.
fn static_settings(urn: &Urn, step: &Step, users: Vec<&Urn>, catalog: &Catalog) -> Option<Waiting> {
    let names = catalog.get(urn.token())?.static_settings?;
    let names = names(&step.comparison()?.diff, &step.observed()?.inputs);
    if names.is_empty() {
        return None;
    }
    let users = users
        .into_iter()
        .map(|user| user.name().to_owned())
        .collect();
    Some(Waiting {
        urn: urn.clone(),
        what: names.join(", "),
        fate: Fate::RebootOf(users),
    })
}

/// The objects that can be rebooted and name this one, and are not rebooted by the plan.
fn users<'a>(
    used: &Observed,
    objects: &[(&'a Urn, &Observed, Option<&Step>)],
    catalog: &Catalog,
) -> Vec<&'a Urn> {
    let id = Value::from(used.id.as_str());
    let uses = |observed: &Observed| observed.inputs.values().any(|value| *value == id);
    objects
        .iter()
        .filter(|(urn, ..)| {
            catalog
                .get(urn.token())
                .is_some_and(|s| s.reboots.is_some())
        })
        .filter(|(_, observed, step)| uses(observed) && !step.is_some_and(is_rebooted))
        .map(|(urn, ..)| *urn)
        .collect()
}

fn is_rebooted(step: &Step) -> bool {
    step.comparison()
        .is_some_and(|comparison| comparison.diff.touches(REBOOT))
}

/// Returns whether the step gives the property that waits a value of its own.
fn sets(step: &Step, pending: &Pending) -> bool {
    let property = pending.what.split(' ').next().unwrap_or_default();
    step.comparison()
        .is_some_and(|comparison| comparison.diff.touches(property))
}

/// Returns whether the step is a call that does not wait for the window, with which AWS applies all that does.
fn is_at_once(step: &Step) -> bool {
    let Some(comparison) = step.comparison() else {
        return false;
    };
    let waits = comparison
        .inputs
        .get("applyImmediately")
        .and_then(Value::as_bool)
        == Some(false);
    let calls = comparison
        .diff
        .changes
        .iter()
        .any(|change| change.path != REBOOT.into());
    calls && !waits
}

/// The block of a preview or a summary; nothing if nothing is waiting.
pub fn block(waiting: &[Waiting], width: Option<usize>) -> Vec<Line> {
    let mut lines = Vec::new();
    for waiting in waiting {
        item(
            Op::Update,
            waiting.urn.name(),
            &waiting.sentence(),
            width,
            &mut lines,
        );
    }
    if !lines.is_empty() {
        lines.insert(0, Line::styled(Style::Heading, "Pending:"));
    }
    lines.extend(to_confirm(waiting).map(|text| Line::plain("    ").with(Style::Warning, text)));
    lines
}

/// The number of settings that are still to be confirmed, as a line.
fn to_confirm(waiting: &[Waiting]) -> Option<String> {
    let is_one = |waiting: &&Waiting| waiting.fate == Fate::Confirmation;
    match waiting.iter().filter(is_one).count() {
        0 => None,
        1 => Some("1 subscription is not confirmed yet".to_owned()),
        count => Some(format!("{count} subscriptions are not confirmed yet")),
    }
}

/// The live settings that are still to be confirmed, in one line for commands that plan nothing.
pub fn unconfirmed(live: &LiveSnapshot, catalog: &Catalog) -> Option<String> {
    let objects = live.ours.iter();
    let objects = objects.flat_map(|(urn, objects)| objects.iter().map(move |it| (urn, it)));
    let waiting: Vec<Waiting> = objects
        .flat_map(|(urn, observed)| of_object(urn, observed, None, catalog))
        .filter(|waiting| waiting.fate == Fate::Confirmation)
        .collect();
    let names: Vec<&str> = waiting.iter().map(|it| it.what.as_str()).collect();
    Some(format!("{}: {}", to_confirm(&waiting)?, names.join(", ")))
}

/// The block of a preview.
pub(super) fn of_view(view: View<'_>) -> Vec<Line> {
    block(&of_plan(view.plan, view.catalog), view.width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maintenance_says_when_it_comes_by_itself() {
        let says = |planned, forced| maintenance("system-update", planned, forced);
        let (early, late) = (Some("2026-12-15"), Some("2027-01-20"));
        assert!(says(early, late).starts_with(
            "system-update is applied in the maintenance window after 2026-12-15, and by force on 2027-01-20;"
        ));
        assert!(
            says(None, late)
                .starts_with("system-update is applied by force on 2027-01-20, whatever")
        );
        // Where the window comes too late, it is the date that counts.
        assert!(
            says(late, early)
                .starts_with("system-update is applied by force on 2026-12-15, whatever")
        );
        assert!(says(early, None).contains("in the maintenance window after 2026-12-15;"));
        assert!(says(None, None).starts_with("system-update is on offer; AWS does not apply it"));
    }
}
