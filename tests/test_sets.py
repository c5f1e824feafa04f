"""The shipped sets keep their promises, and set files of any origin are read as text."""

import re
from collections import Counter

import numpy as np
import pytest
from ase import Atoms

from mepbench.errors import InputError
from mepbench.files.frames import frame, write_frames
from mepbench.preparation.checks import check_electrons
from mepbench.preparation.embedding import starting_geometries
from mepbench.preparation.smiles import read_smiles, wrong_stereo
from mepbench.reaction import read_endpoints, read_set

HOSTILE = ["../../evil", "a/b", 'a,"b"', "<script>alert(1)</script>", "001", "NA", "1e5", "a b\\c"]
CLASSES = [
    "isomerisation",
    "hydrogen-shift-1,2",
    "hydrogen-shift-1,3",
    "hydrogen-shift-1,5",
    "keto-enol",
    "electrocyclic",
    "sigmatropic-2,3",
    "sigmatropic-3,3",
    "cycloaddition-2+2",
    "cycloaddition-4+2",
    "cycloaddition-dipolar",
    "cheletropic",
    "ene",
    "retro-ene",
    "elimination-hx",
    "elimination-h2",
    "elimination-co",
    "elimination-co2",
    "elimination-syn",
    "sn2",
    "sn2-prime",
    "proton-transfer",
    "addition-carbonyl",
    "addition-hydride",
    "rearrangement-1,2",
    "radical-abstraction",
    "radical-addition",
    "radical-hydrogen-shift",
    "radical-ring-opening",
    "inversion",
    "rotation",
    "ring-opening",
]
# Termini of the chain, along it, and whether they turn the same way (conrotatory) or not.
ROTATIONS = {
    "cyclobutene-ring-opening": ([3, 2, 1, 4], "conrotatory"),
    "benzocyclobutene-ring-opening": ([7, 6, 1, 8], "conrotatory"),
    "hexatriene-ring-closure": ([1, 2, 3, 4, 5, 6], "disrotatory"),
    "sulfolene-extrusion": ([4, 5, 6, 7], "disrotatory"),
    "nazarov": ([1, 2, 3, 4, 5], "conrotatory"),
}


@pytest.fixture(scope="module")
def textbook():
    return read_set("textbook", "textbook")


@pytest.fixture(scope="module")
def sizes(textbook):
    return {e.name: len(read_smiles(e.smiles, e.charge).numbers) for e in textbook}


def test_every_textbook_reaction_is_balanced_fully_mapped_and_of_the_declared_charge(textbook):
    for entry in textbook:
        mapped = read_smiles(entry.smiles, entry.charge)
        check_electrons(mapped.numbers, entry.charge, entry.multiplicity)
        written = re.findall(r":(\d+)\]", entry.smiles)
        assert sorted(map(int, written)) == sorted(2 * list(range(1, 1 + len(mapped.numbers))))


def test_every_textbook_reaction_changes_bonds_or_stereochemistry(textbook):
    for entry in textbook:
        one, other = read_smiles(entry.smiles, entry.charge).sides
        assert one.bonds != other.bonds or entry.reaction_class in ("inversion", "rotation")
        assert entry.smiles.split(">>")[0] != entry.smiles.split(">>")[1]


def test_textbook_has_at_least_60_reactions_of_3_to_25_atoms_of_all_sizes(sizes):
    assert len(sizes) >= 60
    assert min(sizes.values()) == 3
    assert 20 < max(sizes.values()) <= 25
    assert sum(size >= 9 for size in sizes.values()) >= 35
    assert sum(size >= 15 for size in sizes.values()) >= 12


def test_textbook_has_cations_anions_and_radicals(textbook):
    assert sum(entry.charge > 0 for entry in textbook) >= 4
    assert sum(entry.charge < 0 for entry in textbook) >= 5
    assert sum(entry.multiplicity == 2 for entry in textbook) >= 5


def test_textbook_has_every_class_and_no_other(textbook):
    assert {entry.reaction_class for entry in textbook} == set(CLASSES)


@pytest.mark.parametrize("name", ROTATIONS)
def test_electrocyclic_reactions_are_written_as_woodward_and_hoffmann_allow(textbook, name):
    chain, sense = [k - 1 for k in ROTATIONS[name][0]], ROTATIONS[name][1]
    entry = next(e for e in textbook if e.name == name)
    reaction = read_smiles(entry.smiles, entry.charge)
    ends = tuple(sorted((chain[0], chain[-1])))
    closed = next(i for i in (0, 1) if _in_one_ring(reaction.sides[i], ends))
    ring, open_chain = (_as_written(reaction, i) for i in (closed, 1 - closed))
    along = ring[chain] - ring[chain].mean(axis=0)
    normal = np.linalg.svd(along)[2][2]
    faces = []
    for end, _, third in (chain[:3], chain[:-4:-1]):
        hydrogens = _hydrogens_of(reaction.sides[closed], end)
        # The outward hydrogen of the open chain is the one trans to the third atom.
        outward = max(hydrogens, key=lambda h: np.linalg.norm(open_chain[h] - open_chain[third]))
        faces.append(np.sign((ring[outward] - ring[end]) @ normal))
    # Outward hydrogens on one face: the ends turn against each other.
    assert (faces[0] == faces[1]) == (sense == "disrotatory")


