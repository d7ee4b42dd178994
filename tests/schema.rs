//! `schema` and `validate` as a user types them; the schema is judged by check-jsonschema, which nobody here wrote.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn baseload(arguments: &[&str]) -> Output {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("baseload"));
    command.current_dir(root()).env_remove("BASELOAD_SCHEDULES").args(arguments).output().expect("baseload can be run")
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("results are UTF-8")
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).expect("diagnostics are UTF-8")
}

/// The documents of a file, a file each: the validator reads but one.
fn documents(file: &Path, folder: &TempDir) -> Vec<PathBuf> {
    let text = fs::read_to_string(file).expect("the file is part of the repository");
    let stem = file.file_stem().expect("a file has a name").to_string_lossy();
    let write = |(index, document): (usize, &str)| {
        let path = folder.path().join(format!("{stem}-{index}.yaml"));
        fs::write(&path, document).expect("a temporary folder can be written");
        path
    };
    text.split("\n---\n").enumerate().map(write).collect()
}

/// Runs check-jsonschema from `BASELOAD_PYTHON`, or from the virtual environment that the Makefile prepares.
fn check_jsonschema(arguments: &[&str], files: &[PathBuf]) -> Output {
    let named = std::env::var_os("BASELOAD_PYTHON").map(PathBuf::from);
    let python = named.unwrap_or_else(|| root().join(".venv/bin/python"));
    assert!(python.exists(), "{} is not there: run `make test`, which prepares it", python.display());
    let mut command = Command::new(python);
    command.current_dir(root()).args(["-m", "check_jsonschema"]).args(arguments).args(files);
    command.output().expect("the validator can be run")
}

/// What the validator says of these files.
fn judge(files: &[PathBuf]) -> Output {
    check_jsonschema(&["--output-format", "json", "--schemafile", "docs/schedule.schema.json"], files)
}

fn yaml_files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).expect("the folder is part of the repository");
    let paths = entries.map(|entry| entry.expect("the folder can be listed").path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "yaml")).collect()
}

#[test]
fn the_schema_is_printed_as_it_is_committed() {
    let printed = baseload(&["schema"]);
    let committed = fs::read_to_string(root().join("docs/schedule.schema.json")).expect("it is committed");
    assert_eq!(stdout(&printed), committed);
    assert!(printed.status.success());
}

#[test]
fn a_validator_takes_the_schema_itself_for_one() {
    let judged = check_jsonschema(&["--check-metaschema", "docs/schedule.schema.json"], &[]);
    assert!(judged.status.success(), "{}", stdout(&judged));
}

#[test]
fn a_validator_takes_the_example_of_a_workflow_for_one() {
    let schema = "vendor.github-workflows";
    let judged = check_jsonschema(&["--builtin-schema", schema, "docs/ci/github-workflow.yaml"], &[]);
    assert!(judged.status.success(), "{}", stdout(&judged));
}

#[test]
fn a_validator_finds_nothing_wrong_in_the_examples() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let files: Vec<_> = yaml_files("schedules").iter().flat_map(|file| documents(file, &folder)).collect();
    let judged = judge(&files);
    assert!(judged.status.success(), "{}{}", stdout(&judged), stderr(&judged));
}

/// Mistakes that a schema can see, by the names of their files.
const SEEN: [&str; 62] = [
    "acknowledgement-of-nothing",
    "api-version-misspelt",
    "api-version-of-another-program",
    "calendar-without-dates",
    "calendars-not-a-list",
    "cron-six-fields",
    "cron-without-duration",
    "date-in-one-digit",
    "date-the-other-way-round",
    "days-empty",
    "days-long",
    "days-no",
    "days-not-a-list",
    "days-number",
    "days-range-misspelt",
    "default-is-a-number",
    "default-is-null",
    "default-without-min",
    "document-is-a-list",
    "document-is-text",
    "duration-a-fraction",
    "duration-in-seconds",
    "duration-out-of-order",
    "duration-without-unit",
    "field-in-snake-case",
    "from-and-cron",
    "from-without-to",
    "ics-absolute",
    "kind-missing",
    "kind-misspelt",
    "lead-time-in-seconds",
    "metadata-missing",
    "min-is-a-fraction",
    "min-is-a-list",
    "min-is-absent",
    "min-is-negative",
    "min-is-quoted",
    "min-missing",
    "name-is-a-number",
    "name-missing",
    "name-not-a-label",
    "neither-from-nor-cron",
    "override-date-only",
    "override-from-24",
    "override-in-utc",
    "override-with-days",
    "override-with-offset",
    "override-with-seconds",
    "override-without-to",
    "priority-is-text",
    "spec-missing",
    "suspend-quoted",
    "target-as-text",
    "target-is-an-arn",
    "target-with-slash",
    "targets-empty",
    "targets-missing",
    "time-24-as-from",
    "time-25",
    "time-with-one-digit",
    "unknown-field",
    "windows-65",
];

