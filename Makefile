# Every command sets up what it needs: Python 3.11 or newer, venv and make are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
FUZZ := $(VENV)/fuzz
.DEFAULT_GOAL := help

.PHONY: help demo test thorough soak bench targets fuzz pictures check format lock clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "feedwatch needs Python 3.11 or newer: try  make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "setting up $(VENV) (once)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP)  ## a server, a daemon and a moving queue in this terminal
	@$(BIN)/feedwatch demo

# Four at once on two cores: many a test waits for what a real process does. Compiled before: there are hundreds
# of such processes, and where the environment forbids bytecode each would compile all of the program again.
test: $(STAMP)  ## the test suite
	@$(BIN)/python -m compileall -q feedwatch
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -n 4 --dist worksteal -q

thorough: $(STAMP)  ## the cases that the suite leaves out, to be quick: CI asks them, too
	@$(BIN)/python -m compileall -q feedwatch
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -n 3 --dist worksteal -q -m thorough

soak: $(STAMP)  ## the long runs: every fault, a thousand deaths, a week of a thousand feeds (half an hour)
	@$(BIN)/python tests/reliability/soak.py
	@$(BIN)/python -m pytest -n 2 -q -m long

# With words for the last of them in BENCH: make bench BENCH=--quick
bench: $(STAMP)  ## how fast it is: routes, a catalog, and polls beside a bare fetch (BENCH=--quick: a minute)
	@test -n "$(BENCH)" || $(BIN)/python tests/bench/bench_routes.py
	@test -n "$(BENCH)" || $(BIN)/python tests/bench/bench_catalog.py
	@$(BIN)/python tests/bench/bench_polls.py $(BENCH)

targets: $(STAMP)  ## tell eight strict services everything, and write docs/targets.md
	@$(BIN)/python tests/strict/write_targets.py

fuzz: $(STAMP)  ## every reader under atheris, a minute each (in a venv of its own)
	@test -x $(FUZZ)/bin/python || $(PYTHON) -m venv $(FUZZ)
	@$(FUZZ)/bin/python -m pip install --quiet --disable-pip-version-check 'atheris>=3'
	@mkdir -p $(FUZZ)/found
	@export PYTHONPATH="$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))'):."; \
	targets="$$($(FUZZ)/bin/python tests/fuzz/run_atheris.py)" || exit 1; \
	for target in $$targets; do \
		echo "fuzzing $$target"; \
		$(FUZZ)/bin/python tests/fuzz/run_atheris.py $$target $(FUZZ)/found tests/data/feeds \
			-max_total_time=60 -timeout=10 -artifact_prefix=$(FUZZ)/ -verbosity=0 || exit 1; \
	done

pictures: $(STAMP)  ## the pictures in the documentation anew (needs a Chromium on the PATH)
	@$(BIN)/python tests/scribe/take_pictures.py

check: $(STAMP)  ## all that CI asks: format, lint, types, import contracts, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(MAKE) --no-print-directory test

format: $(STAMP)  ## put the code in its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(STAMP)  ## resolve the dependencies anew (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --group dev pyproject.toml -o requirements-dev.lock

clean:  ## remove what make made
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
