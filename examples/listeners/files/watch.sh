#!/usr/bin/env bash
# Runs a workflow for each file that is put into a directory: watch.sh [DIR]
#
# Prints a line "STAMP PATH" for each file, of those that are there at the start
# too: what came while nobody watched is not lost. Stamp and path are the key of
# the run (rules.yml), so a file that is seen twice runs once, and one that is
# written anew runs anew.
set -euo pipefail
dir=${1:-incoming}
here=$(cd "$(dirname "$0")" && pwd)

stamped() {
	local file
	while IFS= read -r file; do
		[ ! -f "$file" ] || stat -c '%.9Y %n' -- "$file" || true # gone again: nothing to do
	done
}

# A file is complete when its writer closes it, or moves it here.
files() {
	exec 3>&1
	inotifywait --monitor --recursive -e close_write -e moved_to --format '%w%f' "$dir" 2>&1 >&3 | {
		# First the ear, then the look: a file is seen by one of them.
		while IFS= read -r said && [[ $said != *'Watches established'* ]]; do echo "$said" >&2; done
		find "$dir" -type f >&3
		cat >&2
	}
}

files | stamped | cdktr-listen --rules "$here/rules.yml" --dead-letter dead-letters.jsonl
