//! The table of what is survived, held equal to the tests that there are.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::docs::page::Page;
use crate::support::root;

/// The names of all test functions below a folder.
fn tests_in(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("the tree can be listed").flatten() {
        let path = entry.path();
        if path.is_dir() {
            tests_in(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source file is UTF-8");
            found.extend(tests_of(&text));
        }
    }
}

/// The first function after each attribute that makes one a test.
fn tests_of(text: &str) -> impl Iterator<Item = String> {
    let tests = text.split("#[test]").skip(1).chain(text.split("#[tokio::test").skip(1));
    let in_macro = text.split("proptest! {").skip(1);
    tests.chain(in_macro).filter_map(|rest| {
        let name = rest.split_once("fn ")?.1;
        Some(name.split('(').next()?.to_owned())
    })
}

/// Whether a name begins with the row that it is the test of: a letter and digits.
fn is_of_a_row(name: &str) -> bool {
    let row = name.split('_').next().unwrap_or_default();
    let digits = row.strip_prefix(['f', 'g']).unwrap_or_default();
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[test]
fn the_page_of_reliability_names_every_test_of_a_row_and_none_that_is_not_there() {
    let mut there = BTreeSet::new();
    for folder in ["core", "src", "tests", "view"] {
        tests_in(&root().join(folder), &mut there);
    }
    let page = Page::at("docs/reliability.md");
    let cells = page.text.lines().filter(|line| line.starts_with("| ")).filter_map(|line| line.rsplit('|').nth(1));
    let named: BTreeSet<String> =
        cells.flat_map(|cell| cell.split('`').skip(1).step_by(2).map(str::to_owned)).collect();
    let invented: Vec<_> = named.difference(&there).collect();
    assert!(invented.is_empty(), "no such tests: {invented:#?}");
    let of_rows: BTreeSet<String> = there.into_iter().filter(|name| is_of_a_row(name)).collect();
    let missing: Vec<_> = of_rows.difference(&named).collect();
    assert!(missing.is_empty(), "not in docs/reliability.md: {missing:#?}");
    assert!(page.rows().len() >= 60, "{} rows", page.rows().len());
}

#[test]
fn the_page_of_security_has_its_limits_from_the_code() {
    let page = Page::at("docs/security.md");
    let mut found = 0;
    for row in page.text.lines().filter(|line| line.starts_with("| ") && line.contains(".rs` `")) {
        let quoted: Vec<&str> = row.split('`').skip(1).step_by(2).collect();
        let [file, limit] = quoted[..] else { panic!("a row names a file and a line: {row}") };
        let text = fs::read_to_string(root().join(file)).expect("the file is there");
        assert!(text.contains(limit), "{file} says otherwise than: {row}");
        found += 1;
    }
    assert!(found >= 25, "{found} limits");
}
