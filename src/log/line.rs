//! From facts to lines: which level, which words, which fields, and when many become one.

use std::collections::{BTreeMap, BTreeSet};

use baseload_core::controller::{ChangeKind, ClockTrust, Fact};
use baseload_core::ecs::{Action, EcsError, ErrorKind};
use baseload_core::model::{Floor, Site, TargetId, instant};
use baseload_core::status::{Bounds, Condition, ConditionKind, Truth};
use baseload_core::timetable::Decision;
use jiff::SignedDuration;
use tracing::Level;

use crate::remedy;

const RELEASED: &str = "target left the schedules";
const WRITE_FAILED: &str = "write failed";

/// The most lines of one kind that facts of one moment may take.
const MOST_OF_A_KIND: usize = 5;

/// One line of the log. Fields that are `None` are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) level: Level,
    pub(super) message: &'static str,
    pub(super) target: Option<String>,
    /// How many targets a line of many stands for; its other fields are those of the first.
    pub(super) targets: Option<usize>,
    pub(super) fields: Fields,
}

/// What a line may say beside its message and its target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) account: Option<String>,
    pub(super) region: Option<String>,
    pub(super) condition: Option<&'static str>,
    pub(super) status: Option<&'static str>,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    pub(super) kind: Option<&'static str>,
    pub(super) schedule: Option<String>,
    pub(super) cause: Option<String>,
    pub(super) lateness_ms: Option<i64>,
    pub(super) floor: Option<u32>,
    pub(super) after_s: Option<i64>,
    pub(super) by_s: Option<i64>,
    pub(super) holder: Option<String>,
    pub(super) revision: Option<String>,
    pub(super) digest: Option<String>,
    pub(super) schedules: Option<u64>,
    pub(super) operation: Option<&'static str>,
    pub(super) reason: Option<String>,
    pub(super) error: Option<String>,
    pub(super) remedy: Option<String>,
    pub(super) retry_at: Option<String>,
}

impl Line {
    fn new(level: Level, message: &'static str, fields: Fields) -> Line {
        Line { level, message, target: None, targets: None, fields }
    }

    fn about(self, target: &TargetId) -> Line {
        Line { target: Some(target.to_string()), ..self.at(&target.site) }
    }

    /// Where it happened, if not at home.
    fn at(self, site: &Site) -> Line {
        let [account, region] = [site.account(), site.region()].map(|name| name.map(ToString::to_string));
        Line { fields: Fields { account, region, ..self.fields }, ..self }
    }

    /// The line for a fact. `warned` holds the conditions that a line warned of and that are not well again.
    pub(super) fn of(fact: &Fact, warned: &mut BTreeSet<(TargetId, ConditionKind)>) -> Line {
        match fact {
            Fact::ConfigurationLoaded { revision, digest, schedules } => {
                configuration_loaded(revision, digest, *schedules)
            }
            Fact::ConfigurationRejected { reason } => configuration_rejected(reason),
            Fact::Declared { target, before, after } => declared(before.as_ref(), after.as_ref()).about(target),
            Fact::Released { target } => {
                warned.retain(|(of, _)| of != target);
                Line::new(Level::INFO, RELEASED, Fields::default()).about(target)
            }
            Fact::Accepted { target, action, kind, before, decision, lateness } => {
                accepted(action, *kind, *before, decision.as_ref(), *lateness).about(target)
            }
            Fact::WouldApply { action, kind, before, decision } => {
                let sent = accepted(action, *kind, *before, decision.as_ref(), None).about(&action.target);
                Line { message: "floor would be sent", ..sent }
            }
            Fact::Refused { target, error, repeated, retry_at } => {
                let retry_at = retry_at.map(instant);
                let fields = Fields { retry_at, ..failure(error) };
                Line::new(level_of_refusal(error.kind, *repeated), WRITE_FAILED, fields).about(target)
            }
            Fact::TasksReady { target, floor, after } => tasks_ready(*floor, *after).about(target),
            Fact::ConditionChanged { target, condition } => condition_changed(target, condition, warned),
            Fact::LookFailed { site, targets, error } => {
                let line = Line::new(level_of_blindness(error.kind), "AWS does not answer", failure(error));
                Line { targets: *targets, ..line }.at(site)
            }
            Fact::LookRecovered { site, operation } => {
                let fields = Fields { operation: Some(operation.name()), ..Fields::default() };
                Line::new(Level::INFO, "AWS answers again", fields).at(site)
            }
            Fact::Panicked { target, message } => {
                let fields = Fields { error: Some(message.clone()), ..Fields::default() };
                Line::new(Level::ERROR, "planning panicked", fields).about(target)
            }
            Fact::Leadership { leader, holder } => leadership(*leader, holder.as_deref()),
            Fact::LeaseFailed { error } => {
                let fields = Fields { error: Some(error.clone()), ..Fields::default() };
                Line::new(Level::WARN, "lease cannot be asked for", fields)
            }
            Fact::LeaseRecovered => Line::new(Level::INFO, "lease can be asked for again", Fields::default()),
            Fact::ClockSteppedBack { by } => {
                let fields = Fields { by_s: Some(by.as_secs()), ..Fields::default() };
                Line::new(Level::WARN, "clock stepped back", fields)
            }
            Fact::ClockCompared { ahead, trust } => clock_compared(*ahead, *trust),
        }
    }

