"""The shipped references: for each reaction of a shipped set, the best saddle known.

`workflow/reactions/references/{potential}/{set}.xyz` holds three frames a reaction, reactant,
product and ts (two where no saddle is known), the ts with its lowest eigenvalues and its mode;
`{set}.irc.xyz` the IRC of each ts; `SHA256SUMS` the checksums of these files, compared before
a job starts. They are input, never written by a run. What a run finds better it says aloud;
`mepbench reference --update` takes that over.

A reference belongs to its endpoints. Where a run's are not the stored ones, because the set or
the preparation has changed, the reference is left out until a new one is found.
"""

import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from ..errors import InputError, one_line
from ..files.checksums import write_sums
from ..files.frames import comment_text, iterate_frames, quoted, read_frames, write_frames
from ..files.provenance import read_manifest
from ..reaction import Reaction, irc_file, reaction_names, reference_file, verify_references

ROLES = ("reactant", "product", "ts")
IRC_FRAMES = 21
SPIN = (("charge", 0), ("multiplicity", 1))


def frames_of(file: Path, names: Collection[str]) -> Iterator[Atoms]:
    """Yield the frames of some reactions of a file; of the others the comment line is read."""
    return iterate_frames(file, lambda comment: comment_text(comment, "reaction") in names)


def by_reaction(frames: Iterable[Atoms]) -> dict[str, dict[str, Atoms]]:
    """Return frames by reaction and role."""
    groups: dict[str, dict[str, Atoms]] = {}
    for atoms in frames:
        groups.setdefault(atoms.info["reaction"], {})[atoms.info["role"]] = atoms
    return groups


def belongs(known: dict[str, Atoms], reaction: Reaction) -> int:
    """Whether a reference was made for these endpoints: both are the same minima.

    Another machine relaxes to other last digits, and a soft mode further: the limits are
    those by which the preparation tells minima apart. Of two mirror images it may take the
    other one.

    Returns
    -------
    1 where it was, -1 where it was for the mirror image of both ends, else 0.
    """
    from ..molecule.structure import difference
    from ..path import rmsd
    from ..preparation.checks import SAME_ENERGY, SAME_RMSD, SIMILAR_RMSD

    ends = known["reactant"], known["product"]
    if not np.array_equal(ends[0].numbers, reaction.numbers):
        return 0
    spin = tuple(int(ends[0].info.get(key, or_else)) for key, or_else in SPIN)
    if spin != (reaction.charge, reaction.multiplicity):
        return 0
    gaps = [
        abs(stored.get_potential_energy() - energy)
        for stored, energy in zip(ends, reaction.energies, strict=True)
    ]

    def same(here: np.ndarray, stored: np.ndarray, gap: float) -> bool:
        away = rmsd(here, stored)
        near = away < SAME_RMSD or (away < SIMILAR_RMSD and gap < SAME_ENERGY)
        return near and not difference(reaction.numbers, here, stored)

    for sign in (1, -1):
        stored = (sign * atoms.positions for atoms in ends)
        if all(same(*each) for each in zip(reaction.ends, stored, gaps, strict=True)):
            return sign
    return 0


def shipped_for(
    file: str | None, reactions: list[Reaction]
) -> tuple[list[Atoms], set[tuple[str, str]]]:
    """Return the reference saddles of some reactions of one set, and what is left out.

    Parameters
    ----------
    file : the set's file of references, None where it has none
    reactions : prepared ones

    Returns
    -------
    saddles : frames with `set` and `reaction` of this run
    other_ends : (set, reaction) whose reference belongs to other endpoints
    """
    if file is None:
        return [], set()
    known = by_reaction(frames_of(Path(file), {reaction.name for reaction in reactions}))
    saddles, other_ends = [], set()
    for reaction in reactions:
        group = known.get(reaction.name, {})
        if "ts" not in group:
            continue
        sign = belongs(group, reaction)
        if not sign:
            other_ends.add((reaction.set, reaction.name))
            continue
        saddle = group["ts"]
        saddle.info["set"] = reaction.set
        if sign < 0:
            results = {k: -v if k == "forces" else v for k, v in saddle.calc.results.items()}
            saddle.set_positions(-saddle.positions)
            saddle.calc = SinglePointCalculator(saddle, **results)
            if "mode" in saddle.arrays:
                saddle.arrays["mode"] = -saddle.arrays["mode"]
        saddles.append(saddle)
    return saddles, other_ends


