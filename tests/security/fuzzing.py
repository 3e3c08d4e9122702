"""Fuzzing of the five readers of untrusted bytes: damaged forms of what each reader takes.

Each target is a function of bytes: it ends, or raises a `FabulaError`; anything else is a find,
which Hypothesis then makes small. Run one of them for as long as you like:

    python -m tests.security.fuzzing model --seconds 600
"""

from __future__ import annotations

import argparse
import resource
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from fabula.errors import FabulaError
from tests.security.fuzz_targets import TARGETS

MEMORY = 6 << 30
"""Bytes of address space of a long run, so that a bomb ends it and not the machine."""
ROUND = 200
"""Inputs between two looks at the clock."""
TOLD_EVERY = 60
"""Seconds of CPU time between two lines of progress."""


def fuzz(name: str, examples: int, chance: int = 0, note: Path | None = None) -> None:
    """Try a target with damaged inputs.

    Args:
        name: The target.
        examples: How many.
        chance: Which ones.
        note: A file that holds the input under way, for crashes of the process itself.

    Raises:
        BaseException: Whatever the smallest bad input raises.
    """
    read, inputs = TARGETS[name]

    @seed(chance)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(data=inputs())
    def tried(data: bytes) -> None:
        if note:
            note.write_bytes(data)
        with suppress(FabulaError):
            read(data)

    tried()


def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--found", type=Path, default=Path(tempfile.gettempdir()) / "fuzz-found")
    wanted = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    wanted.found.mkdir(exist_ok=True)
    note = wanted.found / f"{wanted.target}.under-way"
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    chance, finds, told = wanted.seed, 0, 0.0
    with suppress(KeyboardInterrupt):  # an end from outside is reported like any other
        while time.process_time() < wanted.seconds:
            try:
                fuzz(wanted.target, ROUND, chance, note)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # a find of any kind is kept, and the rest is tried too
                finds += 1
                kept = wanted.found / f"{wanted.target}-{chance}"
                kept.write_bytes(note.read_bytes())
                _say(f"{kept}: {type(error).__name__}: {str(error)[:300]}")
            chance += 1
            if time.process_time() > told + TOLD_EVERY:
                told = time.process_time()
                _say(_spent(wanted.target, chance - wanted.seed, finds))
    _say(_spent(wanted.target, chance - wanted.seed, finds))
    return 1 if finds else 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _spent(target: str, rounds: int, finds: int) -> str:
    """What was tried so far: CPU time counts, since a busy machine stretches any other."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return (
        f"{target}: {ROUND * rounds:,} inputs, {finds} finds, "
        f"{time.process_time():.0f} s of CPU, {peak} MB at most"
    )


if __name__ == "__main__":
    sys.exit(_main())
