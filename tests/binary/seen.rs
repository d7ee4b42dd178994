//! What an operator sees of a controller beside its page: metrics, dashboards, alerts, and what CloudWatch is told.

mod prometheus;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

use self::prometheus::{Prometheus, promtool};
use crate::baseload::command;
use crate::controller::Controller;
use crate::folder::{Folder, constant, schedule};
use crate::support::{python, root};
use crate::wait::eventually;

const DASHBOARDS: [&str; 2] = ["charts/baseload/dashboards/fleet.json", "charts/baseload/dashboards/service.json"];

/// The names that are fixed and end as a histogram's own series do.
const OBJECTED_TO: [&str; 2] = ["baseload_desired_count", "baseload_running_count"];

/// A controller over a simulated day of two and a half minutes, whose floors change every ten simulated minutes.
fn lively(folder: &Folder) -> Controller {
    Controller::start_in(&[], folder, &["--simulate", "--speed", "600", "--account", "prod"])
}

/// A service of the same name as one at home, in another account, with another floor.
fn elsewhere() -> String {
    let more = "  aws: { account: prod, region: eu-west-1 }\n  default: { min: 3, max: 20 }\n";
    schedule("elsewhere", &["shop/www"], more)
}

fn lively_schedules() -> Folder {
    let by_turns = "  default: { min: 2, max: 20 }\n  windows: [{ name: turn, cron: \"*/20 * * * *\", duration: 10m, min: 4, max: 20 }]\n";
    let folder = Folder::with("lively.yaml", schedule("lively", &["shop/www", "shop/api"], by_turns));
    folder.write("elsewhere.yaml", elsewhere());
    folder
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn dashboard(file: &str) -> Value {
    serde_json::from_str(&read(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn panels(dashboard: &Value) -> impl Iterator<Item = &Value> {
    dashboard["panels"].as_array().into_iter().flatten().filter(|panel| panel["type"] != "row")
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// An expression with Grafana's variables filled in.
fn filled(expression: &str) -> String {
    let variables = [
        ("$__rate_interval", "10s"),
        ("$__range", "20s"),
        ("$account", "^$|prod"),
        ("$region", "^$|eu-west-1"),
        ("$cluster", "shop"),
        ("$service", "www"),
    ];
    variables.into_iter().fold(expression.to_owned(), |text, (variable, value)| text.replace(variable, value))
}

/// Something that Grafana asks Prometheus for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Asked {
    Now(String),
    OverTime(String),
    LabelValues { of: String, label: String },
}

impl Asked {
    fn is_answered_by(&self, prometheus: &Prometheus) -> bool {
        !match self {
            Asked::Now(expression) => prometheus.query(expression),
            Asked::OverTime(expression) => prometheus.query_range(expression),
            Asked::LabelValues { of, label } => prometheus.label_values(of, label),
        }
        .is_empty()
    }
}

/// All that a dashboard asks: of its panels, its annotations and its variables.
fn asked_by(dashboard: &Value) -> Vec<Asked> {
    let targets = panels(dashboard).flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    let by_panels = targets.map(|target| match target["range"] == true {
        true => Asked::OverTime(filled(text(target, "/expr"))),
        false => Asked::Now(filled(text(target, "/expr"))),
    });
    let annotations = dashboard.pointer("/annotations/list").and_then(Value::as_array).into_iter().flatten();
    let by_annotations = annotations.map(|annotation| Asked::OverTime(filled(text(annotation, "/expr"))));
    let variables = dashboard.pointer("/templating/list").and_then(Value::as_array).into_iter().flatten();
    let by_variables = variables.filter(|variable| variable["type"] == "query").map(|variable| {
        let query = filled(text(variable, "/query/query"));
        if let Some(expression) = query.strip_prefix("query_result(").and_then(|rest| rest.strip_suffix(')')) {
            return Asked::Now(expression.to_owned());
        }
        let inner = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
        let (of, label) = inner.and_then(|inner| inner.rsplit_once(", ")).expect("a variable lists a label's values");
        Asked::LabelValues { of: of.to_owned(), label: label.to_owned() }
    });
    by_panels.chain(by_annotations).chain(by_variables).collect()
}

#[test]
fn every_query_of_every_dashboard_has_an_answer_and_every_rule_can_be_evaluated() {
    let folder = lively_schedules();
    let controller = lively(&folder);
    let prometheus = Prometheus::start(&controller.address);
    let mut open: Vec<Asked> = DASHBOARDS.iter().flat_map(|file| asked_by(&dashboard(file))).collect();
    assert!(open.len() > 50, "{}", open.len());
    let answered = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        eventually("every query has an answer", || {
            open.retain(|asked| !asked.is_answered_by(&prometheus));
            open.is_empty().then_some(())
        });
    }));
    assert!(answered.is_ok(), "no answer: {open:#?}");
    let rules = eventually("every rule was evaluated", || {
        let data = prometheus.get("/api/v1/rules")?;
        let groups = data["groups"].as_array()?.clone();
        let rules: Vec<Value> = groups.iter().flat_map(|group| group["rules"].as_array().cloned()).flatten().collect();
        rules.iter().all(|rule| rule["health"] != "unknown").then_some(rules)
    });
    assert!(rules.len() > 15, "{}", rules.len());
    for rule in rules {
        assert_eq!(rule["health"], "ok", "{rule:#}");
    }
}

#[test]
fn two_services_of_one_name_in_two_accounts_are_two_to_prometheus_and_each_can_be_chosen() {
    let folder = lively_schedules();
    let controller = lively(&folder);
    let prometheus = Prometheus::start(&controller.address);
    let floors = |selector: &str| prometheus.query(&format!("baseload_floor{{{selector}}}"));
    eventually("both have a floor", || (floors(r#"cluster="shop",service="www""#).len() == 2).then_some(()));
    let prod = floors(r#"account="prod",region="eu-west-1",cluster="shop",service="www""#);
    assert_eq!(prod[0]["value"][1], "3", "{prod:?}");
    assert_eq!(floors(r#"account="",cluster="shop",service="www""#).len(), 1, "at home there is no such label");

    let service = dashboard(DASHBOARDS[1]);
    let variables = service.pointer("/templating/list").and_then(Value::as_array).expect("it has variables");
    let account = variables.iter().find(|variable| variable["name"] == "account").expect("one is the account");
    let query = text(account, "/query/query").strip_prefix("query_result(").and_then(|rest| rest.strip_suffix(')'));
    let offered = prometheus.query(query.expect("it is the result of a query"));
    let pairs = offered.iter().map(|sample| (text(sample, "/metric/shown"), text(sample, "/metric/asked")));
    assert_eq!(pairs.collect::<BTreeSet<_>>(), BTreeSet::from([("home", "^$"), ("prod", "prod")]));
}

#[test]
fn every_panel_asks_a_question_and_says_its_unit_and_what_it_shows() {
    for file in DASHBOARDS {
        let dashboard = dashboard(file);
        for panel in panels(&dashboard) {
            let title = text(panel, "/title");
            assert!(title.ends_with('?'), "{file}: {title}");
            assert!(!text(panel, "/description").is_empty(), "{file}: {title}");
            assert!(!text(panel, "/fieldConfig/defaults/unit").is_empty(), "{file}: {title}");
            assert_eq!(text(panel, "/datasource/uid"), "${datasource}", "{file}: {title}");
        }
    }
}

/// Runs Python on a script of the project.
fn run_python(script: &str, args: &[&str]) {
    let mut command = Command::new(python());
    let output =
        command.arg(script).args(args).current_dir(root()).output().expect("the Python that was found can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn grafanas_own_schema_knows_every_field_of_the_dashboards() {
    run_python("tests/support/grafana.py", &DASHBOARDS);
}

#[test]
fn the_dashboards_are_what_their_script_writes() {
    let folder = Folder::new();
    run_python("scripts/dashboards.py", &[folder.arg()]);
    for file in DASHBOARDS {
        let name = file.rsplit_once('/').expect("they are in a folder").1;
        let written = fs::read_to_string(folder.path().join(name)).expect("the script writes every dashboard");
        assert!(written == read(file), "{file}: run scripts/dashboards.py");
    }
}

#[test]
fn the_rules_are_sound_and_their_cases_hold() {
    let files = |folder: &str| -> Vec<String> {
        let entries = fs::read_dir(root().join(folder)).expect("the folder is there");
        let names = entries.map(|entry| entry.expect("its entries can be read").file_name());
        names.map(|name| format!("{folder}/{}", name.to_string_lossy())).collect()
    };
    for (command, folder) in [("check", "charts/baseload/rules"), ("test", "tests/rules")] {
        let files = files(folder);
        let args: Vec<&str> = [command, "rules"].into_iter().chain(files.iter().map(String::as_str)).collect();
        let (is_content, said) = promtool(&args, "");
        assert!(is_content, "{said}");
    }
}

/// What follows each occurrence of these words, up to the end of its line.
fn after(words: &str, text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter_map(|line| line.trim_start().strip_prefix(words));
    lines.map(|rest| rest.trim().to_owned()).collect()
}

#[test]
fn every_alert_has_its_section_in_the_runbook_and_cases_in_which_it_fires_and_does_not() {
    let (rules, cases) = (read("charts/baseload/rules/alerts.yaml"), read("tests/rules/alerts.yaml"));
    let alerts = after("- alert:", &rules);
    let sections = after("## Baseload", &read("docs/runbook.md")).into_iter().map(|rest| format!("Baseload{rest}"));
    assert_eq!(sections.collect::<BTreeSet<_>>(), alerts);
    let anchors = alerts.iter().map(|alert| format!("docs/runbook.md#{}", alert.to_lowercase()));
    assert_eq!(after("runbook_url:", &rules), anchors.collect::<BTreeSet<_>>());
    for field in ["severity:", "summary:", "description:", "runbook_url:"] {
        let fields = rules.lines().filter(|line| line.trim_start().starts_with(field)).count();
        assert_eq!(fields, alerts.len(), "{field}");
    }
    for alert in &alerts {
        let about: Vec<&str> =
            cases.split("  - name: \"").filter(|case| case.starts_with(&format!("{alert}:"))).collect();
        let silent = about.iter().filter(|case| case.contains("exp_alerts: []")).count();
        assert!(0 < silent && silent < about.len(), "{alert}: {silent} of {} cases are silent", about.len());
    }
}

#[test]
fn promtool_objects_to_nothing_but_the_two_names_that_are_fixed() {
    let folder = lively_schedules();
    let controller = lively(&folder);
    controller.wait_ready();
    let (_, said) = promtool(&["check", "metrics"], &controller.get("/metrics").body);
    let objected: BTreeSet<&str> = said.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(objected, BTreeSet::from(OBJECTED_TO), "{said}");
}

#[test]
fn without_metrics_per_target_the_fleets_remain() {
    let folder = Folder::with("all.yaml", constant(&["shop/www", "shop/api"], 3));
    let more = ["--simulate", "--speed", "600", "--metrics-per-target=false"];
    let controller = Controller::start_in(&[], &folder, &more);
    eventually("the fleet's floors are summed up", || {
        (controller.metric("baseload_fleet_floor_tasks") == Some(6.0)).then_some(())
    });
    let served = controller.get("/metrics").body;
    assert!(!served.contains("cluster="), "{served}");
}

#[test]
fn cloudwatch_is_told_in_its_own_format() {
    let folder = lively_schedules();
    let args = [
        "run",
        "--schedules",
        folder.arg(),
        "--listen",
        "127.0.0.1:0",
        "--simulate",
        "--speed",
        "600",
        "--emf",
        "--account",
        "prod",
    ];
    let mut child =
        command(&args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the binary can be started");
    let stdout = BufReader::new(child.stdout.take().expect("standard output is piped"));
    let lines: Vec<String> = stdout.lines().take(3).map(|line| line.expect("it prints text")).collect();
    let _already_gone = child.kill();
    let _already_gone = child.wait();
    let told = Folder::new();
    let mut minutes = BTreeSet::new();
    for (number, line) in lines.iter().enumerate() {
        told.write(&format!("{number}.json"), line);
        let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        minutes.insert(value["_aws"]["Timestamp"].as_i64().expect("a line has an instant") / 60_000);
        for metric in value["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().expect("a line names its metrics") {
            assert!(value[text(metric, "/Name")].is_number(), "{metric} in {line}");
        }
    }
    assert_eq!(minutes.len(), 3, "a minute has one line: {lines:?}");
    let files: Vec<String> = (0..3).map(|number| format!("{}/{number}.json", told.arg())).collect();
    let output = Command::new(python())
        .args(["-m", "check_jsonschema", "--schemafile", "tests/data/emf.schema.json"])
        .args(files)
        .current_dir(root())
        .output()
        .expect("the Python that was found can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
