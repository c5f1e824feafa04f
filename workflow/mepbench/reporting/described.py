"""What a method is, as its own file says: read, never run.

The first docstring of a plug-in gives the idea and its source, the signature of its entry function
the options, and that function's docstring what each means. A file that is not there any more, or
not where the report is made, leaves what the configuration says.
"""

import ast
import re
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import InputError
from ..registry import ENTRY_FUNCTION, source_file

NOT_OPTIONS = ("solver", "guess", "refiner", "budget", "seeds")


@dataclass(frozen=True)
class Option:
    """An option: the value used, whether that is the default, and what it means."""

    name: str
    value: str
    default: bool
    meaning: str


@dataclass(frozen=True)
class Described:
    """A plug-in in its own words.

    Attributes
    ----------
    summary : the first paragraph of its docstring, one line
    paragraphs : the others
    file : the file's name
    """

    name: str
    summary: str = ""
    paragraphs: list[str] = field(default_factory=list)
    options: list[Option] = field(default_factory=list)
    file: str = ""


def described(kind: str, name: str, given: dict | None = None) -> Described:
    """Return what the plug-in `name` of a `kind` (see `registry`) is, with the options `given`."""
    given = {key: value for key, value in (given or {}).items() if key not in NOT_OPTIONS}
    try:
        file = source_file(kind, name)
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (InputError, OSError, SyntaxError, ValueError):
        options = [Option(key, str(value), False, "") for key, value in given.items()]
        return Described(name, options=options, file=Path(name).name)
    first, *others = _paragraphs(ast.get_docstring(tree) or "") or [""]
    return Described(name, first, others, _options(tree, ENTRY_FUNCTION[kind], given), file.name)


def _paragraphs(docstring: str) -> list[str]:
    parts = re.split(r"\n\s*\n", textwrap.dedent(docstring))
    return [" ".join(part.split()) for part in parts if part.strip()]


def _options(tree: ast.Module, entry: str, given: dict) -> list[Option]:
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == entry]
    if not functions:
        return [Option(key, str(value), False, "") for key, value in given.items()]
    arguments, found = functions[0].args, []
    meanings = _meanings(ast.get_docstring(functions[0]) or "")
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        usual = ast.unparse(default) if default is not None else ""
        value = given.get(argument.arg, _literal(default))
        shown = value if isinstance(value, str) else repr(value)
        same = argument.arg not in given or repr(given[argument.arg]) == usual
        found.append(Option(argument.arg, shown, same, meanings.get(argument.arg, "")))
    return found


def _literal(node: ast.expr | None) -> object:
    try:
        return ast.literal_eval(node) if node is not None else ""
    except ValueError:
        return ast.unparse(node)


def _meanings(docstring: str) -> dict[str, str]:
    """The parameters of a NumPy-style docstring; several names may share a meaning."""
    section = re.search(r"Parameters\n-+\n(.*?)(?:\n\n\S+\n-+\n|\Z)", docstring, re.DOTALL)
    meanings: dict[str, str] = {}
    last: list[str] = []
    for line in (section[1] if section else "").splitlines():
        names, colon, meaning = line.partition(" : ")
        if colon and not line.startswith(" "):
            last = [name.strip() for name in names.split(",")]
            meanings |= dict.fromkeys(last, meaning.strip())
        elif last and line.strip():
            meanings |= {name: f"{meanings[name]} {line.strip()}" for name in last}
    return meanings
