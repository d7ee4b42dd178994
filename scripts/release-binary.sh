#!/bin/sh
# Builds the binary that is in the image, and prints where it is and its SHA-256.
#
# It is linked statically against glibc, so that it runs in an empty root, DNS included. The same sources, Rust toolchain, C
# compiler and C library make the same bytes, in whatever folder: the names of folders, which panics would name, are left out.
set -eu
cd "$(dirname "$0")/.."

cargo_home="${CARGO_HOME:-$HOME/.cargo}"
# `--target` keeps the flags away from procedural macros and build scripts, which cannot be static.
target="$(rustc --print host-tuple)"
# Sources of the standard library, where they are installed, have the name that they have where they are not.
commit="$(rustc --version --verbose | sed -n 's/^commit-hash: //p')"

# Packed relocations are 0.7 MiB less to map. The layout of the binary (build.rs) goes by these names, as in .cargo/config.toml.
RUSTFLAGS="-C target-feature=+crt-static -C link-arg=-Wl,-z,pack-relative-relocs -C symbol-mangling-version=v0"
RUSTFLAGS="$RUSTFLAGS --remap-path-prefix=$PWD=/baseload --remap-path-prefix=$cargo_home=/cargo"
RUSTFLAGS="$RUSTFLAGS --remap-path-prefix=$(rustc --print sysroot)/lib/rustlib/src/rust=/rustc/$commit"
CFLAGS="-ffile-prefix-map=$PWD=/baseload -ffile-prefix-map=$cargo_home=/cargo"
export RUSTFLAGS CFLAGS

cargo build --release --locked --bin baseload --target "$target"
sha256sum "${CARGO_TARGET_DIR:-target}/$target/release/baseload"
