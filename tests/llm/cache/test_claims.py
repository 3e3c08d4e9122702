"""Equal runs at once share their calls, and a ledger that fails does so soon and clearly."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from time import monotonic

import pytest

from fabula.errors import SinkError
from fabula.llm.cache import claims
from fabula.llm.cache.claims import Claims
from fabula.llm.cache.ledger import Ledger
from fabula.testing import ChatServer
from tests.llm.builders import Opened, asking


def test_a_request_is_claimed_once_until_it_is_given_back(tmp_path: Path) -> None:
    one, other = Claims(tmp_path / "claims.sqlite"), Claims(tmp_path / "claims.sqlite")
    assert one.take(b"key")
    assert not other.take(b"key")
    one.release(b"key")
    assert other.take(b"key")
    one.close()
    assert not Claims(tmp_path / "claims.sqlite").take(b"key")
    other.close()
    assert Claims(tmp_path / "claims.sqlite").take(b"key")


def test_the_claim_of_a_dead_process_is_taken_over_at_once(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from fabula.llm.cache.claims import Claims\n"
        "assert Claims(Path(sys.argv[1])).take(b'key'); os._exit(0)"
    )
    path = tmp_path / "claims.sqlite"
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)
    assert Claims(path).take(b"key")


def test_the_claim_of_a_silent_owner_is_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = Claims(tmp_path / "claims.sqlite"), Claims(tmp_path / "claims.sqlite")
    assert one.take(b"key")
    assert not other.take(b"key")
    monkeypatch.setattr(claims, "SILENT", 0.0)
    assert other.take(b"key")


def test_claims_that_cannot_be_written_stop_nobody(tmp_path: Path) -> None:
    (tmp_path / "claims.sqlite").mkdir()
    assert Claims(tmp_path / "claims.sqlite").take(b"key")


@pytest.mark.slow
def test_two_equal_runs_at_once_pay_for_each_call_once(tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(
        "fabula: 1\nname: t\nmodels: {default: 'openai:m'}\ntables:\n  t:\n    n: 60\n"
        "    columns:\n      id: {kind: key}\n"
        "      blurb: {kind: text, prompt: 'One sentence about item {{ id }}.'}\n"
    )
    code = (
        "import sys, fabula as fb\n"
        "rows = fb.generate(sys.argv[1])['t'].to_pylist()\n"
        "print(len(rows), rows[17]['blurb'])"
    )
    with ChatServer(latency=0.05) as server:
        home = {**os.environ, "FABULA_HOME": str(tmp_path / "home"), "OPENAI_BASE_URL": server.url}
        runs = [
            subprocess.Popen(
                [sys.executable, "-c", code, str(spec)], env=home, stdout=subprocess.PIPE, text=True
            )
            for _ in range(2)
        ]
        said = [run.communicate(timeout=100)[0] for run in runs]
    assert said[0] == said[1]
    assert said[0].startswith("60 ")
    assert len(server.calls) == 60


async def test_a_ledger_that_is_locked_ends_all_calls_after_one_wait(
    opened: Opened, tmp_path: Path
) -> None:
    """Nothing is asked that could not be kept."""
    ledger = Ledger(tmp_path / "ledger.sqlite", patience=0.5)
    with ChatServer() as server, closing(sqlite3.connect(ledger.path)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        model = opened(server, ledger=ledger)
        started = monotonic()
        outcomes = await asyncio.gather(
            *(model.complete(asking(f"{n}")) for n in range(50)), return_exceptions=True
        )
    assert monotonic() - started < 5
    assert {getattr(outcome, "code", "") for outcome in outcomes} == {"ledger.locked"}
    assert server.calls == []
    ledger.close()


async def test_a_ledger_that_is_locked_in_mid_run_ends_the_run_after_one_wait(
    opened: Opened, tmp_path: Path
) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite", patience=2.0)
    with ChatServer() as server, closing(sqlite3.connect(ledger.path)) as holder:
        model = opened(server, ledger=ledger)
        await model.complete(asking("first"))
        holder.execute("BEGIN EXCLUSIVE")
        started = monotonic()
        for n in range(5):
            with pytest.raises(SinkError) as caught:
                await model.complete(asking(f"{n}"))
            assert caught.value.code == "ledger.locked"
    assert monotonic() - started < 8  # five waits would be ten seconds
    assert len(server.calls) == 2
    ledger.close()
