"""Links out of `docs/` lead to a page, too, so that the site needs no other host.

The documents are written to be read in the repository. On the site a link to a module of the
package leads to its room's reference, one to any other file to a page that shows the file;
README is the start page, CONTRIBUTING and CHANGELOG are pages.
"""

import os
import re
from pathlib import Path, PurePosixPath

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "workflow/mepbench"
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
LINK = re.compile(r"(?<=\]\()([^)\s#:]+)(#[^)\s]*)?(?=\))")
FENCED = re.compile(r"(^ *```.*?^ *```)", re.MULTILINE | re.DOTALL)
WIDE = "---\nhide: [navigation]\n---\n\n"
UNSEARCHED = "---\nsearch: {exclude: true}\n---\n\n"
LANGUAGES = {".py": "python", ".yaml": "yaml", ".yml": "yaml", ".json": "json", ".toml": "toml"}


def on_files(files, config):
    """Add the repository's own documents, and each file that a document links to."""
    for name, page in PAGES.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        text = f"{WIDE}{text}" if page == "index.md" else text
        files.append(File.generated(config, page, content=_relinked(text, ROOT / name, page)))
    for file in list(files.documentation_pages()):
        for path in _linked(_source(file.src_uri)):
            shown = _page_of(path)
            if shown.startswith("source/") and files.get_file_from_path(shown) is None:
                files.append(File.generated(config, shown, content=_listing(path)))
    return files


def on_page_markdown(markdown, page, config, files):
    """Turn links into the repository into links between pages."""
    if page.file.generated_by:
        return markdown
    return _relinked(markdown, _source(page.file.src_uri), page.file.src_uri)


def _source(page: str) -> Path:
    """Return the file of the repository that a page is made of."""
    named = {page: name for name, page in PAGES.items()}
    return ROOT / named[page] if page in named else ROOT / "docs" / page


def _page_of(path: str) -> str:
    """Return the page, or file of the site, that shows a path of the repository."""
    if path in PAGES:
        return PAGES[path]
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    if path == PACKAGE or path.startswith(f"{PACKAGE}/"):
        inner = PurePosixPath(path).relative_to(PACKAGE).parts
        room = inner[0] if inner and not inner[0].endswith(".py") else "mepbench"
        return f"api/{room}.md"
    return f"source/{path}.md"


def _anchor_of(path: str) -> str:
    if not path.startswith(f"{PACKAGE}/") or not path.endswith(".py"):
        return ""
    return "#" + path.removeprefix("workflow/").removesuffix(".py").replace("/", ".")


def _linked(source: Path) -> set[str]:
    """Return the paths within the repository that a document links to."""
    if not source.exists():
        return set()
    prose = FENCED.sub("", source.read_text(encoding="utf-8"))
    return {_path(source, link) for link, _ in LINK.findall(prose)}


def _path(source: Path, link: str) -> str:
    return Path(os.path.normpath(source.parent / link)).relative_to(ROOT).as_posix()


def _relinked(text: str, source: Path, page: str) -> str:
    """Return a page's text, of a file of the repository, with its links led to pages."""

    def led(match: re.Match) -> str:
        path = _path(source, match[1])
        target = _page_of(path)
        anchor = match[2] or _anchor_of(path)
        return os.path.relpath(target, PurePosixPath(page).parent) + anchor

    parts = FENCED.split(text)
    return "".join(part if i % 2 else LINK.sub(led, part) for i, part in enumerate(parts))


def _listing(path: str) -> str:
    """Return a page that shows a file, or names the files of a folder."""
    file, head = ROOT / path, f"{UNSEARCHED}# {path}\n\n"
    if file.is_dir():
        return head + "".join(f"* `{inner.name}`\n" for inner in sorted(file.iterdir()))
    language, text = LANGUAGES.get(file.suffix, "text"), file.read_text(encoding="utf-8")
    return f"{head}~~~~~~{language}\n{text}\n~~~~~~\n"
