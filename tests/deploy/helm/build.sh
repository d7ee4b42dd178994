#!/usr/bin/env bash
# Builds the renderer of the chart, from Debian's packages of Go and of the libraries that Helm is made of.
#
# usage: build.sh BINARY
set -euo pipefail
cd "$(dirname "$0")/../../.."

packages=(golang-go golang-github-masterminds-sprig-dev golang-k8s-sigs-yaml-dev)
if ! dpkg --status "${packages[@]}" > /dev/null 2>&1; then
    as_root=()
    ((EUID == 0)) || as_root=(sudo)
    "${as_root[@]}" apt-get update --quiet
    "${as_root[@]}" apt-get install --quiet --yes --no-install-recommends "${packages[@]}"
fi
GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE="$PWD/target/deploy/go" GOFLAGS='' /usr/bin/go build -o "$1" tests/deploy/helm/render.go
