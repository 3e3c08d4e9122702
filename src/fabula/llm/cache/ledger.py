"""Every reply ever received, in one SQLite file shared by all runs.

A reply is on disk before anyone uses it, so nothing paid for is lost: a killed run repeats only
unanswered calls. Replies are found by a hash of everything that decides them. Concurrent runs with
equal requests share their calls (`claims`). One thread writes, and commits together everything that
arrived during its last write.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
import zlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from queue import SimpleQueue
from time import monotonic, sleep, time
from typing import Any

from fabula.errors import SinkError
from fabula.llm.cache.claims import Claims
from fabula.llm.client.chat import ChatReply, ChatRequest, Message, Usage
from fabula.llm.client.user_dirs import home, private_file, private_folder

VERSION = 2
LOOK_AGAIN = 0.2
"""Seconds between two looks for a reply that another run is waiting for."""
_TABLES = """
CREATE TABLE IF NOT EXISTS replies (
    key BLOB PRIMARY KEY, identity TEXT NOT NULL, purpose TEXT NOT NULL, created REAL NOT NULL,
    seconds REAL NOT NULL, text TEXT NOT NULL, finish TEXT NOT NULL, prompt_tokens INTEGER,
    completion_tokens INTEGER, model TEXT NOT NULL, mode TEXT NOT NULL, problem TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS prompts (key BLOB PRIMARY KEY, messages BLOB NOT NULL) WITHOUT ROWID;
"""
_SELECT = """
SELECT text, finish, prompt_tokens, completion_tokens, model, mode, problem
FROM replies WHERE key = ?
"""
REASONING = "\x1e\x02reasoning\x03\x1e"
"""Stands between a reply and its reasoning where they share a cell; no text holds it."""
_INSERT = "INSERT OR {} INTO replies VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT_PROMPT = "INSERT OR IGNORE INTO prompts VALUES (?, ?)"


@dataclass(frozen=True, slots=True)
class Entry:
    """One reply to be kept: the model that gave it, what for, how long it took, and to what."""

    identity: str
    purpose: str
    seconds: float
    reply: ChatReply
    messages: tuple[Message, ...] = ()


_Write = tuple[bytes, Entry, "asyncio.Future[ChatReply]"]


class Ledger:
    """The file of replies. Safe to share between threads and processes.

    Args:
        path: The file; by default `ledger.sqlite` in Fabula's home.
        fresh: Ask again even if a reply is known, and keep the new one.
        patience: Seconds to wait while another process holds the file.
    """

    def __init__(
        self, path: Path | None = None, *, fresh: bool = False, patience: float = 30.0
    ) -> None:
        self.path = path or home() / "ledger.sqlite"
        self.fresh = fresh
        self._patience = patience
        self._insert = _INSERT.format("REPLACE" if fresh else "IGNORE")
        self._lock = threading.RLock()
        self._waiting: dict[bytes, list[asyncio.Future[ChatReply | None]]] = {}
        self._writes: SimpleQueue[_Write | None] = SimpleQueue()
        self._writer: threading.Thread | None = None
        self._starting = threading.Lock()
        self._failed = False  # after one call timed out waiting, the others don't wait again
        self._claims = Claims(self.path.with_name("claims.sqlite"))
        try:
            private_folder(self.path.parent)
            private_file(self.path)
            self._reader = self._connect()
            self._prepare()
        except (sqlite3.Error, OSError) as exc:
            raise self._error(exc) from exc

    async def once(self, key: bytes, ask: Callable[[], Awaitable[Entry]]) -> ChatReply:
        """The reply to a request: the known one, else a new one, requested only once.

        Args:
            key: The request's key (`request_key`).
            ask: Gets a new reply. Not called if the reply is known or pending.
        """
        while True:
            claim = self._claim(key)
            if claim is None:
                return await self._lead(key, ask)
            reply = claim if isinstance(claim, ChatReply) else await claim
            if reply:
                return reply
            # The call that this one waited for failed, so it makes its own.

    def find(self, key: bytes) -> ChatReply | None:
        """The known reply for a key, marked as cached."""
        try:
            with self._lock:
                row = self._reader.execute(_SELECT, (key,)).fetchone()
        except sqlite3.Error as exc:
            raise self._error(exc) from exc
        if row is None:
            return None
        text, finish, prompt, completion, model, mode, problem = row
        text, _, reasoning = text.partition(REASONING)
        usage = Usage(prompt, completion)
        return ChatReply(text, finish, usage, model, mode, True, problem, reasoning, key.hex())

    async def keep(self, key: bytes, entry: Entry) -> ChatReply:
        """Write a reply, wait until it is on disk, and return the one that counts.

        If another process kept a reply to the same request first, that one counts, so that every
        run sees the same reply.
        """
        await self._start_writer()
        future: asyncio.Future[ChatReply] = asyncio.get_running_loop().create_future()
        self._writes.put((key, entry, future))
        return await future

    def take(self, path: Path) -> None:
        """Add the replies of another ledger; a reply that is known stays."""
        try:
            with closing(self._connect()) as connection:
                connection.execute("ATTACH ? AS other", (str(path),))
                connection.execute("INSERT OR IGNORE INTO replies SELECT * FROM other.replies")
        except sqlite3.Error as exc:
            raise self._error(exc) from exc

    def close(self) -> None:
        """Write what is left and close the file."""
        if self._writer:
            self._writes.put(None)
            self._writer.join()
            self._writer = None
        self._claims.close()
        with self._lock:
            self._reader.close()

    def _claim(self, key: bytes) -> ChatReply | asyncio.Future[ChatReply | None] | None:
        """A request's reply, a pending reply, or None: then the caller must ask."""
        with self._lock:
            known = None if self.fresh else self.find(key)
            if known:
                return known
            waiting = self._waiting.get(key)
            if waiting is None:
                self._waiting[key] = []
                return None
            future: asyncio.Future[ChatReply | None] = asyncio.get_running_loop().create_future()
            waiting.append(future)
            return future

    async def _lead(self, key: bytes, ask: Callable[[], Awaitable[Entry]]) -> ChatReply:
        reply: ChatReply | None = None
        try:
            await self._start_writer()  # don't pay for replies that can't be kept
            reply = await self._asked_elsewhere(key) or await self.keep(key, await ask())
            return reply
        finally:
            self._claims.release(key, is_kept=reply is not None)
            shared = replace(reply, cached=True) if reply else None
            with self._lock:
                waiting = self._waiting.pop(key)
            _settle_all([(future, shared) for future in waiting])

    async def _asked_elsewhere(self, key: bytes) -> ChatReply | None:
        """The reply that another run receives meanwhile, or None: then this run must ask."""
        if self.fresh:
            return None
        while not self._claims.take(key):
            await asyncio.sleep(LOOK_AGAIN)
            if known := self.find(key):
                return known
        return self.find(key)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=self._patience, isolation_level=None, check_same_thread=False
        )
        # FULL flushes each commit to disk; commits are shared, so it costs little.
        connection.execute("PRAGMA synchronous=FULL")
        return connection

    def _prepare(self) -> None:
        with closing(self._connect()) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > VERSION:
                raise SinkError(
                    f"the ledger {self.path} was written by a newer Fabula",
                    code="ledger.newer",
                    hint="upgrade Fabula, or set FABULA_HOME to another folder",
                )
            if version < VERSION:
                self._to_wal(connection)
                connection.executescript(_TABLES)
                connection.execute(f"PRAGMA user_version={VERSION}")

    def _to_wal(self, connection: sqlite3.Connection) -> None:
        """Switch the file to a write-ahead log; SQLite doesn't wait for locks here."""
        until = monotonic() + self._patience
        while True:
            try:
                connection.execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError:
                if monotonic() > until:
                    raise
                sleep(0.01)
            else:
                return

    async def _start_writer(self) -> None:
        """Start the writer thread once; if another process holds the file, wait in a thread.

        Raises:
            SinkError: The file can't be written.
        """
        if self._writer is not None and not self._failed:
            return
        if self._starting.acquire(blocking=False):  # so that calls keep their order
            try:
                self._start_writing(0)
            except SinkError as error:
                if error.code != "ledger.locked":
                    raise
            else:
                return
            finally:
                self._starting.release()
        await asyncio.to_thread(self._wait_to_write)

    def _wait_to_write(self) -> None:
        with self._starting:
            self._start_writing(0 if self._failed else self._patience)

    def _start_writing(self, patience: float) -> None:
        if self._writer is not None and not self._failed:
            return
        try:
            connection = self._connect()
            self._begin(connection, patience)
            connection.execute("ROLLBACK")
        except sqlite3.Error as exc:
            self._failed = patience > 0 or self._failed
            raise self._error(exc) from exc
        if self._writer is not None:
            connection.close()
            return
        self._writer = threading.Thread(
            target=self._write_all, args=(connection,), name="ledger", daemon=True
        )
        self._writer.start()

    def _write_all(self, connection: sqlite3.Connection) -> None:
        with closing(connection):
            while (first := self._writes.get()) is not None:
                batch = [first]
                while not self._writes.empty():
                    write = self._writes.get()
                    if write is None:
                        self._writes.put(None)
                        break
                    batch.append(write)
                self._commit(connection, batch)

    def _commit(self, connection: sqlite3.Connection, batch: Sequence[_Write]) -> None:
        """Write a batch in one transaction and wake the waiting calls."""
        outcomes: list[tuple[asyncio.Future[ChatReply], object]] = []
        try:
            self._begin(connection, 0 if self._failed else self._patience)
            for key, entry, future in batch:
                written = connection.execute(self._insert, _row(key, entry)).rowcount
                first = None if written else self.find(key)
                reply = replace(first or entry.reply, cached=False, key=key.hex())
                if entry.messages:
                    connection.execute(_INSERT_PROMPT, (key, _packed(entry.messages)))
                outcomes.append((future, reply))
            connection.execute("COMMIT")
        except Exception as exc:  # any error must reach the waiting calls
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if len(batch) > 1 and not isinstance(exc, sqlite3.OperationalError):
                for write in batch:  # one reply can't be written, the others can
                    self._commit(connection, [write])
                return
            error = self._error(exc)
            error.__cause__ = exc
            self._failed = isinstance(exc, sqlite3.OperationalError)
            outcomes = [(future, error) for _, _, future in batch]
        _settle_all(outcomes)

    def _begin(self, connection: sqlite3.Connection, patience: float) -> None:
        """Begin a write transaction, waiting up to `patience` seconds for other processes."""
        connection.execute(f"PRAGMA busy_timeout={round(1000 * patience)}")
        connection.execute("BEGIN IMMEDIATE")
        self._failed = False

    def _error(self, exc: Exception) -> SinkError:
        name = getattr(exc, "sqlite_errorname", "")
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            problem, hint = "locked", "end the other program that holds it, then run again"
        elif name.startswith(("SQLITE_FULL", "SQLITE_IOERR")):
            problem = "disk-full"
            hint = "free disk space or set FABULA_HOME to another disk, then run again"
        elif name.startswith("SQLITE_READONLY"):
            problem, hint = "read-only", "set FABULA_HOME to a writable folder"
        elif name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            problem = "damaged"
            hint = f"move it away (mv {self.path} {self.path}.damaged) and run again"
        else:
            problem, hint = "unusable", "set FABULA_HOME to a writable folder"
        return SinkError(
            f"the ledger {self.path} can't be used: {exc}", code=f"ledger.{problem}", hint=hint
        )


