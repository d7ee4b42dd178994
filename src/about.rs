//! What this binary is: its version and the zone rules it decides by.

use std::path::Path;
use std::sync::LazyLock;

use anyhow::{Result, anyhow};
use baseload_core::timetable::{Zones, version_of_zi};

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
        Some(folder) => Zones::from_dir(Path::new(&folder), edition(Path::new(&folder)))
            .map_err(|error| anyhow!("TZDIR: {error}: unset it to use the embedded rules, or name a zone database")),
    }
}

/// What to say where the zone rules in force are older than the embedded ones.
pub(crate) fn age_of(zones: &Zones) -> Option<String> {
    let (old, origin, new) = (zones.version(), zones.origin(), Zones::embedded());
    let advice = "update that folder, or unset TZDIR";
    zones.older_than_embedded().then(|| {
        format!("the zone rules in {origin} are of {old}, older than the embedded {}: {advice}", new.version())
    })
}

/// Which edition of the zone rules a folder holds: the first line of its `tzdata.zi`, or else a file that says so.
fn edition(folder: &Path) -> Option<String> {
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).ok();
    let named = || read("+VERSION").or_else(|| read("version")).map(|text| text.trim().to_owned());
    read("tzdata.zi").and_then(|text| version_of_zi(&text)).or_else(named)
}

/// What `--version` prints after the name.
pub(crate) static LONG_VERSION: LazyLock<String> = LazyLock::new(|| match zones() {
    Ok(zones) => format!("{VERSION} (tzdb {}, {})", zones.version(), zones.origin()),
    Err(_) => format!("{VERSION} (tzdb unreadable: see TZDIR)"),
});
