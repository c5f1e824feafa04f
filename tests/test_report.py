"""The report: a folder of pages that hold everything, need no network, make markup of no name."""

import hashlib
import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
import synthetic

from mepbench.cli import main
from mepbench.files.shipped import WORKFLOW
from mepbench.registry import available
from mepbench.reporting import reaction_list
from mepbench.reporting.answer import sentences, standing, with_steps
from mepbench.reporting.described import described
from mepbench.reporting.figures import Results, caption, render
from mepbench.reporting.looks import DASHES, SYMBOLS, look
from mepbench.reporting.report import STATISTICS, build
from mepbench.reporting.site import PAGES, island, page, slug
from mepbench.reporting.verdicts import MEANING, ORDER
from mepbench.reporting.wording import CAPTIONS

METHODS = synthetic.METHODS[:5]
FILES = [file for _, _, file in PAGES]


class Tags(HTMLParser):
    """Collects the tags, the attributes and the text of a page."""

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


def read(folder: Path, file: str) -> str:
    return (folder / file).read_text(encoding="utf-8")


def report_of(folder: Path, table: pd.DataFrame) -> Path:
    """The folder of the report of a table of runs."""
    synthetic.write_results(folder, table.reset_index(drop=True))
    return build(folder, folder / "report").parent


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    """A results folder of six reactions, with one rendered figure."""
    table = pd.concat(
        [synthetic.runs(methods=METHODS), synthetic.bad_endpoints(methods=METHODS)],
        ignore_index=True,
    )
    folder = synthetic.write_results(tmp_path_factory.mktemp("results"), table)
    render("solved", Results(folder), folder / "figures")
    return folder


@pytest.fixture(scope="module")
def report(results) -> Path:
    return build(results, results / "report").parent


def test_every_method_reaction_reason_and_origin_stands_on_its_page(results, report):
    runs = Results(results).runs
    for name in set(runs["reaction"]):
        assert html.escape(name) in read(report, "reactions.html")
    for reason in set(runs["reason"]):
        assert html.escape(reason) in read(report, "failures.html")
    for method in set(runs["method"]):
        for file in ("index.html", "methods.html", "statistics.html"):
            assert f">{method}<" in read(report, file)
        assert f"<h1>{method}</h1>" in read(report, f"methods/{slug(method)}.html")
    assert "0" * 40 in read(report, "origin.html")
    assert "torch 2.13.0" in read(report, "origin.html")


def test_statistics_have_their_captions_and_figures_theirs(report):
    text = Tags(read(report, "statistics.html")).text
    for name in STATISTICS:
        if name not in ("unsolved", "hardness"):
            assert CAPTIONS[name] in text
    assert caption("solved") in Tags(read(report, "figures.html")).text
    assert (report / "images" / "solved.pdf").exists()


def test_no_page_loads_anything_that_is_not_in_the_folder(report):
    for file in report.rglob("*.html"):
        tags = Tags(file.read_text(encoding="utf-8"))
        for name, value in tags.attributes:
            if name in ("src", "href") and not value.startswith("#"):
                assert file.parent.joinpath(value.split("#")[0]).exists(), (file.name, value)
        assert not {"iframe", "object", "embed"} & set(tags.tags)
        policies = [v for _, v in tags.attributes if "default-src 'none'" in (v or "")]
        assert len(policies) == 1
        assert "http" not in policies[0]


def test_no_script_stands_in_a_page_of_the_folder(report):
    for file in report.rglob("*.html"):
        for attributes in re.findall("<script([^>]*)>", file.read_text(encoding="utf-8")):
            assert "src=" in attributes or 'type="application/json"' in attributes


def test_hostile_names_stay_text(tmp_path):
    table = synthetic.runs(synthetic.HOSTILE, ["neb", "string"])
    table["verdict"] = ["intended", "error"] * len(synthetic.HOSTILE)
    table["reason"] = [f"{name} went wrong" for name in table.reaction]
    table["below_reference"] = True
    folder = report_of(tmp_path, table)
    for file in [*folder.glob("*.html"), *folder.glob("*/*.html")]:
        text = file.read_text(encoding="utf-8")
        assert "<script>alert" not in text, file.name
        assert "\x1b" not in text
        assert "img" not in Tags(text).tags
    seen = Tags(read(folder, "reactions.html"))
    for name in synthetic.HOSTILE[:6]:
        assert name in seen.text
    assert html.escape("<script>alert(1)</script>") in read(folder, "index.html")


def test_pages_are_the_same_each_time_and_name_their_tags_in_pairs(results, report, tmp_path):
    again = build(results, tmp_path / "again").parent
    for file in FILES:
        text = read(report, file)
        assert read(again, file) == text
        for tag in "table tr td section figure ul dl details div p".split():
            assert len(re.findall(f"<{tag}[ >]", text)) == text.count(f"</{tag}>"), (file, tag)