    /// Whether it tells what is declared for a target or what became of a write: such a line names the revision.
    pub(super) fn is_decision(&self) -> bool {
        self.fields.to.is_some() || matches!(self.message, WRITE_FAILED | RELEASED)
    }

    /// The same, under this revision.
    pub(super) fn under(self, revision: Option<&str>) -> Line {
        Line { fields: Fields { revision: revision.map(str::to_owned), ..self.fields }, ..self }
    }

    /// Whether anybody reads lines of its level.
    pub(super) fn is_read(&self) -> bool {
        tracing::level_enabled!(self.level)
    }

    /// Writes it. Levels are part of a call site, so there is one for each.
    pub(super) fn write(&self) {
        let Line { level, message, target, targets, fields } = self;
        macro_rules! event {
            ($level:expr) => {
                tracing::event!(
                    $level,
                    message,
                    target = target.as_deref(),
                    targets,
                    account = fields.account.as_deref(),
                    region = fields.region.as_deref(),
                    condition = fields.condition,
                    status = fields.status,
                    from = fields.from.as_deref(),
                    to = fields.to.as_deref(),
                    kind = fields.kind,
                    schedule = fields.schedule.as_deref(),
                    cause = fields.cause.as_deref(),
                    lateness_ms = fields.lateness_ms,
                    floor = fields.floor,
                    after_s = fields.after_s,
                    by_s = fields.by_s,
                    holder = fields.holder,
                    revision = fields.revision.as_deref(),
                    digest = fields.digest.as_deref(),
                    schedules = fields.schedules,
                    operation = fields.operation,
                    reason = fields.reason.as_deref(),
                    error = fields.error.as_deref(),
                    remedy = fields.remedy.as_deref(),
                    retry_at = fields.retry_at.as_deref(),
                )
            };
        }
        match *level {
            Level::ERROR => event!(Level::ERROR),
            Level::WARN => event!(Level::WARN),
            Level::INFO => event!(Level::INFO),
            Level::DEBUG => event!(Level::DEBUG),
            Level::TRACE => event!(Level::TRACE),
        }
    }

    /// Lines with the same key say the same of different targets.
    fn key(&self) -> Key {
        let Fields { condition, status, kind, .. } = self.fields;
        (self.level, self.message, condition, status, kind)
    }
}

type Key = (Level, &'static str, Option<&'static str>, Option<&'static str>, Option<&'static str>);

/// Makes one line of those that say the same of more than five targets, in the place of the first; the others follow
/// at DEBUG.
pub(super) fn lines_of(lines: Vec<Line>) -> impl Iterator<Item = Line> {
    let mut counts: BTreeMap<Key, usize> = BTreeMap::new();
    for line in lines.iter().filter(|line| line.target.is_some() && line.level < Level::DEBUG) {
        *counts.entry(line.key()).or_default() += 1;
    }
    counts.retain(|_, count| *count > MOST_OF_A_KIND);
    let mut summarized = BTreeSet::new();
    lines.into_iter().flat_map(move |line| {
        let key = line.key();
        let Some(&count) = counts.get(&key) else { return [None, Some(line)].into_iter().flatten() };
        let summary = summarized.insert(key).then(|| Line { targets: Some(count), ..line.clone() });
        [summary, Some(Line { level: Level::DEBUG, ..line })].into_iter().flatten()
    })
}

fn configuration_loaded(revision: &str, digest: &str, schedules: usize) -> Line {
    let schedules = u64::try_from(schedules).ok();
    let digest = (digest != revision).then(|| digest.to_owned());
    let fields = Fields { revision: Some(revision.to_owned()), digest, schedules, ..Fields::default() };
    Line::new(Level::INFO, "schedules in force", fields)
}

