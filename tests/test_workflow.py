"""The real workflow, through Snakemake, on real reactions with xTB forces.

It runs in a copy of the repository, so that the tests may add and break methods.
"""

import hashlib
import html
import json
import re

import numpy as np
import pandas as pd
import pytest
import yaml
from repository_copy import ROOT, Copy

from mepbench.config import check_config
from mepbench.files.frames import frame, write_frames
from mepbench.reporting.figures import caption, figure_files
from mepbench.reporting.wording import CAPTIONS
from mepbench.scoring.score import COLUMNS, read_runs

pytestmark = pytest.mark.xdist_group("workflow")  # one copy and one run for all of them

THREE = ["hcn-isomerisation", "vinyl-alcohol-acetaldehyde", "sn2-chloride-chloromethane"]
EVIL = ["../../evil", "a/b", 'comma, "quote"', "<script>alert(1)</script>", "001", "NA"]


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    # Two folders down, so that `../../evil` would land where the tests look for it.
    return Copy(tmp_path_factory.mktemp("copy") / "two" / "down")


@pytest.fixture(scope="module")
def three(copy):
    """Three real reactions of the textbook set, all methods."""
    config = {"sets": {"three": "textbook"}, "select": THREE, "results": "three"}
    copy.snakemake(config)
    return config


def test_snakemakes_own_report_has_the_main_figures_and_tables_with_captions(copy, three):
    copy.snakemake(three, "--report", "report.html")
    page = (copy.folder / "report.html").read_text(encoding="utf-8")

    def variable(name: str) -> dict:
        start = re.search(rf"^ *var {name} = (?={{)", page, re.MULTILINE).end()
        return json.JSONDecoder().raw_decode(page, start)[0]

    categories, files = variable("categories"), variable("results")
    (tables,), (figures,) = (categories[name].values() for name in ("Tables", "Figures"))
    assert {"three/runs.csv", "three/tables/summary.csv"} <= set(tables)
    assert {f"three/figures/{name}.svg" for name in figure_files()} == set(figures)
    assert all(len(files[name]["caption"]) > 30 for name in [*tables, *figures])
    assert caption("solved")[:60] in files["three/figures/solved.svg"]["caption"]
    assert CAPTIONS["verdicts"] in files["three/tables/verdicts.csv"]["caption"]


def test_runs_csv_has_one_judged_row_for_every_reaction_and_method(copy, three):
    runs = read_runs(copy.folder / "three" / "runs.csv")
    assert list(runs.columns[: len(COLUMNS)]) == list(COLUMNS)
    assert len(runs) == 3 * 11
    assert not runs.duplicated(["set", "reaction", "method", "seed"]).any()
    assert set(runs.reaction) == set(THREE)
    assert (runs.verdict != "").all()
    assert (runs[runs.verdict != "intended"].reason != "").all()
    assert (runs.verdict == "intended").mean() > 0.7
    assert runs.potential.unique().tolist() == ["GFN2-xTB"]


def test_methods_agree_on_the_barrier_and_none_spent_more_than_its_budget(copy, three):
    runs = read_runs(copy.folder / "three" / "runs.csv")
    assert (runs.gradients_path <= 3000).all()
    assert (runs.gradients_refine.fillna(0) <= 200).all()
    solved = runs[runs.verdict == "intended"]
    for _, group in solved.groupby("reaction"):
        assert np.ptp(group.barrier_eV) < 0.005
        assert group.barrier_error_eV.abs().max() < 0.005
        assert group.saddle_rmsd_A.max() < 0.05
    started = runs.groupby(["reaction", "guess"]).guess_hash.nunique()
    assert (started == 1).all()


def test_hcn_isomerises_over_its_known_gfn2_barrier(copy, three):
    # GFN2-xTB, this molecule, from tblite through ASE and Sella in a separate script.
    runs = read_runs(copy.folder / "three" / "runs.csv")
    row = runs[(runs.reaction == THREE[0]) & (runs.method == "neb")].iloc[0]
    assert row.verdict == "intended"
    assert row.natoms == 3
    assert row.imaginary_frequency_cm > 500