def test_building_again_leaves_nothing_of_the_last_time_and_all_that_is_not_its_own(
    results, tmp_path
):
    (tmp_path / "methods").mkdir()
    (tmp_path / "methods" / "old.html").write_text("of a method that is gone")
    (tmp_path / "gallery").mkdir()
    (tmp_path / "gallery" / "here.html").write_text("of another rule")
    build(results, tmp_path)
    assert not (tmp_path / "methods" / "old.html").exists()
    assert (tmp_path / "gallery" / "here.html").exists()


def test_the_report_of_no_run_says_so(tmp_path):
    folder = report_of(tmp_path, synthetic.runs([]))
    assert "nothing was compared" in read(folder, "index.html")
    assert "No figure was rendered" in read(folder, "figures.html")
    assert "No reaction was run" in read(folder, "reactions.html")


def test_one_reaction_has_no_statistics_and_the_page_says_why(tmp_path):
    folder = report_of(tmp_path, synthetic.runs(["cope"], ["neb", "string"]))
    statistics = read(folder, "statistics.html")
    assert 'id="summary"' in statistics
    for name in ("intervals", "pairwise", "ranks", "hardness"):
        assert f'id="{name}"' not in statistics
        assert f"{STATISTICS[name]}: it needs" in statistics
    landing = read(folder, "index.html")
    assert "data-chart" not in landing
    assert "Left out" in landing
    assert "not which of them is better" in landing


def test_refused_endpoints_stand_once_with_their_reason(tmp_path):
    table = pd.concat([synthetic.runs(["cope"], ["neb"]), synthetic.bad_endpoints()])
    folder = report_of(tmp_path, table)
    assert Tags(read(folder, "failures.html")).text.count("both ends relax into one minimum") == 2
    assert "1 more reaction was refused" in " ".join(Tags(read(folder, "index.html")).text.split())


def test_of_very_many_reactions_those_that_fail_or_were_asked_for_have_pages(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(reaction_list, "MOST_PAGES", 3)
    names = [f"reaction {at}" for at in range(8)]
    table = synthetic.runs(names, ["neb", "string"])
    table["verdict"] = "intended"
    table.loc[table.reaction == "reaction 5", "verdict"] = "other"
    synthetic.write_results(tmp_path, table)
    assert reaction_list.pages_for(Results(tmp_path), []) == [("made-up", "reaction 5")]
    assert main(["report", str(tmp_path), "--reaction", "reaction 2"]) == 0
    folder = Path(capsys.readouterr().out.strip()).parent
    assert sorted(f.name for f in (folder / "reactions").iterdir()) == sorted(
        f"{slug('made-up', name)}.html" for name in ("reaction 2", "reaction 5")
    )
    text = " ".join(Tags(read(folder, "reactions.html")).text.split())
    assert "2 reactions: at most 3 of those that the fewest runs solve, and those asked for" in text


def test_a_report_of_nothing_is_one_clear_error(tmp_path, capsys):
    assert main(["report", str(tmp_path)]) == 2
    assert "nothing was run here" in capsys.readouterr().err


def runs_of(**verdicts: str) -> pd.DataFrame:
    """Runs of methods whose verdict on reaction k is the k-th letter: i(ntended) or o(ther)."""
    parts = []
    for at, (method, letters) in enumerate(verdicts.items()):
        part = synthetic.runs([f"r{k}" for k in range(len(letters))], [method])
        part["verdict"] = ["intended" if letter == "i" else "other" for letter in letters]
        part["gradients_path"], part["gradients_refine"] = 10 * (at + 1), 5
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        (runs_of(a="iiii", b="iioo"), "**a** solves most: **4 of 4** reactions, ahead of **b**"),
        (runs_of(a="iio", b="iio"), "Both methods solve equally many: **2 of 3** reactions"),
        (runs_of(a="ii", b="ii", c="io"), "Two of the three methods solve all **2** reactions"),
        (runs_of(a="oo", b="oo"), "None of the two methods solved any reaction"),
        (runs_of(a="iii", b="iio"), "**a** costs least: **15 gradient evaluations** to the saddle"),
        (runs_of(a="iio", b="iii"), "while it solves 2 of 3; next is **b** with 25"),
        (runs_of(a="oo", b="oo"), "none has a typical cost"),
        (runs_of(a="i", b="i"), "one reaction can show how the methods work, but not which"),
        (runs_of(a="i" * 20, b="o" * 20), "the other method solves significantly fewer reactions"),
        (runs_of(a="i" * 20, b="i" * 20), "no difference in what they solve is significant, but "
                                          "the other method costs significantly more"),
        (runs_of(a="i" * 12, b="i" * 12), "**between 76% and 100%**"),
        (runs_of(a="iio"), "**a** solves **2 of 3** reactions, at **15 gradient evaluations**"),
    ],
)  # fmt: skip
def test_the_answer_is_said_in_words(runs, said):
    assert said in " ".join(sentences(standing(runs)))


