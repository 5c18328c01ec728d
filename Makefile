.DEFAULT_GOAL := help
.PHONY: help setup repro flow compare ui serve check test test-slow bench peers clean

PYTHON ?= $(shell command -v python3.11 || echo python3)
BIN := .venv/bin
STAMP := .venv/.installed
DEV := .venv/.installed-dev
# --no-compile: Python compiles what is imported, when it first is, and must be let keep that: else every process of
# every stage compiles everything again.
unexport PYTHONDONTWRITEBYTECODE
# Arms that `make compare` trains at once.
JOBS ?= 1
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --no-compile -c constraints.txt

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(DEV) ## Make .venv with the pinned dependencies (the other targets do it when needed)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(INSTALL) --upgrade pip # the one that Python brings takes twice as long for what follows
	$(INSTALL) -e .
	touch $@

$(DEV): $(STAMP)
	$(INSTALL) -e '.[dev]'
	touch $@

repro: $(STAMP) ## Run every stage that is not up to date, then print the results
	$(BIN)/pb-rlsvr repro

flow: $(STAMP) ## The same through Prefect
	$(BIN)/pb-rlsvr flow

compare: $(STAMP) ## Train the arms of the comparison that params.yaml lists (hours), print the table
	$(BIN)/pb-rlsvr compare --jobs $(JOBS)

ui: $(STAMP) ## Start the Prefect server and the MLflow UI on this machine; Ctrl-C stops both
	@$(BIN)/pb-rlsvr ui

serve: $(STAMP) ## Run the nightly and weekly deployments, in a clone, on the server of `make ui`
	$(BIN)/python -m flows.deploy

check: $(DEV) ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: check ## Check, then run the fast tests
	$(BIN)/pytest -n logical --dist worksteal

test-slow: $(DEV) ## Run the tests that take seconds to minutes each: training, servers, a browser (three quarters of an hour)
	$(BIN)/pytest -n logical --dist loadfile -m slow
	$(BIN)/pytest -m alone

bench: $(DEV) ## Measure: building problems, reading answers, encoding texts, training, evaluation, flows (long)
	$(BIN)/python -m bench.problems
	$(BIN)/python -m bench.verifier
	$(BIN)/python -m bench.encoder
	$(BIN)/python -m bench.training
	$(PYTHON) -m venv .cache/harness
	.cache/harness/bin/python -m pip install --disable-pip-version-check -q -c constraints.txt 'lm_eval[hf]==0.4.13'
	$(BIN)/python -m bench.evaluation
	$(BIN)/python -m bench.orchestration

peers: $(DEV) ## Compare the answer reader with other projects' rules (docs/verifier_peers.md)
	$(BIN)/python -m pip download --disable-pip-version-check --no-deps -q -d .cache/peers lm_eval==0.4.13
	cd .cache/peers && $(abspath $(BIN)/python) -m zipfile -e lm_eval-*.whl .
	$(BIN)/python -m bench.peers .cache/peers/lm_eval

clean: ## Remove caches of tools (no results, no runs)
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find components flows tests -name __pycache__ -type d -prune -exec rm -rf {} +
