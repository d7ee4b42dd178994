//! AWS's own scheduled actions: what they would do, and the way from them to schedules and back.
//!
//! A scheduled action sets the minimum, the maximum or both when it fires, and nothing holds what it set: until another
//! one fires, or anybody else writes, it stays. So what native actions say at an instant is what the last firing before
//! it said.
//!
//! - `expression`: the dialect; `firing`: when an action fires, and what holds between.
//! - `declared`: the files in which actions are found.
//! - `import`: actions become schedules, and the result is proved; `week`, `document` are its parts.
//! - `export`: schedules become actions, and the result is proved.
//!
//! Where AWS's documentation is silent, the choice is made here once. It says of daylight saving only that times adjust:
//! a local time that the clock skips fires at the instant of the jump, one that it shows twice fires once, the first
//! time. A `StartTime` is itself a firing (documented), and so is a match that falls on `EndTime`.

mod declared;
mod document;
mod export;
mod expression;
mod firing;
mod import;
mod proof;
mod week;

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::TargetId;
use crate::timetable::Zones;

pub use declared::{Declarations, Declared};
pub use export::{Export, Exported, cloudformation, described, export, terraform};
pub use expression::{Expression, Fields};
pub use firing::{State, Stretch, follow, state_at};
pub use import::{Import, Imported, import};
pub use proof::Difference;

/// How far ahead results are proved, in days: every day of a year and a month more, both changes of the clock included.
pub const PROOF_DAYS: i64 = 400;

/// One scheduled action of an ECS service, understood.
#[derive(Clone, Debug)]
pub struct ScheduledAction {
    /// Unique on its target.
    pub name: Arc<str>,
    /// Whose minimum and maximum it sets.
    pub target: TargetId,
    /// When it fires, as AWS prints it.
    pub schedule: Arc<str>,
    /// When it fires.
    pub expression: Expression,
    /// The zone of its local times, by name.
    pub zone_name: Arc<str>,
    /// The zone of its local times.
    pub zone: TimeZone,
    /// The first firing of a recurring action.
    pub start: Option<Timestamp>,
    /// After this it fires no more.
    pub end: Option<Timestamp>,
    /// The minimum that it sets, in tasks.
    pub min: Option<u32>,
    /// The maximum that it sets, in tasks.
    pub max: Option<u32>,
}

/// Something that is not carried over, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    /// What it is about: a target, or an action of one.
    pub subject: String,
    /// Why, in one sentence without a full stop.
    pub reason: String,
}

impl Refusal {
    fn new(subject: impl Into<String>, reason: impl Into<String>) -> Refusal {
        Refusal { subject: subject.into(), reason: reason.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.reason)
    }
}

impl ScheduledAction {
    /// Understands an action as it was declared.
    ///
    /// # Errors
    /// What about it is not understood; nothing is guessed.
    pub fn read(declared: &Declared, zones: &Zones) -> Result<ScheduledAction, Refusal> {
        let target = TargetId::from_resource_id(&declared.resource_id);
        let shown = target.as_ref().map_or_else(|| declared.resource_id.clone(), ToString::to_string);
        let refused = |reason: String| Refusal::new(format!("action `{}` of {shown}", declared.name), reason);
        let target = target.ok_or_else(|| refused("its resource id is not service/CLUSTER/SERVICE".into()))?;
        let expression = Expression::parse(&declared.schedule).map_err(refused)?;
        if matches!(expression, Expression::Rate(_)) && declared.start.is_none() {
            let reason = "AWS does not document when a rate() without a start time fires";
            return Err(refused(reason.into()));
        }
        let zone_name = zone_name(declared.timezone.as_deref());
        let zone = zones.get(zone_name).ok_or_else(|| refused(format!("there is no time zone `{zone_name}`")))?;
        let capacity = |value: Option<i64>| value.map(u32::try_from).transpose();
        let (Ok(min), Ok(max)) = (capacity(declared.min), capacity(declared.max)) else {
            return Err(refused("a capacity is not a whole number from 0".into()));
        };
        if min.is_none() && max.is_none() {
            return Err(refused("it sets neither a minimum nor a maximum".into()));
        }
        Ok(ScheduledAction {
            name: declared.name.as_str().into(),
            target,
            schedule: declared.schedule.as_str().into(),
            expression,
            zone_name: zone_name.into(),
            zone,
            start: declared.start,
            end: declared.end,
            min,
            max,
        })
    }
}

/// One name for UTC, so that actions which spell it differently share a clock. UTC is AWS's default.
fn zone_name(written: Option<&str>) -> &str {
    match written {
        None | Some("" | "UTC" | "Etc/UTC" | "Etc/UCT" | "UCT" | "Zulu" | "Etc/Zulu" | "GMT" | "Etc/GMT") => "UTC",
        Some(name) => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(schedule: &str) -> Declared {
        Declared {
            name: "night".into(),
            resource_id: "service/shop/www".into(),
            schedule: schedule.into(),
            min: Some(1),
            ..Declared::default()
        }
    }

    fn refusal(declared: &Declared) -> String {
        ScheduledAction::read(declared, &Zones::embedded()).expect_err("it is refused").to_string()
    }

    #[test]
    fn what_cannot_be_understood_is_refused_by_the_name_of_its_action() {
        for (declared, text) in [
            (declared("cron(0 9 * * * *)"), "action `night` of shop/www: neither day of month"),
            (declared("rate(1 hour)"), "action `night` of shop/www: AWS does not document"),
            (Declared { timezone: Some("Mars/Base".into()), ..declared("rate(1 day)") }, "rate() without"),
            (Declared { timezone: Some("Mars/Base".into()), ..declared("cron(0 9 * * ? *)") }, "`Mars/Base`"),
            (Declared { min: Some(-1), ..declared("cron(0 9 * * ? *)") }, "a capacity"),
            (Declared { min: None, ..declared("cron(0 9 * * ? *)") }, "neither a minimum nor"),
            (Declared { resource_id: "service/www".into(), ..declared("cron(0 9 * * ? *)") }, "of service/www"),
        ] {
            assert!(refusal(&declared).contains(text), "{text}: {}", refusal(&declared));
        }
    }

    #[test]
    fn an_action_without_a_zone_keeps_utc() {
        let read = ScheduledAction::read(&declared("cron(0 9 * * ? *)"), &Zones::embedded()).expect("it is understood");
        assert_eq!(&*read.zone_name, "UTC");
    }
}
