"""Transition1x: an HDF5 file of reactions, read reaction by reaction.

`data/FORMULA/RXN/{reactant, product, transition_state}/{positions, atomic_numbers}`, positions of
shape (1, N, 3) or (N, 3) in angstrom; `train`, `val` and `test` are links to the reactions of that
part. (Schreiner, Bhowmik, Vegge, Busk, Winther, Sci. Data 9, 779 (2022),
doi:10.1038/s41597-022-01870-w.) Nothing else is read, above all not the positions and forces of
the NEB images, which fill the file. A reaction is named `FORMULA_RXN`, since HDF5 makes that
unique.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np

from ..errors import BadEndpoints, InputError, one_line
from ..files.xyz_text import MOST_ATOMS
from ._found import Found, Geometries, Rejected

STATED = {"charge": 0, "multiplicity": 1}
CACHE = 1 << 20  # bytes
PARTS = ("train", "val", "test")
GROUPS = {"reactant": "reactant", "product": "product", "ts": "transition_state"}


def read(
    source: Path, *, part: Literal["data", "train", "val", "test"] = "data"
) -> Iterator[Found | Rejected]:
    """Yield the reactions of one part of the file; `data` is all of it."""
    import h5py

    if source.is_dir():
        raise InputError(f"{source}: is a folder; transition1x reads one HDF5 file.")
    try:
        file = h5py.File(source, "r")
    except OSError as error:
        cut = "truncated" in str(error)
        raise InputError(
            f"{source}: {'is cut short: copy or download it again' if cut else 'is no HDF5 file'} "
            f"({source.stat().st_size} bytes; {one_line(error)[:200]})."
        ) from None
    with file:
        _bound_cache(file)
        try:
            parts = [part] if part in file else [p for p in PARTS if part == "data" and p in file]
            formulas = [(top, formula) for top in parts for formula in _names(file, top)]
            content = ", ".join(map(repr, list(file)[:5])) or "nothing"
        except Exception as error:  # HDF5 raises many kinds on damaged metadata
            raise InputError(
                f"{source}: is damaged: copy or download it again ({one_line(error)[:200]})."
            ) from None
        if not parts:
            raise InputError(
                f"{source}: has no group {part!r}, so it is no file like Transition1x (it has "
                f"{content})."
            )
        for top, formula in formulas:
            yield from _reactions(file, f"{top}/{formula}", formula)


def _bound_cache(file) -> None:
    """Keep HDF5's cache of metadata small: the usual 32 MiB take eight times that in memory."""
    config = file.id.get_mdc_config()
    config.set_initial_size = True
    config.initial_size = config.min_size = config.max_size = CACHE
    file.id.set_mdc_config(config)


def _reactions(file, group: str, formula: str) -> Iterator[Found | Rejected]:
    try:
        names = _names(file, group)
    except Exception as error:  # likewise
        yield Rejected(formula, group, f"the group is damaged ({one_line(error)[:200]})")
        return
    for name in names:
        where = f"{group}/{name}"
        yield Found(f"{formula}_{name}", where, lambda where=where: _load(file, where))


def _names(file, path: str) -> list[str]:
    return list(_inside(file, path))


def _inside(file, path: str):
    """Return what stands at `path`; a link into another file is not followed."""
    import h5py

    at = file
    for step in path.split("/"):
        if isinstance(at.get(step, getlink=True), h5py.ExternalLink):
            raise BadEndpoints(f"{step!r} is a link into another file, which is not followed")
        at = at[step]
    return at


def _load(file, where: str) -> Geometries:
    numbers, positions = {}, {}
    try:
        group = _inside(file, where)
        for role, name in GROUPS.items():
            if name not in group:
                if role == "ts":
                    continue
                raise BadEndpoints(f"has no group {name!r}")
            end = group[name]
            elements = end if "atomic_numbers" in end else group
            z = _dataset(elements, "atomic_numbers", MOST_ATOMS)
            x = _dataset(end, "positions", 3 * MOST_ATOMS)
            numbers[role] = np.asarray(z, dtype=int).reshape(-1)
            if x.shape not in ((1, len(numbers[role]), 3), (len(numbers[role]), 3)):
                raise BadEndpoints(
                    f"{name}/positions has the shape {x.shape} for {len(numbers[role])} atoms"
                )
            positions[role] = np.asarray(x, dtype=float).reshape(-1, 3)
    except BadEndpoints:
        raise
    except Exception as error:  # HDF5 raises many kinds on damaged data
        raise BadEndpoints(f"is damaged in the file ({type(error).__name__}: {error})") from None
    return Geometries(numbers, positions)


def _dataset(group, name: str, most: int) -> np.ndarray:
    if name not in group:
        raise BadEndpoints(f"has no {name!r}")
    dataset = group[name]
    if dataset.external is not None:
        raise BadEndpoints(f"{name!r} is stored in another file, which is not read")
    if dataset.size is None or dataset.size > most:
        raise BadEndpoints(f"{name!r} is no single geometry (shape {dataset.shape})")
    return dataset[()]
