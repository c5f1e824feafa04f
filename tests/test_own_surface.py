"""A surface taught by what searches have paid for: all of that, nothing else, and nothing twice."""

from dataclasses import replace

import pytest
from known import XTB

from mepbench.errors import InputError
from mepbench.files.frames import read_frames
from mepbench.files.tidy import read_rows
from mepbench.pair import own_surface
from mepbench.preparation.prepare import prepare
from mepbench.reaction import read_set
from mepbench.solving.guess import make_guess
from mepbench.solving.solve import solve
from mepbench.teaching.split import HELD_OUT, TAUGHT, molecules

torch = pytest.importorskip("torch")
network = pytest.importorskip("mepbench.learned.network")

SMALL = network.Shape(scalars=8, channels=6, projected=4, radial=(5, 4, 3))


@pytest.fixture(scope="module")
def small():
    """The smallest reactions of the shipped set."""
    entries = read_set("rdb7_dev", "rdb7_dev")
    return sorted(entries, key=lambda entry: len(entry.numbers["reactant"]))[:3]


@pytest.fixture(scope="module")
def journals(tmp_path_factory, small):
    """Where the searches of these are kept, and what the first has taught."""
    folder = tmp_path_factory.mktemp("journals")
    return folder, own_surface.paid_for(small[0], folder)


def test_a_journal_teaches_all_that_a_search_has_paid_for_in_its_state(journals, small):
    folder, lesson = journals
    frames = read_frames(folder / small[0].name / "evaluations.xyz")
    singlets = [frame for frame in frames if frame.info["multiplicity"] == 1]
    assert lesson.paid == len(frames) > len(singlets) >= len(lesson) > 20
    positions = {frame.positions.tobytes() for frame in singlets}
    assert all(x.tobytes() in positions for x in lesson.positions)
    known = {frame.positions.tobytes(): frame for frame in singlets}
    first = known[lesson.positions[0].tobytes()]
    assert lesson.energies[0] == first.get_potential_energy()
    assert (lesson.gradients[0] == -first.get_forces()).all()


def test_a_search_that_was_done_is_not_done_again(journals, small, monkeypatch):
    folder, lesson = journals

    def never(*ends, **options):
        raise AssertionError("searched again")

    monkeypatch.setattr(own_surface, "price", never)
    assert len(own_surface.paid_for(small[0], folder)) == len(lesson)
    with pytest.raises(InputError, match="no-such"):
        own_surface.lesson_of_journal(folder / "no-such.xyz", small[0])


def test_half_of_a_set_teaches_and_the_other_half_says_what_that_was_worth(
    small, journals, tmp_path, monkeypatch, capsys
):
    names = [entry.name for entry in small]
    monkeypatch.setattr("mepbench.learned.network.Shape", lambda **of: replace(SMALL, **of))
    monkeypatch.setattr(own_surface, "PLAN", replace(own_surface.PLAN, tested=1))
    monkeypatch.setattr(own_surface, "read_entries", lambda *_: small)
    monkeypatch.setattr("mepbench.teaching.teach.read_entries", lambda *_: small)
    of = ["rdb7_dev", "--output", str(tmp_path), "--epochs", "1", "--rounds", "1"]
    own_surface.main(of)
    printed = capsys.readouterr().out
    assert "| reaction | atoms | without | with |" in printed
    parts = {row["reaction"]: row["part"] for row in read_rows(str(tmp_path / "split.csv"))}
    taught = {name for name in names if parts[name] == TAUGHT}
    (compared,) = (entry for entry in small if entry.name in printed)
    assert parts[compared.name] == HELD_OUT
    others = [molecules(entry) for entry in small if entry.name in taught]
    assert taught
    assert not molecules(compared) & frozenset().union(*others)
    assert taught <= {file.stem for file in (tmp_path / "lessons-0").glob("*.npz")}
    (row,) = (line.split("|") for line in printed.splitlines() if compared.name in line)
    reaction = prepare(compared, own_surface.TEACHER.load, staged=True).reaction
    plain = solve(
        reaction, make_guess(reaction, "geodesic", None), "neural-surrogate", {}, XTB, 3000, 0
    )
    assert int(row[3]) == plain.evaluations
    assert float(row[6]) == pytest.approx(plain.peak.energy - reaction.energies[0], abs=6e-4)
    assert (tmp_path / "learned.safetensors").exists()