def notices(results: Path) -> list[str]:
    """Say what a run found that the shipped references don't know; empty if nothing."""
    from .score import read_runs

    try:
        table = read_runs(results / "reference.csv")
    except OSError:
        raise InputError(f"{results}: no reference.csv, so no finished run here.") from None
    if "shipped" not in table:
        return []
    lines = []
    beaten = table[table.shipped == "beaten"]
    if len(beaten):
        lines.append(f"BETTER THAN THE SHIPPED REFERENCE: {len(beaten)} of {len(table)} reactions")
        lines += [
            f"  {one_line(row.reaction)} (set {row.set}): {row.barrier_eV:.4f} eV by "
            f"{row.reference_source}, shipped {row.shipped_barrier_eV:.4f} eV, "
            f"{row.lower_by_eV:.4f} eV lower"
            for row in beaten.itertuples(index=False)
        ]
    other = table[table.shipped == "other endpoints"]
    if len(other):
        names = ", ".join(one_line(name) for name in other.reaction)
        lines.append(f"SHIPPED REFERENCES LEFT OUT, since made for other endpoints: {names}")
    if lines:
        lines.append(f"To take over what this run found: mepbench reference {results} --update")
    return lines


def announce(results: str | Path) -> None:
    """Print the notices of a finished run to standard error."""
    if not (Path(results) / "reference.csv").exists():
        return
    lines = notices(Path(results))
    if lines:
        bar = "*" * 80
        print("\n".join(["", bar, *lines, bar]), file=sys.stderr, flush=True)


def read(file: Path) -> tuple[dict[str, dict[str, Atoms]], dict[str, list[Atoms]]]:
    """Return the frames of a released file of references by reaction and role, and the IRCs."""
    verify_references(file)
    ircs: dict[str, list[Atoms]] = {}
    for atoms in read_frames(irc_file(file)):
        ircs.setdefault(atoms.info["reaction"], []).append(atoms)
    return by_reaction(read_frames(file)), ircs


def write(file: Path, known: dict[str, dict[str, Atoms]], ircs: dict[str, list[Atoms]]) -> None:
    """Write what `read` returns, and the checksums."""
    frames = [known[name][role] for name in sorted(known) for role in ROLES if role in known[name]]
    write_frames(file, _as_text(frames, file.stem))
    frames = [atoms for name in sorted(known) for atoms in _thinned(ircs.get(name, []))]
    write_frames(irc_file(file), _as_text(frames, file.stem))
    write_sums(file, irc_file(file))


def update(results: Path, renew: Callable[[Path], Iterable[str]] = lambda file: ()) -> list[str]:
    """Take over the references of a results folder that are new or lower by over 1 meV.

    Where none is stored the lowest proven saddle of the run is new.

    Parameters
    ----------
    renew : is handed each file of references before; replaces or withdraws what does not stand
        (`recheck`), and returns lines on it

    Returns
    -------
    One line for each reaction that was changed.

    Raises
    ------
    InputError
        if the folder holds no finished run, or the shipped files are not the released ones.
    """
    manifest = read_manifest(results)
    found: dict[str, dict[str, Atoms]] = {}
    for atoms in read_frames(results / "reference.xyz"):
        found.setdefault(atoms.info["set"], {})[atoms.info["reaction"]] = atoms
    ircs: dict[tuple[str, str], list[Atoms]] = {}
    for atoms in read_frames(results / "reference_irc.xyz"):
        ircs.setdefault((atoms.info["set"], atoms.info["reaction"]), []).append(atoms)
    lines, renewed = [], set()
    for name, spec in manifest["sets"].items():
        saddles = found.get(name, {})
        if not saddles:
            continue
        file = reference_file(spec, next(iter(saddles.values())).info["potential"])
        if file is None:
            continue
        if file.exists() and file not in renewed:
            renewed.add(file)
            lines += [f"{file.stem} {line}" for line in renew(file)]
        for saddle in _withdrawn(file, results, name, saddles):
            reaction = saddle.info["reaction"]
            saddles[reaction] = saddle
            ircs[name, reaction] = _own_irc(results, name, reaction, saddle.info["source"])
        found_here = {r: (saddle, ircs.get((name, r), [])) for r, saddle in saddles.items()}
        changed = _update_file(file, results / "sets" / name, found_here, manifest["commit"])
        lines += [f"{file.stem} {line}" for line in changed]
    return lines


