"""`mepbench check` names every mistake of every set before anything runs, and ends with 2."""

import contextlib
import os
import time

import pytest
import yaml

from mepbench.cli import main
from mepbench.errors import InputError
from mepbench.preparation.refusals import refusal
from mepbench.reaction import read_set

HCN = [("C", 0.0), ("N", 1.16), ("H", -1.07)]
HNC = [("C", 0.0), ("N", 1.18), ("H", 2.18)]


def xyz(atoms, comment="charge=0"):
    return f"{len(atoms)}\n{comment}\n" + "".join(f"{s} 0.0 0.0 {z}\n" for s, z in atoms)


def moved(z):
    return [*HNC[:2], ("H", z)]


GOOD = xyz(HCN), xyz(HNC)
# name: (reactant.xyz, product.xyz or None, what is said)
FILES = {
    "no-product": (GOOD[0], None, "product.xyz is missing"),
    "binary": (b"\x00\xff\xfe\x80" * 99, GOOD[1], "reactant.xyz: is not a valid XYZ file"),
    "empty": (GOOD[0], "", "product.xyz: has 0 frames"),
    "prose": (GOOD[0], "Dear reader,\nhere it is\n", "product.xyz: is not a valid XYZ file"),
    "truncated": (GOOD[0], GOOD[1][:-15], "has 2 atoms, it announces 3"),
    "longer": (GOOD[0], GOOD[1] + "H 0 0 9\n", "line 6 should be the number of atoms"),
    "two-frames": (GOOD[0] * 2, GOOD[1], "reactant.xyz: has 2 frames"),
    "no-number": (GOOD[0], xyz(moved("2,18")), "a coordinate that is not a number"),
    "nan": (GOOD[0], xyz(moved("nan")), "a coordinate that is not a number"),
    "huge": (GOOD[0], xyz(moved("1e300")), "1e+300 A from the others (atom 3)"),
    "bohr-in-pm": (GOOD[0], xyz(moved("2180.0")), "2.18e+03 A from the others"),
    "overlap": (GOOD[0], xyz(moved(1.2)), "overlapping atoms: N2 and H3"),
    "unknown": (GOOD[0], xyz([*HNC[:2], ("Qq", 2.18)]), "'Qq' is no element"),
    "other-elements": (GOOD[0], xyz([("C", 0.0), ("O", 1.18), ("H", 2.18)]), "is CHN and the"),
    "other-count": (GOOD[0], xyz(HNC[:2]), "is CHN and the product CN"),
    "other-order": (GOOD[0], xyz([HNC[1], HNC[0], HNC[2]]), "atoms are ordered differently"),
    "charges": (GOOD[0], xyz(HNC, "charge=1"), "reactant (0) and product (1) differ in charge"),
    "charge-words": (xyz(HCN, "charge=zero"), GOOD[1], "'charge=zero' looks like a charge"),
    "charge-20": (*(xyz(x, "charge=20") for x in (HCN, HNC)), "leaves -6 electrons"),
    "doublet": (*(xyz(x, "mult=2") for x in (HCN, HNC)), "multiplicity 2 is impossible"),
    "multiplicity-0": (*(xyz(x, "mult=0") for x in (HCN, HNC)), "multiplicity 0 is impossible"),
    "spins": (GOOD[0], xyz(HNC, "charge=0 mult=3"), "differ in multiplicity"),
    "same": (GOOD[0], GOOD[0], "both ends are the same"),
    "nearly-the-same": (GOOD[0], xyz([*HCN[:2], ("H", -1.07001)]), "both ends are the same"),
    "actinide": (
        *(xyz([*x[:2], ("Np", x[2][1])]) for x in (HCN, HNC)),
        "no parameters for Np (Z = 93)",
    ),
}
SMILES = {
    "C>O>C": "not of the form",
    ">>": "not of the form",
    "CCO": "not of the form",
    "hello>>world": "RDKit cannot read the reactant's SMILES",
    "C(C)(C)(C)(C)C>>CCCCCC": "RDKit refuses the reactant's SMILES",
    "[CH3:1][CH3:2]>>[CH3:1]": "the product has no atom mapped 2",
    "[CH3:1]C>>C[CH3:1]": "a C without a map number",
    "[CH3:1][CH3:1]>>[CH3:1][CH3:1]": "map number 1 stands twice",
    "[CH3:1][OH:2]>>[CH3:2][OH:1]": "atom 1 is C in the reactant and O in the product",
    "[CH3:1][NH3+:2]>>[CH2:1]=[NH2+:2].[H][H]": "charge +1, declared is +0",
    "[*:1]C>>C[*:1]": "is a wildcard",
    "[2H][C:1]#[N:2]>>[2H][N+:1]#[C-:2]": "isotopes",
    "C>>C": "both ends are the same",
    "[CH3:1][OH:2]>>[OH:2][CH3:1]": "both ends are the same",
    "F/C=C/F>>F/C=C/F": "both ends are the same",
    "[CH3:1][OH:2]>>[CH2:1]=[O:2]": "balance the SMILES",
    "C" * 5000 + ">>C": "has 5003 characters",
}


