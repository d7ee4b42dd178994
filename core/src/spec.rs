//! From files to [`Schedules`]: reads every document, reports every mistake at once, and yields nothing half-checked.
//!
//! The way of a file: `yaml` makes marked nodes of its text, `document` tells the kinds apart, `schedule` and `window`
//! check the fields (`fields` is the table of them; `value`, `time` and `name` read what stands in them), and `source`
//! checks what holds between documents, across files. `schema` tells the table of fields to editors.

mod cover;
mod document;
mod fields;
mod lifted;
mod lint;
mod name;
mod path;
mod places;
mod report;
mod schedule;
mod schema;
mod source;
mod time;
mod value;
mod window;
mod yaml;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::diagnostic::{self, Diagnostic, Files};
use crate::timetable::{Allowed, Schedules, Zones};
pub use lint::lint;
pub use places::Declared;
use schedule::Context;
pub use schema::json_schema;
use source::Source;

/// The files of one revision of a source: YAML files, and the calendars they name. Paths use `/`, as the user would type
/// them. Which files belong to it (no hidden ones) is the reader's business.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// Contents by path.
    pub files: Files,
}

impl Tree {
    /// The revision's identity: 64 hexadecimal digits over paths and contents. Folders that all files share do not
    /// count, so a revision is the same wherever it is checked out.
    pub fn digest(&self) -> String {
        let shared = path::common_folder(self.files.keys().map(|path| &**path));
        let mut hash = Sha256::new();
        for (path, content) in &self.files {
            for part in [&path.as_bytes()[shared.len()..], content] {
                hash.update((part.len() as u64).to_be_bytes()); // so that no two trees run together to the same bytes
                hash.update(part);
            }
        }
        hash.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a string takes every write");
            text
        })
    }
}

/// What the operator allows, whatever the schedules say.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The greatest `min` or `max` that a schedule may declare; above it, a schedule is refused.
    pub max_floor: u32,
    /// The targets whose floors may be kept; any other is left alone, and the revision stands.
    pub allowed: Allowed,
    /// The accounts that schedules may name in `aws`; a schedule that names another is refused.
    pub accounts: BTreeSet<Arc<str>>,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { max_floor: 1000, allowed: Allowed::default(), accounts: BTreeSet::new() }
    }
}

/// A source that was read whole and found good.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The schedules of every file.
    pub schedules: Schedules,
    /// What someone should look at.
    pub warnings: Vec<Diagnostic>,
    /// The digests of revisions that may be left although the shrink guard would hold this one.
    pub acknowledgements: Vec<String>,
    /// Where the schedules stand in their files, for [`lint`].
    pub declared: Declared,
}

