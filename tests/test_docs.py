"""The documents' links lead somewhere: to a file, and to a heading in it."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
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
