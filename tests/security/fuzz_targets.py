"""The five readers of untrusted bytes, each with damaged forms of what it takes."""

from __future__ import annotations

import asyncio
import io
import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

import fabula as fb
from fabula.cli.main import INTERNAL_ERROR, main
from fabula.codegen import replies
from fabula.errors import FabulaError
from fabula.llm.client.chat import ChatReply, ChatRequest
from fabula.llm.client.completions import read_reply
from fabula.llm.client.responses import Judge
from fabula.llm.client.transport import HttpReply
from fabula.llm.rows.ask import ask_rows
from fabula.llm.rows.job import RowField, RowsJob
from fabula.sandbox import supervisor
from fabula.sandbox.messages import FrameError, FrameReader, json_frame, table_frames
from fabula.spec.loading import parse_spec
from fabula.synthesizers.synthesizer import load_synthesizer
from tests.security.test_model_files import members_of, write

TOKENS = [
    b"", b"0", b"-1", b"1e999", b"NaN", b"9" * 40, b"null", b"true", b"[]", b"{}", b'"', b"'",
    b"\\",
    b"[" * 200, b"{" * 200, b'{"a":' * 200, b"\n", b"\t", b"\0", b"\xff", "é\u202e\ud7ff".encode(),
    b"../../x", b"&a *a", b"<<: *a", b"!!python/object:x", b"%", b"{{ a }}", b"/**/", b"--", b";",
    b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff\xff\xff\xff\x7f", b"\x80" * 8, b"data: ", b"[DONE]",
]  # fmt: skip
"""What is put into damaged inputs besides chance bytes."""

Change = tuple[float, int, bytes]


def damaged(corpus: list[bytes]) -> st.SearchStrategy[bytes]:
    """One of the inputs with pieces replaced, removed, doubled or put in."""
    pieces = st.sampled_from(TOKENS) | st.binary(max_size=9)
    changes = st.lists(st.tuples(st.floats(0, 1), st.integers(-9, 60), pieces), max_size=6)
    return st.builds(_changed, st.sampled_from(corpus), changes)


def _changed(data: bytes, changes: list[Change]) -> bytes:
    for where, size, piece in changes:
        at = int(where * len(data))
        new = data[at : at - 8 * size] if size < 0 else piece  # a piece of its own comes twice
        data = data[:at] + new + data[at + max(size - 30, 0) :]
    return data


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder of one example."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# Specs.

SPECS = [
    Path("examples/shop.yaml").read_bytes(),
    b"""tables:
  t:
    n: 3
    columns:
      id: key
      a: {kind: choice, values: {x: 0.5, y: 0.5}}
      b: {kind: normal, mean: 5, sd: 2, min: 0, decimals: 1, nulls: 0.1}
      c: {kind: expr, sql: "id * 2 + length(a)"}
      d: {kind: template, text: "{{ a }}-{{ '%03d' % id }}"}
      e: {kind: pattern, regex: "[A-Z]{2}\\\\d{3}"}
      f: {kind: date, min: 2020-01-01, max: 2024-12-31}
      g: {kind: provider, provider: person.name}
    checks: [{row: "b >= 0"}, {unique: [id]}]
""",
    json.dumps(
        {
            "seed": 3,
            "models": {"default": "fake"},
            "tables": {
                "p": {"n": 2, "columns": {"id": {"kind": "key"}, "x": {"kind": "llm"}}},
                "q": {"n": 4, "columns": {"p": {"kind": "ref", "to": "p.id"}}},
            },
            "outputs": [{"format": "csv"}],
        }
    ).encode(),
]


def read_spec(data: bytes) -> None:
    """Read a spec, plan it, make three rows."""
    spec = parse_spec(data.decode("utf-8", "surrogateescape"))
    fb.plan(spec, dict.fromkeys(spec.tables, 3))
    fb.preview(spec, 3, model="fake")


# Model files.


