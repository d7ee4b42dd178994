#!/bin/sh
# Sees to the programs that tests run beside those of cargo and pip: git, ssh and sshd, faketime, and jq. Installs them
# where this is root on Debian; elsewhere it says what is missing, and the tests over ssh, those with a false clock and the
# scripts of the documentation that use jq say that they are skipped.
set -eu

missing=
command -v git >/dev/null || missing="$missing git"
command -v ssh >/dev/null || missing="$missing openssh-client"
[ -x /usr/sbin/sshd ] || missing="$missing openssh-server"
command -v faketime >/dev/null || missing="$missing faketime"
command -v jq >/dev/null || missing="$missing jq"
[ -n "$missing" ] || exit 0

echo "missing for the tests:$missing" >&2
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    apt-get update --quiet --quiet
    # shellcheck disable=SC2086  # a list of packages
    DEBIAN_FRONTEND=noninteractive apt-get install --quiet --quiet --yes --no-install-recommends $missing
fi
