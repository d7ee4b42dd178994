//! Credentials: from the environment or a file, read anew each time they are used, so that they can be replaced.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

/// The longest token that is believed to be one.
const TOKEN_LIMIT: usize = 16 << 10;

/// The token for HTTPS, if there is one.
///
/// # Errors
/// That the file cannot be read, or holds no token.
pub(super) fn token() -> Result<Option<String>> {
    let named = match file("BASELOAD_GIT_TOKEN_FILE") {
        Some(path) => {
            let read = std::fs::read_to_string(&path);
            Some(read.with_context(|| format!("cannot read BASELOAD_GIT_TOKEN_FILE {}", path.display()))?)
        }
        None => env::var("BASELOAD_GIT_TOKEN").ok(),
    };
    let token = named.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty());
    let is_sound = |token: &String| token.len() <= TOKEN_LIMIT && token.bytes().all(|byte| byte.is_ascii_graphic());
    ensure!(token.as_ref().is_none_or(is_sound), "the git token holds characters that no token has");
    Ok(token)
}

/// A file that a variable names.
pub(super) fn file(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}
