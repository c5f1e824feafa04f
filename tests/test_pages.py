"""The report's pages in a browser, from the disk: they fit, they answer, they ask for nothing."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
import synthetic
from browser import PHONE, Opened, until
from test_gallery import structure_set

from mepbench.reporting import gallery, report, site
from mepbench.reporting.figures import Results, render

pytestmark = pytest.mark.xdist_group("browser")  # one browser at a time, its pages made once

NAMES = [
    "<img src=x onerror=alert(1)>",
    "comma, \"quotes\" and 'more'",
    "a very long name " + "x" * 283,
    *synthetic.NAMES,
]
PAGES = [file for _, _, file in site.PAGES]
KINDS = [*PAGES, "methods/", "gallery/"]
# Boxes that scroll sideways and show no bar for it.
BARLESS = """() => [...document.querySelectorAll('main *')].filter((one) => {
  const style = getComputedStyle(one);
  return ['auto', 'scroll'].includes(style.overflowX) && one.scrollWidth > one.clientWidth + 1
    && one.offsetHeight - one.clientHeight < 5 && !one.closest('svg, .js-plotly-plot');
}).map((one) => one.outerHTML.slice(0, 200))"""
# Where on the screen the second point of the first curve is drawn.
A_POINT = """() => {
  const plot = document.querySelector('[data-chart=solved]');
  const { xaxis, yaxis } = plot._fullLayout;
  const box = plot.querySelector('.nsewdrag').getBoundingClientRect();
  return [box.x + xaxis.d2p(plot.data[0].x[1]), box.y + yaxis.d2p(plot.data[0].y[1])];
}"""
FOCUSED = """() => {
  const one = document.activeElement;
  return `${one.tagName} ${(one.innerText ?? '').trim()} ${one.labels?.[0]?.innerText ?? ''}`;
}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The report of nine reactions with hostile names among them, and of six methods."""
    results = tmp_path_factory.mktemp("results")
    table = pd.concat(
        [synthetic.runs(NAMES, synthetic.METHODS[:6]), synthetic.bad_endpoints(["<u>merged</u>"])]
    )
    table.loc[table.reaction == "cope", "charge"] = -1
    table["set"] = table["set"].where(table.reaction != "claisen", "other")
    synthetic.write_results(results, table.reset_index(drop=True))
    for name in ("solved", "wall_clock"):
        render(name, Results(results), results / "figures")
    built = report.build(results, results / "report").parent
    gallery.build(structure_set(results / "set.xyz", NAMES), built / "gallery")
    return built


def every_page(folder: Path) -> list[str]:
    methods = sorted(file.name for file in (folder / "methods").iterdir())
    return [*PAGES, f"methods/{methods[0]}", "gallery/index.html"]


@pytest.fixture(scope="module", params=range(len(KINDS)), ids=KINDS)
def file(folder, request) -> Path:
    """Each page in turn."""
    return folder / every_page(folder)[request.param]


@pytest.fixture(scope="module")
def desk(file, browser):
    """The page at a desk, opened once."""
    with browser(file) as opened:
        yield opened


def check_fits(opened: Opened) -> None:
    assert opened.quiet, (opened.console, opened.requests)
    assert opened.sideways() <= 0
    assert opened.cut_off() == []
    assert opened.page.evaluate(BARLESS) == []


def test_a_page_says_nothing_asks_for_nothing_and_fits_a_desk(desk):
    check_fits(desk)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_meets_wcag_aa(desk, scheme):
    desk.shade(scheme)
    assert desk.violations() == []


def test_a_page_says_nothing_asks_for_nothing_and_fits_a_phone(file, browser):
    with browser(file, width=PHONE) as opened:
        check_fits(opened)


def test_links_lead_to_files_that_are_there(folder):
    for name in every_page(folder):
        text = (folder / name).read_text(encoding="utf-8")
        for link in re.findall(r'(?:href|src)="([^"#]+)', text):
            assert (folder / name).parent.joinpath(link).exists(), f"{name}: {link}"


def test_names_that_are_markup_are_shown_as_they_stand(folder, browser):
    for name in ("reactions.html", "failures.html", "statistics.html", "gallery/index.html"):
        with browser(folder / name) as opened:
            assert opened.page.locator("main img").count() == 0
            assert opened.page.locator("main u").count() == 0
            if name == "reactions.html":
                shown = {text.strip() for text in opened.page.locator("tbody th").all_inner_texts()}
                assert {*NAMES, "<u>merged</u>"} <= shown


def column(opened, at: int) -> list[str]:
    return opened.page.locator(f"tbody tr > :nth-child({at})").all_inner_texts()


def test_a_heading_sorts_by_mouse_and_by_key(folder, browser):
    with browser(folder / "index.html") as opened:
        heading = opened.page.get_by_role("columnheader", name="evaluations")
        heading.get_by_role("button").click()
        cheapest_first = [int(text) for text in column(opened, 4) if text.isdigit()]
        assert cheapest_first == sorted(cheapest_first)
        assert heading.get_attribute("aria-sort") == "ascending"
        opened.page.keyboard.press("Enter")
        assert heading.get_attribute("aria-sort") == "descending"
        assert [int(t) for t in column(opened, 4) if t.isdigit()] == cheapest_first[::-1]


def test_the_leader_board_sums_up_the_chosen_reactions(folder, browser):
    runs = Results(folder.parent).judged
    with browser(folder / "index.html") as opened:
        before = column(opened, 2)
        page = opened.page
        page.get_by_label("Charge").select_option(label="\N{MINUS SIGN}1")
        chosen = runs[runs.charge == -1]
        solved = chosen.groupby("method", sort=False).verdict.apply(
            lambda v: v.eq("intended").sum()
        )
        assert column(opened, 2) == [f"{n}/1" for n in solved]
        assert "1 of 9 reactions" in page.locator("main output").all_inner_texts()
        page.get_by_label("Charge").select_option(label="all")
        assert column(opened, 2) == before
        page.get_by_label("Set").select_option(label="other")
        assert all(text.endswith("/1") for text in column(opened, 2))
        page.get_by_label("Set").select_option(label="all")
        page.get_by_label("method contains").fill("gad")
        assert [name.strip() for name in column(opened, 1)] == ["gad", "gad-reactant"]
        page.get_by_label("method contains").fill("")
        page.get_by_label("Atoms from").fill("5000")
        assert column(opened, 1) == []
        assert opened.quiet


def test_the_script_and_the_table_sum_up_alike(folder, browser):
    """All reactions, chosen by a size that holds for all, give what Python wrote."""
    with browser(folder / "index.html") as opened:
        written = [column(opened, at) for at in range(1, 9)]
        opened.page.get_by_label("Atoms from").fill("1")
        assert [column(opened, at) for at in range(1, 9)] == written


def test_reactions_are_filtered_and_their_cells_switched(folder, browser):
    with browser(folder / "reactions.html") as opened:
        page = opened.page
        page.get_by_label("reaction contains").fill("ONERROR")
        assert column(opened, 1) == [NAMES[0]]
        evaluations = column(opened, 12)
        page.get_by_label("Methods' columns show").select_option(index=1)
        assert column(opened, 1) == [NAMES[0]]
        assert column(opened, 12) != evaluations
        page.get_by_label("reaction contains").fill("")
        page.get_by_label("atoms to").fill("3")
        assert len(column(opened, 1)) == 2  # the first, and the refused one
        assert opened.quiet


def test_every_control_of_the_landing_page_is_reached_by_the_tab_key(folder, browser):
    with browser(folder / "index.html") as opened:
        reached = []
        for _ in range(60):
            opened.page.keyboard.press("Tab")
            reached.append(opened.page.evaluate(FOCUSED))
        text = "\n".join(reached)
        for wanted in ("To the content", "Reactions", "Set", "Charge", "method contains", "solved",
                       "gad-reactant", "The numbers"):  # fmt: skip
            assert wanted in text, wanted


def test_figures_show_every_method_and_answer_to_the_pointer(folder, browser):
    with browser(folder / "index.html", wait="[data-chart=solved] .legend") as opened:
        page = opened.page
        legend = page.locator("[data-chart=solved] .legendtext").all_text_contents()
        assert legend == synthetic.METHODS[:6]
        page.locator("[data-chart=solved]").scroll_into_view_if_needed()
        page.mouse.move(*page.evaluate(A_POINT), steps=3)
        page.wait_for_selector("[data-chart=solved] .hoverlayer text")
        assert "evaluations" in page.locator("[data-chart=solved] .hoverlayer").text_content()
        line = page.locator("[data-chart=solved] .legendlines path").first
        before = line.get_attribute("style")
        page.emulate_media(color_scheme="dark")
        assert until(lambda: line.get_attribute("style") != before)
        assert opened.quiet


def test_a_long_list_is_shown_a_page_at_a_time_and_searched_as_a_whole(tmp_path, browser):
    names = [f"reaction {at:03d}" for at in range(250)]
    synthetic.write_results(tmp_path, synthetic.runs(names, ["neb"]))
    folder = report.build(tmp_path, tmp_path / "report").parent
    with browser(folder / "reactions.html") as opened:
        page = opened.page
        assert len(column(opened, 1)) == 100
        page.get_by_role("button", name="Next").click()
        page.get_by_role("button", name="Next").click()
        assert len(column(opened, 1)) == 50
        page.get_by_label("reaction contains").fill("249")
        assert column(opened, 1) == ["reaction 249"]
        assert opened.quiet


def test_the_board_is_readable_without_scripts(folder, browser):
    with browser(folder / "index.html", java_script_enabled=False) as opened:
        assert len(column(opened, 1)) == 6
        assert "How sure" in opened.page.locator(".lede").inner_text()


def test_the_island_of_runs_is_plain_json(folder):
    text = (folder / "index.html").read_text(encoding="utf-8")
    runs = json.loads(re.search(r'id="runs">(.*?)</script>', text)[1])
    costs = [cost for of_method in runs["runs"] for cost in of_method["cost"]]
    assert len(costs) == len(Results(folder.parent).judged)