@cache
def _models() -> tuple[Mapping[str, bytes], ...]:
    rng = np.random.default_rng(1)
    rows = pa.table(
        {
            "size": rng.gamma(2.0, 30.0, 200),
            "rooms": rng.integers(1, 6, 200),
            "kind": rng.choice(["flat", "house"], 200),
            "seen": np.datetime64("2024-01-01") + rng.integers(0, 300, 200),
        }
    )
    found = []
    with scratch() as folder:
        for model in ("boosted", "copula", "mixture"):
            fb.fit(rows, model=model, seed=1).save(folder / "m.fabula")
            found.append(members_of(folder / "m.fabula"))
    return tuple(found)


def model_files() -> st.SearchStrategy[bytes]:
    """Archives with a damaged member and checksums that fit it, and damaged archives."""

    def archive(members: Mapping[str, bytes], name: str, data: bytes) -> bytes:
        with scratch() as folder:
            path = folder / "m.fabula"
            with suppress(ValueError):  # a description that is not JSON can't be given checksums
                write(path, {**members, name: data})
                return path.read_bytes()
            with zipfile.ZipFile(buffer := io.BytesIO(), "w") as packed:
                for each, content in {**members, name: data}.items():
                    packed.writestr(each, content)
            return buffer.getvalue()

    one_member = st.sampled_from(_models()).flatmap(
        lambda members: st.sampled_from(sorted(members)).flatmap(
            lambda name: st.builds(archive, st.just(members), st.just(name),
                                   damaged([members[name]])))
    )  # fmt: skip
    whole = damaged([archive(each, "model.json", each["model.json"]) for each in _models()])
    return one_member | whole


def read_model(data: bytes) -> None:
    """Load a model and draw rows."""
    with scratch() as folder:
        (folder / "m.fabula").write_bytes(data)
        load_synthesizer(folder / "m.fabula").sample(20)


# Run folders.

RUN_SPEC = {
    "t": {"n": 5, "columns": {"a": {"kind": "key"}, "b": {"kind": "choice", "values": ["x", "y"]}}}
}
RECORDS = ["run.json", "manifest.json", "rejects.jsonl", ".fabula/t-00000.json", "t.data"]


@cache
def _run(form: str) -> Mapping[str, bytes]:
    """The files of a finished run by name, the table's as `t.data`."""
    with scratch() as folder:
        fb.generate({"tables": RUN_SPEC}, output=folder, format=form)
        found = {
            str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }
        rows = found.pop(f"t.{form}")
        part = {
            "table": "t", "part": 0, "attempt": 0, "asked": 5, "rows": 5, "rejected": [],
            "tallies": [], "files": json.loads(found["manifest.json"])["tables"]["t"]["files"],
        }  # fmt: skip
        lost = b'{"table": "t", "row": 1, "reason": "r", "raw": "x", "attempt": 1}\n'
        return {
            **found,
            ".fabula/t-00000.json": json.dumps(part).encode(),
            "rejects.jsonl": lost,
            "t.data": rows,
        }


def run_folders() -> st.SearchStrategy[bytes]:
    """The format of the run's table, the name of a damaged file, and its bytes."""
    return st.tuples(
        st.sampled_from(["csv", "parquet", "jsonl", "arrow"]), st.sampled_from(RECORDS)
    ).flatmap(
        lambda pair: damaged([_run(pair[0])[pair[1]]]).map(
            lambda data: f"{pair[0]} {pair[1]}\n".encode() + data
        )
    )


def read_run(data: bytes) -> None:
    """Go on with a run, open it, show it, judge it."""
    head, _, content = data.partition(b"\n")
    form, _, name = head.decode().partition(" ")
    with scratch() as folder:
        for each, kept in {**_run(form), name: content}.items():
            path = folder / each.replace(".data", f".{form}")
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(kept)
        with suppress(FabulaError):
            fb.Dataset.open(folder).to_arrow("t")
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()) as told:
            code = main(["show", str(folder)])
        if code == INTERNAL_ERROR:
            raise AssertionError(told.getvalue())
        fb.generate({"tables": RUN_SPEC}, output=folder, format=form)


