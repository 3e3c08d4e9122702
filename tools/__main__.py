"""Run every house rule: `python -m tools`. Exits with 1 when a rule is broken."""

from __future__ import annotations

import sys
from pathlib import Path

from tools import (
    check_docs,
    check_entries,
    check_files,
    check_layers,
    check_locks,
    check_notice,
    check_registers,
    check_repo,
    check_words,
)

ROOT = Path(__file__).parents[1]
RULES = (
    check_layers,
    check_files,
    check_entries,
    check_registers,
    check_repo,
    check_locks,
    check_notice,
    check_docs,
    check_words,
)


def main() -> int:
    """Print what each rule found, then how many problems there are."""
    count = 0
    for rule in RULES:
        for problem in rule.problems(ROOT):
            print(f"{rule.__name__}: {problem}")
            count += 1
    print(f"house rules: {count} problems" if count else "house rules: all hold")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
