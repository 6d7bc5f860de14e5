# Two commands for a newcomer: `make serve` and `make test`. One more for a contributor: `make check`.
PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
BIN := .venv/bin

.PHONY: serve test check lint types lock train clean

serve: .venv/.installed
	$(BIN)/harassclf serve --host $(HOST) --port $(PORT)

test: .venv/.installed-dev
	$(BIN)/python -m pytest -rs

check: .venv/.installed-dev lint types test

lint: .venv/.installed-dev
	$(BIN)/ruff check src tests benchmarks hatch_build.py
	$(BIN)/ruff format --check src tests benchmarks hatch_build.py

types: .venv/.installed-dev
	$(BIN)/mypy

train: .venv/.installed-dev
	$(BIN)/harassclf train

.venv/bin/python:
	$(PYTHON) -m venv .venv

# What an editable install is made from: the kernel is compiled then, where there is a C compiler.
BUILD := pyproject.toml hatch_build.py src/harassclf/kernel.c

.venv/.installed: .venv/bin/python requirements.lock $(BUILD)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

.venv/.installed-dev: .venv/bin/python requirements-dev.lock $(BUILD)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch .venv/.installed $@

# The lock files: one resolution for every Python from 3.11 on.
lock: .venv/.installed-dev
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --extra xlsx --extra parquet -o requirements.lock pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --extra dev -o requirements-dev.lock pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --extra dev --extra spark --extra dask -o requirements-cluster.lock pyproject.toml

clean:
	rm -rf .venv
