"""The viewer in a browser: profile, molecule, slider and table show one thing, by mouse or keys."""

from pathlib import Path

import pytest
import synthetic
import synthetic_geometries as made
from browser import DESK, PHONE, until

from mepbench.files.frames import read_frames
from mepbench.reporting import reaction_pages, site
from mepbench.reporting.figures import Results

pytestmark = pytest.mark.xdist_group("browser")  # one browser at a time, its pages made once

METHODS = ["geodesic", "neb", "string"]
HOSTILE = "<img src=x onerror=alert(1)>"
LONG = 'comma, "quote" ' + "long " * 60
MOLECULE = "[data-part=molecule] canvas"
SLIDER = "[data-part=slider]"


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    """A folder with the pages of three reactions."""
    folder = tmp_path_factory.mktemp("results")
    names = ["cope", HOSTILE, LONG]
    table = synthetic.runs(names, METHODS)
    table["verdict"] = ["intended", "intended", "other"] * len(names)
    table["barrier_eV"] = [1.0, 1.5, 0.8] * len(names)
    made.write_geometries(folder, table, bulge=0.4)
    which = [("made-up", name) for name in names]
    site.copy_assets(folder / "report")
    reaction_pages.write(Results(folder), folder / "report", which)
    return folder / "report" / "reactions"


def page_file(report: Path, name: str) -> Path:
    return report / f"{site.slug('made-up', name)}.html"


@pytest.fixture(scope="module")
def opened(report, browser):
    """The page of one reaction, opened once: a browser without a graphics card takes its time."""
    with browser(page_file(report, "cope"), wait=MOLECULE) as found:
        yield found


@pytest.fixture
def cope(opened):
    """The opened page, with the path of its first method shown at the top."""
    opened.page.locator("[data-part=runs] input").nth(1).check()
    opened.page.get_by_label("Path", exact=True).check()
    move(opened, 20)
    yield opened
    assert opened.quiet, (opened.console, opened.requests)


def move(opened, frame: int) -> None:
    opened.page.locator(SLIDER).fill(str(frame))


def frame(opened) -> int:
    return int(opened.page.locator(SLIDER).input_value())


def reading(opened) -> str:
    return opened.page.locator("[data-part=reading]").inner_text()


def chosen(opened, part: str) -> str:
    return opened.page.locator(f"[data-part={part}] .chip:has(:checked)").inner_text().strip()


def place(opened) -> tuple[float, float]:
    """Arc length and energy of the mark on the profile."""
    return tuple(
        opened.page.locator(".here").evaluate(
            "mark => [mark.dataset.x, mark.dataset.y].map(Number)"
        )
    )


@pytest.mark.parametrize("name", [HOSTILE, LONG])
def test_a_page_says_nothing_asks_for_nothing_and_fits_desk_and_phone(report, browser, name):
    with browser(page_file(report, name), wait=MOLECULE) as opened:
        assert opened.page.locator("h1").inner_text() == name.strip()
        assert opened.page.locator("main img").count() == 0
        for width in (DESK, PHONE):
            opened.resize(width)
            assert opened.sideways() <= 0
            assert opened.cut_off() == []
        assert opened.quiet, (opened.console, opened.requests)


def test_the_cheapest_solved_run_is_shown_at_the_top_of_its_path(report, browser):
    runs = synthetic.runs(["cope"], METHODS).iloc[:2]
    cheapest = runs.loc[(runs.gradients_path + runs.gradients_refine).idxmin(), "method"]
    with browser(page_file(report, "cope"), scheme="dark", wait=MOLECULE) as opened:
        assert chosen(opened, "runs") == cheapest
        assert chosen(opened, "tracks") == "Path"
        assert place(opened)[0] == 0
        assert opened.violations() == []


def test_pixels_of_the_molecule_change_with_frame_curve_method_and_what_is_ticked(cope):
    page, seen = cope.page, []

    def look():
        seen.append(cope.canvas(MOLECULE))
        assert len(set(seen)) == len(seen)

    look()
    move(cope, 3)
    look()
    page.locator("[data-part=runs] input").nth(2).check()
    move(cope, 3)
    look()
    page.get_by_label("IRC").check()
    move(cope, 9)
    look()
    page.get_by_label("Saddle and its mode").check()
    move(cope, 3)
    look()
    page.get_by_label("arrows of the mode").uncheck()
    look()
    page.get_by_label("atom numbers").check()
    look()
    page.get_by_label("atom numbers").uncheck()
    page.get_by_label("arrows of the mode").check()


def test_the_slider_moves_mark_and_reading_by_keys(cope):
    slider = cope.page.locator(SLIDER)
    slider.focus()
    cope.page.keyboard.press("ArrowLeft")
    arc, energy = place(cope)
    assert arc < 0
    assert energy < 1
    assert f"{energy:.3f} eV" in reading(cope)
    assert f"{energy:.3f} eV" in slider.get_attribute("aria-valuetext")
    cope.page.keyboard.press("Home")
    assert place(cope)[1] == pytest.approx(0, abs=1e-3)
    assert reading(cope).startswith("1/")


ON_SCREEN = """(profile, name) => {
  profile.scrollIntoView({ block: 'center' });
  const { xaxis, yaxis } = profile._fullLayout;
  const box = profile.querySelector('.nsewdrag').getBoundingClientRect();
  const of = (name) => profile.data.find((one) => one.name.startsWith(name));
  const at = (x, y) => [box.x + xaxis.c2p(x), box.y + yaxis.c2p(y), x];
  const curve = of('geodesic'), saddle = of(`${name}: refined`);
  return [...[3, 30, 50].map((k) => at(curve.x[k], curve.y[k])), at(saddle.x[0], saddle.y[0])];
}"""
POINTED_AT = "(profile) => profile._hoverdata?.[0]?.data?.name ?? ''"


