# Sutler. make demo shows what it is for; make test checks everything.

GO      ?= go
BIN     := bin/sutler
FUZZ    ?= 10m
TREES   ?= 1000000
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS := -s -w -X main.version=$(VERSION)
SOURCES := $(shell find . -name '*.go' -o -name '*.xml' -o -name '*.sql' -o -name go.mod -o -name go.sum | grep -v '^./bin/')

# Tests that kill processes, break every commit, compare with other processors
# or with a model, or are hostile run as plain builds; the race detector sees a
# sample of some.
PLAIN   := 'Crash|Kill|Binary|Linear|Differential|Hostile|Trees'

.PHONY: all build demo run test check race plain bench fuzz soak clean cross

all: test

build: $(BIN)

$(BIN): $(SOURCES)
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $@ ./cmd/sutler

demo: $(BIN)
	@$(BIN) demo

run: $(BIN)
	$(BIN) serve --data ./sutler-data --samples

test: check race plain cross

check:
	@unformatted=$$(gofmt -l .); \
	if [ -n "$$unformatted" ]; then echo "not formatted: $$unformatted"; exit 1; fi
	$(GO) mod verify >/dev/null
	$(GO) mod tidy -diff
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

race: gcc postgres
	CGO_ENABLED=1 $(GO) test -race -skip 'Kill|Binary|Differential|Hostile' ./...

plain: peers postgres
	CGO_ENABLED=0 $(GO) test -run $(PLAIN) ./...

# The shipped binary builds for every system.
cross:
	CGO_ENABLED=0 GOOS=darwin GOARCH=arm64 $(GO) build -o /dev/null ./cmd/sutler
	CGO_ENABLED=0 GOOS=windows GOARCH=amd64 $(GO) build -o /dev/null ./cmd/sutler

# The race detector needs a C compiler.
.PHONY: gcc
gcc:
	@command -v gcc >/dev/null || { .ci/install gcc libc6-dev; }

# The database that several engines share.
.PHONY: postgres
postgres:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || .ci/install postgresql

# What stylesheets and schemas are compared with.
.PHONY: peers
peers:
	@command -v xsltproc >/dev/null && command -v xmllint >/dev/null || .ci/install xsltproc libxml2-utils

# The comparison with other XSLT processors counts one iteration as one round;
# its figures go to bin/bench-xslt.json. Java's take part where Java is installed
# (default-jdk-headless, libsaxonhe-java). So does that of the engine with a plain
# log, which goes to bin/bench-engine.json; make bench-engine runs it alone, and
# SUSTAINED=5m adds a load of that length.
SUSTAINED ?= 0s

.PHONY: bench-engine
bench: gcc bench-engine
	@command -v xslt-config >/dev/null || .ci/install libxml2-dev libxslt1-dev
	$(GO) test -run '^$$' -bench . -skip '^Benchmark(Peers|Engine)$$' -benchtime 2s -count 3 -timeout 1h ./...
	SUTLER_PEERS_JSON=$(CURDIR)/bin/bench-xslt.json $(GO) test -run '^$$' -bench '^BenchmarkPeers$$' -benchtime 5x -timeout 30m ./xslt/

bench-engine: postgres
	@mkdir -p bin
	CGO_ENABLED=0 $(GO) test -run '^$$' -bench '^BenchmarkEngine$$' -benchtime 3x -timeout 1h ./bench/ -figures $(CURDIR)/bin/bench-engine.json -sustained $(SUSTAINED)

# Every parser, one after the other, for $(FUZZ) each, after random call trees
# that are compared with the model of the security rules; SUTLER_SEED=n makes others.
fuzz:
	SUTLER_TREES=$(TREES) CGO_ENABLED=0 $(GO) test -run '^TestTrees$$' -timeout 3h ./engine/
	@set -e; for pkg in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "$$pkg $$target"; \
	    $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZ) $$pkg; \
	  done; \
	done

soak: peers postgres
	SUTLER_SOAK=1 CGO_ENABLED=0 $(GO) test -count 20 -timeout 3h -run $(PLAIN) ./...

clean:
	rm -rf bin sutler-data
