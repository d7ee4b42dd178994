//! How two revisions differ, for a terminal, a program and a pull request.
//!
//! All three tell the same [`Diff`]. People get the changed stretches folded into days and hours (`occasions`), and
//! targets that change alike told once; programs get every stretch.

mod figures;
mod json;
mod markdown;
mod occasions;
mod text;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use self::figures::{figure_of, hours, hours_of, signed_hours, signed_percent};
use self::occasions::{Occasion, occasions};
use super::words;
use crate::compare::{BeforeAndAfter, Change, Comparison, Effect, Row};
use crate::guard::Held;
use crate::model::Span;
use crate::timetable::{Decision, Schedules};

/// So many stretches of one kind are told to people; JSON has them all.
const MOST_OCCASIONS: usize = 12;

/// At most so many targets are named above what they share.
const MOST_NAMES: usize = 6;

/// Two revisions, how they differ, and what the shrink guard makes of it.
#[derive(Clone, Debug)]
pub struct Diff<'a> {
    /// How they differ.
    pub comparison: &'a Comparison,
    /// What they say.
    pub schedules: BeforeAndAfter<&'a Schedules>,
    /// Their digests.
    pub revisions: BeforeAndAfter<&'a str>,
    /// What the shrink guard will do.
    pub guard: Guard,
    /// The edition of the zone database, such as `2026e`.
    pub tzdb: &'a str,
}

/// What the shrink guard will do where the old revision is the one in force.
#[derive(Clone, Debug)]
pub struct Guard {
    /// The share that may go at once, in percent.
    pub percent: u8,
    /// Why it holds the new revision unless that is acknowledged; `None`: it lets it pass.
    pub held: Option<Held>,
    /// Whether the new revision says that it means to leave the old one.
    pub acknowledged: Acknowledged,
}

/// Whether a revision says that it means to leave the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acknowledged {
    /// It names that one's digest.
    Yes,
    /// It names only digests of others.
    Another,
    /// It names none.
    No,
}

impl Acknowledged {
    /// What the digests that the new revision names say about `old`.
    pub fn among(named: &[String], old: &str) -> Self {
        match named {
            [] => Acknowledged::No,
            _ if named.iter().any(|digest| digest == old) => Acknowledged::Yes,
            _ => Acknowledged::Another,
        }
    }
}

impl Diff<'_> {
    /// For a terminal of 80 columns.
    pub fn to_text(&self) -> String {
        text::text(self)
    }

    /// For a comment on a pull request; short enough for GitHub's limit of 65,536 characters.
    pub fn to_markdown(&self) -> String {
        markdown::markdown(self)
    }

    /// For programs, indented, with a newline at its end.
    pub fn to_json(&self) -> String {
        json::json(self)
    }

    /// `2 of 5 targets differ over 28d; task-hours 5,040 → 5,320 (+280, +5.6 %)`.
    fn summary(&self) -> String {
        let (differing, all) = (self.comparison.differing().count(), self.comparison.rows.len());
        let Span { from, to } = self.comparison.span;
        let length = words::length(to.duration_since(from));
        let BeforeAndAfter { before, after } = self.comparison.total;
        let targets = if all == 1 { "target" } else { "targets" };
        match differing {
            0 => format!("Nothing differs over {length}: {all} {targets}, {} task-hours", hours_of(after)),
            _ => format!(
                "{differing} of {all} {targets} differ over {length}; task-hours {} → {} ({}{})",
                hours_of(before),
                hours_of(after),
                signed_hours(self.comparison.total),
                signed_percent(self.comparison.total).map_or(String::new(), |percent| format!(", {percent}")),
            ),
        }
    }

    /// What a reader has to know to read the figures.
    fn notes(&self) -> Vec<String> {
        let rows = &self.comparison.rows;
        let mut notes = Vec::new();
        if rows.iter().any(|row| row.time.before.left_alone_seconds + row.time.after.left_alone_seconds > 0) {
            notes.push("Hours in which a target is left alone, without a declared floor, count nothing.".to_owned());
        }
        let is_left_out = |row: &&Row| !self.schedules.after.allowed().admits_any_of(&row.target);
        let left_out: Vec<&Row> = rows.iter().filter(is_left_out).collect();
        if !left_out.is_empty() {
            let names = Group { rows: left_out, zone: TimeZone::UTC }.names("", "");
            notes.push(format!("Left alone, because no --allow-target fits: {names}."));
        }
        if rows.iter().any(|row| matches!(row.effect, Effect::Removed | Effect::Suspended)) {
            notes.push("A target that is removed or suspended keeps the floor it has.".to_owned());
        }
        if rows.iter().any(|row| !row.target.is_exact()) {
            notes.push("A glob counts as one service, however many it fits.".to_owned());
        }
        notes
    }

    /// The rows that differ, those alike together, in the order in which the first of each comes.
    fn groups(&self) -> Vec<Group<'_>> {
        let mut groups: Vec<Group<'_>> = Vec::new();
        let mut known = BTreeMap::new();
        for row in self.comparison.differing() {
            let next = groups.len();
            let index = *known.entry((row.effect, row.alike)).or_insert(next);
            if index == next {
                groups.push(Group { rows: Vec::new(), zone: self.zone(row) });
            }
            groups[index].rows.push(row);
        }
        groups
    }

    /// The clock on which to tell a row's changes: that of the schedule which decides first, the new revision's before
    /// the old one's.
    fn zone(&self, row: &Row) -> TimeZone {
        let zone = |schedules: &Schedules, of: fn(&Change) -> &Option<Decision>| {
            let decision = row.changes.iter().find_map(|change| of(change).as_ref())?;
            schedules.get(&decision.schedule).map(|schedule| schedule.zone.clone())
        };
        let after = zone(self.schedules.after, |change| &change.after);
        after.or_else(|| zone(self.schedules.before, |change| &change.before)).unwrap_or(TimeZone::UTC)
    }
}

