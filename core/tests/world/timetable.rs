//! Timetables that a seed invents, as YAML for the controller and as plain arithmetic on minutes for the judge, so that
//! a mistake in the one is no mistake in the other.

use std::fmt::Write;

use baseload_core::model::Floor;
use jiff::Timestamp;

use crate::dice::Dice;
use crate::scene::id;

const DAY: i64 = 24 * 60;
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Zones whose clocks stand still, with their distance from UTC in minutes.
const ZONES: [(&str, i64); 3] = [("UTC", 0), ("Asia/Tokyo", 9 * 60), ("Asia/Kolkata", 5 * 60 + 30)];

/// The services that a seed draws from; the last are in an account of their own, where one has a name that is here too.
pub(crate) const NAMES: [&str; 6] = ["www", "api", "dev", "odd", "prod/eu-west-1/shop/job", "prod/eu-west-1/shop/www"];

#[derive(Clone, Debug)]
struct Window {
    /// Monday first; on which days it starts.
    days: [bool; 7],
    from: i64,
    to: i64,
    floor: Floor,
}

/// One schedule.
#[derive(Clone, Debug)]
struct Course {
    name: String,
    targets: Vec<&'static str>,
    zone: (&'static str, i64),
    priority: i64,
    lead: i64,
    defer: i64,
    default: Option<Floor>,
    windows: Vec<Window>,
}

/// A whole source.
#[derive(Clone, Debug)]
pub(crate) struct Timetable(Vec<Course>);

impl Timetable {
    /// Every name has a floor at every instant; some have an overlay besides.
    pub(crate) fn invent(dice: &mut Dice, names: &[&'static str]) -> Timetable {
        let (shared, rest) = names.split_at(2);
        let mut courses = vec![Course::invent(dice, "shared", shared.to_vec())];
        for name in rest {
            courses.push(Course::invent(dice, name, vec![name]));
        }
        if dice.once_in(3) {
            let target = dice.pick(names);
            let overlay = Course::invent(dice, "overlay", vec![target]);
            courses.push(Course { default: None, priority: dice.between(-1, 1), ..overlay });
        }
        Timetable(courses)
    }

    /// What is declared for a service at an instant; `None`: nothing is.
    pub(crate) fn floor(&self, name: &str, at: Timestamp) -> Option<Floor> {
        let minute = at.as_second().div_euclid(60);
        let counting = self.0.iter().filter(|course| course.targets.contains(&name));
        let mut claims: Vec<_> = counting.filter_map(|course| Some((course, course.floor(minute)?))).collect();
        claims.sort_by_key(|(course, floor)| (-course.priority, std::cmp::Reverse(floor.min), course.name.clone()));
        let (_, winner) = claims.first()?;
        let max = winner.max.or_else(|| claims.iter().find_map(|(_, floor)| floor.max));
        Some(Floor { min: winner.min, max: max.map(|max| max.max(winner.min)) })
    }

    pub(crate) fn yaml(&self) -> String {
        self.0.iter().map(Course::yaml).collect()
    }
}

impl Course {
    fn invent(dice: &mut Dice, name: &str, targets: Vec<&'static str>) -> Course {
        let declares_max = dice.once_in(4);
        let windows = (0..dice.between(1, 3)).map(|_| Window::invent(dice, declares_max)).collect();
        Course {
            name: name.replace('/', "-"),
            targets,
            zone: dice.pick(&ZONES),
            priority: 0,
            lead: if dice.once_in(3) { dice.between(1, 40) } else { 0 },
            defer: if dice.once_in(3) { dice.between(1, 30) } else { 0 },
            default: Some(invent_floor(dice, declares_max)),
            windows,
        }
    }

    /// The highest that is declared from this minute on until `lead` later; a tie is for the earliest.
    fn floor(&self, minute: i64) -> Option<Floor> {
        let base = self.base(minute);
        let mut best = base;
        for later in minute + 1..=minute + self.lead {
            if let Some(floor) = self.base(later)
                && best.is_none_or(|best| floor.min > best.min)
            {
                let max = floor.max.map(|max| max.max(base.and_then(|base| base.max).unwrap_or(0)));
                best = Some(Floor { max, ..floor });
            }
        }
        best
    }

