//! Asks the product and the oracle the same questions.

use std::fmt::{self, Debug, Write};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use baseload_core::model::{Pattern, Site, Span, TargetId, TargetPattern};
use baseload_core::spec::{Limits, Loaded, Tree, load};
use baseload_core::timetable::{self, Decision, Schedules};
use jiff::Timestamp;

use crate::oracle::{Cause, Minute, Verdict, lists, verdicts};
use crate::source::Source;
use crate::{yaml, zones};

/// What went wrong with a source, in words.
#[derive(Debug)]
pub enum Failure {
    /// The product does not accept a source that is in order.
    Refused(String),
    /// The two give different answers.
    Differs(String),
    /// The product broke down.
    Panicked,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Refused(text) => write!(f, "refused:\n{text}"),
            Failure::Differs(text) => f.write_str(text),
            Failure::Panicked => f.write_str("panicked, as printed above"),
        }
    }
}

/// Whether both databases know the same clocks wherever the answers over `span` come from: what begins 31 days earlier
/// can last into it, and a lead looks a day ahead.
pub fn comparable(source: &Source, span: &Range<Minute>) -> bool {
    let reach = span.start - 36 * 1440..span.end + 5 * 1440;
    source.schedules.iter().all(|schedule| zones::agree(schedule.zone, &reach))
}

/// Compares every target and every glob that the source names: the segments of the whole span, and the decisions at both
/// ends of every segment and every `step` minutes between.
pub fn compare(source: &Source, span: Range<Minute>, step: usize) -> Result<(), Failure> {
    catch_unwind(AssertUnwindSafe(|| compare_all(source, span, step))).unwrap_or(Err(Failure::Panicked))
}

/// The source as its author sees it, to be printed beside a failure.
pub fn text(source: &Source) -> String {
    yaml::files(source).iter().fold(String::new(), |text, (path, file)| text + "# " + path + "\n" + file)
}

/// An instant as people read it.
pub fn instant(minute: Minute) -> Timestamp {
    Timestamp::from_second(minute * 60).expect("minutes of this century are instants")
}

/// The first minute, the minute after the last, and the answer, of each run of one answer.
pub fn runs<'a>(answers: &[Option<Verdict<'a>>], from: Minute) -> Vec<(Minute, Minute, Option<Verdict<'a>>)> {
    let chunks = answers.chunk_by(|a, b| a == b);
    let starts = chunks.clone().scan(from, |at, run| Some(std::mem::replace(at, *at + run.len() as Minute)));
    starts.zip(chunks).map(|(at, run)| (at, at + run.len() as Minute, run[0])).collect()
}

fn compare_all(source: &Source, span: Range<Minute>, step: usize) -> Result<(), Failure> {
    let loaded = read(source, span.start)?;
    for (cluster, service) in rows(source) {
        let row = TargetPattern { site: Site::HOME, cluster: Pattern::new(cluster), service: Pattern::new(service) };
        let exact = row.exact();
        let expected = match &exact {
            Some(_) => verdicts(source, span.clone(), |s| lists(s, cluster, service)),
            None => verdicts(source, span.clone(), |s| s.targets.contains(&(cluster, service))),
        };
        let question =
            Question { source, schedules: &loaded.schedules, row: &row, span: span.clone(), expected: &expected };
        question.row_segments()?;
        if let Some(target) = exact {
            question.segments(&target)?;
            question.decisions(&target, step)?;
            question.beyond(&target)?;
        }
    }
    Ok(())
}

fn read(source: &Source, now: Minute) -> Result<Loaded, Failure> {
    let files = yaml::files(source).into_iter().map(|(path, text)| (path.into(), text.into_bytes())).collect();
    load(&Tree { files }, zones::embedded(), &Limits::default(), instant(now)).map_err(|findings| {
        Failure::Refused(findings.iter().fold(String::new(), |all, finding| {
            all + &format!("{:?} {}: {}\n", finding.severity, finding.code, finding.message)
        }))
    })
}

/// Every pattern of the source, once, and a target that most globs match.
fn rows(source: &Source) -> Vec<(&'static str, &'static str)> {
    let mut rows: Vec<_> = source.schedules.iter().flat_map(|s| s.targets.iter().copied()).collect();
    rows.push(("shop", "www"));
    rows.sort_unstable();
    rows.dedup();
    rows
}

/// One row of the timetable, and what the oracle says about it.
struct Question<'a> {
    source: &'a Source,
    schedules: &'a Schedules,
    row: &'a TargetPattern,
    span: Range<Minute>,
    expected: &'a [Option<Verdict<'a>>],
}

