//! (in the making)

use jiff::tz::{TimeZone, TimeZoneDatabase};

/// Placeholder.
pub struct Zones(TimeZoneDatabase, Vec<String>);

impl Zones {
    /// Placeholder.
    pub fn embedded() -> Zones {
        let db = TimeZoneDatabase::bundled();
        let names = db.available().map(|n| n.as_str().to_owned()).collect();
        Zones(db, names)
    }

    /// Placeholder.
    pub fn get(&self, name: &str) -> Option<TimeZone> {
        self.1.iter().find(|n| *n == name).and_then(|n| self.0.get(n).ok())
    }

    /// Placeholder.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.1.iter().map(String::as_str)
    }
}
