//! Waiting for something to become true, with a deadline that only a failure reaches.

use std::time::Duration;

const PAUSE: Duration = Duration::from_millis(50);
const PROBES: u32 = 600;

/// Asks until there is an answer, for half a minute at the most.
///
/// # Panics
/// Where there is none by then, naming what was waited for.
pub(crate) fn eventually<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    for _ in 0..PROBES {
        if let Some(answer) = probe() {
            return answer;
        }
        std::thread::sleep(PAUSE);
    }
    panic!("half a minute passed without this: {what}");
}

/// As [`eventually`], for a condition.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    eventually(what, || holds().then_some(()));
}

/// Lets a stretch of time go by, where that very stretch is what is tested: a process that is killed after it.
pub(crate) fn pass(stretch: Duration) {
    std::thread::sleep(stretch);
}
