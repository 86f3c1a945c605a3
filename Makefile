# Two commands for a newcomer: `make demo` plays a whole study, `make test` runs the tests.
# Both make .venv first where it is missing. PYTHON picks the interpreter (3.11 or newer).

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
WHEELHOUSE ?= wheelhouse
# Processes that share the tests out. 0 runs them in one, as `python -m pytest` does; a worker takes about 1 GB.
WORKERS ?= 2
# Most seconds for fetching a browser, and for the tests in it.
BROWSER_SECONDS ?= 300

.PHONY: demo test test-windows test-arm64 test-browser lint docs pages mutants wheelhouse bundle bundle-windows clean

demo: $(STAMP)
	$(BIN)/privxray demo --force
	@echo "The program is $(BIN)/privxray. To type just privxray: . $(BIN)/activate"

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

test: lint
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

# The short tests with a real Windows Python under Wine. It needs Linux and root, and says so where it can't be.
test-windows:
	tests/windows/quick.sh 900

# The walls around `infer answer` on a Linux for arm64 in qemu. It fetches what it needs, and says so where it can't.
test-arm64:
	tests/arm64/walls.sh || test $$? = 77

# Every page in a real Chromium, without a screen. It fetches what it needs, and says so where it can't.
test-browser: $(STAMP)
	tests/browser/run.sh $(BROWSER_SECONDS)

# The documentation as a site in site/, to be read from the disk. Nothing is fetched.
docs: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "Open site/index.html"

# What is made of the program and kept in git: reasons and words, JSON schemas, man pages.
pages: $(STAMP)
	$(BIN)/python -m privxray.explanations.pages docs
	$(BIN)/python -m privxray.cli.json_models.pages docs/schemas
	$(BIN)/python docs/tools/man_pages.py

# Would the tests notice? Each refusal taken out, each comparison turned round, each constant shifted, one at a
# time in a copy: hours. MUTANTS takes options, for instance `make mutants MUTANTS="--only keys --kinds refusal"`.
mutants: $(STAMP)
	$(BIN)/python tests/mutants/run.py $(MUTANTS)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	touch $(STAMP)

# The folder of wheels that travels on a stick to a workstation without a network.
wheelhouse: $(STAMP)
	$(BIN)/python -m pip wheel --quiet -c constraints.txt --wheel-dir $(WHEELHOUSE) '.[inference,ocr,extractor,jpegxl]'

# One folder, and a zip of it, that needs no Python, no installer and no network where it is carried to.
bundle: $(STAMP)
	packaging/bundle.sh linux dist

bundle-windows: $(STAMP)
	packaging/bundle.sh windows dist

clean:
	rm -rf dist $(VENV) $(WHEELHOUSE) build site *.egg-info privxray-demo