/// Reads and checks a whole source. `now` decides only which calendars are past.
///
/// # Errors
/// Every mistake in every file, and the warnings after them, in the order of reading.
pub fn load(tree: &Tree, zones: &Zones, limits: &Limits, now: Timestamp) -> Result<Loaded, Vec<Diagnostic>> {
    match Source::read(tree, Context { zones, limits }, now).finish() {
        Ok(mut loaded) => {
            diagnostic::sort(&mut loaded.warnings);
            Ok(loaded)
        }
        Err(mut found) => {
            diagnostic::sort(&mut found);
            Err(found)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;
    use crate::diagnostic::{Colour, Severity, text};

    static ZONES: LazyLock<Zones> = LazyLock::new(Zones::embedded);

    const WEB: &str = "\
apiVersion: baseload/v1
kind: ScalingSchedule
metadata: { name: web }
spec:
  targets: [{ cluster: shop, service: www }]
  timezone: Europe/Brussels
  default: { min: 3 }
";

    const HOLIDAYS: &str = "\
apiVersion: baseload/v1
kind: Calendar
metadata: { name: holidays }
spec: { dates: [2026-12-25] }
";

    fn tree<C: Into<Vec<u8>>>(files: impl IntoIterator<Item = (&'static str, C)>) -> Tree {
        Tree { files: files.into_iter().map(|(path, content)| (path.into(), content.into())).collect() }
    }

    fn check(tree: &Tree) -> Result<Loaded, Vec<Diagnostic>> {
        load(tree, &ZONES, &Limits::default(), "2026-11-21T00:00:00Z".parse().expect("an instant"))
    }

    /// Code, file and line of every error.
    fn errors(tree: &Tree) -> Vec<(&'static str, String, usize)> {
        let found = check(tree).expect_err("the source has mistakes");
        let rows = diagnostic::rows(&found, &tree.files);
        let errors = rows.into_iter().filter(|row| row.severity == "error");
        errors.map(|row| (row.code, row.file.unwrap_or_default(), row.line.unwrap_or(0))).collect()
    }

    fn error_of(content: impl Into<Vec<u8>>) -> (&'static str, String, usize) {
        let mut errors = errors(&tree([("web.yaml", content)]));
        assert_eq!(errors.len(), 1, "{errors:?}");
        errors.remove(0)
    }

    fn with_window(fields: &str) -> String {
        format!("{WEB}  windows: [{{ name: w, min: 1, {fields} }}]\n")
    }

    #[test]
    fn a_schedule_comes_out_as_it_was_written() {
        let written = WEB.replace("default: { min: 3 }", "default: { min: 3 }\n  leadTime: 1h30m\n  priority: -2");
        let loaded = check(&tree([("web.yaml", written)])).expect("a good schedule");
        let schedule = loaded.schedules.iter().next().expect("one schedule");
        assert_eq!((&*schedule.name, schedule.priority), ("web", -2));
        assert_eq!(schedule.lead_time, jiff::SignedDuration::from_mins(90));
        assert_eq!(schedule.targets[0].to_string(), "shop/www");
        assert_eq!(schedule.zone.iana_name(), Some("Europe/Brussels"));
    }

    #[test]
    fn times_and_dates_need_no_quotes() {
        let window = "from: 07:30, to: 24:00, days: [sat-mon], validFrom: 2026-12-01, validUntil: 2026-12-01";
        let over = "  overrides: [{ name: o, from: 2026-11-27T06:00, to: 2026-11-30T24:00, min: 9 }]\n";
        let loaded = check(&tree([("web.yaml", with_window(window) + over)])).expect("a good schedule");
        let schedule = loaded.schedules.iter().next().expect("one schedule").clone();
        assert_eq!(schedule.windows[0].dates.weekdays, 0b110_0001);
        assert_eq!(schedule.windows[0].dates.valid_from, Some(date(2026, 12, 1)));
        assert_eq!(schedule.overrides[0].to, date(2026, 12, 1).at(0, 0, 0, 0));
    }

    #[test]
    fn a_calendar_serves_windows_in_other_files() {
        let window = with_window("from: 07:30, to: 08:00, on: [holidays], except: [holidays]");
        let loaded = check(&tree([("a.yaml", window.as_str()), ("z.yaml", HOLIDAYS)])).expect("a good source");
        let schedule = loaded.schedules.iter().next().expect("one schedule").clone();
        let filter = &schedule.windows[0].dates;
        let last = |set: &crate::calendar::DateSet| set.last();
        assert_eq!(filter.on.as_ref().and_then(|sets| last(&sets[0])), Some(date(2026, 12, 25)));
        assert_eq!(last(&filter.except[0]), Some(date(2026, 12, 25)));
    }

    #[test]
    fn names_are_unique_across_files_but_for_kinds() {
        let calendar = HOLIDAYS.replace("holidays", "web");
        check(&tree([("a.yaml", WEB), ("b.yaml", calendar.as_str())])).expect("kinds have names of their own");
        let doubled = tree([("a.yaml", WEB), ("b.yaml", WEB)]);
        let found = check(&doubled).expect_err("two schedules of one name");
        assert_eq!(errors(&doubled), [("duplicate-name", "b.yaml".to_owned(), 3)]);
        assert_eq!(&*found[0].related[0].0.file, "a.yaml");
    }

    #[test]
    fn g13_one_bad_file_is_named_and_refuses_the_revision() {
        let bad = WEB.replace("Europe/Brussels", "Europe/Berln").replace("web", "other");
        assert_eq!(
            errors(&tree([("a.yaml", WEB), ("b.yaml", bad.as_str())])),
            [("unknown-timezone", "b.yaml".to_owned(), 6)]
        );
    }

    #[test]
    fn g16_zones_are_suggested_accepted_or_warned_of() {
        let zone = |name: &str| check(&tree([("web.yaml", WEB.replace("Europe/Brussels", name))]));
        let found = zone("America/New_Yrok").expect_err("no such zone");
        assert_eq!(found[0].label.as_deref(), Some("did you mean `America/New_York`?"));
        for plain in ["US/Eastern", "UTC", "Etc/UTC", "CET", "GMT0", "Etc/GMT-0"] {
            assert!(zone(plain).expect("a zone").warnings.is_empty(), "{plain}");
        }
        for surprising in ["EST", "MST", "HST", "Etc/GMT+5", "Etc/GMT-14"] {
            assert_eq!(zone(surprising).expect("a zone").warnings[0].code, "fixed-timezone", "{surprising}");
        }
    }

    #[test]
    fn g27_times_of_day_have_one_notation() {
        for (window, code) in [
            ("from: 09:00, to: 09:00", "empty-window"),
            ("from: 24:00, to: 09:00", "bad-time"),
            ("from: 09:00, to: 25:00", "bad-time"),
            ("from: 7:30, to: 09:00", "bad-time"),
        ] {
            assert_eq!(error_of(with_window(window)), (code, "web.yaml".to_owned(), 8), "{window}");
        }
        check(&tree([("web.yaml", with_window("from: 09:00, to: 24:00"))])).expect("24:00 ends a day");
    }

    #[test]
    fn g28_numbers_are_plain_decimal_digits() {
        for number in ["\"3\"", "010", "0x10", "5.5", "-5", "99999999999", "3e2", "+3", ".inf", "true", "~", "[3]"] {
            let (_, _, line) = error_of(WEB.replace("min: 3", &format!("min: {number}")));
            assert_eq!(line, 7, "{number}");
        }
    }

    #[test]
    fn g28_odd_bytes_are_refused_with_their_place_or_do_no_harm() {
        let place = |content: &[u8]| error_of(content).2;
        assert_eq!(place(WEB.replace("  targets", "\ttargets").as_bytes()), 5);
        assert_eq!(place(format!("{WEB}  default: {{ min: 4 }}\n").as_bytes()), 8);
        assert_eq!(place(WEB.replace("www", "w\0w").as_bytes()), 5);
        assert_eq!(place(&[WEB.as_bytes(), b"# caf\xe9\n"].concat()), 8);
        assert_eq!(place(with_window("from: 09:00, to: 10:00, days: [no]").as_bytes()), 8);
        check(&tree([("web.yaml", format!("\u{feff}{WEB}"))])).expect("a byte order mark at the start is fine");
        check(&tree([("web.yaml", WEB.replace('\n', "\r\n"))])).expect("CRLF is fine");
    }

    #[test]
    fn f40_hostile_files_are_refused() {
        let bomb = (1..10).fold("a0: &a0 [x, x]\n".to_owned(), |text, i| {
            let before = format!("*a{}, ", i - 1).repeat(9);
            text + &format!("a{i}: &a{i} [{before}]\n")
        });
        let long_list = format!("[{}]", "x, ".repeat(12_000));
        let nested_anchors = (0..25).fold(long_list, |inner, i| format!("&n{i} [{inner}]"));
        let windows = |count| format!("{WEB}  windows:\n{}", "  - {min: 1}\n".repeat(count));
        for (hostile, code) in [
            (bomb, "too-many-values"),
            (nested_anchors, "too-many-values"),
            ("[".repeat(200_000), "too-deep"),
            ("{a: ".repeat(50_000), "too-deep"),
            ("- ".repeat(200_000), "too-deep"),
            (format!("[{}]", "a: ,".repeat(200_000)), "too-many-values"),
            (format!("{{\"a\": [{}", "\"\",".repeat(300_000)), "too-many-values"),
            ("- &a x\n".repeat(100_000), "too-many-values"),
            ("x".repeat(10 << 20), "file-too-large"),
            (windows(100_000), "file-too-large"),
            (windows(70_000), "too-many-parts"),
            (format!("{WEB}  x: !include /etc/passwd\n"), "tag"),
            (format!("{WEB}  x: !!python/object:os.system {{}}\n"), "tag"),
        ] {
            let found = errors(&tree([("web.yaml", hostile)]));
            assert!(found.iter().any(|(found, ..)| *found == code), "{code}: {found:?}");
        }
    }

    #[test]
    fn f40_a_source_is_limited_as_a_whole() {
        let big = format!("{WEB}#{}\n", " ".repeat(900_000));
        let files = (0..20).map(|i| (format!("{i}.yaml").into(), big.clone().into_bytes()));
        assert_eq!(errors(&Tree { files: files.collect() }), [("source-too-large", String::new(), 0)]);
        let targets = "{ cluster: shop, service: w }, ".repeat(5_001);
        let many =
            |name| WEB.replace("web", name).replace("[{ cluster: shop, service: www }]", &format!("[{targets}]"));
        assert_eq!(
            errors(&tree([("a.yaml", many("a")), ("b.yaml", many("b"))])),
            [("too-many-targets", "b.yaml".to_owned(), 5)]
        );
    }

    /// As JSON on one line, as a list in brackets on lines of its own, and as a list without brackets.
    #[test]
    fn as_many_targets_as_there_may_be_can_be_written_in_every_style() {
        let target = |n: usize| format!("{{\"cluster\": \"shop\", \"service\": \"service-{n}\"}}");
        let targets: Vec<String> = (0..10_000).map(target).collect();
        let overrides: Vec<String> = (0..1000)
            .map(|n| {
                let year = 2027 + n;
                format!("{{\"name\":\"o{n}\",\"from\":\"{year}-01-01T00:00\",\"to\":\"{year}-01-02T00:00\",\"min\":3}}")
            })
            .collect();
        let spec = format!(
            "\"timezone\":\"UTC\",\"default\":{{\"min\":1}},\"targets\":[{}],\"overrides\":[{}]",
            targets.join(","),
            overrides.join(",")
        );
        let head = "\"apiVersion\":\"baseload/v1\",\"kind\":\"ScalingSchedule\",\"metadata\":{\"name\":\"web\"}";
        let list = |text: &str| WEB.replace("  targets: [{ cluster: shop, service: www }]", text);
        for written in [
            format!("{{{head},\"spec\":{{{spec}}}}}"),
            list(&format!("  targets:\n    [{}]", targets.join(", # a comment\n    "))),
            list(&format!("  targets:\n    - {}", targets.join("\n    - "))),
        ] {
            let loaded = check(&tree([("web.yaml", written)])).map_err(|found| found[0].clone());
            assert_eq!(loaded.expect("a good schedule").schedules.exact_targets().len(), 10_000);
        }
    }

    #[test]
    fn a_text_of_very_many_lines_is_one_value() {
        for (before, after) in [("\"", "\"\n"), ("", ": 1\n"), ("|\n  ", "")] {
            let text = format!("{WEB}  metadata: {before}{}{after}", "word\n   ".repeat(120_000));
            assert!(
                errors(&tree([("web.yaml", text)])).iter().all(|(code, ..)| *code != "too-many-values"),
                "{before}"
            );
        }
    }

    #[test]
    fn warnings_never_refuse_a_source_however_many_there_are() {
        let odd = |n: usize| WEB.replace("web", &format!("s{n}")).replace("Europe/Brussels", "EST") + "---\n";
        let loaded = check(&tree([("web.yaml", (0..600).map(odd).collect::<String>())])).expect("warnings only");
        let last = loaded.warnings.last().expect("there are warnings");
        assert_eq!((loaded.warnings.len(), last.message.as_str()), (501, "100 more warnings are not shown"));
    }

    #[test]
    fn f40_a_source_full_of_mistakes_gets_so_many_answers_and_is_refused() {
        let files = (0..2_000).map(|n| (format!("{n}.yaml").into(), "a: 1\n---\n".repeat(10).into_bytes()));
        let found = check(&Tree { files: files.collect() }).expect_err("full of mistakes");
        let more = found.last().expect("there are findings");
        assert_eq!((found.len(), more.severity, more.code), (501, Severity::Error, "too-many-findings"));
        let empty = (0..2_000).map(|n| (format!("{n}.yaml").into(), Vec::new()));
        assert_eq!(check(&Tree { files: empty.collect() }).expect_err("nothing in it").len(), 501);
    }

    #[test]
    fn f45_nothing_is_never_taken_for_no_schedules() {
        assert_eq!(errors(&Tree::default()), [("no-schedule", String::new(), 0)]);
        assert_eq!(error_of("# only a comment\n"), ("no-schedule", String::new(), 0));
        assert_eq!(error_of("---\n---\n"), ("no-schedule", String::new(), 0));
        assert_eq!(error_of(HOLIDAYS), ("no-schedule", String::new(), 0));
        assert_eq!(errors(&tree([("a.yaml", WEB), ("b.yaml", "")])), [("empty-file", "b.yaml".to_owned(), 1)]);
        check(&tree([("a.yaml", WEB), ("b.yaml", "# a comment\n---\n")])).expect("an empty document is skipped");
    }

    #[test]
    fn a_broken_file_hides_no_mistake_of_another_and_invents_none() {
        let uses = with_window("from: 09:00, to: 10:00, except: [holidays]").replace("min: 3", "min: -3");
        let found = errors(&tree([("a.yaml", "kind: [\n"), ("b.yaml", uses.as_str())]));
        assert_eq!(found, [("yaml-syntax", "a.yaml".to_owned(), 2), ("below-zero", "b.yaml".to_owned(), 7)]);
    }

    #[test]
    fn an_alias_shares_a_value() {
        let shared =
            WEB.replace("default: { min: 3 }", "default: &day { min: 3 }\n  windows: &none []\n  overrides: *none");
        check(&tree([("web.yaml", shared)])).expect("aliases are fine");
    }

    #[test]
    fn an_overlay_above_a_glob_needs_no_warning_but_a_lone_one_does() {
        let overlay = WEB.replace("web", "sale").replace("{ min: 3 }", "none");
        let glob = WEB.replace("www", "\"*\"");
        let both = check(&tree([("a.yaml", overlay.as_str()), ("b.yaml", glob.as_str())])).expect("a good source");
        assert!(both.warnings.is_empty());
        let alone = check(&tree([("a.yaml", overlay)])).expect("warnings refuse nothing");
        assert_eq!(alone.warnings.iter().map(|w| w.code).collect::<Vec<_>>(), ["overlays-only"]);
    }

    #[test]
    fn windows_that_cover_the_week_need_no_default() {
        let whole =
            "  windows: [{ name: a, min: 1, from: 22:00, to: 06:00 }, { name: b, min: 2, from: 06:00, to: 22:00 }]\n";
        let loaded = check(&tree([("web.yaml", WEB.replace("  default: { min: 3 }\n", whole))])).expect("covered");
        assert!(loaded.warnings.is_empty(), "a schedule without holes is no overlay");
    }

    #[test]
    fn an_override_is_warned_of_only_where_it_lifts_a_max() {
        let development = WEB.replace("{ min: 3 }", "{ min: 1, max: 4 }")
            + "  windows: [{ name: off, from: 20:00, to: 07:00, min: 0, max: 0 }]\n";
        let codes = |over: &str| -> Vec<_> {
            let schedule = format!("{development}  overrides: [{{ name: o, min: 3, {over} }}]\n");
            let loaded = check(&tree([("web.yaml", schedule)])).expect("a good source");
            loaded.warnings.iter().map(|warning| warning.code).collect()
        };
        assert!(codes("from: 2026-12-01T08:00, to: 2026-12-01T20:00").is_empty());
        assert_eq!(codes("from: 2026-12-01T08:00, to: 2026-12-01T20:01"), ["max-lifted"]);
        assert!(codes("from: 2026-12-01T08:00, to: 2026-12-01T20:01, max: 9").is_empty());
    }

    #[test]
    fn the_examples_load_together_without_a_warning() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../schedules");
        let entries = std::fs::read_dir(folder).expect("the examples are part of the repository");
        let paths = entries.map(|entry| entry.expect("the folder can be listed").path());
        let read = |path: std::path::PathBuf| (path.to_string_lossy().into(), std::fs::read(path).expect("a file"));
        let tree = Tree { files: paths.map(read).collect() };
        let loaded = check(&tree).unwrap_or_else(|found| panic!("{}", text(&found, &tree.files, Colour::Never)));
        let now = "2026-11-21T00:00:00Z".parse().expect("an instant");
        let found = [loaded.warnings.clone(), lint(&loaded, now)].concat();
        assert!(found.is_empty(), "{}", text(&found, &tree.files, Colour::Never));
    }

    #[test]
    fn an_acknowledgement_is_handed_on() {
        let digest = "0123456789abcdef".repeat(4);
        let document = format!("apiVersion: baseload/v1\nkind: Acknowledgement\nspec: {{ leaves: {digest} }}\n");
        let loaded = check(&tree([("a.yaml", WEB), ("b.yaml", document.as_str())])).expect("a good source");
        assert_eq!(loaded.acknowledgements, [digest]);
    }

    #[test]
    fn a_calendar_file_is_read_beside_the_one_that_names_it() {
        let holidays = HOLIDAYS.replace("{ dates: [2026-12-25] }", "{ ics: ../be.ics }");
        let good = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nEND:VCALENDAR\r\n";
        check(&tree([("s/be.ics", good), ("s/eu/h.yaml", &holidays), ("s/web.yaml", WEB)])).expect("a good source");
        let found = errors(&tree([("s/be.ics", "no calendar\n"), ("s/eu/h.yaml", &holidays), ("s/web.yaml", WEB)]));
        assert_eq!((found[0].0, found[0].1.as_str()), ("ics", "s/be.ics"));
    }

    #[test]
    fn a_digest_knows_contents_and_names_but_not_the_folder_they_are_in() {
        let digest = |a: &'static str, b: &'static str, content| tree([(a, content), (b, "y")]).digest();
        let here = digest("a.yaml", "eu/b.yaml", "x");
        assert_eq!(here.len(), 64);
        assert_eq!(here, digest("/etc/s/a.yaml", "/etc/s/eu/b.yaml", "x"));
        assert_ne!(here, digest("a.yaml", "eu/b.yaml", "z"));
        assert_ne!(here, digest("a.yaml", "eu/c.yaml", "x"));
    }

    proptest! {
        #[test]
        fn no_bytes_at_all_make_it_panic(content in proptest::collection::vec(any::<u8>(), 0..400)) {
            let tree = tree([("web.yaml", content)]);
            let found = check(&tree).expect_err("noise is no schedule");
            text(&found, &tree.files, Colour::Never);
        }

        #[test]
        fn a_damaged_schedule_gets_answers_within_its_file(
            at in 0..WEB.len(), length in 0..20_usize, noise in "[-:{}\\[\\]\"'&*!|>%@#,?0-9a-zé\u{feff}\t\n ]{0,8}"
        ) {
            let mut damaged = WEB.as_bytes().to_vec();
            let end = (at + length).min(damaged.len());
            damaged.splice(at..end, noise.bytes());
            let length = damaged.len();
            let tree = tree([("web.yaml", damaged)]);
            if let Err(found) = check(&tree) {
                prop_assert!(found.iter().any(|d| d.severity == Severity::Error));
                for location in found.iter().filter_map(|d| d.location.as_ref()) {
                    prop_assert!(location.start <= location.end && location.end <= length);
                }
                text(&found, &tree.files, Colour::Ansi);
            }
        }
    }
}