def test_tables_figures_report_and_provenance_are_there(copy, three):
    results = copy.folder / "three"
    for table in ("summary", "reactions", "failures"):
        for kind in ("csv", "md", "tex"):
            assert (results / "tables" / f"{table}.{kind}").stat().st_size > 0
    for figure in (copy.folder / "workflow" / "figures").glob("[a-z]*.py"):
        for kind in ("pdf", "png", "svg"):
            assert (results / "figures" / f"{figure.stem}.{kind}").stat().st_size > 1000
    assert "3 reactions" in (results / "report" / "index.html").read_text(encoding="utf-8")
    page = (results / "report" / "reactions.html").read_text(encoding="utf-8")
    assert all(name in page for name in THREE)
    manifest = yaml.safe_load((results / "provenance.json").read_text(encoding="utf-8"))
    assert manifest["packages"]["torch"].startswith("2.13.0")
    assert manifest["threads_per_job"] == 1
    endpoints = results / "sets" / "three" / "endpoints.xyz"
    digest = hashlib.sha256(endpoints.read_bytes()).hexdigest()
    assert digest in manifest["inputs"].values()


def test_a_finished_run_does_nothing_when_run_again(copy, three):
    assert "Nothing to be done" in copy.snakemake(three)


def test_an_option_of_one_method_reruns_only_that_method(copy, three):
    methods = yaml.safe_load((ROOT / "config.yaml").read_text())["methods"]
    methods["neb"] = {**methods["neb"], "images": 7}
    planned = copy.planned({**three, "methods": methods})
    assert (planned["solve"], planned["judge"]) == (1, 1)
    assert "endpoints" not in planned
    assert "guess" not in planned


def test_a_change_in_one_methods_file_reruns_only_that_method(copy, three):
    file = copy.folder / "workflow" / "mepbench" / "methods" / "string.py"
    before = file.read_text(encoding="utf-8")
    file.write_text(before + "\n# a change\n", encoding="utf-8")
    try:
        planned = copy.planned(three)
        assert (planned["solve"], planned["judge"]) == (1, 1)
        assert "endpoints" not in planned
    finally:
        file.write_text(before, encoding="utf-8")


def test_one_new_file_adds_a_method_and_a_failing_one_never_stops_the_tables(copy, three):
    folder = copy.folder / "workflow" / "mepbench" / "methods"
    (folder / "my_failure.py").write_text(
        "def solve(reaction, oracle, guess, seed, *, when: str = 'always'):\n"
        "    oracle(guess.positions[5:6])\n"
        "    raise RuntimeError('broken ' + when)\n"
    )
    (folder / "my_crash.py").write_text(
        "import os\n\n\ndef solve(reaction, oracle, guess, seed):\n    os.kill(os.getpid(), 9)\n"
    )
    (folder / "my_liar.py").write_text(
        "def solve(reaction, oracle, guess, seed):\n    return guess.positions\n"
    )
    (folder / "my_misfit.py").write_text(
        "from mepbench.path import Path\n\n\n"
        "def solve(reaction, oracle, guess, seed):\n"
        "    energies, _ = oracle(guess.positions[1:-1])\n"
        "    return Path(guess.positions, energies)\n"
    )
    names = ("my-failure", "my-crash", "my-liar", "my-misfit")
    config = {
        **three,
        "results": "failing",
        "methods": {name: {"solver": name} for name in names}
        | {"geodesic": {"solver": "guess-only"}},
    }
    copy.snakemake(config)
    runs = read_runs(copy.folder / "failing" / "runs.csv").set_index("method")
    for name in names:
        assert (runs.loc[name].verdict == "error").all()
    assert runs.loc["my-failure"].reason.str.contains("RuntimeError: broken always").all()
    assert (runs.loc["my-failure"].gradients_path == 1).all()
    assert runs.loc["my-crash"].reason.str.contains("SIGKILL").all()
    assert runs.loc["my-liar"].reason.str.contains("must return a Path").all()
    assert runs.loc["my-misfit"].reason.str.contains("Path.energies must be of shape").all()
    logs = (copy.folder / "failing" / "logs" / "solve" / "three" / "my-failure").glob("*.log")
    assert all("Traceback" in log.read_text(encoding="utf-8") for log in logs)
    assert (runs.loc["geodesic"].verdict == "intended").any()
    assert (copy.folder / "failing" / "report" / "index.html").exists()
    for name in names:
        (folder / f"{name.replace('-', '_')}.py").unlink()


