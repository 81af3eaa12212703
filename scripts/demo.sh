#!/usr/bin/env bash
# Shows CDKTR at work, in a private directory and on free ports: a principal
# with an agent, some of the example workflows, their logs. Each step prints
# the command that it runs. Nothing is left behind.
#
# The commands must be on the PATH: `make demo` sees to that.
set -euo pipefail
cd "$(dirname "$0")/.."

dir=$(mktemp -d "${TMPDIR:-/tmp}/cdktr-demo-XXXXXX")
principal=
stop() {
	trap - EXIT INT TERM
	if [ -n "$principal" ]; then
		kill -TERM "$principal" 2>/dev/null || true
		wait "$principal" 2>/dev/null || true
	fi
	rm -rf "$dir"
}
trap stop EXIT
trap 'stop; exit 130' INT
trap 'stop; exit 143' TERM

# Only this directory, whatever the caller has set for another installation.
for name in $(env | sed -n 's/^\(CDKTR_[A-Z_]*\)=.*/\1/p'); do
	unset "$name"
done
export CDKTR_APP_DATA_DIRECTORY="$dir/data" XDG_CONFIG_HOME="$dir/config"
cp -R workflows "$dir/"
cd "$dir"

step() { printf '\n# %s\n' "$*"; }
show() { printf '$ %s\n' "$*"; }
run() {
	show "$@"
	"$@"
}
# fails runs a command whose exit code is the point.
fails() {
	local code=0
	run "$@" || code=$?
	printf '(exit code %s)\n' "$code"
	[ "$code" -ne 0 ]
}

step "A principal, with an agent, over a directory of workflow files"
show "export CDKTR_APP_DATA_DIRECTORY=$CDKTR_APP_DATA_DIRECTORY"
show "cdktr-principal --with-agent --port 0 --workflows workflows &"
cdktr-principal --with-agent --port 0 --workflows workflows 2>principal.log &
principal=$!
tries=0
until [ -f data/principal.json ]; do
	tries=$((tries + 1))
	if [ $tries -gt 300 ] || ! kill -0 "$principal" 2>/dev/null; then
		echo "the principal did not start:"
		cat principal.log
		exit 1
	fi
	sleep 0.1
done
run cat data/principal.json

step "What can be run"
run cdktr-run --list -o table

step "Run a workflow; the exit code is the run's result"
run cdktr-run -l hello name=Ada

step "Tasks that depend on each other, as one JSON object"
run cdktr-run -o json etl

step "A failure: what depends on it is skipped, the rest goes on"
fails cdktr-run failure-and-skip

step "All output is in the history"
run cdktr-logs --since 5m -o text
run cdktr-logs --runs -o text

step "Stop"
show "kill -TERM $principal"
kill -TERM "$principal"
wait "$principal"
principal=
