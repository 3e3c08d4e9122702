"""What a row from a language model costs, alongside raw aiohttp and other tools, in one run.

A server in another process answers after 50 ms; 64 calls are open at once; 1,000 rows of one
field, one row a call, with ledger and validation. Each way runs in a process of its own, in turn,
and the best of a few rounds counts. The other tools are installed once, each into a virtual
environment of its own under `.cache/peers`; one that can't be installed or run is left out, with
the reason.

    python benchmarks/llm.py --rows 1000 --rounds 3
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from asking.server import serving
from peers import python_of

HERE = Path(__file__).parent
FIRST_ROW = """
import fabula as fb
schema = {"properties": {"text": {"type": "string"}}}
fb.rows(schema, prompt="x", n=1, model="openai:bench")
"""


OTHERS = {
    "openai client": ("openai", "by_openai.py", ["openai"]),
    "NeMo Data Designer": ("data-designer", "by_data_designer.py", ["data-designer"]),
    "Bespoke Curator": ("bespokelabs-curator", "by_curator.py", ["bespokelabs-curator"]),
    "distilabel": ("distilabel", "by_distilabel.py", ["distilabel[openai]", "requests"]),
}
"""Other tools: the folder, the script and the packages of each."""


def run(python: str, script: str, url: str, *arguments: object) -> dict[str, float]:
    """What one script prints last, with a home of its own.

    Raises:
        RuntimeError: It failed; says why.
    """
    with tempfile.TemporaryDirectory() as home:
        # No tool is to tell anyone about this, nor to look for models on the network.
        quiet = {"NEMO_TELEMETRY_ENABLED": "false", "HF_HUB_OFFLINE": "1"}
        try:
            ended = subprocess.run(
                [python, str(HERE / "asking" / script), url, *map(str, arguments)],
                env={**os.environ, **quiet, "FABULA_HOME": home, "OPENAI_API_KEY": "none"},
                capture_output=True,
                text=True,
                check=True,
                timeout=300,
            )
        except subprocess.CalledProcessError as error:
            raise RuntimeError(_last_line(error.stderr)) from error
        except subprocess.TimeoutExpired as error:
            raise RuntimeError("it took more than 300 s") from error
    figures: dict[str, float] = json.loads(ended.stdout.strip().splitlines()[-1])
    return figures


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[-1]


def start_up(url: str) -> float:
    """Seconds from nothing to the first row."""
    with tempfile.TemporaryDirectory() as home:
        clock = time.perf_counter()
        command = [sys.executable, "-c", FIRST_ROW]
        there = {"FABULA_HOME": home, "OPENAI_BASE_URL": url, "OPENAI_API_KEY": "none"}
        subprocess.run(command, env={**os.environ, **there}, check=True, timeout=60)
        return time.perf_counter() - clock


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    ways = {
        "raw aiohttp": (sys.executable, "by_aiohttp.py"),
        "ask_rows, a prompt each": (sys.executable, "by_ask_rows.py"),
        "fb.rows, distinct rows": (sys.executable, "by_rows.py"),
    }
    for label, (folder, script, packages) in OTHERS.items():
        try:
            ways[label] = (python_of(folder, *packages), script)
        except RuntimeError as error:
            print(f"{label}: left out, {error}")
    found: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    with serving(0.05) as url:
        for _ in range(options.rounds):
            for name, (python, script) in list(ways.items()):
                try:
                    found[name].append(run(python, script, url, options.rows))
                except RuntimeError as error:
                    print(f"{name}: left out, {error}")
                    del ways[name]
        per_call = {
            size: run(sys.executable, "by_rows.py", url, 1_000, size) for size in (1, 5, 20)
        }
    with serving(0.0) as url:
        first = min(start_up(url) for _ in range(options.rounds))
    floor = max(item["rate"] for item in found["raw aiohttp"])
    print(f"{'':<26}{'rows/s':>9}{'x aiohttp':>11}{'CPU ms a row':>14}{'start s':>9}")
    for name in ways:
        rounds = found[name]
        rate, cpu = max(item["rate"] for item in rounds), min(item["cpu"] for item in rounds)
        start = min(item.get("start", math.nan) for item in rounds)
        started = "" if math.isnan(start) else f"{start:>9.2f}"
        print(f"{name:<26}{rate:>9,.0f}{rate / floor:>11.2f}{cpu:>14.3f}{started}")
    print(f"\nfrom nothing to the first row: {first:.2f} s")
    print(f"\n{'rows a call':<26}{'calls a row':>13}{'tokens a row':>14}{'rows/s':>9}")
    for size, item in per_call.items():
        print(f"{size:<26}{item['calls']:>13.3f}{item['tokens']:>14.1f}{item['rate']:>9,.0f}")


if __name__ == "__main__":
    main()
