//! Region, credentials, network, permissions and clock.

use baseload_core::ecs::{EcsError, ErrorKind, Operation};
use jiff::SignedDuration;

use super::check::Check;
use super::inquiry::{Inquiry, NOBODYS_SERVICE};
use crate::aws::Access;
use crate::remedy;

/// How far our clock may be from AWS's before someone should look.
const SKEW_TO_LOOK_AT: SignedDuration = SignedDuration::from_secs(30);

/// How far it may be before no floor is lowered.
const SKEW_TO_MEND: SignedDuration = SignedDuration::from_secs(120);

/// All checks that do not depend on what is scheduled.
pub(super) fn checks(inquiry: &Inquiry) -> Vec<Check> {
    let mut checks = vec![region(inquiry), credentials(inquiry)];
    if !inquiry.is_asked || inquiry.region.is_none() || without_credentials(inquiry).is_some() {
        return checks; // nothing else could be asked, and there is one thing to change
    }
    let needed = Operation::ALL.into_iter().filter(|operation| is_needed(inquiry, *operation));
    let (silent, heard): (Vec<_>, Vec<_>) = needed.partition(|operation| is_silent(inquiry, *operation));
    checks.push(network(inquiry, &silent));
    checks.extend(heard.into_iter().map(|operation| permission(inquiry, operation)));
    if silent.is_empty() {
        checks.push(clock(inquiry));
    }
    checks
}

/// Why there are no credentials that AWS takes: none, or bad ones, or nobody who gives out those of the account's role.
fn without_credentials(inquiry: &Inquiry) -> Option<&EcsError> {
    inquiry.errors().find(|error| error.kind == ErrorKind::Credentials || error.code == "StsUnreachable")
}

fn region(inquiry: &Inquiry) -> Check {
    match &inquiry.region {
        Some(region) => Check::ok("region", region),
        None => Check::fail("region", "no region is set, so there is nothing to ask", remedy::SET_REGION),
    }
}

fn credentials(inquiry: &Inquiry) -> Check {
    const NAME: &str = "credentials";
    if let Some(error) = without_credentials(inquiry) {
        let remedy = match error.code.as_str() {
            "RoleNotAssumed" => assume(inquiry),
            _ => remedy::of(error).unwrap_or_default(),
        };
        return Check::fail(NAME, error.to_string(), remedy);
    }
    match &inquiry.caller {
        Ok(caller) => Check::ok(NAME, format!("{} in account {}", caller.arn, caller.account)),
        Err(error) if inquiry.region.is_none() => Check::warn(NAME, error.to_string(), "set the region first"),
        Err(error) => Check::warn(
            NAME,
            format!("found, but whose they are was not said: {error}"),
            "open the way to STS if you want to know; the controller does not need it",
        ),
    }
}

/// What lets a role be assumed.
fn assume(inquiry: &Inquiry) -> String {
    let role = match &inquiry.access {
        Access::Role(arn) => arn.as_str(),
        Access::Own => "the role",
    };
    format!(
        "allow Baseload's own role sts:AssumeRole on {role}, let that role's trust policy name Baseload's own role, and check \
         the ARN in --account; docs/how-to/several-accounts.md has both policies"
    )
}

fn is_needed(inquiry: &Inquiry, operation: Operation) -> bool {
    match operation {
        Operation::RegisterScalableTarget => inquiry.writes.is_some(),
        _ => !operation.permissions().is_empty(),
    }
}

/// Whether nothing was ever heard in answer to it. STS is not asked about: nothing depends on it.
fn is_silent(inquiry: &Inquiry, operation: Operation) -> bool {
    let mut outcomes = inquiry.outcomes(operation).map(|call| call.outcome).peekable();
    let unheard = |outcome| matches!(outcome, Err(ErrorKind::Unreachable | ErrorKind::OutcomeUnknown));
    outcomes.peek().is_some() && outcomes.all(unheard)
}

fn network(inquiry: &Inquiry, silent: &[Operation]) -> Check {
    const NAME: &str = "network";
    let Some(first) = silent.first() else {
        return Check::ok(NAME, "Application Auto Scaling and ECS answer");
    };
    let error = inquiry.errors().find(|error| error.operation == *first);
    let said = error.map_or_else(|| first.name().to_owned(), ToString::to_string);
    let remedy = remedy::way_out(inquiry.region.as_deref().unwrap_or_default());
    Check::fail(NAME, format!("no answer: {said}"), remedy)
}

fn permission(inquiry: &Inquiry, operation: Operation) -> Check {
    let own = *operation.permissions().first().expect("only operations that need a permission are checked");
    let denied = inquiry.outcomes(operation).any(|call| call.outcome == Err(ErrorKind::Denied));
    let error = inquiry.errors().find(|error| error.operation == operation && error.kind == ErrorKind::Denied);
    if denied {
        let said = error.map_or_else(|| "AWS denies it".to_owned(), |error| error.message.clone());
        let remedy = remedy::allow(operation, &said);
        return Check::fail(own, said, remedy);
    }
    if operation == Operation::RegisterScalableTarget {
        return write(inquiry, own);
    }
    let may_ask = |outcome| matches!(outcome, Ok(()) | Err(ErrorKind::NotFound)); // of a cluster that is not there
    if inquiry.outcomes(operation).any(|call| may_ask(call.outcome)) {
        return Check::ok(own, "allowed");
    }
    match inquiry.errors().find(|error| error.operation == operation) {
        Some(error) if error.kind == ErrorKind::NotFound => Check::ok(own, "allowed"),
        Some(error) => Check::warn(own, error.to_string(), "try again; AWS did not say yes or no"),
        None => untried(own),
    }
}

