"""Where a result comes from: code, versions, machine, configuration and inputs."""

import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .. import __version__
from ..config import ROOT

PACKAGES = (
    "ase cyipopt geodesic-interpolate jax jaxlib numpy pandas pydmf rdkit scipy seaborn sella "
    "snakemake tblite torch xtb"
).split()


def provenance(config: dict, sets: dict[str, str], inputs: Iterable[str]) -> dict:
    """Return the manifest of a run.

    Parameters
    ----------
    config : the configuration
    sets : what each set's name stands for
    inputs : files whose SHA-256 is recorded: the sets' files and the endpoints
    """
    return {
        "mepbench": __version__,
        "commit": _git("rev-parse", "HEAD"),
        "uncommitted_changes": bool(_git("status", "--porcelain", "--untracked-files=no")),
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


def sha256(file: str | Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with open(file, "rb") as source:
        for block in iter(lambda: source.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, timeout=10
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
