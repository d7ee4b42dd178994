//! Everything that a command prints goes through here: results to stdout, diagnostics to stderr.

use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use baseload_core::diagnostic::Colour;

use crate::clock::monotonic;

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

/// Writes a warning to stderr: the command goes on.
pub(crate) fn warn(text: &str) {
    note(&format!("warning: {text}"));
}

/// The columns and rows of the terminal that stdout is; `None` where it is none.
pub(crate) fn terminal() -> Option<(usize, usize)> {
    let (width, height) = terminal_size::terminal_size_of(io::stdout())?;
    Some((width.0.into(), height.0.into()))
}

/// Draws a picture over the one before it on the terminal, line by line, so that nothing flickers.
///
/// # Errors
/// What the operating system says.
pub(crate) fn redraw(picture: &str) -> io::Result<()> {
    let lines: String = picture.lines().map(|line| format!("{line}\u{1b}[K\n")).collect();
    result(&format!("\u{1b}[H{}\u{1b}[J", lines.trim_end_matches('\n')))
}

/// A line on a terminal that says how far work has come, once it has taken a second; it is gone when the work is done.
#[derive(Debug)]
pub(crate) struct Progress {
    started: Instant,
    is_shown: bool,
}

impl Progress {
    /// The work begins.
    pub(crate) fn begin() -> Self {
        Progress { started: monotonic(), is_shown: false }
    }

    /// Shows where the work stands, in one short line.
    pub(crate) fn show(&mut self, text: impl FnOnce() -> String) {
        if self.started.elapsed() >= PATIENCE && io::stderr().is_terminal() {
            self.is_shown = true;
            let _ = write!(io::stderr().lock(), "\r{}\u{1b}[K", text()); // nothing can be done where that fails
        }
    }
}

/// Does what cannot say how far it is, and counts the seconds meanwhile, on a terminal.
pub(crate) fn while_working<T>(what: &str, work: impl FnOnce() -> T) -> T {
    if !io::stderr().is_terminal() {
        return work();
    }
    std::thread::scope(|scope| {
        let (done, waits) = channel::<()>();
        scope.spawn(move || {
            let (begun, mut progress) = (monotonic(), Progress::begin());
            while waits.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                progress.show(|| format!("{what}: {} s", begun.elapsed().as_secs()));
            }
        });
        let result = work();
        drop(done); // also where the work panics: nobody waits for it then
        result
    })
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown {
            let _ = write!(io::stderr().lock(), "\r\u{1b}[K");
        }
    }
}

/// What takes no longer needs no progress shown.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whether stdout wants colour: a terminal, and nobody said no (<https://no-color.org>).
pub(crate) fn stdout_colour() -> Colour {
    colour(io::stdout().is_terminal())
}

/// Whether stderr wants colour.
pub(crate) fn stderr_colour() -> Colour {
    colour(io::stderr().is_terminal())
}

fn colour(is_terminal: bool) -> Colour {
    let is_welcome = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    if is_terminal && is_welcome { Colour::Ansi } else { Colour::Never }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_done_once_and_its_result_is_handed_on() {
        let mut times = 0;
        assert_eq!(
            while_working("counting", || {
                times += 1;
                7
            }),
            7
        );
        assert_eq!(times, 1);
    }
}
