//! Following `NextToken` to the end, without trusting that there is one.

use std::collections::BTreeSet;

use baseload_core::ecs::{EcsError, Operation};

use super::classify;

/// The most pages of one listing; AWS's quotas allow a few hundred.
const MAX_PAGES: usize = 2000;

/// One page: its entries, and the token of the next.
pub(super) type Page<T> = (Vec<T>, Option<String>);

/// What a listing gave: the entries of the pages that were read, and why it broke off, if it did.
pub(super) struct Listing<T> {
    pub(super) entries: Vec<T>,
    pub(super) broken_off: Option<EcsError>,
}

/// Reads page after page. A token that comes again, or too many pages, break the listing off as a failed page does.
pub(super) async fn follow<T, F>(operation: Operation, page: impl Fn(Option<String>) -> F) -> Listing<T>
where
    F: Future<Output = Result<Page<T>, EcsError>>,
{
    let mut entries = Vec::new();
    let mut tokens = BTreeSet::new();
    let mut next = None;
    let broken_off = loop {
        match page(next).await {
            Ok((more, token)) => {
                entries.extend(more);
                next = token.filter(|token| !token.is_empty());
            }
            Err(error) => break Some(error),
        }
        match &next {
            None => break None,
            Some(token) if !tokens.insert(token.clone()) => break Some(endless(operation, "a NextToken came twice")),
            Some(_) if tokens.len() >= MAX_PAGES => break Some(endless(operation, "the listing does not end")),
            Some(_) => {}
        }
    };
    Listing { entries, broken_off }
}

fn endless(operation: Operation, message: &str) -> EcsError {
    classify::unusable(operation, "EndlessListing", message)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const LIST: Operation = Operation::DescribeScalableTargets;

    #[tokio::test]
    async fn f3_a_listing_with_ever_new_tokens_ends_after_a_bounded_number_of_pages() {
        let asked = Cell::new(0);
        let listing = follow(LIST, |_| {
            asked.set(asked.get() + 1);
            std::future::ready(Ok((vec![()], Some(asked.get().to_string()))))
        })
        .await;
        assert_eq!((asked.get(), listing.entries.len()), (MAX_PAGES, MAX_PAGES));
        assert_eq!(listing.broken_off.map(|error| error.message).as_deref(), Some("the listing does not end"));
    }

    #[tokio::test]
    async fn f3_a_token_that_comes_again_breaks_the_listing_off() {
        let listing = follow(LIST, |_| std::future::ready(Ok((vec![()], Some("same".to_owned()))))).await;
        assert_eq!(listing.entries.len(), 2);
        assert_eq!(listing.broken_off.map(|error| error.code).as_deref(), Some("EndlessListing"));
    }

    #[tokio::test]
    async fn an_empty_token_is_the_end() {
        let listing = follow(LIST, |_| std::future::ready(Ok((vec![()], Some(String::new()))))).await;
        assert_eq!((listing.entries.len(), listing.broken_off), (1, None));
    }
}