    fn base(&self, minute: i64) -> Option<Floor> {
        let mut best: Option<Floor> = None;
        for window in self.windows.iter().filter(|window| window.is_on(minute + self.zone.1)) {
            if best.is_none_or(|best| window.floor.min > best.min) {
                best = Some(window.floor);
            }
        }
        best.or(self.default)
    }

    fn yaml(&self) -> String {
        let mut text = String::new();
        let targets: Vec<_> = self.targets.iter().map(|name| id(name)).collect();
        let site = targets.first().map(|target| target.site.clone()).unwrap_or_default();
        let targets = targets.iter().map(|id| format!("{{ cluster: {}, service: {} }}", id.cluster, id.service));
        let targets: Vec<_> = targets.collect();
        let _ = write!(
            text,
            "apiVersion: baseload/v1\nkind: ScalingSchedule\nmetadata: {{ name: {} }}\nspec:\n  targets: [{}]\n  timezone: {}\n  priority: {}\n",
            self.name,
            targets.join(", "),
            self.zone.0,
            self.priority,
        );
        if let Some((account, region)) = site.account().zip(site.region()) {
            let _ = writeln!(text, "  aws: {{ account: {account}, region: {region} }}");
        }
        if self.lead > 0 {
            let _ = writeln!(text, "  leadTime: {}m", self.lead);
        }
        if self.defer > 0 {
            let _ = writeln!(text, "  deferDuringDeployment: {}m", self.defer);
        }
        let default = self.default.map_or_else(|| "none".to_owned(), |floor| format!("{{ {} }}", words(floor)));
        let _ = writeln!(text, "  default: {default}\n  windows:");
        for (at, window) in self.windows.iter().enumerate() {
            let _ = writeln!(text, "    - {{ name: w{at}, {} }}", window.yaml());
        }
        text.push_str("---\n");
        text
    }
}

impl Window {
    fn invent(dice: &mut Dice, declares_max: bool) -> Window {
        let from = dice.between(0, DAY - 1);
        let to = match dice.between(0, 5) {
            0 => DAY,
            _ => (from + dice.between(1, DAY - 2)) % DAY,
        };
        let mut days = [true; 7];
        if dice.once_in(3) {
            days = days.map(|_| dice.once_in(2));
            days[usize::try_from(dice.between(0, 6)).expect("a day")] = true;
        }
        Window { days, from, to, floor: invent_floor(dice, declares_max) }
    }

    /// Whether it is on at a local minute, counted from the Thursday on which all counting began.
    fn is_on(&self, minute: i64) -> bool {
        let today = minute.div_euclid(DAY);
        [today - 1, today].into_iter().any(|day| {
            let starts = self.days[usize::try_from((day + 3).rem_euclid(7)).expect("a day")];
            let overnight = if self.to <= self.from { DAY } else { 0 };
            let span = day * DAY + self.from..day * DAY + self.to + overnight;
            starts && span.contains(&minute)
        })
    }

    fn yaml(&self) -> String {
        let days: Vec<_> = DAYS.iter().zip(self.days).filter(|(_, on)| *on).map(|(day, _)| *day).collect();
        let (from, to) = (clock(self.from), clock(self.to));
        format!("days: [{}], from: \"{from}\", to: \"{to}\", {}", days.join(", "), words(self.floor))
    }
}

fn invent_floor(dice: &mut Dice, declares_max: bool) -> Floor {
    let min = dice.count(0, 8);
    Floor { min, max: declares_max.then(|| min + dice.count(0, 6)) }
}

fn words(floor: Floor) -> String {
    floor.max.map_or_else(|| format!("min: {}", floor.min), |max| format!("min: {}, max: {max}", floor.min))
}

fn clock(minute: i64) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}
