//! What a page takes for granted that its reader has: services on AWS, a repository, names of their own.

use super::page::Page;
use crate::support::root;

/// What is there before a page begins.
#[derive(Clone, Copy, Default)]
pub(super) struct Setting {
    /// The schedules of a controller over a simulated ECS, which stands in for the reader's controller and AWS.
    pub(super) simulated: Option<&'static str>,
    /// The one example that is there; all, where it is not said.
    pub(super) examples: Option<&'static str>,
    /// A script that lays out what the reader has.
    pub(super) before: &'static str,
    /// What stands on the page in the place of the reader's own names, and what is used for it here.
    pub(super) words: &'static [(&'static str, &'static str)],
}

const SETTINGS: [(&str, Setting); 6] = [
    ("README.md", Setting { words: &[("old-schedules", "schedules"), ("new-schedules", "schedules")], ..NOTHING }),
    (
        "docs/runbook.md",
        Setting {
            simulated: Some("schedules"),
            words: &[
                ("CONTROLLER:8080", "127.0.0.1:8080"),
                ("CLUSTER/SERVICE", "shop/www"),
                ("TASKS", "4"),
                ("OLD NEW", "schedules schedules"),
                ("SCHEDULES", "schedules"),
            ],
            ..NOTHING
        },
    ),
    ("docs/how-to/pause-a-service.md", Setting { simulated: Some("schedules"), ..NOTHING }),
    (
        "docs/how-to/upgrade.md",
        Setting { simulated: Some("schedules"), examples: Some("webshop.yaml"), ..NOTHING }, // others come to an end
    ),
    ("docs/how-to/review-schedules.md", Setting { before: REPOSITORY, ..NOTHING }),
    (
        "docs/coming-from/scheduled-actions.md",
        Setting { simulated: Some("schedules/webshop.yaml"), before: ACTIONS, ..NOTHING },
    ),
];

const NOTHING: Setting = Setting { simulated: None, examples: None, before: "", words: &[] };

/// A clone, with the branch that an edit goes to on its remote.
const REPOSITORY: &str = "
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
git init --quiet --initial-branch=main .
git -c user.name=test -c user.email=test@example.com commit --quiet --allow-empty --message 'before all schedules'
git add schedules
git -c user.name=test -c user.email=test@example.com commit --quiet --message 'schedules'
git clone --quiet --bare . origin.git
git remote add origin ./origin.git
";

/// Scheduled actions of AWS's, as its own answer and as a template.
const ACTIONS: &str = "
act() {
    aws application-autoscaling put-scheduled-action --service-namespace ecs --resource-id service/shop/www \\
        --scalable-dimension ecs:service:DesiredCount --timezone Europe/Brussels --scheduled-action-name \"$1\" \\
        --schedule \"$2\" --scalable-target-action MinCapacity=\"$3\"
}
act night 'cron(30 0 * * ? *)' 1
act day 'cron(0 9 * * ? *)' 3
aws application-autoscaling describe-scheduled-actions --service-namespace ecs > actions.json
baseload export schedules/webshop.yaml -o cloudformation > template.yaml
rm -r schedules
mkdir schedules
";

impl Setting {
    /// What this page takes for granted.
    pub(super) fn of(page: &Page) -> Self {
        let path = page.path.strip_prefix(root()).expect("a page is below the root");
        SETTINGS.iter().find(|(name, _)| path == *name).map_or(NOTHING, |(_, setting)| *setting)
    }
}
