//! The time that a plan usually takes: the longest chain of its steps, by the table of usual times.

use std::time::Duration;

use super::line::{Line, wrap};
use super::style::Style;
use crate::execute::{Work, work};
use crate::plan::{Plan, Step};
use crate::resource::usual::{Operation, UsualTime};
use crate::resource::{Catalog, Urn};

/// The time for an operation that the table does not list.
const ANY: Duration = Duration::from_secs(2);

/// The time below which there is nothing to tell.
pub(super) const MINUTE: Duration = Duration::from_secs(60);

/// The time that a plan usually takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    pub(super) total: Duration,
    /// The resource whose step of the chain takes longest, and its usual time.
    pub(super) longest: (Urn, UsualTime),
    /// True where no object takes its time: in the local account.
    is_local: bool,
}

impl Estimate {
    /// The estimate for a plan; `None` for one that takes less than a minute.
    pub fn of(plan: &Plan, catalog: &Catalog, is_local: bool) -> Option<Self> {
        type Chain<'a> = (Duration, Option<(&'a Step, &'a UsualTime)>);
        // A step comes after those that it waits for.
        let mut chains: Vec<Chain<'_>> = Vec::with_capacity(plan.steps.len());
        for step in &plan.steps {
            let waits_for = step.waits_for.iter().filter_map(|on| chains.get(*on));
            let (begins, longest) = waits_for
                .max_by_key(|(ends, _)| *ends)
                .copied()
                .unwrap_or_default();
            let usual = usual(step, catalog).filter(|time| is_certain(step, time));
            let takes = usual.map_or(ANY, UsualTime::middle);
            let longer = usual
                .filter(|time| longest.is_none_or(|(_, longest)| longest.middle() < time.middle()));
            let longest = longer.map_or(longest, |time| Some((step, time)));
            chains.push((begins + takes, longest));
        }
        let (total, longest) = chains.into_iter().max_by_key(|(ends, _)| *ends)?;
        let (step, time) = longest.filter(|_| total >= MINUTE)?;
        Some(Self {
            total,
            longest: (step.urn.clone(), *time),
            is_local,
        })
    }

    /// The line of a preview.
    pub fn lines(&self, width: Option<usize>) -> Vec<Line> {
        const HEAD: &str = "Time:";
        let text = format!("{HEAD} {}", self.text(self.longest.0.name()));
        let mut lines = Vec::new();
        for (index, text) in wrap(&text, width).iter().enumerate() {
            lines.push(match text.strip_prefix(HEAD) {
                Some(rest) if index == 0 => Line::styled(Style::Heading, HEAD).and(rest),
                _ => Line::plain(text),
            });
        }
        lines
    }

    /// `about 10 min; the longest step is database/instance, usually 5–15 min`. `name` is that of the longest step as it is
    /// written there.
    pub(super) fn text(&self, name: &str) -> String {
        let place = if self.is_local {
            " on AWS, seconds here"
        } else {
            ""
        };
        let (total, usual) = (about(self.total), usually(&self.longest.1));
        format!("about {total}{place}; the longest step is {name}, {usual}")
    }

    /// The time that was expected, beside the one that it took.
    pub(super) fn expected(&self) -> String {
        let total = about(self.total);
        if self.is_local {
            format!("on AWS about {total}")
        } else {
            format!("expected: about {total}")
        }
    }
}

/// The usual time of a step, if it takes its time.
pub(super) fn usual<'a>(step: &Step, catalog: &'a Catalog) -> Option<&'a UsualTime> {
    let operation = match work(step) {
        Work::Create | Work::CreateReplacement => Operation::Create,
        Work::Update => Operation::Update,
        Work::Delete | Work::DeleteReplaced => Operation::Delete,
    };
    let touches = |property: &str| {
        let comparison = step.comparison();
        comparison.is_some_and(|comparison| comparison.diff.touches(property))
    };
    let times = &catalog.get(step.urn.token())?.usual;
    times.iter().find(|time| time.applies(operation, touches))
}

/// Returns whether the step certainly takes its time: a service starts no tasks before there is an image.
fn is_certain(step: &Step, time: &UsualTime) -> bool {
    let inputs = match step.comparison() {
        Some(comparison) => Some(&comparison.inputs),
        None => step.observed().map(|observed| &observed.inputs),
    };
    inputs.is_some_and(|inputs| time.is_certain(inputs))
}

/// `usually 5–15 min`.
pub(super) fn usually(time: &UsualTime) -> String {
    let minutes = |time: Duration| (time.as_secs() + 30) / 60;
    match (minutes(time.least), minutes(time.most).max(1)) {
        (0, most) => format!("usually up to {most} min"),
        (least, most) if least == most => format!("usually about {most} min"),
        (least, most) => format!("usually {least}–{most} min"),
    }
}

/// `12 min`, `1 h 05 min`.
fn about(time: Duration) -> String {
    let minutes = ((time.as_secs() + 30) / 60).max(1);
    match minutes {
        0..60 => format!("{minutes} min"),
        _ => format!("{} h {:02} min", minutes / 60, minutes % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{catalog, creation, everything, step};
    use super::*;

    fn text(estimate: &Estimate, width: Option<usize>) -> Vec<String> {
        let lines = estimate.lines(width);
        lines.iter().map(|line| line.render(false)).collect()
    }

    /// The database waits for the network, and the service is ready long before it.
    #[test]
    fn the_longest_chain_counts() {
        let plan = creation();
        let estimate = Estimate::of(&plan, &catalog(), false).expect("it takes minutes");
        assert_eq!(
            text(&estimate, Some(80)),
            ["Time: about 10 min; the longest step is database/instance, usually 5–15 min"]
        );
        assert_eq!(estimate.expected(), "expected: about 10 min");
        let local = Estimate::of(&plan, &catalog(), true).expect("it takes minutes");
        assert_eq!(
            text(&local, Some(60)),
            [
                "Time: about 10 min on AWS, seconds here; the longest step is",
                "database/instance, usually 5–15 min"
            ]
        );
        assert_eq!(local.expected(), "on AWS about 10 min");
    }

    #[test]
    fn a_service_without_a_known_number_of_tasks_is_not_counted() {
        let mut plan = creation();
        let database = step(&plan, "database/instance");
        plan.steps.truncate(database);
        assert_eq!(Estimate::of(&plan, &catalog(), false), None);
    }

    #[test]
    fn an_update_takes_its_time_only_for_some_properties() {
        let plan = everything();
        let database = &plan.steps[step(&plan, "database/instance")];
        let time = usual(database, &catalog()).map(usually);
        assert_eq!(time.as_deref(), Some("usually 5–20 min"));
        let role = &plan.steps[step(&plan, "services/api/taskRole")];
        assert_eq!(usual(role, &catalog()), None);
    }

    #[test]
    fn times_are_whole_minutes() {
        let says = |least, most| usually(&UsualTime::new(Operation::Create, least, most));
        assert_eq!(says(15, 160), "usually up to 3 min");
        assert_eq!(says(40, 65), "usually about 1 min");
        assert_eq!(says(80, 180), "usually 1–3 min");
        assert_eq!(about(Duration::from_secs(29)), "1 min");
        assert_eq!(about(Duration::from_secs(65 * 60)), "1 h 05 min");
    }
}