#[test]
fn a_validator_refuses_what_a_schema_can_see() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let bad = |name: &str| root().join("core/tests/bad").join(name).with_extension("yaml");
    let files: Vec<_> = SEEN.iter().flat_map(|name| documents(&bad(name), &folder)).collect();
    let judged = judge(&files);
    let verdict: serde_json::Value = serde_json::from_str(stdout(&judged)).expect("the validator prints JSON");
    let errors = verdict["errors"].as_array().expect("a list of errors");
    for name in SEEN {
        let file = format!("/{name}-");
        let is_refused = errors.iter().any(|error| error["filename"].as_str().is_some_and(|path| path.contains(&file)));
        assert!(is_refused, "the schema lets {name} through");
    }
}

#[test]
fn every_example_tells_an_editor_where_its_schema_is() {
    for file in yaml_files("schedules") {
        let text = fs::read_to_string(&file).expect("it was listed");
        let schema = text.lines().next().and_then(|line| line.strip_prefix("# yaml-language-server: $schema="));
        let schema = schema.unwrap_or_else(|| panic!("{} does not say", file.display()));
        assert!(file.with_file_name(schema).exists(), "{schema} is not there");
    }
}

const ONE_WAY: &str = "apiVersion: baseload/v1
kind: ScalingSchedule
metadata: { name: web }
spec:
  targets: [{ cluster: shop, service: www }]
  timezone: Europe/Brussels
  default: { min: 0 }
";

fn written(text: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("web.yaml");
    fs::write(&path, text).expect("a temporary folder can be written");
    (folder, path.to_string_lossy().into_owned())
}

#[test]
fn strict_has_nothing_against_a_source_without_warnings() {
    let (_folder, path) = written(&ONE_WAY.replace("min: 0", "min: 1"));
    let checked = baseload(&["validate", "--strict", &path]);
    assert_eq!((checked.status.code(), stdout(&checked)), (Some(0), "ok: 1 schedule, 1 target\n"), "{checked:?}");
}

#[test]
fn validate_warns_of_the_year_ahead_and_strictly_refuses() {
    let (_folder, path) = written(ONE_WAY);
    let checked = baseload(&["validate", &path]);
    assert_eq!((checked.status.code(), stdout(&checked)), (Some(0), "ok: 1 schedule, 1 target\n"));
    assert!(stderr(&checked).starts_with("warning[one-way-floor]: a floor of 0"), "{}", stderr(&checked));
    let strict = baseload(&["validate", "--strict", &path]);
    assert_eq!((strict.status.code(), stdout(&strict)), (Some(2), ""));
    assert!(stderr(&strict).starts_with("error[one-way-floor]: a floor of 0"), "{}", stderr(&strict));
}

#[test]
fn strict_is_obeyed_in_every_form_of_output() {
    let (_folder, path) = written(ONE_WAY);
    let rows = baseload(&["validate", "--strict", "-o", "json", &path]);
    let parsed: serde_json::Value = serde_json::from_str(stdout(&rows)).expect("JSON");
    assert_eq!((rows.status.code(), &parsed[0]["severity"]), (Some(2), &"error".into()));
    let annotations = baseload(&["validate", "--strict", "-o", "github", &path]);
    assert_eq!(annotations.status.code(), Some(2));
    assert!(stdout(&annotations).starts_with("::error file="), "{}", stdout(&annotations));
}
