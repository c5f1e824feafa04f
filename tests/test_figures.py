"""Every figure that is found is tested here, a new one by its file alone."""

import json
import time
import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import pytest
import synthetic

from mepbench.config import SHIPPED_CONFIG
from mepbench.errors import InputError
from mepbench.files.metrics import METRICS
from mepbench.reporting.figures import KINDS, Results, caption, figure_files, load_plot, render
from mepbench.reporting.plotting import SMALLEST, WIDTH, house_style, shown
from mepbench.reporting.strips import spread
from mepbench.reporting.styles import COLORS, MARKERS, SHIPPED, style, styles

FIGURES = sorted(figure_files())
REQUIRED = {
    "solved",
    "barrier_error",
    "saddle_error",
    "wall_clock",
    "energy_profile",
    "mueller_brown",
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Five methods on three reactions, and one whose endpoints were refused."""
    methods = synthetic.METHODS[:5]
    parts = [
        synthetic.runs(synthetic.NAMES[:3], methods),
        synthetic.bad_endpoints(methods=methods),
    ]
    table = pd.concat(parts, ignore_index=True)
    return Results(synthetic.write_results(tmp_path_factory.mktemp("results"), table))


def texts(figure) -> str:
    """Everything that is written in a figure."""
    from matplotlib.text import Text

    return "\n".join(text.get_text() for text in figure.findobj(Text))


def draw(name, folder, table, tmp_path):
    """Draw a figure of a table of runs, save it once, return it."""
    found = Results(synthetic.write_results(folder, table))
    with house_style():
        figure = load_plot(name)(found)
        figure.savefig(tmp_path / "figure.svg")
    return figure


def test_the_figures_of_the_paper_are_found():
    assert set(FIGURES) >= REQUIRED


@pytest.mark.parametrize("name", FIGURES)
def test_figure_has_a_caption_of_one_paragraph(name):
    words = caption(name)
    assert "\n" not in words
    assert 100 < len(words) < 1500


@pytest.mark.parametrize("name", FIGURES)
def test_figure_is_the_same_file_whenever_it_is_rendered(name, results, tmp_path):
    first = [file.read_bytes() for file in render(name, results, tmp_path)]
    time.sleep(1.1)  # time stamps count seconds
    again = render(name, Results(results.folder), tmp_path)
    assert [file.suffix for file in again] == [f".{kind}" for kind in KINDS]
    assert [file.read_bytes() == old for file, old in zip(again, first, strict=True)] == [True] * 3


@pytest.mark.parametrize("name", FIGURES)
def test_figure_of_no_run_at_all_says_so(name, tmp_path):
    figure = draw(name, tmp_path, synthetic.runs([]), tmp_path)
    assert "No " in texts(figure)


def crowd(kind):
    """Tables that fill a figure: many reactions, more methods than colours, few of each."""
    reactions = [f"reaction-{i}" for i in range(30)]
    return {
        "many reactions": lambda: synthetic.runs(reactions, synthetic.METHODS),
        "many methods": lambda: synthetic.runs(synthetic.NAMES, MANY[:26]),
        "long names": lambda: synthetic.runs(["r" * 300], ["my-own-band-" * 9, "another-" * 12]),
        "few": lambda: synthetic.runs(synthetic.NAMES[:1], ["neb"]),
    }[kind]()


@pytest.fixture
def written(monkeypatch):
    """What is written while a figure is drawn: each text and its extent in pixels."""
    from matplotlib.text import Text

    found, draw = {}, Text.draw

    def noted(self, renderer):
        draw(self, renderer)
        if self.get_visible() and self.get_text().strip():
            found[self] = self.get_window_extent(renderer)

    monkeypatch.setattr(Text, "draw", noted)
    return found


@pytest.mark.parametrize("kind", ["many reactions", "many methods", "long names", "few"])
@pytest.mark.parametrize("name", FIGURES)
def test_texts_are_apart_inside_and_readable_in_a_column(name, kind, written, tmp_path):
    found = Results(synthetic.write_results(tmp_path, crowd(kind)))
    with house_style():
        figure = load_plot(name)(found)
        figure.draw_without_rendering()
    assert figure.get_figwidth() == WIDTH == 3.3
    width, height = figure.get_size_inches() * 100
    texts = list(written)
    for text, extent in written.items():
        assert text.get_fontsize() >= SMALLEST, text
        assert min(extent.x0, extent.y0) > -2, text
        assert max(extent.x1 - width, extent.y1 - height) < 2, text
    boxes = np.array([extent.padded(-1).extents for extent in written.values()])
    for i, (x0, y0, x1, y1) in enumerate(boxes):
        low, high = boxes[i + 1 :, :2], boxes[i + 1 :, 2:]
        over = (low < [x1, y1]).all(axis=1) & (high > [x0, y0]).all(axis=1)
        assert not over.any(), (texts[i], [texts[i + 1 + k] for k in np.flatnonzero(over)])


@pytest.mark.parametrize("name", FIGURES)
def test_labels_of_axes_come_from_the_metrics(name, results):
    known = {metric.axis for metric in METRICS.values()}
    known |= {f"Median {label[0].lower()}{label[1:]}" for label in known}
    figure = load_plot(name)(results)
    axes = [*figure.axes, *(child for each in figure.axes for child in each.child_axes)]
    labels = [each.get_xlabel() for each in axes] + [each.get_ylabel() for each in axes]
    labels += [figure.get_supxlabel(), figure.get_supylabel()]
    assert {" ".join(label.split()) for label in labels if label} <= known | {"kcal/mol"}


def test_methods_of_equal_rank_are_drawn_side_by_side(tmp_path):
    table = synthetic.runs(["a", "b"], ["neb", "string", "gad"]).assign(verdict="intended")
    figure = load_plot("ranks")(Results(synthetic.write_results(tmp_path, table)))
    lines = {line.get_color(): line.get_xdata() for line in figure.axes[0].lines[::-1]}
    firsts = [lines[style_of.color][0] for style_of in styles(["neb", "string", "gad"]).values()]
    assert firsts == [1, 2, 3]


@pytest.mark.filterwarnings("ignore:Glyph")  # a script that the font lacks is drawn as boxes
@pytest.mark.parametrize("name", FIGURES)
def test_figure_bears_hostile_names(name, tmp_path):
    methods = synthetic.METHODS[:3]
    # One reaction only is named in a figure, so that each name has its turn there.
    several = [[reaction] for reaction in synthetic.HOSTILE]
    for names in several if name == "energy_profile" else [synthetic.HOSTILE]:
        draw(name, tmp_path, synthetic.runs(names, methods), tmp_path)
        ElementTree.parse(tmp_path / "figure.svg")


@pytest.mark.parametrize("name", FIGURES)
def test_figure_bears_that_nothing_was_solved_or_accepted(name, tmp_path):
    methods = synthetic.METHODS[2:4]
    failed = synthetic.runs(["a"], methods).assign(verdict="other", self_reference=False)
    failed = failed.assign(barrier_error_eV=None, path_barrier_error_eV=None)
    draw(name, tmp_path, failed, tmp_path)
    draw(name, tmp_path, synthetic.bad_endpoints(methods=methods), tmp_path)


@pytest.mark.parametrize("name", FIGURES)
def test_figure_bears_one_method_with_several_seeds(name, tmp_path):
    draw(name, tmp_path, synthetic.runs(["a", "b"], ["neb"], seeds=(0, 1, 2)), tmp_path)


def test_share_solved_counts_failures_but_not_refused_endpoints(tmp_path):
    table = synthetic.runs(["a", "b", "c", "d"], ["neb"])
    table["verdict"] = ["intended", "budget", "intended", "bad-endpoints"]
    table["gradients_path"], table["gradients_refine"] = [90, 500, 40, None], [10, None, 10, None]
    figure = draw("solved", tmp_path, table, tmp_path)
    curve = figure.axes[0].lines[0]
    np.testing.assert_array_equal(curve.get_xdata()[1:-1], [50, 100])
    np.testing.assert_allclose(curve.get_ydata(), [0, 1 / 3, 2 / 3, 2 / 3])
    assert "neb (2/3)" in texts(figure)


def test_the_profile_shows_the_largest_of_the_reactions_solved_by_most_methods(tmp_path):
    table = synthetic.runs(["small", "middle", "large"], ["neb", "string"])
    table["verdict"] = ["intended"] * 5 + ["other"]
    assert "middle" in texts(draw("energy_profile", tmp_path, table, tmp_path))


def test_the_guess_is_what_the_cut_of_the_tangency_defect_refers_to(tmp_path):
    table = synthetic.runs(["a"], ["geodesic", "neb"])
    table["tangency_defect_eV"] = [0.8, 0.1]
    figure = draw("tangency", tmp_path, table, tmp_path)
    drawn = [c.get_offsets() for c in figure.axes[1].collections if len(c.get_offsets())]
    np.testing.assert_allclose(np.concatenate(drawn)[:, 0], [8.0])


def curves(figure):
    """Markers of each labelled line: its label, x and y."""
    return {
        line.get_label(): (line.get_xdata(), line.get_ydata())
        for line in figure.axes[0].lines
        if not line.get_label().startswith("_")
    }


def test_methods_that_differ_only_in_budget_are_one_curve_of_the_tangency_defect(tmp_path):
    table = synthetic.runs(["a", "b", "c"], ["neb-100", "neb-50", "string", "gad"])
    table["gradients_path"] = [90, 40, 70, 10, 100, 50, 80, 10, 95, 45, 90, 10]
    table["tangency_defect_eV"] = [0.1, 0.4, 0.3, None, 0.2, 0.8, None, None, 0.3, 0.6, None, None]
    folder = synthetic.write_results(tmp_path, table)
    manifest = json.loads((folder / "provenance.json").read_text())
    manifest["config"]["methods"] = {
        "neb-100": {"solver": "neb", "budget": {"path": 100}},
        "neb-50": {"solver": "neb", "budget": {"path": 50}},
        "string": {"solver": "string"},
        "gad": {"solver": "gad"},
    }
    (folder / "provenance.json").write_text(json.dumps(manifest))
    drawn = curves(load_plot("tangency_cost")(Results(folder)))
    assert list(drawn) == ["neb (3)", "string (3)"]
    np.testing.assert_allclose(drawn["neb (3)"], [[45, 95], [0.6, 0.2]])
    assert not len(drawn["string (3)"][0])  # two of three runs have no path: no median


def test_without_budgets_each_method_is_one_point_in_its_own_style(results):
    figure = load_plot("tangency_cost")(results)
    drawn = curves(figure)
    assert len(drawn) == len(results.methods) - 1  # gad returns no path
    for line in figure.axes[0].lines:
        method = line.get_label().split(" ")[0]
        if method in results.methods:
            assert (line.get_color(), line.get_marker()) == (
                results.style(method).color,
                results.style(method).marker,
            )


MANY = [*synthetic.METHODS, *(f"mine-{k}" for k in range(40))]


def test_methods_differ_in_colour_symbol_or_line_and_those_that_ship_without_colour():
    looks = styles(MANY).values()
    assert len({(look.color, look.marker, str(look.linestyle)) for look in looks}) == len(MANY)
    assert len({(style(i).marker, str(style(i).linestyle)) for i in range(len(SHIPPED))}) == len(
        SHIPPED
    )


def test_no_two_methods_of_the_shipped_config_have_one_colour():
    import yaml

    methods = yaml.safe_load(SHIPPED_CONFIG.read_text(encoding="utf-8"))["methods"]
    assert len({look.color for look in styles(methods).values()}) == min(len(methods), len(COLORS))


@pytest.mark.parametrize("method", ["neb", "neural-surrogate", "mine-3", "日本"])
def test_a_method_has_one_look_whatever_else_is_in_the_run(method):
    alone = styles([method])[method]
    for others in (synthetic.METHODS, ["a", "b", "c"], reversed(MANY)):
        assert styles([*others, method])[method] == alone


def test_more_methods_than_looks_are_drawn_all_the_same():
    assert len(styles(str(k) for k in range(1000))) == 1000


def test_all_symbols_have_about_the_same_ink():
    from matplotlib.markers import MarkerStyle

    ink = []
    for symbol, size in MARKERS.items():
        marker = MarkerStyle(symbol)
        (outline,) = marker.get_path().transformed(marker.get_transform()).to_polygons()
        x, y = outline.T
        ink.append(size**2 * abs(np.sum(x * np.roll(y, 1) - y * np.roll(x, 1))) / 2)
    assert max(ink) < 2 * min(ink)


def test_neighbouring_methods_differ_in_brightness_on_grey_paper():
    from matplotlib.colors import to_rgb

    colors = np.array([to_rgb(color) for color in COLORS])
    luminance = colors @ [0.2126, 0.7152, 0.0722]  # ITU-R BT.709
    assert np.abs(np.diff(luminance)).min() > 0.1


# Colour seen without one kind of cone, linear RGB: G. M. Machado, M. M. Oliveira,
# L. A. F. Fernandes, IEEE Trans. Vis. Comput. Graph. 15, 1291 (2009), severity 1.
CONES = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


@pytest.mark.parametrize("kind", CONES)
def test_colours_differ_for_the_colour_blind(kind):
    from matplotlib.colors import to_rgb

    colors = np.array([to_rgb(color) for color in COLORS])
    linear = np.where(colors > 0.04045, ((colors + 0.055) / 1.055) ** 2.4, colors / 12.92)
    seen = np.clip(linear @ np.transpose(CONES[kind]), 0, 1)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    x, y, z = np.cbrt(np.maximum(seen @ np.transpose(to_xyz) / [0.9505, 1, 1.089], 1e-4)).T
    lab = np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)
    apart = np.linalg.norm(lab[:, None] - lab[None], axis=-1)[np.triu_indices(len(colors), 1)]
    assert apart.min() > 5  # CIELAB; 2.3 is a just noticeable difference


def test_jitter_fills_its_interval_without_chance():
    offsets = spread(63)
    assert np.abs(offsets).max() < 0.5
    np.testing.assert_allclose(np.diff(np.sort(offsets)), 1 / 64)


def test_a_name_is_shown_on_one_line():
    assert shown("a\nb\x1b[31m") == "a b [31m"
    assert len(shown("x" * 500)) == 60


def test_an_unknown_figure_is_an_error_that_names_the_known_ones(results, tmp_path):
    with pytest.raises(InputError, match="solved"):
        render("solve", results, tmp_path)
