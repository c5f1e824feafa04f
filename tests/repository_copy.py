"""A copy of the repository, in which tests may add and break methods and run Snakemake."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]


class Copy:
    """A copy of the repository in which Snakemake runs."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True)
        for name in ("Snakefile", "config.yaml", "workflow"):
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(source, folder / name)

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(self.folder / "workflow")}

    def configure(self, config: dict, file: str = "test.yaml") -> None:
        (self.folder / file).write_text(yaml.safe_dump(config), encoding="utf-8")

    def start(self, *command: str, environment: dict | None = None) -> subprocess.Popen:
        """Start a command here; what it prints, errors included, is its stdout."""
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env={**self.environment, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def command(self, *arguments: str, config: str = "test.yaml") -> list[str]:
        """Return the command that runs the workflow on the config, on two cores by default."""
        where = [] if {"--profile", "--cores"} & {*arguments} else ["--cores", "2"]
        snakemake = [sys.executable, "-m", "snakemake", *where, "--configfile", config]
        return [*snakemake, "--replace-workflow-config", *arguments]

    def snakemake(self, config: dict, *arguments: str, check: bool = True):
        """Run Snakemake on a config; return what it printed."""
        self.configure(config)
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        printed = done.stdout + done.stderr
        assert not check or done.returncode == 0, printed[-5000:]
        return printed

    def planned(self, config: dict) -> dict[str, int]:
        """Return how many jobs of each rule Snakemake would run now."""
        printed = self.snakemake(config, "--dry-run", "--quiet", "rules")
        return {rule: int(n) for rule, n in re.findall(r"^(\w+) +(\d+)$", printed, re.MULTILINE)}
