# Everything a person or CI calls. Needs Python >= 3.11 and make; the rest is installed into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Through the environment, so that no character of a question means anything to the shell.
export Q FILE NAME ROLE URL AGENT QUESTION

.PHONY: help run ask key doctor check-agent backup restore logs faults test test-compose image compose-env fuzz bench bench-breakers prove screenshots constraints check clean
help:  ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

$(VENV)/.runtime: requirements.txt constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Baton needs Python 3.11 or newer: make run PYTHON=python3.12" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing what the system needs into $(VENV) ..."
	@$(PIP) -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt requirements-otel.txt $(VENV)/.runtime
	@echo "Installing what the tests need into $(VENV) ..."
	@$(PIP) -r requirements-dev.txt
	@touch $@

run: $(VENV)/.runtime  ## Start everything on this machine and answer one question
	@$(BIN)/python -m deploy.local $${Q:+--question "$$Q"}

ask: $(VENV)/.runtime  ## Ask the running system: make ask Q="top 5 destinations by flights"
	@$(BIN)/python -m deploy.ask "$$Q"

key: $(VENV)/.runtime  ## A new API key, for the file API_KEYS_FILE names: make key NAME=ann ROLE=read|ask|admin
	@$(BIN)/python -m deploy.key "$${NAME:-}" "$${ROLE:-}"

doctor: $(VENV)/.runtime  ## What is wrong with this installation, and what to do
	@$(BIN)/python -m deploy.doctor

check-agent: $(VENV)/.runtime  ## Hold anybody's agent against the contract: make check-agent URL=http://host:8001
	@$(BIN)/python -m deploy.check_agent "$${URL:?Say which: make check-agent URL=http://host:8001}" --agent="$${AGENT:-}" --question="$${QUESTION:-}"

backup: $(VENV)/.runtime  ## Save the embedded server's data, while it runs
	@$(BIN)/python -m deploy.backup

restore: $(VENV)/.runtime  ## Put a backup back: make restore FILE=.baton/backups/....tar.gz
	@$(BIN)/python -m deploy.backup --restore "$${FILE:?Say which: make restore FILE=.baton/backups/...}"

logs:  ## Follow the logs of all processes
	@tail -n 5 -F $${BATON_DIR:-.baton}/logs/*.log

faults: $(VENV)/.runtime  ## A proxy before the agents that makes them fail as told (docs/faults.md)
	@$(BIN)/python -m faults --agents

test: $(VENV)/.dev  ## All tests: real Valkey, workers, agents and browser
	@$(BIN)/python -m tests.browser
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

test-compose: $(VENV)/.dev  ## docker-compose.yml on a real container engine; without one, the file alone
	@$(BIN)/python -m tests.containers

# Named by its commit, so that no build overwrites what runs, or what one may have to go back to.
IMAGE_VERSION = $(shell git describe --tags --always --dirty --abbrev=12)
image:  ## The image of this commit, named in .env; built unless it is there: make image [ARGS="--pull"]
	@test -n "$(IMAGE_VERSION)" || { echo "An image is named by its commit, so this takes a git clone." >&2; exit 1; }
	@if test -n "$(ARGS)$(filter %-dirty,$(IMAGE_VERSION))" || ! docker image inspect baton:$(IMAGE_VERSION) >/dev/null 2>&1; \
	  then docker build -t baton:$(IMAGE_VERSION) --build-arg VERSION=$(IMAGE_VERSION) $(ARGS) .; fi
	@others=$$(grep -v '^BATON_VERSION=' .env 2>/dev/null); \
	  { test -z "$$others" || printf '%s\n' "$$others"; echo BATON_VERSION=$(IMAGE_VERSION); } > .env
	@echo "Containers are made of baton:$(IMAGE_VERSION) from now on (BATON_VERSION in .env)."

compose-env: $(VENV)/.runtime  ## The secrets docker-compose.yml needs, and a first API key (docs/containers.md)
	@$(BIN)/python -m deploy.container_secrets

fuzz: $(VENV)/.dev  ## Malformed requests, and schemathesis, against a running API: make fuzz [ARGS="--seed 7"]
	@$(BIN)/python -m tests.fuzz $(ARGS)

bench: $(VENV)/.runtime  ## Measure against bare Celery: make bench [QUICK=1] [STORED=1000000] [PUBLISH=1]
	@$(BIN)/python -m bench $(if $(QUICK),--quick) $(if $(STORED),--stored $(STORED)) $(if $(PUBLISH),--publish)

bench-breakers: $(VENV)/.dev  ## Our breaker beside others on Redis: make bench-breakers [PUBLISH=1]
	@$(BIN)/python -m bench.breakers $(if $(PUBLISH),--publish)

prove: $(VENV)/.dev  ## The proofs in full size: make prove TOPIC=chaos ARGS="--seed 7"
	@$(BIN)/python -m prove $(TOPIC) $(ARGS)

screenshots: $(VENV)/.dev  ## The pictures of the pages in docs/images, of a system started for it
	@$(BIN)/python -m tests.browser
	@$(BIN)/python -m tests.screenshots $(ARGS)

constraints:  ## Write constraints.txt anew: what the pinned packages bring along, the newest that fit
	@test -x $(BIN)/python || { echo "make run first: it makes the environment that asks." >&2; exit 1; }
	@$(BIN)/python -m deploy.constraints

check: $(VENV)/.dev  ## Lint, types, floors, exact versions, licences, known vulnerabilities
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m deploy.constraints --check
	@$(BIN)/python -m deploy.licences --check
	@$(BIN)/python -m deploy.vulnerabilities

clean:  ## Remove the environment and the embedded server's data
	rm -rf $(VENV) .baton
