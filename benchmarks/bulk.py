"""Bulk generation: Fabula from its YAML spec against the same two tables made by other tools.

    python benchmarks/bulk.py [--orders 1000000] [--big 10000000]

Customers (id, name, e-mail from the name, weighted country, signup date, truncated-normal age,
segment) and orders (id, Zipf customer, time after signup, product, Poisson quantity, lognormal
price, total, status by time) go to Parquet. Every engine runs in a process of its own; CPU
seconds and peak memory are the whole process's, start-up included, the better of two runs.
Slow tools make fewer rows, as the table says.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from peers import python_of

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Result:
    """One run: CPU seconds, wall seconds, peak memory in MB."""

    cpu: float
    wall: float
    memory: float


def measure(script: str, orders: int, *, python: str = sys.executable, workers: int = 1) -> Result:
    """Run one engine in a process of its own."""
    folder = Path(tempfile.mkdtemp(prefix="fabula-bench-"))
    command = [python, str(HERE / "shop" / script), str(folder), str(orders), str(workers)]
    environment = {**os.environ, "NEMO_TELEMETRY_ENABLED": "false", "OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # start-up as users have it
    started = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment
    )
    assert process.stderr is not None
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    shutil.rmtree(folder, ignore_errors=True)
    if status:
        raise RuntimeError(f"{script} failed:\n{errors[-2000:]}")
    return Result(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--big", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=2)
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    plan: list[tuple[str, str, int, int, str]] = []
    for size in (options.orders, options.big):
        plan += [
            ("Fabula, from YAML", "by_fabula.py", size, 1, sys.executable),
            ("numpy → Arrow by hand", "by_hand.py", size, 1, sys.executable),
            ("DuckDB SQL", "by_duckdb.py", size, 1, sys.executable),
        ]
    plan.append(("Fabula, 2 workers", "by_fabula.py", options.big, 2, sys.executable))
    plan.append(("Mimesis", "by_mimesis.py", options.orders // 50, 1, sys.executable))
    plan.append(("Faker", "by_faker.py", options.orders // 50, 1, sys.executable))
    try:
        peer = python_of("data-designer")
        rows = options.orders // 50
        plan.append(("NeMo Data Designer samplers", "by_data_designer.py", rows, 1, peer))
    except RuntimeError as error:
        print(f"NeMo Data Designer is left out: {error}")
    print(f"{'engine':30} {'orders':>11} {'CPU s':>8} {'wall s':>8} {'orders/CPU s':>13} peak MB")
    for label, script, size, workers, python in plan:
        runs = [
            measure(script, size, python=python, workers=workers)
            for _ in range(options.runs if size > 100_000 else 1)
        ]
        best = min(runs, key=lambda run: run.cpu)
        rate = size / best.cpu
        print(
            f"{label:30} {size:11,} {best.cpu:8.2f} {min(run.wall for run in runs):8.2f} "
            f"{rate:13,.0f} {max(run.memory for run in runs):8.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
