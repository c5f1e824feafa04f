"""The shipped sets keep their promises, and set files of any origin are read as text."""

import re
from collections import Counter

import numpy as np
import pytest
from ase import Atoms

from mepbench.checks import check_electrons
from mepbench.errors import InputError
from mepbench.frames import frame, write_frames
from mepbench.reaction import read_endpoints, read_set
from mepbench.smiles import read_smiles

HOSTILE = ["../../evil", "a/b", 'a,"b"', "<script>alert(1)</script>", "001", "NA", "1e5", "a b\\c"]
CLASSES = [
    "isomerisation",
    "hydrogen-shift-1,2",
    "hydrogen-shift-1,3",
    "hydrogen-shift-1,5",
    "keto-enol",
    "electrocyclic",
    "sigmatropic",
    "cycloaddition-4+2",
    "cycloaddition-dipolar",
    "retro-ene",
    "elimination-hx",
    "elimination-h2",
    "elimination-co",
    "sn2",
    "proton-transfer",
    "inversion",
    "rotation",
    "ring-opening",
]


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


def test_textbook_spans_3_to_16_atoms_and_at_least_12_have_9_or_more(sizes):
    assert len(sizes) >= 24
    assert min(sizes.values()) == 3
    assert max(sizes.values()) == 16
    assert sum(size >= 9 for size in sizes.values()) >= 12


@pytest.mark.parametrize("wanted", CLASSES)
def test_textbook_has_the_class(textbook, wanted):
    assert any(entry.reaction_class.startswith(wanted) for entry in textbook)


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
