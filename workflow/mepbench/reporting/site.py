"""Pages that work from a folder on a disk, or as one file: no request leaves the machine.

A page is a Jinja template under `workflow/report`, filled in with escaping on, since names and
reasons are text from data files. What a script reads stands in the page as an island of JSON. A
page of a folder links to its style sheet and scripts in `assets/`; an `inline` page holds them.
Either way its content security policy lets only these run, whatever a name may contain.

Scripts are classic ones: browsers refuse to import modules from file:// (WHATWG HTML, "fetch a
module script", CORS mode). Each adds its functions to `globalThis.mepbench`, and to
`module.exports` where Node's test runner loads it.
"""

import base64
import functools
import hashlib
import json
import math
import re
import shutil
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from .. import __version__
from ..errors import one_line
from ..files.shipped import WORKFLOW

TEMPLATES = WORKFLOW / "report"
PLOTLY = "vendor/plotly-basic.min.js"
SLUG_LENGTH, HASH_LENGTH = 48, 10
# Key, label and file of the report's pages. A reaction has `reactions/{slug(set, reaction)}.html`,
# a method `methods/{slug(method)}.html`.
PAGES = (
    ("result", "Result", "index.html"),
    ("reactions", "Reactions", "reactions.html"),
    ("methods", "Methods", "methods.html"),
    ("statistics", "Statistics", "statistics.html"),
    ("figures", "Figures", "figures.html"),
    ("failures", "Failures", "failures.html"),
    ("origin", "How it was made", "origin.html"),
)


@functools.cache
def environment():
    """Return the Jinja environment of all pages: escaping on, `plain` for text from files.

    An `energy` is in eV, without its unit; `both` gives it in eV and kcal/mol.
    """
    import jinja2

    from ..files.metrics import formatted
    from .markup import both

    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {"plain": one_line, "prose": prose, "island": island, "slug": slug}
    found.filters |= {"both": both, "energy": lambda value: formatted("barrier_eV", value)}
    return found


def page(
    template: str,
    *,
    root: str = "",
    here: str = "",
    pages: Iterable[tuple[str, str, str]] = (),
    scripts: Iterable[str] = (),
    inline: bool = False,
    **contents,
) -> str:
    """Return a page as HTML.

    Parameters
    ----------
    template : file under `workflow/report` that extends `base.html`
    root : from the page to the report's folder, such as `../`
    here : key of the page, marked in the navigation
    pages : key, label and file of each page of the navigation; without any there is none
    scripts : files under `workflow/report` that the page runs, in this order
    inline : hold style sheet and scripts in the page, for one that is a single file
    contents : what else the template names
    """
    sources = [(name, _script(name) if inline else "") for name in scripts]
    return (
        environment()
        .get_template(template)
        .render(
            root=root,
            here=here,
            pages=list(pages),
            scripts=sources,
            inline=inline,
            style=(TEMPLATES / "style.css").read_text(encoding="utf-8") if inline else "",
            policy=_policy([source for _, source in sources] if inline else None),
            version=__version__,
            **contents,
        )
    )


def write_page(file: str | Path, template: str, **contents) -> Path:
    """Write a page, see `page`; its folder is made where it is missing."""
    file = Path(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(page(template, **contents), encoding="utf-8")
    return file


def copy_assets(folder: str | Path) -> Path:
    """Copy style sheet, scripts and what they are built on to `folder/assets`."""
    assets = Path(folder) / "assets"
    shutil.rmtree(assets, ignore_errors=True)
    # Contents alone: what ships may be read-only.
    shutil.copytree(
        TEMPLATES,
        assets,
        ignore=shutil.ignore_patterns("*.html", "captions"),
        copy_function=shutil.copyfile,
    )
    return assets


def slug(*names: str) -> str:
    """Return a file name's stem for what has these names, the last one legible.

    Letters of the Latin alphabet, digits and hyphens, at most 59 of them; a hash of all names
    tells apart those that look alike, also where a file system ignores case.
    """
    ascii_only = unicodedata.normalize("NFKD", names[-1]).encode("ascii", "ignore").decode()
    legible = re.sub(r"[^a-z0-9]+", "-", ascii_only.lower())[:SLUG_LENGTH].strip("-")
    digest = hashlib.sha256("\0".join(names).encode("utf-8", "surrogatepass")).hexdigest()
    return "-".join(part for part in (legible, digest[:HASH_LENGTH]) if part)


def prose(text: str):
    """Return a docstring's text as HTML: what stands in backticks or **asterisks** set apart."""
    from markupsafe import Markup, escape

    html = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(one_line(text))))
    return Markup(re.sub(r"\*\*([^*]+)\*\*", r"<b>\1</b>", html))


def island(value: object, name: str):
    """Return a JSON island, `<script type="application/json" id=name>`, safe within HTML.

    What is not finite becomes null. No character is left with which HTML, or a script that this
    were pasted into, could end the element or the line.
    """
    from markupsafe import Markup, escape

    text = json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    text = re.sub("[<>&\u2028\u2029\ud800-\udfff]", lambda c: f"\\u{ord(c[0]):04x}", text)
    return Markup(f'<script type="application/json" id="{escape(name)}">{text}</script>')


def _finite(value: object) -> object:
    """Plain lists, dictionaries, numbers and text of what may hold NumPy's and NaN."""
    if isinstance(value, dict):
        return {str(key): _finite(inner) for key, inner in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


@functools.cache
def _script(name: str) -> str:
    """A script's text, which may not end the element that holds it."""
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    return re.sub(r"<(?=/script|!--)", r"\\x3c", text, flags=re.IGNORECASE)


def _policy(sources: list[str] | None) -> str:
    """The content security policy; `sources` are scripts held in the page, named by their hash."""
    scripts = "'self' file:"
    if sources is not None:
        digests = [hashlib.sha256(source.encode()).digest() for source in sources]
        hashes = [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
        scripts = " ".join(hashes) or "'none'"
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'self' file: 'unsafe-inline'; "
        "img-src 'self' file: data: blob:; worker-src blob:; base-uri 'none'; form-action 'none'"
    )
