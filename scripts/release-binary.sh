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
# What runs often (benches/profiles.py) is made fast, the rest kept small; or that is written down anew. Cargo asks whether a
# flag has changed, and when a file that it names was written: so the file is named by what is in it, and written once.
targets="$(realpath -m "${CARGO_TARGET_DIR:-target}")"
if [ "${BASELOAD_PROFILE_INTO:-}" ]; then
	profile="-C profile-generate=$BASELOAD_PROFILE_INTO"
else
	sum="$(sha256sum benches/baseload.profdata | cut -c 1-16)"
	mkdir -p "$targets"
	[ -e "$targets/$sum.profdata" ] || cp benches/baseload.profdata "$targets/$sum.profdata"
	fits="$(sed -n 's/.* with \(rustc .*\) \*\/$/\1/p' benches/layout.ld)"
	if [ "$fits" != "$(rustc --version)" ]; then
		echo "the profile is of $fits: with another compiler the binary is slower and larger, until \`make profiles\` is run" >&2
	fi
	# What never ran has no profile: it is kept from taking in all that runs often and is called there, which is 0.7 MiB.
	profile="-C profile-use=$targets/$sum.profdata -C llvm-args=-inlinehint-threshold=75"
fi
export RUSTFLAGS="$RUSTFLAGS $profile" CFLAGS

cargo build --release --locked --bin baseload --target "$target"
sha256sum "$targets/$target/release/baseload"
