//! The rules about the shape of the code that neither the compiler nor clippy can hold: the order of modules, their
//! names, what is pure, and which file alone may name the YAML parser, read the wall clock or print.
//!
//! Each rule is a function from sources to findings. One test runs it over the tree and another over a line that
//! breaks it, so that a rule which can no longer fail is noticed.

#[path = "architecture/code.rs"]
mod code;

use std::fs;
use std::path::{Path, PathBuf};

/// The core's modules; each uses only those that stand before it.
const ORDER: [&str; 17] = [
    "model",
    "diagnostic",
    "ecs",
    "cron",
    "calendar",
    "timetable",
    "spec",
    "compare",
    "guard",
    "native",
    "plan",
    "lease",
    "status",
    "ledger",
    "controller",
    "sim",
    "render",
];

/// All that the simulated ECS sees: it stands in for AWS, so it must not know what Baseload thinks.
const SEEN_BY_SIM: [&str; 2] = ["model", "ecs"];

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 9] = ["util", "utils", "common", "types", "manager", "managers", "helper", "helpers", "misc"];

/// The crates that are functions of what they are given: the core decides, the view shows.
const PURE: [&str; 2] = ["core", "view"];

/// What has a runtime, a network or a log has no place in a pure crate; a name stands for its whole family (`aws-…`).
const SHELL_CRATES: [&str; 18] = [
    "anyhow",
    "async",
    "aws",
    "axum",
    "clap",
    "futures",
    "gix",
    "hyper",
    "log",
    "mio",
    "notify",
    "prometheus",
    "rand",
    "reqwest",
    "rustls",
    "tokio",
    "tower",
    "tracing",
];

/// What of `std` is the outside world.
const SHELL_MODULES_OF_STD: [&str; 5] = ["env", "fs", "net", "process", "thread"];

const WALL_CLOCKS: [&str; 5] = ["Timestamp::now(", "Zoned::now(", "SystemTime::now(", "Utc::now(", "Local::now("];

const PRINTS: [&str; 5] = ["println!", "print!", "eprintln!", "eprint!", "dbg!"];

/// A source file with comments, literals and test code blanked out: what is left is what the program does.
struct Source {
    /// Relative to the workspace, with forward slashes: `core/src/plan.rs`.
    path: String,
    code: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), code: code::without_tests(&code::without_comments_and_literals(text)) }
    }

    /// The path below `core/src`, without `.rs`, in its parts: `["spec", "yaml"]`.
    fn module(&self) -> Option<Vec<&str>> {
        Some(self.path.strip_prefix("core/src/")?.strip_suffix(".rs")?.split('/').collect())
    }

    fn is_pure(&self) -> bool {
        PURE.iter().any(|name| self.path.starts_with(&format!("{name}/src/")))
    }

    fn finding(&self, offset: usize, what: &str) -> String {
        let line = self.code[..offset].matches('\n').count() + 1;
        format!("{}:{line}: {what}", self.path)
    }

    /// Where `needle` stands as a word of its own, not as the tail of a longer one.
    fn words<'a>(&'a self, needle: &'a str) -> impl Iterator<Item = usize> + 'a {
        self.code.match_indices(needle).map(|(at, _)| at).filter(|at| !self.code[..*at].ends_with(is_word))
    }
}

// --- the rules -------------------------------------------------------------------------------------------------

fn modules_that_reach_ahead(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let Some(module) = source.module() else { continue };
        if module == ["lib"] {
            continue;
        }
        for (at, used) in uses_of_the_crate(source, module.len()) {
            if !may_use(module[0], used) {
                found.push(source.finding(at, &format!("`{}` may not use `{used}`", module[0])));
            }
        }
    }
    found
}

fn modules_without_a_place(sources: &[Source]) -> Vec<String> {
    let is_known = |module: &Vec<&str>| module[0] == "lib" || ORDER.contains(&module[0]);
    let strangers = sources.iter().filter(|source| source.module().is_some_and(|module| !is_known(&module)));
    strangers.map(|source| format!("{}: has no place in the order of modules", source.path)).collect()
}

fn names_that_say_nothing(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let path = source.path.trim_end_matches(".rs");
        for part in path.split('/').filter(|part| EMPTY_NAMES.contains(part) || *part == "mod") {
            found.push(format!("{}: `{part}` does not say what is inside", source.path));
        }
        for name in EMPTY_NAMES {
            let inline = format!("mod {name} {{");
            found.extend(source.words(&inline).map(|at| source.finding(at, "an inline module with an empty name")));
        }
    }
    found
}

