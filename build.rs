//! Lays the release binary out so that little of it is in memory. The kernel maps a binary in stretches of 64 KiB, so a
//! function that runs keeps its neighbours resident: what a running controller calls stands together.

use std::env;
use std::path::Path;

/// Names a file for the linker's map of the binary, which is then not laid out: what `benches/profiles.py` starts from.
const MAP: &str = "BASELOAD_LINK_MAP";

fn main() {
    let layout = Path::new("benches/layout.ld");
    println!("cargo:rerun-if-changed={}", layout.display());
    println!("cargo:rerun-if-env-changed={MAP}");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    if let Ok(map) = env::var(MAP) {
        println!("cargo:rustc-link-arg-bins=-Wl,-Map={map}");
    } else if is("PROFILE", "release") && is("TARGET", "x86_64-unknown-linux-gnu") {
        // Sections are named as this linker's target names them; elsewhere the binary is only larger in memory.
        let here = env::var("CARGO_MANIFEST_DIR").expect("cargo says where the package is");
        println!("cargo:rustc-link-arg-bins=-T{}", Path::new(&here).join(layout).display());
    }
}
