"""20,000 rows from a server that fails, in a process that is killed five times.

5 % of the answers are HTTP 429, 2 % are 500, 1 % of the connections drop and 1 % of the replies
are garbage. Each kill is a `kill -9` in mid-run; then the same command continues.

    python benchmarks/llm_endurance.py --rows 20000
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import closing
from pathlib import Path

from asking.server import Faults, serving

SCRIPT = Path(__file__).parent / "asking" / "endure.py"
KILLS = 5
ROWS_A_CALL = 4
FAULTS = Faults(limited=0.05, broken=0.02, dropped=0.01, garbage=0.01)


def counts(url: str) -> dict[str, int]:
    """What the server has counted."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        found: dict[str, int] = json.loads(answer.read())
    return found


def replies_kept(home: Path) -> int:
    """How many replies the ledger holds."""
    with closing(sqlite3.connect(home / "ledger.sqlite")) as ledger:
        (number,) = ledger.execute("SELECT count(*) FROM replies").fetchone()
    return int(number)


def main() -> None:
    """Run, kill, run again, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000)
    options = parser.parse_args()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as home, serving(0.05, FAULTS) as url:
        command = [sys.executable, str(SCRIPT), url, str(options.rows)]
        environment = {**os.environ, "FABULA_HOME": home}
        for kill in range(1, KILLS + 1):
            process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
            while counts(url)["rows"] < kill * options.rows / (KILLS + 1):
                if process.poll() is not None:
                    raise SystemExit(f"the run ended by itself before kill {kill}")
                time.sleep(0.05)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        ended = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False
        )
        print(ended.stdout or ended.stderr, end="")
        server = counts(url)
        kept = replies_kept(Path(home))
    answered = server["rows"] // ROWS_A_CALL
    print(f"kills: {KILLS} · requests: {server['requests']:,} · answered with rows: {answered:,}")
    print(f"good answers asked for again: {server['asked_again']}")
    print(
        f"answers sent that no ledger kept, being on their way at a kill: {server['sent'] - kept}"
    )
    print(f"seconds in all: {time.perf_counter() - started:.0f}")


if __name__ == "__main__":
    main()
