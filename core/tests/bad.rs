//! One mistake in each file of `bad/`, and beside it what Baseload says about it.
//!
//! `UPDATE_GOLDEN=1 cargo test -p baseload-core --test bad` writes the answers anew; read them before you commit them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use baseload_core::diagnostic::{Colour, Files, text};
use baseload_core::spec::{Limits, Tree, lint, load};
use baseload_core::timetable::Zones;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad")
}

/// The names of the files with mistakes, sorted.
fn names() -> BTreeSet<String> {
    let entries = fs::read_dir(folder()).expect("the folder is part of the repository");
    let names = entries.map(|entry| entry.expect("the folder can be listed").file_name().into_string().expect("UTF-8"));
    names.filter(|name| name.ends_with(".yaml")).collect()
}

/// What is said about one file, read as a source of its own.
fn findings(name: &str, zones: &Zones) -> String {
    let content = fs::read(folder().join(name)).expect("the file was listed");
    let tree = Tree { files: Files::from([(name.into(), content)]) };
    let now = "2026-11-21T00:00:00Z".parse().expect("an instant");
    let limits = Limits { accounts: ["prod".into()].into(), ..Limits::default() };
    let found = match load(&tree, zones, &limits, now) {
        Ok(loaded) => [loaded.warnings.clone(), lint(&loaded, now)].concat(),
        Err(found) => found,
    };
    text(&found, &tree.files, Colour::Never)
}

#[test]
fn every_mistake_gets_the_answer_beside_it() {
    let zones = Zones::embedded();
    let mut differing = Vec::new();
    for name in names() {
        let golden = folder().join(&name).with_extension("txt");
        let found = findings(&name, &zones);
        if found.is_empty() {
            differing.push(format!("nothing is found wrong in {name}"));
            continue;
        }
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&golden, &found).expect("the golden file can be written");
        }
        if fs::read_to_string(&golden).unwrap_or_default() != found {
            differing.push(format!("{name} now gets:\n{found}"));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn no_answer_is_left_without_its_mistake() {
    let entries = fs::read_dir(folder()).expect("the folder is part of the repository");
    for path in entries.map(|entry| entry.expect("the folder can be listed").path()) {
        assert!(path.with_extension("yaml").exists(), "{} has no .yaml", path.display());
    }
}
