# make help says what there is. PROFILE=quick (default) or paper; MIRAGE_DATA=folder of data sets.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
PYTHON ?= python3
PROFILE ?= quick
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help setup book test lint notebooks bench clean lock

help:  ## this list
	@echo "Usage: make TARGET [PROFILE=quick|paper] [MIRAGE_DATA=folder]"
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(READY): requirements.lock requirements.hashes pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "mirage needs Python 3.11 or later; '$(PYTHON)' is $$($(PYTHON) -V 2>&1). Say which with PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@echo "Installing the packages of requirements.lock into $(VENV) (a few minutes, once) ..."
	@$(PIP) --no-deps --require-hashes -r requirements.hashes
	@$(PIP) -r requirements.lock
	@$(PIP) --no-deps -e .
	@# Beside a CPU-only torch, PyPI's torchvision does not import, and transformers imports it.
	@$(BIN)/python -c 'import torchvision' 2>/dev/null || $(BIN)/python -m mirage._torchvision_guard
	@touch $@

setup: $(READY)  ## the environment in .venv, from requirements.lock

book: setup  ## run the notebooks and build the book (PROFILE=quick by default)
	@$(BIN)/mirage run --profile $(PROFILE)
	@$(BIN)/mirage book --profile $(PROFILE)

test: setup lint  ## everything CI checks: lint, unit tests, notebooks, the built book in a browser
	@$(BIN)/mirage run --profile quick
	@$(BIN)/mirage book --profile quick
	@$(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder
	@MIRAGE_SOURCE=embedded $(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile --override-ini=addopts= $$($(BIN)/python tests/nbval_options.py) notebooks

lint: setup  ## ruff, and no stray notebook output
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

bench: setup  ## speed and memory as ratios against named baselines (about a quarter of an hour)
	@$(BIN)/python -m benchmarks

lock: setup  ## renew requirements.lock from pyproject.toml's lower bounds
	@$(PYTHON) -m venv --clear _build/lock && _build/lock/bin/python -m pip install --quiet -e '.[test]' 'soupsieve<3'  # later ones refuse Python 3.11.4
	@{ sed -n '/^#/p' requirements.lock; _build/lock/bin/python -m pip freeze --exclude-editable | sed 's/+cpu//'; } > requirements.lock.new
	@mv requirements.lock.new requirements.lock
	@_build/lock/bin/python -m pip install --quiet uv
	@{ sed -n '/^#/p' requirements.hashes; grep -v '^#\|^torch' requirements.lock | _build/lock/bin/uv pip compile --quiet --no-deps --no-header --no-annotate --generate-hashes -; } > requirements.hashes.new
	@mv requirements.hashes.new requirements.hashes

clean:  ## remove what was built (not the environment, not the data)
	@rm -rf _build .pytest_cache .ruff_cache .hypothesis

notebooks: setup  ## renew the outputs stored in the notebooks (claims only, from embedded data)
	@MIRAGE_SOURCE=embedded $(BIN)/jupyter nbconvert --to notebook --execute --inplace notebooks/*.ipynb
	@$(BIN)/nbstripout --keep-count notebooks/*.ipynb
