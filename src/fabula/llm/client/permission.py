"""What a spec may do only with permission, which the user gives once.

A spec names hosts and environment variables: providers' own hosts and this machine are trusted; any
other host gets a secret only with permission. A spec also names files of Python code: each runs
only with permission, which covers its current content.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fabula.errors import UsageError
from fabula.io.places import write_text
from fabula.llm.client.presets import PROVIDERS, is_this_machine
from fabula.llm.client.user_dirs import home, private_file, private_folder

VARIABLE = re.compile(r"\$\{(\w+)\}")
DENIED, CODE_DENIED = "model.allow-env", "usage.allow-code"

_HOSTS, _CODE = "allowed.json", "allowed-code.json"
_FORMS: Mapping[str, type] = {_HOSTS: list, _CODE: str}
"""The permission files, and what each contains by name: variables, or a hash."""

Ask = Callable[[str], bool]
"""Asks the user a question; returns whether the answer is yes."""

_granted: set[str] = set()
_code: set[Path] = set()
_ask: list[Ask] = []


def grant(names: Iterable[str], *, code: Iterable[str] = (), ask: Ask | None = None) -> None:
    """Let this command send these variables to the hosts of its spec, and run these files of code.

    Raises:
        UsageError: There is no such file.
    """
    _granted.clear()
    _granted.update(names)
    _code.clear()
    permit_code(code)
    _ask[:] = [ask] if ask else []


def granted() -> tuple[list[str], list[str]]:
    """The variables and the files of code that this command was let use, for its processes."""
    return sorted(_granted), sorted(str(file) for file in _code if file.is_file())


def permit_code(files: Iterable[str]) -> None:
    """Let specs run the functions of these files.

    Raises:
        UsageError: There is no such file.
    """
    for file in files:
        if not Path(file).is_file():
            raise UsageError(f"there is no file `{file}` to allow", code="usage.file")
        _code.add(Path(file).resolve())


def check_code(path: Path, sha256: str, *, spec: bool = True) -> None:
    """Make sure that a file of code may run as it is; the user is asked where that is possible.

    Args:
        path: The file.
        sha256: The hash of what is in it.
        spec: Whether a spec runs it, and not `init --from`.

    Raises:
        UsageError: It is not allowed, or it changed since.
    """
    known = _remembered(_CODE)
    if known.get(str(path)) == sha256:
        return
    state = "changed since you allowed it" if str(path) in known else "not allowed yet"
    runs = "the spec runs" if spec else "`--from` runs"
    told = f"{runs} Python code of `{path}`, {state} (SHA-256 {sha256[:12]})"
    if path not in _code and not any(ask(f"{told}; allow it, from now on?") for ask in _ask):
        shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
        loads = f", or in Python call `fb.load(…, allow_code={str(shown)!r})`" * spec
        raise UsageError(
            told,
            code=CODE_DENIED,
            hint=f"read it; then add `--allow-code {shlex.quote(str(shown))}` to the"
            f" command{loads}; it is remembered",
        )
    _remember(_CODE, {**known, str(path): sha256})


def sent(
    base_url: str | None, api_key_env: str | None, headers: Mapping[str, str]
) -> tuple[str, tuple[str, ...]]:
    """The host of a spec's model, and the variables that it gets."""
    host = (urlsplit(base_url).hostname or "") if base_url else ""
    names = [api_key_env, *(name for text in headers.values() for name in VARIABLE.findall(text))]
    return host, tuple(dict.fromkeys(filter(None, names)))


def check_sent(host: str, names: Iterable[str]) -> None:
    """Ensure that a host may get variables; ask the user if possible.

    Raises:
        UsageError: It is not allowed.
    """
    if not host or _is_trusted(host):
        return
    known = _remembered(_HOSTS)
    denied = [name for name in names if name not in known.get(host, ())]
    missing = [name for name in denied if name not in _granted]
    if missing and not any(ask(f"{_sends(missing, host)}; allow it from now on?") for ask in _ask):
        options = " ".join(f"--allow-env {name}" for name in missing)
        raise UsageError(
            _sends(missing, host),
            code=DENIED,
            hint=f"to allow this, add `{options}` to the command; it is remembered",
        )
    if denied:
        _remember(_HOSTS, {**known, host: sorted({*known.get(host, ()), *denied})})


def _sends(names: Iterable[str], host: str) -> str:
    return f"the spec sends {', '.join(f'${name}' for name in names)} to {host}"


def _is_trusted(host: str) -> bool:
    known = {urlsplit(item.base_url).hostname for item in PROVIDERS.known().values()}
    return host in known or is_this_machine(host)


def _remembered(file: str) -> dict[str, Any]:
    """The content of a permission file: texts by name, or lists of them."""
    try:
        known = json.loads((home() / file).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    items = known.items() if isinstance(known, dict) else ()
    return {name: given for name, given in items if isinstance(given, _FORMS[file])}


def _remember(file: str, known: Mapping[str, Any]) -> None:
    private_folder(home())
    write_text(home() / file, json.dumps(known, indent=2) + "\n")
    private_file(home() / file)
