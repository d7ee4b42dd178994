//! `run`: the controller.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use baseload_core::controller::{Chore, Controller, Event, Revision, Settings};
#[cfg(feature = "lease")]
use baseload_core::lease::Standing;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Exit, refuse};
use crate::aws::{Accounts, AwsConfig, Patience, Permit, Roles};
use crate::cli::RunArgs;
use crate::clock::Clock;
use crate::driver::{Driver, Ends};
use crate::http::{self, About, Sources};
#[cfg(feature = "lease")]
use crate::lease::{self, Table};
use crate::loader::{Cause, Loader, Rejection};
use crate::metrics::emf::Emf;
use crate::metrics::{Detail, Metrics};
use crate::simulation::Simulation;
use crate::{about, chores, log};

/// Runs until it is told to stop.
///
/// # Errors
/// What keeps it from running: the port is in use, the simulator cannot listen.
pub(super) async fn run(args: RunArgs) -> Result<Exit> {
    let clock = if args.simulate { Clock::scaled(args.speed) } else { Clock::System };
    log::init(args.log_format, clock.teller())?;
    let zones = about::zones()?;
    let roles = if args.simulate { Roles::new() } else { args.source.limits.accounts.roles()? };
    let mut loader = args
        .source
        .loader(|warning| tracing::warn!("{warning}"))?
        .keeping_state(args.state_dir)
        .guarded(args.guard.shrink_guard);
    let first = match first_reading(&mut loader, clock)? {
        Ok(revision) => Ok(revision),
        // A remote source may be back sooner than we would be.
        Err(rejection) if rejection.cause() == Cause::Unreachable && !args.simulate => Err(rejection),
        Err(rejection) => return Ok(refuse(&rejection)),
    };

    // The port comes before the first write: whoever cannot be watched does not begin.
    let address = args.listen.unwrap_or_else(|| default_address(args.simulate));
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}: is another controller running? choose with --listen"))?;
    let simulation = match &first {
        Ok(first) if args.simulate => Some(Simulation::start(args.simulate_listen, &first.schedules, clock).await?),
        _ => None,
    };
    let detail = if args.metrics_per_target { Detail::Targets } else { Detail::Fleet };
    let metrics = Metrics::new(about::VERSION, zones.version()).showing(detail).resynced_every(args.resync);
    let metrics = Arc::new(metrics);
    #[cfg(feature = "lease")]
    let place = args.lease.lease.filter(|_| !args.dry_run && !args.simulate);
    #[cfg(feature = "lease")]
    let permit = if place.is_some() { Permit::ended() } else { Permit::unlimited() };
    #[cfg(not(feature = "lease"))]
    let permit = Permit::unlimited();
    let aws = Accounts::connect(aws_config(simulation.as_ref(), &metrics, clock, permit.clone()), roles).await;
    let home = aws.home().await;
    announce(&loader.source(), listener.local_addr()?, simulation.as_ref(), args.dry_run, home.region());

    let settings = Settings {
        resync: args.resync.try_into()?,
        dry_run: args.dry_run,
        seed: super::plan::seed(clock.now()),
        ..Settings::default()
    };
    let mut controller = Controller::new(settings, loader.source());
    #[cfg(feature = "lease")]
    let lease = match place {
        None => None,
        Some(place) => {
            tracing::info!("the lease is {place}: nothing is written until it is held");
            controller.handle(clock.now(), Event::Lease(Standing::default()));
            Some(Table::connect(place).await)
        }
    };
    let first = first.map(Some).map_err(|rejection| rejection.refusal());
    controller.handle(clock.now(), Event::Loaded(first));
    let about = About {
        version: about::VERSION.to_owned(),
        tzdb: zones.version().to_owned(),
        simulator: simulation.as_ref().map(|simulation| simulation.endpoint()),
    };
    let populate = simulation.map(Simulation::populator);
    let pace = chores::Pace { resync: args.resync, poll: loader.is_remote().then_some(args.poll) };
    let (driver, ends) = Driver::new(controller, clock, aws, loader, populate, Arc::clone(&metrics));
    let driver = if args.emf { driver.telling(Emf::default()) } else { driver };
    #[cfg(feature = "lease")]
    let kept = lease.map(|table| lease::keep(table, permit, ends.events.clone()));
    let exit = serve_and_drive(driver, ends, listener, about, metrics, clock, pace).await;
    #[cfg(feature = "lease")]
    if let Some(kept) = kept {
        kept.give_back().await;
    }
    exit
}

