"""The configuration: validated, completed, and turned into plain objects.

The schema (`workflow/schemas/config.schema.yaml`) gives the shape; here every name is
checked against the files that are there, and every option against its function's
signature, so that a misspelling is one clear error before any job starts. The shipped
`config.yaml` is the only place of defaults.
"""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import yaml

from .errors import InputError, refuse
from .files.checksums import released
from .files.shipped import ROOT, WORKFLOW
from .oracle import PotentialSpec
from .reaction import (
    ROLES,
    SAFE_NAME,
    locate_set,
    reaction_names,
    reference_file,
    verify_references,
)
from .registry import (
    PACKAGE,
    check_options,
    code_digest,
    is_outside,
    module_of,
    nearest,
    options,
    plugin_files,
    source_file,
)

SHIPPED_CONFIG = ROOT / "config.yaml"
SCHEMA = WORKFLOW / "schemas" / "config.schema.yaml"
PATTERN = set("{}<>")
RESERVED = ("solver", "guess", "refiner", "budget", "seeds")


@dataclass(frozen=True)
class Method:
    """One row of the tables: a solver with its options, guess, refiner, budget and seeds."""

    name: str
    solver: str
    options: dict
    guess: str
    refiner: str
    budget: dict
    seeds: tuple[int, ...]

    @property
    def path_stage(self) -> "Method":
        """This method as far as the path stage depends on it: a new refiner reruns no path."""
        return replace(self, refiner="", budget={"path": self.budget["path"]})


@dataclass(frozen=True)
class Config:
    """A checked configuration.

    `jobs[set]` maps a job's name to its reactions; `references[set]` is the file of shipped
    references, where there is one; `completed` is the configuration as plain values, what was
    left out taken from the shipped one.
    """

    sets: dict[str, str]
    jobs: dict[str, dict[str, tuple[str, ...]]]
    potential: str
    potential_options: dict
    methods: dict[str, Method]
    timeout: float
    results: str
    accept_relaxed: bool
    keep_order: bool
    ways: int
    figures: tuple[str, ...]
    report: bool
    references: dict[str, Path]
    completed: dict

    @property
    def job_count(self) -> int:
        """Number of jobs that compute, without tables and figures; see docs/cluster.md."""
        guesses = {method.guess for method in self.methods.values()}
        # Endpoints and score; solve, judge and mechanism; once for all, the surface.
        each = 2 + len(guesses) + 3 * len(self.methods)
        return each * sum(map(len, self.jobs.values())) + 1


class _OnceLoader(yaml.SafeLoader):
    """Safe, and a key that is given twice, of which YAML keeps the last, is an error."""

    def construct_mapping(self, node, deep=False):
        """Return the mapping; see the class."""
        keys = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        if twice := {str(key) for key in keys if keys.count(key) > 1}:
            raise yaml.YAMLError(f"{', '.join(sorted(twice))} is given twice")
        return super().construct_mapping(node, deep)


def load_config(path: str | Path) -> Config:
    """Read and check a config file.

    Raises
    ------
    InputError
        naming the file, what is wrong, and the nearest known name.
    """
    path = Path(path)
    try:
        given = yaml.load(path.read_text(encoding="utf-8"), Loader=_OnceLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path}: is not valid YAML ({error})") from None
    if not isinstance(given, dict):
        raise InputError(f"{path}: must be a mapping, see the shipped config.yaml.")
    try:
        return check_config(given, path.parent)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def check_config(given: dict, folder: str | Path = ".") -> Config:
    """Complete and check a configuration that lies in `folder`; see `load_config`."""
    merged = _outside_found(_merged(given), Path(folder))
    potential, methods = _potential_and_methods(merged)
    return Config(
        sets=dict(merged["sets"]),
        jobs=_jobs(merged["sets"], merged["select"], merged["reactions_per_job"]),
        potential=potential[0],
        potential_options=potential[1],
        methods=methods,
        timeout=float(merged["timeout"]),
        results=str(merged["results"]).rstrip("/"),
        accept_relaxed=merged["accept_relaxed"],
        keep_order=merged["keep_order"],
        ways=merged["ways"],
        figures=_figures(merged["figures"]),
        report=merged["report"],
        references=_references(merged["sets"], *potential),
        completed=merged,
    )


def check_method(
    name: str, entry: dict, potential: dict | None = None
) -> tuple[Method, tuple[str, dict]]:
    """Complete and check one method, and a potential, without any set.

    Parameters
    ----------
    name, entry : of the method, as under `methods:`
    potential : as under `potential:`; the shipped one if None

    Returns
    -------
    method : with the shipped defaults
    potential : its name and its options
    """
    given = {"methods": {name: entry}} | ({} if potential is None else {"potential": potential})
    potential, methods = _potential_and_methods(_merged(given))
    return methods[name], potential


