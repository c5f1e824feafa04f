"""Teaching: who teaches and who stays unseen, what is paid for, and that a kill loses one epoch."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mepbench.errors import InputError, SCFFailure
from mepbench.learned import weights
from mepbench.oracle import PotentialSpec
from mepbench.reaction import Entry, read_set
from mepbench.teaching import card, lessons, split, teach

torch = pytest.importorskip("torch")
training = pytest.importorskip("mepbench.teaching.training")
network = pytest.importorskip("mepbench.learned.network")

SMALL = network.Shape(scalars=8, channels=6, projected=4, radial=(5, 4, 3))
GFN2 = PotentialSpec("xtb-python")
RDB7 = "rdb7_dev"


@pytest.fixture(scope="module")
def entries():
    return read_set(RDB7, RDB7)


@pytest.fixture(scope="module")
def small(entries):
    """The three smallest reactions, as nothing but their ends."""
    return sorted(entries, key=lambda entry: len(entry.numbers["reactant"]))[:3]


@pytest.fixture(scope="module")
def taught(small):
    rng = np.random.default_rng(0)
    reactions = [lessons.reaction_of(entry) for entry in small]
    return [lessons.along_paths(reaction, GFN2, 3, 2, rng) for reaction in reactions]


def test_no_molecule_is_on_both_sides_of_the_split(entries):
    unseen = split.molecules(entries[0]) | split.molecules(entries[7])
    parts = split.split(entries, unseen, 0.3, seed=1)
    assert sorted(sum(parts.values(), ())) == sorted(entry.name for entry in entries)
    found = {
        part: frozenset().union(*(split.molecules(e) for e in entries if e.name in names))
        for part, names in parts.items()
    }
    assert len(parts["held-out"]) > 10
    assert not found["taught"] & found["held-out"]
    assert not (found["taught"] | found["held-out"]) & unseen
    assert {entries[0].name, entries[7].name} <= set(parts["left-out"])


def test_the_split_is_that_of_its_seed(entries):
    one, again, other = (split.split(entries, frozenset(), 0.3, seed) for seed in (0, 0, 1))
    assert one == again
    assert one["held-out"] != other["held-out"]


def test_a_molecule_is_one_from_smiles_from_a_geometry_and_in_any_order_of_atoms(entries):
    from rdkit import Chem

    entry = entries[0]
    numbers, x = entry.numbers["reactant"], entry.positions["reactant"]
    order = np.random.default_rng(0).permutation(len(numbers))
    turned = replace(
        entry,
        numbers={role: numbers[order] for role in ("reactant", "product")},
        positions={role: x[order] for role in ("reactant", "product")},
    )
    (known,) = split.molecules(turned)
    assert known in split.molecules(entry)
    assert Chem.MolFromSmiles("CO") is not None
    ethanol, ether = (
        split.molecules(Entry("mine", "a", "test", smiles=f"{text}>>{text}"))
        for text in ("OCC", "COC")
    )
    assert ethanol == split.molecules(Entry("mine", "b", "test", smiles="CCO.O>>C(C)O.[H][H]"))
    assert ethanol.isdisjoint(ether)


def test_a_lesson_comes_down_from_the_geodesic_and_counts_all_it_pays(small, taught):
    for entry, lesson in zip(small, taught, strict=True):
        assert lesson.paid == 2 + 3 * 3 + 3 + 2
        assert len(lesson) == len(lesson.gradients) == len(lesson.positions)
        reaction = lessons.reaction_of(entry)
        energies, gradients = GFN2.of(reaction).evaluate(lesson.positions)
        assert lesson.energies == pytest.approx(energies, abs=1e-4)
        assert lesson.gradients == pytest.approx(gradients, abs=1e-3)
    falls = [lesson.energies[2:5].max() - lesson.energies[8:11].max() for lesson in taught]
    assert np.median(falls) > 0.1


def test_steps_across_a_path_neither_move_along_it_nor_far(small):
    reaction = lessons.reaction_of(small[0])
    s = np.array([0.3, 0.6])[:, None, None]
    path = (1 - s) * reaction.reactant + s * reaction.product
    gradients = np.random.default_rng(0).normal(scale=30, size=path.shape)
    steps = lessons.across(reaction, path, gradients)
    tangent = reaction.product - reaction.reactant
    assert np.abs((steps * tangent).sum((1, 2))).max() < 1e-6
    assert np.linalg.norm(steps, axis=2).max() == pytest.approx(lessons.LONGEST)
    assert ((steps * gradients).sum((1, 2)) < 0).all()


def test_where_there_is_no_energy_nothing_is_taught(small, monkeypatch):
    reaction = lessons.reaction_of(small[0])

    class Failing:
        invariances, backend = ("translation", "rotation"), "test"

        def evaluate(self, positions):
            if np.abs(positions[0] - reaction.reactant).max() > 1e-6:
                raise SCFFailure("not converged")
            return np.zeros(1), np.zeros_like(positions)

    monkeypatch.setattr(PotentialSpec, "of", lambda *_: Failing())
    lesson = lessons.along_paths(reaction, GFN2, 2, 1, np.random.default_rng(0))
    assert len(lesson) == 1
    assert lesson.paid > 10


def test_a_lesson_comes_back_from_its_file(taught, tmp_path):
    taught[0].save(tmp_path / "of" / f"{taught[0].name}.npz")
    found = lessons.Lesson.read(tmp_path / "of" / f"{taught[0].name}.npz")
    assert (found.name, found.paid) == (taught[0].name, taught[0].paid)
    for name in ("numbers", "positions", "energies", "gradients"):
        assert np.array_equal(getattr(found, name), getattr(taught[0], name))
    assert [file.name for file in (tmp_path / "of").iterdir()] == [f"{taught[0].name}.npz"]


def test_teaching_lowers_the_error_on_what_is_taught(taught, tmp_path):
    course = training.Course(epochs=16, rate=8e-3, reactions=2, geometries=8)
    torch.manual_seed(0)
    before = training.measured(network.Ensemble(SMALL, 1), taught)
    member, log = training.taught(tmp_path / "m", SMALL, taught, taught[:1], course, seed=0)
    after = training.measured(member, taught)
    assert after[0] < 0.75 * before[0]
    assert after[1] < before[1]
    assert log[-1]["loss"] < log[0]["loss"]


def test_energies_are_taught_within_a_reaction_only(taught):
    torch.manual_seed(0)
    member = network.Ensemble(SMALL, 1)
    shifted = [replace(q, energies=q.energies + 1000 * k) for k, q in enumerate(taught)]
    for one, other in zip(
        training.errors(member, taught), training.errors(member, shifted), strict=True
    ):
        assert float(one) == pytest.approx(float(other), abs=1e-4)


def test_errors_are_those_of_what_the_potential_returns(taught, tmp_path):
    torch.manual_seed(0)
    ensemble = network.Ensemble(SMALL, 3)
    weights.save(tmp_path / "three.safetensors", ensemble, {})
    learned = PotentialSpec("learned", {"weights": str(tmp_path / "three.safetensors")})

    def evaluated(lesson):
        return learned.load(lesson.numbers, 0, 1).evaluate(lesson.positions)

    assert training.measured(ensemble, taught) == pytest.approx(
        card.errors(taught, evaluated), rel=1e-3
    )


class KilledError(Exception):
    pass


@pytest.mark.parametrize("after", [1, 3])
def test_after_a_kill_the_same_weights_come_out_and_at_most_an_epoch_is_done_again(
    taught, tmp_path, after
):
    course = training.Course(epochs=4, reactions=2, geometries=6)

    def run(file, told=lambda row: None):
        return training.taught(tmp_path / file, SMALL, taught, taught[:1], course, 7, told=told)

    def kill(row):
        if row["epoch"] == after:
            raise KilledError

    whole, log = run("whole")
    with pytest.raises(KilledError):
        run("killed", kill)
    done = []
    resumed, again = run("killed", done.append)
    assert [row["epoch"] for row in done] == list(range(after + 1, 5))
    assert [row["loss"] for row in again] == [row["loss"] for row in log]
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_torn_checkpoint_is_one_sentence(taught, tmp_path):
    (tmp_path / "m").write_bytes(b"torn")
    with pytest.raises(InputError, match=r"is no checkpoint .* Remove it to begin anew") as raised:
        training.taught(tmp_path / "m", SMALL, taught, [], training.Course(1), 0)
    assert "\n" not in str(raised.value)


def test_a_batch_holds_every_geometry_once(taught):
    course = training.Course(reactions=2, geometries=5)
    parts = [part for batch in training.batches(taught, course, (0, 1)) for part in batch]
    for lesson in taught:
        energies = np.concatenate([part.energies for part in parts if part.name == lesson.name])
        assert np.sort(energies) == pytest.approx(np.sort(lesson.energies))
    assert max(map(len, parts)) <= 5


@pytest.fixture(scope="module")
def run(small, tmp_path_factory):
    """A whole teaching run, two rounds, on three reactions."""
    from mepbench.files.frames import frame, write_frames

    folder = tmp_path_factory.mktemp("teaching")
    frames = []
    for entry in small:
        for role in ("reactant", "product"):
            frames.append(
                frame(
                    entry.numbers[role],
                    entry.positions[role],
                    reaction=entry.name,
                    role=role,
                    charge=0,
                    multiplicity=1,
                )
            )
    write_frames(folder / "ends.xyz", frames)
    plan = teach.Plan(
        frames=2, turns=1, rounds=2, asked=3, members=2, epochs=2, again=1, share=0.4, parts=(2,)
    )
    file = teach.teach(str(folder / "ends.xyz"), [], plan, SMALL, folder / "out", 1)
    return folder, plan, file


def test_a_run_leaves_weights_that_serve_as_a_prior_with_a_card_and_a_log(run, small):
    folder, plan, file = run
    ensemble, facts = weights.load(file)
    assert len(ensemble.members) == plan.members == facts["members"]
    log = pd.read_csv(folder / "out" / "log.csv")
    assert log.groupby(["round", "taught", "member"]).size().max() == 3
    assert set(log["round"]) == {0, 1}
    readme = (folder / "out" / "README.md").read_text()
    assert f"{facts['evaluations']} evaluations" in readme
    assert "GFN1-xTB" in readme
    assert (folder / "out" / "log.png").stat().st_size > 1000
    paid = [lessons.Lesson.read(f).paid for f in (folder / "out").glob("lessons-*/*.npz")]
    parts = pd.read_csv(folder / "out" / "split.csv")["part"].value_counts()
    assert sum(paid) == facts["evaluations"] + parts["held-out"] * (2 + 2 * 2 + 4)
    learned = PotentialSpec("learned", {"weights": str(file)})
    assert learned.of(lessons.reaction_of(small[0])).backend == "2 networks of learned.safetensors"


def test_a_finished_run_does_nothing_again_and_another_plan_is_refused(run, monkeypatch):
    folder, plan, file = run
    (before, facts), log = weights.load(file), (folder / "out" / "log.csv").read_text()
    for name in ("along_paths", "where_members_differ"):
        monkeypatch.setattr(teach, name, None)
    source, out = str(folder / "ends.xyz"), folder / "out"
    again, same = weights.load(teach.teach(source, [], plan, SMALL, out, 1))
    assert all(map(torch.equal, before.parameters(), again.parameters()))
    assert same == facts
    assert (out / "log.csv").read_text() == log
    with pytest.raises(InputError, match="begun with epochs 2, not 5"):
        teach.teach(source, [], replace(plan, epochs=5), SMALL, out, 1)
    assert json.loads((out / "plan.json").read_text())["plan"]["epochs"] == 2


@pytest.mark.parametrize("name", ["../../x", "a/b", ".."])
def test_a_reaction_whose_name_would_leave_the_folder_is_refused(name, tmp_path):
    frames = [f"1\nreaction={name} role={role}\nH 0 0 0\n" for role in ("reactant", "product")]
    (tmp_path / "set.xyz").write_text("".join(frames))
    with pytest.raises(InputError, match="so it may have no slash"):
        teach.read_entries(str(tmp_path / "set.xyz"), tmp_path)
