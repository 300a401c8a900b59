# What a fresh machine needs: make, and a Python of 3.11 or newer with venv.
#
#   make run     serve the built-in example on 127.0.0.1:5300, in the foreground
#   make test    run the whole test suite
#   make lint    ruff and mypy
#   make docs    the manual, as HTML in docs/_build/html
#   make man     the man page, in docs/_build/man
#   make clean   remove what the above have made
#
# PYTHON chooses the interpreter that makes the environment, VENV its folder,
# TESTS what `make test` runs.

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)
VENV ?= .venv
TESTS ?= tests
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check --quiet
# A change to one of these asks for a new install; all other files are used in place.
PARTS = setup.cfg pyproject.toml $(wildcard setup.py dinamed/*/*.pyx dinamed/*/*.pxd dinamed/*/*.pxi)

.PHONY: run test lint docs man clean print-python

run: $(VENV)/.installed
	exec $(BIN)/twistd -n --pidfile= dinamed -i 127.0.0.1 -p 5300 \
		-c dinamed/example/dinamed.toml

test: $(VENV)/.installed-test
	$(BIN)/python -m twisted.trial $(TESTS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.installed-dev
	$(BIN)/sphinx-build -q -W -b html docs docs/_build/html

man: $(VENV)/.installed-dev
	$(BIN)/sphinx-build -q -W -b man docs docs/_build/man

clean:
	rm -rf build dist docs/_build *.egg-info _trial_temp* .mypy_cache .ruff_cache \
		.hypothesis .coverage twisted/plugins/dropin.cache
	rm -f dinamed/*/native.c dinamed/*/*.so $(VENV)/.installed*
	find dinamed tests benchmarks twisted -name __pycache__ -prune -exec rm -rf {} +

print-python:
	@echo $(PYTHON)

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "dinamed needs Python 3.11 or newer" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(PARTS) | $(BIN)/python
	@echo "Installing into $(VENV) and compiling: this may take some minutes."
	$(PIP) install -e .
	touch $@

$(VENV)/.installed-test: $(PARTS) | $(BIN)/python
	$(PIP) install -e ".[test]"
	touch $@ $(VENV)/.installed

$(VENV)/.installed-dev: $(PARTS) | $(BIN)/python
	$(PIP) install -e ".[dev]"
	touch $@ $(VENV)/.installed $(VENV)/.installed-test
