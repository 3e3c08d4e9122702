"""`fabula keys`: stores API keys in a file that only this user can read."""

from __future__ import annotations

import getpass
import os
import sys
from typing import Annotated

import typer

from fabula.cli.console import Talk
from fabula.cli.group import new_app
from fabula.cli.options import verb
from fabula.cli.verbs import VERBS
from fabula.errors import UsageError
from fabula.llm.client.credentials import key_names, remove_key, set_key
from fabula.llm.client.presets import COMPATIBLE, endpoints, preset
from fabula.render import grid

app = new_app(help=VERBS["keys"])

Provider = Annotated[str, typer.Argument(help="The provider, as in `openai:gpt-4o-mini`.")]


@verb(app, "set")
def set_(talk: Talk, provider: Provider) -> None:
    """Store a key, typed without echo or piped in."""
    name = _provider(provider)
    if sys.stdin.isatty():
        key = getpass.getpass(f"key for {name}: ", stream=sys.stderr)
    else:
        key = sys.stdin.readline()
    if not key.strip():
        raise UsageError(
            "no key was given",
            code="keys.none",
            hint=f'pipe it in: `printf %s "$KEY" | fabula keys set {name}`',
        )
    path = set_key(name, key)
    talk.say(f"Stored the key for {name} in `{path}`, which only you can read")
    talk.hint("try it with `fabula models check PROVIDER:MODEL`")


@app.command("list")
def list_() -> None:
    """List providers with a key, and where it is from.

    The key itself is never shown.
    """
    kept = set(key_names())
    rows = []
    known = endpoints()
    for name in [*known, *sorted(kept - set(known))]:
        variables = known[name].key_env if name in known else ()
        found = next((variable for variable in variables if os.environ.get(variable)), None)
        if found or name in kept:
            rows.append((name, f"variable {found}" if found else "stored by `fabula keys set`"))
    for line in grid.lines(rows) or ["no keys"]:
        typer.echo(line)


@verb(app)
def rm(talk: Talk, provider: Provider) -> None:
    """Remove a key that was stored with `set`."""
    if not remove_key(provider):
        raise UsageError(
            f"no key is stored for `{provider}`", code="keys.unknown", hint="see `fabula keys list`"
        )
    talk.say(f"Removed the key for {provider}")


def _provider(name: str) -> str:
    known = preset(name.partition(":")[0])
    if known.name == COMPATIBLE:
        raise UsageError(
            f"`{name}` is not a single provider",
            code="keys.provider",
            hint="name the variable of such a server's key in the spec: `api_key_env`",
        )
    return known.name
