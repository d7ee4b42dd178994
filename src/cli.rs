//! What users type: commands, flags and their environment variables. Raw arguments only; the commands resolve them.

mod values;

use std::net::SocketAddr;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

use values::{account, allowance, duration, instant, pattern, speed, target};

/// Scheduled capacity floors for Amazon ECS services.
///
/// A timetable in YAML says what the minimum capacity of every service should be right now; Baseload keeps it there.
/// Exit codes: 0 fine; 1 failed while running; 2 bad schedules or usage; 3 differences, where --detailed-exitcode asks.
#[derive(Debug, Parser)]
#[command(name = "baseload", version = crate::about::LONG_VERSION.as_str(), max_term_width = 110, propagate_version = false)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the controller
    Run(RunArgs),
    /// Show what would change in AWS now, and write nothing
    Plan(PlanArgs),
    /// Reconcile once, then exit
    Apply(ApplyArgs),
    /// Check schedule files and report every mistake at once
    ///
    /// Good files are also read against the coming 366 days, with warnings of rules that never win, windows that never
    /// occur, overrides that are over, times that a clock change skips or doubles, and other surprises.
    Validate(ValidateArgs),
    /// Show the timetable: which floor holds when
    Preview(PreviewArgs),
    /// Say why a target has the floor it has
    Explain(ExplainArgs),
    /// Show how two revisions of the schedules differ, and what that costs
    Diff(DiffArgs),
    /// Print the JSON Schema of schedule files, for editors and CI
    ///
    /// For an editor with the YAML language server: write it to a file, and begin each schedule file with the line
    /// `# yaml-language-server: $schema=PATH` with that file's path or URL. The schema knows the fields and their forms;
    /// `baseload validate` knows all the rules.
    Schema,
    /// Turn AWS's native scheduled actions into schedules, and prove the result over 400 days
    ///
    /// Reads the scheduled actions of ECS services from AWS, or from a file, and prints schedules that keep the same
    /// floors: targets with the same timetable share one. Then both are run over the coming 400 days, and any instant at
    /// which they differ is printed. What cannot be carried over is refused by name, and nothing is guessed. AWS is only
    /// read: delete the scheduled actions yourself once the schedules are in force.
    ///
    /// Exit codes: 0 where all was imported and proved; 1 where the proof differs, something was refused, or AWS could not
    /// be read; 2 where the file cannot be read.
    Import(ImportArgs),
    /// Turn schedules into AWS's native scheduled actions, and prove the result over 400 days
    ///
    /// Prints the actions as Terraform or CloudFormation, and on stderr what native actions cannot say. What does not
    /// recur by the week becomes dated actions for the coming 400 days; AWS allows 200 actions on a target.
    ///
    /// Exit codes: 0 where all was exported and proved; 1 where the proof differs or a target was refused; 2 for bad
    /// schedules.
    Export(ExportArgs),
    /// Check all that a controller needs, and say what to change
    ///
    /// Credentials, region, network, each permission, the clock, zone data, the schedules, and for what they declare:
    /// targets, maxima, policies and who else decides. Nothing is written; whether writing is allowed is tried with a
    /// registration that AWS must refuse, of a service that is not there.
    ///
    /// Exit codes: 0 where nothing fails; 1 where something does; 2 for bad schedules.
    Doctor(DoctorArgs),
    /// Show the running controller's targets
    Status(StatusArgs),
    /// Exit 0 if the running controller is live, 1 if not
    Healthcheck(ServerArgs),
    /// Print a shell's completions
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// Where the schedules come from.
#[derive(Debug, Args)]
pub(crate) struct SourceArgs {
    /// Schedule files or folders, repositories (git+https://HOST/PATH.git?ref=BRANCH&path=FOLDER, git+ssh://…,
    /// git+file://…) or buckets (s3://BUCKET/PREFIX); several make one configuration
    ///
    /// A repository is read by Baseload itself, without the git program. A token for git+https:// comes from
    /// BASELOAD_GIT_TOKEN, or from the file that BASELOAD_GIT_TOKEN_FILE names, which is read anew each time. git+ssh://
    /// runs the ssh program, with the key in BASELOAD_GIT_SSH_KEY_FILE and the hosts in
    /// BASELOAD_GIT_SSH_KNOWN_HOSTS_FILE where these are set. Without ?ref= it is the default branch, without &path= the
    /// whole repository. A bucket takes AWS's default credentials, with s3:ListBucket and s3:GetObject.
    #[arg(
        long,
        value_name = "SOURCE",
        env = "BASELOAD_SCHEDULES",
        value_delimiter = ',',
        default_value = "./schedules"
    )]
    pub(crate) schedules: Vec<String>,

    #[command(flatten)]
    pub(crate) limits: LimitArgs,
}

