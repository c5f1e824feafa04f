"""The file system is the registry; a change is traced to the files that import it."""

import importlib
import sys

import pytest

import mepbench.methods
from mepbench import registry
from mepbench.config import check_config
from mepbench.errors import InputError
from mepbench.registry import PACKAGE, available, check_options, imported_files, nearest, options


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a file into an otherwise empty folder `methods/`."""
    (tmp_path / "methods").mkdir()
    for kind in ("guesses", "refiners", "potentials"):
        (tmp_path / kind).symlink_to(PACKAGE / kind)
    monkeypatch.setattr(registry, "PACKAGE", tmp_path)
    monkeypatch.setattr(mepbench.methods, "__path__", [str(tmp_path / "methods")])

    def written(name, text):
        (tmp_path / "methods" / name).write_text(text)
        importlib.invalidate_caches()
        monkeypatch.delitem(sys.modules, f"mepbench.methods.{name[:-3]}", raising=False)

    return written


def test_a_hyphen_in_a_name_is_an_underscore_in_its_file():
    assert "guess-only" in available("methods")
    assert "xtb-python" in available("potentials")
    assert not any(name.startswith("-") for name in available("potentials"))


def test_options_are_the_keyword_only_arguments_with_types_and_defaults():
    for name in available("methods"):
        for option in options("methods", name).values():
            assert option.annotation is not option.empty, (name, option)
            assert option.default is not option.empty, (name, option)


def test_an_option_may_be_an_int_where_a_float_is_asked_for_but_not_a_bool():
    check_options("potentials", "tblite", {"accuracy": 1}, "here")
    with pytest.raises(InputError, match="must be float"):
        check_options("potentials", "tblite", {"accuracy": True}, "here")


def test_a_required_option_that_is_missing_is_named():
    with pytest.raises(InputError, match="needs the option 'factory'"):
        check_options("potentials", "ase", {}, "here")


def test_imports_are_followed_also_those_inside_functions():
    files = {file.name for file in imported_files(PACKAGE / "oracle.py")}
    assert {"oracle.py", "torch_oracle.py", "reaction.py", "frames.py", "__init__.py"} <= files


def test_one_methods_file_is_not_an_input_of_another():
    names = ("neb", "string", "gad")
    files = {name: set(imported_files(PACKAGE / "methods" / f"{name}.py")) for name in names}
    for name in names:
        for other in names:
            assert (PACKAGE / "methods" / f"{other}.py" in files[name]) == (name == other)
        assert PACKAGE / "judging" / "judge.py" not in files[name]


def test_nearest_names_one_word_or_all():
    assert nearest("nebb", ["neb", "string"]) == "Did you mean 'neb'?"
    assert nearest("zzzz", ["neb", "string"]) == "Known: neb, string."


def test_annotations_may_be_postponed(write):
    write(
        "mine.py",
        "from __future__ import annotations\n"
        "def solve(reaction, oracle, guess, seed, *, rate: float = 0.1, start: str | None = None):"
        " ...\n",
    )
    check_options("methods", "mine", {"rate": 1, "start": None}, "here")
    with pytest.raises(InputError, match="'rate' must be float"):
        check_options("methods", "mine", {"rate": "fast"}, "here")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("solve = 3", "3 is not a callable object"),
        ("def solve(reaction, oracle, guess): ...", "too many positional arguments"),
        ("def solve(reaction, oracle, guess, seed, step): ...", "missing a required argument"),
        ("def solve(reaction, oracle, guess, seed, *, a: Any = 1): ...", "'Any' is not defined"),
        ("raise RuntimeError('no licence')", "RuntimeError: no licence"),
        ("def run(): ...", "no attribute 'solve'"),
        ("def solve(:", "SyntaxError"),
    ],
)
def test_a_file_that_does_not_offer_its_function_is_named(write, text, message):
    write("mine.py", f"from __future__ import annotations\n{text}\n")
    with pytest.raises(InputError, match=r"mine\.py") as caught:
        check_options("methods", "mine", {}, "here")
    assert message in str(caught.value)
    assert "solve(reaction, oracle, guess, seed)" in str(caught.value)


def test_a_file_with_a_dash_in_its_name_is_to_be_renamed(write):
    write("my-dash.py", "")
    assert available("methods") == []
    with pytest.raises(InputError, match=r"Rename .*my-dash\.py to my_dash\.py"):
        registry.source_file("methods", "my-dash", "here")


def test_no_option_may_have_the_name_of_a_key_of_every_method(write):
    write("mine.py", "def solve(reaction, oracle, guess, seed, *, seeds: int = 1): ...\n")
    with pytest.raises(InputError, match="no option may be called 'seeds'"):
        check_config({"methods": {"mine": {"solver": "mine"}}})