def _update_file(file: Path, folder: Path, found: dict, commit: str | None) -> list[str]:
    """Merge what a run found into one file of references; return a line for each change."""
    from ..reaction import read_endpoints
    from .score import BETTER

    known, known_ircs = read(file) if file.exists() else ({}, {})
    ends = by_reaction(read_frames(folder / "endpoints.xyz"))
    names = reaction_names(file.stem, file.stem)
    lines = [f"{reaction}: no longer in the set" for reaction in known if reaction not in names]
    for reaction in read_endpoints(folder / "endpoints.xyz"):
        name, old = reaction.name, known.get(reaction.name)
        if old is not None and not belongs(old, reaction):
            known[name], old = ends[name], None
            known_ircs.pop(name, None)
            lines.append(f"{name}: new endpoints")
        known.setdefault(name, ends[name])
        saddle, irc = found.get(name, (None, []))
        if saddle is None or not saddle.info["source"].startswith("run:"):
            continue
        barrier, was = saddle.info["barrier_eV"], ""
        if old is not None and "ts" in old:
            before, proven = old["ts"].info["barrier_eV"], name in known_ircs
            # A reference without its IRC is replaced by the same saddle with it.
            if not barrier < before + (-BETTER if proven else BETTER):
                continue
            was = f", was {before:.4f}"
        saddle.info["source"] += f" of commit {commit}" if commit else ""
        known[name] = {**ends[name], "ts": saddle}
        known_ircs[name] = irc
        lines.append(f"{name}: {barrier:.4f} eV{was}")
    if lines or not file.exists():
        write(file, {name: known[name] for name in known if name in names}, known_ircs)
    return lines


def _withdrawn(file: Path, results: Path, name: str, saddles: dict[str, Atoms]) -> list[Atoms]:
    """Return the run's own saddles where it was scored against one that has been withdrawn."""
    from ..reaction import read_endpoints
    from .score import lowest_saddles, read_runs

    known = read(file)[0] if file.exists() else {}
    lost = {
        reaction
        for reaction, saddle in saddles.items()
        if saddle.info["source"] == "shipped" and "ts" not in known.get(reaction, {})
    }
    if not lost:
        return []
    runs = read_runs(results / "runs.csv")
    ends = read_endpoints(results / "sets" / name / "endpoints.xyz")
    found = lowest_saddles(runs[runs["set"] == name], read_frames(results / "saddles.xyz"), ends)
    return [saddle for reaction, saddle in found.items() if reaction in lost]


def _own_irc(results: Path, name: str, reaction: str, source: str) -> list[Atoms]:
    """Return the IRC of a run, `source` is "run:METHOD:SEED"."""
    _, method, seed = source.split(":")
    files = sorted((results / "sets" / name / "irc" / method).glob("*.xyz"))
    return [
        atoms
        for file in files
        for atoms in frames_of(file, {reaction})
        if int(atoms.info["seed"]) == int(seed)
    ]


def _thinned(irc: list[Atoms]) -> list[Atoms]:
    """Return at most `IRC_FRAMES` frames, the ends and the saddle, which is the highest."""
    if len(irc) <= IRC_FRAMES:
        return irc
    top = int(np.argmax([atoms.get_potential_energy() for atoms in irc]))
    half = IRC_FRAMES // 2 + 1
    kept = {*np.linspace(0, top, half).round(), *np.linspace(top, len(irc) - 1, half).round()}
    return [irc[int(k)] for k in sorted(kept)]


def _as_text(frames: list[Atoms], set_name: str) -> list[Atoms]:
    for atoms in frames:
        atoms.info["set"] = set_name
        for key, value in atoms.info.items():
            if isinstance(value, str):
                atoms.info[key] = quoted(value)
    return frames
