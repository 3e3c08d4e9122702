"""The ledger: what was paid for is kept, found again and shared."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from fabula.errors import ModelError, SinkError
from fabula.llm.cache.budget import Budget
from fabula.llm.cache.ledger import Entry, Ledger, request_key
from fabula.llm.client.chat import ChatReply, ChatRequest, Message, Sampling, Usage
from fabula.testing import Call, ChatServer, Reply
from fabula.testing import replies as script
from tests.llm.builders import ADA, PERSON, Opened, asking


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "ledger.sqlite"


async def test_the_same_request_is_answered_from_the_file(opened: Opened, path: Path) -> None:
    """The same command twice makes no new request and gives identical replies."""
    with ChatServer() as server:
        runs = []
        for _ in range(2):
            ledger = Ledger(path)
            model = opened(server, ledger=ledger)
            runs.append(
                await asyncio.gather(
                    *(model.complete(asking(f"{n}", schema=PERSON)) for n in range(30))
                )
            )
            ledger.close()
    assert len(server.calls) == 30
    assert [reply.cached for reply in runs[0]] == [False] * 30
    assert runs[1] == [replace(reply, cached=True) for reply in runs[0]]


@pytest.mark.parametrize(
    "other",
    [
        asking("hello!"),
        asking(sample=1),
        asking(schema=PERSON),
        asking(sampling=Sampling(temperature=0.5)),
        ChatRequest((Message("system", "hello"),)),
    ],
)
def test_everything_that_decides_a_reply_is_part_of_its_key(other: ChatRequest) -> None:
    """A stale reply is never given."""
    assert request_key("m", other) != request_key("m", asking())
    assert request_key("another model", asking()) != request_key("m", asking())
    assert request_key("m", asking(purpose="judge")) == request_key("m", asking())


async def test_concurrent_identical_requests_are_made_once(opened: Opened, path: Path) -> None:
    ledger = Ledger(path)
    with ChatServer(latency=0.05) as server:
        models = [opened(server, ledger=ledger), opened(server, ledger=ledger)]
        replies = await asyncio.gather(*(models[n % 2].complete(asking("same")) for n in range(50)))
    ledger.close()
    assert len(server.calls) == 1
    assert sum(not reply.cached for reply in replies) == 1
    assert len({reply.text for reply in replies}) == 1


async def test_when_a_shared_call_fails_the_others_make_their_own(
    opened: Opened, path: Path
) -> None:
    ledger = Ledger(path)
    with ChatServer([script.failed(418), "fine"], latency=0.02) as server:
        model = opened(server, ledger=ledger)
        outcomes = await asyncio.gather(
            *(model.complete(asking("same")) for _ in range(5)), return_exceptions=True
        )
    ledger.close()
    assert len(server.calls) == 2
    assert sum(isinstance(outcome, ModelError) for outcome in outcomes) == 1


async def test_fresh_asks_again_and_keeps_the_new_reply(opened: Opened, path: Path) -> None:
    """`--fresh`."""
    with ChatServer(["old", "new"]) as server:
        for fresh, text in ((False, "old"), (True, "new"), (False, "new")):
            ledger = Ledger(path, fresh=fresh)
            assert (await opened(server, ledger=ledger).complete(asking())).text == text
            ledger.close()
    assert len(server.calls) == 2


async def test_every_reply_is_kept_as_it_came(path: Path) -> None:
    """Refusals, cut replies, odd characters and long texts too."""
    replies = [
        ChatReply("", finish="refusal", usage=Usage(None, None), problem="no answer"),
        ChatReply("x" * 1_000_000, finish="length", usage=Usage(5, None), model="m", mode="tools"),
        ChatReply("nul \x00 and 🦊 'quotes'; DROP TABLE replies; --"),
    ]
    ledger = Ledger(path)
    for number, reply in enumerate(replies):
        await ledger.keep(bytes([number]), Entry("m", "rows", 0.1, reply))
    ledger.close()
    ledger = Ledger(path)
    found = [ledger.find(bytes([number])) for number in range(len(replies))]
    ledger.close()
    assert found == [replace(reply, cached=True) for reply in replies]


async def test_a_text_that_cannot_be_stored_fails_its_call_and_no_other(path: Path) -> None:
    """The writing thread survives."""
    ledger = Ledger(path)
    bad = Entry("m", "rows", 0.1, ChatReply("\ud83d"))
    good = Entry("m", "rows", 0.1, ChatReply("fine"))
    calls = [ledger.keep(bytes([n]), bad if n == 3 else good) for n in range(20)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    ledger.close()
    assert [n for n, outcome in enumerate(outcomes) if isinstance(outcome, SinkError)] == [3]


async def test_the_first_of_two_processes_decides(path: Path) -> None:
    """Two runs that ask the same at the same time see the same."""
    first, second = Ledger(path), Ledger(path)
    await first.keep(b"k", Entry("m", "rows", 0.1, ChatReply("first")))
    reply = await second.keep(b"k", Entry("m", "rows", 0.1, ChatReply("second")))
    first.close()
    second.close()
    assert reply.text == "first"


async def test_neither_keys_nor_headers_are_stored(
    opened: Opened, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key is printed and stored nowhere."""
    monkeypatch.setenv("MY_KEY", "sk-secret-key")
    ledger = Ledger(path)
    with ChatServer() as server:
        headers = {"X-Token": "header-secret"}
        model = opened(server, ledger=ledger, api_key_env="MY_KEY", headers=headers)
        await model.complete(asking())
    ledger.close()
    stored = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"sk-secret-key" not in stored
    assert b"header-secret" not in stored
    assert server.calls[0].key == "sk-secret-key"


