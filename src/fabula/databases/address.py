"""The address of a database: which one it is, where it is, and what of it may be shown.

The password is in no text that leaves this file: messages, manifests and logs get `shown`, and
what a driver says goes through `without_secrets`.
"""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote

from fabula.errors import UsageError

DIALECTS = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
    "sqlite": "sqlite",
    "duckdb": "duckdb",
}
"""The dialect of each scheme; a driver may follow it, as in `postgresql+psycopg://`."""

FILES = {".sqlite": "sqlite", ".sqlite3": "sqlite", ".db": "sqlite", ".duckdb": "duckdb"}
"""The dialect of each ending of a file."""

_ADDRESS = re.compile(
    r"(?P<scheme>[a-z]+)(\+[a-z0-9_]+)?://"
    r"((?P<user>[^:@/?]*)(:(?P<password>[^@/]*))?@)?"
    r"(?P<hosts>[^/?]*)(/(?P<name>[^?]*))?(\?(?P<query>.*))?",
    re.IGNORECASE | re.DOTALL,
)
_SECRETS = ("password", "passwd", "sslpassword")


@dataclass(frozen=True)
class Address:
    """A database's address, taken apart.

    Attributes:
        dialect: `postgresql`, `mysql`, `sqlite` or `duckdb`.
        hosts: The hosts with their ports, as given; empty for this machine's socket or a file.
        name: The database, or the path of the file.
        user: Who connects.
        password: Their password; never shown.
        query: Further parameters of the driver.
    """

    dialect: str
    hosts: tuple[str, ...] = ()
    name: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    query: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def is_file(self) -> bool:
        """Whether the database is a file."""
        return self.dialect in ("sqlite", "duckdb")

    @property
    def path(self) -> Path:
        """The file."""
        return Path(self.name)

    @property
    def shown(self) -> str:
        """The address without anything secret."""
        if self.is_file:
            return f"{self.dialect}:///{self.name}"
        user = f"{quote(self.user)}@" if self.user else ""
        return f"{self.dialect}://{user}{','.join(self.hosts)}/{self.name}"

    @property
    def uri(self) -> str:
        """The address as PostgreSQL's client library reads it, password included."""
        password = f":{quote(self.password, safe='')}" if self.password else ""
        user = f"{quote(self.user, safe='')}{password}@" if self.user or password else ""
        query = "&".join(f"{key}={quote(value, safe='')}" for key, value in self.query.items())
        name = quote(self.name, safe="")
        return f"postgresql://{user}{','.join(self.hosts)}/{name}{'?' * bool(query)}{query}"

    def host_and_port(self, port: int) -> tuple[str, int]:
        """The only host, with the port if none is given."""
        host, _, given = (self.hosts or ("localhost",))[0].rpartition(":")
        if not given.isdigit():
            host, given = (self.hosts or ("localhost",))[0], str(port)
        return host.strip("[]") or "localhost", int(given)

    def remote_hosts(self) -> tuple[str, ...]:
        """The hosts that are not this machine."""
        if self.is_file:
            return ()
        named = [_host(host) for host in self.hosts]
        named += [
            host for key in ("host", "hostaddr") for host in self.query.get(key, "").split(",")
        ]
        if self.dialect == "postgresql" and not any(named):
            named += [os.environ.get(key, "") for key in ("PGHOST", "PGHOSTADDR")]
        return tuple(host for host in dict.fromkeys(named) if not is_local(host))

    def without_secrets(self, text: str) -> str:
        """A driver's message without the password, however it is written there."""
        hidden = [self.password, *(self.query.get(key, "") for key in _SECRETS)]
        for secret in hidden:
            for form in {secret, quote(secret, safe=""), quote(secret)} - {""}:
                text = text.replace(form, "***")
        return text


def is_address(text: object) -> bool:
    """Whether a text is the address of a database that Fabula knows."""
    found = re.match(r"([a-z]+)(\+[a-z0-9_]+)?://", text, re.I) if isinstance(text, str) else None
    return found is not None and found[1].lower() in DIALECTS


def defines_schema(source: str) -> bool:
    """Whether a source says what its tables promise: a database, a file of one, or a script."""
    return is_address(source) or Path(source).suffix.lower() in (*FILES, ".sql")


def parse_address(text: str) -> Address:
    """An address taken apart.

    Raises:
        UsageError: It has no form of an address, or names no database.
    """
    found = _ADDRESS.fullmatch(text)
    dialect = DIALECTS.get(found["scheme"].lower()) if found else None
    # An `@` behind the first one is a part of a password that was not written as `%40`.
    rest = "".join(filter(None, found.group("hosts", "name", "query"))) if found else ""
    torn = dialect not in ("sqlite", "duckdb") and "@" in rest
    if found is None or dialect is None or torn:
        raise UsageError(
            "the database address does not have the form `postgresql://user@host/name`",
            code="usage.address",
            hint="write `@`, `:`, `/` and `%` in a password as `%40`, `%3A`, `%2F` and `%25`",
        )
    hosts = tuple(unquote(host) for host in found["hosts"].split(",") if host)
    name = unquote(found["name"] or "")
    if dialect in ("sqlite", "duckdb") and (hosts or not name or name == ":memory:"):
        place = "/".join(filter(None, [*hosts, name])) or "shop.db"
        raise UsageError(
            f"`{found['scheme']}://` names no file",
            code="usage.address",
            hint=f"write three slashes for a file in this folder: `{dialect}:///{place}`, and four"
            " for a path from the root",
        )
    if dialect not in ("sqlite", "duckdb") and not name:
        raise UsageError(
            f"`{found['scheme']}://…` names no database",
            code="usage.address",
            hint=f"add its name: `{dialect}://{','.join(hosts) or 'localhost'}/NAME`",
        )
    return Address(
        dialect,
        hosts,
        name,
        unquote(found["user"] or ""),
        unquote(found["password"] or ""),
        dict(parse_qsl(found["query"] or "", keep_blank_values=True)),
    )


def is_local(host: str) -> bool:
    """Whether a host is this machine: a socket, `localhost`, or a loopback address."""
    if not host or host.startswith(("/", "@")) or host.lower() in ("localhost", "localhost."):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _host(text: str) -> str:
    """A host without its port."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text
