# Everything a newcomer needs: `make run`, `make test`. Python >= 3.11 and make are enough; the rest goes into .venv.

VENV := .venv
PYTHON := $(VENV)/bin/python
PIP := $(PYTHON) -m pip --disable-pip-version-check --no-input install -qq --root-user-action ignore
LOCK := $(PYTHON) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url pyproject.toml
export FLASK_APP := app

.DEFAULT_GOAL := help
.PHONY: help run test coverage lint types format lock screenshots secret

help: ## list what can be done
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' Makefile

run: $(VENV)/.installed ## set the site up and serve it; settings from the environment, as in `make run PORT=9000`
	@$(PYTHON) -m flask setup --demo
	@exec $(PYTHON) run.py

# What was compiled is kept, whatever the shell says: the tests start many processes.
test: $(VENV)/.installed-dev ## run the tests; ARGS="tests/parties -k waiting" chooses some
	@PYTHONDONTWRITEBYTECODE= $(PYTHON) -m pytest $(or $(ARGS),--numprocesses auto --maxprocesses 4)

coverage: $(VENV)/.installed-dev ## run all tests, and tell which lines none of them meets; takes twice as long
	@PYTHONDONTWRITEBYTECODE= $(PYTHON) -m pytest --numprocesses auto --maxprocesses 4 --cov

lint: $(VENV)/.installed-dev ## look for mistakes in code, templates and the direction of imports
	@$(PYTHON) -m ruff check
	@$(PYTHON) -m ruff format --check
	@$(PYTHON) -m djlint app/templates --check
	@$(PYTHON) -m djlint app/templates --lint
	@$(VENV)/bin/lint-imports --no-logo

types: $(VENV)/.installed-dev ## check the types
	@$(PYTHON) -m mypy

format: $(VENV)/.installed-dev ## put code and templates into the common form
	@$(PYTHON) -m ruff check --fix
	@$(PYTHON) -m ruff format
	@$(PYTHON) -m djlint app/templates --reformat --quiet

lock: $(VENV)/.installed-dev ## write the requirements files anew from pyproject.toml
	@$(LOCK) --output-file requirements.txt
	@$(LOCK) --group dev --constraints requirements.txt --output-file requirements-dev.txt

screenshots: $(VENV)/.installed-dev ## take the pictures of the documents anew; needs Chromium
	@$(PYTHON) -m docs.make_screenshots

secret: $(VENV)/.created ## write a new secret key to instance/, unless there is one
	@mkdir -p instance
	@test ! -e instance/secret_key || { echo "instance/secret_key exists; remove it to sign everybody out."; exit 1; }
	@umask 077; $(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(48))' > instance/secret_key
	@echo "Written to instance/secret_key"

# The first Python that is new enough. It may be on the path and still not run (pyenv's shims), so each is tried.
$(VENV)/.created:
	@for python in python3 python3.14 python3.13 python3.12 python3.11; do \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "Making $(VENV) with $$($$python --version)"; \
			$$python -m venv --clear $(VENV) && touch $@ && exit 0; \
			echo "It cannot make environments; on Debian: apt-get install python3-venv" >&2; exit 1; \
		fi; \
	done; \
	echo "Python 3.11 or newer is needed, and was not found as python3 or python3.11 to python3.14." >&2; exit 1

$(VENV)/.installed: requirements.txt $(VENV)/.created
	@echo "Installing what the site needs (once; about a minute)"
	@$(PIP) --require-hashes --requirement requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.created
	@echo "Installing what the tests need (once; about two minutes)"
	@$(PIP) --require-hashes --requirement requirements-dev.txt
	@touch $@ $(VENV)/.installed
