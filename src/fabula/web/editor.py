"""The pages of an opened folder: its runs and specs, the editor, and a run that is watched."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fabula.errors import UsageError
from fabula.render import amounts
from fabula.render.pages import page
from fabula.web.answers import Answer, Values
from fabula.web.completing import completions
from fabula.web.desk import MOST_BYTES, Desk
from fabula.web.jobs import Run
from fabula.web.places import Places


def _desk(places: Places) -> Desk:
    if places.desk is None:
        raise UsageError("nothing can be edited here", code="view.no-spec",
                         hint="open a spec or its folder: `fabula view shop.yaml`")  # fmt: skip
    return places.desk


def _title(places: Places) -> str:
    return places.target.resolve().name or str(places.target)


def _specs(desk: Desk, here: str = "") -> list[tuple[str, str, bool]]:
    """The specs as tabs: name, address, and whether it is the present one."""
    return [(path.name, f"/spec/{key}", key == here) for key, path in desk.specs.items()]


def _runs(places: Places, _rest: Sequence[str]) -> Answer:
    desk = _desk(places)
    places.refresh()
    ids = {str(place.path): place.id for place in places.places.values()}
    found = [
        {"address": f"/{ids[run.folder]}" if run.folder in ids else "", **asdict(run),
         "folder": _below(run.folder, desk), "rows": run.rows,
         "took": amounts.duration(run.seconds) if run.started else ""}
        for run in places.listed
    ]  # fmt: skip
    values = {
        "title": _title(places),
        "runs": found,
        "specs": _specs(desk),
        "started": [
            (f"/job/{number}", desk.path(run.spec).name, run.state)
            for number, run in desk.runs.items()
            if run.state != "done" and run.spec in desk.specs
        ],
    }
    return Answer("view_runs.html", values, [asdict(run) for run in places.listed])


def _below(folder: str, desk: Desk) -> str:
    """Where a run is, seen from the opened folder."""
    inner = str(Path(folder).relative_to(desk.folder))
    return inner if inner != "." else Path(folder).resolve().name


def _edit(places: Places, rest: Sequence[str]) -> Answer:
    desk, key = _desk(places), rest[0] if rest else ""
    text, version = desk.read(key)
    values = {"title": desk.path(key).name, "text": text, "stamp": version, "key": key,
              "specs": _specs(desk, key)}  # fmt: skip
    return Answer("view_edit.html", values, {"text": text, "version": version})


def _job(places: Places, rest: Sequence[str]) -> Answer:
    desk, number = _desk(places), rest[0] if rest else ""
    run = desk.run(number)
    data = _progress(run, places)
    values = {"title": desk.path(run.spec).name, "spec": f"/spec/{run.spec}", "number": number,
              "specs": _specs(desk), "output": run.job["output"], **data}  # fmt: skip
    return Answer("view_job.html", values, data)


def _progress(run: Run, places: Places) -> dict[str, Any]:
    """How far a run is, in numbers and in words."""
    left = run.left
    address = ""
    if run.folder:
        places.refresh()
        address = next((f"/{each.id}" for each in places.places.values()
                        if str(each.path) == run.folder), "")  # fmt: skip
    return {
        "state": run.state,
        "tables": [
            {"table": table, "done": done, "asked": asked,
             "said": f"{done:,} of {amounts.count(asked, 'row')}"}
            for table, (done, asked) in run.tables.items()
        ],
        "left": f"about {amounts.duration(left)} left" if left is not None else "",
        "took": amounts.duration(run.seconds) if run.seconds is not None else "",
        "error": dict(run.error or {}),
        "address": address,
    }  # fmt: skip


PAGES: Mapping[str, Callable[[Places, Sequence[str]], Answer]] = {
    "runs": _runs, "spec": _edit, "job": _job,
}  # fmt: skip
"""The pages of a folder, by the first part of their address; no place has such a name."""


def act(places: Places, parts: Sequence[str], given: Values) -> Mapping[str, Any]:
    """Do what a page asks for.

    Args:
        places: What is opened.
        parts: The address: `spec/KEY/check`, `job/NUMBER/stop` …
        given: What was sent.

    Raises:
        UsageError: There is no such thing to do, or what was sent is not what it takes.
        SinkError: The spec was changed elsewhere, or can't be written.
    """
    actions = {"spec": _SPEC_ACTIONS, "job": _JOB_ACTIONS}.get(parts[0] if parts else "", {})
    if places.desk is None or len(parts) != 3 or parts[2] not in actions:
        raise UsageError("there is nothing to do at this address", code="view.action")
    return actions[parts[2]](places.desk, parts[1], given)


def _check(desk: Desk, key: str, given: Values) -> Mapping[str, Any]:
    answer = desk.check(key, _text(given))
    if "error" not in answer:
        tables = answer["result"]["tables"]
        told = [
            f"{name}: {amounts.count(n, 'row') + ', ' if n else ''}"
            f"{amounts.count(columns, 'column')}"
            for name, (n, columns) in tables.items()
        ]
        return {"problems": [], "said": "; ".join(told), "tables": list(tables),
                "asks": answer["result"]["asks"]}  # fmt: skip
    error = answer["error"]
    found = error.get("violations") or [error]
    kept = ("line", "where", "message", "hint", "code")
    return {"problems": [{name: each.get(name) for name in kept} for each in found]}


def _complete(_desk: Desk, _key: str, given: Values) -> Mapping[str, Any]:
    before, after = str(given.get("before", "")), str(given.get("after", ""))
    return completions(before, after) if len(before) + len(after) <= MOST_BYTES else {}


def _preview(desk: Desk, key: str, given: Values) -> Mapping[str, Any]:
    answer = desk.preview(key, _text(given), _model(given))
    if "error" in answer:
        return {"problems": [answer["error"]], "html": ""}
    return {"problems": [], "html": page("view_preview.html", **answer["result"])}


def _save(desk: Desk, key: str, given: Values) -> Mapping[str, Any]:
    return {"version": desk.save(key, _text(given), str(given.get("version", "")))}


def _run(desk: Desk, key: str, given: Values) -> Mapping[str, Any]:
    n, most = given.get("n"), given.get("max_cost")
    if n is not None and (type(n) is not int or n < 1):
        raise UsageError("the number of rows is 1 or more", code="usage.rows")
    is_sum = isinstance(most, int | float) and not isinstance(most, bool)
    if most is not None and not (is_sum and math.isfinite(most) and most > 0):
        raise UsageError("the budget is an amount above 0", code="usage.budget")
    rows = {str(given["of"]): n} if n and given.get("of") else n
    return {"address": f"/job/{desk.start(key, n=rows, model=_model(given), max_cost=most)}"}


def _stop(desk: Desk, number: str, _given: Values) -> Mapping[str, Any]:
    desk.run(number).stop()
    return {}


def _again(desk: Desk, number: str, _given: Values) -> Mapping[str, Any]:
    return {"address": f"/job/{desk.again(number)}"}


def _text(given: Values) -> str:
    text = given.get("text")
    if not isinstance(text, str):
        raise UsageError("no text was sent", code="view.action")
    return text


def _model(given: Values) -> str:
    """The fake model, or those of the spec; a page can't name another one."""
    return "fake" if given.get("fake") else ""


_SPEC_ACTIONS: Mapping[str, Callable[[Desk, str, Values], Mapping[str, Any]]] = {
    "check": _check, "complete": _complete, "preview": _preview, "save": _save, "run": _run,
}  # fmt: skip
_JOB_ACTIONS: Mapping[str, Callable[[Desk, str, Values], Mapping[str, Any]]] = {
    "stop": _stop, "again": _again,
}  # fmt: skip
