"""Near-duplicates among many short texts: `python benchmarks/near_duplicates.py [TEXTS]`.

Makes short texts of which one in twenty repeats an earlier one with a word changed, and prints
for each method how many of those are found, in which time and in how much memory. Each method
runs in a process of its own, so that its memory is its own.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa

from fabula.dedup import near_duplicates

WORDS = 20_000
LENGTH = 12
REPEATED = 20
SIMILARITY = {"exact": 1.0, "minhash": 0.7, "embedding": 0.9}
"""From where on texts count as alike: a word changed is less to the meaning than to letters."""


def short_texts(count: int) -> pa.Array:
    """Texts of twelve made-up words; each twentieth repeats an earlier one but for a word."""
    rng = np.random.default_rng(7)
    letters = rng.integers(97, 123, size=(WORDS, 7), dtype=np.uint8)
    words = [row.tobytes().decode()[: 3 + at % 5] for at, row in enumerate(letters)]
    often = 1 / np.arange(50, WORDS + 50)  # about as words of a language are
    chosen = rng.choice(WORDS, size=(count, LENGTH), p=often / often.sum())
    copies = np.arange(REPEATED, count, REPEATED)
    chosen[copies] = chosen[rng.integers(0, copies)]
    chosen[copies, rng.integers(0, LENGTH, len(copies))] = rng.integers(0, WORDS, len(copies))
    return pa.array([" ".join([words[at] for at in row]) for row in chosen])


def measure(method: str, count: int) -> str:
    """One line about one method."""
    texts = short_texts(count)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, cpu = time.perf_counter(), time.process_time()
    matches = near_duplicates(texts, similarity=SIMILARITY[method], method=method)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    planted = {match.second for match in matches} & set(range(REPEATED, count, REPEATED))
    return (
        f"{method:<10}{len(matches):>9,} found, {len(planted) / (count // REPEATED):>6.1%} of the "
        f"planted, {wall:>6.1f} s, {cpu:>6.1f} s of CPU, "
        f"{peak / 1024:>6.0f} MB at most ({before / 1024:.0f} MB hold the texts)"
    )


def main() -> None:
    """Measure every method."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    if len(sys.argv) > 2:
        print(measure(sys.argv[2], count))
        return
    print(f"{count:,} texts")
    for method in SIMILARITY:
        command = [sys.executable, __file__, str(count), method]
        print(subprocess.run(command, check=True, capture_output=True, text=True).stdout, end="")


if __name__ == "__main__":
    main()
