"""Bounds on queries: a stranger's SQL ends in time, and takes no more memory than its rows justify.

DuckDB counts only its buffers against its own limit. What functions build while they run, such as
lists and long texts, comes straight from the process, so the process's data is limited meanwhile.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

SECONDS = 4.0
"""Seconds that a query may take for each block of rows."""
_BLOCK_ROWS = 65_536
_MEGABYTES, _MOST_MEGABYTES = 300, 3_000
_ROWS_A_MEGABYTE = 100

_lock = threading.Lock()
_allowed: list[int] = []
"""Bytes of each query that runs now, in any thread."""
_own = (0, 0)
"""The limit of the process, as it is while no query runs."""


@contextmanager
def bounded(connection: duckdb.DuckDBPyConnection, rows: int) -> Iterator[None]:
    """Stop what a connection does when it takes longer or more memory than a query may.

    Args:
        connection: What runs the query.
        rows: How many rows the query reads.

    Raises:
        duckdb.InterruptException: It takes too long.
        duckdb.OutOfMemoryException: It takes too much memory.
    """
    import duckdb

    seconds = SECONDS * max(1, -(-rows // _BLOCK_ROWS))
    megabytes = min(_MEGABYTES + rows // _ROWS_A_MEGABYTE, _MOST_MEGABYTES)
    late = threading.Event()

    def stop() -> None:
        late.set()
        connection.interrupt()

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        with _in_memory(megabytes << 20):
            yield
    except duckdb.InterruptException as error:
        if not late.is_set():
            raise
        told = f"it takes longer than {seconds:g} s for {rows:,} rows"
        raise duckdb.InterruptException(told) from error
    except (duckdb.OutOfMemoryException, MemoryError) as error:
        told = f"it takes more than {megabytes:,} MB for {rows:,} rows"
        raise duckdb.OutOfMemoryException(told) from error
    finally:
        timer.cancel()


@contextmanager
def _in_memory(most: int) -> Iterator[None]:
    """Let the process grow by so much; only Linux has a limit that is kept and can be lifted."""
    global _own
    if sys.platform != "linux":
        yield
        return
    import resource

    with _lock:
        if not _allowed:
            _own = resource.getrlimit(resource.RLIMIT_DATA)
        _allowed.append(most)
        pages = int(Path("/proc/self/statm").read_text().split()[5])
        limit = pages * resource.getpagesize() + sum(_allowed)
        soft = limit if _own[0] == resource.RLIM_INFINITY else min(limit, _own[0])
        resource.setrlimit(resource.RLIMIT_DATA, (soft, _own[1]))
    try:
        yield
    finally:
        with _lock:
            _allowed.remove(most)
            if not _allowed:
                resource.setrlimit(resource.RLIMIT_DATA, _own)
