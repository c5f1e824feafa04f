# Two commands do everything: `make run` and `make test`. They set up .venv on first use.

# The first that runs: 3.11 alone has wheels of xtb-python.
PYTHON ?= $(shell for v in 3.11 3.13 3.12 3.14 3; do \
  python$$v -c '' 2>/dev/null && command -v python$$v && break; done)
CORES ?= $(shell env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc)
BIN = .venv/bin
LOCK = envs/requirements.lock

.PHONY: help run test test-slow wheel paper bench ablation tangency bench-prepare bench-ends bench-prior bench-proof bench-dft bench-scale bench-slurm train reference browser dft dmf peers bench-peers bench-factorial bench-irc slurm lint format lock docs networks bench-surfaces bench-barriers bench-speed bench-own bench-operator

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.venv/installed: pyproject.toml $(LOCK)
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' || \
	  { echo "mepbench needs Python 3.11 to 3.14; set PYTHON=..."; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement $(LOCK)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

run: .venv/installed ## run config.yaml on all cores, print the summary and where the report is
	@$(BIN)/mepbench run config.yaml --cores $(CORES)

paper: .venv/installed ## run every method on the whole textbook set
	@$(BIN)/mepbench run workflow/paper.yaml --cores $(CORES)

bench: .venv/installed ## run every method on two published sets; `mepbench data zimmerman_xtb` says what it needs
	@$(BIN)/mepbench run workflow/bench.yaml --cores $(CORES)
	@$(BIN)/python -m mepbench.reporting.halves results/bench

bench-peers: peers ## every rival from outside beside ours: Baker's set, the textbook, forty reactions of RDB7
	@$(BIN)/mepbench run workflow/peers.yaml --cores $(CORES)
	@$(BIN)/mepbench run workflow/peers_slow.yaml --cores $(CORES)
	@for folder in peers peers-slow; do $(BIN)/python -m mepbench.reporting.rivals results/$$folder; done

bench-factorial: .venv/installed ## what guess, solver and refiner earn, each over all combinations of the others
	@$(BIN)/mepbench run workflow/factorial.yaml --cores $(CORES)
	@$(BIN)/python -m mepbench.reporting.factorial results/factorial

ablation: .venv/installed ## what network, drawn points and guess earn the direct neural solver
	@$(BIN)/mepbench run workflow/ablation.yaml --cores $(CORES)

tangency: .venv/installed ## how good a path is after how many evaluations: NEB, string, every loss
	@$(BIN)/mepbench run workflow/tangency.yaml --cores $(CORES)

reference: .venv/installed ## search for better reference saddles of the textbook set
	@$(BIN)/mepbench run workflow/reference.yaml --cores $(CORES) -- search_reference

bench-prepare: .venv/installed ## how long preparation takes, from files and from SMILES
	$(BIN)/python -m mepbench.preparation.preparation_speed rdb7_dev --cores $(CORES)
	$(BIN)/python -m mepbench.preparation.preparation_speed textbook --cores $(CORES)

bench-prior: .venv/installed ## evaluations of the search with and without GFN1-xTB as the prior of GFN2-xTB
	$(BIN)/python -m mepbench.solving.prior_price textbook --cores $(CORES)
	$(BIN)/python -m mepbench.solving.prior_price rdb7_dev --cores $(CORES)

# What is taught, and what must stay unseen; a set that is not there is not needed.
TAUGHT ?= ../shared/reactions/rdb7_train.xyz.gz
UNSEEN = rdb7_dev textbook $(wildcard $(addprefix ../shared/reactions/,zimmerman_xtb baker birkholz))

train: .venv/installed ## teach the network of `prior: learned` and `guess: operator`; goes on where it was stopped
	$(BIN)/python -m mepbench.teaching.teach $(TAUGHT) --unseen $(UNSEEN) --cores $(CORES)

bench-operator: .venv/installed ## what the taught surface saves a search, and the taught guess a refiner
	@$(BIN)/mepbench run workflow/operator.yaml --cores $(CORES)
	@$(BIN)/python -m mepbench.reporting.guesses results/operator-bench

bench-ends: .venv/installed ## what ends cost on a surrogate, and whether they are the same minima
	$(BIN)/python -m mepbench.preparation.staged_ends rdb7_dev --cores $(CORES)

bench-proof: .venv/installed ## whether the staged proof says what the full one does, on what `make paper` left
	$(BIN)/python -m mepbench.judging.agreement results/paper neural-surrogate

bench-irc: .venv/installed ## what a saddle and its proof cost by Sella and its own IRC, and by both of ours, on what `make paper` left
	$(BIN)/python -m mepbench.judging.sella_bill results/paper

