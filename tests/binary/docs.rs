//! The documentation as its readers follow it: commands run and print what the pages say, schedules are good, and what
//! is listed is all there is.

mod console;
mod elsewhere;
pub(crate) mod page;
mod setting;

use std::collections::BTreeSet;
use std::fs;

use baseload_core::ecs::Operation;
use baseload_core::status::ConditionKind;
use serde_json::Value;

use self::console::Reader;
use self::page::Page;
use crate::baseload::{baseload, baseload_in};
use crate::controller::Controller;
use crate::folder::{Folder, constant};
use crate::support::root;

#[test]
fn what_pages_show_is_what_happens_and_their_scripts_succeed() {
    for page in page::all() {
        Reader::of(&page).follow(&page);
    }
}

#[test]
fn every_command_in_the_prose_is_understood() {
    let commands: usize = page::all().iter().map(elsewhere::commands_in_prose).sum();
    assert!(commands >= 40, "{commands} commands were found");
}

#[test]
fn every_schedule_on_a_page_is_good_and_can_be_previewed() {
    let mut schedules = 0;
    for page in page::all() {
        let blocks = page.blocks();
        let yaml =
            blocks.iter().filter(|block| block.language == "yaml" && block.text.contains("kind: ScalingSchedule"));
        let documents: Vec<&str> = yaml.map(|block| block.text.as_str()).collect();
        if documents.is_empty() {
            continue;
        }
        schedules += documents.len();
        let folder = Folder::with("page.yaml", documents.join("---\n"));
        baseload(&["validate", folder.arg()]).expect(0);
        baseload(&["preview", folder.arg(), "--from", "2026-11-20"]).expect(0);
    }
    assert!(schedules >= 10, "{schedules} schedules were found");
}

#[test]
fn every_example_is_good_and_can_be_previewed_by_itself() {
    for file in fs::read_dir(root().join("schedules")).expect("there are examples") {
        let path = file.expect("the examples can be listed").path();
        let path = path.to_str().expect("a UTF-8 name");
        if path.ends_with(".yaml") {
            let alone = if path.ends_with("lunch-and-dinner.yaml") { "schedules" } else { path }; // it has a file beside it
            baseload(&["validate", alone]).expect(0);
            baseload(&["preview", alone, "--from", "2026-11-20"]).expect(0);
        }
    }
}

#[test]
fn every_link_leads_to_a_file_and_the_index_to_every_page() {
    let index = Page::at("docs/README.md");
    let linked = index.links().into_iter().filter_map(|link| root().join("docs").join(link).canonicalize().ok());
    let linked: BTreeSet<_> = linked.collect();
    for page in page::all() {
        for link in page.links() {
            let file = page.path.parent().expect("a page is in a folder").join(&link);
            assert!(file.exists(), "{} links to {link}", page.path.display());
        }
        let is_indexed = linked.contains(&page.path) || page.path.ends_with("README.md");
        assert!(is_indexed, "docs/README.md does not link to {}", page.path.display());
    }
}

/// The page of all commands, from what the binary itself says of them.
fn commands_page() -> String {
    let variables = [("COLUMNS", "100")];
    let help = |args: &[&str]| baseload_in(args, &variables).expect(0).stdout;
    let all = help(&["--help"]);
    let listed = all.split("Commands:\n").nth(1).expect("help lists the commands");
    let listed = listed.lines().take_while(|line| !line.is_empty());
    let names = listed.filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).filter(|name| !name.is_empty());
    let mut page = "# Commands\n\nWhat `baseload COMMAND --help` says, written here by a test. Results go to stdout, logs \
                    and diagnostics to stderr.\nEvery flag has an environment variable; a flag on the command line wins.\n"
        .to_owned();
    page += &format!("\n```text\n{}```\n", tidy(&all));
    for name in names.filter(|name| *name != "help") {
        page += &format!("\n## {name}\n\n```text\n{}```\n", tidy(&help(&[name, "--help"])));
    }
    page
}

fn tidy(help: &str) -> String {
    help.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[test]
fn the_page_of_commands_says_what_help_says() {
    let path = root().join("docs/reference/commands.md");
    let expected = commands_page();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &expected).expect("the page can be written");
    }
    let page = fs::read_to_string(&path).unwrap_or_default();
    assert!(page == expected, "docs/reference/commands.md is old: UPDATE_GOLDEN=1 writes it anew");
}

