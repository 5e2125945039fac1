# `make demo` and `make test` need Python 3.10-3.13 and nothing else; PYTHON=python3.12 picks one.
PYTHON ?= python3
VENV := .venv
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check
CLI_READY := $(VENV)/.cli-ready
DEV_READY := $(VENV)/.dev-ready
PANEL_READY := $(VENV)/.panel-ready
WEB_READY := $(VENV)/.web-ready
BENCHMARK_READY := $(VENV)/.benchmark-ready
DOCS_READY := $(VENV)/.docs-ready

.PHONY: demo panel review test acceptance benchmark lint docs release clean

demo: $(CLI_READY)
	$(VENV)/bin/ldct-bmd demo -o demo --overwrite

# The module in a window, on a stand-in for 3D Slicer: make panel SCAN=FOLDER_OR_FILE [SCREENSHOT=FILE]
panel: $(PANEL_READY)
	PYTHONPATH=LDCTBoneDensity:Lab:Standin $(VENV)/bin/python -m slicer_standin $(if $(SCAN),"$(SCAN)") $(if $(SCREENSHOT),--screenshot "$(SCREENSHOT)")

# The review in a browser: make review [SCAN=FOLDER_OR_FILE]. Without a scan, the demo's synthetic torso.
review: $(WEB_READY)
	$(if $(SCAN),,test -d demo-scan || $(VENV)/bin/ldct-bmd phantom -o demo-scan)
	$(VENV)/bin/ldct-bmd review "$(or $(SCAN),demo-scan/dicom)" -o "$(or $(RESULT),demo-review)"

# The tests start some hundred processes: with bytecode kept, none compiles the sources again.
test: $(DEV_READY)
	PYTHONDONTWRITEBYTECODE= $(VENV)/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# Long runs that no change waits for: 5,000 damaged inputs, each read or refused in a sentence; each command that
# writes, killed at each of its touches of the file system; and 40 virtual patients against the project's targets.
acceptance: $(DEV_READY)
	$(VENV)/bin/python Testing/fuzz/run.py 5000
	LDCT_BMD_KILLS=30 $(VENV)/bin/python -m pytest Testing/engine/screening/test_kills.py
	LDCT_BMD_WATCHED=200 $(VENV)/bin/python -m pytest Testing/engine/screening/test_watch.py
	$(VENV)/bin/python Testing/kills/kill_each.py
	LDCT_BMD_COHORT=40 $(VENV)/bin/python -m pytest Testing/lab/simulation/test_simulate_cohort.py

# The engine's networks next to TotalSegmentator's architecture, and to themselves in other runtimes.
benchmark: $(BENCHMARK_READY)
	$(VENV)/bin/python Testing/benchmarks/side_by_side.py

lint: $(DEV_READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

# The documentation, as a folder of pages that opens from the disk. Any warning, dead link or dead anchor fails.
docs: $(DOCS_READY)
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build
	@echo "Open build/docs/index.html; to search in it, serve it: python3 -m http.server -d build/docs"

# Wheels, source archives, the extension's folder, offline wheel sets and checksums in build/release, tried in fresh
# environments outside this checkout with each Python from 3.10 to 3.13 that is at hand.
release:
	$(PYTHON) Tools/release.py

clean:
	rm -rf $(VENV) demo demo-scan demo-review build .pytest_cache .mypy_cache .ruff_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' || \
	  { echo "$(PYTHON) is not Python 3.10-3.13; name one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
	  { echo "$(PYTHON) can't make virtual environments; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(CLI_READY): pyproject.toml Lab/pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install --no-compile -c constraints.txt -e . -e Lab
	@touch $@

$(PANEL_READY): pyproject.toml Lab/pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install -c constraints.txt -e ".[panel,reports]" -e Lab
	@touch $(CLI_READY) $@

$(WEB_READY): pyproject.toml Lab/pyproject.toml Web/pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install -c constraints.txt -e . -e Lab -e Web
	@touch $(CLI_READY) $@

$(BENCHMARK_READY): $(CLI_READY)
	$(PIP) install -c constraints.txt -e ".[openvino]" -e "Lab[train]"
	@touch $@

$(DOCS_READY): pyproject.toml Lab/pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install -c constraints.txt -e ".[docs]" -e Lab
	@touch $(CLI_READY) $@

$(DEV_READY): pyproject.toml Lab/pyproject.toml Web/pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install -c constraints.txt -e ".[dev]" -e "Lab[train,validation]" -e Web
	@touch $(CLI_READY) $@
