"""From the rows of many jobs to the tables of a run, in two steps.

`score_job` scores a few reactions, all methods together: a reference belongs to one reaction,
so no job needs another. `collect` then writes what all jobs have left one after the other, so
its memory doesn't grow with the run.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from ase import Atoms

from ..files.columns import CHAIN_COLUMNS
from ..files.frames import frame, iterate_frames, read_frames, write_frames
from ..files.provenance import provenance, write_provenance
from ..files.tidy import PROFILE_COLUMNS, concatenate, concatenate_rows, read_rows, write_rows
from ..path import arc_length
from ..reaction import irc_file, read_endpoints
from .explained import with_lowest, with_mechanisms
from .reference import frames_of, shipped_for


def score_job(inputs, outputs, shipped: str | None, potential) -> None:
    """Score one job's reactions: find their references, and each run's errors against them.

    Parameters
    ----------
    inputs : `endpoints`, a file; and a file of each method, `runs`, `saddles`, `irc`,
        `mechanisms`
    outputs : `runs`, a file of each method; `reference`, `reference_frames`, `reference_irc`
        and `reference_profiles`, files
    shipped : the set's file of references, where it has one
    potential : `PotentialSpec`, for its invariances
    """
    import pandas as pd

    from .score import read_runs, score, write_runs

    reactions = read_endpoints(inputs.endpoints)
    known, other_ends = shipped_for(shipped, reactions)
    tables = [read_runs(file) for file in inputs.runs]
    scored = score(
        pd.concat(tables, ignore_index=True),
        (atoms for file in inputs.saddles for atoms in iterate_frames(file)),
        reactions,
        known,
        other_ends=other_ends,
        invariances=potential.of(reactions[0]).invariances if reactions else (),
    )
    found = (row for file in inputs.mechanisms for row in read_rows(file))
    runs = with_mechanisms(scored.runs, found)
    ends = np.cumsum([len(table) for table in tables])
    for table, end, file in zip(tables, ends, outputs.runs, strict=True):
        write_runs(file, runs.iloc[end - len(table) : end])
    write_runs(outputs.reference, scored.reference)
    write_frames(outputs.reference_frames, scored.reference_frames)
    write_frames(outputs.reference_irc, _reference_ircs(scored.reference, inputs.irc, shipped))
    ircs = read_frames(outputs.reference_irc)  # in memory, text is quoted for the file
    energies = {(r.set, r.name): r.energies[0] for r in reactions}
    profiles = _reference_profiles(ircs, energies)
    write_rows(outputs.reference_profiles, PROFILE_COLUMNS, profiles)


def collect(
    inputs, outputs, root: str | Path, config: dict, sets: dict[str, str], code: dict
) -> None:
    """Write `runs.csv` and all that stands beside it.

    Parameters
    ----------
    inputs : lists of files: `runs` and `reference` as scored, `reference_frames`,
        `reference_irc`, `reference_profiles`, `traces`, `profiles`, `saddles`, `endpoints`,
        `endpoint_rows`, `steps`, `step_frames`, `ways`, `shipped`
    outputs : files: `runs`, `traces`, `profiles`, `saddles`, `chains`, `chain_frames`,
        `ways`, `reference`, `reference_frames`, `reference_irc`, `provenance`
    root : of the repository, for the provenance
    config : as completed from the shipped one, for the provenance
    sets : spec of each set
    code : whose code it was, as `config.code_of` says
    """
    concatenate_rows(inputs.traces, outputs.traces)
    concatenate_rows([*inputs.profiles, *inputs.reference_profiles], outputs.profiles)
    concatenate_rows(inputs.reference, outputs.reference)
    concatenate_rows(inputs.ways, outputs.ways)
    for kind in ("saddles", "reference_frames", "reference_irc"):
        concatenate(getattr(inputs, kind), getattr(outputs, kind))
    concatenate(inputs.step_frames, outputs.chain_frames)
    steps = (row for file in inputs.steps for row in read_rows(file))
    write_rows(outputs.chains, CHAIN_COLUMNS, with_lowest(steps))
    concatenate_rows(inputs.runs, outputs.runs)

    files = [*inputs.endpoints, *inputs.endpoint_rows, *inputs.shipped]
    manifest = provenance(root, config, sets, files, code)
    write_provenance(outputs.provenance, manifest)


def _reference_ircs(reference, ircs: Iterable[str], shipped: str | None) -> list[Atoms]:
    """Return the IRC of each reference that has one: this run's, or the shipped one."""
    found: dict[tuple, list[Atoms]] = {}
    for file in ircs:
        for atoms in iterate_frames(file):
            key = *(atoms.info[k] for k in ("reaction", "method")), int(atoms.info["seed"])
            found.setdefault(key, []).append(atoms)
    if shipped is not None:
        names = set(reference.reaction)
        for atoms in frames_of(irc_file(Path(shipped)), names):
            found.setdefault((atoms.info["reaction"], "shipped"), []).append(atoms)
    frames = []
    for row in reference.itertuples(index=False):
        kind, *run = row.reference_source.split(":")
        key = (row.reaction, *((run[0], int(run[1])) if run else (kind,)))
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