fn parsers_out_of_place(sources: &[Source]) -> Vec<String> {
    let others = sources.iter().filter(|source| {
        let is_its_place = source.path == "core/src/spec/yaml.rs" || source.path.starts_with("core/src/spec/yaml/");
        source.module().is_some() && !is_its_place
    });
    others
        .flat_map(|source| {
            source.code.match_indices("saphyr").map(|(at, _)| source.finding(at, "only spec/yaml names the parser"))
        })
        .collect()
}

fn outside_world_in_pure_crates(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| source.is_pure()) {
        let uses = source
            .words("std::")
            .flat_map(|at| heads(&source.code[at + "std::".len()..]).into_iter().map(move |name| (at, name)));
        let outside = uses.filter(|(_, name)| SHELL_MODULES_OF_STD.contains(name));
        found.extend(
            outside.map(|(at, name)| source.finding(at, &format!("`std::{name}`: a pure crate has no outside world"))),
        );
    }
    found
}

fn clocks_out_of_place(sources: &[Source]) -> Vec<String> {
    words_outside("src/clock.rs", sources, &WALL_CLOCKS, "only src/clock.rs reads the wall clock")
}

fn prints_out_of_place(sources: &[Source]) -> Vec<String> {
    words_outside("src/output.rs", sources, &PRINTS, "only src/output.rs prints")
}

fn shell_crates_in(manifest: &str) -> Vec<&str> {
    let is_of_family = |name: &str, family: &str| {
        name.strip_prefix(family).is_some_and(|tail| tail.is_empty() || tail.starts_with(['-', '_']))
    };
    dependencies(manifest)
        .into_iter()
        .filter(|name| SHELL_CRATES.iter().any(|family| is_of_family(name, family)))
        .collect()
}

fn words_outside(home: &str, sources: &[Source], needles: &[&str], rule: &str) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| source.path != home) {
        for needle in needles {
            found.extend(source.words(needle).map(|at| source.finding(at, &format!("`{needle}`: {rule}"))));
        }
    }
    found
}

fn may_use(user: &str, used: &str) -> bool {
    let place = |name: &str| ORDER.iter().position(|module| *module == name);
    match user {
        _ if user == used => true,
        "sim" => SEEN_BY_SIM.contains(&used),
        _ => place(used).is_some() && place(used) < place(user),
    }
}

/// The names that follow `crate::`, and `super::` where it leads to the crate's root, with their offsets.
fn uses_of_the_crate(source: &Source, depth: usize) -> Vec<(usize, &str)> {
    let root = "super::".repeat(depth);
    let by_super = source.words(&root).filter(|at| !source.code[..*at].ends_with("::")).map(|at| (at, root.len()));
    let by_crate = source.words("crate::").map(|at| (at, "crate::".len()));
    by_super
        .chain(by_crate)
        .filter(|(at, length)| !source.code[at + length..].starts_with("super::"))
        .flat_map(|(at, length)| heads(&source.code[at + length..]).into_iter().map(move |name| (at, name)))
        .collect()
}

/// The first name of each path: `plan::Verdict` has one, `{model::{Floor, Span}, plan}` has two.
fn heads(paths: &str) -> Vec<&str> {
    let Some(group) = paths.strip_prefix('{') else { return vec![head(paths)] };
    let mut depth = 0_usize;
    let mut heads_found = vec![head(group)];
    for (at, symbol) in group.char_indices() {
        match symbol {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads_found.push(head(&group[at + 1..])),
            _ => {}
        }
    }
    heads_found.retain(|name| !name.is_empty());
    heads_found
}

fn head(path: &str) -> &str {
    let path = path.trim_start();
    let end = path.find(|symbol| !is_word(symbol) && symbol != '*').unwrap_or(path.len());
    &path[..end]
}

fn is_word(symbol: char) -> bool {
    symbol.is_alphanumeric() || symbol == '_'
}

