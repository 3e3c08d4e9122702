"""CPU seconds of a script's laps and its peak memory, as one line of JSON at the end."""

from __future__ import annotations

import json
import resource
import time


class Timing:
    """`with Timing() as timing: …; timing.lap("fit")`; prints when the block ends."""

    def __enter__(self) -> Timing:
        self._laps: dict[str, float] = {}
        self._last = _cpu()
        self._wall = time.perf_counter()
        return self

    def lap(self, name: str) -> None:
        """End a lap."""
        now = _cpu()
        self._laps[name] = now - self._last
        self._last = now

    def __exit__(self, *error: object) -> None:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        wall = time.perf_counter() - self._wall
        print(json.dumps({**self._laps, "wall": wall, "memory": peak}))


def _cpu() -> float:
    """CPU seconds of this process and of those it started and ended."""
    own, children = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
