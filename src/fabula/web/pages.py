"""What each address of the page shows, as HTML and as JSON: `/PLACE/rows/TABLE`, and so on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fabula.errors import SourceError, UsageError, did_you_mean
from fabula.render import amounts
from fabula.render.values import cell, digits_of, whole
from fabula.reports.distributions import column_figures
from fabula.reports.profile import type_word
from fabula.reports.run_page import column_cells, relations_shown, run_page
from fabula.runs.provenance import origins
from fabula.runs.row_card import call_cells
from fabula.spec.tables import DatasetSpec
from fabula.spec.writing import to_yaml
from fabula.web import editor, reviewing
from fabula.web.answers import Answer, Values
from fabula.web.files import file_of, has_thumbnail, shown, thumbnail
from fabula.web.places import Place, Places, references
from fabula.web.query import OPERATORS, PAGE_ROWS, Filter, Query
from fabula.web.rows import Rows

TABS = {"rows": "Rows", "columns": "Columns", "rejects": "Rejected", "review": "Review",
        "report": "Report", "spec": "Spec"}  # fmt: skip
"""The tabs of a place; data without a run has the first two."""


def answer(places: Places, parts: Sequence[str], values: Values) -> Answer | str:
    """The answer to a request, or the address that has it.

    Args:
        places: What is shown.
        parts: The address: a place, a tab, a table.
        values: Its parameters.

    Raises:
        UsageError: There is no such place, table, column or row.
        SourceError: A file can't be read.
    """
    if places.page is not None:
        return _page_as_it_is(places.page)
    if not parts:
        return _first(places)
    if places.desk is not None and parts[0] in editor.PAGES:
        return editor.PAGES[parts[0]](places, parts[1:])
    place = places.place(parts[0])
    tab, *rest = parts[1:] or ["rows"]
    shows: dict[str, Callable[[Place, Sequence[str], Values], Answer | str]] = {
        "rows": _rows, "row": _row, "columns": _columns, "rejects": _rejects, "report": _report,
        "spec": _spec, "file": _sent_file, "review": _review,
    }  # fmt: skip
    if tab not in shows:
        raise UsageError(f"there is no tab `{tab}`", code="view.tab", hint=did_you_mean(tab, TABS))
    return shows[tab](place, rest, values)


def act(places: Places, parts: Sequence[str], given: Values) -> Values:
    """Do what a page asks for; what is to be shown of it.

    Raises:
        FabulaError: It can't be done.
    """
    if len(parts) > 1 and parts[1] == "review":
        return reviewing.act(places.place(parts[0]), parts[2:], given)
    return editor.act(places, parts, given)


def _first(places: Places) -> str:
    """Where the first page is: the only place, the opened spec, or the list of runs."""
    if places.only:
        return f"/{places.only.id}"
    if places.desk and places.desk.file:
        return f"/spec/{next(iter(places.desk.specs))}"
    return "/runs"


def _page_as_it_is(path: Path) -> Answer:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as exc:
        raise SourceError(f"`{path}` can't be read: {exc}", code="source.unreadable") from exc
    return Answer("", {"page": text}, {"page": text})


def _rows(place: Place, rest: Sequence[str], values: Values) -> Answer | str:
    rows = _table(place, rest)
    query = Query.of(values, rows.columns)
    if values.get("column"):  # the form of one more filter: its address contains them all
        return f"/{place.id}/rows/{quote(rows.name, safe='')}{query.address()}"
    found = rows.page(query)
    here = f"/{place.id}/rows/{quote(rows.name, safe='')}"
    digits = [digits_of(column) for column in zip(*found.rows, strict=True)]
    lines = [
        (f"/{place.id}/row/{quote(rows.name, safe='')}/{number}", number, [*map(cell, row, digits)])
        for number, row in zip(found.numbers, found.rows, strict=True)
    ]
    heads = [
        (
            name,
            _sorted(query, name, here),
            _direction(query, name),
            type_word(kind),
            name in rows.numbers,
        )
        for name, kind in rows.types.items()
    ]
    last = max(0, -(-found.total // PAGE_ROWS) - 1)
    steps = {"first": 0, "previous": query.page - 1, "next": query.page + 1, "last": last}
    usable = {
        name: here + query.address(page=at)
        for name, at in steps.items()
        if 0 <= at <= last and at != query.page
    }
    chips = [(str(each), here + query.address(filters=_without(query, each)))
             for each in query.filters]  # fmt: skip
    said = {
        "query": query, "heads": heads, "rows": lines, "chips": chips, "steps": usable,
        "here": here, "operators": list(OPERATORS), "total": amounts.count(found.total, "row"),
        "page": f"{query.page + 1:,} of {last + 1:,}",
        "json": f"{here}.json{query.address(page=query.page)}",
    }  # fmt: skip
    data = {
        "table": rows.name, "total": found.total, "page": query.page,
        "rows": [dict(zip(rows.columns, row, strict=True)) for row in found.rows],
        "numbers": list(found.numbers),
    }  # fmt: skip
    return Answer("view_rows.html", {**_frame(place, "rows", rows), **said}, data)


def _sorted(query: Query, name: str, here: str) -> str:
    """The address of the same rows in another order: up, down, then as they are."""
    if query.sort != name:
        return here + query.address(sort=name, descending=False)
    if not query.descending:
        return here + query.address(descending=True)
    return here + query.address(sort="", descending=False)


def _direction(query: Query, name: str) -> str:
    return "" if query.sort != name else "descending" if query.descending else "ascending"


def _without(query: Query, filter_: Filter) -> tuple[Filter, ...]:
    return tuple(each for each in query.filters if each != filter_)


def _row(place: Place, rest: Sequence[str], _values: Values) -> Answer:
    rows = _table(place, rest[:1])
    number = _number(rest)
    row = rows.row(number)
    spec = (place.manifest.get("spec") or {}).get("tables", {}).get(rows.name, {})
    made = origins(place.dataset, rows.name, number) if place.dataset else {}
    cells = [
        {"name": name, "type": type_word(rows.types[name]), "value": whole(value),
         "made": made.get(name), "calls": call_cells(made[name]) if name in made else (),
         "parent": _parent(place, spec.get("columns", {}).get(name, {}), value),
         "children": _children(place, rows.name, name, value),
         "file": _pointed(place, rows.name, number, name, value)}
        for name, value in row.items()
    ]  # fmt: skip
    at = f"/{place.id}/row/{quote(rows.name, safe='')}"
    steps = {"previous": f"{at}/{number - 1}" if number > 1 else "",
             "next": f"{at}/{number + 1}" if number < rows.count else ""}  # fmt: skip
    said = {"number": number, "cells": cells, "steps": steps, "json": f"{at}/{number}.json"}
    told = {name: asdict(how) for name, how in made.items()}
    data = {"table": rows.name, "number": number, "row": row, "made": told}
    return Answer("view_row.html", {**_frame(place, "rows", rows), **said}, data)


def _parent(place: Place, column: Values, value: Any) -> str:
    """Where the row that a reference points at is found."""
    table, _, key = str(column.get("to", "")).partition(".")
    if value is None or column.get("kind") != "reference" or table not in place.tables:
        return ""
    key = key or next(iter(place.tables[table].columns))
    if key not in place.tables[table].types:
        return ""
    query = Query(filters=(Filter(key, "is", str(value)),))
    return f"/{place.id}/rows/{quote(table, safe='')}{query.address()}"


def _pointed(
    place: Place, table: str, number: int, column: str, value: Any
) -> dict[str, Any] | None:
    """The file in the run's folder that a value names, as its cell shows it."""
    path = file_of(place.folder, value) if place.folder else None
    if path is None:
        return None
    file = shown(path)
    parts = (quote(table, safe=""), str(number), quote(column, safe=""))
    text = whole(file.content.decode("utf-8", "replace")).text if file.kind == "text" else ""
    return {"kind": file.kind, "name": path.name, "size": amounts.size(len(file.content)),
            "text": text, "address": f"/{place.id}/file/{'/'.join(parts)}",
            "has_thumbnail": has_thumbnail(file)}  # fmt: skip


