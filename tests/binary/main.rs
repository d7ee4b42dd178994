//! The binary as its users meet it: what it prints and how it ends, against moto, and against its own simulated ECS.
//!
//! One test program, so that all tests share one moto: each has a region of its own there ([`account`]).

#[path = "../support/mod.rs"]
mod support;

mod account;
mod baseload;
mod controller;
mod ecs;
mod folder;
mod http;
mod line;
mod repository;
mod tap;
mod tls;
mod wait;

mod accounts;
mod allow_target;
mod canary;
mod crowd;
mod diff;
mod docs;
mod doctor;
mod faults;
mod git_source;
mod git_ssh;
mod hostile;
mod native;
mod plan_apply;
mod process_faults;
mod reliability;
mod run;
mod s3_signed;
mod s3_source;
mod schedules;
mod seen;
mod simulate;
mod soak;
mod standby;