def test_check_counts_the_jobs_that_compute_whatever_reactions_are_called(copy):
    for name in ("{set}", "<results>", "<x>", "a{b"):
        for role in ("reactant", "product"):
            write_frames(
                copy.folder / "odd" / name / f"{role}.xyz",
                [frame(np.array([6, 7, 1]), _bent_hcn(role == "reactant"))],
            )
    names = {"first": {"solver": "guess-only"}, "second": {"solver": "neb", "guess": "idpp"}}
    config = {
        "sets": {"odd": str(copy.folder / "odd")},
        "methods": names,
        "reactions_per_job": 2,
        "results": "odd-results",
    }
    planned = copy.planned(config)
    rules = ("endpoints", "guess", "solve", "judge", "mechanism", "score", "surface")
    assert check_config(config).job_count == sum(planned[rule] for rule in rules) == 21


def test_an_option_called_of_names_a_method_for_varied_only(copy):
    mine = copy.folder / "workflow" / "mepbench" / "methods" / "mine.py"
    mine.write_text("def solve(reaction, oracle, guess, seed, *, of: str = 'x'): ...\n")
    methods = {"mine": {"solver": "mine", "of": "anything"}, "varied": {"solver": "varied"}}
    config = {"select": THREE[:1], "methods": methods, "results": "varied"}
    try:
        assert copy.planned(config)["solve"] == 2
    finally:
        mine.unlink()


def _bent_hcn(carbon_first: bool) -> np.ndarray:
    side = -1.06 if carbon_first else 2.2
    return np.array([[0.0, 0.0, 0.0], [1.16, 0.0, 0.0], [side, 0.05, 0.0]])


@pytest.fixture(scope="module")
def hostile(copy):
    """HCN to HNC under hostile names, and faulty entries beside them."""
    numbers = np.array([6, 7, 1])
    frames = []

    def add(name, reactant, product, product_numbers=numbers, **info):
        for role, x, z in (("reactant", reactant, numbers), ("product", product, product_numbers)):
            frames.append(frame(z, x, reaction=name, role=role, **{"charge": 0, **info}))

    for name in EVIL:
        add(name, _bent_hcn(True), _bent_hcn(False))
    nan = _bent_hcn(False)
    nan[2, 1] = np.nan
    overlap = _bent_hcn(False)
    overlap[2] = overlap[1]
    add("one-minimum", _bent_hcn(True), _bent_hcn(True) + 0.01)
    add("permuted", _bent_hcn(True), _bent_hcn(False), np.array([7, 6, 1]))
    add("other-elements", _bent_hcn(True), _bent_hcn(False), np.array([6, 8, 1]))
    add("nan", _bent_hcn(True), nan)
    add("overlapping", _bent_hcn(True), overlap)
    add("impossible-spin", _bent_hcn(True), _bent_hcn(False), multiplicity=2)
    write_frames(copy.folder / "hostile.xyz", frames)
    config = {
        "sets": {"hostile": "hostile.xyz"},
        "methods": {"idpp": {"solver": "guess-only", "guess": "idpp"}},
        "reactions_per_job": 5,
        "results": "hostile",
    }
    copy.snakemake(config)
    return config


