"""The published sets: told with their licence, shipped where that allows it, made of clones."""

import shutil
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms

from mepbench.cli import main
from mepbench.config import ROOT, load_config
from mepbench.errors import InputError
from mepbench.files.checksums import sha256
from mepbench.importing import data_command
from mepbench.importing.public_sets import public_set, public_sets
from mepbench.reaction import reaction_names, read_set, shipped_sets

SETS = public_sets()
COUNTS = {"baker": 24, "birkholz": 20, "rdb7_dev": 100, "zimmerman_xtb": 65}
HCN = np.array([[0, 0, 0], [1.15, 0, 0], [-1.07, 0, 0]])
SADDLE = np.array([[0, 0, 0], [1.19, 0, 0], [0.2, 1.18, 0]])
HNC = np.array([[0, 0, 0], [1.17, 0, 0], [2.17, 0, 0]])
SMILES = "[C:1](#[N:2])[H:3]>>[C-:1]#[N+:2][H:3]"


def frames(*geometries, comment="") -> str:
    """The frames of C, N and H as an XYZ file."""
    rows = []
    for positions in geometries:
        symbols = Atoms("CNH").get_chemical_symbols()
        lines = [f"{s} {x:.6f} {y:.6f} {z:.6f}" for s, (x, y, z) in zip(symbols, positions)]  # noqa: B905
        rows += ["3", comment, *lines]
    return "\n".join(rows) + "\n"


def files_of(name: str) -> dict[str, str]:
    """Return small files in the layout of each set's repository."""
    one = SETS[name]
    if name == "zimmerman_xtb":
        return {f"{one.source}/00_zm_xtb.trj": frames(HCN, SADDLE, HNC, comment="org_id=000")}
    if name == "rdb7_dev":
        rows, files = ["rxn,smiles,dE0"], {}
        for at in (int(reaction.removeprefix("rxn")) for reaction in one.select):
            rows.append(f"{at},{SMILES},48.6")
            for role, x in (("r", HCN), ("p", HNC), ("ts", SADDLE)):
                where = f"{one.source}/geometries/forward/rxn{at:06d}/{role}{at:06d}.xyz"
                files[where] = frames(x)
        return files | {f"{one.source}/barriers/forward/data.csv": "\n".join(rows) + "\n"}
    folder = f"{one.source}/01_hcn"
    return {
        f"{folder}/initial.xyz": frames(HCN, HNC, comment="0 1"),
        f"{folder}/ts.xyz": frames(SADDLE, comment="0 1"),
        f"{folder}/chg": "0\n",
        f"{folder}/mult": "1\n",
    }


def clone(name: str, folder: Path) -> Path:
    for where, text in {**files_of(name), "LICENSE": "all of it\n"}.items():
        (folder / where).parent.mkdir(parents=True, exist_ok=True)
        (folder / where).write_text(text)
    return folder


def prepared(source: Path, name: str, tmp_path: Path) -> tuple[int, dict]:
    output = tmp_path / "out" / f"{name}.xyz"
    status = main(["data", name, str(source), "-o", str(output)])
    return status, {entry.name: entry for entry in read_set(name, str(output))}


def test_the_list_names_source_commit_licence_checksum_count_and_command_of_each(capsys):
    assert main(["data"]) == 0
    printed = capsys.readouterr().out.split("\n\n")
    assert {text.split(":")[0]: int(text.split()[1]) for text in printed} == COUNTS
    for text in printed:
        one = SETS[text.split(":")[0]]
        assert len(one.commit) == 40
        for said in (one.repository, one.commit, one.licence, one.sha256, one.literature):
            assert said in text
        assert f"mepbench import {one.format} {one.clone}/{one.source}" in text
        assert ("ships" in text.splitlines()[0].split(", ")) == (one.name in shipped_sets())


def test_only_what_its_licence_allows_ships():
    shipped = {name for name, one in SETS.items() if one.shipped}
    assert all(SETS[name].licence.startswith(("MIT", "CC BY")) for name in shipped)
    notice = (ROOT / "workflow" / "reactions" / "README.md").read_text()
    for one in (SETS[name] for name in shipped):
        assert one.commit in notice
        assert one.licence.removeprefix("MIT, ") in notice
    assert "zimmerman_xtb" not in shipped


@pytest.mark.parametrize("name", [name for name in SETS if SETS[name].shipped])
def test_a_shipped_set_is_the_released_file_and_reads_whole(name):
    one = SETS[name]
    assert sha256(one.shipped) == one.sha256
    entries = read_set(name, name)
    assert [entry.name for entry in entries] == reaction_names(name, name)
    assert len(entries) == one.reactions
    assert not one.select or sorted(one.select) == [entry.name for entry in entries]
    assert all(entry.problem is None and set(entry.positions) >= {"ts"} for entry in entries)


