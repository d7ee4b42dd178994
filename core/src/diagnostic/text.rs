//! Findings for people, in the style of rustc.

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::place::{Line, line, text_of};
use super::{Diagnostic, Files, Location, Severity, is_hidden, printable};

/// Longer lines are not shown, only where they are.
const LONGEST_LINE_BYTES: usize = 500;

/// Whether the text carries a terminal's colour codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    Never,
    /// ANSI escape codes, for a terminal.
    Ansi,
}

/// Renders all findings, one after another, an empty line between them, each with the line it is about.
pub fn text(found: &[Diagnostic], files: &Files, colour: Colour) -> String {
    let renderer = match colour {
        Colour::Never => Renderer::plain(),
        Colour::Ansi => Renderer::styled(),
    };
    let mut shown = String::new();
    for finding in found {
        if !shown.is_empty() {
            shown.push('\n');
        }
        shown.push_str(&renderer.render(&groups(finding, files)));
        shown.push('\n');
    }
    shown
}

fn groups<'a>(finding: &'a Diagnostic, files: &Files) -> Vec<Group<'a>> {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(printable(&finding.message)).id(finding.code);
    let mut first = match &finding.location {
        Some(location) => mark(Group::with_title(title), files, location, finding.label.as_deref()),
        None => Group::with_title(title),
    };
    if let Some(help) = &finding.help {
        first = first.element(Level::HELP.message(printable(help)));
    }
    let mut groups = vec![first];
    for (location, words) in &finding.related {
        let title = Level::NOTE.secondary_title(printable(words));
        groups.push(mark(Group::with_title(title), files, location, None));
    }
    groups
}

fn mark<'a>(group: Group<'a>, files: &Files, location: &Location, label: Option<&str>) -> Group<'a> {
    let path = printable(&location.file);
    let text = text_of(files, location);
    let line = line(&text, location);
    if line.before.len() + line.marked.len() + line.after.len() > LONGEST_LINE_BYTES {
        return group.element(Origin::path(path).line(line.number).char_column(line.column));
    }
    group.element(snippet(path, &line, label))
}

fn snippet<'a>(path: String, line: &Line<'_>, label: Option<&str>) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let (before, marked, after) = (visible(line.before), visible(line.marked), visible(line.after));
    let span = before.len()..before.len() + marked.len();
    Snippet::source(before + &marked + &after)
        .path(path)
        .line_start(line.number)
        .annotation(AnnotationKind::Primary.span(span).label(label.map(printable)))
}

/// Keeps the number of characters, so that the marks stay under what they mark. Tabs are the renderer's to expand.
fn visible(text: &str) -> String {
    text.chars().map(|c| if is_hidden(c) && c != '\t' { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(text: &[u8]) -> Files {
        Files::from([("web.yaml".into(), text.to_vec())])
    }

    fn at(start: usize, end: usize) -> Option<Location> {
        Some(Location { file: "web.yaml".into(), start, end })
    }

    #[test]
    fn a_finding_shows_its_line_its_help_and_the_other_place() {
        let mut finding =
            Diagnostic::new(Severity::Error, "duplicate-key", at(7, 10), "the key `min` stands here twice");
        finding.label("again here").help("remove one").related(at(0, 3).expect("a place"), "first declared here");
        let shown = text(&[finding], &files(b"min: 1\nmin: 2\n"), Colour::Never);
        let expected = "\
error[duplicate-key]: the key `min` stands here twice
 --> web.yaml:2:1
  |
2 | min: 2
  | ^^^ again here
  |
  = help: remove one
note: first declared here
 --> web.yaml:1:1
  |
1 | min: 1
  | ^^^
";
        assert_eq!(shown, expected);
    }

    #[test]
    fn nothing_in_a_file_reaches_the_terminal_raw() {
        let hostile = b"a: \x1b[2J\xff\xc2\x9b31m\n";
        let finding = Diagnostic::new(Severity::Error, "x", at(3, 7), "bad \u{1b}[31m");
        let shown = text(&[finding], &files(hostile), Colour::Never);
        assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
    }

    #[test]
    fn a_line_of_a_megabyte_is_named_but_not_shown() {
        let shown =
            text(&[Diagnostic::new(Severity::Error, "x", at(5, 9), "m")], &files(&[b'a'; 1 << 20]), Colour::Never);
        assert!(shown.len() < 200 && shown.contains("web.yaml:1:6"), "{shown}");
    }

    #[test]
    fn a_finding_without_a_place_is_one_line() {
        let shown = text(&[Diagnostic::new(Severity::Warning, "x", None, "m")], &Files::new(), Colour::Never);
        assert_eq!(shown, "warning[x]: m\n");
    }
}
