"""Reference pages, made when the site is built, each from the one place that states it.

Configuration from the schema and the shipped config, the command line from its parser, plug-ins
from their files' signatures, columns from `files/metrics.py`, the package from its docstrings.
"""

import ast
import contextlib
import inspect
import io
import os
import re
from collections import defaultdict

import yaml
from mkdocs.structure.files import File

from mepbench import cli, registry
from mepbench.config import SCHEMA, SHIPPED_CONFIG
from mepbench.files.columns import COLUMNS, EXTRA_COLUMNS
from mepbench.files.metrics import METRICS

INTRODUCTIONS = {
    "methods": "`solver:` of a row under `methods:`; the other keys of the row are its options.",
    "potentials": "`name:` under `potential:`; the other keys there are its options.",
    "guesses": "`guess:`, of all methods or of one.",
    "refiners": "`refiner:`, of all methods or of one.",
    "importers": "`mepbench import FORMAT`; options are given as `--option KEY=VALUE`.",
}


def on_config(config):
    """Put the rooms of the package into the navigation, below what else is reference."""
    section = next(part["Reference"] for part in config.nav if "Reference" in part)
    section.append({"The package": [{room: f"api/{room}.md"} for room in rooms()]})


def on_files(files, config):
    """Add the generated pages."""
    pages = {
        "config": configuration(),
        "command-line": command_line(),
        "plug-ins": plug_ins(),
        "columns": columns(),
        **{room: room_page(room, modules) for room, modules in rooms().items()},
    }
    for name, text in pages.items():
        files.append(File.generated(config, f"api/{name}.md", content=text))


def rooms() -> dict[str, list[str]]:
    """Return the public modules of the package by their room, those of its root first."""
    found = {"mepbench": []}
    for file in sorted(registry.PACKAGE.rglob("*.py")):
        *room, stem = file.relative_to(registry.PACKAGE).with_suffix("").parts
        if not stem.startswith("_") and len(room) < 2:
            found.setdefault("".join(room) or "mepbench", []).append(stem)
    return found


def room_page(room: str, modules: list[str]) -> str:
    """Return the page of a room: its own docstring, then each module's."""
    inner = "" if room == "mepbench" else room
    told = ast.parse((registry.PACKAGE / inner / "__init__.py").read_text(encoding="utf-8"))
    prefix = f"mepbench.{inner}".rstrip(".")
    heads = ["---\nsearch: {boost: 0.3}\n---", f"# {room}", ast.get_docstring(told) or ""]
    return "\n\n".join([*heads, *(f"::: {prefix}.{module}" for module in modules)])


def configuration() -> str:
    """Return the page of the config file: every key, and the shipped config."""
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    shipped = SHIPPED_CONFIG.read_text(encoding="utf-8")
    defaults = yaml.safe_load(shipped)
    keys = schema["properties"]
    top = [_key(name, part, schema, defaults.get(name)) for name, part in keys.items()]
    method = keys["methods"]["additionalProperties"]["properties"]
    of_method = [_key(name, part, schema) for name, part in method.items()]
    return f"""# Configuration

A config file is YAML. A top-level key that is left out has the value of the shipped
`config.yaml`, below; `mepbench check FILE` finds what is misspelt before anything runs.

{_table(("key", "type", "what it is", "default"), top)}

## Keys of every method

The other keys of a method are [its solver's options](plug-ins.md).

{_table(("key", "type", "what it is"), [row[:3] for row in of_method])}

## The shipped config

```yaml
{shipped}```
"""


def _key(name: str, part: dict, schema: dict, default=None) -> tuple[str, ...]:
    if "$ref" in part:
        part = {**schema["$defs"][part["$ref"].rsplit("/", 1)[1]], **part}
    kinds = part["type"] if isinstance(part["type"], list) else [part["type"]]
    if "items" in part:
        items = part["items"]["type"]
        of = " or ".join(items) if isinstance(items, list) else items
        kinds = [f"list of {of}" if kind == "array" else kind for kind in kinds]
    kind = " or ".join("mapping" if kind == "object" else kind for kind in kinds)
    bounds = {"minimum": "from", "exclusiveMinimum": "above"}
    told = [f"{word} {part[bound]}" for bound, word in bounds.items() if bound in part]
    inner = [f"`{key}`" for key in part.get("properties", {}) if name == "budget"]
    what = part.get("description", "") + (f": {', '.join(inner)}" if inner else "")
    value = "" if name == "methods" or default is None else f"`{_flow(default)}`"
    return f"`{name}`", ", ".join([kind, *told]), what, "below" if name == "methods" else value


def _flow(value: object) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=200).strip().removesuffix("\n...")


def command_line() -> str:
    """Return the page of the command `mepbench`: what `--help` says of each of its commands."""
    whole = help_text()
    commands = re.search(r"\{([\w,-]+)\}", whole)[1].split(",")
    parts = [f"## mepbench {name}\n\n```text\n{help_text(name)}```" for name in commands]
    return "\n\n".join(["# Command line", f"```text\n{whole}```", *parts])


def help_text(*command: str) -> str:
    """Return what a command prints for `--help`."""
    printed = io.StringIO()
    width = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "84"
    try:
        with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
            cli.main([*command, "--help"])
    finally:
        os.environ.pop("COLUMNS") if width is None else os.environ.update(COLUMNS=width)
    return printed.getvalue()


def plug_ins() -> str:
    """Return the page of all plug-ins: what each is, its options, their defaults."""
    text = ["# Plug-ins and their options", "One file each, named as in the config."]
    for kind, introduction in INTRODUCTIONS.items():
        text += [f"## {kind.capitalize()}", introduction]
        text += [_plug_in(kind, name) for name in registry.available(kind)]
    return "\n\n".join(text)


def _plug_in(kind: str, name: str) -> str:
    file = registry.source_file(kind, name)
    told = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    meanings = _meanings(inspect.getdoc(registry.load(kind, name)) or "")
    rows = [
        (f"`{option}`", f"`{_annotation(p.annotation)}`", _default(p.default), meanings[option])
        for option, p in registry.options(kind, name).items()
    ]
    head = ("option", "type", "default", "what it is")
    options = _table(head, rows) if rows else "No options."
    return f"### {name}\n\n{told.partition(chr(10) * 2)[0]}\n\n{options}"


def _meanings(docstring: str) -> defaultdict[str, str]:
    """Return what a docstring of the form `name, name : meaning` says of each name."""
    found = defaultdict(str)
    for names, meaning in re.findall(r"^([\w, ]+) : (.*(?:\n +.*)*)", docstring, re.MULTILINE):
        found.update(dict.fromkeys(names.split(", "), " ".join(meaning.split())))
    return found


def _annotation(annotation: object) -> str:
    return inspect.formatannotation(annotation).replace("typing.", "").replace("|", "or")


def _default(value: object) -> str:
    return "needed" if value is inspect.Parameter.empty else f"`{value!r}`"


def columns() -> str:
    """Return the page of the columns of `runs.csv` and of the tables made of it."""
    rows = [(f"`{name}`", m.label, m.unit, m.description) for name, m in METRICS.items()]
    others = [f"`{name}`" for name in (*COLUMNS, *EXTRA_COLUMNS) if name not in METRICS]
    return f"""# Columns

What is measured, in `runs.csv`, `reference.csv` and the summary.

{_table(("column", "label", "unit", "what it is"), rows)}

`runs.csv` has further: {", ".join(others)}. What they hold is in [Results](../results.md#numbers).
"""


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
