"""Gather all jobs of a run into its tidy tables, and score them."""

from collections.abc import Iterable, Iterator

import numpy as np
from ase import Atoms

from .chains import chain_rows, with_chains
from .columns import CHAIN_COLUMNS
from .frames import read_frames, write_frames
from .path import arc_length
from .provenance import provenance, write_provenance
from .reaction import read_endpoints
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
        `provenance`
    config : as completed from the shipped one, for the provenance
    sets : spec of each set
    shipped : file of references by set
    potential : `PotentialSpec`, for its invariances
    """
    concatenate_rows(inputs.runs, outputs.runs)
    concatenate_rows(inputs.traces, outputs.traces)
    concatenate(inputs.saddles, outputs.saddles)
    reactions = [reaction for file in inputs.endpoints for reaction in read_endpoints(file)]
    scored = score(
        read_runs(outputs.runs),
        read_frames(outputs.saddles),
        reactions,
        _shipped_frames(shipped),
        invariances=potential.of(reactions[0]).invariances if reactions else (),
    )
    chains = chain_rows(read_rows(inputs.plan), scored.runs, scored.reference, reactions)
    write_runs(outputs.runs, with_chains(scored.runs, chains))
    write_rows(outputs.chains, CHAIN_COLUMNS, chains)
    write_runs(outputs.reference, scored.reference)
    write_frames(outputs.reference_frames, scored.reference_frames)

    profiles = [row for file in inputs.profiles for row in read_rows(file)]
    energies = {(r.set, r.name): r.energies[0] for r in reactions}
    profiles += _reference_profiles(scored.reference, _irc_frames(inputs.irc), energies)
    write_rows(outputs.profiles, PROFILE_COLUMNS, profiles)

    files = [*inputs.endpoints, *inputs.endpoint_rows, *shipped.values()]
    write_provenance(outputs.provenance, provenance(config, sets, files))


def _shipped_frames(shipped: dict[str, str]) -> Iterator[Atoms]:
    for name, file in shipped.items():
        for atoms in read_frames(file):
            if atoms.info["role"] == "ts":
                atoms.info["set"] = name
                yield atoms


def _irc_frames(files: Iterable[str]) -> dict[tuple, list[Atoms]]:
    found: dict[tuple, list[Atoms]] = {}
    for file in files:
        for atoms in read_frames(file):
            key = (*(atoms.info[k] for k in ("set", "reaction", "method")), int(atoms.info["seed"]))
            found.setdefault(key, []).append(atoms)
    return found


def _reference_profiles(reference, ircs: dict, energies: dict) -> list[dict]:
    """Energies along the reference's IRC, where a run of this folder found the reference."""
    rows = []
    for row in reference.itertuples(index=False):
        source = row.reference_source.split(":")
        if source[0] != "run":
            continue
        frames = ircs.get((row.set, row.reaction, source[1], int(source[2])), [])
        if len(frames) < 3:
            continue
        lengths = arc_length(np.array([atoms.positions for atoms in frames]))
        rows.extend(
            {
                "set": row.set,
                "reaction": row.reaction,
                "method": "reference",
                "seed": 0,
                "s": length / lengths[-1],
                "arc_length_A": length,
                "energy_eV": atoms.get_potential_energy() - energies[row.set, row.reaction],
            }
            for length, atoms in zip(lengths, frames, strict=True)
        )
    return rows
