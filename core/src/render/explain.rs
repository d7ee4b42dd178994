//! Why one floor holds, in sentences that need no knowledge of the rules.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::words::{cause, figure, length, moment, tasks, zone_name};
use crate::diagnostic::printable;
use crate::timetable::{Competitor, Decision, Explanation, InPlay, Outranked, Standing};

/// Tells an explanation. Each instant is told in the schedule's own zone and in UTC.
pub fn text(explanation: &Explanation, tzdb: &str) -> String {
    let zone = zone(explanation);
    let mut lines = vec![
        explanation.target.to_string(),
        format!("at {}, {}", moment(explanation.at, &zone), zone_name(&zone)),
        String::new(),
    ];
    lines.extend(verdict(explanation));
    lines.extend(next_change(explanation, &zone));
    for schedule in schedules(explanation) {
        lines.push(String::new());
        lines.extend(schedule);
    }
    lines.extend([String::new(), format!("Local times by tzdb {tzdb}.")]);
    lines.iter().map(|line| printable(line) + "\n").collect()
}

/// The floor and its reason, in a sentence or two.
pub fn verdict(explanation: &Explanation) -> Vec<String> {
    let mut lines = vec![floor(explanation, winner(explanation))];
    lines.extend(max_from(explanation));
    lines
}

/// What each schedule says, in order of precedence: a heading, then its details, indented by how far they go.
pub fn schedules(explanation: &Explanation) -> impl Iterator<Item = Vec<String>> {
    explanation.schedules.iter().map(|competitor| schedule(competitor, explanation))
}

fn winner(explanation: &Explanation) -> Option<&Competitor> {
    explanation.schedules.iter().find(|competitor| competitor.standing == Standing::Wins)
}

/// The clock to tell times on: that of the schedule which decides.
pub fn zone(explanation: &Explanation) -> TimeZone {
    let shown = winner(explanation).or(explanation.schedules.first());
    shown.map_or(TimeZone::UTC, |shown| shown.timezone.clone())
}

fn floor(explanation: &Explanation, winner: Option<&Competitor>) -> String {
    match (&explanation.decision, winner.and_then(|winner| winner.early.as_ref())) {
        (Some(held), None) => format!("{}.", sentence(held)),
        (Some(held), Some(early)) => {
            format!("{}, {} early.", sentence(held), length(early.due.duration_since(explanation.at)))
        }
        (None, _) if is_not_allowed(explanation) => {
            "Left alone: the operator does not allow this target (--allow-target). It keeps the floor it has."
                .to_owned()
        }
        (None, _) if explanation.schedules.is_empty() => {
            "Left alone: no schedule matches this target. It keeps the floor it has.".to_owned()
        }
        (None, _) => "Left alone: no schedule takes part now. It keeps the floor it has.".to_owned(),
    }
}

fn is_not_allowed(explanation: &Explanation) -> bool {
    explanation.schedules.iter().any(|competitor| competitor.standing == Standing::NotAllowed)
}

/// `Floor 3 (at least 3 tasks), from the default of schedule web`.
pub fn sentence(held: &Decision) -> String {
    let (floor, cause) = (held.floor, cause(&held.cause));
    format!("Floor {} ({}), from {cause} of schedule {}", figure(floor), tasks(floor), held.schedule)
}

fn max_from(explanation: &Explanation) -> Option<String> {
    let giver = explanation.max_from.as_ref()?;
    let winner = &explanation.decision.as_ref()?.schedule;
    Some(format!("The max is schedule {giver}'s, because {winner} declares none."))
}

fn next_change(explanation: &Explanation, zone: &TimeZone) -> Vec<String> {
    let Some(until) = explanation.until else {
        let steady = !explanation.schedules.is_empty() && !is_not_allowed(explanation);
        return if steady { vec!["This never changes.".to_owned()] } else { Vec::new() };
    };
    if explanation.next == explanation.decision {
        return vec![format!("This stays so until {} at least.", moment(until, zone))];
    }
    let then = explanation.next.as_ref().map_or("Left alone: no schedule takes part".to_owned(), sentence);
    vec![format!("Next change: {}", moment(until, zone)), format!("  {then}.")]
}

fn schedule(competitor: &Competitor, explanation: &Explanation) -> Vec<String> {
    let mut lines = vec![
        format!("Schedule {}: {}", competitor.schedule, standing(competitor, explanation)),
        format!("  it is for {}, with priority {}", competitor.matched_by, competitor.priority),
        clock(competitor),
    ];
    if competitor.standing == Standing::Suspended {
        return lines;
    }
    for item in &competitor.in_play {
        lines.extend(in_play(item, &competitor.timezone));
    }
    lines.push(match (competitor.default, competitor.in_play.is_empty()) {
        (Some(floor), true) => format!("  no window or override is active, so its default: {}", tasks(floor)),
        (Some(floor), false) => format!("  its default outside them: {}", tasks(floor)),
        (None, true) => "  no window or override is active, and it has no default".to_owned(),
        (None, false) => "  outside them it takes no part".to_owned(),
    });
    lines.extend(early_rise(competitor).into_iter().flatten());
    lines
}

fn clock(competitor: &Competitor) -> String {
    let zone = zone_name(&competitor.timezone);
    match competitor.lead_time.is_zero() {
        true => format!("  its times are {zone}"),
        false => format!("  its times are {zone}, and rises come {} early", length(competitor.lead_time)),
    }
}

fn in_play(item: &InPlay, zone: &TimeZone) -> [String; 3] {
    let fate = match item.outranked {
        None => "it applies",
        Some(Outranked::ByOverride) => "set aside, an override is active",
        Some(Outranked::ByHigherMin) => "set aside, another asks for more",
        Some(Outranked::ByEarlierDeclaration) => "set aside, another with the same floor is declared first",
    };
    let edge = |word: &str, at: Timestamp| format!("    {word} {}", moment(at, zone));
    [
        format!("  {} is active, {}: {fate}", cause(&item.cause), tasks(item.floor)),
        edge("from ", item.from),
        edge("until", item.to),
    ]
}

fn early_rise(competitor: &Competitor) -> Option<[String; 2]> {
    let (early, rule) = (competitor.early.as_ref()?, competitor.rule.as_ref()?);
    let taken = format!("  but taken early, for the lead time: {} ({}),", cause(&rule.cause), tasks(rule.floor));
    Some([taken, format!("    due {}", moment(early.due, &competitor.timezone))])
}

fn standing(competitor: &Competitor, explanation: &Explanation) -> String {
    let winner = explanation.decision.as_ref().map_or("another", |held| &*held.schedule);
    match competitor.standing {
        Standing::Wins if explanation.schedules.len() == 1 => "it decides, as the only one for this target".to_owned(),
        Standing::Wins => "it decides".to_owned(),
        Standing::NotAllowed => "takes no part, the target is not allowed".to_owned(),
        Standing::Suspended => "takes no part, it is suspended".to_owned(),
        Standing::OutsideItsWindows => "takes no part at this instant".to_owned(),
        Standing::LowerPriority => format!("outranked, {winner} has the higher priority"),
        Standing::LowerMin => format!("outranked, {winner} has the same priority and asks for more"),
        Standing::LaterName => format!("outranked, {winner} asks for as much and its name sorts first"),
    }
}
