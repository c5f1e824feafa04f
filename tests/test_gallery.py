"""The gallery shows every reaction of a set, needs no network, and no name in it is markup."""

import html
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import synthetic
from ase import Atoms
from ase.build import molecule

from mepbench.cli import main
from mepbench.files.frames import frame, write_frames
from mepbench.files.tidy import read_rows
from mepbench.molecule.stereo import bonds
from mepbench.reaction import Entry, read_set
from mepbench.reporting import gallery, report
from mepbench.reporting.depiction import depict
from mepbench.reporting.perception import perceived

HCN = np.array([6, 7, 1])
ENDS = {
    "reactant": np.array([[0, 0, 0], [0, 0, 1.15], [0, 0, -1.07]]),
    "product": np.array([[0, 0, 0], [0, 0, 1.17], [0, 0, 2.17]]),
}


class Page(HTMLParser):
    """The tags, attributes, text and rows of a page."""

    def __init__(self, file):
        super().__init__()
        self.tags, self.attributes, self.text, self.rows = [], [], "", []
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag == "tr" and attrs:
            self.rows.append(dict(attrs)["id"])

    def handle_data(self, data):
        self.text += data


def structure_set(file, names):
    """A set of structures alone: HCN becomes HNC under each of the names."""
    frames = [
        frame(HCN, x, reaction=name, role=role, set="s")
        for name in names
        for role, x in ENDS.items()
    ]
    write_frames(file, frames)
    return str(file)


def test_every_reaction_of_a_set_from_smiles_is_on_its_page_with_both_sides_drawn(tmp_path):
    page = Page(gallery.build("quick", tmp_path))
    entries = read_set("quick", "quick")
    assert len(page.rows) == len(entries)
    assert page.tags.count("svg") == 2 * len(entries)
    for entry in entries:
        for text in (entry.name, entry.reaction_class, entry.literature):
            assert text in page.text
    rows = {row["reaction"]: row for row in read_rows(str(tmp_path / "reactions.csv"))}
    assert rows["sn2-chloride-chloromethane"]["charge"] == "-1"
    assert rows["fluoroethane-elimination"]["formula"] == "C2H5F"
    assert rows["fluoroethane-elimination"]["natoms"] == "8"
    assert float(rows["hcn-isomerisation"]["barrier_eV"]) == pytest.approx(3.175, abs=0.01)


def test_a_set_of_structures_alone_is_drawn(tmp_path):
    page = Page(gallery.build(structure_set(tmp_path / "set.xyz", ["a", "b"]), tmp_path / "g"))
    assert page.rows == ["r1", "r2"]
    assert page.tags.count("svg") == 4


def test_bond_orders_of_structures_are_perceived():
    triple = perceived(HCN, ENDS["reactant"], bonds(HCN, ENDS["reactant"]), 0)
    orders = sorted(bond.GetBondTypeAsDouble() for bond in triple.GetBonds())
    assert orders == [1, 3]
    ion = molecule("HCOOH")[:-1]
    carboxylate = perceived(ion.numbers, ion.positions, bonds(ion.numbers, ion.positions), -1)
    assert sum(atom.GetFormalCharge() for atom in carboxylate.GetAtoms()) == -1


def test_what_has_no_bond_orders_is_drawn_as_connectivity():
    methyl = molecule("CH3")
    pushed = methyl.positions + [[0, 0, 0]] + np.diag([0, 0.1, 0, 0])[:, :3]
    x = {"reactant": methyl.positions, "product": pushed}
    numbers = dict.fromkeys(x, methyl.numbers)
    drawing = depict(Entry("s", "r", "test", multiplicity=2, numbers=numbers, positions=x))
    assert not drawing.problem
    assert drawing.reactant.startswith("<svg")
    assert drawing.product.startswith("<svg")
    cluster = Atoms("Fe4", 2.3 * np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]]))
    found = perceived(
        cluster.numbers, cluster.positions, bonds(cluster.numbers, cluster.positions), 0
    )
    assert found.GetNumBonds() >= 3


def test_the_reaction_centre_is_marked_and_numbered_alike_on_both_sides():
    entry = next(e for e in read_set("quick", "quick") if e.name == "fluoroethane-elimination")
    drawing = depict(entry)

    def noted(svg):
        return len(re.findall(r"class='note'", svg)), len(
            re.findall("class='bond-[^>]*FFBF72", svg)
        )

    # H1-C2 and C3-F4 break, H1-F4 forms: four numbered atoms, two marked bonds, then one.
    assert noted(drawing.reactant) == (4, 2)
    assert noted(drawing.product) == (4, 1)


def test_hydrogens_that_make_a_stereoisomer_are_drawn():
    entries = {e.name: e for e in read_set("textbook", "textbook")}
    for name in ("ammonia-inversion", "diimide-isomerisation"):
        drawing = depict(entries[name])
        assert drawing.reactant != drawing.product
        assert len(re.findall(r"class='note'", drawing.reactant)) == 4