def test_names_of_any_kind_stay_what_they_are_and_become_no_path(copy, hostile):
    runs = read_runs(copy.folder / "hostile" / "runs.csv").set_index("reaction")
    assert list(runs.index[: len(EVIL)]) == EVIL
    assert runs.loc[EVIL].barrier_eV.nunique() <= runs.loc[EVIL].barrier_eV.count()
    assert (runs.loc[EVIL].verdict == "intended").all()
    # A page of the report keeps letters of the name, and a hash, and lies where pages lie.
    pages = copy.folder / "hostile" / "report" / "reactions"
    evil = [file for file in copy.folder.parents[1].rglob("*evil*") if file.parent != pages]
    assert not evil
    assert all(re.fullmatch(r"[a-z0-9-]+\.html", file.name) for file in pages.glob("[!.]*"))
    pages = [*(copy.folder / "hostile" / "report").rglob("*.html")]
    texts = {page.name: page.read_text(encoding="utf-8") for page in pages}
    assert not [name for name, text in texts.items() if "<script>alert(1)" in text]
    assert html.escape("<script>alert(1)</script>") in texts["reactions.html"]


@pytest.mark.parametrize(
    ("reaction", "reason"),
    [
        ("one-minimum", "minimum"),
        ("permuted", "order"),
        ("other-elements", "same atoms"),
        ("nan", "not a number"),
        ("overlapping", "overlap|distance|coincid"),
        ("impossible-spin", "multiplicity"),
    ],
)
def test_faulty_endpoints_are_rows_with_a_reason(copy, hostile, reaction, reason):
    runs = read_runs(copy.folder / "hostile" / "runs.csv").set_index("reaction")
    assert runs.loc[reaction].verdict == "bad-endpoints"
    assert re.search(reason, runs.loc[reaction].reason), runs.loc[reaction].reason
    rows = pd.read_csv(
        copy.folder / "hostile" / "sets" / "hostile" / "endpoints.csv",
        dtype={"reaction": str},
        keep_default_na=False,
    ).set_index("reaction")
    assert rows.loc[reaction].verdict == "bad-endpoints"


TWO_PARTICLES = '''"""The Mueller-Brown surface for one particle; a spring holds a second one."""

import numpy as np

from . import mueller_brown

HOME = np.array([3.0, 0.0, 0.0])


class TwoParticles:
    invariances = ()
    backend = "analytic"

    def __init__(self):
        self.surface = mueller_brown.load(None, 0, 1)

    def evaluate(self, positions):
        energies, gradients = self.surface.evaluate(positions[:, :1])
        away = positions[:, 1:] - HOME
        spring = 10.0 * (away**2).sum(axis=(1, 2)) / 2
        return energies + spring, np.concatenate([gradients, 10.0 * away], axis=1)


def load(numbers, charge, multiplicity):
    return TwoParticles()
'''


@pytest.fixture(scope="module")
def whole(copy):
    """Mueller-Brown from its first to its last minimum: both known saddles, one reaction."""
    potentials = copy.folder / "workflow" / "mepbench" / "potentials"
    (potentials / "two_particles.py").write_text(TWO_PARTICLES, encoding="utf-8")
    ends = {"reactant": (-0.558, 1.442), "product": (0.623, 0.028)}
    frames = [
        frame(np.array([1, 1]), [[*xy, 0.0], [3.0, 0, 0]], reaction=EVIL[3], role=role, charge=0)
        for role, xy in ends.items()
    ]
    write_frames(copy.folder / "whole.xyz", frames)
    config = {
        "sets": {"whole": "whole.xyz"},
        "potential": {"name": "two-particles"},
        "guess": "linear",
        "methods": {"neb": {"solver": "neb"}, "string": {"solver": "string", "images": 21}},
        "results": "whole",
    }
    copy.snakemake(config)
    return config


def test_a_reaction_of_two_steps_is_explained_by_both_methods(copy, whole):
    runs = read_runs(copy.folder / "whole" / "runs.csv")
    assert runs.verdict.tolist() == ["multistep", "multistep"]
    assert runs.explained.all()
    assert runs.steps.tolist() == [2, 2]
    own = runs.gradients_path + runs.gradients_refine
    assert (runs.gradients_explained > own).all()