fn untried(permission: &str) -> Check {
    Check::warn(permission, "not tried: there is no target to ask about", "see the schedules and the targets first")
}

/// A write that AWS refused for its values alone would have been allowed.
fn write(inquiry: &Inquiry, own: &str) -> Check {
    let mut writes = inquiry.writes.iter().flatten().map(|(_, write)| write).peekable();
    let none = writes.peek().is_none();
    let failure = writes.find_map(|write| match write {
        Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Invalid) => None,
        Err(error) => Some(error.to_string()),
        Ok(()) => Some(format!("AWS took a registration of {NOBODYS_SERVICE} that it should have refused")),
    });
    match failure {
        _ if none => untried(own),
        Some(failure) => Check::warn(own, failure, "try again; AWS did not say yes or no"),
        None => Check::ok(
            own,
            "allowed: a registration of a service that is not there was refused for that alone, and nothing was written",
        ),
    }
}

fn clock(inquiry: &Inquiry) -> Check {
    const NAME: &str = "clock";
    let nearest = inquiry.calls.iter().filter_map(|call| call.clock_ahead).min_by_key(|ahead| ahead.abs());
    let Some(ahead) = nearest else {
        return Check::warn(NAME, "no answer told AWS's time", "see the network first");
    };
    let direction = if ahead.is_negative() { "behind" } else { "ahead of" };
    let seconds = ahead.abs().as_secs();
    let finding = format!("{seconds} s {direction} AWS's");
    let remedy = "set this machine's clock (on Fargate, AWS does: replace the task)";
    match ahead.abs() {
        far if far > SKEW_TO_MEND => Check::fail(NAME, finding + ": no floor would be lowered", remedy),
        far if far > SKEW_TO_LOOK_AT => Check::warn(NAME, finding, remedy),
        _ => Check::ok(NAME, "within a few seconds of AWS's".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::time::Duration;

    use baseload_core::ecs::Answer;
    use baseload_core::model::Site;

    use super::super::check::{Verdict, text};
    use super::*;
    use crate::aws::{CallRecord, Caller};

    fn error(operation: Operation, kind: ErrorKind, message: &str) -> EcsError {
        EcsError { operation, kind, code: "Code".to_owned(), message: message.to_owned(), retry_after: None }
    }

    /// All went well, but for what the write in one cluster was answered with.
    fn inquiry(write: Result<(), EcsError>, ahead: SignedDuration) -> Inquiry {
        let call = |operation: Operation| {
            let outcome = match operation {
                Operation::RegisterScalableTarget => write.as_ref().map_or_else(|error| Err(error.kind), |()| Ok(())),
                _ => Ok(()),
            };
            CallRecord { site: Site::HOME, operation, outcome, duration: Duration::ZERO, clock_ahead: Some(ahead) }
        };
        Inquiry {
            site: Site::HOME,
            access: Access::Own,
            is_asked: true,
            region: Some("eu-west-1".to_owned()),
            caller: Ok(Caller { account: "1".to_owned(), arn: "arn".to_owned() }),
            targets: Answer::default(),
            services: Answer::default(),
            survey: Answer::default(),
            calls: Operation::ALL.into_iter().map(call).collect(),
            writes: Some(BTreeMap::from([(Arc::from("shop"), write)])),
        }
    }

    fn failed(inquiry: &Inquiry) -> String {
        let failed: Vec<_> = checks(inquiry).into_iter().filter(|check| check.verdict != Verdict::Ok).collect();
        text(&failed)
    }

    #[test]
    fn a_write_that_is_refused_for_its_service_alone_is_allowed() {
        let refused = error(Operation::RegisterScalableTarget, ErrorKind::NotFound, "ECS service doesn't exist");
        assert_eq!(failed(&inquiry(Err(refused), SignedDuration::ZERO)), "\n0 ok, 0 to look at, 0 to mend\n");
    }

    #[test]
    fn f4_an_expired_session_is_the_only_thing_to_change() {
        let mut expired = error(Operation::GetCallerIdentity, ErrorKind::Credentials, "it is over");
        expired.code = "ExpiredToken".to_owned();
        let inquiry = Inquiry { caller: Err(expired), ..inquiry(Ok(()), SignedDuration::ZERO) };
        let text = failed(&inquiry);
        assert!(text.contains("log in again") && text.ends_with("0 to look at, 1 to mend\n"), "{text}");
    }

    #[test]
    fn where_sts_gives_out_no_credentials_of_a_role_that_alone_is_to_mend() {
        let mut silent = error(Operation::GetCallerIdentity, ErrorKind::Unreachable, "refused");
        silent.code = "StsUnreachable".to_owned();
        let inquiry = Inquiry { caller: Err(silent), ..inquiry(Ok(()), SignedDuration::ZERO) };
        let text = failed(&inquiry);
        assert!(text.contains("interface endpoint `sts`") && text.ends_with("0 to look at, 1 to mend\n"), "{text}");
    }

    #[test]
    fn f21_a_clock_two_minutes_off_lowers_nothing() {
        let refused = || Err(error(Operation::RegisterScalableTarget, ErrorKind::NotFound, ""));
        for (seconds, verdict) in
            [(20, "0 to look at, 0 to mend"), (-60, "1 to look at, 0 to mend"), (121, "0 to look at, 1 to mend")]
        {
            let text = failed(&inquiry(refused(), SignedDuration::from_secs(seconds)));
            assert!(text.contains(verdict), "{seconds}: {text}");
        }
    }
}
