"""What a row from a language model costs, beside raw aiohttp and OpenAI's client, in one run.

A server in another process answers after 50 ms; 64 calls are open at once; 1,000 rows of one
field, one row a call, with ledger and validation. Each way runs in a process of its own, in turn,
and the best of a few rounds counts.

    python benchmarks/llm.py --rows 1000 --rounds 3
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from asking.server import serving

HERE = Path(__file__).parent
PEERS = HERE.parent / ".cache" / "peers"
FIRST_ROW = """
import fabula as fb
schema = {"properties": {"text": {"type": "string"}}}
fb.rows(schema, subject="x", n=1, model="openai:bench")
"""


def peer(name: str) -> str | None:
    """A Python that has the peer, installed once into `.cache/peers`; None where it can't be."""
    python = PEERS / name / "bin" / "python"
    if python.exists():
        return str(python)
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None:
        return None
    try:
        make = [uv, "venv", "--quiet", "--python", sys.executable, str(python.parent.parent)]
        subprocess.run(make, check=True, capture_output=True)
        install = [uv, "pip", "install", "--quiet", "--python", str(python), name]
        subprocess.run(install, check=True, capture_output=True)
    except subprocess.CalledProcessError:
        shutil.rmtree(python.parent.parent, ignore_errors=True)
        return None
    return str(python)


def run(python: str, script: str, url: str, *arguments: object) -> dict[str, float]:
    """What one script prints, with a home of its own."""
    with tempfile.TemporaryDirectory() as home:
        ended = subprocess.run(
            [python, str(HERE / "asking" / script), url, *map(str, arguments)],
            env={**os.environ, "FABULA_HOME": home},
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
        )
    figures: dict[str, float] = json.loads(ended.stdout)
    return figures


def start_up(url: str) -> float:
    """Seconds from nothing to the first row."""
    with tempfile.TemporaryDirectory() as home:
        clock = time.perf_counter()
        command = [sys.executable, "-c", FIRST_ROW, url]
        subprocess.run(command, env={**os.environ, "FABULA_HOME": home}, check=True, timeout=60)
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
    openai = peer("openai")
    if openai:
        ways["openai client"] = (openai, "by_openai.py")
    else:
        print("openai client: left out, it can't be installed here")
    found: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    with serving(0.05) as url:
        for _ in range(options.rounds):
            for name, (python, script) in ways.items():
                found[name].append(run(python, script, url, options.rows))
        per_call = {
            size: run(sys.executable, "by_rows.py", url, 1_000, size) for size in (1, 5, 20)
        }
    with serving(0.0) as url:
        first = min(start_up(url) for _ in range(options.rounds))
    floor = max(item["rate"] for item in found["raw aiohttp"])
    print(f"{'':<26}{'rows/s':>9}{'x aiohttp':>11}{'CPU ms a row':>14}")
    for name, rounds in found.items():
        rate, cpu = max(item["rate"] for item in rounds), min(item["cpu"] for item in rounds)
        print(f"{name:<26}{rate:>9,.0f}{rate / floor:>11.2f}{cpu:>14.3f}")
    print(f"\nfrom nothing to the first row: {first:.2f} s")
    print(f"\n{'rows a call':<26}{'calls a row':>13}{'tokens a row':>14}{'rows/s':>9}")
    for size, item in per_call.items():
        print(f"{size:<26}{item['calls']:>13.3f}{item['tokens']:>14.1f}{item['rate']:>9,.0f}")


if __name__ == "__main__":
    main()
