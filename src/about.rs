//! What this binary is: its version and the zone rules it decides by.

use std::path::PathBuf;

use anyhow::{Context, Result};
use baseload_core::timetable::Zones;

/// The version of the crate.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The zone rules: the embedded ones, or those of the folder that `TZDIR` names. Never the system's by themselves, so
/// that a controller and a reviewer's laptop cannot disagree.
///
/// # Errors
/// Says that the folder that `TZDIR` names is not a zone database.
pub(crate) fn zones() -> Result<Zones> {
    match std::env::var_os("TZDIR").filter(|value| !value.is_empty()) {
        None => Ok(Zones::embedded()),
        Some(folder) => {
            let folder = PathBuf::from(folder);
            Zones::from_dir(&folder).with_context(|| format!("TZDIR: no zone database at {}", folder.display()))
        }
    }
}

/// What `--version` prints after the name.
pub(crate) fn long_version() -> String {
    match zones() {
        Ok(zones) => format!("{VERSION} (tzdb {}, {})", zones.version(), zones.origin()),
        Err(_) => format!("{VERSION} (tzdb unreadable: see TZDIR)"),
    }
}