impl Question<'_> {
    fn row_segments(&self) -> Result<(), Failure> {
        self.same_segments("segments_of_row", &self.schedules.segments_of_row(self.row, self.whole()))
    }

    fn segments(&self, target: &TargetId) -> Result<(), Failure> {
        self.same_segments("segments", &self.schedules.segments(target, self.whole()))
    }

    fn whole(&self) -> Span {
        Span { from: instant(self.span.start), to: instant(self.span.end) }
    }

    fn same_segments(&self, what: &str, actual: &[timetable::Segment]) -> Result<(), Failure> {
        let expected = runs(self.expected, self.span.start);
        let same = expected.len() == actual.len()
            && expected.iter().zip(actual).all(|((from, to, verdict), segment)| {
                let span = Span { from: instant(*from), to: instant(*to) };
                segment.span == span && same(verdict.as_ref(), segment.decision.as_ref())
            });
        if same {
            return Ok(());
        }
        let mut text = format!("{what} of {}\n  expected\n", self.row);
        for (from, to, verdict) in &expected {
            writeln!(text, "    {} .. {} {}", instant(*from), instant(*to), words(verdict.as_ref())).expect("a string");
        }
        text += "  answered\n";
        for segment in actual {
            let decision = decision_words(segment.decision.as_ref());
            writeln!(text, "    {} .. {} {decision}", segment.span.from, segment.span.to).expect("a string");
        }
        Err(Failure::Differs(text))
    }

    fn decisions(&self, target: &TargetId, step: usize) -> Result<(), Failure> {
        for (from, to, verdict) in runs(self.expected, self.span.start) {
            let last = instant(to) - jiff::SignedDuration::from_secs(1);
            let asked = (from..to).step_by(step).map(instant).chain([last]);
            for at in asked {
                self.decision(target, at, to, verdict.as_ref())?;
            }
        }
        Ok(())
    }

    /// The decision at the end of the span holds until the product says, and no longer.
    fn beyond(&self, target: &TargetId) -> Result<(), Failure> {
        let last = self.span.end - 1;
        let until = self.schedules.decide(target, instant(last)).until.map(|at| at.as_second() / 60);
        let known = until.unwrap_or(Minute::MAX).min(zones::minute_of("2039-12-01T00:00Z"));
        let holding = (1..=2).map(|i| last + i * 131_313).chain(until.map(|at| at - 1)).filter(|at| *at < known);
        for at in holding {
            self.holds_still(target, at, true)?;
        }
        until.filter(|at| *at <= known).map_or(Ok(()), |at| self.holds_still(target, at, false))
    }

    fn holds_still(&self, target: &TargetId, at: Minute, expected: bool) -> Result<(), Failure> {
        if !comparable(self.source, &(at..at + 1)) {
            return Ok(());
        }
        let then = verdicts(self.source, at..at + 1, |s| lists(s, &target.cluster, &target.service));
        if (then.last() == self.expected.last()) == expected {
            return Ok(());
        }
        let last = instant(self.span.end - 1);
        let answered = self.schedules.decide(target, last).until;
        let (now, then) = (words(self.expected.last().and_then(Option::as_ref)), words(then[0].as_ref()));
        Err(Failure::Differs(format!(
            "decide {target} at {last}: {now}\n  answered until {answered:?}\n  but at {} {then}\n",
            instant(at)
        )))
    }

    fn decision(&self, target: &TargetId, at: Timestamp, to: Minute, verdict: Option<&Verdict>) -> Result<(), Failure> {
        let ruling = self.schedules.decide(target, at);
        let until = match ruling.until {
            Some(until) if to < self.span.end => until == instant(to),
            None => to == self.span.end,
            Some(until) => until >= instant(to),
        };
        if until && same(verdict, ruling.decision.as_ref()) {
            return Ok(());
        }
        let expected = format!("{} until {}", words(verdict), instant(to));
        let answered = format!("{} until {:?}", decision_words(ruling.decision.as_ref()), ruling.until);
        Err(Failure::Differs(format!("decide {target} at {at}\n  expected {expected}\n  answered {answered}\n")))
    }
}

fn same(verdict: Option<&Verdict>, decision: Option<&Decision>) -> bool {
    match (verdict, decision) {
        (Some(verdict), Some(decision)) => {
            let cause = match (&verdict.cause, &decision.cause) {
                (Cause::Default, timetable::Cause::Default) => true,
                (Cause::Window(a), timetable::Cause::Window(b)) => **a == **b,
                (Cause::Override(a), timetable::Cause::Override(b)) => **a == **b,
                _ => false,
            };
            let floor = (verdict.floor.min, verdict.floor.max) == (decision.floor.min, decision.floor.max);
            cause && floor && *verdict.schedule == *decision.schedule
        }
        (None, None) => true,
        _ => false,
    }
}

fn words(verdict: Option<&Verdict>) -> String {
    verdict.map_or("left alone".to_owned(), |v| line(v.floor.min, v.floor.max, &v.schedule, &v.cause))
}

fn decision_words(decision: Option<&Decision>) -> String {
    decision.map_or("left alone".to_owned(), |d| line(d.floor.min, d.floor.max, &d.schedule, &d.cause))
}

fn line(min: u32, max: Option<u32>, schedule: &dyn Debug, cause: &dyn Debug) -> String {
    let max = max.map_or("-".to_owned(), |max| max.to_string());
    format!("{min}..{max} by {schedule:?} {cause:?}")
}
