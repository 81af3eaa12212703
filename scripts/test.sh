#!/usr/bin/env bash
# Everything that CI runs: lint, then every test once. Tests that run real
# commands find them, built once, in $CDKTR_BIN.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh build
missing=$(scripts/setup.sh test) || {
	printf '%s\n' "$missing"
	exit 1
}
export PATH="$PWD/.cache/venv/bin:$PATH"

make --no-print-directory lint

export CDKTR_BIN="$PWD/.cache/bin"
make --no-print-directory build BIN="$CDKTR_BIN"
mkdir -p .cache/tools
go build -o .cache/tools/ ./scripts/testreport

# The race detector is on for all that is concurrent. It would tell nothing of
# packages that start no goroutine or only watch other processes, and costs
# them up to ten times their time.
plain='/lib/(run|sim|schedule|workflow|house|e2e)$'
quiet=$(go list ./... | grep -E "$plain" || true)
raced=$(go list ./... | grep -Ev "$plain")

export CDKTR_SIM_SEEDS=${CDKTR_SIM_SEEDS:-1500}
# shellcheck disable=SC2086 # lists of packages
{
	status=0
	[ -z "$missing" ] || printf '%s\n' "$missing"
	go test -json -count=1 $quiet || status=1
	go test -json -count=1 -race $raced || status=1
	exit $status
} | .cache/tools/testreport
