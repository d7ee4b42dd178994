#!/usr/bin/env bash
# Builds the image from the Dockerfile as it is, where no image registry can be reached.
#
# The image that the Dockerfile builds upon is replaced by a local one: a minimal Debian from its package mirror with
# the Rust toolchain of this machine inside. Wants root, Debian's packages `buildah` and `debootstrap`, and Rust.
#
# usage: scripts/image-without-registry.sh [TAG]     (default: localhost/baseload:dev)
set -euo pipefail
cd "$(dirname "$0")/.."

tag="${1:-localhost/baseload:dev}"
base="localhost/rust-from-debian:$(rustc --version | cut -d ' ' -f 2)"

make_base() {
    local work container
    work="$(mktemp -d)"
    trap 'rm -rf "$work"' RETURN
    debootstrap --variant=minbase --include=ca-certificates,gcc,libc6-dev bookworm "$work/root"
    # Behind a proxy that signs for itself, crates are fetched with this machine's certificates.
    cp /etc/ssl/certs/ca-certificates.crt "$work/root/etc/ssl/certs/ca-certificates.crt"
    mkdir -p "$work/root/usr/local/rust"
    tar -C "$(rustc --print sysroot)" --exclude ./share -cf - . | tar -C "$work/root/usr/local/rust" -xf -

    container="$(buildah from scratch)"
    buildah copy --quiet "$container" "$work/root" /
    buildah config --env CARGO_HOME=/usr/local/cargo --env PATH=/usr/local/rust/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
    buildah commit --quiet --rm "$container" "$base"
}

buildah inspect --type image "$base" > /dev/null 2>&1 || make_base
# With the time of the commit on everything in it, the same binary makes the same layer. (The image's own digest is another each
# time: buildah writes a random host name into the form of it that knows health checks.)
exec buildah bud --pull-never --isolation chroot --format docker --layers --timestamp "$(git log -1 --format=%ct)" \
    --build-arg "RUST_IMAGE=$base" --build-arg "REVISION=$(git rev-parse HEAD)" --tag "$tag" .
