"""Servers of databases, one of each a session, and a fresh database for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from tests.databases.servers import mariadb_server, postgres_server

_NUMBERS = count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with postgres_server() as address:
        yield address


@pytest.fixture(scope="session")
def mariadb() -> Iterator[str]:
    with mariadb_server() as address:
        yield address


@pytest.fixture
def pg(postgres: str) -> Iterator[str]:
    """The address of an empty database of PostgreSQL."""
    import psycopg

    name = f"test_{next(_NUMBERS)}"
    with psycopg.connect(f"{postgres}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
        yield f"{postgres}/{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]


@pytest.fixture
def maria(mariadb: str) -> Iterator[str]:
    """The address of an empty database of MariaDB."""
    from fabula.databases.address import parse_address
    from fabula.databases.mysql import MySQL

    name = f"test_{next(_NUMBERS)}"
    with MySQL(parse_address(f"{mariadb}/mysql")) as server:
        server.run(f"CREATE DATABASE {name}")
        yield f"{mariadb}/{name}"
        server.run(f"DROP DATABASE {name}")


Sql = Callable[[str, str], list[tuple[object, ...]]]
