"""`fabula fit`: learn a table, or several related ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from fabula.cli.arguments import read_names, read_spec
from fabula.cli.console import Talk, pasted
from fabula.cli.group import new_app
from fabula.cli.progress import progress
from fabula.errors import UsageError

app = new_app()


@app.command()
def fit(
    ctx: typer.Context,
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="A file, or a folder of related tables.")
    ],
    *,
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help="What to write, such as `people.fabula`."),
    ],
    model: Annotated[
        str, typer.Option("--model", metavar="NAME", help="Synthesizer; `auto` takes `boosted`.")
    ] = "auto",
    holdout: Annotated[
        float,
        typer.Option("--holdout", metavar="SHARE", help="Share of rows held out of training."),
    ] = 0.2,
    holdout_output: Annotated[
        Path | None,
        typer.Option("--holdout-output", help="File for these rows, for `fabula evaluate`."),
    ] = None,
    training_output: Annotated[
        Path | None,
        typer.Option("--training-output", help="File for the other rows, for `fabula evaluate`."),
    ] = None,
    spec: Annotated[
        str | None,
        typer.Option(
            "--spec",
            help="A spec whose row checks every sample keeps; of several tables, their keys.",
        ),
    ] = None,
    protect: Annotated[
        int,
        typer.Option(
            "--protect",
            min=0,
            metavar="ROWS",
            help="Never reproduce labels with fewer rows than this, nor this many extreme numbers.",
        ),
    ] = 10,
    epsilon: Annotated[
        float | None,
        typer.Option(
            "--epsilon",
            metavar="EPS",
            help="Learn with differential privacy: the ε to spend, such as 1; smaller is more "
            "private. Needs --domain and the extra `privacy`.",
        ),
    ] = None,
    delta: Annotated[
        float, typer.Option("--delta", help="The δ of it, well below one over the rows.")
    ] = 1e-6,
    domain: Annotated[
        Path | None,
        typer.Option(
            "--domain",
            metavar="FILE",
            help='JSON: each column\'s labels (a list), bounds ("17..90"), or null to leave it '
            "out; needed with --epsilon.",
        ),
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(
            "--key",
            metavar="CHILD.COLUMN=PARENT.COLUMN",
            help="A foreign key that was not found; columns of one are joined by `+`; repeatable.",
        ),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            "--keep",
            metavar="TABLE",
            help="Table to keep as it is, with its real rows; repeatable.",
        ),
    ] = None,
    sensitive: Annotated[
        str,
        typer.Option(
            "--sensitive",
            metavar="COLUMNS",
            help="Columns that are replaced whatever they hold, or else left out.",
        ),
    ] = "",
    orphans: Annotated[
        Literal["drop", "keep"],
        typer.Option(
            "--orphans",
            help="Rows of related tables whose foreign key no parent has: left out, or their "
            "share kept.",
        ),
    ] = "drop",
    exact: Annotated[
        bool,
        typer.Option(
            "--exact/--no-exact",
            help="Keep what holds on every row, such as total = price * quantity, in every sample.",
        ),
    ] = True,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", metavar="NAME=VALUE", help="Option of the model; repeatable."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Decides everything random.")] = 0,
) -> None:
    """Fit a synthesizer to a table, for `fabula sample`.

    The file holds no row of the data. Identifiers are newly generated and free text is left out, as
    the card that is printed says. Related tables are learned together, with their keys, and written
    as a folder.
    """
    from fabula.io.formats import format_of
    from fabula.io.places import check_free, make_folder
    from fabula.io.tables import forms_in
    from fabula.io.write import write_table
    from fabula.synthesizers.fitting import fit
    from fabula.synthesizers.multitable.database import RelationalSynthesizer

    talk: Talk = ctx.obj
    check_free(output, overwrite=True, folder=output.is_dir())
    parts = [file for file in (training_output, holdout_output) if file is not None]
    for file in parts:
        format_of(file)
        check_free(file, overwrite=True)
    _differ(data, output, *parts)
    tables = forms_in(data)
    if len(tables) > 1 and parts:
        raise UsageError(
            "several tables are learned from all of their rows: there are no parts to write",
            code="usage.several-tables",
            hint="leave --training-output and --holdout-output out, or fit one table",
        )
    with progress(talk) as watch:
        synthesizer = fit(
            tables,
            model=model,
            holdout=holdout,
            seed=seed,
            spec=read_spec(spec) if spec else None,
            protect=protect,
            epsilon=epsilon,
            delta=delta,
            domain=None if domain is None else _domain(domain),
            keys=dict(map(_key, key or [])),
            keep=keep or (),
            sensitive=read_names(sensitive),
            orphans=orphans,
            exact=exact,
            progress=watch,
            **_options(option or []),
        )
    talk.say(str(synthesizer.card()))
    if personal := synthesizer.personal:
        talk.say(
            f"warning: personal details in {len(personal)} column{'s' * (len(personal) != 1)}, "
            f"not reproduced: {', '.join(f'`{name}`' for name in personal)}"
        )
    make_folder(output.parent)
    synthesizer.save(output)
    talk.say(f"Wrote `{output}`")
    if isinstance(synthesizer, RelationalSynthesizer):
        talk.hint(f"make the tables with `fabula sample {pasted(output)} -o made/`")
        return
    for part, rows, what in (
        (training_output, synthesizer.training, "learned"),
        (holdout_output, synthesizer.holdout, "not learned"),
    ):
        if part is not None and rows is None:
            talk.say(f"warning: `{part}` was not written: no row was kept out of training")
        elif part is not None:
            make_folder(part.parent)
            write_table(part, rows, rows.schema, format_of(part))
            talk.say(f"Wrote `{part}` ({rows.num_rows:,} rows that were {what} from)")
    talk.hint(f"draw rows with `fabula sample {pasted(output)} -n 1000 -o rows.parquet`")


def _differ(*files: Path) -> None:
    """Refuse to write two things to one place, or over the data."""
    known: set[Path] = set()
    for file in files:
        if file.resolve() in known:
            raise UsageError(
                f"`{file}` is named twice: as the data, or for two files to write",
                code="usage.same-file",
                where=str(file),
                hint="give every file a name of its own",
            )
        known.add(file.resolve())


def _domain(file: Path) -> Any:
    """What a file says of the columns."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise UsageError(
            f"`{file}` can't be read as JSON: {exc}",
            code="usage.domain",
            where=str(file),
            hint='write `{"age": "17..90", "sex": ["F", "M"], "note": null}`',
        ) from exc


def _key(text: str) -> tuple[str, str]:
    """`"orders.buyer=people.id"` as its two sides."""
    child, _, parent = (part.strip() for part in text.partition("="))
    if "." not in child or "." not in parent:
        raise UsageError(
            f"`--key {text}` is not a foreign key",
            code="usage.key",
            hint="write `--key orders.buyer=people.id`",
        )
    return child, parent


def _options(texts: list[str]) -> dict[str, Any]:
    """`["rounds=50"]` as `{"rounds": 50}`; what is not a JSON value is text."""
    options: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(
                f"`--option {text}` gives no value",
                code="usage.option",
                hint=f"write `--option {text}=VALUE`",
            )
        try:
            options[name.strip()] = json.loads(value)
        except ValueError:
            options[name.strip()] = value
    return options