bench-dft: dft ## searches, band and Sella on PBE0/def2-SVP from xTB geometries; goes on where it was stopped
	$(BIN)/python -m mepbench.pair.dft_price --page docs/dft.md

bench-own: .venv/installed ## a surface taught by what half of a set's searches have paid for, as the prior of the other half
	$(BIN)/python -m mepbench.pair.own_surface rdb7_dev --cores $(CORES)

SURFACES = $(wildcard workflow/surfaces/*.yaml)

bench-surfaces: .venv/installed ## evaluations a second of each surface, 10 to 100 atoms, singly and in a batch
	$(BIN)/python -m mepbench.solving.throughput

bench-barriers: networks ## barriers of four surfaces against coupled clusters, on forty reactions of RDB7
	@for surface in $(SURFACES); do $(BIN)/mepbench run $$surface --cores $(CORES) || exit 1; done
	@$(BIN)/python -m mepbench.reporting.barriers workflow/reactions/rdb7_dev_barriers.csv \
	  $(patsubst workflow/%.yaml,results/%,$(SURFACES))

bench-speed: .venv/installed ## seconds of the processor by stage and by number of atoms: geodesic and Sella, NEB, neural-surrogate
	$(BIN)/python -m mepbench.judging.search_speed rdb7_dev --every 6 --atoms 10 19 31 46 61 --output results/speed/speed.csv
	$(BIN)/python -m mepbench.reporting.speed results/speed/speed.csv

bench-scale: .venv/installed ## how long 100 to 20,000 reactions take to be planned and collected
	$(BIN)/python tests/scale.py

bench-slurm: .venv/installed slurm ## wall time on one core, on two, and on two SLURM nodes of one core
	$(BIN)/python tests/wall_time.py

browser: .venv/installed ## install what the tests of the report's pages need (Debian, needs root)
	command -v chromium >/dev/null || { apt-get update -qq && \
	  apt-get install -y -qq --no-install-recommends chromium >/dev/null; }
	command -v npm >/dev/null || { apt-get update -qq && \
	  apt-get install -y -qq --no-install-recommends nodejs npm >/dev/null; }
	npm install --silent --no-save --no-package-lock axe-core@4.14.1
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(LOCK) --editable '.[browser]'

dft: .venv/installed ## install PySCF, for the potential pyscf
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(LOCK) --editable '.[dft]'

networks: .venv/installed ## install ANI, AIMNet2 and MACE, for the potentials of these names
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(LOCK) --editable '.[ani,aimnet2,mace]'

dmf: .venv/installed ## install PyDMF, for the method dmf (Debian: builds Ipopt's interface, needs root)
	apt-get update -qq && apt-get install -y -qq --no-install-recommends build-essential \
	  coinor-libipopt-dev libblas-dev liblapack-dev libmumps-seq-dev pkg-config >/dev/null
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(LOCK) --editable '.[dmf]'

peers: .venv/installed ## install the rivals from outside (dmf, freezing-string, growing-string, aid-neb, eOn), as far as that goes
	-@$(MAKE) --no-print-directory dmf
	@for group in fsm gsm mlneb ocineb; do \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(LOCK) \
	    --editable ".[$$group]" || echo "no $$group here"; done

slurm: ## install a SLURM for the tests of the cluster profile (Debian, needs root)
	tests/slurm/install.sh

wheel: ## sdist and wheel, installed on two Pythons and used from an empty folder
	tests/wheel.sh 3.11 3.12

test: .venv/installed ## the tests
	$(BIN)/python -m pytest -n $(CORES) --dist loadgroup -m "not slow"

test-slow: .venv/installed ## the tests that take minutes, before a release
	$(BIN)/python -m pytest -n $(CORES) --dist loadgroup -m slow

lint: .venv/installed ## ruff, snakefmt, snakemake --lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check --line-length 100 Snakefile workflow/Snakefile workflow/rules
	$(BIN)/python tests/lint_workflow.py

format: .venv/installed ## let ruff and snakefmt settle taste
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt --line-length 100 Snakefile workflow/Snakefile workflow/rules

.venv/mkdocs: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(LOCK) --editable '.[docs]'
	@touch $@

docs: .venv/mkdocs ## the documentation as a site, in the folder site; a broken link is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

lock: ## derive the lock file from pyproject.toml: newest versions that fit together
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet --editable '.[dev]'
	( echo "# Derived from pyproject.toml by \`make lock\` on CPython 3.11, Linux; for 3.11 to 3.14."; \
	  .venv-lock/bin/python -m pip freeze --exclude-editable | grep -v '^mepbench' | \
	  sed -e 's/+cpu//' -e "s/^xtb==.*/&; python_version < '3.12'/" ) > $(LOCK)
	rm -rf .venv-lock