fn configuration_rejected(reason: &str) -> Line {
    let fields = Fields { reason: Some(reason.to_owned()), ..Fields::default() };
    Line::new(Level::WARN, "schedules refused", fields)
}

fn declared(before: Option<&Decision>, after: Option<&Decision>) -> Line {
    let bounds = |decision: &Decision| declared_bounds(decision.floor);
    let to = after.map_or_else(|| "none".to_owned(), bounds);
    let fields = Fields { from: before.map(bounds), to: Some(to), ..by_whom(after) };
    // What a target is first seen to need stands in the write that follows.
    let level = if before.is_none() { Level::DEBUG } else { Level::INFO };
    Line::new(level, "floor declared", fields)
}

fn accepted(
    action: &Action,
    kind: ChangeKind,
    before: Option<Bounds>,
    decision: Option<&Decision>,
    lateness: Option<SignedDuration>,
) -> Line {
    let replaced = |live: Bounds| bounds(action.min.map(|_| live.min), action.max.map(|_| live.max));
    let fields = Fields {
        from: before.map(replaced),
        to: Some(bounds(action.min, action.max)),
        kind: Some(kind_name(kind)),
        lateness_ms: lateness.and_then(|lateness| i64::try_from(lateness.as_millis()).ok()),
        ..by_whom(decision)
    };
    Line::new(Level::INFO, "floor accepted by AWS", fields)
}

fn leadership(leader: bool, holder: Option<&str>) -> Line {
    let (level, message) = match leader {
        true => (Level::INFO, "leads: this replica writes"),
        false => (Level::WARN, "stands by: the lease was lost, nothing is written"),
    };
    Line::new(level, message, Fields { holder: holder.map(str::to_owned), ..Fields::default() })
}

fn clock_compared(ahead: SignedDuration, trust: ClockTrust) -> Line {
    let (level, message) = match trust {
        ClockTrust::InStep => (Level::INFO, "clock agrees with AWS's again"),
        ClockTrust::Off => (Level::WARN, "clock is off, by AWS's answers"),
        ClockTrust::NotTrusted => (Level::WARN, "clock is off by minutes, by AWS's answers: nothing is lowered"),
    };
    Line::new(level, message, Fields { by_s: Some(ahead.as_secs()), ..Fields::default() })
}

fn tasks_ready(floor: u32, after: SignedDuration) -> Line {
    let fields = Fields { floor: Some(floor), after_s: Some(after.as_secs()), ..Fields::default() };
    Line::new(Level::INFO, "tasks of floor running", fields)
}

fn condition_changed(
    target: &TargetId,
    condition: &Condition,
    warned: &mut BTreeSet<(TargetId, ConditionKind)>,
) -> Line {
    let key = (target.clone(), condition.kind);
    let level = match condition.status {
        Truth::Unknown => Level::DEBUG,
        status if status == condition.kind.is_well_when() => match warned.remove(&key) {
            true => Level::INFO,
            false => Level::DEBUG,
        },
        _ if is_told_elsewhere(condition) => Level::DEBUG,
        _ => {
            warned.insert(key);
            level_of_trouble(condition)
        }
    };
    let words = if condition.message.is_empty() { &condition.reason } else { &condition.message };
    let fields = Fields {
        condition: Some(condition.kind.name()),
        status: Some(condition.status.name()),
        reason: Some(words.clone().into_owned()),
        ..Fields::default()
    };
    Line::new(level, "condition changed", fields).about(target)
}

/// A rise that waits for a deployment does so because someone asked for that.
fn level_of_trouble(condition: &Condition) -> Level {
    if &*condition.reason == "Deferred" { Level::INFO } else { Level::WARN }
}

/// Whether an unwanted value is on the way of every change and passes by itself, or has a line of its own: that of the
/// condition of the same name, or that of the write that failed.
fn is_told_elsewhere(condition: &Condition) -> bool {
    match condition.kind {
        ConditionKind::Synced => !matches!(&*condition.reason, "Withheld" | "Deferred"),
        ConditionKind::Held | ConditionKind::Ready => &*condition.reason == "BelowFloor",
        ConditionKind::Registered
        | ConditionKind::Limited
        | ConditionKind::Paused
        | ConditionKind::Contested
        | ConditionKind::PolicyAttached
        | ConditionKind::RivalSchedule => false,
    }
}

