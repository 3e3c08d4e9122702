"""What comes out of the sandbox is a stranger's: forged, cut and poisoned replies are refused."""

from __future__ import annotations

import pickle
import random
import struct
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from fabula.sandbox.arrow_check import received_table
from fabula.sandbox.messages import FrameError
from fabula.sandbox.run import Limits, run

EXECUTE = "fabula.sandbox.source:execute"
LIMITS = Limits(seconds=10, result=1 << 20)
LARGE = Limits(seconds=10, result=64 << 20)
WRITE = (
    "import os, pickle, struct\n"
    "def say(kind, body): os.write(4, struct.pack('>cQ', kind, len(body)) + body)\n"
    "def end(): say(b'N', b'{}'); os._exit(0)\n"
)

FORGED = {
    "bytes": ("import os; os.write(4, b'x' * 1_000)", "bytes that are not a reply"),
    "a length of an exabyte": (
        "import os, struct; os.write(4, struct.pack('>cQ', b'T', 1 << 60))",
        "more than the limit",
    ),
    "a cut frame": (
        "import os, struct; os.write(4, struct.pack('>cQ', b'N', 99) + b'{}'); os._exit(0)",
        "ends in the middle",
    ),
    "a pickle for notes": (
        WRITE + "say(b'N', pickle.dumps(print)); os._exit(0)",
        "not JSON",
    ),
    "a list for notes": (WRITE + "say(b'N', b'[]'); os._exit(0)", "not a JSON object"),
    "notes nested for ever": (WRITE + "say(b'N', b'[' * 500_000); os._exit(0)", "not JSON"),
    "a pickle for a table": (
        WRITE + "say(b'T', b'\\0\\1t' + pickle.dumps([1])); end()",
        "can't be read",
    ),
    "a table without a name": (
        WRITE + "say(b'T', b''); end()",
        "without a name",
    ),
    "more than the limit": (
        "import pyarrow as pa\nwhile True: emit('t', pa.table({'x': range(10_000)}))",
        "more than the limit",
    ),
    "frames without end": (WRITE + "while True: say(b'T', b'')", "more than the limit"),
    "notes without end": (
        WRITE + "say(b'N', b' ' * (17 << 20)); os._exit(0)",
        "alongside its tables",
    ),
    "pieces that differ": (
        "import pyarrow as pa\nemit('t', pa.table({'x': [1]})); emit('t', pa.table({'y': [1]}))",
        "differ",
    ),
    "a schema without end": (
        "import pyarrow as pa\nemit('t', pa.table({str(i): [1] for i in range(10_001)}))",
        "more than 10,000 columns",
    ),
}


@pytest.mark.parametrize("forgery", FORGED)
def test_a_forged_reply_is_a_fault(forgery: str) -> None:
    source, words = FORGED[forgery]
    limits = LARGE if forgery in ("a schema without end", "notes without end") else LIMITS
    outcome = run(EXECUTE, {"source": source}, limits=limits)
    assert outcome.fault is not None
    assert outcome.fault.kind == "result"
    assert words in outcome.fault.message
    assert not outcome.tables


def test_a_pickle_would_run_code_where_it_is_read(tmp_path: Path) -> None:
    """Why results are never unpickled."""

    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "sprung",)

    pickle.loads(pickle.dumps(Trap()))
    assert (tmp_path / "sprung").exists()


