"""One reader: a pair, a set's folder, an extended XYZ set and the importers agree on every file."""

import re
import time

import numpy as np
import pytest
from ase import Atoms
from ase.constraints import FixAtoms
from ase.io import read
from ase.io.trajectory import Trajectory
from hypothesis import given
from hypothesis import strategies as st

from mepbench.cli import main
from mepbench.errors import BadEndpoints, InputError
from mepbench.files.xyz_text import element
from mepbench.importing.import_set import import_set, rejected_file
from mepbench.molecule.geometry import read_geometry
from mepbench.preparation.given_ends import given_reaction
from mepbench.preparation.smiles import read_mappings
from mepbench.reaction import read_set

# Water's hydrogens apart, and one of them on its way around the oxygen.
Z = np.array([8, 1, 1])
REACTANT = np.array([[0, 0, 0.1], [0, 0.8, -0.5], [0, -0.8, -0.5]])
PRODUCT = np.array([[0, 0, 0.1], [0, 0.8, -0.5], [0, 0.3, 1.1]])
ROWS = "O 0 0 0.1\nH 0 0.8 -0.5\nH 0 -0.8 -0.5\n"


def rows(x, symbols=("O", "H", "H"), form="{:.6f}") -> str:
    lines = zip(symbols, x, strict=True)
    return "".join(f"{s} {' '.join(map(form.format, r))}\n" for s, r in lines)


