"""`mepbench import`: options, provenance, and what is said of an import."""

import argparse
import json
import sys
import typing
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from .. import __version__
from ..errors import InputError, one_line
from ..files.checksums import sha256
from ..molecule.state import state_text
from ..registry import available, options
from .accept import ASSUMED, Choice
from .import_set import Tally, import_set, rejected_file

MOST_PRINTED = 20
WORDS = {
    "source": "as the source says",
    "given": "as given on the command line",
    "stated": "as all of the data set of this layout; if yours differs, give",
    "assumed": "ASSUMED, since the source does not say",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _formats()
    parser.add_argument("format", help="one of those below")
    parser.add_argument("source", type=Path, help="file or folder")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the set file, SET.xyz")
    parser.add_argument("--select", nargs="+", metavar="NAME", help="import these reactions only")
    parser.add_argument("--max-atoms", type=int, metavar="N", help="leave out larger reactions")
    parser.add_argument("--sample", type=int, metavar="N", help="draw N of the reactions")
    parser.add_argument("--seed", type=int, default=0, help="of the draw; default: 0")
    parser.add_argument(
        "--map",
        action="store_true",
        help="where both ends number their atoms differently, find the map if it is unique",
    )
    for key in ("charge", "multiplicity"):
        parser.add_argument(f"--{key}", type=int, help="of reactions whose source does not say")
    parser.add_argument("--licence", default="", metavar="TEXT", help="for the provenance")
    parser.add_argument("--source", default="", dest="citation", metavar="TEXT", help="likewise")
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="an option of the format; may be repeated",
    )


def run(given: argparse.Namespace, said: str = "") -> int:
    """Import; return 0 if a reaction was imported, else 1.

    `said` is what the provenance calls the source, where its path means nothing to others.
    """
    for key, least in (("sample", 1), ("max_atoms", 2), ("multiplicity", 1)):
        value = getattr(given, key)
        if value is not None and value < least:
            raise InputError(f"--{key.replace('_', '-')} must be at least {least}, it is {value}.")
    choice = Choice(
        select=None if given.select is None else frozenset(given.select),
        max_atoms=given.max_atoms,
        sample=given.sample,
        seed=given.seed,
        map_atoms=given.map,
        charge=given.charge,
        multiplicity=given.multiplicity,
    )
    format_options = _format_options(given.format, given.option)
    tally = import_set(given.format, given.source, given.output, choice, format_options)
    _print(tally, given.output, given.licence)
    if not tally.counts["imported"]:
        return 1
    manifest = _manifest(given, tally, format_options, said or str(given.source))
    text = json.dumps(manifest, indent=2, ensure_ascii=False)
    provenance_file(given.output).write_text(text + "\n", encoding="utf-8")
    return 0


def provenance_file(output: Path) -> Path:
    """Return the provenance that stands beside a set file."""
    return output.with_name(f"{output.stem}.provenance.json")


def _manifest(given: argparse.Namespace, tally: Tally, format_options: dict, said: str) -> dict:
    source = given.source
    digest, files = tally.inputs
    packages = ("ase", "h5py", "numpy", "rdkit")
    return {
        "set": {"file": given.output.name, "sha256": sha256(given.output)},
        "licence": given.licence or "not stated",
        "source": given.citation or "not stated",
        "imported_from": {
            "path": said,
            "format": given.format,
            "layout": _first_paragraph(given.format),
            **(
                {"bytes": source.stat().st_size, "sha256": sha256(source)}
                if source.is_file()
                else {}
            ),
            **({"geometry_files": files, "geometry_files_sha256": digest} if files else {}),
        },
        "options": {
            "select": given.select,
            "max_atoms": given.max_atoms,
            "sample": given.sample,
            "seed": given.seed,
            "map": given.map,
            "charge": given.charge,
            "multiplicity": given.multiplicity,
            **format_options,
        },
        "counts": dict(sorted(tally.counts.items())),
        "charge_from": dict(tally.charge_from),
        "multiplicity_from": dict(tally.multiplicity_from),
        "states": [
            {"charge": charge, "multiplicity": multiplicity, "from": where, "reactions": count}
            for (charge, multiplicity, where), count in sorted(tally.states.items())
        ],
        "mapped": tally.mapped,
        "notes": tally.notes,
        "rejected": rejected_file(given.output).name,
        "mepbench": __version__,
        "packages": {name: version(name) for name in packages},
    }


def _print(tally: Tally, output: Path, licence: str) -> None:
    counts = tally.counts
    for name, reason in tally.rejected[:MOST_PRINTED]:
        print(f"rejected {name!r}: {reason}", file=sys.stderr)
    if counts["rejected"] > MOST_PRINTED:
        rest = counts["rejected"] - MOST_PRINTED
        print(f"... and {rest} more in {rejected_file(output)}", file=sys.stderr)
    left = [
        f"{counts[key]} {key}" for key in ("rejected", "too large", "not selected", "not drawn")
    ]
    left = ", ".join(word for word in left if not word.startswith("0 "))
    where = f" to {output}" if counts["imported"] else "; nothing was written"
    print(
        f"{counts['imported']} of {counts['found']} reactions imported{where}"
        + (f" ({left})" if left else "")
    )
    if not counts["imported"]:
        return
    print(f"{counts['with ts']} of them with a transition state, {len(tally.mapped)} mapped")
    for key, origins in (("charge", tally.charge_from), ("multiplicity", tally.multiplicity_from)):
        for word, number in sorted(origins.items()):
            if word in WORDS:
                print(f"{key} of {number} reactions: {WORDS[word]}" + _remedy(key, word))
    for state, number in tally.states.most_common(MOST_PRINTED):
        print(f"state of {number} reactions: {state_text(*state)}")
    if tally.notes:
        first = tally.notes[0]
        print(f"{len(tally.notes)} notes, such as {first['reaction']!r}: {first['note']}")
    if not licence:
        print("licence: not stated; say it with --licence, and the source with --source")
    print(f"provenance: {provenance_file(output)}")


def _remedy(key: str, word: str) -> str:
    if word == "assumed":
        return f"; {ASSUMED[key]}, unless you give --{key}"
    return f" --{key}" if word == "stated" else ""


def _format_options(importer: str, given: list[str]) -> dict:
    """Return `KEY=VALUE` texts as the types that the importer asks for."""
    known, values = options("importers", importer), {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"--option {text!r}: write it as KEY=VALUE.")
        values[key] = value
        if key in known and known[key].annotation is int:
            try:
                values[key] = int(value)
            except ValueError:
                raise InputError(f"--option {key}: must be an integer, it is {value!r}.") from None
    return values


def _formats() -> str:
    lines = ["formats:"]
    for name in available("importers"):
        lines.append(f"  {name:13} {_first_paragraph(name)}")
        for option in options("importers", name).values():
            choices = typing.get_args(option.annotation)
            words = [word for word in choices if isinstance(word, str)]
            kind = "|".join(words) or getattr(option.annotation, "__name__", "TEXT").upper()
            kind = kind if words or option.annotation is int else "TEXT"
            lines.append(f"  {'':13}   --option {option.name}={kind} (default: {option.default})")
    return "\n".join(lines)


def _first_paragraph(importer: str) -> str:
    module = import_module(f"mepbench.importers.{importer.replace('-', '_')}")
    return one_line((module.__doc__ or "").split("\n\n")[0])
