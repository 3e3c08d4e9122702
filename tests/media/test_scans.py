"""Scans: boxes follow the geometry, and worse is worse."""

from __future__ import annotations

import io
import itertools
import shutil
import subprocess
from typing import Any

import numpy as np
import pytest

pytest.importorskip("PIL", reason="needs the extra `media`")
from PIL import Image, ImageDraw

from fabula.kinds.document import EFFECTS, Document, Scan
from fabula.media.catalogue import template
from fabula.media.composing import Composer
from fabula.media.scans import around, corners_of, scanned, worn
from fabula.media.typesetting import Typesetter

GEOMETRY = ("perspective", "rotation")


def boxes_of(count: int, rng: np.random.Generator) -> list[tuple[float, float, float, float]]:
    """Boxes on a grid that don't touch."""
    made = []
    for at in range(count):
        left = 90 + (at % 3) * 250 + int(rng.integers(0, 40))
        top = 120 + (at // 3) * 160 + int(rng.integers(0, 40))
        made.append((left, top, left + int(rng.integers(80, 160)), top + int(rng.integers(30, 80))))
    return made


def overlap(one: list[float], two: list[float]) -> float:
    """Intersection over union of two boxes."""
    width = min(one[2], two[2]) - max(one[0], two[0])
    height = min(one[3], two[3]) - max(one[1], two[1])
    shared = max(width, 0) * max(height, 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, two)]
    return shared / (sum(areas) - shared)


@pytest.mark.slow
@pytest.mark.parametrize("severity", [0.1, 0.5, 1.0])
def test_boxes_are_where_coloured_markers_are_found_again(severity: float) -> None:
    rng = np.random.default_rng(4)
    found = []
    for _ in range(4):
        boxes = boxes_of(15, rng)
        colours = [(255, 60 * (at % 4), 60 * (at // 4)) for at in range(len(boxes))]
        page = Image.new("RGB", (910, 1287), "black")
        pen = ImageDraw.Draw(page)
        for (left, top, right, bottom), colour in zip(boxes, colours, strict=True):
            pen.rectangle((left, top, right - 1, bottom - 1), fill=colour)
        corners = np.array([corners_of(box) for box in boxes], dtype=float)
        picture, moved, _ = worn(page, corners, GEOMETRY, severity, rng)
        pixels = np.asarray(picture, dtype=int)
        for quad, colour in zip(moved, colours, strict=True):
            mine = np.abs(pixels - colour).max(axis=2) <= 12
            rows, columns = (np.flatnonzero(mine.sum(axis=axis) > 8) for axis in (1, 0))
            top, left = rows.min() - 3, columns.min() - 3  # its blurred edge counts by half
            around_it = pixels[top : rows.max() + 4, left : columns.max() + 4, 0] > 127
            rows, columns = np.nonzero(around_it)
            marker = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            marker = [edge + (left, top)[at % 2] for at, edge in enumerate(marker)]
            found.append(overlap(around(quad), marker))
    assert np.mean(found) >= 0.95
    assert min(found) >= 0.9


def page_of_text() -> tuple[Image.Image, list[str]]:
    """A page with text, and its values line by line, without spaces."""
    form = template("invoice")
    lines = [
        {"item": item, "quantity": at + 1, "unit_price": 12.5 * (at + 1)}
        for at, item in enumerate(
            ("Desk lamp", "Office chair", "Notebook", "Monitor arm", "Stapler")
        )
    ]
    fields = {
        "buyer": "Margaret Hamilton",
        "number": "2025-0107",
        "seller": "Northwind Trading",
        "note": "Please pay within thirty days. Goods remain our property until then.",
    }
    content = Composer(Document(template="invoice"), form, "t", "c", 1).content(0, fields, lines)
    setter = Typesetter(form)
    setter.pages(content.to_dict())
    (png,) = setter.pictures(150)
    setter.close()
    page = Image.open(io.BytesIO(png)).convert("RGB")
    return page, ["".join(text.split()) for text in content.texts() if text]


def errors_of(picture: Image.Image, values: list[str]) -> float:
    """The share of characters that Tesseract reads wrongly, wherever it reads a value."""
    packed = io.BytesIO()
    picture.save(packed, "PNG")
    read = subprocess.run(
        ["tesseract", "-", "-", "--psm", "4", "-l", "eng"],
        input=packed.getvalue(),
        capture_output=True,
        check=True,
        timeout=120,
    ).stdout.decode()
    text = "".join(read.split())
    return sum(edits(value, text) for value in values) / sum(map(len, values))


def edits(value: str, text: str) -> int:
    """Edits from a value to the piece of a text that is nearest to it (Sellers, 1980)."""
    letters = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    places = np.arange(len(letters) + 1)
    last = np.zeros_like(places)
    for count, letter in enumerate(value, 1):
        here = np.full_like(places, count)
        here[1:] = np.minimum(last[1:] + 1, last[:-1] + (letters != ord(letter)))
        last = np.minimum.accumulate(here - places) + places
    return int(last.min())


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("tesseract") is None, reason="Tesseract is not installed")
def test_tesseract_reads_clean_documents_and_reads_worse_by_severity() -> None:
    assert (edits("abcd", "xxabedxx"), edits("abc", "")) == (1, 3)
    page, values = page_of_text()
    nothing, effects = np.zeros((0, 4, 2)), Scan().effects
    assert errors_of(page, values) <= 0.02
    worse = [
        float(
            np.mean(
                [
                    errors_of(
                        worn(page, nothing, effects, severity, np.random.default_rng(seed))[0],
                        values,
                    )
                    for seed in range(3)
                ]
            )
        )
        for severity in (0, 0.2, 0.4, 0.6, 0.8, 1)
    ]
    # Whole pages of several lines, so a point more or less is chance.
    assert all(one <= two + 0.01 for one, two in itertools.pairwise(worse))
    assert worse[1] <= 0.02
    assert worse[-1] > 0.3


@pytest.mark.parametrize("effect", EFFECTS)
def test_every_effect_changes_the_picture_the_same_way_each_time(effect: str) -> None:
    page = Image.new("RGB", (210, 297), (240, 238, 235))
    ImageDraw.Draw(page).text((20, 40), "Total 123.45", fill=(10, 10, 10))
    corners = np.array([corners_of((20, 40, 90, 52))], dtype=float)

    def made() -> tuple[Any, Any]:
        picture, moved, _ = worn(page, corners, [effect], 0.9, np.random.default_rng(7))
        return np.asarray(picture), moved

    (one, at), (two, there) = made(), made()
    assert (one == two).all()
    assert (at == there).all()
    assert (one != np.asarray(page)).any() or effect == "handwriting"


def test_a_severity_of_two_numbers_is_drawn_between_them() -> None:
    packed = io.BytesIO()
    Image.new("RGB", (60, 80), "white").save(packed, "PNG")
    found = [
        scanned(
            [packed.getvalue()],
            [],
            Scan(severity=(0.2, 0.6)),
            "jpg",
            lambda name, seed=seed: np.random.default_rng([seed, len(name)]),
        )[2]
        for seed in range(20)
    ]
    severities = [told["severity"] for told in found if told]
    assert 0.2 <= min(severities) < 0.35
    assert 0.45 < max(severities) <= 0.6
