#!/usr/bin/env bash
# Shows CDKTR at work, in a private directory and on free ports: a principal
# with an agent, some of the example workflows, events, their logs. Each step prints
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
	stop_agent
	rm -rf "$dir"
}
# stop_agent ends the agent of a principal that crashed: it outlives that one
# by design. Its pid counts only while it is a process of this directory.
stop_agent() {
	local agent tries=0
	agent=$(cat "$dir/data/agents/beside.lock" 2>/dev/null) || return 0
	while [ -n "$agent" ] && ps -o args= -p "$agent" 2>/dev/null | grep -qF "$dir"; do
		kill -TERM "$agent" 2>/dev/null || true
		tries=$((tries + 1))
		[ $tries -lt 50 ] || kill -KILL "$agent" 2>/dev/null || true
		sleep 0.1
	done
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

step "Run a workflow, and see what it prints"
run cdktr-run -l hello name=Ada

step "Tasks that depend on each other: join waits for both extracts"
run cdktr-run -l etl

step "A failure: what depends on it is skipped, the rest goes on"
# shellcheck disable=SC2016 # shown as it would be typed
show 'id=$(cdktr-run failure-and-skip); echo $?'
code=0
id=$(cdktr-run failure-and-skip) || code=$?
echo "$code"
[ "$code" -eq 1 ]
run cdktr-run --show "$id" -o table

step "Events become runs: a line of stdin each, acknowledged once it is durable"
# shellcheck disable=SC2016 # shown as it would be typed
show 'printf '"'"'hello\n{"workflow":"hello","params":{"name":"Grace"},"key":"event-7"}\n'"'"' | cdktr-listen | tee events.out'
printf 'hello\n{"workflow":"hello","params":{"name":"Grace"},"key":"event-7"}\n' | cdktr-listen | tee events.out
last=$(sed -n 's/.*"run":"\([0-9a-z]*\)".*/\1/p' events.out | tail -n 1)
run cdktr-run -l --wait "$last"

step "All output is in the history: as text, as JSON lines, or bare"
run cdktr-logs -r "$id" -o text
run cdktr-logs -w etl -t report -s stdout -o json
run cdktr-logs -r "$id" -s stderr -o cat
run cdktr-logs --runs -o text

step "Stop"
show "kill -TERM $principal"
kill -TERM "$principal"
wait "$principal"
principal=
