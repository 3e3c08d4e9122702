"""Azure's Blob Storage: its addresses, and the settings that its own tools read.

`az://CONTAINER/…` takes the account from the environment. `abfss://CONTAINER@ACCOUNT.dfs.…/…` and
`az://ACCOUNT.blob.…/CONTAINER/…` name it, and so does `az://ACCOUNT@HOST:PORT/CONTAINER/…`, the
form of emulators. Arrow's own reader of addresses knows no account keys.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from fabula.errors import UsageError

if TYPE_CHECKING:
    from pyarrow import fs

SCHEMES = ("az", "abfs", "abfss")
_HOST = re.compile(r"(?P<account>[a-z0-9]+)\.(?:blob|dfs)\.(?P<cloud>[a-z0-9.-]+)", re.IGNORECASE)
_KNOWN = ("sas_token", "tenant_id", "client_id", "client_secret")


def azure_at(user: str | None, rest: str, query: str | None) -> tuple[fs.FileSystem, str]:
    """The store of an address, and the path there.

    Args:
        user: What is before the `@`.
        rest: The server or container, and the path.
        query: What is after the `?`.

    Raises:
        UsageError: No account is named.
    """
    from pyarrow import fs

    server, _, path = rest.partition("/")
    asked, options = dict(parse_qsl(query or "")), _settings()
    if found := _HOST.fullmatch(server):
        options = _of_account(options, found["account"])
        for service in ("blob", "dfs"):
            options[f"{service}_storage_authority"] = f".{service}.{found['cloud']}"
        path = f"{user}/{path}" if user else path
    elif user is not None or ":" in server:
        account, _, key = map(unquote, (user or "").partition(":"))
        options = _of_account(options, account) | ({"account_key": key} if key else {})
        options |= _served(server, "http" if asked.get("enable_tls") == "false" else "https")
    else:
        path = rest
    if not options.get("account_name"):
        raise UsageError(
            "the address names no storage account",
            code="usage.address",
            hint="set AZURE_STORAGE_ACCOUNT, or write"
            " `abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/FOLDER`",
        )
    options |= {name: value for name, value in asked.items() if name in _KNOWN}
    return fs.AzureFileSystem(options.pop("account_name"), **options), path


def _settings() -> dict[str, str]:
    """What the environment says: a connection string, or single variables."""
    told = os.environ.get("AZURE_STORAGE_CONNECTION_STRING", "")
    parts = dict(part.split("=", 1) for part in told.split(";") if "=" in part)
    found = {
        "account_name": parts.get("AccountName") or _first("ACCOUNT", "ACCOUNT_NAME"),
        "account_key": parts.get("AccountKey") or _first("KEY", "ACCOUNT_KEY"),
        "sas_token": parts.get("SharedAccessSignature") or _first("SAS_TOKEN"),
    }
    if found["account_key"]:
        del found["sas_token"]  # Arrow takes one of them
    options = {name: value for name, value in found.items() if value}
    endpoint = urlsplit(parts.get("BlobEndpoint", ""))
    if endpoint.netloc and not _HOST.fullmatch(endpoint.netloc):
        options |= _served(endpoint.netloc, endpoint.scheme)
    return options


def _of_account(options: dict[str, str], account: str) -> dict[str, str]:
    """The settings for an account that an address names; those of another one are not its own."""
    is_own = options.get("account_name") in (None, account)
    return (options if is_own else {}) | {"account_name": account}


def _served(server: str, scheme: str) -> dict[str, str]:
    """A server that answers for the accounts itself."""
    places = {"storage_authority": server, "storage_scheme": scheme}
    return {f"{of}_{name}": value for of in ("blob", "dfs") for name, value in places.items()}


def _first(*names: str) -> str | None:
    return next((v for n in names if (v := os.environ.get(f"AZURE_STORAGE_{n}"))), None)
