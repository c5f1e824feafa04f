"""No evaluation of a search is paid twice: each is on the disk before the next begins."""

import json
import multiprocessing
import os
import resource
import signal

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from ase.calculators.morse import MorsePotential
from ase.io import read
from tblite.ase import TBLite
from test_find_saddle import HCN, HNC, lj6

import mepbench
from mepbench.cli import main
from mepbench.errors import InputError, SCFFailure, sentence
from mepbench.files.frames import write_frames
from mepbench.files.tidy import read_rows
from mepbench.oracle import Oracle, PotentialSpec
from mepbench.pair import any_calculator, saddle_files
from mepbench.pair.evaluations import FILE, Evaluations
from mepbench.pair.identity import identity

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["mepbench.pair.saddle_search", "tblite.ase", "torch"])
STATE = (0, 1)
WATER = np.array([8, 1, 1])
BENT = np.array([[0.0, 0.0, 0.1], [0.76, 0.0, -0.5], [-0.76, 0.0, -0.5]])


@pytest.fixture(autouse=True)
def _no_figures(monkeypatch):
    """Drawn they are in other tests, and most of the time here would be theirs."""
    monkeypatch.setattr(saddle_files, "_save_profile", lambda search, file: None)


def ammonia(height):
    """NH3, the nitrogen so far above the plane of its hydrogens."""
    turn = np.radians([0, 120, 240])
    plane = 0.95 * np.stack([np.cos(turn), np.sin(turn), 0 * turn], axis=1)
    return Atoms("NH3", np.vstack([[0.02, 0.0, height], plane]))


def gfn1():
    return TBLite(method="GFN1-xTB", verbosity=0, cache_api=False)


def lennard_jones():
    return LennardJones(sigma=1.0, epsilon=1.0, rc=1e3)


class Counting(Calculator):
    """Another calculator that writes each finished geometry into a file of its own.

    Told that all has changed, xTB starts each self-consistent field afresh: without a history.
    It kills its process within evaluation number `last`, and raises in those of `failing`.
    """

    implemented_properties = ("energy", "forces")

    def __init__(self, inner, file, last=10**6, failing=()):
        super().__init__()
        self.inner, self.file, self.last, self.failing = inner, str(file), last, list(failing)
        self.asked = 0

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        self.asked += 1
        if self.asked == self.last:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.asked in self.failing:
            raise RuntimeError("the licence server is down")
        self.inner.calculate(self.atoms, ["energy", "forces"], all_changes)
        self.results = {key: self.inner.results[key] for key in ("energy", "forces")}
        with open(self.file, "a") as file:
            file.write(self.atoms.positions.tobytes().hex() + "\n")


def asked(file) -> list[str]:
    return file.read_text().splitlines()


def sound(folder) -> dict:
    """All that a search leaves behind but seconds, and what of it was reused."""
    kept = {file.name: file.read_bytes() for file in folder.glob("*.xyz") if file.name != FILE}
    lines = (folder / FILE).read_text().splitlines()
    kept[FILE] = [[w for w in x.split() if w[:7] not in ("seconds", "checksu")] for x in lines]
    summary = json.loads((folder / "summary.json").read_text())
    del summary["seconds"]
    summary["bill"] = [(line["stage"], line["evaluations"]) for line in summary["bill"]]
    row = {
        key: value
        for key, value in read_rows(folder / "summary.csv")[0].items()
        if not key.startswith(("wall_", "oracle_"))
    }
    return kept | {"summary": summary, "row": row}


def search_in_a_process(search, make, file, folder, **disturbed) -> int:
    """Return the exit status of a search that has a process of its own."""
    process = PROCESSES.Process(target=_searched, args=(search, make, file, folder, disturbed))
    process.start()
    process.join()
    return process.exitcode


def _searched(search, make, file, folder, disturbed) -> None:
    search(Counting(make(), file, **disturbed), folder)


def isomerise(calculator, folder, proof="full", **options):
    options |= {"folder": folder, "method": "guess-only", "proof": proof}
    return mepbench.find_saddle(HCN, HNC, calculator, **options)


def isomerise_in_stages(calculator, folder):
    return isomerise(calculator, folder, proof="staged")


