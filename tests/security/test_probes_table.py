"""The table of probes in `docs/security.md` says what the tests do."""

from __future__ import annotations

import pytest

from tests.security.probes_table import FOLDERS, GROUPS, ROOT, SHARED, collected, table, written


def test_every_file_of_attacks_stands_in_one_group_of_the_table() -> None:
    named = [file for group in GROUPS for file in group.files]
    there = [
        str(path.relative_to(ROOT / "tests"))
        for folder in FOLDERS
        for path in (ROOT / folder).glob("test_*.py")
    ]
    assert sorted([*named, *SHARED]) == sorted(there)


@pytest.mark.slow
def test_the_table_counts_what_the_tests_try() -> None:
    """`python -m tests.security.probes_table` writes it."""
    found = collected()
    names = {name for _, name in found}
    assert {name for group in GROUPS for name in group.walls_off} <= names
    assert written() == table(found)
