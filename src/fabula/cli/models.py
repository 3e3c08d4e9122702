"""`fabula models`: lists, checks and downloads language models."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import typer

from fabula.cli.console import Talk
from fabula.cli.group import new_app
from fabula.cli.options import verb
from fabula.cli.verbs import VERBS
from fabula.errors import UsageError
from fabula.render import amounts, grid

if TYPE_CHECKING:
    from fabula.llm.probe import ModelCheck
    from fabula.spec.models import ModelSpec

app = new_app(help=VERBS["models"])


@app.command("list")
def list_() -> None:
    """List the available models and what each requires."""
    from fabula.llm.client.credentials import find_key
    from fabula.llm.client.presets import COMPATIBLE, PROVIDERS
    from fabula.llm.providers.local.pull import pulled

    rows = []
    for name, provider in PROVIDERS.items():
        if name == COMPATIBLE:
            continue
        if name == "local":
            state = (
                "pulled"
                if pulled()
                else "downloaded on first use (93 MB), or by `fabula models pull local`"
            )
        elif provider.key_env and find_key(name, provider.key_env):
            state = "has a key"
        elif provider.start:
            state = f"start it: {provider.start}"
        else:
            state = f"needs {provider.key_env[0]}" if provider.key_env else "nothing needed"
        rows.append((provider.example, provider.address() or provider.title, state))
    typer.echo("\n".join(grid.lines(rows)))


@verb(app)
def check(name: str, *, spec: str | None = None) -> None:
    """Send a model one small question to check that it answers.

    Options:
        name: `local`, `openai:NAME` … or a name from the spec's models.
        spec (SPEC): The spec that defines the name.
    """
    found = asyncio.run(_check(_settings(name, spec)))
    parts = [
        f"{name} answers",
        f"model {found.model}" if found.model else "",
        f"structured replies by {found.mode}"
        if found.follows
        else "its reply is NOT the requested JSON",
        "reports tokens" if found.reports_usage else "reports no token counts, so no costs",
        amounts.duration(found.seconds),
    ]
    typer.echo(" · ".join(part for part in parts if part))


@verb(app)
def pull(talk: Talk, name: str = "local") -> None:
    """Download weights once.

    Damaged files of the embedded model are replaced.

    Options:
        name: `local`, the embedded model, or `wordllama`, the word vectors that find topics.
    """
    from fabula.llm.providers import local_embeddings

    if name == local_embeddings.NAME:
        talk.say(f"The word vectors are in `{local_embeddings.pull_words()}`")
        return
    if name != "local":
        raise UsageError(
            f"`{name}` can't be pulled by Fabula",
            code="usage.pull",
            hint="`fabula models pull local` fetches the embedded model",
        )
    from fabula.llm.providers.local.pull import pull_weights

    path = pull_weights(verify=True)
    talk.say(f"The embedded model is in `{path}` ({amounts.size(path.stat().st_size)})")


def _settings(name: str, spec: str | None) -> str | ModelSpec:
    if spec is None:
        return name
    from fabula.cli.arguments import read_spec

    return read_spec(spec).models.get(name, name)


async def _check(model: str | ModelSpec) -> ModelCheck:
    from fabula.llm.probe import check_model
    from fabula.llm.providers.catalogue import open_model

    opened = open_model(model)
    try:
        return await check_model(opened)
    finally:
        await opened.close()
