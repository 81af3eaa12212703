#!/usr/bin/env bash
# Runs every fuzz target of the repository for a while: fuzz.sh [TIME]
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-10s}

grep -rEo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' lib cmd | sort |
	while IFS=: read -r file func; do
		name=${func#func }
		echo "\$ go test -run '^\$' -fuzz '^$name\$' -fuzztime $time ./$(dirname "$file")"
		go test -run '^$' -fuzz "^$name\$" -fuzztime "$time" "./$(dirname "$file")" </dev/null
	done