/// What a manifest depends on outside its tests.
fn dependencies(manifest: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut is_listing = false;
    for line in manifest.lines() {
        if let Some(table) = line.strip_prefix('[') {
            let table = table.trim_end_matches(']');
            is_listing = table.ends_with("dependencies") && !table.ends_with("dev-dependencies");
            names.extend(table.split_once("dependencies.").filter(|(kind, _)| !kind.ends_with("dev-")).map(|it| it.1));
        } else if is_listing && !line.starts_with('#') {
            names.extend(line.split(['.', '=', ' ']).next().filter(|name| !name.is_empty()));
        }
    }
    names
}

// --- reading the tree ------------------------------------------------------------------------------------------

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the core lies in the workspace").to_owned()
}

/// Every source of the pure crates and of the shell, in the order of their paths.
fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    for name in PURE {
        collect(&workspace(), &format!("{name}/src"), &mut found);
    }
    collect(&workspace(), "src", &mut found);
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

fn collect(root: &Path, folder: &str, found: &mut Vec<Source>) {
    for entry in fs::read_dir(root.join(folder)).expect("the folder can be listed") {
        let entry = entry.expect("the folder can be listed");
        let name = entry.file_name().into_string().expect("the names of sources are Unicode");
        let path = format!("{folder}/{name}");
        if entry.path().is_dir() {
            collect(root, &path, found);
        } else if path.ends_with(".rs") {
            let text = fs::read_to_string(entry.path()).expect("a source can be read");
            found.push(Source::new(&path, &text));
        }
    }
}

// --- the tree keeps the rules ----------------------------------------------------------------------------------

fn assert_none(found: &[String]) {
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn the_sources_are_found() {
    let paths: Vec<String> = sources().into_iter().map(|source| source.path).collect();
    for path in ["core/src/model.rs", "view/src/page.rs", "src/main.rs"] {
        assert!(paths.contains(&path.to_owned()), "{paths:?}");
    }
}

#[test]
fn a_module_of_the_core_uses_only_those_before_it() {
    assert_none(&modules_that_reach_ahead(&sources()));
}

#[test]
fn every_module_of_the_core_has_its_place_in_the_order() {
    assert_none(&modules_without_a_place(&sources()));
}

#[test]
fn modules_are_named_for_what_is_in_them() {
    assert_none(&names_that_say_nothing(&sources()));
}

#[test]
fn one_file_names_the_yaml_parser() {
    assert_none(&parsers_out_of_place(&sources()));
}

#[test]
fn the_pure_crates_touch_no_file_network_process_or_environment() {
    assert_none(&outside_world_in_pure_crates(&sources()));
}

#[test]
fn one_file_reads_the_wall_clock() {
    assert_none(&clocks_out_of_place(&sources()));
}

#[test]
fn one_file_prints() {
    assert_none(&prints_out_of_place(&sources()));
}

#[test]
fn the_pure_crates_depend_on_nothing_that_belongs_to_the_shell() {
    for name in PURE {
        let manifest = fs::read_to_string(workspace().join(name).join("Cargo.toml")).expect("the manifest can be read");
        assert!(dependencies(&manifest).contains(&"jiff"), "the manifest is understood");
        assert_eq!(shell_crates_in(&manifest), Vec::<&str>::new(), "{name}");
    }
}

// --- each rule can fail ----------------------------------------------------------------------------------------

fn one(path: &str, text: &str) -> [Source; 1] {
    [Source::new(path, text)]
}

#[test]
fn a_module_that_reaches_ahead_is_found_with_its_line() {
    let plan = one("core/src/plan.rs", "use crate::model::Floor;\nuse crate::controller::Controller;\n");
    assert_eq!(modules_that_reach_ahead(&plan), ["core/src/plan.rs:2: `plan` may not use `controller`"]);
}

#[test]
fn every_way_to_name_a_module_counts() {
    for text in [
        "use crate::{model::{Floor, Span}, sim};",
        "fn f() -> crate::sim::World {}",
        "use super::super::sim;",
        "use crate::*;",
        "use crate::Floor;",
    ] {
        assert_eq!(modules_that_reach_ahead(&one("core/src/spec/check.rs", text)).len(), 1, "{text}");
    }
    assert_eq!(modules_that_reach_ahead(&one("core/src/spec.rs", "use super::plan;")).len(), 1);
}

#[test]
fn the_simulated_ecs_sees_the_nouns_and_the_port_alone() {
    assert_none(&modules_that_reach_ahead(&one("core/src/sim.rs", "use crate::{ecs::Query, model::Floor};")));
    assert_eq!(modules_that_reach_ahead(&one("core/src/sim/load.rs", "use crate::timetable::Zones;")).len(), 1);
}

#[test]
fn tests_comments_and_literals_are_no_use() {
    let text = r##"
        /// Like [`crate::sim`]. /* crate::sim
        const A: &str = "crate::sim \" crate::sim"; /* crate::sim /* nested */ crate::sim */
        const B: &str = r#"crate::sim " crate::sim"#;
        const C: [char; 2] = ['"', '\''];
        fn f<'a>(own: &'a crate::plan::Verdict) -> &'a str { super::Timestamp }
        #[cfg(test)]
        mod tests { use crate::sim::World; fn g() { println!(); } }
    "##;
    let source = one("core/src/plan/because.rs", text);
    assert_none(&modules_that_reach_ahead(&source));
    assert_none(&prints_out_of_place(&source));
}

