"""An address as an open database; each dialect's driver is loaded where it is asked for."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

from fabula.databases.address import DIALECTS, FILES, Address, parse_address
from fabula.databases.base import Database
from fabula.errors import PrerequisiteError

_SLASH = re.compile(r"([A-Za-z][A-Za-z0-9+]+):/+(.*)", re.DOTALL)
_CLASSES = {
    "postgresql": ("postgresql", "PostgreSQL"),
    "mysql": ("mysql", "MySQL"),
    "sqlite": ("sqlite", "SQLite"),
    "duckdb": ("duckdb", "DuckDB"),
}


def address_of(place: str) -> Address:
    """The address that an address, or a file of a database, stands for."""
    suffix = "" if _SLASH.match(place) else Path(place).suffix.lower()
    if suffix in FILES:
        return Address(FILES[suffix], name=place)
    return parse_address(_restored(place))


def _restored(place: str) -> str:
    """An address whose slashes a path has folded: `postgresql:/dev@host/shop`."""
    folded = _SLASH.match(place)
    if folded is None or place.startswith("//", folded.end(1) + 1):
        return place
    scheme, rest = folded[1], folded[2]
    if DIALECTS.get(scheme.lower()) in FILES.values():
        slashes = ":///" if Path(rest).exists() or not Path(f"/{rest}").exists() else ":////"
    else:
        slashes = "://" if "/" in rest else ":///"
    return f"{scheme}{slashes}{rest}"


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