/// A first refusal is worth a look, unless a mere repetition will do.
fn level_of_refusal(kind: ErrorKind, repeated: bool) -> Level {
    match kind {
        _ if repeated => Level::DEBUG,
        ErrorKind::Throttled | ErrorKind::Conflict => Level::INFO,
        ErrorKind::Unavailable
        | ErrorKind::Unreachable
        | ErrorKind::OutcomeUnknown
        | ErrorKind::QuotaExceeded
        | ErrorKind::Denied
        | ErrorKind::NotFound
        | ErrorKind::Invalid => Level::WARN,
        ErrorKind::Credentials => Level::ERROR,
    }
}

/// Without credentials, a permission to look or a way to AWS there is no work.
fn level_of_blindness(kind: ErrorKind) -> Level {
    match kind {
        ErrorKind::Unreachable | ErrorKind::Denied | ErrorKind::Credentials => Level::ERROR,
        ErrorKind::Throttled
        | ErrorKind::Unavailable
        | ErrorKind::OutcomeUnknown
        | ErrorKind::Conflict
        | ErrorKind::QuotaExceeded
        | ErrorKind::NotFound
        | ErrorKind::Invalid => Level::WARN,
    }
}

fn failure(error: &EcsError) -> Fields {
    Fields {
        kind: Some(error.kind.name()),
        operation: Some(error.operation.name()),
        error: Some(format!("{}: {}", error.code, error.message)),
        remedy: remedy::of(error),
        ..Fields::default()
    }
}

fn by_whom(decision: Option<&Decision>) -> Fields {
    Fields {
        schedule: decision.map(|decision| decision.schedule.to_string()),
        cause: decision.map(|decision| decision.cause.to_string()),
        ..Fields::default()
    }
}

fn declared_bounds(floor: Floor) -> String {
    bounds(Some(floor.min), floor.max)
}

/// `3`, `3..10`, or `..10` where only the maximum counts.
fn bounds(min: Option<u32>, max: Option<u32>) -> String {
    match (min, max) {
        (Some(min), None) => min.to_string(),
        (Some(min), Some(max)) => format!("{min}..{max}"),
        (None, Some(max)) => format!("..{max}"),
        (None, None) => "none".to_owned(),
    }
}

fn kind_name(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Scheduled => "scheduled",
        ChangeKind::Correction => "correction",
        ChangeKind::Nudge => "nudge",
    }
}

#[cfg(test)]
mod tests {
    use baseload_core::ecs::Operation;
    use baseload_core::timetable::Cause;
    use jiff::Timestamp;

    use super::*;

    fn target() -> TargetId {
        TargetId::new("shop", "www")
    }

    fn line(fact: &Fact) -> Line {
        Line::of(fact, &mut BTreeSet::new())
    }

    fn refused(service: usize, kind: ErrorKind, repeated: bool) -> Fact {
        let error = EcsError {
            operation: Operation::RegisterScalableTarget,
            kind,
            code: "Code".to_owned(),
            message: "words".to_owned(),
            retry_after: None,
        };
        let target = TargetId::new("shop", format!("service-{service}"));
        Fact::Refused { target, error, repeated, retry_at: None }
    }

    fn changed(kind: ConditionKind, status: Truth, reason: &'static str) -> Fact {
        let since = Timestamp::UNIX_EPOCH;
        let condition = Condition { kind, status, reason: reason.into(), message: "".into(), since };
        Fact::ConditionChanged { target: target(), condition }
    }

    fn levels(facts: &[Fact]) -> Vec<Level> {
        let mut warned = BTreeSet::new();
        facts.iter().map(|fact| Line::of(fact, &mut warned).level).collect()
    }

    #[test]
    fn an_accepted_floor_says_from_what_to_what_and_why() {
        let floor = Floor { min: 3, max: None };
        let line = line(&Fact::Accepted {
            target: target(),
            action: Action { target: target(), min: Some(3), max: None },
            kind: ChangeKind::Scheduled,
            before: Some(Bounds { min: 1, max: 10 }),
            decision: Some(Decision { floor, schedule: "web".into(), cause: Cause::Default }),
            lateness: Some(SignedDuration::from_millis(120)),
        });
        let fields = Fields {
            from: Some("1".to_owned()),
            to: Some("3".to_owned()),
            kind: Some("scheduled"),
            schedule: Some("web".to_owned()),
            cause: Some("default".to_owned()),
            lateness_ms: Some(120),
            ..Fields::default()
        };
        assert_eq!(line, Line::new(Level::INFO, "floor accepted by AWS", fields).about(&target()));
    }