def test_hostile_names_stay_text(tmp_path):
    file = gallery.build(structure_set(tmp_path / "set.xyz", synthetic.HOSTILE), tmp_path / "g")
    text = file.read_text(encoding="utf-8")
    assert html.escape("<script>alert(1)</script>") in text
    assert "<script" not in text
    assert "\x1b" not in text
    page = Page(file)
    assert not {"script", "link", "iframe", "img", "object"} & set(page.tags)
    for name in synthetic.HOSTILE[:6]:
        assert name in page.text
    assert sorted(p.name for p in (tmp_path / "g").iterdir()) == ["index.html", "reactions.csv"]
    named = [row["reaction"] for row in read_rows(str(tmp_path / "g" / "reactions.csv"))]
    assert named == synthetic.HOSTILE


def test_a_page_loads_nothing(tmp_path):
    page = Page(gallery.build("quick", tmp_path))
    links = {value for name, value in page.attributes if name in ("src", "href")}
    assert links == {"#content", "reactions.csv"}
    (policy,) = (value for name, value in page.attributes if "default-src" in (value or ""))
    assert "default-src 'none'; script-src 'none';" in policy


def test_a_large_set_is_split_into_pages_that_hold_every_reaction_once(tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "PER_PAGE", 4)
    names = [f"reaction {i:02d}" for i in range(10)]
    spec = structure_set(tmp_path / "set.xyz", names)
    (tmp_path / "g").mkdir()
    (tmp_path / "g" / "page-9.html").write_text("of an earlier, larger set")
    gallery.build(spec, tmp_path / "g")
    files = sorted((tmp_path / "g").glob("*.html"))
    assert [f.name for f in files] == ["index.html", "page-2.html", "page-3.html"]
    pages = [Page(f) for f in files]
    assert [len(p.rows) for p in pages] == [4, 4, 2]
    assert sorted(re.findall(r"reaction \d\d", "".join(p.text for p in pages))) == names
    for p in pages:
        others = {v for n, v in p.attributes if n == "href" and v.endswith(".html")}
        assert len(others) == 2
        assert others < {f.name for f in files}


def test_what_cannot_be_drawn_keeps_its_row_and_says_why(tmp_path):
    file = tmp_path / "set.yaml"
    file.write_text("- {name: broken, smiles: 'C>>'}\n- {name: bad, smiles: '[H:1][C:2>>[H:1]'}\n")
    page = Page(gallery.build(str(file), tmp_path / "g"))
    assert len(page.rows) == 2
    assert "not of the form reactants" in page.text
    assert "svg" not in page.tags


@pytest.fixture
def results(tmp_path):
    """A results folder with two reactions, one of them solved by two of three methods."""
    table = synthetic.runs(["a", "b"], ["neb", "string", "gad"])
    table["verdict"] = ["intended", "intended", "other", "budget", "error", "other"]
    table["gradients_path"] = [100, 200, 5, 5, 5, 5]
    table["gradients_refine"] = [10, 20, 1, 1, 1, 1]
    folder = synthetic.write_results(tmp_path / "results", table)
    spec = structure_set(tmp_path / "set.xyz", ["a", "b", "not run"])
    (folder / "provenance.json").write_text(json.dumps({"sets": {"made-up": spec}}))
    (folder / "reference.csv").write_text(
        "set,reaction,reference_source,barrier_eV\nmade-up,a,run:neb:0,1.5\nmade-up,b,,\n"
    )
    return folder


def test_barrier_and_difficulty_come_from_the_run(results, tmp_path):
    page = Page(gallery.build("made-up", tmp_path / "g", results=results))
    assert len(page.rows) == 2
    assert "1.500 (34.6)" in page.text
    assert "2/3" in page.text
    assert "0/3" in page.text
    a, b = read_rows(str(tmp_path / "g" / "reactions.csv"))
    assert (a["methods_solved"], a["methods"], float(a["evaluations_median"])) == ("2", "3", 165)
    assert (b["methods_solved"], b["evaluations_median"], b["barrier_eV"]) == ("0", "", "")


def test_the_report_links_to_the_gallery_beside_it(results):
    folder = results / "report"
    drawn = Page(
        gallery.build("made-up", folder / "gallery" / "made-up", results=results, report="../../")
    )
    report.build(results, folder)
    links = [v for n, v in Page(folder / "reactions.html").attributes if n == "href"]
    assert "gallery/made-up/index.html" in links
    assert ("href", "../../index.html") in drawn.attributes


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["textbok"], "Did you mean 'textbook'"), (["quick", "--results", "nowhere"], "no finished")],
)
def test_a_gallery_of_nothing_is_one_clear_error(arguments, says, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["gallery", *arguments]) == 2
    assert says in capsys.readouterr().err


def test_the_command_writes_the_gallery_where_asked(tmp_path, capsys):
    assert main(["gallery", "quick", "-o", str(tmp_path / "here")]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "here" / "index.html")
    assert (tmp_path / "here" / "index.html").exists()
