"""Rules across tables: what is found in real rows, and how far other rows keep it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import fabula as fb
from fabula.relationships.keys import ForeignKey, Keys
from fabula.relationships.rules.finding import RulesAcross, find_rules

HOUR = 3_600_000_000
KEY = ForeignKey("tasks", ("job_id",), "jobs", ("job_id",))
KEYS = Keys({"jobs": ("job_id",)}, (KEY,))


def jobs(rows: int = 200, seed: int = 1) -> dict[str, pa.Table]:
    """Jobs with tasks that keep each kind of rule."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(2, rows)
    job = np.repeat(np.arange(rows), counts)
    fee, start = np.round(rng.uniform(5, 90, rows), 2), rng.integers(0, 9_000, rows) * HOUR
    cost = np.round(rng.uniform(1, 9, len(job)), 2)
    return {
        "jobs": pa.table(
            {
                "job_id": np.arange(rows),
                "fee": fee,
                "start": pa.array(start, pa.timestamp("us")),
                "cost": np.round(np.bincount(job, weights=cost, minlength=rows), 2),
                "tasks": counts,
            }
        ),
        "tasks": pa.table(
            {
                "job_id": job,
                "fee": fee[job],
                "begun": pa.array(start[job] + rng.integers(0, 99, len(job)) * HOUR,
                                  pa.timestamp("us")),
                "cost": cost,
            }
        ),
    }  # fmt: skip


def changed(tables: dict[str, pa.Table], name: str, column: str, rows: int) -> dict[str, pa.Table]:
    """The tables with other values in the first rows of a column of numbers."""
    table = tables[name]
    values = table.column(column).to_numpy().copy()
    values[:rows] += 1
    at = table.column_names.index(column)
    return tables | {name: table.set_column(at, column, pa.array(values))}


def told(found: RulesAcross) -> set[str]:
    return {item.told for item in found.kept}


def test_each_kind_of_rule_is_found_with_the_rows_that_support_it() -> None:
    tables = jobs()
    size = f"{tables['tasks'].num_rows:,}"
    assert told(find_rules(tables, KEYS)) == {
        f"tasks.fee = jobs.fee, in all {size} rows by job_id",
        f"tasks.begun >= jobs.start, in all {size} rows by job_id",
        "jobs.cost = sum of tasks.cost, in all 200 rows by job_id",
        "jobs.tasks = number of tasks, in all 200 rows by job_id",
    }


def test_a_rule_that_few_rows_break_is_a_near_miss() -> None:
    tables = changed(changed(jobs(), "tasks", "fee", 3), "jobs", "cost", 2)
    found = find_rules(tables, KEYS)
    size = tables["tasks"].num_rows
    assert {item.told for item in found.near} == {
        f"tasks.fee = jobs.fee, in {size - 3:,} of {size:,} rows by job_id",
        "jobs.cost = sum of tasks.cost, in 198 of 200 rows by job_id",
    }
    assert len(found.kept) == 2


@pytest.mark.parametrize("seed", range(5))
def test_columns_without_a_rule_show_none(seed: int) -> None:
    rng = np.random.default_rng(seed)
    job = rng.integers(0, 60, 300)
    tables = {
        "jobs": pa.table({"job_id": np.arange(60), "flag": rng.random(60) < 0.5,
                          "level": rng.integers(1, 4, 60), "ones": np.ones(60),
                          "day": pa.array(rng.integers(0, 99, 60), pa.timestamp("s"))}),
        "tasks": pa.table({"job_id": job, "flag": rng.random(300) < 0.5, "ones": np.ones(300),
                           "level": rng.integers(1, 4, 300), "none": pa.nulls(300, pa.float64()),
                           "when": pa.array(rng.integers(0, 99, 300), pa.timestamp("us"))}),
    }  # fmt: skip
    found = find_rules(tables, KEYS)
    assert not found.kept
    assert not found.near


def test_evaluate_tells_the_share_of_rows_that_keep_each_real_rule() -> None:
    real, good = jobs(), jobs(seed=2)
    for made, value in ((good, 1.0), (changed(good, "jobs", "cost", 50), 0.75)):
        report = fb.evaluate(made, real=real, sections=["quality"])
        found = {(table.name, result.name): result for table in report.tables
                 for result in table.results}  # fmt: skip
        result = found["jobs", "rules"]
        assert result.value == pytest.approx(value)
        assert result.passed == (value == 1)
        assert found["tasks", "rules"].value == 1
        rule = "jobs.cost = sum of tasks.cost by job_id"
        assert result.details["rules"][rule] == pytest.approx(value)
        assert value == 1 or f"`{rule}` holds in 75.0 % of the rows" in result.sentence