def _sent_file(place: Place, rest: Sequence[str], values: Values) -> Answer:
    rows = _table(place, rest[:1])
    row = rows.row(_number(rest))
    value = row.get(rest[2]) if len(rest) == 3 else None
    path = file_of(place.folder, value) if place.folder else None
    if path is None:
        raise UsageError("the row points at no file of this run", code="view.file")
    file = shown(path)
    return Answer(
        "", {}, {"name": path.name}, (values.get("thumbnail") and thumbnail(file)) or file
    )


def _number(rest: Sequence[str]) -> int:
    """The row that an address names; 0, which no row has, where it names none."""
    given = rest[1] if len(rest) > 1 else ""
    return int(given) if given.isascii() and given.isdigit() and len(given) < 16 else 0


def _children(place: Place, table: str, key: str, value: Any) -> list[tuple[str, str]]:
    """The rows of other tables that point at this one by a key: what they are, and where."""
    return [
        (
            f"{child} with this {column}",
            f"/{place.id}/rows/{quote(child, safe='')}"
            + Query(filters=(Filter(column, "is", str(value)),)).address(),
        )
        for child, column, (parent, of) in references(place)
        if parent == table and value is not None
        if key == (of or next(iter(place.tables[parent].columns)))
    ]


def _columns(place: Place, rest: Sequence[str], _values: Values) -> Answer:
    rows = _table(place, rest)
    found = rows.profile
    said = {
        "columns": [column_cells(column) for column in found.columns],
        "figures": column_figures(found.columns),
        "relations": relations_shown(place.manifest) if place.dataset else None,
        "notes": found.notes,
        "json": f"/{place.id}/columns/{quote(rows.name, safe='')}.json",
    }
    return Answer("view_columns.html", {**_frame(place, "columns", rows), **said}, asdict(found))