#[test]
fn code_after_a_test_module_still_counts() {
    let text = "#[cfg(test)]\nmod tests { fn f() { let x = { 1 }; } }\nuse crate::sim;\n";
    assert_eq!(modules_that_reach_ahead(&one("core/src/plan.rs", text)).len(), 1);
}

#[test]
fn a_module_that_nobody_placed_is_found() {
    assert_eq!(modules_without_a_place(&one("core/src/weather.rs", "")).len(), 1);
    assert_eq!(modules_without_a_place(&one("src/weather.rs", "")).len(), 0);
}

#[test]
fn empty_names_are_found_as_files_folders_and_inline_modules() {
    for (path, text) in [
        ("src/utils.rs", ""),
        ("core/src/spec/types.rs", ""),
        ("src/helpers/retry.rs", ""),
        ("core/src/spec/mod.rs", ""),
        ("src/aws.rs", "mod common {}"),
    ] {
        assert_eq!(names_that_say_nothing(&one(path, text)).len(), 1, "{path}");
    }
}

#[test]
fn the_parser_is_found_anywhere_but_in_its_file() {
    let text = "use saphyr_parser::Event;";
    assert_eq!(parsers_out_of_place(&one("core/src/spec/check.rs", text)).len(), 1);
    assert_eq!(parsers_out_of_place(&one("core/src/spec/yamlish.rs", text)).len(), 1);
    assert_none(&parsers_out_of_place(&one("core/src/spec/yaml.rs", text)));
    assert_none(&parsers_out_of_place(&one("core/src/spec/yaml/input.rs", text)));
}

#[test]
fn a_file_opened_in_a_pure_crate_is_found() {
    for text in ["use std::fs;", "use std::{fmt, fs::File};", "let zones = std::env::var();"] {
        for path in ["core/src/spec.rs", "view/src/page/fleet.rs"] {
            assert_eq!(outside_world_in_pure_crates(&one(path, text)).len(), 1, "{path}: {text}");
        }
    }
    assert_none(&outside_world_in_pure_crates(&one("src/source.rs", "use std::fs;")));
}

#[test]
fn the_wall_clock_is_found_anywhere_but_in_its_file() {
    for clock in WALL_CLOCKS {
        assert_eq!(clocks_out_of_place(&one("src/driver.rs", &format!("let now = {clock});"))).len(), 1, "{clock}");
    }
    assert_none(&clocks_out_of_place(&one("src/clock.rs", "Timestamp::now()")));
}

#[test]
fn a_print_is_found_once_anywhere_but_in_its_file() {
    for print in PRINTS {
        assert_eq!(prints_out_of_place(&one("src/http.rs", &format!("{print}()"))).len(), 1, "{print}");
    }
    assert_none(&prints_out_of_place(&one("src/output.rs", "println!()")));
}

#[test]
fn a_crate_of_the_shell_is_found_in_every_kind_of_table_but_that_of_tests() {
    let manifest = "[dependencies]\ntokio = \"1\"\njiff.workspace = true\nlogos = \"1\"\n\
        [build-dependencies]\naws-config = \"1\"\n[target.'cfg(unix)'.dependencies]\nmio = \"1\"\n\
        [dependencies.tracing]\nversion = \"1\"\n[dev-dependencies]\nreqwest = \"1\"\n[dev-dependencies.axum]\n";
    assert_eq!(shell_crates_in(manifest), ["tokio", "aws-config", "mio", "tracing"]);
}
