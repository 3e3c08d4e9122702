"""Runs the tasks of a run, in order, with a bounded number in flight."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


class LocalExecutor:
    """Threads of this process; numpy and Arrow release the interpreter lock.

    At most `workers` tasks are in flight, so results never pile up. One worker or one task
    means no thread at all, which keeps interrupts exact.

    Args:
        workers: Tasks at a time.
        on_stop: Called when the run ends early, while tasks are still in flight; it should
            make them end soon.
    """

    def __init__(self, workers: int, on_stop: Callable[[], None]) -> None:
        self._workers = workers
        self._on_stop = on_stop

    def map(
        self, function: Callable[[Task], Result], tasks: Sequence[Task]
    ) -> Iterator[tuple[Task, Result]]:
        """Yield each task with its result, in the order of the tasks."""
        if self._workers == 1 or len(tasks) == 1:
            for task in tasks:
                yield task, function(task)
            return
        pool = ThreadPoolExecutor(self._workers, thread_name_prefix="fabula")
        waiting: deque[tuple[Task, Future[Result]]] = deque()
        try:
            for task in tasks:
                if len(waiting) == self._workers:
                    done, future = waiting.popleft()
                    yield done, future.result()
                waiting.append((task, pool.submit(function, task)))
            while waiting:
                done, future = waiting.popleft()
                yield done, future.result()
        except BaseException:
            self._on_stop()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
