"""A real Ray cluster of two nodes on this machine: the rows of a local run, whatever dies."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

import fabula as fb
from fabula.cli.main import main
from fabula.errors import FabulaError, PrerequisiteError, UsageError
from fabula.reports.doctor import examine
from fabula.runs import fingerprint
from fabula.runs.cluster import remote_parts
from fabula.runs.cluster.ray_cluster import RayCluster
from fabula.streams import BLOCK_ROWS
from fabula.testing import ChatServer
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


def test_two_nodes_sample_the_bytes_of_one_process(address: str) -> None:
    """The model goes to the workers; the file of it stays here."""
    rows = fb.generate("age int 18..90, plan choice free|pro, paid float 0..9", n=500, seed=1)
    fb.fit(rows, seed=1).save(Path("people.fabula"))
    command = ["sample", "people.fabula", "-n", "150000", "--given", "plan=pro"]
    assert main([*command, "-o", "here.parquet"]) == 0
    ray = ["--executor", "ray", "--address", address]
    assert main([*command, "-o", "there.parquet", *ray]) == 0
    assert Path("there.parquet").read_bytes() == Path("here.parquet").read_bytes()


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


def test_machines_without_a_common_disk_send_their_files(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the mark in the run's folder a worker takes its disk for another one."""
    monkeypatch.setattr(remote_parts, "_marked", lambda _: nullcontext())
    fb.generate(SHOP, output="out", format="csv", executor="ray", address=address)
    fb.generate(SHOP, output="local", format="csv")
    assert digest(Path("out")) == digest(Path("local"))


def workers() -> list[int]:
    """Processes that run a task of Fabula now."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            title = path.read_bytes()
        except OSError:
            continue
        if title.startswith(b"ray::_run"):
            found.append(int(path.parent.name))
    return found


class Killer(threading.Thread):
    """Kills a worker that is at work, some times."""

    def __init__(self, times: int, every: float) -> None:
        super().__init__(daemon=True)
        self.left, self.every, self.over = times, every, threading.Event()

    def run(self) -> None:
        while self.left and not self.over.wait(self.every):
            for pid in workers()[:1]:
                os.kill(pid, signal.SIGKILL)
                self.left -= 1


def test_five_killed_workers_cost_no_row(address: str) -> None:
    """A part is made again where its worker died, to the same bytes."""
    spec = {**SHOP, "tables": {**SHOP["tables"]}}
    spec["tables"]["orders"] = {**SHOP["tables"]["orders"], "n": 160 * BLOCK_ROWS}
    killer = Killer(5, every=0.3)
    killer.start()
    made = fb.generate(spec, output="out", executor="ray", address=address)
    killer.over.set()
    assert killer.left == 0
    assert made.manifest["tables"]["orders"]["written"] == 160 * BLOCK_ROWS
    fb.generate(spec, output="local")
    assert digest(Path("out")) == digest(Path("local"))


def test_killed_workers_pay_for_no_call_twice(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One process asks for all workers; every call is counted, also those of workers that died."""
    with ChatServer(latency=0.05) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "a-key")
        spec = {**ASKED, "tables": {**ASKED["tables"]}}
        spec["tables"]["products"] = {**ASKED["tables"]["products"], "n": 600}
        spec["tables"]["notes"] = {**ASKED["tables"]["notes"], "n": 600}
        options: dict[str, Any] = {"model": "openai:any"}
        killer = Killer(5, every=0.4)
        killer.start()
        made = fb.generate(spec, output="out", executor="ray", address=address, **options)
        killer.over.set()
        calls = server.calls
        keys = [repr(call.body) for call in calls]
        assert len(set(keys)) == len(keys)
        assert killer.left < 5
        assert sum(item["calls"] for item in made.manifest["models"].values()) == len(keys)
        fb.generate(spec, output="local", **options)
        assert len(server.calls) == len(keys)
    assert digest(Path("out")) == digest(Path("local"))


def test_what_a_cluster_can_not_do_is_one_error(address: str) -> None:
    """An error of a worker is the error of the run; options that don't fit are refused."""
    options: dict[str, Any] = {"executor": "ray", "address": address}
    broken = {
        "tables": {
            "a": {
                "n": 10,
                "columns": {"x": {"kind": "expr", "sql": "error('no such row')"}},
            }
        }
    }
    with pytest.raises(FabulaError, match="no such row"):
        fb.generate(broken, **options)
    with pytest.raises(UsageError, match="whole runs"):
        fb.generate(SHOP, output="out", blocks="1/2", **options)
    with pytest.raises(UsageError, match="that of a Ray cluster"):
        fb.generate(SHOP, address=address)
    Path("people.csv").write_text("name,age\nAnn Lee,30\n")
    with pytest.raises(UsageError, match="masks a real file"):
        fb.generate({"tables": {"people": {"source": {"file": "people.csv"}}}}, **options)