def invert(calculator, folder):
    return mepbench.find_saddle(
        ammonia(0.35), ammonia(-0.35), calculator, folder=folder, method="neb", proof="full"
    )


def rearrange(calculator, folder):
    return mepbench.find_saddle(*lj6(), calculator, folder=folder, method="gad", proof="full")


@pytest.mark.parametrize(
    ("search", "make", "seed"),
    [
        (isomerise, gfn1, 1),
        (isomerise_in_stages, gfn1, 4),
        (invert, gfn1, 2),
        pytest.param(rearrange, lennard_jones, 3, marks=pytest.mark.slow),
    ],
)
def test_killed_at_three_moments_it_ends_as_if_undisturbed_and_asks_for_nothing_again(
    search, make, seed, tmp_path
):
    whole, disturbed = tmp_path / "whole" / "run", tmp_path / "disturbed" / "run"
    for folder in (whole, disturbed):
        folder.parent.mkdir()
    found = search(Counting(make(), tmp_path / "once"), whole)
    total = len(asked(tmp_path / "once"))  # ASE answers what is asked twice in a row itself
    assert 30 < total <= sum(found.evaluations.values()) < total + 8
    moments = np.sort(np.random.default_rng(seed).choice(total - 1, 3, replace=False)) + 1
    before = 0
    for moment in moments:
        last, file = int(moment - before), tmp_path / "thrice"
        assert search_in_a_process(search, make, file, disturbed, last=last) == -signal.SIGKILL
        before = moment - 1
        assert len(asked(tmp_path / "thrice")) == before
    again = search(Counting(make(), tmp_path / "thrice"), disturbed)
    assert asked(tmp_path / "thrice") == asked(tmp_path / "once")
    assert again.verdict == found.verdict
    assert again.evaluations == found.evaluations
    assert 0 <= sum(line.reused for line in again.bill) - before < 8
    assert sound(disturbed) == sound(whole)
    search(Counting(make(), tmp_path / "never"), disturbed)
    assert not (tmp_path / "never").exists()
    assert sound(disturbed) == sound(whole)


def test_another_method_pays_for_its_own_evaluations_alone(tmp_path):
    isomerise(Counting(gfn1(), tmp_path / "asked"), tmp_path / "run")
    before = len(asked(tmp_path / "asked"))
    found = mepbench.find_saddle(
        HCN,
        HNC,
        Counting(gfn1(), tmp_path / "asked"),
        folder=tmp_path / "run",
        method="neb",
        proof="full",
    )
    alone = mepbench.find_saddle(
        HCN, HNC, Counting(gfn1(), tmp_path / "alone"), method="neb", proof="full"
    )
    assert found.barrier_eV == alone.barrier_eV
    assert found.evaluations == alone.evaluations
    ends = next(line for line in found.bill if line.stage == "ends")
    assert ends.reused == ends.evaluations
    paid = sum(line.evaluations - line.reused for line in found.bill)
    assert 0 <= before + paid - len(asked(tmp_path / "asked")) < 8


