"""How long a command takes before it does its work.

    python benchmarks/startup.py [--runs 5]

Each line is the best of several runs in processes of their own, in CPU seconds, so that a busy
machine does not decide; the exit code is 1 when a limit is missed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

FABULA = str(Path(sys.executable).with_name("fabula"))
SPEC = """\
fabula: 1
name: shop
tables:
  customers:
    n: 1_000
    columns:
      id: {kind: key}
      country: {kind: choice, values: {SE: 2, ES: 3, DE: 5}}
      signed_up: {kind: datetime, start: 2022-01-01, end: 2026-01-01, date: true}
  orders:
    per_parent: {of: customers, poisson: 3, max: 20}
    columns:
      id: {kind: key}
      customer_id: {kind: reference, to: customers}
      placed: {kind: datetime, start: customer_id.signed_up, within: 700d}
      total: {kind: lognormal, median: 60, sigma: 0.5, min: 5, decimals: 2}
    checks:
      - {kind: row, sql: "total >= 5"}
"""
COMMANDS: dict[str, tuple[list[str], float | None]] = {
    "python": ([sys.executable, "-c", "pass"], None),
    "import fabula": ([sys.executable, "-c", "import fabula"], 0.15),
    "fabula --help": ([FABULA, "--help"], 0.2),
    "fabula kinds": ([FABULA, "kinds"], None),
    "fabula plan": ([FABULA, "plan", "shop.yaml"], None),
    "fabula preview": ([FABULA, "preview", "shop.yaml"], 1.0),
    "fabula generate": ([FABULA, "generate", "shop.yaml", "-o", "out", "--fresh"], None),
}
"""What is started, and the CPU seconds that it may take."""


def cpu_seconds(command: list[str], folder: Path) -> float:
    """CPU seconds of one run, user and system."""
    environment = {**os.environ, "FABULA_HOME": str(folder / "home")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # start-up as users have it
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{' '.join(command)} failed:\n{errors[-2000:]}")
    return usage.ru_utime + usage.ru_stime


def main() -> int:
    """Print every command's best time; 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description="How long commands take to start.")
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    missed = False
    with tempfile.TemporaryDirectory(prefix="fabula-bench-") as name:
        folder = Path(name)
        (folder / "shop.yaml").write_text(SPEC, encoding="utf-8")
        for label, (command, limit) in COMMANDS.items():
            best = min(cpu_seconds(command, folder) for _ in range(runs))
            verdict = "" if limit is None else f"limit {limit} s"
            if limit is not None and best > limit:
                verdict, missed = f"{verdict}  MISSED", True
            print(f"{label:<16} {best:6.3f} s CPU  {verdict}".rstrip())
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
