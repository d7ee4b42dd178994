//! The controller against the simulated ECS, in virtual time: days in a moment, every second ticked, every fault on
//! demand, and what must always hold checked at every step.
//!
//! [`driver`] is the world, [`witness`] what must hold in it, [`scene`] says things in few words; [`dice`], [`timetable`]
//! and [`planted`] are what the [`adversary`] needs. The rest are tests, by what they are about.

#[path = "world/abroad.rs"]
mod abroad;
#[path = "world/dice.rs"]
mod dice;
#[path = "world/driver.rs"]
mod driver;
#[path = "world/planted.rs"]
mod planted;
#[path = "world/scene.rs"]
mod scene;
#[path = "world/timetable.rs"]
mod timetable;
#[path = "world/witness.rs"]
mod witness;

#[path = "world/adversary.rs"]
mod adversary;
#[path = "world/boundaries.rs"]
mod boundaries;
#[path = "world/bounds.rs"]
mod bounds;
#[path = "world/budget.rs"]
mod budget;
#[path = "world/burst.rs"]
mod burst;
#[path = "world/clock.rs"]
mod clock;
#[path = "world/faults.rs"]
mod faults;
#[path = "world/looking.rs"]
mod looking;
#[path = "world/outage.rs"]
mod outage;
#[path = "world/rivals.rs"]
mod rivals;
#[path = "world/services.rs"]
mod services;
#[path = "world/sites.rs"]
mod sites;
#[path = "world/waiting.rs"]
mod waiting;
