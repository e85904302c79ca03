//! Names on the command line, and in the `accept`s of the file, that name nothing.

use super::Session;
use crate::cli::report::{self, Failure};
use crate::cli::{Exit, Invocation};
use crate::display::{Message, Terminal};
use crate::plan::{self, Request};
use crate::resource::nearest::nearest;
use crate::resource::{LiveSnapshot, Provider, Urn};
use crate::stack::region::REGIONS;

impl Session {
    /// Refuses names that name nothing. Such a name is a slip, and would make the plan another than the one that was meant.
    /// Only a consent may come too late: its object is gone already.
    pub(super) fn check_names(
        &self,
        invocation: &Invocation,
        live: &LiveSnapshot,
        request: &Request,
    ) -> Result<(), Failure> {
        let wanted = self
            .offline
            .graph
            .iter()
            .map(|resource| resource.urn.name());
        let names: Vec<&str> = wanted.chain(live.ours.keys().map(Urn::name)).collect();
        let mut messages = Vec::new();
        for (flag, patterns) in [
            ("--target", &request.targets),
            ("--exclude", &request.excludes),
            ("--replace", &request.replace),
            ("--reboot", &request.reboot),
        ] {
            for pattern in patterns {
                let alone = std::slice::from_ref(pattern);
                if names.iter().any(|name| plan::matches_any(alone, name)) {
                    continue;
                }
                let parts = names.iter().flat_map(|name| name.split('/').chain([*name]));
                let message = Message::error(format!("{flag} matches nothing"))
                    .fact("name", pattern.clone())
                    .fact("now", "nothing was changed");
                messages.push(match nearest(pattern, parts) {
                    Some(nearest) => message.help(format!("did you mean `{nearest}`?")),
                    None => message.help("all names are in").command(
                        invocation
                            .stack_command("preview")
                            .with_switch("--show-sames"),
                    ),
                });
            }
        }
        for pattern in &request.reboot {
            let alone = std::slice::from_ref(pattern);
            let wanted = self.offline.graph.iter().map(|resource| &resource.urn);
            let mut named = wanted
                .chain(live.ours.keys())
                .filter(|urn| plan::matches_any(alone, urn.name()))
                .peekable();
            let reboots = |urn: &Urn| {
                let schema = self.offline.catalog.get(urn.token());
                schema.is_some_and(|schema| schema.reboots.is_some())
            };
            if named.peek().is_some() && !named.any(reboots) {
                let message = Message::error("--reboot names what cannot be rebooted")
                    .fact("name", pattern.clone())
                    .fact("now", "nothing was changed")
                    .help("database instances can: `database/instance`, for one");
                messages.push(message);
            }
        }
        if !live.additions.is_empty() {
            // With no additions, an earlier run may have taken away the one that is named.
            let catalog = self.provider.catalog();
            let added = plan::names_of_additions(catalog, live);
            for pattern in &request.remove {
                if plan::names_an_addition(catalog, live, pattern) {
                    continue;
                }
                let message = Message::error("--remove matches nothing")
                    .fact("name", pattern.clone())
                    .fact("added by others", added.join(", "))
                    .fact("now", "nothing was changed");
                messages
                    .push(message.help("write one of these names, or the id that `preview` shows"));
            }
        }
        if messages.is_empty() {
            Ok(())
        } else {
            Err(Failure::several(Exit::Usage, messages))
        }
    }

    /// Warns about consents that name nothing. They may come too late, so that is no error; or they are slips.
    pub fn warn(&self, live: &LiveSnapshot, request: &Request, terminal: &mut Terminal) {
        let catalog = self.provider.catalog();
        let is_known = |pattern: &String| {
            let alone = std::slice::from_ref(pattern);
            let wanted = self.offline.graph.iter().map(|resource| &resource.urn);
            let mut names = wanted.chain(live.ours.keys()).map(Urn::name);
            let mut objects = live.ours.values().flatten();
            names.any(|name| plan::matches_any(alone, name))
                || objects.any(|object| object.id == *pattern)
        };
        let idle = |flag: &str, pattern: &String, help: &str| {
            Message::warning(format!("{flag} matches nothing"))
                .fact("name", pattern.clone())
                .help(help)
        };
        let is_addition =
            |pattern: &&String| plan::names_an_addition(catalog, live, pattern.as_str());
        let removed = request
            .remove
            .iter()
            .filter(|pattern| !is_addition(pattern));
        let removed = removed.map(|pattern| {
            let help = "`preview` shows what others have added, with ids";
            idle("--remove", pattern, help)
        });
        let consented = request.allow_delete.iter();
        let consented = consented.filter(|pattern| !is_known(pattern));
        let consented = consented.map(|pattern| {
            let help = "it takes the names that `preview --show-sames` lists, and physical names";
            idle("--allow-delete", pattern, help)
        });
        // A known region may be that of another stack of the same pipeline.
        let regions = request.allow_regions.iter().filter(|region| {
            let is_known = REGIONS.contains(&region.as_str());
            !region.is_empty() && !is_known && **region != self.offline.stack.region
        });
        let regions = regions.map(|region| {
            let help = format!("it takes regions, such as {}", self.offline.stack.region);
            idle("--allow-region", region, &help)
        });
        let accepted = plan::idle_accepts(&self.offline.graph, catalog, live);
        let accepted = accepted.into_iter().map(|(urn, pattern, others)| {
            Message::warning(format!("`accept` of {} matches nothing", urn.name()))
                .at(self.offline.place(urn))
                .fact("name", pattern)
                .fact("added by others", others.join(", "))
                .help("write one of these, or the id that `preview` shows")
        });
        let messages: Vec<Message> = removed
            .chain(consented)
            .chain(regions)
            .chain(accepted)
            .collect();
        report::show(&messages, terminal);
    }
}
