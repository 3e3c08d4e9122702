"""`execute` with the real engines: one spec, the same data at any number of workers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fabula.engines.generation import Generation
from fabula.errors import CheckError, PartialRunError, SpecError, UsageError
from fabula.planning.plan import Plan
from fabula.planning.planner import make_plan
from fabula.runs.execute import execute
from fabula.runs.options import RunOptions
from fabula.spec.tables import DatasetSpec
from tests.runs.test_run_folder import digest

ORDERS: dict[str, Any] = {
    "id": {"kind": "key"},
    "customer_id": {"kind": "reference", "to": "customers", "skew": 1.1},
    "quantity": {"kind": "poisson", "mean": 1.5, "min": 1},
    "price": {"kind": "lognormal", "median": 60, "sigma": 0.5, "decimals": 2},
    "placed": {"kind": "datetime", "start": "customer_id.signed_up", "within": "700d"},
    "total": {"kind": "expr", "sql": "round(quantity * price, 2)"},
}


def shop(rows: int, *checks: dict[str, Any], **columns: Any) -> Plan:
    spec = {
        "seed": 7,
        "tables": {
            "customers": {
                "n": max(rows // 10, 1),
                "columns": {
                    "id": {"kind": "key"},
                    "country": {"kind": "choice", "values": {"DE": 3, "FR": 1}},
                    "signed_up": {"kind": "datetime", "start": "2022-01-01", "end": "2026-01-01"},
                },
            },
            "orders": {"n": rows, "columns": ORDERS | columns, "checks": list(checks)},
        },
    }
    return make_plan(DatasetSpec.model_validate(spec))


@pytest.mark.slow
def test_workers_and_files_change_no_byte(tmp_path: Path) -> None:
    """Determinism, B3.1: one or two workers, in memory or in files, every reference resolves."""
    checks = (
        {"kind": "foreign_key", "column": "customer_id", "to": "customers"},
        {"kind": "correlation", "columns": ["quantity", "total"], "at_least": 0.3},
        {"kind": "row", "sql": "total >= price"},
    )
    plan = shop(1_100_000, *checks)
    one = execute(plan, output=tmp_path / "1")
    execute(plan, RunOptions(workers=2), output=tmp_path / "2")
    assert digest(tmp_path / "1") == digest(tmp_path / "2")
    assert one.checks.passed
    assert execute(plan)["orders"].equals(one["orders"])


def test_blocks_are_the_same_in_any_order() -> None:
    """Determinism: a block depends on its number, not on what was made before."""
    plan = shop(200_000)
    forwards, backwards = Generation(plan).makers["orders"], Generation(plan).makers["orders"]
    numbers = range(forwards.blocks)
    tables = [forwards.make(number).table for number in numbers]
    assert [backwards.make(number).table for number in reversed(numbers)] == tables[::-1]


PEAK = """
import re, sys
from pathlib import Path
from fabula.runs.execute import execute
from fabula.runs.options import RunOptions
from tests.runs.test_execute import shop
checks = [{"kind": "foreign_key", "column": "customer_id", "to": "customers"}]
execute(shop(int(sys.argv[1]), *checks), RunOptions(workers=2), output=Path(sys.argv[2]))
print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024)
"""
"""Its own peak: that of `getrusage` would count the memory of the process that started it."""


@pytest.mark.slow
def test_a_run_into_a_folder_loads_no_frame_library(tmp_path: Path) -> None:
    """Start-up: pandas and polars are for those who ask for them."""
    code = (
        "import sys, fabula; fabula.generate('age int 18..90', n=10, output=sys.argv[1]);"
        "print([name for name in ('pandas', 'polars') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "out")]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert shown.stdout == "[]\n"


@pytest.mark.slow
def test_memory_stays_flat_however_many_rows(tmp_path: Path) -> None:
    """Below 500 MB at ten million rows, and hardly more than at two million."""
    peaks = []
    for rows in (2_000_000, 10_000_000):
        command = [sys.executable, "-c", PEAK, str(rows), str(tmp_path / str(rows))]
        shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
        peaks.append(float(shown.stdout))
    assert peaks[1] < 500
    assert peaks[1] < 1.5 * peaks[0]


@pytest.mark.parametrize("rows", [0, 1, 65_536, 65_537])
def test_any_number_of_rows_is_met_exactly(tmp_path: Path, rows: int) -> None:
    """(N = 0, 1, a block and one more): exactly that many rows, columns known without rows."""
    plan = shop(rows, {"kind": "unique", "columns": ["id"]})
    data = execute(plan, output=tmp_path)
    assert data.count("orders") == rows
    assert data["orders"].schema.names == list(ORDERS)
    assert data.checks.passed


@pytest.mark.slow
def test_broken_rows_are_drawn_again_dropped_or_reported(tmp_path: Path) -> None:
    """The three repairs of a row-level check, each counted in the manifest."""
    rule = {"kind": "row", "sql": "total > 30"}
    data = execute(shop(5000, {**rule, "repair": "resample"}), output=tmp_path / "resample")
    (result,) = data.checks
    assert result.passed
    assert result.repaired > 0
    assert min(data["orders"]["total"].to_pylist()) > 30
    with pytest.raises(PartialRunError) as lost:
        execute(shop(5000, {**rule, "repair": "drop"}), output=tmp_path / "drop")
    orders = lost.value.dataset.manifest["tables"]["orders"]
    assert orders["written"] + orders["rejected"] == 5000
    assert orders["rejected"] == next(iter(lost.value.dataset.checks)).repaired
    with pytest.raises(CheckError, match="rows break the rule: total > 30") as failed:
        execute(shop(5000, rule), output=tmp_path / "fail")
    (result,) = failed.value.dataset.checks
    assert result.failing == orders["rejected"]
    assert failed.value.dataset.count("orders") == 5000


def test_rules_that_contradict_each_other_stop_a_run_before_it_starts(tmp_path: Path) -> None:
    """Exit 2, the rules named, nothing written."""
    rules = ({"kind": "row", "sql": "total > price"}, {"kind": "row", "sql": "price > total"})
    with pytest.raises(SpecError) as caught:
        execute(shop(10, *rules), output=tmp_path / "out")
    assert "total > price; price > total" in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    """Errors: before anything is made."""
    with pytest.raises(UsageError, match="no file format `xlsx`"):
        execute(shop(10), RunOptions(format="xlsx"), output=tmp_path / "out")
    assert not (tmp_path / "out").exists()
