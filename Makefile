# Every target first makes .venv with the pinned package and brings missing system libraries.

SHELL := /bin/bash
BIN := .venv/bin
STAMP := .venv/.installed
SCREEN := $(if $(DISPLAY)$(WAYLAND_DISPLAY),,$(if $(filter Linux,$(shell uname)),xvfb-run -a))
PYTHON ?= $(firstword $(foreach python,python3 python3.14 python3.13 python3.12 python3.11,$(if $(shell \
  $(python) -c 'import sys; print("yes" if sys.version_info >= (3, 11) else "")' 2>/dev/null),$(python))))

# What Qt, OpenGL and the tests' invisible screen need on Linux: file to look for = Debian package.
SYSTEM := \
  libEGL.so.1=libegl1 libGL.so.1=libgl1 libglib-2.0.so.0=libglib2.0-0 libdbus-1.so.3=libdbus-1-3 \
  libfontconfig.so.1=libfontconfig1 libX11-xcb.so.1=libx11-xcb1 libxkbcommon-x11.so.0=libxkbcommon-x11-0 \
  libxcb-cursor.so.0=libxcb-cursor0 libxcb-icccm.so.4=libxcb-icccm4 libxcb-image.so.0=libxcb-image0 \
  libxcb-keysyms.so.1=libxcb-keysyms1 libxcb-randr.so.0=libxcb-randr0 libxcb-shape.so.0=libxcb-shape0 \
  libxcb-render-util.so.0=libxcb-render-util0 libxcb-xkb.so.1=libxcb-xkb1

.PHONY: help demo test lint bench docs clean system

help:
	@echo "make demo    the whole loop on sample images: in napari, or as a picture report without a screen"
	@echo "make test    everything that has to hold: style, types, imports, tests"
	@echo "make lint    style, types and imports alone"
	@echo "make bench   the figures of docs/benchmarks.md"
	@echo "make docs    the documentation in site/"
	@echo "make clean   remove what the other targets made"

demo: $(STAMP)
	$(BIN)/napari-imseg demo

test: lint
	$(BIN)/python -m pytest -q -n auto --dist loadfile --no-loadscope-reorder

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

# bench_quality.py, bench_first_networks.py and bench_thresholds.py want real images: see their first lines.
bench: $(STAMP)
	@for file in $(filter-out %/bench_quality.py %/bench_first_networks.py %/bench_thresholds.py,$(wildcard tests/benchmarks/bench_*.py)); do \
	  name="$$(basename "$$file" .py)"; echo; echo "## $$name"; \
	  $(SCREEN) $(BIN)/python -m "tests.benchmarks.$$name" || exit 1; done

docs: $(STAMP)
	$(BIN)/python docs/hooks.py
	$(BIN)/mkdocs build --strict

clean:
	rm -rf .venv build dist site demo-report* *.egg-info .pytest_cache .mypy_cache .ruff_cache .benchmarks

# torch goes first and alone: a build without CUDA that is at hand is then taken as it is.
$(STAMP): pyproject.toml constraints.txt | system
	@[ -n "$(PYTHON)" ] || { echo "napari-imseg needs Python 3.11 or newer; install it first" >&2; exit 1; }
	@echo "Installing into .venv (takes some minutes the first time)"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[all,cluster,test,docs]"
	@touch $@

system:
	@[ "$$(uname)" = Linux ] || exit 0; \
	known="$$(PATH="$$PATH:/sbin:/usr/sbin" ldconfig -p)"; missing=(); \
	for entry in $(SYSTEM); do \
	  grep -qF "$${entry%=*}" <<< "$$known" || missing+=("$${entry#*=}"); done; \
	command -v Xvfb > /dev/null || missing+=(xvfb xauth); \
	[ -z "$(PYTHON)" ] || $(PYTHON) -c 'import ensurepip' 2> /dev/null || missing+=(python3-venv); \
	[ $${#missing[@]} -gt 0 ] || exit 0; \
	if [ "$$(id -u)" = 0 ]; then run=(env); \
	elif sudo -n true 2> /dev/null; then run=(sudo env); fi; \
	if [ -z "$$run" ] || ! command -v apt-get > /dev/null; then \
	  echo "Some system packages are missing; install them first: sudo apt-get install $${missing[*]}" >&2; \
	  exit 1; fi; \
	echo "Installing system packages: $${missing[*]}"; \
	"$${run[@]}" apt-get update -q && \
	"$${run[@]}" DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$${missing[@]}"
