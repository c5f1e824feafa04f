"""Teaching: who teaches and who stays unseen, what is paid for, and that a kill loses one epoch."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mepbench import registry
from mepbench.errors import InputError, SCFFailure
from mepbench.jobs.run_lock import only_run
from mepbench.landscape import across
from mepbench.learned import weights
from mepbench.molecule.stereo import bonds
from mepbench.oracle import PotentialSpec
from mepbench.path import resample
from mepbench.reaction import Entry, read_set
from mepbench.teaching import analogues, card, lessons, split, teach

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


def test_a_further_lesson_is_where_the_ensemble_itself_leads_most_of_it_at_the_top(small):
    reaction, learned = lessons.reaction_of(small[0]), PotentialSpec("learned")
    found, again = (
        lessons.where_it_leads(reaction, GFN2, learned, 8, np.random.default_rng(3)) for _ in "ab"
    )
    assert found.paid == 8
    assert np.array_equal(found.positions, again.positions)
    guess, ensemble = registry.module_of("guesses", "operator"), learned.of(reaction)
    geodesic = registry.load("guesses", "geodesic")(
        reaction, 0, nodes=lessons.NODES, tolerance=lessons.TOLERANCE
    )
    path = guess.down(reaction, resample(geodesic, guess.NODES), ensemble)
    energies, _ = ensemble.evaluate(path)
    top = 1 + int(np.argmax(energies[1:-1]))
    where = [np.abs(path - x).max(axis=(1, 2)).argmin() for x in found.positions[:4]]
    assert where[:3] == [top, top - 1, top + 1]
    assert where[3] not in where[:3]
    assert np.abs(found.positions[:4] - path[where]).max() < 1e-6
    moved = np.linalg.norm(found.positions[4:] - path[top], axis=2).max(axis=1)
    assert (moved > 1e-3).all()
    assert (moved < 1.0).all()


def test_steps_across_a_path_neither_move_along_it_nor_far(small):
    reaction = lessons.reaction_of(small[0])
    s = np.array([0.3, 0.6])[:, None, None]
    path = (1 - s) * reaction.reactant + s * reaction.product
    gradients = np.random.default_rng(0).normal(scale=30, size=path.shape)
    steps = across.steps_across(reaction.numbers, reaction.ends, path, gradients)
    tangent = reaction.product - reaction.reactant
    assert np.abs((steps * tangent).sum((1, 2))).max() < 1e-6
    assert np.linalg.norm(steps, axis=2).max() == pytest.approx(across.LONGEST)
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


def test_what_replaces_an_atom_leaves_a_closed_shell(entries):
    rng, seen, charges = np.random.default_rng(0), set(), set()
    for entry in entries:
        before = entry.numbers["reactant"]
        numbers, charge = analogues.replaced(before, rng)
        assert 1 <= (numbers != before).sum() <= 2
        assert (numbers.sum() - charge) % 2 == 0
        assert entry.charge == 0
        seen |= set(numbers.tolist())
        charges.add(charge)
    assert seen == {1, 6, 7, 8, 9, 14, 15, 16, 17, 35}
    assert charges == {-1, 0, 1}


def test_an_atom_of_one_neighbour_moves_to_its_new_bond_and_no_other_does():
    water = np.array([[0.0, 0.0, 0.0], [0.96, 0.0, 0.0], [-0.24, 0.93, 0.0]])
    x = analogues.longer(np.array([8, 1, 1]), np.array([8, 17, 1]), water)
    assert np.linalg.norm(x[1] - x[0]) == pytest.approx(0.66 + 1.02)
    assert np.array_equal(x[[0, 2]], water[[0, 2]])
    assert np.array_equal(analogues.longer(np.array([8, 1, 1]), np.array([16, 1, 1]), water), water)


def test_an_analogue_has_relaxed_ends_and_is_that_of_its_seed(small):
    reaction = lessons.reaction_of(small[1])
    made, paid = analogues.analogue(reaction, GFN2, np.random.default_rng(1))
    again, _ = analogues.analogue(reaction, GFN2, np.random.default_rng(1))
    assert np.array_equal(made.reactant, again.reactant)
    assert (made.numbers != reaction.numbers).any()
    assert 2 < paid <= 2 * (analogues.STEPS + 1)
    _, gradients = GFN2.of(made).evaluate(made.ends)
    assert np.linalg.norm(gradients, axis=2).max() < 2 * analogues.FMAX
    for x in made.ends:
        assert len(bonds(made.numbers, x)) > 0


def test_analogues_of_what_is_taught_share_no_molecule_with_the_other_side(small, tmp_path):
    run = teach.Teaching(tmp_path, teach.Plan(frames=1, turns=0), 1, frozenset())
    files = run.analogues(small, frozenset(), taught=True)
    assert run.paid == sum(lessons.Lesson.read(file).paid for file in files)
    assert [file.stem for file in files] == [entry.name for entry in small]
    there = [teach.molecules_in([file]) for file in files]
    assert run.analogues(small, there[0], taught=False) == [
        file for file, has in zip(files, there, strict=True) if not has & there[0]
    ]


def test_a_lesson_comes_back_from_its_file(taught, tmp_path):
    taught[0].save(tmp_path / "of" / f"{taught[0].name}.npz")
    found = lessons.Lesson.read(tmp_path / "of" / f"{taught[0].name}.npz")
    assert (found.name, found.paid) == (taught[0].name, taught[0].paid)
    for name in ("numbers", "positions", "energies", "gradients"):
        assert np.array_equal(getattr(found, name), getattr(taught[0], name))
    assert [file.name for file in (tmp_path / "of").iterdir()] == [f"{taught[0].name}.npz"]


def test_teaching_lowers_the_error_on_what_is_taught(taught, tmp_path):
    pace = training.Pace(epochs=16, rate=8e-3, reactions=2, geometries=8)
    torch.manual_seed(0)
    before = training.measured(network.Ensemble(SMALL, 1), taught)
    member, log = training.taught(tmp_path / "m", SMALL, taught, taught[:1], pace, seed=0)
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


def test_what_is_held_out_has_elements_and_charges_that_were_taught(taught, tmp_path):
    files = [tmp_path / f"{k}.npz" for k in range(3)]
    strange = replace(taught[1], numbers=np.where(taught[1].numbers == 1, 9, taught[1].numbers))
    for one, file in zip((taught[0], strange, replace(taught[0], charge=1)), files, strict=True):
        one.save(file)
    shape = teach.shape_of(SMALL, taught)
    assert teach.known_to(shape, files) == files[:1]
    assert teach.shape_of(SMALL, [replace(taught[0], charge=-1)]).charges == (-1,)
    with pytest.raises(InputError, match="nothing can be taught"):
        teach.shape_of(SMALL, [])


def test_a_checkpoint_that_is_missing_is_no_member(tmp_path):
    with pytest.raises(InputError, match="is missing"):
        training.of_checkpoint(tmp_path / "member-0.safetensors", SMALL)


def test_an_analogue_with_an_end_of_no_energy_is_no_lesson(small, monkeypatch):
    def none(reaction, *arguments):
        return lessons.lesson("a", reaction.numbers, 0, None, 3)

    monkeypatch.setattr(teach, "along_paths", none)
    with pytest.raises(SCFFailure, match="of no use"):
        teach.analogue_lesson(small[0], teach.Plan())


def test_a_geometry_without_an_energy_does_not_end_the_measurement(taught, monkeypatch):
    class Failing:
        def evaluate(self, positions):
            if np.array_equal(positions[0], taught[0].positions[1]):
                raise SCFFailure("not converged")
            return np.array([7.0]), np.zeros((1, *positions.shape[1:]))

    monkeypatch.setattr(PotentialSpec, "load", lambda *_: Failing())
    energies, gradients = card.rival(taught[0])
    assert np.flatnonzero(np.isnan(energies)).tolist() == [1]
    assert np.isnan(gradients[1]).all()
    assert np.isfinite(card.rival_errors(taught)).all()


class KilledError(Exception):
    pass


@pytest.mark.parametrize("after", [1, 3])
def test_after_a_kill_the_same_weights_come_out_and_at_most_an_epoch_is_done_again(
    taught, tmp_path, after
):
    pace = training.Pace(epochs=4, reactions=2, geometries=6)

    def run(file, told=lambda log: None):
        return training.taught(tmp_path / file, SMALL, taught, taught[:1], pace, 7, told=told)

    def kill(log):
        if len(log) == after:
            raise KilledError

    whole, log = run("whole")
    with pytest.raises(KilledError):
        run("killed", kill)
    done = []
    resumed, again = run("killed", lambda log: done.append(log[-1]))
    assert [row["epoch"] for row in done] == list(range(after + 1, 5))
    assert [row["loss"] for row in again] == [row["loss"] for row in log]
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_torn_checkpoint_is_one_sentence(taught, tmp_path):
    (tmp_path / "m").write_bytes(b"torn")
    with pytest.raises(InputError, match=r"is no checkpoint .* Remove it to begin anew") as raised:
        training.taught(tmp_path / "m", SMALL, taught, [], training.Pace(1), 0)
    assert "\n" not in str(raised.value)


def test_a_batch_holds_every_geometry_once(taught):
    pace = training.Pace(reactions=2, geometries=5)
    parts = [part for batch in training.batches(taught, pace, (0, 1)) for part in batch]
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
        frames=2,
        turns=1,
        analogues=2,
        rounds=2,
        asked=3,
        members=2,
        epochs=2,
        again=1,
        share=0.4,
        parts=(2,),
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
    assert sum(paid) == facts["evaluations"] + parts["held-out"] * (2 + 2 * 2 + 4 + 2 * 3)
    assert facts["errors"]["ensemble"]["where it leads"][0] > 0
    assert "| surface | force, held out |" in readme
    assert len(readme.split("| ensemble |")[1].split("\n")[0].split("|")) == 7
    taught = [lessons.Lesson.read(f) for f in (folder / "out").glob("lessons-analogues/*.npz")]
    there = {int(z) for lesson in taught for z in lesson.numbers}
    assert there <= set(ensemble.shape.elements)
    assert {lesson.charge for lesson in taught} <= set(ensemble.shape.charges)
    learned = PotentialSpec("learned", {"weights": str(file)})
    assert learned.of(lessons.reaction_of(small[0])).backend == "2 networks of learned.safetensors"


def test_members_taught_side_by_side_are_those_taught_one_after_another(run, tmp_path):
    """And a process of them goes with its parent: see `jobs.worker.die_with`."""
    from mepbench.teaching.members import Course, followed

    folder, _, _ = run
    files = tuple(sorted((folder / "out" / "lessons-0").glob("*.npz")))
    found = []
    for cores in (1, 2):
        courses = [
            Course(tmp_path / f"{cores}", 0, k, files, files[:1], training.Pace(1), seed=k)
            for k in (0, 1)
        ]
        log = followed(courses, SMALL, cores)
        assert [row["member"] for row in log] == [0, 1]
        assert all((course.checkpoint.with_suffix(".csv")).exists() for course in courses)
        found.append([row["loss"] for row in log])
    assert found[0] == pytest.approx(found[1], rel=1e-5)


def test_a_folder_of_other_reactions_is_refused(run, small, tmp_path):
    folder, plan, _ = run
    with pytest.raises(InputError, match="is of other reactions than these"):
        teach.divided(small[:1], frozenset(), plan, folder / "out")


def test_a_finished_run_does_nothing_again_and_another_plan_is_refused(run, monkeypatch):
    folder, plan, file = run
    (before, facts), log = weights.load(file), (folder / "out" / "log.csv").read_text()
    for name in ("along_paths", "where_it_leads"):
        monkeypatch.setattr(teach, name, None)
    source, out = str(folder / "ends.xyz"), folder / "out"
    again, same = weights.load(teach.teach(source, [], plan, SMALL, out, 1))
    assert all(map(torch.equal, before.parameters(), again.parameters()))
    assert same == facts
    assert (out / "log.csv").read_text() == log
    with pytest.raises(InputError, match="begun with epochs 2, not 5"):
        teach.teach(source, [], replace(plan, epochs=5), SMALL, out, 1)
    assert json.loads((out / "plan.json").read_text())["plan"]["epochs"] == 2


def test_a_folder_in_which_another_process_teaches_is_refused(tmp_path):
    with only_run(tmp_path, teach.LOCK), pytest.raises(InputError, match="goes on in") as e:
        teach.teach("rdb7_dev", [], teach.Plan(), SMALL, tmp_path, 1)
    assert str(tmp_path) in str(e.value)


@pytest.mark.parametrize("name", ["../../x", "a/b", ".."])
def test_a_reaction_whose_name_would_leave_the_folder_is_refused(name, tmp_path):
    frames = [f"1\nreaction={name} role={role}\nH 0 0 0\n" for role in ("reactant", "product")]
    (tmp_path / "set.xyz").write_text("".join(frames))
    with pytest.raises(InputError, match="so it may have no slash"):
        teach.read_entries(str(tmp_path / "set.xyz"), tmp_path)