/// Reads the sources, which may take a while. On this very thread: nothing else runs yet, and what reading leaves free in
/// its memory is then there for the controller.
fn first_reading(loader: &mut Loader, clock: Clock) -> Result<Result<Revision, Rejection>> {
    match loader.poll(clock.now()) {
        Ok(revision) => Ok(Ok(revision.context("the first reading is always a new revision")?)),
        Err(rejection) => Ok(Err(rejection)),
    }
}

async fn serve_and_drive(
    driver: Driver,
    ends: Ends,
    listener: TcpListener,
    about: About,
    metrics: Arc<Metrics>,
    clock: Clock,
    pace: chores::Pace,
) -> Result<Exit> {
    let Ends { events, reloads, status, schedules, heartbeat } = ends;
    chores::start(clock, pace, &events).await?;
    if pace.poll.is_some() {
        let _ = events.send(Event::Due(Chore::Load)); // a remote source that was down, or in force by its history, says so
    }
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move { while hangup.recv().await.is_some() && events.send(Event::Due(Chore::Load)).is_ok() {} });

    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let is_live = Arc::new(move || heartbeat.age() < http::LIVE_FOR);
    let sources = Sources {
        about: Arc::new(about),
        almanac: Arc::default(),
        status,
        schedules,
        is_live,
        metrics,
        reload: reloads,
    };
    let (stop_serving, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(http::serve(listener, sources, async move { stopped.await.unwrap_or(()) }));

    let (second_in, second) = tokio::sync::oneshot::channel::<()>();
    let stop = async move {
        asked_to_stop(&mut terminate, &mut interrupt).await;
        tracing::info!("stopping: nothing new is sent, what is under way may finish");
        tokio::spawn(async move {
            asked_to_stop(&mut terminate, &mut interrupt).await;
            let _ = second_in.send(());
        });
    };
    let exit = tokio::select! {
        () = driver.run(stop) => Exit::Fine,
        Ok(()) = second => Exit::Failed,
    };
    let _ = stop_serving.send(());
    let _ = server.await;
    Ok(exit)
}

async fn asked_to_stop(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

fn default_address(simulate: bool) -> SocketAddr {
    let host = if simulate { [127, 0, 0, 1] } else { [0, 0, 0, 0] };
    SocketAddr::from((host, 8080))
}

fn aws_config(simulation: Option<&Simulation>, metrics: &Arc<Metrics>, clock: Clock, permit: Permit) -> AwsConfig {
    let metrics = Arc::clone(metrics);
    let on_call = Arc::new(move |call: crate::aws::CallRecord| {
        metrics.aws_call(&call.site, call.operation, call.outcome, call.duration);
        if let Some(ahead) = call.clock_ahead {
            metrics.clock_skew(ahead);
        }
    });
    let stand_in = simulation.map(Simulation::endpoint);
    AwsConfig { stand_in, patience: Patience::default(), clock, on_call, permit }
}

fn announce(source: &str, address: SocketAddr, simulation: Option<&Simulation>, dry_run: bool, region: Option<&str>) {
    let version = about::VERSION;
    let region = region.filter(|_| simulation.is_none());
    tracing::info!(version, source, region, dry_run, "baseload starts; status and metrics on http://{address}");
    if let Some(simulation) = simulation {
        tracing::info!("the simulated ECS speaks AWS's protocol on {}", simulation.endpoint());
    }
}
