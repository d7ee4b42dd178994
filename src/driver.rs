//! The loop: waits, asks the controller, carries out what it wants, and tells what it says. There is no other.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use baseload_core::controller::{Chore, Controller, Effect, Event, Refusal, Revision, panic_message};
use baseload_core::ecs::{EcsError, ErrorKind, Observation, Operation};
use baseload_core::status::Status;
use baseload_core::timetable::Schedules;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{mpsc, oneshot, watch};

use crate::aws::Accounts;
use crate::clock::{Clock, monotonic};
use crate::loader::Loader;
use crate::log::Teller;
use crate::metrics::Metrics;
use crate::metrics::emf::Emf;
use crate::output;
use crate::output::Progress;

/// Someone waits for a reload that begins after this request; the answer is the diagnostics where it fails.
pub(crate) type ReloadRequest = oneshot::Sender<Result<(), String>>;

/// How long writes that are under way may take once a stop was asked for.
const STOP: Duration = Duration::from_secs(10);

/// The shortest time between two snapshots: what changes faster is seen in the next.
const SNAPSHOT: Duration = Duration::from_millis(100);

/// The longest time between two snapshots, so that their age says something.
const SNAPSHOT_AT_REST: Duration = Duration::from_secs(5);

/// When the loop last came around, for the liveness probe. Real time, whatever clock the controller runs by.
#[derive(Clone, Debug)]
pub(crate) struct Heartbeat {
    started: Instant,
    last: Arc<AtomicU64>,
}

impl Heartbeat {
    pub(crate) fn new() -> Self {
        Heartbeat { started: monotonic(), last: Arc::default() }
    }

    fn beat(&self) {
        let age = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(age, Ordering::Relaxed);
    }

    /// How long ago the loop last came around.
    pub(crate) fn age(&self) -> Duration {
        self.started.elapsed().saturating_sub(Duration::from_millis(self.last.load(Ordering::Relaxed)))
    }
}

/// What the loop needs of the world.
pub(crate) struct Driver {
    controller: Controller,
    hands: Hands,
    events: UnboundedReceiver<Event>,
    reloads: mpsc::Receiver<ReloadRequest>,
    /// Those whose reload has not begun, and those whose reload is under way.
    waiting: Vec<ReloadRequest>,
    served: Vec<ReloadRequest>,
    status: watch::Sender<Arc<Status>>,
    schedules: watch::Sender<Arc<Schedules>>,
    published: Instant,
    heartbeat: Heartbeat,
    before_taking_over: Option<BeforeTakingOver>,
    teller: Teller,
    metrics: Arc<Metrics>,
    /// `None`: CloudWatch is told nothing.
    emf: Option<Emf>,
    /// The last second whose tick came.
    ticked: i64,
}

/// Sees each new configuration before the controller does.
pub(crate) type BeforeTakingOver = Arc<dyn Fn(&Schedules) + Send + Sync>;

/// What carries effects out.
struct Hands {
    clock: Clock,
    aws: Arc<Accounts>,
    /// `None`: the configuration stays as it is.
    loader: Option<Arc<Mutex<Loader>>>,
    events: UnboundedSender<Event>,
}

/// The ends of the loop's channels that others hold.
pub(crate) struct Ends {
    /// For chores and the first revision.
    pub(crate) events: UnboundedSender<Event>,
    /// For those who ask for a reload.
    pub(crate) reloads: mpsc::Sender<ReloadRequest>,
    /// The last snapshot.
    pub(crate) status: watch::Receiver<Arc<Status>>,
    /// The schedules in force, for pictures of what is to come.
    pub(crate) schedules: watch::Receiver<Arc<Schedules>>,
    /// For the liveness probe.
    pub(crate) heartbeat: Heartbeat,
}