/// Rows that differ in the same way.
struct Group<'a> {
    rows: Vec<&'a Row>,
    zone: TimeZone,
}

/// One decision in the place of another, and when.
struct Replacement<'a> {
    before: &'a Option<Decision>,
    after: &'a Option<Decision>,
    /// At most [`MOST_OCCASIONS`].
    occasions: Vec<Occasion>,
    /// How many more there are.
    more: usize,
}

impl<'a> Group<'a> {
    /// `shop/api, shop/www and 3 more`, each name between `open` and `close`.
    fn names(&self, open: &str, close: &str) -> String {
        let named = self.rows.iter().take(MOST_NAMES).map(|row| format!("{open}{}{close}", row.target));
        let named = named.collect::<Vec<_>>().join(", ");
        match self.rows.len().saturating_sub(MOST_NAMES) {
            0 => named,
            more => format!("{named} and {more} more"),
        }
    }

    fn effect(&self) -> Effect {
        self.rows[0].effect
    }

    /// Whether there is more to tell than what happens to its rows: one that is left alone from now on needs no list.
    fn has_details(&self) -> bool {
        let is_left_alone = matches!(self.effect(), Effect::Removed | Effect::Suspended);
        !is_left_alone && !self.rows[0].changes.is_empty()
    }

    /// What takes the place of what, in the order in which each first does. Where only who gives the floor differs, a
    /// sentence is enough.
    fn replacements(&self, whole: Span) -> Vec<Replacement<'a>> {
        let mut spans: Vec<(&'a Change, Vec<Span>)> = Vec::new();
        let row: &'a Row = self.rows[0];
        for change in row.changes.iter().filter(|change| change.is_of_floor()) {
            match spans.iter_mut().find(|(first, _)| first.before == change.before && first.after == change.after) {
                Some((_, spans)) => spans.push(change.span),
                None => spans.push((change, vec![change.span])),
            }
        }
        let replacement = |(change, spans): (&'a Change, Vec<Span>)| {
            let mut occasions = occasions(&spans, whole, &self.zone);
            let more = occasions.len().saturating_sub(MOST_OCCASIONS);
            occasions.truncate(MOST_OCCASIONS);
            Replacement { before: &change.before, after: &change.after, occasions, more }
        };
        spans.into_iter().map(replacement).collect()
    }

    /// What there is to say beyond that, as sentences.
    fn remarks(&self) -> Vec<String> {
        let other_causes = self.rows[0].changes.iter().filter(|change| !change.is_of_floor()).count();
        let left_alone = self.rows[0].time.after.left_alone_seconds;
        let elsewhere = match other_causes {
            0 => None,
            1 => Some("1 stretch keeps its floor and gets it from another schedule or cause.".to_owned()),
            more => Some(format!("{more} stretches keep their floor and get it from another schedule or cause.")),
        };
        let alone = (left_alone > 0).then(|| format!("Left alone for {} h.", hours(left_alone)));
        elsewhere.into_iter().chain(alone).collect()
    }
}

/// What happens to a row, for people.
fn told(effect: Effect) -> &'static str {
    match effect {
        Effect::Added => "new",
        Effect::Removed => "removed",
        Effect::Suspended => "suspended",
        Effect::Resumed => "resumed",
        Effect::Changed => "changed",
        Effect::OtherCause => "other cause",
        Effect::Unchanged => "unchanged",
    }
}

/// `window/night, web`, or that nobody decides.
fn why(decision: &Option<Decision>) -> String {
    decision.as_ref().map_or("left alone".to_owned(), |decision| format!("{}, {}", decision.cause, decision.schedule))
}

/// `1 → 3`.
fn arrow(before: &Option<Decision>, after: &Option<Decision>) -> String {
    format!("{} → {}", figure_of(before), figure_of(after))
}

/// What the guard will do, as sentences: the first says whether it holds, the others why.
fn guard_told(guard: &Guard) -> (String, Vec<String>) {
    let Some(held) = &guard.held else {
        return (format!("The shrink guard ({} %) lets this revision pass.", guard.percent), Vec::new());
    };
    let first = match guard.acknowledged {
        Acknowledged::Yes => {
            "The shrink guard lets this revision pass, because it acknowledges that it leaves the old one."
        }
        Acknowledged::No => "The shrink guard will hold this revision: the old one will stay in force.",
        Acknowledged::Another => {
            "The shrink guard will hold this revision: the old one will stay in force, for the acknowledgement in the \
             new one names another digest."
        }
    };
    (first.to_owned(), held.reasons())
}

impl Guard {
    /// Whether the new revision will not take effect as it is.
    pub fn holds(&self) -> bool {
        self.held.is_some() && self.acknowledged != Acknowledged::Yes
    }
}