def _in_one_ring(side, ends) -> bool:
    return all(side.molecule.GetAtomWithIdx(k).IsInRing() for k in ends)


def _hydrogens_of(side, atom) -> list[int]:
    neighbours = side.molecule.GetAtomWithIdx(atom).GetNeighbors()
    return [n.GetIdx() for n in neighbours if n.GetAtomicNum() == 1]


def _as_written(reaction, at) -> np.ndarray:
    """An embedded geometry of a side that keeps every mark."""
    for x in starting_geometries(reaction, at)[0]:
        for image in (x, x * [-1.0, 1.0, 1.0]):
            if not wrong_stereo(reaction.sides[at], image):
                return image
    raise AssertionError("no geometry as written")


def test_textbook_names_are_unique_and_plain_and_each_cites_a_dated_source(textbook):
    assert max(Counter(e.name for e in textbook).values()) == 1
    for entry in textbook:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", entry.name)
        assert re.search(r"\((18|19|20)\d\d\)", entry.literature)
        assert all(re.match(r"10\.\d{4}/\S", d) for d in entry.literature.split("doi:")[1:])


def test_quick_is_twelve_small_textbook_reactions_of_many_classes_one_of_them_charged(
    textbook, sizes
):
    quick = read_set("quick", "quick")
    assert len(quick) == 12
    assert {e.name for e in quick} <= {e.name for e in textbook}
    assert all(sizes[e.name] <= 11 for e in quick)
    assert len({e.reaction_class for e in quick}) >= 10
    assert any(e.charge for e in quick)


def test_names_in_yaml_are_text_whatever_they_look_like(tmp_path):
    file = tmp_path / "set.yaml"
    file.write_text("- {name: 001, smiles: x}\n- {name: NA, smiles: x}\n- {name: 1e5, smiles: x}\n")
    assert [entry.name for entry in read_set("s", str(file))] == ["001", "NA", "1e5"]


def test_hostile_names_survive_the_way_through_an_extxyz_set(tmp_path):
    frames = [
        frame(np.array([1, 1]), np.array([[0, 0, 0], [0, 0, z]]), reaction=name, role=role)
        for name in HOSTILE
        for role, z in (("reactant", 0.7), ("product", 0.8))
    ]
    write_frames(tmp_path / "set.xyz", frames)
    assert [entry.name for entry in read_set("s", str(tmp_path / "set.xyz"))] == HOSTILE
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["set.xyz"]


def test_hostile_names_survive_the_way_through_endpoints_xyz(tmp_path):
    positions = np.array([[0, 0, 0], [0, 0, 0.74]])
    frames = [
        frame(
            np.array([1, 1]), positions, energy=-1.0, gradient=0 * positions, reaction=name, role=r
        )
        for name in HOSTILE
        for r in ("reactant", "product")
    ]
    write_frames(tmp_path / "endpoints.xyz", frames)
    assert [r.name for r in read_endpoints(tmp_path / "endpoints.xyz")] == HOSTILE


def test_folders_named_001_and_na_keep_their_names(tmp_path):
    for name in ("001", "NA"):
        for role in ("reactant", "product"):
            (tmp_path / name).mkdir(exist_ok=True)
            Atoms("H2", [[0, 0, 0], [0, 0, 0.74]]).write(tmp_path / name / f"{role}.xyz")
    assert [entry.name for entry in read_set("s", str(tmp_path))] == ["001", "NA"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- {name: a, smiles: x}\n- {name: a, smiles: y}\n", "two reactions of the name 'a'"),
        ("[]", "no reactions"),
        ("", "no reactions"),
        ("- {name: a, smile: x}\n", "Did you mean 'smiles'"),
        ("- {smiles: x}\n", "has no `name`"),
        ("- {name: a}\n", "has no `smiles`"),
        ("- {name: a, smiles: x, charge: one}\n", "charge must be an integer"),
        ("- [unclosed\n", "not valid YAML"),
        ("{subset_of: set, reactions: [a]}", "the name of another set"),
        ("{subset_of: ../x, reactions: [a]}", "the name of another set"),
        ("{subset_of: textbook, reactions: a}", "a list of names"),
        ("subset_of: textbook\nreactions: [hcn-isomerization]\n", "Did you mean"),
    ],
)
def test_a_bad_set_file_is_one_clear_error(tmp_path, text, says):
    (tmp_path / "set.yaml").write_text(text)
    if "subset" in text:
        from mepbench.reaction import SHIPPED

        (tmp_path / "textbook.yaml").write_text((SHIPPED / "textbook.yaml").read_text())
    with pytest.raises(InputError, match=re.escape(says)):
        read_set("s", str(tmp_path / "set.yaml"))


def test_a_misspelt_shipped_set_names_the_nearest_one():
    with pytest.raises(InputError, match="Did you mean 'textbook'"):
        read_set("s", "textbok")


def test_an_empty_folder_is_an_empty_set(tmp_path):
    with pytest.raises(InputError, match="no reactions"):
        read_set("s", str(tmp_path))
