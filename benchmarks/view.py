"""How fast the local page shows a large run in Chromium, and what memory its process takes.

    python -m benchmarks.view [--rows 10_000_000] [--runs 3]

A step is a page as a user opens it; its time is from the click to the first paint, with the answer
of the server. The exit code is 1 when a limit is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import fabula as fb
from fabula.web.query import PAGE_ROWS
from tests.render.browser import Browser, browser

FIRST, PAGING, MEMORY = 1_000, 200, 300
"""Milliseconds to the first paint, of the run or of a new order or search, and to another page; MB
at the peak."""
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
SPEC = """\
fabula: 1
name: orders
tables:
  orders:
    n: 10_000_000
    columns:
      id: {kind: key}
      customer: {kind: person}
      status: {kind: choice, values: [new, paid, shipped, returned], weights: [1, 5, 10, 1]}
      placed_at: {kind: datetime, start: 2023-01-01, end: 2026-01-01}
      quantity: {kind: uniform, min: 1, max: 9}
      total: {kind: lognormal, median: 40, sigma: 0.8, decimals: 2}
"""


def steps(rows: int) -> dict[str, tuple[str, int]]:
    """The parameters of each page, and the milliseconds that it may take."""
    last = (rows - 1) // PAGE_ROWS
    filtered = "?column=status&operator=is&value=returned"
    return {
        "first page": ("?", FIRST),
        "second page": ("?page=1", PAGING),
        "middle page": (f"?page={last // 2}", PAGING),
        "last page": (f"?page={last}", PAGING),
        "sorted by an amount": ("?sort=total&desc=1", FIRST),
        "sorted, next page": ("?sort=total&desc=1&page=1", PAGING),
        "sorted by a text": ("?sort=customer", FIRST),
        "filtered": (filtered, PAGING),
        "filtered, page 1,000": (f"{filtered}&page=1000", PAGING),
        "filtered by amount": ("?column=total&operator=at+least&value=500", PAGING),
        "filtered and sorted": (f"{filtered}&sort=placed_at", FIRST),
        "search": ("?q=Lindqvist", FIRST),
    }


async def painted(tab: Browser, url: str) -> float:
    """Open an address; the milliseconds to its first paint."""
    await tab.value("document.body.dataset.left = 1")
    await tab.ask("Page.navigate", url=url)
    await tab.until(f"document.readyState === 'complete' && {PAINTED}")
    return float(await tab.value(PAINTED))


def peak(process: int) -> float:
    """The most memory that a process has held, in MB."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1024


async def measure(run: Path, rows: int, home: Path) -> tuple[dict[str, float], float]:
    """Milliseconds of every step, from a page just started, and the peak of its process."""
    command = [sys.executable, "-m", "fabula", "view", str(run), "--no-browser"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert server.stdout is not None
        said = ""
        while not (found := re.search(r"http://\S+", said)):
            line = server.stdout.readline()
            assert line, said
            said += line
        async with browser(shutil.which("chromium") or "chromium", home) as tab:
            times = {"opened": await painted(tab, found[0])}
            here = str(await tab.value("location.href")).partition("?")[0]
            for name, (query, _) in steps(rows).items():
                times[name] = await painted(tab, here + query)
        return times, peak(server.pid)
    finally:
        server.terminate()
        server.wait()


def main() -> int:
    """Print every step's times; 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description="The local page over a large run.")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fabula-bench-") as name:
        folder = Path(name)
        (folder / "orders.yaml").write_text(SPEC, encoding="utf-8")
        fb.generate(folder / "orders.yaml", given.rows, output=folder / "run")
        seen = [
            asyncio.run(measure(folder / "run", given.rows, folder / f"profile{each}"))
            for each in range(given.runs)
        ]
    limits = {"opened": FIRST, **{name: most for name, (_, most) in steps(given.rows).items()}}
    missed = False
    for name, most in limits.items():
        times = [each[name] for each, _ in seen]
        missed |= max(times) > most
        print(f"{name:22}", *(f"{time:6.0f}" for time in times), f"ms   limit {most:,}", flush=True)
    memory = [each for _, each in seen]
    missed |= max(memory) > MEMORY
    print(
        f"{'memory at the peak':22}", *(f"{each:6.0f}" for each in memory), f"MB   limit {MEMORY}"
    )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
