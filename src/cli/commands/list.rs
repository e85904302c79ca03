//! `list`: the stacks that are live in an account, with a file here or without, and those that have only a file.

use std::collections::BTreeMap;

use clap::Args;
use futures_util::future::join_all;

use crate::aws::{ConnectError, Context, tag_index::stacks};
use crate::cli::arguments::boolean;
use crate::cli::report::{Failure, show};
use crate::cli::session::account::Account;
use crate::cli::session::files::{self, StackFile};
use crate::cli::{CommandResult, Exit, Invocation, environment};
use crate::deployment::History;
use crate::display::list::{self, Listed};
use crate::display::{Line, Message, Style, sanitize};
use crate::resource::shell::quoted;
use crate::resource::{ErrorKind, ProviderError, StackId, Tags, tags};
use crate::stack::region::REGIONS;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Look in every region of AWS, not only in those of the files.
    #[arg(long, env = "FDE_INFRA_ALL_REGIONS", value_parser = boolean)]
    all_regions: bool,
    /// Print JSON.
    #[arg(long, env = "FDE_INFRA_JSON", value_parser = boolean)]
    json: bool,
}

/// The head of a stack file.
struct File {
    path: String,
    stack: String,
    region: String,
    account: Option<String>,
}

/// A region that could not be read.
struct Unread {
    region: String,
    is_disabled: bool,
    error: ProviderError,
}

pub async fn run(invocation: &mut Invocation, arguments: &Arguments) -> CommandResult {
    let files = files(invocation);
    let wanted = wanted_regions(invocation, &files);
    let retry = invocation.retry_command();
    let retry = match (&invocation.global.region, arguments.all_regions) {
        (_, true) => retry.with_switch("--all-regions"),
        (Some(region), false) => retry.with("--region", [region]),
        (None, false) => retry,
    };
    let account = Account::connect(invocation, wanted.first().cloned(), retry).await?;
    let home = account.home.region.clone();
    let regions: Vec<String> = if arguments.all_regions {
        let of_partition = REGIONS
            .iter()
            .filter(|region| partition_of(region) == account.home.partition);
        let others = of_partition.filter(|region| **region != home);
        let others = others.map(|region| (*region).to_owned());
        [home.clone()].into_iter().chain(others).collect()
    } else if wanted.is_empty() {
        vec![home.clone()]
    } else {
        wanted
    };
    let place = match regions.as_slice() {
        [region] => region.clone(),
        regions => format!("{} regions", regions.len()),
    };
    let place = format!("{}, {place}", account.home.account_id);
    if invocation.can_animate() {
        let text = format!("Reading the stacks in {place} …");
        invocation.terminal.status(Line::styled(Style::Faint, text));
    }
    let reading = join_all(regions.iter().map(|region| read(&account, region, &home)));
    let answers = invocation.interrupts.guard(reading).await?;
    let mut read_regions: BTreeMap<String, Option<Context>> = BTreeMap::new();
    let mut found: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut unread = Vec::new();
    for (region, answer) in regions.into_iter().zip(answers) {
        match answer {
            Ok((context, index)) => {
                for tags in index {
                    let Some(stack) = tags.get(tags::STACK) else {
                        continue;
                    };
                    // What is listed here may belong to a stack of another region.
                    let of = tags.get(tags::REGION).unwrap_or(&region);
                    *found.entry((stack.to_owned(), of.to_owned())).or_default() += 1;
                }
                read_regions.insert(region, context);
            }
            Err(error) => unread.push(error),
        }
    }
    if read_regions.is_empty()
        && let Some(first) = unread.first()
    {
        let summary = "could not read which stacks there are";
        return Err(Failure::of_calling(invocation, summary, &first.error));
    }
    let account_id = account.home.account_id.clone();
    let mut stacks = joined(found, files, &account_id);
    stacks.retain(|listed| read_regions.contains_key(&listed.region) || listed.resources > 0);
    let context = |region: &str| match read_regions.get(region) {
        Some(Some(context)) => Some(context),
        Some(None) => Some(&account.home),
        None => None,
    };
    let context = &context;
    let asking = join_all(stacks.iter().map(|listed| async move {
        let stack = stack_id(&listed.stack)?;
        let context = context(&listed.region).filter(|_| listed.account.is_none())?;
        Some(History::of(&stack, context).last().await)
    }));
    let answers = invocation.interrupts.guard(asking).await?;
    invocation.terminal.clear_frame();
    let mut unknown: Option<ProviderError> = None;
    for (listed, answer) in stacks.iter_mut().zip(answers) {
        match answer {
            Some(Ok(last)) => listed.last = last,
            Some(Err(error)) => unknown = unknown.or(Some(error)),
            None => {}
        }
    }
    show(
        &warnings(&unread, unknown.as_ref()),
        &mut invocation.terminal,
    );
    if arguments.json {
        let regions: Vec<String> = read_regions.into_keys().collect();
        let unread = unread.into_iter();
        let unread: Vec<(String, String)> = unread
            .map(|unread| (unread.region, unread.error.to_string()))
            .collect();
        let document = list::document(&account_id, &regions, &unread, &stacks);
        let text = serde_json::to_string_pretty(&document)
            .map_err(|error| Failure::of_writing(&error.into()))?;
        let written = invocation.terminal.data(&sanitize::json(&text));
        written.map_err(|error| Failure::of_writing(&error))?;
        return Ok(Exit::Done);
    }
    if stacks.is_empty() {
        let text = format!("There is no stack in {place}, and no file in stacks/.");
        invocation.terminal.print(&[Line::plain(text)]);
        return Ok(Exit::Done);
    }
    let mut lines = vec![
        Line::styled(Style::Heading, "Stacks").and(format!(" ({place}):")),
        Line::new(),
    ];
    lines.extend(list::table(&stacks, invocation.terminal.width()));
    invocation.terminal.print(&lines);
    Ok(Exit::Done)
}

