"""A script taken apart into statements, each with its place, and whose SQL it is written in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fabula.errors import SourceError

SCRIPT_DIALECTS = ("postgres", "mysql", "sqlite", "duckdb")
_TITLES = {"postgres": "PostgreSQL", "mysql": "MySQL", "sqlite": "SQLite", "duckdb": "DuckDB"}
_ROWS = re.compile(r"^COPY\b[^;]*FROM\s+stdin;\n.*?^\\\.$", re.I | re.M | re.S)
_CLIENT = re.compile(r"^\\[a-z!?].*$|^DELIMITER.*?^DELIMITER\s*;\s*$", re.I | re.M | re.S)
_SIGNS = {
    "mysql": re.compile(r"`|\bAUTO_INCREMENT\b|\bENGINE\s*=", re.I),
    "sqlite": re.compile(r"\bAUTOINCREMENT\b|\bPRAGMA\b|\bWITHOUT\s+ROWID\b|\[\w+\]\s+\w", re.I),
    "postgres": re.compile(
        r"\bSERIAL\b|\bJSONB\b|::|\bBYTEA\b|\bTIMESTAMPTZ\b|\bDEFERRABLE\b|\bCREATE\s+DOMAIN\b",
        re.I,
    ),
}
"""What only one of them writes; the first that fits decides."""


_SQLITE_FORMS = (
    (re.compile(r"\)\s*(WITHOUT\s+ROWID|STRICT)(\s*,\s*(WITHOUT\s+ROWID|STRICT))*\s*$", re.I), ")"),
    (re.compile(r"\bON\s+CONFLICT\s+(ROLLBACK|ABORT|FAIL|IGNORE|REPLACE)\b", re.I), ""),
    (re.compile(r"\bUNSIGNED\s+BIG\s+INT\b", re.I), "BIGINT"),
    (re.compile(r"\b(NATIVE|VARYING)\s+CHARACTER\b", re.I), "VARCHAR"),
    (re.compile(r"(?<=\s)ANY(?=\s*[,)]|\s+(NOT|DEFAULT|CHECK)\b)", re.I), "TEXT"),
)
"""What SQLite allows and the parser does not, with what means the same here."""
PARTITIONS = re.compile(
    r"(?<=[)\w'])\s*(/\*!\d+\s*)?PARTITION\s+BY\s+(RANGE|LIST|HASH|KEY|LINEAR|SYSTEM).*$",
    re.I | re.S,
)
"""What stands behind a table that is divided; rows of no part are refused."""
_IPV6 = r"([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}"
_MYSQL_FORMS = (
    (re.compile(r"(?<=[)\w'])\s*(/\*!\d+\s*)?PARTITION\s+BY\s.*$", re.I | re.S), ""),
    (re.compile(r"(`[^`]+`)\s+inet4\b", re.I), r"\1 INET"),
    (
        re.compile(r"(`[^`]+`)\s+inet6\b", re.I),
        rf"\1 VARCHAR(39) CHECK (\1 REGEXP '^{_IPV6}$')",
    ),
    (
        re.compile(
            r"(`[^`]+`)\s+(multi)?(point|linestring|polygon|geometrycollection|vector\(\d+\))", re.I
        ),
        r"\1 GEOMETRY",
    ),
)
"""Types of MySQL and MariaDB that the parser does not know."""
_POSTGRES_FORMS = (
    (re.compile(r"\bbit\s+varying\b", re.I), "VARBIT"),
    (re.compile(r"\b(numeric|decimal)\((\d+)\s*,\s*-\d+\)", re.I), r"\1(\2, 0)"),
    (re.compile(r"\binterval\s+\w+(\s+to\s+\w+)?(\(\d\))?(?=\s*[,)]|\s+(NOT|DEFAULT)\b)", re.I),
     "INTERVAL"),
)  # fmt: skip
"""Types of PostgreSQL that the parser does not know."""
_FORMS = {"postgres": _POSTGRES_FORMS, "sqlite": _SQLITE_FORMS, "mysql": _MYSQL_FORMS}


@dataclass(frozen=True)
class Statement:
    """One statement, and where it stands."""

    text: str
    place: str

    @property
    def called(self) -> str:
        """What the statement defines: its first words."""
        words = " ".join(self.text.split())
        head = re.match(r"[^(]{1,70}", words)
        return f"`{head[0].strip() if head else words[:70]}`"


def script_dialect(text: str) -> str:
    """Whose SQL a script is written in, by what only one of them writes; else PostgreSQL."""
    return next((name for name, sign in _SIGNS.items() if sign.search(text)), "postgres")


def script_dialects(text: str) -> list[str]:
    """Whose SQL a script may be, the likeliest first."""
    first = script_dialect(text)
    return [first, *(name for name in SCRIPT_DIALECTS if name != first)]


def dialect_title(dialect: str) -> str:
    """What people call a dialect."""
    return _TITLES[dialect]


def statements_of(text: str, dialect: str, *, place: str) -> Iterator[Statement]:
    """The statements of a script; the rows of a dump are passed over.

    Raises:
        SourceError: The script can't be taken apart.
    """
    from sqlglot.dialects import Dialect
    from sqlglot.errors import SqlglotError

    if dialect == "mysql":  # this server runs what others take for comments
        text = re.sub(r"/\*M?!\d*\s?(.*?)\*/", r"\1", text, flags=re.S)
    for form in (_ROWS, _CLIENT):
        text = form.sub(lambda found: "\n" * found[0].count("\n"), text)
    try:
        tokens = Dialect.get_or_raise(dialect).tokenize(text)
    except SqlglotError as exc:
        raise SourceError(
            f"`{place}` is not an SQL script: {str(exc).partition(chr(10))[0]}",
            code="source.unreadable",
            where=place,
            hint="give the statements that define the tables: `CREATE TABLE …;`",
        ) from exc
    first: Sequence[int] | None = None
    end = 0
    for token in tokens:
        if token.text == ";" and token.token_type.name == "SEMICOLON":
            if first is not None:
                yield Statement(text[first[0] : end], f"{place}:{first[1]}")
            first = None
            continue
        if first is None:
            first = (token.start, token.line)
        end = token.end + 1
    if first is not None:
        yield Statement(text[first[0] : end], f"{place}:{first[1]}")


def read_script(path: Path) -> str:
    """The text of a script.

    Raises:
        SourceError: It can't be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        reason = getattr(exc, "strerror", None) or "it is not a UTF-8 text"
        raise SourceError(
            f"`{path}` can't be read: {reason}", code="source.unreadable", file=str(path)
        ) from exc


def parseable(text: str, dialect: str) -> str:
    """A statement without what the parser does not know."""
    for form, instead in _FORMS.get(dialect, ()):
        text = form.sub(instead, text)
    return text


def unquoted(name: str) -> str:
    """A name as PostgreSQL keeps it."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