def test_the_whole_command_of_a_set_is_the_import_that_makes_it(tmp_path, capsys, monkeypatch):
    import shlex

    monkeypatch.chdir(tmp_path)
    clone("rdb7_dev", Path("reaction_database"))
    main(["data", "rdb7_dev"])
    line = next(s for s in capsys.readouterr().out.splitlines() if "mepbench import" in s)
    assert main(shlex.split(line)[2:]) == 0
    made = reaction_names("s", "results/data/rdb7_dev.xyz")
    assert sorted(made) == sorted(SETS["rdb7_dev"].select)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("kind", ["clone", "zip", "tar.gz", "unpacked"])
def test_each_set_is_made_of_a_clone_and_of_an_archive_of_its_layout(
    name, kind, tmp_path, capsys, monkeypatch
):
    top = clone(name, tmp_path / "github" / "repository-main")
    source = top if kind == "clone" else top.parent
    if kind in ("zip", "tar.gz"):
        source = Path(
            shutil.make_archive(
                tmp_path / "archive", "gztar" if kind == "tar.gz" else "zip", top.parent
            )
        )
    status, entries = prepared(source, name, tmp_path)
    assert status == 1
    assert "NOT the set of docs/bench" in capsys.readouterr().out
    assert len(entries) == (100 if name == "rdb7_dev" else 1)
    for entry in entries.values():
        assert (entry.charge, entry.multiplicity, entry.problem) == (0, 1, None)
        assert entry.positions["ts"] == pytest.approx(SADDLE, abs=1e-6)
    # The same set with the checksum of what came out is the set.
    same = replace(SETS[name], sha256=sha256(tmp_path / "out" / f"{name}.xyz"))
    assert data_command.prepare(same, source, tmp_path / "again.xyz") == 0
    assert "the set of docs/bench" in capsys.readouterr().out
    provenance = (tmp_path / "again.provenance.json").read_text()
    assert SETS[name].commit in provenance
    assert str(tmp_path) not in provenance


@pytest.mark.parametrize("name", SETS)
def test_a_source_that_is_none_of_the_set_is_one_line_with_the_remedy(name, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("no archive")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("other/file.txt", "x")
    with tarfile.open(tmp_path / "evil.tar.gz", "w:gz") as archive:
        entry = tarfile.TarInfo(f"{SETS[name].source}/../../../evil")
        archive.addfile(entry)
    for source, says in (
        ("absent", SETS[name].get_clone()),
        ("empty", "has no folder"),
        ("text", "neither a folder nor a zip"),
        ("other.zip", "has no folder"),
        ("evil.tar.gz", "lead out of it"),
    ):
        assert main(["data", name, str(tmp_path / source), "-o", str(tmp_path / "s.xyz")]) == 2
        assert says in capsys.readouterr().err
    assert not (tmp_path / "s.xyz").exists()


def test_an_unknown_set_gets_the_nearest(capsys):
    assert main(["data", "zimerman_xtb"]) == 2
    assert "Did you mean 'zimmerman_xtb'" in capsys.readouterr().err
    with pytest.raises(InputError, match="Known"):
        public_set("qm9")


@pytest.mark.parametrize("config", ["bench", "ablation", "tangency"])
def test_the_configs_of_docs_bench_need_what_ships_and_say_what_is_missing(
    config, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    file = ROOT / "workflow" / f"{config}.yaml"
    with pytest.raises(InputError, match="`mepbench data zimmerman_xtb` says of which public"):
        load_config(file)
    names = [f"{at:02d}_zm_xtb" for at in range(65)]
    trj = frames(HCN, SADDLE, HNC)
    folder = tmp_path / "pysisyphus" / SETS["zimmerman_xtb"].source
    folder.mkdir(parents=True)
    for name in names:
        (folder / f"{name}.trj").write_text(trj)
    assert main(["data", "zimmerman_xtb", "pysisyphus"]) == 1
    chosen = load_config(file).jobs
    assert set(chosen) == {"zimmerman_xtb", "rdb7_dev"}
    count = sum(len(job) for job in chosen["rdb7_dev"].values())
    assert count == (100 if config == "bench" else 13)


@pytest.mark.parametrize("name", [name for name in SETS if SETS[name].shipped])
def test_a_shipped_set_has_the_geometries_of_the_development_set(
    name, development_reactions, tmp_path
):
    given = {e.name: e for e in read_set("s", str(development_reactions / name))}
    entries = {e.name: e for e in read_set("s", name)}
    assert list(given) == list(entries)
    for key, entry in entries.items():
        for role, positions in given[key].positions.items():
            assert entry.positions[role] == pytest.approx(positions, abs=1e-7)
