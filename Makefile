# Everything a contributor runs. Needs make, git and a Python of 3.11 or newer; the rest is set up on
# the first use in .venv (and, as root on Debian or Ubuntu, by apt-get: SYSTEM_PACKAGES=no stops that).

SHELL := bash
.DEFAULT_GOAL := help
PYTHON_OF_VENV := .venv/bin/python
export SYSTEM_PACKAGES

.PHONY: help setup demo rehearsal campaign test check fmt docs screenshots bench clean

help: ## Say what there is
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F '\t' '{printf "make %-11s %s\n", $$1, $$2}'

setup: ## Set up .venv and the programs that wheelyard uses; nothing where that is done
	@bash scripts/setup.sh

demo: setup ## Build a small real tree from source, install it with pip and run it
	@$(PYTHON_OF_VENV) scripts/demo.py

test: setup ## Run every check and every test (UPSTREAM=yes: also those that need the real index)
	@UPSTREAM="$(UPSTREAM)" $(PYTHON_OF_VENV) scripts/check.py --tests

check: setup ## Run format, lint, types and import contracts only
	@$(PYTHON_OF_VENV) scripts/check.py

fmt: setup ## Format the code and mend what the linter can mend
	@.venv/bin/ruff check --fix-only --quiet .
	@.venv/bin/ruff format .

docs: setup ## Write the pages that are made from the code
	@$(PYTHON_OF_VENV) scripts/cli_reference.py

screenshots: setup ## Take the pictures of the site that are in the documentation
	@$(PYTHON_OF_VENV) scripts/screenshots.py

campaign: setup ## Carry a change through 30 git repositories on this machine, with people, failures and kills
	@$(PYTHON_OF_VENV) scripts/show_campaign.py

rehearsal: setup ## Rehearse a farm of many machines on this one, as root (TREE=small: minutes)
	@$(PYTHON_OF_VENV) scripts/rehearse_farm.py --tree "$(or $(TREE),large)"

bench: setup ## Measure wheelyard beside its peers (an hour or so; see benchmarks/README.md)
	@$(PYTHON_OF_VENV) -m benchmarks

clean: ## Remove what was built, tested and cached here, and .venv
	@rm -rf .venv build dist demo benchmarks/out .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	@find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
