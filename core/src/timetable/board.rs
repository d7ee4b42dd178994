//! Every schedule at one instant, so that a tick costs nanoseconds a target.
//!
//! What a schedule declares changes a few times a day; which schedules count for a target changes with the revision.
//! So the first is kept with the stretch it is good for, the second is computed once, and a tick only compares.

use std::sync::Arc;

use jiff::Timestamp;

use super::civil::{second, timestamp, timestamp_or_never};
use super::contest::{Entrant, outcome};
use super::rules::{Course, Run};
use super::{Decision, Ruling, Schedules, Segment};
use crate::model::{Span, TargetId};

/// What each schedule of a revision declares at the instant last advanced to.
#[derive(Clone, Debug)]
pub struct Board {
    schedules: Arc<Schedules>,
    rows: Vec<Row>,
    turn: u64,
}

/// One schedule's claim, good for `[from, run.until)`.
#[derive(Clone, Copy, Debug)]
struct Row {
    from: i64,
    run: Run,
}

/// The schedules that count for one target, in order of precedence. Good for one revision.
#[derive(Clone, Debug)]
pub struct Members(Box<[usize]>);

impl Board {
    /// Sets up the board of a revision, as it stands at `at`.
    pub fn new(schedules: Arc<Schedules>, at: Timestamp) -> Self {
        let unknown = Row { from: i64::MAX, run: Run { claim: None, until: i64::MIN } };
        let rows = vec![unknown; schedules.rules.len()];
        let mut board = Board { schedules, rows, turn: 1 };
        board.advance(at);
        board
    }

    /// The revision.
    pub fn schedules(&self) -> &Arc<Schedules> {
        &self.schedules
    }

    /// Goes to `at`, forward or back, and evaluates the schedules whose claim is not known to be good then.
    pub fn advance(&mut self, at: Timestamp) {
        let at = second(at);
        for (row, rules) in self.rows.iter_mut().zip(&self.schedules.rules) {
            if at < row.from || row.run.until <= at {
                *row = Row { from: at, run: Course::new(rules).at(at) };
                self.turn += 1;
            }
        }
    }

    /// Counts how often a claim was evaluated anew, from 1: while it stays, every decision does.
    pub fn turn(&self) -> u64 {
        self.turn
    }

    /// Whether what is decided for a target with these members surely stays up to and including `at`.
    pub fn stays_until(&self, members: &Members, at: Timestamp) -> bool {
        members.0.iter().all(|&schedule| self.rows[schedule].run.until > second(at))
    }

    /// The schedules that count for `target`.
    pub fn members(&self, target: &TargetId) -> Members {
        Members(self.schedules.taking_part(target).collect())
    }

    /// What holds for a target with these members; `None`: it is left alone. Nothing is allocated.
    pub fn decide(&self, members: &Members) -> Option<Decision> {
        let entrants = members.0.iter().filter_map(|&schedule| {
            let claim = self.rows[schedule].run.claim?;
            Some(Entrant { schedule, priority: self.schedules.rules[schedule].priority, claim })
        });
        outcome(entrants).map(|outcome| self.schedules.decision(outcome))
    }

    /// As [`Schedules::decide`], for a target with these members.
    pub fn rule(&self, members: &Members, at: Timestamp) -> Ruling {
        self.schedules.rule(members.0.iter().copied(), at)
    }

    /// As [`Schedules::segments`], for a target with these members.
    pub fn segments(&self, members: &Members, span: Span) -> Vec<Segment> {
        self.schedules.follow(members.0.iter().copied(), span)
    }

    /// When the floor of `decision`, which holds at `at` for a target with these members, would hold without lead time:
    /// `at` where it does already, or later where it is taken early.
    pub fn needed_at(&self, members: &Members, decision: &Decision, at: Timestamp) -> Timestamp {
        let rules = || members.0.iter().map(|&schedule| &self.schedules.rules[schedule]);
        let Some(winner) = rules().find(|rules| rules.name == decision.schedule) else { return at };
        let rivals = rules().filter(|rules| rules.priority >= winner.priority);
        let reached = rivals.filter_map(|rules| Course::new(rules).reaches(decision.floor.min, second(at))).min();
        reached.map_or(at, |reached| timestamp(reached).max(at))
    }

    /// The first instant at which any schedule may declare something else; `None`: never.
    pub fn changes_at(&self) -> Option<Timestamp> {
        timestamp_or_never(self.rows.iter().map(|row| row.run.until).min()?)
    }

    /// The same of the schedules that count for one target.
    pub fn changes_at_for(&self, members: &Members) -> Option<Timestamp> {
        timestamp_or_never(members.0.iter().map(|&schedule| self.rows[schedule].run.until).min()?)
    }
}
