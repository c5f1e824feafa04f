"""Where a result comes from: code, versions, machine, configuration and inputs."""

import json
import os
import platform
import subprocess
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .. import __version__
from ..errors import InputError
from .checksums import sha256

PACKAGES = (
    "ase ase-gpatom cyipopt jax jaxlib mlfsm numpy pandas pydmf pysisyphus rdkit scipy seaborn "
    "sella snakemake tblite torch xtb"
).split()


OURS = ("Snakefile", "config.yaml", "workflow")  # what of a repository makes a result


def provenance(
    root: str | Path, config: dict, sets: dict[str, str], inputs: Iterable[str], code: dict
) -> dict:
    """Return the manifest of a run.

    Parameters
    ----------
    root : where Snakefile and workflow are: the top of a repository, or of what a wheel installed
    config : the configuration
    sets : what each set's name stands for
    inputs : files whose SHA-256 is recorded: endpoints, and references that ship
    code : hashes of the package and of the plug-ins used, as `config.code_of` says
    """
    commit, uncommitted = _commit(Path(root))
    return {
        "mepbench": __version__,
        "commit": commit,
        "uncommitted_changes": uncommitted,
        "code": code,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "host": platform.node(),
        "system": platform.platform(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "threads_per_job": int(os.environ["OMP_NUM_THREADS"]),
        "config": config,
        "sets": sets,
        "inputs": {_named(file, root): sha256(file) for file in sorted(set(inputs))},
    }


def write_provenance(path: str, manifest: dict) -> None:
    """Write a manifest as JSON."""
    text = json.dumps(manifest, indent=2, default=str)
    Path(path).write_text(text + "\n", encoding="utf-8")


def read_manifest(results: Path) -> dict:
    """Return what a finished run says of itself, as `write_provenance` left it.

    Raises
    ------
    InputError
        where the folder has none.
    """
    try:
        manifest = json.loads((results / "provenance.json").read_text(encoding="utf-8"))
        manifest["sets"]
    except (OSError, KeyError, ValueError):
        raise InputError(f"{results}: no provenance.json, so no finished run here.") from None
    return manifest


NO_RESULT = ("host", "system", "cores", "config.results")  # a result is none of these


def differences(old: dict, new: dict) -> list[tuple[str, str, str]]:
    """Return what two manifests say differently: its name, and both values as text.

    Of inputs those that have one name in both; code that was not recorded is no difference.
    """
    before, after = _flat(old), _flat(new)
    return [
        (name, before.get(name, "nothing"), after.get(name, "nothing"))
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name)
        and not name.startswith(NO_RESULT)
        and ((name in before and name in after) or not name.startswith(("inputs.", "code.")))
    ]


def _flat(manifest: object, name: str = "") -> dict[str, str]:
    """Return the values of nested dictionaries by their names joined with dots."""
    if not isinstance(manifest, dict):
        return {name: manifest if isinstance(manifest, str) else json.dumps(manifest)}
    found: dict[str, str] = {}
    for key, value in manifest.items():
        found |= _flat(value, f"{name}.{key}" if name else str(key))
    return found


def _commit(root: Path) -> tuple[str | None, list[str] | None]:
    """Return the commit, and the files that are not as they are in it, untracked ones included.

    Both are None where `root` is no repository's top: a wheel in somebody else's repository, say,
    is no part of that.
    """
    top = _git(root, "rev-parse", "--show-toplevel")
    if top is None or Path(top).resolve() != root.resolve():
        return None, None
    changed = _git(root, "status", "--porcelain", "--untracked-files=all", "--", *OURS)
    lines = None if changed is None else [line.strip() for line in changed.splitlines()]
    return _git(root, "rev-parse", "HEAD"), lines


def _named(file: str | Path, root: str | Path) -> str:
    """Return a file's name without what is the machine's: from here or `root`, or its end."""
    path = Path(file)
    if not path.is_absolute():
        return str(file)
    for base in (Path.cwd(), Path(root)):
        if path.is_relative_to(base):
            return path.relative_to(base).as_posix()
    return Path(*path.parts[-3:]).as_posix()


def _git(root: str | Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor()
