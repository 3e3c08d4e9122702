"""An address as an open database; each dialect's driver is loaded where it is asked for."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from fabula.databases.address import FILES, Address, parse_address
from fabula.databases.base import Database
from fabula.errors import PrerequisiteError

_CLASSES = {
    "postgresql": ("postgresql", "PostgreSQL"),
    "mysql": ("mysql", "MySQL"),
    "sqlite": ("sqlite", "SQLite"),
    "duckdb": ("duckdb", "DuckDB"),
}


def address_of(place: str) -> Address:
    """The address that an address, or a file of a database, stands for."""
    suffix = "" if "://" in place else Path(place).suffix.lower()
    return Address(FILES[suffix], name=place) if suffix in FILES else parse_address(place)


def database_at(place: str | Address, *, reads: bool = False) -> Database:
    """The database of an address, not yet connected.

    Raises:
        UsageError: It is not an address.
        PrerequisiteError: The driver is not installed.
    """
    address = place if isinstance(place, Address) else address_of(place)
    module, name = _CLASSES[address.dialect]
    try:
        made = getattr(import_module(f"fabula.databases.{module}"), name)
    except ImportError as exc:
        raise PrerequisiteError.for_extra("databases", needed_by=name) from exc
    database: Database = made(address, reads=reads)
    return database
