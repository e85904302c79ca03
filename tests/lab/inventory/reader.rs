//! One thing in an account, and the reading of all of them: reads that do not depend on each other are made at once.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::{Debug, Display};

use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use futures_util::future::{LocalBoxFuture, join_all};
use percent_encoding::percent_decode_str;

use super::{access, network, services, storage, watching};
use crate::sdk::{Sdk, Tags};

pub const ANSWERS: &str = "the account answers";

/// One thing in the account.
pub struct Thing {
    pub kind: &'static str,
    /// The identifier by which others know it: an id, a name or an ARN.
    pub id: String,
    /// The key that tells it from its siblings, if it has no tags of its own.
    pub key: String,
    /// The ids of the things that it belongs to and that it leads to.
    pub within: Vec<String>,
    pub tags: Tags,
    /// All there is to know.
    pub whole: String,
    /// The generated password in it.
    pub password: Option<String>,
    /// The ARN by which the index of tags knows it.
    arn: String,
}

impl Thing {
    pub fn new<'a>(kind: &'static str, id: impl Into<Option<&'a str>>, whole: &impl Debug) -> Self {
        let id = id.into().unwrap_or_default().to_owned();
        Self {
            kind,
            arn: id.clone(),
            id,
            key: String::new(),
            within: Vec::new(),
            tags: Tags::new(),
            whole: format!("{whole:?}"),
            password: None,
        }
    }

    pub fn key(mut self, key: impl Display) -> Self {
        self.key = key.to_string();
        self
    }

    pub fn within<'a>(mut self, ids: impl IntoIterator<Item = Option<&'a str>>) -> Self {
        let ids = ids.into_iter().flatten();
        self.within.extend(ids.map(str::to_owned));
        self
    }

    pub fn tags(mut self, tags: Tags) -> Self {
        self.tags = tags;
        self
    }

    /// It has its tags in the index, under another name than its own.
    pub fn indexed(mut self, arn: Option<&str>) -> Self {
        arn.unwrap_or_default().clone_into(&mut self.arn);
        self
    }

    /// A document that belongs to it: a policy, or the body of a dashboard. Services encode them as they please.
    pub fn document(mut self, name: &str, text: Option<&str>) -> Self {
        if let Some(text) = text {
            let text = percent_decode_str(text).decode_utf8_lossy();
            self.whole.push_str(&format!(" {{\"{name}\":{text}}}"));
        }
        self
    }
}

/// Everything in an account.
pub async fn things(sdk: &Sdk) -> Vec<Thing> {
    // In boxes: one future in the other, they would be too large for the stack of a thread.
    let readings: Vec<LocalBoxFuture<'_, Vec<Thing>>> = vec![
        Box::pin(network::network(sdk)),
        Box::pin(network::security_groups(sdk)),
        Box::pin(services::containers(sdk)),
        Box::pin(services::repositories(sdk)),
        Box::pin(services::balancers(sdk)),
        Box::pin(services::scaling(sdk)),
        Box::pin(storage::databases(sdk)),
        Box::pin(storage::secrets(sdk)),
        Box::pin(storage::buckets(sdk)),
        Box::pin(access::identities(sdk)),
        Box::pin(access::keys(sdk)),
        Box::pin(access::web_acls(sdk)),
        Box::pin(watching::alarms(sdk)),
        Box::pin(watching::dashboards(sdk)),
        Box::pin(watching::log_groups(sdk)),
        Box::pin(watching::topics(sdk)),
    ];
    let (index, read) = tokio::join!(index(sdk), join_all(readings));
    let mut things: Vec<Thing> = read.into_iter().flatten().collect();
    for thing in &mut things {
        if let Some(tags) = index.get(&thing.arn) {
            thing.tags.extend(tags.clone());
        }
    }
    things
}

/// The tags that the tagging API knows, for things that do not show their tags themselves.
async fn index(sdk: &Sdk) -> BTreeMap<String, Tags> {
    let mut index = BTreeMap::new();
    let pages = sdk.tagging.get_resources().resources_per_page(100);
    let mut pages = pages.into_paginator().send();
    while let Some(page) = pages.next().await {
        for mapping in page.expect(ANSWERS).resource_tag_mapping_list() {
            let tags = mapping.tags().iter();
            let tags = tags.map(|tag| (tag.key().to_owned(), tag.value().to_owned()));
            let arn = mapping.resource_arn().unwrap_or_default().to_owned();
            index.insert(arn, tags.collect());
        }
    }
    index
}

/// Reads more of each of these, all at once.
pub async fn of_each<T>(
    all: impl IntoIterator<Item = T>,
    read: impl AsyncFn(T) -> Vec<Thing>,
) -> Vec<Thing> {
    let read = join_all(all.into_iter().map(|one| read(one))).await;
    read.into_iter().flatten().collect()
}

/// The object that is there, or nothing if that is what the account says.
pub fn if_there<T, E: ProvideErrorMetadata + Error + 'static>(answer: Result<T, E>) -> Option<T> {
    match answer {
        Ok(there) => Some(there),
        Err(error) => {
            let code = error.code().unwrap_or_default();
            let is_missing = code.starts_with("NoSuch") || code.contains("NotFound");
            assert!(is_missing, "{error:?}");
            None
        }
    }
}