/// What the operator allows, whatever the schedules say.
#[derive(Debug, Args)]
pub(crate) struct LimitArgs {
    #[command(flatten)]
    pub(crate) floors: FloorArgs,

    #[command(flatten)]
    pub(crate) accounts: AccountArgs,

    /// Keep the floors of these targets alone, as CLUSTER/SERVICE or ACCOUNT/REGION/CLUSTER/SERVICE, globs allowed; any
    /// other is left alone, whatever the schedules say [default: all]
    #[arg(long = "allow-target", value_name = "TARGET", env = "BASELOAD_ALLOW_TARGET", value_delimiter = ',', value_parser = allowance)]
    pub(crate) allowed: Vec<baseload_core::timetable::Allowance>,
}

/// Which accounts schedules may name, and how each is reached.
#[derive(Debug, Args)]
pub(crate) struct AccountArgs {
    /// An account that schedules may name in `aws`, and the role that reaches it, as NAME=ROLE_ARN; NAME=own for the
    /// credentials that Baseload itself has. NAME alone will do where AWS is not asked
    #[arg(long = "account", value_name = "NAME=ROLE_ARN", env = "BASELOAD_ACCOUNT", value_delimiter = ',', value_parser = account)]
    pub(crate) accounts: Vec<Account>,
}

/// One account, as the operator names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    /// As schedules write it.
    pub(crate) name: std::sync::Arc<str>,
    /// `None`: not said.
    pub(crate) access: Option<crate::aws::Access>,
}

/// How far the operator lets schedules go.
#[derive(Debug, Args)]
pub(crate) struct FloorArgs {
    /// The greatest min or max that a schedule may declare, in tasks
    #[arg(long, value_name = "TASKS", env = "BASELOAD_MAX_FLOOR", default_value_t = 1000)]
    pub(crate) max_floor: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people
    Text,
    /// For programs; the shape is stable
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ValidateOutput {
    /// For people
    Text,
    /// For programs; the shape is stable
    Json,
    /// Annotations for a GitHub workflow
    Github,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,

    #[command(flatten)]
    pub(crate) guard: GuardArgs,

    /// How often every target is looked at; of more than 1,800 in one account and region, in quiet, every second time
    #[arg(long, value_name = "DURATION", env = "BASELOAD_RESYNC", default_value = "60s", value_parser = duration)]
    pub(crate) resync: Duration,

    /// How often remote sources are asked whether they changed; files and folders are looked at every second
    #[arg(long, value_name = "DURATION", env = "BASELOAD_POLL", default_value = "30s", value_parser = duration)]
    pub(crate) poll: Duration,

    /// A folder in which the last good revision outlives a restart, for sources that may be down then
    #[arg(long, value_name = "FOLDER", env = "BASELOAD_STATE_DIR")]
    pub(crate) state_dir: Option<std::path::PathBuf>,

    /// Where /metrics, the status page and the health checks are served [default: 0.0.0.0:8080; 127.0.0.1:8080 with
    /// --simulate]
    #[arg(long, value_name = "ADDRESS", env = "BASELOAD_LISTEN")]
    pub(crate) listen: Option<SocketAddr>,

    /// Report what would be written, and write nothing
    #[arg(long, env = "BASELOAD_DRY_RUN", value_parser = BoolishValueParser::new())]
    pub(crate) dry_run: bool,

    #[cfg(feature = "lease")]
    #[command(flatten)]
    pub(crate) lease: LeaseArgs,

    /// How the log is written [default: text on a terminal, json elsewhere]
    #[arg(long, value_name = "FORMAT", env = "BASELOAD_LOG_FORMAT")]
    pub(crate) log_format: Option<crate::log::Format>,

    /// Whether /metrics has series for every target, or only for the whole fleet, which is enough for thousands
    #[arg(long, value_name = "BOOL", env = "BASELOAD_METRICS_PER_TARGET", default_value_t = true,
          action = clap::ArgAction::Set, value_parser = BoolishValueParser::new())]
    pub(crate) metrics_per_target: bool,

    /// Write the fleet's metrics to stdout once a minute, in CloudWatch's Embedded Metric Format
    #[arg(long, env = "BASELOAD_EMF", value_parser = BoolishValueParser::new())]
    pub(crate) emf: bool,

    /// Run against a simulated ECS inside this process instead of AWS
    #[arg(long, env = "BASELOAD_SIMULATE", value_parser = BoolishValueParser::new())]
    pub(crate) simulate: bool,

    /// Run the simulation's clock this many times as fast
    #[arg(long, value_name = "FACTOR", env = "BASELOAD_SPEED", default_value_t = 1.0, value_parser = speed, requires = "simulate")]
    pub(crate) speed: f64,

    /// Where the simulated ECS speaks AWS's protocol
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "BASELOAD_SIMULATE_LISTEN",
        default_value = "127.0.0.1:0",
        requires = "simulate"
    )]
    pub(crate) simulate_listen: SocketAddr,
}