def write(path, text: str, encoding="utf-8", end="\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.replace("\n", end).encode(encoding))


def by_all_ways(folder, make) -> set:
    """What each way reads of the file that `make(role, comment)` is the text of, or its refusal.

    `make` returns the arguments of `write` after the path.
    """
    pair, found = folder / "pairs" / "water", []
    for role in ("reactant", "product"):
        write(pair / f"{role}.xyz", *make(role, ""))
        write(folder / f"{role}-of-set.xyz", *make(role, f"reaction=water role={role} "))
    content = [(folder / f"{role}-of-set.xyz").read_bytes() for role in ("reactant", "product")]
    marked = content[1]
    for mark in (b"\xef\xbb\xbf", b"\xff\xfe"):
        marked = marked.removeprefix(mark) if content[0].startswith(mark) else marked
    (folder / "set.xyz").write_bytes(content[0] + marked)

    def told(entry) -> tuple:
        if entry.problem:
            raise BadEndpoints(entry.problem)
        assert np.array_equal(entry.numbers["product"], Z)
        assert entry.positions["reactant"] == pytest.approx(REACTANT, abs=1e-9)
        assert entry.positions["product"] == pytest.approx(PRODUCT, abs=1e-9)
        return entry.charge, entry.multiplicity, entry.state_from

    def imported(name, source) -> tuple:
        import_set(name, source, folder / "out.xyz")
        if said := rejected_file(folder / "out.xyz").read_text().partition("\n")[2]:
            raise BadEndpoints(said)
        return told(read_set("s", str(folder / "out.xyz"))[0])

    ways = (
        lambda: told(
            given_reaction("w", pair / "reactant.xyz", pair / "product.xyz", None, None).entry
        ),
        lambda: told(read_set("s", str(folder / "pairs"))[0]),
        lambda: told(read_set("s", str(folder / "set.xyz"))[0]),
        lambda: imported("xyz-pairs", folder / "pairs"),
        lambda: imported("extxyz", folder / "set.xyz"),
    )
    for way in ways:
        try:
            found.append(way())
        except (BadEndpoints, InputError) as error:
            found.append(str(error))
    return set(found)


def frame(role, comment, *changes, **options):
    """The text of one end; each of `changes` is a pattern and what replaces it."""
    text = f"3\n{comment}charge=0 mult=1\n{rows(REACTANT if role == 'reactant' else PRODUCT)}"
    for pattern, by in changes:
        text = re.sub(pattern, by, text)
    return text, *options.values()


SAME = {
    "plain": lambda r, c: frame(r, c),
    "byte-order mark": lambda r, c: frame(r, c, encoding="utf-8-sig"),
    "UTF-16": lambda r, c: frame(r, c, encoding="utf-16"),
    "UTF-16 unmarked": lambda r, c: frame(r, c, encoding="utf-16-le"),
    "UTF-16 big": lambda r, c: frame(r, c, encoding="utf-16-be"),
    "Latin-1": lambda r, c: frame(r, c + "Müller ", encoding="latin-1"),
    "Windows": lambda r, c: frame(r, c, encoding="utf-8", end="\r\n"),
    "old Mac": lambda r, c: frame(r, c, encoding="utf-8", end="\r"),
    "atomic numbers": lambda r, c: frame(r, c, ("\nO", "\n8"), ("\nH", "\n1")),
    "lower case": lambda r, c: frame(r, c, ("\nO", "\no"), ("\nH", "\nh")),
    "labels": lambda r, c: frame(r, c, ("\nO", "\nO_1"), ("\nH", "\nH12")),
    "Fortran": lambda r, c: frame(r, c, (r"(\.\d{6})", r"\1D+00")),
    "Mathematica": lambda r, c: frame(r, c, ("0.100000", "1.*^-1")),
    "tabs": lambda r, c: frame(r, c, (r"(\d) ", "\\1\t")),
    "blank lines": lambda r, c: frame(r, c, (r"\Z", "\n  \n\n")),
    "further columns": lambda r, c: frame(r, c, (r"(\d{6})\n", r"\1 -0.3 x\n")),
    "apostrophe": lambda r, c: frame(r, c + "it's 5\" long "),
    "braces": lambda r, c: frame(r, c + "{a [b } "),
    "equals signs": lambda r, c: frame(r, c + "= a== ==b "),
    "broken JSON": lambda r, c: frame(r, c + 'x="_JSON [" '),
    "energy in words": lambda r, c: frame(r, c + "energy=low stress=1 "),
    "a property": lambda r, c: frame(r, c + "Properties of water "),
    "extended": lambda r, c: frame(r, c + "Properties=species:S:1:pos:R:3 "),
    "no cell": lambda r, c: frame(r, c + 'Properties=species:S:1:pos:R:3 pbc="F F F" '),
    "atomic numbers last": lambda r, c: frame(
        r,
        c + "Properties=pos:R:3:Z:I:1:mode:R:1 ",
        (r"\nO (.*)", r"\n\1 8 1D-3"),
        (r"\nH (.*)", r"\n\1 1 1D-3"),
    ),
}


@pytest.mark.parametrize("kind", SAME)
def test_every_way_reads_the_same_of(kind, tmp_path):
    assert by_all_ways(tmp_path, SAME[kind]) == {(0, 1, "file")}


def columns(of: str, *values: str):
    """Extended XYZ with a further column."""

    def make(role, comment):
        text, *_ = frame(role, comment + f"Properties=species:S:1:pos:R:3:{of} ")
        lines = text.splitlines()
        further = [f"{line} {value}" for line, value in zip(lines[2:], values, strict=True)]
        return ("\n".join([*lines[:2], *further, ""]),)

    return make


LATTICE = 'Lattice="9 0 0 0 9 0 0 0 9" '
REFUSED = {
    "periodic": (lambda r, c: frame(r, c + LATTICE + 'pbc="T T T" '), "periodic"),
    "a cell alone": (lambda r, c: frame(r, c + LATTICE), "periodic"),
    "one direction": (lambda r, c: frame(r, c + LATTICE + 'pbc="F F T" '), "periodic"),
    "part of a cell": (lambda r, c: frame(r, c + 'Lattice="9 9 9" '), "line 2"),
    "fixed atoms": (columns("move_mask:L:1", "T", "T", "F"), "constraints"),
    "masses": (columns("masses:R:1", "15.999", "2.014", "1.008"), "isotopes"),
    "deuterium": (lambda r, c: frame(r, c, ("\nH", "\nD")), "'D' is deuterium"),
    "tritium": (lambda r, c: frame(r, c, ("\nH", "\nT1")), "'T1' is tritium"),
    "a ghost": (lambda r, c: frame(r, c, ("\nH", "\nBq")), "line 4: 'Bq' is no element"),
    "a protein's name": (lambda r, c: frame(r, c, ("\nO", "\nCA1")), "line 3: 'CA1'"),
    "a decimal comma": (lambda r, c: frame(r, c, (r"0\.1", "0,1")), "line 3 has a coordinate"),
    "an overflow": (lambda r, c: frame(r, c, (r"0\.100000", "*****")), "line 3 has a coordinate"),
    "underscores": (lambda r, c: frame(r, c, (r"0\.100000", "0_0.1")), "line 3 has a coordinate"),
    "a typed minus": (lambda r, c: frame(r, c, ("-0.5", "\N{MINUS SIGN}0.5")), "line 4 has"),
    "two coordinates": (lambda r, c: frame(r, c, (r"0\.100000", "")), "line 3 is not an element"),
    "trailing words": (lambda r, c: frame(r, c, (r"\Z", "end of file\n")), "line 6"),
    "a vector": (lambda r, c: frame(r, c, (r"\Z", "VEC1 9 0 0\n")), "line 6"),
    "too few atoms": (lambda r, c: frame(r, c, (r"\A3", "4")), "announces 4|line"),
    "too many atoms": (lambda r, c: frame(r, c, (r"\A3", "2")), "line 5"),
    "columns": (lambda r, c: frame(r, c + "Properties=species:S:1:pos:R:2 "), "line 2"),
    "an open quote": (lambda r, c: frame(r, c + "a=' Properties=species:S:1:pos:R:3 "), "line 2"),
    "a state": (lambda r, c: frame(r, c + "multiplicity three "), "looks like"),
    "two states": (lambda r, c: frame(r, c + "uhf=2 "), "correct one"),
    "other ends": (
        lambda r, c: frame(r, c, ("mult=1", f"mult={len(r) - 6}")),
        "differ in multiplicity",
    ),
    "charges": (columns("initial_charges:R:1", "-1", "0", "0"), "charge is 0 by its info, but -1"),
    "part of a charge": (columns("initial_charges:R:1", "0.4", "0", "0"), "sum up to 0.400"),
    "moments": (columns("initial_magmoms:R:1", "2", "0", "0"), "but 3 by its initial_magmoms"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_every_way_refuses(kind, tmp_path):
    make, message = REFUSED[kind]
    for said in by_all_ways(tmp_path, make):
        assert isinstance(said, str)
        assert re.search(message, said)
        assert len(said.strip().splitlines()) <= 2  # an import has a line for the rest of a file


def test_initial_charges_and_moments_are_the_state_where_no_words_say_it(tmp_path):
    def make(role, comment):
        text, *_ = columns("initial_charges:R:1:initial_magmoms:R:1", "0 1", "1 0", "0 0")(
            role, comment
        )
        return (text.replace("charge=0 mult=1", ""),)

    assert by_all_ways(tmp_path, make) == {(1, 2, "file")}


def test_a_cell_without_periodicity_is_dropped_with_a_note(tmp_path):
    for role in ("reactant", "product"):
        write(tmp_path / "p" / "w" / f"{role}.xyz", *frame(role, LATTICE + 'pbc="F F F" '))
    (entry,) = read_set("s", str(tmp_path / "p"))
    given = given_reaction(
        "w", *(tmp_path / "p" / "w" / f"{role}.xyz" for role in ("reactant", "product")), None, None
    )
    tally = import_set("xyz-pairs", tmp_path / "p", tmp_path / "s.xyz")
    for notes in (entry.notes, given.entry.notes, [note["note"] for note in tally.notes]):
        assert len(notes) == 2
        assert all("the cell is ignored" in note for note in notes)


def test_a_trajectory_is_refused_as_a_file_is(tmp_path):
    for name, options in (
        ("periodic", {"pbc": True, "cell": [9, 9, 9]}),
        ("constraints", {"constraint": FixAtoms([0])}),
        ("isotopes", {"masses": [15.999, 2.014, 1.008]}),
        ("charge", {"info": {"charge": True}}),
    ):
        with Trajectory(str(tmp_path / "in.traj"), "w") as file:
            for x in (REACTANT, PRODUCT):
                file.write(Atoms(Z, x, **options))
        import_set("trajectory", tmp_path / "in.traj", tmp_path / "out.xyz")
        assert name in rejected_file(tmp_path / "out.xyz").read_text()


def test_a_file_of_qm9_is_read_with_its_tail_and_exponents(tmp_path):
    # The layout of doi:10.1038/sdata.2014.22, with numbers of our own.
    write(
        tmp_path / "q.xyz",
        "3\ngdb 3\t799.6\t437.9\t282.9\t1.85\t-0.2928\n"
        "O\t 0.0\t 0.0\t 1.0*^-1\t-0.4\nH\t 0.0\t 0.8\t-0.5\t 0.2\nH\t 0.0\t-8.*^-1\t-5*^-1\t 0.2\n"
        "1671.4\t3803.6\t3907.7\nO\tO\nInChI=1S/H2O/h1H2\tInChI=1S/H2O/h1H2\n",
    )
    water = read_geometry(tmp_path / "q.xyz")
    assert water.positions == pytest.approx(REACTANT)
    assert (water.charge, water.multiplicity) == (None, None)


@pytest.mark.parametrize(
    ("word", "number"),
    {"H": 1, "h": 1, "CL": 17, "Cl3": 17, "c12": 6, "H-2": 1, "C_a": 6, "26": 26, "X": 0}.items(),
)
def test_an_element_is_a_symbol_a_number_or_a_labelled_symbol(word, number):
    assert element(word) == number


@pytest.mark.parametrize("word", ["D", "T", "d2", "CA1", "Q", "Hx", "H1x", "-1", "300", "1.0", "²"])
def test_what_is_no_element_is_refused(word):
    with pytest.raises(ValueError, match=r"no element|isotopes"):
        element(word)


@given(
    content=st.binary(max_size=120)
    | st.text("0123456789 .-+eEdD*^\n\r\tHCOXx=:,{}[]\"'_chargemultpbLtice", max_size=120).map(
        str.encode
    )
    | st.text(max_size=40).map(lambda s: f"3\n{s}\n{ROWS}".encode("utf-8", "replace")),
)
def test_any_bytes_are_read_or_refused_with_one_line(content, tmp_path_factory):
    file = tmp_path_factory.getbasetemp() / "fuzz.xyz"
    file.write_bytes(content)
    try:
        found, said = read_geometry(file), "nothing"
    except (InputError, BadEndpoints) as error:
        found, said = None, str(error)
    assert len(said.splitlines()) == 1
    assert found is None or found.positions.shape == (len(found.numbers), 3)


@given(
    x=st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=3),
    form=st.sampled_from(["{:.10f}", "{:.12e}", "{:.12E}", "{:+.12f}", "{!r}"]),
    exponent=st.sampled_from(["e", "D", "d", "*^"]),
)
def test_any_number_is_read_as_itself_whatever_its_exponent(x, form, exponent, tmp_path_factory):
    file = tmp_path_factory.getbasetemp() / "number.xyz"
    text = re.sub("[eE]", exponent, " ".join(map(form.format, x)))
    file.write_text(f"1\n\nAr {text}\n")
    assert read_geometry(file).positions[0] == pytest.approx(x, abs=1e-9, rel=1e-9)


def test_what_ase_reads_of_a_sound_file_is_what_we_read(tmp_path):
    atoms = Atoms(Z, REACTANT, info={"charge": -1, "spin": 2, "name": "a b", "pi": 3.14})
    atoms.set_initial_charges([-1, 0, 0])
    atoms.write(tmp_path / "a.xyz", format="extxyz")
    ours, theirs = read_geometry(tmp_path / "a.xyz"), read(tmp_path / "a.xyz")
    assert ours.atoms == theirs
    assert ours.atoms.info == theirs.info
    assert (ours.charge, ours.multiplicity) == (-1, 2)


@pytest.mark.parametrize("atom", ["[2H:1]", "[13CH3:1]", "[18O:1]"])
def test_isotopes_in_smiles_are_refused_as_in_files(atom):
    with pytest.raises(BadEndpoints, match="isotopes"):
        read_mappings(f"{atom}[Cl:2]>>[Cl:2]{atom}", 0)


def test_the_periodic_case_is_refused_by_run_import_and_check(cases, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ends = [str(cases / "imp_pbc" / "hcn" / f"{role}.xyz") for role in ("reactant", "product")]
    assert main(["run", *ends]) == 2
    assert main(["import", "xyz-pairs", str(cases / "imp_pbc"), "-o", "set.xyz"]) == 1
    (tmp_path / "c.yaml").write_text(f"sets: {{p: {cases / 'imp_pbc'}}}\n")
    assert main(["check", "c.yaml"]) == 2
    said = capsys.readouterr()
    assert said.err.count("periodic systems can't be treated") == 2
    assert "1 of 1 reactions will be refused" in said.out


def test_check_reads_every_geometry_and_smiles(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, comment in (("good", "0 1"), ("odd", "0 2"), ("far", "charge: far")):
        for role, x in (("reactant", REACTANT), ("product", PRODUCT)):
            write(tmp_path / "folder" / name / f"{role}.xyz", f"3\n{comment}\n{rows(x)}")
    (tmp_path / "list.yaml").write_text(
        '- {name: anion, smiles: "[CH3:1][O-:2]>>[CH2-:1][OH:2]", charge: -1}\n'
        '- {name: unbalanced, smiles: "[C:1]#[O:2]>>[C:1]"}\n'
    )
    (tmp_path / "c.yaml").write_text("sets: {f: folder, l: list.yaml}\n")
    assert main(["check", "c.yaml"]) == 2
    said = capsys.readouterr().out
    assert "charge 0, multiplicity 1 (from: file): 1 reactions" in said
    assert "2 of 3 reactions will be refused" in said
    assert "'odd': multiplicity 2 is impossible" in said
    assert "'far'" in said
    assert "'charge: far' looks like a charge" in said
    assert "'unbalanced'" in said
    assert "charge -1, multiplicity 1 (from: charge file, multiplicity default)" in said


def test_a_set_is_read_and_checked_fast(tmp_path):
    """20,000 reactions in a minute; here 200 in thrice their share: machines are shared, too."""
    from mepbench.preparation.refusals import refusal

    far = np.arange(5)[:, None, None] * [0, 0, 4.0]
    x = {"reactant": (REACTANT + far).reshape(-1, 3), "product": (PRODUCT + far).reshape(-1, 3)}
    text = "".join(
        f"15\nProperties=species:S:1:pos:R:3 reaction=r{i} role={role} charge=0 multiplicity=1\n"
        + rows(of, ["O", "H", "H"] * 5)
        for i in range(200)
        for role, of in x.items()
    )
    (tmp_path / "set.xyz").write_text(text)
    start = time.process_time()
    entries = read_set("s", str(tmp_path / "set.xyz"))
    assert not any(map(refusal, entries))
    assert time.process_time() - start < 3 * 60 * 200 / 20000