@pytest.fixture
def checked(tmp_path, monkeypatch, capsys):
    """Run `mepbench check` on some sets; return the exit status and what it printed."""
    monkeypatch.chdir(tmp_path)

    def run(*options, **config):
        (tmp_path / "c.yaml").write_text(yaml.safe_dump(config))
        status = main(["check", "c.yaml", *options])
        said = capsys.readouterr()
        return status, said.out + said.err

    return run


def put(folder, **texts):
    folder.mkdir(parents=True)
    for name, text in texts.items():
        text = text if isinstance(text, bytes) else text.encode()
        (folder / f"{name}.xyz").write_bytes(text)


def test_each_bad_reaction_of_a_folder_is_named_with_what_is_wrong(tmp_path, checked):
    put(tmp_path / "set" / "good", reactant=GOOD[0], product=GOOD[1])
    for name, (reactant, product, _) in FILES.items():
        put(tmp_path / "set" / name, reactant=reactant, **({"product": product} if product else {}))
        if product == "":
            (tmp_path / "set" / name / "product.xyz").write_text("")
    status, said = checked("--all", sets={"s": "set"})
    assert status == 2
    lines = {line.split("'")[1]: line for line in said.splitlines() if line.startswith("    '")}
    assert set(lines) == set(FILES)
    for name, (*_, what) in FILES.items():
        assert what in lines[name]
        assert str(tmp_path) not in lines[name]
    assert f"{len(FILES)} of {len(FILES) + 1} reactions will be refused" in said
    assert "1 reactions\n" in said
    assert checked(sets={"s": "set"})[1].count("\n    '") == 20  # and how many more


def test_each_bad_smiles_is_named_with_what_is_wrong(tmp_path, checked):
    entries = [{"name": f"r{at}", "smiles": smiles} for at, smiles in enumerate(SMILES)]
    good = [
        {"name": "turns", "smiles": "F/C=C/F>>F/C=C\\F"},
        {"name": "inverts", "smiles": "[N@:1]([H:2])([H:3])[H:4]>>[N@@:1]([H:2])([H:3])[H:4]"},
        {"name": "shifts", "smiles": "[CH2:1]=[CH:2][OH:3]>>[CH3:1][CH:2]=[O:3]"},
        {
            "name": "exchanges",
            "smiles": "[Cl-:1].[CH3:2][Cl:3]>>[Cl:1][CH3:2].[Cl-:3]",
            "charge": -1,
        },
    ]
    (tmp_path / "list.yaml").write_text(yaml.safe_dump(entries + good))
    status, said = checked("--all", sets={"s": "list.yaml"})
    assert status == 2
    lines = [line for line in said.splitlines() if line.startswith("    'r")]
    assert len(lines) == len(SMILES)
    for at, what in enumerate(SMILES.values()):
        assert f"'r{at}': " in lines[at]
        assert what in lines[at]


def test_a_bad_frame_of_a_set_file_costs_only_its_reaction(tmp_path, checked):
    bad = {"b": "abc", "c": "1e999", "d": "0.1.2"}
    text = ""
    for name in "abcde":
        text += xyz(HCN, f"reaction={name} role=reactant charge=0")
        text += xyz(moved(bad.get(name, 2.18)), f"reaction={name} role=product charge=0")
    (tmp_path / "set.xyz").write_text(text)
    status, said = checked(sets={"s": "set.xyz"})
    assert status == 2
    assert "3 of 5 reactions will be refused" in said
    for name in bad:
        assert f"'{name}': " in said
    assert "frame at line 16: line 20" in said