def test_a_damaged_file_is_named(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is not a database" * 500)
    with pytest.raises(SinkError) as caught:
        Ledger(path)
    assert caught.value.code == "ledger.damaged"
    assert str(path) in (caught.value.hint or "")


def test_a_file_of_a_newer_version_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(SinkError) as caught:
        Ledger(path)
    assert caught.value.code == "ledger.newer"


async def test_a_locked_file_is_waited_for_and_then_named(path: Path) -> None:
    ledger = Ledger(path, patience=0.2)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    entry = Entry("m", "rows", 0.1, ChatReply("hi"))
    with pytest.raises(SinkError) as caught:
        await ledger.keep(b"1", entry)
    assert caught.value.code == "ledger.locked"
    other.execute("COMMIT")
    other.close()
    await ledger.keep(b"1", entry)
    ledger.close()


FULL_DISK = """
import asyncio, resource, signal, sys
from pathlib import Path
from fabula.llm.client.chat import ChatReply
from fabula.llm.cache.ledger import Entry, Ledger

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
ledger = Ledger(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

async def main():
    for number in range(100):
        entry = Entry("m", "rows", 0.1, ChatReply("x" * 10_000))
        await ledger.keep(number.to_bytes(2, "big"), entry)
        print(number, flush=True)

try:
    asyncio.run(main())
except Exception as error:
    print(type(error).__name__, error)
"""


def test_a_full_disk_is_named_and_what_was_kept_stays(path: Path) -> None:
    """The operating system refuses to write more."""
    command = [sys.executable, "-c", FULL_DISK, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    kept = [int(line) for line in done.stdout.splitlines() if line.isdigit()]
    assert 0 < len(kept) < 100
    assert "SinkError error[ledger.disk-full]" in done.stdout
    ledger = Ledger(path)
    assert all(ledger.find(number.to_bytes(2, "big")) for number in kept)
    ledger.close()


STARTING = """
import asyncio, sys
from pathlib import Path
from fabula.llm.client.chat import ChatReply
from fabula.llm.cache.ledger import Entry, Ledger

async def main(ledger):
    entry = Entry("m", "rows", 0.1, ChatReply(sys.argv[2]))
    for number in range(20):
        await ledger.keep(number.to_bytes(2, "big"), entry)

ledger = Ledger(Path(sys.argv[1]))
asyncio.run(main(ledger))
ledger.close()
"""


def test_processes_may_start_and_write_together(path: Path) -> None:
    """Shared across runs; the first start makes the file."""
    command = [sys.executable, "-c", STARTING, str(path)]
    running = [subprocess.Popen([*command, str(n)], stderr=subprocess.PIPE) for n in range(6)]
    failures = [process.communicate(timeout=60)[1].decode() for process in running]
    assert failures == [""] * 6
    ledger = Ledger(path)
    assert all(ledger.find(number.to_bytes(2, "big")) for number in range(20))
    ledger.close()


def test_threads_with_their_own_loops_share_a_ledger(path: Path) -> None:
    ledger = Ledger(path)
    asked: list[int] = []

    async def ask() -> Entry:
        asked.append(1)
        await asyncio.sleep(0.2)
        return Entry("m", "rows", 0.1, ChatReply("once"))

    texts: list[str] = []

    def run() -> None:
        texts.append(asyncio.run(ledger.once(b"k", ask)).text)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    ledger.close()
    assert texts == ["once"] * 4
    assert len(asked) == 1


KILLED = """
import asyncio, sys
from pathlib import Path
from fabula.llm.providers.catalogue import open_model
from fabula.spec.models import ModelSpec
from fabula.llm.client.chat import ChatRequest, Message
from fabula.llm.cache.ledger import Ledger

async def main(url, path):
    ledger = Ledger(Path(path))
    settings = ModelSpec(provider="openai-compatible", name="m", base_url=url, concurrency=16)
    model = open_model(settings, ledger=ledger)

    async def one(number):
        await model.complete(ChatRequest((Message("user", f"row {number}"),)))
        print(number, flush=True)

    await asyncio.gather(*(one(number) for number in range(400)))
    await model.close()
    ledger.close()

asyncio.run(main(*sys.argv[1:]))
"""


def test_a_killed_run_repeats_only_what_was_not_answered(path: Path) -> None:
    """Kill -9 in mid-run, then the same command; no successful reply is asked for twice."""
    killed = threading.Event()

    def answer(call: Call) -> Reply:
        """No end before the kill, however long a busy machine takes to send the signal."""
        return Reply(delay=0.02 if call.number <= 300 or killed.is_set() else 600.0)

    with ChatServer(answer) as server:
        command = [sys.executable, "-c", KILLED, server.url, str(path)]
        first = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert first.stdout
        used = [first.stdout.readline() for _ in range(200)]
        os.kill(first.pid, signal.SIGKILL)
        used += first.communicate()[0].splitlines(keepends=True)
        killed.set()
        before = Counter(call.prompt for call in server.calls)
        second = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=60, check=True)
        total = Counter(call.prompt for call in server.calls)
    used_rows = {f"row {line.strip()}" for line in used if line.endswith("\n")}
    assert 200 <= len(used_rows) < 400
    assert sorted(map(int, second.stdout.split())) == list(range(400))
    twice = {prompt for prompt, count in total.items() if count > 1}
    assert not twice & used_rows
    assert twice <= set(before)
    # 16 calls were open, and as many replies at most were on their way to the disk.
    assert len(server.calls) <= 400 + 2 * 16


async def test_the_budget_counts_calls_and_what_the_ledger_saved(
    opened: Opened, path: Path
) -> None:
    """The manifest's numbers."""
    ledger, budget = Ledger(path), Budget()
    with ChatServer([ADA, ADA]) as server:
        model = opened(server, ledger=ledger, budget=budget)
        for prompt in ("one", "two", "one"):
            await model.complete(asking(prompt))
    ledger.close()
    assert (budget.calls, budget.cached) == (2, 1)
    assert budget.usage == Usage(2, 2 * (len(ADA) // 4 + 1))
