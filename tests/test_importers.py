"""Importers: every format to a set file that can be run, in bounded memory, whatever is in it."""

import contextlib
import csv
import json
import resource
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io.trajectory import Trajectory

from mepbench.cli import main
from mepbench.config import check_config
from mepbench.errors import InputError
from mepbench.files.frames import frame, iterate_frames, write_frames
from mepbench.importers._found import Found
from mepbench.importers.xyz_pairs import role_and_name
from mepbench.importing.accept import Choice
from mepbench.importing.import_set import import_set, rejected_file
from mepbench.reaction import read_set
from mepbench.registry import available, load

HOSTILE = [
    "../../evil",
    "<script>alert(1)</script>",
    "001",
    "NA",
    "a b\\c",
    'x,"y"',
    "=1+1",
    "a\nb",
]

# Hydrogen cyanide, the bent saddle, hydrogen isocyanide: C, N, H.
Z = np.array([6, 7, 1])
HCN = np.array([[0, 0, 0], [1.15, 0, 0], [-1.07, 0, 0]])
SADDLE = np.array([[0, 0, 0], [1.19, 0, 0], [0.2, 1.18, 0]])
HNC = np.array([[0, 0, 0], [1.17, 0, 0], [2.17, 0, 0]])
PATH = [HCN, (HCN + SADDLE) / 2, SADDLE, HNC]
SMILES = "[C:1](#[N:2])[H:3]>>[C-:1]#[N+:2][H:3]"


def xyz(path: Path, numbers, positions, comment="charge=0 multiplicity=1") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    symbols = Atoms(numbers).get_chemical_symbols()
    rows = [f"{s} {x:.6f} {y:.6f} {z:.6f}" for s, (x, y, z) in zip(symbols, positions, strict=True)]
    path.write_text("\n".join([str(len(rows)), comment, *rows]) + "\n")


def pair(folder: Path, product=HNC, *, numbers=Z, product_numbers=Z, comment="") -> None:
    xyz(folder / "reactant.xyz", numbers, HCN, comment)
    xyz(folder / "product.xyz", product_numbers, product, comment)


def t1x(path: Path, names, *, images=3, shape=(1, 3, 3)) -> None:
    """Write an HDF5 file as Transition1x is laid out; `names` are (formula, reaction)."""
    with h5py.File(path, "w") as file:
        for formula, name in names:
            group = file.require_group("data").require_group(formula).create_group(name)
            group["atomic_numbers"] = Z
            group["positions"] = np.zeros((images, 3, 3))
            group["wB97x_6-31G(d).forces"] = np.zeros((images, 3, 3))
            ends = {"reactant": HCN, "product": HNC, "transition_state": SADDLE}
            for role, positions in ends.items():
                end = group.create_group(role)
                end["atomic_numbers"] = Z
                end["positions"] = positions.reshape(shape)
                end["wB97x_6-31G(d).energy"] = np.array([-2537.0])
            part = "train" if len(file["data"]) % 2 else "test"
            file.require_group(part).require_group(formula)[name] = group


