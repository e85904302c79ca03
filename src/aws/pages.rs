//! Answers that come in pages.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::try_join_all;

use super::answer::READ;
use super::error::AwsResult;
use crate::resource::provider::Query;
use crate::resource::{ErrorKind, ProviderError};

/// The most pages of one reading. More than any account has: with 100 objects on each, a million.
const MOST: usize = 10_000;

/// The limit of all pages of one reading together, in bytes: four times that of a single answer. The longest reading there
/// is takes a quarter of it: the 5,000 roles that an account has by default, with all of their policies.
const MOST_BYTES: usize = 256 << 20;

/// Returns all results of a listing call, page by page. `ask` makes the call with the token of the page, and returns its
/// contents and the token of the next page.
///
/// # Errors
/// Those of `ask`, and those of [`Tokens::follow`].
pub async fn pages<T, F, Fut>(operation: &'static str, ask: F) -> AwsResult<Vec<T>>
where
    F: Fn(Option<String>) -> Fut,
    Fut: Future<Output = AwsResult<(Option<Vec<T>>, Option<String>)>>,
{
    let all = few_pages(operation, usize::MAX, ask).await?;
    Ok(all.unwrap_or_default())
}

/// Does the same as [`pages`], for objects that can also be asked for by name: `None` if there are more pages than the
/// limit, after those have been read. In a shared account the objects of others are on most pages, and there may be hundreds
/// of pages.
///
/// # Errors
/// Those of [`pages`].
pub async fn few_pages<T, F, Fut>(
    operation: &'static str,
    most: usize,
    ask: F,
) -> AwsResult<Option<Vec<T>>>
where
    F: Fn(Option<String>) -> Fut,
    Fut: Future<Output = AwsResult<(Option<Vec<T>>, Option<String>)>>,
{
    let mut all = Vec::new();
    let mut tokens = Tokens::of(operation);
    let mut token = None;
    for _ in 0..most {
        let (page, next) = tokens.page(ask(token)).await?;
        all.extend(page.unwrap_or_default());
        token = tokens.follow(next)?;
        if token.is_none() {
            return Ok(Some(all));
        }
    }
    Ok(None)
}

/// Returns how many pages of all objects of a type are read before the stack's objects are asked for by name, in `calls`
/// calls: the same number, so that neither way costs much more than the other. This applies only where everything is as
/// wanted: otherwise an object may exist that neither file nor index can name, made by a run that was interrupted, or by one
/// before the file was changed.
pub fn worth(query: &Query<'_>, calls: usize) -> usize {
    if query.is_settled() {
        calls.max(1)
    } else {
        usize::MAX
    }
}

/// Returns those of the named objects that exist, asked for one by one: a call for several fails if one of them does not
/// exist.
///
/// # Errors
/// Those of `ask`, except for objects that do not exist.
pub async fn one_by_one<N, T, F, Fut>(
    names: impl IntoIterator<Item = N>,
    ask: F,
) -> AwsResult<Vec<T>>
where
    F: Fn(N) -> Fut,
    Fut: Future<Output = AwsResult<Vec<T>>>,
{
    let asked = names.into_iter().map(|name| {
        let asked = ask(name);
        async move {
            match asked.await {
                Err(error) if error.is(ErrorKind::NotFound) => Ok(Vec::new()),
                other => other,
            }
        }
    });
    Ok(try_join_all(asked).await?.into_iter().flatten().collect())
}

/// Returns the objects of a listing without tags whose tags are worth asking for: those that may be the stack's, and all
/// others only if they are few and the index may lag behind.
pub fn worth_asking<T>(
    query: &Query<'_>,
    listed: Vec<T>,
    most: usize,
    may_be_ours: impl Fn(&T) -> bool,
) -> Vec<T> {
    let (mut asked, others): (Vec<T>, Vec<T>) = listed.into_iter().partition(may_be_ours);
    if !query.is_settled() && others.len() <= most {
        asked.extend(others);
    }
    asked
}

/// The tokens that one reading has been given. A faulty or hostile endpoint could otherwise keep it going endlessly.
#[derive(Debug)]
pub struct Tokens {
    operation: &'static str,
    seen: HashSet<String>,
    most: usize,
    /// The bytes of the pages so far.
    read: Arc<AtomicUsize>,
    most_bytes: usize,
}

impl Tokens {
    pub fn of(operation: &'static str) -> Self {
        Self {
            operation,
            seen: HashSet::new(),
            most: MOST,
            read: Arc::default(),
            most_bytes: MOST_BYTES,
        }
    }

    /// Makes the tokens of a reading that has no bound of its own, as each page is processed before the next is read.
    pub fn without_bound(operation: &'static str) -> Self {
        Self {
            most: usize::MAX,
            most_bytes: usize::MAX,
            ..Self::of(operation)
        }
    }

    /// Asks for a page; the bytes of its answer are counted.
    pub async fn page<F: Future>(&self, asking: F) -> F::Output {
        READ.scope(Arc::clone(&self.read), asking).await
    }

    /// Returns the bytes of the pages so far.
    pub(super) fn bytes(&self) -> usize {
        self.read.load(Ordering::Relaxed)
    }

    /// Returns the token of the next page; `None` after the last one.
    ///
    /// # Errors
    /// The token was given before, or there are more pages than any account has, or more on them.
    pub fn follow(&mut self, token: Option<String>) -> AwsResult<Option<String>> {
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            return Ok(None);
        };
        let fault = if self.bytes() > self.most_bytes {
            format!(
                "its pages have more than {} bytes together",
                self.most_bytes
            )
        } else if self.seen.len() >= self.most {
            format!("there are more than {} pages", self.most)
        } else if self.seen.insert(token.clone()) {
            return Ok(Some(token));
        } else {
            "the token of the next page is that of a page that was read before".to_owned()
        };
        Err(ProviderError::new(
            ErrorKind::Transient,
            self.operation,
            format!("an answer that cannot be read: {fault}"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::answer::count;

    #[tokio::test]
    async fn pages_are_followed_to_the_end() {
        let all = pages("t:List", |token| async move {
            Ok(match token.as_deref() {
                None => (Some(vec![1, 2]), Some("next".to_owned())),
                _ => (Some(vec![3]), Some(String::new())),
            })
        })
        .await
        .unwrap();
        assert_eq!(all, [1, 2, 3]);
    }

    #[tokio::test]
    async fn what_has_more_pages_than_are_worth_reading_is_not_read_to_the_end() {
        let asked = AtomicUsize::new(0);
        let ask = |token: Option<String>| {
            asked.fetch_add(1, Ordering::Relaxed);
            async move {
                let next = token.is_none().then(|| "next".to_owned());
                Ok((Some(vec![1]), next))
            }
        };
        assert_eq!(few_pages("t:List", 1, ask).await.unwrap(), None);
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        let all = few_pages("t:List", 2, ask).await.unwrap();
        assert_eq!(all, Some(vec![1, 1]));
    }

    #[tokio::test]
    async fn what_is_not_there_is_left_out_and_what_is_refused_is_not() {
        let ask = |kind: Option<ErrorKind>| async move {
            kind.map_or(Ok(vec![1]), |kind| {
                Err(ProviderError::new(kind, "t:Describe", "no"))
            })
        };
        let found = one_by_one([None, Some(ErrorKind::NotFound), None], ask).await;
        assert_eq!(found.unwrap(), [1, 1]);
        let refused = one_by_one([None, Some(ErrorKind::Denied)], ask).await;
        assert!(refused.unwrap_err().is(ErrorKind::Denied));
    }

    #[test]
    fn others_are_asked_for_their_tags_where_they_are_few_and_the_index_may_be_behind() {
        let stack = &crate::resource::StackId {
            name: "shop".into(),
            environment: "dev".into(),
        };
        let query = &Query {
            token: "t:t:T",
            stack,
            // Nothing is wanted and nothing is known: the objects found may be left over.
            wanted: &[],
            indexed: &[],
            live: &crate::resource::LiveSnapshot::default(),
            session: &crate::resource::ReadSession::default(),
        };
        let asked = |most| worth_asking(query, vec![1, 20, 2], most, |number| *number > 9);
        assert_eq!(asked(2), [20, 1, 2]);
        assert_eq!(asked(1), [20]);
    }

    /// Two pages that lead to each other.
    #[tokio::test]
    async fn a_page_that_was_read_before_ends_the_reading() {
        let read = pages("t:List", |token| async move {
            let next = match token.as_deref() {
                Some("a") => "b",
                _ => "a",
            };
            Ok((Some(vec![1]), Some(next.to_owned())))
        });
        let error = read.await.unwrap_err();
        assert_eq!(error.operation, "t:List");
        assert!(error.message.contains("read before"), "{}", error.message);
    }

    #[tokio::test]
    async fn pages_have_an_end() {
        let read = pages("t:List", |token| async move {
            let number: usize = token.map_or(0, |token| token.parse().unwrap());
            Ok((Some(vec![number]), Some((number + 1).to_string())))
        });
        let error = read.await.unwrap_err();
        assert!(error.message.contains("10000 pages"), "{}", error.message);
    }

    /// Each of them is shorter than an answer may be.
    #[tokio::test]
    async fn pages_have_a_bound_together() {
        let asked = AtomicUsize::new(0);
        let read = pages("t:List", |token| {
            asked.fetch_add(1, Ordering::Relaxed);
            async move {
                let number: usize = token.map_or(0, |token| token.parse().unwrap());
                count(MOST_BYTES / 8);
                Ok((Some(vec![number]), Some((number + 1).to_string())))
            }
        });
        let error = read.await.unwrap_err();
        let expected =
            "an answer that cannot be read: its pages have more than 268435456 bytes together";
        assert_eq!(error.message, expected);
        assert_eq!(error.operation, "t:List");
        assert_eq!(asked.into_inner(), 9);
        // The bytes of one reading are not counted against another.
        let read = pages("t:List", |_| async {
            count(MOST_BYTES / 8);
            Ok((Some(vec![1]), None))
        });
        assert_eq!(read.await.unwrap(), [1]);
    }

    #[test]
    fn what_is_worked_off_page_by_page_may_be_of_any_length() {
        let mut tokens = Tokens::without_bound("t:List");
        for number in 0..2 * MOST {
            let token = tokens.follow(Some(number.to_string())).unwrap();
            assert!(token.is_some());
        }
        assert!(tokens.follow(Some("7".to_owned())).is_err());
        assert_eq!(tokens.follow(None).unwrap(), None);
    }
}
