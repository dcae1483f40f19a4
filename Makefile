# Everything starts from a fresh checkout: each target makes the environment that it needs.
# A second run finds the stamps in the environment and goes straight to the work.

PORT   ?= 8000
ARGS   ?=
# The interpreter that .venv is made with: the first supported one on the machine.
PYTHON ?= $(shell scripts/find-python)

VENV := .venv
BIN  := $(VENV)/bin
PIP  := $(BIN)/python -m pip --disable-pip-version-check install --quiet

MADE := $(VENV)/.stamp-made
DEMO := $(VENV)/.stamp-demo
TEST := $(VENV)/.stamp-test
BENCH := .venv-bench/.stamp-bench

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: autobahn bench help demo test test-python test-js test-matrix torture lint types migrations format build clean tools

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(DEMO) ## run the example on http://127.0.0.1:8000/ (make demo PORT=9000)
	@$(BIN)/python manage.py demo $(PORT)

test: lint types migrations test-js test-python ## run everything that must pass

test-python: $(TEST) tools ## run the Python and browser tests with coverage (ARGS="-k name")
	@$(BIN)/coverage erase
	COVERAGE=$(BIN)/coverage scripts/test-python $(ARGS)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report $(if $(ARGS),--fail-under=0)

test-js: tools ## run the JavaScript unit tests
	scripts/test-js

test-matrix: ## run the Python tests on each supported pair of Python and Django
	scripts/test-matrix $(ARGS)

lint: $(TEST) ## check style and format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(TEST) ## check types
	$(BIN)/mypy

migrations: $(TEST) ## check that no migration is missing
	DATABASE_URL=sqlite://:memory: $(BIN)/python -W error manage.py makemigrations --check --dry-run

format: $(TEST) ## put code into shape
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

autobahn: $(TEST) ## run the fuzzing client of Autobahn|Testsuite (ARGS="--write docs/autobahn.md")
	PYTHON=$(BIN)/python scripts/autobahn $(ARGS)

torture: $(TEST) tools ## try what is promised for bad days (ARGS="--only 3,4", "--quick" or "--write")
	$(BIN)/python -m tests.torture $(ARGS)

bench: $(BENCH) tools ## measure beside other servers and write docs (ARGS="--quick" prints)
	.venv-bench/bin/python -m benchmarks.run $(if $(ARGS),$(ARGS),--write)

build: $(TEST) ## build sdist and wheel into dist/
	rm -rf build dist
	$(BIN)/python -m build --no-isolation

clean: ## remove environments and everything built
	rm -rf $(VENV) .venv-matrix .venv-bench .venv-autobahn build dist htmlcov .coverage .coverage.* *.egg-info
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

tools:
	@scripts/install-system-tools

$(BENCH): benchmarks/setup.sh benchmarks/requirements.txt benchmarks/package.json setup.cfg pyproject.toml
	benchmarks/setup.sh
	@touch $@

$(MADE):
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer, with venv, was not found: install it, or say make PYTHON=/path/to/python3" >&2; exit 1; }
	"$(PYTHON)" -m venv --clear $(VENV)
	@touch $@

$(DEMO): $(MADE) setup.cfg pyproject.toml
	$(PIP) --editable ".[speedups]"
	@touch $@

$(TEST): $(MADE) setup.cfg pyproject.toml
	$(PIP) --editable ".[speedups,test]"
	@touch $@ $(DEMO)
