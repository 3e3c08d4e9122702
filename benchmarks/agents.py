"""Agent-steps a CPU second: the same store in Fabula, Mesa, AgentPy and ambr; queues and simpy.

`make bench-agents`; `ARGS="--agents 1000000"` sets the size, `--peers mesa-lean` chooses among the
peers, and `--peers` alone leaves them out.
Events stay in memory on both sides; ambr keeps none. Each is run `--runs` times, in turn; the
fastest run counts, as others on the machine only add time, and the slowest one is told beside it.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.peers import python_of
from fabula.runs.simulation import populations_of, simulate
from fabula.simulation import visits
from fabula.simulation.model_files import load_world
from fabula.simulation.running import Run
from fabula.simulation.world import World

HERE = Path(__file__).parent
MODELS = {
    "vectorised": HERE.parent / "src" / "fabula" / "templates" / "store.py",
    "compiled": HERE / "simulating" / "store_compiled.py",
}
PEERS = {"mesa-lean": "mesa", "mesa-taught": "mesa", "agentpy": "agentpy", "ambr": "ambr"}
PATIENTS, BEDS, USE, URGENCIES = 1_000_000, 20, 0.9, 3
RUNS = 3
MOST_OF_A_PEER = 100_000
"""Agents or patients of a peer: a larger run of it would take minutes."""


def stock(agents: int) -> int:
    """The level that products are ordered up to: enough for about four days."""
    return max(3, int(agents * 0.35 / 200 * 4))


@cache
def compiled(name: str, agents: int) -> tuple[World, dict[str, pa.Table]]:
    """A world that has made a step, so that its rules are compiled, and its populations."""
    world = load_world(MODELS[name], {"level": stock(agents)})
    tables = populations_of(world, world.spec({"customers": agents}), 1)
    Run(world, tables, 1).step()
    return world, tables


def ours(name: str, agents: int, days: int) -> float:
    """CPU seconds of the steps; compilation is left out."""
    world, tables = compiled(name, agents)
    run = Run(world, tables, 1)
    started = time.process_time()
    for _ in range(days):
        run.step()
    for event in world.events.values():
        event.drained()
    return time.process_time() - started


def peer(name: str, agents: int, days: int) -> float:
    """CPU seconds of the steps in a peer."""
    python = python_of(PEERS[name], PEERS[name], "numpy", "pandas")
    return seconds_of(python, "peer_store.py", name, str(agents), str(days))


def seconds_of(python: str, script: str, *words: str) -> float:
    """CPU seconds that a peer's script prints."""
    command = [python, str(HERE / "simulating" / script), *words]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(json.loads(told.splitlines()[-1])["seconds"])


def queue_seconds() -> float:
    """CPU seconds of the patients of a hospital, where they wait by urgency for a bed."""
    rng = np.random.default_rng(1)
    came = np.cumsum(rng.exponential(1 / (BEDS * USE), PATIENTS))
    stays, urgency = rng.exponential(1, PATIENTS), rng.integers(0, URGENCIES, PATIENTS)
    started = time.process_time()
    visits(came, {"beds": BEDS}, service=stays, priority=urgency)
    return time.process_time() - started


def queues() -> None:
    """Print the patients a CPU second, and the ratio to simpy."""
    queue_seconds()  # compiles
    rate = PATIENTS / min(queue_seconds() for _ in range(RUNS))
    print(f"{'queue':12} {rate:14,.0f} patients a CPU second")
    try:
        python, count = python_of("simpy"), str(MOST_OF_A_PEER)
        runs = [seconds_of(python, "peer_queue.py", count) for _ in range(RUNS)]
    except (RuntimeError, subprocess.CalledProcessError) as error:
        print(f"{'simpy':12} {error}")
        return
    peer_rate = MOST_OF_A_PEER / min(runs)
    print(f"{'simpy':12} {peer_rate:14,.0f} patients a CPU second: {rate / peer_rate:.0f} x")


def main() -> None:
    """Print the rates, and the ratios to each peer."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--agents", type=int, default=100_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--runs", type=int, default=RUNS, help="of each; the fastest counts")
    parser.add_argument("--peers", nargs="*", choices=[*PEERS, "simpy"], default=[*PEERS, "simpy"])
    parser.add_argument("--written", metavar="MODEL", choices=MODELS, help="to Parquet, once")
    parser.add_argument("--queues", action="store_true", help="queues and simpy alone")
    given = parser.parse_args()
    if given.written:
        written(given.written, given.agents, given.days)
        return
    if given.queues:
        queues()
        return
    agents = dict.fromkeys(MODELS, given.agents)
    peers = [name for name in given.peers if name in PEERS]
    agents |= {name: min(given.agents, MOST_OF_A_PEER) for name in peers}
    seconds: dict[str, list[float]] = {name: [] for name in agents}
    for _ in range(given.runs):  # in turn, so that a busy machine is busy for all
        for name in [*agents]:
            try:
                measure = ours if name in MODELS else peer
                seconds[name].append(measure(name, agents[name], given.days))
            except (RuntimeError, subprocess.CalledProcessError) as error:
                print(f"{name:12} {error}")
                del agents[name]
    rates = {}
    for name, count in agents.items():
        fast, slow = (count * given.days / end(seconds[name]) for end in (min, max))
        rates[name] = fast
        times = ", ".join(f"{key} {rates[key] / fast:.1f} x" for key in MODELS if key in rates)
        told = "" if name in MODELS else f": {times}"
        print(f"{name:12} {fast:14,.0f} agent-steps a CPU second (slowest run {slow:,.0f}){told}")
    if "simpy" in given.peers:
        queues()


def written(name: str, agents: int, days: int) -> None:
    """One whole run into Parquet files: its CPU time and memory."""
    started = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        made = simulate(
            MODELS[name],
            {"customers": agents},
            days=days,
            parameters={"level": stock(agents)},
            output=Path(folder) / "out",
        )
        rows = {table: made.count(table) for table in made}
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    print(f"{time.process_time() - started:.1f} CPU s, {memory:,.0f} MB, {rows}")


if __name__ == "__main__":
    sys.exit(main())
