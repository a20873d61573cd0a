# `make help` lists the targets. Only `run`, `install` and `test` are needed to try the marketplace.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ON_TWO_CORES := $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder
POSTGRESQL15 ?= /usr/lib/postgresql/15/bin

.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help run install test test-long test-postgresql15 soak asvs compliance check bench stripe-check fmt lock messages third-party import-real \
	clean venv packages packages-dev packages-s3 list

help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: packages ## the whole demonstration on http://localhost:8000 (PORT=, SIMULATOR_PORT=, DATABASE_URL=)
	@exec $(BIN)/python -m sandbox.run

install: packages packages-dev packages-s3 ## set up .venv with everything, development requirements included

test: install ## check the code, then run all tests but the long ones, on two cores (ARGS= for pytest)
	@$(MAKE) --no-print-directory check
	$(ON_TWO_CORES) -m "not long" $(ARGS)

test-long: install ## run the long tests: browsers, killed processes, every door, whole sales attacked (ARGS= for pytest)
	$(ON_TWO_CORES) -m long $(ARGS)

test-postgresql15: install ## run the tests of services and data on Debian's PostgreSQL 15 (ARGS= for pytest)
	EMBEDDED_POSTGRESQL=$(POSTGRESQL15) $(ON_TWO_CORES) tests/integration $(ARGS)

soak: install ## a thousand purchases while everything dies and the provider lies, figures in JSON at the end (PURCHASES=, SEED=)
	@$(BIN)/python -m tests.faults.soak $(ARGS)

asvs: install ## run the tests that hold a check of OWASP ASVS 5.0.0; print check, tests, result (ARGS= for pytest)
	@$(BIN)/python -m tests.asvs $(ARGS)

compliance: install ## run the tests that hold a requirement of the law; print requirement, source, tests, result (ARGS= for pytest)
	@$(BIN)/python -m tests.compliance $(ARGS)

check: packages packages-dev ## lint, format, types, import rules, architecture tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --config tests/architecture/contracts.toml
	$(BIN)/python -m pytest -q tests/architecture

fmt: packages-dev ## format, and mend what the linter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: packages-dev ## resolve requirements*.in for all supported versions of Python into pinned files with hashes
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--no-emit-index-url --no-emit-find-links requirements.in --output-file requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--no-emit-index-url --no-emit-find-links requirements-dev.in --output-file requirements-dev.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--no-emit-index-url --no-emit-find-links requirements-s3.in --output-file requirements-s3.txt

messages: packages ## bring the catalog of Chinese sentences up to date with the code and the templates
	@$(BIN)/python -m tests.architecture.messages

third-party: packages-dev ## write THIRD_PARTY.md from the pinned packages
	$(BIN)/python -m tests.architecture.third_party

bench: packages packages-dev ## measure beside floors and peers, a line for each figure, JSON at the end (some minutes)
	@$(BIN)/python -m bench

import-real: packages ## load the real plans and premiums (REAL_DATA=../shared/data) into the running demonstration
	@$(BIN)/python -m sandbox.real_data

stripe-check: packages ## hold the payment simulator against its scenario, and against Stripe with STRIPE_CHECK_KEY=sk_test_…
	@$(BIN)/python -m sandbox.stripe_check

clean: ## remove .venv and caches; the demonstration's data in instance/ stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .import_linter_cache .hypothesis .pytest_cache
	find . -name __pycache__ -type d -not -path './instance/*' -prune -exec rm -rf {} +

# --- setting up: each package list is installed once, and again when the list changes -------------------------------

packages:
	@$(call install,requirements.txt)

packages-dev:
	@$(call install,requirements-dev.txt)

packages-s3:
	@$(MAKE) --no-print-directory VENV=$(VENV)/s3 list LIST=requirements-s3.txt

list:
	@$(call install,$(LIST))

venv:
	@command -v $(PYTHON) >/dev/null || { \
		echo "$(PYTHON) was not found: install Python 3.11 to 3.14, or say which one: make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info[:2] <= (3, 14) or sys.exit( \
		"Python 3.11 to 3.14 is needed; $(PYTHON) is %d.%d. Say which one: make PYTHON=python3.12 ..." % sys.version_info[:2])'
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "Python's venv module is missing. On Debian and Ubuntu: sudo apt install python3-venv"; exit 1; }
	@$(BIN)/python -c 'import pip' 2>/dev/null || { echo "Making $(VENV)."; $(PYTHON) -m venv --clear $(VENV); }

# The stamp holds the checksum of the list, so that a list from another branch is noticed and times do not matter.
# Nothing is compiled beforehand: Python compiles the half of the packages that is used, when it is first used.
define install
	stamp=$(VENV)/.installed-$(1)-`cksum < $(1) | tr ' ' -`; \
	if [ ! -e "$$stamp" ] || ! $(BIN)/python -c 'import pip' 2>/dev/null; then \
		$(MAKE) --no-print-directory venv || exit 1; \
		echo "Installing $(1). The first time takes about a minute."; \
		$(BIN)/python -m pip install -qq --disable-pip-version-check --no-compile --require-hashes --only-binary :all: \
			-r $(1) && rm -f $(VENV)/.installed-$(1)-* && touch "$$stamp"; \
	fi
endef
