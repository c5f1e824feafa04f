"""Fixtures shared by all tests, and the rule that CI skips nothing unseen."""

import os
from pathlib import Path

import pytest

# Before NumPy is: it sets one thread, and more make small xTB jobs many times slower.
import mepbench  # noqa: F401

pytest_plugins = ["browser"]

ROOT = Path(__file__).resolve().parents[1]
ALLOWED_SKIPS = Path(__file__).with_name("allowed_skips.txt")


@pytest.fixture(scope="session")
def development_reactions() -> Path:
    """Folder of reaction sets that are not part of the project; skips where it is absent."""
    folder = Path(os.environ.get("MEPBENCH_REACTIONS", ROOT / ".." / "shared" / "reactions"))
    if not folder.is_dir():
        pytest.skip("development reactions absent: set MEPBENCH_REACTIONS to their folder")
    return folder.resolve()


@pytest.fixture(scope="session")
def cases() -> Path:
    """Folder of cases that went wrong once, which is no part of the project; skips without it."""
    folder = Path(os.environ.get("MEPBENCH_CASES", ROOT / ".." / "shared" / "cases"))
    if not folder.is_dir():
        pytest.skip("cases absent: set MEPBENCH_CASES to their folder")
    return folder.resolve()


def pytest_collection_modifyitems(items):
    """Fork workers before a test has started JAX's threads, as the jobs of a run do."""
    items.sort(key=lambda item: item.path.name != "test_worker.py")


def _unseen_skips(terminalreporter) -> list[str]:
    lines = ALLOWED_SKIPS.read_text(encoding="utf-8").splitlines()
    allowed = tuple(line for line in lines if line and not line.startswith("#"))
    unseen = []
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not reason.removeprefix("Skipped: ").startswith(allowed):
            unseen.append(f"{report.nodeid}: {reason}")
    return unseen


@pytest.hookimpl(tryfirst=True)
def pytest_terminal_summary(terminalreporter):
    """Name the skips that are not on the allow-list."""
    for line in _unseen_skips(terminalreporter):
        terminalreporter.write_line(f"skip not in {ALLOWED_SKIPS.name}: {line}", red=True)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session, exitstatus):
    """Fail a CI run that skipped a test for a reason that is not on the allow-list."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    worker = hasattr(session.config, "workerinput")
    if os.environ.get("CI") and not worker and reporter and _unseen_skips(reporter):
        session.exitstatus = 1