    #[test]
    fn only_what_was_sent_shows_as_changed() {
        assert_eq!(bounds(Some(3), Some(10)), "3..10");
        assert_eq!(bounds(None, Some(10)), "..10");
        assert_eq!(bounds(Some(0), None), "0");
    }

    #[test]
    fn a_condition_warns_when_it_turns_and_informs_when_it_returns() {
        let facts = [
            changed(ConditionKind::Registered, Truth::False, "NotRegistered"),
            changed(ConditionKind::Registered, Truth::Unknown, "Throttled"),
            changed(ConditionKind::Registered, Truth::True, "Registered"),
            changed(ConditionKind::Registered, Truth::True, "Registered"),
        ];
        assert_eq!(levels(&facts), [Level::WARN, Level::DEBUG, Level::INFO, Level::DEBUG]);
    }

    #[test]
    fn conditions_that_are_well_at_first_are_not_told() {
        let first = ConditionKind::ALL.map(|kind| changed(kind, kind.is_well_when(), "Well"));
        assert_eq!(levels(&first), [Level::DEBUG; 9]);
    }

    #[test]
    fn a_rise_on_its_way_does_not_warn() {
        let facts = [
            changed(ConditionKind::Synced, Truth::False, "ChangeDue"),
            changed(ConditionKind::Held, Truth::False, "BelowFloor"),
            changed(ConditionKind::Ready, Truth::False, "BelowFloor"),
        ];
        assert_eq!(levels(&facts), [Level::DEBUG; 3]);
    }

    #[test]
    fn a_rise_that_waits_for_a_deployment_is_told_and_so_is_its_end() {
        let facts = [
            changed(ConditionKind::Synced, Truth::False, "Deferred"),
            changed(ConditionKind::Synced, Truth::True, "InSync"),
        ];
        assert_eq!(levels(&facts), [Level::INFO; 2]);
    }

    #[test]
    fn a_dry_run_says_from_what_to_what_and_why() {
        let decision = Decision { floor: Floor { min: 3, max: None }, schedule: "web".into(), cause: Cause::Default };
        let line = line(&Fact::WouldApply {
            action: Action { target: target(), min: Some(3), max: None },
            kind: ChangeKind::Scheduled,
            before: Some(Bounds { min: 1, max: 10 }),
            decision: Some(decision),
        });
        let Fields { from, to, cause, .. } = line.fields;
        assert_eq!((from.as_deref(), to.as_deref(), cause.as_deref()), (Some("1"), Some("3"), Some("default")));
    }

    #[test]
    fn a_target_that_left_is_forgotten() {
        let mut warned = BTreeSet::new();
        Line::of(&changed(ConditionKind::Paused, Truth::True, "ScheduledScalingSuspended"), &mut warned);
        assert_eq!(warned.len(), 1);
        Line::of(&Fact::Released { target: target() }, &mut warned);
        assert!(warned.is_empty());
    }

    #[test]
    fn refusals_weigh_by_what_an_operator_can_do() {
        let facts = [
            refused(0, ErrorKind::Throttled, false),
            refused(0, ErrorKind::Denied, false),
            refused(0, ErrorKind::Denied, true),
            refused(0, ErrorKind::Credentials, false),
        ];
        assert_eq!(levels(&facts), [Level::INFO, Level::WARN, Level::DEBUG, Level::ERROR]);
    }

    #[test]
    fn f10_a_permission_that_is_missing_for_all_is_one_line() {
        let lines = (0..300).map(|service| line(&refused(service, ErrorKind::Denied, false))).collect();
        let lines: Vec<_> = lines_of(lines).collect();
        assert_eq!(lines[0].level, Level::WARN);
        assert_eq!(lines[0].targets, Some(300));
        assert_eq!(lines[0].target.as_deref(), Some("shop/service-0"));
        assert_eq!(lines[1..].iter().filter(|line| line.level == Level::DEBUG).count(), 300);
        assert_eq!(lines.len(), 301);
    }

    #[test]
    fn five_of_a_kind_are_told_one_by_one_and_other_kinds_are_not_counted_in() {
        let denied = (0..5).map(|service| line(&refused(service, ErrorKind::Denied, false)));
        let invalid = (5..8).map(|service| line(&refused(service, ErrorKind::Invalid, false)));
        let lines: Vec<_> = lines_of(denied.chain(invalid).collect()).collect();
        assert_eq!(lines.len(), 8);
        assert!(lines.iter().all(|line| line.level == Level::WARN && line.targets.is_none()));
    }
}
