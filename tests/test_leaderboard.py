"""A submission tells the truth or is found out: each tampering that a table would show is named."""

import csv
import io
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mepbench.cli import main
from mepbench.config import check_config
from mepbench.errors import InputError
from mepbench.files.checksums import sha256
from mepbench.files.columns import COLUMNS, JUDGED_COLUMNS
from mepbench.files.frames import frames_text, read_frames, write_frames
from mepbench.files.tidy import read_rows, write_rows
from mepbench.judging.job import judged_cells, saddle_frames
from mepbench.judging.verify import refine_and_judge
from mepbench.leaderboard.repeat import chosen, shipped_method
from mepbench.leaderboard.submission import FILES, MANIFEST, read_submission
from mepbench.oracle import PotentialSpec
from mepbench.preparation.job import endpoint_frames
from mepbench.preparation.prepare import prepare
from mepbench.reaction import read_set
from mepbench.solving.guess import make_guess
from mepbench.solving.job import path_frames
from mepbench.solving.solve import solve

REACTIONS = ("hcn-isomerisation", "ammonia-inversion")
METHODS = {"geodesic": {"solver": "guess-only"}, "mine": {"solver": "guess-only", "guess": "idpp"}}
POTENTIAL = PotentialSpec("xtb-python", {"method": "GFN2-xTB"})


def python(*arguments: str) -> subprocess.CompletedProcess:
    """Run Python anew: no worker may be forked where other tests have started JAX's threads."""
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent)


def rejudged_anew(archive: Path, *options: str) -> tuple[int, str]:
    """Rejudge in a process of its own; return the exit status and what is printed."""
    code = "import sys; from mepbench.cli import main; sys.exit(main(sys.argv[1:]))"
    done = python("-c", code, "rejudge", str(archive), *options)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="session")
def results(tmp_path_factory) -> Path:
    """A small run's folder: two reactions, two methods, one seed."""
    folder = tmp_path_factory.mktemp("run") / "results"
    made = python("-c", f"import test_leaderboard, pathlib; test_leaderboard.run({str(folder)!r})")
    assert made.returncode == 0, made.stderr
    return folder


def run(where: str) -> None:
    folder = Path(where)
    config = check_config({"select": list(REACTIONS), "methods": METHODS})
    rows, ends, saddles = [], [], []
    for entry in read_set("quick", "quick", only=REACTIONS):
        reaction = prepare(entry, POTENTIAL.load).reaction
        ends += endpoint_frames(reaction)
        reaction = _as_written(folder, reaction)
        for name, method in config.methods.items():
            guess = make_guess(reaction, method.guess, None)
            solved = solve(reaction, guess, method.solver, {}, POTENTIAL, 3000, 0)
            args = (reaction, solved.path, solved.peak, "sella", POTENTIAL, 200, 0)
            judged = refine_and_judge(*args)
            identity = {"set": "quick", "reaction": entry.name, "method": name, "seed": 0}
            cells = {**judged_cells(reaction, judged), "gradients_path": solved.evaluations}
            rows.append({**identity, "reason": judged.reason, **cells, "guess": method.guess})
            saddles += saddle_frames(reaction, solved.peak, judged, identity)
            paths = folder / "sets" / "quick" / "paths" / name / f"{entry.name}.xyz"
            write_frames(paths, path_frames(reaction, solved, identity))
    write_frames(folder / "sets" / "quick" / "endpoints.xyz", ends)
    write_frames(folder / "saddles.xyz", saddles)
    columns = [*JUDGED_COLUMNS, *(c for c in COLUMNS if c not in JUDGED_COLUMNS)]
    write_rows(folder / "runs.csv", columns, rows)
    manifest = {
        "commit": "0123456789abcdef",
        "host": "my-secret-machine",
        "config": config.completed,
        "sets": {"quick": "quick"},
        "inputs": {"/home/me/secret/endpoints.xyz": "0" * 64},
    }
    (folder / "provenance.json").write_text(json.dumps(manifest))


def _as_written(folder: Path, reaction):
    """Return the reaction as a job reads it from its file."""
    from mepbench.reaction import read_endpoints

    write_frames(folder / "one.xyz", endpoint_frames(reaction))
    return read_endpoints(folder / "one.xyz")[0]


