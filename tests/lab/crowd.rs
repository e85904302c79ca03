//! An account that is shared with others: P18 of `promises.md`. Counts and memory are judged; of the time, that it has an
//! end, since most of it is the local account's, which answers one call at a time and looks through all that it holds for
//! each.

use std::time::Duration;

use aws_sdk_resourcegroupstagging::types::TagFilter;

use crate::REGION;
use crate::account::Account;
use crate::http;
use crate::inventory::block_on;
use crate::job::{DESTROY, EDIT, Job, MOVE, UP};
use crate::sdk::Sdk;
use crate::world::{World, judge, more_often};

/// The number of objects of each kind that the promise is about.
const MANY: usize = 2_000;

/// More than a page of every listing but those of a thousand.
const SOME: usize = 450;

/// Calls of a preview of the reference stack: twice P1.
const CALLS: usize = 100;

/// The most megabytes that a preview may take among the objects of others, beyond what it takes without them: the longest
/// pages, of which several are read at once.
const MEMORY: u64 = 64;

const TIME: Duration = Duration::from_secs(120);

const ANSWERS: &str = "the account answers";

/// Puts this many objects of others of each kind into an account. Half of their names begin as those of a sister of ours
/// would.
fn crowd(account: &Account, each: usize) {
    let path = format!("/_account/strangers?each={each}&like=happyrobot-fde-demo&region={REGION}");
    http::post(&account.endpoint, &path);
}

fn megabytes(memory: Option<u64>) -> String {
    memory.map_or_else(|| "?".to_owned(), |memory| memory.to_string())
}

/// Previews a stack, alone and among the objects of others, and returns what is too much.
fn preview_in_a_crowd(job: &'static Job, most: impl Fn(usize) -> usize) -> Vec<String> {
    let world = World::of(job);
    let words = ["preview", job.stack, "--expect-no-changes"];
    let (alone, small) = world.run_measured(&words);
    assert_eq!(alone.status, Some(0), "{}", alone.last_words());
    crowd(&world.account, MANY);
    let (crowded, large) = world.run_measured(&words);
    assert_eq!(crowded.status, Some(0), "{}", crowded.last_words());
    let most = most(alone.calls.len());
    let what = format!(
        "preview of {} beside {MANY} objects of others of each kind: {} calls of at most {most}, {:.1} s, {} MB; alone {} \
         calls, {:.1} s, {} MB",
        job.stack,
        crowded.calls.len(),
        crowded.elapsed.as_secs_f64(),
        megabytes(large),
        alone.calls.len(),
        alone.elapsed.as_secs_f64(),
        megabytes(small),
    );
    let more = more_often(&crowded.calls, &alone.calls);
    println!("{what}\n    {more}");
    let has_grown = large
        .zip(small)
        .is_some_and(|(large, small)| large > small + MEMORY);
    let mut failures = Vec::new();
    if crowded.calls.len() > most {
        failures.push(format!("too many calls: {what}\n    {more}"));
    }
    if has_grown {
        failures.push(format!("too much memory: {what}"));
    }
    if crowded.elapsed > TIME {
        failures.push(format!("too long: {what}"));
    }
    failures
}

/// P18: the objects of others in the account are neither listed to the end nor asked for their tags.
#[test]
fn a_preview_among_the_objects_of_others_takes_at_most_twice_its_calls() {
    let mut failures = preview_in_a_crowd(&MOVE, |_| CALLS);
    // With a web ACL and a policy of its own.
    failures.extend(preview_in_a_crowd(&EDIT, |alone| 2 * alone));
    let what = format!("previews beside {MANY} objects of others of each kind");
    judge("P18", &what, None, (2, failures));
}

/// The objects of others, of kinds that are found in several ways: by name, by page and by tag.
async fn theirs(sdk: &Sdk) -> [usize; 3] {
    let mut groups = sdk.elbv2.describe_target_groups().into_paginator().send();
    let mut repositories = sdk.ecr.describe_repositories().into_paginator().send();
    let mut databases = sdk.rds.describe_db_instances().into_paginator().send();
    let mut counts = [0; 3];
    while let Some(page) = groups.next().await {
        let page = page.expect(ANSWERS);
        let names = page.target_groups().iter();
        let names = names.filter_map(|group| group.target_group_name());
        counts[0] += names.filter(|name| is_theirs(name)).count();
    }
    while let Some(page) = repositories.next().await {
        let page = page.expect(ANSWERS);
        let names = page.repositories().iter();
        let names = names.filter_map(|repository| repository.repository_name());
        counts[1] += names.filter(|name| is_theirs(name)).count();
    }
    while let Some(page) = databases.next().await {
        let page = page.expect(ANSWERS);
        let names = page.db_instances().iter();
        let names = names.filter_map(|database| database.db_instance_identifier());
        counts[2] += names.filter(|name| is_theirs(name)).count();
    }
    counts
}

fn is_theirs(name: &str) -> bool {
    name.starts_with("theirs-") || name.starts_with("happyrobot-fde-demo-")
}

/// The index entries of the reference stack. A secret stays in the index through its recovery window.
async fn ours(sdk: &Sdk) -> Vec<String> {
    let of_stack = TagFilter::builder()
        .key("fde:stack")
        .values("happyrobot-fde/dev")
        .build();
    let asked = sdk.tagging.get_resources().tag_filters(of_stack);
    let answer = asked.resources_per_page(100).send().await.expect(ANSWERS);
    let arns = answer.resource_tag_mapping_list().iter();
    let arns = arns.filter_map(|mapping| mapping.resource_arn());
    let arns = arns.filter(|arn| !arn.contains(":secret:"));
    arns.map(str::to_owned).collect()
}

#[test]
fn among_the_objects_of_others_all_of_ours_is_found_to_be_deleted_and_nothing_of_theirs_is() {
    let world = World::of(&DESTROY);
    crowd(&world.account, SOME);
    let counted = || {
        block_on(async {
            let sdk = Sdk::new(&world.account.endpoint).await;
            (ours(&sdk).await, theirs(&sdk).await)
        })
    };
    let (before, others) = counted();
    assert!(before.len() > 40, "{before:?}");
    assert_eq!(others, [SOME; 3]);
    let words = ["destroy", "dev", "--yes", "--parallel", "32"];
    let ran = world.run_words(&[], &words);
    assert_eq!(ran.status, Some(0), "{}", ran.last_words());
    assert_eq!(counted(), (Vec::new(), others));
}

#[test]
fn among_the_objects_of_others_a_name_that_is_taken_shows_before_anything_is_made() {
    let world = World::of(&UP);
    crowd(&world.account, SOME);
    block_on(async {
        let sdk = Sdk::new(&world.account.endpoint).await;
        let repository = sdk.ecr.create_repository();
        let repository = repository.repository_name("happyrobot-api");
        repository.send().await.expect(ANSWERS);
        let database = sdk.rds.create_db_instance();
        let database = database.db_instance_identifier("happyrobot-fde-postgres");
        let database = database.engine("postgres").allocated_storage(20);
        let database = database.db_instance_class("db.t3.micro");
        let database = database.master_username("theirs");
        let database = database.master_user_password("theirs-for-long");
        database.send().await.expect(ANSWERS);
    });
    let ran = world.run_words(&[], &["preview", "dev"]);
    assert_eq!(ran.status, Some(5), "{}", ran.last_words());
    for taken in ["happyrobot-api", "happyrobot-fde-postgres"] {
        let said = format!("taken by  `{taken}`");
        assert!(ran.screen.contains(&said), "{}", ran.screen);
    }
}
