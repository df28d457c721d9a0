# make demo   set everything up and run the pocket study on the embedded model
# make test   set everything up and run the tests
# make check  lint, types, import contract, tests
# make bench  the measurements behind the figures in README and docs
# make bench-stats   the statistics against R: deviations, speed, coverage, false positives (R from Debian; see README)
# make bench-client  what a call costs the client, beside other clients (RIVALS=PYTHON with openai, litellm, inspect-ai)
# make bench-faults  3,000 calls under every fault at once, and 100 kills of a run of 3,000 calls
# make docs   the references of the command line and of the statistics, from the program itself
# make lock   pin all dependencies anew, with hashes and without download addresses

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
export OMP_WAIT_POLICY = passive
export OPENBLAS_NUM_THREADS = 1

.PHONY: demo test check check-static bench bench-stats bench-client bench-faults docs lock

demo: $(VENV)/.run
	@echo "== The pocket study: 16 respondents, one small language model, no network"
	$(BIN)/valuelex run examples/pocket.toml --yes
	@echo "== Open examples/pocket/report.html in a browser"

test: $(VENV)/.dev
	@echo "== Tests"
	$(BIN)/pytest

check: check-static test

check-static: $(VENV)/.dev
	@echo "== Lint"
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	@echo "== Types"
	$(BIN)/mypy
	$(BIN)/mypy --config-file benchmarks/mypy.ini benchmarks/*.py
	@echo "== Import contract"
	$(BIN)/lint-imports

STATS_BENCHES := benchmarks/oracles.py $(filter-out benchmarks/speed_judge.py benchmarks/speed_structure.py,$(wildcard benchmarks/speed_*.py benchmarks/coverage_*.py)) \
	benchmarks/false_positives.py benchmarks/retention_accuracy.py

FAULT_BENCHES := benchmarks/kills.py benchmarks/fault_run.py
CLIENT_BENCHES := $(wildcard benchmarks/client_*.py)

bench: $(VENV)/.dev
	@for script in $(filter-out $(STATS_BENCHES) $(FAULT_BENCHES) $(CLIENT_BENCHES),$(wildcard benchmarks/*.py)); do echo "== $$script"; $(BIN)/python $$script || exit 1; done

bench-stats: $(VENV)/.dev
	@command -v Rscript > /dev/null || echo "R is not installed: our times are shown without R's"
	@for script in $(STATS_BENCHES); do echo "== $$script"; $(BIN)/python $$script || exit 1; done

bench-faults: $(VENV)/.dev
	@for script in $(FAULT_BENCHES); do echo "== $$script"; $(BIN)/python $$script || exit 1; done

bench-client: $(VENV)/.dev
	$(BIN)/python benchmarks/client_speed.py $(if $(RIVALS),--rivals $(RIVALS))
	$(BIN)/python benchmarks/client_scale.py

docs: $(VENV)/.dev
	$(BIN)/typer valuelex.cli utils docs --name valuelex --output docs/reference/cli.md
	$(BIN)/python docs/make_statistics_reference.py > docs/reference/statistics.md

lock:
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-annotate --no-header --extra embedded --extra build pyproject.toml -o requirements/run.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-annotate --no-header --extra embedded --extra build --extra inspect --extra dev pyproject.toml -o requirements/dev.txt

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.12 ..."; exit 1; }
	@echo "== Making a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# $(call install,REQUIREMENTS): wheels only, so that nothing is ever compiled.
define install
	@echo "== Installing $(1), pinned by hash"
	@$(PIP) install --quiet --only-binary :all: --require-hashes -r $(1)
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@$(BIN)/valuelex embedded install
	@touch $@
endef

$(VENV)/.run: $(VENV)/bin/python requirements/run.txt pyproject.toml src/valuelex/assets/weights.txt
	$(call install,requirements/run.txt)

$(VENV)/.dev: $(VENV)/bin/python requirements/dev.txt pyproject.toml src/valuelex/assets/weights.txt
	$(call install,requirements/dev.txt)
	@touch $(VENV)/.run
