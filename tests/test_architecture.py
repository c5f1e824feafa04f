"""The house: no circle between modules, and no room imports from one further down its list."""

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from mepbench.registry import PACKAGE

LIST = Path(__file__).parents[1] / "docs" / "architecture.md"
MODULES = {
    ".".join(file.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): file
    for file in PACKAGE.rglob("*.py")
    if file != PACKAGE / "__init__.py"
}
MOST_IN_ROOT = 10


def imports(module: str) -> set[str]:
    """Modules of the package that a module imports, also inside functions."""
    file, found = MODULES[module], set()
    folder = file.relative_to(PACKAGE).parent.parts
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom):
            continue
        if node.level:
            base = folder[: len(folder) - node.level + 1]
        elif (node.module or "").split(".")[0] == PACKAGE.name:
            base = ()
        else:
            continue
        parts = (node.module or "").split(".") if node.module else []
        whole = ".".join([*base, *(parts if node.level else parts[1:])])
        for name in (alias.name for alias in node.names):
            inner = f"{whole}.{name}" if whole else name
            found |= {known for known in (inner, whole) if known in MODULES and known != module}
    return found


GRAPH = {module: imports(module) for module in MODULES}


def room(module: str) -> str:
    return module.split(".")[0]


@pytest.fixture(scope="module")
def order() -> dict[str, int]:
    rows = re.findall(r"^\| `(\w+)` \|", LIST.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(set(rows)) == len(rows)
    return {name: at for at, name in enumerate(rows)}


def test_the_graph_sees_imports_of_modules_of_names_and_inside_functions():
    assert "landscape.torch_oracle" in GRAPH["oracle"]
    assert "refiners.prfo" in GRAPH["refiners.sella"]
    assert "landscape.descent" in GRAPH["neural.follow"]


def test_every_room_stands_in_the_list_once(order):
    assert set(order) == {room(module) for module in MODULES}


def test_no_module_imports_in_a_circle():
    packages = {module for module in MODULES if MODULES[module].name == "__init__.py"}
    graph = {module: found - packages for module, found in GRAPH.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_no_room_imports_from_one_further_down_the_list(order):
    climbs = [
        f"{module} imports {other}"
        for module, found in GRAPH.items()
        for other in found
        if order[room(other)] > order[room(module)]
    ]
    assert not climbs


def test_methods_and_networks_know_nothing_of_the_judge():
    for module, found in GRAPH.items():
        if room(module) in ("methods", "neural", "refiners", "guesses"):
            assert not any(room(other) == "judging" for other in found), module


def test_the_root_keeps_only_the_words_that_all_use():
    assert len(list(PACKAGE.glob("*.py"))) <= MOST_IN_ROOT