# What programs send.


def _frames() -> list[bytes]:
    table = pa.table({"a": [1, 2], "b": ["x", None], "c": [[1.5], []], "d": [{"e": True}] * 2})
    sent = b"".join(bytes(piece) for piece in table_frames("t", table))
    end = json_frame(b"N", {"found": [{"how": "a", "place": "b", "name": "t", "function": ""}]})
    fault = json_frame(b"F", {"kind": "exception", "message": "m", "traceback": "t", "line": 3})
    start = json_frame(b"L", {})
    return [start + sent + end, start + fault, start + sent + sent + end]


def read_frames(data: bytes) -> None:
    """Read what a child sent, as the parent of a run does."""
    reader = FrameReader(1 << 30)
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        try:
            while reader.read(file.fileno()):
                pass
            if reader.frames and supervisor._told_fault(reader.frames) is None:
                tables = supervisor._tables(reader.frames)
                notes = supervisor.json_of(reader.frames[-1])
                for table in tables.values():
                    table.to_pylist()
                json.dumps(notes)
        except FrameError:
            pass


# What models answer.


class Echo:
    """A model that always gives the same text."""

    name = identity = "echo"
    form = "chat"
    concurrency = 1

    def __init__(self, text: str) -> None:
        self._text = text

    async def complete(self, request: ChatRequest) -> ChatReply:
        """The text, whatever is asked."""
        assert request.messages
        return ChatReply(self._text)

    async def close(self) -> None:
        """There is nothing to close."""


FIELDS = (
    RowField("a", {"type": "string"}),
    RowField("b", {"type": "integer", "minimum": 0}),
    RowField("c", {"type": "array", "items": {"type": "number"}}, required=False),
)
ROWS = '{"rows": [{"a": "x", "b": 1, "c": [1.5]}, {"a": "y", "b": 2}]}'
TEXTS = [
    ROWS,
    "a,b\nx,1\ny,2\n",
    "| a | b |\n|---|---|\n| x | 1 |\n",
    f"Here:\n```json\n{ROWS}\n```",
    "<think>hm</think>```python\nimport x\ndef f(a):\n    return a\n```",
    "1. x (1)\n2. y (2)",
]


def _replies() -> list[bytes]:
    found = []
    for text in TEXTS:
        message = {"role": "assistant", "content": text}
        usage = {"prompt_tokens": 5, "completion_tokens": 7}
        choice = {"message": message, "finish_reason": "stop"}
        found.append(json.dumps({"choices": [choice], "usage": usage}).encode())
        found.append(text.encode())
    delta = [{"choices": [{"delta": {"content": part}}]} for part in (ROWS[:20], ROWS[20:])]
    found.append(b"".join(b"data: " + json.dumps(each).encode() + b"\n\n" for each in delta))
    found.append(b'{"error": {"message": "slow down, 3s", "code": 429}}')
    return found


def read_replies(data: bytes) -> None:
    """Read an answer of a server, and rows and a program in its text."""
    judge = Judge("p", "http://h", "m", ())
    text = data.decode("utf-8", "replace")
    for status in (200, 429):
        reply = HttpReply(status, CIMultiDictProxy(CIMultiDict()), data)
        with suppress(FabulaError):
            answer = judge.verdict(reply, expects="choices", answered=True)
            if isinstance(answer, dict):
                text = read_reply(answer, "prompt").text
    job = RowsJob("things", FIELDS, 2, attempts=1)
    with suppress(FabulaError):
        asyncio.run(ask_rows(Echo(text), job))
    for candidate in replies.read_reply(ChatReply(text)).candidates:
        assert candidate


TARGETS: dict[str, tuple[Callable[[bytes], None], Callable[[], st.SearchStrategy[bytes]]]] = {
    "spec": (read_spec, lambda: damaged(SPECS)),
    "model": (read_model, model_files),
    "run": (read_run, run_folders),
    "frames": (read_frames, lambda: damaged(_frames())),
    "replies": (read_replies, lambda: damaged(_replies())),
}
