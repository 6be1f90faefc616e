# SPDX-License-Identifier: Apache-2.0
# `make demo` runs the bundled hypervisor under the machine; `make test` passes the tests. Both set up what they need.

.DEFAULT_GOAL := help
PYTHON := .venv/bin/python

.PHONY: help demo test bench examples clean

help:
	@echo "make demo       run the bundled hypervisor, ready for gdb and console"
	@echo "make test       ruff, mypy and the tests"
	@echo "make bench      benchmarks beside QEMU (benchmarks/README.md)"
	@echo "make examples   rebuild examples/prebuilt (needs gcc-riscv64-unknown-elf)"

demo:
	@scripts/setup run
	@.venv/bin/hartline demo

test:
	@scripts/setup test
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy
	@$(PYTHON) -m pytest -n 2

bench:
	@scripts/setup bench
	@$(PYTHON) -m benchmarks

examples:
	@$(MAKE) -C examples

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache
