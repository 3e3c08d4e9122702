"""Every page and notebook form is made of the same parts, and of data only as text."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from fabula.evaluation.metrics.pairs import Pair
from fabula.evaluation.metrics.plot_data import Distribution, Heat, Scatter
from fabula.render import charts
from fabula.render.pages import chip, fragment, link, page, worded
from fabula.render.png import png_of
from fabula.render.svg import Drawing
from tests.render.markup import Page

EVIL = "<script>alert(1)</script>\"'&`<b>`"
SHARES = (0.5, 0.3, 0.2)
LABELS = ("0 to 1", "1 to 2", f"2 to {EVIL}")
DRAWINGS = [
    charts.distribution(Distribution(EVIL, "number", LABELS, SHARES, SHARES, (0, 0), 0.9)),
    charts.distribution(Distribution(EVIL, "category", LABELS, SHARES, (), (0, 0), None)),
    charts.heat(Heat((EVIL, "b"), (Pair(EVIL, "b", 0.4, 0.1, 0.9),), 0)),
    charts.scatter(Scatter(EVIL, "y", EVIL, (EVIL, "o"), ((0.5, 0.5, 1),), ((0, 0, 1.0),), (2, 2),
                           ("0", EVIL, "0", "1"))),
    charts.relations({EVIL: "1 row", "b": EVIL}, [("b", EVIL, EVIL), ("b", "own", "b")]),
    charts.lines(EVIL, "round", "share", ["0", EVIL], {EVIL: [0.1, 0.9]}, marked=EVIL),
    charts.added({EVIL: 1}, {EVIL: 2, "b": 0}, EVIL),
]  # fmt: skip


@pytest.mark.parametrize("drawing", DRAWINGS, ids=lambda drawing: drawing.title[:12])
def test_a_chart_says_what_it_shows_and_holds_data_as_text(drawing: Drawing) -> None:
    """In a file with title and legend; on a page without either, since the page has them."""
    for svg in (drawing.alone(), drawing.inline()):
        root = ElementTree.fromstring(svg)
        assert not {"script", "b"} & {item.tag.rpartition("}")[2] for item in root.iter()}
        assert root.get("aria-label") == drawing.title
    texts = ["".join(item.itertext()) for item in ElementTree.fromstring(drawing.alone()).iter()]
    assert {drawing.title, *(shade.meaning for shade in drawing.key)} <= set(texts)


def test_a_chart_of_numbers_names_its_axes() -> None:
    texts = "".join(ElementTree.fromstring(DRAWINGS[0].alone()).itertext())
    assert "share of the rows" in texts
    assert "50.0 %" in texts


def test_many_rare_labels_look_like_no_frequent_one() -> None:
    """Labels too rare to be seen are one pale bar; each frequent one has its share."""
    assert charts.split([1] * 500, "").count("<rect") == 1
    assert 'fill-opacity="0.10"' in charts.split([1] * 500, "")
    assert charts.split([60, 40], "").count("<rect") == 2
    assert 'width="71.0"' in charts.split([60, 40], "")


def test_a_heatmap_can_be_read_without_its_colours() -> None:
    """Every cell has its number as long as there is room for it."""
    few = charts.heat(Heat(("a", "b"), (Pair("a", "b", 0.876, None, None),), 0)).inline()
    assert ">88</text>" in few
    names = tuple(f"c{at}" for at in range(40))
    many = charts.heat(Heat(names, (Pair("c0", "c1", 0.876, None, None),), 0)).inline()
    assert ">88</text>" not in many


def test_labels_of_an_axis_leave_room_for_each_other() -> None:
    """Thirty days are too many; a few states are not."""
    days = [f"2026-01-{day:02d}" for day in range(1, 31)]
    drawn = charts.lines("Events", "time", "rows", days, {"orders": [1.0] * 30}).inline()
    assert [day for day in days if f">{day}</text>" in drawn] == [days[0], days[-1]]
    few = charts.lines("Events", "step", "rows", ["a", "b", "c"], {"orders": [1.0] * 3}).inline()
    assert all(f">{name}</text>" in few for name in "abc")


def test_circles_of_tables_are_drawn() -> None:
    drawing = charts.relations({"a": "", "b": ""}, [("a", "b_id", "b"), ("b", "a_id", "a")])
    assert "a.b_id leads to b" in drawing.inline()


def test_a_png_is_as_wide_as_a_slide_and_keeps_its_form() -> None:
    pytest.importorskip("resvg_py", reason="the extra `charts` is not installed")
    drawing = DRAWINGS[0]
    root = ElementTree.fromstring(drawing.alone())
    picture = png_of(drawing.alone())
    width, height = (int.from_bytes(picture[at : at + 4]) for at in (16, 20))
    assert width == 1200
    shape = float(root.get("height", 0)) / float(root.get("width", 1))
    assert height / width == pytest.approx(shape, abs=0.01)


def test_names_in_sentences_are_code_and_lead_to_their_place() -> None:
    places = {"a": "#t0-c1", "<b>": "#t0-c2"}
    said = worded("`a` and `<b>` but not `c` or <i>", places)
    assert said == (
        '<a href="#t0-c1"><code>a</code></a> and <a href="#t0-c2"><code>&lt;b&gt;</code></a> '
        "but not <code>c</code> or &lt;i&gt;"
    )
    assert chip(EVIL, False).startswith('<span class="chip fail">&lt;script&gt;')
    assert "<b>" not in link("<b>", '"><b>')


def test_pages_and_notebooks_share_one_style() -> None:
    """A notebook's own page keeps its look: each rule is for Fabula's parts alone."""
    whole = page("topics.html", name=EVIL, figures=[], charts={"topics": DRAWINGS[6]}, topics=[],
                 head=[], rounds=[], found="", lists=[("x", [("a", "")], [[EVIL]])])  # fmt: skip
    cell = fragment("dataset_cell.html", notes=[EVIL])
    style = cell.partition("<style>")[2].partition("</style>")[0]
    assert style in whole
    assert Page(whole).open == Page(cell).open == []
    assert "<script>" not in whole + cell
    for rule in ("@import", "url(", "\nbody {", "\n* {"):
        assert rule not in style
    assert "default-src 'none'" in whole
