"""A real Spark of two threads: the rows of a local run."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import fabula as fb
from fabula import spark
from fabula.errors import SpecError, UsageError
from fabula.streams import BLOCK_ROWS
from fabula.testing import ChatServer
from tests.runs.shares.test_merging import ASKED, SHOP, files

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas"),
]
pytest.importorskip("pyspark")

N = BLOCK_ROWS + 10
KINDS: dict[str, Any] = {
    "seed": 5,
    "tables": {
        "rows": {
            "n": N,
            "columns": {
                "id": {"kind": "key"},
                "plan": {"kind": "choice", "values": ["free", "pro"]},
                "price": {"kind": "lognormal", "median": 60, "sigma": 0.5, "decimals": 2},
                "on": {"kind": "bernoulli", "p": 0.3},
                "day": {"kind": "datetime", "start": "2022-01-01", "end": "2026-01-01"},
                "at": {"kind": "time_of_day"},
                "name": {"kind": "person", "field": "name", "nulls": 0.1},
            },
        }
    },
}


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    """Spark on this machine, whose workers run this Python."""
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    made = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.memory", "512m")
        .config("spark.executorEnv.PYTHONPATH", os.pathsep.join(sys.path))
        .getOrCreate()
    )
    made.sparkContext.setLogLevel("ERROR")
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test writes where it was started."""
    monkeypatch.chdir(tmp_path)


def test_a_frame_has_the_rows_of_a_local_run(session: Any) -> None:
    """Of every kind of column; categories and times of day are texts."""
    frame = spark.generate(session, KINDS)
    assert frame.count() == N
    local = fb.generate(KINDS)["rows"]
    made = frame.orderBy("id").toArrow()
    for name in local.column_names:
        column = local[name].cast(made.schema.field(name).type)
        assert made[name].combine_chunks().equals(column.combine_chunks()), name


def test_a_table_that_builds_on_another_is_made_by_itself(session: Any) -> None:
    """Checks of whole tables are left out, and that is said."""
    with pytest.warns(UserWarning, match=r"leaves out 1 checks of whole tables \(.*customer_id"):
        frame = spark.generate(session, SHOP, "orders")
    made = frame.orderBy("id").toArrow()
    assert made["placed"].equals(fb.generate(SHOP)["orders"]["placed"].cast(made["placed"].type))


def test_spark_writes_the_files_of_a_local_run(
    session: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a model fills rows: each share pays for its own."""
    fb.generate(SHOP, output="local")
    made = spark.write(session, SHOP, tmp_path / "out", shares=3)
    assert made.checks.passed
    assert files("out") == files("local")
    with ChatServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "a-key")
        model = {"name": "openai:any", "base_url": server.url}
        spec = {**ASKED, "models": {"default": model}}
        spark.write(session, spec, tmp_path / "asked", shares=2)
        calls = len(server.calls)
        fb.generate(spec, output="asked-local")
        assert len(server.calls) == calls
    assert files("asked") == files("asked-local")


def test_what_a_frame_can_not_hold_is_refused(session: Any) -> None:
    """A model, lost rows, a broken row check, a table without a name."""
    with pytest.raises(UsageError, match="say which"):
        spark.generate(session, SHOP)
    with pytest.raises(UsageError, match="no table `sale`"):
        spark.generate(session, SHOP, "sale")
    with pytest.raises(UsageError, match="a model fills"):
        spark.generate(session, ASKED, "sales")
    with pytest.raises(SpecError):
        spark.generate(session, {"tables": {"a": {"n": 1, "columns": {"x": {"kind": "no"}}}}})
    columns = {"x": {"kind": "uniform", "min": 0, "max": 1}}
    for repair, told in (("fail", "break the rule"), ("drop", "lost")):
        checks = [{"kind": "row", "sql": "x < 0.9", "repair": repair}]
        spec = {"tables": {"a": {"n": 100, "columns": columns, "checks": checks}}}
        with pytest.raises(Exception, match=told):
            spark.generate(session, spec).collect()


def test_the_guide_s_blocks_run(
    session: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The blocks for Spark's notebooks, with the guide's spec and a folder of this machine."""
    monkeypatch.chdir(tmp_path)
    guide = (Path(__file__).parents[2] / "docs/guides/clusters.md").read_text(encoding="utf-8")
    spec = re.search(r"```yaml\n(# shop.yaml\n.*?)```", guide, re.DOTALL)
    blocks = re.findall(r'```python title="spark.py"\n(.*?)```', guide, re.DOTALL)
    assert spec is not None
    assert len(blocks) == 2
    Path("shop.yaml").write_text(spec[1])
    program = "".join(blocks).replace("/Volumes/main/default", str(tmp_path / "volume"))
    program = program.replace('.saveAsTable("orders")', f'.parquet("{tmp_path}/orders")')
    names: dict[str, Any] = {"spark": session}
    with pytest.warns(UserWarning, match="leaves out"):
        exec(program, names)
    assert (
        session.read.parquet(f"{tmp_path}/orders").count()
        == names["run"].count("orders")
        == 100_000
    )