/// The heads of the files in `stacks/`. A file with faults is warned of and left out.
fn files(invocation: &mut Invocation) -> Vec<File> {
    let mut heads = Vec::new();
    for StackFile { path, offline, .. } in files::every(invocation) {
        let path = path.to_string_lossy().into_owned();
        let Ok(offline) = offline else {
            let message = Message::warning(format!("{path} has faults, and is left out"));
            let command = format!("fde-infra validate {}", quoted(&path));
            let message = message.help("to see them, run").command(command);
            show(&[message], &mut invocation.terminal);
            continue;
        };
        heads.push(File {
            path,
            stack: offline.graph.stack.to_string(),
            region: offline.stack.region.clone(),
            account: offline.stack.account.clone(),
        });
    }
    heads
}

/// The regions that are asked for, or else those of the files; none for the one that the AWS SDK takes.
fn wanted_regions(invocation: &Invocation, files: &[File]) -> Vec<String> {
    let named = invocation.global.region.clone().filter(|it| !it.is_empty());
    if let Some(region) = named.or_else(environment::aws_region) {
        return vec![region];
    }
    let mut regions: Vec<String> = files.iter().map(|file| file.region.clone()).collect();
    regions.sort();
    regions.dedup();
    regions
}

/// The partition that a region is in, by its name.
fn partition_of(region: &str) -> &'static str {
    const PARTITIONS: [(&str, &str); 7] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("us-isof-", "aws-iso-f"),
        ("eu-isoe-", "aws-iso-e"),
        ("eusc-", "aws-eusc"),
    ];
    let partition = PARTITIONS.iter().find(|(it, _)| region.starts_with(it));
    partition.map_or("aws", |(_, partition)| partition)
}

/// The tags of everything that belongs to a stack in a region, with the connection to it if that is not the first one.
async fn read(
    account: &Account,
    region: &str,
    home: &str,
) -> Result<(Option<Context>, Vec<Tags>), Unread> {
    let unread = |is_disabled, error| Unread {
        region: region.to_owned(),
        is_disabled,
        error,
    };
    if region == home {
        let found = stacks(&account.home).await;
        return found
            .map(|found| (None, found))
            .map_err(|error| unread(false, error));
    }
    let context = account.in_region(region).await;
    let context = context.map_err(|error| match error {
        ConnectError::RegionDisabled { source } => unread(true, source),
        ConnectError::Identity { source, .. } => unread(false, source),
        other => {
            let text = other.to_string();
            let error = ProviderError::new(ErrorKind::Invalid, "sts:GetCallerIdentity", text);
            unread(false, error)
        }
    })?;
    match stacks(&context).await {
        Ok(found) => Ok((Some(context), found)),
        Err(error) => Err(unread(false, error)),
    }
}