def test_the_pointer_on_the_profile_picks_the_frame_and_a_click_the_method(cope):
    profile, page = cope.page.locator("[data-part=profile]"), cope.page
    *along, other = profile.evaluate(ON_SCREEN, "string")
    seen = []
    for x, y, arc in along:
        page.mouse.move(x - 4, y)
        page.mouse.move(x, y)
        assert until(lambda arc=arc: abs(place(cope)[0] - arc) < 0.1)
        seen.append(frame(cope))
    assert seen == sorted(set(seen))
    assert len(seen) == 3
    page.mouse.move(other[0] - 3, other[1])
    page.mouse.move(other[0], other[1])
    assert until(lambda: profile.evaluate(POINTED_AT).startswith("string"))
    page.mouse.click(other[0], other[1])
    assert until(lambda: chosen(cope, "runs") == "string other")


def test_the_table_shows_a_run_in_the_viewer(cope):
    cope.page.get_by_role("button", name="Show string").click()
    assert chosen(cope, "runs") == "string other"
    assert cope.page.get_by_role("button", name="IRC (xyz)").is_disabled()
    cope.page.get_by_role("button", name="Show neb").click()
    assert chosen(cope, "runs") == "neb"
    assert cope.page.get_by_role("button", name="IRC (xyz)").is_enabled()


def test_the_mode_is_animated_until_it_is_stopped(cope):
    cope.page.get_by_label("Saddle and its mode").check()
    move(cope, 19)
    cope.page.get_by_role("button", name="Play").click()
    assert until(lambda: frame(cope) < 19)  # from the turning point at 20 back
    cope.page.get_by_role("button", name="Stop").click()
    still = frame(cope)
    cope.page.wait_for_timeout(200)  # four frames of the animation
    assert frame(cope) == still


# What the tab key goes through; a browser without a graphics card takes seconds for each press.
REACHED = """() => [...document.querySelectorAll('a[href], button, input, summary, [tabindex]')]
  .filter((one) => one.tabIndex >= 0 && !one.disabled && one.checkVisibility())
  .map(({ dataset: { part, save, run, kind, show } }) =>
    part ?? save ?? (run && 'run') ?? (kind && 'kind') ?? (show && 'show'))"""


def test_every_control_is_reached_by_the_tab_key_and_arrows_turn_the_molecule(cope):
    reached = set(cope.page.evaluate(REACHED))
    wanted = "molecule play slider kind run arrows numbers saddle path irc row show".split()
    assert set(wanted) <= reached
    cope.page.locator("[data-part=play]").focus()
    cope.page.keyboard.press("Tab")
    assert cope.page.evaluate("document.activeElement.dataset.part") == "slider"
    cope.page.locator("[data-part=molecule]").focus()
    seen = [cope.canvas(MOLECULE)]
    for key in ("ArrowRight", "ArrowUp", "+"):
        cope.page.keyboard.press(key)
        seen.append(cope.canvas(MOLECULE))
    assert len(set(seen)) == 4
    for key in ("ArrowLeft", "ArrowDown", "-"):
        cope.page.keyboard.press(key)
    cope.page.get_by_label("Path", exact=True).focus()
    cope.page.keyboard.press("ArrowRight")
    assert chosen(cope, "tracks") == "Saddle and its mode"


def test_downloads_are_what_the_page_shows(cope, tmp_path):
    def saved(button: str) -> Path:
        with cope.page.expect_download() as download:
            cope.page.get_by_role("button", name=button).click()
        file = tmp_path / download.value.suggested_filename
        download.value.save_as(file)
        return file

    (saddle,) = read_frames(saved("saddle (xyz)"))
    assert saddle.info["reaction"] == "cope"
    expected = made.positions(0)
    for k in (1, 2, 3):
        length = ((expected[0] - expected[k]) ** 2).sum() ** 0.5
        assert saddle.get_distance(0, k) == pytest.approx(length, abs=1e-5)
    path = read_frames(saved("path (xyz)"))
    assert len(path) == int(cope.page.locator(SLIDER).get_attribute("max")) + 1
    assert len(read_frames(saved("IRC (xyz)"))) == 31
    row = saved("row (csv)").read_text()
    assert row.startswith("set,reaction,method")
    assert ",geodesic," in row


def test_the_profile_follows_the_readers_colour_scheme_and_keeps_its_mark(cope):
    ink = "document.querySelector('[data-part=profile]')._fullLayout.font.color"
    move(cope, 3)
    before = cope.page.evaluate(ink), place(cope)
    cope.page.emulate_media(color_scheme="dark")
    assert until(lambda: cope.page.evaluate(ink) != before[0])
    assert place(cope) == before[1]
    cope.page.emulate_media(color_scheme="light")


def test_the_page_meets_wcag_aa(cope):
    assert cope.violations() == []


NO_WEBGL = """HTMLCanvasElement.prototype.getContext = ((old) => function (kind, ...more) {
  return /webgl/.test(kind) ? null : old.call(this, kind, ...more);
})(HTMLCanvasElement.prototype.getContext)"""


def test_without_webgl_a_sentence_stands_in_the_molecules_place(report, browser):
    with browser(page_file(report, "cope"), script=NO_WEBGL) as opened:
        assert "no WebGL" in opened.page.locator("[data-part=molecule]").inner_text()
        move(opened, 0)
        assert reading(opened).startswith("1/")
        assert opened.quiet, opened.console
