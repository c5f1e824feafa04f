"""`mepbench submit`: a finished run becomes one archive that others can judge anew."""

import argparse
import json
from pathlib import Path

from ..errors import InputError


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("results", nargs="?", default=Path("results"), type=Path)
    parser.add_argument("-o", "--output", type=Path, help="the archive; default: submission.zip")
    parser.add_argument("--title", default="", help="what the table calls it")


def run(given: argparse.Namespace) -> int:
    """Pack; print what was packed."""
    from .submission import NAME

    output = given.output or Path("submission.zip")
    if not NAME.fullmatch(output.name):
        raise InputError(f"submit: {output.name!r}: call the archive NAME.zip, in plain letters.")
    rows, saddles = pack(given.results, output, given.title or output.stem)
    print(f"{output}: {rows} runs, {saddles} saddles, {output.stat().st_size / 1e3:.0f} kB")
    print(f"check it as others will: mepbench rejudge {output}")
    return 0


def pack(results: Path, output: Path, title: str) -> tuple[int, int]:
    """Write the archive of a results folder; return how many rows and saddles it has.

    Raises
    ------
    InputError
        if the folder holds no finished run, or a set is none that everyone has.
    """
    from ..files.frames import frames_text, iterate_frames
    from ..files.tidy import header_text, read_rows, rows_text
    from .official import entries_digest, official_entries, official_name
    from .submission import key_of, write_submission

    try:
        provenance = json.loads((results / "provenance.json").read_text(encoding="utf-8"))
        rows = read_rows(str(results / "runs.csv"))
    except OSError as error:
        raise InputError(f"{results}: has no finished run ({error.filename} is missing).") from None
    specs = provenance["sets"]
    official = {name: official_name(spec) for name, spec in specs.items()}
    sets = {name: (of, entries_digest(official_entries(of))) for name, of in official.items()}
    keys = {key_of(row) for row in rows}
    multistep = {key_of(row) for row in rows if row["verdict"] == "multistep"}
    ends, paths = [], []
    for name in sets:
        folder = results / "sets" / name
        ends += iterate_frames(folder / "endpoints.xyz")
        for method in {method for of, _, method, _ in multistep if of == name}:
            for file in sorted((folder / "paths" / method).glob("*.xyz")):
                frames = (a for a in iterate_frames(file) if a.info["role"] == "path")
                paths += (a for a in frames if key_of(a.info) in multistep)
    saddles = [
        atoms
        for atoms in iterate_frames(results / "saddles.xyz")
        if atoms.info["role"] == "saddle" and key_of(atoms.info) in keys
    ]
    config = provenance.pop("config")
    content = {
        "config.json": json.dumps(config | {"sets": official, "results": "results"}, indent=2),
        "provenance.json": json.dumps(_of_no_machine(provenance) | {"sets": official}, indent=2),
        "runs.csv": header_text(list(rows[0])) + rows_text(list(rows[0]), rows) if rows else "",
        "endpoints.xyz": frames_text([_plain(atoms, forces=True) for atoms in ends]),
        "saddles.xyz": frames_text([_plain(atoms) for atoms in saddles]),
        "paths.xyz": frames_text([_plain(atoms) for atoms in paths]),
    }
    write_submission(output, title, sets, content)
    return len(rows), len(saddles)


def _plain(atoms, *, forces: bool = False):
    """Return a frame with nothing but what is judged."""
    from ..files.frames import frame

    found = {} if atoms.calc is None else atoms.calc.results
    gradient = -found["forces"] if forces else None
    return frame(
        atoms.numbers, atoms.positions, energy=found.get("energy"), gradient=gradient, **atoms.info
    )


def _of_no_machine(provenance: dict) -> dict:
    """Return a manifest without the host, and with names of files instead of their places."""
    known = {key: value for key, value in provenance.items() if key != "host"}
    inputs = known.get("inputs", {})
    return known | {"inputs": {Path(file).name: digest for file, digest in inputs.items()}}
