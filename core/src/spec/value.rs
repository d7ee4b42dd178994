//! Scalars: text, whole numbers, switches, and the type that YAML 1.2 core gives to what stands without quotes.

use std::sync::Arc;

use crate::spec::report::{Report, excerpt};
use crate::spec::yaml::{Kind, Node};

/// What YAML 1.2's core schema takes a scalar for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Null,
    Bool,
    Int,
    Float,
    Text,
}

fn core_type(text: &str, plain: bool) -> Type {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    match text {
        _ if !plain => Type::Text,
        "" | "~" | "null" | "Null" | "NULL" => Type::Null,
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => Type::Bool,
        ".nan" | ".NaN" | ".NAN" => Type::Float,
        _ if is_digits(unsigned) || radix(text).is_some() => Type::Int,
        _ if matches!(unsigned, ".inf" | ".Inf" | ".INF") || is_float(unsigned) => Type::Float,
        _ => Type::Text,
    }
}

pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// The value of YAML's hexadecimal and octal notations.
fn radix(text: &str) -> Option<u64> {
    let hexadecimal = text.strip_prefix("0x").map(|digits| u64::from_str_radix(digits, 16));
    let octal = text.strip_prefix("0o").map(|digits| u64::from_str_radix(digits, 8));
    hexadecimal.or(octal)?.ok()
}

fn is_float(unsigned: &str) -> bool {
    let starts_well = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    starts_well && unsigned.parse::<f64>().is_ok()
}

/// A value in a message: "the number 5", "a list", "nothing".
pub(super) fn describe(node: &Node<'_>) -> String {
    match &node.kind {
        Kind::Seq(_) => "a list".to_owned(),
        Kind::Map(_) => "a map".to_owned(),
        Kind::Scalar { text, plain } => match core_type(text, *plain) {
            Type::Null => "nothing".to_owned(),
            Type::Bool => format!("the boolean {text}"),
            Type::Int | Type::Float => format!("the number {}", excerpt(text)),
            Type::Text => format!("the text \"{}\"", excerpt(text)),
        },
    }
}

/// Reports a value of the wrong type: "`min` must be a number, but this is a list".
pub(super) fn wrong_type(node: &Node<'_>, field: &str, wanted: &str, report: &mut Report<'_>) {
    let message = format!("`{field}` must be {wanted}, but this is {}", describe(node));
    report.error("wrong-type", &node.span, message);
}

/// A text. What YAML takes for a number, a boolean or nothing needs quotes.
pub(super) fn text<'n>(node: &'n Node<'_>, field: &str, report: &mut Report<'_>) -> Option<&'n str> {
    match &node.kind {
        Kind::Scalar { text, plain } => match core_type(text, *plain) {
            Type::Text => Some(text),
            Type::Null => {
                wrong_type(node, field, "text", report);
                None
            }
            Type::Bool | Type::Int | Type::Float => {
                let message = format!("`{field}` must be text, but this is {}", describe(node));
                let help = format!("put it into quotes: \"{}\"", excerpt(text));
                report.error("wrong-type", &node.span, message).help(help);
                None
            }
        },
        Kind::Seq(_) | Kind::Map(_) => {
            wrong_type(node, field, "text", report);
            None
        }
    }
}

/// A text in a format of its own (times, dates, durations): what YAML takes it for does not matter.
pub(super) fn literal<'n>(node: &'n Node<'_>, field: &str, wanted: &str, report: &mut Report<'_>) -> Option<&'n str> {
    match &node.kind {
        Kind::Scalar { text, plain } if core_type(text, *plain) != Type::Null => Some(text),
        Kind::Scalar { .. } | Kind::Seq(_) | Kind::Map(_) => {
            wrong_type(node, field, wanted, report);
            None
        }
    }
}

/// `true` or `false`.
pub(super) fn boolean(node: &Node<'_>, field: &str, report: &mut Report<'_>) -> Option<bool> {
    match node.scalar() {
        Some("true" | "True" | "TRUE") if is_plain(node) => Some(true),
        Some("false" | "False" | "FALSE") if is_plain(node) => Some(false),
        _ => {
            let message = format!("`{field}` must be true or false, but this is {}", describe(node));
            report.error("wrong-type", &node.span, message).help("write true or false, without quotes");
            None
        }
    }
}

pub(super) fn is_plain(node: &Node<'_>) -> bool {
    matches!(node.kind, Kind::Scalar { plain: true, .. })
}

