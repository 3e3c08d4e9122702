"""The record of a run, written last: what was asked, what came out, and how."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fabula.checks.results import CheckResults
from fabula.io.formulas import tell
from fabula.planning.estimate import is_fake
from fabula.planning.plan import Plan
from fabula.runs.fingerprint import public_spec, spec_sha256, versions
from fabula.runs.parts import Call, Lost, PartRecord, summed


def stopwatch() -> Callable[[], dict[str, Any]]:
    """Start timing a run; what it returns tells when the run started, and how long it took."""
    started, clock = dt.datetime.now(dt.UTC), time.monotonic()
    return lambda: {
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - clock, 3),
    }


def lost_rows(records: Mapping[str, Sequence[PartRecord]]) -> tuple[Lost, ...]:
    """Every lost row of a run, table by table."""
    return tuple(
        Lost(table, item.row, item.reason, item.raw, item.attempt)
        for table, parts in records.items()
        for part in parts
        for item in part.rejected
    )


def calls_made(records: Mapping[str, Sequence[PartRecord]]) -> tuple[Call, ...]:
    """Every call to a language model of a run whose reply is kept, table by table."""
    return tuple(
        Call(table, call.columns, call.rows, call.key)
        for table, parts in records.items()
        for part in parts
        for call in part.calls
    )


def build_manifest(
    plan: Plan,
    records: Mapping[str, Sequence[PartRecord]],
    checks: CheckResults,
    usage: Mapping[str, Any],
    timings: Mapping[str, Any],
) -> dict[str, Any]:
    """The manifest of a run."""
    return {
        "name": plan.spec.name,
        "seed": plan.seed,
        "versions": versions(),
        "fake": any(is_fake(plan.spec, call.model) for call in plan.calls),
        "passed": checks.passed,
        "tables": {table: table_record(parts) for table, parts in records.items()},
        "checks": [json_ready(result.to_dict()) for result in checks],
        "models": {name: _plain(item) for name, item in usage.items()},
        "timings": dict(timings),
        "spec_sha256": spec_sha256(plan.spec),
        "spec": public_spec(plan.spec),
    }


def table_record(parts: Sequence[PartRecord]) -> dict[str, Any]:
    """What happened to a table: rows asked, written and lost with reasons, and its files."""
    reasons = Counter(item.reason for part in parts for item in part.rejected)
    files = [
        {"path": file.name, "rows": file.rows, "bytes": file.bytes, "sha256": file.sha256}
        for part in parts
        for file in part.files
    ]
    formulas: Counter[str] = Counter()
    for part in parts:
        for file in part.files:
            formulas.update(file.formulas)
    return {
        "requested": sum(part.asked for part in parts),
        "written": sum(part.rows for part in parts),
        "rejected": reasons.total(),
        "reasons": dict(reasons.most_common()),
        "drawings": parts[0].attempt + 1,
        "files": files,
        **({"formulas": dict(formulas)} if formulas else {}),
        **({"masked": masked} if (masked := summed(part.masked for part in parts)) else {}),
    }


def tell_formulas(manifest: Mapping[str, Any], *, escaped: bool) -> None:
    """Warn about the texts of a run that a spreadsheet would run."""
    for name, table in manifest["tables"].items():
        tell(name, table.get("formulas", {}), escaped=escaped)


def json_ready(value: Any) -> Any:
    """The value in what JSON has; dates, decimals and NaN become text."""
    if isinstance(value, Mapping):
        return {str(name): json_ready(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_ready(item) for item in value]
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return str(value)


def _plain(usage: Any) -> dict[str, Any]:
    """One model's usage as plain values."""
    return {item.name: getattr(usage, item.name) for item in dataclasses.fields(usage)}
