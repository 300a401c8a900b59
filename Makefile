# What a fresh machine needs: make, and a Python of 3.11 or newer with venv.
#
#   make run       serve the built-in example on 127.0.0.1:5300, in the foreground
#   make test      run the whole test suite, on all processors
#   make coverage  the same, and fail where less than FLOOR per cent is covered
#   make lint      ruff, cython-lint, yamllint and mypy
#   make sanitize  the compiled parts under sanitizers, and SECONDS of fuzzing
#   make docs      the manual, as HTML in docs/_build/html
#   make man       the man page, in docs/_build/man
#   make dist      sdist and wheel in DIST, the same from the same commit
#   make sbom      what a release brings along, as CycloneDX, beside them
#   make clean     remove what the above have made
#
# PYTHON chooses the interpreter that makes the environment, VENV its folder,
# TESTS what `make test` runs, JOBS in how many processes.

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)
VENV ?= .venv
TESTS ?= tests
JOBS ?= $(shell nproc 2>/dev/null || echo 1)
SECONDS ?= 60
# Branches included; what daemons of the tests run in their own processes is not counted.
FLOOR ?= 90
DIST ?= dist
# The time of the commit, for all that would be told the time of the build.
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null)
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check
# A change to one of these asks for a new install; all other files are used in place.
PARTS = setup.cfg pyproject.toml $(wildcard setup.py dinamed/*/*.pyx dinamed/*/*.pxd dinamed/*/*.pxi)

.PHONY: run test coverage lint sanitize docs man pictures dist sbom clean print-python

run: $(VENV)/.installed
	@echo "Serving example.org on 127.0.0.1 port 5300.  Try, in another terminal:"
	@echo "    dig +short @127.0.0.1 -p 5300 ftp.example.org"
	@echo "    $(BIN)/dinamed status"
	@echo "The dashboard is at http://127.0.0.1:8053/; Ctrl-C ends the server."
	exec $(BIN)/twistd -n --pidfile= dinamed -i 127.0.0.1 -p 5300 \
		-c dinamed/example/dinamed.toml

test: $(VENV)/.installed-test
	$(BIN)/python -m twisted.trial -j$(JOBS) $(TESTS)

coverage: $(VENV)/.installed-dev
	$(BIN)/coverage erase
	$(BIN)/coverage run -m twisted.trial -j$(JOBS) $(TESTS)
	$(BIN)/coverage combine -q
	$(BIN)/coverage report --fail-under=$(FLOOR)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PATH="$(BIN):$$PATH" $(BIN)/cython-lint dinamed tests/fuzz
	$(BIN)/yamllint --strict deploy
	$(BIN)/mypy

sanitize: $(VENV)/.installed-dev
	PYTHON=$(BIN)/python tests/plane/sanitize.sh 0.1
	PYTHON=$(BIN)/python tests/plane/races.sh
	PYTHON=$(BIN)/python tests/fuzz/plane.sh $(SECONDS)

docs: $(VENV)/.installed-dev
	$(BIN)/sphinx-build -q -W -b html docs docs/_build/html

pictures: $(VENV)/.installed-dev
	DINAMED_PICTURES=1 $(BIN)/python -m twisted.trial \
		tests.daemon.test_page.BusyTests.test_everywhere

man: $(VENV)/.installed-dev
	$(BIN)/sphinx-build -q -W -b man docs docs/_build/man

# Debugging information names the folder of the build.  setuptools gives the sdist the
# times of the build, so it is packed again.
dist: $(VENV)/.installed-dev
	@test -n "$(SOURCE_DATE_EPOCH)" || { echo "set SOURCE_DATE_EPOCH" >&2; exit 1; }
	rm -rf build "$(DIST)" dinamed/*/native.c
	SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) CFLAGS=-g0 \
		$(BIN)/python -m build --sdist --wheel --outdir "$(DIST)" >/dev/null
	set -e; for sdist in "$(DIST)"/*.tar.gz; do \
		folder=$$(basename "$$sdist" .tar.gz); \
		tar -C "$(DIST)" -xzf "$$sdist"; \
		tar -C "$(DIST)" --sort=name --mtime=@$(SOURCE_DATE_EPOCH) --owner=0 --group=0 \
			--numeric-owner --mode=u=rwX,go=rX --format=gnu -cf - "$$folder" \
			| gzip -n9 > "$$sdist.new"; \
		mv "$$sdist.new" "$$sdist"; rm -r "$(DIST)/$$folder"; \
	done
	cd "$(DIST)" && sha256sum * | tee SHA256SUMS

# From an environment that holds the wheel alone, with all that it needs.
sbom:
	$(BIN)/python -m venv --clear "$(DIST)/.sbom" "$(DIST)/.released"
	"$(DIST)/.sbom/bin/python" -m pip --quiet install cyclonedx-bom
	"$(DIST)/.released/bin/python" -m pip --quiet install "$$(echo "$(DIST)"/*.whl)[geo]"
	"$(DIST)/.released/bin/python" -m pip --quiet uninstall --yes pip setuptools
	"$(DIST)/.sbom/bin/cyclonedx-py" environment --output-reproducible --of JSON \
		-o "$(DIST)/dinamed.cdx.json" "$(DIST)/.released/bin/python"
	rm -rf "$(DIST)/.sbom" "$(DIST)/.released"

clean:
	rm -rf build dist docs/_build *.egg-info _trial_temp* .mypy_cache .ruff_cache \
		.hypothesis .coverage .coverage.* twisted/plugins/dropin.cache
	rm -f dinamed/*/native.c dinamed/*/*.so $(VENV)/.installed*
	find dinamed tests benchmarks twisted -name __pycache__ -prune -exec rm -rf {} +

print-python:
	@echo $(PYTHON)

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "dinamed needs Python 3.11 or newer" >&2; exit 1; }
	@echo "Making an environment in $(VENV)."
	@$(PYTHON) -m venv $(VENV)

# `run` shows what pip is about: a new user waits for it.
$(VENV)/.installed: $(PARTS) | $(BIN)/python
	@echo "Fetching the libraries and compiling the data plane: half a minute or so."
	@$(PIP) install --progress-bar off -e . | sed -u -n \
		-e 's/^Collecting \([A-Za-z0-9_-]*\).*/  fetching \1/p' \
		-e 's/^ *Building editable for dinamed.*: started/  compiling/p' \
		-e 's/^Installing collected packages.*/  installing/p' \
		-e 's/^Successfully.*/  done/p'
	@$(BIN)/python -c 'import dinamed.cli'
	@touch $@

$(VENV)/.installed-test: $(PARTS) | $(BIN)/python
	$(PIP) install --quiet -e ".[test]"
	touch $@ $(VENV)/.installed

$(VENV)/.installed-dev: $(PARTS) | $(BIN)/python
	$(PIP) install --quiet -e ".[dev]"
	touch $@ $(VENV)/.installed $(VENV)/.installed-test
