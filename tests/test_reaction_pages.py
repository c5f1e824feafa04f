"""A reaction has a page: every run in words, its curves and geometries, and no name is markup."""

import base64
import html
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import synthetic
import synthetic_geometries as made

from mepbench.files.columns import CHAIN_COLUMNS, WAY_COLUMNS
from mepbench.files.frames import frame, read_frames, write_frames
from mepbench.files.tidy import write_rows
from mepbench.path import rmsd
from mepbench.reporting import geometries, reaction_pages
from mepbench.reporting.figures import Results
from mepbench.reporting.one_reaction import reaction_text
from mepbench.reporting.scene import joined, packed, track
from mepbench.reporting.site import slug
from mepbench.reporting.verdicts import MEANING
from mepbench.scoring.score import read_runs

METHODS = ["geodesic", "neb", "string", "gad"]
HOSTILE = [
    *synthetic.HOSTILE,
    "<img src=x onerror=alert(1)>",
    'x method=evil seed=3 role="peak"',
    "a energy=1",
    "long " * 60,
]


class Page(HTMLParser):
    """The tags, attributes and text of a page, and what its viewer is given."""

    def __init__(self, file):
        super().__init__()
        self.source = file.read_text(encoding="utf-8")
        self.tags, self.attributes, self.text, self.islands = [], [], "", {}
        self._island = None
        self.feed(self.source)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        given = dict(attrs)
        self._island = given.get("id") if given.get("type") == "application/json" else None

    def handle_endtag(self, tag):
        self._island = None

    def handle_data(self, data):
        if self._island:
            self.islands[self._island] = json.loads(data)
        else:
            self.text += data

    @property
    def scene(self) -> dict:
        return self.islands["scene"]


def pages_of(folder, table, natoms=4) -> dict[str, Page]:
    """The pages of all reactions of a table, by name."""
    made.write_geometries(folder, table, natoms)
    which = list(dict.fromkeys(zip(table["set"], table["reaction"], strict=True)))
    reaction_pages.write(Results(folder), folder / "report", which)
    return {
        name: Page(folder / "report" / "reactions" / f"{slug(owner, name)}.html")
        for owner, name in which
    }


def coordinates(curve: dict, natoms: int) -> np.ndarray:
    """Geometries of a curve as a browser reads them."""
    raw = np.frombuffer(base64.b64decode(curve["coordinates"]), "<i2")
    return raw.reshape(-1, natoms, 3) * curve["step"]


def run_of(page: Page, method: str) -> dict:
    return next(run for run in page.scene["runs"] if run["method"] == method)


def curve_of(run: dict, kind: str) -> dict:
    return next(curve for curve in run["tracks"] if curve["kind"] == kind)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    return pages_of(tmp_path_factory.mktemp("results"), synthetic.runs(synthetic.NAMES, METHODS))


def test_a_page_has_every_run_with_its_verdict_in_words_and_its_reason(pages):
    runs = synthetic.runs(synthetic.NAMES, METHODS)
    assert len(pages) == len(synthetic.NAMES)
    for row in runs.itertuples():
        page = pages[row.reaction]
        assert MEANING[row.verdict] in page.text
        assert row.reason in page.text
        assert f"{row.method} {row.seed}" in [v for k, v in page.attributes if k == "data-show"]


def test_both_sides_are_drawn_and_the_literature_is_named(pages):
    for page in pages.values():
        assert page.tags.count("svg") == 2
        assert "A <b>book</b>" in page.text


def test_frames_of_a_path_lie_where_its_profile_says(pages):
    curve = curve_of(run_of(pages["cope"], "neb"), "path")
    frames = coordinates(curve, 4)
    assert len(frames) == len(curve["at"]) <= 43
    s = np.linspace(0, 1, 61)[curve["at"]]
    for x, where in zip(frames, s, strict=True):
        expected = made.positions(made.LEFT + where * (made.RIGHT - made.LEFT))
        assert rmsd(x, expected) < 6e-3  # a spline through eleven points of a circle


