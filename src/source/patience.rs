//! Questions to servers: bounded in time, and asked from wherever the caller is.

use std::time::Duration;

use anyhow::{Result, anyhow};

/// How long a server may take to be asked and to answer, all in all.
const PATIENCE: Duration = Duration::from_secs(30);

/// Carries out a conversation on a thread and runtime of its own: callers may be inside another runtime, or in none.
///
/// # Errors
/// What the conversation ended with, or that it took too long.
pub(super) fn converse<T: Send>(talk: impl AsyncFnOnce() -> Result<T> + Send) -> Result<T> {
    converse_for(PATIENCE, talk)
}

fn converse_for<T: Send>(patience: Duration, talk: impl AsyncFnOnce() -> Result<T> + Send) -> Result<T> {
    let whole = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let ended = runtime.block_on(async { tokio::time::timeout(patience, talk()).await });
        runtime.shutdown_background(); // a name that is still being looked up is not waited for
        ended.map_err(|_| anyhow!("the server did not answer within {} s", patience.as_secs()))?
    };
    let ended = std::thread::scope(|scope| scope.spawn(whole).join());
    ended.map_err(|_| anyhow!("the conversation with the server broke off"))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f59_a_server_that_keeps_silent_is_given_up() {
        let ended = converse_for(Duration::ZERO, async || std::future::pending::<Result<()>>().await);
        assert_eq!(ended.unwrap_err().to_string(), "the server did not answer within 0 s");
        assert_eq!(converse(async || Ok(3)).unwrap(), 3);
    }
}