@pytest.fixture(scope="session")
def archive(results, tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("submission") / "honest.zip"
    assert (
        main(
            ["submit", str(results), "-o", str(file), "--title", "<b>Honest</b> | [x](y) @archive@"]
        )
        == 0
    )
    return file


@pytest.fixture(scope="session")
def smallest(archive, tmp_path_factory) -> Path:
    """The same of one reaction and one method."""
    folder, content = tmp_path_factory.mktemp("smallest"), unpacked(archive)
    config = json.loads(content["config.json"])
    config |= {"select": [REACTIONS[0]], "methods": {"geodesic": METHODS["geodesic"]}}
    content["config.json"] = json.dumps(config)

    def wanted(of) -> bool:
        return (of["reaction"], of.get("method", "geodesic")) == (REACTIONS[0], "geodesic")

    content["runs.csv"] = with_rows(content["runs.csv"], lambda rows: [*filter(wanted, rows)])
    for name in ("endpoints.xyz", "saddles.xyz"):
        content[name] = with_frames(
            content[name], lambda frames: [a for a in frames if wanted(a.info)], folder
        )
    return packed(folder / "smallest.zip", content)


def unpacked(archive: Path) -> dict[str, str]:
    with zipfile.ZipFile(archive) as file:
        return {name: file.read(name).decode() for name in file.namelist()}


def packed(file: Path, content: dict[str, str], *, honest: bool = True) -> Path:
    """Write an archive, with the checksums of what is in it now."""
    if honest and MANIFEST in content:
        manifest = json.loads(content[MANIFEST])
        for name in FILES:
            (file.parent / "part").write_text(content[name])
            manifest["sha256"][name] = sha256(file.parent / "part")
        content = content | {MANIFEST: json.dumps(manifest)}
    with zipfile.ZipFile(file, "w") as target:
        for name, text in content.items():
            target.writestr(name, text)
    return file


def with_rows(text: str, change) -> str:
    rows = list(csv.DictReader(io.StringIO(text)))
    changed = change(rows) or rows
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(changed)
    return out.getvalue()


def with_frames(text: str, change, tmp_path: Path) -> str:
    (tmp_path / "frames.xyz").write_text(text)
    frames = read_frames(tmp_path / "frames.xyz")
    return frames_text(change(frames) or frames)


def cell(column: str, value: str, at: int = 0):
    def change(rows):
        rows[at][column] = value

    return change


def shifted_energy(by: float):
    def change(frames):
        frames[0].calc.results["energy"] += by

    return change


def moved(by: float, at: int = 0):
    def change(frames):
        frames[at].calc.results = dict(frames[at].calc.results)
        positions = frames[at].positions.copy()
        positions[0] += [by, 0.0, by]
        results = frames[at].calc.results
        frames[at].set_positions(positions)
        frames[at].calc.atoms = frames[at].copy()
        frames[at].calc.results = results

    return change


def exchanged(frames):
    """The saddle of each reaction is said to be that of the other."""
    first, second = frames[0].info["reaction"], frames[-1].info["reaction"]
    for atoms in frames:
        atoms.info["reaction"] = second if atoms.info["reaction"] == first else first


def swapped_ends(frames):
    for atoms in frames:
        atoms.info["role"] = {"reactant": "product", "product": "reactant"}[atoms.info["role"]]


OF_SEVERAL = ("no saddle", "saddles of others", "ends left out", "a row left out")
TAMPERINGS = {
    "a lower barrier": ("runs.csv", cell("barrier_eV", "0.5"), "barrier_eV 3.1754, claimed 0.5"),
    "a barrier 2 meV lower": ("runs.csv", cell("barrier_eV", "3.1734"), "claimed 3.1734"),
    "no barrier": ("runs.csv", cell("barrier_eV", ""), "barrier_eV 3.1754, claimed nan"),
    "a reverse barrier": ("runs.csv", cell("reverse_barrier_eV", "1.0"), "reverse_barrier_eV"),
    "a reaction energy": ("runs.csv", cell("reaction_energy_eV", "-9"), "reaction_energy_eV"),
    "a frequency": ("runs.csv", cell("imaginary_frequency_cm", "900"), "imaginary_frequency_cm"),
    "another verdict": ("runs.csv", cell("verdict", "other"), "verdict intended"),
    "a saddle that is none": ("saddles.xyz", moved(0.3), "verdict unconverged"),
    "a saddle nearly at rest": ("saddles.xyz", moved(0.02), "verdict unconverged"),
    "no saddle": ("saddles.xyz", lambda frames: frames[1:], "it has no saddle"),
    "saddles of others": ("saddles.xyz", exchanged, "other atoms than its ends"),
    "energy of a saddle": ("saddles.xyz", shifted_energy(-0.01), "the saddle's energy"),
    "energy of an end": ("endpoints.xyz", shifted_energy(0.3), "an energy of its ends is wrong"),
    "an end not at rest": ("endpoints.xyz", moved(0.1), "its ends are not at rest"),
    "ends exchanged": ("endpoints.xyz", swapped_ends, "its ends are not those"),
    "ends left out": ("endpoints.xyz", lambda frames: frames[2:], "it has no ends"),
    "a row left out": ("runs.csv", lambda rows: rows[1:], "the row is missing"),
    "a row too many": (
        "runs.csv",
        lambda rows: [*rows, rows[0] | {"method": "made-up"}],
        "no set, method and seed asked for it",
    ),
    "a refusal": ("runs.csv", cell("verdict", "bad-endpoints"), "its ends are good here"),
    "too many evaluations": ("runs.csv", cell("gradients_refine", "201"), "above the budget"),
    "beyond the budget": ("runs.csv", cell("gradients_path", "3012"), "above the budget of 3000"),
    "no number": ("runs.csv", cell("gradients_path", "few"), "no number of evaluations"),
    "less than none": ("runs.csv", cell("gradients_path", "-3"), "no number of evaluations"),
}


def test_the_same_run_is_the_same_archive_and_tells_nothing_of_the_machine(
    results, archive, tmp_path
):
    again = tmp_path / "again.zip"
    main(["submit", str(results), "-o", str(again), "--title", "<b>Honest</b> | [x](y) @archive@"])
    assert again.read_bytes() == archive.read_bytes()
    text = "".join(unpacked(archive).values())
    assert "secret" not in text
    assert str(results.parent) not in text
    submission = read_submission(archive)
    assert len(submission.rows) == len(submission.saddles) == 4
    assert not submission.paths


def test_the_paths_of_multistep_rows_alone_are_packed(results, archive, tmp_path):
    import shutil

    folder = shutil.copytree(results, tmp_path / "results")
    rows = read_rows(folder / "runs.csv")
    rows[0]["verdict"] = "multistep"
    write_rows(folder / "runs.csv", list(rows[0]), rows)
    main(["submit", str(folder), "-o", str(tmp_path / "x.zip")])
    (key,) = read_submission(tmp_path / "x.zip").paths
    assert key == ("quick", rows[0]["reaction"], rows[0]["method"], 0)


def test_an_honest_archive_is_as_claimed_and_a_sample_confirms_its_evaluations(archive, tmp_path):
    output = tmp_path / "table.csv"
    status, printed = rejudged_anew(archive, "--sample", "2", "-o", str(output))
    assert status == 0, printed
    assert "4 runs, 4 as claimed, 0 differ" in printed
    assert "2 claimed, 2 confirmed" in printed
    assert printed.count("run again: 'quick'") == 2
    rows = read_rows(output)
    assert {row["verdict"] for row in rows} == {"intended"}
    assert all(abs(float(r["barrier_eV"]) - float(r["claimed_barrier_eV"])) < 1e-3 for r in rows)


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampering_is_found_and_named_though_the_checksums_are_right(
    name, archive, smallest, tmp_path, capsys
):
    file, change, says = TAMPERINGS[name]
    content = unpacked(archive if name in OF_SEVERAL else smallest)
    alter = with_rows if file == "runs.csv" else with_frames
    where = () if file == "runs.csv" else (tmp_path,)
    content[file] = alter(content[file], change, *where)
    tampered = packed(tmp_path / "tampered.zip", content)
    assert main(["rejudge", str(tampered)]) == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if "DIFFERS" in line]
    assert any(says in line for line in lines), lines