def test_arc_length_is_zero_at_the_highest_point_and_negative_towards_the_reactant(pages):
    curve = curve_of(run_of(pages["cope"], "neb"), "path")
    top = int(np.argmax(curve["energies"]))
    assert curve["arc"][top] == 0
    assert curve["arc"] == sorted(curve["arc"])
    assert curve["energies"][0] == 0


def test_all_curves_and_saddles_are_turned_alike(pages):
    page = pages["claisen"]
    saddle = np.reshape(run_of(page, "reference")["saddle"]["positions"], (-1, 3))
    for run in page.scene["runs"]:
        np.testing.assert_allclose(
            np.reshape(run["saddle"]["positions"], (-1, 3)), saddle, atol=1e-5
        )
        for curve in run["tracks"]:
            top = curve["at"].index(int(np.argmax(curve["energies"])))
            np.testing.assert_allclose(coordinates(curve, 4)[top], saddle, atol=2e-3)


def test_the_saddles_mode_turns_with_it_and_its_distances_keep_their_digits(pages):
    saddle = run_of(pages["claisen"], "neb")["saddle"]
    x, mode = (np.reshape(saddle[key], (-1, 3)) for key in ("positions", "mode"))
    ahead = x + 1e-3 * mode
    expected = made.positions(0) + 1e-3 * made.mode()
    for a, b in ((x, made.positions(0)), (ahead, expected)):
        np.testing.assert_allclose(
            np.linalg.norm(a[:, None] - a, axis=2),
            np.linalg.norm(b[:, None] - b, axis=2),
            atol=3e-6,
        )
    assert run_of(pages["claisen"], "reference")["saddle"]["frequency"] in (1234, 1235)


def test_the_row_that_is_downloaded_is_that_of_the_table(pages):
    page = pages["cope"]
    row = dict(zip(page.scene["columns"], run_of(page, "neb")["row"], strict=True))
    runs = synthetic.runs(synthetic.NAMES, METHODS)
    (expected,) = runs[(runs.reaction == "cope") & (runs.method == "neb")].to_dict("records")
    assert row["verdict"] == expected["verdict"]
    assert float(row["barrier_eV"]) == expected["barrier_eV"]


def test_a_hostile_name_is_text_on_its_page_in_its_island_and_in_its_file_name(tmp_path):
    table = synthetic.runs(HOSTILE, METHODS[:2])
    table["reason"] = [f"{name} went wrong" for name in table.reaction]
    pages = pages_of(tmp_path, table)
    assert len(pages) == len(HOSTILE)
    for name, page in pages.items():
        assert "img" not in page.tags
        assert not [key for key, _ in page.attributes if key.startswith("on")]
        assert page.tags.count("script") == page.source.count("</script>") == 6
        for kind in ("path", "irc"):
            solved = [run for run in page.scene["runs"][1:] if run["verdict"] == "intended"]
            assert all(curve_of(run, kind) for run in solved), name
        assert name.isprintable() <= (" ".join(name.split()) in " ".join(page.text.split()))
    for file in (tmp_path / "report" / "reactions").iterdir():
        assert re.fullmatch(r"[a-z0-9-]{1,59}\.html", file.name)


def test_a_hostile_names_comment_is_read_back_as_it_was(tmp_path):
    name = 'comma, "quote" <script>'
    (page,) = pages_of(tmp_path, synthetic.runs([name], ["neb"])).values()
    file = tmp_path / "again.xyz"
    file.write_text(f"1\nProperties=species:S:1:pos:R:3 {page.scene['info']}\nH 0.0 0.0 0.0\n")
    (atoms,) = read_frames(file)
    assert atoms.info["reaction"] == name
    assert (atoms.info["charge"], atoms.info["multiplicity"]) == (0, 1)


def test_refused_ends_have_a_page_that_says_why_and_runs_no_script(tmp_path):
    table = synthetic.bad_endpoints()
    synthetic.write_results(tmp_path, table)
    reaction_pages.write(Results(tmp_path), tmp_path / "report", [("made-up", "merged")])
    page = Page(tmp_path / "report" / "reactions" / f"{slug('made-up', 'merged')}.html")
    assert "both ends relax into one minimum" in page.text
    assert "No geometry is known" in page.text
    assert "script" not in page.tags


