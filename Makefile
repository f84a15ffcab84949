# Tillwise. `make` alone says what there is.
# PYTHON chooses the interpreter for .venv (3.11 to 3.13); ARGS goes to the command: make up ARGS="--port 9000".

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev up test test-unit lint types format bench chaos lock clean
SHELL := /bin/bash
VENV ?= .venv
BIN := $(VENV)/bin
# Tests of packages wait for servers half of the time; journeys want the machine for themselves.
TWO_AT_ONCE := -n 2 --dist loadfile
PACKAGES := libs/common services/gateway services/analytics services/worker libs/standalone
PROJECTS := $(PACKAGES:%=%/pyproject.toml)

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(VENV)/.ready ## Install Tillwise into .venv (Python 3.11 to 3.13 is all it needs)

setup-dev: $(VENV)/.ready-dev ## The same, with what tests and checks need

up: setup ## Start everything on this machine and print where it is; Ctrl-C stops it
	@exec $(BIN)/tillwise up $(ARGS)

test: setup-dev ## Run all tests (those that need a browser say so when there is none); ARGS="-k word" runs some
	@if [ -n '$(ARGS)' ]; then exec $(BIN)/python -m pytest $(ARGS); fi; failed=0; \
	$(BIN)/python -m pytest $(TWO_AT_ONCE) libs services || failed=$$?; \
	$(BIN)/python -m pytest tests-e2e || failed=$$?; exit $$failed

test-unit: setup-dev ## Run the tests of the packages, without the end-to-end journeys
	@$(BIN)/python -m pytest $(TWO_AT_ONCE) libs services $(ARGS)

lint: setup-dev ## Check style, types and who imports whom
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/lint-imports --no-logo && $(BIN)/mypy

types: setup-dev ## Check types alone
	@$(BIN)/mypy

format: setup-dev ## Put the code into shape
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

bench: setup-dev ## Measure, side by side with what bounds us; prints ratios
	@$(BIN)/python tests-e2e/bench/run.py $(ARGS)

chaos: setup-dev ## Break everything at random for five minutes and prove that nothing was lost (ARGS="--seconds 60 --seed 7 --runs 3")
	@$(BIN)/python tests-e2e/chaos/run.py $(ARGS)

lock: setup-dev ## Compile the lock files from the .in files
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements.in -o requirements.lock
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements-dev.in -o requirements-dev.lock

clean: ## Remove what was made here, except data
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/.ready: requirements.lock $(PROJECTS) | $(VENV)/.made
	@.ci/install $(VENV) requirements.lock $(PACKAGES)
	@touch $@

$(VENV)/.ready-dev: requirements-dev.lock $(PROJECTS) | $(VENV)/.made
	@.ci/install $(VENV) requirements-dev.lock $(PACKAGES)
	@touch $@ $(VENV)/.ready

$(VENV)/.made:
	@.ci/venv $(VENV) $(PYTHON)
	@touch $@
