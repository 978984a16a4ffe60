# Everything a newcomer needs: `make run`, `make test`. Python >= 3.11 and make are enough; the rest goes into .venv.

VENV := .venv
PYTHON := $(VENV)/bin/python
# The locks are complete and wheels need no building, so nothing is resolved here: no release of anybody can break it.
PIP := $(PYTHON) -m pip --disable-pip-version-check --no-input install -qq --root-user-action ignore \
	--no-deps --only-binary :all: --require-hashes
LOCK := $(PYTHON) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	--no-header --no-emit-index-url pyproject.toml
# A file at a time, those with slow tests first (tests/conftest.py): what its tests share, an application with views or a
# directory, is made once.
ON_ALL_CORES := --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
export FLASK_APP := app

.DEFAULT_GOAL := help
.PHONY: help install run dev shell reset test quick coverage lint types format lock outdated machines capacity benchmark benchmark-compare charts cluster fab-suite s3-tests letters mailbox readers directory-tests deploy-tests html lighthouse screenshots secret

help: ## list the available targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-17s %s\n", $$1, $$2}' Makefile

install: $(VENV)/.installed ## install what the site needs, to serve it for others (docs/operations.md)
	@$(PYTHON) -m compileall -q app migrations *.py

run: $(VENV)/.installed ## set up and serve the site; configure it with environment variables, as in `make run PORT=9000`
	@$(PYTHON) -m flask setup --demo
	@exec $(PYTHON) run.py

dev: $(VENV)/.installed-dev ## serve with debugger and reloader; shows SQL statements and e-mails in the terminal
	@$(PYTHON) -m flask setup --demo
	@exec $(PYTHON) -m flask --app app.dev --debug run --host "$${HOST:-127.0.0.1}" --port "$${PORT:-8080}"

shell: $(VENV)/.installed ## open a Python shell with db, clock and all models
	@exec $(PYTHON) -m flask shell

reset: $(VENV)/.installed ## remove the database in instance/, after asking; CONFIRM=yes does not ask
	@$(PYTHON) -m flask --app app.dev reset $(if $(filter yes,$(CONFIRM)),--yes)

# What was compiled is kept, whatever the shell says: the tests start many processes.
test: $(VENV)/.installed-dev ## run the tests; ARGS="tests/parties -k waiting" chooses some
	@PYTHONDONTWRITEBYTECODE= $(PYTHON) -m pytest $(or $(ARGS),$(ON_ALL_CORES))

quick: $(VENV)/.installed-dev ## run one case of each test that is fast, without PostgreSQL, browser and processes
	@PYTHONDONTWRITEBYTECODE= $(PYTHON) -m pytest $(ON_ALL_CORES) --quick -m "not slow and not postgresql" $(ARGS)

coverage: $(VENV)/.installed-dev ## run all tests and show uncovered lines; takes twice as long
	@PYTHONDONTWRITEBYTECODE= $(PYTHON) -m pytest $(ON_ALL_CORES) --cov

lint: $(VENV)/.installed-dev ## lint code, templates and import rules
	@$(PYTHON) -m ruff check
	@$(PYTHON) -m ruff format --check
	@$(PYTHON) -m djlint app/templates --check
	@$(PYTHON) -m djlint app/templates --lint
	@$(VENV)/bin/lint-imports --no-logo

types: $(VENV)/.installed-dev ## check the types
	@$(PYTHON) -m mypy

format: $(VENV)/.installed-dev ## format code and templates
	@$(PYTHON) -m ruff check --fix
	@$(PYTHON) -m ruff format
	@$(PYTHON) -m djlint app/templates --reformat --quiet

lock: $(VENV)/.installed-dev ## write the requirements files from pyproject.toml; UPGRADE=yes upgrades all versions
	@$(LOCK) $(if $(UPGRADE),--upgrade) --output-file requirements.txt
	@$(LOCK) $(if $(UPGRADE),--upgrade) --group dev --constraints requirements.txt --output-file requirements-dev.txt

outdated: $(VENV)/.installed-dev ## test against the newest versions of all dependencies; changes nothing here
	@$(PYTHON) -m tests.outdated

machines: $(VENV)/.installed-dev ## prove `make run` and `make test` on minimal Debians; needs root and debootstrap, takes two hours
	@$(PYTHON) -m tests.machines $(ARGS)

fab-suite: $(VENV)/.installed-dev ## run Flask-AppBuilder's own tests on our bases; ARGS="test_mvc test_menu" chooses files
	@PYTHONDONTWRITEBYTECODE= $(PYTHON) -m tests.upstream.fab_suite $(ARGS)

capacity: $(VENV)/.installed-dev ## measure what an e-mail, a page and a row take, for docs/operations.md
	@PYTHONDONTWRITEBYTECODE= $(PYTHON) -m tests.capacity

benchmark: $(VENV)/.installed-dev ## measure the site beside other frameworks; ARGS="--sizes 1k,100k,1m" (benchmarks/README.md)
	@$(PYTHON) -m benchmarks $(ARGS)

benchmark-compare: $(VENV)/.installed-dev ## measure the site beside the commit REV of itself
	@$(PYTHON) -m benchmarks --compare $(or $(REV),$(error Say which commit: make benchmark-compare REV=HEAD~1)) $(ARGS)

charts: $(VENV)/.installed-dev ## measure what 200 charts of 10,000 points take
	@PYTHONDONTWRITEBYTECODE= $(PYTHON) -m tests.chart_benchmark

