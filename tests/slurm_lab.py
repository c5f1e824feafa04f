"""A throw-away SLURM on this host, for tests and benchmarks (tests/slurm/lab.sh)."""

import os
import re
import subprocess
from pathlib import Path

LAB = Path(__file__).with_name("slurm") / "lab.sh"
PROFILE = "workflow/profiles/slurm"


class Slurm:
    """A running lab; its environment is set for this process."""

    def __init__(self, folder: Path):
        self.environment = {**os.environ, "SLURMLAB_DIR": str(folder)}
        self.environment["SLURM_CONF"] = str(folder / "etc" / "slurm.conf")
        self.environment["PATH"] = f"{folder / 'bin'}:{os.environ['PATH']}"
        self.folder = folder

    @property
    def client(self) -> dict[str, str]:
        """What a program needs to find this lab."""
        return {name: self.environment[name] for name in ("PATH", "SLURM_CONF")}

    def lab(self, *arguments: str) -> None:
        done = subprocess.run(
            [str(LAB), *arguments], env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def ask(self, *command: str) -> str:
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=True
        ).stdout

    def jobs(self) -> list[dict[str, str]]:
        """What `scontrol` knows of every job, ended ones included."""
        printed = self.ask("scontrol", "show", "job", "--oneliner")
        lines = [line for line in printed.splitlines() if line.startswith("JobId=")]
        return [dict(re.findall(r"(\S+?)=(\S*)", line)) for line in lines]

    def job_of(self, rule: str) -> str:
        """The id of a running job of a rule, by its comment or its log's path."""
        for job in self.jobs():
            if job["JobState"] == "RUNNING" and f"rule_{rule}" in job.get("Comment", "") + job.get(
                "StdOut", ""
            ):
                return job["JobId"]
        raise AssertionError(f"no job of rule {rule} runs: {self.jobs()}")
