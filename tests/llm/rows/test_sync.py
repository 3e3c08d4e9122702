"""Coroutines for callers without a loop: what an interrupt leaves."""

from __future__ import annotations

import asyncio
import signal
import threading

import pytest

from fabula.errors import RunInterrupted
from fabula.inference.llm_spec import write_spec
from fabula.llm.rows.sync import run_sync
from fabula.testing.fake.model import FakeModel


def test_what_is_interrupted_closes_what_it_opened():
    """Ctrl-C waits for the coroutine to put things away, and then continues to the caller."""
    closed = threading.Event()

    async def wait() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.05)
            closed.set()

    # A process in the background of a shell ignores the signal from its start.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    caller = threading.get_ident()
    threading.Timer(0.2, signal.pthread_kill, (caller, signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        run_sync(wait())
    signal.signal(signal.SIGINT, before)
    assert closed.is_set()


def test_a_user_who_stops_is_no_fault_of_a_spec():
    """An interrupt while a written spec is tried out does not go back to the model."""

    def stop(_: object) -> None:
        raise RunInterrupted("stopped", code="run.interrupted")

    with pytest.raises(RunInterrupted):
        write_spec(FakeModel(), "3 rows of houses: id, size", try_out=stop)