def test_tries_that_failed_count_after_a_kill_as_they_did_before(tmp_path):
    found = isomerise(
        Counting(gfn1(), tmp_path / "once", failing=[3, 70, 150]), tmp_path / "a" / "r"
    )
    (tmp_path / "b").mkdir()
    when = {"last": 152, "failing": [3, 70, 150]}
    status = search_in_a_process(isomerise, gfn1, tmp_path / "twice", tmp_path / "b" / "r", **when)
    assert status == -signal.SIGKILL
    again = isomerise(Counting(gfn1(), tmp_path / "twice"), tmp_path / "b" / "r")
    assert again.verdict == found.verdict == "intended"
    assert again.evaluations == found.evaluations
    assert asked(tmp_path / "twice") == asked(tmp_path / "once")
    assert sound(tmp_path / "b" / "r") == sound(tmp_path / "a" / "r")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The geometries of one search, and what it leaves in its folder."""
    folder = tmp_path_factory.mktemp("undisturbed")
    isomerise(Counting(gfn1(), folder / "asked"), folder / "run")
    return asked(folder / "asked"), sound(folder / "run")


@pytest.mark.parametrize("start", [5, 100, 160])
def test_a_calculator_that_goes_down_leaves_all_it_was_paid_for(start, undisturbed, tmp_path):
    down = Counting(gfn1(), tmp_path / "asked", failing=range(start, 10**4))
    folder = tmp_path / "run"
    try:
        said = isomerise(down, folder).reason
        assert json.loads((folder / "summary.json").read_text())["reason"] == sentence(said)
        assert len(read(folder / "ends.xyz", ":")) == 2
        assert len(read(folder / "path.xyz", ":")) > 2
    except InputError as error:
        said = str(error)
    assert "the licence server is down" in said
    assert f" evaluations stay in {folder / FILE}" in said
    assert len(asked(tmp_path / "asked")) == start - 1
    assert down.asked >= start + 1  # asked once more
    again = isomerise(Counting(gfn1(), tmp_path / "asked"), folder)
    assert again.verdict == "intended"
    assert (asked(tmp_path / "asked"), sound(folder)) == undisturbed


def test_other_programs_read_what_is_kept_to_the_last_digit(tmp_path):
    energy, gradient = -1 / 3, np.random.default_rng(0).normal(size=(3, 3))
    with Evaluations(tmp_path, WATER) as kept:
        kept.answer_for("toy; k=0.1")
        kept.keep(STATE, BENT / 3, energy, gradient, 60.0)
    atoms = read(tmp_path / FILE)
    assert np.array_equal(atoms.positions, BENT / 3)
    assert atoms.get_potential_energy() == energy
    assert np.array_equal(atoms.get_forces(), -gradient)
    assert (atoms.info["charge"], atoms.info["potential"]) == (0, "toy; k=0.1")


def test_each_answer_is_given_once_in_its_order_and_state(tmp_path):
    for energy in (1.0, 2.0):
        with Evaluations(tmp_path, WATER) as kept:
            kept.keep(STATE, BENT, energy, -BENT, 0.0)
    with Evaluations(tmp_path, WATER) as kept:
        assert kept.recall((0, 3), BENT) is kept.recall(STATE, BENT + 1e-15) is None
        assert [kept.recall(STATE, BENT).energy for _ in range(2)] == [1.0, 2.0]
        assert kept.recall(STATE, BENT) is None


def filled(folder, numbers=WATER, potential="toy", count=3) -> None:
    folder.mkdir(exist_ok=True)
    with Evaluations(folder, numbers) as kept:
        kept.answer_for(potential)
        for k in range(count):
            x = np.random.default_rng(k).normal(size=(len(numbers), 3))
            kept.keep(STATE, x, float(k), -x, 0.0)


@pytest.mark.parametrize("cut", [1, 2, 40, 150, 300, 400])
def test_a_torn_last_evaluation_is_dropped_and_the_others_stay(cut, tmp_path):
    filled(tmp_path)
    whole = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(whole[:-cut])
    with Evaluations(tmp_path, WATER) as kept:
        assert (kept.torn, kept.taken) == (True, 2)
    assert whole.startswith((tmp_path / FILE).read_bytes())
    with Evaluations(tmp_path, WATER) as kept:
        assert (kept.torn, kept.taken) == (False, 2)


def test_a_torn_last_evaluation_is_said_in_one_sentence(undisturbed, tmp_path, capsys):
    isomerise(Counting(gfn1(), tmp_path / "first"), tmp_path / "run")
    file = tmp_path / "run" / FILE
    file.write_bytes(file.read_bytes()[:-10])
    capsys.readouterr()
    found = isomerise(Counting(gfn1(), tmp_path / "asked"), tmp_path / "run", verbose=True)
    (line,) = (x for x in capsys.readouterr().err.splitlines() if "in part" in x)
    assert line == f"mepbench: {file}: the last evaluation was written in part and is dropped"
    assert found.verdict == "intended"
    assert len(asked(tmp_path / "asked")) == 1
    assert sound(tmp_path / "run") == undisturbed[1]


def put_zeros(data):
    return data[:-200] + b"\0" * 200


def put_only_zeros(data):
    return data + b"\0" * 4096


@pytest.mark.parametrize(("damage", "left"), [(put_zeros, 2), (put_only_zeros, 3)])
def test_what_a_loss_of_power_leaves_is_dropped(damage, left, tmp_path):
    filled(tmp_path)
    (tmp_path / FILE).write_bytes(damage((tmp_path / FILE).read_bytes()))
    with Evaluations(tmp_path, WATER) as kept:
        assert (kept.torn, kept.taken) == (True, left)


def edited_digit(text):
    return text.replace("energy=1.0", "energy=1.5")


def line_lost(text):
    return "\n".join(text.splitlines()[1:]) + "\n"


def foreign(_):
    return '3\nProperties=species:S:1:pos:R:3 pbc="F F F"\nO 0 0 0\nH 0 0 1\nH 0 1 0\n'


def no_frames(_):
    return "my notes\n"


@pytest.mark.parametrize("spoil", [edited_digit, line_lost, foreign, no_frames])
def test_a_damaged_or_foreign_file_is_refused_and_left_as_it_is(spoil, tmp_path):
    filled(tmp_path, HCN.numbers)
    text = spoil((tmp_path / FILE).read_text())
    (tmp_path / FILE).write_text(text)
    with pytest.raises(InputError, match=r"evaluations.xyz: line \d+ begins no eval") as raised:
        isomerise(gfn1(), tmp_path)
    assert "\n" not in str(raised.value)
    assert (tmp_path / FILE).read_text() == text


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        (WATER, r"another molecule \(H2O, not CHN\)"),
        (np.array([7, 1, 1, 1]), r"another molecule \(H3N, not CHN\)"),
        (np.array([6, 7, 1]), r"another molecule \(CHN, not CHN, the atoms in another order\)"),
    ],
)
def test_evaluations_of_another_molecule_are_refused_and_stay(numbers, said, tmp_path):
    filled(tmp_path / "run", numbers)
    before = (tmp_path / "run" / FILE).read_bytes()
    with pytest.raises(InputError, match=said) as raised:
        isomerise(gfn1(), tmp_path / "run")
    assert "\n" not in str(raised.value)
    assert (tmp_path / "run" / FILE).read_bytes() == before


OTHERS = {
    "parameter": (gfn1(), TBLite(method="GFN2-xTB", verbosity=0, cache_api=False), "method=GFN1"),
    "class": (EMT(), LennardJones(), "EMT"),
    "spec": ("tblite", {"name": "tblite", "method": "GFN1-xTB"}, "there method=GFN2-xTB; now me"),
    "accuracy": (
        "tblite",
        {"name": "tblite", "accuracy": 10.0},
        "accuracy=0.05; now accuracy=10.0",
    ),
    "wrapped": (
        Counting(LennardJones(sigma=1.0), os.devnull),
        Counting(LennardJones(sigma=1.1), os.devnull),
        "sigma=1.1",
    ),
    "function": (lambda *_: MorsePotential(r0=1.0), lambda *_: MorsePotential(r0=1.2), "r0=1.2"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_evaluations_of_another_calculator_stay_and_are_not_used(case, tmp_path, caplog):
    theirs, ours, said = OTHERS[case]
    options = {"relax": False, "budget": {"refine": 0}}
    first = isomerise(theirs, tmp_path / "run", **options)
    before = (tmp_path / "run" / FILE).read_bytes()
    assert not caplog.records
    found = isomerise(ours, tmp_path / "run", **options)
    (line,) = (record.getMessage() for record in caplog.records)
    assert "evaluations are of another calculator or with other parameters and not used" in line
    assert said in line
    assert "\n" not in line
    assert sum(line.reused for line in found.bill) == 0
    assert found.reactant.get_potential_energy() != first.reactant.get_potential_energy()
    both = (tmp_path / "run" / FILE).read_bytes()
    assert both.startswith(before)
    for calculator, was in ((theirs, first), (ours, found)):
        again = isomerise(calculator, tmp_path / "run", **options)
        assert again.reactant.get_potential_energy() == was.reactant.get_potential_energy()
        assert sum(line.reused for line in again.bill) == sum(again.evaluations.values()) > 0
    assert (tmp_path / "run" / FILE).read_bytes() == both


class Sprung(Calculator):
    """It keeps what it is made of beside `parameters`."""

    def __init__(self, **held):
        super().__init__()
        vars(self).update(held)


def _identity(calculator) -> str:
    spec = any_calculator.CalculatorSpec(calculator, HCN)
    return identity(spec, spec.load(HCN.numbers, *STATE))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"k": 1.0}, {"k": 1.1}, False),
        ({"xc": "pbe"}, {"xc": "b3lyp"}, False),
        ({"weights": np.arange(3.0)}, {"weights": np.arange(3.0)[::-1]}, False),
        ({"inner": Sprung(k=1.0)}, {"inner": Sprung(k=2.0)}, False),
        ({"k": 1.0, "calls": 1}, {"k": 1.0, "calls": 7}, True),
        ({"log": "/tmp/a"}, {"log": "/tmp/b"}, True),
        ({"file": object()}, {"file": object()}, True),
        ({"label": "a"}, {"label": "b"}, True),
    ],
)
def test_a_calculator_is_what_it_computes_not_what_it_counts(one, other, same):
    assert (_identity(Sprung(**one)) == _identity(Sprung(**other))) is same


def test_a_calculator_stays_what_it_is_while_it_computes():
    for calculator in (EMT(), LennardJones(), gfn1(), TBLite(verbosity=0)):
        before = _identity(calculator)
        atoms = HCN.copy()
        atoms.calc = calculator
        atoms.get_forces()
        assert _identity(calculator) == before


def test_the_file_of_a_factory_belongs_to_what_it_makes(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    spec = PotentialSpec("ase", {"factory": "mine_kept:make"})
    text = "from ase.calculators.emt import EMT\nK = 1\ndef make(n, c, m):\n    return EMT()\n"
    (tmp_path / "mine_kept.py").write_text(text)
    before = identity(spec, spec.load(HCN.numbers, *STATE))
    assert identity(spec, spec.load(HCN.numbers, *STATE)) == before
    (tmp_path / "mine_kept.py").write_text(text.replace("K = 1", "K = 2"))
    assert identity(spec, spec.load(HCN.numbers, *STATE)) != before


def test_two_searches_in_one_folder_are_refused(tmp_path):
    filled(tmp_path / "run")
    with (
        Evaluations(tmp_path / "run", WATER),
        pytest.raises(InputError, match="run: another search writes there"),
    ):
        isomerise(gfn1(), tmp_path / "run")


def factory(folder, monkeypatch, first_lines="") -> str:
    """Write a module that makes counting calculators; return how it is asked for."""
    name = f"made_{abs(hash(str(folder)))}"
    (folder / f"{name}.py").write_text(
        "from test_evaluations_kept import Counting, gfn1\n"
        f"calculator = Counting(gfn1(), {str(folder / 'asked')!r})\n"
        f"def make(numbers, charge, multiplicity):\n{first_lines}    return calculator\n"
    )
    monkeypatch.syspath_prepend(folder)
    return f"{name}:make"


@pytest.mark.parametrize("free", [2_000, 20_000, 90_000])
def test_a_full_disk_is_one_sentence_and_costs_nothing_that_was_paid(
    free, undisturbed, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    for role, end in (("reactant", HCN), ("product", HNC)):
        write_frames(f"{role}.xyz", [end])
    pair = [
        "run",
        "reactant.xyz",
        "product.xyz",
        "--method",
        "guess-only",
        "--quiet",
        "--proof",
        "full",
    ]
    singlets = "    if multiplicity > 1:\n        raise ValueError\n"
    pair += ["--output", "run", "--calculator", factory(tmp_path, monkeypatch, singlets)]
    real = os.fstatvfs

    def nearly_full(descriptor):
        disk, size = real(descriptor), os.fstat(descriptor).st_size
        left = max(free - size, 0)
        return os.statvfs_result((1, 1, disk.f_blocks, left, left, *tuple(disk)[5:]))

    with monkeypatch.context() as full:
        full.setattr(os, "fstatvfs", nearly_full)
        assert main(pair) == 2
    (line,) = capsys.readouterr().err.splitlines()
    kept = 0
    if (tmp_path / "run" / FILE).exists():
        kept = len(read(tmp_path / "run" / FILE, ":"))
    assert line.startswith("mepbench: run/evaluations.xyz: can't be written (No space left")
    assert f"the {kept} evaluations in it" in line
    paid = len(asked(tmp_path / "asked")) if kept else 0
    assert paid <= kept < paid + 8
    assert main(pair) == 0
    assert asked(tmp_path / "asked") == undisturbed[0]


def test_a_write_that_fails_stops_the_search_and_leaves_whole_frames(tmp_path):
    filled(tmp_path)
    size = (tmp_path / FILE).stat().st_size
    process = PROCESSES.Process(target=_limited, args=(tmp_path, size + 100))
    process.start()
    process.join()
    assert process.exitcode == 0
    assert (tmp_path / FILE).stat().st_size == size
    with Evaluations(tmp_path, WATER) as kept:
        assert (kept.taken, kept.torn) == (3, False)


def _limited(folder, size) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    with Evaluations(folder, WATER) as kept:
        kept.answer_for("toy")
        for _ in range(2):
            with pytest.raises(InputError, match=r"can't be written \(.*the 3 evaluations"):
                kept.keep(STATE, BENT, 0.0, BENT, 0.0)
            with pytest.raises(InputError, match="can't be written"):
                kept.make_sure_of_room()


def test_results_that_find_no_room_are_one_sentence(undisturbed, tmp_path, monkeypatch):
    from mepbench.pair import saddle_search

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(saddle_search, "write_frames", full)
        with pytest.raises(InputError, match=r"can't be written there \(OSError.*no evaluation is"):
            isomerise(Counting(gfn1(), tmp_path / "asked"), tmp_path / "run")
    isomerise(Counting(gfn1(), tmp_path / "asked"), tmp_path / "run")
    assert (asked(tmp_path / "asked"), sound(tmp_path / "run")) == undisturbed


def test_an_empty_record_leaves_no_folder(tmp_path):
    def failing(*_):
        raise RuntimeError

    with pytest.raises(InputError):
        isomerise(failing, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_bill_is_the_sum_of_its_stages_and_of_what_the_calculator_did(tmp_path, monkeypatch):
    calculator = factory(tmp_path, monkeypatch)
    found = isomerise(calculator, tmp_path / "run")
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    by_stage = {line["stage"]: line for line in summary["bill"]}
    assert list(by_stage) == ["ends", "spin", "guess", "path", "refine", "verify"]
    assert by_stage["spin"]["evaluations"] == 2  # both ends as triplets
    for stage, count in found.evaluations.items():
        assert by_stage[stage]["evaluations"] == count
        assert by_stage[stage]["seconds"] == pytest.approx(found.seconds[stage], abs=1e-3)
    paid = sum(x["evaluations"] for x in by_stage.values())
    assert 0 <= paid - len(asked(tmp_path / "asked")) < 8
    assert {line["level"] for line in summary["bill"]} == {found.potential}
    again = isomerise(calculator, tmp_path / "run")
    total = sum(found.evaluations.values()) + 2
    assert sum(line.reused for line in again.bill) == total
    rows = [line.split() for line in str(again).splitlines()]
    (row,) = (row for row in rows if row[0] == "total")
    assert [row[1], row[3]] == [str(total), str(total)]


def test_a_long_hessian_says_how_far_it_is(monkeypatch, capsys):
    monkeypatch.setattr(any_calculator, "SECONDS_BETWEEN_LINES", -1.0)
    progress = any_calculator.Progress(any_calculator.CalculatorSpec(gfn1(), HCN))
    stage = progress.announce("verify").load(HCN.numbers, *STATE)
    oracle = Oracle(stage)
    with monkeypatch.context():
        from mepbench.pair.saddle_search import _told

        with _told(True):
            oracle(HCN.positions + 0.001 * np.arange(18)[:, None, None] * np.eye(3))
    told = capsys.readouterr().err.splitlines()
    assert "verify: 7 evaluations, 0 s; 7 of the 18 of this round, 0." in told[6]
    assert told[6].endswith(" s each")
    assert len(told) == 18


def test_a_try_on_record_as_failed_fails_and_then_answers(tmp_path):
    with Evaluations(tmp_path, WATER) as kept:
        kept.failed(STATE, BENT)
        kept.keep(STATE, BENT, 1.0, BENT, 0.0)
    with Evaluations(tmp_path, WATER) as kept:
        with pytest.raises(SCFFailure, match="on record"):
            kept.recall(STATE, BENT)
        assert kept.recall(STATE, BENT).energy == 1.0
