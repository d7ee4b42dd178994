//! Everything that a command prints goes through here: results to stdout, diagnostics to stderr.

use std::io::{self, IsTerminal, Write};

/// Writes a result to stdout. A reader that went away (`| head`) is no error.
///
/// # Errors
/// What the operating system says, for instance that the disk is full.
pub(crate) fn result(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Writes a value as JSON to stdout, with a line end.
///
/// # Errors
/// What the operating system says.
pub(crate) fn json(value: &impl serde::Serialize) -> io::Result<()> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    result(&text)
}

/// Writes a diagnostic or a hint to stderr. Nothing can be done where that fails.
pub(crate) fn note(text: &str) {
    let mut stderr = io::stderr().lock();
    let _ = stderr.write_all(text.as_bytes());
    if !text.ends_with('\n') {
        let _ = stderr.write_all(b"\n");
    }
}

/// Whether stdout wants colour: a terminal, and nobody said no (<https://no-color.org>).
pub(crate) fn stdout_is_colourful() -> bool {
    io::stdout().is_terminal() && colour_is_welcome()
}

/// Whether stderr wants colour.
pub(crate) fn stderr_is_colourful() -> bool {
    io::stderr().is_terminal() && colour_is_welcome()
}

fn colour_is_welcome() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
