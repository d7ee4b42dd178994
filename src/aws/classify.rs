//! What an error of AWS means: one table over code, message and status, and the cases in which no answer came at all.
//!
//! What to do about a kind is decided elsewhere.

use std::error::Error;
use std::io;
use std::time::Duration;

use aws_sdk_ecs::config::http::HttpResponse;
use aws_sdk_ecs::error::{ConnectorError, ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use baseload_core::ecs::{EcsError, ErrorKind, Operation};

use super::permit::NoPermit;

/// How much of a message is kept, in characters.
const MESSAGE_LIMIT: usize = 300;

/// Error codes and what they mean; `ValidationException` is told apart by its message.
const CODES: &[(&str, ErrorKind)] = &[
    ("ThrottlingException", ErrorKind::Throttled),
    ("Throttling", ErrorKind::Throttled),
    ("ThrottledException", ErrorKind::Throttled),
    ("RequestThrottled", ErrorKind::Throttled),
    ("RequestThrottledException", ErrorKind::Throttled),
    ("TooManyRequestsException", ErrorKind::Throttled),
    ("RequestLimitExceeded", ErrorKind::Throttled),
    ("BandwidthLimitExceeded", ErrorKind::Throttled),
    ("PriorRequestNotComplete", ErrorKind::Throttled),
    ("SlowDown", ErrorKind::Throttled),
    ("LimitExceededException", ErrorKind::QuotaExceeded),
    ("ConcurrentUpdateException", ErrorKind::Conflict),
    ("AccessDenied", ErrorKind::Denied),
    ("AccessDeniedException", ErrorKind::Denied),
    ("AuthorizationError", ErrorKind::Denied),
    ("FailedResourceAccessException", ErrorKind::Denied),
    ("NotAuthorized", ErrorKind::Denied),
    ("OptInRequired", ErrorKind::Denied),
    ("UnauthorizedOperation", ErrorKind::Denied),
    ("AuthFailure", ErrorKind::Credentials),
    ("ExpiredToken", ErrorKind::Credentials),
    ("ExpiredTokenException", ErrorKind::Credentials),
    ("IncompleteSignature", ErrorKind::Credentials),
    ("IncompleteSignatureException", ErrorKind::Credentials),
    ("InvalidAccessKeyId", ErrorKind::Credentials),
    ("InvalidClientTokenId", ErrorKind::Credentials),
    ("InvalidSignatureException", ErrorKind::Credentials),
    ("InvalidToken", ErrorKind::Credentials),
    ("MissingAuthenticationToken", ErrorKind::Credentials),
    ("MissingAuthenticationTokenException", ErrorKind::Credentials),
    ("RequestExpired", ErrorKind::Credentials),
    ("SignatureDoesNotMatch", ErrorKind::Credentials),
    ("UnrecognizedClientException", ErrorKind::Credentials),
    ("ClusterNotFoundException", ErrorKind::NotFound),
    ("ObjectNotFoundException", ErrorKind::NotFound),
    ("ResourceNotFoundException", ErrorKind::NotFound),
    ("ServiceNotActiveException", ErrorKind::NotFound),
    ("ServiceNotFoundException", ErrorKind::NotFound),
    ("ClientException", ErrorKind::Invalid),
    ("InvalidParameterCombination", ErrorKind::Invalid),
    ("InvalidParameterException", ErrorKind::Invalid),
    ("InvalidParameterValue", ErrorKind::Invalid),
    ("SerializationException", ErrorKind::Invalid),
    ("UnknownOperationException", ErrorKind::Invalid),
    ("InternalFailure", ErrorKind::Unavailable),
    ("InternalServerError", ErrorKind::Unavailable),
    ("InternalServiceException", ErrorKind::Unavailable),
    ("InvalidNextTokenException", ErrorKind::Unavailable), // our listing went stale: the next one begins anew
    ("RequestTimeout", ErrorKind::Unavailable),
    ("RequestTimeoutException", ErrorKind::Unavailable),
    ("ServerException", ErrorKind::Unavailable),
    ("ServiceUnavailable", ErrorKind::Unavailable),
    ("ServiceUnavailableException", ErrorKind::Unavailable),
];

/// What a `ValidationException` may say, in lower case; the first that fits counts.
///
/// A write of `MinCapacity` alone to a target that has vanished is refused with such an exception too, in words that
/// AWS does not document; its manual speaks of "registering a new scalable target".
const VALIDATION_MESSAGES: &[(&str, ErrorKind)] = &[
    ("missing the following permissions", ErrorKind::Denied),
    ("not authorized to perform", ErrorKind::Denied),
    ("doesn't exist", ErrorKind::NotFound),
    ("does not exist", ErrorKind::NotFound),
    ("no scalable target", ErrorKind::NotFound),
    ("new scalable target", ErrorKind::NotFound),
    ("not found", ErrorKind::NotFound),
];

/// Says what a failed call means. `sent` is whether the signed request was handed to the connection.
///
/// A write that AWS failed on its own side (5xx), or answered in a way that makes no sense, may have taken effect: for
/// `RegisterScalableTarget` that is [`ErrorKind::OutcomeUnknown`], never [`ErrorKind::Unavailable`].
pub(super) fn error<E>(operation: Operation, sent: bool, failed: &SdkError<E, HttpResponse>) -> EcsError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let (kind, code) = match failed {
        SdkError::ServiceError(refused) => {
            let (code, message) = (refused.err().code(), refused.err().message());
            let status = failed.raw_response().map_or(0, |raw| raw.status().as_u16());
            let code = code.map_or_else(|| format!("HTTP{status}"), str::to_owned);
            (kind(&code, message.unwrap_or_default(), status), code)
        }
        SdkError::ResponseError(answer) => without_sense(answer.raw()),
        unanswered => without_answer(sent, unanswered),
    };
    EcsError {
        operation,
        kind: for_operation(operation, kind),
        code: presentable(&code),
        message: presentable(&message(failed)),
        retry_after: failed.raw_response().and_then(retry_after),
    }
}

