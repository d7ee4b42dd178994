//! Baseload keeps the capacity floors of Amazon ECS services at what a timetable says.

#[expect(dead_code, reason = "nothing calls the adapter yet")]
mod aws;

fn main() {}
