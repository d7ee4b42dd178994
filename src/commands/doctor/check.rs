//! What one check found, and how it is printed.

use baseload_core::model::Site;
use serde::Serialize;
use serde_json::{Value, json};

/// How a check ended, the better first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Verdict {
    /// As it should be.
    Ok,
    /// The controller can work, but someone should know this.
    Warn,
    /// The controller cannot do its work.
    Fail,
}

/// One thing that was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    /// Where, if not in the controller's own account and region.
    #[serde(flatten)]
    site: Site,
    check: String,
    pub(super) verdict: Verdict,
    finding: String,
    remedy: Option<String>,
}

impl Check {
    pub(super) fn ok(check: impl Into<String>, finding: impl Into<String>) -> Self {
        Check { site: Site::HOME, check: check.into(), verdict: Verdict::Ok, finding: finding.into(), remedy: None }
    }

    pub(super) fn warn(check: impl Into<String>, finding: impl Into<String>, remedy: impl Into<String>) -> Self {
        Check { verdict: Verdict::Warn, remedy: Some(remedy.into()), ..Check::ok(check, finding) }
    }

    pub(super) fn fail(check: impl Into<String>, finding: impl Into<String>, remedy: impl Into<String>) -> Self {
        Check { verdict: Verdict::Fail, ..Check::warn(check, finding, remedy) }
    }

    /// The same, of another account and region.
    pub(super) fn at(self, site: &Site) -> Self {
        Check { site: site.clone(), ..self }
    }
}

/// The worst verdict of all.
pub(super) fn worst(checks: &[Check]) -> Verdict {
    checks.iter().map(|check| check.verdict).max().unwrap_or(Verdict::Ok)
}

/// `{"verdict", "checks": [{"check", "verdict", "finding", "remedy"}]}`, with `account` and `region` where they are not the
/// controller's own.
pub(super) fn json(checks: &[Check]) -> Value {
    json!({"verdict": worst(checks), "checks": checks})
}

/// A line for each check, its remedy below it, under a heading for each account and region beside the controller's own,
/// and the sum.
pub(super) fn text(checks: &[Check]) -> String {
    let width = checks.iter().map(|check| check.check.len()).max().unwrap_or(0);
    let mut lines = String::new();
    for checks in checks.chunk_by(|a, b| a.site == b.site) {
        if let Some(first) = checks.first().filter(|check| !check.site.is_home()) {
            lines += &format!("\n{}\n", first.site);
        }
        lines.extend(checks.iter().map(|check| line(check, width)));
    }
    let count = |verdict| checks.iter().filter(|check| check.verdict == verdict).count();
    let (fine, warned, failed) = (count(Verdict::Ok), count(Verdict::Warn), count(Verdict::Fail));
    format!("{lines}\n{fine} ok, {warned} to look at, {failed} to mend\n")
}

fn line(check: &Check, width: usize) -> String {
    let word = match check.verdict {
        Verdict::Ok => "ok",
        Verdict::Warn => "warn",
        Verdict::Fail => "FAIL",
    };
    let indent = " ".repeat(6 + width + 2);
    let finding = check.finding.replace('\n', &format!("\n{indent}"));
    let remedy = check.remedy.as_ref().map(|remedy| format!("{indent}→ {remedy}\n")).unwrap_or_default();
    format!("{word:<4}  {:<width$}  {finding}\n{remedy}", check.check)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remedy_stands_below_its_finding_and_the_worst_verdict_counts() {
        let checks = [Check::ok("region", "eu-west-1"), Check::fail("clock", "slow\nvery slow", "set it")];
        let expected = "ok    region  eu-west-1\n\
                        FAIL  clock   slow\n              very slow\n              → set it\n\n\
                        1 ok, 0 to look at, 1 to mend\n";
        assert_eq!(text(&checks), expected);
        assert_eq!(json(&checks)["verdict"], "fail");
    }
}