def _rejects(place: Place, _rest: Sequence[str], values: Values) -> Answer:
    lost = _run(place).rejected
    asked = str(values.get("page", "") or "0")
    at = int(asked) if asked.isdecimal() and len(asked) < 12 else 0
    here, last = f"/{place.id}/rejects", max(0, -(-len(lost) // PAGE_ROWS) - 1)
    some = lost[at * PAGE_ROWS : (at + 1) * PAGE_ROWS]
    said = {
        "lost": [(each.table, f"{each.row:,}", each.reason, cell(each.raw)) for each in some],
        "came": any(each.raw for each in some),
        "total": amounts.count(len(lost), "row"),
        "steps": {
            name: f"{here}?page={page_}"
            for name, page_ in (("previous", at - 1), ("next", at + 1))
            if 0 <= page_ <= last
        },
        "json": f"{here}.json?page={at}",
    }
    data = {"total": len(lost), "page": at, "rows": [asdict(each) for each in some]}
    return Answer("view_rejects.html", {**_frame(place, "rejects"), **said}, data)


def _review(place: Place, rest: Sequence[str], values: Values) -> Answer:
    rows = _table(place, rest)
    said, data = reviewing.review_values(place, rows.name, values)
    return Answer("view_review.html", {**_frame(place, "review", rows), **said}, data)


def _report(place: Place, _rest: Sequence[str], _values: Values) -> Answer:
    dataset = _run(place)
    profiles = [rows.profile for rows in place.tables.values()]
    text = run_page(dataset, profiles, back=f"/{place.id}")
    return Answer("", {"page": text}, dataset.manifest)


def _spec(place: Place, _rest: Sequence[str], _values: Values) -> Answer:
    spec = _run(place).manifest.get("spec")
    if not spec:
        raise UsageError("this run was made without a spec", code="view.no-spec",
                         hint="look at its report")  # fmt: skip
    said = {"text": to_yaml(DatasetSpec.model_validate(spec)), "json": f"/{place.id}/spec.json"}
    return Answer("view_spec.html", {**_frame(place, "spec"), **said}, spec)


def _run(place: Place) -> Any:
    if place.dataset is None:
        raise UsageError(f"`{place.name}` is not a run", code="view.no-run",
                         hint="look at its rows")  # fmt: skip
    return place.dataset


def _table(place: Place, rest: Sequence[str]) -> Rows:
    name = rest[0] if rest else next(iter(place.tables))
    if name not in place.tables:
        raise UsageError(f"there is no table `{name}`", code="usage.table",
                         hint=did_you_mean(name, place.tables))  # fmt: skip
    return place.tables[name]


def _frame(place: Place, tab: str, rows: Rows | None = None) -> dict[str, Any]:
    """What all pages of a place show: its name, its tabs and its tables."""
    runs_only = {"rejects", "review", "report", "spec"}
    tabs = [
        (title, f"/{place.id}/{name}", name == tab)
        for name, title in TABS.items()
        if (place.dataset is not None or name not in runs_only)
        and (name != "spec" or place.manifest.get("spec"))
    ]
    by_table = tab if tab in ("rows", "columns", "review") else "rows"
    tables = [
        (name, f"/{place.id}/{by_table}/{quote(name, safe='')}", rows is not None
         and name == rows.name, amounts.count(each.count))
        for name, each in place.tables.items()
    ]  # fmt: skip
    return {
        "title": place.name, "place": place.path.name, "tabs": tabs, "tables": tables,
        "fake": bool(place.manifest.get("fake")), "table": rows.name if rows else "",
    }  # fmt: skip
