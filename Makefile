# make quick   set up and run the quick grid        make test   set up and pass the checks and tests
# make picture   run the quick grid where it has not been run, and draw the picture of the README from it
# make planted   plant known mistakes in a copy of the source, one at a time, each of which a test must catch
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python

.PHONY: quick picture test check planted clean

quick: $(VENV)/ready
	$(RUN) -m har_ray.grid grids/quick.yaml

picture: quick
	cp results/quick/report/figures/*-f1-macs.png grids/quick.png

test: check
	$(RUN) -m pytest --numprocesses 2 --dist loadgroup --no-loadscope-reorder

check: $(VENV)/ready
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/hadolint cluster/Dockerfile
	$(VENV)/bin/shellcheck --external-sources cluster/*.sh cluster/slurm.sbatch .ci/run

planted: $(VENV)/ready
	$(RUN) -m tests.planted

$(VENV)/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version)'
	@echo "installing into $(VENV) (once; some minutes)"
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache
