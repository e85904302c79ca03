//! Answers that come in pages.

use std::future::Future;

use super::error::AwsResult;

/// Everything that a reading call answers, page by page. `ask` makes the call with the token of the page, and answers
/// with what is on it and the token of the next.
///
/// # Errors
/// Those of `ask`.
pub async fn pages<T, F, Fut>(ask: F) -> AwsResult<Vec<T>>
where
    F: Fn(Option<String>) -> Fut,
    Fut: Future<Output = AwsResult<(Option<Vec<T>>, Option<String>)>>,
{
    let mut all = Vec::new();
    let mut token = None;
    loop {
        let (page, next) = ask(token).await?;
        all.extend(page.unwrap_or_default());
        token = next.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(all);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pages_are_followed_to_the_end() {
        let all = pages(|token| async move {
            Ok(match token.as_deref() {
                None => (Some(vec![1, 2]), Some("next".to_owned())),
                _ => (Some(vec![3]), Some(String::new())),
            })
        })
        .await
        .unwrap();
        assert_eq!(all, [1, 2, 3]);
    }
}
