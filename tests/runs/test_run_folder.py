"""Runs into a folder: same bytes, continued after any kill, nothing of others touched."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from fabula.errors import CheckError, PartialRunError, RunInterrupted, SinkError
from fabula.runs import parts
from fabula.runs.dataset import Dataset
from fabula.spec.outputs import OutputSpec
from fabula.streams import BLOCK_ROWS
from tests.runs.standin import PART_ROWS, StandIn, losing, make_plan, run, tallying


@pytest.fixture(autouse=True)
def parts_are_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rows make many parts."""
    monkeypatch.setattr(parts, "PART_BLOCKS", PART_ROWS // BLOCK_ROWS)


def digest(folder: Path) -> dict[str, str]:
    """The hash of every data file of a folder, by its path."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in ("manifest.json",)
    }


def make(folder: Path, rows: int = 1000, **options: Any) -> Dataset:
    plan = make_plan(rows)
    return run(plan, StandIn(plan), output=folder, **options)


def test_a_finished_folder_holds_data_and_manifest_and_nothing_else(tmp_path: Path) -> None:
    """The manifest tells what was asked, written and lost, and every file's hash."""
    data = make(tmp_path / "out")
    files = digest(tmp_path / "out")
    assert list(files) == ["customers.parquet", "orders.parquet", "run.json"]
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    orders = manifest["tables"]["orders"]
    assert (orders["requested"], orders["written"], orders["rejected"]) == (1000, 1000, 0)
    assert orders["files"][0]["sha256"] == files["orders.parquet"]
    assert manifest["seed"] == 7
    assert set(manifest["versions"]) >= {"fabula", "python", "numpy", "pyarrow", "duckdb"}
    assert data["orders"].num_rows == 1000
    assert data["orders"].schema == data.rows("orders").schema
    assert str(tmp_path) not in (tmp_path / "out/manifest.json").read_text()


def test_the_same_command_again_makes_nothing(tmp_path: Path) -> None:
    """(same command twice): identical bytes, no block made."""
    assert make(tmp_path).reused == 0
    before = digest(tmp_path)
    plan = make_plan()
    again = StandIn(plan)
    data = run(plan, again, output=tmp_path)
    assert again.made == []
    assert data.reused == 1100
    assert digest(tmp_path) == before


def test_large_tables_are_folders_of_parts_and_bytes_do_not_depend_on_workers(
    tmp_path: Path,
) -> None:
    """Determinism: one or two workers, any order of parts, in memory or in files."""
    rows = 2 * PART_ROWS + 5
    for workers in (1, 2):
        make(tmp_path / str(workers), rows, workers=workers)
    assert digest(tmp_path / "1") == digest(tmp_path / "2")
    assert sorted(digest(tmp_path / "1")) == [
        "customers.parquet",
        *(f"orders/part-{part:05d}.parquet" for part in range(3)),
        "run.json",
    ]
    plan = make_plan(rows)
    in_memory = run(plan, StandIn(plan))
    for table in ("customers", "orders"):
        assert in_memory[table].equals(Dataset.open(tmp_path / "1")[table])


def kill_after(blocks: int, seconds: float, folder: Path, rows: int) -> None:
    """Run as a process of its own, and kill it some time after it has made some blocks."""
    program = Path(__file__).with_name("standin.py")
    with subprocess.Popen(
        [sys.executable, str(program), str(folder), str(rows), "2"], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        for _ in range(blocks):
            process.stdout.readline()
        time.sleep(seconds)
        process.kill()


SCHEDULES = [
    [3, 8, 1],
    pytest.param([1, 2, 7, 4, 3, 0, 6, 5, 1, 7], marks=pytest.mark.slow),
]


@pytest.mark.slow
@pytest.mark.parametrize("kills", SCHEDULES, ids=len)
def test_a_killed_run_ends_with_the_same_bytes(tmp_path: Path, kills: list[int]) -> None:
    """(kill -9 in mid-run, then the same command): no row lost, doubled or made twice."""
    most = 3 * len(kills)
    rows = most * PART_ROWS
    make(tmp_path / "whole", rows)
    out = tmp_path / "out"
    kept = [0]
    for i, blocks in enumerate(kills):
        kill_after(blocks, seconds=0.004 * i, folder=out, rows=rows)
        for path in out.rglob("*.parquet"):  # nothing half-written takes a final name
            if not path.name.startswith("."):
                pa.parquet.read_metadata(path)
        kept.append(len(list((out / ".fabula").glob("orders-*.json"))))
    assert kept == sorted(kept)
    assert 0 < kept[-1] < most
    plan = make_plan(rows)
    last = StandIn(plan)
    run(plan, last, output=out)
    made = {block // 2 for table, block, _ in last.made if table == "orders"}
    assert len(made) == most - kept[-1]
    assert digest(out) == digest(tmp_path / "whole")


def test_an_interrupted_run_says_how_to_go_on(tmp_path: Path) -> None:
    """Ctrl-C keeps finished parts, exit code 130, and names the way on."""
    plan = make_plan(3 * PART_ROWS)

    def interrupt(table: str, block: int, _attempt: int, _made: pa.Table) -> None:
        if table == "orders" and block == 4:
            raise KeyboardInterrupt

    for workers in (1, 2):
        with pytest.raises(RunInterrupted) as caught:
            run(plan, StandIn(plan, interrupt), output=tmp_path / str(workers), workers=workers)
        assert caught.value.exit_code == 130
        safe = len(list((tmp_path / str(workers)).rglob("part-*.parquet"))) * PART_ROWS
        assert caught.value.message == (
            f"stopped after {safe + plan['customers'].rows:,} rows; nothing lost"
        )
        assert "same command" in (caught.value.hint or "")
        last = StandIn(plan)
        data = run(plan, last, output=tmp_path / str(workers))
        assert 0 < len(last.made) < plan["orders"].rows // BLOCK_ROWS
        assert data.count("orders") == plan["orders"].rows


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    """Foreign files, another spec, another size; overwrite spares foreign files."""
    foreign = tmp_path / "photos"
    foreign.mkdir()
    (foreign / "cat.jpg").write_text("meow")
    for options in ({}, {"overwrite": True}, {"fresh": True}):
        with pytest.raises(SinkError) as caught:
            make(foreign, **options)
        assert caught.value.code == "sink.exists"
    assert [path.name for path in foreign.iterdir()] == ["cat.jpg"]

    out = tmp_path / "out"
    make(out, 2 * PART_ROWS)
    (out / "orders" / "notes.txt").write_text("mine")
    with pytest.raises(SinkError, match="holds a finished run of another spec") as caught:
        make(out, 500)
    assert "--overwrite" in (caught.value.hint or "")
    data = make(out, 500, overwrite=True)
    assert data.count("orders") == 500
    assert sorted(digest(out)) == [
        "customers.parquet",
        "orders.parquet",
        "orders/notes.txt",
        "run.json",
    ]


def test_a_folder_with_a_run_file_of_another_program_is_left_alone(tmp_path: Path) -> None:
    """Folder in use: `run.json` alone makes no run of ours."""
    for content in ("{}", "[]", "not json"):
        (tmp_path / "run.json").write_text(content)
        with pytest.raises(SinkError, match="contains files that are not from a run"):
            make(tmp_path, overwrite=True)
        assert (tmp_path / "run.json").read_text() == content


def test_any_text_of_a_model_survives_in_the_rejects(tmp_path: Path) -> None:
    """Line separators and halves of characters in a reply break no file."""
    plan = make_plan(100)
    reason = "sent \u2028 and \ud800 and \x00"
    data = run(plan, StandIn(plan, losing(3, reason=reason)), output=tmp_path, max_rejects=1)
    assert [row.reason for row in data.rejected] == ["sent \u2028 and ? and \x00"]


def test_a_run_in_memory_says_that_nothing_is_kept() -> None:
    """Ctrl-C without a folder."""
    plan = make_plan(100)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(RunInterrupted, match="only in memory") as caught:
        run(plan, StandIn(plan, interrupt))
    assert "output folder" in (caught.value.hint or "")


def test_a_part_that_was_tampered_with_is_made_again(tmp_path: Path) -> None:
    """Resume: a record proves nothing without its file."""
    plan = make_plan(3 * PART_ROWS)

    def interrupt(table: str, block: int, _attempt: int, _made: pa.Table) -> None:
        if table == "orders" and block == 5:
            raise KeyboardInterrupt

    with pytest.raises(RunInterrupted):
        run(plan, StandIn(plan, interrupt), output=tmp_path / "out")
    (tmp_path / "out/orders/part-00000.parquet").unlink()
    (tmp_path / "out/.fabula/orders-00001.json").write_text('{"cut')
    last = StandIn(plan)
    run(plan, last, output=tmp_path / "out")
    assert [block for table, block, _ in last.made if table == "orders"] == list(range(6))
    make(tmp_path / "whole", 3 * PART_ROWS)
    assert digest(tmp_path / "out") == digest(tmp_path / "whole")


def test_fresh_starts_over(tmp_path: Path) -> None:
    """`--fresh` makes everything again, to the same bytes."""
    make(tmp_path)
    before = digest(tmp_path)
    plan = make_plan()
    again = StandIn(plan)
    run(plan, again, output=tmp_path, fresh=True)
    assert len(again.made) == 2
    assert digest(tmp_path) == before


def test_two_runs_never_share_a_folder(tmp_path: Path) -> None:
    """A folder in use is refused, and free again when its run is killed."""
    plan = make_plan()

    def intrude(*_: object) -> None:
        with pytest.raises(SinkError) as caught:
            make(tmp_path)
        assert caught.value.code == "sink.in-use"

    run(plan, StandIn(plan, intrude), output=tmp_path)


def test_rows_that_were_lost_are_counted_named_and_tried_again(tmp_path: Path) -> None:
    """Exact count: requested = written + rejected, exit 4, good rows kept."""
    plan = make_plan(100)
    with pytest.raises(PartialRunError) as caught:
        run(plan, StandIn(plan, losing(3, 50)), output=tmp_path)
    error = caught.value
    assert (error.code, error.exit_code) == ("run.rejects", 4)
    assert error.message.startswith("2 of 110 rows failed (limit 0): 2 × reply was not JSON")
    assert error.dataset.count("orders") == 98
    lost = [json.loads(line) for line in (tmp_path / "rejects.jsonl").read_text().splitlines()]
    assert [(row["table"], row["row"], row["raw"]) for row in lost] == [
        ("orders", 3, "{"),
        ("orders", 50, "{"),
    ]
    assert json.loads((tmp_path / "manifest.json").read_text())["tables"]["orders"] | {
        "files": None
    } == {
        "requested": 100,
        "written": 98,
        "rejected": 2,
        "reasons": {"reply was not JSON": 2},
        "drawings": 1,
        "files": None,
    }
    again = StandIn(plan)
    data = run(plan, again, output=tmp_path)
    assert again.made == [("orders", 0, 0)]
    assert data.count("orders") == 100
    assert data.rejected == ()
    assert not (tmp_path / "rejects.jsonl").exists()


@pytest.mark.parametrize("limit", [2, 0.05])
def test_lost_rows_may_be_allowed(tmp_path: Path, limit: float) -> None:
    """`--max-rejects 2` or `5%`; the shortfall stays stated."""
    plan = make_plan(100)
    data = run(plan, StandIn(plan, losing(3, 50)), output=tmp_path, max_rejects=limit)
    assert [(row.table, row.row) for row in data.rejected] == [("orders", 3), ("orders", 50)]
    assert data["orders"].column("id").to_pylist() == [i for i in range(1, 101) if i not in (4, 51)]
    with pytest.raises(PartialRunError):
        run(plan, StandIn(plan, losing(3, 50)), output=tmp_path)


def test_a_maker_that_forgets_rows_is_caught(tmp_path: Path) -> None:
    """Requested = written + rejected, or the run says that it is not."""
    plan = make_plan(100)

    def forget(table: str, _block: int, _attempt: int, made: pa.Table) -> Any:
        from fabula.engines.made import MadeBlock

        return MadeBlock(made.slice(1)) if table == "orders" else None

    with pytest.raises(PartialRunError) as caught:
        run(plan, StandIn(plan, forget), output=tmp_path)
    assert caught.value.code == "run.count"
    assert not (tmp_path / "manifest.json").exists()


def test_broken_rows_fail_the_run_but_stay(tmp_path: Path) -> None:
    """Exit 1, the data stays, the manifest says so, and again on the next call."""
    plan = make_plan(100, checks={"orders": [{"kind": "row", "sql": "total > 50"}]})
    for _ in range(2):
        with pytest.raises(CheckError) as caught:
            run(plan, StandIn(plan, tallying(0, 41)), output=tmp_path)
        assert caught.value.exit_code == 1
        assert "41 of 100 rows break the rule: total > 50" in caught.value.message
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert (manifest["passed"], manifest["checks"][0]["failing"]) == (False, 41)
    assert pa.parquet.read_table(tmp_path / "orders.parquet").num_rows == 100


def test_extra_formats_hold_the_same_rows(tmp_path: Path) -> None:
    """Outputs of a spec: each format alongside the main one, read back to the same values."""
    outputs = (OutputSpec(format="csv"), OutputSpec(format="jsonl", tables=("orders",)))
    plan = make_plan(500, outputs=outputs)
    data = run(plan, StandIn(plan), output=tmp_path)
    assert sorted(path.name for path in tmp_path.glob("*.*") if path.suffix != ".json") == [
        "customers.csv",
        "customers.parquet",
        "orders.csv",
        "orders.jsonl",
        "orders.parquet",
    ]
    lines = (tmp_path / "orders.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == data.to_dicts("orders")
    assert (tmp_path / "customers.csv").read_text().count("\n") == 51


@pytest.mark.parametrize("file_format", ["csv", "jsonl", "arrow", "parquet"])
def test_every_main_format_gives_the_same_dataset(tmp_path: Path, file_format: Any) -> None:
    """Formats: types and values are those of the run in memory."""
    plan = make_plan(500)
    expected = run(plan, StandIn(plan))
    data = run(plan, StandIn(plan), output=tmp_path, file_format=file_format)
    for table in data:
        assert data[table].to_pylist() == expected[table].to_pylist()
        assert data[table].schema == expected[table].schema


@pytest.mark.slow
def test_a_full_disk_leaves_nothing_that_looks_whole(tmp_path: Path) -> None:
    """Writing fails in the middle of a file; the error is named and the run continues later."""
    program = Path(__file__).with_name("standin.py")
    code = (
        "import resource, sys, runpy; sys.argv = ['standin.py', *sys.argv[2:]];"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 19, 1 << 19));"
        "from fabula.errors import FabulaError\n"
        f"try: runpy.run_path({str(program)!r}, run_name='__main__')\n"
        "except FabulaError as error: sys.exit(error.code)"
    )
    out = tmp_path / "out"
    result = subprocess.run(
        [sys.executable, "-c", code, "-", str(out), "300000", "1"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "sink.full" in result.stderr, result.stderr
    assert "Traceback" not in result.stderr
    assert [name for name in digest(out) if not name.startswith(".fabula/")] == [
        "customers.parquet",
        "run.json",
    ]
    make(out, 300_000)
    make(tmp_path / "whole", 300_000)
    assert digest(out) == digest(tmp_path / "whole")


@pytest.mark.skipif(os.name == "nt", reason="POSIX paths")
def test_places_that_can_not_be_written_are_named(tmp_path: Path) -> None:
    """A file where a folder should be, a folder that may not be written."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(SinkError) as caught:
        make(tmp_path / "file")
    assert caught.value.code == "sink.no-folder"
    with pytest.raises(SinkError) as caught:
        make(tmp_path / "file" / "below")
    assert caught.value.code == "sink.no-folder"
    with pytest.raises(SinkError) as caught:
        make(Path("/proc/fabula"))
    assert caught.value.code in ("sink.missing", "sink.denied", "sink.read-only")