/// An error of our own about an answer that came but cannot be used.
pub(super) fn unusable(operation: Operation, code: &str, message: &str) -> EcsError {
    let (code, message) = (presentable(code), presentable(message));
    EcsError { operation, kind: ErrorKind::Unavailable, code, message, retry_after: None }
}

fn kind(code: &str, message: &str, status: u16) -> ErrorKind {
    if matches!(code, "ValidationException" | "ValidationError") {
        let message = message.to_lowercase();
        let said = VALIDATION_MESSAGES.iter().find(|(words, _)| message.contains(words));
        return said.map_or(ErrorKind::Invalid, |&(_, kind)| kind);
    }
    let listed = CODES.iter().find(|(listed, _)| *listed == code);
    listed.map_or_else(|| kind_of_status(status), |&(_, kind)| kind)
}

/// For an answer without a code that we know. A 404 is the wrong server, not a missing target: AWS would name a code.
fn kind_of_status(status: u16) -> ErrorKind {
    match status {
        429 => ErrorKind::Throttled,
        401 | 403 => ErrorKind::Denied,
        400 | 402 | 405..=407 | 409..=428 | 430..=499 => ErrorKind::Invalid,
        _ => ErrorKind::Unavailable,
    }
}

/// An answer that is not AWS's protocol, from a proxy perhaps: what its status says, unless that claims success.
fn without_sense(answer: &HttpResponse) -> (ErrorKind, String) {
    match answer.status().as_u16() {
        200..=299 => (ErrorKind::Unavailable, "UnusableAnswer".to_owned()),
        status => (kind_of_status(status), format!("HTTP{status}")),
    }
}

