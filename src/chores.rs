//! The recurring chores: they wake the controller and decide nothing.

use std::time::Duration;

use anyhow::{Context, Result};
use baseload_core::controller::{Chore, Event, GLANCE};
use tokio::sync::mpsc::UnboundedSender;
use tokio_cron_scheduler::{Job, JobScheduler};

use crate::clock::Clock;

/// How often it is seen who else decides over the targets.
const SURVEY: Duration = Duration::from_secs(3600);

/// How often the source is looked at. On local files that costs one look at each file's size and time.
const LOAD: Duration = Duration::from_secs(1);

/// Starts every chore; they end with the process.
///
/// # Errors
/// Says that the scheduler could not be started.
pub(crate) async fn start(clock: Clock, resync: Duration, events: &UnboundedSender<Event>) -> Result<()> {
    let glance = Duration::try_from(GLANCE).context("a glance lasts a positive time")?;
    let chores = [(Chore::Resync, resync), (Chore::Glance, glance), (Chore::Survey, SURVEY), (Chore::Load, LOAD)];
    match clock {
        Clock::System => schedule(&chores, events).await.context("the scheduler of recurring chores did not start"),
        Clock::Scaled { .. } | Clock::Fixed(_) => {
            for (chore, every) in chores {
                repeat(chore, if chore == Chore::Load { every } else { clock.real(every) }, events.clone());
            }
            Ok(())
        }
    }
}

async fn schedule(chores: &[(Chore, Duration)], events: &UnboundedSender<Event>) -> Result<()> {
    let scheduler = JobScheduler::new().await?;
    for &(chore, every) in chores {
        let events = events.clone();
        let job = Job::new_repeated(every, move |_, _| {
            let _ = events.send(Event::Due(chore)); // nobody listens any more once the controller has stopped
        })?;
        scheduler.add(job).await?;
    }
    scheduler.start().await?;
    Ok(())
}

/// The scheduler looks at its jobs twice a second, too rarely for a clock that runs faster than the wall's.
fn repeat(chore: Chore, every: Duration, events: UnboundedSender<Event>) {
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(every.max(Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        ticks.tick().await; // the first comes at once, and start-up has done it all
        while events.send(Event::Due(chore)).is_ok() {
            ticks.tick().await;
        }
    });
}
