# The README's two commands are `make demo` and `make test`; both set up what they need.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test check lint cluster real soak scale fuzz docs pictures clean
.DEFAULT_GOAL := demo

demo: $(READY)
	$(BIN)/attnmetrics demo

test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory lint; \
	else echo "NO NODE: the pages' JavaScript is not checked; install Node 18.18 or newer, with npm"; fi

lint: node_modules/.ready
	npm run --silent lint

cluster: $(READY)
	$(BIN)/python -m pytest -m cluster

REAL_MODELS ?= runs/real-models

real: $(READY)
	$(BIN)/python tests/real/fetch.py $(REAL_MODELS)
	ATTNMETRICS_REAL_MODELS=$(REAL_MODELS) $(BIN)/python -m pytest -m real -s --timeout 7200

soak: $(READY)
	$(BIN)/python -m pytest -m soak -s --timeout 7200

scale: $(READY)
	$(BIN)/python -m pytest -m soak -s --timeout 7200 tests/clusters/test_scale.py

FUZZ_SECONDS ?= 60

fuzz: $(READY)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt atheris
	$(BIN)/python tests/fuzz/run.py --seconds $(FUZZ_SECONDS)

docs: $(READY)
	$(BIN)/python docs/results.py

pictures: $(READY)
	$(BIN)/python tests/real/fetch.py $(REAL_MODELS)
	$(BIN)/attnmetrics run --model $(REAL_MODELS)/smollm2 --corpus demo --out runs/smollm2
	$(BIN)/python docs/pictures.py runs/smollm2 $(REAL_MODELS)/smollm2

clean:
	rm -rf $(VENV) node_modules runs

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "attnmetrics needs Python 3.11 or newer: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

node_modules/.ready: package.json package-lock.json
	npm ci --loglevel=error
	touch $@
