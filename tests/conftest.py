"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def development_reactions() -> Path:
    """Folder of reaction sets that are not part of the project; skips where it is absent."""
    folder = Path(os.environ.get("MEPBENCH_REACTIONS", ROOT / ".." / "shared" / "reactions"))
    if not folder.is_dir():
        pytest.skip("development reactions absent: set MEPBENCH_REACTIONS to their folder")
    return folder.resolve()
