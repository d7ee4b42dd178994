//! The binary as its users meet it: what it prints and how it ends, against moto, and against its own simulated ECS.
//!
//! One test program, so that all tests share one moto: each has a region of its own there ([`account`]).

#[path = "../support/mod.rs"]
mod support;

mod account;
mod baseload;
mod controller;
mod folder;
mod http;
mod repository;
mod tap;
mod wait;

mod allow_target;
mod diff;
mod docs;
mod doctor;
mod git_source;
mod git_ssh;
mod native;
mod plan_apply;
mod run;
mod s3_source;
mod schedules;
mod seen;
mod simulate;
mod standby;
