//! Keeps a lease: sends what the state machine asks for, limits writing to what it allows, and tells the loop.

mod table;

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use baseload_core::controller::Event;
use baseload_core::lease::{ANSWER, Answer, Lease, Request, Standing};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) use self::table::Table;
use crate::aws::Permit;

/// How long giving the lease back may take at the end.
const FAREWELL: Duration = Duration::from_secs(3);

/// Where a lease's record lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The table's name.
    pub(crate) table: String,
    /// The record's key.
    pub(crate) key: String,
}

impl Place {
    /// What `dynamodb://TABLE/KEY` names.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(url: &str) -> Result<Place> {
        let rest = url.strip_prefix("dynamodb://").context("a lease is named by dynamodb://TABLE/KEY")?;
        let (table, key) = rest.split_once('/').context("the key is missing: dynamodb://TABLE/KEY")?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        ensure!((3..=255).contains(&table.len()) && table.chars().all(is_name), "{table:?} is no table's name");
        let is_key = |c: char| c.is_ascii_graphic();
        ensure!((1..=255).contains(&key.len()) && key.chars().all(is_key), "{key:?} is no key: 1 to 255 characters");
        Ok(Place { table: table.to_owned(), key: key.to_owned() })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dynamodb://{}/{}", self.table, self.key)
    }
}

/// A lease that is being kept in a task of its own.
pub(crate) struct Kept {
    end: oneshot::Sender<()>,
    keeping: JoinHandle<()>,
}

impl Kept {
    /// Gives the lease back, so that another replica goes on at once. To be called when no write is under way any more.
    pub(crate) async fn give_back(self) {
        let _ = self.end.send(());
        let _ = tokio::time::timeout(FAREWELL, self.keeping).await; // else it runs out by itself
    }
}

/// Begins to keep a lease: `permit` follows it, and so do the events.
pub(crate) fn keep(table: Table, permit: Permit, events: UnboundedSender<Event>) -> Kept {
    let (end, ended) = oneshot::channel();
    let lease = Lease::new(own_name(), fastrand::f64());
    let keeper = Keeper { lease, table, permit, events, told: Standing::default() };
    Kept { end, keeping: tokio::spawn(keeper.run(ended)) }
}

/// A name that no other process ever has, and that says where to look: the machine's, and a number by chance.
fn own_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || "-.".contains(*c)).take(100).collect();
    format!("{name}-{:016x}", fastrand::u64(..))
}

struct Keeper {
    lease: Lease,
    table: Table,
    permit: Permit,
    events: UnboundedSender<Event>,
    told: Standing,
}

impl Keeper {
    async fn run(mut self, mut ended: oneshot::Receiver<()>) {
        let mut asking: Option<Pin<Box<dyn Future<Output = Answer> + Send>>> = None;
        loop {
            if asking.is_none() {
                asking = self.lease.poll(self.permit.age()).map(|request| self.table.asked(request));
            }
            let nap = self.lease.wake_at(self.permit.age()).saturating_sub(self.permit.age());
            tokio::select! {
                answer = async { asking.as_mut().expect("it is asking").await }, if asking.is_some() => {
                    asking = None;
                    self.lease.answered(self.permit.age(), answer);
                }
                () = tokio::time::sleep(nap) => {}
                _ = &mut ended => break,
            }
            self.tell();
        }
        if let Some(asking) = asking {
            self.lease.answered(self.permit.age(), asking.await);
        }
        self.give_back().await;
    }

    /// What was found instead of our record may be our record still, by a write whose answer was lost.
    async fn give_back(&mut self) {
        for _ in 0..2 {
            let Some(request) = self.lease.release(self.permit.age()) else { break };
            self.permit.extend(None);
            let answer = self.table.asked(request).await;
            self.lease.answered(self.permit.age(), answer);
        }
        self.permit.extend(None);
    }

    fn tell(&mut self) {
        self.permit.extend(self.lease.may_write_until());
        let standing = self.lease.standing(self.permit.age());
        if standing != self.told {
            self.told = standing.clone();
            let _ = self.events.send(Event::Lease(standing)); // nobody listens any more once the controller has stopped
        }
    }
}

impl Table {
    /// The answer in good time, whatever the network does.
    fn asked(&self, request: Request) -> Pin<Box<dyn Future<Output = Answer> + Send>> {
        let table = self.clone();
        Box::pin(async move {
            let answer = tokio::time::timeout(ANSWER, table.ask(request)).await;
            let silence = || format!("{} did not answer within {} s", table.place(), ANSWER.as_secs());
            answer.unwrap_or_else(|_| Answer::Failed(silence()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_table_and_a_key() {
        let place = Place::parse("dynamodb://baseload-lease/prod/eu").unwrap();
        assert_eq!((place.table.as_str(), place.key.as_str()), ("baseload-lease", "prod/eu"));
        assert_eq!(place.to_string(), "dynamodb://baseload-lease/prod/eu");
        for url in ["s3://a/b", "dynamodb://table", "dynamodb://table/", "dynamodb://t/k", "dynamodb://a b c/k"] {
            assert!(Place::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn no_two_processes_have_one_name() {
        assert_ne!(own_name(), own_name());
    }
}
