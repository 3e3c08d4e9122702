"""Drawings as SVG text: small, offline, readable without a script, with titles to hover over.

Colours come from the page's CSS variables and fall back to fixed ones, so that a drawing can also
stand alone in a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

from markupsafe import Markup

from fabula.io.names import output_path
from fabula.io.places import make_folder, replacing, write_text
from fabula.render.png import png_of
from fabula.types import Path as PathLike

REAL = "var(--real, #8f99ab)"
SYNTHETIC = "var(--synthetic, #4a5fd9)"
STRONG = "var(--ink, #1b2230)"
INK = "var(--ink-soft, #5d677a)"
LINE = "var(--line, #e2e6ed)"
PLAIN = "var(--plain-wash, #eef0f4)"
GOOD = "var(--good, #157a48)"
BAD = "var(--bad, #c2304a)"
GROUPS = (SYNTHETIC, "#e8833a", "#3ca951", "#a463f2", REAL)
"""Colours of groups; the last is for all others."""


class Shade(NamedTuple):
    """An entry of a legend: a colour, what it means, and how much of it covers."""

    fill: str
    meaning: str
    cover: float = 1


_NAMESPACE = ' xmlns="http://www.w3.org/2000/svg"'
_PAD, _HEAD, _ROW = 12.0, 24.0, 18.0


@dataclass(frozen=True)
class Drawing:
    """A chart: what is drawn in its box, its title, and what its colours mean."""

    width: float
    height: float
    parts: Sequence[str]
    title: str
    key: Sequence[Shade] = ()

    def inline(self) -> Markup:
        """The drawing for a page, which says title and colours around it."""
        svg = _svg(self.width, self.height, self.parts, self.title)
        return Markup(svg.replace(_NAMESPACE, "", 1))

    def save(self, path: PathLike) -> None:
        """Write the drawing, with title and legend: as PNG where the name ends so, else as SVG.

        Raises:
            PrerequisiteError: PNG is asked for, and the extra `charts` is missing.
            SinkError: The place can't be written.
        """
        place = output_path(path)
        png = png_of(self.alone()) if place.suffix.lower() == ".png" else None
        make_folder(place.parent)
        if png is None:
            write_text(place, self.alone())
            return
        with replacing(place) as temporary:
            temporary.write_bytes(png)

    def _repr_html_(self) -> str:
        return self.alone()

    def alone(self) -> str:
        """The drawing for its own file, with title and legend."""
        x, y, keys = 0.0, _HEAD, []
        for fill, meaning, cover in self.key:
            wide = 34 + 6.2 * len(meaning)
            if x and x + wide > self.width:
                x, y = 0.0, y + _ROW
            keys.append(rect(x, y, 11, 11, fill, cover=cover))
            keys.append(text(x + 16, y + 10, meaning))
            x += wide
        top = y + (_ROW if self.key else 0) + 6
        parts = [
            f'<g transform="translate({_PAD:g} {_PAD:g})">',
            f'<text y="13" fill="{STRONG}" font-size="14" font-weight="600">',
            f"{escape(self.title)}</text>",
            *keys, f'<g transform="translate(0 {top:g})">', *self.parts, "</g></g>",
        ]  # fmt: skip
        wide = max(self.width, 8.2 * len(self.title)) + 2 * _PAD
        return _svg(wide, self.height + top + 2 * _PAD, parts, self.title)


@dataclass(frozen=True)
class Box:
    """The field between two axes."""

    left: float
    top: float
    right: float
    floor: float

    @property
    def width(self) -> float:
        """From the axis on the left to the right edge."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """From the axis below to the upper edge."""
        return self.floor - self.top

    def axes(self, x: str, y: str, xs: Sequence[str], ys: Sequence[str]) -> list[str]:
        """Both axes with a title each, and evenly spread labels from the low end to the high."""
        parts = []
        for share, label in _spread(ys):
            at = self.floor - share * self.height
            parts.append(
                f'<line x1="{self.left:g}" y1="{at:.1f}" x2="{self.right:g}" y2="{at:.1f}" '
                f'stroke="{LINE}"/>'
            )
            parts.append(text(self.left - 6, at + 4, label, anchor="end"))
        for share, label in _spread(xs):
            anchor = "middle" if len(xs) > 3 else ("start", "middle", "end")[round(2 * share)]
            parts.append(
                text(self.left + share * self.width, self.floor + 15, label, anchor=anchor)
            )
        middle = (self.top + self.floor) / 2
        parts += [
            text((self.left + self.right) / 2, self.floor + 31, short(x, 48), anchor="middle",
                 strong=True),
            f'<g transform="rotate(-90 10 {middle:g})">'
            f'{text(10, middle, short(y, 30), anchor="middle", strong=True)}</g>',
        ]  # fmt: skip
        return parts


def text(x: float, y: float, words: str, *, anchor: str = "start", strong: bool = False,
         fill: str = INK) -> str:  # fmt: skip
    """A line of text at a point."""
    weight = ' font-weight="600"' if strong else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{fill}" font-size="11" text-anchor="{anchor}"'
        f"{weight}>{escape(words)}</text>"
    )


def rect(x: float, y: float, width: float, height: float, fill: str, *, round_: float = 2,
         cover: float = 1, title: str = "") -> str:  # fmt: skip
    """A box, with a title to hover over."""
    return _shape(
        f'rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{round_:g}"',
        fill, cover, title,
    )  # fmt: skip


def dot(x: float, y: float, size: float, fill: str, *, cover: float = 1, title: str = "") -> str:
    """A point, with a title to hover over."""
    return _shape(f'circle cx="{x:.1f}" cy="{y:.1f}" r="{size:g}"', fill, cover, title)


def short(words: str, most: int = 18) -> str:
    """The text, cut with an ellipsis where it is longer."""
    return words if len(words) <= most else words[: most - 1] + "…"


def _shape(start: str, fill: str, cover: float, title: str) -> str:
    start += f' fill="{fill}"' + (f' fill-opacity="{cover:.2f}"' if cover < 1 else "")
    name = start.partition(" ")[0]
    return f"<{start}><title>{escape(title)}</title></{name}>" if title else f"<{start}/>"


def _spread(labels: Sequence[str]) -> Iterable[tuple[float, str]]:
    last = max(len(labels) - 1, 1)
    return ((at / last, label) for at, label in enumerate(labels))


def _svg(width: float, height: float, parts: Iterable[str], label: str) -> str:
    return (
        f'<svg{_NAMESPACE} viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}" role="img" aria-label="{escape(label)}" '
        f'font-family="system-ui, sans-serif">{"".join(parts)}</svg>'
    )
