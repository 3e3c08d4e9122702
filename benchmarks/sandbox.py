"""What the sandbox for programs costs: to start, for each run, and for rows that come back.

    python benchmarks/sandbox.py [--runs 20] [--rows 10000000]

Each line is the best of several runs, in milliseconds of wall time and of CPU time; on a busy
machine read the CPU time. The same small program is run by plain Python and, where it is installed,
by the package `sandlock`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from functools import partial

from fabula.sandbox.run import Limits, SandboxResult, run

ENTRY = "fabula.sandbox.source:execute"
FIRST_RUN = f"from fabula.sandbox.run import run; run({ENTRY!r}, {{'source': 'pass'}})"
PROGRAMS = {
    "print": "print(6 * 7)",
    "pandas": "import pandas as pd; print(pd.DataFrame({'x': range(100)}).x.sum())",
}
ROWS = """
import numpy as np, pyarrow as pa
n = request
rng = np.random.default_rng(1)
emit("t", pa.table({
    "id": np.arange(n), "x": rng.random(n), "y": rng.random(n),
    "k": rng.integers(0, 1000, n), "yes": rng.random(n) < 0.5,
}))
"""


def best(action: Callable[[], SandboxResult | None], runs: int) -> tuple[float, float]:
    """The shortest wall time and the least CPU time of several runs, in seconds."""
    costs = []
    for _ in range(runs):
        begun, used = time.perf_counter(), sum(os.times()[:4])
        outcome = action()
        cpu = sum(os.times()[:4]) - used + (outcome.cpu if outcome else 0.0)
        costs.append((time.perf_counter() - begun, cpu))
    return min(wall for wall, _ in costs), min(cpu for _, cpu in costs)


def in_sandbox(source: str, rows: int = 0) -> SandboxResult:
    """Run a program warm; it must succeed."""
    outcome = run(ENTRY, {"source": source, "values": rows}, limits=Limits(seconds=300))
    assert outcome.fault is None, outcome
    return outcome


def in_python(source: str) -> None:
    """Run a program in plain Python, which starts and imports again."""
    subprocess.run([sys.executable, "-c", source], check=True, capture_output=True)


def in_sandlock(source: str) -> None:
    """Run a program by `sandlock`, which starts Python inside its walls."""
    from sandlock import Sandbox

    readable = ["/usr", "/lib", "/lib64", "/etc", sys.base_prefix, sys.prefix]
    folders = [*readable, sysconfig.get_path("purelib"), "/dev", "/proc"]
    result = Sandbox(fs_readable=folders, clean_env=True).run([sys.executable, "-c", source])
    assert result.success, result


def report(name: str, cost: tuple[float, float]) -> None:
    """One line of the table."""
    print(f"{name:48} {1_000 * cost[0]:8.0f} {1_000 * cost[1]:8.0f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--rows", type=int, default=10_000_000)
    options = parser.parse_args()
    few = max(1, options.runs // 4)
    print(f"{'':48} {'wall':>8} {'CPU':>8}  ms")
    report("first run: Python, warm process, probes, end", best(partial(in_python, FIRST_RUN), few))
    for name, source in PROGRAMS.items():
        ways: dict[str, tuple[Callable[[str], SandboxResult | None], int]] = {
            "sandbox, warm": (in_sandbox, options.runs),
            "plain Python": (in_python, few),
            "sandlock": (in_sandlock, few),
        }
        for way, (action, runs) in ways.items():
            try:
                report(f"{name}: {way}", best(partial(action, source), runs))
            except ImportError:
                continue
    cost = best(partial(in_sandbox, ROWS, options.rows), 1)
    report(f"{options.rows:,} rows x 5 columns, made and back", cost)
    print(f"{'':48} {5 * options.rows / 1e6 / cost[1]:.0f} million values per CPU second")


if __name__ == "__main__":
    main()
