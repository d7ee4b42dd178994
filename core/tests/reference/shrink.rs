//! From a source on which the product and the oracle differ to the smallest one on which they still do.

use std::mem::discriminant;
use std::ops::Range;

use crate::compare::{Failure, compare, text};
use crate::oracle::Minute;
use crate::source::{Default, Floor, Item, Schedule, Source, When, Window};

/// Compares, and panics with the smallest source that shows the difference.
pub fn assert_same(source: Source, span: Range<Minute>, step: usize, what: &str) {
    let run = |source: &Source| compare(source, span.clone(), step);
    if let Err(failure) = run(&source) {
        let (source, failure) = shrunk(source, failure, &run);
        panic!("{what}\n{}\n{failure}", text(&source));
    }
}

/// The smallest source that fails in the same way.
fn shrunk(mut source: Source, mut failure: Failure, run: &dyn Fn(&Source) -> Result<(), Failure>) -> (Source, Failure) {
    'again: loop {
        for candidate in smaller(&source) {
            if text(&candidate).len() >= text(&source).len() {
                continue;
            }
            match run(&candidate) {
                Err(next) if discriminant(&next) == discriminant(&failure) => {
                    (source, failure) = (candidate, next);
                    continue 'again;
                }
                Err(_) | Ok(()) => {}
            }
        }
        return (source, failure);
    }
}

/// Every source that is a little smaller.
fn smaller(source: &Source) -> Vec<Source> {
    let mut all = Vec::new();
    let mut keep = |change: &dyn Fn(&mut Source)| {
        let mut less = source.clone();
        change(&mut less);
        all.push(less);
    };
    for i in 0..source.schedules.len() {
        if source.schedules.len() > 1 {
            keep(&|s| drop(s.schedules.remove(i)));
        }
        for w in 0..source.schedules[i].windows.len() {
            keep(&|s| drop(s.schedules[i].windows.remove(w)));
            let plain = |s: &mut Source, f: &dyn Fn(&mut Window)| f(&mut s.schedules[i].windows[w]);
            keep(&|s| plain(s, &|w| w.days.clear()));
            keep(&|s| plain(s, &|w| w.on.clear()));
            keep(&|s| plain(s, &|w| w.except.clear()));
            keep(&|s| plain(s, &|w| w.valid_from = None));
            keep(&|s| plain(s, &|w| w.valid_until = None));
            keep(&|s| plain(s, &|w| simplify(&mut w.when)));
        }
        for o in 0..source.schedules[i].overrides.len() {
            keep(&|s| drop(s.schedules[i].overrides.remove(o)));
        }
        keep(&|s| s.schedules[i].lead = 0);
        keep(&|s| s.schedules[i].lead /= 2);
        keep(&|s| s.schedules[i].targets.truncate(1));
        keep(&|s| s.schedules[i].priority = 0);
        keep(&|s| s.schedules[i].default = Default::Floor(Floor { min: 0, max: None }));
        keep(&|s| s.schedules[i].without_max());
    }
    for c in 0..source.calendars.len() {
        keep(&|s| drop(s.calendars.remove(c)));
        keep(&|s| s.calendars[c].dates.clear());
        for e in 0..source.calendars[c].events.len() {
            keep(&|s| drop(s.calendars[c].events.remove(e)));
        }
    }
    all
}

fn simplify(when: &mut When) {
    if let When::Cron { cron, .. } = when {
        for field in [&mut cron.day_of_month, &mut cron.month, &mut cron.day_of_week] {
            if field.len() == 1 {
                field[0] = Item::Any;
            }
        }
        for field in [&mut cron.minute, &mut cron.hour] {
            field.truncate(1);
        }
    }
}

impl Schedule {
    fn without_max(&mut self) {
        let floors =
            self.windows.iter_mut().map(|w| &mut w.floor).chain(self.overrides.iter_mut().map(|o| &mut o.floor));
        floors.for_each(|floor| floor.max = None);
        if let Default::Floor(floor) = &mut self.default {
            floor.max = None;
        }
    }
}
