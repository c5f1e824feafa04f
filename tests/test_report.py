"""The report holds everything, needs no network, and no name in it becomes markup."""

import html
import re
from html.parser import HTMLParser

import pandas as pd
import pytest
import synthetic

from mepbench.reporting.figures import Results, caption, render
from mepbench.reporting.report import STATISTICS, build
from mepbench.reporting.wording import CAPTIONS


class Tags(HTMLParser):
    """Collects the tags, the attributes and the text of a page."""

    def __init__(self, page: str):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


def page_of(folder, table) -> str:
    """The page of a results folder around a table of runs."""
    synthetic.write_results(folder, table)
    return build(folder, folder / "report" / "index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A results folder with one rendered figure."""
    table = pd.concat(
        [synthetic.runs(synthetic.NAMES[:2]), synthetic.bad_endpoints()], ignore_index=True
    )
    folder = synthetic.write_results(tmp_path_factory.mktemp("results"), table)
    render("solved", Results(folder), folder / "figures")
    return folder


def test_page_has_every_section_method_reaction_and_reason(folder):
    page = build(folder, folder / "report" / "index.html").read_text(encoding="utf-8")
    for section in "summary statistics figures reactions failures provenance references".split():
        assert f'<section id="{section}">' in page
    runs = Results(folder).runs
    for text in [*runs.method, *runs.reaction, *runs.reason]:
        assert html.escape(text) in page
    assert "0" * 40 in page
    assert "torch 2.13.0" in page


def test_page_embeds_its_figures_with_their_captions_and_loads_nothing(folder):
    page = Tags(build(folder, folder / "index.html").read_text(encoding="utf-8"))
    sources = [value for name, value in page.attributes if name in ("src", "href")]
    assert [s[:11] for s in sources if not s.startswith("#")] == ["data:image/"]
    assert caption("solved") in page.text
    assert not {"script", "link", "iframe"} & set(page.tags)


def test_hostile_names_stay_text(tmp_path):
    table = synthetic.runs(synthetic.HOSTILE, ["neb", "string"])
    table["verdict"] = ["intended", "error"] * len(synthetic.HOSTILE)
    table["reason"] = [f"{name} went wrong" for name in table.reaction]
    table["below_reference"] = True
    page = page_of(tmp_path, table)
    assert "<script" not in page
    assert html.escape("<script>alert(1)</script>") in page
    assert "\x1b" not in page
    seen = Tags(page)
    assert "img" not in seen.tags
    for name in synthetic.HOSTILE[:6]:
        assert name in seen.text


def test_page_of_no_run_says_so(tmp_path):
    page = page_of(tmp_path, synthetic.runs([]))
    assert "No run had accepted endpoints" in page
    assert "No figure was rendered" in page


def test_page_of_refused_endpoints_gives_their_reason_once_a_table(tmp_path):
    page = page_of(tmp_path, synthetic.bad_endpoints())
    assert page.count("both ends relax into one minimum") == 2


def test_page_is_the_same_each_time_and_names_its_tags_in_pairs(folder):
    first = build(folder, folder / "a.html").read_text(encoding="utf-8")
    assert build(folder, folder / "b.html").read_text(encoding="utf-8") == first
    for tag in "table tr td section figure ul dl details".split():
        assert len(re.findall(f"<{tag}[ >]", first)) == first.count(f"</{tag}>"), tag


def test_page_has_the_tables_of_the_statistics_with_their_captions(folder):
    page = Tags(build(folder, folder / "c.html").read_text(encoding="utf-8"))
    for name in STATISTICS:
        if name != "unsolved":
            assert CAPTIONS[name] in page.text
