//! Several accounts and regions: moto keeps their state apart, and gives out credentials for the role of each.

use serde_json::{Value, json};

use crate::account::Account;
use crate::baseload::{Ending, baseload, baseload_in};
use crate::controller::Controller;
use crate::folder::{Folder, constant};
use crate::wait::until;

const PROD: &str = "111111111111";
const ROLES: &str = "prod=arn:aws:iam::111111111111:role/baseload,here=own";

/// The schedule of [`constant`] for `prod` in a region.
fn constant_in_prod(region: &str, targets: &[&str], min: u32) -> String {
    let aws = format!("spec:\n  aws: {{ account: prod, region: {region} }}\n");
    constant(targets, min).replace("spec:\n", &aws).replace("name: constant", &format!("name: {region}"))
}

fn environment<'a>(home: &'a Account, roles: &'a str) -> Vec<(&'a str, &'a str)> {
    [&home.environment()[..], &[("BASELOAD_ACCOUNT", roles)]].concat()
}

fn run(home: &Account, roles: &str, folder: &Folder, args: &[&str]) -> Ending {
    baseload_in(&[args, &["--schedules", folder.arg()]].concat(), &environment(home, roles))
}

#[test]
fn the_same_service_in_three_places_is_planned_applied_and_kept_apart() {
    let home = Account::with(&["shop/www"]);
    let [here, there] = ["eu-west-1", "us-east-1"].map(|region| Account::numbered(PROD, region).having(&["shop/www"]));
    let folder = Folder::with("home.yaml", constant(&["shop/www"], 2));
    folder.write("here.yaml", constant_in_prod("eu-west-1", &["shop/www"], 3));
    folder.write("there.yaml", constant_in_prod("us-east-1", &["shop/w*"], 4));

    let plan = run(&home, ROLES, &folder, &["plan"]).expect(0).stdout;
    for line in ["~ shop/www ", "~ prod/eu-west-1/shop/www ", "~ prod/us-east-1/shop/www ", "3 to change"] {
        assert!(plan.contains(line), "{line} in {plan}");
    }
    let rows = run(&home, ROLES, &folder, &["apply", "-o", "json"]).expect(0).json()["targets"].clone();
    let named = |row: &Value| json!([row["account"], row["region"], row["cluster"], row["service"], row["error"]]);
    let named: Vec<Value> = rows.as_array().expect("rows").iter().map(named).collect();
    assert_eq!(named[0], json!([null, null, "shop", "www", null]));
    assert_eq!(named[1], json!(["prod", "eu-west-1", "shop", "www", null]));
    assert_eq!(named[2], json!(["prod", "us-east-1", "shop", "www", null]));
    assert_eq!([&home, &here, &there].map(|account| account.bounds("shop/www")), [2, 3, 4].map(|min| Some((min, 10))));
    run(&home, ROLES, &folder, &["plan", "--detailed-exitcode"]).expect(0);
}

#[test]
fn the_operator_says_which_accounts_there_are_and_what_is_allowed_in_them() {
    let home = Account::new();
    let prod = Account::numbered("222222222222", "eu-central-1").having(&["shop/www", "shop/api"]);
    let folder = Folder::with("prod.yaml", constant_in_prod("eu-central-1", &["shop/www", "shop/api"], 3));
    let refused = run(&home, "test=own", &folder, &["plan"]).expect(2).stderr;
    assert!(refused.contains("there is no account `prod`") && refused.contains("--account prod=ROLE_ARN"), "{refused}");
    let refused = run(&home, "prod", &folder, &["plan"]).expect(2).stderr;
    assert!(refused.contains("it is not said how the account `prod` is reached"), "{refused}");
    baseload(&["validate", folder.arg(), "--account", "prod"]).expect(0);

    let roles = "prod=arn:aws:iam::222222222222:role/baseload";
    let allowed = ["apply", "--allow-target", "prod/eu-*/shop/www"];
    run(&home, roles, &folder, &allowed).expect(0);
    assert_eq!(["shop/www", "shop/api"].map(|name| prod.bounds(name)), [Some((3, 10)), Some((1, 10))]);
}

#[test]
fn a_running_controller_keeps_floors_in_another_account_and_says_whose_they_are() {
    let home = Account::with(&["shop/www"]);
    let prod = Account::numbered("333333333333", "eu-west-3").having(&["shop/www"]);
    let folder = Folder::with("home.yaml", constant(&["shop/www"], 2));
    folder.write("prod.yaml", constant_in_prod("eu-west-3", &["shop/www"], 5));
    let roles = "prod=arn:aws:iam::333333333333:role/baseload";
    let controller = Controller::start_in(&environment(&home, roles), &folder, &["--resync", "1s"]);
    until("both floors", || prod.bounds("shop/www") == Some((5, 10)) && home.bounds("shop/www") == Some((2, 10)));
    let status = controller.status();
    let sites: Vec<_> = status["sites"].as_array().expect("sites").iter().map(|site| site["account"].clone()).collect();
    assert_eq!(sites, [Value::Null, json!("prod")]);
    assert_eq!(status["targets"][1]["region"], "eu-west-3");
}

#[test]
fn doctor_asks_each_account_and_says_of_which_it_speaks() {
    let home = Account::new();
    let _prod = Account::numbered("444444444444", "eu-west-2").having(&["shop/www"]);
    let folder = Folder::with("prod.yaml", constant_in_prod("eu-west-2", &["shop/www", "shop/gone"], 3));
    let roles = "prod=arn:aws:iam::444444444444:role/baseload";
    let report = run(&home, roles, &folder, &["doctor", "-o", "json"]).expect(0).json();
    let found = |account: Value, check: &str| {
        let checks = report["checks"].as_array().expect("checks");
        let found = checks.iter().find(|found| found["account"] == account && found["check"] == check);
        found.map(|found| found["finding"].as_str().unwrap_or_default().to_owned()).unwrap_or_default()
    };
    assert!(found(json!("prod"), "credentials").contains("444444444444"), "{report}");
    assert!(found(Value::Null, "credentials").contains("123456789012"), "{report}");
    assert!(found(json!("prod"), "targets").contains("prod/eu-west-2/shop/gone"), "{report}");
    assert_eq!(found(Value::Null, "targets"), "", "no schedule is for Baseload's own account");
    let text = run(&home, roles, &folder, &["doctor"]).expect(0).stdout;
    assert!(text.contains("\nprod/eu-west-2\n"), "{text}");
}
