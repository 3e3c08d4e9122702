"""Bounds on queries: a stranger's SQL ends in time, and takes no more memory than its rows justify.

DuckDB counts only its buffers against its own limit. What functions build while they run, such as
lists and long texts, comes straight from the process. While a query with such functions runs, the
process as a whole may therefore grow by the query's share and no more, in whichever thread.
"""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

SECONDS = 4.0
"""CPU seconds that a query may take for each block of rows."""
_PATIENCE, _LOOKS = 20, 8
"""How many times as long it may wait for a busy machine, and how often the clocks are read."""
_BLOCK_ROWS = 65_536
_MEGABYTES, _MOST_MEGABYTES = 300, 3_000
_ROWS_A_MEGABYTE = 100

_FUNCTION = re.compile(r"(\w+)\"?\s*\(")
_JOINS = re.compile(r"\|\||\bconcat")
_FEW_JOINS, _SHORT = 12, 2_000
_WORDS = """
    abs age all and any approx_count_distinct as ascii avg between bool_and bool_or by case cast
    cbrt ceil ceiling coalesce concat contains corr count cume_dist date_add date_diff date_part
    date_sub date_trunc datediff datepart datetrunc day dayname dayofmonth dayofweek dayofyear
    decimal dense_rank distinct else ends_with epoch exists exp filter first_value floor fmod from
    greatest hour if ifnull in instr interval isfinite isinf isnan isodow isoyear lag last_day
    last_value lead least left len length ln log log10 log2 lower lpad ltrim make_date make_time
    make_timestamp max microsecond millisecond min minute mod month monthname not nth_value ntile
    nullif on or over partition percent_rank pow power prefix quarter rank regexp_full_match
    regexp_matches reverse right round row_number rpad rtrim second select sign sqrt starts_with
    stddev strlen strpos substr substring suffix sum then time to_days to_hours to_minutes to_months
    to_seconds to_weeks to_years trim trunc try_cast unicode upper
    using values variance week weekday weekofyear when where year yearweek
"""
_KEEPS_SIZE = frozenset(_WORDS.split())
"""Functions whose result never outgrows their arguments, and words that precede `(`."""

_lock = threading.Lock()
_allowed: list[int] = []
"""Bytes of each query that runs now, in any thread."""
_own = (0, 0)
"""The limit of the process, as it is while no query runs."""


def may_grow(sql: str) -> bool:
    """Whether the values of a query may be much larger than those that it reads."""
    if len(sql) > _SHORT or len(_JOINS.findall(sql)) > _FEW_JOINS:
        return True
    return not {name.lower() for name in _FUNCTION.findall(sql)} <= _KEEPS_SIZE


@contextmanager
def bounded(
    connection: duckdb.DuckDBPyConnection, rows: int, *, grows: bool = True
) -> Iterator[None]:
    """Stop what a connection does when it takes longer or more memory than a query of `rows` may.

    `grows` allows for values much larger than those that the query reads.

    Raises:
        duckdb.InterruptException: It takes too long.
        duckdb.OutOfMemoryException: It takes too much memory.
    """
    import duckdb

    seconds = SECONDS * max(1, -(-rows // _BLOCK_ROWS))
    megabytes = min(_MEGABYTES + rows // _ROWS_A_MEGABYTE, _MOST_MEGABYTES)
    late, ended = threading.Event(), threading.Event()

    def watch() -> None:
        began, worked = time.monotonic(), time.process_time()
        while not ended.wait(seconds / _LOOKS):
            passed = time.monotonic() - began
            spent = min(passed, time.process_time() - worked)  # threads side by side spend more
            if spent >= seconds or passed >= _PATIENCE * seconds:
                late.set()
                connection.interrupt()
                break

    threading.Thread(target=watch, daemon=True).start()
    try:
        with _in_memory(megabytes << 20) if grows else nullcontext():
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
        ended.set()


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
