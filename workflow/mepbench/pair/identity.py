"""What a potential is, in one line that is the same in every process.

Evaluations on record answer for one potential only. A named one is its backend and its options. An
ASE calculator is its class, its `parameters`, and what else it holds of numbers with a fraction,
names, arrays and weights, other calculators too; not integers, flags and names of files beside
`parameters`, which count and log. A function that makes one is its code and what that refers to.
"""

import hashlib
import inspect
import os
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from ..errors import one_line
from ..files.checksums import sha256
from ..potentials.ase import is_calculator
from ..registry import is_outside, options, source_file

# How loudly, where and how fast something is computed, in a calculator or in its parameters.
ASIDE = set(
    """results atoms name label prefix directory command txt verbosity verbose logfile nprocs
    threads""".split()
)
DIGITS = 12  # of a hash

_seen: WeakKeyDictionary = WeakKeyDictionary()


def identity(spec, potential) -> str:
    """Return what a potential is, its items separated by semicolons.

    Parameters
    ----------
    spec : `PotentialSpec`, what was asked for; that of a calculator has `calculator` and `atoms`
    potential : what it has loaded; of ASE's calculators, fresh ones say most
    """
    items = [potential.backend]
    if hasattr(spec, "calculator"):
        if not is_calculator(spec.calculator):
            items += _of_function(spec.calculator)
        atoms = {**spec.atoms.info, **spec.atoms.arrays}
        items += _pairs({k: v for k, v in atoms.items() if k not in ("numbers", "positions")})
    else:
        chosen = {name: option.default for name, option in options("potentials", spec.name).items()}
        items += [spec.name, *_pairs(chosen | spec.options)]
        if is_outside(spec.name):
            items.append(f"code={sha256(source_file('potentials', spec.name))[:DIGITS]}")
        module = sys.modules.get(str(spec.options.get("factory", "")).partition(":")[0])
        if file := getattr(module, "__file__", None):
            items.append(f"code={sha256(file)[:DIGITS]}")
    calculator = getattr(potential, "calculator", None)
    if calculator is not None:
        items += _of_calculator(calculator)
    text = one_line("; ".join(item for item in items if item))
    return text.replace('"', "'").replace("\\", "/")


def _of_calculator(calculator: Any) -> list[str]:
    parameters = getattr(calculator, "parameters", None)
    items = _pairs(parameters) if isinstance(parameters, Mapping) else []
    # What it holds beside them is that of its first search: evaluations leave traces in it.
    try:
        held = _seen.get(calculator)
        if held is None:
            held = _seen[calculator] = list(_held(calculator))
    except TypeError:
        held = list(_held(calculator))
    return items + held


def _held(thing: Any, depth: int = 2) -> Iterator[str]:
    for name, value in sorted(vars(thing).items() if hasattr(thing, "__dict__") else ()):
        if name.startswith("_") or name in ASIDE | {"parameters"}:
            continue
        if is_calculator(value):
            inner = [f"{type(value).__module__}.{type(value).__qualname__}", *_of_calculator(value)]
            yield f"{name}=({', '.join(inner)})"
        elif (text := _text(value, exact=False)) is not None:
            yield f"{name}={text}"
        elif depth > 1 and hasattr(value, "__dict__") and not inspect.isroutine(value):
            yield from (f"{name}.{item}" for item in _held(value, depth - 1))


def _of_function(make: Any) -> list[str]:
    if isinstance(make, partial):
        given = [_text(value, exact=True) or "" for value in make.args]
        return [*_of_function(make.func), *given, *_pairs(make.keywords)]
    try:
        refers = inspect.getclosurevars(make)
        known = {**refers.globals, **refers.nonlocals}
    except (TypeError, ValueError):
        known = {}
    try:
        code = inspect.getsource(make).encode()
    except (OSError, TypeError):
        code = getattr(getattr(make, "__code__", None), "co_code", b"")
    referred = {name: _text(value, exact=False) for name, value in known.items()}
    items = [f"{name}={text}" for name, text in sorted(referred.items()) if text is not None]
    return [f"code={_digest(code)}", *items]


def _pairs(mapping: Mapping) -> list[str]:
    texts = {str(k): _text(v, exact=True) for k, v in mapping.items() if k not in ASIDE}
    return [f"{name}={text}" for name, text in sorted(texts.items()) if text is not None]


def _text(value: Any, *, exact: bool) -> str | None:
    """Return a value as text without addresses; None for what says nothing.

    `exact` is for what was given as parameters: integers, flags and paths count, too.
    """
    try:
        return _told(value, exact)
    except Exception:  # whatever a user's object does when it is looked at
        return type(value).__qualname__


def _told(value: Any, exact: bool) -> str | None:
    if isinstance(value, float | np.floating):
        return repr(float(value))
    if isinstance(value, str | Path):
        return str(value) if exact or os.sep not in str(value) else None
    if value is None or isinstance(value, bool | int | np.integer | np.bool_):
        return str(value) if exact else None
    if isinstance(value, Mapping | list | tuple):
        found = value.items() if isinstance(value, Mapping) else enumerate(value)
        texts = {str(k): _text(v, exact=exact) for k, v in found}
        inner = [f"{name}:{text}" for name, text in texts.items() if text is not None]
        return "{" + ", ".join(inner) + "}" if inner else None
    if callable(getattr(value, "state_dict", None)):  # a network
        return _text(dict(value.state_dict()), exact=False)
    if hasattr(value, "detach"):  # a tensor
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray) and value.dtype != object:
        return f"{value.shape}:{_digest(np.ascontiguousarray(value).tobytes())}".replace(" ", "")
    return type(value).__qualname__ if exact else None


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:DIGITS]
