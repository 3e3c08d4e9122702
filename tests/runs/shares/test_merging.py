"""Shares of a run: together they have the bytes of one local run, or one clear error."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import fabula as fb
from fabula.errors import FabulaError, SourceError, UsageError
from fabula.runs import parts
from fabula.runs.parts import Layout
from fabula.runs.shares.share import Share
from fabula.streams import BLOCK_ROWS
from fabula.testing import ChatServer
from tests.runs.test_run_folder import digest

SHOP: dict[str, Any] = {
    "name": "shop",
    "seed": 7,
    "tables": {
        "customers": {
            "n": 1000,
            "columns": {
                "id": {"kind": "key"},
                "signed_up": {"kind": "datetime", "start": "2022-01-01", "end": "2026-01-01"},
            },
        },
        "orders": {
            "n": 3 * BLOCK_ROWS + 10,
            "columns": {
                "id": {"kind": "key"},
                "customer_id": {"kind": "reference", "to": "customers"},
                "placed": {"kind": "datetime", "start": "customer_id.signed_up", "within": "9d"},
            },
            "checks": [{"kind": "foreign_key", "column": "customer_id", "to": "customers"}],
        },
    },
}


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A block makes a part, and the folder is empty."""
    monkeypatch.setattr(parts, "PART_BLOCKS", 1)
    monkeypatch.chdir(tmp_path)


def make(spec: Any = SHOP, of: int = 3, output: str = "out", **options: Any) -> None:
    for number in range(1, of + 1):
        fb.generate(spec, output=output, blocks=f"{number}/{of}", **options)


def files(folder: str) -> dict[str, str]:
    """The data files of a run without those of its shares."""
    return {name: sha for name, sha in digest(Path(folder)).items() if "share-" not in name}


def refused(code: str, *folders: str, **options: Any) -> FabulaError:
    with pytest.raises(FabulaError) as caught:
        fb.merge(folders or "out", **options)
    assert caught.value.code == code
    return caught.value


def test_merged_shares_have_the_bytes_of_one_run() -> None:
    """Also with more shares than parts, and each row stands in one share."""
    fb.generate(SHOP, output="local")
    for of in (1, 3, 9):
        made = 0
        for number in range(1, of + 1):
            share = fb.generate(SHOP, output=f"out{of}", blocks=f"{number}/{of}")
            made += sum(share.count(table) for table in share)
        merged = fb.merge(f"out{of}")
        assert made == sum(merged.count(table) for table in merged) == 1000 + 3 * BLOCK_ROWS + 10
        assert files(f"out{of}") == files("local")
        assert [check.passed for check in merged.checks] == [True]


def test_shares_of_several_folders_and_formats_are_merged_elsewhere() -> None:
    """Machines without a common disk; other options decide the bytes, too."""
    fb.generate(SHOP, output="local", format="csv", seed=8)
    for number in (1, 2):
        fb.generate(SHOP, output=f"m{number}", blocks=f"{number}/2", format="csv", seed=8)
    refused("merge.output", "m1", "m2/share-2-of-2")
    fb.merge(["m1", "m2/share-2-of-2"], output="all")
    assert files("all") == files("local")
    assert Path("m1/share-1-of-2/share.json").exists()


def test_a_missing_doubled_unfinished_or_changed_share_is_one_error() -> None:
    """Each names the share, and what to type."""
    fb.generate(SHOP, output="out", blocks="1/3")
    error = refused("merge.missing")
    assert "shares 2, 3 of 3" in error.message
    assert "--blocks 2/3" in str(error.hint)
    make()
    fb.generate(SHOP, output="other", blocks="1/3")
    assert "other/share-1-of-3" in refused("merge.doubled", "out", "other").message
    orders = next(Path("out/share-2-of-3/orders").iterdir())
    kept = orders.read_bytes()
    orders.write_bytes(kept[:-1] + b"x")
    assert str(orders) in refused("source.changed").message
    orders.write_bytes(kept)
    record = Path("out/share-2-of-3/share.json")
    record.rename("aside")
    assert "share-2-of-3" in refused("merge.unfinished").message
    Path("aside").rename(record)
    told = json.loads(record.read_text())
    told["parts"].pop()
    record.write_text(json.dumps(told))
    assert "no share has part" in refused("source.damaged-run").message
    record.write_text("[]")
    refused("merge.unfinished")
    refused("merge.no-share", "nowhere")
    assert not Path("out/manifest.json").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"seed": 8}, "its seed is 8, not 7"),
        ({"n": {"orders": 9}}, "another spec"),
        ({"format": "csv"}, "its format is csv, not parquet"),
        ({"of": 4}, "one of 4 shares, not of 3"),
    ],
)
def test_a_share_of_another_run_is_foreign(options: dict[str, Any], told: str) -> None:
    """Another seed, size, format or number of shares."""
    make()
    of = options.pop("of", 3)
    fb.generate(SHOP, output="foreign", blocks=f"2/{of}", **options)
    error = refused("merge.foreign", "out", "foreign")
    assert told in error.message
    assert f"foreign/share-2-of-{of}" in error.message