cluster: $(VENV)/.installed-dev ## kill each part of a site on many machines, under traffic; needs pgbouncer, three minutes
	@PYTHONDONTWRITEBYTECODE= $(PYTHON) -m tests.cluster $(ARGS)

readers: $(VENV)/.installed-dev ## read calendars with other programs, and let them answer; needs packages of Debian and npm, ten minutes
	@$(PYTHON) -m tests.calendar_readers
	@$(PYTHON) -m tests.calendar_programs

letters: $(VENV)/.installed-dev ## send every kind of e-mail through Postfix and OpenDKIM; needs root, postfix, opendkim and opendkim-tools
	@$(PYTHON) -m tests.letters

directory-tests: $(VENV)/.installed-dev ## log in with OpenLDAP, 389-ds and Samba; needs root, and those of slapd, 389-ds-base and samba-ad-dc that are to be tried
	@$(PYTHON) -m tests.directories

deploy-tests: $(VENV)/.installed-dev ## try the files of deploy/; needs root and the packages that tests/deploy/__init__.py lists
	@PYTHONDONTWRITEBYTECODE= $(PYTHON) -m pytest -p no:randomly $(or $(ARGS),tests/deploy/proxies.py tests/deploy/server.py tests/deploy/containers.py)

s3-tests: $(VENV)/.installed-dev ## keep files in a bucket of an S3-compatible server; downloads moto and boto3
	@$(PYTHON) -m tests.s3_storage

mailbox: $(VENV)/.installed-dev ## read the mailbox of the site in Dovecot; needs root, dovecot-imapd and dovecot-lmtpd
	@$(PYTHON) -m tests.mailbox

html: $(VENV)/.installed-dev ## validate the HTML of every page; needs npm, five minutes
	@PYTHONDONTWRITEBYTECODE= $(PYTHON) -m pytest tests/site/html_validity.py $(ARGS)

lighthouse: $(VENV)/.installed-dev ## ask Lighthouse about five pages; needs npm and Chromium
	@$(PYTHON) -m tests.lighthouse

screenshots: $(VENV)/.installed-dev ## take the pictures of the documents anew; needs Chromium
	@$(PYTHON) -m docs.make_screenshots

secret: $(VENV)/.created ## write a new secret key to instance/, unless there is one
	@mkdir -p instance
	@test ! -e instance/secret_key || { echo "instance/secret_key exists; remove it to sign everybody out."; exit 1; }
	@umask 077; $(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(48))' > instance/secret_key
	@echo "Written to instance/secret_key"

# -- the environment

# What is installed in the environment is told by markers: each is a copy of the lock. It is made anew when it is that of
# another version of Python, which finds no packages, was moved, or has what a lock has no more: nothing old stays behind.
WHICH := -c 'import sys; print(sys.implementation.cache_tag, sys.prefix)'
ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))'
is_current = { test ! -e $(VENV)/$(1) || cmp -s $(2) $(VENV)/$(1); }

FORCE:

# Looks each time, and writes only if there is something to do. A Python may be on the path and still not run (pyenv's
# shims), so each is tried.
$(VENV)/.created: FORCE
	@if test "$$($(PYTHON) $(WHICH) 2>&1)" = "$$(cat $@ 2>/dev/null)" \
		&& $(call is_current,.installed,requirements.txt) \
		&& $(call is_current,.installed-dev,requirements-dev.txt); then exit 0; fi; \
	if ls -A $(VENV) 2>/dev/null | grep -qvx probe && ! test -e $(VENV)/pyvenv.cfg; then \
		echo "$(VENV) is a folder of something else, and is not emptied." >&2; exit 1; fi; \
	mkdir -p $(VENV) 2>/dev/null && test -w $(VENV) || \
		{ echo "$(CURDIR) cannot be written to, and $(VENV) is made there." >&2; exit 1; }; \
	printf '#!/bin/sh\n' > $(VENV)/probe && chmod +x $(VENV)/probe && $(VENV)/probe 2>/dev/null || \
		{ echo "$(CURDIR) is mounted noexec: no program can be started there, and $(VENV) has some." >&2; exit 1; }; \
	for python in python3 python3.14 python3.13 python3.12 python3.11; do \
		$$python $(ENOUGH) 2>/dev/null || continue; \
		$$python -c 'import ensurepip, venv' 2>/dev/null || \
			{ echo "$$python cannot make environments. On Debian: apt-get install python3-venv" >&2; exit 1; }; \
		echo "Making $(VENV) with $$($$python --version)"; \
		$$python -m venv --clear $(VENV) && $(PYTHON) $(WHICH) > $@; exit; \
	done; \
	echo "Python 3.11 or newer is needed, and was not found as python3 or python3.11 to python3.14." >&2; exit 1

define install
	echo "Installing what $(2) (once; $(3))"; \
	$(PIP) --requirement $(1) && $(PYTHON) -m pip check > $(VENV)/check || \
		{ cat $(VENV)/check 2>/dev/null; echo "Not installed, see above. Tested are Python 3.11 to 3.14." >&2; exit 1; }
endef

$(VENV)/.installed: $(VENV)/.created FORCE
	@cmp -s requirements.txt $@ || { $(call install,requirements.txt,the site needs,about a minute); \
		cp requirements.txt $@; }

$(VENV)/.installed-dev: $(VENV)/.created FORCE
	@cmp -s requirements-dev.txt $@ || { $(call install,requirements-dev.txt,the tests need,about two minutes); \
		cp requirements.txt $(VENV)/.installed; cp requirements-dev.txt $@; }