def test_the_chain_is_reported_with_its_highest_saddle(copy, whole):
    chains = read_runs(copy.folder / "whole" / "chains.csv")
    assert len(chains) == 2 * 2
    assert set(chains.chain) == {"R -> I1 -> P"}
    assert chains.complete.all()
    assert chains.highest_saddle_eV.tolist() == pytest.approx([1.0603] * 4, abs=2e-4)
    # Stationary points of Mueller and Brown (1979), table 1, in units of 0.01 eV.
    second = chains[chains.step == 2]
    assert second.barrier_eV.tolist() == pytest.approx([0.0852] * 2, abs=2e-4)
    assert second.saddle_eV.tolist() == pytest.approx([0.7445] * 2, abs=2e-4)
    runs = read_runs(copy.folder / "whole" / "runs.csv")
    assert runs.reason.str.contains("chain R -> I1 -> P, its highest saddle 1.060 eV").all()
    page = (copy.folder / "whole" / "report" / "statistics.html").read_text(encoding="utf-8")
    assert "R -&gt; I1 -&gt; P" in page
    assert EVIL[3] not in page


def test_a_run_with_steps_is_finished_when_run_again(copy, whole):
    assert "Nothing to be done" in copy.snakemake(whole)


def test_a_change_in_one_method_reruns_no_other(copy, whole):
    methods = {**whole["methods"], "string": {"solver": "string", "images": 15}}
    planned = copy.planned({**whole, "methods": methods})
    assert planned["solve"] == planned["judge"] == planned["mechanism"] == 1
    assert "endpoints" not in planned
    assert "guess" not in planned


def test_without_steps_there_is_no_chain(copy, three):
    assert read_runs(copy.folder / "three" / "chains.csv").empty


def test_jobs_that_have_ended_do_not_wake_the_scheduler(copy):
    # Snakemake's limit on new jobs a second would, by one more timer for each.
    (copy.folder / "limit.smk").write_text(
        'include: "Snakefile"\n\n\nonsuccess:\n'
        '    print("limit:", workflow.scheduler.job_rate_limiter)\n'
    )
    config = {"sets": {"one": "textbook"}, "select": [THREE[0]], "results": "limit"}
    target = "limit/sets/one/endpoints/000.xyz"
    assert "limit: None" in copy.snakemake(config, "--snakefile", "limit.smk", target)


def test_the_same_seeds_give_the_same_table_but_for_seconds(copy):
    config = {
        "sets": {"one": "textbook"},
        "select": [THREE[0]],
        "methods": {
            "neb": {"solver": "neb"},
            "string": {"solver": "string"},
            "gad": {"solver": "gad"},
            "neural-maxflux": {"solver": "neural", "loss": "maxflux"},
            "neural-action": {"solver": "neural", "loss": "action", "budget": {"path": 300}},
        },
    }
    tables = []
    for results in ("first", "second"):
        copy.snakemake({**config, "results": results}, f"{results}/runs.csv")
        runs = read_runs(copy.folder / results / "runs.csv")
        seconds = [c for c in runs if c.startswith(("wall_", "oracle_"))]
        tables.append(runs.drop(columns=seconds).to_csv(index=False))
    assert tables[0] == tables[1]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"methods": {"neb": {"solver": "nebb"}}}, "Did you mean 'neb'?"),
        ({"sets": {"mine": "missing-folder"}}, "missing-folder"),
        ({"potential": {"name": "xtb"}}, "Did you mean"),
    ],
)
def test_a_mistake_in_the_config_stops_before_any_job_with_one_clear_error(copy, config, message):
    printed = copy.snakemake({**config, "results": "never"}, check=False)
    assert message in printed
    assert "Traceback" not in printed
    assert not (copy.folder / "never").exists()
