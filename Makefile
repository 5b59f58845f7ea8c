# Two commands matter: `make run` and `make test`. The rest is below, a line each.

SHELL      := /bin/bash
GO         ?= go
STATICCHECK = $(GO) run honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOTESTSUM   = $(GO) run gotest.tools/gotestsum@v1.13.0 --format pkgname-and-test-fails --format-hide-empty-pkg
BIN         = var/bin
SOAK       ?= 30m

# Tests that open a real browser: slow, and no wiser under the race detector.
BROWSER     = Chromium|RealBrowser|EveryPage|Accessible|Axe|Look|Killed

.PHONY: run build test test-fast test-postgres check format screens interop bench soak benchmarks golden clean-data prepare

run: build ## start both programs with demo data; Ctrl-C stops them
	@trap 'stop=1' INT; trap 'stop=1; kill $$idp $$tracker' TERM HUP; \
	$(BIN)/idp serve & idp=$$!; $(BIN)/tracker serve & tracker=$$!; \
	wait -n; [ -n "$$stop" ] || kill $$idp $$tracker 2>/dev/null; wait

build: ## both binaries, in var/bin
	@mkdir -p $(BIN) && $(GO) build -o $(BIN)/ ./idp ./tracker

# The two slowest packages come first, or the last one runs by itself for three minutes.
test: prepare ## every test: SQLite, PostgreSQL, Chromium (installs what is missing)
	$(GOTESTSUM) -- -count=1 -timeout 12m ./tracker/e2e ./idp/web ./...

test-fast: ## without a browser, and without PostgreSQL where there is none
	$(GO) test -skip '$(BROWSER)' ./...

test-postgres: prepare ## the whole suite with PostgreSQL required
	TEGATA_TEST_PG=required $(GO) test -count=1 ./...

# The scripts start the program some hundred times, which takes minutes with the race
# detector; what it could see there, the tests of idp/app and tracker/app start as well.
check: ## format, vet, staticcheck, arrows, race
	@test -z "$$(gofmt -l idp tracker shared keys)" || { gofmt -l idp tracker shared keys; echo 'run: make format'; exit 1; }
	$(GO) vet ./...
	$(STATICCHECK) ./...
	$(GO) test -count=1 ./shared/arch
	$(GO) test -race -vet=off -count=1 -timeout 12m -skip '$(BROWSER)|TestScripts' $$($(GO) list ./... | grep -v tracker/e2e)
	$(GO) test -race -vet=off -count=1 -timeout 12m -run 'TestStories$$' ./tracker/e2e

format: ## gofmt everything
	gofmt -w idp tracker shared keys

screens: prepare ## screenshots of every page into var/screens
	TEGATA_SCREENS=$(CURDIR)/var/screens $(GO) test -count=1 -timeout 20m -run TestEveryPage ./tracker/e2e

interop: prepare ## software of others (Node, Python, Java, Apache …) against the provider; needs their registries
	TEGATA_INTEROP=required $(GOTESTSUM) --format testname -- -count=1 -timeout 20m ./idp/oidc/interop

bench: ## load on the real idp, with the aims; BENCH='-only sqlite -lines refresh' for a part, -json for machines
	$(GO) run ./tracker/e2e/load $(BENCH)

soak: ## the mixed load for a long time: memory, goroutines
	$(GO) run ./tracker/e2e/load -soak $(SOAK)

benchmarks: ## testing benchmarks of single parts, to profile them
	$(GO) test -run '^$$' -bench . -benchmem ./idp/oidc ./idp/accounts ./shared/db

golden: ## rewrite the golden files
	$(GO) test ./... -update

clean-data: ## forget the data of make run
	rm -rf var/idp var/tracker

prepare: ## Chromium, PostgreSQL and axe-core, if this machine lacks them
	@.ci/prepare
