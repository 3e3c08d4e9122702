"""The five readers of untrusted bytes, each with damaged inputs, and what longer runs found."""

from __future__ import annotations

import json
import time
from contextlib import suppress

import pytest

from fabula.errors import FabulaError
from tests.security.fuzz_targets import TARGETS
from tests.security.fuzzing import fuzz

EXAMPLES = {"spec": 25, "model": 10, "run": 8, "frames": 60, "replies": 40}


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
def test_no_damaged_input_is_a_fault_of_ours(target: str) -> None:
    fuzz(target, EXAMPLES[target])


FOUND = {
    "a key that is null": ("spec", b"tables:\n  t: {: 4, n: 2, columns: {a: {kind: key}}}\n"),
    "thousands of brackets in a program": (
        "replies",
        b"<think>hm</think>```python\nimport x\ndef f(a):" + b"[" * 250 + b"\n    return a\n```",
    ),
    "a program of no line": ("replies", b"```py a\n```0"),
    "zero bytes in a program": ("replies", b"```python\nimport x\0\n```\n```python\ny = 1\0\n```"),
    "a table of a run with a row too wide": (
        "run",
        b'csv t.data\n"a","b"\n1,"x"\n2,"a","b"\n3,"y"\n',
    ),
}


@pytest.mark.parametrize("found", FOUND)
def test_what_fuzzing_found_once_is_mended(found: str) -> None:
    target, data = FOUND[found]
    read, _ = TARGETS[target]
    with suppress(FabulaError):
        read(data)


@pytest.mark.slow
@pytest.mark.parametrize("text", ["{", "[", "[{", '{"a":', "[1,", '{"rows":['])
def test_brackets_without_end_cost_a_reader_no_minutes(text: str) -> None:
    """Each opening bracket was tried in turn, by five readers."""
    read, _ = TARGETS["replies"]
    began = time.process_time()
    with suppress(FabulaError):
        read(json.dumps({"choices": [{"message": {"content": text * 200_000}}]}).encode())
    assert time.process_time() - began < 8
