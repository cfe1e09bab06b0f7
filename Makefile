# make demo   set everything up and run the main example
# make test   set everything up, then lint, types, tests (the examples and the documentation's code among them)
# Each set-up leaves a stamp in .venv, so that the second run starts at once.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
N      ?= 200
SEED   ?= 0
ARGS   ?=

export MPLBACKEND = Agg
export PYTHONUNBUFFERED = 1
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: demo test lint format bench fuzz planted nightly exhaustive clean
.DELETE_ON_ERROR:

demo: $(VENV)/.ready-examples
	$(BIN)/python examples/sunspots.py

test: lint
	@echo "== pytest"
	@$(BIN)/python -m pytest --numprocesses auto --dist worksteal $(ARGS)

lint: $(VENV)/.ready-test
	@echo "== ruff check";  $(BIN)/ruff check .
	@echo "== ruff format"; $(BIN)/ruff format --check .
	@echo "== mypy";        $(BIN)/mypy

format: $(VENV)/.ready-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# make bench ARGS="ring garch": those only; without: all of them
bench: $(VENV)/.ready-bench
	$(BIN)/python -m benchmarks $(ARGS)

# make fuzz N=1000 SEED=7: that many random systems from that seed, compiled against interpreted
fuzz: $(VENV)/.ready-test
	$(BIN)/python -m tests.fuzz --count $(N) --seed $(SEED)

# plants errors into a copy, one at a time: the tests must find each
planted: $(VENV)/.ready-test
	$(BIN)/python -m tests.planted $(ARGS)

# long laws: each system without each transform and with it alone, exponents of time
nightly: $(VENV)/.ready-test
	$(BIN)/python -m pytest -m nightly $(ARGS)

# every scalar function over all float32 and ten million float64, and whatever else takes minutes; ARGS="-k exp": some
exhaustive: $(VENV)/.ready-test
	$(BIN)/python -m pytest -m exhaustive $(ARGS)

clean:
	rm -rf $(VENV) build dist out *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "graphc needs Python 3.11 or newer; set PYTHON=...")'
	@echo "== virtual environment in $(VENV)"
	$(PYTHON) -m venv $(VENV)

# .ready-EXTRA: graphc and that extra of pyproject.toml are installed
$(VENV)/.ready-%: pyproject.toml | $(BIN)/python
	@echo "== installing graphc[$*]"
	$(BIN)/python -m pip install --progress-bar on -e '.[$*]'
	@$(BIN)/python -m compileall -q graphc
	@touch $@
