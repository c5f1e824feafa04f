"""Gather all jobs of a run into its tidy tables, and score them."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from ase import Atoms

from .chains import chain_rows, with_chains
from .columns import CHAIN_COLUMNS
from .frames import frame, read_frames, write_frames
from .path import arc_length
from .provenance import provenance, write_provenance
from .reaction import read_endpoints
from .reference import irc_file, shipped_for
from .score import read_runs, score, write_runs
from .tidy import PROFILE_COLUMNS, concatenate, concatenate_rows, read_rows, write_rows


def score_job(
    inputs, outputs, config: dict, sets: dict[str, str], shipped: dict[str, str], potential
) -> None:
    """Write `runs.csv` and all that stands beside it.

    Parameters
    ----------
    inputs : lists of files: `runs`, `traces`, `profiles`, `saddles`, `irc`, `endpoints`,
        `endpoint_rows`; and one, `plan`, of the steps of multistep reactions
    outputs : files: the same in one, and `chains`, `reference`, `reference_frames`,
        `reference_irc`, `provenance`
    config : as completed from the shipped one, for the provenance
    sets : spec of each set
    shipped : file of references by set
    potential : `PotentialSpec`, for its invariances
    """
    concatenate_rows(inputs.runs, outputs.runs)
    concatenate_rows(inputs.traces, outputs.traces)
    concatenate(inputs.saddles, outputs.saddles)
    reactions = [reaction for file in inputs.endpoints for reaction in read_endpoints(file)]
    known, other_ends = shipped_for(shipped, reactions)
    scored = score(
        read_runs(outputs.runs),
        read_frames(outputs.saddles),
        reactions,
        known,
        other_ends=other_ends,
        invariances=potential.of(reactions[0]).invariances if reactions else (),
    )
    chains = chain_rows(read_rows(inputs.plan), scored.runs, scored.reference, reactions)
    write_runs(outputs.runs, with_chains(scored.runs, chains))
    write_rows(outputs.chains, CHAIN_COLUMNS, chains)
    write_runs(outputs.reference, scored.reference)
    write_frames(outputs.reference_frames, scored.reference_frames)

    ircs = _reference_ircs(scored.reference, inputs.irc, shipped)
    write_frames(outputs.reference_irc, ircs)
    ircs = read_frames(outputs.reference_irc)  # in memory, text is quoted for the file
    profiles = [row for file in inputs.profiles for row in read_rows(file)]
    energies = {(r.set, r.name): r.energies[0] for r in reactions}
    profiles += _reference_profiles(ircs, energies)
    write_rows(outputs.profiles, PROFILE_COLUMNS, profiles)

    files = [*inputs.endpoints, *inputs.endpoint_rows, *shipped.values()]
    write_provenance(outputs.provenance, provenance(config, sets, files))


def _reference_ircs(reference, ircs: Iterable[str], shipped: dict[str, str]) -> list[Atoms]:
    """Return the IRC of each reference that has one: this run's, or the shipped one."""
    found: dict[tuple, list[Atoms]] = {}
    for file in ircs:
        for atoms in read_frames(file):
            key = *(atoms.info[k] for k in ("set", "reaction", "method")), int(atoms.info["seed"])
            found.setdefault(key, []).append(atoms)
    for name, file in shipped.items():
        for atoms in read_frames(irc_file(Path(file))):
            found.setdefault((name, atoms.info["reaction"], "shipped"), []).append(atoms)
    frames = []
    for row in reference.itertuples(index=False):
        kind, *run = row.reference_source.split(":")
        key = (row.set, row.reaction, *((run[0], int(run[1])) if run else (kind,)))
        frames += [
            frame(
                atoms.numbers,
                atoms.positions,
                energy=atoms.get_potential_energy(),
                set=row.set,
                reaction=row.reaction,
                source=row.reference_source,
            )
            for atoms in found.get(key, [])
        ]
    return frames


def _reference_profiles(frames: list[Atoms], energies: dict) -> list[dict]:
    """Energies along the IRC of each reference."""
    paths: dict[tuple[str, str], list[Atoms]] = {}
    for atoms in frames:
        paths.setdefault((atoms.info["set"], atoms.info["reaction"]), []).append(atoms)
    rows = []
    for (name, reaction), path in paths.items():
        if len(path) < 3:
            continue
        lengths = arc_length(np.array([atoms.positions for atoms in path]))
        rows.extend(
            {
                "set": name,
                "reaction": reaction,
                "method": "reference",
                "seed": 0,
                "s": length / lengths[-1],
                "arc_length_A": length,
                "energy_eV": atoms.get_potential_energy() - energies[name, reaction],
            }
            for length, atoms in zip(lengths, path, strict=True)
        )
    return rows