def test_doctor_looks_at_the_nodes_of_a_cluster(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each node must have the versions that decide bytes."""
    nodes = [str(item) for item in examine(address) if "Ray node" in item.what]
    assert len(nodes) == 2
    assert all(node.startswith("ok") and "1 CPU" in node for node in nodes)
    monkeypatch.setattr(fingerprint, "_LIBRARIES", ("fabula",))
    monkeypatch.setattr(fingerprint, "_version", lambda _: "99.0")
    different = [item for item in examine(address) if "Ray node" in item.what]
    assert [item.state for item in different] == ["!!", "!!"]
    assert "here 99.0" in different[0].what
    with pytest.raises(PrerequisiteError, match=r"not 99\.0: its rows could differ"):
        fb.generate("age int 18..90", n=10, executor="ray", address=address)


WORLD = """
from fabula.simulation import World, state

world = World("kiosk", steps=3, seed=5)
people = world.population("people", n=20, visits=state(0))
visits = world.event("visits", person=people)

@world.every(1, people)
def go(a, now, draw):
    some = a[draw.chance(a, 0.5)]
    some.visits = some.visits + 1
    visits.add(person=some)
"""


def test_replicates_of_a_simulation_are_made_on_a_cluster(address: str) -> None:
    """The same totals as here, and folders on the disk that all nodes share."""
    Path("kiosk.py").write_text(WORLD)
    local = fb.replicate("kiosk.py", replicates=4, output="local")
    made = fb.replicate("kiosk.py", replicates=4, output="out", executor="ray", address=address)
    assert made.totals.equals(local.totals)
    shares = [
        fb.replicate("kiosk.py", replicates=4, output="s", blocks=f"{i}/3") for i in (1, 2, 3)
    ]
    assert [share.totals.num_rows for share in shares] == [2, 1, 1]
    assert fb.replicate("kiosk.py", replicates=4, output="s").totals.equals(local.totals)
    with pytest.raises(UsageError, match="share 5/5 of 4 runs is empty"):
        fb.replicate("kiosk.py", replicates=4, output="s", blocks="5/5")


def test_a_learned_table_is_sampled_on_a_cluster_and_in_shares(address: str) -> None:
    """A fitted file that a spec names is read by each worker."""
    people = fb.generate("age int 18..90, plan choice free|pro", n=500, seed=1)
    fb.fit(people, model="copula", seed=1).save("people.fabula")
    n = BLOCK_ROWS + 10
    spec = {"seed": 3, "tables": {"people": {"n": n, "learned": {"file": "people.fabula"}}}}
    fb.generate(spec, output="local")
    fb.generate(spec, output="out", executor="ray", address=address)
    for share in ("1/2", "2/2"):
        fb.generate(spec, output="shares", blocks=share)
    fb.merge("shares", output="merged")
    assert digest(Path("out")) == digest(Path("local")) == digest(Path("merged"))


def test_the_guide_s_commands_run(address: str, capfd: pytest.CaptureFixture[str]) -> None:
    """The commands for a cluster, with the guide's spec."""
    guide = (Path(__file__).parents[3] / "docs/guides/clusters.md").read_text(encoding="utf-8")
    spec = re.search(r"```yaml\n(# shop.yaml\n.*?)```", guide, re.DOTALL)
    block = re.search(r'```console title="On the machine[^\n]*\n(.*?)```', guide, re.DOTALL)
    assert spec is not None
    assert block is not None
    Path("shop.yaml").write_text(spec[1])
    for line in block[1].splitlines():
        words = line.removeprefix("$ fabula ").replace("auto", address).split()
        assert main(words) == 0, capfd.readouterr().err
    assert "Ray node 2" in capfd.readouterr().out
    assert fb.Dataset.open("out/ray").count("orders") == 100_000


def test_limits_and_drawings_again_hold_on_a_cluster(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A budget is that of all workers, and a table that is drawn again is so everywhere."""
    options: dict[str, Any] = {"executor": "ray", "address": address}
    spec = json.loads(json.dumps(SHOP))
    customers = spec["tables"]["customers"]
    customers["columns"]["vip"] = {"kind": "bernoulli", "p": 0.5}
    again = {"kind": "share", "column": "vip", "value": True, "at_least": 0.5}
    customers["checks"] = [{**again, "repair": "resample"}]
    assert fb.generate(spec, output="local").manifest["tables"]["customers"]["drawings"] > 1
    fb.generate(spec, output="out", **options)
    assert digest(Path("out")) == digest(Path("local"))
    with ChatServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "a-key")
        options |= {"model": "openai:any", "output": "asked"}
        with pytest.raises(FabulaError) as caught:
            fb.generate(ASKED, **options, max_calls=1)
        assert caught.value.exit_code == 4
        assert len(server.calls) == 1
        made = fb.generate(ASKED, **options)
        assert len({repr(call.body) for call in server.calls}) == len(server.calls)
    assert not made.rejected