def test_pages_point_to_their_neighbours_and_only_those_asked_for_are_written(tmp_path):
    made.write_geometries(tmp_path, synthetic.runs(synthetic.NAMES, ["neb"]))
    which = [("made-up", name) for name in synthetic.NAMES[1:4]]
    reaction_pages.write(Results(tmp_path), tmp_path / "report", which)
    files = [f"{slug(*key)}.html" for key in which]
    assert sorted(f.name for f in (tmp_path / "report" / "reactions").iterdir()) == sorted(files)
    middle = Page(tmp_path / "report" / "reactions" / files[1])
    links = [value for key, value in middle.attributes if key == "href"]
    assert files[0] in links
    assert files[2] in links


def test_only_files_of_jobs_that_had_a_wanted_reaction_are_opened(tmp_path, monkeypatch):
    made.write_geometries(tmp_path, synthetic.runs(synthetic.NAMES[:2], ["neb"]))
    place = tmp_path / "sets" / "made-up"
    write_rows(str(place / "endpoints" / "001.csv"), ["reaction"], [{"reaction": "another"}])
    (place / "paths" / "neb" / "001.xyz").write_text("not an XYZ file")
    opened, blocks = [], geometries.xyz_blocks
    monkeypatch.setattr(geometries, "xyz_blocks", lambda file: opened.append(file) or blocks(file))
    found = geometries.geometries(tmp_path, "made-up", ["cope"])
    assert list(found["cope"].paths) == [("neb", 0)]
    assert {file.name for file in opened} == {"000.xyz", "reference_irc.xyz"}


def test_damaged_and_missing_files_cost_what_they_held_and_no_more(tmp_path):
    table = synthetic.runs(["cope"], ["neb", "string"])
    made.write_geometries(tmp_path, table)
    place = tmp_path / "sets" / "made-up"
    (place / "paths" / "neb" / "000.xyz").write_text("3\nnonsense")
    (place / "irc" / "string" / "000.xyz").unlink()
    (tmp_path / "saddles.xyz").unlink()
    reaction_pages.write(Results(tmp_path), tmp_path / "report", [("made-up", "cope")])
    page = Page(tmp_path / "report" / "reactions" / f"{slug('made-up', 'cope')}.html")
    kinds = {run["method"]: [c["kind"] for c in run["tracks"]] for run in page.scene["runs"]}
    assert kinds == {"reference": ["irc"], "neb": ["irc"], "string": ["path"]}


def chained(folder):
    """A reaction of two steps, R -> I1 -> P, whose second step begins 0.2 eV above R."""
    table = synthetic.runs(["cope"], ["neb"]).assign(verdict="half-intended")
    made.write_geometries(folder, table)
    common = {"set": "made-up", "reaction": "cope", "method": "neb", "seed": 0}
    frames = []
    for number, (start, end, lift, height) in enumerate(
        (("R", "I1", 0, 0.7), ("I1", "P", 0.2, 0.5))
    ):
        step = {"step": number + 1, "from": start, "to": end, "role": "coordinate"}
        energies = made.energies(9, height) + lift
        frames += [
            frame(made.numbers(4), x, energy=energy, **common, **step)
            for x, energy in zip(made.along(9), energies, strict=True)
        ]
    write_frames(folder / "chains.xyz", frames)
    common |= {"chain": "R -> I1 -> P", "complete": True, "highest_saddle_eV": 0.7}
    rows = [
        common | {"step": 1, "step_from": "R", "step_to": "I1", "barrier_eV": 0.7},
        common | {"step": 2, "step_from": "I1", "step_to": "P", "barrier_eV": 0.5},
    ]
    rows = [row | {"saddle_eV": 0.7, "minimum_eV": 0.2, "conformer_eV": 0.03} for row in rows]
    write_rows(str(folder / "chains.csv"), CHAIN_COLUMNS, rows)
    return folder


