#!/bin/sh
# Reviews a change of schedules, in any CI: refuses bad ones, and prints in Markdown what the change does.
#
#   review-schedules.sh [BASE [FOLDER]]
#
# Run it at the root of a clone in which the change stands as it would be merged. BASE is what it would be merged into
# (origin/main unless told; `git fetch origin main` brings it), FOLDER the schedules' (schedules). BASELOAD names the
# command where it is not `baseload`. The limits of the controller's operator are obeyed where their variables are set as
# for the controller: BASELOAD_MAX_FLOOR, BASELOAD_ALLOW_TARGET, BASELOAD_SHRINK_GUARD.
set -eu

name=${1:-origin/main}
folder=${2:-schedules}
baseload=${BASELOAD:-baseload}

if ! base=$(git rev-parse --quiet --verify "$name^{commit}"); then
    echo "error: there is no $name here: fetch it first" >&2
    exit 2
fi
"$baseload" validate "$folder" >&2
if git cat-file -e "$base:$folder" 2>/dev/null; then
    "$baseload" diff "git+file://.?ref=$base&path=$folder" "$folder" -o markdown
else
    echo "**Baseload:** the first schedules; there are none in $name."
fi
