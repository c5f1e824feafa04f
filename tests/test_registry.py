"""The file system is the registry; a change is traced to the files that import it."""

import pytest

from mepbench.errors import InputError
from mepbench.registry import PACKAGE, available, check_options, imported_files, nearest, options


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
        assert PACKAGE / "judge.py" not in files[name]


def test_nearest_names_one_word_or_all():
    assert nearest("nebb", ["neb", "string"]) == "Did you mean 'neb'?"
    assert nearest("zzzz", ["neb", "string"]) == "Known: neb, string."
