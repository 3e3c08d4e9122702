"""Charts as SVG text: small, offline, readable without a script, with titles to hover over.

Colours come from the page's CSS variables and fall back to fixed ones, so that a chart can also
stand alone in a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from fabula.evaluation.gates import own_rule, shown
from fabula.evaluation.metrics.pairs import Pair
from fabula.evaluation.metrics.plot_data import Distribution, Heat, Scatter
from fabula.evaluation.metrics.result import MetricResult, percent

GROUP_COLOURS = ("#4269d0", "#e8833a", "#3ca951", "#a463f2", "#8a8f98")
REAL = "var(--real, #9aa3b2)"
SYNTHETIC = "var(--synthetic, #4a5fd9)"
INK = "var(--ink-soft, #667085)"
LINE = "var(--line, #d9dee7)"
GOOD = "var(--good, #1a7f4e)"
BAD = "var(--bad, #c4314b)"


def distribution_chart(picture: Distribution) -> str:
    """Real and synthetic shares of one column: filled steps of numbers, bars of labels."""
    if picture.family == "category":
        return _bars(picture)
    return _steps(picture)


def heat_chart(heat: Heat) -> str:
    """How far every pair of columns is off; the darker, the farther."""
    names = heat.columns
    size = max(9, min(26, 620 // max(len(names), 1)))
    margin = 10 + max(len(_short(name)) for name in names) * 6.4
    width, height = margin + size * len(names) + 0.7 * margin, margin * 0.75 + size * len(names) + 8
    place = {name: at for at, name in enumerate(names)}
    top = margin * 0.75
    parts = []
    for pair in heat.pairs:
        i, j = sorted((place[pair.first], place[pair.second]))
        title = _pair_title(pair)
        strength = min(1.0, (1 - pair.score) * 2.5)
        parts.append(
            f'<rect x="{margin + i * size:g}" y="{top + j * size:g}" width="{size - 1}" '
            f'height="{size - 1}" rx="2" fill="{BAD}" fill-opacity="{0.05 + 0.95 * strength:.2f}">'
            f"<title>{title}</title></rect>"
        )
    for name, at in place.items():
        middle = at * size + size / 2
        parts.append(_text(margin - 6, top + middle + 4, _short(name), anchor="end"))
        x = margin + middle + 3
        parts.append(
            f'<text x="{x:g}" y="{top + at * size - 4:g}" fill="{INK}" font-size="11" '
            f'transform="rotate(-45 {x:g} {top + at * size - 4:g})">{escape(_short(name))}</text>'
        )
    return _svg(width, height, parts, "Difference of every pair of columns")


def scatter_chart(picture: Scatter) -> str:
    """Synthetic rows as points by group, over the density of the real rows."""
    width, height, left, top, right, bottom = 640, 380, 58, 34, 12, 44
    across, up = width - left - right, height - top - bottom
    parts = [
        f'<rect x="{left}" y="{top}" width="{across}" height="{up}" fill="none" stroke="{LINE}"/>'
    ]
    most = max((share for _, _, share in picture.cells), default=1.0)
    wide, tall = across / picture.grid[0], up / picture.grid[1]
    for i, j, share in picture.cells:
        parts.append(
            f'<rect x="{left + i * wide:.1f}" y="{top + up - (j + 1) * tall:.1f}" '
            f'width="{wide:.1f}" height="{tall:.1f}" fill="{REAL}" '
            f'fill-opacity="{0.15 + 0.6 * (share / most) ** 0.5:.2f}">'
            f"<title>real: {percent(share)} of the rows</title></rect>"
        )
    for x, y, group in picture.points:
        colour = GROUP_COLOURS[group % len(GROUP_COLOURS)]
        parts.append(
            f'<circle cx="{left + x * across:.1f}" cy="{top + up - y * up:.1f}" r="3" '
            f'fill="{colour}" fill-opacity="0.75"/>'
        )
    low_x, high_x, low_y, high_y = picture.ends
    parts += [
        _text(left, height - 26, low_x),
        _text(width - right, height - 26, high_x, anchor="end"),
        _text(left + across / 2, height - 8, picture.x, anchor="middle", strong=True),
        _text(left - 6, top + up, low_y, anchor="end"),
        _text(left - 6, top + 10, high_y, anchor="end"),
        f'<text x="14" y="{top + up / 2:g}" fill="{INK}" font-size="12" font-weight="600" '
        f'text-anchor="middle" transform="rotate(-90 14 {top + up / 2:g})">'
        f"{escape(_short(picture.y))}</text>",
    ]
    at = float(left)
    keys = [(GROUP_COLOURS[n], label) for n, label in enumerate(picture.labels)] or [
        (GROUP_COLOURS[0], "synthetic rows")
    ]
    if picture.cells:
        keys.append((REAL, "real rows, by density"))
    for colour, label in keys:
        parts.append(f'<rect x="{at:g}" y="9" width="11" height="11" rx="3" fill="{colour}"/>')
        parts.append(_text(at + 16, 19, _short(label, 26)))
        at += 34 + 6.6 * len(_short(label, 26))
    return _svg(width, height, parts, f"{picture.y} by {picture.x}")


def gauge(result: MetricResult) -> str:
    """Where a value lies: the good side of the bound is shaded, a tick marks the baseline."""
    if result.value is None:
        return ""
    width, height, pad = 180.0, 26.0, 8.0
    low, high = _scale(result)

    def x(value: float) -> float:
        share = (min(max(value, low), high) - low) / (high - low)
        return pad + share * (width - 2 * pad)

    parts = [f'<rect x="{pad}" y="11" width="{width - 2 * pad}" height="4" rx="2" fill="{LINE}"/>']
    if result.threshold is not None:
        start, end = {
            "higher": (result.threshold, high),
            "lower": (low, result.threshold),
            "near": (
                (result.baseline or 0) - result.threshold,
                (result.baseline or 0) + result.threshold,
            ),
        }[result.direction]
        parts.append(
            f'<rect x="{x(start):.1f}" y="11" width="{max(x(end) - x(start), 2):.1f}" height="4" '
            f'rx="2" fill="{GOOD}" fill-opacity="0.45"><title>good: {escape(own_rule(result))}'
            "</title></rect>"
        )
    if result.baseline is not None:
        parts.append(
            f'<rect x="{x(result.baseline) - 1:.1f}" y="5" width="2" height="16" fill="{INK}">'
            f"<title>{escape(result.compared)}: {shown(result, result.baseline)}</title></rect>"
        )
    colour = {True: GOOD, False: BAD, None: SYNTHETIC}[result.passed]
    parts.append(
        f'<circle cx="{x(result.value):.1f}" cy="13" r="5" fill="{colour}">'
        f"<title>{shown(result, result.value)}</title></circle>"
    )
    return _svg(width, height, parts, f"{result.title}: {shown(result, result.value)}")


def _scale(result: MetricResult) -> tuple[float, float]:
    """The ends of a gauge: 0 and 1, and beyond where the numbers go beyond."""
    known = [v for v in (result.value, result.baseline, result.threshold) if v is not None]
    if result.form == "share" and max(map(abs, known)) < 0.2:
        return min(0.0, *known), max(0.1, 1.6 * max(known))
    return min(0.0, *known), max(1.0, *known)


def _steps(picture: Distribution) -> str:
    width, height, floor = 300.0, 120.0, 98.0
    tallest = max([*picture.synthetic, *picture.real, 1e-9])
    n = max(len(picture.synthetic), 1)
    step = (width - 2) / n
    tall = (floor - 8) / tallest
    parts = []
    if picture.real:
        parts.append(_area(picture.real, step, floor, tall, f'fill="{REAL}" fill-opacity="0.45"'))
    outline = f'fill="{SYNTHETIC}" fill-opacity="0.12" stroke="{SYNTHETIC}" stroke-width="1.6"'
    parts.append(_area(picture.synthetic, step, floor, tall, outline))
    parts.append(f'<line x1="0" y1="{floor}" x2="{width}" y2="{floor}" stroke="{LINE}"/>')
    for at in range(len(picture.labels)):
        parts.append(
            f'<rect class="hit" x="{1 + at * step:.1f}" y="0" width="{step:.1f}" '
            f'height="{floor}" fill="transparent"><title>{_bin_title(picture, at)}</title></rect>'
        )
    first, last = picture.labels[0].partition(" to ")[0], picture.labels[-1].rpartition(" to ")[2]
    parts += [_text(0, height - 6, first), _text(width, height - 6, last, anchor="end")]
    return _svg(width, height, parts, f"Distribution of {picture.name}")


def _area(shares: Sequence[float], step: float, floor: float, tall: float, style: str) -> str:
    path = [f"M1 {floor:g}"]
    for at, share in enumerate(shares):
        path.append(f"V{floor - share * tall:.1f}H{1 + (at + 1) * step:.1f}")
    return f'<path d="{"".join(path)}V{floor:g}Z" {style}/>'


def _bars(picture: Distribution) -> str:
    width, left, row = 300.0, 112.0, 19.0
    height = row * max(len(picture.labels), 1) + 6
    widest = max([*picture.synthetic, *picture.real, 1e-9])
    room = width - left - 44
    parts = []
    for at, label in enumerate(picture.labels):
        y = at * row + 3
        made, real = picture.synthetic[at], picture.real[at] if picture.real else 0.0
        parts.append(f"<g><title>{_bin_title(picture, at)}</title>")
        parts.append(_text(left - 6, y + 12, _short(label, 17), anchor="end"))
        if picture.real:
            parts.append(
                f'<rect x="{left}" y="{y + 1:g}" width="{max(real / widest * room, 1):.1f}"'
                f' height="13" rx="2" fill="{REAL}" fill-opacity="0.5"/>'
            )
        parts.append(
            f'<rect x="{left}" y="{y + 5:g}" width="{max(made / widest * room, 1):.1f}" height="5" '
            f'rx="2" fill="{SYNTHETIC}"/>'
        )
        parts.append(_text(left + max(made, real) / widest * room + 6, y + 12, percent(made)))
        parts.append("</g>")
    return _svg(width, height, parts, f"Labels of {picture.name}")


def _bin_title(picture: Distribution, at: int) -> str:
    words = f"{picture.labels[at]}: synthetic {percent(picture.synthetic[at])}"
    if picture.real:
        words += f", real {percent(picture.real[at])}"
    return escape(words)


def _pair_title(pair: Pair) -> str:
    words = f"{pair.first} and {pair.second}: {percent(pair.score)} alike"
    if pair.real is not None and pair.synthetic is not None:
        words += f" (correlation real {pair.real:.2f}, synthetic {pair.synthetic:.2f})"
    return escape(words)


def _text(x: float, y: float, text: str, *, anchor: str = "start", strong: bool = False) -> str:
    weight = ' font-weight="600"' if strong else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{INK}" font-size="11" text-anchor="{anchor}"'
        f"{weight}>{escape(text)}</text>"
    )


def _short(text: str, most: int = 18) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _svg(width: float, height: float, parts: Iterable[str], label: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}" role="img" aria-label="{escape(label)}" '
        f'font-family="system-ui, sans-serif">{"".join(parts)}</svg>'
    )


def score_chart(scores: Mapping[int, float], chosen: int, name: str) -> str:
    """The score of each number of topics as a line, the chosen one marked."""
    width, height, left, floor, top = 460.0, 190.0, 50.0, 156.0, 24.0
    counts, values = list(scores), list(scores.values())
    low, high = min(*values, 0.0), max(*values, 1e-9)
    step = (width - left - 20) / max(len(counts) - 1, 1)
    tall = (floor - top) / (high - low)
    spots = [(left + at * step, floor - (each - low) * tall) for at, each in enumerate(values)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
    parts = [
        f'<line x1="{left}" y1="{floor}" x2="{width}" y2="{floor}" stroke="{LINE}"/>',
        f'<polyline points="{line}" fill="none" stroke="{SYNTHETIC}" stroke-width="1.6"/>',
    ]
    for count, value, (x, y) in zip(counts, values, spots, strict=True):
        colour, size = (GOOD, 6) if count == chosen else (SYNTHETIC, 3)
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size}" fill="{colour}">'
            f"<title>{count} topics: {value:.3f}</title></circle>"
        )
        parts.append(_text(x, floor + 16, str(count), anchor="middle", strong=count == chosen))
    parts += [
        _text(left - 8, top + 4, f"{high:.2f}", anchor="end"),
        _text(left - 8, floor + 4, f"{low:.2f}", anchor="end"),
        _text(left, 12, name, strong=True),
        _text(left + (width - left) / 2, height - 4, "number of topics", anchor="middle"),
    ]
    return _svg(width, height, parts, f"{name} by number of topics; {chosen} chosen")


def topics_chart(before: Mapping[str, int], after: Mapping[str, int]) -> str:
    """Rows of each topic as bars: what there was, and what was added."""
    width, left, row, top = 640.0, 190.0, 26.0, 26.0
    most = max([*after.values(), 1])
    room = width - left - 90
    parts = [
        f'<rect x="{left}" y="4" width="11" height="11" rx="3" fill="{REAL}"/>',
        _text(left + 16, 14, "before"),
        f'<rect x="{left + 74}" y="4" width="11" height="11" rx="3" fill="{SYNTHETIC}"/>',
        _text(left + 90, 14, "added"),
    ]
    for at, (name, count) in enumerate(after.items()):
        y, old = top + at * row, before.get(name, 0)
        first, second = old / most * room, (count - old) / most * room
        parts.append(f"<g><title>{escape(name)}: {old:,} before, {count:,} after</title>")
        parts.append(_text(left - 8, y + 14, _short(name, 28), anchor="end"))
        for x, wide, colour in ((left, first, REAL), (left + first, second, SYNTHETIC)):
            parts.append(
                f'<rect x="{x:.1f}" y="{y + 3:g}" width="{wide:.1f}" height="16" rx="2" '
                f'fill="{colour}"/>'
            )
        words = f"{old:,} → {count:,}" if count != old else f"{count:,}"
        parts.append(_text(left + first + second + 8, y + 15, words) + "</g>")
    return _svg(width, top + row * len(after) + 4, parts, "Rows of each topic before and after")


def rounds_chart(series: Mapping[str, Sequence[float]]) -> str:
    """Shares between 0 and 1 round by round, a line each."""
    width, height, left, floor, top = 460.0, 190.0, 50.0, 150.0, 34.0
    most = max(len(values) for values in series.values())
    step = (width - left - 20) / max(most - 1, 1)
    parts = [
        f'<line x1="{left}" y1="{y}" x2="{width}" y2="{y}" stroke="{LINE}"/>' for y in (top, floor)
    ]
    for at, (name, values) in enumerate(series.items()):
        colour = GROUP_COLOURS[at % len(GROUP_COLOURS)]
        spots = [(left + n * step, floor - each * (floor - top)) for n, each in enumerate(values)]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}">'
            f"<title>{escape(name)} after round {n}: {values[n]:.2f}</title></circle>"
            for n, (x, y) in enumerate(spots)
        ]
        parts.append(
            f'<rect x="{left + at * 130}" y="6" width="11" height="11" rx="3" fill="{colour}"/>'
        )
        parts.append(_text(left + at * 130 + 16, 16, name))
    parts += [_text(left + n * step, floor + 16, str(n), anchor="middle") for n in range(most)]
    parts += [
        _text(left - 8, top + 4, "1", anchor="end"),
        _text(left - 8, floor + 4, "0", anchor="end"),
        _text(left + (width - left) / 2, height - 6, "round", anchor="middle"),
    ]
    return _svg(width, height, parts, " and ".join(series))