/// Which of several replicas writes.
#[cfg(feature = "lease")]
#[derive(Debug, Args)]
pub(crate) struct LeaseArgs {
    /// Run beside other replicas, of which the one that holds this lease writes: an item of a DynamoDB table, as
    /// dynamodb://TABLE/KEY
    ///
    /// The table has the partition key LeaseKey, of type String. The others look on, serve their pages, and one of them
    /// goes on within 15 seconds once the holder is gone, at once where it was stopped in order. It takes
    /// dynamodb:GetItem and dynamodb:PutItem on the table. A dry run takes no lease.
    #[arg(long, value_name = "URL", env = "BASELOAD_LEASE", value_parser = crate::lease::Place::parse)]
    pub(crate) lease: Option<crate::lease::Place>,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,

    /// Exit 3 where a value would change
    #[arg(long, env = "BASELOAD_DETAILED_EXITCODE", value_parser = BoolishValueParser::new())]
    pub(crate) detailed_exitcode: bool,

    /// What would be sent at this instant, against today's AWS (RFC 3339 with offset, or YYYY-MM-DD for 00:00 UTC)
    #[arg(long, value_name = "INSTANT", env = "BASELOAD_AT", value_parser = instant)]
    pub(crate) at: Option<jiff::Timestamp>,

    /// How the result is printed
    #[arg(short, long, value_name = "FORMAT", env = "BASELOAD_OUTPUT", default_value = "text")]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,

    #[cfg(feature = "lease")]
    #[command(flatten)]
    pub(crate) lease: LeaseArgs,

    /// Check what `run --dry-run` needs, which is no permission to write
    #[arg(long, env = "BASELOAD_DRY_RUN", value_parser = BoolishValueParser::new())]
    pub(crate) dry_run: bool,

    /// How the result is printed
    #[arg(short, long, value_name = "FORMAT", env = "BASELOAD_OUTPUT", default_value = "text")]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,

    /// Give up after this long
    #[arg(long, value_name = "DURATION", env = "BASELOAD_TIMEOUT", default_value = "5m", value_parser = duration)]
    pub(crate) timeout: Duration,

    /// How the result is printed
    #[arg(short, long, value_name = "FORMAT", env = "BASELOAD_OUTPUT", default_value = "text")]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct ValidateArgs {
    /// Schedule files or folders, repositories or buckets, as --schedules takes them; all make one source
    #[arg(value_name = "PATH", env = "BASELOAD_SCHEDULES", value_delimiter = ',', default_value = "./schedules")]
    pub(crate) paths: Vec<String>,

    #[command(flatten)]
    pub(crate) limits: LimitArgs,

    /// How the result is printed
    #[arg(short, long, value_name = "FORMAT", env = "BASELOAD_OUTPUT", default_value = "text")]
    pub(crate) output: ValidateOutput,

    /// Make warnings errors: exit 2 where there are any
    #[arg(long, env = "BASELOAD_STRICT", value_parser = BoolishValueParser::new())]
    pub(crate) strict: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PreviewOutput {
    /// For a terminal of 80 columns
    Text,
    /// For programs; the shape is stable
    Json,
    /// A picture
    Svg,
    /// A page in itself, for a wiki or a mail
    Html,
    /// For a pull request
    Markdown,
    /// A calendar (RFC 5545): an event for each stretch with another floor than the schedule's default
    Ics,
}

#[derive(Debug, Args)]
pub(crate) struct PreviewArgs {
    /// Schedule files or folders, repositories or buckets, as --schedules takes them; all make one source
    #[arg(value_name = "PATH", env = "BASELOAD_SCHEDULES", value_delimiter = ',', default_value = "./schedules")]
    pub(crate) paths: Vec<String>,

