#!/usr/bin/env bash
# Prints where Chromium is; installs Debian's where there is none.
set -euo pipefail

found() { command -v chromium || command -v chromium-browser || command -v google-chrome; }

if ! found >/dev/null; then
    run=()
    ((EUID == 0)) || run=(sudo)
    {
        "${run[@]}" apt-get update
        "${run[@]}" apt-get install --yes --no-install-recommends chromium
    } >&2
fi
found
