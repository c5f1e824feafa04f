"""How a job of the workflow runs: its stages, isolation, journal, log and lock."""
