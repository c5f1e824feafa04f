"""The report's scripts, by Node's own test runner."""

import shutil
import subprocess

import pytest
from conftest import ROOT

SCRIPTS = sorted((ROOT / "workflow" / "report").glob("*.js"))
TESTS = sorted((ROOT / "tests" / "scripts").glob("*.test.js"))


@pytest.fixture(scope="module")
def node() -> str:
    found = shutil.which("node")
    if found is None:
        pytest.skip("Node is not installed")
    return found


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.name)
def test_scripts_do_what_their_tests_say(file, node):
    ran = subprocess.run([node, "--test", file], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stdout


def test_there_are_scripts_and_tests():
    assert len(SCRIPTS) >= 5
    assert len(TESTS) >= 3


def test_no_script_makes_markup_of_text_or_asks_for_anything():
    for file in SCRIPTS:
        text = file.read_text(encoding="utf-8")
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(",
                     "fetch(", "XMLHttpRequest", "http://", "https://", "import "):  # fmt: skip
            assert word not in text, f"{file.name}: {word}"