def solver_files(method: Method) -> list[Path]:
    """Return the files of a method's solver, of its prior, and of what `varied` and `retry` run."""
    solvers = [method.solver]
    if method.solver == "varied":
        default = options("methods", "varied")["of"].default
        solvers.append(method.options.get("of", default))
    files = [source_file("methods", solver) for solver in solvers]
    if "retry" in solvers:
        files.append(source_file("refiners", "sella"))
    if method.options.get("prior") is not None:
        files += PotentialSpec.read(method.options["prior"]).files
    return files


def code_of(completed: dict) -> dict:
    """Return whose code a run is, for its provenance.

    Parameters
    ----------
    completed : configuration as `Config.completed`

    Returns
    -------
    dict: `package`, a hash of all files of this package, be they committed or not; and by kind and
    name each plug-in that is used: its `file`, and `code`, a hash of that and of all it imports. A
    change in any of these is a change in the hash that Snakemake's rules see.
    """
    (potential, _), methods = _potential_and_methods(completed)

    def about(*files: Path) -> dict[str, str]:
        inside = PACKAGE in files[0].parents
        name = files[0].relative_to(PACKAGE).as_posix() if inside else files[0].name
        return {"file": name, "code": code_digest(*files)}

    def named(kind: str, names: Iterable[str]) -> dict[str, dict]:
        return {name: about(*plugin_files(kind, name)) for name in sorted(set(names))}

    return {
        "package": code_digest(*sorted(PACKAGE.rglob("*.py"))),
        "potentials": named("potentials", [potential]),
        "methods": {name: about(*solver_files(method)) for name, method in methods.items()},
        "guesses": named("guesses", (method.guess for method in methods.values())),
        "refiners": named("refiners", (method.refiner for method in methods.values())),
    }


def potential_remark(name: str) -> str:
    """Return what a user should know of a potential on this machine before a run, or ''."""
    return getattr(module_of("potentials", name), "remark", lambda: "")()


def _merged(given: dict) -> dict:
    _check_shape(given)
    return {**_shipped(), **given}


def _potential_and_methods(merged: dict) -> tuple[tuple[str, dict], dict[str, Method]]:
    budget = {**_shipped()["budget"], **merged["budget"]}
    for name in merged["methods"]:
        if not SAFE_NAME.fullmatch(str(name)):
            raise InputError(
                f"method {name!r}: a method's name may only have letters, digits, '_' and '-', and "
                "must start with a letter or digit, because it becomes a folder."
            )
    for kind, key in (("guesses", "guess"), ("refiners", "refiner")):
        _check_plug_in(kind, merged[key], key)
    potential = PotentialSpec.read(merged["potential"])

    methods = {}
    for name, entry in merged["methods"].items():
        where = f"methods: {name}"
        source_file("methods", entry["solver"], where)
        chosen = {key: value for key, value in entry.items() if key not in RESERVED}
        _check_method_options(entry["solver"], chosen, where)
        if merged["ways"] == 0 and "mechanism" in options("methods", entry["solver"]):
            chosen = {"mechanism": False, **chosen}  # what it would be for is not done
        method = Method(
            name=name,
            solver=entry["solver"],
            options=chosen,
            guess=entry.get("guess", merged["guess"]),
            refiner=entry.get("refiner", merged["refiner"]),
            budget={**budget, **entry.get("budget", {})},
            seeds=tuple(entry.get("seeds", merged["seeds"])),
        )
        _check_plug_in("guesses", method.guess, where)
        _check_plug_in("refiners", method.refiner, where)
        methods[name] = method

    return (potential.name, potential.options), methods


def _check_plug_in(kind: str, name: str, where: str) -> None:
    source_file(kind, name, where)
    if is_outside(name):  # those that ship are tested
        options(kind, name)
    if kind == "guesses":  # one that reads files has these to check
        getattr(module_of(kind, name), "check", lambda: None)()


def _check_method_options(solver: str, given: dict, where: str) -> None:
    for option in options("methods", solver):
        if option in RESERVED:
            raise InputError(
                f"{where}: {source_file('methods', solver)}: no option may be called {option!r}: "
                f"{', '.join(RESERVED)} are keys of every method. Rename it."
            )
    check_options("methods", solver, given, where)
    # A method that runs another one has more to check: such a file offers `check(given, where)`.
    getattr(module_of("methods", solver), "check", lambda given, where: None)(given, where)


