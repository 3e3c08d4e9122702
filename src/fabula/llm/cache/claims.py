"""Records which run is sending which request, so that equal runs share their calls.

Claims are in a file next to the ledger, which need not survive a crash of the machine. A claim
names its owner and the owner's last heartbeat; other runs take over the claims of dead or
long-silent owners.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import threading
import uuid
from pathlib import Path
from time import time

from fabula.io.places import has_ended

SIGN_OF_LIFE = 5.0
"""Seconds between two heartbeats."""
SILENT = 20.0
"""Seconds without a heartbeat after which an owner counts as dead."""
PATIENCE = 1.0
"""Seconds to wait for the file before continuing without claims."""

_TABLE = """
CREATE TABLE IF NOT EXISTS claims (
    key BLOB PRIMARY KEY, owner TEXT NOT NULL, seen REAL NOT NULL
) WITHOUT ROWID
"""
_TAKE = "INSERT OR IGNORE INTO claims VALUES (?, ?, ?)"
_RELEASE = "DELETE FROM claims WHERE key = ? AND owner = ?"
_TAKE_OVER = "UPDATE claims SET owner = ?, seen = ? WHERE key = ? AND owner = ?"


class Claims:
    """The claims of one run on the requests it is about to send, in a file that all runs share.

    An unusable file only costs duplicate calls, so it is never an error.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._owner = f"{socket.gethostname()} {os.getpid()} {uuid.uuid4().hex}"
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._broken = False
        self._over = threading.Event()
        self._released: list[tuple[bytes, str]] = []

    def take(self, key: bytes) -> bool:
        """Claim a request; False while another live run is sending it."""
        with self._lock:
            try:
                connection = self._opened()
                if connection is None or self._taken(connection, key):
                    return True
                (owner, seen) = connection.execute(
                    "SELECT owner, seen FROM claims WHERE key = ?", (key,)
                ).fetchone() or (self._owner, 0.0)
                if time() - seen < SILENT and not _is_dead(owner):
                    return False
                values = (self._owner, time(), key, owner)
                return connection.execute(_TAKE_OVER, values).rowcount > 0
            except sqlite3.Error:
                self._broken = True
                return True

    def _taken(self, connection: sqlite3.Connection, key: bytes) -> bool:
        """Write the released claims and one new claim in one transaction."""
        connection.execute("BEGIN IMMEDIATE")
        self._give_back(connection)
        is_new = connection.execute(_TAKE, (key, self._owner, time())).rowcount > 0
        connection.execute("COMMIT")
        return is_new

    def _give_back(self, connection: sqlite3.Connection) -> None:
        released, self._released = self._released, []
        if released:
            connection.executemany(_RELEASE, released)

    def release(self, key: bytes, *, is_kept: bool = False) -> None:
        """Release a claim: soon if the ledger has the reply for all who wait, else at once."""
        with self._lock:
            self._released.append((key, self._owner))
        if not is_kept:
            self._show_life()

    def close(self) -> None:
        """Release all claims and close the file."""
        self._over.set()
        self._write("DELETE FROM claims WHERE owner = ?", (self._owner,))
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection, self._broken = None, True

    def _opened(self) -> sqlite3.Connection | None:
        if self._connection is None and not self._broken:
            connection = sqlite3.connect(
                self._path, timeout=PATIENCE, isolation_level=None, check_same_thread=False
            )
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=OFF")
            connection.execute(_TABLE)
            connection.execute("DELETE FROM claims WHERE seen < ?", (time() - SILENT,))
            self._connection = connection
            threading.Thread(target=self._live, name="claims", daemon=True).start()
        return None if self._broken else self._connection

    def _live(self) -> None:
        while not self._over.wait(SIGN_OF_LIFE):
            self._show_life()

    def _show_life(self) -> None:
        self._write("UPDATE claims SET seen = ? WHERE owner = ?", (time(), self._owner))

    def _write(self, statement: str, values: tuple[object, ...]) -> None:
        with self._lock:
            try:
                if self._connection is not None and not self._broken:
                    self._give_back(self._connection)
                    self._connection.execute(statement, values)
            except sqlite3.Error:
                self._broken = True


def _is_dead(owner: str) -> bool:
    """Whether an owner is known to have ended; if that can't be determined, heartbeats decide."""
    host, pid, _ = owner.split(" ")
    return host == socket.gethostname() and has_ended(int(pid))
