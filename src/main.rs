//! Scheduled capacity floors for Amazon ECS services.

#![expect(dead_code, reason = "nothing drives these parts yet")]

mod http;
mod log;
mod metrics;

fn main() {}