def table(folder: Path, rows: list[str], header="idx,rsmi,psmi,ea,dh") -> Path:
    """Write a table as Grambow's, with the geometries of each numbered row."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "wb97xd3.csv").write_text("\n".join([header, *rows]) + "\n")
    for row in rows:
        if row.split(",")[0].isdigit():
            index = f"{int(row.split(',')[0]):06d}"
            for role, positions in (("r", HCN), ("p", HNC), ("ts", SADDLE)):
                file = folder / "wb97xd3" / f"rxn{index}" / f"{role}{index}.xyz"
                xyz(file, Z, positions, "Extracted from Q-Chem output")
    return folder


def row(index: object) -> str:
    return f"{index},{SMILES.replace('>>', ',')},48.6,14.2"


def sources(tmp_path: Path) -> dict[str, Path]:
    """Make one small source for each format, of one reaction with a transition state."""
    pair(tmp_path / "pairs" / "hcn")
    xyz(tmp_path / "pairs" / "hcn" / "ts.xyz", Z, SADDLE)
    t1x(tmp_path / "t1x.h5", [("CHN", "rxn0001")])
    frames = [
        frame(Z, x, reaction="hcn", role=role, charge=0, multiplicity=1)
        for role, x in (("reactant", HCN), ("product", HNC), ("ts", SADDLE))
    ]
    write_frames(tmp_path / "given.xyz", frames)
    trajectory(tmp_path / "hcn.traj")
    fsm(tmp_path / "fsm" / "hcn")
    return {
        "fsm": tmp_path / "fsm",
        "xyz-pairs": tmp_path / "pairs",
        "rdb7": table(tmp_path / "grambow", [row(1)]),
        "transition1x": tmp_path / "t1x.h5",
        "extxyz": tmp_path / "given.xyz",
        "trajectory": tmp_path / "hcn.traj",
        "neb-path": tmp_path / "hcn.traj",
    }


def fsm(folder: Path, *, ends=(HCN, HNC), comment="", charge="0\n", multiplicity="1") -> None:
    """Write a reaction as the sets of the freezing string method have it."""
    for name, text in (("chg", charge), ("mult", multiplicity)):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    xyz(folder / "ts.xyz", Z, SADDLE, comment)
    xyz(folder / "initial.xyz", Z, ends[0], comment)
    text = (folder / "initial.xyz").read_text()
    for positions in ends[1:]:
        xyz(folder / "end", Z, positions, comment)
        text += (folder / "end").read_text()
    (folder / "initial.xyz").write_text(text)


def trajectory(path: Path, bands=(PATH,), energies=(0.0, 0.5, 2.0, 0.6)) -> None:
    with Trajectory(str(path), "w") as file:
        for band in bands:
            for positions, energy in zip(band, energies, strict=True):
                atoms = Atoms(Z, positions)
                atoms.calc = SinglePointCalculator(atoms, energy=energy)
                file.write(atoms)


def rejected(output: Path) -> dict[str, str]:
    with rejected_file(output).open(newline="") as file:
        return {r["reaction"] or r["where"]: r["reason"] for r in csv.DictReader(file)}


def imported(output: Path) -> dict:
    return {entry.name: entry for entry in read_set("s", str(output))}


@pytest.mark.parametrize("name", available("importers"))
def test_every_format_becomes_a_set_that_a_config_can_name(name, tmp_path):
    source, output = sources(tmp_path)[name], tmp_path / "out" / "set.xyz"
    tally = import_set(name, source, output)
    assert tally.counts["imported"] == tally.counts["found"] == 1
    (entry,) = read_set("mine", str(output))
    assert entry.problem is None
    assert (entry.charge, entry.multiplicity) == (0, 1)
    for role, positions in (("reactant", HCN), ("product", HNC)):
        assert np.array_equal(entry.numbers[role], Z)
        assert entry.positions[role] == pytest.approx(positions, abs=1e-6)
    assert ("ts" in entry.positions) == (name not in ("trajectory", "neb-path"))
    config = check_config({"sets": {"mine": str(output)}})
    assert sum(map(len, config.jobs["mine"].values())) == 1


@pytest.mark.parametrize("name", available("importers"))
def test_every_format_finds_reactions_without_reading_their_geometries(name, tmp_path):
    found = list(load("importers", name)(sources(tmp_path)[name]))
    assert all(isinstance(item, Found) for item in found)
    assert [bool(item.name and item.where) for item in found] == [True]


@pytest.mark.parametrize("name", available("importers"))
@pytest.mark.parametrize(
    "content", [b"", b"\x89PNG\r\n\0\xff\xfe" * 50, b"PK\x03\x04bomb", b"3\n\n"]
)
def test_binary_garbage_archives_and_empty_files_are_one_clear_error(name, content, tmp_path):
    file, output = tmp_path / "bad.traj", tmp_path / "out.xyz"
    file.write_bytes(content)
    try:
        import_set(name, file, output)
        said = list(rejected(output).values())
    except InputError as error:
        said = [str(error).removeprefix(str(file))]
    assert said
    assert all(0 < len(reason) < 500 for reason in said)
    assert not output.exists()
    assert not list(tmp_path.glob("*.unfinished"))


@pytest.mark.parametrize("name", available("importers"))
def test_flipped_bytes_are_reported_and_never_a_traceback(name, tmp_path):
    rng = np.random.default_rng(7)
    source = sources(tmp_path)[name]
    files = [source] if source.is_file() else [f for f in source.rglob("*") if f.is_file()]
    for _ in range(25):
        file = files[rng.integers(len(files))]
        sound = file.read_bytes()
        content = np.frombuffer(sound, dtype=np.uint8).copy()
        content[rng.integers(0, len(content), 30)] = rng.integers(0, 256, 30)
        file.write_bytes(content.tobytes()[: rng.integers(1, 2 * len(content))])
        with contextlib.suppress(InputError):
            import_set(name, source, tmp_path / "set.xyz")
        file.write_bytes(sound)


@pytest.mark.parametrize("name", available("importers"))
def test_an_empty_folder_imports_nothing_and_says_so(name, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    status = main(["import", name, str(tmp_path / "empty"), "-o", str(tmp_path / "out.xyz")])
    assert status != 0
    said = capsys.readouterr()
    assert len((said.out + said.err).strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("stem", "role", "name"),
    [
        ("reactant", "reactant", ""),
        ("P", "product", ""),
        ("TS", "ts", ""),
        ("r000012", "reactant", "000012"),
        ("ts000012", "ts", "000012"),
        ("diels-alder_p", "product", "diels-alder"),
        ("diels-alder.final", "product", "diels-alder"),
        ("educt_17", "reactant", "17"),
        ("a_transition_state", "ts", "a"),
    ],
)
def test_a_files_name_says_its_role_in_the_fields_conventions(stem, role, name):
    assert role_and_name(stem) == (role, name)


@pytest.mark.parametrize("stem", ["water", "map", "parts", "trp", "conformer12", "sp"])
def test_a_name_that_only_looks_like_a_role_is_none(stem):
    assert role_and_name(stem) is None


def test_flat_pairs_and_pairs_in_folders_are_found_together(tmp_path):
    source = tmp_path / "in"
    xyz(source / "one_r.xyz", Z, HCN)
    xyz(source / "one_p.xyz", Z, HNC)
    xyz(source / "r7.xyz", Z, HCN)
    xyz(source / "p7.xyz", Z, HNC)
    xyz(source / "notes.xyz", Z, HCN)
    pair(source / "deep")
    import_set("xyz-pairs", source, tmp_path / "set.xyz")
    assert sorted(imported(tmp_path / "set.xyz")) == ["7", "deep", "one"]


def test_bad_pairs_cost_only_themselves_and_each_has_one_line(tmp_path):
    source, output = tmp_path / "in", tmp_path / "set.xyz"
    pair(source / "good")
    pair(source / "nan", np.where(HNC == 2.17, np.nan, HNC))
    pair(source / "other-formula", product_numbers=np.array([6, 8, 1]))
    pair(source / "other-order", HNC[[1, 0, 2]], product_numbers=np.array([7, 6, 1]))
    pair(source / "overlap", HNC * 0.1)
    xyz(source / "no-product" / "r.xyz", Z, HCN)
    pair(source / "no-element")
    (source / "no-element" / "product.xyz").write_text("3\n\nC 0 0 0\nXx 1.2 0 0\nH 2.2 0 0\n")
    pair(source / "truncated")
    (source / "truncated" / "product.xyz").write_text("3\n\nC 0 0 0\nN 1.2 0 0\n")
    pair(source / "binary")
    (source / "binary" / "product.xyz").write_bytes(b"\0\xff\xfe\x80" * 100)
    pair(source / "far", HNC * 1e300)
    pair(source / "spin", comment="charge=1 multiplicity=1")
    pair(source / "two-files")
    xyz(source / "two-files" / "end.xyz", Z, HNC)
    tally = import_set("xyz-pairs", source, output)
    assert list(imported(output)) == ["good"]
    said = rejected(output)
    assert len(said) == tally.counts["rejected"] == 11
    for name, reason in {
        "nan": "not a number",
        "other-formula": "same atoms",
        "other-order": "--map",
        "overlap": "overlapping atoms",
        "no-product": "the product is missing",
        "no-element": "line 4: 'Xx' is no element",
        "truncated": "product.xyz",
        "binary": "product.xyz",
        "far": "more than 10000 A away",
        "spin": "multiplicity 1 is impossible",
        "two-files": "two files are its product",
    }.items():
        assert reason in said[name]
        assert "\n" not in said[name]


def test_map_finds_the_order_where_it_is_unique_and_turns_the_product(tmp_path):
    source, output = tmp_path / "in", tmp_path / "set.xyz"
    p = [2, 1, 0]
    pair(source / "hcn", HNC[p], product_numbers=Z[p])
    xyz(source / "hcn" / "ts.xyz", Z[p], SADDLE[p])
    tally = import_set("xyz-pairs", source, output, Choice(map_atoms=True))
    assert tally.mapped == ["hcn"]
    entry = imported(output)["hcn"]
    for role, positions in (("reactant", HCN), ("product", HNC), ("ts", SADDLE)):
        assert np.array_equal(entry.numbers[role], Z)
        assert entry.positions[role] == pytest.approx(positions, abs=1e-6)


def test_map_refuses_where_the_ends_do_not_tell_the_map(tmp_path):
    source, output = tmp_path / "in", tmp_path / "set.xyz"
    numbers = np.array([7, 1, 1, 1])
    ammonia = np.array([[0, 0, 0.1], [0.94, 0, -0.27], [-0.47, 0.81, -0.27], [-0.47, -0.81, -0.27]])
    xyz(source / "inversion" / "r.xyz", numbers, ammonia)
    xyz(source / "inversion" / "p.xyz", numbers[::-1], -ammonia[::-1])
    import_set("xyz-pairs", source, output, Choice(map_atoms=True))
    assert "ordered differently" in rejected(output)["inversion"]
    assert "give the map" in rejected(output)["inversion"]


def test_a_set_file_with_bad_reactions_is_repaired_by_importing_it(tmp_path):
    p = [2, 1, 0]
    frames = [
        frame(z, x, reaction=name, role=role, charge=0, multiplicity=1)
        for name, q in (("a", [0, 1, 2]), ("b", p), ("a", [0, 1, 2]))
        for role, z, x in (("reactant", Z, HCN), ("product", Z[q], HNC[q]))
    ]
    given, output = tmp_path / "given.xyz", tmp_path / "set.xyz"
    write_frames(given, frames)
    with pytest.raises(
        InputError, match=r"given\.xyz: two reactions of the name 'a'.*mepbench import"
    ):
        read_set("s", str(given))
    import_set("extxyz", given, output, Choice(map_atoms=True))
    assert list(imported(output)) == ["a", "b"]
    assert "second reaction" in rejected(output)["a"]


def test_a_truncated_set_file_gives_what_comes_before_the_break(tmp_path):
    frames = [
        frame(Z, x, reaction=str(i), role=role)
        for i in range(3)
        for role, x in (("reactant", HCN), ("product", HNC))
    ]
    given, output = tmp_path / "given.xyz", tmp_path / "set.xyz"
    write_frames(given, frames)
    given.write_text(given.read_text()[:-60])
    import_set("extxyz", given, output)
    assert list(imported(output)) == ["0", "1"]
    assert any("line 26" in reason for reason in rejected(output).values())


def test_a_byte_that_is_no_text_costs_its_own_reaction_of_a_set_file(tmp_path):
    frames = [
        frame(Z, x, reaction=str(i), role=role, charge=0, multiplicity=1)
        for i in range(3)
        for role, x in (("reactant", HCN), ("product", HNC))
    ]
    given, output = tmp_path / "given.xyz", tmp_path / "set.xyz"
    write_frames(given, frames)
    lines = given.read_bytes().splitlines(keepends=True)
    lines[13] = lines[13].replace(b"0", b"\xff", 1)
    lines += [b"3\n", b'reaction="_JSON [" role=product\n', *lines[2:5]]
    given.write_bytes(b"".join(lines))
    import_set("extxyz", given, output)
    assert list(imported(output)) == ["0", "2"]
    bad = {entry.name: entry.problem for entry in read_set("s", str(given)) if entry.problem}
    assert "line 11" in bad.pop("1")
    assert list(bad) == ["_JSON ["]


def test_a_broken_row_in_the_middle_of_a_table_is_reported_with_its_line(tmp_path):
    rows = [row(1), '2,"[C:1](#[N:2],1.0,2.0', row(3), "4,[C:1](#[N:2])[H:3]", row(5), row(6)]
    folder, output = table(tmp_path / "in", rows), tmp_path / "set.xyz"
    content = (folder / "wb97xd3.csv").read_bytes()
    (folder / "wb97xd3.csv").write_bytes(content.replace(b"\n5,", b"\n\xff\xfe5,"))
    import_set("rdb7", folder, output)
    assert list(imported(output)) == ["rxn000001", "rxn000003", "rxn000006"]
    said = rejected(output)
    assert [key for key in said] == [f"wb97xd3.csv, line {n}" for n in (3, 5, 6)]
    assert all("broken" in reason for reason in said.values())


def test_a_table_never_leads_out_of_its_folder(tmp_path):
    pair(tmp_path / "secret")
    for role, x in (("r", HCN), ("p", HNC)):
        xyz(tmp_path / "secret" / f"{role}.xyz", Z, x)
    rows = [row("../secret"), row("/etc"), row(".."), row(str(tmp_path / "secret")), row(1)]
    import_set("rdb7", table(tmp_path / "in", rows), tmp_path / "set.xyz")
    assert list(imported(tmp_path / "set.xyz")) == ["rxn000001"]
    assert all("no geometries" in reason for reason in rejected(tmp_path / "set.xyz").values())


def test_geometries_out_of_the_order_of_the_map_numbers_are_noticed(tmp_path):
    folder, output = table(tmp_path / "in", [row(1), row(2)]), tmp_path / "set.xyz"
    geometries = folder / "wb97xd3" / "rxn000002"
    xyz(geometries / "p000002.xyz", Z[::-1], HNC[::-1])
    import_set("rdb7", folder, output)
    assert "another element than map number" in rejected(output)["rxn000002"]
    tally = import_set("rdb7", folder, output, Choice(map_atoms=True))
    assert tally.mapped == ["rxn000002"]
    assert imported(output)["rxn000002"].positions["product"] == pytest.approx(HNC, abs=1e-6)


def test_geometries_in_bohr_are_noticed_and_read_as_such(tmp_path):
    folder, output = table(tmp_path / "in", [row(1)]), tmp_path / "set.xyz"
    geometries = folder / "wb97xd3" / "rxn000001"
    for role, positions in (("r", HCN), ("p", HNC), ("ts", SADDLE)):
        xyz(geometries / f"{role}000001.xyz", Z, positions / 0.529177)
    import_set("rdb7", folder, output)
    assert "unit=bohr" in rejected(output)["rxn000001"]
    import_set("rdb7", folder, output, options={"unit": "bohr"})
    assert imported(output)["rxn000001"].positions["ts"] == pytest.approx(SADDLE, abs=1e-5)


def test_a_table_in_the_form_of_reaction_smiles_with_logs_elsewhere(tmp_path):
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "full.csv").write_text(f"rxn,smiles,dE0\n7,{SMILES},48.6\n")
    for role, positions in (("r", HCN), ("p", HNC)):
        lines = ["$molecule", "0 1", "$end"]
        for x in (positions + 1, positions):
            lines += [
                "   Standard Nuclear Orientation (Angstroms)",
                " I Atom X Y Z",
                " " + "-" * 60,
            ]
            lines += [
                f"   {i + 1}  {s}  {a:.10f}  {b:.10f}  {c:.10f}"
                for i, (s, (a, b, c)) in enumerate(zip("CNH", x, strict=True))
            ]
            lines += [" " + "-" * 60]
        file = tmp_path / "logs" / "rxn000007" / f"{role}000007.log"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(lines) + "\n")
    output = tmp_path / "set.xyz"
    tally = import_set(
        "rdb7", tmp_path / "t" / "full.csv", output, options={"geometries": "../logs"}
    )
    assert imported(output)["rxn000007"].positions["reactant"] == pytest.approx(HCN, abs=1e-6)
    assert tally.multiplicity_from == {"source": 1}


def test_the_charge_of_a_table_is_that_of_its_smiles(tmp_path):
    anion = "[C:1](=[N-:2])[H:3],[C-:1]=[N:2][H:3]"
    folder = table(tmp_path / "in", [f"1,{anion},1,1", f"2,[C:1](#[N:2])[H:3],{anion[:19]},1,1"])
    import_set("rdb7", folder, tmp_path / "set.xyz", Choice(multiplicity=2))
    (entry,) = imported(tmp_path / "set.xyz").values()
    assert (entry.name, entry.charge, entry.multiplicity) == ("rxn000001", -1, 2)
    assert "charge -1, declared is +0" in rejected(tmp_path / "set.xyz")["rxn000002"]


def test_transition1x_parts_and_older_layouts_without_data(tmp_path):
    file, output = tmp_path / "t.h5", tmp_path / "set.xyz"
    t1x(file, [("CHN", "rxn0001"), ("HCN", "rxn0001"), ("NCH", "rxn0002")], shape=(3, 3))
    import_set("transition1x", file, output)
    assert list(imported(output)) == ["CHN_rxn0001", "HCN_rxn0001", "NCH_rxn0002"]
    import_set("transition1x", file, output, options={"part": "test"})
    assert list(imported(output)) == ["HCN_rxn0001"]
    with h5py.File(file, "a") as opened:
        del opened["data"]
    assert import_set("transition1x", file, output).counts["imported"] == 3


def test_a_truncated_hdf5_file_says_that_it_is_cut_short(tmp_path, capsys):
    file = tmp_path / "t.h5"
    t1x(file, [("CHN", "rxn0001")], images=1000)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    assert main(["import", "transition1x", str(file), "-o", str(tmp_path / "set.xyz")]) == 2
    said = capsys.readouterr().err
    assert "is cut short: copy or download it again" in said
    assert len(said.splitlines()) == 1


def test_damaged_groups_of_hdf5_cost_only_themselves_and_no_other_file_is_read(tmp_path):
    file, output = tmp_path / "t.h5", tmp_path / "set.xyz"
    t1x(file, [("CHN", f"rxn000{i}") for i in range(6)])
    t1x(tmp_path / "other.h5", [("CHN", "rxn0009")])
    with h5py.File(file, "a") as opened:
        group = opened["data/CHN"]
        del group["rxn0001/product"]
        del group["rxn0002/product/positions"]
        group["rxn0002/product/positions"] = np.zeros((5, 3, 3))
        del group["rxn0003/reactant/atomic_numbers"], group["rxn0003/atomic_numbers"]
        group["rxn0003/reactant/atomic_numbers"] = np.zeros((100, 1000), dtype=int)
        del group["rxn0004/reactant/positions"]
        (tmp_path / "raw").write_bytes(HCN.tobytes())
        group["rxn0004/reactant"].create_dataset(
            "positions", (1, 3, 3), float, external=[(str(tmp_path / "raw"), 0, 72)]
        )
        group["linked"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "data/CHN/rxn0009")
        group["rxn0005/reactant/atomic_numbers"][:] = [6, 7, 250]
    import_set("transition1x", file, output)
    assert list(imported(output)) == ["CHN_rxn0000"]
    said = rejected(output)
    for name, reason in {
        "rxn0001": "no group 'product'",
        "rxn0002": "the shape (5, 3, 3) for 3 atoms",
        "rxn0003": "no single geometry",
        "rxn0004": "stored in another file",
        "rxn0005": "no element",
        "linked": "a link into another file",
    }.items():
        assert reason in said[f"CHN_{name}"]


IMPORT_AND_PEAK = """
import resource, sys
from pathlib import Path
from mepbench.importing.import_set import import_set
tally = import_set("transition1x", Path(sys.argv[1]), Path(sys.argv[1]).with_suffix(".xyz"))
print(tally.counts["imported"], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_size_of_an_hdf5_file(tmp_path):
    peaks = []
    for name, reactions, images in (("small", 20, 3), ("large", 600, 2500)):
        file = tmp_path / f"{name}.h5"
        t1x(file, [("CHN", f"rxn{i:04d}") for i in range(reactions)], images=images)
        command = [sys.executable, "-c", IMPORT_AND_PEAK, str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        count, peak = map(int, done.stdout.split())
        assert count == reactions
        peaks.append(peak / 1024)
    assert file.stat().st_size > 200e6
    assert peaks[1] - peaks[0] < 40


def test_reading_a_set_file_is_linear_and_a_jobs_share_of_it_cheap(tmp_path):
    def seconds(count: int, only=None) -> float:
        frames = [
            frame(Z, x, reaction=f"r{i}", role=role)
            for i in range(count)
            for role, x in (("reactant", HCN), ("product", HNC))
        ]
        file = tmp_path / "set.xyz"
        write_frames(file, frames)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
        entries = read_set("s", str(file), only=only)
        assert len(entries) == (count if only is None else 1)
        return resource.getrusage(resource.RUSAGE_SELF).ru_utime - before

    few, many = seconds(300), seconds(2400)
    assert many < 8 * few * 2.5
    assert seconds(2400, {"r7"}) < many / 4


def test_hostile_names_stay_names(tmp_path, capsys):
    frames = [
        frame(Z, x, reaction=name, role=role)
        for name in HOSTILE
        for role, x in (("reactant", HCN), ("product", HNC))
    ]
    write_frames(tmp_path / "in" / "given.xyz", frames)
    command = ["import", "extxyz", str(tmp_path / "in" / "given.xyz"), "-o"]
    assert main([*command, str(tmp_path / "out" / "set.xyz")]) == 0
    assert list(imported(tmp_path / "out" / "set.xyz")) == HOSTILE
    files = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {"given.xyz", "set.xyz", "set.rejected.csv", "set.provenance.json"}
    with h5py.File(tmp_path / "t.h5", "w"):
        pass
    names = [("<b>", "..\\x"), ("a,b", 'q"r')]
    t1x(tmp_path / "t.h5", names)
    import_set("transition1x", tmp_path / "t.h5", tmp_path / "t.xyz")
    assert list(imported(tmp_path / "t.xyz")) == ["<b>_..\\x", 'a,b_q"r']


def test_a_freezing_string_folder_has_both_ends_in_one_file_and_its_state_in_others(tmp_path):
    fsm(tmp_path / "s" / "neutral", comment="0 1")
    fsm(tmp_path / "s" / "cation", comment="", charge=" 1 \n", multiplicity="2")
    fsm(tmp_path / "s" / "said-twice", comment="1 2", charge="0", multiplicity="1")
    fsm(tmp_path / "s" / "one-end", ends=(HCN,))
    fsm(tmp_path / "s" / "three", ends=(HCN, SADDLE, HNC))
    fsm(tmp_path / "s" / "words", charge="neutral")
    fsm(tmp_path / "s" / "other-ts")
    (tmp_path / "s" / "other-ts" / "ts.xyz").write_text("no XYZ at all\n")
    fsm(tmp_path / "s" / "silent", comment="")
    for name in ("chg", "mult"):
        (tmp_path / "s" / "silent" / name).unlink()
    import_set("fsm", tmp_path / "s", tmp_path / "set.xyz")
    found = imported(tmp_path / "set.xyz")
    assert {name: (e.charge, e.multiplicity) for name, e in found.items()} == {
        "cation": (1, 2),
        "neutral": (0, 1),
        "other-ts": (0, 1),
        "silent": (0, 1),
    }
    assert [name for name, e in found.items() if "ts" not in e.positions] == ["other-ts"]
    reasons = rejected(tmp_path / "set.xyz")
    assert "chg says charge 0, initial.xyz says 1" in reasons["said-twice"]
    assert "has 1 frames, not two" in reasons["one-end"]
    assert "more than two" in reasons["three"]
    assert "chg is no number" in reasons["words"]


def test_select_takes_the_named_and_an_unknown_name_gets_the_nearest(tmp_path, capsys):
    file, output = tmp_path / "t.h5", tmp_path / "set.xyz"
    t1x(file, [("CHN", f"rxn{i:04d}") for i in range(30)])
    choice = Choice(select=frozenset(["CHN_rxn0003", "CHN_rxn0017"]))
    import_set("transition1x", file, output, choice)
    assert list(imported(output)) == ["CHN_rxn0003", "CHN_rxn0017"]
    before = output.read_bytes()
    command = ["import", "transition1x", str(file), "-o", str(output), "--select", "rxn003"]
    assert main(command) == 2
    assert "Did you mean 'CHN_rxn00" in capsys.readouterr().err
    assert output.read_bytes() == before
    assert main([*command[:-1], "x"]) == 2
    said = capsys.readouterr().err
    assert "It has 30, such as" in said or "Did you mean" in said


def test_max_atoms_leaves_out_the_larger(tmp_path):
    source, output = tmp_path / "in", tmp_path / "set.xyz"
    pair(source / "small")
    six, far = np.concatenate([Z, Z]), np.array([0, 3.0, 0])
    for role, x in (("reactant", HCN), ("product", HNC)):
        xyz(source / "large" / f"{role}.xyz", six, np.concatenate([x, x + far]))
    tally = import_set("xyz-pairs", source, output, Choice(max_atoms=5))
    assert list(imported(output)) == ["small"]
    assert tally.counts["too large"] == 1
    assert not rejected(output)


def test_a_sample_is_of_the_sound_reproducible_nested_and_free_of_the_files_order(tmp_path):
    def write(order) -> Path:
        frames = [
            frame(Z, x * (0.1 if i % 5 == 0 else 1), reaction=f"r{i}", role=role)
            for i in order
            for role, x in (("reactant", HCN), ("product", HNC))
        ]
        write_frames(tmp_path / "given.xyz", frames)
        return tmp_path / "given.xyz"

    def draw(n, seed, order=range(100)) -> list[str]:
        import_set("extxyz", write(order), tmp_path / "set.xyz", Choice(sample=n, seed=seed))
        return list(imported(tmp_path / "set.xyz"))

    ten = draw(10, 1)
    assert len(set(ten)) == 10
    assert ten == draw(10, 1) == sorted(ten, key=lambda name: int(name[1:]))
    assert set(ten) < set(draw(20, 1))
    assert set(ten) == set(draw(10, 1, range(99, -1, -1)))
    assert set(ten) != set(draw(10, 2))
    assert not any(int(name[1:]) % 5 == 0 for name in ten)
    assert len(draw(1000, 1)) == 80


def test_samples_of_many_seeds_draw_each_reaction_equally_often(tmp_path):
    from mepbench.importing.import_set import Sample

    class Named:
        def __init__(self, name):
            self.name = name

    names, seeds = [f"r{i}" for i in range(20)], 2000
    drawn = dict.fromkeys(names, 0)
    for seed in range(seeds):
        sample = Sample(5, seed)
        for name in names:
            if sample.admits(name):
                sample.add(Named(name))
        for reaction in sample:
            drawn[reaction.name] += 1
    expected = seeds * 5 / 20
    spread = (expected * 0.75) ** 0.5
    assert all(abs(count - expected) < 5 * spread for count in drawn.values())


def test_trajectories_give_first_and_last_frame_and_the_highest_if_asked(tmp_path):
    source, output = tmp_path / "in", tmp_path / "set.xyz"
    source.mkdir()
    trajectory(source / "a.traj")
    text = "".join(
        f"3\nE step energy={e}\n"
        + "".join(f"{s} {p[0]} {p[1]} {p[2]}\n" for s, p in zip("CNH", x, strict=True))
        for x, e in zip(PATH, (0, 0.5, 2, 0.6), strict=True)
    )
    (source / "b.xyz").write_text(text)
    (source / "c.xyz").write_text(text.replace("energy", "E"))
    (source / "cut.xyz").write_text(text[:-30])
    tally = import_set("trajectory", source, output, options={"ts": "highest"})
    entries = imported(output)
    assert list(entries) == ["a", "b", "c"]
    for name in "ab":
        assert entries[name].positions["ts"] == pytest.approx(SADDLE, abs=1e-6)
    assert "ts" not in entries["c"].positions
    assert tally.notes == [{"reaction": "c", "note": "ts left out: 4 of 4 frames have no energy"}]
    assert "frame at line 16" in rejected(output)["cut"]
    assert tally.charge_from == tally.multiplicity_from == {"assumed": 3}


@pytest.mark.parametrize("length", [2, 3, 40])
def test_a_band_of_any_length_gives_its_ends_and_of_a_history_the_last_counts(length, tmp_path):
    s = np.linspace(0, 1, length)
    shift = np.array([[0, 0, 0], [0, 0, 0], [0, 0.7, 0]])
    band = [HCN + t * (HNC - HCN) + 4 * t * (1 - t) * shift for t in s]
    start = [x + 0.05 for x in band]
    trajectory(tmp_path / "neb.traj", (start, band), list(4 * s * (1 - s)))
    options = {"images": length, "ts": "highest"}
    import_set("neb-path", tmp_path / "neb.traj", tmp_path / "set.xyz", options=options)
    entry = imported(tmp_path / "set.xyz")["neb"]
    assert entry.positions["reactant"] == pytest.approx(HCN, abs=1e-6)
    assert entry.positions["product"] == pytest.approx(HNC, abs=1e-6)
    assert ("ts" in entry.positions) == (length > 2)
    tally = import_set(
        "neb-path", tmp_path / "neb.traj", tmp_path / "x.xyz", options={"images": length + 1}
    )
    assert tally.counts["imported"] == 0
    assert "no multiple of images" in rejected(tmp_path / "x.xyz")["neb"]


def test_a_band_of_numbered_files_is_read_in_the_order_of_the_numbers(tmp_path):
    images = [*PATH[:2], *[SADDLE] * 8, PATH[3]]
    for i, positions in enumerate(images):
        xyz(tmp_path / "band" / f"image{i}.xyz", Z, positions)
    import_set("neb-path", tmp_path / "band", tmp_path / "set.xyz")
    entry = imported(tmp_path / "set.xyz")["band"]
    assert entry.positions["reactant"] == pytest.approx(HCN, abs=1e-6)
    assert entry.positions["product"] == pytest.approx(HNC, abs=1e-6)


def test_what_is_not_said_is_assumed_aloud_and_what_is_given_comes_after_the_file(tmp_path, capsys):
    source, output = tmp_path / "in", tmp_path / "set.xyz"
    pair(source / "silent")
    pair(source / "cation", comment="charge=1 multiplicity=2")
    command = ["import", "xyz-pairs", str(source), "-o", str(output)]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "charge of 1 reactions: ASSUMED, since the source does not say; 0" in said
    assert "licence: not stated" in said
    assert main([*command, "--charge", "-1", "--multiplicity", "2"]) == 0
    entries = imported(output)
    assert (entries["silent"].charge, entries["silent"].multiplicity) == (-1, 2)
    assert (entries["cation"].charge, entries["cation"].multiplicity) == (1, 2)
    assert "ASSUMED" not in capsys.readouterr().out


def test_provenance_tells_source_licence_choice_and_counts_and_repeats_exactly(tmp_path):
    source = tmp_path / "in"
    pair(source / "good")
    pair(source / "bad", HNC * 0.1)
    command = ["import", "xyz-pairs", str(source), "--licence", "CC BY 4.0", "--source", "A (2020)"]
    written = []
    for _ in range(2):
        assert main([*command, "-o", str(tmp_path / "set.xyz")]) == 0
        names = ("set.xyz", "set.rejected.csv", "set.provenance.json")
        written.append([(tmp_path / name).read_bytes() for name in names])
    assert written[0] == written[1]
    manifest = json.loads((tmp_path / "set.provenance.json").read_text())
    assert manifest["licence"] == "CC BY 4.0"
    assert manifest["source"] == "A (2020)"
    assert manifest["counts"]["imported"] == manifest["counts"]["rejected"] == 1
    assert manifest["imported_from"]["geometry_files"] == 2
    state = {"charge": 0, "multiplicity": 1, "from": "default", "reactions": 1}
    assert manifest["states"] == [state]
    assert imported(tmp_path / "set.xyz")["good"].state_from == "default"
    first = manifest["imported_from"]["geometry_files_sha256"]
    xyz(source / "good" / "product.xyz", Z, HNC + 0.01)
    main([*command, "-o", str(tmp_path / "set.xyz")])
    manifest = json.loads((tmp_path / "set.provenance.json").read_text())
    assert manifest["imported_from"]["geometry_files_sha256"] != first
    assert [a.info["source"] for a in iterate_frames(tmp_path / "set.xyz")] == ["good", "good"]


def test_the_exit_status_is_0_with_rejections_and_1_if_nothing_was_imported(tmp_path, capsys):
    source, output = tmp_path / "in", tmp_path / "set.xyz"
    pair(source / "bad", HNC * 0.1)
    command = ["import", "xyz-pairs", str(source), "-o", str(output)]
    assert main(command) == 1
    assert not output.exists()
    pair(source / "good")
    assert main(command) == 0
    assert "rejected 'bad': the product has overlapping atoms" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["xyz-pair", "in", "-o", "s.xyz"], "Did you mean 'xyz-pairs'"),
        (["xyz-pairs", "nowhere", "-o", "s.xyz"], "no such file"),
        (["xyz-pairs", "in", "-o", "s.yaml"], "must end in .xyz"),
        (["xyz-pairs", "in", "-o", "s.xyz", "--sample", "0"], "--sample must be at least 1"),
        (["xyz-pairs", "in", "-o", "s.xyz", "--option", "ts"], "write it as KEY=VALUE"),
        (["neb-path", "in", "-o", "s.xyz", "--option", "image=3"], "Did you mean 'images'"),
        (["neb-path", "in", "-o", "s.xyz", "--option", "images=x"], "must be an integer"),
        (["trajectory", "in", "-o", "s.xyz", "--option", "ts=top"], "one of 'none', 'highest'"),
    ],
)
def test_a_wrong_command_is_one_clear_line(arguments, says, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pair(tmp_path / "in" / "hcn")
    assert main(["import", *arguments]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert len(said.splitlines()) == 1


def test_the_source_is_never_overwritten(tmp_path):
    write_frames(tmp_path / "a.xyz", [frame(Z, HCN, reaction="a", role="reactant")])
    with pytest.raises(InputError, match="is the source"):
        import_set("extxyz", tmp_path / "a.xyz", tmp_path / "a.xyz")


@pytest.mark.parametrize(
    ("name", "count"), [("baker", 24), ("birkholz", 20), ("zimmerman_xtb", 65), ("rdb7_dev", 100)]
)
def test_all_development_reactions_come_through_unchanged(
    name, count, development_reactions, tmp_path
):
    tally = import_set("xyz-pairs", development_reactions / name, tmp_path / "set.xyz")
    assert tally.counts["imported"] == tally.counts["found"] == tally.counts["with ts"] == count
    given = {entry.name: entry for entry in read_set("s", str(development_reactions / name))}
    entries = imported(tmp_path / "set.xyz")
    assert list(entries) == list(given)
    for key, entry in entries.items():
        assert (entry.charge, entry.multiplicity) == (given[key].charge, given[key].multiplicity)
        for role, positions in given[key].positions.items():
            assert entry.positions[role] == pytest.approx(positions, abs=1e-7)
