#!/bin/bash
# Stands in for a program whose work cannot be done in a test, linked under the program's name: it does nothing, and fails
# where the real one would not understand its arguments, as far as that can be asked. Wants ROOT, PYTHON and BASELOAD set.
set -euo pipefail

# clap reads all that stands before a request for help, and says what it does not know.
ask_baseload() { "$BASELOAD" "$@" --help > /dev/null; }

# What follows `-- /baseload`, or `--` alone for cargo, is for the binary.
ask_inner() {
    local marker="$1"
    shift
    while (($#)) && [[ "$1" != -- ]]; do shift; done
    (($#)) || return 0
    shift
    if [[ -n "$marker" ]]; then
        [[ "$1" == "$marker" ]] || return 0
        shift
    fi
    ask_baseload "$@"
}

# Paths of this repository must be there.
ask_paths() {
    local word
    for word in "$@"; do
        if [[ "$word" =~ ^(charts|deploy|docs|scripts)/ && ! -e "$ROOT/$word" ]]; then
            echo "there is no $word"
            exit 1
        fi
    done
}

case "${0##*/}" in
baseload) ask_baseload "$@" ;;
cargo) if [[ "$1" == run ]]; then ask_inner '' "$@"; fi ;;
make) /usr/bin/make --directory "$ROOT" --dry-run "$@" > /dev/null ;;
aws)
    # This came with version 2 of the command; PyPI has version 1.
    [[ "$1 $2" != 'logs tail' ]] || exit 0
    [[ "$1" != cloudformation ]] || cd "$ROOT"
    export AWS_DEFAULT_REGION=eu-west-1 AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x AWS_MAX_ATTEMPTS=1
    # What gets as far as to be sent has been held against AWS's own models. Nothing listens there.
    said=$("$PYTHON" -m awscli --endpoint-url http://127.0.0.1:9 "$@" 2>&1) || true
    if [[ "$said" != *'Could not connect to the endpoint URL'* ]]; then
        echo "$said"
        exit 1
    fi
    ;;
kubectl) ask_inner /baseload "$@" ;;
*) ask_paths "$@" ;;
esac
