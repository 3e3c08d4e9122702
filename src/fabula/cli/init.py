"""`fabula init`: writes a spec to start from, and the schema that editors read."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fabula.cli.arguments import Count, Names
from fabula.cli.console import Talk, pasted
from fabula.cli.options import verb
from fabula.cli.progress import progress
from fabula.errors import FabulaError, UsageError, did_you_mean
from fabula.io.templates import templates
from fabula.render import amounts, grid

if TYPE_CHECKING:
    from fabula.inference.inferred import Inferred
    from fabula.spec.tables import DatasetSpec

_PRINTED = Path("-")


@verb()
def init(
    talk: Talk,
    *,
    template: str | None = None,
    source: Annotated[str | None, "--from"] = None,
    prompt: str | None = None,
    model: str | None = None,
    rounds: Count = 3,
    fresh: bool = False,
    max_calls: Count | None = None,
    explain: bool = False,
    synthesize: Names | None = None,
    drop: Names | None = None,
    profile: bool = False,
    learn: bool = False,
    output: Path | None = None,
    overwrite: bool = False,
) -> None:
    """Write a spec to start from.

    Without --template, --from and --prompt, list the templates.

    Options:
        template (NAME): The example to start from.
        source (DATA|DATABASE|SCHEMA|module:Model): Guess a spec from a data file, a folder of
            them, a class, the schema of a database (postgresql://user@host/name, shop.sqlite,
            schema.sql), or what declares tables: openapi.yaml, a JSON Schema, manifest.json of dbt,
            .avsc, .binpb, models.py, module:Base, django:shop.settings.
        prompt (TEXT): A sentence that lists columns: '10 rows of houses: id, size (m2), price';
            with --model any sentence: 'an online shop with customers, products, orders'.
        model (NAME): With --prompt: the language model that writes it.
        rounds: Repair rounds after an invalid spec.
        fresh: Ask again instead of reusing known replies.
        max_calls: Maximum number of calls to the model.
        explain: With --from (here also a spec): recommend a method for each column, with the
            reason; write nothing.
        synthesize (COLUMNS): With --from FILE: release its rows; learn these columns, given the
            others.
        drop (COLUMNS): With --from FILE: release its rows without these columns.
        profile: With --from DATABASE: ask it for aggregates, so that sizes, shares and bounds are
            like its own. No row is read, and no rare value is named.
        learn: With --from DATABASE: read its rows, fit a synthesizer to the values of each table,
            and write it to `NAME.TABLE.fabula`; keys stay as the schema has them. Includes
            --profile.
        output: The file; by default `NAME.yaml`. `-` prints the spec.
        overwrite: Replace the file if it exists.
    """
    from fabula.io.places import check_free

    if sum(way is not None for way in (template, source, prompt)) > 1:
        raise UsageError(
            "give one of `--template`, `--from` and `--prompt`", code="usage.arguments"
        )
    given = {"explain": explain, "synthesize": synthesize, "drop": drop, "profile": profile}
    given["learn"] = learn
    if source is None and (lone := [name for name, value in given.items() if value]):
        raise UsageError(f"`--{lone[0]}` needs `--from`", code="usage.arguments")
    if model is not None and prompt is None:
        raise UsageError("`--model` needs `--prompt`", code="usage.arguments")
    if prompt is not None and not prompt.strip():
        raise UsageError(
            "`--prompt` is empty",
            code="usage.no-request",
            hint="describe the data: --prompt '10 rows of houses: id, size (m2), price'",
        )
    if prompt is not None and model is not None:
        if output is not None:
            check_free(output, overwrite=overwrite)
        spec = _asked(talk, prompt, model, rounds=rounds, fresh=fresh, max_calls=max_calls)
        _write_spec(talk, spec, output, overwrite)
    elif prompt is not None:
        _write_sentence(talk, prompt, output, overwrite)
    elif source is not None and (synthesize or drop):
        path = output or Path(f"{Path(source).stem}.yaml")
        check_free(path, overwrite=overwrite)
        _write_release(talk, Path(source), synthesize or [], drop or [], path)
    elif source is not None:
        write = partial(_write_guess, output=output, overwrite=overwrite, learn=learn)
        (_explain if explain else partial(write, profile=profile or learn))(talk, source)
    elif template is not None:
        text = _template(template)
        path = output or Path(f"{template}.yaml")
        _write(path, text, overwrite)
        needs = _needs(text)
        talk.say(f"{_done(path)} — {needs}")
        _then(talk, "see some rows with", path, needs)
    else:
        about = [(name, _about(text)) for name, text in templates(".yaml").items()]
        typer.echo("\n".join(grid.lines(about)))
        talk.hint("`fabula init --template shop` writes `shop.yaml`")


def _write_release(
    talk: Talk,
    source: Path,
    synthesize: Sequence[str],
    drop: Sequence[str],
    path: Path,
) -> None:
    from fabula.privacy.release.drafting import draft
    from fabula.spec.writing import to_yaml

    proposed = draft(source, synthesize, drop)
    _write(path, to_yaml(proposed.spec), overwrite=True)
    for line in proposed.lines():
        talk.say(line)
    talk.say(_done(path))
    if (told := proposed.warning(path)) is not None:
        talk.say(f"warning: {told[0]}")
        talk.hint(told[1])


def _write_sentence(talk: Talk, sentence: str, output: Path | None, overwrite: bool) -> None:
    from fabula.api import resolve

    try:
        spec = resolve(sentence)
    except FabulaError as error:
        also = "or name a model that writes the spec: --model openai:gpt-4o-mini"
        error.hint = f"{error.hint}; {also}" if error.hint else also
        raise
    _write_spec(talk, spec, output, overwrite)


def _asked(
    talk: Talk, prompt: str, model: str, *, rounds: int, fresh: bool, max_calls: int | None
) -> DatasetSpec:
    """The spec that a model writes for a sentence; errors are sent back for repair."""
    from fabula.api import preview, validate
    from fabula.inference.llm_spec import write_spec
    from fabula.llm.cache.budget import Budget
    from fabula.llm.rows.sync import run_sync
    from fabula.llm.session import models_of_run

    def try_out(spec: DatasetSpec) -> None:
        validate(spec)
        preview(spec, n=3, model="fake")

    with models_of_run(fresh=fresh, budget=Budget(max_calls=max_calls)) as open_model:
        chat = open_model(model)
        try:
            written = write_spec(chat, prompt, try_out=try_out, rounds=rounds)
        finally:
            run_sync(chat.close())
    known = f", {written.cached:,} more answered from the ledger" if written.cached else ""
    talk.say(f"{chat.name}: {amounts.count(written.calls, 'call')}{known}")
    return written.spec


def _done(path: Path) -> str:
    return "Printed the spec" if path == _PRINTED else f"Wrote `{path}`"


def _then(talk: Talk, what: str, path: Path, needs: str) -> None:
    """Hint at the command that shows some rows; placeholders do without the embedded model."""
    if path == _PRINTED:
        talk.hint("write it to a file: `-o NAME.yaml`")
        return
    lacks = "by a language model" in needs and find_spec("xllamacpp") is None
    talk.hint(f"{what} `fabula preview {pasted(path)}{' --model fake' * lacks}`")


def _write_spec(talk: Talk, spec: DatasetSpec, output: Path | None, overwrite: bool) -> None:
    from fabula.spec.writing import to_yaml

    path, text = output or Path(f"{spec.name}.yaml"), to_yaml(spec)
    _write(path, text, overwrite)
    needs = _needs(text)
    talk.say(f"{_done(path)} — {needs}")
    _then(talk, "check what was understood, then", path, needs)


def _write_guess(
    talk: Talk, source: str, output: Path | None, *, overwrite: bool, profile: bool, learn: bool
) -> None:
    from fabula.inference.infer import infer

    guessed = infer(source, profile=profile)
    path = output or Path(f"{guessed.spec.name}.yaml")
    if learn:
        guessed = _learned(talk, source, guessed, path, overwrite=overwrite)
    _write(path, guessed.to_yaml(), overwrite)
    talk.say(f"{guessed}\n{_done(path)}; {guessed.untouched}")
    _then(talk, "correct the guesses (each line says why), then", path, "")


def _learned(
    talk: Talk, source: str, guessed: Inferred, path: Path, *, overwrite: bool
) -> Inferred:
    """A spec whose values are learned from the rows of a database."""
    from fabula.databases.rows import tables_at
    from fabula.inference.schemas.schema import InferredSchema
    from fabula.io.places import check_free
    from fabula.synthesizers.declared import with_learned

    assert isinstance(guessed, InferredSchema)  # `profile` is refused for all others
    files = {name: path.with_name(f"{path.stem}.{name}.fabula") for name in guessed.spec.tables}
    for file in (path, *files.values()):
        check_free(file, overwrite=overwrite)
    with progress(talk) as watch:
        return with_learned(guessed, tables_at(source), files.__getitem__, progress=watch)


def _explain(talk: Talk, source: str) -> None:
    """Recommend a method for each column of data, a class or a spec."""
    from fabula.inference.advice import advice
    from fabula.inference.infer import infer
    from fabula.inference.resolve import load

    is_spec = Path(source).suffix in (".yaml", ".yml")
    advised = advice(load(source), {}) if is_spec else infer(source).advice
    several = len({each.table for each in advised}) > 1
    rows = [("column", "way", "kind", "because")]
    for each in advised:
        name = f"{each.table}.{each.column}" if several else each.column
        rows.append((grid.one_line(name), each.way, each.kind, grid.one_line(each.reason)))
    typer.echo("\n".join(grid.lines(rows)))
    if not is_spec:
        talk.hint(f"`fabula init --from {pasted(source)}` writes the spec")


def _write(path: Path, text: str, overwrite: bool) -> None:
    """Write a spec, and next to it the schema that editors look for; print it for `-`."""
    from fabula.io.formats import written_formats
    from fabula.io.places import check_free, make_folder, write_json, write_text
    from fabula.spec.schema import json_schema
    from fabula.spec.writing import SCHEMA_FILE

    if path == _PRINTED:
        typer.echo(text, nl=False)
        return
    check_free(path, overwrite=overwrite)
    make_folder(path.parent)
    write_text(path, text)
    write_json(path.with_name(SCHEMA_FILE), json_schema(written_formats()))


def _template(name: str) -> str:
    known = templates(".yaml")
    if name not in known:
        raise UsageError(
            f"there is no template `{name}`",
            code="usage.unknown-template",
            hint=did_you_mean(name, known) or "`fabula init` lists the templates",
        )
    return known[name]


def _about(text: str) -> str:
    """The first sentence of a template's opening comment."""
    comments = (line.removeprefix("#").strip() for line in text.splitlines()[1:])
    return next(comment for comment in comments if comment)


def _needs(text: str) -> str:
    """A spec's number of tables, and whether it needs a language model."""
    from fabula.kinds.base.columns import AbstractFilled
    from fabula.spec.loading import parse_spec

    spec = parse_spec(text)
    asks = any(
        isinstance(column, AbstractFilled)
        for table in spec.tables.values()
        for column in table.columns.values()
    )
    needs = "text by a language model" if asks else "no model or key needed"
    return f"{amounts.count(len(spec.tables), 'table')}, {needs}"
