"""The file system is the registry: `methods/neb.py` *is* the solver `neb`.

A hyphen in a config name is an underscore in the file's name. A file offers one entry
function, whose keyword-only arguments are its options: their names, types and defaults
are checked here against the config before any job starts.

Two kinds of plug-in lie outside this package: a file that the config names by its path,
`solver: ./mine.py`, and a module that an installed package announces, by an entry point of the
group `mepbench.methods` (`mepbench.potentials`, ...) whose name is that in the config.
"""

import ast
import difflib
import hashlib
import importlib
import importlib.util
import inspect
import re
import sys
import sysconfig
import types
import typing
from collections.abc import Iterable
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

from .errors import InputError

PACKAGE = Path(__file__).resolve().parent
ENTRY_FUNCTION = {
    "methods": "solve",
    "potentials": "load",
    "guesses": "interpolate",
    "refiners": "refine",
    "importers": "read",
}
ARGUMENTS = {
    "methods": ("reaction", "oracle", "guess", "seed"),
    "potentials": ("numbers", "charge", "multiplicity"),
    "guesses": ("reaction", "seed"),
    "refiners": ("reaction", "oracle", "peak", "seed"),
    "importers": ("source",),
}

WORD = {
    "methods": "solver",
    "potentials": "potential",
    "guesses": "guess",
    "refiners": "refiner",
    "importers": "format",
}
EXPONENT = r"[+-]?[0-9.]+[eE][+-]?[0-9]+"


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a sentence with the known name closest to `name`, or all of them."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    close = close or [word for word in known if name and (name in word or word in name)]
    if close:
        return f"Did you mean {close[0]!r}?"
    return f"Known: {', '.join(known)}." if known else "There is none."


def available(kind: str) -> list[str]:
    """Names of all that ships and is installed of one kind, as they are written in the config."""
    return sorted({*_shipped(kind), *_installed(kind)})


def _shipped(kind: str) -> list[str]:
    stems = [file.stem for file in (PACKAGE / kind).glob("*.py") if file.stem.isidentifier()]
    return [stem.replace("_", "-") for stem in stems if not stem.startswith("_")]


@cache
def _installed(kind: str) -> dict[str, str]:
    """Modules that installed packages announce, by name; what ships has precedence."""
    return {entry.name: entry.module for entry in entry_points(group=f"mepbench.{kind}")}


def is_outside(name: object) -> bool:
    """Say whether a name is that of a file that does not belong to the package, `./mine.py`."""
    return isinstance(name, str) and name.endswith(".py")


def source_file(kind: str, name: str, where: str = "") -> Path:
    """Return the file that is `name`, or say (and where it stands) which name is nearest."""
    place = f"{where}: " if where else ""
    if is_outside(name):
        if not Path(name).is_file():
            raise InputError(f"{place}there is no file {name} ({WORD[kind]}).")
        return Path(name).resolve()
    if name in _shipped(kind):
        return PACKAGE / kind / f"{name.replace('-', '_')}.py"
    if name in _installed(kind):
        try:
            return Path(importlib.util.find_spec(_installed(kind)[name]).origin)
        except (ImportError, AttributeError, TypeError):
            raise InputError(
                f"{place}{WORD[kind]} {name!r}: the package that announces it has no module "
                f"{_installed(kind)[name]!r}. Install it again."
            ) from None
    hint, misnamed = nearest(str(name), available(kind)), PACKAGE / kind / f"{name}.py"
    if "-" in str(name) and misnamed.is_file():
        hint = f"Rename {misnamed} to {name.replace('-', '_')}.py."
    raise InputError(f"{place}there is no {WORD[kind]} {name!r}. {hint}")


def load(kind: str, name: str) -> typing.Callable:
    """Return the entry function of the file that is `name`."""
    return _entry(kind, name)[0]


def module_of(kind: str, name: str) -> types.ModuleType:
    """Return the module that is `name`, whose entry function has been found in it."""
    load(kind, name)
    return _module(kind, name, source_file(kind, name))


def plugin_files(kind: str, name: str, **options) -> tuple[Path, ...]:
    """Return a plug-in's code, and what it reads beside that: with these changes what it computes.

    What that is, a module says by a function `files(**options)` that returns paths.
    """
    beside = getattr(module_of(kind, name), "files", lambda **given: ())
    return source_file(kind, name), *beside(**options)


def _module(kind: str, name: str, file: Path) -> types.ModuleType:
    if is_outside(name):
        return _module_outside(file)
    inside = PACKAGE in file.parents
    return importlib.import_module(
        f"mepbench.{kind}.{file.stem}" if inside else _installed(kind)[name]
    )


def _module_outside(file: Path) -> types.ModuleType:
    """Import a file by its path; the files beside it are found as if it were a script."""
    name = f"mepbench_outside_{hashlib.sha256(str(file).encode()).hexdigest()[:12]}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, file)
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        sys.path.insert(0, str(file.parent))
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
        finally:
            sys.path.remove(str(file.parent))
    return sys.modules[name]


