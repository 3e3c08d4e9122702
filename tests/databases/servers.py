"""Database servers that the tests start themselves: own folder, own user, loopback only."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

_WAIT = 60.0


def postgres_bin() -> Path | None:
    """The folder of PostgreSQL's programs, the newest version first."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    if found:
        return found[0].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


@contextmanager
def postgres_server() -> Iterator[str]:
    """A server of PostgreSQL; gives the address of its database `postgres`, without a password."""
    programs = postgres_bin()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with _own_folder() as folder:
        data, port = folder / "data", _free_port()
        _run([programs / "initdb", "-D", data, "-U", "dev", "-A", "trust", "-E", "UTF8", "-N"])
        settings = ["-c", f"port={port}", "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
        settings += ["-c", f"unix_socket_directories={folder}", "-c", "shared_buffers=64MB"]
        with _served([programs / "postgres", "-D", data, *settings], folder / "log"):
            _await_port(port, folder / "log")
            address = f"postgresql://dev@127.0.0.1:{port}"
            _await(lambda: _answers_postgres(address))
            yield address


@contextmanager
def mariadb_server() -> Iterator[str]:
    """A server of MariaDB; gives the address of a user who may do anything there."""
    server = shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin")
    install = shutil.which("mariadb-install-db")
    if server is None or install is None:
        pytest.skip("MariaDB is not installed: apt-get install mariadb-server")
    with _own_folder() as folder:
        data, port, sock = folder / "data", _free_port(), folder / "s.sock"
        _run(
            [
                install,
                "--no-defaults",
                f"--datadir={data}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--skip-name-resolve",
            ]
        )
        start = folder / "start.sql"
        start.write_text(
            "CREATE USER dev@'127.0.0.1' IDENTIFIED BY 'p@ss/word';\n"
            "GRANT ALL ON *.* TO dev@'127.0.0.1' WITH GRANT OPTION;\n"
        )
        start.chmod(0o644)
        command = [
            server,
            "--no-defaults",
            f"--datadir={data}",
            f"--port={port}",
            f"--socket={sock}",
        ]
        command += [
            "--bind-address=127.0.0.1",
            f"--init-file={start}",
            "--innodb-buffer-pool-size=64M",
        ]
        command += ["--local-infile=1", "--skip-name-resolve", "--innodb-flush-log-at-trx-commit=0"]
        with _served(command, folder / "log"):
            _await_port(port, folder / "log")
            yield f"mysql://dev:p%40ss%2Fword@127.0.0.1:{port}"


@contextmanager
def _own_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="fabula-db-", dir="/tmp"))
    try:
        if os.geteuid() == 0:
            os.chown(folder, *_ids())
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _ids() -> tuple[int, int]:
    """The user that a server runs as where the tests run as root, which servers refuse."""
    entry = pwd.getpwnam("nobody")
    return entry.pw_uid, entry.pw_gid


def _options() -> dict[str, int | list[int]]:
    if os.geteuid() != 0:
        return {}
    user, group = _ids()
    return {"user": user, "group": group, "extra_groups": []}


def _run(command: Sequence[object]) -> None:
    done = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        timeout=120,
        cwd="/tmp",
        check=False,
        **_options(),  # type: ignore[call-overload]
    )
    assert done.returncode == 0, done.stderr.decode()


@contextmanager
def _served(command: Sequence[object], log: Path) -> Iterator[None]:
    with log.open("wb") as file:
        process = subprocess.Popen(
            [str(word) for word in command],
            stdout=file,
            stderr=file,
            cwd="/tmp",
            **_options(),  # type: ignore[call-overload]
        )
    try:
        yield
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        if process.poll() is None:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_port(port: int, log: Path) -> None:
    def answers() -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        return False

    _await(answers, log)


def _await(ready: object, log: Path | None = None) -> None:
    until = time.monotonic() + _WAIT
    while not ready():  # type: ignore[operator]
        told = log.read_text(errors="replace")[-2000:] if log else ""
        assert time.monotonic() < until, f"the server did not start: {told}"
        time.sleep(0.05)


def _answers_postgres(address: str) -> bool:
    import psycopg

    try:
        psycopg.connect(f"{address}/postgres", connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
