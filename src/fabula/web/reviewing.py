"""The review tab: people accept, reject, fix and comment rows, in sheets of the run's folder."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from fabula.errors import UsageError
from fabula.render import amounts
from fabula.render.values import whole
from fabula.review.filling import Sheets, counted, told
from fabula.review.sheet import VERDICTS
from fabula.web.answers import Values
from fabula.web.places import Place

_ROWS, _MOST_ROWS = 50, 1_000
_writing = threading.Lock()


def sheets_of(place: Place, table: str) -> Sheets:
    """The sheets of a table of a run.

    Raises:
        UsageError: It is data without a run's folder.
    """
    if place.dataset is None or place.folder is None:
        raise UsageError("only rows of a run in a folder are reviewed here", code="view.no-run",
                         hint="use `fabula review export`")  # fmt: skip
    if table not in place.sheets:
        place.sheets[table] = Sheets(place.folder, table, place.dataset.rows(table))
    return place.sheets[table]


def review_values(place: Place, table: str, values: Values) -> tuple[dict[str, Any], Any]:
    """What the tab shows, and the same as plain values.

    Args:
        place: The run.
        table: The table.
        values: `reviewer` and `row`, from 1.
    """
    sheets, here = sheets_of(place, table), f"/{place.id}/review/{quote(table, safe='')}"
    reviewers = sheets.reviewers
    counts = {name: counted(sheets.read(name)[1]) for name in reviewers}
    agreed = sheets.agreement()
    said: dict[str, Any] = {
        "here": here,
        "reviewer": str(values.get("reviewer", "")),
        "reviewers": [
            (name, f"{here}?{urlencode({'reviewer': name})}",
             " · ".join(f"{word} {count[word]}" for word in (*VERDICTS, "not reviewed")))
            for name, count in counts.items()
        ],
        "agreement": str(agreed) if agreed else "",
        "command": _command(place, sheets) if reviewers else "",
        "usual": _ROWS,
    }  # fmt: skip
    data = {
        "reviewers": {n: dict(c) for n, c in counts.items()},
        "agreement": agreed and vars(agreed),
    }
    if said["reviewer"] in reviewers:
        said |= _row(sheets, said["reviewer"], str(values.get("row", "")), here)
    return said, data


def _row(sheets: Sheets, reviewer: str, asked: str, here: str) -> dict[str, Any]:
    """The row that is looked at: the one asked for, else the first that has no verdict."""
    rows, judged = sheets.read(reviewer)
    known = told(judged)
    open_ = [place for place in rows.places if not known.get(place, {}).get("verdict")]
    wanted = int(asked) - 1 if asked.isascii() and asked.isdigit() and len(asked) < 16 else -1
    place = wanted if wanted in rows.places else (open_ or rows.places)[0]
    at = rows.places.index(place)
    mine = known.get(place, {"verdict": None, "comment": "", "fixes": {}})
    rest = [each for each in open_ if each > place] or [each for each in open_ if each != place]

    def address(place: int) -> str:
        return f"{here}?{urlencode({'reviewer': reviewer, 'row': place + 1})}"

    return {
        "number": place + 1,
        "at": f"{at + 1} of {len(rows.places)}",
        "left": len(open_),
        "mine": mine,
        "cells": [
            (name, whole(value), "" if (fix := mine["fixes"].get(name)) is None else str(fix))
            for name, value in zip(
                rows.table.column_names, (col[at].as_py() for col in rows.table.columns),
                strict=True,
            )
        ],
        "next": address(rest[0]) if rest else f"{here}?{urlencode({'reviewer': reviewer})}",
        "strip": [(each + 1, address(each), known.get(each, {}).get("verdict") or "",
                   each == place) for each in rows.places],
    }  # fmt: skip


def _command(place: Place, sheets: Sheets) -> str:
    """What applies the first two sheets to the table."""
    files = [file["path"] for file in place.manifest["tables"][sheets.table]["files"]]
    first = sheets.folder / files[0]
    data = first if len(files) == 1 else first.parent
    paths = [str(sheets.path(name)) for name in sheets.reviewers[:2]]
    words = ["fabula", "review", "import", *paths, "--data", str(data),
             "-o", f"{first.stem}-reviewed{first.suffix}"]  # fmt: skip
    return shlex.join(words)


def act(place: Place, rest: Sequence[str], given: Values) -> Mapping[str, Any]:
    """Begin a sheet, or judge one of its rows.

    Args:
        place: The run.
        rest: The table.
        given: `reviewer`, and `n`, or `row`, `verdict`, `comment` and `fixes`.

    Raises:
        UsageError: There is no such table, or what was sent is not what it takes.
        SheetError: The verdict or a fix can't be taken; every reason.
    """
    if len(rest) != 1 or rest[0] not in place.tables:
        raise UsageError("there is no such table", code="usage.table")
    sheets, reviewer = sheets_of(place, rest[0]), str(given.get("reviewer", ""))
    with _writing:
        if "row" not in given:
            n = given.get("n", _ROWS)
            if type(n) is not int or not 0 < n <= _MOST_ROWS:
                raise UsageError(f"give 1 to {amounts.count(_MOST_ROWS)} rows", code="usage.rows")
            sheets.begin(reviewer, n)
            return {}
        row, fixes = given["row"], given.get("fixes", {})
        if type(row) is not int or not isinstance(fixes, dict):
            raise UsageError("no row was sent", code="view.action")
        sheets.judge(
            reviewer,
            row - 1,
            verdict=str(given.get("verdict", "")),
            comment=str(given.get("comment", "")),
            fixes={str(name): str(value) for name, value in fixes.items()},
        )
    return {}
