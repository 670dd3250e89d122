PYTHON ?= python3
# Exported: the example states its own address in mails and calendar files.
export PORT ?= 5000
BIN := .venv/bin

.PHONY: run test mutate lint format messages pictures bench drain budgets equal-time load soak bench-peers wheel clean
# Two pips in one environment would trip over each other.
.NOTPARALLEL:

run: .venv/.example
	$(BIN)/flask --app example_app portal init
	$(BIN)/flask --app example_app portal apply docs/examples/practice.toml --yes
	$(BIN)/flask --app example_app run --port $(PORT)

# All tests in two processes, a selection in one: make test ARGS="-k calendar"
test: .venv/.test
	$(BIN)/python -m pytest $(or $(ARGS),-n 2 --dist loadfile)

# Which changes of the rules would no test notice? A selection: make mutate ARGS='portal_plugin.domain.reminders*'
mutate: .venv/.mutation
	nice $(BIN)/mutmut run $(ARGS)
	$(BIN)/python -m tests.mutation

lint: .venv/.lint
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/djlint templates --lint

format: .venv/.lint
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# Brings the catalogs of portal_plugin/wording/translations up to what the code and the templates say.
messages: .venv/.test
	$(BIN)/python -m tests.wording.catalogs

# Takes the pictures in docs/images anew.
pictures: .venv/.test
	$(BIN)/python -m tests.browser.pictures docs/images

# What it costs and keeps up with, as docs/performance.md tells it; ARGS=--write puts the figures there.
bench: .venv/.test
	$(BIN)/python -m benchmarks.bench $(ARGS)

drain: .venv/.test
	$(BIN)/python -m benchmarks.drain $(ARGS)

budgets: .venv/.test
	$(BIN)/python -m benchmarks.budgets $(ARGS)

equal-time: .venv/.test
	$(BIN)/python -m benchmarks.equal_time $(ARGS)

load: .venv/.test
	$(BIN)/python -m benchmarks.load $(ARGS)

soak: .venv/.test
	$(BIN)/python -m benchmarks.soak $(ARGS)

bench-peers: .venv/.test
	$(BIN)/python -m benchmarks.peers.compare $(ARGS)

wheel: .venv/.test
	$(BIN)/python -m build

clean:
	rm -rf .venv build dist mutants *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

# One stamp for each extra of setup.cfg: a second run installs nothing.
.venv/.%: setup.cfg pyproject.toml | $(BIN)/pip
	$(BIN)/python -m pip install --quiet --editable ".[$*]"
	touch $@

$(BIN)/pip:
	$(PYTHON) -m venv --upgrade-deps .venv
