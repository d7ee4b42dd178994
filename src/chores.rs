//! The recurring chores: they wake the controller and decide nothing.
//!
//! The scheduler goes by the wall clock, and loses a job for good where the clock leaps, or the process stands still, over
//! more than one of its times. So the monotonic clock stands by: a chore that is overdue on it is done all the same.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use baseload_core::controller::{Chore, Event, GLANCE};
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;
use tokio_cron_scheduler::{Job, JobScheduler};

use crate::clock::Clock;

/// How often it is seen who else decides over the targets.
const SURVEY: Duration = Duration::from_secs(3600);

/// How often files are looked at. That costs one look at each file's size and time.
const LOOK: Duration = Duration::from_secs(1);

/// How much later than its time a chore may come: the scheduler reckons in whole seconds and looks twice in each.
const GRACE: Duration = Duration::from_secs(2);

/// How often the recurring chores recur.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Every target is looked at.
    pub(crate) resync: Duration,
    /// Remote sources are asked; `None`: there are none, and files are looked at every second.
    pub(crate) poll: Option<Duration>,
}

/// A recurring wake-up.
#[derive(Clone, Copy, Debug)]
struct Recurring {
    chore: Chore,
    every: Duration,
    /// Each time comes later by up to this much, so that many controllers do not ask one server at once.
    jitter: Duration,
}

/// Starts every chore; they end with the process.
///
/// # Errors
/// Says that the scheduler could not be started.
pub(crate) async fn start(clock: Clock, pace: Pace, events: &UnboundedSender<Event>) -> Result<()> {
    let glance = Duration::try_from(GLANCE).context("a glance lasts a positive time")?;
    let plain = |chore, every| Recurring { chore, every, jitter: Duration::ZERO };
    let load = match pace.poll {
        Some(every) => Recurring { chore: Chore::Load, every, jitter: every / 10 },
        None => plain(Chore::Load, LOOK),
    };
    let chores = [plain(Chore::Resync, pace.resync), plain(Chore::Glance, glance), plain(Chore::Survey, SURVEY), load];
    match clock {
        Clock::System => schedule(&chores, events).await.context("the scheduler of recurring chores did not start"),
        Clock::Scaled { .. } | Clock::Fixed(_) => {
            for Recurring { chore, every, .. } in chores {
                repeat(chore, if chore == Chore::Load { every } else { clock.real(every) }, events.clone());
            }
            Ok(())
        }
    }
}

async fn schedule(chores: &[Recurring], events: &UnboundedSender<Event>) -> Result<()> {
    let scheduler = JobScheduler::new().await?;
    for &Recurring { chore, every, jitter } in chores {
        let fired = Arc::new(Notify::new());
        tokio::spawn(pass_on(chore, every + jitter + GRACE, Arc::clone(&fired), events.clone()));
        let job = Job::new_repeated_async(every, move |_, _| {
            let (fired, delay) = (Arc::clone(&fired), jitter.mul_f64(fastrand::f64()));
            Box::pin(async move {
                tokio::time::sleep(delay).await;
                fired.notify_one();
            })
        })?;
        scheduler.add(job).await?;
    }
    scheduler.start().await?;
    Ok(())
}

/// Wakes the controller whenever the scheduler says so, and after `patience` also where it says nothing.
async fn pass_on(chore: Chore, patience: Duration, fired: Arc<Notify>, events: UnboundedSender<Event>) {
    loop {
        if tokio::time::timeout(patience, fired.notified()).await.is_err() {
            tracing::debug!(?chore, "overdue: the scheduler lost it to a leap of the clock or a pause of the process");
        }
        if events.send(Event::Due(chore)).is_err() {
            return; // nobody listens any more once the controller has stopped
        }
    }
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
