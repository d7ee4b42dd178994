//! The pure core of Baseload: no clock, no network, no files, no log.
//!
//! The pipeline, each module using only those before it:
//!
//! - [`model`], [`diagnostic`], [`ecs`]: the nouns, a finding about a file, and what crosses the port to AWS.
//! - [`cron`], [`calendar`], [`timetable`]: which floor is declared at an instant, until when, and why.
//! - [`spec`]: files become [`timetable::Schedules`], or all their diagnostics.
//! - [`compare`]: how two revisions differ; [`guard`]: whether one takes away too much at once.
//! - [`native`]: AWS's own scheduled actions: what they would do, and the way from them to schedules and back.
//! - [`plan`]: declared against seen becomes a verdict.
//! - [`lease`]: which of several replicas may write.
//! - [`status`]: what a target's state is called, for people and machines.
//! - [`ledger`]: what the floors cost and save, added up from snapshot to snapshot.
//! - [`controller`]: events in, effects and facts out; `now` is an argument.
//! - [`sim`]: a simulated ECS that is a function of its seed, its calls and the time.
//! - [`render`]: timetables and explanations as text and JSON.

pub mod model;

pub mod diagnostic;

pub mod ecs;

pub mod cron;

pub mod calendar;

pub mod timetable;

pub mod spec;

pub mod compare;

pub mod guard;

pub mod native;

pub mod plan;

pub mod lease;

pub mod status;

pub mod ledger;

pub mod controller;

pub mod sim;

pub mod render;
