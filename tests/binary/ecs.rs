//! The simulated ECS in a process of its own: an AWS that outlives the controllers under test and starts in no time.

use serde_json::{Value, json};

use crate::controller::Controller;
use crate::folder::{Folder, constant};
use crate::http;
use crate::line::Line;
use crate::wait::until;

/// A running simulation that only serves AWS's protocol: its own controller writes nothing.
pub(crate) struct Ecs {
    /// `HOST:PORT`.
    pub(crate) address: String,
    _process: Controller,
    _folder: Folder,
}

impl Ecs {
    /// These services, each registered between 1 and 20.
    pub(crate) fn with(targets: &[&str]) -> Self {
        let folder = Folder::with("all.yaml", constant(targets, 1));
        let process = Controller::start_in(&[], &folder, &["--simulate", "--dry-run"]);
        let endpoint = process.status()["simulator"].as_str().expect("the status names the simulator").to_owned();
        let address = endpoint.strip_prefix("http://").expect("it is plain HTTP").to_owned();
        Ecs { address, _process: process, _folder: folder }
    }

    /// The live minimum of a registered target.
    pub(crate) fn min(&self, target: &str) -> u64 {
        let asked = json!({ "ServiceNamespace": "ecs", "ResourceIds": [format!("service/{target}")] });
        let headers = "X-Amz-Target: AnyScaleFrontendService.DescribeScalableTargets\r\n";
        let answer =
            http::ask(&self.address, "POST", "/", headers, &asked.to_string()).expect("the simulation answers");
        let answer: Value = serde_json::from_str(&answer.body).expect("it answers in JSON");
        answer["ScalableTargets"][0]["MinCapacity"].as_u64().expect("the target is registered")
    }

    pub(crate) fn wait_floor(&self, target: &str, min: u64) {
        until(&format!("AWS has {min} for {target}"), || self.min(target) == min);
    }
}

/// What sends any AWS client over a line, with sound credentials.
pub(crate) fn environment(line: &Line) -> Vec<(&'static str, String)> {
    [("AWS_ENDPOINT_URL", format!("http://{}", line.address).as_str()), ("AWS_REGION", "eu-west-1")]
        .into_iter()
        .chain([("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")])
        .map(|(name, value)| (name, value.to_owned()))
        .collect()
}

/// Variables as [`Controller::start_in`] takes them.
pub(crate) fn borrowed<'a>(variables: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    variables.iter().map(|(name, value)| (*name, value.as_str())).collect()
}
