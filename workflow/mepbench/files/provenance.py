"""Where a result comes from: code, versions, machine, configuration and inputs."""

import json
import os
import platform
import subprocess
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .. import __version__
from .checksums import sha256

PACKAGES = (
    "ase cyipopt geodesic-interpolate jax jaxlib numpy pandas pydmf rdkit scipy seaborn sella "
    "snakemake tblite torch xtb"
).split()


def provenance(root: str | Path, config: dict, sets: dict[str, str], inputs: Iterable[str]) -> dict:
    """Return the manifest of a run.

    Parameters
    ----------
    root : of the repository whose commit it is
    config : the configuration
    sets : what each set's name stands for
    inputs : files whose SHA-256 is recorded: the sets' files and the endpoints
    """
    return {
        "mepbench": __version__,
        "commit": _git(root, "rev-parse", "HEAD"),
        "uncommitted_changes": bool(_git(root, "status", "--porcelain", "--untracked-files=no")),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "host": platform.node(),
        "system": platform.platform(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "threads_per_job": int(os.environ["OMP_NUM_THREADS"]),
        "config": config,
        "sets": sets,
        "inputs": {str(file): sha256(file) for file in sorted(set(inputs))},
    }


def write_provenance(path: str, manifest: dict) -> None:
    """Write a manifest as JSON."""
    text = json.dumps(manifest, indent=2, default=str)
    Path(path).write_text(text + "\n", encoding="utf-8")


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