impl Driver {
    /// Connects a controller to the world.
    pub(crate) fn new(
        mut controller: Controller,
        clock: Clock,
        aws: Accounts,
        loader: Loader,
        before_taking_over: Option<BeforeTakingOver>,
        metrics: Arc<Metrics>,
    ) -> (Driver, Ends) {
        let (events_in, events) = unbounded_channel();
        let (reloads_in, reloads) = mpsc::channel(16);
        let (status, snapshots) = watch::channel(Arc::new(controller.status(clock.now())));
        let (schedules, timetables) = watch::channel(controller.schedules().cloned().unwrap_or_default());
        let heartbeat = Heartbeat::new();
        let ends = Ends {
            events: events_in.clone(),
            reloads: reloads_in,
            status: snapshots,
            schedules: timetables,
            heartbeat: heartbeat.clone(),
        };
        let hands = Hands { clock, aws: Arc::new(aws), loader: Some(Arc::new(Mutex::new(loader))), events: events_in };
        let (waiting, served) = (Vec::new(), Vec::new());
        let published = monotonic();
        let driver = Driver {
            controller,
            hands,
            events,
            reloads,
            waiting,
            served,
            status,
            schedules,
            published,
            heartbeat,
            before_taking_over,
            teller: Teller::default(),
            metrics,
            emf: None,
            ticked: clock.now().as_second(),
        };
        (driver, ends)
    }

    /// The same, telling CloudWatch of the fleet.
    pub(crate) fn telling(self, emf: Emf) -> Driver {
        Driver { emf: Some(emf), ..self }
    }

    /// Runs until `stop` is ready and what is under way has come back, or the time for that is over.
    pub(crate) async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut stopping: Option<Instant> = None;
        loop {
            self.turn();
            let deadline = match stopping {
                Some(_) if self.controller.writes_in_flight() == 0 => break,
                Some(since) if since.elapsed() >= STOP => break,
                Some(_) => SNAPSHOT,
                None => Duration::MAX,
            };
            let now = self.hands.clock.now();
            let unpublished = if self.controller.has_changed() { SNAPSHOT } else { Duration::MAX };
            let nap = self.hands.clock.until(self.controller.wake_at(now)).min(deadline).min(unpublished);
            tokio::select! {
                Some(event) = self.events.recv() => self.take(event),
                Some(request) = self.reloads.recv() => self.reload(request),
                () = &mut stop, if stopping.is_none() => {
                    stopping = Some(monotonic());
                    self.controller.handle(now, Event::Shutdown);
                }
                () = tokio::time::sleep(nap) => {}
            }
        }
        self.publish();
    }

    /// One turn: the instant is read once, so that nothing within it can disagree.
    fn turn(&mut self) {
        let began = monotonic();
        let now = self.hands.clock.now();
        self.controller.tick(now);
        self.note_tick(now);
        while let Some(effect) = self.controller.poll(now) {
            if effect == Effect::Load {
                self.served.append(&mut self.waiting);
            }
            self.hands.carry_out(effect);
        }
        self.heartbeat.beat();
        self.metrics.turn(began.elapsed());
        let facts = self.controller.drain_facts();
        self.teller.tell_all(&facts);
        facts.iter().for_each(|fact| self.metrics.record(fact));
        let age = self.published.elapsed();
        if age >= SNAPSHOT_AT_REST || (self.controller.has_changed() && age >= SNAPSHOT) {
            self.publish();
        }
    }

    /// The first turn in a second is its tick; how late it comes is how late a boundary would be.
    fn note_tick(&mut self, now: Timestamp) {
        if now.as_second() > self.ticked {
            self.metrics.tick(Duration::from_nanos(u64::from(now.subsec_nanosecond().unsigned_abs())));
        }
        self.ticked = now.as_second();
    }

    /// Takes in an event and all that arrived with it.
    fn take(&mut self, event: Event) {
        let now = self.hands.clock.now();
        let mut next = Some(event);
        while let Some(event) = next {
            let loaded = match &event {
                Event::Loaded(outcome) => Some(outcome.as_ref().map(|_| ()).map_err(|refusal| refusal.reason.clone())),
                _ => None,
            };
            if let (Some(look), Event::Loaded(Ok(Some(revision)))) = (&self.before_taking_over, &event) {
                look(&revision.schedules);
            }
            self.controller.handle(now, event);
            if let Some(outcome) = loaded {
                self.answer_reloads(&outcome);
            }
            next = self.events.try_recv().ok();
        }
    }

    fn reload(&mut self, request: ReloadRequest) {
        self.waiting.push(request);
        self.controller.handle(self.hands.clock.now(), Event::Due(Chore::Load));
    }

    fn answer_reloads(&mut self, outcome: &Result<(), String>) {
        if self.served.is_empty() {
            return;
        }
        self.turn(); // whoever asks for the status next sees the revision that the answer speaks of
        self.publish();
        for request in self.served.drain(..) {
            let _ = request.send(outcome.clone()); // who no longer waits needs no answer
        }
    }

    fn publish(&mut self) {
        self.published = monotonic();
        let now = self.hands.clock.now();
        let status = Arc::new(self.controller.status(now));
        self.metrics.note(&status, self.controller.schedules().map(|schedules| &**schedules));
        if let Some(line) = self.emf.as_mut().and_then(|emf| emf.line(&status, &self.metrics)) {
            let _ = output::result(&line); // as for the log: nothing can be done where nobody takes it
        }
        if let Some(in_force) = self.controller.schedules() {
            let is_new = |known: &Arc<Schedules>| !Arc::ptr_eq(known, in_force);
            self.schedules.send_if_modified(|known| is_new(known).then(|| *known = Arc::clone(in_force)).is_some());
        }
        self.status.send_replace(status);
    }
}

