//! The lease: its table, and what the role may do there.

use baseload_core::lease::{Answer, Request};

use super::check::Check;
use crate::lease::{Place, Table};

/// Reads the lease, and tries a write that cannot happen.
pub(super) async fn check(place: Place) -> Check {
    const NAME: &str = "lease";
    const REMEDY: &str = "mend that; docs/how-to/standby.md shows the table and the permissions";
    let table = Table::connect(place).await;
    let holder = match table.ask(Request::Read).await {
        Answer::Failed(error) => return Check::fail(NAME, error, REMEDY),
        Answer::Found(record) => record.map(|record| record.owner).filter(|owner| !owner.is_empty()),
        Answer::Written => None,
    };
    match (table.try_writing().await, holder) {
        (Err(error), _) => Check::fail(NAME, error, REMEDY),
        (Ok(()), Some(holder)) => Check::ok(NAME, format!("{} can be taken; {holder} had it last", table.place())),
        (Ok(()), None) => Check::ok(NAME, format!("{} can be taken", table.place())),
    }
}
