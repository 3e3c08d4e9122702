"""A bound on the time that a rule takes: one thread looks at all rules that are running.

Compiled code can't be stopped: it runs in a thread of its own, which is given up.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np

from fabula.simulation.faults import EndlessRule

LOOK = 0.2
"""Seconds between two looks."""
_WAITING = 10
"""A rule may wait this many times as long as it may compute."""


@dataclass(eq=False)
class _Running:
    thread: int
    limit: float
    clock: float
    started: float | None = None
    is_paused: bool = False

    @property
    def is_over(self) -> bool:
        if self.is_paused:
            return False
        computed = time.process_time()
        if self.started is None:  # at the first look: most rules end before, and reading it is slow
            self.started = computed
        waited = time.monotonic() - self.clock > self.limit * _WAITING
        return waited or computed - self.started > self.limit


_running: set[_Running] = set()
_lock = threading.Lock()
_watcher: list[threading.Thread] = []


@contextmanager
def bounded(limit: float) -> Iterator[None]:
    """Stop Python code that computes longer than `limit` CPU seconds, or waits for much longer.

    Raises:
        EndlessRule: It was stopped.
    """
    running = _Running(threading.get_ident(), limit, time.monotonic())
    with _lock:
        _running.add(running)
        if not (_watcher and _watcher[0].is_alive()):
            _watcher[:] = [threading.Thread(target=_watch, daemon=True, name="fabula-watch")]
            _watcher[0].start()
    try:
        yield
    except EndlessRule as error:
        message = f"the rule does not end within {limit:g} CPU seconds"
        raise EndlessRule(message).with_traceback(error.__traceback__) from None
    finally:
        with _lock:
            _running.discard(running)


@contextmanager
def unbounded() -> Iterator[None]:
    """Do what the bound of the rule that is running does not count, such as asking a model."""
    with _lock:
        paused = [each for each in _running if each.thread == threading.get_ident()]
    started, clock = time.process_time(), time.monotonic()
    for each in paused:
        each.is_paused = True
    try:
        yield
    finally:
        for each in paused:
            if each.started is not None:
                each.started += time.process_time() - started
            each.clock += time.monotonic() - clock
            each.is_paused = False


def _watch() -> None:
    while True:
        time.sleep(LOOK)
        with _lock:
            for running in [each for each in _running if each.is_over]:
                _running.discard(running)
                raised = ctypes.py_object(EndlessRule)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(running.thread), raised)


class _Caller(threading.Thread):
    """Calls compiled code, which no exception reaches, one function after the other."""

    def __init__(self) -> None:
        super().__init__(daemon=True, name="fabula-compiled")
        self.asked: SimpleQueue[Callable[[], Any]] = SimpleQueue()
        self.answers: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()
        self.start()

    def run(self) -> None:
        while True:
            function = self.asked.get()
            try:
                with np.errstate(divide="raise", invalid="raise", over="raise"):
                    self.answers.put((function(), None))
            except BaseException as error:
                self.answers.put((None, error))


_idle: list[_Caller] = []


def in_time(function: Callable[[], Any], limit: float) -> Any:
    """Call compiled code, and give up on it after `limit` CPU seconds.

    Raises:
        EndlessRule: It did not end.
    """
    caller = _idle.pop() if _idle and _idle[-1].is_alive() else _Caller()
    caller.asked.put(function)
    started = None
    while True:
        try:
            found, error = caller.answers.get(timeout=LOOK)
        except Empty:
            started = started or time.process_time()  # reading it is slow
            if time.process_time() - started > limit:
                message = f"the rule does not end within {limit:g} CPU seconds"
                raise EndlessRule(message) from None
            continue
        _idle.append(caller)
        if error is not None:
            raise error
        return found
