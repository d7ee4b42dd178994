//! The one thing to change where AWS refuses a call or does not answer it: said by the doctor, and in the log.
//!
//! What passes by itself has no remedy.

use baseload_core::ecs::{EcsError, ErrorKind, Operation};

/// What to do where no region is set.
pub(crate) const SET_REGION: &str = "set AWS_REGION to the region of the services (a task on ECS has it set by itself)";

/// What to do where STS, which gives out the credentials of roles, was not heard from.
const WAY_TO_STS: &str = "STS gives out the credentials of the account's role: check that the region is right, and that there \
                          is a way out to it on port 443, or the interface endpoint `sts`";

/// What to change about this error, where that can be said.
pub(crate) fn of(error: &EcsError) -> Option<String> {
    match error.kind {
        ErrorKind::Credentials => Some(credentials(error).to_owned()),
        ErrorKind::Denied => Some(allow(error.operation, &error.message)),
        ErrorKind::Unreachable => match error.code.as_str() {
            "NoRegion" => Some(SET_REGION.to_owned()),
            "StsUnreachable" => Some(WAY_TO_STS.to_owned()),
            "LeaseLost" => None,
            _ => Some(way_out("the region")),
        },
        ErrorKind::Throttled
        | ErrorKind::Unavailable
        | ErrorKind::OutcomeUnknown
        | ErrorKind::Conflict
        | ErrorKind::QuotaExceeded
        | ErrorKind::NotFound
        | ErrorKind::Invalid => None,
    }
}

fn credentials(error: &EcsError) -> &'static str {
    match error.code.as_str() {
        "RoleNotAssumed" => {
            "allow Baseload's own role sts:AssumeRole on the account's role, let that role trust it, and check the ARN in \
             --account"
        }
        "NoCredentials" => without_credentials(&error.message),
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => {
            "the session is over: log in again (`aws sso login`), or let a role give credentials that renew themselves"
        }
        _ => "AWS does not know these credentials: check where they come from (`aws configure list`)",
    }
}

/// None are set; a role may not be assumed; or whoever should give them does not. The SDK tells these apart in words only.
fn without_credentials(said: &str) -> &'static str {
    if said.contains("no credentials found") {
        "give the task a role (taskRoleArn on ECS, a service account with a role on EKS), or set AWS_PROFILE or the \
         AWS_ACCESS_KEY_ID family"
    } else if said.contains("AssumeRole") {
        "check which role is named (AWS_ROLE_ARN, role_arn in a profile), and that the role's trust policy lets this service \
         account, or whoever asks, assume it"
    } else {
        "what should give credentials does not: check that the task's role exists and may be assumed by \
         ecs-tasks.amazonaws.com, or what AWS_WEB_IDENTITY_TOKEN_FILE or AWS_PROFILE names"
    }
}

/// What to allow: where AWS lists what is missing, exactly that.
pub(crate) fn allow(operation: Operation, said: &str) -> String {
    let needed = operation.permissions();
    let missing: Vec<&str> = needed.iter().copied().filter(|permission| said.contains(permission)).collect();
    let wanted = if missing.is_empty() { needed } else { &missing };
    format!("allow the role {}; docs/reference/iam.md has the whole policy", wanted.join(", "))
}

/// What to look at where nothing was heard from this region.
pub(crate) fn way_out(region: &str) -> String {
    format!(
        "check that {region} is the right one, and that there is a way out on port 443: an internet or NAT gateway, or the \
         interface endpoints `application-autoscaling` and `ecs`; unset AWS_ENDPOINT_URL unless you mean it"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remedy(kind: ErrorKind, code: &str, message: &str) -> String {
        let operation = Operation::RegisterScalableTarget;
        let (code, message) = (code.to_owned(), message.to_owned());
        of(&EcsError { operation, kind, code, message, retry_after: None }).unwrap_or_default()
    }

    #[test]
    fn f10_what_aws_says_is_missing_is_what_the_remedy_names() {
        let said = "User is missing the following permissions: ecs:UpdateService";
        let text = remedy(ErrorKind::Denied, "ValidationException", said);
        assert!(text.starts_with("allow the role ecs:UpdateService; "), "{text}");
        let text = remedy(ErrorKind::Denied, "AccessDeniedException", "no");
        assert!(text.contains("RegisterScalableTarget, ecs:"), "{text}");
    }

    #[test]
    fn what_passes_by_itself_has_no_remedy() {
        for (kind, code) in [(ErrorKind::Throttled, "Throttling"), (ErrorKind::Unreachable, "LeaseLost")] {
            assert_eq!(remedy(kind, code, ""), "");
        }
    }
}
