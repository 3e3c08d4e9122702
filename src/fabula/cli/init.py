"""`fabula init`: a spec to start from, with the schema that editors read beside it."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fabula.cli.group import new_app
from fabula.cli.talk import Talk
from fabula.errors import SinkError, UsageError, did_you_mean

if TYPE_CHECKING:
    from fabula.spec.tables import DatasetSpec

app = new_app()


@app.command()
def init(
    ctx: typer.Context,
    *,
    template: Annotated[
        str | None, typer.Option("--template", metavar="NAME", help="The example to start from.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The file; by default `NAME.yaml`.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the file if it is there.")
    ] = False,
    source: Annotated[str | None, typer.Option("--from", hidden=True)] = None,
    prompt: Annotated[str | None, typer.Option("--prompt", hidden=True)] = None,
) -> None:
    """Write a spec to start from.

    Without a template, list the templates.
    """
    if source is not None or prompt is not None:
        raise UsageError(
            f"`{'--prompt' if source is None else '--from'}` is not available in this version",
            code="usage.not-available",
            hint="start from a template: `fabula init` lists them",
        )
    templates = {
        file.name.removesuffix(".yaml"): file.read_text(encoding="utf-8")
        for file in sorted(files("fabula").joinpath("templates").iterdir(), key=lambda it: it.name)
        if file.name.endswith(".yaml")
    }
    if template is None:
        from fabula.reports import grid

        about = [(name, _about(text)) for name, text in templates.items()]
        typer.echo("\n".join(grid.lines(about)))
        talk: Talk = ctx.obj
        talk.hint("`fabula init --template shop` writes `shop.yaml`")
        return
    if template not in templates:
        raise UsageError(
            f"there is no template `{template}`",
            code="usage.unknown-template",
            hint=did_you_mean(template, templates) or "`fabula init` lists the templates",
        )
    _write(ctx.obj, templates[template], output or Path(f"{template}.yaml"), overwrite)


def _write(talk: Talk, text: str, path: Path, overwrite: bool) -> None:
    from fabula.io.places import make_folder, write_text
    from fabula.spec.loading import parse_spec
    from fabula.spec.schema import json_schema
    from fabula.spec.writing import SCHEMA_FILE

    if path.exists() and not overwrite:
        raise SinkError(
            f"`{path}` exists already",
            code="sink.exists",
            hint="choose another file with `-o`, or pass --overwrite",
        )
    make_folder(path.parent)
    write_text(path, text)
    write_text(path.with_name(SCHEMA_FILE), json.dumps(json_schema(), indent=2) + "\n")
    talk.say(f"Wrote `{path}` — {_needs(parse_spec(text))}")
    talk.hint(f"see some rows with `fabula preview {path}`")


def _about(text: str) -> str:
    """The first sentence of a template's opening comment."""
    comments = (line.removeprefix("#").strip() for line in text.splitlines()[1:])
    return next(comment for comment in comments if comment)


def _needs(spec: DatasetSpec) -> str:
    """How many tables, and whether a language model is asked."""
    from fabula.reports import amounts
    from fabula.spec.words import Llm, Text

    asks = any(
        isinstance(column, Llm | Text)
        for table in spec.tables.values()
        for column in table.columns.values()
    )
    needs = "words by a language model" if asks else "no model or key needed"
    return f"{amounts.count(len(spec.tables), 'table')}, {needs}"