def _outside_found(given: dict, folder: Path) -> dict:
    """Return the configuration with plug-ins from outside as seen from where the run starts.

    In the file they are relative to the file's own folder.
    """

    def found(entry: dict, *keys: str) -> dict:
        paths = {key: entry[key] for key in keys if is_outside(entry.get(key))}
        return {**entry, **{key: os.path.relpath(folder / path) for key, path in paths.items()}}

    def found_in(method: dict) -> dict:
        method, prior = found(method, "solver", "guess", "refiner", "prior"), method.get("prior")
        return {**method, "prior": found(prior, "name")} if isinstance(prior, dict) else method

    methods = {name: found_in(entry) for name, entry in given["methods"].items()}
    return {
        **found(given, "guess", "refiner"),
        "potential": found(given["potential"], "name"),
        "methods": methods,
        "figures": [os.path.relpath(folder / file) for file in given["figures"]],
    }


@cache
def _shipped() -> dict:
    return yaml.safe_load(SHIPPED_CONFIG.read_text(encoding="utf-8"))


def _check_shape(given: dict) -> None:
    import jsonschema

    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    known = schema["properties"]
    refuse(
        [f"unknown key {key!r}. {nearest(str(key), known)}" for key in given if key not in known]
    )
    validator = jsonschema.Draft202012Validator(schema)
    wrong = sorted(validator.iter_errors(given), key=lambda e: [str(p) for p in e.path])
    places = [": ".join(map(str, error.path)) or "top level" for error in wrong]
    refuse([f"{place}: {error.message}" for place, error in zip(places, wrong, strict=True)])


def _figures(files: list[str]) -> tuple[str, ...]:
    for file in files:
        path = Path(file)
        if not path.is_file():
            raise InputError(f"figures: there is no file {file}.")
        if not SAFE_NAME.fullmatch(path.stem) or path.suffix != ".py":
            raise InputError(f"figures: {file}: a figure is a file of Python, NAME.py.")
        if (WORKFLOW / "figures" / path.name).is_file():
            raise InputError(f"figures: {file}: there is a figure {path.stem} already. Rename it.")
    return tuple(files)


def _jobs(
    sets: dict, select: list | dict | None, per_job: int
) -> dict[str, dict[str, tuple[str, ...]]]:
    there, mistakes = {}, []
    for name, spec in sets.items():
        try:
            there[name] = reaction_names(name, spec)
        except InputError as error:
            mistakes.append(str(error))
    refuse(mistakes)
    refuse(_not_there(select, there))
    jobs = {}
    for name, names in there.items():
        wanted = selected(select, name)
        jobs[name] = chunked([n for n in names if wanted is None or n in wanted], per_job)
    return jobs


def selected(select: list | dict | None, name: str) -> set[str] | None:
    """Return the reactions of a set that `select` of a configuration asks for; None: all."""
    names = select.get(name) if isinstance(select, dict) else select
    return None if names is None else {str(item) for item in names}


def _not_there(select: list | dict | None, there: dict[str, list[str]]) -> list[str]:
    """Return a line for each name in `select` that no set, or not its own, has."""
    if not isinstance(select, dict):
        everything = [name for names in there.values() for name in names]
        return [
            f"select: no set has a reaction {item!r}. {nearest(str(item), everything)}"
            for item in select or []
            if str(item) not in everything
        ]
    wrong = [
        f"select: no set is called {name!r}. {nearest(str(name), there)}"
        for name in select
        if name not in there
    ]
    return wrong + [
        f"select: {name} has no reaction {item!r}. {nearest(str(item), names)}"
        for name, names in there.items()
        for item in select.get(name, [])
        if str(item) not in names
    ]


def chunked(names: list[str], per_job: int) -> dict[str, tuple[str, ...]]:
    """Return the reactions of each job, by the job's name."""
    chunks = [tuple(names[i : i + per_job]) for i in range(0, len(names), per_job)]
    width = max(3, len(str(len(chunks))))
    return {f"{i:0{width}d}": chunk for i, chunk in enumerate(chunks)}


def set_files(name: str, spec: str, reactions: tuple[str, ...]) -> tuple[list[str], str]:
    """Return the input files of some reactions of a set, and a hash of what is not among them.

    These are files whose names Snakemake would take for patterns, `{x}` and `<x>`.
    """
    path, files = locate_set(name, spec), []
    if path.is_dir():
        files = [path / reaction / f"{role}.xyz" for reaction in reactions for role in ROLES]
    files = [file for file in files or [path] if file.exists()]
    others = [file for file in files if PATTERN & set(str(file))]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in others)).hexdigest()[:16]
    return [str(file) for file in files if file not in others], digest if others else ""


def _references(sets: dict[str, str], potential: str, given: dict) -> dict[str, Path]:
    """Return the shipped references there are for this potential, by set, verified."""
    level = PotentialSpec(potential, given).level
    files = {name: reference_file(spec, level) for name, spec in sets.items()}
    found = {name: file for name, file in files.items() if file is not None and released(file)}
    for file in set(found.values()):
        verify_references(file)
    return found
