"""The table of probes in `docs/security.md`, counted from the tests that try them.

After a change of the tests, `python -m tests.security.probes_table` writes it again.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "security.md"
FOLDERS = ("tests/security", "tests/sandbox")
HEAD = (
    "| group | what is tried | result | probes | walls off |",
    "| --- | --- | --- | --: | --: |",
)
_TABLE = re.compile(r"(?m)^\| group \|.*\n(?:\|.*\n)+")


@dataclass(frozen=True)
class Group:
    """One line of the table.

    Attributes:
        name: What is attacked.
        tried: The attacks, in words.
        result: What comes of them.
        files: The files of tests, below `tests/`.
        walls_off: The tests that see the same attacks succeed once the wall is away.
    """

    name: str
    tried: str
    result: str
    files: tuple[str, ...]
    walls_off: tuple[str, ...] = ()


GROUPS = (
    Group(
        "run folders",
        "absolute paths, `..`, links, forged records, records of odd shapes",
        "refused, nothing removed",
        ("security/test_run_folders.py",),
        ("test_without_the_rule_for_names_a_manifest_leads_out_of_its_folder",),
    ),
    Group(
        "changed runs",
        "a byte, another run's rows, a cut file; by eight commands and from Python",
        "the file is named",
        ("security/test_changed_runs.py",),
        (
            "test_without_hashes_a_changed_file_is_taken_for_the_runs",
            "test_without_hashes_another_runs_rows_are_given_out",
        ),
    ),
    Group(
        "model files",
        "every array at its extremes, headers, flipped bytes, archives that unpack to gigabytes",
        "one error",
        ("security/test_model_files.py",),
    ),
    Group(
        "data files",
        "deep JSON, gzip of gigabytes, claimed rows, 100,000 columns, odd footers",
        "one error, below 500 MB",
        ("security/test_bombs.py", "security/test_data_files.py"),
        ("test_a_table_without_bounds_is_as_wide_as_it_says",),
    ),
    Group(
        "specs",
        "SQL, templates and patterns without end, clocks and chance, huge numbers, endless values",
        "one error with its place",
        ("security/test_specs.py",),
        ("test_a_template_without_bounds_takes_what_it_asks_for",),
    ),
    Group(
        "code of specs",
        "files not allowed, or changed; links, `..`, pipes, `os:system`, what a file imports",
        "nothing runs",
        ("security/test_spec_code.py",),
        (
            "test_without_the_rule_for_names_a_spec_runs_code_of_other_folders",
            "test_without_the_question_a_spec_runs_any_code",
            "test_without_the_rule_for_imports_a_spec_calls_what_a_file_imports",
        ),
    ),
    Group(
        "sandbox",
        "files, network, processes, memory as code, unnamed files, forged replies, leftovers",
        "refused",
        (
            "security/test_sandbox.py",
            "sandbox/test_escapes.py",
            "sandbox/test_limits.py",
            "sandbox/test_results.py",
            "sandbox/test_run.py",
        ),
        (
            "test_an_escape_succeeds_without_the_sandbox",
            "test_a_program_that_does_not_end_goes_on_without_the_sandbox",
            "test_a_program_that_takes_much_gets_it_without_the_sandbox",
            "test_the_probes_find_every_wall_open_without_the_sandbox",
        ),
    ),
    Group(
        "secrets",
        "replies that echo keys, strangers' hosts, a question at a terminal, file modes, signals",
        "`***`, or asked",
        ("security/test_secrets.py",),
        (
            "test_without_its_redactor_a_reply_keeps_the_secret",
            "test_without_the_question_a_variable_goes_to_any_host",
        ),
    ),
    Group(
        "formulas",
        "forms of a formula, and texts that only look like one, in every command that writes CSV",
        "said, escaped on request",
        ("security/test_formulas.py",),
        ("test_unless_it_is_asked_for_a_formula_stays_one",),
    ),
    Group(
        "fuzzing",
        "specs, model files, run folders, frames of programs, replies, damaged by chance",
        "no crash",
        ("security/test_fuzzing.py",),
    ),
)
SHARED = ("security/test_walls_off.py", "security/test_probes_table.py")
"""Files whose tests belong to several groups, or to none."""


def collected() -> Counter[tuple[str, str]]:
    """How many probes each test makes, by file and name, as pytest finds them."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-o", "addopts="]
    told = subprocess.run(
        [*command, "-m", "slow or not slow", *FOLDERS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    ids = re.findall(r"(?m)^tests/([\w/]+\.py)::(\w+)", told)
    return Counter((file, name) for file, name in ids)


def table(found: Counter[tuple[str, str]]) -> str:
    """The table in Markdown.

    Args:
        found: How many probes each test makes.
    """
    lines = list(HEAD)
    for group in GROUPS:
        off = sum(count for (_, name), count in found.items() if name in group.walls_off)
        probes = sum(
            count
            for (file, name), count in found.items()
            if file in group.files and name not in group.walls_off
        )
        words = (group.name, group.tried, group.result, f"{probes:,}", f"{off:,}" if off else "")
        lines.append(f"| {' | '.join(words)} |".replace("|  |", "| |"))
    return "\n".join(lines) + "\n"


def written() -> str:
    """The table that stands in the page."""
    found = _TABLE.search(PAGE.read_text(encoding="utf-8"))
    return found.group() if found else ""


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(_TABLE.sub(lambda _: table(collected()), text), encoding="utf-8")
