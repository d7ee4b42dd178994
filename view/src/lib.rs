//! What people and programs are shown of a snapshot. Pure, as the core is: a snapshot comes in, text comes out.
//!
//! - [`page`]: the status pages.
//! - [`metrics`]: what a scrape reads, and the table of all metrics.
//!
//! A crate of its own because thousands of rows are rendered while the loop waits for the processor: this is compiled for
//! speed, and the rest for size.

pub mod metrics;
pub mod page;
