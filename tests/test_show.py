"""`mepbench show`: a folder, one reaction, two folders; names are text, and readers may leave."""

import json
import os
import pty
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import synthetic

from mepbench.cli import main
from mepbench.files.frames import frame, write_frames
from mepbench.files.provenance import differences
from mepbench.reporting.lines import aligned, escaped, painted, wants_colour
from mepbench.scoring.score import read_runs, write_runs
from mepbench.statistics.versions import changed_verdicts, compared_costs, moved_barriers, only_in

METHODS = ["neb", "string", "gad"]
COMMAND = "import sys; from mepbench.cli import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture
def folder(tmp_path):
    return synthetic.write_results(tmp_path / "old", synthetic.runs(methods=METHODS))


def show(capsys, *arguments) -> str:
    """What `mepbench show` prints."""
    assert main(["show", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def refused(capsys, *arguments) -> str:
    """What it says of input that it refuses: one line."""
    assert main(["show", *map(str, arguments)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def altered(folder, to, change):
    """A copy of a results folder whose table of runs is changed."""
    to.mkdir()
    for name in ("provenance.json", "reference.csv"):
        (to / name).write_bytes((folder / name).read_bytes())
    write_runs(to / "runs.csv", change(read_runs(folder / "runs.csv")))
    return to


def test_a_reaction_is_shown_with_every_method_verdict_and_reason(folder, capsys):
    runs = read_runs(folder / "runs.csv")
    out = show(capsys, folder, "cope")
    mine = runs[runs.reaction == "cope"]
    for row in mine.itertuples():
        (line,) = (x for x in out.splitlines() if x.startswith(f"{row.method} "))
        assert row.verdict in line
        assert f"{row.barrier_eV:.3f}" in line
        assert re.search(rf"\b{row.gradients_path + row.gradients_refine}\b", line)
        assert row.reason in " ".join(out.split())
    assert "Reference: no saddle of this reaction is known" in out


def test_where_the_geometries_of_a_reaction_lie_is_said_frame_by_frame(folder, capsys):
    def frames(name, count, **info):
        return [frame([1, 1], np.eye(3)[:2] * (1 + k), reaction=name, **info) for k in range(count)]

    of_set = folder / "sets" / "made-up"
    write_runs(of_set / "endpoints" / "007.csv", pd.DataFrame({"reaction": ["a", "cope"]}))
    run = {"set": "made-up", "method": "neb", "seed": 0}
    write_frames(of_set / "paths/neb/007.xyz", frames("a", 4, **run) + frames("cope", 3, **run))
    write_frames(of_set / "paths/neb/008.xyz", frames("cope", 3, **run))  # of an earlier run
    saddles = frames("cope", 1, role="peak", **run) + frames("cope", 1, role="saddle", **run)
    write_frames(folder / "saddles.xyz", saddles)
    out = show(capsys, folder, "cope")
    (line,) = (x for x in out.splitlines() if "sets/made-up/paths" in x)
    assert line.split() == ["neb", "sets/made-up/paths/neb/007.xyz@4:7", "saddles.xyz@1", "–"]


def test_a_reaction_of_several_sets_is_shown_for_each(folder, capsys):
    runs = read_runs(folder / "runs.csv")
    write_runs(folder / "runs.csv", pd.concat([runs, runs.assign(set="second")]))
    out = show(capsys, folder, "cope")
    assert re.findall(r"^cope: .*; set ([\w-]+)", out, re.MULTILINE) == ["made-up", "second"]


@pytest.mark.parametrize("asked", ["copee", "COPE", "cop"])
def test_a_name_that_nearly_fits_is_answered_with_the_nearest(folder, asked, capsys):
    assert "Did you mean 'cope'" in refused(capsys, folder, asked)


def test_what_is_no_results_folder_is_one_clear_error(folder, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    for nothing in ("nowhere", "empty", "old/runs.csv"):
        assert "nothing was run here" in refused(capsys, tmp_path / nothing)
        assert "nothing was run here" in refused(capsys, tmp_path / nothing, "cope")
    assert "empty/runs.csv does not exist" in refused(capsys, folder, tmp_path / "empty")
    (tmp_path / "empty" / "runs.csv").write_text("a,b\n1,2\n")
    assert "is it a table of runs?" in refused(capsys, tmp_path / "empty")
    (tmp_path / "empty" / "runs.csv").write_bytes(b"\xff\xfe\x00")
    assert "is no table of runs" in refused(capsys, tmp_path / "empty")
    (tmp_path / "empty" / "runs.csv").write_text("")
    assert "is no table of runs" in refused(capsys, tmp_path / "empty")


@pytest.mark.parametrize("name", ["\x1b[31mred\x1b]0;title\x07", "a\u202eb", "a\nb", "-x", "a/b"])
def test_a_hostile_name_is_printed_as_text_and_found_as_it_is_printed(name, tmp_path, capsys):
    table = synthetic.runs([name, "other"], METHODS).assign(verdict="error", reason=f"of {name}")
    folder = synthetic.write_results(tmp_path / "results", table)
    for arguments in ([], [f"--reaction={name}"], [f"--reaction={escaped(name)}"]):
        out = show(capsys, folder, *arguments)
        assert out.isprintable() or {c for c in out if not c.isprintable()} == {"\n"}
        assert escaped(name) in out
    newer = altered(folder, tmp_path / "new", lambda runs: runs[runs.reaction == "other"])
    out = show(capsys, folder, newer)
    assert {c for c in out if not c.isprintable()} == {"\n"}
    assert escaped(name) in out


def test_the_same_folder_twice_differs_in_nothing(folder, capsys):
    out = show(capsys, folder, folder)
    assert "solved no longer 0, solved now 0, failed otherwise 0" in out
    assert "No method's cost changed beyond noise." in out
    assert "Provenance: both name the same" in out


def test_regressions_between_two_folders_are_named_with_their_reasons(folder, tmp_path, capsys):
    def change(runs):
        good = runs[(runs.verdict == "intended") & (runs.method == "neb")].index
        runs.loc[good[0], ["verdict", "reason"]] = ["other", "it went astray"]
        runs.loc[runs.method == "string", ["gradients_path", "gradients_refine"]] *= 3
        return runs[runs.reaction != "claisen"]

    old = altered(folder, tmp_path / "before", lambda r: r.assign(verdict="intended", reason=""))
    new = altered(old, tmp_path / "after", change)
    manifest = json.loads((new / "provenance.json").read_text())
    manifest["packages"]["torch"] = "3.0"
    manifest["config"]["potential"] = {"name": "xtb-python", "accuracy": 0.1}
    (new / "provenance.json").write_text(json.dumps(manifest))
    out = show(capsys, old, new)
    assert "solved no longer 1, solved now 0, failed otherwise 0" in out
    assert re.search(
        r"hcn-isomerisation \(made-up\) +neb +intended +-> +other +it went astray", out
    )
    assert "Beyond noise dearer: string." in out
    assert re.search(r"^string +5 .* 3\.000 +3\.000 to 3\.000 +dearer", out, re.MULTILINE)
    assert "Only in old, 1 reaction: claisen (made-up)" in out
    assert re.search(r"packages\.torch +2\.13\.0 +-> +3\.0", out)
    assert "The potential's options differ" in out
    back = show(capsys, new, old)
    assert "Beyond noise cheaper: string." in back
    assert "Only in new, 1 reaction" in back


def test_barriers_of_two_potentials_are_not_compared(folder, tmp_path, capsys):
    new = altered(
        folder, tmp_path / "new", lambda r: r.assign(potential="GFN1", barrier_eV=r.barrier_eV + 1)
    )
    out = show(capsys, folder, new)
    assert "Different potentials" in out
    assert "Barriers that moved" not in out
    same = altered(folder, tmp_path / "up", lambda r: r.assign(barrier_eV=r.barrier_eV + 1))
    assert "Barriers that moved" in show(capsys, folder, same)


def test_folders_with_nothing_in_common_say_so(folder, tmp_path, capsys):
    new = altered(folder, tmp_path / "new", lambda runs: runs.assign(method="mine-" + runs.method))
    assert "Nothing to compare" in show(capsys, folder, new)


@pytest.mark.parametrize("further", [[], ["cope"], ["again"]])
def test_a_reader_who_leaves_ends_it_without_a_word(folder, further):
    further = [str(folder)] if further == ["again"] else further
    command = [sys.executable, "-c", COMMAND, "show", str(folder), *further]
    read, write = os.pipe()
    os.close(read)  # a reader who has gone before the first line
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(write)
    assert done.stderr == ""


def test_colour_is_for_terminals_whose_user_has_not_said_no(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal, open(os.devnull, "w") as file:
        assert wants_colour(terminal)
        assert not wants_colour(file)
        monkeypatch.setenv("TERM", "dumb")
        assert not wants_colour(terminal)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("NO_COLOR", "1")
        assert not wants_colour(terminal)
    os.close(ours)


def test_colour_moves_no_column():
    rows = [["a", painted("bad", "red"), "1"], ["long", painted("good", "green"), "100"]]
    plain, coloured = (aligned(rows, left=(0, 1), colour=on) for on in (False, True))
    assert re.sub(r"\x1b\[\d*m", "", coloured) == plain
    assert "\x1b[31mbad\x1b[0m" in coloured


def test_what_an_encoding_lacks_is_escaped(tmp_path):
    table = synthetic.runs(["日本"], METHODS)
    folder = synthetic.write_results(tmp_path, table)
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "show", str(folder)],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0
    assert b"\\u65e5\\u672c" in done.stdout


def as_runs(*rows) -> pd.DataFrame:
    """Runs from (reaction, method, seed, verdict, cost, barrier)."""
    columns = "reaction method seed verdict gradients_path barrier_eV".split()
    table = pd.DataFrame(rows, columns=columns).assign(set="s", reason="", gradients_refine=0)
    for column in ("wall_path_s", "oracle_path_s", "wall_refine_s", "oracle_refine_s"):
        table[column] = 0.0
    return table


def test_costs_are_paired_by_reaction_and_noise_is_no_change():
    names = [f"r{k}" for k in range(12)]
    old = as_runs(*((name, "neb", 0, "intended", 100 * (k + 1), 1) for k, name in enumerate(names)))
    twice = old.assign(gradients_path=2 * old["gradients_path"])
    (row,) = compared_costs(old, twice).to_dict("records")
    assert (row["ratio"], row["low"], row["high"]) == pytest.approx((2, 2, 2))
    assert row["beyond"]
    factors = np.tile([1.25, 0.8], 6)
    noisy = old.assign(gradients_path=old["gradients_path"] * factors)
    (row,) = compared_costs(old, noisy).to_dict("records")
    assert row["ratio"] == pytest.approx(1)
    assert row["low"] < 1 < row["high"]
    assert not row["beyond"]
    (row,) = compared_costs(old[:4], twice[:4]).to_dict("records")
    assert not row["beyond"]  # four reactions prove nothing


def test_what_one_run_alone_solves_is_counted_and_has_no_ratio():
    old = as_runs(("a", "neb", 0, "intended", 10, 1), ("b", "neb", 0, "intended", 10, 1))
    new = as_runs(("a", "neb", 0, "other", 10, 1), ("b", "neb", 0, "intended", 20, 1))
    (row,) = compared_costs(old, new).to_dict("records")
    assert (row["reactions"], row["lost"], row["gained"], row["p"]) == (1, 1, 0, 1)
    assert row["ratio"] == pytest.approx(2)
    (change,) = changed_verdicts(old, new).to_dict("records")
    assert (change["reaction"], change["kind"], change["new"]) == ("a", "lost", "other")


def test_seeds_are_paired_and_a_cost_is_their_median():
    rows = [("a", "neb", seed, "intended", cost, 1) for seed, cost in enumerate((10, 20, 1000))]
    old, new = as_runs(*rows), as_runs(*rows).assign(gradients_path=[1000, 40, 10])
    (row,) = compared_costs(old, new).to_dict("records")
    assert (row["old"], row["new"]) == (20, 40)
    assert only_in(old, new[:2], ["seed"]) == [(2,)]


def test_only_barriers_of_runs_solved_twice_can_move():
    old = as_runs(("a", "neb", 0, "intended", 10, 1.0), ("b", "neb", 0, "intended", 10, 1.0))
    new = as_runs(("a", "neb", 0, "intended", 10, 1.004), ("b", "neb", 0, "intended", 10, 1.006))
    assert moved_barriers(old, new)["reaction"].tolist() == ["b"]
    assert moved_barriers(old, new.assign(verdict="other")).empty


def test_manifests_differ_in_what_makes_a_result():
    old = {"host": "a", "packages": {"sella": "1"}, "inputs": {"x": "0", "y": "1"}, "commit": "c"}
    new = {"host": "b", "packages": {"sella": "2"}, "inputs": {"x": "1", "z": "1"}, "commit": "c"}
    assert differences(old, new) == [("packages.sella", "1", "2"), ("inputs.x", "0", "1")]
