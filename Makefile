# What one does with Fabula's source. `make help` lists it.
# Every target sets up what it needs, on any machine with Python 3.11 or newer and make.

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow check bench bench-bulk bench-llm bench-learned bench-agents lock platforms

BIN := .venv/bin
READY := .venv/ready
DEMO_SPEC := examples/shop.yaml
DEMO_OUTPUT := out/demo

# The uv on the PATH, or else a pinned one of our own; it also fetches the embedded model.
UV := $(or $(shell command -v uv),.cache/uv/bin/uv)
export UV
COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command "make lock" $(LOCK_OPTIONS)

# Without compiled files, each of the many programs that tests start compiles a thousand modules.
unexport PYTHONDONTWRITEBYTECODE

# Trust the machine's certificates, and never fetch an interpreter.
export UV_SYSTEM_CERTS := 1
export UV_PYTHON_DOWNLOADS := never

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

setup: $(READY)  ## make .venv with every extra and the development tools

demo: $(READY)  ## the main job: data from examples/shop.yaml with the embedded model
	$(BIN)/fabula generate $(DEMO_SPEC) -o $(DEMO_OUTPUT) --report
	$(BIN)/fabula show $(DEMO_OUTPUT)

test: $(READY)  ## the tests; ARGS="-k name" passes options to pytest
	$(BIN)/pytest -n 2 -m "not slow" $(ARGS)

test-slow: $(READY)  ## the slow tests: training, fault injection, large runs, the browser
	$(BIN)/pytest -n 2 -v -m slow $(ARGS)

check: $(READY)  ## format, lint, types, house rules, documentation
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m tools

bench: bench-bulk bench-llm bench-learned bench-agents  ## every benchmark

bench-bulk: $(READY)  ## rows per second without a language model
	@set -e; for script in benchmarks/bulk*.py; do $(BIN)/python $$script; done

bench-llm: $(READY)  ## cost of a row on the language model path
	@set -e; for script in benchmarks/llm*.py; do $(BIN)/python $$script; done

bench-learned: $(READY)  ## learned tables beside their peers; ARGS="TRAIN.csv TEST.csv TARGET"
	$(BIN)/python benchmarks/learned.py --peers $(ARGS)

bench-agents: $(READY)  ## agents beside Mesa, AgentPy, ambr and simpy; ARGS="--agents 1000000"
	$(BIN)/python -m benchmarks.agents $(ARGS)

platforms: | $(UV)  ## resolve fabula[all] from wheels alone, for every Python and platform
	@set -e; for python in 3.11 3.12 3.13 3.14; do for platform in x86_64-unknown-linux-gnu \
		aarch64-unknown-linux-gnu aarch64-apple-darwin x86_64-pc-windows-msvc; do \
		packages=$$($(UV) pip compile --quiet --no-header --no-annotate --only-binary :all: \
			--python-version $$python --python-platform $$platform pyproject.toml \
			--extra all --extra speech --extra video | grep -c ==); \
		echo "$$python $$platform: $$packages packages"; done; done

lock: | $(UV)  ## pin everything again, and take the list prices over; LOCK_OPTIONS=--upgrade
	$(COMPILE) --group bootstrap -o requirements/bootstrap.lock
	$(COMPILE) pyproject.toml -o requirements/base.lock
	$(COMPILE) pyproject.toml --extra all -c requirements/base.lock -o requirements/all.lock
	$(COMPILE) pyproject.toml --extra all --extra speech --extra video --group dev -c requirements/all.lock -o requirements/dev.lock
	$(MAKE) setup
	$(BIN)/python -m tools.write_prices

$(READY): pyproject.toml requirements/dev.lock | $(UV)
	test -x $(BIN)/python || $(UV) venv --quiet --clear .venv
	$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

.cache/uv/bin/uv: requirements/bootstrap.lock
	python3 -m venv --clear .cache/uv
	.cache/uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