    #[command(flatten)]
    pub(crate) limits: LimitArgs,

    /// First instant (RFC 3339 with offset, or YYYY-MM-DD for 00:00 UTC) [default: now]
    #[arg(long, value_name = "INSTANT", env = "BASELOAD_FROM", value_parser = instant)]
    pub(crate) from: Option<jiff::Timestamp>,

    /// First instant after the span
    #[arg(long, value_name = "INSTANT", env = "BASELOAD_TO", value_parser = instant, conflicts_with = "span")]
    pub(crate) to: Option<jiff::Timestamp>,

    /// How long the span is
    #[arg(long = "for", value_name = "DURATION", env = "BASELOAD_FOR", id = "span", default_value = "7d", value_parser = duration)]
    pub(crate) span: Duration,

    /// How the result is printed
    #[arg(short, long, value_name = "FORMAT", env = "BASELOAD_OUTPUT", default_value = "text")]
    pub(crate) output: PreviewOutput,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// Which target, as CLUSTER/SERVICE
    #[arg(value_parser = target)]
    pub(crate) target: baseload_core::model::TargetId,

    #[command(flatten)]
    pub(crate) source: SourceArgs,

    /// At which instant (RFC 3339 with offset, or YYYY-MM-DD for 00:00 UTC) [default: now]
    #[arg(long, value_name = "INSTANT", env = "BASELOAD_AT", value_parser = instant)]
    pub(crate) at: Option<jiff::Timestamp>,

