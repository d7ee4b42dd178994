//! What is looked at on the way of every single call: whether the request was handed on, AWS's `Date`, how long the
//! answer is and whether it is whole.
//!
//! The SDK fills in 0 and "" for what an answer lacks; a floor of 0 that nobody ever set must not be believed.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use aws_sdk_ecs::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeDeserializationInterceptorContextMut,
    BeforeTransmitInterceptorContextRef,
};
use aws_sdk_ecs::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_ecs::error::BoxError;
use aws_smithy_types::body::SdkBody;
use baseload_core::ecs::Operation;
use http_body_util::Limited;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use serde::Deserialize;

use super::permit::{NoPermit, Permit};

/// The longest answer that is read, in bytes: many times the largest that AWS gives.
const BODY_LIMIT: usize = 8 << 20;

/// One call under watch; clones share what was seen.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    operation: Operation,
    permit: Permit,
    sent: Arc<AtomicBool>,
    date: Arc<OnceLock<Timestamp>>,
}

impl Watch {
    pub(super) fn new(operation: Operation, permit: Permit) -> Self {
        Watch { operation, permit, sent: Arc::default(), date: Arc::default() }
    }

    /// Whether the signed request was handed to the connection.
    pub(super) fn sent(&self) -> bool {
        self.sent.load(Ordering::Relaxed)
    }

    /// AWS's clock as the answer told it, to the second.
    pub(super) fn date(&self) -> Option<Timestamp> {
        self.date.get().copied()
    }
}

impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "Watch"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // Here and no earlier: finding credentials takes time, and so does a process that is stopped.
        if self.operation == Operation::RegisterScalableTarget && !self.permit.holds() {
            return Err(NoPermit.into());
        }
        self.sent.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response_mut();
        if let Some(date) = response.headers().get("date").and_then(parse_date) {
            let _first_wins = self.date.set(date);
        }
        let body = response.take_body();
        *response.body_mut() = SdkBody::from_body_1_x(Limited::new(body, BODY_LIMIT));
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        match (context.output_or_error(), context.response().body().bytes()) {
            (Ok(_), Some(body)) => whole(self.operation, body),
            (Ok(_) | Err(_), _) => Ok(()),
        }
    }
}

fn parse_date(text: &str) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(text).ok()
}

/// Refuses an answer that lacks what the SDK would make up, or counts below zero.
fn whole(operation: Operation, body: &[u8]) -> Result<(), BoxError> {
    match operation {
        Operation::DescribeScalableTargets => readable::<ScalableTargets<'_>>(body),
        Operation::DescribeScalingPolicies => readable::<ScalingPolicies<'_>>(body),
        Operation::DescribeScheduledActions => readable::<ScheduledActions<'_>>(body),
        Operation::DescribeServices => readable::<Services<'_>>(body),
        Operation::RegisterScalableTarget | Operation::GetCallerIdentity => Ok(()),
    }
}

fn readable<'a, Answer: Deserialize<'a>>(body: &'a [u8]) -> Result<(), BoxError> {
    match serde_json::from_slice::<Answer>(body) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("the answer is not whole: {error}").into()),
    }
}

/// What answers must hold, each a list, and in each of its entries these texts and counts.
macro_rules! answers {
    ($case:literal: $($list:ident { $field:ident: [$entry:ident { $($text:ident),+; $($count:ident),* }] })+) => { $(
        #[derive(Deserialize)]
        #[serde(rename_all = $case)]
        #[expect(dead_code, reason = "that it can be read is all")]
        struct $list<'a> {
            #[serde(borrow)]
            $field: Vec<$entry<'a>>,
        }

        #[derive(Deserialize)]
        #[serde(rename_all = $case)]
        #[expect(dead_code, reason = "that it can be read is all")]
        struct $entry<'a> {
            $(#[serde(borrow)] $text: Cow<'a, str>,)+
            $($count: u64,)*
        }
    )+ };
}

answers! { "PascalCase":
    ScalableTargets { scalable_targets: [ScalableTarget { resource_id, scalable_dimension; min_capacity, max_capacity }] }
    ScalingPolicies { scaling_policies: [ScalingPolicy { resource_id, policy_name; }] }
    ScheduledActions { scheduled_actions: [ScheduledAction { resource_id, scheduled_action_name; }] }
}
answers! { "camelCase":
    Services { services: [Service { service_name, status; desired_count, running_count, pending_count }] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(operation: Operation, body: &str) -> Option<String> {
        whole(operation, body.as_bytes()).err().map(|error| error.to_string())
    }

    #[test]
    fn f3_a_missing_null_or_negative_count_is_refused() {
        for (max, complains) in [
            ("", true),
            (r#","MaxCapacity":null"#, true),
            (r#","MaxCapacity":-1"#, true),
            (r#","MaxCapacity":0"#, false),
        ] {
            let entry = format!(r#"{{"ResourceId":"a","ScalableDimension":"b","MinCapacity":1{max}}}"#);
            let body = format!(r#"{{"ScalableTargets":[{entry}]}}"#);
            assert_eq!(complaint(Operation::DescribeScalableTargets, &body).is_some(), complains, "{body}");
        }
    }

    #[test]
    fn f3_an_answer_without_its_list_says_nothing_of_what_is_not_there() {
        let said = complaint(Operation::DescribeServices, "{}");
        assert_eq!(said.as_deref(), Some("the answer is not whole: missing field `services` at line 1 column 2"));
    }

    #[test]
    fn f21_the_date_of_an_answer_is_read_as_http_writes_it() {
        let expected: Timestamp = "2026-11-21T04:47:53Z".parse().expect("an instant");
        assert_eq!(parse_date("Sat, 21 Nov 2026 04:47:53 GMT"), Some(expected));
        assert_eq!(parse_date("yesterday"), None);
    }
}
