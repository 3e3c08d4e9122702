"""How many words a second one core draws: `python benchmarks/words.py`.

Prints values per CPU second, the best of several repeats of one block of 65,536 rows. CPU time
leaves out what other programs take, yet not their effect on caches: compare within one run.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np

from fabula.fakers.people import People
from fabula.fakers.regex import compile_pattern
from fabula.fakers.uuids import draw_uuids
from fabula.streams import BLOCK_ROWS, stream

REPEATS = 20


def open_stream(name: str) -> np.random.Generator:
    """A stream as a run would open it."""
    return stream(0, "benchmark", name, 0)


def person(field: str) -> Callable[[], object]:
    """One field of English people."""
    people = People("en")
    return lambda: people.draw(open_stream, BLOCK_ROWS, [field])


def unique_email() -> Callable[[], object]:
    """E-mail addresses with row numbers of seven digits."""
    people, index = People("en"), np.arange(BLOCK_ROWS) + 5_000_000
    return lambda: people.draw_unique(open_stream, index, "email")


def pattern(regex: str) -> Callable[[], object]:
    """Strings of a pattern."""
    compiled = compile_pattern(regex)
    return lambda: compiled.draw(open_stream("pattern"), BLOCK_ROWS)


def numbered(regex: str) -> Callable[[], object]:
    """Distinct strings of a pattern."""
    compiled, index = compile_pattern(regex), np.arange(BLOCK_ROWS) * 1_000_003
    return lambda: compiled.at(index)


def best_rate(draw: Callable[[], object]) -> float:
    """Millions of values per CPU second."""
    draw()
    seconds = []
    for _ in range(REPEATS):
        start = time.process_time()
        draw()
        seconds.append(time.process_time() - start)
    return BLOCK_ROWS / min(seconds) / 1e6


def main() -> None:
    """Measure and print a table."""
    sku = r"[A-Z]{3}-\d{6}-[a-f0-9]{4}"
    cases = {
        "name": person("name"),
        "email": person("email"),
        "email, unique": unique_email(),
        "phone": person("phone"),
        "address": person("address"),
        f"pattern {sku}": pattern(sku),
        f"pattern {sku}, unique": numbered(sku),
        r"pattern \w+@\w+\.(com|org)": pattern(r"\w+@\w+\.(com|org)"),
        "uuid": lambda: draw_uuids(open_stream("uuid"), BLOCK_ROWS),
    }
    sys.stdout.write("million values per CPU second (goal 5)\n")
    for label, draw in cases.items():
        sys.stdout.write(f"{best_rate(draw):7.1f}  {label}\n")


if __name__ == "__main__":
    main()
