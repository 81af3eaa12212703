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

export CDKTR_BIN="$PWD/.cache/bin"
make --no-print-directory build BIN="$CDKTR_BIN"
mkdir -p .cache/tools
: >.cache/failed # what failed and was no test
go build -o .cache/tools/ ./scripts/testreport

# The race detector is on for all that is concurrent. It would tell nothing of
# packages that start no goroutine or only watch other processes, and costs
# them up to ten times their time.
plain='/lib/(run|sim|schedule|workflow|workfile|yamlfile|wire|brief|dotenv|plainfile|story|suggest|house|e2e|bench|ui|ui/timeline|ui/logpane|ui/calm)$|/cmd/cdktr-(agent|principal|ui)$|/examples/|/scripts/'
quiet=$(go list ./... | grep -E "$plain" || true)
# The two that take longest come first: nothing is left to run alone at the end.
raced=$({
	go list ./lib/agent ./lib/store
	go list ./... | grep -Ev "$plain|/lib/(agent|store)$"
})

# These tests of the store move megabytes through one goroutine: the same there.
volume='^Test(PagesDoNotDependOnWhatIsKept|LongTextsComeBackWhole|PagesHoldEveryLineOnceInOrder|LongLooksGoOnPageByPage|LargeLinesAreReadInBoundedMemory|AnyLineComesBackAsItWas)$'

# These tests of the screen are about what goes on beside it.
feeding='^Test(ProgramRunsAndLeaves|NewsComeInFrames|PrincipalIsChangedWhileItIsAway|OldAnswerDoesNotUndoNews|ClosedTerminalIsNoticed)$'

export CDKTR_SIM_SEEDS=${CDKTR_SIM_SEEDS:-1000}

# Behind the tests that wait goes what only computes: lint, and compiling for the
# race detector.
# shellcheck disable=SC2086 # lists of packages
behind() {
	local status=0
	nice -n 15 make --no-print-directory lint || status=1
	nice -n 15 go list -export -test -race ./lib/ui $raced >/dev/null 2>&1 || true # said where they run
	return $status
}

# shellcheck disable=SC2086 # lists of packages
{
	status=0
	[ -z "$missing" ] || printf '%s\n' "$missing"
	# A shell keeps ^C from what it starts behind.
	trap 'trap - TERM; kill 0' INT TERM
	behind >.cache/lint.log 2>&1 &
	behind=$!
	# Lint vets all packages: no test does it again.
	go test -json -count=1 -vet=off -parallel 3 $quiet || status=1
	go test -json -count=1 -vet=off -run "$volume" ./lib/store || status=1
	if ! wait $behind; then
		status=1
		echo "FAILED lint" >.cache/failed
	fi
	cat .cache/lint.log
	# A screen is drawn by one goroutine; what brings it its data is raced.
	go test -json -count=1 -vet=off -race -run "$feeding" ./lib/ui || status=1
	# Many tests there wait for a timeout, side by side.
	go test -json -count=1 -vet=off -race -p 3 -parallel 6 -skip "$volume" $raced || status=1
	exit $status
} | .cache/tools/testreport || {
	cat .cache/failed
	exit 1
}
