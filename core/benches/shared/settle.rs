//! The simulated ECS as a controller's only partner, without a clock or a wire between them.

use baseload_core::controller::{Controller, Effect, Event};
use baseload_core::sim::Sim;
use jiff::Timestamp;

/// Answers everything that is asked until nothing more is.
pub(crate) fn settle(controller: &mut Controller, sim: &mut Sim, now: Timestamp) {
    controller.tick(now);
    while let Some(effect) = controller.poll(now) {
        let event = match effect {
            Effect::Load => Event::Loaded(Ok(None)),
            Effect::Observe { site, query } => {
                Event::Observed { asked: now, site, observation: sim.observe(&query, now), query }
            }
            Effect::Apply(action) => Event::Applied { outcome: sim.apply(&action, now), action },
        };
        controller.handle(now, event);
        controller.tick(now);
    }
}