fn without_answer<E>(sent: bool, failed: &SdkError<E, HttpResponse>) -> (ErrorKind, String)
where
    E: Error + 'static,
{
    let (kind, code) = match (sent, failed) {
        (false, failed) if without_region(failed) => (ErrorKind::Unreachable, "NoRegion"),
        (_, SdkError::ConstructionFailure(_)) => (ErrorKind::Unreachable, "ConstructionFailure"),
        (false, failed) if chain(failed).any(|error| error.is::<NoPermit>()) => (ErrorKind::Unreachable, "LeaseLost"),
        (false, failed) if chain(failed).any(|error| error.is::<AssumeRoleError>()) => {
            (ErrorKind::Credentials, "RoleNotAssumed")
        }
        (false, failed) if chain(failed).any(|error| error.is::<SdkError<AssumeRoleError, HttpResponse>>()) => {
            (ErrorKind::Unreachable, "StsUnreachable")
        }
        (false, _) => (ErrorKind::Credentials, "NoCredentials"), // else signing is all that comes before sending
        (true, SdkError::TimeoutError(_)) => (ErrorKind::OutcomeUnknown, "Timeout"),
        (true, failed) if never_connected(failed) && without_tls(failed) => (ErrorKind::Unreachable, "TlsFailure"),
        (true, failed) if never_connected(failed) => (ErrorKind::Unreachable, "ConnectFailure"),
        (true, _) => (ErrorKind::OutcomeUnknown, "DispatchFailure"),
    };
    (kind, code.to_owned())
}

