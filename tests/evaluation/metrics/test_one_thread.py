"""Matrix products of metrics run on one thread, and on as many as before afterwards."""

from __future__ import annotations

import numpy as np
import pytest

from fabula.evaluation.metrics.distances import nearest
from fabula.evaluation.metrics.one_thread import _libraries, one_thread


def test_the_last_one_to_leave_gives_the_threads_back() -> None:
    threadpoolctl = pytest.importorskip("threadpoolctl")
    _libraries.cache_clear()  # tests that ran before may have loaded more since it was filled

    def threads() -> list[int]:
        found = threadpoolctl.threadpool_info()
        return [pool["num_threads"] for pool in found if pool["user_api"] == "blas"]

    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        before = threads()
        first, second = one_thread(), one_thread()
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert set(threads()) <= {1}
        second.__exit__(None, None, None)
        assert threads() == before


def test_neighbours_are_the_same_in_one_block_and_in_several(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    queries, references = (rng.random((size, 5)).astype(np.float32) for size in (90, 70))
    whole = nearest(queries, references)
    monkeypatch.setattr("fabula.evaluation.metrics.distances.BLOCK_CELLS", 700)
    parts = nearest(queries, references)
    assert np.array_equal(whole[1], parts[1])
    apart = ((queries[:, None].astype(float) - references) ** 2).sum(axis=2)
    assert np.array_equal(parts[1], apart.argmin(axis=1))
