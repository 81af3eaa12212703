# CDKTR. `make` lists the targets. `make demo` and `make test` are all that a
# newcomer needs: they want Go and a C compiler, and see to the rest.

# The toolchain stamps the version, where there is a commit to name.
VCS      := $(if $(shell git rev-parse -q --verify HEAD 2>/dev/null),true,false)
COMMANDS := $(patsubst cmd/%/main.go,%,$(wildcard cmd/*/main.go))
BIN      ?= bin
PREFIX   ?= /usr/local
SEEDS    ?= 200000
FUZZTIME ?= 10s
ROUNDS   ?= 200
SEED     ?=

.PHONY: help demo build setup test lint race bench sim faults fuzz pictures install clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: build ## start a principal with an agent, run an example, show its logs, stop
	@PATH="$(abspath $(BIN)):$$PATH" scripts/demo.sh

build: setup ## the commands, into bin/
	go build -trimpath -buildvcs=$(VCS) -ldflags '-s -w' -o $(BIN)/ ./cmd/...

setup:
	@scripts/setup.sh build

test: ## everything that CI runs
	@scripts/test.sh

lint: setup ## gofmt, vet, staticcheck
	gofmt -l cmd lib scripts examples | tee /dev/stderr | { ! grep -q .; }
	go vet ./...
	go vet -tags failpoint $$(grep -rl --include='*.go' '^//go:build.*failpoint' lib | xargs -n 1 dirname | sort -u | sed 's,^,./,')
	go tool staticcheck ./...

race: setup ## all tests under the race detector
	go test -race ./...

bench: build ## the figures of the whole beside the machine's limits, then the parts
	CDKTR_BENCH=1 CDKTR_BIN=$(abspath $(BIN)) go test -count=1 -timeout 20m -v -run TestFigures ./lib/bench | grep -v '^{'
	go test -run '^$$' -bench . -benchmem ./...

sim: setup ## a long simulation: SEEDS=200000
	CDKTR_SIM_SEEDS=$(SEEDS) go test -count=1 -timeout 0 -v ./lib/sim

faults: setup ## kill both sides under load again and again: ROUNDS=200 SEED=
	CDKTR_FAULT_ROUNDS=$(ROUNDS) CDKTR_FAULT_SEED=$(SEED) \
		go test -count=1 -timeout 0 -v -run TestAcknowledgedRunsSurviveFaultsOnBothSides ./lib/e2e

fuzz: setup ## every fuzz target for FUZZTIME=10s
	@scripts/fuzz.sh $(FUZZTIME)

pictures: build ## the README's pictures anew, from the real program: needs tmux
	@scripts/pictures.sh $(BIN)

install: build ## into DESTDIR/PREFIX, with man pages
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1
	set -e; for c in $(COMMANDS); do \
		install -m 755 $(BIN)/$$c $(DESTDIR)$(PREFIX)/bin/$$c; \
		$(BIN)/$$c --man > $(DESTDIR)$(PREFIX)/share/man/man1/$$c.1; \
	done

clean: ## remove what was built
	rm -rf $(BIN) .cache