def test_what_a_set_cannot_use_is_named_too(tmp_path, checked):
    ends = {"reactant": GOOD[0], "product": GOOD[1]}
    put(tmp_path / "set" / "garbage", **ends, ts="rubbish")
    put(tmp_path / "set" / "ion", **ends, ts=xyz(HCN, "charge=1"))
    put(tmp_path / "set" / "other", **ends, ts=xyz(HCN[:2]))
    put(tmp_path / "set" / "typo", reactants=GOOD[0], products=GOOD[1])
    put(tmp_path / "set" / "capital", Reactant=GOOD[0], Product=GOOD[1])
    put(tmp_path / "set" / "frames", all=GOOD[0], trajectory=GOOD[1])
    status, said = checked(sets={"s": "set"})
    assert status == 2
    assert "3 transition states of the set can't be used" in said
    assert "'garbage': ts.xyz: is not a valid XYZ file" in said
    assert "2 folders have neither" in said
    assert "capital/Reactant.xyz\n    typo/reactants.xyz" in said
    assert "frames" not in said
    assert "5 mistakes" in said


def test_what_is_no_file_is_not_waited_for(tmp_path, checked):
    for name in ("pipe", "folder", "dangling"):
        put(tmp_path / "set" / name, reactant=GOOD[0])
    os.mkfifo(tmp_path / "set" / "pipe" / "product.xyz")
    (tmp_path / "set" / "folder" / "product.xyz").mkdir()
    (tmp_path / "set" / "dangling" / "product.xyz").symlink_to("nowhere")
    status, said = checked(sets={"s": "set"})
    assert status == 2
    assert said.count("product.xyz is no file") == 2
    assert said.count("product.xyz is missing") == 1


def test_all_mistakes_of_a_list_are_named_at_once(tmp_path, checked):
    (tmp_path / "list.yaml").write_text(
        "- {name: a, smile: 'C>>C'}\n- {name: b, smiles: 'C>>C', charge: one}\n"
        "- {smiles: 'C>>C'}\n- {name: d}\n- 3\n- {name: e, smiles: 'C>>C', multiplicity: 1.5}\n"
    )
    status, said = checked(sets={"s": "list.yaml"})
    assert status == 2
    for what in (
        "6 mistakes",
        "'a': unknown key 'smile'. Did you mean 'smiles'",
        "'b': charge must be an integer, it is 'one'",
        "number 3 has no `name`",
        "'d' has no `smiles`",
        "number 5 is no mapping",
        "'e': multiplicity must be an integer, it is '1.5'",
    ):
        assert what in said


def test_all_mistakes_of_a_config_that_are_of_one_kind_are_named_at_once(checked):
    status, said = checked(sets={"a": "nowhere", "b": "gone.xyz", "quick": "quick"})
    assert (status, said.count("neither a shipped set nor a file")) == (2, 2)
    status, said = checked(guess=3, seeds=["a"], timeout=-1)
    assert (status, said.count("\n  ")) == (2, 3)
    status, said = checked(sets={"quick": "quick"}, select=["x1", "x2"])
    assert (status, said.count("no set has a reaction")) == (2, 2)
    status, said = checked(sett=1, guesss=2)
    assert (status, said.count("Did you mean")) == (2, 2)


def test_a_good_set_ends_with_0(tmp_path, checked):
    put(tmp_path / "set" / "good", reactant=GOOD[0], product=GOOD[1], ts=xyz(moved(-0.5)))
    status, said = checked(sets={"s": "set", "t": "textbook"})
    assert status == 0
    assert said.splitlines()[-1].startswith("ok: ")


def test_lists_of_smiles_are_read_and_checked_fast(tmp_path):
    """20,000 in a minute; here 300 in thrice their share: machines are shared, too."""
    smiles = (
        "[CH2:1]=[CH:2][CH2:3][CH2:4][CH:5]=[CH2:6]>>[CH2:3]=[CH:2][CH2:1][CH2:6][CH:5]=[CH2:4]"
    )
    entries = [{"name": f"r{at}", "smiles": smiles} for at in range(300)]
    (tmp_path / "list.yaml").write_text(yaml.safe_dump(entries))
    refusal(read_set("s", "quick")[0])  # imports RDKit
    start = time.process_time()
    assert not any(map(refusal, read_set("s", str(tmp_path / "list.yaml"))))
    assert time.process_time() - start < 3 * 60 * 300 / 20000


@pytest.mark.parametrize("name", ["hello", ">>", "C" * 9000 + ">>C", "[U]>>[U]", "C\x00>>C", "."])
def test_no_smiles_ends_in_a_traceback(tmp_path, name):
    (tmp_path / "list.yaml").write_text(yaml.safe_dump([{"name": "r", "smiles": name}]))
    with contextlib.suppress(InputError):
        assert refusal(read_set("s", str(tmp_path / "list.yaml"))[0])