def request_key(identity: str, request: ChatRequest) -> bytes:
    """A hash of everything that decides a reply; a call's purpose doesn't."""
    sampling = request.sampling
    material = [
        identity,
        [(message.role, message.content) for message in request.messages],
        request.schema,
        [sampling.temperature, sampling.top_p, sampling.min_p, sampling.max_tokens],
        [sampling.seed, sampling.stop],
        request.sample,
    ]
    # The order of a schema's properties affects the reply, so keys are not sorted.
    return blake2b(json.dumps(material).encode(), digest_size=20).digest()


def _row(key: bytes, entry: Entry) -> tuple[object, ...]:
    reply, usage = entry.reply, entry.reply.usage
    text = reply.text + (REASONING + reply.reasoning) * bool(reply.reasoning)
    return (
        *(key, entry.identity, entry.purpose, time(), entry.seconds, text, reply.finish),
        *(usage.prompt_tokens, usage.completion_tokens, reply.model, reply.mode, reply.problem),
    )


def _packed(messages: Sequence[Message]) -> bytes:
    text = json.dumps([(each.role, each.content) for each in messages], ensure_ascii=False)
    return zlib.compress(text.encode("utf-8", "surrogatepass"), 1)


def _settle_all(outcomes: Sequence[tuple[asyncio.Future[Any], object]]) -> None:
    """Pass each waiting call its reply or error, with one callback per event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], object]]] = {}
    for future, outcome in outcomes:
        by_loop.setdefault(future.get_loop(), []).append((future, outcome))
    for loop, group in by_loop.items():
        # If a loop has ended, none of its calls are waiting any more.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, group)


def _settle(outcomes: Sequence[tuple[asyncio.Future[Any], object]]) -> None:
    for future, outcome in outcomes:
        if future.done():
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
