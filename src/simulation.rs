//! What `run --simulate` puts in the place of AWS: a simulated ECS in this process, on loopback, with every service that
//! the schedules name, in as many accounts and regions as they name.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use baseload_core::model::{Pattern, TargetId};
use baseload_core::sim::{ServiceSpec, Sim};
use baseload_core::timetable::Schedules;
use jiff::tz::TimeZone;

use crate::clock::Clock;
use crate::simulator::Simulator;

/// What a new service starts with: two tasks between 1 and 20, under a CPU policy of 70 %.
fn service() -> ServiceSpec {
    ServiceSpec { desired: 2, bounds: Some((1, 20)), cpu_target: Some(70), ..ServiceSpec::default() }
}

/// The same simulation gives the same traffic each time.
const SEED: u64 = 1;

/// A running simulation.
pub(crate) struct Simulation {
    simulator: Simulator,
    /// The zone of the traffic's day.
    zone: TimeZone,
    clock: Clock,
}

impl Simulation {
    /// Starts the simulated ECS with a service for every exact target, and two for each glob.
    ///
    /// # Errors
    /// That the address cannot be listened on.
    pub(crate) async fn start(listen: SocketAddr, schedules: &Schedules, clock: Clock) -> Result<Simulation> {
        let zone = schedules.iter().next().map_or(TimeZone::UTC, |schedule| schedule.zone.clone());
        let sim = Sim::new(SEED, zone.clone(), clock.now());
        let simulator = Simulator::start(listen, sim, clock.teller())
            .await
            .with_context(|| format!("the simulated ECS cannot listen on {listen}: choose with --simulate-listen"))?;
        let simulation = Simulation { simulator, zone, clock };
        simulation.populate(schedules);
        Ok(simulation)
    }

    /// Where it speaks AWS's protocol, as `http://HOST:PORT`.
    pub(crate) fn endpoint(&self) -> String {
        self.simulator.endpoint()
    }

    /// Adds what a configuration names and the simulation does not have yet.
    fn populate(&self, schedules: &Schedules) {
        for row in schedules.rows() {
            for target in stand_ins(&row.cluster, &row.service) {
                match row.site.is_home() {
                    true => add(&mut self.simulator.sim(), target),
                    false => add(
                        self.simulator.elsewhere().entry(row.site.clone()).or_insert_with(|| self.account()),
                        target,
                    ),
                }
            }
        }
    }

    /// Another account or region, empty yet.
    fn account(&self) -> Sim {
        Sim::new(SEED, self.zone.clone(), self.clock.now())
    }

    /// Hands the simulation to whoever sees new configurations first.
    pub(crate) fn populator(self) -> Arc<dyn Fn(&Schedules) + Send + Sync> {
        Arc::new(move |schedules| self.populate(schedules))
    }
}

fn add(sim: &mut Sim, target: TargetId) {
    if sim.service(&target).is_none() {
        sim.add_service(target, &service());
    }
}

/// An exact target as it is; for a glob two names that fit it.
fn stand_ins(cluster: &Pattern, service: &Pattern) -> Vec<TargetId> {
    let filled = |pattern: &Pattern, with: &str| pattern.as_str().replace('*', with).replace('?', &with[..1]);
    let mut names: Vec<_> =
        ["one", "two"].map(|with| TargetId::new(filled(cluster, with), filled(service, with))).into();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_is_stood_in_for_by_two_names_that_fit_it() {
        let names = |cluster: &str, service: &str| {
            let names = stand_ins(&Pattern::new(cluster), &Pattern::new(service));
            names.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(names("shop", "www"), ["shop/www"]);
        assert_eq!(names("shop", "api-*"), ["shop/api-one", "shop/api-two"]);
        assert_eq!(names("*", "w?w"), ["one/wow", "two/wtw"]);
    }
}
