"""Which variables of the environment a spec may send to which host: asked for once, remembered.

A spec is a file that people pass on, and it names hosts and variables. A provider's own host and
this machine are taken for granted; any other host gets a secret only when its user said so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from fabula.errors import UsageError
from fabula.io.places import write_text
from fabula.llm.client.presets import PROVIDERS, is_this_machine
from fabula.llm.client.user_dirs import home, private_file, private_folder

VARIABLE = re.compile(r"\$\{(\w+)\}")
DENIED = "model.allow-env"

Ask = Callable[[str], bool]
"""Puts a question to the user; whether the answer is yes."""

_granted: set[str] = set()
_ask: list[Ask] = []


def grant(names: Iterable[str], *, ask: Ask | None = None) -> None:
    """Let this command send these variables to the hosts of its spec, and no others.

    Args:
        names: The variables.
        ask: How the user is asked about others, where there is one to ask.
    """
    _granted.clear()
    _granted.update(names)
    _ask[:] = [ask] if ask else []


def sent(
    base_url: str | None, api_key_env: str | None, headers: Mapping[str, str]
) -> tuple[str, tuple[str, ...]]:
    """The host of a model of a spec, and the variables that it gets."""
    host = (urlsplit(base_url).hostname or "") if base_url else ""
    names = [api_key_env, *(name for text in headers.values() for name in VARIABLE.findall(text))]
    return host, tuple(dict.fromkeys(filter(None, names)))


def check_sent(host: str, names: Iterable[str]) -> None:
    """Make sure that a host may get variables; the user is asked where that is possible.

    Raises:
        UsageError: Nobody allowed it.
    """
    if not host or _is_trusted(host):
        return
    known = _remembered()
    denied = [name for name in names if name not in known.get(host, ())]
    missing = [name for name in denied if name not in _granted]
    if missing and not any(ask(f"{_sends(missing, host)}; allow it, from now on?") for ask in _ask):
        options = " ".join(f"--allow-env {name}" for name in missing)
        raise UsageError(
            _sends(missing, host),
            code=DENIED,
            hint=f"if that is what you want, add `{options}` to the command; it is remembered",
        )
    if denied:
        _remember({**known, host: sorted({*known.get(host, ()), *denied})})


def _sends(names: Iterable[str], host: str) -> str:
    return f"the spec sends {', '.join(f'${name}' for name in names)} to {host}"


def _is_trusted(host: str) -> bool:
    known = {urlsplit(item.base_url).hostname for item in PROVIDERS.known().values()}
    return host in known or is_this_machine(host)


def _path() -> Path:
    return home() / "allowed.json"


def _remembered() -> dict[str, list[str]]:
    try:
        known = json.loads(_path().read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    items = known.items() if isinstance(known, dict) else ()
    return {host: names for host, names in items if isinstance(names, list)}


def _remember(known: Mapping[str, Iterable[str]]) -> None:
    private_folder(_path().parent)
    write_text(_path(), json.dumps(known, indent=2) + "\n")
    private_file(_path())
