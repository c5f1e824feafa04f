"""The documents say what is so: links lead somewhere, commands and their options exist.

So do the files that others read: forms, workflows of the host, Snakemake's catalog, the site's
navigation.
"""

import contextlib
import io
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest
import yaml

from mepbench import cli
from mepbench.config import load_config

ROOT = Path(__file__).parents[1]
CODE = re.compile(r"^```[^\n]*\n(.*?)^```|`([^`\n]+)`", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^(?:\$ |\.venv/bin/)?mepbench ([a-z][a-z-]*)([^\n#]*)", re.MULTILINE)
HOST = ROOT / ".github"
GENERATED = re.compile(r"api/[a-z-]+\.md|index\.md|contributing\.md|changelog\.md")
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def documents() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return listed.stdout.split() or [str(p.relative_to(ROOT)) for p in ROOT.glob("docs/**/*.md")]


def anchors(text: str) -> set[str]:
    """Anchors of a Markdown text's headings, made as GitHub makes them."""
    titles = re.findall(r"^#+ +(.*)$", FENCE.sub("", text), re.MULTILINE)
    kept = [re.sub(r"[^\w\- ]", "", re.sub(r"\[(.*?)\]\(.*?\)", r"\1", one)) for one in titles]
    return {one.strip().lower().replace(" ", "-") for one in kept}


@pytest.mark.parametrize("name", documents())
def test_links_lead_to_a_file_and_a_heading(name):
    source = ROOT / name
    text = FENCE.sub("", source.read_text(encoding="utf-8"))
    broken = []
    for link in LINK.findall(text):
        if ":" in link:
            continue
        path, _, anchor = link.partition("#")
        target = source.parent / path if path else source
        if target.exists() and not anchor:
            continue
        if not target.exists() or anchor not in anchors(target.read_text(encoding="utf-8")):
            broken.append(link)
    assert not broken, f"{name}: {', '.join(broken)} lead nowhere"


@cache
def help_of(*command: str) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        cli.main([*command, "--help"])
    return printed.getvalue()


@pytest.mark.parametrize("name", documents())
def test_commands_and_options_that_are_named_exist(name):
    wrong = []
    for block, inline in CODE.findall((ROOT / name).read_text(encoding="utf-8")):
        for command, rest in COMMAND.findall(block or inline):
            known = help_of(command)
            given = re.findall(r"(?<!\S)--[a-z][a-z-]*", rest.partition(" -- ")[0])
            wrong += [f"mepbench {command}"] if f"mepbench {command}" not in known else []
            wrong += [f"mepbench {command} {o}" for o in given if not re.search(rf"{o}\b", known)]
    assert not wrong, f"{name}: {', '.join(wrong)}: there is no such command or option"


class AnyTag(yaml.SafeLoader):
    """MkDocs' own file names functions by tags."""


AnyTag.add_multi_constructor("", lambda loader, tag, node: None)


def named_in(nav) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    return [
        page for part in (nav.values() if isinstance(nav, dict) else nav) for page in named_in(part)
    ]


def test_the_sites_navigation_names_every_page_and_no_other():
    site = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), Loader=AnyTag)
    named = named_in(site["nav"])
    assert len(named) == len(set(named))
    docs = ROOT / "docs"
    assert [p for p in named if not (docs / p).is_file() and not GENERATED.fullmatch(p)] == []
    written = {file.relative_to(docs).as_posix() for file in docs.rglob("*.md")}
    assert written <= set(named)


@pytest.mark.parametrize("file", sorted(HOST.glob("workflows/*.yml")), ids=lambda f: f.stem)
def test_workflows_of_the_host_pin_what_they_use_and_may_only_read(file):
    workflow = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        writes = {"contents": "write"} if name == "draft" else None
        assert job.get("permissions") == writes
        used = [job["uses"]] if "uses" in job else [s["uses"] for s in job["steps"] if "uses" in s]
        for action in used:
            assert action.startswith("./") or re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", action)


@pytest.mark.parametrize(
    ("form", "asked"),
    [
        ("new_method", {"name", "source", "idea", "rules"}),
        ("new_set", {"name", "source", "licence", "content", "choice"}),
    ],
)
def test_issue_forms_ask_for_what_is_needed(form, asked):
    text = (HOST / "ISSUE_TEMPLATE" / f"{form}.yml").read_text(encoding="utf-8")
    fields = yaml.safe_load(text)
    assert {"name", "description", "body"} <= set(fields)
    kinds = {field["type"] for field in fields["body"]}
    assert kinds <= {"input", "textarea", "dropdown", "checkboxes", "markdown"}
    assert all(field["attributes"]["label"] for field in fields["body"])
    needed = {
        field["id"]
        for field in fields["body"]
        if field.get("validations", {}).get("required")
        or any(option.get("required") for option in field["attributes"].get("options", []))
    }
    assert needed == asked


def test_the_workflow_catalog_finds_what_it_asks_for():
    catalog = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text(encoding="utf-8"))
    assert set(catalog["usage"]) >= {"mandatory-flags", "software-stack-deployment"}
    assert (ROOT / "workflow" / "Snakefile").is_file()
    assert list((ROOT / "workflow" / "rules").glob("*.smk"))
    assert load_config(ROOT / "config" / "config.yaml").sets
    readme = (ROOT / "README.md").read_text(encoding="utf-8").lower()
    assert "snakemake" in readme
    assert "workflow" in readme
    assert len(readme.splitlines()) <= 50, "README is one screen"