def test_chains_of_steps_are_told_of_where_they_explain_more_than_single_steps():
    summed = pd.DataFrame(
        {"method": ["a", "b", "c"], "runs": 12, "share_intended": [10 / 12, 9 / 12, 8 / 12],
         "explained": [10, 12, 12], "share_explained": [10 / 12, 1, 1],
         "gradients_explained_median": [20.0, 45.0, 99.0]}
    )  # fmt: skip
    assert with_steps(summed) == [
        "With chains of proven steps **b** explains **12 of 12**, at 45 evaluations in the median."
    ]
    assert with_steps(summed.assign(share_explained=summed.share_intended)) == []
    assert with_steps(pd.DataFrame()) == []


def test_methods_describe_themselves_with_their_options():
    for name in available("methods"):
        of = described("methods", name)
        assert of.summary.endswith("."), name
        assert of.file == f"{name.replace('-', '_')}.py"
    neb = described("methods", "neb", {"solver": "neb", "spring": 5.0})
    spring = next(option for option in neb.options if option.name == "spring")
    assert (spring.value, spring.default, spring.meaning) == ("5.0", False, "eV/angstrom^2")
    gone = described("methods", "./gone.py", {"solver": "./gone.py", "steps": 3})
    assert (gone.summary, gone.file) == ("", "gone.py")
    assert [(o.name, o.value) for o in gone.options] == [("steps", "3")]


def test_every_verdict_has_words():
    assert set(ORDER) == set(MEANING)


def test_a_method_looks_alike_on_paper_and_on_the_page():
    from mepbench.reporting import plotting

    results = Results(Path())
    object.__setattr__(results, "__dict__", {"methods": [f"m{at}" for at in range(40)]})
    for name in results.methods:
        style = results.style(name)
        assert style.marker in SYMBOLS
        found = look(style)
        assert found["color"] == style.color
        assert found["dash"] in DASHES.values() or "px" in found["dash"]
    chart = read(WORKFLOW / "report", "chart.js")
    colors = (
        getattr(plotting, "COLORS", None)
        or __import__("mepbench.reporting.styles", fromlist=["COLORS"]).COLORS
    )
    assert all(f'"{color}": "#' in chart for color in colors if color != "#E69F00")


def test_file_names_are_plain_short_and_told_apart():
    names = [*synthetic.HOSTILE, "", "A", "a", "x" * 300, "x" * 301, "é", "\ud800"]
    found = [slug("set", name) for name in names]
    assert len({name.lower() for name in found}) == len(names)
    assert all(re.fullmatch(r"[a-z0-9-]{10,59}", name) for name in found)
    assert slug("s", "cope") != slug("t", "cope")
    assert slug("s", "Hydroxymethylene-formaldehyde").startswith("hydroxymethylene-formaldehyde-")


def test_islands_end_neither_their_element_nor_a_line():
    value = {"<!--": ["</script><script>&", "\u2028\u2029", float("nan"), float("inf"), 0.5]}
    text = str(island(value, "here"))
    inside = re.fullmatch(r'<script type="application/json" id="here">(.*)</script>', text)[1]
    assert not set("<>&\u2028\u2029") & set(inside)
    assert json.loads(inside) == {"<!--": ["</script><script>&", "\u2028\u2029", None, None, 0.5]}


def test_a_single_file_holds_what_it_runs_and_its_policy_names_that_alone():
    text = page("methods.html", inline=True, scripts=["table.js"], title="t", heading="h",
                listing=type("None", (), {"rows": []}))  # fmt: skip
    assert "<link" not in text
    assert "src=" not in re.sub("script-src|style-src|img-src", "", text.split("</head>")[0])
    source = re.search("<script>(.*?)</script>", text, re.DOTALL)[1]
    digest = __import__("base64").b64encode(hashlib.sha256(source.encode()).digest()).decode()
    assert f"script-src &#39;sha256-{digest}&#39;;" in text


def test_what_is_bundled_is_what_its_list_says_with_its_licence():
    vendor = WORKFLOW / "report" / "vendor"
    listed = json.loads((vendor / "versions.json").read_text(encoding="utf-8"))
    kept = {"versions.json", *listed, *(entry["licence_file"] for entry in listed.values())}
    assert {file.name for file in vendor.iterdir()} == kept
    for name, entry in listed.items():
        assert hashlib.sha256((vendor / name).read_bytes()).hexdigest() == entry["sha256"]
        assert (vendor / entry["licence_file"]).stat().st_size > 500