/// A number of tasks, 0 to `limit`, in decimal digits.
pub(super) fn tasks(node: &Node<'_>, field: &str, limit: u32, report: &mut Report<'_>) -> Option<u32> {
    let digits = decimal(node, field, report)?;
    if digits.starts_with('-') {
        report.error("below-zero", &node.span, format!("`{field}` must be 0 or more"));
        return None;
    }
    match digits.parse() {
        Ok(tasks) if tasks <= limit => Some(tasks),
        Ok(_) | Err(_) => {
            let message = format!("`{field}` is above {limit}, the most that the operator allows (--max-floor)");
            report.error("above-max-floor", &node.span, message);
            None
        }
    }
}

/// A schedule's priority; it may be negative.
pub(super) fn priority(node: &Node<'_>, report: &mut Report<'_>) -> Option<i64> {
    let digits = decimal(node, "priority", report)?;
    let parsed = digits.parse().ok();
    if parsed.is_none() {
        report.error("out-of-range", &node.span, "`priority` must fit into 64 bits");
    }
    parsed
}

/// Decimal digits with an optional minus. YAML knows more notations (`0x10`, `0o7`, and in its older form `010` was 8):
/// a floor must read the same to everyone.
fn decimal<'n>(node: &'n Node<'_>, field: &str, report: &mut Report<'_>) -> Option<&'n str> {
    let text = node.scalar().unwrap_or("");
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let unpadded = is_digits(unsigned) && (unsigned == "0" || !unsigned.starts_with('0'));
    if unpadded && is_plain(node) {
        return Some(text);
    }
    let message = format!("`{field}` must be a whole number in decimal digits, but this is {}", describe(node));
    let instead = if is_digits(unsigned) { Some(plain_decimal(text)) } else { radix(text).map(|n| n.to_string()) };
    let finding = report.error("wrong-type", &node.span, message);
    if let Some(instead) = instead {
        let quotes = if is_plain(node) { "" } else { ", without quotes" };
        finding.help(format!("write {}{quotes}", excerpt(&instead)));
    }
    None
}

fn plain_decimal(text: &str) -> String {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    let digits = digits.trim_start_matches('0');
    format!("{sign}{}", if digits.is_empty() { "0" } else { digits })
}

/// A name as DNS labels are: lower-case letters, digits and `-`, a letter or digit at both ends, 1 to 63 characters.
pub(super) fn label(node: &Node<'_>, field: &str, report: &mut Report<'_>) -> Option<Arc<str>> {
    let name = text(node, field, report)?;
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let well_made = name.bytes().all(allowed) && !name.starts_with('-') && !name.ends_with('-');
    if well_made && (1..=63).contains(&name.len()) {
        return Some(name.into());
    }
    let message = format!("\"{}\" cannot be a name", excerpt(name));
    let help = "names are DNS labels: lower-case letters, digits and `-` between them, 63 characters at most";
    report.error("bad-name", &node.span, message).help(help);
    None
}

/// The items of a list that must not be empty.
pub(super) fn items<'n, 't>(node: &'n Node<'t>, field: &str, report: &mut Report<'_>) -> Option<&'n [Node<'t>]> {
    match &node.kind {
        Kind::Seq(items) if items.is_empty() => {
            report.error("empty-list", &node.span, format!("`{field}` is an empty list"));
            None
        }
        Kind::Seq(items) => Some(items),
        Kind::Scalar { text, .. } if !text.is_empty() => {
            let message = format!("`{field}` must be a list, but this is {}", describe(node));
            report.error("wrong-type", &node.span, message).help(format!("write [{}]", excerpt(text)));
            None
        }
        Kind::Scalar { .. } | Kind::Map(_) => {
            wrong_type(node, field, "a list", report);
            None
        }
    }
}

/// One of a few words.
pub(super) fn one_of(
    node: &Node<'_>,
    field: &str,
    words: &[&'static str],
    report: &mut Report<'_>,
) -> Option<&'static str> {
    let given = text(node, field, report)?;
    let found = words.iter().copied().find(|word| *word == given);
    if found.is_none() {
        let meant = report.closest(given, words.iter().copied());
        let message = format!("`{field}` must be {}, but this is {}", words.join(" or "), describe(node));
        let finding = report.error("unknown-value", &node.span, message);
        if let Some(meant) = meant {
            finding.label(format!("did you mean `{meant}`?"));
        }
    }
    found
}