def test_a_chain_of_steps_is_one_profile_with_its_minima_and_saddles_named(tmp_path):
    results, key = Results(chained(tmp_path)), ("made-up", "cope")
    reaction_pages.write(results, tmp_path / "report", [key])
    page = Page(tmp_path / "report" / "reactions" / f"{slug(*key)}.html")
    chain = curve_of(run_of(page, "neb"), "chain")
    names = {what: chain["energies"][place] for place, what in chain["marks"]}
    assert list(names) == ["R", "TS1", "I1", "TS2", "P"]
    assert names["TS1"] == pytest.approx(0.7, abs=1e-4)
    assert names["I1"] == pytest.approx(0.2, abs=1e-4)
    assert names["TS2"] == pytest.approx(0.7, abs=1e-4)
    assert chain["arc"] == sorted(chain["arc"])
    assert "No single step by any of 1 method" in page.text
    assert "R -> I1 -> P" in page.text
    assert "0.500 eV (11.5 kcal/mol)" in page.text
    assert "0.030 eV (0.7 kcal/mol)" in page.text


def test_several_ways_are_a_table_the_lowest_first_and_hostile_names_are_text(tmp_path):
    folder = chained(tmp_path)
    common = {"set": "made-up", "reaction": "cope", "method": "neb", "seed": 0, "searches": 4}
    rows = [
        common | {"way": 1, "chain": "R -> P", "highest_saddle_eV": 0.5, "met": 3},
        common | {"way": 2, "chain": "R -> I1 -> P", "highest_saddle_eV": 0.7, "met": 1},
    ]
    rows = [row | {"starts": "<b>idpp</b>"} for row in rows]
    write_rows(str(folder / "ways.csv"), WAY_COLUMNS, rows)
    key = ("made-up", "cope")
    reaction_pages.write(Results(folder), tmp_path / "report", [key])
    page = Page(tmp_path / "report" / "reactions" / f"{slug(*key)}.html")
    assert page.text.index("3 of 4") < page.text.index("1 of 4")
    assert "0.500 eV (11.5 kcal/mol)" in page.text
    assert "<b>idpp</b>" in page.text
    shown = reaction_text(folder, read_runs(folder / "runs.csv"), "cope")
    assert "neb: 0.500, R -> P, met 3 of 4 times: <b>idpp</b>" in shown


def test_the_parts_of_a_chain_are_turned_onto_each_other():
    parts = [track("irc", made.along(9), made.energies(9, 1.0), made.positions(0)) for _ in "ab"]
    whole = joined(parts, ["R", "I1", "P"])
    end, start = whole.positions[8], whole.positions[9]
    assert np.linalg.norm(start - end) <= np.linalg.norm(parts[1].positions[0] - end) + 1e-9
    assert whole.arc[9] == pytest.approx(whole.arc[8])


def test_coordinates_beyond_32_angstrom_are_counted_in_larger_steps():
    far = np.array([[[0.0, 1.0, -80.0], [80.0, 0.0, 0.123]]])
    values = packed(far)
    raw = np.frombuffer(base64.b64decode(values["coordinates"]), "<i2").reshape(far.shape)
    np.testing.assert_allclose(raw * values["step"], far, atol=values["step"])
    assert packed(far / 10)["step"] == 1e-3


def test_seventy_pages_of_ten_methods_and_16_atoms_stay_below_15_megabytes(tmp_path):
    methods = [*METHODS, *"idpp neural-residual neural-action neural-maxflux dmf retry".split()]
    (page,) = pages_of(tmp_path, synthetic.runs(["cope"], methods), natoms=16).values()
    assert 70 * len(page.source.encode()) < 15e6


def test_scripts_and_libraries_are_links_and_no_page_has_markup_that_runs(pages):
    for page in pages.values():
        sources = [value for key, value in page.attributes if key == "src"]
        assert all(source.startswith("../assets/") for source in sources)
        assert "../assets/vendor/3Dmol-min.js" in sources
        assert html.escape("script-src 'self' file:", quote=False) in html.unescape(page.source)