impl Hands {
    /// Starts what is to be done; its end comes back as an event.
    fn carry_out(&self, effect: Effect) {
        let (clock, accounts, loader, events) =
            (self.clock, self.aws.clone(), self.loader.clone(), self.events.clone());
        let asked = clock.now();
        let work: BoxFuture<'static, (Event, Option<SignedDuration>)> = match effect.clone() {
            Effect::Load => Box::pin(async move {
                let loaded = tokio::task::spawn_blocking(move || poll(loader, clock)).await;
                (Event::Loaded(loaded.unwrap_or_else(|panic| resume_unwind(panic.into_panic()))), None)
            }),
            Effect::Observe { site, query } => Box::pin(async move {
                let aws = accounts.at(&site).await;
                let observation = aws.observe(&query).await;
                (Event::Observed { asked, site, query, observation }, aws.take_clock_ahead())
            }),
            Effect::Apply(action) => Box::pin(async move {
                let aws = accounts.at(&action.target.site).await;
                let outcome = aws.apply(&action).await;
                (Event::Applied { action, outcome }, aws.take_clock_ahead())
            }),
        };
        tokio::spawn(async move {
            let done = AssertUnwindSafe(work).catch_unwind().await; // nothing of it is used again after a panic
            let (event, ahead) =
                done.unwrap_or_else(|panic| (broken_off(effect, asked, &panic_message(&*panic)), None));
            if let Some(ahead) = ahead.filter(|_| clock.is_running()) {
                let _ = events.send(Event::ClockCompared { ahead }); // before the answer that is judged by it
            }
            let _ = events.send(event); // nobody listens any more once the controller has stopped
        });
    }
}

fn poll(loader: Option<Arc<Mutex<Loader>>>, clock: Clock) -> Result<Option<Revision>, Refusal> {
    match loader {
        None => Ok(None),
        Some(loader) => {
            let polled = loader.lock().unwrap_or_else(PoisonError::into_inner).poll(clock.now());
            polled.map_err(|rejection| rejection.refusal())
        }
    }
}

/// A task that panicked answers too: nothing may wait for it for ever.
fn broken_off(effect: Effect, asked: Timestamp, panic: &str) -> Event {
    let error = |operation, kind| EcsError {
        operation,
        kind,
        code: "InternalError".to_owned(),
        message: format!("a panic: {panic}"),
        retry_after: None,
    };
    match effect {
        Effect::Load => Event::Loaded(Err(Refusal {
            reason: format!("reading the schedules broke off: a panic: {panic}"),
            held: false,
        })),
        Effect::Apply(action) => {
            let outcome = Err(error(Operation::RegisterScalableTarget, ErrorKind::OutcomeUnknown));
            Event::Applied { action, outcome }
        }
        Effect::Observe { site, query } => {
            let failure = |operation| error(operation, ErrorKind::Unavailable);
            let observation = Observation::failed(&query, failure);
            Event::Observed { asked, site, query, observation }
        }
    }
}

