//! The controller against the simulated ECS, in virtual time: days in a moment, every second ticked, every fault on
//! demand, and what must always hold checked at every step.
//!
//! [`driver`] is the world, [`witness`] what must hold in it, [`scene`] says things in few words; the rest are tests,
//! by what they are about.

#[path = "world/driver.rs"]
mod driver;
#[path = "world/scene.rs"]
mod scene;
#[path = "world/witness.rs"]
mod witness;

#[path = "world/boundaries.rs"]
mod boundaries;
#[path = "world/bounds.rs"]
mod bounds;
#[path = "world/clock.rs"]
mod clock;
#[path = "world/faults.rs"]
mod faults;
#[path = "world/looking.rs"]
mod looking;
#[path = "world/services.rs"]
mod services;
#[path = "world/soak.rs"]
mod soak;
