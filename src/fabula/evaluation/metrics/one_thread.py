"""Matrix products on one thread: those of metrics are small.

Threads that wait for each other cost more than they bring.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

_lock = Lock()
_inside: list[Any] = []
"""What undoes the limit, once for each caller that is inside: the last one to leave does."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep numpy's library of matrix products from starting threads, where that can be said."""
    libraries = _libraries()
    if libraries is None:
        yield
        return
    with _lock:
        _inside.append(_inside[0] if _inside else libraries.limit(limits=1, user_api="blas"))
    try:
        yield
    finally:
        with _lock:
            limit = _inside.pop()
            if not _inside:
                limit.restore_original_limits()


@cache
def _libraries() -> Any:
    """What tells numpy's libraries; None without `threadpoolctl`, of the extra `learned`."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController()
