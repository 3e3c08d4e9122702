"""The formats of JSON Schema and OpenAPI: a SQL type, a column, or SQL over a hidden column."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from functools import partial

from fabula.kinds.base.columns import AbstractColumn
from fabula.spec import col

Format = Callable[[], str | AbstractColumn | tuple[AbstractColumn, str]]

_TIMES = partial(col.datetime, dt.date(2022, 1, 1), dt.date(2026, 1, 1))
_NAME = partial(col.provider, "internet.hostname")
_ADDRESS = partial(col.provider, "internet.uri")
_EMAIL = partial(col.person, "email")
_PATH = "/[a-z]{4,8}/[a-z]{3,6}"

FORMATS: Mapping[str, Format] = {
    "date": lambda: "DATE",
    "date-time": lambda: (_TIMES(), "strftime({}, '%Y-%m-%dT%H:%M:%SZ')"),
    "time": lambda: (col.time_of_day(), "CAST({} AS VARCHAR) || 'Z'"),
    "duration": partial(col.pattern, "P[1-9]DT[1-9]H"),
    "email": _EMAIL,
    "idn-email": _EMAIL,
    "hostname": _NAME,
    "idn-hostname": _NAME,
    "ipv4": lambda: "INET",
    "ipv6": partial(col.provider, "internet.ip_v6"),
    "uri": _ADDRESS,
    "url": _ADDRESS,
    "iri": _ADDRESS,
    "uri-reference": partial(col.pattern, _PATH),
    "iri-reference": partial(col.pattern, _PATH),
    "uri-template": partial(col.pattern, _PATH + r"/\{id\}"),
    "uuid": lambda: "UUID",
    "json-pointer": partial(col.pattern, _PATH),
    "relative-json-pointer": partial(col.pattern, "[0-3]" + _PATH),
    "regex": partial(col.pattern, r"\[a-z\]\{[1-9]\}"),
    "byte": partial(col.pattern, "([A-Za-z0-9+/]{4}){4}"),
    "decimal": partial(col.pattern, r"[1-9][0-9]{0,3}\.[0-9]{2}"),
    "phone": partial(col.person, "phone"),
    **dict.fromkeys(("binary", "password", "string", "html", "markdown"), lambda: "TEXT"),
}
"""Formats of texts."""

EXAMPLES: Mapping[str, str] = {
    "date": "2024-01-31",
    "date-time": "2024-01-31T10:20:30Z",
    "time": "10:20:30Z",
    "ipv4": "10.20.30.40",
    "uuid": "0f3b2c1a-4d5e-4f60-8a7b-9c0d1e2f3a4b",
}
"""A text of each format whose texts all look alike, to tell whether an expression fits them."""

NUMBERS: Mapping[str, str] = {
    "int8": "TINYINT",
    "uint8": "UTINYINT",
    "int16": "SMALLINT",
    "uint16": "USMALLINT",
    "int32": "INT",
    "uint32": "UINT",
    "int64": "BIGINT",
    "uint64": "UBIGINT",
}
"""Formats of whole numbers."""
