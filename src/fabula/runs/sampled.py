"""The rows of a fitted table, all or a share of their blocks, made here or on a Ray cluster."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa

from fabula.errors import UsageError
from fabula.io.names import SHARE, check_shares, share_name
from fabula.runs.shares.share import Share
from fabula.streams import BLOCK_ROWS
from fabula.synthesizers.sampling import Sampler
from fabula.synthesizers.synthesizer import Synthesizer


def sampled(
    drawer: Synthesizer[Any],
    n: int,
    *,
    share: Share | None,
    workers: int,
    executor: str,
    address: str | None,
    **asked: Any,
) -> Iterator[pa.Table]:
    """The rows of a sample, block by block; they are the same wherever they are made.

    Args:
        drawer: What draws them.
        n: Rows in all.
        share: The share that is made: blocks that follow each other.
        workers: Blocks at a time.
        executor: `local`, or `ray` for the workers of a cluster.
        address: Of the cluster; by default one is started here.
        asked: Conditions, shares of values and the seed.

    Raises:
        UsageError: An address is given without a cluster.
        PrerequisiteError: Ray is not installed, or no cluster answers.
    """
    count = _blocks(n)
    part = share.of_items(count) if share else range(count)
    if executor == "local":
        if address is not None:
            raise UsageError(
                "an address is that of a Ray cluster",
                code="usage.executor",
                hint="add `--executor ray`",
            )
        yield from drawer.blocks(n, part=part, workers=workers, **asked)
        return
    from fabula.runs.cluster.ray_cluster import RayCluster

    yield drawer.schema.empty_table()
    with closing(RayCluster(address, workers)) as cluster:
        for _, block in cluster.map(_block, part, drawer.sampler(**asked), n):
            yield block


def share_file(folder: Path, share: Share, ending: str, *asked: object) -> Path:
    """The file of a share; readers take those of a folder for one table, if all are there.

    Its name ends with a mark of what was `asked`, so that shares of different samples don't mix.

    Raises:
        UsageError: There is no such share.
        SourceError: The folder has shares of another sample.
    """
    if not share.number:
        raise UsageError(
            "the shares of a sample are counted from 1",
            code="usage.blocks",
            hint=f"write `--blocks 1/{share.of}`",
        )
    mark = hashlib.sha256(repr((version("fabula"), share.of, *asked)).encode()).hexdigest()[:8]
    name = f"{share_name(share.number, share.of, mark)}{ending}"
    there = sorted(item.name for item in folder.iterdir()) if folder.is_dir() else []
    if others := [item for item in there if (found := SHARE.match(item)) and found[2] != mark]:
        check_shares(folder, [*others, name])
    return folder / name


def share_rows(share: Share, n: int) -> int:
    """How many of the rows of a sample are those of a share."""
    part = share.of_items(_blocks(n))
    return min(part.stop * BLOCK_ROWS, n) - min(part.start * BLOCK_ROWS, n)


def _blocks(n: int) -> int:
    return len(range(0, max(n, 1), BLOCK_ROWS))


def _block(number: int, sampler: Sampler, n: int) -> pa.Table:
    start = number * BLOCK_ROWS
    return sampler.block(number, start, min(BLOCK_ROWS, n - start))
