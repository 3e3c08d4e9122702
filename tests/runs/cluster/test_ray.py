"""A real Ray cluster of two nodes on this machine: the rows of a local run, whatever dies."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import fabula as fb
from fabula.errors import CheckError, FabulaError, PrerequisiteError, UsageError
from fabula.runs import parts
from fabula.runs.cluster.ray_cluster import RayCluster
from fabula.streams import BLOCK_ROWS
from fabula.testing import Call, ChatServer, Reply
from tests.runs.shares.test_merging import ASKED, SHOP
from tests.runs.test_run_folder import digest

pytestmark = pytest.mark.slow
ray = pytest.importorskip("ray")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Two nodes with one CPU each."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    small = {"num_cpus": 1, "object_store_memory": 200 << 20, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=small)
    del small["include_dashboard"]
    cluster.add_node(**small)
    cluster.wait_for_nodes()
    yield cluster.address
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test writes where it was started."""
    monkeypatch.chdir(tmp_path)


def test_two_nodes_make_the_bytes_of_a_local_run(address: str) -> None:
    """In a folder, in one file, and in memory; both nodes have the same versions."""
    spec = {**SHOP, "tables": {**SHOP["tables"]}}
    spec["tables"]["orders"] = {**SHOP["tables"]["orders"], "n": 33 * BLOCK_ROWS}
    options: dict[str, Any] = {"executor": "ray", "address": address}
    local = fb.generate(spec, output="local")
    made = fb.generate(spec, output="out", **options)
    assert digest(Path("out")) == digest(Path("local"))
    assert made.checks.passed
    assert fb.generate(spec, **options)["orders"].equals(local["orders"])
    fb.generate("age int 18..90", n=1000, seed=1, output="a.csv", **options)
    fb.generate("age int 18..90", n=1000, seed=1, output="b.csv")
    assert Path("a.csv").read_bytes() == Path("b.csv").read_bytes()
    cluster = RayCluster(address)
    nodes = cluster.nodes()
    cluster.close()
    assert [node["cpus"] for node in nodes] == [1, 1]
    assert all("problem" not in node["versions"] for node in nodes)
