"""Charts of results: distributions, pairs of columns, groups, rounds, and where a value lies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from markupsafe import Markup

from fabula.evaluation.metrics.result import MetricResult
from fabula.render.amounts import percent
from fabula.render.svg import (
    BAD,
    GOOD,
    GROUPS,
    INK,
    LINE,
    PLAIN,
    REAL,
    STRONG,
    SYNTHETIC,
    Box,
    Drawing,
    Shade,
    dot,
    rect,
    short,
    text,
)

if TYPE_CHECKING:
    from fabula.evaluation.metrics.pairs import Pair
    from fabula.evaluation.metrics.plot_data import Distribution, Heat, Scatter

MOST_DOTS = 40
"""Lines of more places than this have no dots; their values appear under the pointer."""
_SHARES = "share of the rows"
_DARKEST = 0.6
"""A pair of columns that is less alike than this is as dark as can be."""


def spark(heights: Sequence[float], title: str) -> Markup:
    """A distribution for the cell of a table; every bin that holds anything is visible."""
    width, height, most = 120.0, 26.0, max([*heights, 1e-9])
    step = width / max(len(heights), 1)
    bars = [
        rect(at * step, height - tall, step - 1, tall, SYNTHETIC, round_=1)
        for at, value in enumerate(heights)
        if (tall := max(1.0, height * value / most) if value else 0.0)
    ]
    return Drawing(width, height, bars, title).inline()


def split(counts: Sequence[float], title: str) -> Markup:
    """Shares of a whole for the cell of a table, the most frequent first; slivers are one."""
    width, whole, x, bars = 120.0, max(sum(counts), 1e-9), 0.0, []
    for at, count in enumerate(counts[:8]):
        if (wide := width * count / whole) < 1.5:
            break
        bars.append(rect(x, 7, max(wide - 1, 1), 12, SYNTHETIC, round_=1, cover=0.95 * 0.72**at))
        x += wide
    if width - x > 0.5:
        bars.append(rect(x, 7, width - x, 12, SYNTHETIC, round_=1, cover=0.1))
    return Drawing(width, 26, bars, title).inline()


def relations(tables: Mapping[str, str], keys: Sequence[tuple[str, str, str]]) -> Drawing:
    """Who points at whom: tables as boxes, parents on the left, and their keys as lines.

    Args:
        tables: What is said about each table, by its name.
        keys: Child, column and parent of each foreign key.
    """
    depth = dict.fromkeys(tables, 0)
    for _ in tables:  # as deep as a chain can be; circles end here, too
        for child, _, parent in keys:
            if child != parent:
                depth[child] = min(max(depth[child], depth[parent] + 1), len(tables) - 1)
    own = {name: [key for key in keys if key[0] == name] for name in tables}
    wide, tall, row = 190.0, 44.0, 18.0
    floors = [0.0] * len(tables)
    spots: dict[str, tuple[float, float]] = {}
    for name in tables:
        spots[name] = (1 + depth[name] * (wide + 90), floors[depth[name]])
        floors[depth[name]] += tall + row * len(own[name]) + 16
    boxes, arrows = [], []
    for name, (x, y) in spots.items():
        boxes += [
            rect(x, y, wide, tall + row * len(own[name]), PLAIN, round_=8, title=name),
            text(x + 12, y + 18, short(name, 26), strong=True, fill=STRONG),
            text(x + 12, y + 34, tables[name]),
        ]
        for at, (_, column, parent) in enumerate(own[name]):
            start, (left, top) = y + tall + row * at + 4, spots[parent]
            end, to = left + wide + 3, top + 22
            itself = " ↺" if parent == name else ""
            boxes.append(text(x + 12, start + 4, short(column, 26) + itself, fill=STRONG))
            if not itself:
                bend = f"C{x - 50:g} {start:g} {end + 50:g} {to:g} {end:g} {to:g}"
                stroke = f'fill="none" stroke="{INK}" stroke-width="1.3"'
                arrows.append(f'<path d="M{x:g} {start:g}{bend}" {stroke}/>')
                arrows.append(dot(end, to, 3, INK, title=f"{name}.{column} leads to {parent}"))
    width = max(x for x, _ in spots.values()) + wide + 30
    return Drawing(width, max(floors), [*arrows, *boxes], "Tables and their keys")


def distribution(picture: Distribution) -> Drawing:
    """Real and synthetic shares of one column: filled steps of numbers, bars of labels."""
    height, parts = (_bars if picture.family == "category" else _steps)(picture)
    key = [Shade(SYNTHETIC, "synthetic"), *([Shade(REAL, "real", 0.5)] if picture.real else [])]
    return Drawing(300, height, parts, f"Distribution of {picture.name}", key)


def heat(shown: Heat) -> Drawing:
    """How alike every pair of columns is; the darker, the farther from the real relation."""
    names, place = shown.columns, {name: at for at, name in enumerate(shown.columns)}
    wide = max(12.0, min(60.0, 720 / max(len(names), 1)))
    tall = max(12.0, min(26.0, wide * 0.6))
    margin = 14 + max(len(short(name)) for name in names) * 6.4
    parts = []
    for pair in shown.pairs:
        i, j = sorted((place[pair.first], place[pair.second]))
        strength = min(1.0, (1 - pair.score) / (1 - _DARKEST))
        x, y, cover = margin + i * wide, j * tall, _cover(strength)
        parts.append(rect(x, y, wide - 1.5, tall - 1.5, BAD, cover=cover, title=_pair_title(pair)))
        if wide >= 30:
            said = f"{100 * pair.score:.0f}"
            parts.append(text(x + wide / 2, y + tall / 2 + 4, said, anchor="middle", fill=STRONG))
    for name, at in place.items():
        y = at * tall + tall / 2 + 4
        if at:
            parts.append(text(margin - 8, y, short(name), anchor="end"))
        parts.append(text(margin + at * wide + 4, y, short(name), strong=True))
    meanings = (("60 % alike or less", 1), ("80 %", 0.5), ("100 %", 0))
    key = [Shade(BAD, words, _cover(strength)) for words, strength in meanings]
    width = 2 * margin + (len(names) - 1) * wide
    return Drawing(width, tall * len(names) + 4, parts, "How alike pairs of columns are", key)


def _cover(strength: float) -> float:
    """How much a colour covers, so that text on it can be read in light and dark."""
    return 0.05 + 0.5 * strength


def scatter(picture: Scatter) -> Drawing:
    """Synthetic rows as points by group, over the density of the real rows."""
    box = Box(66, 8, 632, 330)
    low_x, high_x, low_y, high_y = picture.ends
    parts = box.axes(picture.x, picture.y, (low_x, high_x), (low_y, high_y))
    most = max((share for _, _, share in picture.cells), default=1.0)
    wide, tall = box.width / picture.grid[0], box.height / picture.grid[1]
    for i, j, share in picture.cells:
        parts.append(
            rect(
                box.left + i * wide, box.floor - (j + 1) * tall, wide, tall, REAL, round_=0,
                cover=0.15 + 0.6 * (share / most) ** 0.5,
                title=f"real: {percent(share)} of the rows",
            )
        )  # fmt: skip
    for x, y, group in picture.points:
        at = (box.left + x * box.width, box.floor - y * box.height)
        parts.append(dot(*at, 3, GROUPS[group % len(GROUPS)], cover=0.75))
    labels = [short(label, 26) for label in picture.labels] or ["synthetic rows"]
    key = [Shade(GROUPS[at % len(GROUPS)], label) for at, label in enumerate(labels)]
    key += [Shade(REAL, "real rows, by density", 0.5)] if picture.cells else []
    by = f", by {picture.group}" if picture.group else ""
    return Drawing(640, 370, parts, f"{picture.y} and {picture.x}{by}", key)


def gauge(result: MetricResult, shown: Callable[[float | None], str], rule: str) -> Markup | str:
    """Where a value lies: the good side of the bound is shaded, a tick marks the baseline."""
    if result.value is None:
        return ""
    width, height, pad = 180.0, 26.0, 8.0
    low, high = _scale(result)

    def x(value: float) -> float:
        share = (min(max(value, low), high) - low) / (high - low)
        return pad + share * (width - 2 * pad)

    parts = [rect(pad, 11, width - 2 * pad, 4, LINE)]
    if (bound := result.threshold) is not None:
        middle = result.baseline or 0
        start, end = {
            "higher": (bound, high), "lower": (low, bound),
            "near": (middle - bound, middle + bound),
        }[result.direction]  # fmt: skip
        good = max(x(end) - x(start), 2)
        parts.append(rect(x(start), 11, good, 4, GOOD, cover=0.45, title=f"good: {rule}"))
    if (base := result.baseline) is not None:
        said = f"{result.compared}: {shown(base)}"
        parts.append(rect(x(base) - 1, 5, 2, 16, INK, round_=0, title=said))
    colour = {True: GOOD, False: BAD, None: SYNTHETIC}[result.passed]
    parts.append(dot(x(result.value), 13, 5, colour, title=shown(result.value)))
    return Drawing(width, height, parts, f"{result.title}: {shown(result.value)}").inline()


def added(before: Mapping[str, int], after: Mapping[str, int], title: str) -> Drawing:
    """Counts by name as bars: what there was, and what was added."""
    left, row, most = 190.0, 26.0, max([*after.values(), 1])
    room, parts = 640.0 - left - 80, []
    for at, (name, count) in enumerate(after.items()):
        y, old = at * row, before.get(name, 0)
        first, second = old / most * room, (count - old) / most * room
        words = f"{old:,} → {count:,}" if count != old else f"{count:,}"
        parts += [
            f"<g><title>{escape(name)}: {old:,} before, {count:,} after</title>",
            text(left - 8, y + 14, short(name, 28), anchor="end"),
            rect(left, y + 3, first, 16, REAL),
            rect(left + first, y + 3, second, 16, SYNTHETIC),
            text(left + first + second + 8, y + 15, words) + "</g>",
        ]
    key = (Shade(REAL, "before"), Shade(SYNTHETIC, "added"))
    return Drawing(640, row * len(after) + 4, parts, title, key)


def lines(
    title: str, x: str, y: str, places: Sequence[str], series: Mapping[str, Sequence[float]], *,
    high: float | None = None, marked: str = "", shown: Callable[[float], str] = "{:.2f}".format,
) -> Drawing:  # fmt: skip
    """Values at the same places as lines, one of the places marked.

    Args:
        title: What the chart shows.
        x: What the places are.
        y: What the values are.
        places: A label for each place.
        series: The values of each line by its name.
        high: Where the axis ends; by default at the highest value.
        marked: The label of a place that stands out.
        shown: How values are written.
    """
    values = [value for line in series.values() for value in line]
    low, high = min(*values, 0.0), max(*values, 1e-9) if high is None else high
    box = Box(56, 8, 444, 150)
    step = box.width / max(len(places) - 1, 1)
    crowded = len(places) > MOST_DOTS
    parts = box.axes(x, y, _roomy(places, box.width), (shown(low), shown(high)))
    for colour, (name, line) in zip(GROUPS, series.items(), strict=False):
        spots = [
            (box.left + at * step, box.floor - (value - low) / (high - low) * box.height)
            for at, value in enumerate(line)
        ]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
        )
        for place, value, spot in zip(places, line, spots, strict=True):
            size, fill = (6, GOOD) if place == marked else (3.5, colour)
            said = f"{name}, {x} {place}: {shown(value)}"
            parts.append(dot(*spot, size, fill, title=said, cover=0 if crowded else 1))
    key = [Shade(colour, name) for colour, name in zip(GROUPS, series, strict=False)]
    key += [Shade(GOOD, f"chosen: {marked}")] if marked else []
    return Drawing(460, 190, parts, title, key)


def _roomy(labels: Sequence[str], width: float) -> Sequence[str]:
    """As many labels at even distances as do not touch each other; the ends always."""
    room = max(2, int(width // (6.2 * max(map(len, labels)) + 14)))
    gaps = len(labels) - 1
    if gaps < room:
        return labels
    return labels[:: gaps // max(count for count in range(1, room) if gaps % count == 0)]


def _scale(result: MetricResult) -> tuple[float, float]:
    """The ends of a gauge: 0 and 1, and beyond where the numbers go beyond."""
    known = [v for v in (result.value, result.baseline, result.threshold) if v is not None]
    if result.form == "share" and max(map(abs, known)) < 0.2:
        return min(0.0, *known), max(0.1, 1.6 * max(known))
    return min(0.0, *known), max(1.0, *known)


def _steps(picture: Distribution) -> tuple[float, list[str]]:
    box = Box(60, 8, 296, 112)
    tallest = max([*picture.synthetic, *picture.real, 1e-9])
    labels = picture.labels
    step = box.width / max(len(labels), 1)
    ends = (labels[0].partition(" to ")[0], labels[-1].rpartition(" to ")[2])
    parts = box.axes(picture.name, _SHARES, ends, ("0 %", percent(tallest)))
    if picture.real:
        parts.append(_area(picture.real, box, tallest, f'fill="{REAL}" fill-opacity="0.45"'))
    outline = f'fill="{SYNTHETIC}" fill-opacity="0.12" stroke="{SYNTHETIC}" stroke-width="1.6"'
    parts.append(_area(picture.synthetic, box, tallest, outline))
    for at in range(len(labels)):
        start = f'<rect class="hit" x="{box.left + at * step:.1f}" y="{box.top:g}" '
        size = f'width="{step:.1f}" height="{box.height:g}" fill="transparent">'
        parts.append(f"{start}{size}<title>{escape(_bin_title(picture, at))}</title></rect>")
    return 150, parts


def _area(shares: Sequence[float], box: Box, tallest: float, style: str) -> str:
    step = box.width / len(shares)
    path = "".join(
        f"V{box.floor - share / tallest * box.height:.1f}H{box.left + (at + 1) * step:.1f}"
        for at, share in enumerate(shares)
    )
    return f'<path d="M{box.left:g} {box.floor:g}{path}V{box.floor:g}Z" {style}/>'


def _bars(picture: Distribution) -> tuple[float, list[str]]:
    left, row = 112.0, 19.0
    widest, room = max([*picture.synthetic, *picture.real, 1e-9]), 300 - left - 44
    parts = []
    for at, label in enumerate(picture.labels):
        y, made, real = at * row, picture.synthetic[at], picture.real[at] if picture.real else 0.0
        parts.append(f"<g><title>{escape(_bin_title(picture, at))}</title>")
        parts.append(text(left - 6, y + 12, short(label, 17), anchor="end"))
        if picture.real:
            parts.append(rect(left, y + 1, max(real / widest * room, 1), 13, REAL, cover=0.5))
        parts.append(rect(left, y + 5, max(made / widest * room, 1), 5, SYNTHETIC))
        parts.append(text(left + max(made, real) / widest * room + 6, y + 12, percent(made)))
        parts.append("</g>")
    bottom = row * max(len(picture.labels), 1) + 14
    parts.append(text(left + room / 2, bottom, _SHARES, anchor="middle", strong=True))
    return bottom + 6, parts


def _bin_title(picture: Distribution, at: int) -> str:
    real = f", real {percent(picture.real[at])}" if picture.real else ""
    return f"{picture.labels[at]}: synthetic {percent(picture.synthetic[at])}{real}"


def _pair_title(pair: Pair) -> str:
    words = f"{pair.first} and {pair.second}: {percent(pair.score)} alike"
    if pair.real is not None and pair.synthetic is not None:
        words += f" (correlation real {pair.real:.2f}, synthetic {pair.synthetic:.2f})"
    return words