/// Whether it failed while connecting (name, address, TLS, connect timeout), so that no byte of the request left.
fn never_connected(failed: &(dyn Error + 'static)) -> bool {
    let connecting = |error: &(dyn Error + 'static)| {
        error.downcast_ref::<hyper_util::client::legacy::Error>().is_some_and(|error| error.is_connect())
    };
    chain(failed).any(connecting)
}

/// Whether it is TLS that failed: a certificate that is not trusted, or a server that speaks something else. What is
/// read while connecting is TLS's alone, and its verdict is that the data are not valid; it may be wrapped once more.
fn without_tls(failed: &(dyn Error + 'static)) -> bool {
    fn is_invalid(error: &io::Error) -> bool {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
        error.kind() == io::ErrorKind::InvalidData || inner.is_some_and(is_invalid)
    }
    chain(failed).filter_map(|error| error.downcast_ref()).any(is_invalid)
}

/// The SDK has no type for it. With an endpoint of the user's it is the signing that lacks it.
fn without_region(failed: &(dyn Error + 'static)) -> bool {
    let words = ["Missing Region", "missing signing region"];
    chain(failed).any(|error| words.iter().any(|words| error.to_string().contains(words)))
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

fn for_operation(operation: Operation, kind: ErrorKind) -> ErrorKind {
    match (operation, kind) {
        (Operation::RegisterScalableTarget, ErrorKind::Unavailable) => ErrorKind::OutcomeUnknown,
        (_, kind) => kind,
    }
}

fn message<E>(failed: &SdkError<E, HttpResponse>) -> String
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match failed {
        SdkError::ServiceError(refused) => refused.err().message().unwrap_or("(no message)").to_owned(),
        other => causes(other),
    }
}

/// The causes below the SDK's own words for the case, outermost first. What a credential process printed is left out: it
/// may be anything; and so is the list of the SDK's own parts that were asked for credentials in vain.
fn causes(failed: &(dyn Error + 'static)) -> String {
    let telling = chain(failed).skip(1).filter(|error| !error.is::<ConnectorError>());
    let causes = telling.map(ToString::to_string).collect::<Vec<_>>().join(": ");
    let causes = causes.split(" Stderr:").next().unwrap_or_default();
    causes.split(". Attempted:").next().unwrap_or_default().to_owned()
}

/// One line, without control characters, of bounded length.
///
/// Only the first line is kept: on a wrong signature AWS goes on to quote the request, session token and all.
fn presentable(text: &str) -> String {
    let line = text.trim().lines().next().unwrap_or_default();
    let plain = line.chars().map(|c| if c.is_control() { ' ' } else { c });
    let kept: String = plain.clone().take(MESSAGE_LIMIT).collect();
    if plain.count() > MESSAGE_LIMIT { kept + "…" } else { kept }
}

/// `Retry-After` in seconds; a date in it is not understood.
fn retry_after(answer: &HttpResponse) -> Option<Duration> {
    let seconds = answer.headers().get("retry-after")?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f6_f7_f10_codes_messages_and_statuses_have_their_kinds() {
        for (code, message, status, expected) in [
            ("ThrottlingException", "Rate exceeded", 400, ErrorKind::Throttled),
            ("RequestLimitExceeded", "", 503, ErrorKind::Throttled),
            ("HTTP429", "", 429, ErrorKind::Throttled),
            ("LimitExceededException", "", 400, ErrorKind::QuotaExceeded),
            ("ConcurrentUpdateException", "You already have a pending update", 400, ErrorKind::Conflict),
            ("AccessDeniedException", "", 400, ErrorKind::Denied),
            ("UnauthorizedOperation", "", 403, ErrorKind::Denied),
            ("ValidationException", "User is missing the following permissions: a:b", 400, ErrorKind::Denied),
            ("ExpiredTokenException", "", 400, ErrorKind::Credentials),
            ("UnrecognizedClientException", "", 400, ErrorKind::Credentials),
            ("ValidationException", "ECS service doesn't exist: service/a/b", 400, ErrorKind::NotFound),
            ("ValidationException", "No scalable target found for", 400, ErrorKind::NotFound),
            ("ValidationException", "required when registering a new scalable target", 400, ErrorKind::NotFound),
            ("ObjectNotFoundException", "", 400, ErrorKind::NotFound),
            ("ClusterNotFoundException", "", 400, ErrorKind::NotFound),
            ("ValidationException", "Maximum capacity cannot be less than minimum", 400, ErrorKind::Invalid),
            ("InvalidParameterException", "", 400, ErrorKind::Invalid),
            ("InternalServiceException", "", 500, ErrorKind::Unavailable),
            ("HTTP502", "", 502, ErrorKind::Unavailable),
            ("HTTP404", "", 404, ErrorKind::Unavailable),
            ("SomethingNew", "", 400, ErrorKind::Invalid),
            ("SomethingNew", "", 503, ErrorKind::Unavailable),
        ] {
            assert_eq!(kind(code, message, status), expected, "{code} {status}: {message}");
        }
    }

    #[test]
    fn no_code_stands_twice() {
        for (place, (code, _)) in CODES.iter().enumerate() {
            assert!(CODES[..place].iter().all(|(earlier, _)| earlier != code), "{code}");
        }
    }

    #[test]
    fn f5_a_write_that_aws_failed_may_have_taken_effect() {
        let register = Operation::RegisterScalableTarget;
        assert_eq!(for_operation(register, ErrorKind::Unavailable), ErrorKind::OutcomeUnknown);
        assert_eq!(for_operation(register, ErrorKind::Throttled), ErrorKind::Throttled);
        assert_eq!(for_operation(Operation::DescribeServices, ErrorKind::Unavailable), ErrorKind::Unavailable);
    }

    #[test]
    fn a_message_is_one_line_of_bounded_length_without_control_characters() {
        assert_eq!(presentable("a\u{1b}[31mb\tc"), "a [31mb c");
        assert_eq!(presentable(&"é".repeat(301)), "é".repeat(300) + "…");
        assert_eq!(presentable(&"é".repeat(300)), "é".repeat(300));
    }

    #[test]
    fn f4_what_a_credential_process_printed_is_dropped() {
        let printed = "the process exited with code 1. Stderr: SECRET";
        let cause = ConnectorError::other(printed.into(), None);
        let failed = SdkError::<std::convert::Infallible, HttpResponse>::dispatch_failure(cause);
        assert_eq!(causes(&failed), "the process exited with code 1.");
    }

    #[test]
    fn f4_the_quoted_request_of_a_wrong_signature_is_dropped() {
        let message = "The request signature does not match.\n\nThe Canonical String\nx-amz-security-token:SECRET";
        assert_eq!(presentable(message), "The request signature does not match.");
    }
}