def test_evaluations_that_were_not_made_are_refuted_when_the_run_is_made_again(archive, tmp_path):
    content = unpacked(archive)
    lies = (("path", "2"), ("refine", "0"), ("path", "1100"))

    def lie(rows):
        for row, (stage, said) in zip(rows, lies, strict=False):
            row[f"gradients_{stage}"] = said

    content["runs.csv"] = with_rows(content["runs.csv"], lie)
    tampered = packed(tmp_path / "tampered.zip", content)
    status, printed = rejudged_anew(tampered, "--sample", "4")
    assert status == 1, printed
    for stage, said in lies:
        assert re.search(rf"gradients_{stage} \d+ when run again, claimed {said}\n", printed)
    rows = read_rows(tmp_path / "tampered.rejudged.csv")
    assert [row["counts"] for row in rows] == [*["refuted"] * 3, "confirmed"]


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_not_the_one_packed_is_found_by_its_checksum(name, archive, tmp_path):
    content = unpacked(archive)
    content[name] += "\n"
    with pytest.raises(InputError, match=f"{name} is not the file that was packed"):
        read_submission(packed(tmp_path / "x.zip", content, honest=False))


def test_another_set_of_the_same_name_is_refused(archive, tmp_path, capsys):
    content = unpacked(archive)
    manifest = json.loads(content[MANIFEST])
    manifest["sets"]["quick"]["entries"] = "0" * 64
    content[MANIFEST] = json.dumps(manifest)
    assert main(["rejudge", str(packed(tmp_path / "x.zip", content))]) == 2
    assert "its set quick is not the one that is known here" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda c: c | {"evil.py": "x"}, "file that no submission has"),
        (lambda c: c | {"../evil": "x"}, "lead out of it"),
        (lambda c: {k: v for k, v in c.items() if k != "saddles.xyz"}, "has no saddles.xyz"),
        (lambda c: {k: v for k, v in c.items() if k != MANIFEST}, "has no manifest.json"),
        (lambda c: c | {MANIFEST: "{}"}, "is no submission"),
        (lambda c: c | {MANIFEST: "[" * 100_000}, "is no submission"),
        (lambda c: c | {MANIFEST: c[MANIFEST].replace('"format": 1', '"format": 2')}, "of format"),
        (lambda c: c | {"config.json": "[1]"}, "is no submission"),
        (lambda c: c | {"runs.csv": "a,b\n1,2\n"}, "has no column set"),
        (lambda c: c | {"runs.csv": c["runs.csv"] + c["runs.csv"].splitlines()[1]}, "two rows of"),
        (lambda c: c | {"runs.csv": c["runs.csv"] + "quick\n"}, "broken row"),
        (lambda c: c | {"saddles.xyz": c["saddles.xyz"] * 2}, "two saddles of"),
        (lambda c: c | {"saddles.xyz": "3\nno keys\nH 0 0 0\n"}, "saddles.xyz: is not a valid XYZ"),
        (lambda c: c | {"endpoints.xyz": "1\nreaction=a\nH 0 0 0\n"}, "is no submission"),
        (lambda c: c | {"saddles.xyz": "2001\n"}, "announces 2001 atoms|has .* atoms"),
    ],
)
def test_what_is_no_whole_submission_is_refused_in_one_sentence(change, says, archive, tmp_path):
    content = change(unpacked(archive))
    honest = all(name in content for name in (*FILES, MANIFEST)) and "sha256" in content[MANIFEST]
    with pytest.raises(InputError, match=says) as refused:
        read_submission(packed(tmp_path / "x.zip", content, honest=honest))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("key", ["accept_relaxed", "keep_order"])
