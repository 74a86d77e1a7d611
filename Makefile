# Needs only Python 3.11 or newer and git; everything else is installed into .venv.
#   make demo      judge a plan that must not be applied
#   make test      the tests                          (make test ARGS="-k ports")
#   make help      the rest

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=

DEMO_PLAN := fixtures/plans/net-banking-broken-create.json
DEMO_SOURCE := fixtures/configs/net-banking-broken

.DEFAULT_GOAL := help
.PHONY: help demo test lint format types layers docs-check bench environments fixtures build clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{ printf "  make %-11s %s\n", $$1, $$2 }'

# Stamps: an environment is installed anew only when the project's definition changes.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is older than Python 3.11; choose another: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml hatch_build.py | $(BIN)/python
	@echo "Installing iacgate into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml hatch_build.py | $(BIN)/python
	@echo "Installing iacgate and the development tools into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/.installed

# The report is read as well: a crash of the interpreter would exit with 1, too.
demo: $(VENV)/.installed ## judge a plan that must not be applied, and see it denied
	@code=0; rm -f $(VENV)/demo.json; \
	$(BIN)/iacgate check $(DEMO_PLAN) --source-dir $(DEMO_SOURCE) --report json=$(VENV)/demo.json || code=$$?; \
	outcome=$$($(BIN)/python -c 'import json, sys; print(json.load(open(sys.argv[1]))["decision"]["outcome"])' \
		$(VENV)/demo.json 2>/dev/null) || outcome='no report'; \
	echo; \
	if [ "$$code/$$outcome" = 1/deny ]; then \
		echo "demo: the gate denied this plan: exit code 1. That is what a pipeline sees."; \
	else \
		echo "demo: expected outcome deny with exit code 1, got $$outcome with $$code" >&2; exit 1; \
	fi

test: $(VENV)/.installed-dev ## the tests, on all cores
	@$(BIN)/python -m pytest -n auto $(ARGS)

lint: $(VENV)/.installed-dev ## style and likely bugs
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(VENV)/.installed-dev ## rewrite the sources in the house style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: $(VENV)/.installed-dev ## mypy, strict
	@$(BIN)/mypy

layers: $(VENV)/.installed-dev ## which package may import which
	@$(BIN)/lint-imports

docs-check: $(VENV)/.installed-dev ## every public name has a docstring
	@$(BIN)/interrogate src scripts

bench: $(VENV)/.installed-dev ## the benchmarks: ratios, not times
	@set -e; for file in benchmarks/bench_*.py; do echo "== $$file"; $(BIN)/python $$file $(ARGS); done

environments: $(VENV)/.installed-dev ## with and without checkov beside us, by pip and by uv: what works; needs an index
	@$(BIN)/python scripts/try_environments.py $(ARGS)

fixtures: $(VENV)/.installed-dev ## remake fixtures/plans; needs Terraform (make fixtures ARGS="drift moved")
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[fixtures]'
	@$(BIN)/python scripts/make_fixtures.py $(ARGS)

build: $(VENV)/.installed-dev ## sdist and wheel into dist/
	@$(BIN)/python -m build

clean: ## remove .venv, builds and caches
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