def _stream(table: pa.Table, **options: Any) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def _deep(depth: int) -> pa.DataType:
    return pa.list_(_deep(depth - 1)) if depth else pa.int64()


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (pa.table({"x": pa.array(["a"]).dictionary_encode()}), "dictionary"),
        (pa.table({"x": pa.array(["a"], pa.string_view())}), "string_view"),
        (pa.table({"x": pa.RunEndEncodedArray.from_arrays([9], ["a"])}), "run_end_encoded"),
        (pa.table({"x": pa.array([None], _deep(9))}), "list"),
        (pa.table({"x": pa.nulls(1_000_000)}), "more rows than its bytes"),
        (pa.table([[1], [2]], names=["x", "x"]), "one name"),
        (pa.table({"x": pa.array([b"0" * 16], pa.uuid())}), "uuid"),
        (pa.table({"x": pa.array([1 << 30], pa.int32()).cast(pa.date32())}), "years 1 to 9999"),
        (pa.table({"x": pa.array([1 << 62]).cast(pa.timestamp("s"))}), "years 1 to 9999"),
        (pa.table({"x": pa.array([0]).cast(pa.timestamp("s", "Mars/Base"))}), "can't be read"),
    ],
)
def test_a_table_of_more_than_plain_values_is_refused(table: pa.Table, words: str) -> None:
    with pytest.raises(FrameError, match=words):
        received_table(memoryview(_stream(table)))


@pytest.mark.parametrize("compression", ["zstd", "lz4"])
def test_a_compressed_table_is_refused(compression: str) -> None:
    """A megabyte could hold a terabyte."""
    zeros = pa.table({"x": pa.array([0] * 1_000_000)})
    packed = _stream(zeros, compression=compression)
    assert len(packed) < zeros.nbytes / 50
    with pytest.raises(FrameError, match="compressed"):
        received_table(memoryview(packed))


def test_a_damaged_table_is_refused_or_read_but_never_crashes() -> None:
    """2,000 streams with a few bytes changed; offsets and lengths among them."""
    rng = random.Random(1)
    table = pa.table({"x": [1, 2], "s": ["a", "bcd"], "l": [[1], [2, 3]], "t": [True, None]})
    whole = _stream(table)
    refused = 0
    for _ in range(2_000):
        damaged = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        try:
            received = received_table(memoryview(damaged))
        except FrameError:
            refused += 1
        else:
            received.to_pylist()
    assert refused > 500


def test_offsets_that_point_outside_are_refused() -> None:
    """The reader alone would take them."""
    whole = bytearray(_stream(pa.table({"s": ["abcd"]})))
    place = whole.rindex(struct.pack("<ii", 0, 4))
    whole[place : place + 8] = struct.pack("<ii", 0, 1 << 30)
    pa.ipc.open_stream(bytes(whole)).read_all()
    with pytest.raises(FrameError, match="can't be read"):
        received_table(memoryview(whole))


@pytest.mark.parametrize(
    "source",
    [
        "import os; os.close(4)\nemit('t', tables['t'])",
        "import os; os.close(4)",
        "import os; os.closerange(0, 100); os._exit(0)",
        "import os; os.dup2(1, 4)\nemit('t', tables['t'])",
    ],
)
def test_a_result_pipe_that_is_closed_gives_a_fault(source: str) -> None:
    outcome = run(EXECUTE, {"source": source}, tables={"t": pa.table({"x": [1]})}, limits=LIMITS)
    assert outcome.fault is not None
    assert not outcome.tables


def test_what_a_program_does_to_our_modules_ends_with_it() -> None:
    """The next run starts from the warm process, which no program has touched."""
    spoil = (
        "import sys, random, json\n"
        "for name, module in list(sys.modules.items()):\n"
        "    if name.startswith('fabula'):\n"
        "        for thing in list(vars(module)): setattr(module, thing, None)\n"
        "random.random = lambda: 4; json.dumps = None; import builtins; builtins.len = None"
    )
    good = "import random; notes['n'] = len(str(random.random()))"
    before = run(EXECUTE, {"source": good})
    spoilt = run(EXECUTE, {"source": spoil})
    after = run(EXECUTE, {"source": good})
    assert spoilt.fault is not None
    assert before.notes == after.notes
    assert after.fault is None


def test_an_exception_that_lies_in_its_text_is_told_as_text() -> None:
    """Even where telling it runs more of the program."""
    source = "class Odd(Exception):\n    def __str__(self): raise SystemExit('never')\nraise Odd"
    outcome = run(EXECUTE, {"source": source}, limits=LIMITS)
    assert outcome.fault is not None