def test_a_run_whose_ends_may_be_others_is_refused(key, archive, tmp_path, capsys):
    content = unpacked(archive)
    content["config.json"] = json.dumps(json.loads(content["config.json"]) | {key: True})
    assert main(["rejudge", str(packed(tmp_path / "x.zip", content))]) == 2
    assert "which give other ends" in capsys.readouterr().err


@pytest.mark.parametrize(
    "potential",
    [
        {"name": "ase", "factory": "os:system"},
        {"name": "mueller-brown"},
        {"name": "xtb-python", "method": "GFN0-xTB"},
        {"name": "tblite", "solvation": "ALPB(water)"},
        {"name": "./mine.py"},
    ],
)
def test_only_a_potential_that_everyone_has_judges(potential, archive, tmp_path, capsys):
    content = unpacked(archive)
    config = json.loads(content["config.json"]) | {"potential": potential}
    content["config.json"] = json.dumps(config)
    assert main(["rejudge", str(packed(tmp_path / "x.zip", content))]) == 2
    assert "its potential is none of GFN2-xTB" in capsys.readouterr().err


@pytest.mark.parametrize(
    "entry",
    [
        {"solver": "./mine.py"},
        {"solver": "../../evil"},
        {"solver": "/tmp/evil.py"},
        {"solver": "no-such-method"},
        {"solver": "varied", "of": "./mine.py"},
        {"solver": "varied", "of": "installed-elsewhere"},
        {"solver": "guess-only", "guess": "/tmp/evil"},
        {"solver": "guess-only", "refiner": "a/b"},
        {"solver": "guess-only", "no_such_option": 1},
        {"solver": "_peak"},
    ],
)
def test_no_code_that_an_archive_names_is_loaded(entry, archive):
    submission = read_submission(archive)
    config = submission.config | {"methods": {"geodesic": entry}}
    assert shipped_method(config, "geodesic") is None


