//! Keeps the capacity floors of ECS services at what a timetable says.

#[cfg_attr(not(test), expect(dead_code, reason = "`run --simulate` is what starts it"))]
mod simulator;

fn main() {}