def _entry(kind: str, name: str) -> tuple[typing.Callable, list[inspect.Parameter]]:
    """Return the entry function of a plug-in and its parameters, annotations evaluated."""
    entry, file = ENTRY_FUNCTION[kind], source_file(kind, name)
    try:
        function = getattr(_module(kind, name, file), entry)
        signature = inspect.signature(function, eval_str=True)
        parameters = list(signature.parameters.values())
        positional = [p for p in parameters if p.kind is not inspect.Parameter.KEYWORD_ONLY]
        signature.replace(parameters=positional).bind(*ARGUMENTS[kind])
    except Exception as error:
        raise InputError(
            f"{file}: {type(error).__name__}: {error}. Every file in {kind}/ must offer a function "
            f"{entry}({', '.join(ARGUMENTS[kind])}), its options keyword-only and optional "
            "packages imported inside it."
        ) from None
    return function, parameters


def options(kind: str, name: str) -> dict[str, inspect.Parameter]:
    """Return the keyword-only parameters of an entry function: its options."""
    parameters = _entry(kind, name)[1]
    return {p.name: p for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}


def check_options(kind: str, name: str, given: dict, where: str) -> None:
    """Check option names and types against the signature of the file that is `name`.

    Raises
    ------
    InputError
        naming `where` the option stands, and the nearest known one.
    """
    known = options(kind, name)
    for key, value in given.items():
        if key not in known:
            raise InputError(
                f"{where}: {WORD[kind]} {name!r} has no option {key!r}. {nearest(str(key), known)}"
            )
        expected = known[key].annotation
        if expected is not inspect.Parameter.empty and not _fits(value, expected):
            wanted = getattr(expected, "__name__", None) or str(expected).replace("typing.", "")
            if typing.get_origin(expected) is typing.Literal:
                wanted = "one of " + ", ".join(map(repr, typing.get_args(expected)))
            hint = ""
            if isinstance(value, str) and re.fullmatch(EXPONENT, value) and _fits(1.0, expected):
                hint = " To YAML this is text: numbers with an exponent are written 1.0e-3."
            raise InputError(f"{where}: option {key!r} must be {wanted}, it is {value!r}.{hint}")
    for key, parameter in known.items():
        if parameter.default is inspect.Parameter.empty and key not in given:
            raise InputError(f"{where}: {WORD[kind]} {name!r} needs the option {key!r}.")


def _fits(value: object, expected: object) -> bool:
    origin, arguments = typing.get_origin(expected), typing.get_args(expected)
    if origin is typing.Literal:
        return value in arguments
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, argument) for argument in arguments)
    if expected in (None, types.NoneType):
        return value is None
    if expected is typing.Any:
        return True
    if expected is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if expected is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if origin in (list, tuple):
        return isinstance(value, (list, tuple)) and all(_fits(v, arguments[0]) for v in value)
    return isinstance(value, origin or expected)


@cache
def imported_files(file: Path) -> tuple[Path, ...]:
    """Return `file` and every file of this package that it imports, directly or not.

    For a plug-in from outside also those beside it. A file that is no Python imports none.
    Importing `mepbench.x` runs `mepbench/__init__.py` as well, so that is among them.
    """
    seen: set[Path] = set()
    waiting = [file, PACKAGE / "__init__.py"]
    while waiting:
        current = waiting.pop()
        if current not in seen:
            seen.add(current)
            if current.suffix == ".py":
                waiting.extend(_imports_of(current))
    return tuple(sorted(seen))


@cache
def code_digest(*files: Path) -> str:
    """Return a hash of the contents of `files` and of all files of this package they import.

    Snakemake does not see changes in an imported package. Rules declare this as a parameter, so
    that a change in one method reruns that method and nothing else. (As inputs these files would
    be nine tenths of what Snakemake looks at, for every job that is ready, each time one ends.)
    """
    digest = hashlib.sha256()
    for file in sorted({found for each in files for found in imported_files(each)}):
        inside = PACKAGE in file.parents
        name = str(file.relative_to(PACKAGE.parent)) if inside else file.name
        digest.update(f"{name}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


@cache
def _imports_of(file: Path) -> list[Path]:
    found, (root, own) = [], _belongs_to(file)
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{a.name}" if node.module else a.name for a in node.names]
            names += [node.module] if node.module else []
            bases = [file.parents[node.level - 1]] if node.level else [PACKAGE.parent, root]
        elif isinstance(node, ast.Import):
            names, bases = [alias.name for alias in node.names], [PACKAGE.parent, root]
        else:
            continue
        for base in bases:
            for candidate in (base.joinpath(*name.split(".")) for name in names):
                for path in (candidate.with_suffix(".py"), candidate / "__init__.py"):
                    if path.is_file() and {PACKAGE, own} & {*path.parents}:
                        found.append(path)
    return found


def _belongs_to(file: Path) -> tuple[Path, Path]:
    """Return the folder that a file is imported from, and the one whose files are its own.

    The latter is its package; for a file that is in none, its folder, if that is no place
    where everything is installed.
    """
    root, package = file.parent, file.parent
    while (root / "__init__.py").is_file():
        root, package = root.parent, root
    installed = {Path(sysconfig.get_path(kind)) for kind in ("purelib", "platlib")}
    return root, file if package in installed else package