#[test]
fn the_page_of_permissions_lists_what_the_binary_calls() {
    let page = Page::at("docs/reference/iam.md");
    let rows = page.rows();
    let listed = |words: &[&str]| -> BTreeSet<String> {
        let wanted = rows.iter().filter(|(_, row)| words.iter().any(|word| row.contains(&format!("` | {word} |"))));
        wanted.map(|(action, _)| action.clone()).collect()
    };
    let needed: BTreeSet<String> =
        Operation::ALL.iter().flat_map(|operation| operation.permissions()).map(ToString::to_string).collect();
    assert_eq!(listed(&["look", "write"]), needed);
    assert_eq!(listed(&["lease"]), baseload_core::lease::PERMISSIONS.map(str::to_owned).into());
    let writes = Operation::RegisterScalableTarget.permissions();
    let reads = Operation::ALL.iter().filter(|operation| **operation != Operation::RegisterScalableTarget);
    let reads: BTreeSet<String> =
        reads.flat_map(|operation| operation.permissions()).map(ToString::to_string).collect();
    assert_eq!(listed(&["look"]), reads);
    assert!(writes.iter().all(|action| reads.contains(*action) || listed(&["write"]).contains(*action)));
}

#[test]
fn the_page_of_conditions_lists_all_and_when_they_are_well() {
    let page = Page::at("docs/reference/conditions.md");
    let rows: Vec<(String, bool)> =
        page.rows().iter().map(|(name, row)| (name.clone(), row.contains("| `True` |"))).collect();
    let expected = ConditionKind::ALL.map(|kind| (kind.name().to_owned(), kind.is_well_when().name() == "True"));
    assert_eq!(rows, expected);
}

#[test]
fn the_page_of_schedule_files_names_every_field() {
    fn fields(schema: &Value, found: &mut BTreeSet<String>) {
        if let Some(properties) = schema["properties"].as_object() {
            found.extend(properties.keys().cloned());
        }
        let inner = schema.as_object().map(|object| object.values().collect::<Vec<_>>()).unwrap_or_default();
        inner.into_iter().chain(schema.as_array().into_iter().flatten()).for_each(|inner| fields(inner, found));
    }
    let schema = serde_json::from_str(&baseload(&["schema"]).expect(0).stdout).expect("the schema is JSON");
    let (mut expected, text) = (BTreeSet::new(), Page::at("docs/reference/schedules.md").text);
    fields(&schema, &mut expected);
    let missing: Vec<_> = expected.iter().filter(|field| !text.contains(&format!("`{field}`"))).collect();
    assert!(missing.is_empty() && expected.len() > 20, "not on the page: {missing:?}");
}

#[test]
fn the_page_of_http_lists_what_answers() {
    let folder = Folder::with("all.yaml", constant(&["shop/www"], 3));
    let elsewhere =
        constant(&["shop/www"], 3).replace("spec:\n", "spec:\n  aws: { account: prod, region: eu-west-1 }\n");
    folder.write("prod.yaml", elsewhere.replace("name: constant", "name: prod"));
    let controller = Controller::start_in(&[], &folder, &["--simulate", "--account", "prod"]);
    controller.wait_ready();
    let page = Page::at("docs/reference/http.md");
    let requests: Vec<String> = page.rows().into_iter().map(|(request, _)| request).collect();
    for request in &requests {
        let request = request.replace("ACCOUNT", "prod").replace("REGION", "eu-west-1");
        let request = request.replace("CLUSTER", "shop").replace("SERVICE", "www");
        let answer = match request.split_once(' ').expect("a request is a method and a path") {
            ("POST", "/-/reload") => controller.reload(),
            (_, path) => controller.get(path),
        };
        assert_eq!(answer.code, 200, "{request}");
    }
    let router = fs::read_to_string(root().join("src/http.rs")).expect("the router is there");
    let routes = router.split(".route(\"").skip(1).filter_map(|rest| rest.split('"').next());
    for route in routes {
        let path = route.replace("{account}", "ACCOUNT").replace("{region}", "REGION");
        let path = path.replace("{cluster}", "CLUSTER").replace("{service}", "SERVICE");
        assert!(requests.iter().any(|request| request.ends_with(&format!(" {path}"))), "not on the page: {path}");
    }
}

#[test]
fn the_page_of_the_log_names_every_field_and_every_message() {
    let source = fs::read_to_string(root().join("src/log/line.rs")).expect("the log's lines are there");
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let fields = code.lines().filter_map(|line| line.trim().strip_prefix("pub(super) ")?.split(": Option<").next());
    let fields: Vec<&str> = fields.filter(|field| field.chars().all(|c| c.is_ascii_lowercase() || c == '_')).collect();
    let said = code
        .split("(Level::")
        .chain(code.split("Line::new("))
        .filter_map(|rest| rest.split_once(", \"")?.1.split_once('"'));
    let messages: BTreeSet<&str> = said.map(|(message, _)| message).collect();
    let text = Page::at("docs/how-to/logs.md").text.replace('\n', " ");
    let missing: Vec<_> = fields.iter().chain(&messages).filter(|name| !text.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty() && fields.len() > 15 && messages.len() > 12, "not on the page: {missing:?}");
}