def test_a_sample_is_drawn_by_seed_and_archive_from_methods_that_ship(archive):
    submission = read_submission(archive)
    assert chosen(submission, 2, 0) == chosen(submission, 4, 0)[:2]
    orders = {tuple(chosen(submission, 4, seed)) for seed in range(8)}
    assert len(orders) > 3
    submission.config["methods"]["mine"] = {"solver": "mine"}
    assert {key[2] for key in chosen(submission, 9, 0)} == {"geodesic"}


def test_only_runs_on_sets_that_everyone_has_can_be_submitted(results, tmp_path, capsys):
    import shutil

    folder = shutil.copytree(results, tmp_path / "results")
    manifest = json.loads((folder / "provenance.json").read_text())
    (tmp_path / "zimmerman_xtb.xyz").write_text("my own\n")
    for spec in ("my-reactions", str(tmp_path / "zimmerman_xtb.xyz")):
        manifest["sets"]["quick"] = spec
        (folder / "provenance.json").write_text(json.dumps(manifest))
        assert main(["submit", str(folder), "-o", str(tmp_path / "x.zip")]) == 2
        assert "neither ships nor is a published one" in capsys.readouterr().err
    assert main(["submit", str(tmp_path / "nothing")]) == 2
    assert "has no finished run" in capsys.readouterr().err
    assert main(["submit", str(results), "-o", str(tmp_path / "a b|c.zip")]) == 2
    assert "call the archive NAME.zip" in capsys.readouterr().err


def test_the_page_has_what_was_judged_and_refuses_what_was_not(archive, tmp_path, capsys):
    import shutil

    folder = tmp_path / "board"
    mine = folder / "archives" / "honest.zip"
    mine.parent.mkdir(parents=True)
    shutil.copyfile(archive, mine)
    make = ["leaderboard", str(mine), "-o", str(folder)]
    assert main(make) == 2
    assert "was not rejudged" in capsys.readouterr().err
    assert rejudged_anew(mine, "--sample", "1")[0] == 0
    assert main(make) == 0
    page = (folder / "README.md").read_text()
    assert "## quick, 2 of 12 reactions (GFN2-xTB, budget 3000 + 200)" in page
    assert "[archive](archives/honest.zip)" in page
    assert "<b>" not in page
    assert "\n| geodesic | 2/2 |" in page
    assert page.count("| 1/2 |") == 1  # checked
    table = mine.with_suffix(".rejudged.csv")
    text = table.read_text()
    for wrong, says in (
        (text.replace(read_submission(mine).digest, "0" * 64), "is not the table of"),
        ("".join(text.splitlines(keepends=True)[:-1]), "is not the table of"),
        (with_rows(text, cell("differs", "a lie")), "1 of its runs are not as claimed"),
        (text.replace("differs", "agrees"), "is not the table of"),
    ):
        table.write_text(wrong)
        assert main(make) == 2
        assert says in capsys.readouterr().err


def test_entries_of_a_page_are_in_order_of_what_they_solve(archive, tmp_path):
    """The second archive claims less: one of its runs ended at its budget."""
    content = unpacked(archive)

    def fail(rows):
        rows[0]["verdict"] = "budget"
        rows[0]["barrier_eV"] = ""

    content["runs.csv"] = with_rows(content["runs.csv"], fail)
    files = [
        packed(tmp_path / "less.zip", content),
        packed(tmp_path / "all.zip", unpacked(archive)),
    ]
    for file in files:
        assert main(["rejudge", str(file)]) == 0
    assert main(["leaderboard", *map(str, files), "-o", str(tmp_path)]) == 0
    lines = [x for x in (tmp_path / "README.md").read_text().splitlines() if x.startswith("| geo")]
    assert ["all.zip" in lines[0], "less.zip" in lines[1]] == [True, True]
    assert "failed" in lines[1] or np.char.count(lines[1], "1/2") == 1
