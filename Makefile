# The commands of the project. Everything runs in .venv, which follows requirements.lock.
# Works with GNU make 3.81 (macOS) and later.
PYTHON ?= python3
PORT ?= 3000
BIN := .venv/bin
.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

.PHONY: environment
environment:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not on the path; Strata needs Python 3.11, 3.12 or 3.13."; exit 1; }
	@$(PYTHON) infra/environment.py

.PHONY: run
run: environment ## Load, build, advance the simulated world by one business day, load again
	@$(BIN)/strata run

.PHONY: ui
ui: environment ## Open Dagster on http://127.0.0.1:3000 (PORT=3001 for another) with simulators running
	@exec $(BIN)/strata ui --port $(PORT)

.PHONY: test
test: environment ## Run the whole test suite as CI does (tests of absent servers are skipped aloud)
	@$(BIN)/pytest -n auto --maxprocesses 4

.PHONY: verified
verified: environment ## Run the tests of servers and write docs/operator/verified.md from what passed
	@STRATA_WRITE_VERIFIED=1 $(BIN)/pytest -n 2 tests/orchestration/warehouse tests/orchestration/bronze tests/orchestration/replay tests/orchestration/landing tests/orchestration/scripts tests/orchestration/control tests/orchestration/delivery/queue tests/dbt_project tests/sql_scripts

.PHONY: lint
lint: environment ## Check style and types, and that generated files are up to date
	@$(BIN)/ruff check --output-format concise
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/strata sql check --quiet
	@$(BIN)/strata generate --check

.PHONY: format
format: environment ## Format the code and rewrite generated files
	@$(BIN)/ruff check --fix --quiet || true
	@$(BIN)/ruff format --quiet
	@$(BIN)/strata generate

.PHONY: bench
bench: environment ## Run the benchmarks and write docs/performance.md
	@$(BIN)/python -m benchmarks

.PHONY: lock
lock: environment ## Resolve the dependencies of pyproject.toml into requirements.lock again
	@.venv/uv/bin/uv pip compile --quiet --universal --generate-hashes --no-header --extra dev pyproject.toml -o requirements.lock > /dev/null

.PHONY: clean
clean: ## Remove the environment and caches; .strata, the state, stays
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis dbt_project/target dbt_project/logs