/// How far [`once`] goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// Everything was asked once.
    Observed,
    /// Everything that is due was accepted, or will not be.
    Applied,
}

/// Drives a controller that has its configuration until the goal is reached; false: `timeout` came first.
pub(crate) async fn once(
    controller: &mut Controller,
    clock: Clock,
    aws: &Accounts,
    goal: Goal,
    timeout: Duration,
) -> bool {
    let (events_in, mut events) = unbounded_channel();
    let hands = Hands { clock, aws: Arc::new(aws.clone()), loader: None, events: events_in };
    let started = monotonic();
    let mut progress = Progress::begin();
    loop {
        let now = clock.now();
        controller.tick(now);
        while let Some(effect) = controller.poll(now) {
            hands.carry_out(effect);
        }
        progress.show(|| how_far(goal, controller));
        if is_reached(goal, controller) {
            return true;
        }
        let left = timeout.saturating_sub(started.elapsed());
        if left.is_zero() {
            return false;
        }
        let nap = clock.until(controller.wake_at(now)).min(left);
        tokio::select! {
            Some(event) = events.recv() => controller.handle(clock.now(), event),
            () = tokio::time::sleep(nap) => {}
        }
        while let Ok(event) = events.try_recv() {
            controller.handle(clock.now(), event);
        }
    }
}

fn how_far(goal: Goal, controller: &Controller) -> String {
    let all = controller.standings().count();
    match goal {
        Goal::Observed => format!("asking AWS: {} of {all} targets answered", controller.asked()),
        Goal::Applied => {
            let left = controller.standings().filter(|standing| standing.verdict.action().is_some()).count();
            format!("writing: {left} of {all} targets to go")
        }
    }
}

fn is_reached(goal: Goal, controller: &Controller) -> bool {
    match goal {
        Goal::Observed => controller.is_ready() && !controller.has_questions(),
        Goal::Applied => controller.is_ready() && !controller.has_questions() && !controller.has_writes(),
    }
}

#[cfg(test)]
mod tests {
    use baseload_core::ecs::{Action, Query};
    use baseload_core::model::{Site, TargetId};

    use super::*;
    use crate::aws::{AwsConfig, Patience, Permit, Roles};

    /// Where nobody listens, and whoever is told of a call panics.
    async fn hands(events: UnboundedSender<Event>) -> Hands {
        let config = AwsConfig {
            stand_in: Some("http://127.0.0.1:1".to_owned()),
            patience: Patience::default(),
            clock: Clock::System,
            on_call: Arc::new(|_| panic!("it slipped")),
            permit: Permit::unlimited(),
        };
        let aws = Arc::new(Accounts::connect(config, Roles::new()).await);
        Hands { clock: Clock::System, aws, loader: None, events }
    }

    #[tokio::test]
    async fn what_panicked_on_its_way_answers_too() {
        let (events_in, mut events) = unbounded_channel();
        let (hands, target) = (hands(events_in).await, TargetId::new("shop", "web"));

        hands.carry_out(Effect::Apply(Action { target: target.clone(), min: Some(3), max: None }));
        let Some(Event::Applied { outcome: Err(error), .. }) = events.recv().await else { panic!("not of the write") };
        assert_eq!((error.kind, &*error.message), (ErrorKind::OutcomeUnknown, "a panic: it slipped"));

        hands.carry_out(Effect::Observe { site: Site::HOME, query: Query::Targets(vec![target.clone()]) });
        let answer = events.recv().await;
        let Some(Event::Observed { observation: Observation::Targets(answer), .. }) = answer else {
            panic!("{answer:?}")
        };
        assert_eq!(answer.failed[0].targets.as_deref(), Some(&[target][..]));
        assert_eq!(answer.failed[0].error.kind, ErrorKind::Unavailable);
    }
}
