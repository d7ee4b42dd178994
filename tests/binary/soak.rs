//! A soak of the binary over a bad line: what it holds of memory and descriptors must not grow.

use std::fs;
use std::time::Duration;

use crate::controller::Controller;
use crate::ecs::{Ecs, borrowed, environment};
use crate::folder::{Folder, constant};
use crate::line::{Fault, Line};
use crate::wait::{pass, until};

/// In how many steps; the first quarter of them is not measured.
const STEPS: u32 = 20;

fn from_environment(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |value| value.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// Open descriptors, and resident memory in KiB.
fn held(controller: &Controller) -> (usize, u64) {
    let folder = format!("/proc/{}", controller.pid());
    let descriptors = fs::read_dir(format!("{folder}/fd")).expect("it runs, on Linux").count();
    let status = fs::read_to_string(format!("{folder}/status")).expect("it runs, on Linux");
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
    (descriptors, resident.and_then(|kib| kib.trim().parse().ok()).expect("Linux tells it"))
}

/// Looks at everything every second, so that a minute has as many questions as an hour. `BASELOAD_TEST_SOAK` is how many
/// seconds it takes, `BASELOAD_TEST_SOAK_TARGETS` for how many targets.
#[test]
fn memory_and_descriptors_stay_flat_while_one_answer_in_a_hundred_goes_wrong() {
    let seconds = from_environment("BASELOAD_TEST_SOAK", 10);
    let names: Vec<String> =
        (0..from_environment("BASELOAD_TEST_SOAK_TARGETS", 60)).map(|n| format!("shop/s{n:04}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let ecs = Ecs::with(&names);
    let line = Line::to(&ecs.address);
    let folder = Folder::with("all.yaml", constant(&names, 2));
    let controller = Controller::start_in(&borrowed(&environment(&line)), &folder, &["--resync", "1s"]);
    ecs.wait_floor(names[0], 2);

    line.set(Fault::OneInAHundred);
    let mut measured = Vec::new();
    for step in 0..STEPS {
        folder.write("all.yaml", constant(&names, 3 + step % 2));
        pass(Duration::from_secs(seconds) / STEPS);
        assert_eq!((controller.get("/livez").code, controller.get("/").code), (200, 200));
        assert_eq!(controller.get("/metrics").code, 200);
        measured.push(held(&controller));
    }
    println!("{} requests over the line; descriptors and KiB: {measured:?}", line.requests());

    line.set(Fault::None);
    folder.write("all.yaml", constant(&names, 5));
    ecs.wait_floor(names[names.len() - 1], 5);
    until("all is well", || controller.condition("Synced") == "True");
    let (settled, late) = measured.split_at(measured.len() / 2);
    let (_, settled) = settled.split_at(settled.len() / 2);
    let most = |part: &[(usize, u64)]| {
        let descriptors = part.iter().map(|(descriptors, _)| *descriptors).max().unwrap_or_default();
        (descriptors, part.iter().map(|(_, kib)| *kib).max().unwrap_or_default())
    };
    let ((few, small), (many, large)) = (most(settled), most(late));
    assert!(many <= few + 16, "descriptors grow: {measured:?}");
    assert!(large <= small + small / 4, "memory grows: {measured:?}");
}
