# Two commands are enough: `make run` and `make test`. `make help` lists the rest.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv/bin
PORT ?= 8000
HOST ?= 127.0.0.1
export PORT HOST

.DEFAULT_GOAL := help
.PHONY: help env env-dev run test lint bench faults fuzz screenshots format lock assets clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

env:
	@$(PYTHON) -m ops.environment requirements.txt

env-dev:
	@$(PYTHON) -m ops.environment requirements.txt requirements-dev.txt

run: env ## everything on this machine, with the demo, until Ctrl-C (PORT=8000)
	@exec $(VENV)/python -m ops.run

test: env-dev ## every check and test, with what they need installed
	@exec $(VENV)/python -m ops.check

lint: env-dev ## the checks that need no database
	@exec $(VENV)/python -m ops.check lint

bench: env-dev ## how fast, beside plain things that do the same (PARTS="pages writers")
	@exec $(VENV)/python -m bench $(PARTS)

faults: env-dev ## the hourly run killed at random, ten minutes without partners or broker (LINES=20000)
	@$(VENV)/python -m faults $(LINES) && exec $(VENV)/python -m faults.partners

screenshots: env-dev assets ## every page in var/screenshots, the README's in docs/pictures (ONLY="styleguide")
	@exec $(VENV)/python -m screenshots $(ONLY)

fuzz: env-dev ## billing's properties at length, and 5,000 calls of the API as each of three (ONLY="-k held")
	@exec $(VENV)/python -m ops.fuzz $(ONLY)

format: env-dev ## lay out the code
	@$(VENV)/ruff format . && $(VENV)/ruff check --fix .

assets: env ## build static/vendor from the locked npm packages
	@$(VENV)/python -m ops.assets

lock: env-dev ## compile the locks from the short lists
	@$(VENV)/python -m ops.lock

clean: ## remove the environment, what was built, and the demo's data in var/
	rm -rf .venv var node_modules static/vendor fonts