/// The stacks that are live, and those of the files, as one list.
fn joined(
    found: BTreeMap<(String, String), usize>,
    files: Vec<File>,
    account: &str,
) -> Vec<Listed> {
    let live = found
        .into_iter()
        .map(|((stack, region), resources)| Listed {
            stack,
            region,
            resources,
            last: None,
            file: None,
            account: None,
        });
    let mut all: Vec<Listed> = live.collect();
    for file in files {
        let elsewhere = file.account.filter(|of_file| of_file != account);
        let is_it = |listed: &&mut Listed| {
            listed.stack == file.stack && listed.region == file.region && listed.file.is_none()
        };
        let live = all.iter_mut().find(is_it).filter(|_| elsewhere.is_none());
        match live {
            Some(listed) => listed.file = Some(file.path),
            None => all.push(Listed {
                stack: file.stack,
                region: file.region,
                resources: 0,
                last: None,
                file: Some(file.path),
                account: elsewhere,
            }),
        }
    }
    all.sort_by(|left, right| {
        let key = |it: &Listed| (it.stack.clone(), it.region.clone(), it.file.clone());
        key(left).cmp(&key(right))
    });
    all
}

/// The stack that a tag names; `None` for a text that no stack file gives a stack. Anyone may have written it.
fn stack_id(text: &str) -> Option<StackId> {
    let (name, environment) = text.split_once('/')?;
    let is_plain = |part: &str| {
        let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        !part.is_empty() && part.chars().all(is_letter)
    };
    (is_plain(name) && is_plain(environment)).then(|| StackId {
        name: name.to_owned(),
        environment: environment.to_owned(),
    })
}

/// The warnings about what is missing in the list.
fn warnings(unread: &[Unread], unknown: Option<&ProviderError>) -> Vec<Message> {
    let names = |disabled| {
        let unread = unread.iter().filter(|it| it.is_disabled == disabled);
        let names: Vec<&str> = unread.map(|it| it.region.as_str()).collect();
        names.join(", ")
    };
    let mut messages = Vec::new();
    let disabled = names(true);
    if !disabled.is_empty() {
        let message = Message::warning("some regions are not enabled in this account");
        messages.push(message.fact("left out", disabled));
    }
    if let Some(first) = unread.iter().find(|it| !it.is_disabled) {
        let message = Message::warning("some regions could not be read");
        let message = message.fact("left out", names(false));
        messages.push(message.answer(&first.error));
    }
    if let Some(error) = unknown {
        let message = Message::warning("the last run of some stacks could not be read");
        messages.push(message.answer(error));
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_is_in_a_partition() {
        let count = |partition| {
            let of = REGIONS.iter().filter(|it| partition_of(it) == partition);
            of.count()
        };
        assert_eq!(count("aws-cn"), 2);
        assert_eq!(count("aws-us-gov"), 2);
        assert_eq!(count("aws-eusc"), 1);
        assert!(count("aws") > 30);
        assert_eq!(partition_of("us-isob-west-1"), "aws-iso-b");
    }

    #[test]
    fn a_stack_is_of_one_file_in_its_region_and_account() {
        let file = |path: &str, region: &str, account: Option<&str>| File {
            path: path.to_owned(),
            stack: "shop/dev".to_owned(),
            region: region.to_owned(),
            account: account.map(str::to_owned),
        };
        let found = BTreeMap::from([
            (("shop/dev".to_owned(), "eu-south-2".to_owned()), 3),
            (("lost/dev".to_owned(), "eu-south-2".to_owned()), 1),
        ]);
        let files = vec![
            file("a.yaml", "eu-south-2", Some("1")),
            file("b.yaml", "eu-west-1", None),
            file("c.yaml", "eu-south-2", Some("2")),
        ];
        let all = joined(found, files, "1");
        let brief: Vec<_> = all
            .iter()
            .map(|it| {
                (
                    it.stack.as_str(),
                    it.region.as_str(),
                    it.resources,
                    it.file.as_deref(),
                )
            })
            .collect();
        assert_eq!(
            brief,
            [
                ("lost/dev", "eu-south-2", 1, None),
                ("shop/dev", "eu-south-2", 3, Some("a.yaml")),
                ("shop/dev", "eu-south-2", 0, Some("c.yaml")),
                ("shop/dev", "eu-west-1", 0, Some("b.yaml")),
            ]
        );
    }

    #[test]
    fn no_tag_leads_to_another_parameter() {
        assert!(stack_id("shop/dev").is_some());
        for text in [
            "",
            "shop",
            "shop/",
            "shop/dev/lock",
            "../x",
            "shop/..",
            "a b/dev",
        ] {
            assert!(stack_id(text).is_none(), "{text}");
        }
    }
}
