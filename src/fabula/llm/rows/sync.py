"""Runs coroutines for callers without an event loop, or inside a running one (notebooks).

One background thread holds one event loop for the whole process, so that a model's connections
outlive a single call.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")

PUTTING_AWAY = 10.0
"""Seconds that an interrupted coroutine has to close what it opened."""


def run_sync(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end and return its result; an interrupt cancels it.

    The coroutine may then clean up, while the interpreter is still running.
    """
    over = threading.Event()

    async def run() -> T:
        try:
            return await coroutine
        finally:
            over.set()

    future = asyncio.run_coroutine_threadsafe(run(), _loop())
    try:
        return future.result()
    except BaseException:
        future.cancel()
        over.wait(PUTTING_AWAY)
        raise


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="fabula-rows", daemon=True).start()
    return loop


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_loop.cache_clear)  # threads do not survive a fork
