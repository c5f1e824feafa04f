"""The shipped references: for each reaction of a shipped set, the best saddle known.

`workflow/reactions/references/{potential}/{set}.xyz` holds three frames a reaction, reactant,
product and ts (two where no saddle is known). It is input, never written by a run;
`mepbench reference --update` takes over what a run found better.
"""

import json
from pathlib import Path

from ase import Atoms

from .errors import InputError
from .frames import quoted, read_frames, write_frames
from .reaction import SHIPPED, locate_set, parent_set

ROLES = ("reactant", "product", "ts")


def reference_file(spec: str, potential: str) -> Path | None:
    """Return the file of references for a shipped set, None for any other set.

    Parameters
    ----------
    spec : of the set, as in the config; a subset has its parent's references
    potential : name of the Hamiltonian, such as GFN2-xTB
    """
    path = locate_set("references", spec)
    if path.parent != SHIPPED:
        return None
    return SHIPPED / "references" / potential / f"{parent_set(path) or path.stem}.xyz"


def update(results: Path) -> list[str]:
    """Take over the references of a results folder that are new or lower by over 1 meV.

    Returns
    -------
    One line for each reaction that was changed.

    Raises
    ------
    InputError
        if the folder holds no finished run.
    """
    from .score import BETTER

    try:
        manifest = json.loads((results / "provenance.json").read_text(encoding="utf-8"))
    except OSError:
        raise InputError(f"{results}: no provenance.json, so no finished run here.") from None
    found: dict[tuple[str, str], Atoms] = {
        (atoms.info["set"], atoms.info["reaction"]): atoms
        for atoms in read_frames(results / "reference.xyz")
    }
    lines = []
    for name, spec in manifest["sets"].items():
        saddles = {reaction: atoms for (owner, reaction), atoms in found.items() if owner == name}
        if not saddles:
            continue
        file = reference_file(spec, next(iter(saddles.values())).info["potential"])
        if file is None:
            continue
        ends = _by_reaction(results / "sets" / name / "endpoints.xyz")
        known = _by_reaction(file) if file.exists() else {}
        for reaction, saddle in saddles.items():
            old = known.get(reaction, {}).get("ts")
            barrier = saddle.info["barrier_eV"]
            if old and not barrier < old.info["barrier_eV"] - BETTER:
                continue
            known[reaction] = {**ends[reaction], "ts": saddle}
            saddle.info["source"] = f"{saddle.info['source']} of commit {manifest['commit']}"
            before = f", was {old.info['barrier_eV']:.4f}" if old else ""
            lines.append(f"{file.stem} {reaction}: {barrier:.4f} eV{before}")
        known = {**ends, **known}
        frames = [
            group[role] for _, group in sorted(known.items()) for role in ROLES if role in group
        ]
        for atoms in frames:
            atoms.info["set"] = file.stem
        write_frames(file, [_as_text(atoms) for atoms in frames])
    return lines


def _by_reaction(file: Path) -> dict[str, dict[str, Atoms]]:
    groups: dict[str, dict[str, Atoms]] = {}
    for atoms in read_frames(file):
        groups.setdefault(atoms.info["reaction"], {})[atoms.info["role"]] = atoms
    return groups


def _as_text(atoms: Atoms) -> Atoms:
    for key, value in atoms.info.items():
        if isinstance(value, str):
            atoms.info[key] = quoted(value)
    return atoms
