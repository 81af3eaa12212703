#!/usr/bin/env bash
# Takes the pictures of the README anew: docs/pictures/*.svg, from the real
# program in a real terminal, on a principal of its own.
set -euo pipefail
cd "$(dirname "$0")/.."

bin=${1:-bin}
bin=$(cd "$bin" && pwd)
out=$PWD/docs/pictures
dir=$(mktemp -d)
go build -o "$dir/picture" ./scripts/picture
socket=$dir/tmux
export PATH="$bin:$PATH" LC_ALL=C.UTF-8 TERM=xterm-256color
export CDKTR_APP_DATA_DIRECTORY=$dir/data XDG_CONFIG_HOME=$dir/config
unset CDKTR_PRINCIPAL

principal=
finish() {
	tmux -S "$socket" kill-server 2>/dev/null || true
	[ -z "$principal" ] || kill "$principal" 2>/dev/null || true
	wait
	rm -rf "$dir"
}
trap finish EXIT

mkdir -p "$dir/workflows" "$out"
cat >"$dir/workflows/nightly-etl.yml" <<'YML'
cron: "0 2 * * *"
tasks:
  extract_a: {run: "echo 4,808 rows; sleep 1.1"}
  extract_b:
    run: |
      echo "connecting to db.internal"
      sleep 0.6
      [ "$CDKTR_ATTEMPT" -gt 1 ] || { echo "connection reset" >&2; exit 3; }
      sleep 0.7
    retries: {limit: 2, delay: 500ms}
  transform: {depends: [extract_a, extract_b], run: "sleep 2.4; echo done"}
  validate: {depends: [transform], run: "sleep 0.5"}
  load:
    depends: [transform]
    run: |
      for i in $(seq 30); do echo "copied batch $i of 48"; sleep 0.1; done
      echo 'ERROR: duplicate key value violates unique constraint "orders_pk"' >&2
      echo 'DETAIL: Key (id)=(48113) already exists.' >&2
      exit 1
  publish: {depends: [extract_a, load], run: "true"}
YML
cat >"$dir/workflows/ingest.yml" <<'YML'
cron: "*/15 * * * *"
tasks:
  fetch: {run: "sleep 0.2; echo 120 files"}
  parse: {depends: [fetch], run: "sleep 0.3"}
YML
cat >"$dir/workflows/reports.yml" <<'YML'
tasks:
  collect: {run: "sleep 0.2"}
  render: {depends: [collect], run: "for i in $(seq 300); do echo page $i; sleep 0.2; done"}
  send: {depends: [render], run: "true"}
YML
cat >"$dir/workflows/gc.yml" <<'YML'
cron: "@daily"
tasks: {sweep: {run: "true"}}
YML

(cd "$dir" && exec cdktr-principal --port 0 --with-agent 2>"$dir/log") &
principal=$!
for _ in $(seq 100); do
	[ ! -e "$dir/data/principal.json" ] || cdktr-run --list >/dev/null 2>&1 && break
	sleep 0.1
done
for workflow in ingest ingest nightly-etl ingest; do
	cdktr-run -q "$workflow" >/dev/null || true
done
cdktr-run -d reports >/dev/null

keys() { for key in "$@"; do tmux -S "$socket" send-keys "$key" && sleep 0.3; done; }

# take NAME WIDTH: the screen as it is.
take() {
	sleep 1
	tmux -S "$socket" capture-pane -e -p | "$dir/picture" -w "$2" >"$out/$1.svg"
	echo "docs/pictures/$1.svg"
}
tmux -u -S "$socket" -f /dev/null new-session -d -x 120 -y 36 cdktr-ui
sleep 2
take runs 120
keys / nightly Enter Enter e
take run 120