    /// How the result is printed
    #[arg(short, long, value_name = "FORMAT", env = "BASELOAD_OUTPUT", default_value = "text")]
    pub(crate) output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ImportOutput {
    /// Schedules, ready to be saved
    Yaml,
    /// The schedules with what the proof found, for programs; the shape is stable
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Read a file instead of AWS, - for stdin: the answer of describe-scheduled-actions, a Terraform plan or state as
    /// JSON (terraform show -json), or a CloudFormation template (JSON or YAML)
    #[arg(long, value_name = "FILE", env = "BASELOAD_FROM_FILE")]
    pub(crate) from_file: Option<std::path::PathBuf>,

    /// Import these targets only, as CLUSTER/SERVICE, globs allowed [default: all]
    #[arg(long = "target", value_name = "TARGET", env = "BASELOAD_TARGET", value_delimiter = ',', value_parser = pattern)]
    pub(crate) targets: Vec<baseload_core::model::TargetPattern>,

    #[command(flatten)]
    pub(crate) limits: FloorArgs,

    /// How the result is printed
    #[arg(short, long, value_name = "FORMAT", env = "BASELOAD_OUTPUT", default_value = "yaml")]
    pub(crate) output: ImportOutput,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportTo {
    /// Scheduled actions of Application Auto Scaling
    ScheduledActions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportOutput {
    /// Resources aws_appautoscaling_scheduled_action
    Terraform,
    /// A template of scalable targets with their actions
    Cloudformation,
    /// As describe-scheduled-actions answers; import --from-file reads it back
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Schedule files or folders; all of them make one source
    #[arg(value_name = "PATH", env = "BASELOAD_SCHEDULES", value_delimiter = ',', default_value = "./schedules")]
    pub(crate) paths: Vec<String>,

    #[command(flatten)]
    pub(crate) limits: FloorArgs,

    #[command(flatten)]
    pub(crate) accounts: AccountArgs,

    /// What to turn the schedules into
    #[arg(long, value_name = "KIND", env = "BASELOAD_EXPORT_TO", default_value = "scheduled-actions")]
    pub(crate) to: ExportTo,

    /// Export these targets, as CLUSTER/SERVICE [default: all that schedules name exactly]
    #[arg(long = "target", value_name = "TARGET", env = "BASELOAD_TARGET", value_delimiter = ',', value_parser = target)]
    pub(crate) targets: Vec<baseload_core::model::TargetId>,

    /// How the result is printed
    #[arg(short, long, value_name = "FORMAT", env = "BASELOAD_OUTPUT", default_value = "terraform")]
    pub(crate) output: ExportOutput,
}

#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    /// The running controller
    #[arg(long, value_name = "URL", env = "BASELOAD_SERVER", default_value = "http://localhost:8080")]
    pub(crate) server: String,
}

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,

    /// Print again and again until interrupted; on a terminal in one place, the targets that are not well first
    #[arg(long, env = "BASELOAD_WATCH", value_parser = BoolishValueParser::new())]
    pub(crate) watch: bool,

    /// How often --watch prints
    #[arg(long, value_name = "DURATION", env = "BASELOAD_INTERVAL", default_value = "2s", value_parser = duration)]
    pub(crate) interval: Duration,

    /// How the result is printed
    #[arg(short, long, value_name = "FORMAT", env = "BASELOAD_OUTPUT", default_value = "text")]
    pub(crate) output: Output,
}

/// What `baseload diff --help` adds to the list of flags.
const DIFF_HELP: &str = r#"How two sources' timetables differ: which targets come, go or are suspended, which floors change when and why, and
task-hours (each declared min, times the hours for which it holds) before and after. Says beforehand whether the
shrink guard will hold NEW where OLD is in force, and prints the document that lets it pass. The guard looks at the 28
days from now, whatever --from and --for say.

Exit codes: 0, differing or not; 1 failed while running; 2 a source is bad, or usage.

The shape of -o json:

{"from":INSTANT,"to":INSTANT,
 "old":{"revision":DIGEST,"taskHours":N,"leftAloneHours":N},"new":{…the same…},
 "targets":[{"cluster":…,"service":…,"effect":EFFECT,
   "before":{"taskHours":N,"leftAloneHours":N},"after":{…the same…},
   "changes":[{"from":INSTANT,"to":INSTANT,"before":DECISION,"after":DECISION}]}],
 "guard":{"percent":N,"held":BOOL,"acknowledged":BOOL,"reasons":[TEXT],"acknowledgement":YAML or null},
 "tzdb":EDITION}

EFFECT is added, removed, suspended, resumed, changed, otherCause (the same floors, given by another schedule or
cause) or unchanged. DECISION is {"min":N,"max":N or null,"schedule":NAME,"cause":CAUSE}, where CAUSE is default,
window/NAME or override/NAME; where a target is left alone, min and schedule are null and the cause is none, and the
hours count as leftAloneHours, not as task-hours. Every target and glob of either source is listed, sorted; a glob
counts as one service. Changes are maximal runs of one pair of decisions that differ, in order. Instants are UTC;
hours are rounded to a thousandth."#;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DiffOutput {
    /// For people
    Text,
    /// For programs; the shape is stable
    Json,
    /// For a comment on a pull request
    Markdown,
}

#[derive(Debug, Args)]
#[command(after_long_help = DIFF_HELP)]
pub(crate) struct DiffArgs {
    /// The schedules as they are: a file, folder, repository or bucket, as for --schedules
    #[arg(value_name = "OLD")]
    pub(crate) old: String,

    /// The schedules as they would be, likewise
    #[arg(value_name = "NEW")]
    pub(crate) new: String,

    #[command(flatten)]
    pub(crate) limits: LimitArgs,

    #[command(flatten)]
    pub(crate) guard: GuardArgs,

    /// First instant (RFC 3339 with offset, or YYYY-MM-DD for 00:00 UTC) [default: now]
    #[arg(long, value_name = "INSTANT", env = "BASELOAD_FROM", value_parser = instant)]
    pub(crate) from: Option<jiff::Timestamp>,

    /// How long the span is
    #[arg(long = "for", value_name = "DURATION", env = "BASELOAD_FOR", id = "span", default_value = "28d", value_parser = duration)]
    pub(crate) span: Duration,

    /// How the result is printed
    #[arg(short, long, value_name = "FORMAT", env = "BASELOAD_OUTPUT", default_value = "text")]
    pub(crate) output: DiffOutput,
}

/// How much a new revision may take away at once.
#[derive(Debug, Args)]
pub(crate) struct GuardArgs {
    /// Hold a new revision that takes out more than this percentage, and more than 3, of the targets, or lets the sum of
    /// floors fall by more than it, and more than 10 tasks, within 28 days; 100 holds none
    #[arg(long, value_name = "PERCENT", env = "BASELOAD_SHRINK_GUARD", default_value_t = 50,
          value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(crate) shrink_guard: u8,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