def test_a_share_of_other_versions_is_foreign() -> None:
    """The version of Fabula is in the fingerprint, those of libraries next to it."""
    make()
    record = Path("out/share-2-of-3/share.json")
    told = json.loads(record.read_text())
    told["versions"]["numpy"] = "1.0"
    record.write_text(json.dumps(told))
    assert "numpy 1.0, not" in refused("merge.foreign").message


@pytest.mark.parametrize("text", ["", "4/3", "1", "1/0", "-1/3", "a/b", "0/3"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        fb.generate(SHOP, output="out", blocks=text)
    assert caught.value.code == "usage.blocks"


def test_a_share_goes_to_a_folder_and_has_no_report() -> None:
    for options in ({}, {"output": "a.csv"}, {"output": "a.sqlite"}, {"output": "a", "report": 1}):
        with pytest.raises(UsageError, match="a share of a run is written to a folder"):
            fb.generate(SHOP, blocks="1/2", **options)  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_killed_share_is_resumed_and_a_finished_one_is_left_alone() -> None:
    """A kill loses the parts under way; the same command makes only those."""
    spec = {**SHOP, "tables": {**SHOP["tables"]}}
    spec["tables"]["orders"] = {**SHOP["tables"]["orders"], "n": 40 * BLOCK_ROWS}
    Path("shop.json").write_text(json.dumps({"fabula": 1, **spec}))
    program = (
        "import fabula as fb; from fabula.runs import parts; parts.PART_BLOCKS = 1;"
        "fb.generate('shop.json', output='out', blocks='1/2')"
    )
    process = subprocess.Popen([sys.executable, "-c", program])
    state = Path("out/share-1-of-2/.fabula")
    while process.poll() is None and len(list(state.glob("orders-*.json"))) < 3:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    refused("merge.unfinished")
    resumed = fb.generate("shop.json", output="out", blocks="1/2")
    assert 3 * BLOCK_ROWS <= resumed.reused < 20 * BLOCK_ROWS
    again = fb.generate("shop.json", output="out", blocks="1/2")
    assert again.reused == sum(again.count(table) for table in again)
    fb.generate("shop.json", output="out", blocks="2/2")
    fb.merge("out")
    fb.generate("shop.json", output="local")
    assert files("out") == files("local")


def test_a_table_that_a_check_draws_again_is_made_again_with_what_builds_on_it() -> None:
    """The parts of shares are of the first drawing; a merge that is killed there goes on."""
    spec = json.loads(json.dumps(SHOP))
    customers = spec["tables"]["customers"]
    customers["columns"]["vip"] = {"kind": "bernoulli", "p": 0.5}
    again = {"kind": "share", "column": "vip", "value": True, "at_least": 0.5}
    customers["checks"] = [{**again, "repair": "resample"}]
    local = fb.generate(spec, output="local", max_rejects=None)
    assert local.manifest["tables"]["customers"]["drawings"] > 1
    make(spec)
    fb.merge("out")
    assert files("out") == files("local")


ASKED: dict[str, Any] = {
    "name": "asked",
    "seed": 1,
    "tables": {
        "products": {
            "n": 40,
            "prompt": "products of a shop",
            "columns": {"id": {"kind": "key"}, "title": {"kind": "llm", "type": "str"}},
        },
        "sales": {
            "n": 2 * BLOCK_ROWS,
            "columns": {
                "id": {"kind": "key"},
                "title": {"kind": "reference", "to": "products"},
            },
        },
        "notes": {
            "n": 30,
            "prompt": "notes of a clerk",
            "columns": {"note": {"kind": "llm", "type": "str"}},
        },
    },
}


def test_every_share_pays_for_its_own_rows_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that others build on come in share 0; after the merge nothing is asked again."""
    with ChatServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "a-key")
        options: dict[str, Any] = {"output": "out", "model": "openai:any"}
        with pytest.raises(UsageError) as caught:
            fb.generate(ASKED, blocks="1/2", **options)
        assert caught.value.code == "share.first"
        assert "--blocks 0/2" in str(caught.value.hint)
        assert not server.calls
        calls = []
        for share in ("0/2", "1/2", "2/2"):
            fb.generate(ASKED, blocks=share, **options)
            calls.append(len(server.calls))
        assert calls[0] > 0
        asked = calls[-1]
        merged = fb.merge("out")
        assert merged.manifest["models"]["default"]["calls"] == asked
        fb.generate(ASKED, **{**options, "output": "local"})
        assert len(server.calls) == asked
    assert files("out") == files("local")


@pytest.mark.parametrize("output", ["whole", "share"])
def test_a_run_that_a_limit_stopped_makes_the_lost_rows_when_it_goes_on(
    output: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No row refers to a row that was lost in the first go and is there in the second."""
    with ChatServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "a-key")
        options: dict[str, Any] = {"output": output, "model": "openai:any"}
        if output == "share":
            options["blocks"] = "0/1"
        with pytest.raises(FabulaError) as caught:
            fb.generate(ASKED, **options, max_calls=1)
        assert caught.value.exit_code == 4
        made = fb.generate(ASKED, **options)
        assert made.count("products") == 40
        bodies = [repr(call.body) for call in server.calls]
        assert len(set(bodies)) == len(bodies)
    assert not made.rejected


def test_tables_that_models_fill_are_shared_block_by_block() -> None:
    """A million calls are a few blocks only, so a block makes a part there."""
    columns = {"note": {"kind": "llm"}}
    plan = fb.plan({"tables": {"notes": {"n": 5 * BLOCK_ROWS, "columns": columns}}})
    layout = Layout("notes", plan["notes"].schema, 5 * BLOCK_ROWS, 5, asks=True)
    assert [Share(number, 2).parts(plan, layout) for number in (1, 2)] == [[0, 2, 4], [1, 3]]


def test_a_spec_that_shares_can_not_note_is_named_at_the_merge(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A secret header stands in no record; the error says what to type."""
    model: dict[str, Any] = {"name": "openai:any", "headers": {"X-Team": "secret-word"}}
    monkeypatch.setenv("OPENAI_API_KEY", "a-key")
    with ChatServer() as server:
        model |= {"base_url": server.url, "api_key_env": "OPENAI_API_KEY"}
        spec = {**ASKED, "models": {"default": model}}
        for share in ("0/1", "1/1"):
            fb.generate(spec, output="out", blocks=share)
    assert all(b"secret-word" not in path.read_bytes() for path in Path("out").rglob("*.json"))
    assert "--spec" in str(refused("merge.needs-spec").hint)
    refused("merge.other-spec", spec=SHOP)
    assert fb.merge("out", spec=spec).count("sales") == 2 * BLOCK_ROWS


def test_masked_files_need_a_key_that_all_shares_have() -> None:
    """Each share would throw its own key away."""
    Path("people.csv").write_text("name,age\n" + "Ann Lee,30\nBob Ray,41\n" * 20)
    spec = {"tables": {"people": {"source": {"file": "people.csv"}}}}
    with pytest.raises(UsageError) as caught:
        fb.generate(spec, output="out", blocks="1/1")
    assert caught.value.code == "share.key"


def test_the_folder_of_shares_is_no_obstacle_for_a_run() -> None:
    """A folder with shares alone is free; one with other files is not."""
    fb.generate(SHOP, output="out", blocks="1/2")
    assert fb.generate(SHOP, output="out").count("customers") == 1000
    with pytest.raises(SourceError):
        fb.merge("out/share-9-of-9")
