"""A search leaves one page: what was found, to be seen; it needs and asks for nothing else."""

import logging
import re
import time
from dataclasses import dataclass, replace

import numpy as np
import pytest
from ase import Atoms
from browser import DESK, PHONE
from test_reaction_pages import Page, coordinates, curve_of

import mepbench
from mepbench.files.frames import read_frames
from mepbench.pair import report
from mepbench.reporting.scene import facing

pytestmark = pytest.mark.xdist_group("browser")  # one browser at a time

HCN = Atoms("HCN", [[-1.07, 0.02, 0.0], [0.0, 0.0, 0.0], [1.15, 0.0, 0.0]])
HNC = Atoms("HCN", [[2.15, 0.02, 0.0], [0.0, 0.0, 0.0], [1.17, 0.0, 0.0]])
HOSTILE = '<img src=x onerror=alert(1)>, "quoted"'
MOLECULE = "[data-part=molecule] canvas"


@pytest.fixture(scope="module")
def search(tmp_path_factory):
    """A search with a full proof, so that its path was measured and its free energies are known."""
    folder = tmp_path_factory.mktemp("find") / "hcn"
    found = mepbench.find_saddle(
        HCN, HNC, method="guess-only", proof="full", name=HOSTILE, folder=folder
    )
    return found, folder


@pytest.fixture(scope="module")
def page(search):
    return Page(search[1] / "report.html")


def test_a_search_leaves_one_page_that_needs_no_other_file(page):
    assert not [value for key, value in page.attributes if key == "src"]
    links = [value for key, value in page.attributes if key == "href"]
    assert all(link.startswith("#") for link in links)
    assert "link" not in page.tags
    assert len(page.source.encode()) < 2.5e6


def test_it_says_the_verdict_the_barriers_the_bill_and_how_to_cite(search, page):
    found, _ = search
    assert found.verdict == "intended"
    text = " ".join(page.text.split())
    assert "intended: a verified saddle of this reaction" in text
    for energy in (found.barrier_eV, found.reverse_barrier_eV, found.reaction_energy_eV):
        assert f"{energy:.3f} eV" in text
    assert f"{found.imaginary_frequency_cm:.0f}i / cm" in text
    assert "breaks H1-C2 and forms H1-N3" in text
    assert f"charge 0, multiplicity 1 (from: {found.state_from})" in text
    for line in found.bill:
        assert f"{line.level}{line.stage}{line.evaluations}" in text
    assert "Please cite mepbench" in text
    assert "10.1021/acs.jctc.8b01176" in text  # GFN2-xTB
    assert "String method" not in text


def test_it_has_free_energies_and_frequencies_where_they_were_computed(search, page):
    found, _ = search
    reactant, saddle, product = found.thermochemistry.free_energies
    assert f"{saddle - reactant:.3f} eV" in page.text
    assert f"{product - reactant:.3f} eV" in page.text.replace("\N{MINUS SIGN}", "-")
    waves = found.thermochemistry.product.frequencies_cm
    assert ", ".join(f"{wave:.0f}" for wave in waves) in page.text
    without = report.html(replace(found, thermochemistry=None, thermo_note="not asked for"))
    assert "Free energies" not in without
    assert "No free energies: not asked for" in without


def test_its_geometries_are_those_of_the_files_beside_it(search, page):
    _, folder = search
    (run,) = page.scene["runs"]
    irc = read_frames(folder / "irc.xyz")
    shown = curve_of(run, "irc")
    frames = coordinates(shown, 3)
    for place, x in zip(shown["at"], frames, strict=True):
        expected = irc[place].get_all_distances()
        np.testing.assert_allclose(Atoms("HCN", x).get_all_distances(), expected, atol=3e-3)
    (saddle,) = read_frames(folder / "saddle.xyz")
    shown = Atoms("HCN", np.reshape(run["saddle"]["positions"], (-1, 3)))
    np.testing.assert_allclose(shown.get_all_distances(), saddle.get_all_distances(), atol=3e-6)
    assert curve_of(run, "path")["energies"][0] == pytest.approx(0, abs=1e-4)


def test_a_hostile_name_is_text(page):
    assert HOSTILE in page.text
    assert "img" not in page.tags
    assert not [key for key, _ in page.attributes if key.startswith("on")]
    assert page.source.count("</script>") == page.tags.count("script") == 6


def test_it_takes_less_than_a_second(search):
    found, _ = search
    report.html(found)  # imports, as the figure's files have done them for the next
    start = time.process_time()
    report.html(found)
    assert time.process_time() - start < 1


def test_a_page_that_fails_costs_a_line_and_none_of_the_other_files(
    search, tmp_path, monkeypatch, caplog
):
    def broken(*_, **__):
        raise RuntimeError("no page today")

    monkeypatch.setattr(report, "html", broken)
    with caplog.at_level(logging.WARNING, "mepbench"):
        search[0].write(tmp_path)
    assert "no report.html: RuntimeError: no page today" in caplog.text
    assert not (tmp_path / "report.html").exists()
    for name in ("summary.json", "saddle.xyz", "path.xyz", "irc.xyz", "profile.png"):
        assert (tmp_path / name).stat().st_size


def test_a_search_without_a_saddle_or_without_a_path_has_a_page_too(search):
    found, _ = search
    unproven = replace(
        found, verdict="unconverged", reason="stopped at 0.3 eV/A", saddle=None, irc=[],
        barrier_eV=np.nan, reverse_barrier_eV=np.nan, imaginary_frequency_cm=np.nan,
        thermochemistry=None, judged=None, mechanism=None,
    )  # fmt: skip
    text = report.html(unproven)
    assert "the forces did not vanish at what was found" in text
    assert "stopped at 0.3 eV/A" in text
    nothing = replace(unproven, path=[], solved=replace(found.solved, path=None))
    text = report.html(nothing)
    assert "There is no path and no saddle to show." in text
    assert "3Dmol" not in text.split("<footer>")[0]


@dataclass(frozen=True)
class Step:
    """As `write` takes them."""

    start: str
    end: str
    coordinate: tuple[np.ndarray, np.ndarray]


def test_a_mechanism_of_steps_is_one_profile(search):
    found, _ = search
    positions = np.array([atoms.positions for atoms in found.irc])
    zero = found.reactant.get_potential_energy()
    first = zero + np.array([0.0, 0.8, 0.3])
    second = zero + np.array([0.3, 1.1, -0.2])
    some = positions[[0, len(positions) // 2, -1]]
    steps = [Step("R", "I1", (some, first)), Step("I1", "P", (some[::-1], second))]
    track = report.chain(steps, zero, facing(some[1]))
    named = {name: track.energies[place] for place, name in track.marks}
    assert named == pytest.approx({"R": 0, "TS1": 0.8, "I1": 0.3, "TS2": 1.1, "P": -0.2})
    assert '"kind":"chain"' in report.html(found, steps)
    assert report.chain([], zero, facing(some[1])) is None


def test_it_works_in_a_browser_at_a_desk_and_on_a_phone(search, browser):
    with browser(search[1] / "report.html", wait=MOLECULE) as opened:
        first = opened.canvas(MOLECULE)
        opened.page.locator("[data-part=slider]").fill("0")
        assert opened.canvas(MOLECULE) != first
        assert re.match(r"1/\d+ ", opened.page.locator("[data-part=reading]").inner_text())
        for width in (DESK, PHONE):
            opened.resize(width)
            assert opened.sideways() <= 0
            assert opened.cut_off() == []
        assert opened.quiet, (opened.console, opened.requests)
        assert opened.violations() == []
