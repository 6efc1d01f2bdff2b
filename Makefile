# restock: `make run` for the main job, `make test` for the tests. Both set everything up first.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup run test test-quick check format docs lock clean

# A relative path, so that a checkout may lie below a folder with a space in its name.
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.restock-ready
export PATH := $(CURDIR)/$(BIN):$(PATH)
export DVC_NO_ANALYTICS := 1
# The lock is installed from whatever index the user has configured; see docs/decisions/0002.
export UV_LINK_MODE ?= copy

help:  ## list the targets
	@grep -hE '^[a-z-]+: *.*##' Makefile | sed -E 's/: .*## /\t/' | expand -t 12

setup: $(STAMP)  ## install everything into .venv

$(STAMP): requirements.lock pyproject.toml .ci/setup
	@bash .ci/setup

run: setup  ## the main job: download, train, tune, evaluate, plan, promote
	@RESTOCK_PIPELINE="make run-$$(date +%s)-$$$$" bash .ci/main-job

test: setup  ## the unit and integration tests
	@pytest -n 2 --dist loadscope --no-loadscope-reorder

test-quick: setup  ## the unit tests that touch what was changed since the last commit
	@cd tests && python -m support.touched | (cd .. && xargs --no-run-if-empty pytest -n 2)

check: setup  ## lint, types, import contracts, params drift, generated pages, links
	@ruff format --check .
	@ruff check .
	@mypy
	@lint-imports
	@restock params --check
	@python docs/generate.py --check
	@python docs/links.py

format: setup  ## let ruff rewrite the code
	@ruff format .
	@ruff check --fix .

docs: setup  ## the generated pages and pictures anew, and the site from them: site/index.html
	@python docs/generate.py
	@python docs/rooms.py src/restock docs/images/rooms.png
	@python docs/ideas_pictures.py docs/images/ideas
	@python docs/links.py
	@python docs/stage.py build/docs
	@zensical build --clean --strict
	@python docs/links.py site

lock: setup  ## resolve the dependencies anew
	@bash .ci/setup lock

clean:  ## remove what can be made again (never the runs or the data)
	@rm -rf $(VENV) .tools .cache .mypy_cache .ruff_cache .pytest_cache build site
